"""homogeneity_l1: every ReLU neuron as one cosine; a pair is compared by two numbers, and looked at closely only near a tie.

For networks whose neurons are cosines of one frequency each (purified ones). With S = a + s b and T = a - s b modulo the odd p,
a neuron's D (L[a] + R[b]) is nearly rho(T) tau(S), so the outputs' differences are sums over frequencies of |rho(T)| times a
height that depends on S and on the distance from S; the least height over S serves all pairs of one T. Distances at which that
is too little are listed (`watched_distances`): there the sum is taken at S itself, and where this is too little as well, the
checker compares the two outputs exactly. So no pair is lost but those with a distance that should be watched and is not.

The finder is not trusted. Coq: Modular.HomogeneityL1. Source: docs on modular arithmetic, section 3, C3, variant A.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64

from compact_proofs.extract.coq_text import Field
from compact_proofs.extract.modular_form import MOST, Activation, Form, certified, check_form, check_range, largest, refused
from compact_proofs.models.errors import OverflowRisk
from compact_proofs.proofs.strategies.modular.brute_force import form_operations_of

SCALE_BITS = range(14, 5, -1)  # of N0
FINER_BITS = range(7)  # of t and t'


@dataclass(frozen=True, slots=True, eq=False)
class HomogeneityL1Certificate:
    """Integers: N0, t, t'; tables of N0 cos and N0 sin; the frequencies; one of them and four amplitudes per neuron.

    L[a, j] is about (input_cosines[j] cos wa - input_sines[j] sin wa) / t, U[c, j] the same with the outputs and t'.
    watched_distances: a list for each T. Coq: Modular.HomogeneityL1.homogeneity_l1_certificate.
    """

    trig_scale: int
    input_scale: int
    output_scale: int
    cosine_table: tuple[int, ...]
    sine_table: tuple[int, ...]
    frequency_list: tuple[int, ...]
    neuron_frequencies: tuple[int, ...]
    input_cosines: tuple[int, ...]
    input_sines: tuple[int, ...]
    output_cosines: tuple[int, ...]
    output_sines: tuple[int, ...]
    watched_distances: tuple[tuple[int, ...], ...]

    @property
    def big_scale(self) -> int:
        """Return D."""
        return self.trig_scale**2 * self.input_scale

    @property
    def out_scale(self) -> int:
        """Return N1."""
        return self.trig_scale * self.output_scale


@dataclass(frozen=True, slots=True, eq=False)
class _Tables:
    """What the checker computes before it looks at pairs.

    weights: |rho|, frequency by T; plus: whether rho >= 0; heights: frequency, sign (+, -), distance, S; left and right: the
    errors of the two tokens.
    """

    weights: Int64[np.ndarray, "K p"]
    plus: Bool[np.ndarray, "K p"]
    heights: Int64[np.ndarray, "K 2 p p"]
    left: Int64[np.ndarray, " p"]
    right: Int64[np.ndarray, " p"]

    def chosen(self, T: int) -> tuple[Int64[np.ndarray, " K"], Int64[np.ndarray, "K p p"]]:
        """Return the weights at T, and the heights of the sides that they go with."""
        sides = np.where(self.plus[:, T], 0, 1)
        return self.weights[:, T], self.heights[np.arange(len(sides)), sides]


@dataclass(frozen=True, slots=True)
class Work:
    """How many pairs the checker certifies, for how many it computes activations, and how many outputs it compares then."""

    certified: int
    looked_at: int
    compared: int


def verdict(claimed: int, form: Form, certificate: HomogeneityL1Certificate) -> str:
    """Return what Coq prints. Coq: Modular.HomogeneityL1.homogeneity_l1_on."""
    return certified(claimed, lambda: count(form, certificate))


def count(form: Form, certificate: HomogeneityL1Certificate) -> int:
    """Return how many pairs the checker accepts. Coq: Modular.HomogeneityL1.homogeneity_l1.

    Raises: InputRefused: the message starts with what Coq prints.
    """
    return work(form, certificate).certified


def work(form: Form, certificate: HomogeneityL1Certificate) -> Work:
    """Do what the checker does.

    Raises: InputRefused: the message starts with what Coq prints.
    """
    check_form(form)
    tables = _tables(form, certificate, _check(form, certificate))
    p, s = form.order, form.coefficient % form.order
    second = np.arange(p)
    total = looked_at = compared = 0
    for T in range(p):  # int64 may wrap on the way; what is compared is below 2^61
        weights, heights = tables.chosen(T)
        watched = certificate.watched_distances[T]
        sums = (weights[:, None] * heights.min(axis=2, initial=MOST)).sum(axis=0)
        sums[[0, *_skipped(watched)]] = MOST
        first = (T + s * second) % p
        answer = (first + s * second) % p
        error = tables.left[first] + tables.right
        good = error < min(MOST, int(sums.min()))
        near = np.zeros((len(watched), p), dtype=bool)
        for i, d in enumerate(watched):
            near[i] = good & (error >= (weights[:, None] * heights[:, d]).sum(axis=0)[answer])
        looked_at += int(near.any(axis=0).sum())
        compared += int(near.sum())
        for i, d in enumerate(watched):
            b = np.flatnonzero(near[i])
            a, best = first[b], answer[b]
            other = (best + d) % p
            h = np.maximum(0, form.L[a] + form.R[b])
            lead = (h * (form.U[best] - form.U[other])).sum(axis=1) + form.P[a, best] - form.P[a, other]
            lead += form.Q[b, best] - form.Q[b, other]
            good[b[lead <= 0]] = False
        total += int(good.sum())
    return Work(total, looked_at, compared)


def _skipped(watched: tuple[int, ...]) -> list[int]:
    """Return the watched distances that the checker meets in order. Coq: Modular.HomogeneityL1.least_unwatched."""
    result: list[int] = []
    for d in watched:
        if result and d <= result[-1]:
            break
        result.append(d)
    return result


def _wave(table: Int64[np.ndarray, " p"], k: int) -> Int64[np.ndarray, " p"]:
    """Return the entries 0, k, 2k, ... Coq: Modular.HomogeneityL1.table_wave."""
    p = len(table)
    return table[np.arange(p) * (k % p) % p]


def worst_product(p: int, scale: int, cosines: tuple[int, ...], sines: tuple[int, ...]) -> int:
    """Return how far the tables are from the addition theorem. Coq: Modular.HomogeneityL1.worst_product."""
    C, i, j = np.array(cosines), np.arange(p)[:, None], np.arange(p)[None, :]
    result = 0
    for table in (C, np.array(sines)):
        gaps = 2 * C[:, None] * table[None, :] - scale * (table[(i + j) % p] + table[(j - i) % p])
        result = max(result, largest(gaps))
    return result


def _wrapped(numbers: tuple[int, ...] | int) -> Any:
    """Return the numbers modulo 2^64; only what has no effect can be that large."""
    if isinstance(numbers, int):
        return np.int64((numbers + 2**63) % 2**64 - 2**63)
    return np.array([(n + 2**63) % 2**64 - 2**63 for n in numbers], dtype=np.int64)


def _tables(form: Form, c: HomogeneityL1Certificate, eps: int) -> _Tables:
    """Compute the tables. Coq: Modular.HomogeneityL1.group_of, direct_errors."""
    p, K = form.order, len(c.frequency_list)
    C, S = np.array(c.cosine_table, dtype=np.int64), np.array(c.sine_table, dtype=np.int64)
    n0, D, n1 = (_wrapped(n) for n in (c.trig_scale, c.big_scale, c.out_scale))
    half, s = (p + 1) // 2, form.coefficient % p
    P, Q, u, v = (_wrapped(row) for row in (c.input_cosines, c.input_sines, c.output_cosines, c.output_sines))
    of_neuron = np.array(c.neuron_frequencies, dtype=np.int64)
    heights = np.zeros((K, 2, p, p), dtype=np.int64)
    rho = np.zeros((K, p), dtype=np.int64)
    factor = _wrapped(2 * c.out_scale * c.big_scale)
    left, right = (factor * np.abs(table).max(axis=1) for table in (form.P, form.Q))
    right = right + _wrapped(_product_error(form, c, eps))
    shifted = (np.arange(p)[:, None] + np.arange(p)[None, :]) % p  # distance, S
    for g, k in enumerate(c.frequency_list):
        js = np.flatnonzero(of_neuron == k)
        cosines, sines = _wave(C, k), _wave(S, k)

        def cosine_of(x: Any, y: Any, by: int) -> Any:
            return _wave(C, by)[:, None] * x - _wave(S, by)[:, None] * y

        U, spread = form.U[:, js], 2 * n1 * np.abs(form.U[:, js]).max(axis=0, initial=0)
        gaps = np.abs(n1 * U - cosine_of(u[js], v[js], k)).max(axis=0, initial=0)
        tau = cosine_of(P[js], Q[js], k * half)
        rho[g] = 2 * _wave(C, k * half)
        for side, sign in enumerate((1, -1)):
            h = np.maximum(0, sign * tau)
            A, X, Y = (h * (n1 * U - gaps)).sum(axis=1), h @ u[js], h @ v[js]
            heights[g, side] = A - cosines[shifted] * X + sines[shifted] * Y
        left = left + np.abs(D * form.L[:, js] - n0 * cosine_of(P[js], Q[js], k)) @ spread
        right = right + np.abs(D * form.R[:, js] - n0 * cosine_of(P[js], Q[js], k * s)) @ spread
    return _Tables(np.abs(rho), rho >= 0, heights, left, right)


def _input_sum(c: HomogeneityL1Certificate) -> int:
    return sum(abs(x) for x in (*c.input_cosines, *c.input_sines))


def _product_error(form: Form, c: HomogeneityL1Certificate, eps: int) -> int:
    return c.out_scale * 2 * largest(form.U) * eps * _input_sum(c)


def _largest_of(numbers: tuple[int, ...]) -> int:
    return max((abs(x) for x in numbers), default=0)


def _check(form: Form, c: HomogeneityL1Certificate) -> int:
    """Check shapes and ranges and return eps. Coq: Modular.HomogeneityL1.homogeneity_l1_tests.

    Raises: CertificateError, OverflowRisk: the message starts with Coq's refusal.
    """
    p, m, K = form.order, form.width, c.frequency_list
    if p % 2 == 0:
        raise refused(f"Wrong_order {p}", "wanted an odd order")
    if form.activation != "relu":
        raise refused("Wrong_activation", f"the activation is {form.activation}, wanted relu")
    for scale in (c.trig_scale, c.input_scale, c.output_scale):
        if scale <= 0:
            raise refused(f"Wrong_scale {_in_coq(scale)}", "wanted more than 0")
    for name, table in (("Cosines", c.cosine_table), ("Sines", c.sine_table)):
        if len(table) != p:
            raise refused(f"Wrong_table {name}", f"{len(table)} entries, wanted {p}")
    for k in K:
        if not 1 <= k < (p + 1) // 2:
            raise refused(f"Wrong_frequency {_in_coq(k)}", f"wanted 1 to {(p - 1) // 2}")
    if len(c.neuron_frequencies) != m or any(K.count(k) != 1 for k in c.neuron_frequencies):
        raise refused("Wrong_table Groups", f"wanted one frequency of the list for each of {m} neurons")
    if any(len(row) != m for row in (c.input_cosines, c.input_sines, c.output_cosines, c.output_sines)):
        raise refused("Wrong_table Amplitudes", f"wanted {m} entries each")
    if len(c.watched_distances) != p or any(not 1 <= d < p for row in c.watched_distances for d in row):
        raise refused("Wrong_table Distances", f"wanted {p} lists of 1 to {p - 1}")
    tops = _tops(form, c)
    check_range("Moments", tops["Moments"])
    eps = worst_product(p, c.trig_scale, c.cosine_table, c.sine_table)
    for stage in ("Residuals", "Logits", "Margins"):
        check_range(stage, tops[stage])
    check_range("Margins", _error_top(form, c, eps))
    return eps


def _in_coq(n: int) -> str:
    return f"({n})" if n < 0 else str(n)


def _tops(form: Form, c: HomogeneityL1Certificate) -> dict[str, int]:
    """Return the bounds by stage. Coq: Modular.HomogeneityL1.gap_top, residual_top, output_top, height_top."""
    trig = max(_largest_of(c.cosine_table), _largest_of(c.sine_table))
    inputs = _input_sum(c)
    outputs = c.out_scale * largest(form.U) + (_largest_of(c.output_cosines) + _largest_of(c.output_sines)) * trig
    return {
        "Moments": 2 * trig * trig + 2 * c.trig_scale * trig,
        "Residuals": c.big_scale * (largest(form.L) + largest(form.R)) + c.trig_scale * trig * inputs,
        "Logits": outputs,
        "Margins": 2 * trig * trig * inputs * 2 * outputs,
    }


def _error_top(form: Form, c: HomogeneityL1Certificate, eps: int) -> int:
    """Bound the error of a pair. Coq: Modular.HomogeneityL1.error_top."""
    trig = max(_largest_of(c.cosine_table), _largest_of(c.sine_table))
    inputs = form.width * c.big_scale * (largest(form.L) + largest(form.R)) + 2 * c.trig_scale * trig * _input_sum(c)
    direct = 2 * c.out_scale * c.big_scale * (largest(form.P) + largest(form.Q))
    return c.out_scale * 2 * largest(form.U) * inputs + direct + _product_error(form, c, eps)


def find_on(form: Form, most_watched: int | None = None) -> HomogeneityL1Certificate:
    """Fit each neuron at its strongest frequency; watch what must be watched, at most `most_watched` distances for each T.

    The scales are those with which least is lost among those that fit. 0 watched: pairs are only compared by two numbers.

    Raises: InputRefused: an even order, an activation that is no ReLU, or numbers too large at the coarsest scales.
    """
    check_form(form)
    p = form.order
    if p % 2 == 0:
        raise refused(f"Wrong_order {p}", "wanted an odd order")
    if form.activation != "relu":
        raise refused("Wrong_activation", f"the activation is {form.activation}, wanted relu")
    chosen = _best_scales(form)
    tables = _tables(form, chosen, worst_product(p, chosen.trig_scale, chosen.cosine_table, chosen.sine_table))
    return _with_watched(chosen, _watched(form, tables, p if most_watched is None else most_watched))


def _best_scales(form: Form) -> HomogeneityL1Certificate:
    best: tuple[float, HomogeneityL1Certificate] | None = None
    fits = _fits(form)
    for bits in SCALE_BITS:
        for finer in FINER_BITS:
            candidate = _rounded(form, fits, bits, finer)
            try:
                eps = _check(form, candidate)
            except OverflowRisk as error:  # coarser scales may do
                refusal = error
                break
            lost = _lost(form, candidate, eps)
            if best is None or lost < best[0]:
                best = (lost, candidate)
    if best is None:
        raise refusal
    return best[1]


def _fits(form: Form) -> tuple[Int64[np.ndarray, " m"], Any, Any]:
    """Return each neuron's strongest frequency and its components (complex) there: of L and R together, and of U."""
    p, tokens = form.order, np.arange(form.order)
    frequencies = np.arange(1, (p + 1) // 2)
    waves = np.exp(-2j * np.pi * (frequencies[:, None] * tokens[None, :] % p) / p)
    turned = waves[:, tokens * (form.coefficient % p) % p]
    if len(frequencies) == 0:
        raise refused(f"Wrong_order {p}", "wanted at least 3")
    inputs = (waves @ form.L + turned @ form.R) / p
    outputs = 2 * (waves @ form.U) / p
    strongest = np.abs(inputs).argmax(axis=0)
    neurons = np.arange(form.width)
    return frequencies[strongest], inputs[strongest, neurons], outputs[strongest, neurons]


def _rounded(form: Form, fits: tuple[Any, Any, Any], bits: int, finer: int) -> HomogeneityL1Certificate:
    frequencies, inputs, outputs = fits
    scale, finer_scale, p = 2**bits, 2**finer, form.order
    angles = 2 * np.pi * np.arange(p) / p

    def ints(x: Any) -> tuple[int, ...]:
        return tuple(int(n) for n in np.rint(x))

    return HomogeneityL1Certificate(
        scale,
        finer_scale,
        finer_scale,
        ints(scale * np.cos(angles)),
        ints(scale * np.sin(angles)),
        tuple(sorted({int(k) for k in frequencies})),
        ints(frequencies),
        ints(finer_scale * inputs.real),
        ints(finer_scale * inputs.imag),
        ints(finer_scale * outputs.real),
        ints(finer_scale * outputs.imag),
        ((),) * p,
    )


def _with_watched(c: HomogeneityL1Certificate, watched: tuple[tuple[int, ...], ...]) -> HomogeneityL1Certificate:
    tables = (c.cosine_table, c.sine_table, c.frequency_list, c.neuron_frequencies)
    amplitudes = (c.input_cosines, c.input_sines, c.output_cosines, c.output_sines)
    return HomogeneityL1Certificate(c.trig_scale, c.input_scale, c.output_scale, *tables, *amplitudes, watched)


def _lost(form: Form, c: HomogeneityL1Certificate, eps: int) -> float:
    """Return the mean error of a pair, with twice what is lost at the outputs, in units of an output."""
    tables = _tables(form, c, eps)
    p = form.order
    at_answer = np.zeros((p, p))
    for T in range(p):
        weights, heights = tables.chosen(T)
        at_answer[T] = (weights[:, None] * heights[:, 0]).sum(axis=0)
    error = float(tables.left.mean() + tables.right.mean()) - float(at_answer.mean())
    return error / (float(c.out_scale) * float(c.big_scale))


def _watched(form: Form, tables: _Tables, most: int) -> tuple[tuple[int, ...], ...]:
    """Return for each T the distances where the least sum is below the largest error of a right pair."""
    p, s = form.order, form.coefficient % form.order
    second, right = np.arange(p), form.right()
    result = []
    for T in range(p):
        weights, heights = tables.chosen(T)
        sums = (weights[:, None] * heights.min(axis=2, initial=MOST)).sum(axis=0)
        first = (T + s * second) % p
        error = np.where(right[first, second], tables.left[first] + tables.right, -MOST)
        order = [d for d in np.argsort(sums, kind="stable") if d > 0 and sums[d] <= error.max()]
        result.append(tuple(sorted(int(d) for d in order[:most])))
    return tuple(result)


def fields(certificate: HomogeneityL1Certificate) -> list[Field]:
    """Return the definitions of Certificate.v, in the order of the Coq constructor."""
    c = certificate
    scales = [Field(name, "Z", getattr(c, name)) for name in ("trig_scale", "input_scale", "output_scale")]
    tables = ["cosine_table", "sine_table", "frequency_list", "neuron_frequencies"]
    amplitudes = ["input_cosines", "input_sines", "output_cosines", "output_sines"]
    lists = [Field(name, "list Z", getattr(c, name)) for name in tables + amplitudes]
    return [*scales, *lists, Field("watched_distances", "list (list Z)", c.watched_distances)]


def operations(form: Form, certificate: HomogeneityL1Certificate) -> int:
    """Bound the operations of the checker on the form from above."""
    watched = [len(row) for row in certificate.watched_distances]
    sizes = (form.order, form.width, len(certificate.frequency_list), sum(watched), sum(1 for n in watched if n))
    return int(operations_of(*sizes, form.activation))


def operations_of(p: Any, m: Any, K: Any, watched: Any, lists: Any, activation: Activation = "relu") -> Any:
    """The same as a function of the sizes, which may be sympy symbols; the tests of the form are counted too.

    watched: distances watched in all; lists: how many T have any. Each of the p pairs of such a T is taken to be looked at
    closely and all its watched outputs to be compared; where few pairs are near a tie (see `work`), the checker does less.
    Coq: Modular.Length.HomogeneityL1Length.homogeneity_l1_operations_bound, proved to bound what the checker does.
    """
    top, top_direct = 3 * p * m + 1, 3 * p**2 + 1  # the largest entry of a table
    trig = 4 * p + 1
    products_of_error = 5 + top + 4 * m
    output = 5 + top + 4 * m + trig
    error = 23 + 3 * top + 2 * top_direct + trig + 4 * m + products_of_error
    tests = 40 + 8 * K + m * (K + 1) + 3 * watched + 2 * top + 6 * trig + 8 * m + 2 * output + error
    products = 2 + 24 * p + 16 * p**2
    groups = K * (15 + m + 42 * p + 14 * p**2) + m * (51 * p + 10)
    margins = p * (4 * K + 2 * K * p + 4 * p) + watched * (2 * K * p + 1)
    errors = 13 + products_of_error + 2 * p * (3 * p + 1) + 4 * p * (K + 1) + p
    pairs = p * (19 * p + 2) + p * (watched * (2 * m + 15) + lists * (4 * m + 2))
    return 3 + 2 * p + products + tests + form_operations_of(p, m, activation) + groups + margins + errors + pairs
