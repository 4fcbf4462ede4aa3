"""A proof that can be handed to a stranger: `ProofFolder`, JSON files of numbers and names, read as hostile input.

    config.json       name of the model, layout, weight bits, sizes
    weights.json      the integers of each matrix and its scale bits
    certificate.json  the strategy and the fields of its certificate
    claim.json        the statement, N, and of how many inputs, or of how much weight
    distribution.json name and weights of a distribution; only where the statement is about one

Standard library only. Nothing of a folder is run, and no text of it goes into Coq: names must be known ones or plain identifiers,
everything else is parsed into integers. Other files in the folder are not looked at.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, get_args

from compact_proofs.extract.coq_text import Field, Statement, TheoremForm, weights_v
from compact_proofs.extract.distribution import FIELD, FIELD_TYPE, NAME, Distribution
from compact_proofs.extract.integers import Rows, integers_sha256
from compact_proofs.extract.layouts import LAYOUTS, Layout
from compact_proofs.models.errors import CompactProofsError, InputRefused, UsageError
from compact_proofs.models.files import write_atomic
from compact_proofs.models.names import COQ_IDENTIFIER
from compact_proofs.proofs.forms import FORMS, CertificateForm

SCHEMA = 1
FILES = ("config.json", "weights.json", "certificate.json", "claim.json")
DISTRIBUTION = "distribution.json"
MOST_BYTES = 2**26  # of one file
MOST_DIGITS = 19  # of a number; 2^62 has 19
COUNT = re.compile(r"0|[1-9][0-9]{0,3999}")
LONGEST_NAME = 100
MOST_INPUTS = 10**4000


@dataclass(frozen=True, slots=True)
class Matrix:
    """Integers by rows over 2^scale_bits, as `extract.coq_text.weights_v` takes them."""

    ints: Rows
    scale_bits: int


@dataclass(frozen=True, slots=True)
class ProofFolder:
    """A network's integers, a certificate and a claim.

    Fields: matrices, fields: by name, in the order of the layout and of the certificate's form; proved: N, a count of inputs, or
    a weight where there is a distribution.
    """

    name: str
    layout: str
    weight_bits: int
    size_of: Mapping[str, int]
    matrix_of: Mapping[str, Matrix]
    strategy: str
    fields: tuple[Field, ...]
    statement: Statement
    proved: int
    distribution: Distribution | None = None

    @property
    def shape(self) -> Layout:
        """Return the layout itself."""
        return LAYOUTS[self.layout]

    @property
    def form(self) -> CertificateForm:
        """Return what Coq knows of the strategy."""
        return FORMS[self.shape.group, self.strategy]

    @property
    def theorem(self) -> TheoremForm:
        """Return all of the theorem but the model and N."""
        return self.form.theorem(self.statement, self.shape, self.distribution)

    @property
    def n_inputs(self) -> int:
        """Return the number of all inputs, or their weight."""
        return self.distribution.total if self.distribution else self.shape.n_inputs(self.size_of)

    @property
    def files(self) -> tuple[str, ...]:
        """Return the names of its files."""
        return (*FILES, DISTRIBUTION) if self.distribution else FILES

    @property
    def sha256(self) -> str:
        """Return the hash of the network's integers, which reports call quantised_sha256."""
        matrices = {name: (matrix.ints, matrix.scale_bits) for name, matrix in self.matrix_of.items()}
        return integers_sha256(self.shape, self.size_of, matrices)

    def sizes(self) -> Mapping[str, int]:
        """Return the sizes by name."""
        return self.size_of

    def matrices(self) -> Mapping[str, Matrix]:
        """Return the matrices by name."""
        return self.matrix_of

    def weights_text(self) -> str:
        """Return the text of Weights.v. Raises: InputRefused: numbers that cannot be written."""
        return weights_v(self)

    def write(self, folder: Path) -> None:
        """Write the files, each by a rename; equal proofs give equal bytes."""
        matrices = [
            f'"{name}": {{"scale_bits": {matrix.scale_bits}, "ints": {_rows(matrix.ints)}}}'
            for name, matrix in self.matrix_of.items()
        ]
        fields = [f'"{field.name}": {_rows(field.value)}' for field in self.fields]
        config = {"schema": SCHEMA, "name": self.name, "layout": self.layout, "weight_bits": self.weight_bits}
        claim = {"schema": SCHEMA, "statement": self.statement, "proved": str(self.proved), "of": str(self.n_inputs)}
        sizes = {name: self.size_of[name] for name in (*self.shape.sizes, *self.shape.signed)}
        texts = {
            "config.json": json.dumps(config | {"sizes": sizes}, indent=1),
            "weights.json": f'{{"schema": {SCHEMA}, "matrices": {_object(matrices)}}}',
            "certificate.json": f'{{"schema": {SCHEMA}, "strategy": "{self.strategy}", "fields": {_object(fields)}}}',
            "claim.json": json.dumps(claim, indent=1),
        }
        if self.distribution:
            head = f'"schema": {SCHEMA}, "name": "{self.distribution.name}"'
            texts[DISTRIBUTION] = f'{{{head}, "weights": {_rows(self.distribution.rows)}}}'
        for name, text in texts.items():
            write_atomic(folder / name, (text + "\n").encode("ascii"))

    @classmethod
    def read(cls, folder: Path) -> ProofFolder:
        """Read a folder.

        Raises: UsageError: there is no such folder. InputRefused: a file that is missing, too large, no JSON, or has keys, names
        or numbers other than those above; the message says which.
        """
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder; wanted one with {', '.join(FILES)}")
        config, weights, certificate, claim = (_Read(folder / name) for name in FILES)
        name = config.text("name", COQ_IDENTIFIER, "a letter, then letters, digits or _")
        if len(name) > LONGEST_NAME:
            config.refuse("name", f"{len(name)} characters", f"at most {LONGEST_NAME}")
        layout = LAYOUTS[config.one_of("layout", LAYOUTS)]
        sizes = config.object("sizes", (*layout.sizes, *layout.signed))
        ranges = layout.ranges()
        for size in sizes:
            config.number(f"sizes.{size}", sizes[size], *ranges[size])
        weight_bits = config.number("weight_bits", config.get("weight_bits"), 1, 62)
        config.done("name", "layout", "weight_bits", "sizes")
        if layout.n_inputs(sizes) >= MOST_INPUTS:
            config.refuse("sizes", "10^4000 inputs or more", "fewer")
        matrices = {}
        for key, value in weights.object("matrices", layout.matrices).items():
            matrix = _keys(weights, f"matrices.{key}", value, ("scale_bits", "ints"))
            bits = weights.number(f"matrices.{key}.scale_bits", matrix["scale_bits"], *ranges[f"{key}_bits"])
            matrices[key] = Matrix(weights.value(Field, key, "list (list Z)", matrix["ints"]).value, bits)
            lengths = {len(row) for row in matrices[key].ints}
            if len(lengths) > 1:
                got = f"rows of {min(lengths)} and of {max(lengths)} entries"
                weights.refuse(f"matrices.{key}.ints", got, "rows of one length")
        weights.done("matrices")
        known = [strategy for group, strategy in FORMS if group == layout.group]
        form = FORMS[layout.group, certificate.one_of("strategy", known)]
        values = certificate.object("fields", tuple(form.fields))
        fields = tuple(certificate.value(Field, key, coq_type, values[key]) for key, coq_type in form.fields.items())
        certificate.done("strategy", "fields")
        distribution = _distribution(_Read(folder / DISTRIBUTION), sizes) if form.weighted else None
        inputs = distribution.total if distribution else layout.n_inputs(sizes)
        what = "the weight of all inputs" if distribution else "the number of all inputs of a network of these sizes"
        statement = claim.one_of("statement", [one for one in get_args(Statement) if one in form.coq])
        proved = int(claim.text("proved", COUNT, "a count in decimal digits"))
        if (total := claim.text("of", COUNT, "a count in decimal digits")) != str(inputs):
            claim.refuse("of", total[:40], f"{inputs}, {what}")
        if proved > inputs:
            claim.refuse("proved", str(proved)[:40], f"at most {inputs}, {what}")
        claim.done("statement", "proved", "of")
        return cls(
            name, layout.name, weight_bits, sizes, matrices, form.strategy, fields, statement, proved, distribution  # type: ignore[arg-type]
        )  # fmt: skip


def _distribution(file: _Read, sizes: Mapping[str, int]) -> Distribution:
    """Read distribution.json for a network of these sizes."""
    name = file.text("name", NAME, "up to 40 letters, digits and _")
    weights = file.value(Field, FIELD, FIELD_TYPE, file.get("weights"))
    file.done("name", "weights")
    try:
        found = Distribution(name, weights.value)
    except InputRefused as error:
        raise InputRefused(f"{file.path}: {error}") from None
    if not found.fits(sizes["n_ctx"], sizes["d_vocab"]):
        file.refuse("weights", f"{len(found.rows)} rows of {len(found.rows[0])}", f"{sizes['n_ctx']} of {sizes['d_vocab']}")
    return found


class _Read:
    """One JSON file, an object with the key `schema`; every look at it says where it is wrong."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            found = json.loads(_text(path), object_pairs_hook=_unique, parse_int=_integer, parse_float=_no, parse_constant=_no)
        except (ValueError, RecursionError) as error:
            what = "lists nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise InputRefused(f"{path}: {what}; wanted JSON of objects, lists, strings and integers") from None
        if not isinstance(found, dict):
            raise InputRefused(f"{path}: got a {type(found).__name__}, wanted a JSON object")
        self.found: dict[str, Any] = found
        if (schema := self.get("schema")) != SCHEMA or isinstance(schema, bool):
            self.refuse("schema", repr(schema)[:40], f"{SCHEMA}; export the proof again with this version")

    def refuse(self, key: str, got: str, wanted: str) -> NoReturn:
        raise InputRefused(f"{self.path}: {key}: got {got}, wanted {wanted}")

    def get(self, key: str) -> Any:
        if key not in self.found:
            self.refuse(key, "nothing", f"the key {key!r}")
        return self.found[key]

    def done(self, *keys: str) -> None:
        """Refuse keys that nobody asked for."""
        if unknown := sorted(set(self.found) - {"schema", *keys}):
            self.refuse(ascii(unknown[0])[:60], "an unknown key", f"only schema, {', '.join(keys)}")

    def object(self, key: str, keys: tuple[str, ...]) -> dict[str, Any]:
        return _keys(self, key, self.get(key), keys)

    def number(self, key: str, value: Any, least: int, most: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.refuse(key, ascii(value)[:40], f"an integer from {least} to {most}")
        return value

    def text(self, key: str, pattern: re.Pattern[str], wanted: str) -> str:
        value = self.get(key)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            self.refuse(key, ascii(value)[:40], wanted)
        return str(value)

    def one_of(self, key: str, known: Any) -> str:
        value = self.get(key)
        if not isinstance(value, str) or value not in known:
            self.refuse(key, ascii(value)[:40], f"one of: {', '.join(known)}")
        return str(value)

    def value(self, make: type[Field], *arguments: Any) -> Field:
        """Make a field of a data file, whose own checks then name this file."""
        try:
            return make(*arguments)
        except CompactProofsError as error:
            raise InputRefused(f"{self.path}: {error}") from None


def _keys(file: _Read, key: str, value: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return the entries of an object in the order of `keys`, which must be all that it has."""
    if not isinstance(value, dict):
        file.refuse(key, ascii(value)[:40], "an object")
    if set(value) != set(keys):
        missing, unknown = sorted(set(keys) - set(value)), sorted(set(value) - set(keys))
        got = f"no {missing[0]}" if missing else f"the unknown key {ascii(unknown[0])[:40]}"
        file.refuse(key, got, f"exactly: {', '.join(keys) or 'no key'}")
    return {name: value[name] for name in keys}


def _text(path: Path) -> str:
    """Read a plain file of bounded size; no link is followed, no pipe or device waited for."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        raise InputRefused(f"{path}: cannot be opened ({error.strerror}); wanted a plain file") from None
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise InputRefused(f"{path}: no plain file")
        if found.st_size > MOST_BYTES:
            raise InputRefused(f"{path}: over {MOST_BYTES} bytes, wanted fewer")
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(MOST_BYTES)
    finally:
        os.close(handle)
    try:
        return data.decode("ascii")
    except UnicodeDecodeError as error:
        raise InputRefused(f"{path}: byte {error.start} is no ASCII, wanted ASCII only") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {ascii(next(name for name in names if names.count(name) > 1))[:40]} is given twice")
    return found


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > MOST_DIGITS:
        raise ValueError(f"a number of {len(text)} characters")
    return int(text)


def _no(text: str) -> NoReturn:
    raise ValueError(f"the number {text[:40]} is no integer")


def _rows(value: Any) -> str:
    """Nested lists as JSON, one innermost list a line."""
    if isinstance(value, int):
        return str(value)
    if not value or isinstance(value[0], int):
        return "[" + ", ".join(map(str, value)) + "]"
    return "[\n" + ",\n".join(_rows(entry) for entry in value) + "]"


def _object(entries: list[str]) -> str:
    return "{\n" + ",\n".join(entries) + "}"
