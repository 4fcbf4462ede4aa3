"""What `compact-proofs prove` does where the strategy is a solver (registry.SOLVERS): no theorem, no report.json."""

from __future__ import annotations

import argparse
import sys

import rich.box
from rich.console import Console
from rich.table import Table

from compact_proofs.models.errors import TimeLimit, UsageError
from compact_proofs.models.files import write_atomic
from compact_proofs.models.weights import load_model
from compact_proofs.proofs.commands.options import Progress
from compact_proofs.proofs.registry import Tuning
from compact_proofs.proofs.z3_claim import Z3Claim


def ask(options: argparse.Namespace, model: str, tuning: Tuning, progress: Progress) -> int:
    """Ask Z3 and print what it says; OUT/MODEL/z3/claim.json has it as JSON.

    Raises: UsageError: something was chosen that it does not have. InputRefused: too large a network. TimeLimit: some inputs are
    undecided; what is decided is printed and written first.
    """
    from compact_proofs.extract.families import quantise_network
    from compact_proofs.proofs.z3_claim import NAME, z3_claim

    tuning.only(NAME)
    if options.budget is not None:
        raise UsageError(f"budget: strategy {NAME} has nothing to choose; leave --budget out")
    config, weights = load_model(model)
    path = options.out / config.name / NAME / "claim.json"
    path.unlink(missing_ok=True)
    quantised = quantise_network(config, weights, options.weight_bits)
    claim = z3_claim(quantised, float(options.time_limit), progress)
    write_atomic(path, claim.to_json().encode())
    if options.json:
        sys.stdout.write(claim.to_json())
    else:
        show(claim, Console(highlight=False))
    if not claim.finished:
        raise TimeLimit(
            f"Z3 decided {claim.decided:,} of {claim.inputs:,} inputs in {claim.time_limit_s:.0f} s; what is said above holds of "
            "these; raise --time-limit, or use a strategy"
        )
    return 0


def show(claim: Z3Claim, console: Console) -> None:
    """Print a claim for people."""
    console.print(f"[bold]Z3 says (not checked by Coq)[/]: {claim.model}: [bold]{claim.in_words}[/].", soft_wrap=True)
    table = Table(box=rich.box.SIMPLE, show_header=False, pad_edge=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    sizes = ", ".join(f"{'K' if name == 'n_ctx' else name}={size}" for name, size in claim.sizes.items())
    table.add_row("network", f"{sizes}; weights of {claim.weight_bits} bits")
    table.add_row("decided", f"{claim.decided:,} of {claim.inputs:,}: {claim.bound:,} right, {claim.wrong:,} wrong")
    if claim.undecided:
        table.add_row("undecided", f"{claim.undecided:,}: too near a tie for the enclosures of exp")
    alone = claim.decided - claim.in_blocks
    table.add_row("how", f"{claim.in_blocks:,} right in blocks at once, {alone:,} one by one; {claim.questions:,} questions")
    table.add_row("cost", f"{claim.rlimit:,} units of Z3's counter (rlimit), {claim.memory_mb:,.0f} MB, {claim.seconds:.1f} s")
    table.add_row("trusts", claim.trusts)
    console.print(table)
