"""What is to be compared on a network: `Choice`, a strategy with its parameters, read from text as "subcubic:near=1,rank=2"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from compact_proofs.extract.families import AnyConfig
from compact_proofs.extract.layouts import Group
from compact_proofs.extract.rounding import check_bits
from compact_proofs.models.errors import UsageError
from compact_proofs.proofs.registry import DEFAULT, GROUPS, SOLVERS, Strategy, Tuning, strategies

PARAMETERS = ("resolution", "bands", "rank", "near", "weight_bits")


@dataclass(frozen=True, slots=True)
class Choice:
    """A strategy, what is chosen of its certificate, and the bits of a weight (None: as everywhere in the comparison)."""

    strategy: str
    tuning: Tuning = DEFAULT
    weight_bits: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the value of `from_json`."""
        return {"strategy": self.strategy, "weight_bits": self.weight_bits} | asdict(self.tuning)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Choice:
        """Read what `to_json` has made."""
        bands = None if value["bands"] is None else tuple(value["bands"])
        tuning = Tuning(value["resolution"], bands, value["rank"], value["near"])
        return cls(value["strategy"], tuning, value["weight_bits"])


def group_of(config: AnyConfig) -> Group:
    """Return the task of a network."""
    return "max_of_k" if config.family == "max_of_k" else "modular"


def fitting(config: AnyConfig) -> dict[str, Strategy]:
    """Return the strategies that can prove something of networks of this family, by name, best first."""
    known = strategies(group_of(config))
    return {name: one for name, one in known.items() if one.families is None or config.family in one.families}


def valid_for(configs: Sequence[AnyConfig]) -> list[str]:
    """Return the names of what can be compared on some of these networks: strategies that fit, and solvers."""
    return [*dict.fromkeys(name for config in configs for name in fitting(config)), *SOLVERS]


def read_choice(text: str) -> Choice:
    """Read NAME or NAME:key=value,key=value; the exponents of bands are separated by commas too.

    Raises: UsageError: unknown parameter, or a value that makes no sense for any strategy.
    """
    try:
        return _read_choice(text)
    except UsageError as error:
        raise UsageError(f"strategy {text!r}: {error}") from error


def _read_choice(text: str) -> Choice:
    name, colon, rest = text.partition(":")
    values: dict[str, str] = {}
    last = ""
    for part in rest.split(",") if colon else ():
        key, equals, value = part.partition("=")
        if not equals and last == "bands":
            values[last] += f",{part}"
            continue
        if not equals:
            raise UsageError(f"got {part!r}, wanted NAME:key=value,key=value, such as subcubic:near=1")
        if key not in PARAMETERS:
            raise UsageError(f"unknown parameter {key!r}; valid: {', '.join(PARAMETERS)}")
        if key in values:
            raise UsageError(f"{key} is there twice")
        values[key], last = value, key
    bands = tuple(_number("bands", part) for part in values.pop("bands").split(",")) if "bands" in values else None
    numbers = {key: _number(key, value) for key, value in values.items()}
    bits = numbers.pop("weight_bits", None)
    if bits is not None:
        check_bits(bits)
    return Choice(name, Tuning(bands=bands, **numbers), bits)


def choices_for(configs: Sequence[AnyConfig], texts: Sequence[str]) -> list[list[Choice]]:
    """Return what to compare on each network: of `texts` those that fit its family; without texts, all strategies that do.

    Raises: UsageError: a strategy that nobody knows, or that fits none of the networks, or parameters that it does not have; a
    network that nothing fits; the same twice.
    """
    if not texts:
        return [[Choice(name) for name in valid_for([config])] for config in configs]
    choices = [read_choice(text) for text in texts]
    for number, (text, choice) in enumerate(zip(texts, choices, strict=True)):
        known = {name for group in GROUPS for name in strategies(group)} | set(SOLVERS)
        valid = ", ".join(valid_for(configs))
        if choice.strategy not in known:
            raise UsageError(f"unknown strategy {choice.strategy!r}; valid: {valid}")
        if choice in choices[:number]:
            raise UsageError(f"strategy {text!r} is there twice")
        takers = [config for config in configs if choice.strategy in valid_for([config])]
        if not takers:
            families = ", ".join(dict.fromkeys(config.family for config in configs))
            raise UsageError(f"strategy {choice.strategy} proves nothing of a {families} network; valid: {valid}")
        try:
            if choice.strategy in SOLVERS:
                choice.tuning.only(choice.strategy)
                continue
            for config in takers:
                fitting(config)[choice.strategy].check_tuning(choice.tuning)
        except UsageError as error:
            raise UsageError(f"strategy {text!r}: {error}") from error
    found = [[choice for choice in choices if choice.strategy in valid_for([config])] for config in configs]
    for config, of_config in zip(configs, found, strict=True):
        if not of_config:
            raise UsageError(
                f"none of the strategies proves anything of {config.name}, a {config.family} network; "
                f"valid: {', '.join(valid_for([config]))}"
            )
    return found


def _number(key: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise UsageError(f"{key}: got {value!r}, wanted an integer >= 0")
    return int(value)
