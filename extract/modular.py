"""The quantised network for modular arithmetic: `QuantisedModular`, `quantise_modular`.

Each matrix of the trained network is rounded once, before anything is folded, to integers with one power-of-two scale; the
theorem is about the layer-by-layer network of these integers. A purified or canonical network has only its folded matrices, so
for it these are what is rounded. Coq: Spec.Modular.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from compact_proofs.extract.layouts import LAYOUTS
from compact_proofs.extract.rounding import QuantisedMatrix, QuantisedNetwork, check_bits, quantise_matrix
from compact_proofs.models.errors import ShapeError
from compact_proofs.models.modular.config import CANONICAL, ModularConfig
from compact_proofs.models.modular.weights import ModularWeights


@dataclass(frozen=True, slots=True, eq=False)
class QuantisedModular(QuantisedNetwork):
    """A network in integers; shapes by name as in `models.modular.config.ModularConfig.shapes`.

    family: one of MODULAR_FAMILIES; coefficient: 1 for addition, -1 for subtraction.
    Raises: ShapeError: matrices that the family does not have.
    """

    name: str
    family: str
    modulus: int
    coefficient: int
    weight_bits: int
    tensors: dict[str, QuantisedMatrix]

    def __post_init__(self) -> None:
        if tuple(self.tensors) != LAYOUTS[self.layout].matrices:
            raise ShapeError(
                f"quantised network: got {', '.join(self.tensors)}; wanted {', '.join(LAYOUTS[self.layout].matrices)}"
            )

    @property
    def layout(self) -> str:
        tied = f"{self.family}_tied" in LAYOUTS and "W_E_b" not in self.tensors  # one embedding for both tokens
        return f"{self.family}_tied" if tied else self.family

    def sizes(self) -> dict[str, int]:
        """Return the sizes by name, as Weights.v has them."""
        columns = {name: matrix.ints.shape[1] for name, matrix in self.tensors.items()}
        named = {"d_model": "W_E", "d_mlp": "W_in", "d_attn": "W_V"}  # the matrix that has so many columns
        if "W_in" not in columns:
            named = {"d_mlp": "L" if "L" in columns else "W_E"}
        widths = {size: columns[name] for size, name in named.items() if name in columns}
        return {"modulus": self.modulus, "coefficient": self.coefficient} | widths

    def matrices(self) -> dict[str, QuantisedMatrix]:
        """Return the matrices by name, in the order of the config's shapes."""
        return dict(self.tensors)


def quantise_modular(config: ModularConfig, weights: ModularWeights, weight_bits: int) -> QuantisedModular:
    """Round every matrix to integers of `weight_bits` bits, sign included, with one scale per matrix.

    Of a canonical network L and R have one scale, and P and Q none finer than that of what the neurons bring, whose own error is
    larger. So a direct path that is only the noise of a fold in floats becomes zero.
    Raises: UsageError: weight_bits not in 4..12. OverflowRisk: entries of 2^62 or more.
    """
    check_bits(weight_bits)
    W = weights.in_float64()
    if config.family in CANONICAL:
        tensors = _canonical(W, config.activation, weight_bits)
    else:
        tensors = {name: quantise_matrix(name, matrix, weight_bits) for name, matrix in W.items()}
    return QuantisedModular(config.name, config.family, config.modulus, config.coefficient, weight_bits, tensors)


def _canonical(W: Mapping[str, np.ndarray], activation: str, weight_bits: int) -> dict[str, QuantisedMatrix]:
    both = quantise_matrix("L or R", np.concatenate([W["L"], W["R"]]), weight_bits)
    left, right = (QuantisedMatrix(ints, both.scale_bits) for ints in np.split(both.ints, 2))
    U = quantise_matrix("U", W["U"], weight_bits)
    finest = None  # without neurons the direct path is all there is
    if both.ints.any() and U.ints.any():
        finest = (2 if activation == "square" else 1) * both.scale_bits + U.scale_bits
    P, Q = (quantise_matrix(name, W[name], weight_bits, finest) for name in "PQ")
    return {"P": P, "Q": Q, "L": left, "R": right, "U": U}
