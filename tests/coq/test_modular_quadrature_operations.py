"""Proof length of quadrature: the closed form of Python is Coq's, and not far above what Coq counts.

Coq evaluates its bound for random sizes, and the twin of the checker that counts its own operations on small networks: a
trained one, those of tests/unit/test_modular_quadrature.py, certificates that were changed, and one for each refusal. All of it
in one run of coqc.
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
from compact_proofs.models.weights import load_model
from compact_proofs.proofs.strategies.modular import quadrature
from compact_proofs.proofs.strategies.modular.quadrature import QuadratureCertificate

pytestmark = [pytest.mark.coq, pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")]

UNIT = runpy.run_path(str(Path(__file__).parents[1] / "unit" / "test_modular_quadrature.py"))
TRAINED = "modular_relu_tiny"
CLOSE = 1.2  # the bound is at most so many times the count, where a claim is accepted
HEADER = """From Coq Require Import ZArith Uint63 List.
From CompactProofs Require Import Spec.Modular Base.Matrix Cert.Outcome Modular.Form Modular.Quadrature Length.Counted.
From CompactProofs Require Import Modular.Length.QuadratureCounted Modular.Length.QuadratureLength.
Import ListNotations.
Local Open Scope Z_scope.
Definition measured (claimed : Z) (F : form) (c : quadrature_certificate) :=
  let twin := quadrature_on_counted claimed F c in
  (quadrature_on claimed F c, returned twin, operations twin,
    quadrature_operations_bound (form_activation F) (Z.of_nat (form_order F)) (Z.of_nat (form_width F))
      (len (quad_frequencies c))).
"""
BOUND = re.compile(r"= (\d+)\s+: Z\n")
MEASURED = re.compile(r"= \(([^,]*),\s+([^,]*),\s+(\d+),\s+(\d+)\)\s+: outcome", re.DOTALL)
SIZES = [tuple(np.random.default_rng([seed, 78]).integers(0, 300, 3).tolist()) for seed in range(20)]


class Measured(NamedTuple):
    """What Coq prints for one network."""

    verdict: str
    of_twin: str
    count: int
    bound: int


class Case(NamedTuple):
    """A network, a certificate, and a number of right pairs to be claimed."""

    form: Form
    certificate: QuadratureCertificate
    claimed: int

    @property
    def short(self) -> bool:
        """Say whether the lists are no longer than the bound requires. Coq: quadrature_within."""
        p, c = self.form.order, self.certificate
        return max(len(c.cosines), len(c.sines)) <= p and len(c.groups) <= self.form.width


@cache
def cases() -> list[Case]:
    trained = fold(quantise_network(*load_model(TRAINED)))
    found = UNIT["found_cases"]()
    pairs = [(form, quadrature.find_on(form)) for form in (trained, UNIT["wave_form"](11, 60), UNIT["wave_form"](7, 40))]
    pairs += found[::5]
    pairs += [(form, UNIT["changed"](certificate, seed)) for seed, (form, certificate) in enumerate(found[::9])]
    form = UNIT["wave_form"](5, 8)
    pairs += [(form, certificate) for _, certificate in UNIT["misfits"](form)]
    pairs += [(other, quadrature.find_on(form)) for _, other in UNIT["wrong_forms"]()]
    return [Case(form, certificate, 0) for form, certificate in pairs] + [Case(*pairs[1], 11**2 + 1)]


def term(value: int | tuple) -> str:
    """An integer or a list of them as a Coq term."""
    return f"[{'; '.join(map(str, value))}]" if isinstance(value, tuple) else f"({value})"


def coq_text() -> str:
    parts = [HEADER]
    for p, m, k in SIZES:
        parts += [f"Eval vm_compute in (quadrature_operations_bound {f} {p} {m} {k}).\n" for f in ("Relu", "Square")]
    for form, certificate, claimed in cases():
        fields = " ".join(term(field.value) for field in quadrature.fields(certificate))
        parts.append(f"Eval vm_compute in (measured {claimed} {form_text(form)}\n  (Quadrature_certificate {fields})).\n")
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
    assert bounds == [quadrature.operations_of(*sizes, activation) for sizes in SIZES for activation in ("relu", "square")]


def test_twins_give_the_verdicts_and_count_no_more_than_the_bound(measured):
    kinds = {re.match(r"Refused \(?(\w+)|Accepted", one.verdict)[1] for _, one in measured}
    refusals = {"May_overflow", "Wrong_scale", "Wrong_table", "Wrong_frequency", "Wrong_order", "Wrong_activation", "Total_short"}
    assert kinds == {None} | refusals
    for case, one in measured:
        assert one.verdict == one.of_twin, case
        assert one.count <= one.bound or not case.short, case


def test_bounds_of_networks_are_those_of_coq(measured):
    for case, one in measured:
        assert one.bound == quadrature.operations(case.form, case.certificate), case


def test_bounds_are_close_to_the_count(measured):
    assert measured[0][1].verdict == "Accepted"
    for case, one in measured:
        if one.verdict == "Accepted":
            assert one.bound <= CLOSE * one.count, (case, one)
