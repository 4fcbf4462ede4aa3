"""Counting: `count_choices` equals Coq's programme, written out here, and never more than enumeration of all choices finds."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compact_proofs.proofs.strategies.counting import Costs, count_choices, round_costs

MODULUS = 2**63
MOST_BINS = 65535  # Coq: Cert.CreditsCheck.most_bins


def spend(table, k):
    """Coq: Cert.CreditsCheck.spend."""
    return table[min(k, len(table) - 1) :]


def add_table(width, a, b):
    """Coq: Cert.CreditsCheck.add_table."""
    return [(width * (a[j] if j < len(a) else a[-1]) + y) % MODULUS for j, y in enumerate(b)]


def spread(widths, credits, table, zeros):
    result = zeros
    for width, k in reversed(list(zip(widths, credits, strict=True))):
        result = add_table(width, spend(table, k), result)
    return result


def tables_of_choices(digits, widths, columns, base, zeros):
    if not columns:
        return base, zeros
    every, new = tables_of_choices(digits, widths, columns[1:], base, zeros)
    k, *credits = columns[0]
    at_m = spend(every, k)
    return tuple(
        [x >> digits for x in add_table(1, at_m, spread(widths[1:], credits, table, zeros))] for table in (every, new)
    )


def entry_of_choices(digits, widths, columns, base, zeros, seen):
    if not columns:
        return base[0] if seen else 0
    every, new = tables_of_choices(digits, widths, columns[1:], base, zeros)
    k, *credits = columns[0]
    others = every if seen else new
    looked_up = sum(width * spend(others, c)[0] for width, c in zip(widths[1:], credits, strict=True))
    return (spend(every, k)[0] + looked_up) % MODULUS >> digits


def ceil_30(x):
    return -(-x >> 30)


def programme(digits, strictness, resolution, widths, columns, last, seen, every):
    """Coq: Cert.Staged.count_case, Cert.CreditsCheck.count_choices."""
    if resolution == 0:
        return 0
    base = max(range(len(widths)), key=lambda band: (widths[band], band))
    bases = [column[base] for column in columns]
    fixed = last + sum(bases)
    lifted = [[h - b for h in column] for column, b in zip(columns, bases, strict=True)]
    need = sum(map(max, lifted)) + fixed + strictness
    if need <= 0:
        return every
    scale = min(2**30, resolution * 2**30 // need)
    if scale <= 0:
        return 0
    scaled = [[ceil_30(h * scale) for h in column] for column in lifted]
    tops = list(map(max, scaled))
    needed = sum(tops) - (-(scale * fixed) // 2**30) + strictness
    if needed <= 0:
        return every
    if needed > MOST_BINS:
        return 0
    credits = [[top - h for h in column] for column, top in zip(scaled, tops, strict=True)]
    one = 2**50 if digits else 1
    entry = entry_of_choices(digits, widths, credits, [0] * needed + [one], [0] * (needed + 1), seen)
    return entry * 2 ** (digits * len(columns)) // 2**50 if digits else entry


def enumerated(strictness, widths, columns, last, seen):
    """Choices with a sum below zero, or at most zero, each looked at; token 0 is that of the first band."""
    tokens = [band for band, width in enumerate(widths) for _ in range(width)]
    return sum(
        sum(column[band] for column, band in zip(columns, bands, strict=True)) + last + strictness <= 0 and (seen or 0 in bands)
        for bands in itertools.product(tokens, repeat=len(columns))
    )


def all_choices(widths, positions, seen):
    return sum(widths) ** positions - (0 if seen else sum(widths[1:]) ** positions)


@st.composite
def cases(draw):
    """A few cases of the same number of bands and positions; some with bands that are not there."""
    positions, bands = draw(st.integers(0, 4)), draw(st.integers(1, 4))
    result = []
    for _ in range(draw(st.integers(1, 4))):
        there = draw(st.integers(1, bands))
        widths = [1, *draw(st.lists(st.integers(1, 3), min_size=there - 1, max_size=there - 1))]
        reach = draw(st.sampled_from([1, 4, 30, 1000, 2**30]))
        costs = st.integers(-reach, reach)
        column = st.lists(costs, min_size=there, max_size=there)
        columns = draw(st.lists(column, min_size=positions, max_size=positions))
        resolution = draw(st.sampled_from([0, 1, 2, 7, 60, 2000, 2**31, 2**62 - 1]))
        result.append((resolution, widths, columns, draw(costs), draw(st.booleans())))
    return bands, positions, result


def counted(digits, strictness, bands, positions, given_cases):
    """`count_choices` of cases given as lists."""
    count = len(given_cases)
    widths, columns = np.zeros((count, bands), dtype=np.int64), np.full((count, bands, positions), 77, dtype=np.int64)
    for at, (_, of_case, of_positions, _, _) in enumerate(given_cases):
        widths[at, : len(of_case)] = of_case
        columns[at, : len(of_case)] = np.array(of_positions, dtype=np.int64).reshape(positions, len(of_case)).T
    last, seen = np.array([case[3] for case in given_cases]), np.array([case[4] for case in given_cases])
    every = [all_choices(of_case, positions, of_seen) for _, of_case, _, _, of_seen in given_cases]
    resolution = np.array([case[0] for case in given_cases], dtype=object)
    costs = Costs(widths, columns, last, seen)
    return count_choices(digits, strictness, resolution, costs, np.array(every, dtype=object)).tolist()


@given(cases(), st.sampled_from([0, 0, 4, 9]), st.integers(0, 1))
def test_the_count_is_that_of_the_programme_and_no_more_than_enumeration_finds(some, digits, strictness):
    bands, positions, given_cases = some
    found = counted(digits, strictness, bands, positions, given_cases)
    for count, (resolution, widths, columns, last, seen) in zip(found, given_cases, strict=True):
        every = all_choices(widths, positions, seen)
        assert count == programme(digits, strictness, resolution, widths, columns, last, seen, every)
        assert count <= enumerated(strictness, widths, columns, last, seen)


def one_case(resolution, widths, columns, last, seen=True, digits=0, strictness=1):
    [count] = counted(digits, strictness, len(widths), len(columns), [(resolution, widths, columns, last, seen)])
    return count


def test_by_hand():
    columns = [[1, -2], [-1, 0]]  # of two bands, of m and of one more token
    # sums: (m, m) 0, (m, o) 1, (o, m) -3, (o, o) -2
    for last, wanted in ((-2, 4), (-1, 3), (0, 2), (2, 1), (3, 0)):
        assert one_case(100, [1, 1], columns, last) == wanted
    for last, wanted in ((-2, 3), (-1, 2), (0, 1), (2, 1), (3, 0)):
        assert one_case(100, [1, 1], columns, last, seen=False) == wanted
    assert one_case(100, [1, 1], columns, 0, strictness=0) == 3
    assert one_case(100, [1, 5], columns, 0) == 5 + 25


def test_masses_lose_less_than_one_choice_here():
    columns = [[1, -2], [-1, 0]]
    assert [one_case(100, [1, 5], columns, 0, digits=digits) for digits in (3, 8, 12)] == [30, 30, 30]


def test_no_free_position():
    assert [one_case(9, [1, 1], [], last) for last in (-1, 0)] == [1, 0]
    assert one_case(9, [1, 1], [], 0, strictness=0) == 1
    assert one_case(9, [1, 1], [], -1, seen=False) == 0


@pytest.mark.parametrize("length", [MOST_BINS, MOST_BINS + 1])
def test_long_tables_count_for_nothing(length):
    columns, last = [[0, -length]], length - 1  # the other token passes by 1
    widths, resolution = np.array([[1, 1]]), np.array([2**20], dtype=object)
    costs = Costs(widths, np.array(columns)[:, :, None], np.array([last]), np.array([True]))
    assert round_costs(costs, 1, resolution).needed.tolist() == [length]
    assert one_case(2**20, [1, 1], columns, last) == (1 if length == MOST_BINS else 0)


def test_counts_beyond_53_bits_are_exact():
    widths, columns = [1, 62], [[1, 0]] * 9  # at most one position may choose m
    assert one_case(100, widths, columns, -2) == 62**9 + 9 * 62**8
    assert one_case(100, widths, columns, -2, seen=False) == 9 * 62**8
    assert one_case(100, widths, columns, -10) == 63**9
    assert one_case(100, widths, columns, -10, seen=False) == 63**9 - 62**9


def test_large_costs_do_not_wrap():
    columns = [[-(2**30), 2**30]] * 40
    assert one_case(100, [1, 1], columns, 39 * 2**30) == 1
    assert one_case(100, [1, 1], columns, 40 * 2**30) == 0
    assert one_case(100, [1, 1], columns, -40 * 2**30 - 1) == 2**40


def test_a_scale_of_zero_counts_nothing_and_one_of_one_something():
    huge = [[-(2**30), 2**30]] * 2  # need is 2^32 and more, a resolution of 1 makes no unit of it
    assert [one_case(1, [1, 1], huge, 2**30, strictness=strictness) for strictness in (0, 1)] == [0, 0]
    columns = [[0, -(2**30)]] * 2  # need is 2^30 + 1, of which a resolution of 2 makes one unit
    assert round_costs(a_cost([1, 1], columns, 2**30), 1, np.array([2], dtype=object)).needed.tolist() == [2]
    assert one_case(2, [1, 1], columns, 2**30) == 1
    assert one_case(1, [1, 1], columns, 2**30) == 0


def a_cost(widths, columns, last):
    return Costs(np.array([widths]), np.array(columns).T[None], np.array([last]), np.array([True]))


def test_the_least_need_is_one():
    """Where need is 1, a resolution of 1 tells every unit of cost apart."""
    columns = [[0, -3], [0, -2]]
    assert round_costs(a_cost([1, 1], columns, 0), 1, np.array([1], dtype=object)).needed.tolist() == [1]
    assert one_case(1, [1, 1], columns, 0) == 3
    assert one_case(1, [1, 1], [[0, -1], [0, -1]], 0) == 3


def test_masses_are_rounded_down_to_units_of_2_to_the_minus_50():
    """Of 2^12 bits a position, five positions: 60 bits, more than the 50 of a mass."""
    columns = [[0, -1]] * 5
    assert one_case(9, [1, 1], columns, 0, digits=12) == 0  # nothing is left of 31 choices
    for width in (63, 1000, 4095):
        wanted = programme(12, 1, 9, [1, width], columns, 0, True, (width + 1) ** 5)
        assert one_case(9, [1, width], columns, 0, digits=12) == wanted < (width + 1) ** 5 - 1
