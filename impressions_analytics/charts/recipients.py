"""Opens by the recipients' provider, and by country, as charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impressions_analytics.charts.canvas import (
    LETTER_INCHES,
    note,
    percent_axis,
    say_nothing_to_draw,
    start_chart,
    width_inches,
)
from impressions_analytics.charts.language import phrase, value_word
from impressions_analytics.charts.numbers import counted, percent
from impressions_analytics.charts.palette import INK, PAGE, SERIES
from impressions_analytics.charts.texts import plain, shortened
from impressions_analytics.charts.tips import Tip, tell

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_BARS, _LEAST_PLACES = 12, 4


def plot_provider_breakdown(result: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the result of `provider_breakdown`: each provider's open rate as a range, and its bounces beside it.

    The bar goes from the messages opened not only by machines to all that were opened. At most the twelve providers
    with the most delivered messages are drawn.

    Parameters
    ----------
    result : DataFrame
        What `provider_breakdown` gave, of one mailing where it has several.
    ax : matplotlib Axes, optional
        Where to draw; a new figure when not given.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import pandas as pd
    >>> result = pd.DataFrame({"provider": ["ziggo.nl"], "messages_delivered": [80], "open_rate_low": [0.2],
    ...                        "open_rate_high": [0.4], "bounce_rate": [0.05]})
    >>> ax = plot_provider_breakdown(result)
    >>> [text.get_text() for text in ax.texts]
    ['20% to 40% of 80, bounced 5%']
    """
    needs = ("provider", "messages_delivered", "open_rate_low", "open_rate_high", "bounce_rate")
    ax = start_chart(
        result, ax, needs, of="provider_breakdown", title=phrase("Opens by the recipient's provider"),
        x=phrase("open rate of the delivered messages: not only machines, to all"), grid="x",
    )  # fmt: skip
    rows = result[result["messages_delivered"] > 0]
    if rows.empty:
        return say_nothing_to_draw(ax, phrase("no delivered messages"))
    shown = rows.sort_values("messages_delivered", ascending=False, kind="stable").head(_MOST_BARS)
    low, high = shown["open_rate_low"].to_numpy(), shown["open_rate_high"].to_numpy()
    said = [
        phrase(
            "{low} to {high} of {messages:,}, bounced {bounced}",
            low=percent(one), high=percent(other), messages=count, bounced=percent(bounced),
        )
        for one, other, count, bounced in zip(
            low, high, shown["messages_delivered"], shown["bounce_rate"].fillna(0), strict=True
        )
    ]  # fmt: skip
    _bars(ax, _names(shown, "provider"), low, high, said)
    _note_others(ax, len(rows) - len(shown), "providers")
    return ax


def plot_country_breakdown(result: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the result of `country_breakdown`: each country's share of the opened messages, twelve at most.

    Parameters
    ----------
    result : DataFrame
        What `country_breakdown` gave, of one mailing where it has several.
    ax : matplotlib Axes, optional
        Where to draw; a new figure when not given.

    Returns
    -------
    matplotlib Axes

    Examples
    --------
    >>> import pandas as pd
    >>> result = pd.DataFrame({"country": ["NL"], "opened_messages": [7], "share_of_messages": [1.0]})
    >>> [text.get_text() for text in plot_country_breakdown(result).texts]
    ['100%, 7 messages']
    """
    needs = ("country", "opened_messages", "share_of_messages")
    ax = start_chart(
        result, ax, needs, of="country_breakdown", title=phrase("Opens by country"),
        x=phrase("share of the opened messages"), grid="x",
    )  # fmt: skip
    if result.empty or not result["opened_messages"].sum():
        return say_nothing_to_draw(ax, phrase("no opens"))
    shown = result.sort_values("opened_messages", ascending=False, kind="stable").head(_MOST_BARS)
    share = shown["share_of_messages"].to_numpy()
    said = [
        f"{percent(part)}, {counted(count, 'messages')}"
        for part, count in zip(share, shown["opened_messages"], strict=True)
    ]
    _bars(ax, _names(shown, "country"), np.zeros(len(share)), share, said)
    _note_others(ax, len(result) - len(shown), "countries")
    return ax


def _names(rows: pd.DataFrame, column: str) -> list[str]:
    """Return what each bar is called; several mailings are told apart."""
    if "mailing" not in rows or rows["mailing"].nunique() < 2:
        return [value_word(name) for name in rows[column].astype(str)]
    return [
        f"{name}, {phrase('mailing {mailing}', mailing=mailing)}"
        for name, mailing in zip(rows[column], rows["mailing"], strict=True)
    ]


def _bars(ax: Axes, names: list[str], low: Any, high: Any, said: list[str]) -> None:
    """Draw ranges from the top down, with a number at the end of each."""
    places = np.arange(len(names))
    look = SERIES[0]
    ax.barh(places, high - low, left=low, height=0.72, color=look.colour, hatch=look.hatch, edgecolor=PAGE, linewidth=0)
    ax.plot(high, places, linestyle="", marker="|", color=INK, markersize=9)
    for place, (name, end, words) in enumerate(zip(names, high, said, strict=True)):
        ax.annotate(
            words, (end, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize="small", color=INK
        )
        tell(ax, Tip((0, place - 0.5, 0, place + 0.5), f"{name}: {words}", full_width=True))
    ax.set_yticks(places, [plain(shortened(name)) for name in names])
    ax.set_ylim(max(_LEAST_PLACES, len(names)) - 0.4, -0.6)
    room = max(map(len, said)) * LETTER_INCHES / width_inches(ax)
    ax.set_xlim(0, max(0.02, float(np.max(high))) / max(0.3, 0.95 - room))
    ax.tick_params(axis="y", length=0)
    percent_axis(ax.xaxis)


def _note_others(ax: Axes, number: int, words: str) -> None:
    if number:
        note(ax, phrase("not drawn, with fewer messages: {others}", others=counted(number, words)))
