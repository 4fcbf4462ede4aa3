"""The exact count, by branch and bound.

A case is a last token q and a largest token m. Its sequences are those of a few boxes: at each free position a list of tokens
to choose from; where q is not m, a box says which free position is the first with m. For each other output (a rival), a token
at a position costs its attention weight times how far it puts the rival above m, and also how far it puts m above the rival,
both bounded from above. In a box, or in a part of it where some positions are fixed, all sequences are right if for no rival
the largest costs of the first kind add up to 0 or more, and all are wrong if for some rival the largest of the second kind add
up to at most 0; otherwise the next position is fixed. A sequence that is left goes through the network, as in brute force.
Coq: Cert.ExactCheck. Source: docs/max_of_k.md, section 6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np
import sympy
from jaxtyping import Int64

from compact_proofs.extract.coq_text import Field
from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.extract.tables import IntegerTables, check_gap_shift, integer_tables, least_gap_shift
from compact_proofs.models.errors import InputRefused, NotProved
from compact_proofs.proofs.forms import FORMS
from compact_proofs.proofs.registry import DEFAULT, Found, Progress, Strategy, Tuning, silent
from compact_proofs.proofs.strategies import brute_force
from compact_proofs.proofs.strategies.operations import EXPONENTIAL, table_operations_of
from compact_proofs.proofs.strategies.terms import (
    Enclosures,
    Ints,
    both,
    check_exact_total,
    relative_exp,
    shift_up,
    upper_term,
    verdict_of,
)

MOST_OPERATIONS = 2**35  # about ten minutes of Coq
CELLS = 2**21  # numbers worked on at a time, about
COST = 17  # a difference, its rounding, weight times gap
LARGEST = 3  # a comparison
STEP = 8  # two differences, a comparison of each
OUTPUT = 18  # of brute force, for each sequence, position and output


@dataclass(frozen=True, slots=True)
class ExactCertificate:
    """What Coq needs to branch. Coq: Cert.ExactCheck.exact_certificate.

    gap_unit: gaps are in units of 2^(gap_unit - logit_bits).
    """

    gap_unit: int


class Counts(NamedTuple):
    """How many sequences are proved right and how many wrong; and what it took once costs were known: sums of a part of a box
    and a rival, tokens of the next position each, and sequences that went through the network.
    """

    right: int
    wrong: int
    sums: int
    leaves: int

    def __add__(self, other: Counts) -> Counts:  # type: ignore[override]
        return Counts(*(one + more for one, more in zip(self, other, strict=True)))

    def operations(self, n_ctx: int, d_vocab: int) -> int:
        """Return the operations that it took."""
        return int(branching_operations_of(n_ctx, d_vocab, self.sums, self.leaves))


NOTHING = Counts(0, 0, 0, 0)


def find(model: QuantisedModel, tuning: Tuning = DEFAULT, progress: Progress = silent) -> Found:
    """Decide every sequence.

    Raises: UsageError: there is nothing to tune. NotProved: some sequence is neither proved right nor wrong. InputRefused: too
    many parts of boxes to look at. OverflowRisk: a network that the checker refuses.
    """
    tuning.only("exact")
    tables = integer_tables(model)
    certificate = ExactCertificate(least_gap_shift(tables))
    counts = _counts(model, tables, certificate, progress)
    inputs = model.d_vocab**model.n_ctx
    if undecided := inputs - counts.right - counts.wrong:
        raise NotProved(
            f"exact: {undecided:,} of {inputs:,} sequences of {model.name} are too near a tie to be proved right or wrong "
            f"({counts.right:,} are right); use cubic for a lower bound"
        )
    return Found(certificate, counts.right, "exactly", operations(model) + counts.operations(model.n_ctx, model.d_vocab))


def fields(certificate: ExactCertificate) -> list[Field]:
    """Return the definitions of Certificate.v."""
    return [Field("gap_unit", "int", certificate.gap_unit)]


def mirror(model: QuantisedModel, certificate: ExactCertificate) -> int:
    """Return the N of the theorem that Coq accepts with this certificate.

    Raises: InputRefused: too many parts of boxes to look at. OverflowRisk, CertificateError: Coq refuses every N; starts with
    what Coq prints.
    """
    counts = count(model, certificate)
    _check_total(counts.right, model, counts)
    return counts.right


def verdict(claimed: int, model: QuantisedModel, certificate: ExactCertificate) -> str:
    """Return what Coq prints for a claim of exactly `claimed` right inputs. Coq: Cert.ExactCheck.exact_verdict."""
    return verdict_of(lambda: _check_total(claimed, model, count(model, certificate)))


def count(model: QuantisedModel, certificate: ExactCertificate) -> Counts:
    """Decide what can be decided, under the checker's tests.

    Raises: InputRefused: too many parts of boxes to look at. OverflowRisk: the first test that fails; starts with what Coq
    prints.
    """
    tables = integer_tables(model)
    check_gap_shift(tables, certificate.gap_unit)
    return _counts(model, tables, certificate, silent)


def operations(model: QuantisedModel) -> int:
    """Count the machine-integer operations of the checker but for those of `Counts`, closely."""
    return int(operations_of(model.n_ctx, model.d_vocab, model.d_model, model.d_head, 0, 0))


def operations_of(n: Any, d: Any, D: Any, H: Any, sums: Any, leaves: Any) -> Any:
    """Count the checker's operations, closely, from n_ctx, d_vocab, d_model, d_head and what `Counts` has; numbers or symbols.

    Of each case: the weights of the tokens up to m, the costs of each rival, and its largest cost at each position of each box.
    An estimate: no lemma says so.
    """
    tokens = d * (d + 1) * (2 * d + 1) / sympy.Integer(6)  # of all cases together: the sum of (m + 1)^2
    weights = EXPONENTIAL * (tokens + d * n) + 7 * tokens * (n - 1)
    costs = tokens * (n - 1) * (d - 1) * (COST + LARGEST * (n - 1))
    return table_operations_of(n, d, D, H, full=True) + d**3 * n + weights + costs + branching_operations_of(n, d, sums, leaves)


def branching_operations_of(n: Any, d: Any, sums: Any, leaves: Any) -> Any:
    """Count the operations of branching: STEP for a sum, and twice brute force (right, wrong) for a leaf."""
    return STEP * sums + 2 * n * (EXPONENTIAL + OUTPUT * d) * leaves


def _check_total(claimed: int, model: QuantisedModel, counts: Counts) -> None:
    check_exact_total(claimed, counts.right, counts.wrong, model.d_vocab**model.n_ctx)


def _counts(model: QuantisedModel, tables: IntegerTables, certificate: ExactCertificate, progress: Progress) -> Counts:
    counts, most = NOTHING, MOST_OPERATIONS - operations(model)
    n, d = model.n_ctx, model.d_vocab
    for q in range(d):
        progress("exact: last token", q, d)
        for m, box in boxes(tables, certificate.gap_unit, q):
            if counts.operations(n, d) <= most:
                counts += box.counts(most)
            if counts.operations(n, d) > most:
                raise InputRefused(
                    f"exact: {model.name} takes more than {MOST_OPERATIONS:,} operations (given up at last token {q}, largest "
                    f"token {m} of {d}); use cubic, or a smaller network"
                )
    progress("exact: last token", d, d)
    return counts


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """Per free position, the credits of its tokens for each rival that is not below m throughout: `above` for costs of the
    rival over m, `below` for costs of m over the rival. And the sums of the largest costs.
    """

    tables: IntegerTables
    gap_unit: int
    q: int
    tokens: list[range]
    above: list[Int64[np.ndarray, "rivals tokens"]]
    below: list[Int64[np.ndarray, "rivals tokens"]]
    above_top: Int64[np.ndarray, " rivals"]
    below_top: Int64[np.ndarray, " rivals"]

    def counts(self, most: int) -> Counts:
        """Coq: Cert.ExactCheck.box_counts. Stops soon after `most` operations."""
        return self._branch(np.zeros((1, 0), dtype=np.int64), self.above_top[:, None], self.below_top[:, None], most)

    def _branch(
        self,
        chosen: Int64[np.ndarray, "parts fixed"],
        above: Int64[np.ndarray, "rivals parts"],
        below: Int64[np.ndarray, "rivals parts"],
        most: int,
    ) -> Counts:
        """Coq: Cert.ExactCheck.branch, for some parts of the box, with their first tokens chosen."""
        level = chosen.shape[1]
        every = prod(len(tokens) for tokens in self.tokens[level:])
        right = np.logical_and.reduce(above < 0, axis=0)
        wrong = np.logical_or.reduce(below <= 0, axis=0) & ~right
        counts = Counts(int(right.sum()) * every, int(wrong.sum()) * every, 0, 0)
        left = np.flatnonzero(~(right | wrong))
        if level == len(self.tokens):
            return counts + self._leaves(chosen[left])
        rivals, tokens = len(above), len(self.tokens[level])
        step = max(1, CELLS // (rivals * tokens or 1))
        for start in range(0, left.size, step):
            parts = left[start : start + step]
            counts += Counts(0, 0, rivals * tokens * parts.size, 0)
            if counts.operations(self.tables.n_ctx, self.tables.d_vocab) > most:
                return counts
            longer = np.repeat(chosen[parts], tokens, axis=0)
            longer = np.concatenate([longer, np.tile(np.array(self.tokens[level]), parts.size)[:, None]], axis=1)
            longer_above = (above[:, parts, None] - self.above[level][:, None]).reshape(rivals, -1)
            longer_below = (below[:, parts, None] - self.below[level][:, None]).reshape(rivals, -1)
            counts += self._branch(longer, longer_above, longer_below, most)
        return counts

    def _leaves(self, chosen: Int64[np.ndarray, "parts positions"]) -> Counts:
        """Coq: Cert.ExactCheck.leaf_counts."""
        counts = NOTHING
        for start in range(0, len(chosen), brute_force.CHUNK):
            part = chosen[start : start + brute_force.CHUNK]
            sequences = np.concatenate([part, np.full((len(part), 1), self.q, dtype=np.int64)], axis=1)
            right, wrong = brute_force.decide(self.tables, self.gap_unit, sequences)
            counts += Counts(int(right.sum()), int(wrong.sum()), 0, len(part))
        return counts


def boxes(tables: IntegerTables, gap_unit: int, q: int) -> Iterator[tuple[int, Box]]:
    """Yield the boxes of the cases of q, and m. Coq: Cert.ExactCheck.query_counts, case_counts."""
    logits = (tables.EU[q] + tables.PV)[:, None, :] + tables.V
    free = tables.n_ctx - 1
    positions = relative_exp(tables.score_shift, tables.P[q].max(), tables.P[q])
    for m in range(q, tables.d_vocab):
        scores = tables.S[q, : m + 1]
        tokens = relative_exp(tables.score_shift, scores.max(), scores)
        weights = both(Enclosures(*(bound[None] for bound in tokens)), Enclosures(*(bound[:, None] for bound in positions)))
        rivals = np.flatnonzero(np.arange(tables.d_vocab) != m)
        over = logits[:, : m + 1, rivals] - logits[:, : m + 1, m, None]
        above, last_above = _costs(weights, gap_unit, over, q)
        for kept in _kept(free, q, m):
            sums = last_above + sum(above[i, kept[i]].max(axis=0) for i in range(free))
            chosen = np.flatnonzero(sums >= 0)
            below, last_below = _costs(weights, gap_unit, -over[:, :, chosen], q)
            columns_above = [above[i, kept[i]][:, chosen].T for i in range(free)]
            columns_below = [below[i, kept[i]].T for i in range(free)]
            box = Box(
                tables,
                gap_unit,
                q,
                [range(*one.indices(m + 1)) for one in kept],
                [column.max(axis=1, keepdims=True) - column for column in columns_above],
                [column.max(axis=1, keepdims=True) - column for column in columns_below],
                sums[chosen],
                last_below + sum(column.max(axis=1) for column in columns_below),
            )
            yield m, box


def _kept(free: int, q: int, m: int) -> list[list[slice]]:
    """Return, per box, the tokens of each free position. Coq: Cert.ExactCheck.boxes."""
    if q == m:
        return [[slice(0, m + 1)] * free]
    below, only, every = slice(0, m), slice(m, m + 1), slice(0, m + 1)
    return [[below] * first + [only] + [every] * (free - first - 1) for first in range(free)]


def _costs(weights: Enclosures, gap_unit: int, over: Ints, q: int) -> tuple[Ints, Ints]:
    """Return the costs by (free position, token, rival), and of q at the last position. Coq: Cert.ExactCheck.costs_over."""
    costs = upper_term(Enclosures(*(bound[:, :, None] for bound in weights)), shift_up(gap_unit, over))
    return costs[:-1], costs[-1, q]


STRATEGY = Strategy(
    FORMS["max_of_k", "exact"],
    summary="the exact count, by branch and bound: many sequences at once proved right, or wrong",
    find=find,
    fields=fields,
    mirror=mirror,
    verdict=lambda claimed, model, certificate, statement: verdict(claimed, model, certificate),
    check_tuning=lambda tuning: tuning.only("exact"),
)
