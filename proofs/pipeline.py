"""From a model and a strategy to a theorem that Coq has checked: `prove`, and `check` for what `prove` has left.

Stages: load and quantise, evaluate, build the theory, search, write and re-read the Coq files, coqc, Print Assumptions and
coqchk, the time of brute force estimated, report. The search is the only stage that is skipped when its inputs are
unchanged. report.json is removed first and written last, so it exists only where Coq has accepted.
"""

from __future__ import annotations

import dataclasses
import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from compact_proofs.extract.coq_text import weights_v
from compact_proofs.extract.families import network_accuracy, quantise_network
from compact_proofs.extract.layouts import LAYOUTS, Layout
from compact_proofs.extract.quantise import QuantisedModel, quantised_tables
from compact_proofs.extract.rounding import QuantisedNetwork
from compact_proofs.models.errors import CompactProofsError, InputRefused, NotProved, UsageError
from compact_proofs.models.evaluate import Evaluation, weight_right
from compact_proofs.models.tasks import n_inputs
from compact_proofs.models.weights import load_model, weights_to_bytes
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.brute_cost import brute_force_seconds
from compact_proofs.proofs.claim import Claim, inputs_hash
from compact_proofs.proofs.registry import DEFAULT, Progress, Strategy, Tuning, silent, strategies, strategy, strategy_for
from compact_proofs.proofs.report import Report, of_distribution
from compact_proofs.proofs.verify import Checked, Place, Stages, data_bytes, reread, verify, write_generated


def quiet(line: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to prove. `out` gets report and certificate; `root` is the folder of the theory (None: the shipped one);
    `weight_bits`: None for the default of the family; `estimate`: time brute force on a sample as well; `tuning`: what the user
    chooses of the certificate."""

    out: Path = Path("build")
    weight_bits: int | None = None
    jobs: int = 1
    limits: coqrun.Limits = coqrun.Limits()
    rebuild_theory: bool = False
    root: Path | None = None
    command: str = ""
    estimate: bool = True
    tuning: Tuning = DEFAULT


def prove(
    model_name: str, chosen: Strategy, options: Options, say: coqrun.Say = quiet, progress: Progress = silent
) -> Report:
    """Prove a bound for a model and write report.json.

    Args:    say: told each stage; progress: told how far a search has come.
    Raises:  NotProved: the mirror or Coq did not accept; the message says which case failed. UsageError, InputRefused,
             ToolMissing, TimeLimit: see models.errors.
    """
    version = coqrun.require_coq()
    stages = Stages(say, 8 if options.estimate else 7)
    with stages("quantise", f"load {model_name} and quantise it"):
        config, weights = load_model(model_name)
        quantised = quantise_network(config, weights, options.weight_bits)
        _check_group(chosen, quantised)
    place = Place(_root(options), options.out, config.name, chosen.folder, chosen.distribution)
    total = n_inputs(config) if chosen.distribution is None else chosen.distribution.total
    with coqrun.locked(place.lock, say):
        if not place.certificate.is_file():  # the report is not about what is here
            place.report.unlink(missing_ok=True)
        place.remove_unfinished()
        with stages("evaluate", "evaluate the float and the quantised network"):
            found = network_accuracy(config, weights, quantised)
            of_quantised = _evaluate(chosen, quantised) or found.quantised
        with stages("theory", "build the theory"):
            coqrun.build_theory(place.root, options.jobs, options.limits, say, options.rebuild_theory)
        with stages("search", f"search: {chosen.name}"):
            claim, reused = _search(quantised, chosen, place, options.tuning, progress)
        if reused:
            stages.seconds["search"] = claim.search_s
        with stages("generate", "write and re-read the Coq files"):
            form, text = claim.form(chosen), weights_v(quantised)
            place.report.unlink(missing_ok=True)
            write_generated(place, form, text, claim.fields, claim.proved)
            reread(place, form, chosen.form.fields, claim.proved, text)
        try:
            checked = verify(place, form, claim.proved, total, options.limits, stages)
        except NotProved:
            if reused:
                place.certificate.unlink(missing_ok=True)  # the next run searches again
            raise
        brute_force_s = None
        if options.estimate:
            with stages("estimate", "time brute force on a sample of sequences"):
                try:
                    brute_force_s = round(brute_force_seconds(place.root, quantised, options.limits), 1)
                except (CompactProofsError, OSError) as error:  # a figure to compare with, no part of the proof
                    say(f"brute force is not estimated: {error}")
        true_correct = of_quantised.right if of_quantised.exhaustive and of_quantised.undecided == 0 else None
        _check_against_enumeration(claim, true_correct)
        report = Report(
            model=config.name,
            strategy=chosen.name,
            family=config.family,
            sizes=quantised.sizes(),
            weight_bits=quantised.weight_bits,
            n_inputs=total,
            statement=claim.statement,
            proved_correct=claim.proved,
            true_correct=true_correct,
            float_accuracy=found.float_network.right / found.float_network.total,
            quantised_accuracy=found.quantised.right / found.quantised.total,
            float_evaluation=dataclasses.asdict(found.float_network),
            quantised_evaluation=dataclasses.asdict(found.quantised),
            disagreement=dataclasses.asdict(found.disagreement),
            certificate_bytes=data_bytes(place.root / place.source("Certificate")),
            checker_operations=claim.operations,
            seconds=checked.seconds,
            search_reused=reused,
            peak_rss_mb=checked.peak_rss_mb,
            assumptions=checked.assumptions,
            theorem=checked.theorem,
            theorem_in_words=checked.in_words,
            files=place.files(),
            coq_version=version,
            weights_sha256=hashlib.sha256(weights_to_bytes(weights)).hexdigest(),
            quantised_sha256=quantised.sha256,
            command=options.command,
            brute_force_estimate_s=brute_force_s,
            mechanism=list(claim.words),
            distribution=None if chosen.distribution is None else of_distribution(chosen.distribution, of_quantised),
        )
        report.save(place.report)
    return report


def check(model_name: str, chosen: Strategy, options: Options, say: coqrun.Say = quiet) -> Checked:
    """Have Coq check the files that `prove` has left once more, every one rebuilt from its .v.

    Where the check fails, report.json is removed.

    Raises: UsageError: nothing there to check. Otherwise as `prove`.
    """
    coqrun.require_coq()
    stages = Stages(say, 4)
    config, weights = load_model(model_name)
    place = Place(_root(options), options.out, config.name, chosen.folder, chosen.distribution)
    with coqrun.locked(place.lock, say):
        claim = Claim.load(place.certificate)
        missing = [str(place.root / source) for source in place.sources if not (place.root / source).is_file()]
        if claim is None or missing:
            what = missing[0] if missing else place.certificate
            raise UsageError(f"nothing to check: {what} is missing or unreadable; run `compact-proofs prove` first")
        try:
            with stages("theory", "build the theory"):
                coqrun.build_theory(place.root, options.jobs, options.limits, say, options.rebuild_theory)
            with stages("reread", "re-read the Coq files"):
                quantised = quantise_network(config, weights, claim.weight_bits)
                if claim.layout != quantised.layout:  # the same matrices may fit another architecture
                    raise InputRefused(
                        f"{place.certificate}: the claim is about a network of layout {claim.layout}, {config.name} is of "
                        f"layout {quantised.layout}; prove again"
                    )
                form = claim.form(chosen)
                reread(place, form, chosen.form.fields, claim.proved, weights_v(quantised))
            total = n_inputs(config) if chosen.distribution is None else chosen.distribution.total
            return verify(place, form, claim.proved, total, options.limits, stages)
        except (NotProved, InputRefused):
            place.report.unlink(missing_ok=True)
            raise


def reread_all(options: Options) -> list[Path]:
    """Re-read every generated Coq file by the whitelist grammar and return their paths, sorted.

    Raises: GrammarError: a file that the grammar does not allow. InputRefused: a .v file that `prove` has not written, or
    whose certificate.json is missing.
    """
    root = _root(options)
    found = sorted(root.glob("generated/**/*.v"))
    covered: set[Path] = set()
    for path in sorted(root.glob("generated/*/*/Theorem.v")):
        place = Place(root, options.out, path.parts[-3], path.parts[-2])
        claim = Claim.load(place.certificate)
        if claim is None:
            raise InputRefused(f"{path}: {place.certificate} is missing or unreadable; prove again or remove the folder")
        if claim.distribution is None:
            chosen = strategy(place.strategy, LAYOUTS[claim.layout].group)
        else:
            chosen = strategy_for(LAYOUTS[claim.layout].group, None, claim.distribution)
            place = dataclasses.replace(place, distribution=claim.distribution)
        reread(place, claim.form(chosen), chosen.form.fields, claim.proved)
        covered |= {root / source for source in (*place.sources, place.source("Assumptions"), place.source("Diagnose"))}
    if unknown := [path for path in found if path not in covered]:
        raise InputRefused(f"{unknown[0]} is no file of a finished generation; remove it or prove again")
    return found


def _check_group(chosen: Strategy, quantised: QuantisedNetwork) -> None:
    """Refuse a strategy of another task, or a distribution of other sizes. Raises: UsageError."""
    layout: Layout = LAYOUTS[quantised.layout]
    if chosen.group != layout.group:
        raise UsageError(
            f"strategy {chosen.name} is for {chosen.group}, {quantised.name} is a {layout.group} network; "
            f"valid: {', '.join(strategies(layout.group))}"
        )
    if chosen.distribution is not None:
        sizes = quantised.sizes()
        if not chosen.distribution.fits(sizes["n_ctx"], sizes["d_vocab"]):
            got = f"{len(chosen.distribution.rows)} x {len(chosen.distribution.rows[0])}"
            raise UsageError(
                f"distribution {chosen.distribution.name}: got {got} weights, wanted {sizes['n_ctx']} x {sizes['d_vocab']}, the "
                f"positions and tokens of {quantised.name}"
            )


def _evaluate(chosen: Strategy, quantised: QuantisedNetwork) -> Evaluation | None:
    """Evaluate the quantised network under the strategy's distribution; None where all inputs count alike."""
    if chosen.distribution is None:
        return None
    assert isinstance(quantised, QuantisedModel)
    return weight_right(quantised_tables(quantised), chosen.distribution.rows)


def _root(options: Options) -> Path:
    return options.root or coqrun.theory_root(options.out)


def _search(
    quantised: QuantisedNetwork, chosen: Strategy, place: Place, tuning: Tuning, progress: Progress
) -> tuple[Claim, bool]:
    """Return a claim, and whether it is the stored one."""
    stored = Claim.load(place.certificate)
    if stored is not None and stored.inputs == inputs_hash(quantised, chosen, tuning) and stored.layout == quantised.layout:
        return stored, True
    start = time.monotonic()
    found = chosen.find(quantised, tuning, progress)
    accepted = chosen.mirror(quantised, found.certificate)
    if accepted != found.proved:
        raise NotProved(
            f"{chosen.name}: the search claims {found.proved:,} inputs, its mirror of the checker accepts {accepted:,}; "
            "this is a fault of the search, nothing was given to Coq"
        )
    claim = Claim.of(found, chosen, quantised, tuning, round(time.monotonic() - start, 3))
    place.report.unlink(missing_ok=True)  # an earlier proof stands until there is another certificate
    claim.save(place.certificate)
    return claim, False


def _check_against_enumeration(claim: Claim, true_correct: int | None) -> None:
    """Refuse a theorem that the float64 enumeration of all inputs contradicts: one of the two must be wrong."""
    if true_correct is None:
        return
    above, below = claim.proved > true_correct, claim.proved < true_correct
    if {"at_least": above, "at_most": below, "exactly": above or below, "at_least_weight": above}[claim.statement]:
        raise NotProved(
            f"Coq accepts {claim.statement.replace('_', ' ')} {claim.proved:,} right inputs, enumeration in float64 finds "
            f"{true_correct:,}; one of them is wrong: please report this"
        )


