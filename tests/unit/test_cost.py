"""Closed forms of operation counts: those of certificates that were found, Coq's lemmas by name, sizes and mistakes."""

import dataclasses
import json
import re
from functools import cache
from pathlib import Path

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from compact_proofs.extract.distribution import Distribution
from compact_proofs.extract.families import quantise_network
from compact_proofs.models.errors import CompactProofsError, UsageError
from compact_proofs.models.weights import load_config, load_model
from compact_proofs.proofs import cli, cost, cost_max_of_k, cost_modular
from compact_proofs.proofs.attack.networks import KINDS, network
from compact_proofs.proofs.cost_max_of_k import METHODS, Network
from compact_proofs.proofs.operations import operations_bound
from compact_proofs.proofs.registry import DEFAULT, GROUPS, WITH_DISTRIBUTION, Tuning, silent, strategies
from compact_proofs.proofs.strategies.weighted import length, weighted

THEORIES = Path(__file__).parents[2] / "coq" / "theories"
SEQUENCES = ("max_of_2_tiny", "max_of_3_tiny")
PAIRS = (
    "modular_relu_tiny", "modular_quadratic_tiny", "modular_pizza_tiny", "modular_subtraction_tiny", "modular_relu_11_purified",
)  # fmt: skip


@cache
def found(name: str, which: str):
    """The quantised network, and what the strategy finds."""
    config, weights = load_model(name)
    group = "max_of_k" if config.family == "max_of_k" else "modular"
    model = quantise_network(config, weights)
    return model, strategies(group)[which].find(model, DEFAULT, silent)


def cases():
    for name in SEQUENCES:
        yield from ((name, which) for which in strategies())
    for name in PAIRS:
        family = load_config(name).family
        for which, one in strategies("modular").items():
            if one.families is None or family in one.families:
                yield name, which


def test_every_strategy_has_a_closed_form():
    every = {(group, name) for group in GROUPS for name in strategies(group)}
    assert set(cost.LEMMAS) == every | {("max_of_k", name) for name in WITH_DISTRIBUTION}
    assert {which for _, which in cases()} == {name for group in GROUPS for name in strategies(group)}


@pytest.mark.parametrize(("name", "which"), [*cases()])
def test_the_closed_form_is_the_count_of_the_certificate(name, which):
    model, proof = found(name, which)
    of = cost.of_found(model, which, proof)
    if which in METHODS:  # one resolution for every m, where the certificate leaves some out
        assert proof.operations <= of.number <= 5 * proof.operations
    else:
        assert of.number == proof.operations
    assert set(of.sizes) == {symbol.name for symbol in of.formula.free_symbols} <= set(cost.MEANINGS)
    assert all(symbol == cost.symbol(symbol.name) for symbol in of.formula.free_symbols)


def test_the_closed_form_of_staged_strategies_is_the_count_where_no_largest_token_is_left_out():
    every = 0
    for seed in range(2 * len(KINDS)):
        kind, model = network(seed)
        if kind.startswith("max_of_k"):
            for which in ("cubic", "quadratic"):
                try:
                    proof = strategies()[which].find(model, Tuning(near=0), silent)
                except CompactProofsError:
                    continue
                if all(proof.certificate.plan.resolutions):
                    every += 1
                    assert cost.of_found(model, which, proof).number == proof.operations
    assert every > 5


@pytest.mark.parametrize("near", [0, 2])
def test_a_distribution_adds_to_cubic(near):
    name, rows = "max_of_2_tiny", ((3, 1, 4, 1, 5, 9, 2, 6), (1,) * 8)
    model = quantise_network(*load_model(name))
    proof = weighted(Distribution("pi", rows)).find(model, Tuning(near=near), silent)
    of = cost.of_found(model, "weighted", proof)
    assert proof.operations <= of.number <= 3 * proof.operations and of.lemmas == ()
    same = (Network(2, 8, 8, 8), Tuning(near=near), of.sizes["B"].value)
    assert of.number == cost_max_of_k.of_sizes("weighted", *same).number > cost_max_of_k.of_sizes("cubic", *same).number
    every = dataclasses.replace(
        proof.certificate,
        plan=dataclasses.replace(proof.certificate.plan, resolutions=(64,) * 8, near_resolutions=(64,) * 8 * (near > 0)),
    )
    assert length(model, every) == of.number


def test_exact_counts_its_branching():
    branched = 0
    for seed in range(4 * len(KINDS)):
        kind, model = network(seed)
        if kind.startswith("max_of_k"):
            try:
                proof = strategies()["exact"].find(model, DEFAULT, silent)
            except CompactProofsError:
                continue
            of = cost.of_found(model, "exact", proof)
            assert of.number == proof.operations
            branched += of.sizes["S"].value > 0 and of.sizes["X"].value > 0
    assert branched > 2


@st.composite
def staged(draw):
    """A staged strategy, sizes, tuning that fits them, blocks."""
    network = Network(draw(st.integers(1, 30)), draw(st.integers(2, 300)), draw(st.integers(1, 70)), draw(st.integers(1, 70)))
    method = METHODS[draw(st.sampled_from(sorted(METHODS)))]
    rank = None
    if method.low_rank and draw(st.booleans()):
        rank = draw(st.integers(0, min(network.d_model, network.d_head, method.most_rank or 99)))
    near = draw(st.none() | st.integers(1 if method.wrong else 0, 16))
    return method, network, Tuning(draw(st.none() | st.integers(1, 999)), None, rank, near), draw(st.integers(1, network.d_vocab))


@settings(max_examples=25)
@given(staged())
def test_sizes_give_the_bound_of_the_same_sizes(drawn):
    method, network, tuning, blocks = drawn
    of = cost_max_of_k.of_sizes(method.name, network, tuning, blocks)
    choice = method.choice(network, tuning)
    ranks = [
        None if rank is None else (rank, inner - rank)
        for rank, inner in ((choice.scores_rank, network.d_head), (choice.direct_rank, network.d_model))
    ]
    every = [choice.resolution] * network.d_vocab
    bound = operations_bound(
        **network._asdict(), blocks=blocks, resolutions=every, near_resolutions=[] if method.wrong or not choice.near else every,
        radius=choice.near, exponents=choice.bands, scores=ranks[0], direct=ranks[1], joint=not method.banded, wrong=method.wrong,
    )  # fmt: skip
    assert of.number == bound + (4 if method.name == "quadratic" else 0)
    shown = sum(sympy.sympify(text, {name: cost.symbol(name) for name in cost.MEANINGS}) for text in of.shown().values())
    assert shown.subs({cost.symbol(name): size.value for name, size in of.sizes.items()}) == of.number
    assert sum(value for _, value, _ in of.largest_terms(most=999)) == pytest.approx(of.number, rel=0.2)


def test_as_many_blocks_as_tokens_are_the_most():
    sizes = Network(4, 20, 8, 8)
    numbers = [cost_max_of_k.of_sizes("subcubic", sizes, DEFAULT, blocks).number for blocks in (1, 7, 20, None)]
    assert numbers == sorted(numbers) and numbers[-1] == numbers[-2]


@pytest.mark.parametrize("name", PAIRS)
def test_sizes_of_a_modular_network_give_its_count(name):
    """Where the certificate has no sizes of its own, or they are given."""
    config = load_config(name)
    sizes = {size: getattr(config, size) for size in ("modulus", "d_mlp", "d_model", "d_attn") if getattr(config, size)}
    model, proof = found(name, "low_rank_unembedding")
    if not proof.certificate.dropped:
        tuning = Tuning(rank=proof.certificate.rank)
        assert cost_modular.of_sizes("low_rank_unembedding", config.family, sizes, tuning).number == proof.operations
    assert cost_modular.of_sizes("brute_force", config.family, sizes).number == found(name, "brute_force")[1].operations
    if config.activation == "relu":
        model, proof = found(name, "quadrature")
        frequencies = len(proof.certificate.frequencies)
        assert cost_modular.of_sizes("quadrature", config.family, sizes, DEFAULT, frequencies).number == proof.operations


def test_the_lemmas_are_in_the_theory():
    for lemma in {lemma for lemmas in cost.LEMMAS.values() for lemma in lemmas}:
        *path, name = lemma.split(".")
        text = THEORIES.joinpath(*path).with_suffix(".v").read_text()
        assert re.search(rf"^ *Theorem {name} :", text, re.M), lemma


def value(capsys, *arguments):
    assert cli.main(["cost", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_command_at_sizes(capsys):
    assert cli.main(["cost", "--strategy", "cubic", "--n-ctx", "4", "--d-vocab", "64"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(
        "cubic: at most 816,259,879 operations; proved in Coq, Length.StrategiesLength.cubic_operations_at_most\n"
    )
    for line in (
        "  D   32  d_model; default",
        "  B   64  blocks of largest tokens; at most",
        "the sum of, for n >= 2",
        "  gaps: 90*d**3*n - 18*d**3 + 54*d**2*n + 54*d**2 + 114*d",
        "largest terms, multiplied out, n = 4",
        "  30*N*d**3  503,316,480    61.7%",
    ):
        assert f"\n{line}\n" in text
    got = value(capsys, "--strategy", "cubic", "--n-ctx", "4", "--d-vocab", "64", "--d-head", "16", "--resolution", "8")
    assert got["kind"] == "upper bound" and int(got["operations"]) < 816_259_879
    assert got["sizes"]["H"] == {"value": 16, "origin": "given", "meaning": "d_head"}
    assert got["sizes"]["R"]["value"] == 8 and got["counted"] is None


def test_the_command_beside_a_certificate(capsys):
    got = value(capsys, "--strategy", "subcubic", "--model", "max_of_2_tiny")
    assert got["counted"]["operations"] == str(found("max_of_2_tiny", "subcubic")[1].operations)
    assert int(got["operations"]) > int(got["counted"]["operations"])
    assert cli.main(["cost", "--strategy", "subcubic", "--model", "max_of_2_tiny"]) == 0
    text = capsys.readouterr().out
    assert "operations; the formula, one resolution for all largest tokens, is 1.25 times that" in text
    assert cli.main(["cost", "--model", "modular_relu_tiny"]) == 0
    assert "counted for the certificate of modular_relu_tiny: 40,742 operations; the same\n" in capsys.readouterr().out


def test_the_command_tells_tasks_apart(capsys):
    assert value(capsys, "--strategy", "brute_force", "--n-ctx", "2", "--d-vocab", "8")["group"] == "max_of_k"
    pairs = value(capsys, "--strategy", "brute_force", "--modulus", "7", "--d-mlp", "16", "--d-model", "8")
    assert pairs["group"] == "modular"
    assert pairs["operations"] == str(found("modular_relu_tiny", "brute_force")[1].operations)
    estimate = value(capsys, "--strategy", "brute_force", "--n-ctx", "500", "--d-vocab", "512")
    assert estimate["kind"] == "estimate" and estimate["lemmas"] == [] and len(estimate["operations"]) > 1300


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "--strategy: missing"),
        ("--strategy magic --n-ctx 2 --d-vocab 8", "unknown STRATEGY 'magic'; valid of max_of_k: cubic, "),
        ("--strategy z3 --n-ctx 2 --d-vocab 8", "strategy z3 has no operations to count"),
        ("--strategy cubic", "--n-ctx: missing; the count depends on --n-ctx and --d-vocab"),
        ("--strategy cubic --n-ctx 4", "--d-vocab: missing"),
        ("--strategy brute_force", "--n-ctx: missing; the count depends on --n-ctx and --d-vocab (or --modulus"),
        ("--strategy cubic --n-ctx 4 --d-vocab 64 --modulus 7", "--modulus: strategy cubic is here for the largest token"),
        ("--strategy quadrature --modulus 59 --n-ctx 4", "--n-ctx: strategy quadrature is here for modular arithmetic"),
        ("--strategy quadrature --d-mlp 59", "modulus: missing; a modular_folded network has modulus, d_mlp: give --modulus"),
        ("--strategy quadrature --modulus 58 --d-mlp 8", "modulus: got 58, wanted an odd number >= 3"),
        (
            "--strategy quadrature --modulus 59 --d-mlp 8 --frequencies 30",
            "frequencies: got 30, wanted at most 29 for modulus 59",
        ),
        ("--strategy brute_force --modulus 59 --d-mlp 8 --frequencies 3", "frequencies: strategy brute_force has none"),
        ("--strategy second_moment --modulus 59 --d-mlp 8 --d-model 3", "d_model: a modular_quadratic network has none"),
        (
            "--strategy second_moment --modulus 59 --d-mlp 8 --family modular_relu",
            "second_moment proves nothing of a modular_relu",
        ),
        ("--strategy cubic --n-ctx 4 --d-vocab 99999999", "d_vocab: got 99,999,999, wanted 1 to 1,048,576"),
        ("--strategy brute_force --n-ctx 99999 --d-vocab 64", "64^99999 sequences are too many to write down"),
        ("--strategy cubic --n-ctx 4 --d-vocab 64 --rank 1", "rank: strategy cubic has no rank"),
        ("--strategy quadratic --n-ctx 4 --d-vocab 64 --rank 2", "rank: got 2, strategy quadratic takes at most 1"),
        ("--strategy subcubic_low_rank --n-ctx 4 --d-vocab 64 --rank 40", "rank: got 40, wanted at most 32, which is d_head"),
        ("--strategy subcubic --n-ctx 4 --d-vocab 64 --bands 0,1", "bands: 0,1 cover 3 tokens, wanted all 64"),
        ("--strategy subcubic --n-ctx 4 --d-vocab 2 --bands 0,0,0", "bands: got 3 of them, wanted at most 2"),
        ("--strategy subcubic --n-ctx 4 --d-vocab 9 --blocks 10", "blocks: got 10, wanted at most 9, which is d_vocab"),
        ("--strategy exact --n-ctx 4 --d-vocab 9 --blocks 1", "blocks: strategy exact has no blocks"),
        ("--strategy wrong_count --n-ctx 4 --d-vocab 9 --near 0", "near: got 0, strategy wrong_count wants at least 1"),
        ("--strategy cubic --n-ctx 4 --d-vocab 9 --weight-bits 8", "--weight-bits: goes with --model"),
        ("--strategy weighted --n-ctx 4 --d-vocab 9 --rank 1", "rank: strategy weighted has no rank"),
        ("--strategy weighted --model max_of_2_tiny", "STRATEGY weighted wants --distribution FILE"),
        ("--strategy weighted --n-ctx 4 --d-vocab 9 --distribution x.json", "--distribution: goes with --model"),
        ("--strategy cubic --model max_of_2_tiny --n-ctx 4", "--n-ctx: --model says it"),
        ("--strategy quadrature --model max_of_2_tiny", "STRATEGY quadrature is for networks of modular; valid: cubic"),
        ("--strategy cubic --model max_of_9", "unknown MODEL 'max_of_9'"),
    ],
)
def test_wrong_usage(capsys, arguments, message):
    assert cli.main(["cost", *arguments.split()]) == 2
    out, err = capsys.readouterr()
    assert out == "" and message in err and "Traceback" not in err


@pytest.mark.parametrize("size", ["0", "-4", "four", "1e3"])
def test_sizes_that_are_none(capsys, size):
    with pytest.raises(SystemExit) as caught:
        cli.main(["cost", "--strategy", "cubic", f"--n-ctx={size}", "--d-vocab", "64"])
    assert caught.value.code == 2 and f"got '{size}', wanted an integer >= 1" in capsys.readouterr().err


def test_a_name_that_both_tasks_have(capsys):
    assert cost.groups_of("brute_force") == ["max_of_k", "modular"]
    with pytest.raises(UsageError, match="unknown STRATEGY 'nothing'; valid of max_of_k: .*; of modular: second_moment"):
        cost.groups_of("nothing")
