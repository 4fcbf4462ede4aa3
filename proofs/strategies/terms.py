"""Rounded products, enclosures of attention weights, bounds of weight times gap, and the claims of one count per query.

Weights are in units of 2^-30 and relative to the largest score of a row, so all are in (0, 1]. Everything is int64; the
ranges that the Coq definitions ask for (and `extract.tables` tests) keep it from wrapping. Coq: Base.Signed63, Cert.Terms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from compact_proofs.extract.exp_bounds import FRACTION_BITS, ONE, exp_lower, exp_upper
from compact_proofs.models.errors import CertificateError, InputRefused
from compact_proofs.proofs.verdict import ACCEPTED, explain

Ints = Int64[np.ndarray, "..."]


class Enclosures(NamedTuple):
    """Bounds of attention weights, units of 2^-30, of one shape. Coq: Cert.Terms.enclosure."""

    lower: Ints
    upper: Ints


def shift_down(shift: int, x: Ints) -> Ints:
    """Return floor(x / 2^shift), |x| <= 2^61, shift <= 61. Coq: Base.Signed63.shift_down."""
    return x >> shift


def shift_up(shift: int, x: Ints) -> Ints:
    """Return ceil(x / 2^shift), |x| <= 2^61, shift <= 61. Coq: Base.Signed63.shift_up."""
    return -(-x >> shift)


def scale_down(x: Ints, factor: Ints | int) -> Ints:
    """Return floor(x factor / 2^30), |x| <= 2^31, 0 <= factor <= 2^30. Coq: Base.Signed63.scale_down."""
    return (x * factor) >> FRACTION_BITS


def scale_up(x: Ints, factor: Ints | int) -> Ints:
    """Return ceil(x factor / 2^30), |x| <= 2^31, 0 <= factor <= 2^30. Coq: Base.Signed63.scale_up."""
    return -(-(x * factor) >> FRACTION_BITS)


def relative_exp(score_shift: int, top: Ints, score: Ints) -> Enclosures:
    """Enclose exp(score - top); scores in units of 2^-(30 + score_shift), score <= top. Coq: Cert.Terms.relative_exp."""
    x = top - score
    return Enclosures(exp_lower((x + (2**score_shift - 1)) >> score_shift), exp_upper(x >> score_shift))


def both(first: Enclosures, second: Enclosures) -> Enclosures:
    """Enclose the product of two weights. Coq: Cert.Terms.both."""
    return Enclosures((first.lower * second.lower) >> FRACTION_BITS, (first.upper * second.upper + (ONE - 1)) >> FRACTION_BITS)


def upper_term(weight: Enclosures, gap: Ints) -> Ints:
    """Bound weight times gap from above, in the unit of the gap, |gap| <= 2^31. Coq: Cert.Terms.upper_term."""
    return scale_up(gap, np.where(gap > 0, weight.upper, weight.lower))


def lower_term(weight: Enclosures, gap: Ints) -> Ints:
    """Bound weight times gap from below, in the unit of the gap, |gap| <= 2^31. Coq: Cert.Terms.lower_term."""
    return scale_down(gap, np.where(gap > 0, weight.lower, weight.upper))


def refused(refusal: str) -> CertificateError:
    """Make the error of a refused certificate; it starts with what Coq prints, then a colon."""
    verdict = f"Refused ({refusal})"
    return CertificateError(f"{verdict}: {explain(verdict)}")


def check_claims_length(d_vocab: int, claims: Sequence[int]) -> None:
    """Check that there is one claim per query. Coq: Cert.Terms.claims_length.

    Raises: CertificateError: there is not.
    """
    if len(claims) != d_vocab:
        raise refused(f"Wrong_number_of_queries {len(claims)} {d_vocab}")


def check_claims(count: Callable[[int], int], claims: Sequence[int]) -> None:
    """Check the claim of each query q against `count(q)`. Coq: Cert.Terms.first_short.

    Raises: CertificateError: the first query whose count is below its claim.
    """
    for q, claim in enumerate(claims):
        if claim > (proved := count(q)):
            raise refused(f"Query_short {q} {proved} {claim}")


def check_total(claimed: int, total: int) -> None:
    """Check that the claims stand for the number of the theorem. Coq: Cert.Terms.total_reaches.

    Raises: CertificateError: they do not.
    """
    if claimed > total:
        raise refused(f"Total_short {total} {claimed}")


def check_exact_total(claimed: int, rights: int, wrongs: int, inputs: int) -> None:
    """Check that `claimed` inputs are right and no input is left over. Coq: the last test of Cert.BruteForceCheck.exactly.

    Raises: CertificateError: they are not, or one is.
    """
    if rights != claimed or rights + wrongs != inputs:
        raise refused(f"Total_differs {rights} {wrongs} {inputs} {claimed}")


def verdict_of(check: Callable[[], object]) -> str:
    """Return what Coq prints for a check: `Accepted`, or the start of the message of its refusal."""
    try:
        check()
    except InputRefused as error:
        return str(error).partition(":")[0]
    return ACCEPTED
