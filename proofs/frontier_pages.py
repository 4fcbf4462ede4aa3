"""docs/frontier.md and docs/modular_frontier.md, made of the rows of a comparison: `max_of_k_page`, `modular_page`."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Sequence

from compact_proofs.models.errors import CompactProofsError
from compact_proofs.models.modular.config import ModularConfig
from compact_proofs.models.weights import load_config
from compact_proofs.proofs.registry import strategies
from compact_proofs.proofs.table import Row, natural

RANKS = (0, 1, 2, 3, 4, 6, 8, 12, 16)  # of the curve of low_rank_unembedding
BRUTE = "brute_force"
SEED = re.compile(r"_seed[0-9]+")


def max_of_k_page(rows: Sequence[Row]) -> str:
    """Return the table of means over seeds as Markdown."""
    sizes = sorted({(row.n_ctx or 0, row.d_vocab or 0) for row in rows})
    lines = [
        "# The frontier: how short a proof, how tight a bound",
        "",
        "Made by `make frontier`; every network by itself is in [frontier.csv](frontier.csv), with the columns of a",
        "[comparison](compare.md). Bound over the true number of right inputs (K=4: enumerated) or over the upper end that",
        "`wrong_count` proves (K=10, 20): mean over seeds, smallest in brackets; operations of the checker. The row of",
        "`wrong_count` is the width between its bound and the true number, or the best lower bound, over all inputs. N/M: N",
        "seeds, of which M are proved in Coq, the others predicted by the mirror.",
        "",
        "| strategy | " + " | ".join(f"K={n} d={d}" for n, d in sizes) + " |",
        "|---|" + "---|" * len(sizes),
    ]
    known = [name for name in strategies() if any(row.strategy == name for row in rows)]
    for name in known:
        groups = [[row for row in rows if (row.n_ctx, row.d_vocab) == size and row.strategy == name] for size in sizes]
        lines.append(
            f"| {name} | " + " | ".join(_cell([row for row in group if row.bound is not None]) for group in groups) + " |"
        )
    return "\n".join(lines) + "\n"


def _cell(group: Sequence[Row]) -> str:
    if not group:
        return ""
    proved = sum(row.status == "proved" for row in group)
    operations = math.exp(sum(math.log(row.operations or 1) for row in group) / len(group))
    if group[0].statement == "at_most":
        widths = [((row.bound or 0) - (row.truth_low or 0)) / row.inputs for row in group]
        return f"width {statistics.mean(widths):.5f} ({max(widths):.5f}), {operations:.1e} ops, {len(group)}/{proved}"
    ratios = [(row.bound or 0) / (row.truth_high or row.inputs) for row in group]
    seconds = sorted(row.check_s for row in group if row.check_s is not None)
    coqc = f", coqc {seconds[len(seconds) // 2]:.0f} s" if seconds else ""
    return f"{statistics.mean(ratios):.4f} ({min(ratios):.4f}), {operations:.1e} ops{coqc}, {len(group)}/{proved}"


def modular_page(rows: Sequence[Row]) -> str:
    """Return the tables as Markdown: the zoo, means over seeds, the ranks of low_rank_unembedding."""
    rows = sorted(
        (row for row in rows if row.bound is not None),
        key=lambda row: (natural(row.model), row.strategy, row.weight_bits, natural(row.parameters)),
    )
    brute = {row.model: row.operations or 1 for row in rows if row.strategy == BRUTE}
    lines = [
        "# Modular arithmetic: how short a proof, how tight a bound",
        "",
        "Made by `make frontier TASK=modular`; all numbers are in [modular_frontier.csv](modular_frontier.csv), with the columns",
        "of a [comparison](compare.md). Proved: pairs that a theorem says are answered right, of all p^2; shorter: operations of",
        "brute force over those of this checker, on the same network. Seconds of coqc are those of Weights.v, Certificate.v and",
        "Theorem.v together; where there are none, the bound is the mirror's prediction.",
        "",
        "## The zoo",
        "",
        "| network | p | width | strategy | proved | true | share | operations | shorter | certificate | coqc |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in (row for row in rows if not SEED.search(row.model) and not row.parameters):
        size = f"{row.certificate_bytes:,} B" if row.certificate_bytes is not None and row.status == "proved" else ""
        seconds = f"{row.check_s:.1f} s" if row.check_s is not None else ""
        lines.append(
            f"| {row.model} | {row.modulus} | {_width(row.model)} | {row.strategy}, {row.weight_bits} bits "
            f"| {row.bound:,} | {_true(row)} | {100 * _share(row):.2f} % | {row.operations:.2e} "
            f"| {_shorter(row, brute)} | {size} | {seconds} |"
        )
    lines += [
        "",
        "## Over seeds",
        "",
        "| networks | p | strategy | seeds | mean | spread (sd) | least | most | at 95 % or more | shorter (mean) |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    groups: dict[tuple[str, int, str], list[Row]] = {}
    for row in rows:
        if SEED.search(row.model) and not row.parameters and row.strategy != BRUTE:
            key = (SEED.sub("", row.model), row.modulus or 0, f"{row.strategy}, {row.weight_bits} bits")
            groups.setdefault(key, []).append(row)
    for (name, modulus, strategy), group in sorted(groups.items()):
        shares = [_share(row) for row in group]
        shorter = statistics.mean(brute.get(row.model, 0) / (row.operations or 1) for row in group)
        lines.append(
            f"| {name} | {modulus} | {strategy} | {len(group)} | {statistics.mean(shares):.4f} | {statistics.pstdev(shares):.4f} "
            f"| {min(shares):.4f} | {max(shares):.4f} | {sum(share >= 0.95 for share in shares)} of {len(group)} "
            f"| {shorter:.1f} |"
        )
    lines += ["", "## Ranks of low_rank_unembedding", "", "| network | " + " | ".join(map(str, RANKS)) + " |"]
    lines.append("|---|" + "---|" * len(RANKS))
    curves: dict[str, dict[str, Row]] = {}
    for row in rows:
        if row.strategy == "low_rank_unembedding" and row.parameters:
            curves.setdefault(row.model, {})[row.parameters] = row
    for name, curve in curves.items():
        cells = [curve.get(f"--rank {rank}") for rank in RANKS]
        shown = ["" if cell is None else f"{100 * _share(cell):.1f} %, {_shorter(cell, brute)}" for cell in cells]
        lines.append(f"| {name} | " + " | ".join(shown) + " |")
    lines.append("\nEach cell: share of all pairs, times shorter than brute force.")
    return "\n".join(lines) + "\n"


def _share(row: Row) -> float:
    return (row.bound or 0) / row.inputs


def _shorter(row: Row, brute: dict[str, int]) -> str:
    return f"{brute[row.model] / (row.operations or 1):.1f}" if row.model in brute else ""


def _true(row: Row) -> str:
    return f"{row.truth_high:,}" if row.enumerated else ""


def _width(model: str) -> str:
    """Return d_mlp; nothing of a network that is not here any more."""
    try:
        config = load_config(model)
    except CompactProofsError:
        return ""
    return str(config.d_mlp) if isinstance(config, ModularConfig) else ""
