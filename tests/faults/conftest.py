"""Fixtures of the tests that break things: the command line in a process of its own, and what must hold after any fault."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from compact_proofs.proofs import coqrun, pipeline
from compact_proofs.proofs.report import Report

MODEL = "max_of_2_tiny"
CONFTEST = Path(__file__).parents[1] / "conftest.py"
PROGRAM = """
import runpy, signal, sys
from pathlib import Path
from compact_proofs.models.errors import NotProved
from compact_proofs.proofs import cli, coqrun, pipeline
from compact_proofs.proofs.commands import options
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
conftest, root, strategy = sys.argv[1:4]
if strategy == "toy":
    toy = runpy.run_path(conftest)["toy_strategy"](60)
    options.strategy_for = lambda family, name: toy
    def no_estimate(*arguments):
        raise NotProved("there is no brute force here")
    pipeline.brute_force_seconds = no_estimate
coqrun.theory_root = lambda out: Path(root)
sys.exit(cli.main(sys.argv[4:]))
"""


@dataclass
class Started:
    """A command that runs in a process group of its own; `lines` is what it has written to stderr."""

    process: subprocess.Popen
    root: Path
    lines: list[str] = field(default_factory=list)
    announced: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self):
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
            self.announced.set()

    def wait_for(self, start: str, seconds: float = 120):
        """Wait for a line with this start, or for the end."""
        deadline = time.monotonic() + seconds
        while not any(line.startswith(start) for line in self.lines) and self.process.poll() is None:
            assert time.monotonic() < deadline, self.lines
            self.announced.wait(0.02)
            self.announced.clear()

    def end(self) -> int:
        code = self.process.wait(timeout=120)
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def message(self) -> str:
        """What it says besides its stages."""
        return "\n".join(line for line in self.lines if not line.startswith("["))

    def kill(self, number: signal.Signals, whole_group: bool):
        with contextlib.suppress(ProcessLookupError):  # it may have ended
            (os.killpg if whole_group else os.kill)(self.process.pid, number)


@pytest.fixture
def start():
    """`start(options, "prove", ..)`: the command on MODEL in a process of its own, all of it killed after the test."""
    started = []

    def run(options, command, *arguments, strategy="toy", prefix=(), environment=None):
        program = [*prefix, sys.executable, "-c", PROGRAM, str(CONFTEST), str(options.root), strategy]
        chosen = [] if strategy == "toy" else ["--strategy", strategy]
        process = subprocess.Popen(
            [*program, command, MODEL, *chosen, "--out", str(options.out), *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0,
            env=environment, cwd=options.root.parent,
        )  # fmt: skip
        started.append(Started(process, options.root))
        return started[-1]

    yield run
    for one in started:
        if one.process.poll() is None:
            os.killpg(one.process.pid, signal.SIGKILL)
        one.end()


@pytest.fixture
def running():
    """`running(root)`: the command lines of living processes whose working folder is `root`, those of Coq and of make."""

    def commands(root: Path) -> list[str]:
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                state = (process / "stat").read_text().rpartition(")")[2].split()[0]
                if state not in "ZX" and (process / "cwd").readlink() == root.resolve():
                    found.append((process / "cmdline").read_text().replace("\0", " "))
        return found

    return commands


@pytest.fixture
def nothing_runs(running):
    """`nothing_runs(root)`: wait until no process of Coq is left there; the system takes a moment to bury the killed."""

    def check(root: Path):
        deadline = time.monotonic() + 10
        while found := running(root):
            assert time.monotonic() < deadline, found
            time.sleep(0.01)

    return check


@pytest.fixture
def is_honest():
    """`is_honest(options, strategy)`: a report.json is there only if it is whole and Coq accepts its theorem once more.

    Returns the report, None where there is none; nothing half written may be seen either way.
    """

    def check(options, strategy) -> Report | None:
        place = pipeline.Place(options.root, options.out, MODEL, strategy.name)
        if not place.report.exists():
            return None
        report = Report.load(place.report)
        checked = pipeline.check(MODEL, strategy, options)
        assert (checked.theorem, checked.assumptions) == (report.theorem, report.assumptions)
        assert place.report.exists()
        return report

    return check


@pytest.fixture
def recovers(monkeypatch):
    """`recovers(options, strategy, proved)`: the next run succeeds and leaves a proof and nothing unfinished.

    Without `coqchk`, which has nothing to do with the fault, it is faster.
    """

    def check(options, strategy, proved: int, coqchk: bool = True):
        with monkeypatch.context() as patch:
            if not coqchk:
                patch.setattr(coqrun, "coqchk", lambda *arguments: coqrun.Run("", "", 0, 0.0, 0.0))
            report = pipeline.prove(MODEL, strategy, options)
        place = pipeline.Place(options.root, options.out, MODEL, strategy.name)
        assert Report.load(place.report) == report
        assert report.proved_correct == proved
        assert (place.root / place.source("Theorem")).with_suffix(".vo").is_file()
        left = [path for folder in (options.root, options.out) for path in folder.glob("**/.*.unfinished")]
        assert left == []

    return check


@pytest.fixture
def with_programs(tmp_path, monkeypatch):
    """`with_programs(coqc="..")`: shell scripts that stand before the programs of these names on the PATH."""

    def put(**scripts):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        for name, script in scripts.items():
            real = coqrun.shutil.which(name, path=os.environ["PATH"].replace(f"{folder}:", ""))
            (folder / name).write_text(f"#!/bin/sh\nreal={real}\n{script}\n")
            (folder / name).chmod(0o755)
        if not os.environ["PATH"].startswith(f"{folder}:"):
            monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return put
