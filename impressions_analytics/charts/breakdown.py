"""Which programs opened the mail, as a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from impressions_analytics.charts.canvas import (
    legend_within,
    note,
    percent_axis,
    say_nothing_to_draw,
    start_chart,
)
from impressions_analytics.charts.given import group_columns, group_names
from impressions_analytics.charts.language import phrase, value_word, word
from impressions_analytics.charts.numbers import percent
from impressions_analytics.charts.palette import INK, KIND_OF_OPEN, MUTED, PAGE, SERIES, Series
from impressions_analytics.charts.texts import plain, shortened
from impressions_analytics.charts.tips import Tip, tell
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
NAMELESS = {
    "person": "persons, program not told",
    "proxy": "proxies, program not told",
    "prefetch": "prefetched, program not told",
    "bot": "bots",
}
"""What programs without a name are called when their kind is known: they are not unknown."""


def plot_user_agents(result: pd.DataFrame, ax: Axes | None = None, *, measure: Measure | None = None) -> Axes:
    """Draw the result of `user_agent_breakdown` as bars, the twelve largest classes at most.

    Counted by kind of open alone, it is one stacked bar, with the impressions that are taken for a person's as a range
    below it: from those of persons alone to those of persons and of proxies that fetch on opening. Prefetch and unknown
    may or may not be people. Counted by something and by kind (``by=["client", "kind"]``), each bar is split by kind;
    programs without a name whose kind is known are called after it.

    Parameters
    ----------
    result : DataFrame
        What `user_agent_breakdown` gave.
    ax : matplotlib Axes, optional
        Where to draw; a new figure when not given. In a notebook that figure shows below the cell, in a script write
        it with ``ax.figure.savefig("chart.png")``.
    measure : {"share_of_destinations", "impressions"}, optional
        What a bar is: the class's share of the opened destinations, or of the impressions. Impressions where kinds are
        drawn, since only they add up, and destinations for everything else.

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
    if measure not in {None, *_AXIS}:
        raise InvalidArgumentError(f"measure must be one of {', '.join(map(repr, _AXIS))}, got {measure!r}")
    groups = group_columns(result, _OWN) if isinstance(result, pd.DataFrame) else []
    others = [name for name in groups if name != "kind"]
    kinds_known = "kind" in groups and set(result["kind"]) <= set(KIND_OF_OPEN)
    split = kinds_known and measure != "share_of_destinations"
    measure = measure or ("impressions" if split else "share_of_destinations")
    ax = start_chart(
        result, ax, _OWN[:2], of="user_agent_breakdown", title=_title(groups), x=word(_AXIS[measure]),
        grid="" if split and not others else "x",
        size_inches=(9.0, 2.4) if split and not others else (9.0, 4.0),
    )  # fmt: skip
    if result.empty or not result["impressions"].sum():
        return say_nothing_to_draw(ax, phrase("no impressions"))
    shares = result["impressions"] / result["impressions"].sum() if measure == "impressions" else result[measure]
    rows = result.assign(share=shares)
    if split and not others:
        _draw_one_bar(ax, rows.groupby("kind", observed=True)["share"].sum())
    else:
        _draw_bars(ax, _by_name(rows, others) if split else _plain_bars(rows, groups))
    percent_axis(ax.xaxis)
    return ax


def _title(groups: list[str]) -> str:
    return phrase("Opens by {groups}", groups=f" {word('and')} ".join(map(word, groups)))


def _plain_bars(rows: pd.DataFrame, groups: list[str]) -> pd.DataFrame:
    """Return one column of shares, by name."""
    return rows.assign(name=group_names(rows, groups)).groupby("name", sort=False)[["share"]].sum()


def _by_name(rows: pd.DataFrame, others: list[str]) -> pd.DataFrame:
    """Return a column of shares for each kind, by name."""
    names = group_names(rows, others)
    nameless = (rows[others] == "unknown").all(axis=1)
    called_by = {kind: value_word(name) for kind, name in NAMELESS.items()}
    rows = rows.assign(name=rows["kind"].map(called_by).where(nameless).fillna(names))
    table = rows.pivot_table(index="name", columns="kind", values="share", aggfunc="sum", observed=True).fillna(0)
    return table[[kind for kind in KIND_OF_OPEN if kind in table]]


def _draw_bars(ax: Axes, table: pd.DataFrame) -> None:
    """Draw the largest as bars from the top down, and say in words what is left out."""
    table = table.loc[table.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    shown = table.head(_MOST_BARS)
    ends = np.cumsum(shown.to_numpy("float64"), axis=1)
    kinds = [str(kind) for kind in shown.columns]
    for kind, end in zip(kinds, ends.T, strict=True):
        part = shown[kind].to_numpy("float64")
        _bar(ax, np.arange(len(shown)), part, end - part, KIND_OF_OPEN.get(kind, SERIES[0]), label=value_word(kind))
    for place, (name, *parts) in enumerate(shown.itertuples()):
        named = zip(map(value_word, kinds), parts, strict=True)
        words = ", ".join(f"{kind} {percent(part)}" for kind, part in named if part)
        ax.annotate(
            percent(sum(parts)), (sum(parts), place), xytext=(4, 0), textcoords="offset points", va="center",
            fontsize="small", color=INK,
        )  # fmt: skip
        said = words if len(kinds) > 1 else percent(sum(parts))
        tell(ax, Tip((0, place - 0.5, 0, place + 0.5), f"{value_word(str(name))}: {said}", full_width=True))
        if kinds == ["share"] and set(str(name).split(", ")) == {"unknown"}:
            _bar(ax, [place], parts, [0.0], KIND_OF_OPEN["unknown"], label="")
    ax.set_yticks(range(len(shown)), [plain(shortened(value_word(str(name)))) for name in shown.index])
    ax.set_ylim(max(_LEAST_PLACES, len(shown)) - 0.4, -0.6)
    ax.set_xlim(0, min(1.0, max(0.02, float(shown.sum(axis=1).max()))) * 1.15)
    ax.tick_params(axis="y", length=0)
    if kinds != ["share"]:
        legend = ax.legend(
            loc="lower right", frameon=False, labelcolor=INK, fontsize="small", title=phrase("kind of open")
        )
        legend.get_title().set_color(MUTED)
    left = table.sum(axis=1)[_MOST_BARS:]
    if len(left):
        words = "{many:,} more below {share} each are not drawn"
        note(ax, phrase(words, many=len(left), share=percent(left.max())))


def _bar(ax: Axes, places: Any, width: Any, left: Any, look: Series, *, label: str) -> None:
    ax.barh(
        places, width, left=left, height=0.72, color=look.colour, hatch=look.hatch, edgecolor=PAGE, linewidth=0,
        label=plain(label),
    )  # fmt: skip


def _draw_one_bar(ax: Axes, share: pd.Series[float]) -> None:
    """Draw the kinds as one bar, and below it the range of the impressions that are taken for a person's."""
    left = 0.0
    for kind, look in KIND_OF_OPEN.items():
        part = float(share.get(kind, 0.0))
        _bar(ax, [0.0], [part], [left], look, label=f"{value_word(kind)} {percent(part)}")
        tell(
            ax,
            Tip(
                (left, -0.36, left + part, 0.36),
                phrase("{kind}: {share} of the impressions", kind=value_word(kind), share=percent(part)),
            ),
        )
        left += part
    low = float(share.get("person", 0.0))
    high = low + float(share.get("proxy", 0.0))
    ax.errorbar((low + high) / 2, -0.72, xerr=(high - low) / 2, color=INK, capsize=5, linewidth=2.5, capthick=1.5)
    ax.hlines(-0.72, 0, low, color=INK, linewidth=2.5)
    ax.axvspan(low, high, ymax=0.5, color=MUTED, alpha=0.15, linewidth=0, zorder=0)
    ax.set_xlim(0, 1)
    ax.set_ylim(-1.3, 0.5)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    legend_within(ax, ax.get_legend_handles_labels()[1])
    middle, side = ((low + high) / 2, "center") if 0.2 < (low + high) / 2 < 0.8 else (low, "left") if low < 0.5 else (
        high, "right")  # fmt: skip
    ax.annotate(
        phrase("taken for a person's: {low} to {high}", low=percent(low), high=percent(high)), (middle, -0.72),
        xytext=(0, -7), textcoords="offset points", ha=side, va="top", fontsize="small", color=INK,
    )  # fmt: skip
