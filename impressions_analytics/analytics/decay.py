"""How long after sending mail is opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from impressions_analytics.analytics.ages import (
    ages,
    ages_in_one_pass,
    first_ages,
    misfits,
    misfits_of,
    one_sending_each,
)
from impressions_analytics.analytics.choices import end_is_known, moment, told_end, whole_number
from impressions_analytics.analytics.decay_curve import HOUR, curve_at_hand, defined_curve, ranked_opens, reached_share
from impressions_analytics.analytics.kinds_of_open import OPENED_BY_READER, chosen_kinds, columns_for, rows_of
from impressions_analytics.columns import KINDS
from impressions_analytics.engine import (
    RequiredColumns,
    column_list,
    dtype_of,
    known_from,
    known_until,
    nulls_last,
    open_input,
)
from impressions_analytics.engine.ages import FirstAges, reached
from impressions_analytics.engine.kinds import kind_of_input

_LONG_AGO = "1970-01-01 00:00:00"  # before any mailing
_TIMES = {"unique_opens": "int64", "median_hours": "float64", "p90_hours": "float64"}
_DECAY = {
    "hours": "float64",
    "unique_opens": "int64",
    "share_of_opens": "float64",
    "half_life_hours": "float64",
    "mature": "bool",
}


@kind_of_input
def time_to_open(
    data: Any,
    destinations: Any,
    *,
    by: str | Sequence[str] | None = None,
    kinds: str | Sequence[str] | None = OPENED_BY_READER,
) -> Any:
    """Measure the time from sending to the first open, over the destinations that were opened.

    Parameters
    ----------
    data : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``timestamp``, ``destination`` and ``useragent`` (not needed for all kinds).
    destinations : frame, path or Archive
        Destinations (``ID``, ``timestampsent`` and the columns of `by`).
    by : str or sequence of str, optional
        Columns of `destinations` to measure apart, such as ``"mailing"``.
    kinds : {"person", "proxy", "prefetch", "bot", "unknown"} or a sequence of them, optional
        The kinds of open to count; all of them when None. A prefetch tells when the mailbox fetched, not when anybody
        read.

    Returns
    -------
    DataFrame
        One row per group ordered by it, or a single row when `by` is None. Columns:

        ================ ========== ===========================================================================
        `by`             as in data one column per name in `by`
        ``unique_opens`` int64      destinations that were sent and opened, by `kinds`
        ``median_hours`` float64    least time within which half of them were opened, in hours; null if none
        ``p90_hours``    float64    the same for nine tenths
        ================ ========== ===========================================================================

        No mean: a few late opens would own it. An open within an hour before its sending took no time: clocks differ,
        and go back in autumn. Impressions earlier than that are left out. A destination with several sendings counts
        once, from the earliest. ``attrs`` (pandas results only): ``kinds``, ``impressions_before_sending``,
        ``messages_opened_within_an_hour_before_sending`` and ``impressions_without_destination``.

    Raises
    ------
    MissingColumnError
        A needed column is absent or of a wrong type.

    Notes
    -----
    A time that spans a change of the clocks is one hour off.

    Examples
    --------
    >>> import pandas as pd
    >>> opens = pd.DataFrame({
    ...     "timestamp": pd.to_datetime(["2026-01-05 09:30", "2026-01-05 10:00", "2026-01-06 09:00"]),
    ...     "destination": [112, 113, 112],
    ...     "useragent": "Microsoft Outlook 2007, WinXP",
    ... })
    >>> sent = pd.DataFrame({
    ...     "ID": [112, 113, 114],
    ...     "mailing": [412, 412, 412],
    ...     "timestampsent": pd.to_datetime(["2026-01-05 09:00"] * 3),
    ... })
    >>> time_to_open(opens, sent)
       unique_opens  median_hours  p90_hours
    0             2           0.5        1.0
    """
    groups, chosen = column_list(by), chosen_kinds(kinds)
    required = RequiredColumns("destinations", ("ID", "timestampsent"), by=groups)
    at_hand = ages_in_one_pass((data, _required(chosen)), (destinations, required), chosen)
    if at_hand:
        return _times_at_hand(at_hand[0], groups).pipe(_told, chosen, misfits_of(at_hand[0]))
    source = open_input(data, _required(chosen))
    sent = source.also(destinations, required)
    dtypes = {name: dtype_of(name, required, sent) for name in groups}
    impressions = rows_of(source, chosen)
    aged = ages(impressions, one_sending_each(sent, groups), groups)
    result = source.deliver(_time_to_open(first_ages(aged, groups), groups), {**dtypes, **_TIMES})
    return result if source.lazy else _told(result, chosen, misfits(source, impressions, aged))


def _times_at_hand(found: FirstAges, groups: Sequence[str]) -> pd.DataFrame:
    """Return what `_time_to_open` defines."""
    count = len(found.groups) if groups else 1
    opens = np.bincount(found.places, minlength=count)
    hours = {
        name: np.where(opens > 0, reached(found.places, found.seconds, count, percent) / HOUR, np.nan)
        for name, percent in (("median_hours", 50), ("p90_hours", 90))
    }
    values = found.groups if groups else np.zeros(1, dtype="int64")
    result = pd.DataFrame({"by": values, "unique_opens": opens}).assign(**hours)
    return _grouped(result[result["unique_opens"] > 0].reset_index(drop=True) if groups else result, groups)


def _grouped(result: pd.DataFrame, groups: Sequence[str]) -> pd.DataFrame:
    """Give the column of the group its name and type, or take it away."""
    if not groups:
        return result.drop(columns="by")
    types = {column.name: column.pandas_type for column in KINDS["destinations"]}
    return result.rename(columns={"by": groups[0]}).astype({groups[0]: types[groups[0]]})


def _told(result: pd.DataFrame, kinds: Sequence[str], misfits: dict[str, Any]) -> pd.DataFrame:
    result.attrs.update(kinds=list(kinds), **misfits)
    return result


def _required(kinds: Sequence[str]) -> RequiredColumns:
    return RequiredColumns("impressions", ("timestamp", "destination", *columns_for(kinds)))


def _time_to_open(opened: Any, groups: Sequence[str]) -> Any:
    """Define the analysis."""
    ranked = ranked_opens(opened, groups)
    figures = {
        "unique_opens": ranked.count(),
        "median_hours": reached_share(ranked, 50).cast("float64") / HOUR,
        "p90_hours": reached_share(ranked, 90).cast("float64") / HOUR,
    }
    if not groups:
        return ranked.aggregate(**figures)
    return ranked.group_by(list(groups)).aggregate(**figures).order_by(nulls_last(groups))


@kind_of_input
def open_decay(
    data: Any,
    destinations: Any,
    *,
    by: str | None = "mailing",
    horizon_hours: int = 168,
    as_of: Any = None,
    kinds: str | Sequence[str] | None = OPENED_BY_READER,
) -> Any:
    """Follow how the unique opens of a mailing add up after sending, and when half of them were reached.

    Parameters
    ----------
    data : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``timestamp``, ``destination`` and ``useragent`` (not needed for all kinds).
    destinations : frame, path or Archive
        Destinations (``ID``, ``timestampsent`` and `by`).
    by : str or None
        The column of `destinations` to follow apart; None follows all together.
    horizon_hours : int
        Opens up to this long after sending are followed; those later are left out.
    as_of : datetime-like or str, optional
        Until when the impressions are known, wall clock; later ones are not looked at. When not given, where the
        certificate of the load ends if one came with the data, else the latest impression of any kind: then mail that
        nobody opens any more is never taken for mature. Ibis tables and Spark frames carry no certificate: give it with
        them.
    kinds : {"person", "proxy", "prefetch", "bot", "unknown"} or a sequence of them, optional
        The kinds of open to count; all of them when None. A prefetch tells when the mailbox fetched, not when anybody
        read.

    Returns
    -------
    DataFrame
        One row per group and time after sending, in that order: every five minutes of the first hour, then every whole
        hour up to `horizon_hours`. Columns:

        =================== ========== ==========================================================================
        `by`                as in data the group
        ``hours``           float64    hours after the sending of each destination
        ``unique_opens``    int64      destinations whose first open came within that time
        ``share_of_opens``  float64    of the opens within the horizon; null while not mature
        ``half_life_hours`` float64    least time with half of these opens, in hours; null while not mature
        ``mature``          bool       whether the horizon has passed for every destination of the group, and its
                                       impressions are known from its sending on, by the certificate
        =================== ========== ==========================================================================

        While a group is not mature, its final opens are not known: its counts are shown, its shares are null. What
        comes before the sending, and ``attrs``, are as in `time_to_open`; besides, ``attrs["known_until"]`` says until
        when the impressions are known.

    Raises
    ------
    MissingColumnError
        A needed column is absent or of a wrong type.
    InvalidArgumentError
        `horizon_hours` or `as_of` cannot be used, or `as_of` is missing for an Ibis table or Spark frame.

    Notes
    -----
    A time that spans a change of the clocks is one hour off.

    Examples
    --------
    >>> import pandas as pd
    >>> opens = pd.DataFrame({
    ...     "timestamp": pd.to_datetime(["2026-01-05 09:30", "2026-01-05 10:30"]),
    ...     "destination": [112, 113],
    ...     "useragent": "Microsoft Outlook 2007, WinXP",
    ... })
    >>> sent = pd.DataFrame({
    ...     "ID": [112, 113, 114],
    ...     "mailing": [412, 412, 412],
    ...     "timestampsent": pd.to_datetime(["2026-01-05 09:00"] * 3),
    ... })
    >>> decay = open_decay(opens, sent, horizon_hours=2, as_of="2026-01-06")
    >>> decay[decay["hours"].isin([0.25, 0.5, 1, 2])]
        mailing  hours  unique_opens  share_of_opens  half_life_hours  mature
    3       412   0.25             0             0.0              0.5    True
    6       412   0.50             1             0.5              0.5    True
    12      412   1.00             1             0.5              0.5    True
    13      412   2.00             2             1.0              0.5    True
    """
    whole_number("horizon_hours", horizon_hours, least=1)
    groups, chosen = column_list(by), chosen_kinds(kinds)
    required = RequiredColumns("destinations", ("ID", "timestampsent"), by=groups)
    since, until = known_from(data, "impressions"), known_until(data, "impressions")
    until = until if as_of is None else moment("as_of", as_of)
    at_hand = ages_in_one_pass(
        (data, _required(chosen)), (destinations, required), chosen, until=None if as_of is None else until
    )
    if at_hand:
        found, latest = at_hand
        curve = curve_at_hand(found, horizon_hours, since, latest if until is None else until)
        return _grouped(curve, groups).pipe(_told, chosen, {**misfits_of(found), "known_until": told_end(until)})
    source = open_input(data, _required(chosen))
    end_is_known(until, lazy=source.lazy)
    sent = source.also(destinations, required)
    dtypes = {name: dtype_of(name, required, sent) for name in groups}
    impressions, keys = rows_of(source, chosen), [*groups, "everything"]
    impressions = impressions if as_of is None else impressions.filter(impressions.timestamp <= until)
    sent = one_sending_each(sent.mutate(everything=0), keys)
    aged = ages(impressions, sent, keys)
    known = _known(source.table, since, until)
    curve = defined_curve(first_ages(aged, keys), sent, known, keys, horizon_hours)
    result = source.deliver(curve.order_by(nulls_last([*groups, "hours"])), {**dtypes, **_DECAY})
    if source.lazy:
        return result
    return _told(result, chosen, {**misfits(source, impressions, aged), "known_until": told_end(until)})


def _known(impressions: Any, since: pd.Timestamp | None, until: pd.Timestamp | None) -> Any:
    """Return the one moment since which the impressions are known, and the one until which they are."""
    import ibis

    if until is not None:
        table = ibis.literal(until, "timestamp(6)").name("until").as_table()
    else:
        table = impressions.aggregate(until=impressions.timestamp.max())
    return table.mutate(since=ibis.literal(_LONG_AGO if since is None else since, "timestamp(6)"))
