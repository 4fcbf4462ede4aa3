"""What a search found, as it is stored between runs: `Claim` in build/<model>/<strategy>/certificate.json.

Nothing here is trusted: a stored claim saves the search, and Coq checks it again every time.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compact_proofs.extract.coq_text import Field, Statement, TheoremForm
from compact_proofs.extract.distribution import Distribution
from compact_proofs.extract.layouts import LAYOUTS
from compact_proofs.extract.rounding import QuantisedNetwork
from compact_proofs.models.errors import CompactProofsError
from compact_proofs.models.files import write_atomic
from compact_proofs.proofs.registry import Found, Strategy, Tuning

SCHEMA = 3
KINDS = {"inputs": str, "layout": str, "weight_bits": int, "statement": str, "proved": str, "operations": int, "search_s": float}


@dataclass(frozen=True, slots=True)
class Claim:
    """A certificate as the fields of Certificate.v, and what is claimed to follow from it.

    Fields: inputs: hash of all that the search depends on; layout, weight_bits: of the quantised network; proved: a count of
    inputs, or their weight; operations: of the checker; search_s: seconds that the search took, when it was run; distribution:
    which the statement is about, None where all inputs count alike.
    """

    inputs: str
    layout: str
    weight_bits: int
    statement: Statement
    proved: int
    operations: int
    search_s: float
    fields: tuple[Field, ...]
    words: tuple[str, ...] = ()
    distribution: Distribution | None = None

    @classmethod
    def of(cls, found: Found, strategy: Strategy, quantised: QuantisedNetwork, tuning: Tuning, search_s: float) -> Claim:
        """Make a claim of what a search found."""
        fields = tuple(strategy.fields(found.certificate))
        inputs = inputs_hash(quantised, strategy, tuning)
        return cls(
            inputs, quantised.layout, quantised.weight_bits, found.statement, found.proved, found.operations, search_s, fields,
            tuple(found.words), strategy.distribution,
        )  # fmt: skip

    def form(self, strategy: Strategy) -> TheoremForm:
        """Return all of the theorem but the model and N."""
        return strategy.form.theorem(self.statement, LAYOUTS[self.layout], self.distribution)

    def save(self, path: Path) -> None:
        """Write the claim as JSON."""
        names = ("inputs", "layout", "weight_bits", "statement", "operations", "search_s", "words")
        value = {name: getattr(self, name) for name in names}
        value |= {"schema": SCHEMA, "proved": str(self.proved)}
        value["fields"] = [{"name": field.name, "coq_type": field.coq_type, "value": field.value} for field in self.fields]
        if self.distribution:
            value["distribution"] = {"name": self.distribution.name, "rows": self.distribution.rows}
        value["sha256"] = _sha256(value)
        write_atomic(path, (json.dumps(value, sort_keys=True) + "\n").encode())

    @classmethod
    def load(cls, path: Path) -> Claim | None:
        """Read a claim; None where there is none, or where the file is not as `save` left it (the search is then run again)."""
        try:
            value = json.loads(path.read_bytes())
            if value.pop("sha256") != _sha256(value) or value.pop("schema") != SCHEMA:
                return None
            if any(not isinstance(value[name], kind) for name, kind in KINDS.items()):
                return None
            fields = tuple(Field(**field) for field in value.pop("fields"))
            words = tuple(value.pop("words"))
            if value["layout"] not in LAYOUTS:
                return None
            if (stored := value.pop("distribution", None)) is not None:
                stored = Distribution(stored["name"], tuple(map(tuple, stored["rows"])))
            return cls(proved=int(value.pop("proved")), fields=fields, words=words, distribution=stored, **value)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, CompactProofsError):
            return None


def _sha256(value: dict[str, Any]) -> str:
    """Hash all of a claim, so that a file changed by a fault of the disk is not taken for what a search found."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def inputs_hash(quantised: QuantisedNetwork, strategy: Strategy, tuning: Tuning) -> str:
    """Hash what a search depends on: the integers, the strategy and its tuning, and the source code of extract/ and
    proofs/strategies/."""
    digest = hashlib.sha256(f"{quantised.name} {quantised.sha256} {strategy.name} {tuning.text()}\n".encode())
    if strategy.distribution:
        digest.update(f"{strategy.distribution.name} {strategy.distribution.sha256}\n".encode())
    strategies = [("compact_proofs.proofs", f"strategies{rest}") for rest in ("", "/modular")]
    add_sources(digest, [("compact_proofs.extract", "."), *strategies])
    return digest.hexdigest()


def add_sources(digest: hashlib._Hash, folders: Sequence[tuple[str, str]]) -> None:
    """Add the names and texts of the Python files in these folders of packages to a hash."""
    for package, folder in folders:
        sources = (importlib.resources.files(package) / folder).iterdir()
        for source in sorted((entry for entry in sources if entry.name.endswith(".py")), key=lambda entry: entry.name):
            digest.update(source.name.encode() + b"\0" + source.read_bytes())
