"""Where a chart is drawn, and what all charts have in common: labels, numbers, room for a legend."""

from __future__ import annotations

import math
import sys
import textwrap
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from impressions_analytics.charts.palette import GRID, INK, MUTED

if TYPE_CHECKING:
    from collections.abc import Collection

    from matplotlib.axes import Axes

SIZE_INCHES = (9.0, 4.0)
Corner = Literal["upper left", "upper right"]
LETTER_INCHES = 0.075
"""About how wide a small letter is."""
_NOT_DRAWN = "\u25a1"


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


def style_axes(ax: Axes, *, title: str, x: str, y: str, grid: str = "y") -> None:
    """Give the Axes their labels and the one look of all charts."""
    ax.set_title(plain(title), loc="left", color=INK, fontweight="bold", fontsize="large")
    ax.set_xlabel(plain(x), color=MUTED)
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
    ax.set_xlabel(f"{ax.get_xlabel()}\n{plain(words)}")


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
    rows = math.ceil(sum(label.count("\n") + 1 for label in wrapped) / columns)
    low, high = ax.get_ylim()
    ax.set_ylim(low, low + (high - low) * (1 + 0.1 * rows))
    ax.legend(
        handles, wrapped, loc=corner, ncols=columns, frameon=False, labelcolor=INK, fontsize="small", handlelength=3
    )


def count_axis(axis: Any) -> None:
    """Give an axis of counts whole, short tick labels."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))


def age_axis(ax: Axes, horizon: int) -> None:
    """Give the x axis hours after sending on a square-root scale: most happens in the first hours."""
    ax.set_xscale("function", functions=(lambda hours: hours.clip(0) ** 0.5, lambda root: root**2))
    ticks = [hours for hours in _TICKS_HOURS if hours < 0.8 * horizon or hours == horizon]
    ax.set_xticks(ticks if horizon in ticks else [*ticks, horizon])
    ax.set_xlim(0, horizon)


_TICKS_HOURS = (0, 1, 4, 12, 24, 48, 96, 168, 336, 720, 1440, 2880, 5760)


def percent_axis(axis: Any) -> None:
    """Give an axis of shares tick labels in percent."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=6))
    axis.set_major_formatter(FuncFormatter(lambda value, _: percent(value)))


def short_number(value: float) -> str:
    """Write a number in a few letters.

    Examples
    --------
    >>> [short_number(value) for value in (0, 0.5, 950, 12_000, 1_250_000)]
    ['0', '0.5', '950', '12k', '1.25M']
    """
    size, unit = next(((size, unit) for least, size, unit in _UNITS if abs(value) >= least), (1, ""))
    return f"{value / size:.4g}{unit}"


_UNITS = ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k"))


def percent(share: float) -> str:
    """Write a share in percent, with a decimal where it is small.

    Examples
    --------
    >>> [percent(share) for share in (0, 0.004, 0.05, 0.417, 1)]
    ['0%', '0.4%', '5%', '42%', '100%']
    """
    points = 100 * share
    return f"{points:.1f}%".replace(".0%", "%") if abs(points) < 10 else f"{points:.0f}%"


def plain(text: str) -> str:
    r"""Return text that matplotlib draws as it stands: no formulas between dollars, one line, no unknown letters.

    Examples
    --------
    >>> plain("only $5 or $6")
    'only \\$5 or \\$6'
    >>> plain("sale \u6f22")
    'sale □'
    """
    known = _drawable()
    line = " ".join(text.split())
    return "".join(letter if ord(letter) in known else _NOT_DRAWN for letter in line).replace("$", r"\$")


@cache
def _drawable() -> frozenset[int]:
    """Return the letters of the font that comes with matplotlib; others would draw a warning."""
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def shortened(text: str, length: int = 40) -> str:
    """Shorten a long name in its middle, where names differ least; a number that it begins with stays whole.

    Examples
    --------
    >>> shortened("20261124 October newsletter", 12)
    '20261124…ter'
    >>> shortened("October newsletter for customers in Groningen", 24)
    'October news…n Groningen'
    """
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    number = text.split(" ", 1)[0]
    head = max(length // 2, len(number)) if number.isdecimal() and len(number) < length else length // 2
    return f"{text[:head]}…{text[len(text) - (length - head - 1) :]}"
