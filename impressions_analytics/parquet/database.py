"""The embedded DuckDB: how it is opened, and how it is told the name of a file."""

from __future__ import annotations

import contextlib
import re
import tempfile
import uuid
from pathlib import Path
from typing import Any

MEMORY = "3GB"
"""What DuckDB may hold before it moves to disk; with what lies outside of it, an analysis stays within 4 GB."""


def connect() -> Any:
    """Return a fresh DuckDB in this process, behind Ibis, which keeps no file of its own but what does not fit.

    What does not fit in memory goes to a folder in the temporary directory (see TMPDIR) whose name begins with
    ``impressions_analytics_``; it is removed in the end. Nothing is installed over the network.
    """
    import duckdb
    import ibis

    spill = Path(tempfile.gettempdir()) / f"impressions_analytics_{uuid.uuid4().hex}"  # made and removed by DuckDB
    backend = ibis.duckdb.connect(memory_limit=MEMORY, temp_directory=str(spill), autoinstall_known_extensions=False)
    # Ibis turns the progress bar on, and it goes to stdout, which is for data; a kernel without widgets has none.
    with contextlib.suppress(duckdb.InvalidInputException):
        backend.raw_sql("SET enable_progress_bar = false")
    return backend


def literal(path: str) -> str:
    """Return the name of a file as DuckDB takes it: what would be a pattern there stands for itself.

    Examples
    --------
    >>> literal("mail/only[2]/*.parquet")
    'mail/only[[]2]/[*].parquet'
    """
    return re.sub(r"[*?[]", r"[\g<0>]", path)
