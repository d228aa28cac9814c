"""Parquet files in an object store, read through pyarrow: no package beside it is needed for the common stores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from impressions_analytics.errors import ArchiveError, InvalidArgumentError

PROTOCOLS = ("s3", "gs", "gcs", "abfs", "abfss", "hdfs")
"""The kinds of address that pyarrow reaches by itself."""
ARCHIVE_FILE = ".archive.json"
"""The file by which an archive is known; every engine passes over names that begin with a dot."""


def is_remote(path: object) -> bool:
    """Whether a path is the address of a place in an object store.

    Examples
    --------
    >>> is_remote("s3://mail/opens.parquet"), is_remote("mail/opens.parquet"), is_remote("https://example.org/a.parquet")
    (True, False, False)
    """
    return isinstance(path, str) and path.startswith(tuple(f"{protocol}://" for protocol in PROTOCOLS))


def shown(address: str) -> str:
    """Return an address without what may be secret in it: keys and options."""
    protocol, _, rest = address.partition("://")
    return f"{protocol}://{rest.split('?')[0].rsplit('@', 1)[-1]}"


def remote_rows(address: str) -> Any:
    """Return the Parquet files below an address as one pyarrow dataset, whose pages are held against their checksums.

    Raises
    ------
    InvalidArgumentError
        There is no Parquet file, or the address is that of a whole archive.
    ArchiveError
        The store cannot be reached, or refuses.
    """
    import pyarrow.dataset as ds

    filesystem, root = _opened(address)
    with _told(address):
        if _is_archive(filesystem, root):
            raise InvalidArgumentError(f"{shown(address)} is an archive of several kinds: give ia.Archive({address!r})")
        options = ds.ParquetFragmentScanOptions(page_checksum_verification=True)
        checked = ds.ParquetFileFormat(default_fragment_scan_options=options)
        try:
            rows = ds.dataset(root, filesystem=filesystem, format=checked)
        except FileNotFoundError:
            rows = None
        if rows is None or not rows.files:
            raise InvalidArgumentError(f"there is no Parquet file at {shown(address)}")
        return rows


def open_remote(address: str) -> Any:
    """Open one file for reading; it is to be closed.

    Raises
    ------
    ArchiveError
        It is not there, or the store cannot be reached or refuses.
    """
    filesystem, root = _opened(address)
    with _told(address):
        return filesystem.open_input_file(root)


def is_remote_archive(address: str) -> bool:
    """Whether an archive lies at an address."""
    filesystem, root = _opened(address)
    with _told(address):
        return _is_archive(filesystem, root)


def _is_archive(filesystem: Any, root: str) -> bool:
    return bool(filesystem.get_file_info(f"{root}/{ARCHIVE_FILE}").is_file)


def _opened(address: str) -> tuple[Any, str]:
    import pyarrow.fs as pafs

    try:
        filesystem, root = pafs.FileSystem.from_uri(address)
    except (ValueError, OSError, ImportError) as error:
        raise InvalidArgumentError(f"the address {shown(address)} cannot be understood: {_first_line(error)}") from None
    return filesystem, root.rstrip("/")


@contextmanager
def _told(address: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise ArchiveError(f"there is no file {shown(address)}") from None
    except OSError as error:
        raise ArchiveError(f"{shown(address)} cannot be read: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
