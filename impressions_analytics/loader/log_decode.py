"""The bytes of a log file -> typed columns, some megabytes at a time. Pure: no network, no clock."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any

import msgspec
import pandas as pd
import pyarrow as pa

from impressions_analytics.api.outcomes import UNREADABLE, message_in
from impressions_analytics.columns import Column, Family
from impressions_analytics.errors import MalformedResponseError, RequestRefusedError
from impressions_analytics.loader.decode import NotJsonError
from impressions_analytics.loader.log_columns import LOG_COLUMNS, LogKind, log_columns_of, log_schema
from impressions_analytics.loader.values import READERS, UNFIT, why_unfit

PART_BYTES = 4_000_000  # so much of a file is in memory at a time, and some times more as objects
LONGEST_RECORD_BYTES = 64_000_000  # a complaint may quote a whole mail
MOST_GUESSES = 200
_END = re.compile(rb"\}\s*,\s*(?=\{)")
_RECORDS = msgspec.json.Decoder(list[dict[str, Any]])
_USER_AGENT = re.compile(r"^user-agent[ \t]*:[ \t]*(.*?)[ \t]*\r?$", re.I | re.M)
_DOMAIN = re.compile(r"@([^\s@<>]+)>?\s*$")
_AT = re.compile(r"(@|%40)")
_BEFORE_ADDRESS = " \t\r\n<>\"'(),:;="


def records_in(file: IO[bytes], name: str) -> Iterator[list[dict[str, Any]]]:
    """Give the records of a JSON array of objects, some megabytes at a time.

    Raises
    ------
    NotJsonError
        The bytes are no whole JSON array; asking again may help.
    RequestRefusedError
        They are an error message of the API.

    Examples
    --------
    >>> import io
    >>> list(records_in(io.BytesIO(b'[{"id":"a"},{"id":"b"}]'), "cdm-click.2016-11-04.log"))
    [[{'id': 'a'}, {'id': 'b'}]]
    """
    _check_ends(file, name)
    file.seek(0)
    kept = file.read(PART_BYTES).lstrip().removeprefix(b"[")
    while more := file.read(PART_BYTES):
        cut = _whole_records(kept)
        if cut is not None:
            records, kept = cut
            yield records
        kept += more
        if len(kept) > LONGEST_RECORD_BYTES:
            raise MalformedResponseError(
                f"{name}: no record ends within {LONGEST_RECORD_BYTES // 1_000_000} MB; this is no log file"
            )
    yield _last_records(kept, name)


def _last_records(kept: bytes, name: str) -> list[dict[str, Any]]:
    try:
        return _RECORDS.decode(b"[" + kept)
    except msgspec.ValidationError as problem:
        raise MalformedResponseError(f"{name}: the file is not a list of records ({problem})") from None
    except UNREADABLE as problem:
        raise NotJsonError(f"{name}: the file is not a list of records ({problem}); ask again later") from None


def _check_ends(file: IO[bytes], name: str) -> None:
    """Refuse a file that does not begin and end as a JSON array does, before a record of it is given."""
    file.seek(0)
    head = file.read(2_000)
    size = file.seek(0, 2)
    file.seek(max(0, size - 100))
    if head.lstrip()[:1] == b"{":
        file.seek(0)
        raise RequestRefusedError(f"{name}: the API answered with an error: {message_in(file.read(PART_BYTES))}")
    if head.lstrip()[:1] != b"[" or file.read().rstrip()[-1:] != b"]":
        raise NotJsonError(f"{name}: the file is not whole JSON ({size} bytes); ask again later")


def _whole_records(kept: bytes) -> tuple[list[dict[str, Any]], bytes] | None:
    """Return the whole records at the beginning, and the rest; None where none is whole.

    Records end where ``},{`` stands, but so may a text within one. Cut in a text, the beginning is no JSON: then the
    place before is tried.
    """
    ends = [match.span() for match in _END.finditer(kept)]
    for begin, end in ends[: -MOST_GUESSES - 1 : -1]:
        try:
            return _RECORDS.decode(b"[" + kept[: begin + 1] + b"]"), kept[end:]
        except UNREADABLE:
            continue
    return None


class LogDecoder:
    """Turns records of log files of one kind into typed columns.

    Parameters
    ----------
    kind, family : str
        What the records are.
    addresses : bool
        Whether to keep the recipients' addresses, and complaints, which quote them.

    Examples
    --------
    >>> decoder = LogDecoder("deliveries")
    >>> record = {"id": "b4", "time": "2016-11-04 11:01:00", "attempts": 0, "email": "a@Gmail.com", "tags": "x;y"}
    >>> rows = decoder.decode([record], "a file")
    >>> rows.to_pylist()[0]["email_domain"], rows.to_pylist()[0]["tags"], rows.to_pylist()[0]["profile"]
    ('gmail.com', ['x', 'y'], None)
    """

    def __init__(self, kind: LogKind, family: Family = "ms", *, addresses: bool = False) -> None:
        self.columns = log_columns_of(kind, family, addresses=addresses)
        self.schema = log_schema(kind, family, addresses=addresses)
        self._kind = kind
        self._addresses = addresses
        self._warned = False

    def decode(self, records: list[dict[str, Any]], name: str, *, first: int = 0) -> pa.Table:
        """Return the typed columns of some records of a file.

        Raises
        ------
        MalformedResponseError
            A value does not fit its column; the message names the file, the record, the column and the value.
        """
        if records and not self._warned:
            self._warned = True
            _warn_of_unknown_keys(self._kind, records[0], name)
        arrays = [self._array(column, records, name, first) for column in self.columns]
        return pa.table(
            [array.cast(field.type) for array, field in zip(arrays, self.schema, strict=True)], schema=self.schema
        )

    def _array(self, column: Column, records: list[dict[str, Any]], name: str, first: int) -> pa.Array:
        values = [_found(record, column.wire_names) for record in records]
        read = _READ.get(column.name)
        try:
            if read is not None and not (column.name == "description" and self._addresses):
                values = [None if value is None else read(value) for value in values]
            if column.name == "tags":
                return pa.array(values, pa.list_(pa.string()))
            if column.type == "integer":
                values = [None if value in _NO_NUMBER and column.name in _IDENTIFIERS else value for value in values]
            fitted = READERS["text" if column.type == "category" else column.type](values)
            if not column.nullable and fitted.null_count:
                raise ValueError("a null")
            return fitted
        except UNFIT:
            raise self._explain(column, values, name, first) from None

    @staticmethod
    def _explain(column: Column, values: list[Any], name: str, first: int) -> MalformedResponseError:
        for number, value in enumerate(values, first):
            if problem := why_unfit(column, value):
                shown = "does not fit" if column.name in _PERSONAL else problem
                return MalformedResponseError(
                    f"{name}, record {number}: {column.wire_names[0]!r} {shown}; no row of this file was kept"
                )
        return MalformedResponseError(f"{name}: {column.wire_names[0]!r} cannot be read; no row of this file was kept")


_IDENTIFIERS = {"profile", "subprofile", "template", "document", "group", "mailing", "database", "collection"}
_NO_NUMBER = (0, "0", "", None)
"""How a log file says that there is no such thing: its example has ``"collectionid":0``."""
_PERSONAL = {"email_domain", "email", "report", "description", "content", "useragent"}
"""Columns of which a message shows no value."""


def _found(record: dict[str, Any], keys: Iterable[str]) -> Any:
    for key in keys:
        if key in record:
            return record[key]
    return None


def _warn_of_unknown_keys(kind: LogKind, record: dict[str, Any], name: str) -> None:
    known = {key for column in LOG_COLUMNS[kind] for key in column.wire_names}
    for key in sorted(set(record) - known):
        warnings.warn(
            f"{name}: the records have a key {key[:60]!r} that this package does not know; it is left out", stacklevel=4
        )


def user_agent_in(header: str) -> str | None:
    r"""Return the user agent in the header of a request; None where the header holds none.

    Examples
    --------
    >>> user_agent_in("Host: example.com\r\nUser-Agent: Mozilla/5.0\r\n"), user_agent_in("Host: example.com")
    ('Mozilla/5.0', None)
    """
    match = _USER_AGENT.search(header)
    return match[1] if match else None


def _user_agent(header: Any) -> str | None:
    """Read a header that came as text, as an object or as a list of lines: how it comes is not documented."""
    if isinstance(header, dict):
        agent = next((value for key, value in header.items() if key.lower() == "user-agent"), None)
        return None if agent is None else str(agent)
    return user_agent_in("\n".join(map(str, header)) if isinstance(header, list) else str(header))


def domain_of(email: str) -> str | None:
    """Return the domain of an address in small letters; None where there is no address.

    Examples
    --------
    >>> domain_of("Jan <jan@Ziggo.NL>"), domain_of("")
    ('ziggo.nl', None)
    """
    match = _DOMAIN.search(str(email))
    return match[1].lower().rstrip(".") if match else None


def without_addresses(text: Any) -> str:
    """Return a text with three dots in the place of what stands before the @ of an address.

    Examples
    --------
    >>> without_addresses("550 <jan@ziggo.nl>: user unknown")
    '550 <...@ziggo.nl>: user unknown'
    """
    *parts, last = _AT.split(str(text))
    kept = [part[: 1 + max(map(part.rfind, _BEFORE_ADDRESS))] + "..." for part in parts[::2]]
    return "".join([*(text for pair in zip(kept, parts[1::2], strict=True) for text in pair), last])


def _tags(value: Any) -> list[str]:
    parts = value if isinstance(value, list) else str(value).split(";")
    return [text for part in parts if (text := str(part).strip())]


_READ: dict[str, Callable[[Any], Any]] = {
    "useragent": _user_agent,
    "email_domain": domain_of,
    "tags": _tags,
    "description": without_addresses,
    "content": without_addresses,
    "ip": lambda value: value or None,
    "country": lambda value: value or None,
    "country_name": lambda value: value or None,
    "region": lambda value: value or None,
    "city": lambda value: value or None,
}
"""What becomes of a value before it is typed, by column; a null stays null."""


def log_frame(decoder: LogDecoder, parts: Iterable[pa.Table]) -> pd.DataFrame:
    """Join typed columns into the frame, in the order of time; rows of one second stay in the order of the file."""
    table = pa.concat_tables([decoder.schema.empty_table(), *parts]).combine_chunks()
    frame = pd.DataFrame({column.name: _series(column, table[column.name]) for column in decoder.columns})
    if not frame["timestamp"].is_monotonic_increasing:
        frame = frame.sort_values("timestamp", kind="stable", ignore_index=True)
    return frame


def _series(column: Column, values: pa.ChunkedArray) -> Any:
    if column.name == "tags":
        return pd.Series(values.to_pylist(), dtype="object")
    if column.type == "category":
        words = values.dictionary_encode().combine_chunks()
        told = words.dictionary.to_pylist()
        found = pd.Categorical.from_codes(
            words.indices.fill_null(-1).to_numpy(), categories=pd.Index(told, dtype="str")
        )
        return found.set_categories(pd.Index(sorted(told), dtype="str"))
    if column.type == "timestamp":
        return values.to_numpy()
    dtype: Any = pd.api.types.pandas_dtype(column.pandas_type)
    return dtype.__from_arrow__(values)
