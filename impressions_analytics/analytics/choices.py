"""One wording for refusing each sort of argument: a closed choice, a whole number, a moment."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pandas as pd

from impressions_analytics.errors import InvalidArgumentError


def choose(argument: str, value: object, choices: Iterable[str]) -> None:
    """Raise `InvalidArgumentError` unless `value` is one of the choices.

    Examples
    --------
    >>> choose("every", "daily", ["day", "week"])
    Traceback (most recent call last):
    impressions_analytics.errors.InvalidArgumentError: every must be one of 'day', 'week', got 'daily'; did you mean ...
    """
    allowed = list(choices)
    if value in allowed:
        return
    near = difflib.get_close_matches(str(value), allowed, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise InvalidArgumentError(f"{argument} must be one of {', '.join(map(repr, allowed))}, got {value!r}{hint}")


def whole_number(argument: str, value: object, *, least: int) -> None:
    """Raise `InvalidArgumentError` unless `value` is a whole number of at least `least`.

    Examples
    --------
    >>> whole_number("limit", 0, least=1)
    Traceback (most recent call last):
    impressions_analytics.errors.InvalidArgumentError: limit must be a whole number of at least 1, got 0
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidArgumentError(f"{argument} must be a whole number of at least {least}, got {value!r}")


def moment(argument: str, value: Any) -> pd.Timestamp:
    """Return a moment of the wall clock from text, a date or a datetime.

    Examples
    --------
    >>> moment("as_of", "2026-02-01")
    Timestamp('2026-02-01 00:00:00')
    """
    way_out = "give a wall-clock day or time such as '2026-02-01' or '2026-02-01 09:00:00'"
    try:
        # pandas alone would read 01-02-2026 as the second of January.
        parsed = pd.Timestamp(datetime.fromisoformat(value.strip()) if isinstance(value, str) else value)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{argument} is no moment: {value!r}; {way_out}") from error
    if pd.isna(parsed) or parsed.tzinfo is not None or isinstance(value, int | float):
        raise InvalidArgumentError(f"{argument} is no moment of the wall clock: {value!r}; {way_out}")
    return parsed.as_unit("us")


def end_is_known(until: pd.Timestamp | None, *, lazy: bool) -> None:
    """Raise `InvalidArgumentError` where rows carry no certificate and nobody said until when they are known.

    Examples
    --------
    >>> end_is_known(None, lazy=True)
    Traceback (most recent call last):
    impressions_analytics.errors.InvalidArgumentError: as_of is needed: an Ibis table or Spark frame does not say ...
    """
    if lazy and until is None:
        raise InvalidArgumentError(
            "as_of is needed: an Ibis table or Spark frame does not say until when its impressions are known; give the "
            "moment of the wall clock, as in as_of='2026-02-01 00:00:00' (the end of the last sync)"
        )


def told_end(until: pd.Timestamp | None) -> str:
    """Say until when the impressions are known, for ``attrs["known_until"]``.

    Examples
    --------
    >>> told_end(pd.Timestamp("2026-02-01")), told_end(None)
    ('2026-02-01 00:00:00', 'the latest impression')
    """
    return "the latest impression" if until is None else str(until)
