"""Recency and frequency of each recipient, and the segment that each belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from impressions_analytics.analytics.activity import ACTIVE, defined_acts, defined_frequency, frequency_at_hand
from impressions_analytics.analytics.choices import moment, whole_number
from impressions_analytics.analytics.covered import window_lacks
from impressions_analytics.analytics.kinds_of_open import OPENED_BY_READER, chosen_kinds
from impressions_analytics.analytics.rates import interval_names, wilson
from impressions_analytics.engine import RequiredColumns, open_input
from impressions_analytics.engine.kinds import kind_of_input
from impressions_analytics.errors import InvalidArgumentError

if TYPE_CHECKING:
    from impressions_analytics.columns import Kind


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of recipients, by how recently and how often they opened or clicked.

    Attributes
    ----------
    name : str
        Its name.
    within_days : int or None
        The last open or click is at most this many whole days ago; None asks for no recency.
    mailings : int
        At least this many mailings opened or clicked in the window; 0 asks for no frequency.
    opened : bool
        Whether there must be an open or a click at some time.
    perhaps : bool
        Whether there must be no open and no click, but an impression that may or may not be a reader's: one of the
        kinds prefetch and unknown.
    """

    name: str
    within_days: int | None = None
    mailings: int = 0
    opened: bool = True
    perhaps: bool = False

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
        perhaps = "images fetched, perhaps by a machine; no click" if self.perhaps else ""
        neither = "opened at some time" if self.opened else "everybody else"
        return "; ".join(filter(None, (recency, frequency, perhaps))) or neither


SEGMENTS = (
    Segment("engaged", within_days=30, mailings=3),
    Segment("active", within_days=90),
    Segment("lapsing", within_days=180),
    Segment("dormant"),
    Segment("perhaps opened", opened=False, perhaps=True),
    Segment("never opened", opened=False),
)
"""The segments when none are given, first match wins. The thresholds are conventions, not laws: give your own."""

_RECENCY = {
    "profile": "int64",
    "last_impression": "datetime64[us]",
    "recency_days": "Int64",
    "mailings_opened": "int64",
}
_CLICKS = {"last_click": "datetime64[us]", "clicks": "int64", "clicks_by_bots": "int64"}
_SHARE = interval_names("share_of_mailings_opened")
_RECEIVED = {"mailings_received": "int64", **dict.fromkeys(_SHARE, "float64"), "not_covered": "str"}
_NEEDED = ("mailing", "timestamp", "useragent", "profile")
_OPENS, _CLICKED = RequiredColumns("impressions", _NEEDED), RequiredColumns("clicks", _NEEDED)
_SEGMENT = {"segment": "str", "segment_rule": "str"}


@kind_of_input
def engagement_segments(
    data: Any,
    *,
    as_of: Any,
    destinations: Any = None,
    clicks: Any = None,
    window_days: int = 180,
    segments: Sequence[Segment] = SEGMENTS,
    kinds: str | Sequence[str] | None = OPENED_BY_READER,
) -> Any:
    """Put each profile into a segment by how recently and how often it opened or clicked.

    Impressions of other kinds than `kinds` do not count as opening. A click opens its mailing, whatever fetched the
    images; clicks of bots and HTTP libraries do not count. Without `clicks`, whoever clicked and has images switched
    off passes for somebody who never opened.

    Parameters
    ----------
    data : frame, path, Archive, Ibis table or Spark frame
        Impressions with the columns ``mailing``, ``timestamp``, ``useragent``, ``profile``.
    as_of : datetime-like or str
        The moment to look back from, wall clock; later impressions are not looked at.
    destinations : frame, path or Archive, optional
        Destinations (``mailing``, ``timestampsent``, ``profile``): adds what each profile received, and the profiles
        that opened nothing; mailings opened are then those of the received.
    clicks : frame, path or Archive, optional
        Clicks (the columns of the impressions).
    window_days : int
        Mailings are counted over this many days before `as_of`.
    segments : sequence of Segment
        The segments in order, first match wins; the last must take everybody else (``opened=False``).
    kinds : {"person", "proxy", "prefetch", "bot", "unknown"} or a sequence of them, optional
        The kinds of open to count; all of them when None.

    Returns
    -------
    DataFrame
        One row per profile, ordered by it. Columns:

        ==================================== ============== =======================================================
        ``profile``                          int64          the recipient
        ``last_impression``                  datetime64[us] latest impression of `kinds`; null if none
        ``recency_days``                     Int64          whole days from it, or a later click, to `as_of`
        ``mailings_opened``                  int64          distinct mailings opened or clicked in the window
        ``last_click``                       datetime64[us] latest click, not of a bot; null if none (**)
        ``clicks``                           int64          clicks until `as_of`, those of bots left out (**)
        ``clicks_by_bots``                   int64          clicks of scanners and HTTP libraries until then (**)
        ``mailings_received``                int64          distinct mailings sent in the window (*)
        ``share_of_mailings_opened``         float64        opened / received, null if none received (*)
        ``share_of_mailings_opened_ci_low``  float64        95% Wilson interval, lower end (*)
        ``share_of_mailings_opened_ci_high`` float64        95% Wilson interval, upper end (*)
        ``not_covered``                      str            which input does not cover the window, since or until when;
                                                            the share is null then. Null where all do (*)
        ``segment``                          str            the segment's name
        ``segment_rule``                     str            the segment's thresholds in words
        ==================================== ============== =======================================================

        (*) with `destinations` only; (**) with `clicks` only. ``attrs["kinds"]`` names the kinds that count as opens
        (pandas results only).

        ``"perhaps opened"`` are those whose only impressions are prefetched or of an unknown program: nobody can tell
        whether they read. ``"never opened"`` have none of these either.

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
    chosen = chosen_kinds(kinds)
    source = open_input(data, _OPENS)
    since = until - pd.Timedelta(days=window_days)
    dtypes = {**_RECENCY, **({} if clicks is None else _CLICKS)}
    inputs = [(rows, required) for rows, required in ((data, _OPENS), (clicks, _CLICKED)) if rows is not None]
    at_hand = frequency_at_hand(inputs, chosen, since, until) if destinations is None else None
    if at_hand is None:
        clicked = None if clicks is None else source.also(clicks, _CLICKED)
        acts = defined_acts(source, clicked, chosen)
        acts = acts.filter(acts.profile.notnull() & (acts.timestamp <= until))
        table = defined_frequency(acts, since)
    else:
        table = source.engine.small(at_hand)
    if destinations is not None:
        sent = source.also(destinations, RequiredColumns("destinations", ("mailing", "timestampsent", "profile")))
        sent = sent.filter(sent.profile.notnull() & (sent.timestampsent <= until))
        table, dtypes = _of_received(table, acts, sent, since), {**dtypes, **_RECEIVED}
    result = source.deliver(_segmented(table, until, segments), {**dtypes, **_SEGMENT})
    if source.lazy:
        return result
    result.attrs["kinds"] = list(chosen)
    given: dict[Kind, Any] = {"impressions": data, "destinations": destinations, "clicks": clicks}
    return result if destinations is None else _only_covered(result, given, since, until)


def _only_covered(
    result: pd.DataFrame, given: Mapping[Kind, Any], since: pd.Timestamp, until: pd.Timestamp
) -> pd.DataFrame:
    """Take the shares away where an input does not cover the window, and say which one."""
    words, not_proven = window_lacks(given, since.to_pydatetime(), until.to_pydatetime())
    if words:
        result[list(_SHARE)] = float("nan")
        result["not_covered"] = pd.Series(words, result.index, dtype="str")
    result.attrs["not_proven"] = not_proven
    return result


def _check(segments: Sequence[Segment]) -> None:
    last = segments[-1] if segments else Segment("nobody")
    if last.opened or last.perhaps or last.within_days is not None or last.mailings:
        raise InvalidArgumentError(
            "segments must end with one that takes everybody else, such as Segment('never opened', opened=False); "
            f"got {[segment.name for segment in segments]}"
        )


def _of_received(did: Any, acts: Any, sent: Any, since: pd.Timestamp) -> Any:
    """Define recency and frequency over what each profile received."""
    import ibis

    received = sent.filter(sent.timestampsent > since).select("profile", "mailing").distinct()
    opened = acts.filter(acts.act.isin(ACTIVE)).select("profile", "mailing").distinct().mutate(opened=1)
    pairs = received.left_join(opened, ["profile", "mailing"])
    pairs = pairs.group_by("profile").aggregate(mailings_received=pairs.count(), mailings_opened=pairs.opened.sum())
    everybody = ibis.union(did.select("profile"), sent.select("profile"), distinct=True)
    table = everybody.left_join(did.drop("mailings_opened"), "profile").drop("profile_right")
    table = table.left_join(pairs, "profile").drop("profile_right")
    counts = ("mailings_received", "mailings_opened", "clicks", "clicks_by_bots", "perhaps")
    table = table.mutate(**{name: table[name].fill_null(0).cast("int64") for name in counts})
    shares = wilson("share_of_mailings_opened", table.mailings_opened, table.mailings_received)
    return table.mutate(**shares, not_covered=ibis.null("string"))


def _segmented(table: Any, until: pd.Timestamp, segments: Sequence[Segment]) -> Any:
    """Add whole days since the last open or click, and the first segment that matches."""
    import ibis

    seconds = ibis.literal(until).epoch_seconds() - table.last_active.truncate("s").epoch_seconds()
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
        match &= table.last_active.notnull()
    if segment.perhaps:
        match &= table.last_active.isnull() & (table.perhaps == 1)
    return match if segment.within_days is None else match & (table.recency_days <= segment.within_days)
