"""`compact-proofs theory`: build the Coq theory, and check what it rests on."""

from __future__ import annotations

import argparse

from compact_proofs.proofs import coqrun
from compact_proofs.proofs.assumptions import accept_golden, check_golden, soundness_assumptions
from compact_proofs.proofs.commands.options import Progress, coq_options, limits, out_option

SUMMARY = "build the Coq theory; check what its soundness theorems rest on"


def add(parser: argparse.ArgumentParser) -> None:
    coq_options(parser)
    out_option(parser, "for a copy of an installed theory")
    parser.add_argument("--rebuild-theory", action="store_true", help="compile every file again")
    parser.add_argument("--assumptions", action="store_true", help="compare with proofs/golden_assumptions.txt")
    parser.add_argument("--accept-assumptions", action="store_true", help="write proofs/golden_assumptions.txt")
    parser.add_argument("--coqchk", action="store_true", help="run Coq's independent checker on every module")
    parser.add_argument("--full", action="store_true", help="coqchk: imports too, and without the VM; takes long")


def run(options: argparse.Namespace) -> int:
    coqrun.require_coq()
    say, within = Progress().say, limits(options)
    root = coqrun.theory_root(options.out)
    run = coqrun.build_theory(root, options.jobs, within, say, options.rebuild_theory)
    print(f"theory: {len(coqrun.theory_sources(root))} files built, {run.seconds:.1f} s, {run.peak_rss_mb:.0f} MB")
    if options.assumptions or options.accept_assumptions:
        assumed = soundness_assumptions(root, within)
        if options.accept_assumptions:
            accept_golden(assumed)
        check_golden(assumed)
        for name, names in assumed.items():
            print(f"{name} rests on {len(names)} assumptions, as known: {', '.join(names) or 'no axiom'}")
    if options.coqchk:
        modules = coqrun.theory_modules(root)
        run = coqrun.coqchk(root, modules, within, options.full)
        print(f"coqchk: {len(modules)} modules accepted, {run.seconds:.1f} s, {run.peak_rss_mb:.0f} MB")
    return 0
