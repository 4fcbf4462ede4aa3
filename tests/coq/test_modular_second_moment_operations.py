"""Proof length of the second moment: the closed form of Python is Coq's, and not far above what Coq counts.

Coq evaluates its bound for random sizes, and the twin of the checker that counts its own operations on small networks: the tiny
trained one, those of tests/unit/test_modular_second_moment.py with small and large numbers, tied or not, and refused ones. All of
it in one run of coqc.
"""

import re
import runpy
import shutil
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from compact_proofs.extract.families import quantise_network
from compact_proofs.extract.modular_fold import fold
from compact_proofs.extract.modular_form import Form, form_text
from compact_proofs.models.errors import InputRefused
from compact_proofs.models.weights import load_model
from compact_proofs.proofs.strategies.modular import second_moment
from compact_proofs.proofs.strategies.modular.second_moment import SecondMomentCertificate

pytestmark = [pytest.mark.coq, pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")]

UNIT = runpy.run_path(str(Path(__file__).parents[1] / "unit" / "test_modular_second_moment.py"))
NOTHING = SecondMomentCertificate()
TRAINED = "modular_quadratic_tiny"
CLOSE = 2  # the bound is at most so many times the count, where the network has more than a few neurons
HEADER = """From Coq Require Import ZArith Uint63 List.
From CompactProofs Require Import Spec.Modular Base.Matrix Cert.Outcome Modular.Form Modular.SecondMoment Length.Counted.
From CompactProofs Require Import Modular.Length.SecondMomentCounted Modular.Length.SecondMomentLength.
Import ListNotations.
Local Open Scope Z_scope.
Definition measured (claimed : Z) (F : form) :=
  let twin := second_moment_on_counted claimed F Second_moment_certificate in
  (second_moment_on claimed F Second_moment_certificate, returned twin, operations twin,
    second_moment_operations_bound (same_rows (L_rows F) (R_rows F)) (Z.of_nat (form_order F)) (Z.of_nat (form_width F))).
"""
BOUND = re.compile(r"= (\d+)\s+: Z\n")
MEASURED = re.compile(r"= \(([^,]*),\s+([^,]*),\s+(\d+),\s+(\d+)\)\s+: outcome", re.DOTALL)
SIZES = [tuple(np.random.default_rng([seed, 77]).integers(0, 300, 2).tolist()) for seed in range(20)]


class Measured(NamedTuple):
    """What Coq prints for one network."""

    verdict: str
    of_twin: str
    count: int
    bound: int


class Case(NamedTuple):
    """A network, and a number of right pairs to be claimed."""

    form: Form
    claimed: int


def case(form: Form) -> Case:
    try:
        return Case(form, second_moment.count(form, NOTHING))
    except InputRefused:
        return Case(form, 1)


@cache
def cases() -> list[Case]:
    forms = [fold(quantise_network(*load_model(TRAINED)))]
    forms += [UNIT["cosine_form"](seed) for seed in range(12)] + [UNIT["random_form"](seed) for seed in range(24)]
    forms += [form for _, form in UNIT["refusals"]()]  # no table larger than the form says, as the bound requires
    return [case(form) for form in forms]


def coq_text() -> str:
    parts = [HEADER]
    for p, m in SIZES:
        parts += [f"Eval vm_compute in (second_moment_operations_bound {tied} {p} {m}).\n" for tied in ("true", "false")]
    parts += [f"Eval vm_compute in (measured ({claimed}) {form_text(form)}).\n" for form, claimed in cases()]
    return "".join(parts)


@pytest.fixture(scope="module")
def printed(coq_output) -> str:
    """What Coq prints."""
    return coq_output(coq_text())


@pytest.fixture(scope="module")
def measured(printed) -> list[tuple[Form, Measured]]:
    results = [
        Measured(" ".join(verdict.split()), " ".join(of_twin.split()), int(count), int(bound))
        for verdict, of_twin, count, bound in MEASURED.findall(printed)
    ]
    return list(zip((form for form, _ in cases()), results, strict=True))


def test_the_closed_form_is_that_of_coq(printed):
    bounds = [int(text) for text in BOUND.findall(printed)]
    assert bounds == [second_moment.operations_of(p, m, tied) for p, m in SIZES for tied in (True, False)]


def test_twins_give_the_verdicts_and_count_no_more_than_the_bound(measured):
    verdicts = {one.verdict for _, one in measured}
    assert {"Accepted", "Refused Not_correlated", "Refused Wrong_activation", "Refused (Wrong_table Left)"} <= verdicts
    for form, one in measured:
        assert one.verdict == one.of_twin, form
        assert one.count <= one.bound, form


def test_bounds_of_networks_are_those_of_coq(measured):
    for form, one in measured:
        assert one.bound == second_moment.operations(form, NOTHING), form


def test_bounds_are_close_to_the_count(measured):
    assert measured[0][1].verdict == "Accepted"
    for form, one in measured:
        if one.verdict == "Accepted" and form.width > 5:
            assert one.bound <= CLOSE * one.count, (form, one)
