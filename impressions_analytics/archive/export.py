"""Write an archive as a star of tables for tools that make reports: Parquet, CSV, Excel, or DuckDB with ready views."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from impressions_analytics import __version__
from impressions_analytics.archive.dimensions import dimension_tables
from impressions_analytics.archive.export_database import write_database
from impressions_analytics.archive.export_files import Written, write_folder
from impressions_analytics.archive.facts import Changes, ExportTable, fact_tables
from impressions_analytics.archive.named import read_named
from impressions_analytics.archive.own_exports import EXPORTS, PACKAGE, WAL
from impressions_analytics.archive.partitions import KindPartitions
from impressions_analytics.archive.privacy import check_key
from impressions_analytics.archive.results import Export
from impressions_analytics.archive.spreadsheets import write_excel
from impressions_analytics.archive.store import Store, open_output, open_store
from impressions_analytics.errors import ArchiveError, InvalidArgumentError

if TYPE_CHECKING:
    from impressions_analytics.archive.star_figures import StarFigures
    from impressions_analytics.columns import Kind

NO_AGENT = {"parquet": "", "duckdb": "", "csv": "(none)", "excel": "(none)"}
"""The user agent of a row without one: a null joins to nothing, and DuckDB reads an empty text in CSV as a null."""
FORMATS = ("parquet", "csv", "duckdb", "excel")
ONE_FILE = ("duckdb", "excel")
"""The formats that are one file for all tables; the others are a folder."""
ENDINGS = {".xlsx": "excel", ".duckdb": "duckdb"}
"""What the name of one file ends in -> its format."""


@dataclass(frozen=True)
class ExportRequest:
    """How an export is to be made; see `Archive.export`."""

    format: str
    partitioned: bool
    utc: bool
    pseudonym_key: bytes | None

    def check(self, path: str) -> None:
        """Raise when it cannot be made so."""
        if self.format not in FORMATS:
            raise InvalidArgumentError(f"format={self.format!r} is no format; use one of {', '.join(FORMATS)}")
        if self.partitioned and self.format != "parquet":
            raise InvalidArgumentError(f"partitioned=True is for format='parquet', and this is {self.format!r}")
        if self.pseudonym_key is not None:
            check_key(self.pseudonym_key, "pseudonym_key")
        if self.format == "excel" and not path.lower().endswith(".xlsx"):
            raise InvalidArgumentError(f"{path!r} must end in .xlsx, or Excel will not open it")
        named = next((name for end, name in ENDINGS.items() if path.lower().endswith(end)), None)
        if named and self.format not in ONE_FILE:
            raise InvalidArgumentError(
                f"{path!r} is named as one file, and {self.format} writes a folder; use format {named!r}"
            )


def export_archive(
    kinds: Sequence[KindPartitions],
    path: str | os.PathLike[str],
    *,
    store: Store,
    request: ExportRequest,
    figures: Callable[[Sequence[Kind]], StarFigures],
    erased: int,
    erased_now: Callable[[], int],
) -> Export:
    """Write the tables of some kinds; see `Archive.export`.

    An erasure writes its list first and removes exports last. So an export that finds the list as it was holds nobody
    of that list, or is removed by that erasure; one that finds it longer removes itself.
    """
    request.check(os.fspath(path))
    kinds = [partitions for partitions in kinds if partitions.files()]
    if not kinds:
        raise ArchiveError(f"{store.name} holds no rows of what is to be exported; sync first")
    one_file = request.format in ONE_FILE
    output, file = open_output(path) if one_file else (open_store(path), "")
    _check_place(output, file, store)
    tables = _tables(kinds, request, figures([partitions.kind for partitions in kinds]))
    if request.pseudonym_key is not None and not one_file:
        _check_nothing_plain(output, tables, request.format)
    done = _write(output, file, tables, request, epoch=str(erased))
    files = [file] if one_file else [name for of_table in done.files.values() for name in of_table]
    if erased_now() != erased:
        for name in [*files, f"{file}{WAL}" if one_file else PACKAGE]:
            output.delete(name)
        raise ArchiveError(f"somebody was erased from {store.name} while it was exported; export again")
    return Export(
        output.label(file) if one_file else output.name,
        request.format,
        done.rows,
        [output.label(name) for name in files],
        pseudonymised=request.pseudonym_key is not None,
        utc=request.utc,
        unchanged=len(files) - len([name for name in done.written if name in files]),
    )


def _tables(kinds: Sequence[KindPartitions], request: ExportRequest, figures: StarFigures) -> list[ExportTable]:
    """Return the star: the facts, and the dimensions of what they name."""
    changes = Changes(request.utc, request.pseudonym_key, NO_AGENT[request.format], kinds[0].zone)
    facts = fact_tables(kinds, changes, __version__)
    return [*facts, *dimension_tables(kinds, read_named(kinds), figures, changes)]


def _write(output: Store, file: str, tables: Sequence[ExportTable], request: ExportRequest, *, epoch: str) -> Written:
    if request.format not in ONE_FILE:
        return write_folder(output, tables, format=request.format, partitioned=request.partitioned, utc=request.utc)
    if request.format == "duckdb":
        return Written(write_database(output, file, tables, epoch=epoch), written=[file])
    rows: dict[str, int] = {}
    streams = {table.name: table.rows for table in tables}
    output.put(file, lambda path: rows.update(write_excel(streams, path)))
    return Written(rows, written=[file])


def _check_place(output: Store, file: str, store: Store) -> None:
    """Refuse a place between the archive's own files, where every engine would read the export too."""
    place, root = (_resolved(of, name) for of, name in ((output, file), (store, "")))
    same = type(output.filesystem) is type(store.filesystem)
    if same and place.is_relative_to(root) and not place.is_relative_to(root / EXPORTS):
        raise InvalidArgumentError(
            f"{output.label(file).rstrip('/')} lies inside the archive; export to its folder {EXPORTS!r}, or to a "
            "place outside"
        )


def _check_nothing_plain(output: Store, tables: Sequence[ExportTable], format: str) -> None:
    """Refuse a folder that holds tables which this export does not replace: they may name people."""
    names = {table.name for table in tables}
    for file in (*output.files_below("", ".parquet"), *output.files_below("", ".csv")):
        name = PurePosixPath(file)
        if name.suffix != f".{format}" or (name.parts[0] if len(name.parts) > 1 else name.stem) not in names:
            raise InvalidArgumentError(
                f"{output.name} holds {file} of another export, which may name people; give an export with pseudonyms "
                "a folder of its own"
            )


def _resolved(store: Store, file: str) -> PurePosixPath:
    """Return a place with its links and .. seen for what they are."""
    place = store.place(file)
    return PurePosixPath(Path(os.path.realpath(place)).as_posix() if store.is_local else place)
