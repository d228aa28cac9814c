"""Write tables for spreadsheets: CSV that Excel opens rightly, and one Excel workbook with a sheet per table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impressions_analytics.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 1_048_575
"""Rows below the heading that a sheet of Excel holds."""
MOST_LETTERS = 32_767
"""Letters that a cell of Excel holds; a longer text is cut there, and its last letter is then an ellipsis."""
MOST_EXACT = 10**15
"""Excel keeps 15 digits of a number; a longer one is written as text."""

_SHOWN: dict[type, str] = {datetime: "yyyy-mm-dd hh:mm:ss", date: "yyyy-mm-dd"}
_FIRST_YEAR = 1900
"""Excel's calendar begins in this year, with a day that never was; older moments are written as text."""


def write_csv(tables: Iterator[pa.Table], path: Path) -> int:
    """Write one table as CSV, and return its rows.

    The file begins with the mark by which Excel knows UTF-8, and moments are written as spreadsheets read them.
    """
    import pyarrow.csv

    count = 0
    with path.open("wb") as file:
        file.write(b"\xef\xbb\xbf")
        writer = None
        for table in tables:
            rows = plain_moments(harmless(table))
            writer = writer or pyarrow.csv.CSVWriter(file, rows.schema)
            writer.write_table(rows)
            count += rows.num_rows
        if writer is not None:
            writer.close()
    return count


def harmless(rows: pa.Table) -> pa.Table:
    """Return the rows with an apostrophe before each text that a spreadsheet would run as a formula.

    Those are texts that begin with one of ``= + - @``, a tab or a carriage return, as OWASP lists them.

    Examples
    --------
    >>> import pyarrow as pa
    >>> harmless(pa.table({"subject": ["=1+1", "Hello", None], "ID": [-1, 2, 3]})).to_pydict()
    {'subject': ["'=1+1", 'Hello', None], 'ID': [-1, 2, 3]}
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    for index, field in enumerate(rows.schema):
        if pa.types.is_string(field.type):
            texts = rows.column(index)
            runs = pc.match_substring_regex(texts, r"^[=+\-@\t\r]")
            quoted = pc.binary_join_element_wise("'", texts, "")
            rows = rows.set_column(index, field, pc.if_else(runs, quoted, texts))
    return rows


def plain_moments(rows: pa.Table) -> pa.Table:
    """Return the rows with moments as text to the second; those in UTC end in Z.

    Examples
    --------
    >>> import datetime as dt, pyarrow as pa
    >>> rows = pa.table({"timestamp": pa.array([dt.datetime(2026, 7, 5, 12), None], pa.timestamp("us"))})
    >>> plain_moments(rows).to_pydict()
    {'timestamp': ['2026-07-05 12:00:00', None]}
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    for index, field in enumerate(rows.schema):
        if pa.types.is_timestamp(field.type):
            form = "%Y-%m-%d %H:%M:%S" + ("Z" if field.type.tz else "")
            seconds = rows.column(index).cast(pa.timestamp("s", tz=field.type.tz), safe=False)
            rows = rows.set_column(index, field.name, pc.strftime(seconds, format=form))
    return rows


def write_excel(streams: Mapping[str, Callable[[], Iterator[pa.Table]]], path: Path) -> dict[str, int]:
    """Write one workbook with a sheet per table, and return the rows of each.

    Raises
    ------
    InvalidArgumentError
        When XlsxWriter is not installed, or a table has more rows than a sheet holds.
    """
    try:
        import xlsxwriter
    except ModuleNotFoundError:
        raise InvalidArgumentError(
            "Excel needs XlsxWriter: pip install 'impressions_analytics[excel]', or take another format"
        ) from None
    told = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "in_memory": False}
    with xlsxwriter.Workbook(str(path), {**told, "tmpdir": str(path.parent)}) as book:
        return {name: _write_sheet(book, name, stream()) for name, stream in streams.items()}


def _write_sheet(book: Any, name: str, tables: Iterator[pa.Table]) -> int:
    sheet = book.add_worksheet(name)
    moments = {kind: book.add_format({"num_format": shown}) for kind, shown in _SHOWN.items()}
    count = 0
    for table in tables:
        if count == 0:
            _write_heading(book, sheet, table.schema)
        if count + table.num_rows > MOST_ROWS:
            raise InvalidArgumentError(
                f"{name} has more than {MOST_ROWS:,} rows, and a sheet of Excel holds no more; "
                "use --format parquet, csv or duckdb"
            )
        columns = [column.to_pylist() for column in table.columns]
        for row, cells in enumerate(zip(*columns, strict=True), start=count + 1):
            for place, cell in enumerate(cells):
                if cell is not None:
                    _write_cell(sheet, row, place, cell, moments)
        count += table.num_rows
    return count


def _write_heading(book: Any, sheet: Any, schema: pa.Schema) -> None:
    import pyarrow as pa

    bold = book.add_format({"bold": True})
    sheet.freeze_panes(1, 0)
    for place, field in enumerate(schema):
        sheet.write_string(0, place, field.name, bold)
        sheet.set_column(place, place, 20 if pa.types.is_timestamp(field.type) else max(10, len(field.name) + 2))


def _write_cell(sheet: Any, row: int, place: int, cell: Any, moments: Mapping[type, Any]) -> None:
    if isinstance(cell, date):
        plain = cell.replace(tzinfo=None) if isinstance(cell, datetime) else cell
        if plain.year <= _FIRST_YEAR:
            sheet.write_string(row, place, str(plain))
        else:
            sheet.write_datetime(row, place, plain, moments[type(plain)])
    elif isinstance(cell, bool):
        sheet.write_boolean(row, place, cell)
    elif isinstance(cell, int | float) and abs(cell) < MOST_EXACT:
        sheet.write_number(row, place, cell)
    else:
        text = str(cell)
        sheet.write_string(row, place, text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…")
