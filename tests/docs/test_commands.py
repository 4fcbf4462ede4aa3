"""Every command that README and documentation show is run, in the order of its page, in a folder with nothing built for it.

A command that takes long is run shortened, as `SHORTENED` says and why; DOCS_COMMANDS=all runs each as it is shown.
"""

import os
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from compact_proofs.proofs import cli

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "notebooks" / "README.md"])
SHOWN = re.compile(r"^(?:\s*)((?:make|compact-proofs|\.venv/bin/\S+) [^#\n]*)", re.M)
MENTIONED = re.compile(r"`((?:make|compact-proofs) [^`\n]*)`")
OWN = ("coq", "models", "extract", "proofs", "notebooks", "Makefile", "pyproject.toml", "constraints.txt", "README.md", ".venv")
SHORTENED = {
    "make test": ("make -n test", "this is one of its tests"),
    "make prove MODEL=max_of_k": ("make -n prove MODEL=max_of_k", ".ci/run does it by itself"),
    "make prove MODEL=modular_addition": ("make -n prove MODEL=modular_addition", ".ci/run does it by itself"),
    "make audit MODEL=max_of_k": ("make -n audit MODEL=max_of_k", "minutes; tests/unit/test_pipeline.py audits"),
    "make check MODEL=max_of_k": ("make check MODEL=max_of_2_tiny", "half a minute"),
    "make check PROOF=proofs/shipped/max_of_k/cubic": (
        "make -n check PROOF=proofs/shipped/max_of_k/cubic",
        "tests/acceptance/test_strangers_proof.py does it",
    ),
    "make export": ("make export MODEL=max_of_2_tiny", "minutes: every shipped proof"),
    "make prove MODEL=max_of_k BUDGET=3e7": ("make -n prove MODEL=max_of_k BUDGET=3e7", "a minute; tests/unit/test_budget.py"),
    "make check PROOF=FOLDER": ("make -n check PROOF=FOLDER", "FOLDER stands for one"),
    "make fuzz": ("make fuzz NETWORKS=40 IN_COQ=1", "an hour"),
    "make mutants": ("make -n mutants", "hours; tests/attack/test_mutants.py runs some"),
    "make purify MODEL=modular_relu_113": ("make purify MODEL=modular_relu_11", "a minute"),
    "make import FILE=mine.pt CONFIG=mine.json NAME=mine": ("make -n import FILE=mine.pt", "mine.pt stands for the reader's"),
    "make notebooks": ("make -n notebooks", "a minute; tests/notebooks runs them"),
    "make prove K=10 D_VOCAB=128": ("make -n prove K=10 D_VOCAB=128", "a minute; the size only chooses MODEL"),
    "make prove MODEL=max_of_2 STRATEGY=brute_force": (
        "make -n prove MODEL=max_of_2 STRATEGY=brute_force",
        "tests/acceptance/test_prove.py proves it",
    ),
    "compact-proofs counterexample max_of_k --count 5": ("compact-proofs counterexample max_of_2 --count 5", "seconds more"),
    "make train MODEL=mine SEED=7 K=4 D_VOCAB=64": ("make train MODEL=mine SEED=7 K=2 D_VOCAB=8 STEPS=50", "a minute"),
    "make train MODEL=mine_too FAMILY=modular_relu MODULUS=59": (
        "make train MODEL=mine_too FAMILY=modular_relu MODULUS=7 STEPS=50",
        "minutes",
    ),
    "make bench": ("make -n bench", "minutes; it measures"),
    "make frontier": ("make -n frontier", "an hour"),
    "make prove MODEL=max_of_10 STRATEGY=subcubic RESOLUTION=128 NEAR=2 BANDS=0,0,0,1,2,3,4,5": (
        "make prove MODEL=max_of_3_tiny STRATEGY=subcubic RESOLUTION=128 NEAR=2 BANDS=0,0,0,1,2,3,4,5",
        "half a minute",
    ),
    "make prove MODEL=modular_quadratic": (
        "make -n prove MODEL=modular_quadratic",
        "half a minute; tests/acceptance/test_prove.py proves a smaller one",
    ),
    "make prove MODEL=modular_addition_purified STRATEGY=quadrature WEIGHT_BITS=12": (
        "make prove MODEL=modular_relu_11_purified STRATEGY=quadrature WEIGHT_BITS=12",
        "half a minute",
    ),
    "make compare MODELS=max_of_k SEEDS=0-15": ("make compare MODELS=max_of_2_tiny SEEDS=0-1", "minutes"),
    'make compare MODELS=max_of_k SEEDS=0-3 STRATEGIES="cubic subcubic:near=1 quadratic" PROVED=1 NAME=mine': (
        'make compare MODELS=max_of_2_tiny SEEDS=0-1 STRATEGIES="cubic subcubic:near=1 quadratic" NAME=mine',
        "minutes; tests/unit/test_compare.py has some proved",
    ),
    "make compare MODELS=max_of_k SEEDS=0-255 JOBS=64 EXECUTOR=slurm": (
        "make -n compare MODELS=max_of_k SEEDS=0-255 JOBS=64 EXECUTOR=slurm",
        "there is no cluster",
    ),
}


def blocks(text):
    """The fenced and the indented blocks of a page, joined."""
    fenced = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.M | re.S)
    indented = re.findall(r"^(?: {4,}\S.*\n?)+", text, re.M)
    return "\n".join(fenced + indented)


def shown(page):
    """The commands that a page shows on lines of their own."""
    return [command.strip() for command in SHOWN.findall(blocks(page.read_text()))]


def words(command):
    """The command without what is before its name."""
    parts = shlex.split(command)
    return [parts[0].rpartition("/")[2], *parts[1:]]


TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
SETTINGS = set(re.findall(r"^([A-Z_]+) =", (ROOT / "Makefile").read_text(), re.M))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_exists(page, capsys):
    """Those in running text too: targets and settings of make, options of `compact-proofs`."""
    text = page.read_text()
    for command in shown(page) + MENTIONED.findall(text):
        name, *rest = words(command)
        if name == "make":
            assert [one for one in rest if "=" not in one and one != "-n"] and {
                one for one in rest if "=" not in one and one != "-n"
            } <= TARGETS, command
            assert {one.partition("=")[0] for one in rest if "=" in one} <= SETTINGS, command
        elif name == "compact-proofs" and rest[0] not in ("COMMAND", "--help", "--print-completion"):
            assert rest[0] in cli.COMMANDS, command
            known = {option for action in cli.command_parsers()[rest[0]]._actions for option in action.option_strings}
            assert {one.partition("=")[0] for one in rest if one.startswith("--")} <= known, command


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The repository, but with a build/ and a docs/ of its own."""
    place = tmp_path_factory.mktemp("reader")
    for name in OWN:
        (place / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "docs", place / "docs")
    yield place
    for found in place.glob("build/*/*/certificate.json"):  # what was generated beside the theory belongs to this build/
        model, strategy = found.parts[-3:-1]
        kept = ROOT / "build" / model / strategy / "certificate.json"
        if not kept.is_file() or kept.read_bytes() != found.read_bytes():
            shutil.rmtree(ROOT / "coq" / "generated" / model / strategy, ignore_errors=True)


@pytest.fixture(scope="module")
def done_before():
    """Commands that have worked on a page before."""
    return set()


@pytest.mark.slow
@pytest.mark.coq
@pytest.mark.parametrize("page", [page for page in PAGES if shown(page)], ids=lambda page: page.name)
def test_every_command_shown_works(page, folder, done_before):
    environment = os.environ | {"PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}", "MAKEFLAGS": ""}
    for command in shown(page):
        run = command if os.environ.get("DOCS_COMMANDS") == "all" else SHORTENED.get(command, (command, ""))[0]
        if run in done_before:
            continue
        start = time.monotonic()
        done = subprocess.run(run, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{page.name}: {run}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
        done_before.add(run)
        print(f"{time.monotonic() - start:6.1f} s  {run}")


def test_nothing_is_shortened_that_no_page_shows():
    assert set(SHORTENED) <= {command for page in PAGES for command in shown(page)}
