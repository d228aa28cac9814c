"""The report in a real browser: nothing is fetched, nothing complains, nothing runs off a phone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from test_report import NASTY, events, opens

import impressions_analytics as ia

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
DESKTOP = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("needs a Chromium and its driver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update",
        f"--user-data-dir={tmp_path_factory.mktemp('browser')}",
    ):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    running = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield running
    running.quit()


def show(browser: Any, page: Path, screen: dict[str, Any]) -> None:
    browser.get_log("browser"), browser.get_log("performance")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.get(page.as_uri())


def asked_for(browser: Any) -> list[str]:
    entries = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [entry["params"]["request"]["url"] for entry in entries if entry["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith("data:")]


def overflow(browser: Any, screen: dict[str, Any]) -> int:
    """How much wider than the screen the page is; a phone's own inner width would grow with it."""
    return browser.execute_script("return document.documentElement.scrollWidth") - screen["width"]


def bring_into_sight(browser: Any, element: Any) -> None:
    """Scroll to an element, and wait until the browser has told the page that it scrolled."""
    scroll = "arguments[0].scrollIntoView({block: 'center'});"
    wait = "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(arguments[1], 50)))"
    browser.execute_async_script(scroll + wait, element)


@pytest.fixture(scope="module", params=["one", "nasty", "thousands"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = {"one": opens(1), "nasty": opens(50, useragent=NASTY), "thousands": opens(5_000, mailings=1_500)}
    path = tmp_path_factory.mktemp("report") / f"{request.param}.html"
    return ia.write_report(data[request.param], path, title=NASTY, **events(data[request.param]))


@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_the_page_fits_the_screen_and_asks_for_nothing(browser: Any, page: Path, screen: dict[str, Any]) -> None:
    show(browser, page, screen)
    assert overflow(browser, screen) <= 0
    assert asked_for(browser) == [page.as_uri()]
    assert browser.get_log("browser") == []


def test_it_still_fits_a_phone_with_every_table_open(browser: Any, page: Path) -> None:
    show(browser, page, PHONE)
    for details in browser.find_elements("css selector", "details"):
        browser.execute_script("arguments[0].setAttribute('open', '')", details)
    assert overflow(browser, PHONE) <= 0


def test_each_screen_has_its_own_picture(browser: Any, page: Path) -> None:
    for screen, seen in ((PHONE, "narrow"), (DESKTOP, "wide")):
        show(browser, page, screen)
        pictures = browser.find_elements("css selector", "figure svg")
        assert {picture.get_attribute("class") for picture in pictures if picture.is_displayed()} == {seen}


def test_names_from_outside_are_text_and_never_elements(browser: Any, page: Path) -> None:
    show(browser, page, DESKTOP)
    assert browser.title.startswith("<b>")
    assert browser.find_elements("css selector", "main b, main script, main img, h1 b") == []


def test_the_page_follows_dark_colours(browser: Any, page: Path) -> None:
    colours = []
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        show(browser, page, DESKTOP)
        colours.append(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert colours == ["rgb(255, 255, 255)", "rgb(20, 24, 29)"]


@pytest.mark.slow
def test_five_million_impressions_make_a_page_that_fits_too(browser: Any, tmp_path: Path) -> None:
    data = opens(5_000_000, mailings=300)
    page = ia.write_report(data, tmp_path / "report.html", **events(data))
    assert page.stat().st_size < 1_000_000
    show(browser, page, PHONE)
    assert overflow(browser, PHONE) <= 0
    assert browser.get_log("browser") == []
    assert "5,000,000" in browser.find_element("css selector", "main").text


def test_the_printed_page_shows_every_table(browser: Any, page: Path) -> None:
    show(browser, page, DESKTOP)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    tables = browser.find_elements("css selector", "main table")
    shown = [browser.execute_script("return arguments[0].checkVisibility()", table) for table in tables]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert len(shown) >= 7
    assert all(shown)


def test_mailings_are_sorted_by_a_heading_and_filtered_by_text(browser: Any, tmp_path: Path) -> None:
    page = ia.write_report(opens(90, mailings=3), tmp_path / "report.html", **events(opens(90, mailings=3)))
    show(browser, page, DESKTOP)
    rows = "[...document.querySelectorAll('.sortable tbody tr')].filter(row => !row.hidden)"
    numbers = f"return {rows}.map(row => row.cells[1].textContent)"
    button = browser.find_elements("css selector", ".sortable th button")[1]
    button.click()
    assert browser.execute_script(numbers) == ["403", "402", "401"]
    button.send_keys("\ue007")  # the keyboard's Enter
    assert browser.execute_script(numbers) == ["401", "402", "403"]
    browser.find_element("css selector", ".filter input").send_keys("402")
    assert browser.execute_script(numbers) == ["402"]
    assert browser.get_log("browser") == []


def test_a_dutch_page_sorts_its_numbers_as_numbers(browser: Any, tmp_path: Path) -> None:
    mailings = pd.Series([401] * 1_200 + [402] * 90 + [403] * 300)
    deliveries = pd.DataFrame({"mailing": mailings, "destination": 1000 + mailings.index})
    page = ia.write_report(opens(90, mailings=3), tmp_path / "report.html", deliveries=deliveries, language="nl")
    show(browser, page, DESKTOP)
    browser.find_elements("css selector", ".sortable th button")[2].click()
    cells = "return [...document.querySelectorAll('.sortable tbody tr')].map(row => row.cells[2].textContent)"
    assert browser.execute_script(cells) == ["1.200", "300", "90"]
    browser.find_element("css selector", ".filter input").send_keys("402")
    told = browser.find_element("css selector", ".filter")
    assert told.text.split() == ["Filter", "op", "onderwerp,", "nummer", "of", "datum", "1", "van", "3"]
    assert browser.get_log("browser") == []


AXE = (Path(__file__).parent / "vendored" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_breaks_no_rule_of_accessibility(browser: Any, small: Path, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    show(browser, small, DESKTOP)
    browser.execute_script("document.querySelectorAll('details').forEach(part => part.open = true)")
    browser.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE})
    found = browser.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    told = [(rule["id"], [node["html"][:150] for node in rule["nodes"][:3]]) for rule in found["violations"]]
    assert told == []
    assert len(found["passes"]) > 20


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three mailings: 30 impressions of each, of three kinds of open; and everything else that a page can have."""
    data = opens(90, mailings=3)
    given = events(data)
    trouble = dict.fromkeys(("errors", "unsubscribes", "abuses"), given["deliveries"][::7])
    return ia.write_report(data, tmp_path_factory.mktemp("report") / "small.html", **given, **trouble)


def test_a_chart_says_its_figures_where_a_reader_points_or_taps(browser: Any, small: Path) -> None:
    from selenium.webdriver import ActionChains

    show(browser, small, DESKTOP)
    tip = browser.find_element("css selector", "div.tip")
    assert not tip.is_displayed()
    bar = browser.find_element("css selector", "#part-2 svg.wide .tips rect")
    bring_into_sight(browser, bar)
    ActionChains(browser).move_to_element(bar).perform()
    assert (tip.is_displayed(), tip.text) == (True, "mailing 401: opened 100%")
    ActionChains(browser).send_keys("\ue00c").perform()  # Escape
    assert not tip.is_displayed()
    show(browser, small, PHONE)
    bar, tip = (browser.find_element("css selector", found) for found in ("#part-1 svg.narrow .tips rect", "div.tip"))
    bring_into_sight(browser, bar)
    bar.click()
    assert tip.text.startswith("hour 2026-01-05 09:00: person ")
    assert overflow(browser, PHONE) <= 0
    assert browser.get_log("browser") == []


def test_without_a_script_everything_can_be_read(browser: Any, small: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    show(browser, small, DESKTOP)
    text = browser.find_element("css selector", "main").text
    shown = [row.is_displayed() for row in browser.find_elements("css selector", ".sortable tbody tr")]
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert shown == [True] * 3
    assert "Filter" not in text
    assert "90 impressions from 2026-01-05" in text


def test_the_list_of_parts_and_the_headings_of_the_table_stay_in_sight(browser: Any, small: Path) -> None:
    show(browser, small, DESKTOP)
    browser.find_element("css selector", "nav a[href='#part-2']").click()
    top = "return document.querySelector(arguments[0]).getBoundingClientRect().top"
    parts, part = (browser.execute_script(top, found) for found in ("nav", "#part-2"))
    height = browser.execute_script("return document.querySelector('nav').offsetHeight")
    assert parts == 0
    assert height <= part < 200


def test_three_thousand_mailings_stay_under_a_megabyte_and_print_every_row_of_the_table(
    browser: Any, tmp_path: Path
) -> None:
    data = opens(9_000, mailings=3_000)
    page = ia.write_report(data, tmp_path / "report.html", **events(data))
    assert page.stat().st_size < 1_000_000
    show(browser, page, DESKTOP)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    count = "return [...document.querySelectorAll('.sortable tbody tr')].filter(row => row.offsetHeight).length"
    shown = browser.execute_script(count)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert shown == 1_000
    assert "The newest 1,000 of 3,000" in browser.find_element("css selector", ".sortable caption").text
