"""The canonical form of a network for modular arithmetic, in exact integers: `Form`, `check_form`, `certified`.

    value(a, b, c) = P[a, c] + Q[b, c] + sum_j U[c, j] activate(L[a, j] + R[b, j])

Every architecture folds into it (`extract.modular_fold`), every strategy checks it. The tests come in the order of the Coq
checker's, so that an error message starts with what Coq prints. Coq: Modular.Form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int64

from compact_proofs.models.errors import CertificateError, InputRefused, OverflowRisk

MOST = 2**60
Activation = Literal["relu", "square"]


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """Tables of int64, read-only; `order` is p, the right answer of (a, b) is (a + coefficient b) mod p.

    Shapes: L, R, U (p, width), U by class; P, Q (p, p). Coq: Modular.Form.form.
    """

    order: int
    coefficient: int
    activation: Activation
    L: Int64[np.ndarray, "p m"]
    R: Int64[np.ndarray, "p m"]
    U: Int64[np.ndarray, "p m"]
    P: Int64[np.ndarray, "p p"]
    Q: Int64[np.ndarray, "p p"]

    @property
    def width(self) -> int:
        return self.L.shape[1]

    def answers(self) -> Int64[np.ndarray, "p p"]:
        """Return the right answer of each pair."""
        tokens = np.arange(self.order)
        return (tokens[:, None] + self.coefficient * tokens[None, :]) % self.order

    def differences(self) -> Int64[np.ndarray, "p p"]:
        """Return (a - coefficient b) mod p of each pair."""
        tokens = np.arange(self.order)
        return (tokens[:, None] - self.coefficient * tokens[None, :]) % self.order

    def hidden(self, a: int) -> Int64[np.ndarray, "p m"]:
        """Return the activations of the pairs (a, 0), (a, 1), ... Coq: Modular.Form.hidden."""
        return activate(self.activation, self.L[a] + self.R)

    def values(self, a: int) -> Int64[np.ndarray, "p p"]:
        """Return the outputs of the pairs (a, b) by b and class. Coq: Modular.Form.pair_value."""
        return self.P[a] + self.Q + self.hidden(a) @ self.U.T

    def right(self) -> Bool[np.ndarray, "p p"]:
        """Say of each pair whether it is answered right: strictly above every other output. Coq: Modular.Form.form_right."""
        answers = self.answers()
        result = np.zeros((self.order, self.order), dtype=bool)
        for a in range(self.order):
            values = self.values(a)
            best = np.take_along_axis(values, answers[a][:, None], axis=1)
            result[a] = (values < best).sum(axis=1) == self.order - 1
        return result


def activate(activation: Activation, x: Int64[np.ndarray, "*shape"]) -> Int64[np.ndarray, "*shape"]:
    """Return max(0, x) or x^2."""
    return np.maximum(x, 0) if activation == "relu" else x * x


def largest(table: Int64[np.ndarray, "*shape"]) -> int:
    """Return the largest absolute value, 0 of an empty table. Coq: Modular.Form.largest."""
    return int(np.abs(table).max(initial=0))


def before_top(form: Form) -> int:
    """Return a bound on |L + R|. Coq: Modular.Form.before_top."""
    return largest(form.L) + largest(form.R)


def hidden_top(form: Form) -> int:
    """Return a bound on the activations. Coq: Modular.Form.hidden_top."""
    return before_top(form) if form.activation == "relu" else before_top(form) ** 2


def value_top(form: Form) -> int:
    """Return a bound on the outputs. Coq: Modular.Form.value_top."""
    return largest(form.P) + largest(form.Q) + form.width * hidden_top(form) * largest(form.U)


def check_form(form: Form) -> None:
    """Check shapes and ranges. Coq: Modular.Form.form_tests.

    Raises: CertificateError, OverflowRisk: the message starts with Coq's refusal.
    """
    p, m = form.order, form.width
    if p < 1:
        raise CertificateError(f"Refused (Wrong_order {p}): the order is {p}, wanted at least 1")
    tables = {"Left": form.L, "Right": form.R, "Outputs_of_classes": form.U, "First_direct": form.P, "Second_direct": form.Q}
    for name, table in tables.items():
        wanted = (p, p) if name.endswith("direct") else (p, m)
        if table.shape != wanted:
            raise CertificateError(f"Refused (Wrong_table {name}): got shape {table.shape}, wanted {wanted}")
    tops = {"Before_activation": before_top(form), "Hidden": hidden_top(form), "Logits": value_top(form)}
    for stage, top in tops.items():
        check_range(stage, top)


def check_range(stage: str, top: int) -> None:
    """Check that no number at a stage is above 2^60.

    Raises: OverflowRisk: the message starts with Coq's refusal.
    """
    if top > MOST:
        raise OverflowRisk(
            f"Refused (May_overflow {stage}): numbers up to {top} at the stage {stage}, wanted at most 2^60; use fewer bits"
        )


def refused(refusal: str, why: str) -> CertificateError:
    """Return the error for a refusal as Coq prints it, such as "Wrong_table Basis"."""
    inside = f"({refusal})" if " " in refusal else refusal
    return CertificateError(f"Refused {inside}: {why}")


def certified(claimed: int, count: Callable[[], int]) -> str:
    """Return what Coq prints for a strategy that claims so many right pairs. Coq: Modular.Form.certified.

    `count` raises InputRefused where the checker refuses, with a message that starts with Coq's refusal and a colon.
    """
    try:
        total = count()
    except InputRefused as error:
        return str(error).partition(":")[0]
    return "Accepted" if claimed <= total else f"Refused (Total_short {total} {claimed})"


def form_text(form: Form) -> str:
    """Return the form as a Coq term over Z and machine integers, for tests."""

    def rows(table: Int64[np.ndarray, "rows columns"]) -> str:
        return "[" + "; ".join("[" + "; ".join(f"({x})" for x in row) + "]" for row in table.tolist()) + "]"

    tables = " ".join(f"(of_rows 1 {rows(table)}%Z)" for table in (form.L, form.R, form.U, form.P, form.Q))
    activation = {"relu": "Relu", "square": "Square"}[form.activation]
    return f"(Form {form.order} ({form.coefficient})%Z {activation} {form.width} {tables})"
