"""Show a result frame in a notebook as people read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from impressions_analytics.errors import InvalidArgumentError

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler


def show(result: pd.DataFrame, *, rows: int | None = 20) -> Styler:
    """Show the result of an analysis: shares and rates as percent, counts with thousands, days without a clock.

    The values are not changed: what is shown is a view for the eyes, and `result` goes on to charts and files.

    Parameters
    ----------
    result : DataFrame
        What an analysis gave.
    rows : int, optional
        How many rows to show at most, from the first; None shows all.

    Returns
    -------
    pandas.io.formats.style.Styler
        It shows itself in a notebook; ``.to_html()`` gives the table as text.

    Raises
    ------
    InvalidArgumentError
        When `result` is no pandas frame: a lazy one is fetched first, or when `rows` is no number from 1.

    Examples
    --------
    >>> import pandas as pd
    >>> clients = pd.DataFrame({"client": ["Gmail"], "impressions": [12345], "share_of_destinations": [0.4567]})
    >>> print(show(clients).to_string(delimiter=" | ").strip())
    client | impressions | share_of_destinations
    Gmail | 12,345 | 45.7%
    """
    if not isinstance(result, pd.DataFrame):
        raise InvalidArgumentError(f"show takes a pandas frame, not {type(result).__name__}: fetch it first")
    if rows is not None and (isinstance(rows, bool) or not isinstance(rows, int) or rows < 1):
        raise InvalidArgumentError(f"rows={rows!r} is no number from 1; give None to show all")
    shown = result if rows is None else result.head(rows)
    styled = shown.reset_index(drop=True).style.hide(axis="index").set_table_attributes('style="white-space: nowrap"')
    for name in shown.columns:
        styled = styled.format(_writer(shown[name]), subset=[name], na_rep="", escape="html")
    left_out = len(result) - len(shown)
    return styled.set_caption(f"{len(shown):,} of {len(result):,} rows") if left_out else styled


def _writer(column: pd.Series[Any]) -> Any:
    """Return how the values of a column are written."""
    if pd.api.types.is_datetime64_any_dtype(column):
        days = column.dropna()
        return "{:%Y-%m-%d}" if (days == days.dt.normalize()).all() else "{:%Y-%m-%d %H:%M}"
    if any(word in str(column.name) for word in ("share", "rate")) and pd.api.types.is_float_dtype(column):
        return "{:.1%}"
    if pd.api.types.is_float_dtype(column):
        return "{:,.3g}"
    identifier = column.name in {"mailing", "profile", "subprofile", "destination", "ID"}
    return "{:,}" if pd.api.types.is_integer_dtype(column) and not identifier else None
