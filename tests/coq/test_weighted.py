"""Strategy `weighted`: Coq says what the mirror says, of many tiny networks and distributions, and nothing false is accepted.

Distributions: ones, small numbers, many zeros, one token only, zero rows, weights whose products leave 62 bits, sums at the
edge of the range, rows that differ and rows alike; misshapen and negative ones, which both refuse. Certificates: what is found,
and random ones. A claim of one too much makes Coq print the weight, so equal verdicts mean equal weights. One run of coqc for
all.
"""

import itertools
import math
import re
import runpy
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from compact_proofs.extract.coq_text import Field, certificate_v, distribution_v, weights_v
from compact_proofs.extract.layouts import MAX_OF_K
from compact_proofs.extract.quantise import QuantisedModel, quantise
from compact_proofs.models.errors import InputRefused
from compact_proofs.models.weights import load_model
from compact_proofs.proofs.exact_answer import ExactNetwork
from compact_proofs.proofs.strategies import cubic, odds, weighted
from compact_proofs.proofs.strategies.staged import Certificate, Plan
from compact_proofs.proofs.verdict import explain

pytestmark = [pytest.mark.coq, pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")]

MIRROR = runpy.run_path(str(Path(__file__).parent / "test_mirror.py"))  # test files cannot import each other
NETWORKS = 24
EDGE = 2**62 - 1
HEADER = MIRROR["HEADER"]


def network(seed: int) -> QuantisedModel:
    """A random tiny network, every other one right on much; some of one token or of one position."""
    model = MIRROR["random_network" if seed % 2 else "maximum_network"](seed)
    if seed % 8 == 4:  # one token
        cut = {"W_E": model.W_E.ints[:1], "W_U": model.W_U.ints[:, :1]}
        matrices = {name: replace(getattr(model, name), ints=ints) for name, ints in cut.items()}
        model = replace(model, d_vocab=1, name=f"{model.name}_one", **matrices)
    if seed % 8 == 6:
        model = replace(model, n_ctx=1, name=f"{model.name}_last", W_pos=replace(model.W_pos, ints=model.W_pos.ints[:1]))
    return model


def long_network(seed: int, n_ctx: int = 11) -> QuantisedModel:
    """More positions than can be enumerated."""
    model = MIRROR["maximum_network"](seed)
    positions = np.resize(model.W_pos.ints, (n_ctx, model.d_model))
    return replace(model, n_ctx=n_ctx, name=f"{model.name}_long", W_pos=replace(model.W_pos, ints=positions))


def distributions(model: QuantisedModel, rng: np.random.Generator) -> dict[str, tuple]:
    """Rows of weights by kind."""
    n, d = model.n_ctx, model.d_vocab

    def rows(draw) -> tuple:
        return tuple(tuple(int(one) for one in draw()) for _ in range(n))

    def edge() -> list[int]:
        rest = rng.integers(0, 2**40, d - 1).tolist()
        return [*rest, EDGE - sum(rest)]

    one_row = rng.integers(0, 50, d).tolist()
    return {
        "ones": ((1,) * d,) * n,
        "small": rows(lambda: rng.integers(0, 10, d)),
        "one row": (tuple(one_row),) * n,
        "sparse": rows(lambda: rng.integers(1, 100, d) * (rng.random(d) < 0.5)),
        "one token": rows(lambda: np.eye(d, dtype=int)[rng.integers(0, d)] * 7),
        "a row of nothing": (*rows(lambda: rng.integers(0, 3, d))[1:], (0,) * d),
        "nothing": ((0,) * d,) * n,
        "corpus": rows(lambda: rng.integers(2**20, 2**26, d)),
        "uneven": rows(lambda: 2 ** rng.integers(0, 55, d)),
        "edge": rows(edge),
    }


class Case(NamedTuple):
    """A claim under a distribution, and the verdict that the mirror predicts."""

    name: str
    model: QuantisedModel
    rows: tuple
    certificate: Certificate
    claimed: int
    predicted: str


def case(name, model, rows, certificate, claimed) -> Case:
    return Case(name, model, rows, certificate, claimed, weighted.verdict(claimed, model, rows, certificate))


def random_certificate(model: QuantisedModel, rng: np.random.Generator) -> Certificate:
    """Coarse and fine resolutions, some m not counted, blocks of any length, near outputs or none."""
    plan = weighted.find(model, ((1,) * model.d_vocab,) * model.n_ctx).certificate.plan
    some = MIRROR["STAGED"]["some"]
    plan = replace(
        plan,
        gap_unit=min(61, plan.gap_unit + int(rng.integers(0, 3))),
        block_lengths=tuple(rng.integers(0, model.d_vocab + 1, 3).tolist()),
        resolutions=some(rng, [0, 1, 3, 64, 70_000], int(rng.integers(0, model.d_vocab + 2))),
        radius=int(rng.integers(0, 4)),
        near_resolutions=some(rng, [0, 2, 64], model.d_vocab),
    )
    return Certificate(plan)


def refusals(model: QuantisedModel) -> list[Case]:
    """What is no distribution, what leaves the range, and at the largest sum that does not."""
    n, d = model.n_ctx, model.d_vocab
    ones = ((1,) * d,) * n
    plan = weighted.find(model, ones).certificate
    bad = {
        "too few rows": ones[1:],
        "too many rows": (*ones, ones[0]),
        "a short row": (ones[0][1:], *ones[1:]),
        "a long last row": (*ones[1:], (*ones[0], 1)),
        "negative": (*ones[1:], (-1, *ones[0][1:])),
        "the sum of a row too large": ((2**62 - d + 1, *ones[0][1:]), *ones[1:]),
    }
    cases = [case(name, model, rows, plan, 0) for name, rows in bad.items()]
    assert all(one.predicted.startswith("Refused (") for one in cases)
    assert cases[-1].predicted == "Refused (May_overflow Distribution)"
    cases.append(case("the largest sum", model, ((2**62 - d, *ones[0][1:]), *ones[1:]), plan, 0))
    assert cases[-1].predicted == "Accepted"
    cases.append(case("a gap unit too fine", model, ones, replace(plan, plan=replace(plan.plan, gap_unit=0)), 0))
    return cases


def one_weight_cases() -> list[Case]:
    """All weight of the free position on one token, which is what costs are measured from: rounded, no more would be lost."""
    model = MIRROR["maximum_network"](85)
    rows = ((0, 0, 0, 0, 0, 1), (1,) * 6)
    found = weighted.find(model, rows).certificate
    coarse = replace(found, plan=replace(found.plan, resolutions=(1,) * 6, near_resolutions=()))
    cases = [case("one weight", model, rows, coarse, claimed) for claimed in (4, 5)]
    assert [one.predicted for one in cases] == ["Accepted", "Refused (Total_short 4 5)"]
    return cases


@cache
def all_cases() -> list[Case]:
    cases = one_weight_cases() + refusals(quantise(*load_model("max_of_2_tiny"))) + refusals(network(1))
    for seed, model in [(seed, network(seed)) for seed in range(NETWORKS)] + [(seed, long_network(seed)) for seed in range(4)]:
        rng = np.random.default_rng([seed, model.n_ctx])
        for kind, rows in distributions(model, rng).items():
            for what, certificate in (
                ("found", weighted.find(model, rows).certificate),
                ("random", random_certificate(model, rng)),
            ):
                proved = weighted.mirror(model, rows, certificate)
                cases.append(case(f"{kind}, {what}", model, rows, certificate, proved + 1))  # prints what is proved
                if what == "found":
                    cases.append(Case(f"{kind}, {what}", model, rows, certificate, proved, "Accepted"))
    return cases


def coq_text(cases: list[Case]) -> str:
    """All cases as one Coq file."""
    parts, last, network_name = [HEADER], None, ""
    definitions = MIRROR["definitions"]
    for index, one in enumerate(cases):
        if one.model is not last:
            parts.append(
                f"Module Network_{index}.\nModule Weights.\n{definitions(weights_v(one.model))}\nEnd Weights.\n"
                f"{MAX_OF_K.definition()}End Network_{index}.\nDefinition network_{index} := Network_{index}.network.\n"
            )
            network_name, last = f"network_{index}", one.model
        fields = weighted.fields(one.certificate)
        record = " ".join(["Weighted_plan", *(f"Certificate_{index}.{field.name}" for field in fields)])
        text = definitions(certificate_v(one.model.name, "weighted", fields))
        weights = definitions(distribution_v(one.model.name, "weighted", Field("weights", "list (list Z)", one.rows)))
        parts.append(f"Module Certificate_{index}.\n{text}\nEnd Certificate_{index}.\n")
        parts.append(f"Module Distribution_{index}.\n{weights}\nEnd Distribution_{index}.\n")
        terms = f"({one.claimed})%Z Distribution_{index}.weights {network_name} ({record})"
        parts.append(f"Eval vm_compute in (weighted_verdict {terms}).\n")
    return "\n".join(parts)


@pytest.fixture(scope="module")
def verdicts(coq_verdicts) -> list[str]:
    """What Coq prints for each case."""
    return coq_verdicts(coq_text(all_cases()))


def test_coq_says_what_the_mirror_says(verdicts):
    cases = all_cases()
    assert len(verdicts) == len(cases)
    differences = [
        f"{one.model.name}, {one.name}, {one.claimed}: Coq {verdict}; mirror {one.predicted}"
        for one, verdict in zip(cases, verdicts, strict=True)
        if verdict != one.predicted
    ]
    assert not differences, "\n".join(differences)


def test_the_cases_differ():
    kinds = {re.match(r"Accepted|Refused \((\w+)", one.predicted)[1] for one in all_cases()}
    assert kinds == {None, "May_overflow", "Wrong_length", "Wrong_weights", "Total_short"}
    assert len({one.predicted for one in all_cases() if "Total_short" in one.predicted}) > 100
    dropped = [one for one in all_cases() if any(map(any, _shifts(one)))]
    assert len(dropped) > 30  # weights that leave 62 bits, so that entries are rounded
    assert any(one.claimed > 2**130 for one in dropped)
    for one in all_cases():
        assert explain(one.predicted) != one.predicted


def _shifts(one: Case) -> list:
    try:
        return odds.Weights.of(one.model.n_ctx, one.model.d_vocab, one.rows).shifts.tolist()
    except InputRefused:
        return []


@cache
def right_sequences(seed: int) -> list[tuple[int, ...]]:
    """The sequences that a network answers right, each run through it exactly."""
    model = network(seed)
    exact = ExactNetwork(model)
    return [x for x in itertools.product(range(model.d_vocab), repeat=model.n_ctx) if exact.answer(x).correct]


def true_weight(seed: int, rows: tuple) -> int:
    return sum(math.prod(row[token] for row, token in zip(rows, x, strict=True)) for x in right_sequences(seed))


@pytest.mark.parametrize("seed", range(NETWORKS))
def test_no_more_is_proved_than_is_true(seed):
    model = network(seed)
    rng = np.random.default_rng([seed, 8])
    for rows in distributions(model, rng).values():
        truth = true_weight(seed, rows)
        for certificate in (weighted.find(model, rows).certificate, *(random_certificate(model, rng) for _ in range(3))):
            assert 0 <= weighted.mirror(model, rows, certificate) <= truth


@pytest.mark.parametrize("seed", range(NETWORKS))
def test_equal_weights_prove_what_cubic_counts(seed):
    model = network(seed)
    ones = ((1,) * model.d_vocab,) * model.n_ctx
    found = cubic.METHOD.find(model)
    assert weighted.find(model, ones).proved == found.proved
    assert weighted.mirror(model, ones, found.certificate) == found.proved
    sevens = ((7,) * model.d_vocab,) * model.n_ctx
    assert weighted.mirror(model, sevens, found.certificate) == found.proved * 7**model.n_ctx


def test_a_mutated_certificate_or_distribution_proves_nothing_false():
    rng = np.random.default_rng(5)
    for seed in (0, 2, 10):
        model = network(seed)
        rows = distributions(model, rng)["small"]
        plan = weighted.find(model, rows).certificate.plan
        for _ in range(60):
            name = str(rng.choice(["gap_unit", "radius", "block_lengths", "resolutions", "near_resolutions"]))
            value, number = getattr(plan, name), int(rng.choice([0, 1, 2, 5, 61, 2**31, 2**62 - 1]))
            if isinstance(value, tuple):
                at = int(rng.integers(0, len(value) + 1))
                number = (*value[:at], number, *value[at + 1 :])
            changed = [list(row) for row in rows]
            changed[rng.integers(0, model.n_ctx)][rng.integers(0, model.d_vocab)] = int(rng.choice([-1, 0, 1, 99, 2**61, 2**62]))
            for weights in (rows, tuple(map(tuple, changed))):
                try:
                    proved = weighted.mirror(model, weights, Certificate(replace(plan, **{name: number})))
                except InputRefused:
                    continue
                assert proved <= true_weight(seed, weights)


def test_the_plan_type_has_no_masses():
    assert "mass_digits" not in weighted.FORM.fields
    assert [field.name for field in weighted.fields(Certificate(Plan(1, (), (), 0, (), 9)))] == list(weighted.FORM.fields)
