"""A split test is decided only where the machines cannot have decided it."""

import numpy as np
import pandas as pd
import pytest
from split_worlds import false_wins, naive_false_wins, power

import impressions_analytics as ia
from impressions_analytics.analytics.quantiles import student_quantile, student_tail
from impressions_analytics.analytics.split_test import Arm, difference_bounds

OUTLOOK, APPLE, GMAIL = (
    "Microsoft Outlook 2007, WinXP",
    "Mozilla/5.0",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
)
SENT = pd.Timestamp("2026-01-05 09:00")


def events(*counts):
    """Rows of (mailing, first destination, how many, user agent)."""
    rows = [(mailing, first + number, agent) for mailing, first, many, agent in counts for number in range(many)]
    return pd.DataFrame(rows, columns=["mailing", "destination", "useragent"]).astype(
        {"mailing": "int64", "destination": "int64", "useragent": "str"}
    )


def delivered(*counts, at=SENT):
    return events(*((*count, "") for count in counts)).assign(timestamp=at)[["mailing", "destination", "timestamp"]]


TWO = delivered((411, 0, 100), (412, 1000, 100))


def test_counts_are_of_delivered_messages_and_a_human_open_outweighs_a_machines():
    opens = events((411, 0, 50, APPLE), (411, 40, 20, GMAIL), (411, 95, 10, OUTLOOK), (412, 1000, 30, APPLE))
    row = ia.compare_mailings(opens, TWO, a=411, b=412).iloc[0]
    # Gmail opened 40 to 59 and Outlook 95 to 99 of the delivered 0 to 99; Apple alone fetched 0 to 39.
    assert row[["messages_human_a", "messages_machine_only_a", "delivered_a"]].tolist() == [25, 40, 100]
    assert row[["messages_human_b", "messages_machine_only_b", "delivered_b"]].tolist() == [0, 30, 100]
    assert row["difference"] == 0.25
    assert pd.isna(row["messages_clicked_a"])


def test_a_click_makes_a_fetched_message_an_opened_one_and_a_bots_click_does_not():
    opens, clicks = events((411, 0, 50, APPLE)), events((411, 0, 5, OUTLOOK), (411, 5, 5, "curl/8.5.0"))
    row = ia.compare_mailings(opens, TWO, a=411, b=412, clicks=clicks).iloc[0]
    assert row[["messages_clicked_a", "messages_human_a", "messages_machine_only_a"]].tolist() == [5, 5, 45]
    assert row["click_difference"] == 0.05


def test_the_bounds_are_those_counted_by_hand():
    # One success and one failure are added to 98: h = 41 of 100 against 21 of 100, and 20 machine-only in each arm.
    low, high = difference_bounds(Arm(1, 98, 40, 20), Arm(2, 98, 20, 20), [0.0, 1.0], 0.0)
    assert low.tolist() == pytest.approx([0.2, 0.0])  # at worst nobody behind a's machines read, and all behind b's
    assert high.tolist() == pytest.approx([0.2, 0.4])
    low, _ = difference_bounds(Arm(1, 98, 40, 20), Arm(2, 98, 20, 20), [0.0], 1.0)
    assert low[0] == pytest.approx(0.2 - np.sqrt(0.61 * 0.39 / 100 + 0.41 * 0.59 / 100))


def test_the_worst_corner_counts_and_a_hidden_open_varies_by_its_own_rate():
    a, b = Arm(1, 98, 40, 40), Arm(2, 98, 20, 20)
    # Hidden rates of 0 and 0.5: 0.41 - (0.21 + 0.1); of 0.5 and 1: (0.41 + 0.2) - (0.21 + 0.2).
    assert difference_bounds(a, b, [0.5], 0.0)[0].tolist() == pytest.approx([0.1])
    variance_a, variance_b = 0.41 - 0.41**2, (0.21 + 0.25 * 0.2) - 0.31**2
    low, _ = difference_bounds(a, b, [0.5], 1.0)
    assert low[0] == pytest.approx(0.1 - np.sqrt((variance_a + variance_b) / 100))


def test_a_wide_lead_wins_whatever_the_machines_did_and_says_so():
    opens = events((411, 0, 70, OUTLOOK), (412, 1000, 10, OUTLOOK), (412, 1050, 10, APPLE))
    row = ia.compare_mailings(opens, TWO, a=411, b=412).iloc[0]
    assert (row["winner"], row["largest_delta"]) == (411, 1.0)
    assert "whatever the machines did" in row["answer"]
    assert "split at random" in row["answer"]
    turned = ia.compare_mailings(opens, TWO, a=412, b=411).iloc[0]
    assert turned["winner"] == 411
    assert turned["difference_low_delta_100"] == -row["difference_high_delta_100"]


def test_a_lead_that_machines_may_have_made_decides_nothing():
    opens = events((411, 0, 25, OUTLOOK), (411, 25, 60, APPLE), (412, 1000, 30, OUTLOOK), (412, 1030, 10, APPLE))
    row = ia.compare_mailings(opens, TWO, a=411, b=412, delta=1).iloc[0]
    assert pd.isna(row["winner"])
    assert row["answer"].startswith("Nothing can be decided by opens")
    assert "No number of deliveries" in row["answer"]


def test_a_lead_that_needs_a_stronger_assumption_says_which():
    sent = delivered((411, 0, 1000), (412, 2000, 1000))
    opens = events((411, 0, 300, OUTLOOK), (411, 300, 400, APPLE), (412, 2000, 250, OUTLOOK), (412, 2250, 400, APPLE))
    row = ia.compare_mailings(opens, sent, a=411, b=412).iloc[0]
    assert pd.isna(row["winner"])
    assert 0.01 <= row["largest_delta"] < 0.05
    assert "Mailing 411 wins only as long as the open rates that machines hide differ by at most" in row["answer"]
    assert ia.compare_mailings(opens, sent, a=411, b=412, delta=0.01).iloc[0]["winner"] == 411


def test_three_arms_are_three_pairs_that_hold_together():
    sent = delivered((411, 0, 100), (412, 1000, 100), (413, 2000, 100))
    opens = events((411, 0, 40, OUTLOOK), (412, 1000, 28, OUTLOOK), (413, 2000, 10, OUTLOOK))
    pair = ia.compare_mailings(opens, sent, a=411, b=412).iloc[0]
    three = ia.compare_mailings(opens, sent, a=411, b=412, others=[413])
    assert three[["a", "b"]].to_numpy().tolist() == [[411, 412], [411, 413], [412, 413]]
    assert three["difference_low_delta_0"][0] < pair["difference_low_delta_0"]
    assert (pair["winner"], three["winner"].tolist()[1:]) == (411, [411, 412])
    assert pd.isna(three["winner"][0])  # what two arms decide at 5%, three arms do not


def test_arms_that_did_not_leave_together_are_told_apart_from_a_split_test():
    sent = pd.concat([delivered((411, 0, 50)), delivered((412, 1000, 50), at=SENT + pd.Timedelta(days=1))])
    row = ia.compare_mailings(events((411, 0, 40, OUTLOOK)), sent, a=411, b=412).iloc[0]
    assert "24 hours apart" in row["caution"]
    assert "24 hours apart" in row["answer"]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_three_of_three_against_none_of_three_is_the_least_that_wins(size):
    sent = delivered((411, 0, size), (412, 1000, size))
    row = ia.compare_mailings(events((411, 0, size, OUTLOOK)), sent, a=411, b=412).iloc[0]
    assert pd.isna(row["winner"]) == (size < 3)
    assert pd.isna(ia.compare_mailings(events(), sent, a=411, b=412).iloc[0]["winner"])


def test_what_cannot_be_compared_is_refused():
    opens = events((411, 0, 5, OUTLOOK))
    with pytest.raises(ia.AnalysisError, match="no deliveries of mailing 413"):
        ia.compare_mailings(opens, TWO, a=411, b=413)
    with pytest.raises(ia.InvalidArgumentError, match="must all differ, got 411, 411"):
        ia.compare_mailings(opens, TWO, a=411, b=411)
    with pytest.raises(ia.InvalidArgumentError, match="delta must be a number from 0 to 1, got 5"):
        ia.compare_mailings(opens, TWO, a=411, b=412, delta=5)
    with pytest.raises(ia.InvalidArgumentError, match="did you mean 'person'"):
        ia.compare_mailings(opens, TWO, a=411, b=412, kinds="persons")


# Published values: Abramowitz and Stegun, table 26.10.
@pytest.mark.parametrize(("probability", "degrees", "quantile"), [
    (0.95, 1, 6.314), (0.975, 2, 4.303), (0.95, 5, 2.015), (0.975, 10, 2.228), (0.995, 30, 2.750), (0.9995, 7, 5.408),
    (0.95, 120, 1.658), (0.5, 3, 0.0), (0.05, 5, -2.015),
])  # fmt: skip
def test_students_quantiles_are_those_of_the_published_table(probability, degrees, quantile):
    assert student_quantile(probability, degrees) == pytest.approx(quantile, abs=6e-4)
    assert student_tail(student_quantile(probability, degrees), degrees) == pytest.approx(1 - probability)


def test_false_wins_stay_at_five_in_a_hundred_where_the_naive_rate_is_nearly_always_wrong():
    assert naive_false_wins(worlds=400) > 0.9
    assert false_wins(worlds=400, hidden=(0.0, 1.0), delta=1.0) < 0.09  # 5% and its error over 400 worlds
    assert power(worlds=400, apple=0.1, rates=(0.40, 0.25), delta=1.0) > 0.97
    assert power(worlds=400, apple=0.5, rates=(0.40, 0.30), delta=0.05) > 0.93
