"""The exact count: costs first, brute force for what they leave.

Every sequence has its costs (`costs`) added up; a sum below 0 is right. The few sequences left over go through
the network as in brute force, which proves each right or wrong. Coq: Cert.ExactCheck. Source: docs/max_of_k.md, section 6.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64

from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.extract.tables import IntegerTables, integer_tables, least_gap_shift
from compact_proofs.models.errors import InputRefused, NotProved
from compact_proofs.proofs.registry import DEFAULT, CoqNames, Found, Progress, Strategy, Tuning, silent
from compact_proofs.proofs.strategies import brute_force, costs
from compact_proofs.proofs.strategies.brute_force import BruteForceCertificate, Tally
from compact_proofs.proofs.strategies.operations import cost_operations, gap_operations, table_operations, weight_operations
from compact_proofs.proofs.strategies.terms import verdict_of

MOST_SEQUENCES = 2**30
SWEEP_OPERATIONS = 6  # per sequence: two additions to a sum, a comparison, a count


def find(model: QuantisedModel, tuning: Tuning = DEFAULT, progress: Progress = silent) -> Found:
    """Decide every sequence.

    Raises: UsageError: there is nothing to tune. NotProved: some sequence is neither proved right nor wrong. InputRefused: too
    many sequences. OverflowRisk: a network that the checker refuses.
    """
    tuning.only("exact")
    _check_size(model)
    tables = integer_tables(model)
    gap_shift = least_gap_shift(tables)
    tallies, left_over = [], 0
    for q in range(model.d_vocab):
        progress("exact: last token", q, model.d_vocab)
        tally, rest = _query_tally(tables, gap_shift, q)
        tallies.append(tally)
        left_over += rest
    progress("exact: last token", model.d_vocab, model.d_vocab)
    rights, wrongs = tuple(tally.right for tally in tallies), tuple(tally.wrong for tally in tallies)
    if undecided := model.d_vocab**model.n_ctx - sum(rights) - sum(wrongs):
        raise NotProved(
            f"exact: {undecided:,} of {model.d_vocab**model.n_ctx:,} sequences of {model.name} are too near a tie to be proved "
            f"right or wrong ({sum(rights):,} are right); use cubic or brute_force for a lower bound"
        )
    certificate = BruteForceCertificate(gap_shift, rights, wrongs)
    return Found(certificate, sum(rights), "exactly", operations(model, left_over))


def mirror(model: QuantisedModel, certificate: BruteForceCertificate) -> int:
    """Return the N of the theorem that Coq accepts with this certificate.

    Raises: InputRefused: too many sequences. OverflowRisk, CertificateError: Coq refuses; starts with what Coq prints.
    """
    claimed = sum(certificate.right_claims)
    _check(claimed, model, certificate)
    return claimed


def verdict(claimed: int, model: QuantisedModel, certificate: BruteForceCertificate) -> str:
    """Return what Coq prints for a claim of exactly `claimed` right inputs. Coq: Cert.ExactCheck.exact_verdict."""
    return verdict_of(lambda: _check(claimed, model, certificate))


def query_tally(tables: IntegerTables, gap_shift: int, q: int) -> Tally:
    """Decide the sequences that end in q. Coq: Cert.ExactCheck.exact_right, exact_wrong."""
    return _query_tally(tables, gap_shift, q)[0]


def operations(model: QuantisedModel, left_over: int) -> int:
    """Count the machine-integer operations of the checker's two passes (right, wrong), closely.

    Tables, gaps, weights and costs as for `cubic` with a block for each m, but each time from the start; SWEEP_OPERATIONS per
    sequence; and brute force on the sequences left over, as `brute_force.estimate_operations`.
    """
    n, d = model.n_ctx, model.d_vocab
    weights = sum((m + 1) * weight_operations(1, m + 1, n, 1, None) for m in range(d))
    of_costs = sum((m + 1) * cost_operations(1, n - 1, m + 1) for m in range(d))
    one_pass = 2 * gap_operations(d, n, 1, joint=True) + weights + of_costs + SWEEP_OPERATIONS * d**n
    per_sequence = brute_force.estimate_operations(n, d) // d**n
    return table_operations(model, full=True) + 2 * (one_pass + left_over * per_sequence)


def _query_tally(tables: IntegerTables, gap_shift: int, q: int) -> tuple[Tally, int]:
    """Return the tally of q, and how many sequences the costs leave over."""
    right = wrong = rest = 0
    for case in costs.cases(tables, gap_shift, q):
        tokens = _left_over(case)
        rest += len(tokens)
        right += case.sequences - len(tokens)
        for start in range(0, len(tokens), brute_force.CHUNK):
            part = tokens[start : start + brute_force.CHUNK]
            sequences = np.concatenate([part, np.full((len(part), 1), q, dtype=np.int64)], axis=1)
            is_right, is_wrong = brute_force.decide(tables, gap_shift, sequences)
            right += int(is_right.sum())
            wrong += int(is_wrong.sum())
    return Tally(right, wrong), rest


def _left_over(case: costs.Case) -> Int64[np.ndarray, "count positions"]:
    """Return the tokens of the free positions of the sequences of (q, m) whose costs do not add up to less than 0.

    Position by position, beginnings that no continuation lifts to 0 are dropped.
    """
    highest = case.costs.max(axis=1)
    tokens = np.zeros((1, 0), dtype=np.int64)
    sums = np.array([case.last])
    for i, column in enumerate(case.costs):
        live = sums + highest[i:].sum() >= 0
        tokens, sums = tokens[live], sums[live]
        choices = np.arange(column.size)
        if i == len(case.costs) - 1 and case.q != case.m:  # the last place for m
            seen = (tokens == case.m).any(axis=1)
            ended = np.concatenate([tokens[~seen], np.full((int((~seen).sum()), 1), case.m)], axis=1)
            ended_sums = sums[~seen] + column[case.m]
            tokens, sums = tokens[seen], sums[seen]
        else:
            ended, ended_sums = np.zeros((0, i + 1), dtype=np.int64), np.zeros(0, dtype=np.int64)
        longer = np.concatenate([np.repeat(tokens, column.size, axis=0), np.tile(choices, len(tokens))[:, None]], axis=1)
        tokens = np.concatenate([longer, ended])
        sums = np.concatenate([np.add.outer(sums, column).ravel(), ended_sums])
    tokens = tokens[sums >= 0]
    return tokens if case.q == case.m else tokens[(tokens == case.m).any(axis=1)]


def _check(claimed: int, model: QuantisedModel, certificate: BruteForceCertificate) -> None:
    """Check the network, the claims and the number, in the checker's order. Coq: Cert.BruteForceCheck.exactly."""
    _check_size(model)
    brute_force.check_tallies(model, certificate, "exactly", query_tally)
    brute_force.check_exact_total(claimed, model, certificate)


def _check_size(model: QuantisedModel) -> None:
    sequences = model.d_vocab**model.n_ctx
    if sequences > MOST_SEQUENCES:
        raise InputRefused(
            f"exact: {model.name} has {model.d_vocab}^{model.n_ctx} sequences, wanted at most {MOST_SEQUENCES:,}; "
            "use cubic, or a smaller network"
        )


STRATEGY = Strategy(
    name="exact",
    summary="the exact count: costs for most sequences, brute force for those they leave",
    constructor="BruteForceCertificate",
    coq={"exactly": CoqNames(check="exact_check", sound="exact_sound", verdict="exact_verdict")},
    find=find,
    fields=brute_force.fields,
    mirror=mirror,
)
