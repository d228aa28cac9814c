"""A row for each kind of data that may come in: how it is known, and how it becomes an Ibis table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd

from impressions_analytics.engine.backend import Engine
from impressions_analytics.engine.required_columns import RequiredColumns
from impressions_analytics.errors import DamagedFileError, InvalidArgumentError, MissingColumnError
from impressions_analytics.parquet.database import connect, duckdb_told, literal
from impressions_analytics.parquet.places import parquet_files
from impressions_analytics.parquet.remote import is_remote, remote_rows
from impressions_analytics.parquet.rows_file import parquet_told
from impressions_analytics.parquet.seal import check_files


def open_native(data: Any, required: RequiredColumns, engine: Engine | None = None) -> tuple[Any, Engine]:
    """Open `data` as an Ibis table, on `engine` where that is possible, and say where it is."""
    for knows, read in _READERS:
        if knows(data):
            return read(data, required, engine)
    kinds = "a pandas, Polars or Arrow frame, a Parquet path, an Archive, an Ibis table or a Spark frame"
    raise InvalidArgumentError(f"the {required.kind} must be {kinds}, got {type(data).__name__}")


def arrow_table(data: Any, required: RequiredColumns) -> Any:
    """Return the needed columns of a frame in memory as an Arrow table.

    Timestamps lose their zone for the wall clock that they show in it, and what is finer than a microsecond: engines
    would round that up, into the next day.
    """
    import pyarrow as pa

    read = next(read for knows, read in _FRAMES if knows(data))
    table = read(data, required)
    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type) and field.type != pa.timestamp("us"):
            table = table.set_column(index, field.name, _wall_clock(table.column(index)))
    return table


def _wall_clock(column: Any) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    column = pc.local_timestamp(column) if column.type.tz else column
    return pc.floor_temporal(column, unit="microsecond").cast(pa.timestamp("us"))


def _of(module: str, *names: str) -> Callable[[Any], bool]:
    """Recognise a type by where it is defined, so that nobody's library is imported to ask."""
    return lambda data: type(data).__module__.split(".")[0] == module and type(data).__name__ in names


def _from_pandas(data: Any, required: RequiredColumns) -> Any:
    import pyarrow as pa

    required.check_names([str(name) for name in data.columns])
    frame = data[list(required.names)]
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except OverflowError as error:
        [name, *_] = [name for name in frame if frame[name].dtype == object]
        raise MissingColumnError(
            f"the {required.kind} have a whole number beyond 2**63 - 1, perhaps in the column {name!r}; no identifier "
            "of Copernica is so large"
        ) from error
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise MissingColumnError(f"a column of the {required.kind} mixes types: {error}") from error


def _from_polars(data: Any, required: RequiredColumns) -> Any:
    required.check_names(data.collect_schema().names())
    frame = data.select(required.names)
    return (frame.collect() if hasattr(frame, "collect") else frame).to_arrow()


def _from_arrow(data: Any, required: RequiredColumns) -> Any:
    import pyarrow as pa

    required.check_names(data.schema.names)
    return (pa.Table.from_batches([data]) if isinstance(data, pa.RecordBatch) else data).select(list(required.names))


_FRAMES: tuple[tuple[Callable[[Any], bool], Callable[[Any, RequiredColumns], Any]], ...] = (
    (lambda data: isinstance(data, pd.DataFrame), _from_pandas),
    (_of("polars", "DataFrame", "LazyFrame"), _from_polars),
    (_of("pyarrow", "Table", "RecordBatch"), _from_arrow),
)


def is_frame(data: Any) -> bool:
    """Whether `data` is a frame in memory (or a Polars query that becomes one)."""
    return any(knows(data) for knows, _ in _FRAMES)


def is_path(data: Any) -> bool:
    """Whether `data` names Parquet files."""
    return isinstance(data, str | Path)


def is_archive(data: Any) -> bool:
    """Whether `data` is an archive: what gives a table for a kind of rows."""
    return callable(getattr(data, "scan", None)) and not _is_ibis(data) and not is_frame(data)


def _is_ibis(data: Any) -> bool:
    return type(data).__module__.startswith("ibis.") and hasattr(data, "schema")


def _open_frame(data: Any, required: RequiredColumns, engine: Engine | None) -> tuple[Any, Engine]:
    engine = engine or embedded()
    return engine.small(arrow_table(data, required)), engine


def _open_path(data: Any, required: RequiredColumns, engine: Engine | None) -> tuple[Any, Engine]:
    engine = engine if engine and engine.backend.name == "duckdb" else embedded()
    return _scan(data, engine.backend), engine


def _open_archive(data: Any, required: RequiredColumns, engine: Engine | None) -> tuple[Any, Engine]:
    table = data.scan(required.kind)
    return table, _engine_of(table.get_backend())


def _open_ibis(data: Any, required: RequiredColumns, engine: Engine | None) -> tuple[Any, Engine]:
    backends, _ = data._find_backends()
    found = _engine_of(backends[0]) if backends else embedded()
    return data, replace(found, wrap=lambda expression: expression)


def _open_spark(data: Any, required: RequiredColumns, engine: Engine | None) -> tuple[Any, Engine]:
    from impressions_analytics.engine.spark import open_spark

    return open_spark(data, required)


_READERS: tuple[
    tuple[Callable[[Any], bool], Callable[[Any, RequiredColumns, Engine | None], tuple[Any, Engine]]], ...
] = (
    (is_frame, _open_frame),
    (is_path, _open_path),
    (_is_ibis, _open_ibis),
    (_of("pyspark", "DataFrame"), _open_spark),
    (is_archive, _open_archive),
)


def embedded() -> Engine:
    """Return an engine on the DuckDB of this process, which all analyses share.

    Each engine has a connection of its own, so analyses may run at the same time in several threads.
    """
    return _engine_of(connect())


def _engine_of(backend: Any) -> Engine:
    import ibis

    if backend.name != "duckdb":
        return Engine(backend, fetch=backend.to_pyarrow, small=ibis.memtable)

    def fetch(expression: Any) -> Any:
        with duckdb_told("the data"):
            return backend.to_pyarrow(expression)

    return Engine(backend, fetch=fetch, small=ibis.memtable)


def local_files(path: str | Path) -> list[str]:
    """Return the Parquet files of a path on this machine, in order of name; none for an address elsewhere."""
    return [] if "://" in str(path) else parquet_files(path)


def _scan(path: str | Path, backend: Any) -> Any:
    import duckdb

    if is_remote(path) and "*" not in str(path):
        name = f"remote_{uuid4().hex}"
        backend.con.register(name, remote_rows(str(path)))
        return backend.table(name)
    protocol, separator, _ = str(path).partition("://")
    if separator and protocol not in {"http", "https", "file"} and not backend.con.filesystem_is_registered(protocol):
        backend.con.register_filesystem(_remote_files(protocol))
    if not separator:
        files = parquet_files(path)
        with duckdb_told(str(path)), parquet_told(str(path)):
            check_files(files)
            return backend.read_parquet([literal(file) for file in files], union_by_name=True)
    try:
        with duckdb_told(str(path)):
            return backend.read_parquet(str(path), union_by_name=True)
    except DamagedFileError as error:
        if isinstance(error.__cause__, duckdb.IOException):
            raise InvalidArgumentError(f"there is no Parquet file at {path}") from error
        raise


def _remote_files(protocol: str) -> Any:
    """Return the file system of an object store, from the packages of the extra `s3`."""
    try:
        import fsspec

        return fsspec.filesystem(protocol)
    except ValueError as error:
        raise InvalidArgumentError(f"{protocol}:// is no kind of address that can be read; s3:// is one") from error
    except ImportError as error:
        raise InvalidArgumentError(
            f'reading {protocol}:// needs packages that are not installed: pip install ".[s3]" brings those for s3://'
        ) from error
