"""second_moment at its edges: the least correlation, the largest number that an inequality allows."""

import numpy as np
import pytest

from compact_proofs.extract.modular_form import Form
from compact_proofs.proofs.strategies.modular import second_moment as strategy
from compact_proofs.proofs.strategies.modular.second_moment import Moments

CERTIFICATE = strategy.SecondMomentCertificate()


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_the_best_is_the_largest_that_the_inequality_allows(order):
    for correlation in (1, 2, 7, 20, 60, 200):
        for moment in (*range(1, 40), 2 * correlation**2 - 1, 2 * correlation**2, 2 * correlation**2 + 1):
            best = strategy.best(order, Moments(correlation, moment))
            allowed = [(order**2 - 2 * order + n - 1) * moment < 2 * correlation**2 for n in (best, best + 1)]
            assert best >= 0 and (allowed[0] or best == 0) and not allowed[1]


def test_a_correlation_of_one_is_one():
    """By hand, order 3 and coefficient 0: the centred outputs are 2, -1, -1 times (L[a] + R[b])^2, the right answer is a."""
    table, square = np.zeros((3, 1), dtype=np.int64), np.zeros((3, 3), dtype=np.int64)
    L, R, U = table.copy(), table.copy(), table.copy()
    L[1], R[0], U[0] = 1, -2, 1
    form = Form(3, 0, "square", L, R, U, square, square)
    assert strategy.moments(form).correlation == 1
    assert strategy.verdict(0, form, CERTIFICATE) == "Accepted"
    assert strategy.verdict(0, Form(3, 0, "square", L, -R, U, square, square), CERTIFICATE) == "Refused Not_correlated"
