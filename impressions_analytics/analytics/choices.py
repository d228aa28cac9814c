"""One wording for refusing an argument that is not among the closed choices."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

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
