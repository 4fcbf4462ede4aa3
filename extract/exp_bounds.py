"""Integer enclosures of the exponential: `exp_lower`, `exp_upper`, in units of 2^-30.

One multiplication by a table entry for each set bit of the argument, rounded outward. Bit for bit what the Coq checker
computes. Coq: Base.ExpTable, Base.ExpBounds.
"""

import decimal
import math

import numpy as np
from jaxtyping import Int64

FRACTION_BITS = 30
ONE = 2**FRACTION_BITS  # Coq: Base.ExpBounds.one
TABLE_BITS = 36  # entries of the table: bits of an argument that are used
LIMIT = 2**TABLE_BITS  # Coq: Base.ExpBounds.bits_limit


def _exp_table() -> tuple[tuple[int, int], ...]:
    """Compute (lower, upper) of exp(-2^(j-30)) for j = 0 .. 35. Coq: Base.ExpTable.exp_table."""
    context = decimal.Context(prec=60)
    exact = [context.divide(decimal.Decimal(-(2**j)), decimal.Decimal(ONE)) for j in range(TABLE_BITS)]
    lower = [math.floor(context.multiply(context.exp(x), decimal.Decimal(ONE))) for x in exact]
    return tuple((entry, entry + 1) for entry in lower)


EXP_TABLE = _exp_table()


def exp_lower(k: Int64[np.ndarray, "..."]) -> Int64[np.ndarray, "..."]:
    """Bound exp(-k) from below; k >= 0 and the result in units of 2^-30. 0 where k needs more than 36 bits.

    Coq: Base.ExpBounds.exp_lower.
    """
    bound = np.full(k.shape, ONE, dtype=np.int64)
    for j in range(_used_bits(k)):
        np.copyto(bound, (bound * EXP_TABLE[j][0]) >> FRACTION_BITS, where=(k >> j) & 1 != 0)
    return np.where(k < LIMIT, bound, 0)


def exp_upper(k: Int64[np.ndarray, "..."]) -> Int64[np.ndarray, "..."]:
    """Bound exp(-k) from above; k >= 0 and the result in units of 2^-30. Above 36 bits, the bound of 2^36 - 1.

    Coq: Base.ExpBounds.exp_upper.
    """
    k = np.minimum(k, LIMIT - 1)
    bound = np.full(k.shape, ONE, dtype=np.int64)
    for j in range(_used_bits(k)):
        np.copyto(bound, (bound * EXP_TABLE[j][1] + (ONE - 1)) >> FRACTION_BITS, where=(k >> j) & 1 != 0)
    return bound


def _used_bits(k: Int64[np.ndarray, "..."]) -> int:
    return min(TABLE_BITS, int(k.max(initial=0)).bit_length())
