"""Which compiled files of the theory may be used: those that `coqrun.build_theory` has made of the present .v files itself.

`Built` is the memory of that, `.built.json` beside the theory: hashes of sources and compiled files. A .vo that is
truncated, stale, or put there by anybody else is not in it and is compiled again. It guards against accidents; whoever
can write here can write the memory too.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from compact_proofs.models.files import write_atomic
from compact_proofs.proofs import doctor

SCHEMA = 1
NAME = ".built.json"
PROJECT = "_CoqProject"


@dataclass(frozen=True, slots=True)
class Built:
    """Hashes by path relative to the root. `finished`: make went through, so that nothing is left to build."""

    sources: dict[str, str] = field(default_factory=dict)
    compiled: dict[str, str] = field(default_factory=dict)
    finished: bool = False

    @classmethod
    def load(cls, root: Path) -> Built:
        """Read the memory; an empty one, which trusts nothing, where there is none that can be read."""
        try:
            value = json.loads((root / NAME).read_bytes())
            if value.pop("schema") != SCHEMA or value.pop("coq") != doctor.COQ_WANTED:
                return cls()
            found = cls(**value)
            hashes = [*found.sources.items(), *found.compiled.items()]
            readable = found.finished in (True, False) and all(isinstance(word, str) for one in hashes for word in one)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return cls()
        return found if readable else cls()

    def save(self, root: Path) -> None:
        """Write the memory by a rename."""
        value = {"schema": SCHEMA, "coq": doctor.COQ_WANTED} | asdict(self)
        write_atomic(root / NAME, (json.dumps(value, indent=0, sort_keys=True) + "\n").encode())

    def trusted(self, sources: dict[str, str], compiled: dict[str, str]) -> dict[str, str]:
        """Return those of `compiled` that were made of these very `sources`; what make need not compile again, if it is newer
        than what it imports."""
        if any(name not in sources for name in self.sources) or self.sources.get(PROJECT) != sources.get(PROJECT):
            return {}  # something may rest on a file that is gone
        found = {}
        for name, digest in compiled.items():
            source = str(Path(name).with_suffix(".v"))
            if source in sources and self.sources.get(source) == sources[source] and self.compiled.get(name) == digest:
                found[name] = digest
        return found


def source_hashes(root: Path) -> dict[str, str]:
    """Hash the .v files of the theory and what says where Coq looks for them."""
    return _hashes(root, [root / PROJECT, *root.glob("theories/**/*.v")])


def compiled_hashes(root: Path) -> dict[str, str]:
    """Hash what Coq would load of the theory; a .vio is such a file too, and never one of ours."""
    return _hashes(root, [*root.glob("theories/**/*.vo"), *root.glob("theories/**/*.vio")])


def completed(root: Path, compiled: str) -> bool:
    """Whether coqc wrote this .vo to its end: it makes the .vok after it. Only for files that coqc has just written."""
    try:
        return (root / compiled).with_suffix(".vok").stat().st_mtime_ns >= (root / compiled).stat().st_mtime_ns
    except FileNotFoundError:
        return False


def _hashes(root: Path, paths: list[Path]) -> dict[str, str]:
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(paths)}
