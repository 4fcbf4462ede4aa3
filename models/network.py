"""The max-of-K network in torch: one layer, one head, attention only, no biases, no LayerNorm, read at the last position.

Many seeds run as one program: every matrix has a leading seed dimension and the products are batched, one product per
seed. A seed's matrices lie end to end in one row of `flat` (seeds, n_parameters), in the order of
`ModelConfig.shapes()`, each padded with zeros to multiples of 8: CPU products round differently where rows start off an
8-entry boundary, so without padding the bytes of a seed would depend on its place in the batch. Training leaves the
padding zero, since its gradient is zero.
"""

import math
from dataclasses import replace

import torch

from compact_proofs.models.config import ModelConfig

ALIGNMENT = 8


def flatten(config: ModelConfig, matrices: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the matrices of one network, (rows, columns) by name, as a row of `flat`: (n_parameters,)."""
    row = []
    for name, (rows, columns) in _padded(config).shapes().items():
        matrix = matrices[name]
        row.append(torch.nn.functional.pad(matrix, (0, columns - matrix.shape[1], 0, rows - matrix.shape[0])).flatten())
    return torch.cat(row)


def unflatten(config: ModelConfig, flat: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return views of `flat` (seeds, n_parameters) as padded matrices (seeds, rows, columns) by name."""
    shapes = _padded(config).shapes()
    parts = flat.split([rows * columns for rows, columns in shapes.values()], dim=1)
    return {name: part.unflatten(1, shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}


def logits_at_last(config: ModelConfig, weights: dict[str, torch.Tensor], tokens: torch.Tensor) -> torch.Tensor:
    """Compute the logits at the last position.

    Args:    weights: of `unflatten`. tokens: int64 (seeds, batch, n_ctx).
    Returns: float (seeds, batch, d_vocab).
    Source:  docs/max_of_k.md, section 1. The last position sees all positions, so causal attention is the same.
    """
    n_seeds, batch, n_ctx = tokens.shape
    first_row = torch.arange(n_seeds, device=tokens.device).view(-1, 1, 1) * weights["W_E"].shape[1]
    embedded = torch.nn.functional.embedding(tokens + first_row, weights["W_E"].flatten(0, 1))
    residual = embedded + weights["W_pos"].unsqueeze(1)  # seeds batch pos d_model
    last = residual[:, :, -1]  # seeds batch d_model
    positions = residual.flatten(1, 2)  # seeds batch*pos d_model
    keys = torch.bmm(positions, weights["W_K"]).unflatten(1, (batch, n_ctx))
    values = torch.bmm(positions, weights["W_V"]).unflatten(1, (batch, n_ctx))
    query = torch.bmm(last, weights["W_Q"]).unsqueeze(2)  # seeds batch 1 d_head
    attention = ((query * keys).sum(-1) / math.sqrt(config.d_head)).softmax(-1)  # seeds batch pos
    mixed = (attention.unsqueeze(-1) * values).sum(2)  # seeds batch d_head
    return torch.bmm(last + torch.bmm(mixed, weights["W_O"]), weights["W_U"])[..., : config.d_vocab]


def _padded(config: ModelConfig) -> ModelConfig:
    sizes = {name: -(-getattr(config, name) // ALIGNMENT) * ALIGNMENT for name in ("d_vocab", "d_model", "d_head")}
    return replace(config, **sizes)
