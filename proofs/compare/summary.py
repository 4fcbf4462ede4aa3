"""What people see of a comparison: a line for each group of networks and strategy, means and spread over the seeds."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import rich.box
from rich.console import Console
from rich.table import Table

from compact_proofs.proofs.table import STATUSES, Row, natural

SEED = re.compile(r"_seed[0-9]+")


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one strategy, with its parameters and bits, on the seeds of one recipe."""

    networks: str
    strategy: str
    parameters: str
    weight_bits: int
    rows: tuple[Row, ...]

    @property
    def bounded(self) -> list[Row]:
        return [row for row in self.rows if row.bound is not None]

    @property
    def ratios(self) -> list[float]:
        """Bound over the true count, or over the upper end of where it lies; above 1 for an upper bound."""
        return [row.bound / row.truth_high for row in self.bounded if row.bound is not None and row.truth_high]

    def mean_of(self, name: str) -> float | None:
        """Return the mean of a field over the rows that have it; of operations the geometric one."""
        values = [getattr(row, name) for row in self.rows if getattr(row, name) is not None]
        if not values:
            return None
        if name == "operations":
            return math.exp(sum(math.log(max(1, value)) for value in values) / len(values))
        return statistics.mean(values)

    def statuses(self) -> list[tuple[str, int]]:
        """Return how many rows there are of each status that occurs."""
        counts = [(status, sum(row.status == status for row in self.rows)) for status in STATUSES]
        return [(status, count) for status, count in counts if count]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as a JSON object."""
        ratios = self.ratios
        return {
            "networks": self.networks,
            "strategy": self.strategy,
            "parameters": self.parameters,
            "weight_bits": self.weight_bits,
            "rows": len(self.rows),
            "status": {
                status: sum(row.status == status for row in self.rows) for status in sorted({r.status for r in self.rows})
            },
            "ratio_mean": statistics.mean(ratios) if ratios else None,
            "ratio_sd": statistics.pstdev(ratios) if ratios else None,
            "ratio_least": min(ratios, default=None),
            "ratio_most": max(ratios, default=None),
        } | {f"{name}_mean": self.mean_of(name) for name in ("operations", "certificate_bytes", "search_s", "check_s")}


def groups(rows: Sequence[Row]) -> list[Group]:
    """Group the rows by recipe, strategy, parameters and bits; a recipe is a name without its seed."""
    found: dict[tuple[str, str, str, int], list[Row]] = {}
    for row in rows:
        found.setdefault((SEED.sub("", row.model), row.strategy, row.parameters, row.weight_bits), []).append(row)
    return [Group(*key, tuple(group)) for key, group in found.items()]


def show(rows: Sequence[Row], console: Console) -> None:
    """Print a table for the networks of each recipe, a line for each strategy with its parameters."""
    of_networks: dict[str, list[Group]] = {}
    for group in groups(rows):
        of_networks.setdefault(group.networks, []).append(group)
    for networks in sorted(of_networks, key=natural):
        found = of_networks[networks]
        seeds = len({row.model for group in found for row in group.rows})
        console.print(f"[bold]{networks}[/]" + (f", {seeds} seeds" if seeds > 1 else ""))
        table = Table(box=rich.box.SIMPLE, pad_edge=False)
        for name in ("strategy", "status", "bound/true", "spread", "operations", "certificate", "search", "coqc"):
            table.add_column(name, justify="left" if name in ("strategy", "status") else "right", no_wrap=name != "status")
        for group in found:
            ratios = group.ratios
            table.add_row(
                " ".join(word for word in (group.strategy, group.parameters, f"{group.weight_bits} bits") if word),
                ", ".join(f"{count} {status}" for status, count in group.statuses()),
                f"{statistics.mean(ratios):.4f}" if ratios else "",
                f"{min(ratios):.4f}..{max(ratios):.4f}" if len(ratios) > 1 else "",
                _figure(group.mean_of("operations"), "{:.2e}"),
                _figure(group.mean_of("certificate_bytes"), "{:,.0f} B"),
                _figure(group.mean_of("search_s"), "{:.1f} s"),
                _figure(group.mean_of("check_s"), "{:.1f} s"),
            )
        console.print(table)
    if any(row.bound is not None and not row.enumerated for row in rows):
        console.print("True counts that nobody can enumerate are taken at the upper end that is proved or predicted.")


def _figure(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
