"""The mirror of the exact count says what Coq says: every verdict of exact_verdict, refusals with their numbers.

The networks: those of the zoo that are tiny, random ones, and those that tests/unit/test_tables.py has refused, stage by
stage. The certificates: what is found, and coarser units, which leave sequences undecided. A claim that is not the true count
makes Coq print what it counted right and wrong, so equal verdicts mean equal counts. Every verdict comes from one run of coqc.
"""

import re
import runpy
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from compact_proofs.extract.quantise import QuantisedModel, quantise
from compact_proofs.extract.tables import MOST_SHIFT, integer_tables, least_gap_shift
from compact_proofs.models.weights import load_model
from compact_proofs.proofs.strategies import exact
from compact_proofs.proofs.strategies.exact import ExactCertificate

pytestmark = [pytest.mark.coq, pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")]

MIRROR = runpy.run_path(str(Path(__file__).parent / "test_mirror.py"))  # test files cannot import each other
Case, coq_text = (MIRROR[name] for name in ("Case", "coq_text"))


def exact_case(name: str, model: QuantisedModel, unit: int, claimed: int):
    certificate = ExactCertificate(unit)
    return Case(name, "exact", "exactly", model, certificate, claimed, exact.verdict(claimed, model, certificate))


def cases_of(model: QuantisedModel) -> list:
    """At the finest unit, at coarser ones and out of range, the count and one more."""
    least = least_gap_shift(integer_tables(model))
    cases = [exact_case("out of range", model, unit, 0) for unit in (least - 1, MOST_SHIFT + 1, 2**62 - 1) if unit >= 0]
    for coarser in (0, 10, 18, 22, 26, 30, MOST_SHIFT - least):
        unit = least + coarser
        right = exact.count(model, ExactCertificate(unit)).right
        cases += [exact_case(f"{coarser} bits coarser", model, unit, claimed) for claimed in (right, right + 1)]
    return cases


def all_at_once() -> list:
    """More sequences than can be gone through one by one: all are right, which the largest costs say."""
    short = MIRROR["maximum_network"](8)
    positions = np.resize(short.W_pos.ints, (40, short.d_model))
    model = replace(short, n_ctx=40, name="maximum_8_long", W_pos=replace(short.W_pos, ints=positions))
    cases = [exact_case("found", model, least_gap_shift(integer_tables(model)), 2**40)]
    assert cases[0].predicted == "Accepted"
    return cases


@cache
def all_cases() -> list:
    networks = [quantise(*load_model(name)) for name in ("max_of_2_tiny", "max_of_3_tiny")]
    networks += [MIRROR[kind](seed) for kind in ("random_network", "maximum_network") for seed in range(10)]
    cases = [exact_case(f"refused at {stage}", model, 30, 0) for stage, model in MIRROR["TABLES"]["REFUSALS"]]
    cases += all_at_once()
    for model in networks:
        cases += cases_of(model)
    return cases


@pytest.fixture(scope="module")
def verdicts(coq_verdicts) -> list[str]:
    """What Coq prints for each case."""
    return coq_verdicts(coq_text(all_cases()))


def test_coq_says_what_the_mirror_says(verdicts):
    cases = all_cases()
    assert len(verdicts) == len(cases)
    differences = [
        f"{case.model.name}, {case.name}, {case.claimed}: Coq {verdict}; mirror {case.predicted}"
        for case, verdict in zip(cases, verdicts, strict=True)
        if verdict != case.predicted
    ]
    assert not differences, "\n".join(differences)


def test_the_cases_hold_every_kind_of_verdict():
    """What cannot be tried: an empty context and wrong shapes, which a QuantisedModel excludes."""
    cases = all_cases()
    assert {re.match(r"Accepted|Refused \((\w+)", case.predicted)[1] for case in cases} == {None, "May_overflow", "Total_differs"}
    counts = {case.predicted for case in cases if "Total_differs" in case.predicted}
    assert len(counts) > 50  # many different counts, so equality says something
    undecided = [text for text in counts if sum(map(int, text.split()[2:4])) < int(text.split()[4])]
    assert len(undecided) > 20
