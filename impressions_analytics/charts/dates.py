"""The axis of time: how long the periods are, where they lie, what is shaded, and which one is not over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impressions_analytics.charts.language import phrase, word
from impressions_analytics.charts.palette import INK, NIGHT, WEEKEND

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

MOST_PERIODS = 1_500
"""More periods than this are thinner than the dots of a screen: they are drawn as longer ones."""
_MOST_WEEKENDS_DAYS = 130
_MOST_NIGHTS_DAYS = 15
_LEAST_PERIODS = 8
_HOUR = 1 / 24


@dataclass(frozen=True, slots=True)
class Step:
    """How long a period is.

    Attributes
    ----------
    word : str
        What it is called.
    most_hours : float
        The hours of the longest one.
    frequency : str
        What pandas calls such periods.
    """

    word: str
    most_hours: float
    frequency: str


_STEPS = (
    Step("hour", 1, "h"),
    Step("day", 24, "D"),
    Step("week", 168, "W-SUN"),
    Step("month", 31 * 24, "M"),
    Step("quarter", 92 * 24, "Q"),
    Step("year", 366 * 24, "Y"),
)
_ONE = Step("period", float("inf"), "D")


def on_the_wall_clock(result: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that have a period, without a zone: the clock on the wall of the zone is what is drawn."""
    rows = result[result["period"].notna()]
    return rows if rows["period"].dt.tz is None else rows.assign(period=rows["period"].dt.tz_localize(None))


def step_of(period: pd.Series[pd.Timestamp]) -> Step:
    """Return how long the periods are; a single period does not tell.

    Examples
    --------
    >>> step_of(pd.Series(pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01"]))).word
    'month'
    """
    distinct = period.drop_duplicates().sort_values()
    if len(distinct) < 2:
        return _ONE
    hours = distinct.diff().min() / pd.Timedelta(hours=1)
    return next((step for step in _STEPS if hours <= step.most_hours), _ONE)


def longer(step: Step, periods: int) -> Step:
    """Return the shortest step that is not shorter than `step` and leaves no more periods than can be seen.

    Examples
    --------
    >>> longer(_STEPS[0], 5 * 365 * 24).word, longer(_STEPS[1], 365).word
    ('week', 'day')
    """
    fits = (one for one in _STEPS if one.most_hours >= step.most_hours)
    return next((one for one in fits if periods * step.most_hours / one.most_hours <= MOST_PERIODS), step)


def start_of(period: pd.Series[pd.Timestamp], step: Step) -> pd.Series[pd.Timestamp]:
    """Return the beginning of the step in which each period lies."""
    return period.dt.to_period(step.frequency).dt.start_time.dt.as_unit("us")


def spans(periods: pd.Index, step: Step) -> npt.NDArray[np.float64]:
    """Return begin and end of each period as numbers of matplotlib's axis of dates, which counts days."""
    begins = pd.DatetimeIndex(periods)
    if step is _ONE:
        length: Any = pd.Timedelta(hours=24 if (begins == begins.normalize()).all() else 1)
    else:
        whole = begins.to_period(step.frequency)
        length = whole.end_time.ceil("s") - whole.start_time
    return np.column_stack([_numbers(begins), _numbers(begins + length)])


def _numbers(moments: pd.DatetimeIndex) -> npt.NDArray[np.float64]:
    from matplotlib.dates import date2num

    return np.asarray(date2num(moments.to_numpy()), dtype="float64")  # type: ignore[no-untyped-call]


def date_axis(ax: Axes, drawn: npt.NDArray[np.float64]) -> None:
    """Label the days, and end the axis with the data; a few periods do not fill it."""
    from matplotlib.dates import AutoDateLocator

    from impressions_analytics.charts.date_labels import DateLabels

    first, last = drawn[0, 0], drawn[-1, 1]
    width = float(np.median(drawn[:, 1] - drawn[:, 0]))
    margin = max((last - first) * 0.01, (_LEAST_PERIODS * width - (last - first)) / 2)
    ax.set_xlim(first - margin, last + margin)
    locator = AutoDateLocator(minticks=3, maxticks=9)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(DateLabels(locator))  # type: ignore[no-untyped-call]
    ax.xaxis.get_offset_text().set_color(INK)


def unfinished(drawn: npt.NDArray[np.float64], step: Step, known_until: Any) -> str:
    """Say that the last period is not over, if its end is later than what is known; nothing otherwise."""
    from matplotlib.dates import date2num

    if known_until is None:
        return ""
    until = pd.Timestamp(known_until)
    if float(date2num(until)) >= drawn[-1, 1]:  # type: ignore[no-untyped-call]
        return ""
    return phrase("pale: the last {step}, known until {until:%Y-%m-%d %H:%M}", step=word(step.word), until=until)


def shade(ax: Axes, drawn: npt.NDArray[np.float64], step: Step) -> str:
    """Put weekends and nights on a darker ground where they are wide enough to be seen, and say what is."""
    first, last = int(drawn[0, 0]), drawn[-1, 1]
    if step.word not in {"hour", "day"} or last - first > _MOST_WEEKENDS_DAYS:
        return ""
    days = range(first, int(np.ceil(last)))
    across = ax.get_xaxis_transform()
    # Day 0 of the axis, 1 January 1970, was a Thursday.
    weekends = [(float(day), 1.0) for day in days if day % 7 in {2, 3}]
    ax.broken_barh(weekends, (0, 1), transform=across, color=WEEKEND, linewidth=0, zorder=0)
    if step.word == "hour" and last - first <= _MOST_NIGHTS_DAYS:
        nights = [(day - 2 * _HOUR, 8 * _HOUR) for day in [*days, days[-1] + 1]]
        ax.broken_barh(nights, (0, 1), transform=across, color=NIGHT, linewidth=0, zorder=0)
        return phrase(
            "shaded: nights, 22:00 to 6:00, and more faintly weekends" if weekends else "shaded: nights, 22:00 to 6:00"
        )
    return phrase("shaded: weekends") if weekends else ""
