"""What the figures of the first screen and of the part on troubles count, of whom, and when they say nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from test_report import ten_and_a_last, written

import impressions_analytics as ia
from impressions_analytics.charts.over_time import plot_impressions_over_time
from impressions_analytics.report.inputs import Inputs, gather, usable
from impressions_analytics.report.last_mailing import _Share, _usual, last_mailing
from impressions_analytics.report.results import Results, compute
from impressions_analytics.sandbox import Sandbox


def computed(**given: Any) -> tuple[Inputs, Results]:
    inputs = gather(given.pop("impressions"), given)
    return inputs, compute(inputs)


def troubled(**changes: Any) -> dict[str, pd.DataFrame]:
    """Mailing 411 with 10 messages: 107 failed, 108 failed and was delivered, 999 was never sent and failed too.

    Of 411, 105 was delivered and unsubscribed; 107 was not delivered, and unsubscribed all the same.
    """
    errors = pd.DataFrame({"mailing": [411] * 3, "destination": [107, 108, 999]})
    unsubscribes = pd.DataFrame({"mailing": [411] * 2, "destination": [105, 107]})
    given = ten_and_a_last(errors=errors, unsubscribes=unsubscribes)
    given["deliveries"] = given["deliveries"][given["deliveries"]["destination"] != 107]
    return given | changes


def test_a_trouble_is_a_share_of_the_messages_that_can_have_it() -> None:
    last = computed(**troubled())[1].outcomes.iloc[-1]
    assert (last["sent"], last["delivered"]) == (10, 9)
    assert (last["bounced_messages"], last["bounced"], last["retried_messages"]) == (2, 0.1, 1)
    assert (last["unsubscribed_messages"], last["unsubscribed"]) == (2, pytest.approx(1 / 9))


def test_a_bounce_is_not_known_where_deliveries_are_not() -> None:
    given = troubled()
    load = {"verdict": "complete", "begin": "2026-01-01 00:00:00", "rows": len(given["deliveries"])}
    given["deliveries"].attrs["load"] = load | {"end": "2026-03-10 00:00:00", "kind": "deliveries"}
    for kind in ("impressions", "errors", "destinations", "unsubscribes"):
        whole = load | {"end": "2026-04-30 00:00:00", "kind": kind, "rows": len(given[kind])}
        given[kind].attrs["load"] = whole
    inputs, results = computed(**given)
    outcomes = results.outcomes
    assert outcomes["bounced"].isna().tolist() == [False] * 9 + [True] * 2
    assert outcomes["unsubscribed"].isna().tolist() == [False] * 9 + [True] * 2
    first = last_mailing(results, inputs)
    assert first is not None
    bounced = next(measure for measure in first.measures if measure.label == "Bounced")
    assert bounced.usual == "no share: deliveries: known until 2026-03-10"
    text = written_text(given)
    assert "Bounced: 0 of 90 messages sent (0%). This is known for 9 of 11 mailings only." in text


def written_text(given: dict[str, Any]) -> str:
    import tempfile

    given = dict(given)
    return written(Path(tempfile.mkdtemp()), given.pop("impressions"), **given).text


def usual(last: pd.Series, before: pd.DataFrame, low: str, high: str | None = None) -> str:
    return _usual(last, before, _Share("Clicked", low, high or low, "messages", "delivered"))


BEFORE = pd.DataFrame({"clicked": [0.5] * 10, "delivered": [1_000] * 10, "sent": [10] * 10})


@pytest.mark.parametrize(
    ("share", "delivered", "words"),
    [
        (0.60, 100, "about the same"),  # of 100 at a half, 60 or more, or 40 or fewer: 5.7 of 100
        (0.61, 100, "higher than all 10"),  # 3.5 of 100
        (0.39, 100, "lower than all 10"),
        (0.60, 10, "about the same"),
        (0.51, 100_000, "higher than all 10"),
    ],
)
def test_what_chance_makes_is_about_the_same(share: float, delivered: int, words: str) -> None:
    last = pd.Series({"clicked": share, "delivered": delivered, "sent": 10})
    assert usual(last, BEFORE, "clicked") == f"usually 50.0%; {words}"


def test_the_usual_rate_is_that_of_all_mailings_before_together_and_the_side_that_of_their_median() -> None:
    before = pd.DataFrame({"complained": [0.0] * 9 + [0.001], "delivered": [2_000] * 10})
    last = pd.Series({"complained": 0.0005, "delivered": 2_000})  # 1 complaint; 2 of 20,000 before it
    assert usual(last, before, "complained") == "usually 0%; about the same"
    mixed = pd.DataFrame({"clicked": [0.1] * 5 + [0.5] * 5, "delivered": [1_000] * 10})
    low = pd.Series({"clicked": 0.15, "delivered": 1_000})
    assert usual(low, mixed, "clicked") == "usually 30.0%; lower than 5 of 10"


def test_what_equals_the_median_is_about_the_same_though_all_mailings_together_had_more() -> None:
    before = pd.DataFrame({"clicked": [0.1] * 9 + [1.0], "delivered": [100_000] * 10})
    last = pd.Series({"clicked": 0.1, "delivered": 100_000})
    assert usual(last, before, "clicked") == "usually 10.0%; about the same"


def test_without_deliveries_opens_are_held_against_the_sent(tmp_path: Path) -> None:
    given = ten_and_a_last()
    text = written(tmp_path, given["impressions"], destinations=given["destinations"]).text
    assert "Opened 20.0% 2 messages, of the sent messages, machines included usually 40.0%; about the same" in text


def test_a_range_is_the_same_only_if_both_of_its_ends_are() -> None:
    before = pd.DataFrame({"low": [0.2] * 10, "high": [0.3] * 10, "delivered": [1_000] * 10})
    last = pd.Series({"low": 0.2, "high": 0.9, "delivered": 1_000})
    assert usual(last, before, "low", "high") == "usually 20.0% to 30.0%; higher than all 10"


def test_the_newest_mailing_is_the_last_one_and_an_older_one_is_not(tmp_path: Path) -> None:
    given = ten_and_a_last()
    opens = given.pop("impressions")
    assert "Last mailing: The same news" in written(tmp_path, opens, **given).text
    del given["destinations"]
    older = written(tmp_path, opens, emailing=405, **given).text
    assert "Mailing: The same news Mailing 405" in older and "Last mailing" not in older
    assert "Opens still come in" not in older  # what is known of the account goes on for weeks after it


def test_nothing_is_said_of_a_sending_that_nothing_tells(tmp_path: Path) -> None:
    given = ten_and_a_last()
    text = written(tmp_path, given["impressions"]).text
    assert "Mailing 411, first opened Monday 16 March 2026, 10:00." in text
    assert "The data ends 0 hours after the first open." in text and "after sending. Opens" not in text
    assert "This was not looked for: only an archive" in text
    known = written(tmp_path, given["impressions"], destinations=given["destinations"]).text
    assert "Mailing 411, sent Monday 16 March 2026, 09:00." in known and "1 hour after sending" in known


def test_what_is_only_nice_to_have_stops_no_report(tmp_path: Path) -> None:
    errors = pd.DataFrame(
        {"mailing": [411], "destination": [107], "errorcode": [550]}
    )  # a number, where texts are right
    assert usable(errors, "errors", ("description", "errorcode", "mailing")) == ("mailing",)
    given = troubled(errors=errors)
    assert "Why messages bounced" not in written(tmp_path, given["impressions"], **rest(given)).text
    errors.drop(columns="errorcode").to_parquet(tmp_path / "errors.parquet")
    given = troubled(errors=tmp_path / "errors.parquet")
    assert "Bounced: 1 of 10" in written(tmp_path, given["impressions"], emailing=411, **rest(given)).text


def rest(given: dict[str, Any]) -> dict[str, Any]:
    return {kind: data for kind, data in given.items() if kind != "impressions"}


def test_what_a_server_said_is_told_without_what_names_a_recipient(tmp_path: Path) -> None:
    said = ["<jan.de.vries@example.com>: no such user (id 4XyZ77)", "<piet@example.com>: no such user (id 9PqR12)"]
    errors = pd.DataFrame(
        {"mailing": [411] * 3, "destination": [107, 106, 108], "description": [*said, "mailbox full"]}
    )
    given = troubled(errors=errors)
    given["deliveries"] = given["deliveries"][~given["deliveries"]["destination"].isin([106, 107])]
    page = written(tmp_path, given["impressions"], **rest(given))
    assert not {"vries", "piet", "example.com", "4XyZ77"} & set(re.findall(r"[\w.]+", page.text))
    assert "what the mail server said messages <…>: no such user (id …) 2" in page.text
    assert "mailbox full" not in page.text  # it was delivered too


def test_a_program_without_a_name_is_called_after_its_kind_in_the_table_too(tmp_path: Path) -> None:
    opens = ten_and_a_last()["impressions"].copy()
    opens["useragent"] = (
        ["Googlebot/2.1 (+http://www.google.com/bot.html)"] * 2 + ["x"] * 3 + ["Mozilla/5.0"] * (len(opens) - 5)
    )
    text = written(tmp_path, opens).text
    table = text[text.index("program impressions messages opened") :]
    assert re.match(
        r"program impressions messages opened share of opened messages Apple Mail 37 37 \S+ unknown 3 3 \S+ bots 2 2",
        table,
    )


def test_a_publisher_archive_has_a_report_with_the_reasons_of_its_bounces(tmp_path: Path) -> None:
    with Sandbox(impressions=1_500, emailings=3, seed=1) as box:
        archive = ia.Archive(tmp_path / "mail", family="publisher")
        kinds = ("impressions", "deliveries", "errors", "destinations")
        archive.sync(ia.Copernica(box.access_token, url=box.url), kinds=kinds)
    text = written(tmp_path, archive).text
    assert "what the mail server said code messages" in text


def gaps_of(text: str) -> list[tuple[str, str]]:
    return re.findall(r"the deliveries from (\S+ \S+) to (\S+ \S+) were never loaded", text)


@pytest.mark.slow
def test_nothing_is_told_of_a_time_that_is_not_over_and_no_hour_of_a_gap_twice(tmp_path: Path) -> None:
    kinds = ("impressions", "destinations", "deliveries")
    archive = ia.Archive(tmp_path / "mail")
    day = pd.Timedelta(days=1)
    with Sandbox(emailings=24, impressions=6_000, seed=4) as box:
        api = ia.Copernica(box.access_token, url=box.url)
        sent = ia.load_destinations(api).groupby("mailing")["timestampsent"].min().sort_values()
        older, newest = sent.iloc[19], sent.iloc[20]
        archive.sync(api, kinds=kinds, end=str(older + 2 * day))  # then no deliveries until the next mailing
        archive.sync(api, kinds=kinds, begin=str(newest - day), end=str(newest + day), look_back_days=0)
        archive.sync(api, kinds=kinds[:1], begin=str(older + 2 * day), end=str(newest + 3 * day), look_back_days=0)
        [gap] = gaps_of(written(tmp_path, archive, emailing=int(sent.index[19])).text)
        assert gap == (f"{older + 2 * day:%Y-%m-%d %H:%M}", f"{older + 7 * day:%Y-%m-%d %H:%M}")
        *_, gap = sorted(gaps_of(written(tmp_path, archive, emailing=int(sent.index[20])).text))
        assert gap == (f"{newest + day:%Y-%m-%d %H:%M}", f"{newest + 3 * day:%Y-%m-%d %H:%M}")
        archive.sync(api, kinds=kinds[:1], begin=str(newest + 3 * day), end=str(newest + 9 * day), look_back_days=0)
    *_, first, second = sorted(gaps_of(written(tmp_path, archive).text))
    assert first[1] == second[0] == f"{newest + 7 * day:%Y-%m-%d %H:%M}"


def test_charts_draw_what_they_drew_before_they_told_more() -> None:
    period = pd.date_range("2026-01-01", periods=2, unit="us")
    result = pd.DataFrame({"period": period, "impressions": [5, 6], "destinations": [4, 3], "first_opens": [4, 1]})
    assert plot_impressions_over_time(result).get_ylabel() == "first opens and destinations per day"
    late = pd.DataFrame({"mailing": 412, "hours": [2, 4], "unique_opens": [1, 2], "share_of_opens": [0.5, 1.0]})
    assert len(ia.plot_open_decay(late.assign(half_life_hours=2.0, mature=True)).lines) == 3


def test_the_numbers_of_mailings_are_in_the_picture_and_said_only_then(tmp_path: Path) -> None:
    given = ten_and_a_last()
    page = written(tmp_path, given["impressions"], **rest(given))
    picture = page.bytes.decode()
    picture = picture[picture.index('id="part-1"') : picture.index('id="part-2"')]
    assert len(re.findall(r">41[01]<", picture)) == 4  # two numbers, for a wide and for a narrow screen
    assert "The numbers in the chart are those of mailings" in page.text
