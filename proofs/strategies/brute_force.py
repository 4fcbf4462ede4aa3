"""Brute force: every sequence through the network; on each, the answer is proved right, proved wrong, or undecided.

Softmax's denominator is positive, so output w loses to the answer exactly if the sum over positions of attention weight
times gap is negative. Weights are enclosed, so the sum has an upper and a lower bound: all upper bounds negative is right,
some lower bound not negative is wrong. With no sequence undecided the count is exact. Coq: Cert.BruteForceCheck.
Source: docs/max_of_k.md, section 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

from compact_proofs.extract.coq_text import Field, Statement
from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.extract.tables import IntegerTables, check_gap_shift, check_inputs, integer_tables, least_gap_shift
from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.forms import FORMS
from compact_proofs.proofs.registry import DEFAULT, Found, Progress, Strategy, Tuning, silent
from compact_proofs.proofs.strategies.terms import (
    Enclosures,
    check_claims,
    check_claims_length,
    check_exact_total,
    check_total,
    lower_term,
    relative_exp,
    shift_down,
    shift_up,
    upper_term,
    verdict_of,
)

MOST_SEQUENCES = 2**20
CHUNK = 2**13  # sequences at a time
OPERATIONS_PER_HOUR = 3e11  # of Coq's virtual machine, measured within a factor of two


@dataclass(frozen=True, slots=True)
class BruteForceCertificate:
    """What Coq needs to enumerate. Coq: Cert.BruteForceCheck.brute_force_certificate.

    gap_shift: gaps are in units of 2^(gap_shift - logit_bits). right_claims, wrong_claims: per last token, the sequences
    claimed right and claimed wrong.
    """

    gap_shift: int
    right_claims: tuple[int, ...]
    wrong_claims: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """Of the sequences with one last token, how many are proved right and how many wrong."""

    right: int
    wrong: int


def find(model: QuantisedModel, tuning: Tuning = DEFAULT, progress: Progress = silent) -> Found:
    """Decide every sequence. The statement is `exactly` when none is left undecided.

    Raises: UsageError: there is nothing to tune. InputRefused: too many sequences. OverflowRisk: a network that the checker
    refuses.
    """
    tuning.only("brute_force")
    _check_size(model)
    tables = integer_tables(model)
    gap_shift = least_gap_shift(tables)
    tallies = []
    for q in range(model.d_vocab):
        progress("brute force: last token", q, model.d_vocab)
        tallies.append(query_tally(tables, gap_shift, q))
    progress("brute force: last token", model.d_vocab, model.d_vocab)
    rights, wrongs = tuple(tally.right for tally in tallies), tuple(tally.wrong for tally in tallies)
    certificate = BruteForceCertificate(gap_shift, rights, wrongs)
    stated = statement(model, certificate)
    checks = 2 if stated == "exactly" else 1
    return Found(certificate, sum(rights), stated, checks * estimate_operations(model.n_ctx, model.d_vocab))


def fields(certificate: BruteForceCertificate) -> list[Field]:
    """Return the definitions of Certificate.v."""
    return [
        Field("gap_shift", "int", certificate.gap_shift),
        Field("right_claims", "list int", certificate.right_claims),
        Field("wrong_claims", "list int", certificate.wrong_claims),
    ]


def statement(model: QuantisedModel, certificate: BruteForceCertificate) -> Statement:
    """Return `exactly` if the claims cover every sequence, else `at_least`, which leaves the wrong ones out."""
    covered = sum(certificate.right_claims) + sum(certificate.wrong_claims)
    return "exactly" if covered == model.d_vocab**model.n_ctx else "at_least"


def mirror(model: QuantisedModel, certificate: BruteForceCertificate) -> int:
    """Return the N of the theorem that Coq accepts with this certificate: the largest, or the exact one; see `statement`.

    Raises: InputRefused: too many sequences. OverflowRisk, CertificateError: Coq refuses every N; starts with what Coq prints.
    """
    _check_size(model)
    _check_tallies(model, certificate, statement(model, certificate))
    return sum(certificate.right_claims)


def verdict(claimed: int, model: QuantisedModel, certificate: BruteForceCertificate, stated: Statement) -> str:
    """Return what Coq prints for a claim of (at least, or exactly) `claimed` right inputs.

    Coq: Cert.BruteForceCheck.brute_force_verdict, brute_force_exact_verdict.
    """

    def check() -> None:
        _check_size(model)
        _check_tallies(model, certificate, stated)
        if stated == "at_least":
            check_total(claimed, sum(certificate.right_claims))
        else:
            check_exact_total(claimed, sum(certificate.right_claims), sum(certificate.wrong_claims), model.d_vocab**model.n_ctx)

    return verdict_of(check)


def query_tally(tables: IntegerTables, gap_shift: int, q: int) -> Tally:
    """Decide the sequences that end in q. Coq: Cert.BruteForceCheck.query_tally of right and of wrong."""
    right = wrong = 0
    for sequences in _sequences(tables.d_vocab, tables.n_ctx, q):
        is_right, is_wrong = decide(tables, gap_shift, sequences)
        right += int(is_right.sum())
        wrong += int(is_wrong.sum())
    return Tally(right, wrong)


def decide(
    tables: IntegerTables, gap_shift: int, sequences: Int64[np.ndarray, "count n_ctx"]
) -> tuple[Bool[np.ndarray, " count"], Bool[np.ndarray, " count"]]:
    """Return which sequences are proved right and which wrong; all must end in the same token.

    Coq: Cert.BruteForceCheck.right, wrong.
    """
    q = int(sequences[0, -1])
    rows = np.arange(len(sequences))
    answer = sequences.max(axis=1)
    scores = tables.S[q][sequences] + tables.P[q]
    weights = relative_exp(tables.score_shift, scores.max(axis=1, keepdims=True), scores)
    upper = np.zeros((len(sequences), tables.d_vocab), dtype=np.int64)
    lower = np.zeros_like(upper)
    for i in range(tables.n_ctx):
        logits = (tables.EU[q] + tables.PV[i] + tables.V)[sequences[:, i]]
        gaps = logits - logits[rows, answer, None]
        weight = Enclosures(*(bound[:, i, None] for bound in weights))
        upper += upper_term(weight, shift_up(gap_shift, gaps))
        lower += lower_term(weight, shift_down(gap_shift, gaps))
    upper[rows, answer] = lower[rows, answer] = -1
    return np.logical_and.reduce(upper < 0, axis=1), np.logical_or.reduce(lower >= 0, axis=1)


def estimate_operations(n_ctx: int, d_vocab: int) -> int:
    """Estimate the machine-integer operations of one pass (right or wrong) of the checker over all sequences.

    Per sequence: 306 for each of n_ctx exponentials (3 per bit of two tables of 36, half the bits set, 5 for a set bit) and
    18 per (position, output): a difference, a shift, a comparison, a product, a shift and a sum, rounded. The tables and
    what is shared between sequences are left out.
    """
    return d_vocab**n_ctx * n_ctx * (306 + 18 * d_vocab)


def _check_tallies(model: QuantisedModel, certificate: BruteForceCertificate, stated: Statement) -> None:
    """Check the network and the claims of `stated` against the tallies, in the checker's order.

    Raises: OverflowRisk, CertificateError: the first that fails. Coq: Cert.BruteForceCheck.right_failure, wrong_failure.
    """
    tables = integer_tables(model)
    check_inputs(model)
    check_gap_shift(tables, certificate.gap_shift)
    tallies: dict[int, Tally] = {}

    def tally(q: int) -> Tally:
        if q not in tallies:
            tallies[q] = query_tally(tables, certificate.gap_shift, q)
        return tallies[q]

    check_claims_length(model.d_vocab, certificate.right_claims)
    check_claims(lambda q: tally(q).right, certificate.right_claims)
    if stated == "exactly":
        check_claims_length(model.d_vocab, certificate.wrong_claims)
        check_claims(lambda q: tally(q).wrong, certificate.wrong_claims)


def _check_size(model: QuantisedModel) -> None:
    sequences = model.d_vocab**model.n_ctx
    if sequences > MOST_SEQUENCES:
        hours = 2 * estimate_operations(model.n_ctx, model.d_vocab) / OPERATIONS_PER_HOUR
        raise InputRefused(
            f"brute force: {model.name} has {model.d_vocab}^{model.n_ctx} sequences, wanted at most {MOST_SEQUENCES:,}; Coq "
            f"would take about {hours:.3g} hours; use another strategy or a smaller network"
        )


def _sequences(d_vocab: int, n_ctx: int, q: int) -> Iterator[Int64[np.ndarray, "count n_ctx"]]:
    """Yield all sequences that end in q, in chunks."""
    total = d_vocab ** (n_ctx - 1)
    for start in range(0, total, CHUNK):
        index = np.arange(start, min(start + CHUNK, total))
        tokens = [(index // d_vocab**i) % d_vocab for i in range(n_ctx - 1)]
        yield np.stack([*tokens, np.full(index.size, q, dtype=np.int64)], axis=1)


STRATEGY = Strategy(
    FORMS["max_of_k", "brute_force"],
    summary="every sequence through the network; the exact count where no sequence is undecided",
    find=find,
    fields=fields,
    mirror=mirror,
    verdict=verdict,
    check_tuning=lambda tuning: tuning.only("brute_force"),
)
