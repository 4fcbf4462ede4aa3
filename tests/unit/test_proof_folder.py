"""Proofs as folders: written and read back, and what is refused before any Coq text is written."""

import json
import os

import pytest

from compact_proofs.extract.coq_text import weights_v
from compact_proofs.extract.families import quantise_network
from compact_proofs.extract.layouts import LAYOUTS
from compact_proofs.models.errors import InputRefused, UsageError
from compact_proofs.models.tasks import n_inputs
from compact_proofs.models.weights import load_model
from compact_proofs.proofs.claim import Claim
from compact_proofs.proofs.export import proof_of
from compact_proofs.proofs.forms import FORMS
from compact_proofs.proofs.proof_folder import FILES, MOST_BYTES, ProofFolder
from compact_proofs.proofs.registry import DEFAULT, GROUPS, WITH_DISTRIBUTION, silent, strategies

PROVED = {
    "max_of_2_tiny": ["cubic", "subcubic_low_rank", "wrong_count", "exact", "brute_force"],
    "modular_quadratic_tiny": ["second_moment", "brute_force"],
    "modular_relu_11_purified": ["relu_homogeneity_l1", "relu_homogeneity", "quadrature", "low_rank_unembedding"],
    "modular_pizza_tiny": ["low_rank_unembedding"],
}


def exported(model, name):
    config, weights = load_model(model)
    quantised = quantise_network(config, weights)
    chosen = strategies(LAYOUTS[quantised.layout].group)[name]
    found = chosen.find(quantised, DEFAULT, silent)
    return quantised, found, proof_of(Claim.of(found, chosen, quantised, DEFAULT, 0.0), chosen, quantised)


@pytest.mark.parametrize(("model", "name"), [(model, name) for model, names in PROVED.items() for name in names])
def test_what_is_written_is_read(model, name, tmp_path):
    quantised, found, proof = exported(model, name)
    proof.write(tmp_path)
    again = ProofFolder.read(tmp_path)
    assert again == proof
    assert (again.proved, again.statement, again.n_inputs) == (found.proved, found.statement, n_inputs(load_model(model)[0]))
    assert again.sha256 == quantised.sha256
    assert again.weights_text() == weights_v(quantised)
    before = {file: (tmp_path / file).read_bytes() for file in FILES}
    again.write(tmp_path)
    assert before == {file: (tmp_path / file).read_bytes() for file in FILES}


@pytest.mark.parametrize("group", GROUPS)
def test_forms_are_those_of_the_registry(group):
    of_distributions = set(WITH_DISTRIBUTION) if group == "max_of_k" else set()
    assert {form.strategy for form in FORMS.values() if form.group == group} == set(strategies(group)) | of_distributions
    for one in strategies(group).values():
        assert one.form is FORMS[group, one.name]


@pytest.mark.parametrize(("model", "name"), [(model, name) for model, names in PROVED.items() for name in names])
def test_fields_are_those_of_the_form(model, name):
    _, _, proof = exported(model, name)
    assert {field.name: field.coq_type for field in proof.fields} == proof.form.fields
    assert [field.name for field in proof.fields] == list(proof.form.fields)


@pytest.fixture
def folder(tmp_path):
    exported("max_of_2_tiny", "brute_force")[2].write(tmp_path)
    return tmp_path


def changed(folder, file, change):
    value = json.loads((folder / file).read_text())
    change(value)
    (folder / file).write_text(json.dumps(value))


def refused(folder):
    with pytest.raises(InputRefused) as caught:
        ProofFolder.read(folder).weights_text()
    return str(caught.value)


DEEP = "[" * 100_000
CHANGES = [
    ("config.json", lambda v: v.update(name="a b"), "name: got 'a b', wanted a letter"),
    ("config.json", lambda v: v.update(name="../x"), "name: got '../x'"),
    ("config.json", lambda v: v.update(name="x" * 101), "name: got 101 characters, wanted at most 100"),
    ("config.json", lambda v: v.update(name="x\nAxiom a : False."), "name: got"),
    ("config.json", lambda v: v.update(name=["x"]), "name: got"),
    ("config.json", lambda v: v.update(layout="other"), "layout: got 'other', wanted one of: max_of_k"),
    ("config.json", lambda v: v.update(layout={}), "layout: got {}"),
    ("config.json", lambda v: v.update(schema=2), "schema: got 2, wanted 1"),
    ("config.json", lambda v: v.update(schema=True), "schema: got True"),
    ("config.json", lambda v: v.pop("schema"), "schema: got nothing"),
    ("config.json", lambda v: v.update(more=1), "'more': got an unknown key"),
    ("config.json", lambda v: v.update(weight_bits=-1), "weight_bits: got -1, wanted an integer from 1 to 62"),
    ("config.json", lambda v: v["sizes"].update(n_ctx=0), "sizes.n_ctx: got 0, wanted an integer from 1 to 4000"),
    ("config.json", lambda v: v["sizes"].update(n_ctx=-2), "sizes.n_ctx: got -2"),
    ("config.json", lambda v: v["sizes"].update(n_ctx=True), "sizes.n_ctx: got True"),
    ("config.json", lambda v: v["sizes"].update(n_ctx="2"), "sizes.n_ctx: got '2'"),
    ("config.json", lambda v: v["sizes"].update(n_ctx=4000, d_vocab=4000), "sizes: got 10^4000 inputs or more"),
    ("config.json", lambda v: v["sizes"].pop("n_ctx"), "sizes: got no n_ctx"),
    ("config.json", lambda v: v["sizes"].update(p=3), "sizes: got the unknown key 'p'"),
    ("config.json", lambda v: v.update(sizes=[]), "sizes: got [], wanted an object"),
    ("weights.json", lambda v: v["matrices"].pop("W_E"), "matrices: got no W_E"),
    ("weights.json", lambda v: v["matrices"].update(X={}), "matrices: got the unknown key 'X'"),
    ("weights.json", lambda v: v["matrices"]["W_E"].pop("ints"), "matrices.W_E: got no ints"),
    ("weights.json", lambda v: v["matrices"]["W_E"].update(scale_bits=1001), "scale_bits: got 1001"),
    ("weights.json", lambda v: v["matrices"]["W_E"].update(scale_bits=-1), "scale_bits: got -1"),
    ("weights.json", lambda v: v["matrices"]["W_E"].update(ints=5), "field W_E: got int 5; wanted a list"),
    ("weights.json", lambda v: v["matrices"]["W_E"]["ints"][0].pop(), "rows of 7 and of 8 entries"),
    ("weights.json", lambda v: v["matrices"]["W_E"]["ints"][0].__setitem__(0, None), "field W_E[0][0]: got NoneType"),
    ("weights.json", lambda v: v["matrices"]["W_E"]["ints"][0].__setitem__(0, True), "field W_E[0][0]: got bool"),
    ("weights.json", lambda v: v["matrices"]["W_E"]["ints"][0].__setitem__(0, 2**62), "wanted |value| < 2^62"),
    ("weights.json", lambda v: v["matrices"]["W_E"]["ints"][0].__setitem__(0, 10**30), "a number of 31 characters"),
    ("weights.json", lambda v: v["matrices"]["W_E"]["ints"][0].__setitem__(0, 1.5), "the number 1.5 is no integer"),
    ("weights.json", lambda v: v["matrices"]["W_E"]["ints"][0].__setitem__(0, float("nan")), "the number NaN is no integer"),
    ("weights.json", lambda v: v["matrices"]["W_E"]["ints"].extend([[0] * 8] * 4000), "wanted at most 4000"),
    ("certificate.json", lambda v: v.update(strategy="second_moment"), "strategy: got 'second_moment', wanted one of: cubic"),
    ("certificate.json", lambda v: v.update(strategy="cubic"), "fields: got no"),
    ("certificate.json", lambda v: v["fields"].update(gap_shift=-1), "field gap_shift: got -1; wanted 0 <= value < 2^62"),
    ("certificate.json", lambda v: v["fields"].update(gap_shift=[1]), "field gap_shift"),
    ("certificate.json", lambda v: v["fields"].update(right_claims=3), "field right_claims"),
    ("certificate.json", lambda v: v["fields"].update(right_claims=[[3]]), "field right_claims"),
    ("certificate.json", lambda v: v["fields"].update({"x := 0. Axiom a": 1}), "the unknown key"),
    ("claim.json", lambda v: v.update(statement="at_most"), "statement: got 'at_most', wanted one of: at_least, exactly"),
    ("claim.json", lambda v: v.update(proved=63), "proved: got 63, wanted a count"),
    ("claim.json", lambda v: v.update(proved="063"), "proved: got '063'"),
    ("claim.json", lambda v: v.update(proved="-1"), "proved: got '-1'"),
    ("claim.json", lambda v: v.update(proved="٣"), "proved: got '\\u0663'"),
    ("claim.json", lambda v: v.update(proved="65"), "proved: got 65, wanted at most 64"),
    ("claim.json", lambda v: v.update(of="128"), "of: got 128, wanted 64, the number of all inputs"),
    ("claim.json", lambda v: v.update(of="9" * 5000), "of: got '9999"),
]


@pytest.mark.parametrize(("file", "change", "message"), CHANGES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_changed_folder_is_refused(folder, file, change, message):
    changed(folder, file, change)
    said = refused(folder)
    assert said.startswith(f"{folder / file}: ")
    assert message in said


TEXTS = {
    "not JSON": ("x", "wanted JSON"),
    "empty": ("", "wanted JSON"),
    "a list": ("[]", "got a list, wanted a JSON object"),
    "deep": (DEEP, "nested too deeply"),
    "a key twice": ('{"schema": 1, "schema": 1}', "the key 'schema' is given twice"),
    "infinite": ('{"schema": Infinity}', "the number Infinity is no integer"),
    "not ASCII": ('{"schéma": 1}', "is no ASCII"),
    "many digits": ('{"schema": ' + "1" * 10_000 + "}", "a number of 10000 characters"),
    "negative zero": ('{"schema": -0.0}', "the number -0.0 is no integer"),
}


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("what", TEXTS)
def test_a_file_that_is_no_object_of_ours_is_refused(folder, file, what):
    text, message = TEXTS[what]
    (folder / file).write_text(text, encoding="utf-8")
    said = refused(folder)
    assert said.startswith(f"{folder / file}: ") and message in said


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_is_no_plain_file_is_refused(folder, file):
    path = folder / file
    path.rename(folder / "elsewhere")
    assert "cannot be opened" in refused(folder)
    path.symlink_to(folder / "elsewhere")
    assert "cannot be opened" in refused(folder)
    path.unlink()
    os.mkfifo(path)
    assert "no plain file" in refused(folder)
    path.unlink()
    path.mkdir()
    assert "no plain file" in refused(folder)


def test_a_huge_file_is_refused_unread(folder):
    with (folder / "weights.json").open("r+b") as file:
        file.truncate(100 * MOST_BYTES)
    assert f"over {MOST_BYTES} bytes" in refused(folder)


def test_a_missing_folder_is_an_error_of_usage(tmp_path):
    with pytest.raises(UsageError, match="no such folder; wanted one with config.json"):
        ProofFolder.read(tmp_path / "none")


def test_other_files_are_not_looked_at(folder):
    (folder / "Theorem.v").write_text("Axiom a : False.")
    (folder / "Weights.vo").write_bytes(b"\0")
    assert ProofFolder.read(folder).proved == 63
