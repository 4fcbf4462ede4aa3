"""Counting sequences whose sum of costs is below zero, or at most zero: `count_choices`. Coq: Cert.CreditsCheck.

A column of signed costs per free position, by bands of distance from the largest token m: the first entry is that of m.
Counted are the choices of a token at each position whose costs, with the cost of the last position, add up to less than 0
(or to at most 0); and, unless `seen`, that choose m somewhere. Costs are made multiples of a unit, rounded up. The credit of
a token is what it costs less than the dearest one of its position: a choice passes when its credits reach what is needed. A
dynamic programme over positions counts: entry j of a table is the number of choices whose credits reach needed - j.

With digits > 0 tables hold masses: counts over 2^(digits * positions), units of 2^-50, rounded down. Where tokens have weights
(`Odds`), tables hold the weights of choices, rounded down where they would leave 62 bits. Coq: Cert.WeightedCredits.
Source: docs/max_of_k.md, sections 3 to 5 and 7.
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
class Odds:
    """Weights of tokens, where every token is a band; 0 for bands that are not there. Coq: Cert.Weighted.odds.

    weights: of each band at each free position. heaviest: the band whose cost the others are measured from. shifts: what is
    dropped at each free position, bits.
    """

    weights: Int64[np.ndarray, "cases bands positions"]
    heaviest: Numbers
    shifts: Int64[np.ndarray, "cases positions"]

    def part(self, chosen: Int64[np.ndarray, " chosen"] | Bool[np.ndarray, " cases"]) -> Odds:
        return Odds(self.weights[chosen], self.heaviest[chosen], self.shifts[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """The costs of some cases, |cost| <= 2^30. Bands of width 0 are not there.

    widths: tokens of each band, 1 for the first. columns: of each band at each free position; last: of the last position.
    seen: all choices count; else those with the token of the first band. odds: weights of tokens, None where all count alike.
    """

    widths: Int64[np.ndarray, "cases bands"]
    columns: Int64[np.ndarray, "cases bands positions"]
    last: Numbers
    seen: Bool[np.ndarray, " cases"]
    odds: Odds | None = None

    def part(self, chosen: Int64[np.ndarray, " chosen"] | Bool[np.ndarray, " cases"]) -> Costs:
        odds = None if self.odds is None else self.odds.part(chosen)
        return Costs(self.widths[chosen], self.columns[chosen], self.last[chosen], self.seen[chosen], odds)

    @property
    def base(self) -> Numbers:
        """Return the band whose cost the others are measured from. Coq: Cert.Staged.widest, Cert.Weighted.heaviest."""
        if self.odds is not None:
            return self.odds.heaviest
        return self.widths.shape[1] - 1 - self.widths[:, ::-1].argmax(axis=1)  # the last of the widest

    @property
    def there(self) -> Bool[np.ndarray, "cases bands positions_or_one"]:
        """Return which costs matter. Coq: Cert.Weighted.masked."""
        return (self.widths[:, :, None] if self.odds is None else self.odds.weights) > 0

    def counts_at(self, position: int) -> Int64[np.ndarray, "cases bands"]:
        """Return how much a token of each band counts at a free position."""
        return self.widths if self.odds is None else self.odds.weights[:, :, position]


@dataclass(frozen=True, slots=True, eq=False)
class Credits:
    """Costs rounded to multiples of a unit. Coq: Cert.CreditsCheck.count_by.

    all_pass, none_pass: cases that need no table. needed: what the credits must reach, 1 .. MOST_BINS where neither holds.
    """

    all_pass: Bool[np.ndarray, " cases"]
    none_pass: Bool[np.ndarray, " cases"]
    needed: Numbers
    credits: Int64[np.ndarray, "cases bands positions"]


def round_costs(costs: Costs, strictness: int, resolution: PythonInts) -> Credits:
    """Choose the unit of each case so that about `resolution` units matter, and round. Coq: Cert.CreditsCheck.count_by.

    Args: strictness: 1 for sums below 0, 0 for sums of at most 0.
    """
    bases = costs.columns[np.arange(len(costs.last)), costs.base]
    fixed = costs.last + bases.sum(axis=1)
    lifted = np.where(costs.there, costs.columns - bases[:, None, :], 0)  # 0 is among them anyway
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
    """Count the choices of each case, or a number below; 0 where resolution is 0. Where the costs have odds, add up weights.

    Args: every: the number, or the weight, of all choices to be counted from.
    Coq: Cert.Staged.count_case, Cert.Weighted.weigh_case.
    """
    rounded = round_costs(costs, strictness, resolution)
    positions = costs.columns.shape[2]
    result = np.where(rounded.all_pass & (resolution > 0), every, 0)
    if positions == 0:
        return result
    for chunk in _chunks(rounded):
        part = costs.part(chunk)
        size = int(rounded.needed[chunk].max()) + 1
        at_end = np.arange(size) >= rounded.needed[chunk, None]
        if part.odds is None:
            drops: Int64[np.ndarray, "cases positions"] = np.broadcast_to(np.int64(digits), (len(chunk), positions))
            entries = _entries(drops, part, rounded.credits[chunk], np.where(at_end, one_choice(digits), 0))
            result[chunk] = choices(digits, positions, entries.astype(object))
        else:
            entries = _entries(part.odds.shifts, part, rounded.credits[chunk], np.where(at_end, 1, 0))
            result[chunk] = entries.astype(object) << part.odds.shifts.sum(axis=1).astype(object)
    return result


def one_choice(digits: int) -> int:
    """Return what stands for one choice in a table. Coq: Cert.CreditsCheck.one_choice."""
    return 2**MASS_UNIT_BITS if digits else 1


def choices(digits: int, positions: int, entries: PythonInts) -> PythonInts:
    """Return the number of choices that entries stand for. Coq: Cert.CreditsCheck.choices."""
    return entries * 2 ** (digits * positions) >> MASS_UNIT_BITS if digits else entries


def _entries(
    drops: Int64[np.ndarray, "cases positions"], costs: Costs, credit: Int64[np.ndarray, "cases bands positions"], base: Table
) -> Numbers:
    """Return the first entry of the table after all positions, from the last to the first.

    Entries past `needed` equal that at it: it stands for all smaller needs. `drops`: bits by which tables are shifted right.
    Coq: Cert.CreditsCheck.entry_of_choices, Cert.WeightedCredits.entry_of_weights.
    """
    every, new = base, np.zeros_like(base)
    for position in range(credit.shape[2] - 1, 0, -1):
        of_position, counts = credit[:, :, position], costs.counts_at(position)
        every_later, new_later = _Later(every), _Later(new)
        new = counts[:, :1] * every_later.at(of_position[:, 0])
        every = new.copy()
        for band in range(1, of_position.shape[1]):
            width, spent = counts[:, band, None], of_position[:, band]
            every += width * every_later.at(spent)
            new += width * new_later.at(spent)
        every >>= drops[:, position, None]
        new >>= drops[:, position, None]
    spent, counts = np.minimum(credit[:, :, 0], base.shape[1] - 1), costs.counts_at(0)
    others = np.take_along_axis(np.where(costs.seen[:, None], every, new), spent, axis=1)
    with_m = counts[:, 0] * np.take_along_axis(every, spent[:, :1], axis=1)[:, 0]
    return (with_m + (counts[:, 1:] * others[:, 1:]).sum(axis=1)) >> drops[:, 0]


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
