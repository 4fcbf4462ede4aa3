"""Stage "scores" and half of stage "output gap": a matrix product A B, exact or of low rank. Coq: Cert.Products.

What proofs need of A B is how far entries of one row lie apart. With low rank,

    2^bits A B = A (peeled_left peeled_right) B + A (bounded_left bounded_right) B + A E B

for any integer factors and the remainder E that makes it so. The first part is multiplied out; of the other two only the
spread along a row is bounded, by sum_k |A'[q,k]| (max_t B'[k,t] - min_t B'[k,t]). Source: docs/max_of_k.md, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from compact_proofs.extract.tables import MOST_ENTRY, Matrix, check_fits, checked_matmul, exact_matmul, max_abs, overflow
from compact_proofs.proofs.strategies.terms import refused

MOST_BITS = 58
Rows = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Factors:
    """Integer factors that need not be trusted. Coq: Cert.Products.factors.

    bits: the unit of the factors' products is 2^-bits. peeled_left (inner, rank), peeled_right (rank, inner); bounded_left
    (inner, bounded), bounded_right (bounded, inner).
    """

    bits: int
    peeled_left: Rows
    peeled_right: Rows
    bounded_left: Rows
    bounded_right: Rows


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """Rows R and penalties with 2^bits ((A B)[q,t] - (A B)[q,t']) <= R[q,t] - R[q,t'] + penalty[q].

    Coq: Cert.Products.product.
    """

    bits: int
    rows: Matrix
    penalties: Int64[np.ndarray, " rows"]

    @property
    def penalty_bound(self) -> int:
        """Coq: Cert.Gaps.penalty_bound."""
        return max_abs(self.penalties)


def product_of(stage: str, factors: Factors | None, left: Matrix, right: Matrix) -> Product:
    """Return the product of two matrices, exact where there are no factors. Coq: Cert.Products.product_of.

    Raises: OverflowRisk, CertificateError: the checker's first test that fails; starts with what Coq prints.
    """
    if factors is None:
        return Product(0, checked_matmul(stage, left, right), np.zeros(len(left), dtype=np.int64))
    return _low_rank(stage, factors, left, right)


def _low_rank(stage: str, factors: Factors, left: Matrix, right: Matrix) -> Product:
    """Coq: Cert.Products.low_rank_product, low_rank_tests."""
    inner = left.shape[1]
    names = ("peeled_left", "peeled_right", "bounded_left", "bounded_right")
    given = [getattr(factors, name) for name in names]
    shapes = [shape for rank in (len(given[1]), len(given[3])) for shape in ((inner, rank), (rank, inner))]
    for name, rows, (height, width) in zip(names, given, shapes, strict=True):
        if len(rows) != height or any(len(row) != width for row in rows):
            raise refused(f"Wrong_factor {stage} {name.capitalize()}")
    for name, rows in zip(names, given, strict=True):
        if any(abs(entry) > MOST_ENTRY for row in rows for entry in row):
            raise refused(f"Wrong_factor {stage} {name.capitalize()}")
    if factors.bits > MOST_BITS:
        raise overflow(stage, f"factors in units of 2^-{factors.bits}, wanted at most {MOST_BITS} bits", "use fewer bits")
    check_fits(stage, 2 * max_abs(right))  # the ranges of its rows
    left_1, right_1, left_2, right_2 = (
        np.array(rows, dtype=np.int64).reshape(shape) for rows, shape in zip(given, shapes, strict=True)
    )
    remainder = (
        (np.eye(inner, dtype=np.int64) << factors.bits)
        - checked_matmul(stage, left_1, right_1)
        - checked_matmul(stage, left_2, right_2)
    )
    A_left_1 = checked_matmul(stage, left, left_1)
    right_1_B = checked_matmul(stage, right_1, right)
    A_left_2 = checked_matmul(stage, left, left_2)
    right_2_B = checked_matmul(stage, right_2, right)
    A_remainder = checked_matmul(stage, left, remainder)
    rows = checked_matmul(stage, A_left_1, right_1_B)
    ranges_2, ranges_B = np.ptp(right_2_B, axis=1), np.ptp(right, axis=1)
    check_fits(stage, len(right_2) * max_abs(A_left_2) * max_abs(ranges_2))
    check_fits(stage, inner * max_abs(A_remainder) * max_abs(ranges_B))
    penalties = exact_matmul(np.abs(A_left_2), ranges_2[:, None]) + exact_matmul(np.abs(A_remainder), ranges_B[:, None])
    return Product(factors.bits, rows, penalties[:, 0])
