"""A page as one HTML file and its figures as files: `render`, `write_page`.

The file needs nothing else: styles, script and figures are inside, and its content security policy forbids every request. Texts
are escaped by jinja2. Equal pages give equal bytes. Needs jinja2 and matplotlib (the `plot` extra).
"""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from compact_proofs.models.files import write_atomic
from compact_proofs.proofs.page.content import Page
from compact_proofs.proofs.page.drawing import Drawn, draw, printable, require

MOST_INSIDE = 150_000  # bytes of a file that can be saved from the page; a larger one lies beside it
KINDS = {"svg": "image/svg+xml", "png": "image/png", "csv": "text/csv"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure as the template has it. links: by kind, (address, whether it is inside the page); source: what is shown, the SVG
    unless it is large and the PNG smaller."""

    drawn: Drawn
    links: dict[str, tuple[str, bool]]
    source: str


def write_page(page: Page, path: Path, figures: Path) -> list[Path]:
    """Write the page to `path` and its figures into the folder `figures`; return the files, the page first.

    Raises: ToolMissing: matplotlib or jinja2 is missing. OSError: a folder that cannot be written.
    """
    drawn = [draw(figure) for figure in page.figures]
    text = render(page, drawn, Path(os.path.relpath(figures, path.parent)).as_posix())
    written = []
    for one in drawn:
        for kind, data in files_of(one).items():
            written.append(figures / f"{one.figure.name}.{kind}")
            write_atomic(written[-1], data)
    write_atomic(path, text.encode())
    return [path, *written]


def files_of(drawn: Drawn) -> dict[str, bytes]:
    """Return the files of a figure by how their names end."""
    return {"svg": drawn.svg.encode(), "png": drawn.png, "csv": drawn.csv.encode()}


def render(page: Page, drawn: list[Drawn], beside: str = "figures") -> str:
    """Return the HTML of a page with these drawings of its figures; `beside`: their folder, seen from the page.

    Raises: ToolMissing: jinja2 is missing.
    """
    require()
    import jinja2
    from markupsafe import Markup

    source = {name: _resource(name) for name in ("page.html.j2", "page.css", "page.js")}
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(source), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    figures = {one.figure.name: _shown(one, beside) for one in drawn}
    style, script = source["page.css"].strip() + "\n", source["page.js"].strip() + "\n"
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    template = environment.get_template("page.html.j2")
    return printable(template.render(page=page, figures=figures, style=Markup(style), script=Markup(script), policy=policy))


def _shown(drawn: Drawn, beside: str) -> Shown:
    files = files_of(drawn)
    inside = {kind: f"data:{KINDS[kind]};base64,{base64.b64encode(data).decode()}" for kind, data in files.items()}
    links = {
        kind: (inside[kind], True) if len(data) <= MOST_INSIDE else (quote(f"{beside}/{drawn.figure.name}.{kind}"), False)
        for kind, data in files.items()
    }
    small = len(files["svg"]) <= MOST_INSIDE
    return Shown(drawn, links, inside["svg"] if small else min(inside["svg"], inside["png"], key=len))


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _resource(name: str) -> str:
    return (importlib.resources.files("compact_proofs.proofs.page") / name).read_text(encoding="utf-8")
