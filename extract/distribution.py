"""A distribution over sequences of tokens: `Distribution`, an integer weight of each token at each position; `read_distribution`.

Tokens are drawn independently; a sequence has the product of the weights of its tokens. Weights are part of a theorem's
statement: Distribution.v holds them, and whoever checks a stranger's proof reads them again. Coq: Spec.Weighted. Standard library
only.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from compact_proofs.extract.coq_text import LITERAL_LIMIT, Field
from compact_proofs.models.errors import InputRefused, UsageError

Row = tuple[int, ...]
NAME = re.compile(r"[A-Za-z0-9_]{1,40}")
FIELD, FIELD_TYPE = "weights", "list (list Z)"  # the one definition of Distribution.v
MOST_BYTES = 2**26  # of a user's file
MOST_TOTAL = 10**4000  # Coq's statements have numerals of at most 4,000 digits
INTEGERS = "integers >= 0; multiply chances by a power of ten and round them"


@dataclass(frozen=True, slots=True)
class Distribution:
    """Weights of every token at every position, n_ctx rows of d_vocab; `name` is for people only.

    Raises: InputRefused: rows of other lengths, a negative weight, a row that adds up to 0 or to 2^62 or more, a total of over
    4,000 digits.
    """

    name: str
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise InputRefused(f"distribution: the name is {ascii(self.name)[:60]}, wanted up to 40 letters, digits and _")
        if not self.rows or not self.rows[0]:
            raise InputRefused(f"distribution {self.name}: no weights, wanted a row of them for each position")
        for position, row in enumerate(self.rows):
            where = f"distribution {self.name}: position {position}"
            if len(row) != len(self.rows[0]):
                raise InputRefused(f"{where}: got {len(row)} weights, wanted {len(self.rows[0])} as at position 0")
            if (token := next((token for token, weight in enumerate(row) if weight < 0), None)) is not None:
                raise InputRefused(f"{where}, token {token}: got the weight {str(row[token])[:40]}, wanted an integer >= 0")
            if sum(row) == 0:
                raise InputRefused(f"{where}: all weights are 0, so no sequence has weight; give some token a weight")
            if sum(row) >= LITERAL_LIMIT:
                raise InputRefused(f"{where}: the weights add up to 2^62 or more; divide them all by a power of two")
        if self.total >= MOST_TOTAL:
            raise InputRefused(f"distribution {self.name}: the total weight has over 4,000 digits; divide all weights")

    @classmethod
    def uniform(cls, n_ctx: int, d_vocab: int) -> Distribution:
        """Return the distribution under which all sequences are equally likely: all weights 1."""
        return cls("uniform", ((1,) * d_vocab,) * n_ctx)

    @property
    def total(self) -> int:
        """Return the weight of all sequences together. Coq: Spec.Weighted.total_weight, Base.WeightFacts.total_weight_rows."""
        result = 1
        for row in self.rows:
            result *= sum(row)
        return result

    @property
    def sha256(self) -> str:
        """Hash the weights: rows, columns, and the weights by rows, each 8 bytes little-endian."""
        digest = hashlib.sha256(struct.pack("<2q", len(self.rows), len(self.rows[0])))
        for row in self.rows:
            digest.update(struct.pack(f"<{len(row)}q", *row))
        return digest.hexdigest()

    @property
    def key(self) -> str:
        """Return what tells distributions apart in names of folders: the first digits of the hash."""
        return self.sha256[:8]

    @property
    def field(self) -> Field:
        """Return the definition of Distribution.v."""
        return Field(FIELD, FIELD_TYPE, self.rows)

    def fits(self, n_ctx: int, d_vocab: int) -> bool:
        """Say whether there is one row for each position, of one weight for each token."""
        return (len(self.rows), len(self.rows[0])) == (n_ctx, d_vocab)


def read_distribution(path: Path, n_ctx: int, d_vocab: int) -> Distribution:
    """Read a file of weights for a network of these sizes.

    JSON (a list of rows, or one row), or text (a row a line, separated by blanks or commas, # before comments). One row is that
    of every position.

    Raises: UsageError: no such file. InputRefused: anything else than such rows; the message says where and what was wanted.
    """
    if not path.is_file():
        raise UsageError(f"--distribution: {path} does not exist; wanted a file of weights (docs/distributions.md)")
    if path.stat().st_size > MOST_BYTES:
        raise InputRefused(f"{path}: over {MOST_BYTES} bytes, wanted {n_ctx} x {d_vocab} integers")
    try:
        text = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise InputRefused(f"{path}: byte {error.start} is no text; wanted JSON, or integers with blanks or commas") from None
    rows = _of_json(path, text) if text[:1] in ("[", "{") or path.suffix == ".json" else _of_lines(path, text)
    for position, row in enumerate(rows):
        if len(row) != d_vocab:
            raise InputRefused(f"{path}: row {position}: got {len(row)} weights, wanted {d_vocab}, one for each token (d_vocab)")
    if len(rows) not in (1, n_ctx):
        raise InputRefused(f"{path}: got {len(rows)} rows, wanted {n_ctx}, one for each position (n_ctx), or one for all")
    name = re.sub(r"[^A-Za-z0-9_]", "_", path.stem)[:40] or "distribution"
    try:
        return Distribution(name, tuple(rows * (n_ctx // len(rows))))
    except InputRefused as error:
        raise InputRefused(f"{path}: {error}") from None


def _of_json(path: Path, text: str) -> list[Row]:
    def number(found: str) -> NoReturn:
        raise InputRefused(f"{path}: got {found[:40]}, wanted {INTEGERS}")

    try:
        value = json.loads(text, parse_float=number, parse_constant=number)
    except RecursionError:
        raise InputRefused(f"{path}: lists nested too deeply, wanted a list of rows of integers") from None
    except ValueError as error:
        raise InputRefused(f"{path}: no JSON ({error}); wanted a list of rows of integers, such as [[3, 1, 0]]") from None
    if not isinstance(value, list) or not value:
        got = "an empty list" if value == [] else f"{_kind(value)}"
        raise InputRefused(f"{path}: got {got}, wanted a list of rows of integers, such as [[3, 1, 0]]")
    rows = value if isinstance(value[0], list) else [value]
    return [_row(path, f"row {position}", row) for position, row in enumerate(rows)]


def _of_lines(path: Path, text: str) -> list[Row]:
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].replace(",", " ").split()
        if words:
            rows.append(_row(path, f"line {number}", [_integer(word) for word in words]))
    if not rows:
        raise InputRefused(f"{path}: no weights in it; wanted JSON, or a row of integers a line")
    return rows


def _integer(word: str) -> Any:
    """Return the integer that a word stands for, or the word."""
    return int(word) if re.fullmatch(r"-?[0-9]{1,4000}", word) else word


def _row(path: Path, where: str, row: Any) -> Row:
    if not isinstance(row, list):
        raise InputRefused(f"{path}: {where}: got {_kind(row)}, wanted a list of integers")
    for token, weight in enumerate(row):
        if isinstance(weight, bool) or not isinstance(weight, int):
            raise InputRefused(f"{path}: {where}, token {token}: got {_kind(weight)}, wanted {INTEGERS}")
        if weight < 0:
            raise InputRefused(f"{path}: {where}, token {token}: got {str(weight)[:40]}, wanted {INTEGERS}")
        if weight >= LITERAL_LIMIT:
            raise InputRefused(f"{path}: {where}, token {token}: got a weight of {weight.bit_length()} bits, wanted below 2^62")
    return tuple(row)


def _kind(value: Any) -> str:
    """Name a value in a message."""
    names = {dict: "an object", list: "a list", type(None): "null"}
    return names.get(type(value)) or ascii(value)[:40]
