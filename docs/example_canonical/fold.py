"""Fold a network of your own into P, Q, L, R, U, and save it with its config; here relu((E[a] + E[b]) W_in) W_out W_U."""

import json
from pathlib import Path

import numpy as np
import safetensors.numpy

from compact_proofs.models.weights import load_model

_, W = load_model("modular_relu_11")  # in your case: your matrices, as float64
W = W.in_float64()
p, d_mlp = 11, 32
folded = {
    "P": np.zeros((p, p)),  # nothing goes past the neurons, and the outputs have no bias (it would stand in each row)
    "Q": np.zeros((p, p)),
    "L": W["W_E"] @ W["W_in"],  # a bias of the neurons would be added to each row
    "R": W["W_E"] @ W["W_in"],
    "U": W["W_out"] @ W["W_U"],
}
a, b = 3, 9
logits = (np.maximum(folded["L"][a] + folded["R"][b], 0) @ folded["U"]).tolist()  # better: those of the network itself
config = {"layout": "canonical", "family": "modular_canonical_relu", "modulus": p, "operation": "addition", "d_mlp": d_mlp}
config["probe"] = {"tokens": [[a, b]], "logits": [logits]}

in_rows = {name: np.ascontiguousarray(matrix, dtype=np.float32) for name, matrix in folded.items()}  # save_file scrambles a .T
safetensors.numpy.save_file(in_rows, "folded.safetensors")
Path("folded.json").write_text(json.dumps(config), encoding="ascii")
