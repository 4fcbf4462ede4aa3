"""count_right and count_disagreements against a plain loop over all inputs, one softmax at a time."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from compact_proofs.models.config import ModelConfig
from compact_proofs.models.errors import ShapeError
from compact_proofs.models.evaluate import (
    LIMIT,
    TokenTables,
    _left_by_joint_test,
    count_disagreements,
    count_right,
    float_tables,
    logits,
    token_tables,
)
from compact_proofs.models.tasks import SAMPLE_SIZE, all_inputs, n_inputs, prefix_boxes, random_inputs, true_answer
from compact_proofs.models.weights import Weights, load_model

SIZES = st.sampled_from([(1, 1), (1, 5), (2, 1), (2, 2), (2, 6), (3, 4), (4, 3), (5, 2)])  # n_ctx, d_vocab


def random_model(n_ctx, d_vocab, seed, scale):
    config = ModelConfig("random", "max_of_k", n_ctx, d_vocab, 4, 3)
    generator = np.random.default_rng(seed)
    weights = {key: generator.normal(size=shape) * scale for key, shape in config.shapes().items()}
    return config, Weights(**{key: value.astype(np.float32) for key, value in weights.items()})


def plain_logits(config, weights, tokens):
    """The forward pass as it is written in papers, for one input, all in float64."""
    W = {name: matrix.astype(np.float64) for name, matrix in weights.matrices().items()}
    residual = [W["W_E"][token] + W["W_pos"][position] for position, token in enumerate(tokens)]
    query = residual[-1] @ W["W_Q"]
    scores = [query @ (x @ W["W_K"]) / math.sqrt(config.d_head) for x in residual]
    weight = [math.exp(score - max(scores)) for score in scores]
    mixed = sum(w / sum(weight) * (x @ W["W_V"]) for w, x in zip(weight, residual, strict=True))
    return (residual[-1] + mixed @ W["W_O"]) @ W["W_U"]


def plain_right(config, weights):
    right = 0
    for tokens in itertools.product(range(config.d_vocab), repeat=config.n_ctx):
        row = plain_logits(config, weights, tokens)
        right += all(row[w] < row[max(tokens)] for w in range(config.d_vocab) if w != max(tokens))
    return right


@settings(derandomize=True, deadline=None, max_examples=60)
@given(sizes=SIZES, seed=st.integers(0, 10**6), scale=st.sampled_from([0.3, 1.0, 2.0, 12.0]))
@example(sizes=(3, 4), seed=1, scale=12.0)  # scores in the thousands: most attention weights underflow
def test_count_right_is_the_plain_count(sizes, seed, scale):
    config, weights = random_model(*sizes, seed, scale)
    found = count_right(float_tables(config, weights))
    assert (found.right, found.undecided) == (plain_right(config, weights), 0)
    assert (found.total, found.exhaustive) == (n_inputs(config), True)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(sizes=SIZES, seed=st.integers(0, 10**6), noise=st.sampled_from([0.0, 0.02, 0.5]))
def test_count_disagreements_is_the_plain_count(sizes, seed, noise):
    config, weights = random_model(*sizes, seed, 1.0)
    generator = np.random.default_rng(seed + 1)
    other = Weights(
        **{
            key: (matrix + noise * generator.normal(size=matrix.shape)).astype(np.float32)
            for key, matrix in weights.matrices().items()
        }
    )
    wanted = sum(
        int(plain_logits(config, weights, tokens).argmax() != plain_logits(config, other, tokens).argmax())
        for tokens in itertools.product(range(config.d_vocab), repeat=config.n_ctx)
    )
    found = count_disagreements(float_tables(config, weights), float_tables(config, other))
    assert (found.count, found.total, found.exhaustive) == (wanted, n_inputs(config), True)


def test_logits_are_the_plain_logits():
    config, weights = random_model(3, 4, 5, 1.0)
    inputs = all_inputs(4, 3)
    wanted = [plain_logits(config, weights, tokens) for tokens in inputs]
    np.testing.assert_allclose(logits(float_tables(config, weights), inputs), wanted, rtol=1e-12, atol=1e-12)


def ladder(n_ctx, d_vocab, steepness=6.0):
    """Tables of a network that is nearly always right: attention grows with the token, which votes for itself."""
    score = np.tile(steepness * np.arange(d_vocab, dtype=np.float64), (d_vocab, 1))
    zeros = np.zeros((d_vocab, d_vocab))
    return TokenTables(score, np.zeros((d_vocab, n_ctx)), zeros, np.eye(d_vocab), np.zeros((n_ctx, d_vocab)))


def test_a_right_network_and_the_sign_of_attention():
    assert count_right(ladder(3, 5)).right == 125
    assert count_right(ladder(3, 5, steepness=-6.0)).right == 5  # attends to the least: right where all are equal
    assert count_right(ladder(3, 5, steepness=-900.0)).right == 5  # the answer's weight underflows to zero
    assert count_disagreements(ladder(3, 5), ladder(3, 5, steepness=-6.0)).count == 120


def test_a_tie_is_wrong_or_undecided_and_never_right():
    tied = ladder(2, 3)
    tied = TokenTables(tied.S, tied.P, tied.EU, np.zeros((3, 3)), tied.PV)
    assert count_right(tied).right == 0
    near = TokenTables(tied.S, tied.P, np.ones((3, 3)) + 1e-12 * np.eye(3), np.zeros((3, 3)), tied.PV)
    found = count_right(near)
    assert (found.right, found.undecided) == (0, 9)


def test_sample_where_inputs_are_too_many():
    tables = ladder(6, 20)
    found = count_right(tables)
    assert (found.right, found.total, found.exhaustive) == (SAMPLE_SIZE, SAMPLE_SIZE, False)
    assert found.in_words() == "100,000 of 100,000 sampled inputs right (100.0000 %)"
    assert count_right(tables, limit=20**6 // 2) == found
    assert count_right(ladder(2, 5), limit=24).exhaustive is False
    assert count_right(ladder(2, 5), limit=25).exhaustive is True
    assert LIMIT < 20**6


def test_token_tables_of_unscaled_float64_matrices():
    config, weights = random_model(2, 4, 3, 1.0)
    matrices = [matrix.astype(np.float64) for matrix in weights.matrices().values()]
    matrices[2] /= math.sqrt(config.d_head)
    np.testing.assert_array_equal(token_tables(*matrices).S, float_tables(config, weights).S)


def test_shapes_are_checked():
    config, weights = random_model(2, 4, 3, 1.0)
    with pytest.raises(ShapeError, match=r"tensor W_pos: got shape \(2, 4\), wanted \(3, 4\)"):
        float_tables(ModelConfig("random", "max_of_k", 3, 4, 4, 3), weights)


@pytest.mark.parametrize(("n_ctx", "d_vocab"), [(1, 3), (2, 4), (3, 3), (4, 2)])
def test_prefix_boxes_partition_the_inputs(n_ctx, d_vocab):
    found = []
    for query in range(d_vocab):
        for answer in range(d_vocab):
            for box in prefix_boxes(query, answer, n_ctx):
                for prefix in itertools.product(*(range(low, high) for low, high in box)):
                    assert max(*prefix, query, -1) == answer
                    found.append((*prefix, query))
    assert sorted(found) == list(itertools.product(range(d_vocab), repeat=n_ctx))


def test_inputs_and_answers():
    assert all_inputs(3, 2).tolist() == [list(pair) for pair in itertools.product(range(3), repeat=2)]
    assert true_answer(np.array([[1, 4, 2], [0, 0, 0]])).tolist() == [4, 0]
    assert n_inputs(ModelConfig("large", "max_of_k", 20, 64, 1, 1)) == 64**20
    assert random_inputs(7, 3, 50, seed=1).tolist() == random_inputs(7, 3, 50, seed=1).tolist()
    assert set(random_inputs(7, 3, 500).flatten()) == set(range(7))


@pytest.mark.parametrize("name", ["max_of_2_tiny", "max_of_3_tiny"])
def test_trained_networks_against_the_plain_count(name):
    config, weights = load_model(name)
    assert count_right(float_tables(config, weights)).right == plain_right(config, weights)


def test_small_attention_weights_count():
    tables = ladder(2, 2, steepness=10.0)
    votes = np.array([[1.0, 0.0], [0.0, 1e-6]])  # token 1 hardly votes for itself: e^-10 of token 0's vote is more
    assert count_right(TokenTables(tables.S, tables.P, tables.EU, votes, tables.PV)).right == 2  # (0, 0) and (1, 1)


def test_the_joint_test_leaves_what_it_must_and_no_more():
    tables = float_tables(*load_model("max_of_3_tiny"))
    wanted = []
    for tokens in all_inputs(8, 3).tolist():
        score = tables.S[tokens[-1], tokens] + tables.P[tokens[-1]]
        value = tables.EU[tokens[-1]] + tables.V[tokens] + tables.PV
        worst = np.delete(value, max(tokens), axis=1).max(axis=1) - value[:, max(tokens)]
        if np.exp(score - score.max()) @ worst >= 0:
            wanted.append(tokens)
    found = np.concatenate(list(_left_by_joint_test([tables]))).tolist()
    assert sorted(found) == wanted
    assert 0 < len(wanted) < 50
