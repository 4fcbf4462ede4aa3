"""Enclosures of the exponential: the table is Coq's, every bound encloses the true value, and holds at the ends."""

import decimal
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compact_proofs.extract.exp_bounds import EXP_TABLE, LIMIT, ONE, exp_lower, exp_upper

EXP_TABLE_V = Path(__file__).parents[2] / "coq" / "theories" / "Base" / "ExpTable.v"
ARGUMENTS = st.integers(0, 36).flatmap(lambda bits: st.integers(0, 2**bits)) | st.integers(0, 2**62)


def bounds(*k: int) -> tuple[list[int], list[int]]:
    array = np.array(k, dtype=np.int64)
    return exp_lower(array).tolist(), exp_upper(array).tolist()


def by_bits(k: int) -> tuple[int, int]:
    """The recursion of Coq's multiply_down and multiply_up, one number at a time."""
    lower = upper = ONE
    for j, (factor_down, factor_up) in enumerate(EXP_TABLE):
        if k >> j & 1:
            lower = lower * factor_down >> 30
        if min(k, LIMIT - 1) >> j & 1:
            upper = (upper * factor_up + 2**30 - 1) >> 30
    return (lower if k < LIMIT else 0), upper


def test_the_table_is_that_of_coq():
    text = EXP_TABLE_V.read_text(encoding="ascii").partition("Definition exp_table")[2].partition("].")[0]
    assert tuple((int(low), int(high)) for low, high in re.findall(r"\((\d+), (\d+)\)", text)) == EXP_TABLE
    assert len(EXP_TABLE) == 36


@given(k=ARGUMENTS)
def test_bounds_enclose_the_exponential_and_are_those_of_coq(k):
    [lower], [upper] = bounds(k)
    exact = decimal.Context(prec=60).exp(decimal.Decimal(-k) / 2**30) * 2**30
    assert lower <= exact <= upper
    assert (lower, upper) == by_bits(k)
    if k < LIMIT:
        assert upper - lower <= 2 * 36  # each of the factors loses at most two units


def test_ends_of_the_range():
    assert bounds(0, 1, LIMIT - 1, LIMIT, 2**62) == ([ONE, ONE - 1, 0, 0, 0], [ONE, ONE, 1, 1, 1])


def test_arrays_of_any_shape():
    k = np.arange(6, dtype=np.int64).reshape(2, 3) << 28
    assert exp_lower(k).tolist() == [[by_bits(int(one))[0] for one in row] for row in k]
    assert exp_upper(k).tolist() == [[by_bits(int(one))[1] for one in row] for row in k]
    assert exp_lower(k[:0]).shape == exp_upper(k[:0]).shape == (0, 3)


@pytest.mark.parametrize("bound", [exp_lower, exp_upper])
def test_the_bound_does_not_change_its_argument(bound):
    k = np.array([5, LIMIT + 5])
    bound(k)
    assert k.tolist() == [5, LIMIT + 5]
