"""`compact-proofs reread`: every generated Coq file by the whitelist grammar."""

from __future__ import annotations

import argparse

from compact_proofs.proofs import pipeline
from compact_proofs.proofs.commands.options import out_option

SUMMARY = "re-read every generated Coq file by the whitelist grammar"


def add(parser: argparse.ArgumentParser) -> None:
    out_option(parser)


def run(options: argparse.Namespace) -> int:
    files = pipeline.reread_all(pipeline.Options(options.out))
    print(f"{len(files)} generated Coq files are within the grammar")
    return 0
