"""Counting: `passing` equals Coq's dynamic programme, written out here, and plain enumeration of all choices."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from compact_proofs.proofs.strategies.counting import MOST_BINS, passing, spare_budget, table_cells


def drop(table, k):
    return table[k:]


def add_tables(a, b):
    return [x + y for x, y in itertools.zip_longest(a, b, fillvalue=0)]


def ways(rows, base):
    """Coq: Cert.CountCheck.ways: tables of all choices, and of those that choose the last token somewhere."""
    if not rows:
        return base, []
    table, new = ways(rows[1:], base)
    every, with_last = [], []
    for k in rows[0]:
        every = add_tables(every, drop(table, k))
    for k in rows[0][:-1]:
        with_last = add_tables(with_last, drop(new, k))
    return every, add_tables(with_last, drop(table, rows[0][-1]))


def programme(costs, last, seen):
    """Coq: Cert.CountCheck.passing."""
    bottoms = [min(row) for row in costs]
    budget = -1 - last - sum(bottoms)
    if budget < 0 or budget > 65535:
        return 0
    every, with_last = ways([[k - low for k in row] for row, low in zip(costs, bottoms, strict=True)], [1] * (budget + 1))
    table = every if seen else with_last
    return table[0] if table else 0


def enumerated(costs, last, seen):
    """Choices with a sum below zero, each looked at."""
    top = len(costs[0]) - 1 if costs else 0
    return sum(
        sum(row[token] for row, token in zip(costs, tokens, strict=True)) + last < 0 and (seen or top in tokens)
        for tokens in itertools.product(range(top + 1), repeat=len(costs))
    )


@st.composite
def cost_tables(draw):
    shape = draw(st.integers(0, 4)), draw(st.integers(1, 5))
    reach = draw(st.sampled_from([1, 4, 30, 1000]))
    return draw(arrays(np.int64, shape, elements=st.integers(-reach, reach))), draw(st.integers(-reach, reach))


@given(cost_tables(), st.booleans())
def test_the_count_is_that_of_the_programme_and_of_enumeration(case, seen):
    costs, last = case
    found = passing(costs, last, seen)
    assert found == programme(costs.tolist(), last, seen)
    if spare_budget(costs, last) <= MOST_BINS:
        assert found == enumerated(costs.tolist(), last, seen)


def test_by_hand():
    costs = np.array([[-2, 1], [0, -1]])
    # sums: (0,0) -2, (0,1) -3, (1,0) 1, (1,1) 0; token 1 is the largest
    assert [passing(costs, last, True) for last in (-2, -1, 0, 2, 3)] == [4, 3, 2, 1, 0]
    assert [passing(costs, last, False) for last in (-2, -1, 0, 2, 3)] == [3, 2, 1, 1, 0]


def test_no_free_position():
    for last, seen, wanted in ((-1, True, 1), (0, True, 0), (-1, False, 0)):
        assert passing(np.zeros((0, 3), dtype=np.int64), last, seen) == wanted


def test_one_token():
    assert passing(np.array([[-3], [-4]]), 6, False) == passing(np.array([[-3], [-4]]), 6, True) == 1
    assert passing(np.array([[-3], [-4]]), 7, False) == 0


@pytest.mark.parametrize("position", [0, 1])
def test_long_tables_count_for_nothing(position):
    costs = np.zeros((2, 2), dtype=np.int64)
    costs[position, 0] = -MOST_BINS - 1
    assert spare_budget(costs, 0) == MOST_BINS
    assert passing(costs, 0, True) == 2
    assert passing(costs, -1, True) == 0  # all four choices pass, but the table would be too long


def test_counts_beyond_53_bits_are_exact():
    costs = np.zeros((9, 63), dtype=np.int64)
    costs[:, 0] = 1
    # at most one position may choose token 0
    assert passing(costs, -2, True) == 62**9 + 9 * 62**8 == programme(costs.tolist(), -2, True)
    assert passing(costs, -2, False) == programme(costs.tolist(), -2, False)
    assert passing(costs, -10, True) == 63**9
    assert passing(costs, -10, False) == 63**9 - 62**9


def test_large_costs_do_not_wrap():
    costs = np.full((40, 2), -(2**31), dtype=np.int64)
    assert spare_budget(costs, 2**31) == 39 * 2**31 - 1
    costs[:, 1] = 2**31
    assert passing(costs, 40 * 2**31 - 1, True) == 1
    assert passing(costs, 40 * 2**31 - 1, False) == 0


def test_cells():
    assert [table_cells(positions, 10, 99) for positions in range(5)] == [0, 1000, 2000, 4000, 6000]
    assert table_cells(3, 10, -1) == table_cells(3, 10, MOST_BINS + 1) == 0
