"""The names of files and folders on this machine: checked once, and never taken for a pattern by accident."""

from __future__ import annotations

import errno
import glob
import os
from pathlib import Path

from impressions_analytics.errors import InvalidArgumentError


def local_path(given: str | os.PathLike[str]) -> Path:
    """Return a path on this machine with its ``~`` resolved; what is there, and whether anything is, is not asked.

    Raises
    ------
    InvalidArgumentError
        No file can have that name, or some engine could not read it: it is empty or too long, holds a NUL, names a user
        that does not exist, or is not UTF-8.

    Examples
    --------
    >>> local_path("mail/only[2]").name
    'only[2]'
    >>> local_path("")
    Traceback (most recent call last):
    impressions_analytics.errors.InvalidArgumentError: the path is empty; give the path of a file or folder
    """
    text = os.fspath(given)
    if not text:
        raise InvalidArgumentError("the path is empty; give the path of a file or folder")
    shown = ascii(text) if len(text) < 300 else f"{text[:60]!a} and {len(text) - 60} letters more"
    try:
        text.encode()
        path = Path(text).expanduser()
        path.lstat()
    except UnicodeError:
        raise InvalidArgumentError(
            f"the path {shown} is not UTF-8, and DuckDB and Arrow read no such name; rename the file or folder"
        ) from None
    except RuntimeError:
        raise InvalidArgumentError(f"the path {shown} names a user that does not exist here") from None
    except ValueError:
        raise InvalidArgumentError(f"the path {shown} holds a NUL; no file can have such a name") from None
    except OSError as problem:
        if problem.errno == errno.ENAMETOOLONG:
            raise InvalidArgumentError(
                f"the path {shown} is longer than a name may be here; give a shorter one"
            ) from None
    return path


def parquet_files(given: str | os.PathLike[str]) -> list[str]:
    """Return the Parquet files of a path on this machine, in order of name.

    A file is itself, and a folder means all files that lie in it and whose names end with ``.parquet``, at any depth.
    Only what is not there under its own name is a pattern, and in it only what follows the last folder that is there.

    Examples
    --------
    >>> parquet_files("nowhere/*.parquet")
    []
    """
    path = local_path(given)
    if path.is_dir():
        pattern = f"{glob.escape(str(path))}/**/*.parquet"
    elif path.exists():
        return [str(path)]
    else:
        there = next(parent for parent in (*path.parents, Path(path.anchor)) if parent.exists())
        pattern = f"{glob.escape(str(there))}/{path.relative_to(there)}"
    return sorted(found for found in glob.glob(pattern, recursive=True) if Path(found).is_file())  # noqa: PTH207 - no Path.glob for absolute patterns
