"""`compact-proofs notebooks`: run the notebooks without a browser."""

from __future__ import annotations

import argparse
from pathlib import Path

from compact_proofs.models.files import write_atomic
from compact_proofs.proofs.commands.options import Progress, coq_options, limits, out_option

SUMMARY = "run the notebooks without a browser; refuse one where Python fails or Coq refuses a cell"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("notebooks", metavar="NOTEBOOK", nargs="*", type=Path, help="a file; default: all of the repository")
    out_option(parser, "folder of results (default build); copies with outputs go to DIR/notebooks")
    coq_options(parser)
    parser.add_argument("--strip", action="store_true", help="only take the outputs out of the files")


def run(options: argparse.Namespace) -> int:
    from compact_proofs.proofs import coqrun, notebooks
    from compact_proofs.proofs.pipeline import Options

    root = coqrun.theory_root(options.out)
    paths = options.notebooks or notebooks.all_notebooks(root)
    if options.strip:
        for path in paths:
            write_atomic(path, notebooks.strip(notebooks.read(path)))
        return 0
    how = Options(options.out, jobs=options.jobs, limits=limits(options), root=root, estimate=False)
    done = notebooks.run(paths, how, options.time_limit, Progress().say)
    for one in done:
        print(f"{one.path}: {'not as it says' if one.problems else 'every cell accepted'}, {one.seconds:.1f} s")
    notebooks.check(done)
    return 0
