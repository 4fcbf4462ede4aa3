"""Proofs in folders, checked as a stranger would: a bare Python, Coq, and nothing of what proving needs."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compact_proofs.extract.families import quantise_network
from compact_proofs.models.weights import load_model
from compact_proofs.proofs.assumptions import golden_assumptions
from compact_proofs.proofs.check_proof import check_folder
from compact_proofs.proofs.claim import Claim
from compact_proofs.proofs.coqrun import Limits
from compact_proofs.proofs.export import proof_of
from compact_proofs.proofs.proof_folder import FILES, ProofFolder
from compact_proofs.proofs.registry import DEFAULT, silent, strategy_for

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(path.parent for path in (ROOT / "proofs" / "shipped").glob("*/*/claim.json"))
PROGRAM = ROOT / "proofs" / "check_proof.py"


def checked(folder, **environment):
    """Run the program without any package that is installed."""
    command = [sys.executable, "-I", "-S", str(PROGRAM), str(folder), "--out", "does_not_exist"]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})


def copied(folder, tmp_path, file, **changes):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    value = json.loads((copy / file).read_text()) | changes
    (copy / file).write_text(json.dumps(value))
    return copy


def test_there_are_shipped_proofs_of_both_tasks():
    assert {ProofFolder.read(folder).shape.group for folder in SHIPPED} == {"max_of_k", "modular"}


@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.parent.name)
def test_a_shipped_proof_is_made_again_byte_by_byte(folder, tmp_path):
    config, weights = load_model(folder.parent.name)
    quantised, chosen = quantise_network(config, weights), strategy_for(config.family, folder.name)
    found = chosen.find(quantised, DEFAULT, silent)
    proof_of(Claim.of(found, chosen, quantised, DEFAULT, 0.0), chosen, quantised).write(tmp_path)
    for file in FILES:
        assert (tmp_path / file).read_bytes() == (folder / file).read_bytes(), file


@pytest.mark.coq
@pytest.mark.parametrize("folder", SHIPPED, ids=lambda folder: folder.parent.name)
def test_a_shipped_proof_is_accepted_and_rests_on_what_is_known(folder, _theory_built):
    proof, found = check_folder(folder, _theory_built, Limits(), print)
    assert found.theorem == f"Theorem accuracy : ({proof.proved} <= correct_count network)%Z."
    assert found.assumptions == sorted(golden_assumptions()[proof.theorem.sound])


@pytest.mark.coq
def test_a_bare_python_checks_it(_theory_built):
    folder = next(folder for folder in SHIPPED if folder.parent.name == "modular_addition_purified")
    done = checked(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    proof = ProofFolder.read(folder)
    assert done.stdout.startswith("ACCEPTED: modular_addition_purified, relu_homogeneity_l1: at least ")
    assert f"{proof.proved:,} of 3,481 pairs" in done.stdout and proof.sha256 in done.stdout
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)  # nothing is left behind


@pytest.mark.coq
def test_other_weights_are_refused(_theory_built, tmp_path):
    """The certificate is good, the network is not the one it is about."""
    folder = next(folder for folder in SHIPPED if folder.parent.name == "modular_addition_purified")
    matrices = json.loads((folder / "weights.json").read_text())["matrices"]
    matrices["W_U"]["ints"][0] = [-entry for entry in matrices["W_U"]["ints"][0]]
    done = checked(copied(folder, tmp_path, "weights.json", matrices=matrices))
    assert done.returncode == 1
    assert done.stdout.startswith("REFUSED: modular_addition_purified, relu_homogeneity_l1: Coq did not accept 3,481 of 3,481")
    assert "the inputs that the certificate counts add up to" in done.stdout and "verdict: Refused" in done.stdout


def test_a_folder_that_is_no_proof_is_refused_before_coq(tmp_path):
    copy = copied(SHIPPED[0], tmp_path, "claim.json", of="8192")
    done = checked(copy, PATH=str(tmp_path))  # no coqc there
    assert done.returncode == 3
    assert done.stdout.startswith(f"REFUSED: {copy / 'claim.json'}: of: got 8192, wanted 16777216")
    assert "Traceback" not in done.stderr
    done = checked(tmp_path / "none", PATH=str(tmp_path))
    assert done.returncode == 2 and "no such folder" in done.stdout


def test_without_coq_it_says_what_to_install(tmp_path):
    done = checked(SHIPPED[0], PATH=str(tmp_path))
    assert done.returncode == 4
    assert "apt-get" in done.stdout
