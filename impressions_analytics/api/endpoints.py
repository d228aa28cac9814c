"""The table of endpoints: the path of each list, how it is told a period, and which columns its rows may lack.

The facts come from Copernica's public documentation. Where it says nothing, the loader checks what it receives.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

from impressions_analytics.columns import EVENT_KINDS, Family, Kind
from impressions_analytics.errors import InvalidArgumentError

Version = Literal[2, 3, 4]
Level = Literal["destination", "emailing", "account"]
PeriodTexts = tuple[str | None, str | None]
"""The first and the first-not-included second of a period, as ``YYYY-MM-DD HH:MM:SS``; None where it is open."""

VERSIONS: tuple[Version, ...] = (2, 3, 4)
FAMILIES: tuple[Family, ...] = ("ms", "publisher")

# Where the rows of every version and family lie, relative to the version's root.
_EVENT_PATHS: dict[Level, str] = {
    "destination": "{family}/destination/{id}/{kind}",
    "emailing": "{family}/emailing/{id}/{kind}",
    "account": "{family}/{kind}",
}
_DESTINATION_PATHS: dict[Level, str] = {
    "emailing": "{family}/emailing/{id}/destinations",
    "account": "{family}/destinations",
}
_STATISTICS_PATHS: dict[Level, str] = {
    "destination": "{family}/destination/{id}/statistics",
    "emailing": "{family}/emailing/{id}/statistics",
}

# How a list is told its period. The period is a second longer at both ends where the documentation does not say if the
# ends are included.
PeriodStyle = Literal["fields", "fields_sent", "begintime", "fromdate", "from"]
BY_DAY: frozenset[PeriodStyle] = frozenset({"fromdate", "from"})
"""Styles that know days only."""
ALWAYS_SAID: frozenset[PeriodStyle] = frozenset({"from"})
"""Styles of lists whose documentation asks for a period in every call."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One list of the API.

    Attributes
    ----------
    kind, family : str
        What its rows are.
    path : str
        Its path below the version's root, without parameters.
    period_style : PeriodStyle
        Which parameters tell it the wanted period.
    other_styles : tuple of PeriodStyle
        Other parameters for the period, where the documentation changed. They are tried when the list ignores the
        period.
    may_lack : frozenset of str
        Columns that its rows may lack, though rows of the same kind in other lists have them.
    of : (str, int), optional
        A column, and the number that every row must have in it, since only those rows were asked for.
    parameters : tuple
        Parameters that every call sends.
    """

    kind: Kind
    family: Family
    path: str
    period_style: PeriodStyle
    other_styles: tuple[PeriodStyle, ...] = ()
    may_lack: frozenset[str] = frozenset()
    of: tuple[str, int] | None = None
    parameters: tuple[tuple[str, str], ...] = field(default=())


def event_endpoint(
    kind: Kind, *, version: Version, family: Family, level: Level, of: str = "", first_style: str | None = None
) -> Endpoint:
    """Return the endpoint that gives the events of one destination, of one emailing or of the account.

    `first_style` is tried before the others, where the endpoint may know it.

    Examples
    --------
    >>> event_endpoint("impressions", version=2, family="ms", level="destination", of="112").path
    'ms/destination/112/impressions'
    """
    if kind not in EVENT_KINDS:
        raise InvalidArgumentError(f"kind {kind!r} is no kind of event; choose one of {', '.join(EVENT_KINDS)}")
    styles = sorted(_event_period_styles(version, family), key=lambda style: style != first_style)
    return Endpoint(
        kind=kind,
        family=family,
        path=_EVENT_PATHS[level].format(family=family, id=quote(of, safe=""), kind=kind),
        period_style=styles[0],
        other_styles=tuple(styles[1:]),
        may_lack=frozenset({"profile", "subprofile"}) if level == "account" else frozenset(),
        of=_whose(family, level, of),
    )


def destinations_endpoint(*, family: Family, emailing: str | None) -> Endpoint:
    """Return the endpoint that gives the destinations of one emailing or of the account."""
    level: Level = "account" if emailing is None else "emailing"
    path = _DESTINATION_PATHS[level].format(family=family, id=quote(emailing or "", safe=""))
    style: PeriodStyle = "from" if emailing is None else "fields_sent"
    return Endpoint("destinations", family, path, style, of=None if emailing is None else ("mailing", int(emailing)))


def emailings_endpoint(*, family: Family) -> Endpoint:
    """Return the endpoint that gives the emailings of the account."""
    return Endpoint("emailings", family, f"{family}/emailings", "fromdate")


LOG_FILES_PATH = "logfiles"
"""Where the days of which log files are kept are asked, and with a day the names of its files."""


def log_file_path(name: str) -> str:
    """Return where the records of a log file are asked.

    Examples
    --------
    >>> log_file_path("cdm-attempts.2016-11-04.log")
    'logfile/cdm-attempts.2016-11-04.log/json'
    """
    return f"logfile/{quote(name, safe='')}/json"


def statistics_path(*, family: Family, level: Level, of: str) -> str:
    """Return the path that gives Copernica's own totals of one emailing or destination."""
    return _STATISTICS_PATHS[level].format(family=family, id=quote(of, safe=""))


def period_parameters(style: PeriodStyle, asked: PeriodTexts, widened: PeriodTexts) -> list[tuple[str, str]]:
    """Return the parameters that ask for a period.

    Parameters
    ----------
    style : PeriodStyle
        How the endpoint wants it.
    asked : PeriodTexts
        The half-open period itself, for styles whose operators are documented.
    widened : PeriodTexts
        The same with a second more on either side, for styles that do not say whether their ends are included.

    Examples
    --------
    >>> jan = ("2026-01-01 00:00:00", "2026-02-01 00:00:00")
    >>> period_parameters("fields", jan, jan)
    [('fields[]', 'timestamp>=2026-01-01 00:00:00'), ('fields[]', 'timestamp<2026-02-01 00:00:00')]
    >>> period_parameters("begintime", jan, (None, "2026-02-01 00:00:01"))
    [('endtime', '2026-02-01 00:00:01')]
    """
    first, last = widened
    match style:
        case "fields" | "fields_sent":
            column = "timestamp" if style == "fields" else "timestampsent"
            said = [
                ("fields[]", asked[0] and f"{column}>={asked[0]}"), ("fields[]", asked[1] and f"{column}<{asked[1]}")
            ]  # fmt: skip
        case "begintime":
            said = [("begintime", first), ("endtime", last)]
        case "fromdate":
            said = [("fromdate", first and first[:10]), ("todate", last and _day_after(last))]
        case "from":
            said = [("from", first[:10] if first else _FIRST_DAY), ("to", _closing_day(asked[1]))]
    return [(name, value) for name, value in said if value]


_FIRST_DAY, _LAST_DAY = "2000-01-01", "2100-01-01"


def _closing_day(end: str | None) -> str:
    """Return the first day that begins at the end or later, so that it does not matter if the API includes it."""
    if end is None:
        return _LAST_DAY
    return end[:10] if end.endswith("00:00:00") else _day_after(end)


def _day_after(moment: str) -> str:
    """Return the day after the day of a moment, as the API probably reads a bare date as its midnight."""
    return str(dt.date.fromisoformat(moment[:10]) + dt.timedelta(days=1))


def _whose(family: Family, level: Level, of: str) -> tuple[str, int] | None:
    """Return the number that every row must have; None for a hashed ID, as rows do not show the hash."""
    column = {"emailing": "mailing", "destination": "destination"}.get(level)
    known = column == "mailing" or (column == "destination" and family == "ms")
    return (column, int(of)) if column and known and of.isdigit() else None


def _event_period_styles(version: Version, family: Family) -> tuple[PeriodStyle, ...]:
    """Return the styles to try, in order: the documentation of Marketing Suite has named both."""
    if family == "publisher":
        return ("fields",)
    return ("fields", "begintime") if version == 2 else ("begintime", "fields")
