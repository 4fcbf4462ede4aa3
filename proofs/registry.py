"""The strategies: what each one claims, which Coq checker accepts it, and who finds its certificate.

A strategy is one certificate type, one checker and one soundness lemma in Coq, one finder and one mirror in Python, and
one entry in `STRATEGIES`. Nothing here is trusted: the theorem rests on the Coq names alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Protocol

from compact_proofs.extract.coq_text import Field, Statement
from compact_proofs.extract.distribution import Distribution
from compact_proofs.extract.layouts import Group
from compact_proofs.models.errors import UsageError
from compact_proofs.models.modular.config import CANONICAL
from compact_proofs.proofs.forms import CertificateForm, CoqNames

MOST_NEAR = 16  # Coq: Cert.Staged.radius_of
MOST_BAND = 12  # Coq: Cert.Attention.exponent_of
BEST = dict.fromkeys(CANONICAL, "low_rank_unembedding")  # of families where it is not the first that fits


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a user may choose of a certificate; None: the strategy's own choice.

    resolution: units of cost that are told apart, at least 1. bands: exponents of the bands of tokens. rank: directions of a
    product of low rank that are multiplied out. near: outputs at most so far from the answer are looked at one by one, 0 .. 16.
    Raises: UsageError: a number that makes no sense for any strategy and network.
    """

    resolution: int | None = None
    bands: tuple[int, ...] | None = None
    rank: int | None = None
    near: int | None = None

    def __post_init__(self) -> None:
        if self.resolution is not None and self.resolution < 1:
            raise UsageError(f"resolution: got {self.resolution}, wanted an integer >= 1; 64 is a good start")
        if self.rank is not None and self.rank < 0:
            raise UsageError(f"rank: got {self.rank}, wanted an integer >= 0; 1 or 2 is a good start")
        if self.near is not None and not 0 <= self.near <= MOST_NEAR:
            raise UsageError(f"near: got {self.near}, wanted an integer from 0 to {MOST_NEAR}; 1 is a good start")
        if self.bands is not None:
            self._check_bands(self.bands)

    def _check_bands(self, bands: tuple[int, ...]) -> None:
        shown = ",".join(map(str, bands))
        if not bands or bands[0] != 0:
            raise UsageError(f"bands: got {shown or 'none'}, wanted 0 first: a band of the largest token alone; try 0,{shown}")
        if not all(0 <= exponent <= MOST_BAND for exponent in bands):
            raise UsageError(f"bands: got {shown}, wanted exponents from 0 to {MOST_BAND}; use more and shorter bands")

    def text(self) -> str:
        """Return what was chosen as options of the command line, such as "--resolution 64 --bands 0,0,1"."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        shown = {name: ",".join(map(str, value)) if isinstance(value, tuple) else value for name, value in given.items()}
        return " ".join(f"--{name} {value}" for name, value in shown.items() if value is not None)

    def only(self, strategy: str, *names: str) -> None:
        """Check that nothing but `names` was chosen.

        Raises: UsageError: something that the strategy does not have.
        """
        for field in fields(self):
            if field.name not in names and getattr(self, field.name) is not None:
                has = f"it has {' and '.join(names)}" if names else "it has nothing to choose"
                raise UsageError(f"{field.name}: strategy {strategy} has no {field.name}; {has}; leave {field.name} out")


DEFAULT = Tuning()


class Progress(Protocol):
    """Called by long searches with what is being done and how far it has come."""

    def __call__(self, message: str, done: int, total: int) -> None: ...


def silent(message: str, done: int, total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """A certificate and what its mirror predicts Coq will accept.

    Fields: certificate: strategy's own frozen dataclass; proved: the N of the theorem, a count of inputs; statement:
    `at_least` for N <= correct_count, `at_most` for correct_count <= N, `exactly` for correct_count = N; operations: checker
    operations (see docs); words: what the search has understood of the network, for people.
    """

    certificate: Any
    proved: int
    statement: Statement
    operations: int
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way to prove a bound.

    Fields: form: what Coq knows of it (proofs/forms.py); summary: one line for people; find: the untrusted finder; fields:
    certificate -> Certificate.v fields; mirror: (network, certificate) -> the N that Coq accepts (raises InputRefused where Coq
    refuses); verdict: (claimed, network, certificate, statement) -> what Coq prints, on one line, predicted; families: whose
    networks it can prove anything of, None: all of the group; check_tuning: refuses what no network allows, before any search
    (raises UsageError); distribution: of the inputs, None where all count alike.
    """

    form: CertificateForm
    summary: str
    find: Callable[[Any, Tuning, Progress], Found]
    fields: Callable[[Any], list[Field]]
    mirror: Callable[[Any, Any], int]
    verdict: Callable[[int, Any, Any, Statement], str]
    families: tuple[str, ...] | None = None
    check_tuning: Callable[[Tuning], None] = lambda tuning: None
    distribution: Distribution | None = None

    @property
    def name(self) -> str:
        """Return the registry key."""
        return self.form.strategy

    @property
    def folder(self) -> str:
        """Return the name of the folder of its proofs: another one for each distribution."""
        return f"{self.name}_{self.distribution.key}" if self.distribution else self.name

    @property
    def group(self) -> Group:
        """Return the task."""
        return self.form.group

    @property
    def constructor(self) -> str:
        """Return the Coq constructor of the certificate record, applied to the fields of Certificate.v in order."""
        return self.form.constructor

    @property
    def coq(self) -> dict[Statement, CoqNames]:
        """Return the Coq names by statement."""
        return self.form.coq


GROUPS: tuple[Group, ...] = ("max_of_k", "modular")
WITH_DISTRIBUTION = {"weighted": "cubic with weights in place of counts: for inputs that are not equally likely"}  # of max_of_k
SOLVERS = {"z3": "Z3 is asked for the same count, on small networks; no theorem, and not checked by Coq"}  # of both groups


def strategies(group: Group = "max_of_k") -> dict[str, Strategy]:
    """All strategies of a task by name, best first."""
    if group == "modular":
        from compact_proofs.proofs.strategies.modular.methods import STRATEGIES

        return {one.name: one for one in STRATEGIES}
    from compact_proofs.proofs.strategies import brute_force, cubic, exact, subcubic, wrong_count

    found = (cubic.STRATEGY, *subcubic.STRATEGIES, wrong_count.STRATEGY, exact.STRATEGY, brute_force.STRATEGY)
    return {one.name: one for one in found}


def strategy(name: str, group: Group = "max_of_k") -> Strategy:
    """The strategy of that name. Raises: UsageError listing the valid names."""
    known = strategies(group)
    if name in SOLVERS:
        wanted = ", ".join(known)
        raise UsageError(f"STRATEGY {name} is a solver: it gives no theorem, only `prove` and `compare` take it; valid: {wanted}")
    if name in WITH_DISTRIBUTION:
        raise UsageError(f"STRATEGY {name} wants --distribution FILE; where all inputs count alike, cubic proves the same")
    if name not in known:
        others = "" if group == "modular" else f"; with --distribution: {', '.join(WITH_DISTRIBUTION)}"
        others += f"; of `prove` and `compare` only, without a theorem: {', '.join(SOLVERS)}"
        elsewhere = next((one for one in GROUPS if name in strategies(one)), None)
        what = f"STRATEGY {name} is for networks of {elsewhere}" if elsewhere else f"unknown STRATEGY {name!r}"
        raise UsageError(f"{what}; valid: {', '.join(known)}{others}")
    return known[name]


def strategy_for(family: str, name: str | None = None, distribution: Distribution | None = None) -> Strategy:
    """The strategy of that name for networks of a family; without a name, the best one. With a distribution, the one for it.

    Raises: UsageError: there is none of that name, or it can prove nothing of such networks.
    """
    if distribution is not None:
        from compact_proofs.proofs.strategies.weighted import weighted

        if name is not None and name not in WITH_DISTRIBUTION:
            wanted = f"use --strategy {', '.join(WITH_DISTRIBUTION)}, or none"
            raise UsageError(f"--distribution: strategy {name} counts all inputs alike; {wanted}")
        return weighted(distribution)
    group: Group = "max_of_k" if family == "max_of_k" else "modular"
    fitting = [one for one in strategies(group).values() if one.families is None or family in one.families]
    if name is None:
        return next((one for one in fitting if one.name == BEST.get(family)), fitting[0])
    chosen = strategy(name, group)
    if chosen not in fitting:
        raise UsageError(
            f"strategy {name} proves nothing of a {family} network; valid: {', '.join(one.name for one in fitting)}"
        )
    return chosen
