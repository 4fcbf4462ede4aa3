"""Proof length of homogeneity_l1: the closed form of Python is Coq's, and not far above what Coq counts.

Coq evaluates its bound for random sizes, and the twin of the checker that counts its own operations on small networks: a trained
one, those of tests/unit/test_modular_homogeneity_l1.py with certificates found, changed and with nothing watched, and refused
ones. All of it in one run of coqc.
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
from compact_proofs.proofs.strategies.modular import homogeneity_l1 as strategy

pytestmark = [pytest.mark.coq, pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")]

UNIT = runpy.run_path(str(Path(__file__).parents[1] / "unit" / "test_modular_homogeneity_l1.py"))
TRAINED = "modular_relu_11_purified"
CLOSE = 2  # the bound is at most so many times the count, where the order is more than 5 and the certificate was found
HEADER = """From Coq Require Import ZArith Uint63 List.
From CompactProofs Require Import Spec.Modular Base.Matrix Cert.Outcome Modular.Form Modular.HomogeneityL1 Length.Counted.
From CompactProofs Require Import Modular.Length.HomogeneityL1Counted Modular.Length.HomogeneityL1Length.
Import ListNotations.
Local Open Scope Z_scope.
Definition measured (claimed : Z) (F : form) (c : homogeneity_l1_certificate) :=
  let twin := homogeneity_l1_on_counted claimed F c in
  (homogeneity_l1_on claimed F c, returned twin, operations twin,
    homogeneity_l1_operations_bound (form_activation F) (Z.of_nat (form_order F)) (Z.of_nat (form_width F))
      (len (frequency_list c)) (watched_total c) (watched_lists c)).
"""
BOUND = re.compile(r"= (\d+)\s+: Z\n")
MEASURED = re.compile(r"= \(([^,]*),\s+([^,]*),\s+(\d+),\s+(\d+)\)\s+: outcome", re.DOTALL)
SIZES = [tuple(np.random.default_rng([seed, 78]).integers(0, 300, 5).tolist()) for seed in range(20)]


class Measured(NamedTuple):
    """What Coq prints for one network."""

    verdict: str
    of_twin: str
    count: int
    bound: int


class Case(NamedTuple):
    """A network with a certificate, and a number of right pairs to be claimed."""

    form: Form
    certificate: strategy.HomogeneityL1Certificate
    claimed: int
    found: bool = False


def case(form: Form, certificate: strategy.HomogeneityL1Certificate, found: bool = False) -> Case:
    try:
        return Case(form, certificate, strategy.count(form, certificate), found)
    except InputRefused:
        return Case(form, certificate, 0)


@cache
def cases() -> list[Case]:
    trained = fold(quantise_network(*load_model(TRAINED)))
    result = [case(trained, strategy.find_on(trained), found=True)]
    for seed in range(12):
        form = UNIT["random_form"](seed)
        result.append(case(form, UNIT["changed_certificate"](form, seed) if seed % 2 else strategy.find_on(form)))
    for seed in range(16):
        form = UNIT["wave_form"]((3, 5, 7, 11)[seed % 4], 9 + 2 * seed, 30, (1, -1)[seed // 2 % 2])
        result.append(case(form, UNIT["changed_certificate"](form, seed)))
        result.append(case(form, strategy.find_on(form, most_watched=0 if seed % 2 else None), found=True))
    form = UNIT["wave_form"](7, 9)
    # no table larger than the form says, as the bound requires
    return result + [case(*one[1:]) for one in UNIT["misfits"](form) if len(one[2].sine_table) <= one[1].order]


def certificate_text(c: strategy.HomogeneityL1Certificate) -> str:
    return "(Homogeneity_l1_certificate " + "\n  ".join(term(field.value) for field in strategy.fields(c)) + ")"


def term(value) -> str:
    """Nested lists of integers (Z) as a Coq term."""
    return "[" + "; ".join(map(term, value)) + "]" if isinstance(value, tuple) else f"({value})%Z"


def coq_text() -> str:
    parts = [HEADER]
    for sizes in SIZES:
        numbers = " ".join(map(str, sizes))
        parts += [f"Eval vm_compute in (homogeneity_l1_operations_bound {f} {numbers}).\n" for f in ("Relu", "Square")]
    for one in cases():
        form, certificate = form_text(one.form), certificate_text(one.certificate)
        parts.append(f"Eval vm_compute in (measured ({one.claimed}) {form}\n  {certificate}).\n")
    return "".join(parts)


@pytest.fixture(scope="module")
def printed(coq_output) -> str:
    """What Coq prints."""
    return coq_output(coq_text())


@pytest.fixture(scope="module")
def measured(printed) -> list[tuple[Case, Measured]]:
    results = [
        Measured(" ".join(verdict.split()), " ".join(of_twin.split()), int(count), int(bound))
        for verdict, of_twin, count, bound in MEASURED.findall(printed)
    ]
    return list(zip(cases(), results, strict=True))


def test_the_closed_form_is_that_of_coq(printed):
    bounds = [int(text) for text in BOUND.findall(printed)]
    assert bounds == [strategy.operations_of(*sizes, f) for sizes in SIZES for f in ("relu", "square")]


def test_twins_give_the_verdicts_and_count_no_more_than_the_bound(measured):
    verdicts = {one.verdict for _, one in measured}
    assert {"Accepted", "Refused Wrong_activation", "Refused (Wrong_table Groups)", "Refused (May_overflow Margins)"} <= verdicts
    for given, one in measured:
        assert one.verdict == one.of_twin, given
        assert one.verdict == strategy.verdict(given.claimed, given.form, given.certificate)
        assert one.count <= one.bound, given


def test_bounds_of_networks_are_those_of_coq(measured):
    for given, one in measured:
        assert one.bound == strategy.operations(given.form, given.certificate), given


def test_bounds_are_close_to_the_count(measured):
    assert measured[0][1].verdict == "Accepted"
    for given, one in measured:
        if given.found and given.form.order > 5:
            assert one.bound <= CLOSE * one.count, (given, one)
