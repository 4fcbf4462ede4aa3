"""The notebooks: kept without outputs, accepted cell by cell, and printing what they say; and what must turn that red."""

import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from compact_proofs.models.errors import InputRefused, NotProved
from compact_proofs.proofs import notebooks
from compact_proofs.proofs.cli import main
from compact_proofs.proofs.pipeline import Options

ROOT = Path(__file__).parents[2]
KEPT = sorted((ROOT / "notebooks").glob("*.ipynb"))
LIMIT_S = 150
ABSOLUTE = re.compile(r"""(?<![\w.])/(?:home|root|tmp|usr|work|Users)/""")
HOLE = re.compile(r"\b(?:Admitted|admit|Axioms?|Conjecture|Parameters?|Hypothes[ie]s|Variables?|bypass_check)\b|Unset Guard")
LINK = re.compile(r"\]\(([^)#]+)\)")

# What the text of a notebook says of an output, by the cell's id.
SAID = {
    "max_of_k": {
        "sizes": "(3, 8, 8, 8)",
        "tally-right": "[60; 60; 64; 64; 64; 64; 64; 64]",
        "tally-wrong": "[4; 4; 0; 0; 0; 0; 0; 0]",
        "case-count": "= 11",
        "accepted": "= Accepted",
        "refused": "Refused (Total_short 504 505)",
        "theorem-compute": "true = true",
        "print-assumptions": "ClassicalDedekindReals.sig_forall_dec",
        "false-start": "false = true",
        "false-end": "The command has indeed failed",
        "shipped-import": "16768850 <= correct_count",
        "shipped-share": "9995",
        "shipped-check": "Accepted",
    },
    "modular_addition": {
        "order": "(11, 1%Z)",
        "input-frequencies": "[(5, 94); (3, 99); (3, 98);",
        "phases": "[95; 99; 99;",
        "margins-now": "[2665; 1513; -391; 2384; 403; -282; -282; 403; 2384; -391; 1513]",
        "margins-watched": "[2665; 1513; 764; 2384; 1353; 687; 687; 1353; 2384; 764; 1513]",
        "theorem-compute": "true = true",
        "false-frequency": "Refused",
        "false-cosines": "Refused",
        "false-end": "The command has indeed failed",
        "raw-theorem": "115 <= correct_count",
        "shipped-import": "3481 <= correct_count",
    },
    "compare": {
        "run": "4,096",
        "means": "of the truth (worst",
        "singular": "QK: the first four directions carry 100.000 %",
        "margin": "not positive at tokens 0, 1, 2, 3, 4, 5, 6, 7\n",
        "prove": "Theorem accuracy : (63 <= correct_count network)%Z.",
        "assumptions": "Uint63.add_spec",
    },
}

# Cells that must be refused, and by what.
BROKEN = {
    "false_lemma": (["Lemma wrong : 1 = 2.\nProof. reflexivity. Qed."], "Coq refused it"),
    "later_cell_is_good": (["Check no_such_thing.", "Check 1."], "Coq refused it"),
    "syntax_error": (["Lemma : 1 = 1."], "Coq refused it"),
    "no_point_at_the_end": (["Check 1. Check 2"], "Coq refused it"),
    "only_a_comment": (["(* nothing here *)"], "Coq refused it"),
    "open_proof": (["Lemma half : 1 = 1.\nProof."], "the last cell leaves a proof open"),
}
GOOD = ["Lemma right : 1 + 1 = 2.\nProof.", "reflexivity.\nQed.", "", "Fail Check no_such_thing.", "Print Assumptions right."]


def _write(path, cells, kernel="coq", **metadata):
    book = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": kernel, "display_name": kernel}, **metadata})
    book.cells = [nbformat.v4.new_code_cell(cell, id=f"cell{number}") for number, cell in enumerate(cells)]
    path.write_bytes(notebooks.strip(book))
    return path


def _quiet(line):
    pass


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_kept_without_outputs_paths_or_holes(path):
    text = path.read_text(encoding="utf-8")
    book = notebooks.read(path)
    assert [cell.id for cell in book.cells if cell.cell_type == "code" and not cell.source.strip()] == []
    for cell in book.cells:
        assert not HOLE.search(cell.source) or cell.cell_type == "markdown", cell.id
        for link in LINK.findall(cell.source) if cell.cell_type == "markdown" else []:
            assert (path.parent / link).exists(), link
    assert not ABSOLUTE.search(text)
    assert notebooks.strip(book).decode() == text, "run `compact-proofs notebooks --strip`"


def test_every_notebook_is_known():
    assert {path.stem for path in KEPT} == set(SAID)


def test_strip_takes_outputs_out_and_is_the_same_again(tmp_path):
    path = _write(tmp_path / "a.ipynb", ["1 + 1"], "python3")
    clean = path.read_bytes()
    book = notebooks.read(path)
    book.cells[0].outputs = [nbformat.v4.new_output("stream", text="2")]
    book.cells[0].execution_count = 7
    book.cells[0].metadata["collapsed"] = True
    book.metadata["language_info"] = {"name": "python", "version": "3.11.2"}
    nbformat.write(book, path)
    assert main(["notebooks", "--strip", str(path)]) == 0
    assert path.read_bytes() == clean


@pytest.fixture(scope="module")
def executed(make_root, have_coqc_alone, tmp_path_factory):
    """The notebooks of the repository, in a folder laid out like it, after they were run; and what is wrong with them."""
    folder = tmp_path_factory.mktemp("repository")
    for path in (*KEPT, ROOT / "notebooks" / "paths.v", *(ROOT / "docs").glob("*.csv")):
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(path, copy)
    root = make_root(folder / "coq")
    options = Options(out=folder / "build", root=root, jobs=max(2, os.cpu_count() or 1), estimate=False)
    with pytest.MonkeyPatch.context() as patch:
        have_coqc_alone(patch)  # of what they import
        return {one.path.stem: one for one in notebooks.run(notebooks.all_notebooks(root), options, LIMIT_S, _quiet)}


@pytest.mark.coq
@pytest.mark.slow
@pytest.mark.parametrize("name", SAID)
def test_notebook_runs_and_prints_what_it_says(executed, name):
    assert executed[name].problems == []
    cells = {cell.id: cell for cell in notebooks.read(executed[name].path).cells}
    for cell, said in SAID[name].items():
        outputs = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cells[cell].outputs]
        assert " ".join(said.split()) in " ".join("\n".join(outputs).split()), cell


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """What is found wrong with each of `BROKEN`, and with one that is right."""
    folder = tmp_path_factory.mktemp("broken")
    paths = [_write(folder / f"{name}.ipynb", cells) for name, (cells, _) in BROKEN.items()]
    paths.append(_write(folder / "good.ipynb", GOOD))
    done = notebooks.run(paths, Options(out=folder / "build", jobs=len(paths)), LIMIT_S, _quiet)
    return {one.path.stem: one.problems for one in done}


@pytest.mark.coq
@pytest.mark.parametrize("name", BROKEN)
def test_cell_that_coq_refuses_is_found(broken, name):
    assert broken[name], "Coq refused this, and it was not found"
    assert BROKEN[name][1] in broken[name][0]


@pytest.mark.coq
def test_cells_that_coq_accepts_are_accepted(broken):
    assert broken["good"] == []


@pytest.mark.parametrize(
    ("cell", "seconds", "problem"),
    [
        ("1 / 0", 60, "ZeroDivisionError: division by zero"),
        ("import os; os._exit(1)", 60, "the kernel died in cell 1"),
        (
            "import os, pathlib; pathlib.Path('pid').write_text(f'{os.getpid()}')\nwhile True: pass",
            5,
            "ran past its limit of 5 s",
        ),
    ],
    ids=["error", "dies", "endless"],
)
def test_python_that_fails_is_found_and_ends(tmp_path, capsys, wait_for_end, cell, seconds, problem):
    path = _write(tmp_path / "a.ipynb", [cell], "python3")
    assert main(["notebooks", str(path), "--time-limit", str(seconds), "--out", str(tmp_path / "build")]) == 1
    assert f"a.ipynb, {problem}" in re.sub(r"a\.ipynb, cell 1 \(.*?\): ", "a.ipynb, ", capsys.readouterr().err)
    assert (tmp_path / "build" / "notebooks" / "a.ipynb").is_file()
    if (tmp_path / "pid").is_file():
        wait_for_end(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (None, 2, "a.ipynb does not exist"),
        ("no JSON", 3, "not a notebook"),
        ("[]", 3, "not a notebook"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code"}]}', 3, "not a notebook"),
    ],
    ids=["absent", "junk", "list", "cell without source"],
)
def test_file_that_is_no_notebook(tmp_path, capsys, text, code, message):
    path = tmp_path / "a.ipynb"
    if text is not None:
        path.write_text(text)
    assert main(["notebooks", str(path)]) == code
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("needs", [["max_of_k"], [7], "max_of_k/cubic"], ids=str)
def test_needs_that_are_no_proofs_are_refused(tmp_path, needs):
    path = _write(tmp_path / "a.ipynb", ["Check 1."], compact_proofs={"needs": needs})
    with pytest.raises(InputRefused, match='wanted \\["MODEL/STRATEGY"'):
        notebooks.needs(path, notebooks.read(path))


def test_kernel_that_is_not_known_is_refused(tmp_path, capsys):
    path = _write(tmp_path / "a.ipynb", ["1"], "no_such_kernel")
    assert main(["notebooks", str(path), "--out", str(tmp_path / "build")]) == 3
    assert "no_such_kernel" in capsys.readouterr().err


def test_no_answer_of_the_coq_kernel_is_a_problem(tmp_path):
    book = notebooks.read(_write(tmp_path / "a.ipynb", ["Check 1.", "Check 2.", "Check 3."]))
    book.cells[0].outputs = [nbformat.v4.new_output("execute_result", metadata={notebooks.ACCEPTED: True})]
    assert notebooks.problems(book) == ["cell 2 (Check 2.): the Coq kernel gave no answer (it waits 30 s) and ran no further"]


def test_cell_that_was_taken_back_is_a_problem(tmp_path):
    book = notebooks.read(_write(tmp_path / "a.ipynb", ["Check 1."]))
    taken_back = {notebooks.ACCEPTED: True, notebooks.ROLLED_BACK: True}
    book.cells[0].outputs = [nbformat.v4.new_output("execute_result", metadata=taken_back)]
    assert notebooks.problems(book) == ["cell 1 (Check 1.): Coq refused it: "]


def test_problems_become_one_message():
    bad, good = notebooks.Done(Path("a.ipynb"), 1.0, ["cell 3: no", "cell 5: no"]), notebooks.Done(Path("b.ipynb"), 1.0, [])
    with pytest.raises(NotProved, match="a.ipynb, cell 3: no\na.ipynb, cell 5: no"):
        notebooks.check([bad, good])
    notebooks.check([good])
