"""Numbers for people: `count`, `scientific`, `power_of_ten`, `tightness`, `decimal`."""

from __future__ import annotations

import math

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
LONGEST = 10**15  # counts from here on are not written out


def count(value: int) -> str:
    """Return 16,777,216, or 1.3 × 10³⁶ of what is too long to read."""
    return f"{value:,}" if value < LONGEST else scientific(value)


def scientific(value: float) -> str:
    """Return 950, 6.0 × 10⁸: two digits of what is 10,000 or more; also of integers that no float holds."""
    if value < 10_000:
        return f"{value:,.0f}"
    digits, _, exponent = (f"{value:.1e}" if value < 1e300 else _of_long(int(value))).partition("e")
    return f"{digits} × {power_of_ten(int(exponent))}"


def power_of_ten(exponent: int) -> str:
    """Return 10⁸."""
    return f"10{str(exponent).translate(SUPERSCRIPTS)}"


def _of_long(value: int) -> str:
    text = str(value)
    return f"{text[0]}.{text[1]}e{len(text) - 1}"


def tightness(value: float) -> str:
    """Return a ratio rounded down with two digits of what it lacks to 1: 0.91, 0.99993; only 1 is written 1."""
    if value >= 1:
        return "1"
    digits = min(15, max(2, math.ceil(-math.log10(1 - value)) + 1))
    return f"{math.floor(value * 10**digits) / 10**digits:.{digits}f}"


def decimal(value: float) -> str:
    """Return three digits, with a proper minus sign: −12.3, 0.0451."""
    text = f"{value:.3g}" if abs(value) < 1000 or not math.isfinite(value) else f"{value:,.0f}"
    if "e" in text:
        digits, _, exponent = text.partition("e")
        text = f"{digits} × {power_of_ten(int(exponent))}"
    return text.replace("-", "−")
