"""homogeneity: neurons of one frequency collapse to a few terms, each a function of a - s b times one of a + s b.

With S = a + s b and e = a - s b (mod p), relu(D x_j) or |D x_j| of the neurons of a group is near sum_i phi[e, i] t_j[S, i].
What is left of a pair is computed exactly and bounded by the inequality of Cauchy and Schwarz; where its squares do not fit, it
is taken without its last bits. The differences of terms between
S and S + d depend little on S: where their bounds over all S settle (e, d), no pair of e has to look at class S + d.

The finder is not trusted; the tables may be any integers. Coq: Modular.Homogeneity. Source: docs on modular arithmetic,
section 3, C3, variant T.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from compact_proofs.extract.coq_text import Field
from compact_proofs.extract.modular_form import Form, before_top, certified, check_form, check_range, largest, refused
from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.strategies.modular.terms import root_up, roots_up, wrapped

MOST_RANK = 16
MOST = 2**60
MOST_SCALE_BITS = 12
MOST_DROPPED = 60
STRAY = 4  # groups of fewer neurons than this may be put together
KINDS = ((0, 2), (1, 1), (1, 2), (1, 3), (1, 4), (1, 5))  # kink and rank, in the order in which they are tried


@dataclass(frozen=True, slots=True, eq=False)
class HomogeneityCertificate:
    """Integers of int64; `scale` is D; kink 0: relu(D x), else |D x|.

    Shapes: centre (m,); groups: the neurons of each; distances (p, groups rank): phi by e, group and i; phases (p, rank m): t by
    S, group, i and neuron of the group; levels (p,) by e. `dropped`: bits that the residuals do without.
    Coq: Modular.Homogeneity.homogeneity_certificate.
    """

    scale: int
    kink: int
    rank: int
    centre: Int64[np.ndarray, " m"]
    groups: tuple[tuple[int, ...], ...]
    distances: Int64[np.ndarray, "p terms"]
    phases: Int64[np.ndarray, "p entries"]
    levels: Int64[np.ndarray, " p"]
    dropped: int = 0

    @property
    def used_rank(self) -> int:
        return min(MOST_RANK, max(0, self.rank))

    @property
    def used_dropped(self) -> int:
        return min(MOST_DROPPED, max(0, self.dropped))

    @property
    def factor(self) -> int:
        return 2 * self.scale if self.kink else self.scale


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """By pair: accepted; what it has to spare; the number of classes tested one by one."""

    accepted: Bool[np.ndarray, "p p"]
    spare: Int64[np.ndarray, "p p"]
    tested: int


def verdict(claimed: int, form: Form, certificate: HomogeneityCertificate) -> str:
    """Return what Coq prints. Coq: Modular.Homogeneity.homogeneity_on."""
    return certified(claimed, lambda: count(form, certificate))


def count(form: Form, certificate: HomogeneityCertificate) -> int:
    """Return how many pairs the checker accepts. Coq: Modular.Homogeneity.hom_count.

    Raises: InputRefused: the message starts with what Coq prints.
    """
    check_form(form)
    _check(form, certificate)
    return int(_pairs(form, certificate).accepted.sum())


def _check(form: Form, c: HomogeneityCertificate) -> None:
    """Check shapes and ranges. Coq: Modular.Homogeneity.hom_tests.

    Raises: CertificateError, OverflowRisk: the message starts with Coq's refusal.
    """
    p, m, rank, groups = form.order, form.width, c.used_rank, len(c.groups)
    if form.activation != "relu":
        raise refused("Wrong_activation", f"the activation is {form.activation}, wanted relu")
    if c.scale < 1:
        raise refused(f"Wrong_scale {c.scale if c.scale >= 0 else f'({c.scale})'}", f"the scale is {c.scale}, wanted at least 1")
    if sorted(j for group in c.groups for j in group) != list(range(m)):
        raise refused("Wrong_table Groups", f"the groups are not a partition of the {m} neurons")
    shapes: dict[str, tuple[np.ndarray, tuple[int, ...]]] = {
        "Centre": (c.centre, (m,)),
        "Distances": (c.distances, (p, groups * rank)),
        "Phases": (c.phases, (p, rank * m)),
        "Amplitudes": (c.levels, (p,)),
    }
    for name, (table, wanted) in shapes.items():
        if table.shape != wanted or largest(table) > MOST:
            raise refused(f"Wrong_table {name}", f"got shape {table.shape} up to {largest(table)}, wanted {wanted} up to 2^60")
    check_range("Centred", largest(form.U) + largest(c.centre))
    u_top, phi_top, t_top = largest(form.U - c.centre), largest(c.distances), largest(c.phases)
    before = c.scale * before_top(form)
    check_range("Before_activation", before)
    dev = before + rank * phi_top * t_top
    coarse, size = _tops(c, m, dev)
    check_range("Residuals", max(dev, (m + 1) * coarse * coarse, size))
    check_range("Outputs", m * u_top * u_top)
    term = m * u_top * t_top
    check_range("Moments", 2 * term)
    check_range("Band", groups * rank * phi_top * 2 * term)
    direct = 2 * c.factor * (largest(form.P) + largest(form.Q))
    check_range("Margins", direct + 8 * m * u_top * dev + size * root_up(m * u_top * u_top) + 1)


def _tops(c: HomogeneityCertificate, width: int, dev: int) -> tuple[int, int]:
    """Bound a residual without the bits dropped, and the length of all. Coq: Modular.Homogeneity.coarse_of, size_of."""
    coarse = (dev >> c.used_dropped) + 1 if c.used_dropped else dev
    return coarse, (root_up(width * coarse * coarse) + _slack(c, width)) << c.used_dropped


def _slack(c: HomogeneityCertificate, width: int) -> int:
    """Return what dropped bits add to the length, in units of the last bit kept. Coq: Modular.Homogeneity.hom_slack."""
    return root_up(width) if c.used_dropped else 0


def _unfolded(form: Form, c: HomogeneityCertificate) -> tuple[Int64[np.ndarray, "p r m"], Int64[np.ndarray, "p r m"]]:
    """Return phi by distance, i and neuron, and t by answer, i and neuron."""
    p, m, rank = form.order, form.width, c.used_rank
    phi, t = np.zeros((p, rank, m), dtype=np.int64), np.zeros((p, rank, m), dtype=np.int64)
    at = 0
    for k, group in enumerate(c.groups):
        neurons, n = list(group), len(group)
        phi[:, :, neurons] = c.distances[:, k * rank : (k + 1) * rank, None]
        t[:, :, neurons] = c.phases[:, at : at + rank * n].reshape(p, rank, n)
        at += rank * n
    return phi, t


def _terms(form: Form, c: HomogeneityCertificate, t: Int64[np.ndarray, "p r m"]) -> Int64[np.ndarray, "p p terms"]:
    """Return G by answer, class, and group and i. Coq: Modular.Homogeneity.terms_of."""
    p, rank = form.order, c.used_rank
    U = form.U - c.centre
    result = np.zeros((p, p, len(c.groups) * rank), dtype=np.int64)
    for k, group in enumerate(c.groups):
        neurons = list(group)
        for i in range(rank):
            result[:, :, k * rank + i] = t[:, i, neurons] @ U[:, neurons].T
    return result


def _pairs(form: Form, c: HomogeneityCertificate) -> _Pairs:
    """Go through all pairs, as Coq does; int64 may wrap on the way, but not in what is compared."""
    p = form.order
    tokens = np.arange(p)
    U, scale, factor = form.U - c.centre, wrapped(c.scale), wrapped(c.factor)
    slack = _slack(c, form.width)
    phi, t = _unfolded(form, c)
    terms = _terms(form, c, t)
    own = terms[tokens, tokens]
    low, high = _differences(terms)
    corners = np.where(c.distances[:, None] >= 0, c.distances[:, None] * low, c.distances[:, None] * high).sum(axis=2)
    passed = corners + (c.levels - 1)[:, None] >= 0
    passed[:, 0] = True
    norms = roots_up((U * U).sum(axis=1))
    first, second = factor * form.P, factor * form.Q
    if c.kink:
        first, second = first + (scale * form.L) @ U.T, second + (scale * form.R) @ U.T
    answers, distances = form.answers(), form.differences()
    accepted = np.zeros((p, p), dtype=bool)
    spare = np.zeros((p, p), dtype=np.int64)
    tested = 0
    for a in range(p):
        S, e = answers[a], distances[a]
        x = scale * (form.L[a] + form.R)
        w = np.abs(x) if c.kink else np.maximum(x, 0)
        dev = w - (phi[e] * t[S]).sum(axis=1)
        coarse = dev >> c.used_dropped
        rest = (roots_up((coarse * coarse).sum(axis=1)) + slack) << c.used_dropped
        best = first[a, S] + second[tokens, S] + (U[S] * w).sum(axis=1)
        spare[a] = best - (rest * norms.max() + first[a].max() + second.max(axis=1) + (c.distances[e] * own[S]).sum(axis=1))
        settled = passed[e[:, None], (tokens[None, :] - S[:, None]) % p]
        other = rest[:, None] * norms + first[a] + second + np.matmul(terms[S], c.distances[e][:, :, None])[:, :, 0]
        enough = spare[a] >= c.levels[e]
        accepted[a] = enough & (settled | (other < best[:, None])).all(axis=1)
        tested += int((~settled[enough]).sum())
    return _Pairs(accepted, spare, tested)


def _differences(terms: Int64[np.ndarray, "p p terms"]) -> tuple[Int64[np.ndarray, "p terms"], Int64[np.ndarray, "p terms"]]:
    """Bound G(S, S) - G(S, S + d) over all S, by d. Coq: Modular.Homogeneity.over_all."""
    p = len(terms)
    tokens = np.arange(p)
    of_d = terms[tokens[:, None], tokens[:, None]] - terms[tokens[:, None], (tokens[:, None] + tokens[None, :]) % p]
    return of_d.min(axis=0), of_d.max(axis=0)


# The finder.


def find_on(
    form: Form,
    rank: int | None = None,
    kink: int | None = None,
    stray: int | None = None,
    target: float = 0.999,
) -> HomogeneityCertificate:
    """Find a certificate; without a rank the first of KINDS that proves `target` of the right pairs, or else the best.

    Groups of fewer than `stray` neurons are put together.
    Raises: InputRefused: the form is refused, no relu, or too large for any certificate.
    """
    check_form(form)
    if form.activation != "relu":
        raise refused("Wrong_activation", f"the activation is {form.activation}, wanted relu")
    if rank is not None:
        kinds = [(1 if kink is None else kink, rank)]
    else:
        kinds = [kind for kind in KINDS if kink is None or kind[0] == kink]
    right = int(form.right().sum())
    best: tuple[int, HomogeneityCertificate] | None = None
    for kind in kinds:
        for groups in dict.fromkeys(groups_of(form, least) for least in ((1, STRAY) if stray is None else (stray,))):
            found = _of_kind(form, *kind, groups)
            if best is None or found[0] > best[0]:
                best = found
        if best and (best[0] == right or (best[0] >= target * right and kind != kinds[0])):  # the first two cost the same
            break
    assert best is not None
    return best[1]


def frequencies_of(form: Form) -> Int64[np.ndarray, " m"]:
    """Return the strongest frequency, 1 to p/2, of the inputs of each neuron; 0 where p is below 2 or nothing varies."""
    if form.order < 2:
        return np.zeros(form.width, dtype=np.int64)
    power = np.abs(np.fft.rfft(form.L, axis=0)) ** 2 + np.abs(np.fft.rfft(form.R, axis=0)) ** 2
    power[0] = 0
    return power.argmax(axis=0)


def groups_of(form: Form, stray: int = 1) -> tuple[tuple[int, ...], ...]:
    """Return the neurons of each frequency; those of fewer than `stray` neurons in one group at the end."""
    of = frequencies_of(form)
    groups = [tuple(np.flatnonzero(of == k).tolist()) for k in np.unique(of)]
    rest = tuple(sorted(j for group in groups if len(group) < stray for j in group))
    return tuple(group for group in groups if len(group) >= stray) + ((rest,) if rest else ())


def _of_kind(form: Form, kink: int, rank: int, groups: tuple[tuple[int, ...], ...]) -> tuple[int, HomogeneityCertificate]:
    """Fit the tables of all groups, at the largest scale up to 2^12 whose ranges fit, and choose the levels.

    Bits are dropped where otherwise no scale fits, as few as needed.
    Raises: InputRefused: none fits; what refuses scale 1 with all bits.
    """
    rank = max(0, min(rank, MOST_RANK))
    fits = [_fit(_by_coordinates(form, kink, group), rank) for group in groups]
    centre = np.rint(form.U.mean(axis=0)).astype(np.int64)
    never = np.full(form.order, -MOST, dtype=np.int64)
    refusal: InputRefused | None = None
    for bits in range(MOST_SCALE_BITS, -1, -1):
        distances, phases = _rounded(fits, 2**bits, form.order)
        certificate = HomogeneityCertificate(2**bits, kink, rank, centre, groups, distances, phases, never)
        for dropped in range(1 if bits else MOST_DROPPED + 1):
            fitting = replace(certificate, dropped=dropped)
            try:
                _check(form, fitting)
            except InputRefused as error:
                refusal = refusal if dropped else error
                continue
            pairs = _pairs(form, fitting)
            return int(pairs.accepted.sum()), replace(fitting, levels=_levels(form, pairs))
    assert refusal is not None
    raise refusal


def _levels(form: Form, pairs: _Pairs) -> Int64[np.ndarray, " p"]:
    """Return the highest levels that no accepted pair misses."""
    levels = np.full(form.order, MOST, dtype=np.int64)
    np.minimum.at(levels, form.differences()[pairs.accepted], pairs.spare[pairs.accepted])
    return np.clip(levels, -MOST, MOST)


def _by_coordinates(form: Form, kink: int, group: tuple[int, ...]) -> Float64[np.ndarray, "p p n"]:
    """Return |x| or relu(x) of the neurons by distance and answer, means where several pairs have both, 0 where none has."""
    p, neurons = form.order, list(group)
    answers, distances = form.answers(), form.differences()
    total, pairs = np.zeros((p, p, len(neurons))), np.zeros((p, p, 1))
    for a in range(p):
        x = form.L[a, neurons] + form.R[:, neurons]
        np.add.at(total, (distances[a], answers[a]), np.abs(x) if kink else np.maximum(x, 0))
        np.add.at(pairs, (distances[a], answers[a]), 1)
    return total / np.maximum(pairs, 1)


def _fit(values: Float64[np.ndarray, "p p n"], rank: int) -> tuple[Float64[np.ndarray, "p r"], Float64[np.ndarray, "r p n"]]:
    """Return the best tables of a rank in the sense of least squares: phi by distance, t by answer and neuron."""
    p, _, n = values.shape
    flat = values.reshape(p, p * n)
    sizes, left = np.linalg.eigh(flat @ flat.T)
    phi = left[:, np.argsort(sizes)[::-1][:rank]]
    phi = np.pad(phi, ((0, 0), (0, rank - phi.shape[1])))
    phi = phi * np.where(phi.sum(axis=0) < 0, -1.0, 1.0)
    return phi, (phi.T @ flat).reshape(rank, p, n)


def _rounded(
    fits: list[tuple[Float64[np.ndarray, "p r"], Float64[np.ndarray, "r p n"]]], scale: int, order: int
) -> tuple[Int64[np.ndarray, "p terms"], Int64[np.ndarray, "p entries"]]:
    """Round the tables with about as many bits each; t is fitted again to the rounded phi."""
    distances, phases = [np.zeros((order, 0))], [np.zeros((order, 0))]
    for phi, t in fits:
        sizes = scale * np.abs(phi).max(axis=0) * np.abs(t).max(axis=(1, 2), initial=0)
        least = np.maximum(np.abs(phi).max(axis=0), 1e-12)
        scaled = np.rint(phi / least * np.maximum(1.0, np.sqrt(sizes)))
        again = np.linalg.pinv(scaled) @ phi
        distances.append(scaled)
        phases.append(np.rint(scale * np.einsum("ij,jsn->sin", again, t)).reshape(order, -1))
    return np.concatenate(distances, axis=1).astype(np.int64), np.concatenate(phases, axis=1).astype(np.int64)


# What is found, in words.


@dataclass(frozen=True, slots=True)
class Frequency:
    """Neurons whose inputs vary mostly at one frequency; share: how much of their input's variation is at it, 0 to 1;
    spread: 0 where the doubled phases go round evenly, 1 where all are equal; turn: how far, in degrees, the phases of their
    outputs are from twice those of their inputs, in the mean."""

    frequency: int
    neurons: int
    share: float
    spread: float
    turn: float


@dataclass(frozen=True, slots=True)
class Mechanism:
    """What the neurons compute, by frequency, the one of most neurons first."""

    order: int
    frequencies: tuple[Frequency, ...]

    def lines(self) -> list[str]:
        """Return one line for each frequency."""
        result = []
        for one in self.frequencies:
            result.append(
                f"frequency {one.frequency} of {self.order}: {one.neurons} neuron{'s' * (one.neurons != 1)}, "
                f"{one.share:.0%} of their inputs' variation; output phases on average {one.turn:.0f} degrees from twice the "
                f"input phases; evenness of phases {1 - one.spread:.2f}"
            )
        return result


def mechanism(form: Form) -> Mechanism:
    """Describe the neurons of a form by their frequencies and phases."""
    of = frequencies_of(form)
    inputs, outputs = np.fft.rfft(form.L, axis=0), np.fft.rfft(form.U, axis=0)
    result = []
    for k in sorted(set(of.tolist()) - {0}, key=lambda k: (-int((of == k).sum()), k)):
        neurons = np.flatnonzero(of == k)
        power = np.abs(inputs[1:, neurons]) ** 2
        share = float((power[k - 1] / np.maximum(power.sum(axis=0), 1e-12)).mean())
        phase, output = np.angle(inputs[k, neurons]), np.angle(outputs[k, neurons])
        turn = np.degrees(np.abs(np.angle(np.exp(1j * (output - 2 * phase))))).mean()
        spread = float(np.abs(np.exp(2j * phase).mean()))
        result.append(Frequency(k, len(neurons), share, spread, float(turn)))
    return Mechanism(form.order, tuple(result))


def fields(certificate: HomogeneityCertificate) -> list[Field]:
    """Return the definitions of Certificate.v, in the order of the Coq constructor."""
    c = certificate
    return [
        Field("scale", "Z", c.scale),
        Field("kink", "Z", c.kink),
        Field("rank", "Z", c.rank),
        Field("centre", "list Z", c.centre),
        Field("groups", "list (list Z)", c.groups),
        Field("distances", "list (list Z)", c.distances),
        Field("phases", "list (list Z)", c.phases),
        Field("levels", "list Z", c.levels),
        Field("dropped", "Z", c.dropped),
    ]


def operations(form: Form, certificate: HomogeneityCertificate) -> int:
    """Return an upper bound on the operations of the checker on the form."""
    sizes = (form.order, form.width, len(certificate.groups), certificate.used_rank, tested(form, certificate))
    return int(operations_of(*sizes, bool(certificate.kink), certificate.used_dropped > 0))


def tested(form: Form, certificate: HomogeneityCertificate) -> int:
    """Return how many times the checker tests a class of a pair by itself."""
    _check(form, certificate)
    return _pairs(form, certificate).tested


def operations_of(p: Any, m: Any, groups: Any, rank: Any, tested: Any, kink: bool = False, coarse: bool = False) -> Any:
    """The same as a function of the sizes, which may be sympy symbols; the tests of the form are counted too.

    tested: how many times a class of a pair is tested by itself, up to p^2 (p - 1); coarse: whether bits are dropped.
    """
    terms = groups * rank
    tables = p * terms + p * rank * m  # entries of phi and t
    form_tests = 3 * (7 * p * m + 2 * p * p) + 5 * p + 40
    tests = m * m + 2 * m + 3 * m + 8 * tables + 3 * (2 * p * m + 2 * p * p) + 4 * m + 6 * p * m + 5 * p + 120
    certificate = 2 * tables + 12 * m + 2 * m + p * m + p
    by_answer = 2 * p * p * m * rank + p * (2 * m + 3) + 7 * p * p * terms
    by_distance = p * p * (3 * terms + 1) + 2 * p
    tokens = 2 * p * m + 2 * p * p * (1 + (2 * m if kink else 0)) + 6 * p * p + 3 * p + 2 * p
    per_pair = (7 if kink else 6) * m + 2 * rank * m + 2 * terms + 32 + (3 * m + 2 if coarse else 0)
    return form_tests + tests + certificate + by_answer + by_distance + tokens + p * p * per_pair + tested * (2 * terms + 5)
