"""The networks of a comparison: those that were named, or for each its recipe at other seeds (`networks_of`)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compact_proofs.extract.families import AnyConfig
from compact_proofs.models.config import ModelConfig
from compact_proofs.models.errors import ToolMissing, UsageError
from compact_proofs.models.modular.config import ModularConfig
from compact_proofs.models.weights import TRAINED, load_config, load_model, model_names, model_path

SEED = re.compile(r"_seed([0-9]+)$")


@dataclass(frozen=True, slots=True)
class Network:
    """A network to compare on. path: of its .json; source: of the model that was named; prove: have Coq check it as well;
    trained: it is there already."""

    config: AnyConfig
    path: Path
    source: Path
    prove: bool
    trained: bool

    @property
    def name(self) -> str:
        return self.config.name


def networks_of(models: Sequence[str], seeds: Sequence[int] | None, proved: int | None, out: Path) -> list[Network]:
    """Return the networks by model and seed. Those that are there are read, so that a faulty file is refused at once.

    Args:    proved: of each model, the first so many networks are proved in Coq; None: all.
    Raises:  UsageError: unknown model, one without a recipe where seeds are wanted, two networks of one name. ConfigError,
             ShapeError, WeightsError: files refused.
    """
    found: dict[str, Network] = {}
    for model in models:
        source = _recipe_path(model) if seeds else model_path(model)
        for number, (config, path) in enumerate(_of_seeds(source, seeds, out) if seeds else [(load_config(source), source)]):
            trained = path.is_file()
            if trained:
                _check(config, path)
            if config.name in found:
                raise UsageError(
                    f"MODEL {model}: a network called {config.name} is there twice; name each once, rename other models"
                )
            found[config.name] = Network(config, path, source, proved is None or number < proved, trained)
    return list(found.values())


def check_trainable(networks: Sequence[Network]) -> None:
    """Check that the missing networks can be trained as their recipes say.

    Raises: ToolMissing: torch is not there. UsageError: a recipe that `train` does not follow.
    """
    missing = [network for network in networks if not network.trained]
    if not missing:
        return
    try:
        from compact_proofs.models.modular.train import FAMILY_STEPS
        from compact_proofs.models.train import recipe
    except ImportError as error:
        raise ToolMissing(
            f"{len(missing)} networks are to be trained ({missing[0].name}, ..), which needs torch: "
            "pip install -c constraints.txt -e '.[train]'; make compare installs it where SEEDS is given"
        ) from error
    for network in missing:
        config = network.config
        if isinstance(config, ModelConfig):
            assert config.training is not None
            ours = recipe(config.d_model, config.training.seed, config.training.steps) == config.training
        else:
            ours = config.family in FAMILY_STEPS
        if not ours:
            raise UsageError(
                f"{network.name} is to be trained, but `compact-proofs train` does not follow the recipe of its model"
            )


def _of_seeds(source: Path, seeds: Sequence[int], out: Path) -> list[tuple[AnyConfig, Path]]:
    config = load_config(source)
    if config.training is None:
        purified = isinstance(config, ModularConfig) and config.purified_from is not None
        why = "it was purified, not trained" if purified else "its config says nothing of its training"
        raise UsageError(f"MODEL {config.name} has no recipe for other seeds: {why}; leave out --seeds, or name a trained model")
    match = SEED.search(config.name)
    base = config.name[: match.start()] if match and int(match.group(1)) == config.training.seed else config.name
    found = []
    for seed in seeds:
        training = dataclasses.replace(config.training, seed=seed)
        one = dataclasses.replace(config, name=f"{base}_seed{seed}", training=training)  # type: ignore[arg-type]
        found.append((one, _where(one.name, source.parent, out)))
    return found


def _recipe_path(model: str) -> Path:
    """Return the model, or for the common part of the names of its seeds the first of these."""
    names = [name for name in model_names() if SEED.sub("", name) == model and SEED.search(name)]
    return model_path(names[0] if names and model not in model_names() else model)


def _where(name: str, beside: Path, out: Path) -> Path:
    """Return where the network of a seed is, or is to be."""
    trained = out / "models" / f"{name}.json"
    return next((path for path in (trained, TRAINED / f"{name}.json", beside / f"{name}.json") if path.is_file()), trained)


def _check(config: AnyConfig, path: Path) -> None:
    found, _ = load_model(path)
    if found != config:
        raise UsageError(f"{path}: this is another network than its model at that seed (sizes or recipe differ); move it away")
