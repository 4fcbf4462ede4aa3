"""Finding factors of low rank for a product of integer matrices: `find_factors`. Nothing here is trusted or mirrored.

With B' the matrix B less its row means, which differences along a row do not see, let A B' = U S V^T. Then u_k = B' V_k and
v_k = V_k^T B'^+ make A u_k v_k B' the k-th part of A B'. The first of these directions are peeled, all others bounded: in this
basis, and not in that of the network's own neurons, what is bounded is small. The rows v_k are rounded to a few bits; the
columns then follow by least squares, so that what remains is rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from jaxtyping import Float64

from compact_proofs.extract.tables import ENTRY_BITS, MOST_ENTRY, Matrix, max_abs
from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.strategies.products import MOST_BITS, Factors, Product, Rows, product_of

ROW_BITS = range(4, 10)  # sizes of the rounded rows that are tried: small ones leave more bits to the columns
PARTIAL_ROW_BITS = range(6, 24, 3)  # where rows do not span all of the inner space, their rounding remains
SMALLEST = 1e-9  # singular values below this, relative to the largest, are taken for rounding

Reals = Float64[np.ndarray, "rows columns"]


def find_factors(stage: str, left: Matrix, right: Matrix, rank: int, check: Callable[[Product], object]) -> Factors:
    """Return factors of which `rank` directions are peeled and the others bounded, with the least mean penalty of a few tried.

    There are fewer than `rank` where the product is of lower rank.

    Args:    check: the tests of the product that follow; they raise InputRefused.
    Raises:  InputRefused: no factors at all pass the checker's tests.
    """

    def product(factors: Factors) -> Product:
        found = product_of(stage, factors, left, right)
        check(found)
        return found

    rows = _directions(left.astype(np.float64), right.astype(np.float64))
    sizes = ROW_BITS if len(rows) == left.shape[1] else PARTIAL_ROW_BITS
    tried = [_finest(left, rank, _rounded_rows(rows, size), product) for size in sizes]
    tried.append(_finest(left, rank, np.zeros((0, left.shape[1])), product))  # all is left over: no ranges to speak of
    best, least = None, np.inf
    for factors in tried:
        if factors is None:
            continue
        penalty = float(product(factors).penalties.mean()) / 2.0**factors.bits
        if penalty < least:
            best, least = factors, penalty
    if best is None:
        raise InputRefused(
            f"{stage}: no factors of rank {rank} pass the checker's tests of ranges; use a strategy without factors, or fewer "
            "weight bits"
        )
    return best


def _directions(left: Reals, right: Reals) -> Reals:
    """Return the rows v_k, those of the largest part first, and a basis of what no row of B' sees."""
    centred = right - right.mean(axis=1, keepdims=True)
    _, values, parts = np.linalg.svd(left @ centred, full_matrices=False)
    kept = parts[values > SMALLEST * values.max(initial=0.0)]
    basis, sizes, _ = np.linalg.svd(centred, full_matrices=True)
    unseen = basis[:, int((sizes > SMALLEST * sizes.max(initial=0.0)).sum()) :]
    return np.concatenate([kept @ np.linalg.pinv(centred, rcond=SMALLEST), unseen.T])


def _rounded_rows(rows: Reals, bits: int) -> Reals:
    """Return each row scaled to `bits` bits and rounded."""
    return np.rint(rows / np.abs(rows).max(axis=1, keepdims=True, initial=1e-300) * 2.0**bits)


def _finest(left: Matrix, rank: int, rows: Reals, product: Callable[[Factors], Product]) -> Factors | None:
    """Return the factors in the finest unit for which `product` does not raise."""
    columns = np.linalg.pinv(rows)
    largest = max(float(np.abs(left.astype(np.float64) @ columns).max(initial=0.0)), 2.0**-60, max_abs(left) / 2.0**60)
    most = min(MOST_BITS, ENTRY_BITS - math.ceil(math.log2(largest)))  # A F fits up to here, about
    for bits in range(most, -1, -1):
        scaled = np.rint(columns * 2.0**bits)
        if float(np.abs(scaled).max(initial=0.0)) > MOST_ENTRY:
            continue
        factors = Factors(bits, _ints(scaled[:, :rank]), _ints(rows[:rank]), _ints(scaled[:, rank:]), _ints(rows[rank:]))
        try:
            product(factors)
        except InputRefused:
            continue
        return factors
    return None


def _ints(matrix: Reals) -> Rows:
    return tuple(tuple(row) for row in matrix.astype(np.int64).tolist())
