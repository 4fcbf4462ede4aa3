"""Pictures of a finished proof: `draw` makes one figure of two panels as PNG and SVG, and the numbers behind it as CSV.

Left: operations against bound, on a log scale, of every finished proof of the network, with brute force on the same network
and the published (unverified) points of the reference work for the same K and d_vocab. Right: where the inputs lie that the
cubic proof leaves unproved, by last token and largest token.
Needs matplotlib (the `plot` extra).
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from compact_proofs.extract.quantise import QuantisedModel, quantise
from compact_proofs.models.errors import UsageError
from compact_proofs.models.files import write_atomic
from compact_proofs.models.weights import load_model
from compact_proofs.proofs.claim import Claim
from compact_proofs.proofs.registry import strategies
from compact_proofs.proofs.report import Report
from compact_proofs.proofs.strategies import brute_force
from compact_proofs.proofs.strategies.methods import certificate_of
from compact_proofs.proofs.strategies.staged import Certificate, case_counts, prepare

PUBLISHED = Path("docs") / "published_max_of_k.csv"


def draw(model_name: str, out: Path, folder: Path) -> list[Path]:
    """Draw the cubic proof of a model from its report, and return the files written.

    Raises: UsageError: no finished proof, or matplotlib is missing.
    """
    try:
        import matplotlib

        matplotlib.use("Agg")
        matplotlib.rcParams["svg.hashsalt"] = "compact-proofs"
        from matplotlib import pyplot
        from matplotlib.colors import LogNorm
    except ImportError as error:
        raise UsageError("figures need matplotlib: pip install '.[plot]'") from error
    config, weights = load_model(model_name)
    folder_of = out / config.name
    report = Report.load(folder_of / "cubic" / "report.json")
    claim = Claim.load(folder_of / "cubic" / "certificate.json")
    if claim is None:
        raise UsageError(f"{folder_of}/cubic/certificate.json is missing or unreadable; run `compact-proofs prove` again")
    quantised = quantise(config, weights, report.weight_bits)
    unproved = unproved_inputs(quantised, certificate_of(list(claim.fields)))
    points = cost_and_bound(proofs_of(folder_of), quantised)

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
    heights = iter((-13, 7, -25))  # labels of the points near 1 stand clear of each other
    for label, operations, bound, ours in points:
        marker, colour = ("o", "tab:blue") if ours else ("x", "tab:gray")
        left.scatter(operations, bound, marker=marker, color=colour, zorder=3)
        offset = (0, next(heights, -13)) if bound > 0.98 else (0, -13)
        left.annotate(
            label, (operations, bound), xytext=offset, textcoords="offset points", ha="center", fontsize=8, color=colour
        )
    left.set_xscale("log")
    left.set_xlabel("operations to check (ours: integer operations in Coq; published: FLOPs)")
    left.set_ylabel("bound / true accuracy")
    left.set_title("Proof length against tightness")
    left.grid(alpha=0.3)
    left.margins(x=0.18, y=0.12)
    shown = np.where(unproved > 0, unproved, np.nan).astype(float)
    top = max(1, int(unproved.max()))
    image = right.imshow(shown, origin="lower", cmap="magma_r", norm=LogNorm(1, max(top, 2)), aspect="auto")
    figure.colorbar(image, ax=right, label="inputs not proved right")
    right.set_xlabel("largest token m")
    right.set_ylabel("last token q")
    right.set_title(f"{int(unproved.sum()):,} of {report.n_inputs:,} inputs are not proved")
    figure.suptitle(f"{report.model}: {report.theorem_in_words}", fontsize=11)

    written = []
    for suffix, options in (("png", {"dpi": 130, "metadata": {"Software": None}}), ("svg", {"metadata": {"Date": None}})):
        data = io.BytesIO()
        figure.savefig(data, format=suffix, **options)
        written.append(folder / f"{config.name}.{suffix}")
        write_atomic(written[-1], data.getvalue())
    pyplot.close(figure)
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["q", "m", "inputs_not_proved"])
    rows.writerows((q, m, int(unproved[q, m])) for q in range(config.d_vocab) for m in range(q, config.d_vocab))
    written.append(folder / f"{config.name}.csv")
    write_atomic(written[-1], table.getvalue().encode())
    return written


def unproved_inputs(quantised: QuantisedModel, certificate: Certificate) -> Shaped[np.ndarray, "d_vocab d_vocab"]:
    """Return, at (last token, largest token), the inputs that a staged proof does not prove right, as Python ints."""
    free = quantised.n_ctx - 1
    every = np.zeros((quantised.d_vocab, quantised.d_vocab), dtype=object)
    for m in range(quantised.d_vocab):
        every[: m + 1, m] = (m + 1) ** free - m**free
        every[m, m] = (m + 1) ** free
    return every - case_counts(prepare(quantised, certificate)).best


def proofs_of(folder: Path) -> list[Report]:
    """Return the reports of a model's finished proofs of a lower bound or an exact count, by strategy."""
    found = [Report.load(folder / name / "report.json") for name in strategies() if (folder / name / "report.json").is_file()]
    return [report for report in found if report.statement != "at_most"]


def cost_and_bound(reports: list[Report], quantised: QuantisedModel) -> list[tuple[str, float, float, bool]]:
    """Return (label, operations, bound over true accuracy, ours) of the proofs, brute force and the published points."""
    points = []
    for report in reports:
        true = report.true_correct or report.n_inputs
        points.append((report.strategy, float(report.checker_operations), report.proved_correct / true, True))
    enumeration = brute_force.estimate_operations(quantised.n_ctx, quantised.d_vocab)
    points.append(("brute force in Coq (cost)", float(enumeration), 1.0, True))
    if PUBLISHED.is_file():
        with PUBLISHED.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if (int(row["K"]), int(row["d_vocab"])) == (quantised.n_ctx, quantised.d_vocab):
                    label = f"{row['strategy']}, published"
                    points.append((label, float(row["flops"]), float(row["bound_over_accuracy"]), False))
    return points
