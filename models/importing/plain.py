"""Files with our own names, of any family: `LAYOUT`. Shapes as in `ModelConfig.shapes` and `ModularConfig.shapes`."""

from __future__ import annotations

import math

from compact_proofs.models.config import FAMILIES, ModelConfig
from compact_proofs.models.errors import ConfigError, WeightsError
from compact_proofs.models.importing.layout import Field, Layout, Network, Values, check_shape, flag, number_or_null, size, word
from compact_proofs.models.importing.tensors import Tensors
from compact_proofs.models.importing.transformer_lens import score_factor
from compact_proofs.models.modular.config import CANONICAL, COEFFICIENTS, MODULAR_FAMILIES, SIZES, ModularConfig

MAX_SIZES = ("n_ctx", "d_vocab", "d_model", "d_head")


def fields(family: str) -> dict[str, Field]:
    """Return the keys of the config of a family."""
    if family == "max_of_k":
        usual = {"n_ctx": 4, "d_vocab": 64, "d_model": 32, "d_head": 32}
        return {key: size(usual[key]) for key in MAX_SIZES} | {"attn_scale": number_or_null(math.sqrt(32), varies=True)}
    widths = {"d_model": 64, "d_mlp": 128, "d_attn": 64}
    return {
        "modulus": size(59),
        "operation": word("addition", *COEFFICIENTS),
        "tied": flag(True),
        **{key: size(widths[key]) for key in SIZES[family]},
    }


def read(name: str, values: Values, tensors: Tensors) -> Network:
    """Read the matrices by name; a bias may be a vector too."""
    config = _config(name, values)
    wanted = config.shapes()
    if unknown := [one for one in tensors.names() if one not in wanted]:
        raise WeightsError(f"unknown tensor {', '.join(unknown)}; a {config.family} network has {', '.join(wanted)} and no other")
    if missing := [one for one in wanted if one not in tensors]:
        raise WeightsError(f"tensor {', '.join(missing)} is missing; a {config.family} network has {', '.join(wanted)}")
    matrices = {}
    for key, shape in wanted.items():
        got = tensors.shape(key)
        if not (key.startswith("b_") and got == shape[1:]):
            check_shape(key, got, shape, f"{shape} from {config.sizes_in_words()}", "n_ctx" if key == "W_pos" else "")
        matrices[key] = tensors.numbers(key).reshape(shape)
    notes = []
    if isinstance(config, ModelConfig):
        attn_scale = math.sqrt(config.d_head) if values["attn_scale"] is None else values["attn_scale"]
        if not math.isclose(attn_scale, math.sqrt(config.d_head), rel_tol=1e-7):
            factor, note = score_factor(attn_scale, config.d_head)
            matrices["W_Q"] = matrices["W_Q"] * factor
            notes.append(note)
    return Network(config, matrices, notes=notes)


def _config(name: str, values: Values) -> ModelConfig | ModularConfig:
    family = values["family"]
    if family == "max_of_k":
        if values["attn_scale"] is not None and values["attn_scale"] <= 0:
            raise ConfigError(f"config: attn_scale is {values['attn_scale']}; wanted a number above 0, or null for sqrt(d_head)")
        return ModelConfig(name, family, *(values[key] for key in MAX_SIZES))
    return ModularConfig(
        name,
        family,
        values["modulus"],
        values["operation"],
        values["tied"],
        d_model=values.get("d_model"),
        d_mlp=values["d_mlp"],
        d_attn=values.get("d_attn"),
    )


LAYOUT = Layout(
    name="plain",
    summary="our own names (W_E, W_Q, ...), for any family",
    known_by="W_E",
    families=(*FAMILIES, *(family for family in MODULAR_FAMILIES if family not in CANONICAL)),
    fields=fields,
    outside=lambda values: [],
    read=read,
)
