"""Distributions: files of weights and what is refused of them, weights in evaluation, statements, proof folders and commands."""

import dataclasses
import itertools
import json
import math

import numpy as np
import pytest

from compact_proofs.extract.coq_text import TheoremForm, assumptions_v, distribution_v, theorem_v
from compact_proofs.extract.distribution import Distribution, read_distribution
from compact_proofs.extract.families import quantise_network
from compact_proofs.extract.grammar import check_data, check_theorem
from compact_proofs.extract.quantise import quantised_tables
from compact_proofs.models.errors import CertificateError, GrammarError, InputRefused, UsageError
from compact_proofs.models.evaluate import count_right, logits, weight_right
from compact_proofs.models.tasks import all_inputs, true_answer, weighted_inputs
from compact_proofs.models.weights import load_model
from compact_proofs.proofs import cli, pipeline
from compact_proofs.proofs.claim import Claim, inputs_hash
from compact_proofs.proofs.export import proof_of
from compact_proofs.proofs.proof_folder import DISTRIBUTION, FILES, ProofFolder
from compact_proofs.proofs.registry import DEFAULT, Tuning, silent, strategy, strategy_for
from compact_proofs.proofs.strategies.weighted import weighted
from compact_proofs.proofs.words import theorem_in_words

MODEL = "max_of_2_tiny"  # 2 positions, 8 tokens
ROW = [3, 1, 0, 2, 5, 0, 0, 9]
SKEWED = Distribution("skewed", (tuple(ROW), (1, 2, 3, 4, 5, 6, 7, 8)))


@pytest.fixture
def file(tmp_path):
    """`file(text, name)`: a file with this text."""

    def write(text, name="chances.json"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def quantised():
    return quantise_network(*load_model(MODEL))


# Files

GOOD = [
    json.dumps([ROW, ROW]),
    json.dumps([ROW]),
    json.dumps(ROW),
    "3 1 0 2 5 0 0 9\n\n3,1,0,2,5,0,0,9\n",
    "# counts\n3, 1, 0, 2, 5, 0, 0, 9  # of each token\n",
    "\t3 1 0 2 5 0 0 9",
]


@pytest.mark.parametrize("text", GOOD)
def test_a_file_has_a_row_for_each_position_or_one_for_all(file, text):
    found = read_distribution(file(text, "chances.txt"), 2, 8)
    assert found == Distribution("chances", (tuple(ROW),) * 2)
    assert found.total == 400
    assert found.sha256 == read_distribution(file(GOOD[0], "other name.json"), 2, 8).sha256
    assert found.key == found.sha256[:8]


BAD = [
    (json.dumps([ROW] * 3), "got 3 rows, wanted 2, one for each position (n_ctx), or one for all"),
    (json.dumps([ROW[1:]] * 2), "row 0: got 7 weights, wanted 8, one for each token (d_vocab)"),
    (json.dumps([ROW, ROW[1:]]), "row 1: got 7 weights, wanted 8"),
    (json.dumps([ROW, [-1, *ROW[1:]]]), "row 1, token 0: got -1, wanted integers >= 0"),
    (json.dumps([[0] * 8]), "position 0: all weights are 0, so no sequence has weight"),
    (json.dumps([ROW, [0] * 8]), "position 1: all weights are 0"),
    (json.dumps([0.5] * 8), "got 0.5, wanted integers >= 0; multiply chances by a power of ten and round them"),
    ("[1e3, 1, 1, 1, 1, 1, 1, 1]", "got 1e3, wanted integers"),
    ("[NaN, 1, 1, 1, 1, 1, 1, 1]", "got NaN, wanted integers"),
    ("[-Infinity, 1, 1, 1, 1, 1, 1, 1]", "got -Infinity"),
    (json.dumps(["a"] * 8), "row 0, token 0: got 'a', wanted integers"),
    (json.dumps([True] * 8), "row 0, token 0: got True"),
    (json.dumps([None] * 8), "token 0: got null"),
    (json.dumps([ROW, 5]), "row 1: got 5, wanted a list of integers"),
    (json.dumps([[ROW]]), "row 0, token 0: got a list"),
    (json.dumps({"weights": ROW}), "got an object, wanted a list of rows"),
    ("[]", "got an empty list"),
    ("[[]]", "row 0: got 0 weights, wanted 8"),
    ("[1, 2", "no JSON ("),
    ("[" * 100_000, "wanted a list of rows"),
    (json.dumps([2**62, *ROW[1:]]), "row 0, token 0: got a weight of 63 bits, wanted below 2^62"),
    (json.dumps([2**61, 2**61, *ROW[2:]]), "the weights add up to 2^62 or more; divide them all by a power of two"),
    ("[" + "9" * 5000 + ", 1, 1, 1, 1, 1, 1, 1]", "no JSON ("),
    ("1 2 3 4 5 6 7 x", "line 1, token 7: got 'x', wanted integers"),
    ("1 2 3 4 5 6 7 8\n1 2 3 4 5 6 7 8.5", "line 2, token 7: got '8.5'"),
    ("1 2 3 4 5 6 7 -8", "line 1, token 7: got -8"),
    ("1 2 3 4 5 6 7 " + "8" * 5000, "line 1, token 7: got '888"),
    ("", "no weights in it"),
    ("# nothing\n", "no weights in it"),
    (b"\xff\xfe\x00", "byte 0 is no text"),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_a_bad_file_is_refused_with_the_place(file, text, message):
    path = file(text, "chances.txt")
    with pytest.raises(InputRefused) as caught:
        read_distribution(path, 2, 8)
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)
    assert len(str(caught.value)) < 300 + len(str(path))


def test_a_missing_or_a_huge_file_is_refused(file, tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="does not exist"):
        read_distribution(tmp_path / "none.json", 2, 8)
    with pytest.raises(UsageError, match="does not exist"):
        read_distribution(tmp_path, 2, 8)
    monkeypatch.setattr("compact_proofs.extract.distribution.MOST_BYTES", 10)
    with pytest.raises(InputRefused, match="over 10 bytes"):
        read_distribution(file(GOOD[0]), 2, 8)
    with pytest.raises(InputRefused, match="no JSON"):
        read_distribution(file("1 2", "rows.json"), 2, 8)


def test_a_total_of_too_many_digits_is_refused():
    with pytest.raises(InputRefused, match=r"over 4,000 digits"):
        Distribution("long", ((2**61,),) * 220)


@pytest.mark.parametrize("name", ["", "a b", "x" * 41, "a\nb", "Ä"])
def test_a_name_is_letters_digits_and_underscores(name):
    with pytest.raises(InputRefused, match="the name is"):
        Distribution(name, ((1,),))


@pytest.mark.parametrize("rows", [(), ((),), ((1, 2), (1,))])
def test_rows_of_no_or_unequal_length_are_refused(rows):
    with pytest.raises(InputRefused):
        Distribution("name", rows)


# Evaluation


def test_weights_of_right_inputs_are_added_up():
    tables = quantised_tables(quantised())
    inputs = all_inputs(8, 2)
    scores = logits(tables, inputs)
    answers = true_answer(inputs)
    best = np.take_along_axis(scores, answers[:, None], axis=1)
    right = (scores < best).sum(axis=1) == 7
    for rows in (SKEWED.rows, tuple(tuple(w << 40 for w in row) for row in SKEWED.rows)):
        weights = [rows[0][a] * rows[1][b] for a, b in inputs.tolist()]
        found = weight_right(tables, rows)
        assert (found.right, found.total) == (sum(itertools.compress(weights, right)), sum(weights))
        assert (found.undecided, found.exhaustive) == (0, True)
    ones = Distribution.uniform(2, 8).rows
    assert weight_right(tables, ones) == count_right(tables)


def test_where_there_are_too_many_inputs_a_sample_is_drawn_by_the_weights():
    tables = quantised_tables(quantised())
    found, exact = weight_right(tables, SKEWED.rows, limit=10), weight_right(tables, SKEWED.rows)
    assert (found.total, found.exhaustive) == (100_000, False)
    assert abs(found.right / found.total - exact.right / exact.total) < 0.01
    drawn = weighted_inputs(SKEWED.rows, 20_000)
    counts = np.bincount(drawn[:, 0], minlength=8)
    assert np.abs(counts / 20_000 - np.array(ROW) / sum(ROW)).max() < 0.02
    assert not counts[[2, 5, 6]].any()


# Statements


def form(distribution=SKEWED) -> TheoremForm:
    return weighted(distribution).form.theorem("at_least_weight", pipeline.LAYOUTS["max_of_k"], distribution)


def test_the_theorem_is_about_the_distribution():
    text = theorem_v(form(), MODEL, 123)
    folder = f"weighted_{SKEWED.key}"
    assert f"From CompactProofs.Generated.{MODEL}.{folder} Require Distribution Certificate.\n" in text
    assert "\nDefinition distribution := Distribution.weights.\n" in text
    assert "\nLemma accepted : weighted_check 123%Z distribution network certificate = true.\n" in text
    assert "\nTheorem accuracy : (123 <= correct_weight distribution network)%Z.\n" in text
    assert "exact (weighted_sound _ _ _ _ accepted)" in text
    read = check_theorem(text, "Theorem.v", [form()])
    assert (read.form, read.model, read.proved) == (form(), MODEL, 123)
    assert form().folder in assumptions_v(MODEL, form().folder)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("correct_weight distribution", "correct_weight Distribution.weights"),
        ("Distribution.weights.", "Certificate.weights."),
        ("(123 <= correct_weight distribution network)", "(123 <= correct_count network)"),
        ("weighted_check 123%Z distribution", "weighted_check 123%Z Distribution.weights"),
        (SKEWED.key, "0" * 8),
    ],
)
def test_another_theorem_is_refused(old, new):
    with pytest.raises(GrammarError):
        check_theorem(theorem_v(form(), MODEL, 123).replace(old, new, 1), "Theorem.v", [form()])


def test_weights_are_read_again():
    text = distribution_v(MODEL, form().folder, SKEWED.field)
    assert check_data(text, "Distribution.v", {"weights": "list (list Z)"}) == {"weights": SKEWED.rows}
    for changed in (text.replace("9]", "9.0]"), text + "Axiom a : False.\n", text.replace("weights", "other")):
        with pytest.raises(GrammarError):
            check_data(changed, "Distribution.v", {"weights": "list (list Z)"})


@pytest.mark.parametrize(("statement", "key"), [("at_least_weight", ""), ("at_least_weight", "x y"), ("at_least", SKEWED.key)])
def test_a_statement_has_a_distribution_exactly_if_it_is_about_one(statement, key):
    with pytest.raises(CertificateError, match="the distribution is"):
        TheoremForm("weighted", statement, "Weighted_plan", (), "check", "sound", "verdict", distribution=key)


def test_in_words():
    assert theorem_in_words("at_least_weight", 9973, 10_000, "sequences", "skewed") == (
        "at least 99.73 % of the weight of distribution skewed (9,973 of 10,000) is answered right"
    )
    long = theorem_in_words("at_least_weight", 10**80 - 1, 10**80, "sequences", "skewed")
    assert long == "at least 99.99 % of the weight of distribution skewed is answered right"


# The strategy


def test_the_strategy_is_chosen_by_the_distribution():
    chosen = strategy_for("max_of_k", None, SKEWED)
    assert (chosen.name, chosen.folder, chosen.distribution) == ("weighted", f"weighted_{SKEWED.key}", SKEWED)
    assert strategy_for("max_of_k", "weighted", SKEWED).folder == chosen.folder
    assert strategy("cubic").folder == "cubic"
    with pytest.raises(UsageError, match="strategy subcubic counts all inputs alike; use --strategy weighted"):
        strategy_for("max_of_k", "subcubic", SKEWED)
    with pytest.raises(UsageError, match="wants --distribution FILE"):
        strategy("weighted")
    with pytest.raises(UsageError, match=r"rank: strategy weighted has no rank"):
        chosen.check_tuning(Tuning(rank=2))


def test_what_is_found_is_what_the_mirror_accepts_and_at_most_the_truth():
    model, chosen = quantised(), weighted(SKEWED)
    found = chosen.find(model, DEFAULT, silent)
    assert found.proved == chosen.mirror(model, found.certificate)
    truth = weight_right(quantised_tables(model), SKEWED.rows)
    assert 0 < found.proved <= truth.right <= SKEWED.total == math.prod(map(sum, SKEWED.rows))
    assert chosen.verdict(found.proved, model, found.certificate, "at_least_weight") == "Accepted"
    refused = chosen.verdict(found.proved + 1, model, found.certificate, "at_least_weight")
    assert refused == f"Refused (Total_short {found.proved} {found.proved + 1})"


def test_a_distribution_of_other_sizes_is_refused_before_anything_is_made(tmp_path):
    other = weighted(Distribution.uniform(3, 8))
    with pytest.raises(UsageError, match=r"distribution uniform: got 3 x 8 weights, wanted 2 x 8"):
        pipeline._check_group(other, quantised())


def test_a_stored_claim_keeps_its_distribution(tmp_path):
    model, chosen = quantised(), weighted(SKEWED)
    claim = Claim.of(chosen.find(model, DEFAULT, silent), chosen, model, DEFAULT, 0.5)
    claim.save(tmp_path / "certificate.json")
    again = Claim.load(tmp_path / "certificate.json")
    assert again == claim and again.distribution == SKEWED
    assert again.form(chosen).folder == chosen.folder
    text = (tmp_path / "certificate.json").read_text()
    (tmp_path / "certificate.json").write_text(text.replace("[3, 1, 0", "[3, 1, 1"))
    assert Claim.load(tmp_path / "certificate.json") is None
    renamed = weighted(dataclasses.replace(SKEWED, name="other"))
    assert len({inputs_hash(model, one, DEFAULT) for one in (chosen, renamed, weighted(Distribution.uniform(2, 8)))}) == 3


# Proofs for strangers


@pytest.fixture
def folder(tmp_path):
    model, chosen = quantised(), weighted(SKEWED)
    claim = Claim.of(chosen.find(model, DEFAULT, silent), chosen, model, DEFAULT, 0.0)
    proof_of(claim, chosen, model).write(tmp_path)
    return tmp_path


def test_a_proof_folder_has_the_distribution(folder):
    assert sorted(path.name for path in folder.iterdir()) == sorted((*FILES, DISTRIBUTION))
    proof = ProofFolder.read(folder)
    assert proof.distribution == SKEWED and proof.n_inputs == SKEWED.total
    assert proof.theorem == form()
    before = {file: (folder / file).read_bytes() for file in proof.files}
    proof.write(folder)
    assert before == {file: (folder / file).read_bytes() for file in proof.files}


CHANGES = [
    (DISTRIBUTION, lambda v: v.update(name="a b"), "name: got 'a b', wanted up to 40 letters"),
    (DISTRIBUTION, lambda v: v.update(name="x" * 41), "name: got"),
    (DISTRIBUTION, lambda v: v.update(name="x\n[bold]"), "name: got"),
    (DISTRIBUTION, lambda v: v.update(more=1), "'more': got an unknown key"),
    (DISTRIBUTION, lambda v: v.update(schema=2), "schema: got 2, wanted 1"),
    (DISTRIBUTION, lambda v: v.pop("weights"), "weights: got nothing"),
    (DISTRIBUTION, lambda v: v.update(weights=[]), "no weights"),
    (DISTRIBUTION, lambda v: v.update(weights=[[]]), "no weights"),
    (DISTRIBUTION, lambda v: v.update(weights=5), "field weights: got int 5; wanted a list"),
    (DISTRIBUTION, lambda v: v.update(weights=[ROW] * 3), "weights: got 3 rows of 8, wanted 2 of 8"),
    (DISTRIBUTION, lambda v: v.update(weights=[ROW[1:]] * 2), "weights: got 2 rows of 7, wanted 2 of 8"),
    (DISTRIBUTION, lambda v: v["weights"][1].pop(), "position 1: got 7 weights, wanted 8"),
    (DISTRIBUTION, lambda v: v["weights"][1].__setitem__(0, -1), "position 1, token 0: got the weight -1"),
    (DISTRIBUTION, lambda v: v["weights"][1].__setitem__(0, 1.5), "the number 1.5 is no integer"),
    (DISTRIBUTION, lambda v: v["weights"][1].__setitem__(0, True), "field weights[1][0]: got bool"),
    (DISTRIBUTION, lambda v: v["weights"][1].__setitem__(0, 2**62), "wanted |value| < 2^62"),
    (DISTRIBUTION, lambda v: v["weights"][1].__setitem__(0, 2**62 - 1), "add up to 2^62 or more"),
    (DISTRIBUTION, lambda v: v["weights"].__setitem__(1, [0] * 8), "all weights are 0"),
    (DISTRIBUTION, lambda v: v["weights"][1].__setitem__(0, 2), "of: got 720, wanted 740, the weight of all inputs"),
    ("claim.json", lambda v: v.update(of="64"), "of: got 64, wanted 720, the weight of all inputs"),
    ("claim.json", lambda v: v.update(proved="721"), "proved: got 721, wanted at most 720"),
    ("claim.json", lambda v: v.update(statement="at_least"), "statement: got 'at_least', wanted one of: at_least_weight"),
    ("certificate.json", lambda v: v["fields"].update(mass_digits=0), "fields: got the unknown key 'mass_digits'"),
]


@pytest.mark.parametrize(("name", "change", "message"), CHANGES)
def test_a_changed_folder_is_refused(folder, name, change, message):
    value = json.loads((folder / name).read_text())
    change(value)
    (folder / name).write_text(json.dumps(value))
    with pytest.raises(InputRefused) as caught:
        ProofFolder.read(folder).weights_text()
    assert message in str(caught.value)


def test_a_folder_without_the_distribution_is_refused(folder):
    (folder / DISTRIBUTION).unlink()
    with pytest.raises(InputRefused, match=r"distribution\.json: cannot be opened"):
        ProofFolder.read(folder)


# Commands


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([MODEL, "--distribution", "none.json"], 2, "none.json does not exist"),
        ([MODEL, "--distribution", "negative.json"], 3, "negative.json: row 0, token 0: got -1"),
        ([MODEL, "--distribution", "good.json", "--strategy", "cubic"], 2, "strategy cubic counts all inputs alike"),
        ([MODEL, "--distribution", "good.json", "--budget", "1e6"], 2, "--budget"),
        ([MODEL, "--distribution", "good.json", "--strategy", "z3"], 2, "solvers count all inputs alike"),
        ([MODEL, "--distribution", "good.json", "--rank", "2"], 2, "strategy weighted has no rank"),
        ([MODEL, "--strategy", "weighted"], 2, "wants --distribution FILE"),
        (["modular_quadratic_tiny", "--distribution", "good.json"], 2, "a modular_quadratic network count all inputs alike"),
        (["max_of_3_tiny", "--distribution", "two_rows.json"], 3, "got 2 rows, wanted 3"),
    ],
)
def test_the_command_says_what_is_wrong(arguments, code, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.json").write_text(json.dumps(ROW))
    (tmp_path / "two_rows.json").write_text(json.dumps([ROW] * 2))
    (tmp_path / "negative.json").write_text(json.dumps([-1, *ROW[1:]]))
    monkeypatch.setattr(pipeline.coqrun, "require_coq", lambda: "8.16.1")
    assert cli.main(["prove", *arguments, "--out", str(tmp_path / "build")]) == code
    err = capsys.readouterr().err
    assert message in err and "Traceback" not in err
    assert not list(tmp_path.glob("build/**/report.json"))


def test_the_list_has_the_strategy(capsys):
    assert cli.main(["list"]) == 0
    assert "with --distribution, for max_of_k:\n  weighted " in capsys.readouterr().out
