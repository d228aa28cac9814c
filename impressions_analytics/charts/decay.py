"""How the opens of mailings add up after sending, as a chart."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from impressions_analytics.charts.canvas import (
    AGE_LABEL,
    AGES,
    LETTER_INCHES,
    age_axis,
    note,
    percent_axis,
    say_nothing_to_draw,
    start_chart,
    width_inches,
)
from impressions_analytics.charts.given import called, group_columns
from impressions_analytics.charts.language import phrase, word
from impressions_analytics.charts.numbers import percent
from impressions_analytics.charts.palette import INK, MUTED, OTHERS, SERIES, Series
from impressions_analytics.charts.texts import plain, shortened
from impressions_analytics.charts.tips import Tip, tell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

_OWN = ("hours", "unique_opens", "share_of_opens", "half_life_hours", "mature")
_MIDDLE = (0.1, 0.9)
_MOST_LINES, _MOST_MAILINGS = 6, 3
_UNTIL_WHEN = "not mature yet: give open_decay as_of=..."


def plot_open_decay(result: pd.DataFrame, ax: Axes | None = None, *, names: Mapping[object, str] | None = None) -> Axes:
    """Draw the result of `open_decay`: the share of the final opens that was reached by each hour after sending.

    A few groups have a line each, with the half-life marked. Of more than three mailings, and of more than six groups
    of another sort, the last one is held against the rest: a band shows where the middle four fifths of the others lie
    at each time. Groups that are not mature have no final opens yet: they are named, not drawn.

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
    ['mailing 412: half of 8 within 30 min']
    """
    ax = start_chart(
        result, ax, _OWN, of="open_decay", title=phrase("How opens add up after sending"),
        x=word(AGE_LABEL), y=phrase("share of the opens within the horizon"),
    )  # fmt: skip
    groups = group_columns(result, _OWN)
    rows = result.assign(label=called(result, groups, names, all_together=phrase("all mailings")))
    # Told apart by their values: two groups of one name are two curves.
    rows["group"] = result.groupby(groups, dropna=False, sort=False).ngroup() if groups else 0
    mature = rows.groupby("group", sort=False).agg(label=("label", "first"), mature=("mature", "all"))
    drawn = rows[rows["share_of_opens"].notna()]
    if drawn.empty:
        return say_nothing_to_draw(ax, phrase("no opens") if mature["mature"].all() else word(_UNTIL_WHEN))
    _draw_all(ax, drawn, most=_MOST_MAILINGS if groups == ["mailing"] else _MOST_LINES)
    age_axis(ax, float(result["hours"].max()))
    ax.set_ylim(0, 1.02)
    percent_axis(ax.yaxis)
    if not mature["mature"].all():
        note(ax, _not_mature(mature.loc[~mature["mature"], "label"].tolist()))
    return ax


def _draw_all(ax: Axes, rows: pd.DataFrame, *, most: int) -> None:
    """Draw each curve with its name; where they are too many, the last one against where most of the others lie."""
    curves = [curve for _, curve in rows.groupby("group", sort=False)]
    others_told: list[tuple[str, pd.Series[float]]] = []
    if len(curves) > most:
        others = rows[rows["group"] != curves[-1]["group"].iloc[0]]
        band = others.groupby("hours")["share_of_opens"].quantile(np.asarray([_MIDDLE[0], 0.5, _MIDDLE[1]])).unstack()
        low, middle, high = band.to_numpy().T
        label = phrase(
            "the middle {share:.0%} of the {others:,} others, and their median",
            share=_MIDDLE[1] - _MIDDLE[0], others=len(curves) - 1,
        )  # fmt: skip
        ax.fill_between(band.index, low, high, color=OTHERS.colour, alpha=0.3, linewidth=0, label=label)
        ax.plot(band.index, middle, color=OTHERS.colour, linewidth=1, linestyle=(0, (4, 3)))
        curves, others_told = curves[-1:], [(phrase("median of the others"), band[0.5])]
    told = []
    for curve, look in zip(curves, SERIES, strict=False):
        name = str(curve["label"].iloc[0])
        _draw(ax, name, curve, look)
        told.append((name, curve.set_index("hours")["share_of_opens"]))
    _tell(ax, told + others_told)
    ax.axhline(0.5, color=MUTED, linewidth=0.8, zorder=1)
    ax.legend(loc="lower right", frameon=False, labelcolor=INK, fontsize="small", handlelength=3)


def _tell(ax: Axes, shares: list[tuple[str, pd.Series[float]]]) -> None:
    """Let the time around each label of the axis say which share was reached by then."""
    horizon = max(share.index.max() for _, share in shares)
    ages = [age for age in AGES if 0 < age < horizon] + [horizon]
    edges = [0.0, *(sum(pair) / 2 for pair in pairwise(ages)), horizon]
    for age, (left, right) in zip(ages, pairwise(edges), strict=True):
        parts = ", ".join(f"{name} {percent(_at(share, age))}" for name, share in shares)
        words = phrase("{time} after sending: {shares}", time=short_time(age), shares=parts)
        tell(ax, Tip((left, 0, right, 0), words, full_height=True))


def _at(share: pd.Series[float], age: float) -> float:
    """Return the share that was reached by an age."""
    reached = share[share.index <= age]
    return float(reached.iloc[-1]) if len(reached) else 0.0


def _draw(ax: Axes, name: str, curve: pd.DataFrame, look: Series) -> None:
    half_life, opens = float(curve["half_life_hours"].iloc[0]), int(curve["unique_opens"].max())
    room = int(width_inches(ax) / LETTER_INCHES) - 34
    name = shortened(name, max(12, min(30, room)))
    label = phrase("{name}: half of {opens:,} within {time}", name=name, opens=opens, time=short_time(half_life))
    hours, share = curve["hours"].to_numpy("float64"), curve["share_of_opens"].to_numpy("float64")
    ax.plot(hours, share, color=look.colour, linestyle=look.dash, linewidth=1.6, label=plain(label))
    ax.plot([half_life], [0.5], color=look.colour, marker=look.marker, markersize=6, linestyle="")


def short_time(hours: float) -> str:
    """Write a time in the unit that says most.

    Examples
    --------
    >>> short_time(0.4), short_time(1.25), short_time(100)
    ('24 min', '1.2 h', '4.2 d')
    """
    if hours < 1:
        return phrase("{time:.0f} min", time=hours * 60)
    return phrase("{time:.2g} h", time=hours) if hours < 48 else phrase("{time:.2g} d", time=hours / 24)


def _not_mature(names: list[str]) -> str:
    listed = ", ".join(shortened(name, 20) for name in names[:3])
    if len(names) > 3:
        return phrase("not mature yet, so not drawn: {names} and {more:,} more", names=listed, more=len(names) - 3)
    return phrase("not mature yet, so not drawn: {names}", names=listed)
