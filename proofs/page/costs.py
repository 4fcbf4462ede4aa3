"""Proof length against tightness, from the rows of a table: `cost_figure`, `seeds_figure`, `scaling_figures`. Numpy-free.

Tightness is the bound over the true count (the true count over it, where it bounds from above); where nobody has enumerated, the
true count is replaced by the other end that is proved.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from compact_proofs.proofs.page.figures import BySeed, CostAndBound, Figure, Mean, Point, Scaling
from compact_proofs.proofs.page.numbers import count, scientific, tightness
from compact_proofs.proofs.published import published_points
from compact_proofs.proofs.report import Report
from compact_proofs.proofs.table import Row, natural

PROVED = ("proved", "predicted")
MOST_SAID = 12  # strategies in a text alternative


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of how many inputs a network answers right; `enumerated`: low and high are the true count."""

    low: int
    high: int
    enumerated: bool

    def tightness(self, row: Row) -> float:
        """Return how tight the bound of a row is, in 0 .. 1, rounded towards 0."""
        assert row.bound is not None
        if row.statement == "exactly":
            return 1.0
        part, whole = (row.bound, self.high) if row.statement == "at_least" else (self.low, row.bound)
        if part >= whole:
            return 1.0
        found = float(Fraction(part, whole))
        return found if found < 1 else math.nextafter(1, 0)


def row_of(report: Report, truth: int | None, seed: int | None) -> Row:
    """Return a finished proof as the row of a table. Raises: ValueError: values that contradict each other."""
    sizes = report.sizes
    return Row(
        model=report.model,
        family=report.family,
        seed=seed,
        n_ctx=sizes.get("n_ctx"),
        d_vocab=sizes.get("d_vocab"),
        modulus=sizes.get("modulus"),
        weight_bits=report.weight_bits,
        strategy=report.strategy,
        parameters="",
        statement=report.statement,
        bound=report.proved_correct,
        truth_low=truth,
        truth_high=truth,
        inputs=report.n_inputs,
        operations=report.checker_operations,
        certificate_bytes=report.certificate_bytes,
        search_s=report.seconds["search"],
        check_s=report.seconds["coqc"],
        status="proved",
        reason="",
    )


def truths(rows: Sequence[Row]) -> dict[tuple[str, int], Truth]:
    """Return what all rows about a network (model, weight_bits) together say of its true count."""
    found: dict[tuple[str, int], Truth] = {}
    for row in rows:
        before = found.get((row.model, row.weight_bits), Truth(0, row.inputs, False))
        low, high = before.low, before.high
        low = max(low, row.truth_low or 0, row.bound or 0 if row.statement != "at_most" else 0)
        if row.truth_high is not None:
            high = min(high, row.truth_high)
        if row.bound is not None and row.statement != "at_least":
            high = min(high, row.bound)
        found[row.model, row.weight_bits] = Truth(min(low, high), high, low >= high)
    return found


def points(rows: Sequence[Row]) -> tuple[Point, ...]:
    """Return the rows that have a bound as points."""
    known = truths(rows)
    bits = {row.weight_bits for row in rows}
    found = []
    for row in rows:
        if row.status in PROVED:
            said = f"{row.parameters} ({row.weight_bits} bits)".strip() if len(bits) > 1 else row.parameters
            tight = known[row.model, row.weight_bits].tightness(row)
            found.append(Point(row.strategy, said, row.model, row.seed, row.operations, tight, row.status == "proved"))
    return tuple(found)


def measure(rows: Sequence[Row]) -> str:
    """Say what a bound is divided by."""
    known = truths(rows)
    found = [(known[row.model, row.weight_bits], row.inputs) for row in rows]
    if all(truth.enumerated for truth, _ in found):
        return "bound / true count"
    if all(truth.high == inputs for truth, inputs in found):
        return "bound / all inputs"
    return "bound / true count or best proved end"


def means(found: Sequence[Point]) -> tuple[Mean, ...]:
    """Return the mean of each strategy (with its parameters) that has several points, the tightest first."""
    groups: dict[str, list[Point]] = {}
    for point in found:
        groups.setdefault(point.label, []).append(point)
    return tuple(sorted((mean(label, group) for label, group in groups.items()), key=lambda one: -one.tightness))


def mean(label: str, group: Sequence[Point]) -> Mean:
    """Return the mean of points of one strategy."""
    logs = [math.log(point.operations) for point in group if point.operations]
    operations = math.exp(sum(logs) / len(logs)) if logs else 0.0
    tight = [point.tightness for point in group]
    return Mean(label, group[0].strategy, len(group), operations, sum(tight) / len(tight), min(tight), max(tight))


def cost_figure(name: str, heading: str, rows: Sequence[Row], brute_force: int | None) -> Figure | None:
    """Draw operations against tightness; None where no row has both.

    Args: heading: says which networks, empty where the page is about one; brute_force: operations of enumeration.
    """
    found = tuple(point for point in points(rows) if point.operations)
    if not found:
        return None
    others = published_points(rows[0].n_ctx, rows[0].d_vocab)
    several = tuple(one for one in means(found) if one.points > 1)
    data = CostAndBound(found, several, others, brute_force, measure(rows))
    said = [_mean_in_words(one) for one in means(found)]
    if brute_force is not None:
        said.append(f"brute force would take {scientific(brute_force)}")
    if others:
        listed = ", ".join(f"{one.strategy} {tightness(one.tightness)} at {scientific(one.flops)} FLOPs" for one in others)
        said.append(f"published: {listed}")
    return Figure(
        name,
        f"Proof length against tightness{heading}",
        f"Operations of the checker against {data.measure}. Each step upwards is ten times nearer to the truth. "
        + ("Hollow: predicted by the mirror of the checker, not yet proved. " if any(not one.proved for one in found) else "")
        + ("Large: mean over networks. " if several else "")
        + ("Crosses: published, unverified float32, in FLOPs." if others else ""),
        f"Operations and {data.measure}, the tightest first. {_shortened(said)}.",
        data,
    )


def seeds_figure(name: str, heading: str, rows: Sequence[Row]) -> Figure | None:
    """Draw tightness of every network by strategy; None where each strategy has one point at most."""
    found = points(rows)
    several = means(found)
    if all(one.points < 2 for one in several):
        return None
    said = [
        f"{one.label}: mean {tightness(one.tightness)} over {one.points} networks, from {tightness(one.least)} to "
        f"{tightness(one.most)}"
        for one in several
    ]
    data = BySeed(found, several, measure(rows))
    hollow = " Hollow: predicted, not yet proved." if any(not one.proved for one in found) else ""
    return Figure(
        name,
        f"Tightness by seed{heading}",
        f"{data.measure.capitalize()} of each network, by strategy; the bar is the mean.{hollow}",
        f"{_shortened(said)}.",
        data,
    )


def scaling_figures(rows: Sequence[Row]) -> list[Figure]:
    """Draw means by each size that varies while the others stay; none where all networks have one size."""
    result = []
    of_size: dict[str, Callable[[Row], tuple[int | None, object]]] = {
        "n_ctx": lambda row: (row.n_ctx, row.d_vocab),
        "d_vocab": lambda row: (row.d_vocab, row.n_ctx),
        "modulus": lambda row: (row.modulus, row.family),
    }
    for size, split in of_size.items():
        groups: dict[object, list[Row]] = {}
        for row in rows:
            if split(row)[0] is not None and (size == "modulus") == (row.modulus is not None):
                groups.setdefault(split(row)[1], []).append(row)
        for fixed, group in sorted(groups.items(), key=lambda item: natural(str(item[0]))):
            figure = _scaling(size, fixed, group, lambda row, split=split: split(row)[0])  # type: ignore[misc]
            if figure is not None:
                result.append(figure)
    return result


def _scaling(size: str, fixed: object, rows: Sequence[Row], of: Callable[[Row], int]) -> Figure | None:
    sizes = sorted({of(row) for row in rows})
    curves: dict[str, dict[int, Mean]] = {}
    for value in sizes:
        for one in means(points([row for row in rows if of(row) == value])):
            curves.setdefault(one.label, {})[value] = one
    curves = {label: curve for label, curve in sorted(curves.items(), key=lambda item: natural(item[0])) if len(curve) > 1}
    if not curves:
        return None
    data = Scaling(size, curves, measure(rows))
    said = [
        f"{label}: "
        + ", ".join(f"{value}: {scientific(one.operations)} and {tightness(one.tightness)}" for value, one in curve.items())
        for label, curve in curves.items()
    ]
    where = {"n_ctx": f"d_vocab = {fixed}", "d_vocab": f"K = {fixed}", "modulus": str(fixed)}[size]
    shown = "K" if size == "n_ctx" else size
    return Figure(
        f"scaling_{size}_{fixed}",
        f"Scaling with {shown}, {where}",
        f"Operations of the checker and {data.measure} by {shown}: means over networks; the bars span all of them.",
        f"Operations and tightness by {shown}. {_shortened(said)}.",
        data,
    )


def _mean_in_words(one: Mean) -> str:
    over = f" (mean of {one.points})" if one.points > 1 else ""
    return f"{one.label}: {scientific(one.operations)} operations, {tightness(one.tightness)}{over}"


def _shortened(said: Sequence[str]) -> str:
    more = [f"and {count(len(said) - MOST_SAID)} more"] if len(said) > MOST_SAID else []
    return "; ".join([*said[:MOST_SAID], *more])
