"""The quantised network for modular arithmetic: `QuantisedModular`, `quantise_modular`.

Each matrix of the trained network is rounded once, before anything is folded, to integers with one power-of-two scale; the
theorem is about the layer-by-layer network of these integers. A `modular_folded` network (a purified one) has only its folded
matrices, so for it these are what is rounded. Coq: Spec.Modular.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compact_proofs.extract.layouts import LAYOUTS
from compact_proofs.extract.rounding import QuantisedMatrix, QuantisedNetwork, check_bits, quantise_matrix
from compact_proofs.models.errors import ShapeError
from compact_proofs.models.modular.config import ModularConfig
from compact_proofs.models.modular.weights import ModularWeights


@dataclass(frozen=True, slots=True, eq=False)
class QuantisedModular(QuantisedNetwork):
    """A network in integers; shapes by name as in `models.modular.config.ModularConfig.shapes`.

    family: modular_quadratic, modular_folded, modular_relu or modular_pizza; coefficient: 1 for addition, -1 for subtraction.
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
        tied = "W_E_b" not in self.tensors and self.family != "modular_pizza"  # one embedding for both tokens
        return f"{self.family}_tied" if tied else self.family

    def sizes(self) -> dict[str, int]:
        """Return the sizes by name, as Weights.v has them."""
        folded = self.family in ("modular_quadratic", "modular_folded")
        shapes = {name: matrix.ints.shape for name, matrix in self.tensors.items()}
        width = {"d_mlp": shapes["W_E"][1]} if folded else {"d_model": shapes["W_E"][1], "d_mlp": shapes["W_in"][1]}
        attention = {"d_attn": shapes["W_V"][1]} if "W_V" in shapes else {}
        return {"modulus": self.modulus, "coefficient": self.coefficient} | width | attention

    def matrices(self) -> dict[str, QuantisedMatrix]:
        """Return the matrices by name, in the order of the config's shapes."""
        return dict(self.tensors)


def quantise_modular(config: ModularConfig, weights: ModularWeights, weight_bits: int) -> QuantisedModular:
    """Round every matrix to integers of `weight_bits` bits, sign included, with one scale per matrix.

    Raises: UsageError: weight_bits not in 4..12. OverflowRisk: entries of 2^62 or more.
    """
    check_bits(weight_bits)
    tensors = {name: quantise_matrix(name, matrix.astype(np.float64), weight_bits) for name, matrix in weights.matrices().items()}
    return QuantisedModular(config.name, config.family, config.modulus, config.coefficient, weight_bits, tensors)
