"""How far quantising moves the logits: `largest_logit_change`. Measured in float64, no part of a proof."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from compact_proofs.extract.families import AnyConfig, AnyWeights
from compact_proofs.extract.rounding import QuantisedNetwork
from compact_proofs.models.evaluate import float_tables, logits, token_tables
from compact_proofs.models.modular import evaluate as modular_evaluate
from compact_proofs.models.modular.config import ModularConfig
from compact_proofs.models.modular.weights import ModularWeights
from compact_proofs.models.tasks import all_inputs, n_inputs, random_inputs
from compact_proofs.models.weights import Weights

LIMIT = 2**14  # inputs; more are sampled
CHUNK = 2**11


@dataclass(frozen=True, slots=True)
class LogitChange:
    """The largest change of a logit on `total` inputs, and the largest logit of the float network there."""

    largest: float
    largest_logit: float
    total: int
    exhaustive: bool

    def in_words(self) -> str:
        """Return, for example, "0.0312 on 64 inputs; largest logit 20.1"."""
        inputs = "inputs" if self.exhaustive else "sampled inputs"
        return f"{self.largest:.3g} on {self.total:,} {inputs}; largest logit {self.largest_logit:.3g}"


def largest_logit_change(config: AnyConfig, weights: AnyWeights, quantised: QuantisedNetwork) -> LogitChange:
    """Compare the float network with the quantised one, on all inputs or on a seeded sample of 2^14."""
    total = n_inputs(config)
    exhaustive = total <= LIMIT
    inputs = all_inputs(config.d_vocab, config.n_ctx) if exhaustive else random_inputs(config.d_vocab, config.n_ctx, LIMIT)
    rounded = {name: matrix.to_float() for name, matrix in quantised.matrices().items()}
    if not isinstance(config, ModularConfig):
        assert isinstance(weights, Weights)
        rounded["W_Q_scaled"] = rounded.pop("W_Q")
        of_float, of_rounded = float_tables(config, weights), token_tables(**rounded)
    largest = largest_logit = 0.0
    for start in range(0, len(inputs), CHUNK):
        some = inputs[start : start + CHUNK]
        if isinstance(config, ModularConfig):
            assert isinstance(weights, ModularWeights)
            first, second = some.T
            before = modular_evaluate.logits_of_pairs(config, weights.in_float64(), first, second)
            after = modular_evaluate.logits_of_pairs(config, rounded, first, second)
        else:
            before, after = logits(of_float, some), logits(of_rounded, some)
        largest = max(largest, float(np.abs(after - before).max()))
        largest_logit = max(largest_logit, float(np.abs(before).max()))
    assert math.isfinite(largest)
    return LogitChange(largest, largest_logit, len(inputs), exhaustive)
