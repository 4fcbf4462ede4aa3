"""`compare` without its workflow: what is asked for is read or refused, jobs write results, results become rows."""

import dataclasses
import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from compact_proofs.extract.quantise import quantise
from compact_proofs.models.errors import NotProved, Stopped, TimeLimit, UsageError
from compact_proofs.models.weights import Weights, load_model, save_model
from compact_proofs.proofs import cli, pipeline
from compact_proofs.proofs.compare import jobs
from compact_proofs.proofs.compare.choices import Choice, read_choice
from compact_proofs.proofs.compare.collect import collect
from compact_proofs.proofs.compare.main import Request, prepare
from compact_proofs.proofs.compare.plan import Plan
from compact_proofs.proofs.compare.records import Result, Truth
from compact_proofs.proofs.compare.summary import groups
from compact_proofs.proofs.registry import DEFAULT, Tuning


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("cubic", Choice("cubic")),
        ("cubic:weight_bits=9", Choice("cubic", DEFAULT, 9)),
        ("subcubic:near=1,bands=0,0,1,rank=2", Choice("subcubic", Tuning(bands=(0, 0, 1), rank=2, near=1))),
    ],
)
def test_a_choice_is_read(text, choice):
    assert read_choice(text) == choice
    assert Choice.from_json(json.loads(json.dumps(choice.to_json()))) == choice


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        (["--strategies", "cubical"], "unknown strategy 'cubical'; valid: cubic, subcubic"),
        (["--strategies", "second_moment"], "strategy second_moment proves nothing of a max_of_k network; valid: cubic"),
        (["--strategies", "cubic:rank=1"], "strategy 'cubic:rank=1': rank: strategy cubic has no rank"),
        (["--strategies", "z3:near=1"], "strategy 'z3:near=1': near: strategy z3 has no near"),
        (["--strategies", "quadratic:rank=2"], "strategy 'quadratic:rank=2': rank: got 2, strategy quadratic takes at most 1"),
        (["--strategies", "cubic:near=99"], "strategy 'cubic:near=99': near: got 99, wanted an integer from 0 to 16"),
        (["--strategies", "cubic:near=x"], "strategy 'cubic:near=x': near: got 'x', wanted an integer"),
        (["--strategies", "cubic:far=1"], "strategy 'cubic:far=1': unknown parameter 'far'; valid: resolution, bands"),
        (["--strategies", "cubic:near"], "strategy 'cubic:near': got 'near', wanted NAME:key=value"),
        (["--strategies", "cubic:"], "strategy 'cubic:': got '', wanted NAME:key=value"),
        (["--strategies", "cubic:near=1,near=2"], "near is there twice"),
        (["--strategies", "subcubic:bands=1,2"], "wanted 0 first"),
        (["--strategies", "cubic:weight_bits=3"], "weight_bits is 3; wanted an integer in 4..12"),
        (["--strategies", "cubic", "cubic"], "strategy 'cubic' is there twice"),
        (["--strategies", "cubic", "cubic:weight_bits=8"], "strategy cubic  with 8 bits is there twice"),
        (["--weight-bits", "13"], "weight_bits is 13; wanted an integer in 4..12"),
        (["--seeds", "3-1"], "wanted at least one seed"),
        (["--seeds", "0-9999999"], "wanted at most 10,000 seeds"),
        (["--seeds", "a"], "wanted seeds such as"),
        (["--proved", "some"], "wanted a number of networks, none or all"),
        (["--name", "../up"], "name: got '../up', wanted at most 80 letters"),
        (["--name", ".results"], "name: got '.results'"),
        (["--profile", "nowhere"], "profile nowhere: wanted a folder with the config.yaml"),
        (["max_of_2_tiny"], "a network called max_of_2_tiny is there twice"),
        (["nobody"], "unknown MODEL 'nobody'; valid: max_of_10"),
        (["modular_relu_tiny", "--strategies", "cubic"], "none of the strategies proves anything of modular_relu_tiny"),
        (["modular_relu_11_purified", "--seeds", "0"], "modular_relu_11_purified has no recipe for other seeds: it was purified"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(folder, capsys, options, wrong):
    try:
        code = cli.main(["compare", "max_of_2_tiny", *options])
    except SystemExit as refused:  # argparse
        code = refused.code
    error = capsys.readouterr().err
    assert code == 2 and wrong in error and "Traceback" not in error
    assert list(folder.iterdir()) == []


def test_a_tool_that_is_missing_is_named(folder, capsys, monkeypatch):
    assert cli.main(["compare", "max_of_2_tiny", "--executor", "slurmy"]) == 4
    assert "pip install snakemake-executor-plugin-slurmy" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "compact_proofs.models.train", None)
    assert cli.main(["compare", "max_of_2_tiny", "--seeds", "0,1"]) == 4
    assert "2 networks are to be trained (max_of_2_tiny_seed0, ..), which needs torch" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_to(folder, capsys):
    (folder / "taken").write_text("")
    with pytest.raises(SystemExit, match="2"):
        cli.main(["compare", "max_of_2_tiny", "--out", "taken"])
    assert "a file stands where a folder is wanted" in capsys.readouterr().err


def test_a_model_with_another_recipe_is_not_trained(folder, capsys):
    config, weights = load_model("max_of_2_tiny")
    odd = dataclasses.replace(config, name="odd", training=dataclasses.replace(config.training, batch_size=7))
    save_model(odd, weights, folder)
    assert cli.main(["compare", "./odd.json", "--seeds", "0"]) == 2
    assert "odd_seed0 is to be trained, but `compact-proofs train` does not follow the recipe" in capsys.readouterr().err
    save_model(dataclasses.replace(odd, training=None), weights, folder)
    assert cli.main(["compare", "./odd.json", "--seeds", "0"]) == 2
    assert "its config says nothing of its training" in capsys.readouterr().err


def planned(model, chosen, **values) -> tuple[Plan, dict[str, Path]]:
    """A plan for one model and the files of its results, by strategy."""
    plan = prepare(Request([model], strategies=chosen, **values))
    (network,) = plan.networks
    return plan, {one.choice.strategy: plan.result(network, one.key) for one in network.searches}


def test_where_nobody_can_enumerate_the_bounds_enclose_the_truth(folder):
    plan, files = planned("max_of_10", ["cubic", "quadratic", "brute_force"])
    assert list(files) == ["cubic", "quadratic", "brute_force", "wrong_count"]  # wrong_count for the upper end
    for name, bound in (("cubic", 64**10 - 99), ("quadratic", 64**10 - 9999), ("wrong_count", 64**10 - 5)):
        Result(bound, "at_most" if name == "wrong_count" else "at_least", 1, 1, 0.5).save(files[name])
    rows = {row.strategy: row for row in collect(plan)}
    assert list(rows) == ["cubic", "quadratic", "brute_force"]
    assert {(row.truth_low, row.truth_high) for row in rows.values()} == {(64**10 - 99, 64**10 - 5)}
    assert rows["brute_force"].status == "not run" and not rows["cubic"].enumerated
    (group, *_) = groups(list(rows.values()))
    assert group.ratios == [(64**10 - 99) / (64**10 - 5)] and group.mean_of("operations") == pytest.approx(1)


def test_a_bound_that_contradicts_the_truth_is_no_bound(folder):
    plan, files = planned("max_of_2_tiny", ["cubic", "wrong_count", "exact"])
    network = plan.networks[0]
    Truth(60, 61).save(plan.result(network, network.truths[8]))
    for name, bound, statement in (("cubic", 62, "at_least"), ("wrong_count", 59, "at_most"), ("exact", 61, "exactly")):
        Result(bound, statement, 1, 1, 0.5).save(files[name])
    rows = {row.strategy: row for row in collect(plan)}
    assert [rows[name].status for name in ("cubic", "wrong_count", "exact")] == ["refused", "refused", "predicted"]
    assert "at least 62 contradicts the true count, 60 to 61" in rows["cubic"].reason


def test_a_search_whose_mirror_disagrees_is_refused(toy):
    quantised = quantise(*load_model("max_of_2_tiny"))
    honest, liar = toy(60), dataclasses.replace(toy(60), mirror=lambda model, certificate: 59)
    assert jobs._search(quantised, honest, DEFAULT, 5).bound == 60
    result = jobs._search(quantised, liar, DEFAULT, 5)
    assert result.bound is None and "the search claims 60 inputs, its mirror of the checker accepts 59" in result.reason


def test_errors_that_may_pass_are_tried_again(toy):
    quantised = quantise(*load_model("max_of_2_tiny"))

    def failing(error):
        def find(model, tuning, progress):
            raise error

        return jobs._search(quantised, dataclasses.replace(toy(60), find=find), DEFAULT, 5)

    assert not failing(MemoryError()).stands(5) and failing(MemoryError()).reason == "out of memory"
    assert not failing(Stopped("disk full")).stands(5) and not failing(RuntimeError("a bug")).stands(5)
    assert failing(UsageError("bands")).stands(99)
    assert failing(TimeLimit("late")).stands(5) and not failing(TimeLimit("late")).stands(6)


def test_the_time_of_a_search_is_limited(toy):
    def find(model, tuning, progress):
        while True:
            time.sleep(0.01)

    result = jobs._search(quantise(*load_model("max_of_2_tiny")), dataclasses.replace(toy(60), find=find), DEFAULT, 1)
    assert "ran past its limit of 1 s" in result.reason and result.limit_s == 1


def test_what_coq_says_makes_the_row(folder, monkeypatch):
    """The job `check` on predictions that are there: one accepted, one refused, one of 0 not asked about; the default last."""
    monkeypatch.setattr("compact_proofs.proofs.coqrun.require_coq", lambda: "8.16.1")
    plan, _ = planned("max_of_2_tiny", ["cubic", "cubic:near=1", "quadratic", "wrong_count"], proved=1)
    network = plan.networks[0]
    Truth(63, 63).save(plan.result(network, network.truths[8]))
    for one in network.searches:
        bound = {"quadratic": 0, "wrong_count": 63}.get(one.choice.strategy, 60)
        Result(bound, "at_most" if bound == 63 else "at_least", 7, 8, 0.5).save(plan.result(network, one.key))
    asked = []

    def prove(name, chosen, options, say):
        asked.append(f"{chosen.name} {options.tuning.text()}".rstrip())
        if chosen.name == "wrong_count":
            raise NotProved("Coq did not accept\nverdict: Refused")
        return SimpleNamespace(
            proved_correct=60, statement="at_least", checker_operations=7, certificate_bytes=9, seconds={"coqc": 1.5}
        )

    monkeypatch.setattr(pipeline, "prove", prove)
    assert not jobs.check(plan, network)
    assert asked[0] == "cubic --near 1" and set(asked[1:]) == {"cubic", "wrong_count"}
    rows = {(row.strategy, row.parameters): row for row in collect(plan)}
    assert rows["cubic", ""].status == "proved" and rows["cubic", ""].check_s == 1.5 and rows["cubic", ""].certificate_bytes == 9
    assert rows["quadratic", ""].status == "predicted" and rows["quadratic", ""].bound == 0
    assert rows["wrong_count", ""].status == "refused"
    assert rows["wrong_count", ""].reason == "predicted 63, but Coq has not accepted it: Coq did not accept verdict: Refused"
    asked.clear()
    assert not jobs.check(plan, network) and asked == ["wrong_count"]


def test_a_network_that_changes_meanwhile_is_not_mixed_up(folder, capsys):
    config, weights = load_model("max_of_2_tiny")
    save_model(dataclasses.replace(config, name="mine"), weights, folder)
    plan = prepare(Request(["./mine.json"], strategies=["cubic"]))
    plan.save()
    assert Plan.load(plan.path) == plan
    save_model(dataclasses.replace(config, name="mine"), Weights(**(weights.matrices() | {"W_E": -weights.W_E})), folder)
    assert jobs.main(["search", str(plan.path), "mine"]) == 1
    assert "the network has changed since the comparison began" in capsys.readouterr().err
    plan.path.write_text("{}")
    assert jobs.main(["search", str(plan.path), "mine"]) == 3
    assert "not the plan of a comparison" in capsys.readouterr().err
