"""What is kept of one finished job: `Result` and `Truth`, each in a JSON file named by a hash of all that it depends on.

Nothing here is trusted. A file that is not as `save` left it is no result, and the job is run again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from compact_proofs.models.files import write_atomic

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Result:
    """What a search has found, or what Coq has accepted.

    Fields: bound: None where there is none, `reason` then says why; operations, certificate_bytes: as in `table.Row`; seconds:
    processor seconds of a search, seconds of coqc; limit_s: the limit that it ran out of; again: it failed in a way that another
    run may be spared, such as too little memory; left_out: it was not tried.
    """

    bound: int | None
    statement: str | None = None
    operations: int | None = None
    certificate_bytes: int | None = None
    seconds: float | None = None
    reason: str = ""
    limit_s: int | None = None
    again: bool = False
    left_out: bool = False

    def stands(self, limit_s: int) -> bool:
        """Whether another run, with this limit of seconds, would find nothing else."""
        return not self.again and (self.limit_s is None or self.limit_s >= limit_s)

    def save(self, path: Path) -> None:
        """Write the result by a rename."""
        _save(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> Result | None:
        """Read a result; None where there is none."""
        value = _load(path)
        return None if value is None else cls(**value)


@dataclass(frozen=True, slots=True)
class Truth:
    """The true count of right inputs lies from low to high; both None where the network is refused."""

    low: int | None
    high: int | None

    def save(self, path: Path) -> None:
        """Write by a rename."""
        _save(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> Truth | None:
        """Read; None where there is none."""
        value = _load(path)
        return None if value is None else cls(**value)


def _save(path: Path, value: dict[str, Any]) -> None:
    value = value | {"schema": SCHEMA}
    write_atomic(path, (json.dumps(value | {"sha256": _sha256(value)}, sort_keys=True) + "\n").encode())


def _load(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_bytes())
        if value.pop("sha256") != _sha256(value) or value.pop("schema") != SCHEMA:
            return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return dict(value)


def _sha256(value: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
