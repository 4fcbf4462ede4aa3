"""From model to checked theorem, with the toy theory and toy strategy of conftest on the tiny max-of-2 network."""

import dataclasses
import json
from pathlib import Path

import pytest

from compact_proofs.models.errors import GrammarError, InputRefused, NotProved, TimeLimit, UsageError
from compact_proofs.proofs import assumptions, coqrun, pipeline
from compact_proofs.proofs.audit import SPECIFICATION, WEIGHTS
from compact_proofs.proofs.forms import FORMS
from compact_proofs.proofs.pipeline import Options
from compact_proofs.proofs.registry import Tuning
from compact_proofs.proofs.report import Report
from compact_proofs.proofs.verdict import explain, verdict_text

MODEL = "max_of_2_tiny"  # 64 inputs
KEYS = {
    "model", "strategy", "family", "sizes", "n_inputs", "proved_correct", "true_correct", "float_accuracy",
    "quantised_accuracy", "certificate_bytes", "checker_operations", "seconds", "peak_rss_mb", "assumptions", "theorem",
    "files", "coq_version",
}  # fmt: skip


def generated(options, name):
    return options.root / "generated" / MODEL / "toy" / name


def report_path(options):
    return options.out / MODEL / "toy" / "report.json"


@pytest.mark.coq
def test_prove_reports_what_coq_accepted(toy, options):
    said = []
    report = pipeline.prove(MODEL, toy(60), options, said.append)
    value = json.loads(report_path(options).read_text())
    assert set(value) >= KEYS
    assert list(value) == sorted(value)
    assert (value["n_inputs"], value["proved_correct"]) == ("64", "60")
    assert 60 <= int(value["true_correct"]) <= 64
    assert value["theorem"] == "Theorem accuracy : (60 <= correct_count network)%Z."
    assert value["theorem_in_words"] == "at least 60 of 64 sequences, 93.75 %, are answered right"
    assert value["assumptions"] == []
    assert {"quantise", "search", "coqc", "coqchk"} <= set(value["seconds"])
    assert value["peak_rss_mb"] > 10
    assert value["certificate_bytes"] == len("Definition bound : Z := 60%Z.\n")
    assert value["coq_version"] == "8.16.1"
    assert Report.load(report_path(options)) == report
    assert said[0] == f"[1/7] load {MODEL} and quantise it"
    assert [line[:5] for line in said] == [f"[{stage}/7]" for stage in range(1, 8)]
    assert generated(options, "Theorem.vo").is_file()


@pytest.mark.coq
def test_a_proof_stands_without_the_estimate(toy, proved, monkeypatch):
    def fail(*arguments):
        raise TimeLimit("the sample ran past its limit")

    monkeypatch.setattr(pipeline, "brute_force_seconds", fail)
    said = []
    report = pipeline.prove(MODEL, toy(60), dataclasses.replace(proved, estimate=True), said.append)
    assert report.brute_force_estimate_s is None
    assert "brute force is not estimated: the sample ran past its limit" in said


@pytest.mark.coq
def test_second_run_reuses_the_search_and_not_the_check(toy, proved):
    first = generated(proved, "Theorem.vo").stat().st_mtime_ns
    never = dataclasses.replace(toy(60), find=lambda model, progress: pytest.fail("searched again"))
    assert pipeline.prove(MODEL, never, proved).search_reused
    assert generated(proved, "Theorem.vo").stat().st_mtime_ns > first
    fewer_bits = dataclasses.replace(proved, weight_bits=7)
    (proved.out / MODEL / "toy" / "certificate.json").write_text("{")
    assert not pipeline.prove(MODEL, toy(60), fewer_bits).search_reused


@pytest.mark.coq
def test_bound_one_too_high_is_refused_with_the_case(toy, proved):
    (proved.out / MODEL / "toy" / "certificate.json").unlink()
    with pytest.raises(NotProved) as caught:
        pipeline.prove(MODEL, toy(60, proved=61), proved)
    assert str(caught.value) == (
        f"{MODEL}, toy: Coq did not accept 61 of 64 (95.31 %): the inputs that the certificate counts add up to 60, the theorem "
        "wants 61; this disproves nothing\nverdict: Refused (Total_short 60 61)"
    )
    assert not report_path(proved).exists()
    assert not generated(proved, "Theorem.vo").exists()


def test_nothing_to_check(toy, options, monkeypatch):
    monkeypatch.setattr(coqrun, "require_coq", lambda: "8.16.1")
    with pytest.raises(UsageError, match=r"nothing to check: .*Weights.v is missing or unreadable; run `compact-proofs prove`"):
        pipeline.check(MODEL, toy(60), options)


@pytest.mark.coq
def test_check_builds_everything_again_and_notices_changes(toy, proved):
    generated(proved, "Theorem.vo").unlink()
    checked = pipeline.check(MODEL, toy(60), proved)
    assert (checked.theorem, checked.assumptions) == ("Theorem accuracy : (60 <= correct_count network)%Z.", [])
    assert generated(proved, "Theorem.vo").is_file()
    assert report_path(proved).exists()

    certificate = generated(proved, "Certificate.v")
    certificate.write_text(certificate.read_text().replace(":= 60%Z", ":= 59%Z"))
    with pytest.raises(NotProved, match="the inputs that the certificate counts add up to 59, the theorem wants 60"):
        pipeline.check(MODEL, toy(60), proved)
    assert not report_path(proved).exists()
    assert not generated(proved, "Theorem.vo").exists()


@pytest.mark.coq
@pytest.mark.parametrize("name", ["Weights.v", "toy/Certificate.v", "toy/Theorem.v", "toy/Assumptions.v", "toy/Diagnose.v"])
def test_a_changed_file_never_reaches_coq(toy, proved, name):
    path = proved.root / "generated" / MODEL / name
    path.write_text(path.read_text() + "Fixpoint f (n : nat) {struct n} : False := f n.\n")
    with pytest.raises(GrammarError, match=f"{path.name}:.*it was edited"):
        pipeline.check(MODEL, toy(60), proved)
    assert not report_path(proved).exists()


@pytest.mark.coq
def test_other_weights_are_noticed(toy, proved):
    """A theorem about other integers than the model's is not this model's."""
    path = proved.root / "generated" / MODEL / "Weights.v"
    first = path.read_text()
    changed = first.replace("[1; ", "[2; ", 1) if "[1; " in first else first.replace("; 1;", "; 2;", 1)
    assert changed != first
    path.write_text(changed)
    with pytest.raises(GrammarError, match="Weights.v"):
        pipeline.check(MODEL, toy(60), proved)


@pytest.mark.coq
def test_unlisted_axiom_is_refused(toy, proved):
    facade = proved.root / "theories" / "Facade.v"
    text = facade.read_text()
    start, end = text.index("Theorem toy_sound"), text.index("Qed.") + len("Qed.")
    statement = text[start : text.index("Proof.")].replace("Theorem", "Axiom")
    facade.write_text(text[:start] + statement + text[end:])
    with pytest.raises(NotProved, match=r"rests on Facade.toy_sound, which proofs/allowed_assumptions.txt does not list"):
        pipeline.prove(MODEL, toy(60), proved)
    assert not report_path(proved).exists()
    assert not generated(proved, "Theorem.vo").exists()


@pytest.mark.coq
def test_more_than_the_truth_is_refused_even_from_coq(toy, proved):
    """Coq and the float64 enumeration must not contradict each other."""
    facade = proved.root / "theories" / "Facade.v"
    facade.write_text(facade.read_text().replace("60", "64"))
    (proved.out / MODEL / "toy" / "certificate.json").unlink()
    with pytest.raises(NotProved, match="one of them is wrong: please report this"):
        pipeline.prove(MODEL, toy(64), proved)
    assert not report_path(proved).exists()


@pytest.mark.coq
@pytest.mark.parametrize("stage", ["find", "build_theory", "coqc", "assumptions", "coqchk"])
def test_interrupted_prove_leaves_nothing_that_looks_finished(toy, proved, monkeypatch, stage):

    def interrupt(*arguments, **named):
        raise KeyboardInterrupt

    strategy = toy(60)
    if stage == "find":
        (proved.out / MODEL / "toy" / "certificate.json").unlink()
        strategy = dataclasses.replace(strategy, find=interrupt)
    else:
        monkeypatch.setattr(coqrun, stage, interrupt)
    with pytest.raises(KeyboardInterrupt):
        pipeline.prove(MODEL, strategy, proved)
    assert report_path(proved).exists() == (stage == "build_theory")  # nothing of the earlier proof is touched before
    if stage not in ("find", "build_theory"):  # those have not got as far as a theorem
        assert not generated(proved, "Theorem.vo").exists()


@pytest.mark.coq
def test_a_refused_option_leaves_the_earlier_proof(toy, proved):
    def refuse(*arguments):
        raise UsageError("rank: got 200")

    before = report_path(proved).read_bytes()
    with pytest.raises(UsageError, match="rank: got 200"):
        pipeline.prove(MODEL, dataclasses.replace(toy(60), find=refuse), dataclasses.replace(proved, tuning=Tuning(rank=200)))
    assert report_path(proved).read_bytes() == before
    assert pipeline.check(MODEL, toy(60), proved).theorem == Report.load(report_path(proved)).theorem


@pytest.mark.coq
def test_new_weights_remove_what_was_compiled_from_old_ones(toy, proved):
    other = proved.root / "generated" / MODEL / "other"
    other.mkdir()
    (other / "Theorem.vo").write_bytes(b"about other weights")
    pipeline.prove(MODEL, toy(60), proved)
    assert (other / "Theorem.vo").exists()
    pipeline.prove(MODEL, toy(60), dataclasses.replace(proved, weight_bits=6))
    assert not (other / "Theorem.vo").exists()


@pytest.mark.coq
def test_reread_all(toy, options, proved, monkeypatch):
    monkeypatch.setattr(pipeline, "strategy", lambda name, group: toy(60))
    assert pipeline.reread_all(options) == []
    assert [path.name for path in pipeline.reread_all(proved)] == [
        "Weights.v", "Assumptions.v", "Certificate.v", "Diagnose.v", "Theorem.v",
    ]  # fmt: skip
    generated(proved, "Extra.v").write_text("Axiom a : False.\n")
    with pytest.raises(InputRefused, match="Extra.v is no file of a finished generation"):
        pipeline.reread_all(proved)


@pytest.mark.coq
def test_soundness_assumptions(toy, proved, monkeypatch):
    monkeypatch.setattr(assumptions, "FORMS", {("max_of_k", "toy"): toy(60).form})
    assert assumptions.soundness_assumptions(proved.root, proved.limits) == {"toy_sound": []}
    (proved.root / "theories" / "Facade.v").write_text("Axiom toy_sound : False.\n")
    coqrun.build_theory(proved.root, 1, proved.limits, print)
    with pytest.raises(NotProved, match="rests on Facade.toy_sound"):
        assumptions.soundness_assumptions(proved.root, proved.limits)


def test_the_page_of_what_is_trusted_is_up_to_date():
    root = Path(__file__).parents[2]
    page = (root / "docs" / "trust.md").read_text()
    golden = assumptions.golden_assumptions()
    by_task = [golden["cubic_sound"], golden["quadrature_sound"]]
    for name, meaning in coqrun.allowed_assumptions().items():
        marks = " | ".join("x" if name in names else "" for names in by_task)
        assert f"| `{name}` | {meaning} | {marks} |\n" in page
    for group, files in SPECIFICATION.items():
        lines = {file: (root / "coq" / "theories" / file).read_text().count("\n") for file in files}
        for file, count in lines.items():
            assert f"| `{file}` | {count} |" in page
        assert sum(lines.values()) < 250, group
    weights = (root / "coq" / "theories" / WEIGHTS).read_text().count("\n")
    assert f"| `{WEIGHTS}` | {weights} |" in page
    assert weights <= 40


def test_golden_assumptions():
    golden = assumptions.golden_assumptions()
    assert golden.keys() == {names.sound for form in FORMS.values() for names in form.coq.values()}
    assert set().union(*golden.values()) == coqrun.allowed_assumptions().keys()
    assert all(coqrun.allowed_assumptions().values())  # each has its meaning
    assumptions.check_golden(golden)
    name = min(golden)
    with pytest.raises(NotProved, match=rf"{name}: rests on False_axiom beyond"):
        assumptions.check_golden({**golden, name: [*golden[name], "False_axiom"]})
    with pytest.raises(NotProved, match=rf"{name}: rests on nothing beyond .*, and not on {golden[name][0]} of"):
        assumptions.check_golden({**golden, name: golden[name][1:]})
    with pytest.raises(NotProved, match="new_sound: rests on"):
        assumptions.check_golden({**golden, "new_sound": golden[name]})


def test_disagreeing_mirror_gives_nothing_to_coq(toy, options, monkeypatch):
    monkeypatch.setattr(coqrun, "require_coq", lambda: "8.16.1")
    monkeypatch.setattr(coqrun, "build_theory", lambda *arguments: None)
    strategy = dataclasses.replace(toy(60), mirror=lambda model, certificate: 59)
    with pytest.raises(NotProved, match="the search claims 60 inputs, its mirror of the checker accepts 59"):
        pipeline.prove(MODEL, strategy, options)
    assert not generated(options, "Theorem.v").exists()


def test_unknown_model_lists_the_valid_ones(toy, options, monkeypatch):
    monkeypatch.setattr(coqrun, "require_coq", lambda: "8.16.1")
    with pytest.raises(UsageError, match=r"unknown MODEL 'max_of_k_5'; valid: .*max_of_2_tiny"):
        pipeline.prove("max_of_k_5", toy(60), options)


def test_report_that_is_none_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no finished proof"):
        Report.load(tmp_path / "report.json")
    (tmp_path / "report.json").write_text('{"schema": 1}')
    with pytest.raises(InputRefused, match="not a report of this version"):
        Report.load(tmp_path / "report.json")


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        ("Accepted", "the checker accepts the certificate"),
        ("Refused (Query_short 3 26 1261)", "for last token 3 the checker proves 26 inputs right, the certificate claims 1,261"),
        ("Refused (Total_short 60%Z 61%Z)", "the inputs that the certificate counts add up to 60, the theorem wants 61"),
        ("Refused (Bands_short 7 1024)", "the bands of tokens cover 7 tokens, the network has 1,024; add larger bands"),
        ("Refused (Wrong_length Band 2 1)", "the first band has 2 tokens, wanted 1: the largest token is a band of its own"),
        ("Refused (Wrong_length Band 9 8)", "the certificate has 9 bands of tokens, wanted at most 8"),
        ("Refused (Wrong_length Moved 3 4)", "the certificate moves a vector of 3 entries, wanted 4, the width of the network"),
        (
            "Refused (Wrong_factor Direct_logits Bounded_left)",
            "the low-rank factor Bounded_left of the product Direct_logits has the wrong shape or rank, or numbers above 2^60",
        ),
        ("Refused (Wrong_shape Tensor_W_E)", "tensor W_E is not of the shape that the sizes in Weights.v want"),
        (
            "Refused (May_overflow Scores)",
            "a product could leave 62 bits at the stage Scores; use fewer weight bits or a smaller network",
        ),
        ("Refused (Something_new 1)", "Refused (Something_new 1)"),
    ],
)  # fmt: skip
def test_verdicts_in_words(verdict, sentence):
    assert explain(verdict) == sentence


def test_verdict_is_read_from_coqs_output():
    printed = "     = Refused\n         (Query_short 3 260\n 261)\n     : outcome\n"
    assert verdict_text(printed) == "Refused (Query_short 3 260 261)"
    assert verdict_text("Error") == "Error"


def test_options_are_the_documented_ones():
    assert (str(Options().out), Options().weight_bits) == ("build", None)
