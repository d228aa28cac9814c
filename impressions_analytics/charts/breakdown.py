"""Which programs opened the mail, as a chart."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal

import pandas as pd

from impressions_analytics.charts.canvas import (
    note,
    open_axes,
    percent,
    percent_axis,
    plain,
    say_nothing_to_draw,
    shortened,
    style_axes,
)
from impressions_analytics.charts.given import check_result, group_columns, group_names
from impressions_analytics.charts.palette import INK, KIND_OF_OPEN, MUTED, PAGE, SERIES
from impressions_analytics.errors import InvalidArgumentError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Measure = Literal["share_of_destinations", "impressions"]

_OWN = ("impressions", "share_of_destinations", "destinations")
_MOST_BARS, _LEAST_PLACES = 12, 4
_AXIS = {
    "share_of_destinations": "share of the opened destinations",
    "impressions": "share of the impressions",
}


def plot_user_agents(result: pd.DataFrame, ax: Axes | None = None, *, measure: Measure | None = None) -> Axes:
    """Draw the result of `user_agent_breakdown` as bars, the twelve largest classes at most.

    Drawn by kind of open, the impressions that are taken for a person's are a range on top: from those of persons alone
    to those of persons and of proxies that fetch on opening. Prefetch and unknown cannot be told.

    Parameters
    ----------
    result : DataFrame
        What `user_agent_breakdown` gave.
    ax : matplotlib Axes, optional
        Where to draw; a new figure when not given. In a notebook that figure shows below the cell, in a script write
        it with ``ax.figure.savefig("chart.png")``.
    measure : {"share_of_destinations", "impressions"}, optional
        What a bar is: the class's share of the opened destinations, or of the impressions. Impressions for kinds of
        open, since only they add up to a range, and destinations for everything else.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    MissingColumnError, InvalidArgumentError
        `result` is not what `user_agent_breakdown` gives, or `measure` cannot be used.

    Examples
    --------
    >>> import pandas as pd
    >>> result = pd.DataFrame({"kind": ["person", "proxy", "bot"], "impressions": [6, 3, 1]})
    >>> result["share_of_destinations"] = [0.7, 0.3, 0.1]
    >>> ax = plot_user_agents(result)
    >>> ax.texts[-1].get_text()
    "taken for a person's: 60% to 90%"
    """
    check_result(result, ("impressions", "share_of_destinations"), of="user_agent_breakdown")
    if measure not in {None, "share_of_destinations", "impressions"}:
        raise InvalidArgumentError(f"measure must be 'share_of_destinations' or 'impressions', got {measure!r}")
    groups = group_columns(result, _OWN)
    measure = measure or ("impressions" if groups == ["kind"] else "share_of_destinations")
    ax = open_axes(ax)
    style_axes(ax, title=f"Opens by {' and '.join(groups)}", x=_AXIS[measure], y="", grid="x")
    if result.empty:
        return say_nothing_to_draw(ax, "no impressions")
    impressions = result["impressions"]
    shares = impressions / max(1, impressions.sum()) if measure == "impressions" else result[measure]
    bars = pd.DataFrame({"name": group_names(result, groups), "share": shares})
    ranged = groups == ["kind"] and measure == "impressions"
    looks = KIND_OF_OPEN if groups == ["kind"] else ("unknown",)
    _draw_bars(ax, bars.sort_values("share", ascending=False, kind="stable"), looks)
    if ranged:
        _draw_range(ax, bars.set_index("name")["share"])
    ax.set_xlim(0, min(1.0, max(0.02, float(shares.max()))) * 1.15 if not ranged else 1.0)
    percent_axis(ax.xaxis)
    return ax


def _draw_bars(ax: Axes, bars: pd.DataFrame, looks: Collection[str]) -> None:
    """Draw the largest as bars from the top down, and say in words what is left out."""
    shown = bars.head(_MOST_BARS)
    for place, (name, share) in enumerate(shown.itertuples(index=False)):
        # Of several classes together only the one that tells nothing at all is unknown.
        kind = "unknown" if set(name.split(", ")) == {"unknown"} else name
        look = KIND_OF_OPEN[kind] if kind in looks else SERIES[0]
        ax.barh(place, share, height=0.72, color=look.colour, hatch=look.hatch, edgecolor=PAGE, linewidth=0)
        ax.annotate(
            percent(share), (share, place), xytext=(4, 0), textcoords="offset points", va="center",
            fontsize="small", color=INK,
        )  # fmt: skip
    ax.set_yticks(range(len(shown)), [plain(shortened(name)) for name in shown["name"]])
    ax.set_ylim(max(_LEAST_PLACES, len(shown)) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    left = bars["share"][_MOST_BARS:]
    if len(left):
        note(ax, f"{len(left):,} more below {percent(left.max())} each are not drawn")


def _draw_range(ax: Axes, share: pd.Series[float]) -> None:
    """Draw the impressions that are taken for a person's as a range above the bars."""
    low = float(share.get("person", 0.0))
    high = low + float(share.get("proxy", 0.0))
    ax.set_ylim(ax.get_ylim()[0], -1.7)
    ax.errorbar((low + high) / 2, -1, xerr=(high - low) / 2, color=INK, capsize=5, linewidth=2.5, capthick=1.5)
    ax.annotate(
        f"taken for a person's: {percent(low)} to {percent(high)}", ((low + high) / 2, -1), xytext=(0, 7),
        textcoords="offset points", ha="center", va="bottom", fontsize="small", color=INK,
    )  # fmt: skip
    ax.axvspan(low, high, color=MUTED, alpha=0.12, linewidth=0, zorder=0)
