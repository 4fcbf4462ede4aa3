"""exact by its definition in Coq (Cert.ExactCheck): every box, part by part, over Python ints; and the limit of operations."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from compact_proofs.extract.quantise import QuantisedModel
from compact_proofs.extract.tables import integer_tables, least_gap_shift
from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs.strategies import brute_force, exact
from compact_proofs.proofs.strategies.exact import Counts, ExactCertificate
from compact_proofs.proofs.strategies.terms import both, relative_exp, shift_up, upper_term

random_model = runpy.run_path(str(Path(__file__).parent / "test_tables.py"))["random_model"]  # test files import no others


def by_definition(model: QuantisedModel, gap_unit: int) -> Counts:
    tables, n, d = integer_tables(model), model.n_ctx, model.d_vocab
    total = Counts(0, 0, 0, 0)
    for q in range(d):
        places = relative_exp(tables.score_shift, tables.P[q].max(), tables.P[q])
        for m in range(q, d):
            tokens = relative_exp(tables.score_shift, tables.S[q, : m + 1].max(), tables.S[q, : m + 1])
            rivals = [w for w in range(d) if w != m]

            def cost(i: int, t: int, w: int, sign: int, q=q, m=m, tokens=tokens, places=places) -> int:
                weight = both(type(tokens)(tokens.lower[t], tokens.upper[t]), type(places)(places.lower[i], places.upper[i]))
                row = tables.EU[q] + tables.PV[i] + tables.V[t]
                return int(upper_term(weight, shift_up(gap_unit, sign * (row[w] - row[m]))))

            last = [[cost(n - 1, q, w, sign) for w in range(d)] for sign in (1, -1)]
            every = [[[[cost(i, t, w, sign) for w in range(d)] for t in range(m + 1)] for i in range(n - 1)] for sign in (1, -1)]
            if q == m:
                boxes = [[range(m + 1)] * (n - 1)]
            else:  # at `first` stands m for the first time
                free = range(n - 1)
                boxes = [
                    [range(m) if i < first else range(m, m + 1) if i == first else range(m + 1) for i in free] for first in free
                ]
            for box in boxes:

                def top(sign: int, w: int, fixed: tuple[int, ...], box=box, every=every, last=last) -> int:
                    costs = every[sign]
                    done = sum(costs[i][t][w] for i, t in enumerate(fixed))
                    rest = sum(max(costs[i][t][w] for t in box[i]) for i in range(len(fixed), len(box)))
                    return last[sign][w] + done + rest

                left = [w for w in rivals if top(0, w, ()) >= 0] if all(box) else []

                def branch(fixed: tuple[int, ...], box=box, left=left, top=top, q=q) -> Counts:
                    inside = int(np.prod([len(tokens) for tokens in box[len(fixed) :]], dtype=object))
                    if all(top(0, w, fixed) < 0 for w in left):
                        return Counts(inside, 0, 0, 0)
                    if any(top(1, w, fixed) <= 0 for w in left):
                        return Counts(0, inside, 0, 0)
                    if len(fixed) == len(box):
                        right, wrong = brute_force.decide(tables, gap_unit, np.array([[*fixed, q]]))
                        return Counts(int(right[0]), int(wrong[0]), 0, 1)
                    result = Counts(0, 0, len(left) * len(box[len(fixed)]), 0)
                    for token in box[len(fixed)]:
                        result += branch((*fixed, token))
                    return result

                if all(box):
                    total += branch(())
    return total


MODELS = [(0, 3, 4), (1, 3, 4), (2, 2, 5), (3, 3, 4), (4, 3, 3), (5, 4, 3), (6, 1, 4), (7, 3, 1)]


@pytest.mark.parametrize(("seed", "n_ctx", "d_vocab"), MODELS)
def test_counts_are_those_of_the_definition(seed, n_ctx, d_vocab):
    model = random_model(seed, n_ctx=n_ctx, d_vocab=d_vocab, scales=(6, 6, 8, 8, 3, 3, 3) if seed % 2 else (3, 5, 4, 2, 2, 1, 3))
    least = least_gap_shift(integer_tables(model))
    for unit in (least, least + 20, least + 24, least + 27):
        assert exact.count(model, ExactCertificate(unit)) == by_definition(model, unit)


def test_some_parts_are_decided_and_some_sequences_are_left():
    model = random_model(3, n_ctx=3, d_vocab=4)
    assert exact.count(model, ExactCertificate(least_gap_shift(integer_tables(model)) + 27)) == Counts(4, 38, 261, 36)


@pytest.mark.parametrize(("seed", "n_ctx", "d_vocab", "coarser"), [(0, 3, 4, 0), (3, 3, 4, 24), (2, 2, 2, 0), (6, 2, 2, 0)])
def test_the_limit_of_operations_may_be_reached(seed, n_ctx, d_vocab, coarser, monkeypatch):
    """Exactly, in the last box or before it; for d_vocab = 2 by the only box that is not settled as a whole."""
    model = random_model(seed, n_ctx=n_ctx, d_vocab=d_vocab, scales=(6, 6, 8, 8, 3, 3, 3))
    certificate = ExactCertificate(least_gap_shift(integer_tables(model)) + coarser)
    counts = exact.count(model, certificate)
    most = exact.operations(model) + counts.operations(n_ctx, d_vocab)
    monkeypatch.setattr(exact, "MOST_OPERATIONS", most)
    assert exact.count(model, certificate) == counts
    monkeypatch.setattr(exact, "MOST_OPERATIONS", most - 1)
    with pytest.raises(InputRefused, match="takes more than"):
        exact.count(model, certificate)
