"""Reads Coq files of the theory: tokens, sentences, the bodies of definitions, and which of them a check evaluates.

Only what the theory is written in is understood. `definitions` works on any text; `executable` needs the .glob files that coqc
leaves beside compiled files, where every reference is resolved.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from compact_proofs.models.errors import InputRefused

Kind = Literal["name", "number", "string", "symbol", "end"]
PREFIXES = {"Local", "Global"}
DEFINING = {"Definition", "Fixpoint", "Let"}
PROVING = {"Lemma", "Theorem", "Corollary", "Fact", "Proposition", "Remark", "Instance", "Hint"}
OPENING, CLOSING = {"(", "[", "{", "match"}, {")", "]", "}", "end"}
TOKEN = re.compile(
    r"""(?P<string>"(?:[^"]|"")*")
    | (?P<name>[A-Za-z_][\w']*(?:\.[A-Za-z_][\w']*)*)
    | (?P<number>\d+)
    | (?P<end>\.(?=\s|\Z))
    | (?P<symbol><=\?|>=\?|<\?|>\?|=\?|:=|=>|<->|->|<-|::|\+\+|&&|\|\||>>|<<|/\\|\\/|<>|<=|>=|\S)""",
    re.VERBOSE,
)
GLOB_DEFINED = re.compile(r"(?:def|var) (\d+):(\d+) (\S+) (\S+)")
GLOB_USED = re.compile(r"R(\d+):(\d+) (\S+) (\S+) (\S+) (?:def|var)")
ROOT = "CompactProofs."


@dataclass(frozen=True, slots=True)
class Token:
    """A token and where it stands: characters start .. end of the text. `live`: it is computed, see `definitions`."""

    kind: Kind
    text: str
    start: int
    end: int
    live: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of Coq. keyword: its first word, without `Local`."""

    keyword: str
    tokens: tuple[Token, ...]

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].end


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition with a body. `at`: where its name stands; body: what follows the first `:=`, without the final stop."""

    name: str
    at: int
    body: tuple[Token, ...]


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a file, comments left out."""
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
        elif text.startswith("(*", place):
            place = _after_comment(text, place)
        else:
            found = TOKEN.match(text, place)
            assert found is not None and found.lastgroup is not None
            yield Token(found.lastgroup, found.group(), place, found.end())  # type: ignore[arg-type]
            place = found.end()


def _after_comment(text: str, place: int) -> int:
    depth = 0
    for found in re.compile(r"\(\*|\*\)").finditer(text, place):
        depth += 1 if found.group() == "(*" else -1
        if depth == 0:
            return found.end()
    return len(text)


def sentences(text: str) -> list[Sentence]:
    """Return the sentences of a file."""
    result: list[Sentence] = []
    current: list[Token] = []
    for token in tokens(text):
        current.append(token)
        if token.kind == "end":
            words = [one.text for one in current if one.text not in PREFIXES]
            result.append(Sentence(words[0], tuple(current)))
            current = []
    return result


def definitions(text: str, messages: Iterable[str] = ()) -> list[Definition]:
    """Return the definitions of a file, in order.

    In a body a token is live unless it belongs to a pattern, a binder, a type, a scope, or to an application of one of
    `messages`, the constructors whose arguments are for people (refusals).
    """
    silent = frozenset(messages)
    result = []
    for sentence in sentences(text):
        if sentence.keyword not in DEFINING:
            continue
        parts = [token for token in sentence.tokens if token.text not in PREFIXES]
        body = _body(parts)
        if body:
            result.append(Definition(parts[1].text, parts[1].start, tuple(_marked(body, silent))))
    return result


def _body(parts: list[Token]) -> list[Token]:
    depth = 0
    for place, token in enumerate(parts):
        depth += (token.text in OPENING) - (token.text in CLOSING)
        if token.text == ":=" and depth == 0:
            return parts[place + 1 : -1]
    return []


def _marked(body: list[Token], silent: frozenset[str]) -> Iterator[Token]:
    place = 0
    while place < len(body):
        token = body[place]
        after = _after_dead(body, place, silent)
        if after == place:
            yield Token(token.kind, token.text, token.start, token.end, live=True)
            place += 1
        else:
            yield from body[place:after]
            place = after


def _after_dead(body: list[Token], place: int, silent: frozenset[str]) -> int:
    """Return where the part that is not computed ends, `place` where none starts here."""
    word = body[place].text
    if word in ("let", "fix"):
        return _until(body, place, {":="}) + 1
    if word == "fun":
        return _until(body, place, {"=>"}) + 1
    if word in ("with", "|"):
        return _until(body, place, {"=>"}) + 1
    if word == "{":
        return _until(body, place + 1, {"}"}) + 1
    if word == ":":
        return _until(body, place, {":=", "=>"})
    if word == "%":
        return place + 2
    if word in silent:
        return _until(body, place, {";"})
    return place


def _until(body: list[Token], place: int, wanted: set[str]) -> int:
    """Return the place of the first wanted token at this depth, or of the bracket that closes it."""
    depth = 0
    for index in range(place, len(body)):
        word = body[index].text
        if depth == 0 and (word in wanted or word in CLOSING):
            return index
        depth += (word in OPENING) - (word in CLOSING)
    return len(body)


def line_of(text: str, place: int) -> int:
    """Return the number of the line of a place, from 1."""
    return text.count("\n", 0, place) + 1


def in_proof(text: str, line: int) -> bool:
    """Say whether a line belongs to a statement that is proved or to a proof: not to a definition."""
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    last = ""
    for sentence in sentences(text):
        if sentence.start >= (starts[line] if line < len(starts) else len(text)):
            break
        last = sentence.keyword
    return last not in {*DEFINING, "Record", "Inductive", "Section", "Context", "End", "From", "Import", "Open", "Variable"}


def refusals(theories: Path) -> list[str]:
    """Return the constructors of refusals, whose arguments are for people. Coq: Cert.Outcome.refusal."""
    for sentence in sentences((theories / "Cert" / "Outcome.v").read_text(encoding="ascii")):
        if sentence.keyword == "Inductive" and sentence.tokens[1].text == "refusal":
            words = [token.text for token in sentence.tokens]
            return [words[place + 1] for place, word in enumerate(words[:-1]) if word == "|"]
    raise InputRefused("no Inductive refusal in Cert/Outcome.v; restore the checkout")


def executable(theories: Path, checks: Iterable[str]) -> dict[str, set[int]]:
    """Return, by file relative to `theories`, where the names of the definitions stand that `checks` evaluate.

    The specification (Spec/) is not among them: it is what checks are compared with.

    Raises: InputRefused: no .glob file beside a .v file, or no check of such a name: the theory is not built.
    """
    places, uses = _references(theories)
    todo = [key for key in places if key[1] in set(checks)]
    if missing := set(checks) - {name for _, name in todo}:
        raise InputRefused(f"no definition of {', '.join(sorted(missing))} in {theories.name}; build the theory")
    reached = set(todo)
    while todo:
        for target in uses.get(todo.pop(), ()):
            if target in places and target not in reached:
                reached.add(target)
                todo.append(target)
    result: dict[str, set[int]] = defaultdict(set)
    for key in reached:
        file, at = places[key]
        result[file].add(at)
    return dict(result)


Name = tuple[str, str]  # module, name


@lru_cache(maxsize=1)
def _references(theories: Path) -> tuple[dict[Name, tuple[str, int]], dict[Name, set[Name]]]:
    """Return where definitions stand, file and place, and which definitions each names."""
    places: dict[Name, tuple[str, int]] = {}
    uses: dict[Name, set[Name]] = defaultdict(set)
    for path in sorted(theories.rglob("*.v")):
        file = path.relative_to(theories).as_posix()
        if file.startswith("Spec/"):
            continue
        module = ROOT + file.removesuffix(".v").replace("/", ".")
        found = definitions(path.read_text(encoding="ascii"))
        starts = {one.at: one for one in found}
        defined, used = _glob(path)
        for at, name in defined.items():
            if at in starts:
                places[module, name] = (file, at)
        spans = {place: (module, defined.get(one.at, one.name)) for one in found for place in _span(one)}
        for place, target in used:
            if place in spans:
                uses[spans[place]].add(target)
    return places, uses


def _span(one: Definition) -> Iterator[int]:
    return (token.start for token in one.body)


def _glob(path: Path) -> tuple[dict[int, str], list[tuple[int, tuple[str, str]]]]:
    """Return names by the place where they are defined, and what stands at the places of references: (module, name)."""
    try:
        lines = path.with_suffix(".glob").read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        raise InputRefused(f"no {path.with_suffix('.glob').name} beside {path.name}; build the theory") from None
    defined, used = {}, []
    for line in lines:
        if found := GLOB_DEFINED.match(line):
            at, _, section, name = found.groups()
            defined[int(at)] = name if section == "<>" else f"{section}.{name}"
        elif found := GLOB_USED.match(line):
            at, _, module, section, name = found.groups()
            used.append((int(at), (module, name if section == "<>" else f"{section}.{name}")))
    return defined, used
