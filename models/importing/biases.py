"""Biases of an attention-only network: `without_biases` refuses them, or makes an equal network that has none.

With attention weights a_i (their sum is 1) and x_i the rows of the residual stream, the logits are
(x_last + sum_i a_i (x_i W_V + b_V) W_O + b_O) W_U + b_U, so b_V, b_O and b_U add one constant row to them. The score of
position i is (x_last W_Q + b_Q) (x_i W_K + b_K)^T: b_K adds the same to all positions, which the softmax does not see. One more
column of W_E, constant, carries the others: W_Q reads b_Q from it and W_U the constant row.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from compact_proofs.models.config import ModelConfig
from compact_proofs.models.errors import OutsideTheory
from compact_proofs.models.importing.layout import Network


def without_biases(network: Network, fold: bool) -> Network:
    """Return the network itself if it has no biases, else an equal one with d_model + 1 and without.

    Raises: OutsideTheory: there are biases and they are not to be folded.
    """
    if not network.biases:
        return network
    config, old = network.config, network.matrices
    sizes = {name: float(np.abs(vector).max()) for name, (_, vector) in network.biases.items()}
    keys = {name: key for name, (key, _) in network.biases.items()}
    if not fold:
        largest = max(sizes, key=lambda name: sizes[name])
        where = int(np.abs(network.biases[largest][1]).argmax())
        others = ", ".join(keys[name] for name in keys if name != largest)
        raise OutsideTheory(
            f"tensor {keys[largest]}: a bias, largest entry {network.biases[largest][1][where]:.6g} at [{where}]"
            f"{f' (there are more: {others})' if others else ''}: the theory covers no biases: train with biases "
            "fixed to zero, or import with --fold-biases, which makes an equal network of d_model + 1 without any"
        )
    assert isinstance(config, ModelConfig)
    b_Q, b_V, b_O, b_U = (
        network.biases.get(name, ("", np.zeros(width)))[1]
        for name, width in (("b_Q", config.d_head), ("b_V", config.d_head), ("b_O", config.d_model), ("b_U", config.d_vocab))
    )
    constant = (b_V @ old["W_O"] + b_O) @ old["W_U"] + b_U
    one = _power_of_two(float(np.abs(old["W_E"]).max()))
    rows = {"W_Q": b_Q / one, "W_K": np.zeros(config.d_head), "W_V": np.zeros(config.d_head)}
    matrices = dict(old)
    matrices["W_E"] = np.hstack([old["W_E"], np.full((config.d_vocab, 1), one)])
    matrices["W_pos"] = np.hstack([old["W_pos"], np.zeros((config.n_ctx, 1))])
    matrices["W_O"] = np.hstack([old["W_O"], np.zeros((config.d_head, 1))])
    matrices["W_U"] = np.vstack([old["W_U"], constant / one])
    for name, row in rows.items():
        matrices[name] = np.vstack([old[name], row])
    note = (
        f"biases {', '.join(keys.values())} folded into one more dimension of the residual stream: d_model {config.d_model + 1}"
    )
    return replace(
        network, config=replace(config, d_model=config.d_model + 1), matrices=matrices, biases={}, notes=[*network.notes, note]
    )


def _power_of_two(largest: float) -> float:
    """Return the largest power of two that is not above: rounding to integers with `largest` in range keeps it exact."""
    return 2.0 ** (math.frexp(largest)[1] - 1) if largest > 0 else 1.0
