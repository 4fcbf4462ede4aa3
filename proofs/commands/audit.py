"""`compact-proofs audit`: everything behind one proof, rebuilt."""

from __future__ import annotations

import argparse

from rich.console import Console

from compact_proofs.proofs import pipeline
from compact_proofs.proofs.commands.options import (
    Progress,
    chosen_strategy,
    coq_options,
    distribution_option,
    limits,
    model_options,
)

SUMMARY = "rebuild everything behind one proof and print what it says and rests on"


def add(parser: argparse.ArgumentParser) -> None:
    model_options(parser)
    coq_options(parser)
    distribution_option(parser)


def run(options: argparse.Namespace) -> int:
    from compact_proofs.proofs import audit

    progress = Progress()
    how = pipeline.Options(options.out, jobs=options.jobs, limits=limits(options), estimate=False)
    chosen = chosen_strategy(options.model, options.strategy, options.distribution)
    found = audit.audit(options.model, chosen, how, progress.say, progress)
    audit.show(found, Console(highlight=False))
    return 0
