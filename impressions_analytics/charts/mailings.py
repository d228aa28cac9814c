"""The figures of mailings side by side, as a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impressions_analytics.charts.canvas import SIZE_INCHES, banner, say_nothing_to_draw, start_chart
from impressions_analytics.charts.given import called, check_result
from impressions_analytics.charts.language import phrase, word
from impressions_analytics.charts.numbers import over_mailings
from impressions_analytics.charts.palette import SERIES
from impressions_analytics.charts.panels import ROW_INCHES, Panel, draw_panels, lacks, note_last

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes

_OPENS = (
    Panel("open_rate_low", "open_rate_high", "opened, of the delivered: without and with machines"),
    Panel("open_rate_of_sent", "open_rate_of_sent", "opened, of the sent, machines included"),
    Panel("unique_opens_not_only_machines", "unique_opens", "messages opened, without and with machines",
          share=False),
)  # fmt: skip
_CLICKS = Panel("click_through_rate", "click_through_rate", "clicked, of the delivered", look=SERIES[1])


def plot_mailing_performance(
    result: pd.DataFrame, ax: Axes | None = None, *, names: Mapping[object, str] | None = None, most: int = 20
) -> Axes:
    """Draw the result of `mailing_performance`: opens in one panel, clicks in a second beside it, a row per mailing.

    The opens are a range: from the destinations that were not fetched by machines only to all. The thin line through
    it reaches from the lower end of the lower rate's 95% interval to the upper end of the upper one's. The figures
    stand at the right of their panel, and dashed lines are the medians of the mailings drawn. Where the inputs do not
    cover a mailing, its row says so, and an amber banner tells over how many mailings the rates are. Without
    deliveries the open rate of the sent is drawn, and without destinations the numbers of opens; without click rates
    there is one panel.

    Parameters
    ----------
    result : DataFrame
        What `mailing_performance` gave.
    ax : matplotlib Axes, optional
        Where to draw; the panel of clicks takes a part of its room. A new figure, as high as the mailings need, when
        not given. In a notebook that figure shows below the cell, in a script write it with
        ``ax.figure.savefig("chart.png")``.
    names : mapping, optional
        What to call the mailings, such as their subjects by their number. The number stays before the subject, and a
        long subject is shortened in its middle.
    most : int
        How many mailings to draw: the last ones, which are the newest. The newest stands at the top.

    Returns
    -------
    matplotlib Axes
        The panel of opens.

    Raises
    ------
    MissingColumnError, InvalidArgumentError
        `result` is not what `mailing_performance` gives.

    Examples
    --------
    >>> import pandas as pd
    >>> result = pd.DataFrame({"mailing": [411, 412], "unique_opens": [40, 50]})
    >>> result["unique_opens_not_only_machines"] = [30, 45]
    >>> ax = plot_mailing_performance(result, names={412: "October"})
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['mailing 411', '412 October']
    >>> [text.get_text() for text in ax.texts]
    ['30 to 40', '45 to 50', 'median']
    """
    has = set(getattr(result, "columns", ()))
    panel = next((one for one in _OPENS if {one.low, one.high} <= has), _OPENS[-1])
    rows = check_result(result, ("mailing", panel.low, panel.high), of="mailing_performance").tail(most)
    ax = start_chart(
        rows, ax, ("mailing",), of="mailing_performance", title=phrase("Mailings"), x=word(panel.x), grid="x",
        size_inches=(SIZE_INCHES[0], 1.3 + ROW_INCHES * max(4, len(rows))),
    )  # fmt: skip
    if rows.empty:
        return say_nothing_to_draw(ax, phrase("no mailings"))
    clicks = [_CLICKS] if _CLICKS.high in has and panel.share else []
    draw_panels(ax, rows, [panel, *clicks], called(rows, ["mailing"], names, all_together="").tolist())
    lacking = int(lacks(result).sum())
    if lacking:
        over = over_mailings(len(result) - lacking, len(result))
        banner(ax, phrase("Data: partly covered; rates are {over}", over=over))
    note_last(ax, rows, result)
    return ax
