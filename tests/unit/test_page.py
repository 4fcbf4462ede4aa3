"""Pages of models and comparisons: whole, self-contained, alike twice, and free of what a hostile file would put there."""

import base64
import dataclasses
import hashlib
import json
import re
import shutil
import sys
import xml.etree.ElementTree
from html.parser import HTMLParser

import pytest

from compact_proofs.models.errors import InputRefused
from compact_proofs.proofs import cli
from compact_proofs.proofs.page.comparison_page import comparison_page, slug
from compact_proofs.proofs.page.document import render, write_page
from compact_proofs.proofs.page.drawing import draw
from compact_proofs.proofs.page.model_page import model_page
from compact_proofs.proofs.table import Row, write_table

MODEL, MODULAR, UNPROVED = "max_of_3_tiny", "modular_relu_tiny", "max_of_2_tiny"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"
VOID = {"meta", "link", "img", "br"}


class Outline(HTMLParser):
    """What stands in a page: tags with their attributes, texts by tag; a tag that does not close is an error."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"{tag}: an attribute twice"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def text(self, tag):
        return [data for name, data in self.texts if name == tag]


@pytest.fixture(scope="module")
def built(pretend_proofs, tmp_path_factory):
    """A folder with the proofs and the pages of the models, by the command line."""
    out = tmp_path_factory.mktemp("pages")
    pretend_proofs(out, MODEL, "cubic", "subcubic", "wrong_count", "brute_force")
    pretend_proofs(out, MODULAR, "low_rank_unembedding", "brute_force")
    for name in (MODEL, MODULAR, UNPROVED):
        assert cli.main(["report", name, "--out", str(out)]) == 0
    return out


@pytest.fixture
def copy(built, tmp_path):
    shutil.copytree(built, tmp_path / "build")
    return tmp_path / "build"


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared")
    write_table(rows(), folder)
    return folder


def rows():
    """Two strategies on three networks of two sizes, the first of each proved; one more in vain."""
    found = []
    for n_ctx in (4, 10):
        for seed in range(3):
            for name, bound in (("cubic", 90 + seed), ("subcubic", 80 - seed)):
                low = 95 if n_ctx == 4 else None
                found.append(
                    Row(f"max{n_ctx}_seed{seed}", "max_of_k", seed, n_ctx, 64, None, 8, name, "", "at_least", bound, low, 95, 100,
                        10**8 * n_ctx, 800, 0.5, 8.0 if seed == 0 else None, "proved" if seed == 0 else "predicted", "")
                )  # fmt: skip
    failed = dataclasses.replace(found[0], strategy="exact", bound=None, status="refused", statement="exactly", reason="too long")
    return [*found, failed]


@pytest.mark.parametrize("name", [MODEL, MODULAR, UNPROVED])
def test_a_page_is_whole_and_asks_for_nothing(built, name):
    text = (built / name / "report.html").read_text()
    assert len(text) < 1_000_000
    page = Outline(text)
    assert page.all("html") == [{"lang": "en-GB"}]
    addresses = [one.get("src") or one.get("href") for one in page.all("img") + page.all("a") + page.all("link")]
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", re.sub(r'"data:[^"]*"', "", text).replace("// Tables", ""))
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(names) == len(set(names))
    assert {address[1:] for address in addresses if address.startswith("#")} <= set(names)
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


def test_policy_allows_the_style_and_the_script_that_are_there_and_nothing_else(built):
    text = (built / MODEL / "report.html").read_text()
    policy = next(one["content"] for one in Outline(text).all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:;")
    for tag in ("style", "script"):
        inside = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL).group(1)
        assert f"{tag}-src 'sha256-{base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()}'" in policy
    assert "unsafe" not in policy and " style=" not in text and " on" not in re.sub(r">[^<]*<|\"[^\"]*\"", "", text)


def test_every_figure_is_said_in_words_and_can_be_saved(built):
    text = (built / MODEL / "report.html").read_text()
    page = Outline(text)
    names = ["cost", "unproved", "qk", "ov", "attention"]
    assert [one["id"] for one in page.all("figure")] == [f"figure-{name}" for name in names]
    for image in page.all("img"):
        assert image["role"] == "img" and len(re.findall(r"\d", image["alt"])) >= 3
    saved = {one["download"]: one["href"] for one in page.all("a") if "download" in one}
    files = {path.name: path for path in (built / MODEL / "figures").iterdir()}
    assert set(saved) == set(files) == {f"{name}.{kind}" for name in names for kind in ("svg", "png", "csv")}
    for name, address in saved.items():
        assert base64.b64decode(address.partition(";base64,")[2]) == files[name].read_bytes()


def test_what_a_page_says_of_the_proofs(built):
    text = (built / MODEL / "report.html").read_text()
    page = Outline(text)
    reports = {path.parent.name: json.loads(path.read_text()) for path in (built / MODEL).glob("*/report.json")}
    assert f"Proved in Coq: {reports['brute_force']['theorem_in_words']}." in page.text("p")  # exact: nothing says more
    assert "3 more theorems" in page.text("summary")
    for report in reports.values():
        assert report["theorem"] in page.text("code")
    assert [cell for cell in page.text("td") if cell in reports] == ["cubic", "subcubic", "wrong_count", "brute_force"]
    assert f"≥ {reports['cubic']['proved_correct']}" in page.text("td")
    assert "You trust Coq 8.16.1" in text and "Spec/MaxOfK.v" in text and "PrimInt63.int" in page.text("li")
    assert f"cubic leaves {512 - int(reports['cubic']['proved_correct'])} of 512 inputs unproved" in text


def test_a_model_without_proofs_has_a_page_of_its_mechanism(built, capsys):
    page = Outline((built / UNPROVED / "report.html").read_text())
    assert f"compact-proofs prove {UNPROVED}" in page.text("code")
    assert [one["id"] for one in page.all("figure")] == ["figure-qk", "figure-ov", "figure-attention"]
    assert page.all("table") == []
    assert cli.main(["report", UNPROVED, "--out", str(built)]) == 0
    assert capsys.readouterr().out.startswith(f"Nothing is proved of {UNPROVED} yet.\n")


def test_the_page_of_a_modular_network(built):
    page = Outline((built / MODULAR / "report.html").read_text())
    assert [one["id"] for one in page.all("figure")] == [f"figure-{name}" for name in ("cost", "spectra", "phases", "margins")]
    assert any("certificate: the means of" in line for line in page.text("li"))


def test_a_page_is_alike_twice(built, copy):
    assert cli.main(["report", MODEL, "--out", str(copy)]) == 0
    for path in (built / MODEL).rglob("*"):
        if path.is_file():
            assert (copy / MODEL / path.relative_to(built / MODEL)).read_bytes() == path.read_bytes(), path


def test_json_names_the_page_its_figures_and_the_proofs(built, capsys, tmp_path):
    page = tmp_path / "deep" / "mine.html"
    assert cli.main(["report", MODULAR, "--out", str(built), "--json", "--page", str(page)]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["page"] == str(page) and page.is_file()
    assert f"{built}/{MODULAR}/figures/margins.csv" in value["figures"]
    assert [one["strategy"] for one in value["proofs"]] == ["low_rank_unembedding", "brute_force"]


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_texts_of_a_report_are_no_html(copy):
    change(copy / MODULAR / "brute_force" / "report.json", theorem=HOSTILE, theorem_in_words=HOSTILE, coq_version=HOSTILE,
           mechanism=[HOSTILE, HOSTILE], assumptions=[HOSTILE], files={"theorem": HOSTILE})  # fmt: skip
    page, _ = model_page(MODULAR, copy)
    text = render(page, [draw(figure) for figure in page.figures])
    outline = Outline(text)
    assert len(outline.all("script")) == 1 and HOSTILE not in text
    assert all("onerror" not in attributes for _, attributes in outline.tags)
    assert HOSTILE in outline.text("code") and HOSTILE in outline.text("li")


def test_cells_of_a_table_are_no_html(tmp_path):
    first = dataclasses.replace(rows()[0], model=HOSTILE, strategy=f"{HOSTILE} $x^{{", parameters="\x00\ud7ff", family=HOSTILE)
    write_table([first, *rows()[1:], dataclasses.replace(rows()[-1], reason=HOSTILE, model="m")], tmp_path)
    page = comparison_page(tmp_path)
    write_page(page, tmp_path / "report.html", tmp_path / "figures")
    outline = Outline((tmp_path / "report.html").read_text())
    assert len(outline.all("script")) == 1
    assert HOSTILE in outline.text("td")
    for path in [tmp_path / "report.html", *(tmp_path / "figures").glob("*.svg")]:
        assert "\x00" not in path.read_text()
        if path.suffix == ".svg":
            xml.etree.ElementTree.fromstring(path.read_text())
    assert slug("../../etc, p = 3") == "etc_p_3"


@pytest.mark.parametrize(
    ("values", "said"),
    [({"model": "other"}, "model is 'other', wanted"), ({"strategy": "cubic"}, "strategy is 'cubic'"),
     ({"weight_bits": 3}, "weight_bits is 3"), ({"proved_correct": "-1"}, "got -1"), ({"theorem": 5}, "another type"),
     ({"certificate_bytes": float("nan")}, "not a report of this version"), ({"checker_operations": "many"}, "not a report"),
     ({"statement": "at_most", "true_correct": "600"}, "there are only 512")],
)  # fmt: skip
def test_reports_that_are_refused(copy, capsys, values, said):
    path = copy / MODEL / "subcubic" / "report.json"
    change(path, **values)
    assert cli.main(["report", MODEL, "--out", str(copy)]) == 3
    error = capsys.readouterr().err
    assert error.startswith(f"compact-proofs report: {path}: ") and said in error and error.endswith("prove again\n")


def test_a_certificate_of_another_proof_is_refused(copy):
    change(copy / MODEL / "cubic" / "report.json", proved_correct="512")
    with pytest.raises(InputRefused, match=r"certificate.json: not the certificate of report.json beside it"):
        model_page(MODEL, copy)


def test_proofs_of_other_weights_are_left_out_and_named(copy, capsys):
    change(copy / MODEL / "cubic" / "report.json", weights_sha256="0" * 64)
    (copy / MODEL / "subcubic" / "certificate.json").unlink()
    assert cli.main(["report", MODEL, "--out", str(copy)]) == 0
    out, err = capsys.readouterr()
    assert "Left out: cubic. Proved of other weights" in err and "max_of_3_tiny, cubic" not in out
    text = (copy / MODEL / "report.html").read_text()
    assert "Left out: cubic" in text and "figure-unproved" not in text and "is drawn once there is a proof by cubic" in text


def test_a_theorem_of_another_kind_is_shown_but_not_compared(copy):
    path = copy / MODEL / "subcubic" / "report.json"
    right = {"right": "91", "undecided": "0", "total": "99", "exhaustive": True}
    zipf = {"name": "zipf", "sha256": "0" * 64, "quantised": right}
    change(path, statement="at_least_weight", n_inputs="99", theorem_in_words="weight 90 of 99", distribution=zipf)
    page, reports = model_page(MODEL, copy)
    assert [report.strategy for report in reports] == ["cubic", "wrong_count", "brute_force", "subcubic"]
    assert "Spec/Weighted.v" in page.sections[1].paragraphs[0]
    assert "Weight 90 of 99." in [theorem.words for theorem in page.sections[0].more]
    table = page.sections[2].table
    last = dict(zip(table.headings, (cell.text for cell in table.rows[-1]), strict=True))
    assert len(table.rows) == 4 and last["right inputs"] == "of the weight of zipf" and last["of all"].startswith("≥ ")
    assert last["bound / true count"] == ""


def test_the_page_of_a_comparison(compared, capsys):
    assert cli.main(["report", "--comparison", str(compared)]) == 0
    said = "6 networks, 3 strategies: 4 bounds proved in Coq, 8 predicted by the mirror of the checker"
    assert capsys.readouterr().out == f"{said}, 1 tried in vain.\npage: {compared}/report.html\n"
    page = Outline((compared / "report.html").read_text())
    sizes = ("K_4_d_vocab_64", "K_10_d_vocab_64")
    figures = [*(f"cost_{one}" for one in sizes), *(f"seeds_{one}" for one in sizes), "scaling_n_ctx_64"]
    assert [one["id"] for one in page.all("figure")] == [f"figure-{name}" for name in figures]
    assert sorted(path.stem for path in (compared / "figures").glob("*.csv")) == sorted(figures)
    assert page.text("td").count("proved") == 4 and "too long" in page.text("td")
    assert "the true count of right inputs is known for 3 of 6 networks" in "".join(page.text("dd"))


def test_large_numbers_lie_beside_the_page(compared, monkeypatch, tmp_path):
    monkeypatch.setattr("compact_proofs.proofs.page.document.MOST_INSIDE", 300)
    write_page(comparison_page(compared), tmp_path / "pages" / "a.html", tmp_path / "numbers")
    links = [one for one in Outline((tmp_path / "pages" / "a.html").read_text()).all("a") if "download" in one]
    beside = [one["href"] for one in links if not one["href"].startswith("data:")]
    assert beside and all((tmp_path / "pages" / address).is_file() for address in beside)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [([], 2, "MODEL: wanted a name, or --comparison FOLDER"), ([MODEL, "--comparison", "x"], 2, "MODEL: wanted a name"),
     ([MODEL, "--strategy", "cubic", "--page", "x"], 2, "leave out --comparison and --page"), (["nobody"], 2, "unknown MODEL"),
     (["--comparison", "nowhere"], 2, "run `compact-proofs compare` first"), ([MODEL, "--strategy", "x"], 2, "unknown STRATEGY")],
)  # fmt: skip
def test_usage(capsys, arguments, code, said):
    assert cli.main(["report", *arguments]) == code
    assert said in capsys.readouterr().err


def test_a_table_without_rows_is_refused(tmp_path):
    write_table([], tmp_path)
    with pytest.raises(InputRefused, match="the table has no row"):
        comparison_page(tmp_path)


@pytest.mark.parametrize("where", ["figures", "report.html"])
def test_a_place_that_cannot_be_written(copy, capsys, where):
    place = copy / UNPROVED / where
    shutil.rmtree(place, ignore_errors=True)
    place.unlink(missing_ok=True)
    place.touch() if where == "figures" else place.mkdir()
    assert cli.main(["report", UNPROVED, "--out", str(copy)]) == 1
    error = capsys.readouterr().err
    assert (
        str(place.parent) in error and where in error and "choose another folder by --out" in error and "Traceback" not in error
    )
    assert list(copy.rglob("*.unfinished")) == []


def test_without_the_packages_of_pages(built, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert cli.main(["report", UNPROVED, "--out", str(built)]) == 4
    assert "pages need matplotlib and jinja2 (jinja2 is missing): pip install" in capsys.readouterr().err
