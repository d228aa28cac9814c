"""The hours of the week in which mail is opened, as a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from impressions_analytics.charts.canvas import ACCOUNT_CLOCK, note, say_nothing_to_draw, start_chart
from impressions_analytics.charts.language import phrase, word, written
from impressions_analytics.charts.numbers import short_number
from impressions_analytics.charts.palette import GRID, HEAT, INK, MUTED, PAGE
from impressions_analytics.charts.tips import Tip, tell
from impressions_analytics.errors import InvalidArgumentError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Measure = Literal["impressions", "impressions_per_message_hour"]

FEW_MESSAGE_HOURS = 500
"""A cell in which fewer messages were out tells little: one impression more changes its rate by 2 per 1,000 or more."""
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
        the second mirrors when mail was sent as well. The steps of the scale are equally wide. With the first, cells in
        which no message was out are hatched, and those in which few were out are dotted; they do not set the scale.
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
    ax = start_chart(
        result, ax, ("weekday", "hour", measure), of="impressions_by_hour_of_week",
        title=phrase("Opens by weekday and hour"),
        x=phrase("hour of the day, {zone}", zone=zone or word(ACCOUNT_CLOCK)), grid="",
    )  # fmt: skip
    cells = _cells(result, measure)
    if not cells.max().max() > 0:
        return say_nothing_to_draw(ax, phrase("no impressions"))
    few = _few(result) if measure == "impressions_per_message_hour" else cells < 0
    mesh = _draw_cells(ax, cells, few)
    ax.set_yticks([place + 0.5 for place in range(7)], list(map(word, _WEEKDAYS)))
    ax.set_xticks(range(0, 25, 3), [f"{hour:02}:00" for hour in range(0, 25, 3)])
    ax.set_ylim(7, 0)
    if few.any(axis=None):
        words = "dotted: fewer than {few:,} messages were out, so the figure says little"
        note(ax, phrase(words, few=FEW_MESSAGE_HOURS))
    _scale(ax, mesh, word(_LABELS[measure]))
    _tell(ax, cells, few, measure)
    return ax


def _cells(result: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """Return the values as 7 rows of 24."""
    values = result.pivot_table(index="weekday", columns="hour", values=measure, aggfunc="sum", min_count=1)
    values = values.reindex(index=range(1, 8), columns=range(24)).astype("float64")
    return values * 1000 if measure == "impressions_per_message_hour" else values.fillna(0)


def _few(result: pd.DataFrame) -> pd.DataFrame:
    """Return which cells have some messages, but few."""
    if "message_hours" not in result:
        return pd.DataFrame(False, index=range(1, 8), columns=range(24))
    out = result.pivot_table(index="weekday", columns="hour", values="message_hours", aggfunc="sum")
    out = out.reindex(index=range(1, 8), columns=range(24)).fillna(0)
    return (out > 0) & (out < FEW_MESSAGE_HOURS)


def _draw_cells(ax: Axes, cells: pd.DataFrame, few: pd.DataFrame) -> Any:
    """Draw the values in seven equal steps, so that each can be read off the scale."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    sure = cells.where(~few).max().max()
    edges = _edges(float(sure if sure > 0 else cells.max().max()))
    if cells.isna().any(axis=None):
        ax.patch.set(facecolor=PAGE, hatch="////", edgecolor=GRID)
    rows, columns = few.to_numpy().nonzero()
    if len(rows):
        ax.plot(columns + 0.5, rows + 0.5, linestyle="", marker="o", markersize=3.5, color=INK, markeredgecolor=PAGE)
    # What lies above the scale has the colour of its last step.
    return ax.pcolormesh(
        range(25), range(8), cells.clip(upper=edges[-1]).to_numpy(), cmap=ListedColormap(list(HEAT)),
        norm=BoundaryNorm(edges, len(HEAT)), edgecolors=PAGE, linewidth=1,
    )  # fmt: skip


def _edges(most: float) -> list[float]:
    """Return the ends of seven equal steps of a round width, the last of which reaches the largest value.

    Examples
    --------
    >>> _edges(900)
    [0.0, 130.0, 260.0, 390.0, 520.0, 650.0, 780.0, 910.0]
    >>> _edges(2)
    [0.0, 0.29, 0.58, 0.87, 1.16, 1.45, 1.74, 2.03]
    """
    from decimal import ROUND_CEILING, Context

    width = Context(prec=2, rounding=ROUND_CEILING).create_decimal_from_float(most / len(HEAT))
    return [float(width * step) for step in range(len(HEAT) + 1)]


def _tell(ax: Axes, cells: pd.DataFrame, few: pd.DataFrame, measure: Measure) -> None:
    """Let each cell say its value."""
    unit = word("impressions" if measure == "impressions" else "per 1,000 messages")
    values = cells.to_numpy()
    for day, weekday in enumerate(_WEEKDAYS):
        for hour in range(24):
            value = float(values[day, hour])
            said = phrase("no message was out") if pd.isna(value) else f"{written(value, ',.4g')} {unit}"
            doubt = f" ({phrase('few messages')})" if few.iloc[day, hour] else ""
            tell(ax, Tip((hour, day, hour + 1, day + 1), f"{word(weekday)} {hour:02}:00: {said}{doubt}"))


def _scale(ax: Axes, mesh: Any, label: str) -> None:
    # A layout engine keeps the scale below the label by itself.
    engine = ax.get_figure(root=True).get_layout_engine()  # type: ignore[union-attr]
    lines = ax.get_xlabel().count("\n") if engine is None else 0
    bar = ax.figure.colorbar(mesh, ax=ax, location="bottom", aspect=45, fraction=0.06, pad=0.15 + 0.06 * lines)
    bar.set_label(label, color=MUTED)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=MUTED, labelcolor=INK, length=3)
    bar.ax.xaxis.set_major_formatter(lambda value, _: short_number(value))
