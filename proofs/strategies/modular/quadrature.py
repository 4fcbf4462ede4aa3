"""quadrature: the sum over phases of each frequency, worked out at p points; for networks with a cosine for each neuron.

The certificate says of each neuron j its frequency k, and integers by which p of cosines and sines give
    x_j(i) = p_j cos(k i) - q_j sin(k i)  near  input_scale L[i, j],
    y_j(c) = r_j cos(k c) - s_j sin(k c)  near  output_scale U[c, j]
(cos(i), sin(i): the tables of `unit` times cosine and sine of 2 pi i / p; that products of them are sums is tested, up to
`tolerance`). With sigma and delta the half sum and half difference of the tokens, x_j(a) + x_j(b) is near
2 cos(k delta) x_j(sigma) / unit; so, up to a factor that depends on delta, the neurons of a frequency say
    F(sigma, c) = sum_j relu(+-x_j(sigma)) y_j(c) = A(sigma) cos(k c) - B(sigma) sin(k c),
the rule of numerical integration over the phases of the neurons for an integral that is a multiple of cos(k (2 sigma - c)).
A and B take p steps for each neuron; the least of F(sigma, 2 sigma) - F(sigma, 2 sigma + d) over sigma then serves all pairs.
What the cosines leave out is added up once. Coq: Modular.Quadrature. Source: docs on modular arithmetic, section 3 (C4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import gcd
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int64

from compact_proofs.extract.coq_text import Field
from compact_proofs.extract.modular_form import MOST, Activation, Form, certified, check_form, check_range, largest, refused
from compact_proofs.models.errors import OverflowRisk
from compact_proofs.proofs.strategies.modular.brute_force import form_operations_of

MOST_UNIT = 2**28
MOST_SHIFT = 61
UNITS = range(16, 7, -1)  # the logarithms of the units that the finder tries
FINEST = 3  # it rounds amplitudes to at least 2^-FINEST of a unit of the weights
AMPLITUDE_BITS = range(18, 3, -1)

Table = Int64[np.ndarray, "neurons p"]


@dataclass(frozen=True, slots=True)
class QuadratureCertificate:
    """Coq: Modular.Quadrature.quadrature_certificate.

    cosines, sines: p integers each. frequencies: one for each group. groups: the group of each neuron. The last four: p_j,
    q_j, r_j, s_j of each neuron. margin_shift: margins are taken in units of 2^margin_shift.
    """

    unit: int
    tolerance: int
    input_scale: int
    output_scale: int
    margin_shift: int
    cosines: tuple[int, ...]
    sines: tuple[int, ...]
    frequencies: tuple[int, ...]
    groups: tuple[int, ...]
    input_cosines: tuple[int, ...]
    input_sines: tuple[int, ...]
    output_cosines: tuple[int, ...]
    output_sines: tuple[int, ...]


class Margins(NamedTuple):
    """In units of 2^margin_shift: leads of the right answer by half difference of the tokens and by the distance d of the wrong
    one, d = 1 .. p - 1; and what they have to be above. Coq: Modular.Quadrature.total_leads, needed.
    """

    leads: Int64[np.ndarray, "p rivals"]
    needed: int

    @property
    def enough(self) -> Bool[np.ndarray, " p"]:
        """Say of each half difference whether every lead is above. Coq: Modular.Quadrature.enough."""
        if self.needed > MOST:
            return np.zeros(len(self.leads), dtype=bool)
        return np.asarray((self.leads > self.needed).all(axis=1))


def verdict(claimed: int, form: Form, certificate: QuadratureCertificate) -> str:
    """Return what Coq prints for the claim. Coq: Modular.Quadrature.quadrature_on."""
    return certified(claimed, lambda: count(form, certificate))


def count(form: Form, certificate: QuadratureCertificate) -> int:
    """Return how many pairs are proved right.

    Raises: CertificateError, OverflowRisk: the message starts with Coq's refusal.
    """
    check_form(form)
    check(form, certificate)
    found = margins(form, certificate)
    p, tokens = form.order, np.arange(form.order)
    half_difference = ((p + 1) // 2 * (tokens[:, None] - _sign(form) * tokens[None, :])) % p
    return int(found.enough[half_difference].sum())


def check(form: Form, certificate: QuadratureCertificate) -> None:
    """Check the certificate against a form that is in order, in the order of Coq's tests.

    Raises: CertificateError, OverflowRisk: the message starts with Coq's refusal. Coq: Modular.Quadrature.quadrature_tests.
    """
    p, m = form.order, form.width
    c = certificate
    if p % 2 == 0:
        raise refused(f"Wrong_order {p}", f"the order is {p}, wanted an odd one")
    if form.activation != "relu":
        raise refused("Wrong_activation", f"the activation is {form.activation}, wanted relu")
    for scale, most in ((c.unit, MOST_UNIT), (c.input_scale, MOST), (c.output_scale, MOST)):
        if not 1 <= scale <= most:
            raise refused(f"Wrong_scale {_number(scale)}", f"a scale is {scale}, wanted 1 to {most}")
    for scale, most in ((c.tolerance, MOST), (c.margin_shift, MOST_SHIFT)):
        if not 0 <= scale <= most:
            raise refused(f"Wrong_scale {_number(scale)}", f"a tolerance or shift is {scale}, wanted 0 to {most}")
    for name, table in (("Cosines", c.cosines), ("Sines", c.sines)):
        if len(table) != p or any(abs(x) > c.unit for x in table):
            raise refused(f"Wrong_table {name}", f"wanted {p} numbers of at most {c.unit}")
    for k in c.frequencies:
        if not 1 <= k <= p // 2:
            raise refused(f"Wrong_frequency {_number(k)}", f"a frequency is {k}, wanted 1 to {p // 2}")
    if len(c.groups) != m or any(not 0 <= g < len(c.frequencies) for g in c.groups):
        raise refused("Wrong_table Groups", f"wanted {m} numbers below {len(c.frequencies)}")
    amplitudes = (c.input_cosines, c.input_sines, c.output_cosines, c.output_sines)
    if any(len(table) != m for table in amplitudes):
        raise refused("Wrong_table Amplitudes", f"wanted four tables of {m} numbers")
    if not products_hold(c):
        raise refused("Wrong_table Angles", f"a product of cosines or sines is not half the sum up to {c.tolerance}")
    first, second = input_top(form, c), moment_top(form, c)
    check_range("Residuals", first)
    check_range("Moments", second)
    top = len(c.frequencies) * c.unit * (second + 2**c.margin_shift)
    if top > MOST * 2**c.margin_shift:
        check_range("Margins", top)


def _number(x: int) -> str:
    """Return an integer as Coq prints it as an argument."""
    return f"({x})" if x < 0 else str(x)


def _sign(form: Form) -> int:
    """Return the coefficient modulo p."""
    return form.coefficient % form.order


def input_top(form: Form, c: QuadratureCertificate) -> int:
    """Return a bound on the weighted residuals of the inputs. Coq: Modular.Quadrature.input_top."""
    left = c.input_scale * max(largest(form.L), largest(form.R))
    sizes = (abs(p) + abs(q) for p, q in zip(c.input_cosines, c.input_sines, strict=True))
    return sum((1 + largest(form.U)) * (left + size * c.unit) for size in sizes)


def moment_top(form: Form, c: QuadratureCertificate) -> int:
    """Return a bound on margins, on residuals of the outputs and on sums of either. Coq: Modular.Quadrature.moment_top."""
    amplitudes = zip(c.input_cosines, c.input_sines, c.output_cosines, c.output_sines, strict=True)
    output = c.output_scale * largest(form.U)
    return 4 * sum((1 + (abs(p) + abs(q)) * c.unit) * (output + (abs(r) + abs(s)) * c.unit) for p, q, r, s in amplitudes)


def products_hold(c: QuadratureCertificate) -> bool:
    """Say whether 2 cos i cos j = cos (j + i) + cos (j - i), and so for sin j, up to the tolerance. Coq: products_hold."""
    p = len(c.cosines)
    i, j = np.arange(p)[:, None], np.arange(p)[None, :]
    cosines = np.array(c.cosines, dtype=np.int64)
    return all(
        bool((np.abs(2 * cosines[i] * table[j] - c.unit * (table[(j + i) % p] + table[(j - i) % p])) <= c.tolerance).all())
        for table in (cosines, np.array(c.sines, dtype=np.int64))
    )


def margins(form: Form, c: QuadratureCertificate) -> Margins:
    """Return the leads, and what the cosines leave out, of a certificate that passes the tests."""
    p, groups = form.order, _array(c.groups)
    tokens = np.arange(p)
    turns = _array(c.frequencies)[:, None] * tokens % p
    cosines, sines = _array(c.cosines)[turns], _array(c.sines)[turns]  # group, token

    def waves(u: tuple[int, ...], v: tuple[int, ...]) -> Table:
        return _array(u)[:, None] * cosines[groups] - _array(v)[:, None] * sines[groups]  # neuron, token

    inputs = waves(c.input_cosines, c.input_sines)
    outputs_left_out = np.abs(c.output_scale * form.U.T - waves(c.output_cosines, c.output_sines))
    tops = np.abs(inputs).max(axis=1, initial=0)[:, None]
    leads = np.zeros((p, p), dtype=np.int64)  # half difference, d
    for group in range(len(c.frequencies)):
        inside = groups == group
        slack = int((tops[inside] * outputs_left_out[inside]).sum(axis=0).max())
        for sign in (1, -1):
            active = np.maximum(sign * inputs[inside], 0)
            A, B = _array(c.output_cosines)[inside] @ active, _array(c.output_sines)[inside] @ active
            values = A[:, None] * cosines[group] - B[:, None] * sines[group]  # half sum, class
            turned = values[tokens[:, None], (2 * tokens[:, None] + tokens) % p]
            least = (turned[:, :1] - turned).min(axis=0)
            factor = np.maximum(sign * cosines[group], 0)
            leads += factor[:, None] * ((least - 2 * slack) >> c.margin_shift)
    return Margins(leads[:, 1:], needed(form, c, inputs))


def needed(form: Form, c: QuadratureCertificate, inputs: Table) -> int:
    """Return what leads have to be above, in units of 2^margin_shift. Coq: Modular.Quadrature.needed."""
    tops = np.abs(form.U).max(axis=0, initial=0)
    second = inputs[:, _sign(form) * np.arange(form.order) % form.order]
    left_out = sum(
        int((tops @ np.abs(c.input_scale * table.T - near)).max()) for table, near in ((form.L, inputs), (form.R, second))
    )
    sizes = sum(int(top) * (abs(p) + abs(q)) for top, p, q in zip(tops, c.input_cosines, c.input_sines, strict=True))
    direct = c.input_scale * c.unit * (largest(form.P) + largest(form.Q))
    return c.output_scale * (c.tolerance * sizes + c.unit * left_out + direct) >> c.margin_shift


def _array(values: tuple[int, ...]) -> Int64[np.ndarray, " n"]:
    return np.array(values, dtype=np.int64)


def find_on(form: Form) -> QuadratureCertificate:
    """Return the best certificate over a few units, amplitudes in the finest scale that the ranges allow for each.

    Raises: CertificateError: an even order, or 1, another activation. OverflowRisk: no scale fits.
    """
    if form.order == 1:
        raise refused("Wrong_order 1", "one token has no frequency, wanted at least 3")
    best, most = None, -1
    for unit_bits in UNITS:
        for bits in AMPLITUDE_BITS:
            certificate = _certificate(form, unit_bits, bits)
            try:
                check(form, certificate)
            except OverflowRisk:
                continue
            right = int(margins(form, certificate).enough.sum())
            if right > most:
                best, most = certificate, right
            break
        if most == form.order:
            break
    if best is None:
        check(form, _certificate(form, UNITS[-1], AMPLITUDE_BITS[-1]))  # raises
        raise AssertionError
    return best


def _certificate(form: Form, unit_bits: int, amplitude_bits: int) -> QuadratureCertificate:
    """Return the certificate of the cosines nearest to the network, for a unit and a size of amplitudes, as powers of two."""
    p, unit = form.order, 2**unit_bits
    tokens, neurons = np.arange(p), np.arange(form.width)
    angles = 2 * np.pi * tokens / p
    cosines, sines = np.rint(unit * np.cos(angles)).astype(np.int64), np.rint(unit * np.sin(angles)).astype(np.int64)
    inputs, outputs = _components(form.L), _components(form.U)
    if gcd(_sign(form), p) == 1:
        inputs = (inputs + _components(form.R[pow(_sign(form), -1, p) * tokens % p])) / 2
    dominant = np.abs(inputs[1 : (p + 1) // 2])
    strongest = dominant.argmax(axis=0) + 1 if len(dominant) else np.ones(form.width, dtype=int)
    frequencies = np.unique(strongest)

    def scaled(components: np.ndarray, top: int) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
        lift = max(-unit_bits, min(FINEST, amplitude_bits - top.bit_length()))
        chosen = components[strongest, neurons] * 2.0**lift
        real, imaginary = (tuple(np.rint(part).astype(np.int64).tolist()) for part in (chosen.real, chosen.imag))
        return 2 ** (unit_bits + lift), real, imaginary

    input_scale, input_cosines, input_sines = scaled(inputs, max(largest(form.L), largest(form.R)))
    output_scale, output_cosines, output_sines = scaled(outputs, largest(form.U))
    certificate = QuadratureCertificate(
        unit=unit,
        tolerance=tolerance_of(unit, cosines, sines),
        input_scale=input_scale,
        output_scale=output_scale,
        margin_shift=0,
        cosines=tuple(cosines.tolist()),
        sines=tuple(sines.tolist()),
        frequencies=tuple(frequencies.tolist()),
        groups=tuple(np.searchsorted(frequencies, strongest).tolist()),
        input_cosines=input_cosines,
        input_sines=input_sines,
        output_cosines=output_cosines,
        output_sines=output_sines,
    )
    factor, second = len(frequencies) * unit, moment_top(form, certificate)
    shifts = range(MOST_SHIFT + 1)
    fits = (shift for shift in shifts if factor * (second + 2**shift) <= MOST * 2**shift)
    return replace(certificate, margin_shift=next(fits, MOST_SHIFT))


def _components(table: Int64[np.ndarray, "p m"]) -> np.ndarray:
    """Return for each frequency k > 0 and column the z whose share of the column is Re (z exp (2 pi i k a / p))."""
    return 2 * np.fft.fft(table.astype(np.float64), axis=0) / len(table)


def tolerance_of(unit: int, cosines: Int64[np.ndarray, " p"], sines: Int64[np.ndarray, " p"]) -> int:
    """Return how far products of the tables are from sums."""
    p = len(cosines)
    i, j = np.arange(p)[:, None], np.arange(p)[None, :]
    return max(
        int(np.abs(2 * cosines[i] * table[j] - unit * (table[(j + i) % p] + table[(j - i) % p])).max())
        for table in (cosines, sines)
    )


def fields(c: QuadratureCertificate) -> list[Field]:
    """Return the definitions of Certificate.v."""
    numbers = ("unit", "tolerance", "input_scale", "output_scale", "margin_shift")
    lists = ("cosines", "sines", "frequencies", "groups", "input_cosines", "input_sines", "output_cosines", "output_sines")
    return [Field(name, "Z", getattr(c, name)) for name in numbers] + [Field(name, "list Z", getattr(c, name)) for name in lists]


def operations(form: Form, certificate: QuadratureCertificate) -> int:
    """Bound the operations of the checker from above."""
    return int(operations_of(form.order, form.width, len(certificate.frequencies), form.activation))


def operations_of(p: Any, m: Any, k: Any, activation: Activation = "relu") -> Any:
    """Bound them from the order p, the width m and the number k of frequencies; numbers or symbols.

    An entry of a table takes 3 for a largest value, 4 for what is left out and 2 for a weighted sum. Coq:
    Modular.Length.QuadratureLength.quadrature_operations_bound, proved to bound what the checker does.
    """
    products = 2 + 4 * p + 7 * p**2
    tests = 41 + 4 * p + 21 * m + 4 * k + 3 * (3 * p * m + 1) + 2 * products
    waves = 2 * p + 5 * p * k + 2 * m * (3 + 3 * p)
    group = 2 + 2 * m + 8 * p + 2 * (7 * p**2 + 5 * p)
    leads = 1 + 2 * m + (4 + 3 + 3 + 5 * 2) * p * m + k * group
    needed = 14 + 11 * p + 6 * m + (3 + 2 * (4 + 2)) * p * m + 2 * (3 * p**2 + 1)
    totals = 3 + p * (3 * k + 2 * p * k + 3 * p)
    pairs = p * (2 + 10 * p)
    return 1 + tests + form_operations_of(p, m, activation) + waves + leads + needed + totals + pairs
