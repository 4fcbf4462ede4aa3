"""How the repository is laid out: imports go one way, torch is needed in few places, and the wheel holds what it should."""

import ast
import fnmatch
import importlib
import pkgutil
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("models", "extract", "proofs")  # each may import itself and those before it
TORCH_MODULES = {f"models/{name}.py" for name in ("network", "train", "modular/network", "modular/train", "load_pt")}
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def imported(path):
    """Every module that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    folder = path.relative_to(ROOT).parts[0]
    later = FOLDERS[FOLDERS.index(folder) + 1 :]
    names = imported(path)
    assert not [name for name in names for other in later if f"{name}.".startswith(f"compact_proofs.{other}.")]
    assert not [name for name in names if name.split(".")[0] in (*FOLDERS, "coq", "tests")]
    if str(path.relative_to(ROOT)) not in TORCH_MODULES:
        assert not [name for name in names if name.split(".")[0] == "torch"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_holds(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{path} has no docstring"


def test_bare_names_are_not_importable():
    """`import models` would make a second copy of every class."""
    for name in (*FOLDERS, "coq"):
        assert name not in sys.modules
        assert importlib.util.find_spec(name) is None


def test_all_but_training_works_without_torch():
    program = """
import importlib, pkgutil, sys
sys.modules["torch"] = None
for folder in ("models", "extract", "proofs"):
    package = importlib.import_module(f"compact_proofs.{folder}")
    for module in pkgutil.walk_packages(package.__path__, f"compact_proofs.{folder}."):
        if module.name.split(".")[-1] not in ("network", "train", "load_pt", "__main__"):
            importlib.import_module(module.name)
            print(module.name)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT / "tests")
    assert done.returncode == 0, done.stderr
    assert {"compact_proofs.models.weights", "compact_proofs.proofs.cli"} <= set(done.stdout.split())


def test_every_module_is_importable():
    pytest.importorskip("torch")
    files = {".".join(("compact_proofs", *path.relative_to(ROOT).with_suffix("").parts)) for path in MODULES}
    found = {f"compact_proofs.{folder}" for folder in FOLDERS}
    for folder in FOLDERS:
        package = importlib.import_module(f"compact_proofs.{folder}")
        found |= {module.name for module in pkgutil.walk_packages(package.__path__, f"compact_proofs.{folder}.")}
    assert found == {name.removesuffix(".__init__") for name in files}


def test_make_and_coq_agree_with_the_documents():
    assert (ROOT / "coq" / "_CoqProject").read_text() == "-Q theories CompactProofs\n-Q generated CompactProofs.Generated\n"
    help_text = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    makefile = (ROOT / "Makefile").read_text()
    phony = makefile.partition(".PHONY:")[2].replace("\\\n", " ").partition("\n")[0].split()
    for target in phony:
        assert f"\n{target}:" in makefile
        if target not in ("python", "coq"):  # parts of setup
            assert f"\n  {target} " in "\n" + help_text, target


def test_dependencies_are_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {
        line.split("==")[0].lower()
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    }
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    for requirement in wanted:
        assert requirement.split(">")[0].split("=")[0].lower() in pinned


@pytest.mark.slow
def test_wheel_holds_theory_and_zoo_and_nothing_built(tmp_path):
    source = tmp_path / "source"
    skipped = shutil.ignore_patterns(".venv", ".git", "build", "*.egg-info", ".types", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(ROOT, source, ignore=skipped)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "compact_proofs/models/zoo/max_of_2_tiny.safetensors",
        "compact_proofs/models/py.typed",
        "compact_proofs/proofs/allowed_assumptions.txt",
        "compact_proofs/proofs/strategies/cubic.py",
        "compact_proofs/coq/_CoqProject",
        "compact_proofs/coq/theories/Facade.v",
    ):
        assert wanted in names
    theory = {str(path.relative_to(ROOT)) for path in ROOT.glob("coq/theories/**/*.v")}
    assert {name.removeprefix("compact_proofs/") for name in names if name.endswith(".v")} == theory
    for pattern in ("*.vo", "*.glob", "*.aux", "*/generated/*", "*/tests/*", "models/*", "proofs/*", "extract/*"):
        assert not fnmatch.filter(names, pattern)
