"""A theorem in words: `theorem_in_words`, `percent`. Standard library only."""

from __future__ import annotations

INPUTS = {"max_of_k": "sequences", "modular": "pairs"}  # what the inputs of a task are called


def percent(count: int, total: int, up: bool = False) -> str:
    """Return the ratio as a percentage rounded down, or `up`, such as "99.71 %"."""
    hundredths = -(-10_000 * count // total) if up else 10_000 * count // total
    return f"{hundredths // 100}.{hundredths % 100:02d} %"


MOST_DIGITS = 60  # of numbers that are shown


def theorem_in_words(
    statement: str, proved: int, n_inputs: int, inputs: str = "sequences", distribution: str = ""
) -> str:
    """Return, for example, "at least 16,701,234 of 16,777,216 sequences, 99.54 %, are answered right".

    Args: n_inputs: how many inputs there are; the weight of all where the statement is about a distribution, here its name.
    """
    if statement == "at_least_weight":
        numbers = f" ({proved:,} of {n_inputs:,})" if len(str(n_inputs)) <= MOST_DIGITS else ""
        return f"at least {percent(proved, n_inputs)} of the weight of distribution {distribution}{numbers} is answered right"
    how = {"at_least": "at least", "at_most": "at most", "exactly": "exactly"}[statement]
    share = percent(proved, n_inputs, up=statement == "at_most")
    return f"{how} {proved:,} of {n_inputs:,} {inputs}, {share}, are answered right"
