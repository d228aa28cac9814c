"""Half-open periods of the account's wall clock: reading what a caller wrote, and cutting a period into windows."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from impressions_analytics.api.endpoints import PeriodTexts
from impressions_analytics.errors import InvalidArgumentError

EARLIEST = dt.datetime(2000, 1, 1)  # before Copernica had an API
LATEST = dt.datetime(2100, 1, 1)
SECOND = dt.timedelta(seconds=1)
Times = npt.NDArray[np.datetime64]
Flags = npt.NDArray[np.bool_]
_FORMAT = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """The seconds from `begin` up to but without `end`."""

    begin: dt.datetime
    end: dt.datetime

    def __str__(self) -> str:
        return f"{self.begin if self.begins else 'the beginning'} to {self.end if self.ends else 'now'}"

    @property
    def begins(self) -> bool:
        """Whether it has a beginning; one that nobody named has none, and a row of 1970 lies in it."""
        return self.begin > EARLIEST

    @property
    def ends(self) -> bool:
        """Whether it has an end."""
        return self.end < LATEST

    def asked(self, margin: dt.timedelta = dt.timedelta()) -> PeriodTexts:
        """Return both ends as the API writes times, None where it is open, with a margin on either side."""
        begin = (self.begin - margin).strftime(_FORMAT) if self.begins else None
        return begin, (self.end + margin).strftime(_FORMAT) if self.ends else None

    def outside(self, times: Times, margin: dt.timedelta = dt.timedelta()) -> tuple[Flags, Flags]:
        """Return which times lie before it, and which lie behind it."""
        none = np.zeros(len(times), dtype=bool)
        before = times < np.datetime64(self.begin - margin) if self.begins else none
        return before, times >= np.datetime64(self.end + margin) if self.ends else none

    def cut(self, parts: int, *, by_day: bool = False) -> list[Window]:
        """Return up to so many windows of equal length in whole seconds, or days, which together are this one.

        Examples
        --------
        >>> day = Window(dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 2))
        >>> [str(part.begin) for part in day.cut(2)]
        ['2026-01-01 00:00:00', '2026-01-01 12:00:00']
        >>> len(day.cut(2, by_day=True))
        1
        """
        seconds = int((self.end - self.begin).total_seconds())
        parts = max(1, min(parts, seconds))
        edges = [self.begin + dt.timedelta(seconds=seconds * part // parts) for part in range(1, parts)]
        if by_day:
            edges = [edge for edge in dict.fromkeys(map(midnight, edges)) if edge > self.begin]
        return [Window(begin, end) for begin, end in itertools.pairwise([self.begin, *edges, self.end])]


def midnight(moment: dt.datetime) -> dt.datetime:
    """Return the first second of a moment's day."""
    return moment.replace(hour=0, minute=0, second=0)


def read_moment(name: str, value: str | dt.date | dt.datetime | None) -> dt.datetime | None:
    """Return a moment of the wall clock from a text, a date (its midnight) or a datetime without a zone.

    Raises
    ------
    InvalidArgumentError
        When it cannot be read, or carries a zone: the record is wall-clock time, and a zone would have to be guessed.

    Examples
    --------
    >>> read_moment("begin", "2026-01-01")
    datetime.datetime(2026, 1, 1, 0, 0)
    """
    if value is None:
        return None
    moment = value
    if isinstance(value, str):
        try:
            moment = dt.datetime.fromisoformat(value.strip())
        except ValueError:
            raise InvalidArgumentError(
                f"{name}={value!r} cannot be read; write it as '2026-01-31' or '2026-01-31 13:00:00'"
            ) from None
    if not isinstance(moment, dt.date) or str(moment) == "NaT":
        raise InvalidArgumentError(f"{name}={value!r} is no text, date or datetime")
    if not isinstance(moment, dt.datetime):
        moment = dt.datetime(moment.year, moment.month, moment.day)
    if moment.tzinfo is not None:
        raise InvalidArgumentError(
            f"{name}={value!r} carries a zone, but timestamps are the wall clock of the account; "
            "convert it to the account's zone and drop the zone with .replace(tzinfo=None)"
        )
    if not EARLIEST <= moment <= LATEST:
        raise InvalidArgumentError(f"{name}={value!r} lies outside {EARLIEST.date()} to {LATEST.date()}")
    moment = dt.datetime(*moment.timetuple()[:6], moment.microsecond)
    # Timestamps are whole seconds: the first one that is not before the moment.
    return moment if moment.microsecond == 0 else moment.replace(microsecond=0) + SECOND


def read_period(
    begin: str | dt.date | dt.datetime | None, end: str | dt.date | dt.datetime | None
) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Return both ends of a half-open period, each None where it is open.

    Raises
    ------
    InvalidArgumentError
        When an end cannot be read, or the period is reversed.

    Examples
    --------
    >>> read_period("2026-02-01", "2026-01-01")
    Traceback (most recent call last):
    impressions_analytics.errors.InvalidArgumentError: begin=2026-02-01 00:00:00 is not before end=...
    """
    first, last = read_moment("begin", begin), read_moment("end", end)
    if first is not None and last is not None and first > last:
        raise InvalidArgumentError(f"begin={first} is not before end={last}; a period is begin <= timestamp < end")
    return first, last
