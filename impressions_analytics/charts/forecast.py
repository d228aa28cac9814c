"""How many will still open, as a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impressions_analytics.charts.canvas import AGE_LABEL, age_axis, count_axis, say_nothing_to_draw, start_chart
from impressions_analytics.charts.language import phrase, word
from impressions_analytics.charts.palette import INK, MUTED, SERIES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_OWN = ("mailing", "measure", "hours", "observed", "forecast_low", "forecast", "forecast_high")
_WHAT = {"opens": "messages opened by people", "clicks": "messages clicked by people"}


def plot_forecast(result: pd.DataFrame, ax: Axes | None = None, *, measure: str = "opens") -> Axes:
    """Draw the result of `forecast_opens` with ``hourly=True``: what was seen, and the fan of what is expected.

    Parameters
    ----------
    result : DataFrame
        What `forecast_opens` gave with ``hourly=True``.
    ax : matplotlib Axes, optional
        Where to draw; a new figure when not given.
    measure : str
        ``"opens"`` or ``"clicks"``.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    MissingColumnError, InvalidArgumentError
        `result` is not what `forecast_opens` gives with ``hourly=True``.

    Examples
    --------
    >>> import pandas as pd
    >>> result = pd.DataFrame({"mailing": 412, "measure": "opens", "hours": [0, 1, 2], "observed": [True, True, False],
    ...                        "forecast_low": [0, 20, 25], "forecast": [0, 20, 30], "forecast_high": [0, 20, 35]})
    >>> ax = plot_forecast(result)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['seen', 'expected: 30 (25 to 35)']
    """
    ax = start_chart(
        result, ax, _OWN, of="forecast_opens(..., hourly=True)", title=_title(result), x=word(AGE_LABEL),
        y=word(_WHAT.get(measure, measure)),
    )  # fmt: skip
    rows = result[result["measure"] == measure].sort_values("hours")
    if rows.empty:
        return say_nothing_to_draw(ax, phrase("no forecast of {measure}", measure=word(measure)))
    _draw(ax, rows)
    count_axis(ax.yaxis)
    age_axis(ax, max(1, int(rows["hours"].max())))
    ax.set_ylim(0, None)
    ax.legend(loc="lower right", frameon=False, labelcolor=INK, fontsize="small")
    return ax


def _title(result: pd.DataFrame) -> str:
    known = "mailing" in getattr(result, "columns", ()) and len(result)
    return phrase("Forecast of mailing {mailing}", mailing=result["mailing"].iloc[0]) if known else phrase("Forecast")


def _draw(ax: Axes, rows: pd.DataFrame) -> None:
    seen_look, look = SERIES[0], SERIES[1]
    seen = rows[rows["observed"]]
    ax.plot(
        seen["hours"], seen["forecast"], color=seen_look.colour, linestyle=seen_look.dash, linewidth=2,
        label=phrase("seen"),
    )  # fmt: skip
    if seen["hours"].max() >= rows["hours"].max():
        return
    fan = rows[rows["hours"] >= seen["hours"].max()]
    low, middle, high = fan.iloc[-1][["forecast_low", "forecast", "forecast_high"]]
    label = phrase("expected: {middle:,} ({low:,} to {high:,})", middle=middle, low=low, high=high)
    ax.fill_between(fan["hours"], fan["forecast_low"], fan["forecast_high"], color=look.colour, alpha=0.2, linewidth=0)
    ax.plot(fan["hours"], fan["forecast"], color=look.colour, linestyle=look.dash, linewidth=1.6, label=label)
    ax.axvline(float(seen["hours"].max()), color=MUTED, linewidth=0.8, zorder=1)
