"""The staged strategies: a choice at each stage, its certificates, and what Coq says of them. Coq: Cert.Strategies."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from compact_proofs.extract.coq_text import Field, Statement
from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.models.errors import UsageError
from compact_proofs.proofs.forms import FORMS, MATRICES, CertificateForm
from compact_proofs.proofs.operations import operations
from compact_proofs.proofs.registry import DEFAULT, Found, Progress, Strategy, Tuning, silent
from compact_proofs.proofs.strategies import staged
from compact_proofs.proofs.strategies.bands import Exponents
from compact_proofs.proofs.strategies.products import Factors
from compact_proofs.proofs.strategies.search import default_bands, find_certificate
from compact_proofs.proofs.strategies.staged import Certificate, Plan
from compact_proofs.proofs.strategies.terms import refused, verdict_of

SCORES, DIRECT = "Scores", "Direct_logits"


class Shape(Protocol):
    """The sizes of a network, which a `QuantisedModel` has."""

    @property
    def n_ctx(self) -> int: ...

    @property
    def d_vocab(self) -> int: ...

    @property
    def d_model(self) -> int: ...

    @property
    def d_head(self) -> int: ...


class Choice(NamedTuple):
    """What a finder takes; bands, scores_rank, direct_rank: None where the strategy has none."""

    bands: Exponents | None
    scores_rank: int | None
    direct_rank: int | None
    resolution: int
    near: int


@dataclass(frozen=True, slots=True)
class Method:
    """A strategy: its choice at each stage, and what is chosen where the user does not.

    banded: gaps are split, tokens in bands; else gaps are joint, every token by itself. low_rank: products that are not exact.
    wrong: inputs answered wrongly are counted. most_rank, most_bands: what the checker allows, None: no limit. resolution,
    rank: defaults of the finder.
    """

    name: str
    summary: str
    banded: bool = False
    low_rank: tuple[str, ...] = ()
    wrong: bool = False
    most_rank: int | None = None
    most_bands: int | None = None
    resolution: int = 64
    rank: int = 4

    @property
    def statement(self) -> Statement:
        return "at_most" if self.wrong else "at_least"

    @property
    def form(self) -> CertificateForm:
        return FORMS["max_of_k", self.name]

    def strategy(self) -> Strategy:
        """Return the entry of the registry."""
        def verdict(claimed: int, model: QuantisedModel, certificate: Certificate, statement: Statement) -> str:
            return self.verdict(claimed, model, certificate)

        return Strategy(self.form, self.summary, self.find, fields, self.mirror, verdict, check_tuning=self._check_tuning)

    def find(self, model: QuantisedModel, tuning: Tuning = DEFAULT, progress: Progress = silent) -> Found:
        """Find a certificate.

        Raises: OverflowRisk: a network that the checker refuses. UsageError: tuning that does not fit strategy or network.
        """
        self._check_tuning(tuning)
        choice = self.choice(model, tuning)
        certificate, total = find_certificate(
            model,
            exponents=choice.bands,
            scores_rank=choice.scores_rank,
            direct_rank=choice.direct_rank,
            resolution=choice.resolution,
            near=choice.near,
            wrong=self.wrong,
            progress=progress,
            message=f"{self.name}: last token",
        )
        proved = model.d_vocab**model.n_ctx - total if self.wrong else total
        limits = 4 if self.most_rank is not None else 0  # Coq: Length.StrategiesLength.quadratic_operations_bound
        return Found(certificate, proved, self.statement, operations(model, certificate, self.wrong) + limits)

    def choice(self, sizes: Shape, tuning: Tuning = DEFAULT) -> Choice:
        """Return what the finder takes for a network of these sizes."""
        rank = self.rank if tuning.rank is None else tuning.rank
        ranks = {
            product: None if product not in self.low_rank else min(rank, inner) if tuning.rank is None else rank
            for product, inner in ((SCORES, sizes.d_head), (DIRECT, sizes.d_model))
        }
        return Choice(
            (tuning.bands or default_bands(sizes.d_vocab, self.most_bands)) if self.banded else None,
            ranks[SCORES],
            ranks[DIRECT],
            tuning.resolution or self.resolution,
            self.default_near(sizes) if tuning.near is None else tuning.near,
        )

    def default_near(self, model: Shape) -> int:
        """Return up to which distance outputs are looked at one by one where the user does not say.

        Measured: with more positions, or to prove answers right, further outputs gain little for what they cost.
        """
        return 2 if self.wrong or model.n_ctx <= 5 else 1

    def mirror(self, model: QuantisedModel, certificate: Certificate) -> int:
        """Return the best N that Coq accepts with this certificate.

        Raises: OverflowRisk, CertificateError: Coq refuses every N; starts with what Coq prints.
        """
        self._check_limits(certificate)
        return staged.mirror(model, certificate, self.wrong)

    def verdict(self, claimed: int, model: QuantisedModel, certificate: Certificate) -> str:
        """Return what Coq prints for a claim of `claimed` right inputs."""

        def check() -> None:
            self._check_limits(certificate)
            staged.check_claim(claimed, model, certificate, self.wrong)

        return verdict_of(check)

    def _check_limits(self, certificate: Certificate) -> None:
        """Coq: Cert.Strategies.quadratic_tests."""
        for stage, factors in ((SCORES, certificate.scores), (DIRECT, certificate.direct)):
            if self.most_rank is not None and factors is not None and len(factors.peeled_right) > self.most_rank:
                raise refused(f"Wrong_factor {stage} Peeled_right")
        bands = certificate.exponents or ()
        if self.most_bands is not None and len(bands) > self.most_bands:
            raise refused(f"Wrong_length Band {len(bands)} {self.most_bands}")

    def _check_tuning(self, tuning: Tuning) -> None:
        tuning.only(
            self.name, "resolution", *(["bands"] if self.banded else []), *(["rank"] if self.low_rank else []), "near"
        )
        if self.most_rank is not None and tuning.rank is not None and tuning.rank > self.most_rank:
            wanted = f"strategy {self.name} takes at most {self.most_rank}; use subcubic_low_rank for more"
            raise UsageError(f"rank: got {tuning.rank}, {wanted}")
        if self.most_bands is not None and tuning.bands is not None and len(tuning.bands) > self.most_bands:
            wanted = f"strategy {self.name} takes at most {self.most_bands}; use fewer and longer bands"
            raise UsageError(f"bands: got {len(tuning.bands)} of them, {wanted}")
        if self.wrong and tuning.near == 0:
            raise UsageError(f"near: got 0, strategy {self.name} wants at least 1: it looks at outputs near the answer only")


def fields(certificate: Certificate) -> list[Field]:
    """Return the definitions of Certificate.v, in the order of the Coq constructors."""
    plan = certificate.plan
    result = []
    for name, factors in (("scores", certificate.scores), ("direct", certificate.direct)):
        if factors is not None:
            result += _factor_fields(name, factors)
    if certificate.moved is not None:
        result.append(Field("moved", "list Z", certificate.moved))
    if certificate.exponents is not None:
        result.append(Field("band_exponents", "list int", certificate.exponents))
    return [
        *result,
        Field("gap_unit", "int", plan.gap_unit),
        Field("block_lengths", "list int", plan.block_lengths),
        Field("resolutions", "list int", plan.resolutions),
        Field("radius", "int", plan.radius),
        Field("near_resolutions", "list int", plan.near_resolutions),
        Field("mass_digits", "int", plan.mass_digits),
    ]


def certificate_of(found: list[Field]) -> Certificate:
    """Return the certificate that has these definitions: the inverse of `fields`."""
    values = {field.name: field.value for field in found}

    def factors(name: str) -> Factors | None:
        if f"{name}_bits" not in values:
            return None
        return Factors(values[f"{name}_bits"], *(values[f"{name}_{matrix}"] for matrix in MATRICES))

    plan = Plan(**{field.name: values[field.name] for field in dataclasses.fields(Plan)})
    return Certificate(plan, values.get("moved"), values.get("band_exponents"), factors("scores"), factors("direct"))


def _factor_fields(name: str, factors: Factors) -> list[Field]:
    return [
        Field(f"{name}_bits", "int", factors.bits),
        *(Field(f"{name}_{matrix}", "list (list Z)", getattr(factors, matrix)) for matrix in MATRICES),
    ]
