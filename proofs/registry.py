"""The strategies: what each one claims, which Coq checker accepts it, and who finds its certificate.

A strategy is one certificate type, one checker and one soundness lemma in Coq, one finder and one mirror in Python, and
one entry in `STRATEGIES`. Nothing here is trusted: the theorem rests on the Coq names alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from compact_proofs.extract.coq_text import Field
from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.models.errors import UsageError

Statement = Literal["at_least", "exactly"]


class Progress(Protocol):
    """Called by long searches with what is being done and how far it has come."""

    def __call__(self, message: str, done: int, total: int) -> None: ...


def silent(message: str, done: int, total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """A certificate and what its mirror predicts Coq will accept.

    Fields: certificate: strategy's own frozen dataclass; proved: the N of the theorem, a count of inputs; statement:
    `at_least` for N <= correct_count, `exactly` for correct_count = N; operations: checker operations (see docs).
    """

    certificate: Any
    proved: int
    statement: Statement
    operations: int


@dataclass(frozen=True, slots=True)
class CoqNames:
    """Names in `CompactProofs.Facade` for one statement of a strategy.

    verdict : Z -> model -> certificate -> outcome;  check = true iff the verdict is Accepted;
    sound : forall N model certificate, check N model certificate = true -> statement.
    """

    check: str
    sound: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way to prove a bound.

    Fields: name: registry key and folder; summary: one line for people; constructor: Coq constructor of the certificate record,
    applied to the fields of Certificate.v in order; coq: names by statement; find: the untrusted finder;
    fields: certificate -> Certificate.v fields; mirror: (model, certificate) -> the N that Coq accepts (raises InputRefused
    where Coq refuses).
    """

    name: str
    summary: str
    constructor: str
    coq: dict[Statement, CoqNames]
    find: Callable[[QuantisedModel, Progress], Found]
    fields: Callable[[Any], list[Field]]
    mirror: Callable[[QuantisedModel, Any], int]


def strategies() -> dict[str, Strategy]:
    """All strategies by name, best first."""
    from compact_proofs.proofs.strategies import brute_force, cubic, exact

    return {s.name: s for s in (cubic.STRATEGY, exact.STRATEGY, brute_force.STRATEGY)}


def strategy(name: str) -> Strategy:
    """The strategy of that name. Raises: UsageError listing the valid names."""
    known = strategies()
    if name not in known:
        raise UsageError(f"unknown STRATEGY {name!r}; valid: {', '.join(known)}")
    return known[name]
