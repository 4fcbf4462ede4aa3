"""The kinds of networks are what their names say, and a seed gives one network."""

import numpy as np
import pytest

from compact_proofs.extract import layouts
from compact_proofs.extract.coq_text import weights_v
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.modular_fold import fold
from compact_proofs.extract.modular_form import check_form
from compact_proofs.extract.tables import integer_tables
from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.attack.networks import KINDS, LAYOUTS, network
from compact_proofs.proofs.attack.oracle import right_count

ROUNDS = 30


def inputs(model) -> int:
    return model.modulus**2 if isinstance(model, QuantisedModular) else model.d_vocab**model.n_ctx


def of_kind(kind: str, rounds: int = ROUNDS) -> list:
    """The networks of a kind, by a number of seeds."""
    found = [network(seed) for seed in range(KINDS.index(kind), rounds * len(KINDS), len(KINDS))]
    assert {one for one, _ in found} == {kind}
    return [model for _, model in found]


def both(kind: str) -> list:
    return of_kind(f"max_of_k {kind}") + of_kind(f"modular {kind}")


def ints(model) -> dict[str, np.ndarray]:
    return {name: matrix.ints for name, matrix in model.matrices().items()}


def fits(model) -> bool:
    try:
        if isinstance(model, QuantisedModular):
            check_form(fold(model))
        else:
            integer_tables(model)
    except InputRefused:
        return False
    return True


def test_a_seed_gives_one_network():
    for seed in (0, 5, 77, 1234, 10**6 + 7):
        (kind, model), (again, other) = network(seed), network(seed)
        assert (kind, model.sha256, model.name) == (again, other.sha256, other.name)
    assert len({network(seed)[1].sha256 for seed in range(500)}) > 450


def test_all_kinds_and_layouts_come():
    assert len(set(KINDS)) == len(KINDS) == 32
    assert [network(seed)[0] for seed in range(len(KINDS))] == list(KINDS)
    assert set(LAYOUTS) | {"max_of_k"} == set(layouts.LAYOUTS)
    assert {network(seed)[1].layout for seed in range(len(KINDS))} == set(layouts.LAYOUTS)  # in one round
    for kind in KINDS:
        wanted = {"max_of_k"} if kind.startswith("max") else set(LAYOUTS)
        assert {model.layout for model in of_kind(kind)} == wanted


def test_sizes():
    for seed in range(ROUNDS * len(KINDS)):
        kind, model = network(seed)
        if kind.startswith("max_of_k"):
            assert 1 <= model.n_ctx <= 3 and 1 <= model.d_vocab <= 5
        else:
            assert 1 <= model.modulus <= 7 and (abs(model.coefficient) == 1 or kind == "modular other_coefficient")
    orders = {model.modulus for model in of_kind("modular random")}
    assert {1, 2, 3, 5, 6, 7} <= orders
    assert {model.coefficient for model in of_kind("modular random")} == {1, -1}


def test_all_can_be_written():
    for seed in range(3 * len(KINDS)):
        weights_v(network(seed)[1])


@pytest.mark.parametrize("kind", ["max_of_k sensible", "max_of_k noisy", "modular sensible", "modular noisy"])
def test_sensible_networks_are_mostly_right(kind):
    models = of_kind(kind)
    assert sum(map(right_count, models)) > 0.6 * sum(map(inputs, models))
    tiny = of_kind("modular random")
    assert sum(map(right_count, tiny)) < 0.5 * sum(map(inputs, tiny))


def by_class(model) -> list[np.ndarray]:
    """The matrices whose columns are the outputs."""
    return [matrix for name, matrix in ints(model).items() if name in ("W_U", "P", "Q", "U")]


def test_ties():
    columns = [np.concatenate(by_class(model)).T for model in both("exact_ties")]
    assert sum(len(np.unique(one, axis=0)) < len(one) for one in columns) > ROUNDS  # of two kinds of networks
    for model in both("near_ties"):
        assert max(np.ptp(matrix, axis=1).max() for matrix in by_class(model)) <= 2


def test_sizes_of_weights():
    for model in both("huge"):
        assert max(np.abs(matrix).max() for matrix in ints(model).values()) < 2**62
    assert {fits(model) for model in of_kind("modular huge", 2 * ROUNDS)} == {True, False}
    assert {fits(model) for model in of_kind("max_of_k at_limits")} == {True, False}
    assert {fits(model) for model in of_kind("modular at_limits")} == {True, False}
    assert any(max(one.scale_bits for one in model.matrices().values()) > 100 for model in both("tiny_weights"))
    for model in both("small"):
        assert max(np.abs(matrix).max() for matrix in ints(model).values()) <= 2


def test_rows():
    for model in both("equal_rows"):
        assert all((matrix == matrix[0]).all() for matrix in ints(model).values())
        count, p = right_count(model), inputs(model)
        assert count < p or p == 1
    zero = [[not matrix.any() for matrix in ints(model).values()] for model in both("zero")]
    assert sum(map(any, zero)) > ROUNDS and 0 < sum(map(all, zero)) < ROUNDS
    for model in both("one_token"):
        assert inputs(model) == 1 and right_count(model) == 1


def test_attention():
    for model in of_kind("max_of_k saturated"):
        assert model.W_Q.scale_bits == model.W_K.scale_bits == 0
    for model in of_kind("max_of_k uniform_attention"):
        assert not model.W_Q.ints.any()
    for model in of_kind("max_of_k equal_scores"):
        assert set(np.unique(model.W_E.ints[:, 0])) <= {0, 1} and not model.W_K.ints[1:].any()


def test_misshapen_networks_are_refused():
    assert not any(fits(model) for model in of_kind("modular misshapen"))
