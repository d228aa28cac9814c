"""The report: one page that says what is known, how surely, and nothing that a reader's browser could run."""

from __future__ import annotations

import datetime as dt
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from archive_account import Account, archive_at
from archive_account import opens as archived

import impressions_analytics as ia
from impressions_analytics.certificate import fingerprint
from impressions_analytics.report.certificates import Certified, certified, overall
from impressions_analytics.report.headlines import _half_life, headlines
from impressions_analytics.report.inputs import gather
from impressions_analytics.report.last_mailing import last_mailing
from impressions_analytics.report.mailings_table import mailings_table
from impressions_analytics.report.results import compute
from impressions_analytics.report.sections import _decay
from impressions_analytics.sandbox import Sandbox

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table")  # Ibis 12 on DuckDB 2
NASTY = "<b>$x_1$</b><script>alert(1)</script>\" onload='x' \u6f22 " + "W" * 300
AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0",
)
MADE_AT = dt.datetime(2026, 2, 1, 9, 30, tzinfo=dt.UTC)


def opens(rows: int, *, mailings: int = 2, useragent: str | None = None) -> pd.DataFrame:
    """Impressions of which number n is of destination n // 2, an hour and some later than the one before."""
    number = np.arange(rows)
    destination = number // 2
    agents = pd.Categorical.from_codes(number % len(AGENTS), list(AGENTS))
    seconds = destination // 20 * 3600 + number % 2 * 1000 if rows < 10**6 else number * 5
    return pd.DataFrame({
        "ID": number + 1,
        "mailing": 401 + destination % mailings,
        "timestamp": np.datetime64("2026-01-05T09:00:00", "us") + seconds.astype("timedelta64[s]"),
        "ip": pd.Series("192.0.2.1", index=range(rows), dtype="str"),
        "useragent": agents if useragent is None else pd.Categorical([useragent] * rows),
        "device": pd.Categorical([None] * rows, categories=["desktop"]),
        "destination": 1000 + destination,
        "profile": pd.array(13_000 + destination % 97, dtype="Int64"),
        "subprofile": pd.array([None] * rows, dtype="Int64"),
    })  # fmt: skip


def events(impressions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Deliveries and destinations of every destination with an impression, and a click of every tenth."""
    firsts = impressions.groupby("destination", as_index=False).agg(
        mailing=("mailing", "first"), at=("timestamp", "min")
    )
    keys = firsts[["mailing", "destination"]]
    sent = firsts.rename(columns={"destination": "ID"}).assign(timestampsent=firsts["at"].min())
    return {
        "deliveries": keys,
        "clicks": keys[::10].assign(useragent=AGENTS[0]),
        "destinations": sent[["ID", "mailing", "timestampsent"]],
    }


DATA = opens(60)
DATA.attrs["load"] = {"verdict": "complete", "rows": 60, "zone": "Europe/Amsterdam", "loaded_at": "2026-02-01T09:00"}


class Page(HTMLParser):
    """What a page holds: tags, attributes and text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.bytes = path.read_bytes()
        self.feed(self.bytes.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def written(tmp_path: Path, data: Any, **more: Any) -> Page:
    return Page(ia.write_report(data, tmp_path / "report.html", made_at=MADE_AT, **more))


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """A page with everything, from a small archive's worth of every kind."""
    return written(tmp_path_factory.mktemp("report"), DATA, **events(DATA))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """A page of impressions alone, 4 of the 5 of a load; their weeks begin on 2026-01-05 and 2026-06-22."""
    times = pd.to_datetime(["2026-01-07", "2026-02-03", "2026-05-01", "2026-06-25 18:30"], format="ISO8601")
    data = opens(4).assign(timestamp=times)
    data.attrs["load"] = {"kind": "impressions", "verdict": "complete", "rows": 5, "ids": None}
    return written(tmp_path_factory.mktemp("report"), data)


def figures(data: Any, **given: Any) -> dict[str, tuple[str, str]]:
    """The main figures and their meaning, without drawing anything."""
    return {line.label: (line.value, line.meaning) for line in headlines(compute(gather(data, given)))}


def verdict(data: Any, **given: Any) -> tuple[str, list[Certified]]:
    certificates = certified(gather(data, given))
    return overall(certificates), certificates


def test_the_page_says_the_figures_with_their_meaning(full: Page) -> None:
    page = full  # 30 destinations; the kinds go round person, proxy, prefetch; 2 mailings; 3 destinations clicked
    assert "Impressions 60 downloads of the images" in page.text
    assert "Unique opens 30 messages with at least one impression" in page.text
    assert "Taken for a person's 33.3% to 66.7% of the impressions" in page.text
    assert "of a further 33.3% nobody can tell" in page.text  # the prefetch
    assert "Taken for a person's: 20 to 40 of 60 impressions" in page.text
    assert "kind impressions share of impressions messages opened meaning" in page.text
    assert "Open rate 100.0% of the delivered messages" in page.text
    assert "Click-through rate 10.0%" in page.text
    assert "Made 2026-02-01 09:30 UTC" in page.text


def test_the_open_rate_is_a_range_where_machines_hide_it() -> None:
    data = opens(20)
    data["useragent"] = pd.Categorical([AGENTS[0]] * 10 + ["Mozilla/5.0"] * 10)  # 5 of 10 opened by machines only
    given = events(data)
    unopened = given["deliveries"].assign(destination=given["deliveries"]["destination"] + 10**6)
    given["deliveries"] = pd.concat([given["deliveries"], unopened], ignore_index=True)
    shown = figures(data, **given)
    value, meaning = shown["Open rate"]
    assert value == "25.0% to 50.0%"
    assert "estimate" not in meaning  # it rests on an assumption that no data can bear out
    assert shown["Machine-only opens"][0] == "50.0%"


@pytest.mark.slow
def test_the_period_ends_with_the_last_impression_and_not_with_the_beginning_of_its_week(alone: Page) -> None:
    assert "2026-01-07 to 2026-06-25, wall clock" in alone.text
    assert "from 2026-01-07 to 2026-06-25 18:30, by the week" in alone.text


@pytest.mark.slow
def test_the_page_runs_its_own_script_only_and_asks_for_nothing(tmp_path: Path) -> None:
    data = opens(30, useragent=NASTY)
    names = pd.DataFrame({"ID": [401, 402], "subject": [NASTY, "plain"]})
    page = written(tmp_path, data, title=NASTY, emailings=names, **events(data))
    assert not {"b", "img", "iframe", "object", "form", "base"} & set(page.tags)
    assert page.tags.count("script") == 1
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "style"]
    addresses = [value for name, value in page.attributes if name in {"href", "src", "xlink:href"}]
    assert {(value or "")[:1] for value in addresses} <= {"#", "d"}
    assert NASTY[:10] in page.text
    policy = next(value for name, value in page.attributes if value and value.startswith("default-src"))
    assert re.fullmatch(r"default-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+'; img-src .*", policy)
    assert "unsafe" not in policy


def test_no_two_elements_share_an_id_and_every_reference_has_its_own(full: Page) -> None:
    ids = [value for name, value in full.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    values = [value or "" for name, value in full.attributes if name in {"href", "clip-path", "fill"}]
    referred = {match for value in values for match in re.findall(r"#([\w.-]+-[\w.-]+)", value)}
    assert referred
    assert referred <= set(ids)


def test_every_picture_is_there_for_wide_and_narrow_screens_and_in_words(full: Page) -> None:
    assert full.tags.count("figure") == 6  # no opens of a whole week are known, so nothing is drawn of how they add up
    assert full.tags.count("svg") == 12 + 2  # and the bars of the two mailings
    assert all(value for name, value in full.attributes if name == "aria-label")
    assert full.tags.count("table") >= 7


def test_no_profile_is_named(full: Page) -> None:
    profiles = {str(number) for number in opens(60)["profile"]}
    assert not profiles & set(re.findall(r"\d+", full.text.replace(",", "")))


def test_no_impressions_make_a_page_that_says_so(tmp_path: Path) -> None:
    data = opens(4)
    page = written(tmp_path, data.iloc[:0], **{kind: frame.iloc[:0] for kind, frame in events(data).items()})
    assert "No impressions" in page.text
    assert "Taken for a person's no data" in page.text


@pytest.mark.slow
def test_without_other_kinds_the_page_says_what_they_would_add(alone: Page) -> None:
    assert "deliveries: not given; they would add open rates" in alone.text
    assert "Open rate " not in alone.text
    assert "Half-life" not in alone.text


def test_the_verdict_of_the_load_stands_at_the_top(full: Page) -> None:
    assert "Data: unknown" in full.text  # no deliveries, clicks and destinations of this page have a certificate
    assert "impressions (60 rows, loaded 2026-02-01)" in full.text
    assert full.text.index("Data: ") < full.text.index("Unique opens")
    assert "Europe/Amsterdam" in full.text


@pytest.mark.parametrize("grade", ["complete", "unproven", "contradicted"])
def test_the_verdict_is_the_certificates(grade: str) -> None:
    data = opens(4)
    data.attrs["load"] = {"verdict": grade, "rows": 4}
    assert verdict(data)[0] == grade


def test_without_a_certificate_nobody_can_tell() -> None:
    assert verdict(opens(4))[0] == "unknown"


def test_the_weakest_input_gives_the_verdict() -> None:
    data = opens(4)
    data.attrs["load"] = {"verdict": "complete", "rows": 4}
    deliveries = events(data)["deliveries"]
    deliveries.attrs["load"] = {"verdict": "unproven", "rows": 2, "gaps": [("2026-01-01", "2026-01-02")]}
    worst, certificates = verdict(data, deliveries=deliveries)
    assert worst == "unproven"
    assert certificates[1].why == "not loaded: 2026-01-01 to 2026-01-02"


def test_a_snapshot_gives_the_same_figures_as_its_frame(tmp_path: Path) -> None:
    data = opens(40)
    data.attrs["load"] = {"verdict": "complete", "rows": 40, "zone": "Europe/Amsterdam"}
    snapshot = ia.write_snapshot(data, tmp_path / "opens.parquet")
    assert figures(snapshot) == figures(data)
    assert verdict(snapshot)[0] == "complete"


@pytest.mark.slow
def test_an_archive_gives_every_kind_that_it_has_and_its_folder_the_same(tmp_path: Path) -> None:
    account = Account()
    account.add("impressions", archived(30, every="1min"))
    archive = archive_at(tmp_path / "archive")
    archive.sync(account)
    for data in (archive, tmp_path / "archive", str(tmp_path / "archive")):
        inputs = gather(data, {})
        assert figures(data)["Impressions"][0] == "30"
        assert set(inputs.sources) == {"impressions"}
        assert inputs.zone == "UTC" or data is not archive


def test_what_is_too_large_for_the_memory_is_left_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = opens(40)
    data.attrs["load"] = {"verdict": "complete", "rows": 40}
    snapshot = ia.write_snapshot(data, tmp_path / "opens.parquet")
    whole = figures(snapshot)
    monkeypatch.setattr("impressions_analytics.report.inputs.MOST_ROWS_IN_MEMORY", 10)
    assert gather(snapshot, {}).get("impressions") == snapshot
    assert figures(snapshot) == whole
    assert verdict(snapshot)[0] == "complete"


def test_parquet_of_another_program_is_welcome_and_proves_nothing(tmp_path: Path) -> None:
    opens(40).to_parquet(tmp_path / "foreign.parquet")
    assert figures(tmp_path / "foreign.parquet")["Impressions"][0] == "40"
    assert verdict(tmp_path / "foreign.parquet")[0] == "unknown"


def test_the_decay_of_a_mailing_gives_its_half_life() -> None:
    data = opens(40)  # 20 destinations in the first hour; the other kinds were sent when the first was opened
    data.loc[39, "timestamp"] += pd.Timedelta(days=8)  # a second impression: the week is over, the first opens stay
    value, meaning = figures(data, **events(data))["Half-life of opens"]
    assert value == "0 minutes"
    assert "the median of 2 mailings" in meaning


@pytest.mark.slow
def test_a_mailing_is_left_out_only_while_its_first_week_is_not_known() -> None:
    data = opens(40)
    given = events(data)
    late = given["destinations"]["mailing"] == 402
    given["destinations"].loc[late, "timestampsent"] += pd.Timedelta(days=3)
    data.attrs["load"] = {"verdict": "complete", "rows": 40, "end": "2026-01-13 00:00:00"}
    inputs = gather(data, given)
    assert "whole week that is known: 1 mailing." in _decay(compute(inputs), inputs).says
    assert compute(gather(data, given)).decay["mature"].tolist().count(False) > 0
    data.attrs["load"]["end"] = "2026-05-01 00:00:00"
    assert compute(gather(data, given)).decay["mature"].all()


@pytest.mark.slow
def test_the_same_data_gives_the_same_bytes(full: Page, tmp_path: Path) -> None:
    assert written(tmp_path, DATA, **events(DATA)).bytes == full.bytes


def test_a_place_that_cannot_be_written_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "page").write_text("a file")
    with pytest.raises(ia.InvalidArgumentError, match="page is a file, not a folder"):
        ia.write_report(opens(2), tmp_path / "page" / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["page"]


def test_data_that_is_no_impressions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ia.MissingColumnError):
        ia.write_report(pd.DataFrame({"a": [1]}), tmp_path / "report.html")


def ten_and_a_last(**problems: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Ten mailings of which 4 of 10 delivered messages were opened, and a last one with 2 of 10, a week apart."""
    rows = [(401 + week, 10 * week + n, n < (2 if week == 10 else 4)) for week in range(11) for n in range(10)]
    sent = pd.DataFrame(rows, columns=["mailing", "ID", "opened"])
    sent["timestampsent"] = pd.Timestamp("2026-01-05 09:00") + pd.to_timedelta((sent["mailing"] - 401) * 7, unit="D")
    opened = sent[sent["opened"]].assign(destination=lambda rows: rows["ID"], useragent=AGENTS[0], profile=1)
    opened["timestamp"] = (opened["timestampsent"] + pd.Timedelta(hours=1)).astype("datetime64[us]")
    sent["timestampsent"] = sent["timestampsent"].astype("datetime64[us]")
    names = pd.DataFrame({"ID": range(401, 412), "subject": ["The same news"] * 11})
    deliveries = sent.rename(columns={"ID": "destination"})[["mailing", "destination"]]
    given = {"deliveries": deliveries, "destinations": sent[["ID", "mailing", "timestampsent"]], "emailings": names}
    return {
        "impressions": opened[["ID", "mailing", "timestamp", "useragent", "destination", "profile"]],
        **given,
        **problems,
    }


def test_the_first_screen_tells_how_the_last_mailing_did_against_the_ten_before(tmp_path: Path) -> None:
    bounced = pd.DataFrame({"mailing": [411] * 4, "destination": [107, 107, 108, 109]})  # twice the same message
    given = ten_and_a_last(errors=bounced, abuses=bounced.iloc[:0])
    given["deliveries"] = given["deliveries"][~given["deliveries"]["destination"].isin([107, 108])]
    text = written(tmp_path, given.pop("impressions"), **given).text
    first = text[text.index("Last mailing") : text.index("Each mailing")]
    assert "Last mailing: The same news Mailing 411, sent Monday 16 March 2026, 09:00" in first
    assert "Delivered 8 of 10 messages sent usually 10" in first
    assert "Opened 25.0% 2 messages, the lower share leaves machines out usually 40.0%; about the same" in first
    assert "Bounced 20.0% 2 messages, of the sent messages, with an error, but delivered: 1 usually 0%; higher" in first
    assert "Complained 0% 0 messages usually 0%; about the same" in first
    assert "Unsubscribed" not in first  # not given, which is not none
    assert "Opens still come in" in first


def test_mailings_of_one_subject_stay_apart_and_the_newest_stands_first() -> None:
    given = ten_and_a_last()
    outcomes = compute(gather(given.pop("impressions"), given)).outcomes  # type: ignore[arg-type]
    assert [row[1] for row in mailings_table(outcomes).rows] == [str(number) for number in range(411, 400, -1)]
    assert mailings_table(outcomes, most=2).caption.endswith("The newest 2 of 11.")


@pytest.mark.slow
def test_some_rows_of_a_complete_load_are_called_a_part_of_it(tmp_path: Path, alone: Page) -> None:
    whole = opens(60)
    whole.attrs["load"] = {
        "kind": "impressions", "verdict": "complete", "rows": 60, "ids": fingerprint(whole["ID"].to_numpy()),
    }  # fmt: skip
    assert verdict(whole.sample(frac=1.0, random_state=3))[0] == "complete"
    some = whole[whole["ID"] <= whole["ID"].iloc[16]]
    grade, [impressions] = verdict(some)
    assert (grade, impressions.got) == ("part", "17 of 60 rows")
    assert "Data: part of a load" in alone.text
    ia.write_snapshot(some, tmp_path / "some.parquet", kind="impressions")
    assert ia.read_snapshot(tmp_path / "some.parquet").attrs["load"]["verdict"] == "part"
    others = whole.assign(ID=whole["ID"] + 1)
    assert verdict(others)[0] == "unknown" and verdict(pd.concat([whole, whole]))[0] == "unknown"


@pytest.mark.slow
def test_a_report_of_one_mailing_holds_it_against_the_ten_before_and_shows_it_alone(tmp_path: Path) -> None:
    given = ten_and_a_last()
    text = written(tmp_path, given.pop("impressions"), emailing=411, **given).text
    assert "Opened 20.0% 2 messages, the lower share leaves machines out usually 40.0%; about the same" in text
    assert "Impressions 2 downloads" in text
    assert "1 mailing." in text


@pytest.mark.slow
def test_a_report_of_a_period_shows_the_mailings_that_were_sent_in_it(tmp_path: Path) -> None:
    given = ten_and_a_last()  # mailing 401 was sent on Monday 5 January, and one each week after it
    impressions = given.pop("impressions")
    page = written(tmp_path, impressions, begin="2026-01-12", end="2026-01-26", **given)
    table = page.text[page.text.index("Each mailing, the newest first") : page.text.rindex("Opens over time")]
    assert re.findall(r"\b4\d\d\b", table) == ["403", "402"]
    with pytest.raises(ia.InvalidArgumentError, match="there is no mailing 999 in the data; it has 11, the newest"):
        ia.write_report(impressions, tmp_path / "none.html", emailing=[401, 999], **given)
    with pytest.raises(ia.InvalidArgumentError, match="no mailing was sent from 2027-01-01 to now; the last one was"):
        ia.write_report(impressions, tmp_path / "none.html", begin="2027-01-01", **given)
    assert not (tmp_path / "none.html").exists()


@pytest.mark.slow
def test_bounces_unsubscribes_and_complaints_have_their_part(tmp_path: Path) -> None:
    bounced = pd.DataFrame({"mailing": [411, 411, 410], "destination": [100, 101, 90]})
    bounced = bounced.assign(
        status=["5.1.1", "5.1.1", "5.2.2"], errorcode=["550", "550", "552"], description=["no such user"] * 2 + ["full"]
    )
    retried = pd.DataFrame({"mailing": [410], "destination": [91], "description": ["try later"]})
    unsubscribed = pd.DataFrame({"mailing": [410], "destination": [92]})
    given = ten_and_a_last(errors=pd.concat([bounced, retried]), unsubscribes=unsubscribed)
    given["deliveries"] = given["deliveries"][~given["deliveries"]["destination"].isin([100, 101, 90])]
    text = written(tmp_path, given.pop("impressions"), **given).text
    part = text[text.rindex("Bounces, unsubscribes, complaints") :]
    assert "Bounced: 3 of 110 messages sent (2.7%). Unsubscribed: 1 of 107 messages delivered (0.93%)." in part
    assert "With an error, but delivered: 1 message." in part
    assert "mailing messages share sent 411 The same news 2 20.0% 2026-03-16 09:00 410 The same news 1 10.0%" in part
    reasons = "what the mail server said status code messages no such user 5.1.1 550 2 full 5.2.2 552 1"
    assert reasons in part and "try later" not in part
    assert "Complained" not in part[: part.index("People and machines")]


@pytest.mark.slow
def test_an_archive_that_keeps_log_files_tells_providers_and_countries(tmp_path: Path, reach: Any) -> None:
    with Sandbox(impressions=1_500, emailings=2, seed=1, first_day="2026-06-01") as box:
        archive = ia.Archive(tmp_path / "mail")
        kinds = ("impressions", "deliveries", "errors", "destinations")
        archive.sync(reach(box, version=3), kinds=kinds, begin="2026-06-01", logs=True)
    page = written(tmp_path, archive)
    assert "By the log files since 2026-06-01. The most were delivered at " in page.text
    assert "of the opens by persons: where the address that opened is." in page.text
    assert "Providers of the recipients" not in written(tmp_path, archive, emailing=402).text


def test_the_half_life_says_within_which_hours_the_middle_mailings_lie() -> None:
    [line] = _half_life(pd.Series([float(hours) for hours in range(2, 13)]))  # eleven mailings: the tenth and ninetieth
    assert line.value == "7 hours"
    assert "for the middle 80% of them 3 hours to 11 hours" in line.meaning


def test_two_mailings_before_the_last_are_too_few_to_compare() -> None:
    given = {kind: rows[rows["mailing"] >= 409] for kind, rows in ten_and_a_last().items() if kind != "emailings"}
    inputs = gather(given.pop("impressions"), given)
    last = last_mailing(compute(inputs), inputs)
    assert [line.usual for line in last.measures if line.label == "Opened"] == [
        "too few mailings before it to compare: 2"
    ]
