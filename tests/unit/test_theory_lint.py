"""What the theory may not contain: fixtures that must be refused, and the theory itself, which must pass."""

import subprocess
import sys
from pathlib import Path

import pytest

from compact_proofs.proofs.theory_lint import blanked, main, problems

ROOT = Path(__file__).parents[2]

REFUSED = [
    ("Axiom a : False.", "`Axiom`"),
    ("Lemma l : True.\nProof. exact I. Qed.\n\nParameter p : nat.", "4: `Parameter`"),
    ("Local Axioms a b : False.", "`Local Axioms`"),
    ("#[local] Conjecture c : False.", "`#[local] Conjecture`"),
    ("Variable v : False.", "`Variable`"),
    ("Lemma l : False.\nProof.\nAdmitted.", "3: `Admitted`"),
    ("Lemma l : False.\nProof. admit. Qed.", "2: `admit`"),
    ("Lemma l : False.\nProof. split; [give_up | admit]. Qed.", "2: `give_up`"),
    ("Program Fixpoint f (n : nat) : nat := f n.", "`Program Fixpoint`"),
    ("Definition x := ltac:(native_compute; reflexivity).", "`native_compute`"),
    ("Proof. native_cast_no_check I. Qed.", "`native_cast_no_check`"),
    ("From Coq Require Import PrimFloat.", "`PrimFloat`"),
    ("From Coq Require Import Floats.", "`Floats`"),
    ("From Coq Require Import PArray.", "`PArray`"),
    ("Definition f := addmuldiv 3 x y.", "`addmuldiv`"),
    ("Unset Guard Checking.", "`Unset Guard Checking`"),
    ("Local Unset Positivity Checking.", "`Local Unset Positivity Checking`"),
    ("Unset Universe\n  Checking.", "`Unset Universe Checking`"),
    ("#[bypass_check(guard)] Fixpoint f (n : nat) : nat := f n.", "`bypass_check`"),
    ("Register Inline f.", "`Register`"),
    ("Primitive add := #int63_add.", "`Primitive`"),
    ("Strategy opaque [f].", "`Strategy`"),
    ("Module F (X : S).", "`Module F (`"),
    ("Module Type F (X : S).", "`Module Type F (`"),
    ("Qed. (* comment *) Check f.", "`Check`"),
    ("Print Assumptions f.", "`Print`"),
    ("SearchPattern f.", "`SearchPattern`"),
    ("Lemma l : True.\nProof.\nAbort.", "3: `Abort`"),
    ("Compute 1.", "`Compute`"),
    ("Eval vm_compute in 1.", "`Eval`"),
    ("Proof.\n  - Show.", "2: `Show`"),
    ("Goal False.", "`Goal`"),
    ("Time Qed.", "`Time`"),
    ("Definition x := 1.\n" * 500, "the file has 501 lines, wanted at most 500"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_refused(text, message):
    found = problems(text + "\n", "F.v", "all")
    assert any(message in line for line in found), found
    assert all(line.startswith("F.v:") for line in found)


@pytest.mark.parametrize(
    "text",
    [
        "(* Axiom a : False. (* Admitted. *) Check. *)",
        'Definition s := "Axiom a. (* Admitted.".',
        "Definition Check_all := 1.",
        "Lemma axiom_free : True.\nProof. exact I. Qed.",
        "Definition x := Eval vm_compute in 3.",
        "Module M := Functor Argument.",
        "Definition addmul := 1. Definition admitted := 2.",
        "Section Sums.\n  Context (n : nat).\nEnd Sums.",
        "Strategies are not commands",
    ],
)
def test_allowed(text):
    assert problems(text + "\n", "F.v", "all") == []


def test_blanked_keeps_lines_and_columns():
    text = 'a (* "*) b" (* c\n*) *) d "(*" e\n'
    plain = blanked('a (* x (* y\n*) *) d "(*" e\n')
    assert plain == "a          \n      d      e\n"
    assert plain.count("\n") == text.count("\n")


def test_both_halves_and_exit_codes(tmp_path, capsys):
    (tmp_path / "A.v").write_text("Axiom a : False.\n")
    assert main(["admitted", str(tmp_path)]) == 1
    assert f"{tmp_path}/A.v:1: `Axiom` assumes what is not proved" in capsys.readouterr().err
    assert main(["leftovers", str(tmp_path)]) == 0
    (tmp_path / "A.v").write_text("Check nat.\n")
    assert main(["admitted", str(tmp_path)]) == 0
    assert main(["leftovers", str(tmp_path)]) == 1
    assert main([]) == 2
    assert main(["all", str(tmp_path / "none")]) == 2


def test_the_theory_passes_and_the_script_needs_nothing_installed():
    command = [sys.executable, "-S", "-E", "proofs/theory_lint.py", "all"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert " 0 problems" in done.stdout
