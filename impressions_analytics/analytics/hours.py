"""On which weekdays and at which hours mail is opened."""

from __future__ import annotations

from typing import Any


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
    """
    raise NotImplementedError
