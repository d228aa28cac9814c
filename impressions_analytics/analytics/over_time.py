"""Impressions per period: hours, days, weeks, months, quarters or years of the account's wall clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd

from impressions_analytics.analytics.choices import choose
from impressions_analytics.analytics.classes import with_classes
from impressions_analytics.analytics.kinds_of_open import batches_of, chosen_kinds, columns_for, rows_of
from impressions_analytics.columns import KINDS
from impressions_analytics.engine import (
    AnalysisInput,
    RequiredColumns,
    UnsuitedError,
    column_batches,
    column_list,
    dtype_of,
    nulls_last,
    open_input,
    passes,
)
from impressions_analytics.engine.kinds import kind_of_input
from impressions_analytics.errors import AnalysisError, InvalidArgumentError

Every = Literal["hour", "day", "week", "month", "quarter", "year"]
Count = Literal["impressions", "rows", "first"]

_STEPS = {
    "hour": ("h", {"hours": 1}),
    "day": ("D", {"days": 1}),
    "week": ("W", {"weeks": 1}),
    "month": ("M", {"months": 1}),
    "quarter": ("Q", {"months": 3}),
    "year": ("Y", {"months": 12}),
}
_SHORTEST = {name: timedelta(days=days) for name, days in
             {"hour": 1 / 24, "day": 1, "week": 7, "month": 28, "quarter": 90, "year": 365}.items()}  # fmt: skip
MOST_ROWS = 50_000_000
"""No result is larger: it would be gigabytes, and nobody reads it."""

_COUNTED = {
    "impressions": ("impressions", "destinations", "profiles"),
    "rows": ("impressions",),
    "first": ("first_opens",),
}
_KIND = "kind"
_NUMBERS: dict[str, Any] = {
    column.name: column.pandas_type for column in KINDS["impressions"] if column.type == "integer"
}
_DISTINCT = {"destinations": "destination", "profiles": "profile", "first_opens": "destination"}


@kind_of_input
def impressions_over_time(
    data: Any,
    *,
    every: Every = "day",
    by: str | Sequence[str] | None = None,
    count: Count = "impressions",
    cumulative: bool = False,
    kinds: str | Sequence[str] | None = None,
) -> Any:
    """Count impressions per period of the account's wall clock.

    Parameters
    ----------
    data : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``timestamp``, ``destination``, ``profile`` and those of `by`
        (of the last two as far as `count` needs them).
    every : {"hour", "day", "week", "month", "quarter", "year"}
        The length of a period; weeks begin on Monday.
    by : str or sequence of str, optional
        Columns to count apart, such as ``"mailing"``; a null is a group of its own, sorted last. ``"kind"`` is the kind
        of open that the user agent tells: ``person``, ``proxy``, ``prefetch``, ``bot`` or ``unknown``.
    count : {"impressions", "rows", "first"}
        ``"impressions"`` counts every impression, and the distinct destinations and profiles. ``"rows"`` leaves what is
        distinct out, which takes a fraction of the time and the memory. ``"first"`` counts each destination once, in
        the period of its earliest impression (within its group), so that the figures of the periods add up to the
        unique opens.
    cumulative : bool
        Count from the first period up to and including each period instead of within it; distinct destinations and
        profiles are then those seen so far, counted once.
    kinds : {"person", "proxy", "prefetch", "bot", "unknown"} or a sequence of them, optional
        The kinds of open to count, by the column ``useragent``; all of them when not given.

    Returns
    -------
    DataFrame
        One row per period (and group), ordered by ``period``, then `by`; periods without impressions are rows with 0,
        from the first to the last period of what is counted, for every group. Columns:

        ====================== ============== ===========================================================
        ``period``             datetime64[us] start of the period, wall clock
        `by`                   as in the data one column per name in `by`
        ``impressions``        int64          impression rows
        ``destinations``       int64          distinct destinations with an impression
        ``profiles``           int64          distinct profiles with an impression; no profile counts as none
        ====================== ============== ===========================================================

        With ``count="rows"`` the last two are left out; with ``count="first"`` the three are replaced by one,
        ``first_opens`` (int64).
        ``attrs["kinds"]`` names the kinds that are counted (pandas results only).

    Raises
    ------
    MissingColumnError
        A needed column is absent or of a wrong type.
    InvalidArgumentError
        `every`, `by` or `count` cannot be used.
    AnalysisError
        The result would have more than 50 million rows (not checked for lazy results).

    Notes
    -----
    Distinct destinations and profiles do not add up across periods. The hour that occurs twice in autumn is one hour
    here, since the wall clock does not tell the two apart.

    Examples
    --------
    >>> import pandas as pd
    >>> opens = pd.DataFrame({
    ...     "timestamp": pd.to_datetime(["2026-01-05 09:00", "2026-01-05 23:59", "2026-01-07 00:00"]),
    ...     "destination": [112, 112, 113],
    ...     "profile": [13453, 13453, 13454],
    ... })
    >>> impressions_over_time(opens)
          period  impressions  destinations  profiles
    0 2026-01-05            2             1         1
    1 2026-01-06            0             0         0
    2 2026-01-07            1             1         1
    >>> impressions_over_time(opens, every="week", count="first")
          period  first_opens
    0 2026-01-05            2
    """
    choose("every", every, _STEPS)
    choose("count", count, _COUNTED)
    groups, counted = column_list(by), _COUNTED[count]
    taken = {"period", *counted}.intersection(groups)
    if taken:
        raise InvalidArgumentError(f"by names {sorted(taken)}, which the result has itself; rename it in the data")
    chosen = chosen_kinds(kinds)
    distinct = [_DISTINCT[name] for name in counted if name in _DISTINCT]
    agent = ["useragent"] if _KIND in groups else columns_for(chosen)
    by_columns = tuple(name for name in groups if name != _KIND)
    required = RequiredColumns("impressions", ("timestamp", *distinct, *agent), by=by_columns)
    result = None
    if _one_pass(groups):
        result = _in_one_pass(data, required, every, counted, cumulative=cumulative, kinds=chosen)
    if result is None:
        source = open_input(data, required)
        rows = _with_kind(source, chosen) if _KIND in groups else rows_of(source, chosen)
        if required.by and not source.lazy:
            _check_size(AnalysisInput(rows, source.engine), every, required.by)
        expression = _over_time(rows, every, groups, counted, cumulative=cumulative)
        dtypes = {name: "str" if name == _KIND else dtype_of(name, required, rows) for name in groups}
        result = source.deliver(expression, {"period": "datetime64[us]", **dtypes, **dict.fromkeys(counted, "int64")})
        if source.lazy:
            return result
    result.attrs["kinds"] = list(chosen)
    return result


def _with_kind(source: AnalysisInput, kinds: Sequence[str]) -> Any:
    """Return the rows of these kinds, with the kind as a column."""
    rows = with_classes(source, [_KIND])
    return rows.filter(rows.classified_kind.isin(kinds)).mutate(kind=rows.classified_kind)


def _one_pass(groups: Sequence[str]) -> bool:
    """Whether the numpy pass can count by these columns: none, or one of whole numbers."""
    return not groups or (len(groups) == 1 and groups[0] in _NUMBERS)


def _in_one_pass(
    data: Any,
    required: RequiredColumns,
    every: Every,
    counted: Sequence[str],
    *,
    cumulative: bool,
    kinds: Sequence[str],
) -> pd.DataFrame | None:
    """Count rows that are at hand by the numpy pass; None where the definition has to do it."""
    rows = column_batches(data, required)
    if rows is None:
        return None
    distinct = [_DISTINCT[name] for name in counted if name in _DISTINCT]
    by = next(iter(required.by), None)
    try:
        found = passes.over_time(
            batches_of(rows, kinds),
            passes.CALENDARS[every],
            distinct=distinct,
            so_far=cumulative or "first_opens" in counted,
            by=by,
        )
    except UnsuitedError:
        return None
    columns = {name: found[_DISTINCT.get(name, "rows")] for name in counted}
    if cumulative:
        groups = max(1, int(np.count_nonzero(found["period"] == found["period"][:1])))
        columns = {name: column.reshape(-1, groups).cumsum(axis=0).ravel() for name, column in columns.items()}
    apart = {} if by is None else {by: pd.Series(found["by"]).astype(_NUMBERS[by])}
    return pd.DataFrame({"period": found["period"], **apart, **columns})


def _check_size(source: AnalysisInput, every: Every, groups: Sequence[str]) -> None:
    """Refuse a result that would fill the memory: every group has a row for every period."""
    rows = source.table.filter(source.table.timestamp.notnull())
    ends = source.engine.fetch(rows.aggregate(first=rows.timestamp.min(), last=rows.timestamp.max())).to_pylist()[0]
    count = source.engine.fetch(rows.select(*groups).distinct().count().as_table())[0][0].as_py()
    if not count:
        return
    periods = int((ends["last"] - ends["first"]) / _SHORTEST[every]) + 1
    if periods * count > MOST_ROWS:
        raise AnalysisError(
            f"the result would have some {periods * count:,} rows: {periods:,} periods for each of {count:,} groups; "
            f"take a longer period than {every!r}, or fewer groups than by={list(groups)} gives"
        )


def _over_time(table: Any, every: Every, groups: Sequence[str], counted: Sequence[str], *, cumulative: bool) -> Any:
    """Define the analysis: counts per period and group, on a spine of every period and group, added up if asked."""
    import ibis

    rows = table.filter(table.timestamp.notnull())
    rows = rows.mutate(period=rows.timestamp.truncate(_STEPS[every][0]))
    keys = ["period", *groups]
    filled = _spine(rows, every, groups)
    for counts in _counts(rows, keys, counted, added_up=cumulative or "first_opens" in counted):
        joined = filled.left_join(counts, [filled[key].identical_to(counts[key]) for key in keys], rname="right_{name}")
        filled = joined.select(
            *filled.columns, **{name: joined[name].fill_null(0) for name in counts.columns[len(keys) :]}
        )
    if cumulative:
        so_far = ibis.cumulative_window(group_by=list(groups), order_by="period")
        filled = filled.mutate(**{name: filled[name].sum().over(so_far).cast("int64") for name in counted})
    return filled.order_by(nulls_last(keys))


def _spine(rows: Any, every: Every, groups: Sequence[str]) -> Any:
    """Every period from the first to the last, with every group."""
    import ibis

    step = ibis.interval(**_STEPS[every][1])
    ends = rows.aggregate(first=rows.period.min(), last=rows.period.max())
    ends = ends.filter(ends.first.notnull())
    periods = ends.select(period=ibis.range(ends.first, ends.last + step, step).unnest())
    return periods.cross_join(rows.select(*groups).distinct()) if groups else periods


def _counts(rows: Any, keys: Sequence[str], counted: Sequence[str], *, added_up: bool) -> list[Any]:
    """Count within each period; where figures will be added up, count what is distinct where it is first seen."""
    distinct = {name: rows[_DISTINCT[name]] for name in counted if name in _DISTINCT}
    within = {"impressions": rows.count()} if "impressions" in counted else {}
    if not added_up:
        return [
            rows.group_by(keys).aggregate(**within, **{name: column.nunique() for name, column in distinct.items()})
        ]
    firsts = [_first_seen(rows, keys, column.get_name(), name) for name, column in distinct.items()]
    return [rows.group_by(keys).aggregate(**within), *firsts] if within else firsts


def _first_seen(rows: Any, keys: Sequence[str], column: str, name: str) -> Any:
    """Count each value of a column once per group, in the earliest of its periods."""
    groups = [key for key in keys if key != "period"]
    rows = rows.filter(rows[column].notnull()).select("period", *{*groups, column})
    firsts = rows.group_by(list({*groups, column})).aggregate(period=rows.period.min())
    return firsts.group_by(list(keys)).aggregate(**{name: firsts.count()})
