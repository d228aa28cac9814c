"""What a list request asks for: a page, a period and conditions, as each version of the API spells them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impressions_analytics.sandbox.behaviour import Behaviour
from impressions_analytics.sandbox.plan import seconds
from impressions_analytics.sandbox.wire import Edition

DEFAULT_LIMIT = 100
EVER = (-(2**62), 2**62)
"""A period without ends."""
OPERATORS = ("==", "!=", "<>", "<=", ">=", "=~", "!~", "<", ">", "=")
_CONDITION = re.compile(rf"\s*([A-Za-z-]+)\s*({'|'.join(OPERATORS)})\s*(.*)", re.DOTALL)
_TIME = re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?")
_PERIODS = {"emailings": ("fromdate", "todate"), "destinations": ("from", "to")}
_ALWAYS = {"access_token", "start", "limit", "total"}
_FALSE = ("false", "0", "no", "")
_TIMES = ("timestamp", "timestampsent")


class BadRequestError(Exception):
    """The request cannot be answered; the message is for the client."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One ``fields[]`` condition on a column."""

    column: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows: those with begin <= seconds < end that meet all conditions; if unique, one per destination."""

    begin: int = EVER[0]
    end: int = EVER[1]
    conditions: tuple[Condition, ...] = ()
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """One list request: of the selected rows at most `limit`, from offset `start`."""

    selection: Selection
    start: int = 0
    limit: int = DEFAULT_LIMIT
    with_total: bool = True


def period_names(kind: str, edition: Edition, *, level: str = "account") -> tuple[str, str] | None:
    """Return the parameters that say a period, or None where ``fields[]`` does.

    Examples
    --------
    >>> period_names("impressions", Edition("ms", 4)), period_names("impressions", Edition("publisher", 4))
    (('begintime', 'endtime'), None)
    """
    if (kind, level) == ("destinations", "emailing"):
        return None
    if kind in _PERIODS:
        return _PERIODS[kind]
    return None if edition.family == "publisher" or edition.origin else ("begintime", "endtime")


def read_query(
    kind: str, edition: Edition, parameters: Iterable[tuple[str, str]], behaviour: Behaviour, *, level: str = "account"
) -> Query:
    """Read a list request; what the list does not know is ignored, unless the behaviour refuses it."""
    parameters = tuple(parameters)
    names = period_names(kind, edition, level=level)
    known = {name: value for name, value in parameters if name in _known(kind, names)}
    spoken = names is None or (kind == "destinations" and level == "emailing")
    fields = [value for name, value in parameters if spoken and name.startswith("fields[")]
    unknown = [name for name, _ in parameters if name not in known and not (fields and name.startswith("fields["))]
    if unknown and behaviour.refuse_unknown_parameters:
        raise BadRequestError(f"Unknown parameter {unknown[0]}")
    whole_account = (kind, level) == ("destinations", "account")
    if behaviour.destinations_need_period and whole_account and not set(names or ()) <= set(known):
        raise BadRequestError("Missing parameter from or to")
    conditions = [one for text in fields if (one := _condition(text, kind, edition))]
    return Query(
        _selection(known, names, conditions, behaviour),
        start=_whole(known, "start", 0),
        limit=min(_whole(known, "limit", DEFAULT_LIMIT), behaviour.most_rows),
        with_total=known.get("total", "true").lower() not in _FALSE or behaviour.total_always,
    )


def _selection(
    known: dict[str, str], names: tuple[str, str] | None, conditions: list[Condition], behaviour: Behaviour
) -> Selection:
    if behaviour.ignore_period:
        known = {name: value for name, value in known.items() if name not in (names or ())}
        conditions = [condition for condition in conditions if condition.column not in _TIMES]
    begin, end = _bounds(known, names, behaviour)
    for low, high in map(_narrowed, conditions):
        begin, end = max(begin, low), min(end, high)
    others = tuple(condition for condition in conditions if _narrowed(condition) == EVER)
    return Selection(begin, end, others, known.get("unique", "false").lower() in ("true", "1"))


def _known(kind: str, names: tuple[str, str] | None) -> set[str]:
    return {*_ALWAYS, *(names or ()), *(("unique",) if kind in ("clicks", "unsubscribes") else ())}


def _bounds(known: dict[str, str], names: tuple[str, str] | None, behaviour: Behaviour) -> tuple[int, int]:
    begin, end = EVER
    if names and names[0] in known:
        begin = _time(names[0], known[names[0]]) + (not behaviour.begin_inclusive)
    if names and names[1] in known:
        end = _time(names[1], known[names[1]]) + behaviour.end_inclusive
    return begin, end


def _whole(known: dict[str, str], name: str, default: int) -> int:
    """Return a number of rows; the live service takes what is no such number for 0."""
    text = known.get(name, str(default))
    return int(text) if text.isdecimal() else 0


def _time(name: str, text: str) -> int:
    try:
        if _TIME.fullmatch(text):
            return seconds(text)
    except ValueError:
        pass
    raise BadRequestError(f"Invalid time in {name}: {text}")


def _condition(text: str, kind: str, edition: Edition) -> Condition | None:
    """Read a condition: names may be in any case, and a condition on a field that nobody knows is ignored."""
    match = _CONDITION.fullmatch(text)
    if not match:
        raise BadRequestError(f"Invalid field condition: {text}")
    names = {cell.key.lower(): cell.key for cell in edition.cells(kind, "emailing")}
    known = names.get(match[1].lower())
    return Condition(known, match[2], match[3]) if known else None


def _narrowed(condition: Condition) -> tuple[int, int]:
    """Return the period that a condition on the time means; `EVER` where it means none."""
    if condition.column not in _TIMES or condition.operator in ("=~", "!~", "!=", "<>"):
        return EVER
    moment = _time(condition.column, condition.value)
    return {
        ">": (moment + 1, EVER[1]),
        ">=": (moment, EVER[1]),
        "<": (EVER[0], moment),
        "<=": (EVER[0], moment + 1),
        "=": (moment, moment + 1),
        "==": (moment, moment + 1),
    }[condition.operator]


def meets(condition: Condition, values: Iterable[str | None]) -> NDArray[np.bool_]:
    """Return which of the values, as spelled on the wire, meet a condition; null meets none.

    Examples
    --------
    >>> meets(Condition("destination", "<", "20"), ["9", "112"]).tolist()
    [True, False]
    >>> meets(Condition("ip", "=~", "2001:%"), ["192.0.2.1", "2001:db8::1", None]).tolist()
    [False, True, False]
    """
    test = _test(condition)
    return np.array([value is not None and test(value) for value in values], dtype=np.bool_)


def _test(condition: Condition) -> Callable[[str], bool]:
    """Return a condition as a function: ``%`` stands for any text in ``=~``, and whole numbers compare as numbers."""
    wanted = condition.value
    if condition.operator in ("=~", "!~"):
        pattern = re.compile(".*".join(map(re.escape, wanted.split("%"))), re.DOTALL)
        return lambda value: (pattern.fullmatch(value) is not None) == (condition.operator == "=~")
    compare = _COMPARE[condition.operator]
    if wanted.isdecimal():
        return lambda value: value.isdecimal() and compare(int(value), int(wanted))
    return lambda value: compare(value, wanted)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
