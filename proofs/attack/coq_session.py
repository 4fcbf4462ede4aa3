"""One coqtop that tries the mutants of a file one after the other: `Session`, much faster than compiling files for each.

The file, and those that rest on it, are read in as modules, at first with only those proofs that name the changed definition;
for the next mutant coqtop goes back to before the definition. A mutant is killed where a sentence is refused, or takes more than
ten times as long, that coqtop takes of the unchanged text, which is read in the same way. What is left out are proofs of lemmas
whose statements are read all the same, so compiling would fail at that sentence too, or before. A mutant that is not killed
here is not decided.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from compact_proofs.models.errors import Stopped
from compact_proofs.proofs.attack.coq_source import DEFINING, PROVING, line_of, sentences
from compact_proofs.proofs.attack.coqtop import SENTENCE_CPU_S, Coqtop
from compact_proofs.proofs.attack.mutant_results import Mutant, Result
from compact_proofs.proofs.attack.theory_copy import ENDLESS, Theory

TIMES = 10  # a sentence that is interrupted counts as refused where the unchanged text takes it in so many times less
MOST_FILES = 25  # to be read in for a mutant
REQUIRE = re.compile(r"From\s+CompactProofs\s+Require\s+(Import\s+|Export\s+|)(.*)\.\Z", re.DOTALL)
NO_PROOF = ("Proof.", "Admitted.")
FOCUS = re.compile(r"\s*(?:(?:\d+\s*:\s*)?\{|\}|[-+*]+)")


@dataclass(frozen=True, slots=True)
class Part:
    """Some sentences of a file that are sent together: a proof with its statement, or one sentence. start: its place."""

    start: int
    sentences: tuple[str, ...]
    proof: bool

    def names(self, name: str) -> bool:
        """Say whether it has that name in it."""
        return any(re.search(rf"(?<![\w']){re.escape(name)}(?![\w'])", one) for one in self.sentences)


@dataclass(frozen=True, slots=True)
class Step:
    """A sentence to be sent. line: where its part starts, 0 for what no file has; proof: it belongs to a proof or a lemma."""

    file: str
    line: int
    text: str
    proof: bool


@dataclass(slots=True)
class Plan:
    """Steps, and the CPU seconds of those that coqtop has taken of the unchanged text; it was `asked` so many."""

    steps: list[Step]
    control: list[float] = field(default_factory=list)
    asked: int = 0

    def leave_out(self, slow: Step) -> bool:
        """Leave out the proof that a step belongs to; its statement stays. Return whether there was one."""
        part = (slow.file, slow.line, True)
        same = [place for place, one in enumerate(self.steps) if (one.file, one.line, one.proof) == part]
        before = self.steps[same[0] + 1 : same[-1] + 1] if same else []
        after = [replace(slow, text=text) for text in NO_PROOF]
        if slow not in before or before == after:
            return False
        self.steps[same[0] + 1 : same[-1] + 1] = after
        self.control, self.asked = [], 0
        return True


@lru_cache(maxsize=256)
def parts(text: str) -> tuple[Part, ...]:
    """Cut a file."""
    result: list[Part] = []
    open_proof: list[str] = []
    start = 0
    for sentence in sentences(text):
        words = text[sentence.start : sentence.end]
        if not open_proof and not _opens(sentence.keyword, [token.text for token in sentence.tokens]):
            result.append(Part(sentence.start, (words,), False))
            continue
        start = start if open_proof else sentence.start
        open_proof += _focused(words) if open_proof else [words]
        if sentence.keyword in ("Qed", "Defined") or open_proof[-1] in ("Qed.", "Defined."):
            result.append(Part(start, tuple(open_proof), True))
            open_proof = []
    return tuple(result)


def _opens(keyword: str, words: Sequence[str]) -> bool:
    if keyword in ("Instance", "Definition"):
        return ":=" not in words
    return keyword in PROVING - {"Hint"}


def _focused(words: str) -> list[str]:
    """Cut bullets and braces off the front of a sentence of a proof."""
    result = []
    while found := FOCUS.match(words):
        result.append(found.group().strip())
        words = words[found.end() :].lstrip()
    return [*result, words] if words else result


class Session:
    """The mutants of one file, definition by definition in the order of the file."""

    def __init__(self, theory: Theory, file: str, group: int) -> None:
        """Start coqtop in a process group, and read in all that does not rest on the file."""
        self.theory, self.file = theory, file
        self._text = theory.sources[file]
        self._parts = parts(self._text)
        self._done = 0  # parts of the file that are read
        self._coqtop = Coqtop(theory.root, group)
        self._dependents = theory.dependents(file)
        libraries = theory.in_order(set(theory.sources) - self._dependents - {file})
        for one in ["Set Silent.", f"From CompactProofs Require {' '.join(map(_library, libraries))}.", _open(file)]:
            if not self._coqtop.send(one):
                self.close()
                raise Stopped(f"coqtop: {self._coqtop.said}")

    def close(self) -> None:
        """End coqtop."""
        self._coqtop.close()

    def tried(self, mutants: Sequence[Mutant]) -> Iterator[tuple[Mutant, Result | None]]:
        """Yield mutants of one definition, with None for one that is not decided.

        Raises: Stopped: coqtop does not take the unchanged file up to there, or takes too long.
        """
        at = mutants[0].start
        here = next(index for index, part in enumerate(self._parts) if part.start <= at < part.start + self._length(index))
        for part in self._parts[self._done : here]:
            for sentence in _without_proof(part) if part.proof else part.sentences:
                if not self._coqtop.send(sentence):
                    raise Stopped(f"{self.file}:{line_of(self._text, part.start)}: {self._coqtop.said}")
        self._done = here
        start = self._coqtop.state
        plans = [Plan(self._plan(mutants[0].name, here, every)) for every in (False, True)]
        for mutant in mutants:
            [changed] = parts(mutant.applied(self._text))[here].sentences
            found = (self._decided(mutant, changed, plan, start) for plan in plans)
            yield mutant, next((one for one in found if one), None)
        self._coqtop.back_to(start)

    def _decided(self, mutant: Mutant, changed: str, plan: Plan, start: int) -> Result | None:
        while True:
            steps = plan.steps
            place = len(self._taken([replace(steps[0], text=changed), *steps[1:]], start))
            why, endless = self._coqtop.said, self._coqtop.interrupted
            if place == len(steps):
                return None
            if plan.asked <= place:
                plan.asked, plan.control = place + 1, self._taken(steps[: place + 1], start)
            if place < len(plan.control) and (not endless or TIMES * plan.control[place] < SENTENCE_CPU_S):
                return self._result(steps[place], mutant, why, endless)
            if not (endless and plan.leave_out(steps[place])):  # too slow as it is to tell anything
                return None

    def _length(self, index: int) -> int:
        following = self._parts[index + 1].start if index + 1 < len(self._parts) else len(self._text)
        return following - self._parts[index].start

    def _plan(self, name: str, here: int, every: bool) -> list[Step]:
        """The definition; the rest of its file; the files that name it, with those that they rest on; and the proofs that name
        it; or, with `every` proof, the files that name a definition of this file that rests on it.
        """
        plan = list(self._steps(self.file, self._parts[here:], name, {self.file}, every))
        plan.append(Step(self.file, 0, f"End {_module(self.file)}.", False))
        inside = {self.file}
        cut = {file: parts(self.theory.sources[file]) for file in self._dependents}
        names = self._users(name, here) if every else {name}
        naming = [file for file in self._dependents if any(part.names(one) for part in cut[file] for one in names)]
        for target in sorted(naming, key=lambda file: (len(self.theory.needed[file] & self._dependents), file)):
            new = self.theory.in_order((self.theory.needed[target] & self._dependents) - inside)
            if len(inside) + len(new) > MOST_FILES:
                break
            for file in new:
                inside.add(file)
                steps = self._steps(file, cut[file], name, inside, every)
                plan += [Step(file, 0, _open(file), False), *steps, Step(file, 0, f"End {_module(file)}.", False)]
        return plan

    def _users(self, name: str, here: int) -> set[str]:
        """Return a definition's name with those of definitions after it in the file that name it, or one that does."""
        result = {name}
        for part in self._parts[here + 1 :]:
            if not part.proof and part.sentences[0].split()[0] in DEFINING and any(part.names(one) for one in result):
                result.add(part.sentences[0].split()[1])
        return result

    def _steps(self, file: str, some: Sequence[Part], name: str, inside: set[str], every: bool) -> Iterator[Step]:
        text = self.theory.sources[file]
        for part in some:
            kept = part.sentences if every or not part.proof or part.names(name) else _without_proof(part)
            for sentence in kept:
                for one in _imports(sentence, inside):
                    yield Step(file, line_of(text, part.start), one, part.proof)

    def _taken(self, plan: Sequence[Step], start: int) -> list[float]:
        """Send steps until one is refused; return the CPU seconds of those before it."""
        self._coqtop.back_to(start)
        result = []
        for step in plan:
            if not self._coqtop.send(step.text):
                break
            result.append(self._coqtop.seconds)
        return result

    def _result(self, step: Step, mutant: Mutant, why: str, endless: bool) -> Result | None:
        message = ENDLESS if endless else " ".join(why[max(0, why.find("Error")) :].split())[:200]
        if step.proof:
            return Result("proof", f"{step.file}:{step.line}", message, step.file)
        return Result("stillborn", f"{self.file}:{step.line}", message, self.file) if step.file == self.file else None


def _without_proof(part: Part) -> list[str]:
    if part.sentences[-1] == "Defined.":
        return list(part.sentences)
    return [part.sentences[0], *NO_PROOF]


def _imports(sentence: str, inside: set[str]) -> list[str]:
    """Return a sentence as it is, or what stands for a `Require` where some files are modules here."""
    found = REQUIRE.match(sentence)
    if not found:
        return [sentence]
    result = []
    for name in found[2].split():
        here = f"{name.replace('.', '/')}.v" in inside
        if not here:
            result.append(f"From CompactProofs Require {found[1]}{name}.")
        elif found[1]:
            result.append(f"{found[1].strip()} {name.rpartition('.')[2]}.")
    return result


def _library(file: str) -> str:
    return file.removesuffix(".v").replace("/", ".")


def _module(file: str) -> str:
    return _library(file).rpartition(".")[2]


def _open(file: str) -> str:
    return f"Module {_module(file)}."
