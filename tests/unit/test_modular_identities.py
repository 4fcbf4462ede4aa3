"""The identities behind quadrature, checked symbolically: waves of half sums, homogeneity, and the integral over phases."""

import numpy as np
import pytest
import sympy
from sympy import Abs, Max, Rational, cos, expand_trig, integrate, pi, simplify, sin

a, b, c, k, u, v, t, phi = sympy.symbols("a b c k u v t phi", real=True)
p, q, r, s = sympy.symbols("p q r s", real=True)


def wave(first, second, angle):
    return first * cos(angle) - second * sin(angle)


def is_zero(expression) -> bool:
    return simplify(expand_trig(expression)) == 0


def test_products_of_the_tables():
    """Modular.CosTable: what is tested of cosines and sines."""
    assert is_zero(2 * cos(a) * cos(b) - cos(b + a) - cos(b - a))
    assert is_zero(2 * cos(a) * sin(b) - sin(b + a) - sin(b - a))


def test_two_waves_of_a_frequency_are_one():
    """Modular.QuadratureMath.collapse, with sigma and delta for the half sum and half difference of the tokens."""
    sigma, delta = u, v
    both = wave(p, q, k * (sigma + delta)) + wave(p, q, k * (sigma - delta))
    assert is_zero(both - 2 * cos(k * delta) * wave(p, q, k * sigma))


def test_a_wave_is_a_cosine_with_a_phase():
    amplitude = sympy.symbols("amplitude", positive=True)
    assert is_zero(amplitude * cos(a + phi) - wave(amplitude * cos(phi), amplitude * sin(phi), a))


def test_relu_is_homogeneous():
    """Modular.QuadratureMath.active_homogeneous, for either sign of the factor."""
    x, size = sympy.symbols("x", real=True), sympy.symbols("size", positive=True)
    for sign in (1, -1):
        difference = Max(0, 2 * sign * size * x) - 2 * size * Max(0, sign * x)
        assert all(difference.subs({x: value, size: Rational(7, 3)}) == 0 for value in (-5, Rational(-1, 3), 0, 2))
    assert Max(0, x).rewrite(Abs) - (x + Abs(x)) / 2 == 0


def test_the_integral_over_the_phases():
    """relu(cos(u + t)) cos(v + 2 t) over one period; relu is cos on half of it, and 0 on the other."""
    moved = integrate(cos(t) * cos(v + 2 * (t - u)), (t, -pi / 2, pi / 2))
    assert is_zero(moved - Rational(2, 3) * cos(2 * u - v))
    other = integrate(cos(t) * cos(v + 2 * (t - u)), (t, pi / 2, 3 * pi / 2))
    assert is_zero(moved - other - Rational(4, 3) * cos(2 * u - v))  # of the absolute value


@pytest.mark.parametrize("phases", [7, 16, 33])
def test_neurons_with_phases_all_around_integrate(phases):
    """Their sum is near the integral, so the lead of the right answer 2 u is a multiple of 1 - cos of the distance."""
    rng = np.random.default_rng(phases)
    angles = 2 * np.pi * np.arange(phases) / phases
    for x, y in rng.uniform(-np.pi, np.pi, (50, 2)):
        total = (np.maximum(np.cos(x + angles), 0) * np.cos(y + 2 * angles)).sum() * 2 * np.pi / phases
        assert abs(total - 2 / 3 * np.cos(2 * x - y)) < 20 / phases**2


def test_the_half_of_an_odd_order():
    """Modular.QuadratureSound.halves: 2 h = p + 1, so sigma + delta = a and sigma - delta = b, and 2 sigma = a + b, modulo p."""
    for order in (3, 5, 7, 9, 59):
        half = (order + 1) // 2
        first, second = np.meshgrid(np.arange(order), np.arange(order))
        sigma, delta = half * (first + second) % order, half * (first - second) % order
        assert ((sigma + delta) % order == first).all() and ((sigma - delta) % order == second).all()
        assert (2 * sigma % order == (first + second) % order).all()


def test_sums_over_phases_are_of_rank_two():
    """sum relu(x) (r cos(k c) - s sin(k c)) = A cos(k c) - B sin(k c), A = sum relu(x) r, B = sum relu(x) s."""
    x, y, r2, s2 = sympy.symbols("x y r2 s2", real=True)
    total = Max(0, x) * wave(r, s, k * c) + Max(0, y) * wave(r2, s2, k * c)
    A, B = Max(0, x) * r + Max(0, y) * r2, Max(0, x) * s + Max(0, y) * s2
    assert sympy.expand(total - wave(A, B, k * c)) == 0


def test_the_cosine_series_of_the_absolute_cosine():
    """|cos x| = 2/pi + sum over n of c_n cos 2nx, c_n = (4/pi) (-1)^(n+1) / (4 n^2 - 1)."""
    x = sympy.symbols("x", real=True)
    assert sympy.integrate(sympy.cos(x), (x, -sympy.pi / 2, sympy.pi / 2)) / sympy.pi == 2 / sympy.pi
    for n in range(1, 6):
        found = sympy.integrate(sympy.cos(x) * sympy.cos(2 * n * x), (x, -sympy.pi / 2, sympy.pi / 2)) * 2 / sympy.pi
        assert sympy.simplify(found - 4 / sympy.pi * (-1) ** (n + 1) / (4 * n**2 - 1)) == 0
