"""Brute force on some of the first tokens: certificate, finder and mirror of ChosenTokens.v."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compact_proofs.extract.coq_text import Field
from compact_proofs.extract.modular_form import Form, certified, check_form, refused
from compact_proofs.proofs.forms import CertificateForm, CoqNames
from compact_proofs.proofs.strategies.modular import brute_force

FORM = CertificateForm(
    "chosen_tokens", "modular", "Chosen_tokens_certificate", {"chosen": "list int"}, {"at_least": CoqNames.of("chosen_tokens")}
)


@dataclass(frozen=True, slots=True)
class ChosenTokensCertificate:
    """A number for each token, not 0: look at the pairs that start with it. Coq: ChosenTokens.chosen_tokens_certificate."""

    chosen: tuple[int, ...]


def find_on(form: Form) -> ChosenTokensCertificate:
    """Choose the half of the tokens whose pairs are right most often. Anything may be done here: nobody trusts it."""
    by_right = np.argsort(-form.right().sum(axis=1), kind="stable")
    chosen = np.zeros(form.order, dtype=np.int64)
    chosen[by_right[: (form.order + 1) // 2]] = 1
    return ChosenTokensCertificate(tuple(chosen.tolist()))


def fields(certificate: ChosenTokensCertificate) -> list[Field]:
    """Return the definitions of Certificate.v."""
    return [Field("chosen", "list int", list(certificate.chosen))]


def count(form: Form, certificate: ChosenTokensCertificate) -> int:
    """Count what Coq counts, and refuse what it refuses, in its order. Coq: ChosenTokens.chosen_tokens_on."""
    check_form(form)
    given = len(certificate.chosen)
    if given != form.order:
        raise refused(f"Wrong_number_of_queries {given} {form.order}", f"got {given} tokens, wanted {form.order}")
    return int(form.right()[np.array(certificate.chosen) != 0].sum())


def verdict(claimed: int, form: Form, certificate: ChosenTokensCertificate) -> str:
    """Return what Coq prints."""
    return certified(claimed, lambda: count(form, certificate))


def operations(form: Form, certificate: ChosenTokensCertificate) -> int:
    """Count at most the operations of the checker: brute force's for each chosen token, one comparison for each pair besides."""
    p, m = form.order, form.width
    tests = brute_force.form_operations_of(p, m, form.activation)
    pairs = int(brute_force.operations_of(p, m, form.activation)) - int(tests)
    return int(tests) + pairs * sum(one != 0 for one in certificate.chosen) // p + p**2
