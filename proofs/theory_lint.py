"""Refuses in the Coq theory what would weaken a theorem (`BARRED`) and what is left over from working on it (`LEFTOVERS`).

Standard library only: `python3 proofs/theory_lint.py admitted|leftovers|all [FOLDER]`. Comments and strings do not count.
The text behind the names that are barred: docs/trust.md.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

MOST_LINES = 500
START = r"(?:(?<=\.\s)|(?<=[-+*{}]\s)|\A)\s*"  # where a command or a tactic may stand
PREFIX = r"(?:(?:Local|Global|Polymorphic|Monomorphic|Time|Timeout \d+|Fail|Succeed|#\[[^\]]*\])\s+)*"

BARRED = {
    r"(?:Axioms?|Parameters?|Conjectures?)\b": "assumes what is not proved",
    r"(?:Hypothes[ie]s|Variables?)\b": "is an axiom outside a section; use Context inside one",
    r"Admitted\b": "leaves a proof open",
    r"Admit\s+Obligations\b": "leaves a proof open",
    r"Program\s+(?:Fixpoint|Definition|Lemma|Instance)\b": "may make a fixpoint wrongly accepted (Coq issue 20413)",
    r"Unset\s+(?:Guard|Positivity|Universe)\s+Checking\b": "switches off a check of the kernel",
    r"Set\s+(?:Impredicative\s+Set|Universe\s+Polymorphism|Definitional\s+UIP)\b": "changes the logic",
    r"Register\b": "touches the kernel's tables (Coq issue 21736)",
    r"Primitive\b": "declares a primitive",
    r"Strategy\b": "does not reach coqchk",
    r"Module\s+(?:Type\s+)?(?:Import\s+|Export\s+)?\w+\s*[(!]": "is a functor; subtyping of functors has kernel bugs",
    r"Declare\s+(?:ML\s+)?Module\b": "loads code or opens an interface",
    r"(?:Load|Cd|Drop|Redirect|Extraction)\b": "reaches outside the theory",
}
BARRED_ANYWHERE = {
    r"\badmit\b|\bgive_up\b": "leaves a proof open",
    r"\bbypass_check\b": "switches off a check of the kernel",
    r"\bnative_(?:compute|cast_no_check)\b": "is not available and not trusted",
    r"\b(?:PrimFloat|FloatAxioms|FloatOps|Floats|PArray|PrimArray)\b": "is barred: kernel bugs (Coq issues 17871, 16829)",
    r"\baddmuldiv\b": "is barred: wrong in the VM for shifts of 64 and more (Coq issue 19402)",
}
LEFTOVERS = {
    r"(?:Check|Print|Search\w*|About|Locate|Show|Compute|Eval|Test|Inspect)\b": "prints; take it out",
    r"(?:Abort|Restart|Undo|Back|Fail|Time)\b": "is left over from working on a proof",
    r"Goal\b": "is a theorem without a name",
    r"idtac\b": "is left over from working on a proof",
}


def blanked(text: str) -> str:
    """Return the text with comments (they nest) and strings replaced by blanks; line ends stay."""
    result: list[str] = []
    depth, string, at = 0, False, 0
    while at < len(text):
        pair = text[at : at + 2]
        step = 1
        if string:
            string = text[at] != '"'
        elif pair == "(*":
            depth, step = depth + 1, 2
        elif pair == "*)" and depth:
            depth, step = depth - 1, 2
            result.append("  ")
            at += step
            continue
        elif text[at] == '"':
            string = True
        hidden = depth > 0 or string or text[at] == '"'
        result += ["\n" if char == "\n" else " " if hidden else char for char in text[at : at + step]]
        at += step
    return "".join(result)


def problems(text: str, path: str, which: str) -> list[str]:
    """Return one message per thing refused in one file, by line; `which` is "admitted", "leftovers" or "all"."""
    plain = blanked(text)
    patterns: list[tuple[str, str]] = []
    if which in ("admitted", "all"):
        patterns += [(START + PREFIX + pattern, why) for pattern, why in BARRED.items()] + list(BARRED_ANYWHERE.items())
    if which in ("leftovers", "all"):
        patterns += [(START + PREFIX + pattern, why) for pattern, why in LEFTOVERS.items()]
    found = set()
    for pattern, why in patterns:
        for match in re.finditer(pattern, plain):
            word = " ".join(match.group().split())
            end_of_blanks = match.start() + len(match.group()) - len(match.group().lstrip())
            found.add((plain.count("\n", 0, end_of_blanks) + 1, f"`{word}` {why}"))
    lines = text.count("\n")
    if which in ("leftovers", "all") and lines > MOST_LINES:
        found.add((lines, f"the file has {lines} lines, wanted at most {MOST_LINES}; split it"))
    return [f"{path}:{line}: {message}" for line, message in sorted(found)]


def main(arguments: list[str]) -> int:
    """Check every .v under a folder (default coq/theories); 0 when clean, 1 otherwise, 2 on wrong usage."""
    if not 1 <= len(arguments) <= 2 or arguments[0] not in ("admitted", "leftovers", "all"):
        print("usage: theory_lint.py admitted|leftovers|all [FOLDER]", file=sys.stderr)
        return 2
    folder = Path(arguments[1] if len(arguments) == 2 else "coq/theories")
    files = sorted(folder.glob("**/*.v"))
    if not files:
        print(f"theory_lint: no .v file under {folder}", file=sys.stderr)
        return 2
    found = [line for path in files for line in problems(path.read_text(encoding="utf-8"), str(path), arguments[0])]
    for line in found:
        print(line, file=sys.stderr)
    print(f"theory_lint {arguments[0]}: {len(files)} files, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
