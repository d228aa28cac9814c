"""The numpy passes over several inputs give exactly what the definitions in Ibis give, for any rows in any order."""

from __future__ import annotations

from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
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
    expected = defined.to_pyarrow().to_pandas().astype(got.dtypes.to_dict())
    pd.testing.assert_frame_equal(got, expected, check_exact=True)


opens_and_sent = numbers.flatmap(lambda destinations: st.tuples(events(destinations), sendings(destinations)))


@given(opens_and_sent, st.booleans(), st.sampled_from([None, "mailing", ["mailing", "region"]]), kinds)
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
    same(ia.open_decay(opens, sent, **options), ia.open_decay(lazy(opens), lazy(sent), **options))


groups = st.sampled_from([None, "mailing", "destination", "profile", ["mailing", "profile"]])


@given(numbers.flatmap(events), groups)
@example([], None)
@example([], "mailing")
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
