"""The JSON config beside a user's file: `read_config`. It has no defaults; what is missing is named with its usual value."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from compact_proofs.models.errors import CompactProofsError, ConfigError, OutsideTheory
from compact_proofs.models.importing.layout import Layout, Values, is_number
from compact_proofs.models.importing.layouts import LAYOUTS

EXAMPLE = "compact-proofs import --example-config"


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """Inputs, int64 (rows, n_ctx), and the user's logits at their last positions, float64 (rows, outputs)."""

    tokens: np.ndarray
    logits: np.ndarray


def read_config(path: Path) -> tuple[Layout, Values, Probe | None]:
    """Read the config of a user's file: the layout, its keys, and the probe if there is one.

    Raises: ConfigError: no JSON, unknown, repeated or missing keys, impossible values. OutsideTheory: a network that the theory
    does not cover. Each message starts with the file.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; `{EXAMPLE} LAYOUT > {path.name}` writes an example to fill in") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); wanted a JSON file") from error
    try:
        return _parse(data)
    except CompactProofsError as error:
        raise type(error)(f"{path}: {error}") from None


def _parse(data: bytes) -> tuple[Layout, Values, Probe | None]:
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"not JSON ({error}); `{EXAMPLE} LAYOUT` prints an example") from error
    if not isinstance(value, dict):
        raise ConfigError(f"config is {type(value).__name__}, wanted an object; `{EXAMPLE} LAYOUT` prints an example")
    layout = LAYOUTS[_choice(value, "layout", list(LAYOUTS))]
    family = _choice(value, "family", layout.families)
    probe = value.pop("probe", None)
    fields = layout.fields(family)
    example = layout.name if len(layout.families) == 1 else f"{layout.name}:{family}"
    if unknown := [key for key in value if key not in (*fields, "layout", "family")]:
        near = difflib.get_close_matches(unknown[0], fields, 1)
        meant = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(fields)}, probe"
        raise ConfigError(f"config has the unknown key {unknown[0]!r}; {meant}")
    if missing := [f"{key} ({fields[key].hint()})" for key in fields if key not in value]:
        raise ConfigError(f"config lacks {', '.join(missing)}; there are no defaults, `{EXAMPLE} {example}` prints all keys")
    for key, field in fields.items():
        if not field.valid(value[key]):
            raise ConfigError(f"config: {key} is {_short(value[key])}; wanted {field.wanted} ({field.hint()})")
    if sentences := layout.outside(value):
        others = f" Nor does it cover: {'; '.join(one.partition(':')[0] for one in sentences[1:])}." * (len(sentences) > 1)
        raise OutsideTheory(f"{sentences[0]}.{others}" if others else sentences[0])
    n_ctx, outputs = (value["n_ctx"], value["d_vocab"]) if "n_ctx" in value else (2, value["modulus"])
    return layout, value, None if probe is None else _probe(probe, n_ctx, outputs)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"config has the key {repeated!r} twice; which one counts? take one out")
    return value


def _choice(value: dict[str, Any], key: str, valid: Sequence[str]) -> str:
    words = ", ".join(valid)
    if key not in value:
        raise ConfigError(f"config lacks {key}; wanted one of: {words}; `{EXAMPLE} LAYOUT` prints an example with all keys")
    if value[key] not in valid:
        raise ConfigError(f"config: {key} is {_short(value[key])}; wanted one of: {words}")
    return str(value[key])


def _probe(value: object, n_ctx: int, outputs: int) -> Probe:
    """Check the probe. Raises: ConfigError."""
    wanted = "wanted an object with the lists `tokens` and `logits`, a row for each input"
    if not isinstance(value, dict) or set(value) != {"tokens", "logits"}:
        raise ConfigError(f"config: probe is {_short(value)}; {wanted}")
    tokens, logits = value["tokens"], value["logits"]
    if not isinstance(tokens, list) or not isinstance(logits, list) or not tokens or len(tokens) != len(logits):
        raise ConfigError(f"config: probe has no two lists of equal length, not empty; {wanted}")
    for row, (some, scores) in enumerate(zip(tokens, logits, strict=True)):
        in_range = isinstance(some, list) and all(type(one) is int and 0 <= one < outputs for one in some)
        if not in_range or len(some) != n_ctx:
            lengths = {len(one) for one in tokens if isinstance(one, list)}
            other = f"; every row has {lengths.pop()}: is n_ctx right?" if in_range and len(lengths) == 1 else ""
            raise ConfigError(
                f"config: probe: row {row} of tokens is {_short(some)}; wanted {n_ctx} integers in 0..{outputs - 1}{other}"
            )
        if not isinstance(scores, list) or len(scores) != outputs or not all(is_number(one) for one in scores):
            raise ConfigError(
                f"config: probe: row {row} of logits is {_short(scores)}; wanted {outputs} finite numbers, of the last position"
            )
    return Probe(np.array(tokens, dtype=np.int64), np.array(logits, dtype=np.float64))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
