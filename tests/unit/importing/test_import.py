"""Networks that are imported: the numbers are the user's, whatever the file, and what is changed on the way is said."""

import math

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compact_proofs.models import evaluate
from compact_proofs.models.config import ModelConfig
from compact_proofs.models.errors import ConfigError, WeightsError
from compact_proofs.models.importing.layouts import LAYOUTS, example, example_names
from compact_proofs.models.modular.config import ModularConfig
from compact_proofs.models.tasks import random_inputs
from compact_proofs.models.weights import load_model

TOKENS = np.array([[0, 0, 0], [7, 1, 3], [2, 7, 5]])


def same_weights(imported, matrices):
    assert list(imported.weights.matrices()) == list(matrices)
    for name, matrix in imported.weights.matrices().items():
        np.testing.assert_array_equal(matrix, matrices[name])


def logits(imported, tokens):
    return evaluate.logits(evaluate.float_tables(imported.config, imported.weights), tokens)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth"])
def test_transformer_lens(importing, matrices, state, suffix):
    imported = importing(state, suffix)
    assert imported.config == ModelConfig("mine", "max_of_k", 3, 8, 6, 4, training=None)
    same_weights(imported, matrices)
    biases = dict.fromkeys((f"blocks.0.attn.b_{one}" for one in "QKVO"), "a bias of zeros")
    buffers = dict.fromkeys(("blocks.0.attn.mask", "blocks.0.attn.IGNORE"), "a buffer, no weight")
    assert imported.skipped == biases | buffers | {"unembed.b_U": "a bias of zeros"}
    assert imported.notes == []
    np.testing.assert_allclose(logits(imported, TOKENS), importing.forward(matrices, TOKENS), rtol=0, atol=1e-12)


def test_empty_mask_and_no_biases_at_all(importing, matrices, state):
    """TransformerLens 3 has an empty mask; other code that uses its names may have no biases."""
    state = {name: tensor for name, tensor in state.items() if ".b_" not in name}
    imported = importing(state | {"blocks.0.attn.mask": np.zeros((0, 0), dtype=bool)})
    same_weights(imported, matrices)
    assert list(imported.skipped) == ["blocks.0.attn.mask", "blocks.0.attn.IGNORE"]


def test_transformer_lens_4(importing, matrices):
    same_weights(importing(importing.transformer_lens_4(matrices), layout="transformer_lens_4", act_fn="relu"), matrices)


def test_plain(importing, matrices):
    importing.config = example("plain:max_of_k") | {
        key: importing.config[key] for key in ("n_ctx", "d_vocab", "d_model", "d_head")
    }
    same_weights(importing(matrices, attn_scale=None), matrices)
    imported = importing(matrices, attn_scale=1.0)
    np.testing.assert_array_equal(imported.weights.W_Q, matrices["W_Q"] * 2)


@pytest.mark.parametrize(
    "model", ["modular_relu_tiny", "modular_quadratic_tiny", "modular_pizza_tiny", "modular_subtraction_tiny"]
)
@pytest.mark.parametrize("biases_are_vectors", [False, True])
def test_plain_modular(importing, model, biases_are_vectors):
    config, weights = load_model(model)
    importing.config = example(f"plain:{config.family}") | {
        key: getattr(config, key) for key in example(f"plain:{config.family}") if key != "layout"
    }
    tensors = weights.matrices()
    if biases_are_vectors:
        tensors |= {name: matrix[0] for name, matrix in tensors.items() if name.startswith("b_")}
    imported = importing(tensors)
    assert isinstance(imported.config, ModularConfig) and imported.config.training is None
    assert (imported.config.shapes(), imported.warnings) == (config.shapes(), [])
    same_weights(imported, weights.matrices())


def test_wrappers_prefixes(importing, matrices, state):
    imported = importing({f"_orig_mod.module.{name}": tensor for name, tensor in state.items()})
    same_weights(imported, matrices)
    assert imported.notes == ["_orig_mod., module. taken off the names of tensors"]
    with pytest.raises(WeightsError, match=r"model.safetensors: tensor embed.W_E is there twice, once as module.embed.W_E; save"):
        importing(state | {"module.embed.W_E": state["embed.W_E"]})


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize(
    ("dtype", "note"),
    [
        (np.float16, "weights in float16, converted to float32, which is exact"),
        (np.float64, "weights in float64, rounded to float32"),
    ],
)
def test_other_precision(importing, matrices, state, suffix, dtype, note):
    state |= {name: tensor.astype(dtype) for name, tensor in state.items() if ".W_" in name}
    imported = importing(state, suffix)
    same_weights(imported, {name: matrix.astype(dtype).astype(np.float32) for name, matrix in matrices.items()})
    assert imported.notes == [note]


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_bfloat16(importing, matrices, state, suffix):
    torch = pytest.importorskip("torch")
    import safetensors.torch

    half = {name: torch.from_numpy(np.array(tensor)) for name, tensor in state.items()}
    half |= {name: tensor.bfloat16() for name, tensor in half.items() if ".W_" in name}
    file, _ = importing.write(state, suffix)
    if suffix == ".pt":
        torch.save(half, file)
    else:
        file.write_bytes(safetensors.torch.save(half))
    imported = importing_again(importing)
    same_weights(imported, {name: torch.from_numpy(matrix).bfloat16().float().numpy() for name, matrix in matrices.items()})
    assert imported.notes == ["weights in bfloat16, converted to float32, which is exact"]


def importing_again(importing):
    from compact_proofs.models.importing.importer import import_model

    [file] = (path for path in importing.folder.glob("model.*") if path.suffix != ".json")
    return import_model(file, importing.folder / "model.json", "mine")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    sizes=st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 5), st.integers(1, 5)),
    seed=st.integers(0, 99),
    scale=st.sampled_from([None, -1, 1.0, 0.3, 8]),
    use_attn_scale=st.booleans(),
    native=st.booleans(),
    biases=st.booleans(),
    suffix=st.sampled_from([".safetensors", ".pt"]),
)
def test_round_trip(importing, sizes, seed, scale, use_attn_scale, native, biases, suffix):
    """Any network under TransformerLens's names, once imported, has the logits that its definition gives, in float64."""
    if native:
        use_attn_scale = True
    matrices = importing.random_matrices(seed, *sizes)
    vectors = {}
    if biases:
        generator = np.random.default_rng(seed)
        widths = {"b_Q": sizes[3], "b_K": sizes[3], "b_V": sizes[3], "b_O": sizes[2], "b_U": sizes[1]}
        vectors = {name: generator.standard_normal(width).astype(np.float32) for name, width in widths.items()}
    write = importing.transformer_lens_4 if native else importing.transformer_lens
    importing.sized(matrices, use_attn_scale=use_attn_scale, attn_scale=scale, layout=write.__name__)
    imported = importing(write(matrices, **vectors), suffix, fold_biases=True)
    divided_by = (math.sqrt(sizes[3]) if scale in (None, -1) else scale) if use_attn_scale else 1.0
    tokens = random_inputs(sizes[1], sizes[0], 20)
    expected = importing.forward(matrices, tokens, divided_by, **vectors)
    exact = not biases and divided_by == math.sqrt(sizes[3])
    np.testing.assert_allclose(logits(imported, tokens), expected, rtol=0, atol=1e-12 if exact else 1e-4)
    if exact:
        same_weights(imported, matrices)
    assert imported.config.d_model == sizes[2] + biases
    assert (bool(imported.notes) and "folded into" in imported.notes[-1]) == biases


def test_scores_scaled_otherwise(importing, matrices, state):
    imported = importing(state, use_attn_scale=False, attn_scale=-1.0)
    np.testing.assert_array_equal(imported.weights.W_Q, matrices["W_Q"] * 2)
    assert imported.notes == ["scores are divided by 1, ours by sqrt(d_head): W_Q multiplied by 2"]
    for same in (None, -1, 2, 2 * (1 + 1e-9)):
        same_weights(importing(state, attn_scale=same), matrices)
    message = "model.json: config: attn_scale is 0; wanted a number above 0, or -1 or null for sqrt"
    with pytest.raises(ConfigError, match=message):
        importing(state, attn_scale=0)
    with pytest.raises(WeightsError, match=r"tensor W_Q: entry \[0, 0\] is inf|tensor W_Q: entry \[0, 0\] is -inf"):
        importing(state, attn_scale=1e-300)
    with pytest.raises(ConfigError, match=r"use_attn_scale is false, which version 4 takes for sqrt\(d_head\)"):
        importing(importing.transformer_lens_4(matrices), layout="transformer_lens_4", use_attn_scale=False)


def probe_of(importing, matrices, **how):
    return {"tokens": TOKENS.tolist(), "logits": importing.forward(matrices, TOKENS, **how).tolist()}


def test_probe(importing, matrices, state):
    imported = importing(state, probe=probe_of(importing, matrices))
    assert imported.probe_rows == 3 and imported.probe_difference < 1e-12
    probe = probe_of(importing, matrices)
    probe["logits"][1][4] += 0.001
    message = r"model.json: config: probe: row 1, tokens \[7, 1, 3\]: logit 4 is \S+ by the weights .*; the layout"
    with pytest.raises(ConfigError, match=message):
        importing(state, probe=probe)
    probe["logits"][1][4] -= 0.00095
    assert 4e-5 < importing(state, probe=probe).probe_difference < 6e-5


def test_probe_finds_transposed_square_matrices(importing):
    matrices = importing.random_matrices(0, 3, 8, 5, 5)
    importing.sized(matrices)
    turned = matrices | {name: np.ascontiguousarray(matrices[name].T) for name in ("W_V", "W_O")}
    state = importing.transformer_lens(turned)
    importing(state)  # nothing shows it
    with pytest.raises(ConfigError, match="by you; with W_V, W_O transposed all rows agree: correct the layout"):
        importing(state, probe=probe_of(importing, matrices))
    with pytest.raises(ConfigError, match=r"by you; with scores 2\.\d+ times those of the config all rows agree"):
        importing(importing.transformer_lens(matrices), probe=probe_of(importing, matrices, attn_scale=1))


@pytest.mark.parametrize("model", ["max_of_2", "modular_pizza_tiny"])
def test_suspicion_without_a_probe(importing, model):
    """A trained network with a matrix transposed is wrong nearly everywhere; the right way round is found by trying."""
    config, weights = load_model(model)
    name = "W_V"
    matrices = weights.matrices()
    layout = f"plain:{config.family}"
    importing.config = example(layout) | {key: getattr(config, key, None) for key in example(layout) if key != "layout"}
    importing.config["attn_scale"] = None
    if config.family != "max_of_k":
        del importing.config["attn_scale"]
    assert importing(matrices).warnings == []
    [warning] = importing(matrices | {name: np.ascontiguousarray(matrices[name].T)}).warnings
    assert f"with {name} transposed: is this the layout of the file?" in warning


def test_an_untrained_network_is_suspected_of_nothing_else(importing, state):
    [warning] = importing(state).warnings
    assert warning.endswith("% of 2,000 sampled inputs are right: is this a network for this task?")


def test_examples_are_valid_configs(importing, matrices):
    assert {name.partition(":")[0] for name in example_names()} == set(LAYOUTS)
    for name in example_names():
        value = example(name)
        fields = LAYOUTS[value["layout"]].fields(value["family"])
        assert all(field.valid(value[key]) for key, field in fields.items())
        assert LAYOUTS[value["layout"]].outside(value) == []


def test_sha256_is_that_of_the_file(importing, state):
    import hashlib

    file, _ = importing.write(state)
    imported = importing(state)
    assert imported.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (imported.file, imported.layout) == ("model.safetensors", "transformer_lens")
    assert safetensors.numpy.load(file.read_bytes()).keys() == state.keys()


def test_half_precision_is_named_where_a_probe_disagrees(importing):
    matrices = importing.random_matrices(0, 3, 8, 6, 4)
    importing.sized(matrices)
    state = {name: tensor.astype(np.float16) for name, tensor in importing.transformer_lens(matrices).items()}
    with pytest.raises(ConfigError, match=r"by you; the layout, attn_scale or sizes .*; model.safetensors: weights in float16"):
        importing(state, probe=probe_of(importing, matrices))
