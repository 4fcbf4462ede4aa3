"""Measure the shipped proofs in one run: `bench_command`, behind `make bench`.

One table: what is proved against what is true, the checker's operations, seconds of coqc for the theorem and of coqchk,
memory, and what brute force would take on the same network in the same run. Seconds depend on the machine; the last column
is a ratio and hardly does.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from pathlib import Path

import rich.box
from rich.console import Console
from rich.table import Table

from compact_proofs.extract.families import quantise_network
from compact_proofs.models.files import write_atomic
from compact_proofs.models.weights import load_model
from compact_proofs.proofs import coqrun, pipeline
from compact_proofs.proofs.brute_cost import brute_force_seconds
from compact_proofs.proofs.registry import strategy_for
from compact_proofs.proofs.report import Report
from compact_proofs.proofs.words import percent

CASES = (("max_of_2", "brute_force"), ("max_of_2", "cubic"), ("max_of_k", "cubic"), ("max_of_k", "exact"))


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One measured proof. Seconds are wall-clock; theorem_s is coqc on Theorem.v, libraries loaded; memory in 2^20 bytes."""

    model: str
    strategy: str
    statement: str
    proved: int
    true: int | None
    n_inputs: int
    certificate_bytes: int
    operations: int
    prove_s: float
    theorem_s: float
    theorem_mb: float
    coqchk_s: float
    brute_force_s: float


def bench_command(out: Path, jobs: int) -> int:
    """Measure, print the table and write `out`/bench.json. Raises: as pipeline.prove."""
    limits = coqrun.Limits()
    root = coqrun.theory_root(out)
    console = Console()
    _say("theory, from clean")
    theory_s = coqrun.build_theory(root, jobs, limits, _say, clean=True).seconds
    rows = [_measure(model, name, root, out, jobs, limits) for model, name in CASES]
    value = {"theory_s": round(theory_s, 1), "rows": [dataclasses.asdict(row) for row in rows]}
    write_atomic(out / "bench.json", (json.dumps(value, indent=2, sort_keys=True) + "\n").encode())
    console.print(_table(rows))
    console.print(f"theory from clean: {theory_s:.0f} s with {jobs} jobs; details in {out / 'bench.json'}", highlight=False)
    return 0


def _measure(model: str, name: str, root: Path, out: Path, jobs: int, limits: coqrun.Limits) -> Row:
    _say(f"{model}, {name}")
    config, weights = load_model(model)
    chosen = strategy_for(config.family, name)
    options = pipeline.Options(out=out, jobs=jobs, command=f"bench {model} {name}")
    (out / model / name / "certificate.json").unlink(missing_ok=True)  # the search is measured too
    start = time.monotonic()
    report: Report = pipeline.prove(model, chosen, options, _say)
    prove_s = time.monotonic() - start
    theorem = coqrun.coqc(root, Path("generated", report.model, name, "Theorem.v"), limits)
    brute_s = brute_force_seconds(root, quantise_network(config, weights, report.weight_bits), limits)
    return Row(
        model=report.model,
        strategy=name,
        statement=report.statement,
        proved=report.proved_correct,
        true=report.true_correct,
        n_inputs=report.n_inputs,
        certificate_bytes=report.certificate_bytes,
        operations=report.checker_operations,
        prove_s=round(prove_s, 1),
        theorem_s=round(theorem.seconds, 2),
        theorem_mb=round(theorem.peak_rss_mb),
        coqchk_s=report.seconds["coqchk"],
        brute_force_s=round(brute_s, 2),
    )


def _table(rows: list[Row]) -> Table:
    table = Table(box=rich.box.SIMPLE)
    for title in ("model", "strategy"):
        table.add_column(title)
    for title in (
        "proved", "true", "of", "proved %", "operations", "certificate", "prove", "Theorem.v", "memory", "coqchk",
        "brute force would take",
    ):  # fmt: skip
        table.add_column(title, justify="right")
    for row in rows:
        sign = {"at_least": "≥", "at_most": "≤", "exactly": "="}[row.statement]
        brute = f"{row.brute_force_s:,.1f} s, {row.brute_force_s / row.theorem_s:,.1f} x"
        table.add_row(
            row.model, row.strategy, f"{sign} {row.proved:,}", "?" if row.true is None else f"{row.true:,}", f"{row.n_inputs:,}",
            percent(row.proved, row.n_inputs), f"{row.operations:,}", f"{row.certificate_bytes:,} B", f"{row.prove_s:.1f} s",
            f"{row.theorem_s:.2f} s", f"{row.theorem_mb:.0f} MB", f"{row.coqchk_s:.1f} s", brute,
        )  # fmt: skip
    return table


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
