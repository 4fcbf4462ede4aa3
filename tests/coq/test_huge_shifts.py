"""A number of a certificate that is as large as can be is refused, or does no harm, at once: the checker works out no power,
length or list from it before it has looked whether it may. (The virtual machine evaluates all tests of a list before the first
refusal is looked for, and never comes to the end of 2^(2^62 - 1).)

Certificates that were found, each with one number changed; every verdict comes from one run of coqc for each task.
"""

import dataclasses
import shutil
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.attack.cases import Case, coq_verdicts, mirror_verdict, mutated
from compact_proofs.proofs.attack.networks import KINDS, network
from compact_proofs.proofs.registry import DEFAULT, Strategy, silent, strategies

pytestmark = [pytest.mark.coq, pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")]

HUGE = 2**62 - 1
SECONDS = 60.0  # for all cases; one at which the time is up has a third of it, alone
SEEDS = (KINDS.index("max_of_k sensible"), len(KINDS) + KINDS.index("modular sensible"))  # a network for each task
WITHOUT_NUMBERS = {("modular", "second_moment"), ("modular", "brute_force")}


def changed(strategy: Strategy, certificate: Any) -> Iterator[tuple[str, Any]]:
    """Yield (what was changed, certificate): each number HUGE, and those that may be below zero, outside of lists, also -HUGE."""
    yield from (mutant for mutant in mutated(certificate) if mutant[0].endswith(": 2^62 - 1"))
    for field in strategy.fields(certificate):
        if field.coq_type == "Z":
            yield f".{field.name}: 1 - 2^62", dataclasses.replace(certificate, **{field.name: -HUGE})


@cache
def all_cases() -> dict[str, Case]:
    cases = {}
    for seed in SEEDS:
        model = network(seed)[1]
        for strategy in strategies("max_of_k" if model.layout == "max_of_k" else "modular").values():
            for statement in strategy.coq:
                try:
                    found = strategy.find(model, DEFAULT, silent)
                except InputRefused:
                    continue
                for what, certificate in changed(strategy, found.certificate):
                    name = f"{strategy.group} {strategy.name} {statement}{what}"
                    cases[name] = Case(model, strategy, statement, certificate, found.proved)
    return cases


def test_the_cases_have_numbers_of_every_strategy():
    cases = all_cases()
    found = {tuple(name.split(" ")[:2]) for name in cases}
    assert found == {(group, name) for group in ("max_of_k", "modular") for name in strategies(group)} - WITHOUT_NUMBERS
    for shift in (
        "low_rank_unembedding at_least.dropped",
        "quadrature at_least.margin_shift",
        "relu_homogeneity at_least.dropped",
    ):
        assert f"modular {shift}: 2^62 - 1" in cases


def test_coq_says_at_once_what_the_mirror_says(_theory_built):
    cases = all_cases()
    verdicts = coq_verdicts(_theory_built, list(cases.values()), coqrun.Limits(seconds=SECONDS), batch=len(cases))
    wanted = {name: mirror_verdict(case) for name, case in cases.items()}
    assert dict(zip(cases, verdicts, strict=True)) == wanted
    for name in ("low_rank_unembedding at_least.dropped", "quadrature at_least.margin_shift"):
        assert wanted[f"modular {name}: 2^62 - 1"] == f"Refused (Wrong_scale {HUGE})"
