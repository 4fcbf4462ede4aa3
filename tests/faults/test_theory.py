"""Which compiled files of the theory are used: never one that is truncated, changed, stale, foreign or half written."""

import os
import shutil
import time
from pathlib import Path

import pytest

from compact_proofs.models.errors import NotProved, TimeLimit
from compact_proofs.proofs import built, coqrun

pytestmark = pytest.mark.coq
LIMITS = coqrun.Limits(60, 4096)
SOURCES = {
    "A.v": "Definition a := 1.\n",
    "B.v": "From CompactProofs Require Import A.\nDefinition b := a + 1.\n",
    "C.v": "From CompactProofs Require Import B.\nLemma c : b = 2. Proof. reflexivity. Qed.\n",
    "Alone.v": "Definition alone := 5.\n",
}


@pytest.fixture(scope="session")
def _three_built(tmp_path_factory):
    root = tmp_path_factory.mktemp("three") / "coq"
    (root / "theories").mkdir(parents=True)
    (root / "_CoqProject").write_text("-Q theories CompactProofs\n-Q generated CompactProofs.Generated\n")
    for name, text in SOURCES.items():
        (root / "theories" / name).write_text(text)
    coqrun.build_theory(root, 1, LIMITS, print)
    return root


@pytest.fixture
def root(_three_built, tmp_path):
    """The folder of a built theory of which C rests on B, B on A, and Alone on nothing."""
    return Path(shutil.copytree(_three_built, tmp_path / "coq"))


def theory(root, name):
    return root / "theories" / name


def build(root, **options):
    """Build; return which files were compiled."""
    before = times(root)
    coqrun.build_theory(root, 1, LIMITS, print, **options)
    after = times(root)
    assert set(after) == {path.stem for path in root.glob("theories/*.v")}
    return {name for name, found in after.items() if before.get(name) != found}


def times(root):
    return {path.stem: path.stat().st_mtime_ns for path in root.glob("theories/*.vo")}


def set_time_of(path, other):
    os.utime(path, ns=(other.stat().st_mtime_ns,) * 2)


def change(path, old, new):
    path.write_text(path.read_text().replace(old, new))


ALL = {"A", "B", "C", "Alone"}


def test_what_is_up_to_date_is_not_touched(root):
    assert build(root) == set()
    for path in root.glob("theories/*.v"):
        path.touch()  # the same text
    (root / "CoqMakefile").unlink()
    start = time.monotonic()
    assert build(root) == set()
    assert time.monotonic() - start < 1


def test_a_copy_needs_no_build(root, tmp_path):
    shutil.copytree(root, tmp_path / "copy")
    shutil.rmtree(root)
    assert build(tmp_path / "copy") == set()


def truncate(root):
    data = theory(root, "B.vo").read_bytes()
    theory(root, "B.vo").write_bytes(data[: len(data) // 2])


def flip_a_bit(root):
    data = bytearray(theory(root, "B.vo").read_bytes())
    data[len(data) // 2] ^= 1
    theory(root, "B.vo").write_bytes(data)


def empty(root):
    theory(root, "B.vo").write_bytes(b"")


def take_from_another_source(root):
    text = theory(root, "B.v").read_text()
    change(theory(root, "B.v"), "a + 1", "a + 7")
    coqrun.coqc(root, Path("theories", "B.v"), LIMITS)
    theory(root, "B.v").write_text(text)
    future = time.time() + 1000
    os.utime(theory(root, "B.vo"), (future, future))


@pytest.mark.parametrize("fault", [truncate, flip_a_bit, empty, take_from_another_source])
def test_a_damaged_or_foreign_file_is_made_again(root, fault):
    good = theory(root, "B.vo").read_bytes()
    fault(root)
    assert build(root) == {"B", "C"}
    assert theory(root, "B.vo").read_bytes() == good


def test_a_changed_source_is_compiled_whatever_its_time(root):
    change(theory(root, "A.v"), "1", "S 0")
    set_time_of(theory(root, "A.v"), theory(root, "B.v"))
    assert theory(root, "A.v").stat().st_mtime_ns < theory(root, "A.vo").stat().st_mtime_ns
    assert build(root) == {"A", "B", "C"}


@pytest.mark.parametrize("name", ["Foreign.vo", "B.vio", "Generated/max_of_2_tiny/Weights.vo"])
def test_what_coq_would_load_and_nobody_has_built_is_removed(root, name):
    theory(root, name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(theory(root, "Alone.vo"), theory(root, name))
    build(root)
    assert not theory(root, name).exists()
    assert build(root) == set()


def test_a_source_that_is_gone_takes_its_compiled_file_along(root):
    theory(root, "Alone.v").unlink()
    build(root)
    assert not theory(root, "Alone.vo").exists()
    theory(root, "B.v").unlink()
    with pytest.raises(NotProved, match=r"does not compile:\n(?s:.*)C.v(?s:.*)B"):
        build(root)
    theory(root, "B.v").write_text(SOURCES["B.v"])
    assert {"B", "C"} <= build(root)


@pytest.mark.parametrize(
    "memory",
    [None, b"", b"{", b"\xff\x00", b"[" * 100_000, b"[]", b'{"schema": 1}', b'{"schema": "1", "coq": "8.16.1", "finished": true}',
     b'{"schema": 1, "coq": "8.16.1", "finished": 1e999, "sources": [], "compiled": 7}'],
    ids=["none", "empty", "cut", "no text", "deep", "a list", "no keys", "other schema", "other types"],
)  # fmt: skip
def test_without_a_memory_nothing_is_trusted(root, memory):
    (root / built.NAME).unlink()
    if memory is not None:
        (root / built.NAME).write_bytes(memory)
    assert built.Built.load(root) == built.Built()


def test_a_fresh_checkout_is_built_from_its_sources(root):
    (root / built.NAME).write_bytes(b"{")
    assert build(root) == ALL
    assert build(root) == set()
    assert build(root, clean=True) == ALL


def test_a_file_that_does_not_compile_costs_only_what_rests_on_it(root):
    change(theory(root, "A.v"), "1", "S 0")
    change(theory(root, "B.v"), "a + 1", "a + true")
    before = times(root)
    with pytest.raises(NotProved, match=r"theory in .* does not compile:\n(?s:.*)B.v(?s:.*)true"):
        build(root)
    assert times(root)["A"] > before["A"]
    change(theory(root, "B.v"), "a + true", "a + 1")
    assert build(root) == {"B", "C"}


def test_dependencies_that_a_killed_run_has_cut(root):
    change(theory(root, "A.v"), "1", "S 0")
    (root / ".CoqMakefile.d").write_text("theories/A.vo : theories/A.v\n")
    (root / "..built.json.abc.unfinished").write_text("")
    assert build(root) == {"A", "B", "C"}
    assert not (root / "..built.json.abc.unfinished").exists()


def test_a_compiler_that_is_killed_under_make(root, with_programs):
    """As when the machine is out of memory; what it has half written is not used."""
    change(theory(root, "A.v"), "1", "S 0")
    with_programs(coqc='case "$*" in *theories/B.v) echo half > theories/B.vo; kill -9 $$;; esac\nexec $real "$@"')
    with pytest.raises(TimeLimit, match="building the theory: a run of coqc was killed or crashed, perhaps out of memory"):
        build(root)
    with_programs(coqc='exec $real "$@"')
    assert build(root) == {"B", "C"}


def test_interrupted_under_make(root, monkeypatch):
    """What was compiled before stays, what was not is not trusted."""
    change(theory(root, "A.v"), "1", "S 0")
    real = coqrun.run

    def interrupted(command, *arguments):
        done = real(command, *arguments)
        if command[0] == "make":
            theory(root, "B.vo").write_bytes(b"half")
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(coqrun, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        build(root)
    monkeypatch.undo()
    assert build(root) == {"B", "C"}


def test_killed_before_it_could_remember(root, monkeypatch):
    change(theory(root, "A.v"), "1", "S 0")
    monkeypatch.setattr(built.Built, "save", lambda *arguments: None)
    build(root)
    monkeypatch.undo()
    assert {"A", "B", "C"} <= build(root)
