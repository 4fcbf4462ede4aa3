"""Generated files as a stranger may leave them: files that are no files, hostile text in a finished proof, hidden .vo files.

The proof is of the toy theory in tests/conftest.py. But for the last test, no process of Coq may start.
"""

import json
import os
import runpy
import time
from pathlib import Path

import pytest

from compact_proofs.extract.coq_text import Field, certificate_v, weights_v
from compact_proofs.extract.families import quantise_network
from compact_proofs.extract.grammar import LARGEST_FILE, read_source
from compact_proofs.extract.rounding import QuantisedMatrix
from compact_proofs.models.errors import GrammarError, InputRefused, NotProved, UsageError
from compact_proofs.models.weights import load_model
from compact_proofs.proofs import coqrun, pipeline

TEXT = runpy.run_path(str(Path(__file__).parent / "test_hostile_text.py"))  # test files cannot import each other
MODEL = "max_of_2_tiny"
CERTIFICATE = certificate_v("toy", "toy", [Field("bound", "Z", 60)])
SECONDS = 2.0  # for a refusal


def test_what_is_no_plain_file_is_refused(tmp_path):
    good = tmp_path / "good.v"
    good.write_text(CERTIFICATE)
    assert read_source(good) == CERTIFICATE
    link, broken, device = tmp_path / "link.v", tmp_path / "broken.v", tmp_path / "device.v"
    link.symlink_to(good)
    broken.symlink_to(tmp_path / "nothing")
    device.symlink_to(os.devnull)
    os.mkfifo(tmp_path / "pipe.v")
    (tmp_path / "folder.v").mkdir()
    for path in (link, broken, device, tmp_path / "pipe.v", tmp_path / "folder.v", tmp_path / "missing.v", Path(os.devnull)):
        with pytest.raises(GrammarError, match=f"{path.name}: it (cannot be read|is no plain file)"):
            read_source(path)


def test_a_file_of_a_hundred_megabytes_is_refused_at_once(tmp_path):
    large = tmp_path / "Certificate.v"
    large.write_text(CERTIFICATE)
    os.truncate(large, 100 * 2**20)
    started = time.monotonic()
    with pytest.raises(GrammarError, match="Certificate.v: it has more than 33,554,432 bytes"):
        read_source(large)
    assert time.monotonic() - started < SECONDS
    os.truncate(large, LARGEST_FILE)
    assert len(read_source(large)) == LARGEST_FILE


@pytest.fixture
def without_coq(monkeypatch):
    """Nothing of Coq may start."""

    def start(command, *arguments):
        pytest.fail(f"started {command}")

    monkeypatch.setattr(coqrun, "run", start)
    monkeypatch.setattr(coqrun, "require_coq", lambda: "8.16.1")
    monkeypatch.setattr(coqrun, "build_theory", lambda *arguments, **named: None)


@pytest.fixture
def ask(toy, proved, monkeypatch):
    """What re-reads the files of a proof with the toy strategy."""
    monkeypatch.setattr(pipeline, "strategy", lambda *arguments: toy(60))
    return (lambda: pipeline.check(MODEL, toy(60), proved), lambda: pipeline.reread_all(proved))


def changed_files(folder: Path):
    """Each file of a proof with each hostile change."""
    inner = folder / "toy"
    for path in (folder / "Weights.v", *(inner / f"{name}.v" for name in ("Certificate", "Theorem", "Assumptions", "Diagnose"))):
        text = path.read_text()
        for statement in TEXT["STATEMENTS"][::9]:
            yield path, text + statement + "\n"
            yield path, text.replace(" *)\n", f" *) {statement}\n", 1)
        for character in TEXT["CHARACTERS"][::5]:
            yield path, text[:-1] + character + "\n"
        for text_at in (text.replace("\n", "\r\n"), text.replace("\n", "\r"), "\ufeff" + text, "", "\0", text * 2, text[:-2]):
            yield path, text_at
    certificate = inner / "Certificate.v"
    for number in TEXT["NUMERALS"].split(" ")[::6]:
        yield certificate, certificate.read_text().replace("60", number)
    theorem = inner / "Theorem.v"
    for old, new in (("(60 <=", "(61 <="), ("Weights.", "Weights2."), ("toy_check 60", "toy_check 59"), ("Facade", "Evil")):
        yield theorem, theorem.read_text().replace(old, new)


@pytest.mark.coq
def test_changed_files_are_refused_by_check_and_by_reread_all(proved, ask, without_coq):
    folder = proved.root / "generated" / MODEL
    for path, text in list(changed_files(folder)):
        before = path.read_bytes()
        path.write_bytes(text.encode("utf-8"))
        for one in ask:
            with pytest.raises(GrammarError, match=path.name):
                one()
        path.write_bytes(before)
    assert len(pipeline.reread_all(proved)) == 5


@pytest.mark.coq
@pytest.mark.parametrize("how", ["link", "pipe", "folder", "large", "missing"])
@pytest.mark.parametrize("name", ["Weights.v", "toy/Certificate.v", "toy/Theorem.v", "toy/Assumptions.v"])
def test_files_that_are_none_are_refused_by_check_and_by_reread_all(proved, ask, without_coq, tmp_path, name, how):
    path = proved.root / "generated" / MODEL / name
    moved = tmp_path / "moved.v"
    if how == "large":
        os.truncate(path, 100 * 2**20)
    else:
        path.rename(moved)
    if how == "link":
        path.symlink_to(moved)
    elif how == "pipe":
        os.mkfifo(path)
    elif how == "folder":
        path.mkdir()
    for one in ask[: 1 if (how, name) == ("missing", "toy/Theorem.v") else 2]:  # where there is none, none is re-read
        started = time.monotonic()
        with pytest.raises((InputRefused, UsageError)):
            one()
        assert time.monotonic() - started < SECONDS


@pytest.mark.coq
def test_weights_of_another_network_of_the_same_shape_are_refused(toy, proved, without_coq):
    path = proved.root / "generated" / MODEL / "Weights.v"
    network = quantise_network(*load_model(MODEL))
    ints = network.W_U.ints.copy()
    ints[0, 0] -= 1
    object.__setattr__(network, "W_U", QuantisedMatrix(ints, network.W_U.scale_bits))
    path.write_text(weights_v(network))
    with pytest.raises(GrammarError, match="Weights.v"):
        pipeline.check(MODEL, toy(60), proved)


VALUES = (
    None, True, -1, 1.5, "", "x", "at_most", "exactly", [], {}, [[]], "9" * 5000, 10**400, "-1", "61", "6_0", " 60 ",
    "\N{ARABIC-INDIC DIGIT SIX}0", "modular_pizza", "../toy",
)  # fmt: skip
FIELD_LISTS = ([], [1], [{}], [{"name": "bound"}], "bound", {"bound": 60})
JSON = (b"", b"{", b"[]", b"null", b"60", b"\xff\xfe", b"\0", b"[" * 10**5, b'{"a":' * 10**5, b"\n" * 10**6)


@pytest.mark.coq
def test_a_claim_of_a_stranger_is_refused_by_check_and_by_reread_all(proved, ask, without_coq):
    """certificate.json: of any other value, type or form nothing comes but a refusal."""
    path = proved.out / MODEL / "toy" / "certificate.json"
    good = json.loads(path.read_text())
    [field] = good["fields"]
    claims = [{**good, key: value} for key in ("schema", "proved", "layout", "fields", "statement") for value in VALUES]
    claims += [{**good, "fields": [{**field, key: value}]} for key in field for value in VALUES]
    claims += [{**good, "fields": fields} for fields in (*FIELD_LISTS, [field, field], [field, {**field, "name": "more"}])]
    claims += [{**good, "fields": [{**field, "name": name}]} for name in ("Z", "list", "correct_count", "bound'", "a.b", "Bound")]
    claims += [{key: value for key, value in good.items() if key != left_out} for left_out in good]
    for text in (*JSON, *(json.dumps(claim).encode() for claim in claims)):
        path.write_bytes(text)
        for one in ask:
            with pytest.raises((InputRefused, UsageError)):
                one()


@pytest.mark.coq
def test_compiled_files_of_a_stranger_shadow_nothing(toy, proved):
    """A .vo in the folder of generated files, of a name that a theorem imports, is not what the theorem is about."""
    facade = (proved.root / "theories" / "Facade.v").read_text()
    for hidden in ("Facade", f"{MODEL}/Facade", f"{MODEL}/toy/Weights", "ZArith"):
        path = proved.root / "generated" / f"{hidden}.v"
        path.write_text(facade.replace(":= 60.", ":= 64.").replace(" 60 ", " 64 ").replace("(bound c) 60", "(bound c) 64"))
        coqrun.coqc(proved.root, path.relative_to(proved.root), coqrun.Limits())
        path.unlink()
        assert path.with_suffix(".vo").is_file()
    (proved.out / MODEL / "toy" / "certificate.json").unlink()
    with pytest.raises(NotProved, match="add up to 60, the theorem wants 61"):
        pipeline.prove(MODEL, toy(61), proved)
