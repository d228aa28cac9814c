"""The exports that are kept inside an archive: which files they are, and how an erasure removes them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath

from impressions_analytics.archive.kept_logs import LOG_KINDS, log_table
from impressions_analytics.archive.store import Store
from impressions_analytics.columns import KINDS

EXPORTS = "exports"
"""The folder inside an archive where exports may be kept; an erasure removes them."""

USER_AGENTS = "user_agents"
TABLE_NAMES = (*KINDS, USER_AGENTS, *map(log_table, LOG_KINDS))
SUFFIXES = (".parquet", ".csv")
DATABASE_MARK = b"DUCK"
"""Stands in every DuckDB file after the first eight bytes."""


def remove_exports(store: Store) -> tuple[list[str], list[str]]:
    """Remove the exports inside an archive; return the files that went, and the links that were not followed.

    Only files that an export makes are removed: the tables under their names, and DuckDB files. What a link leads to
    lies elsewhere, and is left.
    """
    removed: list[str] = []
    links: list[str] = []
    if not store.is_local:  # an object store has no links
        removed = [file for file in store.files_below(EXPORTS, "") if _is_named_so(PurePosixPath(file))]
        for file in removed:
            store.delete(file)
        return removed, links
    for path in _below(Path(store.root) / EXPORTS):
        relative = path.relative_to(store.root).as_posix()
        if path.is_symlink():
            links.append(relative)
        elif _is_export(path):
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
    if _is_named_so(path):
        return True
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(12)[8:] == DATABASE_MARK


def _is_named_so(path: PurePath) -> bool:
    return (path.suffix in SUFFIXES and path.stem in TABLE_NAMES) or path.suffix == ".duckdb"
