"""A rate of a mailing is given only where every input that it needs covers the mailing."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import analytics_truth as truth
import pandas as pd
import pytest

import impressions_analytics as ia
from impressions_analytics.report.inputs import gather
from impressions_analytics.report.results import compute

SENT = {402: "2025-12-29 09:00", 411: "2026-02-02 09:00", 412: "2026-06-08 09:00"}
"""Three mailings: before the year, within it, and after the deliveries end."""


def frame(kind: str, begin: str | None, end: str, **more: Any) -> pd.DataFrame:
    """Ten messages per mailing, each opened once an hour after sending, as a load of a period would give them."""
    numbers = range(len(SENT) * 10)
    sent = pd.to_datetime([moment for moment in SENT.values() for _ in range(10)]).as_unit("us")
    time = "timestampsent" if kind == "destinations" else "timestamp"
    late = pd.Timedelta(hours=1) if kind in {"impressions", "clicks"} else pd.Timedelta(seconds=5)
    rows = pd.DataFrame({"ID": numbers, "mailing": [one for one in SENT for _ in range(10)], time: sent + late})
    if kind != "destinations":
        rows["destination"] = numbers
    if kind in {"impressions", "clicks"}:
        rows["useragent"] = truth.OUTLOOK
    rows = rows[(rows[time] >= (begin or "2000-01-01")) & (rows[time] < end)].reset_index(drop=True)
    rows.attrs["load"] = {
        "kind": kind, "begin": begin, "end": f"{pd.Timestamp(end)}", "rows": len(rows), "verdict": "complete", **more,
    }  # fmt: skip
    return rows


def test_deliveries_that_end_in_may_leave_later_mailings_without_a_rate_and_say_so() -> None:
    opens = frame("impressions", "2025-12-01", "2026-07-01")
    deliveries = frame("deliveries", "2025-12-01", "2026-05-31")
    result = ia.mailing_performance(opens, deliveries=deliveries).set_index("mailing")
    assert result["open_rate_high"].dropna().to_dict() == {402: 1.0, 411: 1.0}
    assert result["not_covered"].dropna().to_dict() == {412: "deliveries: known until 2026-05-31"}
    assert result["unique_opens"].tolist() == [10, 10, 10]
    assert result.attrs["covered"] == "over 2 of 3 mailings"
    assert result.attrs["not_proven"] == ""


@pytest.mark.parametrize("destinations", [True, False])
def test_a_mailing_that_was_sent_before_its_inputs_begin_has_no_rate(*, destinations: bool) -> None:
    opens = frame("impressions", "2025-12-01", "2026-07-01")
    deliveries = frame("deliveries", "2026-01-01", "2026-07-01")
    sent = {"destinations": frame("destinations", "2025-12-01", "2026-07-01")} if destinations else {}
    # One straggler of mailing 402 is delivered within the year: without its time of sending it would be all of it.
    late = deliveries.iloc[:1].assign(ID=99, mailing=402, destination=3, timestamp=pd.Timestamp("2026-01-01 02:00"))
    attrs = {**deliveries.attrs["load"], "rows": len(deliveries) + 1}
    deliveries = pd.concat([deliveries, late], ignore_index=True)
    deliveries.attrs["load"] = attrs
    result = ia.mailing_performance(opens, deliveries=deliveries, **sent).set_index("mailing")
    assert result["not_covered"].dropna().to_dict() == {402: "deliveries: known from 2026-01-01"}
    assert result["open_rate_high"].dropna().index.tolist() == [411, 412]


def test_only_the_figures_of_the_missing_input_are_taken_away() -> None:
    inputs = {kind: frame(kind, None, "2026-07-01") for kind in ("destinations", "deliveries")}
    clicks = frame("clicks", None, "2026-06-01")
    result = ia.mailing_performance(frame("impressions", None, "2026-07-01"), **inputs, clicks=clicks)
    last = result.iloc[-1]
    assert last["not_covered"] == "clicks: known until 2026-06-01"
    assert last[["click_to_open_rate", "click_through_rate"]].isna().all()
    assert last[["open_rate_of_sent", "open_rate_low", "open_rate_high"]].tolist() == [1, 1, 1]


def test_inputs_that_were_loaded_one_after_the_other_cover_a_young_mailing() -> None:
    opens = frame("impressions", None, "2026-06-08 12:00")
    for end, lacks in (("2026-06-08 11:10", None), ("2026-06-08 09:30", "deliveries: known until 2026-06-08 09:30")):
        result = ia.mailing_performance(opens, deliveries=frame("deliveries", None, end)).set_index("mailing")
        words = result.loc[412, "not_covered"]
        assert (None if pd.isna(words) else words) == lacks


def test_a_load_of_one_mailing_covers_no_other() -> None:
    deliveries = frame("deliveries", None, "2026-07-01", endpoints=["ms/emailing/411/deliveries"])
    result = ia.mailing_performance(frame("impressions", None, "2026-07-01"), deliveries=deliveries)
    assert result["not_covered"].tolist()[::2] == ["deliveries: loaded for mailing 411 only"] * 2
    assert result["open_rate_high"].notna().tolist() == [False, True, False]


def test_what_comes_without_a_certificate_counts_as_covered_and_the_result_says_that_nobody_proved_it() -> None:
    opens, deliveries = (frame(kind, "2025-12-01", "2026-05-31") for kind in ("impressions", "deliveries"))
    deliveries.attrs.clear()
    result = ia.mailing_performance(opens[opens["mailing"] == 411], deliveries=deliveries)
    assert result.set_index("mailing")["open_rate_high"].dropna().to_dict() == {411: 1.0}
    assert result["not_covered"].iloc[0] == "impressions: the rows are a part of a load, without this mailing"
    assert result.attrs["not_proven"] == (
        "nobody proved which time these inputs cover: impressions (they are a part of a load), "
        "deliveries (no certificate came with them)"
    )


@pytest.mark.parametrize(
    "load",
    [
        {"begin": "yesterday", "end": "2026-02-01"},
        {"begin": "2026-01-01T00:00:00+01:00", "end": "2026-02-01"},
        {"covered": [["a"]]},
        {"periods": [{"begin": 1}]},
        {"endpoints": 7, "end": "2026-02-01"},
    ],
)
def test_a_certificate_that_makes_no_sense_proves_nothing(load: dict[str, Any]) -> None:
    deliveries = frame("deliveries", None, "2026-07-01")
    deliveries.attrs["load"] = {**load, "rows": len(deliveries), "verdict": "complete"}
    result = ia.mailing_performance(frame("impressions", None, "2026-07-01"), deliveries=deliveries)
    assert result["open_rate_high"].tolist() == [1, 1, 1]
    assert result.attrs["not_proven"].endswith("deliveries (no certificate came with them)")


def test_without_any_time_nobody_can_prove_that_a_mailing_is_covered() -> None:
    opens, deliveries = (frame(kind, None, "2026-07-01") for kind in ("impressions", "deliveries"))
    result = ia.mailing_performance(opens.drop(columns="timestamp"), deliveries=deliveries.drop(columns="timestamp"))
    assert "impressions (nothing tells when a mailing was sent)" in result.attrs["not_proven"]


def test_every_rate_is_that_of_sets_within_sets() -> None:
    """Three hundred random mailings, nulls and messages of other mailings among them, held against plain sets."""
    draw = random.Random(11)
    names = ("impressions", "destinations", "deliveries", "clicks")
    rows = {kind: [(draw.choice([*range(300), None]), draw.choice([*range(6), None])) for _ in range(1500)]
            for kind in names}  # fmt: skip
    agents = [draw.choice([truth.APPLE, truth.OUTLOOK]) for _ in rows["impressions"]]
    tables = {
        kind: pd.DataFrame(pairs, columns=["mailing", "ID" if kind == "destinations" else "destination"], dtype="Int64")
        for kind, pairs in rows.items()
    }
    opens = tables.pop("impressions").assign(useragent=pd.Series(agents, dtype="str"))
    clickers = [draw.choice(["curl/8.4.0", truth.OUTLOOK]) for _ in rows["clicks"]]
    tables["clicks"] = tables["clicks"].assign(useragent=pd.Series(clickers, dtype="str"))
    rows["clicks"], bots = (
        [row for row, agent in zip(rows["clicks"], clickers, strict=True) if (agent == truth.OUTLOOK) == human]
        for human in (True, False)
    )
    result = ia.mailing_performance(opens, **tables, intervals=True).set_index("mailing")
    persons = [row for row, agent in zip(rows["impressions"], agents, strict=True) if agent == truth.OUTLOOK]
    assert sorted(result.index) == sorted({one for pairs in (*rows.values(), bots) for one, _ in pairs} - {None})
    for mailing, row in result.iterrows():
        o, s, d, c, h, b = (
            {message for one, message in pairs if one == mailing and message is not None}
            for pairs in (*rows.values(), persons, bots)
        )
        for rate, members, of in (
            ("open_rate_of_sent", o & s, s), ("open_rate_high", o & d, d), ("open_rate_low", h & d, d),
            ("click_to_open_rate", c & o, o), ("click_through_rate", c & d, d),
        ):  # fmt: skip
            assert row[rate] == pytest.approx(len(members) / len(of)) if of else pd.isna(row[rate])
        assert row[["unique_clicks", "unique_clicks_only_by_bots"]].tolist() == [len(c), len(b - c)]
        outside = ["opened_not_sent", "opened_not_delivered", "clicked_not_opened", "clicked_not_delivered"]
        assert row[outside].tolist() == [len(o - s), len(o - d), len(c - o), len(c - d)]


@pytest.mark.slow
def test_the_report_and_its_chart_turn_amber_and_say_over_how_many_mailings_the_rates_are(tmp_path: Path) -> None:
    opens, deliveries = (
        frame("impressions", "2025-12-01", "2026-07-01"),
        frame("deliveries", "2025-12-01", "2026-05-31"),
    )
    opens["profile"] = opens["destination"]
    page = Path(ia.write_report(opens, tmp_path / "report.html", deliveries=deliveries)).read_text("utf-8")
    assert '<details class="verdict partly-covered">' in page
    assert "<strong>Data: partly covered</strong>; rates are over 2 of 3 mailings" in page
    assert "<li>deliveries: known until 2026-05-31 (1 mailing)</li>" in page
    assert "over 2 of 3 mailings, since the data do not cover the others" in page  # the headline of the open rate
    assert "no share: deliveries: known until 2026-05-31" in page  # the last mailing
    chart = ia.plot_mailing_performance(ia.mailing_performance(opens, deliveries=deliveries))
    texts = [text.get_text() for text in chart.texts]
    assert "Data: partly covered; rates are over 2 of 3 mailings" in texts
    assert "not covered" in texts


@pytest.mark.slow
def test_a_report_whose_inputs_cover_every_mailing_stays_green(tmp_path: Path) -> None:
    opens, deliveries = (frame(kind, "2025-12-01", "2026-07-01") for kind in ("impressions", "deliveries"))
    opens["profile"] = opens["destination"]
    page = Path(ia.write_report(opens, tmp_path / "report.html", deliveries=deliveries)).read_text("utf-8")
    assert '<details class="verdict complete">' in page
    assert "partly covered" not in page.split("</style>")[1]


def test_no_winner_is_named_and_nothing_forecast_of_a_mailing_that_is_not_covered() -> None:
    opens, deliveries = frame("impressions", None, "2026-07-01"), frame("deliveries", None, "2026-06-09")
    compared = ia.compare_mailings(opens, deliveries, a=411, b=412)
    lacking = "mailing 412 (deliveries: known until 2026-06-09)"
    assert compared["not_covered"].tolist() == [lacking]
    assert compared["answer"].tolist() == [f"Nothing is decided: the data lack {lacking}."]
    assert compared[["delivered_a", "delivered_b", "messages_human_b"]].to_numpy().tolist() == [[10, 10, 10]]
    assert compared[["difference", "winner", "largest_delta", "deliveries_to_decide"]].isna().all(axis=None)
    assert ia.compare_mailings(opens, deliveries, a=402, b=411)["not_covered"].isna().all()
    with pytest.raises(ia.AnalysisError, match=r"^nothing is.* mailing 412: deliveries: known until 2026-06-09"):
        ia.forecast_opens(opens, frame("destinations", None, "2026-07-01"), deliveries, mailing=412)


def test_no_half_life_is_told_of_a_mailing_whose_first_opens_are_not_known() -> None:
    # Mailing 411 was sent half an hour before the opens begin.
    opens, sent = frame("impressions", "2026-02-02 09:30", "2026-07-01"), frame("destinations", None, "2026-07-01")
    result = ia.open_decay(opens, sent).groupby("mailing")["half_life_hours"].first()
    assert result.isna().to_dict() == {402: True, 411: True, 412: False}


@pytest.mark.parametrize(("begin", "lacks"), [
    ("2025-12-01", None), ("2026-02-01", "destinations: known from 2026-02-01"),
])  # fmt: skip
def test_the_share_of_received_mailings_needs_inputs_that_cover_the_window(begin: str, lacks: str | None) -> None:
    opens, sent = frame("impressions", "2025-12-01", "2026-07-01"), frame("destinations", begin, "2026-07-01")
    opens["profile"], sent["profile"] = opens["destination"] % 10, sent["ID"] % 10
    result = ia.engagement_segments(opens, as_of="2026-07-01", destinations=sent, window_days=180)
    assert result["not_covered"].dropna().unique().tolist() == [lacks] * bool(lacks)
    assert result["share_of_mailings_opened"].isna().all() == bool(lacks)


def test_copernicas_own_rate_needs_every_kind() -> None:
    inputs = {kind: frame(kind, None, "2026-07-01") for kind in ("impressions", "clicks", "unsubscribes", "abuses")}
    for kind in ("unsubscribes", "abuses"):  # nobody left and nobody complained
        inputs[kind] = inputs[kind].iloc[:0]
        inputs[kind].attrs["load"] = {**inputs[kind].attrs["load"], "rows": 0}
    result = ia.dominant_results(
        frame("destinations", None, "2026-07-01"), **inputs, errors=frame("errors", None, "2026-06-01")
    )
    assert result["not_covered"].dropna().tolist() == ["errors: known until 2026-06-01"]
    assert result["copernica_click_through_rate"].isna().tolist() == [False, False, True]


@pytest.mark.slow
@pytest.mark.parametrize(("until", "exposed"), [("2026-07-01", 27), ("2026-05-31", 30)])
def test_the_hours_of_a_report_leave_bounced_messages_out_where_all_deliveries_are_known(until, exposed) -> None:
    """Each message is out for 144 hours after its first day; one message of each mailing bounced."""
    opens = frame("impressions", "2025-12-01", "2026-07-01")
    sent = frame("destinations", "2025-12-01", "2026-07-01")
    arrived = frame("deliveries", "2025-12-01", until)
    arrived = arrived[arrived["destination"] % 10 > 0].reset_index(drop=True)
    arrived.attrs["load"]["rows"] = len(arrived)
    opens["profile"] = opens["destination"]
    hours = compute(gather(opens, {"destinations": sent, "deliveries": arrived})).hours
    assert hours["message_hours"].sum() == exposed * 144
