"""The worked example of docs/adding_a_strategy.md: installed as the page says, it proves a theorem in Coq."""

import dataclasses
import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

from compact_proofs.extract.families import quantise_network
from compact_proofs.models.errors import NotProved
from compact_proofs.models.weights import load_model
from compact_proofs.proofs import forms
from compact_proofs.proofs.pipeline import Options, prove
from compact_proofs.proofs.strategies.modular import methods

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "example_strategy"
MODEL = "modular_relu_tiny"


@pytest.fixture(scope="module")
def example():
    """The Python half of the example."""
    spec = importlib.util.spec_from_file_location("chosen_tokens", EXAMPLE / "chosen_tokens.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["chosen_tokens"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["chosen_tokens"]


@pytest.fixture(scope="module")
def theory(tmp_path_factory):
    """A copy of the theory with the Coq half in it, exported by the facade."""
    root = tmp_path_factory.mktemp("example") / "coq"
    shutil.copytree(ROOT / "coq", root, ignore=shutil.ignore_patterns("generated", ".lock"))
    shutil.copy(EXAMPLE / "ChosenTokens.v", root / "theories" / "Modular")
    facade = root / "theories" / "ModularFacade.v"
    last = "From CompactProofs Require Export Modular.Strategies Modular.StrategiesSound.\n"
    assert last in facade.read_text()
    facade.write_text(facade.read_text().replace(last, last + "From CompactProofs Require Export Modular.ChosenTokens.\n"))
    return root


@pytest.fixture
def strategy(example, monkeypatch):
    """The registry's entry."""
    monkeypatch.setitem(forms.FORMS, ("modular", "chosen_tokens"), example.FORM)
    return methods._strategy(
        "chosen_tokens", "half of the first tokens", example, methods._untuned(example.find_on)
    )


@pytest.mark.coq
def test_the_example_proves_a_theorem(theory, strategy, tmp_path):
    report = prove(MODEL, strategy, Options(tmp_path, root=theory, estimate=False))
    quantised = quantise_network(*load_model(MODEL))
    found = strategy.find(quantised, methods.Tuning(), lambda *how_far: None)
    assert report.theorem.startswith("Theorem accuracy : (")
    assert report.proved_correct == found.proved == sum(found.certificate.chosen) * 7  # every pair of the tiny network is right
    assert 0 < report.proved_correct < report.true_correct
    one_more = dataclasses.replace(found, proved=found.proved + 1)
    careless = dataclasses.replace(strategy, find=lambda *asked: one_more, mirror=lambda *asked: one_more.proved)
    with pytest.raises(NotProved, match="add up to"):
        prove(MODEL, careless, Options(tmp_path / "careless", root=theory, estimate=False))
    shorter = dataclasses.replace(found, certificate=type(found.certificate)(found.certificate.chosen[1:]))
    careless = dataclasses.replace(strategy, find=lambda *asked: shorter, mirror=lambda *asked: shorter.proved)
    with pytest.raises(NotProved, match="entries, one per last token, wanted"):
        prove(MODEL, careless, Options(tmp_path / "shorter", root=theory, estimate=False))
    predicted = strategy.verdict(found.proved, quantised, shorter.certificate, "at_least")
    assert predicted == "Refused (Wrong_number_of_queries 6 7)"
