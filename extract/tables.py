"""Exact integer tables of a network, and the refusals of the Coq checker: `core_tables`, `integer_tables`.

Attention scores and logits split into a part of each token and a part of each position; all are products of integer
weights. Each product is preceded by a range test in Python ints, in the order of the checker's, so that no int64 wraps.
An error message starts with what Coq prints, `Refused (May_overflow STAGE)`, then a colon. Coq: Cert.Tables.
Source: docs/max_of_k.md, sections 1 and 2.
"""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Int64

from compact_proofs.extract.exp_bounds import FRACTION_BITS
from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.models.errors import OverflowRisk

ENTRY_BITS = 60  # |entry| of every table <= 2^60
MOST_ENTRY = 2**ENTRY_BITS
GAP_BITS = 31  # |gap| <= 2^31 after the shift
MOST_SHIFT = 61  # what Base.Signed63.shift_down takes
MOST_POSITIONS = 2**20
MOST_INPUTS = 2**62
MOST_DIGITS = 12
FLOAT_EXACT = 2**53  # float64 holds every integer up to here

Matrix = Int64[np.ndarray, "rows columns"]


@dataclass(frozen=True, slots=True, eq=False)
class CoreTables:
    """What every proof needs of a network, exact int64, |entry| <= 2^60. Coq: Cert.Tables.core_tables.

    With q the last token: resid (d_vocab, d_model) token plus last position, units of 2^-resid_bits; W_U_direct (d_model,
    d_vocab), which makes logits of it; queries, keys (d_vocab, d_head), of which scores are products; P (d_vocab, n_ctx)
    score of position i. V (d_vocab, d_vocab) logits that attending to t brings; PV (n_ctx, d_vocab) the same for position i.
    Scores are in units of 2^-(30 + score_shift), logits in units of 2^-logit_bits.
    """

    resid: Matrix
    W_U_direct: Matrix
    queries: Matrix
    keys: Matrix
    P: Matrix
    V: Matrix
    PV: Matrix
    score_shift: int
    logit_bits: int

    @property
    def d_vocab(self) -> int:
        return self.P.shape[0]

    @property
    def n_ctx(self) -> int:
        return self.P.shape[1]


@dataclass(frozen=True, slots=True, eq=False)
class IntegerTables(CoreTables):
    """The network as functions of single tokens. Coq: Cert.Tables.tables.

    S (d_vocab, d_vocab) score of token t; EU (d_vocab, d_vocab) direct logits of q. No logit is above `largest_output` in
    absolute value.
    """

    S: Matrix
    EU: Matrix
    largest_output: int


def core_tables(model: QuantisedModel) -> CoreTables:
    """Compute the core. Coq: Cert.Tables.core_of, under the tests of Cert.Tables.core_tests.

    Coq's tests of an empty context and of shapes cannot fail here: a QuantisedModel has its sizes. Its second test of
    Position_scores follows from the first.

    Raises: OverflowRisk: the first test that fails; starts with what Coq prints.
    """
    resid_bits = max(model.W_E.scale_bits, model.W_pos.scale_bits)
    raw_score_bits = 2 * resid_bits + model.W_Q.scale_bits + model.W_K.scale_bits
    attention_bits = model.W_V.scale_bits + model.W_O.scale_bits
    score_shift = max(0, raw_score_bits - FRACTION_BITS)
    logit_bits = resid_bits + model.W_U.scale_bits + attention_bits

    embed = _scaled("Range_W_E", model.W_E.ints, resid_bits - model.W_E.scale_bits)
    pos = _scaled("Range_W_pos", model.W_pos.ints, resid_bits - model.W_pos.scale_bits)
    w_q = _scaled("Range_W_Q", model.W_Q.ints, max(0, FRACTION_BITS - raw_score_bits))
    w_k = _scaled("Range_W_K", model.W_K.ints, 0)
    w_v = _scaled("Range_W_V", model.W_V.ints, 0)
    w_o = _scaled("Range_W_O", model.W_O.ints, 0)
    w_u = _scaled("Range_W_U", model.W_U.ints, 0)
    w_u_direct = _scaled("Direct_logits", model.W_U.ints, attention_bits)

    check_fits("Residual", max_abs(pos) + max_abs(embed))
    resid = embed + pos[-1]
    queries = checked_matmul("Queries", resid, w_q)
    keys = checked_matmul("Keys", embed, w_k)
    keys_pos = checked_matmul("Position_keys", pos, w_k)
    scores_pos = checked_matmul("Position_scores", queries, keys_pos.T)
    values = checked_matmul("Values", embed, w_v)
    values_pos = checked_matmul("Position_values", pos, w_v)
    outs = checked_matmul("Outputs", values, w_o)
    outs_pos = checked_matmul("Position_outputs", values_pos, w_o)
    logits = checked_matmul("Value_logits", outs, w_u)
    logits_pos = checked_matmul("Position_logits", outs_pos, w_u)

    if score_shift > MOST_SHIFT:
        raise overflow(
            "Score_precision", f"scores have {score_shift} bits below 2^-{FRACTION_BITS}, wanted at most {MOST_SHIFT}"
        )
    if model.n_ctx > MOST_POSITIONS:
        raise overflow("Number_of_inputs", f"{model.n_ctx} positions, wanted at most 2^20")
    return CoreTables(resid, w_u_direct, queries, keys, scores_pos, logits, logits_pos, score_shift, logit_bits)


def integer_tables(model: QuantisedModel) -> IntegerTables:
    """Compute the tables. Coq: Cert.Tables.tables_of, under the tests of Cert.Tables.tables_tests.

    Coq's second test of Scores follows from the first.

    Raises: OverflowRisk: the first test that fails; starts with what Coq prints.
    """
    core = core_tables(model)
    scores = checked_matmul("Scores", core.queries, core.keys.T)
    direct = checked_matmul("Direct_logits", core.resid, core.W_U_direct)
    largest_output = max_abs(direct) + max_abs(core.V) + max_abs(core.PV)
    check_fits("Logit_sum", largest_output)
    of_core = {field.name: getattr(core, field.name) for field in fields(core)}
    return IntegerTables(**of_core, S=scores, EU=direct, largest_output=largest_output)


def check_inputs(model: QuantisedModel) -> None:
    """Check that counts of inputs fit machine integers. Coq: Cert.Tables.inputs_test.

    Raises: OverflowRisk: they do not; starts with what Coq prints.
    """
    if model.d_vocab**model.n_ctx >= MOST_INPUTS:
        raise overflow("Number_of_inputs", f"{model.d_vocab}^{model.n_ctx} inputs, wanted below 2^62")


def check_masses(model: QuantisedModel, digits: int) -> None:
    """Check that counts of inputs can be carried as masses of `digits` bits a position. Coq: Cert.Staged.counts_test.

    Raises: OverflowRisk: they cannot; starts with what Coq prints.
    """
    if not (digits <= MOST_DIGITS and model.d_vocab <= 2**digits):
        raise overflow(
            "Number_of_inputs", f"masses of {digits} digits, wanted at most {MOST_DIGITS} and 2^digits >= {model.d_vocab} tokens"
        )


def least_gap_shift(tables: IntegerTables) -> int:
    """Return the finest unit of gaps that the checker takes, as the shift g of 2^(g - logit_bits)."""
    return next(shift for shift in range(MOST_SHIFT + 1) if _gap_fits(tables, shift))


def check_gap_shift(tables: IntegerTables, gap_shift: int) -> None:
    """Check that gaps in units of 2^(gap_shift - logit_bits) fit 31 bits. Coq: Cert.Tables.gap_fits.

    Raises: OverflowRisk: they do not; starts with what Coq prints.
    """
    if not _gap_fits(tables, gap_shift):
        raise overflow("Gap_shift", f"gap_shift is {gap_shift}, wanted {least_gap_shift(tables)}..{MOST_SHIFT} for this network")


def max_abs(matrix: Int64[np.ndarray, "..."]) -> int:
    """Return the largest absolute value of an entry, exact. Coq: Base.Matrix.max_abs."""
    return max(int(matrix.max(initial=0)), -int(matrix.min(initial=0)))


def exact_matmul(left: Matrix, right: Matrix) -> Matrix:
    """Multiply: in float64 where every partial sum is below 2^53, which is faster, else in int64.

    The caller has tested inner size * max|left| * max|right| < 2^63.
    """
    if left.shape[1] * max_abs(left) * max_abs(right) < FLOAT_EXACT:
        return (left.astype(np.float64) @ right.astype(np.float64)).astype(np.int64)
    return left @ right


def _gap_fits(tables: IntegerTables, shift: int) -> bool:
    return 0 <= shift <= MOST_SHIFT and 2 * tables.largest_output <= 2 ** (GAP_BITS + shift)


def _scaled(stage: str, ints: Matrix, bits: int) -> Matrix:
    """Return ints * 2^bits. Coq: Base.Matrix.of_rows, tested by rows_fit."""
    largest = max_abs(ints)
    check_fits(stage, largest << bits)
    return ints << bits if largest else ints


def checked_matmul(stage: str, left: Matrix, right: Matrix) -> Matrix:
    """Return left @ right. Coq: Base.Matrix.mul, mul_transposed, tested by product_fits.

    Raises: OverflowRisk: entries could be above 2^60; starts with what Coq prints.
    """
    check_fits(stage, left.shape[1] * max_abs(left) * max_abs(right))
    return exact_matmul(left, right)


def check_fits(stage: str, bound: int) -> None:
    """Check that a bound of entries is at most 2^60.

    Raises: OverflowRisk: it is not; starts with what Coq prints.
    """
    if bound > MOST_ENTRY:
        raise overflow(stage, f"entries are bounded by {bound.bit_length()} bits, wanted at most 2^{ENTRY_BITS}")


def overflow(stage: str, why: str, advice: str = "use fewer weight bits or a smaller network") -> OverflowRisk:
    """Make the error of a stage that could overflow; it starts with what Coq prints, then a colon."""
    return OverflowRisk(f"Refused (May_overflow {stage}): {why}; {advice}")
