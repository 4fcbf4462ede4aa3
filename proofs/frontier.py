"""The frontier of proof length and tightness over many seeds: `frontier_command`, behind `make frontier`.

For each size of network and each seed: train it where it is not there yet, find the certificate of every strategy, and take
the bound that the mirror predicts, against the true count (enumerated in float64 with no input undecided) or, where nobody can
enumerate, against the upper end that `wrong_count` proves. The first seeds are proved in Coq as well; a prediction that Coq does
not accept fails the run. Writes docs/frontier.csv (a row per network and strategy), docs/frontier.md (means) and the picture
docs/figures/frontier.png. Finished rows are kept: an interrupted run goes on where it was.
"""

from __future__ import annotations

import csv
import io
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from compact_proofs.extract.quantise import QuantisedModel, accuracy, quantise
from compact_proofs.models.errors import InputRefused, UsageError
from compact_proofs.models.files import write_atomic
from compact_proofs.models.weights import load_model, model_names
from compact_proofs.proofs import pipeline
from compact_proofs.proofs.registry import DEFAULT, strategies, strategy

SIZES = ((4, 64), (10, 64), (20, 64))  # (K, d_vocab)
SEEDS = 16
PROVED_SEEDS = 3
PUBLISHED = Path("docs") / "published_max_of_k.csv"
TABLE, SUMMARY, PICTURE = Path("docs/frontier.csv"), Path("docs/frontier.md"), Path("docs/figures/frontier.png")
LEFT_OUT = ("exact", "brute_force")  # they enumerate


@dataclass(frozen=True, slots=True)
class Point:
    """One strategy on one network. `best` is the true count, or the upper end that wrong_count proves (`enumerated` 0).

    coqc_s: seconds of coqc on the generated files where Coq has accepted the bound, else empty; certificate_bytes likewise.
    """

    n_ctx: int
    d_vocab: int
    seed: int
    strategy: str
    proved: int
    best: int
    inputs: int
    enumerated: int
    operations: int
    certificate_bytes: str = ""
    coqc_s: str = ""

    @property
    def ratio(self) -> float:
        return self.proved / self.best

    @property
    def key(self) -> tuple[int, int, int, str]:
        return self.n_ctx, self.d_vocab, self.seed, self.strategy


def frontier_command(out: Path, jobs: int, seeds: int = SEEDS, proved_seeds: int = PROVED_SEEDS) -> int:
    """Measure and write table, summary and picture. Raises: as pipeline.prove; UsageError: torch or matplotlib is missing."""
    points = {point.key: point for point in read_points()}
    for n_ctx, d_vocab in SIZES:
        names = _trained(n_ctx, d_vocab, seeds, out)
        for seed, name in enumerate(names):
            for point in _measure(name, seed, seed < proved_seeds, points, out, jobs):
                points[point.key] = point
                write_points(points.values())
    write_atomic(SUMMARY, summary(list(points.values())).encode())
    draw(list(points.values()))
    return 0


def read_points() -> list[Point]:
    """Return the rows of docs/frontier.csv; none where it is not there."""
    if not TABLE.is_file():
        return []
    with TABLE.open(encoding="utf-8", newline="") as file:
        return [_from_row(row) for row in csv.DictReader(file)]


def _from_row(row: dict[str, str]) -> Point:
    return Point(
        n_ctx=int(row["n_ctx"]),
        d_vocab=int(row["d_vocab"]),
        seed=int(row["seed"]),
        strategy=row["strategy"],
        proved=int(row["proved"]),
        best=int(row["best"]),
        inputs=int(row["inputs"]),
        enumerated=int(row["enumerated"]),
        operations=int(row["operations"]),
        certificate_bytes=row["certificate_bytes"],
        coqc_s=row["coqc_s"],
    )


def write_points(points: Iterable[Point]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Point)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(point) for point in sorted(points, key=lambda point: point.key))
    write_atomic(TABLE, text.getvalue().encode())


def summary(points: Sequence[Point]) -> str:
    """Return the table of means as Markdown."""
    sizes = sorted({(point.n_ctx, point.d_vocab) for point in points})
    lines = [
        "# The frontier: how short a proof, how tight a bound",
        "",
        "Made by `make frontier`; every network by itself is in [frontier.csv](frontier.csv). Bound over the true number of",
        "right inputs (K=4: enumerated) or over the upper end that `wrong_count` proves (K=10, 20): mean over seeds, smallest",
        "in brackets; operations of the checker. The row of `wrong_count` is the width between its bound and the true number, or",
        "the best lower bound, over all inputs. N/M: N seeds, of which M are proved in Coq, the others predicted by the mirror.",
        "",
        "| strategy | " + " | ".join(f"K={n} d={d}" for n, d in sizes) + " |",
        "|---|" + "---|" * len(sizes),
    ]
    for name in (one for one in strategies() if one not in LEFT_OUT):
        cells = []
        for size in sizes:
            group = [point for point in points if (point.n_ctx, point.d_vocab) == size and point.strategy == name]
            cells.append(_cell(name, group, [p for p in points if (p.n_ctx, p.d_vocab) == size]))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(name: str, group: Sequence[Point], of_size: Sequence[Point]) -> str:
    if not group:
        return ""
    proved = sum(point.coqc_s != "" for point in group)
    operations = math.exp(sum(math.log(point.operations) for point in group) / len(group))
    if name == "wrong_count":
        widths = []
        for point in group:
            lower = (
                point.best if point.enumerated else max(p.proved for p in of_size if p.seed == point.seed and p.strategy != name)
            )
            widths.append((point.proved - lower) / point.inputs)
        return f"width {sum(widths) / len(widths):.5f} ({max(widths):.5f}), {operations:.1e} ops, {len(group)}/{proved}"
    ratios = [point.ratio for point in group]
    seconds = sorted(float(point.coqc_s) for point in group if point.coqc_s)
    coqc = f", coqc {seconds[len(seconds) // 2]:.0f} s" if seconds else ""
    return f"{sum(ratios) / len(ratios):.4f} ({min(ratios):.4f}), {operations:.1e} ops{coqc}, {len(group)}/{proved}"


def draw(points: Sequence[Point]) -> None:
    """Draw operations against 1 - bound / best, a colour per strategy, a panel per size, with the published points.

    Raises: UsageError: matplotlib is missing.
    """
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError as error:
        raise UsageError("figures need matplotlib: pip install '.[plot]'") from error
    sizes = sorted({(point.n_ctx, point.d_vocab) for point in points})
    figure, axes = pyplot.subplots(1, len(sizes), figsize=(5 * len(sizes), 4.4), layout="constrained", sharey=True, squeeze=False)
    names = [name for name in strategies() if name not in (*LEFT_OUT, "wrong_count")]
    for axis, size in zip(axes[0], sizes, strict=True):
        for number, name in enumerate(names):
            group = [p for p in points if (p.n_ctx, p.d_vocab) == size and p.strategy == name]
            axis.scatter([p.operations for p in group], [p.ratio for p in group], s=14, color=f"C{number}", label=name, alpha=0.7)
        for row in _published(size):
            axis.scatter(float(row["flops"]), float(row["bound_over_accuracy"]), marker="x", color="gray")
            axis.annotate(row["strategy"], (float(row["flops"]), float(row["bound_over_accuracy"])), fontsize=7, color="gray")
        axis.set_xscale("log")
        axis.set_title(f"K={size[0]}, d_vocab={size[1]}")
        axis.set_xlabel("operations of the checker (published: FLOPs)")
        axis.grid(alpha=0.3)
    axes[0][0].set_ylabel("bound / true, or / proved upper end")
    axes[0][-1].legend(fontsize=7, loc="lower right")
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110, metadata={"Software": None})
    pyplot.close(figure)
    write_atomic(PICTURE, data.getvalue())


def _published(size: tuple[int, int]) -> list[dict[str, str]]:
    if not PUBLISHED.is_file():
        return []
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if (int(row["K"]), int(row["d_vocab"])) == size]


def _trained(n_ctx: int, d_vocab: int, seeds: int, out: Path) -> list[str]:
    """Return the names of the networks of seeds 0 .., trained now where they are missing."""
    family = f"max{n_ctx}" if d_vocab == 64 else f"max{n_ctx}d{d_vocab}"
    names = [f"{family}_seed{seed}" for seed in range(seeds)]
    if missing := [seed for seed, name in enumerate(names) if name not in model_names()]:
        try:
            from compact_proofs.models.train import train_command
        except ImportError as error:
            raise UsageError(
                f"{len(missing)} networks are to be trained, which needs torch: make frontier installs it"
            ) from error
        # a single seed would be named without its number
        wanted = missing if len(missing) > 1 else sorted({missing[0], (missing[0] + 1) % seeds})
        train_command(family, wanted, n_ctx, d_vocab, 32, 32, out_dir=out / "models")
    return names


def _measure(
    name: str, seed: int, in_coq: bool, known: dict[tuple[int, int, int, str], Point], out: Path, jobs: int
) -> Iterable[Point]:
    """Yield the points of one network that are not known yet."""
    config, weights = load_model(name)
    wanted = []
    for one in strategies():
        point = known.get((config.n_ctx, config.d_vocab, seed, one))
        if one not in LEFT_OUT and (point is None or (in_coq and point.coqc_s == "")):
            wanted.append(one)
    if not wanted:
        return
    quantised = quantise(config, weights)
    inputs = config.d_vocab**config.n_ctx
    right = accuracy(config, weights, quantised).quantised
    enumerated = right.exhaustive and right.undecided == 0
    best = right.right if enumerated else strategy("wrong_count").find(quantised, DEFAULT, _silent).proved
    for one in wanted:
        print(f"{name}, {one}", file=sys.stderr, flush=True)
        yield _point(name, quantised, seed, one, best, inputs, enumerated, in_coq, out, jobs)


def _point(
    name: str, quantised: QuantisedModel, seed: int, one: str, best: int, inputs: int, enumerated: bool, in_coq: bool, out: Path,
    jobs: int,
) -> Point:  # fmt: skip
    sizes = (quantised.n_ctx, quantised.d_vocab, seed, one)
    if not in_coq:
        found = strategy(one).find(quantised, DEFAULT, _silent)
        return Point(*sizes, found.proved, best, inputs, int(enumerated), found.operations)
    report = pipeline.prove(name, strategy(one), pipeline.Options(out=out, jobs=jobs, command="frontier", estimate=False))
    below = report.proved_correct < best if report.statement == "at_most" else report.proved_correct > best
    if below:
        raise InputRefused(f"{name}, {one}: proved {report.proved_correct:,}, which contradicts {best:,}")
    return Point(
        *sizes, report.proved_correct, best, inputs, int(enumerated), report.checker_operations, str(report.certificate_bytes),
        str(report.seconds["coqc"]),
    )  # fmt: skip


def _silent(message: str, done: int, total: int) -> None:
    pass
