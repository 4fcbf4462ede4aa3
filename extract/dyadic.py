"""Exact numbers over a power of two, arrays of them: `Dyadic`. Nothing is rounded, and no range is too small."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from compact_proofs.extract.rounding import QuantisedMatrix


@dataclass(frozen=True, slots=True, eq=False)
class Dyadic:
    """The numbers ints / 2^bits; `ints` an array of Python ints of any shape."""

    ints: np.ndarray
    bits: int

    @classmethod
    def of(cls, matrix: QuantisedMatrix) -> Dyadic:
        """Return the entries of a quantised matrix."""
        return cls(matrix.ints.astype(object), matrix.scale_bits)

    def __add__(self, other: Dyadic) -> Dyadic:
        bits = max(self.bits, other.bits)
        return Dyadic(self.in_units(bits) + other.in_units(bits), bits)

    def __matmul__(self, other: Dyadic) -> Dyadic:
        if self.ints.shape[-1] == 0:  # an empty sum; numpy has none of Python ints
            return Dyadic(np.zeros((*self.ints.shape[:-1], other.ints.shape[1]), dtype=int).astype(object), 0)
        return Dyadic(self.ints @ other.ints, self.bits + other.bits)

    def __getitem__(self, place: Any) -> Dyadic:
        return Dyadic(self.ints[place], self.bits)

    def half(self) -> Dyadic:
        return Dyadic(self.ints, self.bits + 1)

    def relu(self) -> Dyadic:
        return Dyadic(np.maximum(self.ints, 0), self.bits)

    def squared(self) -> Dyadic:
        return Dyadic(self.ints * self.ints, 2 * self.bits)

    def in_units(self, bits: int) -> np.ndarray:
        """Return the numbers in units of 2^-bits, bits at least `self.bits`."""
        return self.ints * 2 ** (bits - self.bits)
