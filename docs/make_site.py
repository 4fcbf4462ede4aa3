"""The documentation as a site: `make docs` writes build/docs/site.

Three things are put together in build/docs/pages: the Markdown of this folder, where a Coq name in `code` becomes a link to its
definition; the theory as coqdoc shows it; and the reference of commands, from the parsers themselves. MkDocs makes the site
from them, strictly: a link that leads nowhere stops it. Needs the extra `docs`, coqdoc and the built theory.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from compact_proofs.proofs.cli import command_parsers

ROOT = Path(__file__).resolve().parent.parent
THEORIES = ROOT / "coq" / "theories"
DEFINED = re.compile(
    r"^\s*(?:Local |#\[\w+\] )*(?:Definition|Fixpoint|Lemma|Theorem|Corollary|Record|Inductive|Ltac)\s+([A-Za-z_]\w*)", re.M
)
CODE = re.compile(r"(?<![`\[])`([A-Za-z_][\w./]*)`(?!\])")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def coq_names() -> dict[str, list[str]]:
    """Return where each name of the theory is defined: modules such as Cert.StagedSound, sorted."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(THEORIES.rglob("*.v")):
        module = ".".join(path.relative_to(THEORIES).with_suffix("").parts)
        for name in DEFINED.findall(path.read_text(encoding="utf-8")):
            if module not in found[name]:
                found[name].append(module)
    return found


def coq_target(code: str, names: dict[str, list[str]], modular: bool = False) -> str | None:
    """Return the page of a Coq name, of File.name or of a file, such as `StagedSound.v`; None for anything else.

    Of several definitions of a name that of the page's own task is meant (`modular`), then that of the specification; otherwise
    the file is wanted too.
    """
    if code.endswith(".v"):
        modules = {module for found in names.values() for module in found}
        wanted = code.removesuffix(".v").removeprefix("coq/theories/").replace("/", ".")
        fitting = [module for module in modules if module == wanted or module.endswith(f".{wanted}")]
        return f"coq/CompactProofs.{fitting[0]}.html" if len(fitting) == 1 else None
    file, _, name = code.replace("/", ".").rpartition(".")
    fitting = [module for module in names.get(name, []) if not file or module == file or module.endswith(f".{file}")]
    if len(fitting) > 1:
        fitting = [module for module in fitting if ("Modular" in module) == modular]
    if len(fitting) > 1:
        fitting = [module for module in fitting if module.startswith("Spec.")]
    return f"coq/CompactProofs.{fitting[0]}.html#{name}" if len(fitting) == 1 else None


def linked(text: str, names: dict[str, list[str]], modular: bool = False) -> str:
    """Make links of the Coq names in a page; fenced code and headings stay as they are."""
    lines, fenced = [], False
    for line in text.split("\n"):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        if not fenced and not line.startswith(("#", "    ")):
            line = CODE.sub(lambda match: _link(match, names, modular), line)
        lines.append(line)
    return "\n".join(lines)


def _link(match: re.Match[str], names: dict[str, list[str]], modular: bool) -> str:
    target = coq_target(match.group(1), names, modular)
    return f"[`{match.group(1)}`]({target})" if target else match.group(0)


def moved(text: str, from_root: bool) -> str:
    """Turn the links of a page in the repository into links of the site. `from_root`: the page lies in the root."""

    def place(match: re.Match[str]) -> str:
        target = match.group(1)
        if "://" in target or target.startswith("#"):
            return match.group(0)
        path, hash_mark, anchor = target.partition("#")
        folder = ROOT if from_root else ROOT / "docs"
        where = Path(os.path.normpath(folder / path)).relative_to(ROOT).as_posix()
        if where == "README.md":
            where = "index.md"
        elif (ROOT / where).is_dir() and not where.startswith("coq/theories"):
            where = f"files/{where}/index.md"
        elif where.startswith("docs/") and where.count("/") == 1 or where.startswith("docs/figures/"):
            where = where.removeprefix("docs/")
        elif where.startswith("coq/theories/") and where.endswith(".v"):
            where = "coq/CompactProofs." + where.removeprefix("coq/theories/").removesuffix(".v").replace("/", ".") + ".html"
        elif where.startswith("coq/theories"):
            where = "coq/toc.html"
        else:
            where = f"files/{where}"
        return f"]({where}{hash_mark}{anchor})"

    text = text.replace('src="docs/', 'src="') if from_root else text
    return LINK.sub(place, text)


def commands_page() -> str:
    """Return the reference of all commands, from their parsers."""
    lines = [
        "# Commands",
        "",
        "`compact-proofs COMMAND`, in `.venv/bin` after `make setup`. Results go to stdout, progress to stderr.",
        "",
        "| exit status | |",
        "|---|---|",
        *(f"| {code} | {text} |" for code, text in EXIT_CODES.items()),
        "",
    ]
    os.environ["COLUMNS"] = "110"  # argparse wraps by it
    for name, parser in command_parsers().items():
        lines += [f"## {name}", "", "```text", parser.format_help().rstrip(), "```", ""]
    return "\n".join(lines)


EXIT_CODES = {
    0: "proved, or done",
    1: "not proved, which disproves nothing; or the system refused",
    2: "wrong usage",
    3: "input refused",
    4: "a tool is missing",
    5: "time or memory limit",
    130: "interrupted",
}


def stage(pages: Path) -> None:
    """Write all sources of the site into an empty folder."""
    names = coq_names()
    for path in sorted((ROOT / "docs").glob("*.md")):
        text = moved(path.read_text(encoding="utf-8"), False)
        (pages / path.name).write_text(linked(text, names, path.name.startswith("modular")), encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (pages / "index.md").write_text(linked(moved(readme, True), names), encoding="utf-8")
    (pages / "commands.md").write_text(commands_page(), encoding="utf-8")
    shutil.copytree(ROOT / "docs" / "figures", pages / "figures")
    shutil.copy(ROOT / "docs" / "site.css", pages / "site.css")
    for path in sorted((ROOT / "docs").glob("*.csv")):
        shutil.copy(path, pages / path.name)
    for target in {link for page in pages.glob("*.md") for link in LINK.findall(page.read_text(encoding="utf-8"))}:
        if target.startswith("files/"):
            _show_file(pages, target.removeprefix("files/"))


def _show_file(pages: Path, name: str) -> None:
    """Copy what a page shows of the repository itself; of a folder its files, with a list of them."""
    folder = (ROOT / name).parent
    files = [path for path in folder.iterdir() if path.is_file()] if name.endswith("/index.md") else [ROOT / name]
    copies = pages / "files" / folder.relative_to(ROOT)
    copies.mkdir(parents=True, exist_ok=True)
    for path in files:
        shutil.copy(path, copies / path.name)
    if name.endswith("/index.md"):
        listed = "".join(f"- [{path.name}]({path.name})\n" for path in sorted(files))
        (copies / "index.md").write_text(f"# {folder.relative_to(ROOT)}\n\n{listed}", encoding="utf-8")


def theory_pages(folder: Path) -> None:
    """Let coqdoc write the theory, statements with their proofs folded away."""
    folder.mkdir()
    sources = [path.relative_to(ROOT).as_posix() for path in sorted(THEORIES.rglob("*.v"))]
    command = ["coqdoc", "--html", "--utf8", "-g", "-s", "--toc", "--index", "names", "-d", str(folder)]
    subprocess.run([*command, "-Q", "coq/theories", "CompactProofs", *sources], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)


def main(arguments: list[str]) -> int:
    """Make the site; return 4 where a tool is missing."""
    parser = argparse.ArgumentParser(prog="make_site.py", description="Make the documentation's site.")
    parser.add_argument("--out", type=Path, default=Path("build"), metavar="DIR", help="the site goes to DIR/docs/site")
    out = parser.parse_args(arguments).out.resolve() / "docs"
    if shutil.which("coqdoc") is None:
        print("docs: coqdoc is not on the PATH; it comes with Coq: make setup", file=sys.stderr)
        return 4
    pages = out / "pages"
    shutil.rmtree(pages, ignore_errors=True)
    pages.mkdir(parents=True)
    stage(pages)
    theory_pages(pages / "coq")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(ROOT / "docs" / "mkdocs.yml")]
    environment = {**os.environ, "DOCS_PAGES": str(pages), "DOCS_SITE": str(out / "site")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        print(out / "site" / "index.html")
    else:  # every warning counts, as a link that leads nowhere
        print(done.stderr, file=sys.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
