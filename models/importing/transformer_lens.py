"""State dicts of TransformerLens: `LAYOUT` (HookedTransformer, versions 1 to 3) and `LAYOUT_4` (native keys of version 4).

Keys and shapes were read off state dicts of 2.18, 3.9 and 4.3. Nothing here imports that package. Some of what a network
computes leaves no trace in its keys (LayerNorm without weights, soft caps, attention unscaled or local), so the config has to
say all of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from compact_proofs.models.config import ModelConfig
from compact_proofs.models.errors import ConfigError, OutsideTheory, WeightsError
from compact_proofs.models.importing.layout import (
    Field,
    Layout,
    Network,
    Values,
    check_shape,
    flag,
    number_or_null,
    size,
    size_or_null,
    text,
    text_or_null,
)
from compact_proofs.models.importing.tensors import Tensors

OFF = (None, -1)  # soft caps that do nothing
MASK, IGNORE = "blocks.0.attn.mask", "blocks.0.attn.IGNORE"  # buffers; mask is empty from version 3 on


@dataclass(frozen=True, slots=True)
class Key:
    """A tensor of the file: its name, its axes, and whether it is the transpose of ours."""

    name: str
    axes: tuple[str, ...]
    transposed: bool = False


HEADS_IN, HEADS_OUT = ("n_heads", "d_model", "d_head"), ("n_heads", "d_head", "d_model")
WEIGHTS = {
    "W_E": Key("embed.W_E", ("d_vocab", "d_model")),
    "W_pos": Key("pos_embed.W_pos", ("n_ctx", "d_model")),
    "W_Q": Key("blocks.0.attn.W_Q", HEADS_IN),
    "W_K": Key("blocks.0.attn.W_K", HEADS_IN),
    "W_V": Key("blocks.0.attn.W_V", HEADS_IN),
    "W_O": Key("blocks.0.attn.W_O", HEADS_OUT),
    "W_U": Key("unembed.W_U", ("d_model", "d_vocab")),
}
BIASES = {
    "b_Q": Key("blocks.0.attn.b_Q", ("n_heads", "d_head")),
    "b_K": Key("blocks.0.attn.b_K", ("n_heads", "d_head")),
    "b_V": Key("blocks.0.attn.b_V", ("n_heads", "d_head")),
    "b_O": Key("blocks.0.attn.b_O", ("d_model",)),
    "b_U": Key("unembed.b_U", ("d_vocab",)),
}
WEIGHTS_4 = {
    "W_E": Key("embed.weight", ("d_vocab", "d_model")),
    "W_pos": Key("pos_embed.weight", ("n_ctx", "d_model")),
    "W_Q": Key("blocks.0.attn.q.weight", ("d_head", "d_model"), transposed=True),
    "W_K": Key("blocks.0.attn.k.weight", ("d_head", "d_model"), transposed=True),
    "W_V": Key("blocks.0.attn.v.weight", ("d_head", "d_model"), transposed=True),
    "W_O": Key("blocks.0.attn.o.weight", ("d_model", "d_head"), transposed=True),
    "W_U": Key("unembed.weight", ("d_vocab", "d_model"), transposed=True),
}
BIASES_4 = {
    "b_Q": Key("blocks.0.attn.q.bias", ("d_head",)),
    "b_K": Key("blocks.0.attn.k.bias", ("d_head",)),
    "b_V": Key("blocks.0.attn.v.bias", ("d_head",)),
    "b_O": Key("blocks.0.attn.o.bias", ("d_model",)),
    "b_U": Key("unembed.bias", ("d_vocab",)),
}
NO_NORM = (
    "the theory covers no LayerNorm or RMSNorm, which divide by a root of the whole residual stream (folding their weights "
    "leaves the division): train a network with normalization_type=None"
)
NO_MLP = "the theory of max_of_k covers attention-only networks: train one with attn_only=True"
ONE_LAYER = "the theory covers one layer, later ones read what earlier ones wrote: train a network with n_layers=1"
POSITIONS = (
    "the theory covers learned positions that are added to the embedding, in scores and values alike: train a network with "
    "positional_embedding_type='standard'"
)
OWN_KEYS = "the theory covers one head with keys and values of its own: train a network without n_key_value_heads"
FOREIGN = [  # keys that say what the network has; the first that matches counts
    (re.compile(r"blocks\.[1-9]"), ONE_LAYER),
    (re.compile(r"(.*\.)?ln(\d|_|\.|$)"), NO_NORM),
    (re.compile(r"blocks\.0\.mlp\."), NO_MLP),
    (re.compile(r".*(rotary|rel_pos|alibi)"), POSITIONS),
    (re.compile(r"blocks\.0\.attn\._W_[KV]$"), OWN_KEYS),
    (re.compile(r"blocks\.0\.attn\.[qk]_norm"), NO_NORM),
]


def fields(family: str) -> dict[str, Field]:
    """Return the keys of the config: those of a TransformerLens cfg that decide what the network computes."""
    return {
        "n_layers": size(1, varies=False),
        "n_heads": size(1, varies=False),
        "d_model": size(32),
        "d_head": size(32),
        "d_mlp": size_or_null(),
        "d_vocab": size(64),
        "d_vocab_out": size(64),
        "n_ctx": size(4),
        "act_fn": text_or_null(),
        "attn_only": flag(True),
        "normalization_type": text_or_null(),
        "positional_embedding_type": text("standard"),
        "attention_dir": text("causal"),
        "use_local_attn": flag(False),
        "use_attn_scale": flag(True),
        "attn_scale": number_or_null(math.sqrt(32), varies=True),
        "attn_scores_soft_cap": number_or_null(-1.0),
        "output_logits_soft_cap": number_or_null(-1.0),
    }


def outside(values: Values) -> list[str]:
    """Return a sentence for each thing in the config that the theory does not cover.

    act_fn and d_mlp say nothing where there is no MLP. With one layer read at the last position, causal attention and
    attention in both directions are the same.
    """
    return list(_outside(values))


def _outside(values: Values) -> Iterator[str]:
    if values["n_layers"] != 1:
        yield f"n_layers is {values['n_layers']}: {ONE_LAYER}"
    if values["n_heads"] != 1:
        yield (
            f"n_heads is {values['n_heads']}: the theory covers one head, several softmaxes do not become one sum over "
            "positions: train a network with n_heads=1"
        )
    if values["normalization_type"] is not None:
        yield f"normalization_type is {values['normalization_type']!r}: {NO_NORM}"
    if not values["attn_only"]:
        yield f"attn_only is false: {NO_MLP}"
    if values["positional_embedding_type"] != "standard":
        yield f"positional_embedding_type is {values['positional_embedding_type']!r}: {POSITIONS}"
    if values["attention_dir"] not in ("causal", "bidirectional"):
        yield f"attention_dir is {values['attention_dir']!r}: the theory covers 'causal' and 'bidirectional', which agree here"
    if values["use_local_attn"]:
        yield (
            "use_local_attn is true: the theory covers attention to all positions, not to a window of them: train a network with "
            "use_local_attn=False"
        )
    for key in ("attn_scores_soft_cap", "output_logits_soft_cap"):
        if values[key] not in OFF:
            yield f"{key} is {values[key]}: the theory covers no soft cap: train a network with {key}=-1"
    if values["d_vocab_out"] != values["d_vocab"]:
        yield (
            f"d_vocab_out is {values['d_vocab_out']} and d_vocab {values['d_vocab']}: the answer of max_of_k is one of the "
            "tokens, so the theory covers one vocabulary for both: train a network with d_vocab_out=d_vocab, without extra tokens"
        )


def _read(layout: str, weights: dict[str, Key], biases: dict[str, Key], name: str, values: Values, tensors: Tensors) -> Network:
    config = ModelConfig(name, "max_of_k", *(values[size] for size in ("n_ctx", "d_vocab", "d_model", "d_head")))
    attn_scale = _attn_scale(layout, values)
    skipped = {key: "a buffer, no weight" for key in (MASK, IGNORE) if key in tensors}
    _check_names(layout, [*weights.values(), *biases.values()], [key.name for key in weights.values()], tensors)
    _check_mask(values["n_ctx"], tensors)
    for key in (*weights.values(), *(key for key in biases.values() if key.name in tensors)):
        wanted = tuple(values[axis] for axis in key.axes)
        check_shape(key.name, tensors.shape(key.name), wanted, f"({', '.join(key.axes)}) = {wanted}", key.axes[0])
    matrices = {}
    for ours, key in weights.items():
        matrix = tensors.numbers(key.name)
        matrix = matrix[0] if matrix.ndim == 3 else matrix
        matrices[ours] = matrix.T if key.transposed else matrix
    found = {}
    for ours, key in biases.items():
        if key.name in tensors:
            vector = tensors.numbers(key.name)
            if np.any(vector):
                found[ours] = (key.name, vector.reshape(-1))
            else:
                skipped[key.name] = "a bias of zeros"
    notes = []
    if not math.isclose(attn_scale, math.sqrt(config.d_head), rel_tol=1e-7):  # finer than float32
        factor, note = score_factor(attn_scale, config.d_head)
        matrices["W_Q"] = matrices["W_Q"] * factor
        if "b_Q" in found:
            found["b_Q"] = (found["b_Q"][0], found["b_Q"][1] * factor)
        notes.append(note)
    return Network(config, matrices, found, skipped, notes)


def score_factor(attn_scale: float, d_head: int) -> tuple[float, str]:
    """Return what W_Q is multiplied by, to divide its scores by sqrt(d_head) instead of attn_scale; and a note on it."""
    factor = math.sqrt(d_head) / attn_scale
    return factor, f"scores are divided by {attn_scale:g}, ours by sqrt(d_head): W_Q multiplied by {factor:.6g}"


def _attn_scale(layout: str, values: Values) -> float:
    """Return what scores are divided by; -1 and null stand for sqrt(d_head)."""
    given = values["attn_scale"]
    if not values["use_attn_scale"]:
        if layout == "transformer_lens_4":
            raise ConfigError(
                "config: use_attn_scale is false, which version 4 takes for sqrt(d_head) and versions before for no scale; "
                "wanted true, with what your scores are divided by in attn_scale"
            )
        return 1.0
    if given in OFF:
        return math.sqrt(values["d_head"])
    if given <= 0:
        raise ConfigError(f"config: attn_scale is {given}; wanted a number above 0, or -1 or null for sqrt(d_head)")
    return float(given)


def _check_names(layout: str, known: list[Key], wanted: list[str], tensors: Tensors) -> None:
    allowed = {MASK, IGNORE, *(key.name for key in known)}
    foreign = [name for name in tensors.names() if name not in allowed]
    for pattern, sentence in FOREIGN:
        if hit := next((name for name in foreign if pattern.match(name)), None):
            raise OutsideTheory(f"tensor {hit}: {sentence}, and export that one")
    missing = [name for name in wanted if name not in tensors]
    if foreign:
        raise WeightsError(
            f"unknown tensor {', '.join(foreign)}; a file of layout {layout} holds {', '.join(wanted)}, biases of zeros and "
            "buffers: nobody can tell what another tensor does, take it out if it does nothing"
        )
    if missing:
        raise WeightsError(f"tensor {', '.join(missing)} is missing; wanted {', '.join(wanted)}; save model.state_dict() whole")


def _check_mask(n_ctx: int, tensors: Tensors) -> None:
    """Refuse a causal mask that hides a position from the last one. Raises: OutsideTheory."""
    if MASK in tensors and tensors.shape(MASK) == (n_ctx, n_ctx):
        mask = tensors.flags(MASK)
        if mask is not None and not mask[-1].all():
            raise OutsideTheory(
                f"tensor {MASK}: the last position does not see position {int(mask[-1].argmin())}: the theory covers attention "
                "to all positions: train a network with use_local_attn=False"
            )


LAYOUT = Layout(
    name="transformer_lens",
    summary="state dict of a HookedTransformer, TransformerLens 1 to 3",
    known_by="embed.W_E",
    families=("max_of_k",),
    fields=fields,
    outside=outside,
    read=lambda name, values, tensors: _read("transformer_lens", WEIGHTS, BIASES, name, values, tensors),
)
LAYOUT_4 = Layout(
    name="transformer_lens_4",
    summary="state dict of a native TransformerLens 4 model",
    known_by="embed.weight",
    families=("max_of_k",),
    fields=fields,
    outside=outside,
    read=lambda name, values, tensors: _read("transformer_lens_4", WEIGHTS_4, BIASES_4, name, values, tensors),
)
