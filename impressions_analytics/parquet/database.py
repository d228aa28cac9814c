"""The embedded DuckDB: how it is opened, how it is told the name of a file, and what its refusals mean."""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Iterator
from typing import Any

from impressions_analytics.errors import AnalysisError, ArchiveError, DamagedFileError, ImpressionsError
from impressions_analytics.parquet.working_folder import working_folder

MEMORY = "3GB"
"""What DuckDB may hold before it moves to disk; with what lies outside of it, an analysis stays within 4 GB."""


def connect() -> Any:
    """Return a connection of its own, behind Ibis, to the DuckDB of this process: opening one takes 20 times as long.

    Connections may be used at the same time in several threads. Together they stay within `MEMORY`. What does not fit
    goes to the working folder of this process, in the temporary directory (see TMPDIR). Nothing is installed over the
    network, and nothing is kept of a file from one query to the next: it may have been replaced.
    """
    import duckdb
    import ibis

    backend = ibis.duckdb.from_connection(_database(os.getpid(), str(working_folder())).cursor())
    # Ibis turns the progress bar on, and it goes to stdout, which is for data; a kernel without widgets has none.
    with contextlib.suppress(duckdb.InvalidInputException):
        backend.raw_sql("SET enable_progress_bar = false")
    return backend


def settings() -> dict[str, Any]:
    """Return the settings under which every DuckDB of this package is opened."""
    return {
        "memory_limit": MEMORY,
        "temp_directory": str(working_folder() / "spill"),
        "enable_external_file_cache": "false",
        "autoinstall_known_extensions": "false",
    }


@functools.cache
def _database(process: int, folder: str) -> Any:
    """Open the shared DuckDB of a process; a forked one cannot use its parent's, whose threads it does not have."""
    import duckdb

    with duckdb_told("the embedded DuckDB"):
        return duckdb.connect(":memory:", config=settings())


@contextlib.contextmanager
def duckdb_told(what: str) -> Iterator[None]:
    """Turn what DuckDB refuses into an error of the tree; a query that is no SQL stays a bug.

    Parameters
    ----------
    what : str
        What is being read or computed.
    """
    import duckdb

    try:
        yield
    except (duckdb.ProgrammingError, duckdb.InternalError, duckdb.NotSupportedError) as error:
        if isinstance(error, duckdb.InvalidInputException):
            raise _meaning(error, what) from error
        raise
    except duckdb.Error as error:
        raise _meaning(error, what) from error


def _meaning(error: Exception, what: str) -> ImpressionsError:
    import duckdb

    reason = " ".join(str(error).split())[:500]
    if isinstance(error, duckdb.OutOfMemoryException) or re.search("No space left|Could not write|disk", reason):
        file = re.search('Could not write file "([^"]+)"', reason)
        if file and not file[1].startswith(str(working_folder())):
            return ArchiveError(f"{what}: there is no room: {reason}. Make room where this file lies, and try again")
        return ArchiveError(
            f"{what}: there is no room: {reason}. What does not fit in memory goes to {working_folder()}: make room "
            "there, or set TMPDIR to a folder with more"
        )
    if isinstance(error, duckdb.DataError):
        return AnalysisError(f"{what}: a value is beyond what can be computed with: {reason}")
    return DamagedFileError(f"{what} cannot be read: {reason}")


def literal(path: str) -> str:
    """Return the name of a file as DuckDB takes it: what would be a pattern there stands for itself.

    Examples
    --------
    >>> literal("mail/only[2]/*.parquet")
    'mail/only[[]2]/[*].parquet'
    """
    return re.sub(r"[*?[]", r"[\g<0>]", path)
