"""Snapshots: one typed frame in one Parquet file, written whole or not at all, read back identical."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from impressions_analytics.certificate import Certificate, certificate_of
from impressions_analytics.columns import Kind
from impressions_analytics.errors import DamagedFileError, InvalidArgumentError
from impressions_analytics.parquet.files import replace_file
from impressions_analytics.parquet.layout import Provenance, write_tables
from impressions_analytics.parquet.places import local_path
from impressions_analytics.parquet.remote import is_remote, open_remote, shown
from impressions_analytics.parquet.rows_file import RowsFile
from impressions_analytics.parquet.tables import identify, to_frame, to_table

if TYPE_CHECKING:
    import pandas as pd


def write_snapshot(frame: pd.DataFrame, path: str | os.PathLike[str], *, kind: Kind | None = None) -> Path:
    """Write a typed frame to one Parquet file that every engine can read.

    The file is written beside its place, checked, forced to the disk and then moved there, so that ``path`` holds the
    old file or the new one and never half of one. The certificate in ``frame.attrs["load"]`` goes into the file,
    as far as it belongs to the rows: of some rows of a load it says that they are a part.
    The index is not kept, and neither are categories that no row has.

    Parameters
    ----------
    frame : pandas.DataFrame
        A frame as the loaders return it, or some of its rows.
    path : path
        Where to write; a file that is there is replaced. The folder must exist.
    kind : str, optional
        What the rows are, such as ``"impressions"``; found from the certificate or the columns if left out.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InvalidArgumentError
        The frame is not a typed frame of one kind; nothing was written.
    ArchiveError
        The file could not be written; a file that was there is as it was.

    Examples
    --------
    >>> import pandas as pd, tempfile
    >>> sent = pd.DataFrame({"ID": [7], "mailing": [412], "timestamp": pd.to_datetime(["2026-01-05 09:00:00"]),
    ...                      "attempts": [1], "destination": [112], "profile": [13453], "subprofile": [None]})
    >>> path = write_snapshot(sent, Path(tempfile.mkdtemp()) / "deliveries.parquet")
    >>> read_snapshot(path, columns=["ID", "profile", "subprofile"])
       ID  profile  subprofile
    0   7    13453        <NA>
    """
    import pyarrow.parquet as pq

    if "://" in os.fspath(path):
        raise InvalidArgumentError(
            f"{shown(os.fspath(path))} is an address, and a snapshot is a file on this machine: an Archive writes to "
            "object stores"
        )
    kind, family = identify(frame, kind=kind)
    load = certificate_of(frame)
    provenance = Provenance(kind, family, load=load, zone=(load or {}).get("zone"))
    table = to_table(frame, kind, family)

    def write(temporary: Path) -> None:
        write_tables([table], temporary, lambda: provenance)
        written = pq.read_metadata(temporary).num_rows
        if written != len(frame):
            raise DamagedFileError(f"{path} came out with {written} rows of {len(frame)}; it was not put in place")

    return replace_file(local_path(path), write)


def read_snapshot(path: str | os.PathLike[str], *, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a snapshot back as the typed frame that was written.

    Parameters
    ----------
    path : path
        A file that `write_snapshot` wrote, or one of an archive's files.
    columns : sequence of str, optional
        Only these columns, in this order; all of them if left out.

    Returns
    -------
    pandas.DataFrame
        The rows in the order in which they were written, with the certificate in ``attrs["load"]`` if there was one.

    Raises
    ------
    InvalidArgumentError
        A column is asked for that the file does not have.
    DamagedFileError
        The file cannot be read as Parquet, or is not what it says it is.
    ArchiveError
        There is no such file, or another program or a newer version wrote it.

    Examples
    --------
    >>> read_snapshot("nowhere.parquet")
    Traceback (most recent call last):
    impressions_analytics.errors.ArchiveError: there is no file nowhere.parquet
    """
    with ExitStack() as opened:
        if is_remote(path):
            file = opened.enter_context(RowsFile(opened.enter_context(open_remote(str(path))), shown(str(path))))
        else:
            file = opened.enter_context(RowsFile(local_path(path), str(path)))
        provenance, known = file.provenance, file.schema.names
        unknown = [name for name in columns or () if name not in known]
        if unknown:
            raise InvalidArgumentError(f"{path} has no column {unknown[0]!r}; it has {', '.join(known)}")
        table = file.rows(columns)
    frame = to_frame(table, provenance.kind, provenance.family)
    if provenance.load is not None:
        frame.attrs["load"] = Certificate(provenance.load)
    return frame
