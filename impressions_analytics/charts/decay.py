"""How the opens of mailings add up after sending, as a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impressions_analytics.charts.canvas import (
    LETTER_INCHES,
    age_axis,
    note,
    open_axes,
    percent_axis,
    plain,
    say_nothing_to_draw,
    shortened,
    style_axes,
    width_inches,
)
from impressions_analytics.charts.given import called, check_result, group_columns
from impressions_analytics.charts.palette import INK, MUTED, OTHERS, SERIES, Series

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

_OWN = ("hours", "unique_opens", "share_of_opens", "half_life_hours", "mature")
_MIDDLE = (0.1, 0.9)
_UNTIL_WHEN = "not mature yet: give open_decay as_of=..."


def plot_open_decay(result: pd.DataFrame, ax: Axes | None = None, *, names: Mapping[object, str] | None = None) -> Axes:
    """Draw the result of `open_decay`: the share of the final opens that was reached by each hour after sending.

    Up to six groups have a line each, with the half-life marked. Of more, a band shows where the middle four fifths lie
    at each hour, and the quickest and the slowest are drawn. Groups that are not mature have no final opens yet: they
    are named, not drawn.

    Parameters
    ----------
    result : DataFrame
        What `open_decay` gave.
    ax : matplotlib Axes, optional
        Where to draw; a new figure when not given. In a notebook that figure shows below the cell, in a script write
        it with ``ax.figure.savefig("chart.png")``.
    names : mapping, optional
        What to call the groups, such as the subjects of mailings by their number.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    MissingColumnError, InvalidArgumentError
        `result` is not what `open_decay` gives.

    Examples
    --------
    >>> import pandas as pd
    >>> result = pd.DataFrame({"mailing": 412, "hours": [0, 1, 2], "unique_opens": [0, 6, 8],
    ...                        "share_of_opens": [0, 0.75, 1], "half_life_hours": 0.5, "mature": True})
    >>> ax = plot_open_decay(result)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['mailing 412: half of 8 within 0.5 h']
    """
    check_result(result, _OWN, of="open_decay")
    ax = open_axes(ax)
    style_axes(
        ax, title="How opens add up after sending", x="hours after sending (square-root scale)",
        y="share of the opens within the horizon",
    )  # fmt: skip
    labels = called(result, group_columns(result, _OWN), names, all_together="all mailings")
    rows = result.assign(group=labels)
    mature = rows.groupby("group", sort=False)["mature"].all()
    drawn = rows[rows["share_of_opens"].notna()]
    if drawn.empty:
        return say_nothing_to_draw(ax, "no opens" if mature.all() else _UNTIL_WHEN)
    _draw_all(ax, drawn)
    _axes(ax, int(result["hours"].max()))
    if not mature.all():
        note(ax, _not_mature(list(mature.index[~mature])))
    return ax


def _draw_all(ax: Axes, rows: pd.DataFrame) -> None:
    """Draw each curve with its name; where they are too many, where most lie, the quickest and the slowest."""
    half_lives = rows.groupby("group", sort=False)["half_life_hours"].first()
    named = list(half_lives.index)
    if len(named) > len(SERIES):
        band = rows.groupby("hours")["share_of_opens"].quantile(np.asarray(_MIDDLE)).unstack()
        label = f"the middle {_MIDDLE[1] - _MIDDLE[0]:.0%} of {len(named):,}"
        ax.fill_between(band.index, *band.to_numpy().T, color=OTHERS.colour, alpha=0.3, linewidth=0, label=label)
        named = [half_lives.idxmin(), half_lives.idxmax()]
    curves = dict(iter(rows[rows["group"].isin(named)].groupby("group")))
    for name, look in zip(named, SERIES, strict=False):
        _draw(ax, name, curves[name], look)
    ax.axhline(0.5, color=MUTED, linewidth=0.8, zorder=1)
    ax.legend(loc="lower right", frameon=False, labelcolor=INK, fontsize="small", handlelength=3)


def _draw(ax: Axes, name: str, curve: pd.DataFrame, look: Series) -> None:
    half_life, opens = float(curve["half_life_hours"].iloc[0]), int(curve["unique_opens"].max())
    room = int(width_inches(ax) / LETTER_INCHES) - 34
    label = f"{shortened(name, max(12, min(30, room)))}: half of {opens:,} within {half_life:.2g} h"
    hours, share = curve["hours"].to_numpy(), curve["share_of_opens"].to_numpy("float64")
    ax.plot(hours, share, color=look.colour, linestyle=look.dash, linewidth=1.6, label=plain(label))
    ax.plot([half_life], [0.5], color=look.colour, marker=look.marker, markersize=6, linestyle="")


def _axes(ax: Axes, horizon: int) -> None:
    age_axis(ax, horizon)
    ax.set_ylim(0, 1.02)
    percent_axis(ax.yaxis)


def _not_mature(names: list[str]) -> str:
    listed = ", ".join(shortened(name, 20) for name in names[:3])
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return f"not mature yet, so not drawn: {listed}{more}"
