"""Tiny quantised networks of both tasks, made to be hard for a checker: `network(seed)`, `KINDS`, `distribution(seed, model)`.

Seeds go through the kinds one by one, and through the layouts of modular arithmetic; sizes and weights are drawn by
numpy's default_rng([seed, place of the kind]), so equal seeds give equal networks. What each kind is: its function below. A kind
of one task has the task's name in front. Nothing here is trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from compact_proofs.extract.distribution import Distribution
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.extract.rounding import QuantisedMatrix, QuantisedNetwork
from compact_proofs.proofs.attack.sensible import sensible_max, sensible_modular

BITS = 8  # stands in the name of the width only: weights here may be wider
MOST_INT = 2**62 - 1  # what Weights.v can have
MAX_SIZES = ((1, 2, 2, 3, 3), (1, 2, 3, 3, 4, 5), (1, 2, 3, 4), (1, 2, 3))  # n_ctx, d_vocab, d_model, d_head
MODULAR_SIZES = ((1, 2, 3, 3, 4, 5, 5, 6, 7, 7), (1, 2, 3, 4), (1, 2, 3), (1, 2, 3, 4, 6))  # p, d_model, d_attn, d_mlp
INPUTS, OUTPUTS = ("W_E", "W_E_b", "L", "R"), ("W_U", "U", "P", "Q")  # by token; by class in their columns
Rng = np.random.Generator
Ints = dict[str, np.ndarray]  # of int64, by matrix
Scales = dict[str, int]  # scale_bits by matrix
Drawn = tuple[Ints, Scales]
Shapes = Mapping[str, tuple[int, int]]
LAYOUTS = (
    "modular_quadratic", "modular_quadratic_tied", "modular_relu", "modular_relu_tied", "modular_pizza", "modular_folded",
    "modular_folded_tied", "modular_canonical_relu", "modular_canonical_square",
)  # fmt: skip


def max_shapes(n_ctx: int, d_vocab: int, d_model: int, d_head: int) -> dict[str, tuple[int, int]]:
    """Return the shape of each matrix of a max-of-K network."""
    return {
        "W_E": (d_vocab, d_model),
        "W_pos": (n_ctx, d_model),
        **dict.fromkeys(("W_Q", "W_K", "W_V"), (d_model, d_head)),
        "W_O": (d_head, d_model),
        "W_U": (d_model, d_vocab),
    }


def modular_shapes(layout: str, p: int, d_model: int, d_attn: int, d_mlp: int) -> dict[str, tuple[int, int]]:
    """Return the shape of each matrix of a network for modular arithmetic; sizes that the layout lacks are not looked at."""
    d, n, m = d_model, d_attn, d_mlp
    if layout == "modular_pizza":
        names = ("W_E", "W_pos", "W_V", "W_O", "W_in", "b_in", "W_out", "b_out", "W_U")
        return dict(zip(names, ((p, d), (2, d), (d, n), (n, d), (d, m), (1, m), (m, d), (1, d), (d, p)), strict=True))
    if layout.startswith("modular_canonical"):
        return {"P": (p, p), "Q": (p, p), "L": (p, m), "R": (p, m), "U": (m, p)}
    direct = not layout.startswith("modular_relu")
    shapes = {"W_E": (p, m if direct else d)}
    if not layout.endswith("_tied"):
        shapes["W_E_b"] = shapes["W_E"]
    return shapes | ({"W_U": (m, p)} if direct else {"W_in": (d, m), "W_out": (m, d), "W_U": (d, p)})


def uniform(rng: Rng, shapes: Shapes, most: int = 127) -> Ints:
    """Draw entries from -most .. most."""
    return {name: rng.integers(-most, most + 1, shape) for name, shape in shapes.items()}


def _scales(rng: Rng, shapes: Shapes) -> Scales:
    """Half of the time 7 bits for all matrices, else from coarse to fine."""
    fine = bool(rng.integers(2))
    return {name: int(rng.integers(0, 10)) if fine else 7 for name in shapes}


def random(rng: Rng, shapes: Shapes) -> Drawn:
    """Weights of 8 bits at random."""
    return uniform(rng, shapes), _scales(rng, shapes)


def small(rng: Rng, shapes: Shapes) -> Drawn:
    """Entries -2 .. 2 in coarse units: many outputs are equal by chance, or differ by one unit."""
    return uniform(rng, shapes, 2), {name: int(rng.integers(0, 2)) for name in shapes}


def _those(shapes: Shapes, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if name in shapes]


def near_ties(rng: Rng, shapes: Shapes) -> Drawn:
    """All output columns are the same but for one unit here and there, and so are the tokens."""
    ints, scales = random(rng, shapes)
    for name in _those(shapes, OUTPUTS):
        ints[name] = ints[name][:, :1] + rng.integers(-1, 2, shapes[name])
    if rng.integers(2):
        for name in _those(shapes, INPUTS):
            ints[name] = ints[name][:1] + rng.integers(-1, 2, shapes[name])
    return ints, scales


def exact_ties(rng: Rng, shapes: Shapes) -> Drawn:
    """Some output columns are the same, and some tokens."""
    ints, scales = random(rng, shapes)
    outputs = _those(shapes, OUTPUTS)
    classes = shapes[outputs[0]][1]
    same = rng.integers(0, classes, classes) if rng.integers(2) else np.arange(classes)
    if classes > 1:
        same[rng.integers(classes)] = same[rng.integers(classes)]
        same[-1] = same[int(rng.integers(classes - 1))] if rng.integers(2) else same[-1]
    for name in outputs:
        ints[name] = ints[name][:, same]
    for name in _those(shapes, INPUTS):
        if rng.integers(2):
            ints[name] = ints[name][rng.integers(0, classes, classes)]
    return ints, scales


def huge(rng: Rng, shapes: Shapes) -> Drawn:
    """Each matrix up to a power of two of its own, 2^7 .. 2^61: most products do not fit."""
    ints = {name: matrix << int(rng.integers(0, 56)) for name, matrix in uniform(rng, shapes, 63).items()}
    if rng.integers(2):  # one matrix has the largest number of all
        name = list(shapes)[int(rng.integers(len(shapes)))]
        ints[name].flat[int(rng.integers(ints[name].size))] = MOST_INT * (1 if rng.integers(2) else -1)
    return ints, {name: int(rng.integers(0, 64)) for name in shapes}


def at_limits(rng: Rng, shapes: Shapes) -> Drawn:
    """Sizes such that products come near 2^60, some just above and some just below."""
    fewest, most = (52, 58) if "W_Q" in shapes or "W_V" in shapes else (54, 61)
    total, names = int(rng.integers(fewest, most + 1)), list(shapes)
    parts = np.diff([0, *sorted(rng.integers(0, total + 1, len(names) - 1).tolist()), total])
    ints = {}
    for name, bits in zip(names, parts.tolist(), strict=True):
        top = 2 ** min(bits, 55)
        ints[name] = rng.integers(-top, top + 1, shapes[name])
    return ints, {name: int(rng.integers(0, 12)) for name in names}


def zero(rng: Rng, shapes: Shapes) -> Drawn:
    """Some matrices are all zero, or all of them."""
    ints, scales = random(rng, shapes)
    for name in ints:
        if rng.integers(3) == 0:
            ints[name] = np.zeros_like(ints[name])
    if rng.integers(4) == 0:
        ints = {name: np.zeros_like(matrix) for name, matrix in ints.items()}
    return ints, scales


def equal_rows(rng: Rng, shapes: Shapes) -> Drawn:
    """All rows of each matrix are the same: no token differs from another, nor a position."""
    ints, scales = random(rng, shapes)
    return {name: np.repeat(matrix[:1], len(matrix), axis=0) for name, matrix in ints.items()}, scales


def tiny_weights(rng: Rng, shapes: Shapes) -> Drawn:
    """Up to a thousand bits behind the point: all values are next to nothing, and units far apart."""
    most = int(rng.choice([12, 30, 70, 1000]))
    return uniform(rng, shapes, int(rng.choice([1, 7, 127]))), {name: int(rng.integers(0, most + 1)) for name in shapes}


def saturated(rng: Rng, shapes: Shapes) -> Drawn:
    """Scores hundreds to millions apart: all attention on one position. Or neurons that are always on, or always off."""
    ints, scales = random(rng, shapes)
    if "W_Q" in shapes:
        lift = int(rng.integers(4, 15))
        return ints | {"W_Q": ints["W_Q"] << lift, "W_K": ints["W_K"] << int(rng.integers(0, 8))}, scales | {"W_Q": 0, "W_K": 0}
    if "b_in" in shapes:
        return ints | {"b_in": np.where(rng.integers(0, 2, shapes["b_in"]) == 0, -1, 1) * 100_000}, scales
    if "W_in" not in shapes:
        name = _those(shapes, INPUTS)[0]
        ints[name] = ints[name] + np.where(rng.integers(0, 2, shapes[name][1]) == 0, -1, 1) * 1000
    return ints, scales


def uniform_attention(rng: Rng, shapes: Shapes) -> Drawn:
    """No score differs from another, and values are small: sums over positions cancel."""
    ints, scales = small(rng, shapes)
    return ints | {"W_Q": np.zeros_like(ints["W_Q"])}, scales


def equal_scores(rng: Rng, shapes: Shapes) -> Drawn:
    """Tokens come in two scores, and values that often cancel between tokens of the same score."""
    ints, scales = small(rng, shapes)
    ints["W_K"] = np.zeros_like(ints["W_K"])
    ints["W_K"][0] = int(rng.integers(1, 4))
    ints["W_E"][:, 0] = rng.integers(0, 2, len(ints["W_E"]))
    ints["W_pos"] = np.zeros_like(ints["W_pos"])
    ints["W_pos"][-1] = 1
    return ints, scales


def misshapen(rng: Rng, shapes: Shapes) -> Drawn:
    """One matrix has a row or a column too few or too many."""
    ints, scales = random(rng, shapes)
    fixed = {"W_in", "W_V", "W_E", "L"}  # sizes are read off their columns
    name = list(shapes)[int(rng.integers(len(shapes)))]
    axis = 0 if name in fixed else int(rng.integers(2))
    longer = np.concatenate([ints[name], np.take(ints[name], [0], axis=axis)], axis=axis)
    ints[name] = longer if rng.integers(2) or ints[name].shape[axis] == 1 else np.delete(ints[name], -1, axis=axis)
    return ints, scales


BOTH: dict[str, Callable[[Rng, Shapes], Drawn]] = {
    one.__name__: one
    for one in (random, small, near_ties, exact_ties, huge, at_limits, zero, equal_rows, tiny_weights, saturated)
}
MAX_ONLY = {one.__name__: one for one in (uniform_attention, equal_scores)}
MODULAR_ONLY = {"misshapen": misshapen, "other_coefficient": random}
SENSIBLE = ("sensible", "noisy", "shaken")  # right on most inputs; the same with a little noise, and with much
KINDS: tuple[str, ...] = (
    *(f"max_of_k {kind}" for kind in (*BOTH, *MAX_ONLY, "one_token", *SENSIBLE)),
    *(f"modular {kind}" for kind in (*BOTH, *MODULAR_ONLY, "one_token", *SENSIBLE)),
)
NOISE = {"sensible": 0, "noisy": 1, "shaken": 12}


def network(seed: int) -> tuple[str, QuantisedNetwork]:
    """Return the kind, one of KINDS, and the network of a seed.

    Max-of-K: n_ctx 1 .. 3, d_vocab 1 .. 5. Modular arithmetic: p 1 .. 7.
    """
    place = seed % len(KINDS)
    task, kind = KINDS[place].split()
    rng = np.random.default_rng([seed, place])
    if task == "max_of_k":
        return KINDS[place], _max_network(f"attack_{seed}", kind, rng)
    return KINDS[place], _modular_network(f"attack_{seed}", kind, LAYOUTS[(seed // len(KINDS) + place) % len(LAYOUTS)], rng)


def distribution(seed: int, model: QuantisedModel) -> Distribution:
    """Return weights for a network's tokens: all 1, small and often 0, all on one token, or near the limit of a row."""
    rng, shape = np.random.default_rng([seed, len(KINDS)]), (model.n_ctx, model.d_vocab)
    kind = rng.integers(4)
    weights = np.ones(shape, dtype=np.int64)
    if kind == 1:
        weights = rng.integers(0, int(rng.choice([2, 4, 1000])), shape)
    elif kind == 2:
        weights = np.zeros(shape, dtype=np.int64)
    elif kind == 3:
        weights = rng.integers(0, MOST_INT // model.d_vocab, shape)
    empty = weights.sum(1) == 0
    weights[empty, rng.integers(0, model.d_vocab, shape[0])[empty]] = 1
    return Distribution("attack", tuple(tuple(row) for row in weights.tolist()))


def _max_network(name: str, kind: str, rng: Rng) -> QuantisedModel:
    n_ctx, d_vocab, d_model, d_head = (int(rng.choice(sizes)) for sizes in MAX_SIZES)
    if kind == "one_token":
        d_vocab = 1
    elif kind in (*SENSIBLE, "near_ties", "exact_ties"):
        d_vocab, d_model = max(d_vocab, 2), max(d_model, 2)
    shapes = max_shapes(n_ctx, d_vocab, d_model, d_head)
    if kind in SENSIBLE:
        ints, scales = sensible_max(rng, shapes, NOISE[kind])
    else:
        ints, scales = (BOTH | MAX_ONLY).get(kind, random)(rng, shapes)
    return QuantisedModel(name, n_ctx, d_vocab, d_model, d_head, BITS, *_matrices(ints, scales).values())


def _modular_network(name: str, kind: str, layout: str, rng: Rng) -> QuantisedModular:
    p, d_model, d_attn, d_mlp = (int(rng.choice(sizes)) for sizes in MODULAR_SIZES)
    coefficient = 1 if rng.integers(2) else -1
    if kind == "one_token":
        p = 1
    elif kind in ("near_ties", "exact_ties"):
        p = max(p, 2)
    elif kind == "other_coefficient":
        coefficient = int(rng.choice([-4000, -2, 0, 2, 3, 7, 4000]))
    if kind in SENSIBLE:
        p = max(p, 3)
        if layout.endswith("_tied") or layout == "modular_pizza":
            coefficient = 1  # a tied network cannot tell a - b from b - a
        ints, scales = sensible_modular(rng, layout, p, coefficient, NOISE[kind])
    else:
        shapes = modular_shapes(layout, p, d_model, d_attn, d_mlp)
        ints, scales = (BOTH | MODULAR_ONLY).get(kind, random)(rng, shapes)
    family = layout.removesuffix("_tied")
    return QuantisedModular(name, family, p, coefficient, BITS, _matrices(ints, scales))


def _matrices(ints: Ints, scales: Scales) -> dict[str, QuantisedMatrix]:
    return {name: QuantisedMatrix(ints[name].astype(np.int64), scales[name]) for name in ints}
