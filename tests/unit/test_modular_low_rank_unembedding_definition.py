"""low_rank_unembedding by its definition in Coq (Modular.LowRankUnembedding), in Python ints; and what passes at the edges."""

import runpy
from dataclasses import replace
from math import isqrt
from pathlib import Path

import numpy as np
import pytest

from compact_proofs.extract.modular_form import Form
from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.strategies.modular import low_rank_unembedding as strategy
from compact_proofs.proofs.strategies.modular.low_rank_unembedding import LowRankUnembeddingCertificate

Case = tuple[Form, LowRankUnembeddingCertificate]
OTHER = runpy.run_path(str(Path(__file__).parent / "test_modular_low_rank_unembedding.py"))  # test files cannot import each other
random_certificate, random_form = OTHER["random_certificate"], OTHER["random_form"]


def root(n: int) -> int:
    return isqrt(n - 1) + 1 if n else 0


def dot(x: list[int], y: list[int]) -> int:
    return sum(u * v for u, v in zip(x, y, strict=True))


def count(form: Form, c: LowRankUnembeddingCertificate) -> int:
    p, m, s, d = form.order, form.width, form.coefficient, c.scale
    L, R, U, P, Q = (table.tolist() for table in (form.L, form.R, form.U - c.centre, form.P, form.Q))
    tables = [c.first_means - c.offset, c.second_means, c.answer_means, c.difference_means]
    first, second, third, fourth = (table.tolist() for table in tables)
    B, W = c.basis.tolist(), c.coordinates.tolist()
    E = [[d * U[y][j] - sum(B[y][i] * W[i][j] for i in range(c.rank)) for j in range(m)] for y in range(p)]
    losses = [root(dot(row, row)) for row in E]
    slack = root(m) if c.dropped else 0
    total = 0
    for a in range(p):
        for b in range(p):
            S, T = (a + s * b) % p, (a - s * b) % p
            h = [x + y for x, y in zip(L[a], R[b], strict=True)]
            h = [max(0, x) if form.activation == "relu" else x * x for x in h]
            mean = [sum(column) for column in zip(first[a], second[b], third[S], fourth[T], strict=True)]
            rest = [x - y for x, y in zip(h, mean, strict=True)]
            size = 2**c.dropped * (root(sum((x >> c.dropped) ** 2 for x in rest)) + slack)
            start = [d * (P[a][y] + Q[b][y] + dot(mean, U[y])) for y in range(p)]
            best = start[S] + d * dot(rest, U[S])
            bounds = [start[y] + size * losses[y] + dot([dot(row, rest) for row in W], B[y]) for y in range(p)]
            total += all(bounds[y] < best for y in range(p) if y != S)
    return total


def test_counts_are_those_of_the_definition():
    counts = set()
    for seed in range(60):
        form = random_form(seed)
        c = random_certificate(form, seed)
        try:
            found = strategy.count(form, c)
        except InputRefused:
            continue
        assert found == count(form, c)
        counts.add((form.order, found))
    assert len(counts) > 15


def of_one_neuron(direct: tuple[int, int] = (0, 0), output: int = 0, **others: object) -> Case:
    """Nothing before the activation, outputs all the same, direct paths of one number each; no rank."""
    none, one = np.zeros((3, 1), dtype=np.int64), np.zeros(1, dtype=np.int64)
    P, Q = (np.full((3, 3), entry) for entry in direct)
    form = Form(3, 1, "relu", none, none, none + output, P, Q)
    tables = (np.zeros((3, 0), dtype=np.int64), np.zeros((0, 1), dtype=np.int64), none, none, none, none)
    return form, replace(LowRankUnembeddingCertificate(1, 0, one, one, *tables), **others)


THIRD = (2**61 + 1) // 3
FULL = np.full((3, 1), 2**32)


@pytest.mark.parametrize(
    ("case", "verdict"),
    [
        (of_one_neuron(scale=2, direct=(2**60 - 5, 5)), "Accepted"),
        (of_one_neuron(scale=3, direct=(THIRD - 5, 5)), "Refused (May_overflow Margins)"),
        (of_one_neuron(scale=3, direct=(THIRD - 6, 5)), "Accepted"),
        (of_one_neuron(dropped=60), "Accepted"),
        (of_one_neuron(dropped=61), "Refused (Wrong_scale 61)"),
        (of_one_neuron(dropped=60, output=1), "Accepted"),  # a length of 2^60 (1 + 1)
        (of_one_neuron(dropped=60, output=1, direct=(1, 0)), "Refused (May_overflow Margins)"),
        (of_one_neuron(basis=FULL, coordinates=FULL[:1]), "Refused (May_overflow Residuals)"),  # a product of 2^64
        (of_one_neuron(scale=0, direct=(2**60, 2**60)), "Refused (May_overflow Logits)"),
    ],
)
def test_edges(case, verdict):
    assert strategy.verdict(0, *case) == verdict


def test_products_are_exact_on_both_sides_of_float64():
    """Of many columns and one row, and the other way round; odd numbers just above 2^53 and far above."""
    for width in (1, 3, 64):
        for size in (2**20, 2**26, 2**26 + 1, 2**27 - 1, 2**28 + 3):
            long = np.full((1, width), size)
            for left, right in ((long, long.T), (long.T, long), (long, long.T - 1), (long - np.arange(width), long.T + 1)):
                wanted = left.astype(object) @ right.astype(object)
                assert strategy._product(left, right).tolist() == wanted.tolist()
    odd = np.array([[2**53, 1]])
    assert strategy._product(odd, np.array([[1], [1]])).tolist() == [[2**53 + 1]]
    assert strategy._product(np.array([[2**32]]), np.array([[2**32 + 1]])).tolist() == [[2**32]]  # modulo 2^64
