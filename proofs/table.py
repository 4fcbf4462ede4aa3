"""The table of a comparison: `Row`, and `read_table`, `write_table` for table.csv and table.jsonl.

A row is one strategy with its parameters on one network. Counts of inputs and operations may leave 64 bits: they are decimal
text in the CSV and strings in the JSON lines. Equal rows give equal bytes, whatever their order.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from compact_proofs.models.errors import InputRefused, UsageError
from compact_proofs.models.files import write_atomic

CSV, JSON_LINES = "table.csv", "table.jsonl"
STATUSES = ("proved", "predicted", "refused", "not run")
STATEMENTS = ("at_least", "at_most", "exactly")
COUNTS = ("bound", "truth_low", "truth_high", "inputs", "operations")
SMALL = ("seed", "n_ctx", "d_vocab", "modulus", "weight_bits", "certificate_bytes")
SECONDS = ("search_s", "check_s")
NEVER_EMPTY = ("model", "family", "strategy", "statement", "status", "weight_bits", "inputs")


@dataclass(frozen=True, slots=True)
class Row:
    """One strategy, with its parameters, on one network.

    Fields: seed: that the network was trained with, None where it was not trained here; modulus: of modular arithmetic, None
    elsewhere; parameters: as options, "--rank 1 --near 2", empty for the strategy's own choice; statement: `at_least`,
    `at_most` or `exactly`; bound: the N of the theorem, None where there is none; truth_low, truth_high: the true count of
    right inputs lies between them, equal where it is enumerated; operations: of the checker; certificate_bytes: of its
    definitions in Coq text, None where it was not measured; search_s: seconds of the search; check_s: of coqc on the generated
    files, None where Coq was not asked; status: `proved` (Coq has accepted), `predicted` (by the mirror of the checker),
    `refused` (tried in vain) or `not run` (left out); reason: why there is no bound, or a remark: z3 is no proof in Coq.

    Raises: ValueError: values that contradict each other; its arguments are the field and what is wrong.
    """

    model: str
    family: str
    seed: int | None
    n_ctx: int | None
    d_vocab: int | None
    modulus: int | None
    weight_bits: int
    strategy: str
    parameters: str
    statement: str
    bound: int | None
    truth_low: int | None
    truth_high: int | None
    inputs: int
    operations: int | None
    certificate_bytes: int | None
    search_s: float | None
    check_s: float | None
    status: str
    reason: str

    def __post_init__(self) -> None:
        for name, valid in (("statement", STATEMENTS), ("status", STATUSES)):
            if getattr(self, name) not in valid:
                raise ValueError(name, f"got {getattr(self, name)!r}, wanted one of: {', '.join(valid)}")
        for name in (*COUNTS, *SMALL, *SECONDS):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise ValueError(name, f"got {value}, wanted a number >= 0")
        for name in ("bound", "truth_low", "truth_high"):
            value = getattr(self, name)
            if value is not None and value > self.inputs:
                raise ValueError(name, f"got {value:,}, there are only {self.inputs:,} inputs")
        if self.truth_low is not None and self.truth_high is not None and self.truth_low > self.truth_high:
            raise ValueError("truth_low", f"got {self.truth_low:,}, which is above truth_high, {self.truth_high:,}")
        if (self.bound is not None) != (self.status in ("proved", "predicted")):
            raise ValueError("bound", f"got {self.bound}, which contradicts status {self.status!r}")

    @property
    def enumerated(self) -> bool:
        """Whether the true count is known."""
        return self.truth_low is not None and self.truth_low == self.truth_high


COLUMNS = tuple(field.name for field in fields(Row))


def write_table(rows: Iterable[Row], folder: Path) -> tuple[Path, Path]:
    """Write FOLDER/table.csv and table.jsonl, sorted, each by a rename; return their paths. Right files are left alone."""
    rows = list(rows)
    lines = [json.dumps(to_json(row), ensure_ascii=False) for row in sorted(rows, key=order)]
    paths = folder / CSV, folder / JSON_LINES
    for path, text in zip(paths, (csv_text(rows), "".join(f"{line}\n" for line in lines)), strict=True):
        if not path.is_file() or path.read_bytes() != text.encode():
            write_atomic(path, text.encode())
    return paths


def csv_text(rows: Iterable[Row]) -> str:
    """Return the text of table.csv."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([_cell(getattr(row, name)) for name in COLUMNS] for row in sorted(rows, key=order))
    return text.getvalue()


def read_table(path: Path | str) -> list[Row]:
    """Read a table.csv or table.jsonl, or the folder of a comparison, sorted.

    Raises: UsageError: no such file. InputRefused: not a table; the message names the line and the column.
    """
    path = Path(path)
    path = path / CSV if path.is_dir() else path
    if not path.is_file():
        raise UsageError(f"no table: {path} does not exist; run `compact-proofs compare` first")
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise InputRefused(f"{path}: not UTF-8 text ({error}); run `compact-proofs compare` again") from error
    records = _json_lines(path, text) if path.suffix == ".jsonl" else _csv(path, text)
    rows: dict[tuple[Any, ...], tuple[int, Row]] = {}
    for line, record in records:
        row = _row(f"{path}, line {line}", record)
        key = key_of(row)
        if key in rows:
            first = rows[key][0]
            raise InputRefused(f"{path}, line {line}, column model: the same network, strategy and parameters as line {first}")
        rows[key] = line, row
    return sorted((row for _, row in rows.values()), key=order)


def key_of(row: Row) -> tuple[str, int, str, str]:
    """Return what no two rows of a table share."""
    return row.model, row.weight_bits, row.strategy, row.parameters


def order(row: Row) -> tuple[Any, ...]:
    """Return what rows are sorted by: numbers within names count as numbers."""
    return natural(row.model), row.weight_bits, natural(row.strategy), natural(row.parameters)


def natural(text: str) -> list[tuple[int, str]]:
    """Return a key by which "seed2" comes before "seed10"."""
    return [(int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", text)]


def to_json(row: Row) -> dict[str, Any]:
    """Return a row as a JSON object: counts as strings."""
    value = {name: getattr(row, name) for name in COLUMNS}
    return value | {name: None if value[name] is None else str(value[name]) for name in COUNTS}


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _csv(path: Path, text: str) -> Iterable[tuple[int, dict[str, str | None]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        header = next(reader, [])
        _check_columns(f"{path}, line 1", header)
        line = reader.line_num + 1  # of the first line of the record
        for cells in reader:
            if len(cells) != len(header):
                raise InputRefused(f"{path}, line {line}: got {len(cells)} columns, wanted {len(header)}")
            yield line, {name: cell or None for name, cell in zip(header, cells, strict=True)}
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputRefused(f"{path}, line {line}: not CSV ({error})") from error


def _json_lines(path: Path, text: str) -> Iterable[tuple[int, dict[str, str | None]]]:
    for line, record in enumerate(text.split("\n")[:-1] if text.endswith("\n") else text.split("\n"), 1):
        try:
            value = json.loads(record)
        except (ValueError, RecursionError) as error:
            raise InputRefused(f"{path}, line {line}: not JSON ({error})") from error
        if not isinstance(value, dict):
            raise InputRefused(f"{path}, line {line}: got {type(value).__name__}, wanted an object")
        _check_columns(f"{path}, line {line}", list(value))
        for name, cell in value.items():
            number = name in SMALL or name in SECONDS
            if isinstance(cell, bool) or not (cell is None or isinstance(cell, (int, float) if number else str)):
                wanted = "number" if number else "string"
                raise InputRefused(f"{path}, line {line}, column {name}: got {cell!r}, wanted a {wanted}")
        yield line, {name: None if cell is None else str(cell) for name, cell in value.items()}


def _check_columns(where: str, found: Sequence[str]) -> None:
    if unknown := [name for name in found if name not in COLUMNS]:
        raise InputRefused(f"{where}, column {unknown[0]}: unknown; wanted {','.join(COLUMNS)}")
    if missing := [name for name in COLUMNS if name not in found]:
        raise InputRefused(f"{where}, column {missing[0]}: missing; wanted {','.join(COLUMNS)}")
    if len(found) != len(set(found)):
        twice = next(name for name in found if list(found).count(name) > 1)
        raise InputRefused(f"{where}, column {twice}: there twice")


def _row(where: str, record: dict[str, str | None]) -> Row:
    values: dict[str, Any] = {}
    for name in COLUMNS:
        text = record[name]
        if text is None or text == "":
            if name in NEVER_EMPTY:
                raise InputRefused(f"{where}, column {name}: empty")
            values[name] = None if name in (*COUNTS, *SMALL, *SECONDS) else ""
            continue
        kind: Callable[[str], Any] = float if name in SECONDS else int if name in (*COUNTS, *SMALL) else str
        try:
            values[name] = kind(text)
        except ValueError:
            wanted = "a number" if name in SECONDS else "an integer"
            raise InputRefused(f"{where}, column {name}: got {text[:60]!r}, wanted {wanted}") from None
    try:
        return Row(**values)
    except ValueError as error:
        name, wrong = error.args
        raise InputRefused(f"{where}, column {name}: {wrong}") from None
