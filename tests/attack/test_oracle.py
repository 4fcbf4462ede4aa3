"""The oracle counts what the specification says: networks made by hand, float64, and what brute force decides."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.quantise import QuantisedModel, quantised_tables
from compact_proofs.extract.rounding import QuantisedMatrix
from compact_proofs.models.errors import InputRefused
from compact_proofs.models.evaluate import count_right
from compact_proofs.proofs.attack.networks import KINDS, max_shapes, modular_shapes, network
from compact_proofs.proofs.attack.oracle import Dyadic, all_positive, right_count, sign_of_sum
from compact_proofs.proofs.registry import DEFAULT, silent, strategies


def matrix(rows, bits=0) -> QuantisedMatrix:
    return QuantisedMatrix(np.array(rows, dtype=np.int64), bits)


def scalar_network(tokens, unembedding, query=0, key=0, out=1, positions=(0, 0), bits=0) -> QuantisedModel:
    """All of width one: logit w on (s, t) is unembedding[w] (t + out * attended)."""
    one = [[[entry]] for entry in (query, key, 1, out)]
    W_E, W_pos = matrix([[token] for token in tokens]), matrix([[position] for position in positions])
    W_Q, W_K, W_V, W_O = (matrix(rows, bits if rows is one[0] else 0) for rows in one)
    sizes = (len(positions), len(tokens), 1, 1)
    return QuantisedModel("by_hand", *sizes, 8, W_E, W_pos, W_Q, W_K, W_V, W_O, matrix([unembedding]))


def test_a_tie_is_wrong():
    """Outputs 1 and 2 are the same: only (0, 0) is left, and there output 0 has to win."""
    assert right_count(scalar_network([1, 2, 3], [5, 1, 1])) == 1
    assert right_count(scalar_network([1, 2, 3], [1, 5, 5])) == 0
    assert right_count(scalar_network([0, 0, 0], [1, 2, 3])) == 0


def test_one_token_is_right_for_want_of_another_output():
    assert right_count(scalar_network([7], [3])) == 1
    assert right_count(scalar_network([7], [-3], query=9, key=9)) == 1


def test_ties_between_exponentials_are_exact():
    """The last token less the mean of all: 0 on (0, 0) and (1, 1) whatever the attention, -1 on (0, 1), 1 on (1, 0)."""
    assert right_count(scalar_network([1, -1], [0, 1], out=-1)) == 1  # (1, 0)
    assert right_count(scalar_network([1, -1], [0, -1], out=-1)) == 1  # (0, 1)
    for query in (1, -3, 2**40):  # equal tokens have equal scores: still a tie
        network = scalar_network([1, -1], [0, 1], query=query, key=1, out=-1)
        assert right_count(network) == 1


def test_saturated_attention_is_not_rounded():
    """On (1, 0) the first position takes all attention but exp(-1000 .. -2^80), and the rest of what it brings is a tie."""
    for query in (1000, 2**40, 2**61):
        model = scalar_network([1, 2], [0, 1], query=query, key=1, out=-1)
        # (s, t): t - attended is 0 where s = t; else t - s times the weight of s: right on (0, 1) alone
        assert right_count(model) == 1


@pytest.mark.parametrize(
    ("scores", "bits", "row", "sign"),
    [
        ([0, 1], 0, [-3, 1], -1),
        ([0, 1], 0, [-2, 1], 1),
        ([5, 5, 1], 3, [2, -2, 0], 0),
        ([5, 5, 5], 3, [2, -3, 1], 0),
        ([0, 0, -(2**300)], 0, [1, -1, 1], 1),
        ([0, -(2**300), -(2**300)], 7, [1, 2**200, -(2**210)], 1),
        ([1, 0], 0, [10**40, -27182818284590452353602874713526624977572], 1),  # e to 40 digits
        ([1, 0], 0, [10**40, -27182818284590452353602874713526624977573], -1),
        ([1, 0], 1000, [1, -1], 1),  # exp(2^-1000) is above 1
        ([0, -745, -746], 0, [0, 1, -2], 1),  # below what float64 has
        ([0, -745, -746], 0, [0, 1, -3], -1),
    ],
)
def test_signs_of_sums_of_exponentials(scores, bits, row, sign):
    assert sign_of_sum(scores, bits, row) == sign
    assert all_positive(scores, bits, [row]) == (sign > 0)


def test_float64_and_the_exact_way_agree():
    rng = np.random.default_rng(1)
    for _ in range(500):
        scores = rng.integers(-40, 40, 3).tolist()
        row = (rng.integers(-9, 10, 3) << int(rng.integers(0, 50))).tolist()
        assert all_positive(scores, 3, [row]) == (sign_of_sum(scores, 3, row) > 0)


def test_the_exact_numbers():
    one, other = Dyadic(np.array([[3, -5]], dtype=object), 2), Dyadic(np.array([[1], [2**70]], dtype=object), 3)
    assert ((one @ other).ints.tolist(), (one @ other).bits) == ([[3 - 5 * 2**70]], 5)
    total = one + Dyadic(np.array([[1, 1]], dtype=object), 4)
    assert (total.ints.tolist(), total.bits) == ([[13, -19]], 4)
    assert (one.half().bits, one.relu().ints.tolist(), one.squared().ints.tolist()) == (3, [[3, 0]], [[9, 25]])


def test_modular_by_hand():
    """p = 2: two neurons that see whether the tokens are equal, and a tie where nothing is seen."""
    tensors = {"W_E": matrix([[1, -1], [-1, 1]]), "W_U": matrix([[1, 0], [0, 1]])}
    model = QuantisedModular("by_hand", "modular_folded", 2, 1, 8, tensors)
    assert right_count(model) == 1  # (0, 0): neuron 0, output 0; (1, 1): neuron 1, output 1, but 1 + 1 = 0; else all is 0
    squared = dataclasses.replace(model, family="modular_quadratic")
    assert right_count(squared) == 0  # both neurons see 4, or 0
    assert right_count(dataclasses.replace(squared, tensors=tensors | {"W_U": matrix([[1, 0], [1, 0]])})) == 2


def test_what_the_lists_do_not_hold_is_zero():
    """W_U with one column too few: output 2 is 0, and what stands beyond the sizes is not read."""
    shapes = modular_shapes("modular_folded", 3, 1, 1, 2)
    ints = {name: np.ones(shape, dtype=np.int64) for name, shape in shapes.items()}
    tensors = {name: matrix(rows) for name, rows in ints.items()} | {"W_U": matrix([[-1, -1], [-1, -1]])}
    model = QuantisedModular("by_hand", "modular_folded", 3, 1, 8, tensors)
    assert right_count(model) == 3  # those with answer 2
    wider = dataclasses.replace(model, tensors=tensors | {"W_U": matrix([[-1, -1, 0, 9]] * 2)})
    assert right_count(wider) == 3


def float_logits(model: QuantisedModular, a: int, b: int) -> np.ndarray:
    """The forward pass as docs/modular_addition.md writes it, in float64."""
    W = {name: one.to_float() for name, one in model.matrices().items()}
    if "L" in W:
        x = W["L"][a] + W["R"][b]
        return W["P"][a] + W["Q"][b] + (x**2 if model.family.endswith("square") else np.maximum(x, 0)) @ W["U"]
    first, second = W["W_E"][a], W.get("W_E_b", W["W_E"])[b]
    if model.family in ("modular_quadratic", "modular_folded"):
        x = first + second
        return (x**2 if model.family == "modular_quadratic" else np.maximum(x, 0)) @ W["W_U"]
    if model.family == "modular_relu":
        return np.maximum((first + second) @ W["W_in"], 0) @ W["W_out"] @ W["W_U"]
    first, second = W["W_E"][a] + W["W_pos"][0], W["W_E"][b] + W["W_pos"][1]
    middle = second + (first + second) / 2 @ W["W_V"] @ W["W_O"]
    return (middle + np.maximum(middle @ W["W_in"] + W["b_in"][0], 0) @ W["W_out"] + W["b_out"][0]) @ W["W_U"]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.split()[1] in ("random", "sensible", "noisy", "shaken")])
def test_against_float64(kind):
    for seed in range(KINDS.index(kind), 12 * len(KINDS), len(KINDS)):
        model = network(seed)[1]
        if isinstance(model, QuantisedModel):
            found = count_right(quantised_tables(model))
            assert found.right <= right_count(model) <= found.right + found.undecided
            continue
        p, leads, largest = model.modulus, [], 1e-300
        for a, b in itertools.product(range(p), repeat=2):
            answer, outputs = (a + model.coefficient * b) % p, float_logits(model, a, b)
            leads.append(outputs[answer] - np.delete(outputs, answer).max(initial=-math.inf))
            largest = max(largest, np.abs(outputs).max())
        sure, unsure = sum(lead > 1e-9 * largest for lead in leads), sum(abs(lead) <= 1e-9 * largest for lead in leads)
        assert sure <= right_count(model) <= sure + unsure


def test_against_brute_force():
    """Its mirror counts exactly, or leaves inputs undecided; Coq says what the mirror says (tests/coq)."""
    exact = 0
    for seed in range(4 * len(KINDS)):
        model = network(seed)[1]
        one = strategies("max_of_k" if isinstance(model, QuantisedModel) else "modular")["brute_force"]
        try:
            found = one.find(model, DEFAULT, silent)
        except InputRefused:
            continue
        assert found.proved == right_count(model) if found.statement == "exactly" else found.proved <= right_count(model)
        exact += found.statement == "exactly"
    assert exact > 40


def test_too_many_inputs_are_refused():
    shapes = max_shapes(5, 8, 1, 1)
    matrices = [matrix(np.zeros(shape)) for shape in shapes.values()]
    with pytest.raises(InputRefused, match=r"oracle: 32,768 inputs, wanted at most 20,000"):
        right_count(QuantisedModel("large", 5, 8, 1, 1, 8, *matrices))
