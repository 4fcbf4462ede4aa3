"""Strategy `weighted`: how much weight the right sequences have under a distribution; `weighted` makes it for one.

Stage by stage it is `cubic`; what is counted are weights in place of sequences (`odds`, `counting`). Coq: Cert.Weighted. Source:
docs/max_of_k.md, section 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from compact_proofs.extract.coq_text import Field, Statement
from compact_proofs.extract.distribution import Distribution
from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.proofs.forms import FORMS
from compact_proofs.proofs.operations import operations
from compact_proofs.proofs.registry import DEFAULT, WITH_DISTRIBUTION, Found, Progress, Strategy, Tuning, silent
from compact_proofs.proofs.strategies import cubic, staged
from compact_proofs.proofs.strategies.methods import fields as plan_fields
from compact_proofs.proofs.strategies.odds import Rows
from compact_proofs.proofs.strategies.search import find_certificate
from compact_proofs.proofs.strategies.staged import Certificate
from compact_proofs.proofs.strategies.terms import verdict_of

FORM = FORMS["max_of_k", "weighted"]


def weighted(distribution: Distribution) -> Strategy:
    """Return the strategy for a distribution."""
    rows = distribution.rows

    def of_model(model: QuantisedModel, tuning: Tuning = DEFAULT, progress: Progress = silent) -> Found:
        return find(model, rows, tuning, progress)

    def predicted(claimed: int, model: QuantisedModel, certificate: Certificate, statement: Statement) -> str:
        return verdict(claimed, model, rows, certificate)

    return Strategy(
        form=FORM,
        summary=WITH_DISTRIBUTION[FORM.strategy],
        find=of_model,
        fields=fields,
        mirror=lambda model, certificate: mirror(model, rows, certificate),
        verdict=predicted,
        check_tuning=check_tuning,
        distribution=distribution,
    )


def find(model: QuantisedModel, rows: Rows, tuning: Tuning = DEFAULT, progress: Progress = silent) -> Found:
    """Find a certificate: the plan of `cubic`, with no m counted that has hardly any weight.

    Raises: OverflowRisk, CertificateError: a network or weights that the checker refuses. UsageError: tuning that the strategy
    does not have.
    """
    check_tuning(tuning)
    certificate, total = find_certificate(
        model,
        exponents=None,
        scores_rank=None,
        direct_rank=None,
        resolution=tuning.resolution or cubic.METHOD.resolution,
        near=cubic.METHOD.default_near(model) if tuning.near is None else tuning.near,
        wrong=False,
        progress=progress,
        message="weighted: last token",
        rows=rows,
    )
    return Found(certificate, total, "at_least_weight", length(model, certificate))


def length(model: QuantisedModel, certificate: Certificate) -> int:
    """Return about how many operations the checker takes: those of `cubic`, and what weights add (no bound that Coq proves)."""
    n, d, plan = model.n_ctx, model.d_vocab, certificate.plan

    def sums(resolutions: Sequence[int]) -> tuple[int, int]:
        counted = [(m + 1, units) for m, units in enumerate(resolutions[:d]) if units]
        return sum(cases**2 for cases, _ in counted), sum(cases * (units + n + 1) for cases, units in counted)

    near = len(plan.rivals(wrong=False)) - 1
    added = added_operations_of(n, d, near, sums(plan.resolutions), sums(plan.near_resolutions))
    return operations(model, certificate) + int(added)


def added_operations_of(n: Any, d: Any, near: int, counted: tuple[Any, Any], counted_near: tuple[Any, Any]) -> Any:
    """Return what weights add; numbers or symbols.

    counted: over the cases (q, m) that are counted, the sums of m + 1 (masks) and of the entries of a table, resolution + n + 1
    (the product in two tables, and shifts of both); counted_near: of those near the answer, for each of `near` outputs.
    """
    result = 2 * d + d * (n - 1) * (3 * d + 40)
    for times, (masks, entries) in ((1, counted), (near, counted_near)):
        result += times * (n - 1) * (2 * masks + 4 * entries)
    return result


def check_tuning(tuning: Tuning) -> None:
    """Refuse what the strategy does not have. Raises: UsageError."""
    tuning.only("weighted", "resolution", "near")


def mirror(model: QuantisedModel, rows: Rows, certificate: Certificate) -> int:
    """Return the best N that Coq accepts with this certificate.

    Raises: OverflowRisk, CertificateError: Coq refuses every N; starts with what Coq prints.
    """
    return staged.mirror(model, certificate, rows=rows)


def verdict(claimed: int, model: QuantisedModel, rows: Rows, certificate: Certificate) -> str:
    """Return what Coq prints for a claim of `claimed` weight."""
    return verdict_of(lambda: staged.check_claim(claimed, model, certificate, rows=rows))


def fields(certificate: Certificate) -> list[Field]:
    """Return the definitions of Certificate.v: those of `cubic`, without masses."""
    return [field for field in plan_fields(certificate) if field.name in FORM.fields]
