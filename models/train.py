"""Training: many seeds of the max-of-K network as one batched program (`train`), and what `make train` calls
(`train_command`).

Recipe (published, arXiv 2406.11779): AdamW, learning rate 1e-3, betas (0.9, 0.999), weight decay 0.01, batches of 128
uniform random sequences, 3000 steps, cross-entropy at the last position. Every matrix starts normal with standard
deviation 0.8 / sqrt(d_model), TransformerLens's default.

What a seed becomes depends on the seed alone: its start and its batch at each step are functions of (seed, step), and
nothing is summed across seeds. On one CPU type with one torch version the bytes repeat exactly, also after an
interruption; on a GPU they may differ in the last digits. One thread is used on CPU, for the same bytes everywhere.
"""

import contextlib
import hashlib
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch

from compact_proofs.models.config import ModelConfig, Training
from compact_proofs.models.errors import ConfigError, UsageError
from compact_proofs.models.evaluate import count_right, float_tables
from compact_proofs.models.files import write_atomic
from compact_proofs.models.network import flatten, logits_at_last, unflatten
from compact_proofs.models.tasks import n_inputs
from compact_proofs.models.weights import TRAINED, ZOO, Weights, save_model, weights_to_bytes, zoo_names

CHECKPOINTS = Path("build/train")
CHECKPOINT_EVERY_STEPS = 500
PROGRESS_EVERY_STEPS = 50
ADAM_EPSILON = 1e-8

Progress = Callable[[int, int, float], None]  # steps done, steps in all, mean loss
CardRows = Callable[[ModelConfig, Weights], list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class State:
    """All that training carries from step to step; `flat` and the two AdamW means are (seeds, n_parameters)."""

    step: int
    flat: torch.Tensor
    mean: torch.Tensor
    square: torch.Tensor


def recipe(d_model: int, seed: int, steps: int) -> Training:
    """Return the published recipe for one seed."""
    return Training(
        seed=seed,
        steps=steps,
        batch_size=128,
        learning_rate=1e-3,
        beta1=0.9,
        beta2=0.999,
        weight_decay=0.01,
        init_std=0.8 / math.sqrt(d_model),
    )


def choose_device(device: str) -> str:
    """Return "cpu" or "cuda" (or "cuda:N") for "auto", "cpu", "cuda" or "cuda:N".

    Raises: UsageError: another word, or a GPU that is not there.
    """
    n_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return "cuda" if n_gpus else "cpu"
    valid = ["cpu", *(["cuda"] if n_gpus else []), *(f"cuda:{index}" for index in range(n_gpus))]
    if device not in valid:
        raise UsageError(f"unknown DEVICE {device!r}; valid here: auto, {', '.join(valid)}")
    return device


def train(
    config: ModelConfig,
    seeds: Sequence[int],
    device: str = "auto",
    steps: int = 3000,
    out_dir: Path = TRAINED,
    progress: Progress | None = None,
    card_rows: CardRows | None = None,
    checkpoints: Path = CHECKPOINTS,
) -> list[Path]:
    """Train one network per seed and save each (weights, card, config); return the paths of the .json files.

    One seed is saved as config.name, several as config.name_seed0, ...; config.training is filled in here.
    KeyboardInterrupt saves a checkpoint and goes on up; the same call resumes from it. `progress` is called every 50
    steps, `card_rows` adds rows to each card (the quantised accuracy, say).

    Raises: UsageError: no seed, a seed twice, or a device that is not there.
    """
    if not seeds or len(set(seeds)) != len(seeds):
        raise UsageError(f"seeds are {list(seeds)}; wanted one or more, each once")
    device = choose_device(device)
    configs = [
        replace(
            config,
            name=config.name if len(seeds) == 1 else f"{config.name}_seed{seed}",
            training=recipe(config.d_model, seed, steps),
        )
        for seed in seeds
    ]
    recipe_hash = _recipe_hash(configs, device)
    checkpoint = checkpoints / f"{config.name}_{recipe_hash[:12]}.safetensors"
    with one_thread():
        state = _load_checkpoint(checkpoint, recipe_hash, device) or _start(configs, device)
        try:
            while state.step < steps:
                state, loss = _next(configs, state)
                if state.step % CHECKPOINT_EVERY_STEPS == 0:
                    _save_checkpoint(checkpoint, recipe_hash, state)
                if progress and (state.step % PROGRESS_EVERY_STEPS == 0 or state.step == steps):
                    progress(state.step, steps, loss.mean().item())
            paths = [_save(one, state.flat[index], out_dir, card_rows) for index, one in enumerate(configs)]
        except KeyboardInterrupt:
            _save_checkpoint(checkpoint, recipe_hash, state)
            raise
    checkpoint.unlink(missing_ok=True)
    return paths


def train_command(
    name: str,
    seeds: Sequence[int],
    n_ctx: int,
    d_vocab: int,
    d_model: int,
    d_head: int,
    steps: int = 3000,
    device: str = "auto",
    out_dir: Path = TRAINED,
    card_rows: CardRows | None = None,
) -> list[Path]:
    """Train by sizes, showing progress on stderr; what the command line calls. See `train`."""
    config = ModelConfig(name, "max_of_k", n_ctx, d_vocab, d_model, d_head)
    with show_progress(f"training {name}, {len(seeds)} seed{'s' * (len(seeds) > 1)}") as progress:
        paths = train(config, seeds, device, steps, out_dir, progress, card_rows)
    for path in paths:
        if path.stem in zoo_names() and path.parent.resolve() != ZOO.resolve():
            print(f"note: {path.stem} means the shipped model; yours is MODEL={path}", file=sys.stderr)
    return paths


@contextlib.contextmanager
def show_progress(title: str) -> Iterator[Progress]:
    """Give a `Progress` that draws a bar on stderr if that is a terminal, and otherwise prints a line every tenth."""
    if not sys.stderr.isatty():
        tenths_shown = -1

        def show_line(step: int, steps: int, loss: float) -> None:
            nonlocal tenths_shown
            if 10 * step // steps > tenths_shown:
                tenths_shown = 10 * step // steps
                print(f"{title}: step {step} of {steps}, loss {loss:.4f}", file=sys.stderr, flush=True)

        yield show_line
        return
    import rich.console
    import rich.progress

    columns = [*rich.progress.Progress.get_default_columns(), rich.progress.TextColumn("loss {task.fields[loss]:.4f}")]
    with rich.progress.Progress(*columns, console=rich.console.Console(stderr=True)) as bar:
        task = bar.add_task(title, total=None, loss=math.nan)
        yield lambda step, steps, loss: bar.update(task, completed=step, total=steps, loss=loss)


def model_card(config: ModelConfig, weights: Weights, rows: Sequence[tuple[str, str]]) -> str:
    """Return the model card in Markdown: task, recipe, seed, command, float accuracy, the given rows, sha256."""
    training = _training(config)
    found = count_right(float_tables(config, weights))
    command = (
        f"make train MODEL={config.name} SEED={training.seed} K={config.n_ctx} D_VOCAB={config.d_vocab} "
        f"D_MODEL={config.d_model} D_HEAD={config.d_head} STEPS={training.steps}"
    )
    table = [
        ("task", f"largest of {config.n_ctx} tokens 0..{config.d_vocab - 1}, {n_inputs(config):,} inputs"),
        ("sizes", f"d_model {config.d_model}, d_head {config.d_head}; one layer, one head, no biases, no LayerNorm"),
        (
            "recipe",
            f"AdamW, learning rate {training.learning_rate}, betas ({training.beta1}, {training.beta2}), weight decay "
            f"{training.weight_decay}; {training.steps} batches of {training.batch_size} uniform random sequences; "
            f"cross-entropy at the last position; normal start, standard deviation {training.init_std:.6g}",
        ),
        ("seed", str(training.seed)),
        ("command", f"`{command}`"),
        ("float network", found.in_words()),
        *rows,
        ("sha256 of the weights file", hashlib.sha256(weights_to_bytes(weights)).hexdigest()),
    ]
    lines = [f"# {config.name}", "", "| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in table)]
    return "\n".join(lines) + "\n"


def _training(config: ModelConfig) -> Training:
    if config.training is None:
        raise ConfigError(f"config: {config.name} has no training recipe; wanted one that was trained here")
    return config.training


def _start(configs: list[ModelConfig], device: str) -> State:
    rows = []
    for config in configs:
        shapes = config.shapes()
        sizes = [height * width for height, width in shapes.values()]
        generator = torch.Generator().manual_seed(_training(config).seed)
        entries = (torch.randn(sum(sizes), generator=generator) * _training(config).init_std).split(sizes)
        rows.append(flatten(config, {name: part.view(shapes[name]) for name, part in zip(shapes, entries, strict=True)}))
    flat = torch.stack(rows).to(device)
    return State(0, flat, torch.zeros_like(flat), torch.zeros_like(flat))


def _batch(config: ModelConfig, step: int) -> np.ndarray:
    """Return the sequences of one seed at one step, (batch_size, n_ctx); step 0 is the first."""
    generator = np.random.default_rng([_training(config).seed, step])
    return generator.integers(0, config.d_vocab, size=(_training(config).batch_size, config.n_ctx))


def _save(config: ModelConfig, row: torch.Tensor, out_dir: Path, card_rows: CardRows | None) -> Path:
    padded = unflatten(config, row.cpu().unsqueeze(0))
    shapes = config.shapes()
    weights = Weights(**{name: padded[name][0, :rows, :columns].numpy() for name, (rows, columns) in shapes.items()})
    return save_model(config, weights, out_dir, model_card(config, weights, card_rows(config, weights) if card_rows else []))


def _next(configs: list[ModelConfig], state: State) -> tuple[State, torch.Tensor]:
    """Make one step and return a new state and the loss of each seed; the old state stays whole if interrupted.

    AdamW as in torch, written as separate additions, products, quotients and roots: each is rounded correctly, so an
    entry's result does not depend on where in the tensor it lies (fused kernels treat the ends of a tensor apart).
    """
    training = _training(configs[0])
    tokens = torch.from_numpy(np.stack([_batch(config, state.step) for config in configs])).to(state.flat.device)
    flat = state.flat.detach().requires_grad_()
    log_probabilities = logits_at_last(configs[0], unflatten(configs[0], flat), tokens).log_softmax(-1)
    answers = tokens.amax(-1, keepdim=True)
    losses = -log_probabilities.gather(-1, answers).squeeze(-1).mean(1)
    (gradient,) = torch.autograd.grad(losses.sum(), flat)

    step = state.step + 1
    mean = state.mean * training.beta1 + gradient * (1 - training.beta1)
    square = state.square * training.beta2 + gradient * gradient * (1 - training.beta2)
    root = (square / (1 - training.beta2**step)).sqrt() + ADAM_EPSILON
    update = mean / root * (training.learning_rate / (1 - training.beta1**step))
    new = state.flat * (1 - training.learning_rate * training.weight_decay) - update
    return State(step, new, mean, square), losses.detach()


def _recipe_hash(configs: list[ModelConfig], device: str) -> str:
    """Hash all that decides the result: sizes, seeds, recipe, kind of device, torch version."""
    value = [[asdict(config) for config in configs], device, torch.__version__]
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _save_checkpoint(path: Path, recipe_hash: str, state: State) -> None:
    tensors = {name: getattr(state, name).cpu() for name in ("flat", "mean", "square")}
    tensors["step"] = torch.tensor(state.step)
    write_atomic(path, safetensors.torch.save(tensors, {"recipe_hash": recipe_hash}))


def _load_checkpoint(path: Path, recipe_hash: str, device: str) -> State | None:
    """Read a checkpoint of this very recipe; None if there is none, or none that can be read."""
    if not path.is_file():
        return None
    try:
        with safetensors.safe_open(path, framework="pt", device=device) as file:
            if file.metadata() != {"recipe_hash": recipe_hash}:
                return None
            tensors = {name: file.get_tensor(name) for name in ("flat", "mean", "square", "step")}
    except safetensors.SafetensorError:
        return None
    return State(int(tensors.pop("step")), **tensors)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Have torch use one thread on CPU, for the same bytes everywhere, and as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
