"""Which kinds of open an analysis counts, and what becomes of rows that do not fit."""

from __future__ import annotations

import inspect
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import analytics_truth as truth
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import impressions_analytics as ia
from impressions_analytics import analytics

SENT_AT = pd.Timestamp("2026-01-05 09:00")
BY_READER = ("person", "proxy")
DEFAULTS: dict[str, str | tuple[str, ...] | None] = {
    "impressions_over_time": None, "impressions_per_profile": None, "user_agent_breakdown": None,
    "time_to_open": BY_READER, "open_decay": BY_READER, "impressions_by_hour_of_week": BY_READER,
    "engagement_segments": BY_READER, "compare_mailings": BY_READER, "forecast_opens": BY_READER,
    "find_anomalies": BY_READER, "country_breakdown": "person",
}  # fmt: skip
WITHOUT = {
    "human_opens": "tells each kind in a column of its own",
    "compare_devices": "holds two classifications of the same rows against each other",
    "unrecognised_user_agents": "lists the unknown ones",
    "dominant_results": "is Copernica's own screen, which knows no kinds",
    "mailing_performance": "gives a range: all opens, and those not only by machines",
    "provider_breakdown": "gives the same range",
    "metrics": "counts nothing",
}


def opens(*rows: tuple[int | None, str], useragent: str | None = truth.OUTLOOK) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["destination", "timestamp"])
    return frame.assign(
        timestamp=pd.to_datetime(frame["timestamp"]).astype("datetime64[us]"), useragent=useragent, mailing=412,
        destination=frame["destination"].astype("Int64"), profile=frame["destination"].astype("Int64"),
    )  # fmt: skip


def sent(*destinations: int, at: pd.Timestamp = SENT_AT) -> pd.DataFrame:
    return pd.DataFrame({"ID": destinations, "mailing": 412, "timestampsent": at, "profile": destinations})


def simulated() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Six messages that the mailbox fetched 5 seconds after the sending; six people opened others 5 hours after it."""
    machines = opens(*((number, "2026-01-05 09:00:05") for number in range(1, 7)), useragent=truth.APPLE)
    people = opens(*((number, "2026-01-05 14:00:00") for number in range(11, 17)))
    return pd.concat([machines, people], ignore_index=True), sent(*range(1, 17))


def test_every_analysis_says_which_kinds_it_counts_or_why_it_does_not() -> None:
    assert {*DEFAULTS, *WITHOUT} == set(analytics.__all__)
    for name, default in DEFAULTS.items():
        assert inspect.signature(getattr(ia, name)).parameters["kinds"].default == default, name
    for name in WITHOUT:
        assert "kinds" not in inspect.signature(getattr(ia, name)).parameters, name


def test_what_is_fetched_before_anybody_looks_does_not_make_readers_quick() -> None:
    frame, destinations = simulated()
    result = ia.time_to_open(frame, destinations)
    assert result[["unique_opens", "median_hours"]].to_numpy().tolist() == [[6, 5.0]]
    assert result.attrs["kinds"] == ["person", "proxy"]
    decay = ia.open_decay(frame, destinations, as_of="2026-02-01")
    assert decay["half_life_hours"].unique().tolist() == [5.0]
    hours = ia.impressions_by_hour_of_week(frame)
    assert hours.loc[hours["impressions"] > 0, ["hour", "impressions"]].to_numpy().tolist() == [[14, 6]]
    assert hours.attrs["kinds"] == decay.attrs["kinds"] == ["person", "proxy"]
    everything = ia.time_to_open(frame, destinations, kinds=None)
    assert everything[["unique_opens", "median_hours"]].to_numpy().tolist() == [[12, 5 / 3600]]
    assert everything.attrs["kinds"] == ["person", "proxy", "prefetch", "bot", "unknown"]


@pytest.mark.parametrize("analysis", [
    ia.impressions_over_time, ia.impressions_per_profile, lambda frame, kinds: ia.user_agent_breakdown(
        frame, by="client", kinds=kinds
    ), lambda frame, kinds: ia.impressions_over_time(frame, by="mailing", kinds=kinds),
    lambda frame, kinds: ia.impressions_over_time(frame, count="first", cumulative=True, kinds=kinds),
])  # fmt: skip
def test_counts_of_some_kinds_are_those_of_the_rows_of_these_kinds(analysis: Any) -> None:
    frame, _ = simulated()
    alone = frame[frame["useragent"] == truth.OUTLOOK]
    expected = analysis(alone, kinds=None)
    result = analysis(frame, kinds=["person"])
    assert result.attrs["kinds"] == ["person"]
    pd.testing.assert_frame_equal(result, expected)
    with pytest.raises(ia.InvalidArgumentError, match=r"kinds must be one of 'person', .* got 'human'"):
        analysis(frame, kinds="human")
    with pytest.raises(ia.InvalidArgumentError, match="kinds must name at least one of person"):
        analysis(frame, kinds=[])


def test_nobody_is_called_never_opened_whose_images_a_mailbox_may_have_fetched_for_a_reader() -> None:
    agents = {1: truth.APPLE, 2: None, 3: "foo", 4: "curl/8.4.0", 5: truth.OUTLOOK, 6: truth.GMAIL, 7: truth.APPLE}
    frame = pd.concat([opens((number, "2026-01-05 10:00"), useragent=agent) for number, agent in agents.items()])
    clicks = opens((7, "2026-01-05 10:00"), (8, "2026-01-05 10:00"))
    scanned = opens((9, "2026-01-05 10:00"), useragent="curl/8.4.0")
    result = ia.engagement_segments(frame, as_of="2026-01-10", clicks=pd.concat([clicks, scanned]))
    assert dict(zip(result["profile"], result["segment"], strict=True)) == {
        **dict.fromkeys((1, 2, 3), "perhaps opened"), **dict.fromkeys((4, 9), "never opened"),
        **dict.fromkeys((5, 6, 7, 8), "active"),
    }  # fmt: skip
    assert result["clicks"].sum() == 2
    assert result["clicks_by_bots"].sum() == 1


def test_an_open_long_before_the_sending_is_left_out_and_told() -> None:
    frame = opens((1, "2025-11-11 09:00"), (2, "2026-01-05 08:30"), (3, "2026-01-05 11:00"), (3, "2025-11-11 09:00"))
    result = ia.time_to_open(frame, sent(1, 2, 3))
    assert result[["unique_opens", "median_hours", "p90_hours"]].to_numpy().tolist() == [[2, 0.0, 2.0]]
    told = {"impressions_before_sending": 2, "messages_opened_within_an_hour_before_sending": 1}
    assert told.items() <= result.attrs.items()
    decay = ia.open_decay(frame, sent(1, 2, 3), horizon_hours=2, as_of="2026-02-01")
    assert decay.set_index("hours")["unique_opens"][[0, 1, 2]].tolist() == [1, 1, 2]
    assert told.items() <= decay.attrs.items()


def test_the_decay_as_of_a_moment_knows_nothing_later() -> None:
    frame = opens((1, "2026-01-05 10:00"), (2, "2026-01-05 12:00"))
    decay = ia.open_decay(frame, sent(1, 2), horizon_hours=4, as_of="2026-01-05 11:00")
    assert decay.set_index("hours")["unique_opens"][[0, 1, 2, 3, 4]].tolist() == [0, 1, 1, 1, 1]
    assert not decay["mature"].any()


def test_a_destination_with_two_sendings_counts_once_from_the_earlier() -> None:
    twice = pd.concat([sent(1), sent(1, at=SENT_AT + pd.Timedelta(hours=1)), sent(2)])
    frame = opens((1, "2026-01-05 11:00"), (2, "2026-01-05 10:00"))
    result = ia.time_to_open(frame, twice)
    assert result[["unique_opens", "median_hours", "p90_hours"]].to_numpy().tolist() == [[2, 1.0, 2.0]]
    assert ia.open_decay(frame, twice, as_of="2026-02-01")["unique_opens"].max() == 2
    hours = ia.impressions_by_hour_of_week(frame, destinations=twice)
    assert hours["impressions"].sum() == 2
    assert hours["message_hours"].max() == 2


def test_exposure_lasts_as_long_as_the_impressions_are_known() -> None:
    frame = opens((1, "2026-01-05 10:30"))
    known = frame.copy()
    known.attrs["load"] = {"kind": "impressions", "end": "2026-02-05 00:00:00"}
    assert ia.impressions_by_hour_of_week(known, destinations=sent(1))["message_hours"].tolist() == [1] * 168
    assert ia.impressions_by_hour_of_week(frame, destinations=sent(1))["message_hours"].sum() == 2
    until = ia.impressions_by_hour_of_week(frame, destinations=sent(1), as_of="2026-01-05 12:00")
    assert until["message_hours"].sum() == 3
    assert until.attrs["known_until"] == "2026-01-05 12:00:00"
    assert (
        ia.impressions_by_hour_of_week(frame, destinations=sent(1), as_of="2026-01-05 10:00")["impressions"].sum() == 0
    )


def test_without_impressions_and_certificate_nobody_knows_that_nobody_opened() -> None:
    hours = ia.impressions_by_hour_of_week(opens(), destinations=sent(1))
    assert hours["message_hours"].sum() == 0
    assert hours["impressions_per_message_hour"].isna().all()


def test_messages_that_bounced_were_never_out() -> None:
    frame = opens((1, "2026-01-12 09:00"))
    deliveries = truth.events((412, 1))
    hours = ia.impressions_by_hour_of_week(frame, destinations=sent(1, 2), deliveries=deliveries)
    assert hours["message_hours"].tolist() == [1] * 168
    assert hours.attrs["messages"] == "delivered"
    assert ia.impressions_by_hour_of_week(frame, destinations=sent(1, 2))["message_hours"].tolist() == [2] * 168


def test_a_null_is_no_destination_and_told() -> None:
    frame = opens((1, "2026-01-05 10:00"), (None, "2026-01-05 10:00"))
    destinations = sent(1).astype({"ID": "Int64"})
    nobody = pd.concat([destinations, destinations.assign(ID=pd.array([None], dtype="Int64"))])
    for result in (ia.time_to_open(frame, nobody), ia.open_decay(frame, nobody),
                   ia.impressions_by_hour_of_week(frame, destinations=nobody)):  # fmt: skip
        assert result.attrs["impressions_without_destination"] == 1
    assert ia.impressions_by_hour_of_week(frame, destinations=nobody)["message_hours"].max() == 1
    assert ia.impressions_over_time(frame)["destinations"].tolist() == [1]
    assert ia.mailing_performance(frame)["unique_opens"].tolist() == [1]


def test_a_null_mailing_is_a_group_or_nothing_and_never_an_error_of_pandas() -> None:
    frame = opens((1, "2026-01-05 10:00"), (2, "2026-01-05 10:00"))
    frame["mailing"] = pd.array([412, None], dtype="Int64")
    destinations = sent(1, 2).assign(mailing=pd.array([412, None], dtype="Int64"))
    for result in (ia.impressions_over_time(frame, by="mailing"), ia.human_opens(frame, by="mailing"),
                   ia.time_to_open(frame, destinations, by="mailing")):  # fmt: skip
        assert result["mailing"].astype(object).where(result["mailing"].notna(), None).tolist() == [412, None]
    decay = ia.open_decay(frame, destinations, horizon_hours=1)
    assert decay.groupby("mailing", dropna=False)["unique_opens"].max().tolist() == [1, 1]
    assert ia.mailing_performance(frame)["mailing"].tolist() == [412]


MOMENTS = st.datetimes(datetime(1969, 12, 20), datetime(1970, 2, 20))
"""Around the beginning of the engines' time, where remainders of numbers below 0 differ."""


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.integers(0, 5), MOMENTS), max_size=8), st.dictionaries(st.integers(0, 4), MOMENTS),
    st.sampled_from([(0, 168), (24, 168), (0, 5), (3, 400)]),
)  # fmt: skip
def test_hours_of_the_week_are_those_of_a_calendar(rows: Any, sent_at: Any, span: tuple[int, int]) -> None:
    frame = pd.DataFrame(rows, columns=["destination", "timestamp"])
    frame = frame.astype({"destination": "int64", "timestamp": "datetime64[us]"}).assign(useragent=truth.OUTLOOK)
    destinations = pd.DataFrame({"ID": list(sent_at), "timestampsent": list(sent_at.values())})
    destinations = destinations.astype({"ID": "int64", "timestampsent": "datetime64[us]"})
    result = ia.impressions_by_hour_of_week(
        frame, destinations=destinations, after_hours=span[0], horizon_hours=span[1]
    )
    last = max((hour_of(moment) for _, moment in rows), default=datetime.min)
    out = [hour_of(begin) + timedelta(hours=age) for begin in sent_at.values() for age in range(*span)]
    exposed = Counter((one.isoweekday(), one.hour) for one in out if one <= last)
    opened = Counter(
        (moment.isoweekday(), moment.hour) for number, moment in rows
        if number in sent_at and span[0] <= (hour_of(moment) - hour_of(sent_at[number])) / timedelta(hours=1) < span[1]
    )  # fmt: skip
    bare = Counter((moment.isoweekday(), moment.hour) for _, moment in rows)
    cells = list(zip(result["weekday"], result["hour"], strict=True))
    assert result["impressions"].tolist() == [opened[cell] for cell in cells]
    assert result["message_hours"].tolist() == [exposed[cell] for cell in cells]
    assert ia.impressions_by_hour_of_week(frame)["impressions"].tolist() == [bare[cell] for cell in cells]
