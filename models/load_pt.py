"""Reading a .pt file without running anything in it: `read`. Needs torch."""

from __future__ import annotations

import io
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from compact_proofs.models.errors import WeightsError

NESTED = ("model", "state_dict", "model_state_dict")  # where a checkpoint keeps the state dict
DTYPES = {torch.float16: "F16", torch.bfloat16: "BF16", torch.float32: "F32", torch.float64: "F64", torch.bool: "BOOL"}
SAVE = "save the weights alone: torch.save(model.state_dict(), 'model.pt')"

Parts = tuple[str, tuple[int, ...], np.ndarray | None]  # dtype as safetensors calls it, shape, numbers


def read(path: Path, data: bytes) -> tuple[dict[str, Parts], tuple[str, ...]]:
    """Return the tensors of a state dict, or of one under `model`, `state_dict` or `model_state_dict`, and notes on it.

    Raises: WeightsError: truncated or damaged, more than tensors in it, or no state dict.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's advice to its own users
            value = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # torch raises nearly every kind for a damaged file
        raise WeightsError(f"{path}: {_reason(error, data)}") from error
    found, notes = _state_dict(path, value)
    wrong = [name for name, one in found.items() if not isinstance(name, str) or not isinstance(one, torch.Tensor)]
    if wrong:
        kind = type(found[wrong[0]]).__name__
        raise WeightsError(f"{path}: {wrong[0]!r} holds {kind}, wanted a tensor under a name; {SAVE}")
    return {name: _parts(path, name, tensor) for name, tensor in found.items()}, notes


def _reason(error: Exception, data: bytes) -> str:
    text = str(error)
    if other := re.search(r"GLOBAL (\S+)", text):
        return f"holds more than tensors ({other[1]}), which could run code when loaded, so nothing was loaded; {SAVE}"
    if "TorchScript" in text:
        return f"a TorchScript archive, which holds code, so nothing was loaded; {SAVE}"
    if isinstance(error, pickle.UnpicklingError):
        return f"no file of torch.save that loads without running code, so nothing was loaded; {SAVE}"
    return f"not a whole file of torch.save ({len(data)} bytes); it is truncated or damaged, restore it, or {SAVE}"


def _state_dict(path: Path, value: Any) -> tuple[dict[Any, Any], tuple[str, ...]]:
    if not isinstance(value, dict):
        raise WeightsError(f"{path}: holds {type(value).__name__}, wanted a state dict; {SAVE}")
    if any(isinstance(one, torch.Tensor) for one in value.values()):
        return value, ()
    nested = [key for key in NESTED if isinstance(value.get(key), dict)]
    keys = ", ".join(str(key) for key in value) or "nothing"
    if len(nested) != 1:
        raise WeightsError(f"{path}: holds {keys}; wanted a state dict, or one under exactly one of {', '.join(NESTED)}; {SAVE}")
    others = sorted(str(key) for key in value if key != nested[0])
    notes = (f"state dict read from {nested[0]!r}" + (f"; not read: {', '.join(others)}" if others else ""),)
    return value[nested[0]], notes


def _parts(path: Path, name: str, tensor: torch.Tensor) -> Parts:
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
        raise WeightsError(f"{path}: tensor {name} is no plain tensor ({tensor.layout}, {tensor.device.type}); make it dense")
    shape = tuple(tensor.shape)
    dtype = DTYPES.get(tensor.dtype)
    if dtype is None:
        return str(tensor.dtype).removeprefix("torch."), shape, None
    tensor = tensor.detach()
    if dtype == "BF16":
        return dtype, shape, tensor.view(torch.int16).numpy().view(np.uint16)
    return dtype, shape, tensor.numpy()
