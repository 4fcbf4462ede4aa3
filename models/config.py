"""What a model is: its sizes and how it was trained (`ModelConfig`, `Training`), as JSON without defaults.

Tensor shapes by name are `ModelConfig.shapes()`; every reader and writer of weights takes them from there.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TypeVar

from compact_proofs.models.errors import ConfigError
from compact_proofs.models.names import COQ_IDENTIFIER

SCHEMA = 1
FAMILIES = ("max_of_k",)
Config = TypeVar("Config")


@dataclass(frozen=True, slots=True)
class Training:
    """Recipe of one trained seed: AdamW on uniform random sequences, cross-entropy at the last position.

    `init_std` is the standard deviation of the normal distribution that every matrix starts from.
    """

    seed: int
    steps: int
    batch_size: int
    learning_rate: float
    beta1: float
    beta2: float
    weight_decay: float
    init_std: float

    def __post_init__(self) -> None:
        for key, least in {"seed": 0, "steps": 0, "batch_size": 1}.items():
            check_int(f"training.{key}", getattr(self, key), least)
        for key in ("learning_rate", "beta1", "beta2", "weight_decay", "init_std"):
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
                raise ConfigError(f"config: training.{key} is {value!r}; wanted a finite number >= 0")


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Sizes of a one-layer, one-head, attention-only transformer, and its training (None if unknown).

    Raises: ConfigError: a name that is no Coq identifier, an unknown family, or a size below 1.
    """

    name: str
    family: str
    n_ctx: int
    d_vocab: int
    d_model: int
    d_head: int
    training: Training | None = None

    def __post_init__(self) -> None:
        check_name("name", self.name)
        if self.family not in FAMILIES:
            raise ConfigError(f"config: family is {self.family!r}; wanted one of: {', '.join(FAMILIES)}")
        for key in ("n_ctx", "d_vocab", "d_model", "d_head"):
            check_int(key, getattr(self, key), 1)
        if self.training is not None and not isinstance(self.training, Training):
            raise ConfigError(f"config: training is {self.training!r}; wanted a Training or None")

    def shapes(self) -> dict[str, tuple[int, int]]:
        """Return the shape of every weight matrix by name, in the order of `Weights`."""
        return {
            "W_E": (self.d_vocab, self.d_model),
            "W_pos": (self.n_ctx, self.d_model),
            "W_Q": (self.d_model, self.d_head),
            "W_K": (self.d_model, self.d_head),
            "W_V": (self.d_model, self.d_head),
            "W_O": (self.d_head, self.d_model),
            "W_U": (self.d_model, self.d_vocab),
        }

    def sizes_in_words(self) -> str:
        """Return, for example, "n_ctx=4 d_vocab=64 d_model=32 d_head=32"."""
        return " ".join(f"{key}={getattr(self, key)}" for key in ("n_ctx", "d_vocab", "d_model", "d_head"))

    def to_json(self) -> str:
        """Return the config as JSON text: sorted keys, one final newline, equal configs give equal bytes."""
        value = {key.name: getattr(self, key.name) for key in fields(self)}
        value["schema"] = SCHEMA
        if self.training is not None:
            value["training"] = {key.name: getattr(self.training, key.name) for key in fields(self.training)}
        return json.dumps(value, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = "config") -> "ModelConfig":
        """Read the text of `to_json`; `where` (a file name) stands in front of every message.

        Raises: ConfigError: no JSON, unknown or missing keys, another schema, or impossible values.
        """
        return config_from_json(cls, text, where, {"training": Training})


def config_from_json(cls: type[Config], text: str, where: str, records: Mapping[str, type]) -> Config:
    """Read the JSON of a config; `records`: what the keys that are objects or null hold.

    Raises: ConfigError: no JSON, unknown or missing keys, another schema, or impossible values; `where` comes first.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{where}: not JSON ({error}); restore the file or train again") from error
    try:
        check_keys("config", value, {key.name for key in fields(cls)} | {"schema"})  # type: ignore[arg-type]
        if value["schema"] != SCHEMA:
            raise ConfigError(f"config: schema is {value['schema']!r}; wanted {SCHEMA}")
        del value["schema"]
        for name, record in records.items():
            if value[name] is not None:
                check_keys(f"config: {name}", value[name], {key.name for key in fields(record)})
                value[name] = record(**value[name])
        return cls(**value)
    except ConfigError as error:
        raise ConfigError(str(error) if where == "config" else f"{where}: {error}") from None


def check_name(key: str, value: object) -> None:
    """Refuse a name that cannot stand in Coq. Raises: ConfigError."""
    if not isinstance(value, str) or not COQ_IDENTIFIER.fullmatch(value):
        raise ConfigError(f"config: {key} is {value!r}; wanted a Coq identifier: a letter, then letters, digits or _")


def check_int(key: str, value: object, least: int) -> None:
    """Refuse what is not an integer >= least. Raises: ConfigError."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigError(f"config: {key} is {value!r}; wanted an integer >= {least}")


def check_keys(what: str, value: object, wanted: set[str]) -> None:
    """Refuse an object whose keys are not exactly those wanted. Raises: ConfigError."""
    if not isinstance(value, Mapping):
        raise ConfigError(f"{what} is {type(value).__name__}; wanted an object with keys {', '.join(sorted(wanted))}")
    if unknown := sorted(set(value) - wanted):
        raise ConfigError(f"{what} has the unknown key {unknown[0]!r}; known keys: {', '.join(sorted(wanted))}")
    if missing := sorted(wanted - set(value)):
        raise ConfigError(f"{what} lacks the key {missing[0]!r}; there are no defaults, add it")
