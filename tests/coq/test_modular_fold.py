"""The fold is Coq's: on tiny networks of every architecture Coq's `on_form` gives the mirror's tables, and its refusals.

A strategy that accepts exactly the tables of the mirror stands behind `on_form`, so "Accepted" means that all are equal. The
networks: random ones, the largest numbers that are not refused, and those that tests/unit/test_modular_fold.py has refused,
stage by stage. Every verdict comes from one run of coqc.
"""

import re
import runpy
import shutil
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from compact_proofs.extract.modular_form import Form, form_text
from compact_proofs.models.errors import InputRefused

pytestmark = [pytest.mark.coq, pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")]

UNIT = runpy.run_path(str(Path(__file__).parents[1] / "unit" / "test_modular_fold.py"))  # test files cannot import each other
HEADER = """From Coq Require Import ZArith Uint63 List Arith Bool.
From CompactProofs Require Import Spec.Network Spec.Modular Base.Signed63 Base.Matrix Cert.Outcome Modular.Form Modular.Fold.
Import ListNotations.

Fixpoint same {T : Type} (equal : T -> T -> bool) (a b : list T) : bool :=
  match a, b with
  | [], [] => true
  | x :: a', y :: b' => equal x y && same equal a' b'
  | _, _ => false
  end.
Definition same_table : list (list int) -> list (list int) -> bool := same (same PrimInt63.eqb).
Definition is_form (wanted F : form) : outcome := outcome_of (first_failure
  [ (form_order F =? form_order wanted, Wrong_order (Z.of_nat (form_order F)));
    (Z.eqb (form_coefficient F) (form_coefficient wanted), Wrong_scale (form_coefficient F));
    (match form_activation F, form_activation wanted with Relu, Relu | Square, Square => true | _, _ => false end,
      Wrong_activation);
    (form_width F =? form_width wanted, Wrong_frequency (Z.of_nat (form_width F)));
    (same_table (L_rows F) (L_rows wanted), Wrong_table Left);
    (same_table (R_rows F) (R_rows wanted), Wrong_table Right);
    (same_table (U_rows F) (U_rows wanted), Wrong_table Outputs_of_classes);
    (same_table (P_rows F) (P_rows wanted), Wrong_table First_direct);
    (same_table (Q_rows F) (Q_rows wanted), Wrong_table Second_direct) ]).
"""


class Case(NamedTuple):
    """A network, the form that Coq compares with, and the verdict that the mirror predicts."""

    layers: tuple
    wanted: Form | None
    predicted: str


def case(layers) -> Case:
    try:
        return Case(layers, layers.fold(), "Accepted")
    except InputRefused as error:
        return Case(layers, None, str(error).partition(":")[0])


def with_another_table(one: Case, name: str, constructor: str) -> Case:
    """The mirror's form with one entry changed: the comparison must see it."""
    tables = {field: np.array(getattr(one.wanted, field)) for field in ("L", "R", "U", "P", "Q")}
    tables[name][-1, -1] += 1
    wanted = Form(one.wanted.order, one.wanted.coefficient, one.wanted.activation, **tables)
    return Case(one.layers, wanted, f"Refused (Wrong_table {constructor})")


@cache
def all_cases() -> list[Case]:
    networks = [
        UNIT["random_layers"](architecture, activation, seed)
        for architecture in UNIT["ARCHITECTURES"]
        for activation in UNIT["ACTIVATIONS"]
        for seed in range(7)
    ]
    cases = [case(layers) for layers in networks + UNIT["LIMITS"]]
    names = {"L": "Left", "R": "Right", "U": "Outputs_of_classes", "P": "First_direct", "Q": "Second_direct"}
    cases += [with_another_table(cases[-1], name, constructor) for name, constructor in names.items()]
    return cases + [case(layers) for _, layers in UNIT["REFUSALS"] + UNIT["misshapen"]()]


def network_text(layers) -> str:
    """The network as a Coq term."""
    constructor = {"mlp": "Mlp", "bottleneck": "Bottleneck", "transformer": "Transformer", "canonical": "Canonical"}
    constructor = constructor[layers.architecture]
    activation = {"relu": "Relu", "square": "Square"}[layers.activation]
    matrices = []
    for name in UNIT["ORDER"][layers.architecture]:
        matrix = layers.tensors[name if name in layers.tensors else "W_E"]
        rows = "; ".join("[" + "; ".join(map(str, row)) + "]" for row in matrix.ints.tolist())
        matrices.append(f"(Matrix [{rows}]%Z {matrix.scale_bits})")
    sizes = " ".join(map(str, layers.sizes().values()))
    return (
        f"(Modular {layers.modulus} ({layers.coefficient})%Z ({constructor} {activation} {sizes}\n  "
        + "\n  ".join(matrices)
        + "))"
    )


def coq_text(cases: list[Case]) -> str:
    parts = [HEADER]
    for one in cases:
        strategy = "(fun _ => Accepted)" if one.wanted is None else f"(is_form {form_text(one.wanted)})"
        parts.append(f"Eval vm_compute in (on_form {network_text(one.layers)}\n  {strategy}).\n")
    return "\n".join(parts)


@pytest.fixture(scope="module")
def verdicts(coq_verdicts) -> list[str]:
    """What Coq prints for each case."""
    return coq_verdicts(coq_text(all_cases()))


def test_coq_says_what_the_mirror_says(verdicts):
    cases = all_cases()
    assert len(verdicts) == len(cases)
    differences = [
        f"{one.layers}: Coq {verdict}; mirror {one.predicted}"
        for one, verdict in zip(cases, verdicts, strict=True)
        if verdict != one.predicted
    ]
    assert not differences, "\n".join(differences)


def test_the_cases_hold_every_kind_of_verdict():
    kinds = {re.match(r"Accepted|Refused \((\w+)", one.predicted)[1] for one in all_cases()}
    assert kinds == {None, "May_overflow", "Wrong_shape", "Wrong_order", "Wrong_table"}
    assert sum(one.predicted == "Accepted" for one in all_cases()) > 40
