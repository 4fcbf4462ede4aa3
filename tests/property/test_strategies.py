"""The strategies on random tiny networks: what they prove is true, by high-precision evaluation of every sequence.

The evaluation shares nothing with the strategies: tables in exact fractions, exponentials by `decimal`.
"""

import decimal
import itertools
import runpy
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from compact_proofs.extract.coq_text import certificate_v
from compact_proofs.extract.grammar import check_data
from compact_proofs.extract.quantise import QuantisedMatrix, QuantisedModel, quantise
from compact_proofs.extract.tables import check_gap_shift, integer_tables
from compact_proofs.extract.z3_terms import RationalTables, rational_tables
from compact_proofs.models.errors import InputRefused, NotProved, OverflowRisk
from compact_proofs.models.weights import load_model
from compact_proofs.proofs.registry import DEFAULT, Found, silent, strategies
from compact_proofs.proofs.strategies import brute_force, exact
from compact_proofs.proofs.strategies.brute_force import BruteForceCertificate
from compact_proofs.proofs.strategies.staged import Certificate, case_counts, prepare
from compact_proofs.proofs.strategies.terms import scale_down, scale_up, shift_down, shift_up

STAGED = runpy.run_path(str(Path(__file__).parents[1] / "unit" / "test_staged.py"))  # test files cannot import each other
METHODS = STAGED["METHODS"]
DIGITS = decimal.Context(prec=80)
TOLERANCE = Fraction(1, 10**60)  # relative to the terms of a sum; nearer to zero is not decided here
FLOOR = Fraction(-1000)  # exponentials of less are known as 0 .. exp(-1000) only


@st.composite
def networks(draw, most_tokens=5):
    """Up to 3 positions and 5 tokens; per matrix: all zero, few distinct values (ties), 8 bits, or huge."""
    n_ctx, d_vocab, d_model, d_head = (draw(st.integers(1, most)) for most in (3, most_tokens, 3, 2))
    shapes = [(d_vocab, d_model), (n_ctx, d_model), *[(d_model, d_head)] * 3, (d_head, d_model), (d_model, d_vocab)]
    matrices = []
    for shape in shapes:
        reach = draw(st.sampled_from([0, 1, 9, 127, 127, 127, 20_000]))
        ints = draw(arrays(np.int64, shape, elements=st.integers(-reach, reach)))
        matrices.append(QuantisedMatrix(ints, draw(st.integers(0, 9))))
    return QuantisedModel("tiny", n_ctx, d_vocab, d_model, d_head, 8, *matrices)


def network(n_ctx=2, d_vocab=3, **entries):
    """d_model 1, d_head 1; matrices given as lists of rows, else zero; no scale."""
    shapes = {
        "W_E": (d_vocab, 1), "W_pos": (n_ctx, 1), "W_Q": (1, 1), "W_K": (1, 1), "W_V": (1, 1), "W_O": (1, 1),
        "W_U": (1, d_vocab),
    }  # fmt: skip
    matrices = [
        QuantisedMatrix(np.array(entries.get(name, np.zeros(shape)), dtype=np.int64).reshape(shape), 0)
        for name, shape in shapes.items()
    ]
    return QuantisedModel("by_hand", n_ctx, d_vocab, 1, 1, 8, *matrices)


LINEAR = {"W_E": [1, 2, 3], "W_V": 1, "W_O": 1, "W_U": [1, 2, 4]}


def exponential(x: Fraction) -> Fraction:
    """exp(x), to 80 digits; below FLOOR that of FLOOR."""
    x = max(x, FLOOR)
    return Fraction(DIGITS.exp(DIGITS.divide(decimal.Decimal(x.numerator), decimal.Decimal(x.denominator))))


def true_verdict(tables: RationalTables, tokens: tuple[int, ...]) -> str:
    """Right, wrong, or (within rounding of zero) unknown."""
    q, answer = tokens[-1], max(tokens)
    scores = [tables.S[q][t] + tables.P[q][i] for i, t in enumerate(tokens)]
    exponents = [score - max(scores) for score in scores]
    verdicts = {"right"}
    for w in range(len(tables.S)):
        if w == answer:
            continue
        logits = [[tables.EU[q][k] + tables.V[t][k] + tables.PV[i][k] for k in (w, answer)] for i, t in enumerate(tokens)]
        terms = [exponential(x) * (other - correct) for x, (other, correct) in zip(exponents, logits, strict=True)]
        error = TOLERANCE * sum(map(abs, terms)) + sum(abs(term) for x, term in zip(exponents, terms, strict=True) if x < FLOOR)
        if not any(terms):
            verdicts.add("wrong")  # a tie
        elif abs(sum(terms)) <= error:
            verdicts.add("unknown")
        elif sum(terms) > 0:
            verdicts.add("wrong")
    return next(verdict for verdict in ("wrong", "unknown", "right") if verdict in verdicts)


def all_sequences(model: QuantisedModel) -> list[tuple[int, ...]]:
    return list(itertools.product(range(model.d_vocab), repeat=model.n_ctx))


def true_verdicts(model: QuantisedModel) -> list[str]:
    tables = rational_tables(model)
    return [true_verdict(tables, tokens) for tokens in all_sequences(model)]


def proved_verdicts(model: QuantisedModel, gap_shift: int) -> list[str]:
    """Brute force's own verdict on each sequence."""
    tables = integer_tables(model)
    result = []
    for tokens in all_sequences(model):
        [right], [wrong] = brute_force.decide(tables, gap_shift, np.array([tokens]))
        assert not (right and wrong)
        result.append("right" if right else "wrong" if wrong else "unknown")
    return result


def check_soundness(model: QuantisedModel, seed: int) -> None:
    """All that the strategies prove of a network is true, and mirrors and certificates fit together."""
    try:
        by_force = brute_force.find(model)
    except OverflowRisk:
        assume(False)
    truth = true_verdicts(model)
    proved = proved_verdicts(model, by_force.certificate.gap_shift)
    for claim, fact in zip(proved, truth, strict=True):
        assert "unknown" in (claim, fact) or claim == fact
    for q in range(model.d_vocab):
        of_q = [index for index, tokens in enumerate(all_sequences(model)) if tokens[-1] == q]
        assert by_force.certificate.right_claims[q] == sum(proved[index] == "right" for index in of_q)
        assert by_force.certificate.wrong_claims[q] == sum(proved[index] == "wrong" for index in of_q)
    assert (by_force.statement == "exactly") == ("unknown" not in proved)
    check_found("brute_force", model, by_force)
    check_exact(model, truth, by_force)
    known = [fact if claim == "unknown" else claim for claim, fact in zip(proved, truth, strict=True)]
    check_staged(model, known, np.random.default_rng(seed))


def check_found(name: str, model: QuantisedModel, found: Found) -> None:
    """The mirror takes what the search found, and its certificate is within the grammar."""
    strategy = strategies()[name]
    assert strategy.mirror(model, found.certificate) == found.proved
    assert found.operations > 0
    fields = strategy.fields(found.certificate)
    text = certificate_v("tiny", name, fields)
    check_data(text, "Certificate.v", {field.name: field.coq_type for field in fields})


def check_staged(model: QuantisedModel, known: list[str], rng: np.random.Generator) -> None:
    """What is found, and any other certificate, counts no more sequences of a case than are right (or wrong)."""
    answers = [(tokens[-1], max(tokens)) for tokens in all_sequences(model)]
    for name, method in METHODS.items():
        try:
            found = method.find(model)
        except InputRefused:  # gaps of both summands have to fit, which is a little more than their sum
            continue
        check_found(name, model, found)
        certificates: list[Certificate] = [found.certificate]
        certificates += [STAGED["random_certificate"](method, model, rng) for _ in range(3)]
        for certificate in certificates:
            try:
                counts = case_counts(prepare(model, certificate), method.wrong).best
            except InputRefused:  # factors at random can leave the ranges
                continue
            against = "right" if method.wrong else "wrong"
            not_against = np.zeros_like(counts)
            for case, fact in zip(answers, known, strict=True):
                not_against[case] += fact != against
            assert (counts <= not_against).all(), (name, certificate)


def check_exact(model: QuantisedModel, truth: list[str], by_force: Found) -> None:
    """The exact count, where there is one, is the true one; there is one wherever brute force has one."""
    try:
        found = exact.find(model)
    except NotProved:
        assert by_force.statement == "at_least"
        return
    assert truth.count("right") <= found.proved <= len(truth) - truth.count("wrong")
    assert exact.mirror(model, found.certificate) == found.proved
    if by_force.statement == "exactly":
        assert found.proved == by_force.proved


@settings(max_examples=settings().max_examples * 3 // 5)  # each takes a quarter of a second
@given(networks(), st.integers(0, 2**32))
@example(network(d_vocab=1), 0)
@example(network(n_ctx=1, **LINEAR), 0)
@example(network(**LINEAR), 0)
@example(network(), 0)  # all outputs tie: nothing is right
@example(network(W_E=[1, 2, 3], W_U=[20_000, 0, -20_000], W_Q=20_000, W_K=20_000, W_V=127, W_O=127), 0)
def test_what_is_proved_is_true(model, seed):
    check_soundness(model, seed)


def test_ties_are_proved_wrong():
    found = brute_force.find(network())
    assert (found.proved, found.statement, found.certificate.wrong_claims) == (0, "exactly", (3, 3, 3))
    assert METHODS["cubic"].find(network()).proved == METHODS["wrong_count"].find(network()).proved == 0


def test_one_token_is_always_right():
    found = brute_force.find(network(d_vocab=1))
    assert (found.proved, found.statement) == (1, "exactly")


def test_by_hand():
    """Attention is uniform; logit[w] = sum of tokens + 1, times W_U[w], the query's residual once more: token 2 wins."""
    model = network(**LINEAR)
    for name in ("cubic", "subcubic", "wrong_count", "exact", "brute_force"):
        assert strategies()[name].find(model, DEFAULT, silent).proved == 5, name  # the 5 sequences of largest token 2
    assert brute_force.find(model).statement == "exactly"


@pytest.mark.parametrize("name", ["max_of_2_tiny", "max_of_3_tiny"])
def test_zoo(name):
    model = quantise(*load_model(name))
    check_soundness(model, 0)
    share = METHODS["cubic"].find(model).proved / brute_force.find(model).proved
    assert 0.9 < share <= 1


def test_search_does_not_depend_on_chance():
    model = quantise(*load_model("max_of_3_tiny"))
    assert brute_force.find(model) == brute_force.find(model)


def test_progress_reaches_its_total():
    model = quantise(*load_model("max_of_2_tiny"))
    for strategy in strategies().values():
        calls = []
        strategy.find(model, DEFAULT, lambda message, done, total, calls=calls: calls.append((message, done, total)))
        assert [done for _, done, _ in calls] == list(range(9))
        assert {total for _, _, total in calls} == {8}


# Refusals


def changed(numbers: tuple[int, ...], index: int, by: int) -> tuple[int, ...]:
    return tuple(number + by * (place == index) for place, number in enumerate(numbers))


def test_brute_force_refusals():
    model = quantise(*load_model("max_of_2_tiny"))
    found = brute_force.find(model)
    good: BruteForceCertificate = found.certificate
    rights, wrongs = sum(good.right_claims), sum(good.wrong_claims)
    assert (found.statement, rights + wrongs) == ("exactly", 64)

    def verdict(claimed, stated, rights=good.right_claims, wrongs=good.wrong_claims, gap_shift=good.gap_shift):
        return brute_force.verdict(claimed, model, BruteForceCertificate(gap_shift, rights, wrongs), stated)

    assert verdict(rights, "exactly") == verdict(rights, "at_least") == verdict(0, "at_least") == "Accepted"
    assert verdict(rights + 1, "at_least") == f"Refused (Total_short {rights} {rights + 1})"
    for claimed in (rights - 1, rights + 1):
        assert verdict(claimed, "exactly") == f"Refused (Total_differs {rights} {wrongs} 64 {claimed})"
    q = int(np.argmax(good.wrong_claims))
    counts = good.right_claims[q], good.wrong_claims[q]
    high = changed(good.right_claims, q, 1)
    assert verdict(0, "at_least", rights=high) == f"Refused (Query_short {q} {counts[0]} {counts[0] + 1})"
    high = changed(good.wrong_claims, q, 1)
    assert verdict(0, "exactly", wrongs=high) == f"Refused (Query_short {q} {counts[1]} {counts[1] + 1})"
    assert verdict(0, "at_least", wrongs=high) == "Accepted"  # at_least does not look at wrong claims
    low = changed(good.wrong_claims, q, -1)
    assert verdict(rights, "exactly", wrongs=low) == f"Refused (Total_differs {rights} {wrongs - 1} 64 {rights})"
    assert verdict(0, "exactly", wrongs=()) == "Refused (Wrong_number_of_queries 0 8)"
    assert verdict(0, "at_least", gap_shift=good.gap_shift - 1) == "Refused (May_overflow Gap_shift)"


def test_coarse_gaps_leave_sequences_undecided_but_prove_nothing_false():
    model = quantise(*load_model("max_of_3_tiny"))
    tables = integer_tables(model)
    least = brute_force.find(model).certificate.gap_shift
    exact = [brute_force.query_tally(tables, least, q) for q in range(model.d_vocab)]
    undecided = 0
    for coarser in (8, 20, 26, 30):
        check_gap_shift(tables, least + coarser)
        for q, wanted in enumerate(exact):
            found = brute_force.query_tally(tables, least + coarser, q)
            assert found.right <= wanted.right and found.wrong <= wanted.wrong
            undecided += 64 - found.right - found.wrong
    assert undecided > 0


def test_too_many_sequences():
    model = network(n_ctx=21, d_vocab=2)
    wanted = r"by_hand has 2\^21 sequences, wanted at most 1,048,576; Coq would take about 0.\d+ hours; use another strategy"
    with pytest.raises(InputRefused, match=wanted):
        brute_force.find(model)
    with pytest.raises(InputRefused, match=wanted):
        brute_force.mirror(model, BruteForceCertificate(0, (), ()))
    assert brute_force.estimate_operations(2, 64) == 4096 * 2 * (306 + 18 * 64)


# Rounded products


@given(st.integers(-(2**61), 2**61), st.integers(0, 61))
def test_shifts_round_to_the_named_side(x, shift):
    down, up = int(shift_down(shift, np.int64(x))), int(shift_up(shift, np.int64(x)))
    assert down == Fraction(x, 2**shift).__floor__()
    assert up == Fraction(x, 2**shift).__ceil__()


@given(st.integers(-(2**31), 2**31), st.integers(0, 2**30))
def test_products_round_to_the_named_side(x, factor):
    down, up = int(scale_down(np.int64(x), factor)), int(scale_up(np.int64(x), factor))
    assert down == Fraction(x * factor, 2**30).__floor__()
    assert up == Fraction(x * factor, 2**30).__ceil__()
