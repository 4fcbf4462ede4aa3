"""The cubic strategy: the worst output per last token, largest token and position, and a count of sums; no sequence is run.

For a last token q and a largest token m, each token t at position i costs the upper bound of its attention weight times
its worst logit gap, max over w /= m. A sequence whose costs add up to less than 0 is right. Coq counts these sequences by
dynamic programming on costs that are scaled to small integers and rounded up; the finder chooses the scales.
Coq: Cert.CostsCheck, Cert.CubicCheck. Source: docs/max_of_k.md.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from compact_proofs.extract.coq_text import Field
from compact_proofs.extract.exp_bounds import FRACTION_BITS, ONE
from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.extract.tables import (
    MOST_INPUTS,
    IntegerTables,
    check_gap_shift,
    check_inputs,
    check_masses,
    integer_tables,
    least_gap_shift,
)
from compact_proofs.proofs.registry import CoqNames, Found, Progress, Strategy, silent
from compact_proofs.proofs.strategies.counting import MASS_UNIT, estimate, passing, passing_mass, spare_budget, table_cells
from compact_proofs.proofs.strategies.terms import (
    Enclosures,
    both,
    check_claims,
    check_claims_length,
    check_total,
    relative_exp,
    scale_up,
    shift_up,
    upper_term,
    verdict_of,
)

BINS = [round(4 * 2 ** (step / 4)) for step in range(33)]  # sizes of tables that the finder tries: 4 .. 1024
CELL_PRICE = 2**36  # a table cell must gain one in so many of all inputs
BLOCK_RISE = 4  # nats by which the largest score may rise within a block: it costs as much precision of small weights


@dataclass(frozen=True, slots=True)
class CubicCertificate:
    """What Coq needs to count. Coq: Cert.CubicCheck.cubic_certificate.

    gap_shift: gaps are in units of 2^(gap_shift - logit_bits). scales: per last token q, per block of m = q, q + 1, .., per
    m: costs are multiplied by scale / 2^30. claims: per q, the sequences claimed right: counts where digits is 0, else masses
    (units of 2^-50 of 2^(digits (n_ctx - 1)) sequences), for networks with 2^62 inputs or more.
    """

    gap_shift: int
    scales: tuple[tuple[tuple[int, ...], ...], ...]
    claims: tuple[int, ...]
    digits: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """The unscaled costs of one (q, m): `costs` (n_ctx - 1, m + 1) and `last`, units of 2^(gap_shift - logit_bits).

    Coq: Cert.CostsCheck.case_costs, case_last.
    """

    q: int
    m: int
    costs: Int64[np.ndarray, "positions tokens"]
    last: int

    @property
    def sequences(self) -> int:
        """How many sequences end in q and have the largest token m."""
        positions, tokens = self.costs.shape
        return tokens**positions - (0 if self.q == self.m else (tokens - 1) ** positions)

    def count(self, scale: int, digits: int = 0) -> int:
        """Count the sequences that end in q, have the largest token m and pass; a mass where digits > 0.

        Coq: Cert.CubicCheck.case_count.
        """
        if not 0 < scale <= ONE:
            return 0
        if digits:
            return passing_mass(digits, *self.scaled(scale), self.q == self.m)
        return passing(*self.scaled(scale), self.q == self.m)

    def estimate(self, scale: int) -> float:
        """Count in float64, for the finder."""
        return estimate(*self.scaled(scale), self.q == self.m)

    def cells(self, scale: int) -> int:
        """Bound the table cells that Coq touches; see `counting.table_cells`."""
        if not 0 <= scale <= ONE:
            return 0
        positions, tokens = self.costs.shape
        return table_cells(positions, tokens, spare_budget(*self.scaled(scale)))

    def scaled(self, scale: int) -> tuple[Int64[np.ndarray, "positions tokens"], int]:
        return scale_up(self.costs, scale), int(scale_up(np.array(self.last), scale))


def find(model: QuantisedModel, progress: Progress = silent) -> Found:
    """Find scales: per (q, m) the table that gains most inputs, each cell priced at one in CELL_PRICE of all inputs.

    Raises: OverflowRisk: a network that the checker refuses.
    """
    tables = integer_tables(model)
    gap_shift = least_gap_shift(tables)
    inputs = model.d_vocab**model.n_ctx
    digits = 0 if inputs < MOST_INPUTS else (model.d_vocab - 1).bit_length()
    _check_counts(model, digits)
    scales, claims = [], []
    for q in range(model.d_vocab):
        progress("cubic: last token", q, model.d_vocab)
        sizes = _block_sizes(tables, q)
        chosen = [_choose_scale(case, inputs, digits) for case in cases(tables, gap_shift, q, sizes)]
        of_q = iter(scale for scale, _ in chosen)
        scales.append(tuple(tuple(itertools.islice(of_q, size)) for size in sizes))
        claims.append(sum(count for _, count in chosen))
    progress("cubic: last token", model.d_vocab, model.d_vocab)
    certificate = CubicCertificate(gap_shift, tuple(scales), tuple(claims), digits)
    return Found(certificate, claimed_inputs(model, certificate), "at_least", operations(model, certificate))


def fields(certificate: CubicCertificate) -> list[Field]:
    """Return the definitions of Certificate.v."""
    return [
        Field("gap_shift", "int", certificate.gap_shift),
        Field("scales", "list (list (list int))", certificate.scales),
        Field("claims", "list int", certificate.claims),
        Field("digits", "int", certificate.digits),
    ]


def mirror(model: QuantisedModel, certificate: CubicCertificate) -> int:
    """Return the largest N that Coq accepts with this certificate.

    Raises: OverflowRisk, CertificateError: Coq refuses every N; starts with what Coq prints.
    """
    tables = integer_tables(model)
    _check_counts(model, certificate.digits)
    check_gap_shift(tables, certificate.gap_shift)
    check_claims_length(model.d_vocab, certificate.claims)
    check_claims(lambda q: query_count(tables, certificate, q), certificate.claims)
    return claimed_inputs(model, certificate)


def claimed_inputs(model: QuantisedModel, certificate: CubicCertificate) -> int:
    """Return the number of inputs that the claims stand for. Coq: Cert.CubicCheck.claimed_inputs."""
    return counted_inputs(sum(certificate.claims), certificate.digits, model.n_ctx - 1)


def counted_inputs(count: int, digits: int, positions: int) -> int:
    """Return the inputs that a count, or where digits > 0 a mass, over that many free positions stands for."""
    return count * 2 ** (digits * positions) // MASS_UNIT if digits else count


def verdict(claimed: int, model: QuantisedModel, certificate: CubicCertificate) -> str:
    """Return what Coq prints for a claim of `claimed` right inputs. Coq: Cert.CubicCheck.cubic_verdict."""

    def check() -> None:
        check_total(claimed, mirror(model, certificate))

    return verdict_of(check)


def query_count(tables: IntegerTables, certificate: CubicCertificate, q: int) -> int:
    """Count the sequences that end in q and pass. Coq: Cert.CubicCheck.query_count."""
    return sum(case.count(scale, certificate.digits) for case, scale in scaled_cases(tables, certificate, q))


def operations(model: QuantisedModel, certificate: CubicCertificate) -> int:
    """Count the machine-integer operations (additions, products, comparisons, shifts) of the checker, up to small terms.

    The sum of `product_operations`, `gap_operations`, `weight_operations` of each block, `cost_operations` of each (q, m)
    with a scale, and 2 per cell of `counting.table_cells`.
    """
    block_ends = [end for q in range(model.d_vocab) for end in _block_ends(certificate, q)]
    weights = sum(weight_operations(model, end) for end in block_ends)
    tables = integer_tables(model)
    scaled = (pair for q in range(model.d_vocab) for pair in scaled_cases(tables, certificate, q))
    costs = sum(cost_operations(model, case.m) for case, scale in scaled if 0 < scale <= ONE)
    return product_operations(model) + gap_operations(model) + weights + costs + 2 * all_table_cells(model, certificate)


def product_operations(model: QuantisedModel) -> int:
    """Operations of the token tables: 2 per inner step of a product of matrices. Coq: Cert.Tables.tables_of."""
    n, d, width, head = model.n_ctx, model.d_vocab, model.d_model, model.d_head
    return 2 * ((3 * d + 2 * n) * width * head + (d + n) * (d * head + head * width + width * d) + d * width * d)


def gap_operations(model: QuantisedModel) -> int:
    """Operations of the worst gaps: 16 per (q, position, token, m). Coq: Cert.CostsCheck.gap_rows."""
    return 16 * model.n_ctx * model.d_vocab**3


def weight_operations(model: QuantisedModel, bound: int) -> int:
    """Operations of the weights of the tokens below `bound`, for one q. Coq: Cert.CostsCheck.attention.

    306 per exponential (lower and upper: 3 per bit of two tables of 36 bits, 5 per set bit, of which there are taken to be
    18) and 5 per (position, token).
    """
    tokens = min(model.d_vocab, bound)
    return 306 * (tokens + model.n_ctx) + 5 * model.n_ctx * tokens


def cost_operations(model: QuantisedModel, m: int) -> int:
    """Operations of the costs of one (q, m): 24 per (position, token). Coq: Cert.CostsCheck.case_costs."""
    return 24 * (model.n_ctx - 1) * (m + 1)


def all_table_cells(model: QuantisedModel, certificate: CubicCertificate) -> int:
    """Add up `counting.table_cells` over all (q, m): what the checker's time grows with."""
    tables = integer_tables(model)
    scaled = (pair for q in range(model.d_vocab) for pair in scaled_cases(tables, certificate, q))
    return sum(case.cells(scale) for case, scale in scaled)


def _choose_scale(case: Case, inputs: int, digits: int) -> tuple[int, int]:
    """Return the scale that gains most, counted sequences less the price of the table, and its count; (0, 0) for none."""
    best_scale = best_cells = 0
    best_count: float = 0
    budget = spare_budget(case.costs, case.last)
    positions, tokens = case.costs.shape
    every = case.sequences
    for bins in BINS if budget >= 0 else []:
        if (every - best_count) * CELL_PRICE <= (table_cells(positions, tokens, bins - 1) - best_cells) * inputs:
            break  # even if all sequences passed it would not pay
        scale = min(ONE, (bins << FRACTION_BITS) // (budget + 1))
        count, cells = case.estimate(scale) if digits else case.count(scale), case.cells(scale)
        if (count - best_count) * CELL_PRICE > (cells - best_cells) * inputs:
            best_scale, best_count, best_cells = scale, count, cells
        if scale == ONE:
            break
    return best_scale, case.count(best_scale, digits)


def _check_counts(model: QuantisedModel, digits: int) -> None:
    """Check that counts fit, or masses if there are digits. Coq: Cert.CubicCheck.counts_test."""
    if digits:
        check_masses(model, digits)
    else:
        check_inputs(model)


def _block_sizes(tables: IntegerTables, q: int) -> list[int]:
    """Split m = q .. d_vocab - 1 into blocks in which the largest score rises by at most BLOCK_RISE."""
    top = np.maximum.accumulate(tables.S[q])
    rise = min(BLOCK_RISE << (FRACTION_BITS + tables.score_shift), 2**62)  # scores are at most 2^60: no overflow below
    sizes, start = [], q
    while start < tables.d_vocab:
        end = int(np.searchsorted(top, int(top[start]) + rise, side="right"))
        sizes.append(end - start)
        start = end
    return sizes


def _block_ends(certificate: CubicCertificate, q: int) -> list[int]:
    blocks = certificate.scales[q] if q < len(certificate.scales) else ()
    return [q + int(end) for end in np.cumsum([len(block) for block in blocks], dtype=np.int64)]


def scaled_cases(tables: IntegerTables, certificate: CubicCertificate, q: int) -> Iterator[tuple[Case, int]]:
    """Yield the cases of q with their scales, in the checker's order. Coq: Cert.CubicCheck.blocks_count."""
    blocks = certificate.scales[q] if q < len(certificate.scales) else ()
    scales = [scale for block in blocks for scale in block]
    found = cases(tables, certificate.gap_shift, q, [len(block) for block in blocks])
    yield from zip(found, scales, strict=False)  # scales of m >= d_vocab count for nothing


def cases(tables: IntegerTables, gap_shift: int, q: int, sizes: Sequence[int]) -> Iterator[Case]:
    """Yield the cases m = q, q + 1, .. below d_vocab; each block of m shares one set of weights."""
    gaps = worst_gaps(tables, gap_shift, q)
    start = q
    for size in sizes:
        end = start + size
        weights = attention(tables, q, end)
        answers = range(start, min(end, tables.d_vocab))
        block = slice(answers.start, answers.stop)
        of_block = Enclosures(*(bound[:, :, None] for bound in weights))
        terms = upper_term(of_block, gaps[:, : weights.lower.shape[1], block])
        for m in answers:
            column = terms[:, :, m - start]
            yield Case(q, m, column[:-1, : m + 1], int(column[-1, q]))
        start = end


def attention(tables: IntegerTables, q: int, bound: int) -> Enclosures:
    """Enclose the weights of the tokens below `bound`, relative to the largest: (n_ctx, tokens), units of 2^-30.

    Coq: Cert.CostsCheck.attention.
    """
    tokens, positions = tables.S[q, :bound], tables.P[q]
    of_tokens = relative_exp(tables.score_shift, tokens.max(initial=-(2**60)), tokens)
    of_positions = relative_exp(tables.score_shift, positions.max(), positions)
    return both(Enclosures(*(bound[:, None] for bound in of_positions)), Enclosures(*(bound[None] for bound in of_tokens)))


def worst_gaps(tables: IntegerTables, gap_shift: int, q: int) -> Int64[np.ndarray, "n_ctx d_vocab d_vocab"]:
    """Return, at (position, token, m), the largest logit of another output less that of m, rounded up.

    Units of 2^(gap_shift - logit_bits). Coq: Cert.CostsCheck.gap_rows.
    """
    logits = (tables.EU[q] + tables.PV)[:, None, :] + tables.V
    best_output = logits.argmax(axis=2)[..., None]
    best = np.take_along_axis(logits, best_output, axis=2)
    others = logits.copy()
    np.put_along_axis(others, best_output, -tables.largest_output, axis=2)
    worst = np.where(np.arange(tables.d_vocab) == best_output, others.max(axis=2, keepdims=True), best)
    return shift_up(gap_shift, worst - logits)


STRATEGY = Strategy(
    name="cubic",
    summary="worst output per last token, largest token and position; sequences are counted, not run",
    constructor="CubicCertificate",
    coq={"at_least": CoqNames(check="cubic_check", sound="cubic_sound", verdict="cubic_verdict")},
    find=find,
    fields=fields,
    mirror=mirror,
)
