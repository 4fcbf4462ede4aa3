"""The task: `answers`, the table of (a + s b) mod p; `training_pairs`, the pairs that a recipe trains on."""

import numpy as np

from compact_proofs.models.modular.config import ModularConfig


def answers(config: ModularConfig) -> np.ndarray:
    """Return the right answers, int64 (p, p): row a, column b."""
    tokens = np.arange(config.modulus, dtype=np.int64)
    return (tokens[:, None] + config.coefficient * tokens) % config.modulus


def training_pairs(modulus: int, data_fraction: float, seed: int) -> np.ndarray:
    """Return which pairs are trained on, bool (p, p): round(data_fraction p^2) of them, drawn by the seed."""
    order = np.random.default_rng(seed).permutation(modulus**2)
    chosen = np.zeros(modulus**2, dtype=bool)
    chosen[order[: round(data_fraction * modulus**2)]] = True
    return chosen.reshape(modulus, modulus)
