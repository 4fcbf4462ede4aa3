"""Fixtures of the tests that ask Coq: the verdicts of a strategy for modular arithmetic."""

import pytest

from compact_proofs.extract.modular_form import form_text


@pytest.fixture(scope="session")
def strategy_verdicts(coq_verdicts):
    """`strategy_verdicts(module, name, strategy, cases)`: Coq's verdict on each case's form, certificate and claim.

    Coq has the checker NAME_on in Modular/MODULE.v; the certificate's constructor is Name_certificate.
    """

    def verdicts(module: str, name: str, strategy, cases) -> list[str]:
        imports = f"Spec.Modular Base.Signed63 Base.Matrix Cert.Outcome Modular.Form Modular.{module}"
        parts = [
            "From Coq Require Import ZArith Uint63 List.",
            f"From CompactProofs Require Import {imports}.",
            "Import ListNotations.",
        ]
        for one in cases:
            fields = strategy.fields(one.certificate)
            values = [_term(field.value, "uint63" if "int" in field.coq_type else "Z") for field in fields]
            certificate = f"({name.capitalize()}_certificate\n  " + "\n  ".join(values) + ")"
            parts.append(f"Eval vm_compute in ({name}_on {one.claimed} {form_text(one.form)}\n  {certificate}).")
        return coq_verdicts("\n".join(parts) + "\n")

    return verdicts


def _term(value, scope: str) -> str:
    """Nested lists as a Coq term."""
    if isinstance(value, tuple):
        return "[" + "; ".join(_term(entry, scope) for entry in value) + "]"
    return f"({value})%{scope}"
