"""The quantised network as Z3 terms over exact rationals (`network_terms`), and as SMT-LIB 2 text (`smtlib`).

A cross-check of the Coq checkers that shares no code with them or with their mirrors: tables by plain sums of products
in Python fractions, exponentials by `decimal`. Tokens are symbols x_0 .. x_{n_ctx-1}; exp is replaced by rational
enclosures from a table; a table lookup is a balanced tree of if-then-else on tokens whose leaves are numbers, so every
formula is linear. Source: docs/max_of_k.md, sections 1 and 2.

There are about n_ctx * d_vocab^4 leaves: 10^4 at d_vocab 8 and n_ctx 3 (0.3 s to build, 0.2 MB of SMT-LIB), 2 * 10^5 at
d_vocab 16 and n_ctx 4 (8 s, 4 MB). Above LEAF_LIMIT the network is refused: this form is for the small ones.
"""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import z3

from compact_proofs.extract.quantise import QuantisedMatrix, QuantisedModel
from compact_proofs.models.errors import InputRefused, ShapeError, UsageError

LEAF_LIMIT = 2**18
ENCLOSURE_BITS = 60
DIGITS = 60  # decimal digits of an exponential before it is rounded outward to 2^-60
UNDERFLOW = -64  # exp of less is below 2^-92

Verdict = Literal["right", "wrong", "undecided"]
Interval = tuple[Fraction, Fraction]
TermInterval = tuple[z3.ArithRef, z3.ArithRef]
Matrix = list[list[Fraction]]
Enclosures = Sequence[Sequence[Sequence[Interval]]]  # [q][i][t]


@dataclass(frozen=True, slots=True)
class RationalTables:
    """The network as functions of single tokens, exact; shapes and meaning as `models.evaluate.TokenTables`."""

    S: Matrix
    P: Matrix
    EU: Matrix
    V: Matrix
    PV: Matrix


@dataclass(frozen=True, slots=True)
class NetworkTerms:
    """Terms in the tokens x_0 .. x_{n_ctx-1}; each pair is a (lower, upper) bound. Valid where `domain` holds.

    attention[i]: a_i = exp(S + P - reference_q); numerators[w]: sum_i a_i (EU + V + PV)[w], which over sum_i a_i is the
    logit of w; gaps[w]: sum_i a_i g_i(w; answer), at w = answer zero; answer: the largest token; is_answer[w].
    """

    tokens: tuple[z3.ArithRef, ...]
    domain: z3.BoolRef
    answer: z3.ArithRef
    is_answer: tuple[z3.BoolRef, ...]
    attention: tuple[TermInterval, ...]
    numerators: tuple[TermInterval, ...]
    gaps: tuple[TermInterval, ...]


@dataclass(frozen=True, slots=True)
class Values:
    """The terms of `NetworkTerms` at one input, and the verdict that follows."""

    answer: int
    attention: tuple[Interval, ...]
    numerators: tuple[Interval, ...]
    gaps: tuple[Interval, ...]
    verdict: Verdict


def rational_tables(quantised: QuantisedModel) -> RationalTables:
    """Compute the tables of the quantised network exactly."""
    W_E, W_pos, W_Q, W_K, W_V, W_O, W_U = (_fractions(matrix) for matrix in quantised.matrices().values())
    query_side = [[token + position for token, position in zip(row, W_pos[-1], strict=True)] for row in W_E]
    query = _product(query_side, W_Q)
    value = _product(_product(W_V, W_O), W_U)
    return RationalTables(
        S=_product(query, _transposed(_product(W_E, W_K))),
        P=_product(query, _transposed(_product(W_pos, W_K))),
        EU=_product(query_side, W_U),
        V=_product(W_E, value),
        PV=_product(W_pos, value),
    )


def exp_enclosures(tables: RationalTables) -> Enclosures:
    """Enclose exp(S[q,t] + P[q,i] - reference_q) at [q][i][t], outward to 2^-60; reference_q is the query's largest score."""
    result = []
    for scores, positions in zip(tables.S, tables.P, strict=True):
        reference = max(scores) + max(positions)
        result.append([[exp_enclosure(score + position - reference) for score in scores] for position in positions])
    return result


def exp_enclosure(x: Fraction) -> Interval:
    """Enclose exp(x) for x <= 0 between multiples of 2^-60; exact at 0.

    Raises: InputRefused: x > 0.
    """
    if x > 0:
        raise InputRefused(f"exp enclosure: x is {float(x)}, wanted x <= 0; subtract the largest score first")
    unit = Fraction(1, 2**ENCLOSURE_BITS)
    if x == 0:
        return Fraction(1), Fraction(1)
    if x < UNDERFLOW:
        return Fraction(0), unit
    bounds = []
    for rounding in (decimal.ROUND_FLOOR, decimal.ROUND_CEILING):
        context = decimal.Context(prec=DIGITS, rounding=rounding)
        bounds.append(context.exp(context.divide(decimal.Decimal(x.numerator), decimal.Decimal(x.denominator))))
    lower, upper = context.next_minus(bounds[0]), context.next_plus(bounds[1])  # Context.exp rounds to nearest
    return math.floor(Fraction(lower) / unit) * unit, min(Fraction(1), math.ceil(Fraction(upper) / unit) * unit)


def network_terms(quantised: QuantisedModel, enclosures: Enclosures | None = None) -> NetworkTerms:
    """Build the terms.

    Args:    enclosures: (lo, hi) at [q][i][t] around exp(S[q,t] + P[q,i] - reference_q) for any reference_q, 0 <= lo <= hi;
             by default those of `exp_enclosures`.
    Raises:  InputRefused: more than LEAF_LIMIT leaves, or lo and hi out of order. ShapeError: enclosures of other sizes.
    """
    n_ctx, d_vocab = quantised.n_ctx, quantised.d_vocab
    _check_size(n_ctx, d_vocab)
    tables = rational_tables(quantised)
    if enclosures is None:
        enclosures = exp_enclosures(tables)
    _check_enclosures(enclosures, n_ctx, d_vocab)

    tokens = tuple(z3.Int(f"x_{position}") for position in range(n_ctx))
    at_most = [[token <= k for k in range(d_vocab - 1)] for token in tokens]  # [position][k]
    answer_at_most = [z3.And([row[k] for row in at_most]) for k in range(d_vocab - 1)]
    number = _Numbers()
    last = d_vocab - 1

    def summed(top: int, value: Callable[[int, int, int], Interval]) -> TermInterval:
        """Sum over positions i of value(i, q, t), looked up at q = x_{n_ctx-1} and t = x_i, both at most `top`."""
        lower, upper = zip(*(looked_up(position, top, value) for position in range(n_ctx)), strict=True)
        return _sum(lower), _sum(upper)

    def looked_up(position: int, top: int, value: Callable[[int, int, int], Interval]) -> TermInterval:
        ends = []
        for end in (0, 1):
            by_query = []
            for q in range(top + 1):
                keys = [q] if position == n_ctx - 1 else range(top + 1)
                by_query.append(_lookup(at_most[position], [number(value(position, q, t)[end]) for t in keys]))
            ends.append(_lookup(at_most[-1], by_query))
        return ends[0], ends[1]

    def output(w: int, position: int, q: int, t: int) -> Fraction:
        return tables.EU[q][w] + tables.V[t][w] + tables.PV[position][w]

    def numerator(w: int) -> TermInterval:
        return summed(last, lambda i, q, t: _times(enclosures[q][i][t], output(w, i, q, t)))

    def gap_term(w: int, m: int) -> TermInterval:
        if w == m:
            return number(Fraction(0)), number(Fraction(0))
        return summed(m, lambda i, q, t: _times(enclosures[q][i][t], output(w, i, q, t) - output(m, i, q, t)))

    def gap(w: int) -> TermInterval:
        lower, upper = zip(*(gap_term(w, m) for m in range(d_vocab)), strict=True)
        return _lookup(answer_at_most, lower), _lookup(answer_at_most, upper)

    return NetworkTerms(
        tokens=tokens,
        domain=z3.And([z3.And(token >= 0, token <= last) for token in tokens]),
        answer=_lookup(answer_at_most, [z3.IntVal(m) for m in range(d_vocab)]),
        is_answer=tuple(_lookup(answer_at_most, [z3.BoolVal(m == w) for m in range(d_vocab)]) for w in range(d_vocab)),
        attention=tuple(looked_up(i, last, lambda i, q, t: enclosures[q][i][t]) for i in range(n_ctx)),
        numerators=tuple(numerator(w) for w in range(d_vocab)),
        gaps=tuple(gap(w) for w in range(d_vocab)),
    )


def right_formula(terms: NetworkTerms) -> z3.BoolRef:
    """Proved right: every other output's gap is below zero, whatever the true exponentials in the enclosures are."""
    pairs = zip(terms.is_answer, terms.gaps, strict=True)
    return z3.And([z3.Or(is_answer, upper < 0) for is_answer, (_, upper) in pairs])


def wrong_formula(terms: NetworkTerms) -> z3.BoolRef:
    """Proved wrong: some other output's gap is at least zero; a tie is wrong."""
    pairs = zip(terms.is_answer, terms.gaps, strict=True)
    return z3.Or([z3.And(z3.Not(is_answer), lower >= 0) for is_answer, (lower, _) in pairs])


def evaluate(terms: NetworkTerms, tokens: Sequence[int]) -> Values:
    """Evaluate the terms at one input by substitution and Z3's simplifier.

    Raises: ShapeError: not n_ctx tokens. InputRefused: a token outside 0 .. d_vocab-1.
    """
    d_vocab = len(terms.gaps)
    if len(tokens) != len(terms.tokens):
        raise ShapeError(f"input {list(tokens)}: got {len(tokens)} tokens, wanted {len(terms.tokens)}")
    if outside := [token for token in tokens if not 0 <= token < d_vocab]:
        raise InputRefused(f"input {list(tokens)}: got token {outside[0]}, wanted 0 .. {d_vocab - 1}")
    substitution = [(token, z3.IntVal(int(value))) for token, value in zip(terms.tokens, tokens, strict=True)]

    def at_input(term: z3.ExprRef) -> z3.ExprRef:
        return z3.simplify(z3.substitute(term, *substitution))

    def intervals(pairs: tuple[TermInterval, ...]) -> tuple[Interval, ...]:
        return tuple((at_input(lower).as_fraction(), at_input(upper).as_fraction()) for lower, upper in pairs)

    verdict: Verdict = "undecided"
    if z3.is_true(at_input(right_formula(terms))):
        verdict = "right"
    elif z3.is_true(at_input(wrong_formula(terms))):
        verdict = "wrong"
    return Values(
        answer=at_input(terms.answer).as_long(),
        attention=intervals(terms.attention),
        numerators=intervals(terms.numerators),
        gaps=intervals(terms.gaps),
        verdict=verdict,
    )


def smtlib(quantised: QuantisedModel, query: Verdict, enclosures: Enclosures | None = None) -> str:
    """Write SMT-LIB 2 text that is satisfiable exactly if some input has the verdict `query`; a model is that input.

    Equal arguments give equal bytes. Raises: UsageError: an unknown query. Otherwise as `network_terms`.
    """
    if query not in ("right", "wrong", "undecided"):
        raise UsageError(f"smtlib: query is {query!r}; wanted right, wrong or undecided")
    terms = network_terms(quantised, enclosures)
    right, wrong = right_formula(terms), wrong_formula(terms)
    formula = {"right": right, "wrong": wrong, "undecided": z3.Not(z3.Or(right, wrong))}[query]
    return "\n".join(
        [
            f"; CompactProofs: model {quantised.name}, an input with verdict {query}",
            f"; sha256 {quantised.sha256}",
            "(set-logic QF_LIRA)",
            *(f"(declare-fun {token} () Int)" for token in terms.tokens),
            *_Printer().assertions([terms.domain, formula]),
            "(check-sat)",
            "",
        ]
    )


class _Numbers:
    """Z3 numerals of fractions, each made once."""

    def __init__(self) -> None:
        self.made: dict[Fraction, z3.ArithRef] = {}

    def __call__(self, value: Fraction) -> z3.ArithRef:
        if value not in self.made:
            self.made[value] = z3.RealVal(str(value))
        return self.made[value]


class _Printer:
    """SMT-LIB text of formulas; a subterm that occurs more than once gets a name: t and the number of its line."""

    OPERATORS = {"if": "ite", "and": "and", "or": "or", "not": "not", "<=": "<=", ">=": ">=", "<": "<", "+": "+"}

    def __init__(self) -> None:
        self.uses: dict[int, int] = {}
        self.text: dict[int, str] = {}
        self.lines: list[str] = []

    def assertions(self, formulas: Sequence[z3.BoolRef]) -> list[str]:
        for formula in formulas:
            self.count(formula)
        for formula in formulas:
            self.lines.append(f"(assert {self.show(formula)})")
        return self.lines

    def count(self, term: z3.ExprRef) -> None:
        key = term.get_id()
        self.uses[key] = self.uses.get(key, 0) + 1
        if self.uses[key] == 1:
            for child in term.children():
                self.count(child)

    def show(self, term: z3.ExprRef) -> str:
        key = term.get_id()
        if key not in self.text:
            text = self.leaf(term) if not term.children() else self.application(term)
            if term.children() and self.uses[key] > 1:
                name = f"t{len(self.lines)}"
                self.lines.append(f"(define-fun {name} () {term.sort()} {text})")
                text = name
            self.text[key] = text
        return self.text[key]

    def application(self, term: z3.ExprRef) -> str:
        return f"({self.OPERATORS[term.decl().name()]} {' '.join(self.show(child) for child in term.children())})"

    @staticmethod
    def leaf(term: z3.ExprRef) -> str:
        if not z3.is_rational_value(term):
            return str(term) if not z3.is_bool(term) else "true" if z3.is_true(term) else "false"
        value = term.as_fraction()
        size = f"{abs(value.numerator)}.0"
        if value.denominator != 1:
            size = f"(/ {size} {value.denominator}.0)"
        return f"(- {size})" if value < 0 else size


def leaves(n_ctx: int, d_vocab: int) -> int:
    """Return how many leaves the terms of a network have."""
    in_numerators = d_vocab * (d_vocab * d_vocab * (n_ctx - 1) + d_vocab)
    in_gaps = d_vocab * sum((m + 1) ** 2 * (n_ctx - 1) + m + 1 for m in range(d_vocab))
    return 2 * (in_numerators + in_gaps)


def _check_size(n_ctx: int, d_vocab: int) -> None:
    needed = leaves(n_ctx, d_vocab)
    if needed > LEAF_LIMIT:
        raise InputRefused(
            f"Z3 terms: n_ctx {n_ctx} and d_vocab {d_vocab} need {needed:,} leaves, wanted at most {LEAF_LIMIT:,}; "
            "use a smaller network (for example n_ctx 3, d_vocab 8)"
        )


def _check_enclosures(enclosures: Enclosures, n_ctx: int, d_vocab: int) -> None:
    sizes = {(len(by_position), len(row)) for by_position in enclosures for row in by_position}
    if len(enclosures) != d_vocab or sizes != {(n_ctx, d_vocab)}:
        raise ShapeError(f"enclosures: got {len(enclosures)} x {sorted(sizes)}, wanted {d_vocab} x [({n_ctx}, {d_vocab})]")
    for q, by_position in enumerate(enclosures):
        for i, row in enumerate(by_position):
            for t, (low, high) in enumerate(row):
                if not 0 <= low <= high:
                    raise InputRefused(f"enclosures[{q}][{i}][{t}]: got ({low}, {high}), wanted 0 <= lower <= upper")


def _times(weight: Interval, value: Fraction) -> Interval:
    """The products of a number >= 0 in `weight` with `value`."""
    low, high = weight[0] * value, weight[1] * value
    return (low, high) if value >= 0 else (high, low)


def _lookup(at_most: Sequence[z3.BoolRef], entries: Sequence[z3.ExprRef]) -> z3.ExprRef:
    """The entry whose index is the least k with at_most[k], else the last, by a balanced tree; one entry needs no test."""
    if len(entries) == 1:
        return entries[0]
    half = len(entries) // 2
    below, above = _lookup(at_most, entries[:half]), _lookup(at_most[half:], entries[half:])
    return below if below.eq(above) else z3.If(at_most[half - 1], below, above)


def _sum(terms: Sequence[z3.ArithRef]) -> z3.ArithRef:
    return terms[0] if len(terms) == 1 else z3.Sum(terms)


def _fractions(matrix: QuantisedMatrix) -> Matrix:
    return [[Fraction(entry, 2**matrix.scale_bits) for entry in row] for row in matrix.ints.tolist()]


def _product(left: Matrix, right: Matrix) -> Matrix:
    columns = _transposed(right)
    return [[sum((a * b for a, b in zip(row, column, strict=True)), Fraction(0)) for column in columns] for row in left]


def _transposed(matrix: Matrix) -> Matrix:
    return [list(column) for column in zip(*matrix, strict=True)]
