"""The pages over many seeds: means and widths are what they say, and the rows of a comparison become table and page."""

import dataclasses
from types import SimpleNamespace

import pytest

from compact_proofs.models.errors import NotProved
from compact_proofs.proofs import frontier
from compact_proofs.proofs.frontier_pages import max_of_k_page, modular_page
from compact_proofs.proofs.registry import silent
from compact_proofs.proofs.table import Row, read_table

OF_MAX = Row(
    "max_seed0", "max_of_k", 0, 4, 64, None, 8, "cubic", "", "at_least", 90, 100, 100, 200, 1000, 15, 0.1, 2.5, "proved", ""
)
OF_SUM = Row(
    "sum", "modular_relu", 0, 2, 59, 59, 8, "quadrature", "", "at_least", 1740, 3480, 3480, 3481, 10, 5, 0.1, 2.5, "proved", ""
)


@pytest.fixture
def rows():
    return [
        OF_MAX,
        dataclasses.replace(OF_MAX, model="max_seed1", seed=1, bound=80, status="predicted", check_s=None),
        dataclasses.replace(OF_MAX, strategy="wrong_count", statement="at_most", bound=104, truth_low=96, operations=500),
        dataclasses.replace(OF_MAX, model="max_seed2", seed=2, bound=None, status="refused", check_s=None),
    ]


def test_means_over_seeds(rows):
    lines = max_of_k_page(rows).splitlines()
    assert "| cubic | 0.8500 (0.8000), 1.0e+03 ops, coqc 2 s, 2/1 |" in lines
    assert "| wrong_count | width 0.04000 (0.04000), 5.0e+02 ops, 1/1 |" in lines


def test_modular_tables():
    brute = dataclasses.replace(OF_SUM, strategy="brute_force", statement="exactly", bound=3480, operations=40)
    rank = dataclasses.replace(OF_SUM, strategy="low_rank_unembedding", parameters="--rank 2", operations=20, bound=3481)
    rank = dataclasses.replace(rank, truth_low=None, truth_high=None)
    seeds = [
        dataclasses.replace(one, model=f"sum_59_seed{seed}", bound=bound)
        for seed, bound in enumerate((3480, 0))
        for one in (brute, OF_SUM)
        if one is OF_SUM or bound
    ]
    lines = modular_page([OF_SUM, brute, rank, *seeds]).splitlines()
    assert "| sum | 59 |  | quadrature, 8 bits | 1,740 | 3,480 | 49.99 % | 1.00e+01 | 4.0 | 5 B | 2.5 s |" in lines
    assert "| sum_59 | 59 | quadrature, 8 bits | 2 | 0.4999 | 0.4999 | 0.0000 | 0.9997 | 1 of 2 | 2.0 |" in lines
    assert "| sum |  |  | 100.0 %, 2.0 |  |  |  |  |  |  |" in lines


def test_rows_become_table_page_and_picture(rows, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(frontier, "DOCS", tmp_path)
    asked = []

    def compare(request, say, progress):
        asked.append(request)
        return SimpleNamespace(rows=rows)

    monkeypatch.setattr(frontier, "compare", compare)
    assert frontier.frontier_command("max_of_k", tmp_path / "build", 2, 4, 1, print, silent) == 0
    (request,) = asked
    assert list(request.seeds) == [0, 1, 2, 3] and request.proved == 1 and "exact" not in request.strategies
    assert set(read_table(tmp_path / "frontier.csv")) == set(rows)
    assert (tmp_path / "frontier.md").read_text() == max_of_k_page(rows)
    picture = (tmp_path / "figures" / "frontier.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert frontier.frontier_command("max_of_k", tmp_path / "build", 2, 4, 1, print, silent, draw_only=True) == 0
    assert (tmp_path / "figures" / "frontier.png").read_bytes() == picture and len(asked) == 1

    rows[0] = dataclasses.replace(OF_MAX, bound=None, status="refused", reason="predicted 90, but Coq has not accepted it: no")
    with pytest.raises(NotProved, match="max_seed0, cubic: predicted 90, but Coq has not accepted it"):
        frontier.frontier_command("max_of_k", tmp_path / "build", 2, 4, 1, print, silent)


def test_what_is_compared_of_modular_arithmetic(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # no seeds here
    requests = {request.name: request for request in frontier.modular_requests(tmp_path, 1)}
    assert set(requests) == {"modular_frontier_zoo", "modular_frontier_zoo_bits", "modular_frontier_zoo_ranks"}
    zoo = requests["modular_frontier_zoo"]
    assert zoo.proved is None and "modular_addition" in zoo.models and "modular_relu_tiny" not in zoo.models
    assert all(name.endswith("_purified") for name in requests["modular_frontier_zoo_bits"].models)
    assert requests["modular_frontier_zoo_ranks"].proved == 0
