"""Quantising a network of any family: `quantise_network`, `network_accuracy`, `default_bits`,
`card_rows`."""

from __future__ import annotations

import numpy as np

from compact_proofs.extract.modular import QuantisedModular, quantise_modular
from compact_proofs.extract.modular_fold import fold
from compact_proofs.extract.modular_form import check_form
from compact_proofs.extract.quantise import Accuracy, QuantisedModel, accuracy, quantise
from compact_proofs.extract.rounding import QuantisedNetwork
from compact_proofs.models.config import ModelConfig
from compact_proofs.models.evaluate import LIMIT, Disagreement, Evaluation
from compact_proofs.models.modular import evaluate
from compact_proofs.models.modular.config import ModularConfig
from compact_proofs.models.modular.weights import ModularWeights
from compact_proofs.models.weights import Weights

AnyConfig = ModelConfig | ModularConfig
AnyWeights = Weights | ModularWeights
DEFAULT_BITS = 8
BITS = {"modular_pizza": 6}  # its five products in a row would leave 62 bits with more


def default_bits(config: AnyConfig) -> int:
    """Return the bits of a weight, sign included, where the user gives none."""
    return BITS.get(config.family, DEFAULT_BITS)


def quantise_network(config: AnyConfig, weights: AnyWeights, weight_bits: int | None = None) -> QuantisedNetwork:
    """Round a network of any family to integers.

    Raises: as `quantise` and `quantise_modular`.
    """
    bits = default_bits(config) if weight_bits is None else weight_bits
    if isinstance(config, ModularConfig):
        assert isinstance(weights, ModularWeights)
        return quantise_modular(config, weights, bits)
    assert isinstance(weights, Weights)
    return quantise(config, weights, bits)


def network_accuracy(config: AnyConfig, weights: AnyWeights, quantised: QuantisedNetwork, limit: int = LIMIT) -> Accuracy:
    """Evaluate the float and the quantised network, over all inputs, or a sample of a max_of_k with more than `limit`."""
    if isinstance(config, ModularConfig):
        assert isinstance(weights, ModularWeights) and isinstance(quantised, QuantisedModular)
        return modular_accuracy(config, weights, quantised)
    assert isinstance(weights, Weights) and isinstance(quantised, QuantisedModel)
    return accuracy(config, weights, quantised, limit)


def modular_accuracy(config: ModularConfig, weights: ModularWeights, quantised: QuantisedModular) -> Accuracy:
    """Evaluate both networks over all pairs: the float one in float64, the quantised one exactly, in integers.

    Raises: InputRefused: a network that the checker refuses.
    """
    form = fold(quantised)
    check_form(form)
    of_float = evaluate.logits(config, weights.matrices())
    exact = Evaluation(int(form.right().sum()), 0, config.n_inputs, True)
    differ = sum(int(np.sum(form.values(a).argmax(-1) != of_float[a].argmax(-1))) for a in range(config.modulus))
    return Accuracy(evaluate.count_right_modular(config, weights), exact, Disagreement(differ, config.n_inputs, True))


def card_rows(config: AnyConfig, weights: AnyWeights) -> list[tuple[str, str]]:
    """Return what a model card says of the network in the default bits; given to the training commands."""
    quantised = quantise_network(config, weights)
    return accuracy_rows(quantised, network_accuracy(config, weights, quantised))


def accuracy_rows(quantised: QuantisedNetwork, found: Accuracy) -> list[tuple[str, str]]:
    """Return what a model card says of a quantised network."""
    return [
        (f"quantised to {quantised.weight_bits} bits", found.quantised.in_words()),
        ("float and quantised network", found.disagreement.in_words()),
        (f"sha256 of the {quantised.weight_bits}-bit integers", quantised.sha256),
    ]


def smt_texts(quantised: QuantisedNetwork) -> dict[str, str]:
    """Return the SMT-LIB 2 files of a small network by name.

    Raises: InputRefused: a network too large for the form.
    """
    if isinstance(quantised, QuantisedModular):
        from compact_proofs.extract.modular_z3 import smtlib as modular_smtlib

        return {f"{verdict}.smt2": modular_smtlib(quantised, verdict) for verdict in ("right", "wrong")}
    from compact_proofs.extract.z3_terms import smtlib

    assert isinstance(quantised, QuantisedModel)
    return {f"{verdict}.smt2": smtlib(quantised, verdict) for verdict in ("right", "wrong")}
