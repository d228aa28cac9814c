"""What figures mean at their edges: small samples, absent inputs, unripe mailings, arguments that cannot be used."""

from __future__ import annotations

from typing import Any

import analytics_truth as truth
import pandas as pd
import pytest

import impressions_analytics as ia
from impressions_analytics import analytics
from impressions_analytics.analytics.engagement import SEGMENTS, Segment
from impressions_analytics.analytics.figures import FIGURES


def opens(*rows: tuple[int, str, int]) -> pd.DataFrame:
    """Impressions by a person: (destination, timestamp, profile) of mailing 1."""
    frame = pd.DataFrame(rows, columns=["destination", "timestamp", "profile"])
    return frame.assign(
        timestamp=frame["timestamp"].astype("datetime64[us]"), mailing=1, useragent=truth.OUTLOOK,
        destination=frame["destination"].astype("int64"), profile=frame["profile"].astype("Int64"),
    )  # fmt: skip


@pytest.mark.parametrize(("opened", "delivered", "low", "high"), [
    (0, 10, 0.0, 0.2775), (1, 10, 0.0179, 0.4042), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (1, 1, 0.2065, 1.0),
])  # fmt: skip
def test_rates_carry_the_wilson_interval_of_published_tables(
    opened: int, delivered: int, low: float, high: float
) -> None:
    impressions = opens(*((number, "2025-01-01", 1) for number in range(opened)))
    deliveries = truth.events(*((1, number) for number in range(delivered)))
    row = ia.mailing_performance(impressions, deliveries=deliveries, intervals=True).iloc[0]
    assert row["open_rate_high"] == opened / delivered
    assert row["open_rate_high_ci_low"] == pytest.approx(low, abs=5e-5)
    assert row["open_rate_high_ci_high"] == pytest.approx(high, abs=5e-5)


def test_a_rate_counts_only_members_of_its_denominator_and_the_others_apart() -> None:
    opened = opens((1, "2025-01-01", 1), (2, "2025-01-01", 2), (3, "2025-01-01", None))
    result = ia.mailing_performance(
        opened,
        destinations=pd.DataFrame({"ID": [11, 12, 13], "mailing": 1}),
        deliveries=truth.events((1, 1), (1, 7)),
        clicks=truth.events((1, 1), (1, 9)),
        intervals=True,
    )
    assert result.attrs["outside"] == {
        "opened_not_sent": 3, "opened_not_delivered": 2, "clicked_not_opened": 1, "clicked_not_delivered": 1,
    }  # fmt: skip
    result = result.iloc[0]
    assert result[["unique_opens", "delivered", "unique_clicks"]].tolist() == [3, 2, 2]
    assert result[["opened_not_sent", "opened_not_delivered"]].tolist() == [3, 2]
    assert result[["clicked_not_opened", "clicked_not_delivered"]].tolist() == [1, 1]
    assert result[["open_rate_of_sent", "open_rate_high", "open_rate_low"]].tolist() == [0, 1 / 2, 1 / 2]
    assert result[["click_to_open_rate", "click_through_rate"]].tolist() == [1 / 3, 1 / 2]


def test_what_cannot_be_computed_is_absent() -> None:
    assert list(ia.mailing_performance(truth.impressions(), intervals=True).columns) == [
        "mailing", "impressions", "unique_opens", "reopen_ratio", "machine_impressions",
        "machine_share_of_impressions", "unique_opens_not_only_machines", "machine_share_of_unique_opens",
        "machine_share_of_unique_opens_ci_low",
        "machine_share_of_unique_opens_ci_high", "not_covered",
    ]  # fmt: skip


def test_by_default_a_mailing_has_the_figures_that_people_read() -> None:
    sent_at = pd.Timestamp("2024-12-29 20:00")
    emailings = pd.DataFrame({"ID": [1], "subject": ["New year"], "timestamp": [sent_at]})
    given = {"destinations": truth.destinations(), "deliveries": truth.DELIVERIES, "clicks": truth.CLICKS}
    result = ia.mailing_performance(truth.impressions(), **given, emailings=emailings)
    assert list(result.columns) == [
        "mailing", "subject", "sent_at", "unique_opens", "unique_opens_not_only_machines", "sent", "open_rate_of_sent",
        "delivered", "open_rate_high", "open_rate_low", "unique_clicks", "click_to_open_rate", "click_through_rate",
        "not_covered",
    ]  # fmt: skip
    assert result[["subject", "sent_at"]].astype(object).where(result.notna(), None).to_numpy().tolist() == [
        ["New year", sent_at], [None, None],
    ]  # fmt: skip
    with_estimate = ia.mailing_performance(truth.impressions(), **given, estimate=True)
    assert set(with_estimate.columns) - set(result.columns) == {"estimated_open_rate"}
    assert "subject" not in with_estimate
    with pytest.raises(ia.AnalysisError, match=r"estimated_open_rate is .*: it needs deliveries as well"):
        ia.mailing_performance(truth.impressions(), estimate=True)


def test_clicks_of_bots_and_libraries_are_counted_apart() -> None:
    bots = truth.events((1, 11), (1, 10)).assign(useragent="python-requests/2.31")
    clicks = pd.concat([truth.events((1, 10)), bots])
    row = ia.mailing_performance(truth.impressions(), clicks=clicks, intervals=True).iloc[0]
    assert row[["unique_clicks", "unique_clicks_only_by_bots", "effective_opens"]].tolist() == [1, 1, 3]
    assert row["click_to_open_rate"] == 1 / 3


@pytest.mark.parametrize("figure", [figure for figure in FIGURES if figure.needs], ids=lambda figure: figure.name)
def test_asking_for_what_cannot_be_computed_names_the_missing_input(figure: Any) -> None:
    with pytest.raises(ia.AnalysisError, match=rf"^{figure.name} is .*: it needs {' and '.join(figure.needs)} as well"):
        ia.mailing_performance(truth.impressions(), figures=[figure.name])


def test_only_the_figures_asked_for_are_computed_in_their_order() -> None:
    result = ia.mailing_performance(truth.impressions(), figures=["reopen_ratio", "unique_opens"])
    assert list(result.columns) == ["mailing", "reopen_ratio", "unique_opens", "not_covered"]


def test_a_mailing_without_impressions_has_a_row() -> None:
    result = ia.mailing_performance(opens((1, "2025-01-01", 1)), deliveries=truth.events((1, 1), (2, 9)))
    assert result[["mailing", "unique_opens", "delivered"]].to_numpy().tolist() == [[1, 1, 1], [2, 0, 1]]
    rates = ia.mailing_performance(
        opens((1, "2025-01-01", 1)), deliveries=truth.events((1, 1), (2, 9)), figures=["reopen_ratio"]
    )
    assert rates["reopen_ratio"].isna().tolist() == [False, True]


def test_the_estimate_lies_between_the_bounds_and_names_its_assumption() -> None:
    result = ia.mailing_performance(truth.impressions(), deliveries=truth.DELIVERIES, estimate=True)
    low, high = result["open_rate_low"], result["open_rate_high"]
    assert result["estimated_open_rate"].between(low, high).all()
    assert "opened as often as all other recipients" in result.attrs["assumption"]


def test_every_figure_says_what_it_counts() -> None:
    listed = ia.metrics().set_index(["function", "column"])["unit"]
    assert (listed.str.len() > 0).all()
    assert listed["mailing_performance", "unique_opens_not_only_machines"] == "destinations"
    assert listed["human_opens", "messages_low"] == listed["human_opens", "messages_high"] == "destinations"
    assert listed["human_opens", "impressions_low"] == listed["human_opens", "impressions_high"] == "impressions"
    assert listed["mailing_performance", "machine_share_of_impressions"] == "share of impressions"


def test_every_figure_and_every_analysis_is_in_the_list_of_metrics() -> None:
    listed = ia.metrics()
    assert {figure.name for figure in FIGURES} <= set(listed["column"])
    assert set(listed["function"]) | {"metrics", "unrecognised_user_agents"} == set(analytics.__all__)
    assert listed.notna().all(axis=None)


@pytest.mark.parametrize("absent", ["impressions", "clicks", "unsubscribes", "abuses", "errors"])
def test_dominant_results_name_the_input_that_is_missing(absent: str) -> None:
    given = dict.fromkeys(["impressions", "clicks", "unsubscribes", "abuses", "errors"], truth.events())
    with pytest.raises(ia.AnalysisError, match=f"dominant results need {absent}: give an empty frame"):
        ia.dominant_results(truth.destinations(), **{**given, absent: None})


def test_an_unripe_mailing_shows_its_opens_but_no_share_and_no_half_life() -> None:
    sent = truth.destinations().query("mailing == 1")
    impressions = opens((10, "2024-12-29 21:00", 1), (11, "2024-12-29 22:00", 2))
    unripe = ia.open_decay(impressions, sent, horizon_hours=3)
    assert unripe["hours"].tolist() == pytest.approx([*(step / 12 for step in range(12)), 1, 2, 3])
    assert unripe["unique_opens"].tolist() == [0] * 12 + [1, 2, 2]
    assert unripe[["share_of_opens", "half_life_hours"]].isna().all(axis=None)
    assert not unripe["mature"].any()
    ripe = ia.open_decay(impressions, sent, horizon_hours=3, as_of="2024-12-29 23:00")
    assert ripe["share_of_opens"].tolist() == [0.0] * 12 + [0.5, 1.0, 1.0]
    assert ripe["half_life_hours"].unique().tolist() == [1.0]


def test_the_first_hour_of_a_decay_has_steps_of_five_minutes() -> None:
    sent = truth.destinations().query("mailing == 1")
    impressions = opens((10, "2024-12-29 20:05:00", 1), (11, "2024-12-29 20:05:01", 2), (12, "2024-12-29 21:00:01", 3))
    decay = ia.open_decay(impressions, sent, horizon_hours=2, as_of="2025-01-01")
    assert decay["unique_opens"].tolist() == [0, 1, 2, *[2] * 10, 3]


def test_a_decay_follows_opens_up_to_the_last_second_of_its_horizon() -> None:
    sent = truth.destinations().query("mailing == 1")
    impressions = opens((10, "2024-12-29 22:00:00", 1), (11, "2024-12-29 22:00:01", 2))
    decay = ia.open_decay(impressions, sent, horizon_hours=2, as_of="2025-01-01")
    assert decay["unique_opens"].tolist() == [*[0] * 13, 1]


def test_a_half_life_is_the_least_time_with_half_of_the_opens() -> None:
    sent = truth.destinations().query("mailing == 1")
    impressions = opens((10, "2024-12-29 21:00", 1), (11, "2024-12-29 22:00", 2), (12, "2024-12-29 22:30", 3))
    decay = ia.open_decay(impressions, sent, horizon_hours=3, as_of="2025-01-01")
    assert decay["half_life_hours"].unique().tolist() == [2.0]
    assert ia.time_to_open(impressions, sent)[["unique_opens", "median_hours", "p90_hours"]].to_numpy().tolist() == [
        [3, 2.0, 2.5]
    ]


def test_hours_of_the_week_can_leave_out_what_follows_the_sending() -> None:
    sent = truth.destinations().query("mailing == 1")  # four messages on a Sunday at 20:00
    impressions = opens((10, "2024-12-29 21:00", 1), (10, "2024-12-30 20:00", 1), (11, "2024-12-30 21:59", 2))
    later = ia.impressions_by_hour_of_week(impressions, destinations=sent, after_hours=24, horizon_hours=48)
    assert later[later["message_hours"] > 0].to_numpy().tolist() == [[1, 20, 1, 4, 1 / 4], [1, 21, 1, 4, 1 / 4]]
    with pytest.raises(ia.InvalidArgumentError, match="messages that were sent: give destinations as well"):
        ia.impressions_by_hour_of_week(impressions, after_hours=24)


def test_a_whole_week_out_is_one_hour_in_every_cell() -> None:
    sent = truth.destinations().query("mailing == 1")
    impressions = opens((10, "2024-12-29 21:00", 1), (10, "2025-02-01 00:00", 1))
    assert ia.impressions_by_hour_of_week(impressions, destinations=sent)["message_hours"].tolist() == [4] * 168


def test_segments_follow_the_first_rule_that_matches() -> None:
    impressions = pd.concat([
        opens((1, "2025-06-01", 1), (5, "2024-06-01", 5)),
        opens((2, "2025-03-15", 2)), opens((3, "2025-01-15", 3)),
        *(opens((9, "2025-06-01", 9)).assign(mailing=mailing) for mailing in (1, 2, 3)),
    ])  # fmt: skip
    machine = opens((7, "2025-06-01", 7)).assign(useragent=truth.APPLE)
    result = ia.engagement_segments(pd.concat([impressions, machine]), as_of="2025-06-02")
    assert dict(zip(result["profile"], result["segment"], strict=True)) == {
        1: "active", 2: "active", 3: "lapsing", 5: "dormant", 7: "perhaps opened", 9: "engaged",
    }  # fmt: skip
    assert result.set_index("profile")["segment_rule"][9] == (
        "last opened at most 30 days ago; 3 or more mailings opened in the window"
    )


def test_segments_of_ones_own_must_take_everybody() -> None:
    mine = (Segment("this month", within_days=30), Segment("the others", opened=False))
    result = ia.engagement_segments(truth.impressions(), as_of="2025-04-01", segments=mine)
    assert result["segment"].tolist() == ["this month", "the others"]
    for wrong in ((), SEGMENTS[:-1]):
        with pytest.raises(ia.InvalidArgumentError, match="must end with one that takes everybody else"):
            ia.engagement_segments(truth.impressions(), as_of="2025-04-01", segments=wrong)


def test_rows_without_a_profile_are_left_out_and_their_number_is_said() -> None:
    assert ia.impressions_per_profile(truth.impressions()).attrs["impressions_without_profile"] == 1
    frame = truth.impressions().assign(subprofile=pd.array([5] * 3 + [None] * 7, dtype="Int64"))
    result = ia.impressions_per_profile(frame, by="subprofile")
    assert result["impressions"].tolist() == [3]
    assert result.attrs["impressions_without_subprofile"] == 7


def test_first_opens_add_up_to_the_unique_opens() -> None:
    frame = truth.impressions()
    for every in ("hour", "day", "week", "month", "quarter", "year"):
        assert ia.impressions_over_time(frame, every=every, count="first")["first_opens"].sum() == 6


def test_a_result_over_time_plots_as_it_is() -> None:
    result = ia.impressions_over_time(truth.impressions(), every="month")
    assert result["period"].diff().dropna().dt.days.between(28, 31).all()


def test_a_result_that_nobody_can_hold_is_refused_with_its_size() -> None:
    impressions = opens(*((number, f"{1500 + number % 2 * 500}-01-01", number) for number in range(20)))
    with pytest.raises(
        ia.AnalysisError, match=r"some 87,658,100 rows: 4,382,905 periods for each of 20 groups; take a longer"
    ):
        ia.impressions_over_time(impressions, every="hour", by="destination")


OPENS = truth.impressions()
AWARE = pd.Timestamp("2025-01-01", tz="UTC")
REFUSED = [
    (ia.impressions_over_time, {"every": "daily"}, "every must be one of 'hour', .* got 'daily'; did you mean 'day'"),
    (ia.impressions_over_time, {"count": "all"}, "count must be one of 'impressions', 'rows', 'first', got 'all'"),
    (ia.impressions_over_time, {"by": ["mailing", "mailing"]}, "by must be a column name or several different ones"),
    (ia.impressions_over_time, {"by": ["period"]}, r"by names \['period'\], which the result has itself"),
    (ia.impressions_per_profile, {"by": "mailing"}, "by must be one of 'profile', .* got 'mailing'"),
    (ia.user_agent_breakdown, {"by": "browser"}, "by must be one of 'client', .* got 'browser'"),
    (ia.user_agent_breakdown, {"by": []}, r"by must name at least one of client, .* got \[\]"),
    (ia.user_agent_breakdown, {"kinds": "human"}, "kinds must be one of 'person', .* got 'human'"),
    (ia.unrecognised_user_agents, {"limit": 0}, "limit must be a whole number of at least 1, got 0"),
    (ia.mailing_performance, {"figures": ["open_rate"]}, "figures must be one of .* got 'open_rate'"),
    (ia.engagement_segments, {"as_of": "yesterday"}, "as_of is no moment: 'yesterday'"),
    (ia.engagement_segments, {"as_of": "01-02-2026"}, "as_of is no moment: '01-02-2026'; give .* such as '2026-02-01'"),
    (ia.engagement_segments, {"as_of": None}, "as_of is no moment of the wall clock: None"),
    (ia.engagement_segments, {"as_of": AWARE}, "as_of is no moment of the wall clock"),
    (ia.engagement_segments, {"as_of": "2025-01-01", "window_days": 0}, "window_days must be a whole number"),
    (ia.open_decay, {"destinations": truth.destinations(), "horizon_hours": 1.5}, "horizon_hours must be a whole"),
]


@pytest.mark.parametrize(("analysis", "arguments", "message"), REFUSED)
def test_an_argument_that_cannot_be_used_is_named_with_what_would_do(
    analysis: Any, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ia.InvalidArgumentError, match=message):
        analysis(OPENS, **arguments)
