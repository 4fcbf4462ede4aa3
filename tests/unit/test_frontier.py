"""The table over many seeds: rows survive a round trip, means and widths are what they say."""

import pytest

from compact_proofs.proofs import frontier
from compact_proofs.proofs.frontier import Point


@pytest.fixture
def points():
    return [
        Point(4, 64, 0, "cubic", 90, 100, 200, 1, 1000, "15", "2.5"),
        Point(4, 64, 1, "cubic", 80, 100, 200, 1, 1000),
        Point(4, 64, 0, "wrong_count", 104, 100, 200, 1, 500),
    ]


def test_rows_survive(points, tmp_path, monkeypatch):
    monkeypatch.setattr(frontier, "TABLE", tmp_path / "frontier.csv")
    assert frontier.read_points() == []
    frontier.write_points(reversed(points))
    assert frontier.read_points() == sorted(points, key=lambda point: point.key)


def test_summary(points):
    lines = frontier.summary(points).splitlines()
    assert "| cubic | 0.8500 (0.8000), 1.0e+03 ops, coqc 2 s, 2/1 |" in lines
    assert "| wrong_count | width 0.02000 (0.02000), 5.0e+02 ops, 1/0 |" in lines
