"""Numbers, counts and moments in words, in the language that is spoken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impressions_analytics import certificate
from impressions_analytics.charts.language import phrase, with_comma, word, written

if TYPE_CHECKING:
    import pandas as pd


def counted(number: int, words: str) -> str:
    """Return a number with its word, as one or many.

    Examples
    --------
    >>> from impressions_analytics.charts.language import speaking
    >>> with speaking("nl"):
    ...     counted(1, "deliveries"), counted(1200, "impressions")
    ('1 aflevering', '1.200 impressies')
    """
    many, _, what = certificate.counted(number, words).partition(" ")
    return f"{with_comma(many)} {word(what)}"


def over_mailings(some: int, of: int) -> str:
    """Say over how many mailings a total is.

    Examples
    --------
    >>> over_mailings(7, 12)
    'over 7 of 12 mailings'
    """
    return phrase("over {some:,} of {mailings}", some=some, mailings=counted(of, "mailings"))


def long_date(moment: pd.Timestamp) -> str:
    """Write a moment with its weekday.

    Examples
    --------
    >>> import pandas as pd
    >>> long_date(pd.Timestamp("2026-11-24 09:30"))
    'Tuesday 24 November 2026, 09:30'
    """
    return f"{word(moment.day_name())} {moment.day} {word(moment.month_name())} {moment:%Y, %H:%M}"


def quantity(value: float, spec: str, words: str) -> str:
    """Return a rounded number with its word, as one or many.

    Examples
    --------
    >>> quantity(1.04, ".2g", "hours"), quantity(2.54, ".2g", "days")
    ('1 hour', '2.5 days')
    """
    text = written(value, spec)
    return f"{text} {word(words.removesuffix('s') if text == '1' else words)}"


def short_number(value: float) -> str:
    """Write a number in a few letters.

    Examples
    --------
    >>> [short_number(value) for value in (0, 0.5, 950, 12_000, 1_250_000)]
    ['0', '0.5', '950', '12k', '1.25M']
    """
    size, unit = next(((size, unit) for least, size, unit in _UNITS if abs(value) >= least), (1, ""))
    return f"{written(value / size, '.4g')}{unit}"


_UNITS = ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k"))


def percent(share: float) -> str:
    """Write a share in percent, with decimals where it is small.

    Examples
    --------
    >>> [percent(share) for share in (0, 0.00042, 0.004, 0.05, 0.417, 1)]
    ['0%', '0.04%', '0.4%', '5%', '42%', '100%']
    """
    points = 100 * share
    if abs(points) >= 10:
        return f"{points:.0f}%"
    if 0 < points < 0.01:
        return f"<{written(0.01, '.2f')}%"
    text = f"{points:.2f}" if abs(points) < 1 else f"{points:.1f}"
    return f"{written(float(text), '.3g')}%"
