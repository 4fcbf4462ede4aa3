"""`compact-proofs frontier`: every strategy over many seeds."""

from __future__ import annotations

import argparse

from compact_proofs.proofs.commands.options import Progress, natural, out_option, positive
from compact_proofs.proofs.registry import GROUPS

SUMMARY = "compare all strategies over many seeds: table, rows and picture in docs/"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jobs", type=positive, default=1, metavar="N", help="jobs at a time (default 1)")
    out_option(parser)
    parser.add_argument("--task", choices=GROUPS, default="max_of_k", help="default max_of_k")
    parser.add_argument("--seeds", type=positive, default=16, metavar="N", help="max_of_k: networks of each size (default 16)")
    parser.add_argument("--proved", type=natural, default=3, metavar="N", help="max_of_k: of these, proved in Coq (default 3)")
    parser.add_argument("--draw-only", action="store_true", help="measure nothing; rows and picture of the table that is there")


def run(options: argparse.Namespace) -> int:
    from compact_proofs.proofs.frontier import frontier_command

    progress = Progress()
    how = (options.out, options.jobs, options.seeds, options.proved)
    return frontier_command(options.task, *how, progress.say, progress, options.draw_only)
