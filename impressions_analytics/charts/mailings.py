"""The figures of mailings side by side, as a chart."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impressions_analytics.charts.canvas import (
    LETTER_INCHES,
    SIZE_INCHES,
    banner,
    beside,
    count_axis,
    note,
    percent_axis,
    say_nothing_to_draw,
    start_chart,
    style_axes,
    width_inches,
)
from impressions_analytics.charts.given import called, check_result
from impressions_analytics.charts.language import counted, over_mailings, phrase, word
from impressions_analytics.charts.palette import INK, MUTED, SERIES
from impressions_analytics.charts.texts import percent, plain, short_number, shortened
from impressions_analytics.charts.tips import Tip, tell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

_ROW_INCHES = 0.3
_NUMBER_INCHES = 0.1  # about how wide a letter of the numbers is


@dataclass(frozen=True, slots=True)
class _Panel:
    """What a panel draws of each mailing, if the result has its columns.

    Attributes
    ----------
    low, high : str
        The columns of the ends of the range of what was seen; the same twice where it is one figure.
    x : str
        The label of the axis.
    share : bool
        Whether the figures are shares.
    """

    low: str
    high: str
    x: str
    share: bool = True


_OPENS = (
    _Panel("open_rate_low", "open_rate_high", "opened, of the delivered, without to with machines"),
    _Panel("open_rate_of_sent", "open_rate_of_sent", "opened, of the sent, machines included"),
    _Panel("unique_opens_not_only_machines", "unique_opens", "messages opened, without to with machines",
           share=False),
)  # fmt: skip
_CLICKS = _Panel("click_through_rate", "click_through_rate", "clicked, of the delivered")


def plot_mailing_performance(
    result: pd.DataFrame, ax: Axes | None = None, *, names: Mapping[object, str] | None = None, most: int = 20
) -> Axes:
    """Draw the result of `mailing_performance`: opens in one panel, clicks in a second beside it, a row per mailing.

    The opens are a range: from the destinations that were not fetched by machines only to all. The thin line through
    it reaches from the lower end of the lower rate's 95% interval to the upper end of the upper one's. The figures
    stand at the right of their panel, and a dashed line is the median of the mailings drawn. Where the inputs do not
    cover a mailing, its row says so, and an amber banner tells over how many mailings the rates are. Without
    deliveries the open rate of the sent is drawn, and without destinations the numbers of opens; without click rates
    there is one panel.

    Parameters
    ----------
    result : DataFrame
        What `mailing_performance` gave.
    ax : matplotlib Axes, optional
        Where to draw; the panel of clicks takes a part of its room. A new figure, as high as the mailings need, when
        not given. In a notebook that figure shows below the cell, in a script write it with
        ``ax.figure.savefig("chart.png")``.
    names : mapping, optional
        What to call the mailings, such as their subjects by their number. The number stays before the subject, and a
        long subject is shortened in its middle.
    most : int
        How many mailings to draw: the last ones, which are the newest. The newest stands at the top.

    Returns
    -------
    matplotlib Axes
        The panel of opens.

    Raises
    ------
    MissingColumnError, InvalidArgumentError
        `result` is not what `mailing_performance` gives.

    Examples
    --------
    >>> import pandas as pd
    >>> result = pd.DataFrame({"mailing": [411, 412], "unique_opens": [40, 50]})
    >>> result["unique_opens_not_only_machines"] = [30, 45]
    >>> ax = plot_mailing_performance(result, names={412: "October"})
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['mailing 411', '412 October']
    >>> [text.get_text() for text in ax.texts]
    ['30 to 40', '45 to 50', 'median']
    """
    has = set(getattr(result, "columns", ()))
    panel = next((one for one in _OPENS if {one.low, one.high} <= has), _OPENS[-1])
    rows = check_result(result, ("mailing", panel.low, panel.high), of="mailing_performance").tail(most)
    ax = start_chart(
        rows, ax, ("mailing",), of="mailing_performance", title=phrase("Mailings"), x=word(panel.x), grid="x",
        size_inches=(SIZE_INCHES[0], 1.3 + _ROW_INCHES * max(4, len(rows))),
    )  # fmt: skip
    if rows.empty:
        return say_nothing_to_draw(ax, phrase("no mailings"))
    labels = called(rows, ["mailing"], names, all_together="").tolist()
    length = max(14, int(width_inches(ax) / LETTER_INCHES / 3.2))
    clicks = beside(ax, 0.42) if _CLICKS.high in has and panel.share else None
    _draw(ax, rows, panel, labels, SERIES[0].colour)
    ax.set_yticks(range(len(rows)), [plain(shortened(label, length)) for label in labels])
    if clicks is not None:
        style_axes(clicks, title="", x=word(_CLICKS.x), y="", grid="x")
        _draw(clicks, rows, _CLICKS, labels, SERIES[1].colour)
        clicks.set_yticks(range(len(rows)), [""] * len(rows))
        for one in (ax, clicks):
            one.set_xlabel(textwrap.fill(one.get_xlabel(), max(14, int(0.75 * width_inches(one) / LETTER_INCHES))))
    lacking = int(_lacking(result).sum())
    if lacking:
        over = over_mailings(len(result) - lacking, len(result))
        banner(ax, phrase("Data: partly covered; rates are {over}", over=over))
    if len(result) > len(rows):
        note(ax, phrase("the last {some:,} of {mailings}", some=len(rows), mailings=counted(len(result), "mailings")))
    return ax


def _draw(ax: Axes, rows: pd.DataFrame, panel: _Panel, labels: list[str], colour: str) -> None:
    """Draw the range of each mailing, its interval, its figures at the right, and the median."""
    places, low, high = np.arange(len(rows)), _values(rows, panel.low), _values(rows, panel.high)
    begin, end = _values(rows, f"{panel.low}_ci_low", low), _values(rows, f"{panel.high}_ci_high", high)
    ax.hlines(places, begin, end, color=colour, linewidth=1.2)
    if panel.low == panel.high:
        ax.plot(high, places, color=colour, marker="o", linestyle="")
    else:
        ax.hlines(places, low, high, color=colour, linewidth=7)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(-0.7, len(rows) - 0.3)
    ends = zip(low, high, _lacking(rows), strict=True)
    numbers = [_figure(least, most, share=panel.share, lacking=lacking) for least, most, lacking in ends]
    _set_scale(ax, end, numbers, share=panel.share)
    across = ax.get_yaxis_transform()
    for place, (label, number) in enumerate(zip(labels, numbers, strict=True)):
        ax.text(1.0, place, number, transform=across, ha="right", va="center", fontsize="small", color=INK)
        tell(
            ax,
            Tip((0, place - 0.5, 0, place + 0.5), f"{label}: {word(panel.x).split(',')[0]} {number}", full_width=True),
        )
    _draw_median(ax, (low + high) / 2)


def _draw_median(ax: Axes, middle: Any) -> None:
    """Draw a line at the median of the mailings, where there are several."""
    known = middle[~np.isnan(middle)]
    if len(known) > 1:
        ax.axvline(float(np.median(known)), color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=0.5)
        ax.annotate(
            phrase("median"), (float(np.median(known)), 1), xycoords=("data", "axes fraction"), xytext=(0, 1),
            textcoords="offset points", ha="center", va="bottom", fontsize="x-small", color=MUTED,
        )  # fmt: skip


def _lacking(result: pd.DataFrame) -> Any:
    """Return which mailings an input does not cover."""
    known = result["not_covered"].isna() if "not_covered" in result else pd.Series(True, index=result.index)
    return (~known).to_numpy("bool")


def _figure(low: float, high: float, *, share: bool, lacking: bool) -> str:
    if np.isnan(high):
        return phrase("not covered") if lacking else phrase("no data")
    said = [percent(value) if share else short_number(value) for value in (low, high)]
    return said[1] if said[0] == said[1] else phrase("{low} to {high}", low=said[0], high=said[1])


def _set_scale(ax: Axes, end: Any, numbers: list[str], *, share: bool) -> None:
    """Begin the axis at nothing, and keep room at the right for the figures."""
    (percent_axis if share else count_axis)(ax.xaxis)
    room = max(map(len, numbers)) * _NUMBER_INCHES / max(1.0, width_inches(ax))
    most = float(np.nanmax(end)) if not np.isnan(end).all() else 0.0
    ax.set_xlim(0, (most or 1.0) * 1.03 / max(0.3, 1 - room))


def _values(rows: pd.DataFrame, column: str, default: Any = float("nan")) -> Any:
    return rows[column].to_numpy("float64") if column in rows else default
