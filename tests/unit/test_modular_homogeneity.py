"""homogeneity in Python: never more than the truth, exact where the fit is, refusals, mechanism, fields, operations."""

from dataclasses import replace

import numpy as np
import pytest
import sympy

from compact_proofs.extract.modular_form import Form
from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.strategies.modular import homogeneity as strategy


def random_form(seed: int) -> Form:
    """Small tables; every third seed has only -1, 0 and 1 (many ties), every fifth no direct paths, every fourth L = R."""
    rng = np.random.default_rng(seed)
    p, m = int(rng.choice([1, 2, 3, 5, 7])), int(rng.integers(1, 6))
    top = 1 if seed % 3 == 0 else 9
    L, R, U = (rng.integers(-top, top + 1, (p, m)) for _ in range(3))
    P, Q = (rng.integers(-top, top + 1, (p, p)) * (seed % 5 > 0) for _ in range(2))
    return Form(p, (1, -1)[seed % 2], "relu", L, L if seed % 4 == 0 else R, U, P, Q)


def wave_form(order: int, width: int, coefficient: int = 1, top: int = 60) -> Form:
    """Neurons of one frequency each, with phases all around: what purified networks look like."""
    tokens, neurons, frequencies = np.arange(order)[:, None], np.arange(width), max(1, (order - 1) // 4)
    frequency, phase = 1 + neurons % frequencies, 2 * np.pi * (neurons // frequencies) / max(1, width // frequencies)
    angle = 2 * np.pi * frequency * tokens / order
    tables = np.cos(angle + phase), np.cos(coefficient * angle + phase), np.cos(angle + 2 * phase)
    L, R, U = (np.rint(top * table).astype(np.int64) for table in tables)
    zero = np.zeros((order, order), dtype=np.int64)
    return Form(order, coefficient, "relu", L, R, U, zero, zero)


def exact_form(seed: int, order: int = 5) -> tuple[Form, strategy.HomogeneityCertificate]:
    """A form of which the tables of a certificate are exactly the kinks: one neuron a group, rank p; no class is settled."""
    rng = np.random.default_rng(seed)
    p, m = order, 3
    L, R, U = (rng.integers(-4, 5, (p, m)) for _ in range(3))
    zero = np.zeros((p, p), dtype=np.int64)
    form = Form(p, 1, "relu", L, R, U, zero, zero)
    kink = seed % 2
    phases = np.zeros((p, m, p), dtype=np.int64)
    for j in range(m):
        phases[:, j] = strategy._by_coordinates(form, kink, (j,))[:, :, 0].T
    eye = np.tile(np.eye(p, dtype=np.int64), (1, m))
    groups = tuple((j,) for j in range(m))
    levels = np.full(p, -(2**60))
    return form, strategy.HomogeneityCertificate(
        1, kink, p, np.zeros(m, dtype=np.int64), groups, eye, phases.reshape(p, m * p), levels
    )


def random_certificate(form: Form, seed: int) -> strategy.HomogeneityCertificate:
    """Found; with some entries changed; with low levels; all neurons in groups by chance; or without some bits."""
    rng = np.random.default_rng(seed)
    found = strategy.find_on(form, rank=int(rng.integers(0, 4)), kink=seed % 2, stray=int(rng.integers(1, 4)))
    if seed % 4 > 1:
        noise = {name: getattr(found, name) + rng.integers(-2, 3, getattr(found, name).shape) for name in ("centre", "phases")}
        found = replace(found, distances=found.distances + rng.integers(-1, 2, found.distances.shape), **noise)
    if seed % 3 == 1:
        found = replace(found, levels=rng.integers(-3000, 3000, form.order) * found.scale)
    if seed % 3 == 2:
        found = replace(found, scale=int(rng.integers(1, 5)))
    if seed % 5 == 4 and len(found.groups) > 1:
        found = replace(found, groups=tuple(group[::-1] for group in found.groups[::-1]))
    if seed % 7 > 3:
        found = replace(found, dropped=int(rng.choice([-3, 1, 2, 5, 9])))
    return found


def wide_form(order: int, width: int, bits: int = 28, seed: int = 0) -> Form:
    """A wave form of inputs of so many bits, as unpurified networks have: without their last bits only, the squares fit."""
    rng = np.random.default_rng(seed)
    form = wave_form(order, width)
    L, R = (table * 2 ** (bits - 6) + rng.integers(-(2**20), 2**20, table.shape) for table in (form.L, form.R))
    return replace(form, L=L, R=R)


def misfits(form: Form) -> list[tuple[str, strategy.HomogeneityCertificate]]:
    """One certificate for each kind of refusal, with the refusal."""
    c = strategy.find_on(form, rank=2, kink=1)
    first, *others = c.groups
    m = form.width
    wide, none = np.concatenate([c.levels, c.levels]), c.distances * 0
    flat = {"distances": none, "phases": c.phases * 0}
    factors = {"distances": none + 2**14, "phases": c.phases * 0 + 2**13}
    return [
        ("Wrong_scale 0", replace(c, scale=0)),
        ("Wrong_scale (-3)", replace(c, scale=-3)),
        ("Wrong_table Groups", replace(c, groups=tuple(others))),
        ("Wrong_table Groups", replace(c, groups=(first + first[:1], *others))),
        ("Wrong_table Groups", replace(c, groups=((first[0] + m, *first[1:]), *others))),
        ("Wrong_table Groups", replace(c, groups=((-1, *first[1:]), *others))),
        ("Wrong_table Centre", replace(c, centre=c.centre[1:])),
        ("Wrong_table Centre", replace(c, centre=c.centre + 2**61)),
        ("Wrong_table Distances", replace(c, distances=c.distances[1:])),
        ("Wrong_table Distances", replace(c, groups=((), *c.groups))),
        ("Wrong_table Distances", replace(c, distances=c.distances - 2**61)),
        ("Wrong_table Distances", replace(c, rank=3)),
        ("Wrong_table Distances", replace(c, rank=10**15)),
        ("Wrong_table Distances", replace(c, rank=-1)),
        ("Wrong_table Phases", replace(c, phases=c.phases[:, 1:])),
        ("Wrong_table Phases", replace(c, phases=c.phases + 2**61)),
        ("Wrong_table Amplitudes", replace(c, levels=wide)),
        ("Wrong_table Amplitudes", replace(c, levels=c.levels * 0 + 2**60 + 1)),
        ("May_overflow Centred", replace(c, centre=c.centre * 0 + 2**60)),
        ("May_overflow Before_activation", replace(c, scale=2**59)),
        ("May_overflow Residuals", replace(c, phases=c.phases + 2**55)),
        ("May_overflow Residuals", replace(c, scale=2**25, dropped=1, **flat)),
        ("May_overflow Residuals", replace(c, scale=2**53, dropped=29, **flat)),
        ("May_overflow Residuals", replace(c, phases=c.phases + 2**55, dropped=10**15)),
        ("May_overflow Residuals", replace(c, phases=c.phases + 2**55, dropped=-(10**15))),
        ("May_overflow Residuals", replace(c, phases=c.phases * 0 + 2**60, distances=none + 2**60, dropped=60)),
        ("May_overflow Outputs", replace(c, scale=1, centre=c.centre + 2**40, phases=c.phases * 0, distances=c.distances * 0)),
        (
            "May_overflow Moments",
            replace(c, scale=1, centre=c.centre * 0, phases=c.phases * 0 + 2**54, distances=c.distances * 0),
        ),
        ("May_overflow Band", replace(c, scale=1, centre=c.centre * 0 - 13 * 2**28 // 10, **factors)),
        ("May_overflow Margins", replace(c, scale=2**30, centre=c.centre * 0 + 2**25, dropped=9, **flat)),
        ("May_overflow Margins", replace(c, scale=2**21, centre=c.centre * 0 + 2**27, phases=c.phases * 0, distances=none)),
    ]


@pytest.mark.parametrize("seed", range(100))
def test_never_more_than_the_truth(seed):
    form = random_form(seed)
    c = random_certificate(form, seed)
    strategy._check(form, c)
    pairs = strategy._pairs(form, c)
    assert not (pairs.accepted & ~form.right()).any()


@pytest.mark.parametrize("seed", range(30))
def test_nothing_is_lost_where_the_fit_is_exact(seed):
    form, c = exact_form(seed)
    assert strategy.count(form, c) == form.right().sum()


@pytest.mark.parametrize("coefficient", [1, -1])
@pytest.mark.parametrize("kink", [0, 1])
def test_waves_are_settled_by_distances(kink, coefficient):
    form = wave_form(23, 200, coefficient)
    right = int(form.right().sum())
    c = strategy.find_on(form, kink=kink)
    found = strategy._pairs(form, c)
    assert right > 500 and found.accepted.sum() >= 0.999 * right
    assert found.tested < 0.1 * form.order**3
    assert strategy.verdict(right + 1, form, c).startswith("Refused (Total_short ")
    assert strategy.verdict(strategy.count(form, c), form, c) == "Accepted"


@pytest.mark.parametrize("dropped", [1, 4, 8, 20])
def test_dropped_bits_never_shorten(dropped):
    form = wave_form(11, 60)
    c = strategy.find_on(form, rank=2, kink=1)
    fewer = replace(c, dropped=dropped)
    strategy._check(form, fewer)
    exact, coarse = strategy._pairs(form, c), strategy._pairs(form, fewer)
    assert (coarse.spare <= exact.spare).all() and not (coarse.accepted & ~exact.accepted).any()


def test_wide_numbers_need_dropped_bits():
    form = wide_form(13, 100)
    c = strategy.find_on(form, rank=2, kink=1)
    assert c.scale == 1 and c.dropped > 0
    assert strategy.verdict(0, form, replace(c, dropped=c.dropped - 1)) == "Refused (May_overflow Residuals)"
    right = int(form.right().sum())
    assert right > 100 and 0.95 * right <= strategy.count(form, c) <= right


def test_no_scale_fits():
    form = wave_form(5, 8)
    with pytest.raises(InputRefused, match="May_overflow Outputs"):
        strategy.find_on(replace(form, U=form.U * 2**25), rank=1)


def test_levels_lose_nothing():
    form = wave_form(13, 60)
    c = strategy.find_on(form, rank=1, kink=1)
    assert strategy.count(form, c) == strategy.count(form, replace(c, levels=np.full(13, -(2**60))))


def test_refusals():
    form = wave_form(5, 8)
    for refusal, c in misfits(form):
        wanted = f"Refused ({refusal})"
        assert strategy.verdict(0, form, c) == wanted
        with pytest.raises(InputRefused) as error:
            strategy.count(form, c)
        assert str(error.value).startswith(wanted + ":")
    square = replace(form, activation="square")
    assert strategy.verdict(0, square, strategy.find_on(form, rank=1)) == "Refused Wrong_activation"
    with pytest.raises(InputRefused, match="Wrong_activation"):
        strategy.find_on(square)


def test_mechanism_is_what_was_built():
    lines = strategy.mechanism(wave_form(13, 60)).lines()
    assert len(lines) == 3 and lines[0].startswith("frequency 1 of 13: 20 neurons, 100% of their inputs' variation")
    assert "on average 0 degrees from twice the input phases" in lines[0]
    assert strategy.mechanism(random_form(6)).order == random_form(6).order


def test_fields_and_operations():
    form = wave_form(7, 12)
    for kink in (0, 1):
        c = strategy.find_on(form, rank=2, kink=kink)
        names = [field.name for field in strategy.fields(c)]
        assert names == ["scale", "kink", "rank", "centre", "groups", "distances", "phases", "levels", "dropped"]
        p, m, groups, rank, tested = sympy.symbols("p m groups rank tested", positive=True)
        sizes = {p: 7, m: 12, groups: len(c.groups), rank: 2, tested: strategy._pairs(form, c).tested}
        for dropped in (0, 3):
            formula = strategy.operations_of(p, m, groups, rank, tested, bool(kink), dropped > 0).subs(sizes)
            assert int(formula) == strategy.operations(form, replace(c, dropped=dropped))
