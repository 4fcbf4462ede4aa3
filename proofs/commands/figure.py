"""`compact-proofs figure`: the cubic proof of a model as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from compact_proofs.models.weights import load_model
from compact_proofs.proofs.commands.options import model_options

SUMMARY = "draw the cubic proof of a model: cost against bound, and where the unproved inputs lie"


def add(parser: argparse.ArgumentParser) -> None:
    model_options(parser, strategy=False)
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where to write (default OUT/MODEL/figures)")


def run(options: argparse.Namespace) -> int:
    from compact_proofs.proofs.figure import draw

    config, _ = load_model(options.model)
    for path in draw(options.model, options.out, options.folder or options.out / config.name / "figures"):
        print(path)
    return 0
