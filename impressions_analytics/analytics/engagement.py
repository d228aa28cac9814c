"""Recency and frequency of each recipient, and the segments that follow."""

from __future__ import annotations

from typing import Any


def engagement_segments(
    data: Any, *, as_of: Any, destinations: Any = None, window_days: int = 180, segments: Any = None
) -> Any:
    """Put each profile into a segment by how recently and how often it opened.

    Impressions known to be a machine's (kinds ``prefetch`` and ``bot``) do not count as opening.

    Parameters
    ----------
    data : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``mailing``, ``timestamp``, ``useragent``, ``profile``.
    as_of : datetime-like or str
        The moment to look back from, wall clock; later impressions are not looked at.
    destinations : frame, path or Archive, optional
        Destinations (``mailing``, ``timestampsent``, ``profile``): adds what each profile received, and the profiles
        that opened nothing.
    window_days : int
        Mailings are counted over this many days before `as_of`.
    segments : sequence of Segment, optional
        The segments in order, first match wins; `SEGMENTS` when not given.

    Returns
    -------
    DataFrame
        One row per profile, ordered by it. Columns:

        ========================= ============== ==================================================================
        ``profile``               int64          the recipient
        ``last_impression``       datetime64[us] latest impression that is not a machine's; null if there is none
        ``recency_days``          Int64          whole days from it to `as_of`
        ``mailings_opened``       int64          distinct mailings opened in the window
        ``mailings_received``     int64          distinct mailings sent in the window (with `destinations` only)
        ``opened_share``          float64        opened / received, null if none received (with `destinations` only)
        ``opened_share_ci_low``   float64        95% Wilson interval, lower end (with `destinations` only)
        ``opened_share_ci_high``  float64        95% Wilson interval, upper end (with `destinations` only)
        ``segment``               str            the segment's name
        ``segment_rule``          str            the segment's thresholds in words
        ========================= ============== ==================================================================

    Raises
    ------
    MissingColumnError
        A needed column is absent or of a wrong type.
    InvalidArgumentError
        `as_of`, `window_days` or `segments` cannot be used.
    """
    raise NotImplementedError
