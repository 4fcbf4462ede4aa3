"""The whitelist grammar: reads back what the writers wrote, and refuses everything else with its place in the file."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compact_proofs.extract.coq_text import COQ_TYPES, FLAT_LIMIT, LITERAL_LIMIT, Field, TheoremForm, certificate_v
from compact_proofs.extract.grammar import check_data, check_equal, check_theorem, check_weights, read_source
from compact_proofs.extract.layouts import MAX_OF_K
from compact_proofs.models.errors import GrammarError

GOLDEN = Path(__file__).parents[1] / "golden" / "coq_text"
FORMS = [
    TheoremForm("cubic", "at_least", "Cubic", ("bound", "rows"), "check", "check_sound", "verdict"),
    TheoremForm("wrong", "at_most", "Wrong", ("bound",), "wrong_check", "wrong_sound", "wrong_verdict"),
    TheoremForm("brute_force", "exactly", "BruteForce", (), "count_check", "count_sound", "count_verdict"),
]
TYPES = {"a": "Z", "b": "list int", "c": "list (list Z)"}
DATA = """(* CompactProofs: certificate: model toy, strategy cubic *)
From Coq Require Import ZArith Uint63 List.
Import ListNotations.

Definition a : Z := (-5)%Z.

Definition b : list int := [1; 2]%uint63.

Definition c : list (list Z) := [
  [3; -4];
  []
]%Z.
"""


def refused(text, types=TYPES, kind="certificate"):
    """The message of the refusal, file name taken off."""
    with pytest.raises(GrammarError) as error:
        if kind == "weights":
            check_weights(text, "C.v", MAX_OF_K)
        else:
            check_data(text, "C.v", types)
    return str(error.value).removeprefix("C.v:")


def test_golden_files_are_read():
    weights = check_weights(read_source(GOLDEN / "Weights.v"), "Weights.v", MAX_OF_K)
    assert list(weights) == list(MAX_OF_K.types())
    assert (weights["n_ctx"], weights["d_vocab"], weights["W_U_bits"]) == (2, 3, 6)
    assert weights["W_pos"] == ((-1, 0), (1, 2))
    assert weights["W_U"] == ((-6, -5, -4), (-3, -2, -1))
    types = {
        "bound": "Z", "step": "int", "flat": "list Z", "empty": "list int", "pairs": "list (list int)",
        "rows": "list (list (list int))",
    }  # fmt: skip
    assert check_data(read_source(GOLDEN / "Certificate.v"), "Certificate.v", types) == {
        "bound": -5,
        "step": 0,
        "flat": (1, 1 - LITERAL_LIMIT),
        "empty": (),
        "pairs": ((1, 2), ()),
        "rows": (((1, 2), (LITERAL_LIMIT - 1,)), (), ((),)),
    }
    assert check_data(read_source(GOLDEN / "EmptyCertificate.v"), "Certificate.v", {}) == {}
    assert check_data(DATA, "C.v", TYPES) == {"a": -5, "b": (1, 2), "c": ((3, -4), ())}


def numbers(coq_type):
    depth, scope = COQ_TYPES[coq_type]
    value = st.integers(0 if scope == "uint63" else 1 - LITERAL_LIMIT, LITERAL_LIMIT - 1)
    for _ in range(depth):
        value = st.lists(value, max_size=3)
    return value


FIELDS = st.lists(
    st.sampled_from(sorted(COQ_TYPES)).flatmap(lambda coq_type: st.tuples(st.just(coq_type), numbers(coq_type))), max_size=4
).map(lambda pairs: [Field(f"f{k}", coq_type, value) for k, (coq_type, value) in enumerate(pairs)])


@settings(derandomize=True, deadline=None, max_examples=150)
@given(FIELDS)
def test_what_is_written_is_read_back(fields):
    types = {field.name: field.coq_type for field in fields}
    read = check_data(certificate_v("toy", "cubic", fields), "C.v", types)
    assert read == {field.name: field.value for field in fields}


@settings(derandomize=True, deadline=None, max_examples=600)
@given(st.integers(0, len(DATA)), st.sampled_from(list("()[]*;:=%.-_0159aZ \n\"'|@,ΖZ\x00\t\r")), st.integers(0, 2))
def test_one_changed_character_is_refused_or_changes_a_number(at, character, removed):
    """What is accepted is, blanks apart, the canonical text of the numbers that were read."""
    text = DATA[:at] + character + DATA[at + removed :]
    try:
        values = check_data(text, "C.v", TYPES)
    except GrammarError:
        return

    def tokens(source):
        return re.findall(r"\w+|[^\w\s]", source.split("\n", 1)[1])

    assert tokens(text) == tokens(certificate_v("toy", "cubic", [Field(name, TYPES[name], values[name]) for name in values]))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("toy", "tоy", "1:39: got '\\xd0', wanted printable ASCII"),  # a Cyrillic o, as the bytes of the file
        ("[1; 2]", "[1;\t2]", "7:31: got '\\t', wanted printable ASCII"),
        ("%Z.\n", "%Z.\r\n", "5:28: got '\\r', wanted printable ASCII"),
        ("(* CompactProofs", "(* Compact", "1:1: got '(', wanted a first line (* CompactProofs: "),
        ("toy,", "toy *) Axiom f : False. (* ,", "1:1: got '(', wanted a first line"),
        ("toy,", "(* toy *),", "1:1: got '(', wanted a first line"),
        ("toy,", 'toy",', "1:1: got '(', wanted a first line"),
        ("Definition a", "(* more *)\nDefinition a", "5:1: got '(', wanted 'Definition'"),
        ("[3; -4]", "[3; (* -4 *)]", "10:7: got '(', wanted a decimal numeral"),
        ("[3; -4]", '[3; "4"]', "10:7: got '\"', wanted a decimal numeral"),
        ("Z := (-5)", "Z := let x := 5 in x", "5:21: got 'let', wanted a decimal numeral >= 0"),
        ("Definition a", "Fixpoint a", "5:1: got 'Fixpoint', wanted 'Definition'"),
        ("Definition a : Z := (-5)%Z", "Axiom a : Z", "5:1: got 'Axiom', wanted 'Definition'"),
        ("Definition a", 'Notation "5" := 6.\nDefinition a', "5:1: got 'Notation', wanted 'Definition'"),
        ("Definition a", "Unset Guard Checking.\nDefinition a", "5:1: got 'Unset', wanted 'Definition'"),
        ("Definition a", "Local Definition a", "5:1: got 'Local', wanted 'Definition'"),
        ("Definition a", "#[local] Definition a", "5:1: got '#', wanted 'Definition'"),
        ("Definition a", "Definition A", "5:12: got 'A', wanted a listed name (a, b, c)"),
        ("Definition b", "Definition a", "7:12: got 'a', wanted no second definition of a"),
        ("Definition a", "Definition a'", "5:13: got \"'\", wanted ':'"),
        ("list int", "list Z", "7:21: got 'Z', wanted 'int'"),
        ("list (list Z)", "list list Z", "9:21: got 'list', wanted '('"),
        ("a : Z :=", "a :=", "5:14: got ':=', wanted ':'"),
        ("a : Z :=", "a : nat :=", "5:16: got 'nat', wanted 'Z'"),
        ("]%uint63", "]", "7:34: got '.', wanted '%'"),
        ("]%uint63", "]%int63", "7:35: got 'int63', wanted 'uint63'"),
        ("]%uint63", "]%uint63%Z", "7:41: got '%', wanted '.'"),
        ("(-5)%Z", "(-5)%uint63", "5:26: got 'uint63', wanted 'Z'"),
        ("(-5)", "-5", "5:21: got '-5', wanted a numeral >= 0"),
        ("(-5)", "(5)", "5:23: got ')', wanted parentheses around negative numerals only"),
        ("(-5)", "- 5", "5:21: got '-', wanted a decimal numeral"),
        ("(-5)", "0x5", "5:22: got 'x5', wanted '%'"),
        ("[1; 2]", "[1; -2]", "7:32: got '-2', wanted a numeral >= 0 and below 2^62"),
        ("[1; 2]", "[1; 02]", "7:32: got '02', wanted a decimal numeral >= 0 without leading zeros"),
        ("[3; -4]", "[3; -0]", "10:7: got '-0', wanted a decimal numeral without leading zeros"),
        ("[1; 2]", f"[1; {2**62}]", "7:32: got '4611686018427387904', wanted a numeral >= 0 and below 2^62"),
        ("-4]", f"{-(2**62)}]", "10:7: got '-4611686018427387904', wanted a numeral of absolute value below 2^62"),
        ("-4]", "9" * 10_000 + "]", f"10:7: got '{'9' * 40}', wanted a numeral of absolute value below 2^62"),
        ("[1; 2]", "[1, 2]", "7:30: got ',', wanted ';'"),
        ("[1; 2]", "[1; 2;]", "7:34: got ']', wanted a decimal numeral"),
        ("[1; 2]", "[[1]; 2]", "7:29: got '[', wanted a decimal numeral"),
        ("[3; -4];", "3;", "10:3: got '3', wanted '['"),
        ("%uint63.\n", "%uint63. ", "7:42: got ' ', wanted a line feed after the full stop"),
        ("%uint63.\n\n", "%uint63.", "7:42: got 'Definition', wanted a line feed after the full stop"),
        ("Uint63 List", "Uint63 List Program", "2:1: got 'From', wanted import lines from the fixed list"),
        ("From Coq", "Require Import Evil.\nFrom Coq", "2:1: got 'Require', wanted import lines from the fixed list"),
        ("ListNotations.\n", "ListNotations.\nImport Evil.\n", "4:1: got 'Import', wanted 'Definition'"),
    ],
)  # fmt: skip
def test_hostile_data_is_refused(old, new, message):
    assert old in DATA
    text = DATA.replace(old, new, 1).encode("utf-8").decode("latin-1")
    assert refused(text).startswith(message)


def test_stray_or_missing_text_at_the_end_is_refused():
    assert refused(DATA + "Check a.\n").startswith("13:1: got 'Check', wanted 'Definition'")
    assert refused(DATA + "(*").startswith("13:1: got '(', wanted 'Definition'")
    cut = DATA[: DATA.index("Definition c")]
    assert refused(cut).startswith("9:1: got the end of the file, wanted the definition of c")
    for length in range(len(DATA) - 2):  # a file cut anywhere
        refused(DATA[:length])
    assert refused("").startswith("1:1: got the end of the file, wanted a first line")


def test_overlong_lists_are_refused():
    def flat(length):
        return DATA.replace("[1; 2]", "[" + "; ".join(["1"] * length) + "]")

    assert check_data(flat(FLAT_LIMIT), "C.v", TYPES)["b"] == (1,) * FLAT_LIMIT
    assert "wanted a list of at most 4000 entries" in refused(flat(FLAT_LIMIT + 1))


def test_weights_may_not_import_machine_integers():
    text = read_source(GOLDEN / "Weights.v").replace("ZArith List", "ZArith Uint63 List")
    assert refused(text, MAX_OF_K.types(), "weights").startswith("2:1: got 'From', wanted import lines")


def test_source_is_read_byte_for_byte(tmp_path):
    (tmp_path / "W.v").write_bytes("a\r\né".encode())
    assert read_source(tmp_path / "W.v") == "a\r\n\xc3\xa9"


def test_theorems_are_read():
    read = check_theorem(read_source(GOLDEN / "Theorem.v"), "Theorem.v", FORMS)
    assert (read.form, read.model, read.proved) == (FORMS[0], "toy", 16_700_000)
    read = check_theorem(read_source(GOLDEN / "ExactTheorem.v"), "Theorem.v", FORMS)
    assert (read.form, read.model, read.proved) == (FORMS[2], "toy", 64**20)
    read = check_theorem(read_source(GOLDEN / "MostTheorem.v"), "Theorem.v", FORMS)
    assert (read.form, read.model, read.proved) == (FORMS[1], "toy", 16_700_001)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("model toy", "model  toy", "1:1: got '(', wanted (* CompactProofs: theorem: model <model>"),
        ("model toy", "model other", "4:30: got 'toy', wanted 'other Require Weights.'"),
        ("model toy", "model 1toy", "1: model: '1toy' is no free Coq identifier"),
        ("strategy cubic", "strategy square", "1:48: got 'square', wanted a known strategy and statement (cubic at_least, "),
        ("accuracy : (16700000", "accuracy : (16700001", "19:31: got '0', wanted '1%Z network certificate = true.'"),
        ("check 16700000", "check 16699999", "19:26: got '699999', wanted '700000%Z network certificate = true.'"),
        ("(16700000 <= correct_count network)%Z", "correct_count network = 16700000%Z", "1:48: got 'cubic', wanted a known"),
        ("(16700000 <= correct_count network)%Z", "(correct_count network <= 16700000)%Z", "1:48: got 'cubic', wanted a known"),
        ("Proof. by_computation. Qed.", "Admitted.", "20:1: got 'Admitted', wanted 'Proof. by_computation. Qed.'"),
        ("Lemma", "Unset Guard Checking.\nLemma", "19:1: got 'Unset', wanted 'Lemma accepted : "),
        ("Require Weights", "Require Import Weights", "4:42: got 'Import', wanted 'Weights.'"),
        ("accepted). Qed.\n", "accepted). Qed.\nCheck 1.\n", "24:1: got 'Check', wanted the end of the file"),
        ("accepted). Qed.\n", "accepted). Qed.", "23:48: got the end of the file, wanted a line feed"),
        ("Theorem accuracy", "Theorem inaccuracy", "24:1: got the end of the file, wanted just one line"),
        (" <= correct", " <=  correct", "24:1: got the end of the file, wanted just one line"),
        ("accepted). Qed.\n", "accepted). Qed.\n\nTheorem accuracy : correct_count network = 1%Z.\n", "26:1: got the end"),
        ("(16700000 <=", "(016700000 <=", "24:1: got the end of the file, wanted just one line"),
        ("Cubic Certificate.bound", "Cubic Certificate.rows", "17:45: got 'rows', wanted 'bound Certificate.rows.'"),
    ],
)
def test_changed_theorems_are_refused(old, new, message):
    text = read_source(GOLDEN / "Theorem.v")
    assert old in text
    with pytest.raises(GrammarError) as error:
        check_theorem(text.replace(old, new, 1), "T.v", FORMS)
    assert str(error.value).removeprefix("T.v:").startswith(message)


def test_any_changed_byte_of_a_theorem_is_refused():
    text = read_source(GOLDEN / "Theorem.v")
    for at, character in enumerate(text):
        for changed in (text[:at] + text[at + 1 :], text[:at] + ("!" if character != "!" else "?") + text[at + 1 :]):
            with pytest.raises(GrammarError):
                check_theorem(changed, "T.v", FORMS)


def test_other_templates_are_compared_byte_for_byte():
    check_equal("a\nb\n", "a\nb\n", "A.v")
    with pytest.raises(GrammarError, match=re.escape("A.v:2:1: got 'c', wanted 'b'; it was edited")):
        check_equal("a\nc\n", "a\nb\n", "A.v")
    with pytest.raises(GrammarError, match="A.v:2:2: got the end of the file, wanted a line feed"):
        check_equal("a\nb", "a\nb\n", "A.v")


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [("n_ctx", "(-2)", "n_ctx from 1 to 4000"), ("d_vocab", "4000000000", "d_vocab from 1 to 4000"),
     ("d_head", "0", "d_head from 1 to 4000"), ("W_E_bits", "(-3)", "W_E_bits from 0 to 1000"),
     ("W_U_bits", "1001", "W_U_bits from 0 to 1000")],
)  # fmt: skip
def test_sizes_and_bits_that_coq_would_clamp_or_choke_on(name, value, wanted):
    lines = [f"Definition {one} : {kind} := {'[]' if 'list' in kind else '1'}%Z." for one, kind in MAX_OF_K.types().items()]
    head = "(* CompactProofs: weights: x *)\nFrom Coq Require Import ZArith List.\nImport ListNotations.\n"
    good = head + "\n".join(lines) + "\n"
    assert check_weights(good, "Weights.v", MAX_OF_K)[name] == 1
    with pytest.raises(GrammarError, match=wanted):
        check_weights(good.replace(f"{name} : Z := 1%Z", f"{name} : Z := {value}%Z"), "Weights.v", MAX_OF_K)
