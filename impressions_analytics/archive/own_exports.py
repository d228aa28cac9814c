"""The exports that are kept inside an archive: which files they are, and how an erasure removes them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath

from impressions_analytics.archive.model import TABLE_NAMES
from impressions_analytics.archive.store import Store

EXPORTS = "exports"
"""The folder inside an archive where exports may be kept; an erasure removes them."""

SUFFIXES = (".parquet", ".csv")
PACKAGE = "datapackage.json"
PACKAGE_NAME = "impressions-analytics-export"
"""The file that describes an export, and the name by which it tells that an export made it."""
WAL = ".wal"
"""What DuckDB adds to the name of a file for the one that holds changes which have not reached it yet."""
_MONTH = re.compile(r"-\d{4}-\d{2}$")
DATABASE_MARK = b"DUCK"
"""Stands in every DuckDB file after the first eight bytes."""


def remove_exports(store: Store) -> tuple[list[str], list[str]]:
    """Remove the exports inside an archive; return the files that went, and the links that were not followed.

    Only files that an export makes are removed: the tables under their names, their description, and DuckDB files.
    What a link leads to lies elsewhere, and is left.
    """
    removed: list[str] = []
    links: list[str] = []
    if not store.is_local:  # an object store has no links
        removed = [file for file in store.files_below(EXPORTS, "") if _is_named_so(PurePosixPath(file))]
        for file in removed:
            store.delete(file)
        return removed, links
    found = list(_below(Path(store.root) / EXPORTS))
    for path in [path for path in found if path.is_symlink() or _is_export(path)]:
        relative = path.relative_to(store.root).as_posix()
        if path.is_symlink():
            links.append(relative)
        else:
            store.delete(relative)
            removed.append(relative)
    return sorted(removed), sorted(links)


def _below(folder: Path) -> Iterator[Path]:
    """Give the files and links below a folder without going through any link."""
    if folder.is_symlink():
        yield folder
        return
    for here, folders, files in os.walk(folder, followlinks=False):
        yield from (Path(here) / name for name in files)
        yield from (Path(here) / name for name in folders if (Path(here) / name).is_symlink())


def _is_export(path: Path) -> bool:
    if path.name == PACKAGE:
        return PACKAGE_NAME.encode() in path.read_bytes()
    if _is_named_so(path):
        return True
    if not path.is_file():
        return False
    database = path.with_name(path.name.removesuffix(WAL))
    with (database if database.is_file() else path).open("rb") as file:
        return file.read(12)[8:] == DATABASE_MARK


def _is_named_so(path: PurePath) -> bool:
    table = _MONTH.sub("", path.stem)
    is_table = path.suffix in SUFFIXES and table in TABLE_NAMES
    return is_table or path.name == PACKAGE or path.name.removesuffix(WAL).endswith(".duckdb")


def month_file(table: str, month: str) -> str:
    """Return where an export puts a month of a table, as every engine finds it.

    Examples
    --------
    >>> month_file("impressions", "2026-01")
    'impressions/month=2026-01/impressions-2026-01.parquet'
    """
    return f"{table}/month={month}/{table}-{month}.parquet"
