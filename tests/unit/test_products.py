"""Products of matrices: what is refused, in which order, and the last numbers that are not. Bounds: tests/unit/test_staged.py."""

import re
from dataclasses import replace

import numpy as np
import pytest

from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.strategies.products import Factors, product_of

NOTHING = Factors(0, ((0,),), ((0,),), ((0,),), ((0,),))
NONE = Factors(0, ((),), (), ((),), ())  # of rank 0, nothing bounded
HUGE = ((2**61,),)


def one(x: int) -> np.ndarray:
    return np.array([[x]], dtype=np.int64)


def row(*entries: int) -> np.ndarray:
    return np.array([entries], dtype=np.int64)


@pytest.mark.parametrize(
    ("factors", "left", "right", "refusal"),
    [
        (None, one(2**30), one(2**30), None),
        (None, one(2**30), one(2**30 + 1), "(May_overflow Scores)"),
        (NONE, one(0), one(2**59), None),  # twice the largest entry: the ranges of rows
        (NONE, one(0), one(2**59 + 1), "(May_overflow Scores)"),
        (NONE, one(0), one(-(2**59) - 1), "(May_overflow Scores)"),
        (replace(NONE, bits=58), one(0), one(0), None),
        (replace(NONE, bits=59), one(0), one(0), "(May_overflow Scores)"),
        (replace(NOTHING, peeled_left=((2**60,),)), one(0), one(0), None),
        (replace(NOTHING, peeled_left=((2**60 + 1,),)), one(0), one(0), "(Wrong_factor Scores Peeled_left)"),
        (replace(NOTHING, peeled_left=((-(2**60) - 1,),)), one(0), one(0), "(Wrong_factor Scores Peeled_left)"),
        (replace(NOTHING, bounded_right=((-(2**60),),)), one(0), one(0), None),
        (replace(NOTHING, bounded_right=((-(2**70),),)), one(0), one(0), "(Wrong_factor Scores Bounded_right)"),
        # shapes before entries, the first factor first, entries before bits
        (replace(NOTHING, peeled_left=HUGE, bounded_left=((0, 0),)), one(0), one(0), "(Wrong_factor Scores Bounded_left)"),
        (replace(NOTHING, peeled_left=HUGE, peeled_right=HUGE), one(0), one(0), "(Wrong_factor Scores Peeled_left)"),
        (replace(NOTHING, peeled_right=HUGE, bits=59), one(0), one(0), "(Wrong_factor Scores Peeled_right)"),
        # what is bounded: A E of the remainder E = 2^bits here, times the range of B
        (NONE, one(2**29), row(0, 2**31), None),
        (NONE, one(2**29), row(0, 2**31 + 1), "(May_overflow Scores)"),
        (NONE, one(2**29), row(-1, 2**31), "(May_overflow Scores)"),
        # and A times the bounded factors, with a remainder of 0
        (replace(NOTHING, bounded_left=((1,),), bounded_right=((1,),)), one(2**29), row(0, 2**31), None),
        (replace(NOTHING, bounded_left=((1,),), bounded_right=((1,),)), one(2**29), row(-1, 2**31), "(May_overflow Scores)"),
    ],
)
def test_refusals(factors, left, right, refusal):
    if refusal is None:
        product_of("Scores", factors, left, right)
        return
    with pytest.raises(InputRefused, match=f"^Refused {re.escape(refusal)}"):
        product_of("Scores", factors, left, right)


def test_a_product_by_hand():
    """A = 3, B = (5, -2, 4): half of it peeled in units of 1/4, what is left bounded: 3 * 1 * 7 and 3 * 1 * 7."""
    factors = Factors(2, ((1,),), ((2,),), ((1,),), ((1,),))
    found = product_of("Scores", factors, one(3), row(5, -2, 4))
    assert found.bits == 2 and found.rows.tolist() == [[30, -12, 24]]
    assert found.penalties.tolist() == [42] and found.penalty_bound == 42
    exact = product_of("Scores", None, one(3), row(5, -2, 4))
    assert (exact.bits, exact.rows.tolist(), exact.penalties.tolist()) == (0, [[15, -6, 12]], [0])
