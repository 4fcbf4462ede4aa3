"""Mistakes of earlier programs that prove bounds for max-of-K, rebuilt; on a tiny network each accepts a count that is false.

`gap_count` and `token_count` are the two rules of the reference programs (Gross et al. 2024; their repository
guarantees-based-mechanistic-interpretability, gbmi/exp_max_of_n/verification and earlier notebooks) in a few lines of float64,
with a switch for each mistake. Comparing versions there shows these, later put right: sequences with at most so many other
tokens counted as those with exactly so many; sequences of one token counted without a look at the bound; scores not divided by
sqrt(d_head); the answer at the last position put elsewhere; only the least attention tried; the score of token 0 taken as 0.
These are in the last versions seen: the mean and difference step, which takes the largest logit where attention is below its
mean; the worse end of attention chosen by one comparison for all outputs; the weight of another token taken to be that of the
last; the direct path with the mean of all positions; the count with one token too few beyond the gap, which errs on the safe
side.

Every false count is refused by every strategy, mirror and Coq. The truth is the exact one of proofs/attack/oracle.py.
"""

import itertools
import math
import shutil
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from compact_proofs.extract.quantise import QuantisedModel, quantised_tables
from compact_proofs.extract.rounding import QuantisedMatrix
from compact_proofs.models.errors import NotProved
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.attack.cases import Case, coq_verdicts, mirror_verdict
from compact_proofs.proofs.attack.oracle import right_count
from compact_proofs.proofs.registry import DEFAULT, silent, strategies
from compact_proofs.proofs.words import INPUTS, theorem_in_words

STRATEGIES = strategies()
SURE = 1e-9  # a bound must be below zero by this; without it ties pass, see `in_floats`
N_CTX = 3
Rows = list[list[int]]


def network_of(S: Rows, EU: Rows, V: Rows, P: Rows | None = None, EP: Rows | None = None) -> QuantisedModel:
    """A network with these tables: scores by last token and token, direct logits by last token, logits by token attended to;
    scores by last token and position, direct logits by last position. Embeddings are unit vectors."""
    d, n = len(S), N_CTX
    inner, model = d + n, 2 * d + n
    W = {name: np.zeros((model, inner), dtype=np.int64) for name in ("W_Q", "W_K", "W_V")}
    W |= {"W_E": np.eye(d, model, dtype=np.int64), "W_pos": np.eye(n, model, d, dtype=np.int64)}
    W |= {"W_O": np.eye(inner, model, inner, dtype=np.int64), "W_U": np.zeros((model, d), dtype=np.int64)}
    W["W_O"][d:] = 0
    W["W_Q"][:d, :d], W["W_K"][:inner], W["W_V"][:d] = S, np.eye(inner), np.eye(d, inner)
    W["W_U"][:d], W["W_U"][inner:] = EU, V
    if P is not None:
        W["W_Q"][:d, d:] = P
    if EP is not None:
        W["W_U"][d:inner] = EP
    matrices = [QuantisedMatrix(W[name], 0) for name in ("W_E", "W_pos", "W_Q", "W_K", "W_V", "W_O", "W_U")]
    return QuantisedModel("mistake", n, d, model, inner, 8, *matrices)


def cases_of(d: int) -> list[tuple[int, int]]:
    """Last token q and answer m."""
    return [(q, m) for m in range(d) for q in range(m + 1)]


def attention(scores: np.ndarray, chosen: list[int]) -> float:
    weights = np.exp(scores - scores.max())
    return float(weights[chosen].sum() / weights.sum())


def gap_count(model: QuantisedModel, mistake: str = "") -> int:
    """The rule with one bound for each last token q, answer m and number k of other tokens, all of them below m."""
    tables = quantised_tables(model)
    S, P, EU, V, PV, n, d = tables.S, tables.P, tables.EU, tables.V, tables.PV, tables.n_ctx, tables.d_vocab
    if mistake == "scores not divided":
        S, P = S * math.sqrt(model.d_head), P * math.sqrt(model.d_head)
    if mistake == "mean of positions":
        positions = model.W_pos.to_float() @ model.W_U.to_float()
        EU = EU - positions[-1] + positions.mean(axis=0)
    ends = np.full((2, d, d, n), np.nan)  # least and most attention to m, by q, m and k
    for q, m in cases_of(d):
        for k in range(q < m, n if m else 1):
            others = S[q, :m]
            most, least = (max(others), min(others)) if k else (S[q, m], S[q, m])
            if mistake == "token 0 scores 0" and k:
                most = max([0, *others[1:]])
            for end, difference in enumerate((S[q, m] - most, S[q, m] - least)):
                free = np.sort(P[q, :-1] - P[q, -1])
                scores = np.append(free if end == 0 else free[::-1], 0.0)
                places = list(range(n - k))
                if q == m and (mistake != "last position forgotten" or k == n - 1):
                    places = [*places[:-1], n - 1]
                scores[places] += difference
                ends[end, q, m, k] = attention(scores, places)
    total = 0
    for q, m in cases_of(d):
        other = np.arange(d) != m
        direct = (EU[q] - EU[q, m] + (PV - PV[:, m : m + 1]).max(axis=0))[other]
        attended = (V[m] - V[m, m])[other]
        for k in range(q < m, n if m else 1):
            wrong = (V[:m].max(axis=1) - V[:m].min(axis=1)).max() if k else 0.0

            def bound(a: float, direct=direct, attended=attended, wrong=wrong) -> float:
                return (direct + a * attended).max() + (1 - a) * wrong

            chosen = int(attended.max() >= wrong)
            a = ends[chosen, q, m, k]
            value = max(bound(ends[0, q, m, k]), bound(ends[1, q, m, k]))
            if mistake == "least attention only":
                value = bound(ends[0, q, m, k])
            elif mistake == "one end for all outputs":
                value = bound(a)
            elif mistake == "mean and difference" and k:
                mean = np.nanmean(ends[chosen, : m + 1, m, k])
                value = bound(mean) + (a - mean) * (attended.max() - wrong)
            elif mistake == "one token, not looked at" and k == 0:
                value = -1.0
            if value < -SURE:
                total += sequences(k - (q < m), m, mistake)
    return total


def sequences(free: int, m: int, mistake: str) -> int:
    """How many have so many tokens below m, and m else, at the positions before the last."""
    tokens = m + {"one token too few": -1, "one token too many": 1}.get(mistake, 0)
    numbers = range(free + 1) if mistake == "at most for exactly" else [free]
    return sum(math.comb(N_CTX - 1, k) * tokens**k for k in numbers)


def token_count(model: QuantisedModel, mistake: str = "") -> int:
    """The rule with one bound for each other token t as well, all others being t; positions must not matter."""
    tables = quantised_tables(model)
    S, EU, V, n, d = tables.S, tables.EU, tables.V, tables.n_ctx, tables.d_vocab
    total = 0
    for q, m in cases_of(d):
        other = np.arange(d) != m
        direct, attended = ((rows - rows[:, m : m + 1])[:, other] for rows in (EU, V))
        weights = np.exp(S[q] - S[q].max())
        for k in range(n - (q < m)):
            passed = 0
            for t in range(m) if k else [m]:
                own, others, last = weights[m] * (n - 1 - k + (q == m)), weights[t] * k, weights[q] * (q < m)
                whole = own + others + last
                if mistake == "weight of the last token":
                    others = last
                worst = attended.max(axis=1)
                passed += direct[q].max() + (own * worst[m] + others * worst[t] + last * worst[q]) / whole < -SURE
            total += math.comb(n - 1, k) * int(passed) ** k if k else passed
    return total


def in_floats(model: QuantisedModel, dtype: type) -> int:
    """Every sequence through the network in floats, no margin."""
    W = {name: matrix.to_float().astype(dtype) for name, matrix in model.matrices().items()}
    inputs = np.array(list(itertools.product(range(model.d_vocab), repeat=model.n_ctx)))
    residual = W["W_E"][inputs] + W["W_pos"]
    scores = ((residual[:, -1] @ W["W_Q"])[:, None] * (residual @ W["W_K"])).sum(axis=2)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    pattern = weights / weights.sum(axis=1, keepdims=True)
    mixed = (pattern[..., None] * (residual @ W["W_V"])).sum(axis=1)
    logits = (residual[:, -1] + mixed @ W["W_O"]) @ W["W_U"]
    assert logits.dtype == dtype
    rows, answers = np.arange(len(inputs)), inputs.max(axis=1)
    best = logits[rows, answers]
    logits[rows, answers] = -np.inf
    return int((best > logits.max(axis=1)).sum())


def on_a_sample(model: QuantisedModel) -> int:
    """What 20 random sequences say of all."""
    sample = np.random.default_rng(0).integers(0, model.d_vocab, (20, N_CTX))
    tables = quantised_tables(model)
    scores = tables.S[sample[:, -1:], sample]
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    logits = tables.EU[sample[:, -1]] + (weights[..., None] * tables.V[sample]).sum(axis=1) / weights.sum(axis=1, keepdims=True)
    return round(float((logits.argmax(axis=1) == sample.max(axis=1)).mean()) * model.d_vocab**N_CTX)


def of_a_tensors_size(model: QuantisedModel) -> int:
    """The wrong ones as a share of the tokens of all sequences, not of the sequences."""
    inputs = model.d_vocab**N_CTX
    return int(inputs * (1 - (inputs - right_count(model)) / (inputs * N_CTX)))


@dataclass(frozen=True, eq=False)
class Mistake:
    """What a mistaken rule accepts of a network."""

    name: str
    network: QuantisedModel
    accepted: int
    truth: int


ZEROS = [[0] * 3] * 3
BOUNDARY = network_of(
    [[1, 2, 0], [-1, 2, -1], [0, -2, 2]], [[-1, 1, 2], [-1, -1, 1], [-2, -1, 0]], [[8, -4, 0], [4, 11, -3], [2, 1, 4]]
)
RARE = network_of(
    [[0, 2, 4, 7], [1, 2, 5, 6], [0, 2, 5, 6], [0, 2, 5, 6]], [[0] * 4] * 4,
    [[12, -2, 1, -2], [2, 9, 2, 3], [-3, 3, 7, 1], [1, -2, 0, 10]],
)  # fmt: skip
GAP_MISTAKES = {
    "mean and difference": network_of(
        [[1, 4, 7], [-2, 0, 9], [1, 1, 5]], [[0, 2, 2], [-1, -2, -2], [-2, 0, -2]], [[20, 3, 2], [2, 20, -2], [0, -3, 19]],
        [[-2, 1, -2], [-1, 1, 0], [-3, -2, -1]],
    ),
    "one end for all outputs": network_of(
        [[2, -2, 1], [-2, -2, 2], [0, 0, -2]], [[3, -6, 4], [0, -2, -4], [-3, -7, -3]], [[3, 1, -3], [-2, 1, 3], [-9, -2, -9]]
    ),
    "least attention only": network_of(
        [[-1, 3, 1], [1, 5, 1], [-2, 4, 3]], [[-1, -1, 1], [2, -2, -1], [-2, -2, 2]], [[1, 3, 0], [0, 2, 2], [-4, 3, -2]]
    ),
    "at most for exactly": network_of(
        [[1, 2, 2], [-1, -1, 1], [-3, 0, 6]], [[2, 0, 1], [2, 1, 1], [0, 0, 2]], [[16, 3, 2], [-4, 17, 3], [0, -4, 20]],
        [[-2, -3, 3], [-3, 0, -3], [-1, 0, -1]],
    ),
    "one token, not looked at": network_of(
        [[1, 2, 3], [1, 0, 4], [2, 3, 7]], [[-1, 2, 1], [-1, -1, -1], [0, 1, 0]], [[7, 4, -1], [4, 7, -2], [2, -2, 14]]
    ),
    "scores not divided": network_of(
        [[0, 5, 9], [-3, 1, 8], [3, 1, 5]], [[0, -1, 2], [-1, 0, 1], [0, -2, -2]], [[10, 2, 3], [0, 10, -2], [0, 3, 4]]
    ),
    "last position forgotten": network_of(
        [[-1, 3, 9], [3, 1, 7], [-2, 4, 8]], [[-2, -1, -1], [-1, -2, 1], [0, 2, 2]], [[7, 0, 1], [-2, 10, 4], [2, -1, 9]],
        [[0, 1, 3], [1, 3, -3], [0, 0, -2]],
    ),
    "token 0 scores 0": network_of(
        [[3, 1, 3], [0, 1, 4], [1, 0, 9]], [[-2, 1, 1], [2, 1, -1], [0, 0, 1]], [[20, 3, 1], [0, 18, 3], [2, -4, 19]]
    ),
    "mean of positions": network_of(
        [[1, 1, 4], [1, 2, 5], [1, 1, 4]], [[-2, -1, 0], [-1, 0, -2], [1, 2, -2]], [[6, 1, 2], [1, 11, 2], [0, -4, 12]],
        EP=[[-1, 5, -5], [-4, 0, 0], [4, 0, -5]],
    ),
    "one token too many": BOUNDARY,
}  # fmt: skip
BY_TOKEN = network_of(
    [[-1, 0, 0], [2, 1, -2], [-2, 2, 2]], [[1, 1, 2], [-1, 2, -2], [0, 0, -2]], [[5, 2, 4], [-3, 8, -1], [3, 0, 5]]
)
TIES = {np.float32: [[2, -2, 8], [7, -6, -1], [-9, 4, -7]], np.float64: [[-4, -2, 1], [2, 4, -8], [4, -9, 9]]}
ATTENDED, MOST = [[9, 0, 0], [0, 9, 0], [0, 0, 9]], [[0, 3, 6]] * 3
TRUSTED = network_of([[-entry for entry in row] for row in MOST], ZEROS, ATTENDED)  # it attends to the smallest token


@cache
def mistakes() -> list[Mistake]:
    found = [(name, network, gap_count(network, name)) for name, network in GAP_MISTAKES.items()]
    found.append(("weight of the last token", BY_TOKEN, token_count(BY_TOKEN, "weight of the last token")))
    for dtype, V in TIES.items():
        network = network_of(ZEROS, ZEROS, V)
        found.append((dtype.__name__, network, in_floats(network, dtype)))
    found.append(("a sample", RARE, on_a_sample(RARE)))
    found.append(("a share of a tensor's size", BOUNDARY, of_a_tensors_size(BOUNDARY)))
    found.append(("factors that are trusted", TRUSTED, gap_count(network_of(MOST, ZEROS, ATTENDED))))
    return [Mistake(name, network, int(accepted), right_count(network)) for name, network, accepted in found]


def test_each_mistaken_rule_accepts_a_false_count():
    for one in mistakes():
        assert one.truth < one.accepted, one.name
        assert gap_count(one.network) <= one.truth, one.name
    assert token_count(BY_TOKEN) <= right_count(BY_TOKEN)
    assert {one.name for one in mistakes()} > set(GAP_MISTAKES)


def test_without_mistakes_both_rules_prove_something():
    assert all(gap_count(network) > 0 for name, network in GAP_MISTAKES.items() if name != "least attention only")
    assert token_count(BY_TOKEN) > 0


def test_what_is_counted_beyond_the_gap_is_exact():
    """One token too few is on the safe side, one too many is false; what the cubic strategy proves here is the truth itself."""
    truth = right_count(BOUNDARY)
    assert gap_count(BOUNDARY, "one token too few") < gap_count(BOUNDARY) == truth < gap_count(BOUNDARY, "one token too many")
    strategy = STRATEGIES["cubic"]
    found = strategy.find(BOUNDARY, DEFAULT, silent)
    assert found.proved == truth
    assert strategy.verdict(truth, BOUNDARY, found.certificate, "at_least") == "Accepted"
    for count in (truth + 1, gap_count(BOUNDARY, "one token too many")):
        assert strategy.verdict(count, BOUNDARY, found.certificate, "at_least") == f"Refused (Total_short {truth} {count})"


def test_a_theorem_in_words_has_the_number_of_inputs():
    assert theorem_in_words("at_least", 17, 27, INPUTS["max_of_k"]).startswith("at least 17 of 27 sequences, 62.96 %")


@cache
def false_claims() -> list[Case]:
    """Each false count, and the truth less one as the most that can be right, by every strategy with what its finder finds."""
    cases = []
    for one in mistakes():
        for strategy in STRATEGIES.values():
            try:
                certificate = strategy.find(one.network, DEFAULT, silent).certificate
            except NotProved:  # a tie between sums of exponentials cannot be told from a lead: `exact` has nothing to say
                continue
            for statement in strategy.coq:
                claimed = one.truth - 1 if statement == "at_most" else one.accepted
                cases.append(Case(one.network, strategy, statement, certificate, claimed))
        certificate = STRATEGIES["brute_force"].find(one.network, DEFAULT, silent).certificate
        more = one.accepted - one.truth
        claims = certificate.right_claims
        for given in ((claims[0] + more, *claims[1:]), (*claims, more), (*claims[:-1], claims[-1] + more)):
            changed = replace(certificate, right_claims=given)
            cases.append(Case(one.network, STRATEGIES["brute_force"], "at_least", changed, one.accepted))
    return cases


@cache
def true_claims() -> list[Case]:
    """What brute force proves: the truth, but for ties between sums of exponentials."""
    strategy = STRATEGIES["brute_force"]
    found = [(one, strategy.find(one.network, DEFAULT, silent)) for one in mistakes()]
    assert sum(each.proved == one.truth and each.statement == "exactly" for one, each in found) > len(found) // 2
    return [Case(one.network, strategy, each.statement, each.certificate, each.proved) for one, each in found]


def test_the_mirror_refuses_every_false_count():
    for case in false_claims():
        assert mirror_verdict(case).startswith("Refused ("), (case.strategy.name, case.statement, case.claimed)
    assert {mirror_verdict(case) for case in true_claims()} == {"Accepted"}


@pytest.mark.coq
@pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")
def test_coq_says_the_same(_theory_built):
    cases = [*false_claims(), *true_claims()]
    verdicts = coq_verdicts(_theory_built, cases, coqrun.Limits(), batch=len(cases))
    assert verdicts == [mirror_verdict(case) for case in cases]
    assert verdicts.count("Accepted") == len(true_claims())
