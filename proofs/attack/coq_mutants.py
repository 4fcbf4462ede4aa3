"""Mutation testing of the Coq checkers: `python -m compact_proofs.proofs.attack.coq_mutants`.

One change at a time in the definitions that a check evaluates. A soundness proof or the proof of a counting twin has to fail
then, or Coq's verdict on a recorded case has to differ. The stages of a mutant:
    session    coqtop reads what names the definition (`coq_session`): a proof fails, the definition has no type (stillborn, and
               not counted), or that decides nothing
    verdicts   of the others: a case whose verdict differs (killed by a test), or none
    proofs     of those, all that rests on the changed file is compiled: a file fails, or all holds (survived)
Results are kept in OUT/coq_mutants.jsonl by the hash of the sources that they say something about, so a run can be interrupted
and goes on where it was.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from compact_proofs.models.errors import Stopped
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.attack import corpus, theory_copy
from compact_proofs.proofs.attack.cases import Case
from compact_proofs.proofs.attack.coq_operators import Change, changes
from compact_proofs.proofs.attack.coq_session import Session
from compact_proofs.proofs.attack.coq_source import definitions, executable, in_proof, line_of, refusals
from compact_proofs.proofs.attack.mutant_results import Mutant, Result, Results, column_of, summary
from compact_proofs.proofs.attack.theory_copy import ENDLESS, Theory, Workplace
from compact_proofs.proofs.forms import FORMS
from compact_proofs.proofs.verdict import ACCEPTED

OUT = Path("build/mutants")
NAME = "coq_mutants"
TWINS = "Length/"
OPEN = Result("open", "", "")
FACADES = ("Facade.v", "ModularFacade.v")


def all_mutants(theory: Theory, pattern: str | None = None) -> list[Mutant]:
    """Return every mutant of the files that a pattern matches, by file and place."""
    messages = refusals(theory.root / "theories")
    places = executable(theory.root / "theories", theory_copy.checks())
    result = []
    for file in theory_copy.matching(places, pattern):
        text = theory.sources[file]
        for definition in definitions(text, messages):
            if definition.at in places[file]:
                result += [_mutant(file, text, change) for change in changes(text, definition)]
    return result


def _mutant(file: str, text: str, change: Change) -> Mutant:
    return Mutant(
        file=file,
        line=line_of(text, change.start),
        column=column_of(text, change.start),
        name=change.name,
        operator=change.operator,
        start=change.start,
        end=change.end,
        old=text[change.start : change.end],
        new=change.new,
        text=text.splitlines()[line_of(text, change.start) - 1].strip(),
    )


def order_of_files(theory: Theory, mutant: Mutant) -> list[str]:
    """Return the files to be compiled after the mutant's own: those that name the changed definition and rest on little first.

    A counting twin that does not name the definition is left out: a checker is sound without it.
    """
    dependents = theory.dependents(mutant.file)

    def key(file: str) -> tuple[bool, int, str]:
        size = sum(len(theory.sources[one]) for one in theory.needed[file] & dependents)
        return mutant.name not in theory.sources[file], size, file

    result: list[str] = []
    for target in sorted(dependents, key=key):
        if TWINS not in target or mutant.name in theory.sources[target]:
            result += [one for one in theory.in_order(theory.needed[target] & dependents) if one not in result]
    return result


def in_sessions(theory: Theory, mutants: Sequence[Mutant], results: Results, jobs: int) -> None:
    """Try mutants in one coqtop for each file; what that does not decide is left to `try_proofs`."""
    todo = [one for one in mutants if results.get("proofs", one) is None and results.get("session", one) is None]
    files = sorted({one.file for one in todo})
    random.Random(0).shuffle(files)
    stopped, start = threading.Event(), time.monotonic()

    def of_file(file: str) -> None:
        names = itertools.groupby((one for one in todo if one.file == file), key=lambda one: one.name)
        left = [list(group) for _, group in names]
        while left and not stopped.is_set():
            try:
                with coqrun.process_group() as group, contextlib.closing(Session(theory, file, group)) as session:
                    while left and not stopped.is_set():
                        began = time.monotonic()
                        for mutant, found in session.tried(left[0]):
                            results.add("proofs" if found else "session", mutant, found or OPEN, time.monotonic() - began)
                            began = time.monotonic()
                        left.pop(0)
            except Stopped as error:
                for mutant in left.pop(0):
                    if results.get("proofs", mutant) is None:
                        results.add("session", mutant, replace(OPEN, why=str(error)[:200]), 0.0)
        tally = f"{results.tally('proofs', mutants)}, {results.tally('session', mutants)}"
        print(f"{file}: {tally}; {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        try:
            for future in [pool.submit(of_file, file) for file in files]:
                future.result()
        except BaseException:
            stopped.set()
            raise


def try_proofs(place: Workplace, mutant: Mutant) -> Result:
    """Compile the changed file, and what rests on it until something fails."""
    theory = place.theory
    place.reset()
    text = mutant.applied(theory.sources[mutant.file])
    place.change(mutant.file, text)
    failure = place.compile([mutant.file])
    if failure and failure.line and not in_proof(text, failure.line):
        return Result("stillborn", f"{mutant.file}:{failure.line}", failure.why, mutant.file)
    failure = failure or place.compile(order_of_files(theory, mutant))
    if failure:
        return Result("proof", str(failure), failure.why, failure.file)
    return Result("holds", "", "")


def try_verdicts(place: Workplace, mutant: Mutant, cases: corpus.Corpus) -> Result:
    """Ask the changed checker for its verdicts; the facades are without proofs for this, which have held."""
    theory = place.theory
    place.reset()
    place.change(mutant.file, mutant.applied(theory.sources[mutant.file]))
    changed = theory.dependents(mutant.file)
    facades = [facade for facade in FACADES if facade in changed]
    rest: set[str] = set()
    for facade in facades:
        text, needed = theory_copy.without_proofs(theory, facade)
        place.change(facade, text)
        rest |= needed & changed
    if failure := place.compile([mutant.file, *theory.in_order(rest), *facades]):
        return Result("proof", str(failure), failure.why, failure.file)
    names = [facade.removesuffix(".v") for facade in facades]
    strategies = strategies_with(theory, mutant)
    cases = replace(cases, cases=tuple(one for one in cases.cases if one.strategy in strategies))
    found = cases.first_difference(place.root, names) or by_check(cases).first_difference(place.root, names)
    return Result("test", found.name, f"{found.got} in place of {found.wanted}") if found else Result("survived", "", "")


def strategies_with(theory: Theory, mutant: Mutant) -> set[str]:
    """Return the strategies whose checks evaluate the changed definition, by name."""
    folder = theory.root / "theories"
    at = max(one.at for one in definitions(theory.sources[mutant.file]) if one.at <= mutant.start)
    return {
        form.strategy
        for form in FORMS.values()
        if at in executable(folder, [names.check for names in form.coq.values()]).get(mutant.file, ())
    }


@dataclass(frozen=True, slots=True, eq=False)
class Checked(corpus.Recorded):
    """A case whose check, true or false, is asked for and printed as a verdict."""

    def case(self) -> Case:
        """Return it as the renderer takes it."""
        case = super(Checked, self).case()
        names = case.strategy.coq[case.statement]
        of = "N M c" if self.distribution is None else "N W M c"
        asked = replace(names, verdict=f"(fun {of} => if {names.check} {of} then Accepted else Refused Not_correlated)")
        form = replace(case.strategy.form, coq={case.statement: asked})
        return replace(case, strategy=replace(case.strategy, form=form))


def by_check(cases: corpus.Corpus) -> corpus.Corpus:
    """Return for each strategy the first case that is accepted, to be asked of its check, of which a verdict says nothing."""
    first = {one.strategy: one for one in reversed(cases.cases) if one.verdict == ACCEPTED}
    checked = [Checked(**{name: getattr(one, name) for name in one.__dataclass_fields__}) for one in first.values()]
    return replace(cases, cases=tuple(checked))


Work = Callable[[Workplace, Mutant], Result]


def run(theory: Theory, mutants: Sequence[Mutant], results: Results, work: Work, stage: str, jobs: int) -> None:
    """Do `work` for the mutants that have no result at this stage, in as many workplaces as there are jobs."""
    todo = [one for one in mutants if results.get(stage, one) is None]
    if not todo:
        return
    random.Random(0).shuffle(todo)  # so that what is done so far speaks for all
    places: SimpleQueue[Workplace] = SimpleQueue()
    for index in range(jobs):
        places.put(Workplace(theory, results.path.parent / f"workplace_{index}"))
    stopped, start = threading.Event(), time.monotonic()

    def one(mutant: Mutant) -> None:
        if stopped.is_set():
            return
        place, began = places.get(), time.monotonic()
        try:
            found = work(place, mutant)
            results.add(stage, mutant, found, time.monotonic() - began)
        finally:
            places.put(place)

    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(one, mutant) for mutant in todo]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                tally, seconds = results.tally(stage, mutants), time.monotonic() - start
                print(f"[{done}/{len(todo)}] {stage.split()[0]}: {tally}; {seconds:.0f} s", file=sys.stderr, flush=True)
        except BaseException:
            stopped.set()
            raise


def sources_sha256(theory: Theory, file: str) -> str | None:
    """Return the hash of what a file rests on, of all files without one; None where there is no such file."""
    if file and file not in theory.sources:
        return None
    return theory.sha256(theory.needed[file] if file else theory.sources)


def kinds_of_proofs(results: Sequence[Result | None]) -> str:
    """Return how many of the proofs that failed are what, on one line."""
    failed = [one for one in results if one and one.verdict == "proof"]
    twins, endless = sum(TWINS in one.where for one in failed), sum(one.why == ENDLESS for one in failed)
    return f"of {len(failed)} proofs that failed {twins} are those of counting twins; {endless} were stopped"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 where no mutant survived, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="coq_mutants", description="mutation testing of the Coq checkers")
    parser.add_argument("--jobs", type=int, default=1, help="compile so many mutants at a time")
    parser.add_argument("--sample", type=int, help="try so many mutants only, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--files", help="mutate only the files that match, such as 'Cert/*'")
    parser.add_argument("--proofs-only", action="store_true", help="stop before any verdict is asked for")
    parser.add_argument("--theory", type=Path, help="the folder of the theory, with _CoqProject; default: that of the checkout")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args(arguments)
    out = options.out.resolve()
    say = partial(print, file=sys.stderr, flush=True)
    theory = theory_copy.prepare(out, options.theory, options.jobs, say)
    mutants = all_mutants(theory, options.files)
    if options.sample is not None:
        chosen = random.Random(options.seed).sample(range(len(mutants)), min(options.sample, len(mutants)))
        mutants = [mutants[index] for index in sorted(chosen)]
    results = Results(out / f"{NAME}.jsonl", partial(sources_sha256, theory))
    in_sessions(theory, mutants, results, options.jobs)
    if options.proofs_only:
        return 0

    def still(stage: str, *verdicts: str) -> list[Mutant]:
        return [one for one in mutants if (result := results.get(stage, one)) is None or result.verdict in verdicts]

    cases = corpus.recorded(out, theory, say)
    verdicts = f"verdicts {cases.sha256}"
    run(theory, still("proofs", "holds"), results, partial(try_verdicts, cases=cases), verdicts, options.jobs)
    alike = still(verdicts, "survived")
    run(theory, [one for one in still("proofs", "holds") if one in alike], results, try_proofs, "proofs", options.jobs)
    last = [results.last(one) for one in mutants]
    text, survived = summary(NAME, mutants, last, out)
    print(f"{text}\n{kinds_of_proofs(last)}")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
