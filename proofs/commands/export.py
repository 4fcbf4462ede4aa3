"""`compact-proofs export`: accepted proofs as folders of numbers for strangers to check."""

from __future__ import annotations

import argparse
from pathlib import Path

from compact_proofs.models.weights import zoo_names
from compact_proofs.proofs import pipeline
from compact_proofs.proofs.commands.options import (
    Progress,
    chosen_strategy,
    coq_options,
    distribution_option,
    limits,
    model_options,
)

SUMMARY = "write accepted proofs as folders that a stranger can check: `make check PROOF=FOLDER`"


def add(parser: argparse.ArgumentParser) -> None:
    model_options(parser, optional=True)
    coq_options(parser)
    distribution_option(parser)
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where to write MODEL/STRATEGY (default OUT/proofs)")


def run(options: argparse.Namespace) -> int:
    from compact_proofs.proofs.export import export_proof

    progress = Progress()
    models = [options.model] if options.model else zoo_names()
    how = pipeline.Options(options.out, jobs=options.jobs, limits=limits(options), estimate=False)
    for model in models:
        folder = options.folder or options.out / "proofs"
        chosen = chosen_strategy(model, options.strategy, options.distribution)
        print(export_proof(model, chosen, how, folder, progress.say, progress), flush=True)
    return 0
