"""What is refused: each file and config outside the theory, or at odds with itself, by what the message says."""

import json
import subprocess
import sys

import numpy as np
import pytest

from compact_proofs.models.errors import ConfigError, InputRefused, OutsideTheory, ShapeError, ToolMissing, WeightsError
from compact_proofs.models.importing.importer import import_model
from compact_proofs.models.importing.layouts import example

NAN = np.float32("nan")
ATTN = "blocks.0.attn."


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ln_final.w", "tensor ln_final.w: the theory covers no LayerNorm or RMSNorm"),
        ("blocks.0.ln1.b", "tensor blocks.0.ln1.b: the theory covers no LayerNorm"),
        ("blocks.1.attn.W_Q", "tensor blocks.1.attn.W_Q: the theory covers one layer"),
        ("blocks.0.mlp.W_in", "tensor blocks.0.mlp.W_in: the theory of max_of_k covers attention-only networks"),
        (f"{ATTN}rotary_sin", "tensor blocks.0.attn.rotary_sin: the theory covers learned positions"),
        (f"{ATTN}_W_K", "tensor blocks.0.attn._W_K: the theory covers one head with keys and values of its own"),
    ],
)
def test_tensors_outside_the_theory(importing, state, name, message):
    state[name] = np.full((2, 2), NAN)
    importing.refused(state, OutsideTheory, r"model\.safetensors: " + message + ".*, and export that one$")


@pytest.mark.parametrize("n_ctx_seen", [1, 2])
def test_a_mask_that_hides_positions(importing, state, n_ctx_seen):
    state[f"{ATTN}mask"] = np.triu(state[f"{ATTN}mask"], 1 - n_ctx_seen)
    importing.refused(state, OutsideTheory, "attn.mask: the last position does not see position 0: .*use_local_attn=False$")


def test_biases(importing, matrices):
    b_V = np.array([0, -0.25, 0.125, 0], dtype=np.float32)
    message = (
        r"model\.safetensors: tensor blocks.0.attn.b_V: a bias, largest entry -0.25 at \[1\]: the theory covers no biases: "
        r"train with biases fixed to zero, or import with --fold-biases, which makes an equal network of d_model \+ 1 .*$"
    )
    importing.refused(importing.transformer_lens(matrices, b_V=b_V), OutsideTheory, message)
    both = importing.transformer_lens(matrices, b_V=b_V, b_U=np.ones(8, dtype=np.float32))
    importing.refused(both, OutsideTheory, r"tensor unembed.b_U: a bias, largest entry 1 at \[0\] \(there are more: .*b_V\)")
    importing.refused(importing.transformer_lens(matrices, b_V=b_V * NAN), WeightsError, r"attn.b_V: entry \[0, 0\] is nan")
    importing.refused(importing.transformer_lens(matrices, b_V=b_V[:3] * 0), ShapeError, r"b_V: got shape \(1, 3\), wanted")


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("embed.W_E", lambda W: W.T, r"embed.W_E: got shape \(6, 8\), wanted \(d_vocab, d_model\) = \(8, 6\); it is transposed"),
        (f"{ATTN}W_O", lambda W: W.transpose(0, 2, 1), r"W_O: got shape \(1, 6, 4\), wanted .*; it is transposed"),
        (f"{ATTN}W_Q", lambda W: W[0], r"W_Q: got shape \(6, 4\), wanted .* = \(1, 6, 4\); it lacks the axis of heads in front"),
        (f"{ATTN}W_K", lambda W: np.repeat(W, 2, 0), r"got shape \(2, 6, 4\), .*; it has 2 heads, the theory covers one: train"),
        ("pos_embed.W_pos", lambda W: np.repeat(W, 2, 0), r"got shape \(6, 6\), wanted \(n_ctx, d_model\).* n_ctx"),
        ("unembed.W_U", lambda W: W[:, :7], r"unembed.W_U: got shape \(6, 7\), wanted \(d_model, d_vocab\).*; correct the con"),
    ],
)
def test_shapes(importing, state, name, change, message):
    state[name] = np.ascontiguousarray(change(state[name]))
    importing.refused(state, ShapeError, r"model\.safetensors: tensor .*" + message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"d_model": 7}, r"embed.W_E: got shape \(8, 6\), wanted \(d_vocab, d_model\) = \(8, 7\); correct"),
        ({"n_ctx": 4}, r"pos_embed.W_pos: got shape \(3, 6\), wanted \(n_ctx, d_model\) = \(4, 6\); the theory"),
        ({"d_head": 10**30}, r"blocks.0.attn.W_Q: got shape \(1, 6, 4\), wanted"),
    ],
)
def test_config_against_tensors(importing, state, changes, message):
    importing.refused(state, ShapeError, message, **changes)


def test_missing_and_unknown_tensors(importing, state):
    lacking = {name: tensor for name, tensor in state.items() if name not in ("embed.W_E", f"{ATTN}W_V")}
    importing.refused(lacking, WeightsError, "tensor embed.W_E, blocks.0.attn.W_V is missing; wanted embed.W_E,")
    extra = state | {"extra": np.zeros(1, dtype=np.float32)}
    importing.refused(extra, WeightsError, "unknown tensor extra; a file of layout transformer_lens holds embed.W_E, ")


@pytest.mark.parametrize(("bad", "word"), [(NAN, "nan"), (np.float32("inf"), "inf")])
def test_not_finite(importing, state, bad, word):
    state[f"{ATTN}W_V"][0, 2, 1] = state[f"{ATTN}W_V"][0, 4, 0] = bad
    message = rf"model\.safetensors: tensor blocks.0.attn.W_V: entry \[0, 2, 1\] is {word}, wanted finite numbers .*\(2 of 24"
    importing.refused(state, WeightsError, message)


def test_dtypes_that_are_no_weights(importing, state):
    doubles = state | {"embed.W_E": state["embed.W_E"].astype(np.float64) * 1e300}
    importing.refused(doubles, WeightsError, r"tensor embed.W_E: entry \[0, 0\] is \S+e\+299, wanted finite")
    integers = state | {"embed.W_E": np.ones((8, 6), dtype=np.int64)}
    importing.refused(integers, WeightsError, r"tensor embed.W_E: got dtype I64, wanted float32; convert")


def test_a_file_of_another_layout(importing, matrices, state):
    message = r"model\.json: config: layout is 'transformer_lens', but the file holds embed.weight, as transformer_lens_4 has"
    importing.refused(importing.transformer_lens_4(matrices), ConfigError, message)
    importing.refused(matrices, ConfigError, "but the file holds W_E, as plain has; correct one")


def test_plain_files(importing, matrices):
    importing.config = example("plain:max_of_k") | {"n_ctx": 3, "d_vocab": 8, "d_model": 6, "d_head": 4, "attn_scale": 2.0}
    turned = matrices | {"W_E": np.ascontiguousarray(matrices["W_E"].T)}
    importing.refused(turned, ShapeError, r"W_E: got shape \(6, 8\), wanted \(8, 6\) from n_ctx=3 d_vocab=8 .*")
    importing.refused(matrices | {"b_U": matrices["W_U"]}, WeightsError, "unknown tensor b_U; a max_of_k network has")
    del matrices["W_K"], matrices["W_V"]
    importing.refused(matrices, WeightsError, "tensor W_K, W_V is missing; a max_of_k network has")
    importing.refused(matrices, ConfigError, "config: attn_scale is -1; wanted a number above 0, or null", attn_scale=-1)
    importing.config = example("plain:modular_relu")
    importing.refused(matrices, ConfigError, r"model\.json: config: modulus is 4; wanted an odd number", modulus=4)
    importing.refused(matrices, ConfigError, "wanted tied false", operation="subtraction")
    importing.refused(matrices, WeightsError, "unknown tensor W_O, W_Q, W_pos; a modular_relu network has")


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_truncated(importing, state, suffix, keep):
    file, config = importing.write(state, suffix)
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(WeightsError, match=rf"model{suffix}: not a whole .* \(\d+ bytes.*truncated or damaged, restore it"):
        import_model(file, config, "mine")


def test_files_that_are_none(importing, state, tmp_path):
    file, config = importing.write(state)
    with pytest.raises(WeightsError, match=r"got a file ending in '.bin'; wanted .pt, .pth, .safetensors"):
        import_model(file.with_suffix(".bin"), config, "mine")
    with pytest.raises(WeightsError, match=r"gone.pt: no such file"):
        import_model(tmp_path / "gone.pt", config, "mine")
    with pytest.raises(ConfigError, match=r"gone.json: no such file; `compact-proofs import"):
        import_model(file, tmp_path / "gone.json", "mine")
    (tmp_path / "folder.pt").mkdir()
    with pytest.raises(WeightsError, match=r"folder.pt: cannot be read \(Is a directory\)"):
        import_model(tmp_path / "folder.pt", config, "mine")
    with pytest.raises(ConfigError, match=r"folder.pt: cannot be read \(Is a directory\)"):
        import_model(file, tmp_path / "folder.pt", "mine")


def test_pt_without_torch(importing, state):
    file, config = importing.write(state, ".pt")
    program = (
        "import sys; sys.modules['torch'] = None\nfrom compact_proofs.proofs.cli import main\n"
        f"sys.exit(main(['import', {str(file)!r}, '--config', {str(config)!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=importing.folder)
    assert done.returncode == ToolMissing.exit_code
    assert "model.pt: reading it needs torch; pip install" in done.stderr and "Traceback" not in done.stderr


def test_outside_the_theory_is_input_refused():
    assert issubclass(OutsideTheory, InputRefused) and OutsideTheory.exit_code == 3
    json.dumps(example("transformer_lens"))
