"""Put a file in place whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from impressions_analytics.errors import ArchiveError

LEFTOVERS = ".*.tmp"
"""The names of files that were being written, and stay when the writer is killed; every engine passes over them."""


def replace_file(path: Path, write: Callable[[Path], object]) -> Path:
    """Put a file in place whole or not at all: written beside, forced to the disk, moved, the folder forced too.

    Parameters
    ----------
    path : pathlib.Path
        The place; what is there stays until the new file is safe. A link stays, and leads to the new file.
    write : callable
        Writes the file to the path it is given, which is an empty file, and raises if what it wrote is not right.

    Raises
    ------
    ArchiveError
        The operating system refused: no room, no permission, no folder; or the place is a folder or a device.

    Examples
    --------
    >>> import tempfile
    >>> path = replace_file(Path(tempfile.mkdtemp()) / "note.txt", lambda temporary: temporary.write_text("whole"))
    >>> path.read_text()
    'whole'
    """
    with _beside(path) as (place, temporary):
        write(temporary)
        _force_to_disk(temporary)
        temporary.replace(place)
        _force_to_disk(place.parent)
    return path


def check_place(path: Path) -> None:
    """Raise where `replace_file` would have to give up: for whoever has long to work before there is a file to put.

    Raises
    ------
    ArchiveError
        No folder, no permission, no room, or a folder or a device where the file should go.

    Examples
    --------
    >>> check_place(Path("/"))
    Traceback (most recent call last):
    impressions_analytics.errors.ArchiveError: / is a folder; give the path of a file
    """
    with _beside(path):
        pass


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[tuple[Path, Path]]:
    """Give the place of a file, behind any link, and an empty file beside it that is gone in the end."""
    place = Path(os.path.realpath(path))
    temporary = place.parent / f".{place.name}.{secrets.token_hex(4)}.tmp"
    try:
        if place.exists() and not place.is_file():
            raise ArchiveError(f"{path} is a {'folder' if place.is_dir() else 'device'}; give the path of a file")
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield place, temporary
    except OSError as error:
        raise ArchiveError(
            f"{path} could not be written: {error.strerror or error}; what was there is unchanged: "
            "make room or give permission, and try again"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _force_to_disk(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows cannot open a folder
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
