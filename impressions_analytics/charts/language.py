"""The language of a report and its charts: English in the code, any other by a table of phrases."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources
from numbers import Number
from string import Formatter
from typing import Any, Literal, get_args

from impressions_analytics.errors import InvalidArgumentError

Language = Literal["en", "nl"]
_SPOKEN: ContextVar[Language] = ContextVar("spoken", default="en")
_DECIMAL_COMMA = str.maketrans(",.", ".,")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?%?")
_FIELD = re.compile(r"\\{(\w+)\\}")
_APART = "; "  # between sentences that are said in one line


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Let every phrase inside be of a language.

    Examples
    --------
    >>> with speaking("nl"):
    ...     phrase("{low} to {high}", low=written(1234.5, ",.1f"), high="2")
    '1.234,5 tot 2'
    """
    token = _SPOKEN.set(checked(language))
    try:
        yield
    finally:
        _SPOKEN.reset(token)


def checked(language: Language) -> Language:
    """Return a language that has a table, or say which have."""
    if language not in get_args(Language):
        known = " or ".join(map(repr, get_args(Language)))
        raise InvalidArgumentError(f"language must be {known}, got {language!r}")
    return language


def spoken() -> Language:
    """Return the language that is spoken now."""
    return _SPOKEN.get()


def phrase(english: str, /, **values: Any) -> str:
    """Return a phrase in the language that is spoken, with its values filled in; numbers are written as there.

    Parameters
    ----------
    english : str
        The phrase as `str.format` takes it; the tables of the other languages have it as their key.
    **values
        What its fields are filled with.

    Examples
    --------
    >>> phrase("{low} to {high}", low=1, high=2)
    '1 to 2'
    """
    return _WRITER.vformat(_phrases(_SPOKEN.get()).get(english, english), (), values)


def word(english: str) -> str:
    """Return a word, or a phrase without fields, in the language that is spoken; what is none of ours stays as it is.

    Examples
    --------
    >>> with speaking("nl"):
    ...     word("mailing"), word("{Gmail}")
    ('mailing', '{Gmail}')
    """
    return _phrases(_SPOKEN.get()).get(english, english)


def value_word(value: str) -> str:
    """Return a value of ours, such as unknown, in the language that is spoken; what others named stays as it is.

    Examples
    --------
    >>> with speaking("nl"):
    ...     value_word("unknown"), value_word("May")
    ('onbekend', 'May')
    """
    return _table(_SPOKEN.get()).get("values", {}).get(value, value)


def written(value: Any, spec: str) -> str:
    """Write a number by a format specification.

    Examples
    --------
    >>> written(0.317, ".1%")
    '31.7%'
    """
    return with_comma(format(value, spec))


def with_comma(number: str) -> str:
    """Return a number that was written as in English as it is written where a comma marks the decimals."""
    return number if _SPOKEN.get() == "en" else number.translate(_DECIMAL_COMMA)


def translated(english: str) -> str:
    """Return an English text that an analysis or a certificate holds in the language that is spoken.

    Results are data, the same in every language; a page translates what it shows of them. What no phrase of the table
    fits stays as it is.

    Examples
    --------
    >>> with speaking("nl"):
    ...     translated("deliveries: known until 2026-05-31")
    'afleveringen: bekend tot 2026-05-31'
    """
    language = _SPOKEN.get()
    known = _said_words(language)
    if english in known or language == "en":
        return known.get(english, english)
    for pattern, template in _said(language):
        found = pattern.fullmatch(english)
        if found:
            return template.format(**{name: translated(value) for name, value in found.groupdict().items()})
    for between in (_APART, ", "):
        parts = english.split(between)
        if len(parts) > 1 and (between == _APART or known.keys() >= set(parts)):
            return between.join(map(translated, parts))
    return with_comma(english) if _NUMBER.fullmatch(english) else english


class _Writer(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return written(value, format_spec) if isinstance(value, Number) else format(value, format_spec)


_WRITER = _Writer()


@cache
def _table(language: Language) -> Mapping[str, Mapping[str, str]]:
    """Return the table of a language: what stands in its file, by part."""
    if language == "en":
        return {}
    file = resources.files("impressions_analytics.charts").joinpath(f"language_{language}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


@cache
def _phrases(language: Language) -> Mapping[str, str]:
    """Return every phrase of a language by the English one."""
    return {english: own for part in _table(language).values() for english, own in part.items()}


@cache
def _said_words(language: Language) -> Mapping[str, str]:
    """Return what stands in analyses and certificates without fields; a name of somebody else's is none of it."""
    table = _table(language)
    return {
        english: own
        for part in ("words", "trust", "said", "definitions")
        for english, own in table.get(part, {}).items()
    }


@cache
def _said(language: Language) -> list[tuple[re.Pattern[str], str]]:
    """Return patterns of what analyses and certificates say, the longest first, and the phrase for each."""
    said = sorted(_table(language).get("said", {}).items(), key=lambda pair: -len(_FIELD.sub("", re.escape(pair[0]))))
    return [(re.compile(_FIELD.sub(r"(?P<\1>.+?)", re.escape(english)), re.DOTALL), own) for english, own in said]
