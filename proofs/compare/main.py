"""A comparison from what the user wants to its table: `compare`, and `outline` for what would be run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compact_proofs.extract.rounding import check_bits
from compact_proofs.models.errors import InputRefused, Stopped, UsageError
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.compare.choices import choices_for
from compact_proofs.proofs.compare.collect import collect, last_line
from compact_proofs.proofs.compare.networks import check_trainable, networks_of
from compact_proofs.proofs.compare.plan import Plan
from compact_proofs.proofs.compare.planning import make_plan
from compact_proofs.proofs.compare.workflow import Engine, locked, run, sync_stamps
from compact_proofs.proofs.registry import Progress
from compact_proofs.proofs.table import Row, key_of, read_table, write_table

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
MOST_NAME = 80  # characters


@dataclass(frozen=True, slots=True)
class Request:
    """What the user wants. strategies: texts, none: all that fit; proved: of each model so many networks are proved in Coq, None:
    all; weight_bits: None for the default of each family; name: of the comparison, None: made of models, seeds and strategies."""

    models: Sequence[str]
    seeds: Sequence[int] | None = None
    strategies: Sequence[str] = ()
    proved: int | None = 0
    limit_s: int = 600
    weight_bits: int | None = None
    name: str | None = None
    out: Path = Path("build")
    engine: Engine = Engine()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The rows, and where they are; computed: how many results are new."""

    plan: Plan
    rows: list[Row]
    table: Path
    lines: Path
    computed: int


def compare(request: Request, say: coqrun.Say, progress: Progress) -> Outcome:
    """Run what is missing and write the table.

    Raises: UsageError, InputRefused, ToolMissing: before anything runs. Stopped: Snakemake ran nothing. OSError: a folder that
    cannot be written to.
    """
    plan = prepare(request)
    with locked(plan, say):
        if plan.trainings:
            _train(plan, request.engine, say, progress)
            plan = prepare(request, trained=True)
        sync_stamps(plan)
        missing = [path for path in plan.wanted() if not path.is_file()]
        open_networks = [
            network
            for network in plan.networks
            if plan.open_searches(network) or plan.open_truths(network) or plan.open_proofs(network)
        ]
        plan.save()
        before, computed = _rows_there(plan), 0
        if not open_networks:
            say(f"nothing to compute: all {len(plan.wanted())} results are there" if plan.wanted() else "nothing can be computed")
        else:
            on = _networks(len(open_networks))
            say(f"to compute: {len(missing)} of {len(plan.wanted())} results (bounds, true counts) on {on}")
            well = run(plan, "compared", request.engine, lambda: _so_far(plan), progress)
            computed = sum(path.is_file() for path in missing)
            if not well and not computed and not any(plan.log("search", n.name).is_file() for n in open_networks):
                raise Stopped(f"Snakemake ran no job: {last_line(plan.snakemake_log)}; see {plan.snakemake_log}")
        rows = collect(plan)
        if gone := len(before - {key_of(row) for row in rows}):
            say(f"{plan.folder}: the table here was of another comparison; {gone} of its rows go. --name keeps tables apart")
        table, lines = write_table(rows, plan.folder)
    return Outcome(plan, rows, table, lines, computed)


def prepare(request: Request, trained: bool = False) -> Plan:
    """Check all that was asked for, and return the plan. Raises: as `compare`."""
    if request.weight_bits is not None:
        check_bits(request.weight_bits)
    name = request.name or _derived_name(request)
    if not NAME.fullmatch(name) or len(name) > MOST_NAME:
        raise UsageError(f"name: got {name!r}, wanted at most {MOST_NAME} letters, digits, '.', '_' or '-', the first no sign")
    networks = networks_of(request.models, request.seeds, request.proved, request.out)
    choices = choices_for([network.config for network in networks], request.strategies)
    request.engine.check()
    if not trained:
        check_trainable(networks)
    theory = ""
    if request.proved != 0:
        coqrun.require_coq()
        theory = _theory(coqrun.theory_root(request.out))
    named = bool(request.strategies)
    return make_plan(name, request.out, networks, choices, request.weight_bits, request.limit_s, named, theory)


def outline(plan: Plan) -> list[str]:
    """Return, in lines for people, what would be run."""
    lines = [f"comparison {plan.name}, to {plan.folder}"]
    for training in plan.trainings:
        lines.append(
            f"train {len(training.names)} networks with the recipe of {training.source.stem}: {', '.join(training.names)}"
        )
    for network in plan.networks:
        there = bool(network.files_sha256)
        searches = plan.open_searches(network) if there else [one for one in network.searches if not one.left_out]
        if searches:
            lines.append(f"search {network.name}: " + ", ".join(one.text() for one in searches))
        if plan.open_truths(network):
            lines.append(f"enumerate {network.name}")
        if proofs := plan.open_proofs(network):
            lines.append(f"prove {network.name} in Coq: " + ", ".join(one.text() for one in proofs))
        if left_out := [one for one in network.searches if one.left_out]:
            lines += [f"leave out {network.name}, {one.text()}: {one.left_out}" for one in left_out]
    found = sum(path.is_file() for path in plan.wanted())
    return [*lines, f"{found} of {len(plan.wanted())} results are there"]


def _train(plan: Plan, engine: Engine, say: coqrun.Say, progress: Progress) -> None:
    """Train what is missing; what fails is said, and becomes rows without a bound."""
    names = [name for training in plan.trainings for name in training.names]
    say(f"to train: {_networks(len(names))}")
    sync_stamps(plan)
    plan.save()
    logs = [plan.log("train", training.name) for training in plan.trainings]
    files = [plan.out / "models" / f"{name}.json" for name in names]

    def watch() -> tuple[str, int, int]:
        lines = [last_line(log) for log in logs if log.is_file() and log.stat().st_size]
        return (lines[-1] if lines else "training"), sum(path.is_file() for path in files), len(files)

    if not run(plan, "trained", engine, watch, progress):
        missing = [path.stem for path in files if not path.is_file()]
        say(f"not trained: {', '.join(missing) or 'some'}; see {', '.join(map(str, logs))} and {plan.snakemake_log}")


def _networks(count: int) -> str:
    return f"{count} network{'s' * (count != 1)}"


def _rows_there(plan: Plan) -> set[tuple[str, int, str, str]]:
    """Return what the rows of the table that is there are about."""
    try:
        return {key_of(row) for row in read_table(plan.folder)}
    except (UsageError, InputRefused):  # none, or nothing that can be read
        return set()


def _so_far(plan: Plan) -> tuple[str, int, int]:
    wanted = plan.wanted()
    return "results", sum(path.is_file() for path in wanted), len(wanted)


def _theory(root: Path) -> str:
    digest = hashlib.sha256()
    for path in coqrun.theory_sources(root):
        digest.update(str(path).encode() + b"\0" + (root / path).read_bytes())
    return digest.hexdigest()


def _derived_name(request: Request) -> str:
    """Make a name of models, seeds and strategies; a long one is cut and told apart by a hash."""
    words = [Path(model).stem for model in request.models]
    if request.seeds:
        words.append(f"seeds{request.seeds[0]}-{request.seeds[-1]}")
    words += [re.sub("[^A-Za-z0-9]+", "-", text).strip("-") for text in request.strategies]
    if request.weight_bits is not None:
        words.append(f"{request.weight_bits}bits")
    name = "_".join(words)
    whole = [*request.models, "", *map(str, request.seeds or ()), "", *request.strategies]
    plain = request.seeds is None or list(request.seeds) == list(range(request.seeds[0], request.seeds[-1] + 1))
    if len(name) > MOST_NAME - 10 or not plain or any("/" in model for model in request.models):
        name = f"{name[: MOST_NAME - 10]}_{hashlib.sha256(chr(0).join(whole).encode()).hexdigest()[:8]}"
    return name
