"""Operations of the checkers that enumerate: estimates, not proved. For staged proofs see `proofs.operations`."""

from __future__ import annotations

from compact_proofs.extract.quantise import QuantisedModel

EXPONENTIAL = 306  # lower and upper: 3 per bit of two tables of 36 bits, 5 per set bit, of which there are taken to be 18


def table_operations(model: QuantisedModel, full: bool = False) -> int:
    """Operations of the token tables: 2 per inner step of a product of matrices. Coq: Cert.Tables.core_of, tables_of."""
    n, d, width, head = model.n_ctx, model.d_vocab, model.d_model, model.d_head
    core = 2 * ((3 * d + 2 * n) * width * head + d * head * n + (d + n) * (head * width + width * d))
    return core + (2 * d * d * (head + width) if full else 0)
