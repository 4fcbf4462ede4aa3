"""From integers to Coq's verdict: `write_generated`, `reread` and `verify`, and where the files are (`Place`).

All that stands between numbers and a theorem: Coq text is written from numbers by `extract.coq_text`, re-read by the whitelist
grammar, compiled from its .v; what the theorem rests on is compared with the allow-list, and coqchk runs. Standard library
only: the proof of a stranger (`check_proof`) takes this very way, as `pipeline` does.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from compact_proofs.extract.coq_text import (
    Field,
    TheoremForm,
    assumptions_v,
    certificate_v,
    diagnose_v,
    distribution_v,
    theorem_v,
    write_files,
)
from compact_proofs.extract.distribution import Distribution
from compact_proofs.extract.grammar import check_data, check_equal, check_theorem, check_weights, read_source
from compact_proofs.models.errors import NotProved
from compact_proofs.models.files import remove_unfinished
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.verdict import ACCEPTED, explain, verdict_text
from compact_proofs.proofs.words import INPUTS, percent, theorem_in_words


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files of one model and strategy are; sources and logical names are relative to `root`.

    strategy: the name of its folder, which has the key of the distribution behind it where the statement is about one.
    """

    root: Path
    out: Path
    model: str
    strategy: str
    distribution: Distribution | None = None

    @property
    def weights(self) -> Path:
        return Path("generated", self.model, "Weights.v")

    def source(self, name: str) -> Path:
        return Path("generated", self.model, self.strategy, f"{name}.v")

    @property
    def modules(self) -> list[str]:
        """Logical names of data and theorem, in order of compilation."""
        top = f"CompactProofs.Generated.{self.model}"
        return [f"{top}.Weights", *(f"{top}.{self.strategy}.{name}" for name in self._names)]

    @property
    def sources(self) -> list[Path]:
        return [self.weights, *(self.source(name) for name in self._names)]

    @property
    def _names(self) -> list[str]:
        return [*(["Distribution"] if self.distribution else []), "Certificate", "Theorem"]

    @property
    def lock(self) -> Path:
        """One lock per model, as its strategies share Weights.v."""
        return self.root / "generated" / self.model / ".lock"

    @property
    def certificate(self) -> Path:
        return self.out / self.model / self.strategy / "certificate.json"

    @property
    def report(self) -> Path:
        return self.out / self.model / self.strategy / "report.json"

    def remove_unfinished(self) -> None:
        """Remove what a killed run has left half written; the lock must be held."""
        for folder in ((self.root / self.weights).parent, (self.root / self.source("Theorem")).parent, self.report.parent):
            remove_unfinished(folder)

    def files(self) -> dict[str, str]:
        """Paths by what is there, relative to the working folder."""
        paths = {
            "weights": self.root / self.weights,
            "certificate": self.root / self.source("Certificate"),
            "theorem": self.root / self.source("Theorem"),
            "report": self.report,
        }
        if self.distribution:
            paths["distribution"] = self.root / self.source("Distribution")
        return {name: os.path.relpath(path) for name, path in paths.items()}


@dataclass(slots=True)
class Stages:
    """Announces stages and adds up their seconds."""

    say: coqrun.Say
    count: int
    done: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def __call__(self, key: str, title: str) -> Iterator[None]:
        self.done += 1
        self.say(f"[{self.done}/{self.count}] {title}")
        start = time.monotonic()
        yield
        self.seconds[key] = self.seconds.get(key, 0.0) + round(time.monotonic() - start, 3)


@dataclass(frozen=True, slots=True)
class Checked:
    """What Coq has accepted: the theorem as Coq text and in words, what it rests on, seconds by stage, largest memory."""

    theorem: str
    in_words: str
    assumptions: list[str]
    seconds: dict[str, float]
    peak_rss_mb: float


def write_generated(place: Place, form: TheoremForm, weights: str, fields: Sequence[Field], proved: int) -> None:
    """Write the generated files, `weights` being the text of Weights.v; nothing compiled from older ones stays."""
    path = place.root / place.weights
    if path.is_symlink() or not path.is_file() or read_source(path) != weights:
        for report in place.report.parent.parent.glob("*/report.json"):  # other strategies' theorems are about the old weights
            report.unlink(missing_ok=True)
        for compiled in path.parent.glob("**/*.vo"):
            coqrun.remove_compiled(compiled.with_suffix(".v"))
    write_files(path.parent, {"Weights.v": weights})
    files = {
        "Certificate.v": certificate_v(place.model, place.strategy, fields),
        "Theorem.v": theorem_v(form, place.model, proved),
        "Assumptions.v": assumptions_v(place.model, place.strategy),
        "Diagnose.v": diagnose_v(form, place.model, proved),
    }
    if place.distribution:
        files["Distribution.v"] = distribution_v(place.model, place.strategy, place.distribution.field)
    write_files(path.parent / place.strategy, files)
    for source in [*place.sources, place.source("Assumptions"), place.source("Diagnose")]:
        coqrun.remove_compiled(place.root / source)


def reread(place: Place, form: TheoremForm, types: Mapping[str, str], proved: int, weights: str | None = None) -> None:
    """Check every generated file against the whitelist grammar before coqc sees it, and Weights.v against `weights`.

    Args:    types: the definitions of Certificate.v with their Coq types.
    Raises:  GrammarError: a file that is not what `write_generated` writes.
    """

    def text(source: Path) -> tuple[str, Path]:
        return read_source(place.root / source), place.root / source

    check_weights(*text(place.weights), form.layout)
    if weights is not None:
        check_equal(read_source(place.root / place.weights), weights, place.root / place.weights)
    check_data(*text(place.source("Certificate")), types)
    check_theorem(*text(place.source("Theorem")), [form])
    templates = {
        "Theorem": theorem_v(form, place.model, proved),
        "Assumptions": assumptions_v(place.model, place.strategy),
        "Diagnose": diagnose_v(form, place.model, proved),
    }
    if place.distribution:
        field = place.distribution.field
        check_data(*text(place.source("Distribution")), {field.name: field.coq_type})
        templates["Distribution"] = distribution_v(place.model, place.strategy, field)
    for name, wanted in templates.items():
        check_equal(read_source(place.root / place.source(name)), wanted, place.root / place.source(name))


def verify(place: Place, form: TheoremForm, proved: int, total: int, limits: coqrun.Limits, stages: Stages) -> Checked:
    """Compile data and theorem, compare the assumptions with the allow-list, run coqchk.

    Raises: NotProved: Coq did not accept; the message says which case of the checker failed. ToolMissing, TimeLimit.
    """
    runs = []
    with stages("coqc", f"coqc {', '.join(source.name for source in place.sources)}"):
        for source in place.sources:
            try:
                runs.append(coqrun.coqc(place.root, source, limits))
            except NotProved as error:
                if source != place.source("Theorem"):
                    raise
                raise NotProved(_why_refused(place, proved, total, limits, error)) from error
    with stages("coqchk", "assumptions and coqchk"):
        try:
            printed = coqrun.coqc(place.root, place.source("Assumptions"), limits)
            names = coqrun.assumptions(printed.stdout)
            coqrun.check_assumptions(names)
            runs += [printed, coqrun.coqchk(place.root, place.modules, limits)]
        except BaseException:
            coqrun.remove_compiled(place.root / place.source("Theorem"))
            raise
    statement = read_source(place.root / place.source("Theorem")).partition("\nTheorem ")[2].partition("\n")[0]
    of = place.distribution.name if place.distribution else ""
    in_words = theorem_in_words(form.statement, proved, total, INPUTS[form.layout.group], of)
    peak = max(one.peak_rss_mb for one in runs)
    return Checked(f"Theorem {statement}", in_words, names, stages.seconds, round(peak, 1))


def _why_refused(place: Place, proved: int, total: int, limits: coqrun.Limits, error: NotProved) -> str:
    """Say which case of the checker failed, by running Diagnose.v."""
    claim = f"{place.model}, {place.strategy}: Coq did not accept {proved:,} of {total:,} ({percent(proved, total)})"
    try:
        verdict = verdict_text(coqrun.coqc(place.root, place.source("Diagnose"), limits).stdout)
    except NotProved:
        verdict = ""  # the same fault stops Diagnose.v
    if verdict and verdict != ACCEPTED:
        return f"{claim}: {explain(verdict)}; this disproves nothing\nverdict: {verdict}"
    return f"{claim}; this disproves nothing\n{error}"


def data_bytes(certificate: Path) -> int:
    """Bytes of the definitions in Certificate.v, without header and imports."""
    return definition_bytes(read_source(certificate))


def definition_bytes(text: str) -> int:
    """Bytes of the definitions in the text of a Certificate.v."""
    start = text.find("Definition ")
    return len(text) - start if start >= 0 else 0
