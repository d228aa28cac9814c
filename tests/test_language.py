"""A report in Dutch: every sentence of it, with the numbers as the Dutch write them."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
import pytest

import impressions_analytics as ia
from impressions_analytics.analytics.findings import in_words
from impressions_analytics.analytics.judged_mailings import MEASURES
from impressions_analytics.charts.language import phrase, speaking, translated, word, written

PACKAGE = Path(ia.__file__).parent
TEMPLATE = (PACKAGE / "report" / "page.html.j2").read_text(encoding="utf-8")
TABLE = tomllib.loads((PACKAGE / "charts" / "language_nl.toml").read_text(encoding="utf-8"))
DUTCH = {english: dutch for part in TABLE.values() for english, dutch in part.items()}
FIELD = re.compile(r"\{(\w+)(:[^}]*)?\}")
NO_DUTCH = re.compile(
    r"\b(the|with|messages?|and|share|from|to|opened|sent|rate|hours|by|for|no|not|known|until|unknown|person|"
    r"first|last|deliveries|clicks|impressions?|destinations?|than|usual|never|loaded|these|clicked|so|far)\b",
    re.IGNORECASE,
)
OURS = (
    "Click-to-open",
    "click-to-open",
    "`impressions sync`",
    "user unknown",
    "mailbox full",
    "no such recipient here",
    'message "refused" by policy',
    "News from Example Shop",
    "Only this week: 20% off",
    "Your order",
    "Café ☕ opening / Eröffnung",
    "G. Shafer and V.",
)


def chosen_from(argument: ast.expr) -> Iterator[str]:
    """The texts that an argument may be: itself, or either side of a condition."""
    if isinstance(argument, ast.Constant):
        yield argument.value
    if isinstance(argument, ast.IfExp):
        yield from (*chosen_from(argument.body), *chosen_from(argument.orelse))


def constants() -> tuple[set[str], set[str]]:
    """Every text and name of an argument in the code, and the texts that `phrase` and `word` are called with."""
    texts, asked = set(), set(re.findall(r'(?:phrase|word)\("([^"]+)"', TEMPLATE))
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            if isinstance(node, ast.keyword) and node.arg:
                texts.add(node.arg)
            called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            if called in {"phrase", "word"}:
                asked |= set(chosen_from(node.args[0]))
    return texts, asked


def test_every_phrase_of_the_code_and_the_page_has_a_dutch_one() -> None:
    assert constants()[1] - set(DUTCH) == set()


def test_a_dutch_phrase_has_the_fields_of_the_english_one_and_stands_in_the_table_once() -> None:
    assert sum(map(len, TABLE.values())) == len(DUTCH)
    assert [one for one, dutch in DUTCH.items() if sorted(FIELD.findall(one)) != sorted(FIELD.findall(dutch))] == []


def test_no_dutch_phrase_is_left_over() -> None:
    texts = constants()[0]
    known = texts | {text.replace("_", " ") for text in texts} | {f"{text}s" for text in texts}
    known |= {f"{text}: {end}" for text in ("never synced",) for end in ("the beginning",)}
    days = pd.date_range("2026-01-01", periods=366)
    known |= {*days.day_name(), *days.month_name(), *(day.strftime("%b") for day in days), "True", "False"}
    said = {key for part, phrases in TABLE.items() if part != "said" for key in phrases}
    assert {key for key in said - known if key not in TEMPLATE} == set()


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_every_finding_is_told_in_dutch(measure: Any) -> None:
    fields = {"cohort": "Gmail", "mailing": 412, "observed": "1,200", "total": 6000, "expected": "1,800"}
    row = {
        "sent_at": pd.Timestamp("2026-06-01"), "since": pd.Timestamp("2026-05-25"), "probability": 1e-7,
        "what": measure.what.format(**fields), "could_also_be": measure.could_also_be,
        "rows": measure.rows.format(**fields),
    }  # fmt: skip
    with speaking("nl"):
        told = translated(in_words(row))
    assert NO_DUTCH.findall(told) == [] and "1.200" in told and "1.800" in told


@pytest.mark.parametrize(
    ("english", "dutch"),
    [
        ("deliveries, clicks: known until 2026-05-31", "afleveringen, kliks: bekend tot 2026-05-31"),
        ("deliveries: not loaded for it; clicks: known from 2026-01-01",
         "afleveringen: hiervoor niet geladen; kliks: bekend vanaf 2026-01-01"),
        ("Final: 1,234 of 5,678 delivered (21.7%).", "Definitief: 1.234 van 5.678 afgeleverd (21,7%)."),
        ("1,100 so far; 1,200 expected, 1,150 to 1,300 at 90% (20.1% to 22.9% of 5,678 delivered), by 14 comparable "
         "mailings. On 12 past mailings it held 92% of the time.",
         "1.100 tot nu toe; 1.200 verwacht, 1.150 tot 1.300 met 90% zekerheid (20,1% tot 22,9% van 5.678 afgeleverd), "
         "volgens 14 vergelijkbare mailings. Bij 12 eerdere mailings klopte dat in 92% van de gevallen."),
        ("2026-06-28 no impression at all from 2026-06-28 00:00 to 2026-06-29 10:00, 41 expected",
         "2026-06-28: geen enkele impressie van 2026-06-28 00:00 tot 2026-06-29 10:00, 41 verwacht"),
        ("every row that the API counts is here, once", "elke rij die de API telt, is hier precies één keer"),
        ("the archive has no destinations and no deliveries: sync all kinds, as in impressions sync FOLDER --kind all",
         "het archief heeft geen bestemmingen en geen afleveringen: sync alle soorten, zoals met impressions sync "
         "FOLDER --kind all"),
        ("nothing is known from 2026-01-01 00:00:00 to 2026-03-01 00:00:00",
         "er is niets bekend van 2026-01-01 00:00:00 tot 2026-03-01 00:00:00"),
        ("2026-06-01 May recipients opened far less of mailing 412 than usual: 0 of 1,200, 300 expected",
         "2026-06-01: ontvangers met May openden veel minder van mailing 412 dan gebruikelijk: 0 van 1.200, "
         "300 verwacht"),
        ("Forecast", "Forecast"),  # a name of somebody else's that is also a word of charts
        ("what nobody has translated, 1,234 {of} it", "what nobody has translated, 1,234 {of} it"),
    ],
)  # fmt: skip
def test_what_analyses_and_certificates_say_is_translated_and_the_rest_stays(english: str, dutch: str) -> None:
    with speaking("nl"):
        assert translated(english) == dutch
    assert translated(english) == english


def test_numbers_are_written_as_the_dutch_do_and_only_inside() -> None:
    with speaking("nl"):
        assert (written(1234567.5, ",.1f"), written(0.317, ".1%"), phrase("{low} to {high}", low=1, high=2.5)) == (
            "1.234.567,5", "31,7%", "1 tot 2,5",
        )  # fmt: skip
    with pytest.raises(RuntimeError), speaking("nl"):
        raise RuntimeError
    assert (written(1234.5, ",.1f"), word("delivery")) == ("1,234.5", "delivery")


class Texts(HTMLParser):
    """What a reader sees, hears or is told by a page."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.hidden = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden = tag in {"style", "script"}
        self.said += [value or "" for name, value in attrs if name in {"data-tip", "aria-label", "data-filter"}]

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.said.append(data)


def texts_of(page: str) -> list[str]:
    parser = Texts()
    parser.feed(page)
    return [text for text in map(str.strip, parser.said) if text]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> ia.Archive:
    archive = ia.Archive(tmp_path_factory.mktemp("dutch"))
    with ia.sandbox.Sandbox(impressions=8_000, seed=1) as box:
        kinds = ("impressions", "destinations", "deliveries", "clicks", "errors", "abuses", "unsubscribes", "emailings")
        archive.sync(ia.Copernica(box.access_token, url=box.url), kinds=kinds, logs=True)
    return archive


def test_a_dutch_report_has_no_english_left_with_all_kinds_and_with_impressions_alone(
    archive: ia.Archive, tmp_path: Path
) -> None:
    opens = archive.read("impressions")
    deliveries = archive.read("deliveries", end="2026-02-01")
    for number, given in enumerate(({"data": archive}, {"data": opens}, {"data": opens, "deliveries": deliveries})):
        page = Path(ia.write_report(path=tmp_path / f"{number}.html", language="nl", **given)).read_text("utf-8")
        assert '<html lang="nl">' in page and "E-mailimpressies</h1>" in page
        for text in texts_of(page):
            rest = re.sub("|".join(map(re.escape, OURS)), "", text)
            assert NO_DUTCH.findall(rest) == [], text


def test_the_english_report_is_the_same_before_and_after_a_dutch_one(archive: ia.Archive, tmp_path: Path) -> None:
    made_at = pd.Timestamp("2026-11-24 09:00").to_pydatetime()
    pages = [
        Path(ia.write_report(archive, tmp_path / "report.html", language=language, made_at=made_at)).read_bytes()
        for language in ("en", "nl", "en")
    ]
    assert pages[0] == pages[2] != pages[1]


def test_a_language_without_a_table_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(ia.InvalidArgumentError, match="language must be 'en' or 'nl', got 'de'"):
        ia.write_report("nowhere", tmp_path / "report.html", language="de")  # type: ignore[arg-type]


def test_what_others_named_stays_as_it_is_though_the_table_has_the_word(tmp_path: Path) -> None:
    opens = ia.read_snapshot(Path(__file__).parent.parent / "data" / "sample" / "impressions.parquet")
    opens["useragent"] = pd.Categorical(["May/1.0"] * 150 + ["Forecast/2.0"] * (len(opens) - 150))
    opens.attrs["load"] |= {"verdict": "part", "rows_of_load": None, "why": "{May}"}
    names = pd.DataFrame({"ID": opens["mailing"].unique(), "subject": ["May", "{Open rate}", "unknown"]})
    page = Path(ia.write_report(opens, tmp_path / "report.html", emailings=names, language="nl")).read_text("utf-8")
    assert {"May", "Forecast", "{Open rate}"} <= set(texts_of(page)) and "Laatste mailing: unknown" in page
    assert not {"Voorspelling", "{Openpercentage}"} & set(texts_of(page))


def test_two_languages_at_once_do_not_mix_and_the_settings_of_charts_stay(tmp_path: Path) -> None:
    opens = ia.read_snapshot(Path(__file__).parent.parent / "data" / "sample" / "impressions.parquet")
    made_at = pd.Timestamp("2026-11-24 09:00").to_pydatetime()

    def page(number: int) -> bytes:
        file, language = tmp_path / f"{number}.html", ("en", "nl")[number % 2]
        return Path(ia.write_report(opens, file, language=language, made_at=made_at)).read_bytes()

    before, alone = dict(matplotlib.rcParams), [page(0), page(1)]
    with ThreadPoolExecutor(2) as workers:
        assert list(workers.map(page, range(4))) == alone * 2
    assert dict(matplotlib.rcParams) == before
