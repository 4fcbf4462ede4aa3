"""Fixtures shared by all tests: a toy theory with a toy strategy, and how hypothesis runs."""

import contextlib
import dataclasses
import hashlib
import os
import re
import shutil
import time
from pathlib import Path

import hypothesis
import pytest

from compact_proofs.extract.coq_text import Field
from compact_proofs.extract.families import network_accuracy, quantise_network
from compact_proofs.models.tasks import n_inputs
from compact_proofs.models.weights import load_model, weights_to_bytes
from compact_proofs.proofs import built, coqrun
from compact_proofs.proofs.claim import Claim
from compact_proofs.proofs.forms import CertificateForm, CoqNames
from compact_proofs.proofs.pipeline import Options, prove
from compact_proofs.proofs.registry import DEFAULT, Found, Strategy, silent, strategy_for
from compact_proofs.proofs.report import STAGES, Report
from compact_proofs.proofs.words import INPUTS, theorem_in_words

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("random", deadline=None, max_examples=300)  # by night
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

VERDICT = re.compile(r"= ((?:Accepted|Refused).*?)\s+: outcome", re.DOTALL)
TOY_FACADE = """
From Coq Require Import ZArith List Lia.
Record matrix := Matrix { ints : list (list Z); scale_bits : nat }.
Record model := Model { n_ctx : nat; d_vocab : nat; d_model : nat; d_head : nat;
  W_E : matrix; W_pos : matrix; W_Q : matrix; W_K : matrix; W_V : matrix; W_O : matrix; W_U : matrix }.
Record toy := Toy { bound : Z }.
Inductive refusal := Total_short (total claimed : Z).
Inductive outcome := Accepted | Refused (why : refusal).
Definition correct_count (M : model) : Z := 60.
Definition toy_verdict (N : Z) (M : model) (c : toy) : outcome :=
  let total := Z.min (bound c) 60 in if (N <=? total)%Z then Accepted else Refused (Total_short total N).
Definition toy_check (N : Z) (M : model) (c : toy) : bool :=
  match toy_verdict N M c with Accepted => true | Refused _ => false end.
Theorem toy_sound : forall (N : Z) (M : model) (c : toy), toy_check N M c = true -> (N <= correct_count M)%Z.
Proof.
  intros N M c. unfold toy_check, toy_verdict, correct_count. cbv zeta.
  destruct (Z.leb_spec N (Z.min (bound c) 60)); [lia | discriminate].
Qed.
Ltac by_computation := vm_cast_no_check (@eq_refl bool true).
"""


@dataclasses.dataclass(frozen=True)
class ToyCertificate:
    bound: int


def toy_strategy(bound: int, proved: int | None = None) -> Strategy:
    """A strategy whose checker accepts any N up to its certificate's bound and 60; the finder claims `proved`."""
    proved = bound if proved is None else proved
    return Strategy(
        form=CertificateForm("toy", "max_of_k", "Toy", {"bound": "Z"}, {"at_least": CoqNames.of("toy")}),
        summary="for tests",
        find=lambda model, tuning, progress: Found(ToyCertificate(bound), proved, "at_least", 1),
        fields=lambda certificate: [Field("bound", "Z", certificate.bound)],
        mirror=lambda model, certificate: proved,
        verdict=lambda claimed, model, certificate, statement: "Accepted",
    )


@pytest.fixture
def toy():
    """`toy_strategy`: make a toy strategy from its bound (and the count claimed)."""
    return toy_strategy


def _write_theory(root):
    (root / "theories").mkdir(parents=True)
    (root / "generated").mkdir()
    (root / "_CoqProject").write_text("-Q theories CompactProofs\n-Q generated CompactProofs.Generated\n")
    (root / "theories" / "Facade.v").write_text(TOY_FACADE)


@pytest.fixture
def coq_root(tmp_path):
    """A folder with a toy theory, laid out as coq/ is; nothing of it is compiled."""
    _write_theory(tmp_path / "coq")
    return tmp_path / "coq"


@pytest.fixture(scope="session")
def _toy_built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    _write_theory(folder / "coq")
    coqrun.build_theory(folder / "coq", 1, coqrun.Limits(), print)
    return folder


@pytest.fixture
def options(_toy_built, tmp_path):
    """Options that prove with the toy theory, which is built, into an empty folder."""
    shutil.copytree(_toy_built / "coq", tmp_path / "coq")
    return Options(out=tmp_path / "build", root=tmp_path / "coq", estimate=False)


@pytest.fixture(scope="session")
def _proved_once(_toy_built, tmp_path_factory):
    folder = tmp_path_factory.mktemp("proved")
    shutil.copytree(_toy_built / "coq", folder / "coq")
    prove("max_of_2_tiny", toy_strategy(60), Options(out=folder / "build", root=folder / "coq", estimate=False))
    return folder


@pytest.fixture
def proved(_proved_once, tmp_path):
    """Options as `options`, in folders where the toy strategy has proved 60 for max_of_2_tiny."""
    shutil.copytree(_proved_once, tmp_path / "proved")
    return Options(out=tmp_path / "proved" / "build", root=tmp_path / "proved" / "coq", estimate=False)


@pytest.fixture
def wait_for_end():
    """`wait_for_end(pid)`: wait until a process has ended, be it only that nobody has asked for its exit code yet."""

    def wait(pid: int) -> None:
        deadline = time.monotonic() + 10
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
                assert time.monotonic() < deadline, f"process {pid} runs on"
                time.sleep(0.01)

    return wait


@pytest.fixture(scope="session")
def _theory_built():
    root = coqrun.theory_root(Path("build"))
    coqrun.build_theory(root, os.cpu_count() or 1, coqrun.Limits(), print)
    return root


@pytest.fixture(scope="session")
def make_root(_theory_built, tmp_path_factory):
    """`make_root(path)`: a folder laid out as coq/ is. All of one worker share a copy of the built theory: do not change it."""
    copy = tmp_path_factory.mktemp("theory")
    not_read = shutil.ignore_patterns("*.cache", "*.glob", "*.vok", "*.vos", "*.aux")
    shutil.copytree(_theory_built / "theories", copy / "theories", ignore=not_read)

    def make(root: Path) -> Path:
        (root / "generated").mkdir(parents=True)
        (root / "theories").symlink_to(copy / "theories", target_is_directory=True)
        for name in ("_CoqProject", built.NAME):
            shutil.copy(_theory_built / name, root / name)
        return root

    return make


@pytest.fixture(scope="session")
def coq_output(make_root, tmp_path_factory):
    """`coq_output(text)`: what coqc prints of a file with this text, with the real theory."""

    def output(text: str) -> str:
        root = make_root(tmp_path_factory.mktemp("coq_output"))
        (root / "Asked.v").write_text(text, encoding="ascii")
        return coqrun.coqc(root, Path("Asked.v"), coqrun.Limits()).stdout

    return output


@pytest.fixture(scope="session")
def coq_verdicts(coq_output):
    """`coq_verdicts(text)`: every outcome that coqc prints of a file with this text, each on one line."""
    return lambda text: [" ".join(verdict.split()) for verdict in VERDICT.findall(coq_output(text))]


@pytest.fixture(scope="session")
def pretend_proofs():
    """`pretend_proofs(out, model, *strategies)`: leave report.json and certificate.json as `prove` does, of what the mirrors
    predict; Coq is not asked."""

    def pretend(out: Path, name: str, *names: str) -> None:
        config, weights = load_model(name)
        quantised = quantise_network(config, weights)
        accuracy = network_accuracy(config, weights, quantised)
        for one in names:
            chosen = strategy_for(config.family, one)
            found = chosen.find(quantised, DEFAULT, silent)
            folder = out / config.name / one
            Claim.of(found, chosen, quantised, DEFAULT, 0.25).save(folder / "certificate.json")
            sign = {"at_least": "<=", "at_most": ">=", "exactly": "="}[found.statement]
            Report(
                model=config.name,
                strategy=one,
                family=config.family,
                sizes=quantised.sizes(),
                weight_bits=quantised.weight_bits,
                n_inputs=n_inputs(config),
                statement=found.statement,
                proved_correct=found.proved,
                true_correct=accuracy.quantised.right,
                float_accuracy=accuracy.float_network.right / accuracy.float_network.total,
                quantised_accuracy=accuracy.quantised.right / accuracy.quantised.total,
                float_evaluation=dataclasses.asdict(accuracy.float_network),
                quantised_evaluation=dataclasses.asdict(accuracy.quantised),
                disagreement=dataclasses.asdict(accuracy.disagreement),
                certificate_bytes=804,
                checker_operations=found.operations,
                seconds=dict.fromkeys(STAGES, 1.5),
                search_reused=False,
                peak_rss_mb=100.0,
                assumptions=["Classical_Prop.classic", "PrimInt63.int"],
                theorem=f"Theorem accuracy : ({found.proved} {sign} correct_count network)%Z.",
                theorem_in_words=theorem_in_words(found.statement, found.proved, n_inputs(config), INPUTS[chosen.group]),
                files={"theorem": f"coq/generated/{config.name}/{one}/Theorem.v"},
                coq_version="8.16.1",
                weights_sha256=hashlib.sha256(weights_to_bytes(weights)).hexdigest(),
                quantised_sha256=quantised.sha256,
                command="",
                mechanism=list(found.words),
            ).save(folder / "report.json")

    return pretend


@pytest.fixture
def real_options(make_root, tmp_path):
    """Options that prove with the real theory, in folders of their own."""
    return Options(out=tmp_path / "build", root=make_root(tmp_path / "coq"), estimate=False)


@pytest.fixture(scope="session")
def have_coqc_alone():
    """`have_coqc_alone(monkeypatch)`: as `coqc_alone`, for fixtures of a longer life."""
    return _coqc_alone


@pytest.fixture
def coqc_alone(monkeypatch):
    """Proofs are compiled by coqc as ever, but not looked at by coqchk nor asked for their assumptions, which takes longer."""
    _coqc_alone(monkeypatch)


def _coqc_alone(monkeypatch):
    coqc = coqrun.coqc

    def run(root, source, limits):
        if source.name == "Assumptions.v":
            return coqrun.Run("Closed under the global context\n", "", 0, 0.0, 0.0)
        return coqc(root, source, limits)

    monkeypatch.setattr(coqrun, "coqc", run)
    monkeypatch.setattr(coqrun, "coqchk", lambda root, modules, limits: coqrun.Run("", "", 0, 0.0, 0.0))
