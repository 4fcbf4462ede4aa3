"""What a modular-arithmetic model is: `ModularConfig`, `ModularTraining`, `PurifiedFrom`, as JSON without defaults.

The task: tokens a, b of 0..p-1, answer (a + s b) mod p, s = 1 for addition and -1 for subtraction. The networks, rows
multiplied by W on the right, E = W_E, F = W_E_b (= W_E where tied), both indexed by the token:
  modular_quadratic  hidden = (E[a] + F[b])^2                          logits = hidden W_U
  modular_folded     hidden = relu(E[a] + F[b])                        logits = hidden W_U
  modular_relu       hidden = relu((E[a] + F[b]) W_in)                 logits = hidden W_out W_U
  modular_pizza      x0 = W_E[a] + W_pos[0], x1 = W_E[b] + W_pos[1], mid = x1 + (x0 + x1) W_V W_O / 2,
                     hidden = relu(mid W_in + b_in)                    logits = (mid + hidden W_out + b_out) W_U
  modular_canonical_relu, _square   hidden = act(L[a] + R[b])          logits = P[a] + Q[b] + hidden U
The last two take what another architecture folds into, and are never tied.
`shapes` is where every reader and writer takes names and shapes from. Source: docs/modular_addition.md, section 1.
"""

import json
import math
from dataclasses import asdict, dataclass

from compact_proofs.models.config import SCHEMA, check_int, check_name, config_from_json
from compact_proofs.models.errors import ConfigError

CANONICAL = ("modular_canonical_relu", "modular_canonical_square")
MODULAR_FAMILIES = ("modular_quadratic", "modular_relu", "modular_pizza", "modular_folded", *CANONICAL)
TRAINED_FAMILIES = ("modular_quadratic", "modular_relu", "modular_pizza")  # the others are made from a trained network
COEFFICIENTS = {"addition": 1, "subtraction": -1}
LOSSES = ("mse", "cross_entropy")
SCHEDULES = ("constant", "cosine")
SIZES = {  # which of d_model, d_mlp, d_attn a family has
    "modular_quadratic": ("d_mlp",),
    "modular_relu": ("d_model", "d_mlp"),
    "modular_pizza": ("d_model", "d_mlp", "d_attn"),
    "modular_folded": ("d_mlp",),
    **dict.fromkeys(CANONICAL, ("d_mlp",)),
}


@dataclass(frozen=True, slots=True)
class ModularTraining:
    """Recipe of one trained seed: AdamW, full batch, on `data_fraction` of the pairs (drawn by the seed).

    loss "mse": p times the mean over pairs and classes of (centred logit - centred one-hot)^2. The learning rate rises
    linearly over `warmup_steps`, then stays ("constant") or falls to 0 along a cosine. Matrices start normal with
    standard deviation `init_scale` / sqrt(n), n the width a row of an embedding has and the width that any other matrix
    sums over; biases start at 0.
    """

    seed: int
    steps: int
    loss: str
    data_fraction: float
    learning_rate: float
    schedule: str
    warmup_steps: int
    beta1: float
    beta2: float
    weight_decay: float
    init_scale: float

    def __post_init__(self) -> None:
        for key in ("seed", "steps", "warmup_steps"):
            check_int(f"training.{key}", getattr(self, key), 0)
        for key, valid in {"loss": LOSSES, "schedule": SCHEDULES}.items():
            _check_word(f"training.{key}", getattr(self, key), valid)
        for key in ("data_fraction", "learning_rate", "beta1", "beta2", "weight_decay", "init_scale"):
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
                raise ConfigError(f"config: training.{key} is {value!r}; wanted a finite number >= 0")
        if not 0 < self.data_fraction <= 1:
            raise ConfigError(f"config: training.data_fraction is {self.data_fraction!r}; wanted above 0 and at most 1")


@dataclass(frozen=True, slots=True)
class PurifiedFrom:
    """The model that a purified one was made from: its name and the sha256 of its weights file."""

    name: str
    sha256: str

    def __post_init__(self) -> None:
        check_name("purified_from.name", self.name)
        if not isinstance(self.sha256, str) or len(self.sha256) != 64 or set(self.sha256) - set("0123456789abcdef"):
            raise ConfigError(f"config: purified_from.sha256 is {self.sha256!r}; wanted 64 hexadecimal digits")


@dataclass(frozen=True, slots=True)
class ModularConfig:
    """Sizes of a modular-arithmetic network, and where it comes from (training or purified_from, None if unknown).

    `d_attn` is heads times d_head. `tied`: one embedding for both tokens (a pizza network is always tied, its positions
    tell the tokens apart; a canonical one never, L and R are two matrices). Sizes that a family lacks are None.

    Raises: ConfigError: a name that is no Coq identifier, an unknown family or operation, an even modulus or one below 3,
    subtraction with tied embeddings, a size that is missing, below 1, or that the family lacks.
    """

    name: str
    family: str
    modulus: int
    operation: str
    tied: bool
    d_model: int | None
    d_mlp: int
    d_attn: int | None
    training: ModularTraining | None = None
    purified_from: PurifiedFrom | None = None

    def __post_init__(self) -> None:
        check_name("name", self.name)
        _check_word("family", self.family, MODULAR_FAMILIES)
        check_int("modulus", self.modulus, 3)
        if self.modulus % 2 == 0:
            raise ConfigError(f"config: modulus is {self.modulus}; wanted an odd number, 2 needs an inverse mod p")
        _check_word("operation", self.operation, tuple(COEFFICIENTS))
        if not isinstance(self.tied, bool):
            raise ConfigError(f"config: tied is {self.tied!r}; wanted true or false")
        if self.family == "modular_pizza" and not self.tied:
            raise ConfigError("config: tied is False; wanted True for modular_pizza, its positions tell the tokens apart")
        if self.family in CANONICAL and self.tied:
            raise ConfigError(f"config: tied is True; wanted False for {self.family}, give L and R, equal if they are")
        if self.family != "modular_pizza" and self.tied and self.operation == "subtraction":
            raise ConfigError(
                f"config: operation is 'subtraction' with tied embeddings; {self.family} then cannot tell a - b from b - a; "
                f"wanted tied false"
            )
        for key in ("d_model", "d_mlp", "d_attn"):
            if key in SIZES[self.family]:
                check_int(key, getattr(self, key), 1)
            elif getattr(self, key) is not None:
                raise ConfigError(f"config: {key} is {getattr(self, key)!r}; wanted null, {self.family} has none")
        for key, kind in {"training": ModularTraining, "purified_from": PurifiedFrom}.items():
            value = getattr(self, key)
            if value is not None and not isinstance(value, kind):
                raise ConfigError(f"config: {key} is {value!r}; wanted a {kind.__name__} or None")

    @property
    def coefficient(self) -> int:
        """Return s of the answer (a + s b) mod p."""
        return COEFFICIENTS[self.operation]

    @property
    def activation(self) -> str:
        """Return "relu" or "square"."""
        return "square" if self.family in ("modular_quadratic", "modular_canonical_square") else "relu"

    @property
    def n_ctx(self) -> int:
        return 2

    @property
    def d_vocab(self) -> int:
        return self.modulus

    @property
    def n_inputs(self) -> int:
        return self.modulus**2

    def shapes(self) -> dict[str, tuple[int, int]]:
        """Return the shape of every matrix by name, in order; a bias is a matrix of one row."""
        p, d_mlp = self.modulus, self.d_mlp
        if self.family in ("modular_quadratic", "modular_folded"):
            embeddings = {"W_E": (p, d_mlp)} if self.tied else {"W_E": (p, d_mlp), "W_E_b": (p, d_mlp)}
            return embeddings | {"W_U": (d_mlp, p)}
        if self.family in CANONICAL:
            return {"P": (p, p), "Q": (p, p), "L": (p, d_mlp), "R": (p, d_mlp), "U": (d_mlp, p)}
        assert self.d_model is not None
        if self.family == "modular_relu":
            embeddings = {"W_E": (p, self.d_model)} if self.tied else {"W_E": (p, self.d_model), "W_E_b": (p, self.d_model)}
            return embeddings | {"W_in": (self.d_model, d_mlp), "W_out": (d_mlp, self.d_model), "W_U": (self.d_model, p)}
        assert self.d_attn is not None
        return {
            "W_E": (p, self.d_model),
            "W_pos": (2, self.d_model),
            "W_V": (self.d_model, self.d_attn),
            "W_O": (self.d_attn, self.d_model),
            "W_in": (self.d_model, d_mlp),
            "b_in": (1, d_mlp),
            "W_out": (d_mlp, self.d_model),
            "b_out": (1, self.d_model),
            "W_U": (self.d_model, p),
        }

    def sizes_in_words(self) -> str:
        """Return, for example, "modulus=59 d_model=64 d_mlp=128"."""
        return " ".join(f"{key}={getattr(self, key)}" for key in ("modulus", *SIZES[self.family]))

    def to_json(self) -> str:
        """Return the config as JSON text: sorted keys, one final newline, equal configs give equal bytes."""
        return json.dumps(asdict(self) | {"schema": SCHEMA}, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str, where: str = "config") -> "ModularConfig":
        """Read the text of `to_json`; `where` (a file name) stands in front of every message.

        Raises: ConfigError: no JSON, unknown or missing keys, another schema, or impossible values.
        """
        return config_from_json(cls, text, where, {"training": ModularTraining, "purified_from": PurifiedFrom})


def _check_word(key: str, value: object, valid: tuple[str, ...]) -> None:
    if value not in valid:
        raise ConfigError(f"config: {key} is {value!r}; wanted one of: {', '.join(valid)}")
