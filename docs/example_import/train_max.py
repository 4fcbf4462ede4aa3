"""Train a max-of-2 network under TransformerLens's names with torch alone; write NAME.pt and NAME.json for `import`.

    python docs/example_import/train_max.py NAME [biases]

A few seconds on one core. With `biases` these are trained too, otherwise they stay zero.
"""

import json
import math
import sys
from pathlib import Path

import torch
from torch import nn

K, D_VOCAB, D_MODEL, STEPS = 2, 10, 16, 400


def weight(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(shape) * 0.8 / math.sqrt(D_MODEL))


class Attention(nn.Module):
    """One head, with the parameters and buffers of TransformerLens 2.18."""

    def __init__(self) -> None:
        super().__init__()
        self.W_Q, self.W_K, self.W_V, self.W_O = (weight(1, D_MODEL, D_MODEL) for _ in range(4))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(1, D_MODEL)) for _ in range(3))
        self.b_O = nn.Parameter(torch.zeros(D_MODEL))
        self.register_buffer("mask", torch.tril(torch.ones(K, K, dtype=torch.bool)))
        self.register_buffer("IGNORE", torch.tensor(-torch.inf))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query, key, value = (x @ W[0] + b for W, b in ((self.W_Q, self.b_Q), (self.W_K, self.b_K), (self.W_V, self.b_V)))
        scores = (query @ key.transpose(1, 2) / math.sqrt(D_MODEL)).masked_fill(~self.mask, self.IGNORE)
        return scores.softmax(-1) @ value @ self.W_O[0] + self.b_O


class Network(nn.Module):
    """One layer, attention only; the keys of its state dict are those of a HookedTransformer."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.ParameterDict({"W_E": weight(D_VOCAB, D_MODEL)})
        self.pos_embed = nn.ParameterDict({"W_pos": weight(K, D_MODEL)})
        self.blocks = nn.ModuleList([nn.ModuleDict({"attn": Attention()})])
        self.unembed = nn.ParameterDict({"W_U": weight(D_MODEL, D_VOCAB), "b_U": nn.Parameter(torch.zeros(D_VOCAB))})

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embed["W_E"][tokens] + self.pos_embed["W_pos"]
        x = x + self.blocks[0]["attn"](x)
        return x @ self.unembed["W_U"] + self.unembed["b_U"]


def trained(biases: bool) -> Network:
    """Train one network, the same one each time."""
    torch.manual_seed(0)
    network = Network()
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(biases or ".b_" not in name)
    optimiser = torch.optim.AdamW([one for one in network.parameters() if one.requires_grad], lr=0.01)
    for _ in range(STEPS):
        tokens = torch.randint(0, D_VOCAB, (128, K))
        loss = nn.functional.cross_entropy(network(tokens)[:, -1], tokens.amax(1))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network


def config(network: Network) -> dict[str, object]:
    """Return what the network is, and a few of its logits as a probe."""
    tokens = torch.tensor([[3, 9], [0, 0], [7, 2]])
    return {
        "layout": "transformer_lens",
        "family": "max_of_k",
        "n_layers": 1,
        "n_heads": 1,
        "d_model": D_MODEL,
        "d_head": D_MODEL,
        "d_mlp": None,
        "d_vocab": D_VOCAB,
        "d_vocab_out": D_VOCAB,
        "n_ctx": K,
        "act_fn": None,
        "attn_only": True,
        "normalization_type": None,
        "positional_embedding_type": "standard",
        "attention_dir": "causal",
        "use_local_attn": False,
        "use_attn_scale": True,
        "attn_scale": math.sqrt(D_MODEL),
        "attn_scores_soft_cap": -1.0,
        "output_logits_soft_cap": -1.0,
        "probe": {"tokens": tokens.tolist(), "logits": network(tokens)[:, -1].tolist()},
    }


def write(name: str, biases: bool) -> None:
    """Train, and write NAME.pt and NAME.json."""
    network = trained(biases)
    torch.save(network.state_dict(), f"{name}.pt")
    Path(f"{name}.json").write_text(json.dumps(config(network), indent=2), encoding="utf-8")


if __name__ == "__main__":
    write(sys.argv[1], "biases" in sys.argv[2:])
