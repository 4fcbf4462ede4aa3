"""The mirrors of brute force and of the second moment for modular arithmetic say what Coq says, refusals with their numbers.

The networks: those of tests/unit/test_modular_second_moment.py and test_modular_brute_force.py. Every verdict comes from one run
of coqc, and so do the moments, which have to be those of the mirror.
"""

import re
import runpy
import shutil
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from compact_proofs.extract.modular_form import Form, form_text
from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.strategies.modular import brute_force, second_moment
from compact_proofs.proofs.strategies.modular.brute_force import ModularBruteForceCertificate
from compact_proofs.proofs.strategies.modular.second_moment import SecondMomentCertificate

pytestmark = [pytest.mark.coq, pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")]

UNIT = Path(__file__).parents[1] / "unit"
BRUTE = runpy.run_path(str(UNIT / "test_modular_brute_force.py"))  # test files cannot import each other
SECOND = runpy.run_path(str(UNIT / "test_modular_second_moment.py"))
PRINTED = re.compile(r"= (.*?)\s+: (?:outcome|Z \* Z)", re.DOTALL)
HEADER = """From Coq Require Import ZArith Uint63 List.
From CompactProofs Require Import Spec.Modular Base.Matrix Cert.Outcome Modular.Form Modular.BruteForce Modular.SecondMoment.
Import ListNotations.
Local Open Scope Z_scope.
"""


class Case(NamedTuple):
    """A term of Coq about a form F, and what is to be printed."""

    form: Form
    term: str
    predicted: str


def brute_force_cases(form: Form) -> list[Case]:
    nothing = ModularBruteForceCertificate()
    try:
        right = brute_force.count(form, nothing)
    except InputRefused:
        right = 0
    cases = []
    for claimed in (right, right + 1):
        for statement, check in (("at_least", "modular_brute_force_on"), ("exactly", "modular_brute_force_exact_on")):
            predicted = brute_force.verdict(claimed, form, nothing, statement)
            cases.append(Case(form, f"{check} ({claimed}) F Modular_brute_force_certificate", predicted))
    return cases


def second_moment_cases(form: Form) -> list[Case]:
    nothing = SecondMomentCertificate()
    try:
        proved = second_moment.count(form, nothing)
    except InputRefused:
        claims = [0]
    else:
        claims = [proved, proved + 1]
    terms = [(f"second_moment_on ({claimed}) F Second_moment_certificate", claimed) for claimed in claims]
    cases = [Case(form, term, second_moment.verdict(claimed, form, nothing)) for term, claimed in terms]
    if "May_overflow" not in cases[0].predicted and "Wrong" not in cases[0].predicted:
        cases.append(Case(form, "second_moments F", f"({', '.join(map(str, second_moment.moments(form)))})"))
    return cases


@cache
def all_cases() -> list[Case]:
    cases = []
    for seed in range(16):
        cases += brute_force_cases(BRUTE["random_form"](seed))
    for seed in range(24):
        cases += second_moment_cases(SECOND["random_form"](seed)) + second_moment_cases(SECOND["cosine_form"](seed))
    for _, form in SECOND["refusals"]():
        cases += second_moment_cases(form) + brute_force_cases(form)
    cases += second_moment_cases(SECOND["outputs_form"](-SECOND["target_outputs"](3)))
    return cases


def coq_text(cases: list[Case]) -> str:
    """All cases as one Coq file, a form written once for the cases that follow each other."""
    parts, last = [HEADER], None
    for index, case in enumerate(cases):
        if case.form is not last:
            parts.append(f"Module Network_{index}.\nDefinition F := {form_text(case.form)}.\nEnd Network_{index}.\n")
            name, last = f"Network_{index}.F", case.form
        parts.append(f"Eval vm_compute in ({case.term.replace(' F', ' ' + name)}).\n")
    return "".join(parts)


@pytest.fixture(scope="module")
def printed(coq_output) -> list[str]:
    """What Coq prints for each case."""
    output = coq_output(coq_text(all_cases()))
    return [" ".join(text.split()) for text in PRINTED.findall(output)]


def test_coq_says_what_the_mirrors_say(printed):
    cases = all_cases()
    assert len(printed) == len(cases)
    differences = [
        f"{case.term}: Coq {text}; mirror {case.predicted}; {case.form}"
        for case, text in zip(cases, printed, strict=True)
        if text != case.predicted
    ]
    assert not differences, "\n".join(differences)


def test_the_cases_hold_every_kind_of_verdict():
    kinds = {re.match(r"Accepted|Refused \(?(\w+)|\(", case.predicted)[1] for case in all_cases()}
    assert kinds == {
        None, "May_overflow", "Total_short", "Total_differs", "Wrong_activation", "Wrong_table", "Not_correlated",
    }  # fmt: skip
    assert len({case.predicted for case in all_cases() if "Total_short" in case.predicted}) > 12
