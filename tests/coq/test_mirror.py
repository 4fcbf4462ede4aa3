"""The mirrors say what Coq says: every verdict of the Coq checkers, refusals with their numbers, is the one predicted.

The networks: those of the zoo that are tiny, random ones, and those that tests/unit/test_tables.py has refused, stage by
stage. The certificates: what the finders find, random ones, those that tests/unit/test_staged.py has refused, and each with a
claim or the total one too high. That makes Coq print the count, so equal verdicts mean equal counts. Every verdict comes from
one run of coqc.
"""

import re
import runpy
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from compact_proofs.extract.coq_text import certificate_v, weights_v
from compact_proofs.extract.layouts import MAX_OF_K
from compact_proofs.extract.quantise import QuantisedMatrix, QuantisedModel, quantise
from compact_proofs.extract.tables import integer_tables
from compact_proofs.models.errors import InputRefused
from compact_proofs.models.weights import load_model
from compact_proofs.proofs.registry import strategies
from compact_proofs.proofs.strategies import brute_force
from compact_proofs.proofs.strategies.brute_force import BruteForceCertificate
from compact_proofs.proofs.strategies.staged import Certificate, Plan
from compact_proofs.proofs.verdict import explain

pytestmark = [pytest.mark.coq, pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")]

UNIT = Path(__file__).parents[1] / "unit"
TABLES = runpy.run_path(str(UNIT / "test_tables.py"))  # test files cannot import each other
STAGED = runpy.run_path(str(UNIT / "test_staged.py"))
METHODS = STAGED["METHODS"]
HEADER = """From Coq Require Import ZArith Uint63 List.
Import ListNotations.
From CompactProofs Require Import Facade.
"""


class Case(NamedTuple):
    """A claim about a network, and the verdict that the mirror predicts."""

    name: str
    strategy: str
    statement: str
    model: QuantisedModel
    certificate: Certificate | BruteForceCertificate
    claimed: int
    predicted: str


def staged_case(name, strategy, model, certificate, claimed) -> Case:
    method = METHODS[strategy]
    return Case(name, strategy, method.statement, model, certificate, claimed, method.verdict(claimed, model, certificate))


def brute_force_case(name, model, certificate, claimed, statement) -> Case:
    predicted = brute_force.verdict(claimed, model, certificate, statement)
    return Case(name, "brute_force", statement, model, certificate, claimed, predicted)


def some_queries(model: QuantisedModel) -> list[int]:
    return sorted({0, model.d_vocab // 2, model.d_vocab - 1})


def raised(claims: tuple[int, ...], q: int) -> tuple[int, ...]:
    return (*claims[:q], claims[q] + 1, *claims[q + 1 :])


def random_network(seed: int) -> QuantisedModel:
    """Sizes up to 4 positions and 6 tokens; scales from coarse to fine, so that scores are lifted or shifted or neither."""
    rng = np.random.default_rng([seed, 1])
    n_ctx, d_vocab, d_model, d_head = (int(rng.integers(low, high)) for low, high in ((1, 5), (2, 7), (2, 4), (1, 3)))
    shapes = [(d_vocab, d_model), (n_ctx, d_model), *[(d_model, d_head)] * 3, (d_head, d_model), (d_model, d_vocab)]
    fine = rng.integers(0, 10, 7) if seed % 2 else [7] * 7
    matrices = [QuantisedMatrix(rng.integers(-127, 128, shape), int(bits)) for shape, bits in zip(shapes, fine, strict=True)]
    return QuantisedModel(f"random_{seed}", n_ctx, d_vocab, d_model, d_head, 8, *matrices)


def maximum_network(seed: int) -> QuantisedModel:
    """Larger tokens get more attention, and output w gets 6 w x - w^2 from token x: much of it can be proved right."""
    model = random_network(seed)
    ints = {name: np.zeros_like(matrix.ints) for name, matrix in model.matrices().items()}
    tokens = np.arange(model.d_vocab)
    ints["W_E"][:, 0], ints["W_E"][:, 1] = 20 * tokens, 60
    ints["W_pos"] = model.W_pos.ints // 16
    ints["W_Q"][1], ints["W_K"][0] = 50, 30
    ints["W_V"][0], ints["W_O"][0, 0] = 9, 9
    ints["W_U"][0], ints["W_U"][1] = 6 * tokens, -(tokens**2)
    scales = dict(W_E=5, W_pos=5, W_Q=4, W_K=4, W_V=3, W_O=3, W_U=3)
    matrices = {name: QuantisedMatrix(ints[name], scales[name]) for name in ints}
    return replace(model, name=f"maximum_{seed}", **matrices)


def staged_cases(model: QuantisedModel, seed: int) -> list[Case]:
    """What is found and a few random certificates, each with one more than is proved; what is found also with that number."""
    rng = np.random.default_rng([seed, 2])
    cases = []
    for name, method in METHODS.items():
        given = {"found": method.find(model).certificate}
        for index in range(3):
            given[f"random {index}"] = STAGED["random_certificate"](method, model, rng)
        for kind, certificate in given.items():
            try:
                proved = method.mirror(model, certificate)
            except InputRefused:  # factors at random can leave the ranges
                cases.append(staged_case(kind, name, model, certificate, 0))
                continue
            better = proved - 1 if method.wrong else proved + 1
            if kind == "found":
                cases.append(Case(kind, name, method.statement, model, certificate, proved, "Accepted"))
            cases.append(staged_case(kind, name, model, certificate, better))  # which prints what is proved
    return cases


def brute_force_cases(model: QuantisedModel, seed: int) -> list[Case]:
    found = brute_force.find(model).certificate
    tables = integer_tables(model)
    shift = min(found.gap_shift + 12 + seed % 12, 61)
    tallies = [brute_force.query_tally(tables, shift, q) for q in range(model.d_vocab)]
    coarse = BruteForceCertificate(shift, tuple(one.right for one in tallies), tuple(one.wrong for one in tallies))
    cases = []
    for few in (found.right_claims[1:], (*found.right_claims, 0)):
        cases.append(brute_force_case("too few or many claims", model, replace(found, right_claims=few), 0, "at_least"))
    for unit in (found.gap_shift - 1, 61, 62):
        if unit >= 0:
            cases.append(brute_force_case(f"gap shift {unit}", model, replace(found, gap_shift=unit), 0, "at_least"))
    for name, certificate in (("found", found), ("coarse gaps", coarse)):
        rights, wrongs = certificate.right_claims, certificate.wrong_claims
        total = sum(rights)
        for statement in ("at_least", "exactly"):
            for claimed in (total, total + 1):
                cases.append(brute_force_case(f"{name}, total", model, certificate, claimed, statement))
            for q in some_queries(model):
                for field, claims in (("right_claims", rights), ("wrong_claims", wrongs)):
                    high = replace(certificate, **{field: raised(claims, q)})
                    cases.append(brute_force_case(f"{name}, {field} {q} too high", model, high, total, statement))
    return cases


def refusal_cases() -> list[Case]:
    """Stage by stage, and at the largest numbers that are not refused."""
    cases = []
    for stage, model in TABLES["REFUSALS"]:
        if model.d_vocab**model.n_ctx < 600:
            empty = BruteForceCertificate(30, (0,) * model.d_vocab, (0,) * model.d_vocab)
            cases.append(brute_force_case(f"refused at {stage}", model, empty, 0, "at_least"))
            assert cases[-1].predicted == f"Refused (May_overflow {stage})"
        for strategy in ("cubic", "subcubic"):
            method = METHODS[strategy]
            plan = Plan(30, (model.d_vocab,), (1,) * model.d_vocab, 1, (), 0)
            certificate = Certificate(plan, (0,), (0, 6)) if method.banded else Certificate(plan)
            cases.append(staged_case(f"refused at {stage}", strategy, model, certificate, 0))
            assert "May_overflow" in cases[-1].predicted
    for model in TABLES["LIMITS"]:
        for strategy in METHODS:
            try:
                found = METHODS[strategy].find(model)
            except InputRefused:  # gaps of both summands have to fit, which is a little more
                continue
            cases.append(staged_case("not refused", strategy, model, found.certificate, found.proved))
            assert cases[-1].predicted == "Accepted"
    model = quantise(*load_model("max_of_2_tiny"))
    cases += [staged_case("mutated", name, model, certificate, 1) for name, certificate, _ in STAGED["refusals"](model)]
    return cases


def longest_table_cases() -> list[Case]:
    """A table of as many entries as one may have, and one that is longer, with which a sequence less is counted."""
    model, method = random_network(2), METHODS["cubic"]
    found, cases = method.find(model).certificate, []
    for units, proved in ((65_533, 2), (65_534, 1)):
        plan = replace(found.plan, resolutions=(units,) * model.d_vocab, near_resolutions=())
        cases.append(staged_case(f"{units} units", "cubic", model, replace(found, plan=plan), proved))
        assert cases[-1].predicted == "Accepted"
        cases.append(staged_case(f"{units} units", "cubic", model, replace(found, plan=plan), proved + 1))
        assert cases[-1].predicted == f"Refused (Total_short {proved} {proved + 1})"
    return cases


@cache
def all_cases() -> list[Case]:
    networks = [quantise(*load_model(name)) for name in ("max_of_2_tiny", "max_of_3_tiny")]
    networks += [random_network(seed) for seed in range(10)] + [maximum_network(seed) for seed in range(10)]
    cases = refusal_cases() + longest_table_cases()
    for seed, model in enumerate(networks):
        cases += staged_cases(model, seed)
        if model.d_vocab**model.n_ctx <= 600:
            cases += brute_force_cases(model, seed)
    return cases


def definitions(data_file: str) -> str:
    """A data file without its imports, to stand inside a module."""
    return "\n".join(line for line in data_file.splitlines() if not re.match("From|Import", line))


def coq_text(cases: list[Case]) -> str:
    """All cases as one Coq file, a network and a certificate written once for the cases that follow each other."""
    parts, last, certificate, record = [HEADER], None, None, ""
    for index, case in enumerate(cases):
        strategy = strategies()[case.strategy]
        name, fields = strategy.name, strategy.fields(case.certificate)
        if case.model is not last:
            weights = definitions(weights_v(case.model))
            parts.append(
                f"Module Network_{index}.\nModule Weights.\n{weights}\nEnd Weights.\n{MAX_OF_K.definition()}"
                f"End Network_{index}.\nDefinition network_{index} := Network_{index}.network.\n"
            )
            network, last = f"network_{index}", case.model
        if case.certificate is not certificate:
            record = " ".join([strategy.constructor, *(f"Certificate_{index}.{field.name}" for field in fields)])
            text = definitions(certificate_v(case.model.name, name, fields))
            parts.append(f"Module Certificate_{index}.\n{text}\nEnd Certificate_{index}.\n")
            certificate = case.certificate
        verdict = strategy.coq[case.statement].verdict
        parts.append(f"Eval vm_compute in ({verdict} ({case.claimed})%Z {network} ({record})).\n")
    return "\n".join(parts)


@pytest.fixture(scope="module")
def verdicts(coq_verdicts) -> list[str]:
    """What Coq prints for each case."""
    return coq_verdicts(coq_text(all_cases()))


def test_coq_says_what_the_mirrors_say(verdicts):
    cases = all_cases()
    assert len(verdicts) == len(cases)
    differences = [
        f"{case.model.name}, {case.strategy}, {case.name}, {case.claimed}: Coq {verdict}; mirror {case.predicted}"
        for case, verdict in zip(cases, verdicts, strict=True)
        if verdict != case.predicted
    ]
    assert not differences, "\n".join(differences)


def test_the_cases_hold_every_kind_of_verdict():
    """What cannot be tried: an empty context and wrong shapes, which a QuantisedModel excludes."""
    kinds = {re.match(r"Accepted|Refused \((\w+)", case.predicted)[1] for case in all_cases()}
    assert kinds == {
        None, "May_overflow", "Wrong_number_of_queries", "Query_short", "Wrong_factor", "Wrong_length", "Bands_short",
        "Total_short", "Total_differs",
    }  # fmt: skip
    for name in METHODS:
        counts = {case.predicted for case in all_cases() if case.strategy == name and "Total_short" in case.predicted}
        assert len(counts) > 12  # many different counts, so equality says something


def test_every_verdict_has_its_sentence():
    for case in all_cases():
        assert explain(case.predicted) != case.predicted
