"""The network as Z3 terms: on tiny networks, over every input, equal to plain fractions and in step with float64."""

import itertools
import math
import os
import subprocess
import sys
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import z3

from compact_proofs.extract.quantise import QuantisedMatrix, QuantisedModel, quantised_tables
from compact_proofs.extract.z3_terms import (
    ENCLOSURE_BITS,
    evaluate,
    exp_enclosure,
    exp_enclosures,
    network_terms,
    rational_tables,
    right_formula,
    smtlib,
    wrong_formula,
)
from compact_proofs.models.errors import InputRefused, ShapeError, UsageError
from compact_proofs.models.evaluate import logits

GOLDEN = Path(__file__).parents[1] / "golden" / "z3_terms"
SIZES = [(1, 3), (2, 1), (2, 4), (3, 3), (4, 2)]  # n_ctx, d_vocab


@cache
def tiny_model(n_ctx: int, d_vocab: int, seed: int = 0) -> QuantisedModel:
    """Random small integers; scales that keep scores and logits of order one; d_model 3, d_head 2."""
    rng = np.random.default_rng([n_ctx, d_vocab, seed])
    shapes = {
        "W_E": (d_vocab, 3), "W_pos": (n_ctx, 3), "W_Q": (3, 2), "W_K": (3, 2), "W_V": (3, 2), "W_O": (2, 3),
        "W_U": (3, d_vocab),
    }  # fmt: skip
    matrices = {
        name: QuantisedMatrix(rng.integers(-9, 10, shape), scale)
        for (name, shape), scale in zip(shapes.items(), (3, 3, 3, 2, 2, 2, 1), strict=True)
    }
    return QuantisedModel("tiny", n_ctx, d_vocab, 3, 2, 5, **matrices)


@cache
def coarse_enclosures(n_ctx: int, d_vocab: int):
    """The default enclosures widened to multiples of 1/8: some inputs become undecided."""
    exact = exp_enclosures(rational_tables(tiny_model(n_ctx, d_vocab)))
    return [
        [[(Fraction(math.floor(low * 8), 8), Fraction(math.ceil(high * 8), 8)) for low, high in row] for row in rows]
        for rows in exact
    ]


def all_inputs(n_ctx: int, d_vocab: int):
    return itertools.product(range(d_vocab), repeat=n_ctx)


def by_fractions(model: QuantisedModel, enclosures, tokens):
    """The answer, the numerators, the gaps and the verdict by the definitions, input by input, from the embeddings up."""

    def values(name):
        matrix = model.matrices()[name]
        return [[Fraction(int(entry), 2**matrix.scale_bits) for entry in row] for row in matrix.ints]

    def times(row, matrix):
        return [sum(row[k] * matrix[k][j] for k in range(len(row))) for j in range(len(matrix[0]))]

    n_ctx, answer, query = model.n_ctx, max(tokens), tokens[-1]
    W_E, W_pos, W_V, W_O, W_U = (values(name) for name in ("W_E", "W_pos", "W_V", "W_O", "W_U"))
    direct = times([a + b for a, b in zip(W_E[query], W_pos[-1], strict=True)], W_U)
    attention = [enclosures[query][i][tokens[i]] for i in range(n_ctx)]
    outputs = []
    for i in range(n_ctx):
        residual = [a + b for a, b in zip(W_E[tokens[i]], W_pos[i], strict=True)]
        outputs.append([a + b for a, b in zip(direct, times(times(times(residual, W_V), W_O), W_U), strict=True)])

    def interval(terms):
        ends = [sorted((low * term, high * term)) for (low, high), term in zip(attention, terms, strict=True)]
        return sum(end[0] for end in ends), sum(end[1] for end in ends)

    numerators = tuple(interval([row[w] for row in outputs]) for w in range(model.d_vocab))
    gaps = tuple(interval([row[w] - row[answer] for row in outputs]) for w in range(model.d_vocab))
    others = [gap for w, gap in enumerate(gaps) if w != answer]
    verdict = "undecided"
    if all(high < 0 for _, high in others):
        verdict = "right"
    elif any(low >= 0 for low, _ in others):
        verdict = "wrong"
    return answer, tuple(attention), numerators, gaps, verdict


@pytest.mark.parametrize(("n_ctx", "d_vocab"), SIZES)
@pytest.mark.parametrize("coarse", [False, True])
def test_terms_equal_plain_fractions_on_every_input(n_ctx, d_vocab, coarse):
    model = tiny_model(n_ctx, d_vocab)
    enclosures = coarse_enclosures(n_ctx, d_vocab) if coarse else exp_enclosures(rational_tables(model))
    terms = network_terms(model, enclosures)
    for tokens in all_inputs(n_ctx, d_vocab):
        got = evaluate(terms, tokens)
        assert (got.answer, got.attention, got.numerators, got.gaps, got.verdict) == by_fractions(model, enclosures, tokens)
        assert sum(z3.is_true(z3.simplify(z3.substitute(term, *at(terms, tokens)))) for term in terms.is_answer) == 1


def test_every_verdict_occurs_in_these_tests():
    found = {
        by_fractions(tiny_model(*size), coarse_enclosures(*size), tokens)[-1] for size in SIZES for tokens in all_inputs(*size)
    }
    assert found == {"right", "wrong", "undecided"}


@pytest.mark.parametrize(("n_ctx", "d_vocab"), SIZES)
@pytest.mark.parametrize("seed", [0, 1])
def test_terms_enclose_float64(n_ctx, d_vocab, seed):
    """Logits lie in numerator / sum of attention, and where the float margin is clear the verdict is that of float64."""
    model = tiny_model(n_ctx, d_vocab, seed)
    terms = network_terms(model)
    clear = 0
    for tokens in all_inputs(n_ctx, d_vocab):
        got = evaluate(terms, tokens)
        wanted = logits(quantised_tables(model), np.array([tokens]))[0]
        total = float(sum(low for low, _ in got.attention))
        for w in range(d_vocab):
            assert float(got.numerators[w][0]) / total == pytest.approx(wanted[w], abs=1e-9)
            assert float(got.numerators[w][1]) / total == pytest.approx(wanted[w], abs=1e-9)
        others = np.delete(wanted, got.answer)
        margin = wanted[got.answer] - others.max() if others.size else 1.0
        if abs(margin) > 1e-9:
            clear += 1
            assert got.verdict == ("right" if margin > 0 else "wrong")
    assert clear > d_vocab**n_ctx // 2


@pytest.mark.parametrize(("n_ctx", "d_vocab"), SIZES)
def test_float_tables_agree(n_ctx, d_vocab):
    model = tiny_model(n_ctx, d_vocab)
    exact, floats = rational_tables(model), quantised_tables(model)
    for name in ("S", "P", "EU", "V", "PV"):  # small dyadic numbers: float64 is exact
        assert np.array(getattr(exact, name), dtype=float).tolist() == getattr(floats, name).tolist()


def at(terms, tokens):
    return [(symbol, z3.IntVal(token)) for symbol, token in zip(terms.tokens, tokens, strict=True)]


@pytest.mark.parametrize(("n_ctx", "d_vocab"), SIZES)
@pytest.mark.parametrize("query", ["right", "wrong", "undecided"])
def test_smtlib_text_says_the_same_on_every_input(n_ctx, d_vocab, query):
    model, enclosures = tiny_model(n_ctx, d_vocab), coarse_enclosures(n_ctx, d_vocab)
    domain, formula = z3.parse_smt2_string(smtlib(model, query, enclosures))
    terms = network_terms(model, enclosures)
    for tokens in all_inputs(n_ctx, d_vocab):
        assert z3.is_true(z3.simplify(z3.substitute(domain, *at(terms, tokens))))
        holds = z3.is_true(z3.simplify(z3.substitute(formula, *at(terms, tokens))))
        assert holds == (by_fractions(model, enclosures, tokens)[-1] == query)
    for outside in (-1, d_vocab):
        assert z3.is_false(z3.simplify(z3.substitute(domain, *at(terms, [0] * (n_ctx - 1) + [outside]))))


@pytest.mark.parametrize(("n_ctx", "d_vocab"), [(2, 4), (3, 3)])
@pytest.mark.parametrize("formula", [right_formula, wrong_formula])
def test_the_solver_finds_the_enumerated_inputs(n_ctx, d_vocab, formula):
    model, enclosures = tiny_model(n_ctx, d_vocab), coarse_enclosures(n_ctx, d_vocab)
    verdict = {right_formula: "right", wrong_formula: "wrong"}[formula]
    wanted = {tokens for tokens in all_inputs(n_ctx, d_vocab) if by_fractions(model, enclosures, tokens)[-1] == verdict}
    terms = network_terms(model, enclosures)
    solver = z3.Solver()
    solver.add(terms.domain, formula(terms))
    found = set()
    while solver.check() == z3.sat:
        tokens = tuple(solver.model().eval(token, model_completion=True).as_long() for token in terms.tokens)
        assert tokens not in found
        found.add(tokens)
        solver.add(z3.Or([token != value for token, value in zip(terms.tokens, tokens, strict=True)]))
    assert found == wanted and 0 < len(wanted) < d_vocab**n_ctx


def test_a_tie_is_proved_wrong():
    """Two equal columns of W_U: outputs 0 and 1 tie, so an input whose answer is 0 or 1 is wrong."""
    model = tiny_model(2, 3)
    matrices = model.matrices()
    columns = matrices["W_U"].ints.copy()
    columns[:, 1] = columns[:, 0]
    matrices["W_U"] = QuantisedMatrix(columns, matrices["W_U"].scale_bits)
    terms = network_terms(QuantisedModel("tie", 2, 3, 3, 2, 5, **matrices))
    for tokens in itertools.product(range(2), repeat=2):
        assert evaluate(terms, tokens).verdict == "wrong"


def test_exp_enclosures_are_tight_and_sound():
    unit = Fraction(1, 2**ENCLOSURE_BITS)
    assert exp_enclosure(Fraction(0)) == (1, 1)
    assert exp_enclosure(Fraction(-1000)) == (0, unit)
    assert exp_enclosure(Fraction(-(10**30), 3)) == (0, unit)
    for x in (Fraction(-1), Fraction(-1, 2**70), Fraction(-12345, 1024), Fraction(-22, 7), Fraction(-64), Fraction(-129, 2)):
        low, high = exp_enclosure(x)
        assert 0 < high - low <= 2 * unit and low / unit == low // unit and high <= 1
        # The series of exp(-x / 2^k), squared k times: for 0 < y < 1 the rest after 30 terms is below y^30 / 29!.
        halvings = 7
        y = -x / 2**halvings
        series = sum(y**n / math.factorial(n) for n in range(30))
        assert Fraction(low) <= 1 / series ** (2**halvings)
        assert Fraction(high) >= 1 / (series + y**30 / math.factorial(29)) ** (2**halvings)
    with pytest.raises(InputRefused, match="exp enclosure: x is 0.5, wanted x <= 0"):
        exp_enclosure(Fraction(1, 2))


def test_smtlib_bytes_are_golden():
    """Accept a wanted change with ACCEPT_GOLDEN=1."""
    texts = {f"{query}.smt2": smtlib(tiny_model(2, 3), query) for query in ("right", "wrong", "undecided")}
    if os.environ.get("ACCEPT_GOLDEN"):
        for name, text in texts.items():
            (GOLDEN / name).write_text(text, encoding="ascii", newline="\n")
    assert {path.name: path.read_bytes() for path in GOLDEN.iterdir()} == {
        name: text.encode("ascii") for name, text in texts.items()
    }


def test_smtlib_bytes_do_not_depend_on_the_hash_seed_or_on_earlier_terms():
    program = f"""import runpy; from compact_proofs.extract.z3_terms import network_terms
m = runpy.run_path({__file__!r}); network_terms(m["tiny_model"](2, 4))
print(m["smtlib"](m["tiny_model"](2, 3), "wrong"), end="")"""
    run = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True, check=True
    )
    assert run.stdout == (GOLDEN / "wrong.smt2").read_bytes()


def test_bad_arguments_are_refused():
    model = tiny_model(2, 3)
    enclosures = exp_enclosures(rational_tables(model))
    with pytest.raises(UsageError, match="query is 'maybe'; wanted right, wrong or undecided"):
        smtlib(model, "maybe")
    with pytest.raises(ShapeError, match=r"enclosures: got 2 x \[\(2, 3\)\], wanted 3 x \[\(2, 3\)\]"):
        network_terms(model, enclosures[:2])
    with pytest.raises(ShapeError, match=r"wanted 3 x \[\(2, 3\)\]"):
        network_terms(model, [rows[:1] for rows in enclosures])
    with pytest.raises(InputRefused, match=r"enclosures\[0\]\[0\]\[0\]: got \(1, 1/2\), wanted 0 <= lower <= upper"):
        bad = [[list(row) for row in rows] for rows in enclosures]
        bad[0][0][0] = (Fraction(1), Fraction(1, 2))
        network_terms(model, bad)
    terms = network_terms(model)
    with pytest.raises(ShapeError, match="got 3 tokens, wanted 2"):
        evaluate(terms, [0, 1, 2])
    with pytest.raises(InputRefused, match=r"got token 3, wanted 0 .. 2"):
        evaluate(terms, [0, 3])
    with pytest.raises(InputRefused, match="n_ctx 4 and d_vocab 64 need .* leaves, wanted at most 262,144; use a smaller"):
        network_terms(tiny_model(4, 64))
