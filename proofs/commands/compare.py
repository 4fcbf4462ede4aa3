"""`compact-proofs compare`: strategies on networks and seeds, side by side, into one table."""

from __future__ import annotations

import argparse
import json
import sys

from compact_proofs.proofs.commands.options import BITS_HELP, NO_MODEL, Progress, json_option, out_option, positive, seeds

SUMMARY = "compare strategies on models and seeds: one table of bounds, truth, operations, seconds"

WIDTH = 132  # of the table where it does not go to a terminal


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("models", metavar="MODEL", nargs="+", help=NO_MODEL)
    strategies_help = "such as cubic, subcubic:near=1,rank=2 or quadrature:weight_bits=12 (default all that fit)"
    parser.add_argument("--strategies", nargs="+", default=[], metavar="NAME", help=strategies_help)
    seeds_help = "such as 0-15: in place of each MODEL its recipe at these seeds, trained where missing"
    parser.add_argument("--seeds", type=seeds, metavar="SEEDS", help=seeds_help)
    proved_help = "of each MODEL the first N networks are proved in Coq, the others predicted; none (default) or all"
    parser.add_argument("--proved", type=_proved, default=0, metavar="N", help=proved_help)
    parser.add_argument("--time-limit", type=positive, default=600, metavar="SECONDS", help="of a search or run of Coq (600)")
    parser.add_argument("--weight-bits", type=positive, metavar="N", help=BITS_HELP)
    parser.add_argument("--name", metavar="NAME", help="the table goes to DIR/compare/NAME (default: made of what is compared)")
    parser.add_argument("--jobs", type=positive, default=1, metavar="N", help="jobs at a time (default 1)")
    parser.add_argument("--executor", metavar="NAME", help="where Snakemake runs the jobs, such as slurm (default: here)")
    parser.add_argument("--profile", metavar="FOLDER", help="a Snakemake profile")
    parser.add_argument("--dry-run", action="store_true", help="say what would be run")
    out_option(parser)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    from rich.console import Console

    from compact_proofs.proofs.compare.main import Request, compare, outline, prepare
    from compact_proofs.proofs.compare.summary import groups, show
    from compact_proofs.proofs.compare.workflow import Engine
    from compact_proofs.proofs.table import to_json

    progress = Progress()
    request = Request(
        models=options.models,
        seeds=options.seeds,
        strategies=options.strategies,
        proved=options.proved,
        limit_s=options.time_limit,
        weight_bits=options.weight_bits,
        name=options.name,
        out=options.out,
        engine=Engine(options.jobs, options.profile, options.executor),
    )
    if options.dry_run:
        print("\n".join(outline(prepare(request))))
        return 0
    done = compare(request, progress.say, progress)
    refused = [row for row in done.rows if row.status == "refused"]
    if options.json:
        value = {"name": done.plan.name, "table": str(done.table), "lines": str(done.lines), "computed": done.computed}
        value |= {"rows": [to_json(row) for row in done.rows], "groups": [group.to_json() for group in groups(done.rows)]}
        print(json.dumps(value, indent=2))
    else:
        show(done.rows, Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH))
        print(f"{len(done.rows)} row{'s' * (len(done.rows) != 1)}: {done.table}, {done.lines}")
    for row in refused[:5]:
        progress.say(f"refused: {row.model}, {row.strategy} {row.parameters}".rstrip() + f": {row.reason}")
    if len(refused) > 5:
        progress.say(f"refused: {len(refused) - 5} more; the column `reason` says why")
    return 1 if refused else 0


def _proved(text: str) -> int | None:
    """Read a number, "none" or "all"."""
    if text in ("none", "all"):
        return 0 if text == "none" else None
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"got {text!r}, wanted a number of networks, none or all")
    return int(text)
