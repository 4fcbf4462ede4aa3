"""quadrature by its definition in Coq (Modular.Quadrature), in loops over Python ints; and what passes at the edges."""

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compact_proofs.extract.modular_form import Form
from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.strategies.modular import quadrature as strategy
from compact_proofs.proofs.strategies.modular.quadrature import Margins, QuadratureCertificate

OTHER = runpy.run_path(str(Path(__file__).parent / "test_modular_quadrature.py"))  # test files cannot import each other
changed, random_form, split_form, wave_form = (OTHER[name] for name in ("changed", "random_form", "split_form", "wave_form"))


def waves(form: Form, c: QuadratureCertificate, u: tuple[int, ...], v: tuple[int, ...]) -> list[list[int]]:
    """u cos - v sin of the frequency of each neuron, at all places."""
    p = form.order
    result = []
    for j, group in enumerate(c.groups):
        turns = [c.frequencies[group] * t % p for t in range(p)]
        result.append([u[j] * c.cosines[turn] - v[j] * c.sines[turn] for turn in turns])
    return result


def largest_sum(weights: list[int], rows: list[list[int]], p: int) -> int:
    return max(abs(sum(weight * row[t] for weight, row in zip(weights, rows, strict=True))) for t in range(p))


def margins(form: Form, c: QuadratureCertificate) -> tuple[list[list[int]], int]:
    """Total leads by half difference and d = 1 .. p - 1, and what they have to be above."""
    p, m, s = form.order, form.width, form.coefficient
    L, R, U, P, Q = (table.tolist() for table in (form.L, form.R, form.U, form.P, form.Q))
    x, y = waves(form, c, c.input_cosines, c.input_sines), waves(form, c, c.output_cosines, c.output_sines)
    left_out = [[abs(c.output_scale * U[t][j] - y[j][t]) for t in range(p)] for j in range(m)]
    tops = [max(map(abs, row)) for row in x]
    totals = [[0] * p for _ in range(p)]
    for group, k in enumerate(c.frequencies):
        some = [j for j in range(m) if c.groups[j] == group]
        slack = largest_sum([tops[j] for j in some], [left_out[j] for j in some], p)

        def lead(sign: int, d: int, some=some, slack=slack, k=k) -> int:
            least = []
            for sigma in range(p):
                A, B = (
                    sum(weights[j] * max(0, sign * x[j][sigma]) for j in some) for weights in (c.output_cosines, c.output_sines)
                )
                best, other = (k * 2 * sigma % p, k * (2 * sigma + d) % p)
                lead = A * c.cosines[best] - B * c.sines[best] - (A * c.cosines[other] - B * c.sines[other])
                least.append(lead - 2 * slack)
            return min(least) >> c.margin_shift

        for delta in range(p):
            cosine = c.cosines[k * delta % p]
            for d in range(p):
                totals[delta][d] += abs(cosine) * lead(1 if cosine >= 0 else -1, d)
    weights = [max(abs(U[t][j]) for t in range(p)) for j in range(m)]
    first = [[abs(c.input_scale * L[t][j] - x[j][t]) for t in range(p)] for j in range(m)]
    second = [[abs(c.input_scale * R[t][j] - x[j][s * t % p]) for t in range(p)] for j in range(m)]
    sizes = sum(weights[j] * (abs(c.input_cosines[j]) + abs(c.input_sines[j])) for j in range(m))
    direct = max(abs(x) for row in P for x in row) + max(abs(x) for row in Q for x in row)
    needed = c.tolerance * sizes + c.unit * (largest_sum(weights, first, p) + largest_sum(weights, second, p))
    needed = c.output_scale * (needed + c.input_scale * c.unit * direct) // 2**c.margin_shift
    return [row[1:] for row in totals], needed


def small_cases() -> list[tuple[Form, QuadratureCertificate]]:
    """Found and changed; among them forms with zero columns, and the order 9, which is no prime."""
    forms = [random_form(seed) for seed in range(14)]
    forms += [split_form(*size, 0.4, sign) for size, sign in (((5, 12), 1), ((9, 18), 1), ((9, 18), -1))]
    forms += [replace(wave_form(9, 18), U=-wave_form(9, 18).U)]
    forms += [replace(form, U=form.U * (np.arange(form.width) % 2)) for form in forms[5:8]]
    found = [(form, strategy.find_on(form)) for form in forms]
    result = []
    for seed, (form, c) in enumerate(found):
        result += [(form, c), (form, changed(c, seed))]
        if seed % 2:
            none = (0,) * form.width
            result.append((form, replace(c, input_cosines=none, input_sines=none)))
    return result


def test_margins_and_counts_are_those_of_the_definition():
    accepted = 0
    for form, c in small_cases():
        try:
            count = strategy.count(form, c)
        except InputRefused:
            continue
        accepted += 1
        leads, needed = margins(form, c)
        found = strategy.margins(form, c)
        assert (found.leads.tolist(), found.needed) == (leads, needed)
        enough = [all(lead > needed for lead in row) for row in leads]
        half = (form.order + 1) // 2
        assert count == sum(
            enough[half * (a - form.coefficient * b) % form.order] for a in range(form.order) for b in range(form.order)
        )
    assert accepted > 40


def test_leads_are_compared_up_to_the_largest_number():
    for needed in (0, 2**60 - 1, 2**60):
        leads = np.array([[needed + 1, needed], [needed + 1, needed + 1]])
        assert Margins(leads, needed).enough.tolist() == [False, True]
    assert Margins(np.array([[2**62]]), 2**60 + 1).enough.tolist() == [False]


def test_bounds_are_those_of_the_definition():
    for form, c in small_cases():
        sizes = [abs(p) + abs(q) for p, q in zip(c.input_cosines, c.input_sines, strict=True)]
        outputs = [abs(r) + abs(s) for r, s in zip(c.output_cosines, c.output_sines, strict=True)]
        left, top = c.input_scale * int(max(np.abs(form.L).max(), np.abs(form.R).max())), int(np.abs(form.U).max())
        assert strategy.input_top(form, c) == sum((1 + top) * (left + size * c.unit) for size in sizes)
        sums = ((1 + size * c.unit) * (c.output_scale * top + out * c.unit) for size, out in zip(sizes, outputs, strict=True))
        assert strategy.moment_top(form, c) == 4 * sum(sums)


def of_one_neuron(groups: int = 1, amplitude: int = 0, **others: object) -> QuadratureCertificate:
    """A certificate on `nothing`: the moments are bounded by 4 amplitude."""
    zero = (0,)
    c = QuadratureCertificate(1, 0, 1, 1, 0, (0,) * 3, (0,) * 3, (1,) * groups, zero, zero, zero, zero, (amplitude,))
    return replace(c, **others)


def nothing(**others: object) -> Form:
    zero, square = np.zeros((3, 1), dtype=np.int64), np.zeros((3, 3), dtype=np.int64)
    return replace(Form(3, 1, "relu", zero, zero, zero, square, square), **others)


@pytest.mark.parametrize(
    ("c", "verdict"),
    [
        (of_one_neuron(), "Accepted"),
        (of_one_neuron(unit=2**28), "Accepted"),
        (of_one_neuron(unit=2**28 + 1), "Refused (Wrong_scale 268435457)"),
        (of_one_neuron(input_scale=2**60, output_scale=2**60, tolerance=2**60, margin_shift=61), "Accepted"),
        (of_one_neuron(input_scale=2**60 + 1), f"Refused (Wrong_scale {2**60 + 1})"),
        (of_one_neuron(output_scale=2**60 + 1), f"Refused (Wrong_scale {2**60 + 1})"),
        (of_one_neuron(tolerance=2**60 + 1), f"Refused (Wrong_scale {2**60 + 1})"),
        (of_one_neuron(tolerance=2**60 + 1, margin_shift=62), f"Refused (Wrong_scale {2**60 + 1})"),
        (of_one_neuron(margin_shift=62), "Refused (Wrong_scale 62)"),
        (of_one_neuron(1, 2**58 - 1, margin_shift=2), "Accepted"),
        (of_one_neuron(1, 2**58, margin_shift=2), "Accepted"),
        (of_one_neuron(1, 2**58 + 1, margin_shift=2), "Refused (May_overflow Moments)"),
        (of_one_neuron(4, 2**58 - 1, margin_shift=2), "Accepted"),
        (of_one_neuron(4, 2**58, margin_shift=2), "Refused (May_overflow Margins)"),
        (of_one_neuron(8, 2**58 - 2, margin_shift=3), "Accepted"),
        (of_one_neuron(8, 2**58 - 1, margin_shift=3), "Refused (May_overflow Margins)"),
        (of_one_neuron(cosines=(1, 1, 1), tolerance=0), "Accepted"),
        (of_one_neuron(cosines=(1, 0, 0), tolerance=0), "Refused (Wrong_table Angles)"),
        (of_one_neuron(cosines=(1, 0, 0), tolerance=1), "Accepted"),
    ],
)
def test_edges(c, verdict):
    assert strategy.verdict(0, nothing(), c) == verdict


def test_the_tests_of_the_form_come_first():
    huge = np.full((3, 3), 2**60, dtype=np.int64)
    assert strategy.verdict(0, nothing(P=huge, Q=huge), of_one_neuron(unit=0)) == "Refused (May_overflow Logits)"
    assert strategy.verdict(0, nothing(P=huge), of_one_neuron(unit=0)) == "Refused (Wrong_scale 0)"
