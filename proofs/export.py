"""Write proofs that Coq has accepted as folders for strangers: `export_proof`. Who gets one checks it with `check_proof`."""

from __future__ import annotations

from pathlib import Path

from compact_proofs.extract.families import quantise_network
from compact_proofs.extract.rounding import QuantisedNetwork
from compact_proofs.models.weights import load_model
from compact_proofs.proofs import coqrun, pipeline
from compact_proofs.proofs.claim import Claim, inputs_hash
from compact_proofs.proofs.proof_folder import Matrix, ProofFolder
from compact_proofs.proofs.registry import Progress, Strategy, silent
from compact_proofs.proofs.report import Report
from compact_proofs.proofs.verify import Place


def proof_of(claim: Claim, strategy: Strategy, quantised: QuantisedNetwork) -> ProofFolder:
    """Return a claim about a quantised network as it is handed on."""
    matrices = {
        name: Matrix(tuple(map(tuple, matrix.ints.tolist())), matrix.scale_bits) for name, matrix in quantised.matrices().items()
    }
    return ProofFolder(
        quantised.name, quantised.layout, quantised.weight_bits, quantised.sizes(), matrices, strategy.name, claim.fields,
        claim.statement, claim.proved, claim.distribution,
    )  # fmt: skip


def export_proof(
    model: str,
    chosen: Strategy,
    options: pipeline.Options,
    folder: Path,
    say: coqrun.Say = pipeline.quiet,
    progress: Progress = silent,
) -> Path:
    """Write the proof of a model by a strategy to folder/MODEL/STRATEGY and return that folder; prove it first where Coq has
    not accepted it yet.

    Raises: as `pipeline.prove`.
    """
    config, weights = load_model(model)
    quantised = quantise_network(config, weights, options.weight_bits)
    place = Place(
        options.root or coqrun.theory_root(options.out), options.out, config.name, chosen.folder, chosen.distribution
    )
    claim = Claim.load(place.certificate)
    if claim is None or not _is_proved(place, claim, quantised, inputs_hash(quantised, chosen, options.tuning)):
        pipeline.prove(model, chosen, options, say, progress)
        claim = Claim.load(place.certificate)
        assert claim is not None, "prove has just written it"
    target = folder / config.name / chosen.folder
    proof_of(claim, chosen, quantised).write(target)
    return target


def _is_proved(place: Place, claim: Claim, quantised: QuantisedNetwork, inputs: str) -> bool:
    """Say whether the stored report is about this very claim."""
    if not place.report.is_file() or claim.inputs != inputs:
        return False
    report = Report.load(place.report)
    return (report.quantised_sha256, report.statement, report.proved_correct) == (quantised.sha256, claim.statement, claim.proved)
