"""homogeneity by its definition in Coq (Modular.Homogeneity), in loops over Python ints; and what passes at the edges."""

import runpy
from dataclasses import replace
from functools import cache
from math import isqrt
from pathlib import Path

import numpy as np
import pytest

from compact_proofs.extract.modular_form import Form
from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.strategies.modular import homogeneity as strategy
from compact_proofs.proofs.strategies.modular.homogeneity import HomogeneityCertificate

OTHER = runpy.run_path(str(Path(__file__).parent / "test_modular_homogeneity.py"))  # test files cannot import each other
random_certificate, random_form, wave_form = (OTHER[name] for name in ("random_certificate", "random_form", "wave_form"))


def root(n: int) -> int:
    return isqrt(n - 1) + 1 if n else 0


def used_dropped(c: HomogeneityCertificate) -> int:
    return max(0, min(60, c.dropped))


def length(c: HomogeneityCertificate, rest: list[int]) -> int:
    """Of the residuals, without the bits dropped, rounded up."""
    dropped = used_dropped(c)
    slack = root(len(rest)) if dropped else 0
    return 2**dropped * (root(sum((x >> dropped) ** 2 for x in rest)) + slack)


def pairs(form: Form, c: HomogeneityCertificate) -> tuple[list[list[bool]], list[list[int]], int]:
    """By pair: accepted; what it has to spare; and the number of classes tested one by one."""
    p, s, rank = form.order, form.coefficient, max(0, min(16, c.rank))
    L, R, P, Q, phases, distances = (table.tolist() for table in (form.L, form.R, form.P, form.Q, c.phases, c.distances))
    U = [[x - y for x, y in zip(row, c.centre.tolist(), strict=True)] for row in form.U.tolist()]
    factor = 2 * c.scale if c.kink else c.scale
    phi = [[row[k * rank : (k + 1) * rank] for k in range(len(c.groups))] for row in distances]  # by e, group, i
    starts = [rank * sum(map(len, c.groups[:k])) for k in range(len(c.groups))]

    def t(S: int, k: int, i: int) -> list[int]:
        n = len(c.groups[k])
        return phases[S][starts[k] + i * n : starts[k] + (i + 1) * n]

    places = [(k, i) for k in range(len(c.groups)) for i in range(rank)]
    G = [
        [
            {(k, i): sum(x * U[y][j] for x, j in zip(t(S, k, i), c.groups[k], strict=True)) for k, i in places}
            for y in range(p)
        ]
        for S in range(p)
    ]  # fmt: skip
    moved = [[{at: G[S][S][at] - G[S][(S + d) % p][at] for at in places} for S in range(p)] for d in range(p)]

    def corner(e: int, d: int) -> int:
        return sum(
            phi[e][k][i] * (min if phi[e][k][i] >= 0 else max)(one[k, i] for one in moved[d]) for k, i in places
        )  # fmt: skip

    settled = [[d == 0 or corner(e, d) + int(c.levels[e]) - 1 >= 0 for d in range(p)] for e in range(p)]
    norms = [root(sum(x * x for x in row)) for row in U]

    def linear(row: list[int], direct: list[int]) -> list[int]:
        inside = [sum(c.scale * x * u for x, u in zip(row, U[y], strict=True)) if c.kink else 0 for y in range(p)]
        return [factor * d + x for d, x in zip(direct, inside, strict=True)]

    first, second = [linear(L[a], P[a]) for a in range(p)], [linear(R[b], Q[b]) for b in range(p)]
    accepted, spare, tested = [[False] * p for _ in range(p)], [[0] * p for _ in range(p)], 0
    for a in range(p):
        for b in range(p):
            S, e = (a + s * b) % p, (a - s * b) % p
            x = [c.scale * (u + v) for u, v in zip(L[a], R[b], strict=True)]
            w = [abs(u) if c.kink else max(0, u) for u in x]
            rest = list(w)
            for k, i in places:
                for value, j in zip(t(S, k, i), c.groups[k], strict=True):
                    rest[j] -= phi[e][k][i] * value
            size = length(c, rest)
            best = first[a][S] + second[b][S] + sum(u * v for u, v in zip(U[S], w, strict=True))
            terms = [sum(phi[e][k][i] * G[S][y][k, i] for k, i in places) for y in range(p)]
            spare[a][b] = best - (size * max(norms) + max(first[a]) + max(second[b]) + terms[S])
            if spare[a][b] < c.levels[e]:
                continue
            others = [y for y in range(p) if not settled[e][(y - S) % p]]
            tested += len(others)
            accepted[a][b] = all(best > size * norms[y] + first[a][y] + second[b][y] + terms[y] for y in others)
    return accepted, spare, tested


@cache
def small_cases() -> list[tuple[Form, HomogeneityCertificate]]:
    """Found and changed; waves with noise; levels at which classes are just settled, or not."""
    result = [(form, random_certificate(form, seed)) for seed in range(30) for form in [random_form(seed)]]
    for seed in range(12):
        rng = np.random.default_rng(seed)
        form = wave_form((5, 7)[seed % 2], 6, (1, -1, 2)[seed % 3], 9)
        form = replace(form, U=form.U + rng.integers(-1, 2, form.U.shape), P=rng.integers(-5, 6, form.P.shape))
        c = strategy.find_on(form, rank=seed % 3, kink=seed % 2)
        zeros = c.distances * rng.integers(0, 2, c.distances.shape)
        result += [(form, c), (form, replace(c, scale=1)), (form, replace(c, distances=zeros))]
        for level in (-1, 0, 1, 2):
            result.append((form, replace(c, levels=np.full(form.order, level))))
    return result


def test_pairs_are_those_of_the_definition():
    numbers = set()
    for form, c in small_cases():
        try:
            count = strategy.count(form, c)
        except InputRefused:
            continue
        accepted, spare, tested = pairs(form, c)
        found = strategy._pairs(form, c)
        assert (found.accepted.tolist(), found.spare.tolist(), found.tested) == (accepted, spare, tested)
        assert count == sum(map(sum, accepted))
        numbers.add((count, tested))
    assert len(numbers) > 30


@pytest.mark.parametrize("sign", [1, -1])
def test_a_class_is_settled_where_corner_and_level_reach_one(sign):
    """One neuron, order 2, rank 1: an exact fit, nothing to spare; class S has 3 * 7 more than S + 1 for every S."""
    zero, none = np.zeros((2, 2), dtype=np.int64), np.zeros((2, 1), dtype=np.int64)
    form = Form(2, 1, "relu", none + 3, none, np.array([[7], [0]]), zero, zero)
    distances, phases = np.array([[3 * sign], [0]]), np.array([[sign], [-sign]])
    for level, tested in ((0, 0), (-19, 0), (-20, 0), (-21, 2), (-22, 2)):
        levels = np.array([level, 2**60])  # a pair of the other distance has not enough to spare
        c = HomogeneityCertificate(1, 0, 1, np.zeros(1, dtype=np.int64), ((0,),), distances, phases, levels)
        assert strategy.verdict(2, form, c) == "Accepted"
        assert strategy._pairs(form, c).tested == tested


def margin_case(before: int, direct: int, **others: object) -> tuple[Form, HomogeneityCertificate]:
    """One neuron, outputs 1, inputs `before`, direct paths that add up to `direct`; all that is left of a pair is `before`."""
    one, zero = np.ones((3, 1), dtype=np.int64), np.zeros((3, 3), dtype=np.int64)
    form = Form(3, 1, "relu", one * before, one * 0, one, zero + direct // 2, zero + (direct - direct // 2))
    none = np.zeros((3, 1), dtype=np.int64)
    c = HomogeneityCertificate(1, 0, 1, np.zeros(1, dtype=np.int64), ((0,),), none, none, np.zeros(3, dtype=np.int64))
    return form, replace(c, **others)


@pytest.mark.parametrize(("before", "kink"), [(1, 0), (2, 0), (2, 1), (1, 1)])
def test_margins_at_the_edge(before, kink):
    """2 factor (P + Q) + 8 m u dev + size norm + 1 is at most 2^60, of an even and of an odd number."""
    factor = 2 if kink else 1
    fixed = 8 * before + before + 1
    last = (2**60 - fixed) // (2 * factor)
    assert strategy.verdict(0, *margin_case(before, last, kink=kink)) == "Accepted"
    assert strategy.verdict(0, *margin_case(before, last + 1, kink=kink)) == "Refused (May_overflow Margins)"


def test_dropped_bits_at_the_edge():
    """Without d bits a residual is at most (dev >> d) + 1, the length of m of them 2^d (root (m coarse^2) + root m)."""
    form, c = margin_case(5, 0)
    for d in (0, 1, 2, 60, 61, 100, -1):
        changed, bits = replace(c, dropped=d), max(0, min(60, d))
        for width in (1, 2, 3, 10):
            for dev in (0, 1, 7, 2**29, 2**40 + 1):
                coarse = (dev >> bits) + 1 if bits else dev
                size = 2**bits * (root(width * coarse**2) + (root(width) if bits else 0))
                assert strategy._tops(changed, width, dev) == (coarse, size)
    assert strategy.verdict(0, form, replace(c, dropped=58)) == "Accepted"
    assert strategy.verdict(0, form, replace(c, dropped=59)) == "Refused (May_overflow Margins)"
    assert strategy.verdict(0, form, replace(c, dropped=60)) == "Refused (May_overflow Residuals)"


def test_a_rank_above_the_largest_stands_for_it():
    form, c = margin_case(1, 0)
    for rank, used in ((-1, 0), (0, 0), (1, 1), (15, 15), (16, 16), (17, 16), (10**15, 16)):
        table = np.zeros((3, used), dtype=np.int64)
        assert strategy.verdict(0, form, replace(c, rank=rank, distances=table, phases=table)) == "Accepted"


def test_the_tests_of_the_form_come_first():
    form, c = margin_case(1, 0)
    huge = replace(form, P=form.P + 2**60)
    assert strategy.verdict(0, huge, replace(c, scale=0)) == "Refused (May_overflow Logits)"
    assert strategy.verdict(0, form, replace(c, scale=0)) == "Refused (Wrong_scale 0)"
