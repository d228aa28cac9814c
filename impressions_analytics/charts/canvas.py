"""Where a chart is drawn, and what all charts have in common: check, labels, look, room for a legend."""

from __future__ import annotations

import math
import sys
import textwrap
from typing import TYPE_CHECKING, Any, Literal

from impressions_analytics.charts.given import check_result
from impressions_analytics.charts.language import phrase, value_word, word
from impressions_analytics.charts.numbers import percent, short_number
from impressions_analytics.charts.palette import AMBER, GRID, INK, KIND_OF_OPEN, MUTED, PAGE
from impressions_analytics.charts.texts import plain

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

SIZE_INCHES = (9.0, 4.0)
Corner = Literal["upper left", "upper right"]
LETTER_INCHES = 0.075
"""About how wide a small letter is."""
_TICK_INCHES = 0.65  # about how wide a tick label is, with the room around it
LEGEND_ROW_INCHES = 0.27
"""About how high a row of a legend is, with the room around it."""
ACCOUNT_CLOCK = "wall clock of the account"


def start_chart(
    result: pd.DataFrame, ax: Axes | None, needs: Sequence[str], *, of: str, title: str, x: str, y: str = "",
    grid: str = "y", size_inches: tuple[float, float] = SIZE_INCHES,
) -> Axes:  # fmt: skip
    """Check that a result can be drawn, and return the Axes with their labels and the look of all charts.

    Where the analysis counted some kinds of open only, the chart says which.

    Parameters
    ----------
    result : DataFrame
        What the chart was given.
    ax : Axes or None
        Where to draw; a new figure when None.
    needs : sequence of str
        The columns that are drawn.
    of : str
        The analysis that gives such a result.
    title, x, y : str
        The title and the labels of the axes.
    grid : {"x", "y", ""}
        Across which axis the lines of the grid stand.
    size_inches : (float, float)
        The size of a new figure.
    """
    check_result(result, needs, of=of)
    ax = open_axes(ax, size_inches=size_inches)
    style_axes(ax, title=title, x=x, y=y, grid=grid)
    counted = result.attrs.get("kinds") or KIND_OF_OPEN
    if set(counted) < set(KIND_OF_OPEN):
        note(ax, phrase("counted: opens of the kinds {kinds}", kinds=", ".join(map(value_word, counted))))
    return ax


def open_axes(ax: Axes | None, *, size_inches: tuple[float, float] = SIZE_INCHES) -> Axes:
    """Return the Axes to draw on: the caller's, or those of a new figure.

    In a notebook the new figure is pyplot's, so that it shows below the cell and is then let go. Everywhere else it
    belongs to nobody but the Axes: nothing is left open, and ``ax.figure.savefig("chart.png")`` writes it.
    """
    if ax is not None:
        return ax
    if _in_notebook():
        from matplotlib import pyplot as plt

        figure = plt.figure(figsize=size_inches, layout="constrained")
    else:
        from matplotlib.figure import Figure

        figure = Figure(figsize=size_inches, layout="constrained")
    return figure.subplots()


def _in_notebook() -> bool:
    """Whether this runs in a Jupyter kernel, which shows pyplot's figures when a cell ends."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def beside(ax: Axes, share: float) -> Axes:
    """Give the right part of the room of the Axes to new ones with the same rows, and return these."""
    figure = ax.get_figure(root=False)
    assert figure is not None  # noqa: S101 - Axes that are drawn on have one
    spec = ax.get_subplotspec()
    if spec is None:
        box = ax.get_position()
        ax.set_position((box.x0, box.y0, box.width * (1 - share - 0.03), box.height))
        return figure.add_axes((box.x1 - box.width * share, box.y0, box.width * share, box.height))
    parts = spec.subgridspec(1, 2, width_ratios=(1 - share, share), wspace=0.06)
    ax.set_subplotspec(parts[0])
    return figure.add_subplot(parts[1])


def style_axes(ax: Axes, *, title: str, x: str, y: str, grid: str = "y") -> None:
    """Give the Axes their labels and the one look of all charts."""
    ax.set_title(plain(title), loc="left", color=INK, fontweight="bold", fontsize="large")
    ax.set_xlabel(_wrapped(ax, x), color=MUTED)
    ax.set_ylabel(plain(y), color=MUTED)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("bottom", "left"):
        ax.spines[side].set_color(GRID)
    ax.tick_params(colors=MUTED, labelcolor=INK, length=3)
    ax.set_axisbelow(True)
    if grid:
        ax.grid(axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]


def say_nothing_to_draw(ax: Axes, words: str) -> Axes:
    """Say in the middle of the Axes that there is nothing to draw, and return them."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.text(0.5, 0.5, plain(words), transform=ax.transAxes, ha="center", va="center", color=MUTED)
    return ax


def note(ax: Axes, words: str) -> None:
    """Put a remark below the label of the x axis."""
    ax.set_xlabel(f"{ax.get_xlabel()}\n{_wrapped(ax, words)}")


def _wrapped(ax: Axes, words: str) -> str:
    """Break words so that they are hardly wider than the Axes."""
    return textwrap.fill(plain(words), max(20, int(0.8 * width_inches(ax) / LETTER_INCHES)))


def banner(ax: Axes, words: str) -> None:
    """Put a warning on amber above the title."""
    # Constrained layout makes room for what stands above the title.
    ax.annotate(
        textwrap.fill(plain(words), max(20, int(width_inches(ax) / LETTER_INCHES))), (0, 1), xycoords="axes fraction",
        xytext=(0, 28), textcoords="offset points", ha="left", va="bottom", fontsize="small", color=PAGE,
        bbox={"boxstyle": "round,pad=0.4", "facecolor": AMBER, "edgecolor": AMBER},
    )  # fmt: skip


def width_inches(ax: Axes) -> float:
    """Return about how wide the Axes are; a layout that is made when the chart is drawn may still change it."""
    return float(ax.bbox.width / ax.get_figure(root=True).dpi)  # type: ignore[union-attr]


def legend_within(ax: Axes, labels: Collection[str], *, corner: Corner = "upper left") -> None:
    """Put a legend at the top of the Axes, and make room for it above what is drawn."""
    letters = int(width_inches(ax) / LETTER_INCHES)
    handles, drawn = ax.get_legend_handles_labels()
    # The labels beside narrow Axes take up to a third of their width when the layout is made.
    wrapped = [textwrap.fill(label, max(20, letters * 2 // 3)) for label in drawn]
    widest = max(len(line) for label in wrapped for line in label.splitlines())
    columns = max(1, min(len(wrapped), int(letters / (widest + 7))))
    if sum(len(label) + 7 for label in drawn) <= letters:
        columns = len(wrapped)
    rows = math.ceil(sum(label.count("\n") + 1 for label in wrapped) / columns)
    low, high = ax.get_ylim()
    taken = min(0.6, rows * LEGEND_ROW_INCHES / max(0.5, ax.bbox.height / ax.get_figure(root=True).dpi))  # type: ignore[union-attr]
    ax.set_ylim(low, low + (high - low) / (1 - taken))
    ax.legend(
        handles, wrapped, loc=corner, ncols=columns, frameon=False, labelcolor=INK, fontsize="small", handlelength=3
    )


def count_axis(axis: Any) -> None:
    """Give an axis of counts whole, short tick labels."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=_ticks(axis), integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))


AGE_LABEL = "time after sending (cube-root scale)"


def age_axis(ax: Axes, horizon: float) -> None:
    """Give the x axis hours after sending on a cube-root scale: most happens in the first hour."""
    import numpy as np

    ax.set_xscale("function", functions=(np.cbrt, lambda root: root**3))
    ticks = {hours: word(words) for hours, words in AGES.items() if hours < 0.75 * horizon}
    ticks[horizon] = phrase("{time:.3g} d", time=horizon / 24) if horizon > 48 else phrase("{time:.3g} h", time=horizon)
    if width_inches(ax) < _ROOM_FOR_AGES_INCHES:
        ticks = {hours: words for hours, words in ticks.items() if hours not in _LESS_NEEDED}
    ax.set_xticks(list(ticks), list(ticks.values()))
    ax.minorticks_off()
    ax.set_xlim(0, horizon)


AGES = {
    0: "0", 0.25: "15 min", 1: "1 h", 3: "3 h", 6: "6 h", 12: "12 h", 24: "1 d", 48: "2 d", 96: "4 d",
    168: "7 d", 336: "14 d", 720: "30 d", 1440: "60 d", 2880: "120 d",
}  # fmt: skip
"""Hours after sending that are named on the axis."""
_LESS_NEEDED, _ROOM_FOR_AGES_INCHES = (0.25, 3, 12, 48), 5.0


def percent_axis(axis: Any) -> None:
    """Give an axis of shares tick labels in percent."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=_ticks(axis)))
    # Room for words may take the axis past the whole, which no share exceeds.
    axis.set_major_formatter(FuncFormatter(lambda value, _: percent(value) if value < 1.001 else ""))


def _ticks(axis: Any) -> int:
    """Return how many tick labels there is room for beside each other."""
    return 6 if axis.axis_name == "y" else max(2, min(6, int(width_inches(axis.axes) / _TICK_INCHES)))
