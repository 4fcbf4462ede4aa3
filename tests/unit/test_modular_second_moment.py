"""The second moment: its fast sums are the direct ones, it never claims more than the truth, and it is sharp."""

from dataclasses import replace

import numpy as np
import pytest
import sympy

from compact_proofs.extract.modular_form import Form
from compact_proofs.models.errors import CertificateError, InputRefused
from compact_proofs.proofs.strategies.modular import brute_force, second_moment
from compact_proofs.proofs.strategies.modular.second_moment import Moments, SecondMomentCertificate

NOTHING = SecondMomentCertificate()


def form_of(L, R, U, coefficient: int = 1) -> Form:
    p = len(L)
    zero = np.zeros((p, p), dtype=np.int64)
    return Form(p, coefficient, "square", *(np.asarray(table, dtype=np.int64) for table in (L, R, U)), zero, zero)


def random_form(seed: int) -> Form:
    """Small numbers or large ones, tied or not, any coefficient; outputs at random."""
    rng = np.random.default_rng([seed, 12])
    p, m = int(rng.integers(1, 8)), int(rng.integers(0, 6))
    top = [1, 3, 60, 1500][seed % 4]
    L, R, U = (rng.integers(-top, top + 1, (p, m)) for _ in range(3))
    return form_of(L, L if seed % 3 else R, U, int(rng.integers(-3, 4)))


def cosine_form(seed: int) -> Form:
    """A network that adds, with rounding errors, and sometimes noise. Odd seeds: tied, and squares of one token disturb."""
    rng = np.random.default_rng([seed, 13])
    p, top = int(rng.choice([3, 5, 7])), int(rng.integers(3, 40))
    angle = 2 * np.pi * np.arange(p)[:, None] / p
    k, phase = np.repeat(np.arange(1, (p + 1) // 2), 6), np.tile(np.arange(6) * np.pi / 3, (p - 1) // 2)
    L, U = top * np.cos(k * angle + phase), top * np.cos(k * angle + 2 * phase)
    R = L
    if seed % 2 == 0:
        L, R, U = np.hstack([L, L]), np.hstack([L, -L]), np.hstack([U, -U])
    noise = rng.choice([0, 0, 0.02, 0.1, 0.4]) * top
    tables = [np.rint(table + noise * np.random.default_rng(seed).standard_normal(table.shape)) for table in (L, R, U)]
    return form_of(*tables)


def outputs_form(outputs: np.ndarray) -> Form:
    """A network with given outputs of each pair (p^2, p) doubled: a neuron for each a and b, (L + R)^2 - L^2 - R^2 = 2 L R."""
    p = outputs.shape[1]
    a, b = (table.reshape(-1) for table in np.indices((p, p)))
    first, second = np.eye(p, dtype=np.int64)[:, a], np.eye(p, dtype=np.int64)[:, b]
    L = np.concatenate([first, first, np.zeros_like(first)], axis=1)
    R = np.concatenate([second, np.zeros_like(second), second], axis=1)
    return form_of(L, R, np.concatenate([outputs, -outputs, -outputs]).T)


def direct_moments(form: Form) -> Moments:
    values = np.stack([form.values(a) for a in range(form.order)]).astype(object)
    centred = form.order * values - values.sum(axis=2, keepdims=True)
    right = np.take_along_axis(centred, form.answers()[:, :, None], axis=2)
    return Moments(int(right.sum()), int((centred**2).sum()))


def target_outputs(p: int) -> np.ndarray:
    answers = np.add.outer(np.arange(p), np.arange(p)).reshape(-1) % p
    return p * np.eye(p, dtype=np.int64)[answers] - 1


@pytest.mark.parametrize("seed", range(60))
def test_fast_sums_are_the_direct_ones(seed):
    for form in (random_form(seed), cosine_form(seed)):
        assert second_moment.moments(form) == direct_moments(form)


def test_sums_of_large_numbers_are_exact():
    rng = np.random.default_rng(5)
    for bits in range(8, 62, 3):
        one, two = (rng.integers(-(2**bits), 2**bits, (4, 5)) for _ in range(2))
        wanted = sum(int(x) * int(y) for x, y in zip(one.flat, two.flat, strict=True))
        assert second_moment._product_sum(one, two) == wanted


@pytest.mark.parametrize("seed", range(150))
def test_never_more_than_the_truth(seed):
    for form in (random_form(seed), cosine_form(seed)):
        truth = int(form.right().sum())
        try:
            count = second_moment.count(form, second_moment.find_on(form))
        except CertificateError:
            continue
        assert 0 <= count <= truth
        assert second_moment.verdict(count, form, NOTHING) == "Accepted"
        assert second_moment.verdict(count + 1, form, NOTHING) == f"Refused (Total_short {count} {count + 1})"


def test_it_proves_something():
    counts = []
    for seed in range(60):
        form = cosine_form(seed)
        counts.append(second_moment.count(form, NOTHING) / form.order**2)
    assert max(counts) == 1
    assert sum(count > 0.5 for count in counts) > 20


@pytest.mark.parametrize("p", [3, 4, 5])
@pytest.mark.parametrize("wrong", [0, 1, 3, 5])
def test_it_is_sharp(p, wrong):
    """Half of p moved from the right answer to one other, for some pairs: exactly these are wrong, all of them ties."""
    outputs = 2 * target_outputs(p)
    for pair in range(wrong):
        answer = int(outputs[pair].argmax())
        outputs[pair, answer] -= p
        outputs[pair, (answer + 1) % p] += p
    form = outputs_form(outputs)
    assert int(form.right().sum()) == p * p - wrong
    assert second_moment.count(form, NOTHING) == p * p - wrong


def test_the_opposite_of_the_target_is_refused():
    form = outputs_form(-target_outputs(5))
    assert int(form.right().sum()) == 0
    assert second_moment.verdict(0, form, NOTHING) == "Refused Not_correlated"
    with pytest.raises(InputRefused, match="^Refused Not_correlated:"):
        second_moment.count(form, NOTHING)


def test_all_ties_are_refused():
    form = cosine_form(1)
    assert second_moment.verdict(0, replace(form, U=np.ones_like(form.U)), NOTHING) == "Refused Not_correlated"


@pytest.mark.parametrize("seed", range(4))
def test_a_tie_at_the_edge_is_not_counted(seed):
    """Two classes with the same outputs: no more than the pairs of the others can be claimed."""
    form = cosine_form(2 * seed + 1)
    U = form.U.copy()
    U[1] = U[0]
    form = replace(form, U=U)
    assert second_moment.count(form, NOTHING) <= int(form.right().sum()) <= form.order * (form.order - 2)


def refusals() -> list[tuple[str, Form]]:
    form = cosine_form(1)
    p, one = form.order, np.zeros((form.order, form.order), dtype=np.int64)
    one[p - 1, 0] = -1
    return [
        ("Refused (Wrong_table Left)", replace(form, L=form.L[1:])),
        ("Refused Wrong_activation", replace(form, activation="relu")),
        ("Refused (Wrong_table First_direct)", replace(form, P=one)),
        ("Refused (Wrong_table Second_direct)", replace(form, Q=one)),
        ("Refused (May_overflow Logits)", replace(form, U=form.U * 2**50)),
        ("Refused (May_overflow Centred)", replace(form, L=0 * form.L, R=0 * form.R, U=form.U * 0 + 2**58)),
        ("Refused (May_overflow Moments)", replace(form, L=0 * form.L, R=0 * form.R, U=form.U * 2**44)),
        ("Refused (May_overflow Moments)", replace(form, U=form.U * 2**35)),
        ("Refused (May_overflow Moments)", replace(form, L=form.L * 2**11, R=form.R * 2**11, U=0 * form.U)),
    ]


@pytest.mark.parametrize(("verdict", "form"), refusals())
def test_refused(verdict, form):
    assert second_moment.verdict(0, form, NOTHING) == verdict


def test_operations_are_a_function_of_the_sizes():
    p, m = sympy.symbols("p m", positive=True)
    form = random_form(6)
    assert np.array_equal(form.L, form.R) is False
    wanted = second_moment.operations_of(p, m, tied=False).subs({p: form.order, m: form.width})
    assert second_moment.operations(form, NOTHING) == wanted
    ratios = [brute_force.operations_of(p, m) / second_moment.operations_of(p, m) for p, m in ((59, 128), (59, 160), (113, 256))]
    assert ratios[0] > 9 and ratios[1] > 8 and ratios[2] > 18


def test_there_is_nothing_in_the_certificate():
    assert second_moment.fields(NOTHING) == []
