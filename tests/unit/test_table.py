"""The table of a comparison: rows survive a round trip; what is no table is refused by line and column."""

import dataclasses
import json

import pytest

from compact_proofs.models.errors import InputRefused, UsageError
from compact_proofs.proofs.published import published_points
from compact_proofs.proofs.table import COLUMNS, Row, natural, read_table, write_table

HUGE = 64**20  # leaves 64 bits, and double precision
ROW = Row(
    "mine_seed2", "max_of_k", 2, 20, 64, None, 8, "subcubic", "--rank 1", "at_least", HUGE - 7, HUGE - 5, HUGE - 3, HUGE, 2**70,
    1000, 0.125, None, "predicted", "",
)  # fmt: skip


def changed(**values):
    return dataclasses.replace(ROW, **values)


@pytest.fixture
def rows():
    refused = {"bound": None, "operations": None, "certificate_bytes": None, "search_s": None, "status": "refused"}
    return [
        changed(model="mine_seed10", seed=10, status="proved", check_s=2.5),
        ROW,
        changed(parameters="", **refused, reason='no, "never"; a comma, a quote\tand Größe'),
        changed(model="p", family="modular_relu", seed=None, n_ctx=2, d_vocab=7, modulus=7, truth_low=None, truth_high=None),
    ]


@pytest.mark.parametrize("name", ["", "table.csv", "table.jsonl"])
def test_rows_survive_and_come_back_sorted(rows, tmp_path, name):
    write_table(reversed(rows), tmp_path)
    found = read_table(tmp_path / name)
    assert [(row.model, row.parameters) for row in found] == [
        ("mine_seed2", ""), ("mine_seed2", "--rank 1"), ("mine_seed10", "--rank 1"), ("p", "--rank 1"),
    ]  # fmt: skip
    assert set(found) == set(rows)


def test_equal_rows_give_equal_bytes_and_leave_right_files_alone(rows, tmp_path):
    paths = write_table(rows, tmp_path)
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in paths]
    write_table(reversed(rows), tmp_path)
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in paths] == before


def test_counts_are_strings_in_json(tmp_path):
    write_table([ROW], tmp_path)
    value = json.loads((tmp_path / "table.jsonl").read_text())
    assert value["bound"] == str(HUGE - 7) and value["operations"] == str(2**70)
    assert value["seed"] == 2 and value["check_s"] is None
    assert tuple(value) == COLUMNS


def test_numbers_in_names_count_as_numbers():
    assert sorted(["m_seed10", "m_seed9", "m²", "m"], key=natural) == ["m", "m_seed9", "m_seed10", "m²"]


@pytest.mark.parametrize(
    ("column", "cell", "wrong"),
    [
        ("bound", "-1", "wanted a number >= 0"),
        ("bound", "many", "wanted an integer"),
        ("bound", "9" * 5000, "wanted an integer"),
        ("bound", str(HUGE + 1), "inputs"),
        ("bound", "", "contradicts status 'predicted'"),
        ("truth_low", str(HUGE), "above truth_high"),
        ("search_s", "nan", "wanted a number >= 0"),
        ("search_s", "inf", "wanted a number >= 0"),
        ("search_s", "1 s", "wanted a number"),
        ("status", "true", "wanted one of: proved, predicted"),
        ("statement", "", "empty"),
        ("model", "", "empty"),
    ],
)
def test_a_cell_that_is_wrong_is_named_by_line_and_column(tmp_path, column, cell, wrong):
    path, _ = write_table([ROW], tmp_path)
    header, line = path.read_text().splitlines()
    cells = line.split(",")
    cells[COLUMNS.index(column)] = cell
    path.write_text(f"{header}\n{line.replace('seed2', 'seed1')}\n{','.join(cells)}\n")
    with pytest.raises(InputRefused, match=f"line 3, column {column}: .*{wrong}"):
        read_table(path)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "line 1, column model: missing"),
        (",".join(COLUMNS[:-1]) + "\n", "line 1, column reason: missing"),
        (",".join((*COLUMNS, "colour")) + "\n", "line 1, column colour: unknown"),
        (",".join((*COLUMNS, "seed")) + "\n", "line 1, column seed: there twice"),
        (",".join(COLUMNS) + "\na,b\n", "line 2: got 2 columns, wanted 20"),
        (",".join(COLUMNS) + '\n"a\n', "line 2: not CSV"),
        ("\xff", "line 1, column"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, text, wrong):
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputRefused, match=wrong):
        read_table(path)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda line: line[:-1], "line 2: not JSON"),
        (lambda line: "[]", "line 2: got list, wanted an object"),
        (lambda line: line.replace('"seed": 2', '"seed": "2"'), "line 2, column seed: .*wanted a number"),
        (lambda line: line.replace('"seed": 2', '"seed": true'), "line 2, column seed: .*wanted a number"),
        (lambda line: line.replace('"seed": 2', '"seed": 2.5'), "line 2, column seed: .*wanted an integer"),
        (lambda line: line.replace(f'"{HUGE}"', str(HUGE)), "line 2, column inputs: .*wanted a string"),
        (lambda line: line.replace('"seed": 2, ', ""), "line 2, column seed: missing"),
        (lambda line: line, "line 2, column model: the same network, strategy and parameters as line 1"),
        (lambda line: "[" * 100_000, "line 2: not JSON"),
    ],
)
def test_lines_that_are_no_rows_are_refused(tmp_path, change, wrong):
    _, path = write_table([ROW], tmp_path)
    line = path.read_text().rstrip("\n")
    path.write_text(f"{line}\n{change(line)}\n")
    with pytest.raises(InputRefused, match=wrong):
        read_table(path)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "table.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(InputRefused, match="not UTF-8"):
        read_table(tmp_path)


def test_no_table(tmp_path):
    with pytest.raises(UsageError, match="run `compact-proofs compare` first"):
        read_table(tmp_path / "nowhere")


def test_published_points_have_a_source():
    points = published_points(4, 64)
    assert {point.strategy for point in points} == {"brute force", "cubic", "sub-cubic"}
    assert all("2406.11779" in point.source and 0 < point.tightness <= 1 < point.flops for point in points)
    assert published_points(4, 63) == published_points(None, None) == ()
