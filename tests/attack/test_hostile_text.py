"""Hostile generated text: whatever a stranger writes into Weights.v, Certificate.v or Theorem.v, coqc never sees it.

The texts are generated: each statement of Coq that could do harm at each place where a statement may start, each character that
looks like an allowed one at every place of a file, numerals of every other form, nesting and lengths far beyond sense. What a
random edit leaves valid is read by a parser of its own, which shares nothing with the grammar. tests/unit/test_grammar.py has the
places that the messages name; test_hostile_files.py puts such texts into a finished proof.
"""

import ast
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compact_proofs.extract import coq_text
from compact_proofs.extract.coq_text import Field, TheoremForm, certificate_v, theorem_v, weights_v
from compact_proofs.extract.families import quantise_network
from compact_proofs.extract.grammar import check_data, check_theorem, check_weights
from compact_proofs.extract.layouts import LAYOUTS, MAX_OF_K
from compact_proofs.models.errors import GrammarError
from compact_proofs.models.weights import load_model

MODEL = "max_of_2_tiny"
FIELDS = [
    Field("unit", "Z", -5),
    Field("claims", "list int", (1, 2)),
    Field("rows", "list (list Z)", ((3, -4), ())),
    Field("tables", "list (list (list int))", (((7,),),)),
]
TYPES = {field.name: field.coq_type for field in FIELDS}
FORM = TheoremForm("cubic", "at_least", "Cubic", tuple(TYPES), "cubic_check", "cubic_sound", "cubic_verdict")
CERTIFICATE = certificate_v("toy", "cubic", FIELDS)
THEOREM = theorem_v(FORM, "toy", 16_777_216)
WEIGHTS = weights_v(quantise_network(*load_model(MODEL)))
PIZZA = "modular_pizza_tiny"
TEXTS = {"Weights.v": WEIGHTS, "Certificate.v": CERTIFICATE, "Theorem.v": THEOREM}
STATEMENTS = re.split(r"  |\n", """\
Axiom f : False.  Parameter f : False.  Conjecture f : False.  Hypothesis f : False.  Variable f : False.
Context (f : False).  Fixpoint f (n : nat) {struct n} : False := f n.  CoFixpoint f : False := f.
Program Fixpoint f (n : nat) : False := f n.  Function f (n : nat) : False := f n.  Equations f : False := f := f.
Inductive bad := Bad (f : bad -> False).  Record model := Model.  Class c := {}.  Instance i : c.  Let f := 1.
Theorem f : False.  Lemma f : False. Admitted.  Goal False.  Abort.  Admitted.  Proof.  Qed.  Defined.
Unset Guard Checking.  Unset Positivity Checking.  Unset Universe Checking.  Set Universe Polymorphism.
Set Definitional UIP.  Local Unset Guard Checking.  Global Set Printing All.
#[bypass_check(guard)] Fixpoint f (n : nat) {struct n} : False := f n.  #[local] Definition f := 1.
#[bypass_check(universes)] Definition unit : Z := 1%Z.  Require Import Evil.  Require Evil.
From Evil Require Import All.  From Coq Require Import Floats.  From CompactProofs Require Import Facade.
Import Evil.  Export Evil.  Include Evil.  Load Evil.  Load "../evil".  Cd "..".  Add LoadPath ".." as Evil.
Add Rec LoadPath ".." as Evil.  Declare ML Module "evil".  Drop.  Reset Initial.  Back 2.
Redirect "evil" Print Z.  Extraction "evil.ml" Z.  Notation "5" := 6.  Infix "<=" := ge.
Reserved Notation "x <= y".  Number Notation Z f g : Z_scope.  String Notation Z f g : Z_scope.  Declare Scope Z.
Delimit Scope nat_scope with Z.  Undelimit Scope Z_scope.  Bind Scope nat_scope with Z.  Open Scope nat_scope.
Close Scope Z_scope.  Arguments cons {A}.  Implicit Types n : nat.  Coercion f : Z >-> nat.  Canonical f.  Opaque Z.
Transparent Z.  Strategy opaque [Z].  Primitive f := #int63_add.  Register Inline f.  Register f as evil.
Hint Resolve f.  Ltac by_computation := exact_no_check I.  Ltac2 f () := ().
Tactic Notation "by_computation" := exact_no_check I.  Obligation Tactic := idtac.  Module Z.
Module Weights. End Weights.  Module Type T.  Section s.  End s.  Check 1.  Print Assumptions f.
Eval vm_compute in 1.  Compute 1.  Time Definition unit : Z := 1%Z.  Timeout 1 Definition unit : Z := 1%Z.
Fail Definition unit : Z := 1%Z.  Definition Z := nat.  Definition list := nat.  Definition int := nat.
Definition nat := Z.  Definition correct_count := 5%Z.  Definition network := 1%Z.  Definition accepted := true.
Definition certificate := 1%Z.  Definition Weights := 1%Z.  Definition unit' : Z := 1%Z.
Definition unit2 : Z := 1%Z.  Definition Unit : Z := 1%Z.  Definition unit : Z := 1%Z.  Definition unit : Z.
Definition unit := 1%Z.  Definition unit (n : nat) : Z := 1%Z.  Definition unit@{u} : Z := 1%Z.
Definition unit : nat := 1%nat.  Definition W_E : list (list Z) := []%Z.  Definition W_E_bits : Z := 1%Z.
Definition : Z := 1%Z.  Example unit : Z := 1%Z.  (* more *)  (* (* nested *) *)  (* open  "a string"
"a string with Definition unit : Z := 1%Z. inside"  .  ...  { }  - + *""")  # fmt: skip
NUMERALS = (
    "0x5 0X5 0b1 0o7 1_000 _1 1_ 1e3 1E3 1.0 1. .1 +1 ++1 --1 00 01 007 -0 -00 -01 0-1 1-2 1+2 2*3 2^3 1/2 1%nat 1%Z 1%uint63 "
    "(1) ((1)) (-1)%Z (1 (1)) 1) S(O) S O x _ ? ?x @nil nil true tt I Type let fun match if Z.opp Zneg xH (Zpos xH) 1::nil [1] "
    "0x 1x x1 '1 1' `1` $1 #1 !1 ~1 &1 1,2 1;;2 1|2 <1> {1} \\1 \"1\" 1%Z%Z "
    + " ".join(map(str, (-(2**62), -(2**63), 10**4000, "9" * 5000, "9" * 10**6)))
)
TOO_LARGE = " ".join(map(str, (2**62, 2**63 - 1, 2**63, 2**64, 10**19)))  # for data; not for the count of a theorem
CHARACTERS = (
    "\N{CYRILLIC SMALL LETTER A}\N{CYRILLIC SMALL LETTER O}\N{GREEK CAPITAL LETTER ZETA}\N{FULLWIDTH DIGIT ONE}"
    "\N{FULLWIDTH COLON}\N{ARABIC-INDIC DIGIT THREE}\N{SUPERSCRIPT TWO}\N{MATHEMATICAL BOLD DIGIT ONE}\N{ROMAN NUMERAL ONE}"
    "\N{MINUS SIGN}\N{NON-BREAKING HYPHEN}\N{SOFT HYPHEN}\N{EN DASH}\N{GREEK QUESTION MARK}\N{COMBINING ACUTE ACCENT}"
    "\N{NO-BREAK SPACE}\N{EM SPACE}\N{IDEOGRAPHIC SPACE}\N{ZERO WIDTH SPACE}\N{ZERO WIDTH JOINER}\N{WORD JOINER}"
    "\N{ZERO WIDTH NO-BREAK SPACE}\N{RIGHT-TO-LEFT OVERRIDE}\N{RIGHT-TO-LEFT ISOLATE}\N{POP DIRECTIONAL ISOLATE}"
    "\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}\N{NEXT LINE}\N{LATIN SMALL LETTER DOTLESS I}\N{LATIN SMALL LETTER LONG S}"
    "\0\1\a\b\t\v\f\r\x1a\x1b\x1c\x1f\x7f\x80\x9f\xff"
)
SECONDS = 2.0  # a refusal of the largest texts; most take milliseconds


def read(name: str, text: str) -> object:
    """What the grammar makes of a file of this text."""
    if name == "Theorem.v":
        return check_theorem(text, name, [FORM])
    return check_weights(text, name, MAX_OF_K) if name == "Weights.v" else check_data(text, name, TYPES)


def assert_refused(name: str, text: str) -> None:
    """The text is refused, and so are its bytes as a file has them."""
    for form in {text, text.encode("utf-8", "surrogatepass").decode("latin-1")}:
        with pytest.raises(GrammarError, match=rf"^{name}:\d+(:\d+)?: "):
            read(name, form)


def starts(text: str) -> list[int]:
    """Where a statement may start: before and after every line that does not lie within a list."""
    lines = [0, *(match.end() for match in re.finditer(r"\n(?=[A-Z\n(])", text)), len(text)]
    return sorted({*lines[:4], *lines[-3:]})


@pytest.mark.parametrize("name", TEXTS)
def test_the_texts_are_valid_as_they_are(name):
    read(name, TEXTS[name])


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_more_is_refused_wherever_it_stands(statement):
    for name, text in TEXTS.items():
        for at in starts(text):
            for more in (f"{statement}\n", f"\n{statement}\n"):
                assert_refused(name, text[:at] + more + text[at:])
        end = text.index(".\n", text.index("Definition ")) + 1
        assert_refused(name, f"{text[:end]} {statement}{text[end:]}")  # on one line with another
        assert_refused(name, text.replace(" *)\n", f" *) {statement}\n", 1))
        assert_refused(name, text.replace(" *)\n", f"\n{statement} *)\n", 1))


@pytest.mark.parametrize("character", CHARACTERS, ids=[f"U+{ord(one):04X}" for one in CHARACTERS])
def test_a_character_that_looks_allowed_is_refused_at_every_place(character):
    for name, text in (("Certificate.v", CERTIFICATE), ("Theorem.v", THEOREM)):
        for at in range(len(text) + 1):
            with pytest.raises(GrammarError):
                read(name, text[:at] + character + text[at:])
    for at in range(0, len(WEIGHTS), 97):
        assert_refused("Weights.v", WEIGHTS[:at] + character + WEIGHTS[at:])
        assert_refused("Weights.v", WEIGHTS[:at] + character + WEIGHTS[at + 1 :])


BROKEN = ("- 1", "1 2", "1\n2", "(* 1 *)", "1 (* 2 *)", "[ ]")


@pytest.mark.parametrize("numeral", [*NUMERALS.split(" "), *TOO_LARGE.split(" "), *BROKEN], ids=lambda one: one[:12])
def test_a_numeral_of_another_form_is_refused(numeral):
    for old in ("(-5)", "1; 2]", "3; -4]", "7]"):
        assert CERTIFICATE.count(old) == 1
        assert_refused("Certificate.v", CERTIFICATE.replace(old, old.replace(re.search(r"-?\d", old)[0], numeral, 1)))
    assert_refused("Weights.v", re.sub(r"n_ctx : Z := \d+", lambda _: f"n_ctx : Z := {numeral}", WEIGHTS))
    assert_refused("Weights.v", re.sub(r"\[-?\d+;", lambda _: f"[{numeral};", WEIGHTS, count=1))
    if numeral not in TOO_LARGE:
        assert_refused("Theorem.v", THEOREM.replace("16777216", numeral))


def test_a_negative_machine_integer_and_the_ends_of_the_range():
    most = 2**62 - 1
    for old, good, bad in (("1; 2]", [most], [-1, most + 1, -most]), ("3; -4]", [most, -most], [most + 1, -most - 1])):
        for number in good:
            check_data(CERTIFICATE.replace(old, f"{number}]"), "C.v", TYPES)
        for number in bad:
            assert_refused("Certificate.v", CERTIFICATE.replace(old, f"{number}]"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("%Z", "%uint63"), ("%uint63", "%Z"), ("%uint63", "%int63"), ("%uint63", "%sint63"), ("%Z", "%nat"), ("%Z", ""),
        ("%Z", "%Z%Z"), ("%Z.", "%Z .."), ("%Z.", "%Z"), (": Z :=", ": int :="), (": Z :=", ": nat :="), (": Z :=", ":="),
        (": Z :=", ": (Z) :="), (": Z :=", ": Z = "), (": Z :=", ": Z :"), ("list int", "list Z"), ("list int", "list (int)"),
        ("list int", "list list int"), ("list int", "int list"), ("list (list Z)", "list Z"),
        ("list (list Z)", "list (list int)"),
        ("Definition", "definition"), ("Definition", "Definitions"), ("Definition ", "Definition"), ("; ", ", "), ("; ", " "),
        ("[", "("), ("[1", "[;1"), ("2]", "2;]"), ("[", "[["), ("]%", "]]%"), ("[", "{"), (".\n\n", "."), (".\n\n", ". "),
        (".\n\n", ".\n;\n"),
    ],
)  # fmt: skip
def test_another_type_scope_or_punctuation_is_refused(old, new):
    assert old in CERTIFICATE
    for at in (match.start() for match in re.finditer(re.escape(old), CERTIFICATE)):
        assert_refused("Certificate.v", CERTIFICATE[:at] + new + CERTIFICATE[at + len(old) :])


def definitions(text: str) -> tuple[str, list[str]]:
    """What stands before the first definition, and the definitions."""
    head, *rest = re.split(r"(?=^Definition )", text, flags=re.MULTILINE)
    return head, rest


@pytest.mark.parametrize("name", ["Weights.v", "Certificate.v"])
def test_missing_and_repeated_definitions_are_refused(name):
    head, parts = definitions(TEXTS[name])
    assert len(parts) >= 4
    for index, part in enumerate(parts):
        others = parts[:index] + parts[index + 1 :]
        assert_refused(name, head + "".join(others))
        for again in range(len(parts) + 1):
            assert_refused(name, head + "".join([*parts[:again], part, *parts[again:]]))
    assert_refused(name, "".join(parts))
    assert_refused(name, head)
    assert_refused(name, head + TEXTS[name])


def test_weights_of_another_layout_are_refused():
    for layout in LAYOUTS.values():
        if layout != MAX_OF_K:
            with pytest.raises(GrammarError):
                check_weights(WEIGHTS, "Weights.v", layout)
    pizza = weights_v(quantise_network(*load_model(PIZZA)))
    for layout in LAYOUTS.values():
        if layout.name != "modular_pizza":
            with pytest.raises(GrammarError):
                check_weights(pizza, "Weights.v", layout)


DEEP = 5 * 10**5
ENDLESS = [
    *("[", "]", "(", "[[]; ", "9", "-", "1; ", "a", "%Z", ":= ", ".", "\0", "Definition ", "Require Import Evil.\n", "(* ", '"'),
    "(* *) ",
]


@pytest.mark.parametrize(
    "text",
    [
        *(one * DEEP for one in ENDLESS), " " * DEEP + "x", "\n" * DEEP + "x", "[" * DEEP + "]" * DEEP,
        "(* " * DEEP + "*) " * DEEP,
        "1;" * coq_text.FLAT_LIMIT + "1", "\nTheorem accuracy : (" * (DEEP // 10), "\nTheorem accuracy : (" + "1" * DEEP,
    ],
    ids=lambda text: repr(text[:24]),
)  # fmt: skip
def test_endless_text_is_refused_soon(text):
    """No RecursionError, no wait."""
    started = time.monotonic()
    for name, whole in TEXTS.items():
        at = whole.index(":= ") + 3
        assert_refused(name, whole[:at] + text + whole[at:])
        assert_refused(name, text + whole)
        assert_refused(name, whole + text)
    assert time.monotonic() - started < 3 * len(TEXTS) * SECONDS


def unchecked(value: object) -> list | tuple | int:
    """Numbers of one definition, read by Python's own parser of literals."""
    return tuple(unchecked(entry) for entry in value) if isinstance(value, list) else value


def parsed(text: str) -> dict[str, object]:
    """The definitions of a data file, if it is nothing but definitions of nested lists of numerals; by other means."""
    header, _, rest = text.partition("\n")
    assert header.startswith("(* CompactProofs: ") and header.endswith(" *)") and not set(header[2:-2]) & set("(*)\"'")
    head, *bodies = rest.split("Definition")
    assert [" ".join(line.split()) for line in head.splitlines() if line.strip()] in (
        ["From Coq Require Import ZArith Uint63 List.", "Import ListNotations."],
        ["From Coq Require Import ZArith List.", "Import ListNotations."],
        ["From Coq Require Import Uint63 List.", "Import ListNotations."],
    )
    found = {}
    for body in bodies:
        name, _, value = body.partition(":")
        coq_type, _, value = value.partition(":=")
        numbers, _, scope = value.rstrip().rpartition("%")
        assert set(numbers) <= set("0123456789-[];() \n"), numbers
        assert scope.replace(" ", "").replace("\n", "") == ("uint63." if "int" in coq_type else "Z."), scope
        found[name.strip()] = coq_type.split(), unchecked(ast.literal_eval(numbers.strip().replace(";", ",")))
    return found


EDITS = st.tuples(
    st.sampled_from(["insert", "delete", "replace", "swap", "double", "drop line"]),
    st.integers(0, 10**9),
    st.one_of(st.sampled_from(list("()[]*;:=%.-_,0123456789abZ \n\"'|@#{}!")), st.characters()),
    st.integers(1, 12),
)


def edited(text: str, edit: tuple[str, int, str, int]) -> str:
    kind, at, character, size = edit
    at %= len(text)
    if kind == "swap":
        return text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :]
    if kind == "double":
        return text[: at + size] + text[at:]
    if kind == "drop line":
        lines = text.splitlines(keepends=True)
        del lines[at % len(lines)]
        return "".join(lines)
    return text[:at] + ("" if kind == "delete" else character) + text[at + (kind in ("delete", "replace")) :]


@settings(derandomize=True, deadline=None, max_examples=800)
@given(st.sampled_from(["Weights.v", "Certificate.v", "Theorem.v"]), st.lists(EDITS, min_size=1, max_size=2))
def test_a_random_edit_is_refused_or_leaves_plain_lists_of_numerals(name, edits):
    text = TEXTS[name]
    for edit in edits:
        text = edited(text, edit)
    try:
        found = read(name, text)
    except GrammarError:
        return
    if name == "Theorem.v":
        assert text == theorem_v(FORM, found.model, found.proved)
        return
    types = MAX_OF_K.types() if name == "Weights.v" else TYPES
    by_other_means = parsed(text)
    assert {key: value for key, (_, value) in by_other_means.items()} == found
    assert {key: " ".join(words) for key, (words, _) in by_other_means.items()} == {key: types[key] for key in found}
    assert set(found) == set(types)
