"""`compact-proofs purify`: a network explained by what each neuron is."""

from __future__ import annotations

import argparse

from compact_proofs.models.modular.purify import purify_command
from compact_proofs.proofs.commands.options import out_option

SUMMARY = "make a new model of which each neuron is a cosine of one frequency"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a network for modular arithmetic with ReLU")
    out_option(parser, "models go to DIR/models")


def run(options: argparse.Namespace) -> int:
    from compact_proofs.extract.families import card_rows

    print(purify_command(options.model, options.out / "models", card_rows))
    return 0
