"""Mutation testing of checkers and mirrors: what is changed and what is not, and one small run of each tool."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from compact_proofs.proofs.attack import coq_mutants, corpus, mirror_cases, mirror_mutants, mirror_operators, theory_copy
from compact_proofs.proofs.attack.cases import mirror_verdict
from compact_proofs.proofs.attack.coq_operators import changes
from compact_proofs.proofs.attack.coq_session import Plan, Step, parts
from compact_proofs.proofs.attack.coq_source import definitions, in_proof, line_of, sentences
from compact_proofs.proofs.attack.mirror_processes import run
from compact_proofs.proofs.attack.mutant_results import EQUIVALENTS, Mutant, Result, Results, equivalents, summary

COQ = """(* a comment: 1 <=? 2 (* nested + *) "string" *)
From Coq Require Import ZArith.
Definition limit : Z := 60. (* 2 ^ 6 - 4 *)
Fixpoint below (x : int) (row : list (nat * nat)) {struct row} : bool :=
  match row with
  | [] => true
  | (S k, O) :: rest => if (x <=? 2 ^ 60)%Z && slt x 0 then below (x + 1) rest else negb (forallb f [a; b] || g (S k))
  | _ :: _ => (fun n : nat => Nat.eqb n 3) 4
  end.
Definition tests := [ (1 <=? p, Too_small 1); (fits q, May_overflow 7) ] ++ more (- z / 2 ^ 30).
Lemma never : forall x : Z, x + 1 <=? 2 = true.
Proof. intro x. replace (x + 1) with (1 + x) by ring. Qed.
"""


def coq_changes(name: str, text: str = COQ) -> list[str]:
    found = next(one for one in definitions(text, ["Too_small", "May_overflow"]) if one.name == name)
    return [f"{one.operator}: {text[one.start : one.end]} -> {one.new}" for one in changes(text, found)]


def test_every_kind_of_change_of_a_coq_definition():
    assert coq_changes("below") == [
        "swap: true -> false",
        "direction: x <=? 2 ^ 60 -> 2 ^ 60 <=? x",
        "strictness: <=? -> <?",
        "number: 60 -> 61",
        "operator: && -> ||",
        "direction: slt -> (fun x y => slt y x)",
        "strictness: slt -> (fun x y => negb (slt y x))",
        "number: 0 -> 1",
        "operator: + -> -",
        "number: 1 -> 0",
        "drop negb: negb -> (fun b => b)",
        "swap: forallb -> existsb",
        "drop entry: a; -> ",
        "drop entry: ; b -> ",
        "operator: || -> &&",
        "drop successor: S -> ",
        "direction: Nat.eqb -> (fun x y => negb (Nat.eqb x y))",
        "strictness: Nat.eqb -> Nat.leb",
        "number: 3 -> 2",
        "number: 4 -> 3",
    ]
    assert coq_changes("tests") == [
        "drop part: [ (1 <=? p, Too_small 1); (fits q, May_overflow 7) ] ++ -> ",
        "drop entry: (1 <=? p, Too_small 1); -> ",
        "number: 1 -> 0",
        "drop entry: ; (fits q, May_overflow 7) -> ",
        "drop part: ++ more (- z / 2 ^ 30) -> ",
        "drop sign: - -> ",
        "round: - z / 2 ^ 30 -> ((- z + 2 ^ 30 - 1) / 2 ^ 30)",
        "number: 30 -> 31",
    ]


def test_nothing_but_bodies_of_definitions_is_changed():
    found = definitions(COQ)
    assert [one.name for one in found] == ["limit", "below", "tests"]
    places = {place for one in found for change in changes(COQ, one) for place in range(change.start, change.end)}
    untouched = ["(* a comment", "2 ^ 6 - 4", "(S k, O)", "list (nat * nat)", "n : nat", "Lemma never", "by ring"]
    for text in untouched:
        start = COQ.index(text)
        assert not places & set(range(start, start + len(text))), text


def test_sentences_and_proofs():
    assert [one.keyword for one in sentences(COQ)][:3] == ["From", "Definition", "Fixpoint"]
    assert in_proof(COQ, line_of(COQ, COQ.index("Proof."))) and in_proof(COQ, line_of(COQ, COQ.index("Lemma")))
    assert not in_proof(COQ, line_of(COQ, COQ.index("| (S k")))


def test_changes_are_deterministic_and_applied_where_they_say():
    for one in definitions(COQ):
        found = changes(COQ, one)
        assert found == changes(COQ, one)
        for change in found:
            assert change.applied(COQ) == COQ[: change.start] + change.new + COQ[change.end :] != COQ


MIRROR = '''"""Docstring: 1 < 2."""
LIMIT = 2**60
UNUSED = 5


def verdict(rows: Int64[np.ndarray, "2 3"], low: int = 3) -> str:
    """Say 1 + 1."""
    total: int = low + 1
    if not rows.any() or total // 2 >= LIMIT:
        raise refused("Too_small", f"got {1 + 1}, wanted {2}")
    check_rows(rows)
    _check_size(rows)
    step = max(1, CHUNK // 2)
    while step > 1 and step > CHUNK + 1:
        step //= 2
    return helper(-total) if quick else shift_up(4, np.maximum(rows, low))


def helper(x: int) -> int:
    return abs(*zip(x, strict=True))


def find(x: int) -> int:
    return x + 1
'''


def test_every_kind_of_change_of_a_mirror():
    reached = mirror_operators.mirrors(mirror_operators.modules({"m": MIRROR}))
    assert set(reached) == {("m", "verdict"), ("m", "helper"), ("m", "LIMIT")}
    assert reached["m", "LIMIT"] == {("m", "verdict")}
    found = mirror_operators.changes(MIRROR, {name for _, name in reached})
    assert [f"{one.operator}: {MIRROR[one.start : one.end]} -> {one.new}" for one in found] == [
        "number: 2 -> 1",
        "number: 2 -> 3",
        "number: 60 -> 59",
        "number: 60 -> 61",
        "number: 3 -> 2",
        "number: 3 -> 4",
        "operator: + -> -",
        "number: 1 -> 0",
        "number: 1 -> 2",
        "drop not: not -> ",
        "swap: any -> all",
        "operator: or -> and",
        "round: total // 2 -> (-(-(total) // (2)))",
        "number: 2 -> 1",
        "number: 2 -> 3",
        "direction: >= -> <=",
        "strictness: >= -> >",
        'drop refusal: raise refused("Too_small", f"got {1 + 1}, wanted {2}") -> pass',
        "drop refusal: check_rows(rows) -> pass",
        "drop -: - -> ",
        "condition: quick -> not (quick)",
        "swap: shift_up -> shift_down",
        "number: 4 -> 3",
        "number: 4 -> 5",
        "swap: maximum -> minimum",
        "drop absolute: abs -> ",
    ]


def test_results_go_on_where_they_were(tmp_path):
    mutant = Mutant("A.v", 1, 3, "f", "swap", 2, 5, "min", "max", "x min y")
    results = Results(tmp_path / "results.jsonl", lambda file: f"of {file}")
    assert results.get("proofs", mutant) is None
    results.add("proofs", mutant, Result("proof", "B.v:7", "Error", "B.v"), 1.0)
    again = Results(tmp_path / "results.jsonl", lambda file: f"of {file}")
    assert again.get("proofs", mutant) == again.last(mutant) == Result("proof", "B.v:7", "Error", "B.v")
    assert again.rested_on(["proofs"], "A.v") == ["B.v"] and not again.rested_on(["verdicts"], "A.v")
    assert Results(tmp_path / "results.jsonl", lambda file: "changed").get("proofs", mutant) is None
    text, survived = summary("all", [mutant], [Result("survived", "", "")], tmp_path)
    assert survived == [mutant] and "survived: A.v:1 f, swap, 3: min -> max" in text


def test_what_does_not_finish_is_killed_and_what_fails_is_an_error(tmp_path):
    def endless() -> Result:
        while True:
            pass

    def broken() -> Result:
        raise ValueError("no such thing")

    mutant = Mutant("a.py", 1, 3, "f", "swap", 2, 5, "min", "max", "min(x)")
    results = Results(tmp_path / "results.jsonl", lambda file: "the same")
    run([(mutant, endless, 1)], results, "tests", 1)
    assert results.get("tests", mutant) == Result("test", "", "does not finish")
    with pytest.raises(AssertionError, match="no such thing"):
        run([(mutant, broken, 1)], results, "tests", 1)


def test_equivalents_are_well_formed():
    assert len(equivalents()) == EQUIVALENTS.read_text().count("\nwhy: ")
    assert all(len(why) > 20 for why in equivalents().values())


def test_a_file_is_cut_into_sentences_as_coqtop_reads_them():
    text = """Lemma a : let x := 1 in x = 1 /\\ True.
Proof.
  split. (* - both *)
  - { reflexivity. }
  - exact I.
Qed.
Definition b : nat. Proof. exact 1. Defined. Fixpoint c (n : nat) := b."""
    found = parts(text)
    assert [one.sentences for one in found] == [
        ("Lemma a : let x := 1 in x = 1 /\\ True.", "Proof.", "split.", "-", "{", "reflexivity.", "}", "-", "exact I.", "Qed."),
        ("Definition b : nat.", "Proof.", "exact 1.", "Defined."),
        ("Fixpoint c (n : nat) := b.",),
    ]
    assert [one.proof for one in found] == [True, True, False]
    assert [one.start for one in found] == [0, text.index("Definition"), text.index("Fixpoint")]
    assert found[1].names("b") and not found[1].names("exac")


def test_a_slow_proof_is_left_out_once_and_its_statement_never():
    def steps(*texts: str) -> list[Step]:
        return [Step("A.v", 3, text, True) for text in texts]

    before, after = Step("A.v", 1, "Definition b := 1.", False), steps("Lemma c : b = 1.")[0]
    plan = Plan([before, after, *steps("Proof.", "slow.", "Qed."), before], [0.1, 0.1, 0.1], 4)
    assert not plan.leave_out(before) and not plan.leave_out(after) and plan.asked == 4
    assert plan.leave_out(plan.steps[3])
    assert plan.steps == [before, after, *steps("Proof.", "Admitted."), before] and (plan.control, plan.asked) == ([], 0)
    assert not plan.leave_out(plan.steps[3])


@pytest.fixture(scope="module")
def theory(_theory_built):
    return theory_copy.Theory(_theory_built)


def of_file(theory, file: str, name: str) -> list[Mutant]:
    return [one for one in coq_mutants.all_mutants(theory, file) if one.name == name]


def without_change(mutant: Mutant) -> Mutant:
    return replace(mutant, new=mutant.old)


def test_coq_mutants_die_by_a_proof(theory, tmp_path, capsys):
    """Three that change sums and comparisons; one that makes the checker refuse all, which is sound, does not."""
    (sums, *_), (same, *_) = of_file(theory, SECOND, "sum_rows"), of_file(theory, SECOND, "same_row")
    wrong, all_refused = of_file(theory, SECOND, "is_square")
    no_type = replace(same, new="0%Z")
    mutants = [sums, same, no_type, wrong, all_refused]
    results = Results(tmp_path / "results.jsonl", partial(coq_mutants.sources_sha256, theory))
    coq_mutants.in_sessions(theory, mutants, results, 1)
    found = [results.get("proofs", one) for one in mutants]
    assert [one and one.verdict for one in found] == ["proof", "proof", "stillborn", "proof", None]
    assert found[0].where.startswith("Modular/Length/SecondMomentCounted.v:")
    assert found[3].where.startswith("Modular/SecondMomentSound.v:")
    assert results.get("session", all_refused).verdict == "open"
    assert "3 proof, 1 stillborn" in capsys.readouterr().err


SECOND = "Modular/SecondMoment.v"


@pytest.fixture(scope="module")
def few_cases():
    """Cases of a network of squares, and of one for the largest of a few tokens, with the verdicts that mirrors predict."""
    made = [case for seed in (13, 191) for case in corpus.attacked(seed)]
    return corpus.Corpus(tuple(replace(one, verdict=mirror_verdict(one.case())) for one in made), "few")


def test_a_coq_mutant_that_is_sound_dies_by_a_verdict(theory, tmp_path, few_cases):
    """One that refuses all; the same file without a change does not."""
    _, all_refused = of_file(theory, SECOND, "is_square")
    cases = replace(few_cases, cases=tuple(one for one in few_cases.cases if one.strategy == "second_moment"))
    place = theory_copy.Workplace(theory, tmp_path / "place")
    died = coq_mutants.try_verdicts(place, all_refused, cases)
    assert died.verdict == "test" and died.why.startswith("Refused Wrong_activation in place of ")
    place.reset()
    assert cases.first_difference(place.root, ["ModularFacade"]) is None
    checked = coq_mutants.by_check(cases)
    assert len(checked.cases) == 1 and checked.first_difference(place.root, ["ModularFacade"]) is None


def test_mirror_mutants_die_by_a_verdict(tmp_path, few_cases, capsys):
    """Ten changes in what every checker does; one that changes nothing does not die."""
    found = mirror_cases.sources(Path(mirror_mutants.__file__).parents[2])
    cases = mirror_cases.judged(tmp_path, found, few_cases)
    file = "proofs/strategies/terms.py"
    names = ("verdict_of", "check_total", "check_exact_total", "shift_down", "shift_up", "scale_down", "scale_up")
    mutants = [(module, one) for module, one in mirror_cases.all_mutants(found) if one.file == file and one.name in names]
    module, first = mutants[0]
    mutants.append((module, without_change(first)))
    results = Results(tmp_path / "results.jsonl", mirror_mutants.hashes(found, few_cases, cases, corpus.TESTS))
    run(mirror_mutants.by_cases(mutants, results, found, cases), results, "verdicts", 1)
    verdicts = [results.get("verdicts", one).verdict for _, one in mutants]
    assert verdicts == ["test"] * (len(mutants) - 1) + ["survived"], [one.change for _, one in mutants]
    assert len(mutants) > 10
