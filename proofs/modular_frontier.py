"""The frontier of proof length and tightness for modular arithmetic: `modular_frontier_command`, behind `make frontier`.

Every network of the zoo and of build/models (the seeds) with p >= 59, every strategy that can prove something of it,
`low_rank_unembedding` over a range of ranks (of the zoo), `quadrature` over widths of the weights: the bound that the mirror
predicts against the true count (enumerated exactly, in integers), and the checker's operations against those of brute force. The
zoo's are proved in Coq as well; a prediction that Coq does not accept fails the run. Writes docs/modular_frontier.csv (a row per
network, strategy and choice) and .md (tables; per architecture mean, spread and the share of seeds certified at 95 % or more),
and docs/figures/modular_frontier.png. Finished rows are kept: an interrupted run goes on where it was.
"""

from __future__ import annotations

import csv
import io
import re
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from compact_proofs.extract.families import network_accuracy, quantise_network
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.models.errors import CompactProofsError, InputRefused, UsageError
from compact_proofs.models.files import write_atomic
from compact_proofs.models.modular.config import ModularConfig
from compact_proofs.models.weights import load_config, load_model, model_names, zoo_names
from compact_proofs.proofs import pipeline
from compact_proofs.proofs.registry import DEFAULT, Strategy, Tuning, silent, strategies

TABLE, SUMMARY = Path("docs/modular_frontier.csv"), Path("docs/modular_frontier.md")
PICTURE = Path("docs/figures/modular_frontier.png")
LEAST_MODULUS = 59  # smaller ones are for tests
RANKS = (0, 1, 2, 3, 4, 6, 8, 12, 16)  # of the curve of low_rank_unembedding
BITS = (10, 12)  # of the weights, besides the default
BRUTE = "brute_force"
SEED = re.compile(r"_seed[0-9]+")


@dataclass(frozen=True, slots=True)
class Point:
    """One strategy on one network. `true`: right pairs, enumerated; `choice`: options of the command line, empty for none.

    brute_operations: of brute force on the same network; coqc_s: seconds of coqc on the generated files where Coq has
    accepted the bound, else empty; certificate_bytes likewise; refused: why there is no bound.
    """

    model: str
    family: str
    modulus: int
    d_mlp: int
    weight_bits: int
    strategy: str
    choice: str
    proved: int
    true: int
    operations: int
    brute_operations: int
    certificate_bytes: str = ""
    coqc_s: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.model, self.strategy, self.choice

    @property
    def share(self) -> float:
        return self.proved / self.modulus**2

    @property
    def shorter(self) -> float:
        """How many times fewer operations than brute force."""
        return self.brute_operations / self.operations


@dataclass(frozen=True, slots=True)
class Choice:
    """A strategy, what is chosen of its certificate, and the bits of the weights (None: the family's own)."""

    strategy: Strategy
    tuning: Tuning = DEFAULT
    bits: int | None = None

    def text(self) -> str:
        bits = f"--weight-bits {self.bits}" if self.bits else ""
        return f"{self.tuning.text()} {bits}".strip()


def modular_frontier_command(out: Path, jobs: int, in_coq: bool = True) -> int:
    """Measure and write table, summary and picture. Raises: as pipeline.prove; UsageError: matplotlib is missing."""
    points = {point.key: point for point in read_points()}
    for name in model_names():
        config = load_config(name)
        if isinstance(config, ModularConfig) and config.modulus >= LEAST_MODULUS:
            for point in _measure(name, points, out, jobs, in_coq and name in zoo_names()):
                points[point.key] = point
                write_points(points.values())
    write_atomic(SUMMARY, summary(list(points.values())).encode())
    draw(list(points.values()))
    return 0


def read_points() -> list[Point]:
    """Return the rows of the table; none where it is not there."""
    if not TABLE.is_file():
        return []
    numbers = ("modulus", "d_mlp", "weight_bits", "proved", "true", "operations", "brute_operations")
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [Point(**{key: int(value) if key in numbers else value for key, value in row.items()}) for row in rows]  # type: ignore[arg-type]


def write_points(points: Iterable[Point]) -> None:
    """Write the table, sorted."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Point)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(point) for point in sorted(points, key=_order))
    write_atomic(TABLE, text.getvalue().encode())


def _order(point: Point) -> tuple[str, str, int, str]:
    number = re.search(r"[0-9]+$", point.choice)
    return point.model, point.strategy, int(number.group()) if number else -1, point.choice


def _measure(name: str, known: dict[tuple[str, str, str], Point], out: Path, jobs: int, in_coq: bool) -> Iterable[Point]:
    """Yield the points of one network that are not known yet."""
    config, weights = load_model(name)
    fitting = {one.name: one for one in strategies("modular").values() if one.families is None or config.family in one.families}
    choices = [Choice(one) for one in fitting.values()]
    if "low_rank_unembedding" in fitting and name in zoo_names():
        choices += [Choice(fitting["low_rank_unembedding"], Tuning(rank=rank)) for rank in RANKS]
    if config.family == "modular_folded":
        choices += [Choice(fitting["quadrature"], DEFAULT, bits) for bits in BITS]
    for choice in choices:
        point = known.get((name, choice.strategy.name, choice.text()))
        prove = in_coq and choice.tuning == DEFAULT
        if point is not None and (point.coqc_s or not prove or not point.proved):
            continue
        print(f"{name}, {choice.strategy.name} {choice.text()}".rstrip(), file=sys.stderr, flush=True)
        quantised = quantise_network(config, weights, choice.bits)
        assert isinstance(quantised, QuantisedModular)
        true = network_accuracy(config, weights, quantised).quantised.right
        brute_operations = fitting[BRUTE].find(quantised, DEFAULT, silent).operations
        sizes = quantised.sizes()
        start = (name, config.family, sizes["modulus"], sizes["d_mlp"], quantised.weight_bits)
        proved, operations, size, seconds = _bound(name, quantised, choice, true, out, jobs, prove)
        operations = operations or brute_operations
        one = choice.strategy.name, choice.text()
        yield Point(*start, *one, proved, true, operations, brute_operations, size, seconds)


def _bound(
    name: str, quantised: QuantisedModular, choice: Choice, true: int, out: Path, jobs: int, prove: bool
) -> tuple[int, int, str, str]:
    """Return what is proved, operations (0 where there is no certificate), bytes of the certificate and seconds of coqc."""
    one = choice.strategy
    try:
        found = one.find(quantised, choice.tuning, silent)
    except CompactProofsError as error:
        print(f"  no bound: {error}", file=sys.stderr)
        return 0, 0, "", ""
    if found.proved > true:
        raise InputRefused(f"{name}, {one.name}: the mirror accepts {found.proved:,}, right are {true:,}")
    if not prove or found.proved == 0:
        return found.proved, found.operations, "", ""
    how = pipeline.Options(out, choice.bits, jobs, command="frontier", estimate=False)
    report = pipeline.prove(name, one, how)
    return report.proved_correct, report.checker_operations, str(report.certificate_bytes), str(report.seconds["coqc"])


def summary(points: Sequence[Point]) -> str:
    """Return the tables as Markdown."""
    lines = [
        "# Modular arithmetic: how short a proof, how tight a bound",
        "",
        "Made by `make frontier`; all numbers are in [modular_frontier.csv](modular_frontier.csv). Proved: pairs that a theorem",
        "says are answered right, of all p^2; shorter: operations of brute force over those of this checker, on the",
        "same network. Seconds of coqc are those of Weights.v, Certificate.v and Theorem.v together; where there are none,",
        "the bound is the mirror's prediction.",
        "",
        "## The zoo",
        "",
        "| network | p | width | strategy | proved | true | share | operations | shorter | certificate | coqc |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for point in sorted((point for point in points if not SEED.search(point.model)), key=_order):
        size = f"{int(point.certificate_bytes):,} B" if point.certificate_bytes else ""
        seconds = f"{float(point.coqc_s):.1f} s" if point.coqc_s else ""
        if "--rank" not in point.choice:
            lines.append(
                f"| {point.model} | {point.modulus} | {point.d_mlp} | {point.strategy}, {point.weight_bits} bits "
                f"| {point.proved:,} | {point.true:,} | {100 * point.share:.2f} % | {point.operations:.2e} "
                f"| {point.shorter:.1f} | {size} | {seconds} |"
            )
    lines += [
        "",
        "## Over seeds",
        "",
        "| networks | p | strategy | seeds | mean | spread (sd) | least | most | at 95 % or more | shorter (mean) |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    groups: dict[tuple[str, int, str], list[Point]] = {}
    for point in points:
        if SEED.search(point.model) and "--rank" not in point.choice and point.strategy != BRUTE:
            strategy = f"{point.strategy}, {point.weight_bits} bits"
            groups.setdefault((SEED.sub("", point.model), point.modulus, strategy), []).append(point)
    for (name, modulus, strategy), group in sorted(groups.items()):
        shares = [point.share for point in group]
        enough = sum(share >= 0.95 for share in shares)
        lines.append(
            f"| {name} | {modulus} | {strategy} | {len(group)} | {statistics.mean(shares):.4f} | {statistics.pstdev(shares):.4f} "
            f"| {min(shares):.4f} | {max(shares):.4f} | {enough} of {len(group)} "
            f"| {statistics.mean(point.shorter for point in group):.1f} |"
        )
    lines += ["", "## Ranks of low_rank_unembedding", "", "| network | " + " | ".join(map(str, RANKS)) + " |"]
    lines.append("|---|" + "---|" * len(RANKS))
    curves: dict[str, dict[str, Point]] = {}
    for point in points:
        if point.strategy == "low_rank_unembedding" and point.choice and not SEED.search(point.model):
            curves.setdefault(point.model, {})[point.choice] = point
    for name, curve in sorted(curves.items()):
        cells = [curve.get(f"--rank {rank}") for rank in RANKS]
        shown = ["" if cell is None else f"{100 * cell.share:.1f} %, {cell.shorter:.1f}" for cell in cells]
        lines.append(f"| {name} | " + " | ".join(shown) + " |")
    lines.append("\nEach cell: share of all pairs, times shorter than brute force.")
    return "\n".join(lines) + "\n"


def draw(points: Sequence[Point]) -> None:
    """Draw how much shorter than brute force against the share proved, a colour per strategy, a panel per modulus.

    Raises: UsageError: matplotlib is missing.
    """
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError as error:
        raise UsageError("figures need matplotlib: pip install '.[plot]'") from error
    orders = sorted({point.modulus for point in points})
    size = (5.5 * len(orders), 4.4)
    figure, axes = pyplot.subplots(1, len(orders), figsize=size, layout="constrained", sharey=True, squeeze=False)
    for axis, modulus in zip(axes[0], orders, strict=True):
        for number, name in enumerate(strategies("modular")):
            group = [point for point in points if point.modulus == modulus and point.strategy == name and point.proved > 0]
            x, y = [point.operations for point in group], [point.share for point in group]
            axis.scatter(x, y, s=14, color=f"C{number}", label=name, alpha=0.7)
        axis.set_xscale("log")
        axis.set_title(f"p = {modulus}")
        axis.set_xlabel("operations of the checker")
        axis.grid(alpha=0.3)
    axes[0][0].set_ylabel("proved right, share of all pairs")
    axes[0][-1].legend(fontsize=7, loc="lower right")
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110, metadata={"Software": None})
    pyplot.close(figure)
    write_atomic(PICTURE, data.getvalue())
