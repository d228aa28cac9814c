"""A folder for what a process cannot hold in memory, or has not finished; it goes when the process ends.

A process that is killed leaves its folder. The next process that makes one removes every folder whose process is gone,
which the lock in it tells.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from impressions_analytics.errors import ArchiveError

PREFIX = "impressions_analytics_"
LOCK = "in-use"


def working_folder() -> Path:
    """Return the working folder of this process, in the temporary directory (see TMPDIR).

    Raises
    ------
    ArchiveError
        The temporary directory refuses: no room, or no permission.
    """
    folder = _folder_of(os.getpid(), tempfile.gettempdir())
    folder.mkdir(mode=0o700, exist_ok=True)  # systems clean their temporary directory while a notebook stays open
    return folder


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a folder inside of the working folder that is gone in the end."""
    with tempfile.TemporaryDirectory(dir=working_folder()) as folder:
        yield Path(folder)


@functools.cache
def _folder_of(process: int, temporary: str) -> Path:
    try:
        remove_left_folders(Path(temporary))
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=temporary))
        lock = FileLock(folder / LOCK, thread_local=False)
        lock.acquire(timeout=0)
    except OSError as error:
        raise ArchiveError(
            f"nothing can be put into the temporary directory {temporary}: {error.strerror or error}; make room there, "
            "or set TMPDIR to a folder that has it"
        ) from error
    atexit.register(_remove, folder, process, lock)
    return folder


def _remove(folder: Path, process: int, lock: FileLock) -> None:
    """Remove the folder of this process; a fork that ends leaves its parent's alone."""
    if os.getpid() == process:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def remove_left_folders(temporary: Path) -> None:
    """Remove the working folders of processes that were killed, those of this user only."""
    for folder in temporary.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, Timeout):
            if not folder.is_symlink() and (folder / LOCK).is_file() and _is_mine(folder):
                with FileLock(folder / LOCK, timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)


def _is_mine(folder: Path) -> bool:
    return not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
