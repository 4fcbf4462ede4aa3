"""Modular arithmetic: configs and their refusals, files, exact enumeration with ties, training, purification, the zoo."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from compact_proofs.models.errors import ConfigError, ShapeError, UsageError, WeightsError
from compact_proofs.models.modular.config import CANONICAL, MODULAR_FAMILIES, SIZES, ModularConfig, ModularTraining, PurifiedFrom
from compact_proofs.models.modular.evaluate import count_right_modular, count_right_of, disagreements, logits
from compact_proofs.models.modular.purify import fold_float, purify, purify_command
from compact_proofs.models.modular.tasks import answers, training_pairs
from compact_proofs.models.modular.weights import ModularWeights
from compact_proofs.models.tasks import n_inputs
from compact_proofs.models.weights import ZOO, load_model, model_names, model_of_size, model_path, save_model, zoo_names

TRAINING = ModularTraining(3, 10, "mse", 1.0, 1e-2, "cosine", 10, 0.9, 0.98, 0.0, 1.0)
QUADRATIC = ModularConfig("tiny", "modular_quadratic", 7, "addition", True, None, 6, None, TRAINING)
ONE_WAY = dict.fromkeys(CANONICAL, False) | {"modular_pizza": True}  # whether these are tied
NETWORKS = [(family, tied) for family in MODULAR_FAMILIES for tied in (True, False) if ONE_WAY.get(family, tied) == tied]


def config_of(family, tied=True, operation="addition", modulus=7, name="tiny"):
    d_model, d_attn = (5 if "d_model" in SIZES[family] else None), (4 if "d_attn" in SIZES[family] else None)
    return ModularConfig(name, family, modulus, operation, tied, d_model, 6, d_attn)


def random_weights(config, seed=0):
    generator = np.random.default_rng(seed)
    return ModularWeights({name: generator.normal(size=shape).astype(np.float32) for name, shape in config.shapes().items()})


@pytest.fixture
def saved(tmp_path):
    """The .json of a saved model."""
    return save_model(QUADRATIC, random_weights(QUADRATIC), tmp_path, "# tiny\n")


# Configs


@pytest.mark.parametrize(
    "config",
    [QUADRATIC, replace(QUADRATIC, training=None), replace(QUADRATIC, training=None, purified_from=PurifiedFrom("x", "0" * 64))]
    + [config_of(*network) for network in NETWORKS],
)
def test_config_round_trip(config):
    assert ModularConfig.from_json(config.to_json()) == config


def test_shapes_tell_the_sizes_apart():
    assert config_of("modular_quadratic").shapes() == {"W_E": (7, 6), "W_U": (6, 7)}
    assert list(config_of("modular_folded", tied=False).shapes()) == ["W_E", "W_E_b", "W_U"]
    assert config_of("modular_relu", tied=False).shapes() == {
        "W_E": (7, 5),
        "W_E_b": (7, 5),
        "W_in": (5, 6),
        "W_out": (6, 5),
        "W_U": (5, 7),
    }
    assert config_of("modular_pizza").shapes() == {
        "W_E": (7, 5),
        "W_pos": (2, 5),
        "W_V": (5, 4),
        "W_O": (4, 5),
        "W_in": (5, 6),
        "b_in": (1, 6),
        "W_out": (6, 5),
        "b_out": (1, 5),
        "W_U": (5, 7),
    }
    assert config_of("modular_pizza").sizes_in_words() == "modulus=7 d_model=5 d_mlp=6 d_attn=4"
    for family in CANONICAL:
        assert config_of(family, tied=False).shapes() == {"P": (7, 7), "Q": (7, 7), "L": (7, 6), "R": (7, 6), "U": (6, 7)}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("modulus", 8, "modulus is 8; wanted an odd number, 2 needs an inverse mod p"),
        ("modulus", 1, "modulus is 1; wanted an integer >= 3"),
        ("operation", "division", "operation is 'division'; wanted one of: addition, subtraction"),
        ("operation", "subtraction", "operation is 'subtraction' with tied embeddings; modular_quadratic then cannot tell"),
        ("family", "modular_cubic", "family is 'modular_cubic'; wanted one of: modular_quadratic, modular_relu, modular_pizza"),
        ("tied", 1, "tied is 1; wanted true or false"),
        ("d_mlp", 0, "d_mlp is 0; wanted an integer >= 1"),
        ("d_mlp", None, "d_mlp is None; wanted an integer >= 1"),
        ("d_model", 8, "d_model is 8; wanted null, modular_quadratic has none"),
        ("name", "modular addition", "name is 'modular addition'; wanted a Coq identifier"),
        ("schema", 2, "schema is 2; wanted 1"),
        ("training", [], "training is list; wanted an object with keys"),
        ("purified_from", {"name": "x"}, "purified_from lacks the key 'sha256'"),
        ("purified_from", {"name": "x", "sha256": "12"}, "purified_from.sha256 is '12'; wanted 64 hexadecimal digits"),
    ],
)
def test_impossible_values(key, value, message):
    changed = json.loads(QUADRATIC.to_json()) | {key: value}
    with pytest.raises(ConfigError, match=message):
        ModularConfig.from_json(json.dumps(changed))


def test_impossible_pizza():
    with pytest.raises(ConfigError, match="tied is False; wanted True for modular_pizza"):
        config_of("modular_pizza", tied=False)
    with pytest.raises(ConfigError, match="d_attn is None; wanted an integer >= 1"):
        replace(config_of("modular_pizza"), d_attn=None)
    assert config_of("modular_pizza", operation="subtraction").coefficient == -1


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("loss", "hinge", "training.loss is 'hinge'; wanted one of: mse, cross_entropy"),
        ("schedule", "linear", "training.schedule is 'linear'; wanted one of: constant, cosine"),
        ("data_fraction", 0, "training.data_fraction is 0; wanted above 0 and at most 1"),
        ("weight_decay", float("nan"), "training.weight_decay is nan; wanted a finite number >= 0"),
        ("seed", -1, "training.seed is -1; wanted an integer >= 0"),
    ],
)
def test_impossible_recipes(key, value, message):
    with pytest.raises(ConfigError, match=message):
        replace(TRAINING, **{key: value})


# Files


def test_files_round_trip(saved):
    config, weights = load_model(saved)
    assert config == QUADRATIC
    for name, matrix in random_weights(QUADRATIC).matrices().items():
        np.testing.assert_array_equal(weights[name], matrix)
        assert weights[name].dtype == np.float32
        with pytest.raises(ValueError, match="read-only"):
            weights[name][0, 0] = 1


def test_files_that_disagree(saved, tmp_path):
    saved.write_text(replace(QUADRATIC, d_mlp=7).to_json())
    with pytest.raises(ShapeError, match=r"tensor W_E: got shape \(7, 6\), wanted \(7, 7\) from modulus=7 d_mlp=7; correct"):
        load_model(saved)
    saved.write_text(replace(QUADRATIC, tied=False).to_json())
    with pytest.raises(WeightsError, match="tiny.safetensors: tensor W_E_b is missing; wanted W_E, W_E_b, W_U"):
        load_model(saved)
    saved.write_text(QUADRATIC.to_json().replace("modular_quadratic", "modular_cubic"))
    with pytest.raises(ConfigError, match="tiny.json: config: family is 'modular_cubic'; wanted one of: max_of_k, modular_qu"):
        load_model(saved)
    with pytest.raises(WeightsError, match="tensor W_U is missing"):
        save_model(QUADRATIC, ModularWeights({"W_E": np.zeros((7, 6), np.float32)}), tmp_path / "other")


def test_weights_must_be_float32_and_finite():
    with pytest.raises(WeightsError, match="tensor W_E: got dtype float64, wanted float32"):
        ModularWeights({"W_E": np.zeros((7, 6))})
    with pytest.raises(WeightsError, match=r"tensor W_U: entry \[0, 1\] is nan"):
        ModularWeights({"W_U": np.array([[0, np.nan]], np.float32)})


def test_sizes_of_max_of_k_do_not_find_modular_models(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_model(QUADRATIC, random_weights(QUADRATIC), tmp_path / "build/models")
    assert "tiny" in model_names()
    with pytest.raises(UsageError, match="no model with K=2, d_vocab=7"):
        model_of_size(2, 7)


# The task and the networks


def test_answers():
    assert answers(config_of("modular_folded"))[3, 5] == 1
    assert answers(config_of("modular_folded", tied=False, operation="subtraction"))[3, 5] == 5
    assert n_inputs(QUADRATIC) == QUADRATIC.n_inputs == 49


def test_training_pairs():
    assert training_pairs(7, 1.0, 0).all()
    assert training_pairs(7, 0.8, 0).sum() == 39
    assert (training_pairs(7, 0.8, 0) != training_pairs(7, 0.8, 1)).any()


def one_pair(config, W, a, b):
    """The logits of one pair, from the formulas at the head of config.py, entry by entry where it costs nothing."""
    if config.family in CANONICAL:
        act = {"modular_canonical_relu": lambda x: max(x, 0), "modular_canonical_square": lambda x: x * x}[config.family]
        hidden = [act(W["L"][a, j] + W["R"][b, j]) for j in range(config.d_mlp)]
        return [W["P"][a, c] + W["Q"][b, c] + np.dot(hidden, W["U"][:, c]) for c in range(config.modulus)]
    E, F = W["W_E"][a], W.get("W_E_b", W["W_E"])[b]
    if config.family == "modular_quadratic":
        return [sum((E[j] + F[j]) ** 2 * W["W_U"][j, c] for j in range(config.d_mlp)) for c in range(config.modulus)]
    if config.family == "modular_folded":
        return [sum(max(E[j] + F[j], 0) * W["W_U"][j, c] for j in range(config.d_mlp)) for c in range(config.modulus)]
    if config.family == "modular_relu":
        hidden = [max(x, 0) for x in (E + F) @ W["W_in"]]
        return np.array(hidden) @ W["W_out"] @ W["W_U"]
    x0, x1 = E + W["W_pos"][0], F + W["W_pos"][1]
    mixed = 0.5 * x0 + 0.5 * x1  # attention 1/2 on both
    mid = x1 + mixed @ W["W_V"] @ W["W_O"]
    hidden = [max(x, 0) for x in mid @ W["W_in"] + W["b_in"][0]]
    return (mid + np.array(hidden) @ W["W_out"] + W["b_out"][0]) @ W["W_U"]


@pytest.mark.parametrize(("family", "tied"), NETWORKS)
def test_every_way_to_compute_the_logits(family, tied):
    config = config_of(family, tied)
    weights = random_weights(config)
    W = weights.in_float64()
    found = logits(config, W)
    for a, b in ((0, 0), (3, 5), (6, 2)):
        np.testing.assert_allclose(found[a, b], one_pair(config, W, a, b), atol=1e-12)
    folded = fold_float(config, weights)
    hidden = folded.L[:, None] + folded.R
    hidden = hidden**2 if family in ("modular_quadratic", "modular_canonical_square") else np.maximum(hidden, 0)
    np.testing.assert_allclose(folded.P[:, None] + folded.Q + hidden @ folded.U, found, atol=1e-12)


def exact_adder(p=5):
    """Integers that add mod p in p^2 ReLU neurons (i, j): Z_p acting on itself; margin p (p - 1)."""
    i, j = (index.ravel() for index in np.indices((p, p)))
    tokens = np.arange(p)[:, None]
    height = np.arange(p)
    W_E = height[(i - tokens) % p]
    W_E_b = -height[(j + tokens) % p]
    W_U = -(p * ((np.arange(p)[:, None] + j) % p == i) - 1).T
    config = ModularConfig("adder", "modular_folded", p, "addition", False, None, p * p, None)
    return config, {name: m.astype(np.float64) for name, m in {"W_E": W_E, "W_E_b": W_E_b, "W_U": W_U}.items()}


def test_an_exact_adder_is_right_on_every_pair():
    config, W = exact_adder()
    found = count_right_of(config, W)
    assert (found.right, found.undecided, found.total, found.exhaustive) == (25, 0, 25, True)
    scores = np.sort(logits(config, W), axis=2)
    assert (scores[..., -1] - scores[..., -2]).min() == 20


def test_a_tie_is_wrong_and_a_near_tie_undecided():
    config, W = exact_adder()
    W["W_U"][:, 1] = W["W_U"][:, 0]  # answers 0 and 1 tie where 0 is right, and 1 is never found
    assert count_right_of(config, W).right == 15
    assert count_right_of(config, W).undecided == 0
    W["W_U"][:, 1] *= 1 + 1e-15
    found = count_right_of(config, W)
    assert found.right == 15
    assert found.undecided >= 5  # all pairs whose answer is 0
    found = count_right_of(config, {name: 0 * matrix for name, matrix in W.items()})
    assert (found.right, found.undecided) == (0, 0)


def test_disagreements():
    config, W = exact_adder()
    turned = W | {"W_U": np.roll(W["W_U"], 1, axis=1)}
    assert disagreements(config, W, config, W).count == 0
    assert disagreements(config, W, config, turned).count == 25


# Training


@pytest.mark.parametrize(("family", "tied"), NETWORKS)
def test_torch_computes_the_same_logits(family, tied):
    torch = pytest.importorskip("torch")
    from compact_proofs.models.modular.network import logits_of_all_pairs

    config = config_of(family, tied)
    W = random_weights(config).in_float64()
    found = logits_of_all_pairs(config, {name: torch.from_numpy(matrix) for name, matrix in W.items()})
    np.testing.assert_allclose(found.numpy(), logits(config, W), atol=1e-12)


@pytest.mark.parametrize(("tied", "operation"), [(True, "addition"), (False, "addition"), (False, "subtraction")])
def test_the_squared_error_by_moments(tied, operation):
    torch = pytest.importorskip("torch")
    from compact_proofs.models.modular.network import quadratic_mse

    config = config_of("modular_quadratic", tied, operation)
    W = random_weights(config).in_float64()
    scores = logits(config, W)
    wanted = np.eye(7)[answers(config)] - 1 / 7
    direct = 7 * ((scores - scores.mean(2, keepdims=True) - wanted) ** 2).mean()
    found = quadratic_mse(config, {name: torch.from_numpy(matrix) for name, matrix in W.items()})
    assert found.item() == pytest.approx(direct, rel=1e-12)


def test_ready_to_round_changes_no_answer():
    torch = pytest.importorskip("torch")
    from compact_proofs.models.modular.train import LARGEST, ready_to_round

    config = config_of("modular_quadratic", tied=False)
    W = random_weights(config).in_float64()
    W["W_U"][2] = 0  # a neuron without output
    found = {name: m.numpy() for name, m in ready_to_round({name: torch.from_numpy(m) for name, m in W.items()}).items()}
    before, after = (scores - scores.mean(2, keepdims=True) for scores in (logits(config, W), logits(config, found)))
    np.testing.assert_allclose(after / np.abs(after).max(), before / np.abs(before).max(), atol=1e-9)
    assert max(np.abs(found[name]).max() for name in ("W_E", "W_E_b")) == pytest.approx(LARGEST)
    assert np.abs(found["W_U"]).max() == pytest.approx(LARGEST)


@pytest.mark.parametrize("family", ["modular_quadratic", "modular_relu", "modular_pizza"])
def test_training_twice_gives_the_same_bytes(family, tmp_path):
    torch = pytest.importorskip("torch")
    from compact_proofs.models.modular.train import train_modular_command

    before = torch.get_num_threads()
    sizes = {"d_mlp": 6, "d_model": 5 if family != "modular_quadratic" else None, "steps": 5, "device": "cpu"}
    paths = [
        train_modular_command("net", family, 7, "addition", seeds, **sizes, out_dir=tmp_path / folder)
        for folder, seeds in (("a", [3]), ("b", [3]), ("c", [4]))
    ]
    assert torch.get_num_threads() == before
    first, second, other = (path.with_suffix(".safetensors").read_bytes() for [path] in paths)
    assert first == second != other
    assert paths[0][0].with_suffix(".md").read_bytes() == paths[1][0].with_suffix(".md").read_bytes()


def test_training_learns_and_writes_a_card(tmp_path, capsys):
    pytest.importorskip("torch")
    from compact_proofs.models.modular.train import recipe, train_modular_command

    paths = train_modular_command(
        "net", "modular_quadratic", 7, "subtraction", [0, 1], 32, None, 600, "cpu", tmp_path, lambda *_: [("a row", "text")]
    )
    assert [path.stem for path in paths] == ["net_seed0", "net_seed1"]
    config, weights = load_model(paths[1])
    assert config.training == recipe("modular_quadratic", 1, 600)
    assert not config.tied
    assert count_right_modular(config, weights).right == 49
    card = paths[1].with_suffix(".md").read_text()
    for line in (
        "# net_seed1",
        "| task | (a - b) mod 7, 49 pairs |",
        "| command | `make train MODEL=net_seed1 FAMILY=modular_quadratic MODULUS=7 OPERATION=subtraction SEED=1 D_MLP=32 STEPS",
        "| float network | 49 of 49 inputs right (100.0000 %) |",
        "| a row | text |",
        f"| {hashlib.sha256(paths[1].with_suffix('.safetensors').read_bytes()).hexdigest()} |",
    ):
        assert line in card
    assert "training net_seed1: step 600 of 600" in capsys.readouterr().err


def test_what_cannot_be_trained(tmp_path):
    pytest.importorskip("torch")
    from compact_proofs.models.modular.train import train_modular, train_modular_command

    with pytest.raises(UsageError, match="seeds are .*; wanted one or more, each once"):
        train_modular_command("net", "modular_relu", 7, "addition", [1, 1], out_dir=tmp_path)
    with pytest.raises(UsageError, match="family is 'modular_folded'; wanted one that is trained: modular_quadratic, "):
        train_modular_command("net", "modular_folded", 7, "addition", [1], out_dir=tmp_path)
    with pytest.raises(UsageError, match="unknown DEVICE 'abacus'"):
        train_modular(QUADRATIC, "abacus")
    with pytest.raises(ConfigError, match="tiny has no training recipe"):
        train_modular(replace(QUADRATIC, training=None))
    assert not list(tmp_path.iterdir())


def test_warm_up_and_cosine():
    pytest.importorskip("torch")
    from compact_proofs.models.modular.train import learning_rate_factor

    training = replace(TRAINING, steps=100, warmup_steps=10)
    assert learning_rate_factor(training, 0) == pytest.approx(0.1)
    assert learning_rate_factor(training, 50) == pytest.approx(0.5)
    assert learning_rate_factor(training, 100) == pytest.approx(0)
    assert learning_rate_factor(replace(training, schedule="constant"), 99) == 1


# Purification


@pytest.mark.parametrize("operation", ["addition", "subtraction"])
@pytest.mark.parametrize("family", ["modular_relu", "modular_pizza", "modular_canonical_relu"])
def test_every_purified_neuron_is_one_cosine(family, operation):
    config = config_of(family, ONE_WAY.get(family, operation == "addition"), operation)
    purified, weights = purify(config, random_weights(config))
    assert (purified.name, purified.family) == ("tiny_purified", "modular_folded")
    assert purified.tied == (operation == "addition")
    assert purified.purified_from.name == "tiny"
    strengths = [np.abs(np.fft.rfft(columns, axis=0)) for columns in (weights["W_E"], weights["W_U"].T)]
    for neuron in range(6):
        lines = [set(np.flatnonzero(strength[:, neuron] > 1e-6)) for strength in strengths]
        assert lines[0] == lines[1]
        assert len(lines[0]) == 1
        assert 0 not in lines[0]
    if operation == "subtraction":
        np.testing.assert_array_equal(weights["W_E_b"], weights["W_E"][-np.arange(7) % 7])


def test_purifying_what_is_pure_already_changes_little():
    tokens = np.arange(7)[:, None]
    phases = np.linspace(0, 6, 6)
    matrices = {"W_E": np.cos(2 * np.pi * 2 * tokens / 7 + phases), "W_U": np.cos(2 * np.pi * 2 * tokens / 7 + 2 * phases).T}
    config = config_of("modular_folded")
    weights = ModularWeights({name: matrix.astype(np.float32) for name, matrix in matrices.items()})
    for name, matrix in purify(config, weights)[1].matrices().items():
        np.testing.assert_allclose(matrix, matrices[name], atol=1e-6)


def test_what_cannot_be_purified(tmp_path):
    with pytest.raises(ConfigError, match="tiny is modular_quadratic; wanted a trained network with ReLU"):
        purify(QUADRATIC, random_weights(QUADRATIC))
    square = config_of("modular_canonical_square", tied=False)
    with pytest.raises(ConfigError, match="tiny is modular_canonical_square; wanted a trained network with ReLU"):
        purify(square, random_weights(square))
    with pytest.raises(ConfigError, match="max_of_2_tiny is max_of_k; wanted a modular-arithmetic network with ReLU"):
        purify_command("max_of_2_tiny", tmp_path)


def test_a_purified_model_says_so(tmp_path):
    path = purify_command("modular_relu_tiny", tmp_path)
    source = hashlib.sha256(model_path("modular_relu_tiny").with_suffix(".safetensors").read_bytes()).hexdigest()
    assert load_model(path)[0].purified_from == PurifiedFrom("modular_relu_tiny", source)
    card = path.with_suffix(".md").read_text()
    assert f"| made from | modular_relu_tiny (modular_relu), weights file sha256 {source}: every neuron's" in card
    assert "| float network before (modular_relu_tiny) | 47 of 49 inputs right" in card


# The zoo

ALL_RIGHT = {
    "modular_addition": "modular_relu",
    "modular_addition_purified": "modular_folded",
    "modular_pizza": "modular_pizza",
    "modular_pizza_purified": "modular_folded",
    "modular_quadratic": "modular_quadratic",
}


@pytest.mark.parametrize("name", [name for name in zoo_names() if name.startswith("modular_")])
def test_the_zoo_is_as_its_cards_say(name):
    config, weights = load_model(name)
    card = (ZOO / f"{name}.md").read_text()
    assert hashlib.sha256((ZOO / f"{name}.safetensors").read_bytes()).hexdigest() in card
    if config.modulus < 100:
        found = count_right_modular(config, weights)
        assert found.undecided == 0
        assert f"| float network | {found.in_words()} |" in card
    if config.purified_from is not None:
        source = (ZOO / f"{config.purified_from.name}.safetensors").read_bytes()
        assert hashlib.sha256(source).hexdigest() == config.purified_from.sha256


@pytest.mark.parametrize(("name", "family"), ALL_RIGHT.items())
def test_shipped_models_of_59_are_right_on_every_pair(name, family):
    config, weights = load_model(name)
    assert (config.family, config.modulus) == (family, 59)
    assert count_right_modular(config, weights).right == 59**2
