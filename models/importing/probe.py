"""Is it the network that the user means? `check_probe` against the user's own logits, `suspicion` without them.

A square matrix does not show that it is transposed, and no file shows what scores are divided by; and safetensors.numpy writes an
array that is not in row order, such as a transposed one, as it lies in memory, under its shape. So what the user gives is
recomputed; where it disagrees, or where few inputs are right, the same is tried with matrices transposed, or put in order.
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
GOOD = 0.9  # share of right inputs that is not suspicious
MOST_CHANGED = 3  # matrices that are read otherwise at the same time; or all
SCRAMBLED = "column by column (numpy.ascontiguousarray before saving)"
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
    scale = ", attn_scale" if isinstance(config, ModelConfig) else ""
    advice = f"the layout{scale} or sizes are not those of this network, or the logits of other weights or not in float32"
    for words, variant in _variants(config, matrices, scales=True):
        if np.all(np.abs(logits(config, variant, probe.tokens) - probe.logits) <= _tolerance(probe)):
            advice = f"with {words} all rows agree: correct the layout{scale} or the tensors"
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
    """Return a warning where few of a sample of inputs are right, or where matrices read otherwise would make far more right."""
    right = share_right(config, matrices)
    if right >= GOOD:
        return None
    found = [(share_right(config, variant), words) for words, variant in _variants(config, matrices, scales=False)]
    best, words = max(found, default=(0.0, ""), key=lambda one: one[0])
    if best < (2 * right if right < 0.5 else 1 - (1 - right) / 4) or best < 0.5:
        few = f"only {right:.1%} of {SAMPLE:,} sampled inputs are right: is this a network for this task?"
        return few if right < 0.5 else None
    return (
        f"only {right:.1%} of {SAMPLE:,} sampled inputs are right, but {best:.1%} with {words}: is this the layout of the file?"
    )


def _tolerance(probe: Probe) -> np.ndarray:
    return np.maximum(TOLERANCE, RELATIVE * np.abs(probe.logits).max(1, keepdims=True))


def _variants(config: AnyConfig, matrices: Matrices, scales: bool) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Yield the network with some matrices read otherwise, fewest first; if `scales`, with scores scaled otherwise too.

    A square matrix is transposed; of another shape, its numbers are taken to lie column by column.
    """
    others = {name: matrix.reshape(matrix.shape[::-1]).T for name, matrix in matrices.items() if min(matrix.shape) > 1}
    square = [name for name in others if matrices[name].shape[0] == matrices[name].shape[1]]
    factors = {"": 1.0}
    if scales and isinstance(config, ModelConfig) and config.d_head > 1:
        root = math.sqrt(config.d_head)
        factors |= {f"scores {root:g} times those of the config": root, f"scores 1/{root:g} of those of the config": 1 / root}
    few = (one for count in range(MOST_CHANGED + 1) for one in itertools.combinations(others, count))
    turned = (one for count in range(len(square) + 1) for one in itertools.combinations(square, count))
    for chosen in sorted(dict.fromkeys((*few, *turned, tuple(others))), key=len):
        scrambled = [name for name in chosen if name not in square]
        transposed = [name for name in chosen if name in square]
        read = (f"{', '.join(names)} {how}" for names, how in ((transposed, "transposed"), (scrambled, SCRAMBLED)) if names)
        said = " and ".join(read)
        for scaling, factor in factors.items():
            if words := " and ".join(part for part in (said, scaling) if part):
                variant = {name: others[name] if name in chosen else matrix for name, matrix in matrices.items()}
                if factor != 1:
                    variant["W_Q"] = variant["W_Q"] * factor
                yield words, variant
