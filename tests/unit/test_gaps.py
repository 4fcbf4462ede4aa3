"""Gaps of logits: what is refused, and the last numbers that are not. Hulls and gaps of rows: test_bands.py, test_staged.py."""

import re
from dataclasses import replace

import numpy as np
import pytest

from compact_proofs.extract.tables import CoreTables
from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.strategies.gaps import Logits, check_gaps, move
from compact_proofs.proofs.strategies.products import Product

ZERO = np.zeros((1, 1), dtype=np.int64)


def tables(resid: tuple[int, ...], unembedding: int = 0, position: int = 0) -> CoreTables:
    """One token, one position, as many dimensions as `resid` has entries."""
    W_U = np.full((len(resid), 1), unembedding)
    return CoreTables(np.array([resid]), W_U, ZERO, ZERO, ZERO, ZERO, ZERO + position, 0, 0)


@pytest.mark.parametrize(
    ("core", "moved", "refusal"),
    [
        (tables((0,)), (2**60,), None),
        (tables((0,)), (2**60 + 1,), "(May_overflow Moved)"),
        (tables((0,)), (-(2**60) - 1,), "(May_overflow Moved)"),
        (tables((0, 0)), (2**70, 0), "(May_overflow Moved)"),
        (tables((0, 0)), (0, -(2**70)), "(May_overflow Moved)"),
        (tables((-7, 3)), (1, 2**60 - 7), None),
        (tables((-7, 3)), (1, 2**60 - 6), "(May_overflow Moved)"),
        (tables((0,), 2**30), (2**30,), None),
        (tables((0,), 2**30), (2**30 + 1,), "(May_overflow Moved)"),
        (tables((0,), 1, -5), (2**60 - 5,), None),
        (tables((0,), 1, -5), (2**60 - 4,), "(May_overflow Moved)"),
        (tables((0, 0)), (0,), "(Wrong_length Moved 1 2)"),
    ],
)
def test_what_can_be_moved(core, moved, refusal):
    if refusal is None:
        inputs, positions = move(core, moved)
        assert inputs.tolist() == [[x - y for x, y in zip(core.resid[0].tolist(), moved, strict=True)]]
        assert positions.tolist() == [[int(core.PV[0, 0]) + sum(moved) * int(core.W_U_direct[0, 0])]]
        return
    with pytest.raises(InputRefused, match=f"^Refused {re.escape(refusal)}:"):
        move(core, moved)


def logits(direct: int = 0, penalty: int = 0, bits: int = 0, position: int = 0, token: int = 0) -> Logits:
    product = Product(bits, ZERO + direct, np.array([penalty]))
    return Logits(product, ZERO + position, ZERO + token, False, False)


LOGIT_SUM, GAP_SHIFT = "(May_overflow Logit_sum)", "(May_overflow Gap_shift)"


@pytest.mark.parametrize(
    ("of", "unit", "refusal"),
    [
        (logits(), 0, None),
        (logits(), 61, None),
        (logits(), 62, GAP_SHIFT),
        (logits(bits=7), 54, None),
        (logits(bits=7), 55, GAP_SHIFT),
        (logits(direct=-(2**59)), 31, None),
        (logits(direct=2**59 + 1), 61, LOGIT_SUM),
        (logits(direct=2**59, penalty=1), 61, LOGIT_SUM),
        (logits(direct=2**59 - 1, penalty=2), 31, None),
        (logits(position=2**58, token=-(2**58)), 31, None),
        (logits(position=2**58 + 1, token=2**58), 61, LOGIT_SUM),
        (logits(direct=2**59 + 1, position=2**59 + 1), 0, LOGIT_SUM),
        (logits(direct=2**28), 0, None),
        (logits(direct=2**28, penalty=1), 0, GAP_SHIFT),
        (logits(direct=2**28, penalty=1), 1, None),
        (logits(direct=2**30, penalty=1, bits=2), 0, GAP_SHIFT),
        (logits(direct=2**30, bits=2), 0, None),
        (logits(direct=2**33, bits=2), 3, None),
        (logits(direct=2**33, penalty=1, bits=2), 3, GAP_SHIFT),
        (logits(position=2**27, token=2**27), 0, None),
        (logits(position=2**27 + 1, token=2**27), 0, GAP_SHIFT),
        (logits(position=2**30, token=2**30, bits=9), 3, None),
        (logits(position=2**30, token=2**30 + 1, bits=9), 3, GAP_SHIFT),
    ],
)
def test_units_of_gaps(of, unit, refusal):
    if refusal is None:
        check_gaps(of, unit)
        return
    with pytest.raises(InputRefused, match=f"^Refused {re.escape(refusal)}:"):
        check_gaps(of, unit)


def test_bounds_of_both_summands():
    of = replace(logits(-9, 4, 1, 5, -6), tokens=np.array([[2, -6]]))
    assert (of.direct_bound, of.path_bound) == (9, 11)
