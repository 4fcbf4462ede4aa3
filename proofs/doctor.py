"""What a machine needs to prove: `rows` says what is found and wanted, `install` adds what may be added (root, apt-get).

Standard library only and no import of this package, so that `python3 proofs/doctor.py` runs before anything is installed.
Coq 8.16.1 exactly is wanted: the theory is written for it and its known kernel bugs are fenced off (docs/trust.md).
Exit code 4 when something needed is missing, as `models.errors.ToolMissing`.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

EXIT_TOOL_MISSING = 4
PYTHON_WANTED = (3, 11)
COQ_WANTED = "8.16.1"
APT = "apt-get update && apt-get install -y --no-install-recommends"
PACKAGES = {"coq": "coq libcoq-interval", "venv": "python3-venv", "browser": "chromium chromium-driver fonts-dejavu-core"}
BASE = ("numpy", "z3-solver", "safetensors", "jaxtyping", "rich", "sympy", "mpmath", "shtab")
EXTRAS = {
    "torch": "train",
    "matplotlib": "plot",
    "jinja2": "plot",
    "snakemake": "sweep",
    "coq-jupyter": "notebook",
    "nbclient": "notebook",
    "mkdocs": "docs",
    "pytest": "dev",
    "selenium": "dev",
    "hypothesis": "dev",
    "ruff": "dev",
    "mypy": "dev",
}


@dataclass(frozen=True)
class Row:
    """One line of the table; `advice` is empty when all is well, and only a `needed` row makes the machine unfit."""

    tool: str
    needed: bool
    found: str
    wanted: str
    advice: str


def install_command(what: str) -> str:
    """Return the command that installs `what` ("coq", "venv" or "browser") on Debian 12."""
    return f"{APT} {PACKAGES[what]}"


def coq_version(coqc: str = "coqc") -> str | None:
    """Return the version of coqc, None where there is none."""
    output = _output(coqc, "--print-version")
    return output.split()[0] if output else None


def coq_problem(version: str | None) -> str:
    """Say what is wrong with this version of Coq and what to do; empty when nothing is."""
    if version == COQ_WANTED:
        return ""
    advice = f"install Coq {COQ_WANTED}, on Debian 12 as root: {install_command('coq')}"
    if version is None:
        return f"coqc is not on the PATH; {advice}"
    if version == "8.16.0":
        return f"Coq 8.16.0 is refused: its kernel proves False by primitive arrays (Coq issue 16829); {advice}"
    return f"coqc is Coq {version}, wanted {COQ_WANTED}, which the theory is written for; {advice}"


def interval_problem() -> str:
    """Say what is wrong with the library coq-interval; empty when nothing is."""
    library = Path(_output("coqc", "-where") or "/nowhere") / "user-contrib" / "Interval"
    if (library / "Tactic.vo").is_file():
        return ""
    return f"the library coq-interval is missing; on Debian 12 as root: {install_command('coq')}"


def machine_problem() -> str:
    """Say what is wrong with Coq, its checker or its libraries; empty when nothing is."""
    if problem := coq_problem(coq_version()):
        return problem
    for tool in ("coqchk", "coq_makefile", "make"):
        if shutil.which(tool) is None:
            package = "make" if tool == "make" else PACKAGES["coq"]
            return f"{tool} is not on the PATH; on Debian 12 as root: {APT} {package}"
    return interval_problem()


def browser_problem() -> str:
    """Say what is wrong with the browser that tests pages; empty when nothing is."""
    missing = [tool for tool in ("chromium", "chromedriver") if shutil.which(tool) is None]
    return f"{missing[0]} is not on the PATH; on Debian 12 as root: {install_command('browser')}" if missing else ""


def rows() -> list[Row]:
    """Return the table: Python, make, Coq and its libraries, then the Python packages."""
    python = ".".join(map(str, sys.version_info[:3]))
    too_old = sys.version_info[:2] < PYTHON_WANTED
    table = [Row("python", True, python, ">= 3.11", f"as root: {APT} python3 python3-venv" if too_old else "")]
    for tool, package in (("make", "make"), ("coqchk", PACKAGES["coq"])):
        there = shutil.which(tool) is not None
        table.append(Row(tool, True, "yes" if there else "-", "any", "" if there else f"as root: {APT} {package}"))
    version = coq_version()
    table.append(Row("coqc", True, version or "-", COQ_WANTED, coq_problem(version)))
    problem = interval_problem()
    debian = _output("dpkg-query", "-W", "-f", "${Version}", "libcoq-interval")
    table.append(Row("coq-interval", True, "-" if problem else debian or "yes", "any", problem))
    problem = browser_problem()
    table.append(Row("chromium", False, "-" if problem else "yes", "tests of pages", problem))
    for package in (*BASE, *EXTRAS):
        advice = "make setup" if package in BASE else f"pip install -c constraints.txt -e '.[{EXTRAS[package]}]'"
        try:
            found, advice = importlib.metadata.version(package), ""
        except importlib.metadata.PackageNotFoundError:
            found = "-"
        table.append(Row(package, package in BASE, found, f"extra {EXTRAS[package]}" if package in EXTRAS else "any", advice))
    return table


def install(what: str) -> int:
    """Install "coq", "venv" or "browser" by apt-get where it is missing and we are root, else say how; return an exit code."""
    problem = {"coq": machine_problem, "venv": _venv_problem, "browser": browser_problem}[what]
    if not (message := problem()):
        return 0
    refused = what == "coq" and coq_version() not in (None, COQ_WANTED)  # never replace somebody's Coq
    if not refused and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"{message}\nrunning: {install_command(what)}", file=sys.stderr, flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run(install_command(what), shell=True, env=environment, stdout=sys.stderr, check=False)
        message = problem() if done.returncode == 0 else f"apt-get failed (exit code {done.returncode}); {message}"
    if message:
        print(f"doctor: {message}", file=sys.stderr)
    return EXIT_TOOL_MISSING if message else 0


def main(arguments: list[str]) -> int:
    """Print the table, or with `install coq|venv|browser` install; return 4 when something needed is missing."""
    if arguments[:1] == ["install"] and len(arguments) == 2 and arguments[1] in PACKAGES:
        return install(arguments[1])
    if arguments:
        print("usage: doctor.py [install coq|venv|browser]", file=sys.stderr)
        return 2
    table = rows()
    lines = [("tool", "found", "wanted", "status")]
    for row in table:
        status = "ok" if not row.advice else ("MISSING: " if row.needed else "optional: ") + row.advice
        lines.append((row.tool, row.found, row.wanted, status))
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    for line in lines:
        print("  ".join([*(f"{line[column]:{widths[column]}}" for column in range(3)), line[3]]))
    missing = [row.tool for row in table if row.needed and row.advice]
    print(f"missing: {', '.join(missing)}" if missing else "nothing needed is missing")
    return EXIT_TOOL_MISSING if missing else 0


def _venv_problem() -> str:
    """Say whether `python3 -m venv` would fail, Debian having split ensurepip off, or Python is too old."""
    if sys.version_info[:2] < PYTHON_WANTED:
        return f"{sys.executable} is Python {sys.version.split()[0]}, wanted 3.11 or newer; give one by make PYTHON=..."
    found = subprocess.run([sys.executable, "-c", "import venv, ensurepip"], capture_output=True, check=False)
    return f"python3 -m venv does not work; on Debian as root: {install_command('venv')}" if found.returncode else ""


def _output(*command: str) -> str:
    """Return what the command prints, stripped; empty when it is missing or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
