"""`compact-proofs prove`: a bound on a model's accuracy, checked by Coq."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from compact_proofs.extract.families import default_bits
from compact_proofs.models.errors import UsageError
from compact_proofs.models.weights import load_config, load_model
from compact_proofs.proofs import pipeline
from compact_proofs.proofs.commands.options import (
    BITS_HELP,
    Progress,
    chosen_strategy,
    coq_options,
    distribution_option,
    exponents,
    json_option,
    limits,
    model_named,
    model_options,
    natural,
    operations,
    positive,
)
from compact_proofs.proofs.registry import SOLVERS, Strategy, Tuning
from compact_proofs.proofs.report import show

SUMMARY = "prove a bound on a model's accuracy and have Coq check it"


def add(parser: argparse.ArgumentParser) -> None:
    model_options(parser, by_size=True)
    coq_options(parser)
    parser.add_argument("--weight-bits", type=positive, metavar="N", help=BITS_HELP)
    parser.add_argument("--resolution", type=positive, metavar="N", help="units of cost that are told apart; more is tighter")
    parser.add_argument("--bands", type=exponents, metavar="K,K,..", help="tokens below the largest: bands of 2^K, as 0,0,1,2")
    parser.add_argument("--rank", type=natural, metavar="N", help="of the products of low rank; more is tighter")
    parser.add_argument("--near", type=natural, metavar="N", help="outputs up to N (0 to 16) from the answer are taken singly")
    distribution_option(parser)
    parser.add_argument("--budget", type=operations, metavar="N", help="the tightest staged proof of N operations, such as 2e7")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    model = model_named(options)
    progress = Progress()
    tuning = Tuning(options.resolution, options.bands, options.rank, options.near)
    if options.distribution is not None and (options.budget is not None or options.strategy in SOLVERS):
        raise UsageError("--distribution: --budget and solvers count all inputs alike; leave one of them out")
    if options.strategy in SOLVERS:
        from compact_proofs.proofs.commands.solver import ask

        return ask(options, model, tuning, progress)
    if options.budget is None:
        chosen = chosen_strategy(model, options.strategy, options.distribution)
    else:
        chosen, tuning = _within_budget(options, model, tuning, progress)
    bits = default_bits(load_config(model)) if options.weight_bits is None else options.weight_bits
    command = f"compact-proofs prove {Path(model).stem} --strategy {chosen.name} --weight-bits {bits}"
    command = f"{command} {tuning.text()}".rstrip() + (f" --distribution {options.distribution}" if options.distribution else "")
    how = pipeline.Options(options.out, bits, options.jobs, limits(options), command=command, tuning=tuning)
    report = pipeline.prove(model, chosen, how, progress.say, progress)
    if options.json:
        sys.stdout.write(report.to_json())
    else:
        show(report, Console(highlight=False))
    return 0


def _within_budget(options: argparse.Namespace, model: str, tuning: Tuning, progress: Progress) -> tuple[Strategy, Tuning]:
    """Find the tightest proof within --budget. Raises: UsageError: none is short enough, or tuning is given too."""
    from compact_proofs.extract.families import quantise_network
    from compact_proofs.extract.quantise import QuantisedModel
    from compact_proofs.proofs.budget import tightest

    if tuning != Tuning():
        raise UsageError(f"budget: got {tuning.text()} too; it chooses these itself, leave them out")
    quantised = quantise_network(*load_model(model), options.weight_bits)
    if not isinstance(quantised, QuantisedModel):
        raise UsageError(f"budget: {model} is no max_of_k network; choose --strategy and --rank yourself")
    chosen, tuning, found = tightest(quantised, options.budget, options.strategy, progress)
    progress.say(f"within {options.budget:,} operations: {chosen.name} {tuning.text()}, {found.operations:,} operations")
    return chosen, tuning
