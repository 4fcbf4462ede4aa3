"""Claims and outputs judged by what shares nothing with the checkers: Z3, exact integers from the embeddings up, torch.

On tiny networks Z3 decides claims from the exported terms: that a pair is answered right, that so many pairs are; for max-of-K,
where the terms enclose exponentials, that so many sequences at least, or at most, are right. On random inputs of the large
shipped networks Coq, through the theory's own functions (the checker of brute force for one sequence, the folded form for one
pair), says what the network of quantised integers says layer by layer: for modular arithmetic every output is the same integer,
also in torch's float64, which is exact there; for max-of-K the sums of weight times gap enclose those of 50 decimal digits, and
torch's logits are near these.
"""

import ast
import decimal
import itertools
import math
import re
import shutil
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import z3

from compact_proofs.extract import modular_z3, z3_terms
from compact_proofs.extract.coq_text import weights_v
from compact_proofs.extract.families import quantise_network
from compact_proofs.extract.layouts import LAYOUTS
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.rounding import QuantisedNetwork
from compact_proofs.extract.tables import integer_tables, least_gap_shift
from compact_proofs.models.errors import CompactProofsError
from compact_proofs.models.weights import load_model
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.attack.networks import KINDS, network
from compact_proofs.proofs.attack.oracle import right_count
from compact_proofs.proofs.registry import DEFAULT, Found, silent, strategies

SEQUENCES, PAIRS = 100, 200
DIGITS = 50
needs_coq = pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")


# Z3 on tiny networks


def tiny(task: str, kinds: tuple[str, ...], rounds: int) -> list[QuantisedNetwork]:
    """Networks of these kinds, small enough for Z3."""
    found = []
    for turn, kind in itertools.product(range(rounds), kinds):
        found.append(network(turn * len(KINDS) + KINDS.index(f"{task} {kind}"))[1])
    return found


def claims(model: QuantisedNetwork) -> list[tuple[str, Found]]:
    """What each strategy proves of a network."""
    group = "modular" if isinstance(model, QuantisedModular) else "max_of_k"
    family = getattr(model, "family", None)
    found = []
    for one in strategies(group).values():
        if one.families is None or family in one.families:
            try:
                found.append((one.name, one.find(model, DEFAULT, silent)))
            except CompactProofsError:
                continue
    return found


def proves(claim: z3.BoolRef) -> bool:
    """Whether Z3 proves a formula, rather than refutes it."""
    solver = z3.Solver()
    solver.set("timeout", 20_000)
    solver.add(z3.Not(claim))
    answer = solver.check()
    assert answer in (z3.sat, z3.unsat)
    return answer == z3.unsat


def number_of(formulas: list[z3.BoolRef]) -> z3.ArithRef:
    return z3.Sum([z3.If(formula, z3.IntVal(1), z3.IntVal(0)) for formula in formulas])


def test_z3_confirms_what_is_proved_of_pairs_and_refutes_one_more():
    for model in tiny("modular", ("sensible", "small", "exact_ties", "noisy"), 3):
        terms = modular_z3.network_terms(model)
        truth, p = right_count(model), model.modulus
        right = [z3.simplify(modular_z3.right_at(terms, a, b)) for a, b in itertools.product(range(p), repeat=2)]
        number = number_of(right)
        assert proves(number == truth)
        for name, found in claims(model):
            claimed = number == found.proved if found.statement == "exactly" else number >= found.proved
            assert proves(claimed), (model.layout, name, found.proved, truth)
        assert not proves(number >= truth + 1) and not proves(number == truth + 1)


def test_z3_says_of_symbolic_tokens_whether_every_pair_is_right():
    answers = []
    for model in tiny("modular", ("sensible", "small", "one_token"), 7):
        if model.family not in ("modular_quadratic", "modular_canonical_square") and model.modulus <= 5:  # linear
            terms = modular_z3.network_terms(model)
            answers.append(proves(z3.Implies(terms.domain, modular_z3.right_formula(terms))))
            assert answers[-1] == (right_count(model) == model.modulus**2)
    assert len(answers) > 8 and set(answers) == {True, False}


def test_z3_contradicts_nothing_that_is_proved_of_sequences():
    decided = 0
    for model in tiny("max_of_k", ("sensible", "noisy", "small", "exact_ties"), 3):
        terms, truth = z3_terms.network_terms(model), right_count(model)
        right, wrong = z3_terms.right_formula(terms), z3_terms.wrong_formula(terms)
        inputs = list(itertools.product(range(model.d_vocab), repeat=model.n_ctx))

        def at(formula: z3.BoolRef, tokens: tuple[int, ...], terms=terms) -> z3.BoolRef:
            places = [(symbol, z3.IntVal(token)) for symbol, token in zip(terms.tokens, tokens, strict=True)]
            return z3.simplify(z3.substitute(formula, *places))

        least = number_of([at(right, tokens) for tokens in inputs])
        most = len(inputs) - number_of([at(wrong, tokens) for tokens in inputs])
        assert proves(least <= truth) and proves(most >= truth)
        for name, found in claims(model):
            assert found.statement == "at_most" or proves(most >= found.proved), (model.name, name)
            assert found.statement == "at_least" or proves(least <= found.proved), (model.name, name)
        if proves(least == most):
            decided += 1
            assert proves(least == truth) and not proves(most >= truth + 1)
    assert decided > 6


# Large networks


@cache
def quantised(name: str) -> QuantisedNetwork:
    return quantise_network(*load_model(name))


def as_python(matrix) -> np.ndarray:
    """The integers of a matrix as unbounded ones."""
    return matrix.ints.astype(object)


def printed(text: str) -> list:
    """The values that `Eval` has printed."""
    found = re.findall(r"^ +=(.*?)^ +: ", text.replace(";", ",").replace("%uint63", ""), re.DOTALL | re.MULTILINE)
    return [ast.literal_eval(" ".join(value.split())) for value in found]


def signed(numbers: list[int]) -> list[int]:
    """Machine integers read as signed numbers, Base.Signed63.signed; Coq prints these fast."""
    return [x - 2**63 if x >= 2**62 else x for x in numbers]


def asked(root, tmp_path, name: str, questions: str) -> list:
    """What Coq prints of questions about the shipped network of that name."""
    (tmp_path / "theories").symlink_to((root / "theories").resolve())
    shutil.copy(root / "_CoqProject", tmp_path / "_CoqProject")
    folder = tmp_path / "generated" / name
    folder.mkdir(parents=True)
    layout = LAYOUTS[quantised(name).layout]
    (folder / "Weights.v").write_text(weights_v(quantised(name)), encoding="ascii")
    (folder / "Asked.v").write_text(
        f"""From Coq Require Import ZArith Uint63 List.
From CompactProofs Require Import {layout.facade} Base.Signed63 Base.Matrix Cert.Tables Cert.Terms Modular.Form Modular.Fold.
From CompactProofs.Generated.{name} Require Weights.
Import ListNotations.
Open Scope Z_scope.
Set Printing Depth 1000000.
{layout.definition()}
{questions}""",
        encoding="ascii",
    )
    for source in ("Weights.v", "Asked.v"):
        run = coqrun.coqc(tmp_path, folder.relative_to(tmp_path) / source, coqrun.Limits())
    return printed(run.stdout)


def coq_list(rows: np.ndarray) -> str:
    """Rows of numbers as a term."""
    return "[" + "; ".join("[" + "; ".join(map(str, row)) + "]" for row in rows.tolist()) + "]%nat"


PAIR_QUESTIONS = """
Definition row {{A}} (rows : list (list A)) (k : nat) := nth k rows [].
Definition outputs (F : form) (a b : nat) :=
  let h := hidden (form_activation F) (row (L_rows F) a) (row (R_rows F) b) in
  map (fun c => pair_value h (row (U_rows F) c) (nth c (row (P_rows F) a) 0 + nth c (row (Q_rows F) b) 0)%uint63)
    (seq 0 (form_order F)).
Definition right (F : form) (a b : nat) :=
  if pair_right F a (row (L_rows F) a, row (P_rows F) a) b (row (R_rows F) b, row (Q_rows F) b) then 1%Z else 0%Z.
Eval vm_compute in
  let F := fold network in
  match first_failure (fold_tests network ++ form_tests F) with None => 1%Z | Some _ => 0%Z end.
Eval vm_compute in
  let F := fold network in map (fun x => (outputs F (nth 0 x O) (nth 1 x O), right F (nth 0 x O) (nth 1 x O))) {pairs}.
"""


def pair_outputs(model: QuantisedModular, a: int, b: int) -> tuple[list[int], int]:
    """The logits, layer by layer, as integers over 2^bits, and the bits."""
    W = {name: as_python(matrix) for name, matrix in model.tensors.items()}
    bits = {name: matrix.scale_bits for name, matrix in model.tensors.items()}
    assert "W_E_b" not in W
    first, second = W["W_E"][a], W["W_E"][b]
    if model.family == "modular_relu":
        return list(np.maximum((first + second) @ W["W_in"], 0) @ W["W_out"] @ W["W_U"]), sum(bits.values())

    def added(x: np.ndarray, x_bits: int, y: np.ndarray, y_bits: int) -> tuple[np.ndarray, int]:
        most = max(x_bits, y_bits)
        return x * 2 ** (most - x_bits) + y * 2 ** (most - y_bits), most

    (first, unit), (second, _) = (added(x, bits["W_E"], W["W_pos"][i], bits["W_pos"]) for i, x in enumerate((first, second)))
    mid, mid_bits = added(second, unit, (first + second) @ W["W_V"] @ W["W_O"], unit + 1 + bits["W_V"] + bits["W_O"])
    before, before_bits = added(mid @ W["W_in"], mid_bits + bits["W_in"], W["b_in"][0], bits["b_in"])
    mlp = added(np.maximum(before, 0) @ W["W_out"], before_bits + bits["W_out"], W["b_out"][0], bits["b_out"])
    last, last_bits = added(mid, mid_bits, *mlp)
    return list(last @ W["W_U"]), last_bits + bits["W_U"]


@pytest.mark.coq
@needs_coq
@pytest.mark.parametrize(("name", "number"), [("modular_addition", PAIRS), ("modular_pizza", 60)])
def test_outputs_of_pairs_are_the_same_integers_in_coq_and_in_torch(name, number, _theory_built, tmp_path):
    torch = pytest.importorskip("torch")
    from compact_proofs.models.modular.network import logits_of_all_pairs

    model, config = quantised(name), load_model(name)[0]
    p = model.modulus
    pairs = np.random.default_rng(59).integers(0, p, (number, 2))
    in_range, found = asked(_theory_built, tmp_path, name, PAIR_QUESTIONS.format(pairs=coq_list(pairs)))
    assert in_range == 1 and len(found) == number
    matrices = {name: torch.tensor(matrix.to_float(), dtype=torch.float64) for name, matrix in model.matrices().items()}
    in_torch = logits_of_all_pairs(config, matrices).numpy()
    units = set()
    for (a, b), (outputs, right) in zip(pairs.tolist(), found, strict=True):
        (exact, bits), outputs = pair_outputs(model, a, b), signed(outputs)
        unit = next(Fraction(got, wanted) for got, wanted in zip(outputs, exact, strict=True) if wanted)
        assert [wanted * unit for wanted in exact] == outputs
        assert (in_torch[a, b] * 2.0**bits).tolist() == exact  # a product with a power of two is exact
        answer = (a + model.coefficient * b) % p
        assert right == all(value < exact[answer] for c, value in enumerate(exact) if c != answer)
        units.add(unit)
    assert len(units) == 1 and math.log2(units.pop()).is_integer()


SEQUENCE_QUESTIONS = """
Definition chosen (T : tables) (x : list nat) : list candidate :=
  map (fun place => nth (snd place) (candidates T (last x O) (fst place)) no_candidate) (combine (seq 0 (n_ctx network)) x).
Definition sums (p : precision) (T : tables) (x : list nat) :=
  let of_x := chosen T x in
  let top := row_top (map fst of_x) in
  (row_enclosures p (map fst of_x),
   (sum_rows (d_vocab network) (map (lower_row p {shift} top (answer x)) of_x),
    sum_rows (d_vocab network) (map (upper_row p {shift} top (answer x)) of_x)),
   ((if right (d_vocab network) p {shift} of_x (answer x) then 1 else 0)%Z,
    (if wrong (d_vocab network) p {shift} of_x (answer x) then 1 else 0)%Z)).
Eval vm_compute in
  let T := tables_of network in
  match first_failure (tables_tests network T) with None => 1%Z | Some _ => 0%Z end.
Eval vm_compute in
  let T := tables_of network in let p := precision_of (score_shift network) in map (sums p T) {sequences}.
"""


def exact_parts(model, tokens: list[int]) -> tuple[list[Fraction], list[list[Fraction]]]:
    """Scores by position, and the logits if all attention were on that position, from the embeddings up."""
    W = {name: (as_python(matrix), matrix.scale_bits) for name, matrix in model.matrices().items()}
    bits = max(W["W_E"][1], W["W_pos"][1])
    embedded, positions = (W[name][0] * 2 ** (bits - W[name][1]) for name in ("W_E", "W_pos"))
    residual = embedded[tokens] + positions
    scores = (residual[-1] @ W["W_Q"][0]) @ (residual @ W["W_K"][0]).T
    direct = residual[-1] @ W["W_U"][0]
    attended = residual @ W["W_V"][0] @ W["W_O"][0] @ W["W_U"][0]
    more = W["W_V"][1] + W["W_O"][1]
    unit, score_unit = Fraction(1, 2 ** (bits + W["W_U"][1] + more)), Fraction(1, 2 ** (2 * bits + W["W_Q"][1] + W["W_K"][1]))
    return [s * score_unit for s in scores.tolist()], [[x * unit for x in row] for row in (direct * 2**more + attended).tolist()]


def exponential(x: Fraction) -> Fraction:
    """exp(x), x <= 0, to DIGITS digits."""
    with decimal.localcontext() as context:
        context.prec = DIGITS
        return Fraction((decimal.Decimal(x.numerator) / decimal.Decimal(x.denominator)).exp())


@pytest.mark.coq
@needs_coq
def test_sums_of_sequences_in_coq_enclose_the_exact_ones_and_those_of_torch(_theory_built, tmp_path):
    torch = pytest.importorskip("torch")
    from compact_proofs.models.network import flatten, logits_at_last, unflatten

    model, config = quantised("max_of_k"), load_model("max_of_k")[0]
    tables = integer_tables(model)
    shift = least_gap_shift(tables)
    rng = np.random.default_rng(64)
    sequences = rng.integers(0, model.d_vocab, (SEQUENCES, model.n_ctx))
    near = sequences[: SEQUENCES // 4]  # a quarter with tokens next to each other, where the network is wrong now and then
    near[:] = np.minimum(near[:, :1] + rng.integers(-1, 2, near.shape), model.d_vocab - 1).clip(0)
    question = SEQUENCE_QUESTIONS.format(shift=f"{shift}%uint63", sequences=coq_list(sequences))
    in_range, found = asked(_theory_built, tmp_path, "max_of_k", question)
    assert in_range == 1 and len(found) == SEQUENCES

    floats = {name: torch.tensor(matrix.to_float(), dtype=torch.float64) for name, matrix in model.matrices().items()}
    floats["W_Q"] = floats["W_Q"] * math.sqrt(config.d_head)  # the integers have it divided
    weights = unflatten(config, flatten(config, floats)[None])
    in_torch = logits_at_last(config, weights, torch.tensor(sequences)[None])[0].numpy()

    unit = Fraction(2**shift, 2**tables.logit_bits)
    verdicts = []
    for tokens, of_torch, (enclosures, (lower, upper), verdict) in zip(sequences.tolist(), in_torch, found, strict=True):
        scores, logits = exact_parts(model, tokens)
        exact = [exponential(score - max(scores)) for score in scores]
        slack = Fraction(1, 10 ** (DIGITS - 5))
        for (low, high), value in zip(enclosures, exact, strict=True):
            assert Fraction(low, 2**30) <= value + slack and value - slack <= Fraction(high, 2**30)
        answer, lower, upper = max(tokens), signed(lower), signed(upper)
        gaps = [sum(e * (row[w] - row[answer]) for e, row in zip(exact, logits, strict=True)) for w in range(model.d_vocab)]
        for w, gap in enumerate(gaps):
            assert lower[w] * unit <= gap + slack and gap - slack <= upper[w] * unit, (tokens, w)
            assert float(gap / sum(exact)) == pytest.approx(of_torch[w] - of_torch[answer], abs=1e-9)
        others = [gap for w, gap in enumerate(gaps) if w != answer]
        assert verdict == ((1, 0) if max(others) < 0 else (0, 1))
        assert (np.delete(of_torch, answer).max() < of_torch[answer]) == (verdict == (1, 0))
        verdicts.append(verdict)
    assert (1, 0) in verdicts
