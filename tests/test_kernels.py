"""The numpy passes give exactly what the definitions in Ibis give, for any rows in any order."""

from __future__ import annotations

from pathlib import Path
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
from impressions_analytics.engine.distinct import BLOCK, bucket_of, count_distinct, distinct, in_order, representatives
from impressions_analytics.engine.pairs import Pairs, group_of, in_buckets, packed, value_of
from impressions_analytics.engine.sweep import Rows, swept
from impressions_analytics.parquet.working_folder import working_folder

AGENTS = ["Mozilla/5.0", "Microsoft Outlook 2007, WinXP", "curl/8.4.0", "foo", "", None]
ALL = ["person", "proxy", "prefetch", "bot", "unknown"]
KIND_OF_AGENT = {"Mozilla/5.0": "prefetch", "Microsoft Outlook 2007, WinXP": "person", "curl/8.4.0": "bot"}
PERIODS = ["hour", "day", "week", "month", "quarter", "year"]
moments = st.datetimes(pd.Timestamp("1969-12-27"), pd.Timestamp("1971-03-03"))
close, apart, far = st.integers(1, 9), st.integers(1, 2_000), st.integers(-(2**63), 2**63 - 1)
numbers = st.sampled_from([close, close | st.integers(70, 75), apart, close | apart | far])
"""How far apart the numbers of one example lie, since that decides how they are counted."""


chosen = st.none() | st.lists(st.sampled_from(ALL), min_size=1, unique=True)


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
    result = analysis(table, **options).to_pyarrow().to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return result.astype(like.dtypes.to_dict())


@given(
    rows,
    st.sampled_from(PERIODS),
    st.booleans(),
    st.sampled_from(["impressions", "first"]),
    st.sampled_from([None, "mailing", "profile"]),
    chosen,
    st.booleans(),
)
@example([], "day", False, "impressions", None, None, True)
@example([], "day", True, "first", "mailing", ["person"], False)
def test_impressions_over_time_is_as_defined(
    rows: Any, every: Any, cumulative: bool, count: Any, by: Any, kinds: Any, in_order: bool
) -> None:
    frame = frame_of(sorted(rows, key=lambda row: row[1]) if in_order else rows)
    if len(frame) and every == "hour":
        frame["timestamp"] = frame["timestamp"].min() + (frame["timestamp"] - frame["timestamp"].min()) % pd.Timedelta(
            "9D"
        )
    options = {"every": every, "cumulative": cumulative, "count": count, "by": by, "kinds": kinds}
    got = ia.impressions_over_time(frame, **options)
    expected = defined(frame, ia.impressions_over_time, got, **options)
    pd.testing.assert_frame_equal(got, expected)


@given(rows, st.sampled_from(["profile", "destination"]), chosen)
@example([], "profile", None)
def test_impressions_per_profile_is_as_defined(rows: Any, by: Any, kinds: Any) -> None:
    frame = frame_of(rows)
    got = ia.impressions_per_profile(frame, by=by, kinds=kinds)
    pd.testing.assert_frame_equal(got, defined(frame, ia.impressions_per_profile, got, by=by, kinds=kinds))
    kind = [KIND_OF_AGENT.get(agent, "unknown") for agent in frame["useragent"].tolist()]
    counted = frame.assign(kind=pd.array(kind, dtype="str")).query(f"kind in {kinds or ALL}")
    assert got.attrs["impressions_without_" + by] == int(counted[by].isna().sum())


@given(
    rows,
    st.sampled_from(["client", "kind", ["os", "device"]]),
    chosen,
)
@example([], "client", None)
def test_user_agent_breakdown_is_as_defined(rows: Any, by: Any, kinds: Any) -> None:
    frame = frame_of(rows)
    got = ia.user_agent_breakdown(frame, by=by, kinds=kinds)
    pd.testing.assert_frame_equal(got, defined(frame, ia.user_agent_breakdown, got, by=by, kinds=kinds))


@given(rows, st.sampled_from([None, "person"]))
@example([], None)
def test_impressions_by_hour_of_week_is_as_defined(rows: Any, kinds: Any) -> None:
    frame = frame_of(rows)
    got = ia.impressions_by_hour_of_week(frame, kinds=kinds)
    pd.testing.assert_frame_equal(got, defined(frame, ia.impressions_by_hour_of_week, got, kinds=kinds))


whole = st.integers(-(2**63), 2**63 - 1) | close | st.sampled_from([-(2**63), 2**63 - 1])


@given(st.lists(whole, max_size=200))
@example([])
@example([-(2**63), 2**63 - 1, 0, -(2**63)])
def test_distinct_numbers_and_their_representatives_are_exact_for_any_64_bits(numbers: list[int]) -> None:
    values = np.array(numbers, "int64")
    assert sorted(distinct(values).tolist()) == sorted(set(numbers))
    chosen = representatives(values)
    assert values[chosen].tolist() == numbers
    assert len(set(chosen.tolist())) == len(set(numbers))
    assert values[in_order(values)].tolist() == sorted(numbers)


def test_numbers_that_were_made_to_meet_in_one_slot_are_still_counted() -> None:
    inverse = pow(0x9E3779B97F4A7C15, -1, 2**64)  # hashes of 0 to 4,999: all leading bits are 0
    values = np.array([number * inverse % 2**64 for number in range(5_000)], "uint64").view("int64").repeat(2)
    assert len(distinct(values)) == len(set(representatives(values).tolist())) == 5_000
    assert (values[representatives(values)] == values).all()


@pytest.mark.parametrize("batches", [1, 3])
def test_pairs_are_distinct_however_many_and_in_whatever_order_they_come(batches: int) -> None:
    rng = np.random.default_rng(7)
    groups, values = rng.integers(0, 40, 3 * BLOCK), rng.integers(1, 20_000, 3 * BLOCK)
    kept = Pairs()
    for some in np.array_split(np.arange(3 * BLOCK), batches):
        kept.keep(in_buckets(packed(groups[some], values[some])))
    portions = list(kept.in_portions(lambda portion: portion))
    found = np.concatenate(portions)
    expected = set(zip(groups.tolist(), values.tolist(), strict=True))
    assert len(found) == len(expected)
    assert set(zip(group_of(found).tolist(), value_of(found).tolist(), strict=True)) == expected
    values_of = [set(value_of(portion).tolist()) for portion in portions]
    assert sum(map(len, values_of)) == len(set().union(*values_of)) == len(np.unique(values))


@given(st.lists(st.integers(0, 2**34 - 1) | st.integers(2**33, 2**33 + 9) | st.just(0), max_size=200))
@example([])
@example([0, 0])
def test_distinct_numbers_above_0_are_counted_by_flags_halves_or_whole(numbers: list[int]) -> None:
    assert count_distinct(np.array(numbers, "int64")) == len(set(numbers) - {0})
    near = [number % 100_000 for number in numbers]
    assert count_distinct(np.array(near, "int64")) == len(set(near) - {0})


def test_pairs_in_buckets_are_made_distinct_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impressions_analytics.engine.pairs._COMPACT", 1_000)
    kept = Pairs()
    for _ in range(8):
        kept.keep(in_buckets(packed(np.arange(600) % 3, np.arange(600))))
        assert sum(len(part) for bucket in kept._buckets for part in bucket) <= 1_800
    assert sum(kept.in_portions(len)) == 600
    assert len(np.unique(bucket_of(np.arange(10_000)))) == 256


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


def test_numbers_too_far_apart_to_be_packed_are_left_to_the_definition() -> None:
    frame = frame_of([(1, pd.Timestamp("1970-01-01"), None, 1, 1), (1, pd.Timestamp("1970-01-01"), None, 2, 2**60)])
    required = RequiredColumns("impressions", ("mailing", "timestamp", "profile"))
    with pytest.raises(UnsuitedError, match="too far apart"):
        passes.per_key(column_batches(frame, required), "profile")
    assert ia.impressions_per_profile(frame)["profile"].tolist() == [1, 2**60]


def test_data_that_is_elsewhere_has_no_pieces() -> None:
    assert (
        column_batches(ibis.memtable(pa.table({"timestamp": [1]})), RequiredColumns("impressions", ("timestamp",)))
        is None
    )


@pytest.mark.sampled(3)
@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize(("by", "long"), [(None, 1), (None, 4096), ("mailing", 1)])
def test_files_in_any_order_of_time_give_what_one_frame_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shuffled: bool, by: str | None, long: int
) -> None:
    monkeypatch.setattr("impressions_analytics.engine.sweep._LONG", long)
    rng = np.random.default_rng(3)
    seconds = np.sort(rng.integers(0, 20 * 86_400, 6_000))
    frame = pd.DataFrame({
        "mailing": rng.integers(1, 4, 6_000),
        "timestamp": pd.Series(seconds * 1_000_000).astype("datetime64[us]"),
        "destination": rng.integers(0, 900, 6_000),
        "profile": pd.array(rng.integers(0, 90, 6_000), dtype="Int64"),
    })  # fmt: skip
    rows = frame.sample(frac=1, random_state=1) if shuffled else frame
    for number, start in enumerate((0, 2_000, 4_000)):
        rows[start : start + 2_000].to_parquet(tmp_path / f"{number}.parquet", row_group_size=500, index=False)
    for options in ({}, {"cumulative": True}, {"count": "first"}):
        got = ia.impressions_over_time(frame, by=by, **options)
        pd.testing.assert_frame_equal(ia.impressions_over_time(tmp_path, by=by, **options), got)
        pd.testing.assert_frame_equal(got, defined(frame, ia.impressions_over_time, got, by=by, **options))


def test_days_that_are_over_by_the_statistics_of_a_file_are_counted_and_forgotten(tmp_path: Path) -> None:
    days = pd.Series(np.repeat(np.arange(6), 100) * 86_400_000_000).astype("datetime64[us]")
    frame = pd.DataFrame({"timestamp": days, "destination": np.arange(600) % 70})
    frame.to_parquet(tmp_path / "opens.parquet", row_group_size=100, index=False)
    batches = list(column_batches(tmp_path, RequiredColumns("impressions", ("timestamp", "destination"))))
    assert [batch.later for batch in batches[:-1]] == [day * 86_400_000_000 for day in range(1, 6)]
    pieces = pa.concat_tables([pa.Table.from_pandas(frame).slice(start, 200) for start in range(0, 600, 200)])
    batches = list(column_batches(pieces, RequiredColumns("impressions", ("timestamp", "destination"))))
    assert [batch.later for batch in batches[:-1]] == [day * 86_400_000_000 for day in (2, 4)]


def rows_of_periods(*periods: int, later: int | None) -> Rows:
    return Rows(np.array(periods), None, {"destination": np.array(periods) + 7}, later)


def test_a_period_is_over_when_no_later_row_has_it_and_never_again_once_rows_do_not_come_in_order() -> None:
    batches = [(1, 1, 2), 2], [(2, 3), 3], [(), 3], [(3, 4), 4]
    rows = [rows_of_periods(*periods, later=later) for periods, later in batches]
    found = [([part.periods.tolist() for part in parts], over) for parts, over in swept(rows)]
    assert found == [([[1, 1]], True), ([[2], [2]], True), ([[3], [3]], True), ([[4]], False)]
    back = [*rows[:2], rows_of_periods(2, 5, later=4), rows_of_periods(6, 7, later=7)]
    found = [([part.periods.tolist() for part in parts], over) for parts, over in swept(back)]
    assert found == [([[1, 1]], True), ([[2], [2]], True), ([[3]], False), ([[2, 5]], False), ([[6, 7]], False)]


def test_rows_that_wait_on_disk_are_tallied_as_those_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(11)
    frame = pd.DataFrame({
        "mailing": rng.integers(1, 9, 3_000),
        "timestamp": pd.Series(rng.integers(0, 9_000, 3_000) * 1_000_000).astype("datetime64[us]"),
        "profile": pd.array(rng.integers(0, 90, 3_000), dtype="Int64"),
    })  # fmt: skip
    frame.loc[::7, "profile"] = None
    in_memory = ia.impressions_per_profile(frame)
    monkeypatch.setattr("impressions_analytics.engine.buckets._MOST_HELD", 500)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pieces = pa.concat_tables([table.slice(start, 400) for start in range(0, 3_000, 400)])
    left = set(working_folder().iterdir())
    pd.testing.assert_frame_equal(ia.impressions_per_profile(pieces), in_memory)
    assert set(working_folder().iterdir()) == left
    assert in_memory["mailings"].tolist() == frame.groupby("profile")["mailing"].nunique().tolist()
