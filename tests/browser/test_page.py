"""Pages opened from disk in a headless browser: no error, no request, no sideways scrolling, figures seen, tables sorted.

Needs chromium and chromedriver; without them the tests are skipped, and in CI they fail.
"""

import json
import os
import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from compact_proofs.proofs import cli
from compact_proofs.proofs.table import Row, write_table

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MODEL, MODULAR = "max_of_3_tiny", "modular_relu_tiny"
PHONE, LAPTOP = 360, 1366
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
             "--disable-background-networking", "--disable-component-update", "--hide-scrollbars")  # fmt: skip


@pytest.fixture(scope="module")
def pages(pretend_proofs, tmp_path_factory):
    """The addresses of a page of each kind."""
    out = tmp_path_factory.mktemp("pages")
    pretend_proofs(out, MODEL, "cubic", "wrong_count", "brute_force")
    pretend_proofs(out, MODULAR, "low_rank_unembedding")
    rows = [
        Row(f"max{n_ctx}_seed{seed}", "max_of_k", seed, n_ctx, 64, None, 8, name, "", "at_least", bound * n_ctx, 400, 950, 1000,
            operations * n_ctx, 800, 0.5, None, "predicted", "")
        for n_ctx in (4, 10) for seed in range(3)
        for name, bound, operations in (("cubic", 90, 10**8), ("quadratic", 60, 7 * 10**6))
    ]  # fmt: skip
    why = "there are too many sequences for it, and this is a long reason to be shown"
    left_out = Row("max4_seed0", "max_of_k", 0, 4, 64, None, 8, "brute_force", "", "exactly", None, None, None, 1000, None, None,
                   None, None, "not run", why)  # fmt: skip
    write_table([*rows, left_out], out / "seeds")
    for arguments in ([MODEL], [MODULAR], ["--comparison", str(out / "seeds")]):
        assert cli.main(["report", *arguments, "--out", str(out)]) == 0
    return {name: (out / name / "report.html").as_uri() for name in (MODEL, MODULAR, "seeds")}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if BROWSER is None or DRIVER is None:
        if "CI" in os.environ:
            pytest.fail("no chromium or no chromedriver: make browser installs them")
        pytest.skip("no chromium or no chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


def show(browser, address, width, scheme="light"):
    """Open a page in a window of this width."""
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    wishes = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
    features = [{"name": name, "value": value} for name, value in wishes.items()]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(address)


def widths(browser):
    return browser.execute_script("const page = document.documentElement; return [page.scrollWidth, page.clientWidth];")


@pytest.mark.parametrize("width", [PHONE, LAPTOP])
@pytest.mark.parametrize("name", [MODEL, MODULAR, "seeds"])
def test_a_page_opens_whole_and_quietly(browser, pages, name, width):
    browser.get_log("performance")
    show(browser, pages[name], width)
    assert widths(browser) == [width, width]
    for hidden in browser.find_elements(By.TAG_NAME, "details"):
        browser.execute_script("arguments[0].open = true", hidden)
    assert widths(browser) == [width, width]

    figures = browser.find_elements(By.CSS_SELECTOR, "figure img")
    assert len(figures) == {MODEL: 5, MODULAR: 4, "seeds": 5}[name]
    for image in figures:
        assert image.is_displayed() and image.size["width"] >= 250 and image.size["height"] >= 100
        assert browser.execute_script("return arguments[0].complete && arguments[0].naturalWidth > 0", image)
        assert image.aria_role in ("image", "img") and len(image.accessible_name) > 60
    for box in browser.find_elements(By.CSS_SELECTOR, ".scroll"):
        assert box.size["width"] <= width

    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert pages[name] in asked
    assert [url for url in asked if not url.startswith("data:")] == [pages[name]]


def column(browser, heading):
    """Return the texts of a column of the last table, and its heading."""
    table = browser.find_elements(By.CSS_SELECTOR, "table.sortable")[-1]
    names = [one.text.strip() for one in table.find_elements(By.TAG_NAME, "th")]
    place = names.index(heading)
    cells = [row.find_elements(By.TAG_NAME, "td")[place].text for row in table.find_elements(By.CSS_SELECTOR, "tbody tr")]
    return cells, table.find_elements(By.TAG_NAME, "th")[place]


def test_tables_are_sorted_by_their_headings(browser, pages):
    show(browser, pages["seeds"], LAPTOP)
    cells, heading = column(browser, "operations")
    assert len(cells) == 13 and heading.get_attribute("aria-sort") is None
    heading.find_element(By.TAG_NAME, "button").click()
    cells, heading = column(browser, "operations")
    assert [cells[0], cells[3], cells[6], cells[-2], cells[-1]] == ["2.8 × 10⁷", "7.0 × 10⁷", "4.0 × 10⁸", "1.0 × 10⁹", ""]
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    cells, heading = column(browser, "operations")
    assert [cells[0], cells[-2], cells[-1]] == ["1.0 × 10⁹", "2.8 × 10⁷", ""]
    assert heading.get_attribute("aria-sort") == "descending"
    column(browser, "model")[1].find_element(By.TAG_NAME, "button").click()
    models, _ = column(browser, "model")
    assert models == sorted(models, key=lambda name: (int(name[3:].partition("_")[0]), name)) and models[-1] == "max10_seed2"
    assert column(browser, "operations")[1].get_attribute("aria-sort") is None


def test_it_follows_the_readers_colours_and_keeps_figures_on_white(browser, pages):
    backgrounds = {}
    for scheme in ("light", "dark"):
        show(browser, pages[MODEL], LAPTOP, scheme)
        style = "return getComputedStyle(document.querySelector(arguments[0])).backgroundColor"
        backgrounds[scheme] = browser.execute_script(style, "body")
        assert browser.execute_script(style, ".card") == "rgb(255, 255, 255)"
    light, dark = (sum(map(int, colour[4:-1].split(","))) for colour in (backgrounds["light"], backgrounds["dark"]))
    assert light > 700 and dark < 150


def test_without_scripts_everything_is_there(browser, pages):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(browser, pages[MODEL], PHONE)
        table = browser.find_element(By.CSS_SELECTOR, "table.sortable")
        assert table.find_elements(By.TAG_NAME, "button") == []
        assert "strategy" in table.text and "wrong_count" in table.text
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
