"""Proofs by stages: a choice at each stage, and what is counted from it. Coq: Cert.Staged.

A case is a last token q and a largest token m; of each token the cost is its attention weight times its gap, bounded from
above. Costs of a sequence that add up to less than 0: no rival is above. `mirror` and `verdict` say what the Coq checker
says, `case_counts` has the count of each case. Stages: products, attention, gaps, bands, outputs, counting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64, Shaped

from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.extract.tables import CoreTables, check_inputs, check_masses, core_tables
from compact_proofs.proofs.registry import Progress, silent
from compact_proofs.proofs.strategies import bands
from compact_proofs.proofs.strategies.attention import Bounds, blocks, check_scores, position_weights, score_bounds, token_rows
from compact_proofs.proofs.strategies.counting import Costs, PythonInts, count_choices
from compact_proofs.proofs.strategies.gaps import GapCases, Logits, check_gaps, gap_cases, logits_of
from compact_proofs.proofs.strategies.odds import Rows, Weights
from compact_proofs.proofs.strategies.outputs import Rivals
from compact_proofs.proofs.strategies.products import Factors, product_of
from compact_proofs.proofs.strategies.terms import Enclosures, both, check_total, upper_term

MOST_RADIUS = 16  # Coq: Cert.Staged.radius_of
QUERIES = 64  # last tokens worked on at a time, at most
CELLS = 2**21  # numbers worked on at a time, about


@dataclass(frozen=True, slots=True)
class Plan:
    """What every certificate has. Coq: Cert.Staged.plan.

    gap_unit: gaps are in units of 2^(gap_unit - logit_bits). block_lengths: m = 0, 1, .. in blocks; the weights of a block are
    relative to its largest score. resolutions: per m, about how many units of cost are told apart; 0: nothing is counted.
    radius: outputs at most so far from m are looked at one by one, with `near_resolutions` per m; 0: that is not done.
    mass_digits: 0: exact counts; else masses, 2^mass_digits >= d_vocab.
    """

    gap_unit: int
    block_lengths: tuple[int, ...]
    resolutions: tuple[int, ...]
    radius: int
    near_resolutions: tuple[int, ...]
    mass_digits: int

    def rivals(self, wrong: bool) -> tuple[Rivals, ...]:
        """Coq: Cert.Staged.right_rivals, wrong_rivals."""
        distances = range(1, min(self.radius, MOST_RADIUS) + 1)
        if wrong:
            return (*(Rivals("over_above", k) for k in distances), *(Rivals("over_below", k) for k in distances))
        every = Rivals("rest", 0)
        if not distances:
            return (every,)
        return (
            every,
            Rivals("rest", distances[-1]),
            *(Rivals("above", k) for k in distances),
            *(Rivals("below", k) for k in distances),
        )


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate of any staged proof; what a strategy does without is None.

    scores, direct: factors of products of low rank. moved: what is moved from the direct path to the attention path, units of
    the residual stream; None: gaps are joint. exponents: of the bands; None: every token by itself. Coq: Cert.Strategies,
    Cert.Staged.
    """

    plan: Plan
    moved: tuple[int, ...] | None = None
    exponents: tuple[int, ...] | None = None
    scores: Factors | None = None
    direct: Factors | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What is counted from, under the checker's tests; `weights`: of tokens, None where all sequences count alike."""

    certificate: Certificate
    tables: CoreTables
    scores: Bounds
    logits: Logits
    weights: Weights | None = None


def prepare(model: QuantisedModel, certificate: Certificate, rows: Rows | None = None) -> Prepared:
    """Compute what a certificate counts from. Coq: Cert.Staged.staged_by.

    Args:    rows: weights of the tokens at each position, None where all sequences count alike.
    Raises:  OverflowRisk, CertificateError: the checker's first test that fails; starts with what Coq prints.
    """
    plan = certificate.plan
    tables = core_tables(model)
    scores = product_of("Scores", certificate.scores, tables.queries, tables.keys.T)
    check_scores(scores)
    moved = certificate.moved
    logits = logits_of(tables, (0,) * model.d_model if moved is None else moved, moved is None, certificate.direct)
    check_gaps(logits, plan.gap_unit)
    bands.check_exponents(model.d_vocab, certificate.exponents)
    if rows is not None:
        return Prepared(certificate, tables, score_bounds(scores), logits, Weights.of(model.n_ctx, model.d_vocab, rows))
    if plan.mass_digits:
        check_masses(model, plan.mass_digits)
    else:
        check_inputs(model)
    return Prepared(certificate, tables, score_bounds(scores), logits)


def mirror(model: QuantisedModel, certificate: Certificate, wrong: bool = False, rows: Rows | None = None) -> int:
    """Return the largest N for which Coq accepts N <= correct_count (with `rows`, correct_weight); where `wrong`, the least for
    correct_count <= N.

    Raises: OverflowRisk, CertificateError: Coq refuses every N; starts with what Coq prints.
    """
    total = int(case_counts(prepare(model, certificate, rows), wrong).best.sum())
    return model.d_vocab**model.n_ctx - total if wrong else total


def check_claim(
    claimed: int, model: QuantisedModel, certificate: Certificate, wrong: bool = False, rows: Rows | None = None
) -> None:
    """Check a claim of `claimed` right inputs, or of that weight. Coq: Cert.Staged.right_verdict, wrong_verdict,
    Cert.Weighted.weighted_verdict.

    Raises: OverflowRisk, CertificateError: Coq refuses it; starts with what Coq prints.
    """
    proved, inputs = mirror(model, certificate, wrong, rows), model.d_vocab**model.n_ctx
    if wrong:
        check_total(inputs - claimed, inputs - proved)
    else:
        check_total(claimed, proved)


class Counts(NamedTuple):
    """At (q, m), how many sequences are proved right (or wrong), or how much weight, as Python ints; `joint`: by all other
    outputs at once."""

    joint: Shaped[np.ndarray, "d_vocab d_vocab"]
    best: Shaped[np.ndarray, "d_vocab d_vocab"]


def case_counts(prepared: Prepared, wrong: bool = False, progress: Progress = silent, message: str = "") -> Counts:
    """Count the sequences of each case, or add up their weights. Coq: Cert.Staged.staged_count, Cert.Weighted.weighted_count."""
    certificate, tables = prepared.certificate, prepared.tables
    d_vocab, plan = tables.d_vocab, certificate.plan
    exponents = bands.band_exponents(d_vocab, certificate.exponents)
    rivals = plan.rivals(wrong)
    gaps = [gap_cases(prepared.logits, plan.gap_unit, exponents, one) for one in rivals]
    positions = position_weights(tables.score_shift, tables.P)
    result = Counts(*(np.zeros((d_vocab, d_vocab), dtype=object) for _ in Counts._fields))
    step = max(1, min(QUERIES, CELLS // (d_vocab * len(exponents) * tables.n_ctx)))
    for start in range(0, d_vocab, step):
        queries = range(start, min(start + step, d_vocab))
        weights = _Weights.of(prepared, queries, exponents)
        cases = _Cases.of(prepared, queries, len(weights.own))
        count = partial(_count, prepared, cases, weights, positions)
        found = _wrong(d_vocab, cases, plan, rivals, gaps, count) if wrong else _right(cases, plan, gaps, count)
        for table, of_cases in zip(result, found, strict=True):
            table[cases.q, cases.m] = of_cases * cases.of_last
        for q in queries:
            progress(message, q, d_vocab)
    progress(message, d_vocab, d_vocab)
    return result


GapsOf = Callable[[int], GapCases]
Count = Callable[[Int64[np.ndarray, " chosen"], int, Sequence[int], GapsOf], PythonInts]


@dataclass(frozen=True, slots=True, eq=False)
class _Weights:
    """Weights of tokens for some q in a row: by bands of m, and of q itself. Coq: Cert.Staged.case_weights."""

    lower: Int64[np.ndarray, "answers bands queries"]
    upper: Int64[np.ndarray, "answers bands queries"]
    own: Int64[np.ndarray, "answers bound queries"]

    @classmethod
    def of(cls, prepared: Prepared, queries: range, exponents: bands.Exponents) -> _Weights:
        """Coq: Cert.Staged.blocks_count, Cert.Attention.token_rows."""
        rows = slice(queries.start, queries.stop)
        scores = Bounds(*(bound[rows] for bound in prepared.scores))
        none = np.zeros((0, len(exponents), len(queries)), dtype=np.int64)
        lower, upper, own = [none], [none], [np.zeros((0, 2, len(queries)), dtype=np.int64)]
        for block in blocks(prepared.tables.score_shift, scores, prepared.certificate.plan.block_lengths):
            of_bands = token_rows(exponents, block)
            lower.append(of_bands.lower)
            upper.append(of_bands.upper)
            tokens = np.minimum(queries, block.answers[-1])  # a q above the block is of no case in it
            of_q = np.stack([bound[np.arange(len(queries)), tokens] for bound in block.weights])
            own.append(np.broadcast_to(of_q, (len(block.answers), *of_q.shape)))
        return cls(np.concatenate(lower), np.concatenate(upper), np.concatenate(own))


@dataclass(frozen=True, slots=True, eq=False)
class _Cases:
    """The cases (q, m) of some q in a row, m = q .. below `answers`; `every` is how many sequences they have, or their weight
    but for `of_last`, that of q. Cases without weight are left out."""

    first: int
    q: Int64[np.ndarray, " cases"]
    m: Int64[np.ndarray, " cases"]
    widths: Int64[np.ndarray, "cases bands"]
    every: PythonInts
    of_last: PythonInts

    @classmethod
    def of(cls, prepared: Prepared, queries: range, answers: int) -> _Cases:
        pairs = [(q, m) for q in queries for m in range(q, answers)]
        d_vocab, positions, weights = prepared.tables.d_vocab, prepared.tables.n_ctx - 1, prepared.weights
        if weights is None:
            powers = [m**positions for m in range(answers + 1)]
            every, of_last = [powers[m + 1] - (0 if q == m else powers[m]) for q, m in pairs], [1] * len(pairs)
        else:
            pairs = [(q, m) for q, m in pairs if weights.last[q] and weights.every(q, m)]
            every, of_last = [weights.every(q, m) for q, m in pairs], [weights.last[q] for q, m in pairs]
        q, m = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        exponents = bands.band_exponents(d_vocab, prepared.certificate.exponents)
        numbers = (np.array(one, dtype=object) for one in (every, of_last))
        return cls(queries.start, q, m, bands.widths(exponents, m), *numbers)


def _count(
    prepared: Prepared,
    cases: _Cases,
    weights: _Weights,
    positions: Enclosures,
    chosen: Int64[np.ndarray, " chosen"],
    strictness: int,
    resolutions: Sequence[int],
    gaps: GapsOf,
) -> PythonInts:
    """Count sequences of the chosen cases. Coq: Cert.Staged.count_case, case_columns, case_last."""
    result = np.zeros(len(chosen), dtype=object)
    resolution = _entries(resolutions, cases.m[chosen])
    places = np.flatnonzero(resolution > 0)
    if places.size == 0:
        return result
    chosen = chosen[places]
    q, m = cases.q[chosen], cases.m[chosen]
    columns, last = [], []
    for query in np.unique(q).tolist():
        answers = m[q == query]
        of_q = gaps(query).part(answers - query)
        free = Enclosures(*(bound[query, :-1] for bound in positions))
        tokens = Enclosures(*(bound[answers, :, query - cases.first, None] for bound in (weights.lower, weights.upper)))
        columns.append(upper_term(both(tokens, free), of_q.offset[:, None, None] + of_q.banded))
        own = Enclosures(*weights.own[answers, :, query - cases.first].T)
        last.append(upper_term(both(own, Enclosures(*(bound[query, -1] for bound in positions))), of_q.final))
    odds = None if prepared.weights is None else prepared.weights.of_cases(m)
    costs = Costs(cases.widths[chosen], np.concatenate(columns), np.concatenate(last), q == m, odds)
    digits = prepared.certificate.plan.mass_digits
    result[places] = count_choices(digits, strictness, resolution[places], costs, cases.every[chosen])
    return result


def _entries(numbers: Sequence[int], places: Int64[np.ndarray, " places"]) -> PythonInts:
    """Return the numbers at some places; 0 past the last."""
    return np.array([numbers[one] if one < len(numbers) else 0 for one in places.tolist()], dtype=object)


def _right(cases: _Cases, plan: Plan, gaps: list[GapsOf], count: Count) -> tuple[PythonInts, PythonInts]:
    """Count right sequences: by the gap to all other outputs at once; where some fail, also by groups of outputs, each
    sequence that fails for a group taken off. Return the first, and the better. Coq: Cert.Staged.right_case."""
    counted = count(np.arange(len(cases.q)), 1, plan.resolutions, gaps[0])
    best = counted.copy()
    chosen = np.flatnonzero((counted != cases.every) & (_entries(plan.near_resolutions, cases.m) > 0))
    if len(gaps) > 1 and chosen.size:
        every = cases.every[chosen]
        failing = sum(every - count(chosen, 1, plan.near_resolutions, one) for one in gaps[1:])
        best[chosen] = np.maximum(counted[chosen], every - failing)
    return counted, best


def _wrong(
    d_vocab: int, cases: _Cases, plan: Plan, rivals: tuple[Rivals, ...], gaps: list[GapsOf], count: Count
) -> tuple[PythonInts, PythonInts]:
    """Count wrong sequences: output m is at most another output; the best of a few. Coq: Cert.Staged.wrong_case."""
    best = np.zeros(len(cases.q), dtype=object)
    for one, of_one in zip(rivals, gaps, strict=True):
        chosen = np.flatnonzero([one.exists(m, d_vocab) for m in cases.m.tolist()])
        best[chosen] = np.maximum(best[chosen], count(chosen, 0, plan.resolutions, of_one))
    return best, best
