"""The modular-arithmetic networks in torch, on all p^2 pairs at once: `logits_of_all_pairs`, `quadratic_mse`.

Each network is first folded to functions of single tokens, which no pair has to repeat:
logit = P[a] + Q[b] + act(L[a] + R[b]) U. The same function as `evaluate.logits`, which runs layer by layer; a test
compares them.
"""

import torch

from compact_proofs.models.modular.config import CANONICAL, ModularConfig

Matrices = dict[str, torch.Tensor]


def fold(config: ModularConfig, matrices: Matrices) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return L, R (p, d_mlp) and U (d_mlp, p) of the families without P and Q."""
    E = matrices["W_E"]
    F = matrices.get("W_E_b", E)
    if config.family == "modular_relu":
        return E @ matrices["W_in"], F @ matrices["W_in"], matrices["W_out"] @ matrices["W_U"]
    return E, F, matrices["W_U"]


def logits_of_all_pairs(config: ModularConfig, matrices: Matrices) -> torch.Tensor:
    """Compute the logits of all pairs: (p, p, p), first token, second token, class."""
    if config.family == "modular_pizza":
        x0, x1 = matrices["W_E"] + matrices["W_pos"][0], matrices["W_E"] + matrices["W_pos"][1]
        first = x0 / 2 @ matrices["W_V"] @ matrices["W_O"]
        second = x1 + x1 / 2 @ matrices["W_V"] @ matrices["W_O"]
        L, R = first @ matrices["W_in"] + matrices["b_in"], second @ matrices["W_in"]
        U = matrices["W_out"] @ matrices["W_U"]
        direct = (first @ matrices["W_U"]).unsqueeze(1) + (second + matrices["b_out"]) @ matrices["W_U"]
        return direct + (L.unsqueeze(1) + R).relu() @ U
    canonical = config.family in CANONICAL
    L, R, U = (matrices["L"], matrices["R"], matrices["U"]) if canonical else fold(config, matrices)
    hidden = L.unsqueeze(1) + R
    of_neurons = (hidden.square() if config.activation == "square" else hidden.relu()) @ U
    return matrices["P"].unsqueeze(1) + matrices["Q"] + of_neurons if canonical else of_neurons


def quadratic_mse(config: ModularConfig, matrices: Matrices) -> torch.Tensor:
    """Compute the mean squared error over all pairs of a modular_quadratic network, without going through the pairs.

    The loss "mse" of ModularTraining on 100 % of the pairs, by moments: with V = U centred over classes, the sum of
    squared logits is sum_ij (V V^T)_ij H_ij, H_ij = sum_ab h_i h_j. About p times cheaper; wanted in float64.
    Source:  docs/modular_addition.md, section 3, second_moment.
    """
    p = config.modulus
    L, R, U = fold(config, matrices)
    V = U - U.mean(1, keepdim=True)
    L2, R2 = L.square(), R.square()
    l1, l2, r1, r2 = L.sum(0), L2.sum(0), R.sum(0), R2.sum(0)
    across = 2 * (L2.T @ L) * r1 + 2 * (R2.T @ R) * l1
    H = p * (L2.T @ L2 + R2.T @ R2) + torch.outer(l2, r2) + torch.outer(r2, l2) + 4 * (L.T @ L) * (R.T @ R)
    squares = ((V @ V.T) * (H + across + across.T)).sum()
    # Right logits summed over pairs: V[., a + s b] L[a] R[b] by Fourier transforms over tokens; the squares of L and of R
    # alone meet every class equally often and cancel.
    spectrum = torch.fft.fft(R, dim=0)
    at_answer = (torch.fft.fft(V.T, dim=0) * torch.fft.fft(L, dim=0).conj()).mul(
        spectrum.conj() if config.coefficient == 1 else spectrum
    )
    return (squares - 4 * at_answer.real.sum() / p + p * (p - 1)) / p**2
