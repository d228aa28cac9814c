"""Bounces, unsubscribes and complaints of mailings side by side, as a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impressions_analytics.charts.canvas import SIZE_INCHES, say_nothing_to_draw, start_chart
from impressions_analytics.charts.given import called
from impressions_analytics.charts.language import phrase, word
from impressions_analytics.charts.palette import SERIES
from impressions_analytics.charts.panels import ROW_INCHES, Panel, draw_panels, note_last

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes

_PANELS = (
    Panel("bounced", "bounced", "bounced, of the sent", look=SERIES[1]),
    Panel("unsubscribed", "unsubscribed", "unsubscribed, of the delivered", look=SERIES[4]),
    Panel("complained", "complained", "complained, of the delivered", look=SERIES[3]),
)


def plot_problems(
    outcomes: pd.DataFrame, ax: Axes | None = None, *, names: Mapping[object, str] | None = None, most: int = 20
) -> Axes:
    """Draw the shares of messages that bounced, were unsubscribed from and were complained of, a row per mailing.

    Parameters
    ----------
    outcomes : DataFrame
        One row per ``mailing``, in the order in which they were sent, with one or more of the shares ``bounced``,
        ``unsubscribed`` and ``complained``; ``not_covered`` where an input does not cover the mailing.
    ax : matplotlib Axes, optional
        Where to draw; the second and third panel take a part of its room. A new figure when not given.
    names : mapping, optional
        What to call the mailings by their number.
    most : int
        How many mailings to draw: the last ones. The newest stands at the top.

    Returns
    -------
    matplotlib Axes
        The first panel.

    Examples
    --------
    >>> import pandas as pd
    >>> ax = plot_problems(pd.DataFrame({"mailing": [411, 412], "bounced": [0.02, 0.031], "complained": [0, 0.0004]}))
    >>> [[text.get_text() for text in one.texts] for one in ax.figure.axes]
    [['2%', '3.1%', 'median'], ['0%', '0.04%', 'median']]
    """
    panels = [panel for panel in _PANELS if panel.high in outcomes and outcomes[panel.high].notna().any()]
    rows = outcomes.tail(most)
    ax = start_chart(
        rows, ax, ("mailing",), of="mailing_outcomes", title=phrase("Bounces, unsubscribes, complaints"),
        x=word(panels[0].x) if panels else "", grid="x",
        size_inches=(SIZE_INCHES[0], 1.3 + ROW_INCHES * max(4, len(rows))),
    )  # fmt: skip
    if not panels:
        return say_nothing_to_draw(ax, phrase("no data"))
    draw_panels(ax, rows, panels, called(rows, ["mailing"], names, all_together="").tolist())
    note_last(ax, rows, outcomes)
    return ax
