"""Importing canonical networks: what the layout reads, and what it refuses, with the tensor and what to do."""

import json

import numpy as np
import pytest
import safetensors.numpy

from compact_proofs.models.errors import ConfigError, ShapeError, WeightsError
from compact_proofs.models.importing.importer import import_model
from compact_proofs.models.importing.layouts import LAYOUTS, example, example_names
from compact_proofs.models.modular.evaluate import logits

SHAPES = {"P": (5, 5), "Q": (5, 5), "L": (5, 3), "R": (5, 3), "U": (3, 5)}
CONFIG = {"layout": "canonical", "family": "modular_canonical_relu", "modulus": 5, "operation": "subtraction", "d_mlp": 3}


def matrices() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}


@pytest.fixture
def imported(tmp_path):
    """Import matrices, some of them changed or (None) left out, by a config with some keys changed."""

    def run(config=None, **changed):
        tensors = {name: one for name, one in (matrices() | changed).items() if one is not None}
        safetensors.numpy.save_file(tensors, tmp_path / "net.safetensors")
        (tmp_path / "net.json").write_text(json.dumps(CONFIG | (config or {})))
        return import_model(tmp_path / "net.safetensors", tmp_path / "net.json", "net")

    return run


def test_the_matrices_are_the_model(imported):
    found = imported()
    assert (found.config.family, found.config.coefficient, found.config.tied) == ("modular_canonical_relu", -1, False)
    assert (found.config.modulus, found.config.d_mlp, found.layout, found.skipped, found.notes) == (5, 3, "canonical", {}, [])
    for name, matrix in matrices().items():
        np.testing.assert_array_equal(found.weights[name], matrix)
    assert imported({"family": "modular_canonical_square"}).config.activation == "square"


def test_half_precision_is_converted_and_said(imported):
    found = imported(U=matrices()["U"].astype(np.float16))
    assert found.notes == ["weights in float16, converted to float32, which is exact"]
    np.testing.assert_array_equal(found.weights["U"], matrices()["U"].astype(np.float16).astype(np.float32))


@pytest.mark.parametrize(
    ("error", "changed", "message"),
    [
        (WeightsError, {"P": None}, r"tensor P is missing; .*past the neurons, save zeros: P = np.zeros\(\(5, 5\), np.float32\)"),
        (
            WeightsError,
            {"P": None, "Q": None},
            r"tensor P, Q is missing; .*: P = Q = np.zeros\(\(5, 5\), np.float32\)",
        ),
        (WeightsError, {"R": None, "Q": None}, "tensor Q, R is missing; wanted P, Q, L, R, U; save all five"),
        (WeightsError, {"b_U": np.zeros(5, np.float32)}, "unknown tensor b_U; .*fold what else .* one of the outputs into P"),
        (
            ShapeError,
            {"U": np.zeros((5, 3), np.float32)},
            r"U: got shape \(5, 3\), wanted \(d_mlp, modulus\) = \(3, 5\); it is trans",
        ),
        (ShapeError, {"L": np.zeros((5, 4), np.float32)}, r"L: got shape \(5, 4\), wanted \(modulus, d_mlp\) = \(5, 3\)"),
        (ShapeError, {"Q": np.zeros(5, np.float32)}, r"tensor Q: got shape \(5,\), wanted \(modulus, modulus\)"),
        (WeightsError, {"L": np.full((5, 3), np.nan, np.float32)}, r"tensor L: entry \[0, 0\] is nan, wanted finite"),
        (WeightsError, {"U": np.zeros((3, 5), np.int64)}, "tensor U: got dtype I64, wanted float32"),
    ],
)
def test_refused_tensors(imported, error, changed, message):
    with pytest.raises(error, match=f"net.safetensors: .*{message}"):
        imported(**changed)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"modulus": 4}, "modulus is 4; wanted an odd number, 2 needs an inverse mod p"),
        ({"operation": "division"}, "operation is 'division'; wanted one of: addition, subtraction"),
        ({"family": "modular_relu"}, "family is 'modular_relu'; wanted one of: modular_canonical_relu, modular_canonical_square"),
        ({"d_mlp": 0}, "d_mlp is 0; wanted an integer >= 1"),
        (
            {"layout": "plain", "family": "modular_folded", "tied": False},
            "layout is 'plain', but the file holds L, as canonical has",
        ),
    ],
)
def test_refused_configs(imported, changed, message):
    with pytest.raises(ConfigError, match=f"net.json: .*{message}"):
        imported(changed)


def test_a_probe_finds_what_is_transposed(imported):
    exact = {name: matrix.astype(np.float64) for name, matrix in matrices().items()}
    rows = logits(imported().config, exact)
    probe = {"tokens": [[0, 1], [4, 2]], "logits": [rows[0, 1].tolist(), rows[4, 2].tolist()]}
    found = imported({"probe": probe})
    assert found.probe_rows == 2 and found.probe_difference < 1e-6
    with pytest.raises(ConfigError, match="with P transposed all rows agree"):
        imported({"probe": probe}, P=np.ascontiguousarray(matrices()["P"].T))


def test_the_examples():
    names = [name for name in example_names() if name.startswith("canonical:")]
    assert names == ["canonical:modular_canonical_relu", "canonical:modular_canonical_square"]
    for name in names:
        assert set(example(name)) == set(CONFIG)
    assert not any(family.startswith("modular_canonical") for family in LAYOUTS["plain"].families)


def test_a_probe_finds_what_was_saved_column_by_column(imported):
    """safetensors.numpy writes a transposed array as it lies in memory, under its shape; the way out is in the message."""
    exact = {name: matrix.astype(np.float64) for name, matrix in matrices().items()}
    rows = logits(imported().config, exact)
    probe = {"tokens": [[0, 1], [4, 2]], "logits": [rows[0, 1].tolist(), rows[4, 2].tolist()]}
    with pytest.raises(ConfigError, match=r"with L, U column by column \(numpy.ascontiguousarray before saving\) all rows agree"):
        imported({"probe": probe}, **{name: np.asfortranarray(matrices()[name]) for name in ("L", "U")})
    with pytest.raises(ConfigError, match="by you; the layout or sizes are not those") as refused:
        imported({"probe": probe | {"logits": [[7.0] * 5] * 2}})
    assert "attn_scale" not in str(refused.value)
