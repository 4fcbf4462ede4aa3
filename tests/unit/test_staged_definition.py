"""The staged mirrors where cases say little: radii, how many last tokens at a time, what stands for no choice of a stage."""

import dataclasses
import runpy
from pathlib import Path

import numpy as np
import pytest

from compact_proofs.extract.distribution import Distribution
from compact_proofs.extract.quantise import quantise
from compact_proofs.extract.tables import core_tables
from compact_proofs.models.weights import load_model
from compact_proofs.proofs.strategies import staged, weighted
from compact_proofs.proofs.strategies.outputs import Rivals
from compact_proofs.proofs.strategies.staged import Certificate, Plan, case_counts, prepare

UNIT = Path(__file__).parent  # test files cannot import each other
STAGED, random_model = runpy.run_path(str(UNIT / "test_staged.py")), runpy.run_path(str(UNIT / "test_tables.py"))["random_model"]
METHODS, random_certificate = STAGED["METHODS"], STAGED["random_certificate"]


def plan(d_vocab: int, **parts: object) -> Plan:
    return dataclasses.replace(Plan(20, (1, 2, 2**61), (60,) * d_vocab, 2, (60,) * d_vocab, 0), **parts)


@pytest.mark.parametrize(("radius", "most"), [(0, 0), (1, 1), (15, 15), (16, 16), (17, 16), (2**61, 16)])
def test_outputs_are_looked_at_up_to_the_largest_radius(radius, most):
    of_right, of_wrong = (plan(1, radius=radius).rivals(wrong) for wrong in (False, True))
    distances = range(1, most + 1)
    near = [Rivals(kind, k) for kind in ("above", "below") for k in distances]
    assert list(of_right) == [Rivals("rest", 0), *([Rivals("rest", most), *near] if most else [])]
    assert list(of_wrong) == [Rivals(kind, k) for kind in ("over_above", "over_below") for k in distances]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", METHODS)
def test_counts_do_not_depend_on_how_many_last_tokens_are_worked_on_at_a_time(name, seed, monkeypatch):
    method, rng = METHODS[name], np.random.default_rng(seed)
    model = random_model(seed, n_ctx=3, d_vocab=4)
    certificate = random_certificate(method, model, rng)
    prepared = prepare(model, certificate)
    wanted = case_counts(prepared, method.wrong)
    for number, value in (("QUERIES", 1), ("QUERIES", 3), ("CELLS", 1)):
        monkeypatch.setattr(staged, number, value)
        found = case_counts(prepared, method.wrong)
        assert (found.joint == wanted.joint).all() and (found.best == wanted.best).all()


def test_nothing_is_moved_where_gaps_are_joint():
    model = random_model(0)
    found = prepare(model, Certificate(plan(4)))
    tables = core_tables(model)
    assert (found.logits.positions == tables.PV).all()
    assert (found.logits.direct.rows == tables.resid @ tables.W_U_direct).all()


def test_right_answers_are_counted_unless_wrong_ones_are_asked_for():
    found = []
    for seed in range(6):
        model = random_model(seed, d_vocab=5)
        certificate = Certificate(plan(5))
        right, wrong = (staged.mirror(model, certificate, wrong) for wrong in (False, True))
        prepared = prepare(model, certificate)
        assert staged.mirror(model, certificate) == right == case_counts(prepared).best.sum()
        assert 5**3 - wrong == case_counts(prepared, True).best.sum()
        assert right <= wrong
        found.append(right < wrong)
    assert any(found)


def test_the_coarsest_resolutions_count_too():
    """Of a resolution of 0 or 1 for all outputs at once, and of 0, 1 or 2 for those near the answer."""
    model = quantise(*load_model("max_of_2_tiny"))
    found = METHODS["cubic"].find(model).certificate
    counts = []
    for joint in (0, 1):
        for near in (0, 1, 2):
            parts = {"resolutions": (joint,) * 8, "near_resolutions": (near,) * 8, "radius": 1}
            changed = dataclasses.replace(found, plan=dataclasses.replace(found.plan, **parts))
            counts.append(staged.mirror(model, changed))
    assert counts == [0, 43, 49, 37, 43, 49]


def test_a_distribution_without_weight_in_places():
    """What is counted is the weight of the right sequences: of a weight of 1 each, their number; of none, nothing."""
    model = random_model(3, d_vocab=4)
    certificate = Certificate(plan(4))
    right = staged.mirror(model, certificate)
    assert right > 0
    for rows, of in (((1, 1, 1, 1), right), ((0, 0, 0, 0), 0)):
        even = Distribution("even", (rows,) * 3) if any(rows) else None
        if even:
            assert weighted.weighted(even).mirror(model, certificate) == of
        assert staged.mirror(model, certificate, rows=(rows,) * 3) == of
    ends = [tuple(int(t == q) for t in range(4)) for q in range(4)]
    assert sum(staged.mirror(model, certificate, rows=((1,) * 4, (1,) * 4, end)) for end in ends) == right
