"""The attack: thousands of seeded networks and certificates against every strategy, judged by the exact oracle.

    python -m compact_proofs.proofs.attack.fuzz --networks 20000 --coq 200 --jobs 2 --seed 0 --out build/attack

Every network goes through the Python mirrors, by all strategies of its task and family; the first `--coq` ones, which go through
all kinds, through Coq as well. A false acceptance, a crash, or a verdict of Coq that the mirror did not predict ends in exit
code 1. Networks go in blocks; a block's records are a file of JSON lines in OUT/fuzz_blocks, and one that is there is not run
again: an interrupted run goes on where it was. After a change of the code, take a new folder. At the end OUT/fuzz.json has the
sums.

How long: about 0.15 s of one idle core for a network, two thirds of it the finders of low rank; about 2 s for one through Coq.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table

from compact_proofs.models.errors import CompactProofsError
from compact_proofs.models.files import write_atomic
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.attack.trial import Record, coq_trial, mirror_trial
from compact_proofs.proofs.cli import INTERRUPTED
from compact_proofs.proofs.commands.options import Progress

SCHEMA = 2
BLOCK = {"mirror": 100, "coq": 10}  # networks
FINDINGS = ("false_acceptances", "disagreements", "crashes")
SHOWN = 5  # findings of a kind that are printed; fuzz.json has MOST_LISTED
MOST_LISTED = 100
PLAIN_WIDTH = 130  # of the table where stdout is no terminal
PARTS_PER_BILLION = 10**9
Counts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """What is run. mutants, coq_mutants: hostile certificates for each strategy and network; root: the theory; strategies: for
    each network, in turn, None for all.
    """

    networks: int
    coq: int
    seed: int
    out: Path
    mutants: int
    coq_mutants: int
    root: Path
    strategies: int | None = None
    limits: coqrun.Limits = coqrun.Limits(seconds=60, memory_mb=8192)  # of BATCH cases in one run


@dataclass(frozen=True, slots=True)
class Block:
    """Some networks in a row and who judges them, "mirror" or "coq"."""

    judge: str
    seeds: range

    def path(self, settings: Settings) -> Path:
        """Return the file of its records."""
        return settings.out / "fuzz_blocks" / f"{self.judge}_{self.seeds.start:08d}.jsonl"

    def head(self, settings: Settings) -> Record:
        """Return the first line of the file; a file with another one is run again."""
        mutants = settings.mutants if self.judge == "mirror" else settings.coq_mutants
        seeds = {"first": self.seeds.start, "end": self.seeds.stop}
        return {"schema": SCHEMA, "judge": self.judge, "mutants": mutants, "strategies": settings.strategies} | seeds

    def records(self, settings: Settings) -> list[Record] | None:
        """Read the records; None where the block is not finished."""
        try:
            lines = self.path(settings).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return None
        found = [json.loads(line) for line in lines]
        return found[1:] if found and found[0] == self.head(settings) else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the attack and return the exit code: 1 after a finding."""
    parser = argparse.ArgumentParser(prog="attack", description=__doc__.partition("\n")[0], allow_abbrev=False)
    numbers = {"networks": 20000, "coq": 200, "jobs": os.cpu_count() or 1, "seed": 0, "mutants": 4, "coq-mutants": 4}
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"default {default}")
    parser.add_argument("--strategies", type=int, metavar="N", help="for each network so many, in turn (default: all)")
    parser.add_argument("--theory", type=Path, metavar="DIR", help="a folder with a built theory (default: built if need be)")
    parser.add_argument("--out", type=Path, default=Path("build/attack"), metavar="DIR", help="default build/attack")
    given = parser.parse_args(arguments)
    previous = signal.signal(signal.SIGTERM, _interrupt)  # `kill` ends it as Ctrl-C does
    try:
        root = given.theory or coqrun.theory_root(given.out)
        counts = (given.networks, given.coq, given.seed)
        settings = Settings(*counts, given.out, given.mutants, given.coq_mutants, root, given.strategies)
        if given.coq:
            coqrun.require_coq()
        if given.coq and given.theory is None:
            coqrun.build_theory(root, given.jobs, coqrun.Limits(), lambda line: print(line, file=sys.stderr))
        run_blocks(settings, given.jobs)
    except CompactProofsError as error:
        print(f"attack: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("attack: interrupted; the same command goes on from the last finished block", file=sys.stderr)
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, previous)
    found = summary(settings)
    write_atomic(settings.out / "fuzz.json", (json.dumps(found, indent=1, sort_keys=True) + "\n").encode())
    show(found, Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH))
    return 1 if any(found[name] for name in FINDINGS) else 0


def blocks(settings: Settings) -> list[Block]:
    """Return all blocks, those for Coq first."""
    result = []
    for judge, networks in (("coq", min(settings.coq, settings.networks)), ("mirror", settings.networks)):
        end = settings.seed + networks
        starts = range(settings.seed, end, BLOCK[judge])
        result += [Block(judge, range(start, min(start + BLOCK[judge], end))) for start in starts]
    return result


def run_blocks(settings: Settings, jobs: int) -> None:
    """Run the blocks that are not finished, `jobs` at a time; findings are printed as they come."""
    every = blocks(settings)
    left = [block for block in every if block.records(settings) is None]
    progress, run = Progress(), partial(run_block, settings)

    def watch(finished: Iterable[list[Record]]) -> None:
        for done, records in enumerate(finished, len(every) - len(left) + 1):
            for name in FINDINGS:
                for record in records:
                    for one in record.get(name, [])[:SHOWN]:
                        progress.say(f"{name}: {json.dumps(one)}")
            progress("blocks of networks", done, len(every))

    if jobs == 1:
        watch(map(run, left))
        return
    with multiprocessing.Pool(jobs, initializer=_start_worker) as pool:
        watch(pool.imap_unordered(run, left))


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, which ends its workers; then what they have started ends, too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def run_block(settings: Settings, block: Block) -> list[Record]:
    """Run one block, write its records and return them."""
    if block.judge == "coq":
        records = coq_trial(block.seeds, settings.coq_mutants, settings.root, settings.limits, settings.strategies)
    else:
        records = [mirror_trial(seed, settings.mutants, settings.strategies) for seed in block.seeds]
    lines = [json.dumps(record, sort_keys=True) for record in [block.head(settings), *records]]
    write_atomic(block.path(settings), ("\n".join(lines) + "\n").encode())
    return records


def summary(settings: Settings) -> Record:
    """Add up the records of all blocks.

    Of each strategy: networks tried, certificates proved, mutants accepted, refused and not writable, mean tightness (proved over
    truth, over proved networks where the truth is not 0), Coq's verdicts. Findings: at most MOST_LISTED of a kind, and how many.
    """
    kinds: dict[str, Counts] = {}
    of_strategies: dict[str, Counts] = {}
    findings: dict[str, list[Record]] = {name: [] for name in FINDINGS}
    for judge, record in _all_records(settings):
        task = record["kind"].split()[0]
        for name in FINDINGS:
            findings[name] += record.get(name, [])
        if judge == "mirror":
            of_kind = kinds.setdefault(record["kind"], {"networks": 0, "inputs": 0, "right": 0})
            for key, number in (("networks", 1), ("inputs", record["inputs"]), ("right", record["truth"])):
                of_kind[key] += number
        for strategy, counted in record["strategies"].items():
            total = of_strategies.setdefault(f"{task} {strategy}", _nothing())
            if judge == "coq":
                for key, number in counted.items():
                    total["coq"][key] += number
                continue
            total["networks"] += 1
            for key in ("found", "accepted", "refused", "unwritten"):
                total[key] += counted[key]
            if counted["found"] and counted["truth"]:
                total["measured"] += 1
                total["tightness"] += counted["proved"] * PARTS_PER_BILLION // counted["truth"]
    for name in FINDINGS:
        for one in findings[name]:
            of_strategies[f"{one['task']} {one['strategy']}"][name] += 1
    for total in of_strategies.values():
        measured, tightness = total.pop("measured"), total.pop("tightness")
        total["mean_tightness"] = round(tightness / measured / PARTS_PER_BILLION, 4) if measured else None
    counts = {f"{name}_count": len(findings[name]) for name in FINDINGS}
    listed = {name: findings[name][:MOST_LISTED] for name in FINDINGS}
    head = {"schema": SCHEMA, "seed": settings.seed, "networks": settings.networks, "coq_networks": settings.coq}
    return head | {"kinds": kinds, "strategies": of_strategies} | counts | listed


def show(found: Record, console: Console) -> None:
    """Print the sums as a table."""
    table = Table("strategy", "networks", "proved", "tightness", "mutants accepted", "refused", "Coq verdicts", "false", "differ")
    for name, one in found["strategies"].items():
        tightness = "" if one["mean_tightness"] is None else f"{one['mean_tightness']:.3f}"
        verdicts = sum(one["coq"].values())
        numbers = (one["networks"], one["found"], tightness, one["accepted"], one["refused"] + one["unwritten"], verdicts)
        table.add_row(name, *map(str, (*numbers, one["false_acceptances"], one["disagreements"])))
    console.print(table)
    counts = ", ".join(f"{name.replace('_', ' ')} {found[f'{name}_count']}" for name in FINDINGS)
    console.print(f"{found['networks']:,} networks, {len(found['kinds'])} kinds: {counts}")


def _all_records(settings: Settings) -> Iterator[tuple[str, Record]]:
    for block in blocks(settings):
        for record in block.records(settings) or []:
            yield block.judge, record


def _nothing() -> Counts:
    keys = ("networks", "found", "accepted", "refused", "unwritten", "measured", "tightness", *FINDINGS)
    return dict.fromkeys(keys, 0) | {"coq": {"accepted": 0, "refused": 0, "failed": 0}}


if __name__ == "__main__":
    sys.exit(main())
