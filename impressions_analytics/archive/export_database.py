"""Write an export as one DuckDB file: a new one, or the months that changed into the one that is there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impressions_analytics.archive.facts import ExportTable, Part, digest
from impressions_analytics.archive.model import Field, FieldType
from impressions_analytics.archive.own_exports import WAL
from impressions_analytics.archive.store import Store
from impressions_analytics.archive.views import views_of
from impressions_analytics.parquet.database import duckdb_told, settings
from impressions_analytics.parquet.working_folder import scratch_folder

if TYPE_CHECKING:
    import pyarrow as pa

_TYPES: dict[FieldType, str] = {
    "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "text": "VARCHAR", "day": "DATE",
    "moment": "TIMESTAMP",
}  # fmt: skip
"""A moment is written without a zone, also in UTC: a TIMESTAMPTZ shows another day to each reader's session."""
_WITHOUT_WAL = {"wal_autocheckpoint": "1KB"}
"""A transaction goes into the file at once. Beside it the rows would be written first, uncompressed: 6 times more."""
_STATE = "export_state.parts"
_FORM = "form"
"""The row of the state that tells which tables and views a file has, and who was erased before it was made."""

Known = dict[tuple[str, str], tuple[str, int]]
"""By table and month: what its rows came from, and how many they are."""


def write_database(output: Store, file: str, tables: Sequence[ExportTable], *, epoch: str) -> dict[str, int]:
    """Write the tables and ready views into one DuckDB file, and return the rows of each.

    A file that an export made before gets the months that changed, in one transaction. It is made anew where that
    cannot be: another program has it open, it has other columns, or somebody was erased or a month was removed since,
    whose rows would stay in the free blocks of the file.

    Parameters
    ----------
    output : Store
        The folder.
    file : str
        The name in it.
    tables : sequence of ExportTable
        What to write.
    epoch : str
        Tells whether somebody was erased since a file was made.
    """
    views = _views(tables)
    form = digest(epoch, *map(_definition, tables), *map(str, views.items()))
    place = Path(os.path.realpath(output.place(file))) if output.is_local else None
    if place is not None and place.is_file() and "?" not in str(place):
        with duckdb_told(output.label(file)):
            found = _update(place, tables, form)
        if found is not None:
            return found
    rows: dict[str, int] = {}

    def write(path: Path) -> None:
        with scratch_folder() as folder, duckdb_told(output.label(file)):
            # DuckDB wants to make its file itself, and takes a question mark for the end of the name.
            database = folder / "export.db" if "?" in str(path) else Path(f"{path}.db")
            rows.update(_build(database, tables, views, form))
            if place is not None:  # changes that never reached the old file must not reach the new one
                Path(f"{place}{WAL}").unlink(missing_ok=True)
            shutil.move(database, path)

    output.put(file, write)
    return rows


def _views(tables: Sequence[ExportTable]) -> dict[str, tuple[str, str]]:
    figures = [field.name for table in tables if table.name == "mailings" for field in table.fields if field.figure]
    return views_of({table.name for table in tables}, figures)


def _definition(table: ExportTable) -> str:
    """Return the SQL that makes a table, with its keys and what its columns mean."""
    columns = [f'"{field.name}" {_TYPES[field.type]}{"" if field.nullable else " NOT NULL"}' for field in table.fields]
    columns += [f"PRIMARY KEY ({', '.join(table.key)})"] if table.key and not table.is_fact else []
    comments = [_comment(f'COLUMN {table.name}."{field.name}"', _meaning(table, field)) for field in table.fields]
    made = f"CREATE TABLE {table.name} ({', '.join(columns)})"
    return "; ".join([made, _comment(f"TABLE {table.name}", table.meaning), *comments])


def _meaning(table: ExportTable, field: Field) -> str:
    """Return what a column means; facts say their keys in words, since an index would cost more than the rows."""
    key = "; the key: no two rows have the same" if field.name in table.key else ""
    points = f"; refers to {field.refers_to}.{field.key_there}" if field.refers_to else ""
    utc = "; in UTC" if field.type == "moment" and table.utc else ""
    return f"{field.meaning}{utc}{key}{points}"


def _comment(what: str, meaning: str) -> str:
    quoted = meaning.replace("'", "''")
    return f"COMMENT ON {what} IS '{quoted}'"


def _build(
    database: Path, tables: Sequence[ExportTable], views: dict[str, tuple[str, str]], form: str
) -> dict[str, int]:
    import duckdb

    rows: dict[str, int] = {}
    with duckdb.connect(str(database), config=settings()) as connection:
        connection.begin()
        connection.execute("CREATE SCHEMA export_state")
        connection.execute(f'CREATE TABLE {_STATE} ("table" VARCHAR, "month" VARCHAR, source VARCHAR, "rows" BIGINT)')
        connection.execute(_comment(f"TABLE {_STATE}", "what the export was made of; not for reports"))
        for table in tables:
            connection.execute(_definition(table))
            rows[table.name] = sum(_insert(connection, table, part) for part in table.parts)
        for name, (meaning, query) in views.items():
            connection.execute(f"CREATE VIEW {name} AS {query}")
            connection.execute(_comment(f"VIEW {name}", meaning))
        _note(connection, _FORM, "", form, 0)
        connection.commit()
    return rows


def _insert(connection: Any, table: ExportTable, part: Part) -> int:
    """Add the rows of a part, and note what they came from."""
    count = 0
    for rows in part.rows():
        connection.register("fresh", without_zone(rows))
        connection.execute(f"INSERT INTO {table.name} FROM fresh")
        connection.unregister("fresh")
        count += rows.num_rows
    _note(connection, table.name, part.month, part.source, count)
    return count


def without_zone(rows: pa.Table) -> pa.Table:
    """Return the rows with instants as moments in UTC that have no zone.

    Examples
    --------
    >>> import datetime as dt, pyarrow as pa
    >>> instants = pa.array([dt.datetime(2026, 7, 5, 10)], pa.timestamp("us", tz="UTC"))
    >>> str(without_zone(pa.table({"opened_at": instants}))["opened_at"][0])
    '2026-07-05 10:00:00'
    """
    import pyarrow as pa

    def plain(kind: pa.DataType) -> pa.DataType:
        return pa.timestamp("us") if pa.types.is_timestamp(kind) else kind

    return rows.cast(pa.schema([field.with_type(plain(field.type)) for field in rows.schema]))


def _note(connection: Any, table: str, month: str, source: str, rows: int) -> None:
    connection.execute(f'DELETE FROM {_STATE} WHERE "table" = ? AND "month" = ?', [table, month])  # noqa: S608
    connection.execute(f"INSERT INTO {_STATE} VALUES (?, ?, ?, ?)", [table, month, source, rows])  # noqa: S608


def _update(place: Path, tables: Sequence[ExportTable], form: str) -> dict[str, int] | None:
    """Bring what changed into a file, and return the rows of each table; None where the file has to be made anew."""
    import duckdb

    try:
        connection = duckdb.connect(str(place), config={**settings(), **_WITHOUT_WAL})
    except duckdb.Error:  # another program has it open, or it is no such file
        return None
    with connection:
        known = _known(connection)
        lost = known.keys() - {(table.name, part.month) for table in tables for part in table.parts} - {(_FORM, "")}
        if lost or known.get((_FORM, ""), ("", 0))[0] != form or _is_half_empty(connection):
            return None
        connection.begin()
        rows = {table.name: _bring(connection, table, known) for table in tables}
        if any(_count(connection, name) != count for name, count in rows.items()):
            connection.rollback()
            return None
        connection.commit()
    return rows


def _known(connection: Any) -> Known:
    import duckdb

    try:
        found = connection.execute(f"FROM {_STATE}").fetchall()
    except duckdb.CatalogException:  # not made by an export
        return {}
    return {(table, month): (source, rows) for table, month, source, rows in found}


def _is_half_empty(connection: Any) -> bool:
    """Say whether more of a file is free than used; what was removed from it stays there until it is made anew."""
    used, free = connection.execute("SELECT used_blocks, free_blocks FROM pragma_database_size()").fetchone()
    return bool(free > used)


def _count(connection: Any, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608


def _bring(connection: Any, table: ExportTable, known: Known) -> int:
    """Replace the parts of a table that changed, and return how many rows it has then."""
    rows = 0
    for part in table.parts:
        source, count = known.get((table.name, part.month), ("", 0))
        if not part.source or part.source != source:
            count = _replace_month(connection, table, part) if table.is_fact else _merge(connection, table, part)
        rows += count
    return rows


def _replace_month(connection: Any, table: ExportTable, part: Part) -> int:
    _remove(connection, table, part.month)
    return _insert(connection, table, part)


def _remove(connection: Any, table: ExportTable, month: str) -> None:
    day = next(field.name for field in table.fields if field.type == "day")
    begin = f"DATE '{month}-01'"
    connection.execute(f"DELETE FROM {table.name} WHERE {day} >= {begin} AND {day} < {begin} + INTERVAL 1 MONTH")  # noqa: S608
    connection.execute(f'DELETE FROM {_STATE} WHERE "table" = ? AND "month" = ?', [table.name, month])  # noqa: S608


def _merge(connection: Any, table: ExportTable, part: Part) -> int:
    """Change the rows of a dimension that are not as they were: most stay from one night to the next."""
    [key] = table.key
    [rows] = part.rows()
    connection.register("fresh", without_zone(rows))
    connection.execute(f"DELETE FROM {table.name} WHERE {key} NOT IN (SELECT {key} FROM fresh)")  # noqa: S608
    connection.execute(f"INSERT OR REPLACE INTO {table.name} (FROM fresh EXCEPT FROM {table.name})")
    connection.unregister("fresh")
    _note(connection, table.name, part.month, part.source, rows.num_rows)
    return int(rows.num_rows)
