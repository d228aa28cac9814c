"""What a row is on the wire: the JSON keys that the columns of a kind are read from."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from impressions_analytics.columns import Column
from impressions_analytics.loader.values import WIRE_TYPES

PIECE_BYTES = 1_000_000


def row_type(columns: tuple[Column, ...], may_lack: frozenset[str]) -> type[msgspec.Struct]:
    """Return the struct of a row: every key that any column is read from, once.

    Examples
    --------
    >>> from impressions_analytics.columns import columns_of
    >>> row = row_type(columns_of("emailings")[3:6], frozenset())
    >>> [field.encode_name for field in msgspec.structs.fields(row)]
    ['subject', 'from_address']
    """
    required: list[Any] = []
    optional: list[Any] = []
    keys: dict[str, str] = {}
    for column in columns:
        for wire in column.wire_names:
            key, _, within = wire.partition(".")
            if key in keys.values():
                continue
            keys[field := f"key_{len(keys)}"] = key
            wanted: Any = dict[str, Any] | None if within else _wire_type(column)
            if not column.required or column.name in may_lack or len(column.wire_names) > 1:
                optional.append((field, wanted | msgspec.UnsetType, msgspec.UNSET))
            else:
                required.append((field, wanted))
    return msgspec.defstruct("Row", required + optional, rename=keys, gc=False)


def envelope_decoder(row: type[msgspec.Struct]) -> Any:
    """Return the decoder of a list of such rows; an error beside the rows is kept, to be seen."""
    required: list[Any] = [("start", int), ("limit", int), ("count", int), ("data", list[row])]  # type: ignore[valid-type]
    optional: list[Any] = [("total", int | None, None), ("error", Any, None)]
    return msgspec.json.Decoder(msgspec.defstruct("Envelope", required + optional, gc=False))


def check_letters(body: bytes) -> None:
    """Raise where bytes are no UTF-8: the quick decoder does not look into what it skips.

    Raises
    ------
    UnicodeDecodeError
        It names the place within a piece of the body.
    """
    if body.isascii():
        return
    letters = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(body), PIECE_BYTES):  # in pieces: a text of a large body is four times as large
        letters.decode(body[start : start + PIECE_BYTES])
    letters.decode(b"", final=True)


def inner(by_key: Mapping[str, Sequence[Any]], name: str) -> Sequence[Any]:
    """Return the values of a key of all rows, or those of a key within its object.

    Examples
    --------
    >>> inner({"from_address": [{"name": "Shop"}, None]}, "from_address.name")
    ['Shop', None]
    """
    outer, _, within = name.partition(".")
    values = by_key[outer]
    return [value.get(within) if isinstance(value, dict) else value for value in values] if within else values


def first_sent(options: Sequence[Sequence[Any]]) -> Sequence[Any]:
    """Return for every row the value of the first key that it has, or UNSET."""
    if len(options) == 1 or options[0].count(msgspec.UNSET) == 0:
        return options[0]
    return [
        next((value for value in row if value is not msgspec.UNSET), msgspec.UNSET)
        for row in zip(*options, strict=True)
    ]  # fmt: skip


def dig(row: dict[str, Any], name: str) -> Any:
    """Return the value of a key of one row as plain JSON, UNSET where the row has no such key."""
    outer, _, within = name.partition(".")
    value = row.get(outer, msgspec.UNSET)
    return value.get(within) if within and isinstance(value, dict) else value


def _wire_type(column: Column) -> Any:
    wanted = WIRE_TYPES[column.type]
    return wanted | None if column.nullable else wanted
