"""The inputs of a model and their true answers: the largest token of a sequence (modular arithmetic: modular/tasks.py)."""

from collections.abc import Iterator, Sequence

import numpy as np

from compact_proofs.models.config import ModelConfig
from compact_proofs.models.modular.config import ModularConfig

SAMPLE_SIZE = 100_000


def true_answer(tokens: np.ndarray) -> np.ndarray:
    """Return the largest token along the last axis: (..., n_ctx) to (...)."""
    return np.max(tokens, axis=-1)


def n_inputs(config: ModelConfig | ModularConfig) -> int:
    """Return the exact number of inputs, d_vocab^n_ctx."""
    return config.d_vocab**config.n_ctx


def all_inputs(d_vocab: int, n_ctx: int) -> np.ndarray:
    """Return every input in lexicographic order, int64 (d_vocab^n_ctx, n_ctx); for small domains."""
    return np.indices((d_vocab,) * n_ctx).reshape(n_ctx, -1).T.astype(np.int64)


def random_inputs(d_vocab: int, n_ctx: int, count: int, seed: int = 0) -> np.ndarray:
    """Return `count` inputs drawn uniformly and independently, int64 (count, n_ctx)."""
    return np.random.default_rng(seed).integers(0, d_vocab, size=(count, n_ctx))


def weighted_inputs(rows: Sequence[Sequence[int]], count: int, seed: int = 0) -> np.ndarray:
    """Return `count` inputs drawn by the weights of the tokens at each position, int64 (count, n_ctx)."""
    rng = np.random.default_rng(seed)
    columns = []
    for row in rows:
        total = sum(row)
        chances = np.array([weight / total for weight in row])
        columns.append(rng.choice(len(row), size=count, p=chances / chances.sum()))
    return np.stack(columns, axis=1).astype(np.int64)


def prefix_boxes(query: int, answer: int, n_ctx: int) -> Iterator[list[tuple[int, int]]]:
    """Split the inputs with this last token and this largest token into boxes of prefixes.

    A box is a half-open range of tokens for each of the first n_ctx - 1 positions. Below the answer the query needs
    the answer among the prefix, and its first occurrence names the box; so the boxes are disjoint and cover all.
    """
    if query == answer:
        yield [(0, answer + 1)] * (n_ctx - 1)
    elif query < answer:
        for first in range(n_ctx - 1):
            yield [(0, answer)] * first + [(answer, answer + 1)] + [(0, answer + 1)] * (n_ctx - 2 - first)
