"""A bound from the other side: sequences proved wrong, so that at most the others are right.

As cubic, with the gap by which the answer is above one output near it: at most 0 is wrong. Coq:
Cert.Strategies.wrong_count_verdict. Source: docs/max_of_k.md, section 4.
"""

from compact_proofs.proofs.strategies.methods import Method

METHOD = Method(
    name="wrong_count",
    summary="counts inputs proved wrong: at most the others are right",
    wrong=True,
)
STRATEGY = METHOD.strategy()
