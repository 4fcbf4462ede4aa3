"""Square roots rounded up and residues, of the mirrors of modular arithmetic, at the places where rounding can go wrong."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from compact_proofs.proofs.strategies.modular.terms import root_up, roots_up, wrapped

NUMBERS = st.integers(0, 2**60) | st.integers(0, 2**30).flatmap(lambda k: st.sampled_from([max(0, k * k - 1), k * k, k * k + 1]))


def exact(n: int) -> int:
    return math.isqrt(n - 1) + 1 if n else 0


@given(n=NUMBERS)
def test_roots_are_rounded_up(n):
    n = min(n, 2**60)
    assert root_up(n) == exact(n)
    assert roots_up(np.array([n, 0, 1])).tolist() == [exact(n), 0, 1]


def test_roots_near_the_largest_squares():
    """Where the root of a float is off by one."""
    numbers = [k * k + more for k in range(2**30 - 500, 2**30) for more in (-1, 0, 1)]
    assert roots_up(np.array(numbers)).tolist() == [exact(n) for n in numbers] == [root_up(n) for n in numbers]


def test_wrapped_is_the_residue_in_machine_integers():
    for n in (0, 1, -1, 2**62, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64 - 1, 2**64, 5 * 2**64 + 7):
        assert (int(wrapped(n)) - n) % 2**64 == 0
        assert -(2**63) <= int(wrapped(n)) < 2**63
