"""The exact count on random tiny networks: it is that of every sequence by itself, and what it proves is true."""

import itertools
import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from compact_proofs.extract.quantise import QuantisedModel, quantise
from compact_proofs.extract.tables import MOST_SHIFT, integer_tables, least_gap_shift
from compact_proofs.models.errors import CertificateError, InputRefused, NotProved, OverflowRisk, UsageError
from compact_proofs.models.weights import load_model
from compact_proofs.proofs.registry import Tuning, strategies
from compact_proofs.proofs.strategies import brute_force, exact
from compact_proofs.proofs.strategies.exact import ExactCertificate
from compact_proofs.proofs.strategies.terms import both, relative_exp, shift_up, upper_term

STRATEGIES = runpy.run_path(str(Path(__file__).parent / "test_strategies.py"))  # test files cannot import each other
networks, network, true_verdicts = (STRATEGIES[name] for name in ("networks", "network", "true_verdicts"))


def one_by_one(model: QuantisedModel, gap_unit: int) -> tuple[int, int]:
    """How many sequences have no sum of costs of a rival above the answer that reaches 0; how many, of the answer above a
    rival, one of at most 0; the others as brute force has it."""
    tables = integer_tables(model)
    rights = wrongs = 0
    for tokens in itertools.product(range(model.d_vocab), repeat=model.n_ctx):
        q, m = tokens[-1], max(tokens)
        scores, places = tables.S[q], tables.P[q]
        weights = [
            both(
                relative_exp(tables.score_shift, scores[: m + 1].max(), scores[t]),
                relative_exp(tables.score_shift, places.max(), places[i]),
            )
            for i, t in enumerate(tokens)
        ]
        logits = [tables.EU[q] + tables.PV[i] + tables.V[t] for i, t in enumerate(tokens)]
        above, below = (
            [
                sum(
                    int(upper_term(weight, shift_up(gap_unit, sign * (row[w] - row[m]))))
                    for weight, row in zip(weights, logits, strict=True)
                )
                for w in range(model.d_vocab)
                if w != m
            ]
            for sign in (1, -1)
        )
        [right], [wrong] = brute_force.decide(tables, gap_unit, np.array([tokens]))
        if all(cost < 0 for cost in above):
            rights += 1
        elif any(cost <= 0 for cost in below):
            wrongs += 1
        else:
            rights, wrongs = rights + int(right), wrongs + int(wrong)
    return rights, wrongs


def unit_of(model: QuantisedModel, coarser: int) -> int:
    try:
        return min(least_gap_shift(integer_tables(model)) + coarser, MOST_SHIFT)
    except OverflowRisk:
        assume(False)


@settings(max_examples=100)
@given(networks(), st.sampled_from([0, 0, 8, 20, 26, 30, 61]))
@example(network(d_vocab=1), 0)
@example(network(n_ctx=1), 0)
@example(network(), 0)  # all outputs tie
@example(network(W_E=[1, 2, 3], W_U=[20_000, 0, -20_000], W_Q=20_000, W_K=20_000, W_V=127, W_O=127), 0)
def test_boxes_count_what_sequences_do(model, coarser):
    unit = unit_of(model, coarser)
    counts = exact.count(model, ExactCertificate(unit))
    assert (counts.right, counts.wrong) == one_by_one(model, unit)
    truth = true_verdicts(model)
    assert counts.right <= len(truth) - truth.count("wrong")
    assert counts.wrong <= len(truth) - truth.count("right")
    tallies = [brute_force.query_tally(integer_tables(model), unit, q) for q in range(model.d_vocab)]
    assert counts.right >= sum(tally.right for tally in tallies)
    assert counts.wrong >= sum(tally.wrong for tally in tallies)


@settings(max_examples=50)
@given(networks())
def test_what_is_accepted_is_the_true_count(model):
    unit = unit_of(model, 0)
    truth = true_verdicts(model)
    try:
        found = exact.find(model)
    except NotProved:
        counts = exact.count(model, ExactCertificate(unit))
        assert counts.right + counts.wrong < len(truth)
        with pytest.raises(CertificateError, match=rf"^Refused \(Total_differs {counts.right} {counts.wrong} {len(truth)} "):
            exact.mirror(model, ExactCertificate(unit))
        return
    assert truth.count("right") <= found.proved <= len(truth) - truth.count("wrong")
    assert (found.statement, found.certificate) == ("exactly", ExactCertificate(unit))
    assert exact.mirror(model, found.certificate) == found.proved
    assert exact.verdict(found.proved, model, found.certificate) == "Accepted"
    wrong = len(truth) - found.proved
    refusal = f"Refused (Total_differs {found.proved} {wrong} {len(truth)} {found.proved + 1})"
    assert exact.verdict(found.proved + 1, model, found.certificate) == refusal
    assert found.operations > 0


@pytest.mark.parametrize("name", ["max_of_2_tiny", "max_of_3_tiny"])
def test_zoo(name):
    model = quantise(*load_model(name))
    found = exact.find(model)
    assert found.proved == brute_force.find(model).proved
    assert [field.value for field in strategies()["exact"].fields(found.certificate)] == [found.certificate.gap_unit]


def test_ties_are_proved_wrong():
    assert exact.find(network()).proved == 0


@pytest.mark.parametrize("coarser", [0, 24, 28])
def test_parts_of_boxes_do_not_depend_on_how_many_are_worked_on_at_a_time(coarser, monkeypatch):
    model = quantise(*load_model("max_of_3_tiny"))
    certificate = ExactCertificate(least_gap_shift(integer_tables(model)) + coarser)
    counts = exact.count(model, certificate)
    monkeypatch.setattr(exact, "CELLS", 1)
    monkeypatch.setattr(brute_force, "CHUNK", 2)
    assert exact.count(model, certificate) == counts


def test_too_near_a_tie(monkeypatch):
    model = quantise(*load_model("max_of_3_tiny"))
    monkeypatch.setattr(exact, "least_gap_shift", lambda tables: least_gap_shift(tables) + 28)
    with pytest.raises(NotProved, match=r"exact: \d+ of 512 sequences of max_of_3_tiny are too near a tie"):
        exact.find(model)


def test_units_out_of_range():
    model = quantise(*load_model("max_of_3_tiny"))
    least = exact.find(model).certificate.gap_unit
    for unit in (least - 1, MOST_SHIFT + 1):
        assert exact.verdict(0, model, ExactCertificate(unit)) == "Refused (May_overflow Gap_shift)"
        with pytest.raises(OverflowRisk):
            exact.mirror(model, ExactCertificate(unit))


def test_too_many_operations(monkeypatch):
    model = quantise(*load_model("max_of_3_tiny"))
    certificate = ExactCertificate(least_gap_shift(integer_tables(model)) + 24)
    for most, at in ((exact.operations(model) + 100, r"last token \d"), (10, "last token 0, largest token 0 of 8")):
        monkeypatch.setattr(exact, "MOST_OPERATIONS", most)
        with pytest.raises(InputRefused, match=rf"max_of_3_tiny takes more than {most:,} operations \(given up at {at}"):
            exact.count(model, certificate)


def test_nothing_to_tune():
    with pytest.raises(UsageError, match="strategy exact has no near"):
        exact.find(quantise(*load_model("max_of_2_tiny")), Tuning(near=1))
