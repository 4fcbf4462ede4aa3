"""Checks that the weights of every family share: `checked_matrix`, `check_matrix_shapes`, `read_tensors`. Numpy only."""

from collections.abc import Mapping

import numpy as np
import safetensors

from compact_proofs.models.errors import ShapeError, WeightsError


def checked_matrix(name: str, matrix: np.ndarray) -> np.ndarray:
    """Return a read-only float32 copy of a matrix.

    Raises: WeightsError: another dtype, or an entry that is not finite. ShapeError: not a matrix.
    """
    if matrix.dtype != np.float32:
        raise WeightsError(f"tensor {name}: got dtype {matrix.dtype}, wanted float32; convert and save it again")
    if matrix.ndim != 2:
        raise ShapeError(f"tensor {name}: got shape {matrix.shape}, wanted a matrix")
    bad = np.argwhere(~np.isfinite(matrix))
    if len(bad):
        row, column = (int(index) for index in bad[0])
        raise WeightsError(
            f"tensor {name}: entry [{row}, {column}] is {matrix[row, column]}, wanted finite numbers "
            f"({len(bad)} of {matrix.size} entries are not finite); train again"
        )
    matrix = np.array(matrix, dtype=np.float32, order="C")  # a copy that nobody else can change
    matrix.flags.writeable = False
    return matrix


def check_matrix_shapes(matrices: Mapping[str, np.ndarray], wanted: Mapping[str, tuple[int, int]], sizes: str) -> None:
    """Refuse matrices that are not those `wanted`; `sizes` says in words what the wanted shapes come from.

    Raises: WeightsError: unknown or missing names. ShapeError: naming the tensor, its shape and the wanted shape.
    """
    check_names(matrices, list(wanted))
    for name, shape in wanted.items():
        got = matrices[name].shape
        if got != shape:
            raise ShapeError(f"tensor {name}: got shape {got}, wanted {shape} from {sizes}; correct the config or the weights")


def check_names(found: Mapping[str, object], wanted: list[str]) -> None:
    """Refuse tensors that are unknown or missing. Raises: WeightsError."""
    if unknown := sorted(set(found) - set(wanted)):
        raise WeightsError(f"unknown tensor {unknown[0]}; wanted {', '.join(wanted)}")
    if missing := [name for name in wanted if name not in found]:
        raise WeightsError(f"tensor {missing[0]} is missing; wanted {', '.join(wanted)}")


def read_tensors(data: bytes, wanted: list[str], dtype: str) -> dict[str, np.ndarray]:
    """Read exactly the tensors `wanted`, of one dtype ("F32" or "I64"), from the bytes of a .safetensors file.

    Raises: WeightsError: truncated or damaged bytes, wrong dtype, missing or unknown tensors.
    """
    try:
        found: Mapping[str, dict] = dict(safetensors.deserialize(data))
    except safetensors.SafetensorError as error:
        raise WeightsError(
            f"not a whole safetensors file ({len(data)} bytes: {error}); it is truncated or damaged, restore it"
        ) from error
    check_names(found, wanted)
    for name in wanted:
        if found[name]["dtype"] != dtype:
            raise WeightsError(f"tensor {name}: got dtype {found[name]['dtype']}, wanted {dtype}; convert it")
    numpy_dtype = {"F32": "<f4", "I64": "<i8"}[dtype]
    return {name: np.frombuffer(found[name]["data"], dtype=numpy_dtype).reshape(found[name]["shape"]) for name in wanted}
