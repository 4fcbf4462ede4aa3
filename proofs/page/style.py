"""How figures look: a colour and a marker for each strategy, the same in every figure, and the axis of tightness."""

from __future__ import annotations

import math
from collections.abc import Iterable

# Colours of Okabe and Ito, told apart by people who see few colours; markers tell the same.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK, GREY = (
    "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#1a1a1a", "#6b7280",
)  # fmt: skip
ACCENT, INK, FAINT = BLUE, "#1f2328", "#d8dce1"
STYLES = {
    "cubic": (BLUE, "o"),
    "subcubic": (ORANGE, "s"),
    "subcubic_low_rank_qk": (GREEN, "^"),
    "subcubic_low_rank_eu": (VERMILION, "v"),
    "subcubic_low_rank": (PURPLE, "D"),
    "quadratic": (SKY, "P"),
    "wrong_count": ("#7a4fa3", "<"),
    "exact": (BLACK, "*"),
    "brute_force": (GREY, "h"),
    "second_moment": (BLUE, "o"),
    "low_rank_unembedding": (ORANGE, "s"),
    "relu_homogeneity": (GREEN, "^"),
    "relu_homogeneity_l1": (PURPLE, "D"),
    "quadrature": (VERMILION, "v"),
}
OTHERS = (("#8c6d31", "H"), ("#3b6e8f", ">"), ("#a83279", "p"), ("#4d4d4d", "d"))  # of strategies not named here
DIGITS = 16  # of a tightness in float64


def style_of(strategy: str) -> tuple[str, str]:
    """Return colour and marker of a strategy."""
    return STYLES.get(strategy) or OTHERS[sum(strategy.encode()) % len(OTHERS)]


class Nines:
    """An axis of tightness on which 0.9, 0.99, 0.999 lie one apart; 1 lies above all that is drawn."""

    def __init__(self, values: Iterable[float]) -> None:
        found = list(values)
        heights = [_height(value) for value in found if value < 1]
        self.least, self.most = (min(heights), max(heights)) if heights else (1.0, 1.0)
        self.top = math.floor(self.most + 0.35) + 1
        self.exact = any(value >= 1 for value in found)
        if self.exact:
            self.most = self.top

    def place(self, value: float) -> float:
        """Return where a tightness lies."""
        return self.top if value >= 1 else _height(value)

    def limits(self) -> tuple[float, float]:
        """Return the ends of the axis."""
        least = min(self.least, self.most - 1)
        pad = 0.08 * (self.most - least)
        return max(least, 0) - pad, self.most + pad

    def ticks(self) -> tuple[list[float], list[str]]:
        """Return places and labels of the ticks."""
        low, high = self.limits()
        every = {_height(value): f"{value:g}" for value in (0, 0.5, 0.8)}
        every |= {float(digits): "0." + "9" * digits for digits in range(1, self.top)}
        found = {place: label for place, label in every.items() if low <= place <= high}
        if self.exact:
            found[float(self.top)] = "1 (exact)"
        return list(found), list(found.values())


def _height(value: float) -> float:
    return min(-math.log10(1 - max(value, 0.0)), DIGITS)
