"""Proof length in closed form: at most so many operations does a Coq checker of a staged proof perform (`operations_bound`).

What counts as an operation is said in coq/theories/Length/Counted.v; each checker has a twin there that counts its own
operations, and is proved to give the same verdict (`cubic_verdict_value` in Length.StrategiesCounted) and to count at most
what this file says (`cubic_operations_at_most` in Length.StrategiesLength, `right_operations_at_most` in Length.Operations):

    products + tests + gaps + exponentials + weights + costs + counting

with n positions, d tokens, D entries of the residual stream, H of the head; ranks k and b of factors (peeled, bounded);
bands, and for each largest token m a resolution R and a near resolution N. Leading terms:

    products      2 d d (D + H) exact, 2 k d (d + 2 D) and 2 b d D of low rank, d H (8 D + 2 n), 2 d (d + n) D
    gaps          joint: (n - 1) d d d for each choice of rivals, times 21, or 12 for a single rival; split: (n - 1) d d
                  times that; and 12 d d d (split: 9 d d d) for each choice, to look for the largest logit for each last token
    exponentials  402 for each token, position and block of each last token
    weights       5 + 2 (largest exponent) for each token, block and last token
    costs         16 for each position and band of each case
    counting      15 for each position and band of each case, and 8 for each entry of a table of R + n + 1 entries besides

Each function takes numbers or sympy symbols; `stage_formulas` has them in symbols, for given choices of the stages. Coq:
Length.Operations.operations_bound, whose definitions are named below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import sympy

from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.proofs.strategies.bands import MOST_EXPONENT
from compact_proofs.proofs.strategies.products import Factors
from compact_proofs.proofs.strategies.staged import MOST_RADIUS, Certificate

Number = Any  # an int, or an expression of sympy

n, d, D, H = sympy.symbols("n d D H", integer=True, positive=True)
LENGTHS = {"n_ctx": n, "d_vocab": d, "d_model": D, "d_head": H}


class Ranks(NamedTuple):
    """Ranks of the factors of a product. Coq: Length.Operations.peeled_rank, bounded_rank."""

    peeled: Number
    bounded: Number


@dataclass(frozen=True, slots=True)
class Sizes:
    """All that the length depends on.

    scores, direct: ranks of the factors; None: exact. joint: gaps of the sum. wrong: sequences proved wrong are counted.
    exponents: of the bands; None: every token by itself. blocks: how many. resolutions, near_resolutions: per m, 0 where absent.
    """

    n_ctx: int
    d_vocab: int
    d_model: int
    d_head: int
    blocks: int
    resolutions: Sequence[int]
    near_resolutions: Sequence[int] = ()
    radius: int = 0
    exponents: Sequence[int] | None = None
    scores: Ranks | None = None
    direct: Ranks | None = None
    joint: bool = False
    wrong: bool = False

    @property
    def bands(self) -> int:
        """Coq: Length.BandsLength.bands_of."""
        return self.d_vocab if self.exponents is None else len(self.exponents)


class Weighted(NamedTuple):
    """Sums over the cases (q, m), q <= m, that are counted: of 1, of bands, and of bands times resolution + n + 1.

    Coq: Length.StagedLength.count_case_bound, summed by Length.Operations.cases_bound.
    """

    cases: Number
    bands: Number
    entries: Number


def weighted(n_ctx: int, d_vocab: int, bands: int, resolutions: Sequence[int]) -> Weighted:
    """Return the sums. Coq: Length.CasesLength.bands_at."""
    total = [0, 0, 0]
    for m, resolution in enumerate(resolutions[:d_vocab]):
        if resolution:
            width = (m + 1) * min(bands, m + 1)
            total = [total[0] + m + 1, total[1] + width, total[2] + width * (resolution + n_ctx + 1)]
    return Weighted(*total)


def uniform(n: Number, d: Number, bands: Number, resolution: Number) -> Weighted:
    """Return the sums for one resolution at all m, in closed form; at most d bands."""
    cases = d * (d + 1) / sympy.Integer(2)
    fewer = bands * (bands + 1) / sympy.Integer(2)
    of_bands = fewer * (2 * bands + 1) / 3 + bands * (cases - fewer)
    return Weighted(cases, of_bands, of_bands * (resolution + n + 1))


def products(n: Number, d: Number, D: Number, H: Number, scores: Ranks | None, direct: Ranks | None) -> Number:
    """Tables, and both products with the tests of their ranges. Coq: tables_bound, product_bound, logits_bound."""
    tables = 28 + 7 * d * D + 2 * n * D + 8 * D * H
    tables += 8 * d * D * H + 6 * n * D * H + 2 * n * d * H + 2 * d * d * D + 2 * n * d * D
    moved = 25 + 18 * D + 9 * d * D + 3 * d + 4 * n * d
    return tables + _product(d, H, d, scores) + moved + _product(d, D, d, direct)


def _product(rows: Number, inner: Number, columns: Number, ranks: Ranks | None) -> Number:
    """Coq: exact_bound, and low_rank_bound: parts_bound, dots_bound, factor_tests_bound."""
    if ranks is None:
        return 7 + 3 * rows * inner + 3 * inner * columns + 2 * rows * inner * columns
    k, b = ranks
    parts = 9 + 4 * inner * (k + b) + 3 * inner * inner + 2 * inner * inner * (k + b + rows)
    parts += 2 * inner * (k + b) * (rows + columns)
    dots = rows + 4 * rows * (b + inner) + 6 * columns * (b + inner) + 2 * rows * k * columns
    tests = 89 + 5 * inner + k + 4 * b + 3 * inner * inner + 20 * inner * (k + b) + 18 * inner * columns + 12 * inner * rows
    tests += 3 * k * columns + 6 * b * columns + 3 * rows * (k + b)
    return parts + dots + tests


def tests(n: Number, d: Number, D: Number, H: Number, bands: Number, exponents: Number) -> Number:
    """All other tests. Coq: tables_tests_bound, gaps_tests_bound, and the rest of tests_bound."""
    tables = 130 + 4 * D + H + d + n + 33 * d * D + 16 * n * D + 37 * D * H + 6 * d * H + 6 * n * H + 3 * n * d
    scores = 5 + 3 * d + 3 * d * d
    gaps = 35 + 6 * d + 12 * d * d + 6 * n * d
    return tables + scores + gaps + 5 + bands + 13 * exponents + 7


def gaps(n: Number, d: Number, bands: Number, exponents: Number, rivals: Rivals, joint: bool, exact_direct: bool) -> Number:
    """For all choices of rivals and all last tokens. Coq: gaps_bound: gap_cases_bound, gaps_of_query_bound."""
    path_low, direct_low, joint_low = 5 + 3 * n * d + 3 * d * d, 3 + 3 * d * d, 7 + 3 * n * d + 6 * d * d
    total = 4 * exponents
    for count, row_gaps in rivals.row_gaps(d):
        row = row_gaps + 6 * d  # gaps_of_bound
        table = d * (d + row) + d * (bands + 3 * d)  # position_table_bound
        joint_final = joint_low + 1 + 2 * d + row
        direct = direct_low + row_gaps + 8 * d  # direct_gaps_bound
        if joint:
            once = 0
            of_query = joint_low + 2 + (n - 1) * (d + table) + joint_final
        else:
            once = path_low + 2 + (n - 1) * table
            of_query = direct + (joint_final if exact_direct else direct + path_low + 1 + 2 * d + row)
        total += count * (once + d * of_query)
    return total


@dataclass(frozen=True, slots=True)
class Rivals:
    """The choices of rivals of a radius. Coq: Cert.Staged.right_rivals, wrong_rivals."""

    radius: int
    wrong: bool

    @property
    def number(self) -> int:
        return 2 * self.radius + (0 if self.wrong else 1 + (self.radius > 0))

    def row_gaps(self, d: Number) -> list[tuple[int, Number]]:
        """Return how many choices there are, with the operations for one row. Coq: Length.BandsLength.row_gaps_bound."""
        rests = [] if self.wrong else [0] if self.radius == 0 else [0, self.radius]
        return [(1, 10 * d + 3 * radius + 3) for radius in rests] + [(2 * self.radius, d)]


def exponentials(n: Number, d: Number, blocks: Number) -> Number:
    """Enclosures of exp: of each token, position and block of each last token. Coq: part of costs_bound."""
    return d * (402 * n + 403 * d + 402 * blocks)


def weights(n: Number, d: Number, bands: Number, exponents: Number, largest: Number, blocks: Number) -> Number:
    """Weights but for the exponentials, by bands; the plan. Coq: the rest of costs_bound: query_bound, plan_bound."""
    token_rows = 8 * exponents + largest * (1 + 2 * d)
    plan = 4 * exponents + d * (8 + 5 * bands) + 5 * blocks
    return plan + d * (21 + 3 * n + 14 * d + blocks * (5 + 5 * d + token_rows))


def costs(n: Number, near: int, wrong: bool, counted: Weighted, counted_near: Weighted) -> Number:
    """Weight times gap, for all cases. Coq: part of count_case_bound."""
    first = 17 * counted.cases + 16 * (n - 1) * counted.bands
    second = 17 * counted_near.cases + 16 * (n - 1) * counted_near.bands
    return near * first if wrong else first + near * second


def counting(n: Number, d: Number, near: int, wrong: bool, counted: Weighted, counted_near: Weighted) -> Number:
    """Rounding of costs and dynamic programmes, for all cases. Coq: cases_bound: right_case_bound, count_choices_bound."""
    every = d * (d + 1) / sympy.Integer(2)

    def of_cases(part: Weighted) -> Number:
        positions, previous = n - 1, sympy.Max(0, n - 2)
        programme = 2 * previous * part.cases + (8 * previous + 2) * part.entries + 2 * part.bands
        return (38 + 21 * positions) * part.cases + 15 * positions * part.bands + programme

    absent = every - counted.cases
    first = of_cases(counted) + absent
    if wrong:
        return 3 * every + near * (3 * every + first)
    return 6 * every + first + 3 * counted_near.cases + near * (3 * counted_near.cases + of_cases(counted_near))


def stages(
    n: Number, d: Number, D: Number, H: Number, bands: Number, exponents: Number, largest: Number, blocks: Number,
    rivals: Rivals, scores: Ranks | None, direct: Ranks | None, joint: bool, counted: Weighted, counted_near: Weighted,
) -> dict[str, Number]:  # fmt: skip
    """Return the operations of each stage; their sum is Coq's Length.Operations.operations_bound."""
    near = rivals.number if rivals.wrong else rivals.number - 1
    return {
        "products": products(n, d, D, H, scores, direct),
        "tests": 10 + tests(n, d, D, H, bands, exponents),
        "gaps": gaps(n, d, bands, exponents, rivals, joint, direct is None),
        "exponentials": exponentials(n, d, blocks),
        "weights": weights(n, d, bands, exponents, largest, blocks),
        "costs": costs(n, near, rivals.wrong, counted, counted_near),
        "counting": counting(n, d, near, rivals.wrong, counted, counted_near),
    }


def formula(joint: bool, banded: bool, scores: bool, direct: bool, radius: int = 0, wrong: bool = False) -> sympy.Expr:
    """Return the closed form, the sum of `stage_formulas`."""
    return sum(stage_formulas(joint, banded, scores, direct, radius, wrong).values(), sympy.Integer(0))


def stage_formulas(
    joint: bool, banded: bool, scores: bool, direct: bool, radius: int = 0, wrong: bool = False
) -> dict[str, sympy.Expr]:
    """Return the closed form of each stage for choices of the stages, with one resolution R (and N near m) for all m.

    Symbols: n, d, D, H; B blocks; L bands, E the largest exponent where `banded`; k_s, b_s and k_d, b_d the ranks of the
    factors where `scores` and `direct`; R, N.
    """
    blocks, bands, largest, fine, near = sympy.symbols("B L E R N", integer=True, positive=True)
    ranks = [Ranks(*sympy.symbols(f"k_{of} b_{of}", integer=True, positive=True)) for of in "sd"]
    width = bands if banded else d
    return stages(
        n, d, D, H, width, bands if banded else 0, largest if banded else 0, blocks, Rivals(radius, wrong),
        ranks[0] if scores else None, ranks[1] if direct else None, joint,
        uniform(n, d, width, fine), uniform(n, d, width, near) if radius and not wrong else Weighted(0, 0, 0),
    )  # fmt: skip


def operations_bound(**sizes: Any) -> int:
    """Return the bound for `Sizes(**sizes)`. Coq: Length.Operations.right_operations_bound, wrong_operations_bound."""
    of = Sizes(**sizes)
    exponents = () if of.exponents is None else of.exponents
    counted = weighted(of.n_ctx, of.d_vocab, of.bands, of.resolutions)
    counted_near = Weighted(0, 0, 0) if of.wrong else weighted(of.n_ctx, of.d_vocab, of.bands, of.near_resolutions)
    largest = max((one for one in exponents if one <= MOST_EXPONENT), default=0)  # Coq: Cert.Attention.exponent_of
    closed = stages(
        n, d, D, H, of.bands, len(exponents), largest, of.blocks,
        Rivals(min(of.radius, MOST_RADIUS), of.wrong), of.scores, of.direct, of.joint, counted, counted_near,
    )  # fmt: skip
    return int(sum(closed.values(), sympy.Integer(0)).subs({symbol: getattr(of, name) for name, symbol in LENGTHS.items()}))


def operations(model: QuantisedModel, certificate: Certificate, wrong: bool = False) -> int:
    """Return at most how many operations the checker takes for this certificate. See `operations_bound`."""
    return operations_bound(**asdict(sizes_of(model, certificate, wrong)))


def sizes_of(model: QuantisedModel, certificate: Certificate, wrong: bool = False) -> Sizes:
    """Return the sizes of a network and a certificate."""
    plan = certificate.plan

    def ranks(factors: Factors | None) -> Ranks | None:
        return None if factors is None else Ranks(len(factors.peeled_right), len(factors.bounded_right))

    return Sizes(
        n_ctx=model.n_ctx,
        d_vocab=model.d_vocab,
        d_model=model.d_model,
        d_head=model.d_head,
        blocks=len(plan.block_lengths),
        resolutions=plan.resolutions,
        near_resolutions=plan.near_resolutions,
        radius=plan.radius,
        exponents=certificate.exponents,
        scores=ranks(certificate.scores),
        direct=ranks(certificate.direct),
        joint=certificate.moved is None,
        wrong=wrong,
    )
