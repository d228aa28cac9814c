"""The numpy passes give exactly what the definitions in Ibis give, for any rows in any order."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import impressions_analytics as ia
from impressions_analytics.engine import RequiredColumns, UnsuitedError, column_batches, passes
from impressions_analytics.engine.distinct import count_distinct, count_first_seen, distinct_values
from impressions_analytics.engine.groups import Groups, in_runs

AGENTS = ["Mozilla/5.0", "Microsoft Outlook 2007, WinXP", "curl/8.4.0", "foo", "", None]
PERIODS = ["hour", "day", "week", "month", "quarter", "year"]
moments = st.datetimes(pd.Timestamp("1969-12-27"), pd.Timestamp("1971-03-03"))
close, apart, far = st.integers(1, 9), st.integers(1, 2_000), st.integers(-(2**62), 2**62)
numbers = st.sampled_from([close, close | st.integers(70, 75), apart, close | apart | far])
"""How far apart the numbers of one example lie, since that decides how they are counted."""


def rows_of(destinations: Any, profiles: Any) -> Any:
    columns = st.integers(1, 4), moments, st.sampled_from(AGENTS), destinations, st.none() | profiles
    return st.lists(st.tuples(*columns), max_size=30)


rows = st.tuples(numbers, numbers).flatmap(lambda both: rows_of(*both))


def frame_of(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    mailing, timestamp, useragent, destination, profile = zip(*rows, strict=True) if rows else [()] * 5
    return pd.DataFrame({
        "mailing": np.array(mailing, dtype="int64"),
        "timestamp": pd.Series(timestamp, dtype="datetime64[us]"),
        "useragent": pd.Categorical(useragent, categories=AGENTS[:-1]),
        "destination": np.array(destination, dtype="int64"),
        "profile": pd.array(profile, dtype="Int64"),
    })  # fmt: skip


def defined(frame: pd.DataFrame, analysis: Any, like: pd.DataFrame, **options: Any) -> pd.DataFrame:
    """What the definition gives: an Ibis table never goes the way of the passes."""
    table = ibis.memtable(pa.Table.from_pandas(frame, preserve_index=False))
    result = analysis(table, **options).to_pyarrow().to_pandas()
    return result.astype(like.dtypes.to_dict())


@given(rows, st.sampled_from(PERIODS), st.booleans(), st.sampled_from(["impressions", "first"]))
@example([], "day", False, "impressions")
def test_impressions_over_time_is_as_defined(rows: Any, every: Any, cumulative: bool, count: Any) -> None:
    frame = frame_of(rows)
    got = ia.impressions_over_time(frame, every=every, cumulative=cumulative, count=count)
    expected = defined(frame, ia.impressions_over_time, got, every=every, cumulative=cumulative, count=count)
    pd.testing.assert_frame_equal(got, expected)


@given(rows, st.sampled_from(["profile", "destination"]))
@example([], "profile")
def test_impressions_per_profile_is_as_defined(rows: Any, by: Any) -> None:
    frame = frame_of(rows)
    got = ia.impressions_per_profile(frame, by=by)
    pd.testing.assert_frame_equal(got, defined(frame, ia.impressions_per_profile, got, by=by))
    assert got.attrs == {f"impressions_without_{by}": int(frame[by].isna().sum())}


@given(
    rows,
    st.sampled_from(["client", "kind", ["os", "device"]]),
    st.none() | st.lists(st.sampled_from(["person", "prefetch", "bot"]), min_size=1, unique=True),
)
@example([], "client", None)
def test_user_agent_breakdown_is_as_defined(rows: Any, by: Any, kinds: Any) -> None:
    frame = frame_of(rows)
    got = ia.user_agent_breakdown(frame, by=by, kinds=kinds)
    pd.testing.assert_frame_equal(got, defined(frame, ia.user_agent_breakdown, got, by=by, kinds=kinds))


pairs = numbers.flatmap(lambda number: st.lists(st.tuples(st.integers(-3, 5), number), max_size=40))


@given(st.lists(pairs, max_size=3))
@example([[(1, 5), (2, 6), (2, 6), (1, 7)]])
def test_distinct_values_are_counted_exactly_however_the_rows_are_cut_up(cuts: list[list[tuple[int, int]]]) -> None:
    groups, sets = Groups(), {}
    for cut in cuts:
        keys, values = np.array([key for key, _ in cut], "int64"), np.array([value for _, value in cut], "int64")
        try:
            groups.add(in_runs(keys), values, None)
        except UnsuitedError:
            return
        for key, value in cut:
            sets.setdefault(key, set()).add(value)
    assert groups.distinct() == {key: len(values) for key, values in sets.items()}
    assert groups.distinct_of_all() == len(set().union(*sets.values()))


@given(st.lists(st.tuples(st.integers(-3, 5), close | far | st.sampled_from([-(2**63), 2**63 - 1])), max_size=40))
@example([(1, -(2**63)), (2, 2**63 - 1), (2, -(2**63))])
def test_values_first_seen_are_those_of_no_earlier_group(rows: list[tuple[int, int]]) -> None:
    groups = [np.array([v for k, v in rows if k == group], "int64") for group in range(-3, 6)]
    seen, expected = set(), [0] * 9
    for group, value in sorted(rows):
        expected[group + 3] += value not in seen
        seen.add(value)
    assert count_first_seen(groups).tolist() == expected
    assert count_distinct(groups) == len(seen)
    assert distinct_values(groups).tolist() == sorted(seen)


@given(st.lists(st.datetimes(pd.Timestamp("1900-01-01"), pd.Timestamp("2200-01-01")), min_size=1, max_size=20))
@pytest.mark.parametrize("every", PERIODS)
def test_periods_are_those_of_pandas(every: str, moments: list[Any]) -> None:
    calendar, series = passes.CALENDARS[every], pd.Series(moments).astype("datetime64[us]")
    frequency = {"hour": "h", "day": "D", "week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}[every]
    starts = calendar.starts(calendar.numbers(series.astype("int64").to_numpy()))
    assert pd.Series(starts).tolist() == series.dt.to_period(frequency).dt.start_time.tolist()


def test_rows_cut_into_many_pieces_give_the_same() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({
        "mailing": rng.integers(1, 99, 5_000),
        "timestamp": pd.Series(rng.integers(0, 90 * 86_400, 5_000) * 1_000_000).astype("datetime64[us]"),
        "destination": rng.integers(0, 900, 5_000),
        "profile": pd.array(rng.integers(0, 90, 5_000), dtype="Int64"),
    })  # fmt: skip
    frame.loc[::7, "profile"] = None
    whole = ia.impressions_over_time(frame), ia.impressions_per_profile(frame)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pieces = pa.concat_tables([table.slice(start, 100) for start in range(0, 5_000, 100)])
    pd.testing.assert_frame_equal(ia.impressions_over_time(pieces), whole[0])
    pd.testing.assert_frame_equal(ia.impressions_per_profile(pieces), whole[1])
    mailings = frame.groupby("profile")["mailing"].nunique()
    assert dict(zip(whole[1]["profile"], whole[1]["mailings"], strict=True)) == mailings.to_dict()
    by_hand = frame.groupby(frame["timestamp"].dt.floor("D"))[["destination", "profile"]].nunique()
    assert whole[0].set_index("period")[["destinations", "profiles"]].to_numpy().tolist() == by_hand.to_numpy().tolist()


def test_a_small_frame_with_far_numbers_never_asks_for_gigabytes() -> None:
    frame = frame_of([(1, pd.Timestamp("1970-01-01"), None, 1, 1), (1, pd.Timestamp("1970-01-01"), None, 2, 2**40)])
    with pytest.raises(UnsuitedError, match="2 rows whose numbers span"):
        passes.per_key(
            column_batches(frame, RequiredColumns("impressions", ("mailing", "timestamp", "profile"))), "profile"
        )
    assert ia.impressions_per_profile(frame)["profile"].tolist() == [1, 2**40]


def test_data_that_is_elsewhere_has_no_pieces() -> None:
    assert (
        column_batches(ibis.memtable(pa.table({"timestamp": [1]})), RequiredColumns("impressions", ("timestamp",)))
        is None
    )
