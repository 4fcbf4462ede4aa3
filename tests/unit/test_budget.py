"""The tightest proof within a budget: never above it, better with more, refused when nothing is short enough."""

import pytest

from compact_proofs.extract.quantise import quantise
from compact_proofs.models.errors import UsageError
from compact_proofs.models.weights import load_model, model_of_size
from compact_proofs.proofs import budget as budget_module
from compact_proofs.proofs.budget import tightest
from compact_proofs.proofs.registry import Tuning


@pytest.fixture(scope="module")
def tiny():
    return quantise(*load_model("max_of_3_tiny"))


def test_more_budget_is_no_worse(tiny, monkeypatch):
    monkeypatch.setattr(budget_module, "RESOLUTIONS", budget_module.RESOLUTIONS[::4])
    monkeypatch.setattr(budget_module, "RADII", (0, 1))
    proved = []
    for budget in (10**5, 3 * 10**5, 3 * 10**6):
        chosen, tuning, found = tightest(tiny, budget)
        assert found.operations <= budget
        assert chosen.find(tiny, tuning, lambda *_: None).proved == found.proved
        assert chosen.mirror(tiny, found.certificate) == found.proved
        proved.append(found.proved)
    assert proved == sorted(proved) and proved[-1] > 0


def test_too_small(tiny):
    with pytest.raises(UsageError, match=r"budget: got 10 operations, wanted at least [0-9,]+: no proof of max_of_3_tiny"):
        tightest(tiny, 10, "quadratic")


def test_one_strategy(tiny):
    chosen, tuning, _ = tightest(tiny, 10**6, "subcubic")
    assert chosen.name == "subcubic" and isinstance(tuning, Tuning)
    with pytest.raises(UsageError, match="strategy exact has nothing to choose"):
        tightest(tiny, 10**6, "exact")


def test_models_by_size():
    assert model_of_size(10, 128) == "max_of_10_d128"
    assert model_of_size(3, 8) == "max_of_3_tiny"
    with pytest.raises(UsageError, match="no model with K=3, d_vocab=8, seed 99"):
        model_of_size(3, 8, 99)
