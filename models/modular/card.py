"""The card of a modular-arithmetic model in Markdown: `card_text`."""

import hashlib
from collections.abc import Sequence

from compact_proofs.models.modular.config import CANONICAL, SIZES, ModularConfig
from compact_proofs.models.modular.weights import ModularWeights
from compact_proofs.models.weights import weights_to_bytes

NETWORKS = {
    "modular_quadratic": "one hidden layer, squares",
    "modular_folded": "one hidden layer, ReLU",
    "modular_relu": "one hidden layer, ReLU, between two bottlenecks",
    "modular_pizza": "one-layer transformer, uniform attention, ReLU, read at the second token",
    "modular_canonical_relu": "canonical form P[a] + Q[b] + relu(L[a] + R[b]) U",
    "modular_canonical_square": "canonical form P[a] + Q[b] + (L[a] + R[b])^2 U",
}


def card_text(config: ModularConfig, weights: ModularWeights, rows: Sequence[tuple[str, str]]) -> str:
    """Return the card: task and sizes, the given rows, sha256 of the weights file."""
    sign = "+" if config.coefficient == 1 else "-"
    sizes = ", ".join(f"{key} {getattr(config, key)}" for key in SIZES[config.family])
    embedding = "; one embedding for both tokens" if config.tied else "; an embedding for each token"
    table = [
        ("task", f"(a {sign} b) mod {config.modulus}, {config.n_inputs:,} pairs"),
        ("network", f"{NETWORKS[config.family]}; {sizes}{'' if config.family in CANONICAL else embedding}"),
        *rows,
        ("sha256 of the weights file", hashlib.sha256(weights_to_bytes(weights)).hexdigest()),
    ]
    lines = [f"# {config.name}", "", "| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in table)]
    return "\n".join(lines) + "\n"
