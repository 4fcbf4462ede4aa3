"""A corpus of claims with Coq's verdicts on them, by which mutants of checkers and mirrors are told from what they were.

The cases: those of the tests that compare mirrors with Coq, where the network can be written down (a form without a direct path
is the network of one hidden layer that folds into it); the edges of all ranges, traps and wrong factors of tests/attack;
certificates on the networks of `attack.networks`, found and changed; for each strategy one certificate changed in every way.
Recorded once in OUT/corpus.pickle, and again when a checker or this file has changed.
"""

from __future__ import annotations

import hashlib
import itertools
import pickle
import runpy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from compact_proofs.extract.coq_text import Statement
from compact_proofs.extract.distribution import Distribution
from compact_proofs.extract.layouts import LAYOUTS, Group
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.modular_form import Form
from compact_proofs.extract.rounding import QuantisedMatrix, QuantisedNetwork
from compact_proofs.models.errors import InputRefused, NotProved
from compact_proofs.models.files import write_atomic
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.attack import cases, theory_copy
from compact_proofs.proofs.attack.networks import KINDS, network
from compact_proofs.proofs.attack.theory_copy import Theory
from compact_proofs.proofs.registry import DEFAULT, silent, strategies
from compact_proofs.proofs.strategies.modular.brute_force import ModularBruteForceCertificate
from compact_proofs.proofs.strategies.modular.second_moment import SecondMomentCertificate
from compact_proofs.proofs.strategies.weighted import weighted

TESTS = Path(__file__).parents[2] / "tests"
MAX_TESTS = ("test_mirror", "test_exact_mirror")
FORM_TESTS = {
    "test_modular_homogeneity": "relu_homogeneity",
    "test_modular_homogeneity_l1": "relu_homogeneity_l1",
    "test_modular_low_rank_unembedding": "low_rank_unembedding",
    "test_modular_quadrature": "quadrature",
}
NETWORKS = 4 * len(KINDS)
MORE = range(NETWORKS, 12 * len(KINDS))  # of these, networks of TELLING kinds, right on some inputs, and bounds below the truth
TELLING = ("sensible", "noisy", "shaken")
CHANGED_EVERYWHERE = (13, 30, 126)  # networks of both tasks, right on most inputs; the last of neurons that are cosines
MOST_INSIDE = 40  # changes of entries, about
HUGE = "2^62"  # in the words for a change that can make a power too large to compute
BATCH = 200
FAMILIES = {"relu": ("modular_folded", "modular_canonical_relu"), "square": ("modular_quadratic", "modular_canonical_square")}


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """A case and what Coq prints of it. `name`: where it comes from."""

    name: str
    group: Group
    strategy: str
    statement: Statement
    network: QuantisedNetwork
    certificate: Any
    claimed: int
    verdict: str = ""
    distribution: Distribution | None = None  # of strategy `weighted`

    def case(self) -> cases.Case:
        """Return it as the renderer takes it."""
        chosen = strategies(self.group)[self.strategy] if self.distribution is None else weighted(self.distribution)
        return cases.Case(self.network, chosen, self.statement, self.certificate, self.claimed)


@dataclass(frozen=True, slots=True)
class Difference:
    """A case on which a checker says something else."""

    name: str
    wanted: str
    got: str


@dataclass(frozen=True, slots=True)
class Corpus:
    """All cases, in an order in which few of them tell most checkers apart."""

    cases: tuple[Recorded, ...]
    sha256: str

    def first_difference(self, root: Path, facades: Sequence[str]) -> Difference | None:
        """Ask a changed theory, case by case; only of strategies whose facade is given."""
        asked = [one for one in self.cases if LAYOUTS[one.network.layout].facade in facades]
        for start in range(0, len(asked), BATCH):
            batch = asked[start : start + BATCH]
            verdicts = cases.coq_verdicts(root, [one.case() for one in batch], coqrun.Limits(1200.0, 4096))
            for one, verdict in zip(batch, verdicts, strict=True):
                if verdict != one.verdict:
                    return Difference(one.name, one.verdict, verdict)
        return None


def recorded(out: Path, theory: Theory, say: coqrun.Say = print) -> Corpus:
    """Return the corpus; made, and judged by the unchanged checkers, where there is none.

    Raises: InputRefused: not in a checkout: there are no tests.
    """
    key, path = _key(theory), out / "corpus.pickle"
    if path.is_file():
        found: Corpus = pickle.loads(path.read_bytes())
        if found.sha256 == key:
            return found
    say("making the corpus of cases")
    made = mixed(list(every_case()))
    say(f"asking Coq for {len(made)} verdicts")
    verdicts = cases.coq_verdicts(theory.root, [one.case() for one in made], coqrun.Limits(seconds=300.0), BATCH)
    judged = [replace(one, verdict=verdict) for one, verdict in zip(made, verdicts, strict=True)]
    if failed := [one.name for one in judged if one.verdict.startswith("Failed")]:
        say(f"left out: coqc came to no verdict on {'; '.join(failed)}")
    corpus = Corpus(tuple(one for one in judged if not one.verdict.startswith("Failed")), key)
    write_atomic(path, pickle.dumps(corpus))
    return corpus


def _key(theory: Theory) -> str:
    """Hash the checkers and what is here; not the tests, whose cases stay good when there are others."""
    checkers = set().union(*(theory_copy.without_proofs(theory, facade)[1] for facade in ("Facade.v", "ModularFacade.v")))
    return hashlib.sha256(theory.sha256(checkers).encode() + Path(__file__).read_bytes()).hexdigest()


def mixed(made: list[Recorded]) -> list[Recorded]:
    """Deal the cases out, so that every strategy and every source comes early; those of one network stay together."""
    piles: dict[tuple[str, str], list[list[Recorded]]] = {}
    for (strategy, _), same in itertools.groupby(made, key=lambda one: (one.strategy, id(one.network))):
        block = list(same)
        piles.setdefault((strategy, block[0].name.partition(":")[0]), []).append(block)
    return [one for layer in itertools.zip_longest(*piles.values()) for block in layer if block for one in block]


def every_case() -> Iterator[Recorded]:
    """Yield all cases, without Coq's verdicts. Raises: InputRefused: not in a checkout."""
    if not TESTS.is_dir():
        raise InputRefused("the corpus of cases is made from the tests, which only a checkout has")
    for test in MAX_TESTS:
        for one in _run(TESTS / "coq" / f"{test}.py")["all_cases"]():
            name = f"{test}: {one.model.name}, {one.name}"
            yield Recorded(name, "max_of_k", one.strategy, one.statement, one.model, one.certificate, one.claimed)
    for one in _run(TESTS / "coq" / "test_weighted.py")["all_cases"]():
        name, claim = f"test_weighted: {one.name}", (one.model, one.certificate, one.claimed)
        yield Recorded(name, "max_of_k", "weighted", "at_least_weight", *claim, distribution=_distribution(one.rows))
    yield from _form_cases()
    yield from _square_cases()
    yield from _attack_cases()
    for seed in [*range(NETWORKS), *(seed for seed in MORE if KINDS[seed % len(KINDS)].endswith(TELLING))]:
        yield from attacked(seed)
    for seed in CHANGED_EVERYWHERE:
        yield from _changed_everywhere(seed)


def _distribution(rows: tuple[tuple[int, ...], ...]) -> Distribution:
    """Return a distribution, be it one that no file can say."""
    made = object.__new__(Distribution)
    object.__setattr__(made, "name", "corpus")
    object.__setattr__(made, "rows", rows)
    return made


def _run(path: Path) -> dict[str, Any]:
    return runpy.run_path(str(path))


def network_of(name: str, form: Form) -> QuantisedModular | None:
    """Return a network that folds into a form, canonical where it has a direct path; None where its tables disagree."""
    p, m = form.order, form.L.shape[1]
    shapes = [table.shape == (p, m) for table in (form.L, form.R, form.U)]
    if not all(shapes) or p < 1 or m < 1 or form.P.shape != (p, p) or form.Q.shape != (p, p):
        return None
    direct = bool(form.P.any() or form.Q.any())
    tensors = {"W_E": form.L, "W_E_b": form.R, "W_U": form.U.T}
    if direct:
        tensors = {"P": form.P, "Q": form.Q, "L": form.L, "R": form.R, "U": form.U.T}
    if max(int(np.abs(table).max()) for table in tensors.values()) >= 2**62:
        return None
    family = FAMILIES[form.activation][direct]
    matrices = {key: QuantisedMatrix(np.array(table, dtype=np.int64), 0) for key, table in tensors.items()}
    return QuantisedModular(name, family, p, form.coefficient, 8, matrices)


def _form_cases() -> Iterator[Recorded]:
    for test, strategy in FORM_TESTS.items():
        for number, one in enumerate(_run(TESTS / "coq" / f"{test}.py")["all_cases"]()):
            model = network_of(f"{test}_{number}", one.form)
            if model is not None:
                made = Recorded(f"{test}: {number}", "modular", strategy, "at_least", model, one.certificate, one.claimed)
                if _written(made):
                    yield made


def _square_cases() -> Iterator[Recorded]:
    """The second moment and brute force, which have no certificate."""
    second = _run(TESTS / "unit" / "test_modular_second_moment.py")
    brute = _run(TESTS / "unit" / "test_modular_brute_force.py")
    forms = [make(seed) for make in (second["random_form"], second["cosine_form"], brute["random_form"]) for seed in range(16)]
    forms += [form for _, form in second["refusals"]()] + [second["outputs_form"](-second["target_outputs"](3))]
    for number, form in enumerate(forms):
        model = network_of(f"square_{number}", form)
        if model is not None:
            yield from _claims(f"square: {number}", "modular", "second_moment", model, SecondMomentCertificate())
            yield from _claims(f"square: {number}", "modular", "brute_force", model, ModularBruteForceCertificate())


def _attack_cases() -> Iterator[Recorded]:
    """Yield the cases of the tests of this package: edges of ranges, the last that fits and the first that does not; traps."""
    overflow, strategy = (_run(TESTS / "attack" / f"{name}.py") for name in ("test_overflow", "test_overflow_certificates"))
    edges = [*overflow["edges"]("max_of_k"), *overflow["edges"]("modular"), *strategy["edges"]()]
    made = {"edges": [edge.make(x) for edge in edges for x in (edge.last, edge.first)]}
    for name in ("test_modular_traps", "test_historical_mistakes"):
        made[name] = [*(test := _run(TESTS / "attack" / f"{name}.py"))["false_claims"]()]
        made[name] += test.get("hostile_claims", list)() + test.get("true_claims", list)()
    made["factors"] = [case for case, _ in _run(TESTS / "attack" / "test_garbage_factors.py")["garbage_cases"]()]
    for name, found in made.items():
        for number, one in enumerate(found):
            chosen = one.strategy
            of = (chosen.group, chosen.name, one.statement, one.network, one.certificate, one.claimed)
            rows = chosen.distribution and _distribution(chosen.distribution.rows)
            yield Recorded(f"{name}: {number}", *of, distribution=rows)


def _changed_everywhere(seed: int) -> Iterator[Recorded]:
    """Yield, for every strategy that finds something, its certificate on one network with every change of a whole field, and some
    changes of entries.
    """
    kind, model = network(seed)
    group: Group = "max_of_k" if kind.startswith("max") else "modular"
    for name, strategy in strategies(group).items():
        if strategy.families is not None and model.layout.removesuffix("_tied") not in strategy.families:
            continue
        try:
            found = strategy.find(model, DEFAULT, silent).certificate
        except (InputRefused, NotProved):
            continue
        changes = [(what, changed) for what, changed in cases.mutated(found) if HUGE not in what]
        inside = [one for one in changes if "[" in one[0]]
        chosen = [one for one in changes if "[" not in one[0]] + inside[:: 1 + len(inside) // MOST_INSIDE]
        for what, changed in chosen:
            yield from _claims(f"changed {kind}: {seed}, {what}", group, name, model, changed)


def attacked(seed: int) -> Iterator[Recorded]:
    """Yield certificates on a network of `attack.networks`, found and changed, with the best claim and the next."""
    kind, model = network(seed)
    group: Group = "max_of_k" if kind.startswith("max") else "modular"
    for index, (name, strategy) in enumerate(strategies(group).items()):
        if strategy.families is not None and model.layout.removesuffix("_tied") not in strategy.families:
            continue
        try:
            found = strategy.find(model, DEFAULT, silent).certificate
        except (InputRefused, NotProved):
            continue
        yield from _claims(f"{kind}: {seed}, found", group, name, model, found)
        if name == "subcubic_low_rank":  # of any rank
            yield from _claims(f"{kind}: {seed}, found", group, "quadratic", model, found)
        rng = np.random.default_rng([seed, index])
        changes = ((what, one) for what, one in cases.mutated(found, rng) if HUGE not in what)
        for what, changed in itertools.islice(changes, 1):
            yield from _claims(f"{kind}: {seed}, {what}", group, name, model, changed)


def _claims(name: str, group: Group, strategy: str, model: QuantisedNetwork, certificate: Any) -> Iterator[Recorded]:
    """Yield the best claim that the mirror accepts and the next; 0 where it refuses all. Nothing that cannot be written."""
    method = strategies(group)[strategy]
    any_statement = next(iter(method.coq))
    if cases.is_ragged(certificate) or not _written(Recorded(name, group, strategy, any_statement, model, certificate, 0)):
        return
    for statement in method.coq:
        try:
            best = method.mirror(model, certificate)
        except InputRefused:
            claims = [0]
        else:
            claims = [best, best - 1 if statement == "at_most" else best + 1]
        for claimed in claims:
            yield Recorded(name, group, strategy, statement, model, certificate, claimed)


def _written(one: Recorded) -> bool:
    """Say whether it can be written as Coq text."""
    try:
        cases.coq_text("Facade", [one.case()])
    except InputRefused:
        return False
    return True
