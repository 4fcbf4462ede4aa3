"""What a layout of a user's file is: `Layout`, the keys of its JSON config (`Field`), and what it reads (`Network`)."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compact_proofs.models.config import ModelConfig
from compact_proofs.models.errors import ShapeError
from compact_proofs.models.importing.tensors import Tensors
from compact_proofs.models.modular.config import ModularConfig

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A key of the JSON config: which values it may have, in words and as a test, and its usual value.

    `varies`: the usual value is only an example, each network has its own.
    """

    wanted: str
    valid: Callable[[Any], bool]
    usual: object
    varies: bool = False

    def hint(self) -> str:
        """Return, for example, "usually true" or "such as 32"."""
        return f"{'such as' if self.varies else 'usually'} {json.dumps(self.usual)}"


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """What a layout has read: float64 matrices by our names, the shapes those of `config`.

    biases: by name (b_Q, b_K, b_V, b_O, b_U) the key in the file and the vector, where not exactly zero; skipped: keys that
    were not needed, with the reason; notes: what was changed on the way.
    """

    config: ModelConfig | ModularConfig
    matrices: dict[str, np.ndarray]
    biases: dict[str, tuple[str, np.ndarray]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Layout:
    """One way in which a file names and shapes its tensors.

    known_by: a key that only files of this layout have; families: those it can hold; fields: keys of the config by family;
    outside: one sentence for each thing in the config that the theory does not cover; read: from the name of the model, the
    config and the tensors to a network (raises ConfigError, OutsideTheory, ShapeError, WeightsError).
    """

    name: str
    summary: str
    known_by: str
    families: tuple[str, ...]
    fields: Callable[[str], dict[str, Field]]
    outside: Callable[[Values], list[str]]
    read: Callable[[str, Values, Tensors], Network]

    def example(self, family: str) -> dict[str, Any]:
        """Return a config with usual values."""
        return {"layout": self.name, "family": family} | {key: one.usual for key, one in self.fields(family).items()}


def size(usual: int, varies: bool = True) -> Field:
    """Return the field of an integer >= 1."""
    return Field("an integer >= 1", _is_size, usual, varies)


def size_or_null(usual: int | None = None) -> Field:
    """Return the field of an integer >= 1 or null."""
    return Field("an integer >= 1 or null", lambda value: value is None or _is_size(value), usual)


def flag(usual: bool) -> Field:
    """Return the field of true or false."""
    return Field("true or false", lambda value: isinstance(value, bool), usual)


def word(usual: str, *valid: str) -> Field:
    """Return the field of one of some words."""
    return Field(f"one of: {', '.join(valid)}", lambda value: value in valid, usual)


def text(usual: str) -> Field:
    """Return the field of any text."""
    return Field("text", lambda value: isinstance(value, str), usual)


def text_or_null() -> Field:
    """Return the field of any text or null."""
    return Field("text or null", lambda value: value is None or isinstance(value, str), None)


def number_or_null(usual: float | None, varies: bool = False) -> Field:
    """Return the field of a finite number or null."""
    return Field("a finite number or null", lambda value: value is None or is_number(value), usual, varies)


def is_number(value: object) -> bool:
    """Say whether this is a number that float64 holds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def check_shape(key: str, got: tuple[int, ...], wanted: tuple[int, ...], said: str, first_axis: str = "") -> None:
    """Refuse a tensor of another shape than `wanted`; `said`: the wanted shape in words. Raises: ShapeError."""
    if got == wanted:
        return
    advice = "correct the config or the tensor"
    if got[:-2] == wanted[:-2] and got[-2:] == wanted[:-3:-1]:
        advice = "it is transposed: save it the other way round, or name the layout that the file has"
    elif first_axis == "n_heads" and got == wanted[1:]:
        advice = "it lacks the axis of heads in front: save it with [None]"
    elif first_axis == "n_heads" and got[1:] == wanted[1:]:
        advice = f"it has {got[0]} heads, the theory covers one: train a network with n_heads=1"
    elif first_axis == "n_ctx" and got[1:] == wanted[1:]:
        advice = (
            "the theory covers the network on inputs of exactly n_ctx tokens, read at the last: correct n_ctx, or keep only the "
            "rows of the positions that the inputs have"
        )
    raise ShapeError(f"tensor {key}: got shape {got}, wanted {said}; {advice}")


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
