"""What is promised of the address ranges that a user brings."""

from __future__ import annotations

import pandas as pd
import pytest

import impressions_analytics as ia
from impressions_analytics.user_agents import with_user_agents

RANGES = ["172.224.226.0/31", "172.224.0.0/16", "2a02:26f7::/32"]
OPENS = pd.DataFrame(
    {
        "useragent": ["Mozilla/5.0"] * 6 + ["curl/8.5.0"],
        "ip": ["172.224.226.1", "172.224.9.9", "192.0.2.7", "2a02:26f7::5", None, "not an address", "172.224.226.1"],
    }
)
EXPECTED = [True, True, False, True, None, None, None]


def in_ranges(ip_ranges, opens=OPENS):
    found = with_user_agents(opens, ip_ranges=ip_ranges)["in_ip_ranges"]
    assert str(found.dtype) == "boolean"
    return [None if pd.isna(value) else value for value in found]


def test_ranges_speak_of_the_bare_user_agent_and_nothing_else():
    assert in_ranges(RANGES) == EXPECTED


def test_a_range_within_a_wider_one_hides_nothing_of_it():
    assert in_ranges(["172.224.0.0/16", "172.224.1.0/24"]) == [True, True, False, False, None, None, None]


def test_an_ipv4_address_is_the_same_however_ipv6_wraps_it():
    wrapped = OPENS.iloc[:3].assign(ip=["::ffff:172.224.226.1", "::FFFF:ace0:e201", "::ffff:192.0.2.7"])
    assert in_ranges(["172.224.226.0/31"], wrapped) == [True, True, False]
    assert in_ranges(["::ffff:172.224.226.0/127"], OPENS.iloc[:3]) == [True, False, False]


def test_a_file_as_apple_publishes_it_is_read(tmp_path):
    file = tmp_path / "egress-ip-ranges-2026-11-01.csv"
    file.write_text("172.224.226.0/31,GB,GB-EN,London,\n172.224.0.0/16,NL,,,\n\n2a02:26f7::/32,US,US-CA,,\n", "utf-8")
    assert in_ranges(file) == EXPECTED
    assert in_ranges(str(file)) == EXPECTED


def test_a_line_of_names_and_comments_are_passed_over(tmp_path):
    file = tmp_path / "ranges.csv"
    file.write_text("range,owner\n# of 1 November\n" + ",x\n".join(RANGES), "utf-8")
    assert in_ranges(file) == EXPECTED


def test_without_ranges_nothing_is_said_of_addresses():
    assert "in_ip_ranges" not in with_user_agents(OPENS)


def test_an_address_alone_never_makes_a_prefetch():
    found = with_user_agents(OPENS, ip_ranges=RANGES)
    assert found["kind"].astype("str").tolist() == ["prefetch"] * 6 + ["bot"]


def test_no_rows_are_no_trouble():
    assert in_ranges(RANGES, OPENS.iloc[:0]) == []


def test_a_line_that_is_no_range_is_named(tmp_path):
    file = tmp_path / "ranges.csv"
    file.write_text("10.0.0.0/8\n10.0.0.0/33\n", "utf-8")
    with pytest.raises(ia.InvalidArgumentError, match=r"ranges.csv, line 2: '10.0.0.0/33' is not a range"):
        in_ranges(file)
    with pytest.raises(ia.InvalidArgumentError, match="'apple' is not a range"):
        in_ranges(["apple"])


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ia.InvalidArgumentError, match=r"cannot read .*absent\.csv"):
        in_ranges(tmp_path / "absent.csv")


def test_ranges_need_a_column_of_addresses():
    with pytest.raises(ia.MissingColumnError, match="ip_ranges needs a column 'ip'; the frame has 'useragent'"):
        with_user_agents(OPENS[["useragent"]], ip_ranges=RANGES)
