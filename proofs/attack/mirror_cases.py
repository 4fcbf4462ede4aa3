"""The mirrors and the recorded cases: which functions are mirrors, and which of them the verdict on a case runs."""

from __future__ import annotations

import hashlib
import importlib
import json
import pickle
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from compact_proofs.models.files import write_atomic
from compact_proofs.proofs.attack import mirror_operators
from compact_proofs.proofs.attack.corpus import Corpus
from compact_proofs.proofs.attack.mirror_operators import PACKAGE, Key, functions, mirrors, modules
from compact_proofs.proofs.attack.mutant_results import Mutant, column_of

FOLDERS = ("proofs/strategies", "proofs/strategies/modular")
EXTRACT = ("exp_bounds", "tables", "modular_form", "modular_fold")


@dataclass(frozen=True, slots=True)
class Sources:
    """The modules with mirrors: text and file by name; the mirrors, each with the functions that a change of it can show in."""

    text: dict[str, str]
    file: dict[str, str]
    mirrors: dict[Key, set[Key]]
    imports: dict[str, dict[str, Key]]  # by module and name

    @property
    def sha256(self) -> str:
        return hashlib.sha256(json.dumps(self.text, sort_keys=True).encode()).hexdigest()


def sources(root: Path) -> Sources:
    """Read the modules of a checkout."""
    paths = [path for folder in FOLDERS for path in sorted((root / folder).glob("*.py")) if path.name != "__init__.py"]
    paths += [root / "extract" / f"{name}.py" for name in EXTRACT]
    file = {PACKAGE + path.relative_to(root).with_suffix("").as_posix().replace("/", "."): path for path in paths}
    text = {module: path.read_text(encoding="utf-8") for module, path in file.items()}
    names, read = {module: path.relative_to(root).as_posix() for module, path in file.items()}, modules(text)
    return Sources(text, names, mirrors(read), read.imports)


def all_mutants(found: Sources) -> list[tuple[str, Mutant]]:
    """Return every mutant with its module, by file and place."""
    result = []
    for module in sorted(found.text, key=found.file.__getitem__):
        text = found.text[module]
        for change in mirror_operators.changes(text, {name for one, name in found.mirrors if one == module}):
            line = text.count("\n", 0, change.start) + 1
            mutant = Mutant(
                file=found.file[module],
                line=line,
                column=column_of(text, change.start),
                name=change.name,
                operator=change.operator,
                start=change.start,
                end=change.end,
                old=text[change.start : change.end],
                new=change.new,
                text=text.splitlines()[line - 1].strip(),
            )
            result.append((module, mutant))
    return result


@dataclass(frozen=True, slots=True)
class Judged:
    """A case: its pickle, its name, Coq's verdict, which functions its mirror runs, and in how many seconds."""

    case: bytes
    name: str
    verdict: str
    runs: frozenset[tuple[str, str]]
    seconds: float

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.case + self.verdict.encode()).hexdigest()


def verdict_of(case: bytes) -> str:
    """Return the verdict of the mirror that is imported now."""
    group, strategy, distribution, *claim = pickle.loads(case)
    registry = importlib.import_module(f"{PACKAGE}proofs.registry")
    chosen = registry.strategies(group)[strategy] if distribution is None else registry.strategy_for(group, None, distribution)
    return " ".join(chosen.verdict(*claim).split())


def judged(out: Path, found: Sources, corpus: Corpus) -> list[Judged]:
    """Return the cases with what they run; kept in OUT/judged.pickle.

    Raises: AssertionError: the unchanged mirror says something else than Coq.
    """
    path, key = out / "judged.pickle", f"{found.sha256} {corpus.sha256}"
    if path.is_file():
        kept = pickle.loads(path.read_bytes())
        if kept[0] == key:
            return [Judged(*one) for one in kept[1]]
    result, by_line = [], _by_line(found)
    for one in corpus.cases:
        claim = (one.claimed, one.network, one.certificate, one.statement)
        data = pickle.dumps((one.group, one.strategy, one.distribution, *claim))
        with _Watched(by_line) as watched:
            got = verdict_of(data)
        assert got == one.verdict, f"{one.name}: the mirror says {got}, Coq {one.verdict}"
        result.append(Judged(data, one.name, one.verdict, frozenset(watched.ran), watched.seconds))
    write_atomic(path, pickle.dumps((key, [(x.case, x.name, x.verdict, x.runs, x.seconds) for x in result])))
    return result


def _by_line(found: Sources) -> dict[tuple[str, int], Key]:
    """Return the function that a line of a module belongs to."""
    return {
        (module, line): (module, function.name)
        for module, text in found.text.items()
        for function, _ in functions(module, text)
        for line in range(function.first, function.last + 1)
    }


class _Watched:
    """Notes which functions are called."""

    def __init__(self, by_line: dict[tuple[str, int], Key]) -> None:
        self.ran: set[Key] = set()
        self.seconds = 0.0
        self._by_line = by_line

    def __enter__(self) -> _Watched:
        self.seconds = -time.process_time()
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)
        self.seconds += time.process_time()

    def _note(self, frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            found = self._by_line.get((frame.f_globals.get("__name__", ""), frame.f_code.co_firstlineno))
            if found:
                self.ran.add(found)


def of_mutant(module: str, mutant: Mutant, all_cases: Sequence[Judged], found: Sources) -> list[Judged]:
    """Return the cases that run the changed function, or for a variable one of the functions that name it."""
    shown = found.mirrors[module, mutant.name]
    return [one for one in all_cases if one.runs & shown]


def not_run(found: Sources, cases: Sequence[Judged]) -> list[str]:
    """Return the mirrors that no case runs: they are reached by name only, or the cases are too weak."""
    ran = set().union(*(one.runs for one in cases))
    return sorted(f"{found.file[key[0]]} {key[1]}" for key, shown in found.mirrors.items() if not shown & ran)
