"""Networks and certificates at the edge of every range that the checkers state: one step too far is refused at that very stage,
the last that fits is not refused for it; the mirror and Coq say the same of both.

An edge is a case that depends on a number, the last number that fits, and the first that does not. The networks have one number
to a matrix, so that the last is worked out by hand from the range as it is stated (2^60 for entries of every table and product).
Here are all ranges of max-of-K and those of folding a network for modular arithmetic; test_overflow_certificates.py has those of
the strategies for modular arithmetic. Every verdict comes from one run of coqc for each task.
"""

import dataclasses
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compact_proofs.extract.distribution import Distribution
from compact_proofs.extract.families import quantise_network
from compact_proofs.extract.layouts import LAYOUTS
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.extract.rounding import QuantisedMatrix
from compact_proofs.models.weights import load_model
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.attack.cases import Case, coq_verdicts, mirror_verdict
from compact_proofs.proofs.registry import DEFAULT, silent, strategies
from compact_proofs.proofs.strategies.brute_force import BruteForceCertificate
from compact_proofs.proofs.strategies.modular.brute_force import ModularBruteForceCertificate
from compact_proofs.proofs.strategies.products import Factors
from compact_proofs.proofs.strategies.staged import Certificate, Plan
from compact_proofs.proofs.strategies.weighted import weighted

THEORY = Path(__file__).parents[2] / "coq" / "theories"
MAX, MODULAR = strategies(), strategies("modular")
Number = int | tuple[int, int]  # every entry of a matrix; or entry and scale bits
Make = Callable[[int], Case]


@dataclass(frozen=True)
class Edge:
    """`make(last)` fits, `make(first)` is refused at `stage`."""

    stage: str
    make: Make
    last: int
    first: int

    @property
    def refusal(self) -> str:
        return f"Refused (May_overflow {self.stage})"


def up_to(stage: str, last: int, make: Make) -> Edge:
    return Edge(stage, make, last, last + 1)


def matrix(value: Number | list[list[int]], shape: tuple[int, int]) -> QuantisedMatrix:
    if isinstance(value, list):
        return QuantisedMatrix(np.array(value, dtype=np.int64), 0)
    entry, bits = value if isinstance(value, tuple) else (value, 0)
    return QuantisedMatrix(np.full(shape, entry, dtype=np.int64), bits)


# Max-of-K: widths of 1


def max_network(n_ctx: int = 2, d_vocab: int = 2, **entries: Number) -> QuantisedModel:
    """Entries that are not given are 0."""
    shapes = dict(W_E=(d_vocab, 1), W_pos=(n_ctx, 1), W_Q=(1, 1), W_K=(1, 1), W_V=(1, 1), W_O=(1, 1), W_U=(1, d_vocab))
    matrices = [matrix(entries.get(name, 0), shape) for name, shape in shapes.items()]
    return QuantisedModel("edge", n_ctx, d_vocab, 1, 1, 8, *matrices)


def brute_force(network: QuantisedModel, gap_shift: int = 31) -> Case:
    nothing = (0,) * network.d_vocab
    return Case(network, MAX["brute_force"], "at_least", BruteForceCertificate(gap_shift, nothing, nothing), 0)


def staged(name: str, network: QuantisedModel, unit: int = 31, digits: int = 0, **parts: Any) -> Case:
    plan = Plan(unit, (network.d_vocab,), (1,) * network.d_vocab, 1, (), digits)
    if name != "cubic":
        parts = {"moved": (0,), "exponents": (0, 6)} | parts
    return Case(network, MAX[name], "at_least", Certificate(plan, **parts), 0)


def weighted_by(most: int, position: int, network: QuantisedModel) -> Case:
    """Weights that add up to `most` at one position, where another token has one of 1. Distribution refuses 2^62 before that."""
    rows = [(1,) * network.d_vocab] * network.n_ctx
    rows[position] = (most - 1, *rows[position][1:])
    unchecked = object.__new__(Distribution)
    object.__setattr__(unchecked, "rows", tuple(rows))
    plan = Plan(31, (network.d_vocab,), (1,) * network.d_vocab, 1, (), 0)
    return Case(network, weighted(unchecked), "at_least_weight", Certificate(plan), 0)


def factors(bits: int = 0, **entries: int) -> Factors:
    """One direction multiplied out and one bounded."""
    names = ("peeled_left", "peeled_right", "bounded_left", "bounded_right")
    return Factors(bits, *(((entries.get(name, 0),),) for name in names))


def max_edges() -> list[Edge]:
    def tables(stage: str, last: int, make: Callable[[int], dict[str, Number]]) -> list[Edge]:
        """Of all strategies that compute the table."""
        found = [up_to(stage, last, lambda x: brute_force(max_network(**make(x))))]
        found.append(up_to(stage, last, lambda x: staged("subcubic", max_network(**make(x)))))
        return found

    k = 2**60
    edges = [
        *tables("Range_W_E", k, lambda x: dict(W_E=x)),
        *tables("Range_W_E", k, lambda x: dict(W_E=-x)),
        *tables("Range_W_E", 2**30, lambda x: dict(W_E=x, W_pos=(0, 30))),
        *tables("Range_W_pos", k, lambda x: dict(W_pos=x)),
        *tables("Range_W_pos", 2**30, lambda x: dict(W_pos=x, W_E=(0, 30))),
        *tables("Range_W_Q", k, lambda x: dict(W_Q=(x, 30))),
        *tables("Range_W_Q", 2**30, lambda x: dict(W_Q=-x)),
        *tables("Range_W_K", k, lambda x: dict(W_K=x)),
        *tables("Range_W_V", k, lambda x: dict(W_V=x)),
        *tables("Range_W_O", k, lambda x: dict(W_O=x)),
        *tables("Range_W_U", k, lambda x: dict(W_U=-x)),
        *tables("Direct_logits", 2**30, lambda x: dict(W_U=x, W_V=(0, 13), W_O=(0, 17))),
        *tables("Residual", 2**59, lambda x: dict(W_E=2**59, W_pos=x)),
        *tables("Queries", 2**30, lambda x: dict(W_E=2**29, W_pos=2**29, W_Q=(x, 30))),
        *tables("Keys", 2**30, lambda x: dict(W_E=2**30, W_K=x)),
        *tables("Position_keys", 2**30, lambda x: dict(W_pos=2**30, W_K=x)),
        *tables("Position_scores", 2**15, lambda x: dict(W_pos=2**15, W_Q=(2**15, 30), W_K=x)),
        *tables("Values", 2**30, lambda x: dict(W_E=2**30, W_V=x)),
        *tables("Position_values", 2**30, lambda x: dict(W_pos=2**30, W_V=x)),
        *tables("Outputs", 2**20, lambda x: dict(W_E=2**20, W_V=2**20, W_O=x)),
        *tables("Position_outputs", 2**20, lambda x: dict(W_pos=2**20, W_V=2**20, W_O=x)),
        *tables("Value_logits", 2**15, lambda x: dict(W_E=2**15, W_V=2**15, W_O=2**15, W_U=x)),
        *tables("Position_logits", 2**15, lambda x: dict(W_pos=2**15, W_V=2**15, W_O=2**15, W_U=-x)),
        *tables("Scores", 2**15, lambda x: dict(W_E=2**15, W_Q=(2**15, 30), W_K=x)),
        *tables("Direct_logits", 2**30, lambda x: dict(W_E=2**30, W_U=x)),
        *tables("Score_precision", 91, lambda x: dict(W_K=(1, x))),
        up_to("Logit_sum", 2**21 - 1, lambda x: brute_force(max_network(W_E=2**20, W_V=x, W_O=1, W_U=2**19))),
        up_to("Logit_sum", 2**29, lambda x: staged("subcubic", max_network(W_E=2**30, W_U=x))),  # twice a logit
        up_to("Logit_sum", 2**20, lambda x: staged("subcubic", max_network(W_E=2**19, W_V=2**20, W_O=1, W_U=x))),
        up_to("Gap_shift", 61, lambda x: brute_force(max_network(), x)),
        up_to("Gap_shift", 2**20, lambda x: brute_force(max_network(W_E=2**10, W_U=x), 0)),  # 2 * 2^30 <= 2^31
        up_to("Gap_shift", 2**18, lambda x: staged("subcubic", max_network(W_E=2**10, W_U=x), 0)),  # 2 * 2^28 <= 2^29
        up_to("Gap_shift", 61, lambda x: staged("subcubic", max_network(), x)),
        up_to("Gap_shift", 2**18, lambda x: staged("cubic", max_network(W_E=2**10, W_V=1, W_O=1, W_U=x), 0)),
        Edge("Gap_shift", lambda x: Case(max_network(), MAX["exact"], "exactly", _exact(x), 0), 61, 62),
        up_to("Number_of_inputs", 61, lambda x: staged("cubic", max_network(n_ctx=x))),
        up_to("Number_of_inputs", 30, lambda x: staged("subcubic", max_network(n_ctx=x, d_vocab=4))),
        up_to("Number_of_inputs", 12, lambda x: staged("subcubic", max_network(n_ctx=40, d_vocab=4), digits=x)),
        Edge("Number_of_inputs", lambda x: staged("subcubic", max_network(n_ctx=40, d_vocab=4), digits=x), 2, 1),
        up_to("Distribution", 2**62 - 1, lambda x: weighted_by(x, 0, max_network())),
        up_to("Distribution", 2**62 - 1, lambda x: weighted_by(x, 1, max_network())),
        up_to("Band", 12, lambda x: staged("subcubic", max_network(), exponents=(0, x))),
        up_to("Moved", k, lambda x: staged("subcubic", max_network(), moved=(x,))),
        up_to("Moved", k, lambda x: staged("subcubic", max_network(), moved=(-x,))),
        up_to("Moved", 2**59, lambda x: staged("subcubic", max_network(W_E=2**59), moved=(x,))),
        up_to("Moved", 2**30, lambda x: staged("subcubic", max_network(W_U=2**30), moved=(x,))),
        up_to("Moved", 2**20, lambda x: staged("subcubic", _moved_to_positions(), moved=(x,))),
    ]
    return edges + [edge for which in ("scores", "direct") for edge in low_rank_edges(which)]


def _exact(unit: int) -> Any:
    found = MAX["exact"].find(quantise_network(*load_model("max_of_2_tiny")), DEFAULT, silent).certificate
    return dataclasses.replace(found, **{dataclasses.fields(found)[0].name: unit})


def _moved_to_positions() -> QuantisedModel:
    """Logits of positions are 2^59 and units of what is moved 2^39: 2^20 of them fit."""
    return max_network(W_pos=2**10, W_V=2**10, W_O=1, W_U=2**39)


def low_rank_edges(which: str) -> list[Edge]:
    """The factors' products, with A = 1 and B = 1, or B = 0 where it is not given."""
    name, stage = {"scores": ("subcubic_low_rank_qk", "Scores"), "direct": ("subcubic_low_rank_eu", "Direct_logits")}[which]

    def case(a: int, b: int, given: Factors) -> Case:
        if which == "scores":  # queries are W_E W_Q, keys W_E W_K
            return staged(name, max_network(W_E=1, W_Q=(a, 30), W_K=b), 61 - given.bits, scores=given)
        return staged(name, max_network(W_E=a, W_U=b), 61 - given.bits, direct=given)

    half = 2**30
    return [
        up_to(stage, 58, lambda x: case(0, 0, factors(x))),
        up_to(stage, 2**59, lambda x: case(0, x, factors())),  # ranges of rows
        up_to(stage, half, lambda x: case(0, 0, factors(peeled_left=half, peeled_right=x))),
        up_to(stage, half, lambda x: case(0, 0, factors(bounded_left=half, bounded_right=x))),
        up_to(stage, half, lambda x: case(half, 0, factors(peeled_left=x))),
        up_to(stage, half, lambda x: case(0, half, factors(peeled_right=x))),
        up_to(stage, half, lambda x: case(half, 0, factors(bounded_left=x))),
        up_to(stage, half, lambda x: case(0, half, factors(bounded_right=x))),
        up_to(stage, 2**30, lambda x: case(x, 0, factors(30))),  # the remainder is 2^30
        up_to(stage, 2**15, lambda x: case(2**15, 2**15, factors(peeled_left=2**15, peeled_right=x))),
    ]


# Modular arithmetic: widths of 1


def modular_network(family: str, p: int = 1, **entries: Number | list[list[int]]) -> QuantisedModular:
    """Entries that are not given are 0; W_E_b is a matrix of its own where there is one."""
    layout = LAYOUTS[family]
    shapes = {name: (1, 1) for name in layout.matrices} | {"W_E": (p, 1), "W_E_b": (p, 1), "W_pos": (2, 1), "W_U": (1, p)}
    shapes |= {"P": (p, p), "Q": (p, p), "L": (p, 1), "R": (p, 1), "U": (1, p)}
    tensors = {name: matrix(entries.get(name, 0), shapes[name]) for name in layout.matrices}
    return QuantisedModular("edge", family, p, 1, 8, tensors)


def modular(network: QuantisedModular, name: str = "brute_force", certificate: Any = None) -> Case:
    return Case(network, MODULAR[name], "at_least", ModularBruteForceCertificate() if certificate is None else certificate, 0)


def fold_edges() -> list[Edge]:
    def fold(family: str, stage: str, last: int, make: Callable[[int], dict[str, Number]]) -> Edge:
        return up_to(stage, last, lambda x: modular(modular_network(family, **make(x))))

    k, mlp, square, relu, pizza = 2**60, "modular_folded", "modular_quadratic", "modular_relu", "modular_pizza"
    canonical = "modular_canonical_relu"
    edges = []
    for family in (mlp, square, relu):
        edges.append(fold(family, "Range_W_E", k, lambda x: dict(W_E=x)))
        edges.append(fold(family, "Range_W_E", 2**30, lambda x: dict(W_E=x, W_E_b=(0, 30))))
        edges.append(fold(family, "Range_W_E_b", k, lambda x: dict(W_E_b=-x)))
        edges.append(fold(family, "Range_W_E_b", 2**30, lambda x: dict(W_E_b=x, W_E=(0, 30))))
    for family in (mlp, square, relu, pizza):
        edges.append(fold(family, "Range_W_U", k, lambda x: dict(W_U=x)))
    for family in (relu, pizza):
        edges.append(fold(family, "Range_W_in", k, lambda x: dict(W_in=x)))
        edges.append(fold(family, "Range_W_out", k, lambda x: dict(W_out=-x)))
        edges.append(fold(family, "Unembedding", 2**30, lambda x: dict(W_U=2**30, W_out=x)))
    for name in ("P", "Q"):
        edges.append(fold(canonical, "Direct_path", k, lambda x, name=name: {name: -x}))
        edges.append(fold(canonical, "Direct_path", 2**30, lambda x, name=name: {name: x, "L": (0, 20), "U": (0, 10)}))
        edges.append(fold(canonical, "Unembedding", 2**30, lambda x, name=name: {"U": x, name: (0, 30)}))
    for name, other in (("L", "R"), ("R", "L")):
        edges.append(fold(canonical, "Before_activation", 2**30, lambda x, name=name, other=other: {name: x, other: (0, 30)}))
    return [
        *edges,
        fold(canonical, "Before_activation", 2**59, lambda x: dict(L=2**59, R=x)),
        fold(canonical, "Logits", 2**30 - 2, lambda x: dict(L=2**30, U=x, P=2**30, Q=-(2**30))),
        fold("modular_canonical_square", "Direct_path", 2**20, lambda x: dict(P=x, R=(0, 20))),
        fold("modular_canonical_square", "Hidden", 2**29, lambda x: dict(L=2**29, R=x)),
        fold(relu, "Before_activation", 2**30, lambda x: dict(W_E=2**30, W_in=x)),
        fold(relu, "Before_activation", 2**30, lambda x: dict(W_E_b=2**30, W_in=x)),
        fold(mlp, "Before_activation", 2**59, lambda x: dict(W_E=2**59, W_E_b=x)),
        fold(square, "Hidden", 2**29, lambda x: dict(W_E=2**29, W_E_b=x)),
        fold(mlp, "Logits", 2**30, lambda x: dict(W_E=2**30, W_U=x)),
        fold(square, "Logits", 2**20, lambda x: dict(W_E=2**20, W_U=x)),
        fold(pizza, "Logits", 2**30 - 2, lambda x: dict(b_in=(2**30, 1), W_out=1, W_U=x + 1, b_out=(1, 1))),
        fold(pizza, "Range_W_E", k, lambda x: dict(W_E=x)),
        fold(pizza, "Range_W_E", 2**30, lambda x: dict(W_E=x, W_pos=(0, 30))),
        fold(pizza, "Range_W_pos", k, lambda x: dict(W_pos=x)),
        fold(pizza, "Range_W_V", k, lambda x: dict(W_V=x)),
        fold(pizza, "Range_W_O", k, lambda x: dict(W_O=x)),
        fold(pizza, "Range_W_in", 2**30, lambda x: dict(W_in=x, b_in=(0, 31))),
        fold(pizza, "Range_b_in", k, lambda x: dict(b_in=(x, 1))),
        fold(pizza, "Range_b_in", 2**59, lambda x: dict(b_in=x)),
        fold(pizza, "Range_W_out", 2**30, lambda x: dict(W_out=x, b_out=(0, 31))),
        fold(pizza, "Range_b_out", k, lambda x: dict(b_out=(x, 1))),
        fold(pizza, "Values", 2**31, lambda x: dict(W_E=2**29, W_V=x)),
        fold(pizza, "Position_values", 2**31, lambda x: dict(W_pos=2**29, W_V=x)),
        fold(pizza, "Outputs", 2**20, lambda x: dict(W_E=2**20, W_V=2**20, W_O=x)),
        fold(pizza, "Position_outputs", 2**20, lambda x: dict(W_pos=2**20, W_V=2**20, W_O=x)),
        fold(pizza, "Attention", 2**19, lambda x: dict(W_E=2**20, W_pos=2**20, W_V=2**20, W_O=x)),
        fold(pizza, "Skip_path", 2**59, lambda x: dict(W_E=x)),
        fold(pizza, "Skip_path", 2**59, lambda x: dict(W_pos=x)),
        fold(pizza, "Skip_path", 2**58, lambda x: dict(W_E=2**58, W_pos=x)),
        fold(pizza, "Residual", 2**20 - 1, lambda x: dict(W_E=2**20, W_V=2**20, W_O=x)),
        fold(pizza, "Before_activation", 2**30, lambda x: dict(W_E=2**29, W_in=x)),
        fold(pizza, "Bias", 2**59, lambda x: dict(W_E=2**29, W_in=2**29, b_in=(x, 1))),
        fold(pizza, "Bias", 2**30, lambda x: dict(b_out=(2**30, 1), W_U=x)),
        fold(pizza, "Bias", 2**29, lambda x: dict(W_E=2**28, W_U=2**30, b_out=(x, 1))),
        fold(pizza, "Direct_path", 2**30, lambda x: dict(W_in=(0, 30), W_U=x)),
        fold(pizza, "Direct_path", 2**30, lambda x: dict(W_E=2**29, W_U=x)),
    ]


@cache
def edges(task: str) -> list[Edge]:
    return max_edges() if task == "max_of_k" else fold_edges()


TASKS = ("max_of_k", "modular")


def stages_in(files: str) -> set[str]:
    """The stages at which the checkers in some files of the theory, as their text says, can refuse."""
    texts = [path.read_text() for path in sorted(THEORY.glob(files)) if not path.stem.endswith("Sound")]
    return {stage for text in texts for stage in re.findall(r"May_overflow ([A-Z]\w+)", text)}


@pytest.mark.parametrize("task", TASKS)
def test_every_stage_of_the_checkers_has_an_edge(task):
    files = ["Cert/*.v"] if task == "max_of_k" else ["Modular/Fold.v", "Modular/Form.v"]
    assert set().union(*map(stages_in, files)) == {edge.stage for edge in edges(task)}


@pytest.mark.parametrize("task", TASKS)
def test_the_mirror_refuses_at_the_stage_and_not_before(task):
    for edge in edges(task):
        assert mirror_verdict(edge.make(edge.first)) == edge.refusal
        assert mirror_verdict(edge.make(edge.last)) != edge.refusal, edge


@pytest.mark.parametrize("task", TASKS)
def test_the_last_that_fits_is_mostly_accepted(task):
    """So it is this range that refuses the next one, not another one as well."""
    verdicts = [mirror_verdict(edge.make(edge.last)) for edge in edges(task)]
    assert sum(verdict == "Accepted" for verdict in verdicts) > len(verdicts) // 2


@pytest.mark.coq
@pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")
@pytest.mark.parametrize("task", TASKS)
def test_coq_says_the_same(task, _theory_built):
    cases = [edge.make(x) for edge in edges(task) for x in (edge.last, edge.first)]
    verdicts = coq_verdicts(_theory_built, cases, coqrun.Limits(), batch=len(cases))
    assert verdicts == [mirror_verdict(case) for case in cases]
    assert verdicts[1::2] == [edge.refusal for edge in edges(task)]
