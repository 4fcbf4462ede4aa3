"""What Z3 says of the number of inputs that a small network answers right: `z3_claim`. No theorem, and nothing Coq has checked.

Z3 is asked by the terms of extract.z3_terms and extract.modular_z3: is some input of this block not proved right? Unsatisfiable:
the whole block is right. Satisfiable, or not known after BLOCK_UNITS of work: the block is split by its next token (the last
token of the sequence first, which fixes the attention's query), and the simplified formula is asked again. A block of one input
is a formula without symbols, which Z3's simplifier decides: right, wrong, or undecided where the enclosures of exp are too wide.

Why by blocks: whatever time runs out, what is decided is a sound lower bound, and no single question can use up all of it.
Excluding wrong inputs one after the other has neither, and was slower wherever Z3 is slow: docs/cost.md has the figures.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import z3

from compact_proofs.extract import modular_z3, z3_terms
from compact_proofs.extract.coq_text import Statement
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.extract.rounding import QuantisedNetwork
from compact_proofs.extract.z3_terms import Verdict
from compact_proofs.models.errors import InputRefused, TimeLimit
from compact_proofs.proofs.registry import Progress, silent
from compact_proofs.proofs.report import duration
from compact_proofs.proofs.words import theorem_in_words

NAME = "z3"
SCHEMA = 1
COUNTS = ("inputs", "bound", "decided", "wrong", "undecided", "in_blocks")
BLOCK_UNITS = 200_000  # of Z3's own counter of work, its "rlimit count"
LEAF_BYTES, LEAF_S = 2500, 4e-5  # of a network of one head in terms, measured
BLOCK_S, INPUT_S, NUMBER_S = 0.1, 2e-3, 1e-6  # of a question about a block; of one input; of one for each weight; measured
FAR_TOO_LONG = 4  # a network is refused whose estimate is so many times the limit


@dataclass(frozen=True, slots=True)
class Z3Claim:
    """What Z3 says. Everything here is trusted to Z3, to the export of the network and to the sum over blocks.

    Fields: statement: `exactly` where every input is decided, else `at_least`; bound: how many inputs Z3 says are right; decided,
    wrong, undecided: inputs that were looked at, and those of them that are wrong, or that the enclosures of exp leave open;
    in_blocks: inputs found right in blocks of more than one; questions: that Z3 was asked about blocks; finished: whether time
    sufficed; rlimit: Z3's own counter of work; memory_mb: the most that Z3 had allocated, by its statistics.
    """

    model: str
    family: str
    sizes: dict[str, int]
    weight_bits: int
    quantised_sha256: str
    inputs: int
    statement: Statement
    bound: int
    decided: int
    wrong: int
    undecided: int
    in_blocks: int
    questions: int
    finished: bool
    seconds: float
    time_limit_s: float
    rlimit: int
    memory_mb: float
    z3_version: str

    @property
    def in_words(self) -> str:
        """Return, for example, "exactly 63 of 64 sequences, 98.43 %, are answered right"."""
        return theorem_in_words(self.statement, self.bound, self.inputs, inputs_name(self.family))

    @property
    def trusts(self) -> str:
        """Return what has to be believed."""
        enclosures = ", the rational enclosures of exp" if self.family == "max_of_k" else ""
        return f"Z3 {self.z3_version}{enclosures}, our export of the network to Z3, our sum over its blocks"

    def to_json(self) -> str:
        """Return the text of claim.json: sorted keys, counts of inputs as strings."""
        value = dataclasses.asdict(self) | {name: str(getattr(self, name)) for name in COUNTS}
        value |= {"schema": SCHEMA, "strategy": NAME, "checked_by_coq": False, "trusts": self.trusts, "in_words": self.in_words}
        return json.dumps(value, indent=2, sort_keys=True) + "\n"


@dataclass(frozen=True, slots=True)
class Block:
    """Inputs that Z3 has decided; tokens: of a block of one input."""

    inputs: int
    verdict: Verdict
    tokens: tuple[int, ...] | None = None


class Question:
    """A network as formulas, and how much it was asked."""

    def __init__(self, quantised: QuantisedNetwork) -> None:
        self.questions = 0
        if isinstance(quantised, QuantisedModular):
            terms = modular_z3.network_terms(quantised)
            self.tokens: tuple[z3.ArithRef, ...] = terms.tokens
            self.order = quantised.modulus
            self.right, self.wrong = modular_z3.right_formula(terms), modular_z3.wrong_formula(terms)
        else:
            assert isinstance(quantised, QuantisedModel)
            sequence = z3_terms.network_terms(quantised)
            self.tokens, self.order = sequence.tokens, quantised.d_vocab
            self.right, self.wrong = z3_terms.right_formula(sequence), z3_terms.wrong_formula(sequence)

    def blocks(self, deadline: float) -> Iterator[Block]:
        """Decide every input, a block at a time; together the blocks are all inputs, each once.

        Args:    deadline: by time.monotonic.
        Raises:  TimeLimit: it has passed.
        """
        left = (self.tokens[-1], *self.tokens[:-1])
        yield from self._blocks(z3.simplify(self.right), left, (), None, deadline)

    def _blocks(
        self,
        right: z3.BoolRef,
        left: tuple[z3.ArithRef, ...],
        fixed: tuple[int, ...],
        known: tuple[int, ...] | None,
        deadline: float,
    ) -> Iterator[Block]:
        """Decide the inputs whose first tokens, in the order in which they are fixed, are `fixed`; known: of one that is not
        proved right, those that are left."""
        if time.monotonic() > deadline:
            raise TimeLimit("z3: out of time")
        inputs = self.order ** len(left)
        if z3.is_true(right):
            yield Block(inputs, "right", None if left else self._in_order(fixed))
        elif not left:
            tokens = self._in_order(fixed)
            at = [(symbol, z3.IntVal(token)) for symbol, token in zip(self.tokens, tokens, strict=True)]
            wrong = z3.is_true(z3.simplify(z3.substitute(self.wrong, *at)))
            yield Block(1, "wrong" if wrong else "undecided", tokens)
        else:
            if known is None:
                holds, known = self._ask(right, left, deadline)
                if holds:
                    yield Block(inputs, "right")
                    return
            for token in range(self.order):
                simpler = z3.simplify(z3.substitute(right, (left[0], z3.IntVal(token))))
                of_known = known[1:] if known is not None and known[0] == token else None
                yield from self._blocks(simpler, left[1:], (*fixed, token), of_known, deadline)

    def _ask(self, right: z3.BoolRef, left: tuple[z3.ArithRef, ...], deadline: float) -> tuple[bool, tuple[int, ...] | None]:
        """Ask whether all tokens `left` are right; return an answer to the contrary as well, None where there is none."""
        solver = z3.SimpleSolver()
        milliseconds = int(min(2.0**31, max(1.0, 1000 * (deadline - time.monotonic()))))
        solver.set(rlimit=BLOCK_UNITS, timeout=milliseconds, ctrl_c=False)  # Ctrl-C is Python's
        solver.add([z3.And(token >= 0, token < self.order) for token in left])
        solver.add(z3.Not(right))
        self.questions += 1
        answer = solver.check()
        if answer != z3.sat:
            return answer == z3.unsat, None
        found = solver.model()
        return False, tuple(found.eval(token, model_completion=True).as_long() for token in left)

    def _in_order(self, fixed: tuple[int, ...]) -> tuple[int, ...]:
        return (*fixed[1:], fixed[0])


def z3_claim(quantised: QuantisedNetwork, time_limit_s: float, progress: Progress = silent) -> Z3Claim:
    """Ask Z3 how many inputs a network answers right.

    Args:    time_limit_s: of all of it; what is decided by then is the claim, and `finished` is False.
    Raises:  InputRefused: a network too large for the terms, or for the limit; says what to use instead.
    """
    check_size(quantised, time_limit_s)
    start = time.monotonic()
    work_before = _statistics()[0]
    inputs = n_inputs(quantised)
    counts = dict.fromkeys(("right", "wrong", "undecided"), 0)
    in_blocks, finished = 0, True
    progress("z3: inputs decided", 0, inputs)
    asked = Question(quantised)
    try:
        for block in asked.blocks(start + time_limit_s):
            counts[block.verdict] += block.inputs
            in_blocks += 0 if block.tokens else block.inputs
            progress("z3: inputs decided", sum(counts.values()), inputs)
    except TimeLimit:
        finished = False
    work, memory = _statistics()
    return Z3Claim(
        model=quantised.name,
        family=family_of(quantised),
        sizes=quantised.sizes(),
        weight_bits=quantised.weight_bits,
        quantised_sha256=quantised.sha256,
        inputs=inputs,
        statement="exactly" if finished and not counts["undecided"] else "at_least",
        bound=counts["right"],
        decided=sum(counts.values()),
        wrong=counts["wrong"],
        undecided=counts["undecided"],
        in_blocks=in_blocks,
        questions=asked.questions,
        finished=finished,
        seconds=round(time.monotonic() - start, 2),
        time_limit_s=time_limit_s,
        rlimit=work - work_before,
        memory_mb=memory,
        z3_version=z3.get_version_string(),
    )


def n_inputs(quantised: QuantisedNetwork) -> int:
    """Return the number of inputs."""
    if isinstance(quantised, QuantisedModular):
        return quantised.modulus**2
    assert isinstance(quantised, QuantisedModel)
    return quantised.d_vocab**quantised.n_ctx


def family_of(quantised: QuantisedNetwork) -> str:
    """Return the family of a network."""
    return quantised.family if isinstance(quantised, QuantisedModular) else "max_of_k"


def inputs_name(family: str) -> str:
    """Return "sequences" or "pairs"."""
    return "sequences" if family == "max_of_k" else "pairs"


def estimate_s(quantised: QuantisedNetwork) -> float:
    """Return about how many seconds Z3 takes at most: where every block is split. Measured on one core, within a factor of 4."""
    if isinstance(quantised, QuantisedModular):
        p = quantised.modulus
        return (p + 1) * BLOCK_S * 5 + p * p * modular_z3.numbers(quantised) * NUMBER_S
    assert isinstance(quantised, QuantisedModel)
    n, d = quantised.n_ctx, quantised.d_vocab
    return LEAF_S * z3_terms.leaves(n, d) + BLOCK_S * sum(d**k for k in range(n)) + INPUT_S * d**n


def check_size(quantised: QuantisedNetwork, time_limit_s: float) -> None:
    """Refuse a network that is too large to be written as terms, or that would take far longer than the limit.

    Raises: InputRefused: with the estimate, and what to use instead.
    """
    modular = isinstance(quantised, QuantisedModular)
    instead = "use low_rank_unembedding or brute_force" if modular else "use exact or cubic, which are proofs in Coq"
    if isinstance(quantised, QuantisedModular):
        size, most, of = modular_z3.numbers(quantised), modular_z3.NUMBER_LIMIT, "weights to write"
    else:
        assert isinstance(quantised, QuantisedModel)
        size, most, of = z3_terms.leaves(quantised.n_ctx, quantised.d_vocab), z3_terms.LEAF_LIMIT, "leaves"
    seconds = estimate_s(quantised)
    if size > most:
        needs = f"{duration(size * LEAF_S)} and {size * LEAF_BYTES / 1e9:,.1f} GB to write" if not modular else ""
        about = f", about {needs}" if needs else ""
        raise InputRefused(f"z3: {quantised.name} has {size:,} {of} as terms{about}; wanted at most {most:,}; {instead}")
    if seconds > FAR_TOO_LONG * time_limit_s:
        raise InputRefused(
            f"z3: {quantised.name} would take about {duration(seconds)}, the limit is {duration(time_limit_s)}; {instead}, or "
            f"raise --time-limit"
        )


def _statistics() -> tuple[int, float]:
    """Return Z3's counter of work so far, and the most megabytes it had allocated."""
    solver = z3.SimpleSolver()
    solver.check()
    found = solver.statistics()
    values = {key: found.get_key_value(key) for key in found.keys()}  # noqa: SIM118
    return int(values.get("rlimit count", 0)), float(values.get("max memory", 0.0))
