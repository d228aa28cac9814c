"""How many impressions the profiles have, as a chart."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pandas as pd

from impressions_analytics.charts.canvas import (
    LETTER_INCHES,
    count_axis,
    note,
    say_nothing_to_draw,
    start_chart,
    width_inches,
)
from impressions_analytics.charts.language import phrase, word, written
from impressions_analytics.charts.numbers import counted, short_number
from impressions_analytics.charts.palette import INK, SERIES
from impressions_analytics.charts.tips import Tip, tell

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_EDGES = (*range(11), *(step * 10**power for power in range(1, 18) for step in (2, 5, 10)))
_OWN = ("impressions", "mailings", "first_impression", "last_impression")


def plot_impressions_per_profile(result: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how many profiles have one impression, two, and so on, from the result of `impressions_per_profile`.

    One bar for each number of impressions up to 10, then for ever wider ranges. Each bar says how many profiles it is.

    Parameters
    ----------
    result : DataFrame
        What `impressions_per_profile` gave, for profiles, subprofiles or destinations.
    ax : matplotlib Axes, optional
        Where to draw; a new figure when not given. In a notebook that figure shows below the cell, in a script write
        it with ``ax.figure.savefig("chart.png")``.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    MissingColumnError, InvalidArgumentError
        `result` is not what `impressions_per_profile` gives.

    Examples
    --------
    >>> import pandas as pd
    >>> result = pd.DataFrame({"profile": [1, 2, 3, 4], "impressions": [1, 1, 3, 12]})
    >>> ax = plot_impressions_per_profile(result)
    >>> [label.get_text() for label in ax.get_xticklabels()][-2:]
    ['10', '11-20']
    >>> [int(bar.get_height()) for bar in ax.patches]
    [2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    """
    whose = next((str(name) for name in getattr(result, "columns", ()) if name not in _OWN), "profile")
    words = word(whose)
    ax = start_chart(
        result, ax, ("impressions",), of="impressions_per_profile",
        title=phrase("Impressions per {whose}", whose=words),
        x=phrase("impressions of one {whose}", whose=words), y=word(f"{whose}s"),
    )  # fmt: skip
    if result.empty:
        return say_nothing_to_draw(ax, phrase("no {whose} with an impression", whose=word(whose)))
    counts = by_range(result["impressions"])
    bars = ax.bar(range(len(counts)), counts.to_numpy(dtype="float64"), color=SERIES[0].colour, width=0.82)
    ax.bar_label(bars, [short_number(count) if count else "" for count in counts], color=INK, fontsize="small")
    crowded = max(map(len, counts.index)) * LETTER_INCHES > width_inches(ax) / len(counts)
    ax.set_xticks(range(len(counts)), list(counts.index), rotation=60 if crowded else 0)
    ax.set_ylim(0, int(counts.max()) * 1.1)
    count_axis(ax.yaxis)
    for place, (name, count) in enumerate(counts.items()):
        words = phrase(
            "{some:,} of {all}: {many}", some=count, all=counted(len(result), f"{whose}s"),
            many=counted(1, "impressions") if name == "1" else f"{name} {word('impressions')}",
        )  # fmt: skip
        tell(ax, Tip((place - 0.5, 0, place + 0.5, 0), words, full_height=True))
    middle = short_number(float(result["impressions"].median()))
    note(ax, phrase("{all}, the median with {middle}", all=counted(len(result), f"{whose}s"), middle=middle))
    return ax


def by_range(impressions: pd.Series[int]) -> pd.Series[int]:
    """Return how many lie in each range, named by its ends."""
    most = int(impressions.max()) if len(impressions) else 1
    edges = _EDGES[: next(index for index, edge in enumerate(_EDGES) if edge >= most) + 1]
    names = [
        str(end) if end - begin == 1 else f"{written(begin + 1, ',')}-{written(end, ',')}"
        for begin, end in pairwise(edges)
    ]
    return pd.cut(impressions.astype("int64"), edges, labels=names).value_counts(sort=False)
