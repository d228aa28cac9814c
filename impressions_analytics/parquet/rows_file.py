"""Read a Parquet file of this package: checked to be what it says it is, whichever version wrote it."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impressions_analytics.columns import KINDS, arrow_schema
from impressions_analytics.errors import ArchiveError, DamagedFileError
from impressions_analytics.parquet.layout import EXPORT_KEY, METADATA_KEY, SCHEMA_VERSION, Provenance
from impressions_analytics.parquet.seal import check_footer, read_footer

if TYPE_CHECKING:
    import pyarrow as pa

CATEGORIES = sorted({column.name for columns in KINDS.values() for column in columns if column.type == "category"})
RESTORE = "Nothing was changed; restore it from a copy, or move it away and load its period again"

UNREADABLE = (ValueError, LookupError, TypeError, AttributeError)
"""What a footer raises besides where its text is no JSON, or not what was written there."""


class RowsFile:
    """An open Parquet file of this package.

    Its rows come as Arrow tables with the columns of its kind, categories as dictionaries. A nullable column that an
    older version did not write is null.

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

    def __init__(self, source: Any, name: str) -> None:
        import pyarrow.parquet as pq

        self.name = name
        self.metadata = self._said(lambda: read_sealed_metadata(source, name))
        self.provenance: Provenance = self._said(lambda: read_provenance(self.metadata.metadata or {}, name))
        self.schema = self._said(lambda: arrow_schema(self.provenance.kind, self.provenance.family))
        self._here = self._said(self.metadata.schema.to_arrow_schema)
        self._check_schema()
        dictionaries = [column for column in CATEGORIES if column in self._here.names]
        self._file = self._said(
            lambda: pq.ParquetFile(
                source, metadata=self.metadata, read_dictionary=dictionaries, page_checksum_verification=True
            )
        )

    @property
    def num_rows(self) -> int:
        """How many rows it holds."""
        return int(self.metadata.num_rows)

    def __enter__(self) -> RowsFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def rows(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return all rows, or some columns of them in the order given."""
        table = self._said(lambda: self._file.read(columns=self._present(columns)))
        return self._conformed(table, columns)

    def batches(self, size: int, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield the rows in their order, so many at a time."""
        import pyarrow as pa

        batches = self._file.iter_batches(batch_size=size, columns=self._present(columns))
        while (batch := self._said(lambda: next(batches, None))) is not None:
            yield self._conformed(pa.Table.from_batches([batch]), columns)

    def damaged_parts(self) -> list[str]:
        """Return the columns and row groups whose pages cannot be read or are not what was written."""
        found = []
        for group in range(self.metadata.num_row_groups):
            for column in self._here.names:
                try:
                    self._said(functools.partial(self._file.read_row_group, group, columns=[column]))
                except DamagedFileError:
                    found.append(f"column {column!r} of row group {group}")
        return found

    def extremes(self, column: str) -> tuple[Any, Any]:
        """Return the least and the greatest value of a column, from the footer; it has no nulls, and there are rows."""
        index = self._here.get_field_index(column)
        groups = [self.metadata.row_group(group).column(index) for group in range(self.metadata.num_row_groups)]
        statistics = [group.statistics for group in groups if group.num_values]
        return min(one.min for one in statistics), max(one.max for one in statistics)

    def _present(self, columns: Sequence[str] | None) -> list[str]:
        return [name for name in columns or self.schema.names if name in self._here.names]

    def _conformed(self, table: pa.Table, columns: Sequence[str] | None) -> pa.Table:
        import pyarrow as pa

        wanted = list(columns or self.schema.names)
        for name in wanted:
            if name not in table.column_names:
                field = self.schema.field(name)
                nulls = pa.nulls(table.num_rows, field.type)
                if name in CATEGORIES:
                    nulls = nulls.dictionary_encode()
                table = table.append_column(pa.field(name, nulls.type), nulls)
        return table.select(wanted)

    def _check_schema(self) -> None:
        older = self.provenance.schema_version < SCHEMA_VERSION
        for field in self.schema:
            index = self._here.get_field_index(field.name)
            found = self._here.field(index).type if index >= 0 else None
            if found != field.type and not (found is None and older and field.nullable):
                raise DamagedFileError(
                    f"{self.name} says it holds {self.provenance.kind}, but its column {field.name!r} is "
                    f"{found or 'absent'}, expected {field.type}. {RESTORE}"
                )

    def _said(self, read: Callable[[], Any]) -> Any:
        """Read, and say which file it is when that fails."""
        with parquet_told(self.name):
            return read()


def read_sealed_metadata(source: Any, name: str) -> Any:
    """Return the metadata of a Parquet file, after holding its footer against the seal if it has one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if hasattr(source, "read"):
        footer = read_footer(source)
    else:
        with Path(source).open("rb") as file:
            footer = read_footer(file)
    check_footer(footer, name)
    return pq.read_metadata(pa.BufferReader(b"PAR1" + footer))


@contextlib.contextmanager
def parquet_told(name: str) -> Iterator[None]:
    """Turn whatever a file that is read as Parquet raises into an error of the tree that names the file.

    Raises
    ------
    DamagedFileError
        It cannot be read as Parquet.
    ArchiveError
        It is not there, or may not be read.
    """
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError as error:
        raise ArchiveError(f"there is no file {name}") from error
    except PermissionError as error:
        raise ArchiveError(f"{name} cannot be read: permission denied") from error
    except (OSError, pa.ArrowException, *UNREADABLE) as error:
        reason = " ".join(str(error).split())
        raise DamagedFileError(f"{name} cannot be read as Parquet: {reason}. {RESTORE}") from error


def read_provenance(metadata: dict[bytes, bytes], name: str) -> Provenance:
    """Return what a file says of itself.

    Raises
    ------
    ArchiveError
        It is an export, or was written by something else or by a newer version of this package.
    """
    if EXPORT_KEY in metadata:
        raise ArchiveError(
            f"{name} is an export, for other programs: read it with pandas.read_parquet, "
            "or the rows that it was made of with Archive.read"
        )
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
    return Provenance(**{field.name: found[field.name] for field in fields(Provenance) if field.name in found})
