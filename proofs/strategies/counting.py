"""Counting sequences whose sum of costs is below zero, or at most zero: `count_choices`. Coq: Cert.CreditsCheck.

A column of signed costs per free position, by bands of distance from the largest token m: the first entry is that of m.
Counted are the choices of a token at each position whose costs, with the cost of the last position, add up to less than 0
(or to at most 0); and, unless `seen`, that choose m somewhere. Costs are made multiples of a unit, rounded up. The credit of
a token is what it costs less than the dearest one of its position: a choice passes when its credits reach what is needed. A
dynamic programme over positions counts: entry j of a table is the number of choices whose credits reach needed - j.

With digits > 0 tables hold masses: counts over 2^(digits * positions), units of 2^-50, rounded down.
Source: docs/max_of_k.md, sections 3 to 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64, Shaped

from compact_proofs.extract.exp_bounds import FRACTION_BITS, ONE
from compact_proofs.proofs.strategies.terms import scale_up

MOST_BINS = 65535  # Coq: Cert.CreditsCheck.most_bins
MASS_UNIT_BITS = 50  # Coq: Cert.CreditsCheck.one_choice
CHUNK = 2**16  # table entries worked on at a time: they stay in the processor's cache

Numbers = Int64[np.ndarray, " cases"]
Table = Int64[np.ndarray, "cases entries"]
PythonInts = Shaped[np.ndarray, " cases"]  # of dtype object: no limit


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """The costs of some cases, |cost| <= 2^30. Bands of width 0 are not there.

    widths: tokens of each band, 1 for the first. columns: of each band at each free position; last: of the last position.
    seen: all choices count; else those with the token of the first band.
    """

    widths: Int64[np.ndarray, "cases bands"]
    columns: Int64[np.ndarray, "cases bands positions"]
    last: Numbers
    seen: Bool[np.ndarray, " cases"]

    def part(self, chosen: Int64[np.ndarray, " chosen"] | Bool[np.ndarray, " cases"]) -> Costs:
        return Costs(self.widths[chosen], self.columns[chosen], self.last[chosen], self.seen[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class Credits:
    """Costs rounded to multiples of a unit. Coq: Cert.CreditsCheck.count_choices.

    all_pass, none_pass: cases that need no table. needed: what the credits must reach, 1 .. MOST_BINS where neither holds.
    """

    all_pass: Bool[np.ndarray, " cases"]
    none_pass: Bool[np.ndarray, " cases"]
    needed: Numbers
    credits: Int64[np.ndarray, "cases bands positions"]


def round_costs(costs: Costs, strictness: int, resolution: PythonInts) -> Credits:
    """Choose the unit of each case so that about `resolution` units matter, and round. Coq: Cert.CreditsCheck.count_choices.

    Args: strictness: 1 for sums below 0, 0 for sums of at most 0.
    """
    there = costs.widths[:, :, None] > 0
    widest = costs.widths.shape[1] - 1 - costs.widths[:, ::-1].argmax(axis=1)  # the last of the widest. Coq: Cert.Staged.widest
    bases = costs.columns[np.arange(len(widest)), widest]
    fixed = costs.last + bases.sum(axis=1)
    lifted = np.where(there, costs.columns - bases[:, None, :], 0)  # 0 is among them anyway
    need = lifted.max(axis=1).sum(axis=1) + fixed + strictness
    all_pass = need <= 0
    scale = np.minimum(ONE, (resolution << FRACTION_BITS) // np.maximum(need, 1).astype(object)).astype(np.int64)
    scaled = scale_up(lifted, scale[:, None, None])
    tops = scaled.max(axis=1)
    high, low = -fixed >> FRACTION_BITS, -fixed & (ONE - 1)
    needed = tops.sum(axis=1) - (scale * high + (scale * low >> FRACTION_BITS)) + strictness
    all_pass |= (scale > 0) & (needed <= 0)
    none_pass = ~all_pass & ((scale <= 0) | (needed > MOST_BINS))
    return Credits(all_pass, none_pass, needed, tops[:, None, :] - scaled)


def count_choices(digits: int, strictness: int, resolution: PythonInts, costs: Costs, every: PythonInts) -> PythonInts:
    """Count the choices of each case, or a number below; 0 where resolution is 0. Coq: Cert.Staged.count_case.

    Args: every: the number of all choices to be counted from.
    """
    rounded = round_costs(costs, strictness, resolution)
    positions = costs.columns.shape[2]
    result = np.where(rounded.all_pass & (resolution > 0), every, 0)
    if positions == 0:
        return result
    for chunk in _chunks(rounded):
        part = costs.part(chunk)
        size = int(rounded.needed[chunk].max()) + 1
        base = np.where(np.arange(size) >= rounded.needed[chunk, None], one_choice(digits), 0)
        entries = _entries(digits, part, rounded.credits[chunk], base)
        result[chunk] = choices(digits, positions, entries.astype(object))
    return result


def one_choice(digits: int) -> int:
    """Return what stands for one choice in a table. Coq: Cert.CreditsCheck.one_choice."""
    return 2**MASS_UNIT_BITS if digits else 1


def choices(digits: int, positions: int, entries: PythonInts) -> PythonInts:
    """Return the number of choices that entries stand for. Coq: Cert.CreditsCheck.choices."""
    return entries * 2 ** (digits * positions) >> MASS_UNIT_BITS if digits else entries


def _entries(digits: int, costs: Costs, credit: Int64[np.ndarray, "cases bands positions"], base: Table) -> Numbers:
    """Return the first entry of the table after all positions, from the last to the first.

    Entries past `needed` equal that at it: it stands for all smaller needs. Coq: Cert.CreditsCheck.entry_of_choices.
    """
    every, new = base, np.zeros_like(base)
    for position in range(credit.shape[2] - 1, 0, -1):
        of_position = credit[:, :, position]
        every_later, new_later = _Later(every), _Later(new)
        new = every_later.at(of_position[:, 0])
        every = new.copy()
        for band in range(1, of_position.shape[1]):
            width, spent = costs.widths[:, band, None], of_position[:, band]
            every += width * every_later.at(spent)
            new += width * new_later.at(spent)
        every >>= digits
        new >>= digits
    spent = np.minimum(credit[:, :, 0], base.shape[1] - 1)
    others = np.take_along_axis(np.where(costs.seen[:, None], every, new), spent, axis=1)
    with_m = np.take_along_axis(every, spent[:, :1], axis=1)[:, 0]
    return (with_m + (costs.widths[:, 1:] * others[:, 1:]).sum(axis=1)) >> digits


class _Later:
    """Tables for needs that are smaller. Coq: Cert.CreditsCheck.spend."""

    def __init__(self, table: Table) -> None:
        self.size = table.shape[1]
        self.rows = np.arange(len(table))
        longer = np.concatenate([table, np.repeat(table[:, -1:], self.size - 1, axis=1)], axis=1)
        self.windows = np.lib.stride_tricks.sliding_window_view(longer, self.size, axis=1)

    def at(self, credit: Numbers) -> Table:
        """Return each case's table for a need that is smaller by its credit."""
        return self.windows[self.rows, np.minimum(credit, self.size - 1)]


def _chunks(rounded: Credits) -> Iterator[Int64[np.ndarray, " chunk"]]:
    """Yield the cases that need a table, those of similar length together."""
    cases = np.flatnonzero(~(rounded.all_pass | rounded.none_pass))
    cases = cases[np.argsort(rounded.needed[cases], kind="stable")]
    while cases.size:
        count = max(1, CHUNK // (int(rounded.needed[cases[0]]) + 1))
        while count > 1 and count * int(rounded.needed[cases[: count][-1]] + 1) > 2 * CHUNK:
            count //= 2
        yield cases[:count]
        cases = cases[count:]
