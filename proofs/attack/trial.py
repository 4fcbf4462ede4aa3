"""One network under attack: `mirror_trial` by the exact Python mirrors, `coq_trial` by Coq itself; both give JSON records.

Certificates: what the finder finds, random mutants of it, and the same certificate on the network with two outputs exchanged, so
that most of what was right is wrong. An accepted claim that the oracle contradicts is a false acceptance. An exception that is
none of compact-proofs' own, a warning of numpy too, is a crash.
"""

from __future__ import annotations

import dataclasses
import itertools
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from compact_proofs.extract.coq_text import Statement
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.extract.rounding import QuantisedMatrix, QuantisedNetwork
from compact_proofs.models.errors import CompactProofsError, InputRefused
from compact_proofs.proofs import coqrun, registry
from compact_proofs.proofs.attack import cases
from compact_proofs.proofs.attack.cases import UNPREDICTED, Case, mutated
from compact_proofs.proofs.attack.networks import OUTPUTS, distribution, network
from compact_proofs.proofs.attack.oracle import right_inputs, right_weight
from compact_proofs.proofs.registry import DEFAULT, Found, Strategy, silent
from compact_proofs.proofs.strategies.weighted import weighted
from compact_proofs.proofs.verdict import ACCEPTED

MOST_DRAWN = 20  # random mutants drawn for each one that is wanted: many cannot be written
MOST_SHOWN = 10**6  # entries of an array in a finding
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Findings:
    """What went wrong, each with all that is needed to see it again."""

    false_acceptances: list[Record] = field(default_factory=list)
    disagreements: list[Record] = field(default_factory=list)
    crashes: list[Record] = field(default_factory=list)

    def record(self) -> Record:
        """Return those that are not empty."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value}


def mirror_trial(seed: int, mutants: int, each: int | None = None) -> Record:
    """Judge one network's certificates by the mirrors: `mutants` random ones for each strategy, besides the finder's.

    each: how many strategies, in turn by seed; None: all.

    Record: seed, kind, inputs, truth, findings; by strategy found (0 or 1), proved, its truth (a weight for one with a
    distribution), and how many mutants were accepted, refused, and could not be written.
    """
    kind, model = network(seed)
    right, findings = right_inputs(model), Findings()
    other = with_outputs_exchanged(model, np.random.default_rng([seed, 1]))
    other_right = right_inputs(other)
    of_strategies = {}
    for index, strategy in enumerate(_in_turn(fitting(model, seed), seed, each)):
        source, truth = _Source(seed, strategy, findings), truth_for(strategy, right)
        result = {"found": 0, "accepted": 0, "refused": 0, "unwritten": 0}
        of_strategies[strategy.name] = result
        if (found := source.find(model)) is None:
            continue
        certificate = found.certificate
        if (proved := source.judge("found", model, certificate, truth)) is not None:
            result |= {"found": 1, "proved": proved, "truth": truth}
        if proved != found.proved:
            source.disagree("found", certificate, f"the finder says {found.proved}, the mirror {proved}")
        if other is not model:
            what = "found, on the network with two outputs exchanged"
            count(result, source.judge(what, other, certificate, truth_for(strategy, other_right)))
        mutants_rng, upward = np.random.default_rng([seed, 2, index]), -1 if found.statement == "at_most" else 1
        for _ in range(mutants):  # each from the best so far, so that they climb where the checker is too kind
            for what, mutant in _some(certificate, mutants_rng, 1):
                if cases.is_ragged(mutant) or not source.can_be_written(what, mutant):
                    result["unwritten"] += 1
                    continue
                accepted = source.judge(what, model, mutant, truth)
                count(result, accepted)
                if accepted is not None and (proved is None or (proved - accepted) * upward <= 0):
                    certificate, proved = mutant, accepted
    head = {"seed": seed, "kind": kind, "inputs": n_inputs(model), "truth": sum(right), "strategies": of_strategies}
    return head | findings.record()


def coq_trial(
    seeds: Sequence[int], mutants: int, root: Path, limits: coqrun.Limits, each: int | None = None
) -> list[Record]:  # fmt: skip
    """Let Coq judge networks: finders' certificates at the mirror's N and one beyond, and up to `mutants` mutants of each.

    All strategies of the task are asked, also those for other families. Where a finder refuses, the certificate it found last is
    taken. Records: seed, kind, findings, by strategy the verdicts "accepted", "refused", "failed" (coqc came to none), each
    compared with the mirror's.
    """
    asked: list[tuple[int, str, Case, int, str]] = []  # seed, what, case, truth, predicted
    records: list[Record] = []
    borrowed: dict[tuple[str, str], Any] = {}
    findings = {seed: Findings() for seed in seeds}
    for seed in seeds:
        kind, model = network(seed)
        right = right_inputs(model)
        records.append({"seed": seed, "kind": kind, "strategies": {}})
        for index, strategy in enumerate(_in_turn(of_task(model, seed), seed, each)):
            source, key = _Source(seed, strategy, findings[seed]), (strategy.group, strategy.name)
            truth = truth_for(strategy, right)
            if (found := source.find(model) if fits(strategy, model) else None) is not None:
                borrowed[key] = found.certificate
            elif key not in borrowed:
                continue
            certificate = borrowed[key]
            drawn = _some(certificate, np.random.default_rng([seed, 3, index]), MOST_DRAWN * mutants)
            written = ((what, one) for what, one in drawn if source.can_be_written(what, one))
            for what, one in itertools.chain([("found", certificate)], itertools.islice(written, mutants)):
                for case, predicted in source.claims(what, model, one, truth):
                    asked.append((seed, what, case, truth, predicted))
    verdicts = cases.coq_verdicts(root, [case for _, _, case, _, _ in asked], limits)
    for (seed, what, case, truth, predicted), verdict in zip(asked, verdicts, strict=True):
        of_strategies = records[list(seeds).index(seed)]["strategies"]
        result = of_strategies.setdefault(case.strategy.name, {"accepted": 0, "refused": 0, "failed": 0})
        result["accepted" if verdict == ACCEPTED else "refused" if verdict.startswith("Refused") else "failed"] += 1
        source = _Source(seed, case.strategy, findings[seed])
        if verdict == ACCEPTED and not holds(case.statement, case.claimed, truth):
            source.accept_falsely("Coq", what, case.certificate, case.statement, case.claimed, truth)
        if predicted not in (verdict, UNPREDICTED) or verdict.startswith("Failed"):
            claim = f"{case.statement} {case.claimed}"
            source.disagree(what, case.certificate, f"{claim}: Coq says {verdict}, the mirror {predicted}")
    return [record | findings[record["seed"]].record() for record in records]


def count(result: Record, accepted: int | None) -> None:
    """Count a certificate as accepted or refused."""
    result["refused" if accepted is None else "accepted"] += 1


def holds(statement: Statement, claimed: int, truth: int) -> bool:
    """Say whether a claim is true."""
    if statement in ("at_least", "at_least_weight"):
        return claimed <= truth
    return {"at_most": claimed >= truth, "exactly": claimed == truth}[statement]


def truth_for(strategy: Strategy, right: Sequence[bool]) -> int:
    """Return what a strategy's claims are compared with: the number of right inputs, or their weight."""
    return sum(right) if strategy.distribution is None else right_weight(right, strategy.distribution.rows)


def beyond(statement: Statement, proved: int) -> list[int]:
    """Return the claims next to the best one that must be refused; a count is never negative."""
    claims = {"at_most": [proved - 1], "exactly": [proved - 1, proved + 1]}.get(statement, [proved + 1])
    return [claimed for claimed in claims if claimed >= 0]


def of_task(model: QuantisedNetwork, seed: int) -> list[Strategy]:
    """Return all strategies of a network's task, best first; the last of max-of-K is about the seed's distribution."""
    if isinstance(model, QuantisedModular):
        return list(registry.strategies("modular").values())
    assert isinstance(model, QuantisedModel)
    return [*registry.strategies("max_of_k").values(), weighted(distribution(seed, model))]


def fits(strategy: Strategy, model: QuantisedNetwork) -> bool:
    """Say whether it can prove something of the network's family."""
    family = model.family if isinstance(model, QuantisedModular) else None
    return strategy.families is None or family in strategy.families


def fitting(model: QuantisedNetwork, seed: int) -> list[Strategy]:
    """Return those of its task that fit."""
    return [one for one in of_task(model, seed) if fits(one, model)]


def n_inputs(model: QuantisedNetwork) -> int:
    """Return the number of inputs."""
    if isinstance(model, QuantisedModular):
        return model.modulus**2
    assert isinstance(model, QuantisedModel)
    return model.d_vocab**model.n_ctx


def with_outputs_exchanged(model: QuantisedNetwork, rng: np.random.Generator) -> Any:
    """Return the network with two outputs exchanged; the network itself where that has only one."""
    matrices = {name: matrix for name, matrix in model.matrices().items() if name in OUTPUTS}
    columns = min(matrix.ints.shape[1] for matrix in matrices.values())
    if columns < 2:
        return model
    i, j = rng.choice(columns, 2, replace=False)
    changed = {}
    for name, matrix in matrices.items():
        ints = matrix.ints.copy()
        ints[:, [i, j]] = ints[:, [j, i]]
        changed[name] = QuantisedMatrix(ints, matrix.scale_bits)
    if isinstance(model, QuantisedModular):
        return dataclasses.replace(model, tensors=model.tensors | changed)
    assert isinstance(model, QuantisedModel)
    return dataclasses.replace(model, W_U=changed["W_U"])


@dataclass(frozen=True, slots=True)
class _Source:
    """Where findings come from: a network by its seed, a strategy."""

    seed: int
    strategy: Strategy
    findings: Findings

    def find(self, model: QuantisedNetwork) -> Found | None:
        """Return what the finder finds, None where it refuses or crashes."""
        return self._guarded("finder", None, lambda: self.strategy.find(model, DEFAULT, silent), CompactProofsError)

    def can_be_written(self, what: str, certificate: Any) -> bool:
        """Say whether Certificate.v can hold it."""
        return self._guarded(what, None, lambda: self.strategy.fields(certificate), InputRefused) is not None

    def judge(self, what: str, model: QuantisedNetwork, certificate: Any, truth: int) -> int | None:
        """Return the N that the mirror accepts, None where it refuses; false claims that it accepts are findings."""
        strategy = self.strategy
        proved = self._guarded(what, certificate, lambda: strategy.mirror(model, certificate), InputRefused)
        several = len(strategy.coq) > 1  # then the mirror does not say for which statement N is
        for statement in strategy.coq:
            claims = {*beyond(statement, truth)} if several else set()
            for claimed in sorted(claims | ({proved} if proved is not None else set())):
                if holds(statement, claimed, truth):
                    continue
                case = Case(model, strategy, statement, certificate, claimed)
                if not several or self._predicted(what, case) == ACCEPTED:
                    self.accept_falsely("the mirror", what, certificate, statement, claimed, truth)
        return proved

    def claims(self, what: str, model: QuantisedNetwork, certificate: Any, truth: int) -> Iterator[tuple[Case, str]]:
        """Yield claims of every statement with the mirror's verdicts: the best one and those beyond, or else a true one."""
        strategy = self.strategy
        ragged = cases.is_ragged(certificate)
        mirror: Callable[[], int | None] = lambda: None if ragged else strategy.mirror(model, certificate)  # noqa: E731
        proved = self._guarded(what, certificate, mirror, InputRefused)
        for statement in strategy.coq:
            for claimed in [truth] if proved is None else [proved, *beyond(statement, proved)]:
                case = Case(model, strategy, statement, certificate, claimed)
                predicted = self._predicted(what, case)
                yield case, predicted
                if claimed == proved and len(strategy.coq) == 1 and predicted != ACCEPTED:
                    self.disagree(what, certificate, f"the mirror's N is {proved}, its verdict {predicted}")

    def accept_falsely(
        self, who: str, what: str, certificate: Any, statement: Statement, claimed: int, truth: int
    ) -> None:  # fmt: skip
        """Note a false acceptance."""
        claim = {"who": who, "statement": statement, "claimed": claimed, "truth": truth}
        self.findings.false_acceptances.append(self._place(what, certificate) | claim)

    def disagree(self, what: str, certificate: Any, why: str) -> None:
        """Note that two do not say the same."""
        self.findings.disagreements.append(self._place(what, certificate) | {"why": why})

    def _predicted(self, what: str, case: Case) -> str:
        predict: Callable[[], str] = lambda: cases.mirror_verdict(case)  # noqa: E731
        return self._guarded(what, case.certificate, predict, ()) or UNPREDICTED

    def _guarded(self, what: str, certificate: Any, run: Callable[[], Any], refusals: Any) -> Any:
        """Return what `run` returns; None after a refusal, and after a crash, which is noted."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                return run()
        except refusals:
            return None
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(last.filename).name}:{last.lineno} {last.name}"
            crash = {"error": f"{type(error).__name__}: {error}"[:300], "where": where}
            self.findings.crashes.append(self._place(what, certificate) | crash)
            return None

    def _place(self, what: str, certificate: Any) -> Record:
        place: Record = {"seed": self.seed, "task": self.strategy.group, "strategy": self.strategy.name}
        if self.strategy.distribution is not None:
            place["weights"] = self.strategy.distribution.rows
        with np.printoptions(threshold=MOST_SHOWN):
            return place | {"what": what, "certificate": repr(certificate)}


def _in_turn(strategies: list[Strategy], seed: int, each: int | None) -> list[Strategy]:
    """Return `each` of the strategies: which, goes around with the seeds."""
    count = len(strategies) if each is None else min(each, len(strategies))
    return [strategies[(seed * count + place) % len(strategies)] for place in range(count)]


def _some(certificate: Any, rng: np.random.Generator, count: int) -> Iterator[tuple[str, Any]]:
    return itertools.islice(mutated(certificate, rng), count)
