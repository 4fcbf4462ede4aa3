"""`compact-proofs import` on the command line: what it prints and writes, and that nothing is left of what fails."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from compact_proofs.models.importing.layouts import example, example_names
from compact_proofs.models.weights import load_config, load_model
from compact_proofs.proofs import cli

ROOT = Path(__file__).parents[3]


@pytest.fixture
def zoo_state(importing):
    """A trained network of the zoo as a state dict of TransformerLens; the config is set to its sizes."""
    _, weights = load_model("max_of_2")
    importing.sized(weights.matrices())
    return importing.transformer_lens({name: matrix.copy() for name, matrix in weights.matrices().items()})


@pytest.fixture
def run(importing, monkeypatch, capsys):
    """`run(state, *options, code=0)`: import from the folder of the files; return stdout, or stderr where it fails."""
    monkeypatch.chdir(importing.folder)

    def command(state, *options, code=0, **changes):
        file, config = importing.write(state, **changes)
        assert cli.main(["import", str(file), "--config", str(config), *options]) == code
        out, err = capsys.readouterr()
        assert (err if code == 0 else out) == ""
        return out if code == 0 else err

    return command


def test_from_file_to_model(run, zoo_state, capsys):
    out = run(zoo_state, "--name", "mine")
    for line in (
        "Imported mine: max_of_k, n_ctx=2 d_vocab=64 d_model=32 d_head=32",
        "layout transformer_lens",
        "a buffer, no weight: blocks.0.attn.mask, blocks.0.attn.IGNORE",
        "a bias of zeros: blocks.0.attn.b_Q",
        "of 4,096 inputs right",
        "quantised to 8 bits",
        "of 4,096 inputs answered differently",
        "on 4,096 inputs; largest logit",
        "written: build/models/mine.json\nnext: compact-proofs prove mine\n",
    ):
        assert line in out
    config, weights = load_model("mine")
    zoo_config, zoo_weights = load_model("max_of_2")
    assert config.training is None and config.shapes() == zoo_config.shapes()
    for name, matrix in zoo_weights.matrices().items():
        np.testing.assert_array_equal(weights.matrices()[name], matrix)
    card = Path("build/models/mine.md").read_text()
    zoo_card = (ROOT / "models" / "zoo" / "max_of_2.md").read_text()
    for line in zoo_card.splitlines():
        if line.startswith(("| task", "| sizes", "| float network", "| quantised", "| sha256", "| float and")):
            assert line in card.splitlines()
    assert "| imported from | model.safetensors, layout transformer_lens, sha256 " in card
    assert cli.main(["list"]) == 0
    assert "  mine                        max_of_k: K=2 d_vocab=64" in capsys.readouterr().out


def test_json_and_another_folder(run, zoo_state):
    value = json.loads(run(zoo_state, "--name", "mine", "--json", "--out", "there"))
    assert value["next"] == "compact-proofs prove there/models/mine.json" and load_config("there/models/mine.json").name == "mine"
    assert value["float_network"]["total"] == value["disagreement"]["total"] == value["logit_change"]["total"] == 4096
    assert value["skipped"]["unembed.b_U"] == "a bias of zeros"
    assert (value["layout"], value["name"], value["notes"], value["warnings"]) == ("transformer_lens", "mine", [], [])


def test_a_name_from_the_file(run, zoo_state):
    run(zoo_state)
    assert load_model("model")[0].name == "model"


def test_names(run, zoo_state, importing):
    assert "name 'max_of_k' is that of a shipped model; choose another by --name" in run(zoo_state, "--name", "max_of_k", code=2)
    assert "name 'max_of_k' is that of a shipped" in run(zoo_state, "--name", "max_of_k", "--force", "--out", "there", code=2)
    for name in ("my-model", "2nd", "match", "é", "a" * 101, "a/b"):
        assert f"name {name!r}: wanted a letter, then letters, digits or _" in run(zoo_state, "--name", name, code=2)
    file, config = importing.write(zoo_state)
    file = file.rename(file.with_name("my-model.safetensors"))
    assert cli.main(["import", str(file), "--config", str(config)]) == 2
    assert not Path("build").exists()


def test_a_name_that_is_taken(run, zoo_state):
    run(zoo_state, "--name", "mine")
    before = Path("build/models/mine.safetensors").read_bytes()
    message = run(zoo_state, "--name", "mine", code=2)
    assert "build/models/mine.json: there is a model of this name; choose another by --name, or replace it by --force" in message
    report = Path("build/mine/cubic/report.json")
    report.parent.mkdir(parents=True)
    report.write_text("{}")
    zoo_state["embed.W_E"][0, 0] += 1
    out = run(zoo_state, "--name", "mine", "--force")
    assert Path("build/models/mine.safetensors").read_bytes() != before
    assert not report.exists() and f"removed: {report}, about the network that had this name before" in out


def test_a_report_about_the_same_weights_stays(run, zoo_state):
    import hashlib

    run(zoo_state, "--name", "mine")
    report = Path("build/mine/cubic/report.json")
    report.parent.mkdir(parents=True)
    digest = hashlib.sha256(Path("build/models/mine.safetensors").read_bytes()).hexdigest()
    report.write_text(json.dumps({"weights_sha256": digest}))
    assert "removed" not in run(zoo_state, "--name", "mine", "--force")
    assert report.exists()


def test_what_fails_leaves_nothing(run, zoo_state):
    assert "theory covers one layer" in run(zoo_state, code=3, n_layers=2)
    zoo_state["embed.W_E"][3, 4] = np.nan
    assert "model.safetensors: tensor embed.W_E: entry [3, 4] is nan" in run(zoo_state, code=3)
    zoo_state["embed.W_E"][3, 4] = 1e30
    assert "tensor W_E: largest entry is 1e+30, wanted below 2^62; rescale the weights" in run(zoo_state, code=3)
    assert not Path("build").exists()


def test_a_folder_that_cannot_be_written(run, zoo_state, capsys):
    Path("taken").write_text("")
    with pytest.raises(SystemExit, match="2"):
        run(zoo_state, "--out", "taken/below")
    assert "argument --out: taken: Not a directory; a file stands where" in capsys.readouterr().err.replace(f"{Path.cwd()}/", "")


def test_a_network_that_is_wrong_is_sampled(run, importing):
    """The inputs that a bad network gets wrong would take minutes to run one by one."""
    matrices = importing.random_matrices(0, 4, 64, 8, 8)
    importing.sized(matrices)
    out = run(importing.transformer_lens(matrices), "--name", "bad")
    assert (
        "of 100,000 sampled inputs right" in out and "of 2,000 sampled inputs are right: is this a network for this task?" in out
    )


def test_usage(capsys):
    for arguments in ([], ["model.pt"], ["--config", "x.json"]):
        assert cli.main(["import", *arguments]) == 2
        assert (
            "wanted FILE and --config JSON; `compact-proofs import --example-config transformer_lens`" in capsys.readouterr().err
        )


@pytest.mark.parametrize("name", example_names())
def test_example_config(capsys, name):
    assert cli.main(["import", "--example-config", name]) == 0
    assert json.loads(capsys.readouterr().out) == example(name) | {"probe": None}


def test_make_import_says_what_is_missing():
    done = subprocess.run(["make", "import"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0 and "wanted FILE and --config JSON" in done.stderr


def test_a_modular_network(run, importing):
    config, weights = load_model("modular_relu_tiny")
    importing.config = example("plain:modular_relu") | {"modulus": 7, "d_model": 8, "d_mlp": 16}
    out = run(weights.matrices(), "--name", "mine")
    assert "Imported mine: modular_relu, modulus=7 d_model=8 d_mlp=16" in out and " of 49 inputs right" in out
    assert load_model("mine")[0].shapes() == config.shapes()
    assert "| task | (a + b) mod 7, 49 pairs |" in Path("build/models/mine.md").read_text()
