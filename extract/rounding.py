"""Rounding a matrix to integers with one power-of-two scale: `QuantisedMatrix`, `quantise_matrix`; a network of them:
`QuantisedNetwork`.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.numpy

from compact_proofs.extract.integers import integers_sha256
from compact_proofs.extract.layouts import LAYOUTS
from compact_proofs.models.errors import OverflowRisk, ShapeError, UsageError, WeightsError
from compact_proofs.models.files import write_atomic

SCHEMA = 1
METADATA_KEY = "compact_proofs"
LEAST_BITS = 4
MOST_BITS = 12


@dataclass(frozen=True, slots=True, eq=False)
class QuantisedMatrix:
    """Integers times 2^-scale_bits: `ints` int64 (rows, columns), read-only; `scale_bits` >= 0.

    Raises: ShapeError: not a matrix. WeightsError: not int64, or a negative scale.
    """

    ints: np.ndarray
    scale_bits: int

    def __post_init__(self) -> None:
        if self.ints.ndim != 2:
            raise ShapeError(f"quantised matrix: got shape {self.ints.shape}, wanted a matrix")
        if self.ints.dtype != np.int64:
            raise WeightsError(f"quantised matrix: got dtype {self.ints.dtype}, wanted int64")
        if isinstance(self.scale_bits, bool) or not isinstance(self.scale_bits, int) or self.scale_bits < 0:
            raise WeightsError(f"quantised matrix: scale_bits is {self.scale_bits!r}, wanted an integer >= 0")
        ints = np.array(self.ints, dtype=np.int64, order="C")
        ints.flags.writeable = False
        object.__setattr__(self, "ints", ints)

    def to_float(self) -> np.ndarray:
        """Return the values as float64 (exact up to 2^53)."""
        return np.ldexp(self.ints.astype(np.float64), -self.scale_bits)


class QuantisedNetwork:
    """What the quantised networks of all families share.

    They have a name, the family, weight_bits, and `layout`, a key of `extract.layouts.LAYOUTS`.
    """

    __slots__ = ()
    name: str
    weight_bits: int

    @property
    def layout(self) -> str:
        """Return the name of the layout, which says how the network stands in Coq."""
        raise NotImplementedError

    def sizes(self) -> dict[str, int]:
        """Return the sizes of the layout by name."""
        raise NotImplementedError

    def matrices(self) -> dict[str, QuantisedMatrix]:
        """Return the matrices of the layout by name, in order."""
        raise NotImplementedError

    @property
    def sha256(self) -> str:
        """Hash of all but the model's name: see `extract.integers.integers_sha256`."""
        matrices = {name: (matrix.ints.tolist(), matrix.scale_bits) for name, matrix in self.matrices().items()}
        return integers_sha256(LAYOUTS[self.layout], self.sizes(), matrices)

    def save(self, path: Path) -> None:
        """Write a .safetensors file of int64 tensors; equal models give equal bytes."""
        matrices = self.matrices()
        header = {"schema": SCHEMA, "name": self.name, "weight_bits": self.weight_bits, "sha256": self.sha256}
        header |= self.sizes()
        header["scale_bits"] = {name: matrix.scale_bits for name, matrix in matrices.items()}
        metadata = {METADATA_KEY: json.dumps(header, sort_keys=True)}  # one key: several have no fixed order
        tensors = {name: matrix.ints for name, matrix in matrices.items()}
        write_atomic(Path(path), safetensors.numpy.save(tensors, metadata))


def check_bits(weight_bits: int) -> None:
    """Refuse widths out of range. Raises: UsageError."""
    if isinstance(weight_bits, bool) or not isinstance(weight_bits, int) or not LEAST_BITS <= weight_bits <= MOST_BITS:
        raise UsageError(f"weight_bits is {weight_bits!r}; wanted an integer in {LEAST_BITS}..{MOST_BITS}")


def quantise_matrix(name: str, matrix: np.ndarray, weight_bits: int, finest: int | None = None) -> QuantisedMatrix:
    """Round float64 entries to the finest power-of-two grid on which they fit; ties to even.

    `finest`: the most fraction bits that make sense, where not all do.
    """
    largest = float(np.abs(matrix).max())
    if largest == 0:
        return QuantisedMatrix(np.zeros(matrix.shape, dtype=np.int64), 0)
    if largest >= 2.0**62:
        raise OverflowRisk(f"tensor {name}: largest entry is {largest:.3g}, wanted below 2^62; rescale the weights")
    most = 2 ** (weight_bits - 1) - 1
    scale_bits = weight_bits - 1 - math.frexp(largest)[1]  # now 2^(weight_bits-2) <= largest entry < 2^(weight_bits-1)
    if np.rint(np.ldexp(largest, scale_bits)) > most:
        scale_bits -= 1
    if finest is not None:
        scale_bits = min(scale_bits, finest)
    ints = np.rint(np.ldexp(matrix, scale_bits))  # scaling by a power of two is exact: one rounding in all
    if scale_bits < 0:
        ints, scale_bits = np.ldexp(ints, -scale_bits), 0
    return QuantisedMatrix(ints.astype(np.int64), scale_bits)
