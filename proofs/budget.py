"""The tightest proof within a number of operations: `tightest`.

Every strategy is tried with and without outputs looked at one by one, with fine and coarse bands and small and larger ranks;
each with the finest resolution that the budget allows. What counts is the bound that the mirror predicts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.models.errors import UsageError
from compact_proofs.proofs.registry import Found, Progress, Strategy, Tuning, silent, strategy
from compact_proofs.proofs.strategies.bands import Exponents

LOWER_BOUNDS = ("quadratic", "subcubic_low_rank", "subcubic_low_rank_eu", "subcubic_low_rank_qk", "subcubic", "cubic")
RESOLUTIONS = tuple(round(4 * 2 ** (step / 2)) for step in range(17))  # 4 .. 1024
RADII = (0, 1, 2)
RANKS = {"quadratic": (0, 1)} | dict.fromkeys(("subcubic_low_rank", "subcubic_low_rank_eu", "subcubic_low_rank_qk"), (1, 4))


def tightest(
    model: QuantisedModel, budget: int, name: str | None = None, progress: Progress = silent
) -> tuple[Strategy, Tuning, Found]:
    """Return the best of what was tried within `budget` operations of the checker: strategy, tuning and certificate.

    Args:    name: of the only strategy to be tried; None: all that bound from below by a count.
    Raises:  UsageError: not even the shortest proof is short enough, or a strategy that has no resolution.
    """
    if name is not None and name not in LOWER_BOUNDS:
        raise UsageError(f"budget: strategy {name} has nothing to choose; wanted one of: {', '.join(LOWER_BOUNDS)}, or none")
    tried = list(_tunings(model, LOWER_BOUNDS if name is None else (name,)))
    best: tuple[Strategy, Tuning, Found] | None = None
    shortest: int | None = None
    for number, (one, tuning) in enumerate(tried):
        progress("budget: choices", number, len(tried))
        chosen = strategy(one)
        found = _finest(chosen, model, tuning, budget)
        least = found[1].operations
        shortest = least if shortest is None else min(shortest, least)
        if least <= budget and (best is None or found[1].proved > best[2].proved):
            best = (chosen, *found)
    progress("budget: choices", len(tried), len(tried))
    if best is None:
        raise UsageError(
            f"budget: got {budget:,} operations, wanted at least {shortest:,}: no proof of {model.name} that was tried is shorter"
        )
    return best


def _tunings(model: QuantisedModel, names: tuple[str, ...]) -> Iterator[tuple[str, Tuning]]:
    for name in names:
        bands = (None,) if name == "cubic" else _bands(model.d_vocab, name)
        for near, exponents, rank in itertools.product(RADII, bands, RANKS.get(name, (None,))):
            yield name, Tuning(bands=exponents, rank=rank, near=near)


def _bands(d_vocab: int, name: str) -> tuple[Exponents | None, ...]:
    """The strategy's own bands, and coarser ones: 1, 1, 4, 16, .. tokens."""
    coarse = [0, 0]
    while sum(2**one for one in coarse) < d_vocab:
        coarse.append(min(12, 2 * (len(coarse) - 1)))
    return (None,) if name == "quadratic" else (None, tuple(coarse))


def _finest(chosen: Strategy, model: QuantisedModel, tuning: Tuning, budget: int) -> tuple[Tuning, Found]:
    """Return the finest resolution within the budget and what it finds; the coarsest where none is."""

    def find(step: int) -> tuple[Tuning, Found]:
        finer = Tuning(RESOLUTIONS[step], tuning.bands, tuning.rank, tuning.near)
        return finer, chosen.find(model, finer, silent)

    low, high = 0, len(RESOLUTIONS)
    best = find(low)
    while best[1].operations <= budget and high - low > 1:
        middle = (low + high) // 2
        found = find(middle)
        if found[1].operations <= budget:
            low, best = middle, found
        else:
            high = middle
    return best
