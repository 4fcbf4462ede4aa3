"""A network for modular arithmetic as Z3 terms over the integers (`network_terms`), and as SMT-LIB 2 text (`smtlib`).

A cross-check of the Coq checkers that shares no code with them or with their mirrors: the forward pass of Spec.Modular layer
by layer, unfolded, for symbolic tokens a and b. Every vector of the network is integers over one power of two, so that all
arithmetic is on integers; a row of an embedding is a balanced tree of if-then-else on the token, ReLU an if-then-else, a
square a product. With ReLU every formula is linear.

At modulus 7 with 16 neurons the solver finds a wrong pair in 4 s (one hidden layer between bottlenecks) and 8 s (transformer),
and proves all pairs of a quadratic network right in 0.2 s; at modulus 11 with 32 neurons it takes more than 20 s. Above
NUMBER_LIMIT weights to write, a shared embedding counted twice, a network is refused: this form is for the small ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import z3

from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.rounding import QuantisedMatrix
from compact_proofs.extract.z3_terms import _lookup, _Printer, _sum
from compact_proofs.models.errors import InputRefused, ShapeError, UsageError

NUMBER_LIMIT = 2**16

Verdict = Literal["right", "wrong"]


@dataclass(frozen=True, slots=True)
class ModularTerms:
    """Terms in the tokens a and b. Valid where `domain` holds, 0 <= a, b < p.

    answer: (a + s b) mod p; logits[c]: output c in units of 2^-bits; best: the output of the answer.
    """

    tokens: tuple[z3.ArithRef, z3.ArithRef]
    domain: z3.BoolRef
    answer: z3.ArithRef
    logits: tuple[z3.ArithRef, ...]
    best: z3.ArithRef
    bits: int


@dataclass(frozen=True, slots=True)
class Values:
    """The terms of `ModularTerms` at one pair, and the verdict that follows."""

    answer: int
    logits: tuple[Fraction, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class _Vector:
    """Integer terms in units of 2^-bits."""

    terms: tuple[z3.ArithRef, ...]
    bits: int

    def __add__(self, other: _Vector) -> _Vector:
        bits = max(self.bits, other.bits)
        pairs = zip(self.terms, other.terms, strict=True)
        mine, others = 2 ** (bits - self.bits), 2 ** (bits - other.bits)
        return _Vector(tuple(_sum([_times(mine, x), _times(others, y)]) for x, y in pairs), bits)

    def __matmul__(self, matrix: QuantisedMatrix) -> _Vector:
        columns = zip(*matrix.ints.tolist(), strict=True)
        terms = [_combination(column, self.terms) for column in columns]
        return _Vector(tuple(terms), self.bits + matrix.scale_bits)

    def half(self) -> _Vector:
        return _Vector(self.terms, self.bits + 1)

    def relu(self) -> _Vector:
        return _Vector(tuple(z3.If(x > 0, x, z3.IntVal(0)) for x in self.terms), self.bits)

    def squared(self) -> _Vector:
        return _Vector(tuple(x * x for x in self.terms), 2 * self.bits)


def network_terms(quantised: QuantisedModular) -> ModularTerms:
    """Build the terms.

    Raises: InputRefused: more than NUMBER_LIMIT weights. ShapeError: an empty matrix, or shapes that do not fit.
    """
    _check_size(quantised)
    p, W = quantised.modulus, quantised.matrices()
    a, b = z3.Int("a"), z3.Int("b")
    first_at_most, second_at_most = ([token <= k for k in range(p - 1)] for token in (a, b))
    canonical = "L" in W
    first = _row_of(first_at_most, W["L"] if canonical else W["W_E"])
    second = _row_of(second_at_most, W["R"] if canonical else W.get("W_E_b", W["W_E"]))
    if canonical:
        before = first + second
        hidden = before.squared() if quantised.family == "modular_canonical_square" else before.relu()
        logits = (_row_of(first_at_most, W["P"]) + _row_of(second_at_most, W["Q"])) + hidden @ W["U"]
    elif quantised.family == "modular_quadratic":
        logits = (first + second).squared() @ W["W_U"]
    elif quantised.family == "modular_folded":
        logits = (first + second).relu() @ W["W_U"]
    elif quantised.family == "modular_relu":
        logits = ((first + second) @ W["W_in"]).relu() @ W["W_out"] @ W["W_U"]
    else:
        x0, x1 = first + _constant(W["W_pos"], 0), second + _constant(W["W_pos"], 1)
        mid = x1 + (x0 + x1).half() @ W["W_V"] @ W["W_O"]
        hidden = (mid @ W["W_in"] + _constant(W["b_in"], 0)).relu()
        logits = (mid + (hidden @ W["W_out"] + _constant(W["b_out"], 0))) @ W["W_U"]
    answer = (a + quantised.coefficient * b) % p
    return ModularTerms(
        tokens=(a, b),
        domain=z3.And(a >= 0, a <= p - 1, b >= 0, b <= p - 1),
        answer=answer,
        logits=logits.terms,
        best=_lookup([answer <= k for k in range(p - 1)], logits.terms),
        bits=logits.bits,
    )


def right_formula(terms: ModularTerms) -> z3.BoolRef:
    """The output of the answer is strictly above every other."""
    return z3.And([z3.Or(terms.answer == c, logit < terms.best) for c, logit in enumerate(terms.logits)])


def wrong_formula(terms: ModularTerms) -> z3.BoolRef:
    """Some other output is at least that of the answer; a tie is wrong."""
    return z3.Or([z3.And(z3.Not(terms.answer == c), logit >= terms.best) for c, logit in enumerate(terms.logits)])


def right_at(terms: ModularTerms, a: int, b: int) -> z3.BoolRef:
    """The claim that the pair (a, b) is answered right, a formula without symbols."""
    return z3.substitute(right_formula(terms), *_at(terms, a, b))


def evaluate(terms: ModularTerms, a: int, b: int) -> Values:
    """Evaluate the terms at one pair by substitution and Z3's simplifier.

    Raises: InputRefused: a token outside 0 .. p-1.
    """
    pair = _at(terms, a, b)

    def number(term: z3.ArithRef) -> int:
        return int(z3.simplify(z3.substitute(term, *pair)).as_long())

    right = z3.is_true(z3.simplify(right_at(terms, a, b)))
    logits = tuple(Fraction(number(logit), 2**terms.bits) for logit in terms.logits)
    return Values(number(terms.answer), logits, "right" if right else "wrong")


def smtlib(quantised: QuantisedModular, query: Verdict) -> str:
    """Write SMT-LIB 2 text that is satisfiable exactly if some pair has the verdict `query`; a model is that pair.

    Equal arguments give equal bytes. Raises: UsageError: an unknown query. Otherwise as `network_terms`.
    """
    if query not in ("right", "wrong"):
        raise UsageError(f"smtlib: query is {query!r}; wanted right or wrong")
    terms = network_terms(quantised)
    formula = right_formula(terms) if query == "right" else wrong_formula(terms)
    logic = "QF_NIA" if quantised.family in ("modular_quadratic", "modular_canonical_square") else "QF_LIA"
    return "\n".join(
        [
            f"; CompactProofs: model {quantised.name}, a pair (a, b) with verdict {query}",
            f"; sha256 {quantised.sha256}",
            f"(set-logic {logic})",
            *(f"(declare-fun {token} () Int)" for token in terms.tokens),
            *_IntegerPrinter().assertions([terms.domain, formula]),
            "(check-sat)",
            "",
        ]
    )


class _IntegerPrinter(_Printer):
    """SMT-LIB text of formulas over the integers."""

    OPERATORS = _Printer.OPERATORS | {">": ">", "=": "=", "*": "*", "mod": "mod"}

    @staticmethod
    def leaf(term: z3.ExprRef) -> str:
        if not z3.is_int_value(term):
            return str(term)
        value = term.as_long()
        return f"(- {-value})" if value < 0 else str(value)


def numbers(quantised: QuantisedModular) -> int:
    """Return how many weights the terms of a network have."""
    shapes = {name: matrix.ints.shape for name, matrix in quantised.matrices().items()}
    again = shapes["W_E"] if "W_E" in shapes and "W_E_b" not in shapes else (0, 0)  # a shared embedding
    return int(sum(rows * columns for rows, columns in (*shapes.values(), again)))


def _check_size(quantised: QuantisedModular) -> None:
    shapes = {name: matrix.ints.shape for name, matrix in quantised.matrices().items()}
    if empty := [name for name, shape in shapes.items() if 0 in shape]:
        raise ShapeError(f"Z3 terms: {empty[0]} has shape {shapes[empty[0]]}, wanted at least one row and column")
    if (needed := numbers(quantised)) > NUMBER_LIMIT:
        raise InputRefused(
            f"Z3 terms: {quantised.name} has {needed:,} weights to write, wanted at most {NUMBER_LIMIT:,}; "
            "use a smaller network (for example modulus 11)"
        )


def _row_of(at_most: Sequence[z3.BoolRef], matrix: QuantisedMatrix) -> _Vector:
    """The row of the token for which `at_most` stands."""
    if matrix.ints.shape[0] != len(at_most) + 1:
        raise ShapeError(f"Z3 terms: an embedding of {matrix.ints.shape[0]} tokens, wanted {len(at_most) + 1}")
    columns = matrix.ints.T.tolist()
    return _Vector(tuple(_lookup(at_most, [z3.IntVal(x) for x in column]) for column in columns), matrix.scale_bits)


def _constant(matrix: QuantisedMatrix, row: int) -> _Vector:
    return _Vector(tuple(z3.IntVal(x) for x in matrix.ints[row].tolist()), matrix.scale_bits)


def _combination(weights: Sequence[int], terms: Sequence[z3.ArithRef]) -> z3.ArithRef:
    summands = [_times(weight, term) for weight, term in zip(weights, terms, strict=True) if weight]
    return _sum(summands) if summands else z3.IntVal(0)


def _times(weight: int, term: z3.ArithRef) -> z3.ArithRef:
    return term if weight == 1 else z3.IntVal(weight) * term


def _at(terms: ModularTerms, a: int, b: int) -> list[tuple[z3.ArithRef, z3.ArithRef]]:
    p = len(terms.logits)
    if outside := [token for token in (a, b) if not 0 <= token < p]:
        raise InputRefused(f"pair {(a, b)}: got token {outside[0]}, wanted 0 .. {p - 1}")
    return [(token, z3.IntVal(int(value))) for token, value in zip(terms.tokens, (a, b), strict=True)]
