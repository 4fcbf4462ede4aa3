"""What the soundness theorems rest on (`soundness_assumptions`), and what they are known to rest on (`golden_assumptions`)."""

from __future__ import annotations

import importlib.resources
import tempfile
from collections.abc import Mapping
from pathlib import Path

from compact_proofs.extract.layouts import LAYOUTS
from compact_proofs.models.errors import NotProved
from compact_proofs.models.files import write_atomic
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.forms import FORMS


def golden_assumptions() -> dict[str, list[str]]:
    """Return what each strategy's soundness theorem is known to rest on, from `golden_assumptions.txt`.

    A theorem of a generated file rests on the same: its proof is that theorem and an evaluation.
    """
    text = (importlib.resources.files("compact_proofs.proofs") / "golden_assumptions.txt").read_text(encoding="ascii")
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("  "):
            found[next(reversed(found))].append(line.strip())
        elif line and not line.startswith("#"):
            found[line] = []
    return found


def golden_text(found: Mapping[str, list[str]]) -> str:
    """Return the text of `golden_assumptions.txt`."""
    top = "# What each soundness theorem rests on; `make check-assumptions` wants exactly this. See docs/trust.md.\n"
    return top + "".join(f"{name}\n" + "".join(f"  {one}\n" for one in names) for name, names in sorted(found.items()))


def check_golden(found: Mapping[str, list[str]]) -> None:
    """Compare what soundness theorems rest on with what they are known to rest on.

    Raises: NotProved: naming the first theorem that differs, and how.
    """
    golden = golden_assumptions()
    for name in sorted(found.keys() | golden.keys()):
        got, wanted = set(found.get(name, [])), set(golden.get(name, []))
        if name not in found or name not in golden or got != wanted:
            new, gone = ", ".join(sorted(got - wanted)) or "nothing", ", ".join(sorted(wanted - got)) or "nothing"
            raise NotProved(
                f"{name}: rests on {new} beyond proofs/golden_assumptions.txt, and not on {gone} of what it lists; "
                "understand why, then run `make accept-golden`"
            )


def soundness_assumptions(root: Path, limits: coqrun.Limits) -> dict[str, list[str]]:
    """Return what each strategy's soundness theorem rests on, by its Coq name; the theory must be built.

    Raises: NotProved: something that proofs/allowed_assumptions.txt does not list.
    """
    result = {}
    facades = {layout.group: layout.facade for layout in LAYOUTS.values()}
    found = {(facades[form.group], names.sound) for form in FORMS.values() for names in form.coq.values()}
    for facade in sorted({facade for facade, _ in found}):
        names = sorted(sound for of, sound in found if of == facade)
        # The import ends with the module, so that names print qualified.
        aliases = "".join(f"Definition alias_{name} := @{name}. " for name in names)
        text = f"From CompactProofs Require {facade}.\nModule Alias. Import {facade}. {aliases}End Alias.\n"
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "Soundness.v"
            prints = "".join(f"Print Assumptions Alias.alias_{name}.\n" for name in names)
            source.write_text(text + prints, encoding="ascii")
            answers = _answers(coqrun.coqc(root, source, limits).stdout)
        for name, answer in zip(names, answers, strict=True):
            result[name] = coqrun.assumptions(answer)
            coqrun.check_assumptions(result[name])
    return result


def _answers(printed: str) -> list[str]:
    """Split the output of several `Print Assumptions` into that of each."""
    lines = printed.splitlines(keepends=True)
    starts = [at for at, line in enumerate(lines) if line.strip() in ("Axioms:", "Closed under the global context")]
    if not starts or starts[0] > 0:
        raise NotProved(f"Print Assumptions: got {printed[:80]!r}, wanted axioms or none")
    return ["".join(lines[at:to]) for at, to in zip(starts, [*starts[1:], len(lines)], strict=True)]


def accept_golden(found: Mapping[str, list[str]]) -> None:
    """Make what was found the text of `golden_assumptions.txt`."""
    write_atomic(Path(__file__).with_name("golden_assumptions.txt"), golden_text(found).encode("ascii"))
