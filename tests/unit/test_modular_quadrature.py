"""quadrature in Python: never more than the truth, most of it on cosines, refusals, fields, operations."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import sympy

from compact_proofs.extract.modular_form import Form
from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.strategies.modular import brute_force
from compact_proofs.proofs.strategies.modular import quadrature as strategy

AMPLITUDES = ("input_cosines", "input_sines", "output_cosines", "output_sines")


def wave_form(
    order: int, width: int, top: int = 60, coefficient: int = 1, noise: float = 0, seed: int = 0, frequencies: int | None = None
) -> Form:
    """Neurons of one frequency each, with phases all around, and noise in every table in units of the largest weight."""
    frequencies = frequencies or (order - 1) // 2
    rng = np.random.default_rng([seed, order, width])
    tokens = np.arange(order)[:, None]
    neurons = np.arange(width)
    frequency, phase = 1 + neurons % frequencies, 2 * np.pi * (neurons // frequencies) / (width / frequencies)
    angle = 2 * np.pi * frequency * tokens / order
    waves = np.cos(angle + phase), np.cos(coefficient * angle + phase), np.cos(angle + 2 * phase)
    L, R, U = (np.rint(top * (table + noise * rng.normal(size=table.shape))).astype(np.int64) for table in waves)
    P, Q = (np.rint(noise * top**2 * rng.normal(size=(order, order)) / 4).astype(np.int64) * (seed % 2) for _ in range(2))
    return Form(order, coefficient, "relu", L, R, U, P, Q)


def random_form(seed: int) -> Form:
    """Small tables; every third seed has only -1, 0 and 1 (many ties); zero tables too."""
    rng = np.random.default_rng(seed)
    p, m = int(rng.choice([3, 5, 7])), int(rng.integers(1, 7))
    top = 1 if seed % 3 == 0 else 9 * (seed % 4 > 0)
    L, R, U = (rng.integers(-top, top + 1, (p, m)) for _ in range(3))
    P, Q = (rng.integers(-top, top + 1, (p, p)) * (seed % 5 > 2) for _ in range(2))
    return Form(p, int(rng.choice([1, -1, 0, 2])), "relu", L, R, U, P, Q)


def noisy_form(seed: int) -> Form:
    """Waves with noise, some so few that not all pairs are right."""
    order, frequencies = (5, 7, 11)[seed % 3], (None, 1, 2)[seed // 3 % 3]
    width, noise = (30, 5, 12)[seed // 3 % 3] + seed % 4, (0, 0.002, 0.01, 0.02)[seed // 9 % 4]
    return wave_form(order, width, 100, (1, -1)[seed % 2], noise, seed, frequencies)


def split_form(order: int, width: int, weight: float, coefficient: int) -> Form:
    """Two frequencies, and the second votes for wrong answers: only some half differences are right."""
    form = wave_form(order, width, 200, coefficient, frequencies=2)
    votes = np.where(np.arange(width) % 2 == 1, -weight, 1.0)
    return replace(form, U=np.rint(votes * form.U).astype(np.int64))


def changed(c: strategy.QuadratureCertificate, seed: int) -> strategy.QuadratureCertificate:
    """The same with something else in a few places, mostly within what passes the tests."""
    rng = np.random.default_rng(seed)
    name = AMPLITUDES[seed % 4]
    values = np.array(getattr(c, name))
    values[rng.integers(0, len(values))] += rng.integers(-9, 10) * c.input_scale // c.unit
    c = replace(c, **{name: tuple(values.tolist())})
    match seed % 5:
        case 0:
            groups = np.array(c.groups)
            groups[rng.integers(0, len(groups))] = rng.integers(0, len(c.frequencies))
            c = replace(c, groups=tuple(groups.tolist()))
        case 1:
            c = replace(c, input_scale=c.input_scale + int(rng.integers(1, 9)))
        case 2:
            c = replace(c, output_scale=c.output_scale // 2 + 1)
        case 3:
            cosines = np.array(c.cosines)
            cosines[rng.integers(1, len(cosines))] += rng.integers(-3, 4)
            sines = np.array(c.sines)
            cosines, sines = (np.clip(table, -c.unit, c.unit) for table in (cosines, sines))
            slack = strategy.tolerance_of(c.unit, cosines, sines)
            c = replace(c, cosines=tuple(cosines.tolist()), tolerance=slack)
        case 4:
            c = replace(c, margin_shift=min(61, c.margin_shift + int(rng.integers(0, 12))))
    return c


def misfits(form: Form) -> list[tuple[str, strategy.QuadratureCertificate]]:
    """Certificates for the refusals that do not depend on the form's own, with the refusal."""
    c = strategy.find_on(form)
    top = form.order // 2
    return [
        ("Wrong_scale 0", replace(c, unit=0)),
        ("Wrong_scale (-3)", replace(c, unit=-3)),
        (f"Wrong_scale {2**28 + 1}", replace(c, unit=2**28 + 1)),
        ("Wrong_scale 0", replace(c, input_scale=0)),
        (f"Wrong_scale {2**61}", replace(c, output_scale=2**61)),
        ("Wrong_scale (-1)", replace(c, tolerance=-1)),
        ("Wrong_scale 62", replace(c, margin_shift=62)),
        ("Wrong_scale (-1)", replace(c, margin_shift=-1)),
        ("Wrong_table Cosines", replace(c, cosines=c.cosines[1:])),
        ("Wrong_table Cosines", replace(c, cosines=(c.unit + 1, *c.cosines[1:]))),
        ("Wrong_table Sines", replace(c, sines=(*c.sines, 0))),
        ("Wrong_table Sines", replace(c, sines=(-c.unit - 1, *c.sines[1:]))),
        ("Wrong_frequency 0", replace(c, frequencies=(0, *c.frequencies[1:]))),
        ("Wrong_frequency (-1)", replace(c, frequencies=(*c.frequencies[1:], -1))),
        (f"Wrong_frequency {top + 1}", replace(c, frequencies=(top, top + 1))),
        ("Wrong_table Groups", replace(c, groups=c.groups[1:])),
        ("Wrong_table Groups", replace(c, groups=(len(c.frequencies), *c.groups[1:]))),
        ("Wrong_table Groups", replace(c, groups=(-1, *c.groups[1:]))),
        ("Wrong_table Groups", replace(c, frequencies=())),
        *(("Wrong_table Amplitudes", replace(c, **{name: getattr(c, name)[1:]})) for name in AMPLITUDES),
        ("Wrong_table Angles", replace(c, tolerance=c.tolerance - 1)),
        ("Wrong_table Angles", replace(c, sines=tuple(sorted(c.sines)))),
        ("May_overflow Residuals", replace(c, input_scale=2**60)),
        ("May_overflow Residuals", replace(c, input_cosines=(2**61, *c.input_cosines[1:]))),
        ("May_overflow Moments", replace(c, output_scale=2**60)),
        ("May_overflow Moments", replace(c, output_sines=(-(2**50), *c.output_sines[1:]))),
        ("May_overflow Margins", replace(c, margin_shift=0)),
    ]


def wrong_forms() -> list[tuple[str, Form]]:
    """Forms that the strategy does not take, with the refusal."""
    form = wave_form(5, 8)
    even = np.zeros((4, 8), dtype=np.int64)
    square = np.zeros((4, 4), dtype=np.int64)
    return [
        ("Wrong_order 4", Form(4, 1, "relu", even, even, even, square, square)),
        ("Wrong_activation", Form(5, 1, "square", form.L, form.R, form.U, form.P, form.Q)),
    ]


@cache
def found_cases() -> list[tuple[Form, strategy.QuadratureCertificate]]:
    forms = [random_form(seed) for seed in range(40)] + [noisy_form(seed) for seed in range(72)]
    forms += [split_form(*size, weight, sign) for size in ((5, 40), (7, 60)) for weight in (0.2, 0.4, 1.0) for sign in (1, -1)]
    return [(form, strategy.find_on(form)) for form in forms]


def test_never_more_than_the_truth():
    counts = [(strategy.count(form, c), int(form.right().sum()), form.order**2) for form, c in found_cases()]
    assert all(count <= right for count, right, _ in counts)
    assert sum(count > 0 for count, _, _ in counts) > 20  # the bound says something
    assert sum(0 < count < right for count, right, _ in counts) > 3  # it is not all or nothing
    assert sum(count > 0 and right < total for count, right, total in counts) > 3  # there is something wrong to count


@pytest.mark.parametrize("seed", range(8))
def test_changed_certificates_never_say_more_than_the_truth(seed):
    accepted = 0
    for number, (form, found) in enumerate(found_cases()[seed::8]):
        for turn in range(4):
            c = changed(found, 40 * seed + 4 * number + turn)
            try:
                count = strategy.count(form, c)
            except InputRefused:
                continue
            accepted += count
            assert count <= form.right().sum()
    assert accepted > 0


@pytest.mark.parametrize("order,width", [(7, 60), (13, 120), (23, 220)])
@pytest.mark.parametrize("coefficient", [1, -1])
def test_cosines_are_proved_right(order, width, coefficient):
    form = wave_form(order, width, 2**9, coefficient)
    c = strategy.find_on(form)
    assert form.right().all() and strategy.count(form, c) == order**2
    assert strategy.verdict(order**2, form, c) == "Accepted"
    assert strategy.verdict(order**2 + 1, form, c) == f"Refused (Total_short {order**2} {order**2 + 1})"


def test_every_margin_holds_on_every_pair_and_class():
    """The lead by which a half difference is accepted, times 2, scales and unit, is below that of each pair in the network."""
    form = wave_form(11, 60, 100, -1, 0.01, 1)
    c = strategy.find_on(form)
    found = strategy.margins(form, c)
    assert found.enough.any()
    scale = c.input_scale * c.unit * c.output_scale
    for a in range(form.order):
        values = form.values(a)
        for b in range(form.order):
            right = (a - b) % form.order
            rivals = values[b][(right + np.arange(1, form.order)) % form.order]
            promised = (found.leads[6 * (a + b) % form.order] - found.needed - 1) * 2**c.margin_shift
            assert (scale * (int(values[b][right]) - rivals.astype(object)) >= 2 * promised).all()


def test_refusals():
    form = wave_form(5, 8)
    cases = [(refusal, form, c) for refusal, c in misfits(form)]
    cases += [(refusal, other, strategy.find_on(form)) for refusal, other in wrong_forms()]
    for refusal, tested, c in cases:
        wanted = f"Refused ({refusal})" if " " in refusal else f"Refused {refusal}"
        assert strategy.verdict(0, tested, c) == wanted
        with pytest.raises(InputRefused) as error:
            strategy.count(tested, c)
        assert str(error.value).startswith(wanted + ":")


def test_fields_and_operations():
    form = wave_form(7, 12)
    c = strategy.find_on(form)
    assert [field.value for field in strategy.fields(c)] == [getattr(c, name) for name in c.__dataclass_fields__]
    p, m, k = sympy.symbols("p m k", positive=True)
    symbolic = strategy.operations_of(p, m, k)
    assert int(symbolic.subs({p: 7, m: 12, k: 3})) == strategy.operations(form, c)
    rival = brute_force.operations_of(p, m)
    for order, width, frequencies in ((59, 128, 5), (59, 256, 8), (113, 128, 12)):
        at = {p: order, m: width, k: frequencies}
        assert rival.subs(at) > 40 * symbolic.subs(at)
    assert sympy.degree(symbolic, m) == 1 and sympy.degree(symbolic, p) == 2  # linear in the width, quadratic in the order
