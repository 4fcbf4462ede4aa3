"""Files between runs that are damaged, foreign or left over: searched, written and compiled again, or refused with a message."""

import json
import shutil

import pytest

from compact_proofs.models.errors import ConfigError, GrammarError, InputRefused, UsageError
from compact_proofs.models.weights import ZOO, load_model
from compact_proofs.proofs import claim as claims
from compact_proofs.proofs import cli, coqrun, pipeline
from compact_proofs.proofs.claim import Claim
from compact_proofs.proofs.report import Report

pytestmark = pytest.mark.coq
MODEL = "max_of_2_tiny"
GARBAGE = {
    "empty": b"",
    "cut": b'{"schema": 3, "fie',
    "no text": b"\xff\xfe\x00{}",
    "deep": b"[" * 200_000,
    "deep and whole": b'{"schema": 3, "fields": ' + b"[" * 900 + b"]" * 900 + b"}",
    "a list": b"[1, 2]",
    "a number": b"7",
    "null": b"null",
    "huge number": b'{"schema": 3, "proved": ' + b"9" * 5000 + b"}",
    "no number": b'{"schema": NaN, "proved": Infinity}',
}
garbage = pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)


def place(options):
    return pipeline.Place(options.root, options.out, MODEL, "toy")


@garbage
def test_a_stored_search_that_is_none(data, tmp_path):
    (tmp_path / "certificate.json").write_bytes(data)
    assert Claim.load(tmp_path / "certificate.json") is None


WRONG = {
    "inputs": [], "layout": {}, "weight_bits": "8", "statement": ["at_least"], "proved": 60, "operations": None, "search_s": "1",
    "words": 5, "fields": {"bound": 60}, "schema": None,
}  # fmt: skip
WRONG_FIELDS = [{"bound": 60}, [], "", {"name": "bound", "coq_type": [], "value": 60}, {"name": 1, "coq_type": "Z", "value": 60}]
WRONG_FIELDS += [{"name": "bound", "coq_type": "Z", "value": one} for one in ("60", 6.5, 2**63, [60], None, True, 1e999)]


@pytest.mark.parametrize(("key", "value"), [*WRONG.items(), *(("fields", [one]) for one in WRONG_FIELDS)])
def test_a_stored_search_of_wrong_types(key, value, proved):
    """Even where the hash of the file has been made to fit."""
    path = place(proved).certificate
    assert Claim.load(path) is not None
    stored = json.loads(path.read_bytes())
    del stored["sha256"]
    for changed in (stored | {key: value}, {name: one for name, one in stored.items() if name != key}):
        path.write_text(json.dumps(changed | {"sha256": claims._sha256(changed)}))
        assert Claim.load(path) is None


@pytest.mark.parametrize("change", [('"60"', '"61"'), ('"value": 60', '"value": 59'), ("at_least", "at_most")])
def test_a_stored_search_that_has_changed(change, proved, toy, recovers):
    """A changed certificate is no certificate: it is searched again, and not what Coq refuses run after run."""
    path = place(proved).certificate
    text = path.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change))
    assert Claim.load(path) is None
    if change[1] == '"61"':
        with pytest.raises(UsageError, match="nothing to check: .*certificate.json is missing or unreadable; run"):
            pipeline.check(MODEL, toy(60), proved)
        other = proved.out / MODEL / "other" / "report.json"
        other.parent.mkdir()
        other.write_text("about the same weights")
        recovers(proved, toy(60), 60)
        assert other.exists()


def test_a_stored_search_that_coq_refuses_is_forgotten(proved, toy, recovers):
    """As when the theory has changed since."""
    facade = proved.root / "theories" / "Facade.v"
    facade.write_text(facade.read_text().replace("60", "58"))
    with pytest.raises(coqrun.NotProved, match="Coq did not accept 60 of 64"):
        pipeline.prove(MODEL, toy(60), proved)
    assert not place(proved).certificate.exists()
    recovers(proved, toy(58), 58, coqchk=False)


@garbage
def test_a_report_that_is_none(data, tmp_path, capsys):
    path = tmp_path / MODEL / "cubic" / "report.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    with pytest.raises(InputRefused, match=r"report.json: not a report of this version \((?s:.*)\); prove again"):
        Report.load(path)
    assert cli.main(["report", MODEL, "--strategy", "cubic", "--out", str(tmp_path)]) == 3
    assert capsys.readouterr().err.startswith(f"compact-proofs report: {path}: not a report of this version")


@pytest.mark.parametrize(
    ("key", "value"),
    [("seconds", {}), ("seconds", {"coqc": "1"}), ("sizes", {"magic": 1}), ("n_inputs", "many"), ("peak_rss_mb", "x"),
     ("quantised_evaluation", {"right": 1}), ("float_evaluation", {"right": 0, "total": 0, "undecided": 0, "exhaustive": True}),
     ("files", []), ("assumptions", 5), ("disagreement", None), ("theorem_in_words", "[/bold]"), ("more", 1)],
)  # fmt: skip
def test_a_report_that_cannot_be_shown(key, value, proved):
    path = place(proved).report
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {key: value}))
    with pytest.raises(InputRefused, match="not a report of this version"):
        Report.load(path)


@garbage
def test_a_config_that_is_none(data, tmp_path):
    shutil.copy(ZOO / f"{MODEL}.safetensors", tmp_path)
    (tmp_path / f"{MODEL}.json").write_bytes(data)
    with pytest.raises(ConfigError, match=f"{MODEL}.json: "):
        load_model(tmp_path / f"{MODEL}.json")


def test_compiled_files_that_are_damaged_or_foreign(proved, toy, is_honest):
    """Every one is made again of its .v, a .vio beside it is removed."""
    compiled = [(proved.root / source).with_suffix(".vo") for source in place(proved).sources]
    good = [path.read_bytes() for path in compiled]
    for path, other in zip(compiled, (compiled[1], compiled[2], compiled[0]), strict=True):
        path.with_suffix(".vio").write_bytes(good[compiled.index(other)])
        path.write_bytes(good[compiled.index(other)])
    compiled[2].write_bytes(good[2][: len(good[2]) // 2])
    assert is_honest(proved, toy(60)) is not None
    assert [path.read_bytes() for path in compiled] == good
    assert not list(proved.root.glob("generated/**/*.vio"))


def test_what_a_killed_run_leaves_lying_about(proved, toy, recovers):
    """Locks that nobody holds, temporary files, generated files that are cut short."""
    folders = [place(proved).report.parent, place(proved).lock.parent, place(proved).lock.parent / "toy"]
    for folder in folders:
        (folder / ".Theorem.v.abcd.unfinished").write_text("half")
        (folder / ".report.json.abcd.unfinished").write_text("half")
    place(proved).lock.write_text("held by 1234\n")
    sources = [proved.root / source for source in place(proved).sources]
    for path in sources:
        path.write_text(path.read_text()[: len(path.read_text()) // 2])
    with pytest.raises(GrammarError):
        pipeline.check(MODEL, toy(60), proved)
    assert not place(proved).report.exists()
    recovers(proved, toy(60), 60)


def test_a_report_goes_with_the_weights_that_it_is_about(proved, toy, recovers):
    """Other weights in Weights.v: no strategy's report speaks of the old ones any more."""
    other = proved.out / MODEL / "other" / "report.json"
    other.parent.mkdir()
    shutil.copy(place(proved).report, other)
    path = proved.root / place(proved).weights
    path.write_text(path.read_text().replace("weight bits 8", "weight bits 7"))
    recovers(proved, toy(60), 60, coqchk=False)
    assert not other.exists()
