"""Impressions over time as a chart."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from impressions_analytics.charts.canvas import (
    LETTER_INCHES,
    count_axis,
    legend_within,
    note,
    open_axes,
    plain,
    say_nothing_to_draw,
    shortened,
    style_axes,
    width_inches,
)
from impressions_analytics.charts.given import called, check_result, group_columns
from impressions_analytics.charts.palette import INK, NIGHT, OTHERS, SERIES, WEEKEND, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ACCOUNT_CLOCK = "wall clock of the account"
_COUNTS = {
    "impressions": "impressions",
    "destinations": "destinations with an impression",
    "first_opens": "first opens",
}
_OWN = ("period", "impressions", "destinations", "profiles", "first_opens")
_STEPS = (("hour", 1), ("day", 24), ("week", 168), ("month", 31 * 24), ("quarter", 92 * 24), ("year", 366 * 24))
_MOST_WEEKENDS_DAYS = 130
_MOST_NIGHTS_DAYS = 15
_MARKED = 45  # points up to which each gets a marker
_LABEL_HEIGHT = 0.07  # of the Axes


def plot_impressions_over_time(
    result: pd.DataFrame,
    ax: Axes | None = None,
    *,
    first_opens: pd.DataFrame | None = None,
    cumulative: bool = False,
    names: Mapping[object, str] | None = None,
    zone: str | None = None,
) -> Axes:
    """Draw the result of `impressions_over_time`.

    Without groups: impressions and the destinations with an impression, per period. With groups (``by="mailing"``):
    one line for each of the largest six, and one for all others together. Weekends, and nights in a chart by the
    hour, lie on a darker ground.

    Parameters
    ----------
    result : DataFrame
        What `impressions_over_time` gave.
    ax : matplotlib Axes, optional
        Where to draw; a new figure when not given. In a notebook that figure shows below the cell, in a script write
        it with ``ax.figure.savefig("chart.png")``.
    first_opens : DataFrame, optional
        What ``impressions_over_time(..., count="first")`` gave for the same periods: drawn instead of the
        destinations, since first opens add up and distinct destinations do not.
    cumulative : bool
        Whether `result` was computed with ``cumulative=True``; the chart then says so.
    names : mapping, optional
        What to call the groups, such as the subjects of mailings by their number. The number stays before the
        subject, and a long subject is shortened in its middle.
    zone : str, optional
        The zone of the wall clock, for the label.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    MissingColumnError, InvalidArgumentError
        `result` is not what `impressions_over_time` gives.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.date_range("2026-01-05", periods=3, unit="us")
    >>> result = pd.DataFrame({"period": days, "impressions": [5, 9, 4], "destinations": [4, 6, 3]})
    >>> ax = plot_impressions_over_time(result, zone="Europe/Amsterdam")
    >>> ax.get_ylabel(), ax.get_xlabel()
    ('impressions and destinations per day', 'day, Europe/Amsterdam')
    """
    count = "first_opens" if "first_opens" in getattr(result, "columns", ()) else "impressions"
    check_result(result, ("period", count), of="impressions_over_time")
    ax = open_axes(ax)
    step = _step(result["period"])
    style_axes(ax, title=f"{_COUNTS[count].capitalize()} over time", x=f"{step}, {zone or ACCOUNT_CLOCK}", y="")
    if result.empty:
        return say_nothing_to_draw(ax, "no impressions")
    lines = _lines(result, count, first_opens, names or {})
    grouped = bool(group_columns(result, _OWN))
    counted = _COUNTS[count] if grouped else " and ".join(line.name.split(" with ")[0] for line in lines)
    ax.set_ylabel(f"{counted} {'so far' if cumulative else f'per {step}'}")
    shaded = _shade(ax, result["period"], step)
    if shaded:
        note(ax, shaded)
    for line in lines:
        _draw(ax, line)
    ax.set_ylim(bottom=0, top=max(1.0, *(line.values.max() for line in lines)) * 1.08)
    _date_axis(ax, result["period"])
    count_axis(ax.yaxis)
    _name_lines(ax, lines, direct=grouped)
    return ax


class _Line(NamedTuple):
    """One line: what it is called, its values by period, and its look."""

    name: str
    values: pd.Series[float]
    look: Series


def _lines(
    result: pd.DataFrame, count: str, first_opens: pd.DataFrame | None, names: Mapping[object, str]
) -> list[_Line]:
    """Return what to draw."""
    groups = group_columns(result, _OWN)
    if groups:
        return _largest(result, count, groups, names)
    by_period = result.set_index("period")
    drawn = {_COUNTS[count]: by_period[count]}
    if first_opens is not None:
        check_result(first_opens, ("period", "first_opens"), of="impressions_over_time with count='first'")
        drawn[_COUNTS["first_opens"]] = first_opens.set_index("period")["first_opens"]
    elif "destinations" in result:
        drawn[_COUNTS["destinations"]] = by_period["destinations"]
    return [_Line(name, values, look) for (name, values), look in zip(drawn.items(), SERIES, strict=False)]


def _largest(result: pd.DataFrame, count: str, groups: list[str], names: Mapping[object, str]) -> list[_Line]:
    """Return the lines of the largest groups, and one of all others together: counts of groups add up.

    Groups are told apart by their values: two of one name are two lines.
    """
    group = result.groupby(groups, dropna=False, observed=True, sort=False).ngroup()
    table = result[["period", count]].assign(group=group, name=called(result, groups, names, all_together=""))
    order = table.groupby("group")[count].sum().sort_values(ascending=False, kind="stable").index
    largest = order[: len(SERIES)]
    by_group = dict(iter(table[table["group"].isin(largest)].groupby("group")))
    lines = [
        _Line(shortened(str(rows["name"].iloc[0])), rows.groupby("period")[count].sum(), look)
        for rows, look in zip((by_group[one] for one in largest), SERIES, strict=False)
    ]
    if len(order) > len(SERIES):
        rest = table[~table["group"].isin(largest)].groupby("period")[count].sum()
        lines.append(_Line(f"{len(order) - len(SERIES):,} others together", rest, OTHERS))
    return lines


def _step(period: pd.Series[pd.Timestamp]) -> str:
    """Return the word for the length of the periods; a single period does not tell."""
    distinct = period.drop_duplicates().sort_values()
    if len(distinct) < 2:
        return "period"
    hours = distinct.diff().min() / pd.Timedelta(hours=1)
    return next((word for word, most in _STEPS if hours <= most), "period")


def _draw(ax: Axes, line: _Line) -> None:
    name, values, look = line
    marker = look.marker if len(values) <= _MARKED else ""
    ax.plot(
        values.index.to_numpy(), values.to_numpy(dtype="float64"), label=plain(name), color=look.colour,
        linestyle=look.dash, marker=marker or ("o" if len(values) == 1 else ""), markersize=4, linewidth=1.6,
    )  # fmt: skip


def _shade(ax: Axes, period: pd.Series[pd.Timestamp], step: str) -> str:
    """Put weekends and nights on a darker ground where they are wide enough to be seen, and say what is."""
    first, last = period.min().floor("D"), period.max()
    if step not in {"hour", "day"} or last - first > pd.Timedelta(days=_MOST_WEEKENDS_DAYS):
        return ""
    days = pd.date_range(first, last, freq="D")
    across = ax.get_xaxis_transform()
    weekends = [(_day_number(day), 1.0) for day in days if day.day_of_week >= 5]
    ax.broken_barh(weekends, (0, 1), transform=across, color=WEEKEND, linewidth=0, zorder=0)
    if step == "hour" and last - first <= pd.Timedelta(days=_MOST_NIGHTS_DAYS):
        nights = [(_day_number(day) - 2 / 24, 8 / 24) for day in [*days, days[-1] + pd.Timedelta(days=1)]]
        ax.broken_barh(nights, (0, 1), transform=across, color=NIGHT, linewidth=0, zorder=0)
        return "darker: nights, 22:00 to 6:00" + ("; grey: weekends" if weekends else "")
    return "grey: weekends" if weekends else ""


def _date_axis(ax: Axes, period: pd.Series[pd.Timestamp]) -> None:
    """Label the days, and end the axis with the data rather than with the ground below it."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    first, last = _day_number(period.min()), _day_number(period.max())
    margin = (last - first) * 0.02 or 1.5
    ax.set_xlim(first - margin, last + margin)
    locator = AutoDateLocator(minticks=3, maxticks=9)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    ax.xaxis.get_offset_text().set_color(INK)


def _name_lines(ax: Axes, lines: list[_Line], *, direct: bool) -> None:
    """Name the lines at their peaks where these lie apart, in a legend where they do not."""
    places = []
    for line in lines:
        x, y = _peak(ax, line.values)
        width = len(line.name) * LETTER_INCHES / width_inches(ax)
        places.append((min(max(x, width / 2), 1 - width / 2), y, width))
    if not direct or _crowded(places):
        legend_within(ax, [line.name for line in lines])
        return
    for line, (x, y, _) in zip(lines, places, strict=True):
        ax.annotate(
            plain(line.name), (x, y), xycoords="axes fraction", xytext=(0, 4), textcoords="offset points",
            ha="center", va="bottom", fontsize="small", color=line.look.colour,
        )  # fmt: skip


def _peak(ax: Axes, values: pd.Series[float]) -> tuple[float, float]:
    """Return where the highest point of a line lies, as shares of the Axes."""
    left, right = ax.get_xlim()
    return (_day_number(values.idxmax()) - left) / (right - left), float(values.max()) / ax.get_ylim()[1]


def _day_number(moment: object) -> float:
    """Return where a moment lies on matplotlib's axis of dates, which counts days."""
    from matplotlib.dates import date2num

    return float(date2num(moment))  # type: ignore[no-untyped-call]


def _crowded(labels: list[tuple[float, float, float]]) -> bool:
    """Whether any two labels, given as middle, bottom and width, would touch."""
    return any(
        abs(x - other_x) < (width + other_width) / 2 and abs(y - other_y) < _LABEL_HEIGHT
        for (x, y, width), (other_x, other_y, other_width) in combinations(labels, 2)
    )
