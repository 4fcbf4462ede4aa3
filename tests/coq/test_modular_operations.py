"""Proof length for modular arithmetic: the closed forms of Python are Coq's, and not far above what Coq counts.

Coq evaluates the bounds for random sizes, and the twins of the checkers that count their own operations on tiny trained
networks of every architecture, with the verdict of the checker itself: all of it in one run of coqc.
"""

import re
import shutil
from dataclasses import asdict, replace
from typing import NamedTuple

import numpy as np
import pytest

from compact_proofs.extract import modular_fold
from compact_proofs.extract.modular import QuantisedModular, quantise_modular
from compact_proofs.models.modular.config import ModularConfig
from compact_proofs.models.modular.purify import fold_float
from compact_proofs.models.modular.weights import ModularWeights
from compact_proofs.models.weights import load_model
from compact_proofs.proofs.strategies.modular import brute_force, low_rank_unembedding

pytestmark = [pytest.mark.coq, pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")]

FOLDED = "modular_canonical_tiny"
NETWORKS = ("modular_quadratic_tiny", "modular_relu_tiny", "modular_pizza_tiny", FOLDED)
STRATEGIES = ("modular_brute_force", "modular_brute_force_exact", "low_rank_unembedding")
RANK = 2
CLOSE = 2.5  # the bound is at most so many times the count
HEADER = """From Coq Require Import ZArith Uint63 List.
Import ListNotations.
From CompactProofs Require Import Spec.Network Spec.Modular Cert.Outcome Modular.Strategies Length.Counted.
From CompactProofs Require Import Modular.Length.FoldLength Modular.Length.BruteForceCounted.
From CompactProofs Require Import Modular.Length.LowRankUnembeddingLength Modular.Length.StrategiesLength.
Definition measured (verdict : outcome) (twin : counted outcome) (bound : Z) :=
  (verdict, returned twin, operations twin, bound).
"""
BOUND = re.compile(r"= (\d+)(?:%Z)?\s+: Z\n")
MEASURED = re.compile(r"= \((.*?), (\d+)(?:%Z)?, (\d+)(?:%Z)?\)\s+: outcome", re.DOTALL)
# Coq's constructor, and how many matrices it takes
ARCHITECTURES = {
    "mlp": ("Mlp", 3),
    "bottleneck": ("Bottleneck", 5),
    "transformer": ("Transformer", 9),
    "canonical": ("Canonical", 5),
}
ACTIVATIONS = {"relu": "Relu", "square": "Square"}


class Sizes(NamedTuple):
    p: int
    d: int
    n: int
    m: int
    rank: int
    coarse: bool
    activation: str


class Measured(NamedTuple):
    """What Coq prints for one strategy on one network."""

    verdicts: str
    count: int
    bound: int


def random_sizes(seed: int) -> Sizes:
    """Every third with sizes of 0 and 1."""
    rng = np.random.default_rng([seed, 17])
    high = 2 if seed % 3 == 0 else 120
    p, d, n, m, rank = (int(rng.integers(0, high)) for _ in range(5))
    return Sizes(p, d, n, m, rank, bool(rng.integers(0, 2)), ("relu", "square")[seed % 2])


SIZES = [random_sizes(seed) for seed in range(12)]


def lengths(architecture: str, sizes: Sizes) -> dict[str, int]:
    """The sizes of the layers, in the order of Coq's constructor."""
    wanted = {"d_model": sizes.d, "d_attn": sizes.n, "d_mlp": sizes.m}
    skipped = {"bottleneck": ("d_attn",), "transformer": ()}.get(architecture, ("d_model", "d_attn"))
    return {name: size for name, size in wanted.items() if name not in skipped}


def layers_text(architecture: str, activation: str, sizes: dict[str, int], matrices: list[str]) -> str:
    numbers = " ".join(f"{size}%nat" for size in sizes.values())
    return f"({ARCHITECTURES[architecture][0]} {ACTIVATIONS[activation]} {numbers}\n  " + "\n  ".join(matrices) + ")"


def bounds_of_python(sizes: Sizes) -> list[int]:
    """Of the fold of each architecture, of brute force and of low_rank_unembedding."""
    folds = [modular_fold.operations_of(one, p=sizes.p, **lengths(one, sizes)) for one in ARCHITECTURES]
    brute = brute_force.operations_of(sizes.p, sizes.m, sizes.activation)
    return [*folds, brute, low_rank_unembedding.operations_of(sizes.p, sizes.m, sizes.rank, sizes.coarse, sizes.activation)]


def bounds_text(sizes: Sizes) -> str:
    empty = ["(Matrix [] 0%nat)"]
    layers = [layers_text(one, "relu", lengths(one, sizes), empty * number) for one, (_, number) in ARCHITECTURES.items()]
    f, coarse = ACTIVATIONS[sizes.activation], str(sizes.coarse).lower()
    terms = [f"fold_bound {one} {sizes.p}" for one in layers]
    terms.append(f"brute_force_bound {f} {sizes.p} {sizes.m}")
    terms.append(f"low_rank_bound {f} {coarse} {sizes.p} {sizes.m} {sizes.rank}")
    return "".join(f"Eval vm_compute in ({term})%Z.\n" for term in terms)


def term(value, scope: str) -> str:
    """Numbers and nested lists as a Coq term."""
    if isinstance(value, tuple | list):
        return "[" + "; ".join(term(entry, scope) for entry in value) + "]"
    return f"({value})%{scope}"


def network_text(model: QuantisedModular) -> str:
    architecture, activation = modular_fold.LAYERS[model.family]
    tensors = list(model.matrices().values())
    if len(tensors) < ARCHITECTURES[architecture][1]:
        tensors.insert(0, tensors[0])  # one embedding for both tokens
    matrices = [f"(Matrix {term(one.ints.tolist(), 'Z')} {one.scale_bits}%nat)" for one in tensors]
    sizes = {name: size for name in ("d_model", "d_attn", "d_mlp") if (size := model.sizes().get(name)) is not None}
    return f"(Modular {model.modulus}%nat ({model.coefficient})%Z {layers_text(architecture, activation, sizes, matrices)})"


def measured_text(strategy: str, network: str, claimed: int, certificate: str) -> str:
    given = f"({claimed})%Z {network} {certificate}"
    sizes = network if "brute" in strategy else f"{network} {certificate}"
    bound = f"{strategy.removesuffix('_exact')}_operations_bound {sizes}"
    return f"Eval vm_compute in measured ({strategy}_verdict {given}) ({strategy}_verdict_counted {given})\n  ({bound}).\n"


def folded_pizza() -> tuple[ModularConfig, ModularWeights]:
    """The transformer's canonical form as a network of its own."""
    config, weights = load_model("modular_pizza_tiny")
    canonical = replace(
        config, name=FOLDED, family="modular_canonical_relu", tied=False, d_model=None, d_attn=None, training=None
    )
    matrices = asdict(fold_float(config, weights))
    return canonical, ModularWeights({name: matrices[name].astype(np.float32) for name in canonical.shapes()})


def parts_of(name: str) -> tuple[list[str], list[int]]:
    """What Coq is asked about a network, and what Python says that the bounds are."""
    model = quantise_modular(*(folded_pizza() if name == FOLDED else load_model(name)), 8)
    form = modular_fold.fold(model)
    p, m, f, of_fold = form.order, form.width, form.activation, modular_fold.operations(model)
    nothing, found = brute_force.find_on(form), low_rank_unembedding.find_on(form, rank=RANK)
    values = (term(field.value, "uint63" if "int" in field.coq_type else "Z") for field in low_rank_unembedding.fields(found))
    texts = [
        f"Definition {name} := {network_text(model)}.\n",
        f"Definition certificate_{name} := Low_rank_unembedding_certificate\n  " + "\n  ".join(values) + ".\n",
    ]
    right = brute_force.count(form, nothing)
    texts += [measured_text(one, name, right, "Modular_brute_force_certificate") for one in STRATEGIES[:2]]
    texts.append(measured_text(STRATEGIES[2], name, low_rank_unembedding.count(form, found), f"certificate_{name}"))
    of_low_rank = low_rank_unembedding.operations_of(p, m, found.rank, found.dropped > 0, f)
    of_brute_force = brute_force.operations(form, nothing)
    return texts, [of_fold + of_brute_force, of_fold + of_brute_force, of_fold + of_low_rank]


@pytest.fixture(scope="module")
def parts() -> dict[str, tuple[list[str], list[int]]]:
    return {name: parts_of(name) for name in NETWORKS}


@pytest.fixture(scope="module")
def printed(coq_output, parts) -> str:
    """What Coq prints."""
    texts = [HEADER, *(bounds_text(sizes) for sizes in SIZES), *(text for asked, _ in parts.values() for text in asked)]
    return coq_output("\n".join(texts))


@pytest.fixture(scope="module")
def measured(printed, parts) -> dict[tuple[str, str], Measured]:
    results = [Measured(" ".join(text.split()), int(count), int(bound)) for text, count, bound in MEASURED.findall(printed)]
    return dict(zip([(name, one) for name in parts for one in STRATEGIES], results, strict=True))


def test_the_closed_forms_are_those_of_coq(printed):
    bounds = [int(text) for text in BOUND.findall(printed)]
    assert bounds == [bound for sizes in SIZES for bound in bounds_of_python(sizes)]


def test_twins_give_the_verdicts_and_count_no_more_than_the_bound(measured):
    for key, one in measured.items():
        assert one.verdicts == "Accepted, Accepted", key
        assert one.count <= one.bound, key


def test_bounds_of_networks_are_those_of_coq(measured, parts):
    for name, (_, bounds) in parts.items():
        assert [measured[name, one].bound for one in STRATEGIES] == bounds


def test_bounds_are_close_to_the_count(measured):
    for key, one in measured.items():
        assert one.bound <= CLOSE * one.count, (key, one)


def test_bounds_for_either_activation_are_above_those_for_relu():
    for sizes in SIZES:
        p, m, rank, coarse = sizes.p, sizes.m, sizes.rank, sizes.coarse
        least = low_rank_unembedding.operations_of(p, m, rank, coarse, "relu")
        assert low_rank_unembedding.operations_of(p, m, rank, coarse) >= least
