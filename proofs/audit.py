"""What a sceptic wants to see of one proof: `audit` rebuilds everything from .v in a scratch directory and prints it.

The statement, the files to read, what the theorem rests on with the meaning of each name, the hashes of weights and certificate,
and the verdicts of coqc and coqchk on the theory and the proof. See docs/trust.md.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from compact_proofs.extract.coq_text import theorem_v
from compact_proofs.extract.layouts import Group
from compact_proofs.models.weights import load_model, weights_to_bytes
from compact_proofs.proofs import coqrun, pipeline
from compact_proofs.proofs.check_proof import check_folder
from compact_proofs.proofs.export import export_proof
from compact_proofs.proofs.proof_folder import ProofFolder
from compact_proofs.proofs.registry import Progress, Strategy, silent
from compact_proofs.proofs.verify import Checked

SPECIFICATION: dict[Group, tuple[str, ...]] = {
    "max_of_k": ("Spec/Network.v", "Spec/MaxOfK.v"),
    "modular": ("Spec/Network.v", "Spec/Modular.v"),
}
WEIGHTS = "Spec/Weighted.v"  # where the statement is about a distribution


@dataclass(frozen=True, slots=True)
class Audit:
    """All that `show` prints; theory: how many of our modules coqc and coqchk accepted; seconds: of coqchk on them."""

    proof: ProofFolder
    checked: Checked
    theorem_text: str
    reading: dict[str, int]
    weights_sha256: str
    certificate_sha256: dict[str, str]
    theory: int
    theory_s: float
    coqchk_s: float


def audit(
    model: str, chosen: Strategy, options: pipeline.Options, say: coqrun.Say = pipeline.quiet, progress: Progress = silent
) -> Audit:
    """Export the proof (made first where there is none), and check it against a theory built anew from its .v files.

    Raises: as `pipeline.prove`.
    """
    shipped = options.root or coqrun.theory_root(options.out)
    with tempfile.TemporaryDirectory(prefix="compact-proofs-audit-") as name:
        folder = export_proof(model, chosen, options, Path(name) / "proof", say, progress)
        theory = Path(name) / "coq"
        shutil.copytree(shipped / "theories", theory / "theories", ignore=_compiled)
        shutil.copy(shipped / "_CoqProject", theory / "_CoqProject")
        say("build the theory anew from its .v files; this takes minutes")
        built = coqrun.build_theory(theory, options.jobs, options.limits, say)
        proof, checked = check_folder(folder, theory, options.limits, say, options.jobs)
        say("coqchk on every module of the theory")
        modules = coqrun.theory_modules(theory)
        chk = coqrun.coqchk(theory, modules, options.limits)
        specification = [*SPECIFICATION[proof.shape.group], *([WEIGHTS] if proof.distribution else [])]
        reading = {f"coq/theories/{path}": _lines(theory / "theories" / path) for path in specification}
        weights = hashlib.sha256(weights_to_bytes(load_model(model)[1])).hexdigest()
        hashes = {one: hashlib.sha256((folder / one).read_bytes()).hexdigest() for one in proof.files}
        text = theorem_v(proof.theorem, proof.name, proof.proved)
        return Audit(proof, checked, text, reading, weights, hashes, len(modules), built.seconds, chk.seconds)


def show(found: Audit, console: Console) -> None:
    """Print an audit."""

    def heading(text: str) -> None:
        console.print(f"\n[bold]{text}[/]")

    def line(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    proof = found.proof
    heading("Statement")
    line(f"{proof.name}, {proof.strategy}: {found.checked.in_words}.")
    line(found.theorem_text.rstrip())
    heading(f"To read: {sum(found.reading.values())} lines of Coq say what that means")
    for path, lines in found.reading.items():
        line(f"{lines:5}  {path}")
    line("       docs/trust.md says what the theorem does not say")
    heading(f"It rests on {len(found.checked.assumptions)} assumptions of Coq's standard library, and Coq {coqrun.require_coq()}")
    meanings = coqrun.allowed_assumptions()
    for name in found.checked.assumptions:
        line(f"{name}: {meanings[name]}")
    heading("Hashes (sha256)")
    line(f"{found.weights_sha256}  float weights, as the file that was trained holds them")
    line(f"{proof.sha256}  integers of the network that the theorem is about")
    if proof.distribution:
        line(f"{proof.distribution.sha256}  weights of the distribution {proof.distribution.name} that it is about")
    for name, digest in found.certificate_sha256.items():
        line(f"{digest}  {name} of the exported proof")
    heading("Verdicts, all from .v files in a scratch directory")
    line(f"coqc accepts {found.theory} modules of the theory ({found.theory_s:.0f} s), weights, certificate and theorem")
    line(f"coqchk accepts the same modules ({found.coqchk_s:.0f} s for the theory)")
    line(f"seconds of the proof: {', '.join(f'{stage} {value:.1f}' for stage, value in found.checked.seconds.items())}")


def _compiled(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if not name.endswith(".v") and not Path(folder, name).is_dir()}


def _lines(path: Path) -> int:
    return path.read_text(encoding="utf-8").count("\n")
