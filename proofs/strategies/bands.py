"""Stage "tokens": bands of tokens at growing distance below the largest, and hulls of bands. Coq: Cert.Bands.

By distance from m, the tokens are m, m - 1, .., 0. Bands cut them into pieces of 2^k; the last piece that is needed may be
shorter. Of a band only a hull is kept: one value that stands for all of its entries. Every token by itself is the choice
of d_vocab bands of one token. Source: docs/max_of_k.md, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Int64

from compact_proofs.extract.tables import overflow
from compact_proofs.proofs.strategies.terms import refused

MOST_EXPONENT = 12  # Coq: Cert.Attention.exponent_of
Ints = Int64[np.ndarray, "..."]
Exponents = tuple[int, ...]
Join = Callable[[Ints, Ints], Ints]


def band_exponents(d_vocab: int, exponents: Exponents | None) -> Exponents:
    """Return the exponents of the bands' lengths; None stands for every token by itself. Coq: Cert.Attention.sizes_of."""
    return (0,) * d_vocab if exponents is None else exponents


def check_exponents(d_vocab: int, exponents: Exponents | None) -> None:
    """Check that bands reach from m down to 0, the first of one token. Coq: Cert.Staged.tokens_tests.

    Raises: OverflowRisk, CertificateError: they do not; starts with what Coq prints.
    """
    if exponents is None:
        return
    if max(exponents, default=0) > MOST_EXPONENT:
        why = f"bands of 2^{max(exponents)} tokens, wanted exponents up to {MOST_EXPONENT}"
        raise overflow("Band", why, "use shorter bands")
    first = 2 ** exponents[0] if exponents else 0
    if first != 1:
        raise refused(f"Wrong_length Band {first} 1")
    covered = sum(2**exponent for exponent in exponents)
    if covered < d_vocab:
        raise refused(f"Bands_short {covered} {d_vocab}")


def offsets(exponents: Exponents) -> Ints:
    """Return how far below m each band ends."""
    return np.cumsum([0, *(2**exponent for exponent in exponents)], dtype=np.int64)[:-1]


def widths(exponents: Exponents, answers: Int64[np.ndarray, " answers"]) -> Int64[np.ndarray, "answers bands"]:
    """Return how many of the tokens 0 .. m each band has; 0 for a band that is not needed. Coq: Cert.Bands.cut."""
    return np.clip(answers[:, None] + 1 - offsets(exponents), 0, 2 ** np.array(exponents, dtype=np.int64))


def band_rows(join: Join, exponents: Exponents, answers: Int64[np.ndarray, " answers"], entries: Ints) -> Ints:
    """Return, at (m, band, ..), the hull of each band of m; 0 for a band that is not needed. Coq: Cert.Bands.band_rows.

    Args: entries: of tokens 0, 1, .. along the first axis.
    """
    return _pick(join, exponents, answers, entries, lambda layer, ends: layer[ends])


def column_hulls(
    join: Join, exponents: Exponents, columns: Int64[np.ndarray, "tokens positions answers"], first: int
) -> Int64[np.ndarray, "answers bands positions"]:
    """Return the same where each m has entries of its own; the last axis is m = first, ... Coq: Cert.Gaps.band_columns."""
    last = np.arange(columns.shape[2])
    return _pick(join, exponents, first + last, columns, lambda layer, ends: layer[ends, :, last[:, None]])


def _pick(
    join: Join, exponents: Exponents, answers: Int64[np.ndarray, " answers"], entries: Ints, at: Callable[[Ints, Ints], Ints]
) -> Ints:
    """Return the hulls by (m, band, ..); `at(layer, ends)` reads those of the windows that end at (m, band)."""
    result: Ints | None = None
    all_ends = answers[:, None] - offsets(exponents)
    for exponent, layer in enumerate(_layers(join, max(exponents, default=0), entries)):
        bands = np.flatnonzero(np.array(exponents) == exponent)
        ends = all_ends[:, bands]
        found = at(layer, np.maximum(ends, 0))
        found[ends < 0] = 0
        if result is None:
            result = np.zeros((len(answers), len(exponents), *found.shape[2:]), dtype=np.int64)
        result[:, bands] = found
    assert result is not None
    return result


def _layers(join: Join, most: int, entries: Ints) -> Iterator[Ints]:
    """Yield the hulls of the 1, 2, .., 2^most entries that end at each place of the first axis. Coq: Cert.Bands.layers."""
    layer, step = entries, 1
    yield layer
    for _ in range(most):
        longer = layer.copy()
        if step < len(layer):
            longer[step:] = join(layer[step:], layer[:-step])
        layer, step = longer, 2 * step
        yield layer
