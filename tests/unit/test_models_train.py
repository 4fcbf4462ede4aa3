"""Training: bytes from a seed alone, interruption and resumption, the recipe against torch's own AdamW, devices, cards."""

import hashlib
import math
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from compact_proofs.extract.families import card_rows  # noqa: E402
from compact_proofs.models import train as train_module  # noqa: E402
from compact_proofs.models.config import ModelConfig  # noqa: E402
from compact_proofs.models.errors import ConfigError, UsageError  # noqa: E402
from compact_proofs.models.evaluate import float_tables, logits  # noqa: E402
from compact_proofs.models.network import flatten, logits_at_last, unflatten  # noqa: E402
from compact_proofs.models.tasks import all_inputs  # noqa: E402
from compact_proofs.models.train import choose_device, recipe, train, train_command  # noqa: E402
from compact_proofs.models.weights import load_model  # noqa: E402

CONFIG = ModelConfig("net", "max_of_k", 3, 7, 5, 3)  # sizes off every vector width: the hard case for equal bytes


@pytest.fixture(autouse=True)
def in_tmp_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def weight_bytes(paths):
    return [path.with_suffix(".safetensors").read_bytes() for path in paths]


def test_twice_the_same_bytes(tmp_path):
    first = train(CONFIG, [3], "cpu", 5, tmp_path / "a")
    second = train(CONFIG, [3], "cpu", 5, tmp_path / "b")
    for suffix in (".json", ".safetensors", ".md"):
        assert first[0].with_suffix(suffix).read_bytes() == second[0].with_suffix(suffix).read_bytes()
    assert weight_bytes(first) != weight_bytes(train(CONFIG, [4], "cpu", 5, tmp_path / "c"))
    assert weight_bytes(first) != weight_bytes(train(CONFIG, [3], "cpu", 6, tmp_path / "d"))


@pytest.mark.parametrize("config", [CONFIG, ModelConfig("net", "max_of_k", 2, 9, 8, 16)])
def test_a_seed_does_not_depend_on_its_neighbours(config, tmp_path):
    many = train(config, range(9), "cpu", 20, tmp_path / "many")
    assert [path.stem for path in many] == [f"net_seed{seed}" for seed in range(9)]
    assert weight_bytes(many[6:7]) == weight_bytes(train(config, [6], "cpu", 20, tmp_path / "one"))
    some = train(config, [8, 2, 5], "cpu", 20, tmp_path / "some")
    assert weight_bytes(some) == weight_bytes([many[8], many[2], many[5]])


def test_one_thread_while_training_and_as_many_as_before_afterwards(tmp_path):
    before = torch.get_num_threads()
    seen = []
    try:
        torch.set_num_threads(2)
        train(CONFIG, [1], "cpu", 50, tmp_path, progress=lambda *_: seen.append(torch.get_num_threads()))
        assert (seen, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(before)


def interrupt_at(step_wanted):
    def progress(step, steps, loss):
        if step == step_wanted:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("step", [50, 120])  # 120: after the last step, before anything is saved
def test_interrupted_and_resumed_equals_uninterrupted(step, tmp_path):
    whole = train(CONFIG, [0, 1], "cpu", 120, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(CONFIG, [0, 1], "cpu", 120, tmp_path / "parts", progress=interrupt_at(step))
    assert not (tmp_path / "parts").exists()
    assert len(list((tmp_path / "build/train").iterdir())) == 1
    steps_seen = []
    parts = train(CONFIG, [0, 1], "cpu", 120, tmp_path / "parts", progress=lambda done, _, __: steps_seen.append(done))
    assert steps_seen == [done for done in (100, 120) if done > step]  # it did resume
    assert weight_bytes(whole) == weight_bytes(parts)
    assert list((tmp_path / "build/train").iterdir()) == []


def test_interrupted_inside_a_step(tmp_path, monkeypatch):
    whole = train(CONFIG, [0], "cpu", 30, tmp_path / "whole")
    real, calls = train_module._batch, []

    def batch(config, step):
        calls.append(step)
        if len(calls) == 20:
            raise KeyboardInterrupt
        return real(config, step)

    monkeypatch.setattr(train_module, "_batch", batch)
    with pytest.raises(KeyboardInterrupt):
        train(CONFIG, [0], "cpu", 30, tmp_path / "parts")
    assert weight_bytes(whole) == weight_bytes(train(CONFIG, [0], "cpu", 30, tmp_path / "parts"))
    assert calls == [*range(20), *range(19, 30)]


def test_a_checkpoint_of_another_recipe_or_a_damaged_one_is_not_used(tmp_path):
    whole = train(CONFIG, [0], "cpu", 60, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(CONFIG, [0], "cpu", 60, tmp_path / "parts", progress=interrupt_at(50))
    (checkpoint,) = (tmp_path / "build/train").iterdir()
    train(CONFIG, [0], "cpu", 55, tmp_path / "other")
    assert checkpoint.exists()
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    assert weight_bytes(whole) == weight_bytes(train(CONFIG, [0], "cpu", 60, tmp_path / "parts"))


def test_a_checkpoint_is_kept_now_and_then(tmp_path, monkeypatch):
    monkeypatch.setattr(train_module, "CHECKPOINT_EVERY_STEPS", 10)

    def killed(config, weights):
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        train(CONFIG, [0], "cpu", 15, tmp_path, card_rows=killed)
    assert len(list((tmp_path / "build/train").iterdir())) == 1


def test_the_steps_are_those_of_torch_adamw_and_cross_entropy():
    config = replace(CONFIG, training=recipe(CONFIG.d_model, 2, 30))
    state = train_module._start([config], "cpu")
    parameter = state.flat.clone().requires_grad_()
    optimiser = torch.optim.AdamW([parameter], lr=1e-3, betas=(0.9, 0.999), weight_decay=0.01)
    for step in range(30):
        tokens = torch.from_numpy(train_module._batch(config, step))[None]
        optimiser.zero_grad()
        found = logits_at_last(config, unflatten(config, parameter), tokens)[0]
        loss = torch.nn.functional.cross_entropy(found, tokens[0].amax(-1))
        loss.backward()
        optimiser.step()
        state, losses = train_module._next([config], state)
        torch.testing.assert_close(losses[0], loss.detach())
    torch.testing.assert_close(state.flat, parameter.detach(), rtol=1e-4, atol=1e-6)
    assert not torch.equal(state.flat, train_module._start([config], "cpu").flat)


def test_padding_stays_zero():
    config = replace(CONFIG, training=recipe(CONFIG.d_model, 2, 5))
    state = train_module._start([config], "cpu")
    for _ in range(5):
        state, _ = train_module._next([config], state)
    for name, matrix in unflatten(config, state.flat).items():
        rows, columns = config.shapes()[name]
        assert torch.count_nonzero(matrix[0, rows:]) == 0
        assert torch.count_nonzero(matrix[0, :, columns:]) == 0
        assert torch.count_nonzero(matrix[0, :rows, :columns]) == rows * columns


def test_torch_and_numpy_compute_the_same_logits(tmp_path):
    (path,) = train(CONFIG, [5], "cpu", 3, tmp_path)
    config, weights = load_model(path)
    inputs = all_inputs(config.d_vocab, config.n_ctx)
    flat = flatten(config, {name: torch.from_numpy(matrix.copy()) for name, matrix in weights.matrices().items()})
    found = logits_at_last(config, unflatten(config, flat[None]), torch.from_numpy(inputs)[None])[0]
    np.testing.assert_allclose(found.numpy(), logits(float_tables(config, weights), inputs), rtol=1e-4, atol=1e-5)


def test_start_and_batches():
    config = ModelConfig("net", "max_of_k", 4, 64, 32, 32, recipe(32, 7, 1))
    flat = train_module._start([config], "cpu").flat
    assert flat.std().item() == pytest.approx(0.8 / math.sqrt(32), rel=0.03)
    batch = train_module._batch(config, 0)
    assert batch.shape == (128, 4)
    assert (batch.min(), batch.max()) == (0, 63)
    assert not np.array_equal(batch, train_module._batch(config, 1))


def test_training_learns_and_the_card_tells(tmp_path, capsys):
    (path,) = train_command("max_of_2_tiny", [5], 2, 8, 8, 8, 500, "cpu", tmp_path, card_rows)
    shown = capsys.readouterr().err
    assert "training max_of_2_tiny, 1 seed: step 500 of 500, loss 0." in shown
    assert f"note: max_of_2_tiny means the shipped model; yours is MODEL={path}" in shown
    card = path.with_suffix(".md").read_text()
    assert "| float network | 63 of 64 inputs right (98.4375 %) |" in card
    assert "| quantised to 8 bits | 63 of 64 inputs right (98.4375 %) |" in card
    assert "`make train MODEL=max_of_2_tiny SEED=5 K=2 D_VOCAB=8 D_MODEL=8 D_HEAD=8 STEPS=500`" in card
    assert hashlib.sha256(path.with_suffix(".safetensors").read_bytes()).hexdigest() in card
    assert load_model(path)[0].training == recipe(8, 5, 500)


def test_bad_arguments(tmp_path):
    with pytest.raises(UsageError, match=r"seeds are \[1, 1\]; wanted one or more, each once"):
        train(CONFIG, [1, 1], "cpu", 1, tmp_path)
    with pytest.raises(UsageError, match=r"seeds are \[\]"):
        train(CONFIG, [], "cpu", 1, tmp_path)
    with pytest.raises(UsageError, match="unknown DEVICE 'tpu'; valid here: auto, cpu"):
        train(CONFIG, [1], "tpu", 1, tmp_path)
    with pytest.raises(ConfigError, match="training.seed is -1; wanted an integer >= 0"):
        train(CONFIG, [-1], "cpu", 1, tmp_path)
    with pytest.raises(ConfigError, match="d_model is 0"):
        train_command("net", [0], 2, 8, 0, 8)


def test_device_auto_takes_a_gpu_when_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == "cpu"
    with pytest.raises(UsageError, match="unknown DEVICE 'cuda'; valid here: auto, cpu"):
        choose_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert (choose_device("auto"), choose_device("cpu"), choose_device("cuda:0")) == ("cuda", "cpu", "cuda:0")


def test_on_a_gpu_as_on_the_cpu(tmp_path):
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    (on_gpu,) = train(CONFIG, [0], "auto", 10, tmp_path / "gpu")
    (on_cpu,) = train(CONFIG, [0], "cpu", 10, tmp_path / "cpu")
    for name, matrix in load_model(on_gpu)[1].matrices().items():
        np.testing.assert_allclose(matrix, getattr(load_model(on_cpu)[1], name), rtol=1e-3, atol=1e-4)
