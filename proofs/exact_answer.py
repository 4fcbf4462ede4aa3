"""What a quantised network answers to one input, exactly: `ExactNetwork.answer`. A tie is decided, not guessed.

Every layer of the specification in turn (coq/theories/Spec), in Python ints over powers of two: no table, no fold, no bound, no
machine integers. Of softmax the exponentials remain: a logit less another one, times the denominator, is a sum of exp(s) c over
positions, s and c rational. With equal s put together it is zero exactly if every c is (theorem of Lindemann and Weierstrass); if
not, interval arithmetic of rising precision finds its sign and size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mpmath  # type: ignore[import-untyped]

from compact_proofs.extract.dyadic import Dyadic
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.extract.rounding import QuantisedNetwork
from compact_proofs.models.errors import InputRefused, ShapeError

FIRST_PRECISION = 128  # bits
DIGITS = 12  # of a margin
SETTLED = 2.0**-50  # a margin is known when its enclosure is this narrow, relative to it


@dataclass(frozen=True, slots=True)
class Answer:
    """Fields: tokens: the input; right: its right answer; outputs: those of the largest logit, in order; margin: the logit of
    `right` less the largest other one, as a decimal: "0" at a tie, below 0 where another output wins, "" where there is no
    other."""

    tokens: tuple[int, ...]
    right: int
    outputs: tuple[int, ...]
    margin: str

    @property
    def correct(self) -> bool:
        """Whether the right answer is strictly above every other output."""
        return self.outputs == (self.right,)

    @property
    def tie(self) -> bool:
        """Whether the right answer shares the largest logit."""
        return self.right in self.outputs and not self.correct


class ExactNetwork:
    """A quantised network of any family."""

    def __init__(self, quantised: QuantisedNetwork) -> None:
        self.quantised = quantised
        self.matrices = {name: Dyadic.of(matrix) for name, matrix in quantised.matrices().items()}

    def answer(self, tokens: Sequence[int]) -> Answer:
        """Run the network on one input: n_ctx tokens, or the pair (a, b).

        Raises: ShapeError: another number of tokens. InputRefused: a token that there is not.
        """
        model = self.quantised
        modular = isinstance(model, QuantisedModular)
        length, order = (2, model.modulus) if isinstance(model, QuantisedModular) else _sizes(model)
        if len(tokens) != length:
            raise ShapeError(f"input {list(tokens)}: got {len(tokens)} tokens, wanted {length}")
        if outside := [token for token in tokens if not 0 <= token < order]:
            raise InputRefused(f"input {list(tokens)}: got token {outside[0]}, wanted 0 .. {order - 1}")
        return self._of_pair(*tokens) if modular else self._of_sequence(list(tokens))

    def _of_pair(self, a: int, b: int) -> Answer:
        assert isinstance(self.quantised, QuantisedModular)
        right = (a + self.quantised.coefficient * b) % self.quantised.modulus
        logits = self._logits(a, b)
        values = logits.ints.tolist()
        others = [value for c, value in enumerate(values) if c != right]
        if not others:
            return Answer((a, b), right, (right,), "")
        outputs = tuple(c for c, value in enumerate(values) if value == max(values))
        margin = mpmath.ldexp(mpmath.mpf(values[right] - max(others)), -logits.bits)
        return Answer((a, b), right, outputs, _shown(margin))

    def _logits(self, a: int, b: int) -> Dyadic:
        """Spec.Modular.logits."""
        assert isinstance(self.quantised, QuantisedModular)
        W, family = self.matrices, self.quantised.family
        if family.startswith("modular_canonical"):
            before = W["L"][a] + W["R"][b]
            return W["P"][a] + W["Q"][b] + (before.squared() if family.endswith("square") else before.relu()) @ W["U"]
        first, second = W["W_E"][a], W.get("W_E_b", W["W_E"])[b]
        if family == "modular_quadratic":
            return (first + second).squared() @ W["W_U"]
        if family == "modular_folded":
            return (first + second).relu() @ W["W_U"]
        if family == "modular_relu":
            return ((first + second) @ W["W_in"]).relu() @ W["W_out"] @ W["W_U"]
        first, second = first + W["W_pos"][0], second + W["W_pos"][1]
        mid = second + (first + second).half() @ W["W_V"] @ W["W_O"]
        hidden = (mid @ W["W_in"] + W["b_in"][0]).relu()
        return (mid + (hidden @ W["W_out"] + W["b_out"][0])) @ W["W_U"]

    def _of_sequence(self, tokens: list[int]) -> Answer:
        W = self.matrices
        residual = W["W_E"][tokens] + W["W_pos"]
        query, keys = residual[-1:] @ W["W_Q"], residual @ W["W_K"]
        scores = Dyadic((query.ints * keys.ints).sum(axis=1), query.bits + keys.bits)
        logits = residual[-1:] @ W["W_U"] + residual @ W["W_V"] @ W["W_O"] @ W["W_U"]  # if all attention were on a position
        right = max(tokens)
        leads = (logits.ints - logits.ints[:, right : right + 1]).T  # output, position
        others = [w for w in range(len(leads)) if w != right]
        if not others:
            return Answer(tuple(tokens), right, (right,), "")
        best, lead = _largest(scores.ints.tolist(), scores.bits, {w: leads[w].tolist() for w in others})
        outputs = best if lead > 0 else (right,) if lead < 0 else tuple(sorted((right, *best)))
        return Answer(tuple(tokens), right, outputs, _shown(mpmath.ldexp(-lead, -logits.bits)))


def _sizes(model: QuantisedNetwork) -> tuple[int, int]:
    assert isinstance(model, QuantisedModel)
    return model.n_ctx, model.d_vocab


def _largest(scores: list[int], bits: int, rows: dict[int, list[int]]) -> tuple[tuple[int, ...], Any]:
    """Return the keys of the rows whose mean, weighted by exp(s / 2^bits), is largest, and that mean."""
    context, precision = mpmath.iv.__class__(), FIRST_PRECISION  # a context of its own: mpmath.iv is shared
    top = max(scores)
    while True:
        context.prec = precision
        weights = [context.exp(context.mpf(s - top) / context.mpf(1 << bits)) for s in scores]
        total = sum(weights, context.mpf(0))
        means = {
            key: sum((weight * c for weight, c in zip(weights, row, strict=True) if c), context.mpf(0)) / total
            for key, row in rows.items()
        }
        least = max(mean.a for mean in means.values())
        rows = {key: row for key, row in rows.items() if means[key].b >= least}  # the others are below one of these
        first = next(iter(rows))
        if all(_equal(scores, rows[first], row) for row in rows.values()):
            if _equal(scores, rows[first], [0] * len(scores)):
                return tuple(rows), mpmath.mpf(0)
            mean = means[first]
            if (mean.a > 0 or mean.b < 0) and mean.delta <= SETTLED * abs(mean).a:
                return tuple(rows), mpmath.mpf(mean.mid.a)
        precision *= 2


def _equal(scores: list[int], one: list[int], other: list[int]) -> bool:
    """Say whether the sums of exp(s) c are equal, exactly."""
    grouped = dict.fromkeys(scores, 0)
    for s, c, d in zip(scores, one, other, strict=True):
        grouped[s] += c - d
    return not any(grouped.values())


def _shown(number: Any) -> str:
    return "0" if number == 0 else str(mpmath.nstr(number, DIGITS))
