"""Operations of the checkers that enumerate: estimates, not proved. For staged proofs see `proofs.operations`."""

from __future__ import annotations

from typing import Any

EXPONENTIAL = 306  # lower and upper: 3 per bit of two tables of 36 bits, 5 per set bit, of which there are taken to be 18


def table_operations_of(n: Any, d: Any, D: Any, H: Any, full: bool = False) -> Any:
    """Operations of the token tables, 2 per inner step of a product of matrices, from n_ctx, d_vocab, d_model and d_head; numbers
    or symbols. Coq: Cert.Tables.core_of, tables_of.
    """
    core = 2 * ((3 * d + 2 * n) * D * H + d * H * n + (d + n) * (H * D + D * d))
    return core + (2 * d * d * (H + D) if full else 0)
