"""What the mirrors of several checkers share: square roots rounded up, integers wrapped."""

from __future__ import annotations

from math import isqrt

import numpy as np
from jaxtyping import Int64


def root_up(n: int) -> int:
    """Round the square root of n >= 0 up. Coq: Z.sqrt_up."""
    return isqrt(n - 1) + 1 if n > 0 else 0


def roots_up(n: Int64[np.ndarray, " k"]) -> Int64[np.ndarray, " k"]:
    """Round square roots up: of 0 <= n <= 2^60.

    In float64 squares of integers have exact roots: what n loses to 53 bits moves a root r by less than r / 2^54. Rounding keeps
    order, so for other n the root is between the integers next to it: cut off, it is one of them.
    """
    root = np.sqrt(n.astype(np.float64)).astype(np.int64)
    return root + (root * root < n)


def wrapped(n: int) -> np.int64:
    """Return n modulo 2^64; only where what it multiplies is 0 can it be that large."""
    return np.int64((n + 2**63) % 2**64 - 2**63)
