"""low_rank_unembedding in Python: never more than the truth, all of it where nothing is lost, refusals, fields, operations."""

from dataclasses import replace

import numpy as np
import pytest
import sympy

from compact_proofs.extract.modular_form import Form
from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.strategies.modular import low_rank_unembedding as strategy
from compact_proofs.proofs.strategies.modular.terms import roots_up


def random_form(seed: int, order: int | None = None, width: int | None = None, top: int = 9) -> Form:
    """Small tables; every third seed has only 0 and 1 (many ties), every fifth no direct paths."""
    rng = np.random.default_rng(seed)
    p, m = order or int(rng.choice([1, 2, 3, 5, 7])), width or int(rng.integers(1, 7))
    top = 1 if seed % 3 == 0 else top
    L, R, U = (rng.integers(-top, top + 1, (p, m)) for _ in range(3))
    P, Q = (rng.integers(-top, top + 1, (p, p)) * (seed % 5 > 0) for _ in range(2))
    return Form(p, (1, -1)[seed % 2], ("relu", "square")[seed // 2 % 2], L, R, U, P, Q)


def wave_form(order: int, width: int, top: int = 60, coefficient: int = 1) -> Form:
    """Neurons of one frequency each, with phases all around: what trained networks look like; most pairs are right."""
    tokens = np.arange(order)[:, None]
    neurons, frequencies = np.arange(width), (order - 1) // 2
    frequency, phase = 1 + neurons % frequencies, 2 * np.pi * (neurons // frequencies) / (width / frequencies)
    angle = 2 * np.pi * frequency * tokens / order
    L, R = np.cos(angle + phase), np.cos(coefficient * angle + phase)
    U = np.cos(angle + 2 * phase)
    tables = (np.rint(scale * table).astype(np.int64) for scale, table in ((top, L), (top, R), (60, U)))
    zero = np.zeros((order, order), dtype=np.int64)
    return Form(order, coefficient, "relu", *tables, zero, zero)


def random_certificate(form: Form, seed: int) -> strategy.LowRankUnembeddingCertificate:
    """Found, with other scales and some entries changed; or random throughout."""
    rng = np.random.default_rng(seed)
    found = strategy.find_on(form, rank=int(rng.integers(0, 4)))
    if seed % 2:
        names = ("centre", "offset", "basis", "coordinates")
        noise = {name: getattr(found, name) + rng.integers(-2, 3, getattr(found, name).shape) for name in names}
        means = {name: np.abs(getattr(found, name) + rng.integers(-3, 4, (form.order, form.width))) for name in strategy.TABLES}
        found = replace(found, scale=int(rng.integers(1, 50)), dropped=int(rng.integers(0, 5)), **noise, **means)
    return found


def misfits(form: Form) -> list[tuple[str, strategy.LowRankUnembeddingCertificate]]:
    """One certificate for each kind of refusal, with the refusal."""
    c = strategy.find_on(form, rank=1)
    big = np.full_like(c.centre, 2**61)
    far = 2**59 - 1
    return [
        ("Wrong_scale 0", replace(c, scale=0)),
        ("Wrong_scale (-3)", replace(c, scale=-3)),
        ("Wrong_scale 61", replace(c, dropped=61)),
        ("Wrong_table Centre", replace(c, centre=c.centre[1:])),
        ("Wrong_table Centre", replace(c, offset=np.append(c.offset, 0))),
        ("Wrong_table Basis", replace(c, basis=c.basis[:-1])),
        ("Wrong_table Basis", replace(c, basis=c.basis[:, :0])),
        ("Wrong_table Coordinates", replace(c, coordinates=c.coordinates[:, 1:])),
        *(("Wrong_table Amplitudes", replace(c, **{name: getattr(c, name)[1:]})) for name in strategy.TABLES),
        ("May_overflow Centred", replace(c, centre=big)),
        ("May_overflow Centred", replace(c, offset=big)),
        ("May_overflow Centred", replace(c, first_means=c.first_means + 2**60)),
        ("May_overflow Residuals", replace(c, basis=c.basis + 2**61)),
        ("May_overflow Residuals", replace(c, coordinates=c.coordinates + 2**61)),
        ("May_overflow Residuals", replace(c, basis=c.basis + 2**40, coordinates=c.coordinates + 2**40)),
        ("May_overflow Residuals", replace(c, centre=c.centre + far)),
        ("May_overflow Residuals", replace(c, scale=2**40)),
        ("May_overflow Residuals", replace(c, scale=2**61)),
        ("May_overflow Moments", replace(c, second_means=c.second_means + 2**60)),
        ("May_overflow Moments", replace(c, answer_means=c.answer_means + 2**35)),
        ("May_overflow Margins", replace(c, difference_means=c.difference_means + 2**55, dropped=40)),
    ]


@pytest.mark.parametrize("seed", range(80))
def test_never_more_than_the_truth(seed):
    form = random_form(seed)
    assert strategy.count(form, random_certificate(form, seed)) <= form.right().sum()


@pytest.mark.parametrize("seed", range(30))
def test_nothing_is_lost_at_full_rank_with_exact_factors(seed):
    form = random_form(seed)
    c = strategy.find_on(form, rank=0)
    c = replace(c, scale=1, basis=form.U - c.centre, coordinates=np.eye(form.width, dtype=np.int64))
    assert strategy.count(form, c) == form.right().sum()


@pytest.mark.parametrize("coefficient", [1, -1])
def test_waves_need_a_small_rank(coefficient):
    form = wave_form(17, 160, coefficient=coefficient)
    right = int(form.right().sum())
    c = strategy.find_on(form)
    assert right > 200 and strategy.count(form, c) >= 0.999 * right and c.rank <= 12
    assert strategy.verdict(right + 1, form, c).startswith("Refused (Total_short ")
    assert strategy.verdict(strategy.count(form, c), form, c) == "Accepted"


def test_dropped_bits_are_found_for_large_activations():
    form = wave_form(11, 24, top=2**27)
    c = strategy.find_on(form)
    assert c.dropped > 0 and strategy.count(form, c) >= 0.999 * form.right().sum() > 0


def test_refusals():
    form = wave_form(5, 8)
    for refusal, c in misfits(form):
        wanted = f"Refused ({refusal})"
        assert strategy.verdict(0, form, c) == wanted
        with pytest.raises(InputRefused) as error:
            strategy.count(form, c)
        assert str(error.value).startswith(wanted + ":")


def test_roots_are_rounded_up():
    n = np.array([0, 1, 2, 3, 4, 5, 2**60, 2**60 - 1, (2**29 + 1) ** 2, (2**29 + 1) ** 2 + 1, (2**29 + 1) ** 2 - 1])
    roots = roots_up(n)
    assert all(root**2 >= x and (root == 0 or (root - 1) ** 2 < x) for root, x in zip(roots.tolist(), n.tolist(), strict=True))


def test_fields_curve_and_operations():
    form = wave_form(7, 12)
    c = strategy.find_on(form, rank=2)
    assert [field.name for field in strategy.fields(c)][-4:] == list(strategy.TABLES) and len(strategy.fields(c)) == 10
    p, m, rank = sympy.symbols("p m rank", positive=True)
    at = {p: 7, m: 12, rank: 2}
    assert int(strategy.operations_of(p, m, rank, False, form.activation).subs(at)) == strategy.operations(form, c)
    ranks, counts, costs = zip(*strategy.curve_on(form, [0, 2, 4]), strict=True)
    assert ranks == (0, 2, 4) and list(costs) == sorted(costs) and max(counts) <= form.right().sum()
