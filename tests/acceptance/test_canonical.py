"""A network folded in floats, brought as P, Q, L, R, U: imported, proved, handed on, all of it accepted by Coq."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import safetensors.numpy

from compact_proofs.models.modular.purify import fold_float
from compact_proofs.models.weights import load_model
from compact_proofs.proofs import pipeline
from compact_proofs.proofs.check_proof import check_folder
from compact_proofs.proofs.cli import main
from compact_proofs.proofs.coqrun import Limits
from compact_proofs.proofs.export import export_proof
from compact_proofs.proofs.registry import strategy_for

pytestmark = [pytest.mark.coq, pytest.mark.slow]


@pytest.mark.parametrize(
    ("source", "strategy", "proved"),
    [
        ("modular_pizza_tiny", "low_rank_unembedding", 43),
        ("modular_subtraction_tiny", "second_moment", 121),
    ],
)
def test_from_folded_floats_to_a_theorem(source, strategy, proved, tmp_path, real_options, capsys, request):
    if strategy == "second_moment":
        request.getfixturevalue("coqc_alone")
    config, weights = load_model(source)
    folded = {name: matrix.astype(np.float32) for name, matrix in asdict(fold_float(config, weights)).items()}
    file, description = tmp_path / "folded.safetensors", tmp_path / "folded.json"
    safetensors.numpy.save_file(folded, file)
    family = f"modular_canonical_{config.activation}"
    sizes = {"modulus": config.modulus, "operation": config.operation, "d_mlp": config.d_mlp}
    description.write_text(json.dumps({"layout": "canonical", "family": family} | sizes))
    assert main(["import", str(file), "--config", str(description), "--out", str(real_options.out)]) == 0
    assert f"{proved} of {config.n_inputs} inputs right" in capsys.readouterr().out
    model, chosen = str(real_options.out / "models" / "folded.json"), strategy_for(family, strategy)
    report = pipeline.prove(model, chosen, real_options)
    assert (report.family, report.proved_correct, report.true_correct) == (family, proved, proved)
    theorem = (real_options.root / "generated" / "folded" / strategy / "Theorem.v").read_text()
    assert f"(Canonical {config.activation.capitalize()} (Z.to_nat Weights.d_mlp)\n    (Matrix Weights.P " in theorem
    proof, found = check_folder(
        export_proof(model, chosen, real_options, tmp_path / "proofs"), real_options.root, Limits(), print
    )
    assert (proof.layout, proof.proved) == (family, proved)
    assert found.assumptions == report.assumptions
