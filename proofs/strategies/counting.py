"""Counting sequences whose sum of costs stays below zero: `passing`, and `passing_mass` past 2^62 of them.

One row of signed costs per position, one entry per token 0 .. m. Counted are the choices of a token at each position whose
costs, with one more cost `last`, add up to less than 0; and, unless `seen`, that choose token m somewhere. The checker
counts by a dynamic programme over positions; here the same number comes from histograms of partial sums. Coq: Cert.CountCheck.
Source: docs/max_of_k.md, sections 2 and 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Int64

from compact_proofs.extract.tables import FLOAT_EXACT

MOST_BINS = 65535  # Coq: Cert.CountCheck.most_bins
MASS_UNIT = 2**50  # Coq: Cert.CountCheck.mass_unit

Costs = Int64[np.ndarray, "positions tokens"]
Ints = Int64[np.ndarray, " entries"]


def spare_budget(costs: Costs, last: int) -> int:
    """Return how far the choices may stand above the cheapest, all positions together, and still add up to less than 0."""
    return -1 - last - int(costs.min(axis=1).sum())


def passing(costs: Costs, last: int, seen: bool) -> int:
    """Count the choices; 0 where their budget is above 65535 or negative. At most 2^62 choices, |cost| <= 2^31.

    Coq: Cert.CountCheck.passing.
    """
    budget = spare_budget(costs, last)
    if not 0 <= budget <= MOST_BINS:
        return 0
    excess = costs - costs.min(axis=1, keepdims=True)
    count = _choices_within(excess, budget)
    return count if seen else count - _choices_within(excess[:, :-1], budget)


def passing_mass(digits: int, costs: Costs, last: int, seen: bool) -> int:
    """Count the choices as a mass: over 2^(digits positions), in units of 2^-50, rounded down at each position.

    Tokens <= 2^digits, digits <= 12, so all sums are at most 2^62. Coq: Cert.CountCheck.passing_mass.
    """
    budget = spare_budget(costs, last)
    if not 0 <= budget <= MOST_BINS:
        return 0
    if len(costs) == 0:
        return MASS_UNIT if seen else 0
    excess = costs - costs.min(axis=1, keepdims=True)
    every = np.full(budget + 1, MASS_UNIT, dtype=np.int64)  # at b: the mass of the choices so far that add up to at most b
    new = np.zeros(budget + 1, dtype=np.int64)  # the same for those with token m
    for row in excess[:0:-1]:
        with_m = _shifted(every, int(row[-1]))
        without_m = row[:-1]
        new = (_spread(new, without_m) + with_m) >> digits
        every = (_spread(every, without_m) + with_m) >> digits
    first, top = excess[0][:-1], int(excess[0][-1])
    others = every if seen else new
    total = int(others[budget - first[first <= budget]].sum()) + (int(every[budget - top]) if top <= budget else 0)
    return total >> digits


def estimate(costs: Costs, last: int, seen: bool) -> float:
    """Count the choices in float64, for comparison only: rounded, and without the limit of 2^62."""
    budget = spare_budget(costs, last)
    if not 0 <= budget <= MOST_BINS:
        return 0.0
    excess = costs - costs.min(axis=1, keepdims=True)
    count = float(_choices_within(excess, budget, np.float64))
    return count if seen else count - float(_choices_within(excess[:, :-1], budget, np.float64))


def _spread(table: Ints, row: Ints) -> Ints:
    """Return, at b, the sum of table[b - k] over the entries k of the row."""
    inside = row[row < table.size]
    if inside.size == 0:
        return np.zeros_like(table)
    return np.convolve(table, np.bincount(inside))[: table.size]


def _shifted(table: Ints, k: int) -> Ints:
    """Return, at b, table[b - k]; 0 below."""
    result = np.zeros_like(table)
    if k < table.size:
        result[k:] = table[: table.size - k]
    return result


def table_cells(positions: int, tokens: int, budget: int) -> int:
    """Bound the table cells that Coq's dynamic programme touches for one `passing`.

    One table at the last position, two at each one before it, and half a table for each of two look-ups at the first;
    every token passes over `budget` + 1 cells of each.
    """
    if positions == 0 or not 0 <= budget <= MOST_BINS:
        return 0
    return max(1, 2 * (positions - 1)) * tokens * (budget + 1)


def _choices_within(excess: Costs, budget: int, dtype: type[np.float64] | type[np.int64] | None = None) -> int:
    """Count the choices of one entry per row that add up to at most `budget`; entries >= 0. By default exact."""
    positions, tokens = excess.shape
    if positions == 0:
        return 1
    if tokens == 0:
        return 0
    if dtype is None:
        dtype = np.float64 if tokens**positions < FLOAT_EXACT else np.int64
    ways: np.ndarray[Any, Any] = np.zeros(budget + 1, dtype=dtype)  # ways[k]: choices at the rows so far that add up to k
    ways[0] = 1
    for row in excess[1:]:
        histogram = np.bincount(row[row <= budget], minlength=1).astype(dtype)
        ways = np.convolve(ways, histogram)[: budget + 1]
    left = budget - excess[0]
    return int(np.cumsum(ways)[left[left >= 0]].sum())
