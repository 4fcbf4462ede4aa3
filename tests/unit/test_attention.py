"""Weights of attention by the definitions in Coq (Cert.Attention), number by number."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compact_proofs.extract.exp_bounds import exp_lower, exp_upper
from compact_proofs.models.errors import OverflowRisk
from compact_proofs.proofs.strategies.attention import (
    Block,
    Bounds,
    blocks,
    check_scores,
    position_weights,
    score_bounds,
    token_rows,
)
from compact_proofs.proofs.strategies.products import Product
from compact_proofs.proofs.strategies.terms import Enclosures

ONE = 2**30


def lower_of(x: int, shift: int) -> int:
    """exp(-x) from below, x in units of 2^-(30 + shift)."""
    return int(exp_lower(np.array([-(-x // 2**shift)]))[0])


def upper_of(x: int, shift: int) -> int:
    return int(exp_upper(np.array([x // 2**shift]))[0])


def blocks_of_row(shift: int, lower: list[int], upper: list[int], lengths: list[int]) -> list[tuple[range, list, list]]:
    """Of one last token: the answers of each block that has any, and the weights of all tokens up to its last."""
    result, low, high, top, start = [], [], [], upper[0], 0
    for size in lengths:
        end = min(start + size, len(upper))
        if end == start:
            continue
        higher = max(top, *upper[start:end])
        rise_low, rise_high = lower_of(higher - top, shift), upper_of(higher - top, shift)
        low = [rise_low * w // ONE for w in low] + [lower_of(higher - x, shift) for x in lower[start:end]]
        high = [-(-rise_high * w // ONE) for w in high] + [upper_of(higher - x, shift) for x in upper[start:end]]
        result.append((range(start, end), low, high))
        top, start = higher, end
    return result


@given(
    shift=st.sampled_from([0, 1, 7, 40]),
    scores=st.lists(st.tuples(st.integers(-(2**35), 2**35), st.integers(0, 2**34)), min_size=1, max_size=7),
    lengths=st.lists(st.sampled_from([0, 1, 1, 2, 3, 2**61]), max_size=6),
    reach=st.sampled_from([0, 4, 20]),
)
@example(shift=3, scores=[(0, 0), (8, 0), (1, 3), (100, 5)], lengths=[1, 0, 2, 1], reach=0)
@example(shift=0, scores=[(-5, 0), (-7, 1)], lengths=[2], reach=0)
def test_blocks_are_those_of_the_definition(shift, scores, lengths, reach):
    lower = [x << shift >> reach for x, _ in scores]
    upper = [x + more for x, (_, more) in zip(lower, scores, strict=True)]
    rows = Bounds(np.array([lower, lower[::-1]]), np.array([upper, upper[::-1]]))
    found = list(blocks(shift, rows, lengths))
    for q, order in enumerate((1, -1)):
        wanted = blocks_of_row(shift, lower[::order], upper[::order], lengths)
        got = [(one.answers, one.weights.lower[q].tolist(), one.weights.upper[q].tolist()) for one in found]
        assert got == wanted


@given(
    bits=st.sampled_from([0, 1, 5]),
    rows=st.lists(st.lists(st.integers(-100, 100), min_size=3, max_size=3), min_size=1, max_size=3),
    penalty=st.integers(0, 50),
)
def test_scores_lie_between_the_rows_and_the_rows_with_the_penalty(bits, rows, penalty):
    found = score_bounds(Product(bits, np.array(rows), np.arange(len(rows)) + penalty))
    for q, row in enumerate(rows):
        assert found.lower[q].tolist() == [x // 2**bits for x in row]
        assert found.upper[q].tolist() == [-(-(x + penalty + q) // 2**bits) for x in row]


@pytest.mark.parametrize("sign", [1, -1])
def test_scores_up_to_the_largest_number(sign):
    rows = np.array([[0, sign * (2**60 - 7)]])
    check_scores(Product(0, rows, np.array([7])))
    with pytest.raises(OverflowRisk, match=r"^Refused \(May_overflow Scores\):"):
        check_scores(Product(0, rows, np.array([8])))


def test_weights_by_bands_enclose_those_of_their_tokens():
    rng = np.random.default_rng(0)
    lower = rng.integers(0, 100, (2, 5))
    upper = lower + rng.integers(0, 100, (2, 5))
    found = token_rows((0, 1, 1, 0), Block(range(3, 5), Enclosures(lower, upper)))
    for at, m in enumerate((3, 4)):
        for q in range(2):
            bands = [range(m, m + 1), range(m - 2, m), range(max(0, m - 4), m - 2), range(max(0, m - 5), max(0, m - 4))]
            assert found.lower[at, :, q].tolist() == [min((lower[q, t] for t in band), default=0) for band in bands]
            assert found.upper[at, :, q].tolist() == [max((upper[q, t] for t in band), default=0) for band in bands]


def test_weights_of_positions_are_relative_to_the_largest_score():
    scores = np.array([[5, -300, 5], [2**33, 0, 7]])
    found = position_weights(2, scores)
    for q, row in enumerate(scores.tolist()):
        assert found.lower[q].tolist() == [lower_of(max(row) - x, 2) for x in row]
        assert found.upper[q].tolist() == [upper_of(max(row) - x, 2) for x in row]
