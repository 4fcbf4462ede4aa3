"""Low-rank certificates whose factors factorise nothing: what they prove is never more than the truth, in the mirror and in Coq.

The programs of others take the singular vectors of a product on trust. Here any integers will do: what the factors leave over is
computed, and bounded. Minus the unit matrix, trusted, turns attention around and proves a false count: see
test_historical_mistakes.py.
"""

import itertools
import runpy
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from compact_proofs.extract.quantise import quantise
from compact_proofs.extract.tables import core_tables
from compact_proofs.models.weights import load_model
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.attack.cases import Case, coq_verdicts, mirror_verdict
from compact_proofs.proofs.attack.oracle import right_count
from compact_proofs.proofs.registry import DEFAULT, silent, strategies
from compact_proofs.proofs.strategies.gaps import least_gap_unit, logits_of
from compact_proofs.proofs.strategies.products import Factors

MISTAKES = runpy.run_path(str(Path(__file__).parent / "test_historical_mistakes.py"))  # test files cannot import each other
TRUSTED, BOUNDARY, STRATEGIES = MISTAKES["TRUSTED"], MISTAKES["BOUNDARY"], strategies()
LOW_RANK = ("subcubic_low_rank_qk", "subcubic_low_rank_eu", "subcubic_low_rank", "quadratic")


def wrong_factors(inner: int) -> Factors:
    """Minus the unit matrix, claimed to be a factorisation of the unit matrix."""
    unit = np.eye(inner, dtype=np.int64)
    return Factors(0, *(tuple(map(tuple, rows.tolist())) for rows in (-unit, unit, unit[:, :0], unit[:0])))


def garbage(rng: np.random.Generator, inner: int, rank: int) -> Factors:
    """Factors of nothing at all."""
    most, bounded = int(rng.choice([1, 4, 30])), int(rng.integers(0, 3))
    shapes = ((inner, rank), (rank, inner), (inner, bounded), (bounded, inner))
    return Factors(int(rng.integers(0, 5)), *(tuple(map(tuple, rng.integers(-most, most + 1, s).tolist())) for s in shapes))


@cache
def garbage_cases() -> list[tuple[Case, int]]:
    """Certificates with factors that factorise nothing, and the truth about the network."""
    rng, cases = np.random.default_rng(5), []
    networks = [TRUSTED, BOUNDARY, quantise(*load_model("max_of_2_tiny"))]
    for name, network in itertools.product(LOW_RANK, networks):
        strategy, truth = STRATEGIES[name], right_count(network)
        found = strategy.find(network, DEFAULT, silent).certificate
        inner = {"scores": network.d_head, "direct": network.d_model}
        for number in range(3):
            given = {
                part: wrong_factors(size) if number == 0 and name != "quadratic" else garbage(rng, size, int(rng.integers(0, 2)))
                for part, size in inner.items()
                if getattr(found, part) is not None
            }
            tables, moved = core_tables(network), found.moved
            unit = least_gap_unit(logits_of(tables, moved, False, given.get("direct")))
            changed = replace(found, plan=replace(found.plan, gap_unit=unit), **given)
            cases.append((Case(network, strategy, "at_least", changed, truth + 1), truth))
    return cases


def test_garbage_factors_prove_no_more_than_the_truth():
    proved = []
    for case, truth in garbage_cases():
        proved.append(case.strategy.mirror(case.network, case.certificate))
        assert proved[-1] <= truth
        assert mirror_verdict(case) == f"Refused (Total_short {proved[-1]} {truth + 1})"
    assert max(proved) > 0


@pytest.mark.coq
@pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")
def test_coq_says_the_same(_theory_built):
    best = [replace(case, claimed=case.strategy.mirror(case.network, case.certificate)) for case, _ in garbage_cases()]
    cases = [*(case for case, _ in garbage_cases()), *best]
    verdicts = coq_verdicts(_theory_built, cases, coqrun.Limits(), batch=len(cases))
    assert verdicts == [mirror_verdict(case) for case in cases]
    assert verdicts[len(best) :] == ["Accepted"] * len(best)
