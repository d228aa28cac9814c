"""Impressions over time as a chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impressions_analytics.charts.canvas import (
    ACCOUNT_CLOCK,
    count_axis,
    note,
    say_nothing_to_draw,
    start_chart,
)
from impressions_analytics.charts.dates import (
    Step,
    date_axis,
    longer,
    on_the_wall_clock,
    shade,
    spans,
    start_of,
    step_of,
    unfinished,
)
from impressions_analytics.charts.given import called, check_result, group_columns
from impressions_analytics.charts.language import phrase, value_word, word, written
from impressions_analytics.charts.palette import KIND_OF_OPEN, OTHERS, PART, SERIES, WHOLE
from impressions_analytics.charts.peaks import name_layers, name_mailings
from impressions_analytics.charts.stacked import Layer, draw_bars, draw_lines, tops
from impressions_analytics.charts.texts import shortened
from impressions_analytics.charts.tips import Tip, tell

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COUNTS = {
    "impressions": "impressions",
    "destinations": "destinations with an impression",
    "first_opens": "first opens",
}
_TITLES = {"impressions": "Impressions over time", "first_opens": "First opens over time"}
_Y_LABELS = {
    ("impressions",): "impressions",
    ("impressions", "destinations"): "impressions and destinations",
    ("impressions", "first_opens"): "impressions and first opens",
    ("first_opens",): "first opens",
    ("first_opens", "destinations"): "first opens and destinations",
}
_OWN = ("period", "impressions", "destinations", "profiles", "first_opens")
_DENSE_PERIODS, _DENSE_SHARE, _LITTLE = 130, 0.5, 0.05
"""Lines are clearer than bars from so many periods on, if so large a share of them have more than a little: this share
of the most."""

_MOST_TIPS = 400


def plot_impressions_over_time(
    result: pd.DataFrame,
    ax: Axes | None = None,
    *,
    first_opens: pd.DataFrame | None = None,
    cumulative: bool = False,
    names: Mapping[object, str] | None = None,
    zone: str | None = None,
    known_until: Any = None,
    sent_at: Mapping[object, Any] | None = None,
) -> Axes:
    """Draw the result of `impressions_over_time`.

    One bar for each period. Without groups: the impressions, and before them the destinations with an impression. By
    kind of open (``by="kind"``): the kinds stacked. By anything else (``by="mailing"``): the largest six stacked, with
    all others together on top. Lines take the place of bars where more than 130 periods follow each other closely, and
    for counts so far. More than 1,500 periods are added up to longer ones, as the label then says. Weekends, and
    nights in a chart by the hour, lie on a darker ground.

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
    known_until : datetime-like or str, optional
        Until when the impressions are known, wall clock. A last period that ends later is drawn pale, since it is not
        over.
    sent_at : mapping, optional
        When each mailing was sent, wall clock, by its number. The numbers stand above the periods in which they were
        sent, as far as there is room.

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
    >>> ax = plot_impressions_over_time(result, zone="Europe/Amsterdam", known_until="2026-01-07 12:00")
    >>> ax.get_ylabel()
    'impressions and destinations per day'
    >>> ax.get_xlabel().splitlines()
    ['day, Europe/Amsterdam', 'pale: the last day, known until 2026-01-07 12:00']
    """
    count = "first_opens" if "first_opens" in getattr(result, "columns", ()) else "impressions"
    ax = start_chart(
        result, ax, ("period", count), of="impressions_over_time", title=phrase(_TITLES[count]),
        x=zone or word(ACCOUNT_CLOCK),
    )  # fmt: skip
    result = on_the_wall_clock(result)
    if result.empty:
        return say_nothing_to_draw(ax, phrase("no impressions"))
    groups = group_columns(result, _OWN)
    rows, step = _visible(_with_first_opens(result, first_opens), count, groups, cumulative=cumulative)
    layers, periods = _layers(rows, count, groups, names or {})
    drawn = spans(periods, step)
    counted = word(_Y_LABELS[(count,) if groups else _drawn_counts(rows, count)])
    per = phrase("{counts} so far" if cumulative else "{counts} per {step}", counts=counted, step=word(step.word))
    ax.set_ylabel(per)
    ax.set_xlabel(f"{word(step.word)}, {ax.get_xlabel()}")
    remark = unfinished(drawn, step, known_until)
    for words in filter(None, (shade(ax, drawn, step), remark)):
        note(ax, words)
    lines = cumulative or (_dense(layers) and layers[0].look not in KIND_OF_OPEN.values())
    _draw(ax, layers, drawn, lines=lines, stacked=bool(groups) and not lines, last_is_over=not remark)
    _tell(ax, layers, drawn, periods, step)
    if sent_at:
        name_mailings(ax, sent_at, drawn, np.max(tops(layers, stacked=bool(groups) and not lines), axis=0))
    return ax


def _draw(ax: Axes, layers: list[Layer], drawn: Any, *, lines: bool, stacked: bool, last_is_over: bool) -> None:
    """Draw the layers, the axes that they need, and their names."""
    if lines:
        draw_lines(ax, layers, drawn, last_is_over=last_is_over)
    else:
        draw_bars(ax, layers, drawn, stacked=stacked, last_is_over=last_is_over)
    heights = tops(layers, stacked=stacked)
    ax.set_ylim(0, max(1.0, float(np.max(heights))) * 1.08)
    date_axis(ax, drawn)
    count_axis(ax.yaxis)
    by_name = {layer.look for layer in layers}.isdisjoint({*KIND_OF_OPEN.values(), WHOLE, PART})
    reached = [np.max(heights, axis=0)] * len(layers) if stacked else heights
    name_layers(ax, layers, drawn, reached, direct=by_name)


def _tell(ax: Axes, layers: list[Layer], drawn: Any, periods: pd.Index, step: Step) -> None:
    """Let each period say its counts."""
    if len(drawn) > _MOST_TIPS:
        return
    for place, (period, (left, right)) in enumerate(zip(periods, drawn, strict=True)):
        parts = [f"{layer.name} {written(layer.values[place], ',.0f')}" for layer in layers if layer.values[place]]
        when = f"{period:%Y-%m-%d %H:%M}" if step.word == "hour" else f"{period:%Y-%m-%d}"
        if parts:
            tell(ax, Tip((left, 0, right, 0), f"{word(step.word)} {when}: {', '.join(parts)}", full_height=True))


def _with_first_opens(result: pd.DataFrame, first_opens: pd.DataFrame | None) -> pd.DataFrame:
    """Put the first opens in the place of the destinations."""
    if first_opens is None or "impressions" not in result:
        return result
    check_result(first_opens, ("period", "first_opens"), of="impressions_over_time with count='first'")
    firsts = result["period"].map(first_opens.groupby("period")["first_opens"].sum()).fillna(0)
    return result.drop(columns="destinations", errors="ignore").assign(first_opens=firsts.astype("int64"))


def _visible(result: pd.DataFrame, count: str, groups: list[str], *, cumulative: bool) -> tuple[pd.DataFrame, Step]:
    """Return the rows, added up to longer periods where there are too many to be seen, and how long they are."""
    step = step_of(result["period"])
    seen = longer(step, result["period"].nunique())
    if seen is step:
        return result, step
    columns = [name for name in (count, "first_opens") if name in result]  # destinations do not add up
    keys = [start_of(result["period"], seen), *(result[name] for name in groups)]
    added = result.groupby(keys, dropna=False, observed=True, sort=False)[list(dict.fromkeys(columns))]
    return (added.last() if cumulative else added.sum()).reset_index(), seen


def _layers(
    result: pd.DataFrame, count: str, groups: list[str], names: Mapping[object, str]
) -> tuple[list[Layer], pd.Index]:
    """Return what to draw, and the periods."""
    if groups == ["kind"] and result["kind"].isin(list(KIND_OF_OPEN)).all():
        table = result.pivot_table(index="period", columns="kind", values=count, aggfunc="sum", observed=True)
        kinds = [kind for kind in KIND_OF_OPEN if kind in table]
        return [Layer(value_word(kind), _numbers(table[kind]), KIND_OF_OPEN[kind]) for kind in kinds], table.index
    if groups:
        return _largest(result, count, groups, names)
    by_period = result.set_index("period").sort_index()
    looks = zip(_drawn_counts(by_period, count), (WHOLE, PART), strict=False)
    return [Layer(word(_COUNTS[name]), _numbers(by_period[name]), look) for name, look in looks], by_period.index


def _drawn_counts(result: pd.DataFrame, count: str) -> tuple[str, ...]:
    """Return the columns that are drawn where nothing is counted apart: a count, and what is a part of it."""
    parts = [name for name in (count, "first_opens", "destinations") if name in result]
    return tuple(dict.fromkeys(parts))[:2]


def _largest(
    result: pd.DataFrame, count: str, groups: list[str], names: Mapping[object, str]
) -> tuple[list[Layer], pd.Index]:
    """Return the largest groups, and all others together: counts of groups add up.

    Groups are told apart by their values: two of one name are two layers.
    """
    group = result.groupby(groups, dropna=False, observed=True, sort=False).ngroup()
    called_by = called(result, groups, names, all_together="")
    name_of = dict(zip(group, called_by, strict=True))
    order = result[count].groupby(group).sum().sort_values(ascending=False, kind="stable").index
    largest = order[: len(SERIES)]
    place = group.where(group.isin(largest), -1).rename("group")
    table = result.assign(group=place).pivot_table(index="period", columns="group", values=count, aggfunc="sum")
    table = table.fillna(0)
    layers = [
        Layer(shortened(str(name_of[one])), _numbers(table[one]), look)
        for one, look in zip(largest, SERIES, strict=False)
    ]
    if len(order) > len(SERIES):
        layers.append(
            Layer(phrase("{many:,} others together", many=len(order) - len(SERIES)), _numbers(table[-1]), OTHERS)
        )
    return layers, table.index


def _numbers(values: pd.Series[Any]) -> Any:
    return values.fillna(0).to_numpy("float64")


def _dense(layers: list[Layer]) -> bool:
    """Whether lines are clearer than bars: many periods, and not little in most of them."""
    total = np.sum([layer.values for layer in layers], axis=0)
    return len(total) > _DENSE_PERIODS and bool(np.mean(total > _LITTLE * total.max()) >= _DENSE_SHARE)
