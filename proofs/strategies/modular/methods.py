"""The strategies for modular arithmetic as the registry knows them: each folds a network and works on its canonical form.

A strategy's own file has its certificate, mirror and finder on forms; here they are tied to networks, and the operations of the
fold are added. Coq: Modular.Strategies.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from compact_proofs.extract import modular_fold
from compact_proofs.extract.coq_text import Statement
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.modular_form import Form, check_form
from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.forms import FORMS
from compact_proofs.proofs.registry import Found, Progress, Strategy, Tuning
from compact_proofs.proofs.strategies.modular import (
    brute_force,
    homogeneity,
    homogeneity_l1,
    low_rank_unembedding,
    quadrature,
    second_moment,
)

SQUARE = ("modular_quadratic", "modular_canonical_square")
PURE = ("modular_folded", "modular_canonical_relu")  # networks whose neurons are cosines, or may be
RELU = ("modular_relu", "modular_pizza", *PURE)
Search = Callable[[Form, Tuning, Progress], Any]  # a certificate
Words = Callable[[Form, Any], tuple[str, ...]]


def _nothing(form: Form, certificate: Any) -> tuple[str, ...]:
    return ()


def _mechanism(form: Form, first: str) -> tuple[str, ...]:
    return (first, *homogeneity.mechanism(form).lines())


def _second_moment_words(form: Form, certificate: Any) -> tuple[str, ...]:
    return _mechanism(form, "no certificate: sums over all pairs, computed from the products of the neurons' tables")


def _low_rank_words(form: Form, c: low_rank_unembedding.LowRankUnembeddingCertificate) -> tuple[str, ...]:
    means = f"the means of {form.width} activations by token, by answer and by difference"
    return _mechanism(form, f"certificate: {means}; a basis of rank {c.rank} for what is left of the outputs")


def _homogeneity_words(form: Form, c: homogeneity.HomogeneityCertificate) -> tuple[str, ...]:
    groups = ", ".join(str(len(group)) for group in c.groups)
    kink = "|x|" if c.kink else "relu(x)"
    first = f"certificate: {len(c.groups)} groups of {groups} neurons; {kink} of each as {c.used_rank} products of a function"
    return _mechanism(form, f"{first} of the difference and one of the answer")


def _l1_words(form: Form, c: homogeneity_l1.HomogeneityL1Certificate) -> tuple[str, ...]:
    watched = sum(len(one) for one in c.watched_distances)
    first = f"certificate: a cosine for each neuron, of {len(c.frequency_list)} frequencies; {watched} near ties watched"
    return _mechanism(form, first)


def _quadrature_words(form: Form, c: quadrature.QuadratureCertificate) -> tuple[str, ...]:
    return _mechanism(form, f"certificate: a cosine for each neuron, of {len(c.frequencies)} frequencies, and a table of cosines")


def _strategy(
    name: str,
    summary: str,
    module: ModuleType,
    search: Search,
    families: tuple[str, ...] | None = None,
    statement: Statement = "at_least",
    words: Words = _nothing,
    tunable: tuple[str, ...] = (),
) -> Strategy:
    def check_tuning(tuning: Tuning) -> None:
        tuning.only(name, *tunable)

    def find(model: QuantisedModular, tuning: Tuning, progress: Progress) -> Found:
        check_tuning(tuning)
        form = modular_fold.fold(model)
        check_form(form)
        certificate = search(form, tuning, progress)
        operations = modular_fold.operations(model) + int(module.operations(form, certificate))
        return Found(certificate, module.count(form, certificate), statement, operations, words(form, certificate))

    def mirror(model: QuantisedModular, certificate: Any) -> int:
        form = modular_fold.fold(model)
        check_form(form)
        return int(module.count(form, certificate))

    def verdict(claimed: int, model: QuantisedModular, certificate: Any, stated: Statement) -> str:
        try:
            form = modular_fold.fold(model)
        except InputRefused as error:
            return str(error).partition(":")[0]
        if statement == "exactly":
            return str(module.verdict(claimed, form, certificate, stated))
        return str(module.verdict(claimed, form, certificate))

    return Strategy(FORMS["modular", name], summary, find, module.fields, mirror, verdict, families, check_tuning)


def _untuned(find_on: Callable[[Form], Any]) -> Search:
    def search(form: Form, tuning: Tuning, progress: Progress) -> Any:
        return find_on(form)

    return search


def _low_rank(form: Form, tuning: Tuning, progress: Progress) -> Any:
    return low_rank_unembedding.find_on(form, tuning.rank, progress=lambda rank, most: progress("rank", rank, most))


def _homogeneity(form: Form, tuning: Tuning, progress: Progress) -> Any:
    return homogeneity.find_on(form, tuning.rank)


STRATEGIES: tuple[Strategy, ...] = (
    _strategy(
        "second_moment",
        "one inequality between the sums of squares and of right logits over all pairs; square activation",
        second_moment,
        _untuned(second_moment.find_on),
        SQUARE,
        words=_second_moment_words,
    ),
    _strategy(
        "relu_homogeneity_l1",
        "a cosine for each neuron, neurons of one frequency together; pairs near a tie one by one; for purified networks",
        homogeneity_l1,
        _untuned(homogeneity_l1.find_on),
        PURE,
        words=_l1_words,
    ),
    _strategy(
        "low_rank_unembedding",
        "every pair, its outputs by a matrix of low rank, what that leaves out by Cauchy-Schwarz",
        low_rank_unembedding,
        _low_rank,
        words=_low_rank_words,
        tunable=("rank",),
    ),
    _strategy(
        "relu_homogeneity",
        "the neurons of one frequency collapse to a few products of tables, what these miss by Cauchy-Schwarz",
        homogeneity,
        _homogeneity,
        RELU,
        words=_homogeneity_words,
        tunable=("rank",),
    ),
    _strategy(
        "quadrature",
        "sums over the phases of each frequency, nothing computed for a pair; for purified networks, best with 12 bits",
        quadrature,
        _untuned(quadrature.find_on),
        RELU,
        words=_quadrature_words,
    ),
    _strategy(
        "brute_force",
        "every output of every pair; the exact count",
        brute_force,
        _untuned(brute_force.find_on),
        statement="exactly",
    ),
)
