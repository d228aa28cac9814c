"""The hours of the week in which mail is opened, as a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from impressions_analytics.charts.canvas import open_axes, say_nothing_to_draw, short_number, style_axes
from impressions_analytics.charts.given import check_result
from impressions_analytics.charts.over_time import ACCOUNT_CLOCK
from impressions_analytics.charts.palette import GRID, HEAT, INK, MUTED, PAGE
from impressions_analytics.errors import InvalidArgumentError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Measure = Literal["impressions", "impressions_per_message_hour"]

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LABELS = {
    "impressions": "impressions (the hours of sending weigh in)",
    "impressions_per_message_hour": "impressions per 1,000 messages that were out for the hour",
}


def plot_hour_of_week(
    result: pd.DataFrame, ax: Axes | None = None, *, measure: Measure | None = None, zone: str | None = None
) -> Axes:
    """Draw the result of `impressions_by_hour_of_week` as a map of weekdays and hours.

    Parameters
    ----------
    result : DataFrame
        What `impressions_by_hour_of_week` gave.
    ax : matplotlib Axes, optional
        Where to draw; a new figure when not given. In a notebook that figure shows below the cell, in a script write
        it with ``ax.figure.savefig("chart.png")``.
    measure : {"impressions_per_message_hour", "impressions"}, optional
        What the darkness of a cell is; the first that `result` has when not given. The first shows readers' habits,
        the second mirrors when mail was sent as well. Cells in which no message was out are hatched.
    zone : str, optional
        The zone of the wall clock, for the label.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    MissingColumnError, InvalidArgumentError
        `result` is not what `impressions_by_hour_of_week` gives, or `measure` cannot be used.

    Examples
    --------
    >>> import pandas as pd
    >>> hours = pd.DataFrame({"weekday": [1, 2], "hour": [9, 17], "impressions": [5, 3]})
    >>> [label.get_text() for label in plot_hour_of_week(hours).get_yticklabels()]
    ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
    """
    if measure not in {None, *_LABELS}:
        raise InvalidArgumentError(f"measure must be one of {', '.join(map(repr, _LABELS))}, got {measure!r}")
    exposed = "impressions_per_message_hour" in getattr(result, "columns", ())
    measure = measure or ("impressions_per_message_hour" if exposed else "impressions")
    check_result(result, ("weekday", "hour", measure), of="impressions_by_hour_of_week")
    ax = open_axes(ax)
    style_axes(ax, title="Opens by weekday and hour", x=f"hour of the day, {zone or ACCOUNT_CLOCK}", y="", grid="")
    cells = _cells(result, measure)
    if not cells.max().max() > 0:
        return say_nothing_to_draw(ax, "no impressions")
    mesh = _draw_cells(ax, cells)
    ax.set_yticks([place + 0.5 for place in range(7)], list(_WEEKDAYS))
    ax.set_xticks(range(0, 25, 3), [f"{hour:02}:00" for hour in range(0, 25, 3)])
    ax.set_ylim(7, 0)
    _scale(ax, mesh, _LABELS[measure])
    return ax


def _cells(result: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """Return the values as 7 rows of 24."""
    values = result.pivot_table(index="weekday", columns="hour", values=measure, aggfunc="sum", min_count=1)
    values = values.reindex(index=range(1, 8), columns=range(24)).astype("float64")
    return values * 1000 if measure == "impressions_per_message_hour" else values.fillna(0)


def _draw_cells(ax: Axes, cells: pd.DataFrame) -> Any:
    """Draw the values in seven steps at most, so that each can be read off the scale."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    edges = _edges(float(cells.max().max()))
    steps = len(edges) - 1
    colours = [HEAT[round(step * (len(HEAT) - 1) / max(1, steps - 1))] for step in range(steps)]
    if cells.isna().any(axis=None):
        ax.patch.set(facecolor=PAGE, hatch="////", edgecolor=GRID)
    return ax.pcolormesh(
        range(25), range(8), cells.to_numpy(), cmap=ListedColormap(colours),
        norm=BoundaryNorm(edges, steps), edgecolors=PAGE, linewidth=1,
    )  # fmt: skip


def _edges(most: float) -> list[float]:
    """Return the ends of the steps, which widen: a few hours after a sending would else outshine all others.

    Examples
    --------
    >>> _edges(900)
    [0.0, 19.0, 74.0, 170.0, 300.0, 460.0, 670.0, 900.0]
    >>> _edges(2)
    [0.0, 0.041, 0.17, 0.37, 0.66, 1.1, 1.5, 2.0]
    """
    from decimal import ROUND_CEILING, Context

    two_digits = Context(prec=2, rounding=ROUND_CEILING)
    ends = (most * (step / len(HEAT)) ** 2 for step in range(len(HEAT) + 1))
    return [float(two_digits.create_decimal_from_float(end)) for end in ends]


def _scale(ax: Axes, mesh: Any, label: str) -> None:
    bar = ax.figure.colorbar(mesh, ax=ax, location="bottom", aspect=45, fraction=0.06)
    bar.set_label(label, color=MUTED)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=MUTED, labelcolor=INK, length=3)
    bar.ax.xaxis.set_major_formatter(lambda value, _: short_number(value))
