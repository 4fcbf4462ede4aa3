"""Folding a quantised network for modular arithmetic into the canonical form, exactly: `fold`, and the refusals of the checker.

The form's value is the logit of the layer-by-layer network times one power of two. Each matrix is integers over a power of
two, so a product only adds up the fraction bits; what is added to something is first brought to its unit, and the mean of two
tokens (attention 1/2, 1/2) is their sum with one more fraction bit. Each step is preceded by a range test in Python ints, in
the order of the checker's, so that no int64 wraps. Coq: Modular.Fold; exactness: Modular.FoldSound.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from jaxtyping import Int64

from compact_proofs.extract.modular import QuantisedModular
from compact_proofs.extract.modular_form import Activation, Form
from compact_proofs.extract.rounding import QuantisedMatrix
from compact_proofs.extract.tables import check_fits, checked_matmul, max_abs
from compact_proofs.models.errors import InputRefused, ShapeError

Architecture = Literal["mlp", "bottleneck", "transformer", "canonical"]
Number = Any  # an int, or an expression of sympy
Matrix = Int64[np.ndarray, "rows columns"]

LAYERS: dict[str, tuple[Architecture, Activation]] = {
    "modular_quadratic": ("mlp", "square"),
    "modular_folded": ("mlp", "relu"),
    "modular_relu": ("bottleneck", "relu"),
    "modular_pizza": ("transformer", "relu"),
    "modular_canonical_relu": ("canonical", "relu"),
    "modular_canonical_square": ("canonical", "square"),
}
DEGREE = {"relu": 1, "square": 2}  # scaling the argument by 2^n scales the activation by 2^(degree n)


def fold(model: QuantisedModular) -> Form:
    """Fold the network. Coq: Modular.Fold.fold, under the tests of Modular.Fold.fold_tests.

    Raises: InputRefused, ShapeError, OverflowRisk: the first test that fails; starts with what Coq prints.
    """
    architecture, activation = LAYERS[model.family]
    return fold_layers(architecture, activation, model.modulus, model.coefficient, model.matrices())


def fold_layers(
    architecture: Architecture, activation: Activation, modulus: int, coefficient: int, tensors: Mapping[str, QuantisedMatrix]
) -> Form:
    """Fold a network of any architecture and activation; `tensors` by name, W_E_b only where it is not W_E.

    Raises: as `fold`.
    """
    if modulus < 1:
        raise InputRefused(f"Refused (Wrong_order {modulus}): the order is {modulus}, wanted at least 1")
    make = {"mlp": _mlp, "bottleneck": _bottleneck, "transformer": _transformer, "canonical": _canonical}[architecture]
    tables = make(modulus, DEGREE[activation], tensors)
    for table in tables:
        table.flags.writeable = False
    return Form(modulus, coefficient, activation, *tables)


def _mlp(p: int, degree: int, tensors: Mapping[str, QuantisedMatrix]) -> tuple[Matrix, ...]:
    """Coq: Modular.Fold.mlp_tests, mlp_form."""
    W_E, W_E_b, W_U = tensors["W_E"], tensors.get("W_E_b", tensors["W_E"]), tensors["W_U"]
    m = W_E.ints.shape[1]
    _check_shapes({"W_E": (W_E, (p, m)), "W_E_b": (W_E_b, (p, m)), "W_U": (W_U, (m, p))})
    left, right = _embeddings(W_E, W_E_b)
    classes = _lifted("Range_W_U", W_U, 0).T
    return left, right, np.ascontiguousarray(classes), *_no_direct_path(p)


def _bottleneck(p: int, degree: int, tensors: Mapping[str, QuantisedMatrix]) -> tuple[Matrix, ...]:
    """Coq: Modular.Fold.bottleneck_of, bottleneck_tests, bottleneck_form."""
    W_E, W_in, W_out, W_U = (tensors[name] for name in ("W_E", "W_in", "W_out", "W_U"))
    W_E_b = tensors.get("W_E_b", W_E)
    d, m = W_E.ints.shape[1], W_in.ints.shape[1]
    _check_shapes(
        {"W_E": (W_E, (p, d)), "W_E_b": (W_E_b, (p, d)), "W_in": (W_in, (d, m)), "W_out": (W_out, (m, d)), "W_U": (W_U, (d, p))}
    )
    first, second = _embeddings(W_E, W_E_b)
    w_in, w_out = _lifted("Range_W_in", W_in, 0), _lifted("Range_W_out", W_out, 0)
    classes = _lifted("Range_W_U", W_U, 0).T
    left = checked_matmul("Before_activation", first, w_in)
    right = checked_matmul("Before_activation", second, w_in)
    return left, right, checked_matmul("Unembedding", classes, w_out.T), *_no_direct_path(p)


def _transformer(p: int, degree: int, tensors: Mapping[str, QuantisedMatrix]) -> tuple[Matrix, ...]:
    """Coq: Modular.Fold.transformer_of, transformer_tests, transformer_form."""
    names = ("W_E", "W_pos", "W_V", "W_O", "W_in", "b_in", "W_out", "b_out", "W_U")
    W_E, W_pos, W_V, W_O, W_in, b_in, W_out, b_out, W_U = (tensors[name] for name in names)
    d, n, m = W_E.ints.shape[1], W_V.ints.shape[1], W_in.ints.shape[1]
    shapes = ((p, d), (2, d), (d, n), (n, d), (d, m), (1, m), (m, d), (1, d), (d, p))
    _check_shapes({name: (tensors[name], shape) for name, shape in zip(names, shapes, strict=True)})

    embed_bits = max(W_E.scale_bits, W_pos.scale_bits)
    mixed_bits = embed_bits + W_V.scale_bits + W_O.scale_bits + 1  # one for 1/2
    in_lift = max(0, b_in.scale_bits - (mixed_bits + W_in.scale_bits))
    argument_bits = mixed_bits + W_in.scale_bits + in_lift
    hidden_bits = degree * argument_bits
    out_lift = max(0, b_out.scale_bits - (hidden_bits + W_out.scale_bits))
    out_bits = W_out.scale_bits + out_lift

    embed = _lifted("Range_W_E", W_E, embed_bits - W_E.scale_bits)
    pos = _lifted("Range_W_pos", W_pos, embed_bits - W_pos.scale_bits)
    w_v, w_o = _lifted("Range_W_V", W_V, 0), _lifted("Range_W_O", W_O, 0)
    w_in = _lifted("Range_W_in", W_in, in_lift)
    bias_in = _lifted("Range_b_in", b_in, argument_bits - b_in.scale_bits)
    w_out = _lifted("Range_W_out", W_out, out_lift)
    bias_out = _lifted("Range_b_out", b_out, hidden_bits + out_bits - b_out.scale_bits)
    w_u = _lifted("Range_W_U", W_U, 0)

    values = checked_matmul("Values", embed, w_v)
    values_pos = checked_matmul("Position_values", pos, w_v)
    outs = checked_matmul("Outputs", values, w_o)
    outs_pos = checked_matmul("Position_outputs", values_pos, w_o)
    check_fits("Attention", max_abs(outs_pos) + max_abs(outs))
    skip = _lifted("Skip_path", W_E, mixed_bits - W_E.scale_bits)
    skip_pos = _lifted("Skip_path", W_pos, mixed_bits - W_pos.scale_bits)
    check_fits("Skip_path", max_abs(skip_pos) + max_abs(skip))
    first, outs_second, skip_second = outs_pos[0] + outs, outs_pos[1] + outs, skip_pos[1] + skip
    check_fits("Residual", max_abs(outs_second) + max_abs(skip_second))
    second = outs_second + skip_second

    left = checked_matmul("Before_activation", first, w_in)
    right = checked_matmul("Before_activation", second, w_in)
    check_fits("Bias", max_abs(bias_in) + max_abs(right))
    of_classes = checked_matmul("Unembedding", w_u.T, w_out.T)
    direct = _lifted("Direct_path", W_U, hidden_bits + out_bits - mixed_bits)
    first_direct = checked_matmul("Direct_path", first, direct)
    second_direct = checked_matmul("Direct_path", second, direct)
    bias_direct = checked_matmul("Bias", bias_out, w_u)
    check_fits("Bias", max_abs(bias_direct) + max_abs(second_direct))
    return left, bias_in[0] + right, of_classes, first_direct, bias_direct[0] + second_direct


def _canonical(p: int, degree: int, tensors: Mapping[str, QuantisedMatrix]) -> tuple[Matrix, ...]:
    """Coq: Modular.Fold.canonical_tests, canonical_form."""
    P, Q, L, R, U = (tensors[name] for name in "PQLRU")
    m = L.ints.shape[1]
    names = ("First_direct", "Second_direct", "Left", "Right", "Outputs_of_classes")
    shapes = ((p, p), (p, p), (p, m), (p, m), (m, p))
    for table, name, shape in zip(names, "PQLRU", shapes, strict=True):
        if tensors[name].ints.shape != shape:
            raise ShapeError(f"Refused (Wrong_table {table}): {name} has shape {tensors[name].ints.shape}, wanted {shape}")
    neuron_bits = max(L.scale_bits, R.scale_bits)
    path_bits = degree * neuron_bits + U.scale_bits
    value_bits = max(path_bits, P.scale_bits, Q.scale_bits)
    first, second = (_lifted("Direct_path", matrix, value_bits - matrix.scale_bits) for matrix in (P, Q))
    left, right = (_lifted("Before_activation", matrix, neuron_bits - matrix.scale_bits) for matrix in (L, R))
    classes = _lifted("Unembedding", U, value_bits - path_bits).T
    return left, right, np.ascontiguousarray(classes), first, second


def _embeddings(W_E: QuantisedMatrix, W_E_b: QuantisedMatrix) -> tuple[Matrix, Matrix]:
    """Both embeddings in the finer of their two units. Coq: Modular.Fold.common_bits."""
    bits = max(W_E.scale_bits, W_E_b.scale_bits)
    return _lifted("Range_W_E", W_E, bits - W_E.scale_bits), _lifted("Range_W_E_b", W_E_b, bits - W_E_b.scale_bits)


def _no_direct_path(p: int) -> tuple[Matrix, Matrix]:
    return np.zeros((p, p), dtype=np.int64), np.zeros((p, p), dtype=np.int64)


def _check_shapes(wanted: Mapping[str, tuple[QuantisedMatrix, tuple[int, int]]]) -> None:
    for name, (matrix, shape) in wanted.items():
        if matrix.ints.shape != shape:
            raise ShapeError(f"Refused (Wrong_shape Tensor_{name}): {name} has shape {matrix.ints.shape}, wanted {shape}")


def _lifted(stage: str, matrix: QuantisedMatrix, lift: int) -> Matrix:
    """Return the integers in a unit 2^lift times finer, a new array. Coq: Modular.Fold.lifted, lift_fits."""
    largest = max_abs(matrix.ints)
    check_fits(stage, largest << lift)
    return matrix.ints << lift if largest else matrix.ints.copy()


def operations(model: QuantisedModular) -> int:
    """Bound the checker's operations for the fold, as `operations_of`."""
    sizes = model.sizes()
    lengths = {key: sizes[key] for key in ("d_model", "d_attn", "d_mlp") if key in sizes}
    return int(operations_of(LAYERS[model.family][0], p=model.modulus, **lengths))


def operations_of(
    architecture: Architecture, p: Number, d_mlp: Number, d_model: Number = 0, d_attn: Number = 0
) -> Number:  # fmt: skip
    """Bound the operations of the fold and of its tests, in the unit of Length.Counted, for ints or symbols of sympy.

    Leading terms: 2 for each multiplication of a product of matrices. A matrix costs 2 an entry, its range 4 an entry; the
    range of a product or sum 3 for each entry of both factors. Coq: Modular.Length.FoldLength.fold_bound, proved to be no less
    than the fold takes.
    """
    m, d, n = d_mlp, d_model, d_attn
    if architecture == "mlp":
        return _weights((p, m), (p, m), (m, p)) + 8
    if architecture == "canonical":
        return _weights((p, p), (p, p), (p, m), (p, m), (m, p)) + 52
    if architecture == "bottleneck":
        return _weights((p, d), (p, d), (d, m), (m, d), (d, p)) + 3 * _product(p, d, m) + 10
    weights = _weights((p, d), (2, d), (d, n), (n, d), (d, m), (1, m), (m, d), (1, d), (d, p))
    weights += sum(6 * r * c + 4 for r, c in ((p, d), (2, d), (d, p)))  # the skip path, and W_U for the direct path
    attention = _product(p, d, n) + _product(2, d, n) + _product(p, n, d) + _product(2, n, d)
    sums = 2 * _sum(2, p, d) + p * d + _sum(p, p, d) + _sum(1, p, m) + _sum(1, p, p)
    tables = 3 * _product(p, d, m) + 2 * _product(p, d, p) + _product(1, d, p)
    return weights + attention + sums + tables + 230


def _weights(*shapes: tuple[Number, Number]) -> Number:
    """Matrices with the tests of their shapes and ranges."""
    return sum(6 * rows * columns + rows + 5 for rows, columns in shapes)


def _product(r: Number, n: Number, c: Number) -> Number:
    return 2 * r * n * c + 3 * (r * n + n * c) + 7


def _sum(s: Number, r: Number, c: Number) -> Number:
    """One of s rows added to r rows, or s = r rows row by row."""
    return r * c + 3 * (s * c + r * c) + 5
