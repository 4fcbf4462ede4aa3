"""What a max-of-K network does, as figures: `mechanism` (scores, OV, attention by distance), `unproved`. Numpy only.

All of the quantised network, in float64; the counts of `unproved` are exact. Source: docs/max_of_k.md, sections 1 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from compact_proofs.extract.quantise import QuantisedModel, quantised_tables
from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.claim import Claim
from compact_proofs.proofs.page.figures import ByDistance, Figure, HeatMap
from compact_proofs.proofs.page.numbers import count, decimal
from compact_proofs.proofs.report import Report
from compact_proofs.proofs.strategies.methods import certificate_of
from compact_proofs.proofs.strategies.staged import Certificate, case_counts, prepare

MOST_EXPONENT = 600.0  # of a weight; a larger one would not fit float64
FARTHEST = 64  # distances below the largest token that are shown
MOST_OPERATIONS = 2 * 10**10  # of a proof that is counted once more, case by case: about 15 s
Table = Float64[np.ndarray, "d_vocab d_vocab"]


def mechanism(quantised: QuantisedModel) -> list[Figure]:
    """Return the figures of what the network computes; none of attention where there is one token only."""
    tables = quantised_tables(quantised)
    if quantised.d_vocab == 1:
        return [scores(tables.S), outputs(tables.V)]
    return [scores(tables.S), outputs(tables.V), attention(tables.S)]


def scores(S: Table) -> Figure:
    """Draw S[q, t] less the largest of each row."""
    shown = S - S.max(axis=1, keepdims=True)
    largest, margins = top_two(S)
    marked = largest != len(S) - 1
    data = HeatMap(
        shown, "last token q", "token t", "score less the row's largest", "sequential", margins, marked,
        f"largest is not {len(S) - 1}",
    )  # fmt: skip
    return Figure(
        "qk",
        "QK: what attention looks for",
        "Score S[q, t] of token t for the last token q, less the largest of its row: a difference of 1 is a factor of e in "
        "attention. At the side, the gap between the largest and the second largest score of the row.",
        f"Scores lie from {decimal(float(shown.min()))} to 0 in each row. In {count(int((~marked).sum()))} of {len(S):,} rows "
        f"token {len(S) - 1} has the largest score. {_margins_in_words(margins, 'q')}",
        data,
    )


def outputs(V: Table) -> Figure:
    """Draw V[t, w] less the mean of each row."""
    shown = V - V.mean(axis=1, keepdims=True)
    largest, margins = top_two(V)
    marked = largest != np.arange(len(V))
    wrong = np.flatnonzero(marked)
    others = f"; not so for t = {', '.join(map(str, wrong[:8]))}{', ..' * (wrong.size > 8)}" if wrong.size else ""
    data = HeatMap(
        shown, "token t", "output w", "logit less the row's mean", "diverging", margins, marked, "largest is not t",
    )  # fmt: skip
    return Figure(
        "ov",
        "OV: what attended tokens write",
        "Logit V[t, w] that full attention to token t adds to output w, less the mean of its row. At the side, the gap between "
        "the largest and the second largest logit of the row.",
        f"In {count(int((~marked).sum()))} of {len(V):,} rows the largest logit is that of t itself{others}. Values lie from "
        f"{decimal(float(shown.min()))} to {decimal(float(shown.max()))}. {_margins_in_words(margins, 't')}",
        data,
    )


def attention(S: Table) -> Figure:
    """Draw the weight of a token relative to the largest one, by distance."""
    data = by_distance(S)
    chosen = [one for one in (1, 2, 4, 8, 16, 32, 64) if one <= len(data.mean)]
    said = "; ".join(
        f"{one}: mean {decimal(float(data.mean[one - 1]))}, from {decimal(float(data.low[one - 1]))} to "
        f"{decimal(float(data.high[one - 1]))}"
        for one in chosen
    )
    return Figure(
        "attention",
        "Attention by distance from the maximum",
        "exp(S[q, m − δ] − S[q, m]): how much attention a token δ below the largest token m draws for each unit that m draws, "
        "over all last tokens q ≤ m, without the scores of positions. Small values make short proofs: far tokens can be taken "
        "together.",
        f"Weight relative to the maximum by distance (the range holds 80 % of the cases). {said}. "
        f"The largest weight of all is {decimal(float(data.most.max()))}.",
        data,
    )


def by_distance(S: Table) -> ByDistance:
    """Compute exp(S[q, m - delta] - S[q, m]) over all q <= m: mean, tenths, largest, by delta = 1 .. 64."""
    d_vocab = len(S)
    tokens = np.arange(d_vocab)
    cases, columns = [], []
    for delta in range(1, min(d_vocab - 1, FARTHEST) + 1):
        inside = tokens[:, None] <= tokens[None, delta:]
        differences = (S[:, : d_vocab - delta] - S[:, delta:])[inside]
        cases.append(differences.size)
        weights = np.exp(np.minimum(differences, MOST_EXPONENT))
        columns.append([weights.mean(), *np.quantile(weights, (0.1, 0.5, 0.9)), weights.max()])
    return ByDistance(np.array(cases), *np.array(columns).T)


def top_two(table: Table) -> tuple[Int64[np.ndarray, " rows"], Float64[np.ndarray, " rows"]]:
    """Return where each row has its largest entry and how far that is above the second; 0 in rows of one entry."""
    largest = table.argmax(axis=1)
    if table.shape[1] == 1:
        return largest, np.zeros(len(table))
    highest = np.partition(table, -2, axis=1)
    return largest, highest[:, -1] - highest[:, -2]


def _margins_in_words(margins: Float64[np.ndarray, " rows"], row: str) -> str:
    least = int(margins.argmin())
    return (
        f"The gap between the largest and the second is {decimal(float(margins[least]))} at least ({row} = {least}), "
        f"{decimal(float(np.median(margins)))} in the middle and {decimal(float(margins.max()))} at most."
    )


def unproved(quantised: dict[int, QuantisedModel], reports: Sequence[Report], folder: Path) -> Figure | str:
    """Draw where the inputs lie that the tightest staged proof leaves, by last and largest token; or say why not.

    Args:   quantised: by weight_bits; folder: of the model's results.
    Raises: InputRefused: a stored certificate that is not the one of its report.
    """
    staged = [one for one in reports if _claim(folder, one) is not None]
    if not staged:
        return (
            "Where the unproved inputs lie is drawn once there is a proof by cubic or another strategy that counts case by case."
        )
    small = [one for one in staged if one.checker_operations <= MOST_OPERATIONS]
    if not small:
        return f"Counting the cases of these proofs once more would take over {MOST_OPERATIONS:.0e} operations: not drawn."
    report = max(small, key=lambda one: one.proved_correct)
    claim = _claim(folder, report)
    assert claim is not None
    left = unproved_inputs(quantised[report.weight_bits], certificate_of(list(claim.fields)))
    total = int(left.sum())
    if total != report.n_inputs - report.proved_correct:
        where = folder / report.strategy / "certificate.json"
        raise InputRefused(f"{where}: not the certificate of report.json beside it; run `compact-proofs prove` again")
    return _unproved_figure(report, left, total) if total else f"{report.strategy} proves every input right: none is left."


def _unproved_figure(report: Report, left: Shaped[np.ndarray, "d_vocab d_vocab"], total: int) -> Figure:
    by_largest = left.sum(axis=0)
    order = sorted(range(len(left)), key=lambda m: -by_largest[m])[:3]
    worst = ", ".join(f"m = {m} ({count(int(by_largest[m]))})" for m in order if by_largest[m])
    where = f" Most lie at {worst}." if total else ""
    cases = int((left > 0).sum())
    return Figure(
        "unproved",
        "Where the unproved inputs lie",
        f"Inputs that {report.strategy} does not prove right, by last token q and largest token m; white: none. Some of them are "
        "answered wrong, of the others the proof does not know.",
        f"{report.strategy} leaves {count(total)} of {count(report.n_inputs)} inputs unproved, in {count(cases)} of "
        f"{count(len(left) * (len(left) + 1) // 2)} cases of a last token and a largest token.{where}",
        HeatMap(left, "last token q", "largest token m", "inputs not proved right", "counts"),
    )


def _claim(folder: Path, report: Report) -> Claim | None:
    """Return the stored claim of a staged proof of a lower bound; None of any other."""
    claim = Claim.load(folder / report.strategy / "certificate.json")
    known = claim is not None and report.statement == "at_least" and "resolutions" in {field.name for field in claim.fields}
    return claim if known else None


def unproved_inputs(quantised: QuantisedModel, certificate: Certificate) -> Shaped[np.ndarray, "d_vocab d_vocab"]:
    """Return, at (last token, largest token), the inputs that a staged proof does not prove right, as Python ints."""
    free = quantised.n_ctx - 1
    every = np.zeros((quantised.d_vocab, quantised.d_vocab), dtype=object)
    for m in range(quantised.d_vocab):
        every[: m + 1, m] = (m + 1) ** free - m**free
        every[m, m] = (m + 1) ** free
    return every - case_counts(prepare(quantised, certificate)).best
