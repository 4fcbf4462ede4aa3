"""`compact-proofs frontier`: every strategy over many seeds."""

from __future__ import annotations

import argparse

from compact_proofs.proofs.commands.options import jobs_option, natural, out_option, positive
from compact_proofs.proofs.registry import GROUPS

SUMMARY = "measure all strategies over many seeds: table, rows and picture in docs/"


def add(parser: argparse.ArgumentParser) -> None:
    jobs_option(parser)
    out_option(parser)
    parser.add_argument("--task", choices=GROUPS, default="max_of_k", help="default max_of_k")
    parser.add_argument("--seeds", type=positive, default=16, metavar="N", help="max_of_k: networks of each size (default 16)")
    parser.add_argument("--proved", type=natural, default=3, metavar="N", help="max_of_k: of these, proved in Coq (default 3)")


def run(options: argparse.Namespace) -> int:
    from compact_proofs.proofs.frontier import frontier_command
    from compact_proofs.proofs.modular_frontier import modular_frontier_command

    if options.task == "modular":
        return modular_frontier_command(options.out, options.jobs)
    return frontier_command(options.out, options.jobs, options.seeds, options.proved)
