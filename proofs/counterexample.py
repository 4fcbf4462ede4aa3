"""Inputs that a quantised network gets wrong: `counterexamples`. Each is verified by exact evaluation; nothing here is a theorem.

Candidates come from one of three places, by the size of the network. Each gives every wrong input if it is let run to its end, so
that where it ends without one there is none:
- Z3, on networks small enough for it (proofs.z3_claim): all inputs that it does not find right.
- The boxes of the exact count (strategies.exact) on other networks for the largest token: in a box, costs of a position are added
  up, so its sequences of the largest sums are found one by one, without looking at any other; a wrong one has a sum of at least 0
  for some rival, in integers rounded up. Most boxes have no such sum, and their sequences are all right at once.
- Every pair, in integers, on other networks for modular arithmetic.
"""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.modular_fold import fold
from compact_proofs.extract.modular_form import check_form
from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.extract.rounding import QuantisedNetwork
from compact_proofs.extract.tables import integer_tables, least_gap_shift
from compact_proofs.models.errors import NotProved, TimeLimit
from compact_proofs.proofs import z3_claim
from compact_proofs.proofs.exact_answer import Answer, ExactNetwork
from compact_proofs.proofs.registry import Progress, silent
from compact_proofs.proofs.strategies import exact

SMALL_S = 15.0  # Z3 is asked about networks that it decides in about so many seconds at most
WAYS = {  # what has to be believed where there is no wrong input, or no other one
    "z3": "Z3 on the exported terms",
    "boxes": "the largest cost of every last token, largest token and other output, in integers rounded up",
    "pairs": "every output of every pair, in integers",
}


@dataclass(frozen=True, slots=True)
class Search:
    """Fields: inputs: how many there are; found: some answered wrong, or at a tie; all: these are all; way: a key of WAYS."""

    model: str
    family: str
    weight_bits: int
    inputs: int
    found: tuple[Answer, ...]
    all: bool
    way: str
    seconds: float
    time_limit_s: float

    def to_json(self) -> str:
        """Return the search as JSON: sorted keys, the count of inputs as a string."""
        value = dataclasses.asdict(self) | {"inputs": str(self.inputs), "decided_by": WAYS[self.way], "checked_by_coq": False}
        value["found"] = [dataclasses.asdict(answer) | {"tie": answer.tie} for answer in self.found]
        return json.dumps(value, indent=2, sort_keys=True) + "\n"

    def lines(self) -> list[str]:
        """Return the search for people."""
        inputs = z3_claim.inputs_name(self.family)
        decided = f"Decided by {WAYS[self.way]}; not checked by Coq."
        if not self.found:
            if self.all:
                return [f"{self.model}: there is none: all {self.inputs:,} {inputs} are answered right. {decided}"]
            return [f"{self.model}: none found in {self.seconds:.0f} s; there may be one."]
        names = ("pair" if inputs == "pairs" else "sequence", "right answer", "network's answer", "margin")
        rows = [_row(answer) for answer in self.found]
        widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
        table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (names, *rows)]
        last = f"There is no other wrong one of {self.inputs:,} {inputs}. {decided}" if self.all else self._others()
        found = names[0] if len(self.found) == 1 else inputs
        return [f"{self.model}: {found} answered wrong, verified by exact evaluation", *table, last]

    def _others(self) -> str:
        if self.seconds >= self.time_limit_s:
            return f"There may be others: the search ended after {self.seconds:.0f} s (--time-limit)."
        return "There may be others: --count all finds every one."


def counterexamples(quantised: QuantisedNetwork, most: int | None, time_limit_s: float, progress: Progress = silent) -> Search:
    """Search for inputs that the network gets wrong.

    Args:    most: how many; None: all. time_limit_s: what is found by then is returned.
    Raises:  OverflowRisk, InputRefused: a network that the checkers refuse. NotProved: Z3 and the exact evaluation contradict.
    """
    start = time.monotonic()
    way = _way(quantised)
    network, deadline = ExactNetwork(quantised), start + time_limit_s
    found: list[Answer] = []
    ended = False
    try:
        for tokens, surely in _candidates(quantised, way, deadline, progress):
            answer = network.answer(tokens)
            if answer.correct and surely:
                raise NotProved(f"counterexample: {tokens} is wrong by {WAYS[way]}, right by exact evaluation; report this")
            if not answer.correct:
                found.append(answer)
                if len(found) == most:
                    break
            if time.monotonic() > deadline:
                raise TimeLimit("out of time")
        else:
            ended = True
    except TimeLimit:
        ended = False
    seconds = round(time.monotonic() - start, 2)
    family, inputs = z3_claim.family_of(quantised), z3_claim.n_inputs(quantised)
    return Search(quantised.name, family, quantised.weight_bits, inputs, tuple(found), ended, way, seconds, time_limit_s)


def _way(quantised: QuantisedNetwork) -> str:
    if z3_claim.estimate_s(quantised) <= SMALL_S:
        return "z3"
    return "pairs" if isinstance(quantised, QuantisedModular) else "boxes"


def _candidates(
    quantised: QuantisedNetwork, way: str, deadline: float, progress: Progress
) -> Iterator[tuple[tuple[int, ...], bool]]:
    """Yield inputs that may be wrong, and whether they surely are; every wrong one is among them, each once.

    Raises: TimeLimit: the deadline has passed.
    """
    if way == "z3":
        decided, inputs = 0, z3_claim.n_inputs(quantised)
        for block in z3_claim.Question(quantised).blocks(deadline):
            decided += block.inputs
            progress("counterexample: inputs decided", decided, inputs)
            if block.verdict != "right":
                assert block.tokens is not None
                yield block.tokens, block.verdict == "wrong"
    elif isinstance(quantised, QuantisedModular):
        form = fold(quantised)
        check_form(form)
        for a, b in np.argwhere(~form.right()).tolist():
            yield (a, b), True
    else:
        assert isinstance(quantised, QuantisedModel)
        yield from ((tokens, False) for tokens in _in_boxes(quantised, deadline, progress))


def _in_boxes(model: QuantisedModel, deadline: float, progress: Progress) -> Iterator[tuple[int, ...]]:
    tables = integer_tables(model)
    for q in range(model.d_vocab):
        progress("counterexample: last token", q, model.d_vocab)
        for _, box in exact.boxes(tables, least_gap_shift(tables), q):
            seen: set[tuple[int, ...]] = set()
            for rival, top in enumerate(box.above_top.tolist()):
                for tokens in _sums_from(top, box.tokens, [credits[rival] for credits in box.above]):
                    if time.monotonic() > deadline:
                        raise TimeLimit("out of time")
                    if tokens not in seen:
                        seen.add(tokens)
                        yield (*tokens, q)
            if time.monotonic() > deadline:
                raise TimeLimit("out of time")
    progress("counterexample: last token", model.d_vocab, model.d_vocab)


def _sums_from(top: int, tokens: list[range], credits: list[np.ndarray]) -> Iterator[tuple[int, ...]]:
    """Yield the choices of one token for each position whose credits add up to at most `top`, the least sums first.

    Args: credits: of the tokens of each position, 0 or more.
    """
    orders = [np.argsort(row, kind="stable").tolist() for row in credits]
    sizes = [row[order].tolist() for row, order in zip(credits, orders, strict=True)]
    heap = [(sum(size[0] for size in sizes), (0,) * len(sizes), 0)]
    while heap and heap[0][0] <= top:
        spent, places, first = heapq.heappop(heap)
        yield tuple(choice[order[place]] for choice, order, place in zip(tokens, orders, places, strict=True))
        for i in range(first, len(places)):  # what is before `first` stays, so each choice is pushed once
            if places[i] + 1 < len(sizes[i]):
                more = sizes[i][places[i] + 1] - sizes[i][places[i]]
                heapq.heappush(heap, (spent + more, (*places[:i], places[i] + 1, *places[i + 1 :]), i))


def _row(answer: Answer) -> tuple[str, str, str, str]:
    tokens = " ".join(map(str, answer.tokens))
    outputs = ", ".join(map(str, itertools.islice(answer.outputs, 8))) + (", .." if len(answer.outputs) > 8 else "")
    return tokens, str(answer.right), outputs, answer.margin + (" (a tie)" if answer.tie else "")
