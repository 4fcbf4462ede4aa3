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
    for facade, sound in sorted(found):
        # The import ends with the module, so that names print qualified.
        text = f"From CompactProofs Require {facade}.\nModule Alias. Import {facade}. Definition sound := @{sound}. End Alias.\n"
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "Soundness.v"
            source.write_text(text + "Print Assumptions Alias.sound.\n", encoding="ascii")
            result[sound] = coqrun.assumptions(coqrun.coqc(root, source, limits).stdout)
        coqrun.check_assumptions(result[sound])
    return result


def accept_golden(found: Mapping[str, list[str]]) -> None:
    """Make what was found the text of `golden_assumptions.txt`."""
    write_atomic(Path(__file__).with_name("golden_assumptions.txt"), golden_text(found).encode("ascii"))
