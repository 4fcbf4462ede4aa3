"""What the real checkers must refuse, on tiny networks: bounds one too high, changed certificates, integers that overflow.

Python's own refusals are switched off here, so that it is Coq that says no. Each strategy goes the whole way once, with a bound
one too high; all else is asked in two runs of coqc, one per task: the verdict, and the check that theorems rest on.
"""

import dataclasses
import functools
import re
from typing import Any, NamedTuple

import pytest

from compact_proofs.extract.coq_text import Field, certificate_v, weights_v
from compact_proofs.extract.families import quantise_network
from compact_proofs.extract.layouts import LAYOUTS
from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.rounding import QuantisedMatrix
from compact_proofs.models.errors import NotProved
from compact_proofs.models.tasks import n_inputs
from compact_proofs.models.weights import load_model
from compact_proofs.proofs import pipeline
from compact_proofs.proofs.registry import DEFAULT, GROUPS, silent, strategies

STRATEGIES = {f"{group}-{name}": one for group in GROUPS for name, one in strategies(group).items()}
CHANGED = [f"max_of_k-{name}" for name in ("cubic", "subcubic_low_rank", "exact", "brute_force")]
CHANGED += ["modular-relu_homogeneity"]  # the certificates of the other strategies are changed in tests/coq
pytestmark = pytest.mark.coq
every_strategy = pytest.mark.parametrize("name", STRATEGIES)


def model_for(strategy):
    """The tiny network that a strategy is tried on."""
    if strategy.group == "max_of_k":
        return "max_of_2_tiny"
    tiny = ("modular_relu_tiny", "modular_relu_11_purified", "modular_quadratic_tiny")
    return next(name for name in tiny if strategy.families is None or load_model(name)[0].family in strategy.families)


@functools.cache
def network(model):
    return quantise_network(*load_model(model))


def network_for(strategy):
    return network(model_for(strategy))


@functools.cache
def multiplied(model, name, factor):
    """The network with the integers of one matrix multiplied."""
    quantised = network(model)
    matrix = quantised.matrices()[name]
    changed = QuantisedMatrix(matrix.ints * factor, matrix.scale_bits)
    if isinstance(quantised, QuantisedModular):
        return dataclasses.replace(quantised, tensors={**quantised.tensors, name: changed})
    return dataclasses.replace(quantised, **{name: changed})


@functools.cache
def found_for(name):
    return STRATEGIES[name].find(network_for(STRATEGIES[name]), DEFAULT, silent)


def use(monkeypatch, quantised, strategy):
    """Have the pipeline take this network, whose accuracy Python may refuse to compute, for the one it quantises."""
    found = pipeline.network_accuracy(*load_model(model_for(strategy)), network_for(strategy))
    monkeypatch.setattr(pipeline, "quantise_network", lambda *arguments: quantised)
    monkeypatch.setattr(pipeline, "network_accuracy", lambda *arguments: found)


def claiming(strategy, found):
    """The strategy with its finder and its mirror replaced: it claims `found`."""
    return dataclasses.replace(
        strategy, find=lambda model, tuning, progress: found, mirror=lambda model, certificate: found.proved
    )


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


class Asked(NamedTuple):
    """What Coq is asked: whether `claimed` inputs follow from `fields` as the certificate of a strategy for a network."""

    name: str
    what: str
    quantised: Any
    claimed: int
    fields: list[Field]


def one_beyond(found):
    """The least claim that is more than what was found, in the direction of the statement."""
    return found.proved - 1 if found.statement == "at_most" else found.proved + 1


def overflowing(strategy):
    return multiplied(model_for(strategy), "W_V" if strategy.group == "max_of_k" else "W_U", 2**50)


def blind(strategy):
    return multiplied(model_for(strategy), "W_U", 0)


def questions(group):
    """All that is asked of the strategies of a task."""
    for name, strategy in STRATEGIES.items():
        if strategy.group == group:
            found = found_for(name)
            fields = strategy.fields(found.certificate)
            yield Asked(name, "honest", network_for(strategy), found.proved, fields)
            yield Asked(name, "one beyond", network_for(strategy), one_beyond(found), fields)
            yield Asked(name, "overflow", overflowing(strategy), found.proved, fields)
            yield Asked(name, "other weights", blind(strategy), found.proved, fields)
            for what, changed in changed_certificates(fields) if name in CHANGED else ():
                yield Asked(name, f"changed {what}", network_for(strategy), found.proved, changed)


def definitions(data_file):
    """A data file without its imports, to stand inside a module."""
    return "\n".join(line for line in data_file.splitlines() if not re.match("From|Import", line))


def coq_text(asked, group):
    """All questions as one Coq file: verdict and check of each."""
    layouts = {one.quantised.layout: LAYOUTS[one.quantised.layout] for one in asked}
    parts = [
        "From Coq Require Import ZArith Uint63 List.\nImport ListNotations.\n"
        f"From CompactProofs Require Import {next(iter(layouts.values())).facade}.\n"
    ]
    networks: dict[int, str] = {}
    for index, one in enumerate(asked):
        strategy = STRATEGIES[one.name]
        if id(one.quantised) not in networks:
            networks[id(one.quantised)] = f"Network_{index}.network"
            parts.append(
                f"Module Network_{index}.\nModule Weights.\n{definitions(weights_v(one.quantised))}\nEnd Weights.\n"
                f"{layouts[one.quantised.layout].definition()}End Network_{index}.\n"
            )
        record = " ".join([strategy.constructor, *(f"Certificate_{index}.{field.name}" for field in one.fields)])
        arguments = f"({one.claimed})%Z {networks[id(one.quantised)]} ({record})"
        names = strategy.coq[found_for(one.name).statement]
        parts.append(
            f"Module Certificate_{index}.\n{definitions(certificate_v(one.quantised.name, strategy.name, one.fields))}\n"
            f"End Certificate_{index}.\nEval vm_compute in (if {names.check} {arguments} then 1 else 0).\n"
            f"Eval vm_compute in ({names.verdict} {arguments}).\n"
        )
    return "\n".join(parts)


@pytest.fixture(scope="session")
def answers(coq_output):
    """`answers(name, what)`: (question, Coq's verdict) of every question to this strategy that begins with `what`."""
    found = []
    for group in GROUPS:
        asked = list(questions(group))
        printed = re.sub(r"\s+", " ", coq_output(coq_text(asked, group)))
        answered = re.findall(r"= ([01]) : \S+ = ((?:Accepted|Refused).*?) : outcome", printed)
        assert len(answered) == len(asked)
        for one, (checked, verdict) in zip(asked, answered, strict=True):
            assert (checked == "1") == (verdict == "Accepted"), one
            found.append((one, verdict))

    def select(name, what):
        selected = [(one, verdict) for one, verdict in found if one.name == name and one.what.startswith(what)]
        assert selected
        return selected

    return select


@every_strategy
def test_what_is_found_is_accepted_and_one_beyond_is_not(name, answers):
    found = found_for(name)
    ((_, honest), (_, beyond)) = answers(name, "honest") + answers(name, "one beyond")
    total = n_inputs(load_model(model_for(STRATEGIES[name]))[0])
    counted = total - found.proved if found.statement == "at_most" else found.proved
    assert honest == "Accepted"
    assert re.match(rf"Refused \(Total_(short|differs) {counted}\b", beyond)


@every_strategy
def test_bound_one_too_high(name, real_options):
    """The whole way, from the search that claims too much to the message."""
    strategy, found = STRATEGIES[name], found_for(name)
    model = model_for(strategy)
    total = n_inputs(load_model(model)[0])
    counted = total - found.proved if found.statement == "at_most" else found.proved
    too_high = dataclasses.replace(found, proved=one_beyond(found))
    with pytest.raises(NotProved) as caught:
        pipeline.prove(model, claiming(strategy, too_high), real_options)
    message = str(caught.value)
    assert f"Coq did not accept {too_high.proved} of {total}" in message
    assert re.search(rf"add up to {counted}\b", message) and "this disproves nothing" in message
    assert not (real_options.out / model / strategy.name / "report.json").exists()


@pytest.mark.parametrize("name", CHANGED)
def test_changed_certificate(name, answers):
    """A claim raised by one is refused by its case; whatever else is changed, nothing false gets through."""
    strategy = STRATEGIES[name]
    true_correct = pipeline.network_accuracy(*load_model(model_for(strategy)), network_for(strategy)).quantised.right
    for one, verdict in answers(name, "changed"):
        if verdict == "Accepted":
            assert one.claimed <= true_correct
            assert "claims" not in one.what, f"{one.what}: accepted"


@every_strategy
def test_overflow_is_refused_by_the_checker_itself(name, answers):
    for _, verdict in answers(name, "overflow"):
        assert re.fullmatch(r"Refused \(May_overflow \w+\)", verdict)


@pytest.mark.parametrize("name", [name for name, one in STRATEGIES.items() if "at_most" not in one.coq])
def test_other_weights_prove_less(name, answers):
    """The certificate of a trained network does not carry over to one whose answers are wrong; where "at most" is true."""
    if found_for(name).proved == 0:
        pytest.skip("it proves nothing of the trained network either")
    for _, verdict in answers(name, "other weights"):
        assert verdict.startswith("Refused ")


@pytest.mark.parametrize("name", ["max_of_k-cubic", "modular-relu_homogeneity"])
def test_overflow_in_words(name, real_options, monkeypatch):
    """The whole way once more."""
    strategy = STRATEGIES[name]
    use(monkeypatch, overflowing(strategy), strategy)
    with pytest.raises(NotProved, match=r"could leave 62 bits at the stage (?s:.*)verdict: Refused \(May_overflow \w+\)"):
        pipeline.prove(model_for(strategy), claiming(strategy, found_for(name)), real_options)
