"""Periods: what a caller may write, and how a period is cut without a gap or an overlap."""

from __future__ import annotations

import datetime as dt
import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import impressions_analytics as ia
from impressions_analytics.api.endpoints import event_endpoint, period_parameters
from impressions_analytics.api.windows import EARLIEST, LATEST, SECOND, Window, read_moment, read_period
from impressions_analytics.sandbox import Sandbox

NEW_YEAR = dt.datetime(2026, 1, 1)
SECONDS = st.datetimes(EARLIEST, LATEST).map(lambda moment: moment.replace(microsecond=0))


@pytest.mark.parametrize(
    ("given_", "moment"),
    [
        ("2026-01-01", NEW_YEAR),
        (" 2026-01-01 ", NEW_YEAR),
        ("2026-01-01 00:00:00", NEW_YEAR),
        ("2026-01-01T13:30", dt.datetime(2026, 1, 1, 13, 30)),
        (dt.date(2026, 1, 1), NEW_YEAR),
        (NEW_YEAR, NEW_YEAR),
        (pd.Timestamp("2026-01-01 10:00"), dt.datetime(2026, 1, 1, 10)),
        (dt.datetime(2026, 1, 1, 0, 0, 0, 1), NEW_YEAR + SECOND),
        (pd.Timestamp("2026-01-01 00:00:00.000000001"), NEW_YEAR),
        ("2025-12-31 23:59:59.5", NEW_YEAR),
        (None, None),
    ],
)
def test_a_moment_is_the_first_second_that_is_not_before_it(given_, moment):
    read = read_moment("begin", given_)
    assert read == moment
    assert type(read) in (dt.datetime, type(None))


@pytest.mark.parametrize(
    "given_",
    ["", "yesterday", "2026-02-30", "2026-13-01", "01-02-2026", "2026-01-01 25:00", 20260101, 1.5, True, pd.NaT,
     np.datetime64("2026-01-01"), ["2026-01-01"], "1999-12-31", "2100-01-02", dt.date.max, "2026-01-01T00:00:00Z",
     "2026-01-01T00:00:00+01:00", dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
     pd.Timestamp("2026-01-01", tz="Europe/Paris")],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("name", ["begin", "end"])
def test_what_is_no_moment_is_refused_by_name_and_value(name, given_):
    with pytest.raises(ia.InvalidArgumentError) as caught:
        read_period(**{"begin": None, "end": None, name: given_})
    assert str(caught.value).startswith(f"{name}={given_!r}")


def test_a_reversed_period_is_refused_and_an_empty_one_is_not():
    with pytest.raises(ia.InvalidArgumentError, match="begin=2026-01-02 00:00:00 is not before end=2026-01-01"):
        read_period("2026-01-02", "2026-01-01")
    assert read_period("2026-01-01", "2026-01-01") == (NEW_YEAR, NEW_YEAR)
    assert read_period(None, "2026-01-01") == (None, NEW_YEAR)


@given(SECONDS, SECONDS, st.integers(-2, 60))
def test_the_parts_of_a_window_are_together_the_window(one, other, parts):
    window = Window(min(one, other), max(one, other))
    cut = window.cut(parts)
    assert 1 <= len(cut) <= max(1, parts)
    assert (cut[0].begin, cut[-1].end) == (window.begin, window.end)
    assert all(first.end == second.begin for first, second in itertools.pairwise(cut))
    if window.begin < window.end:
        assert all(part.begin < part.end for part in cut)
        lengths = [part.end - part.begin for part in cut]
        assert max(lengths) - min(lengths) <= SECOND


def test_a_window_is_not_cut_below_a_second():
    assert len(Window(NEW_YEAR, NEW_YEAR + 3 * SECOND).cut(10)) == 3
    assert Window(NEW_YEAR, NEW_YEAR).cut(10) == [Window(NEW_YEAR, NEW_YEAR)]


def test_a_margin_asks_for_the_second_before_and_the_second_after():
    assert Window(NEW_YEAR, NEW_YEAR + SECOND).asked(SECOND) == ("2025-12-31 23:59:59", "2026-01-01 00:00:02")


def test_an_end_that_nobody_named_is_not_asked_for():
    assert Window(EARLIEST, NEW_YEAR).asked(SECOND) == (None, "2026-01-01 00:00:01")
    assert Window(NEW_YEAR, LATEST).asked() == ("2026-01-01 00:00:00", None)


@given(SECONDS)
def test_a_window_is_written_as_the_api_writes_times(moment):
    (text, _) = Window(moment, LATEST).asked()
    if moment == EARLIEST:
        assert text is None
        return
    assert len(text) == 19
    assert dt.datetime.fromisoformat(text) == moment


def test_a_load_without_ends_leaves_no_row_out_however_old_it_says_it_is():
    with Sandbox(impressions=0, emailings=1) as box:
        box.add_impressions(3, timestamps=["1970-01-01 00:00:00", "1999-12-31 23:59:59", "2026-01-01 00:00:00"])
        frame = ia.load_impressions(ia.Copernica(box.access_token, url=box.url))
        assert frame["timestamp"].dt.year.tolist() == [1970, 1999, 2026]
        assert frame.attrs["load"]["verdict"] == "complete"


@pytest.mark.sampled(1)
@pytest.mark.parametrize("off", [-6, 10**11, 10**30])
def test_a_total_that_no_list_can_have_is_refused_before_it_is_planned_with(off):
    with (
        Sandbox(impressions=5, emailings=1, total_off=off) as box,
        pytest.raises(ia.MalformedResponseError, match="total is"),
    ):
        ia.load_impressions(ia.Copernica(box.access_token, url=box.url))


def test_emailings_and_destinations_are_loaded_typed():
    with Sandbox(impressions=50, emailings=3) as box:
        api = ia.Copernica(box.access_token, url=box.url)
        emailings, destinations = ia.load_emailings(api), ia.load_destinations(api)
        assert emailings["ID"].tolist() == [row["ID"] for row in box.truth("emailings")]
        assert emailings["from_email"].notna().all()
        assert sorted(destinations["ID"]) == [row["ID"] for row in box.truth("destinations")]


@pytest.mark.parametrize(
    ("end", "day"), [("2026-01-31 00:00:00", "2026-01-31"), ("2026-01-31 00:00:01", "2026-02-01"), (None, "2100-01-01")]
)
def test_a_list_that_knows_days_only_is_asked_for_the_whole_last_day(end, day):
    asked = ("2026-01-01 12:00:00", end)
    assert period_parameters("from", asked, asked) == [("from", "2026-01-01"), ("to", day)]


def test_rows_show_the_number_of_an_emailing_but_not_the_hash_of_a_destination():
    of = {
        (family, level): event_endpoint("clicks", version=3, family=family, level=level, of="412").of
        for family in ("ms", "publisher")
        for level in ("emailing", "destination", "account")
    }
    assert of == {
        ("ms", "emailing"): ("mailing", 412), ("ms", "destination"): ("destination", 412), ("ms", "account"): None,
        ("publisher", "emailing"): ("mailing", 412), ("publisher", "destination"): None, ("publisher", "account"): None,
    }  # fmt: skip
