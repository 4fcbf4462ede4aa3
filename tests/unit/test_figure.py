"""The figure's numbers: what is not proved, case by case, adds up to all inputs less the bound."""

import dataclasses

import pytest

from compact_proofs.extract.quantise import quantise
from compact_proofs.models.weights import load_model
from compact_proofs.proofs.figure import unproved_inputs
from compact_proofs.proofs.strategies import cubic


@pytest.mark.parametrize("digits", [0, 3])
def test_unproved_inputs_are_those_that_the_bound_leaves(monkeypatch, digits):
    quantised = quantise(*load_model("max_of_3_tiny"))
    found = cubic.find(quantised)
    chosen = dataclasses.replace(found, certificate=dataclasses.replace(found.certificate, digits=digits))
    monkeypatch.setattr(cubic, "find", lambda model: chosen)
    assert int(unproved_inputs(quantised).sum()) == 8**3 - found.proved
