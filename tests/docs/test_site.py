"""The site of the documentation: names of lemmas lead to their definitions, and none is named that is not there."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEMMA = re.compile(r"`([A-Za-z_][\w./]*_(?:sound|spec|exact|le|bound|correct|incorrect|iff|ok|encloses|real|no_wrap|at_most))`")
PAGES = sorted((ROOT / "docs").glob("*.md"))


@pytest.fixture(scope="module")
def site():
    spec = importlib.util.spec_from_file_location("make_site", ROOT / "docs" / "make_site.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_lemma_named_exists(site, page):
    names = site.coq_names()
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    others = ("Uint63.", "..", "proved_correct", "true_correct")  # Coq's own; a pattern; entries of report.json
    named = [name for name in LEMMA.findall(text) if not name.startswith(others)]
    assert [name for name in named if name.replace("/", ".").rpartition(".")[2] not in names] == []


def test_the_mathematics_is_linked_to_the_lemmas(site):
    names = site.coq_names()
    for page, at_least in (("max_of_k.md", 25), ("modular_addition.md", 16)):
        text = site.linked((ROOT / "docs" / page).read_text(), names, page.startswith("modular"))
        assert text.count("](coq/CompactProofs.") >= at_least, page


def test_names_lead_to_their_own_task(site):
    names = site.coq_names()
    assert site.coq_target("correct_count", names) == "coq/CompactProofs.Spec.MaxOfK.html#correct_count"
    assert site.coq_target("correct_count", names, modular=True) == "coq/CompactProofs.Spec.Modular.html#correct_count"
    assert site.coq_target("Cert/StagedSound.v", names) == "coq/CompactProofs.Cert.StagedSound.html"
    assert site.coq_target("CoreSound.score_of_core", names) == "coq/CompactProofs.Cert.CoreSound.html#score_of_core"
    assert site.coq_target("no_such_lemma", names) is None


def test_links_of_the_repository_become_links_of_the_site(site):
    assert site.moved("[a](docs/trust.md#b) [c](LICENSE) [d](coq/theories/Spec/Network.v)", True) == (
        "[a](trust.md#b) [c](files/LICENSE) [d](coq/CompactProofs.Spec.Network.html)"
    )
    assert site.moved("[a](../README.md) [b](#here) [c](https://example.org)", False) == (
        "[a](index.md) [b](#here) [c](https://example.org)"
    )


def test_every_command_has_its_entry(site):
    page = site.commands_page()
    for name in ("import", "prove", "compare", "report", "cost", "counterexample", "doctor"):
        assert f"\n## {name}\n" in page
        assert f"usage: compact-proofs {name} " in page
