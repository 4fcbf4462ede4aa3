"""The operation counts of the strategies for modular arithmetic, in closed form: `of_sizes`, `of_found`.

Each is the fold of the network and the strategy on its canonical form.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import numpy as np
import sympy

from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.modular_fold import LAYERS, fold, operations_of
from compact_proofs.extract.modular_form import Activation, Form
from compact_proofs.models.errors import UsageError
from compact_proofs.models.modular.config import SIZES
from compact_proofs.proofs.cost import Cost, Size, check_sizes, symbol
from compact_proofs.proofs.registry import DEFAULT, Found, Tuning, strategy, strategy_for
from compact_proofs.proofs.strategies.modular import (
    brute_force,
    homogeneity,
    homogeneity_l1,
    low_rank_unembedding,
    quadrature,
    second_moment,
)

LETTERS = {"modulus": "p", "d_mlp": "m", "d_model": "w", "d_attn": "a"}
BY_FREQUENCY = ("relu_homogeneity", "relu_homogeneity_l1", "quadrature")
FREQUENCIES = 5  # of the shipped networks of modulus 59, where the user says nothing
RANKS = {"low_rank_unembedding": 3, "relu_homogeneity": 3}  # that the finder chooses for modular_addition


class Choices(NamedTuple):
    """What is no size. tied: both tokens have one table; coarse: bits are dropped; kink: |x| is collapsed, not relu(x)."""

    tied: bool = True
    coarse: bool = False
    kink: bool = True


def of_sizes(name: str, family: str, sizes: dict[str, int], tuning: Tuning = DEFAULT, frequencies: int | None = None) -> Cost:
    """Return what a strategy takes for a network of these sizes.

    What only a certificate would tell is assumed, from those of modular_addition and modular_addition_purified.

    Args:    sizes: modulus, d_mlp, and d_model, d_attn where the family has them; frequencies: of the neurons.
    Raises:  UsageError: a strategy that does not fit the family, sizes missing or too large, tuning that the strategy does not
             have.
    """
    strategy_for(family, name).check_tuning(tuning)
    wanted = ("modulus", *SIZES[family])
    if missing := [size for size in wanted if size not in sizes]:
        raise UsageError(f"{missing[0]}: missing; a {family} network has {', '.join(wanted)}: give {_option(missing[0])}")
    if extra := [size for size in sizes if size not in wanted]:
        raise UsageError(f"{extra[0]}: a {family} network has none; leave {_option(extra[0])} out")
    check_sizes(sizes)
    p = sizes["modulus"]
    if p < 3 or p % 2 == 0:
        raise UsageError(f"modulus: got {p}, wanted an odd number >= 3")
    if frequencies is not None and name not in BY_FREQUENCY:
        raise UsageError(f"frequencies: strategy {name} has none; leave --frequencies out")
    if frequencies is not None and frequencies > (p - 1) // 2:
        raise UsageError(f"frequencies: got {frequencies}, wanted at most {(p - 1) // 2} for modulus {p}")
    groups = Size(min(FREQUENCIES, (p - 1) // 2), "assumed") if frequencies is None else Size(frequencies, "given")
    rank = Size(RANKS.get(name, 0), "assumed") if tuning.rank is None else Size(tuning.rank, "given")
    assumed = {"T": p * p * (p - 1) // 20, "W": 2 * p, "V": (p + 1) // 2}
    certificate = {"r": rank, "K": groups, "G": groups} | {letter: Size(value, "assumed") for letter, value in assumed.items()}
    network = {LETTERS[size]: Size(value, "given") for size, value in sizes.items()}
    return _cost(name, family, network | certificate, Choices())


def family_of(name: str, sizes: Collection[str]) -> str:
    """Return the first family that has the strategy and these sizes; where none has both, the first with the strategy.

    Raises: UsageError: no modular network has the strategy.
    """
    families = strategy(name, "modular").families
    fitting = [family for family in SIZES if families is None or family in families]
    return next((family for family in fitting if {"modulus", *SIZES[family]} == {"modulus", *sizes}), fitting[0])


def of_found(model: QuantisedModular, name: str, found: Found) -> Cost:
    """As `cost.of_found`."""
    c, form = found.certificate, fold(model)
    network = {LETTERS[size]: Size(value, "network") for size, value in model.sizes().items() if size in LETTERS}
    read: dict[str, Callable[[], dict[str, int]]] = {
        "low_rank_unembedding": lambda: {"r": c.rank},
        "relu_homogeneity": lambda: {"G": len(c.groups), "r": c.used_rank, "T": homogeneity.tested(form, c)},
        "relu_homogeneity_l1": lambda: {
            "K": len(c.frequency_list),
            "W": sum(map(len, c.watched_distances)),
            "V": sum(1 for watched in c.watched_distances if watched),
        },
        "quadrature": lambda: {"K": len(c.frequencies)},
    }
    certificate = {letter: Size(value, "certificate") for letter, value in read.get(name, dict)().items()}
    return _cost(name, model.family, network | certificate, _choices(form, c))


def _choices(form: Form, certificate: Any) -> Choices:
    return Choices(
        tied=bool(np.array_equal(form.L, form.R)),
        coarse=getattr(certificate, "dropped", 0) > 0,
        kink=bool(getattr(certificate, "kink", True)),
    )


def _cost(name: str, family: str, sizes: dict[str, Size], choices: Choices) -> Cost:
    """Return the cost; sizes: by symbol, those that the formula does not have as well."""
    architecture, activation = LAYERS[family]
    p, m = symbol("p"), symbol("m")
    widths = {size: symbol(LETTERS[size]) for size in SIZES[family] if size != "d_mlp"}
    checker, words = CHECKERS[name](p, m, activation, choices)
    parts = {"fold": sympy.sympify(operations_of(architecture, p=p, d_mlp=m, **widths)), "checker": sympy.sympify(checker)}
    used = {one.name for part in parts.values() for one in part.free_symbols}
    return Cost(name, "modular", parts, {letter: size for letter, size in sizes.items() if letter in used}, words)


def _option(size: str) -> str:
    return f"--{size.replace('_', '-')}"


Counted = tuple[Any, tuple[str, ...]]  # the formula, and its choices in words


def _second_moment(p: Any, m: Any, activation: Activation, choices: Choices) -> Counted:
    words = "the two tokens have one table" if choices.tied else "the two tokens have a table each"
    return second_moment.operations_of(p, m, choices.tied), (words,)


def _homogeneity_l1(p: Any, m: Any, activation: Activation, choices: Choices) -> Counted:
    return homogeneity_l1.operations_of(p, m, symbol("K"), symbol("W"), symbol("V"), activation), ()


def _low_rank(p: Any, m: Any, activation: Activation, choices: Choices) -> Counted:
    formula = low_rank_unembedding.operations_of(p, m, symbol("r"), choices.coarse, activation)
    return formula, ("lengths are taken without their last bits",) if choices.coarse else ()


def _homogeneity(p: Any, m: Any, activation: Activation, choices: Choices) -> Counted:
    formula = homogeneity.operations_of(p, m, symbol("G"), symbol("r"), symbol("T"), choices.kink, choices.coarse)
    bits = ("lengths are taken without their last bits",) if choices.coarse else ()
    return formula, ("|x| of each neuron is collapsed" if choices.kink else "relu(x) of each neuron is collapsed", *bits)


def _quadrature(p: Any, m: Any, activation: Activation, choices: Choices) -> Counted:
    return quadrature.operations_of(p, m, symbol("K"), activation), ()


def _brute_force(p: Any, m: Any, activation: Activation, choices: Choices) -> Counted:
    return brute_force.operations_of(p, m, activation), ()


CHECKERS: dict[str, Callable[[Any, Any, Activation, Choices], Counted]] = {
    "second_moment": _second_moment,
    "relu_homogeneity_l1": _homogeneity_l1,
    "low_rank_unembedding": _low_rank,
    "relu_homogeneity": _homogeneity,
    "quadrature": _quadrature,
    "brute_force": _brute_force,
}
