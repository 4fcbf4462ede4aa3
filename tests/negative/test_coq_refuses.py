"""What the real checkers must refuse, on tiny networks: bounds one too high, changed certificates, integers that overflow.

Python's own refusals are switched off here, so that it is Coq that says no.
"""

import dataclasses
import re

import pytest

from compact_proofs.extract.coq_text import Field
from compact_proofs.extract.quantise import QuantisedMatrix, quantise
from compact_proofs.models.errors import NotProved
from compact_proofs.models.weights import load_model
from compact_proofs.proofs import coqrun, pipeline
from compact_proofs.proofs.registry import DEFAULT, silent, strategies

MODEL = "max_of_2_tiny"
pytestmark = pytest.mark.coq
every_strategy = pytest.mark.parametrize("strategy", strategies().values(), ids=lambda strategy: strategy.name)


def found_by(strategy, model=MODEL):
    config, weights = load_model(model)
    return strategy.find(quantise(config, weights), DEFAULT, silent)


def claiming(strategy, found, fields=None):
    """The strategy with its finder and its mirror replaced: it claims `found`, with `fields` as Certificate.v."""
    return dataclasses.replace(
        strategy,
        find=lambda model, tuning, progress: found,
        mirror=lambda model, certificate: found.proved,
        fields=strategy.fields if fields is None else lambda certificate: fields,
    )


@every_strategy
def test_bound_one_too_high(strategy, real_options):
    found = found_by(strategy)
    honest = pipeline.prove(MODEL, claiming(strategy, found), real_options)
    assert honest.proved_correct == found.proved
    (real_options.out / MODEL / strategy.name / "certificate.json").unlink()
    at_most = found.statement == "at_most"
    counted = 64 - found.proved if at_most else found.proved
    too_high = dataclasses.replace(found, proved=found.proved - 1 if at_most else found.proved + 1)
    with pytest.raises(NotProved) as caught:
        pipeline.prove(MODEL, claiming(strategy, too_high), real_options)
    message = str(caught.value)
    assert f"Coq did not accept {too_high.proved} of 64" in message
    assert re.search(rf"add up to {counted}\b", message) and "this disproves nothing" in message
    assert not (real_options.out / MODEL / strategy.name / "report.json").exists()


def one_more_at(value, wanted, at=0):
    """Nested tuples with their `wanted`-th integer raised by one, and how many integers there are."""
    if isinstance(value, int):
        return value + (at == wanted), at + 1
    result = []
    for entry in value:
        changed, at = one_more_at(entry, wanted, at)
        result.append(changed)
    return tuple(result), at


def changed_certificates(fields):
    """Certificates with one integer raised by one: the first, the middle and the last of each field, or the middle of many."""
    for index, field in enumerate(fields):
        _, count = one_more_at(field.value, -1)
        places = {0, count // 2, count - 1} if len(fields) < 4 else {count // 2}
        for wanted in sorted(places & set(range(count))):
            changed = Field(field.name, field.coq_type, one_more_at(field.value, wanted)[0])
            yield f"{field.name} {wanted}", [*fields[:index], changed, *fields[index + 1 :]]


@pytest.mark.parametrize("name", ["cubic", "subcubic_low_rank", "exact", "brute_force"])
def test_changed_certificate(name, real_options, monkeypatch):
    """A claim raised by one is refused by its case; whatever else is changed, nothing false gets through.

    The strategies left out have certificates of the same parts; tests/coq/test_mirror.py changes theirs too. coqc decides.
    """
    monkeypatch.setattr(coqrun, "coqchk", lambda root, modules, limits: coqrun.Run("", "", 0, 0.0, 0.0))
    strategy = strategies()[name]
    found = found_by(strategy)
    fields = strategy.fields(found.certificate)
    config, weights = load_model(MODEL)
    quantised = quantise(config, weights)
    true_correct = pipeline.accuracy(config, weights, quantised).quantised.right
    for what, changed in changed_certificates(fields):
        (real_options.out / MODEL / strategy.name / "certificate.json").unlink(missing_ok=True)
        try:
            report = pipeline.prove(MODEL, claiming(strategy, found, changed), real_options)
        except NotProved as error:
            assert re.search(r"\nverdict: Refused \(?\w+", str(error)), f"{what}: {error}"
        else:
            assert report.proved_correct <= true_correct
            assert "claims" not in what, f"{what}: accepted"


@every_strategy
def test_overflow_is_refused_by_the_checker_itself(strategy, real_options, monkeypatch):
    config, weights = load_model(MODEL)
    quantised = quantise(config, weights)
    huge = QuantisedMatrix(quantised.W_V.ints * 2**50, quantised.W_V.scale_bits)
    monkeypatch.setattr(pipeline, "quantise", lambda *arguments: dataclasses.replace(quantised, W_V=huge))
    with pytest.raises(NotProved, match=r"could leave 62 bits at the stage (?s:.*)verdict: Refused \(May_overflow \w+\)"):
        pipeline.prove(MODEL, claiming(strategy, found_by(strategy)), real_options)


@pytest.mark.parametrize("name", [one.name for one in strategies().values() if "at_most" not in one.coq])
def test_other_weights_prove_less(name, real_options, monkeypatch):
    """The certificate of a trained network does not carry over to one whose answers are wrong; where "at most" is true."""
    strategy = strategies()[name]
    config, weights = load_model(MODEL)
    quantised = quantise(config, weights)
    zero = QuantisedMatrix(quantised.W_U.ints * 0, 0)
    monkeypatch.setattr(pipeline, "quantise", lambda *arguments: dataclasses.replace(quantised, W_U=zero))
    with pytest.raises(NotProved, match="this disproves nothing\nverdict: Refused"):
        pipeline.prove(MODEL, claiming(strategy, found_by(strategy)), real_options)
