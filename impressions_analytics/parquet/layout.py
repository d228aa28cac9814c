"""How a typed frame becomes bytes in Parquet, and how it comes back: one layout for snapshots and archives.

The layout is what measured best on rows of impressions: zstd level 3; DELTA_BINARY_PACKED for the numbers that rise
(ID, destination, the timestamps) and for those that are dense; dictionaries for everything else, with room for 8 MB of
distinct values.
Timestamps are naive microseconds and texts are plain strings, so that every engine reads them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from impressions_analytics import __version__
from impressions_analytics.columns import Family, Kind
from impressions_analytics.errors import InvalidArgumentError
from impressions_analytics.parquet.seal import NO_SEAL, SEAL_KEY, seal_file
from impressions_analytics.parquet.tables import drop_unused_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    import pyarrow as pa

SCHEMA_VERSION = 1
"""Raised when a file of this version could no longer be read by the code of the version before."""

METADATA_KEY = b"impressions_analytics"
"""The key in a Parquet file's metadata under which its provenance stands, as JSON."""

EXPORT_KEY = b"impressions_analytics.export"
"""The key in an export's metadata under which stands who wrote it: it has no provenance, and is no snapshot."""

SOURCE_KEY = b"impressions_analytics.source"
"""The key in an export's metadata under which stands what its rows came from."""

DICTIONARY_BYTES = 8 << 20
"""Room for distinct values; with the usual 1 MB the user agents of a large account fall back to plain text."""

ROWS_PER_GROUP = 1 << 20
"""Large enough that a dictionary pays: half of it measured 13% more bytes; one group in memory is some 100 MB."""

RISING_COLUMNS = ("ID", "destination", "timestamp", "timestampsent")
"""Numbers that rise with time: their differences are small, and distinct values are many."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a Parquet file says of itself: what it holds, who wrote it, and what was loaded.

    Attributes
    ----------
    kind, family : str
        What its rows are.
    load : dict, optional
        The certificate of the load, as in ``frame.attrs["load"]``.
    zone : str, optional
        The zone of the wall clock in the timestamps.
    periods : list of dict
        What an archive's file covers; empty for a snapshot.
    """

    kind: Kind
    family: Family
    load: dict[str, Any] | None = None
    zone: str | None = None
    periods: list[dict[str, Any]] = field(default_factory=list)
    written_by: str = f"impressions_analytics {__version__}"
    schema_version: int = SCHEMA_VERSION

    def to_metadata(self) -> dict[str, str]:
        """Return it as the metadata of a Parquet file."""
        try:
            text = json.dumps(asdict(self), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InvalidArgumentError(
                f"attrs['load'] holds a value that JSON cannot hold ({error}); keep only texts, numbers and lists there"
            ) from error
        return {METADATA_KEY.decode(): text}


def writer_options(table: pa.Table, rising: Sequence[str] = RISING_COLUMNS) -> dict[str, Any]:
    """Return the keyword arguments of ``pyarrow.parquet.ParquetWriter`` that make the layout for rows like these."""
    import pyarrow as pa

    rising = [name for name in table.column_names if name in rising or _deltas_pay(table[name])]
    return {
        "compression": "zstd",
        "compression_level": 3,
        "use_dictionary": [name for name in table.column_names if name not in rising],
        "column_encoding": dict.fromkeys(rising, "DELTA_BINARY_PACKED"),
        "dictionary_pagesize_limit": DICTIONARY_BYTES,
        "data_page_size": DICTIONARY_BYTES,
        "version": "2.6",
        "coerce_timestamps": "us",
        "store_schema": False,
        "write_page_checksum": True,
        "write_statistics": [field.name for field in table.schema if pa.types.is_primitive(field.type)],
    }


def _deltas_pay(values: pa.ChunkedArray) -> bool:
    """Say whether numbers take fewer bits as differences than as places in a dictionary of distinct values."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_integer(values.type) or values.null_count == len(values):
        return False
    ends = pc.min_max(values).as_py()
    distinct, rows = pc.count_distinct(values).as_py(), len(values) - values.null_count
    difference_bits = (ends["max"] - ends["min"]).bit_length() + 1
    return bool(difference_bits * rows < distinct.bit_length() * rows + 32 * distinct)


def write_tables(
    tables: Iterable[pa.Table],
    where: Path,
    provenance: Callable[[], Provenance] | None = None,
    *,
    source: str = "",
    rising: Sequence[str] = RISING_COLUMNS,
) -> int:
    """Write tables of one kind one after the other into one Parquet file and return the number of rows.

    Parameters
    ----------
    tables : iterable of pyarrow.Table
        At least one, from `to_table` or a `RowsFile`; each becomes row groups of its own.
    where : pathlib.Path
        Where to; nothing is made safe here.
    provenance : callable, optional
        Gives what the file says of itself, asked for after the last table, when its rows have been counted. Without it
        the file is an export, for other programs only, and says so, with what its columns mean; with it the file is
        sealed.
    source : str
        What the rows of an export came from.
    rising : sequence of str
        The columns whose numbers rise with time.
    """
    import pyarrow.parquet as pq

    rows, writer = 0, None
    try:
        for table in tables:
            if writer is None:
                options = {**writer_options(table, rising), "store_schema": provenance is None}
                writer = pq.ParquetWriter(where, table.schema, **options)
            writer.write_table(drop_unused_words(table), row_group_size=ROWS_PER_GROUP)
            rows += table.num_rows
        if writer is not None:
            exported = {EXPORT_KEY.decode(): f"impressions_analytics {__version__}", SOURCE_KEY.decode(): source}
            said = exported if provenance is None else {**provenance().to_metadata(), SEAL_KEY: NO_SEAL}
            writer.add_key_value_metadata(said)
    finally:
        if writer is not None:
            writer.close()
    if provenance is not None:
        seal_file(where)
    return rows
