"""One coqtop that tries the mutants of a file one after the other: `Session`, much faster than compiling files for each.

The file, and those that rest on it, are read in as modules, at first with only those proofs that name the changed definition;
for the next mutant coqtop goes back to before the definition. A mutant is killed where a sentence is refused, or takes more than
ten times as long, that coqtop takes of the unchanged text, which is read in the same way. What is left out are proofs of lemmas
whose statements are read all the same, so compiling would fail at that sentence too, or before. A mutant that is not killed
here is not decided.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from compact_proofs.models.errors import Stopped
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.attack.coq_source import PROVING, line_of, sentences
from compact_proofs.proofs.attack.mutant_results import Mutant, Result
from compact_proofs.proofs.attack.theory_copy import Theory

SENTENCE_CPU_S = 2.5  # a sentence is interrupted then
TIMES = 10  # .. and counts as refused where the unchanged text takes it in so many times less
SILENT_S = 900.0
MEMORY_KB = 4 * 2**20
MOST_FILES = 25  # .. read in for a mutant
PROMPT = re.compile(rb"<prompt>[^<]* < (\d+) \|[^<]*< </prompt>")
REQUIRE = re.compile(r"From\s+CompactProofs\s+Require\s+(Import\s+|Export\s+|)(.*)\.\Z", re.DOTALL)
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


class Coqtop:
    """A running coqtop. `send` says whether a sentence was taken."""

    def __init__(self, root: Path, group: int) -> None:
        """Start it in a folder with _CoqProject, in a process group."""
        limited = ["sh", "-c", f'ulimit -v {MEMORY_KB}; exec "$@"', "sh"]
        command = [*limited, "coqtop", "-q", "-quiet", "-emacs", "-w", "none", *coqrun.load_path(root)]
        pipe, both = subprocess.PIPE, subprocess.STDOUT
        self._process = subprocess.Popen(command, cwd=root, stdin=pipe, stdout=pipe, stderr=both, process_group=group)
        self.state, self.said, self.seconds, self.interrupted = 0, "", 0.0, False
        self._read()

    def send(self, sentence: str) -> bool:
        """Send one sentence, and interrupt it where it takes too long. Raises: Stopped: coqtop has ended."""
        before = self.state
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{sentence}\n".encode("ascii"))
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Stopped("coqtop has ended") from None
        self._read()
        return self.state != before

    def back_to(self, state: int) -> None:
        """Go back to an earlier state."""
        self.send(f"BackTo {state}.")
        if self.state != state:
            raise Stopped(f"coqtop did not go back: {self.said}")

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def _read(self) -> None:
        assert self._process.stdout is not None
        data, end, began = b"", time.monotonic() + SILENT_S, self._cpu_s()
        self.interrupted = False
        while not (found := PROMPT.search(data)):
            ready, _, _ = select.select([self._process.stdout], [], [], 0.5)
            self.seconds = self._cpu_s() - began
            if ready:
                new = os.read(self._process.stdout.fileno(), 65536)
                if not new:
                    raise Stopped("coqtop has ended")
                data += new
            elif time.monotonic() > end or self.seconds > 4 * SENTENCE_CPU_S:
                raise Stopped("coqtop is silent")
            elif self.seconds > SENTENCE_CPU_S and not self.interrupted:
                self._process.send_signal(signal.SIGINT)
                self.interrupted = True
        self.state = int(found[1])
        self.said = PROMPT.sub(b"", data).decode(errors="replace")

    def _cpu_s(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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
        steps = plan.steps
        place = len(self._taken([replace(steps[0], text=changed), *steps[1:]], start))
        why, endless = self._coqtop.said, self._coqtop.interrupted
        if place == len(steps):
            return None
        if plan.asked <= place:
            plan.asked, plan.control = place + 1, self._taken(steps[: place + 1], start)
        sure = place < len(plan.control) and (not endless or TIMES * plan.control[place] < SENTENCE_CPU_S)
        return self._result(steps[place], mutant, why, endless) if sure else None

    def _length(self, index: int) -> int:
        following = self._parts[index + 1].start if index + 1 < len(self._parts) else len(self._text)
        return following - self._parts[index].start

    def _plan(self, name: str, here: int, every: bool) -> list[Step]:
        """The definition; the rest of its file; and the files that name it, with those that they rest on. `every` proof, or those
        that name it.
        """
        plan = list(self._steps(self.file, self._parts[here:], name, {self.file}, every))
        plan.append(Step(self.file, 0, f"End {_module(self.file)}.", False))
        inside = {self.file}
        cut = {file: parts(self.theory.sources[file]) for file in self._dependents}
        naming = [file for file in self._dependents if any(part.names(name) for part in cut[file])]
        for target in sorted(naming, key=lambda file: (len(self.theory.needed[file] & self._dependents), file)):
            new = self.theory.in_order((self.theory.needed[target] & self._dependents) - inside)
            if len(inside) + len(new) > MOST_FILES:
                break
            for file in new:
                inside.add(file)
                steps = self._steps(file, cut[file], name, inside, every)
                plan += [Step(file, 0, _open(file), False), *steps, Step(file, 0, f"End {_module(file)}.", False)]
        return plan

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
        message = "does not finish" if endless else " ".join(why[max(0, why.find("Error")) :].split())[:200]
        if step.proof:
            return Result("proof", f"{step.file}:{step.line}", message, step.file)
        return Result("stillborn", f"{self.file}:{step.line}", message, self.file) if step.file == self.file else None


def _without_proof(part: Part) -> list[str]:
    if part.sentences[-1] == "Defined.":
        return list(part.sentences)
    return [part.sentences[0], "Proof.", "Admitted."]


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
