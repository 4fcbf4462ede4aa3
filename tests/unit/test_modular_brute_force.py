"""Brute force for modular arithmetic: the mirror counts what a loop over all outputs counts, and refuses what Coq refuses."""

from dataclasses import replace

import numpy as np
import pytest
import sympy

from compact_proofs.extract.modular_form import Form
from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.strategies.modular import brute_force
from compact_proofs.proofs.strategies.modular.brute_force import ModularBruteForceCertificate

NOTHING = ModularBruteForceCertificate()


def random_form(seed: int) -> Form:
    """Orders 1 to 7, few values, so that ties are common."""
    rng = np.random.default_rng([seed, 11])
    p, m, top = int(rng.integers(1, 8)), int(rng.integers(0, 5)), int(rng.integers(0, 4))
    tables = [rng.integers(-top, top + 1, shape) for shape in [(p, m)] * 3 + [(p, p)] * 2]
    return Form(p, int(rng.integers(-3, 4)), "relu" if seed % 2 else "square", *tables)


def slow_count(form: Form) -> int:
    right = 0
    for a in range(form.order):
        for b in range(form.order):
            before = [int(x) + int(y) for x, y in zip(form.L[a], form.R[b], strict=True)]
            hidden = [max(x, 0) if form.activation == "relu" else x * x for x in before]
            values = [
                int(form.P[a, c]) + int(form.Q[b, c]) + sum(h * int(u) for h, u in zip(hidden, form.U[c], strict=True))
                for c in range(form.order)
            ]
            answer = (a + form.coefficient * b) % form.order
            right += all(value < values[answer] for c, value in enumerate(values) if c != answer)
    return right


@pytest.mark.parametrize("seed", range(60))
def test_the_count_is_that_of_a_loop(seed):
    form = random_form(seed)
    right = slow_count(form)
    assert brute_force.count(form, brute_force.find_on(form)) == right
    assert brute_force.verdict(right, form, NOTHING) == brute_force.verdict(right, form, NOTHING, "exactly") == "Accepted"
    assert brute_force.verdict(right + 1, form, NOTHING) == f"Refused (Total_short {right} {right + 1})"
    inputs = form.order**2
    refusal = f"Refused (Total_differs {right} {inputs - right} {inputs} {right + 1})"
    assert brute_force.verdict(right + 1, form, NOTHING, "exactly") == refusal


def test_a_tie_is_wrong():
    zero = np.zeros((3, 2), dtype=np.int64)
    form = Form(3, 1, "relu", zero, zero, zero, np.zeros((3, 3), dtype=np.int64), np.zeros((3, 3), dtype=np.int64))
    assert brute_force.count(form, NOTHING) == 0
    assert (
        brute_force.count(replace(form, order=1, L=zero[:1], R=zero[:1], U=zero[:1], P=zero[:1, :1], Q=zero[:1, :1]), NOTHING)
        == 1
    )


def test_what_the_form_refuses():
    form = replace(random_form(2), P=np.zeros((9, 9), dtype=np.int64))
    assert brute_force.verdict(0, form, NOTHING) == "Refused (Wrong_table First_direct)"
    assert brute_force.verdict(0, form, NOTHING, "exactly") == "Refused (Wrong_table First_direct)"
    with pytest.raises(InputRefused, match=r"^Refused \(Wrong_table First_direct\):"):
        brute_force.count(form, NOTHING)


def test_an_order_of_at_least_one():
    none = np.zeros((0, 0), dtype=np.int64)
    assert brute_force.verdict(0, Form(0, 1, "relu", none, none, none, none, none), NOTHING) == "Refused (Wrong_order 0)"
    one = np.ones((1, 1), dtype=np.int64)
    assert brute_force.verdict(1, Form(1, 1, "relu", one, one, one, one, one), NOTHING) == "Accepted"


def test_there_is_nothing_in_the_certificate():
    assert brute_force.fields(NOTHING) == []


def test_operations_are_a_function_of_the_sizes():
    p, m = sympy.symbols("p m", positive=True)
    assert sympy.expand(brute_force.operations_of(p, m)).coeff(p, 3).coeff(m, 1) == 2
    form = random_form(5)
    assert brute_force.operations(form, NOTHING) == brute_force.operations_of(p, m).subs({p: form.order, m: form.width})
