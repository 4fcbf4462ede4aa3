"""A figure as data: `Figure`, and the kinds of data that `drawing` can draw, each with the rows of its CSV. Numpy only."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from compact_proofs.proofs.published import PublishedPoint

Cells = Iterable[Sequence[object]]
Scale = Literal["sequential", "diverging", "counts"]


class Data(Protocol):
    """Numbers to draw."""

    def rows(self) -> Cells:
        """Return the rows of the CSV, the header first."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. name: of its files; alternative: what it shows in words, with the numbers that matter."""

    name: str
    title: str
    caption: str
    alternative: str
    data: Data

    def csv(self) -> str:
        """Return the numbers as CSV."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(self.data.rows())
        return text.getvalue()


@dataclass(frozen=True, slots=True)
class Point:
    """A proof by its length and its tightness: bound over the true count (or truth over bound), 1 for an exact count.

    proved: in Coq, else predicted by the mirror of the checker.
    """

    strategy: str
    parameters: str
    model: str
    seed: int | None
    operations: int | None
    tightness: float
    proved: bool

    @property
    def label(self) -> str:
        return f"{self.strategy} {self.parameters}".strip()


@dataclass(frozen=True, slots=True)
class Mean:
    """The points of one strategy: geometric mean of their operations (0 where none has them), mean and range of tightness."""

    label: str
    strategy: str
    points: int
    operations: float
    tightness: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class CostAndBound:
    """Proof length against tightness. measure: what a bound is divided by; brute_force: what enumeration would cost."""

    points: tuple[Point, ...]
    means: tuple[Mean, ...]
    published: tuple[PublishedPoint, ...]
    brute_force: int | None
    measure: str

    def rows(self) -> Cells:
        yield "strategy", "model", "seed", "operations", "tightness", "kind"
        for one in self.points:
            kind = "proved" if one.proved else "predicted"
            yield one.label, one.model, one.seed, one.operations, one.tightness, kind
        for mean in self.means:
            yield mean.label, "", "", mean.operations, mean.tightness, f"mean of {mean.points}"
        for other in self.published:
            yield other.strategy, "", "", other.flops, other.tightness, other.source
        if self.brute_force is not None:
            yield "brute force", "", "", self.brute_force, 1, "cost by formula"


@dataclass(frozen=True, slots=True)
class BySeed:
    """Tightness of every network, by strategy."""

    points: tuple[Point, ...]
    means: tuple[Mean, ...]
    measure: str

    def rows(self) -> Cells:
        yield "strategy", "model", "seed", "tightness", "kind"
        for one in self.points:
            yield one.label, one.model, one.seed, one.tightness, "proved" if one.proved else "predicted"


@dataclass(frozen=True, slots=True)
class Scaling:
    """Means of each strategy by a size of the network; size: its name."""

    size: str
    curves: dict[str, dict[int, Mean]]
    measure: str

    def rows(self) -> Cells:
        yield "strategy", self.size, "networks", "operations", "tightness", "least", "most"
        for label, curve in self.curves.items():
            for size, mean in curve.items():
                yield label, size, mean.points, mean.operations, mean.tightness, mean.least, mean.most


@dataclass(frozen=True, slots=True, eq=False)
class HeatMap:
    """A matrix, and for each row perhaps a margin; marked: rows whose margin is shown in the other colour.

    scale: "counts" are logarithmic, 0 is left white; "diverging" has 0 in the middle.
    """

    values: Shaped[np.ndarray, "rows columns"]
    row_label: str
    column_label: str
    value_label: str
    scale: Scale
    margins: Float64[np.ndarray, " rows"] | None = None
    marked: Shaped[np.ndarray, " rows"] | None = None
    marked_label: str = ""

    def rows(self) -> Cells:
        head = [f"{self.row_label} \\ {self.column_label}", *range(self.values.shape[1])]
        yield head if self.margins is None else [*head, "margin"]
        exact = self.values.dtype == object
        for number, row in enumerate(self.values):
            cells: list[Any] = [number, *row] if exact else [number, *(f"{value:.5g}" for value in row)]
            yield cells if self.margins is None else [*cells, f"{self.margins[number]:.5g}"]


@dataclass(frozen=True, slots=True, eq=False)
class ByDistance:
    """Attention weight of a token relative to that of the largest, by how far it lies below: arrays by distance 1, 2, .."""

    cases: Int64[np.ndarray, " distances"]
    mean: Float64[np.ndarray, " distances"]
    low: Float64[np.ndarray, " distances"]
    median: Float64[np.ndarray, " distances"]
    high: Float64[np.ndarray, " distances"]
    most: Float64[np.ndarray, " distances"]

    def rows(self) -> Cells:
        yield "distance", "cases", "mean", "10 %", "median", "90 %", "largest"
        columns = (self.mean, self.low, self.median, self.high, self.most)
        for number, cases in enumerate(self.cases):
            yield number + 1, int(cases), *(f"{column[number]:.6g}" for column in columns)


@dataclass(frozen=True, slots=True, eq=False)
class Spectra:
    """Share of the power at each frequency 1, 2, .. of tables over tokens, the constant left out."""

    order: int
    shares: dict[str, Float64[np.ndarray, " frequencies"]]

    def rows(self) -> Cells:
        yield "frequency", *self.shares
        for number, row in enumerate(zip(*self.shares.values(), strict=True)):
            yield number + 1, *(f"{share:.6g}" for share in row)


@dataclass(frozen=True, slots=True, eq=False)
class Phases:
    """Each neuron's dominant frequency and, in degrees at it, the phase of its inputs (both added) and of its output less it."""

    order: int
    frequency: Int64[np.ndarray, " neurons"]
    inputs: Float64[np.ndarray, " neurons"]
    turned: Float64[np.ndarray, " neurons"]

    def by_neurons(self) -> list[int]:
        """Return the frequencies, that of most neurons first."""
        found, neurons = np.unique(self.frequency, return_counts=True)
        return [int(k) for _, k in sorted(zip((-neurons).tolist(), found.tolist(), strict=True))]

    def rows(self) -> Cells:
        yield "neuron", "frequency", "input phases added", "output phase less these"
        for number, row in enumerate(zip(self.frequency.tolist(), self.inputs, self.turned, strict=True)):
            yield number, row[0], f"{row[1]:.2f}", f"{row[2]:.2f}"
