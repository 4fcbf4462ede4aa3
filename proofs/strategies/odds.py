"""Weights of tokens for the counting stage: `Weights`, `check_weights`. Coq: Cert.Weighted, Cert.WeightedCredits.shifts.

Odds are weights by distance from the largest token m. Entries of tables stay below 2^62, so before they go on to a position they
are shifted right by as many bits as the sum of its odds wants; by none where all weights together fit. Source: docs/max_of_k.md,
section 7.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from compact_proofs.extract.tables import MOST_INPUTS, overflow
from compact_proofs.proofs.strategies.counting import Odds
from compact_proofs.proofs.strategies.terms import refused

ENTRY_BITS = 62
Rows = Sequence[Sequence[int]]


def check_weights(n_ctx: int, d_vocab: int, rows: Rows) -> None:
    """Check that there is a weight >= 0 for each token and position. Coq: Cert.Weighted.weights_tests.

    Raises: CertificateError, OverflowRisk: there is not, or a row adds up to 2^62 or more; starts with what Coq prints.
    """
    if len(rows) != n_ctx:
        raise refused(f"Wrong_length Distribution {len(rows)} {n_ctx}")
    for position, row in enumerate(rows):
        if len(row) != d_vocab or min(row, default=0) < 0:
            raise refused(f"Wrong_weights {position}")
    if (most := max(map(sum, rows))) >= MOST_INPUTS:
        why = f"the weights of a position add up to a number of {most.bit_length()} bits, wanted below 2^{ENTRY_BITS}"
        raise overflow("Distribution", why, "divide them all by a power of two")


def shifts(sums: Sequence[int]) -> list[int]:
    """Return by how much entries are shifted after each position, from the sums of its odds. Coq: Cert.WeightedCredits.shifts."""
    result, bound = [0] * len(sums), 1
    for position in range(len(sums) - 1, -1, -1):
        full, before = bound * sums[position], sums[position - 1] if position else 1
        if full * before >= MOST_INPUTS:
            result[position] = full.bit_length() + before.bit_length() - 2 - (ENTRY_BITS - 2)
        bound = full >> result[position]
    return result


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """What is the same for all last tokens. Coq: Cert.Weighted.odds_by_answer.

    free: of each token at each free position; last: at the last one. By m: the distance of the heaviest token up to m, shifts,
    the weight of all choices of tokens up to m, and below m.
    """

    free: Int64[np.ndarray, "positions d_vocab"]
    last: tuple[int, ...]
    heaviest: Int64[np.ndarray, " d_vocab"]
    shifts: Int64[np.ndarray, "d_vocab positions"]
    to: tuple[int, ...]
    below: tuple[int, ...]

    @classmethod
    def of(cls, n_ctx: int, d_vocab: int, rows: Rows) -> Weights:
        """Raises: as `check_weights`."""
        check_weights(n_ctx, d_vocab, rows)
        free = [list(row) for row in rows[:-1]]
        sums = [[0] * len(free)]
        for m in range(d_vocab):
            sums.append([before + row[m] for before, row in zip(sums[-1], free, strict=True)])
        heavy, best = [], 0
        of_token = [sum(row[token] for row in free) for token in range(d_vocab)]
        for m in range(d_vocab):
            best = m if of_token[m] > of_token[best] else best
            heavy.append(m - best)
        products = tuple(math.prod(one) for one in sums)
        return cls(
            np.array(free, dtype=np.int64).reshape(n_ctx - 1, d_vocab),
            tuple(rows[-1]),
            np.array(heavy, dtype=np.int64),
            np.array([shifts(one) for one in sums[1:]], dtype=np.int64).reshape(d_vocab, n_ctx - 1),
            products[1:],
            products[:-1],
        )

    def every(self, q: int, m: int) -> int:
        """Return the weight of the sequences of a case, but for that of the last token. Coq: Cert.Weighted.case_weight."""
        return self.to[m] - (0 if q == m else self.below[m])

    def of_cases(self, m: Int64[np.ndarray, " cases"]) -> Odds:
        """Return the odds of cases with these largest tokens."""
        tokens = m[:, None] - np.arange(self.free.shape[1])
        weights = self.free[:, np.maximum(tokens, 0)].transpose(1, 2, 0)
        return Odds(np.where(tokens[:, :, None] >= 0, weights, 0), self.heaviest[m], self.shifts[m])
