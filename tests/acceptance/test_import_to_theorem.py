"""From a state dict with TransformerLens's names, trained here with torch alone, to a theorem that Coq accepts."""

import json
import math
import runpy
import time
from pathlib import Path

import pytest

from compact_proofs.proofs import cli, coqrun

pytest.importorskip("torch")
pytestmark = [pytest.mark.coq, pytest.mark.slow]
EXAMPLE = Path(__file__).parents[2] / "docs" / "example_import" / "train_max.py"


@pytest.mark.parametrize("biases", [False, True])
def test_from_a_state_dict_to_a_theorem(real_options, tmp_path, monkeypatch, capsys, biases, request):
    if biases:
        request.getfixturevalue("coqc_alone")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(coqrun, "theory_root", lambda out: real_options.root)
    example = runpy.run_path(str(EXAMPLE))
    start = time.process_time()
    example["write"]("trained", biases)
    assert time.process_time() - start < 20
    name = "imported_with_biases" if biases else "imported"

    command = ["import", "trained.pt", "--config", "trained.json", "--name", name]
    assert cli.main([*command, "--fold-biases"] if biases else command) == 0
    out = capsys.readouterr().out
    assert "3 inputs, logits agree to" in out and out.endswith(f"next: compact-proofs prove {name}\n")

    assert cli.main(["prove", name]) == 0
    assert cli.main(["check", name]) == 0
    report = json.loads((tmp_path / "build" / name / "cubic" / "report.json").read_text())
    proved, true = int(report["proved_correct"]), int(report["true_correct"])
    assert 90 <= proved <= true <= int(report["n_inputs"]) == 100
    assert report["sizes"] == {"n_ctx": 2, "d_vocab": 10, "d_model": 16 + biases, "d_head": 16}
    assert f"Theorem accuracy : ({proved} <= correct_count network)%Z." in capsys.readouterr().out


def test_biases_are_refused_without_the_option(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLE))["write"]("trained", True)
    assert cli.main(["import", "trained.pt", "--config", "trained.json"]) == 3
    message = capsys.readouterr().err
    assert message.startswith("compact-proofs import: trained.pt: tensor blocks.0.attn.b_") and "--fold-biases" in message
    assert not (tmp_path / "build").exists()


def test_the_example_says_all_that_a_config_says():
    example = runpy.run_path(str(EXAMPLE))
    value = example["config"](example["Network"]())
    from compact_proofs.models.importing.layouts import example as usual

    assert list(value) == [*usual("transformer_lens"), "probe"]
    assert math.isclose(value["attn_scale"], 4)
