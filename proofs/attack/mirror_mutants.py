"""Mutation testing of the Python mirrors: `python -m compact_proofs.proofs.attack.mirror_mutants`.

One change at a time in the functions that mirror a Coq checker. Each mutant is a forked process in which all modules are
imported anew, the changed one from its changed text, and judges recorded cases that run the changed function: those that killed
mutants of the same file, and some others. The first verdict that is not Coq's kills it, and so does an exception, or much more
time than the unchanged mirror takes. Where nothing does, the tests of that mirror are run, and one that fails kills it; then all
other cases, and other tests. Results are in OUT/mirror_mutants.jsonl, so a run can be interrupted and goes on where it was: a
mutant that a case kills stays so while that case and the modules that its mirror imports are the same; one that none kills, while
all cases are, and the modules of mirrors that use the changed one; what tests say of it, while they are too.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from types import FrameType

from compact_proofs.proofs.attack import corpus, theory_copy
from compact_proofs.proofs.attack.corpus import Corpus
from compact_proofs.proofs.attack.mirror_cases import (
    Judged,
    Sources,
    all_mutants,
    judged,
    not_run,
    of_mutant,
    sources,
    verdict_of,
)
from compact_proofs.proofs.attack.mirror_processes import Task, import_changed, run
from compact_proofs.proofs.attack.mirror_tests import first_failure, other_tests, own_tests
from compact_proofs.proofs.attack.mutant_results import Mutant, Result, Results, equivalents, summary

OUT = Path("build/mutants")
NAME = "mirror_mutants"
TIMES = 10  # a mutant may take so many times as long as the unchanged mirror,
MORE_S = 5  # and so many seconds more, for any case and for all
SOME_S = 2  # so many seconds of cases before the tests
VERDICTS = ("some verdicts", "verdicts")
TESTS = {"tests": own_tests, "other tests": other_tests}
TESTS_OF = "tests of "
TEST_S = 120  # CPU seconds for the tests of a mirror, which take at most 10


def judge(module: str, mutant: Mutant, found: Sources, cases: Sequence[Judged], killers: Sequence[str], every: int) -> Result:
    """Judge the `killers` among the cases, and one of `every` so many others, with the changed module. Only for a forked
    process: it changes what is imported.

    A case has a time limit of its own; what does not hear of it, in one call of C, is ended by that of the process.
    """
    if stillborn := import_changed(module, mutant, found.text[module]):
        return stillborn
    name = "import"
    signal.signal(signal.SIGPROF, _stop)
    killed = {sha256: place for place, sha256 in enumerate(killers)}
    first = sorted((one for one in cases if one.sha256 in killed), key=lambda one: killed[one.sha256])
    try:
        for one in [*first, *[one for one in cases if one.sha256 not in killed][::every]]:
            name = one.name
            signal.setitimer(signal.ITIMER_PROF, TIMES * one.seconds + MORE_S)
            if (got := verdict_of(one.case)) != one.verdict:
                return Result("test", name, f"{got} in place of {one.verdict}", one.sha256)
    except Exception as error:
        return Result("test", name, f"{type(error).__name__}: {error}"[:200], "" if name == "import" else one.sha256)
    return Result("survived", "", "", mutant.file)


def _stop(number: int, frame: FrameType | None) -> None:
    raise TimeoutError("does not finish")


def test(module: str, mutant: Mutant, found: Sources, files: list[Path]) -> Result:
    """Run tests with the changed module. Only for a forked process."""
    result = import_changed(module, mutant, found.text[module]) or first_failure(files)
    path, _, inside = result.where.partition("::")
    name = Path(path).name if inside else ""  # of the file of the test that failed
    return replace(result, rests_on=f"{TESTS_OF}{mutant.file}:{name}")


Mutants = Sequence[tuple[str, Mutant]]  # with their modules


def by_cases(mutants: Mutants, results: Results, found: Sources, cases: Sequence[Judged], some: bool = False) -> Iterator[Task]:
    """Yield what is to be done for the mutants that have not been judged by all cases; or by `some`, SOME_S seconds of them."""
    for module, mutant in mutants:
        if results.get("verdicts", mutant) is None and not (some and results.get("some verdicts", mutant)):
            chosen = of_mutant(module, mutant, cases, found)
            seconds = sum(one.seconds for one in chosen)
            every = 1 + int(seconds / SOME_S) if some else 1

            def work(module: str = module, mutant: Mutant = mutant, of: list[Judged] = chosen, every: int = every) -> Result:
                return judge(module, mutant, found, of, results.rested_on(VERDICTS, mutant.file), every)

            yield mutant, work, int(TIMES * seconds) + MORE_S


def left(mutants: Mutants, results: Results) -> Mutants:
    """Return those that nothing has killed yet."""
    last = ((one, results.last(one[1])) for one in mutants)
    return [one for one, result in last if result is None or result.verdict == "survived"]


def without_change(mutants: Mutants) -> Mutants:
    """Return a mutant of each file that is none."""
    first = {mutant.file: (module, mutant) for module, mutant in reversed(mutants)}
    return [(module, replace(mutant, operator="no change", new=mutant.old)) for module, mutant in first.values()]


def run_tests(mutants: Mutants, results: Results, found: Sources, tests: Path, stage: str, jobs: int) -> None:
    """Run a stage of tests for those of which it has not yet said anything. Raises: AssertionError: one fails as it is."""
    todo = [one for one in mutants if TESTS[stage](tests, one[1].file) and results.get(stage, one[1]) is None]
    unchanged = without_change(todo)
    for chosen in ([one for one in unchanged if results.get(stage, one[1]) is None], todo):
        files = [TESTS[stage](tests, mutant.file) for _, mutant in chosen]
        tasks = [(one, partial(test, module, one, found, of), TEST_S) for (module, one), of in zip(chosen, files, strict=True)]
        run(tasks, results, stage, jobs)
        for _, one in unchanged:
            result = results.get(stage, one)
            assert result and result.verdict == "survived", f"without any change a test of {one.file} fails: {result}"


def hashes(found: Sources, recorded: Corpus, cases: Sequence[Judged], tests: Path) -> Callable[[str], str | None]:
    """Return the function from what a result rests on to the hash of that and of the modules run: a case; a file, with all cases
    and, after TESTS_OF, its tests, or those in one file after a colon; "": all files and cases.
    """
    imports = {
        module: {one for source, name in names.values() for one in (source, f"{source}.{name}") if one in found.text}
        for module, names in found.imports.items()
    }
    strategies = {one.sha256: {module for module, _ in one.runs} for one in cases}
    for_file = {frozenset(modules) for modules in strategies.values()}
    for module, file in found.file.items():
        strategies[file] = set[str]().union(*(modules for modules in for_file if module in modules))

    def sha256(what: str) -> str | None:
        if not what:
            return f"{found.sha256} {recorded.sha256}"
        if what.startswith(TESTS_OF):
            file, _, name = what.removeprefix(TESTS_OF).partition(":")
            files = [path for of in TESTS.values() for path in of(tests, file) if name in ("", path.name)]
            texts = b"".join(path.read_bytes() for path in files)
            return f"{sha256(file)} {hashlib.sha256(texts).hexdigest()}"
        if what not in strategies:
            return None
        todo, needed = list(strategies[what]), set(strategies[what])
        while todo:
            new = imports[todo.pop()] - needed
            needed |= new
            todo += new
        of = recorded.sha256 if what.endswith(".py") else what
        text = json.dumps({module: found.text[module] for module in needed}, sort_keys=True)
        return hashlib.sha256(f"{of} {text}".encode()).hexdigest()

    return cache(sha256)


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
    run(by_cases(mutants, results, found, cases, some=True), results, "some verdicts", options.jobs)
    listed = equivalents()
    for stage in ("tests", "verdicts", "other tests"):  # those last that are said to be none
        todo = sorted(left(mutants, results), key=lambda one: one[1].listed in listed)
        if stage in TESTS:
            run_tests(todo, results, found, corpus.TESTS, stage, options.jobs)
        else:
            run(by_cases(todo, results, found, cases), results, stage, options.jobs)
    only = [one for _, one in mutants]
    say(*(f"{stage}: {results.tally(stage, only)}" for stage in (*VERDICTS, *TESTS)), sep="\n")
    text, survived = summary(NAME, only, [results.last(one) for one in only], out)
    print(text)
    print("no case runs: " + ", ".join(not_run(found, cases)))
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
