"""Options and helpers that several commands share.

Names are the same everywhere: --out, --strategy, --jobs, --json. Results go to stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
import time
from pathlib import Path

from compact_proofs.extract.distribution import read_distribution
from compact_proofs.models.config import ModelConfig
from compact_proofs.models.errors import UsageError
from compact_proofs.models.weights import load_config, model_of_size
from compact_proofs.proofs.coqrun import Limits
from compact_proofs.proofs.registry import Strategy, strategy_for

REPORT_EVERY_S = 5.0
MOST_SEEDS = 10_000
BITS_HELP = "4 to 12, the sign included (default 8, modular_pizza 6)"
NO_MODEL = "a name from `compact-proofs list`, or the path of a model's .json"


class Progress:
    """Shows how far a search is on stderr: in place on a terminal, elsewhere a line every few seconds."""

    def __init__(self) -> None:
        self.next_line = time.monotonic() + REPORT_EVERY_S
        self.open_line = False

    def __call__(self, message: str, done: int, total: int) -> None:
        """Show "      message: done of total"."""
        line = f"      {message}: {done:,} of {total:,}"
        if sys.stderr.isatty():
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
            self.open_line = True
        elif time.monotonic() >= self.next_line:
            print(line, file=sys.stderr, flush=True)
            self.next_line = time.monotonic() + REPORT_EVERY_S

    def say(self, line: str) -> None:
        """Show a line of its own."""
        print(("\r\x1b[K" if self.open_line else "") + line, file=sys.stderr, flush=True)
        self.open_line = False


def model_options(parser: argparse.ArgumentParser, strategy: bool = True, by_size: bool = False, optional: bool = False) -> None:
    """Add MODEL, --out and, if wanted, --n-ctx, --d-vocab, --seed in place of MODEL, and --strategy."""
    help_text = NO_MODEL + "; default: every shipped one" * optional
    parser.add_argument("model", metavar="MODEL", nargs="?" if by_size or optional else None, help=help_text)
    if by_size:
        parser.add_argument("--n-ctx", type=positive, metavar="K", help="in place of MODEL: the model of this size")
        parser.add_argument("--d-vocab", type=positive, metavar="N", help="with --n-ctx (default 64)")
        parser.add_argument("--seed", type=natural, metavar="N", help="with --n-ctx (default: any)")
    out_option(parser)
    if strategy:
        parser.add_argument("--strategy", metavar="NAME", help="default: the best of `compact-proofs list`")


def out_option(parser: argparse.ArgumentParser, what: str = "folder of results (default build)") -> None:
    """Add --out."""
    parser.add_argument("--out", type=folder_of_results, default=Path("build"), metavar="DIR", help=what)


def json_option(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="print the result as JSON, for machines")


def jobs_option(parser: argparse.ArgumentParser, what: str = "files compiled at a time (default 1)") -> None:
    """Add --jobs."""
    parser.add_argument("--jobs", type=positive, default=1, metavar="N", help=what)


def coq_options(parser: argparse.ArgumentParser) -> None:
    """Add --jobs and the limits of time and memory."""
    jobs_option(parser)
    parser.add_argument("--time-limit", type=positive, default=600, metavar="SECONDS", help="per run of Coq (default 600)")
    parser.add_argument("--memory-limit", type=positive, default=8192, metavar="MB", help="per run of Coq (default 8192)")


def model_named(options: argparse.Namespace) -> str:
    """Return the model that was named, or given by its sizes. Raises: UsageError: neither or both, or there is none."""
    sizes = (options.n_ctx, options.d_vocab, options.seed)
    if (options.model is None) == all(size is None for size in sizes):
        raise UsageError("MODEL: wanted a name, or --n-ctx (with --d-vocab, --seed) in its place")
    if options.model is not None:
        return str(options.model)
    return model_of_size(options.n_ctx or 4, options.d_vocab or 64, options.seed)


def distribution_option(parser: argparse.ArgumentParser) -> None:
    """Add --distribution."""
    help_text = "weights of the tokens at each position, JSON or text: inputs count by their weight (docs/distributions.md)"
    parser.add_argument("--distribution", type=Path, metavar="FILE", help=help_text)


def chosen_strategy(model: str, name: str | None, distribution: Path | None = None) -> Strategy:
    """The strategy of that name, or the best one for the model; the one for the distribution in a file, where there is one.

    Raises: UsageError, InputRefused: a family without distributions, or a file that holds none for this model.
    """
    config = load_config(model)
    if distribution is None:
        return strategy_for(config.family, name)
    if not isinstance(config, ModelConfig):
        raise UsageError(f"--distribution: proofs about a {config.family} network count all inputs alike; leave it out")
    return strategy_for(config.family, name, read_distribution(distribution, config.n_ctx, config.d_vocab))


def limits(options: argparse.Namespace) -> Limits:
    """Return the limits of one run of Coq."""
    return Limits(float(options.time_limit), options.memory_limit)


def folder_of_results(text: str) -> Path:
    """Read the path of a folder that is there and may be written to, or can be made: said before hours of work, not after."""
    path = Path(text)
    there = next(one for one in (path, *path.absolute().parents) if os.path.lexists(one))
    folder = os.path.isdir(there)  # noqa: PTH112  (Path.is_dir raises where a link leads into a closed folder)
    number = errno.ENOTDIR if not folder else 0 if os.access(there, os.W_OK | os.X_OK) else errno.EACCES
    if number:
        raise argparse.ArgumentTypeError(os_error_in_words(OSError(number, os.strerror(number), str(there))))
    return path


def os_error_in_words(error: OSError) -> str:
    """Say which file the system refused, why, and what to do."""
    advice = ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        advice = "make room, or choose another folder by --out"
    elif error.errno == errno.EFBIG:
        advice = "files may not grow to this size here; raise `ulimit -f`"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        advice = "choose a folder that you may write to by --out, or change its permissions"
    elif error.errno in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR):
        advice = "a file stands where a folder is wanted, or a folder where a file is; move it, or choose another folder by --out"
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}" + (f"; {advice}" if advice else "")

def positive(text: str) -> int:
    """Read an integer >= 1."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"got {text!r}, wanted an integer >= 1")
    return int(text)


def natural(text: str) -> int:
    """Read an integer >= 0."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"got {text!r}, wanted an integer >= 0")
    return int(text)


def operations(text: str) -> int:
    """Read 20000000 or 2e7."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value < 1e18:
        raise argparse.ArgumentTypeError(f"got {text!r}, wanted a number of operations, such as 2e7")
    return int(value)


def exponents(text: str) -> tuple[int, ...]:
    """Read "0,0,1,2"."""
    parts = text.split(",")
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise argparse.ArgumentTypeError(f"got {text!r}, wanted exponents such as 0,0,1,2: bands of 1, 1, 2 and 4 tokens")
    return tuple(map(int, parts))


def seeds(text: str) -> list[int]:
    """Read "7", "1,2,5" or "0-15"."""
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not (text.isascii() and first.isdigit() and (last.isdigit() if dash else True)):
            raise argparse.ArgumentTypeError(f"got {text!r}, wanted seeds such as 7, 1,2,5 or 0-15")
        if len(last or first) > 9 or len(seeds) + int(last or first) - int(first) >= MOST_SEEDS:
            raise argparse.ArgumentTypeError(f"got {text!r}, wanted at most {MOST_SEEDS:,} seeds below 1,000,000,000")
        seeds += range(int(first), int(last or first) + 1)
    if not seeds or len(set(seeds)) != len(seeds):
        raise argparse.ArgumentTypeError(f"got {text!r}, wanted at least one seed and none twice")
    return seeds
