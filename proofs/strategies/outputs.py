"""Stage "outputs": which logit gaps a bound is about, and the gaps of rows of logits. Coq: Cert.Outputs.

For each output m, a row of logits has a gap: at most how far it puts some outputs above others. All are exact int64.
Source: docs/max_of_k.md, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int64

Rows = Int64[np.ndarray, "... d_vocab"]


@dataclass(frozen=True, slots=True)
class Rivals:
    """A choice of pairs (x, y) for each output m: how far is output x above output y? Coq: Cert.Outputs.rivals.

    `rest`: x is any output further than `distance` from m (all but m, for 0), y is m. `above`, `below`: x is m + distance,
    m - distance; y is m. `over_above`, `over_below`: x is m; y is m + distance, m - distance.
    """

    kind: Literal["rest", "above", "below", "over_above", "over_below"]
    distance: int

    def exists(self, m: int, d_vocab: int) -> bool:
        """Return whether m is an output over another one. Coq: Cert.Staged.rival_exists."""
        if self.kind == "over_above":
            return m + self.distance < d_vocab
        return self.kind == "over_below" and m >= self.distance


def row_gaps(low: int, rivals: Rivals, rows: Rows) -> Rows:
    """Return, at (.., m), a bound of row[x] - row[y] over the pairs; `low` stands for outputs that are not there.

    Coq: Cert.Outputs.row_gaps.
    """
    k = rivals.distance
    match rivals.kind:
        case "rest":
            before = _earlier(low, k + 1, np.maximum.accumulate(rows, axis=-1))
            after = _later(low, k + 1, np.maximum.accumulate(rows[..., ::-1], axis=-1)[..., ::-1])
            return np.maximum(np.maximum(before, after), low) - rows
        case "above":
            return _later(low, k, rows) - rows
        case "below":
            return _earlier(low, k, rows) - rows
        case "over_above":
            return rows - _later(low, k, rows)
        case "over_below":
            return rows - _earlier(low, k, rows)


def _later(low: int, k: int, rows: Rows) -> Rows:
    """Return entry m + k at m. Coq: Cert.Outputs.later."""
    result = np.full_like(rows, low)
    result[..., : max(0, rows.shape[-1] - k)] = rows[..., k:]
    return result


def _earlier(low: int, k: int, rows: Rows) -> Rows:
    """Return entry m - k at m. Coq: Cert.Outputs.earlier."""
    result = np.full_like(rows, low)
    result[..., k:] = rows[..., : max(0, rows.shape[-1] - k)]
    return result
