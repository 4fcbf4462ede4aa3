"""Bands of tokens, by the definition: pieces of 2^k at growing distance below m, and hulls of their entries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compact_proofs.models.errors import CertificateError, OverflowRisk
from compact_proofs.proofs.strategies.bands import band_rows, check_exponents, column_hulls, offsets, widths

EXPONENTS = st.lists(st.integers(0, 3), min_size=1, max_size=6).map(tuple)


def pieces(exponents, m: int) -> list[range]:
    """The tokens of each band of m; where the last one of 2^k reaches below 0, what is there."""
    ends = [m + 1 - sum(2**one for one in exponents[:band]) for band in range(len(exponents))]
    return [range(max(0, end - 2**one), max(0, end)) for end, one in zip(ends, exponents, strict=True)]


@given(exponents=EXPONENTS, d_vocab=st.integers(1, 20))
def test_widths_are_those_of_the_pieces(exponents, d_vocab):
    answers = np.arange(d_vocab)
    assert widths(exponents, answers).tolist() == [[len(band) for band in pieces(exponents, m)] for m in range(d_vocab)]
    assert offsets(exponents).tolist() == [sum(2**one for one in exponents[:band]) for band in range(len(exponents))]


@given(
    exponents=EXPONENTS,
    d_vocab=st.integers(1, 12),
    seed=st.integers(0, 2**32 - 1),
    join=st.sampled_from([np.maximum, np.minimum]),
)
def test_hulls_are_those_of_the_pieces(exponents, d_vocab, seed, join):
    rng = np.random.default_rng(seed)
    rows = rng.integers(-9, 10, (d_vocab, 2))
    hulls = band_rows(join, exponents, np.arange(d_vocab), rows)
    for m in range(d_vocab):
        for band, piece in enumerate(pieces(exponents, m)):
            wanted = join.reduce(rows[piece.start : piece.stop]).tolist() if piece else [0, 0]
            assert hulls[m, band].tolist() == wanted


@given(exponents=EXPONENTS, d_vocab=st.integers(1, 8), seed=st.integers(0, 2**32 - 1), first=st.integers(0, 3))
def test_hulls_of_columns_are_those_of_the_pieces(exponents, d_vocab, seed, first):
    columns = np.random.default_rng(seed).integers(-9, 10, (first + d_vocab, 2, d_vocab))
    hulls = column_hulls(np.maximum, exponents, columns, first)
    for last in range(d_vocab):
        for band, piece in enumerate(pieces(exponents, first + last)):
            wanted = columns[piece.start : piece.stop, :, last].max(axis=0).tolist() if piece else [0, 0]
            assert hulls[last, band].tolist() == wanted


def test_bands_reach_from_m_to_0():
    check_exponents(5, None)
    check_exponents(1, (0,))
    check_exponents(6, (0, 1, 1, 0))
    check_exponents(4097, (0, 12))
    with pytest.raises(CertificateError, match=r"^Refused \(Bands_short 5 6\)"):
        check_exponents(6, (0, 1, 1))
    with pytest.raises(CertificateError, match=r"^Refused \(Wrong_length Band 2 1\)"):
        check_exponents(2, (1, 0))
    with pytest.raises(CertificateError, match=r"^Refused \(Wrong_length Band 0 1\)"):
        check_exponents(2, ())
    with pytest.raises(OverflowRisk, match=r"^Refused \(May_overflow Band\)"):
        check_exponents(2, (0, 13))
