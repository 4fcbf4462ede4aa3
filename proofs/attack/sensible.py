"""Tiny networks that do their task: `sensible_max`, `sensible_modular`; of these a strategy proves more than nothing.

Max-of-K: larger tokens get more attention, and output w gets 2 w x - w^2 from token x, which is largest at w = x. Modular
arithmetic: neurons are cosines of one frequency at evenly spread phases, as in a purified network, and the layers of each layout
multiply out to that. All is rounded to a few bits, and noise of so many units is added.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Rng = np.random.Generator
Drawn = tuple[dict[str, np.ndarray], dict[str, int]]


def sensible_max(rng: Rng, shapes: Mapping[str, tuple[int, int]], noise: int) -> Drawn:
    """Return integers and scale bits of a max-of-K network; d_model at least 2."""
    ints = {name: np.zeros(shape, dtype=np.int64) for name, shape in shapes.items()}
    tokens = np.arange(shapes["W_E"][0])
    ints["W_E"][:, 0], ints["W_E"][:, 1] = 20 * tokens, 60
    ints["W_Q"][1], ints["W_K"][0] = int(rng.integers(20, 60)), int(rng.integers(15, 40))
    ints["W_V"][0], ints["W_O"][0, 0] = int(rng.integers(6, 12)), 9
    ints["W_U"][0], ints["W_U"][1] = 6 * tokens, -(tokens**2)
    scales = dict(W_E=5, W_pos=5, W_Q=4, W_K=4, W_V=3, W_O=3, W_U=3)
    return _with_noise(rng, ints, noise), scales


def sensible_modular(rng: Rng, layout: str, p: int, coefficient: int, noise: int) -> Drawn:
    """Return integers and scale bits of a network for modular arithmetic of order p, at least 3.

    For subtraction the layout must have two embeddings.
    """
    frequencies = rng.permutation(np.arange(1, (p + 1) // 2))[: int(rng.integers(1, 3))]
    phases = int(rng.choice([3, 5, 6, 8])) if p > 3 else int(rng.choice([5, 6, 8]))
    frequency, phase = (grid.ravel() for grid in np.meshgrid(frequencies, 2 * np.pi * np.arange(phases) / phases))
    angles = 2 * np.pi * np.arange(p)[:, None] / p
    bits = int(rng.integers(4, 8))

    def rounded(matrix: np.ndarray) -> np.ndarray:
        return np.rint((2**bits - 1) * matrix).astype(np.int64)

    first, second = (np.cos(angles * frequency * sign + phase) for sign in (1, coefficient))
    outputs = np.cos(angles * frequency + 2 * phase).T
    if layout.startswith(("modular_quadratic", "modular_folded")):
        ints = {"W_E": rounded(first), "W_E_b": rounded(second), "W_U": rounded(outputs)}
        return _finished(rng, layout, ints, noise, bits)
    if layout.startswith("modular_canonical"):
        most = 2**bits * int(rng.integers(2))  # a direct path that adds the same to all outputs, or none
        direct = {name: np.repeat(rng.integers(-most, most + 1, (p, 1)), p, axis=1) for name in ("P", "Q")}
        ints = direct | {"L": rounded(first), "R": rounded(second), "U": rounded(outputs)}
        return _finished(rng, layout, ints, noise, bits)
    waves = np.concatenate([np.cos(angles * frequencies), np.sin(angles * frequencies)], axis=1)
    turned = np.concatenate([np.cos(angles * frequencies), coefficient * np.sin(angles * frequencies)], axis=1)
    same = np.tile(frequencies[:, None] == frequency[None, :], (2, 1))
    read = same * np.concatenate([np.tile(np.cos(phase), (len(frequencies), 1)), np.tile(-np.sin(phase), (len(frequencies), 1))])
    write = same * np.concatenate(
        [np.tile(np.cos(2 * phase), (len(frequencies), 1)), np.tile(-np.sin(2 * phase), (len(frequencies), 1))]
    )
    if layout.startswith("modular_relu"):
        ints = {"W_E": rounded(waves), "W_E_b": rounded(turned), "W_in": rounded(read), "W_out": rounded(write.T)}
        return _finished(rng, layout, ints | {"W_U": rounded(waves.T)}, noise, bits)
    return _finished(rng, layout, _pizza(rounded(waves), rounded(read), rounded(write.T), 2**bits - 1), noise, bits)


def _pizza(waves: np.ndarray, read: np.ndarray, write: np.ndarray, one: int) -> dict[str, np.ndarray]:
    """Three parts of the residual stream: the tokens, their mean, which attention brings, and what the neurons write."""
    (p, d), m = waves.shape, read.shape[1]
    unit, none = one * np.eye(d, dtype=np.int64), np.zeros
    return {
        "W_E": np.concatenate([waves, none((p, 2 * d))], axis=1),
        "W_pos": none((2, 3 * d)),
        "W_V": np.concatenate([unit, none((2 * d, d))]),
        "W_O": np.concatenate([none((d, d)), unit, none((d, d))], axis=1),
        "W_in": np.concatenate([none((d, m)), read, none((d, m))]),
        "b_in": none((1, m)),
        "W_out": np.concatenate([none((m, 2 * d)), write], axis=1),
        "b_out": none((1, 3 * d)),
        "W_U": np.concatenate([none((2 * d, p)), waves.T]),
    }


def _finished(rng: Rng, layout: str, ints: dict[str, np.ndarray], noise: int, bits: int) -> Drawn:
    """Drop the second embedding of a tied layout, add noise."""
    kept = {name: matrix for name, matrix in ints.items() if not (layout.endswith("_tied") and name == "W_E_b")}
    return _with_noise(rng, kept, noise), dict.fromkeys(kept, bits)


def _with_noise(rng: Rng, ints: dict[str, np.ndarray], noise: int) -> dict[str, np.ndarray]:
    return {name: matrix.astype(np.int64) + rng.integers(-noise, noise + 1, matrix.shape) for name, matrix in ints.items()}
