"""The edges of the ranges of the strategies for modular arithmetic, as test_overflow.py has them for networks: one step too far
is refused at that very stage, the last that fits is not refused for it; the mirror and Coq say the same of both.

Where a modulus of 3 and one neuron allow it the last number is worked out by hand; for certificates that a finder has found it is
looked for by halving. Every verdict comes from one run of coqc.
"""

import dataclasses
import math
import runpy
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compact_proofs.extract.families import quantise_network
from compact_proofs.models.weights import load_model
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.attack.cases import Case, coq_verdicts, mirror_verdict
from compact_proofs.proofs.registry import DEFAULT, silent
from compact_proofs.proofs.strategies.modular.homogeneity import HomogeneityCertificate
from compact_proofs.proofs.strategies.modular.low_rank_unembedding import LowRankUnembeddingCertificate
from compact_proofs.proofs.strategies.modular.second_moment import SecondMomentCertificate

OVERFLOW = runpy.run_path(str(Path(__file__).parent / "test_overflow.py"))  # test files cannot import each other
MODULAR, Edge, up_to = (OVERFLOW[name] for name in ("MODULAR", "Edge", "up_to"))
modular, modular_network = OVERFLOW["modular"], OVERFLOW["modular_network"]
Make = Callable[[int], Case]


@cache
def strategy_edges() -> list:
    """Modulus 3, one neuron."""
    zeros, none = np.zeros((3, 1), dtype=np.int64), np.zeros(1, dtype=np.int64)

    def moment(stage: str, last: int, make: Callable[[int], dict[str, Any]]) -> Any:
        return up_to(stage, last, lambda x: modular(modular_network("modular_quadratic", 3, **make(x)), *certificate))

    certificate = ("second_moment", SecondMomentCertificate())
    empty = LowRankUnembeddingCertificate(1, 0, none, none, zeros, none[:, None], zeros, zeros, zeros, zeros)

    def low_rank(stage: str, last: int, network: dict[str, int], make: Callable[[int], dict[str, Any]]) -> Any:
        form = modular_network("modular_folded", 3, **network)
        return up_to(stage, last, lambda x: modular(form, "low_rank_unembedding", dataclasses.replace(empty, **make(x))))

    first = HomogeneityCertificate(1, 0, 1, none, ((0,),), zeros, zeros, none.repeat(3), 0)

    def homogeneous(stage: str, last: int, network: dict[str, int], make: Callable[[int], dict[str, Any]]) -> Any:
        form = modular_network("modular_folded", 3, **network)
        return up_to(stage, last, lambda x: modular(form, "relu_homogeneity", dataclasses.replace(first, **make(x))))

    column, h = none[:, None], 2**30 - 2
    wide = np.zeros((3, 16), dtype=np.int64)  # a rank of 17 counts as 16
    direct = up_to(
        "Margins", 2**59 - 1, lambda x: modular(modular_network("modular_canonical_relu", 3, P=x), "relu_homogeneity", first)
    )
    return [
        direct,
        moment("Centred", 2**60 // 6, lambda x: dict(W_U=x)),
        moment("Moments", 2**32 // 36, lambda x: dict(W_E=2**13, W_E_b=2**13, W_U=[[x, 0, 0]])),
        moment("Moments", math.isqrt(2**30 // 12), lambda x: dict(W_E=x, W_E_b=x)),
        moment("Moments", math.isqrt(2**60 // 12), lambda x: dict(W_U=[[x, 0, 0]])),
        low_rank("Centred", 2**59, {}, lambda x: dict(centre=none + x)),
        low_rank("Centred", 2**59, {}, lambda x: dict(offset=none - x)),
        low_rank("Centred", 2**59, {}, lambda x: dict(first_means=zeros + x)),
        low_rank("Residuals", 2**60, {}, lambda x: dict(basis=zeros + x)),
        low_rank("Residuals", 2**60, {}, lambda x: dict(coordinates=column - x)),
        low_rank("Residuals", 2**29, dict(W_U=2**30), lambda x: dict(scale=x, basis=zeros + 2**30, coordinates=column + x)),
        low_rank("Residuals", 2**30, dict(W_U=1), lambda x: dict(scale=x)),
        low_rank("Moments", 2**60, {}, lambda x: dict(second_means=zeros + x, dropped=31)),
        low_rank("Moments", 2**30 - 1, {}, lambda x: dict(answer_means=zeros + x)),
        low_rank("Margins", 2**61 // (3 * h + 1), dict(W_E=h // 2, W_E_b=h // 2, W_U=1), lambda x: dict(scale=x)),
        homogeneous("Centred", 2**60 - 1, dict(W_U=1), lambda x: dict(centre=none + x)),
        homogeneous("Before_activation", 2**59, dict(W_E=1, W_E_b=1), lambda x: dict(scale=x)),
        homogeneous("Residuals", math.isqrt(2**59), {}, lambda x: dict(distances=zeros + 1, phases=zeros + x)),
        homogeneous("Residuals", math.isqrt(2**59) // 16, {}, lambda x: dict(rank=17, distances=wide + 1, phases=wide + x)),
        homogeneous("Residuals", 2**60 - 2**40 - 1, {}, lambda x: dict(distances=zeros + 1, phases=zeros + x, dropped=40)),
        homogeneous("Residuals", 59, {}, lambda x: dict(dropped=x)),
        homogeneous("Outputs", 2**30, {}, lambda x: dict(centre=none + x)),
        homogeneous("Moments", 2**39, {}, lambda x: dict(centre=none + 2**20, phases=zeros + x)),
        homogeneous("Band", 2**39, {}, lambda x: dict(centre=none + 1024, phases=zeros + 1024, distances=zeros + x, dropped=30)),
        homogeneous(
            "Margins", 2**60 // (9 * 2**29), {}, lambda x: dict(centre=none + x, phases=zeros + 1, distances=zeros + 2**29)
        ),
    ]  # fmt: skip


def halved(stage: str, make: Make, last: int, first: int) -> Any:
    """The edge between a number that fits and one that does not."""
    while abs(first - last) > 1:
        middle = (first + last) // 2
        if mirror_verdict(make(middle)) == f"Refused (May_overflow {stage})":
            first = middle
        else:
            last = middle
    return Edge(stage, make, last, first)


FOUND = [
    ("relu_homogeneity_l1", "trig_scale", "Moments"), ("relu_homogeneity_l1", "cosine_table", "Moments"),
    ("relu_homogeneity_l1", "input_scale", "Residuals"), ("relu_homogeneity_l1", "output_scale", "Logits"),
    ("relu_homogeneity_l1", "output_scale", "Margins"), ("relu_homogeneity_l1", "input_cosines", "Margins"),
    ("quadrature", "input_scale", "Residuals"), ("quadrature", "output_scale", "Moments"),
    ("quadrature", "input_sines", "Moments"), ("quadrature", "margin_shift", "Margins"),
    ("low_rank_unembedding", "scale", "Residuals"), ("low_rank_unembedding", "offset", "Moments"),
    ("relu_homogeneity", "scale", "Residuals"), ("relu_homogeneity", "centre", "Outputs"),
]  # fmt: skip


@cache
def found_edges() -> list:
    """Certificates that were found for a purified network, with one number of a field changed."""
    network, edges = quantise_network(*load_model("modular_relu_11_purified")), []
    for name, field, stage in FOUND:
        certificate = MODULAR[name].find(network, DEFAULT, silent).certificate
        value = getattr(certificate, field)

        def make(x: int, name=name, certificate=certificate, field=field, value=value) -> Case:
            changed = x if isinstance(value, int) else (x, *value[1:]) if isinstance(value, tuple) else _with_first(value, x)
            return modular(network, name, dataclasses.replace(certificate, **{field: changed}))

        own = value if isinstance(value, int) else int(np.ravel(value)[0])
        for first in (0, *(2**k for k in range(62))):
            if mirror_verdict(make(first)) == f"Refused (May_overflow {stage})":
                edges.append(halved(stage, make, own, first))
                break
    assert len(edges) == len(FOUND)
    return edges


def _with_first(value: np.ndarray, x: int) -> np.ndarray:
    changed = value.copy()
    changed.flat[0] = x
    return changed


def edges() -> list:
    return strategy_edges() + found_edges()


FILES = {
    "second_moment": "SecondMoment", "low_rank_unembedding": "LowRankUnembedding", "relu_homogeneity": "Homogeneity",
    "relu_homogeneity_l1": "HomogeneityL1", "quadrature": "Quadrature",
}  # fmt: skip


def test_every_stage_of_every_strategy_has_an_edge():
    found = {(edge.make(edge.last).strategy.name, edge.stage) for edge in edges()}
    assert found == {(name, stage) for name, file in FILES.items() for stage in OVERFLOW["stages_in"](f"Modular/{file}.v")}


def test_the_mirror_refuses_at_the_stage_and_not_before():
    for edge in edges():
        assert mirror_verdict(edge.make(edge.first)) == edge.refusal
        assert mirror_verdict(edge.make(edge.last)) != edge.refusal, edge


@pytest.mark.coq
@pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")
def test_coq_says_the_same(_theory_built):
    cases = [edge.make(x) for edge in edges() for x in (edge.last, edge.first)]
    verdicts = coq_verdicts(_theory_built, cases, coqrun.Limits(), batch=len(cases))
    assert verdicts == [mirror_verdict(case) for case in cases]
    assert verdicts[1::2] == [edge.refusal for edge in edges()]
