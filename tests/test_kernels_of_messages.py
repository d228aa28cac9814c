"""The numpy passes over several inputs give exactly what the definitions in Ibis give, for any rows in any order."""

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

AGENTS = ["Mozilla/5.0", "Microsoft Outlook 2007, WinXP", "curl/8.4.0", "foo", None]
START = pd.Timestamp("2026-03-01")
close, far = st.integers(1, 6), st.integers(-(2**63), 2**63 - 1)
numbers = st.sampled_from([close, close | far])
"""How far apart the numbers of one example lie, since that decides how they are counted."""
moments = st.timedeltas(pd.Timedelta("-2h"), pd.Timedelta("3h")).map(lambda apart: START + apart)
moments = moments | st.datetimes(pd.Timestamp("1969-12-27"), pd.Timestamp("2200-01-01")) | st.just(START)
kinds = st.sampled_from([None, "person", ["person", "prefetch", "unknown"]])


def events(destinations: Any) -> Any:
    columns = st.integers(1, 3), st.none() | destinations, moments, st.sampled_from(AGENTS)
    return st.lists(st.tuples(*columns), max_size=20)


def sendings(destinations: Any) -> Any:
    return st.lists(st.tuples(destinations, st.integers(1, 3), moments), max_size=12)


def opens_of(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    mailing, destination, timestamp, useragent = zip(*rows, strict=True) if rows else [()] * 4
    return pd.DataFrame({
        "mailing": np.array(mailing, dtype="int64"),
        "timestamp": pd.Series(timestamp, dtype="datetime64[us]"),
        "useragent": pd.Categorical(useragent, categories=AGENTS[:-1]),
        "destination": pd.array(destination, dtype="Int64"),
    })  # fmt: skip


def sent_of(rows: list[tuple[Any, ...]], *, once: bool) -> pd.DataFrame:
    """Return destinations; each once, unless several sendings of one are looked for."""
    rows = list({row[0]: row for row in rows}.values()) if once else rows
    numbers, mailing, timestamp = zip(*rows, strict=True) if rows else [()] * 3
    return pd.DataFrame({
        "ID": np.array(numbers, dtype="int64"),
        "mailing": np.array(mailing, dtype="int64"),
        "timestampsent": pd.Series(timestamp, dtype="datetime64[us]"),
        "region": pd.Series(["north"] * len(rows), dtype="str"),
    })  # fmt: skip


def lazy(frame: pd.DataFrame) -> Any:
    """Return the rows as an Ibis table, which never goes the way of the passes."""
    return ibis.memtable(pa.Table.from_pandas(frame, preserve_index=False))


def same(got: pd.DataFrame, defined: Any) -> None:
    # A nullable number stays a whole number on the way: a float would round it from 2**53 on.
    expected = defined.to_pyarrow().to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    expected = expected.astype(got.dtypes.to_dict())
    pd.testing.assert_frame_equal(got, expected, check_exact=True)


opens_and_sent = numbers.flatmap(lambda destinations: st.tuples(events(destinations), sendings(destinations)))


@given(opens_and_sent, st.booleans(), st.sampled_from([None, "mailing", "ID", ["mailing", "region"]]), kinds)
@example(([], []), True, None, None)
@example(([], [(1, 1, START)]), True, "mailing", None)
def test_time_to_open_is_as_defined(rows: Any, once: bool, by: Any, kinds: Any) -> None:
    opens, sent = opens_of(rows[0]), sent_of(rows[1], once=once)
    got = ia.time_to_open(opens, sent, by=by, kinds=kinds)
    same(got, ia.time_to_open(lazy(opens), lazy(sent), by=by, kinds=kinds))
    shuffled = opens.sample(frac=1, random_state=1), sent.sample(frac=1, random_state=1)
    again = ia.time_to_open(*shuffled, by=by, kinds=kinds)
    pd.testing.assert_frame_equal(again, got)
    assert again.attrs == got.attrs


@given(
    opens_and_sent,
    st.booleans(),
    st.sampled_from([None, "mailing"]),
    st.sampled_from([1, 2, 30]),
    st.sampled_from([None, "2026-03-01 01:00", "2026-03-09"]),
    kinds,
)
@example(([], []), True, "mailing", 1, None, None)
@example(([], [(1, 1, START)]), True, "mailing", 1, "2026-03-09", None)
def test_open_decay_is_as_defined(rows: Any, once: bool, by: Any, horizon: int, as_of: Any, kinds: Any) -> None:
    opens, sent = opens_of(rows[0]), sent_of(rows[1], once=once)
    options = {"by": by, "horizon_hours": horizon, "as_of": as_of, "kinds": kinds}
    latest = opens["timestamp"].max() if len(opens) else pd.Timestamp("1900-01-01")
    told = {**options, "as_of": as_of or latest}
    same(ia.open_decay(opens, sent, **options), ia.open_decay(lazy(opens), lazy(sent), **told))


groups = st.sampled_from([None, "mailing", "destination", "profile", ["mailing", "profile"]])


@given(numbers.flatmap(events), groups)
@example([], None)
@example([], "mailing")
@example([(1, None, START, None), (1, 2**53 + 1, START, None)], "destination")
def test_human_opens_are_as_defined(rows: Any, by: Any) -> None:
    opens = opens_of(rows)
    opens["profile"] = pd.array([None, *range(len(opens))][: len(opens)], dtype="Int64") // 4
    same(ia.human_opens(opens, by=by), ia.human_opens(lazy(opens), by=by))


four = numbers.flatmap(lambda few: st.tuples(events(few), events(few), events(few), sendings(few)))


@given(four, st.booleans(), st.booleans(), st.booleans())
@example(([], [], [], []), True, False, True)
def test_mailing_performance_is_as_defined(rows: Any, alone: bool, nulls: bool, intervals: bool) -> None:
    opens, clicks, arrived = map(opens_of, rows[:3])
    if nulls:
        opens["mailing"] = opens["mailing"].astype("Int64").mask(opens["mailing"] == 2)
    inputs = {"destinations": sent_of(rows[3], once=False), "deliveries": arrived, "clicks": clicks}
    inputs = {} if alone else inputs
    got = ia.mailing_performance(opens, **inputs, intervals=intervals)
    others = {name: lazy(frame) for name, frame in inputs.items()}
    same(got, ia.mailing_performance(lazy(opens), **others, intervals=intervals))


@given(numbers.flatmap(lambda few: st.tuples(events(few), events(few))), st.booleans(), kinds)
@example(([], []), True, None)
@example(([], [(1, None, START, None)]), True, None)
def test_engagement_is_as_defined(rows: Any, clicked: bool, kinds: Any) -> None:
    opens, clicks = (opens_of(some).rename(columns={"destination": "profile"}) for some in rows)
    options = {"as_of": "2026-03-01 01:00", "window_days": 1, "kinds": kinds}
    got = ia.engagement_segments(opens, clicks=clicks if clicked else None, **options)
    same(got, ia.engagement_segments(lazy(opens), clicks=lazy(clicks) if clicked else None, **options))


@pytest.mark.slow
def test_rows_of_several_files_that_wait_on_disk_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, size = np.random.default_rng(5), 4_000
    opens = pd.DataFrame({
        "mailing": rng.integers(1, 4, size),
        "timestamp": START + pd.to_timedelta(rng.integers(-4_000, 90_000, size), unit="s").astype("timedelta64[us]"),
        "useragent": rng.choice(AGENTS[:-1], size),
        "destination": rng.integers(1, 900, size),
        "profile": pd.array(rng.integers(0, 90, size), dtype="Int64"),
    })  # fmt: skip
    sent = pd.DataFrame({"ID": range(1_000), "mailing": np.arange(1_000) % 3 + 1, "timestampsent": START})
    for number in range(4):
        opens[number::4].to_parquet(tmp_path / f"{number}.parquet", row_group_size=300, index=False)

    def figures(given: Any) -> list[pd.DataFrame]:
        return [
            ia.time_to_open(given, sent, by="mailing"),
            ia.open_decay(given, sent),
            ia.mailing_performance(given, destinations=sent, clicks=opens[:500]),
            ia.human_opens(given, by="mailing"),
            ia.engagement_segments(given, as_of="2026-04-01", clicks=opens[:500]),
        ]

    in_memory = figures(opens)
    monkeypatch.setattr("impressions_analytics.engine.buckets._MOST_HELD", 700)
    for got, expected in zip(figures(tmp_path), in_memory, strict=True):
        pd.testing.assert_frame_equal(got, expected)
    first = opens[opens["useragent"] == AGENTS[1]].merge(sent, left_on="destination", right_on="ID")
    age = (first["timestamp"] - first["timestampsent"]).dt.total_seconds()
    ages = first.assign(age=age)[age >= -3600].groupby("destination")["age"].min().clip(lower=0)
    assert ia.time_to_open(tmp_path, sent)["unique_opens"].tolist() == [len(ages)]
    assert ia.time_to_open(tmp_path, sent)["median_hours"].tolist() == [
        ages.sort_values().iloc[-(-len(ages) // 2) - 1] / 3600
    ]
