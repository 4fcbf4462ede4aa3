"""Mutation testing of the Python mirrors: `python -m compact_proofs.proofs.attack.mirror_mutants`.

One change at a time in the functions that mirror a Coq checker. Each mutant is a forked process in which all modules are
imported anew, the changed one from its changed text, and judges the recorded cases that run the changed function: the first
verdict that is not Coq's kills it, and so does an exception, or much more time than the unchanged mirror takes. Where nothing
does, the tests of that mirror are run, and one that fails kills it. Results are in OUT/mirror_mutants.jsonl, so a run can be
interrupted and goes on where it was: a mutant that a case kills stays so while that case and the modules that its mirror
imports are the same; any other result, while all cases and tests are.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import pickle
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import FrameType

from compact_proofs.models.files import write_atomic
from compact_proofs.proofs.attack import corpus, mirror_operators, theory_copy
from compact_proofs.proofs.attack.corpus import Corpus
from compact_proofs.proofs.attack.mirror_operators import PACKAGE, Key, functions, mirrors, modules
from compact_proofs.proofs.attack.mirror_processes import Task, import_changed, run
from compact_proofs.proofs.attack.mirror_tests import files_of, first_failure
from compact_proofs.proofs.attack.mutant_results import Mutant, Result, Results, column_of, summary

OUT = Path("build/mutants")
NAME = "mirror_mutants"
FOLDERS = ("proofs/strategies", "proofs/strategies/modular")
EXTRACT = ("exp_bounds", "tables", "modular_form", "modular_fold")
TIMES = 10  # a mutant may take so many times as long as the unchanged mirror,
MORE_S = 10  # and so many seconds more
TEST_S = 120  # CPU seconds for the tests of a mirror, which take at most 10


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


def judge(module: str, mutant: Mutant, found: Sources, cases: Sequence[Judged]) -> Result:
    """Judge the cases with the changed module. Only for a forked process: it changes what is imported."""
    if stillborn := import_changed(module, mutant, found.text[module]):
        return stillborn
    name = "import"
    try:
        for one in cases:
            name = one.name
            if (got := verdict_of(one.case)) != one.verdict:
                return Result("test", name, f"{got} in place of {one.verdict}", one.sha256)
    except Exception as error:
        return Result("test", name, f"{type(error).__name__}: {error}"[:200], "" if name == "import" else one.sha256)
    return Result("survived", "", "")


def test(module: str, mutant: Mutant, found: Sources, files: list[Path]) -> Result:
    """Run tests with the changed module. Only for a forked process."""
    return import_changed(module, mutant, found.text[module]) or first_failure(files)


Mutants = Sequence[tuple[str, Mutant]]  # with their modules


def by_cases(mutants: Mutants, results: Results, found: Sources, cases: Sequence[Judged]) -> Iterator[Task]:
    """Yield what is to be done for the mutants that have not been judged."""
    for module, mutant in mutants:
        if results.get("verdicts", mutant) is None:
            chosen = of_mutant(module, mutant, cases, found)
            yield mutant, partial(judge, module, mutant, found, chosen), int(TIMES * sum(one.seconds for one in chosen)) + MORE_S


def by_tests(mutants: Mutants, results: Results, found: Sources, tests: Path) -> Iterator[Task]:
    """Yield what is to be done for those that no case has killed."""
    for module, mutant in mutants:
        judged_so = results.get("verdicts", mutant)
        files = files_of(tests, mutant.file)
        if judged_so and judged_so.verdict == "survived" and files and results.get("tests", mutant) is None:
            yield mutant, partial(test, module, mutant, found, files), TEST_S


def hashes(found: Sources, recorded: Corpus, cases: Sequence[Judged], tests: Path) -> Callable[[str], str | None]:
    """Return the function from what a result rests on, a case or all of them (""), to the hash of that and of the modules run."""
    imports = {
        module: {one for source, name in names.values() for one in (source, f"{source}.{name}") if one in found.text}
        for module, names in found.imports.items()
    }
    strategies = {one.sha256: {module for module, _ in one.runs} for one in cases}
    files = {path for file in found.file.values() for path in files_of(tests, file)}
    all_tests = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files))).hexdigest()

    def sha256(case: str) -> str | None:
        if not case:
            return f"{found.sha256} {recorded.sha256} {all_tests}"
        if case not in strategies:
            return None
        todo, needed = list(strategies[case]), set(strategies[case])
        while todo:
            new = imports[todo.pop()] - needed
            needed |= new
            todo += new
        texts = json.dumps({module: found.text[module] for module in needed}, sort_keys=True)
        return hashlib.sha256(f"{case} {texts}".encode()).hexdigest()

    return cache(sha256)


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
    results = Results(out / f"{NAME}.jsonl", hashes(found, recorded, cases, corpus.TESTS))
    run(by_cases(mutants, results, found, cases), results, "verdicts", options.jobs)
    run(by_tests(mutants, results, found, corpus.TESTS), results, "tests", options.jobs)
    only = [one for _, one in mutants]
    text, survived = summary(NAME, only, [results.last(one) for one in only], out)
    print(text)
    print("no case runs: " + ", ".join(not_run(found, cases)))
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
