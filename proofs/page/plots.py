"""How each kind of data is drawn with matplotlib: `PLOTS` has, for each, the function, the width and the height in inches.

Narrow enough to be read on a telephone. Every function gets an empty matplotlib Figure and fills it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from compact_proofs.proofs.page.figures import ByDistance, BySeed, CostAndBound, HeatMap, Mean, Phases, Point, Scaling, Spectra
from compact_proofs.proofs.page.numbers import power_of_ten, scientific
from compact_proofs.proofs.page.style import ACCENT, FAINT, GREY, INK, VERMILION, Nines, style_of

WIDTH = 5.6
FARTHEST = 4  # brute force is drawn where it is, if it costs at most 10^4 times what is drawn else
LEAST_WEIGHT = 1e-12  # smaller attention is not drawn
MOST_ROWS = 16  # frequencies with their neurons


def cost_and_bound(canvas: Any, data: CostAndBound) -> None:
    axes = canvas.subplots()
    nines = Nines([*_reached(data.points, data.means), *(one.tightness for one in data.published)])
    alone = {mean.label for mean in data.means}
    shown: dict[str, list[tuple[float, float, str]]] = {}
    for one in sorted(data.points, key=lambda one: (-one.tightness, one.label)):
        place = nines.place(one.tightness)
        if one.label in alone:
            _mark(axes, one.operations, place, one.strategy, 16, one.proved, None, True)
            continue
        _mark(axes, one.operations, place, one.strategy, 46, one.proved, None if one.strategy in shown else one.strategy, False)
        shown.setdefault(one.strategy, []).append((float(one.operations or 1), place, one.parameters))
    for mean in data.means:
        label = None if mean.strategy in shown else f"{mean.strategy} (mean of {mean.points})"
        _mark(axes, mean.operations, nines.place(mean.tightness), mean.strategy, 80, True, label, False)
        parameters = mean.label.removeprefix(mean.strategy).strip()
        shown.setdefault(mean.strategy, []).append((mean.operations, nines.place(mean.tightness), parameters))
    for strategy, places in shown.items():
        _curve(axes, strategy, sorted(places))
    for number, other in enumerate(data.published):
        place = nines.place(other.tightness)
        label = "published (FLOPs)" if number == 0 else None
        axes.scatter(other.flops, place, marker="x", s=34, color=GREY, linewidths=1.4, label=label, zorder=3)
        _say(axes, other.strategy, other.flops, place)
    reached = [*(x for places in shown.values() for x, _, _ in places), *(float(one.operations or 1) for one in data.points)]
    reached += [other.flops for other in data.published]
    if data.brute_force is not None:
        reached += _brute_force(axes, data.brute_force, max(reached))
    axes.set_xlabel("operations of the checker")
    axes.set_ylabel(data.measure)
    axes.set_ylim(*nines.limits())
    _nines(axes.yaxis, nines)
    axes.grid(alpha=0.8)
    pad = max((max(reached) / min(reached)) ** 0.12, 1.5)
    axes.set_xlim(min(reached) / pad, max(reached) * pad)
    _logarithmic(axes.xaxis)
    canvas.legend(loc="outside lower center", ncols=2, handletextpad=0.3, columnspacing=1.2)


def _reached(points: Sequence[Point], means: Sequence[Mean]) -> list[float]:
    return [*(one.tightness for one in points), *(one.tightness for one in means)]


def _curve(axes: Any, strategy: str, places: list[tuple[float, float, str]]) -> None:
    """Join what one strategy reaches by other parameters, and say which."""
    if len({parameters for _, _, parameters in places}) < 2:
        return
    axes.plot([x for x, _, _ in places], [y for _, y, _ in places], color=style_of(strategy)[0], linewidth=0.8, zorder=2)
    for x, y, parameters in places:
        _say(axes, parameters.replace("--", ""), x, y)


def _say(axes: Any, text: str, x: float, y: float) -> None:
    axes.annotate(text, (x, y), xytext=(6, -3), textcoords="offset points", fontsize=7.5, color=GREY)


def _mark(axes: Any, x: float | None, y: float, strategy: str, size: int, proved: bool, label: str | None, faint: bool) -> None:
    colour, marker = style_of(strategy)
    face = colour if proved else "white"
    axes.scatter(
        x, y, marker=marker, s=size, facecolor=face, edgecolor=colour, linewidths=0.9, alpha=0.45 if faint else 1, label=label,
        zorder=3 if faint else 4,
    )  # fmt: skip


def _brute_force(axes: Any, cost: int, most: float) -> list[float]:
    """Mark what brute force costs: by a line, or at the edge where it is too far from the most that is drawn else.

    Returns: where the line is, if there is one.
    """
    said = f"brute force\n{scientific(cost)}"
    how: dict[str, Any] = {"ha": "right", "va": "bottom", "fontsize": 7.5}
    if math.log10(cost) > math.log10(most) + FARTHEST:
        axes.annotate(f"{said} →", (0.99, 0.02), xycoords="axes fraction", multialignment="right", **how)
        return []
    axes.axvline(float(cost), color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=2)
    place = (float(cost), 0.02)
    axes.annotate(said, place, xycoords=("data", "axes fraction"), xytext=(-4, 0), textcoords="offset points", **how)
    return [float(cost)]


def _nines(axis: Any, nines: Nines) -> None:
    places, labels = nines.ticks()
    axis.set_ticks(places, labels)
    axis.set_minor_locator(_no_ticks())


def _no_ticks() -> Any:
    from matplotlib.ticker import NullLocator

    return NullLocator()


def _logarithmic(axis: Any) -> None:
    """Make an axis logarithmic, its ticks labelled 10⁸; between these too where it is short."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.axes.set_xscale("log") if axis.axis_name == "x" else axis.axes.set_yscale("log")
    low, high = axis.get_view_interval()
    if 0 < low < high < 100 * low:
        axis.set_major_locator(LogLocator(subs=(1, 3) if high > 12 * low else (1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(_of_tick))
    axis.set_minor_formatter(NullFormatter())


def _of_tick(value: float, place: int) -> str:
    exponent = math.floor(math.log10(value) + 1e-9)
    digits = f"{value / 10.0**exponent:.2g}"
    return power_of_ten(exponent) if digits == "1" else f"{digits} × {power_of_ten(exponent)}"


def by_seed(canvas: Any, data: BySeed) -> None:
    axes = canvas.subplots()
    nines = Nines(_reached(data.points, data.means))
    labels = [mean.label for mean in data.means][::-1]
    for mean in data.means:
        row = labels.index(mean.label)
        group = [one for one in data.points if one.label == mean.label]
        for number, one in enumerate(group):
            offset = 0.5 * (number + 0.5) / len(group) - 0.25
            _mark(axes, nines.place(one.tightness), row + offset, one.strategy, 18, one.proved, None, False)
        axes.plot([nines.place(mean.tightness)] * 2, [row - 0.36, row + 0.36], color=INK, linewidth=1.4, zorder=5)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.set_xlim(*nines.limits())
    axes.set_xlabel(data.measure)
    _nines(axes.xaxis, nines)
    axes.grid(axis="x", alpha=0.8)


def scaling(canvas: Any, data: Scaling) -> None:
    above, below = canvas.subplots(2, 1, sharex=True)
    every = [one for curve in data.curves.values() for one in curve.values()]
    nines = Nines([value for one in every for value in (one.least, one.tightness, one.most)])
    sizes = sorted({size for curve in data.curves.values() for size in curve})
    for number, (label, curve) in enumerate(data.curves.items()):
        strategy = next(iter(curve.values())).strategy
        colour, marker = style_of(strategy)
        shift = 1 + 0.012 * (number - len(data.curves) / 2)
        places = [size * shift for size in curve]
        how = {"color": colour, "marker": marker, "markersize": 5, "linewidth": 1.2}
        if all(one.operations for one in curve.values()):
            above.plot(list(curve), [one.operations for one in curve.values()], **how)
        below.plot(places, [nines.place(one.tightness) for one in curve.values()], label=label, **how)
        ends = [[nines.place(one.least) for one in curve.values()], [nines.place(one.most) for one in curve.values()]]
        below.vlines(places, *ends, color=colour, linewidth=0.9, alpha=0.7)
    above.set_xscale("log", base=2)
    _logarithmic(above.yaxis)
    above.set_ylabel("operations of the checker")
    below.set_ylabel(data.measure)
    below.set_ylim(*nines.limits())
    _nines(below.yaxis, nines)
    below.set_xlabel("K" if data.size == "n_ctx" else data.size)
    below.set_xticks(sizes, [str(size) for size in sizes])
    below.xaxis.set_minor_locator(_no_ticks())
    above.grid(alpha=0.8)
    below.grid(alpha=0.8)
    canvas.legend(loc="outside lower center", ncols=2, handletextpad=0.4, columnspacing=1.2)


def heat_map(canvas: Any, data: HeatMap) -> None:
    from matplotlib.colors import LogNorm, TwoSlopeNorm

    if data.margins is None:
        axes, side = canvas.subplots(), None
    else:
        axes, side = canvas.subplots(1, 2, sharey=True, width_ratios=(4, 1))
    values = data.values.astype(float)
    norm: Any = None
    if data.scale == "counts":
        shown, norm = np.where(values > 0, values, np.nan), LogNorm(1, max(2.0, float(values.max(initial=0))))
        colours = "magma_r"
    elif data.scale == "diverging":
        most = max(float(np.abs(values).max(initial=0)), 1e-12)
        shown, norm, colours = values, TwoSlopeNorm(0, -most, most), "PuOr_r"
    else:
        shown, colours = values, "viridis"
    image = axes.imshow(shown, origin="lower", cmap=colours, norm=norm, aspect="auto", interpolation="none")
    axes.set_xlabel(data.column_label)
    axes.set_ylabel(data.row_label)
    for edge in ("left", "bottom"):
        axes.spines[edge].set_visible(False)
    bar = canvas.colorbar(image, ax=axes, location="top", shrink=0.9, aspect=36, pad=0.02, label=data.value_label)
    bar.outline.set_visible(False)
    if data.scale == "counts":
        _logarithmic(bar.ax.xaxis)
        axes.plot([-0.5, len(values) - 0.5], [-0.5, len(values) - 0.5], color=FAINT, linewidth=0.8, zorder=0)
    if side is not None:
        _margins(side, data)


def _margins(side: Any, data: HeatMap) -> None:
    assert data.margins is not None and data.marked is not None
    rows = np.arange(len(data.margins))
    marked = data.marked.astype(bool)
    for chosen, colour, label in ((~marked, ACCENT, None), (marked, VERMILION, data.marked_label)):
        if chosen.any():
            side.barh(rows[chosen], data.margins[chosen], height=0.85, color=colour, label=label)
    side.set_xlabel("top-two gap")
    side.set_xlim(left=0)
    side.tick_params(left=False, labelleft=False)
    side.spines["left"].set_visible(False)
    side.grid(axis="x", alpha=0.8)
    side.locator_params(axis="x", nbins=3)
    if marked.any():
        side.figure.legend(loc="outside lower right", handlelength=1, borderaxespad=0)


def by_distance(canvas: Any, data: ByDistance) -> None:
    axes = canvas.subplots()
    distances = np.arange(1, len(data.mean) + 1)
    columns = [np.maximum(one, 1e-300) for one in (data.low, data.high, data.mean, data.median, data.most)]
    low, high, mean, median, most = columns
    axes.fill_between(distances, low, high, color=ACCENT, alpha=0.2, linewidth=0, label="80 % of all cases")
    axes.plot(distances, mean, color=ACCENT, linewidth=1.6, label="mean")
    axes.plot(distances, median, color=INK, linewidth=1, linestyle=(0, (4, 2)), label="median")
    axes.plot(distances, most, color=VERMILION, linewidth=0.9, linestyle=(0, (1, 1.5)), label="largest")
    axes.set_ylim(max(LEAST_WEIGHT, min(0.1, 0.5 * float(low.min()))), 3 * max(1.0, float(most.max())))
    _logarithmic(axes.yaxis)
    axes.axhline(1, color=GREY, linewidth=0.7)
    axes.set_xlim(1, max(2, len(distances)))
    axes.set_xlabel("distance δ below the largest token")
    axes.set_ylabel("attention relative to the maximum")
    axes.grid(alpha=0.8)
    axes.legend(loc="best")


def spectra(canvas: Any, data: Spectra) -> None:
    panels = canvas.subplots(len(data.shares), 1, sharex=True, squeeze=False)[:, 0]
    most = max(float(share.max(initial=0)) for share in data.shares.values())
    for axes, (name, share) in zip(panels, data.shares.items(), strict=True):
        frequencies = np.arange(1, len(share) + 1)
        axes.bar(frequencies, share, width=0.8, color=ACCENT)
        axes.set_ylim(0, 1.22 * max(most, 1e-9))
        axes.set_title(name, loc="left")
        axes.grid(axis="y", alpha=0.8)
        for k in np.argsort(-share, kind="stable")[:8]:
            if share[k] > 0.03:
                axes.annotate(str(k + 1), (k + 1, share[k]), xytext=(0, 2), textcoords="offset points", ha="center", fontsize=7.5)
    panels[-1].xaxis.get_major_locator().set_params(integer=True)
    panels[-1].set_xlabel(f"frequency k of {data.order}")
    canvas.supylabel("share of the power", fontsize=9)


def phases(canvas: Any, data: Phases) -> None:
    left, right = canvas.subplots(1, 2, sharey=True)
    order = data.by_neurons()[:MOST_ROWS]
    places = {k: len(order) - 1 - number for number, k in enumerate(order)}
    chosen = np.isin(data.frequency, order)
    rows = np.array([places[k] for k in data.frequency[chosen].tolist()])
    for axes, values in ((left, data.inputs), (right, data.turned)):
        axes.hlines(range(len(order)), *((0, 360) if axes is left else (-180, 180)), color=FAINT, linewidth=0.7)
        axes.scatter(values[chosen], rows, s=20, color=ACCENT, alpha=0.45, linewidths=0)
        axes.set_ylim(-0.7, len(order) - 0.3)
    left.set_yticks(range(len(order)), [str(k) for k in reversed(order)])
    left.set_ylabel("dominant frequency")
    left.set_xlim(-8, 368)
    left.set_xticks([0, 90, 180, 270, 360])
    left.set_xlabel("phases of both inputs, degrees")
    right.set_xlim(-188, 188)
    right.set_xticks([-180, -90, 0, 90, 180])
    right.set_xlabel("output phase less these")
    right.axvline(0, color=GREY, linewidth=0.7)
    right.tick_params(left=False)


Height = float | Callable[[Any], float]
PLOTS: dict[type, tuple[Callable[[Any, Any], None], float, Height]] = {
    CostAndBound: (cost_and_bound, WIDTH, 4.7),
    BySeed: (by_seed, WIDTH, lambda data: 1.1 + 0.42 * len(data.means)),
    Scaling: (scaling, WIDTH, 6.0),
    HeatMap: (heat_map, WIDTH, 5.2),
    ByDistance: (by_distance, WIDTH, 4.2),
    Spectra: (spectra, WIDTH, lambda data: 0.9 + 1.35 * len(data.shares)),
    Phases: (phases, WIDTH, lambda data: 1.2 + 0.3 * min(MOST_ROWS, len(data.by_neurons()))),
}
