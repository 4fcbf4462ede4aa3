"""The attack finds nothing, finds what is put there to be found, and goes on after an interruption."""

import dataclasses
import itertools
import json
import shutil

import numpy as np
import pytest

from compact_proofs.models.errors import CertificateError, InputRefused
from compact_proofs.proofs import coqrun, registry
from compact_proofs.proofs.attack import cases, fuzz, trial
from compact_proofs.proofs.attack.cases import LARGE, Case, Ragged, is_ragged, mirror_verdict, mutated
from compact_proofs.proofs.attack.networks import KINDS, network
from compact_proofs.proofs.attack.oracle import right_count
from compact_proofs.proofs.strategies import staged, weighted
from compact_proofs.proofs.strategies.brute_force import BruteForceCertificate
from compact_proofs.proofs.strategies.staged import Certificate, Plan

needs_coq = pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")


def run(out, *options) -> tuple[int, dict]:
    """The exit code and fuzz.json of an attack without Coq."""
    code = fuzz.main(["--coq", "0", "--jobs", "1", "--out", str(out), *options])
    return code, json.loads((out / "fuzz.json").read_text())


def changed_strategy(monkeypatch, group: str, name: str, **changes) -> None:
    """Let the registry have another version of one strategy."""
    known = {one: registry.strategies(one) for one in registry.GROUPS}
    known[group][name] = dataclasses.replace(known[group][name], **changes)
    monkeypatch.setattr(registry, "strategies", lambda group="max_of_k": dict(known[group]))


def test_the_mirrors_accept_nothing_false(tmp_path, capsys):
    code, found = run(tmp_path, "--networks", "304", "--mutants", "2", "--strategies", "2")
    assert code == 0
    assert [found[f"{name}_count"] for name in fuzz.FINDINGS] == [0, 0, 0]
    assert sum(one["networks"] for one in found["kinds"].values()) == 304 and len(found["kinds"]) == len(KINDS)
    known = {f"{group} {name}" for group in registry.GROUPS for name in registry.strategies(group)}
    assert set(found["strategies"]) == known | {"max_of_k weighted"}
    for name, one in found["strategies"].items():
        assert one["found"] > 0, name
        assert one["accepted"] > 0, name
        assert one["mean_tightness"] == 1 if "exact" in name else one["mean_tightness"] > 0, name
    assert "304 networks, 32 kinds: false acceptances 0" in capsys.readouterr().out


@pytest.mark.coq
@needs_coq
def test_coq_says_what_the_mirrors_say(_theory_built):
    records = trial.coq_trial(range(180, 204), 2, _theory_built, coqrun.Limits(seconds=120), each=2)
    counts = {"accepted": 0, "refused": 0, "failed": 0}
    for record in records:
        assert not set(fuzz.FINDINGS) & set(record), record
        for one in record["strategies"].values():
            counts = {key: counts[key] + one[key] for key in counts}
    assert counts["accepted"] > 40 and counts["refused"] > 80 and counts["failed"] == 0


@pytest.mark.coq
@needs_coq
def test_coq_goes_on_after_a_case_that_fails(_theory_built, monkeypatch):
    """A certificate of the wrong type stops coqc; the verdicts before it and after it are there all the same."""
    model = network(KINDS.index("max_of_k sensible"))[1]
    brute_force = registry.strategies()["brute_force"]
    certificate, right = brute_force.find(model, registry.DEFAULT, registry.silent).certificate, right_count(model)
    wrong_form = dataclasses.replace(brute_force.form, constructor="ExactCertificate")
    broken = dataclasses.replace(brute_force, form=wrong_form)
    given = [
        Case(model, one, "at_least", certificate, right + more) for one, more in [(brute_force, 0), (broken, 0), (brute_force, 1)]
    ]
    verdicts = cases.coq_verdicts(_theory_built, given, coqrun.Limits(seconds=120))
    assert verdicts[0] == "Accepted"
    assert verdicts[1].startswith("Failed (coqc Asked.v failed")
    assert verdicts[2] == mirror_verdict(given[2]) == f"Refused (Total_short {right} {right + 1})"


@pytest.mark.parametrize(("group", "name"), [("max_of_k", "cubic"), ("modular", "low_rank_unembedding")])
def test_a_mirror_that_claims_too_much_is_caught(group, name, monkeypatch, tmp_path, capsys):
    honest = registry.strategies(group)[name].mirror
    changed_strategy(monkeypatch, group, name, mirror=lambda model, certificate: honest(model, certificate) + 1)
    code, found = run(tmp_path, "--networks", "32", "--mutants", "1")
    assert code == 1
    assert found["false_acceptances_count"] > 0
    false = found["false_acceptances"][0]
    assert (false["task"], false["strategy"], false["who"], false["statement"]) == (group, name, "the mirror", "at_least")
    assert false["claimed"] == false["truth"] + 1 == right_count(network(false["seed"])[1]) + 1
    assert false["certificate"].startswith(("Certificate(plan=Plan(", "LowRankUnembeddingCertificate("))
    assert "false_acceptances: {" in capsys.readouterr().err
    assert found["disagreements_count"] > 0  # the finder says another N


def test_a_weight_above_the_truth_is_caught(monkeypatch):
    honest = staged.mirror
    monkeypatch.setattr(weighted.staged, "mirror", lambda *given, **more: honest(*given, **more) + 1)
    record = trial.mirror_trial(KINDS.index("max_of_k sensible"), 0)
    found = [one for one in record["false_acceptances"] if one["strategy"] == "weighted"]
    assert found and {one["statement"] for one in found} == {"at_least_weight"}
    assert all(len(one["weights"]) == network(one["seed"])[1].n_ctx for one in found)


def test_an_upper_bound_below_the_truth_is_caught(monkeypatch):
    honest = registry.strategies()["wrong_count"].mirror
    changed_strategy(monkeypatch, "max_of_k", "wrong_count", mirror=lambda *given: honest(*given) // 2)
    record = trial.mirror_trial(KINDS.index("max_of_k sensible"), 0)
    assert {one["statement"] for one in record["false_acceptances"]} == {"at_most"}


def test_a_verdict_that_accepts_too_much_is_caught(monkeypatch):
    """Where a strategy has several statements, the verdict says which are accepted."""
    changed_strategy(monkeypatch, "modular", "brute_force", verdict=lambda *given: "Accepted")
    record = trial.mirror_trial(KINDS.index("modular sensible"), 0)
    assert {one["statement"] for one in record["false_acceptances"]} == {"at_least", "exactly"}


def test_a_checker_that_accepts_everything_is_caught(monkeypatch):
    """Were Coq to accept whatever is claimed: claims above the truth are false, all others differ from the mirror's verdict."""
    monkeypatch.setattr(cases, "coq_verdicts", lambda root, given, limits: ["Accepted"] * len(given))
    (record,) = trial.coq_trial([KINDS.index("max_of_k sensible")], 1, None, coqrun.Limits())
    assert {one["who"] for one in record["false_acceptances"]} == {"Coq"}
    assert {one["strategy"] for one in record["false_acceptances"]} >= {"exact", "brute_force", "wrong_count"}
    assert all("Coq says Accepted, the mirror Refused (" in one["why"] for one in record["disagreements"])


@pytest.mark.parametrize("error", [IndexError("no such place"), RuntimeWarning("overflow encountered")])
def test_a_crash_is_a_finding(error, monkeypatch, tmp_path):
    def crash(*given):
        raise error

    changed_strategy(monkeypatch, "max_of_k", "exact", find=crash)
    code, found = run(tmp_path, "--networks", "2", "--mutants", "1")
    assert (code, found["crashes_count"]) == (1, 2)
    assert found["crashes"][0]["error"] == f"{type(error).__name__}: {error}"
    assert found["crashes"][0]["where"].startswith("test_fuzz.py:")


def test_finders_refuse_one_token_or_find_something():
    """A token alone has no frequency; the finder of quadrature once looked for one all the same."""
    for seed in range(KINDS.index("modular one_token"), 14 * len(KINDS), len(KINDS)):
        record = trial.mirror_trial(seed, 0)
        assert not set(fuzz.FINDINGS) & set(record), record
        assert record["strategies"].get("quadrature", {"found": 0})["found"] == 0


def test_a_refusal_is_no_finding(monkeypatch):
    def refuse(*given):
        raise CertificateError("not this one")

    changed_strategy(monkeypatch, "max_of_k", "exact", find=refuse)
    assert not set(fuzz.FINDINGS) & set(trial.mirror_trial(0, 1))


def test_an_interrupted_run_goes_on(monkeypatch, tmp_path, capsys):
    """The second time only what is missing is run, and fuzz.json is the same as of a run that was not interrupted."""
    monkeypatch.setitem(fuzz.BLOCK, "mirror", 8)
    options = ["--networks", "40", "--mutants", "1", "--strategies", "1"]
    run(tmp_path / "whole", *options)
    honest, seen = trial.mirror_trial, []

    def interrupted(seed, mutants, each):
        if seed == 20 and 20 not in seen:
            seen.append(seed)
            raise KeyboardInterrupt
        seen.append(seed)
        return honest(seed, mutants, each)

    monkeypatch.setattr(fuzz, "mirror_trial", interrupted)
    arguments = ["--coq", "0", "--jobs", "1", "--out", str(tmp_path / "parts"), *options]
    assert fuzz.main(arguments) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert not (tmp_path / "parts" / "fuzz.json").exists()
    assert seen == list(range(21))
    assert fuzz.main(arguments) == 0
    assert seen[21:] == list(range(16, 40))
    assert (tmp_path / "parts" / "fuzz.json").read_bytes() == (tmp_path / "whole" / "fuzz.json").read_bytes()
    assert fuzz.main(arguments) == 0 and len(seen) == 21 + 24
    fuzz.main([*arguments[:-1], "2"])  # other settings: all is run again
    assert len(seen) == 21 + 24 + 40


def test_several_processes_find_the_same(tmp_path, monkeypatch):
    monkeypatch.setitem(fuzz.BLOCK, "mirror", 8)
    for jobs in ("1", "2"):
        fuzz.main(["--networks", "24", "--coq", "0", "--jobs", jobs, "--strategies", "1", "--out", str(tmp_path / jobs)])
    assert (tmp_path / "1" / "fuzz.json").read_bytes() == (tmp_path / "2" / "fuzz.json").read_bytes()


@dataclasses.dataclass(frozen=True)
class Arrays:
    """As some certificates are."""

    table: np.ndarray


def test_each_change_once():
    mutants = dict(mutated(BruteForceCertificate(3, (4, 5), ())))
    assert {what.partition(":")[0] for what in mutants} == {
        ".gap_shift", ".right_claims", ".right_claims[0]", ".right_claims[1]", ".wrong_claims"
    }  # fmt: skip
    shifts = {one.gap_shift for what, one in mutants.items() if what.startswith(".gap_shift")}
    assert shifts == {4, 2, -3, 0, LARGE, LARGE - 1}
    claims = {what.split(": ")[1]: one.right_claims for what, one in mutants.items() if what.startswith(".right_claims:")}
    assert claims["longer"] == (4, 5, 5) and claims["shorter"] == (4,) and claims["empty"] == ()
    assert claims["reversed"] == claims["first two swapped"] == (5, 4)
    assert {one.wrong_claims for what, one in mutants.items() if what.startswith(".wrong")} == {(1,), ((),)}
    plan = Plan(1, (2,), (3,), 4, (), 5)
    nested = dict(mutated(Certificate(plan, (7, 8))))
    assert nested[".plan.block_lengths[0]: +1"] == Certificate(dataclasses.replace(plan, block_lengths=(3,)), (7, 8))
    assert nested[".moved[1]: negated"].moved == (7, -8)


def test_changes_of_arrays():
    original = np.array([[1, 2, 3], [4, 5, 6]])
    changes = {what: one.table for what, one in mutated(Arrays(original))}
    assert changes[".table[1, 2]: 2^62"].tolist() == [[1, 2, 3], [4, 5, LARGE]]
    shapes = {
        what.split(": ")[1]: one.shape for what, one in changes.items() if what.startswith(".table: ") and hasattr(one, "shape")
    }
    assert shapes == {
        "rows longer": (3, 3), "rows shorter": (1, 3), "rows empty": (0, 3), "rows reversed": (2, 3), "rows swapped": (2, 3),
        "columns longer": (2, 4), "columns shorter": (2, 2), "columns empty": (2, 0), "columns reversed": (2, 3),
        "columns swapped": (2, 3),
    }  # fmt: skip
    assert changes[".table: columns reversed"].tolist() == [[3, 2, 1], [6, 5, 4]]
    assert changes[".table: last row shorter"] == Ragged(((1, 2, 3), (4, 5)))
    assert is_ragged(Arrays(changes[".table: first row longer"])) and not is_ragged(Arrays(original))
    assert original.tolist() == [[1, 2, 3], [4, 5, 6]]
    empty = {what for what, _ in mutated(Arrays(np.zeros((0, 3), dtype=np.int64)))}
    assert empty == {".table: rows longer"}


def test_random_mutants():
    """They come from the generator alone, without end, and few are the certificate itself."""
    certificate = Certificate(Plan(1, (2, 3), (4, 5), 1, (), 0), (7, 8), (0, 1))
    first, second = (list(itertools.islice(mutated(certificate, np.random.default_rng(5)), 200)) for _ in range(2))
    assert first == second
    assert sum(mutant == certificate for _, mutant in first) < 20
    assert len({what for what, _ in first}) > 100
    fields = registry.strategies()["subcubic"].fields
    refused = 0
    for _, mutant in first:
        try:
            fields(mutant)
        except InputRefused:
            refused += 1
    assert 20 < refused < 150


def test_nothing_of_a_certificate_without_fields():
    certificate = (
        registry.strategies("modular")["brute_force"].find(network(29)[1], registry.DEFAULT, registry.silent).certificate
    )
    assert list(mutated(certificate)) == list(mutated(certificate, np.random.default_rng(0))) == []
