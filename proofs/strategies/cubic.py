"""The cubic strategy: exact products, the gap of each last token, position and token, every token by itself.

Coq: Cert.Strategies.cubic_verdict. Source: docs/max_of_k.md, section 4.
"""

from compact_proofs.proofs.strategies.methods import Method

METHOD = Method(
    name="cubic",
    summary="worst output per last token, largest token and position; sequences are counted, not run",
)
STRATEGY = METHOD.strategy()
