"""From what the jobs have found to the rows of the table: `collect`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from compact_proofs.extract.families import AnyConfig
from compact_proofs.models.modular.config import ModularConfig
from compact_proofs.models.tasks import n_inputs
from compact_proofs.proofs.compare.plan import Plan, Planned, Search
from compact_proofs.proofs.compare.records import Result, Truth
from compact_proofs.proofs.registry import SOLVERS
from compact_proofs.proofs.strategies import brute_force, exact
from compact_proofs.proofs.table import Row

MOST_REASON = 300  # characters


def collect(plan: Plan) -> list[Row]:
    """Return a row for each network and choice, whatever has become of it."""
    return [row for network in plan.networks for row in _rows(plan, network)]


def _rows(plan: Plan, network: Planned) -> list[Row]:
    config = network.config()
    results = {search: _result(plan, network, search) for search in network.searches}
    truths = {bits: _truth(plan, network, config, bits, results) for bits in network.truths}
    rows = []
    for search in network.searches:
        if search.shown:
            rows.append(_row(plan, network, config, search, results[search], truths[search.weight_bits]))
    return rows


def _result(plan: Plan, network: Planned, search: Search) -> Result | None:
    return Result.load(plan.result(network, search.key)) if search.key else None


def _truth(
    plan: Plan, network: Planned, config: AnyConfig, bits: int, results: Mapping[Search, Result | None]
) -> tuple[int | None, int | None]:
    """Return the enclosure of the true count: enumerated, or else between the best bounds that strategies have found."""
    if not network.files_sha256:
        return None, None
    if key := network.truths[bits]:
        found = Truth.load(plan.result(network, key))
        return (None, None) if found is None else (found.low, found.high)
    bounds = [result for search, result in results.items() if search.weight_bits == bits and result and result.bound is not None]
    low = max((result.bound or 0 for result in bounds if result.statement != "at_most"), default=0)
    high = min((result.bound or 0 for result in bounds if result.statement != "at_least"), default=n_inputs(config))
    return (low, high) if low <= high else (None, None)  # `_contradiction` names the bounds that are at odds


def _row(
    plan: Plan, network: Planned, config: AnyConfig, search: Search, found: Result | None, truth: tuple[int | None, int | None]
) -> Row:
    solver = search.choice.strategy in SOLVERS
    statement: str = "exactly" if solver else next(iter(network.strategy(search).coq))
    operations = check_s = None
    search_s = size = bound = None
    if search.left_out:
        status, reason = "not run", search.left_out
        operations = _operations_left_out(config, search.choice.strategy)
    elif found is None:
        status, reason = "refused", _why_nothing(plan, network, "search")
    elif found.bound is None:
        status, reason = "not run" if found.left_out else "refused", found.reason
    else:
        status, reason, bound = "predicted", found.reason, found.bound
        statement = found.statement or statement
        operations, size, search_s = found.operations, found.certificate_bytes, found.seconds
        if search.proof_key and bound:
            proved = Result.load(plan.result(network, search.proof_key))
            if proved is None or proved.bound is None:
                why = _why_nothing(plan, network, "check") if proved is None else proved.reason
                status, reason, bound = "refused", f"predicted {bound:,}, but Coq has not accepted it: {why}", None
            else:
                status, bound, check_s = "proved", proved.bound, proved.seconds
                operations, size = proved.operations, proved.certificate_bytes
    if bound is not None and (wrong := _contradiction(statement, bound, truth)):
        status, bound, reason = "refused", None, wrong
    return Row(
        model=network.name,
        family=config.family,
        seed=network.seed,
        n_ctx=config.n_ctx,
        d_vocab=config.d_vocab,
        modulus=config.modulus if isinstance(config, ModularConfig) else None,
        weight_bits=search.weight_bits,
        strategy=search.choice.strategy,
        parameters=search.choice.tuning.text(),
        statement=statement,
        bound=bound,
        truth_low=truth[0],
        truth_high=truth[1],
        inputs=n_inputs(config),
        operations=operations,
        certificate_bytes=size,
        search_s=search_s,
        check_s=check_s,
        status=status,
        reason=_one_line(reason),
    )


def _contradiction(statement: str, bound: int, truth: tuple[int | None, int | None]) -> str:
    low, high = truth
    if low is None or high is None:
        return ""
    above, below = bound > high, bound < low
    if {"at_least": above, "at_most": below, "exactly": above or below}[statement]:
        words = statement.replace("_", " ")
        return f"{words} {bound:,} contradicts the true count, {low:,} to {high:,}; one of them is wrong: please report this"
    return ""


def _operations_left_out(config: AnyConfig, strategy: str) -> int:
    """Return about how many operations the checker would take, or of exact: at least."""
    if strategy == "exact":
        return exact.operations(config)  # type: ignore[arg-type]
    return 2 * brute_force.estimate_operations(config.n_ctx, config.d_vocab)


def _why_nothing(plan: Plan, network: Planned, kind: str) -> str:
    """Say why a job has left nothing, by the last line that it wrote."""
    if not network.files_sha256:
        name = next((one.name for one in plan.trainings if network.name in one.names), network.name)
        log, what = plan.log("train", name), "the network was not trained"
    else:
        log, what = plan.log(kind, network.name), "the job did not finish"
    return f"{what}, see {log}: {last_line(log)}"


def last_line(log: Path) -> str:
    """Return the last line of a log that is not empty."""
    try:
        lines: Sequence[str] = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return "it wrote nothing"
    return next((line.strip() for line in reversed(lines) if line.strip()), "it wrote nothing")


def _one_line(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= MOST_REASON else words[: MOST_REASON - 2] + ".."
