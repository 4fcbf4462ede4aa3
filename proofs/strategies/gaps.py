"""Stage "output gap": how far rivals are above each other, per token and position. Coq: Cert.Gaps.

Logits are those of the last token q (a product, exact or of low rank) and those that attention brings from token t and
position i. A certificate may move any combination of embeddings from the first to the second: their sum stays. Gaps are of
the sum for each (q, i, t), or of the first for each q and of the second for each (i, t), added; in units of
2^(gap_unit - logit_bits), rounded up. Source: docs/max_of_k.md, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from compact_proofs.extract.tables import (
    MOST_SHIFT,
    CoreTables,
    Matrix,
    check_fits,
    checked_matmul,
    max_abs,
    overflow,
)
from compact_proofs.proofs.strategies.bands import Exponents, column_hulls
from compact_proofs.proofs.strategies.outputs import Rivals, row_gaps
from compact_proofs.proofs.strategies.products import Factors, Product, product_of
from compact_proofs.proofs.strategies.terms import refused, shift_up

GAP_BITS = 29  # |gap| <= 2^29 of either summand


@dataclass(frozen=True, slots=True, eq=False)
class Logits:
    """Both summands, after the move. Coq: Cert.Gaps.logits.

    direct: of the last token (d_vocab, d_vocab). positions (n_ctx, d_vocab), tokens (d_vocab, d_vocab): what attention brings.
    joint: gaps are of the sum. exact: `direct` is no product of low rank.
    """

    direct: Product
    positions: Matrix
    tokens: Matrix
    joint: bool
    exact: bool

    @property
    def direct_bound(self) -> int:
        return max_abs(self.direct.rows)

    @property
    def path_bound(self) -> int:
        return max_abs(self.positions) + max_abs(self.tokens)


@dataclass(frozen=True, slots=True, eq=False)
class GapCases:
    """For one q, by m = q, q + 1, ..: the gap of each free position by bands of tokens, less `offset`; that of the last.

    Coq: Cert.Gaps.gap_case.
    """

    offset: Int64[np.ndarray, " answers"]
    banded: Int64[np.ndarray, "answers bands positions"]
    final: Int64[np.ndarray, " answers"]

    def part(self, chosen: slice | Int64[np.ndarray, " chosen"]) -> GapCases:
        return GapCases(self.offset[chosen], self.banded[chosen], self.final[chosen])


def move(tables: CoreTables, moved: Sequence[int]) -> tuple[Matrix, Matrix]:
    """Return what is left of the residual stream (d_vocab, d_model), and the logits of positions with what was moved to them.

    Raises: OverflowRisk, CertificateError: the checker's first test that fails; starts with what Coq prints.
    """
    d_model = tables.resid.shape[1]
    if len(moved) != d_model:
        raise refused(f"Wrong_length Moved {len(moved)} {d_model}")
    check_fits("Moved", max(map(abs, moved)))
    row = np.array([moved], dtype=np.int64)
    check_fits("Moved", max_abs(row) + max_abs(tables.resid))
    of_row = checked_matmul("Moved", row, tables.W_U_direct)
    check_fits("Moved", max_abs(of_row) + max_abs(tables.PV))
    return tables.resid - row, tables.PV + of_row


def logits_of(tables: CoreTables, moved: Sequence[int], joint: bool, factors: Factors | None) -> Logits:
    """Move a combination of embeddings from the first summand to the second. Coq: Cert.Gaps.logits_of.

    Raises: OverflowRisk, CertificateError: the checker's first test that fails; starts with what Coq prints.
    """
    inputs, positions = move(tables, moved)
    direct = product_of("Direct_logits", factors, inputs, tables.W_U_direct)
    return Logits(direct, positions, tables.V, joint, factors is None)


def check_gaps(logits: Logits, gap_unit: int) -> None:
    """Check that gaps in units of 2^(gap_unit - logit_bits) fit 30 bits. Coq: Cert.Gaps.gaps_tests.

    Raises: OverflowRisk: they do not; starts with what Coq prints.
    """
    direct, path, bits = _bounds(logits)
    check_fits("Logit_sum", direct)
    check_fits("Logit_sum", path)
    if not (gap_unit + bits <= MOST_SHIFT and direct <= 2 ** (GAP_BITS + gap_unit + bits)):
        raise _gap_shift(logits, gap_unit)
    if not (gap_unit <= MOST_SHIFT and path <= 2 ** (GAP_BITS + gap_unit)):
        raise _gap_shift(logits, gap_unit)


def least_gap_unit(logits: Logits) -> int:
    """Return the finest unit of gaps that `check_gaps` takes; where there is none, the one it comes nearest to."""
    direct, path, bits = _bounds(logits)
    needed = max(_log2_up(direct) - GAP_BITS - bits, _log2_up(path) - GAP_BITS, 0)
    return min(needed, max(0, MOST_SHIFT - bits))


def gap_cases(logits: Logits, gap_unit: int, exponents: Exponents, rivals: Rivals) -> Callable[[int], GapCases]:
    """Return the function from q to its gaps. Coq: Cert.Gaps.gap_cases, joint_cases, split_cases."""
    path_low, direct_low = -logits.path_bound, -logits.direct_bound
    joint_low = direct_low + path_low

    def gaps_of(low: int, rows: Matrix) -> Matrix:
        return shift_up(gap_unit, row_gaps(low, rivals, rows))

    def tables(low: int, positions: Matrix, first: int) -> Int64[np.ndarray, "answers bands positions"]:
        gaps = gaps_of(low, logits.tokens[:, None, :] + positions)
        return column_hulls(np.maximum, exponents, gaps[:, :, first:], first)

    def joint_final(q: int) -> Int64[np.ndarray, " answers"]:
        return gaps_of(joint_low, logits.direct.rows[q] + logits.positions[-1] + logits.tokens[q])[q:]

    if logits.joint:

        def joint_cases(q: int) -> GapCases:
            banded = tables(joint_low, logits.direct.rows[q] + logits.positions[:-1], q)
            return GapCases(np.zeros(len(banded), dtype=np.int64), banded, joint_final(q))

        return joint_cases

    banded = tables(path_low, logits.positions[:-1], 0)
    direct = row_gaps(direct_low, rivals, logits.direct.rows) + logits.direct.penalties[:, None]
    direct = shift_up(gap_unit + logits.direct.bits, direct)

    def split_cases(q: int) -> GapCases:
        of_path = gaps_of(path_low, logits.positions[-1] + logits.tokens[q])[q:]
        return GapCases(direct[q, q:], banded[q:], joint_final(q) if logits.exact else direct[q, q:] + of_path)

    return split_cases


def _bounds(logits: Logits) -> tuple[int, int, int]:
    """Return bounds of the gaps of both summands, and the bits of the first."""
    return 2 * logits.direct_bound + logits.direct.penalty_bound, 2 * logits.path_bound, logits.direct.bits


def _gap_shift(logits: Logits, gap_unit: int) -> Exception:
    why = f"gap_unit is {gap_unit}, wanted {least_gap_unit(logits)}..{MOST_SHIFT - logits.direct.bits} for this network"
    return overflow("Gap_shift", why, "take a unit within these bounds")


def _log2_up(number: int) -> int:
    return max(0, number - 1).bit_length()

