"""`compact-proofs counterexample`: inputs that a model gets wrong, or that there are none."""

from __future__ import annotations

import argparse
import sys

from compact_proofs.models.errors import TimeLimit
from compact_proofs.models.weights import load_model
from compact_proofs.proofs.commands.options import BITS_HELP, NO_MODEL, Progress, json_option, model_named, natural, positive

SUMMARY = "find inputs that the quantised network gets wrong, or say that there is none"
EVERY = "all"
STATUS = (
    "Exit status: 0 at least one was found, or it is decided for all inputs that there is none (which no theorem says: Coq has "
    "not checked it); 5 none was found in the time, and there may be one; 2 usage; 3 model refused."
)


def add(parser: argparse.ArgumentParser) -> None:
    parser.epilog = STATUS
    parser.add_argument("model", metavar="MODEL", nargs="?", help=NO_MODEL)
    parser.add_argument("--n-ctx", type=positive, metavar="K", help="in place of MODEL: the model of this size")
    parser.add_argument("--d-vocab", type=positive, metavar="N", help="with --n-ctx (default 64)")
    parser.add_argument("--seed", type=natural, metavar="N", help="with --n-ctx (default: any)")
    parser.add_argument("--count", type=count, default=1, metavar="N", help=f"how many, or {EVERY} (default 1)")
    parser.add_argument("--time-limit", type=positive, default=60, metavar="SECONDS", help="of the search (default 60)")
    parser.add_argument("--weight-bits", type=positive, metavar="N", help=BITS_HELP)
    json_option(parser)


def run(options: argparse.Namespace) -> int:
    from compact_proofs.extract.families import quantise_network
    from compact_proofs.proofs.counterexample import counterexamples

    quantised = quantise_network(*load_model(model_named(options)), options.weight_bits)
    found = counterexamples(quantised, options.count, float(options.time_limit), Progress())
    sys.stdout.write(found.to_json() if options.json else "\n".join(found.lines()) + "\n")
    return 0 if found.found or found.all else TimeLimit.exit_code


def count(text: str) -> int | None:
    """Read an integer >= 1, or `all`, which is None."""
    if text == EVERY:
        return None
    try:
        return positive(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, or {EVERY}") from None
