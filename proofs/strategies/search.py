"""Finding the certificates of staged proofs: `find_certificate`. Nothing here is trusted or mirrored.

What a user does not choose is found here: the finest unit of gaps, blocks of m in which weights keep their precision,
factors of low rank, and where it pays to count. Source: docs/max_of_k.md.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from compact_proofs.extract.exp_bounds import FRACTION_BITS
from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.extract.tables import MOST_INPUTS, CoreTables, core_tables
from compact_proofs.models.errors import OverflowRisk, UsageError
from compact_proofs.proofs.registry import Progress
from compact_proofs.proofs.strategies.attention import Bounds, check_scores, score_bounds
from compact_proofs.proofs.strategies.bands import Exponents
from compact_proofs.proofs.strategies.gaps import Logits, check_gaps, least_gap_unit, logits_of, move
from compact_proofs.proofs.strategies.low_rank import find_factors
from compact_proofs.proofs.strategies.odds import Rows
from compact_proofs.proofs.strategies.products import Factors, Product, product_of
from compact_proofs.proofs.strategies.staged import Certificate, Counts, Plan, case_counts, prepare

BLOCK_RISE = 4  # nats by which the largest score may rise within a block: it costs as much precision of small weights
NEGLIGIBLE = 2**24  # an m is not counted where that gains less than one in so many of all that is counted
SINGLE_BANDS = 4  # bands of one token, nearest to the largest one


def find_certificate(
    model: QuantisedModel,
    *,
    exponents: Exponents | None,
    scores_rank: int | None,
    direct_rank: int | None,
    resolution: int,
    near: int,
    wrong: bool,
    progress: Progress,
    message: str,
    rows: Rows | None = None,
) -> tuple[Certificate, int]:
    """Return a certificate and what it counts.

    Args:    exponents: of the bands, None for joint gaps and every token by itself. scores_rank, direct_rank: directions that are
             multiplied out, None for exact products. rows: weights of the tokens at each position, None where all count alike.
    Raises:  OverflowRisk: a network that the checker refuses. UsageError: a rank or bands that do not fit the network.
    """
    if exponents is not None:
        _check_covered(model, exponents)
    tables = core_tables(model)
    scores = _scores_factors(tables, scores_rank)
    moved = None if exponents is None else _moved(tables)
    direct = None if moved is None else _direct_factors(tables, moved, direct_rank)
    bounds = score_bounds(product_of("Scores", scores, tables.queries, tables.keys.T))
    plan = Plan(
        gap_unit=least_gap_unit(logits_of(tables, moved or (0,) * model.d_model, moved is None, direct)),
        block_lengths=_block_lengths(tables, bounds),
        resolutions=(resolution,) * model.d_vocab,
        radius=near,
        near_resolutions=(resolution if near and not wrong else 0,) * model.d_vocab,
        mass_digits=0 if rows is not None or model.d_vocab**model.n_ctx < MOST_INPUTS else (model.d_vocab - 1).bit_length(),
    )
    certificate = Certificate(plan, moved, exponents, scores, direct)
    counts = case_counts(prepare(model, certificate, rows), wrong, progress, message)
    plan, total = _pruned(plan, counts)
    return replace(certificate, plan=plan), total


def default_bands(d_vocab: int, most: int | None) -> Exponents:
    """Return exponents that cover the tokens: single ones first, then bands that double; faster where `most` are allowed."""
    single = min(SINGLE_BANDS, d_vocab) if most is None else 1
    growth = 1.0
    while True:
        exponents = [0] * single
        while (covered := sum(2**one for one in exponents)) < d_vocab and len(exponents) != most:
            exponents.append(round(growth * (len(exponents) - single + (most is None))))
        if covered >= d_vocab:
            return tuple(exponents)
        growth += 0.05


def _moved(tables: CoreTables) -> tuple[int, ...]:
    """Return the mean of what the last token adds to the residual stream; nothing where the checker refuses that."""
    mean = tuple(int(one) for one in np.rint(tables.resid.mean(axis=0)))
    try:
        move(tables, mean)
    except OverflowRisk:
        return (0,) * len(mean)
    return mean


def _scores_factors(tables: CoreTables, rank: int | None) -> Factors | None:
    if rank is None:
        return None
    _check_rank(rank, tables.queries.shape[1], "d_head")
    return find_factors("Scores", tables.queries, tables.keys.T, rank, check_scores)


def _direct_factors(tables: CoreTables, moved: tuple[int, ...], rank: int | None) -> Factors | None:
    if rank is None:
        return None
    _check_rank(rank, len(moved), "d_model")
    inputs, positions = move(tables, moved)

    def check(product: Product) -> None:
        logits = Logits(product, positions, tables.V, joint=False, exact=False)
        check_gaps(logits, least_gap_unit(logits))

    return find_factors("Direct_logits", inputs, tables.W_U_direct, rank, check)


def _check_rank(rank: int, most: int, size: str) -> None:
    if rank > most:
        raise UsageError(f"rank: got {rank}, wanted at most {most}, which is {size}; 1 or 2 is a good start")


def _check_covered(model: QuantisedModel, exponents: Exponents) -> None:
    covered = sum(2**exponent for exponent in exponents)
    if covered < model.d_vocab:
        shown = ",".join(map(str, exponents))
        raise UsageError(
            f"bands: {shown} cover {covered} tokens, wanted all {model.d_vocab} of {model.name}; add larger exponents, such as "
            f"{','.join(map(str, default_bands(model.d_vocab, None)))}"
        )


def _block_lengths(tables: CoreTables, scores: Bounds) -> tuple[int, ...]:
    """Split m = 0 .. d_vocab - 1 into blocks in which no q's largest score rises by more than BLOCK_RISE."""
    top = np.maximum.accumulate(scores.upper, axis=1)
    rise = min(BLOCK_RISE << (FRACTION_BITS + tables.score_shift), 2**62)  # scores are at most 2^60: no overflow below
    lengths, start = [], 0
    while start < tables.d_vocab:
        within = ((top[:, start:] - top[:, start, None]) <= rise).all(axis=0)
        lengths.append(int(within.sum()))
        start += lengths[-1]
    return tuple(lengths)


def _pruned(plan: Plan, counts: Counts) -> tuple[Plan, int]:
    """Leave out the m that are hardly worth counting; return what the others count as well."""
    least = int(counts.best.sum()) // NEGLIGIBLE
    resolutions, near, total = [], [], 0
    for joint, best in zip(counts.joint.sum(axis=0).tolist(), counts.best.sum(axis=0).tolist(), strict=True):
        best = best if best - joint > least else joint
        counted = best > least
        resolutions.append(plan.resolutions[0] if counted and joint else 0)
        near.append(plan.near_resolutions[0] if counted and best > joint else 0)
        total += best if counted else 0
    return replace(plan, resolutions=tuple(resolutions), near_resolutions=tuple(near) if any(near) else ()), total
