"""Name what is drawn at its peaks where these lie apart, in a legend where they do not."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import pandas as pd

from impressions_analytics.charts.canvas import LETTER_INCHES, legend_within, width_inches
from impressions_analytics.charts.palette import MUTED, OTHERS
from impressions_analytics.charts.texts import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes

    from impressions_analytics.charts.stacked import Layer

    Numbers = npt.NDArray[np.float64]

_MOST_TOGETHER = 2  # numbers above one period
_LABEL_HEIGHT = 0.07  # of the Axes


def name_layers(ax: Axes, layers: list[Layer], drawn: Numbers, heights: list[Numbers], *, direct: bool) -> None:
    """Name the layers above their peaks; in a legend where that is too crowded, with their numbers at the peaks.

    Parameters
    ----------
    ax : Axes
        Where they are drawn.
    layers : list of Layer
        What is drawn.
    drawn : array
        Begin and end of each period.
    heights : list of array
        How high each layer reaches in each period.
    direct : bool
        Whether names at the peaks are wanted at all.
    """
    at = [int(layer.values.argmax()) for layer in layers]
    peaks = [(float(drawn[peak].mean()), float(height[peak])) for peak, height in zip(at, heights, strict=True)]
    names = [layer.name for layer in layers]
    if direct and not _crowded(ax, names, peaks):
        _annotate(ax, layers, names, peaks)
        return
    legend_within(ax, names)
    numbers = [_number(layer) for layer in layers]
    if direct and not _crowded(ax, numbers, peaks):
        _annotate(ax, layers, numbers, peaks)


def name_mailings(ax: Axes, sent_at: Mapping[object, Any], drawn: Numbers, heights: Numbers) -> None:
    """Put the numbers of mailings above the periods in which they were sent; what would touch a name is left out.

    Parameters
    ----------
    ax : Axes
        Where the periods are drawn.
    sent_at : mapping
        When each mailing was sent, by its number.
    drawn : array
        Begin and end of each period.
    heights : array
        How high what is drawn reaches in each period.
    """
    names: dict[int, list[str]] = {}
    for mailing, moment in sorted(sent_at.items(), key=lambda one: pd.Timestamp(one[1])):
        inside = (drawn[:, 0] <= _number_of(moment)) & (_number_of(moment) < drawn[:, 1])
        if inside.any():
            names.setdefault(int(inside.argmax()), []).append(str(mailing))
    told: list[tuple[str, tuple[float, float]]] = []
    for period in sorted(names, key=lambda period: -heights[period]):
        one = (", ".join(names[period]), (float(drawn[period].mean()), float(heights[period])))
        if len(names[period]) <= _MOST_TOGETHER and _has_room(ax, *one, drawn, heights):
            told = [*told, one] if not _crowded(ax, *map(list, zip(*told, one, strict=True))) else told
    for name, (x, y) in told:
        ax.annotate(
            plain(name), (_within(ax, name, x), y), xytext=(0, 1), textcoords="offset points", ha="center",
            va="bottom", fontsize="x-small", color=MUTED,
        )  # fmt: skip


def _has_room(ax: Axes, name: str, at: tuple[float, float], drawn: Numbers, heights: Numbers) -> bool:
    """Whether nothing that is drawn beside a name is higher than what it stands on."""
    x, half = _within(ax, name, at[0]), _half_width(ax, name)
    below = (drawn[:, 0] < x + half) & (drawn[:, 1] > x - half)
    return bool((heights[below] <= at[1]).all())


def _number_of(moment: Any) -> float:
    """Return a moment as a number of the axis of dates."""
    from matplotlib.dates import date2num

    return float(date2num(pd.Timestamp(moment)))  # type: ignore[no-untyped-call]


def _number(layer: Layer) -> str:
    """Return the number that a name begins with; others together begin with how many they are, which is none."""
    first = layer.name.split(" ")[0]
    return first if first.isdecimal() and layer.look is not OTHERS else ""


def _annotate(ax: Axes, layers: list[Layer], names: list[str], peaks: list[tuple[float, float]]) -> None:
    for layer, name, (x, y) in zip(layers, names, peaks, strict=True):
        ax.annotate(
            plain(name), (_within(ax, name, x), y), xytext=(0, 2), textcoords="offset points", ha="center",
            va="bottom", fontsize="small", color=layer.look.colour,
        )  # fmt: skip


def _half_width(ax: Axes, name: str) -> float:
    """Return half of the width of a name, in the numbers of the axis."""
    left, right = ax.get_xlim()
    return (right - left) * len(name) * LETTER_INCHES / width_inches(ax) / 2


def _within(ax: Axes, name: str, x: float) -> float:
    """Move a name so that it does not leave the Axes."""
    (left, right), half = ax.get_xlim(), _half_width(ax, name)
    return min(max(x, left + half), right - half)


def _crowded(ax: Axes, names: list[str], peaks: list[tuple[float, float]]) -> bool:
    """Whether any two names would touch."""
    low, high = ax.get_ylim()
    places = [(_within(ax, name, x), y, _half_width(ax, name)) for name, (x, y) in zip(names, peaks, strict=True)]
    return any(
        abs(x - other_x) < half + other_half and abs(y - other_y) < _LABEL_HEIGHT * (high - low)
        for (x, y, half), (other_x, other_y, other_half) in combinations(places, 2)
        if half and other_half
    )
