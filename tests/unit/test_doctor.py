"""The table of tools, and installing what may be installed."""

import subprocess
import sys
from pathlib import Path

import pytest

from compact_proofs.models.errors import ToolMissing
from compact_proofs.proofs import doctor

ROOT = Path(__file__).parents[2]


def script(folder, name, text):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_exit_code_is_that_of_a_missing_tool():
    assert ToolMissing.exit_code == doctor.EXIT_TOOL_MISSING


def test_runs_before_anything_is_installed(tmp_path):
    """By a bare interpreter, with nothing on the PATH: every tool is missing and has a command."""
    command = [sys.executable, "-S", "-E", str(ROOT / "proofs" / "doctor.py")]
    done = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert "MISSING: coqc is not on the PATH; install Coq 8.16.1, on Debian 12 as root: apt-get update" in lines["coqc"]
    assert lines["make"].endswith("apt-get install -y --no-install-recommends make")
    assert lines["numpy"].endswith("MISSING: make setup")
    assert lines["torch"].endswith("optional: pip install -c constraints.txt -e '.[train]'")
    assert lines["python"].endswith("ok")
    assert "missing: make, coqchk, coqc, coq-interval, numpy" in done.stdout


@pytest.mark.coq
def test_this_machine_is_fit(capsys):
    assert doctor.main([]) == 0
    assert capsys.readouterr().out.endswith("nothing needed is missing\n")


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        ("8.16.1", ""),
        ("8.16.0", "Coq 8.16.0 is refused: its kernel proves False by primitive arrays (Coq issue 16829)"),
        ("8.17.1", "coqc is Coq 8.17.1, wanted 8.16.1"),
        (None, "coqc is not on the PATH"),
    ],
)
def test_versions_of_coq(version, problem):
    assert doctor.coq_problem(version).startswith(problem)
    assert bool(doctor.coq_problem(version)) == bool(problem)


def test_missing_library_is_named(monkeypatch, tmp_path):
    script(tmp_path / "bin", "coqc", f'[ "$1" = -where ] && echo {tmp_path} || echo "8.16.1 4.13.1"')
    for tool in ("coqchk", "coq_makefile", "make"):
        script(tmp_path / "bin", tool, "true")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/bin")
    assert doctor.machine_problem().startswith("the library coq-interval is missing; on Debian 12 as root: apt-get")
    (tmp_path / "bin" / "coqchk").unlink()
    if not Path("/bin/coqchk").exists():
        assert doctor.machine_problem().startswith("coqchk is not on the PATH")


def test_install_says_the_command_where_it_may_not_run_it(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "coq_version", lambda: None)
    monkeypatch.setattr(doctor.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(doctor.subprocess, "run", lambda *arguments, **named: pytest.fail("ran something"))
    assert doctor.main(["install", "coq"]) == 4
    assert capsys.readouterr().err == (
        "doctor: coqc is not on the PATH; install Coq 8.16.1, on Debian 12 as root: "
        "apt-get update && apt-get install -y --no-install-recommends coq libcoq-interval\n"
    )


def test_install_as_root_runs_apt_and_looks_again(monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(doctor.os, "geteuid", lambda: 0)
    problems = ["coqc is not on the PATH", ""]
    monkeypatch.setattr(doctor, "machine_problem", lambda: problems.pop(0))
    monkeypatch.setattr(doctor, "coq_version", lambda: None)
    script(tmp_path / "bin", "apt-get", f'echo "$DEBIAN_FRONTEND $*" >> {tmp_path}/log')
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/bin")
    assert doctor.main(["install", "coq"]) == 0
    assert (tmp_path / "log").read_text().splitlines() == [
        "noninteractive update",
        "noninteractive install -y --no-install-recommends coq libcoq-interval",
    ]
    problems += ["coqc is not on the PATH"]
    script(tmp_path / "bin", "apt-get", "exit 100")
    assert doctor.main(["install", "coq"]) == 4
    assert "apt-get failed (exit code 100); coqc is not on the PATH" in capfd.readouterr().err


def test_somebodys_other_coq_is_never_replaced(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(doctor.os, "geteuid", lambda: 0)
    monkeypatch.setattr(doctor, "coq_version", lambda: "8.16.0")
    script(tmp_path / "bin", "apt-get", "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/bin")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *arguments, **named: pytest.fail("ran something"))
    assert doctor.main(["install", "coq"]) == 4
    assert "Coq 8.16.0 is refused" in capsys.readouterr().err


def test_wrong_usage():
    assert doctor.main(["install", "everything"]) == 2
