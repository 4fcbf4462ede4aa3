"""`compact-proofs train`: train one model, or many seeds at once. Needs torch."""

from __future__ import annotations

import argparse

from compact_proofs.models.modular.config import COEFFICIENTS, TRAINED_FAMILIES
from compact_proofs.proofs.commands.options import out_option, positive, seeds

SUMMARY = "train a model, many seeds at once; needs torch"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="NAME")
    parser.add_argument("--seed", type=seeds, default=[0], metavar="SEEDS", help="such as 7, 1,2,5 or 0-15 (default 0)")
    families = ("max_of_k", *TRAINED_FAMILIES)
    parser.add_argument("--family", choices=families, default="max_of_k", help="default max_of_k")
    sizes = {
        "n-ctx": "max_of_k: default 4", "d-vocab": "max_of_k: default 64", "d-head": "max_of_k: default d-model",
        "modulus": "modular: an odd number, default 59", "d-mlp": "modular: hidden width, default by family",
        "d-model": "default 32, modular 64", "steps": "default 3000, modular by family",
    }  # fmt: skip
    for name, text in sizes.items():
        parser.add_argument(f"--{name}", type=positive, metavar="N", help=text)
    parser.add_argument("--operation", choices=tuple(COEFFICIENTS), default="addition", help="modular: default addition")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default auto)")
    out_option(parser, "models go to DIR/models")


def run(options: argparse.Namespace) -> int:
    from compact_proofs.extract.families import card_rows

    out = options.out / "models"
    if options.family == "max_of_k":
        from compact_proofs.models.train import train_command

        d_model = options.d_model or 32
        paths = train_command(
            options.model, options.seed, options.n_ctx or 4, options.d_vocab or 64, d_model, options.d_head or d_model,
            options.steps or 3000, options.device, out, card_rows,
        )  # fmt: skip
    else:
        from compact_proofs.models.modular.train import train_modular_command

        paths = train_modular_command(
            options.model, options.family, options.modulus or 59, options.operation, options.seed, options.d_mlp,
            options.d_model, options.steps, options.device, out, card_rows,
        )  # fmt: skip
    for path in paths:
        print(path)
    return 0
