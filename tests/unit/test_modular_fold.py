"""Folding: the form's values are the logits of the layer-by-layer network in exact fractions, times one power of two.

REFUSALS and random_layers are also what tests/coq/test_modular_fold.py asks Coq about.
"""

import re
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
import sympy

from compact_proofs.extract.modular import QuantisedModular, quantise_modular
from compact_proofs.extract.modular_fold import LAYERS, fold, fold_layers, operations, operations_of
from compact_proofs.extract.modular_form import Form, check_form
from compact_proofs.extract.rounding import QuantisedMatrix
from compact_proofs.models.errors import InputRefused, OverflowRisk, ShapeError
from compact_proofs.models.modular import evaluate
from compact_proofs.models.weights import load_model

ARCHITECTURES = ("mlp", "bottleneck", "transformer", "canonical")
ACTIVATIONS = ("relu", "square")
ORDER = {
    "mlp": ("W_E", "W_E_b", "W_U"),
    "bottleneck": ("W_E", "W_E_b", "W_in", "W_out", "W_U"),
    "transformer": ("W_E", "W_pos", "W_V", "W_O", "W_in", "b_in", "W_out", "b_out", "W_U"),
    "canonical": ("P", "Q", "L", "R", "U"),
}
TABLES = {"P": "First_direct", "Q": "Second_direct", "L": "Left", "R": "Right", "U": "Outputs_of_classes"}


class Layers(NamedTuple):
    """A network of any architecture and activation, with its sizes."""

    architecture: str
    activation: str
    modulus: int
    coefficient: int
    tensors: dict

    def fold(self) -> Form:
        return fold_layers(*self)

    def sizes(self) -> dict:
        """d_model, d_attn, d_mlp as the checker is told them."""
        columns = {name: matrix.ints.shape[1] for name, matrix in self.tensors.items()}
        if self.architecture in ("mlp", "canonical"):
            return {"d_mlp": columns["W_E" if self.architecture == "mlp" else "L"]}
        attention = {"d_attn": columns["W_V"]} if "W_V" in columns else {}
        return {"d_model": columns["W_E"]} | attention | {"d_mlp": columns["W_in"]}


def shapes_of(architecture: str, p: int, d: int, n: int, m: int) -> dict:
    shapes = {
        "mlp": [(p, m), (p, m), (m, p)],
        "bottleneck": [(p, d), (p, d), (d, m), (m, d), (d, p)],
        "transformer": [(p, d), (2, d), (d, n), (n, d), (d, m), (1, m), (m, d), (1, d), (d, p)],
        "canonical": [(p, p), (p, p), (p, m), (p, m), (m, p)],
    }[architecture]
    return dict(zip(ORDER[architecture], shapes, strict=True))


def random_layers(architecture: str, activation: str, seed: int) -> Layers:
    """Sizes from 0 or 1, every other one tied; every third with biases, or P and Q, finer than what they are added to."""
    rng = np.random.default_rng([seed, ARCHITECTURES.index(architecture), ACTIVATIONS.index(activation)])
    p, d, n, m = (int(rng.integers(1, high)) for high in (6, 4, 4, 5))
    if seed == 0:
        d, n, m = 0, 0, 0
    tensors = {}
    for name, shape in shapes_of(architecture, p, d, n, m).items():
        bits = int(rng.integers(0, 4))
        if seed % 3 == 0 and (name.startswith("b_") or name in "PQ"):
            bits = int(rng.integers(16, 20) if activation == "relu" else rng.integers(0, 24))
        tensors[name] = QuantisedMatrix(rng.integers(-6, 7, shape), bits)
    if seed % 2 == 0:
        tensors.pop("W_E_b", None)
    return Layers(architecture, activation, p, 1 if seed % 4 < 2 else -1, tensors)


def logits(layers: Layers, a: int, b: int) -> list[Fraction]:
    """The forward pass of Spec.Modular, in fractions."""
    W = {name: [[Fraction(x, 2**matrix.scale_bits) for x in row] for row in matrix.ints.tolist()]
         for name, matrix in layers.tensors.items()}  # fmt: skip
    second_embedding = W.get("W_E_b", W.get("W_E"))

    def plus(*rows):
        return [sum(column) for column in zip(*rows, strict=True)]

    def times(row, name):
        width = layers.tensors[name].ints.shape[1]
        return [sum((x * entries[j] for x, entries in zip(row, W[name], strict=True)), Fraction(0)) for j in range(width)]

    def active(row):
        return [max(x, 0) if layers.activation == "relu" else x * x for x in row]

    if layers.architecture == "canonical":
        return plus(W["P"][a], W["Q"][b], times(active(plus(W["L"][a], W["R"][b])), "U"))
    if layers.architecture == "mlp":
        return times(active(plus(W["W_E"][a], second_embedding[b])), "W_U")
    if layers.architecture == "bottleneck":
        return times(times(active(times(plus(W["W_E"][a], second_embedding[b]), "W_in")), "W_out"), "W_U")
    first, second = plus(W["W_E"][a], W["W_pos"][0]), plus(W["W_E"][b], W["W_pos"][1])
    mixed = [x / 2 for x in plus(first, second)]
    residual = plus(second, times(times(mixed, "W_V"), "W_O"))
    hidden = active(plus(times(residual, "W_in"), W["b_in"][0]))
    return times(plus(residual, times(hidden, "W_out"), W["b_out"][0]), "W_U")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_values_are_logits_times_a_power_of_two(architecture, activation):
    units = set()
    for seed in range(25):
        layers = random_layers(architecture, activation, seed)
        form = layers.fold()
        check_form(form)
        values = np.array([form.values(a) for a in range(form.order)])
        wanted = [[logits(layers, a, b) for b in range(form.order)] for a in range(form.order)]
        ratios = {Fraction(int(value)) / logit for value, logit in pairs_of(values, wanted) if logit}
        assert len(ratios) <= 1 and all(value == 0 for value, logit in pairs_of(values, wanted) if not logit)
        assert all(ratio.denominator == 1 and ratio.numerator.bit_count() == 1 for ratio in ratios)
        units |= ratios
        for a in range(form.order):
            for b in range(form.order):
                row, answer = wanted[a][b], (a + layers.coefficient * b) % form.order
                right = all(x < row[answer] for c, x in enumerate(row) if c != answer)
                assert form.right()[a, b] == right
    assert len(units) > 5


def pairs_of(values, wanted):
    flat = [logit for rows in wanted for row in rows for logit in row]
    return list(zip(values.ravel().tolist(), flat, strict=True))


def one(name, *entries, bits=0, shape=None):
    """A matrix that repeats the entries."""
    rows, columns = shape
    return QuantisedMatrix(np.resize(np.array(entries, dtype=np.int64), (rows, columns)), bits)


def tiny(architecture: str, changes: dict, p: int = 2) -> Layers:
    """All sizes 1 but p; every entry 0 but those of `changes`: name -> entry or (entry, scale_bits)."""
    tensors = {}
    for name, shape in shapes_of(architecture, p, 1, 1, 1).items():
        entry, bits = changes[name] if isinstance(changes.get(name), tuple) else (changes.get(name, 0), 0)
        tensors[name] = one(name, entry, bits=bits, shape=shape)
    return Layers(architecture, "relu", p, 1, tensors)


BIG = 2**61
REFUSALS = [  # stage, network that the checker refuses there
    ("Range_W_E", tiny("mlp", {"W_E": 1, "W_E_b": (1, 61)})),
    ("Range_W_E", tiny("mlp", {"W_E": (1, 3), "W_E_b": (0, 64)})),
    ("Range_W_E_b", tiny("mlp", {"W_E": (1, 61), "W_E_b": 1})),
    ("Range_W_U", tiny("mlp", {"W_U": 2**60 + 1})),
    ("Range_W_E", tiny("bottleneck", {"W_E": -BIG, "W_U": BIG})),
    ("Range_W_E_b", tiny("bottleneck", {"W_E_b": BIG})),
    ("Range_W_in", tiny("bottleneck", {"W_in": -BIG})),
    ("Range_W_out", tiny("bottleneck", {"W_out": BIG})),
    ("Range_W_U", tiny("bottleneck", {"W_U": BIG})),
    ("Before_activation", tiny("bottleneck", {"W_E": 2**30 + 1, "W_in": -(2**30)})),
    ("Before_activation", tiny("bottleneck", {"W_E_b": 2**30 + 1, "W_in": -(2**30)})),
    ("Unembedding", tiny("bottleneck", {"W_out": 2**31, "W_U": 2**31})),
    ("Range_W_E", tiny("transformer", {"W_E": 1, "W_pos": (1, 61)})),
    ("Range_W_pos", tiny("transformer", {"W_E": (1, 61), "W_pos": 1})),
    ("Range_W_V", tiny("transformer", {"W_V": BIG})),
    ("Range_W_O", tiny("transformer", {"W_O": BIG})),
    ("Range_W_in", tiny("transformer", {"W_in": 1, "b_in": (1, 62)})),
    ("Range_b_in", tiny("transformer", {"b_in": 2**60})),
    ("Range_W_out", tiny("transformer", {"W_out": 1, "b_out": (1, 62)})),
    ("Range_b_out", tiny("transformer", {"b_out": 2**60})),
    ("Range_W_U", tiny("transformer", {"W_U": -BIG})),
    ("Values", tiny("transformer", {"W_E": 2**31, "W_V": 2**30})),
    ("Position_values", tiny("transformer", {"W_pos": 2**31, "W_V": 2**30})),
    ("Outputs", tiny("transformer", {"W_E": 2**20, "W_V": 2**20, "W_O": 2**21})),
    ("Position_outputs", tiny("transformer", {"W_pos": 2**20, "W_V": 2**20, "W_O": 2**21})),
    ("Attention", tiny("transformer", {"W_E": 2**20, "W_pos": 1, "W_V": 2**20, "W_O": 2**20})),
    ("Skip_path", tiny("transformer", {"W_E": 1, "W_V": (0, 61)})),
    ("Skip_path", tiny("transformer", {"W_pos": 1, "W_O": (0, 61)})),
    ("Skip_path", tiny("transformer", {"W_E": 2**59, "W_pos": 1})),
    ("Residual", tiny("transformer", {"W_E": 2**59, "W_V": 1, "W_O": 1})),
    ("Before_activation", tiny("transformer", {"W_E": 1, "W_V": 2**30, "W_O": 1, "W_in": 2**31})),
    ("Before_activation", tiny("transformer", {"W_E": 2**30, "W_in": -(2**30)})),
    ("Bias", tiny("transformer", {"W_E": 1, "W_in": 1, "b_in": 2**59})),
    ("Unembedding", tiny("transformer", {"W_out": 2**31, "W_U": 2**31})),
    ("Direct_path", tiny("transformer", {"W_out": (0, 61), "W_U": 1})),
    ("Direct_path", tiny("transformer", {"W_E": 1, "W_V": 2**30, "W_O": 1, "W_U": 2**31})),
    ("Direct_path", tiny("transformer", {"W_E": 2**30, "W_U": 2**30})),
    ("Bias", tiny("transformer", {"b_out": 2**30, "W_U": 2**30})),
    ("Bias", tiny("transformer", {"W_E": 1, "b_out": 2**29, "W_U": 2**30})),
    ("Direct_path", tiny("canonical", {"P": -(2**60) - 1})),
    ("Direct_path", tiny("canonical", {"P": 1, "Q": (0, 61)})),
    ("Direct_path", tiny("canonical", {"P": 1, "U": (0, 61)})),
    ("Direct_path", tiny("canonical", {"Q": BIG, "L": BIG})),
    ("Direct_path", tiny("canonical", {"Q": 1, "R": (0, 31), "U": (0, 30)})),
    ("Before_activation", tiny("canonical", {"L": 1, "R": (1, 61)})),
    ("Before_activation", tiny("canonical", {"L": (0, 61), "R": -1, "U": BIG})),
    ("Unembedding", tiny("canonical", {"U": -(2**60) - 1})),
    ("Unembedding", tiny("canonical", {"Q": (1, 61), "U": 1})),
]
LIMITS = [  # the largest numbers that are not refused
    tiny("mlp", {"W_E": 1, "W_E_b": (1, 60), "W_U": -(2**60)}),
    tiny("mlp", {"W_E": (-1, 60), "W_E_b": 1}),
    tiny("bottleneck", {"W_E": 2**30, "W_E_b": 2**30, "W_in": -(2**30), "W_out": -(2**30), "W_U": 2**30}),
    tiny("transformer", {"W_E": 2**19, "W_pos": 2**19, "W_V": 2**19, "W_O": 2**20}),
    tiny("transformer", {"W_E": 2**58, "W_pos": 2**58, "W_out": 2**30, "W_U": 1}),
    tiny("transformer", {"b_in": (2**58, 7), "b_out": (1, 50), "W_E": (1, 5), "W_in": (0, 3), "W_U": 1}),
    tiny("transformer", {"b_out": 2**29, "W_U": 2**30}),
    tiny("transformer", {"b_out": 0, "W_out": (0, 60), "W_U": 1}),
    tiny("canonical", {"P": 1, "Q": (1, 60), "L": (2**50, 3), "R": (1, 13), "U": (8, 10)}),
    tiny("canonical", {"P": -1, "Q": 0, "L": (1, 30), "R": 2**30, "U": (-(2**60), 30)}),
]


def misshapen() -> list:
    """Each matrix with a row or a column too many, and a network of order 0."""
    cases = []
    for architecture in ARCHITECTURES:
        right = tiny(architecture, {}, p=3)
        for name, matrix in right.tensors.items():
            grown = np.zeros((matrix.ints.shape[0] + 1, matrix.ints.shape[1]), dtype=np.int64)
            cases.append((wrong_shape(name), changed(right, name, grown)))
        last = list(right.tensors)[-1]  # by class in its columns
        cases.append((wrong_shape(last), changed(right, last, np.zeros((1, 4), dtype=np.int64))))
        cases.append(("Wrong_order 0", tiny(architecture, {}, p=0)))
    return cases


def wrong_shape(name: str) -> str:
    return f"Wrong_table {TABLES[name]}" if name in TABLES else f"Wrong_shape Tensor_{name}"


def changed(layers: Layers, name: str, ints) -> Layers:
    return layers._replace(tensors=layers.tensors | {name: QuantisedMatrix(ints, 0)})


@pytest.mark.parametrize(("stage", "layers"), REFUSALS)
def test_every_stage_refuses_what_could_overflow(stage, layers):
    with pytest.raises(OverflowRisk, match=rf"^Refused \(May_overflow {stage}\): "):
        layers.fold()


@pytest.mark.parametrize("layers", LIMITS)
def test_the_largest_numbers_are_folded_exactly(layers):
    form = layers.fold()
    assert max(np.abs(table).max() for table in (form.L, form.R, form.U, form.P, form.Q)) <= 2**60


@pytest.mark.parametrize(("refusal", "layers"), misshapen())
def test_wrong_shapes_are_refused(refusal, layers):
    with pytest.raises(InputRefused if "order" in refusal else ShapeError, match=rf"^Refused \({re.escape(refusal)}\): "):
        layers.fold()


def test_every_stage_of_the_fold_occurs():
    stages = {stage for stage, _ in REFUSALS}
    assert stages == {
        *(f"Range_{name}" for name in {*ORDER["bottleneck"], *ORDER["transformer"]}), "Values", "Position_values", "Outputs",
        "Position_outputs", "Attention", "Skip_path", "Residual", "Before_activation", "Bias", "Unembedding", "Direct_path",
    }  # fmt: skip


@pytest.mark.parametrize("family", LAYERS)
def test_a_quantised_model_folds_as_its_family_says(family):
    architecture, activation = LAYERS[family]
    layers = random_layers(architecture, activation, 1)
    model = QuantisedModular("tiny", family, layers.modulus, layers.coefficient, 8, dict(layers.tensors))
    form, wanted = fold(model), layers.fold()
    assert (form.order, form.coefficient, form.activation) == (layers.modulus, layers.coefficient, activation)
    for table in ("L", "R", "U", "P", "Q"):
        assert np.array_equal(getattr(form, table), getattr(wanted, table))
        assert not getattr(form, table).flags.writeable and getattr(form, table).dtype == np.int64
    assert operations(model) > 0


@pytest.mark.parametrize(
    "name", ["modular_quadratic_tiny", "modular_relu_tiny", "modular_pizza_tiny", "modular_subtraction_tiny"]
)
def test_trained_networks_agree_with_float64(name):
    """Values are proportional to the logits that the float forward pass gives for the quantised weights."""
    config, weights = load_model(name)
    model = quantise_modular(config, weights, 6)
    form = fold(model)
    check_form(form)
    of_float = evaluate.logits(config, {key: matrix.to_float() for key, matrix in model.matrices().items()})
    values = np.array([form.values(a) for a in range(form.order)], dtype=np.float64)
    unit = np.abs(values).max() / np.abs(of_float).max()
    assert np.log2(unit) == pytest.approx(round(np.log2(unit)), abs=1e-9)
    assert np.allclose(values / unit, of_float, rtol=0, atol=1e-9 * np.abs(of_float).max())


def test_operations_in_symbols():
    p, d, n, m = sympy.symbols("p d n m", positive=True)
    symbolic = operations_of("transformer", p, m, d, n)
    assert symbolic.subs({p: 5, d: 3, n: 4, m: 7}) == operations_of("transformer", 5, 7, 3, 4)
    assert sympy.expand(operations_of("bottleneck", p, m, d)).coeff(p * d * m) == 6
