"""What the real checkers must refuse, on tiny networks: bounds one too high, changed certificates, integers that overflow.

Python's own refusals are switched off here, so that it is Coq that says no.
"""

import dataclasses
import re

import pytest

from compact_proofs.extract.coq_text import Field
from compact_proofs.extract.families import quantise_network
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.rounding import QuantisedMatrix
from compact_proofs.models.errors import NotProved
from compact_proofs.models.tasks import n_inputs
from compact_proofs.models.weights import load_model
from compact_proofs.proofs import coqrun, pipeline
from compact_proofs.proofs.registry import DEFAULT, GROUPS, silent, strategies

STRATEGIES = {f"{group}-{name}": one for group in GROUPS for name, one in strategies(group).items()}
pytestmark = pytest.mark.coq
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)


def model_for(strategy):
    """The tiny network that a strategy is tried on."""
    if strategy.group == "max_of_k":
        return "max_of_2_tiny"
    tiny = ("modular_relu_tiny", "modular_relu_11_purified", "modular_quadratic_tiny")
    return next(name for name in tiny if strategy.families is None or load_model(name)[0].family in strategy.families)


def network_for(strategy):
    return quantise_network(*load_model(model_for(strategy)))


def with_matrix(quantised, name, change):
    """The network with the integers of one matrix changed."""
    matrix = quantised.matrices()[name]
    changed = QuantisedMatrix(change(matrix.ints), matrix.scale_bits)
    if isinstance(quantised, QuantisedModular):
        return dataclasses.replace(quantised, tensors={**quantised.tensors, name: changed})
    return dataclasses.replace(quantised, **{name: changed})


def found_by(strategy):
    return strategy.find(network_for(strategy), DEFAULT, silent)


def use(monkeypatch, quantised, strategy):
    """Have the pipeline take this network, whose accuracy Python may refuse to compute, for the one it quantises."""
    found = pipeline.network_accuracy(*load_model(model_for(strategy)), network_for(strategy))
    monkeypatch.setattr(pipeline, "quantise_network", lambda *arguments: quantised)
    monkeypatch.setattr(pipeline, "network_accuracy", lambda *arguments: found)


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
    model = model_for(strategy)
    total = n_inputs(load_model(model)[0])
    honest = pipeline.prove(model, claiming(strategy, found), real_options)
    assert honest.proved_correct == found.proved
    (real_options.out / model / strategy.name / "certificate.json").unlink()
    at_most = found.statement == "at_most"
    counted = total - found.proved if at_most else found.proved
    too_high = dataclasses.replace(found, proved=found.proved - 1 if at_most else found.proved + 1)
    with pytest.raises(NotProved) as caught:
        pipeline.prove(model, claiming(strategy, too_high), real_options)
    message = str(caught.value)
    assert f"Coq did not accept {too_high.proved} of {total}" in message
    assert re.search(rf"add up to {counted}\b", message) and "this disproves nothing" in message
    assert not (real_options.out / model / strategy.name / "report.json").exists()


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


CHANGED = [f"max_of_k-{name}" for name in ("cubic", "subcubic_low_rank", "exact", "brute_force")]
CHANGED += ["modular-relu_homogeneity"]


@pytest.mark.parametrize("name", CHANGED)
def test_changed_certificate(name, real_options, monkeypatch):
    """A claim raised by one is refused by its case; whatever else is changed, nothing false gets through.

    The certificates of the other strategies are changed in tests/coq, many in one run of coqc. Here coqc decides.
    """
    monkeypatch.setattr(coqrun, "coqchk", lambda root, modules, limits: coqrun.Run("", "", 0, 0.0, 0.0))
    strategy = STRATEGIES[name]
    found = found_by(strategy)
    fields = strategy.fields(found.certificate)
    model = model_for(strategy)
    true_correct = pipeline.network_accuracy(*load_model(model), network_for(strategy)).quantised.right
    for what, changed in changed_certificates(fields):
        (real_options.out / model / strategy.name / "certificate.json").unlink(missing_ok=True)
        try:
            report = pipeline.prove(model, claiming(strategy, found, changed), real_options)
        except NotProved as error:
            assert re.search(r"\nverdict: Refused \(?\w+", str(error)), f"{what}: {error}"
        else:
            assert report.proved_correct <= true_correct
            assert "claims" not in what, f"{what}: accepted"


@every_strategy
def test_overflow_is_refused_by_the_checker_itself(strategy, real_options, monkeypatch):
    certificate = found_by(strategy)
    which = "W_V" if strategy.group == "max_of_k" else "W_U"
    use(monkeypatch, with_matrix(network_for(strategy), which, lambda ints: ints * 2**50), strategy)
    with pytest.raises(NotProved, match=r"could leave 62 bits at the stage (?s:.*)verdict: Refused \(May_overflow \w+\)"):
        pipeline.prove(model_for(strategy), claiming(strategy, certificate), real_options)


@pytest.mark.parametrize("name", [name for name, one in STRATEGIES.items() if "at_most" not in one.coq])
def test_other_weights_prove_less(name, real_options, monkeypatch):
    """The certificate of a trained network does not carry over to one whose answers are wrong; where "at most" is true."""
    strategy = STRATEGIES[name]
    found = found_by(strategy)
    if found.proved == 0:
        pytest.skip("it proves nothing of the trained network either")
    use(monkeypatch, with_matrix(network_for(strategy), "W_U", lambda ints: ints * 0), strategy)
    with pytest.raises(NotProved, match="this disproves nothing\nverdict: Refused"):
        pipeline.prove(model_for(strategy), claiming(strategy, found), real_options)
