"""What each recipient opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd

from impressions_analytics.analytics.choices import choose
from impressions_analytics.analytics.kinds_of_open import batches_of, chosen_kinds, columns_for, rows_of
from impressions_analytics.engine import RequiredColumns, UnsuitedError, column_batches, open_input, passes
from impressions_analytics.engine.kinds import kind_of_input

_TALLIES = ("rows", "mailings", "first", "last")

Key = Literal["profile", "subprofile", "destination"]

_DTYPES = {
    "impressions": "int64",
    "mailings": "int64",
    "first_impression": "datetime64[us]",
    "last_impression": "datetime64[us]",
}


@kind_of_input
def impressions_per_profile(data: Any, *, by: Key = "profile", kinds: str | Sequence[str] | None = None) -> Any:
    """Count the impressions of each profile.

    Parameters
    ----------
    data : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``mailing``, ``timestamp`` and the one named by `by`.
    by : {"profile", "subprofile", "destination"}
        Whose impressions one row counts.
    kinds : {"person", "proxy", "prefetch", "bot", "unknown"} or a sequence of them, optional
        The kinds of open to count, by the column ``useragent``; all of them when not given.

    Returns
    -------
    DataFrame
        One row per profile (subprofile, destination) with an impression, ordered by it. Columns:

        ==================== ============== ==========================================
        `by`                 int64          the profile, subprofile or destination
        ``impressions``      int64          impression rows
        ``mailings``         int64          distinct mailings with an impression
        ``first_impression`` datetime64[us] earliest impression, wall clock
        ``last_impression``  datetime64[us] latest impression, wall clock
        ==================== ============== ==========================================

        Impressions without a profile are left out; ``attrs["impressions_without_profile"]`` says how many they were
        (``..._subprofile``, ``..._destination`` for the other keys), and ``attrs["kinds"]`` which kinds are counted
        (pandas results only).

    Raises
    ------
    MissingColumnError
        A needed column is absent or of a wrong type.
    InvalidArgumentError
        `by` cannot be used.

    Examples
    --------
    >>> import pandas as pd
    >>> opens = pd.DataFrame({
    ...     "mailing": [412, 412, 413],
    ...     "timestamp": pd.to_datetime(["2026-01-05 09:00", "2026-01-05 23:59", "2026-01-07 00:00"]),
    ...     "profile": pd.array([13453, None, 13453], dtype="Int64"),
    ... })
    >>> result = impressions_per_profile(opens)
    >>> result[["profile", "impressions", "mailings"]]
       profile  impressions  mailings
    0    13453            2         2
    >>> result.attrs["impressions_without_profile"]
    1
    """
    choose("by", by, ("profile", "subprofile", "destination"))
    chosen = chosen_kinds(kinds)
    required = RequiredColumns("impressions", (by, "mailing", "timestamp", *columns_for(chosen)))
    result = _in_one_pass(data, required, by, chosen)
    if result is None:
        source = open_input(data, required)
        table = rows_of(source, chosen)
        result = source.deliver(_per_profile(table, by), {by: "int64", **_DTYPES})
        if source.lazy:
            return result
        without = table.aggregate(rows=table[by].isnull().sum())
        result.attrs[f"impressions_without_{by}"] = source.engine.fetch(without)["rows"][0].as_py() or 0
    result.attrs["kinds"] = list(chosen)
    return result


def _in_one_pass(data: Any, required: RequiredColumns, by: str, kinds: Sequence[str]) -> pd.DataFrame | None:
    """Count rows that are at hand by the numpy pass; None where the definition has to do it."""
    rows = column_batches(data, required)
    if rows is None:
        return None
    try:
        found, without = passes.per_key(batches_of(rows, kinds), by)
    except UnsuitedError:
        return None
    columns = {by: found["key"], **dict(zip(_DTYPES, (found[name] for name in _TALLIES), strict=True))}
    result = pd.DataFrame({name: column.astype(_DTYPES.get(name, "int64")) for name, column in columns.items()})
    result.attrs[f"impressions_without_{by}"] = without
    return result


def _per_profile(table: Any, by: str) -> Any:
    """Define the analysis."""
    rows = table.filter(table[by].notnull())
    counted = rows.group_by(by).aggregate(
        impressions=rows.count(),
        mailings=rows.mailing.nunique(),
        first_impression=rows.timestamp.min(),
        last_impression=rows.timestamp.max(),
    )
    return counted.order_by(by)
