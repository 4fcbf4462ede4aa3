"""The jobs of a comparison, each a program of its own: `python -m compact_proofs.proofs.compare.jobs KIND PLAN NAME`.

KIND is train (the missing seeds of a model), search (all that is still to be found of a network: the true count, and for each
strategy what its mirror predicts), check (have Coq prove it) or collect (the table). A refusal on purpose is a result like any
other; what another run may be spared (no memory, a fault) is written down too, and the job then fails. Messages go to stderr.
"""

from __future__ import annotations

import contextlib
import dataclasses
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

from compact_proofs.extract.coq_text import certificate_v
from compact_proofs.extract.families import card_rows, quantise_network
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.modular_fold import fold
from compact_proofs.extract.modular_form import check_form
from compact_proofs.extract.quantise import QuantisedModel, quantised_tables
from compact_proofs.extract.rounding import QuantisedNetwork
from compact_proofs.models.config import ModelConfig
from compact_proofs.models.errors import CompactProofsError, NotProved, Stopped, TimeLimit, ToolMissing
from compact_proofs.models.evaluate import count_right
from compact_proofs.models.files import write_atomic
from compact_proofs.models.modular.config import ModularConfig
from compact_proofs.models.weights import load_config, load_model, save_model
from compact_proofs.proofs import pipeline
from compact_proofs.proofs.compare.collect import collect
from compact_proofs.proofs.compare.plan import Plan, Planned, Search, Training, files_sha256
from compact_proofs.proofs.compare.records import Result, Truth
from compact_proofs.proofs.coqrun import Limits
from compact_proofs.proofs.registry import DEFAULT, SOLVERS, Strategy, Tuning, silent
from compact_proofs.proofs.report import duration
from compact_proofs.proofs.table import write_table
from compact_proofs.proofs.verify import definition_bytes

UNASKED_S = 10.0  # Z3 is asked for no longer unless it was named
PASSING = (Stopped, ToolMissing, MemoryError, OSError)  # another run may fare better


def train(plan: Plan, training: Training) -> None:
    """Train the seeds of one model together and save them. Raises: as `models.train.train`."""
    from compact_proofs.models.train import show_progress
    from compact_proofs.models.train import train as train_together

    source, folder = load_config(training.source), plan.out / "models"
    if isinstance(source, ModelConfig):
        assert source.training is not None
        one = len(training.names) == 1  # is saved under its name as it is
        name = training.names[0] if one else training.names[0].removesuffix(f"_seed{training.seeds[0]}")
        config = dataclasses.replace(source, name=name, training=None)
        with show_progress(f"training {name}, {len(training.seeds)} seed{'s' * (not one)}") as progress:
            steps, unfinished = source.training.steps, plan.out / "train"
            train_together(config, training.seeds, "auto", steps, folder, progress, card_rows, unfinished)
        return
    from compact_proofs.models.modular.train import modular_card, train_modular

    assert isinstance(source, ModularConfig) and source.training is not None
    for name, seed in zip(training.names, training.seeds, strict=True):
        of_seed = dataclasses.replace(source, name=name, training=dataclasses.replace(source.training, seed=seed))
        with show_progress(f"training {name}") as show:
            _, weights = train_modular(of_seed, progress=show)
        save_model(of_seed, weights, folder, modular_card(of_seed, weights, card_rows(of_seed, weights)))


def search(plan: Plan, network: Planned) -> bool:
    """Find what is still to be found of a network; return whether all of it now stands."""
    config, weights = load_model(network.path)
    quantised: dict[int, QuantisedNetwork | CompactProofsError] = {}
    for one in network.searched:
        if one.weight_bits not in quantised:
            try:
                quantised[one.weight_bits] = quantise_network(config, weights, one.weight_bits)
            except CompactProofsError as error:
                quantised[one.weight_bits] = error
    for bits in plan.open_truths(network):
        _truth(quantised[bits]).save(plan.result(network, network.truths[bits]))
    for one in plan.open_searches(network):
        _say(f"{network.name}: {one.text()}")
        of_bits = quantised[one.weight_bits]
        if isinstance(of_bits, CompactProofsError):
            result = Result(None, reason=str(of_bits))
        elif one.choice.strategy in SOLVERS:
            result = _ask(of_bits, plan.limit_s, one.named)
        else:
            result = _search(of_bits, network.strategy(one), one.choice.tuning, plan.limit_s)
        result.save(plan.result(network, one.key))
    return not plan.open_searches(network) and not plan.open_truths(network)


def _truth(quantised: QuantisedNetwork | CompactProofsError) -> Truth:
    """Count the inputs answered right: of max_of_k in float64, of modular arithmetic exactly."""
    if isinstance(quantised, QuantisedModular):
        try:
            form = fold(quantised)
            check_form(form)
        except CompactProofsError:
            return Truth(None, None)
        right = int(form.right().sum())
        return Truth(right, right)
    if not isinstance(quantised, QuantisedModel):
        return Truth(None, None)
    found = count_right(quantised_tables(quantised))
    return Truth(found.right, found.right + found.undecided)


def _ask(quantised: QuantisedNetwork, limit_s: int, named: bool) -> Result:
    """Ask Z3; but not for long where nobody has named it."""
    from compact_proofs.proofs.z3_claim import estimate_s, z3_claim

    estimate = estimate_s(quantised)
    if not named and estimate > UNASKED_S:
        return Result(None, reason=f"would take about {duration(estimate)}; tried where it is named", left_out=True)
    start = time.process_time()
    try:
        claim = z3_claim(quantised, float(limit_s))
    except PASSING as error:
        return Result(None, reason=_in_words(error), again=True)
    except CompactProofsError as error:
        return Result(None, reason=str(error))
    remark = "Z3's answer, not checked by Coq"
    if not claim.finished:
        remark += f"; {claim.decided:,} inputs decided within {limit_s} s"
    seconds, limit = round(time.process_time() - start, 3), None if claim.finished else limit_s
    return Result(claim.bound, claim.statement, seconds=seconds, reason=remark, limit_s=limit)


def _search(quantised: QuantisedNetwork, chosen: Strategy, tuning: Tuning, limit_s: int) -> Result:
    start = time.process_time()
    try:
        with _within(limit_s, f"{quantised.name}, {chosen.name}"):
            found = chosen.find(quantised, tuning, silent)
            seconds = time.process_time() - start
            accepted = chosen.mirror(quantised, found.certificate)
            if accepted != found.proved:
                raise NotProved(f"the search claims {found.proved:,} inputs, its mirror of the checker accepts {accepted:,}")
            size = definition_bytes(certificate_v(quantised.name, chosen.name, chosen.fields(found.certificate)))
    except TimeLimit as error:
        return Result(None, reason=str(error), limit_s=limit_s)
    except PASSING as error:
        return Result(None, reason=_in_words(error), again=True)
    except CompactProofsError as error:
        return Result(None, reason=str(error))
    except Exception as error:
        traceback.print_exc()
        return Result(None, reason=f"a fault of ours, please report it: {_in_words(error)}", again=True)
    return Result(found.proved, found.statement, found.operations, size, round(seconds, 3))


def check(plan: Plan, network: Planned) -> bool:
    """Have Coq check what the searches have found of a network; return whether every verdict stands.

    A strategy's own choice comes last, so that its proof is what stays in the folders of the model.
    """
    for one in sorted(plan.open_proofs(network), key=lambda one: one.choice.tuning == DEFAULT):
        _say(f"{network.name}: {one.text()}")
        _check(plan, network, one).save(plan.result(network, one.proof_key))
    return not plan.open_proofs(network)


def _check(plan: Plan, network: Planned, one: Search) -> Result:
    chosen, tuning = network.strategy(one), one.choice.tuning
    command = f"compact-proofs prove {network.name} --strategy {chosen.name} --weight-bits {one.weight_bits} {tuning.text()}"
    limits = Limits(float(plan.limit_s))
    how = pipeline.Options(plan.out, one.weight_bits, 1, limits, command=command.rstrip(), estimate=False, tuning=tuning)
    try:
        report = pipeline.prove(str(network.path), chosen, how, _say)
    except TimeLimit as error:
        return Result(None, reason=str(error), limit_s=plan.limit_s)
    except (CompactProofsError, MemoryError, OSError) as error:
        return Result(None, reason=_in_words(error), again=True)
    size, seconds = report.certificate_bytes, report.seconds["coqc"]
    return Result(report.proved_correct, report.statement, report.checker_operations, size, seconds)


@contextlib.contextmanager
def _within(limit_s: int, what: str) -> Iterator[None]:
    """Raise TimeLimit in the block once it has run so many seconds."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise TimeLimit(f"{what}: the search ran past its limit of {limit_s} s and was stopped; raise --time-limit")

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def _in_words(error: BaseException) -> str:
    return str(error) or ("out of memory" if isinstance(error, MemoryError) else type(error).__name__)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    """Run one job; return 0 where all that it was to find now stands."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    kind, path, *names = arguments
    try:
        plan = Plan.load(Path(path))
        if kind == "train":
            train(plan, plan.training(names[0]))
            stamp = plan.training_stamp(plan.training(names[0]))
        elif kind == "collect":
            write_table(collect(plan), plan.folder)
            return 0
        else:
            network = plan.network(names[0])
            if files_sha256(network.path) != network.files_sha256:
                raise Stopped(f"{network.path}: the network has changed since the comparison began; run it again")
            stamp = plan.stamp(network, {"search": "searched", "check": "proved"}[kind])
            if not {"search": search, "check": check}[kind](plan, network):
                return 1
        write_atomic(plan.compare / stamp, b"")
    except CompactProofsError as error:
        _say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
