"""Write an export as a folder: Parquet or CSV files, and a description of them that programs read."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impressions_analytics.archive.facts import ExportTable, Part
from impressions_analytics.archive.model import Field
from impressions_analytics.archive.own_exports import PACKAGE, PACKAGE_NAME, month_file
from impressions_analytics.archive.spreadsheets import write_csv
from impressions_analytics.archive.store import Store
from impressions_analytics.errors import ArchiveError
from impressions_analytics.parquet.layout import RISING_COLUMNS, SOURCE_KEY, write_tables

if TYPE_CHECKING:
    import pyarrow as pa

_FRICTIONLESS = {
    "integer": "integer", "number": "number", "boolean": "boolean", "text": "string", "day": "date",
    "moment": "datetime",
}  # fmt: skip


@dataclass
class Written:
    """What an export put into its place.

    Attributes
    ----------
    rows : dict of str to int
        The rows of each table.
    files : dict of str to list
        The files of each table.
    written : list of str
        The files that were written; the others were there already with the same rows.
    """

    rows: dict[str, int] = field(default_factory=dict)
    files: dict[str, list[str]] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)

    def add(self, table: str, file: str, rows: int, *, fresh: bool) -> None:
        """Note a file of a table."""
        self.rows[table] = self.rows.get(table, 0) + rows
        self.files.setdefault(table, []).append(file)
        if fresh:
            self.written.append(file)


def write_folder(output: Store, tables: Sequence[ExportTable], *, format: str, partitioned: bool, utc: bool) -> Written:
    """Write every table into a folder; of Parquet only the files whose rows may have changed.

    Parameters
    ----------
    output : Store
        The folder.
    tables : sequence of ExportTable
        What to write.
    format : str
        "parquet" or "csv".
    partitioned : bool
        Whether each month of a fact becomes a file of its own.
    utc : bool
        Whether moments are in UTC.
    """
    done = Written()
    for table in tables:
        for file, part in _planned(table, format, partitioned=partitioned):
            if format == "csv":
                done.add(table.name, file, _put(output, file, part.rows, write_csv), fresh=True)
            else:
                _write_parquet(output, table, file, part, done)
        _drop_other_files(output, table.name, done.files.get(table.name, []))
    text = json.dumps(describe(tables, done.files, format=format, utc=utc), indent=1, ensure_ascii=False)
    if _text_at(output, PACKAGE) != text:
        output.put(PACKAGE, lambda path: path.write_text(text, encoding="utf-8"))
        done.written.append(PACKAGE)
    return done


def _planned(table: ExportTable, format: str, *, partitioned: bool) -> Iterator[tuple[str, Part]]:
    if partitioned and any(part.month for part in table.parts):
        yield from ((month_file(table.name, part.month), part) for part in table.parts)
    else:
        yield f"{table.name}.{format}", Part("", table.source, table.rows)


def _write_parquet(output: Store, table: ExportTable, file: str, part: Part, done: Written) -> None:
    known = _rows_of_source(output, file, part.source)
    if known is not None:
        done.add(table.name, file, known, fresh=False)
        return
    rising = [field.name for field in table.fields if field.source in RISING_COLUMNS]

    def write(rows: Iterator[pa.Table], path: Path) -> int:
        return write_tables(_without_empty_first(rows), path, source=part.source, rising=rising)

    done.add(table.name, file, _put(output, file, part.rows, write), fresh=True)


def _without_empty_first(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Leave out an empty table before others, since the first one decides how columns are packed."""
    first = next(tables)
    second = next(tables, None)
    yield first if second is None else second
    yield from tables


def _put(output: Store, file: str, rows: Callable[[], Iterator[pa.Table]], write: Callable[..., int]) -> int:
    counts: list[int] = []
    output.put(file, lambda path: counts.append(write(rows(), path)))
    return counts[0]


def _rows_of_source(output: Store, file: str, source: str) -> int | None:
    """Return how many rows a file has, if it was written from the same rows; else None."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not source or not output.exists(file):
        return None
    with contextlib.suppress(ArchiveError, OSError, pa.ArrowException), output.open(file) as opened:
        metadata = pq.read_metadata(opened)
        if (metadata.metadata or {}).get(SOURCE_KEY) == source.encode():
            return int(metadata.num_rows)
    return None


def _drop_other_files(output: Store, table: str, files: Sequence[str]) -> None:
    """Remove months that the archive has no longer, and the table in its other form."""
    months = [file for file in output.files_below(table, ".parquet") if file == _as_month(table, file)]
    for file in {*months, f"{table}.parquet"} - set(files):
        if output.exists(file):
            output.delete(file)
            for folder in (file.rpartition("/")[0], table):
                output.drop_empty_folder(folder)


def _as_month(table: str, file: str) -> str:
    return month_file(table, file[-len("2026-01.parquet") : -len(".parquet")])


def _text_at(output: Store, file: str) -> str | None:
    if not output.exists(file):
        return None
    with output.open(file) as opened:
        return bytes(opened.read()).decode(errors="replace")


def describe(tables: Sequence[ExportTable], files: dict[str, list[str]], *, format: str, utc: bool) -> dict[str, Any]:
    """Return the description of an export as a Frictionless Data Package: tables, keys, relations and meanings."""
    there = {table.name for table in tables}
    return {
        "name": PACKAGE_NAME,
        "profile": "tabular-data-package" if format == "csv" else "data-package",
        "description": f"moments are {'in UTC' if utc else 'in the wall clock of the account'}",
        "resources": [_resource(table, files[table.name], there, format) for table in tables],
    }


def _resource(table: ExportTable, files: list[str], there: set[str], format: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"fields": [_field(field) for field in table.fields]}
    if format == "parquet":
        schema["missingValues"] = []  # an empty text is a text there
    if table.key:
        schema["primaryKey"] = list(table.key)
    pointing = [field for field in table.fields if field.refers_to in there]
    if pointing:
        schema["foreignKeys"] = [
            {"fields": [field.name], "reference": {"resource": field.refers_to, "fields": [field.key_there]}}
            for field in pointing
        ]
    profile = {"profile": "tabular-data-resource"} if format == "csv" else {}
    return {
        "name": table.name, **profile, "path": files if len(files) > 1 else files[0], "format": format,
        "description": table.meaning, "schema": schema,
    }  # fmt: skip


def _field(field: Field) -> dict[str, Any]:
    required = {} if field.nullable else {"constraints": {"required": True}}
    return {"name": field.name, "type": _FRICTIONLESS[field.type], "description": field.meaning, **required}
