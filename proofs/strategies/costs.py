"""Costs: the worst output per query, token and position. Coq: Cert.CostsCheck.

For a last token q, a largest token m and a position i, each token t costs the upper bound of its attention weight times its
worst logit gap, max over w /= m. A sequence whose costs add up to less than 0 is right. Source: docs/max_of_k.md, section 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from compact_proofs.extract.tables import IntegerTables
from compact_proofs.proofs.strategies.outputs import Rivals, row_gaps
from compact_proofs.proofs.strategies.terms import Enclosures, both, relative_exp, shift_up, upper_term


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """The costs of one (q, m): `costs` (n_ctx - 1, m + 1) and `last`, units of 2^(gap_shift - logit_bits).

    Coq: Cert.CostsCheck.case_costs, case_last.
    """

    q: int
    m: int
    costs: Int64[np.ndarray, "positions tokens"]
    last: int

    @property
    def sequences(self) -> int:
        """How many sequences end in q and have the largest token m."""
        positions, tokens = self.costs.shape
        return tokens**positions - (0 if self.q == self.m else (tokens - 1) ** positions)


def cases(tables: IntegerTables, gap_shift: int, q: int) -> Iterator[Case]:
    """Yield the cases m = q, q + 1, .. below d_vocab."""
    gaps = worst_gaps(tables, gap_shift, q)
    for m in range(q, tables.d_vocab):
        terms = upper_term(attention(tables, q, m + 1), gaps[:, : m + 1, m])
        yield Case(q, m, terms[:-1], int(terms[-1, q]))


def attention(tables: IntegerTables, q: int, bound: int) -> Enclosures:
    """Enclose the weights of the tokens below `bound`, relative to the largest: (n_ctx, tokens), units of 2^-30.

    Coq: Cert.CostsCheck.attention.
    """
    tokens, positions = tables.S[q, :bound], tables.P[q]
    of_tokens = relative_exp(tables.score_shift, tokens.max(), tokens)
    of_positions = relative_exp(tables.score_shift, positions.max(), positions)
    return both(Enclosures(*(bound[:, None] for bound in of_positions)), Enclosures(*(bound[None] for bound in of_tokens)))


def worst_gaps(tables: IntegerTables, gap_shift: int, q: int) -> Int64[np.ndarray, "n_ctx d_vocab d_vocab"]:
    """Return, at (position, token, m), the largest logit of another output less that of m, rounded up.

    Units of 2^(gap_shift - logit_bits). Coq: Cert.CostsCheck.gap_rows.
    """
    logits = (tables.EU[q] + tables.PV)[:, None, :] + tables.V
    return shift_up(gap_shift, row_gaps(-tables.largest_output, Rivals("rest", 0), logits))
