"""The invented world holds together: its sizes are exact, its events follow from each other, and a seed repeats it."""

import ipaddress
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impressions_analytics.sandbox import Sandbox

KINDS = ("impressions", "clicks", "deliveries", "errors", "abuses", "unsubscribes", "destinations", "emailings")
DOCUMENTATION = [
    ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]


@pytest.fixture(scope="module")
def box():
    return Sandbox(impressions=20_000, emailings=10, seed=3)


def same(one, other):
    return all(np.array_equal(one[name], other[name]) for name in one) and list(one) == list(other)


def test_the_same_seed_gives_the_same_world_whatever_is_asked_first():
    one, other = Sandbox(impressions=500, seed=5), Sandbox(impressions=500, seed=5)
    other.add_impressions(3)
    backwards = {kind: other.truth_columns(kind) for kind in reversed(KINDS) if kind != "impressions"}
    assert all(same(one.truth_columns(kind), columns) for kind, columns in backwards.items())
    assert one.truth() == other.truth()[:500]


def test_another_seed_and_another_family_give_other_worlds():
    one, other = Sandbox(impressions=500, seed=5), Sandbox(impressions=500, seed=6)
    assert one.truth() != other.truth()
    publisher = [{key: row[key] for key in row if key != "referer"} for row in one.truth(family="publisher")]
    assert one.truth() != publisher


@given(impressions=st.integers(0, 300), emailings=st.integers(1, 9), seed=st.integers(0, 2**32))
def test_every_world_has_exactly_the_impressions_and_emailings_asked_for(impressions, emailings, seed):
    box = Sandbox(impressions=impressions, emailings=emailings, seed=seed)
    opens, mailings = box.truth_columns(), box.truth_columns("emailings")
    assert (len(opens["ID"]), len(mailings["ID"])) == (impressions, emailings)
    assert (np.diff(opens["ID"]) > 0).all()
    assert set(opens["mailing"]) <= set(mailings["ID"])
    assert mailings["destinations"].sum() == len(box.truth_columns("destinations")["ID"])
    assert impressions == 0 or 112 in opens["destination"]
    for kind in KINDS:
        assert same(box.truth_columns(kind), Sandbox(impressions, emailings=emailings, seed=seed).truth_columns(kind))


def test_a_world_without_emailings_is_empty_and_impressions_need_an_emailing():
    assert [Sandbox(impressions=0, emailings=0).truth(kind) for kind in KINDS] == [[]] * len(KINDS)
    with pytest.raises(ValueError, match="impressions need at least one emailing"):
        Sandbox(impressions=1, emailings=0)


def test_addresses_come_from_the_ranges_kept_for_documentation_in_both_versions(box):
    addresses = {ipaddress.ip_address(text) for text in set(box.truth_columns()["ip"])}
    assert all(any(address in net for net in DOCUMENTATION) for address in addresses)
    assert {address.version for address in addresses} == {4, 6}


def test_nothing_happens_before_it_was_sent_nor_after_the_last_day(box):
    sent = {row["ID"]: row["timestampsent"] for row in box.truth("destinations")}
    for kind in ("impressions", "clicks", "deliveries", "errors", "abuses", "unsubscribes"):
        for row in box.truth(kind):
            assert sent[row["destination"]] < row["timestamp"] < "2026-06-28"


def test_a_click_follows_an_impression_and_every_impression_follows_a_delivery(box):
    delivered = {row["destination"]: row["timestamp"] for row in box.truth("deliveries")}
    opened = defaultdict(list)
    for row in box.truth():
        assert delivered[row["destination"]] <= row["timestamp"]
        opened[row["destination"]].append(row["timestamp"])
    assert box.truth("clicks")
    for row in box.truth("clicks"):
        assert min(opened[row["destination"]]) < row["timestamp"]


def test_abuses_and_unsubscribes_follow_a_delivery_and_a_bounce_has_none(box):
    delivered = {row["destination"]: row["timestamp"] for row in box.truth("deliveries")}
    for kind in ("abuses", "unsubscribes"):
        assert box.truth(kind)
        assert all(delivered[row["destination"]] < row["timestamp"] for row in box.truth(kind))
    bounced = {row["destination"] for row in box.truth("errors") if row["errortype"] != "retry"}
    assert bounced
    assert not bounced & set(delivered)


def test_every_event_agrees_with_its_destination_on_mailing_and_recipient(box):
    known = {row["ID"]: row for row in box.truth("destinations")}
    for kind in ("impressions", "clicks", "deliveries", "errors", "abuses", "unsubscribes"):
        for row in box.truth(kind):
            message = known[row["destination"]]
            assert all(row[name] == message[name] for name in ("mailing", "profile", "subprofile"))


def test_an_emailing_reaches_a_profile_at_most_once(box):
    pairs = [(row["mailing"], row["profile"]) for row in box.truth("destinations")]
    assert len(pairs) == len(set(pairs))


def test_several_impressions_per_destination_are_normal_and_none_has_hundreds(box):
    _, counts = np.unique(box.truth_columns()["destination"], return_counts=True)
    assert (counts > 1).mean() > 0.3
    assert counts.max() < 100


def test_subprofiles_are_mostly_null_and_profiles_are_not(box):
    columns = box.truth_columns("destinations")
    assert 0.5 < (columns["subprofile"] == -1).mean() < 1
    assert (columns["profile"] > 0).all()
    assert {row["subprofile"] is None for row in box.truth("destinations")} == {True, False}


def test_user_agents_are_those_of_mail_with_their_machines_and_gaps(box):
    agents = set(box.truth_columns()["useragent"])
    assert {"Mozilla/5.0", "", None} <= agents
    joined = " ".join(agent for agent in agents if agent)
    for name in (
        "GoogleImageProxy",
        "YahooMailProxy",
        "Microsoft Outlook 16",
        "Thunderbird",
        "SamsungEmail",
        "Edge/12.246",
    ):
        assert name in joined
    assert set(box.truth_columns()["device"]) == {"desktop", "tablet", "mobile", "unknown"}


def test_opens_decay_after_sending(box):
    sent = {row["ID"]: np.datetime64(row["timestampsent"]) for row in box.truth("destinations")}
    columns = box.truth_columns()
    hours = (columns["timestamp"] - np.array([sent[number] for number in columns["destination"]])) / np.timedelta64(
        1, "h"
    )
    first, second, later = ((hours >= low) & (hours < low + 24) for low in (0, 24, 72))
    assert first.sum() > 2 * second.sum() > 2 * later.sum() > 0


def in_hour(box, hour):
    return {
        kind: int((box.truth_columns(kind)["timestamp"].astype("datetime64[h]") == np.datetime64(hour)).sum())
        for kind in ("impressions", "clicks")
    }


def test_nothing_happens_in_the_hour_that_the_clock_skips():
    spring = Sandbox(impressions=200_000, emailings=1, seed=3, first_day="2026-03-28", last_day="2026-04-05")
    assert in_hour(spring, "2026-03-29T02") == {"impressions": 0, "clicks": 0}
    assert min(in_hour(spring, "2026-03-29T01").values()) > 0
    assert min(in_hour(spring, "2026-03-29T03").values()) > 0


def test_some_impressions_happen_in_the_hour_that_the_clock_repeats(box):
    assert in_hour(box, "2025-10-26T02")["impressions"] >= 2


def test_a_few_impressions_are_learnt_of_late(box):
    times = box.truth_columns()["timestamp"].astype(np.int64)
    late = (times < np.maximum.accumulate(times)).sum()
    assert 0 < late < 0.05 * len(times)


def test_truth_as_rows_and_as_columns_say_the_same(box):
    for kind in KINDS:
        rows, columns = box.truth(kind)[:50], box.truth_columns(kind)
        for number, row in enumerate(rows):
            for name, values in columns.items():
                value = values[number]
                if values.dtype.kind == "M":
                    assert row[name] == str(value).replace("T", " ")
                elif values.dtype.kind == "i":
                    assert row[name] == (None if value == -1 else int(value))
                else:
                    assert row[name] == value


def test_a_kind_or_family_that_does_not_exist_is_refused(box):
    with pytest.raises(ValueError, match="kind is 'opens'; it can be one of impressions, clicks"):
        box.truth("opens")
    with pytest.raises(ValueError, match="family is 'sms'; it can be 'ms' or 'publisher'"):
        box.truth("clicks", "sms")


def test_days_that_leave_no_room_are_refused():
    with pytest.raises(ValueError, match="leave less than a week"):
        Sandbox(first_day="2026-01-01", last_day="2026-01-03")


@pytest.mark.slow
def test_five_million_impressions_are_all_there():
    opens = Sandbox(impressions=5_000_000).truth_columns()
    assert len(opens["ID"]) == 5_000_000
    assert (np.diff(opens["ID"]) > 0).all()
