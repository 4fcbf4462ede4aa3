"""Running Coq: `build_theory`, `coqc`, `coqchk`, `assumptions`, each with a limit of time and memory.

`root` is always the folder that holds `_CoqProject`, `theories/` and `generated/`. A source is compiled from its .v every
time; a compilation that fails or is stopped leaves no .vo. Of the theory, a .vo is used only where `build_theory` knows that
it made it of the present .v (`proofs.built`). However this process ends, nothing that it has started goes on.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.resources
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from compact_proofs.models.errors import CompactProofsError, InputRefused, NotProved, Stopped, TimeLimit, ToolMissing
from compact_proofs.models.files import remove_unfinished, write_atomic
from compact_proofs.proofs import built, doctor

Say = Callable[[str], None]

POLL_S = 0.01
THEORY_RUNS = 6
OUT_OF_MEMORY = re.compile(r"out of memory|stack overflow|cannot allocate memory", re.IGNORECASE)
DISK_FULL = re.compile(r"no space left on device|file too large|file size limit exceeded|disk quota exceeded", re.IGNORECASE)
MAKE_SAW_A_SIGNAL = re.compile(r"^make.*\*\*\* \[.*\] (?:Killed|Segmentation fault|Error 1(?:37|39))", re.MULTILINE)
# Reads from a pipe whose other end only we hold, and kills its process group when we are gone, by whatever signal. It has our
# locks too, so that nobody gets one before that.
WATCH = ["sh", "-c", "read -r _; kill -9 0"]
_HELD: list[int] = []  # descriptors of our locks
AXIOM = re.compile(r"[A-Za-z_][\w']*(?:\.[A-Za-z_][\w']*)*")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one process: wall-clock seconds and megabytes (2^20 bytes) of address space."""

    seconds: float = 600.0
    memory_mb: int = 8192


@dataclass(frozen=True, slots=True)
class Run:
    """A finished process: what it printed, its exit code, wall-clock seconds and largest resident set (2^20 bytes)."""

    stdout: str
    stderr: str
    exit_code: int
    seconds: float
    peak_rss_mb: float


def require_coq() -> str:
    """Return the version of Coq.

    Raises: ToolMissing: Coq, coqchk or coq-interval is absent or of another version; the message has the command.
    """
    if problem := doctor.machine_problem():
        raise ToolMissing(problem)
    return doctor.COQ_WANTED


def run(command: list[str], cwd: Path, limits: Limits, what: str) -> Run:
    """Run `command` in `cwd`; whatever happens, no process of it is left, even where this one is killed.

    Args:    what: the name of this step in messages, such as "coqc Theorem.v".
    Raises:  ToolMissing: no such program. TimeLimit: out of time or out of memory. Stopped: ended by another signal, or the
             disk is full.
    """
    if shutil.which(command[0]) is None:
        raise ToolMissing(f"{what}: {command[0]} is not on the PATH; on Debian 12 as root: {doctor.install_command('coq')}")
    limited = ["sh", "-c", 'ulimit -v "$0" 2>/dev/null; exec "$@"', str(limits.memory_mb * 1024), *command]
    start = time.monotonic()
    with _scratch() as out, _scratch() as err, process_group() as group:
        process = subprocess.Popen(
            limited, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=err, process_group=group, env=_environment()
        )
        try:
            while True:
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    break
                if time.monotonic() - start > limits.seconds:
                    raise TimeLimit(f"{what} ran past its limit of {limits.seconds:g} s and was stopped; raise --time-limit")
                time.sleep(POLL_S)
            process.returncode = os.waitstatus_to_exitcode(status)
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                process.wait()
        seconds = time.monotonic() - start
        done = Run(_read(out), _read(err), process.returncode, seconds, usage.ru_maxrss / 1024)
    if problem := _ended_badly(done, limits, what):
        raise problem
    return done


def _ended_badly(done: Run, limits: Limits, what: str) -> CompactProofsError | None:
    """Tell an end that says nothing about the file from a refusal: no memory, no disk, a signal."""
    if done.exit_code == 0:
        return None
    printed = f"\n{done.stderr.strip()}".rstrip()
    if OUT_OF_MEMORY.search(done.stderr):
        return TimeLimit(f"{what} ran out of memory (limit {limits.memory_mb} MB); raise --memory-limit{printed}")
    if DISK_FULL.search(done.stderr) or done.exit_code == -signal.SIGXFSZ:
        return Stopped(f"{what} could not write its files: the disk is full or `ulimit -f` is too low; make room{printed}")
    if done.exit_code == -signal.SIGKILL:
        return TimeLimit(
            f"{what} was killed; where nobody did, the machine ran out of memory: close other programs, or lower --jobs{printed}"
        )
    if done.exit_code < 0:
        name = signal.Signals(-done.exit_code).name
        return Stopped(f"{what} was ended by {name}; run it again; if {name} comes back, raise `ulimit -s` or report it{printed}")
    if MAKE_SAW_A_SIGNAL.search(done.stderr):
        return TimeLimit(f"{what}: a run of coqc was killed or crashed, perhaps out of memory; run it again{printed}")
    return None


def coqc(root: Path, source: Path, limits: Limits) -> Run:
    """Compile one file (`source` relative to `root`) from its .v.

    Raises: NotProved: Coq refused it, the message being Coq's own. ToolMissing, TimeLimit: see `run`.
    """
    remove_compiled(root / source)
    try:
        done = run(["coqc", "-q", *load_path(root), str(source)], root, limits, f"coqc {source.name}")
        if done.exit_code != 0:
            raise NotProved(f"coqc {source} failed; this disproves nothing:\n{(done.stderr + done.stdout).strip()}")
    except BaseException:
        remove_compiled(root / source)
        raise
    return done


def coqchk(root: Path, modules: Iterable[str], limits: Limits, full: bool = False) -> Run:
    """Check compiled modules (logical names) by Coq's independent checker, what they import being admitted.

    VM casts are checked by the VM again, so the .vo files must come from this very job. With `full`, imports are checked
    too and casts by lazy reduction, which takes very much longer.

    Raises: NotProved: coqchk refused one. ToolMissing, TimeLimit: see `run`.
    """
    modules = list(modules)
    names = modules if full else [word for module in modules for word in ("-norec", module)]
    engine = ["-bytecode-compiler", "no" if full else "yes"]
    command = ["coqchk", "-silent", *engine, *load_path(root), *names]
    done = run(command, root, limits, "coqchk")
    if done.exit_code != 0:
        raise NotProved(f"coqchk refused one of {', '.join(modules)}:\n{(done.stderr + done.stdout).strip()}")
    return done


def assumptions(printed: str) -> list[str]:
    """Return the sorted names in the output of one or more `Print Assumptions`.

    Raises: NotProved: a line that is neither an axiom with its type nor "Closed under the global context", such as "f is
    assumed to be guarded".
    """
    names: set[str] = set()
    answered = False
    for line in printed.splitlines():
        if line == "Closed under the global context" or line == "Axioms:":
            answered = True
        elif line.startswith(" ") or not line:
            continue  # the type of an axiom, folded
        else:
            name, _, _ = line.partition(" :")
            if not answered or not AXIOM.fullmatch(name):
                raise NotProved(f"Print Assumptions: got the line {line!r}; wanted axioms and primitives only")
            names.add(name)
    if not answered:
        raise NotProved(f"Print Assumptions printed no answer: {printed.strip()!r}")
    return sorted(names)


def allowed_assumptions() -> dict[str, str]:
    """Return the names that a theorem may rest on, with what each says, from `allowed_assumptions.txt`."""
    text = (importlib.resources.files("compact_proofs.proofs") / "allowed_assumptions.txt").read_text(encoding="utf-8")
    lines = (line.partition("#") for line in text.splitlines())
    return {name.strip(): meaning.strip() for name, _, meaning in lines if name.strip()}


def check_assumptions(names: Iterable[str]) -> None:
    """Compare assumptions with the allow-list.

    Raises: NotProved: naming those that are not on it.
    """
    if unlisted := sorted(set(names) - set(allowed_assumptions())):
        raise NotProved(
            f"the theorem rests on {', '.join(unlisted)}, which proofs/allowed_assumptions.txt does not list; "
            "the proof is refused"
        )


def load_path(root: Path) -> list[str]:
    """Return the -Q flags of `root`/_CoqProject."""
    return (root / "_CoqProject").read_text(encoding="utf-8").split()


def remove_compiled(source: Path) -> None:
    """Remove everything that coqc makes of one .v."""
    for suffix in (".vo", ".vio", ".vok", ".vos", ".glob"):
        source.with_suffix(suffix).unlink(missing_ok=True)
    source.with_name(f".{source.stem}.aux").unlink(missing_ok=True)


def theory_root(out: Path) -> Path:
    """Return the folder of the theory: the checkout's coq/, or else a copy of the installed theory in `out`/coq."""
    shipped = Path(str(importlib.resources.files("compact_proofs.coq").joinpath("_CoqProject"))).parent
    if (shipped.parent / "pyproject.toml").is_file() and os.access(shipped, os.W_OK):
        return shipped
    copy = out.resolve() / "coq"
    wanted = {path.relative_to(shipped) for path in [shipped / "_CoqProject", *shipped.glob("theories/**/*.v")]}
    for path in sorted(wanted):
        data = (shipped / path).read_bytes()
        if not (copy / path).is_file() or (copy / path).read_bytes() != data:  # equal files keep their time: no rebuild
            write_atomic(copy / path, data)
    for path in copy.glob("theories/**/*.v"):
        if path.relative_to(copy) not in wanted:
            path.unlink(missing_ok=True)  # another run may do the same
    return copy


def theory_sources(root: Path) -> list[Path]:
    """Return the theory's .v files relative to `root`, sorted.

    Raises: InputRefused: there are none.
    """
    found = sorted(path.relative_to(root) for path in root.glob("theories/**/*.v"))
    if not found:
        raise InputRefused(f"no theory: {root / 'theories'} holds no .v file; restore the checkout or install again")
    return found


def theory_modules(root: Path) -> list[str]:
    """Return the logical names of the theory's modules."""
    return [".".join(["CompactProofs", *path.with_suffix("").parts[1:]]) for path in theory_sources(root)]


def build_theory(root: Path, jobs: int, limits: Limits, say: Say, clean: bool = False) -> Run:
    """Build the theory by make, `jobs` files at a time; what an earlier build made of the present .v files stays, unless `clean`.

    Raises: NotProved: a file does not compile. ToolMissing, TimeLimit, Stopped: see `run`; make as a whole may take THEORY_RUNS
    times as long as one run of Coq.
    """
    sources = [str(path) for path in theory_sources(root)]
    (root / "generated").mkdir(exist_ok=True)  # coq warns about a -Q folder that is missing
    start = time.monotonic()
    with locked(root / ".lock", say):
        known = built.Built() if clean else built.Built.load(root)
        present, found = built.source_hashes(root), built.compiled_hashes(root)
        if known == built.Built(present, found, finished=True):
            return Run("", "", 0, time.monotonic() - start, 0.0)
        kept = known.trusted(present, found)
        for name in found.keys() - kept.keys():
            remove_compiled((root / name).with_suffix(".v"))
        if missing := len(sources) - len(kept):
            say(f"compiling {missing} of the theory's {len(sources)} files; all of them take some minutes, once")
        remove_unfinished(root)
        (root / ".CoqMakefile.d").unlink(missing_ok=True)  # the dependencies, which a killed run may have truncated
        finished = False
        try:
            made = run(["coq_makefile", "-f", "_CoqProject", "-o", "CoqMakefile", *sources], root, limits, "coq_makefile")
            if made.exit_code == 0:
                whole = replace(limits, seconds=THEORY_RUNS * limits.seconds)
                made = run(["make", "-f", "CoqMakefile", f"-j{jobs}"], root, whole, "building the theory")
            finished = made.exit_code == 0
        finally:
            now = built.compiled_hashes(root)
            good = {name: digest for name, digest in now.items() if kept.get(name) == digest or built.completed(root, name)}
            built.Built(present, now if finished else good, finished).save(root)
    if made.exit_code != 0:
        raise NotProved(f"the theory in {root} does not compile:\n{(made.stdout + made.stderr).strip()}")
    return made


@contextlib.contextmanager
def locked(path: Path, say: Say) -> Iterator[None]:
    """Hold a lock file while the block runs; when another run holds it, say so and wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another run holds {path}; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        _HELD.append(file.fileno())
        try:
            yield
        finally:
            _HELD.remove(file.fileno())


@contextlib.contextmanager
def process_group() -> Iterator[int]:
    """Give the id of a new process group; all that is in it is killed at the end of the block, or when this process dies."""
    reading, writing = os.pipe()
    try:
        quiet = subprocess.DEVNULL
        watch = subprocess.Popen(WATCH, stdin=reading, stdout=quiet, stderr=quiet, process_group=0, pass_fds=_HELD)
        try:
            yield watch.pid
        finally:
            os.killpg(watch.pid, signal.SIGKILL)
            watch.wait()
    finally:
        os.close(reading)
        os.close(writing)


def _scratch() -> IO[bytes]:
    """A file for the output of a program; in memory where the system can, so that a full disk does not shorten it unseen."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("output"), "w+b")
    return tempfile.TemporaryFile()


def _environment() -> dict[str, str]:
    """The environment without the settings of an outer make and of a user's Coq; messages in English."""
    dropped = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "COQPATH", "COQLIB", "COQEXTRAFLAGS")
    return {name: value for name, value in os.environ.items() if name not in dropped} | {"LC_ALL": "C"}


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", errors="replace")
