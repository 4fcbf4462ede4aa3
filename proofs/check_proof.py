"""Check a stranger's proof: `python3 proofs/check_proof.py FOLDER`, or `make check PROOF=FOLDER`; needs Coq and a bare Python.

The folder (`proof_folder`) is read into numbers; the Coq text is written from these numbers, in a scratch directory, re-read by
the whitelist grammar, compiled from its .v against the theory of this checkout, and checked by coqchk. Exit code 0: accepted;
1: Coq refuses the claim; 3: the folder is refused before Coq sees anything; otherwise see `models.errors`.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__" and "compact_proofs" not in sys.modules:  # run as a file, nothing installed
    _package = types.ModuleType("compact_proofs")
    _package.__path__ = [str(Path(__file__).resolve().parents[1])]
    sys.modules["compact_proofs"] = _package

from compact_proofs.models.errors import CompactProofsError
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.proof_folder import ProofFolder
from compact_proofs.proofs.verify import Checked, Place, Stages, reread, verify, write_generated


@contextlib.contextmanager
def scratch(theory: Path) -> Iterator[Path]:
    """Make a root for generated files beside a link to the theory in `theory`; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="compact-proofs-") as name:
        root = Path(name)
        (root / "theories").symlink_to((theory / "theories").resolve(), target_is_directory=True)
        shutil.copy(theory / "_CoqProject", root / "_CoqProject")
        (root / "generated").mkdir()
        yield root


def check_folder(
    folder: Path, theory: Path, limits: coqrun.Limits, say: coqrun.Say, jobs: int = 1, clean: bool = False
) -> tuple[ProofFolder, Checked]:
    """Check the proof in a folder against the theory in `theory`, which is built first where it is not up to date.

    Raises: NotProved: Coq refuses. InputRefused, UsageError: the folder is none of a proof. ToolMissing, TimeLimit.
    """
    stages = Stages(say, 5)
    with stages("read", f"read {folder}"):
        proof = ProofFolder.read(folder)
        text = proof.weights_text()
    coqrun.require_coq()
    with stages("theory", "build the theory"):
        coqrun.build_theory(theory, jobs, limits, say, clean)
    with scratch(theory) as root:
        place = Place(root, root, proof.name, proof.theorem.folder, proof.distribution)
        with stages("generate", "write and re-read the Coq files"):
            write_generated(place, proof.theorem, text, proof.fields, proof.proved)
            reread(place, proof.theorem, proof.form.fields, proof.proved, text)
        return proof, verify(place, proof.theorem, proof.proved, proof.n_inputs, limits, stages)


def main(arguments: list[str] | None = None) -> int:
    """Check one folder; print the verdict and return the exit code."""
    parser = argparse.ArgumentParser(prog="check_proof.py", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="config.json, weights.json, certificate.json, claim.json, ..")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="files of the theory compiled at a time (default 1)")
    parser.add_argument("--time-limit", type=float, default=600, metavar="SECONDS", help="per run of Coq (default 600)")
    parser.add_argument("--memory-limit", type=int, default=8192, metavar="MB", help="per run of Coq (default 8192)")
    parser.add_argument("--out", type=Path, default=Path("build"), metavar="DIR", help="for an installed theory (default build)")
    parser.add_argument("--rebuild-theory", action="store_true", help="build the theory anew from its .v files")
    options = parser.parse_args(arguments)
    limits = coqrun.Limits(options.time_limit, options.memory_limit)

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    try:
        theory = coqrun.theory_root(options.out)
        proof, checked = check_folder(options.folder, theory, limits, say, options.jobs, options.rebuild_theory)
    except CompactProofsError as error:
        print(f"REFUSED: {error}")
        return error.exit_code
    except OSError as error:
        print(f"REFUSED: {error}; nothing was checked")
        return 3
    except KeyboardInterrupt:
        print("interrupted: nothing was checked", file=sys.stderr)
        return 130
    print(f"ACCEPTED: {proof.name}, {proof.strategy}: {checked.in_words}.")
    print(checked.theorem)
    print(f"network    {proof.layout}, {', '.join(f'{name} {size}' for name, size in proof.size_of.items())}")
    print(f"integers   sha256 {proof.sha256}")
    if proof.distribution:
        print(f"weights    {proof.distribution.name}, sha256 {proof.distribution.sha256}")
    print(f"rests on   {', '.join(checked.assumptions) or 'no axiom'}")
    print(f"seconds    {', '.join(f'{stage} {seconds:.1f}' for stage, seconds in checked.seconds.items())}")
    of_weights = " and the distribution with these weights" if proof.distribution else ""
    print(f"The theorem is about the network with these integers{of_weights}.", end=" ")
    print("Whether it is the one you mean is yours to compare: sha256.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
