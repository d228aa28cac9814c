"""Put a file in place whole or not at all."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

from impressions_analytics.errors import ArchiveError

LEFTOVER = re.compile(r"^(?P<held>\..+\.[0-9a-f]{8}\.tmp)(\.[a-z.]+)?$", re.DOTALL)
"""The name of a file that was being written, and stays when the writer is killed; every engine passes over it.

A lock on the file tells that its writer lives; with it go the files whose names begin with its name.
"""


def replace_file(path: Path, write: Callable[[Path], object]) -> Path:
    """Replace a file as a whole or not at all. The new file is written beside it, forced to the disk, and then moved.

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
    """Raise when `replace_file` could not write here. Call it before work that takes long.

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


def drop_leftovers(folder: Path, *, of: str = "", below: bool = False) -> None:
    """Remove what writers that were killed left half written in a folder.

    Parameters
    ----------
    folder : pathlib.Path
        The folder.
    of : str
        Only what was on its way to the file of this name; any file if left out.
    below : bool
        Look into the folders in it too.
    """
    start = f".{of}." if of else "."
    for found in folder.rglob(".*.tmp*") if below else folder.glob(".*.tmp*"):
        name = LEFTOVER.match(found.name)
        if name and found.name.startswith(start) and not _is_held(found.with_name(name["held"])):
            found.unlink(missing_ok=True)


def _is_held(temporary: Path) -> bool:
    """Say whether the writer of a temporary file lives."""
    try:
        handle = os.open(temporary, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return False
    try:
        return not _hold(handle)
    finally:
        os.close(handle)


def _hold(handle: int) -> bool:
    """Lock an open file until it is closed, and say whether that went; Windows cannot, and moves no open file."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[tuple[Path, Path]]:
    """Give the place of a file, behind any link, and an empty file beside it that is gone in the end."""
    place = Path(os.path.realpath(path))
    temporary = place.parent / f".{place.name}.{secrets.token_hex(4)}.tmp"
    handle = None
    try:
        if place.exists() and not place.is_file():
            raise ArchiveError(f"{path} is a {'folder' if place.is_dir() else 'device'}; give the path of a file")
        drop_leftovers(place.parent, of=place.name)
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        if not _hold(handle):
            os.close(handle)
            handle = None
        yield place, temporary
    except OSError as error:
        raise ArchiveError(
            f"{path} could not be written: {error.strerror or error}; what was there is unchanged: "
            "make room or give permission, and try again"
        ) from error
    finally:
        if handle is not None:
            os.close(handle)
        with contextlib.suppress(OSError):
            for found in (temporary, *place.parent.glob(f"{glob.escape(temporary.name)}.*")):
                found.unlink(missing_ok=True)


def _force_to_disk(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows cannot open a folder
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
