"""The second moment, for networks with squares: how close all outputs together are to the right ones.

With V[c,j] = p U[c,j] - sum over the classes, the centred outputs are f(a,b,c) = sum_j (L[a,j] + R[b,j])^2 V[c,j]. M is the sum
of their squares, C the sum of those of the right answers. If 0 < C, at most 2 p (p - 1) - 2 C^2 / M pairs are wrong. M and C are
computed without any loop over a, b and c together; the certificate is empty. Coq: Modular.SecondMoment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int64

from compact_proofs.extract.coq_text import Field
from compact_proofs.extract.modular_form import Form, before_top, certified, check_form, check_range, largest, refused
from compact_proofs.proofs.strategies.modular.brute_force import ANSWER, form_operations_of

DIGIT = 8  # operations of a product, per digit of 15 bits but the last
LEVELS = 4  # such digits of a number of 60 bits, at most
MOST_EXACT = 2**62  # below it a sum of products is computed in machine integers

Table = Int64[np.ndarray, "rows columns"]


@dataclass(frozen=True, slots=True)
class SecondMomentCertificate:
    """Nothing. Coq: Modular.SecondMoment.second_moment_certificate."""


class Moments(NamedTuple):
    """Coq: Modular.SecondMoment.second_moments."""

    correlation: int
    moment: int


def find_on(form: Form) -> SecondMomentCertificate:
    """Return the certificate, which is always the same."""
    return SecondMomentCertificate()


def fields(certificate: SecondMomentCertificate) -> list[Field]:
    """Return the definitions of Certificate.v: none."""
    return []


def count(form: Form, certificate: SecondMomentCertificate) -> int:
    """Return the largest number of right pairs that the moments prove.

    Raises: CertificateError, OverflowRisk: the checker refuses; starts with what Coq prints and a colon.
    """
    check_form(form)
    _check(form)
    found = moments(form)
    if found.correlation <= 0 or found.moment <= 0:
        raise refused("Not_correlated", f"correlation {found.correlation}, moment {found.moment}, wanted both positive")
    return best(form.order, found)


def verdict(claimed: int, form: Form, certificate: SecondMomentCertificate) -> str:
    """Return what Coq prints. Coq: Modular.SecondMoment.second_moment_on."""
    return certified(claimed, lambda: count(form, certificate))


def best(order: int, found: Moments) -> int:
    """Return the largest N with (p^2 - 2p + N - 1) M < 2 C^2, 0 if none is positive.

    Coq: Modular.SecondMoment.second_moment_best.
    """
    return max(0, (2 * found.correlation**2 - (order**2 - 2 * order - 1) * found.moment - 1) // found.moment)


def moments(form: Form) -> Moments:
    """Return C and M of a form that passes the tests. Coq: Modular.SecondMoment.second_moments."""
    order = form.order
    outputs = _centred(form)
    left = _side(form.L, form.R, outputs, order)
    right = left if np.array_equal(form.L, form.R) else _side(form.R, form.L, outputs, order)
    joint = _product_sum(outputs.T @ outputs, (form.L.T @ form.L) * (form.R.T @ form.R))
    cross = _product_sum(left.own.sum(axis=0)[None], right.own.sum(axis=0)[None])
    correlation = 0
    tokens = np.arange(order)
    for answer in range(order):
        first = (answer - form.coefficient * tokens) % order
        joined = (form.L[first] * form.R).sum(axis=0)
        correlation += int(left.own[first, answer].sum()) + 2 * int(outputs[answer] @ joined)
    return Moments(correlation, left.moment + right.moment + 2 * cross + 4 * joint)


def operations(form: Form, certificate: SecondMomentCertificate) -> int:
    """Bound the operations of the checker from above."""
    return int(operations_of(form.order, form.width, np.array_equal(form.L, form.R)))


def operations_of(p: Any, m: Any, tied: bool = True) -> Any:
    """Bound them from the order p and the width m; numbers or symbols. `tied`: the two tokens have equal tables.

    Coq: Modular.Length.SecondMomentLength.second_moment_operations_bound, proved to bound what the checker does.
    """
    pairs = m * (m + 1) / 2  # of neurons
    triangle = 2 * p * pairs
    tests = 34 + 15 * p * m + 6 * p**2
    side = 2 + m + 4 * p * m + 4 * p**2 * m + _sum_operations(p, p**2) + triangle
    sides = side + (0 if tied else p * m + side)
    cross = 2 * p**2 + _sum_operations(1, p)
    joint = pairs + triangle + 2 + _sum_operations(m, pairs) + _sum_operations(1, m)
    right = p * (4 + (ANSWER + 1) * p + 2 * m + 2 * p * m)
    moments = 13 + 5 * p * m + sides + cross + joint + right
    return form_operations_of(p, m, "square") + tests + moments + 15


def _sum_operations(rows: Any, entries: Any) -> Any:
    """Of an exact sum of products. Coq: Modular.Length.SecondMomentLength.product_sum_bound."""
    return 13 + 6 * entries + (LEVELS * DIGIT + 2) * entries + (LEVELS * 8 + 7) * rows


class _Side(NamedTuple):
    """Coq: Modular.SecondMoment.side."""

    own: Table
    moment: int


def _side(table: Table, other: Table, outputs: Table, order: int) -> _Side:
    own = (table * table) @ outputs.T
    both = (table * (order * table + 4 * other.sum(axis=0))) @ outputs.T
    return _Side(own, _product_sum(own, both))


def _product_sum(one: Table, two: Table) -> int:
    """Return the exact sum of the products of the entries."""
    if one.size * largest(one) * largest(two) < MOST_EXACT:
        return int((one * two).sum())
    high, low = two >> 20, two & (2**20 - 1)
    if one.size * largest(one) * max(largest(high), 2**20) < MOST_EXACT:
        return (int((one * high).sum()) << 20) + int((one * low).sum())
    return int((one.astype(object) * two.astype(object)).sum())


def _centred(form: Form) -> Table:
    return form.order * form.U - form.U.sum(axis=0)


def _check(form: Form) -> None:
    """Coq: Modular.SecondMoment.second_moment_tests."""
    if form.activation != "square":
        raise refused("Wrong_activation", f"the activation is {form.activation}, wanted square")
    for name, tensor, table in (("First_direct", "P", form.P), ("Second_direct", "Q", form.Q)):
        if largest(table):
            why = f"a direct path, wanted none: {tensor} of the folded network is not 0; low_rank_unembedding takes it"
            raise refused(f"Wrong_table {name}", why)
    p, m, square = form.order, form.width, before_top(form) ** 2
    check_range("Centred", 2 * p * largest(form.U))
    top = largest(_centred(form))
    check_range("Moments", 2 * p * p * m * square * top)
    check_range("Moments", (p * square) ** 2)
    check_range("Moments", p * top * top)
