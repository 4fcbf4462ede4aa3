"""What Z3 says of small networks: the exact count where nothing is left open, else a sound bound; never a proof."""

import itertools
import json
from fractions import Fraction
from pathlib import Path

import pytest

from compact_proofs.extract import z3_terms
from compact_proofs.extract.families import quantise_network
from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.models.errors import InputRefused, TimeLimit
from compact_proofs.models.weights import load_model
from compact_proofs.proofs import cli, z3_claim
from compact_proofs.proofs.attack.networks import KINDS, network
from compact_proofs.proofs.attack.oracle import right_count
from compact_proofs.proofs.registry import GROUPS, SOLVERS, strategies

TINY = {"max_of_2_tiny": 63, "max_of_3_tiny": 504, "modular_quadratic_tiny": 49, "modular_relu_tiny": 47}


def quantised(name: str):
    return quantise_network(*load_model(name))


def random_networks(task: str, rounds: int, most: int):
    """Networks of every kind but misshapen ones, of at most so many inputs."""
    for turn, (place, kind) in itertools.product(range(rounds), enumerate(KINDS)):
        model = network(turn * len(KINDS) + place)[1]
        if kind.startswith(task) and kind != "modular misshapen" and z3_claim.n_inputs(model) <= most:
            yield model


@pytest.fixture
def ticking(monkeypatch):
    """A clock of which every look takes a second."""
    seconds = itertools.count()
    monkeypatch.setattr(z3_claim.time, "monotonic", lambda: float(next(seconds)))


@pytest.mark.parametrize(("name", "right"), [*TINY.items()])
def test_the_count_of_tiny_trained_networks_is_the_truth(name, right):
    model = quantised(name)
    seen = []
    claim = z3_claim.z3_claim(model, 600, lambda message, done, total: seen.append((done, total)))
    assert claim.statement == "exactly" and claim.finished and claim.bound == right == right_count(model)
    assert claim.decided == claim.inputs == right + claim.wrong and claim.undecided == 0
    assert claim.rlimit > 1000 and claim.questions > 0 and claim.memory_mb > 0
    assert claim.in_blocks <= claim.bound
    assert seen == sorted(seen) and seen[0] == (0, claim.inputs) and seen[-1] == (claim.inputs, claim.inputs)


def test_blocks_settle_many_sequences_at_once():
    claim = z3_claim.z3_claim(quantised("max_of_2_tiny"), 600)
    assert claim.in_blocks > claim.inputs // 2 and claim.questions < claim.inputs // 2


def test_blocks_are_all_inputs_once(monkeypatch):
    monkeypatch.setattr(z3_claim, "BLOCK_UNITS", 1)  # no question about a block is answered
    for name in ("max_of_2_tiny", "modular_relu_tiny"):
        model = quantised(name)
        blocks = list(z3_claim.Question(model).blocks(float("inf")))
        tokens = [block.tokens for block in blocks]
        order, length = (model.d_vocab, model.n_ctx) if isinstance(model, QuantisedModel) else (model.modulus, 2)
        assert sorted(tokens) == list(itertools.product(range(order), repeat=length))
        assert sum(block.verdict == "right" for block in blocks) == TINY[name]


@pytest.mark.parametrize(("task", "rounds", "most"), [("max_of_k", 2, 32), ("modular", 1, 49)])
def test_random_networks_are_counted_exactly_or_from_below(task, rounds, most):
    statements = []
    for model in random_networks(task, rounds, most):
        claim, truth = z3_claim.z3_claim(model, 600), right_count(model)
        assert claim.finished and claim.decided == claim.inputs
        assert claim.bound <= truth <= claim.bound + claim.undecided, model.name
        assert (claim.statement == "exactly") == (claim.undecided == 0)
        statements.append(claim.statement)
    assert statements.count("exactly") > 12


def test_wide_enclosures_leave_inputs_undecided(monkeypatch):
    narrow = z3_terms.exp_enclosures

    def wide(tables):
        half = Fraction(1, 2)
        return [[[(low * half, min(Fraction(1), 2 * high)) for low, high in row] for row in rows] for rows in narrow(tables)]

    monkeypatch.setattr(z3_terms, "exp_enclosures", wide)
    claim = z3_claim.z3_claim(quantised("max_of_2_tiny"), 600)
    assert claim.statement == "at_least" and claim.finished and claim.undecided > 0
    assert claim.bound <= TINY["max_of_2_tiny"] <= claim.bound + claim.undecided
    assert claim.bound + claim.wrong + claim.undecided == claim.inputs == claim.decided


@pytest.mark.parametrize("limit", [5, 20, 60])
def test_what_is_decided_in_time_is_a_lower_bound(ticking, limit):
    claim = z3_claim.z3_claim(quantised("max_of_3_tiny"), limit)
    assert not claim.finished and claim.statement == "at_least"
    assert claim.bound + claim.wrong == claim.decided < claim.inputs
    assert claim.bound <= TINY["max_of_3_tiny"]
    assert limit < 20 or claim.bound > 0


def test_no_time_at_all():
    with pytest.raises(TimeLimit):
        list(z3_claim.Question(quantised("max_of_2_tiny")).blocks(0.0))


def test_networks_too_large_are_refused_at_once():
    message = r"z3: max_of_k has 36,192,256 leaves as terms, about .* GB to write; wanted at most 262,144; use exact or cubic"
    with pytest.raises(InputRefused, match=message):
        z3_claim.z3_claim(quantised("max_of_k"), 600)
    with pytest.raises(InputRefused, match="modular_pizza_113 has 96,128 weights to write as terms; wanted at most 65,536; use"):
        z3_claim.z3_claim(quantised("modular_pizza_113"), 600)
    with pytest.raises(InputRefused, match="modular_addition would take about .* s, the limit is 1.0 s; .* raise --time-limit"):
        z3_claim.z3_claim(quantised("modular_addition"), 1)


def test_a_solver_is_no_strategy():
    assert not set(SOLVERS) & {name for group in GROUPS for name in strategies(group)}


def test_prove_by_z3_proves_nothing(capsys, tmp_path):
    assert cli.main(["prove", "max_of_2_tiny", "--strategy", "z3", "--out", str(tmp_path)]) == 0
    out, _ = capsys.readouterr()
    words = "exactly 63 of 64 sequences, 98.43 %, are answered right"
    assert out.startswith(f"Z3 says (not checked by Coq): max_of_2_tiny: {words}.")
    text = " ".join(out.split())
    for part in ("64 of 64: 63 right, 1 wrong", "units of Z3's counter (rlimit)", "rational enclosures of exp", "our export"):
        assert part in text
    assert "Proved" not in out and "Theorem" not in out
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()] == [Path("max_of_2_tiny/z3/claim.json")]

    assert cli.main(["prove", "max_of_2_tiny", "--strategy", "z3", "--out", str(tmp_path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    value = json.loads((tmp_path / "max_of_2_tiny" / "z3" / "claim.json").read_text())
    assert printed == value
    assert value["checked_by_coq"] is False and value["strategy"] == "z3" and value["in_words"] == words
    assert (value["bound"], value["inputs"], value["wrong"], value["statement"]) == ("63", "64", "1", "exactly")


def test_out_of_time_on_the_command_line(capsys, monkeypatch, tmp_path, ticking):
    monkeypatch.setattr(z3_claim, "FAR_TOO_LONG", 1e9)
    arguments = ["prove", "max_of_3_tiny", "--strategy", "z3", "--time-limit", "20", "--out", str(tmp_path)]
    assert cli.main(arguments) == 5
    out, err = capsys.readouterr()
    assert "Z3 says (not checked by Coq): max_of_3_tiny: at least " in out
    assert "of 512 inputs in 20 s; what is said above holds of these; raise --time-limit" in err
    assert json.loads((tmp_path / "max_of_3_tiny" / "z3" / "claim.json").read_text())["finished"] is False


def test_a_refusal_leaves_no_old_claim(capsys, monkeypatch, tmp_path):
    stale = tmp_path / "max_of_2_tiny" / "z3" / "claim.json"
    stale.parent.mkdir(parents=True)
    stale.write_text("{}")
    monkeypatch.setattr(z3_terms, "LEAF_LIMIT", 10)
    assert cli.main(["prove", "max_of_2_tiny", "--strategy", "z3", "--out", str(tmp_path)]) == 3
    out, err = capsys.readouterr()
    assert out == "" and "leaves as terms" in err and not stale.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prove", "max_of_2_tiny", "--strategy", "z3", "--rank", "1"], "rank: strategy z3 has no rank; it has nothing"),
        (["prove", "max_of_2_tiny", "--strategy", "z3", "--budget", "1e7"], "budget: strategy z3 has nothing to choose"),
        (["prove", "max_of_9", "--strategy", "z3"], "unknown MODEL 'max_of_9'; valid: "),
        (["prove", "max_of_2_tiny", "--strategy", "z33"], "unknown STRATEGY 'z33'; valid: cubic"),
        (["check", "max_of_2_tiny", "--strategy", "z3"], "STRATEGY z3 is a solver: it gives no theorem"),
        (["report", "max_of_2_tiny", "--strategy", "z3"], "STRATEGY z3 is a solver: it gives no theorem"),
    ],
)
def test_wrong_usage(capsys, tmp_path, arguments, message):
    assert cli.main([*arguments, "--out", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and message in err and "Traceback" not in err


def test_the_list_shows_solvers_apart(capsys):
    assert cli.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines.index("solvers, for `prove` and `compare`:") == len(lines) - 1 - len(SOLVERS)
    assert lines[-1].split()[0] == "z3" and "not checked by Coq" in lines[-1]
    assert cli.main(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["solvers"] == SOLVERS
