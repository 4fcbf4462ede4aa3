"""Pairs of outputs, by the definition."""

import pytest

from compact_proofs.proofs.strategies.outputs import Rivals


@pytest.mark.parametrize("distance", [1, 2, 5])
def test_an_output_is_over_another_one_where_that_is_there(distance):
    for m in range(5):
        assert Rivals("over_above", distance).exists(m, 5) == (m + distance in range(5))
        assert Rivals("over_below", distance).exists(m, 5) == (m - distance in range(5))
        assert not Rivals("rest", distance).exists(m, 5)
