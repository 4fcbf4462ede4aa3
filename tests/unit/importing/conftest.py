"""Small networks under the names of others, their configs, and a forward pass written down once more, from their definition."""

import json
import math

import numpy as np
import pytest
import safetensors.numpy

from compact_proofs.models.importing.importer import import_model
from compact_proofs.models.importing.layouts import example

SIZES = {"n_ctx": 3, "d_vocab": 8, "d_model": 6, "d_head": 4}


def random_matrices(seed=0, n_ctx=3, d_vocab=8, d_model=6, d_head=4):
    generator = np.random.default_rng(seed)
    shapes = {
        "W_E": (d_vocab, d_model), "W_pos": (n_ctx, d_model), "W_Q": (d_model, d_head), "W_K": (d_model, d_head),
        "W_V": (d_model, d_head), "W_O": (d_head, d_model), "W_U": (d_model, d_vocab),
    }  # fmt: skip
    return {name: generator.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def zero_biases(matrices):
    (d_model, d_head), d_vocab = matrices["W_Q"].shape, len(matrices["W_E"])
    widths = {"b_Q": d_head, "b_K": d_head, "b_V": d_head, "b_O": d_model, "b_U": d_vocab}
    return {name: np.zeros(width, dtype=np.float32) for name, width in widths.items()}


def transformer_lens(matrices, **biases):
    """The state dict of TransformerLens 2.18, buffers included."""
    given = zero_biases(matrices) | biases
    n_ctx = len(matrices["W_pos"])
    state = {"embed.W_E": matrices["W_E"], "pos_embed.W_pos": matrices["W_pos"], "unembed.W_U": matrices["W_U"]}
    state |= {f"blocks.0.attn.W_{one}": matrices[f"W_{one}"][None] for one in "QKVO"}
    state |= {f"blocks.0.attn.b_{one}": given[f"b_{one}"][None] for one in "QKV"}
    state |= {"blocks.0.attn.b_O": given["b_O"], "unembed.b_U": given["b_U"]}
    return state | {
        "blocks.0.attn.mask": np.tril(np.ones((n_ctx, n_ctx), dtype=bool)),
        "blocks.0.attn.IGNORE": np.array(-np.inf, dtype=np.float32),
    }


def transformer_lens_4(matrices, **biases):
    """The state dict of a native network of TransformerLens 4.3."""
    given = zero_biases(matrices) | biases
    state = {"embed.weight": matrices["W_E"], "pos_embed.weight": matrices["W_pos"], "unembed.weight": matrices["W_U"].T}
    state |= {f"blocks.0.attn.{one.lower()}.weight": matrices[f"W_{one}"].T for one in "QKVO"}
    state |= {f"blocks.0.attn.{one.lower()}.bias": given[f"b_{one}"] for one in "QKVO"}
    return {name: np.ascontiguousarray(tensor) for name, tensor in state.items()} | {"unembed.bias": given["b_U"]}


def forward(matrices, tokens, attn_scale=None, **biases):
    """Logits at the last position in float64, with causal attention over all positions, from the definition."""
    W = {name: matrix.astype(np.float64) for name, matrix in (matrices | zero_biases(matrices) | biases).items()}
    attn_scale = math.sqrt(W["W_Q"].shape[1]) if attn_scale is None else attn_scale
    result = []
    for row in tokens:
        x = W["W_E"][row] + W["W_pos"]
        query, key, value = (x @ W[f"W_{one}"] + W[f"b_{one}"] for one in "QKV")
        scores = query @ key.T / attn_scale
        scores[np.triu_indices(len(row), 1)] = -np.inf
        weights = np.exp(scores - scores.max(1, keepdims=True))
        weights /= weights.sum(1, keepdims=True)
        x = x + weights @ value @ W["W_O"] + W["b_O"]
        result.append((x @ W["W_U"] + W["b_U"])[-1])
    return np.array(result)


class Importing:
    """Writes a file of tensors and its config and imports them; `config` may be changed before."""

    random_matrices = staticmethod(random_matrices)
    transformer_lens = staticmethod(transformer_lens)
    transformer_lens_4 = staticmethod(transformer_lens_4)
    forward = staticmethod(forward)

    def __init__(self, folder):
        self.folder = folder
        self.config = example("transformer_lens") | SIZES | {"d_vocab_out": 8, "attn_scale": 2.0}

    def write(self, state, suffix=".safetensors", **changes):
        """Write model.SUFFIX and model.json; return their paths."""
        file, config = self.folder / f"model{suffix}", self.folder / "model.json"
        config.write_text(json.dumps(self.config | changes))
        if suffix == ".safetensors":
            file.write_bytes(safetensors.numpy.save(state))
        else:
            torch = pytest.importorskip("torch")
            torch.save({name: torch.from_numpy(np.array(tensor)) for name, tensor in state.items()}, file)
        return file, config

    def __call__(self, state, suffix=".safetensors", fold_biases=False, **changes):
        return import_model(*self.write(state, suffix, **changes), "mine", fold_biases)

    def refused(self, state, error, message, **changes):
        """Import what has to be refused with this message, of one line."""
        with pytest.raises(error, match=message) as caught:
            self(state, **changes)
        assert type(caught.value) is error
        assert "\n" not in str(caught.value)

    def sized(self, matrices, **changes):
        """Give the config the sizes of these matrices."""
        (d_model, d_head), d_vocab = matrices["W_Q"].shape, len(matrices["W_E"])
        sizes = {"n_ctx": len(matrices["W_pos"]), "d_vocab": d_vocab, "d_vocab_out": d_vocab, "d_model": d_model}
        self.config |= sizes | {"d_head": d_head, "attn_scale": math.sqrt(d_head)} | changes


@pytest.fixture
def importing(tmp_path):
    """`importing(state, ...)`: write and import; see `Importing`."""
    return Importing(tmp_path)


@pytest.fixture
def matrices():
    """A random network by our names."""
    return random_matrices()


@pytest.fixture
def state(matrices):
    """The same network as a state dict of TransformerLens 2.18."""
    return transformer_lens(matrices)
