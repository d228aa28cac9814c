"""Where an archive's files are: a folder, or an object store that pyarrow or fsspec can reach; whole files only."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs
from filelock import FileLock, Timeout

from impressions_analytics.archive.conditional import ConditionalStore
from impressions_analytics.archive.lease import WRITER, WriterLease
from impressions_analytics.errors import ArchiveBusyError, ArchiveError, InvalidArgumentError
from impressions_analytics.parquet.files import drop_leftovers, replace_file
from impressions_analytics.parquet.places import local_path
from impressions_analytics.parquet.remote import shown
from impressions_analytics.parquet.working_folder import scratch_folder

LOCK_NAME = ".lock"


@dataclass(frozen=True)
class Store:
    """A root under which files are named by relative paths with slashes.

    Attributes
    ----------
    root : str
        The folder, or the prefix in the object store, without a slash at the end.
    filesystem : pyarrow.fs.FileSystem
        What reads it.
    name : str
        What to call the root in messages; it holds no credentials.
    address : str or None
        The address in an object store, with its options; None for a folder, or a file system that was handed over.
    """

    root: str
    filesystem: Any
    name: str
    address: str | None = field(default=None, repr=False)
    _leases: list[WriterLease] = field(default_factory=list, repr=False, compare=False)

    @property
    def is_local(self) -> bool:
        """Whether the files are on this machine's own file system."""
        return isinstance(self.filesystem, pafs.LocalFileSystem)

    def place(self, relative: str) -> str:
        """Return the path of a file as the file system spells it."""
        return f"{self.root}/{relative}"

    def label(self, relative: str) -> str:
        """Return what to call a file in messages."""
        return f"{self.name}/{relative}"

    def files_below(self, folder: str, suffix: str) -> list[str]:
        """Return the relative paths of the files below a folder whose names end with a suffix, in order."""
        selector = pafs.FileSelector(self.place(folder), allow_not_found=True, recursive=True)
        with self._said(folder):
            found = self.filesystem.get_file_info(selector)
        files = [info.path for info in found if info.type == pafs.FileType.File]
        start = len(self.root) + 1
        return sorted(path[start:] for path in files if path.endswith(suffix))

    def open(self, relative: str) -> Any:
        """Open a file for reading, as something that pyarrow can read from."""
        with self._said(relative):
            return self.filesystem.open_input_file(self.place(relative))

    def exists(self, relative: str) -> bool:
        """Say whether there is a file."""
        with self._said(relative):
            return bool(self.filesystem.get_file_info(self.place(relative)).type == pafs.FileType.File)

    def size(self, relative: str) -> int:
        """Return how many bytes a file has."""
        with self._said(relative):
            return int(self.filesystem.get_file_info(self.place(relative)).size)

    def put(self, relative: str, write: Callable[[Path], object]) -> None:
        """Put a file in place whole or not at all.

        Parameters
        ----------
        relative : str
            The place; a file that is there is replaced.
        write : callable
            Writes the file to a path on this machine, and raises if what it wrote is not right.
        """
        if self.is_local:
            path = Path(self.place(relative))
            with self._said(relative):
                path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, write)
            return
        # An object store shows an upload only when it is complete, so the check is made before it.
        with self._said(relative), scratch_folder() as folder:
            temporary = folder / "upload"
            write(temporary)
            if self._leases:
                self._leases[0].put(relative, temporary)
                return
            here = pafs.LocalFileSystem()
            pafs.copy_files(
                str(temporary), self.place(relative), source_filesystem=here, destination_filesystem=self.filesystem
            )
            if self.size(relative) != temporary.stat().st_size:
                raise ArchiveError(
                    f"{self.label(relative)} arrived with another size than it was sent with; sync again"
                )

    def delete(self, relative: str) -> None:
        """Remove a file; one that is gone already is fine."""
        for lease in self._leases:
            lease.check()
        with self._said(relative), contextlib.suppress(FileNotFoundError):
            self.filesystem.delete_file(self.place(relative))

    def drop_empty_folder(self, relative: str) -> None:
        """Remove a folder that holds nothing any more; one that holds something stays. An object store has none."""
        if self.is_local and relative:
            with contextlib.suppress(OSError):
                Path(self.place(relative)).rmdir()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other writer out: on this machine by a lock, and from an address also those of other machines.

        A file system that was handed over keeps only this machine's other writers out.

        Raises
        ------
        ArchiveBusyError
            Another process is writing to the archive, on this or another machine.
        """
        path = self._lock_path()
        with self._said(LOCK_NAME):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path)
            try:
                lock.acquire(timeout=0)
            except Timeout as error:
                raise ArchiveBusyError(
                    f"another process is writing to the archive {self.name}; wait for it to end and try again "
                    f"(the lock {path} is let go when that process ends, however it ends)"
                ) from error
        try:
            self._drop_leftovers()
            with self._leased():
                yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def _leased(self) -> Iterator[None]:
        """Keep writers of other machines out, where there can be any."""
        if self.address is None:
            yield
            return
        with self._said(WRITER):
            lease = WriterLease(ConditionalStore(self.address), self.name)
            lease.acquire()
        self._leases.append(lease)
        try:
            yield
        finally:
            self._leases.remove(lease)
            lease.release()

    def _drop_leftovers(self) -> None:
        """Remove what a writer that was killed left half written; an object store keeps nothing half."""
        if self.is_local:
            with self._said("a file that was left half written"):
                drop_leftovers(Path(self.root), below=True)

    def _lock_path(self) -> Path:
        if self.is_local:
            return Path(self.place(LOCK_NAME))
        digest = hashlib.sha256(self.root.encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"impressions-archive-{digest}.lock"

    @contextlib.contextmanager
    def _said(self, relative: str) -> Iterator[None]:
        """Turn the refusal of a file system into an `ArchiveError` that names the file."""
        try:
            yield
        except FileNotFoundError as error:
            raise ArchiveError(f"there is no file {self.label(relative)}") from error
        except PermissionError as error:
            raise ArchiveError(
                f"{self.label(relative)}: permission denied; let the user that runs this read and write {self.name}"
            ) from error
        except OSError as error:
            raise ArchiveError(f"{self.label(relative)} cannot be reached: {error.strerror or error}") from error


def open_store(path: str | os.PathLike[str], filesystem: Any = None) -> Store:
    """Return the store at a path or an address such as ``s3://bucket/archive``.

    Parameters
    ----------
    path : path or str
        A folder, which need not exist yet, or the address of a place in an object store.
    filesystem : pyarrow or fsspec filesystem, optional
        Reads the path instead of what the address says.

    Raises
    ------
    InvalidArgumentError
        Nothing here can reach the address, or it is a file.
    """
    text = os.fspath(path)
    if filesystem is not None:
        if not isinstance(filesystem, pafs.FileSystem):
            filesystem = pafs.PyFileSystem(pafs.FSSpecHandler(filesystem))
        return Store(text.rstrip("/"), filesystem, text.rstrip("/"))
    if "://" not in text:
        folder = local_path(text).absolute()
        if folder.exists() and not folder.is_dir():
            raise InvalidArgumentError(f"{text} is a file, not a folder; give the path of a folder")
        return Store(str(folder), pafs.LocalFileSystem(), text.rstrip("/"))
    try:
        filesystem, root = pafs.FileSystem.from_uri(text)
    except (ValueError, OSError, ImportError) as error:
        raise InvalidArgumentError(
            f"the address {shown(text)!r} cannot be reached: pass filesystem=, a pyarrow or fsspec file system"
        ) from error
    return Store(root.rstrip("/"), filesystem, shown(text).rstrip("/"), address=text)


def open_output(path: str | os.PathLike[str]) -> tuple[Store, str]:
    """Return the store of the folder of one file, and the file's name in it: for what is written to any place.

    Parameters
    ----------
    path : path or str
        A path on this machine, or an address such as ``s3://bucket/report.html``.

    Raises
    ------
    InvalidArgumentError
        Nothing here can reach the address, or it names no file.

    Examples
    --------
    >>> store, name = open_output("/srv/mail/report.html")
    >>> store.root, name
    ('/srv/mail', 'report.html')
    """
    text = os.fspath(path)
    address, question, options = text.partition("?") if "://" in text else (text, "", "")
    folder, _, name = str(local_path(address).absolute() if "://" not in text else address).rpartition("/")
    if not name or folder.endswith(":/"):
        raise InvalidArgumentError(f"{address.rsplit('@', 1)[-1]!r} names no file; give the path of a file")
    return open_store(f"{folder or '/'}{question}{options}"), name
