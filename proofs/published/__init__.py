"""Figures of the reference work, as data with their source: `published_points` reads max_of_k.csv, beside this file."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

MAX_OF_K = Path(__file__).with_name("max_of_k.csv")


@dataclass(frozen=True, slots=True)
class PublishedPoint:
    """A published proof of max-of-K networks. tightness: bound over accuracy; flops: of the verification; source: where from."""

    strategy: str
    n_ctx: int
    d_vocab: int
    tightness: float
    flops: float
    source: str


def published_points(n_ctx: int | None, d_vocab: int | None) -> tuple[PublishedPoint, ...]:
    """Return what is published of networks of this size."""
    with MAX_OF_K.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    points = []
    for row in rows:
        figures = float(row["bound_over_accuracy"]), float(row["flops"])
        points.append(PublishedPoint(row["strategy"], int(row["K"]), int(row["d_vocab"]), *figures, row["source"]))
    return tuple(point for point in points if (point.n_ctx, point.d_vocab) == (n_ctx, d_vocab))
