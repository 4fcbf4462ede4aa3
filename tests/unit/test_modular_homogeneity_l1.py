"""homogeneity_l1 in Python: never more than the truth, all of it on cosines, refusals, fields, operations."""

from dataclasses import replace

import numpy as np
import pytest
import sympy

from compact_proofs.extract.modular_form import Form
from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.strategies.modular import homogeneity_l1 as strategy

AMPLITUDES = ("input_cosines", "input_sines", "output_cosines", "output_sines")


def random_form(seed: int) -> Form:
    """Small tables for p = 3, 5, 7; every third seed has only 0 and 1 (many ties), every second no direct paths."""
    rng = np.random.default_rng(seed)
    p, m, top = int(rng.choice([3, 5, 7])), int(rng.integers(1, 7)), 1 if seed % 3 == 0 else 9
    L, R, U = (rng.integers(-top, top + 1, (p, m)) for _ in range(3))
    P, Q = (rng.integers(-top, top + 1, (p, p)) * (seed % 2) for _ in range(2))
    return Form(p, (1, -1, 2)[seed % 3], "relu", L, R, U, P, Q)


def wave_form(order: int, width: int, top: int = 60, coefficient: int = 1) -> Form:
    """Neurons of one frequency each, with phases all around: a purified network; most pairs are right."""
    tokens, neurons, frequencies = np.arange(order)[:, None], np.arange(width), (order - 1) // 2
    frequency, phase = 1 + neurons % frequencies, 2 * np.pi * (neurons // frequencies) / (width / frequencies)
    angle = 2 * np.pi * frequency * tokens / order
    tables = (np.cos(angle + phase), np.cos(coefficient * angle + phase), np.cos(angle + 2 * phase))
    L, R, U = (np.rint(top * table).astype(np.int64) for table in tables)
    zero = np.zeros((order, order), dtype=np.int64)
    return Form(order, coefficient, "relu", L, R, U, zero, zero)


def changed_certificate(form: Form, seed: int) -> strategy.HomogeneityL1Certificate:
    """Found, then other numbers in some places and other distances watched."""
    rng = np.random.default_rng(seed)
    c = strategy.find_on(form, most_watched=int(rng.integers(0, form.order)))
    if seed % 4 == 0:
        return c

    def shaken(row: tuple[int, ...], most: int) -> tuple[int, ...]:
        return tuple(int(x + rng.integers(-most, most + 1) * (rng.random() < 0.3)) for x in row)

    name = AMPLITUDES[seed % 4]
    c = replace(c, **{name: shaken(getattr(c, name), 40)}, cosine_table=shaken(c.cosine_table, c.trig_scale // 8))
    watched = tuple(tuple(int(d) for d in rng.integers(1, form.order, int(rng.integers(0, 4)))) for _ in range(form.order))
    frequencies = tuple(int(k) for k in rng.choice(c.frequency_list, form.width))
    return replace(c, watched_distances=watched if seed % 3 else c.watched_distances, neuron_frequencies=frequencies)


def misfits(form: Form) -> list[tuple[str, Form, strategy.HomogeneityL1Certificate]]:
    """One for each refusal."""
    c = strategy.find_on(form)
    p, last, first = form.order, c.frequency_list[-1], c.watched_distances[0]
    even = replace(form, order=4, **{name: getattr(form, name)[:4] for name in "LRU"}, P=form.P[:4, :4], Q=form.Q[:4, :4])
    small = replace(c, input_scale=1, output_scale=1)
    return [
        ("Wrong_order 4", even, c),
        ("Wrong_activation", replace(form, activation="square"), c),
        ("Wrong_scale 0", form, replace(c, trig_scale=0)),
        ("Wrong_scale (-3)", form, replace(c, input_scale=-3)),
        ("Wrong_scale (-1)", form, replace(c, output_scale=-1)),
        ("Wrong_table Cosines", form, replace(c, cosine_table=c.cosine_table[1:])),
        ("Wrong_table Sines", form, replace(c, sine_table=(*c.sine_table, 0))),
        ("Wrong_frequency 0", form, replace(c, frequency_list=(0, *c.frequency_list))),
        (f"Wrong_frequency {(p + 1) // 2}", form, replace(c, frequency_list=(*c.frequency_list, (p + 1) // 2))),
        ("Wrong_frequency (-1)", form, replace(c, frequency_list=(-1,))),
        ("Wrong_table Groups", form, replace(c, frequency_list=c.frequency_list[1:])),
        ("Wrong_table Groups", form, replace(c, frequency_list=(*c.frequency_list, last))),
        ("Wrong_table Groups", form, replace(c, neuron_frequencies=c.neuron_frequencies[1:])),
        *(("Wrong_table Amplitudes", form, replace(c, **{name: getattr(c, name)[1:]})) for name in AMPLITUDES),
        ("Wrong_table Distances", form, replace(c, watched_distances=c.watched_distances[1:])),
        ("Wrong_table Distances", form, replace(c, watched_distances=((*first, p), *c.watched_distances[1:]))),
        ("Wrong_table Distances", form, replace(c, watched_distances=((0, *first), *c.watched_distances[1:]))),
        ("May_overflow Moments", form, replace(c, trig_scale=2**50)),
        ("May_overflow Moments", form, replace(c, sine_table=(2**61, *c.sine_table[1:]))),
        ("May_overflow Residuals", form, replace(c, input_scale=2**55)),
        ("May_overflow Residuals", form, replace(c, input_sines=(2**61, *c.input_sines[1:]))),
        ("May_overflow Logits", form, replace(small, output_scale=2**55)),
        ("May_overflow Logits", form, replace(small, output_sines=(2**55, *c.output_sines[1:]))),
        ("May_overflow Margins", form, replace(small, output_scale=2**36)),
        ("May_overflow Margins", form, replace(c, input_scale=2**26)),
    ]


@pytest.mark.parametrize("seed", range(120))
def test_never_more_than_the_truth(seed):
    form = random_form(seed)
    right = form.right().sum()
    assert strategy.count(form, strategy.find_on(form)) == right  # what is watched is compared exactly
    assert strategy.count(form, changed_certificate(form, seed)) <= right


@pytest.mark.parametrize("seed", range(20))
def test_waves_with_changes(seed):
    form = wave_form((5, 7, 11)[seed % 3], 20, coefficient=(1, -1)[seed % 2])
    assert strategy.count(form, changed_certificate(form, seed)) <= form.right().sum()


@pytest.mark.parametrize("coefficient", [1, -1])
def test_waves_need_few_comparisons(coefficient):
    form = wave_form(11, 100, coefficient=coefficient)
    right, c = int(form.right().sum()), strategy.find_on(form)
    done = strategy.work(form, c)
    assert right > 100 and done.certified == right and done.compared < 0.05 * 11**3
    assert strategy.count(form, strategy.find_on(form, most_watched=0)) > 0.5 * right
    assert strategy.verdict(right, form, c) == "Accepted"
    assert strategy.verdict(right + 1, form, c) == f"Refused (Total_short {right} {right + 1})"


def test_zero_tables_certify_nothing():
    zero = np.zeros((5, 3), dtype=np.int64)
    form = Form(5, 1, "relu", zero, zero, zero, *(np.zeros((5, 5), dtype=np.int64) for _ in range(2)))
    assert strategy.count(form, strategy.find_on(form)) == 0


def test_refusals():
    for refusal, form, c in misfits(wave_form(7, 9)):
        wanted = f"Refused ({refusal})" if " " in refusal else f"Refused {refusal}"
        assert strategy.verdict(0, form, c) == wanted
        with pytest.raises(InputRefused) as error:
            strategy.count(form, c)
        assert str(error.value).startswith(wanted + ":")


def test_find_refuses_what_no_certificate_fits():
    form = wave_form(7, 9)
    for wrong in (replace(form, activation="square"), replace(form, order=4, **{n: getattr(form, n)[:4] for n in "LRU"})):
        with pytest.raises(InputRefused):
            strategy.find_on(replace(wrong, P=form.P[: wrong.order, : wrong.order], Q=form.Q[: wrong.order, : wrong.order]))
    with pytest.raises(InputRefused, match="May_overflow"):
        strategy.find_on(wave_form(7, 9, top=2**26))


def test_fields_and_operations():
    form = wave_form(7, 12)
    c = strategy.find_on(form)
    names = [field.name for field in strategy.fields(c)]
    assert names[:3] == ["trig_scale", "input_scale", "output_scale"] and names[-1] == "watched_distances" and len(names) == 12
    symbols = sympy.symbols("p m K watched lists", positive=True)
    numbers = (7, 12, 3, sum(map(len, c.watched_distances)), sum(map(bool, c.watched_distances)))
    at = dict(zip(symbols, numbers, strict=True))
    assert int(strategy.operations_of(*symbols).subs(at)) == strategy.operations(form, c)
