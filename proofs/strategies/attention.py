"""Stage "attention": enclosures of attention weights from bounds of scores. Coq: Cert.Attention.

Of the score of each token there is a lower and an upper bound, up to a number that is the same for all tokens of a row and
that softmax does not see. Weights are relative to the largest upper bound so far; where it rises, those already there are
multiplied by one more exp.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from compact_proofs.extract.exp_bounds import exp_lower, exp_upper
from compact_proofs.extract.tables import check_fits, max_abs
from compact_proofs.proofs.strategies.bands import Exponents, band_rows
from compact_proofs.proofs.strategies.products import Product
from compact_proofs.proofs.strategies.terms import Enclosures, both, relative_exp, shift_down, shift_up

Matrix = Int64[np.ndarray, "queries tokens"]


class Bounds(NamedTuple):
    """Bounds of scores, at (q, t). Coq: Cert.Attention.scored."""

    lower: Matrix
    upper: Matrix


class Block(NamedTuple):
    """Some m in a row, and the weights of tokens 0, 1, .. up to the last of them, at (q, t)."""

    answers: range
    weights: Enclosures


def check_scores(product: Product) -> None:
    """Check that bounds of scores are at most 2^60. Coq: Cert.Staged.scores_test.

    Raises: OverflowRisk: they are not; starts with what Coq prints.
    """
    check_fits("Scores", max_abs(product.rows) + product.penalty_bound)


def score_bounds(product: Product) -> Bounds:
    """Bound the scores. Coq: Cert.Attention.score_row."""
    upper = shift_up(product.bits, product.rows + product.penalties[:, None])
    return Bounds(shift_down(product.bits, product.rows), upper)


def blocks(score_shift: int, scores: Bounds, lengths: Sequence[int]) -> Iterator[Block]:
    """Yield the blocks of m with their weights, for all q at once. Coq: Cert.Attention.extend, Cert.Staged.blocks_count.

    Args: lengths: of the blocks; what goes beyond the tokens is cut off.
    """
    queries, tokens = scores.upper.shape
    top = scores.upper[:, :1]
    weights = Enclosures(*(np.zeros((queries, 0), dtype=np.int64),) * 2)
    start = 0
    for length in lengths:
        end = min(start + length, tokens)
        if end == start:
            continue
        more = Bounds(*(bound[:, start:end] for bound in scores))
        higher = np.maximum(top, more.upper.max(axis=1, keepdims=True))
        before = both(relative_exp(score_shift, higher, top), weights)
        lower = exp_lower((higher - more.lower + (2**score_shift - 1)) >> score_shift)
        upper = exp_upper((higher - more.upper) >> score_shift)
        weights = Enclosures(*(np.concatenate(pair, axis=1) for pair in zip(before, (lower, upper), strict=True)))
        yield Block(range(start, end), weights)
        start, top = end, higher


def token_rows(exponents: Exponents, block: Block) -> Enclosures:
    """Return a block's weights by bands, at (m, band, q); 0 for a band that is not needed. Coq: Cert.Attention.token_rows."""
    answers = np.array(block.answers)
    lower, upper = (bound.T for bound in block.weights)
    return Enclosures(band_rows(np.minimum, exponents, answers, lower), band_rows(np.maximum, exponents, answers, upper))


def position_weights(score_shift: int, scores: Int64[np.ndarray, "queries n_ctx"]) -> Enclosures:
    """Enclose the weights of positions, at (q, i). Coq: Cert.Terms.row_enclosures."""
    return relative_exp(score_shift, scores.max(axis=1, keepdims=True), scores)
