"""The forms of a quantised network agree, on every input of max_of_2_tiny (64) and max_of_3_tiny (512).

The forms: the Coq data file Weights.v, seen by the checker's own functions (`tables_of`, `relative_exp`, `right`, `wrong` ..,
run by vm_compute on all `sequences` of the specification); numpy in exact integers (extract/tables.py and the mirror of
brute force); Z3 terms; SMT-LIB 2 text, read back by Z3; and float64 (models/evaluate.py). Compared are:

1. Tables. S, P, EU, V and PV of Coq, of numpy and of `z3_terms.rational_tables`, entry by entry, as exact numbers.
2. Weights. Brute force takes the weights of a sequence relative to the largest score in that sequence, the terms take one
   table of enclosures with one reference per query. So inputs are put into groups: two of one query in a group have the
   same largest score. Each group has terms of its own, whose table holds the checker's integers over 2^30, and each input
   is asked of its own group. (A token whose score is above the reference occurs in no input of the group; its entry is
   (0, 2^100), so that a lookup of it would not go unnoticed.) The weights then are the same integers in Coq, numpy and
   the terms. Each encloses what `z3_terms.exp_enclosure` makes of the same score by `decimal`.
3. Gaps: the sums over positions of weight times gap, per output and end. With the same weights, numpy in unbounded integers
   equals the terms exactly, as it does for the numerators of the logits; Coq equals the mirror's arithmetic exactly; and
   Coq's enclosure, which is rounded outward, contains that of the terms. The terms as they come (60-bit weights, one
   reference per query) differ by a factor exp(..) of the references: enclosures of the same number must overlap.
4. Verdicts (right, wrong or undecided): Coq, the mirror, the grouped terms, the terms as they come, the SMT-LIB text of
   the latter, the solver's answers to it (max_of_2_tiny only), float64, and the totals of `query_tally` in Coq and of
   `brute_force.find`.

These networks leave no input undecided, so there are two more settings in which some are. "wide": the lower ends of all
weights are divided by e^2, in Coq by another `precision`; for want of time the terms (and here SMT-LIB text with the
checker's weights, too) are made for the first group only, which has three tenths of the inputs or more and all verdicts;
`decide` has no such setting.
"coarse": gaps in a coarse unit; Coq and the mirror must agree, and contradict the terms nowhere. Scores and gaps of these
networks in 8 bits have two low bits that are rounded away, or none: hence max_of_2_tiny in 12 bits, with 15.
"""

import ast
import collections
import dataclasses
import itertools
import re
import shutil
from fractions import Fraction
from functools import cached_property

import numpy as np
import pytest
import z3

from compact_proofs.extract.coq_text import weights_v
from compact_proofs.extract.exp_bounds import FRACTION_BITS, exp_lower, exp_upper
from compact_proofs.extract.layouts import MAX_OF_K
from compact_proofs.extract.quantise import QuantisedModel, quantise, quantised_tables
from compact_proofs.extract.tables import IntegerTables, integer_tables, least_gap_shift
from compact_proofs.extract.z3_terms import (
    NetworkTerms,
    Values,
    evaluate,
    exp_enclosure,
    network_terms,
    rational_tables,
    smtlib,
)
from compact_proofs.models.evaluate import count_right, logits
from compact_proofs.models.weights import load_model
from compact_proofs.proofs import coqrun
from compact_proofs.proofs.strategies import brute_force
from compact_proofs.proofs.strategies.terms import Enclosures, lower_term, relative_exp, shift_down, shift_up, upper_term

pytestmark = [pytest.mark.coq, pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")]

NETWORKS = {  # model and weight bits
    "max_of_2_tiny": ("max_of_2_tiny", 8),
    "max_of_2_tiny in 12 bits": ("max_of_2_tiny", 12),
    "max_of_3_tiny": ("max_of_3_tiny", 8),
}
COARSER = 25  # added to the shift of gaps, some inputs are undecided
TABLES = ("S", "P", "EU", "V", "PV")
VERDICTS = ("right", "wrong", "undecided")

COQ = """
From Coq Require Import ZArith Uint63 List.
From CompactProofs Require Import Facade Base.Signed63 Cert.Tables Cert.Terms.
From CompactProofs.Generated.{model} Require Weights.
Import ListNotations.
Open Scope Z_scope.
Set Printing Depth 1000000.

{network}
Definition n := n_ctx network.
Definition d := d_vocab network.
Definition inputs : list (list nat) := sequences d n.
Definition number (b : bool) : Z := if b then 1 else 0.

Definition exact := precision_of (score_shift network).
Definition wide := Precision (shift exact) (mask exact + {slack})%uint63.

Definition chosen (T : tables) (x : list nat) : list candidate :=
  map (fun place => nth (snd place) (candidates T (last x O) (fst place)) no_candidate) (combine (seq 0 n) x).

Definition weights (p : precision) (T : tables) (x : list nat) := row_enclosures p (map fst (chosen T x)).

Definition sums (p : precision) (g : int) (T : tables) (x : list nat) :=
  let top := row_top (map fst (chosen T x)) in
  (sum_rows d (map (lower_row p g top (answer x)) (chosen T x)), sum_rows d (map (upper_row p g top (answer x)) (chosen T x))).

Definition decided (p : precision) (g : int) (T : tables) (x : list nat) :=
  (number (right d p g (chosen T x) (answer x)), number (wrong d p g (chosen T x) (answer x))).

Definition tallies (p : precision) (g : int) (T : tables) (q : nat) :=
  (query_tally n T (right d p g) q, query_tally n T (wrong d p g) q).

Definition signed_rows (rows : list (list int)) : list (list Z) := map (map signed) rows.

Eval vm_compute in
  let T := tables_of network in
  (Z.of_nat (score_shift network), Z.of_nat (logit_bits network), largest_output T,
   number match first_failure (tables_tests network T) with None => true | Some _ => false end).
Eval vm_compute in
  let T := tables_of network in
  (signed_rows (score_rows T), signed_rows (score_pos_rows T), signed_rows (direct_rows T), signed_rows (logit_rows T),
   signed_rows (logit_pos_rows T)).
Eval vm_compute in map (fun x => (map Z.of_nat x, Z.of_nat (answer x))) inputs.
"""
COQ_OF_SETTING = """
Eval vm_compute in let T := tables_of network in map (weights {precision} T) inputs.
Eval vm_compute in let T := tables_of network in map (sums {precision} {shift}%uint63 T) inputs.
Eval vm_compute in let T := tables_of network in map (decided {precision} {shift}%uint63 T) inputs.
Eval vm_compute in let T := tables_of network in map (tallies {precision} {shift}%uint63 T) (seq 0 d).
"""


@dataclasses.dataclass
class InCoq:
    """What the checker makes of all inputs in one setting: weights, rounded sums, verdicts; and tallies by query."""

    weights: list[list[tuple[int, int]]]
    lower: np.ndarray
    upper: np.ndarray
    verdicts: list[str]
    tallies: list[tuple[int, int]]


@dataclasses.dataclass
class Setting:
    """One way to run one network. Arrays go by input, then position or output. Scores are integers, units as in `tables`.

    slack: how much lower scores are taken for the lower ends of weights, in their unit. most_groups: terms are made
    for so many, None for all.
    """

    quantised: QuantisedModel
    tables: IntegerTables
    inputs: np.ndarray
    slack: int
    gap_shift: int
    most_groups: int | None
    coq: InCoq

    @cached_property
    def answers(self) -> np.ndarray:
        return self.inputs.max(axis=1)

    @cached_property
    def scores(self) -> np.ndarray:
        query = self.inputs[:, -1]
        return self.tables.S[query[:, None], self.inputs] + self.tables.P[query]

    def enclose(self, top: np.ndarray, score: np.ndarray) -> Enclosures:
        """The checker's weights, in units of 2^-30."""
        if self.slack == 0:
            return relative_exp(self.tables.score_shift, top, score)
        x, shift = top - score, self.tables.score_shift
        return Enclosures(exp_lower((x + (2**shift - 1 + self.slack)) >> shift), exp_upper(x >> shift))

    @cached_property
    def weights(self) -> Enclosures:
        return self.enclose(self.scores.max(axis=1, keepdims=True), self.scores)

    @cached_property
    def outputs(self) -> np.ndarray:
        """(input, position, output): the logits if all attention were on that position, units of 2^-logit_bits."""
        return self.tables.EU[self.inputs[:, -1]][:, None, :] + self.tables.V[self.inputs] + self.tables.PV

    @cached_property
    def gaps(self) -> np.ndarray:
        return self.outputs - np.take_along_axis(self.outputs, self.answers[:, None, None], axis=2)

    def exact_sums(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bounds of the sums over positions of weight times value, as unbounded integers, units of 2^-(30 + logit_bits)."""
        low, high = (end[:, :, None].astype(object) for end in self.weights)
        values = values.astype(object)
        return np.minimum(low * values, high * values).sum(axis=1), np.maximum(low * values, high * values).sum(axis=1)

    def rounded_sums(self) -> tuple[np.ndarray, np.ndarray]:
        """The mirror's: bounds of the sums of weight times gap, units of 2^(gap_shift - logit_bits)."""
        weights = Enclosures(*(end[:, :, None] for end in self.weights))
        lower = lower_term(weights, shift_down(self.gap_shift, self.gaps))
        upper = upper_term(weights, shift_up(self.gap_shift, self.gaps))
        return lower.sum(axis=1), upper.sum(axis=1)

    @cached_property
    def groups(self) -> list[tuple[list[int], list[int]]]:
        """For each group: its reference by query, and the indices of its inputs."""
        tops, queries = self.scores.max(axis=1), self.inputs[:, -1]
        by_query = [np.unique(tops[queries == q]).tolist() for q in range(self.tables.d_vocab)]
        result = []
        for k in range(max(map(len, by_query))):
            references = [row[min(k, len(row) - 1)] for row in by_query]
            members = [i for i, (q, top) in enumerate(zip(queries, tops, strict=True)) if top in by_query[q][k : k + 1]]
            result.append((references, members))
        return result

    def enclosures_of_group(self, references: list[int]):
        """The checker's weights as a table [q][i][t] of fractions."""
        scores = self.tables.S[:, None, :] + self.tables.P[:, :, None]
        tops = np.array(references)[:, None, None]
        low, high = self.enclose(tops, np.minimum(scores, tops))
        unreachable = (Fraction(0), Fraction(2**100))

        def entry(*place: int):
            if scores[place] > references[place[0]]:
                return unreachable
            return Fraction(int(low[place]), 2**FRACTION_BITS), Fraction(int(high[place]), 2**FRACTION_BITS)

        queries, positions, tokens = map(range, scores.shape)
        return [[[entry(q, i, t) for t in tokens] for i in positions] for q in queries]

    @cached_property
    def of_terms(self) -> dict[int, Values]:
        """The values of the terms with the checker's weights, by the index of the input."""
        result = {}
        for references, members in self.groups[: self.most_groups]:
            terms = network_terms(self.quantised, self.enclosures_of_group(references))
            result |= {index: evaluate(terms, self.inputs[index].tolist()) for index in members}
        return result


@dataclasses.dataclass
class Forms:
    """One network: what Coq has printed of it, its terms as they come, and the settings in which it is run."""

    from_coq: dict
    terms: NetworkTerms
    settings: dict[str, Setting]

    @cached_property
    def of_terms(self) -> list[Values]:
        return [evaluate(self.terms, tokens) for tokens in self.settings["exact"].inputs.tolist()]


def printed(text: str) -> list:
    """The values that `Eval` has printed: lists and tuples of integers; machine integers without sign."""
    values = re.findall(r"^ +=(.*?)^ +: ", text.replace(";", ",").replace("%uint63", ""), re.DOTALL | re.MULTILINE)
    return [ast.literal_eval(" ".join(value.split())) for value in values]


def in_coq(weights, sums, decided, tallies) -> InCoq:
    words = {(1, 0): "right", (0, 1): "wrong", (0, 0): "undecided"}
    lower, upper = (np.array(rows) << 1 >> 1 for rows in zip(*sums, strict=True))  # Base.Signed63.signed: bit 62 is the sign
    return InCoq(weights, lower, upper, [words[one] for one in decided], tallies)


@pytest.fixture(scope="module", params=NETWORKS)
def forms(request, make_root, tmp_path_factory) -> Forms:
    model, weight_bits = NETWORKS[request.param]
    config, weights = load_model(model)
    quantised = quantise(config, weights, weight_bits)
    tables = integer_tables(quantised)
    gap_shift = least_gap_shift(tables)
    slack = 2 << (FRACTION_BITS + tables.score_shift)
    settings = {"exact": (0, gap_shift, None), "wide": (slack, gap_shift, 1), "coarse": (0, gap_shift + COARSER, None)}

    root = make_root(tmp_path_factory.mktemp(model))
    folder = root / "generated" / model
    folder.mkdir(parents=True)
    text = COQ.format(model=model, network=MAX_OF_K.definition(), slack=slack)
    for setting_slack, shift, _ in settings.values():
        text += COQ_OF_SETTING.format(precision="wide" if setting_slack else "exact", shift=shift)
    (folder / "Weights.v").write_text(weights_v(quantised), encoding="ascii")
    (folder / "Forms.v").write_text(text, encoding="ascii")
    coqrun.coqc(root, folder.relative_to(root) / "Weights.v", coqrun.Limits())
    run = coqrun.coqc(root, folder.relative_to(root) / "Forms.v", coqrun.Limits())

    numbers, rows, inputs, *rest = printed(run.stdout)
    assert len(rest) == 4 * len(settings)
    return Forms(
        {"numbers": numbers, "tables": dict(zip(TABLES, rows, strict=True)), "inputs": inputs},
        network_terms(quantised),
        {
            name: Setting(quantised, tables, np.array([x for x, _ in inputs]), *values, in_coq(*rest[4 * k : 4 * k + 4]))
            for k, (name, values) in enumerate(settings.items())
        },
    )


@pytest.fixture
def exact(forms) -> Setting:
    return forms.settings["exact"]


@pytest.fixture
def coarse(forms) -> Setting:
    return forms.settings["coarse"]


@pytest.fixture(params=["exact", "wide"])
def setting(request, forms) -> Setting:
    """A setting whose weights the terms can have."""
    return forms.settings[request.param]


def test_tables(forms, exact):
    tables, rational = exact.tables, rational_tables(exact.quantised)
    assert forms.from_coq["numbers"] == (tables.score_shift, tables.logit_bits, tables.largest_output, 1)
    for name in TABLES:
        from_coq, bits = forms.from_coq["tables"][name], tables.logit_bits
        if name in ("S", "P"):
            bits = FRACTION_BITS + tables.score_shift
        assert from_coq == getattr(tables, name).tolist(), name
        assert [[entry * 2**bits for entry in row] for row in getattr(rational, name)] == from_coq, name


def test_inputs_are_all_inputs(forms, exact):
    wanted = itertools.product(range(exact.quantised.d_vocab), repeat=exact.quantised.n_ctx)
    assert forms.from_coq["inputs"] == [(list(tokens), max(tokens)) for tokens in wanted]
    assert sorted(index for _, members in exact.groups for index in members) == list(range(len(exact.inputs)))


def test_weights(setting):
    weights = [list(zip(low, high, strict=True)) for low, high in zip(*(end.tolist() for end in setting.weights), strict=True)]
    assert setting.coq.weights == weights
    unit = Fraction(1, 2 ** (FRACTION_BITS + setting.tables.score_shift))
    for index, values in setting.of_terms.items():
        assert [(low * 2**FRACTION_BITS, high * 2**FRACTION_BITS) for low, high in values.attention] == weights[index]
        scores = setting.scores[index].tolist()
        for (low, high), score in zip(values.attention, scores, strict=True):
            by_decimal = exp_enclosure((score - max(scores)) * unit)
            assert low <= by_decimal[0] <= by_decimal[1] <= high


def test_sums_of_the_terms(setting):
    unit = Fraction(1, 2 ** (FRACTION_BITS + setting.tables.logit_bits))
    gaps, numerators = setting.exact_sums(setting.gaps), setting.exact_sums(setting.outputs)
    for index, values in setting.of_terms.items():
        assert values.answer == setting.answers[index]
        for intervals, (lower, upper) in ((values.gaps, gaps), (values.numerators, numerators)):
            wanted = zip(lower[index], upper[index], strict=True)
            assert list(intervals) == [(low * unit, high * unit) for low, high in wanted]


@pytest.mark.parametrize("name", ["exact", "wide", "coarse"])
def test_sums_of_coq(forms, name):
    setting = forms.settings[name]
    lower, upper = setting.rounded_sums()
    assert setting.coq.lower.tolist() == lower.tolist()
    assert setting.coq.upper.tolist() == upper.tolist()
    exact_lower, exact_upper = setting.exact_sums(setting.gaps)
    scale = 2 ** (FRACTION_BITS + setting.gap_shift)
    assert (lower.astype(object) * scale <= exact_lower).all()
    assert (exact_upper <= upper.astype(object) * scale).all()


def test_sums_of_the_terms_as_they_come(forms, setting):
    tables = setting.tables
    unit = Fraction(1, 2 ** (FRACTION_BITS + tables.score_shift))
    for index, given in setting.of_terms.items():
        own, q = forms.of_terms[index], setting.inputs[index, -1]
        reference = int(tables.S[q].max() + tables.P[q].max())
        factor = exp_enclosure((int(setting.scores[index].max()) - reference) * unit)
        assert own.answer == given.answer
        for one, other in zip(own.gaps + own.numerators, given.gaps + given.numerators, strict=True):
            ends = [end * side for end in other for side in factor]
            assert one[0] <= max(ends) and min(ends) <= one[1]


def mirrored(setting) -> list[str]:
    """The verdicts of the numpy mirror, which takes inputs of one query at a time."""
    result = np.full(len(setting.inputs), "undecided")
    for q in range(setting.tables.d_vocab):
        of_query = np.flatnonzero(setting.inputs[:, -1] == q)
        is_right, is_wrong = brute_force.decide(setting.tables, setting.gap_shift, setting.inputs[of_query])
        assert not (is_right & is_wrong).any()
        result[of_query[is_right]] = "right"
        result[of_query[is_wrong]] = "wrong"
    return result.tolist()


def tallied(setting) -> list[tuple[int, int]]:
    found = collections.Counter(zip(setting.inputs[:, -1].tolist(), setting.coq.verdicts, strict=True))
    return [(found[q, "right"], found[q, "wrong"]) for q in range(setting.tables.d_vocab)]


def test_verdicts_of_the_mirror(exact):
    assert mirrored(exact) == exact.coq.verdicts
    assert set(exact.coq.verdicts) == {"right", "wrong"}
    certificate = brute_force.find(exact.quantised).certificate
    claims = list(zip(certificate.right_claims, certificate.wrong_claims, strict=True))
    assert (certificate.gap_shift, claims) == (exact.gap_shift, exact.coq.tallies)


def test_verdicts_of_the_mirror_in_a_coarse_unit(exact, coarse):
    assert mirrored(coarse) == coarse.coq.verdicts
    assert set(coarse.coq.verdicts) == set(VERDICTS)
    for index, values in exact.of_terms.items():
        assert coarse.coq.verdicts[index] in (values.verdict, "undecided")


@pytest.mark.parametrize("name", ["exact", "wide", "coarse"])
def test_tallies(forms, name):
    assert forms.settings[name].coq.tallies == tallied(forms.settings[name])


def test_verdicts_of_the_terms(setting):
    assert len(setting.of_terms) == len(setting.inputs) or setting.most_groups
    for index, values in setting.of_terms.items():
        assert values.verdict == setting.coq.verdicts[index]


def test_verdicts_of_the_terms_as_they_come(forms, exact):
    assert [values.verdict for values in forms.of_terms] == exact.coq.verdicts


def holds(formula, tokens) -> bool:
    """Whether a formula that was read back is true at an input; it must come out as true or as false."""
    substitution = [(z3.Int(f"x_{position}"), z3.IntVal(token)) for position, token in enumerate(tokens)]
    value = z3.simplify(z3.substitute(formula, *substitution))
    assert z3.is_true(value) or z3.is_false(value)
    return z3.is_true(value)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_verdicts_of_the_smtlib_text(exact, verdict):
    text = smtlib(exact.quantised, verdict)
    domain, formula = z3.parse_smt2_string(text)
    inputs, verdicts = exact.inputs.tolist(), exact.coq.verdicts
    assert all(holds(domain, tokens) for tokens in inputs)
    assert [holds(formula, tokens) for tokens in inputs] == [one == verdict for one in verdicts]

    if exact.quantised.n_ctx > 2:
        return  # seconds
    solver = z3.Solver()
    solver.from_string(text)
    if verdict not in verdicts:
        assert solver.check() == z3.unsat
    else:
        assert solver.check() == z3.sat
        found = solver.model()
        tokens = [found.eval(z3.Int(f"x_{i}"), model_completion=True).as_long() for i in range(exact.quantised.n_ctx)]
        assert verdicts[inputs.index(tokens)] == verdict


def test_verdicts_of_the_smtlib_text_with_the_checkers_weights(forms):
    wide = forms.settings["wide"]
    assert {values.verdict for values in wide.of_terms.values()} == set(VERDICTS)
    for references, members in wide.groups[: wide.most_groups]:
        enclosures = wide.enclosures_of_group(references)
        for verdict in VERDICTS:
            _, formula = z3.parse_smt2_string(smtlib(wide.quantised, verdict, enclosures))
            got = [holds(formula, wide.inputs[index].tolist()) for index in members]
            assert got == [wide.coq.verdicts[index] == verdict for index in members]


def test_verdicts_of_float64(exact):
    tables = quantised_tables(exact.quantised)
    values = logits(tables, exact.inputs)
    answers = exact.answers[:, None]
    margins = np.take_along_axis(values, answers, axis=1)[:, 0]
    np.put_along_axis(values, answers, -np.inf, axis=1)
    margins -= values.max(axis=1)
    assert np.abs(margins).min() > 1e-6  # far above the rounding of float64
    assert ["right" if margin > 0 else "wrong" for margin in margins] == exact.coq.verdicts
    counted = count_right(tables)
    assert (counted.right, counted.undecided, counted.exhaustive) == (exact.coq.verdicts.count("right"), 0, True)
