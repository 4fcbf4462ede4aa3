"""Counterexamples: exactly the wrong inputs where all are asked for, by each of the three ways; ties; margins; the command."""

import itertools
import json
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

from compact_proofs.extract.families import quantise_network
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.modular_fold import fold
from compact_proofs.extract.quantise import QuantisedModel, quantised_tables
from compact_proofs.extract.rounding import QuantisedMatrix
from compact_proofs.extract.tables import integer_tables, least_gap_shift
from compact_proofs.models.errors import CompactProofsError, InputRefused, NotProved, ShapeError
from compact_proofs.models.evaluate import logits
from compact_proofs.models.weights import load_model
from compact_proofs.proofs import cli, counterexample, exact_answer, z3_claim
from compact_proofs.proofs.attack.networks import KINDS, network
from compact_proofs.proofs.attack.oracle import right_count
from compact_proofs.proofs.counterexample import counterexamples
from compact_proofs.proofs.exact_answer import Answer, ExactNetwork
from compact_proofs.proofs.strategies import brute_force

TAKEN = [kind for kind in KINDS if not kind.endswith("misshapen")]


@cache
def quantised(name: str):
    return quantise_network(*load_model(name))


def every_input(model) -> list[tuple[int, ...]]:
    order, length = (model.modulus, 2) if isinstance(model, QuantisedModular) else (model.d_vocab, model.n_ctx)
    return list(itertools.product(range(order), repeat=length))


def wrong_by_brute_force(model: QuantisedModel) -> set[tuple[int, ...]]:
    """The wrong sequences by the mirror of the brute-force checker, none of them undecided."""
    tables = integer_tables(model)
    wrong = set()
    for tokens in every_input(model):
        [right], [is_wrong] = brute_force.decide(tables, least_gap_shift(tables), np.array([tokens]))
        assert right != is_wrong
        if is_wrong:
            wrong.add(tokens)
    return wrong


def by_hand(columns, tokens=(1, 2, 3)) -> QuantisedModel:
    """One position of width one, no attention to speak of: logit w on t is columns[w] tokens[t]."""
    zero, one = QuantisedMatrix(np.zeros((1, 1), np.int64), 0), QuantisedMatrix(np.array([list(columns)]), 3)
    W_E = QuantisedMatrix(np.array([[token] for token in tokens]), 0)
    return QuantisedModel("by_hand", 1, len(tokens), 1, 1, 8, W_E, zero, zero, zero, zero, zero, one)


@pytest.mark.parametrize("name", ["max_of_2_tiny", "max_of_3_tiny"])
@pytest.mark.parametrize("way", ["z3", "boxes"])
def test_all_are_the_wrong_sequences(monkeypatch, name, way):
    monkeypatch.setattr(counterexample, "SMALL_S", 1e9 if way == "z3" else -1.0)
    model = quantised(name)
    search = counterexamples(model, None, 600)
    assert search.all and search.way == way
    found = [answer.tokens for answer in search.found]
    assert set(found) == wrong_by_brute_force(model) and len(set(found)) == len(found) > 0
    assert all(answer.right == max(answer.tokens) and float(answer.margin) < 0 for answer in search.found)


@pytest.mark.parametrize("name", ["modular_relu_tiny", "modular_subtraction_tiny"])
@pytest.mark.parametrize("way", ["z3", "pairs"])
def test_all_are_the_wrong_pairs(monkeypatch, name, way):
    monkeypatch.setattr(counterexample, "SMALL_S", 1e9 if way == "z3" else -1.0)
    model = quantised(name)
    search = counterexamples(model, None, 600)
    assert search.all and search.way == way
    right = fold(model).right()
    assert {answer.tokens for answer in search.found} == {tuple(pair) for pair in np.argwhere(~right).tolist()}
    assert len(search.found) == search.inputs - right_count(model)


@settings(max_examples=60)
@given(st.integers(0, 60 * len(KINDS)))
def test_exact_answers_count_what_the_oracle_counts(seed):
    kind, model = network(seed)
    if kind in TAKEN:
        exact = ExactNetwork(model)
        answers = [exact.answer(tokens) for tokens in every_input(model)]
        assert sum(answer.correct for answer in answers) == right_count(model)
        for answer in answers:
            assert answer.tie == (answer.margin == "0") and answer.correct == (answer.margin == "" or mpf(answer.margin) > 0)
            assert (answer.right in answer.outputs) == (answer.correct or answer.tie)


@settings(max_examples=60)
@given(st.integers(0, 60 * len(KINDS)))
def test_no_wrong_input_of_random_networks_is_missed(seed):
    """By boxes and by pairs, ties and near ties included."""
    kind, model = network(seed)
    if kind in TAKEN:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(counterexample, "SMALL_S", -1.0)
            try:
                search = counterexamples(model, None, 600)
            except InputRefused:  # the checkers refuse it too
                return
        assert search.all and len(search.found) == search.inputs - right_count(model)
        assert len({answer.tokens for answer in search.found}) == len(search.found)


def test_random_networks_have_ties():
    """The tests above see some, and networks with none wrong."""
    ties, none = 0, 0
    for turn, place in itertools.product(range(3), range(len(KINDS))):
        kind, model = network(turn * len(KINDS) + place)
        if kind.endswith(("exact_ties", "sensible")):
            try:
                search = counterexamples(model, None, 600)
            except CompactProofsError:
                continue
            ties += sum(answer.tie for answer in search.found)
            none += not search.found
    assert ties > 3 and none > 1


@pytest.mark.parametrize("name", ["max_of_2_tiny", "max_of_k"])
def test_margins_are_those_of_float64(name):
    model = quantised(name)
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, model.d_vocab, (12, model.n_ctx))
    exact = ExactNetwork(model)
    for tokens, values in zip(inputs.tolist(), logits(quantised_tables(model), inputs), strict=True):
        answer = exact.answer(tokens)
        assert answer.outputs == (int(values.argmax()),)
        others = np.delete(values, answer.right)
        assert float(answer.margin) == pytest.approx(values[answer.right] - others.max(), abs=1e-8)


def test_answers_by_hand():
    """Logits are columns[w] tokens[t] / 8."""
    assert ExactNetwork(by_hand([3, 1, 1])).answer([0]) == Answer((0,), 0, (0,), "0.25")
    assert ExactNetwork(by_hand([1, 2, 3])).answer([1]) == Answer((1,), 1, (2,), "-0.25")
    tie = ExactNetwork(by_hand([1, 3, 3])).answer([1])
    assert (tie.outputs, tie.margin, tie.tie, tie.correct) == ((1, 2), "0", True, False)
    both = ExactNetwork(by_hand([0, 3, 3])).answer([0])
    assert (both.outputs, both.margin, both.tie, both.correct) == ((1, 2), "-0.375", False, False)
    alone = ExactNetwork(by_hand([5], tokens=(2,))).answer([0])
    assert (alone.outputs, alone.margin, alone.correct) == ((0,), "", True)


def test_a_margin_too_small_for_float64_is_found():
    """Two scores 2^-80 apart, of which the answer has the larger: a margin of about 2^-82."""
    matrix = {name: QuantisedMatrix(np.array(rows), bits) for name, rows, bits in (
        ("W_E", [[1, 0], [0, 1]], 0), ("W_pos", [[0, 0], [0, 0]], 0), ("W_Q", [[1], [1]], 0), ("W_K", [[0], [1]], 80),
        ("W_V", [[-1], [1]], 0), ("W_O", [[1, 0]], 0), ("W_U", [[0, 1], [0, 0]], 0),
    )}  # fmt: skip
    exact = ExactNetwork(QuantisedModel("near", 2, 2, 2, 1, 8, **matrix))
    answer = exact.answer([0, 1])  # 1 has the weight e^(2^-80) of e^(2^-80) + 1; the logit of 1 is the difference of weights
    assert answer.outputs == (1,) and 2.0**-82 < float(answer.margin) < 2.0**-80


def test_inputs_that_are_none_are_refused():
    exact = ExactNetwork(quantised("max_of_2_tiny"))
    with pytest.raises(ShapeError, match=r"input \[0\]: got 1 tokens, wanted 2"):
        exact.answer([0])
    with pytest.raises(InputRefused, match=r"input \[0, 8\]: got token 8, wanted 0 .. 7"):
        exact.answer([0, 8])
    with pytest.raises(InputRefused, match=r"got token -1, wanted 0 .. 6"):
        ExactNetwork(quantised("modular_relu_tiny")).answer([-1, 3])


def test_sums_in_order():
    credits = [np.array([0, 5, 2]), np.array([3, 0])]
    found = list(counterexample._sums_from(6, [range(3), range(4, 6)], credits))
    assert found == [(0, 5), (2, 5), (0, 4), (2, 4), (1, 5)]  # sums 0, 2, 3, 5, 5; not 8
    assert list(counterexample._sums_from(-1, [range(3)], [np.array([0, 1, 2])])) == []
    assert list(counterexample._sums_from(0, [], [])) == [()]


def test_a_contradiction_is_an_error(monkeypatch):
    monkeypatch.setattr(counterexample, "_candidates", lambda *arguments: iter([((7, 7), True)]))
    with pytest.raises(NotProved, match=r"\(7, 7\) is wrong by Z3 on the exported terms, right by exact evaluation; report this"):
        counterexamples(quantised("max_of_2_tiny"), 1, 600)


def test_the_command_finds_one(capsys):
    assert cli.main(["counterexample", "max_of_2_tiny"]) == 0
    out, _ = capsys.readouterr()
    assert out == (
        "max_of_2_tiny: sequence answered wrong, verified by exact evaluation\n"
        "sequence  right answer  network's answer  margin\n"
        "0 0       0             1                 -0.334643510955\n"
        "There may be others: --count all finds every one.\n"
    )


def test_the_command_finds_all(capsys):
    assert cli.main(["counterexample", "max_of_2_tiny", "--count", "all", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["all"] is True and value["checked_by_coq"] is False and value["inputs"] == "64" and value["way"] == "z3"
    assert value["found"] == [
        {"tokens": [0, 0], "right": 0, "outputs": [1], "margin": "-0.334643510955", "tie": False},
    ]


def test_the_command_says_that_there_is_none(capsys):
    assert cli.main(["counterexample", "modular_addition"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("modular_addition: there is none: all 3,481 pairs are answered right. Decided by every output of")
    assert "not checked by Coq" in text


def test_a_large_network_is_searched_where_it_errs(capsys):
    """64^20 sequences; candidates come with the largest sums first."""
    assert cli.main(["counterexample", "max_of_20", "--count", "2", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["way"] == "boxes" and value["all"] is False and len(value["found"]) == 2
    exact = ExactNetwork(quantised("max_of_20"))
    assert not any(exact.answer(one["tokens"]).correct for one in value["found"])


@pytest.mark.parametrize("name", ["max_of_2", "max_of_2_tiny"])
def test_none_found_in_time(capsys, monkeypatch, name):
    seconds = itertools.count()
    for module in (counterexample, z3_claim):
        monkeypatch.setattr(module.time, "monotonic", lambda: float(next(seconds)))
    monkeypatch.setattr(exact_answer.Answer, "correct", True)  # were it not for the time, all would be right
    assert cli.main(["counterexample", name, "--time-limit", "2"]) == 5
    assert capsys.readouterr().out.startswith(f"{name}: none found in ")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["max_of_9"], 2, "unknown MODEL 'max_of_9'; valid: "),
        ([], 2, "wanted a name, or --n-ctx"),
        (["no/such model.json"], 3, "no/such model.json: no such file"),
        (["max_of_2_tiny", "--weight-bits", "99"], 2, "weight_bits is 99; wanted an integer in 4..12"),
    ],
)
def test_wrong_usage(capsys, arguments, code, message):
    assert cli.main(["counterexample", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == "" and message in err and "Traceback" not in err


@pytest.mark.parametrize(("count", "message"), [("0", "got '0', wanted an integer >= 1, or all"), ("few", "got 'few', wanted")])
def test_wrong_count(capsys, count, message):
    with pytest.raises(SystemExit) as caught:
        cli.main(["counterexample", "max_of_2_tiny", "--count", count])
    assert caught.value.code == 2 and message in capsys.readouterr().err


def test_help_says_the_exit_codes(capsys):
    with pytest.raises(SystemExit):
        cli.main(["counterexample", "--help"])
    assert "5 none was found in the time, and there may be one" in " ".join(capsys.readouterr().out.split())
