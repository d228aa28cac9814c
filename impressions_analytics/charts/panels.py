"""Figures of mailings in panels beside each other: a row for each mailing, a panel for each figure."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impressions_analytics.charts.canvas import (
    LETTER_INCHES,
    beside,
    count_axis,
    note,
    percent_axis,
    style_axes,
    width_inches,
)
from impressions_analytics.charts.language import phrase, word
from impressions_analytics.charts.numbers import counted, percent, short_number
from impressions_analytics.charts.palette import INK, MUTED, SERIES, Series
from impressions_analytics.charts.texts import plain, shortened
from impressions_analytics.charts.tips import Tip, tell

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW_INCHES = 0.3
_FEW_LETTERS = 14  # below so many, the label of an axis is small
_NUMBER_INCHES = 0.1  # about how wide a letter of the numbers is
_ROOM = {2: (0.42,), 3: (0.58, 0.48)}
"""Which part of the room that is left each further panel takes, by the number of panels; the first has the names."""


@dataclass(frozen=True, slots=True)
class Panel:
    """What a panel draws of each mailing, if the result has its columns.

    Attributes
    ----------
    low, high : str
        The columns of the ends of the range of what was seen; the same twice where it is one figure.
    x : str
        The label of the axis.
    share : bool
        Whether the figures are shares.
    look : Series
        The look of what is drawn.
    """

    low: str
    high: str
    x: str
    share: bool = True
    look: Series = SERIES[0]


def draw_panels(ax: Axes, rows: pd.DataFrame, panels: Sequence[Panel], labels: list[str]) -> None:
    """Draw the panels from left to right; the Axes become the first of them, which has the names of the mailings."""
    length = max(14, int(width_inches(ax) / LETTER_INCHES / 3.2))
    drawn = [ax]
    for share in _ROOM.get(len(panels), ()):
        drawn.append(beside(drawn[-1], share))
    for one, panel in zip(drawn, panels, strict=True):
        if one is not ax:
            style_axes(one, title="", x=word(panel.x), y="", grid="x")
        _draw(one, rows, panel, labels)
        one.set_yticks(range(len(rows)), [""] * len(rows))
        if len(panels) > 1:
            letters = int(0.75 * width_inches(one) / LETTER_INCHES)
            label = textwrap.fill(one.get_xlabel(), max(9, letters), break_long_words=False)
            one.set_xlabel(label, fontsize="small" if letters < _FEW_LETTERS else "medium")
    ax.set_yticks(range(len(rows)), [plain(shortened(label, length)) for label in labels])


def lacks(result: pd.DataFrame) -> Any:
    """Return which mailings an input does not cover."""
    known = result["not_covered"].isna() if "not_covered" in result else pd.Series(True, index=result.index)
    return (~known).to_numpy("bool")


def note_last(ax: Axes, rows: pd.DataFrame, result: pd.DataFrame) -> None:
    """Say that only the last mailings are drawn, where that is so."""
    if len(result) > len(rows):
        note(ax, phrase("the last {some:,} of {mailings}", some=len(rows), mailings=counted(len(result), "mailings")))


def _draw(ax: Axes, rows: pd.DataFrame, panel: Panel, labels: list[str]) -> None:
    """Draw the range of each mailing, its interval, its figures at the right, and the median."""
    places, low, high = np.arange(len(rows)), _values(rows, panel.low), _values(rows, panel.high)
    begin, end = _values(rows, f"{panel.low}_ci_low", low), _values(rows, f"{panel.high}_ci_high", high)
    colour = panel.look.colour
    ax.hlines(places, begin, end, color=colour, linewidth=1.2)
    if panel.low == panel.high:
        ax.plot(high, places, color=colour, marker="o", linestyle="", clip_on=False)
    else:
        ax.hlines(places, low, high, color=colour, linewidth=7)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(-0.7, len(rows) - 0.3)
    ends = zip(low, high, lacks(rows), strict=True)
    numbers = [_figure(least, most, share=panel.share, lacking=lacking) for least, most, lacking in ends]
    _set_scale(ax, end, numbers, share=panel.share)
    across, what = ax.get_yaxis_transform(), re.split("[,:]", word(panel.x))[0]
    for place, (label, number) in enumerate(zip(labels, numbers, strict=True)):
        ax.text(1.0, place, number, transform=across, ha="right", va="center", fontsize="small", color=INK)
        place_of = (0, place - 0.5, 0, place + 0.5)
        tell(ax, Tip(place_of, f"{label}: {what} {number}", full_width=True))
    _draw_medians(ax, [high] if panel.low == panel.high else [low, high])


def _draw_medians(ax: Axes, ends: list[Any]) -> None:
    """Draw a line at the median of each end of the range, where there are several mailings."""
    known = [end[~np.isnan(end)] for end in ends]
    if len(known[0]) > 1:
        medians = [float(np.median(end)) for end in known]
        for median in medians:
            ax.axvline(median, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=0.5)
        ax.annotate(
            phrase("median"), (sum(medians) / len(medians), 1), xycoords=("data", "axes fraction"), xytext=(0, 1),
            textcoords="offset points", ha="center", va="bottom", fontsize="x-small", color=MUTED,
        )  # fmt: skip


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
    least, end_of_axis = (most or 1.0) * 1.03, (most or 1.0) * 1.03 / max(0.3, 1 - room)
    ticks = ax.xaxis.get_major_locator().tick_values(0, end_of_axis)
    ax.set_xticks([tick for tick in ticks if tick <= least])
    ax.set_xlim(0, end_of_axis)


def _values(rows: pd.DataFrame, column: str, default: Any = float("nan")) -> Any:
    return rows[column].to_numpy("float64") if column in rows else default
