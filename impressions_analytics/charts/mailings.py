"""The figures of mailings side by side, as a chart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from impressions_analytics.charts.canvas import (
    LETTER_INCHES,
    SIZE_INCHES,
    count_axis,
    legend_within,
    note,
    open_axes,
    percent_axis,
    plain,
    say_nothing_to_draw,
    shortened,
    style_axes,
    width_inches,
)
from impressions_analytics.charts.given import called, check_result
from impressions_analytics.charts.palette import INK, PAGE, SERIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

_ROW_INCHES = 0.3


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is drawn of each mailing, depending on which columns there are.

    Attributes
    ----------
    low, high : str
        The columns of the ends of the range of what was seen; the same twice where it is one figure.
    x : str
        The label of the axis.
    label : str
        What the range is.
    """

    low: str
    high: str
    x: str
    label: str


_CHOICES = (
    _Shown(
        "open_rate_low", "open_rate_high", "share of the delivered messages",
        "opened: machines left out, up to machines counted",
    ),
    _Shown("open_rate_of_sent", "open_rate_of_sent", "share of the sent messages", "opened, machines included"),
    _Shown(
        "unique_opens_not_only_machines", "unique_opens", "messages",
        "opened: machines left out, up to machines counted",
    ),
)  # fmt: skip
_ESTIMATE = "estimated_open_rate"
_CLICKED = "click_through_rate"


def plot_mailing_performance(
    result: pd.DataFrame, ax: Axes | None = None, *, names: Mapping[object, str] | None = None, most: int = 20
) -> Axes:
    """Draw the result of `mailing_performance`, one row for each mailing.

    The open rate is a range: from the destinations that were not fetched by machines only to all. The thin line through
    it reaches from the lower end of the lower rate's 95% interval to the upper end of the upper one's. A diamond is the
    estimate between them, a square the click-through rate. Without deliveries the open rate of the sent is drawn, and
    without destinations the numbers of opens.

    Parameters
    ----------
    result : DataFrame
        What `mailing_performance` gave.
    ax : matplotlib Axes, optional
        Where to draw; a new figure, as high as the mailings need, when not given. In a notebook that figure shows below
        the cell, in a script write it with ``ax.figure.savefig("chart.png")``.
    names : mapping, optional
        What to call the mailings, such as their subjects by their number.
    most : int
        How many mailings to draw: the last ones, which are the newest.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    MissingColumnError, InvalidArgumentError
        `result` is not what `mailing_performance` gives.

    Examples
    --------
    >>> import pandas as pd
    >>> result = pd.DataFrame({"mailing": [411, 412], "unique_opens": [40, 50]})
    >>> result["unique_opens_not_only_machines"] = [30, 45]
    >>> [label.get_text() for label in plot_mailing_performance(result, names={412: "October"}).get_yticklabels()]
    ['mailing 411', '412 October']
    """
    check_result(result, ("mailing",), of="mailing_performance")
    shown = next((choice for choice in _CHOICES if {choice.low, choice.high} <= set(result.columns)), _CHOICES[-1])
    check_result(result, (shown.low, shown.high), of="mailing_performance")
    rows = result.tail(most)
    ax = open_axes(ax, size_inches=(SIZE_INCHES[0], 1.8 + _ROW_INCHES * max(4, len(rows))))
    style_axes(ax, title="Mailings", x=shown.x, y="", grid="x")
    if rows.empty:
        return say_nothing_to_draw(ax, "no mailings")
    _draw(ax, rows, shown)
    labels = called(rows, ["mailing"], names, all_together="")
    length = max(14, int(width_inches(ax) / LETTER_INCHES / 2.5))
    ax.set_yticks(range(len(rows)), [plain(shortened(label, length)) for label in labels])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(-0.7, len(rows) - 0.3)
    (count_axis if shown.low == "unique_opens_not_only_machines" else percent_axis)(ax.xaxis)
    ax.set_xlim(left=0)
    legend_within(ax, [str(label) for label in ax.get_legend_handles_labels()[1]], corner="upper right")
    if len(result) > len(rows):
        note(ax, f"the last {len(rows):,} of {len(result):,} mailings")
    return ax


def _draw(ax: Axes, rows: pd.DataFrame, shown: _Shown) -> None:
    places = range(len(rows))
    low, high = _values(rows, shown.low), _values(rows, shown.high)
    begin, end = _values(rows, f"{shown.low}_ci_low", low), _values(rows, f"{shown.high}_ci_high", high)
    look, other = SERIES[0], SERIES[1]
    if shown.low == shown.high:
        ax.plot(high, places, color=look.colour, marker=look.marker, linestyle="", label=shown.label)
    else:
        ax.hlines(places, low, high, color=look.colour, linewidth=7, label=shown.label)
    if f"{shown.low}_ci_low" in rows:
        ax.hlines(places, begin, end, color=look.colour, linewidth=1.2, label="95% interval")
    if _ESTIMATE in rows and shown is _CHOICES[0]:
        estimate = {"color": PAGE, "markeredgecolor": INK, "marker": "D", "markersize": 5, "linestyle": ""}
        ax.plot(_values(rows, _ESTIMATE), places, label="estimate between them", **estimate)  # type: ignore[arg-type]
    if _CLICKED in rows and shown is _CHOICES[0]:
        ends = _values(rows, f"{_CLICKED}_ci_low"), _values(rows, f"{_CLICKED}_ci_high")
        ax.hlines(places, *ends, color=other.colour, linewidth=1.2)
        clicked = {"color": other.colour, "marker": other.marker, "markersize": 5, "linestyle": ""}
        ax.plot(_values(rows, _CLICKED), places, label="click-through rate", **clicked)  # type: ignore[arg-type]


def _values(rows: pd.DataFrame, column: str, default: Any = float("nan")) -> Any:
    return rows[column].to_numpy("float64") if column in rows else default
