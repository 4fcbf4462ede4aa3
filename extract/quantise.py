"""Floats end here: each weight matrix is rounded once to integers with one power-of-two scale (`quantise`).

The theorems are about these integers: `QuantisedModel.save` stores them and `sha256` names them. The division of scores
by sqrt(d_head) is folded into W_Q in float64 before rounding, so no irrational number is left. `accuracy` compares the
float and the quantised network.
"""

import hashlib
import json
import math
import struct
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import safetensors.numpy

from compact_proofs.models.config import ModelConfig
from compact_proofs.models.errors import ConfigError, OverflowRisk, ShapeError, UsageError, WeightsError
from compact_proofs.models.evaluate import (
    Disagreement,
    Evaluation,
    TokenTables,
    count_disagreements,
    count_right,
    float_tables,
    token_tables,
)
from compact_proofs.models.files import write_atomic
from compact_proofs.models.weights import Weights, check_shapes, read_tensors

SCHEMA = 1
METADATA_KEY = "compact_proofs"
LEAST_BITS = 4
MOST_BITS = 12
SIZES = ("n_ctx", "d_vocab", "d_model", "d_head")


@dataclass(frozen=True, slots=True, eq=False)
class QuantisedMatrix:
    """Integers times 2^-scale_bits: `ints` int64 (rows, columns), read-only; `scale_bits` >= 0.

    Raises: ShapeError: not a matrix. WeightsError: not int64, or a negative scale.
    """

    ints: np.ndarray
    scale_bits: int

    def __post_init__(self) -> None:
        if self.ints.ndim != 2:
            raise ShapeError(f"quantised matrix: got shape {self.ints.shape}, wanted a matrix")
        if self.ints.dtype != np.int64:
            raise WeightsError(f"quantised matrix: got dtype {self.ints.dtype}, wanted int64")
        if isinstance(self.scale_bits, bool) or not isinstance(self.scale_bits, int) or self.scale_bits < 0:
            raise WeightsError(f"quantised matrix: scale_bits is {self.scale_bits!r}, wanted an integer >= 0")
        ints = np.array(self.ints, dtype=np.int64, order="C")
        ints.flags.writeable = False
        object.__setattr__(self, "ints", ints)

    def to_float(self) -> np.ndarray:
        """Return the values as float64 (exact up to 2^53)."""
        return np.ldexp(self.ints.astype(np.float64), -self.scale_bits)


@dataclass(frozen=True, slots=True, eq=False)
class QuantisedModel:
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
        _check_bits(self.weight_bits)
        config = ModelConfig(self.name, "max_of_k", self.n_ctx, self.d_vocab, self.d_model, self.d_head)
        for name, wanted in config.shapes().items():
            got = getattr(self, name).ints.shape
            if got != wanted:
                raise ShapeError(f"quantised tensor {name}: got shape {got}, wanted {wanted}")

    def matrices(self) -> dict[str, QuantisedMatrix]:
        """Return the matrices by name, in the order of the fields."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name.startswith("W_")}

    @property
    def sha256(self) -> str:
        """Hash of the integers and scales: per matrix, in order, the name in ASCII, a zero byte, then rows, columns,
        scale_bits and the entries by rows, each 8 bytes little-endian. The model's name is not in it."""
        digest = hashlib.sha256()
        for name, matrix in self.matrices().items():
            digest.update(name.encode("ascii") + b"\0")
            digest.update(struct.pack("<3q", *matrix.ints.shape, matrix.scale_bits))
            digest.update(matrix.ints.astype("<i8").tobytes())
        return digest.hexdigest()

    def save(self, path: Path) -> None:
        """Write a .safetensors file of int64 tensors; equal models give equal bytes."""
        matrices = self.matrices()
        header = {"schema": SCHEMA, "name": self.name, "weight_bits": self.weight_bits, "sha256": self.sha256}
        header |= {key: getattr(self, key) for key in SIZES}
        header["scale_bits"] = {name: matrix.scale_bits for name, matrix in matrices.items()}
        metadata = {METADATA_KEY: json.dumps(header, sort_keys=True)}  # one key: several have no fixed order
        tensors = {name: matrix.ints for name, matrix in matrices.items()}
        write_atomic(Path(path), safetensors.numpy.save(tensors, metadata))

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
    _check_bits(weight_bits)
    check_shapes(config, weights)
    matrices = {name: matrix.astype(np.float64) for name, matrix in weights.matrices().items()}
    matrices["W_Q"] /= math.sqrt(config.d_head)
    rounded = (_quantise_matrix(name, matrix, weight_bits) for name, matrix in matrices.items())
    return QuantisedModel(config.name, config.n_ctx, config.d_vocab, config.d_model, config.d_head, weight_bits, *rounded)


def quantised_tables(quantised: QuantisedModel) -> TokenTables:
    """Compute the float64 tables of the quantised network, for `count_right`."""
    values = {name: matrix.to_float() for name, matrix in quantised.matrices().items()}
    values["W_Q_scaled"] = values.pop("W_Q")
    return token_tables(**values)


def accuracy(config: ModelConfig, weights: Weights, quantised: QuantisedModel) -> Accuracy:
    """Evaluate both networks over all inputs, or over the same seeded sample where they are too many."""
    of_float, of_ints = float_tables(config, weights), quantised_tables(quantised)
    return Accuracy(count_right(of_float), count_right(of_ints), count_disagreements(of_float, of_ints))


def card_rows(config: ModelConfig, weights: Weights) -> list[tuple[str, str]]:
    """Return what a model card says of the 8-bit network; given to `models.train.train`."""
    quantised = quantise(config, weights)
    found = accuracy(config, weights, quantised)
    return [
        ("quantised to 8 bits", found.quantised.in_words()),
        ("float and quantised network", found.disagreement.in_words()),
        ("sha256 of the 8-bit integers", quantised.sha256),
    ]


def _check_bits(weight_bits: int) -> None:
    if isinstance(weight_bits, bool) or not isinstance(weight_bits, int) or not LEAST_BITS <= weight_bits <= MOST_BITS:
        raise UsageError(f"weight_bits is {weight_bits!r}; wanted an integer in {LEAST_BITS}..{MOST_BITS}")


def _quantise_matrix(name: str, matrix: np.ndarray, weight_bits: int) -> QuantisedMatrix:
    """Round float64 entries to the finest power-of-two grid on which they fit; ties to even."""
    largest = float(np.abs(matrix).max())
    if largest == 0:
        return QuantisedMatrix(np.zeros(matrix.shape, dtype=np.int64), 0)
    if largest >= 2.0**62:
        raise OverflowRisk(f"tensor {name}: largest entry is {largest:.3g}, wanted below 2^62; rescale the weights")
    most = 2 ** (weight_bits - 1) - 1
    scale_bits = weight_bits - 1 - math.frexp(largest)[1]  # now 2^(weight_bits-2) <= largest entry < 2^(weight_bits-1)
    if np.rint(np.ldexp(largest, scale_bits)) > most:
        scale_bits -= 1
    ints = np.rint(np.ldexp(matrix, scale_bits))  # scaling by a power of two is exact: one rounding in all
    if scale_bits < 0:
        ints, scale_bits = np.ldexp(ints, -scale_bits), 0
    return QuantisedMatrix(ints.astype(np.int64), scale_bits)


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
