"""How the values of one column are read from the wire: a table by column type.

Each reader takes the decoded JSON values of one page and gives an Arrow array, or raises one of `UNFIT`; `why_unfit`
says in words what is wrong with one value, and agrees with the readers on what fits.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from impressions_analytics.columns import Column, ColumnType

WIRE_TYPES: dict[ColumnType, Any] = {
    "integer": int | str,
    "timestamp": str,
    "text": str | int,
    "category": str,
    "address": str,
    "boolean": bool,
    "json": dict[str, Any] | list[Any],
}
"""What JSON each column type may be; the readers narrow it further."""

CODES: frozenset[ColumnType] = frozenset({"category"})
"""Column types that repeat so much that they are kept as numbers of words."""

TIME_LETTERS = len("2014-10-09 13:41:46\n")
TIME_GAP = len("2014-10-09")
MOST_ADDRESSES = 100_000  # remembered as good: proxies of mailboxes come again and again
_GOOD_ADDRESSES: set[str | None] = {None}
_LISTED = msgspec.json.Decoder(list[int])
_FIRST_YEAR = np.datetime64("0001-01-01", "us")


class Vocabulary(dict[str | None, int]):
    """Numbers words in the order in which they are first met, over all pages of a load; null is number 0."""

    def __init__(self) -> None:
        super().__init__({None: 0})

    def __missing__(self, word: str | None) -> int:
        self[word] = number = len(self)
        return number

    def codes(self, values: Sequence[str | None]) -> pa.Array:
        """Return the numbers of words.

        Examples
        --------
        >>> Vocabulary().codes(["b", None, "a", "b"]).to_pylist()
        [1, 0, 2, 1]
        """
        return pa.array(np.fromiter(map(self.__getitem__, values), np.int32, len(values)))

    def categorical(self, codes: pa.ChunkedArray) -> pd.Categorical[Any]:
        """Return words by number as a categorical whose categories are sorted, and all used."""
        numbers = codes.to_numpy()
        used = np.zeros(len(self), dtype=bool)
        used[numbers] = True
        words = sorted(word for word, found in zip(self, used, strict=True) if found and word is not None)
        place = np.full(len(self), -1, dtype=np.int32)
        place[[self[word] for word in words]] = np.arange(len(words), dtype=np.int32)
        return pd.Categorical.from_codes(place[numbers], dtype=pd.CategoricalDtype(pd.Index(words, dtype="str")))


def read_integers(values: Sequence[Any]) -> pa.Array:
    """Return identifiers, which the API sends as numbers or as text of digits; null stays null.

    Examples
    --------
    >>> read_integers(["1", "412"]).to_pylist(), read_integers([7, "8", None]).to_pylist()
    ([1, 412], [7, 8, None])
    >>> read_integers(["007"])
    Traceback (most recent call last):
    msgspec.DecodeError: JSON is malformed: ...
    """
    if values and isinstance(values[0], str):
        if values[0] == values[-1] and values.count(values[0]) == len(values) > 1:
            return pa.repeat(read_integers(values[:1])[0], len(values))
        try:
            return pa.array(_whole_numbers(",".join(values), len(values)))
        except TypeError:
            pass  # not all of them are texts
    return _mixed_integers(values)


def _whole_numbers(joined: str, count: int) -> np.ndarray[Any, Any]:
    """Return numbers that are joined by commas; JSON itself refuses 007 and the empty text."""
    listed = f"[{joined}]".encode()
    if listed.translate(None, b"0123456789,") != b"[]":
        raise ValueError("something other than digits")
    numbers = _LISTED.decode(listed)
    if len(numbers) != count:
        raise ValueError("a comma in a number")
    return np.fromiter(numbers, np.int64, count)


def _mixed_integers(values: Sequence[Any]) -> pa.Array:
    """Return numbers of which some are numbers, some are texts and some are null."""
    texts = None
    try:
        numbers = pa.array(values, pa.int64())
    except pa.ArrowException:
        texts = _texts(values)
        numbers = texts.cast(pa.int64())
    smallest = pc.min(numbers).as_py()
    if smallest is not None and smallest < 0:
        raise ValueError("a negative number")
    # Arrow also reads 007, -0 and 0x1F: two texts could become one number.
    if texts is not None and not numbers.cast(pa.string()).equals(texts):
        raise ValueError("a number in another form than its own")
    return numbers


def _texts(values: Sequence[Any]) -> pa.Array:
    try:
        return pa.array(values, pa.string())
    except pa.ArrowException:
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def read_timestamps(values: Sequence[str]) -> pa.Array:
    """Return wall-clock times of exactly ``YYYY-MM-DD HH:MM:SS``.

    Examples
    --------
    >>> read_timestamps(["2014-10-09 13:41:46"])[0].as_py()
    datetime.datetime(2014, 10, 9, 13, 41, 46)
    >>> read_timestamps(["2014-02-30 00:00:00"])
    Traceback (most recent call last):
    pyarrow.lib.ArrowInvalid: Failed to parse string: '2014-02-30 00:00:00' as a scalar of type timestamp[us]
    """
    if not values:
        return pa.array([], pa.timestamp("us"))
    lines = "\n".join([*values, ""]).encode("ascii")
    if len(lines) != TIME_LETTERS * len(values) or lines.count(b"\n") != len(values):
        raise ValueError("a timestamp of another length than 19")
    table = np.frombuffer(lines, dtype=np.uint8).reshape(-1, TIME_LETTERS)
    # Arrow, strict in all else, reads a T between day and time too.
    if not (table[:, -1] == ord("\n")).all() or not (table[:, TIME_GAP] == ord(" ")).all():
        raise ValueError("a timestamp of another form")
    letters = pa.py_buffer(np.ascontiguousarray(table[:, :-1]))
    ends = pa.py_buffer(np.arange(len(values) + 1, dtype=np.int32) * (TIME_LETTERS - 1))
    times = pa.StringArray.from_buffers(len(values), ends, letters).cast(pa.timestamp("us"))
    if times.to_numpy().min() < _FIRST_YEAR:
        raise ValueError("a timestamp of the year 0, which Python does not have")
    return times


def read_addresses(values: Sequence[str | None]) -> pa.Array:
    """Return IPv4 and IPv6 addresses as they were sent; null stays null.

    Examples
    --------
    >>> read_addresses(["192.0.2.300"])
    Traceback (most recent call last):
    OSError: illegal IP address string passed to inet_pton
    """
    for value in set(values) - _GOOD_ADDRESSES:
        socket.inet_pton(socket.AF_INET6 if ":" in value else socket.AF_INET, value)  # type: ignore[operator,arg-type]
        _GOOD_ADDRESSES.add(value)
    if len(_GOOD_ADDRESSES) > MOST_ADDRESSES:
        _GOOD_ADDRESSES.clear()
        _GOOD_ADDRESSES.add(None)
    return pa.array(values, pa.large_string())


def read_texts(values: Sequence[Any]) -> pa.Array:
    """Return texts; a number that stands for a text becomes one."""
    return pa.array([str(value) if type(value) is int else value for value in values], pa.large_string())


def read_jsons(values: Sequence[Any]) -> pa.Array:
    """Return objects as compact JSON text."""
    texts = [None if value is None else msgspec.json.encode(value).decode() for value in values]
    return pa.array(texts, pa.large_string())


def read_booleans(values: Sequence[bool | None]) -> pa.Array:
    """Return truth values; null stays null."""
    return pa.array(values, pa.bool_())


READERS: dict[ColumnType, Callable[[Sequence[Any]], pa.Array]] = {
    "integer": read_integers,
    "timestamp": read_timestamps,
    "text": read_texts,
    "address": read_addresses,
    "boolean": read_booleans,
    "json": read_jsons,
}
"""The reader of each column type but categories, which share a `Vocabulary` over the pages."""

UNFIT = (ValueError, OverflowError, TypeError, OSError, pa.ArrowException, msgspec.DecodeError)
"""What a reader raises when a value does not fit."""

_EXPECTED: dict[ColumnType, str] = {
    "integer": "a whole number of 0 to 2^63-1",
    "timestamp": "an existing time as 'YYYY-MM-DD HH:MM:SS'",
    "text": "a text",
    "category": "a text",
    "address": "an IPv4 or IPv6 address",
    "boolean": "true or false",
    "json": "an object",
}


def why_unfit(column: Column, value: Any) -> str | None:
    """Return what is wrong with a value of a column, or None when it fits.

    Examples
    --------
    >>> from impressions_analytics.columns import columns_of
    >>> why_unfit(columns_of("impressions")[0], "1.0")
    "is '1.0', expected a whole number of 0 to 2^63-1"
    """
    if value is None and column.nullable:
        return None
    if _fits(column, value):
        return None
    shown = "null" if value is None else repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return f"is {shown}, expected {_EXPECTED[column.type]}{' or null' if column.nullable else ''}"


def _fits(column: Column, value: Any) -> bool:
    allowed: Any = WIRE_TYPES[column.type]
    try:
        msgspec.convert(value, allowed)
        if column.type not in CODES:
            READERS[column.type]([value])
    except (msgspec.ValidationError, *UNFIT):
        return False
    return True
