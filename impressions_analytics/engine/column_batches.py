"""Frames in memory and local Parquet files in pieces of numpy columns, for what one pass over the rows can compute."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from impressions_analytics.engine.origins import check_family, origin_of
from impressions_analytics.engine.readers import arrow_table, is_archive, is_frame, is_path, local_files
from impressions_analytics.engine.required_columns import RequiredColumns
from impressions_analytics.engine.threads import in_parallel
from impressions_analytics.parquet.database import duckdb_told
from impressions_analytics.parquet.rows_file import parquet_told

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

BATCH_ROWS = 1 << 18
"""Small enough that every core has a batch to work on, large enough to hide what each costs."""


_NEVER = np.iinfo("int64").max


class UnsuitedError(Exception):
    """The rows are not what a pass over numpy columns can take; the definition in Ibis can."""


@dataclass(frozen=True, slots=True)
class ColumnBatch:
    """Some consecutive rows of an input.

    Attributes
    ----------
    batch : pyarrow.RecordBatch
        The rows.
    later : int or None
        No later row has a timestamp below this (microseconds); None where that is not known.
    """

    batch: pa.RecordBatch
    later: int | None = None

    def integers(self, name: str) -> Integers:
        """Return a column without nulls: whole numbers, or timestamps in microseconds."""
        column = self.batch.column(name)
        if column.null_count:
            raise UnsuitedError(f"{name} has nulls")
        return _numbers(column)

    def span(self, name: str) -> tuple[int, int] | None:
        """Return the lowest and the highest number of a column; None if all are null."""
        import pyarrow.compute as pc

        ends = pc.min_max(self.batch.column(name)).as_py()
        return None if ends["min"] is None else (ends["min"], ends["max"])

    def filled(self, name: str, null: int) -> Integers:
        """Return a column of whole numbers with `null` for what is null."""
        import pyarrow.compute as pc

        column = self.batch.column(name)
        return _numbers(pc.fill_null(column, null) if column.null_count else column)

    def present(self, key: str, *names: str) -> tuple[list[Integers], int]:
        """Return the columns of the rows that have a number in `key`, that of `key` first; and how many have none."""
        lacking = self.batch.column(key).null_count
        batch = self.batch.filter(self.batch.column(key).is_valid()) if lacking else self.batch
        return [ColumnBatch(batch).integers(name) for name in (key, *names)], lacking

    def texts(self, name: str) -> tuple[npt.NDArray[Any], pa.Array]:
        """Return a column of texts as places in its distinct texts; a null has the place after their last."""
        import pyarrow as pa

        column = self.batch.column(name)
        column = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        places = column.indices.fill_null(len(column.dictionary)) if column.null_count else column.indices
        texts = column.dictionary
        texts = texts.cast(pa.large_string()) if pa.types.is_string_view(texts.type) else texts
        return places.to_numpy(zero_copy_only=False), texts

    def where(self, flags: Flags, *, without: str = "") -> ColumnBatch:
        """Return the rows for which a flag stands, without a column that is no longer needed."""
        import pyarrow as pa

        kept = [name for name in self.batch.schema.names if name != without]
        return ColumnBatch(self.batch.select(kept).filter(pa.array(flags)), self.later)


def column_batches(data: Any, required: RequiredColumns) -> Iterator[ColumnBatch] | None:
    """Return the needed columns of a frame, of local Parquet files or of an archive; None for what is elsewhere."""
    origin_of(data, required.kind)
    if is_frame(data):
        return iter(_of_table(arrow_table(data, required), required, _NEVER))
    if is_archive(data):
        return _of_scan(data.scan(required.kind), required)
    files = local_files(data) if is_path(data) else []
    return _of_files(files, required) if files else None


def batches_together(inputs: Sequence[tuple[Any, RequiredColumns]]) -> list[Iterator[ColumnBatch]] | None:
    """Return the needed columns of several inputs of one family; None if one of them is elsewhere."""
    found = []
    for data, required in inputs:
        first, first_required = inputs[0]
        family = origin_of(first, first_required.kind).family
        check_family(family, origin_of(data, required.kind).family, required.kind)
        found.append(column_batches(data, required))
    return None if None in found else [batches for batches in found if batches is not None]


def _of_scan(table: Any, required: RequiredColumns) -> Iterator[ColumnBatch] | None:
    backend = table.get_backend()
    if backend.name != "duckdb":
        return None
    required.check_names(table.columns)
    with duckdb_told("the archive"):
        relation = backend.con.sql(backend.compile(table.select(*required.names)))
    return _of_stream(relation, required)


def _of_stream(relation: Any, required: RequiredColumns) -> Iterator[ColumnBatch]:
    """Read what DuckDB streams: Arrow's own protocol works with every version of it."""
    import pyarrow as pa

    with duckdb_told("the archive"):
        batches = pa.RecordBatchReader.from_stream(relation)
    while (batch := _next_batch(batches)) is not None:
        yield from _of_table(pa.Table.from_batches([batch]), required)


def _next_batch(batches: pa.RecordBatchReader) -> pa.RecordBatch | None:
    """Return what DuckDB streams next; its refusals come through Arrow, as an `OSError`."""
    with duckdb_told("the archive"), parquet_told("the archive"):
        return next(batches, None)


def _of_table(table: pa.Table, required: RequiredColumns, later: int | None = None) -> list[ColumnBatch]:
    """Cut a table into batches; `later` is the least timestamp of what follows it, if that is known."""
    batches = []
    for batch in reversed(_normal(table, required).to_batches(max_chunksize=BATCH_ROWS)):
        batches.append(ColumnBatch(batch, later))
        later = None if later is None else _least(batches[-1], later)
    return batches[::-1]


def _least(batch: ColumnBatch, later: int) -> int | None:
    """Return the lesser of the timestamps of a batch and of what follows it; None where there are no timestamps."""
    if "timestamp" not in batch.batch.schema.names:
        return None
    timestamps = batch.batch.column("timestamp")
    return None if timestamps.null_count else min(later, int(_numbers(timestamps).min(initial=later)))


def _of_files(files: list[str], required: RequiredColumns) -> Iterator[ColumnBatch]:
    """Read some row groups ahead, so that reading and computing overlap."""
    groups = _row_groups(files, required)
    for table, later in in_parallel(lambda group: (group[0](), group[1]), groups):
        yield from _of_table(table, required, later)


def _row_groups(files: list[str], required: RequiredColumns) -> Iterator[tuple[Callable[[], pa.Table], int | None]]:
    """Yield for each row group what reads it, and the least timestamp of those that follow."""
    import pyarrow.parquet as pq

    following = _least_of_following(files)
    for path in files:
        with parquet_told(path):
            metadata = pq.read_metadata(path)
        required.check_names(metadata.schema.to_arrow_schema().names)
        for number in range(metadata.num_row_groups):
            yield partial(_row_group, path, metadata, number, required), next(following)


def _row_group(path: str, metadata: pq.FileMetaData, number: int, required: RequiredColumns) -> pa.Table:
    import pyarrow.parquet as pq

    texts = [name for name in required.names if name == "useragent"]
    options: dict[str, Any] = {"read_dictionary": texts, "page_checksum_verification": True}
    with parquet_told(path), pq.ParquetFile(path, metadata=metadata, **options) as file:
        return file.read_row_group(number, columns=list(required.names), use_threads=False)


def _least_of_following(files: list[str]) -> Iterator[int | None]:
    """Yield for each row group the least timestamp of all that follow it, as their statistics say."""
    import pyarrow.parquet as pq

    leasts: list[int | None] = []
    for path in files:
        with parquet_told(path):
            leasts += map(_least_timestamp, _described(pq.read_metadata(path)))
    following: list[int | None] = [_NEVER]
    for least in reversed(leasts[1:]):
        after = following[-1]
        following.append(None if least is None or after is None else min(least, after))
    return reversed(following)


def _described(metadata: pq.FileMetaData) -> Iterator[pq.RowGroupMetaData]:
    return map(metadata.row_group, range(metadata.num_row_groups))


def _least_timestamp(group: pq.RowGroupMetaData) -> int | None:
    for column in map(group.column, range(group.num_columns)):
        if column.path_in_schema == "timestamp" and column.statistics and column.statistics.has_min_max:
            least = column.statistics.min
            if isinstance(least, datetime) and least.tzinfo is None:
                return int(np.datetime64(least, "us").astype("int64"))
    return None


def _normal(table: pa.Table, required: RequiredColumns) -> pa.Table:
    """Cast what is not of its normal type; texts stay dictionaries, and Arrow cannot filter views of texts."""
    import pyarrow as pa

    for name, normal in required.targets(table.schema).items():
        found = table.schema.field(name).type
        target = pa.large_string() if pa.types.is_string_view(found) else normal
        if found != target and (pa.types.is_null(found) or not pa.types.is_string(target)):
            column = table.column(name).cast(target, safe=not pa.types.is_timestamp(target))
            table = table.set_column(table.schema.get_field_index(name), name, column)
    return table


def _numbers(column: pa.Array) -> Integers:
    import pyarrow as pa

    column = column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
    return column.to_numpy(zero_copy_only=True)  # type: ignore[no-any-return]
