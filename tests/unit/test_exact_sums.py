"""Sums of products that leave the range of machine integers, of the mirror of `second_moment`."""

import numpy as np
import pytest

from compact_proofs.proofs.strategies.modular.second_moment import _product_sum

BITS = [(3, 3), (20, 40), (29, 30), (10, 60), (30, 60), (1, 62), (40, 61), (62, 62), (60, 1), (60, 19), (60, 21)]


@pytest.mark.parametrize("bits", BITS)
@pytest.mark.parametrize("sign", [1, -1])
def test_sums_of_products_are_exact(bits, sign):
    rng = np.random.default_rng(bits)
    for rows in (1, 3, 40):
        one, two = (rng.integers(-(2**most) + 1, 2**most, (rows, 2)) for most in bits)
        one[0], two[0] = sign * (2 ** bits[0] - 1), 2 ** bits[1] - 1
        wanted = sum(a * b for a, b in zip(one.ravel().tolist(), two.ravel().tolist(), strict=True))
        assert _product_sum(one, two) == wanted
