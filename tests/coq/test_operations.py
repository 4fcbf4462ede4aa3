"""Proof length: the closed form of proofs/operations.py is Coq's, and not far above what Coq counts.

Coq evaluates its bound for random sizes, and the twins of checkers that count their own operations for all staged strategies
on tiny networks: with the verdict of the checker itself. All of it in one run of coqc.
"""

import re
import shutil
from typing import NamedTuple

import numpy as np
import pytest
import sympy

from compact_proofs.extract.coq_text import certificate_v, weights_v
from compact_proofs.extract.layouts import MAX_OF_K
from compact_proofs.extract.quantise import quantise
from compact_proofs.models.weights import load_model
from compact_proofs.proofs import operations
from compact_proofs.proofs.operations import Ranks, Sizes, operations_bound, sizes_of
from compact_proofs.proofs.registry import Strategy, strategies

pytestmark = [pytest.mark.coq, pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")]

NETWORKS = ("max_of_2_tiny", "max_of_3_tiny")
STAGED = (
    "cubic", "subcubic", "subcubic_low_rank_qk", "subcubic_low_rank_eu", "subcubic_low_rank", "quadratic", "wrong_count",
)  # fmt: skip
CLOSE = 2.5  # the bound is at most so many times the count
HEADER = """From Coq Require Import ZArith Uint63 List.
Import ListNotations.
From CompactProofs Require Import Facade Spec.Network Cert.Outcome Cert.Staged Cert.Products Cert.Gaps Cert.Attention.
From CompactProofs Require Import Cert.Strategies.
From CompactProofs Require Import Length.Counted Length.StrategiesCounted Length.Operations Length.StrategiesLength.
Definition measured (verdict : outcome) (twin : counted outcome) (bound : Z) :=
  (verdict, returned twin, operations twin, bound).
"""
BOUND = re.compile(r"= (\d+)(?:%Z)?\s+: Z\n")
MEASURED = re.compile(r"= \((.*?), (\d+)(?:%Z)?, (\d+)(?:%Z)?\)\s+: outcome", re.DOTALL)


class Measured(NamedTuple):
    """What Coq prints for one strategy on one network."""

    verdicts: str
    count: int
    bound: int


def random_sizes(seed: int) -> dict:
    """Sizes of every kind: with and without factors, bands, a radius, resolutions of 0 and too few of them."""
    rng = np.random.default_rng([seed, 3])

    def number(low: int, high: int) -> int:
        return int(rng.integers(low, high))

    d_vocab = number(2, 40)
    joint, wrong = seed % 3 == 0, seed % 5 == 4
    return {
        "n_ctx": number(1, 12),
        "d_vocab": d_vocab,
        "d_model": number(1, 30),
        "d_head": number(1, 20),
        "blocks": number(0, 9),
        "resolutions": tuple((rng.integers(0, 3, number(0, d_vocab + 3)) * rng.integers(0, 2000)).tolist()),
        "near_resolutions": tuple((rng.integers(0, 2, d_vocab) * rng.integers(0, 300)).tolist()),
        "radius": number(0, 20) if seed % 2 else 0,
        "exponents": None if joint else tuple(rng.integers(0, 14, number(1, 9)).tolist()),
        "scores": Ranks(number(0, 9), number(0, 9)) if seed % 4 == 1 else None,
        "direct": Ranks(number(0, 9), number(0, 9)) if not joint and seed % 4 > 1 else None,
        "joint": joint,
        "wrong": wrong,
    }


def product_choice(ranks: Ranks | None) -> str:
    if ranks is None:
        return "Exact"
    peeled, bounded = (f"(repeat [] {rank}%nat)" for rank in ranks)
    return f"(Low_rank (Factors 0%uint63 [] {peeled} [] {bounded}))"


def ints(numbers) -> str:
    return f"[{'; '.join(map(str, numbers))}]%uint63"


def bound_text(sizes: Sizes) -> str:
    """Coq's bound for these sizes. It looks at the number of blocks only, and not at the weights."""
    matrices = " ".join(["(Matrix [] 0%nat)"] * 7)
    network = f"(Model {sizes.n_ctx}%nat {sizes.d_vocab}%nat {sizes.d_model}%nat {sizes.d_head}%nat {matrices})"
    gap = "Joint" if sizes.joint else f"(Split {product_choice(sizes.direct)})"
    tokens = "Every" if sizes.exponents is None else f"(Banded {ints(sizes.exponents)})"
    blocks, fine, near = ints([1] * sizes.blocks), ints(sizes.resolutions), ints(sizes.near_resolutions)
    plan = f"(Plan 0%uint63 {blocks} {fine} {sizes.radius}%uint63 {near} 0%uint63)"
    name = "wrong_operations_bound" if sizes.wrong else "right_operations_bound"
    return f"Eval vm_compute in ({name} {network} {product_choice(sizes.scores)} {gap} {tokens} {plan}).\n"


def definitions(data_file: str) -> str:
    """A data file without its imports, to stand inside a module."""
    return "\n".join(line for line in data_file.splitlines() if not re.match("From|Import", line))


def measured_text(index: int, strategy: Strategy, network: str, model, found) -> str:
    """The verdict of a strategy, its twin and its bound, each evaluated."""
    fields = strategy.fields(found.certificate)
    record = " ".join([strategy.constructor, *(f"Certificate_{index}.{field.name}" for field in fields)])
    given = f"({found.proved})%Z {network} ({record})"
    data = definitions(certificate_v(model.name, strategy.name, fields))
    return (
        f"Module Certificate_{index}.\n{data}\nEnd Certificate_{index}.\n"
        f"Eval vm_compute in measured ({strategy.name}_verdict {given}) ({strategy.name}_verdict_counted {given})\n"
        f"  ({strategy.name}_operations_bound {network} ({record})).\n"
    )


SIZES = [random_sizes(seed) for seed in range(24)]


@pytest.fixture(scope="module")
def found():
    """The certificates, by network and strategy."""
    models = {name: quantise(*load_model(name)) for name in NETWORKS}
    return {(name, which): (models[name], strategies()[which].find(models[name])) for name in NETWORKS for which in STAGED}


@pytest.fixture(scope="module")
def printed(coq_output, found) -> str:
    """What Coq prints."""
    parts = [HEADER, *(bound_text(Sizes(**sizes)) for sizes in SIZES)]
    for name in NETWORKS:
        model = found[name, STAGED[0]][0]
        parts.append(
            f"Module Network_{name}.\nModule Weights.\n{definitions(weights_v(model))}\nEnd Weights.\n"
            f"{MAX_OF_K.definition()}End Network_{name}.\n"
        )
    for index, ((name, which), (model, one)) in enumerate(found.items()):
        parts.append(measured_text(index, strategies()[which], f"Network_{name}.network", model, one))
    return coq_output("\n".join(parts))


@pytest.fixture(scope="module")
def measured(printed, found) -> dict[tuple[str, str], Measured]:
    results = [Measured(" ".join(text.split()), int(count), int(bound)) for text, count, bound in MEASURED.findall(printed)]
    return dict(zip(found, results, strict=True))


def test_the_closed_form_is_that_of_coq(printed):
    bounds = [int(text) for text in BOUND.findall(printed)]
    assert bounds == [operations_bound(**sizes) for sizes in SIZES]


def test_twins_give_the_verdicts_and_count_no_more_than_the_bound(measured):
    for key, one in measured.items():
        assert one.verdicts == "Accepted, Accepted", key
        assert one.count <= one.bound, key


def test_bounds_of_certificates_are_those_of_coq(measured, found):
    for (name, which), (model, one) in found.items():
        sizes = sizes_of(model, one.certificate, wrong=which == "wrong_count")
        fields = {field: getattr(sizes, field) for field in Sizes.__slots__}
        of_limits = 4 if which == "quadratic" else 0  # Coq: Length.StrategiesLength.quadratic_operations_bound
        assert measured[name, which].bound == operations_bound(**fields) + of_limits, (name, which)


def test_bounds_are_close_to_the_count(measured):
    for key, one in measured.items():
        assert one.bound <= CLOSE * one.count, (key, one)


def test_formula_agrees_with_numbers():
    """One resolution for all m, in symbols."""
    numbers = dict(n=4, d=12, D=6, H=5, B=3, L=5, E=2, R=100, N=40, k_s=2, b_s=1, k_d=1, b_d=3)
    same = dict(n_ctx=4, d_vocab=12, d_model=6, d_head=5, blocks=3, resolutions=[100] * 12)
    low = dict(scores=Ranks(2, 1), direct=Ranks(1, 3))
    cubic = operations.formula(joint=True, banded=False, scores=False, direct=False, radius=2)
    banded = operations.formula(joint=False, banded=True, scores=True, direct=True)
    wrong = operations.formula(joint=True, banded=False, scores=False, direct=False, radius=2, wrong=True)
    bands = dict(exponents=[0, 0, 1, 2, 2], **low)
    for expression, sizes in (
        (cubic, dict(joint=True, radius=2, near_resolutions=[40] * 12)),
        (banded, bands),
        (wrong, dict(joint=True, radius=2, wrong=True)),
    ):
        values = {symbol: numbers[str(symbol)] for symbol in expression.free_symbols}
        assert expression.subs(values) == operations_bound(**same, **sizes)
        assert isinstance(expression, sympy.Expr)
