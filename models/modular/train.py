"""Training modular-arithmetic networks: `recipe`, `train_modular`, and what `make train` calls (`train_modular_command`).

Full batch, AdamW. What a seed becomes depends on the seed alone; on one CPU type with one torch version and one thread
(which is what is used) the bytes repeat exactly, on a GPU they may differ in the last digits. A seed takes seconds to
minutes, so an interruption loses the seed at work and keeps those before it.

modular_quadratic is trained on all pairs with mean squared error, which `second_moment` bounds need, in float64 by
`quadratic_mse`, and then rescaled to lose least when it is rounded (`ready_to_round`); the others with cross-entropy and
weight decay 1 on 80 % of the pairs, which gives few frequencies.
"""

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from compact_proofs.models.errors import ConfigError, UsageError
from compact_proofs.models.modular.card import card_text
from compact_proofs.models.modular.config import SIZES, TRAINED_FAMILIES, ModularConfig, ModularTraining
from compact_proofs.models.modular.evaluate import count_right_modular
from compact_proofs.models.modular.network import Matrices, logits_of_all_pairs, quadratic_mse
from compact_proofs.models.modular.tasks import answers, training_pairs
from compact_proofs.models.modular.weights import ModularWeights
from compact_proofs.models.train import PROGRESS_EVERY_STEPS, Progress, choose_device, one_thread, show_progress
from compact_proofs.models.weights import TRAINED, ZOO, save_model, zoo_names

ModularCardRows = Callable[[ModularConfig, ModularWeights], list[tuple[str, str]]]
FAMILY_STEPS = dict(zip(TRAINED_FAMILIES, (2000, 1000, 1000), strict=True))
LARGEST = 0.9675  # largest |entry| after ready_to_round: a little below 1, so that 5 or more bits can be used up to the last


def default_width(family: str, modulus: int) -> int:
    """Return the d_mlp that is taken where none is given; squares need about 2.2 p, in steps of 16."""
    return {"modular_relu": 128, "modular_pizza": 256}.get(family, 16 * max(1, round(2.2 * modulus / 16)))


def recipe(family: str, seed: int, steps: int) -> ModularTraining:
    """Return the recipe of a family for one seed.

    Raises: UsageError: a family that is not trained.
    """
    if family not in FAMILY_STEPS:
        raise UsageError(f"family is {family!r}; wanted one that is trained: {', '.join(FAMILY_STEPS)}")
    quadratic = family == "modular_quadratic"
    return ModularTraining(
        seed=seed,
        steps=steps,
        loss="mse" if quadratic else "cross_entropy",
        data_fraction=1.0 if quadratic else 0.8,
        learning_rate=3e-2 if quadratic else 3e-3,
        schedule="cosine" if quadratic else "constant",
        warmup_steps=10,
        beta1=0.9,
        beta2=0.98,
        weight_decay=0.0 if quadratic else 1.0,
        init_scale=1.0,
    )


def train_modular(
    config: ModularConfig, device: str = "auto", progress: Progress | None = None
) -> tuple[ModularConfig, ModularWeights]:
    """Train one network by `config.training` and return it with its weights; `progress` is called every 50 steps.

    Raises: ConfigError: no training recipe, or a family that is not trained. UsageError: a device that is not there.
    """
    training = _training(config)
    if config.family not in FAMILY_STEPS:
        raise ConfigError(f"config: family is {config.family!r}; wanted one that is trained: {', '.join(FAMILY_STEPS)}")
    device = choose_device(device)
    by_moments = config.family == "modular_quadratic" and training.loss == "mse" and training.data_fraction == 1
    with one_thread():
        dtype = torch.float64 if by_moments else torch.float32
        matrices = {name: matrix.to(device, dtype).requires_grad_() for name, matrix in _start(config).items()}
        optimiser = torch.optim.AdamW(
            matrices.values(),
            lr=training.learning_rate,
            betas=(training.beta1, training.beta2),
            weight_decay=training.weight_decay,
        )
        loss_of = (lambda: quadratic_mse(config, matrices)) if by_moments else _loss_on_pairs(config, matrices, device)
        for step in range(training.steps):
            for group in optimiser.param_groups:
                group["lr"] = training.learning_rate * learning_rate_factor(training, step)
            optimiser.zero_grad()
            loss = loss_of()
            loss.backward()
            optimiser.step()
            if progress and ((step + 1) % PROGRESS_EVERY_STEPS == 0 or step + 1 == training.steps):
                progress(step + 1, training.steps, loss.item())
    trained = {name: matrix.detach() for name, matrix in matrices.items()}
    if config.family == "modular_quadratic":
        trained = ready_to_round(trained)
    return config, ModularWeights({name: matrix.float().cpu().numpy() for name, matrix in trained.items()})


def ready_to_round(matrices: Matrices) -> Matrices:
    """Rescale a modular_quadratic network so that rounding with one power of two per matrix loses least.

    Its answers stay: a neuron's inputs times c and its outputs over c^2 give the same logits, a positive factor on a
    matrix and a constant taken from a row of W_U shift or scale all logits of a pair alike. Each neuron's largest input
    is made as large as its largest output (rows centred), then each matrix's largest entry LARGEST.
    """
    embeddings = {name: matrix for name, matrix in matrices.items() if name != "W_U"}
    W_U = matrices["W_U"] - matrices["W_U"].mean(1, keepdim=True)
    largest_input = torch.stack([matrix.abs().amax(0) for matrix in embeddings.values()]).amax(0).clamp_min(1e-30)
    factor = (W_U.abs().amax(1).clamp_min(1e-30) / largest_input) ** (1 / 3)
    scale = LARGEST / (largest_input * factor).max()
    W_U = W_U / factor.square().unsqueeze(1)
    return {name: matrix * factor * scale for name, matrix in embeddings.items()} | {"W_U": W_U * (LARGEST / W_U.abs().max())}


def learning_rate_factor(training: ModularTraining, step: int) -> float:
    """Return what the learning rate is multiplied by at a step (the first is 0)."""
    factor = min(1.0, (step + 1) / max(1, training.warmup_steps))
    if training.schedule == "cosine":
        factor *= (1 + math.cos(math.pi * step / training.steps)) / 2
    return factor


def train_modular_command(
    name: str,
    family: str,
    modulus: int,
    operation: str,
    seeds: Sequence[int],
    d_mlp: int | None = None,
    d_model: int | None = None,
    steps: int | None = None,
    device: str = "auto",
    out_dir: Path = TRAINED,
    card_rows: ModularCardRows | None = None,
) -> list[Path]:
    """Train one network per seed, showing progress on stderr, and save each; return the paths of the .json files.

    One seed is saved as NAME, several as NAME_seed0, ...; `card_rows` adds rows to each card. None for a size or the
    steps means the family's own; d_model (64 unless given) is for the families that have one.

    Raises: UsageError: no seed, a seed twice, a family that is not trained, a device that is not there. ConfigError:
    sizes or an operation that no network has.
    """
    if not seeds or len(set(seeds)) != len(seeds):
        raise UsageError(f"seeds are {list(seeds)}; wanted one or more, each once")
    recipe(family, 0, 0)  # refuses other families before their sizes are looked up
    width = (d_model or 64) if "d_model" in SIZES[family] else None
    configs = [
        ModularConfig(
            name=name if len(seeds) == 1 else f"{name}_seed{seed}",
            family=family,
            modulus=modulus,
            operation=operation,
            tied=family == "modular_pizza" or operation == "addition",
            d_model=width,
            d_mlp=d_mlp or default_width(family, modulus),
            d_attn=width if "d_attn" in SIZES[family] else None,
            training=recipe(family, seed, FAMILY_STEPS[family] if steps is None else steps),
        )
        for seed in seeds
    ]
    paths = []
    for config in configs:
        with show_progress(f"training {config.name}") as progress:
            _, weights = train_modular(config, device, progress)
        card = modular_card(config, weights, card_rows(config, weights) if card_rows else [])
        paths.append(save_model(config, weights, out_dir, card))
        if config.name in zoo_names() and Path(out_dir).resolve() != ZOO.resolve():
            print(f"note: {config.name} means the shipped model; yours is MODEL={paths[-1]}", file=sys.stderr)
    return paths


def modular_card(config: ModularConfig, weights: ModularWeights, rows: Sequence[tuple[str, str]]) -> str:
    """Return the model card in Markdown: task, recipe, seed, command, float accuracy, the given rows, sha256."""
    training = _training(config)
    command = (
        f"make train MODEL={config.name} FAMILY={config.family} MODULUS={config.modulus} OPERATION={config.operation} "
        f"SEED={training.seed} D_MLP={config.d_mlp} "
        + (f"D_MODEL={config.d_model} " if config.d_model else "")
        + f"STEPS={training.steps}"
    )
    loss = {"mse": "mean squared error", "cross_entropy": "cross-entropy"}[training.loss]
    return card_text(
        config,
        weights,
        [
            (
                "recipe",
                f"AdamW, full batch, {training.data_fraction:.0%} of the pairs, {training.steps} steps, {loss}; "
                f"{training.schedule} learning rate {training.learning_rate:g} after {training.warmup_steps} steps of warm-up, "
                f"betas ({training.beta1}, {training.beta2}), weight decay {training.weight_decay:g}; normal start, "
                f"scale {training.init_scale:g}"
                + ("; then rescaled, for rounding, in ways that change no answer" * (config.family == "modular_quadratic")),
            ),
            ("seed", str(training.seed)),
            ("command", f"`{command}`"),
            ("float network", count_right_modular(config, weights).in_words()),
            *rows,
        ],
    )


def _training(config: ModularConfig) -> ModularTraining:
    if config.training is None:
        raise ConfigError(f"config: {config.name} has no training recipe; wanted one that was trained here")
    return config.training


def _start(config: ModularConfig) -> Matrices:
    """Return the matrices that a seed starts from; see ModularTraining for their sizes."""
    generator = torch.Generator().manual_seed(_training(config).seed)
    start = {}
    for name, (rows, columns) in config.shapes().items():
        if name.startswith("b_"):
            start[name] = torch.zeros(rows, columns)
            continue
        width = columns if name in ("W_E", "W_E_b", "W_pos") else rows
        start[name] = torch.randn(rows, columns, generator=generator) * (_training(config).init_scale / math.sqrt(width))
    return start


def _loss_on_pairs(config: ModularConfig, matrices: Matrices, device: str) -> Callable[[], torch.Tensor]:
    """Return the loss as a function without arguments: the network is run on all pairs, the training pairs count."""
    training = _training(config)
    chosen = torch.from_numpy(training_pairs(config.modulus, training.data_fraction, training.seed).ravel().nonzero()[0])
    chosen = chosen.to(device)
    correct = torch.from_numpy(answers(config).ravel()).to(device)[chosen]
    wanted = torch.nn.functional.one_hot(correct, config.modulus).float() - 1 / config.modulus

    def loss() -> torch.Tensor:
        scores = logits_of_all_pairs(config, matrices).flatten(0, 1)[chosen]
        if training.loss == "mse":
            return config.modulus * (scores - scores.mean(1, keepdim=True) - wanted).square().mean()
        return torch.nn.functional.cross_entropy(scores.double(), correct)  # float32 loses small losses in long training

    return loss
