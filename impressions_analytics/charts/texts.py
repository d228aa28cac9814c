"""Names as a chart writes them."""

from __future__ import annotations

import unicodedata
from functools import cache


def plain(text: str) -> str:
    r"""Return text that matplotlib draws as it stands: one line, no formulas between dollars, no boxes.

    Emoji that the font does not have are left out; a letter that it does not have becomes a dot.

    Examples
    --------
    >>> plain("only $5 or $6")
    'only \\$5 or \\$6'
    >>> plain("\U0001f389 Sale \u6f22\u5b57")
    'Sale ··'
    """
    known = _drawable()
    letters = (letter for letter in " ".join(text.split()) if not _steers(letter))
    drawn = (letter if ord(letter) in known else _instead(letter) for letter in letters)
    return " ".join("".join(drawn).split()).replace("$", r"\$")


def _steers(letter: str) -> bool:
    """Whether a letter only tells how its neighbours are drawn, as in emoji that are joined."""
    return unicodedata.category(letter) == "Cf" or "\ufe00" <= letter <= "\ufe0f"


def _instead(letter: str) -> str:
    """Return what is drawn for a letter that the font does not have."""
    return "·" if unicodedata.category(letter)[0] in "LN" else ""


@cache
def _drawable() -> frozenset[int]:
    """Return the letters of the font that comes with matplotlib; others would draw a warning."""
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def shortened(text: str, length: int = 40) -> str:
    """Shorten a long name in its middle, where names differ least; a number that it begins with stays whole.

    Examples
    --------
    >>> shortened("20261124 October newsletter", 12)
    '20261124…ter'
    >>> shortened("October newsletter for customers in Groningen", 24)
    'October news…n Groningen'
    """
    text = " ".join(text.split())
    if len(text) <= length:
        return text
    number = text.split(" ", 1)[0]
    head = max(length // 2, len(number)) if number.isdecimal() and len(number) < length else length // 2
    return f"{text[:head]}…{text[len(text) - (length - head - 1) :]}"
