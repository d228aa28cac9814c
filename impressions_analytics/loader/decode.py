"""Page bytes -> typed columns -> frame. Pure: no network, no disk, no clock.

A `Decoder` turns the bytes of one list answer into a `Page` of typed Arrow columns, strictly: what does not fit
its column is a `MalformedResponseError` that names the column, the value, the page and the row. `build_frame` joins
pages into the typed frame; no pages make an empty typed frame.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa

from impressions_analytics.api.outcomes import UNREADABLE
from impressions_analytics.columns import Column, Family, Kind, columns_of, time_column
from impressions_analytics.errors import MalformedResponseError, RequestRefusedError
from impressions_analytics.loader.rows import check_letters, dig, envelope_decoder, first_sent, inner, row_type
from impressions_analytics.loader.values import CODES, READERS, UNFIT, Vocabulary, why_unfit


class NotJsonError(MalformedResponseError):
    """The bytes are not JSON at all: a body that was cut, or a page for people. Asking again may help."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: the envelope's figures, and the rows as typed columns.

    Attributes
    ----------
    start, limit, count : int
        As the API said them.
    total : int or None
        How many rows the whole list has; None where it was not asked or not said.
    rows : pyarrow.RecordBatch
        The typed columns; a category is the numbers of its words in the decoder's vocabulary.
    absent : frozenset of str
        Columns of which no row carried the key.
    """

    start: int
    limit: int
    count: int
    total: int | None
    rows: pa.RecordBatch
    absent: frozenset[str]


class Decoder:
    """Turns the pages of one list into typed columns.

    Parameters
    ----------
    kind, family : str
        What the rows are.
    may_lack : frozenset of str
        Columns that the endpoint's rows may not carry, though rows of the kind do elsewhere.

    Examples
    --------
    >>> page = Decoder("deliveries").decode(
    ...     b'{"start":0,"limit":100,"count":1,"total":1,"data":[{"ID":"7","mailing":"1","attempts":1,'
    ...     b'"timestamp":"2026-01-31 23:59:59","destination":"5","profile":13453,"subprofile":null}]}'
    ... )
    >>> page.rows["profile"].to_pylist()
    [13453]
    """

    def __init__(self, kind: Kind, family: Family = "ms", *, may_lack: frozenset[str] = frozenset()) -> None:
        self.kind: Kind = kind
        self.family: Family = family
        self.columns = columns_of(kind, family)
        self.vocabularies = {column.name: Vocabulary() for column in self.columns if column.type in CODES}
        self._optional = may_lack
        row = row_type(self.columns, may_lack)
        self._keys = [field.encode_name for field in msgspec.structs.fields(row)]
        self._certain = frozenset(field.encode_name for field in msgspec.structs.fields(row) if field.required)
        self._envelopes = envelope_decoder(row)
        self._seen_first_page = False

    def decode(self, body: bytes, *, page: int = 0) -> Page:
        """Return the page that the bytes hold.

        Raises
        ------
        MalformedResponseError
            When the bytes are no list, or a value does not fit its column.
        RequestRefusedError
            When the bytes are an error message of the API.
        """
        try:
            check_letters(body)
            envelope = self._envelopes.decode(body)
            if envelope.error:
                raise ValueError("an error among rows")
            if not self._seen_first_page and envelope.data:
                self._warn_of_unknown_columns(body)
            rows, absent = self._rows(envelope.data)
        except (*UNREADABLE, *UNFIT) as problem:
            reason = str(problem)
        else:
            return Page(envelope.start, envelope.limit, envelope.count, envelope.total, rows, absent)
        raise self._explain(body, page, reason)

    def empty(self) -> pa.RecordBatch:
        """Return the typed columns of no rows."""
        return self._rows([])[0]

    def _rows(self, rows: list[Any]) -> tuple[pa.RecordBatch, frozenset[str]]:
        flat = list(chain.from_iterable(map(msgspec.structs.astuple, rows)))
        by_key = {key: flat[place :: len(self._keys)] for place, key in enumerate(self._keys)}
        arrays, absent = [], set()
        for column in self.columns:
            values = self._values(by_key, column) if rows else ()
            read = self.vocabularies[column.name].codes if column.type in CODES else READERS[column.type]
            if values is None:
                absent.add(column.name)
                arrays.append(pa.repeat(read([None])[0], len(rows)))
            else:
                arrays.append(read(values))
        return pa.record_batch(arrays, names=[column.name for column in self.columns]), frozenset(absent)

    def _values(self, by_key: dict[str, list[Any]], column: Column) -> Sequence[Any] | None:
        """Return a column's values of all rows, from whichever of its keys a row has; None when no row has one."""
        if column.wire_names[0] in self._certain:
            return by_key[column.wire_names[0]]
        values = first_sent([inner(by_key, name) for name in column.wire_names])
        missing = values.count(msgspec.UNSET)
        if missing == 0:
            return values
        if self._must_have(column):
            raise ValueError("a missing column")
        if missing == len(values):
            return None
        return [None if value is msgspec.UNSET else value for value in values]

    def _must_have(self, column: Column) -> bool:
        return column.required and column.name not in self._optional

    def _warn_of_unknown_columns(self, body: bytes) -> None:
        self._seen_first_page = True
        first = msgspec.json.decode(body)["data"][0]
        known = {name.split(".")[0] for column in columns_of(self.kind, "publisher") for name in column.wire_names}
        known |= {name.split(".")[0] for column in columns_of(self.kind, "ms") for name in column.wire_names}
        for name in sorted(set(first) - known - _ALSO_SENT.get(self.kind, set())):
            warnings.warn(
                f"the API sent a column {name[:60]!r} of {self.kind} that this package does not know; it is left out",
                stacklevel=4,
            )

    def _explain(self, body: bytes, page: int, reason: str) -> Exception:
        """Find what is wrong by the slow way, row by row, for a message that names it."""
        where = f"{self.kind}, page {page}"
        try:
            answer = msgspec.json.decode(body)
        except UNREADABLE as problem:
            size = f"{len(body)} bytes: {str(problem)[:200]}"
            return NotJsonError(f"{where}: the answer is not whole JSON ({size}); ask again later")
        refused = refusal(answer)
        if refused is not None:
            return RequestRefusedError(f"{where}: the API answered with an error: {refused}")
        if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
            return MalformedResponseError(f"{where}: the answer is no list (an object with start, limit, count, data)")
        for number, row in enumerate(answer["data"]):
            unfit = self._why_unfit(row)
            if unfit:
                return MalformedResponseError(f"{where}, row {number}: {unfit}; no row of this load was kept")
        return MalformedResponseError(f"{where}: {reason[:200]}; no row of this load was kept")

    def _why_unfit(self, row: Any) -> str | None:
        if not isinstance(row, dict):
            return f"a row is an object, got {str(row)[:40]!r}"
        for column in self.columns:
            found = [name for name in column.wire_names if dig(row, name) is not msgspec.UNSET]
            if not found and self._must_have(column):
                return f"column {column.wire_names[0]!r} is missing"
            problem = why_unfit(column, dig(row, found[0])) if found else None
            if problem:
                return f"column {column.name!r} {problem}"
        return None


# Keys of lists other than events that the package has no use for, and need no warning.
_ALSO_SENT: dict[Kind, set[str]] = {
    "emailings": {
        "contenttype",
        "finished",
        "testgroups",
        "clicks",
        "impressions",
        "errors",
        "unsubscribes",
        "abuses",
    },
    "destinations": {"ID", "id", "internal", "finished", "timestampsent", "unsubscribed", "mailing-group"},
}


def refusal(answer: Any) -> str | None:
    """Return the message of an error answer of the API, shortened, or None for any other answer.

    Examples
    --------
    >>> refusal({"error": {"message": "Invalid access token"}})
    'Invalid access token'
    """
    error = answer.get("error") if isinstance(answer, dict) else None
    if not error:
        return None
    message = error.get("message", error) if isinstance(error, dict) else error
    return " ".join(str(message).split())[:300]


_GONE = re.compile(
    r"unknown|no entity|not (?:be )?found|no such|does ?n[o']t exist|invalid (?:id|emailing|mailing)|deleted", re.I
)


def is_gone(refused: BaseException) -> bool:
    """Whether the API refused an ID as one that it does not know: any other refusal must not pass for that.

    Examples
    --------
    >>> is_gone(ValueError("ms/emailing/7/destinations: No entity with supplied ID"))
    True
    """
    return bool(_GONE.search(str(refused)))


def build_frame(decoder: Decoder, pages: Iterable[pa.Table]) -> pd.DataFrame:
    """Join typed columns into the typed frame, ordered by time and then by ID.

    Parameters
    ----------
    decoder : Decoder
        The decoder that made the pages: it knows the columns and the words behind the codes.
    pages : iterable of pyarrow.Table
        The rows of pages, or rows picked from them.

    Returns
    -------
    pandas.DataFrame
        One row per row given, the columns of the kind in their order and types.

    Examples
    --------
    >>> build_frame(Decoder("impressions"), []).dtypes["timestamp"]
    dtype('<M8[us]')
    """
    table = in_time_order(pa.concat_tables([pa.Table.from_batches([decoder.empty()]), *pages]), decoder.kind)
    series = {column.name: _series(column, table[column.name], decoder) for column in decoder.columns}
    return pd.DataFrame(series, copy=False)


def in_time_order(table: pa.Table, kind: Kind) -> pa.Table:
    """Return the rows ordered by time and then by ID; a table that has the order already is not copied."""
    times, identifiers = table[time_column(kind)].to_numpy(), table["ID"].to_numpy()
    later = times[1:] > times[:-1]
    if bool(np.all(later | ((times[1:] == times[:-1]) & (identifiers[1:] > identifiers[:-1])))):
        return table
    return table.take(np.lexsort((identifiers, times)))


def _series(column: Column, values: pa.ChunkedArray, decoder: Decoder) -> Any:
    """Return a column of the frame, without a copy where pandas can take the array as it is."""
    if column.type in CODES:
        return decoder.vocabularies[column.name].categorical(values)
    if column.type in {"integer", "timestamp"} and not column.nullable:
        return values.to_numpy()
    dtype: Any = pd.api.types.pandas_dtype(column.pandas_type)
    return dtype.__from_arrow__(values)
