"""A forecast holds its promise on mailings whose end is known, and is refused where nothing comparable was learnt."""

import math

import numpy as np
import pandas as pd
import pytest
from forecast_worlds import tried

import impressions_analytics as ia
from impressions_analytics.analytics.prediction import predict

OUTLOOK = "Microsoft Outlook 2007, WinXP"
PER_MAILING = 100


def account(sent_at, opened, *, useragent=OUTLOOK, late_share=0.5):
    """Mailings of 100 messages: so many are opened, the first part after half an hour, the rest after 30 hours."""
    destinations, opens = [], []
    for number, (moment, many) in enumerate(zip(sent_at, opened, strict=True)):
        ids = range(number * PER_MAILING, (number + 1) * PER_MAILING)
        destinations += [(one, 401 + number, pd.Timestamp(moment)) for one in ids]
        early = round(many * (1 - late_share))
        opens += [
            (401 + number, one, pd.Timestamp(moment) + pd.Timedelta(hours=0.5 if place < early else 30), useragent)
            for place, one in enumerate(ids[:many])
        ]
    sent = pd.DataFrame(destinations, columns=["ID", "mailing", "timestampsent"])
    deliveries = sent.rename(columns={"ID": "destination"})[["mailing", "destination"]]
    return pd.DataFrame(opens, columns=["mailing", "destination", "timestamp", "useragent"]), sent, deliveries


WEEKS = [str(day) for day in pd.date_range("2026-01-05 09:00", periods=7, freq="7D")]
LATER = "2026-02-16 11:00"


def test_a_forecast_is_the_growth_of_the_comparable_mailings():
    opens, sent, deliveries = account(WEEKS, [40, 44, 36, 40, 44, 36, 50])
    row = ia.forecast_opens(opens, sent, deliveries, mailing=407, as_of=LATER).iloc[0]
    # Half of all came in the first hour: 20 became 40, 22 became 44, 18 became 36, each twice; so do the 25.
    growth = [math.log(40.5 / 20.5), math.log(44.5 / 22.5), math.log(36.5 / 18.5)] * 2
    assert row[["messages_so_far", "learnt_from", "method", "delivered"]].tolist() == [25, 6, "student", 100]
    assert row["forecast"] == round(25.5 * math.exp(np.mean(growth)) - 0.5) == 50
    half = 2.015 * np.std(growth, ddof=1) * math.sqrt(7 / 6)  # Student's 95% point for 5 degrees of freedom
    assert row["forecast_low"] == math.floor(25.5 * math.exp(np.mean(growth) - half) - 0.5)
    assert row["forecast_high"] == math.ceil(25.5 * math.exp(np.mean(growth) + half) - 0.5)


def test_what_came_later_does_not_leak_into_the_forecast():
    early = account(WEEKS, [40, 44, 36, 40, 44, 36, 50])
    later = account(WEEKS, [40, 44, 36, 40, 44, 36, 90], late_share=0.5)
    opens, sent, deliveries = later
    opens = opens.drop(opens.index[-65:-45])  # of the 45 that came in the first hour 25 are left
    rows = [ia.forecast_opens(*data, mailing=407, as_of=LATER).iloc[0] for data in (early, (opens, sent, deliveries))]
    assert rows[0]["forecast"] == rows[1]["forecast"]


def test_machines_are_not_forecast_and_clicks_are():
    opens, sent, deliveries = account(WEEKS, [40] * 7)
    fetched = opens.assign(useragent="Mozilla/5.0")
    result = ia.forecast_opens(pd.concat([opens, fetched]), sent, deliveries, mailing=407, as_of=LATER, clicks=opens)
    assert result["measure"].tolist() == ["opens", "clicks"]
    assert result["messages_so_far"].tolist() == [20, 20]
    only = ia.forecast_opens(fetched, sent, deliveries, mailing=407, as_of=LATER)
    assert only["messages_so_far"].tolist() == [0]


def test_a_finished_mailing_is_counted():
    opens, sent, deliveries = account(WEEKS, [40] * 7)
    row = ia.forecast_opens(opens, sent, deliveries, mailing=402, as_of=LATER).iloc[0]
    assert row[["forecast_low", "forecast", "forecast_high", "method"]].tolist() == [40, 40, 40, "counted"]
    assert row["answer"] == "Final: 40 of 100 delivered (40.0%)."


def test_the_hours_go_from_what_was_seen_to_the_forecast():
    opens, sent, deliveries = account(WEEKS, [40] * 7)
    hours = ia.forecast_opens(opens, sent, deliveries, mailing=407, as_of=LATER, hourly=True)
    assert hours["hours"].tolist() == list(range(169))
    assert hours["observed"].tolist() == [True] * 3 + [False] * 166
    assert hours["forecast"].tolist()[:3] == [0, 20, 20]
    assert hours["forecast"].iloc[-1] == 40
    ax = ia.plot_forecast(hours)
    assert ax.get_ylabel() == "messages opened by people"


def test_the_back_test_names_each_past_mailing_and_learns_only_from_what_was_finished_then():
    days = pd.date_range("2026-01-05 09:00", periods=16, freq="7D")
    opens, sent, deliveries = account(
        [*map(str, days)], [40, 44, 36, 40, 44, 36, 40, 44, 36, 40, 44, 36, 40, 44, 36, 50]
    )
    asked = {"mailing": 416, "as_of": "2026-04-20 11:00"}
    past = ia.forecast_opens(opens, sent, deliveries, **asked, backtest=True)
    assert past["mailing"].tolist() == list(range(407, 416))  # the first six have nothing to learn from
    assert past["learnt_from"].tolist() == list(range(6, 15))
    assert past["final"].tolist() == [40, 44, 36, 40, 44, 36, 40, 44, 36]
    row = ia.forecast_opens(opens, sent, deliveries, **asked).iloc[0]
    assert (row["backtested"], row["backtest_coverage"]) == (9, past["inside"].mean())
    assert "On 9 past mailings" in row["answer"]


@pytest.mark.parametrize(("moment", "words"), [
    ("2026-02-16 21:00", "sent on a weekday at 21:00, and only 0 of the 6 finished mailings"),
    ("2026-02-14 09:00", "sent in a weekend at 09:00, and only 0 of the 5 finished mailings"),
])  # fmt: skip
def test_a_mailing_that_is_like_no_other_is_refused_with_the_reason(moment, words):
    opens, sent, deliveries = account([*WEEKS[:6], moment], [40] * 7)
    with pytest.raises(ia.AnalysisError, match=words):
        ia.forecast_opens(opens, sent, deliveries, mailing=407, as_of=pd.Timestamp(moment) + pd.Timedelta(hours=3))


def test_what_cannot_be_forecast_is_refused():
    opens, sent, deliveries = account(WEEKS, [40] * 7)
    with pytest.raises(ia.AnalysisError, match="mailing 999 has no destinations"):
        ia.forecast_opens(opens, sent, deliveries, mailing=999)
    with pytest.raises(ia.AnalysisError, match="was sent at 2026-02-16 09:00:00, after 2026-02-01"):
        ia.forecast_opens(opens, sent, deliveries, mailing=407, as_of="2026-02-01")
    with pytest.raises(ia.AnalysisError, match="nothing is known yet"):
        ia.forecast_opens(opens.iloc[:0], sent, deliveries, mailing=407)
    with pytest.raises(ia.InvalidArgumentError, match=r"level must be a number from 0.5 to 0.99, got 90"):
        ia.forecast_opens(opens, sent, deliveries, mailing=407, level=90)
    sent.loc[sent.index[-1], "timestampsent"] += pd.Timedelta(days=3)
    with pytest.raises(ia.AnalysisError, match="have no final count"):
        ia.forecast_opens(opens, sent, deliveries, mailing=407, as_of=LATER)


def test_mailings_from_before_the_opens_are_known_teach_nothing():
    opens, sent, deliveries = account(WEEKS, [40] * 7)
    opens = opens[opens["timestamp"] >= "2026-01-10"]
    opens.attrs["load"] = {"kind": "impressions", "begin": "2026-01-10", "end": "2026-02-16 11:00:00"}
    with pytest.raises(ia.AnalysisError, match="only 5 of the 5 finished"):
        ia.forecast_opens(opens, sent, deliveries, mailing=407)


def test_nineteen_mailings_are_enough_for_an_interval_without_a_distribution():
    past = [100 + number for number in range(19)]
    found = predict(100, [100] * 19, past, level=0.9)
    assert found.method == "conformal"
    assert (found.low, found.high) == pytest.approx((100, 118), abs=0.1)  # the least and the most that ever came
    assert predict(100, [100] * 18, past[:18], level=0.9).method == "student"


def test_students_interval_allows_for_what_the_mean_itself_varies():
    past = np.array([150, 200, 250, 150, 200, 250])
    growth = np.log((past + 0.5) / 100.5)
    half = 2.015 * growth.std(ddof=1) * math.sqrt(7 / 6)
    found = predict(1_000_000, [100] * 6, past, level=0.9)
    assert found.high == pytest.approx(1_000_000 * math.exp(growth.mean() + half), rel=1e-3)


def test_nine_in_ten_intervals_hold_the_final_count():
    assert 0.83 < tried(worlds=120, hours=3)[0] < 0.97
    assert tried(worlds=40, hours=3, target_hour=21.0, matched=False)[0] < 0.4  # why unlike mailings are refused
