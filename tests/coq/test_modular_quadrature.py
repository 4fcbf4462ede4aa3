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

from compact_proofs.extract.modular_form import Form, form_text
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.strategies.modular import quadrature as strategy

pytestmark = [pytest.mark.coq, pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")]

UNIT_FILE = Path(__file__).parents[1] / "unit" / f"{Path(__file__).stem}.py"
UNIT = runpy.run_path(str(UNIT_FILE))  # test files cannot import each other
VERDICT = re.compile(r"= ((?:Accepted|Refused).*?)\s+: outcome", re.DOTALL)
HEADER = """From Coq Require Import ZArith Uint63 List.
From CompactProofs Require Import Spec.Modular Base.Signed63 Base.Matrix Cert.Outcome Modular.Form Modular.Quadrature.
Import ListNotations.
"""


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


def term(value: int | tuple) -> str:
    """Nested lists of integers as a Coq term."""
    if isinstance(value, tuple):
        return "[" + "; ".join(term(entry) for entry in value) + "]%Z"
    return f"({value})%Z"


def coq_text(cases: list[Case]) -> str:
    parts = [HEADER]
    for one in cases:
        certificate = "\n  ".join(term(field.value) for field in strategy.fields(one.certificate))
        parts.append(
            f"Eval vm_compute in (quadrature_on {one.claimed} {form_text(one.form)}\n  (Quadrature_certificate {certificate})).\n"
        )
    return "\n".join(parts)


@pytest.fixture(scope="module")
def verdicts(_theory_built, tmp_path_factory) -> list[str]:
    """What Coq prints for each case."""
    root = tmp_path_factory.mktemp("quadrature")
    shutil.copytree(_theory_built / "theories", root / "theories")
    shutil.copy(_theory_built / "_CoqProject", root / "_CoqProject")
    (root / "generated").mkdir()
    (root / "Mirror.v").write_text(coq_text(all_cases()), encoding="ascii")
    printed = coqrun.coqc(root, Path("Mirror.v"), coqrun.Limits()).stdout
    return [" ".join(text.split()) for text in VERDICT.findall(printed)]


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
