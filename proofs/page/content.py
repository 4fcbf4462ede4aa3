"""What a page says, before it is HTML: `Page`, `Section`, `Table`. Texts are plain; whoever renders them escapes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from compact_proofs.proofs.page.figures import Figure


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table; value: what it is sorted by where that is a number."""

    text: str
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table; numeric: the headings whose columns hold numbers."""

    caption: str
    headings: tuple[str, ...]
    numeric: frozenset[str]
    rows: tuple[tuple[Cell, ...], ...]

    @classmethod
    def of(cls, caption: str, rows: Sequence[dict[str, Cell]], numeric: Sequence[str]) -> Table:
        """Make a table of rows by heading; columns that are empty in every row are left out."""
        headings = tuple(name for name in rows[0] if any(row[name].text for row in rows))
        return cls(caption, headings, frozenset(numeric), tuple(tuple(row[name] for name in headings) for row in rows))


@dataclass(frozen=True, slots=True)
class Theorem:
    """A theorem in words, as Coq states it, and the file it is in."""

    strategy: str
    words: str
    coq: str
    file: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page. Fields: theorems: shown at once; more: shown on demand, under `more_title`; lines: a list."""

    name: str
    heading: str
    paragraphs: tuple[str, ...] = ()
    theorems: tuple[Theorem, ...] = ()
    more_title: str = ""
    more: tuple[Theorem, ...] = ()
    lines: tuple[str, ...] = ()
    hidden_title: str = ""
    hidden: tuple[str, ...] = ()
    table: Table | None = None
    figures: tuple[Figure, ...] = ()
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A page. Fields: lede: the first sentences; facts: names and values; notes: what is amiss; footer: how it was made."""

    title: str
    kicker: str
    lede: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()
    footer: tuple[str, ...] = field(default=())

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Return all figures, in order."""
        return tuple(figure for section in self.sections for figure in section.figures)
