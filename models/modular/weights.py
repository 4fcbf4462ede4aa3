"""Weights of a modular-arithmetic model: `ModularWeights`. Files are read and written by `models.weights`."""

from collections.abc import Mapping

import numpy as np

from compact_proofs.models.tensors import checked_matrix


class ModularWeights:
    """The float32 matrices of a network by name, read-only copies; which there are is `ModularConfig.shapes()`.

    Raises: WeightsError: another dtype, or an entry that is not finite. ShapeError: not a matrix.
    """

    __slots__ = ("_matrices",)

    def __init__(self, matrices: Mapping[str, np.ndarray]) -> None:
        self._matrices = {name: checked_matrix(name, matrix) for name, matrix in matrices.items()}

    def __getitem__(self, name: str) -> np.ndarray:
        return self._matrices[name]

    def matrices(self) -> dict[str, np.ndarray]:
        """Return the matrices by name, in the order they were given."""
        return dict(self._matrices)

    def in_float64(self) -> dict[str, np.ndarray]:
        """Return the matrices by name as float64, for computing."""
        return {name: matrix.astype(np.float64) for name, matrix in self._matrices.items()}
