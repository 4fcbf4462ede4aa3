"""ModelConfig: round trip, and the message for every kind of bad key and value."""

import json
from dataclasses import replace

import pytest

from compact_proofs.models.config import ModelConfig, Training
from compact_proofs.models.errors import ConfigError

TRAINING = Training(3, 10, 128, 1e-3, 0.9, 0.999, 0.01, 0.25)
CONFIG = ModelConfig("tiny", "max_of_k", 3, 8, 6, 4, TRAINING)


@pytest.mark.parametrize("config", [CONFIG, replace(CONFIG, training=None)])
def test_round_trip(config):
    assert ModelConfig.from_json(config.to_json()) == config


def test_shapes_tell_the_sizes_apart():
    assert CONFIG.shapes() == {
        "W_E": (8, 6),
        "W_pos": (3, 6),
        "W_Q": (6, 4),
        "W_K": (6, 4),
        "W_V": (6, 4),
        "W_O": (4, 6),
        "W_U": (6, 8),
    }


@pytest.mark.parametrize("key", ["name", "schema", "d_head", "training"])
def test_missing_key_is_named(key):
    value = json.loads(CONFIG.to_json())
    del value[key]
    with pytest.raises(ConfigError, match=f"config lacks the key '{key}'; there are no defaults, add it"):
        ModelConfig.from_json(json.dumps(value))


def test_unknown_keys_are_named():
    value = json.loads(CONFIG.to_json())
    value["n_layers"] = 2
    with pytest.raises(ConfigError, match="^models/x.json: config has the unknown key 'n_layers'; known keys: d_head"):
        ModelConfig.from_json(json.dumps(value), where="models/x.json")
    del value["n_layers"]
    value["training"]["momentum"] = 0.5
    with pytest.raises(ConfigError, match="^config: training has the unknown key 'momentum'"):
        ModelConfig.from_json(json.dumps(value))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("n_ctx", 0, "n_ctx is 0; wanted an integer >= 1"),
        ("d_vocab", True, "d_vocab is True; wanted an integer >= 1"),
        ("d_model", 8.0, "d_model is 8.0; wanted an integer >= 1"),
        ("d_head", "8", "d_head is '8'; wanted an integer >= 1"),
        ("name", "max-of-k", "name is 'max-of-k'; wanted a Coq identifier"),
        ("name", "4max", "name is '4max'; wanted a Coq identifier"),
        ("name", "a\n", r"name is 'a\\n'; wanted a Coq identifier"),
        ("name", "é", "name is 'é'; wanted a Coq identifier"),
        ("name", None, "name is None; wanted a Coq identifier"),
        ("family", "min_of_k", "family is 'min_of_k'; wanted one of: max_of_k"),
        ("schema", 2, "schema is 2; wanted 1"),
        ("training", [], "training is list; wanted an object with keys"),
    ],
)
def test_impossible_values(key, value, message):
    changed = json.loads(CONFIG.to_json()) | {key: value}
    with pytest.raises(ConfigError, match=message):
        ModelConfig.from_json(json.dumps(changed))


def test_training_values():
    with pytest.raises(ConfigError, match="training.learning_rate is nan; wanted a finite number >= 0"):
        replace(TRAINING, learning_rate=float("nan"))
    with pytest.raises(ConfigError, match="training.batch_size is 0; wanted an integer >= 1"):
        replace(TRAINING, batch_size=0)


def test_not_json():
    with pytest.raises(ConfigError, match="config: not JSON"):
        ModelConfig.from_json(CONFIG.to_json()[:-5])
