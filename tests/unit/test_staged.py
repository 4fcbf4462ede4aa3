"""The staged strategies: bands, gaps and products by plain definitions; tuning and its refusals; certificates to and fro.

`METHODS` and `random_certificate` are what tests/coq/test_mirror.py and tests/property/test_strategies.py use too.
"""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from compact_proofs.extract.quantise import QuantisedModel, quantise
from compact_proofs.extract.tables import core_tables, integer_tables
from compact_proofs.models.errors import CertificateError, InputRefused, OverflowRisk, UsageError
from compact_proofs.models.weights import load_model
from compact_proofs.proofs.registry import DEFAULT, Tuning, strategies
from compact_proofs.proofs.strategies import cubic, low_rank, subcubic, wrong_count
from compact_proofs.proofs.strategies.bands import band_rows, column_hulls, widths
from compact_proofs.proofs.strategies.gaps import least_gap_unit, logits_of
from compact_proofs.proofs.strategies.methods import DIRECT, SCORES, certificate_of, fields
from compact_proofs.proofs.strategies.outputs import Rivals, row_gaps
from compact_proofs.proofs.strategies.products import Factors, product_of
from compact_proofs.proofs.strategies.search import default_bands
from compact_proofs.proofs.strategies.staged import Certificate, Plan, case_counts, prepare

ROOT = Path(__file__).parents[2]
METHODS = {one.name: one for one in (cubic.METHOD, *subcubic.METHODS, wrong_count.METHOD)}
by_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def some(rng: np.random.Generator, entries: list[int], count: int) -> tuple[int, ...]:
    return tuple(entries[at] for at in rng.integers(0, len(entries), count).tolist())


def random_factors(rng: np.random.Generator, inner: int, most_rank: int) -> Factors:
    """Factors of random ranks and sizes, or unit vectors whose products leave little over."""
    rank, bounded = int(rng.integers(0, most_rank + 1)), int(rng.integers(0, inner + 1))
    if rng.random() < 0.5:
        bits = int(rng.integers(0, 9))
        order = rng.permutation(inner)
        unit = np.eye(inner, dtype=np.int64)[order]
        rank = min(rank, inner)
        shown, kept = slice(0, rank), slice(rank, min(inner, rank + bounded))
        left_1, right_1, left_2, right_2 = unit[shown].T << bits, unit[shown], unit[kept].T << bits, unit[kept]
    else:
        bits, reach = int(rng.integers(0, 5)), int(rng.choice([1, 3, 40]))
        left_1, right_1 = rng.integers(-reach, reach + 1, (inner, rank)), rng.integers(-reach, reach + 1, (rank, inner))
        left_2, right_2 = rng.integers(-reach, reach + 1, (inner, bounded)), rng.integers(-reach, reach + 1, (bounded, inner))
    return Factors(bits, *(tuple(map(tuple, matrix.tolist())) for matrix in (left_1, right_1, left_2, right_2)))


def random_bands(rng: np.random.Generator, d_vocab: int) -> tuple[int, ...]:
    """Bands that reach d_vocab, in any order but for the first, which has one token; sometimes more than are needed."""
    exponents = [0]
    while sum(2**one for one in exponents) < d_vocab or rng.random() < 0.2:
        exponents.append(int(rng.integers(0, 4)))
    return tuple(exponents)


def random_certificate(method, model: QuantisedModel, rng: np.random.Generator) -> Certificate:
    """A certificate that the checker takes, as far as ranges go: every part of it at random.

    Raises: InputRefused: a network that the checker refuses whatever the certificate.
    """
    d = model.d_vocab
    moved = tuple(rng.integers(-200, 201, model.d_model).tolist()) if method.banded else None
    most_rank = method.most_rank if method.most_rank is not None else 3
    scores = random_factors(rng, model.d_head, most_rank) if SCORES in method.low_rank else None
    direct = random_factors(rng, model.d_model, most_rank) if DIRECT in method.low_rank else None
    logits = logits_of(core_tables(model), moved or (0,) * model.d_model, moved is None, direct)
    lengths = []
    while sum(lengths) < d + 1 and rng.random() < 0.95:
        lengths.append(int(rng.choice([0, 1, 1, 2, 3, 2**61])) if rng.random() < 0.9 else d)
    sizes = [0, 1, 2, 3, 5, 8, 13, 20, 40, 60, 100, 300, 2**61]
    plan = Plan(
        gap_unit=least_gap_unit(logits) + int(rng.choice([0, 0, 0, 1, 6])),
        block_lengths=tuple(lengths),
        resolutions=some(rng, sizes, int(rng.integers(max(0, d - 1), d + 2))),
        radius=int(rng.choice([0, 1, 2, 3, 16, 2**61])),
        near_resolutions=some(rng, sizes, int(rng.integers(max(0, d - 1), d + 2))),
        mass_digits=int(rng.choice([0, (d - 1).bit_length(), d.bit_length(), 12])),
    )
    return Certificate(plan, moved, random_bands(rng, d) if method.banded else None, scores, direct)


# Stages


def test_gaps_of_rows_by_definition():
    rng = np.random.default_rng(0)
    rows, low = rng.integers(-50, 50, (3, 6)), -60
    pairs = {
        "rest": lambda m, k: [(x, m) for x in range(6) if abs(x - m) > k],
        "above": lambda m, k: [(m + k, m)],
        "below": lambda m, k: [(m - k, m)],
        "over_above": lambda m, k: [(m, m + k)],
        "over_below": lambda m, k: [(m, m - k)],
    }

    def entry(row, x):
        return row[x] if 0 <= x < 6 else low

    for kind, of_m in pairs.items():
        for k in range(0 if kind == "rest" else 1, 9):
            found = row_gaps(low, Rivals(kind, k), rows)
            for row, gaps in zip(rows.tolist(), found.tolist(), strict=True):
                for m, gap in enumerate(gaps):
                    bounds = [entry(row, x) - entry(row, y) for x, y in of_m(m, k)]
                    assert gap == max(bounds, default=low - row[m])


@pytest.mark.parametrize("exponents", [(0, 0, 0, 0, 0), (0, 0, 1, 2), (0, 2, 2), (0, 3), (0, 12), (0, 1, 0, 3)])
def test_hulls_of_bands_by_definition(exponents):
    rng = np.random.default_rng(1)
    entries, columns = rng.integers(-9, 9, (5, 2)), rng.integers(-9, 9, (5, 2, 5))
    answers = np.arange(5)
    rows = band_rows(np.minimum, exponents, answers, entries)
    hulls = column_hulls(np.maximum, exponents, columns[:, :, 1:], 1)
    for m in range(5):
        end = m + 1
        for band, exponent in enumerate(exponents):
            start = max(0, end - 2**exponent)
            assert widths(exponents, answers)[m, band] == end - start
            assert rows[m, band].tolist() == (entries[start:end].min(axis=0).tolist() if end else [0, 0])
            if m >= 1:
                assert hulls[m - 1, band].tolist() == (columns[start:end, :, m].max(axis=0).tolist() if end else [0, 0])
            end = start


def find_factors(left, right, rank):
    return low_rank.find_factors("Scores", left, right, rank, lambda product: None)


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_products_of_low_rank_bound_differences(rank):
    rng = np.random.default_rng(rank)
    left, right = rng.integers(-900, 900, (6, 5)), rng.integers(-900, 900, (5, 7))
    exact = left @ right
    wanted = exact[:, :, None] - exact[:, None, :]
    for factors in (find_factors(left, right, rank), *(random_factors(rng, 5, 4) for _ in range(30))):
        found = product_of("Scores", factors, left, right)
        bounds = found.rows[:, :, None] - found.rows[:, None, :] + found.penalties[:, None, None]
        assert (wanted * 2**factors.bits <= bounds).all()
    assert len(find_factors(left, right, rank).peeled_right) == rank


def test_found_factors_peel_what_is_of_low_rank():
    """A product of rank two leaves next to nothing when two directions are peeled; and more than that when one is."""
    rng = np.random.default_rng(7)
    left = rng.integers(-30, 30, (9, 2)) @ rng.integers(-30, 30, (2, 6))
    right = rng.integers(-900, 900, (6, 9))
    spread = np.ptp(left @ right, axis=1).mean()

    def share(rank):
        factors = find_factors(left, right, rank)
        return product_of("Scores", factors, left, right).penalties.mean() / 2.0**factors.bits / spread

    assert share(2) < 1e-4 < 1e-2 < share(1)


def test_factors_for_products_of_nothing():
    for left, right in ((np.zeros((3, 2)), np.ones((2, 4))), (np.ones((3, 2)), np.ones((2, 4))), (np.ones((3, 2)), np.eye(2))):
        ints = left.astype(np.int64), right.astype(np.int64)
        assert (product_of("Scores", find_factors(*ints, 1), *ints).penalties >= 0).all()


# Finders


@by_method
@pytest.mark.parametrize("name", ["max_of_2_tiny", "max_of_3_tiny"])
def test_what_is_found_is_what_the_mirror_says(method, name):
    model = quantise(*load_model(name))
    found = method.find(model)
    assert method.find(model) == found  # nothing depends on chance
    assert method.mirror(model, found.certificate) == found.proved
    assert found.statement == ("at_most" if method.wrong else "at_least")
    assert found.operations > 0
    total = model.d_vocab**model.n_ctx
    least = {"quadratic": 0, "subcubic_low_rank": 0.6}.get(method.name, 0.8)
    assert least < found.proved / total <= 1
    tight = method.find(model, Tuning(resolution=1000, near=8))
    assert tight.proved <= found.proved if method.wrong else tight.proved >= found.proved
    other = found.proved + (-1 if method.wrong else 1)
    assert method.verdict(found.proved, model, found.certificate) == "Accepted"
    assert method.verdict(other, model, found.certificate).startswith("Refused (Total_short ")


@by_method
def test_certificates_to_fields_and_back(method):
    model = quantise(*load_model("max_of_2_tiny"))
    rng = np.random.default_rng(3)
    for certificate in (method.find(model).certificate, random_certificate(method, model, rng)):
        assert certificate_of(fields(certificate)) == certificate


@by_method
def test_fields_are_the_arguments_of_the_coq_constructor(method):
    theory = ROOT / "coq" / "theories" / "Cert"
    text = (theory / "Strategies.v").read_text() + (theory / "Staged.v").read_text()
    given = fields(random_certificate(method, quantise(*load_model("max_of_2_tiny")), np.random.default_rng(0)))
    if found := re.search(rf"Definition {method.form.constructor} (.*?) :\s+\w+ :=", text, re.DOTALL):
        groups = re.findall(r"\(([\w ]+?) : ([\w() ]+?)\)(?= \(|\s|$)", found[1])
        wanted = [coq_type for names, coq_type in groups for _ in names.split()]
    else:
        record = re.search(rf":= {method.form.constructor} {{(.*?)}}", text, re.DOTALL)[1]
        wanted = re.findall(r"\w+ : ([\w ]*\w)", re.sub(r"\(\*.*?\*\)", "", record, flags=re.DOTALL))
    assert [field.coq_type for field in given] == wanted


def test_every_case_is_counted_by_itself():
    """No case counts more than it has sequences, and none of m below q anything."""
    model = quantise(*load_model("max_of_3_tiny"))
    certificate = cubic.METHOD.find(model).certificate
    counts = case_counts(prepare(model, certificate))
    for q in range(8):
        for m in range(8):
            every = 0 if m < q else (m + 1) ** 2 - (0 if m == q else m**2)
            assert 0 <= counts.joint[q, m] <= counts.best[q, m] <= every


def test_masses_prove_as_much_but_for_less_than_an_input_each():
    model = quantise(*load_model("max_of_3_tiny"))
    for name in ("cubic", "subcubic"):
        found = METHODS[name].find(model)
        for digits in (3, 12):
            plan = dataclasses.replace(found.certificate.plan, mass_digits=digits)
            heavy = METHODS[name].mirror(model, dataclasses.replace(found.certificate, plan=plan))
            assert found.proved - 64 <= heavy <= found.proved


def test_default_bands_cover_and_few_are_enough():
    for d in (1, 2, 3, 5, 64, 100, 128, 256, 500, 512, 1024, 4000):
        for most in (None, 8):
            bands = default_bands(d, most)
            assert bands[0] == 0 and max(bands) <= 12
            assert sum(2**one for one in bands) >= d > sum(2**one for one in bands[:-1])
            assert most is None or len(bands) <= most
    assert default_bands(64, None) == (0, 0, 0, 0, 1, 2, 3, 4, 5)
    assert default_bands(64, 8) == (0, 0, 1, 2, 3, 4, 5)


# Tuning


def test_tuning_is_followed():
    model = quantise(*load_model("max_of_3_tiny"))
    tuning = Tuning(resolution=17, bands=(0, 1, 3), rank=2, near=3)
    certificate = METHODS["subcubic_low_rank"].find(model, tuning).certificate
    assert set(certificate.plan.resolutions) <= {0, 17} and set(certificate.plan.near_resolutions) <= {0, 17}
    assert (certificate.exponents, certificate.plan.radius) == ((0, 1, 3), 3)
    assert len(certificate.scores.peeled_right) == len(certificate.direct.peeled_right) == 2
    assert tuning.text() == "--resolution 17 --bands 0,1,3 --rank 2 --near 3" and DEFAULT.text() == ""


@pytest.mark.parametrize(
    ("name", "tuning", "message"),
    [
        ("cubic", {"resolution": 0}, "resolution: got 0, wanted an integer >= 1; 64 is a good start"),
        ("cubic", {"near": 17}, "near: got 17, wanted an integer from 0 to 16; 1 is a good start"),
        ("cubic", {"near": -1}, "near: got -1, wanted an integer from 0 to 16"),
        ("cubic", {"rank": -1}, "rank: got -1, wanted an integer >= 0; 1 or 2 is a good start"),
        ("cubic", {"rank": 1}, "rank: strategy cubic has no rank; it has resolution and near; leave rank out"),
        ("cubic", {"bands": (0, 4)}, "bands: strategy cubic has no bands; it has resolution and near; leave bands out"),
        ("exact", {"near": 1}, "near: strategy exact has no near; it has nothing to choose; leave near out"),
        ("brute_force", {"resolution": 1}, "resolution: strategy brute_force has no resolution"),
        ("subcubic", {"rank": 1}, "rank: strategy subcubic has no rank; it has resolution and bands and near"),
        ("subcubic", {"bands": ()}, "bands: got none, wanted 0 first: a band of the largest token alone"),
        ("subcubic", {"bands": (1, 2)}, "bands: got 1,2, wanted 0 first: a band of the largest token alone; try 0,1,2"),
        ("subcubic", {"bands": (0, 13)}, "bands: got 0,13, wanted exponents from 0 to 12; use more and shorter bands"),
        ("subcubic", {"bands": (0, 2)}, "bands: 0,2 cover 5 tokens, wanted all 8 of max_of_2_tiny; add larger exponents"),
        ("subcubic_low_rank_qk", {"rank": 9}, "rank: got 9, wanted at most 8, which is d_head; 1 or 2 is a good start"),
        ("subcubic_low_rank_eu", {"rank": 9}, "rank: got 9, wanted at most 8, which is d_model; 1 or 2 is a good start"),
        ("quadratic", {"rank": 2}, "rank: got 2, strategy quadratic takes at most 1; use subcubic_low_rank for more"),
        ("quadratic", {"bands": (0,) * 9}, "bands: got 9 of them, strategy quadratic takes at most 8; use fewer"),
        ("wrong_count", {"near": 0}, "near: got 0, strategy wrong_count wants at least 1: it looks at outputs near the answer"),
    ],
)  # fmt: skip
def test_tuning_that_makes_no_sense(name, tuning, message):
    model = quantise(*load_model("max_of_2_tiny"))
    with pytest.raises(UsageError, match=f"^{re.escape(message)}"):
        strategies()[name].find(model, Tuning(**tuning), lambda message, done, total: None)


# Refusals


def refusals(model: QuantisedModel) -> list[tuple[str, Certificate, str]]:
    """Method, certificate and what Coq prints, one for each way to be refused (and some that are not)."""
    found = {name: method.find(model).certificate for name, method in METHODS.items()}
    plan = found["subcubic"].plan
    bits = found["subcubic_low_rank_eu"].direct.bits
    result = []

    def changed(name, verdict, **parts):
        result.append((name, dataclasses.replace(found[name], **parts), verdict))

    def planned(name, verdict, **parts):
        changed(name, verdict, plan=dataclasses.replace(found[name].plan, **parts))

    for exponents, verdict in (
        ((), "Refused (Wrong_length Band 0 1)"),
        ((1, 4), "Refused (Wrong_length Band 2 1)"),
        ((12, 12), "Refused (Wrong_length Band 4096 1)"),
        ((0, 1), f"Refused (Bands_short 3 {model.d_vocab})"),
        ((0, 13), "Refused (May_overflow Band)"),
        ((0, 2**61), "Refused (May_overflow Band)"),
        ((13, 1), "Refused (May_overflow Band)"),
    ):
        changed("subcubic", verdict, exponents=exponents)
    for moved, verdict in (
        (found["subcubic"].moved[1:], f"Refused (Wrong_length Moved {model.d_model - 1} {model.d_model})"),
        ((*found["subcubic"].moved, 0), f"Refused (Wrong_length Moved {model.d_model + 1} {model.d_model})"),
        ((), f"Refused (Wrong_length Moved 0 {model.d_model})"),
        ((2**61,) * model.d_model, "Refused (May_overflow Moved)"),
        ((2**60,) * model.d_model, "Refused (May_overflow Moved)"),
        ((-(2**40),) * model.d_model, "Refused (May_overflow Moved)"),
    ):
        changed("subcubic", verdict, moved=moved)
    for name, stage, key in (("subcubic_low_rank_qk", SCORES, "scores"), ("subcubic_low_rank_eu", DIRECT, "direct")):
        good = getattr(found[name], key)
        for part in ("peeled_left", "peeled_right", "bounded_left", "bounded_right"):
            rows = getattr(good, part)
            first = "Peeled_left" if part == "peeled_right" else "Bounded_left" if part == "bounded_right" else part.capitalize()
            longer = ((*rows[0], 0), *rows[1:])
            huge = ((2**60 + 1, *rows[0][1:]), *rows[1:])
            for other, factor in ((rows[1:], first), (longer, part.capitalize()), (huge, part.capitalize())):
                verdict = f"Refused (Wrong_factor {stage} {factor})"
                changed(name, verdict, **{key: dataclasses.replace(good, **{part: other})})
        for number in (59, 2**61):
            changed(name, f"Refused (May_overflow {stage})", **{key: dataclasses.replace(good, bits=number)})
        scaled = tuple(tuple(entry << 40 for entry in row) for row in good.bounded_right)
        changed(name, f"Refused (May_overflow {stage})", **{key: dataclasses.replace(good, bounded_right=scaled)})
    quadratic = found["quadratic"]
    wide = METHODS["subcubic_low_rank"].find(model, Tuning(rank=2)).certificate
    changed("quadratic", "Refused (Wrong_factor Scores Peeled_right)", scores=wide.scores, direct=wide.direct)
    changed("quadratic", "Refused (Wrong_factor Direct_logits Peeled_right)", direct=wide.direct)
    changed("quadratic", "Refused (Wrong_length Band 9 8)", exponents=(0,) * 9)
    assert len(quadratic.scores.peeled_right) == 1
    for unit in (plan.gap_unit - 1, 62, 2**61):
        if unit >= 0:
            planned("subcubic", "Refused (May_overflow Gap_shift)", gap_unit=unit)
    planned("subcubic_low_rank_eu", "Refused (May_overflow Gap_shift)", gap_unit=62 - bits)
    nothing = "Refused (Total_short 0 1)"
    for name in ("cubic", "subcubic", "quadratic"):
        planned(name, nothing, resolutions=(0,) * model.d_vocab, near_resolutions=())
        planned(name, nothing, resolutions=(), near_resolutions=())
        planned(name, nothing, block_lengths=())
    for digits in ((model.d_vocab - 1).bit_length() - 1 or 13, 13, 2**61):
        planned("cubic", "Refused (May_overflow Number_of_inputs)", mass_digits=digits)
    return result


def test_refusals():
    model = quantise(*load_model("max_of_2_tiny"))
    for name, certificate, verdict in refusals(model):
        assert METHODS[name].verdict(1, model, certificate) == verdict, (name, verdict)
        if not verdict.startswith("Refused (Total"):
            kind = OverflowRisk if "May_overflow" in verdict else CertificateError
            with pytest.raises(kind, match="^" + re.escape(verdict) + ": "):
                METHODS[name].mirror(model, certificate)


def test_lengths_and_radii_past_the_end_change_nothing():
    model = quantise(*load_model("max_of_3_tiny"))
    good = METHODS["subcubic"].find(model, Tuning(near=8)).certificate
    wanted = METHODS["subcubic"].mirror(model, good)
    plan = good.plan
    for parts in (
        {"block_lengths": (0, *plan.block_lengths, 0, 5, 2**61)},
        {"block_lengths": (*plan.block_lengths[:-1], 2**61)},
        {"resolutions": (*plan.resolutions, 2**61)},
        {"near_resolutions": (*plan.near_resolutions, 2**61)},
    ):
        assert METHODS["subcubic"].mirror(model, dataclasses.replace(good, plan=dataclasses.replace(plan, **parts))) == wanted
    wide = [dataclasses.replace(good, plan=dataclasses.replace(plan, radius=radius)) for radius in (16, 2**61)]
    assert len({METHODS["subcubic"].mirror(model, one) for one in wide}) == 1


def test_networks_that_are_refused_before_any_certificate():
    model = quantise(*load_model("max_of_2_tiny"))
    huge = dataclasses.replace(model, W_V=dataclasses.replace(model.W_V, ints=model.W_V.ints << 45))
    with pytest.raises(OverflowRisk, match=r"^Refused \(May_overflow"):
        integer_tables(huge)
    for method in METHODS.values():
        with pytest.raises(InputRefused, match=r"^Refused \(May_overflow"):
            method.find(huge)
