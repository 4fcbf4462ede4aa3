"""What became of mutants, of Coq files and of mirrors: `Results`, kept line by line, and the `summary` at the end."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from compact_proofs.models.files import write_atomic

EQUIVALENTS = Path(__file__).with_name("equivalent_mutants.txt")
WORDS = {
    "proof": "killed by a proof", "test": "killed by a test", "stillborn": "stillborn", "equivalent": "equivalent",
    "survived": "survived", "holds": "sound", "open": "not decided",
}  # fmt: skip
ORDER = tuple(WORDS)


@dataclass(frozen=True, slots=True)
class Mutant:
    """Characters start .. end of a file, `old`, replaced by `new`, in the definition `name`.

    line, column: of the start, from 1; text: of that line.
    """

    file: str
    line: int
    column: int
    name: str
    operator: str
    start: int
    end: int
    old: str
    new: str
    text: str

    def applied(self, text: str) -> str:
        """Return the changed text of the file."""
        return text[: self.start] + self.new + text[self.end :]

    @property
    def change(self) -> str:
        """The change on one line, with its column."""
        return " ".join(f"{self.column}: {self.old} -> {self.new}".split())

    @property
    def listed(self) -> tuple[str, str, str]:
        """By what the list of equivalents knows it."""
        return self.file, self.text, self.change

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.name}, {self.operator}, {self.change}"


@dataclass(frozen=True, slots=True)
class Result:
    """verdict: one of ORDER; where: the place of the failing proof, or the name of the case that differs; why: what was said.

    rests_on: the file whose sources, with all that it imports, are all that the result says something about; "": all files.
    """

    verdict: str
    where: str
    why: str
    rests_on: str = ""


class Results:
    """The results of a run, one JSON object a line; those of another state of the sources are left alone."""

    def __init__(self, path: Path, sha256: Callable[[str], str | None]) -> None:
        """Read what is there. `sha256(file)`: of the sources that a file rests on, None where there is no such file."""
        self.path, self._sha256 = path, sha256
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str], Result] = {}
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                result = Result(**entry["result"])
                if entry["sources"] == sha256(result.rests_on):
                    self._found[entry["stage"], entry["key"]] = result

    def get(self, stage: str, mutant: Mutant) -> Result | None:
        """Return the result of a mutant at a stage."""
        return self._found.get((stage, _key(mutant)))

    def last(self, mutant: Mutant) -> Result | None:
        """Return the result that decides on the mutant, or else that of the last stage that it has come to."""
        found = [result for (_, key), result in self._found.items() if key == _key(mutant)]
        deciding = [one for one in found if one.verdict in ("proof", "test", "stillborn")]
        return deciding[0] if deciding else found[-1] if found else None

    def rested_on(self, stages: Sequence[str], file: str) -> list[str]:
        """Return what the results at some stages of mutants of a file rest on, the last one first."""
        found = [one.rests_on for (stage, key), one in self._found.items() if stage in stages and key.startswith(f"{file}:")]
        return list(dict.fromkeys(one for one in reversed(found) if one))

    def add(self, stage: str, mutant: Mutant, result: Result, seconds: float) -> None:
        """Keep a result."""
        sources = self._sha256(result.rests_on)
        entry = {"sources": sources, "stage": stage, "key": _key(mutant), "mutant": str(mutant), "result": asdict(result)}
        with self._lock:
            self._found[stage, _key(mutant)] = result
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({**entry, "seconds": round(seconds, 1)}) + "\n")

    def tally(self, stage: str, mutants: Sequence[Mutant]) -> str:
        """Return how many mutants have which verdict at a stage, on one line."""
        found = Counter(result.verdict for one in mutants if (result := self.get(stage, one)))
        return ", ".join(f"{found[word]} {word}" for word in ORDER if found[word])


def _key(mutant: Mutant) -> str:
    return f"{mutant.file}:{mutant.start}:{mutant.end}:{mutant.operator}:{mutant.new}"


def column_of(text: str, place: int) -> int:
    """Return the column of a place in its line, from 1."""
    return place - text.rfind("\n", 0, place)


def equivalents(path: Path = EQUIVALENTS) -> dict[tuple[str, str, str], str]:
    """Return why a mutant does exactly the same, by file, text of its line, and change.

    The file has blocks of four lines, `file`, `line`, `change`, `why`, each with its value after a colon; # starts a comment.
    """
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#")]
    result = {}
    for start in range(0, len(lines), 4):
        block = dict(line.split(": ", 1) for line in lines[start : start + 4])
        result[block["file"], block["line"], block["change"]] = block["why"]
    return result


def summary(name: str, mutants: Sequence[Mutant], results: Sequence[Result | None], out: Path) -> tuple[str, list[Mutant]]:
    """Write OUT/NAME.json; return the text for people, and the mutants that survived.

    Listed equivalents are not survivors; one that was killed, or is no mutant any more, is said to be listed wrongly.
    """
    listed = equivalents()
    verdicts: list[str] = []
    wrongly = dict(listed) if len(mutants) else {}
    for mutant, result in zip(mutants, results, strict=True):
        verdict = result.verdict if result else "not tried"
        verdict = "survived" if verdict == "holds" else verdict
        if verdict == "survived" and mutant.listed in listed:
            verdict = "equivalent"
            wrongly.pop(mutant.listed, None)
        verdicts.append(verdict)
    files = {mutant.file for mutant in mutants}
    by_file = {file: Counter(v for m, v in zip(mutants, verdicts, strict=True) if m.file == file) for file in sorted(files)}
    total = Counter(verdicts)
    survived = [mutant for mutant, verdict in zip(mutants, verdicts, strict=True) if verdict == "survived"]
    counted = sum(total[word] for word in ("proof", "test", "survived"))
    document = {
        "schema": 1,
        "mutants": counted,
        "verdicts": dict(sorted(total.items())),
        "files": {file: dict(sorted(found.items())) for file, found in by_file.items()},
        "survived": [str(one) for one in survived],
        "killed_by": dict(sorted(Counter(r.where.partition(":")[0] for r in results if r and r.verdict == "proof").items())),
    }
    write_atomic(out / f"{name}.json", (json.dumps(document, indent=1, sort_keys=True) + "\n").encode())
    words = [*ORDER, *sorted(set(total) - set(ORDER))]

    def told(found: Counter[str]) -> str:
        return ", ".join(f"{found[word]} {WORDS.get(word, word)}" for word in words if found[word])

    lines = [f"{name}: {counted} mutants; {told(total)}", *(f"  {file}: {told(found)}" for file, found in by_file.items())]
    lines += [f"survived: {one}\n    {one.text}" for one in survived]
    lines += [f"listed as equivalent, but is not: {file}: {change}" for file, _, change in sorted(wrongly) if file in files]
    return "\n".join(lines), survived
