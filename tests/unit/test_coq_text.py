"""The writers of generated Coq files: golden bytes, refusals, and one toy theory that Coq itself compiles."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from compact_proofs.extract.coq_text import (
    FLAT_LIMIT,
    Field,
    TheoremForm,
    assumptions_v,
    certificate_v,
    diagnose_v,
    theorem_v,
    weights_v,
    write_files,
)
from compact_proofs.extract.quantise import QuantisedMatrix, QuantisedModel
from compact_proofs.models.errors import CertificateError, OverflowRisk, ShapeError, UsageError

GOLDEN = Path(__file__).parents[1] / "golden" / "coq_text"
AT_LEAST = TheoremForm("cubic", "at_least", "Cubic", ("bound", "rows"), "check", "check_sound", "verdict")
AT_MOST = TheoremForm("wrong", "at_most", "Wrong", ("bound",), "wrong_check", "wrong_sound", "wrong_verdict")
EXACTLY = TheoremForm("brute_force", "exactly", "BruteForce", (), "count_check", "count_sound", "count_verdict")
FIELDS = [
    Field("bound", "Z", -5),
    Field("step", "int", 0),
    Field("flat", "list Z", [1, -(2**62) + 1]),
    Field("empty", "list int", []),
    Field("pairs", "list (list int)", [[1, 2], []]),
    Field("rows", "list (list (list int))", [[[1, 2], [2**62 - 1]], [], [[]]]),
]


def toy_model() -> QuantisedModel:
    """A network of two positions and three tokens; the integers of matrix k count up from -k."""
    shapes = {"W_E": (3, 2), "W_pos": (2, 2), "W_Q": (2, 1), "W_K": (2, 1), "W_V": (2, 1), "W_O": (1, 2), "W_U": (2, 3)}
    matrices = {
        name: QuantisedMatrix(np.arange(shape[0] * shape[1], dtype=np.int64).reshape(shape) - k, k)
        for k, (name, shape) in enumerate(shapes.items())
    }
    return QuantisedModel("toy", 2, 3, 2, 1, 4, **matrices)


def generated_files() -> dict[str, str]:
    return {
        "Weights.v": weights_v(toy_model()),
        "Certificate.v": certificate_v("toy", "cubic", FIELDS),
        "Theorem.v": theorem_v(AT_LEAST, "toy", 16_700_000),
        "Diagnose.v": diagnose_v(AT_LEAST, "toy", 16_700_000),
        "Assumptions.v": assumptions_v("toy", "cubic"),
        "EmptyCertificate.v": certificate_v("toy", "brute_force", []),
        "ExactTheorem.v": theorem_v(EXACTLY, "toy", 64**20),
        "MostTheorem.v": theorem_v(AT_MOST, "toy", 16_700_001),
    }


def test_bytes_are_golden():
    """Accept a wanted change with ACCEPT_GOLDEN=1."""
    if os.environ.get("ACCEPT_GOLDEN"):
        write_files(GOLDEN, generated_files())
    golden = {path.name: path.read_bytes() for path in GOLDEN.iterdir()}
    assert golden == {name: text.encode("ascii") for name, text in generated_files().items()}


def test_bytes_do_not_depend_on_the_hash_seed(tmp_path):
    program = f"import runpy; m = runpy.run_path({__file__!r}); print(*m['generated_files']().values())"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1")
    }
    assert len(outputs) == 1


def test_integer_arrays_become_nested_tuples_of_int():
    field = Field("table", "list (list Z)", np.array([[1, -2], [3, 4]], dtype=np.int16))
    assert field == Field("table", "list (list Z)", [[1, -2], [3, 4]])
    assert all(type(entry) is int for row in field.value for entry in row)


@pytest.mark.parametrize(
    ("name", "coq_type", "value", "error", "message"),
    [
        ("a", "Z", 2**62, OverflowRisk, r"field a: got 4611686018427387904; wanted \|value\| < 2\^62"),
        ("a", "Z", -(2**62), OverflowRisk, r"wanted \|value\| < 2\^62"),
        pytest.param("a", "Z", 10**5000, OverflowRisk, "got an integer of 16610 bits", id="huge"),
        ("a", "int", -1, OverflowRisk, r"field a: got -1; wanted 0 <= value < 2\^62"),
        ("a", "list (list int)", [[0], [0, -3]], OverflowRisk, r"field a\[1\]\[1\]: got -3"),
        ("a", "Z", 1.0, CertificateError, "field a: got float 1.0; wanted an integer"),
        ("a", "Z", True, CertificateError, "got bool True; wanted an integer"),
        ("a", "list Z", np.array([0.5]), CertificateError, r"field a\[0\]: got float 0.5"),
        ("a", "list Z", 3, CertificateError, "field a: got int 3; wanted a list"),
        ("a", "list Z", [[3]], CertificateError, r"field a\[0\]: got list of 1 entries; wanted an integer"),
        ("a", "list (list Z)", [3], CertificateError, r"field a\[0\]: got int 3; wanted a list"),
        ("a", "list nat", [3], CertificateError, "field a: type is 'list nat'; wanted one of: Z, int, list Z"),
        ("a", "list Z", [0] * (FLAT_LIMIT + 1), ShapeError, "got a list of 4001 entries; wanted at most 4000"),
        ("a b", "Z", 1, CertificateError, "field: 'a b' is no free Coq identifier"),
        ("a\n", "Z", 1, CertificateError, "no free Coq identifier"),
        ("Z", "Z", 1, CertificateError, "field: 'Z' is no free Coq identifier"),
        ("é", "Z", 1, CertificateError, "no free Coq identifier"),
    ],
)
def test_fields_that_cannot_be_written_are_refused(name, coq_type, value, error, message):
    with pytest.raises(error, match=message):
        Field(name, coq_type, value)


def test_names_that_could_carry_coq_are_refused():
    with pytest.raises(CertificateError, match="model: 'max-of-k' is no free Coq identifier"):
        certificate_v("max-of-k", "cubic", FIELDS)
    with pytest.raises(CertificateError, match="field bound is given twice"):
        certificate_v("toy", "cubic", FIELDS[:1] * 2)
    with pytest.raises(CertificateError, match="'check. Axiom f : False' is no Coq name"):
        TheoremForm("cubic", "at_least", "Cubic", (), "check. Axiom f : False", "check_sound", "verdict")
    with pytest.raises(UsageError, match="statement is 'about'; wanted one of: at_least, at_most, exactly"):
        TheoremForm("cubic", "about", "Cubic", (), "check", "check_sound", "verdict")
    with pytest.raises(UsageError, match="the proved count is -1"):
        theorem_v(AT_LEAST, "toy", -1)


def test_files_are_written_whole(tmp_path):
    write_files(tmp_path / "new", {"B.v": "b\n", "A.v": "a\n"})
    assert {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()} == {"A.v": b"a\n", "B.v": b"b\n"}
    with pytest.raises(UnicodeEncodeError):
        write_files(tmp_path / "new", {"A.v": "é"})
    assert (tmp_path / "new" / "A.v").read_bytes() == b"a\n"


FACADE = """
From Coq Require Import ZArith Uint63 List.
Record matrix := Matrix { ints : list (list Z); scale_bits : nat }.
Record model := Model { n_ctx : nat; d_vocab : nat; d_model : nat; d_head : nat;
  W_E : matrix; W_pos : matrix; W_Q : matrix; W_K : matrix; W_V : matrix; W_O : matrix; W_U : matrix }.
Record certificate := Cubic { bound : Z; rows : list (list (list int)) }.
Inductive outcome := Accepted | Refused (most : Z).
Definition verdict (N : Z) (M : model) (c : certificate) : outcome :=
  if (N <=? 7 + bound c)%Z then Accepted else Refused (7 + bound c).
Definition check N M c := match verdict N M c with Accepted => true | Refused _ => false end.
Definition correct_count (M : model) : Z := 2.
Axiom check_sound : forall N M c, check N M c = true -> (N <= correct_count M)%Z.
Ltac by_computation := vm_cast_no_check (@eq_refl bool true).
"""


@pytest.mark.coq
@pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")
def test_coq_reads_the_files_as_meant(tmp_path):
    """Values survive, a bound within reach is accepted and one too high is not, and axioms print qualified."""
    (tmp_path / "theories").mkdir()
    (tmp_path / "theories" / "Facade.v").write_text(FACADE)
    folder = tmp_path / "generated" / "toy"
    write_files(folder, {"Weights.v": weights_v(toy_model())})
    files = {"Certificate.v": certificate_v("toy", "cubic", FIELDS), "Assumptions.v": assumptions_v("toy", "cubic")}
    write_files(folder / "cubic", files)

    def coqc(path):
        roots = ["-Q", "theories", "CompactProofs", "-Q", "generated", "CompactProofs.Generated"]
        return subprocess.run(["coqc", *roots, path], cwd=tmp_path, capture_output=True, text=True, check=False)

    def theorem(proved):
        files = {"Theorem.v": theorem_v(AT_LEAST, "toy", proved), "Diagnose.v": diagnose_v(AT_LEAST, "toy", proved)}
        write_files(folder / "cubic", files)
        return coqc("generated/toy/cubic/Theorem.v"), coqc("generated/toy/cubic/Diagnose.v")

    for path in ("theories/Facade.v", "generated/toy/Weights.v", "generated/toy/cubic/Certificate.v"):
        assert coqc(path).returncode == 0
    too_high, why = theorem(3)
    assert too_high.returncode != 0
    assert why.stdout.split() == ["=", "Refused", "2", ":", "outcome"]
    accepted, why = theorem(2)
    assert accepted.returncode == 0, accepted.stderr
    assert why.stdout.split() == ["=", "Accepted", ":", "outcome"]

    axioms = coqc("generated/toy/cubic/Assumptions.v")
    assert re.findall(r"^([\w.]+)\s*:", axioms.stdout, re.M) == ["Axioms", "PrimInt63.int", "Facade.check_sound"]

    (tmp_path / "Values.v").write_text(
        "From Coq Require Import ZArith Uint63 List. Import ListNotations.\n"
        "From CompactProofs.Generated.toy.cubic Require Import Certificate.\n"
        "Goal (bound, flat, map (map (map to_Z)) rows, map (map to_Z) pairs, to_Z step, empty) = \n"
        "  (Z.opp 5, [1; 1 - 2 ^ 62], [[[1; 2]; [2 ^ 62 - 1]]; []; [[]]], [[1; 2]; []], 0, [])%Z.\n"
        "Proof. vm_compute. reflexivity. Qed.\n"
    )
    values = coqc("Values.v")
    assert values.returncode == 0, values.stderr
