"""Running Coq: verdicts, limits, what is left behind, assumptions, versions of Coq that are refused."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from compact_proofs.models.errors import InputRefused, NotProved, TimeLimit, ToolMissing
from compact_proofs.proofs import coqrun, doctor
from compact_proofs.proofs.coqrun import Limits

LIMITS = Limits(60, 4096)


def write(root, name, text):
    (root / "generated" / name).write_text(text)
    return Path("generated", name)


@pytest.mark.coq
def test_a_true_lemma_compiles_and_is_measured(coq_root):
    done = coqrun.coqc(coq_root, write(coq_root, "A.v", "Lemma a : 1 + 1 = 2. Proof. reflexivity. Qed.\n"), LIMITS)
    assert done.exit_code == 0
    assert 0 < done.seconds < 60
    assert 10 < done.peak_rss_mb < 4096
    assert (coq_root / "generated" / "A.vo").is_file()


@pytest.mark.coq
def test_a_false_lemma_is_refused_in_coqs_words_and_leaves_nothing(coq_root):
    source = write(coq_root, "F.v", "Lemma f : 1 = 2. Proof. reflexivity. Qed.\n")
    (coq_root / "generated" / "F.vo").write_bytes(b"an older proof")
    with pytest.raises(NotProved, match=r"coqc generated/F.v failed; this disproves nothing:\n(?s:.*)line 1(?s:.*)unify"):
        coqrun.coqc(coq_root, source, LIMITS)
    assert sorted(path.name for path in (coq_root / "generated").iterdir()) == ["F.v"]


SLOW = "Fixpoint f (n : nat) : nat := match n with 0 => 1 | S k => f k + f k end.\nDefinition x := Eval vm_compute in f 60.\n"


@pytest.mark.coq
def test_time_limit_stops_coqc(coq_root):
    start = time.monotonic()
    with pytest.raises(TimeLimit, match=r"coqc Slow.v ran past its limit of 1 s and was stopped; raise --time-limit"):
        coqrun.coqc(coq_root, write(coq_root, "Slow.v", SLOW), Limits(1, 64_000))
    assert time.monotonic() - start < 20
    assert not (coq_root / "generated" / "Slow.vo").exists()


@pytest.mark.coq
def test_memory_limit_stops_coqc(coq_root):
    with pytest.raises(TimeLimit, match=r"coqc Big.v ran out of memory \(limit 700 MB\); raise --memory-limit"):
        coqrun.coqc(coq_root, write(coq_root, "Big.v", SLOW), Limits(60, 700))


def test_interruption_kills_the_child(tmp_path, wait_for_end):
    """A Ctrl-C that reaches only the parent leaves no process behind."""
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a job in the background ignores it
        "import sys; from pathlib import Path; from compact_proofs.proofs.coqrun import *\n"
        f"run(['sh', '-c', 'echo $$ > pid; exec sleep 100'], Path({str(tmp_path)!r}), Limits(), 'sleep')"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
        assert time.monotonic() < deadline, "the child has not started"
        time.sleep(0.02)
    parent.send_signal(signal.SIGINT)
    _, stderr = parent.communicate(timeout=30)
    assert "KeyboardInterrupt" in stderr
    wait_for_end(int((tmp_path / "pid").read_text()))


PRINTED = """Axioms:
PrimInt63.int : Set
FunctionalExtensionality.functional_extensionality_dep
  : forall (A : Type) (B : A -> Type) (f g : forall x : A, B x),
    (forall x : A, f x = g x) -> f = g
"""


def test_assumptions_are_parsed_and_sorted():
    assert coqrun.assumptions("Closed under the global context\n") == []
    assert coqrun.assumptions(PRINTED) == [
        "FunctionalExtensionality.functional_extensionality_dep",
        "PrimInt63.int",
    ]
    coqrun.check_assumptions(coqrun.assumptions(PRINTED))


@pytest.mark.parametrize(
    "printed",
    ["", "PrimInt63.int : Set\n", "Axioms:\nf is assumed to be guarded.\n", "Section Variables:\nx : nat\nAxioms:\n"],
)
def test_other_output_is_no_list_of_assumptions(printed):
    with pytest.raises(NotProved, match="Print Assumptions"):
        coqrun.assumptions(printed)


def test_unlisted_assumption_is_refused():
    with pytest.raises(NotProved, match=r"rests on Evil.trust_me, which proofs/allowed_assumptions.txt does not list"):
        coqrun.check_assumptions(["PrimInt63.int", "Evil.trust_me"])


def test_allow_list_has_the_axioms_of_the_reals_and_no_sloppy_name():
    allowed = coqrun.allowed_assumptions()
    assert {"ClassicalDedekindReals.sig_not_dec", "Classical_Prop.classic", "Uint63.add_spec"} <= set(allowed)
    assert not any("addmuldiv" in name or "Float" in name or "Array" in name for name in allowed)


@pytest.mark.coq
def test_unsafe_flags_show_in_real_output(coq_root):
    text = "Unset Guard Checking.\nFixpoint f (n : nat) {struct n} : False := f n.\nPrint Assumptions f.\n"
    done = coqrun.coqc(coq_root, write(coq_root, "Unsafe.v", text), LIMITS)
    with pytest.raises(NotProved, match="assumed to be guarded"):
        coqrun.assumptions(done.stdout)


@pytest.mark.coq
def test_theory_is_built_once(coq_root):
    said = []
    assert "Facade.v" in coqrun.build_theory(coq_root, 1, LIMITS, said.append).stdout
    compiled = coq_root / "theories" / "Facade.vo"
    first = compiled.stat().st_mtime_ns
    assert "Facade.v" not in coqrun.build_theory(coq_root, 1, LIMITS, said.append).stdout
    assert compiled.stat().st_mtime_ns == first
    coqrun.build_theory(coq_root, 1, LIMITS, said.append, clean=True)
    assert compiled.stat().st_mtime_ns > first
    assert said == ["compiling 1 of the theory's 1 files; all of them take some minutes, once"] * 2
    (coq_root / "theories" / "Broken.v").write_text("Lemma f : False.\nProof. exact I. Qed.\n")
    with pytest.raises(NotProved, match=r"theory in .* does not compile:\n(?s:.*)Broken.v(?s:.*)has type"):
        coqrun.build_theory(coq_root, 1, LIMITS, said.append)


@pytest.mark.coq
def test_coqchk_checks_modules(coq_root):
    coqrun.build_theory(coq_root, 1, LIMITS, print)
    assert coqrun.theory_modules(coq_root) == ["CompactProofs.Facade"]
    assert coqrun.coqchk(coq_root, ["CompactProofs.Facade"], LIMITS).exit_code == 0
    with pytest.raises(NotProved, match="coqchk refused one of CompactProofs.Nothing"):
        coqrun.coqchk(coq_root, ["CompactProofs.Nothing"], LIMITS)
    compiled = coq_root / "theories" / "Facade.vo"
    data = bytearray(compiled.read_bytes())
    data[len(data) // 2] ^= 0xFF
    compiled.write_bytes(data)
    with pytest.raises(NotProved, match="coqchk refused"):
        coqrun.coqchk(coq_root, ["CompactProofs.Facade"], LIMITS)


def test_missing_theory_is_refused(tmp_path):
    with pytest.raises(InputRefused, match="no theory"):
        coqrun.theory_sources(tmp_path)


def fake_coqc(folder, version):
    folder.mkdir()
    script = folder / "coqc"
    script.write_text(f"#!/bin/sh\necho '{version} 4.13.1'\n")
    script.chmod(0o755)
    return str(folder)


def test_no_coq_names_the_command(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing) as caught:
        coqrun.require_coq()
    assert str(caught.value) == (
        "coqc is not on the PATH; install Coq 8.16.1, on Debian 12 as root: "
        "apt-get update && apt-get install -y --no-install-recommends coq libcoq-interval"
    )
    with pytest.raises(ToolMissing, match="coqc A.v: coqc is not on the PATH"):
        coqrun.run(["coqc", "A.v"], tmp_path, LIMITS, "coqc A.v")


@pytest.mark.parametrize(
    ("version", "message"),
    [("8.16.0", r"Coq 8.16.0 is refused: its kernel proves False"), ("9.0.0", r"coqc is Coq 9.0.0, wanted 8.16.1")],
)
def test_wrong_coq_is_refused_by_name(monkeypatch, tmp_path, version, message):
    monkeypatch.setenv("PATH", fake_coqc(tmp_path / "bin", version) + ":/bin")
    with pytest.raises(ToolMissing, match=message):
        coqrun.require_coq()


@pytest.mark.coq
def test_this_coq_is_wanted():
    assert coqrun.require_coq() == doctor.COQ_WANTED


def test_second_run_waits_for_the_first(tmp_path):
    lock, said = tmp_path / "deep" / ".lock", []
    holder = (
        "import sys, time; from pathlib import Path; from compact_proofs.proofs.coqrun import locked\n"
        f"with locked(Path({str(lock)!r}), print): print('held', flush=True); time.sleep(1)"
    )
    with subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with coqrun.locked(lock, said.append):
            pass
    assert said == [f"another run holds {lock}; waiting for it"]


def test_installed_theory_is_copied(monkeypatch, tmp_path):
    """Where the shipped folder is no writable checkout, the theory is copied, and equal files keep their time."""
    installed = tmp_path / "site" / "coq"
    (installed / "theories" / "Base").mkdir(parents=True)
    (installed / "_CoqProject").write_text("-Q theories CompactProofs\n")
    (installed / "theories" / "Base" / "A.v").write_text("(* a *)\n")
    monkeypatch.setattr(coqrun.importlib.resources, "files", lambda package: installed)
    root = coqrun.theory_root(tmp_path / "build")
    assert root == tmp_path / "build" / "coq"
    first = (root / "theories" / "Base" / "A.v").stat().st_mtime_ns
    (root / "theories" / "Old.v").write_text("(* gone from the theory *)\n")
    assert coqrun.theory_root(tmp_path / "build") == root
    assert coqrun.theory_sources(root) == [Path("theories/Base/A.v")]
    assert (root / "theories" / "Base" / "A.v").stat().st_mtime_ns == first
    (installed.parent / "pyproject.toml").write_text("")
    assert coqrun.theory_root(tmp_path / "build") == installed
