"""How many machine-integer operations a Coq checker of a staged proof performs, closely: `operations`.

One function per stage, in additions, products, comparisons and shifts; small terms are left out. Coq: the files named.
"""

from __future__ import annotations

import numpy as np

from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.proofs.strategies.bands import band_exponents, widths
from compact_proofs.proofs.strategies.products import Factors
from compact_proofs.proofs.strategies.staged import Certificate

EXPONENTIAL = 306  # lower and upper: 3 per bit of two tables of 36 bits, 5 per set bit, of which there are taken to be 18
COST = 24  # both factors of a weight, and the weight times a gap


def operations(model: QuantisedModel, certificate: Certificate, wrong: bool = False) -> int:
    """Add up the stages of a staged proof. Every group of rivals is taken to be counted wherever it has a resolution."""
    n, d, plan = model.n_ctx, model.d_vocab, certificate.plan
    rivals = len(plan.rivals(wrong))
    exponents = band_exponents(d, certificate.exponents)
    total = table_operations(model)
    total += factored_product_operations(d, model.d_head, d, certificate.scores)
    total += factored_product_operations(d, model.d_model, d, certificate.direct)
    bands = None if certificate.exponents is None else len(exponents)
    total += weight_operations(d, d, n, len(plan.block_lengths), bands)
    total += gap_operations(d, n, rivals, joint=certificate.moved is None)
    answers = np.arange(d)
    of_answers = (widths(exponents, answers) > 0).sum(axis=1).tolist()
    for numbers, groups in ((plan.resolutions, rivals if wrong else 1), (plan.near_resolutions, 0 if wrong else rivals - 1)):
        for m, bins in enumerate(numbers[:d]):
            if bins and groups:
                cost = cost_operations(m + 1, n - 1, of_answers[m])
                total += groups * (cost + counting_operations(m + 1, n - 1, of_answers[m], bins))
    return total


def factored_product_operations(rows: int, inner: int, columns: int, factors: Factors | None) -> int:
    """Operations of a product with these factors, or exact without. Coq: Cert.Products.product_of."""
    if factors is None:
        return product_operations(rows, inner, columns, None)
    return product_operations(rows, inner, columns, len(factors.peeled_right), len(factors.bounded_right))


def table_operations(model: QuantisedModel, full: bool = False) -> int:
    """Operations of the token tables: 2 per inner step of a product of matrices. Coq: Cert.Tables.core_of, tables_of."""
    n, d, width, head = model.n_ctx, model.d_vocab, model.d_model, model.d_head
    core = 2 * ((3 * d + 2 * n) * width * head + d * head * n + (d + n) * (head * width + width * d))
    return core + (2 * d * d * (head + width) if full else 0)


def product_operations(rows: int, inner: int, columns: int, rank: int | None, bounded: int = 0) -> int:
    """Operations of a product, exact where rank is None. Coq: Cert.Products.product_of."""
    if rank is None:
        return 2 * rows * inner * columns
    remainder = 2 * inner * inner * (rank + bounded + rows)
    return remainder + 2 * (rank + bounded) * inner * (rows + columns) + 2 * rows * (rank * columns + bounded + inner)


def weight_operations(queries: int, tokens: int, positions: int, blocks: int, bands: int | None) -> int:
    """Operations of attention weights: one exponential per (q, t) and (q, i), 7 for each weight that a block goes on with.

    With bands, 4 per weight and doubling. Coq: Cert.Attention.
    """
    kept = queries * tokens * blocks // 2
    doubling = 0 if bands is None else 4 * kept * bands
    return EXPONENTIAL * queries * (tokens + positions + blocks) + 7 * kept + doubling


def gap_operations(d_vocab: int, positions: int, rivals: int, joint: bool) -> int:
    """Operations of the gaps: 16 per row entry. Coq: Cert.Gaps."""
    rows = d_vocab * d_vocab * positions
    return 16 * rivals * (rows * d_vocab // 2 if joint else rows + d_vocab * d_vocab)


def cost_operations(cases: int, positions: int, bands: int) -> int:
    """Operations of the costs of some cases of so many bands, for one group of rivals. Coq: Cert.Staged.case_columns."""
    return COST * cases * (positions * bands + 1)


def counting_operations(cases: int, positions: int, bands: int, bins: int) -> int:
    """Operations of the counts of some cases: 3 per cell of a table. Coq: Cert.CreditsCheck.count_choices.

    Two tables at each free position but the first, every band passes over `bins` cells of each.
    """
    return cases * bands * (12 * positions + 3 * bins * max(1, 2 * (positions - 1)))
