"""The quantiser: one rounding, the finest grid that fits, the folded 1/sqrt(d_head), files and their refusals."""

import hashlib
import json
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from compact_proofs.extract.quantise import QuantisedMatrix, QuantisedModel, accuracy, quantise, quantised_tables
from compact_proofs.models.config import ModelConfig
from compact_proofs.models.errors import ConfigError, OverflowRisk, ShapeError, UsageError, WeightsError
from compact_proofs.models.evaluate import float_tables
from compact_proofs.models.weights import Weights, load_model

CONFIG = ModelConfig("tiny", "max_of_k", 3, 4, 3, 2)


def random_weights(seed=0):
    generator = np.random.default_rng(seed)
    return Weights(**{key: generator.normal(size=shape).astype(np.float32) for key, shape in CONFIG.shapes().items()})


def quantise_W_E(matrix, weight_bits=8):
    return quantise(CONFIG, replace(random_weights(), W_E=np.asarray(matrix, dtype=np.float32)), weight_bits).W_E


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    matrix=arrays(np.float32, (4, 3), elements=st.floats(-(2.0**40), 2.0**40, width=32)),
    weight_bits=st.integers(4, 12),
)
@example(matrix=np.full((4, 3), 127.5, dtype=np.float32), weight_bits=8)  # rounds up and out of 8 bits
@example(matrix=np.full((4, 3), -128.0, dtype=np.float32), weight_bits=8)
@example(matrix=np.full((4, 3), 1e-45, dtype=np.float32), weight_bits=12)  # the least subnormal
@example(matrix=np.full((4, 3), 1000.0, dtype=np.float32), weight_bits=4)  # a negative exponent
def test_rounding(matrix, weight_bits):
    found = quantise_W_E(matrix, weight_bits)
    most = 2 ** (weight_bits - 1) - 1
    largest = Fraction(float(np.abs(matrix).max()))
    # the exponent that fits: the largest entry rounds to at most `most`, and would not at one bit more
    unit = Fraction(1, 2**found.scale_bits)
    if found.scale_bits == 0:
        while round(largest / unit) > most:
            unit *= 2
    if largest:
        assert round(largest / unit) <= most < round(2 * largest / unit)
    for value, integer in zip(matrix.flatten(), found.ints.flatten(), strict=True):
        assert abs(Fraction(float(value)) - Fraction(int(integer), 2**found.scale_bits)) <= unit / 2
        assert abs(int(integer)) * Fraction(1, 2**found.scale_bits) <= most * unit


def test_the_grid_by_hand():
    found = quantise_W_E([[1.0, -0.5, 0.0]] * 3 + [[0.75, 1 / 128, 3 / 128]], 8)
    assert found.scale_bits == 6  # 128 would not fit in 127, so units of 1/64
    assert found.ints.tolist() == [[64, -32, 0]] * 3 + [[48, 0, 2]]  # 0.5 and 1.5 units: ties to even
    assert quantise_W_E(np.full((4, 3), 127 / 128), 8).scale_bits == 7
    large = quantise_W_E(np.full((4, 3), 1000.0), 4)
    assert (large.ints[0, 0], large.scale_bits) == (4 * 256, 0)  # 1000/256 rounds to 4; no negative scale


def test_a_zero_matrix():
    found = quantise_W_E(np.zeros((4, 3)))
    assert (found.ints.tolist(), found.scale_bits) == ([[0, 0, 0]] * 4, 0)


@pytest.mark.parametrize("weight_bits", range(4, 13))
def test_every_width(weight_bits):
    model = quantise(CONFIG, random_weights(), weight_bits)
    assert model.weight_bits == weight_bits
    for matrix in model.matrices().values():
        assert 2 ** (weight_bits - 2) <= np.abs(matrix.ints).max() <= 2 ** (weight_bits - 1) - 1


@pytest.mark.parametrize("weight_bits", [3, 13, 0, -8, 8.0, True, None])
def test_other_widths_are_refused(weight_bits):
    with pytest.raises(UsageError, match=rf"weight_bits is {weight_bits!r}; wanted an integer in 4..12"):
        quantise(CONFIG, random_weights(), weight_bits)


def test_the_square_root_is_folded_into_W_Q_before_rounding():
    weights = random_weights()
    model = quantise(CONFIG, weights, 12)
    folded = weights.W_Q.astype(np.float64) / math.sqrt(2)
    np.testing.assert_array_equal(model.W_Q.ints, np.rint(folded * 2.0**model.W_Q.scale_bits))
    np.testing.assert_array_equal(model.W_K.ints, np.rint(weights.W_K.astype(np.float64) * 2.0**model.W_K.scale_bits))
    exact, rounded = float_tables(CONFIG, weights), quantised_tables(model)
    assert np.abs(exact.S).max() > 1
    np.testing.assert_allclose(rounded.S, exact.S, atol=0.02)
    np.testing.assert_allclose(rounded.P, exact.P, atol=0.02)


def test_integers_are_read_only_int64():
    model = quantise(CONFIG, random_weights())
    assert model.W_E.ints.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        model.W_E.ints[0, 0] = 1
    with pytest.raises(WeightsError, match="got dtype int32, wanted int64"):
        QuantisedMatrix(np.zeros((1, 1), dtype=np.int32), 0)
    with pytest.raises(WeightsError, match="scale_bits is -1, wanted an integer >= 0"):
        QuantisedMatrix(np.zeros((1, 1), dtype=np.int64), -1)


def test_shapes_and_sizes_are_refused():
    with pytest.raises(ShapeError, match=r"tensor W_E: got shape \(4, 3\), wanted \(5, 3\)"):
        quantise(replace(CONFIG, d_vocab=5), random_weights())
    model = quantise(CONFIG, random_weights())
    with pytest.raises(ShapeError, match=r"quantised tensor W_O: got shape \(3, 2\), wanted \(2, 3\)"):
        replace(model, W_O=model.W_Q)
    with pytest.raises(OverflowRisk, match=r"tensor W_E: largest entry is 1e\+30, wanted below 2\^62"):
        quantise_W_E(np.full((4, 3), 1e30))


def test_sha256_is_of_the_integers_and_scales_alone():
    model = quantise(CONFIG, random_weights())
    digest = hashlib.sha256()
    for name in CONFIG.shapes():
        matrix = getattr(model, name)
        digest.update(name.encode() + b"\0")
        for number in [*matrix.ints.shape, matrix.scale_bits, *matrix.ints.flatten().tolist()]:
            digest.update(number.to_bytes(8, "little", signed=True))
    assert model.sha256 == digest.hexdigest() == replace(model, name="other").sha256
    finer = replace(model, W_E=QuantisedMatrix(model.W_E.ints, model.W_E.scale_bits + 1))
    changed = model.W_U.ints.copy()
    changed[2, 3] += 1
    other = replace(model, W_U=QuantisedMatrix(changed, model.W_U.scale_bits))
    assert len({model.sha256, finer.sha256, other.sha256}) == 3


def test_save_and_load(tmp_path):
    model = quantise(CONFIG, random_weights(), 6)
    model.save(tmp_path / "a.safetensors")
    model.save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    loaded = QuantisedModel.load(tmp_path / "a.safetensors")
    assert (loaded.name, loaded.weight_bits, loaded.n_ctx, loaded.sha256) == ("tiny", 6, 3, model.sha256)
    assert {name: matrix.scale_bits for name, matrix in loaded.matrices().items()} == {
        name: matrix.scale_bits for name, matrix in model.matrices().items()
    }


def rewrite(path, model, change_header=None, **changes):
    """Save the model with changes to the header or to tensors that `save` would not make."""
    model.save(path)
    tensors = {name: matrix.ints for name, matrix in model.matrices().items()} | changes
    data = path.read_bytes()
    header = json.loads(json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]["compact_proofs"])
    header |= change_header or {}
    path.write_bytes(safetensors.numpy.save(tensors, {"compact_proofs": json.dumps(header)}))


def test_bad_files(tmp_path):
    path = tmp_path / "q.safetensors"
    with pytest.raises(WeightsError, match="q.safetensors: no such file; quantise the model first"):
        QuantisedModel.load(path)
    model = quantise(CONFIG, random_weights())
    model.save(path)
    changed = model.W_V.ints.copy()
    changed[0, 0] += 1
    rewrite(path, model, W_V=changed)
    with pytest.raises(WeightsError, match="q.safetensors: sha256 of the integers is .*, the file says .*; quantise again"):
        QuantisedModel.load(path)
    rewrite(path, model, W_V=model.W_V.ints.astype(np.float32))
    with pytest.raises(WeightsError, match="q.safetensors: tensor W_V: got dtype F32, wanted I64"):
        QuantisedModel.load(path)
    rewrite(path, model, {"n_ctx": 0})
    with pytest.raises(ConfigError, match="q.safetensors: config: n_ctx is 0"):
        QuantisedModel.load(path)
    rewrite(path, model, {"weight_bits": 99})
    with pytest.raises(WeightsError, match="q.safetensors: weight_bits is 99; wanted an integer in 4..12"):
        QuantisedModel.load(path)
    rewrite(path, model, {"schema": 7})
    with pytest.raises(WeightsError, match="q.safetensors: schema is 7, wanted 1"):
        QuantisedModel.load(path)
    rewrite(path, model, {"extra": 7})
    with pytest.raises(WeightsError, match="q.safetensors: metadata keys are .*'extra'"):
        QuantisedModel.load(path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(WeightsError, match="q.safetensors: not a whole safetensors file"):
        QuantisedModel.load(path)
    path.write_bytes(safetensors.numpy.save({name: matrix.ints for name, matrix in model.matrices().items()}))
    with pytest.raises(WeightsError, match="q.safetensors: no readable metadata key 'compact_proofs'"):
        QuantisedModel.load(path)


def test_accuracy_side_by_side():
    config, weights = load_model("max_of_3_tiny")
    fine = accuracy(config, weights, quantise(config, weights))
    assert (fine.float_network.right, fine.quantised.right, fine.disagreement.count) == (504, 504, 0)
    coarse = accuracy(config, weights, quantise(config, weights, 4))
    assert coarse.quantised.right < 504
    assert coarse.disagreement.count >= 504 - coarse.quantised.right
