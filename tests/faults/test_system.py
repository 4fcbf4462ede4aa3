"""What the system refuses: disk, permissions, memory, time, signals. A message, an exit code, no report; the next run is fine."""

import dataclasses
import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compact_proofs.models.errors import NotProved, Stopped, TimeLimit
from compact_proofs.models.files import write_atomic
from compact_proofs.proofs import cli, coqrun, pipeline
from compact_proofs.proofs.commands import options
from compact_proofs.proofs.coqrun import Limits

pytestmark = pytest.mark.coq
MODEL = "max_of_2_tiny"
UNPRIVILEGED = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]  # root that file permissions bind


def place(options):
    return pipeline.Place(options.root, options.out, MODEL, "toy")


def nothing_looks_proved(options):
    assert not place(options).report.is_file()
    assert not (options.root / place(options).source("Theorem")).with_suffix(".vo").exists()


def fails(started, code, message):
    assert started.end() == code, started.lines
    assert "Traceback" not in started.message()
    assert message in started.message()


# Signals, time and memory: scripts in the place of Coq.

ON = 'case "$*" in *{0}*) {1};; esac\nexec $real "$@"'
SIGNALS = {"Weights.v": "SEGV", "Certificate.v": "TERM", "Theorem.v": "KILL", "Assumptions.v": "ABRT"}


@pytest.mark.parametrize(("name", "number"), SIGNALS.items())
def test_coqc_killed_by_a_signal(name, number, proved, toy, with_programs):
    with_programs(coqc=ON.format(name, f"kill -{number} $$"))
    error, message = Stopped, rf"coqc {name} was ended by SIG{number}; run it again"
    if number == "KILL":
        error, message = TimeLimit, rf"coqc {name} was killed; where nobody did, the machine ran out of memory"
    with pytest.raises(error, match=message):
        pipeline.prove(MODEL, toy(60), proved)
    nothing_looks_proved(proved)


def test_coqchk_killed_by_a_signal(proved, toy, with_programs, recovers):
    with_programs(coqchk="kill -KILL $$")
    with pytest.raises(TimeLimit, match="coqchk was killed"):
        pipeline.prove(MODEL, toy(60), proved)
    nothing_looks_proved(proved)
    with_programs(coqchk='exec $real "$@"')
    recovers(proved, toy(60), 60)


@pytest.mark.parametrize("step", ["coqc Certificate.v", "coqc Theorem.v", "coqc Assumptions.v", "coqchk"])
def test_time_limit(step, proved, toy, with_programs, running, monkeypatch):
    """The program and what it has started itself are stopped."""
    sleep = "sleep 100 & sleep 100"
    with_programs(**{"coqchk": sleep} if step == "coqchk" else {"coqc": ON.format(step.partition(" ")[2], sleep)})
    real = coqrun.run

    def run(command, cwd, limits, what):
        return real(command, cwd, Limits(0.5, 4096) if what == step else limits, what)

    monkeypatch.setattr(coqrun, "run", run)
    with pytest.raises(TimeLimit, match=f"{step} ran past its limit of 0.5 s and was stopped; raise --time-limit"):
        pipeline.prove(MODEL, toy(60), proved)
    nothing_looks_proved(proved)
    assert running(proved.root) == []


def test_memory_limit(proved, start):
    """Too little for coqc to start; the theory is built."""
    run = start(proved, "prove", "--memory-limit", "60")
    fails(run, 5, "ran out of memory (limit 60 MB); raise --memory-limit")
    nothing_looks_proved(proved)


def test_memory_that_python_lacks(toy, proved, monkeypatch, capsys):
    def no_memory(*arguments):
        raise MemoryError

    monkeypatch.setattr(options, "strategy_for", lambda family, name: toy(60))
    monkeypatch.setattr(pipeline, "prove", no_memory)
    assert cli.main(["prove", MODEL]) == 5
    assert capsys.readouterr().err == "compact-proofs prove: out of memory; close other programs, or take a smaller model\n"


# The disk.


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (0, "certificate.json: File too large; files may not grow to this size here; raise `ulimit -f`"),
        (16, "coqc Weights.v could not write its files: the disk is full or `ulimit -f` is too low; make room"),
    ],
)
def test_files_may_not_grow(blocks, message, options, start):
    """A limit on the size of files, in units of 512 bytes: Python is told so, coqc gets a signal."""
    run = start(options, "prove", prefix=["sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh"])
    fails(run, 1, message)
    nothing_looks_proved(options)


@pytest.fixture
def small_disk(tmp_path):
    """`small_disk(kilobytes)`: set the size of a disk of its own; the folder where it is."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "compact-proofs-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no disk can be mounted here")

    def size(kilobytes: int) -> Path:
        subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(folder)], check=True)
        return folder

    yield size
    subprocess.run(["umount", "-l", str(folder)], check=True)


def used_kb(folder):
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize // 1024


def test_disk_full(small_disk, options, toy, start, recovers):
    """With room for ever more files, the run gets ever farther; with enough it succeeds."""
    disk = small_disk(100_000)
    full = dataclasses.replace(options, root=disk / "coq", out=disk / "build")
    shutil.copytree(options.root, full.root)
    messages = []
    for room in (0, 8, 40, 72):
        small_disk(used_kb(disk) + room)
        run = start(full, "prove")
        assert run.end() == 1, run.lines
        nothing_looks_proved(full)
        messages.append(run.message())
        assert any(word in messages[-1] for word in ("No space left on device; make room", "the disk is full")), run.lines
        assert "Traceback" not in messages[-1]
    assert any("coqc" in one for one in messages)
    assert any("compact-proofs prove: /" in one for one in messages)
    small_disk(100_000)
    recovers(full, toy(60), 60, coqchk=False)


def test_output_that_cannot_be_written():
    """A pipe's reader may go away, a disk may be full when the report is printed."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with full.open("w") as out:
        done = subprocess.run(
            [sys.executable, "-m", "compact_proofs.proofs", "list"], stdout=out, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.stderr == "compact-proofs list: No space left on device; make room, or choose another folder by --out\n"
    assert done.returncode == 1


def test_what_coq_prints_is_never_shortened_by_a_full_disk(coq_root, monkeypatch):
    """`Print Assumptions` is kept in memory, so that no line of it can be lost."""
    monkeypatch.setattr(coqrun.tempfile, "TemporaryFile", lambda: pytest.fail("a file on disk"))
    (coq_root / "A.v").write_text("Axiom one : nat.\nAxiom two : nat.\nDefinition both := one + two.\nPrint Assumptions both.\n")
    assert coqrun.assumptions(coqrun.coqc(coq_root, Path("A.v"), Limits()).stdout) == ["one", "two"]


def test_a_write_says_which_file(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left on device: '.*report.json'"):
        write_atomic(tmp_path / "report.json", b"{}")
    assert list(tmp_path.iterdir()) == []


# Folders that may not be written to, and files where folders are wanted.


@pytest.mark.parametrize("which", ["out", "generated", "root"])
def test_read_only_folder(which, options, toy, start, recovers):
    prefix = [] if os.geteuid() else UNPRIVILEGED
    if prefix and (shutil.which("setpriv") is None or subprocess.run([*prefix, "true"], check=False).returncode != 0):
        pytest.skip("root may write everywhere here")
    folder = {"out": options.out, "generated": options.root / "generated", "root": options.root}[which]
    folder.mkdir(exist_ok=True)
    if which == "root":
        (folder / ".lock").unlink()
    folder.chmod(0o555)
    try:
        run = start(options, "prove", prefix=prefix)
        code, start_of_it = (2, "prove: error: argument --out:") if which == "out" else (1, "prove:")
        fails(run, code, "Permission denied; choose a folder that you may write to by --out, or change its permissions")
        assert f"compact-proofs {start_of_it} {folder}" in run.message()
        nothing_looks_proved(options)
    finally:
        folder.chmod(0o755)
    if which == "out":
        recovers(options, toy(60), 60, coqchk=False)


@pytest.mark.parametrize("which", ["build", f"build/{MODEL}", f"build/{MODEL}/toy/report.json", "coq/generated"])
def test_a_file_where_a_folder_is_wanted(which, options, start):
    path = options.root.parent / which
    path.parent.mkdir(parents=True, exist_ok=True)
    if which.endswith("report.json"):
        path.mkdir()
    else:
        if path.is_dir():
            path.rmdir()
        path.write_text("in the way")
    run = start(options, "prove")
    fails(run, 2 if which == "build" else 1, "a file stands where a folder is wanted, or a folder where a file is; move it")
    assert str(path) in run.message()
    nothing_looks_proved(options)


def test_no_temporary_folder(proved, toy, monkeypatch):
    """A proof needs none; the estimate of brute force does, and the proof stands without."""
    monkeypatch.setattr(coqrun.tempfile, "tempdir", "/nowhere")
    said = []
    pipeline.prove(MODEL, toy(60), dataclasses.replace(proved, estimate=True), said.append)
    assert any(line.startswith("brute force is not estimated: ") and "/nowhere" in line for line in said)
    assert place(proved).report.exists()


def test_a_refusal_is_still_one(proved, toy):
    """None of the above is taken for a refusal, nor the other way round."""
    place(proved).certificate.unlink()
    with pytest.raises(NotProved, match="Coq did not accept 61 of 64"):
        pipeline.prove(MODEL, toy(60, proved=61), proved)
