"""homogeneity_l1 by its definition in Coq (Modular.HomogeneityL1), with loops over lists of Python ints."""

import runpy
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from compact_proofs.extract.modular_form import Form
from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.strategies.modular import homogeneity_l1 as strategy
from compact_proofs.proofs.strategies.modular.homogeneity_l1 import HomogeneityL1Certificate, Work

OTHER = runpy.run_path(str(Path(__file__).parent / "test_modular_homogeneity_l1.py"))  # test files cannot import each other
wave_form = OTHER["wave_form"]
MOST = 2**60


def largest(rows: list[list[int]]) -> int:
    return max((abs(x) for row in rows for x in row), default=0)


def largest_of(row: tuple[int, ...]) -> int:
    return max(map(abs, row), default=0)


def worst_product(p: int, n0: int, cosines: tuple[int, ...], sines: tuple[int, ...]) -> int:
    return max(
        abs(2 * cosines[i] * table[j] - n0 * (table[(i + j) % p] + table[(j - i) % p]))
        for table in (cosines, sines)
        for i in range(p)
        for j in range(p)
    )


class Definition:
    """What the checker computes: D, N1, the bounds of ranges, and `work`."""

    def __init__(self, form: Form, c: HomogeneityL1Certificate) -> None:
        self.form, self.c = form, c
        self.p, self.m, self.s = form.order, form.width, form.coefficient
        self.L, self.R, self.U, self.P, self.Q = (table.tolist() for table in (form.L, form.R, form.U, form.P, form.Q))
        self.D, self.n1 = c.trig_scale**2 * c.input_scale, c.trig_scale * c.output_scale
        self.eps = worst_product(self.p, c.trig_scale, c.cosine_table, c.sine_table)
        self.input_sum = sum(abs(x) + abs(y) for x, y in zip(c.input_cosines, c.input_sines, strict=True))
        self.product_error = self.n1 * 2 * largest(self.U) * self.eps * self.input_sum

    def tops(self) -> dict[str, int]:
        c = self.c
        trig = max(largest_of(c.cosine_table), largest_of(c.sine_table))
        output = self.n1 * largest(self.U) + (largest_of(c.output_cosines) + largest_of(c.output_sines)) * trig
        inputs = self.D * (largest(self.L) + largest(self.R)) + c.trig_scale * trig * self.input_sum
        gap = 2 * trig * trig + 2 * c.trig_scale * trig
        return {"Moments": gap, "Residuals": inputs, "Logits": output, "Margins": 4 * trig**2 * self.input_sum * output}

    def error_top(self) -> int:
        c = self.c
        trig = max(largest_of(c.cosine_table), largest_of(c.sine_table))
        inputs = self.m * self.D * (largest(self.L) + largest(self.R)) + 2 * c.trig_scale * trig * self.input_sum
        direct = 2 * self.n1 * self.D * (largest(self.P) + largest(self.Q))
        return self.n1 * 2 * largest(self.U) * inputs + direct + self.product_error

    def cosine(self, j: int, u: tuple[int, ...], v: tuple[int, ...], turn: int) -> int:
        return u[j] * self.c.cosine_table[turn % self.p] - v[j] * self.c.sine_table[turn % self.p]

    def tables(self) -> tuple[list[list[int]], list[list[list[list[int]]]], list[int], list[int]]:
        """rho by frequency and T; heights by frequency, sign, distance, S; errors of both tokens."""
        c, p, half = self.c, self.p, (self.p + 1) // 2
        rho = [[2 * c.cosine_table[k * half * T % p] for T in range(p)] for k in c.frequency_list]
        left, right = ([2 * self.n1 * self.D * largest([row]) for row in table] for table in (self.P, self.Q))
        right = [error + self.product_error for error in right]
        heights = []
        for k in c.frequency_list:
            some = [j for j in range(self.m) if c.neuron_frequencies[j] == k]
            cosines, sines = [c.cosine_table[k * t % p] for t in range(p)], [c.sine_table[k * t % p] for t in range(p)]
            gaps = {}
            for j in some:
                column = [self.U[t][j] for t in range(p)]
                near = [self.cosine(j, c.output_cosines, c.output_sines, k * t) for t in range(p)]
                gaps[j] = max(abs(self.n1 * u - y) for u, y in zip(column, near, strict=True))
                spread = self.n1 * 2 * largest([column])
                for errors, table, turn in ((left, self.L, k), (right, self.R, k * self.s)):
                    for t in range(p):
                        wave = c.trig_scale * self.cosine(j, c.input_cosines, c.input_sines, turn * t)
                        errors[t] += spread * abs(self.D * table[t][j] - wave)
            sides = []
            for sign in (1, -1):
                tau = [[self.cosine(j, c.input_cosines, c.input_sines, k * half * S) for S in range(p)] for j in some]
                h = [[max(0, sign * x) for x in row] for row in tau]
                A, X, Y = (
                    [sum(row[S] * value(j, S) for row, j in zip(h, some, strict=True)) for S in range(p)]
                    for value in (
                        lambda j, S, gaps=gaps: self.n1 * self.U[S][j] - gaps[j],
                        lambda j, S: c.output_cosines[j],
                        lambda j, S: c.output_sines[j],
                    )
                )
                sides.append(
                    [
                        [A[S] - cosines[(S + d) % p] * X[S] + sines[(S + d) % p] * Y[S] for S in range(p)]
                        for d in range(p)
                    ]
                )  # fmt: skip
            heights.append(sides)
        return rho, heights, left, right

    def work(self) -> Work:
        p = self.p
        rho, heights, left, right = self.tables()
        certified = looked_at = compared = 0
        for a in range(p):
            for b in range(p):
                T, S = (a - self.s * b) % p, (a + self.s * b) % p
                weights = [abs(row[T]) for row in rho]
                sides = [two[0 if row[T] >= 0 else 1] for two, row in zip(heights, rho, strict=True)]
                sums = [[sum(w * of[d][x] for w, of in zip(weights, sides, strict=True)) for x in range(p)] for d in range(p)]
                leasts = [sum(w * min(MOST, *of[d]) for w, of in zip(weights, sides, strict=True)) for d in range(p)]
                watched = list(self.c.watched_distances[T])
                low, left_over = MOST, list(watched)
                for d in range(1, p):
                    if left_over and left_over[0] == d:
                        left_over.pop(0)
                    else:
                        low = min(low, leasts[d])
                error = left[a] + right[b]
                if error >= low:
                    continue
                near = [d for d in watched if error >= sums[d][S]]
                looked_at += bool(near)
                compared += len(near)
                h = [max(0, x + y) for x, y in zip(self.L[a], self.R[b], strict=True)]
                values = [
                    sum(x * y for x, y in zip(h, self.U[t], strict=True)) + self.P[a][t] + self.Q[b][t] for t in range(p)
                ]
                certified += all(values[(S + d) % p] < values[S] for d in near)
        return Work(certified, looked_at, compared)


@cache
def some_cases() -> list[tuple[Form, HomogeneityL1Certificate]]:
    """Waves with more or less noise, some of zero columns; cosines near them or none; watched distances in any order."""
    result = []
    for seed in range(48):
        rng = np.random.default_rng(seed)
        p, width = (3, 5, 7)[seed % 3], 2 + seed % 5
        form = wave_form(p, width, 60, (1, -1, 2, 0)[seed // 3 % 4])
        noise = (0, 1, 4, 9)[seed % 4]
        L, R, U = (table + rng.integers(-noise, noise + 1, table.shape) for table in (form.L, form.R, form.U))
        P, Q = (rng.integers(-noise - 1, noise * (1 - seed % 2) + 1, (p, p)) * (seed % 5 > 2) for _ in range(2))
        form = replace(form, L=L, R=R, U=U * (np.arange(width) % 3 < 2 if seed % 7 == 0 else 1), P=P, Q=Q)
        c = strategy._rounded(form, strategy._fits(form), 6 + seed % 3, seed % 2)
        if seed % 3 == 1:
            c = replace(c, input_scale=c.input_scale + 1, sine_table=tuple((rng.integers(-2, 3, p) + c.sine_table).tolist()))
        none = (0,) * width
        if seed % 11 == 10:
            c = replace(c, output_cosines=none, output_sines=none)
        if seed % 12 == 11:
            c = replace(c, input_cosines=none, input_sines=none, cosine_table=(0,) * p, sine_table=(0,) * p)
        watched = [rng.permutation(np.arange(1, p))[:n] for n in rng.integers(0, p, p)]
        watched = [(np.sort(row) if seed % 4 else np.repeat(row, 1 + row % 2)).tolist() for row in watched]
        result.append((form, replace(c, watched_distances=tuple(map(tuple, watched)))))
    return result


def test_work_is_that_of_the_definition():
    counts = []
    for form, c in some_cases():
        try:
            found = strategy.work(form, c)
        except InputRefused:
            continue
        wanted = Definition(form, c)
        assert found == wanted.work()
        rho, heights, left, right = wanted.tables()
        tables = strategy._tables(form, c, wanted.eps)
        assert tables.weights.tolist() == [[abs(x) for x in row] for row in rho]
        assert (tables.heights.tolist(), tables.left.tolist(), tables.right.tolist()) == (heights, left, right)
        counts.append(found)
    assert len(counts) > 40 and len({(one.certified, one.compared) for one in counts}) > 15


def test_bounds_are_those_of_the_definition():
    for form, c in some_cases():
        wanted = Definition(form, c)
        assert strategy._tops(form, c) == wanted.tops()
        assert strategy._error_top(form, c, wanted.eps) == wanted.error_top()
        assert strategy.worst_product(form.order, c.trig_scale, c.cosine_table, c.sine_table) == wanted.eps


def test_distances_are_watched_as_far_as_they_come_in_order():
    cases = {(): [], (2,): [2], (1, 2, 4): [1, 2, 4], (2, 2, 3): [2], (1, 3, 2): [1, 3], (3, 1): [3], (1, 4, 4): [1, 4]}
    for watched, skipped in cases.items():
        assert strategy._skipped(watched) == skipped


def test_numbers_without_effect_are_wrapped():
    numbers = (0, 1, -1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 5 * 2**64 + 7, -3 * 2**65 - 2**63)
    for n, of_row in zip(numbers, strategy._wrapped(numbers).tolist(), strict=True):
        assert int(strategy._wrapped(n)) == of_row
        assert (of_row - n) % 2**64 == 0 and -(2**63) <= of_row < 2**63


def test_no_neurons():
    none, square = np.zeros((3, 0), dtype=np.int64), np.zeros((3, 3), dtype=np.int64)
    form = Form(3, 1, "relu", none, none, none, square, square)
    c = HomogeneityL1Certificate(1, 1, 1, (5, -7, 2), (0, 1, -1), (1,), (), (), (), (), (), ((),) * 3)
    assert strategy._tops(form, c) == Definition(form, c).tops()
    assert strategy.verdict(0, form, c) == "Accepted"


def test_ties_that_are_watched_are_compared():
    zero, square = np.zeros((3, 2), dtype=np.int64), np.zeros((3, 3), dtype=np.int64)
    form = Form(3, 1, "relu", zero, zero, zero, square, square)
    c = replace(strategy.find_on(wave_form(3, 2)), watched_distances=((1, 2),) * 3, output_cosines=(0, 0), output_sines=(0, 0))
    assert strategy.work(form, c) == Work(certified=0, looked_at=9, compared=18) == Definition(form, c).work()


def test_the_tests_of_the_form_come_first():
    form = wave_form(5, 8)
    c, huge = strategy.find_on(form), np.full((5, 5), 2**60, dtype=np.int64)
    assert strategy.verdict(0, replace(form, P=huge), replace(c, trig_scale=0)) == "Refused (May_overflow Logits)"
    assert strategy.verdict(0, form, replace(c, trig_scale=0)) == "Refused (Wrong_scale 0)"
