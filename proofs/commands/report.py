"""`compact-proofs report`: the page of a model or of a comparison, or one finished proof in the terminal."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console

from compact_proofs.models.errors import UsageError
from compact_proofs.models.weights import model_path
from compact_proofs.proofs.commands.options import NO_MODEL, chosen_strategy, json_option, out_option
from compact_proofs.proofs.report import Report, show

SUMMARY = "write the page of a model or of a comparison, or show one finished proof"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", nargs="?", help=NO_MODEL)
    parser.add_argument(
        "--comparison", type=Path, metavar="FOLDER", help="in place of MODEL: the page of what `compare` left there"
    )
    out_option(parser)
    parser.add_argument("--strategy", metavar="NAME", help="show this proof in the terminal, and write no page")
    parser.add_argument("--page", type=Path, metavar="FILE", help="default OUT/MODEL/report.html, or FOLDER/report.html")
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    if (options.model is None) == (options.comparison is None):
        raise UsageError("MODEL: wanted a name, or --comparison FOLDER in its place")
    if options.strategy is None:
        return _write(options)
    if options.comparison is not None or options.page is not None:
        raise UsageError("--strategy shows one proof of MODEL in the terminal; leave out --comparison and --page")
    model = model_path(options.model).stem
    report = Report.load(options.out / model / chosen_strategy(options.model, options.strategy).name / "report.json")
    if options.json:
        sys.stdout.write(report.to_json())
    else:
        show(report, Console(highlight=False))
    return 0


def _write(options: argparse.Namespace) -> int:
    """Write a page, and say what is proved and where it lies."""
    from compact_proofs.proofs.page.comparison_page import comparison_page
    from compact_proofs.proofs.page.document import write_page
    from compact_proofs.proofs.page.drawing import printable, require
    from compact_proofs.proofs.page.model_page import model_page

    require()
    reports: tuple[Report, ...] = ()
    if options.comparison is not None:
        page, folder = comparison_page(options.comparison), options.comparison
    else:
        page, reports = model_page(options.model, options.out)
        folder = options.out / page.title
    path = options.page or folder / "report.html"
    files = write_page(page, path, folder / "figures")
    if options.json:
        value = {"page": str(path), "figures": [str(file) for file in files[1:]]}
        value["proofs"] = [json.loads(report.to_json()) for report in reports]
        print(json.dumps(value, indent=2))
        return 0
    for report in reports:
        print(printable(f"Proved: {report.model}, {report.strategy}: {report.theorem_in_words}."))
    if not reports:
        print(page.lede[0])
    for note in page.notes:
        print(note, file=sys.stderr)
    print(f"page: {path}")
    return 0
