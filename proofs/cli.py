"""The command `compact-proofs`: finds the command in `COMMANDS`, runs it, and turns every error into one message.

Results go to stdout, progress to stderr. Exit codes: 0 proved, or done; 1 not proved (which disproves nothing), or the system
refused; 2 usage; 3 input refused; 4 tool missing; 5 time or memory limit; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType, ModuleType
from typing import NoReturn

import shtab

from compact_proofs.models.errors import CompactProofsError, TimeLimit
from compact_proofs.proofs.commands import (
    audit,
    bench,
    check,
    compare,
    cost,
    counterexample,
    doctor,
    export,
    frontier,
    import_model,
    listing,
    notebooks,
    prove,
    purify,
    quantise,
    report,
    reread,
    theory,
    train,
)
from compact_proofs.proofs.commands.options import os_error_in_words

INTERRUPTED = 130
COMMANDS: dict[str, ModuleType] = {
    "list": listing,
    "train": train,
    "import": import_model,
    "purify": purify,
    "quantise": quantise,
    "prove": prove,
    "check": check,
    "report": report,
    "compare": compare,
    "cost": cost,
    "counterexample": counterexample,
    "export": export,
    "audit": audit,
    "theory": theory,
    "reread": reread,
    "frontier": frontier,
    "bench": bench,
    "notebooks": notebooks,
    "doctor": doctor,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; every error raised on purpose becomes one message on stderr."""
    options = _parser().parse_args(arguments)
    previous = signal.signal(signal.SIGTERM, _interrupt)  # `kill` cleans up as Ctrl-C does
    try:
        code = options.run(options)
        sys.stdout.flush()  # here a full disk is still an error with a message
        return code
    except CompactProofsError as error:
        print(f"compact-proofs {options.command}: {error}", file=sys.stderr)
        return error.exit_code
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("compact_proofs"):
            raise  # a fault of ours
        print(
            f"compact-proofs {options.command}: the Python package {error.name} is missing; "
            "pip install -c constraints.txt -e '.[train,plot,sweep,notebook,dev]'",
            file=sys.stderr,
        )
        return 4
    except KeyboardInterrupt:
        print(f"compact-proofs {options.command}: interrupted; nothing unfinished is left to look finished", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except OSError as error:
        print(f"compact-proofs {options.command}: {os_error_in_words(error)}", file=sys.stderr)
        try:
            sys.stdout.flush()
        except OSError:  # it was the output that failed; what is left of it would fail again at the exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MemoryError:
        print(f"compact-proofs {options.command}: out of memory; close other programs, or take a smaller model", file=sys.stderr)
        return TimeLimit.exit_code
    finally:
        signal.signal(signal.SIGTERM, previous)


def command_parsers() -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command by name, for the reference in the documentation."""
    return _parsers()[1]


def _parser() -> argparse.ArgumentParser:
    return _parsers()[0]


def _parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    parser = argparse.ArgumentParser(
        prog="compact-proofs",
        description="Prove in Coq how accurate small trained networks are.",
        epilog="Exit status: 0 proved, or done; 1 not proved, which disproves nothing; 2 usage; 3 input refused; 4 a tool is "
        "missing; 5 time or memory limit; 130 interrupted.",
        allow_abbrev=False,
    )
    shtab.add_argument_to(parser, "--print-completion", help="print what completes this command in a shell")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    of_commands = {}
    for name, module in COMMANDS.items():
        added = of_commands[name] = commands.add_parser(name, help=module.SUMMARY, description=module.SUMMARY, allow_abbrev=False)
        module.add(added)
        added.set_defaults(run=module.run)
    return parser, of_commands


def _interrupt(signal_number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
