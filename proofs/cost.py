"""The operation count of a strategy in closed form: `Cost`; cost_max_of_k and cost_modular make it for each strategy.

The formulas are those that count: proofs.operations, and `operations_of` in the modules of the strategies, called with symbols of
sympy in place of numbers. Where Coq proves that a checker takes no more, the lemma is named; elsewhere it is an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import sympy

from compact_proofs.extract.layouts import Group
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.extract.rounding import QuantisedNetwork
from compact_proofs.models.errors import UsageError
from compact_proofs.proofs.registry import GROUPS, WITH_DISTRIBUTION, Found, strategies

Origin = Literal["given", "default", "assumed", "at most", "network", "certificate"]
MOST_SIZE = 2**20
LEAST_SHARE = 0.005  # of the count: smaller terms are not among the largest
ON_FORM = "Modular.Length.FoldLength.on_form_at_most"
LEMMAS: dict[tuple[Group, str], tuple[str, ...]] = {
    **{
        ("max_of_k", name): (f"Length.StrategiesLength.{name}_operations_at_most",)
        for name in (
            "cubic", "subcubic", "subcubic_low_rank_qk", "subcubic_low_rank_eu", "subcubic_low_rank", "quadratic", "wrong_count",
        )
    },
    ("max_of_k", "exact"): (),
    ("max_of_k", "brute_force"): (),
    ("max_of_k", "weighted"): (),
    ("modular", "brute_force"): ("Modular.Length.StrategiesLength.modular_brute_force_exact_operations_at_most",),
    ("modular", "low_rank_unembedding"): ("Modular.Length.StrategiesLength.low_rank_unembedding_operations_at_most",),
    ("modular", "second_moment"): ("Modular.Length.SecondMomentLength.second_moment_operations_at_most", ON_FORM),
    ("modular", "quadrature"): ("Modular.Length.QuadratureLength.quadrature_operations_at_most", ON_FORM),
    ("modular", "relu_homogeneity_l1"): ("Modular.Length.HomogeneityL1Length.homogeneity_l1_operations_at_most", ON_FORM),
    ("modular", "relu_homogeneity"): (),
}  # fmt: skip
MEANINGS = {
    "n": "positions (n_ctx)", "d": "tokens (d_vocab)", "D": "d_model", "H": "d_head",
    "B": "blocks of largest tokens", "L": "bands of tokens", "E": "largest exponent of a band", "R": "resolution",
    "N": "resolution of single outputs near the answer", "k_s": "rank of the scores, multiplied out", "b_s": "and bounded",
    "k_d": "rank of the direct logits, multiplied out", "b_d": "and bounded",
    "S": "sums looked at in branching", "X": "sequences that go through the network",
    "p": "modulus", "m": "hidden width (d_mlp)", "w": "d_model", "a": "d_attn", "r": "rank", "K": "frequencies",
    "G": "groups of neurons", "T": "classes of pairs tested one by one", "W": "distances watched",
    "V": "differences that watch any",
}  # fmt: skip


class Size(NamedTuple):
    """The value of a symbol of the formula, and where it is from: given or default sizes and choices; assumed, or the most there
    can be, where only a certificate would tell; those of a network and its certificate."""

    value: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class Cost:
    """Fields: parts: formulas by name, whose sum is the count; sizes: by symbol; choices: those that are no symbols, in words."""

    strategy: str
    group: Group
    parts: dict[str, sympy.Expr]
    sizes: dict[str, Size]
    choices: tuple[str, ...] = ()

    @property
    def lemmas(self) -> tuple[str, ...]:
        """Return the names of the Coq theorems by which it is an upper bound; none: it is an estimate."""
        return LEMMAS[self.group, self.strategy]

    @property
    def formula(self) -> sympy.Expr:
        """Return the sum of the parts."""
        return sum(self.parts.values(), sympy.Integer(0))

    @property
    def number(self) -> int:
        """Return the count at these sizes."""
        return int(self.formula.subs(self._values()))

    def with_defaults(self, names: set[str]) -> Cost:
        """Return the same, but that the sizes of these symbols are by default."""
        default = {name: Size(size.value, "default") for name, size in self.sizes.items() if name in names}
        return replace(self, sizes=self.sizes | default)

    def shown(self) -> dict[str, str]:
        """Return the parts as text, at least two positions taken for granted where there are as many."""
        smooth = {name: self._smooth(part) for name, part in self.parts.items()}
        return {name: min((str(part), str(sympy.expand(part))), key=len) for name, part in smooth.items()}

    def largest_terms(self, most: int = 6) -> list[tuple[str, int, float]]:
        """Return the largest terms of the formula multiplied out, n as it is: as text, at these sizes, and as a share of the
        count."""
        values, number = self._values(), self.number
        positions = {one: value for one, value in values.items() if one.name == "n"}
        terms = sympy.Add.make_args(sympy.expand(self.formula.subs(positions)))
        found = [(str(term), sympy.Rational(term.subs(values))) for term in terms]
        found.sort(key=lambda pair: (-abs(pair[1]), pair[0]))
        shares = [(text, int(value), float(value / number)) for text, value in found[:most]]
        return [one for one in shares if abs(one[2]) >= LEAST_SHARE]

    def _smooth(self, part: Any) -> sympy.Expr:
        n = symbol("n")
        beyond = n - 2 if "n" in self.sizes and self.sizes["n"].value >= 2 else 0
        return sympy.sympify(part).subs(sympy.Max(0, n - 2), beyond)

    def _values(self) -> dict[sympy.Symbol, int]:
        return {one: self.sizes[one.name].value for one in self.formula.free_symbols}


def symbol(name: str) -> sympy.Symbol:
    """Return a symbol of the formulas, one of MEANINGS."""
    return sympy.Symbol(name, integer=True, positive=True)


def of_found(quantised: QuantisedNetwork, name: str, found: Found) -> Cost:
    """Return the formula of a strategy with the sizes of a network and of a certificate that was found for it.

    For staged strategies one resolution stands for all largest tokens, the finest of them, so the formula is above the count of
    a certificate that leaves some out; everywhere else it is that count.
    """
    from compact_proofs.proofs import cost_max_of_k, cost_modular

    if isinstance(quantised, QuantisedModular):
        return cost_modular.of_found(quantised, name, found)
    assert isinstance(quantised, QuantisedModel)
    return cost_max_of_k.of_found(quantised, name, found)


def groups_of(name: str) -> list[Group]:
    """Return the tasks that have a strategy of that name. Raises: UsageError: none has; the message lists them all."""
    known: dict[Group, list[str]] = {group: list(strategies(group)) for group in GROUPS}
    known["max_of_k"] += WITH_DISTRIBUTION
    found = [group for group, names in known.items() if name in names]
    if not found:
        every = "; ".join(f"of {group}: {', '.join(names)}" for group, names in known.items())
        raise UsageError(f"unknown STRATEGY {name!r}; valid {every}")
    return found


def check_sizes(sizes: dict[str, int]) -> None:
    """Refuse sizes that no network has. Raises: UsageError."""
    for name, size in sizes.items():
        if not 1 <= size <= MOST_SIZE:
            raise UsageError(f"{name}: got {size:,}, wanted 1 to {MOST_SIZE:,}")
