"""Proofs under distributions, the whole way through Coq: made, checked, handed on, and refused where anything was changed."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from compact_proofs.extract.distribution import read_distribution
from compact_proofs.models.errors import GrammarError, NotProved
from compact_proofs.proofs import pipeline
from compact_proofs.proofs.claim import Claim
from compact_proofs.proofs.export import export_proof
from compact_proofs.proofs.report import Report
from compact_proofs.proofs.strategies.weighted import weighted
from compact_proofs.proofs.verify import Place, Stages, verify, write_generated

ROOT = Path(__file__).parents[2]
MODEL = "max_of_2_tiny"
ROWS = {"falling": [64, 32, 16, 8, 4, 2, 1, 0], "rising": [[1, 2, 3, 4, 5, 6, 7, 8], [0, 0, 0, 1, 2, 3, 4, 2**59]]}
pytestmark = [pytest.mark.coq, pytest.mark.slow]


def place_of(options, chosen) -> Place:
    return Place(options.root, options.out, MODEL, chosen.folder, chosen.distribution)


def test_two_distributions_of_one_model(real_options, tmp_path, request):
    reports = {}
    for name, rows in ROWS.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
        chosen = weighted(read_distribution(tmp_path / f"{name}.json", 2, 8))
        report = pipeline.prove(MODEL, chosen, real_options)
        assert 0 < report.proved_correct <= report.true_correct <= report.n_inputs == chosen.distribution.total
        assert report.theorem == f"Theorem accuracy : ({report.proved_correct} <= correct_weight distribution network)%Z."
        assert f"of the weight of distribution {name}" in report.theorem_in_words
        reports[chosen.folder] = report
        request.getfixturevalue("coqc_alone")  # from here on; the program in a process of its own asks for everything
    assert len(reports) == 2
    for folder, report in reports.items():  # neither has overwritten the other
        assert Report.load(real_options.out / MODEL / folder / "report.json") == report
    assert len(pipeline.reread_all(real_options)) == 1 + 2 * 5

    again = pipeline.prove(MODEL, chosen, real_options)
    assert again.search_reused
    checked = pipeline.check(MODEL, chosen, real_options)
    assert (checked.theorem, checked.assumptions) == (report.theorem, report.assumptions)

    folder = export_proof(MODEL, chosen, real_options, tmp_path / "proofs")
    program = ROOT / "proofs" / "check_proof.py"
    command = [sys.executable, "-I", "-S", str(program), str(folder), "--out", "does_not_exist"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"ACCEPTED: {MODEL}, weighted: at least ")
    assert chosen.distribution.sha256 in done.stdout

    place = place_of(real_options, chosen)
    source = place.root / place.source("Distribution")
    source.write_text(source.read_text().replace("7; 8]", "8; 8]"))
    with pytest.raises(GrammarError, match=r"Distribution\.v:"):
        pipeline.check(MODEL, chosen, real_options)
    assert not place.report.exists()


def test_coq_refuses_a_weight_too_much_and_the_proof_of_another_distribution(real_options, tmp_path, coqc_alone):
    (tmp_path / "falling.json").write_text(json.dumps(ROWS["falling"]))
    chosen = weighted(read_distribution(tmp_path / "falling.json", 2, 8))
    report = pipeline.prove(MODEL, chosen, real_options)
    place = place_of(real_options, chosen)
    claim = Claim.load(place.certificate)
    weights = (place.root / place.weights).read_text()

    def refused(place, claimed) -> str:
        write_generated(place, claim.form(chosen), weights, claim.fields, claimed)
        with pytest.raises(NotProved) as caught:
            verify(place, claim.form(chosen), claimed, report.n_inputs, real_options.limits, Stages(print, 2))
        return str(caught.value)

    counted = f"the inputs that the certificate counts add up to {report.proved_correct:,}"
    assert counted in refused(place, report.proved_correct + 1)
    rows = [list(row) for row in chosen.distribution.rows]
    rows[0][6], rows[0][7] = 0, 1  # of the same sum
    (tmp_path / "other.json").write_text(json.dumps(rows))
    other = replace(place, distribution=read_distribution(tmp_path / "other.json", 2, 8))
    assert "the theorem wants" in refused(other, report.n_inputs)
