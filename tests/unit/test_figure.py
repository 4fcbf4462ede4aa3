"""The figure's numbers: what is not proved, case by case, adds up to all inputs less the bound."""

import dataclasses

import pytest

from compact_proofs.extract.quantise import quantise
from compact_proofs.models.weights import load_model
from compact_proofs.proofs.figure import unproved_inputs
from compact_proofs.proofs.strategies import cubic


@pytest.mark.parametrize("digits", [0, 3])
def test_unproved_inputs_are_those_that_the_bound_leaves(digits):
    quantised = quantise(*load_model("max_of_3_tiny"))
    found = cubic.METHOD.find(quantised).certificate
    certificate = dataclasses.replace(found, plan=dataclasses.replace(found.plan, mass_digits=digits))
    unproved = unproved_inputs(quantised, certificate)
    assert (unproved >= 0).all()
    assert int(unproved.sum()) == 8**3 - cubic.METHOD.mirror(quantised, certificate)
