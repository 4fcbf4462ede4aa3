"""Networks for modular arithmetic as Z3 terms: on tiny networks, at every pair, equal to plain fractions and to the form."""

import itertools
import os
import runpy
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import z3

from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.modular_fold import LAYERS, fold
from compact_proofs.extract.modular_z3 import evaluate, network_terms, right_at, right_formula, smtlib, wrong_formula
from compact_proofs.extract.rounding import QuantisedMatrix
from compact_proofs.models.errors import InputRefused, ShapeError, UsageError

FOLD = runpy.run_path(str(Path(__file__).parent / "test_modular_fold.py"))  # test files cannot import each other
FAMILIES = tuple(LAYERS)
SIZES = [(1, 1, 1, 1), (3, 2, 1, 2), (5, 2, 2, 3)]  # modulus, d_model, d_attn, d_mlp


@cache
def tiny_model(family: str, size: int, tied: bool = True, seed: int = 0) -> QuantisedModular:
    """Random small integers; a scale for each matrix; subtraction where the embeddings differ."""
    rng = np.random.default_rng([FAMILIES.index(family), size, seed])
    shapes = FOLD["shapes_of"](LAYERS[family][0], *SIZES[size])
    if tied:
        shapes.pop("W_E_b", None)
    tensors = {name: QuantisedMatrix(rng.integers(-6, 7, shape), int(rng.integers(0, 4))) for name, shape in shapes.items()}
    return QuantisedModular("tiny", family, SIZES[size][0], 1 if tied else -1, 4, tensors)


def all_models():
    models = [tiny_model(family, size) for family in FAMILIES for size in range(3)]
    return models + [tiny_model(family, size, tied=False) for family in FAMILIES if family != "modular_pizza" for size in (1, 2)]


def all_pairs(model):
    return itertools.product(range(model.modulus), repeat=2)


@pytest.mark.parametrize("model", all_models(), ids=lambda model: f"{model.layout}-{model.modulus}")
def test_terms_equal_plain_fractions_and_the_form_at_every_pair(model):
    layers = FOLD["Layers"](*LAYERS[model.family], model.modulus, model.coefficient, model.matrices())
    right = fold(model).right()
    terms = network_terms(model)
    for a, b in all_pairs(model):
        got = evaluate(terms, a, b)
        assert got.answer == (a + model.coefficient * b) % model.modulus
        assert list(got.logits) == FOLD["logits"](layers, a, b)
        assert (got.verdict == "right") == right[a, b] == z3.is_true(z3.simplify(right_at(terms, a, b)))
        wrong = z3.substitute(wrong_formula(terms), *at(terms.tokens, (a, b)))
        assert z3.is_true(z3.simplify(wrong)) != right[a, b]


def test_right_and_wrong_pairs_occur_in_these_tests():
    found = np.concatenate([fold(model).right().ravel() for model in all_models()])
    assert 20 < found.sum() < found.size - 20


def at(tokens, values):
    return [(symbol, z3.IntVal(value)) for symbol, value in zip(tokens, values, strict=True)]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("query", ["right", "wrong"])
def test_smtlib_text_says_the_same_at_every_pair(family, query):
    model = tiny_model(family, 2)
    domain, formula = z3.parse_smt2_string(smtlib(model, query))
    symbols = (z3.Int("a"), z3.Int("b"))
    right = fold(model).right()
    for a, b in all_pairs(model):
        assert z3.is_true(z3.simplify(z3.substitute(domain, *at(symbols, (a, b)))))
        holds = z3.is_true(z3.simplify(z3.substitute(formula, *at(symbols, (a, b)))))
        assert holds == (right[a, b] == (query == "right"))
    for outside in ((-1, 0), (0, model.modulus), (model.modulus, 0), (0, -1)):
        assert z3.is_false(z3.simplify(z3.substitute(domain, *at(symbols, outside))))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("formula", [right_formula, wrong_formula])
def test_the_solver_finds_the_enumerated_pairs(family, formula):
    model = tiny_model(family, 1, seed=1)
    right = fold(model).right()
    wanted = {(a, b) for a, b in all_pairs(model) if right[a, b] == (formula is right_formula)}
    terms = network_terms(model)
    solver = z3.Solver()
    solver.add(terms.domain, formula(terms))
    found = set()
    while solver.check() == z3.sat:
        pair = tuple(solver.model().eval(token, model_completion=True).as_long() for token in terms.tokens)
        assert pair not in found
        found.add(pair)
        solver.add(z3.Or([token != value for token, value in zip(terms.tokens, pair, strict=True)]))
    assert solver.check() == z3.unsat
    assert found == wanted


def test_the_solver_proves_a_network_right():
    """Four neurons of one frequency: the embedding's phase advances by pi / 4 from each to the next, the outputs' by pi / 2."""
    p = 3
    turn = 2 * np.pi * np.arange(p) / p
    first = np.rint([[20 * np.cos(angle + k * np.pi / 4) for k in range(4)] for angle in turn]).astype(np.int64)
    outputs = np.rint([[20 * np.cos(angle + k * np.pi / 2) for angle in turn] for k in range(4)]).astype(np.int64)
    tensors = {"W_E": QuantisedMatrix(first, 4), "W_U": QuantisedMatrix(outputs, 2)}
    model = QuantisedModular("cosines", "modular_quadratic", p, 1, 6, tensors)
    assert fold(model).right().all()
    terms = network_terms(model)
    solver = z3.Solver()
    solver.add(terms.domain, wrong_formula(terms))
    assert solver.check() == z3.unsat


def test_a_tie_is_wrong():
    """All weights zero: every output is equal."""
    tensors = {name: QuantisedMatrix(np.zeros_like(m.ints), 1) for name, m in tiny_model("modular_relu", 1).matrices().items()}
    terms = network_terms(QuantisedModular("tie", "modular_relu", 3, 1, 4, tensors))
    assert all(evaluate(terms, a, b).verdict == "wrong" for a in range(3) for b in range(3))


def test_smtlib_bytes_do_not_depend_on_the_hash_seed_or_on_earlier_terms():
    program = f"""import runpy; from compact_proofs.extract.modular_z3 import network_terms
m = runpy.run_path({__file__!r}); network_terms(m["tiny_model"]("modular_relu", 2))
print(m["smtlib"](m["tiny_model"]("modular_pizza", 2), "wrong"), end="")"""
    run = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True, check=True
    )
    text = smtlib(tiny_model("modular_pizza", 2), "wrong")
    assert run.stdout == text.encode("ascii")
    assert text.splitlines()[0] == "; CompactProofs: model tiny, a pair (a, b) with verdict wrong"


def test_bad_arguments_are_refused():
    model = tiny_model("modular_relu", 1)
    terms = network_terms(model)
    with pytest.raises(UsageError, match="query is 'maybe'; wanted right or wrong"):
        smtlib(model, "maybe")
    with pytest.raises(InputRefused, match=r"pair \(0, 3\): got token 3, wanted 0 .. 2"):
        evaluate(terms, 0, 3)

    def with_shapes(p, m):
        tensors = {"W_E": QuantisedMatrix(np.ones((p, m), np.int64), 0), "W_U": QuantisedMatrix(np.ones((m, 3), np.int64), 0)}
        return QuantisedModular("other", "modular_folded", 3, 1, 4, tensors)

    with pytest.raises(ShapeError, match="an embedding of 4 tokens, wanted 3"):
        network_terms(with_shapes(4, 2))
    with pytest.raises(ShapeError, match=r"W_E has shape \(3, 0\), wanted at least one row and column"):
        network_terms(with_shapes(3, 0))
    with pytest.raises(InputRefused, match="other has 90,000 weights to write, wanted at most 65,536; use a smaller"):
        network_terms(with_shapes(3, 10_000))
