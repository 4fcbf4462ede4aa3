"""Claims, Coq's verdicts on them, and hostile certificates: `Case`, `mirror_verdict`, `coq_verdicts`, `mutated`.

Coq judges as a theorem does: the strategy's verdict of the facade, on the network (not on its form), the certificate built from
the fields of Certificate.v. Many cases go into one file, each network in a module of its own.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from compact_proofs.extract.coq_text import Statement, certificate_v, distribution_v, weights_v
from compact_proofs.extract.distribution import FIELD
from compact_proofs.extract.layouts import LAYOUTS
from compact_proofs.extract.rounding import QuantisedNetwork
from compact_proofs.models.errors import NotProved, TimeLimit
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.registry import Strategy

BATCH = 150  # cases in one run of coqc
UNPREDICTED = "?"  # of a certificate that only Coq can hold: rows of unequal length
ANSWER = "verdict_"  # each goes to a file of its own, so that those before a crash are not lost
VERDICT = re.compile(r"= ((?:Accepted|Refused).*?)\s+: outcome", re.DOTALL)
LARGE = 2**62  # one more than a literal of Coq's machine integers, signed, may be
CHANGES = (1, 1, 1, 2, 3)  # in a random mutant, each of these is as likely

Mutant = tuple[str, Any]
Make = Callable[[], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A claim that a network answers (at least, at most, exactly) `claimed` inputs right, by a strategy's certificate."""

    network: QuantisedNetwork
    strategy: Strategy
    statement: Statement
    certificate: Any
    claimed: int


def mirror_verdict(case: Case) -> str:
    """Return what the mirror says Coq prints, on one line; UNPREDICTED for rows of unequal length in place of an array."""
    if is_ragged(case.certificate):
        return UNPREDICTED
    return " ".join(case.strategy.verdict(case.claimed, case.network, case.certificate, case.statement).split())


def coq_verdicts(root: Path, cases: Sequence[Case], limits: coqrun.Limits, batch: int = BATCH) -> list[str]:
    """Return what Coq prints for each case, on one line; "Failed (..)" where coqc did not come to a verdict.

    Args:    root: a folder with a built theory. batch: cases in one run.
    Raises:  CertificateError, OverflowRisk, ShapeError: a network or certificate that cannot be written. ToolMissing.
    """
    result = [""] * len(cases)
    for facade in sorted({_facade(case) for case in cases}):
        places = [place for place, case in enumerate(cases) if _facade(case) == facade]
        for start in range(0, len(places), batch):
            of_batch = places[start : start + batch]
            verdicts = _asked(root, facade, [cases[place] for place in of_batch], limits)
            for place, verdict in zip(of_batch, verdicts, strict=True):
                result[place] = verdict
    return result


def coq_text(facade: str, cases: Sequence[Case]) -> str:
    """Return the file that asks for the verdicts; cases that follow each other on one network share it.

    Raises: as `coq_verdicts`.
    """
    parts = [f"From Coq Require Import ZArith Uint63 List.\nImport ListNotations.\nFrom CompactProofs Require Import {facade}.\n"]
    last: QuantisedNetwork | None = None
    for index, case in enumerate(cases):
        if case.network is not last:
            last, network = case.network, f"network_{index}"
            weights, definition = _definitions(weights_v(last)), LAYOUTS[last.layout].definition()
            parts.append(f"Module Of_{network}.\nModule Weights.\n{weights}\nEnd Weights.\n{definition}End Of_{network}.\n")
            parts.append(f"Definition {network} := Of_{network}.network.\n")
        fields = case.strategy.fields(case.certificate)
        name, certificate = f"Certificate_{index}", _definitions(certificate_v("attack", case.strategy.name, fields))
        record = " ".join([case.strategy.constructor, *(f"{name}.{field.name}" for field in fields)])
        verdict, arguments = case.strategy.coq[case.statement].verdict, network
        parts.append(f"Module {name}.\n{certificate}\nEnd {name}.\n")
        if case.strategy.distribution is not None:
            text = _definitions(distribution_v("attack", case.strategy.name, case.strategy.distribution.field))
            parts.append(f"Module Distribution_{index}.\n{text}\nEnd Distribution_{index}.\n")
            arguments = f"Distribution_{index}.{FIELD} {network}"
        parts.append(f'Redirect "{ANSWER}{index}" Eval vm_compute in ({verdict} ({case.claimed})%Z {arguments} ({record})).\n')
    return "\n".join(parts)


def mutated(certificate: Any, rng: np.random.Generator | None = None) -> Iterator[Mutant]:
    """Yield (what was changed, certificate): without `rng` each change once, in order, else random ones without end.

    Integers become one more, one less, negated, 0, 2^62 and 2^62 - 1. Lists, rows and columns become longer, shorter, empty,
    reversed, with two entries swapped; rows of an array also of unequal length. Random ones have one change or a few.
    A mutant need not be a certificate that can be written. Nothing is yielded for a certificate without fields.
    """
    if rng is None:
        for what, make in _changes(certificate):
            yield what, make()
        return
    while dataclasses.fields(certificate):
        changed, parts = certificate, []
        for _ in range(int(rng.choice(CHANGES))):
            if (change := _random_change(changed, rng)) is not None:
                parts.append(change[0])
                changed = change[1]()
        if parts:
            yield ", ".join(parts), changed


def is_ragged(certificate: Any) -> bool:
    """Say whether an array of the certificate was replaced by rows of unequal length."""
    return any(isinstance(getattr(certificate, field.name), Ragged) for field in dataclasses.fields(certificate))


class Ragged(tuple[tuple[int, ...], ...]):
    """Rows of unequal length where a certificate has an array."""


def _facade(case: Case) -> str:
    return LAYOUTS[case.network.layout].facade


def _asked(root: Path, facade: str, cases: Sequence[Case], limits: coqrun.Limits) -> list[str]:
    """Return the verdicts of as many runs as it takes: where one stops, the case that it stopped at is tried alone."""
    result: list[str] = []
    while len(result) < len(cases):
        found, error = _run(root, facade, cases[len(result) :], limits)
        result += found
        if error is not None:
            alone = replace(limits, seconds=limits.seconds / 3)
            found, error = _run(root, facade, cases[len(result) : len(result) + 1], alone)
            result += found if error is None else [f"Failed ({' '.join(str(error).split())[:300]})"]
    return result


def _run(
    root: Path, facade: str, cases: Sequence[Case], limits: coqrun.Limits
) -> tuple[list[str], NotProved | TimeLimit | None]:  # fmt: skip
    """Return the verdicts of one run of coqc, and why it stopped before the last."""
    error = None
    with tempfile.TemporaryDirectory(prefix="attack_") as folder:
        here = Path(folder)
        (here / "theories").symlink_to((root / "theories").resolve())
        (here / "generated").mkdir()
        shutil.copy(root / "_CoqProject", here / "_CoqProject")
        (here / "Asked.v").write_text(coq_text(facade, cases), encoding="ascii")
        try:
            coqrun.coqc(here, Path("Asked.v"), limits)
        except (NotProved, TimeLimit) as stopped:
            error = stopped
        printed = [path.read_text() for index in range(len(cases)) if (path := here / f"{ANSWER}{index}.out").is_file()]
    verdicts = [" ".join(found[1].split()) for text in printed if (found := VERDICT.search(text))]
    assert error is not None or len(verdicts) == len(cases), f"{len(verdicts)} verdicts for {len(cases)} cases"
    return verdicts, error


def _definitions(data_file: str) -> str:
    """Return a data file without its imports, to stand inside a module."""
    return "\n".join(line for line in data_file.splitlines() if not re.match("From|Import", line))


def _numbers(value: int) -> dict[str, int]:
    changes = {"+1": value + 1, "-1": value - 1, "negated": -value, "0": 0, "2^62": LARGE, "2^62 - 1": LARGE - 1}
    return {name: number for name, number in changes.items() if number != value}


def _lists(value: tuple[Any, ...]) -> dict[str, tuple[Any, ...]]:
    if not value:
        return {"longer by 1": (1,), "longer by an empty list": ((),)}
    changes = {
        "longer": (*value, value[-1]),
        "shorter": value[:-1],
        "empty": (),
        "reversed": value[::-1],
        "first and last swapped": (value[-1], *value[1:-1], value[0]) if len(value) > 1 else value,
        "first two swapped": (value[1], value[0], *value[2:]) if len(value) > 1 else value,
    }
    return {name: changed for name, changed in changes.items() if changed != value}


def _arrays(value: np.ndarray) -> dict[str, Any]:
    """Changes of rows, and of columns; an array of one dimension has only rows."""
    changes: dict[str, Any] = {}
    for axis, name in enumerate(("rows", "columns")[: value.ndim if len(value) else 1]):  # no rows: Coq has no columns
        length = value.shape[axis]
        lengthened = (
            np.concatenate([value, np.take(value, [-1], axis=axis)], axis=axis)
            if length
            else np.ones(tuple(1 if one == axis else size for one, size in enumerate(value.shape)), dtype=np.int64)
        )
        changes[f"{name} longer"] = lengthened
        if length:
            changes[f"{name} shorter"] = np.delete(value, -1, axis=axis)
            changes[f"{name} empty"] = np.delete(value, slice(None), axis=axis)
            changes[f"{name} reversed"] = np.flip(value, axis=axis)
            order = [length - 1, *range(1, length - 1), 0][:length]
            changes[f"{name} swapped"] = np.take(value, order, axis=axis)
    if value.ndim == 2 and len(value) and value.shape[1]:
        rows = [tuple(row) for row in value.tolist()]
        changes["last row shorter"] = Ragged((*rows[:-1], rows[-1][:-1]))
        changes["first row longer"] = Ragged(((*rows[0], 1), *rows[1:]))
    return {name: new for name, new in changes.items() if isinstance(new, Ragged) or not np.array_equal(new, value)}


def _changes(value: Any) -> Iterator[tuple[str, Make]]:
    """Yield each change of a value, and of what is in it."""
    for name, new in _own_changes(value).items():
        yield f": {name}", lambda new=new: new  # type: ignore[misc]
    for place, entry in _entries(value):
        for what, make in _changes(entry):
            yield f"{place}{what}", lambda place=place, make=make: _with_entry(value, place, make())  # type: ignore[misc]


def _random_change(value: Any, rng: np.random.Generator) -> tuple[str, Make] | None:
    """Return a change: of the value as a whole half of the time, else of one thing in it; None where there is none."""
    own, entries = list(_own_changes(value).items()), list(_entries(value))
    if entries and (not own or rng.integers(2)):
        place, entry = entries[int(rng.integers(len(entries)))]
        if (change := _random_change(entry, rng)) is not None:
            what, make = change
            return f"{place}{what}", lambda: _with_entry(value, place, make())
    if not own:
        return None
    name, new = own[int(rng.integers(len(own)))]
    return f": {name}", lambda: new


def _own_changes(value: Any) -> dict[str, Any]:
    if isinstance(value, np.ndarray):
        return _arrays(value)
    if isinstance(value, tuple):
        return {} if isinstance(value, Ragged) else _lists(value)
    return _numbers(value) if isinstance(value, int) else {}


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield (place, entry) of what is in a value."""
    if dataclasses.is_dataclass(value):
        yield from ((f".{field.name}", getattr(value, field.name)) for field in dataclasses.fields(value))
    elif isinstance(value, np.ndarray):
        yield from ((str(list(place)), int(entry)) for place, entry in np.ndenumerate(value))
    elif isinstance(value, tuple) and not isinstance(value, Ragged):
        yield from ((f"[{place}]", entry) for place, entry in enumerate(value))


def _with_entry(value: Any, place: str, entry: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return dataclasses.replace(value, **{place[1:]: entry})  # type: ignore[type-var]
    if isinstance(value, np.ndarray):
        changed = value.copy()
        changed[tuple(int(one) for one in place[1:-1].split(","))] = entry
        return changed
    index = int(place[1:-1])
    return (*value[:index], entry, *value[index + 1 :])
