"""The numbers behind the figures of a page: against direct formulas on tiny networks; and how they are written."""

import csv
import dataclasses
import itertools
import math
import re

import numpy as np
import pytest

from compact_proofs.extract import modular_fold
from compact_proofs.extract.families import quantise_network
from compact_proofs.extract.modular_form import Form
from compact_proofs.extract.quantise import quantise, quantised_tables
from compact_proofs.models.weights import load_model
from compact_proofs.proofs.page import costs, max_of_k, modular
from compact_proofs.proofs.page.drawing import draw
from compact_proofs.proofs.page.figures import Figure, HeatMap
from compact_proofs.proofs.page.numbers import count, decimal, scientific, tightness
from compact_proofs.proofs.page.plots import _of_tick
from compact_proofs.proofs.page.style import STYLES, Nines
from compact_proofs.proofs.registry import DEFAULT, GROUPS, silent, strategies
from compact_proofs.proofs.strategies import cubic
from compact_proofs.proofs.table import Row

MODEL = "max_of_3_tiny"


@pytest.fixture(scope="module")
def quantised():
    return quantise(*load_model(MODEL))


def row(strategy, bound, operations=1000, model="m", seed=0, statement="at_least", truth=(None, None), n_ctx=4, **more):
    values = {"family": "max_of_k", "d_vocab": 8, "modulus": None, "weight_bits": 8, "parameters": "", "inputs": 100}
    values |= {"certificate_bytes": None, "search_s": 0.5, "check_s": None, "status": "predicted", "reason": ""} | more
    return Row(
        model=model, strategy=strategy, bound=bound, operations=operations, seed=seed, statement=statement, n_ctx=n_ctx,
        truth_low=truth[0], truth_high=truth[1], **values,
    )  # fmt: skip


@pytest.mark.parametrize("digits", [0, 3])
def test_unproved_inputs_are_those_that_the_bound_leaves(quantised, digits):
    found = cubic.METHOD.find(quantised).certificate
    certificate = dataclasses.replace(found, plan=dataclasses.replace(found.plan, mass_digits=digits))
    unproved = max_of_k.unproved_inputs(quantised, certificate)
    assert (unproved >= 0).all()
    assert int(unproved.sum()) == 8**3 - cubic.METHOD.mirror(quantised, certificate)


def test_heat_maps_and_their_margins(quantised):
    tables = quantised_tables(quantised)
    for figure, table, shift in ((max_of_k.scores(tables.S), tables.S, max), (max_of_k.outputs(tables.V), tables.V, np.mean)):
        for number, entries in enumerate(table):
            ordered = sorted(entries)
            assert figure.data.margins[number] == pytest.approx(ordered[-1] - ordered[-2])
            assert figure.data.values[number] == pytest.approx(entries - shift(entries))
    wrong = [t for t, entries in enumerate(tables.V) if entries.argmax() != t]
    assert np.flatnonzero(max_of_k.outputs(tables.V).data.marked).tolist() == wrong
    assert f"In {8 - len(wrong)} of 8 rows the largest logit is that of t itself" in max_of_k.outputs(tables.V).alternative
    assert max_of_k.top_two(np.ones((2, 1)))[1].tolist() == [0, 0]


def test_attention_by_distance(quantised):
    S = quantised_tables(quantised).S
    found = max_of_k.by_distance(S)
    for delta in range(1, 8):
        weights = [math.exp(S[q, m - delta] - S[q, m]) for m in range(delta, 8) for q in range(m + 1)]
        assert found.cases[delta - 1] == len(weights)
        assert found.mean[delta - 1] == pytest.approx(sum(weights) / len(weights))
        assert found.most[delta - 1] == pytest.approx(max(weights))
        assert found.median[delta - 1] == pytest.approx(np.median(weights))


def waves(order, neurons, coefficient=1):
    """A form whose neurons are cosines: (frequency, phase, output phase less twice it) each, in degrees."""
    angle = 2 * np.pi * np.arange(order)[:, None] * np.array([k for k, _, _ in neurons]) / order
    phase, turned = (np.radians([one[place] for one in neurons]) for place in (1, 2))
    L, U = (np.round(1e6 * np.cos(angle + shift)).astype(np.int64) for shift in (phase, 2 * phase + turned))
    R = L[coefficient * np.arange(order) % order]
    none = np.zeros((order, order), dtype=np.int64)
    return Form(order, coefficient, "relu", L, R, U, none, none)


@pytest.mark.parametrize("coefficient", [1, -1])
def test_spectra_and_phases_of_cosines(coefficient):
    neurons = [(2, 30, 0), (2, 170, 10), (5, 250, -20)]
    form = waves(13, neurons, coefficient)
    shares = modular.power(form.L)
    assert shares[[1, 4]] == pytest.approx([2 / 3, 1 / 3], rel=1e-4)
    assert shares.sum() == pytest.approx(1)
    found = modular.phases_of(form)
    assert found.frequency.tolist() == [2, 2, 5]
    assert found.inputs == pytest.approx([60, 340, 140], abs=0.01)
    assert found.turned == pytest.approx([0, 10, -20], abs=0.01)
    assert found.by_neurons() == [2, 5]
    assert "2: 2 neurons, on average 5 degrees away; 5: 1 neuron, on average 20" in modular.phases(form).alternative
    assert "2 (67%), 5 (33%)" in modular.spectra(form).alternative


@pytest.mark.parametrize(
    "name", ["modular_relu_tiny", "modular_pizza_tiny", "modular_quadratic_tiny", "modular_subtraction_tiny"]
)
def test_margins_of_pairs(name):
    config, weights = load_model(name)
    quantised = quantise_network(config, weights)
    form = modular_fold.fold(quantised)
    spectra, phases, margins = modular.mechanism(config, quantised)
    unit = None
    for a, b in itertools.product(range(config.modulus), repeat=2):
        values = form.values(a)[b].astype(float)
        answer = (a + config.coefficient * b) % config.modulus
        margin = values[answer] - np.delete(values, answer).max()
        if unit is None:
            unit = margin / margins.data.values[a, b]
        assert margins.data.values[a, b] * unit == pytest.approx(margin)
    assert math.log2(unit) == round(math.log2(unit))  # the unit of the form
    assert int((margins.data.values > 0).sum()) == int(form.right().sum())
    brute = strategies("modular")["brute_force"].find(quantised, DEFAULT, silent)
    assert modular.brute_force_operations(quantised) == brute.operations


def test_tightness_with_the_true_count():
    rows = [row("cubic", 90, truth=(95, 95)), row("wrong_count", 97, statement="at_most", truth=(95, 95))]
    assert [point.tightness for point in costs.points(rows)] == [90 / 95, 95 / 97]
    assert costs.measure(rows) == "bound / true count"
    exact = row("exact", 95, statement="exactly")
    assert [point.tightness for point in costs.points([exact, row("cubic", 90)])] == [1, 90 / 95]


def test_tightness_with_proved_ends():
    """Of another network, or of other integers, nothing follows."""
    rows = [row("cubic", 90), row("wrong_count", 98, statement="at_most"), row("cubic", 50, model="n"),
            row("cubic", 60, weight_bits=6, model="m")]  # fmt: skip
    assert [point.tightness for point in costs.points(rows)] == [90 / 98, 90 / 98, 50 / 100, 60 / 100]
    assert costs.measure(rows) == "bound / true count or best proved end"
    assert costs.measure(rows[2:3]) == "bound / all inputs"
    large = 10**40
    near = costs.points([row("cubic", large - 1, inputs=large, truth=(large, large))])[0].tightness
    assert near < 1


def test_means_are_over_networks():
    rows = [row("cubic", 80, 100, "a", 0, truth=(100, 100)), row("cubic", 90, 10_000, "b", 1, truth=(100, 100))]
    (mean,) = costs.means(costs.points(rows))
    assert (mean.points, mean.least, mean.most) == (2, 0.8, 0.9)
    assert mean.operations == pytest.approx(1000)
    assert mean.tightness == pytest.approx(0.85)


def test_points_of_the_reference_work_and_brute_force():
    rows = [row("cubic", 90, truth=(95, 95), d_vocab=64), row("z3", 90, None, d_vocab=64)]
    figure = costs.cost_figure("cost", "", rows, 10**40)
    assert [one.strategy for one in figure.data.published] == ["brute force", "cubic", "sub-cubic", "sub-cubic"]
    assert [point.strategy for point in figure.data.points] == ["cubic"]  # z3 has no operations
    assert "brute force would take 1.0 × 10⁴⁰" in figure.alternative
    assert "cubic: 1,000 operations, 0.94" in figure.alternative
    assert costs.cost_figure("cost", "", rows[1:], None) is None
    assert figure.csv().count("unverified float32") == 4


def test_scaling_is_by_one_size_at_a_time():
    rows = [
        row("cubic", 90, 10 * size, f"m{size}_{seed}", seed, n_ctx=size, truth=(95, 95)) for size in (4, 10) for seed in (0, 1)
    ]
    rows += [row("cubic", 90, 77, f"d{size}", d_vocab=size) for size in (16, 32)]
    found = costs.scaling_figures(rows)
    assert [figure.name for figure in found] == ["scaling_n_ctx_8", "scaling_d_vocab_4"]
    assert {size: one.operations for size, one in found[0].data.curves["cubic"].items()} == pytest.approx({4: 40, 10: 100})
    moduli = [row("quadrature", 1, family="modular_relu", n_ctx=None, d_vocab=None, modulus=p, model=f"p{p}") for p in (59, 113)]
    assert [figure.name for figure in costs.scaling_figures(moduli)] == ["scaling_modulus_modular_relu"]
    assert costs.scaling_figures(rows[:1]) == []


def test_the_axis_of_nines():
    nines = Nines([0.3, 0.95, 0.9993, 1])
    places = [nines.place(value) for value in (0, 0.3, 0.9, 0.99, 0.9993, 1)]
    assert places == sorted(places)
    assert places[2:4] == pytest.approx([1, 2])
    low, high = nines.limits()
    assert low < places[1] and places[-1] < high
    ticks, labels = nines.ticks()
    assert labels[-1] == "1 (exact)" and "0.99" in labels
    assert all(low <= tick <= high for tick in ticks)
    alone = Nines([1])
    assert alone.ticks()[1] == ["0.9", "1 (exact)"]


def test_numbers():
    assert [count(1234), count(64**20)] == ["1,234", "1.3 × 10³⁶"]
    assert [scientific(950), scientific(596612287), scientific(10**400)] == ["950", "6.0 × 10⁸", "1.0 × 10⁴⁰⁰"]
    assert [tightness(one) for one in (1, 0.999930, 0.9, 0.0, 0.5049)] == ["1", "0.999930", "0.90", "0.00", "0.50"]
    assert [decimal(-12.345), decimal(2e-9), decimal(123456)] == ["−12.3", "2 × 10⁻⁹", "123,456"]


def test_every_strategy_has_a_look_of_its_own():
    for group in GROUPS:
        looks = [STYLES[name] for name in strategies(group)]
        assert len(set(looks)) == len({marker for _, marker in looks}) == len({colour for colour, _ in looks}) == len(looks)


def test_a_figure_is_drawn_alike_twice_and_its_csv_is_its_data(quantised):
    figure = max_of_k.scores(quantised_tables(quantised).S)
    drawn = draw(figure)
    assert drawn == draw(figure)
    assert drawn.svg.startswith("<svg") and drawn.png.startswith(b"\x89PNG")
    assert not re.search(r"\d{4}-\d\d-\d\d", drawn.svg)
    table = list(csv.reader(drawn.csv.splitlines()))
    assert len(table) == 9 and len(table[0]) == 10
    assert [float(cell) for cell in table[3][1:9]] == pytest.approx(figure.data.values[2], rel=1e-4, abs=1e-9)


def test_names_with_signs_of_mathematics_are_drawn_as_they_are():
    data = HeatMap(np.zeros((2, 2)), "$x^{", "</text><script>", "\\frac", "sequential")
    svg = draw(Figure("odd", "", "", "", data)).svg
    assert "$x^{" in svg and "&lt;/text&gt;&lt;script&gt;" in svg and "<script" not in svg


def test_counts_beyond_64_bits_are_drawn_and_written_in_full():
    values = np.zeros((2, 2), dtype=object)
    values[1, 1] = 10**30 + 1
    drawn = draw(Figure("big", "", "", "", HeatMap(values, "q", "m", "n", "counts")))
    assert str(10**30 + 1) in drawn.csv


def test_ticks_between_two_powers_differ():
    assert [_of_tick(value, 0) for value in (1e4, 1.5e4, 2e4, 5e7)] == ["10⁴", "1.5 × 10⁴", "2 × 10⁴", "5 × 10⁷"]
