"""`compact-proofs import`: a network trained elsewhere becomes a model that `prove` and the others know by name."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from compact_proofs.models.errors import UsageError
from compact_proofs.models.importing.layouts import example, example_names
from compact_proofs.proofs.commands.options import json_option, out_option

if TYPE_CHECKING:
    from compact_proofs.models.importing.importer import Imported

SUMMARY = "make a model of a network trained elsewhere: a TransformerLens state dict, or a file with our names"

MOSTLY = 0.9  # of a sample; networks that are right less often are only sampled, since their wrong inputs take minutes to run


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", nargs="?", type=Path, help="tensors: .pt, .pth (nothing in it is run) or .safetensors"
    )
    parser.add_argument("--config", type=Path, metavar="JSON", help="what the network is; see --example-config")
    parser.add_argument("--name", metavar="NAME", help="of the model (default: what FILE is called)")
    parser.add_argument("--fold-biases", action="store_true", help="make an equal network of d_model + 1 that has no biases")
    parser.add_argument("--force", action="store_true", help="replace an imported or trained model of this name")
    choices = example_names()
    parser.add_argument(
        "--example-config", metavar="LAYOUT", choices=choices, help=f"print a config to fill in: {', '.join(choices)}"
    )
    out_option(parser, "models go to DIR/models")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    if options.example_config:
        print(json.dumps(example(options.example_config) | {"probe": None}, indent=2))
        return 0
    if options.file is None or options.config is None:
        raise UsageError(
            "wanted FILE and --config JSON; `compact-proofs import --example-config transformer_lens` prints a config"
        )
    folder: Path = options.out / "models"
    name = _free_name(options.name or options.file.stem, folder, options.name is None, options.force)

    from compact_proofs.extract.families import accuracy_rows, network_accuracy, quantise_network
    from compact_proofs.extract.logit_change import largest_logit_change
    from compact_proofs.models.evaluate import LIMIT
    from compact_proofs.models.importing.importer import card, import_model
    from compact_proofs.models.importing.probe import share_right
    from compact_proofs.models.tasks import SAMPLE_SIZE
    from compact_proofs.models.weights import TRAINED, save_model, weights_to_bytes

    imported = import_model(options.file, options.config, name, options.fold_biases)
    config, weights = imported.config, imported.weights
    quantised = quantise_network(config, weights)
    exact = {key: matrix.astype(float) for key, matrix in weights.matrices().items()}
    mostly_right = share_right(config, exact) >= MOSTLY
    found = network_accuracy(config, weights, quantised, LIMIT if mostly_right else SAMPLE_SIZE)
    change = largest_logit_change(config, weights, quantised)
    rows = [
        ("float network", found.float_network.in_words()),
        *accuracy_rows(quantised, found),
        ("largest change of a logit by quantising", change.in_words()),
    ]
    old_reports = _reports_of_others(options.out / name, hashlib.sha256(weights_to_bytes(weights)).hexdigest())
    for path in old_reports:
        path.unlink()
    saved = save_model(config, weights, folder, card(imported, rows))
    command = f"compact-proofs prove {name if folder == TRAINED else saved}"
    if options.json:
        value = {
            key.name: getattr(imported, key.name) for key in dataclasses.fields(imported) if key.name not in ("config", "weights")
        }
        value |= {
            "name": name,
            "config": json.loads(config.to_json()),
            "path": str(saved),
            "weight_bits": quantised.weight_bits,
            **{key.name: dataclasses.asdict(getattr(found, key.name)) for key in dataclasses.fields(found)},
            "logit_change": dataclasses.asdict(change),
            "next": command,
        }
        sys.stdout.write(json.dumps(value, indent=2, sort_keys=True) + "\n")
        return 0
    _show(imported, rows)
    for path in old_reports:
        print(f"removed: {path}, about the network that had this name before")
    print(f"written: {saved}\nnext: {command}")
    return 0


def _show(imported: Imported, rows: list[tuple[str, str]]) -> None:
    config = imported.config
    print(f"Imported {config.name}: {config.family}, {config.sizes_in_words()}")
    table = [("file", f"{imported.file}, layout {imported.layout}")]
    reasons = dict.fromkeys(imported.skipped.values())
    for reason in reasons:
        names = ", ".join(name for name, why in imported.skipped.items() if why == reason)
        table.append(("skipped", f"{reason}: {names}"))
    table += [("changed", note) for note in imported.notes]
    if imported.probe_difference is not None:
        table.append(("probe", f"{imported.probe_rows} inputs, logits agree to {imported.probe_difference:.1e}"))
    else:
        scale = "attn_scale, or " if config.family == "max_of_k" else ""
        table.append(("probe", f"none: nothing confirms {scale}that square matrices are the right way round"))
    table += [row for row in rows if not row[0].startswith("sha256")]
    table += [("warning", warning) for warning in imported.warnings]
    for key, value in table:
        print(f"  {key:40}{value}")


def _reports_of_others(folder: Path, weights_sha256: str) -> list[Path]:
    """Return the reports in a model's folder of results that are about other weights."""
    found = []
    for path in sorted(folder.glob("*/report.json")):
        try:
            value = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            value = None
        if not isinstance(value, dict) or value.get("weights_sha256") != weights_sha256:
            found.append(path)
    return found


def _free_name(name: str, folder: Path, from_file: bool, force: bool) -> str:
    """Return the name if a model can have it. Raises: UsageError."""
    from compact_proofs.extract.coq_text import RESERVED
    from compact_proofs.models.names import COQ_IDENTIFIER
    from compact_proofs.models.weights import zoo_names

    origin = ", from the name of the file; give another by --name" if from_file else ""
    if not COQ_IDENTIFIER.fullmatch(name) or RESERVED.fullmatch(name) or len(name) > 100:
        raise UsageError(f"name {name!r}: wanted a letter, then letters, digits or _, at most 100, and no Coq keyword{origin}")
    if name in zoo_names():
        raise UsageError(f"name {name!r} is that of a shipped model; choose another by --name")
    if not force and (folder / f"{name}.json").exists():
        raise UsageError(
            f"{folder / name}.json: there is a model of this name; choose another by --name, or replace it by --force"
        )
    return name
