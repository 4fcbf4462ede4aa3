"""The whitelist grammar that re-reads every generated Coq file before coqc sees it: `check_weights`, `check_data`,
`check_theorem`.

Coq 8.16.1 has bugs by which a hostile file can prove anything, so what is not listed here is refused. A data file is

    (* CompactProofs: letters, digits, blanks and . , : = / _ - *)
    From Coq Require Import ZArith List.                        one of PREAMBLES, or nothing in a file of no definitions
    Import ListNotations.
    Definition <listed name> : <its type> := <nested lists of numerals>%<scope>.        any number of these

in printable ASCII, blanks and line feeds. A theorem file, and every other generated file, is byte-equal to its template.
The parser shares only sizes and types with the writer in `coq_text`.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from compact_proofs.extract.coq_text import COQ_TYPES, FLAT_LIMIT, LITERAL_LIMIT, Statement, TheoremForm, theorem_v
from compact_proofs.extract.layouts import Layout
from compact_proofs.models.errors import CertificateError, GrammarError

_LISTS = "Import ListNotations.\n"
PREAMBLES = {
    "weights": ("From Coq Require Import ZArith List.\n" + _LISTS,),
    "certificate": (
        "From Coq Require Import ZArith Uint63 List.\n" + _LISTS,
        "From Coq Require Import ZArith List.\n" + _LISTS,
        "From Coq Require Import Uint63 List.\n" + _LISTS,
        "From Coq Require Import ZArith Uint63.\n",
        "From Coq Require Import ZArith.\n",
        "From Coq Require Import Uint63.\n",
    ),
}
HEADER = re.compile(r"\(\* CompactProofs: [A-Za-z0-9.,:=/_ -]* \*\)\n")
FORBIDDEN = re.compile(r"[^ -~\n]")
TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9_]*|-?[0-9]+|:=|[:;%.()\[\]]")
LONGEST_NUMERAL = len(str(LITERAL_LIMIT - 1))
LARGEST_FILE = 2**25  # bytes; the largest of the shipped networks' files has 2^21, and a megabyte takes a second to parse
THEOREM_HEADER = re.compile(r"\(\* CompactProofs: theorem: model ([A-Za-z0-9_]+), strategy ([A-Za-z0-9_]+) \*\)\n")
GOALS: dict[Statement, re.Pattern[str]] = {
    "at_least": re.compile(r"\nTheorem accuracy : \((0|[1-9][0-9]{0,3999}) <= correct_count network\)%Z\.\n"),
    "at_most": re.compile(r"\nTheorem accuracy : \(correct_count network <= (0|[1-9][0-9]{0,3999})\)%Z\.\n"),
    "exactly": re.compile(r"\nTheorem accuracy : correct_count network = (0|[1-9][0-9]{0,3999})%Z\.\n"),
    "at_least_weight": re.compile(
        r"\nTheorem accuracy : \((0|[1-9][0-9]{0,3999}) <= correct_weight distribution network\)%Z\.\n"
    ),
}


@dataclass(frozen=True, slots=True)
class ReadTheorem:
    """What a theorem file claims: of `model`'s inputs (or of their weight) at least, at most or exactly `proved` are answered
    right."""

    form: TheoremForm
    model: str
    proved: int


def read_source(path: Path) -> str:
    """Return a generated file's text, one character per byte and line ends as they are, ready for the checks.

    Raises: GrammarError: a file that cannot be read, is a link, a folder or a device, or has more than LARGEST_FILE bytes.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # a pipe does not wait for a writer
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise GrammarError(f"{path}: it is no plain file; remove it and generate it again")
            with os.fdopen(handle, "rb", closefd=False) as file:
                content = file.read(LARGEST_FILE + 1)
        finally:
            os.close(handle)
    except OSError as error:
        raise GrammarError(f"{path}: it cannot be read ({error.strerror}); remove it and generate it again") from error
    if len(content) > LARGEST_FILE:
        raise GrammarError(f"{path}: it has more than {LARGEST_FILE:,} bytes; generate it again, from a smaller network")
    return content.decode("latin-1")


def check_weights(text: str, path: Path | str, layout: Layout) -> dict[str, Any]:
    """Parse Weights.v of a network of this layout and return its numbers by name: int or nested tuples of int.

    Raises:  GrammarError: as `check_data`, and for a size or a scale out of range.
    """
    return _Parser(text, path).data(PREAMBLES["weights"], layout.types(), layout.ranges())


def check_data(text: str, path: Path | str, allowed_names: Mapping[str, str]) -> dict[str, Any]:
    """Parse Certificate.v and return its numbers by name: int or nested tuples of int.

    Args:    allowed_names: name -> Coq type; each is to be defined once. path: for messages.
    Raises:  GrammarError: anything else; the message has file, line, column, what was got and what was wanted.
    """
    return _Parser(text, path).data(PREAMBLES["certificate"] if allowed_names else ("",), allowed_names, {})


def check_theorem(text: str, path: Path | str, forms: Iterable[TheoremForm]) -> ReadTheorem:
    """Check that Theorem.v is byte-equal to its template with its own model, strategy, statement and N filled in.

    Args:    forms: every strategy and statement that may be claimed. path: for messages.
    Raises:  GrammarError: at the first byte that differs, or where strategy or statement is not in `forms`.
    """
    known = {(form.folder, form.statement): form for form in forms}
    header = THEOREM_HEADER.match(text)
    if not header:
        _refuse(text, path, 0, "(* CompactProofs: theorem: model <model>, strategy <strategy> *)")
    model, strategy = header.groups()
    goals = {statement: found for statement, goal in GOALS.items() if (found := goal.search(text))}
    if len(goals) != 1:
        _refuse(text, path, len(text), "just one line 'Theorem accuracy : ' with an allowed statement before the end")
    [(statement, goal)] = goals.items()
    if (strategy, statement) not in known:
        wanted = ", ".join(" ".join(key) for key in known)
        _refuse(text, path, header.start(2), f"a known strategy and statement ({wanted}), not {strategy} {statement}")
    form, proved = known[strategy, statement], int(goal.group(1))
    try:
        wanted = theorem_v(form, model, proved)
    except CertificateError as error:
        raise GrammarError(f"{path}:1: {error}; generate the file again") from error
    check_equal(text, wanted, path)
    return ReadTheorem(form, model, proved)


def check_equal(text: str, wanted: str, path: Path | str) -> None:
    """Check that a generated file is byte-equal to its template.

    Raises: GrammarError: at the first byte that differs.
    """
    if text != wanted:
        common = next((i for i, (a, b) in enumerate(zip(text, wanted, strict=False)) if a != b), min(len(text), len(wanted)))
        rest = wanted[common:].split("\n", 1)[0]
        _refuse(text, path, common, repr(rest[:40]) if rest else "a line feed" if wanted[common:] else "the end of the file")


class _Parser:
    """One pass over a data file; `at` is the index of the next character."""

    def __init__(self, text: str, path: Path | str) -> None:
        self.text = text
        self.path = path
        self.at = 0

    def data(
        self, preambles: Iterable[str], types: Mapping[str, str], ranges: Mapping[str, tuple[int, int]]
    ) -> dict[str, Any]:
        """The whole file; `ranges` has the least and the most of some numbers."""
        if forbidden := FORBIDDEN.search(self.text):
            _refuse(self.text, self.path, forbidden.start(), "printable ASCII, blanks and line feeds only")
        header = HEADER.match(self.text)
        if not header:
            self.refuse("a first line (* CompactProofs: letters, digits, blanks and . , : = / _ - *)")
        self.at = header.end()
        preamble = next((lines for lines in preambles if self.text.startswith(lines, self.at)), None)
        if preamble is None:
            self.refuse("import lines from the fixed list")
        self.at += len(preamble)
        found: dict[str, Any] = {}
        while self.skip_blanks() < len(self.text):
            self.expect("Definition")
            name = self.listed_name(types, found)
            self.expect(":")
            for word in TOKEN.finditer(types[name]):
                self.expect(word.group())
            self.expect(":=")
            start = self.skip_blanks()
            found[name] = self.value(*COQ_TYPES[types[name]])
            least, most = ranges.get(name, (None, None))
            if least is not None and most is not None and not least <= found[name] <= most:
                _refuse(self.text, self.path, start, f"{name} from {least} to {most}")
        if missing := [name for name in types if name not in found]:
            self.refuse(f"the definition of {missing[0]}")
        return found

    def listed_name(self, types: Mapping[str, str], found: Mapping[str, Any]) -> str:
        name = self.peek()
        if name in found:
            self.refuse(f"no second definition of {name}")
        if name not in types:
            self.refuse(f"a listed name ({', '.join(types)})")
        return self.take()

    def value(self, depth: int, scope: str) -> Any:
        """`literal%scope.`, then a line feed or the end of the file; a negative literal outside a list in parentheses."""
        least = 1 - LITERAL_LIMIT if scope == "Z" else 0
        if depth == 0 and self.peek() == "(":
            self.expect("(")
            result = self.numeral(least)
            if result >= 0:
                self.refuse("parentheses around negative numerals only")
            self.expect(")")
        elif depth == 0:
            result = self.numeral(0)
        else:
            result = self.nested(depth, least)
        for word in ("%", scope, "."):
            self.expect(word)
        if self.at < len(self.text) and self.text[self.at] != "\n":
            _refuse(self.text, self.path, self.at, "a line feed after the full stop")
        return result

    def nested(self, depth: int, least: int) -> Any:
        """`[a; b; ...]`, `depth` deep."""
        if depth == 0:
            return self.numeral(least)
        self.expect("[")
        entries: list[Any] = []
        while self.peek() != "]":
            if entries:
                self.expect(";")
            if len(entries) == FLAT_LIMIT:
                self.refuse(f"a list of at most {FLAT_LIMIT} entries")
            entries.append(self.nested(depth - 1, least))
        self.expect("]")
        return tuple(entries)

    def numeral(self, least: int) -> int:
        """A decimal numeral without needless zeros, from `least` to below 2^62."""
        word = self.peek()
        digits = word.removeprefix("-")
        if not digits.isdigit() or (digits[0] == "0" and word != "0"):
            self.refuse("a decimal numeral without leading zeros" if least else "a decimal numeral >= 0 without leading zeros")
        if len(digits) > LONGEST_NUMERAL or not least <= int(word) < LITERAL_LIMIT:
            self.refuse("a numeral of absolute value below 2^62" if least else "a numeral >= 0 and below 2^62")
        self.take()
        return int(word)

    def skip_blanks(self) -> int:
        """Move to the next character that is neither blank nor line feed, and return its index."""
        while self.at < len(self.text) and self.text[self.at] in " \n":
            self.at += 1
        return self.at

    def peek(self) -> str:
        """The next token; empty at the end of the file and at a character that starts no token."""
        token = TOKEN.match(self.text, self.skip_blanks())
        return token.group() if token else ""

    def take(self) -> str:
        token = self.peek()
        self.at += len(token)
        return token

    def expect(self, wanted: str) -> None:
        if self.peek() != wanted:
            self.refuse(repr(wanted))
        self.take()

    def refuse(self, wanted: str) -> NoReturn:
        self.skip_blanks()
        _refuse(self.text, self.path, self.at, wanted)


def _refuse(text: str, path: Path | str, at: int, wanted: str) -> NoReturn:
    """Raise GrammarError for the place at index `at`."""
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    if at >= len(text):
        got = "the end of the file"
    else:
        token = TOKEN.match(text, at)
        got = ascii(token.group()[:40] if token else text[at])
    raise GrammarError(f"{path}:{line}:{column}: got {got}, wanted {wanted}; it was edited or is of another network, prove again")
