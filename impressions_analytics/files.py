"""Put a file in place whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from impressions_analytics.errors import ArchiveError

LEFTOVERS = ".*.tmp"
"""The names of files that were being written, and stay when the writer is killed; every engine passes over them."""


def replace_file(path: Path, write: Callable[[Path], None]) -> Path:
    """Put a file in place whole or not at all: written beside, forced to the disk, moved, the folder forced too.

    Parameters
    ----------
    path : pathlib.Path
        The place; what is there stays until the new file is safe.
    write : callable
        Writes the file to the path it is given, which is an empty file, and raises if what it wrote is not right.

    Raises
    ------
    ArchiveError
        The operating system refused: no room, no permission, no folder.

    Examples
    --------
    >>> import tempfile
    >>> path = replace_file(Path(tempfile.mkdtemp()) / "note.txt", lambda temporary: temporary.write_text("whole"))
    >>> path.read_text()
    'whole'
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        write(temporary)
        _force_to_disk(temporary)
        temporary.replace(path)
        _force_to_disk(path.parent)
    except OSError as error:
        raise ArchiveError(
            f"{path} could not be written: {error.strerror or error}; what was there is unchanged: "
            "make room or give permission, and try again"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return path


def _force_to_disk(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows cannot open a folder
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
