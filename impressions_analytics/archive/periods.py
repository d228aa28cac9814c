"""What an archive covers: half-open stretches of wall clock with their certificates. Pure arithmetic, no files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

Stretch = tuple[datetime, datetime]
"""A half-open stretch of wall clock: begin <= timestamp < end."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A stretch that was loaded whole.

    Attributes
    ----------
    begin, end : datetime
        ``begin <= timestamp < end``, in the account's wall clock.
    emailing : int or None
        The only emailing that was asked for; None for the whole account.
    rows : int
        How many rows of the file lie in it.
    verdict : str
        The loader's verdict: complete or unproven.
    loaded_at : datetime
        When it was asked for, in the account's wall clock.
    """

    begin: datetime
    end: datetime
    emailing: int | None
    rows: int
    verdict: str
    loaded_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        values = asdict(self)
        return {key: str(value) if isinstance(value, datetime) else value for key, value in values.items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Period:
        """Return what `to_json` wrote."""
        moments = {key: datetime.fromisoformat(values[key]) for key in ("begin", "end", "loaded_at")}
        return cls(**{**values, **moments})

    def clip(self, stretch: Stretch) -> Period:
        """Return the part of it inside a stretch; its rows must be counted again."""
        return replace(self, begin=max(self.begin, stretch[0]), end=min(self.end, stretch[1]))


def join(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Join stretches that touch or overlap.

    Examples
    --------
    >>> day = [datetime(2026, 1, d) for d in range(1, 6)]
    >>> join([(day[2], day[3]), (day[0], day[1]), (day[1], day[2])]) == [(day[0], day[3])]
    True
    """
    joined: list[Stretch] = []
    for begin, end in sorted(stretch for stretch in stretches if stretch[0] < stretch[1]):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


def subtract(whole: Stretch, taken: Iterable[Stretch]) -> list[Stretch]:
    """Return what is left of a stretch when others are taken away.

    Examples
    --------
    >>> day = [datetime(2026, 1, d) for d in range(1, 6)]
    >>> subtract((day[0], day[4]), [(day[1], day[2])]) == [(day[0], day[1]), (day[2], day[4])]
    True
    """
    left, (begin, end) = [], whole
    for start, stop in join(taken):
        if start > begin:
            left.append((begin, min(start, end)))
        begin = max(begin, stop)
    left.append((begin, end))
    return [stretch for stretch in left if stretch[0] < stretch[1]]


CLOCKS_DIFFER = timedelta(hours=2)
"""The hour that comes twice in autumn, and the clocks of two machines: so far ahead a moment may lie."""


def believed(periods: Iterable[Period], now: datetime) -> list[Period]:
    """Return the periods that were loaded before now: one that says it was loaded later had a wrong clock.

    Examples
    --------
    >>> first, last = datetime(2026, 1, 1), datetime(2026, 1, 20)
    >>> believed([Period(first, last, None, 7, "complete", loaded_at=datetime(2027, 1, 1))], now=last)
    []
    """
    return [period for period in periods if period.loaded_at <= now + CLOCKS_DIFFER]


def covered(periods: Iterable[Period], emailing: int | None = None) -> list[Stretch]:
    """Return the stretches that are loaded for the whole account, or for one emailing."""
    return join((period.begin, period.end) for period in periods if period.emailing in (None, emailing))


def outer_stretch(periods: Iterable[Period]) -> Stretch | None:
    """Return the stretch from the first to the last moment that was loaded for anything; None when nothing was."""
    known = list(periods)
    return (min(period.begin for period in known), max(period.end for period in known)) if known else None


def to_ask(
    wanted: Stretch, periods: Sequence[Period], *, look_back: timedelta, emailing: int | None = None
) -> list[Stretch]:
    """Return the stretches that must be asked: what is not covered, and what was asked before it had settled.

    A stretch has settled when it was asked at least ``look_back`` after it ended, because rows may arrive late.

    Examples
    --------
    >>> first, later = datetime(2026, 1, 1), datetime(2026, 1, 20)
    >>> known = [Period(first, later, None, 7, "complete", loaded_at=later)]
    >>> to_ask((first, datetime(2026, 1, 21)), known, look_back=timedelta(days=3))[0][0]
    datetime.datetime(2026, 1, 17, 0, 0)
    """
    settled = join(
        (period.begin, min(period.end, period.loaded_at - look_back))
        for period in periods
        if period.emailing in (None, emailing)
    )
    return subtract(wanted, settled)


def split_months(stretch: Stretch) -> list[Stretch]:
    """Cut a stretch at the first of each month.

    Examples
    --------
    >>> [str(begin.date()) for begin, _ in split_months((datetime(2025, 12, 31), datetime(2026, 2, 2)))]
    ['2025-12-31', '2026-01-01', '2026-02-01']
    """
    begin, end = stretch
    parts = []
    while begin < end:
        following = (begin.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(
            day=1
        )
        parts.append((begin, min(following, end)))
        begin = following
    return parts


def overlay(old: Iterable[Period], new: Sequence[Period]) -> list[Period]:
    """Put new periods over old ones: what a new one covers for the same rows, the old one no longer answers for."""
    kept: list[Period] = []
    for period in old:
        over = [(other.begin, other.end) for other in new if other.emailing in (None, period.emailing)]
        kept.extend(period.clip(part) for part in subtract((period.begin, period.end), over))
    return sorted([*kept, *new], key=_order)


def coalesce(periods: Iterable[Period]) -> list[Period]:
    """Join neighbours within a day and of one verdict, so that hourly syncs do not make the list grow without end."""
    joined: list[Period] = []
    for period in sorted(periods, key=_order):
        last = joined[-1] if joined else None
        if last is not None and _within_a_day(last, period):
            rows, loaded_at = last.rows + period.rows, min(last.loaded_at, period.loaded_at)
            joined[-1] = replace(last, end=period.end, rows=rows, loaded_at=loaded_at)
        else:
            joined.append(period)
    return joined


def _within_a_day(last: Period, period: Period) -> bool:
    alike = (last.emailing, last.verdict, last.end) == (period.emailing, period.verdict, period.begin)
    return alike and period.end - last.begin <= timedelta(days=1)


def _order(period: Period) -> tuple[int, datetime]:
    return (period.emailing or 0, period.begin)
