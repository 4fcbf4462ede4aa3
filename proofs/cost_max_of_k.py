"""The operation counts of the strategies for the largest token, in closed form: `of_sizes`, `of_found`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import sympy

from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.models.errors import UsageError
from compact_proofs.proofs.cost import Cost, Origin, Size, check_sizes, symbol
from compact_proofs.proofs.operations import Ranks, Rivals, sizes_of, stage_formulas
from compact_proofs.proofs.registry import DEFAULT, Found, Tuning, strategy
from compact_proofs.proofs.strategies import brute_force, cubic, exact, subcubic, weighted, wrong_count

METHODS = {method.name: method for method in (cubic.METHOD, *subcubic.METHODS, wrong_count.METHOD)}
STAGED = METHODS | {"weighted": cubic.METHOD}
MOST_DIGITS = 3000  # of a count; Python shows no more than 4300


class Network(NamedTuple):
    """The sizes of a network."""

    n_ctx: int
    d_vocab: int
    d_model: int
    d_head: int


class Choices(NamedTuple):
    """What a staged certificate says of its sizes; bands: their exponents."""

    blocks: int
    bands: Sequence[int] | None
    scores: Ranks | None
    direct: Ranks | None
    resolution: int
    near_resolution: int
    near: int


def of_sizes(name: str, network: Network, tuning: Tuning = DEFAULT, blocks: int | None = None) -> Cost:
    """Return what a strategy takes for a network of these sizes, whatever its weights.

    Args:    blocks: of largest tokens; None: one for each, so that no network of these sizes has more.
    Raises:  UsageError: an unknown strategy, sizes too large, tuning that the strategy does not have.
    """
    check_tuning = weighted.check_tuning if name == weighted.FORM.strategy else strategy(name).check_tuning
    check_tuning(tuning)
    check_sizes(network._asdict())
    if name not in STAGED and blocks is not None:
        raise UsageError(f"blocks: strategy {name} has no blocks; leave --blocks out")
    if name == "exact":
        return _exact(network, Size(0, "assumed"), Size(0, "assumed"), "given")
    if name == "brute_force":
        return _brute_force(network, "given", exactly=True)
    if blocks is not None and blocks > network.d_vocab:
        raise UsageError(f"blocks: got {blocks}, wanted at most {network.d_vocab}, which is d_vocab")
    choice = STAGED[name].choice(network, tuning)
    ranks: list[Ranks | None] = []
    for rank, size in ((choice.scores_rank, "d_head"), (choice.direct_rank, "d_model")):
        inner = getattr(network, size)
        if rank is not None and rank > inner:
            raise UsageError(f"rank: got {rank}, wanted at most {inner}, which is {size}; 1 or 2 is a good start")
        ranks.append(None if rank is None else Ranks(rank, inner - rank))
    if choice.bands is not None and (covered := sum(2**exponent for exponent in choice.bands)) < network.d_vocab:
        shown = ",".join(map(str, choice.bands))
        raise UsageError(f"bands: {shown} cover {covered} tokens, wanted all {network.d_vocab}; add larger exponents")
    fine = choice.resolution
    of = Choices(blocks or network.d_vocab, choice.bands, ranks[0], ranks[1], fine, fine, choice.near)
    origins: dict[str, Origin] = {
        field: "default" if getattr(tuning, field) is None else "given" for field in ("bands", "rank", "resolution")
    }
    return _staged(name, network, of, "given", origins | {"blocks": "at most" if blocks is None else "given"})


def of_found(model: QuantisedModel, name: str, found: Found) -> Cost:
    """As `cost.of_found`."""
    network = Network(model.n_ctx, model.d_vocab, model.d_model, model.d_head)
    if name == "exact":
        counts = exact.count(model, found.certificate)
        return _exact(network, Size(counts.sums, "certificate"), Size(counts.leaves, "certificate"), "network")
    if name == "brute_force":
        return _brute_force(network, "network", found.statement == "exactly")
    sizes = sizes_of(model, found.certificate, STAGED[name].wrong)
    of = Choices(
        sizes.blocks, sizes.exponents, sizes.scores, sizes.direct, max(sizes.resolutions, default=0),
        max(sizes.near_resolutions, default=0), sizes.radius,
    )  # fmt: skip
    origins: dict[str, Origin] = dict.fromkeys(("bands", "rank", "resolution", "blocks"), "certificate")
    return _staged(name, network, of, "network", origins)


def _staged(name: str, network: Network, of: Choices, origin: Origin, origins: dict[str, Origin]) -> Cost:
    """Raises: UsageError: more bands than tokens, for which the formula does not hold."""
    method = STAGED[name]
    if of.bands is not None and len(of.bands) > network.d_vocab:
        raise UsageError(f"bands: got {len(of.bands)} of them, wanted at most {network.d_vocab}, one for each token")
    flags = of.bands is not None, of.scores is not None, of.direct is not None
    parts = stage_formulas(not method.banded, *flags, radius=of.near, wrong=method.wrong)
    if method.most_rank is not None:
        parts["tests"] += 4  # of ranks and bands. Coq: Length.StrategiesLength.quadratic_operations_bound
    if name == weighted.FORM.strategy:
        parts["distribution"] = _of_distribution(of.near)
    sizes = _of_network(network, origin) | {"B": Size(of.blocks, origins["blocks"])}
    if of.bands is not None:
        sizes |= {"L": Size(len(of.bands), origins["bands"]), "E": Size(max(of.bands), origins["bands"])}
    for ranks, letter in ((of.scores, "s"), (of.direct, "d")):
        if ranks is not None:
            sizes[f"k_{letter}"] = Size(ranks.peeled, origins["rank"])
            sizes[f"b_{letter}"] = Size(ranks.bounded, origins["rank"])
    sizes["R"] = Size(of.resolution, origins["resolution"])
    if of.near and not method.wrong:
        sizes["N"] = Size(of.near_resolution, origins["resolution"])
    words = (f"outputs up to {of.near} from the answer are looked at one by one",) if of.near else ()
    return Cost(name, "max_of_k", parts, sizes, words)


def _of_distribution(near: int) -> sympy.Expr:
    """Return what weights add where every m is counted."""
    n, d = symbol("n"), symbol("d")
    cases, masks = d * (d + 1) / sympy.Integer(2), d * (d + 1) * (2 * d + 1) / sympy.Integer(6)
    fine, coarse = ((masks, cases * (symbol(resolution) + n + 1)) for resolution in "RN")
    rivals = Rivals(near, False).number - 1
    return sympy.sympify(weighted.added_operations_of(n, d, rivals, fine, coarse))


def _exact(network: Network, sums: Size, leaves: Size, origin: Origin) -> Cost:
    n, d, D, H = (symbol(letter) for letter in "ndDH")
    branching = exact.branching_operations_of(n, d, symbol("S"), symbol("X"))
    parts = {"tables and costs": exact.operations_of(n, d, D, H, 0, 0), "branching": branching}
    return Cost("exact", "max_of_k", parts, _of_network(network, origin) | {"S": sums, "X": leaves})


def _brute_force(network: Network, origin: Origin, exactly: bool) -> Cost:
    if network.n_ctx * math.log10(network.d_vocab + 1) > MOST_DIGITS:
        raise UsageError(f"cost: {network.d_vocab}^{network.n_ctx} sequences are too many to write down; take fewer positions")
    passes = 2 if exactly else 1
    parts = {"sequences": passes * brute_force.estimate_operations(symbol("n"), symbol("d"))}
    words = "two passes: every sequence is proved right or wrong" if exactly else "one pass: sequences are proved right"
    sizes = _of_network(network, origin)
    return Cost("brute_force", "max_of_k", parts, {letter: sizes[letter] for letter in "nd"}, (words,))


def _of_network(network: Network, origin: Origin) -> dict[str, Size]:
    return {letter: Size(value, origin) for letter, value in zip("ndDH", network, strict=True)}
