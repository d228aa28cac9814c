"""Recency and frequency of each recipient, and the segments that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from impressions_analytics.analytics.choices import moment, whole_number
from impressions_analytics.analytics.classes import MACHINES, with_classes
from impressions_analytics.analytics.rates import interval_names, wilson
from impressions_analytics.engine import RequiredColumns, open_input
from impressions_analytics.engine.kinds import kind_of_input
from impressions_analytics.errors import InvalidArgumentError


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of recipients, by how recently and how often they opened.

    Attributes
    ----------
    name : str
        Its name.
    within_days : int or None
        The last impression is at most this many whole days ago; None asks for no recency.
    mailings : int
        At least this many mailings opened in the window; 0 asks for no frequency.
    opened : bool
        Whether there must be an impression at all.
    """

    name: str
    within_days: int | None = None
    mailings: int = 0
    opened: bool = True

    @property
    def rule(self) -> str:
        """The thresholds in words.

        Examples
        --------
        >>> Segment("engaged", within_days=30, mailings=3).rule
        'last opened at most 30 days ago; 3 or more mailings opened in the window'
        >>> Segment("never opened", opened=False).rule
        'everybody else'
        """
        recency = f"last opened at most {self.within_days} days ago" if self.within_days is not None else ""
        frequency = f"{self.mailings} or more mailings opened in the window" if self.mailings else ""
        neither = "opened at some time" if self.opened else "everybody else"
        return "; ".join(filter(None, (recency, frequency))) or neither


SEGMENTS = (
    Segment("engaged", within_days=30, mailings=3),
    Segment("active", within_days=90),
    Segment("lapsing", within_days=180),
    Segment("dormant"),
    Segment("never opened", opened=False),
)
"""The segments when none are given, first match wins. The thresholds are conventions, not laws: give your own."""

_RECENCY = {
    "profile": "int64",
    "last_impression": "datetime64[us]",
    "recency_days": "Int64",
    "mailings_opened": "int64",
}
_RECEIVED = {"mailings_received": "int64", **dict.fromkeys(interval_names("share_of_mailings_opened"), "float64")}
_SEGMENT = {"segment": "str", "segment_rule": "str"}


@kind_of_input
def engagement_segments(
    data: Any,
    *,
    as_of: Any,
    destinations: Any = None,
    window_days: int = 180,
    segments: Sequence[Segment] = SEGMENTS,
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
        that opened nothing; mailings opened are then those of the received.
    window_days : int
        Mailings are counted over this many days before `as_of`.
    segments : sequence of Segment
        The segments in order, first match wins; the last must take everybody else (``opened=False``).

    Returns
    -------
    DataFrame
        One row per profile, ordered by it. Columns:

        ==================================== ============== =======================================================
        ``profile``                          int64          the recipient
        ``last_impression``                  datetime64[us] latest impression not of a machine; null if none
        ``recency_days``                     Int64          whole days from it to `as_of`
        ``mailings_opened``                  int64          distinct mailings opened in the window
        ``mailings_received``                int64          distinct mailings sent in the window (*)
        ``share_of_mailings_opened``         float64        opened / received, null if none received (*)
        ``share_of_mailings_opened_ci_low``  float64        95% Wilson interval, lower end (*)
        ``share_of_mailings_opened_ci_high`` float64        95% Wilson interval, upper end (*)
        ``segment``                          str            the segment's name
        ``segment_rule``                     str            the segment's thresholds in words
        ==================================== ============== =======================================================

        (*) with `destinations` only.

    Raises
    ------
    MissingColumnError
        A needed column is absent or of a wrong type.
    InvalidArgumentError
        `as_of`, `window_days` or `segments` cannot be used.

    Examples
    --------
    >>> import pandas as pd
    >>> opens = pd.DataFrame({
    ...     "mailing": [412, 413],
    ...     "timestamp": pd.to_datetime(["2026-01-05 09:30", "2025-03-01 10:00"]),
    ...     "useragent": ["Microsoft Outlook 2007, WinXP", "Microsoft Outlook 2007, WinXP"],
    ...     "profile": [13453, 13454],
    ... })
    >>> engagement_segments(opens, as_of="2026-02-01")[["profile", "recency_days", "mailings_opened", "segment"]]
       profile  recency_days  mailings_opened  segment
    0    13453            26                1   active
    1    13454           336                0  dormant
    """
    until = moment("as_of", as_of)
    whole_number("window_days", window_days, least=1)
    _check(segments)
    source = open_input(data, RequiredColumns("impressions", ("mailing", "timestamp", "useragent", "profile")))
    rows = with_classes(source, ("kind",))
    rows = rows.filter(rows.profile.notnull() & (rows.timestamp <= until))
    since = until - pd.Timedelta(days=window_days)
    if destinations is None:
        table, dtypes = _frequency(rows, since), _RECENCY
    else:
        sent = source.also(destinations, RequiredColumns("destinations", ("mailing", "timestampsent", "profile")))
        sent = sent.filter(sent.profile.notnull() & (sent.timestampsent <= until))
        table, dtypes = _of_received(rows, sent, since), {**_RECENCY, **_RECEIVED}
    return source.deliver(_segmented(table, until, segments), {**dtypes, **_SEGMENT})


def _check(segments: Sequence[Segment]) -> None:
    if not segments or segments[-1].opened or segments[-1].within_days is not None or segments[-1].mailings:
        raise InvalidArgumentError(
            "segments must end with one that takes everybody else, such as Segment('never opened', opened=False); "
            f"got {[segment.name for segment in segments]}"
        )


def _human(rows: Any) -> Any:
    return rows.classified_kind.notin(MACHINES)


def _frequency(rows: Any, since: pd.Timestamp) -> Any:
    """Define recency and frequency from impressions alone."""
    human = _human(rows)
    return rows.group_by("profile").aggregate(
        last_impression=rows.timestamp.max(where=human),
        mailings_opened=rows.mailing.nunique(where=human & (rows.timestamp > since)),
    )


def _of_received(rows: Any, sent: Any, since: pd.Timestamp) -> Any:
    """Define recency and frequency over what each profile received."""
    import ibis

    received = sent.filter(sent.timestampsent > since).select("profile", "mailing").distinct()
    opened = rows.filter(_human(rows)).select("profile", "mailing").distinct().mutate(opened=1)
    pairs = received.left_join(opened, ["profile", "mailing"])
    pairs = pairs.group_by("profile").aggregate(mailings_received=pairs.count(), mailings_opened=pairs.opened.sum())
    everybody = ibis.union(rows.select("profile"), sent.select("profile"), distinct=True)
    lasts = _frequency(rows, since).drop("mailings_opened")
    table = everybody.left_join(lasts, "profile").select("profile", "last_impression").left_join(pairs, "profile")
    counts = {name: table[name].fill_null(0).cast("int64") for name in ("mailings_received", "mailings_opened")}
    table = table.select("profile", "last_impression", **counts)
    return table.mutate(**wilson("share_of_mailings_opened", table.mailings_opened, table.mailings_received))


def _segmented(table: Any, until: pd.Timestamp, segments: Sequence[Segment]) -> Any:
    """Add whole days since the last impression, and the first segment that matches."""
    import ibis

    seconds = ibis.literal(until).epoch_seconds() - table.last_impression.truncate("s").epoch_seconds()
    table = table.mutate(recency_days=(seconds // 86_400).cast("int64"))
    cases = [(_matches(table, segment), segment) for segment in segments[:-1]]
    named = {
        "segment": ibis.cases(*((match, segment.name) for match, segment in cases), else_=segments[-1].name),
        "segment_rule": ibis.cases(*((match, segment.rule) for match, segment in cases), else_=segments[-1].rule),
    }
    return table.mutate(**named).order_by("profile")


def _matches(table: Any, segment: Segment) -> Any:
    match = table.mailings_opened >= segment.mailings
    if segment.opened:
        match &= table.last_impression.notnull()
    return match if segment.within_days is None else match & (table.recency_days <= segment.within_days)
