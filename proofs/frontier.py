"""The frontier of proof length and tightness over many seeds: `frontier_command`, behind `make frontier`.

Two comparisons, which `compare` runs: the shipped max-of-K recipes at sixteen seeds, the first of them proved in Coq; and every
modular network with p >= 59 of the zoo, which are proved, and of build/models, with low_rank_unembedding over a range of ranks
and quadrature over widths of the weights. Their rows become docs/frontier.csv or docs/modular_frontier.csv, .md and a picture.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

from compact_proofs.models.errors import NotProved, UsageError
from compact_proofs.models.files import write_atomic
from compact_proofs.models.modular.config import ModularConfig
from compact_proofs.models.weights import load_config, model_names, zoo_names
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.compare.main import Request, compare
from compact_proofs.proofs.compare.workflow import Engine
from compact_proofs.proofs.frontier_pages import RANKS, max_of_k_page, modular_page
from compact_proofs.proofs.published import published_points
from compact_proofs.proofs.registry import Progress, strategies
from compact_proofs.proofs.table import Row, csv_text, read_table

RECIPES = ("max_of_k", "max_of_10", "max_of_20")
SEEDS = 16
PROVED_SEEDS = 3
LEFT_OUT = ("exact", "brute_force")  # they enumerate
LEAST_MODULUS = 59  # smaller ones are for tests
BITS = (10, 12)  # of the weights of folded networks, besides the default
DOCS = Path("docs")


def frontier_command(
    task: str, out: Path, jobs: int, seeds: int, proved: int, say: coqrun.Say, progress: Progress, draw_only: bool = False
) -> int:
    """Measure and write table, summary and picture.

    Args:    draw_only: measure nothing, take the table that is there.
    Raises:  as `compare`; UsageError: matplotlib is missing. NotProved: Coq has not accepted what was predicted.
    """
    name = "modular_frontier" if task == "modular" else "frontier"
    table = DOCS / f"{name}.csv"
    if draw_only:
        rows = read_table(table)
    else:
        requests = modular_requests(out, jobs) if task == "modular" else [max_of_k_request(out, jobs, seeds, proved)]
        rows = [row for request in requests for row in compare(request, say, progress).rows]
        if failed := next((row for row in rows if row.status == "refused" and row.reason.startswith("predicted")), None):
            raise NotProved(f"{failed.model}, {failed.strategy}: {failed.reason}")
        write_atomic(table, csv_text(rows).encode())
    page = modular_page(rows) if task == "modular" else max_of_k_page(rows)
    write_atomic(DOCS / f"{name}.md", page.encode())
    draw = draw_modular if task == "modular" else draw_max_of_k
    draw(rows, DOCS / "figures" / f"{name}.png")
    return 0


def max_of_k_request(out: Path, jobs: int, seeds: int, proved: int) -> Request:
    """Return what is compared of max of K."""
    chosen = [one for one in strategies() if one not in LEFT_OUT]
    return Request(RECIPES, range(seeds), chosen, proved, name="frontier", out=out, engine=Engine(jobs))


def modular_requests(out: Path, jobs: int) -> list[Request]:
    """Return what is compared of modular arithmetic: of the zoo, and of the seeds."""
    configs = {name: config for name in model_names() if isinstance(config := load_config(name), ModularConfig)}
    large = [name for name, config in configs.items() if config.modulus >= LEAST_MODULUS]
    ranks = [f"low_rank_unembedding:rank={rank}" for rank in RANKS]
    bits = [f"quadrature:weight_bits={number}" for number in BITS]
    every = list(strategies("modular"))
    requests = []
    for where, names in (("zoo", [n for n in large if n in zoo_names()]), ("seeds", [n for n in large if n not in zoo_names()])):
        folded = [name for name in names if configs[name].family == "modular_folded"]
        proved = None if where == "zoo" else 0
        wanted = [("", names, every, proved), ("_bits", folded, bits, proved)]
        wanted += [("_ranks", names, ranks, 0)] if where == "zoo" else []
        for suffix, models, chosen, in_coq in wanted:
            if models:
                name = f"modular_frontier_{where}{suffix}"
                requests.append(Request(models, None, chosen, in_coq, name=name, out=out, engine=Engine(jobs)))
    return requests


def draw_max_of_k(rows: Sequence[Row], path: Path) -> None:
    """Draw operations against bound over truth, a colour per strategy, a panel per size, with the published points."""
    shown = [row for row in rows if row.statement != "at_most"]
    sizes = sorted({(row.n_ctx or 0, row.d_vocab or 0) for row in shown})
    panels = [(f"K={n}, d_vocab={d}", [row for row in shown if (row.n_ctx, row.d_vocab) == (n, d)]) for n, d in sizes]
    published = [[(one.flops, one.tightness, one.strategy) for one in published_points(*size)] for size in sizes]
    x = "operations of the checker (published: FLOPs)"
    _draw(panels, published, list(strategies()), lambda row: row.truth_high or 0, x, "bound / true, or / proved upper end", path)


def draw_modular(rows: Sequence[Row], path: Path) -> None:
    """Draw operations against the share proved, a colour per strategy, a panel per modulus."""
    shown = [row for row in rows if row.bound]
    panels = [(f"p = {p}", [row for row in shown if row.modulus == p]) for p in sorted({row.modulus or 0 for row in shown})]
    y = "proved right, share of all pairs"
    nothing: list[list[tuple[float, float, str]]] = [[] for _ in panels]
    _draw(panels, nothing, list(strategies("modular")), lambda row: row.inputs, "operations of the checker", y, path)


def _draw(
    panels: Sequence[tuple[str, list[Row]]],
    published: Sequence[list[tuple[float, float, str]]],
    names: Sequence[str],
    whole: Callable[[Row], int],
    x: str,
    y: str,
    path: Path,
) -> None:
    """Draw bounds over `whole` against operations. Raises: UsageError: matplotlib is missing."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError as error:
        raise UsageError("figures need matplotlib: pip install -c constraints.txt -e '.[plot]'") from error
    size = (5 * len(panels), 4.4)
    figure, axes = pyplot.subplots(1, len(panels), figsize=size, layout="constrained", sharey=True, squeeze=False)
    used = [name for name in names if any(row.strategy == name for _, rows in panels for row in rows)]
    for axis, (title, rows), others in zip(axes[0], panels, published, strict=True):
        for number, name in enumerate(used):
            group = [row for row in rows if row.strategy == name and row.bound is not None and whole(row)]
            shares = [(row.bound or 0) / whole(row) for row in group]
            axis.scatter([row.operations for row in group], shares, s=14, color=f"C{number}", label=name, alpha=0.7)
        for operations, tightness, name in others:
            axis.scatter(operations, tightness, marker="x", color="gray")
            axis.annotate(name, (operations, tightness), fontsize=7, color="gray")
        axis.set_xscale("log")
        axis.set_title(title)
        axis.set_xlabel(x)
        axis.grid(alpha=0.3)
    axes[0][0].set_ylabel(y)
    axes[0][-1].legend(fontsize=7, loc="lower right")
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110, metadata={"Software": None})
    pyplot.close(figure)
    write_atomic(path, data.getvalue())
