"""`compare`: what is asked for is read, run once by Snakemake, resumed, and told apart where it fails."""

import dataclasses
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from compact_proofs.extract.quantise import quantise
from compact_proofs.models.config import ModelConfig
from compact_proofs.models.weights import Weights, load_model, save_model
from compact_proofs.proofs import cli
from compact_proofs.proofs.compare.main import Request, prepare
from compact_proofs.proofs.registry import Tuning, silent, strategy
from compact_proofs.proofs.table import read_table

TRIO = ["compare", "max_of_2_tiny", "modular_relu_tiny", "--name", "trio", "--jobs", "2", "--strategies"]
CHOSEN = ["quadratic", "subcubic:near=1,bands=0,1,2,3", "relu_homogeneity:weight_bits=6"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def trio_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trio")
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert cli.main([*TRIO, *CHOSEN]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def trio(trio_once, folder):
    """A working folder with a finished comparison."""
    shutil.copytree(trio_once / "build", folder / "build")
    return folder / "build" / "compare" / "trio"


def results(folder: Path) -> dict[Path, int]:
    """Every result under build/compare with the time when it was written."""
    return {path: path.stat().st_mtime_ns for path in (folder / "build/compare/.results").glob("*/*.json")}


def test_rows_are_what_the_mirrors_say(trio):
    rows = {(row.model, row.strategy): row for row in read_table(trio)}
    assert read_table(trio / "table.jsonl") == read_table(trio / "table.csv")
    assert set(rows) == {
        ("max_of_2_tiny", "quadratic"),
        ("max_of_2_tiny", "subcubic"),
        ("modular_relu_tiny", "relu_homogeneity"),
    }
    found = strategy("subcubic").find(quantise(*load_model("max_of_2_tiny")), Tuning(bands=(0, 1, 2, 3), near=1), silent)
    row = rows["max_of_2_tiny", "subcubic"]
    assert (row.bound, row.operations, row.statement, row.status) == (found.proved, found.operations, "at_least", "predicted")
    assert row.parameters == "--bands 0,1,2,3 --near 1" and row.certificate_bytes > 100
    assert row.truth_low == row.truth_high == 63 and row.inputs == 64
    assert rows["modular_relu_tiny", "relu_homogeneity"].weight_bits == 6
    assert rows["max_of_2_tiny", "quadratic"].seed == 5


def test_nothing_is_computed_twice(trio, folder, capsys):
    before = results(folder)
    log = trio / "logs" / "snakemake.log"
    times = [path.stat().st_mtime_ns for path in (log, trio / "table.csv", trio / "table.jsonl")]
    assert cli.main([*TRIO, *CHOSEN]) == 0
    assert "nothing to compute: all 5 results are there" in capsys.readouterr().err
    assert results(folder) == before
    assert [path.stat().st_mtime_ns for path in (log, trio / "table.csv", trio / "table.jsonl")] == times


def test_only_what_is_new_or_lost_is_computed(trio, folder, capsys):
    before = results(folder)
    lost = next(path for path in before if path.parent.name == "max_of_2_tiny")
    lost.write_text(lost.read_text().replace("0", "1", 1))  # no result any more
    assert cli.main([*TRIO, *CHOSEN[:2], "brute_force", "--json"]) == 0
    printed = capsys.readouterr()
    assert ": the table here was of another comparison; 1 of its rows go. --name keeps tables apart\n" in printed.err
    value = json.loads(printed.out)
    after = results(folder)
    assert {path for path in before if after[path] != before[path]} == {lost}
    assert len(after) == len(before) + 2 + 1  # brute force on both; the true count of the other at 8 bits
    rows = read_table(trio)
    assert [row["strategy"] for row in value["rows"]].count("brute_force") == 2
    assert {(row.model, row.strategy) for row in rows} == {
        ("max_of_2_tiny", "quadratic"),
        ("max_of_2_tiny", "subcubic"),
        ("max_of_2_tiny", "brute_force"),
        ("modular_relu_tiny", "brute_force"),
    }
    assert value["groups"][0]["status"] == {"predicted": 1}


def mini(folder: Path) -> str:
    """Save a tiny model with a recipe in build/models, as trained at seed 9, and return its name."""
    from compact_proofs.models.train import train

    build = folder / "build"
    train(ModelConfig("mini", "max_of_k", 2, 4, 4, 4), [9], "cpu", 3, build / "models", checkpoints=build / "train")
    return "mini"


def test_missing_seeds_are_trained_and_changed_weights_count_as_new(folder, capsys):
    pytest.importorskip("torch")
    command = ["compare", mini(folder), "--strategies", "quadratic", "--jobs", "2", "--seeds"]
    assert cli.main([*command, "0-1", "--dry-run"]) == 0
    assert "train 2 networks with the recipe of mini: mini_seed0, mini_seed1" in capsys.readouterr().out
    assert not (folder / "build" / "compare").exists()
    assert cli.main([*command, "0-1"]) == 0
    rows = read_table(folder / "build/compare/mini_seeds0-1_quadratic")
    assert [(row.model, row.seed, row.status) for row in rows] == [("mini_seed0", 0, "predicted"), ("mini_seed1", 1, "predicted")]
    before = results(folder)

    config, weights = load_model(folder / "build/models/mini_seed1.json")
    save_model(config, Weights(**(weights.matrices() | {"W_U": -weights.W_U})), folder / "build/models")
    capsys.readouterr()
    assert cli.main([*command, "0-1"]) == 0
    assert "to compute: 2 of 4 results (bounds, true counts) on 1 network\n" in capsys.readouterr().err
    after = results(folder)
    assert {path.parent.name for path in set(after) - set(before)} == {"mini_seed1"}
    assert all(after[path] == before[path] for path in before)

    other = dataclasses.replace(config, name="mini_seed0", training=dataclasses.replace(config.training, seed=0, steps=4))
    save_model(other, weights, folder / "build/models")
    assert cli.main([*command, "0-1"]) == 2
    assert "mini_seed0.json: this is another network than its model at that seed" in capsys.readouterr().err


def test_an_interrupted_run_goes_on(folder):
    command = [sys.executable, "-m", "compact_proofs.proofs", "compare", "max_of_k", "--name", "cut"]
    command += ["--strategies", "subcubic", "quadratic", "cubic"]
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a job in the background ignores it
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, preexec_fn=heard)
    deadline = time.monotonic() + 60
    while not results(folder):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert "interrupted" in process.communicate(timeout=60)[1] and process.returncode == 130
    assert not (folder / "build/compare/cut/table.csv").exists()
    before = results(folder)
    time.sleep(0.3)
    assert results(folder) == before  # nothing of it is left running
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    after = results(folder)
    assert 0 < len(before) < len(after) and all(after[path] == before[path] for path in before)
    assert len(read_table(folder / "build/compare/cut")) == 3


def test_what_fails_becomes_a_row_and_the_others_finish(folder, capsys):
    """A search out of time, a choice that the network refuses, and a job that crashes: a folder stands where its result goes."""
    command = ["compare", "max_of_5", "modular_relu_tiny", "--name", "f", "--jobs", "2", "--time-limit", "3", "--strategies"]
    chosen = ["exact", "quadratic:bands=0", "brute_force"]
    plan = prepare(Request(["max_of_5", "modular_relu_tiny"], strategies=chosen))
    crash = plan.result(plan.networks[1], plan.networks[1].searches[0].key)
    crash.mkdir(parents=True)
    assert cli.main([*command, *chosen]) == 1
    rows = {(row.model, row.strategy): row for row in read_table(folder / "build/compare/f")}
    assert {key: row.status for key, row in rows.items()} == {
        ("max_of_5", "brute_force"): "not run",
        ("max_of_5", "exact"): "refused",
        ("max_of_5", "quadratic"): "refused",
        ("modular_relu_tiny", "brute_force"): "refused",
    }
    assert "ran past its limit of 3 s" in rows["max_of_5", "exact"].reason
    assert "bands" in rows["max_of_5", "quadratic"].reason
    assert rows["max_of_5", "brute_force"].operations > 1e12
    reason = rows["modular_relu_tiny", "brute_force"].reason
    assert "the job did not finish, see build/compare/f/logs/search-modular_relu_tiny.log: IsADirectoryError" in reason
    assert "refused: modular_relu_tiny, brute_force" in capsys.readouterr().err
    crash.rmdir()
    assert cli.main([*command, *chosen]) == 1
    # what stands is not tried again
    assert "to compute: 1 of 5 results (bounds, true counts) on 1 network\n" in capsys.readouterr().err
    assert {row.status for row in read_table(folder / "build/compare/f") if row.n_ctx == 2} == {"predicted"}
    plan = prepare(Request(["max_of_5"], strategies=["exact"], limit_s=4))
    assert "exact" in [one.choice.strategy for one in plan.open_searches(plan.networks[0])]  # with more time it is


@pytest.mark.coq
def test_coq_proves_the_first_network_only(folder, capsys, _theory_built):
    command = ["compare", "max_of_2_tiny", "--strategies", "wrong_count", "--proved", "1", "--name", "p"]
    assert cli.main(command) == 0
    (row,) = read_table(folder / "build/compare/p")
    assert row.status == "proved" and row.bound == 63 and row.check_s > 0
    assert (folder / "build/max_of_2_tiny/wrong_count/report.json").is_file()
    capsys.readouterr()
    assert cli.main(command) == 0
    assert "nothing to compute" in capsys.readouterr().err
