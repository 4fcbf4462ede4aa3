"""`compact-proofs report`: the report of a finished proof."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from compact_proofs.models.weights import model_path
from compact_proofs.proofs.commands.options import chosen_strategy, json_option, model_options
from compact_proofs.proofs.report import Report, show

SUMMARY = "show the report of a finished proof"


def add(parser: argparse.ArgumentParser) -> None:
    model_options(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    model = model_path(options.model).stem
    path = options.out / model / chosen_strategy(options.model, options.strategy).name / "report.json"
    report = Report.load(path)
    if options.json:
        sys.stdout.write(report.to_json())
    else:
        show(report, Console(highlight=False))
    return 0
