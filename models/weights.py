"""Weights of a model, and where models are found: `Weights`, `load_model`, `save_model`, `zoo_names`, `model_names`.

A model is three files side by side: NAME.safetensors (float32 weights), NAME.json (config), NAME.md (card). A name is
looked up in the zoo shipped with this package, then in build/models under the working folder; anything with a slash
or ending in .json is a path. Numpy only.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from compact_proofs.models.config import FAMILIES, ModelConfig
from compact_proofs.models.errors import ConfigError, ShapeError, UsageError, WeightsError
from compact_proofs.models.files import write_atomic
from compact_proofs.models.modular.config import MODULAR_FAMILIES, ModularConfig
from compact_proofs.models.modular.weights import ModularWeights
from compact_proofs.models.tensors import check_matrix_shapes, checked_matrix, read_tensors

ZOO = Path(__file__).parent / "zoo"
TRAINED = Path("build/models")


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """The seven float32 matrices of a model, read-only, multiplied on the right of row vectors.

    W_E (d_vocab, d_model); W_pos (n_ctx, d_model); W_Q, W_K, W_V (d_model, d_head); W_O (d_head, d_model);
    W_U (d_model, d_vocab). W_Q is not scaled: the network divides scores by sqrt(d_head).

    Raises: WeightsError: another dtype, or an entry that is not finite. ShapeError: not a matrix.
    """

    W_E: np.ndarray
    W_pos: np.ndarray
    W_Q: np.ndarray
    W_K: np.ndarray
    W_V: np.ndarray
    W_O: np.ndarray
    W_U: np.ndarray

    def __post_init__(self) -> None:
        for name, matrix in self.matrices().items():
            object.__setattr__(self, name, checked_matrix(name, matrix))

    def matrices(self) -> dict[str, np.ndarray]:
        """Return the matrices by name, in the order of the fields."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def check_shapes(config: ModelConfig | ModularConfig, weights: Weights | ModularWeights) -> None:
    """Refuse weights that disagree with the sizes of the config.

    Raises: ShapeError: naming the tensor, its shape and the wanted shape. WeightsError: unknown or missing tensors.
    """
    check_matrix_shapes(weights.matrices(), config.shapes(), config.sizes_in_words())


def weights_to_bytes(weights: Weights | ModularWeights) -> bytes:
    """Return the bytes of the .safetensors file; equal weights give equal bytes."""
    return safetensors.numpy.save(weights.matrices())


def weights_from_bytes(data: bytes) -> Weights:
    """Read the bytes of a .safetensors file of a max-of-K model.

    Raises: WeightsError: truncated, wrong dtype, missing or unknown tensors, entries not finite. ShapeError: no matrix.
    """
    return Weights(**read_tensors(data, [field.name for field in fields(Weights)], "F32"))


def save_model(
    config: ModelConfig | ModularConfig, weights: Weights | ModularWeights, folder: Path, card: str | None = None
) -> Path:
    """Write FOLDER/NAME.safetensors, NAME.md (if a card is given) and NAME.json; return the path of the .json.

    The .json comes last and is what makes a model visible, so an interruption leaves no half model.
    """
    check_shapes(config, weights)
    path = Path(folder) / f"{config.name}.json"
    path.unlink(missing_ok=True)  # an older config must not meet the new weights
    write_atomic(path.with_suffix(".safetensors"), weights_to_bytes(weights))
    if card is not None:
        write_atomic(path.with_suffix(".md"), card.encode())
    write_atomic(path, config.to_json().encode())
    return path


def load_model(name_or_path: str | Path) -> tuple[Any, Any]:
    """Load a model by name (zoo first, then build/models) or by the path of its .json.

    Returns: (ModelConfig, Weights) of a max-of-K model, (ModularConfig, ModularWeights) of a modular one.
    Raises: UsageError: unknown name (lists the valid ones). ConfigError, ShapeError, WeightsError: files refused,
    the message starting with the file.
    """
    path = model_path(name_or_path)
    config = load_config(path)
    path = path.with_suffix(".safetensors")
    if not path.is_file():
        raise WeightsError(f"{path}: no such file; it belongs beside {path.with_suffix('.json').name}, restore it")
    try:
        tensors = read_tensors(path.read_bytes(), list(config.shapes()), "F32")
        weights = ModularWeights(tensors) if isinstance(config, ModularConfig) else Weights(**tensors)
        check_shapes(config, weights)
    except (WeightsError, ShapeError) as error:
        raise type(error)(f"{path}: {error}") from error
    return config, weights


def load_config(name_or_path: str | Path) -> ModelConfig | ModularConfig:
    """Read the config of a model by name or path; its key `family` says which kind it is.

    Raises: UsageError: unknown name. ConfigError: file refused.
    """
    path = model_path(name_or_path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text ({error}); restore the file or train again") from error
    family = _family(text)
    if isinstance(family, str) and family not in (*FAMILIES, *MODULAR_FAMILIES):
        known = ", ".join((*FAMILIES, *MODULAR_FAMILIES))
        raise ConfigError(f"{path}: config: family is {family!r}; wanted one of: {known}")
    reader = ModularConfig if family in MODULAR_FAMILIES else ModelConfig
    config: ModelConfig | ModularConfig = reader.from_json(text, where=str(path))
    if config.name != path.stem:
        raise ConfigError(f"{path}: name is {config.name!r}; wanted {path.stem!r}, as the file is called")
    return config


def model_path(name_or_path: str | Path) -> Path:
    """Return the .json of a model given by name (zoo first, then build/models) or by path.

    Raises: UsageError: unknown name. WeightsError: a path where no file is.
    """
    text = str(name_or_path)
    if "/" in text or text.endswith(".json"):
        path = Path(text).with_suffix(".json")
        if not path.is_file():
            raise WeightsError(f"{path}: no such file; give the .json of a model, or one of: {', '.join(model_names())}")
        return path
    for folder in (ZOO, TRAINED):
        if text in _names(folder):
            return folder / f"{text}.json"
    raise UsageError(f"unknown MODEL {text!r}; valid: {', '.join(model_names())}; or the path of a model's .json")


def model_of_size(n_ctx: int, d_vocab: int, seed: int | None = None) -> str:
    """Return the name of the first max-of-K model with these sizes, trained with this seed (None: any); the zoo comes first.

    Raises: UsageError: there is none; the message says how to train it.
    """
    for name in model_names():
        config = load_config(name)
        if not isinstance(config, ModelConfig):
            continue
        found = config.training.seed if config.training else None
        if (config.n_ctx, config.d_vocab) == (n_ctx, d_vocab) and seed in (None, found):
            return name
    wanted = f"K={n_ctx}, d_vocab={d_vocab}" + ("" if seed is None else f", seed {seed}")
    command = f"make train MODEL=NAME K={n_ctx} D_VOCAB={d_vocab} SEED={seed or 0}"
    raise UsageError(f"no model with {wanted}; wanted one of `compact-proofs list`, or train it: {command}")


def zoo_names() -> list[str]:
    """Return the names of the shipped models, sorted."""
    return _names(ZOO)


def model_names() -> list[str]:
    """Return the names `load_model` knows: the zoo's, then those trained here (build/models) that the zoo lacks."""
    zoo = zoo_names()
    return zoo + [name for name in _names(TRAINED) if name not in zoo]


def _names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.json"))


def _family(text: str) -> object:
    """Return what JSON text says of its family; None where it says nothing or is no JSON, which the reader refuses."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value.get("family") if isinstance(value, dict) else None
