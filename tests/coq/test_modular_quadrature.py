"""The mirror of quadrature says what Coq says: counts on small forms and every refusal, from one run of coqc.

The forms and certificates are those of tests/unit/test_modular_quadrature.py: found ones, changed ones and one for each refusal.
A claim above the count makes Coq print what it counted.
"""

import re
import runpy
import shutil
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from compact_proofs.extract.modular_form import Form
from compact_proofs.proofs.strategies.modular import quadrature as strategy

pytestmark = [pytest.mark.coq, pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")]

UNIT_FILE = Path(__file__).parents[1] / "unit" / f"{Path(__file__).stem}.py"
UNIT = runpy.run_path(str(UNIT_FILE))  # test files cannot import each other


class Case(NamedTuple):
    form: Form
    certificate: strategy.QuadratureCertificate
    claimed: int
    predicted: str


def case(form: Form, certificate: strategy.QuadratureCertificate, claimed: int) -> Case:
    return Case(form, certificate, claimed, strategy.verdict(claimed, form, certificate))


@cache
def all_cases() -> list[Case]:
    found = UNIT["found_cases"]()
    cases = [case(form, certificate, form.order**2 + 1) for form, certificate in found[::2]]
    for seed, (form, certificate) in enumerate(found[::3]):
        cases.append(case(form, UNIT["changed"](certificate, seed), form.order**2 + 1))
    for form, certificate in found[-12:]:
        right = strategy.count(form, certificate)
        cases += [case(form, certificate, claimed) for claimed in (right, right + 1)]
    form = UNIT["wave_form"](5, 8)
    cases += [case(form, certificate, 0) for _, certificate in UNIT["misfits"](form)]
    return cases + [case(other, strategy.find_on(form), 0) for _, other in UNIT["wrong_forms"]()]


@pytest.fixture(scope="module")
def verdicts(strategy_verdicts) -> list[str]:
    """What Coq prints for each case."""
    return strategy_verdicts("Quadrature", "quadrature", strategy, all_cases())


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
    wanted = {"May_overflow", "Wrong_scale", "Wrong_table", "Wrong_frequency", "Wrong_order", "Wrong_activation", "Total_short"}
    assert kinds == {None} | wanted
    assert len({one.predicted for one in all_cases() if "Total_short" in one.predicted}) > 15
