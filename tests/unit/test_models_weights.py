"""Weights and their files: round trip, lookup, and the message for every way a file can be bad."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy

from compact_proofs.models import files
from compact_proofs.models.config import ModelConfig
from compact_proofs.models.errors import ConfigError, ShapeError, UsageError, WeightsError
from compact_proofs.models.evaluate import count_right, float_tables
from compact_proofs.models.files import write_atomic
from compact_proofs.models.weights import Weights, load_model, model_names, model_path, save_model, zoo_names

CONFIG = ModelConfig("tiny", "max_of_k", 3, 8, 6, 4)


def random_tensors(seed=0):
    generator = np.random.default_rng(seed)
    return {name: generator.normal(size=shape).astype(np.float32) for name, shape in CONFIG.shapes().items()}


@pytest.fixture
def saved(tmp_path):
    """The .json of a saved model."""
    return save_model(CONFIG, Weights(**random_tensors()), tmp_path, "# tiny\n")


def rewrite(saved, **changes):
    """Write the tensors again, with changes; None takes a tensor away."""
    tensors = {name: tensor for name, tensor in (random_tensors() | changes).items() if tensor is not None}
    saved.with_suffix(".safetensors").write_bytes(safetensors.numpy.save(tensors))


def test_round_trip(saved):
    config, weights = load_model(saved)
    assert config == CONFIG
    for name, tensor in random_tensors().items():
        np.testing.assert_array_equal(getattr(weights, name), tensor)
    assert sorted(path.name for path in saved.parent.iterdir()) == ["tiny.json", "tiny.md", "tiny.safetensors"]


def test_equal_weights_give_equal_bytes(saved, tmp_path):
    again = save_model(CONFIG, Weights(**random_tensors()), tmp_path / "again")
    assert again.with_suffix(".safetensors").read_bytes() == saved.with_suffix(".safetensors").read_bytes()


def test_weights_are_read_only_copies():
    tensors = random_tensors()
    weights = Weights(**tensors)
    with pytest.raises(ValueError, match="read-only"):
        weights.W_E[0, 0] = 1
    before = weights.W_E[0, 0]
    tensors["W_E"][0, 0] += 1
    assert weights.W_E[0, 0] == before


def test_unknown_model_lists_the_valid_ones(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_model(replace(CONFIG, name="mine"), Weights(**random_tensors()), tmp_path / "build/models")
    with pytest.raises(UsageError, match=r"unknown MODEL 'max_of_9'; valid: max_of_10, .*max_of_3_tiny, .*mine; or the path"):
        load_model("max_of_9")
    assert load_model("mine")[0].name == "mine"


def test_the_zoo_comes_before_models_trained_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_model(replace(CONFIG, name="max_of_2"), Weights(**random_tensors()), tmp_path / "build/models")
    assert load_model("max_of_2")[0].d_vocab == 64
    assert load_model("build/models/max_of_2.json")[0].d_vocab == 8
    assert model_names() == zoo_names()


def test_missing_files(saved, tmp_path):
    saved.with_suffix(".safetensors").unlink()
    with pytest.raises(WeightsError, match="tiny.safetensors: no such file; it belongs beside tiny.json"):
        load_model(saved)
    with pytest.raises(WeightsError, match=r"none.json: no such file; give the \.json of a model, or one of: max_of_10,"):
        load_model(tmp_path / "none.json")


@pytest.mark.parametrize("keep", [0, 5, 60, -1])
def test_truncated(saved, keep):
    path = saved.with_suffix(".safetensors")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(WeightsError, match=r"tiny.safetensors: not a whole safetensors file \(\d+ bytes.*truncated or damaged"):
        load_model(saved)


@pytest.mark.parametrize(("bad", "word"), [(np.nan, "nan"), (-np.inf, "-inf")])
def test_not_finite_names_tensor_and_index(saved, bad, word):
    W_V = random_tensors()["W_V"]
    W_V[2, 1] = W_V[4, 0] = bad
    rewrite(saved, W_V=W_V)
    message = rf"tiny.safetensors: tensor W_V: entry \[2, 1\] is {word}, wanted finite numbers \(2 of 24 entries"
    with pytest.raises(WeightsError, match=message):
        load_model(saved)


def test_wrong_shape(saved):
    rewrite(saved, W_O=random_tensors()["W_O"].T)
    message = r"tiny.safetensors: tensor W_O: got shape \(6, 4\), wanted \(4, 6\) from n_ctx=3 d_vocab=8 d_model=6 d_head=4"
    with pytest.raises(ShapeError, match=message):
        load_model(saved)
    rewrite(saved, W_O=np.zeros(24, dtype=np.float32))
    with pytest.raises(ShapeError, match=r"tensor W_O: got shape \(24,\), wanted a matrix"):
        load_model(saved)


def test_wrong_dtype(saved):
    rewrite(saved, W_K=random_tensors()["W_K"].astype(np.float64))
    with pytest.raises(WeightsError, match="tensor W_K: got dtype F64, wanted F32; convert it"):
        load_model(saved)
    with pytest.raises(WeightsError, match="tensor W_E: got dtype float64, wanted float32"):
        Weights(**{name: tensor.astype(np.float64) for name, tensor in random_tensors().items()})


def test_missing_and_unknown_tensors(saved):
    rewrite(saved, W_U=None)
    with pytest.raises(WeightsError, match="tensor W_U is missing; wanted W_E, W_pos"):
        load_model(saved)
    rewrite(saved, b_Q=np.zeros((1, 4), dtype=np.float32))
    with pytest.raises(WeightsError, match="unknown tensor b_Q; wanted W_E, W_pos"):
        load_model(saved)


def test_bad_config_names_the_file(saved):
    saved.write_text(saved.read_text().replace('"n_ctx": 3', '"n_ctx": -3'))
    with pytest.raises(ConfigError, match=r"tiny.json: config: n_ctx is -3; wanted an integer >= 1"):
        load_model(saved)
    saved.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"tiny.json: not UTF-8 text"):
        load_model(saved)


def test_a_renamed_file_is_refused(saved):
    other = saved.with_name("other.json")
    saved.rename(other)
    with pytest.raises(ConfigError, match=r"other.json: name is 'tiny'; wanted 'other', as the file is called"):
        load_model(other)


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "x"
    write_atomic(path, b"old")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fdopen", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(path, b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["x"]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(
    ("name", "right", "total"), [("max_of_2_tiny", 63, 64), ("max_of_3_tiny", 504, 512), ("max_of_2", 4096, 4096)]
)
def test_the_zoo_is_as_its_cards_say(name, right, total):
    found = count_right(float_tables(*load_model(name)))
    assert (found.right, found.undecided, found.total, found.exhaustive) == (right, 0, total, True)
    card = model_path(name).with_suffix(".md").read_text()
    assert f"| float network | {right:,} of {total:,} inputs right" in card


def test_all_but_network_and_train_import_without_torch():
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "import compact_proofs.models.weights, compact_proofs.extract.quantise\n"
        "compact_proofs.models.weights.load_model('max_of_2_tiny')"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
