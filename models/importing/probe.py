"""Is it the network that the user means? `check_probe` against the user's own logits, `suspicion` without them.

A square matrix does not show that it is transposed, and no file shows what scores are divided by. So what the user gives is
recomputed; where it disagrees, or where few inputs are right, the same is tried with square matrices transposed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping

import numpy as np

from compact_proofs.models import evaluate
from compact_proofs.models.config import ModelConfig
from compact_proofs.models.errors import ConfigError
from compact_proofs.models.importing.config import Probe
from compact_proofs.models.modular import evaluate as modular_evaluate
from compact_proofs.models.modular.config import ModularConfig
from compact_proofs.models.modular.tasks import answers
from compact_proofs.models.tasks import random_inputs, true_answer

TOLERANCE = 1e-4  # of a logit
RELATIVE = 1e-5  # or this, of the largest logit of its row: what float32 leaves
SAMPLE = 2000
Matrices = Mapping[str, np.ndarray]
AnyConfig = ModelConfig | ModularConfig


def logits(config: AnyConfig, matrices: Matrices, inputs: np.ndarray) -> np.ndarray:
    """Compute the logits of inputs, int64 (count, n_ctx), from float64 matrices: (count, outputs)."""
    if isinstance(config, ModularConfig):
        return modular_evaluate.logits_of_pairs(config, matrices, inputs[:, 0], inputs[:, 1])
    scaled = dict(matrices)
    scaled["W_Q_scaled"] = scaled.pop("W_Q") / math.sqrt(config.d_head)
    return evaluate.logits(evaluate.token_tables(**scaled), inputs)


def check_probe(config: AnyConfig, matrices: Matrices, probe: Probe) -> float:
    """Return the largest difference of a logit from the user's. Raises: ConfigError: one beyond the tolerance."""
    differences = np.abs(logits(config, matrices, probe.tokens) - probe.logits)
    if np.all(differences <= _tolerance(probe)):
        return float(differences.max())
    row, output = (int(one) for one in np.unravel_index((differences - _tolerance(probe)).argmax(), differences.shape))
    mine = float(logits(config, matrices, probe.tokens[row : row + 1])[0, output])
    advice = "the layout, attn_scale or sizes are not those of this network, or the logits of other weights or not in float32"
    for words, variant in _variants(config, matrices, scales=True):
        if np.all(np.abs(logits(config, variant, probe.tokens) - probe.logits) <= _tolerance(probe)):
            advice = f"with {words} all rows agree: correct the layout, attn_scale or the tensors"
            break
    raise ConfigError(
        f"config: probe: row {row}, tokens {probe.tokens[row].tolist()}: logit {output} is {mine:.6g} by the weights read and "
        f"{probe.logits[row, output]:.6g} by you; {advice}"
    )


def share_right(config: AnyConfig, matrices: Matrices) -> float:
    """Return the share of a seeded sample of inputs that is answered right."""
    inputs = random_inputs(config.d_vocab, config.n_ctx, SAMPLE)
    correct = answers(config)[inputs[:, 0], inputs[:, 1]] if isinstance(config, ModularConfig) else true_answer(inputs)
    return float(np.mean(logits(config, matrices, inputs).argmax(1) == correct))


def suspicion(config: AnyConfig, matrices: Matrices) -> str | None:
    """Return a warning where under half of a sample of inputs is right, with what transposing square matrices would do."""
    right = share_right(config, matrices)
    if right >= 0.5:
        return None
    found = [(share_right(config, variant), words) for words, variant in _variants(config, matrices, scales=False)]
    best, words = max(found, default=(0.0, ""), key=lambda one: one[0])
    if best < max(0.5, 2 * right):
        return f"only {right:.1%} of {SAMPLE:,} sampled inputs are right: is this a network for this task?"
    return (
        f"only {right:.1%} of {SAMPLE:,} sampled inputs are right, but {best:.1%} with {words}: is this the layout of the file?"
    )


def _tolerance(probe: Probe) -> np.ndarray:
    return np.maximum(TOLERANCE, RELATIVE * np.abs(probe.logits).max(1, keepdims=True))


def _variants(config: AnyConfig, matrices: Matrices, scales: bool) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yield the network with some square matrices transposed, fewest first; if `scales`, with scores scaled otherwise too."""
    square = [name for name, matrix in matrices.items() if matrix.shape[0] == matrix.shape[1] > 1]
    factors = {"": 1.0}
    if scales and isinstance(config, ModelConfig) and config.d_head > 1:
        root = math.sqrt(config.d_head)
        factors |= {f"scores {root:g} times those of the config": root, f"scores 1/{root:g} of those of the config": 1 / root}
    for count in range(len(square) + 1):
        for chosen in itertools.combinations(square, count):
            for scaling, factor in factors.items():
                words = " and ".join(part for part in (f"{', '.join(chosen)} transposed" * bool(chosen), scaling) if part)
                if words:
                    variant = {name: matrix.T if name in chosen else matrix for name, matrix in matrices.items()}
                    if factor != 1:
                        variant["W_Q"] = variant["W_Q"] * factor
                    yield words, variant
