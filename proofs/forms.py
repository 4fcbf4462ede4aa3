"""The certificates as Coq knows them: `FORMS` has, for each strategy, the fields of Certificate.v and the names in the facade.

Standard library only: whoever checks a stranger's proof (`check_proof`) needs no more than this of a strategy. The registry adds
who finds a certificate and what its mirror says. Coq: Cert.Strategies, Cert.Weighted, Cert.BruteForceCheck,
Cert.ExactCheck, Modular.Strategies.
"""

from __future__ import annotations

from dataclasses import dataclass

from compact_proofs.extract.coq_text import WEIGHTED, Statement, TheoremForm
from compact_proofs.extract.distribution import Distribution
from compact_proofs.extract.layouts import Group, Layout


@dataclass(frozen=True, slots=True)
class CoqNames:
    """Names in the facade of the strategy's group for one statement.

    verdict : Z -> model -> certificate -> outcome;  check = true iff the verdict is Accepted;
    sound : forall N model certificate, check N model certificate = true -> statement.
    Where the statement is about a distribution, its weights come before the model.
    """

    check: str
    sound: str
    verdict: str

    @classmethod
    def of(cls, prefix: str) -> CoqNames:
        """Return prefix_check, prefix_sound, prefix_verdict."""
        return cls(f"{prefix}_check", f"{prefix}_sound", f"{prefix}_verdict")


@dataclass(frozen=True, slots=True)
class CertificateForm:
    """What Certificate.v of a strategy defines and which theorem it may lead to.

    constructor: of the certificate record, applied to `fields` (name: Coq type) in order; coq: names by statement, the tightest
    first.
    """

    strategy: str
    group: Group
    constructor: str
    fields: dict[str, str]
    coq: dict[Statement, CoqNames]

    @property
    def weighted(self) -> bool:
        """Say whether its statements are about a distribution."""
        return any(statement in WEIGHTED for statement in self.coq)

    def theorem(self, statement: Statement, layout: Layout, distribution: Distribution | None = None) -> TheoremForm:
        """Return all of the theorem but the model and N. Raises: KeyError: a statement that the strategy does not have."""
        names, key = self.coq[statement], distribution.key if distribution else ""
        return TheoremForm(
            self.strategy, statement, self.constructor, tuple(self.fields), names.check, names.sound, names.verdict, layout, key
        )


Z, INT, ZS, INTS, ZSS, INTSS = "Z", "int", "list Z", "list int", "list (list Z)", "list (list int)"
MATRICES = ("peeled_left", "peeled_right", "bounded_left", "bounded_right")  # of a product of low rank
PLAN = {
    "gap_unit": INT,
    "block_lengths": INTS,
    "resolutions": INTS,
    "radius": INT,
    "near_resolutions": INTS,
    "mass_digits": INT,
}
BANDED = {"moved": ZS, "band_exponents": INTS, **PLAN}
MEANS = ("first_means", "second_means", "answer_means", "difference_means")  # of the activations


def _factors(product: str) -> dict[str, str]:
    return {f"{product}_bits": INT} | {f"{product}_{matrix}": ZSS for matrix in MATRICES}


def _forms() -> list[CertificateForm]:
    staged = {
        "cubic": ("Plan", PLAN),
        "subcubic": ("Banded_certificate", BANDED),
        "subcubic_low_rank_qk": ("One_factor", _factors("scores") | BANDED),
        "subcubic_low_rank_eu": ("One_factor", _factors("direct") | BANDED),
        "subcubic_low_rank": ("Two_factors", _factors("scores") | _factors("direct") | BANDED),
        "quadratic": ("Two_factors", _factors("scores") | _factors("direct") | BANDED),
        "wrong_count": ("Plan", PLAN),
    }
    found = [
        CertificateForm(
            name, "max_of_k", constructor, fields, {"at_most" if name == "wrong_count" else "at_least": CoqNames.of(name)}
        )
        for name, (constructor, fields) in staged.items()
    ]
    claims = {"gap_shift": INT, "right_claims": INTS, "wrong_claims": INTS}
    unmassed = {name: kind for name, kind in PLAN.items() if name != "mass_digits"}
    found.append(
        CertificateForm("weighted", "max_of_k", "Weighted_plan", unmassed, {"at_least_weight": CoqNames.of("weighted")})
    )
    brute_force: dict[Statement, CoqNames] = {
        "exactly": CoqNames.of("brute_force_exact"),
        "at_least": CoqNames.of("brute_force"),
    }
    found += [
        CertificateForm("exact", "max_of_k", "ExactCertificate", {"gap_unit": INT}, {"exactly": CoqNames.of("exact")}),
        CertificateForm("brute_force", "max_of_k", "BruteForceCertificate", claims, brute_force),
    ]

    def modular(name: str, constructor: str, fields: dict[str, str], prefix: str | None = None) -> CertificateForm:
        return CertificateForm(name, "modular", constructor, fields, {"at_least": CoqNames.of(prefix or name)})

    def of_type(coq_type: str, *names: str) -> dict[str, str]:
        return dict.fromkeys(names, coq_type)

    amplitudes = of_type(ZS, "input_cosines", "input_sines", "output_cosines", "output_sines")
    modular_brute_force: dict[Statement, CoqNames] = {
        "exactly": CoqNames.of("modular_brute_force_exact"),
        "at_least": CoqNames.of("modular_brute_force"),
    }
    return [
        *found,
        modular("second_moment", "Second_moment_certificate", {}),
        modular(
            "low_rank_unembedding",
            "Low_rank_unembedding_certificate",
            {"scale": Z, "dropped": INT, "centre": ZS, "offset": ZS, "basis": ZSS, "coordinates": ZSS} | of_type(INTSS, *MEANS),
        ),
        modular(
            "relu_homogeneity",
            "Homogeneity_certificate",
            of_type(Z, "scale", "kink", "rank")
            | {"centre": ZS}
            | of_type(ZSS, "groups", "distances", "phases")
            | {"levels": ZS, "dropped": Z},
            "homogeneity",
        ),
        modular(
            "relu_homogeneity_l1",
            "Homogeneity_l1_certificate",
            of_type(Z, "trig_scale", "input_scale", "output_scale")
            | of_type(ZS, "cosine_table", "sine_table", "frequency_list", "neuron_frequencies")
            | amplitudes
            | {"watched_distances": ZSS},
            "homogeneity_l1",
        ),
        modular(
            "quadrature",
            "Quadrature_certificate",
            of_type(Z, "unit", "tolerance", "input_scale", "output_scale", "margin_shift")
            | of_type(ZS, "cosines", "sines", "frequencies", "groups")
            | amplitudes,
        ),
        CertificateForm("brute_force", "modular", "Modular_brute_force_certificate", {}, modular_brute_force),
    ]


FORMS: dict[tuple[Group, str], CertificateForm] = {(form.group, form.strategy): form for form in _forms()}
