"""Traps of proofs about modular arithmetic: tiny networks, for each a mistaken rule that accepts a false count of right pairs.

The rules are a few lines each: an error below the margin, not half of it; square roots rounded down; ties counted right, also by
floats; integers that wrap around; squares whose sign nobody looked at, and a scale below zero; half sums of tokens for an even
modulus; tables that are too short. (Of the ten traps in the notes two, worst-case sums and constant parts, make bounds loose but
not false; one is what "8 bits" means.) Every false count is refused by every strategy, mirror and Coq; so is one pair too many by
certificates whose tables have another shape. The truth: proofs/attack/oracle.py.
"""

import contextlib
import itertools
import math
import re
import shutil
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from compact_proofs.extract.coq_text import weights_v
from compact_proofs.extract.families import quantise_network
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.modular_fold import fold
from compact_proofs.extract.modular_form import check_form
from compact_proofs.extract.rounding import QuantisedMatrix
from compact_proofs.models.errors import InputRefused, OverflowRisk
from compact_proofs.models.weights import load_model, zoo_names
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.attack.cases import UNPREDICTED, Case, coq_verdicts, mirror_verdict, mutated
from compact_proofs.proofs.attack.oracle import right_count
from compact_proofs.proofs.registry import DEFAULT, Strategy, silent, strategies
from compact_proofs.proofs.strategies.modular import second_moment

STRATEGIES = strategies("modular")
Rows = list[list[int]]


def network_of(first: Rows, second: Rows, outputs: Rows, family: str = "modular_folded") -> QuantisedModular:
    """One hidden layer: rows by the first token, by the second, by neuron."""
    tensors = {"W_E": first, "W_E_b": second, "W_U": outputs}
    matrices = {name: QuantisedMatrix(np.array(rows, dtype=np.int64), 0) for name, rows in tensors.items()}
    return QuantisedModular("trap", family, len(first), 1, 8, matrices)


def constant(hidden: list[int], outputs: Rows, p: int = 3) -> QuantisedModular:
    """The same activations for all pairs."""
    return network_of([hidden] * p, [[0] * len(hidden)] * p, outputs)


def values(network: QuantisedModular) -> np.ndarray:
    """Outputs by first token, second token and class, in int64 that may wrap."""
    form = fold(network)
    return np.stack([form.values(a) for a in range(form.order)])


def count(accepts: np.ndarray) -> int:
    """Of how many pairs (a, b) the right answer is accepted, from a table by a, b and class."""
    p = accepts.shape[-1]
    return sum(bool(accepts[a, b, (a + b) % p]) for a, b in itertools.product(range(p), repeat=2))


def ahead(table: np.ndarray) -> np.ndarray:
    """By a, b and class: its output is strictly above every other."""
    largest = table.max(axis=-1, keepdims=True)
    return (table == largest) & ((table == largest).sum(axis=-1, keepdims=True) == 1)


# The mistaken rules


def error_below_margin(network: QuantisedModular, margin: int) -> int:
    """The outputs lie within less than the margin of ideal ones: `margin` at the right answer, 0 elsewhere."""
    p = network.modulus
    ideal = margin * (np.add.outer(np.arange(p), np.arange(p))[..., None] % p == np.arange(p))
    near = np.abs(values(network) - ideal).max(axis=-1, keepdims=True) < margin
    return count(near.repeat(p, axis=-1))


def roots_rounded(network: QuantisedModular, root) -> int:
    """The right output is above |h| |u_c| for every other class c, the lengths rounded to integers."""
    form, outputs = fold(network), values(network)
    p = network.modulus
    accepts = np.zeros((p, p, p), dtype=bool)
    for a, b in itertools.product(range(p), repeat=2):
        size = root(int((form.hidden(a)[b] ** 2).sum()))
        bounds = [size * root(int((form.U[c] ** 2).sum())) for c in range(p)]
        for s in range(p):
            accepts[a, b, s] = all(bounds[c] < outputs[a, b, s] for c in range(p) if c != s)
    return count(accepts)


def root_up(n: int) -> int:
    return math.isqrt(n - 1) + 1 if n else 0


def none_above(network: QuantisedModular) -> int:
    outputs = values(network)
    return count(outputs == outputs.max(axis=-1, keepdims=True))


def in_floats(network: QuantisedModular, dtype: type) -> int:
    form = fold(network)
    hidden = np.stack([form.hidden(a) for a in range(form.order)]).astype(dtype)
    return count(ahead((hidden[..., None, :] * form.U.astype(dtype)).sum(axis=-1)))


def wrapped_around(network: QuantisedModular) -> int:
    return count(ahead(values(network)))


def squared_without_a_sign(network: QuantisedModular) -> int:
    """second_moment, which squares the correlation with the right answers."""
    return second_moment.best(network.modulus, second_moment.moments(fold(network)))


def scaled(network: QuantisedModular, scale: int) -> int:
    """D times the right output is above D times every other."""
    return count(ahead(scale * values(network)))


def half_sums(network: QuantisedModular, frequencies: list[int], degrees: list[int]) -> int:
    """cos u + cos v = 2 cos((u - v) / 2) cos((u + v) / 2), where sums and differences of tokens are taken modulo p before."""
    p = network.modulus
    tokens = np.arange(p)
    halves = [np.pi * (np.add.outer(tokens, sign * tokens)[..., None] % p) * frequencies / p for sign in (-1, 1)]
    before = 200 * np.cos(halves[0]) * np.cos(halves[1] + np.deg2rad(degrees))
    return count(ahead(np.maximum(before, 0) @ network.tensors["W_U"].ints))


def as_far_as_tables_go(network: QuantisedModular) -> int:
    """Outputs are compared for the classes that W_U has."""
    first, second, outputs = (matrix.ints for matrix in network.matrices().values())
    found = ahead(np.maximum(first[:, None] + second, 0) @ outputs)
    p = network.modulus
    return count(np.concatenate([found, np.zeros((p, p, p - found.shape[-1]), dtype=bool)], axis=-1))


# Networks


def one_hot(sign: int) -> QuantisedModular:
    """Nine neurons, one for each pair of tokens: the output of the right answer is 2 sign above the others, which are equal."""
    unit = np.eye(3, dtype=np.int64)
    first, second = unit.repeat(3, axis=1), np.tile(unit, 3)
    outputs = [[sign * int((i + j) % 3 == c) for c in range(3)] for i in range(3) for j in range(3)]
    return network_of(first.tolist(), second.tolist(), outputs, "modular_quadratic")


def cosines(p: int, frequencies: list[int], degrees: list[int], outputs: Rows) -> QuantisedModular:
    angles = 2 * np.pi * np.arange(p)[:, None] * frequencies / p + np.deg2rad(degrees)
    rows = np.rint(100 * np.cos(angles)).astype(np.int64).tolist()
    return network_of(rows, rows, outputs)


EVEN = ([2, 1, 1, 1, 1, 2], [312, 209, 14, 33, 119, 155])
EVEN_OUTPUTS = [
    [11, -8, 32, -11], [-11, 0, 11, 33], [24, 114, -24, -53], [-11, -120, 11, 79], [0, 45, 0, -6], [19, 0, 13, -9],
]  # fmt: skip
MARGIN = constant([1], [[4, 4, 6]])
ROOTS = constant([1, 1], [[2, 1, 0], [0, 1, 0]])
ZERO = constant([0], [[0, 0, 0]])
EQUAL = constant([3, 5], [[7, 7, 1], [-2, -2, 0]])
HALF_A_MILLION = constant([7419, 4446], [[6861, 2415, 0], [-4887, 2532, 0]])
BILLIONS = constant([243136023, 145713364], [[224864291, 79150927, 0], [-160135075, 83000948, 0]])
WRAPS = network_of([[2**20]] * 3, [[2**20]] * 3, [[1, 2**21, 2**21]], "modular_quadratic")  # squares of 2^42, outputs of 2^63
SHORT = constant([1], [[0, -1]])  # no output for class 2, which counts as 0


@dataclass(frozen=True, eq=False)
class Mistake:
    """What a mistaken rule accepts of a network."""

    name: str
    network: QuantisedModular
    accepted: int


@cache
def mistakes() -> list[Mistake]:
    even, negative = cosines(4, *EVEN, EVEN_OUTPUTS), one_hot(-1)
    return [
        Mistake("error below the margin", MARGIN, error_below_margin(MARGIN, 10)),
        Mistake("square roots rounded down", ROOTS, roots_rounded(ROOTS, math.isqrt)),
        Mistake("ties of all outputs", ZERO, none_above(ZERO)),
        Mistake("ties of two outputs", EQUAL, none_above(EQUAL)),
        Mistake("float32", HALF_A_MILLION, in_floats(HALF_A_MILLION, np.float32)),
        Mistake("float64", BILLIONS, in_floats(BILLIONS, np.float64)),
        Mistake("wrap-around", WRAPS, wrapped_around(WRAPS)),
        Mistake("a square without a sign", negative, squared_without_a_sign(negative)),
        Mistake("a scale below zero", negative, scaled(negative, -1)),
        Mistake("half sums of an even modulus", even, half_sums(even, *EVEN)),
        Mistake("a short table", SHORT, as_far_as_tables_go(SHORT)),
    ]


def test_each_mistaken_rule_accepts_a_false_count():
    for one in mistakes():
        assert right_count(one.network) < one.accepted <= one.network.modulus**2, one.name


def test_the_rules_put_right_accept_none():
    assert error_below_margin(constant([1], [[4, 4, 6]]), 5) <= right_count(MARGIN)
    assert roots_rounded(ROOTS, root_up) <= right_count(ROOTS)
    for network in (ZERO, EQUAL, HALF_A_MILLION, BILLIONS, one_hot(-1), one_hot(1)):
        assert count(ahead(values(network))) == right_count(network)
    assert squared_without_a_sign(one_hot(1)) == scaled(one_hot(1), 1) == right_count(one_hot(1)) == 9
    with pytest.raises(OverflowRisk, match=r"^Refused \(May_overflow Logits\)"):
        check_form(fold(WRAPS))


def fitting(network: QuantisedModular) -> list[Strategy]:
    return [one for one in STRATEGIES.values() if one.families is None or network.family in one.families]


def certificates(network: QuantisedModular) -> list[tuple[Strategy, object]]:
    """What each strategy finds; where it finds nothing, what it finds for a network that no strategy refuses."""
    found = []
    for strategy in fitting(network):
        for given in (network, other_network(network)):
            with contextlib.suppress(InputRefused):
                found.append((strategy, strategy.find(given, DEFAULT, silent).certificate))
                break
    return found


def other_network(network: QuantisedModular) -> QuantisedModular:
    """Of the same family and as many neurons; of an odd modulus."""
    if network.family == "modular_quadratic":
        return one_hot(1)
    p, m = network.modulus | 1, network.tensors["W_E"].ints.shape[1]
    rng = np.random.default_rng(0)
    first, outputs = rng.integers(-9, 10, (p, m)), rng.integers(-9, 10, (m, p))
    return network_of(first.tolist(), first.tolist(), outputs.tolist(), network.family)


@cache
def false_claims() -> list[Case]:
    cases = []
    for one in mistakes():
        for strategy, certificate in certificates(one.network):
            cases += [Case(one.network, strategy, statement, certificate, one.accepted) for statement in strategy.coq]
    return cases


@cache
def hostile_claims() -> list[Case]:
    """One pair too many, by certificates whose tables are longer, shorter, empty, reversed, and by a scale below zero."""
    cases = []
    for name in ("modular_relu_11_purified", "modular_quadratic_tiny"):
        network = quantise_network(*load_model(name))
        claimed = right_count(network) + 1
        for strategy, certificate in certificates(network):
            tables = [changed for what, changed in mutated(certificate) if not re.search(r"\[|[0-9]", what)][::4]
            if strategy.name == "low_rank_unembedding":
                tables.append(replace(certificate, scale=-certificate.scale))
            cases += [Case(network, strategy, "at_least", changed, claimed) for changed in tables]
    return [case for case in cases if mirror_verdict(case) != UNPREDICTED and _can_be_written(case)]


def _can_be_written(case: Case) -> bool:
    try:
        return bool(case.strategy.fields(case.certificate)) or True
    except InputRefused:
        return False


def test_the_mirror_refuses_every_false_count():
    verdicts = {}
    for case in [*false_claims(), *hostile_claims()]:
        verdict = mirror_verdict(case)
        assert verdict.startswith("Refused"), (case.strategy.name, case.claimed)
        verdicts.setdefault(re.match(r"Refused \(?(\w+)", verdict)[1], []).append(verdict)
    wanted = {"Total_short", "Total_differs", "Wrong_table", "Wrong_shape", "Wrong_order", "May_overflow", "Not_correlated"}
    assert wanted | {"Wrong_scale"} <= verdicts.keys()


def test_eight_bits_mean_127():
    """The largest integer is 2^7 - 1, sign apart; the file that Coq reads says of how many bits it is."""
    for name in zoo_names():
        for bits in (4, 8):
            network = quantise_network(*load_model(name), bits)
            largest = max(int(np.abs(matrix.ints).max()) for matrix in network.matrices().values())
            assert 2 ** (bits - 2) <= largest <= 2 ** (bits - 1) - 1
        if name.endswith("tiny"):
            assert weights_v(network).startswith("(* CompactProofs: weights: generator ")
            assert ", weight bits 8, sha256 " in weights_v(network).splitlines()[0]


@pytest.mark.coq
@pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")
def test_coq_says_the_same(_theory_built):
    exact = [Case(one.network, STRATEGIES["brute_force"], "exactly", certificates(one.network)[-1][1], right_count(one.network))
             for one in mistakes() if one.network not in (WRAPS, SHORT)]  # fmt: skip
    cases = [*false_claims(), *hostile_claims(), *exact]
    verdicts = coq_verdicts(_theory_built, cases, coqrun.Limits(), batch=len(cases))
    assert verdicts == [mirror_verdict(case) for case in cases]
    assert verdicts[len(cases) - len(exact) :] == ["Accepted"] * len(exact)
    assert verdicts.count("Accepted") == len(exact)
