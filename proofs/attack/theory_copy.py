"""Copies of the built theory in which single files are changed and compiled again; the theory itself is never touched.

`prepare` makes one copy in the run's folder; a `Workplace` shares its files by hard links. A file is unlinked before it is
written, so a change stays in its workplace. Nothing that coqc caches is carried over from one change to the next.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from compact_proofs.models.errors import CompactProofsError, InputRefused
from compact_proofs.proofs import built, coqrun
from compact_proofs.proofs.forms import FORMS

MOST_CPU_S = 25  # for one file; the slowest of the theory takes 11
LIMITS = coqrun.Limits(seconds=1200.0, memory_mb=4096)
ATTEMPTS = 3  # where something else has ended coqc
OWN_LIMIT = re.compile(r"SIGXCPU|ran past its limit|ran out of memory")
WHERE = re.compile(r'File "\./?([^"]+)", line (\d+)')
ENDLESS = "does not finish"
CACHES = (".lia.cache", ".nia.cache", ".nra.cache")


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that did not compile. line: 0 where it ran out of time or memory; why: the first lines of Coq's message."""

    file: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class Theory:
    """A built copy of the theory: `root` holds _CoqProject, theories/ and generated/. Files are named relative to theories/."""

    root: Path

    @cached_property
    def sources(self) -> dict[str, str]:
        folder = self.root / "theories"
        return {path.relative_to(folder).as_posix(): path.read_text(encoding="ascii") for path in sorted(folder.rglob("*.v"))}

    def sha256(self, files: Iterable[str]) -> str:
        """Return the hash of some sources."""
        digest = hashlib.sha256()
        for file in sorted(files):
            digest.update(f"{file}\n{len(self.sources[file])}\n{self.sources[file]}".encode())
        return digest.hexdigest()

    @cached_property
    def imports(self) -> dict[str, set[str]]:
        """For each file, those that it imports, by coqdep."""
        names = [f"theories/{file}" for file in self.sources]
        done = coqrun.run(["coqdep", *coqrun.load_path(self.root), *names], self.root, coqrun.Limits(), "coqdep")
        result = {}
        for line in done.stdout.splitlines():
            targets, _, needed = line.partition(": ")
            if target := re.match(r"theories/(\S+)\.vo ", targets):
                found = (re.fullmatch(r"theories/(\S+)\.vo", word) for word in needed.split())
                result[f"{target[1]}.v"] = {f"{one[1]}.v" for one in found if one}
        if set(result) != set(self.sources):
            raise InputRefused(f"coqdep says nothing of {sorted(set(self.sources) - set(result))}:\n{done.stderr.strip()}")
        return result

    @cached_property
    def needed(self) -> dict[str, set[str]]:
        """For each file, all that it rests on, itself included."""

        @cache
        def closure(file: str) -> frozenset[str]:
            return frozenset({file}.union(*map(closure, self.imports[file])))

        return {file: set(closure(file)) for file in self.sources}

    def dependents(self, file: str) -> set[str]:
        """Return the files that rest on this one, without itself."""
        return {other for other, needed in self.needed.items() if file in needed} - {file}

    def in_order(self, files: Iterable[str]) -> list[str]:
        """Return files so that each comes after those it rests on."""
        return sorted(files, key=lambda file: (len(self.needed[file]), file))


def checks() -> list[str]:
    """Return the names of the checks of all strategies."""
    return sorted(names.check for form in FORMS.values() for names in form.coq.values())


def without_proofs(theory: Theory, facade: str) -> tuple[str, set[str]]:
    """Return the text of a facade that exports checkers only, not their soundness, and the files that it rests on."""
    lines = []
    for line in theory.sources[facade].splitlines():
        words = line.removesuffix(".").split()
        if words[:1] == ["From"]:
            exported = [word for word in words[4:] if not word.endswith("Sound")]
            lines.append(f"{' '.join([*words[:4], *exported])}." if exported else "")
    text = "\n".join(lines) + "\n"
    names = {word.replace(".", "/") + ".v" for line in lines for word in line.removesuffix(".").split()[4:]}
    return text, set().union(*(theory.needed[name] for name in names))


def prepare(out: Path, shipped: Path | None, jobs: int, say: coqrun.Say) -> Theory:
    """Return a built copy of the theory in `out`/base, made once and made anew when a source has changed.

    Args:    shipped: the folder of the theory, with _CoqProject; None: that of the installation.
    Raises:  as `coqrun.build_theory`.
    """
    shipped = shipped or coqrun.theory_root(out)
    base = Theory(out / "base")
    with coqrun.locked(out / ".lock", say):
        if not base.root.is_dir() or Theory(shipped).sources != base.sources:
            say(f"copying the theory to {base.root}")
            shutil.rmtree(base.root, ignore_errors=True)
            shutil.copytree(shipped / "theories", base.root / "theories")
            shutil.copy2(shipped / "_CoqProject", base.root / "_CoqProject")
            for name in (built.NAME, *CACHES[1:]):  # they save seconds; that of lia does not
                if (shipped / name).is_file():
                    shutil.copy2(shipped / name, base.root / name)
        coqrun.build_theory(base.root, jobs, coqrun.Limits(), say)
    return Theory(base.root)


class Workplace:
    """A copy for one change after the other."""

    def __init__(self, theory: Theory, root: Path) -> None:
        """Make the copy anew in `root`."""
        self.theory = theory
        self.root = root
        self._changed: set[str] = set()
        shutil.rmtree(root, ignore_errors=True)
        (root / "generated").mkdir(parents=True)
        shutil.copy2(theory.root / "_CoqProject", root / "_CoqProject")
        for file in theory.sources:
            self._link(file)

    def reset(self) -> None:
        """Undo all changes."""
        for file in sorted(self._changed):
            coqrun.remove_compiled(self.root / "theories" / file)
            self._link(file)
        self._changed.clear()
        for name in CACHES:
            (self.root / name).unlink(missing_ok=True)
            if (self.theory.root / name).is_file() and name != CACHES[0]:
                shutil.copy2(self.theory.root / name, self.root / name)

    def change(self, file: str, text: str) -> None:
        """Give a file another text."""
        path = self.root / "theories" / file
        path.unlink()
        path.write_text(text, encoding="ascii")
        self._changed.add(file)

    def compile(self, files: Iterable[str]) -> Failure | None:
        """Compile files, each from its .v, until one fails.

        Raises: ToolMissing. Stopped, TimeLimit: coqc was ended from outside, again and again.
        """
        for file in files:
            self._changed.add(file)
            if failure := self._compiled(file):
                return failure
        return None

    def _compiled(self, file: str) -> Failure | None:
        source = Path("theories") / file
        limit = ["sh", "-c", f'ulimit -t {MOST_CPU_S}; exec "$@"', "sh"]
        for attempt in range(ATTEMPTS):
            coqrun.remove_compiled(self.root / source)
            try:
                command = [*limit, "coqc", "-q", *coqrun.load_path(self.root), str(source)]
                done = coqrun.run(command, self.root, LIMITS, f"coqc {file}")
            except CompactProofsError as error:
                if OWN_LIMIT.search(str(error)):
                    return Failure(file, 0, ENDLESS)
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                return None if done.exit_code == 0 else _failure(file, done.stderr)
        raise AssertionError("not reached")

    def _link(self, file: str) -> None:
        for path in (Path(file), Path(file).with_suffix(".vo")):
            new = self.root / "theories" / path
            new.parent.mkdir(parents=True, exist_ok=True)
            new.unlink(missing_ok=True)
            try:
                os.link(self.theory.root / "theories" / path, new)
            except OSError:  # another disk
                shutil.copy2(self.theory.root / "theories" / path, new)


def _failure(file: str, message: str) -> Failure:
    before, _, after = message.partition("\nError")
    places = WHERE.findall(before)
    line = int(places[-1][1]) if places else 0
    return Failure(file, line, " ".join(f"Error{after}".split())[:200])


def matching(files: Iterable[str], pattern: str | None) -> list[str]:
    """Return the files that a pattern of the shell matches, all without one."""
    return sorted(file for file in files if pattern is None or fnmatch.fnmatch(file, pattern))
