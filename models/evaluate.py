"""How many inputs a network answers right, in float64 numpy: `count_right`, `count_disagreements`; and how much weight they have
where they are not equally likely: `weight_right`.

Source: docs/max_of_k.md, sections 1 and 2. The sum of attention weights times the gap between output w and the answer
is a sum over positions of terms that each see one token. So for each last token q and answer m one pass of outer sums
tests all prefixes against the worst output of every position ("joint test"); only the inputs it leaves, about one in a
hundred, are run through the network. Nothing here is part of a proof: a gap within rounding of zero is `undecided`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from compact_proofs.models.config import ModelConfig
from compact_proofs.models.tasks import SAMPLE_SIZE, prefix_boxes, random_inputs, true_answer, weighted_inputs
from compact_proofs.models.weights import Weights, check_shapes

LIMIT = 2**25  # inputs that are still enumerated
MARGIN = 1e-9  # gaps below this, relative to the terms they are sums of, are undecided
CHUNK = 2**14  # inputs run through the network at a time
FLOOR = 1e-250  # sums nearer to zero than this have lost digits to underflow: left to the network itself


@dataclass(frozen=True, slots=True, eq=False)
class TokenTables:
    """The network as functions of single tokens, float64.

    S (d_vocab, d_vocab) score of key t for query q; P (d_vocab, n_ctx) score of position i for q; EU (d_vocab, d_vocab)
    direct logits of q; V (d_vocab, d_vocab) logits of t; PV (n_ctx, d_vocab) logits of position i. The query's own
    position, n_ctx - 1, is in S, P and EU.
    """

    S: np.ndarray
    P: np.ndarray
    EU: np.ndarray
    V: np.ndarray
    PV: np.ndarray

    @property
    def d_vocab(self) -> int:
        return self.P.shape[0]

    @property
    def n_ctx(self) -> int:
        return self.P.shape[1]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Of `total` inputs, `right` are answered right and `undecided` are too close to call; the others are wrong.

    A tie is wrong. When not `exhaustive`, `total` is the size of a random sample.
    """

    right: int
    undecided: int
    total: int
    exhaustive: bool

    def in_words(self) -> str:
        """Return, for example, "63 of 64 inputs right (98.4375 %)"."""
        return _in_words(self.right, self.total, self.exhaustive, "right") + (
            f", {self.undecided:,} too close to call" if self.undecided else ""
        )


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Of `total` inputs, two networks give different answers on `count`. When not `exhaustive`, of a random sample."""

    count: int
    total: int
    exhaustive: bool

    def in_words(self) -> str:
        """Return, for example, "1 of 64 inputs answered differently (1.5625 %)"."""
        return _in_words(self.count, self.total, self.exhaustive, "answered differently")


def token_tables(
    W_E: np.ndarray,
    W_pos: np.ndarray,
    W_Q_scaled: np.ndarray,
    W_K: np.ndarray,
    W_V: np.ndarray,
    W_O: np.ndarray,
    W_U: np.ndarray,
) -> TokenTables:
    """Compute the tables from float64 matrices; 1/sqrt(d_head) must be in W_Q_scaled already (shapes as `Weights`)."""
    query_side = W_E + W_pos[-1]
    query = query_side @ W_Q_scaled
    value = W_V @ W_O @ W_U
    return TokenTables(
        S=query @ (W_E @ W_K).T,
        P=query @ (W_pos @ W_K).T,
        EU=query_side @ W_U,
        V=W_E @ value,
        PV=W_pos @ value,
    )


def float_tables(config: ModelConfig, weights: Weights) -> TokenTables:
    """Compute the tables of the float network, in float64.

    Raises: ShapeError: weights that disagree with the config.
    """
    check_shapes(config, weights)
    matrices = {name: matrix.astype(np.float64) for name, matrix in weights.matrices().items()}
    matrices["W_Q_scaled"] = matrices.pop("W_Q") / math.sqrt(config.d_head)
    return token_tables(**matrices)


def logits(tables: TokenTables, inputs: np.ndarray) -> np.ndarray:
    """Compute the logits of inputs, int64 (count, n_ctx), as float64 (count, d_vocab)."""
    attention = _attention(tables, inputs)
    result = tables.EU[inputs[:, -1]]
    for position in range(tables.n_ctx):
        result += attention[:, position, None] * (tables.V[inputs[:, position]] + tables.PV[position])
    return result


def count_right(tables: TokenTables, limit: int = LIMIT) -> Evaluation:
    """Count the inputs answered right: all of them where they are at most `limit`, otherwise a seeded random sample.

    16,777,216 inputs (n_ctx 4, d_vocab 64) take about a second.
    """
    right = undecided = run = 0
    chunks, total, exhaustive = _inputs_to_run([tables], limit)
    for inputs in chunks:
        right_ones, undecided_ones = _decide(tables, inputs)
        right += int(right_ones.sum())
        undecided += int(undecided_ones.sum())
        run += len(inputs)
    return Evaluation(total - run + right, undecided, total, exhaustive)


def weight_right(tables: TokenTables, rows: Sequence[Sequence[int]], limit: int = LIMIT) -> Evaluation:
    """Add up the weights of the inputs answered right; an input has the product of the weights of its tokens.

    Args:    rows: the weight of each token at each position, (n_ctx, d_vocab), integers >= 0.
    Return an evaluation in weights, of all inputs where they are at most `limit`; otherwise of a seeded random sample drawn by
    these weights, counted.
    """
    d_vocab, n_ctx = tables.P.shape
    if d_vocab**n_ctx > limit:
        sample = weighted_inputs(rows, SAMPLE_SIZE)
        found = [_decide(tables, sample[start : start + CHUNK]) for start in range(0, len(sample), CHUNK)]
        right, undecided = (sum(int(one[kind].sum()) for one in found) for kind in (0, 1))
        return Evaluation(right, undecided, len(sample), False)
    sums = [sum(row) for row in rows]
    total = math.prod(sums)
    kind = np.int64 if math.prod(max(one, 1) for one in sums) < 2**62 else object
    columns = [np.array(row, dtype=kind) for row in rows]
    not_right = undecided = 0
    for inputs in _left_by_joint_test([tables]):
        weights = columns[0][inputs[:, 0]]
        for column, tokens in zip(columns[1:], inputs.T[1:], strict=True):
            weights = weights * column[tokens]
        right_ones, undecided_ones = _decide(tables, inputs)
        not_right += int(weights[~right_ones].sum())
        undecided += int(weights[undecided_ones].sum())
    return Evaluation(total - not_right, undecided, total, True)


def count_disagreements(tables_a: TokenTables, tables_b: TokenTables, limit: int = LIMIT) -> Disagreement:
    """Count the inputs where the largest logits stand at different tokens (at a tie, the first): all, or a sample."""
    count = 0
    chunks, total, exhaustive = _inputs_to_run([tables_a, tables_b], limit)
    for inputs in chunks:
        count += int(np.sum(logits(tables_a, inputs).argmax(1) != logits(tables_b, inputs).argmax(1)))
    return Disagreement(count, total, exhaustive)


def _inputs_to_run(networks: Sequence[TokenTables], limit: int) -> tuple[Iterator[np.ndarray], int, bool]:
    """Return the inputs to run, in chunks, the number of inputs in all, and whether these are all there are.

    On the inputs that are not run, every network is right.
    """
    d_vocab, n_ctx = networks[0].P.shape
    if d_vocab**n_ctx <= limit:
        return _left_by_joint_test(networks), d_vocab**n_ctx, True
    sample = random_inputs(d_vocab, n_ctx, SAMPLE_SIZE)
    return (sample[start : start + CHUNK] for start in range(0, len(sample), CHUNK)), len(sample), False


def _left_by_joint_test(networks: Sequence[TokenTables]) -> Iterator[np.ndarray]:
    """Go through all inputs and yield, in chunks, those on which some network fails the joint test."""
    d_vocab, n_ctx = networks[0].P.shape
    for query in range(d_vocab):
        joint_tests = [_JointTest(tables, query) for tables in networks]
        for answer in range(query, d_vocab):
            terms = [joint_test.terms(answer) for joint_test in joint_tests]
            for box in prefix_boxes(query, answer, n_ctx):
                right = np.logical_and.reduce([_outer_sum(h, box, query) < -FLOOR for h in terms])
                left = np.flatnonzero(~right)
                for start in range(0, left.size, CHUNK):
                    yield _inputs_of_box(box, query, left[start : start + CHUNK])


def _inputs_of_box(box: list[tuple[int, int]], query: int, indices: np.ndarray) -> np.ndarray:
    """Return the inputs that stand at these places of `_outer_sum`, int64 (count, n_ctx)."""
    inputs = np.full((indices.size, len(box) + 1), query, dtype=np.int64)
    if box:
        places = np.unravel_index(indices, [high - low for low, high in box])
        inputs[:, :-1] = np.stack(places, axis=1) + [low for low, _ in box]
    return inputs


class _JointTest:
    """The terms of one query: attention weight times the gap of the position's worst output, rounding margin added."""

    def __init__(self, tables: TokenTables, query: int) -> None:
        self.score = tables.S[query]
        self.position_weight = np.exp(tables.P[query] - tables.P[query].max())
        self.value = tables.V + tables.PV[:, None, :] + tables.EU[query]  # position token output
        direct, token, place = _row_sizes(tables)
        self.size = direct[query] + token + place[:, None]
        self.best_output = self.value.argmax(2)
        others = self.value.copy()
        np.put_along_axis(others, self.best_output[..., None], -np.inf, axis=2)
        self.best = self.value.max(2)
        self.second = others.max(2)

    def terms(self, answer: int) -> np.ndarray:
        """Return (n_ctx, answer + 1): a sum of one entry per position below zero means right."""
        upto = slice(0, answer + 1)
        weight = np.exp(self.score[upto] - self.score[upto].max()) * self.position_weight[:, None]
        worst = np.where(self.best_output[:, upto] == answer, self.second[:, upto], self.best[:, upto])
        gap = worst - self.value[:, upto, answer] + MARGIN * self.size[:, upto]
        return np.multiply(weight, gap, out=np.zeros_like(gap), where=weight > 0)


def _outer_sum(terms: np.ndarray, box: list[tuple[int, int]], query: int) -> np.ndarray:
    """Return, flat, terms[i, x_i] summed over all prefixes of the box, the query's own term included."""
    total = terms[-1, query : query + 1]
    for position, (low, high) in enumerate(box):
        total = np.add.outer(total, terms[position, low:high]).ravel()
    return total


def _decide(tables: TokenTables, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Run inputs through the network; return which are right and which are undecided, bool (count,)."""
    scores = logits(tables, inputs)
    answer = true_answer(inputs)[:, None]
    answer_score = np.take_along_axis(scores, answer, axis=1)[:, 0]
    np.put_along_axis(scores, answer, -np.inf, axis=1)
    gap = scores.max(axis=1) - answer_score
    attention = _attention(tables, inputs)
    direct, token, place = _row_sizes(tables)
    sizes = direct[inputs[:, -1]] + np.sum(attention * (token[inputs] + place), axis=1)
    right = gap < -MARGIN * sizes
    wrong = gap >= MARGIN * sizes
    return right, ~right & ~wrong


def _attention(tables: TokenTables, inputs: np.ndarray) -> np.ndarray:
    """Return the softmax over positions, (count, n_ctx)."""
    query = inputs[:, -1]
    scores = tables.S[query[:, None], inputs] + tables.P[query]
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def _row_sizes(tables: TokenTables) -> list[np.ndarray]:
    """Return for each row of EU, V and PV a bound on the gap between two of its entries, which rounding is relative to."""
    return [2 * np.abs(table).max(axis=1) for table in (tables.EU, tables.V, tables.PV)]


def _in_words(count: int, total: int, exhaustive: bool, what: str) -> str:
    inputs = "inputs" if exhaustive else "sampled inputs"
    return f"{count:,} of {total:,} {inputs} {what} ({100 * count / total:.4f} %)"
