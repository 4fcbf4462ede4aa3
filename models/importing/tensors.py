"""A user's file of tensors, of any layout: `read_file`, `Tensors`. No torch but for .pt and .pth.

Half precision and bfloat16 become float32 exactly; float64 is rounded to it. All other dtypes are refused where they are weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors

from compact_proofs.models.errors import ToolMissing, WeightsError

SUFFIXES = (".pt", ".pth", ".safetensors")
PREFIXES = ("_orig_mod.", "module.")  # of torch.compile and of DataParallel
NUMPY_DTYPES = {"F16": "<f2", "BF16": "<u2", "F32": "<f4", "F64": "<f8", "BOOL": "?"}
DTYPE_WORDS = {
    "F16": "float16, converted to float32, which is exact",
    "BF16": "bfloat16, converted to float32, which is exact",
    "F64": "float64, rounded to float32",
}


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor as it stands in the file; `data` is None where numpy has no such dtype. bfloat16 stands as uint16."""

    dtype: str
    shape: tuple[int, ...]
    data: np.ndarray | None


class Tensors:
    """The tensors of a file by name, without the prefixes that wrappers put in front.

    Raises: WeightsError: two names that differ by a prefix only.
    """

    def __init__(self, tensors: Mapping[str, Tensor], sha256: str, notes: tuple[str, ...] = ()) -> None:
        self.sha256 = sha256
        self._notes = list(notes)
        self._tensors: dict[str, Tensor] = {}
        self._converted: set[str] = set()
        prefixes = set()
        for name in sorted(tensors):
            short = name
            while prefix := next((one for one in PREFIXES if short.startswith(one)), ""):
                short = short.removeprefix(prefix)
                prefixes.add(prefix)
            if short in self._tensors:
                raise WeightsError(f"tensor {short} is there twice, once as {name}; save the state dict of one model only")
            self._tensors[short] = tensors[name]
        if prefixes:
            self._notes.append(f"{', '.join(sorted(prefixes))} taken off the names of tensors")

    def names(self) -> list[str]:
        """Return the names, sorted."""
        return list(self._tensors)

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a tensor."""
        return self._tensors[name].shape

    def numbers(self, name: str) -> np.ndarray:
        """Return a tensor in float64; check its shape first, a file can claim any.

        Raises: WeightsError: no floating-point numbers, one that is not finite, or one that float32 does not hold.
        """
        tensor = self._tensors[name]
        if tensor.dtype not in ("F16", "BF16", "F32", "F64") or tensor.data is None:
            raise WeightsError(f"tensor {name}: got dtype {tensor.dtype}, wanted float32; convert the weights by .float()")
        data = tensor.data
        if tensor.dtype == "BF16":
            data = (data.astype(np.uint32) << 16).view(np.float32)
        if tensor.dtype != "F32":
            self._converted.add(tensor.dtype)
        values = data.astype(np.float64)
        bad = np.argwhere(~(np.abs(values) <= np.finfo(np.float32).max))
        if len(bad):
            index = tuple(int(one) for one in bad[0])
            raise WeightsError(
                f"tensor {name}: entry {list(index)} is {values[index]}, wanted finite numbers that float32 holds "
                f"({len(bad)} of {values.size} entries are not); train again"
            )
        return values

    def flags(self, name: str) -> np.ndarray | None:
        """Return a tensor of booleans, None where it is no such tensor."""
        tensor = self._tensors[name]
        return tensor.data if tensor.dtype == "BOOL" else None

    def notes(self) -> list[str]:
        """Return what was changed in reading, in words; of the tensors that were asked for."""
        return self._notes + [f"weights in {DTYPE_WORDS[dtype]}" for dtype in sorted(self._converted)]


def read_file(path: Path) -> Tensors:
    """Read a .pt, .pth (nothing in it is run) or .safetensors file.

    Raises: WeightsError: missing, truncated, damaged, of another kind, or holding more than tensors. ToolMissing: no torch.
    """
    if path.suffix not in SUFFIXES:
        raise WeightsError(f"{path}: got a file ending in {path.suffix or 'nothing'!r}; wanted {', '.join(SUFFIXES)}")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file; give the file that torch.save or safetensors has written") from None
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror}); wanted a file of tensors") from error
    notes: tuple[str, ...] = ()
    if path.suffix == ".safetensors":
        tensors = _from_safetensors(path, data)
    else:
        try:
            from compact_proofs.models import load_pt
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise ToolMissing(
                f"{path}: reading it needs torch; pip install -c constraints.txt -e '.[train]', or save the weights as "
                "safetensors where torch is: safetensors.torch.save_file(model.state_dict(), 'model.safetensors')"
            ) from None
        found, notes = load_pt.read(path, data)
        tensors = {name: Tensor(*parts) for name, parts in found.items()}
    try:
        return Tensors(tensors, hashlib.sha256(data).hexdigest(), notes)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None


def _from_safetensors(path: Path, data: bytes) -> dict[str, Tensor]:
    try:
        found = dict(safetensors.deserialize(data))
    except safetensors.SafetensorError as error:
        raise WeightsError(
            f"{path}: not a whole safetensors file ({len(data)} bytes: {error}); it is truncated or damaged, restore it"
        ) from error
    tensors = {}
    for name, one in found.items():
        numpy_dtype = NUMPY_DTYPES.get(one["dtype"])
        array = None if numpy_dtype is None else np.frombuffer(one["data"], dtype=numpy_dtype).reshape(one["shape"])
        tensors[name] = Tensor(one["dtype"], tuple(one["shape"]), array)
    return tensors
