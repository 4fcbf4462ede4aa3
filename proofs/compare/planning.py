"""Making the plan of a comparison: `make_plan` decides which results are wanted and by which keys they are found."""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
from collections.abc import Sequence
from pathlib import Path

from compact_proofs.extract.families import AnyConfig, default_bits
from compact_proofs.models.errors import UsageError
from compact_proofs.models.evaluate import LIMIT
from compact_proofs.models.tasks import n_inputs
from compact_proofs.proofs.claim import add_sources
from compact_proofs.proofs.compare.choices import Choice, group_of
from compact_proofs.proofs.compare.networks import Network
from compact_proofs.proofs.compare.plan import Plan, Planned, Search, Training, files_sha256
from compact_proofs.proofs.registry import DEFAULT, SOLVERS
from compact_proofs.proofs.strategies import brute_force

SOURCES = (
    ("compact_proofs.models", "."),
    ("compact_proofs.models", "modular"),
    ("compact_proofs.extract", "."),
    ("compact_proofs.proofs", "strategies"),
    ("compact_proofs.proofs", "strategies/modular"),
)


def make_plan(
    name: str,
    out: Path,
    networks: Sequence[Network],
    choices: Sequence[Sequence[Choice]],
    weight_bits: int | None = None,
    limit_s: int = 600,
    named: bool = False,
    theory: str = "",
) -> Plan:
    """Return what is to be computed; of networks that are not there yet only their training is known.

    Args:    choices: for each network; named: the user has named them, so that what may take long is tried all the same; theory:
             hash of the Coq theory, where proofs are wanted.
    Raises:  UsageError: twice the same on one network.
    """
    planned = tuple(
        _plan_network(network, of_network, weight_bits, named, theory)
        for network, of_network in zip(networks, choices, strict=True)
    )
    return Plan(name, Path.cwd(), out, limit_s, planned, _trainings(networks))


def _plan_network(network: Network, choices: Sequence[Choice], weight_bits: int | None, named: bool, theory: str) -> Planned:
    config = network.config
    weights = files_sha256(network.path) if network.trained else ""
    searches: dict[tuple[Choice, int], Search] = {}
    truths: dict[int, str] = {}
    few = group_of(config) == "modular" or n_inputs(config) <= LIMIT
    for choice in choices:
        bits = choice.weight_bits or weight_bits or default_bits(config)
        plain = Choice(choice.strategy, choice.tuning)
        if (plain, bits) in searches:
            raise UsageError(f"{config.name}: strategy {choice.strategy} {choice.tuning.text()} with {bits} bits is there twice")
        why = _left_out(config, choice.strategy, named)
        solver = choice.strategy in SOLVERS
        key = "" if why else _key(weights, bits, choice.strategy, f"{choice.tuning.text()} {named and solver}")
        proof_key = _key(key, bits, "proof", theory) if key and network.prove and not solver else ""
        searches[plain, bits] = Search(plain, bits, key, proof_key, left_out=why, named=named)
        truths[bits] = _key(weights, bits, "truth", "") if few else ""
    helper = Choice("wrong_count", DEFAULT)
    for bits in [] if few else truths:
        if (helper, bits) not in searches:
            searches[helper, bits] = Search(helper, bits, _key(weights, bits, helper.strategy, " False"), "", shown=False)
    seed = None if config.training is None else config.training.seed
    return Planned(config.name, network.path, network.source, seed, weights, tuple(searches.values()), truths)


def _left_out(config: AnyConfig, strategy: str, named: bool) -> str:
    """Say why a strategy would enumerate too much; empty where it would not."""
    if group_of(config) == "modular":
        return ""
    inputs = n_inputs(config)
    if strategy == "brute_force" and inputs > brute_force.MOST_SEQUENCES:
        return f"would enumerate {inputs:,} inputs, more than {brute_force.MOST_SEQUENCES:,}"
    if strategy == "exact" and inputs > LIMIT and not named:
        return f"may have to enumerate {inputs:,} inputs, more than {LIMIT:,}; tried where it is named"
    return ""


def _trainings(networks: Sequence[Network]) -> tuple[Training, ...]:
    groups: dict[Path, list[Network]] = {}
    for network in networks:
        if not network.trained:
            groups.setdefault(network.source, []).append(network)
    found = []
    for source, group in groups.items():
        seeds = tuple(network.config.training.seed for network in group if network.config.training is not None)
        names = tuple(network.name for network in group)
        found.append(Training(names[0], source, names, seeds))
    return tuple(found)


def _key(weights: str, bits: int, what: str, how: str) -> str:
    """Name a result by all that it depends on; empty where there are no weights yet."""
    return hashlib.sha256(f"{_code()} {weights} {bits} {what} {how}".encode()).hexdigest()[:24] if weights else ""


@functools.cache
def _code() -> str:
    """Hash the source code that searches run."""
    proofs = importlib.resources.files("compact_proofs.proofs")
    digest = hashlib.sha256(b"".join((proofs / name).read_bytes() for name in ("operations.py", "z3_claim.py")))
    add_sources(digest, SOURCES)
    return digest.hexdigest()
