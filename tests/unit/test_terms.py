"""Rounded products and enclosures by their definitions in Coq (Base.Signed63, Cert.Terms), and claims at their edges."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compact_proofs.extract.exp_bounds import exp_lower, exp_upper
from compact_proofs.models.errors import CertificateError
from compact_proofs.proofs.strategies.terms import (
    Enclosures,
    both,
    check_claims,
    check_claims_length,
    check_exact_total,
    check_total,
    lower_term,
    relative_exp,
    scale_down,
    scale_up,
    shift_down,
    shift_up,
    upper_term,
)

ONE = 2**30
WEIGHTS = st.sampled_from([0, 1, 2, 5, ONE // 2, ONE - 1, ONE]) | st.integers(0, ONE)
GAPS = st.sampled_from([-(2**31), -2, -1, 0, 1, 2, 2**31]) | st.integers(-(2**31), 2**31)


def one(x: int) -> np.ndarray:
    return np.array([x], dtype=np.int64)


@given(shift=st.integers(0, 61), x=st.integers(-(2**61), 2**61))
def test_shifts_round_down_and_up(shift, x):
    assert shift_down(shift, one(x)).tolist() == [x // 2**shift]
    assert shift_up(shift, one(x)).tolist() == [-(-x // 2**shift)]


@given(weights=st.tuples(WEIGHTS, WEIGHTS).map(sorted), gap=GAPS)
@example(weights=[ONE - 1, ONE], gap=1)
@example(weights=[ONE - 1, ONE], gap=-1)
@example(weights=[0, 1], gap=1)
def test_terms_bound_weight_times_gap(weights, gap):
    lower, upper = weights
    enclosure = Enclosures(one(lower), one(upper))
    assert upper_term(enclosure, one(gap)).tolist() == [-(-gap * (upper if gap > 0 else lower) // ONE)]
    assert lower_term(enclosure, one(gap)).tolist() == [gap * (lower if gap > 0 else upper) // ONE]
    assert scale_up(one(gap), upper).tolist() == [-(-gap * upper // ONE)]
    assert scale_down(one(gap), upper).tolist() == [gap * upper // ONE]


@given(first=st.tuples(WEIGHTS, WEIGHTS), second=st.tuples(WEIGHTS, WEIGHTS))
def test_products_of_weights(first, second):
    found = both(Enclosures(*map(one, first)), Enclosures(*map(one, second)))
    assert found.lower.tolist() == [first[0] * second[0] // ONE]
    assert found.upper.tolist() == [-(-first[1] * second[1] // ONE)]


@given(shift=st.sampled_from([0, 1, 2, 9, 25]), score=st.integers(-(2**40), 2**40), below=st.integers(0, 2**38))
@example(shift=2, score=0, below=1)
@example(shift=2, score=0, below=4)
@example(shift=2, score=0, below=5)
def test_exponentials_of_differences(shift, score, below):
    found = relative_exp(shift, one(score + below), one(score))
    assert found.lower.tolist() == exp_lower(one(-(-below // 2**shift))).tolist()
    assert found.upper.tolist() == exp_upper(one(below // 2**shift)).tolist()


def test_claims_at_their_edges():
    check_claims_length(2, [0, 0])
    with pytest.raises(CertificateError, match=r"^Refused \(Wrong_number_of_queries 1 2\):"):
        check_claims_length(2, [0])
    check_claims(lambda q: 5 + q, [5, 6])
    with pytest.raises(CertificateError, match=r"^Refused \(Query_short 1 6 7\):"):
        check_claims(lambda q: 5 + q, [5, 7, 100])
    check_total(3, 3)
    check_total(-1, 0)
    with pytest.raises(CertificateError, match=r"^Refused \(Total_short 3 4\):"):
        check_total(4, 3)
    check_exact_total(3, 3, 5, 8)
    for rights, wrongs, inputs, claimed in ((3, 5, 8, 4), (3, 5, 8, 2), (3, 4, 8, 3), (3, 6, 8, 3)):
        with pytest.raises(CertificateError, match=rf"^Refused \(Total_differs {rights} {wrongs} {inputs} {claimed}\):"):
            check_exact_total(claimed, rights, wrongs, inputs)
