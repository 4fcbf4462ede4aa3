"""`compact-proofs bench`: how long Coq takes over the shipped models."""

from __future__ import annotations

import argparse

from compact_proofs.proofs.commands.options import jobs_option, out_option

SUMMARY = "measure the shipped models"


def add(parser: argparse.ArgumentParser) -> None:
    jobs_option(parser)
    out_option(parser)


def run(options: argparse.Namespace) -> int:
    from compact_proofs.proofs.bench import bench_command

    return bench_command(options.out, options.jobs)
