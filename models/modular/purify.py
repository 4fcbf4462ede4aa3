"""The network whose every neuron is one cosine: `fold_float`, `purify`, `purify_command`. Numpy only.

Purification makes ANOTHER network, to match what the trained one is explained to do; its own name, config and card say
so. Each neuron's two inputs, as functions of the token, are replaced by one cosine (their mean component at its dominant
frequency), its outputs by their component at the same frequency; constants, harmonics and the path around the neurons
are dropped. Source: docs/modular_addition.md, sections 1 and 3.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compact_proofs.models.errors import ConfigError
from compact_proofs.models.modular.card import card_text
from compact_proofs.models.modular.config import CANONICAL, ModularConfig, PurifiedFrom
from compact_proofs.models.modular.evaluate import count_right_modular
from compact_proofs.models.modular.weights import ModularWeights
from compact_proofs.models.weights import TRAINED, check_shapes, load_model, save_model, weights_to_bytes

CardRows = Callable[[ModularConfig, ModularWeights], list[tuple[str, str]]]


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """A network as logit[a, b] = P[a] + Q[b] + act(L[a] + R[b]) U, float64.

    L, R (p, d_mlp); U (d_mlp, p); P, Q (p, p), zero but for modular_pizza and canonical networks. act is the config's
    `activation`.
    """

    L: np.ndarray
    R: np.ndarray
    U: np.ndarray
    P: np.ndarray
    Q: np.ndarray


def fold_float(config: ModularConfig, weights: ModularWeights) -> Folded:
    """Multiply out what depends on one token, in float64.

    Raises: ShapeError, WeightsError: weights that disagree with the config.
    """
    check_shapes(config, weights)
    W = weights.in_float64()
    if config.family in CANONICAL:
        return Folded(**W)
    E = W["W_E"]
    F = W.get("W_E_b", E)
    none = np.zeros((config.modulus, config.modulus))
    if config.family in ("modular_quadratic", "modular_folded"):
        return Folded(E, F, W["W_U"], none, none)
    if config.family == "modular_relu":
        return Folded(E @ W["W_in"], F @ W["W_in"], W["W_out"] @ W["W_U"], none, none)
    x0, x1 = E + W["W_pos"][0], E + W["W_pos"][1]
    first = x0 / 2 @ W["W_V"] @ W["W_O"]
    second = x1 + x1 / 2 @ W["W_V"] @ W["W_O"]
    return Folded(
        L=first @ W["W_in"] + W["b_in"],
        R=second @ W["W_in"],
        U=W["W_out"] @ W["W_U"],
        P=first @ W["W_U"],
        Q=(second + W["b_out"]) @ W["W_U"],
    )


def purify(config: ModularConfig, weights: ModularWeights) -> tuple[ModularConfig, ModularWeights]:
    """Return the purified network, family modular_folded, named NAME_purified.

    Its first embedding is A[j] cos(w a + t) for neuron j, its second the same function of s b (s the sign of the
    operation), so tied for addition; its output is B cos(w c + u), all three of one frequency w = 2 pi k / p.

    Raises: ConfigError: a network with squares, or one that is purified already.
    """
    if config.activation == "square" or config.purified_from is not None:
        raise ConfigError(f"config: {config.name} is {config.family}; wanted a trained network with ReLU, not a purified one")
    p, folded = config.modulus, fold_float(config, weights)
    tokens = np.arange(p)
    inputs = (_components(folded.L) + _components(folded.R[config.coefficient * tokens % p])) / 2
    outputs = _components(folded.U.T)
    strongest = np.abs(inputs[1 : (p + 1) // 2]).argmax(0) + 1  # one of 1 .. (p-1)/2 per neuron
    neurons = np.arange(config.d_mlp)
    waves = np.exp(2j * np.pi * (tokens[:, None] * strongest % p) / p)  # token, neuron
    embedding = (inputs[strongest, neurons] * waves).real
    unembedding = (outputs[strongest, neurons] * waves).real.T
    matrices = {"W_E": embedding}
    if config.operation == "subtraction":
        matrices["W_E_b"] = embedding[config.coefficient * tokens % p]
    matrices["W_U"] = unembedding
    source = PurifiedFrom(config.name, hashlib.sha256(weights_to_bytes(weights)).hexdigest())
    purified = ModularConfig(
        name=f"{config.name}_purified",
        family="modular_folded",
        modulus=p,
        operation=config.operation,
        tied=config.operation == "addition",
        d_model=None,
        d_mlp=config.d_mlp,
        d_attn=None,
        purified_from=source,
    )
    return purified, ModularWeights({name: matrix.astype(np.float32) for name, matrix in matrices.items()})


def purify_command(name_or_path: str | Path, out_dir: Path = TRAINED, card_rows: CardRows | None = None) -> Path:
    """Purify a model and save the result beside its card, with the accuracy before and after; return its .json.

    `card_rows` adds rows to the card (the quantised accuracy, say).
    """
    config, weights = load_model(name_or_path)
    if not isinstance(config, ModularConfig):
        raise ConfigError(f"config: {config.name} is {config.family}; wanted a modular-arithmetic network with ReLU")
    purified, new_weights = purify(config, weights)
    rows = [
        (
            "made from",
            f"{config.name} ({config.family}), weights file sha256 {hashlib.sha256(weights_to_bytes(weights)).hexdigest()}: "
            f"every neuron's inputs and outputs replaced by their cosine at its dominant frequency, all else dropped",
        ),
        (f"float network before ({config.name})", count_right_modular(config, weights).in_words()),
        ("float network", count_right_modular(purified, new_weights).in_words()),
        *(card_rows(purified, new_weights) if card_rows else []),
    ]
    return save_model(purified, new_weights, out_dir, card_text(purified, new_weights, rows))


def _components(columns: np.ndarray) -> np.ndarray:
    """Return for each frequency k and column the z with column[a] = sum over k < p/2 of Re(z exp(2 pi i k a / p)), k > 0."""
    return 2 * np.fft.fft(columns, axis=0) / len(columns)
