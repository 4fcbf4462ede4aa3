"""The strategies below cubic cost: gaps of two summands, tokens in bands, and products of low rank.

Coq: Cert.Strategies. Source: docs/max_of_k.md, section 4.
"""

from compact_proofs.proofs.strategies.methods import DIRECT, SCORES, Method

METHODS = (
    Method(
        name="subcubic",
        summary="gaps of the last token and of the others added up, tokens in bands of growing distance below the largest",
        banded=True,
    ),
    Method(
        name="subcubic_low_rank_qk",
        summary="the same with attention scores of low rank, the rest of them bounded",
        banded=True,
        low_rank=(SCORES,),
    ),
    Method(
        name="subcubic_low_rank_eu",
        summary="the same with logits of the last token of low rank, the rest of them bounded",
        banded=True,
        low_rank=(DIRECT,),
    ),
    Method(
        name="subcubic_low_rank",
        summary="both of low rank",
        banded=True,
        low_rank=(SCORES, DIRECT),
    ),
    Method(
        name="quadratic",
        summary="both of rank one, at most eight bands: the least work",
        banded=True,
        low_rank=(SCORES, DIRECT),
        most_rank=1,
        most_bands=8,
        resolution=32,
        rank=1,
    ),
)
STRATEGIES = tuple(method.strategy() for method in METHODS)
