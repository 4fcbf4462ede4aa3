"""`compact-proofs quantise`: the quantised network as integers, Coq data and SMT-LIB 2."""

from __future__ import annotations

import argparse
import sys

from compact_proofs.models.weights import load_model
from compact_proofs.proofs.commands.options import BITS_HELP, model_options, positive

SUMMARY = "write the quantised network: integers, Coq data and SMT-LIB 2"


def add(parser: argparse.ArgumentParser) -> None:
    model_options(parser, strategy=False)
    parser.add_argument("--weight-bits", type=positive, metavar="N", help=BITS_HELP)


def run(options: argparse.Namespace) -> int:
    from compact_proofs.extract.coq_text import weights_v, write_files
    from compact_proofs.extract.families import network_accuracy, quantise_network, smt_texts
    from compact_proofs.models.errors import InputRefused
    from compact_proofs.models.files import write_atomic

    config, weights = load_model(options.model)
    quantised = quantise_network(config, weights, options.weight_bits)
    folder = options.out / config.name
    quantised.save(folder / "quantised.safetensors")
    write_files(folder, {"Weights.v": weights_v(quantised)})
    written = ["quantised.safetensors", "Weights.v"]
    try:
        for name, text in smt_texts(quantised).items():
            write_atomic(folder / name, text.encode("ascii"))
            written.append(name)
    except InputRefused as error:  # the SMT form is for small networks only
        print(f"compact-proofs quantise: no SMT-LIB 2 text: {error}", file=sys.stderr)
    found = network_accuracy(config, weights, quantised)
    print(f"float network      {found.float_network.in_words()}")
    print(f"quantised network  {found.quantised.in_words()}")
    print(f"they differ        {found.disagreement.in_words()}")
    for name in written:
        print(folder / name)
    return 0
