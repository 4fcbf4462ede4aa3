"""The changes that a mutant of a Coq checker can have: `mutants_of`, one change of one definition at a time.

What is changed: the direction and the strictness of comparisons; rounding; numbers, by one; least and greatest; `and` and `or`;
plus and minus; true and false; all and some; the ends of an enclosure; the successor; entries of lists and parts of joined lists,
by which tests are left out; conditions. What is not: patterns, types, and the arguments of refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from compact_proofs.proofs.attack.coq_source import CLOSING, OPENING, Definition, Token

# By the name in the text: the operator and what stands there instead.
SWAPPED = {
    "smin": "smax", "Z.min": "Z.max", "Nat.min": "Nat.max",
    "fst": "snd", "forallb": "existsb", "true": "false",
}  # fmt: skip
ROUNDED = {
    "shift_up": "shift_down", "scale_up": "scale_down", "exp_upper": "exp_lower", "upper_term": "lower_term",
    "upper_factors": "lower_factors",
}  # fmt: skip
RENAMED: dict[str, tuple[str, str]] = {
    **{name: ("swap", other) for pairs in (SWAPPED, {b: a for a, b in SWAPPED.items()}) for name, other in pairs.items()},
    **{name: ("round", other) for pairs in (ROUNDED, {b: a for a, b in ROUNDED.items()}) for name, other in pairs.items()},
    "Z.sqrt_up": ("round", "Z.sqrt"),
    "negb": ("drop negb", "(fun b => b)"),
    "absolute": ("drop absolute", "(fun x => x)"),
    "Z.abs": ("drop absolute", "(fun x => x)"),
}
STRICTNESS = {
    "<=?": "<?", "<?": "<=?", "=?": "<=?", ">=?": ">?", ">?": ">=?", "slt": "(fun x y => negb (slt y x))",
    **{f"{scope}{name}": scope + other for scope in ("", "Nat.", "Z.", "Uint63.")
       for name, other in (("leb", "ltb"), ("ltb", "leb"), ("eqb", "leb"))},
}  # fmt: skip
STRICTER = {"<=?", "leb", "Nat.leb", "Z.leb", "Uint63.leb"}  # the change makes a test stricter
COMPARISONS = {"<=?", "<?", "=?", ">=?", ">?"}
OPERATORS = {"+": "-", "-": "+", "&&": "||", "||": "&&", ">>": "<<"}
WORDS = {"let", "in", "if", "then", "else", "with", "fun", "fix", "return", "as"}
BEFORE_SIGN = {"(", "[", ",", ";", ":=", "=>", "then", "else", "in", "if", "&&", "||", "*", "/", "+", "-", "++", *COMPARISONS}
WIDE = {",", ";", ":=", "=>", "|", "&&", "||", *WORDS, *COMPARISONS}  # what ends an operand of a comparison
JOINED = {*WIDE, "++"}  # .. of a join
NARROW = {*JOINED, "+", "-", "::", ">>", "<<"}  # .. of a division, on its left; on its right also:
FACTORS = {"*", "/"}


@dataclass(frozen=True, slots=True)
class Change:
    """Characters start .. end of a file replaced by `new`, in the definition `name`."""

    operator: str
    name: str
    start: int
    end: int
    new: str

    def applied(self, text: str) -> str:
        """Return the changed text."""
        return text[: self.start] + self.new + text[self.end :]


def changes(text: str, definition: Definition) -> list[Change]:
    """Return the changes of a definition in a file's text, in order of their places."""
    found = [
        Change(operator, definition.name, start, end, new)
        for place in range(len(definition.body))
        for operator, start, end, new in _at(text, definition.body, place)
        if text[start:end] != new
    ]
    unique = {(one.start, one.end, one.new): one for one in reversed(found)}
    return sorted(unique.values(), key=lambda one: (one.start, one.end, one.operator, one.new))


Found = Iterator[tuple[str, int, int, str]]


def _at(text: str, body: tuple[Token, ...], place: int) -> Found:
    """Yield (operator, start, end, new) of the changes that one token brings."""
    token = body[place]
    if token.text in ("if", "["):  # live or not, they begin something
        yield from (_condition if token.text == "if" else _entries)(text, body, place)
    if not token.live:
        return
    word = token.text
    if word in STRICTNESS:
        in_list = _in_list(body, place)  # as the tests of a certificate are: one is left out as a whole anyway
        if not (in_list and word in STRICTER):
            yield "strictness", token.start, token.end, STRICTNESS[word]
        if not in_list:
            yield from _direction(text, body, place)
    elif word in RENAMED:
        operator, new = RENAMED[word]
        yield operator, token.start, token.end, new
    elif word == "-" and _is_sign(body, place):
        yield "drop sign", token.start, token.end, ""
    elif word in OPERATORS:
        yield "operator", token.start, token.end, OPERATORS[word]
    elif word == "/":
        yield from _division(text, body, place)
    elif word == "++":
        yield from _joined(text, body, place)
    elif token.kind == "number":
        yield from _number(body, place)
    elif word == "S" and place and body[place - 1].text == "(" and body[place + 1].text not in CLOSING:
        yield "drop successor", token.start, token.end, ""
    elif word == "O":
        yield "number", token.start, token.end, "1%nat"


def _number(body: tuple[Token, ...], place: int) -> Found:
    """One change, to the side that makes a test or an enclosure weaker: one more in exponents, after a comparison and at the
    lower end of a pair; else one less, but for 0. A base of a power stays, and what `nth` has for an entry that is not there.
    """
    token, before = body[place], body[place - 1].text if place else ""
    after = body[place + 1].text if place + 1 < len(body) else ""
    if after == "^" or _is_default(body, place):
        return
    value = int(token.text)
    lower_end = before == "(" and after == ","
    more = value == 0 or before == "^" or before in COMPARISONS or lower_end
    yield "number", token.start, token.end, str(value + 1 if more else value - 1)


def _is_default(body: tuple[Token, ...], place: int) -> bool:
    """Say whether a number is the third argument of `nth`, or the first of `hd`."""
    arguments, index = 0, place - 1
    while index >= 0 and arguments < 3:
        word = body[index].text
        if word in ("nth", "hd"):
            return arguments == (2 if word == "nth" else 0)
        if word in OPENING or not (word in CLOSING or body[index].kind in ("name", "number")):
            return False
        depth = 0
        while True:
            depth += (body[index].text in CLOSING) - (body[index].text in OPENING)
            index -= 1
            if depth == 0:
                break
        arguments += 1
    return False


def _in_list(body: tuple[Token, ...], place: int) -> bool:
    """Say whether a token stands in a list that is written down."""
    depth = 0
    for index in range(place, -1, -1):
        word = body[index].text
        if depth == 0 and word == "[":
            return True
        depth = max(0, depth + (word in CLOSING) - (word in OPENING))
    return False


def _direction(text: str, body: tuple[Token, ...], place: int) -> Found:
    token = body[place]
    if token.text not in COMPARISONS:
        if token.text.endswith("eqb"):
            yield "direction", token.start, token.end, f"(fun x y => negb ({token.text} x y))"
        else:
            yield "direction", token.start, token.end, f"(fun x y => {token.text} y x)"
        return
    left, right = _left(body, place, WIDE), _right(body, place, WIDE)
    first, second = text[left : body[place - 1].end], text[body[place + 1].start : right]
    if token.text == "=?":
        yield "direction", left, right, f"negb ({first} =? {second})"
    else:
        yield "direction", left, right, f"{second} {token.text} {first}"


def _division(text: str, body: tuple[Token, ...], place: int) -> Found:
    """The quotient rounded up; a sign on the left belongs to it."""
    left, right = _left(body, place, NARROW), _right(body, place, {*NARROW, *FACTORS})
    before = next((index for index, token in enumerate(body) if token.start == left), 0)
    if before and body[before - 1].text == "-" and _is_sign(body, before - 1):
        left = body[before - 1].start
    first, second = text[left : body[place - 1].end], text[body[place + 1].start : right]
    yield "round", left, right, f"(({first} + {second} - 1) / {second})"


def _joined(text: str, body: tuple[Token, ...], place: int) -> Found:
    """Either side left out; the left one only of the first join of a chain."""
    left, right = _left(body, place, JOINED), _right(body, place, JOINED)
    yield "drop part", body[place].start, right, ""
    if not any(token.end == body[place].start or token.text == "++" for token in _just_before(body, left)):
        yield "drop part", left, body[place].end, ""


def _just_before(body: tuple[Token, ...], start: int) -> tuple[Token, ...]:
    before = [token for token in body if token.end <= start]
    return tuple(before[-1:])


def _entries(text: str, body: tuple[Token, ...], place: int) -> Found:
    """One entry of a list left out; not of a list of numbers, nor of a pattern."""
    if not body[place].live:
        return
    ends = [place]
    depth = 0
    for index in range(place + 1, len(body)):
        word = body[index].text
        if depth == 0 and word in (";", "]"):
            ends.append(index)
            if word == "]":
                break
        depth += (word in OPENING) - (word in CLOSING)
    entries = [range(a + 1, b) for a, b in zip(ends, ends[1:], strict=False) if b > a + 1]
    if not entries or all(body[index].kind == "number" or body[index].text in "(,)" for one in entries for index in one):
        return
    for number, entry in enumerate(entries):
        start, end = body[entry[0]].start, body[entry[-1]].end
        if number:
            start = body[entry[0] - 1].start
        elif len(entries) > 1:
            end = body[entry[-1] + 1].end
        yield "drop entry", start, end, ""


def _condition(text: str, body: tuple[Token, ...], place: int) -> Found:
    """The condition negated, where no comparison in it is changed anyway."""
    depth, end = 0, place + 1
    while end < len(body) and not (depth == 0 and body[end].text == "then"):
        depth += (body[end].text in OPENING) - (body[end].text in CLOSING)
        end += 1
    inside = body[place + 1 : end]
    if any(token.text in STRICTNESS or token.text == "negb" for token in inside):
        return
    start, stop = inside[0].start, inside[-1].end
    yield "condition", start, stop, f"negb ({text[start:stop]})"


def _is_sign(body: tuple[Token, ...], place: int) -> bool:
    return place == 0 or body[place - 1].text in BEFORE_SIGN


def _left(body: tuple[Token, ...], place: int, stops: set[str]) -> int:
    """Return where the operand on the left of an operator starts."""
    return _scan(body, range(place - 1, -1, -1), stops, CLOSING, OPENING, lambda token: token.start, body[place].start)


def _right(body: tuple[Token, ...], place: int, stops: set[str]) -> int:
    """Return where the operand on the right of an operator ends."""
    return _scan(body, range(place + 1, len(body)), stops, OPENING, CLOSING, lambda token: token.end, body[place].end)


def _scan(
    body: tuple[Token, ...],
    places: range,
    stops: set[str],
    deeper: set[str],
    outer: set[str],
    edge: Callable[[Token], int],
    at: int,
) -> int:
    depth = 0
    for index in places:
        token = body[index]
        word = token.text
        if depth == 0 and (word in outer or (word in stops and not (word == "-" and _is_sign(body, index)))):
            return at
        if depth == 0 and word == "-" and word in stops and _is_sign(body, index):
            return at if places.step < 0 else edge(token)
        depth += (word in deeper) - (word in outer)
        at = edge(token)
    return at
