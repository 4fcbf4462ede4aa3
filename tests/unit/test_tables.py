"""Integer tables: equal to exact fractions, and every refusal of the Coq checker at its stage and in its order.

`REFUSALS` is what tests/coq/test_mirror.py puts before Coq.
"""

from fractions import Fraction

import numpy as np
import pytest

from compact_proofs.extract.quantise import QuantisedMatrix, QuantisedModel
from compact_proofs.extract.tables import (
    check_gap_shift,
    check_inputs,
    check_masses,
    core_tables,
    exact_matmul,
    integer_tables,
    least_gap_shift,
    max_abs,
)
from compact_proofs.extract.z3_terms import rational_tables
from compact_proofs.models.errors import OverflowRisk

NAMES = ("W_E", "W_pos", "W_Q", "W_K", "W_V", "W_O", "W_U")


def constant_model(n_ctx=2, d_vocab=2, **entries) -> QuantisedModel:
    """d_model 1, d_head 1; every entry of a matrix is the given integer, or integer and scale bits; default 1, 0 bits."""
    shapes = {
        "W_E": (d_vocab, 1), "W_pos": (n_ctx, 1), "W_Q": (1, 1), "W_K": (1, 1), "W_V": (1, 1), "W_O": (1, 1),
        "W_U": (1, d_vocab),
    }  # fmt: skip
    matrices = {}
    for name in NAMES:
        value, bits = entries[name] if isinstance(entries.get(name), tuple) else (entries.get(name, 1), 0)
        matrices[name] = QuantisedMatrix(np.full(shapes[name], value, dtype=np.int64), bits)
    return QuantisedModel("constant", n_ctx, d_vocab, 1, 1, 8, **matrices)


# What the refusing stage sees is one step above 2^60; each network passes the stages before.
REFUSALS = [
    ("Range_W_E", constant_model(W_E=2**60 + 1)),
    ("Range_W_E", constant_model(W_pos=(1, 61))),
    ("Range_W_E", constant_model(W_E=-(2**61), W_pos=-(2**61))),
    ("Range_W_pos", constant_model(W_E=0, W_pos=2**60 + 1)),
    ("Range_W_pos", constant_model(W_E=(0, 1300), W_pos=(1, 5))),
    ("Range_W_Q", constant_model(W_Q=2**30 + 1)),
    ("Range_W_Q", constant_model(W_Q=(2**60 + 1, 30))),
    ("Range_W_K", constant_model(W_Q=0, W_K=2**60 + 1)),
    ("Range_W_V", constant_model(W_Q=0, W_V=2**60 + 1)),
    ("Range_W_O", constant_model(W_Q=0, W_O=2**60 + 1)),
    ("Range_W_U", constant_model(W_Q=0, W_U=-(2**60) - 1)),
    ("Direct_logits", constant_model(W_Q=0, W_V=(0, 31), W_O=(0, 30))),  # 1 in units of 2^-61
    ("Residual", constant_model(W_E=2**60, W_pos=1, W_Q=0)),
    ("Queries", constant_model(W_E=2**30, W_pos=2**30 - 1, W_Q=(2**29 + 1, 30))),
    ("Keys", constant_model(W_E=2**30, W_pos=0, W_Q=0, W_K=2**30 + 1)),
    ("Position_keys", constant_model(W_E=0, W_pos=2**30, W_Q=0, W_K=2**30 + 1)),
    ("Scores", constant_model(W_E=2**15 + 1, W_pos=0, W_Q=(2**15, 30), W_K=2**15)),
    ("Position_scores", constant_model(W_E=0, W_pos=2**15 + 1, W_Q=(2**15, 30), W_K=2**15)),
    ("Direct_logits", constant_model(W_E=2**30, W_pos=0, W_Q=0, W_U=2**30 + 1, W_V=0)),
    ("Values", constant_model(W_E=2**30, W_pos=0, W_Q=0, W_V=2**30 + 1)),
    ("Position_values", constant_model(W_E=0, W_pos=2**30, W_Q=0, W_V=2**30 + 1)),
    ("Outputs", constant_model(W_E=2**20, W_pos=0, W_Q=0, W_V=2**20, W_O=2**20 + 1)),
    ("Position_outputs", constant_model(W_E=0, W_pos=2**20, W_Q=0, W_V=2**20, W_O=2**20 + 1)),
    ("Value_logits", constant_model(W_E=2**15 + 1, W_pos=0, W_Q=0, W_V=2**15, W_O=2**15, W_U=2**15)),
    ("Position_logits", constant_model(W_E=0, W_pos=2**15 + 1, W_Q=0, W_V=2**15, W_O=2**15, W_U=2**15)),
    ("Logit_sum", constant_model(W_E=2**15, W_pos=0, W_Q=0, W_V=2**15, W_O=2**15, W_U=2**15)),
    ("Score_precision", constant_model(W_K=(1, 92), W_E=0, W_pos=0)),
    ("Number_of_inputs", constant_model(n_ctx=62)),
    ("Number_of_inputs", constant_model(n_ctx=31, d_vocab=4)),
]
# The largest that pass.
LIMITS = [
    constant_model(W_E=2**60, W_pos=0, W_Q=0, W_V=0, W_U=0),
    constant_model(W_Q=(2**60, 30), W_E=0, W_pos=1, W_K=0),
    constant_model(W_E=2**30, W_pos=0, W_Q=(2**30, 30), W_K=0, W_V=0),
    constant_model(W_E=2**15, W_pos=0, W_Q=(2**15, 30), W_K=2**15),
    constant_model(W_E=2**19, W_pos=0, W_Q=0, W_V=2**20, W_O=2**20),
    constant_model(W_K=(1, 91), W_E=0, W_pos=0),
    constant_model(n_ctx=61),
]


def random_model(seed: int, n_ctx=3, d_vocab=4, scales=(3, 5, 4, 2, 2, 1, 3)) -> QuantisedModel:
    """8-bit entries; d_model 3, d_head 2."""
    rng = np.random.default_rng(seed)
    shapes = [(d_vocab, 3), (n_ctx, 3), (3, 2), (3, 2), (3, 2), (2, 3), (3, d_vocab)]
    matrices = [QuantisedMatrix(rng.integers(-127, 128, shape), bits) for shape, bits in zip(shapes, scales, strict=True)]
    return QuantisedModel("random", n_ctx, d_vocab, 3, 2, 8, *matrices)


def scaled(table, bits: int) -> list[list[Fraction]]:
    return [[entry * Fraction(2) ** bits for entry in row] for row in table]


@pytest.mark.parametrize(
    "model",
    [
        random_model(0),
        random_model(1, n_ctx=1),
        random_model(2, d_vocab=1),
        random_model(3, scales=(0, 0, 7, 7, 0, 0, 0)),  # scores have too few bits: W_Q is lifted
        random_model(4, scales=(9, 0, 9, 9, 0, 0, 0)),  # scores have bits below 2^-30
        random_model(5, scales=(0, 9, 9, 7, 3, 3, 0)),
        *LIMITS,
    ],
)
def test_tables_are_the_true_products(model):
    tables, exact = integer_tables(model), rational_tables(model)
    for name, bits in (("S", 30 + tables.score_shift), ("P", 30 + tables.score_shift)):
        assert getattr(tables, name).tolist() == scaled(getattr(exact, name), bits)
    for name in ("EU", "V", "PV"):
        assert getattr(tables, name).tolist() == scaled(getattr(exact, name), tables.logit_bits)
    assert (tables.n_ctx, tables.d_vocab) == (model.n_ctx, model.d_vocab)
    assert tables.largest_output == sum(max_abs(table) for table in (tables.EU, tables.V, tables.PV))


@pytest.mark.parametrize(("stage", "model"), REFUSALS, ids=[f"{index}-{stage}" for index, (stage, _) in enumerate(REFUSALS)])
def test_every_stage_refuses(stage, model):
    with pytest.raises(OverflowRisk, match=rf"^Refused \(May_overflow {stage}\): .*; use fewer weight bits or a smaller net"):
        integer_tables(model)
        check_inputs(model)


def test_a_refusal_says_what_was_wanted():
    with pytest.raises(OverflowRisk, match=r"entries are bounded by 61 bits, wanted at most 2\^60;"):
        integer_tables(constant_model(W_E=2**60 + 1))
    with pytest.raises(OverflowRisk, match=r"scores have 62 bits below 2\^-30, wanted at most 61;"):
        integer_tables(constant_model(W_K=(1, 92), W_E=0, W_pos=0))
    with pytest.raises(OverflowRisk, match=r"4\^31 inputs, wanted below 2\^62"):
        check_inputs(constant_model(n_ctx=31, d_vocab=4))


def test_gap_shift():
    tables = integer_tables(constant_model(W_E=2**15, W_pos=0, W_Q=0, W_V=2**15, W_O=2**15 - 1, W_U=2**14))
    assert tables.largest_output == 2**29 + 2**44 * (2**15 - 1)  # just below 2^59
    assert least_gap_shift(tables) == 29  # 2 * largest_output <= 2^(31 + 29)
    for shift in (29, 61):
        check_gap_shift(tables, shift)
    for shift in (-1, 0, 28, 62, 2**62 - 1):
        with pytest.raises(OverflowRisk, match=rf"^Refused \(May_overflow Gap_shift\): gap_shift is {shift}, wanted 29..61"):
            check_gap_shift(tables, shift)
    small = integer_tables(constant_model())
    assert least_gap_shift(small) == 0


def test_products_are_exact_on_both_sides_of_float64():
    for size in (2**26, 2**26 + 1, 2**30):
        left, right = np.array([[size, size - 1]]), np.array([[size, 1], [size, 3]])
        wanted = [[size * size + (size - 1) * size, size + 3 * (size - 1)]]
        assert exact_matmul(left, right).tolist() == wanted
    for width in (1, 3, 64):  # of many columns and one row, and the other way round
        for size in (2**20, 2**26, 2**26 + 1, 2**27 - 1, 2**28 + 3):
            row = np.full((1, width), size)
            for left, right in ((row, row.T), (row.T, row), (row, row.T - 1), (row - np.arange(width), row.T + 1)):
                assert exact_matmul(left, right).tolist() == (left.astype(object) @ right.astype(object)).tolist()


def test_the_longest_context():
    most = 2**20
    assert core_tables(constant_model(n_ctx=most, d_vocab=1)).n_ctx == most
    with pytest.raises(OverflowRisk, match=rf"^Refused \(May_overflow Number_of_inputs\): {most + 1} positions, wanted at most"):
        core_tables(constant_model(n_ctx=most + 1, d_vocab=1))


def test_largest_absolute_value():
    assert max_abs(np.array([[3, -(2**63)]])) == 2**63
    assert max_abs(np.zeros((0, 2), dtype=np.int64)) == 0


@pytest.mark.parametrize("digits", [1, 13])
def test_masses_need_enough_digits_and_not_too_many(digits):
    check_masses(constant_model(n_ctx=31, d_vocab=4), 2)
    with pytest.raises(OverflowRisk, match=rf"masses of {digits} digits, wanted at most 12 and 2\^digits >= 4 tokens"):
        check_masses(constant_model(n_ctx=31, d_vocab=4), digits)
