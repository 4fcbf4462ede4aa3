"""`compact-proofs doctor`: which tools are found, wanted, and how to install them."""

from __future__ import annotations

import argparse

from compact_proofs.proofs import doctor

SUMMARY = "say which tools are found, which are wanted and how to install them"


def add(parser: argparse.ArgumentParser) -> None:
    pass


def run(options: argparse.Namespace) -> int:
    return doctor.main([])
