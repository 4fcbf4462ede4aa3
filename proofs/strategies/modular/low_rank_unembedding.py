"""low_rank_unembedding: wrong answers by a low-rank unembedding of what sets a pair apart.

The activations of a pair (a, b) with right answer S and T = (a - s b) mod p are split into what a, b, S and T bring by
themselves (four tables of p rows, means over all pairs) and a small rest d. What the tables bring to the outputs is exact and
depends on two tokens at a time; of D U' = B W + E (U less a row) the part B W takes `rank` products, and |d . E[c]| <= |d||E[c]|.
The right answer's output is computed exactly. A rank of 0 to 5 takes the place of 10 to 20 without the tables.

The finder is not trusted. Coq: Modular.LowRankUnembedding. Source: docs on modular arithmetic, section 3, C2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from compact_proofs.extract.coq_text import Field
from compact_proofs.extract.modular_form import (
    MOST,
    Activation,
    Form,
    activate,
    certified,
    check_form,
    check_range,
    hidden_top,
    largest,
    refused,
)
from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.forms import MEANS
from compact_proofs.proofs.strategies.modular.brute_force import form_operations_of
from compact_proofs.proofs.strategies.modular.terms import root_up, roots_up, wrapped

Progress = Callable[[int, int], None]
MOST_SCALE_BITS = 12
MOST_COORDINATE_BITS = 12
TABLES = MEANS


@dataclass(frozen=True, slots=True, eq=False)
class LowRankUnembeddingCertificate:
    """Integers of int64; `scale` is D, `dropped` bits are left out of |d| so that its square fits.

    Shapes: centre, offset (m,); basis B (p, rank); coordinates W (rank, m); the means (p, m), first and second by token,
    the others by S and T. Coq: Modular.LowRankUnembedding.low_rank_unembedding_certificate.
    """

    scale: int
    dropped: int
    centre: Int64[np.ndarray, " m"]
    offset: Int64[np.ndarray, " m"]
    basis: Int64[np.ndarray, "p rank"]
    coordinates: Int64[np.ndarray, "rank m"]
    first_means: Int64[np.ndarray, "p m"]
    second_means: Int64[np.ndarray, "p m"]
    answer_means: Int64[np.ndarray, "p m"]
    difference_means: Int64[np.ndarray, "p m"]

    @property
    def rank(self) -> int:
        return len(self.coordinates)


@dataclass(frozen=True, slots=True, eq=False)
class _Matrices:
    """What the checker computes before it looks at pairs; |E[c]| rounded up in `losses`."""

    scaled_U: Int64[np.ndarray, "p m"]
    first_less: Int64[np.ndarray, "p m"]
    losses: Int64[np.ndarray, " p"]


def verdict(claimed: int, form: Form, certificate: LowRankUnembeddingCertificate) -> str:
    """Return what Coq prints. Coq: Modular.LowRankUnembedding.low_rank_unembedding_on."""
    return certified(claimed, lambda: count(form, certificate))


def count(form: Form, certificate: LowRankUnembeddingCertificate) -> int:
    """Return how many pairs the checker accepts. Coq: Modular.LowRankUnembedding.low_rank_count.

    Raises: InputRefused: the message starts with what Coq prints.
    """
    check_form(form)
    found = _check(form, certificate)
    p, t = form.order, certificate.dropped
    slack = _slack(form, t)
    answers = form.answers()
    differences = form.differences()
    U, W, B = found.scaled_U, certificate.coordinates, certificate.basis
    scale = wrapped(certificate.scale)
    first = scale * form.P + _product(found.first_less, U.T)
    second = scale * form.Q + _product(certificate.second_means, U.T)
    third = _product(certificate.answer_means, U.T)
    fourth = _product(certificate.difference_means, U.T)
    total = 0
    for a in range(p):  # int64 may wrap on the way; what is compared is below 2^61
        right, different = answers[a], differences[a]
        rest = form.hidden(a) - found.first_less[a] - certificate.second_means - certificate.answer_means[right]
        rest -= certificate.difference_means[different]
        start = first[a] + second + third[right] + fourth[different]
        best = np.take_along_axis(start, right[:, None], axis=1)[:, 0] + (rest * U[right]).sum(axis=1)
        coarse = rest >> t
        size = (roots_up(np.einsum("bj,bj->b", coarse, coarse)) + slack) << t
        bound = start + size[:, None] * found.losses + _product(_product(rest, W.T), B.T)
        below = bound < best[:, None]
        np.put_along_axis(below, right[:, None], True, axis=1)
        total += int(below.all(axis=1).sum())
    return total


def _product(left: Int64[np.ndarray, "n m"], right: Int64[np.ndarray, "m k"]) -> Int64[np.ndarray, "n k"]:
    """Multiply modulo 2^64, by floats where all sums are exact in them."""
    if left.shape[1] * largest(left) * largest(right) < 2**53:
        return (left.astype(np.float64) @ right.astype(np.float64)).astype(np.int64)
    return left @ right


def _slack(form: Form, dropped: int) -> int:
    return root_up(form.width) if dropped else 0


def _check(form: Form, c: LowRankUnembeddingCertificate) -> _Matrices:
    """Check shapes and ranges. Coq: Modular.LowRankUnembedding.low_rank_tests.

    Raises: CertificateError, OverflowRisk: the message starts with Coq's refusal.
    """
    p, m, rank = form.order, form.width, c.rank
    if c.scale <= 0:
        raise refused(f"Wrong_scale {_coq_integer(c.scale)}", f"the scale is {c.scale}, wanted at least 1")
    if c.dropped > 60:
        raise refused(f"Wrong_scale {c.dropped}", f"{c.dropped} bits are dropped, wanted at most 60")
    shapes = {"centre": ("Centre", (m,)), "offset": ("Centre", (m,)), "basis": ("Basis", (p, rank))}
    shapes |= {"coordinates": ("Coordinates", (rank, m))} | {name: ("Amplitudes", (p, m)) for name in TABLES}
    for name, (table, wanted) in shapes.items():
        got = getattr(c, name).shape
        if got != wanted:
            raise refused(f"Wrong_table {table}", f"{name} has shape {got}, wanted {wanted}")
    for entries in (c.centre, c.offset, form.U, c.first_means):
        check_range("Centred", 2 * largest(entries))
    for entries in (c.basis, c.coordinates):
        check_range("Residuals", largest(entries))
    check_range("Residuals", rank * largest(c.basis) * largest(c.coordinates))
    product = _product(c.basis, c.coordinates)
    U = form.U - c.centre
    check_range("Residuals", c.scale * largest(U) + largest(product))
    scaled = wrapped(c.scale) * U
    residuals = scaled - product
    worst = largest(residuals)
    residual_squares = m * worst * worst
    check_range("Residuals", residual_squares)
    first_less = c.first_means - c.offset
    rest_top = hidden_top(form) + sum(largest(t) for t in (first_less, c.second_means, c.answer_means, c.difference_means))
    check_range("Moments", rest_top)
    square_top = m * ((rest_top >> c.dropped) + 1) ** 2
    check_range("Moments", square_top)
    length_top = (root_up(square_top) + _slack(form, c.dropped)) << c.dropped
    bound_top = c.scale * (largest(form.P) + largest(form.Q) + m * hidden_top(form) * largest(U))
    bound_top += m * rest_top * worst + length_top * root_up(residual_squares)
    check_range("Margins", -(-bound_top // 2))
    return _Matrices(scaled, first_less, roots_up(np.einsum("cj,cj->c", residuals, residuals)))


def _coq_integer(n: int) -> str:
    return str(n) if n >= 0 else f"({n})"


def find_on(
    form: Form, rank: int | None = None, target: float = 0.999, progress: Progress | None = None
) -> LowRankUnembeddingCertificate:
    """Find a certificate of a rank, or of the smallest rank that proves `target` of the right pairs, or else of the best.

    `progress` is called with the rank tried and the largest possible.
    Raises: InputRefused: the form is refused, or too large for any certificate.
    """
    check_form(form)
    base = _means(form)
    if rank is not None:
        return _of_rank(form, base, rank)
    most = min(form.order - 1, form.width)
    wanted = math.ceil(target * int(form.right().sum()))
    found: dict[int, tuple[int, LowRankUnembeddingCertificate]] = {}

    def count_of(rank: int) -> int:
        if progress:
            progress(rank, most)
        certificate = _of_rank(form, base, rank)
        found[rank] = count(form, certificate), certificate
        return found[rank][0]

    for rank in range(0, most + 1, 2):
        if count_of(rank) >= wanted:
            if rank and count_of(rank - 1) >= wanted:
                rank -= 1
            return found[rank][1]
    return max(found.values(), key=lambda pair: pair[0])[1]


def curve_on(form: Form, ranks: list[int]) -> list[tuple[int, int, int]]:
    """Return (rank, accepted pairs, operations) for each rank."""
    base = _means(form)
    certificates = [_of_rank(form, base, rank) for rank in ranks]
    return [(c.rank, count(form, c), operations(form, c)) for c in certificates]


def _means(form: Form) -> LowRankUnembeddingCertificate:
    """The tables, rounded, with a rank of 0: each pair's activations as a sum of what a, b, S and T bring.

    These are the means over all pairs with that a, b, S or T; where p is odd and s is 1 or -1 any two of the four numbers
    go through all pairs, so that these means are the best in the sense of least squares.
    """
    p, m = form.order, form.width
    answers, differences = form.answers(), form.differences()
    totals = np.zeros((4, p, m))
    for a in range(p):
        hidden = activate(form.activation, form.L[a] + form.R).astype(np.float64)
        totals[0, a] = hidden.sum(axis=0)
        totals[1] += hidden
        np.add.at(totals[2], answers[a], hidden)
        np.add.at(totals[3], differences[a], hidden)
    tables = totals / p
    tables -= 0.75 * tables[0].mean(axis=0)
    least = np.floor(tables.min(axis=1))
    first, second, answer, difference = (np.rint(tables - least[:, None, :])).astype(np.int64)
    offset = -least.sum(axis=0).astype(np.int64)
    centre = np.rint(form.U.mean(axis=0)).astype(np.int64)
    empty = np.zeros((0, m), dtype=np.int64)
    basis = np.zeros((p, 0), dtype=np.int64)
    base = LowRankUnembeddingCertificate(1, 0, centre, offset, basis, empty, first, second, answer, difference)
    rest_top = hidden_top(form) + sum(largest(t) for t in (first - offset, second, answer, difference))
    dropped = 0
    while m * ((rest_top >> dropped) + 1) ** 2 > MOST and dropped < 60:
        dropped += 1
    return replace(base, dropped=dropped)


def _of_rank(form: Form, base: LowRankUnembeddingCertificate, rank: int) -> LowRankUnembeddingCertificate:
    """Leading singular vectors, at the largest scale up to 2^12 whose ranges fit.

    Raises: InputRefused: none fits.
    """
    U = (form.U - base.centre).astype(np.float64)
    left, values, vectors = np.linalg.svd(U, full_matrices=False)
    rank = min(rank, len(values))
    for bits in range(MOST_SCALE_BITS, -1, -1):
        basis, coordinates = _factors(U * 2.0**bits, vectors[:rank], float(values[:1].sum()) * 2.0**bits)
        certificate = replace(base, scale=2**bits, basis=basis, coordinates=coordinates)
        try:
            _check(form, certificate)
        except InputRefused:
            if bits == 0:
                raise
            continue
        return certificate
    raise AssertionError


def _factors(
    matrix: Float64[np.ndarray, "p m"], vectors: Float64[np.ndarray, "rank m"], size: float
) -> tuple[Int64[np.ndarray, "p rank"], Int64[np.ndarray, "rank m"]]:
    """Round the vectors, and what the matrix has along them, with about as many bits each."""
    bits = min(MOST_COORDINATE_BITS, max(1, round(math.log2(max(size, 1.0)) / 2)))
    coordinates = np.rint(vectors * 2.0**bits)
    basis = np.rint(matrix @ np.linalg.pinv(coordinates)) if len(vectors) else np.zeros((len(matrix), 0))
    return basis.astype(np.int64), coordinates.astype(np.int64)


def fields(certificate: LowRankUnembeddingCertificate) -> list[Field]:
    """Return the definitions of Certificate.v, in the order of the Coq constructor."""
    c = certificate
    return [
        Field("scale", "Z", c.scale),
        Field("dropped", "int", c.dropped),
        Field("centre", "list Z", c.centre),
        Field("offset", "list Z", c.offset),
        Field("basis", "list (list Z)", c.basis),
        Field("coordinates", "list (list Z)", c.coordinates),
        *(Field(name, "list (list int)", getattr(c, name)) for name in TABLES),
    ]


def operations(form: Form, certificate: LowRankUnembeddingCertificate) -> int:
    """Return an upper bound on the operations of the checker on the form."""
    coarse = certificate.dropped > 0
    return operations_of(form.order, form.width, certificate.rank, coarse, form.activation)


def operations_of(p: Any, m: Any, rank: Any, coarse: bool = False, activation: Activation = "square") -> Any:
    """The same as a function of the sizes, which may be sympy symbols; the tests of the form are counted too.

    A form with squares takes a little longer than one with relu, so the bound holds for both unless told otherwise.
    Coq: Modular.Length.LowRankUnembeddingLength.low_rank_bound, proved to be no less than the checker takes.
    """
    top, top_direct = 3 * p * m + 1, 3 * p * p + 1  # the largest entry of a table: for each its sign, its size, a comparison
    hidden = (2 if activation == "square" else 1) * (2 * top + 1) + (1 if activation == "square" else 0)
    matrices = 1 + 2 * m + 4 * p * m + 2 * (p + m) * rank + 2 * p * m * rank
    margin = 32 + 2 * top_direct + hidden + top
    tests = 45 + 5 * p + rank + 6 * m + 7 * (p + m) * rank + (4 + hidden + 4 * top) + 5 * top + margin
    tables = 8 * p * p * m + 4 * p * p + p * (2 * m + 3)
    per_pair = 23 + 8 * m + (5 * m if coarse else 2 * m) + 2 * m * rank
    per_class = 2 * (rank + 1) + 4
    pairs = p * p * per_pair + p * p * (p - 1) * per_class + 2 * p
    return 10 + matrices + tests + form_operations_of(p, m, activation) + tables + pairs
