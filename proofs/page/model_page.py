"""The page of a model: `model_page` gathers its finished proofs and the figures of its mechanism."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compact_proofs.extract.coq_text import WEIGHTED
from compact_proofs.extract.families import AnyConfig, AnyWeights, default_bits, network_accuracy, quantise_network
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.extract.rounding import QuantisedNetwork, check_bits
from compact_proofs.models.config import ModelConfig
from compact_proofs.models.errors import InputRefused, UsageError
from compact_proofs.models.evaluate import Disagreement, Evaluation
from compact_proofs.models.modular.config import ModularConfig
from compact_proofs.models.tasks import n_inputs
from compact_proofs.models.weights import load_model, weights_to_bytes
from compact_proofs.proofs.page import costs, max_of_k, modular
from compact_proofs.proofs.page.content import Cell, Page, Section, Table, Theorem
from compact_proofs.proofs.page.figures import Figure
from compact_proofs.proofs.page.numbers import count, scientific, tightness
from compact_proofs.proofs.registry import strategies
from compact_proofs.proofs.report import SIZES, Report
from compact_proofs.proofs.strategies import brute_force
from compact_proofs.proofs.table import STATEMENTS, Row
from compact_proofs.proofs.words import percent

SIGNS = {"at_least": "≥", "at_most": "≤", "exactly": "=", "at_least_weight": "≥"}
SPECIFICATIONS = {"max_of_k": "Spec/Network.v, Spec/MaxOfK.v", "modular": "Spec/Network.v, Spec/Modular.v"}


@dataclass(frozen=True, slots=True)
class Finished:
    """The finished proofs of a model. counting: of how many of all inputs are right; others: under other distributions, say;
    stale: strategies whose report is about other weights of this name."""

    counting: tuple[Report, ...]
    others: tuple[Report, ...]
    stale: tuple[str, ...]

    @property
    def every(self) -> tuple[Report, ...]:
        return self.counting + self.others


def model_page(name_or_path: str, out: Path) -> tuple[Page, tuple[Report, ...]]:
    """Gather the page of a model, and the reports that it shows.

    Raises: UsageError: unknown model. InputRefused: a model or a report that is damaged, or a report of another model.
    """
    config, weights = load_model(name_or_path)
    folder = out / config.name
    found = finished(config, weights, folder)
    reports = found.counting
    bits = sorted({report.weight_bits for report in found.every}) or [default_bits(config)]
    quantised = {one: quantise_network(config, weights, one) for one in bits}
    shown = quantised[reports[0].weight_bits if reports else bits[0]]
    rows = [costs.row_of(report, report.true_correct, _seed(config)) for report in reports]
    notes = []
    if found.stale:
        which = ", ".join(found.stale)
        notes.append(f"Left out: {which}. Proved of other weights that once had this name; run `compact-proofs prove` again.")
    sections = [
        _theorems(config, found),
        *([_trust(found.every)] if found.every else []),
        *([Section("proofs", "Every proof", table=proofs_table(found, rows))] if found.every else []),
        *_cost(shown, rows, _unproved(quantised, reports, folder)),
        _mechanism(config, shown, reports),
    ]
    page = Page(
        title=config.name,
        kicker="Report of a network",
        lede=_lede(config, found),
        facts=_facts(config, weights, shown, found.every),
        sections=tuple(sections),
        notes=tuple(notes),
        footer=(
            f"Weights: sha256 {_sha256(weights)}.",
            f"Integers of {shown.weight_bits} bits: sha256 {shown.sha256}.",
            f"Made by: compact-proofs report {config.name}",
        ),
    )
    return page, found.every


def finished(config: AnyConfig, weights: AnyWeights, folder: Path) -> Finished:
    """Read the finished proofs of a model, the best strategy first.

    Raises: InputRefused: a report.json that is damaged, or of another model or strategy.
    """
    known = list(strategies("max_of_k" if isinstance(config, ModelConfig) else "modular"))
    digest = _sha256(weights)
    found: dict[str, list[Report]] = {"counting": [], "others": [], "stale": []}
    for path in sorted(folder.glob("*/report.json")):
        report = Report.load(path)
        counting = report.statement in STATEMENTS and report.n_inputs == n_inputs(config)
        _check(report, config, path, counting)
        found["stale" if report.weights_sha256 != digest else "counting" if counting else "others"].append(report)
    found["counting"].sort(key=lambda one: known.index(one.strategy) if one.strategy in known else len(known))
    return Finished(tuple(found["counting"]), tuple(found["others"]), tuple(report.strategy for report in found["stale"]))


def _check(report: Report, config: AnyConfig, path: Path, counting: bool) -> None:
    """Refuse a report that is not about this model, or whose numbers cannot be."""
    wanted = {"model": config.name, "family": config.family} | ({"strategy": path.parent.name} if counting else {})
    for name, value in wanted.items():
        if getattr(report, name) != value:
            raise InputRefused(f"{path}: {name} is {getattr(report, name)!r}, wanted {value!r}; prove again")
    try:
        texts = (report.strategy, report.theorem, report.theorem_in_words, report.coq_version, *report.mechanism)
        if not all(isinstance(text, str) for text in (*texts, *report.assumptions)):
            raise TypeError("a text is of another type")
        check_bits(report.weight_bits)
        _cells(report, "", None)
        if counting:
            costs.row_of(report, report.true_correct, None)
    except (ValueError, TypeError, KeyError, UsageError) as error:
        raise InputRefused(f"{path}: not a report of this version ({error}); prove again") from error


def _lede(config: AnyConfig, found: Finished) -> tuple[str, ...]:
    if not found.every:
        return (f"Nothing is proved of {config.name} yet.", "This page shows what the network computes.")
    best = strongest(found.counting) or found.others[:1]
    return tuple(f"Proved in Coq: {report.theorem_in_words}." for report in best)


def strongest(reports: Sequence[Report]) -> list[Report]:
    """Return the reports that say most: one of an exact count, else the best from below and the best from above."""
    exact = [one for one in reports if one.statement == "exactly"]
    if exact:
        return [min(exact, key=lambda one: one.checker_operations)]
    below = [one for one in reports if one.statement == "at_least"]
    above = [one for one in reports if one.statement == "at_most"]
    best = [max(below, key=lambda one: one.proved_correct)] if below else []
    return best + ([min(above, key=lambda one: one.proved_correct)] if above else [])


def _theorems(config: AnyConfig, found: Finished) -> Section:
    heading = "What is proved"
    if not found.every:
        return Section(
            "theorems",
            heading,
            ("Nothing yet. One of these proves a bound and has Coq check it; then make this page again:",),
            commands=(f"compact-proofs prove {config.name}", f"make prove MODEL={config.name}"),
        )
    best = strongest(found.counting) or list(found.others[:1])
    others = [report for report in found.every if report not in best]
    more = f"{len(others)} more theorem{'s' * (len(others) != 1)}" if others else ""
    theorems, hidden = (tuple(map(_theorem, one)) for one in (best, others))
    return Section("theorems", heading, theorems=theorems, more_title=more, more=hidden)


def _theorem(report: Report) -> Theorem:
    words = f"{report.theorem_in_words[:1].upper()}{report.theorem_in_words[1:]}."
    return Theorem(report.strategy, words, report.theorem, str(report.files.get("theorem", "")))


def _trust(reports: Sequence[Report]) -> Section:
    names = sorted({name for report in reports for name in report.assumptions})
    specification = SPECIFICATIONS["max_of_k" if reports[0].family == "max_of_k" else "modular"]
    specification += ", Spec/Weighted.v" if any(report.statement in WEIGHTED for report in reports) else ""
    versions = " and ".join(sorted({report.coq_version for report in reports}))
    return Section(
        "trust",
        "What has to be trusted",
        (
            f"You trust Coq {versions}, the specification ({specification}), the definition of network in the theorem's "
            f"file, and the {len(names)} assumptions that Coq prints. Training, rounding, the search, the certificates and this "
            "page are not trusted, and nothing is said of the float network: docs/trust.md has all of it.",
        ),
        hidden_title=f"The {len(names)} assumptions",
        hidden=tuple(names),
    )


def proofs_table(found: Finished, rows: Sequence[Row]) -> Table:
    """Return the table of a model's proofs. rows: of those that count."""
    known, measure = costs.truths(rows), costs.measure(rows)
    tight = [known[row.model, row.weight_bits].tightness(row) for row in rows]
    cells = [_cells(report, measure, one) for report, one in zip(found.counting, tight, strict=True)]
    cells += [_cells(report, measure, None) for report in found.others]
    if len({report.weight_bits for report in found.every}) == 1:
        cells = [one | {"weights, bits": Cell("")} for one in cells]
    return Table.of("Each line is a theorem that Coq has accepted.", cells, [name for name in cells[0] if name != "strategy"])


def _cells(report: Report, measure: str, tight: float | None) -> dict[str, Cell]:
    proved, share = report.proved_correct, percent(report.proved_correct, report.n_inputs, up=report.statement == "at_most")
    weight = f"of the weight of {(report.distribution or {}).get('name', '')}" if report.statement in WEIGHTED else ""
    return {
        "strategy": Cell(report.strategy),
        "right inputs": Cell(weight or f"{SIGNS[report.statement]} {count(proved)}", proved),
        "of all": Cell(f"{SIGNS[report.statement]} {share}" if weight else share, proved / report.n_inputs),
        measure: Cell("" if tight is None else tightness(tight), tight),
        "operations": Cell(scientific(report.checker_operations), report.checker_operations),
        "certificate, bytes": Cell(count(report.certificate_bytes), report.certificate_bytes),
        **{f"{stage}, s": Cell(f"{report.seconds[stage]:.1f}", report.seconds[stage]) for stage in ("search", "coqc", "coqchk")},
        "weights, bits": Cell(str(report.weight_bits), report.weight_bits),
    }


def _cost(quantised: QuantisedNetwork, rows: Sequence[Row], left: Figure | str | None) -> list[Section]:
    """Return the section of length, tightness and what is left unproved: a figure, or why there is none."""
    if isinstance(quantised, QuantisedModular):
        brute = modular.brute_force_operations(quantised)
    else:
        assert isinstance(quantised, QuantisedModel)
        brute = 2 * brute_force.estimate_operations(quantised.n_ctx, quantised.d_vocab)  # right, and wrong
    figures = [one for one in (costs.cost_figure("cost", "", rows, brute), left) if isinstance(one, Figure)]
    if not figures:
        return []
    paragraphs = (left,) if isinstance(left, str) else ()
    return [Section("cost", "How short, how tight, and what is left", paragraphs, figures=tuple(figures))]


def _mechanism(config: AnyConfig, quantised: QuantisedNetwork, reports: Sequence[Report]) -> Section:
    if isinstance(quantised, QuantisedModular):
        assert isinstance(config, ModularConfig)
        figures = modular.mechanism(config, quantised)
    else:
        assert isinstance(quantised, QuantisedModel)
        figures = max_of_k.mechanism(quantised)
    words = [f"{report.strategy}: {line}" for report in reports for line in report.mechanism[:1]]
    found = max((report.mechanism[1:] for report in reports), key=len, default=[])
    return Section(
        "mechanism",
        "How the network does it",
        (f"Of the quantised network with weights of {quantised.weight_bits} bits. No theorem rests on these figures.",),
        lines=tuple(words),
        hidden_title="Its frequencies, in words" if found else "",
        hidden=tuple(found),
        figures=tuple(figures),
    )


def _unproved(quantised: dict[int, QuantisedNetwork], reports: Sequence[Report], folder: Path) -> Figure | str | None:
    networks = {bits: one for bits, one in quantised.items() if isinstance(one, QuantisedModel)}
    return max_of_k.unproved(networks, reports, folder) if reports and networks else None


def _facts(
    config: AnyConfig, weights: AnyWeights, quantised: QuantisedNetwork, reports: Sequence[Report]
) -> tuple[tuple[str, str], ...]:
    facts = [("task", _task(config)), ("network", _network(config, quantised))]
    if reports:
        evaluations = {report.weight_bits: Evaluation(**report.quantised_evaluation).in_words() for report in reports}
        facts += [(f"quantised to {bits} bits, measured", words) for bits, words in sorted(evaluations.items())]
        facts.append(("float network, measured", Evaluation(**reports[0].float_evaluation).in_words()))
        facts.append(("their answers differ", Disagreement(**reports[0].disagreement).in_words()))
    else:
        found = network_accuracy(config, weights, quantised)
        facts.append((f"quantised to {quantised.weight_bits} bits, measured", found.quantised.in_words()))
        facts.append(("float network, measured", found.float_network.in_words()))
    return tuple(facts)


def _task(config: AnyConfig) -> str:
    inputs = count(n_inputs(config))
    if isinstance(config, ModelConfig):
        return f"the largest of K = {config.n_ctx} tokens out of {config.d_vocab}; {inputs} sequences"
    sign = "+" if config.coefficient == 1 else "−"
    return f"(a {sign} b) mod {config.modulus}; {inputs} pairs"


def _network(config: AnyConfig, quantised: QuantisedNetwork) -> str:
    sizes = quantised.sizes()
    shown = [f"{name} = {sizes[name]}" for name in SIZES if name in sizes and name not in ("coefficient", "modulus", "n_ctx")]
    seed = _seed(config)
    return f"{config.family}, {', '.join(shown)}" + ("" if seed is None else f"; seed {seed}")


def _seed(config: AnyConfig) -> int | None:
    return config.training.seed if config.training else None


def _sha256(weights: AnyWeights) -> str:
    return hashlib.sha256(weights_to_bytes(weights)).hexdigest()
