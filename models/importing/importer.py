"""From a user's file and its config to a model of ours: `import_model`, and `card` for the Markdown beside it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compact_proofs.models.config import ModelConfig
from compact_proofs.models.errors import CompactProofsError, ConfigError
from compact_proofs.models.importing.biases import without_biases
from compact_proofs.models.importing.config import read_config
from compact_proofs.models.importing.layout import Layout
from compact_proofs.models.importing.layouts import looks_like
from compact_proofs.models.importing.probe import check_probe, suspicion
from compact_proofs.models.importing.tensors import Tensors, read_file
from compact_proofs.models.modular.card import card_text
from compact_proofs.models.modular.config import ModularConfig
from compact_proofs.models.modular.weights import ModularWeights
from compact_proofs.models.tasks import n_inputs
from compact_proofs.models.weights import Weights, check_shapes, weights_to_bytes


@dataclass(frozen=True, slots=True, eq=False)
class Imported:
    """A user's network as a model of ours, and what happened on the way.

    skipped: tensors of the file that were not needed, with the reason; notes: what was changed; warnings: what looks wrong;
    probe_rows, probe_difference: rows of the probe, and the largest difference of a logit from the user's (None: no probe).
    """

    config: ModelConfig | ModularConfig
    weights: Weights | ModularWeights
    layout: str
    file: str
    sha256: str
    skipped: dict[str, str]
    notes: list[str]
    warnings: list[str]
    probe_rows: int
    probe_difference: float | None


def import_model(file: Path, config_file: Path, name: str, fold_biases: bool = False) -> Imported:
    """Read a file of tensors by its JSON config.

    Args:   name: of the model. fold_biases: make an equal network without biases, of d_model + 1, where there are some.
    Raises: ConfigError, OutsideTheory, ShapeError, WeightsError: refused, the message starts with the file at fault.
            ToolMissing: torch, for .pt and .pth.
    """
    file, config_file = Path(file), Path(config_file)
    layout, values, probe = read_config(config_file)
    tensors = read_file(file)
    try:
        _check_layout(layout, tensors)
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite afterwards is refused below
            network = without_biases(layout.read(name, values, tensors), fold_biases)
            matrices = {key: np.ascontiguousarray(matrix, dtype=np.float32) for key, matrix in network.matrices.items()}
        config = network.config
        weights = ModularWeights(matrices) if isinstance(config, ModularConfig) else Weights(**matrices)
        check_shapes(config, weights)
    except ConfigError as error:
        raise type(error)(f"{config_file}: {error}") from None
    except CompactProofsError as error:
        raise type(error)(f"{file}: {error}") from None
    exact = {key: matrix.astype(np.float64) for key, matrix in matrices.items()}
    difference = None
    if probe is not None:
        try:
            difference = check_probe(config, exact, probe)
        except ConfigError as error:
            changed = "".join(f"; {file.name}: {note}" for note in tensors.notes())
            raise ConfigError(f"{config_file}: {error}{changed}") from None
    warning = None if probe is not None else suspicion(config, exact)
    return Imported(
        config=config,
        weights=weights,
        layout=layout.name,
        file=file.name,
        sha256=tensors.sha256,
        skipped=network.skipped,
        notes=[*tensors.notes(), *network.notes],
        warnings=[] if warning is None else [warning],
        probe_rows=0 if probe is None else len(probe.tokens),
        probe_difference=difference,
    )


def card(imported: Imported, rows: Sequence[tuple[str, str]]) -> str:
    """Return the card of an imported model in Markdown; `rows` are added (accuracy, say)."""
    config, weights = imported.config, imported.weights
    file = re.sub(r"[^A-Za-z0-9_.+-]", "_", imported.file)  # nothing that Markdown would take for its own
    origin = [("imported from", f"{file}, layout {imported.layout}, sha256 {imported.sha256}")]
    if imported.skipped:
        origin.append(("not needed", ", ".join(f"{key} ({reason})" for key, reason in imported.skipped.items())))
    if imported.notes:
        origin.append(("changed on the way", "; ".join(imported.notes)))
    if imported.probe_difference is not None:
        agree = f"{imported.probe_rows} inputs, logits agree to {imported.probe_difference:.1e}"
        origin.append(("compared with the user's logits", agree))
    if isinstance(config, ModularConfig):
        assert isinstance(weights, ModularWeights)
        return card_text(config, weights, [*origin, *rows])
    table = [
        ("task", f"largest of {config.n_ctx} tokens 0..{config.d_vocab - 1}, {n_inputs(config):,} inputs"),
        ("sizes", f"d_model {config.d_model}, d_head {config.d_head}; one layer, one head, no biases, no LayerNorm"),
        *origin,
        *rows,
        ("sha256 of the weights file", hashlib.sha256(weights_to_bytes(weights)).hexdigest()),
    ]
    lines = [f"# {config.name}", "", "| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in table)]
    return "\n".join(lines) + "\n"


def _check_layout(layout: Layout, tensors: Tensors) -> None:
    """Refuse a file that plainly has another layout. Raises: ConfigError."""
    found = looks_like(tensors.names())
    if layout.known_by in tensors or found is None:
        return
    if found is not layout:
        raise ConfigError(
            f"config: layout is {layout.name!r}, but the file holds {found.known_by}, as {found.name} has; correct one"
        )
