"""The page of a comparison: `comparison_page` gathers what its table shows, by size of network, strategy and seed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.page import costs
from compact_proofs.proofs.page.content import Cell, Page, Section, Table
from compact_proofs.proofs.page.figures import Figure
from compact_proofs.proofs.page.model_page import SIGNS
from compact_proofs.proofs.page.numbers import count, scientific, tightness
from compact_proofs.proofs.strategies import brute_force
from compact_proofs.proofs.table import Row, natural, read_table
from compact_proofs.proofs.words import percent

Groups = dict[str, list[Row]]


def comparison_page(folder: Path) -> Page:
    """Gather the page of a comparison.

    Raises: UsageError: the folder has no table. InputRefused: a table that is damaged, or has no row.
    """
    rows = read_table(folder)
    if not rows:
        raise InputRefused(f"{folder}: the table has no row; run `compact-proofs compare` again")
    groups = by_size(rows)
    cost = [_cost(name, group, len(groups)) for name, group in groups.items()]
    seeds = [costs.seeds_figure(f"seeds_{slug(name)}", _heading(name, len(groups)), group) for name, group in groups.items()]
    figures = {
        "cost": ("How short, how tight", [one for one in cost if one is not None]),
        "seeds": ("How it varies", [one for one in seeds if one is not None]),
        "scaling": ("How it grows", costs.scaling_figures(rows)),
    }
    sections = [Section(name, heading, figures=tuple(found)) for name, (heading, found) in figures.items() if found]
    summary = means_table(groups)
    if summary is not None:
        sections.append(Section("means", "Means", table=summary))
    sections.append(Section("table", "Every proof", table=rows_table(rows)))
    return Page(
        title=f"Comparison: {folder.resolve().name}",
        kicker="Report of a comparison",
        lede=(_lede(rows),),
        facts=(
            ("networks", "; ".join(f"{len({row.model for row in group})} of {name}" for name, group in groups.items())),
            ("strategies", ", ".join(sorted({row.strategy for row in rows}, key=natural))),
            ("truth", _truth(rows)),
        ),
        sections=tuple(sections),
        footer=(f"Made by: compact-proofs report --comparison {folder}",),
    )


def by_size(rows: Sequence[Row]) -> Groups:
    """Return the rows by size of network, such as "K = 4, d_vocab = 64"."""
    found: Groups = {}
    for row in rows:
        found.setdefault(size_of(row), []).append(row)
    return dict(sorted(found.items(), key=lambda item: natural(item[0])))


def size_of(row: Row) -> str:
    """Say of which size a row's network is."""
    if row.modulus is not None:
        return f"{row.family}, p = {row.modulus}"
    return f"K = {row.n_ctx}, d_vocab = {row.d_vocab}" if row.n_ctx is not None else row.family


def slug(text: str) -> str:
    """Return a name for files."""
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")


def _heading(name: str, groups: int) -> str:
    return f", {name}" if groups > 1 else ""


def _cost(name: str, group: Sequence[Row], groups: int) -> Figure | None:
    first = group[0]
    enumerated = [row.operations for row in group if row.strategy == "brute_force" and row.operations is not None]
    brute = max(enumerated, default=None)
    if brute is None and first.n_ctx is not None and first.d_vocab is not None:
        brute = 2 * brute_force.estimate_operations(first.n_ctx, first.d_vocab)  # right, and wrong
    return costs.cost_figure(f"cost_{slug(name)}", _heading(name, groups), group, brute)


def _lede(rows: Sequence[Row]) -> str:
    number = {status: sum(row.status == status for row in rows) for status in ("proved", "predicted", "refused", "not run")}
    networks, tried = len({row.model for row in rows}), len({row.strategy for row in rows})
    said = f"{networks} network{'s' * (networks != 1)}, {tried} strateg{'ies' if tried != 1 else 'y'}: {number['proved']} "
    said += f"bound{'s' * (number['proved'] != 1)} proved in Coq, {number['predicted']} predicted by the mirror of the checker"
    if number["refused"]:
        said += f", {number['refused']} tried in vain"
    if number["not run"]:
        said += f", {number['not run']} not run"
    return f"{said}."


def _truth(rows: Sequence[Row]) -> str:
    known = costs.truths(rows).values()
    exact = sum(one.enumerated for one in known)
    if exact == len(known):
        return "the true count of right inputs is known for every network"
    return (
        f"the true count of right inputs is known for {exact} of {len(known)} networks, for the others the ends that are proved"
    )


def means_table(groups: Groups) -> Table | None:
    """Return the table of means by size and strategy; None where no strategy has two networks."""
    cells, several = [], False
    for name, group in groups.items():
        found = costs.points(group)
        for one in costs.means(found):
            several = several or one.points > 1
            proved = sum(point.proved for point in found if point.label == one.label)
            cells.append(
                {
                    "size": Cell(name if len(groups) > 1 else ""),
                    "strategy": Cell(one.label),
                    "mean tightness": Cell(tightness(one.tightness), one.tightness),
                    "least": Cell(tightness(one.least), one.least),
                    "operations": Cell(scientific(one.operations) if one.operations else "", one.operations),
                    "bounds": Cell(str(one.points), one.points),
                    "proved in Coq": Cell(str(proved), proved),
                }
            )
    if not several:
        return None
    caption = "Tightness is the bound over the true count; operations: geometric mean."
    return Table.of(caption, cells, ("mean tightness", "least", "operations", "bounds", "proved in Coq"))


def rows_table(rows: Sequence[Row]) -> Table:
    """Return the table with all rows."""
    known = costs.truths(rows)
    bits = len({row.weight_bits for row in rows}) > 1
    sizes = len({size_of(row) for row in rows}) > 1
    cells = []
    for row in rows:
        if row.bound is None:
            bound = share = tight = Cell("")
        else:
            value = known[row.model, row.weight_bits].tightness(row)
            bound = Cell(f"{SIGNS[row.statement]} {count(row.bound)}", row.bound)
            share = Cell(percent(row.bound, row.inputs, up=row.statement == "at_most"), row.bound / row.inputs)
            tight = Cell(tightness(value), value)
        cells.append(
            {
                "model": Cell(row.model),
                "seed": _number(row.seed),
                "size": Cell(size_of(row) if sizes else ""),
                "bits": Cell(str(row.weight_bits) if bits else "", row.weight_bits),
                "strategy": Cell(row.strategy),
                "parameters": Cell(row.parameters),
                "status": Cell(row.status),
                "right inputs": bound,
                "of all": share,
                "tightness": tight,
                "operations": Cell("") if row.operations is None else Cell(scientific(row.operations), row.operations),
                "certificate, bytes": _number(row.certificate_bytes),
                "search, s": _seconds(row.search_s),
                "coqc, s": _seconds(row.check_s),
                "reason": Cell(row.reason),
            }
        )
    texts = ("model", "size", "strategy", "parameters", "status", "reason")
    numeric = [name for name in cells[0] if name not in texts]
    return Table.of("A line for each strategy on each network.", cells, numeric)


def _number(value: int | None) -> Cell:
    return Cell("") if value is None else Cell(count(value), value)


def _seconds(value: float | None) -> Cell:
    return Cell("") if value is None else Cell(f"{value:.1f}", value)
