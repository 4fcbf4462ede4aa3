"""`compact-proofs check`: Coq checks once more what `prove` has left."""

from __future__ import annotations

import argparse

from compact_proofs.proofs import pipeline
from compact_proofs.proofs.commands.options import (
    Progress,
    chosen_strategy,
    coq_options,
    distribution_option,
    limits,
    model_named,
    model_options,
)

SUMMARY = "have Coq check what prove has left once more"


def add(parser: argparse.ArgumentParser) -> None:
    model_options(parser, by_size=True)
    coq_options(parser)
    distribution_option(parser)
    parser.add_argument("--rebuild-theory", action="store_true", help="compile the theory from its .v files too")


def run(options: argparse.Namespace) -> int:
    model = model_named(options)
    chosen = chosen_strategy(model, options.strategy, options.distribution)
    how = pipeline.Options(options.out, jobs=options.jobs, limits=limits(options), rebuild_theory=options.rebuild_theory)
    checked = pipeline.check(model, chosen, how, Progress().say)
    print(f"{checked.theorem}\nCoq accepts: {checked.in_words}.")
    print(f"seconds: {', '.join(f'{stage} {value:.1f}' for stage, value in checked.seconds.items())}")
    print(f"rests on: {', '.join(checked.assumptions) or 'no axiom'}")
    return 0
