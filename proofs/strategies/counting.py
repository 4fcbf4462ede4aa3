"""Counting sequences whose sum of costs stays below zero: `passing`.

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

Costs = Int64[np.ndarray, "positions tokens"]


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


def table_cells(positions: int, tokens: int, budget: int) -> int:
    """Bound the table cells that Coq's dynamic programme touches for one `passing`.

    One table at the last position, two at each one before it, and half a table for each of two look-ups at the first;
    every token passes over `budget` + 1 cells of each.
    """
    if positions == 0 or not 0 <= budget <= MOST_BINS:
        return 0
    return max(1, 2 * (positions - 1)) * tokens * (budget + 1)


def _choices_within(excess: Costs, budget: int) -> int:
    """Count the choices of one entry per row that add up to at most `budget`; entries >= 0."""
    positions, tokens = excess.shape
    if positions == 0:
        return 1
    if tokens == 0:
        return 0
    dtype = np.float64 if tokens**positions < FLOAT_EXACT else np.int64
    ways: np.ndarray[Any, Any] = np.zeros(budget + 1, dtype=dtype)  # ways[k]: choices at the rows so far that add up to k
    ways[0] = 1
    for row in excess[1:]:
        histogram = np.bincount(row[row <= budget], minlength=1).astype(dtype)
        ways = np.convolve(ways, histogram)[: budget + 1]
    left = budget - excess[0]
    return int(np.cumsum(ways)[left[left >= 0]].sum())
