"""Folded networks: files with the matrices P, Q, L, R, U of P[a] + Q[b] + act(L[a] + R[b]) U, a and b the tokens: `LAYOUT`."""

from __future__ import annotations

from compact_proofs.models.errors import WeightsError
from compact_proofs.models.importing.layout import Field, Layout, Network, Values, check_shape, size, word
from compact_proofs.models.importing.tensors import Tensors
from compact_proofs.models.modular.config import CANONICAL, COEFFICIENTS, ModularConfig

AXES = {
    "P": ("modulus", "modulus"),
    "Q": ("modulus", "modulus"),
    "L": ("modulus", "d_mlp"),
    "R": ("modulus", "d_mlp"),
    "U": ("d_mlp", "modulus"),
}


def fields(family: str) -> dict[str, Field]:
    """Return the keys of the config; the family says what the activation is."""
    return {"modulus": size(59), "operation": word("addition", *COEFFICIENTS), "d_mlp": size(128)}


def read(name: str, values: Values, tensors: Tensors) -> Network:
    """Read the matrices by name."""
    p, d_mlp = values["modulus"], values["d_mlp"]
    config = ModularConfig(name, values["family"], p, values["operation"], tied=False, d_model=None, d_mlp=d_mlp, d_attn=None)
    if unknown := [one for one in tensors.names() if one not in AXES]:
        raise WeightsError(
            f"unknown tensor {', '.join(unknown)}; a canonical network has {', '.join(AXES)} and no other: fold what else there "
            "is into them (a bias of the neurons into L, one of the outputs into P)"
        )
    if missing := [one for one in AXES if one not in tensors]:
        advice = "save all five"
        if set(missing) <= {"P", "Q"}:
            zeros = " = ".join((*missing, f"np.zeros(({p}, {p}), np.float32)"))
            advice = f"where no path goes past the neurons, save zeros: {zeros}"
        raise WeightsError(f"tensor {', '.join(missing)} is missing; wanted {', '.join(AXES)}; {advice}")
    matrices = {}
    for key, axes in AXES.items():
        wanted = tuple(values[axis] for axis in axes)
        check_shape(key, tensors.shape(key), wanted, f"({', '.join(axes)}) = {wanted}")
        matrices[key] = tensors.numbers(key)
    return Network(config, matrices)


LAYOUT = Layout(
    name="canonical",
    summary="the matrices P, Q, L, R, U that a network for modular arithmetic folds into",
    known_by="L",
    families=CANONICAL,
    fields=fields,
    outside=lambda values: [],
    read=read,
)
