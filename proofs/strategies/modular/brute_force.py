"""Brute force for modular arithmetic: every output of every pair.

The output of the right answer first, then the others, until one is not strictly below it; so the count is exact, and the
certificate is empty. Coq: Modular.BruteForce.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compact_proofs.extract.coq_text import Field, Statement
from compact_proofs.extract.modular_form import Activation, Form, certified, check_form, refused

ANSWER = 7  # of a pair: the right answer, in integers
COMPARISON = 3  # a signed comparison


@dataclass(frozen=True, slots=True)
class ModularBruteForceCertificate:
    """Nothing. Coq: Modular.BruteForce.modular_brute_force_certificate."""


def find_on(form: Form) -> ModularBruteForceCertificate:
    """Return the certificate, which is always the same."""
    return ModularBruteForceCertificate()


def fields(certificate: ModularBruteForceCertificate) -> list[Field]:
    """Return the definitions of Certificate.v: none."""
    return []


def count(form: Form, certificate: ModularBruteForceCertificate) -> int:
    """Count the right pairs. Coq: Modular.BruteForce.brute_force_count.

    Raises: CertificateError, OverflowRisk: a form that the checker refuses; starts with what Coq prints and a colon.
    """
    check_form(form)
    return int(form.right().sum())


def verdict(claimed: int, form: Form, certificate: ModularBruteForceCertificate, statement: Statement = "at_least") -> str:
    """Return what Coq prints. Coq: Modular.BruteForce.modular_brute_force_on, modular_brute_force_exact_on."""
    if statement == "at_least":
        return certified(claimed, lambda: count(form, certificate))

    def exactly() -> int:
        right, inputs = count(form, certificate), form.order**2
        if right != claimed:
            raise refused(f"Total_differs {right} {inputs - right} {inputs} {claimed}", "the count is not the one claimed")
        return right

    return certified(claimed, exactly)


def operations(form: Form, certificate: ModularBruteForceCertificate) -> int:
    """Count the operations of the checker, where every pair is right; fewer otherwise, as it stops at the first output that is
    not below.
    """
    return int(operations_of(form.order, form.width, form.activation))


def operations_of(p: Any, m: Any, activation: Activation = "relu") -> Any:
    """Count them from the order p and the width m; numbers or symbols.

    Coq: Modular.Length.BruteForceCounted.brute_force_bound, proved to be no less than the checker takes.
    """
    pair = ANSWER + 2 * m + p * (2 * m + 2) + COMPARISON * (p - 1)
    return form_operations_of(p, m, activation) + p**2 * pair + 2 * p + 5


def form_operations_of(p: Any, m: Any, activation: Activation) -> Any:
    """Count the operations of the tests of a form from above. Coq: Modular.Form.form_tests."""
    before = 2 * (3 * p * m + 1) + 1  # a largest entry: an absolute value and a comparison each
    hidden = before if activation == "relu" else 2 * before + 1
    value = 2 * (3 * p**2 + 1) + hidden + (3 * p * m + 1) + 5
    return 2 + 5 * (p + 1) + (before + 2) + (hidden + 2) + (value + 2)
