"""The mirror of low_rank_unembedding says what Coq says: counts on tiny forms and every refusal, from one run of coqc.

The forms and certificates are those of tests/unit/test_modular_low_rank_unembedding.py: random ones with ties, waves, found
certificates, changed ones and one for each refusal. A claim above the count makes Coq print what it counted.
"""

import re
import runpy
import shutil
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from compact_proofs.extract.modular_form import Form
from compact_proofs.proofs.strategies.modular import low_rank_unembedding as strategy

pytestmark = [pytest.mark.coq, pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")]

# test files cannot import each other
UNIT = runpy.run_path(str(Path(__file__).parents[1] / "unit" / "test_modular_low_rank_unembedding.py"))


class Case(NamedTuple):
    form: Form
    certificate: strategy.LowRankUnembeddingCertificate
    claimed: int
    predicted: str


def case(form: Form, certificate: strategy.LowRankUnembeddingCertificate, claimed: int) -> Case:
    return Case(form, certificate, claimed, strategy.verdict(claimed, form, certificate))


@cache
def all_cases() -> list[Case]:
    cases = []
    for seed in range(50):
        form = UNIT["random_form"](seed)
        cases.append(case(form, UNIT["random_certificate"](form, seed), form.order**2 + 1))
    for seed in range(12):
        form = UNIT["wave_form"]((3, 5, 7, 11)[seed % 4], 8 + seed, (9, 2**27)[seed // 4 % 2], (1, -1)[seed // 2 % 2])
        certificate = UNIT["strategy"].find_on(form, rank=seed % 5)
        right = strategy.count(form, certificate)
        cases += [case(form, certificate, claimed) for claimed in (right, right + 1)]
    form = UNIT["wave_form"](5, 8)
    return cases + [case(form, certificate, 0) for _, certificate in UNIT["misfits"](form)]


@pytest.fixture(scope="module")
def verdicts(strategy_verdicts) -> list[str]:
    """What Coq prints for each case."""
    return strategy_verdicts("LowRankUnembedding", "low_rank_unembedding", strategy, all_cases())


def test_coq_says_what_the_mirror_says(verdicts):
    cases = all_cases()
    assert len(verdicts) == len(cases)
    differences = [
        f"{one.form}, {one.claimed}: Coq {verdict}; mirror {one.predicted}"
        for one, verdict in zip(cases, verdicts, strict=True)
        if verdict != one.predicted
    ]
    assert not differences, "\n".join(differences)


def test_the_cases_hold_every_kind_of_verdict():
    kinds = {re.match(r"Accepted|Refused \((\w+)", one.predicted)[1] for one in all_cases()}
    assert kinds == {None, "May_overflow", "Wrong_scale", "Wrong_table", "Total_short"}
    assert len({one.predicted for one in all_cases() if "Total_short" in one.predicted}) > 20
