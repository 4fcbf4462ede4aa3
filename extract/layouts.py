"""How the network of each family stands in Coq: `Layout`, `LAYOUTS`.

Weights.v defines the sizes and matrices of a layout; a theorem's file defines `network` by its template, from these names alone.
Coq: Spec.Network.model, Spec.Modular.modular.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

SIZE_LIMIT = 4000  # sizes of networks; one list of Weights.v has at most so many entries
Group = Literal["max_of_k", "modular"]  # families that share a task and their strategies


@dataclass(frozen=True, slots=True)
class Layout:
    """Names and order of a network's parts.

    facade: all that a theorem imports, under CompactProofs; template: the term of type `coq_type`, {NAME} for each part. `sizes`
    are natural numbers, `signed` integers, `matrices` the matrices that Weights.v has; several places may name the same one.
    """

    name: str
    group: Group
    facade: str
    coq_type: str
    sizes: tuple[str, ...]
    signed: tuple[str, ...]
    matrices: tuple[str, ...]
    template: str

    def types(self) -> dict[str, str]:
        """Return the definitions of Weights.v with their Coq types, in order."""
        result = dict.fromkeys((*self.sizes, *self.signed), "Z")
        for name in self.matrices:
            result |= {name: "list (list Z)", f"{name}_bits": "Z"}
        return result

    def ranges(self) -> dict[str, tuple[int, int]]:
        """Return the least and the most of each number of Weights.v: a negative size would be read as 0."""
        result = dict.fromkeys(self.sizes, (1, SIZE_LIMIT)) | dict.fromkeys(self.signed, (-SIZE_LIMIT, SIZE_LIMIT))
        return result | {f"{name}_bits": (0, 1000) for name in self.matrices}

    def n_inputs(self, sizes: Mapping[str, int]) -> int:
        """Return the number of all inputs of a network of these sizes."""
        return sizes["d_vocab"] ** sizes["n_ctx"] if self.group == "max_of_k" else sizes["modulus"] ** 2

    def unsaid(self, sizes: Mapping[str, int]) -> str:
        """Return what names and shapes of the matrices leave open, for a network's hash: the architecture, the task."""
        return "".join(f"{self.name} {sizes[name]}\0" for name in self.signed)

    def definition(self) -> str:
        """Define `network`, the network that Weights.v holds. It never Imports data, so data cannot shadow the theory."""
        parts = {name: f"(Z.to_nat Weights.{name})" for name in self.sizes}
        parts |= {name: f"Weights.{name}" for name in self.signed}
        parts |= {name: f"\n    (Matrix Weights.{name} (Z.to_nat Weights.{name}_bits))" for name in self.matrices}
        return f"Definition network : {self.coq_type} :=\n  {self.template.format(**parts)}.\n"


_MAX_OF_K_SIZES = ("n_ctx", "d_vocab", "d_model", "d_head")
_MAX_OF_K_MATRICES = ("W_E", "W_pos", "W_Q", "W_K", "W_V", "W_O", "W_U")
_MLP = {  # what comes before and behind the embeddings
    "modular_quadratic": ("Mlp Square {d_mlp}", ("d_mlp",), ("W_U",)),
    "modular_folded": ("Mlp Relu {d_mlp}", ("d_mlp",), ("W_U",)),
    "modular_relu": ("Bottleneck Relu {d_model} {d_mlp}", ("d_model", "d_mlp"), ("W_in", "W_out", "W_U")),
}
_PIZZA = ("W_E", "W_pos", "W_V", "W_O", "W_in", "b_in", "W_out", "b_out", "W_U")
_CANONICAL = ("P", "Q", "L", "R", "U")


def _modular(name: str, head: str, sizes: tuple[str, ...], matrices: tuple[str, ...], shown: tuple[str, ...]) -> Layout:
    """`shown`: the matrices as the term has them, one of them perhaps twice."""
    term = "Modular {modulus} {coefficient} (" + head + "".join(f"{{{matrix}}}" for matrix in shown) + ")"
    return Layout(
        name, "modular", "ModularFacade", "modular", ("modulus", *sizes), ("coefficient",), matrices, term
    )  # fmt: skip


def _layouts() -> dict[str, Layout]:
    term = "Model " + " ".join(f"{{{size}}}" for size in _MAX_OF_K_SIZES) + "".join(f"{{{name}}}" for name in _MAX_OF_K_MATRICES)
    found = [Layout("max_of_k", "max_of_k", "Facade", "model", _MAX_OF_K_SIZES, (), _MAX_OF_K_MATRICES, term)]
    for family, (head, sizes, rest) in _MLP.items():
        found.append(_modular(f"{family}_tied", head, sizes, ("W_E", *rest), ("W_E", "W_E", *rest)))
        found.append(_modular(family, head, sizes, ("W_E", "W_E_b", *rest), ("W_E", "W_E_b", *rest)))
    sizes = ("d_model", "d_attn", "d_mlp")
    found.append(_modular("modular_pizza", "Transformer Relu {d_model} {d_attn} {d_mlp}", sizes, _PIZZA, _PIZZA))
    for activation in ("Relu", "Square"):
        name = f"modular_canonical_{activation.lower()}"
        found.append(_modular(name, f"Canonical {activation} {{d_mlp}}", ("d_mlp",), _CANONICAL, _CANONICAL))
    return {layout.name: layout for layout in found}


LAYOUTS = _layouts()
MAX_OF_K = LAYOUTS["max_of_k"]
