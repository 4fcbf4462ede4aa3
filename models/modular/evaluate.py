"""How many pairs a modular-arithmetic network answers right: all p^2 of them, in float64 numpy (`count_right_modular`).

A tie is wrong. Nothing here is part of a proof: a gap that rounding could have made or undone is `undecided`.
"""

from collections.abc import Mapping

import numpy as np

from compact_proofs.models.evaluate import Disagreement, Evaluation
from compact_proofs.models.modular.config import CANONICAL, ModularConfig
from compact_proofs.models.modular.tasks import answers
from compact_proofs.models.modular.weights import ModularWeights
from compact_proofs.models.weights import check_shapes

MARGIN = 1e-12  # rounding, relative to the same network run on absolute values (sums of about 1000 terms)


def logits(config: ModularConfig, matrices: Mapping[str, np.ndarray]) -> np.ndarray:
    """Compute the logits of all pairs from float64 matrices.

    Args:    matrices: by name, shapes of `config.shapes()`; of floats, or of integers that float64 holds exactly.
    Returns: float64 (p, p, p): first token, second token, class.
    Source:  the formulas at the head of config.py.
    """
    second = np.arange(config.modulus)
    result = np.empty((config.modulus,) * 3)
    for a in range(config.modulus):
        result[a] = logits_of_pairs(config, matrices, np.full_like(second, a), second)
    return result


def logits_of_pairs(
    config: ModularConfig, matrices: Mapping[str, np.ndarray], first: np.ndarray, second: np.ndarray
) -> np.ndarray:
    """Compute the logits of some pairs, their tokens in int64 (count,): float64 (count, p). Otherwise as `logits`."""
    if config.family in CANONICAL:
        before = matrices["L"][first] + matrices["R"][second]
        hidden = before**2 if config.activation == "square" else np.maximum(before, 0)
        return matrices["P"][first] + matrices["Q"][second] + hidden @ matrices["U"]
    E = matrices["W_E"]
    F = matrices.get("W_E_b", E)
    if config.family == "modular_quadratic":
        return (E[first] + F[second]) ** 2 @ matrices["W_U"]
    if config.family == "modular_folded":
        return np.maximum(E[first] + F[second], 0) @ matrices["W_U"]
    if config.family == "modular_relu":
        hidden = np.maximum((E[first] + F[second]) @ matrices["W_in"], 0)
        return hidden @ matrices["W_out"] @ matrices["W_U"]
    x0, x1 = E[first] + matrices["W_pos"][0], E[second] + matrices["W_pos"][1]
    mid = x1 + (x0 + x1) / 2 @ matrices["W_V"] @ matrices["W_O"]
    hidden = np.maximum(mid @ matrices["W_in"] + matrices["b_in"], 0)
    return (mid + hidden @ matrices["W_out"] + matrices["b_out"]) @ matrices["W_U"]


def count_right_modular(config: ModularConfig, weights: ModularWeights) -> Evaluation:
    """Count the pairs that the float network answers right, among all p^2.

    Raises: ShapeError, WeightsError: weights that disagree with the config.
    """
    check_shapes(config, weights)
    return count_right_of(config, weights.in_float64())


def count_right_of(config: ModularConfig, matrices: Mapping[str, np.ndarray]) -> Evaluation:
    """Count the pairs answered right by float64 matrices, as of `logits`."""
    scores = logits(config, matrices)
    sizes = logits(config, {name: np.abs(matrix) for name, matrix in matrices.items()}).max(2)
    correct = answers(config)[..., None]
    correct_score = np.take_along_axis(scores, correct, axis=2)[..., 0]
    np.put_along_axis(scores, correct, -np.inf, axis=2)
    gap = scores.max(2) - correct_score
    right = gap < -MARGIN * sizes
    wrong = (gap >= MARGIN * sizes) | (gap == 0)
    return Evaluation(int(right.sum()), int((~right & ~wrong).sum()), config.n_inputs, exhaustive=True)


def disagreements(
    config_a: ModularConfig,
    matrices_a: Mapping[str, np.ndarray],
    config_b: ModularConfig,
    matrices_b: Mapping[str, np.ndarray],
) -> Disagreement:
    """Count the pairs where the largest logits stand at different classes (at a tie, the first), among all p^2."""
    differ = logits(config_a, matrices_a).argmax(2) != logits(config_b, matrices_b).argmax(2)
    return Disagreement(int(differ.sum()), config_a.n_inputs, exhaustive=True)
