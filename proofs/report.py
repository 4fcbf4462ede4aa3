"""The report of a finished proof: `Report`, its JSON form (report.json) and what people see (`show`).

Counts of inputs are decimal strings in the JSON, since 64^20 exceeds a double. A ratio is for display only and is rounded
down, or up where it stands for "at most".
"""

from __future__ import annotations

import dataclasses
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rich.box
from rich.console import Console
from rich.errors import MarkupError
from rich.table import Table

from compact_proofs.extract.distribution import Distribution
from compact_proofs.models.errors import InputRefused, UsageError
from compact_proofs.models.evaluate import Disagreement, Evaluation
from compact_proofs.models.files import write_atomic
from compact_proofs.proofs.words import MOST_DIGITS, percent

SCHEMA = 2
STAGES = ("quantise", "evaluate", "theory", "search", "generate", "coqc", "coqchk")
COUNTS = ("n_inputs", "proved_correct", "true_correct")


@dataclass(frozen=True, slots=True)
class Report:
    """All that is known about one proof that Coq accepted.

    Fields: statement: `at_least`, `at_most` or `exactly`; true_correct: of the quantised network, None where it is not known;
    *_accuracy: right inputs as a ratio, over all inputs or a sample; float_evaluation, quantised_evaluation,
    disagreement: the counts behind them; certificate_bytes: of the definitions in Certificate.v; checker_operations: see
    docs; seconds: by stage; search_reused: the search was not run again; peak_rss_mb: largest of all coqc and coqchk
    runs, 2^20 bytes; mechanism: what the search has understood of the network, in words; brute_force_estimate_s: what
    enumerating the inputs would take, None where not measured. distribution: see `of_distribution`; where there is one, n_inputs,
    proved_correct and true_correct are weights, while *_accuracy and the evaluations go on to count inputs alike.
    """

    model: str
    strategy: str
    family: str
    sizes: dict[str, int]
    weight_bits: int
    n_inputs: int
    statement: str
    proved_correct: int
    true_correct: int | None
    float_accuracy: float
    quantised_accuracy: float
    float_evaluation: dict[str, Any]
    quantised_evaluation: dict[str, Any]
    disagreement: dict[str, Any]
    certificate_bytes: int
    checker_operations: int
    seconds: dict[str, float]
    search_reused: bool
    peak_rss_mb: float
    assumptions: list[str]
    theorem: str
    theorem_in_words: str
    files: dict[str, str]
    coq_version: str
    weights_sha256: str
    quantised_sha256: str
    command: str
    brute_force_estimate_s: float | None = None
    mechanism: list[str] = dataclasses.field(default_factory=list)
    distribution: dict[str, Any] | None = None

    def to_json(self) -> str:
        """Return the text of report.json: sorted keys, counts of inputs as strings."""
        value = dataclasses.asdict(self) | {"schema": SCHEMA}
        for key in COUNTS:
            value[key] = None if value[key] is None else str(value[key])
        return json.dumps(value, indent=2, sort_keys=True) + "\n"

    def save(self, path: Path) -> None:
        """Write report.json by a rename."""
        write_atomic(path, self.to_json().encode())

    @classmethod
    def load(cls, path: Path) -> Report:
        """Read report.json.

        Raises: UsageError: there is none. InputRefused: it is not one of ours, or cannot be shown.
        """
        if not path.is_file():
            raise UsageError(f"no finished proof: {path} does not exist; run `compact-proofs prove` first")
        try:
            value = json.loads(path.read_bytes())
            if value.pop("schema") != SCHEMA:
                raise ValueError("another schema")
            for key in COUNTS:
                value[key] = None if value[key] is None else int(value[key])
            report = cls(**value)
            show(report, Console(file=io.StringIO()))
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError, MarkupError) as error:
            raise InputRefused(f"{path}: not a report of this version ({error}); prove again") from error
        return report


def of_distribution(distribution: Distribution, quantised: Evaluation) -> dict[str, Any]:
    """Return what a report says of a distribution: name, hash, and what the quantised network gets right under it: weights of all
    inputs, or counts of a sample where not exhaustive."""
    found = {name: str(value) for name, value in dataclasses.asdict(quantised).items() if name != "exhaustive"}
    return {"name": distribution.name, "sha256": distribution.sha256, "quantised": found | {"exhaustive": quantised.exhaustive}}


def duration(seconds: float) -> str:
    """Return, for example, "796 s", "20 hours", "4.4e+06 years"."""
    for size, unit in ((365.25 * 86_400, "years"), (86_400, "days"), (3600, "hours")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}" if seconds < 10_000 * size else f"{seconds / size:.1e} {unit}"
    return f"{seconds:,.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


SIZES = ("n_ctx", "d_vocab", "modulus", "coefficient", "d_model", "d_head", "d_attn", "d_mlp")  # as they are shown


def show(report: Report, console: Console) -> None:
    """Print a report for people."""
    what = f"{report.model}, {report.strategy}: [bold]{report.theorem_in_words}[/]"
    console.print(f"[bold green]Proved[/]: {what}.", soft_wrap=True)
    console.print(report.theorem, markup=False, highlight=False, soft_wrap=True)
    table = Table(box=rich.box.SIMPLE, show_header=False, pad_edge=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    sizes = sorted(report.sizes.items(), key=lambda size: SIZES.index(size[0]))
    network = ", ".join(f"{'K' if name == 'n_ctx' else name}={size}" for name, size in sizes)
    table.add_row("network", f"{network}; weights of {report.weight_bits} bits")
    table.add_row("quantised network", _evaluation(report.quantised_evaluation))
    table.add_row("float network", _evaluation(report.float_evaluation))
    if report.distribution is not None:
        table.add_row("distribution", f"{report.distribution['name']}, sha256 {report.distribution['sha256'][:8]}..")
        table.add_row("quantised, under it", _weighted(report.distribution["quantised"]))
    table.add_row("their answers differ", Disagreement(**report.disagreement).in_words())
    if report.mechanism:
        table.add_row("mechanism", "\n".join(report.mechanism))
    table.add_row("certificate", f"{report.certificate_bytes:,} bytes")
    table.add_row("checker", f"{report.checker_operations:,} operations")
    seconds = ", ".join(f"{stage} {report.seconds[stage]:.1f}" for stage in STAGES)
    table.add_row("seconds", seconds + (" (search reused)" if report.search_reused else ""))
    if report.brute_force_estimate_s is not None:
        estimate = report.brute_force_estimate_s
        table.add_row("brute force", f"would take {duration(estimate)}")
    table.add_row("memory", f"{report.peak_rss_mb:,.0f} MB at most")
    table.add_row("rests on", f"Coq {report.coq_version} and {_assumptions(report.assumptions)}")
    table.add_row("files", "\n".join(sorted(report.files.values())))
    console.print(table)


def _evaluation(value: dict[str, Any]) -> str:
    return Evaluation(**value).in_words()


def _weighted(value: dict[str, Any]) -> str:
    """For example "99.9571 % of the weight right (123 of 456)"; of a sample "99.95 % of 100,000 inputs drawn by it right"."""
    right, undecided, total = (int(value[name]) for name in ("right", "undecided", "total"))
    share = f"{10**6 * right // total / 10**4:.4f} %"
    if not value["exhaustive"]:
        return f"{share} of {total:,} inputs drawn by its weights right"
    numbers = f" ({right:,} of {total:,})" if len(str(total)) <= MOST_DIGITS else ""
    close = f", {percent(undecided, total, up=True)} too close to call" if undecided else ""
    return f"{share} of its weight right{numbers}{close}"


def _assumptions(names: list[str]) -> str:
    """For example "3 assumptions: Classical_Prop: classic; PrimInt63: add, int"."""
    if not names:
        return "no axiom"
    modules: dict[str, list[str]] = {}
    for name in names:
        module, _, last = name.rpartition(".")
        modules.setdefault(module, []).append(last)
    return f"{len(names)} assumptions: " + "; ".join(f"{module}: {', '.join(group)}" for module, group in modules.items())
