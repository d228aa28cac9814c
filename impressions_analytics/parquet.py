"""How a typed frame becomes bytes in Parquet, and how it comes back: one layout for snapshots and archives.

The layout is what measured best on rows of impressions: zstd level 1; DELTA_BINARY_PACKED for the numbers that rise
(ID, destination, the timestamps); dictionaries for everything else, with room for 8 MB of distinct values.
Timestamps are naive microseconds and texts are plain strings, so that every engine reads them.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impressions_analytics import __version__
from impressions_analytics.columns import KINDS, Family, Kind, arrow_schema
from impressions_analytics.errors import ArchiveError, DamagedFileError, InvalidArgumentError
from impressions_analytics.tables import drop_unused_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pyarrow as pa
    import pyarrow.parquet as pq

SCHEMA_VERSION = 1
"""Raised when a file of this version could no longer be read by the code of the version before."""

METADATA_KEY = b"impressions_analytics"
"""The key in a Parquet file's metadata under which its provenance stands, as JSON."""

DICTIONARY_BYTES = 8 << 20
"""Room for distinct values; with the usual 1 MB the user agents of a large account fall back to plain text."""

ROWS_PER_GROUP = 1 << 20
"""Large enough that a dictionary pays: half of it measured 13% more bytes; one group in memory is some 100 MB."""

CATEGORIES = sorted({column.name for columns in KINDS.values() for column in columns if column.type == "category"})

LEFTOVERS = ".*.tmp"
"""The names of files that were being written, and stay when the writer is killed; every engine passes over them."""

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


def writer_options(schema: pa.Schema) -> dict[str, Any]:
    """Return the keyword arguments of ``pyarrow.parquet.ParquetWriter`` that make the layout."""
    rising = [name for name in schema.names if name in RISING_COLUMNS]
    return {
        "compression": "zstd",
        "compression_level": 1,
        "use_dictionary": [name for name in schema.names if name not in rising],
        "column_encoding": dict.fromkeys(rising, "DELTA_BINARY_PACKED"),
        "dictionary_pagesize_limit": DICTIONARY_BYTES,
        "data_page_size": DICTIONARY_BYTES,
        "version": "2.6",
        "coerce_timestamps": "us",
        "store_schema": False,
    }


def write_tables(tables: Iterable[pa.Table], where: Any, provenance: Callable[[], Provenance] | None = None) -> int:
    """Write tables of one kind one after the other into one Parquet file and return the number of rows.

    Parameters
    ----------
    tables : iterable of pyarrow.Table
        At least one, from `to_table` or `open_parquet`; each becomes row groups of its own.
    where : path or binary file
        Where to; nothing is made safe here.
    provenance : callable, optional
        Gives what the file says of itself, asked for after the last table, when its rows have been counted. Without it
        the file is for other programs only.
    """
    import pyarrow.parquet as pq

    rows, writer = 0, None
    try:
        for table in tables:
            if writer is None:
                writer = pq.ParquetWriter(where, table.schema, **writer_options(table.schema))
            writer.write_table(drop_unused_words(table), row_group_size=ROWS_PER_GROUP)
            rows += table.num_rows
        if writer is not None and provenance is not None:
            writer.add_key_value_metadata(provenance().to_metadata())
    finally:
        if writer is not None:
            writer.close()
    return rows


def open_parquet(source: Any, name: str) -> tuple[pq.ParquetFile, Provenance]:
    """Open a Parquet file of this package, categories as dictionaries, and check that it is what it says it is.

    Parameters
    ----------
    source : path or binary file
        What pyarrow can open.
    name : str
        What to call it in messages.

    Raises
    ------
    DamagedFileError
        It cannot be read as Parquet, or its columns are not those of its kind.
    ArchiveError
        It is not there, may not be read, was written by something else or by a newer version.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(source)
        names = metadata.schema.to_arrow_schema().names
        dictionaries = [name for name in CATEGORIES if name in names]
        file = pq.ParquetFile(source, metadata=metadata, read_dictionary=dictionaries)
    except pa.ArrowInvalid as error:
        raise DamagedFileError(f"{name} cannot be read as Parquet: {error}. {_RESTORE}") from error
    except FileNotFoundError as error:
        raise ArchiveError(f"there is no file {name}") from error
    except OSError as error:
        raise ArchiveError(f"{name} cannot be read: {error.strerror or error}") from error
    provenance = read_provenance(file.metadata.metadata or {}, name)
    _check_schema(file.schema_arrow, provenance, name)
    return file, provenance


_RESTORE = "Nothing was changed; restore it from a copy, or move it away and load its period again"


def read_provenance(metadata: dict[bytes, bytes], name: str) -> Provenance:
    """Return what a file says of itself.

    Raises
    ------
    ArchiveError
        It was written by something else, or by a newer version of this package.
    """
    if METADATA_KEY not in metadata:
        raise ArchiveError(
            f"{name} is Parquet, but impressions_analytics did not write it; read it with pandas.read_parquet, "
            "or move it out of the archive"
        )
    found = json.loads(metadata[METADATA_KEY])
    if found["schema_version"] > SCHEMA_VERSION:
        raise ArchiveError(
            f"{name} has schema version {found['schema_version']} (written by {found['written_by']}), and this "
            f"version reads up to {SCHEMA_VERSION}; upgrade with: pip install --upgrade impressions_analytics"
        )
    return Provenance(**{key: found[key] for key in Provenance.__slots__ if key in found})


def _check_schema(schema: pa.Schema, provenance: Provenance, name: str) -> None:
    import pyarrow as pa

    wanted = arrow_schema(provenance.kind, provenance.family)
    for field_wanted in wanted:
        index = schema.get_field_index(field_wanted.name)
        found = schema.field(index).type if index >= 0 else None
        if isinstance(found, pa.DictionaryType):
            found = found.value_type
        if found != field_wanted.type:
            raise DamagedFileError(
                f"{name} says it holds {provenance.kind}, but its column {field_wanted.name!r} is "
                f"{found or 'absent'}, expected {field_wanted.type}. {_RESTORE}"
            )


def read_rows(file: pq.ParquetFile, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Read the rows of an opened file; a page that does not decode is a `DamagedFileError` that names the file."""
    import pyarrow as pa

    try:
        return file.read(columns=list(columns) if columns is not None else None)
    except (OSError, pa.ArrowException) as error:
        raise DamagedFileError(f"{name} is damaged: {' '.join(str(error).split())}. {_RESTORE}") from error


def replace_file(path: Path, write: Callable[[Path], None]) -> Path:
    """Put a file in place whole or not at all: written beside, forced to the disk, moved, the folder forced too.

    Parameters
    ----------
    path : pathlib.Path
        The place; what is there stays until the new file is safe.
    write : callable
        Writes the file to the path it is given, and raises if what it wrote is not right.

    Raises
    ------
    ArchiveError
        The operating system refused: no room, no permission, no folder.
    """
    temporary = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        temporary = Path(name)
        os.fchmod(handle, 0o666 & ~_umask())
        os.close(handle)
        write(temporary)
        _force_to_disk(temporary)
        temporary.replace(path)
        _force_to_disk(path.parent)
    except OSError as error:
        raise ArchiveError(
            f"{path} could not be written: {error.strerror or error}; what was there is unchanged"
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _force_to_disk(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows cannot open a folder
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
