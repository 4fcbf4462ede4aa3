"""Weights of tokens, by the definitions in Coq (Cert.Weighted, Cert.WeightedCredits)."""

import math
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.strategies.odds import Weights, check_weights, shifts


def shifts_and_bound(sums: list[int], before: int = 1) -> tuple[list[int], int]:
    """Shifts of some positions where the odds of the one before add up to `before`, and a bound of entries after them."""
    if not sums:
        return [], 1
    later, bound = shifts_and_bound(sums[1:], sums[0])
    full = bound * sums[0]
    shift = 0 if full * before < 2**62 else (full.bit_length() - 1) + (before.bit_length() - 1) - 60
    return [shift, *later], full >> shift


SUMS = st.integers(0, 62).flatmap(lambda bits: st.sampled_from([max(0, 2**bits - 1), 2**bits])) | st.integers(0, 2**62 - 1)


@given(sums=st.lists(SUMS.map(lambda n: min(n, 2**62 - 1)), max_size=5))
@example([2**31, 2**31])
@example([2**31, 2**31 - 1])
@example([2**61, 2])
@example([2**61, 1])
@example([1, 2**61, 2])
@example([5, 2**61, 1])
def test_shifts_are_those_of_the_definition(sums):
    assert shifts(sums) == shifts_and_bound(sums)[0]


ROWS = st.integers(1, 6).flatmap(
    lambda d: st.lists(st.lists(st.sampled_from([0, 0, 1, 2, 3, 7, 2**40]), min_size=d, max_size=d), min_size=1, max_size=4)
)


@given(rows=ROWS)
@example([[2, 5, 5, 1], [3, 0, 0, 9], [0, 0, 0, 0]])
@example([[0, 0], [1, 1]])
@example([[4]])
def test_weights_are_those_of_the_definition(rows):
    n, d = len(rows), len(rows[0])
    weights, free = Weights.of(n, d, rows), rows[:-1]
    of_token = [sum(row[t] for row in free) for t in range(d)]
    found = weights.of_cases(np.arange(d))
    for m in range(d):
        heaviest = max(range(m + 1), key=lambda t: (of_token[t], -t))  # the first of the largest
        assert weights.heaviest[m] == found.heaviest[m] == m - heaviest
        sums = [sum(row[: m + 1]) for row in free]
        assert weights.shifts[m].tolist() == found.shifts[m].tolist() == shifts_and_bound(sums)[0]
        below = math.prod(sum(row[:m]) for row in free)
        to = math.prod(sums)
        for q in range(m + 1):
            assert weights.every(q, m) == (to if q == m else to - below)
        for band in range(d):
            wanted = [row[m - band] if band <= m else 0 for row in free]
            assert found.weights[m, band].tolist() == wanted
    assert weights.last == tuple(rows[-1]) and weights.free.tolist() == free


@pytest.mark.parametrize(
    ("rows", "refusal"),
    [
        ([[1, 1]], "(Wrong_length Distribution 1 2)"),
        ([], "(Wrong_length Distribution 0 2)"),
        ([[1, 1], [1]], "(Wrong_weights 1)"),
        ([[1, 1, 0], [1]], "(Wrong_weights 0)"),
        ([[0, 0], [1, -1]], "(Wrong_weights 1)"),
        ([[2**62, -1], [1, 1]], "(Wrong_weights 0)"),
        ([[2**61, 2**61], [1, -1]], "(Wrong_weights 1)"),
        ([[2**61, 2**61], [1, 1]], "(May_overflow Distribution)"),
        ([[1, 1], [0, 2**62]], "(May_overflow Distribution)"),
        ([[2**62 - 1, 0], [2**61, 2**61 - 1]], None),
        ([[0, 0], [0, 0]], None),
    ],
)
def test_refusals(rows, refusal):
    if refusal is None:
        check_weights(2, 2, rows)
        return
    with pytest.raises(InputRefused, match=f"^Refused {re.escape(refusal)}: "):
        check_weights(2, 2, rows)
