"""Result frames as tables of text for the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from impressions_analytics.charts.language import phrase, value_word, word, written
from impressions_analytics.charts.palette import KIND_OF_OPEN
from impressions_analytics.charts.texts import shortened

MOST_ROWS = 100
MOST_LETTERS = 160
_LEAST_SHARE = 0.0001
_OF_OUR_WORDS = ("kind", "client", "os", "device", "provider", "country")
"""Columns whose values this package names, as unknown is; what others named stays as it is."""


@dataclass(frozen=True, slots=True)
class HtmlTable:
    """A table of the page: everything is text, and escaped when it is written.

    Attributes
    ----------
    caption : str
        What it lists.
    header : list of str
        The names of the columns.
    rows : list of list of str
        The cells.
    more : str
        What is left out, if anything.
    texts : frozenset of int
        The places of the columns that are text.
    """

    caption: str
    header: list[str]
    rows: list[list[str]]
    more: str = ""
    texts: frozenset[int] = frozenset()


def table_of(
    result: pd.DataFrame, caption: str, columns: Mapping[str, str], *, most: int = MOST_ROWS, last: bool = False
) -> HtmlTable:
    """Make a table of the columns named by the keys of `columns` that the result has, headed by their values.

    Examples
    --------
    >>> result = pd.DataFrame({"client": ["Gmail"], "impressions": [12345], "share": [0.4567]})
    >>> table_of(result, "Clients", {"client": "client", "share": "share"}).rows
    [['Gmail', '45.7%']]
    """
    present = {name: heading for name, heading in columns.items() if name in result}
    shown = result.tail(most) if last else result.head(most)
    rows = list(zip(*(_texts(shown[name]) for name in present), strict=True)) if present else []
    more = ""
    if len(result) > most:
        says = "Last {most:,} of {rows:,} rows." if last else "First {most:,} of {rows:,} rows."
        more = phrase(says, most=most, rows=len(result))
    texts = frozenset(place for place, name in enumerate(present) if pd.api.types.is_string_dtype(shown[name]))
    return HtmlTable(caption, list(map(word, present.values())), [list(row) for row in rows], more, texts)


def _texts(column: pd.Series[Any]) -> list[str]:
    name = str(column.name)
    share = any(word in name for word in ("share", "rate"))
    texts = ["" if pd.isna(value) else _text(value, share=share) for value in column.tolist()]
    return list(map(value_word, texts)) if name in _OF_OUR_WORDS else texts


def _text(value: Any, *, share: bool) -> str:
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}" if value == value.normalize() else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, float):
        return small_share(value) if share else written(value, ",.3g")
    return whole(value) if isinstance(value, int) else shortened(str(value), MOST_LETTERS)


def whole(value: float) -> str:
    """Write a count.

    Examples
    --------
    >>> whole(1234567)
    '1,234,567'
    """
    return written(int(value), ",")


def kinds_counted(result: pd.DataFrame) -> str:
    """Say which kinds of open a result counts; nothing where it counts all.

    Examples
    --------
    >>> result = pd.DataFrame()
    >>> result.attrs["kinds"] = ["person", "proxy"]
    >>> kinds_counted(result)
    ' Counted: opens of the kinds person, proxy.'
    """
    kinds = result.attrs.get("kinds") or KIND_OF_OPEN
    if not set(kinds) < set(KIND_OF_OPEN):
        return ""
    return " " + phrase("Counted: opens of the kinds {kinds}.", kinds=", ".join(map(value_word, kinds)))


def between(low: str, high: str) -> str:
    """Write a range, or the one figure that both of its ends are.

    Examples
    --------
    >>> between("31.7%", "42.1%"), between("no data", "no data")
    ('31.7% to 42.1%', 'no data')
    """
    return high if low == high else phrase("{low} to {high}", low=low, high=high)


def small_share(value: float) -> str:
    """Write a share in percent, with more decimals where it is small.

    Examples
    --------
    >>> small_share(0.317), small_share(0.0012), small_share(0.00003), small_share(0)
    ('31.7%', '0.12%', '<0.01%', '0%')
    """
    if 0 < value < _LEAST_SHARE:
        return f"<{written(_LEAST_SHARE, '.2%')}"
    return "0%" if value == 0 else written(value, ".2%" if value < 0.01 else ".1%")


def share(count: float, total: float) -> str:
    """Write a share in percent; nothing to divide by is said, not guessed.

    Examples
    --------
    >>> share(1, 8), share(1, 0)
    ('12.5%', 'no data')
    """
    return small_share(count / total) if total else phrase("no data")
