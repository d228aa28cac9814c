"""Counts per period as bars, stacked or one before the other, or as lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from impressions_analytics.charts.palette import INK, PAGE, Series
from impressions_analytics.charts.texts import plain

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

    Numbers = npt.NDArray[np.float64]

_APART = 130
"""Up to so many bars have a gap between them."""
_GAP = 0.14  # of the width of a bar
_HATCHED = 60  # bars up to which they are wide enough for a hatch
_MARKED = 45  # points up to which each gets a marker
_NOT_OVER = 0.4  # how much of its colour a bar keeps whose period is not over


@dataclass(frozen=True, slots=True)
class Layer:
    """What is drawn in one look: its name, its value in each period, and the look."""

    name: str
    values: Numbers
    look: Series


def tops(layers: list[Layer], *, stacked: bool) -> list[Numbers]:
    """Return how high each layer reaches: all below it added up where they are stacked."""
    return list(np.cumsum([layer.values for layer in layers], axis=0)) if stacked else [one.values for one in layers]


def draw_bars(ax: Axes, layers: list[Layer], drawn: Numbers, *, stacked: bool, last_is_over: bool = True) -> None:
    """Draw a bar for each period: the layers on top of each other, or each before the one that it is a part of."""
    heights = tops(layers, stacked=stacked)
    over = len(drawn) - (not last_is_over)
    for layer, height in zip(layers, heights, strict=True):
        look: dict[str, Any] = {
            "facecolor": layer.look.colour, "edgecolor": PAGE, "linewidth": 0, "fill": True,
            "hatch": layer.look.hatch if len(drawn) <= _HATCHED else "",
        }  # fmt: skip
        label: str | None = plain(layer.name)
        for part, alpha in ((slice(0, over), None), (slice(over, None), _NOT_OVER)):
            if len(drawn[part]):
                top, edges, below = _outline(height[part], (height - layer.values)[part], drawn[part])
                ax.stairs(top, edges, baseline=below, label=label, alpha=alpha, **look)
                label = None
    if not last_is_over:
        top, edges, _ = _outline(np.max(heights, axis=0)[over:], np.zeros(1), drawn[over:])
        ax.stairs(top, edges, color=INK, linestyle=":", linewidth=1, fill=False)


def _outline(top: Numbers, below: Numbers, drawn: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return values, edges and baseline of bars; between two bars with a gap there is a value of nothing."""
    if len(drawn) > _APART:
        return top, np.append(drawn[:, 0], drawn[-1:, 1]), below
    gap = (drawn[:, 1] - drawn[:, 0]) * _GAP / 2
    edges = np.column_stack([drawn[:, 0] + gap, drawn[:, 1] - gap]).ravel()
    return _between(top), edges, _between(below)


def _between(values: Numbers) -> Numbers:
    return np.column_stack([values, np.full(len(values), np.nan)]).ravel()[:-1]


def draw_lines(ax: Axes, layers: list[Layer], drawn: Numbers, *, last_is_over: bool = True) -> None:
    """Draw a line for each layer through the beginnings of the periods; dotted to a last one that is not over."""
    over = max(1, len(drawn) - (not last_is_over))
    for layer in layers:
        marker = layer.look.marker if len(drawn) <= _MARKED else ""
        ax.plot(
            drawn[:over, 0], layer.values[:over], label=plain(layer.name), color=layer.look.colour,
            linestyle=layer.look.dash, marker=marker or ("o" if len(drawn) == 1 else ""), markersize=4, linewidth=1.6,
        )  # fmt: skip
        if over < len(drawn):
            ax.plot(drawn[over - 1 :, 0], layer.values[over - 1 :], color=layer.look.colour, linestyle=":", linewidth=1)
