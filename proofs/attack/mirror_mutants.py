"""Mutation testing of the Python mirrors: `python -m compact_proofs.proofs.attack.mirror_mutants`.

One change at a time in the functions that mirror a Coq checker. Each mutant is a forked process in which all modules are
imported anew, the changed one from its changed text, and judges the recorded cases that run the changed function: the first
verdict that is not Coq's kills it, and so does an exception, or much more time than the unchanged mirror takes. Results are in
OUT/mirror_mutants.jsonl by the hash of the mirrors and of the cases, so a run can be interrupted and goes on where it was.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import pickle
import random
import resource
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

from compact_proofs.models.files import write_atomic
from compact_proofs.proofs.attack import corpus, mirror_operators, theory_copy
from compact_proofs.proofs.attack.corpus import Corpus
from compact_proofs.proofs.attack.mirror_operators import PACKAGE, Key, functions, mirrors, modules
from compact_proofs.proofs.attack.mutant_results import Mutant, Result, Results, column_of, summary

OUT = Path("build/mutants")
NAME = "mirror_mutants"
FOLDERS = ("proofs/strategies", "proofs/strategies/modular")
EXTRACT = ("exp_bounds", "tables", "modular_form", "modular_fold")
TIMES = 10  # a mutant may take so many times as long as the unchanged mirror,
MORE_S = 10  # and so many seconds more
MEMORY = 4 * 2**30


@dataclass(frozen=True, slots=True)
class Sources:
    """The modules with mirrors: text and file by name; the mirrors, each with the functions that a change of it can show in."""

    text: dict[str, str]
    file: dict[str, str]
    mirrors: dict[Key, set[Key]]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(json.dumps(self.text, sort_keys=True).encode()).hexdigest()


def sources(root: Path) -> Sources:
    """Read the modules of a checkout."""
    paths = [path for folder in FOLDERS for path in sorted((root / folder).glob("*.py")) if path.name != "__init__.py"]
    paths += [root / "extract" / f"{name}.py" for name in EXTRACT]
    file = {PACKAGE + path.relative_to(root).with_suffix("").as_posix().replace("/", "."): path for path in paths}
    text = {module: path.read_text(encoding="utf-8") for module, path in file.items()}
    return Sources(text, {module: path.relative_to(root).as_posix() for module, path in file.items()}, mirrors(modules(text)))


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


class Changed(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports one module from a text of ours."""

    def __init__(self, module: str, text: str, path: str) -> None:
        self.module, self.text, self.path = module, text, path

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> importlib.machinery.ModuleSpec | None:
        """Say that this module is ours, and no other."""
        if name != self.module:
            return None
        return importlib.util.spec_from_loader(name, self, origin=self.path)

    def get_source(self, name: str) -> str:
        """Return the changed text."""
        return self.text

    def get_code(self, name: str) -> CodeType:
        """Compile the changed text."""
        return compile(self.text, self.path, "exec", dont_inherit=True)


@dataclass(frozen=True, slots=True)
class Judged:
    """A case: its pickle, its name, Coq's verdict, which functions its mirror runs, and in how many seconds."""

    case: bytes
    name: str
    verdict: str
    runs: frozenset[tuple[str, str]]
    seconds: float


def forget() -> None:
    """Forget all modules of this package, so that they are imported anew."""
    for name in [one for one in sys.modules if one.startswith(PACKAGE)]:
        del sys.modules[name]


def verdict_of(case: bytes) -> str:
    """Return the verdict of the mirror that is imported now."""
    group, strategy, *rest = pickle.loads(case)
    claimed, network, certificate, statement = rest
    registry = importlib.import_module(f"{PACKAGE}proofs.registry")
    return " ".join(registry.strategies(group)[strategy].verdict(claimed, network, certificate, statement).split())


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
        data = pickle.dumps((one.group, one.strategy, one.claimed, one.network, one.certificate, one.statement))
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


def in_child(module: str, mutant: Mutant, found: Sources, cases: Sequence[Judged]) -> Result:
    """Judge the cases with the changed module. Only for a forked process: it changes what is imported."""
    forget()
    text = mutant.applied(found.text[module])
    try:
        compile(text, mutant.file, "exec")
    except SyntaxError as error:
        return Result("stillborn", "", str(error))
    sys.meta_path.insert(0, Changed(module, text, mutant.file))
    name = "import"
    try:
        for one in cases:
            name = one.name
            if (got := verdict_of(one.case)) != one.verdict:
                return Result("test", name, f"{got} in place of {one.verdict}")
    except Exception as error:
        return Result("test", name, f"{type(error).__name__}: {error}"[:200])
    return Result("survived", "", "")


def fork(module: str, mutant: Mutant, found: Sources, cases: Sequence[Judged]) -> tuple[int, int]:
    """Start a process for a mutant; return its id and the end of a pipe from which its result is read."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return pid, read
    status = 1
    try:
        os.close(read)
        seconds = int(TIMES * sum(one.seconds for one in cases)) + MORE_S
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with open(os.devnull, "w") as nothing:  # noqa: PTH123
            os.dup2(nothing.fileno(), 2)
        result = in_child(module, mutant, found, cases)
        os.write(write, json.dumps([result.verdict, result.where, result.why]).encode()[:60000])
        status = 0
    finally:
        os._exit(status)
    raise AssertionError("not reached")


def run(mutants: Sequence[tuple[str, Mutant]], results: Results, found: Sources, cases: Sequence[Judged], jobs: int) -> None:
    """Judge all mutants that have no result, so many at a time."""
    todo = [(module, one) for module, one in mutants if results.get("verdicts", one) is None]
    running: dict[int, tuple[Mutant, int, float]] = {}
    done, start = 0, time.monotonic()
    gc.freeze()
    try:
        while todo or running:
            while todo and len(running) < jobs:
                module, mutant = todo.pop(0)
                pid, pipe = fork(module, mutant, found, of_mutant(module, mutant, cases, found))
                running[pid] = (mutant, pipe, time.monotonic())
            for pid in list(running):
                if os.waitpid(pid, os.WNOHANG)[0] == 0:
                    continue
                mutant, pipe, began = running.pop(pid)
                with os.fdopen(pipe, "rb") as stream:
                    said = stream.read()
                result = Result(*json.loads(said)) if said else Result("test", "", "does not finish")
                results.add("verdicts", mutant, result, time.monotonic() - began)
                done += 1
                if done % 50 == 0:
                    tally = results.tally("verdicts", [one for _, one in mutants])
                    print(f"[{done}/{done + len(todo) + len(running)}] {tally} {time.monotonic() - start:.0f} s", file=sys.stderr)
            time.sleep(0.005)
    finally:
        for pid in running:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def not_run(found: Sources, cases: Sequence[Judged]) -> list[str]:
    """Return the mirrors that no case runs: they are reached by name only, or the cases are too weak."""
    ran = set().union(*(one.runs for one in cases))
    return sorted(f"{found.file[key[0]]} {key[1]}" for key, shown in found.mirrors.items() if not shown & ran)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 where no mutant survived, 1 otherwise."""
    parser = argparse.ArgumentParser(prog=NAME, description="mutation testing of the Python mirrors")
    parser.add_argument("--jobs", type=int, default=1, help="so many mutants at a time")
    parser.add_argument("--sample", type=int, help="try so many mutants only, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--files", help="mutate only the files that match, such as 'extract/*'")
    parser.add_argument("--theory", type=Path, help="the folder of the theory, with _CoqProject; default: that of the checkout")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    out = options.out.resolve()
    say = partial(print, file=sys.stderr, flush=True)
    theory = theory_copy.prepare(out, options.theory, options.jobs, say)
    recorded = corpus.recorded(out, theory, say)
    found = sources(Path(__file__).parents[2])
    cases = judged(out, found, recorded)
    wanted = set(theory_copy.matching(found.file.values(), options.files))
    ran = set().union(*(one.runs for one in cases))
    mutants = [(module, one) for module, one in all_mutants(found) if one.file in wanted]
    mutants = [(module, one) for module, one in mutants if found.mirrors[module, one.name] & ran]
    if options.sample is not None:
        chosen = random.Random(options.seed).sample(range(len(mutants)), min(options.sample, len(mutants)))
        mutants = [mutants[index] for index in sorted(chosen)]
    results = Results(out / f"{NAME}.jsonl", lambda file: f"{found.sha256} {recorded.sha256}")
    run(mutants, results, found, cases, options.jobs)
    only = [one for _, one in mutants]
    text, survived = summary(NAME, only, [results.last(one) for one in only], out)
    print(text)
    print("no case runs: " + ", ".join(not_run(found, cases)))
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
