"""Which inputs a tiny network answers right, exactly: `right_inputs`, `right_count`, `right_weight`, by the specification alone.

A literal reading of coq/theories/Spec: Network.v, MaxOfK.v and Weighted.v, and Modular.v, over exact numbers, every input
through every layer by itself. It shares nothing with the checkers' mirrors: no tables, no fold, no bounds of ranges, no machine
integers.

Numbers are Python ints over a power of two. The only others are the exponentials of softmax. The logit of the answer less that of
another output, times the denominator of softmax, is a sum of exp(s) c with rational s and c. Where float64 is far from zero, it
has the sign. Elsewhere equal s are put together; by the theorem of Lindemann and Weierstrass exponentials of different rationals
are linearly independent over the rationals, so the sum is zero exactly if every c then is; if not, interval arithmetic of rising
precision finds the sign.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import mpmath  # type: ignore[import-untyped]
import numpy as np

from compact_proofs.extract.dyadic import Dyadic
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.extract.rounding import QuantisedMatrix, QuantisedNetwork
from compact_proofs.models.errors import InputRefused

MOST_INPUTS = 20_000
SURE = 1e-9  # float64 decides where the sum is above this share of the sum of sizes; it errs by less than 1e-12 of that
UNDERFLOW = 1e-290  # and above this, where the largest c counts as 1
FURTHEST = 700  # scores so far below the largest count as this far: float64's exp stays normal
FIRST_PRECISION = 128  # bits


def right_count(network: QuantisedNetwork) -> int:
    """Return how many inputs the network answers right. Raises: InputRefused: more than MOST_INPUTS inputs."""
    return sum(right_inputs(network))


def right_weight(right: Sequence[bool], rows: Sequence[Sequence[int]]) -> int:
    """Return the weight of the right sequences; rows: a weight for each token, by position."""
    return sum(math.prod(weights) for one, weights in zip(right, itertools.product(*rows), strict=True) if one)


def right_inputs(network: QuantisedNetwork) -> list[bool]:
    """Return, for each input in the order of the product, whether the right output is strictly above every other one.

    Raises: InputRefused: more than MOST_INPUTS inputs.
    """
    if isinstance(network, QuantisedModular):
        _check_size(network.modulus**2)
        return _modular_right(network)
    assert isinstance(network, QuantisedModel)
    _check_size(network.d_vocab**network.n_ctx)
    return _max_right(network)


def _check_size(inputs: int) -> None:
    if inputs > MOST_INPUTS:
        raise InputRefused(f"oracle: {inputs:,} inputs, wanted at most {MOST_INPUTS:,}; take a smaller network")


def _entries(matrix: QuantisedMatrix, rows: int, columns: int) -> Dyadic:
    """Spec.Network.entry: what the lists do not hold counts as 0, what they hold beyond the sizes is never read."""
    result = np.zeros((rows, columns), dtype=int).astype(object)
    there = matrix.ints[:rows, :columns].astype(object)
    result[: there.shape[0], : there.shape[1]] = there
    return Dyadic(result, matrix.scale_bits)


def _max_right(network: QuantisedModel) -> list[bool]:
    n, d, h, vocab = network.n_ctx, network.d_model, network.d_head, network.d_vocab
    shapes = dict(W_E=(vocab, d), W_pos=(n, d), W_Q=(d, h), W_K=(d, h), W_V=(d, h), W_O=(h, d), W_U=(d, vocab))
    W = {name: _entries(matrix, *shapes[name]) for name, matrix in network.matrices().items()}
    inputs = np.array(list(itertools.product(range(vocab), repeat=n)))
    residual = W["W_E"][inputs] + W["W_pos"]  # input, position, d_model
    query, key = residual[:, -1] @ W["W_Q"], residual @ W["W_K"]
    scores = Dyadic((query.ints[:, None, :] * key.ints).sum(axis=2), query.bits + key.bits)
    attended = residual @ W["W_V"] @ W["W_O"] @ W["W_U"]  # the logits if all attention were on that position
    logits = residual[:, -1:] @ W["W_U"] + attended  # the direct part is the same for all, and the pattern adds up to 1
    answers = inputs.max(axis=1)
    best = np.take_along_axis(logits.ints, answers[:, None, None], axis=2)
    leads = best - logits.ints  # input, position, output; only the sign of their sums counts
    return [
        all_positive(scores.ints[one].tolist(), scores.bits, np.delete(of_input, answer, axis=1).T.tolist())
        for one, (answer, of_input) in enumerate(zip(answers.tolist(), leads, strict=True))
    ]


def all_positive(scores: list[int], bits: int, rows: list[list[int]]) -> bool:
    """Say whether the sum of exp(s / 2^bits) c over scores s and entries c is above 0 for each row of c."""
    top = max(scores)
    far = FURTHEST << bits
    weights = np.exp([-(min(top - s, far) / (1 << bits)) for s in scores])  # int / int is rounded once, however large they are
    unsure = []
    for row in rows:
        largest = max(map(abs, row))
        if largest == 0:
            return False
        terms = weights * [c / largest for c in row]
        total, margin = float(terms.sum()), SURE * float(np.abs(terms).sum()) + UNDERFLOW
        if total < -margin:
            return False
        if total <= margin:
            unsure.append(row)
    return all(sign_of_sum(scores, bits, row) > 0 for row in unsure)


def sign_of_sum(scores: list[int], bits: int, row: list[int]) -> int:
    """Return the sign, -1, 0 or 1, of the sum of exp(s / 2^bits) c, exactly."""
    grouped: dict[int, int] = {}
    for s, c in zip(scores, row, strict=True):
        grouped[s] = grouped.get(s, 0) + c
    grouped = {s: c for s, c in grouped.items() if c}
    if not grouped:
        return 0
    if len({c > 0 for c in grouped.values()}) == 1:
        return 1 if next(iter(grouped.values())) > 0 else -1
    top = max(grouped)
    context, precision = mpmath.iv.__class__(), FIRST_PRECISION  # a context of its own: mpmath.iv is shared
    while True:
        context.prec = precision
        exponents = {s: context.mpf(s - top) / context.mpf(1 << bits) for s in grouped}
        total = sum((context.exp(exponents[s]) * context.mpf(c) for s, c in grouped.items()), context.mpf(0))
        if total.a > 0 or total.b < 0:
            return 1 if total.a > 0 else -1
        precision *= 2


def _modular_right(network: QuantisedModular) -> list[bool]:
    p, s = network.modulus, network.coefficient
    logits = _modular_logits(network)
    right = []
    for a, b in itertools.product(range(p), repeat=2):
        answer = (a + s * b) % p
        outputs = logits[a, b].tolist()
        right.append(all(value < outputs[answer] for c, value in enumerate(outputs) if c != answer))
    return right


def _modular_logits(network: QuantisedModular) -> np.ndarray:
    """Return Spec.Modular.logit of a, b and class, in some unit."""
    p, sizes, matrices = network.modulus, network.sizes(), network.matrices()
    if "W_E" in matrices:
        matrices.setdefault("W_E_b", matrices["W_E"])
    d, n, m = sizes.get("d_model", 0), sizes.get("d_attn", 0), sizes["d_mlp"]

    def read(name: str, rows: int, columns: int) -> Dyadic:
        return _entries(matrices[name], rows, columns)

    def first_and_second(table: Dyadic, other: Dyadic) -> tuple[Dyadic, Dyadic]:
        return table[:, None], other[None, :]  # by a, and by b

    if network.family in ("modular_quadratic", "modular_folded"):
        first, second = first_and_second(read("W_E", p, m), read("W_E_b", p, m))
        before = first + second
        hidden = before.squared() if network.family == "modular_quadratic" else before.relu()
        return (hidden @ read("W_U", m, p)).ints
    if network.family == "modular_relu":
        first, second = first_and_second(read("W_E", p, d), read("W_E_b", p, d))
        hidden = ((first + second) @ read("W_in", d, m)).relu()
        return (hidden @ read("W_out", m, d) @ read("W_U", d, p)).ints
    if network.family in ("modular_canonical_relu", "modular_canonical_square"):
        first, second = first_and_second(read("L", p, m), read("R", p, m))
        before = first + second
        hidden = before.squared() if network.family == "modular_canonical_square" else before.relu()
        first_direct, second_direct = first_and_second(read("P", p, p), read("Q", p, p))
        return (first_direct + second_direct + hidden @ read("U", m, p)).ints
    assert network.family == "modular_pizza"
    embed, pos = read("W_E", p, d), read("W_pos", 2, d)
    first, second = first_and_second(embed + pos[0], embed + pos[1])
    mixed = first.half() + second.half()
    residual = second + mixed @ read("W_V", d, n) @ read("W_O", n, d)
    hidden = (residual @ read("W_in", d, m) + read("b_in", 1, m)[0]).relu()
    mlp_out = hidden @ read("W_out", m, d) + read("b_out", 1, d)[0]
    return ((residual + mlp_out) @ read("W_U", d, p)).ints
