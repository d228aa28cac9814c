"""On which weekdays and at which hours mail is opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from impressions_analytics.analytics.ages import one_sending_each
from impressions_analytics.analytics.choices import end_is_known, moment, told_end, whole_number
from impressions_analytics.analytics.kinds_of_open import (
    OPENED_BY_READER,
    batches_of,
    chosen_kinds,
    columns_for,
    rows_of,
)
from impressions_analytics.engine import (
    RequiredColumns,
    UnsuitedError,
    column_batches,
    known_until,
    open_input,
    passes,
    whole_numbers,
)
from impressions_analytics.engine.kinds import kind_of_input
from impressions_analytics.errors import InvalidArgumentError

_HOUR = 3600  # seconds
_BEFORE_1970 = 719_162 * 24
"""Hours from Monday the first of January of the year 1: engines differ in the remainder of a number below 0."""
_DTYPES = {"weekday": "int64", "hour": "int64", "impressions": "int64"}
_EXPOSED = {"message_hours": "int64", "impressions_per_message_hour": "float64"}


@kind_of_input
def impressions_by_hour_of_week(
    data: Any,
    *,
    destinations: Any = None,
    deliveries: Any = None,
    after_hours: int = 0,
    horizon_hours: int = 168,
    as_of: Any = None,
    kinds: str | Sequence[str] | None = OPENED_BY_READER,
) -> Any:
    """Count impressions per weekday and hour of the account's wall clock.

    The bare count mirrors when mail was sent. Given `destinations`, each cell is also held against the messages that
    were out during it; ``after_hours=24`` leaves out the first day of each message, in which most opens follow the
    sending and not the reader's habits.

    Parameters
    ----------
    data : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``timestamp`` and ``useragent`` (not needed for all kinds), and ``destination`` if
        `destinations` is given.
    destinations : frame, path or Archive, optional
        Destinations (``ID``, ``timestampsent``).
    deliveries : frame, path or Archive, optional
        Deliveries (``destination``) of the same mail: messages that bounced were never out, so they are left out.
    after_hours, horizon_hours : int
        With `destinations`: only opens in the hours from `after_hours` up to `horizon_hours` after the hour of sending
        count, and only those hours of a message are exposure. Other opens are left out.
    as_of : datetime-like or str, optional
        With `destinations`: until when the impressions are known, wall clock. Later ones are not looked at, and later
        hours are no exposure. When not given, where the certificate of the load ends if one came with the data, else
        the latest impression of any kind. Ibis tables and Spark frames carry no certificate: give it with them.
    kinds : {"person", "proxy", "prefetch", "bot", "unknown"} or a sequence of them, optional
        The kinds of open to count; all of them when None. A prefetch tells when the mailbox fetched, not when anybody
        read.

    Returns
    -------
    DataFrame
        168 rows, ordered by weekday and hour, also for an empty input. Columns:

        ================================ ======= ==================================================================
        ``weekday``                      int64   1 is Monday, 7 is Sunday
        ``hour``                         int64   0 to 23
        ``impressions``                  int64   impression rows of `kinds`
        ``message_hours``                int64   hours that messages were out in this cell (with `destinations`),
                                                 as far as the impressions are known
        ``impressions_per_message_hour`` float64 null where no message was out (with `destinations`)
        ================================ ======= ==================================================================

        ``attrs["kinds"]`` names the kinds that are counted. With `destinations` ``attrs["messages"]`` says whether the
        messages are the delivered or the sent ones, ``attrs["known_until"]`` until when the impressions are known, and
        ``attrs["impressions_without_destination"]`` how many were left out for that (pandas results only).

    Raises
    ------
    MissingColumnError
        A needed column is absent or of a wrong type.
    InvalidArgumentError
        An argument cannot be used, or is given without `destinations`; `as_of` is missing for an Ibis table or Spark
        frame.

    Notes
    -----
    The hour that occurs twice in autumn is one hour here, and the one that is skipped in spring is exposure that
    nobody could use: 1 hour in 8,760.

    Examples
    --------
    >>> import pandas as pd
    >>> moments = ["2026-01-05 09:00", "2026-01-05 09:59", "2026-01-11 23:00"]
    >>> opens = pd.DataFrame({"timestamp": pd.to_datetime(moments), "useragent": "Microsoft Outlook 2007, WinXP"})
    >>> result = impressions_by_hour_of_week(opens)
    >>> result[result["impressions"] > 0]
         weekday  hour  impressions
    9          1     9            2
    167        7    23            1
    """
    chosen = chosen_kinds(kinds)
    if destinations is None:
        if (after_hours, horizon_hours, as_of, deliveries) != (0, 168, None, None):
            raise InvalidArgumentError(
                "after_hours, horizon_hours, as_of and deliveries are about messages that were sent: give destinations "
                "as well"
            )
        return _alone(data, chosen)
    whole_number("after_hours", after_hours, least=0)
    whole_number("horizon_hours", horizon_hours, least=after_hours + 1)
    source = open_input(data, RequiredColumns("impressions", ("timestamp", "destination", *columns_for(chosen))))
    until = known_until(data, "impressions") if as_of is None else moment("as_of", as_of)
    end_is_known(until, lazy=source.lazy)
    sent = one_sending_each(source.also(destinations, RequiredColumns("destinations", ("ID", "timestampsent"))))
    if deliveries is not None:
        arrived = source.also(deliveries, RequiredColumns("deliveries", ("destination",)))
        sent = sent.semi_join(arrived, arrived.destination == sent.ID)
    rows, end = rows_of(source, chosen), _known_end(source.table, until)
    rows = rows if until is None else rows.filter(rows.timestamp < until)
    result = source.deliver(_exposed(rows, sent, end, after_hours, horizon_hours), {**_DTYPES, **_EXPOSED})
    if source.lazy:
        return result
    without = source.engine.fetch(rows.aggregate(n=rows.destination.isnull().sum()))["n"][0].as_py()
    return _told(result, {
        "kinds": list(chosen),
        "messages": "sent, those that bounced as well" if deliveries is None else "delivered",
        "known_until": told_end(until),
        "impressions_without_destination": without or 0,
    })  # fmt: skip


def _alone(data: Any, kinds: Sequence[str]) -> Any:
    """Count impressions by hour of the week, held against nothing."""
    required = RequiredColumns("impressions", ("timestamp", *columns_for(kinds)))
    result = _in_one_pass(data, required, kinds)
    if result is not None:
        return _told(result, {"kinds": list(kinds)})
    source = open_input(data, required)
    rows = rows_of(source, kinds)
    result = source.deliver(_by_cell(rows.select(hour_number=_hour_number(rows.timestamp))), _DTYPES)
    return result if source.lazy else _told(result, {"kinds": list(kinds)})


def _in_one_pass(data: Any, required: RequiredColumns, kinds: Sequence[str]) -> pd.DataFrame | None:
    """Count rows that are at hand by the numpy pass; None where the definition has to do it."""
    rows = column_batches(data, required)
    if rows is None:
        return None
    try:
        found = passes.over_time(batches_of(rows, kinds), passes.CALENDARS["hour"], distinct=(), so_far=False)
    except UnsuitedError:
        return None
    cells, counts = np.arange(168), np.zeros(168, dtype="int64")
    hours = found["period"].astype("datetime64[h]").astype("int64") + _BEFORE_1970
    np.add.at(counts, hours % 168, found["rows"])
    return pd.DataFrame({"weekday": cells // 24 + 1, "hour": cells % 24, "impressions": counts})


def _told(result: pd.DataFrame, said: dict[str, Any]) -> pd.DataFrame:
    result.attrs.update(said)
    return result


def _hour_number(timestamp: Any) -> Any:
    """Return the hours since a Monday midnight, so that the rest by 168 is the hour of the week."""
    return (timestamp.truncate("h").epoch_seconds() // _HOUR + _BEFORE_1970).cast("int64")


def _known_end(impressions: Any, until: pd.Timestamp | None) -> Any:
    """Return the one hour before which the impressions are known; none where nobody knows."""
    import ibis

    if until is not None:
        return ibis.literal(until.ceil("h").value // 10**9 // _HOUR + _BEFORE_1970, "int64").name("known").as_table()
    last = impressions.aggregate(known=_hour_number(impressions.timestamp.max()) + 1)
    return last.filter(last.known.notnull())


def _by_cell(hours: Any) -> Any:
    """Define the bare analysis: rows per hour of the week, on a spine of all 168."""
    counted = (  # before 1970 the remainder is negative
        hours.mutate(cell=(hours.hour_number % 168 + 168) % 168)
        .group_by("cell")
        .aggregate(impressions=lambda t: t.count())
    )
    cells = whole_numbers("cell", 168)
    joined = cells.left_join(counted, "cell")
    return joined.select(
        cell=cells.cell,
        weekday=(cells.cell // 24 + 1).cast("int64"),
        hour=cells.cell % 24,
        impressions=joined.impressions.fill_null(0),
    ).order_by("cell")


def _exposed(impressions: Any, sent: Any, known: Any, after: int, horizon: int) -> Any:
    """Define the analysis with exposure."""
    import ibis

    sent = sent.filter(sent.timestampsent.notnull()).select("ID", sent=_hour_number(ibis._.timestampsent))
    opens = impressions.join(sent, impressions.destination == sent.ID)
    opens = opens.select(sent="sent", hour_number=_hour_number(opens.timestamp))
    age = opens.hour_number - opens.sent
    table = _by_cell(opens.filter((age >= after) & (age < horizon)))
    messages = sent.group_by("sent").aggregate(messages=lambda t: t.count()).cross_join(known)
    messages = messages.select(
        "messages", begin=messages.sent + after, end=ibis.least(messages.sent + horizon, messages.known)
    ).filter(lambda t: t.end > t.begin)
    exposure = messages.cross_join(table.select("cell"))
    hours = _hours_below(exposure.end, exposure.cell) - _hours_below(exposure.begin, exposure.cell)
    exposure = exposure.group_by("cell").aggregate(message_hours=(hours * exposure.messages).sum().cast("int64"))
    joined = table.left_join(exposure, "cell")
    joined = joined.select(*table.columns, message_hours=joined.message_hours.fill_null(0))
    rate = joined.impressions / joined.message_hours.nullif(0)
    return joined.mutate(impressions_per_message_hour=rate).order_by("cell")


def _hours_below(end: Any, cell: Any) -> Any:
    """Count the hours from the first Monday up to `end` that fall on a cell of the week."""
    return (end - 1 - cell + 168) // 168
