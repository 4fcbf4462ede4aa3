"""The mirror of homogeneity_l1 says what Coq says: counts on tiny forms and every refusal, from one run of coqc.

The forms and certificates are those of tests/unit/test_modular_homogeneity_l1.py: random ones with ties, waves, found
certificates, changed ones and one for each refusal. A claim above the count makes Coq print what it counted.
"""

import re
import runpy
import shutil
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from compact_proofs.extract.modular_form import Form
from compact_proofs.proofs.strategies.modular import homogeneity_l1 as strategy

pytestmark = [pytest.mark.coq, pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")]

# test files cannot import each other
UNIT = runpy.run_path(str(Path(__file__).parents[1] / "unit" / "test_modular_homogeneity_l1.py"))


class Case(NamedTuple):
    form: Form
    certificate: strategy.HomogeneityL1Certificate
    claimed: int
    predicted: str


def case(form: Form, certificate: strategy.HomogeneityL1Certificate, claimed: int) -> Case:
    return Case(form, certificate, claimed, strategy.verdict(claimed, form, certificate))


@cache
def all_cases() -> list[Case]:
    cases = []
    for seed in range(56):
        form = UNIT["random_form"](seed)
        certificate = UNIT["changed_certificate"](form, seed) if seed % 2 else strategy.find_on(form)
        cases.append(case(form, certificate, form.order**2 + 1))
    for seed in range(28):
        form = UNIT["wave_form"]((3, 5, 7, 11)[seed % 4], 9 + 2 * seed, 30, (1, -1)[seed // 2 % 2])
        certificate = UNIT["changed_certificate"](form, seed)
        right = strategy.count(form, certificate)
        cases += [case(form, certificate, claimed) for claimed in (right, right + 1)]
    return cases + [case(form, certificate, 0) for _, form, certificate in UNIT["misfits"](UNIT["wave_form"](7, 9))]


@pytest.fixture(scope="module")
def verdicts(strategy_verdicts) -> list[str]:
    """What Coq prints for each case."""
    return strategy_verdicts("HomogeneityL1", "homogeneity_l1", strategy, all_cases())


def test_coq_says_what_the_mirror_says(verdicts):
    cases = all_cases()
    assert len(verdicts) == len(cases)
    differences = [
        f"{one.form}, {one.claimed}: Coq {verdict}; mirror {one.predicted}"
        for one, verdict in zip(cases, verdicts, strict=True)
        if verdict != one.predicted
    ]
    assert not differences, "\n".join(differences)


def test_the_cases_hold_every_kind_of_verdict():
    kinds = {re.match(r"Accepted|Refused \(?(\w+)", one.predicted)[1] for one in all_cases()}
    wrong = {"Wrong_order", "Wrong_activation", "Wrong_scale", "Wrong_table", "Wrong_frequency"}
    assert kinds == wrong | {None, "May_overflow", "Total_short"}
    assert len({one.predicted for one in all_cases() if "Total_short" in one.predicted}) > 15
