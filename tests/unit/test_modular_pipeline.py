"""A claim is about one architecture and one task: neither the hash of a network nor a stored claim mixes them up."""

import dataclasses

import pytest

from compact_proofs.extract.coq_text import weights_v
from compact_proofs.extract.families import quantise_network
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.models.errors import InputRefused
from compact_proofs.models.weights import load_model
from compact_proofs.proofs import coqrun, pipeline
from compact_proofs.proofs.claim import Claim
from compact_proofs.proofs.registry import DEFAULT, silent, strategy_for
from compact_proofs.proofs.verify import Place, write_generated

MODEL = "modular_quadratic_tiny"


@pytest.fixture
def quantised() -> QuantisedModular:
    return quantise_network(*load_model(MODEL))


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "coq", tmp_path / "build", MODEL, "brute_force")


def relabelled(claim):
    """The claim for a network with ReLU in place of the square: its matrices have the same names and shapes."""
    return dataclasses.replace(claim, layout="modular_folded_tied")


def test_the_hash_tells_architectures_and_tasks_apart(quantised):
    others = [dataclasses.replace(quantised, family="modular_folded"), dataclasses.replace(quantised, coefficient=-1)]
    assert len({network.sha256 for network in (quantised, *others)}) == 3


def test_a_stored_claim_of_another_layout_is_searched_again(quantised, place):
    chosen = strategy_for("modular_quadratic", "brute_force")
    claim, reused = pipeline._search(quantised, chosen, place, DEFAULT, silent)
    assert not reused and claim.layout == "modular_quadratic_tied"
    assert pipeline._search(quantised, chosen, place, DEFAULT, silent) == (claim, True)
    relabelled(claim).save(place.certificate)
    assert pipeline._search(quantised, chosen, place, DEFAULT, silent)[0].layout == "modular_quadratic_tied"


def test_check_refuses_a_claim_of_another_layout(quantised, place, monkeypatch):
    monkeypatch.setattr(coqrun, "require_coq", lambda: "8.16.1")
    monkeypatch.setattr(coqrun, "build_theory", lambda *arguments: None)
    chosen = strategy_for("modular_quadratic", "brute_force")
    claim, _ = pipeline._search(quantised, chosen, place, DEFAULT, silent)
    relabelled(claim).save(place.certificate)
    loaded = Claim.load(place.certificate)
    write_generated(place, loaded.form(chosen), weights_v(quantised), loaded.fields, loaded.proved)
    place.report.write_text("{}")
    options = pipeline.Options(out=place.out, root=place.root)
    with pytest.raises(InputRefused, match="is about a network of layout modular_folded_tied"):
        pipeline.check(MODEL, chosen, options)
    assert not place.report.exists()
