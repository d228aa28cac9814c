"""What is out of line is found with its mailing and its cohort, and what only varies is left alone."""

import numpy as np
import pandas as pd
import pytest
from anomaly_worlds import alarms, naive_alarms, share_alarms

import impressions_analytics as ia
from impressions_analytics.analytics.quantiles import student_tail
from impressions_analytics.analytics.silence import find_silences
from impressions_analytics.analytics.unusual import surprise
from impressions_analytics.analytics.watched_messages import with_cohorts


def test_a_share_is_held_against_what_earlier_mailings_varied():
    steady = surprise([300, 310, 290, 305, 295, 300, 250], [1000] * 7, "low")
    varying = surprise([200, 410, 250, 350, 180, 410, 250], [1000] * 7, "low")
    assert steady.expected == varying.expected == pytest.approx(0.3, abs=0.001)
    assert steady.probability < 0.02 < 0.2 < varying.probability
    assert surprise([300, 310, 290, 305, 295, 300, 250], [1000] * 7, "high").probability > 0.9


def test_the_weaker_of_two_statistics_counts():
    found = surprise([50] * 6 + [20], [1000] * 7, "low")
    error = np.sqrt(7 / 6 / (1000 * 0.05 * 0.95))  # of the log odds
    assert found.probability == pytest.approx(student_tail(0.03 / (0.05 * 0.95 * error), 5), rel=0.05)


def test_a_share_of_nearly_all_is_judged_by_the_few_that_are_missing():
    found = surprise([100] * 20 + [0], [100] * 21, "low")
    assert found.expected > 0.99
    assert found.probability < 1e-4
    assert surprise([100] * 20 + [98], [100] * 21, "low").probability > 0.005


def test_an_open_at_the_moment_of_sending_is_none_before_it():
    sent = pd.to_datetime(["2026-01-05", "2026-01-12", "2026-01-13"])
    opened = pd.to_datetime(["2026-01-12", None, None])
    messages = pd.DataFrame({"profile": 7, "sent_at": sent, "opened_at": opened, "client": ["Gmail", None, None]})
    assert with_cohorts(messages)["cohort"].fillna("").tolist() == ["", "", "Gmail"]


@pytest.mark.parametrize(("counts", "totals"), [
    ([30] * 6, [100] * 6),  # five mailings before it
    ([30] * 7, [100] * 6 + [0]),  # nothing was delivered
    ([3] * 7, [100] * 7),  # three expected: a fall to nothing may be chance
])  # fmt: skip
def test_where_nothing_can_be_said_nothing_is(counts, totals):
    assert surprise(counts, totals, "low") is None


def test_alarms_are_as_rare_as_stated_where_the_naive_test_cries_wolf():
    assert naive_alarms(worlds=200, varies=0.05) > 0.38
    any_, _ = alarms(worlds=200, varies=0.05)
    assert any_ <= 0.03  # stated 1%, with its error over 200 worlds
    assert alarms(worlds=100, varies=0.0, loss=0.4)[1] > 0.95
    assert share_alarms(worlds=200, rate=0.0008, size=3_000, direction="high") <= 0.03
    assert share_alarms(worlds=100, rate=0.025, size=3_000, direction="high", times=3) > 0.95


def nights(*, quiet=(), per_hour=60):
    """Five weeks with a mailing each week, whose impressions come every hour, fewer at night."""
    start, random = pd.Timestamp("2026-01-05"), np.random.default_rng(1)
    hours = pd.date_range(start, periods=35 * 24, freq="h")
    rate = np.where(hours.hour < 6, per_hour / 10, per_hour)
    came = random.poisson(rate) * ~np.isin(hours, pd.DatetimeIndex(quiet))
    week = (np.arange(len(hours)) // 168).astype("int64")
    frame = pd.DataFrame({"mailing": 401 + week, "hour": hours, "impressions": came})
    mailings = pd.DataFrame({"mailing": 401 + np.arange(5), "sent_at": start + np.arange(5) * pd.Timedelta(days=7)})
    when = {"begin": start, "since": start + pd.Timedelta(days=28), "until": start + pd.Timedelta(days=35)}
    return find_silences(frame[frame["impressions"] > 0], mailings.assign(delivered=1000), **when)


def test_a_silent_night_is_found_by_its_hours_and_a_quiet_one_is_not():
    assert [one for one in nights() if one.probability < 0.01] == []
    gone = pd.date_range("2026-02-05 20:00", "2026-02-06 07:00", freq="h")
    (found,) = [one for one in nights(quiet=gone) if one.probability < 0.01]
    assert (str(found.begin), str(found.end)) == ("2026-02-05 20:00:00", "2026-02-06 08:00:00")
    assert 280 < found.expected < 420  # four evening hours and two morning ones of 60, six of the night of 6


def test_what_cannot_be_watched_is_refused(tmp_path, box, reach):
    archive = ia.Archive(tmp_path / "archive")
    archive.sync(reach(box))
    with pytest.raises(ia.AnalysisError, match="has no destinations and no deliveries: sync all kinds"):
        ia.find_anomalies(archive)
    with pytest.raises(ia.InvalidArgumentError, match="needs an Archive, got DataFrame"):
        ia.find_anomalies(archive.read())
    with pytest.raises(ia.InvalidArgumentError, match=r"false_alarms must be a share between 0 and 1, got 5"):
        ia.find_anomalies(archive, false_alarms=5)
