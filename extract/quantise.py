"""Floats end here: each weight matrix is rounded once to integers with one power-of-two scale (`quantise`).

The theorems are about these integers: `QuantisedModel.save` stores them and `sha256` names them. The division of scores
by sqrt(d_head) is folded into W_Q in float64 before rounding, so no irrational number is left. `accuracy` compares the
float and the quantised network.
"""

import json
import math
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from compact_proofs.extract.rounding import METADATA_KEY, SCHEMA, QuantisedMatrix, QuantisedNetwork, check_bits, quantise_matrix
from compact_proofs.models.config import ModelConfig
from compact_proofs.models.errors import ConfigError, ShapeError, UsageError, WeightsError
from compact_proofs.models.evaluate import (
    LIMIT,
    Disagreement,
    Evaluation,
    TokenTables,
    count_disagreements,
    count_right,
    float_tables,
    token_tables,
)
from compact_proofs.models.weights import Weights, check_shapes, read_tensors

SIZES = ("n_ctx", "d_vocab", "d_model", "d_head")


@dataclass(frozen=True, slots=True, eq=False)
class QuantisedModel(QuantisedNetwork):
    """A network in integers; shapes as in `Weights`, and 1/sqrt(d_head) is in W_Q.

    Raises: ConfigError: a name or size that no ModelConfig allows. ShapeError: a matrix that disagrees with the sizes.
    """

    name: str
    n_ctx: int
    d_vocab: int
    d_model: int
    d_head: int
    weight_bits: int
    W_E: QuantisedMatrix
    W_pos: QuantisedMatrix
    W_Q: QuantisedMatrix
    W_K: QuantisedMatrix
    W_V: QuantisedMatrix
    W_O: QuantisedMatrix
    W_U: QuantisedMatrix

    def __post_init__(self) -> None:
        check_bits(self.weight_bits)
        config = ModelConfig(self.name, "max_of_k", self.n_ctx, self.d_vocab, self.d_model, self.d_head)
        for name, wanted in config.shapes().items():
            got = getattr(self, name).ints.shape
            if got != wanted:
                raise ShapeError(f"quantised tensor {name}: got shape {got}, wanted {wanted}")

    def matrices(self) -> dict[str, QuantisedMatrix]:
        """Return the matrices by name, in the order of the fields."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name.startswith("W_")}

    @property
    def layout(self) -> str:
        return "max_of_k"

    def sizes(self) -> dict[str, int]:
        """Return the sizes by name."""
        return {key: getattr(self, key) for key in SIZES}

    @classmethod
    def load(cls, path: Path) -> "QuantisedModel":
        """Read the file of `save`.

        Raises: WeightsError, ShapeError, ConfigError: missing, truncated or changed file; the message starts with it.
        """
        path = Path(path)
        if not path.is_file():
            raise WeightsError(f"{path}: no such file; quantise the model first")
        names = [field.name for field in fields(cls) if field.name.startswith("W_")]
        try:
            data = path.read_bytes()
            tensors = read_tensors(data, names, "I64")
            header = _read_header(data)
            scale_bits = header.pop("scale_bits")
            wanted_sha256 = header.pop("sha256")
            matrices = (QuantisedMatrix(tensors[name], scale_bits[name]) for name in names)
            model = cls(*(header[key] for key in ("name", *SIZES, "weight_bits")), *matrices)
            if model.sha256 != wanted_sha256:
                raise WeightsError(f"sha256 of the integers is {model.sha256}, the file says {wanted_sha256}; quantise again")
        except UsageError as error:  # the width; here it is the file that is wrong, not the command
            raise WeightsError(f"{path}: {error}") from error
        except (WeightsError, ShapeError, ConfigError) as error:
            raise type(error)(f"{path}: {error}") from error
        return model


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The float and the quantised network side by side, and on how many inputs their answers differ."""

    float_network: Evaluation
    quantised: Evaluation
    disagreement: Disagreement


def quantise(config: ModelConfig, weights: Weights, weight_bits: int = 8) -> QuantisedModel:
    """Round every matrix to integers of `weight_bits` bits, sign included, with one scale per matrix.

    Raises: UsageError: weight_bits not in 4..12. ShapeError: weights that disagree with the config. OverflowRisk:
    entries of 2^62 or more.
    """
    check_bits(weight_bits)
    check_shapes(config, weights)
    matrices = {name: matrix.astype(np.float64) for name, matrix in weights.matrices().items()}
    matrices["W_Q"] /= math.sqrt(config.d_head)
    rounded = (quantise_matrix(name, matrix, weight_bits) for name, matrix in matrices.items())
    return QuantisedModel(config.name, config.n_ctx, config.d_vocab, config.d_model, config.d_head, weight_bits, *rounded)


def quantised_tables(quantised: QuantisedModel) -> TokenTables:
    """Compute the float64 tables of the quantised network, for `count_right`."""
    values = {name: matrix.to_float() for name, matrix in quantised.matrices().items()}
    values["W_Q_scaled"] = values.pop("W_Q")
    return token_tables(**values)


def accuracy(config: ModelConfig, weights: Weights, quantised: QuantisedModel, limit: int = LIMIT) -> Accuracy:
    """Evaluate both networks over all inputs, or over the same seeded sample where they are more than `limit`."""
    of_float, of_ints = float_tables(config, weights), quantised_tables(quantised)
    return Accuracy(count_right(of_float, limit), count_right(of_ints, limit), count_disagreements(of_float, of_ints, limit))


def _read_header(data: bytes) -> dict:
    """Return the metadata of `QuantisedModel.save`, every key checked to be there, the schema taken off."""
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length]).get("__metadata__", {})
    try:
        header = json.loads(metadata[METADATA_KEY])
        schema = header.pop("schema")
        scale_names = set(header["scale_bits"])
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise WeightsError(f"no readable metadata key {METADATA_KEY!r} ({error!r}); quantise the model again") from error
    if schema != SCHEMA:
        raise WeightsError(f"schema is {schema!r}, wanted {SCHEMA}; quantise the model again")
    wanted = {"name", "weight_bits", "sha256", "scale_bits", *SIZES}
    names = {field.name for field in fields(QuantisedModel) if field.name.startswith("W_")}
    if set(header) != wanted or scale_names != names:
        raise WeightsError(f"metadata keys are {sorted(header)} with scales of {sorted(scale_names)}; quantise again")
    return header
