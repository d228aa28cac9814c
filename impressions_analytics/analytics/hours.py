"""On which weekdays and at which hours mail is opened."""

from __future__ import annotations

from typing import Any

from impressions_analytics.analytics.choices import whole_number
from impressions_analytics.engine import RequiredColumns, open_input, whole_numbers
from impressions_analytics.engine.kinds import kind_of_input
from impressions_analytics.errors import InvalidArgumentError

_HOUR = 3600  # seconds
_FIRST_MONDAY = 96  # hours from 1970-01-01, a Thursday, to the first Monday
_DTYPES = {"weekday": "int64", "hour": "int64", "impressions": "int64"}
_EXPOSED = {"message_hours": "int64", "impressions_per_message_hour": "float64"}


@kind_of_input
def impressions_by_hour_of_week(
    data: Any, *, destinations: Any = None, after_hours: int = 0, horizon_hours: int = 168
) -> Any:
    """Count impressions per weekday and hour of the account's wall clock.

    The bare count mirrors when mail was sent. Given `destinations`, each cell is also held against the messages that
    were out during it; ``after_hours=24`` leaves out the first day of each message, in which most opens follow the
    sending and not the reader's habits.

    Parameters
    ----------
    data : frame, path, Archive, Ibis table or Spark frame
        Impressions with the column ``timestamp``, and ``destination`` if `destinations` is given.
    destinations : frame, path or Archive, optional
        Destinations (``ID``, ``timestampsent``).
    after_hours, horizon_hours : int
        With `destinations`: only opens in the hours from `after_hours` up to `horizon_hours` after the hour of sending
        count, and only those hours of a message are exposure. Other opens are left out.

    Returns
    -------
    DataFrame
        168 rows, ordered by weekday and hour, also for an empty input. Columns:

        ================================ ======= ==================================================================
        ``weekday``                      int64   1 is Monday, 7 is Sunday
        ``hour``                         int64   0 to 23
        ``impressions``                  int64   impression rows
        ``message_hours``                int64   hours that messages were out in this cell (with `destinations`),
                                                 up to the hour of the last impression
        ``impressions_per_message_hour`` float64 null where no message was out (with `destinations`)
        ================================ ======= ==================================================================

    Raises
    ------
    MissingColumnError
        A needed column is absent or of a wrong type.
    InvalidArgumentError
        `after_hours` or `horizon_hours` cannot be used, or is given without `destinations`.

    Notes
    -----
    The hour that occurs twice in autumn is one hour here, and the one that is skipped in spring is exposure that
    nobody could use: 1 hour in 8,760.

    Examples
    --------
    >>> import pandas as pd
    >>> moments = ["2026-01-05 09:00", "2026-01-05 09:59", "2026-01-11 23:00"]
    >>> opens = pd.DataFrame({"timestamp": pd.to_datetime(moments)})
    >>> result = impressions_by_hour_of_week(opens)
    >>> result[result["impressions"] > 0]
         weekday  hour  impressions
    9          1     9            2
    167        7    23            1
    """
    if destinations is None:
        if (after_hours, horizon_hours) != (0, 168):
            raise InvalidArgumentError(
                "after_hours and horizon_hours count from the sending: give destinations as well"
            )
        source = open_input(data, RequiredColumns("impressions", ("timestamp",)))
        return source.deliver(_by_cell(source.table.select(hour_number=_hour_number(source.table.timestamp))), _DTYPES)
    whole_number("after_hours", after_hours, least=0)
    whole_number("horizon_hours", horizon_hours, least=after_hours + 1)
    source = open_input(data, RequiredColumns("impressions", ("timestamp", "destination")))
    sent = source.also(destinations, RequiredColumns("destinations", ("ID", "timestampsent")))
    return source.deliver(_exposed(source.table, sent, after_hours, horizon_hours), {**_DTYPES, **_EXPOSED})


def _hour_number(timestamp: Any) -> Any:
    """Return the hours since a Monday midnight, so that the rest by 168 is the hour of the week."""
    return (timestamp.truncate("h").epoch_seconds() // _HOUR - _FIRST_MONDAY).cast("int64")


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


def _exposed(impressions: Any, sent: Any, after: int, horizon: int) -> Any:
    """Define the analysis with exposure."""
    import ibis

    sent = sent.distinct().select("ID", sent=_hour_number(ibis._.timestampsent))
    opens = impressions.join(sent, impressions.destination == sent.ID)
    opens = opens.select(sent="sent", hour_number=_hour_number(opens.timestamp))
    age = opens.hour_number - opens.sent
    table = _by_cell(opens.filter((age >= after) & (age < horizon)))
    last = impressions.aggregate(last=_hour_number(impressions.timestamp.max()))
    messages = sent.group_by("sent").aggregate(messages=lambda t: t.count()).cross_join(last)
    begin = messages.sent + after
    end = ibis.least(messages.sent + horizon, messages.last + 1)
    messages = messages.select("messages", begin=begin, end=end).filter(lambda t: t.end > t.begin)
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
