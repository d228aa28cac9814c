"""Write an archive as flat tables for tools that make reports: Parquet, CSV, Excel, or DuckDB with ready views."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from impressions_analytics.archive.kept_logs import LOG_KINDS, KeptDay, KeptLogs, log_table
from impressions_analytics.archive.merge import in_groups
from impressions_analytics.archive.own_exports import EXPORTS, USER_AGENTS
from impressions_analytics.archive.partitions import KindPartitions
from impressions_analytics.archive.privacy import check_key, pseudonymise, pseudonymise_log
from impressions_analytics.archive.results import Export
from impressions_analytics.archive.spreadsheets import write_csv, write_excel
from impressions_analytics.archive.store import Store, open_output, open_store
from impressions_analytics.archive.views import VIEWS
from impressions_analytics.columns import arrow_schema, time_column
from impressions_analytics.errors import ArchiveError, InvalidArgumentError
from impressions_analytics.loader.log_columns import LogKind, log_schema
from impressions_analytics.parquet.database import duckdb_told, settings
from impressions_analytics.parquet.layout import ROWS_PER_GROUP, write_tables
from impressions_analytics.parquet.working_folder import scratch_folder

if TYPE_CHECKING:
    import pyarrow as pa

NO_AGENT = {"parquet": "", "duckdb": "", "csv": "(none)", "excel": "(none)"}
"""The user agent of a row without one: a null joins to nothing, and DuckDB reads an empty text in CSV as a null."""
FORMATS = ("parquet", "csv", "duckdb", "excel")
ONE_FILE = ("duckdb", "excel")
"""The formats that are one file for all tables; the others are a folder."""

Change = Callable[["pa.Table"], "pa.Table"]


@dataclass(frozen=True)
class Tables:
    """The tables of an export, each as a stream of Arrow tables with one schema.

    Attributes
    ----------
    kinds : sequence of KindPartitions
        Where the rows are.
    utc : bool
        Whether timestamps become instants.
    key : bytes or None
        The key for pseudonyms.
    no_agent : str
        The user agent of rows without one, so that they find their row in the table of user agents.
    """

    kinds: Sequence[KindPartitions]
    utc: bool
    key: bytes | None
    no_agent: str

    @property
    def logs(self) -> KeptLogs:
        """The daily log files that lie beside the rows."""
        return KeptLogs.beside(self.kinds[0])

    def streams(self) -> dict[str, Callable[[], Iterator[pa.Table]]]:
        """Return how to get the rows of each table, by name."""
        found: dict[str, Callable[[], Iterator[pa.Table]]] = {
            partitions.kind: functools.partial(self._rows, partitions) for partitions in self.kinds
        }
        with_agents = [partitions for partitions in self.kinds if "useragent" in _schema(partitions).names]
        if with_agents:
            found[USER_AGENTS] = functools.partial(_user_agents, with_agents, self.no_agent)
        of_logs = [partitions.kind for partitions in self.kinds if partitions.kind in LOG_KINDS]
        for kind in (cast("LogKind", kind) for kind in of_logs):
            if days := self.logs.days(kind):
                found[log_table(kind)] = functools.partial(self._log, kind, days)
        return found

    def _log(self, kind: LogKind, days: Sequence[KeptDay]) -> Iterator[pa.Table]:
        """Give the rows of a kind of log; tags become one text."""
        schema = log_schema(kind, self.logs.family)
        yield self._change_log(schema.empty_table())
        for rows in in_groups(table for day in days for table in self.logs.tables(day, schema.names)):
            yield self._change_log(rows.cast(schema))

    def _change_log(self, rows: pa.Table) -> pa.Table:
        import pyarrow as pa
        import pyarrow.compute as pc

        place = rows.schema.get_field_index("tags")
        rows = rows.set_column(place, pa.field("tags", pa.string()), pc.binary_join(rows["tags"], ";"))
        rows = rows if self.key is None else pseudonymise_log(rows, self.key)
        rows = name_agents(rows, self.no_agent)
        return to_utc(rows, "timestamp", self.logs.zone) if self.utc else rows

    def _rows(self, partitions: KindPartitions) -> Iterator[pa.Table]:
        yield self._change(partitions, _schema(partitions).empty_table())
        for rows in in_groups(_batches(partitions, None)):
            yield self._change(partitions, rows.cast(_schema(partitions)))

    def _change(self, partitions: KindPartitions, rows: pa.Table) -> pa.Table:
        if self.key is not None:
            rows = pseudonymise(rows, partitions.kind, self.key)
        rows = name_agents(rows, self.no_agent)
        return to_utc(rows, time_column(partitions.kind), partitions.zone) if self.utc else rows


def export_archive(
    kinds: Sequence[KindPartitions],
    path: str | os.PathLike[str],
    *,
    store: Store,
    format: str,
    utc: bool,
    pseudonym_key: bytes | None,
    still_whole: Callable[[], bool],
) -> Export:
    """Write the tables of some kinds; see `Archive.export`.

    An erasure writes its list first and removes exports last. So an export that finds the list as it was holds nobody
    of that list, or is removed by that erasure; one that finds it longer removes itself.
    """
    if format not in FORMATS:
        raise InvalidArgumentError(f"format={format!r} is no format; use one of {', '.join(FORMATS)}")
    if pseudonym_key is not None:
        check_key(pseudonym_key, "pseudonym_key")
    kinds = [partitions for partitions in kinds if partitions.files()]
    if not kinds:
        raise ArchiveError(f"{store.name} holds no rows of what is to be exported; sync first")
    if format == "excel" and not os.fspath(path).lower().endswith(".xlsx"):
        raise InvalidArgumentError(f"{os.fspath(path)!r} must end in .xlsx, or Excel will not open it")
    output, file = open_output(path) if format in ONE_FILE else (open_store(path), "")
    _check_place(output, file, store)
    streams = Tables(kinds, utc, pseudonym_key, NO_AGENT[format]).streams()
    if format in ONE_FILE:
        rows = {"duckdb": _write_duckdb, "excel": _write_excel}[format](output, file, streams)
    else:
        rows = _write_files(output, streams, suffix=format)
    files = [file] if format in ONE_FILE else [f"{name}.{format}" for name in rows]
    if not still_whole():
        for name in files:
            output.delete(name)
        raise ArchiveError(f"somebody was erased from {store.name} while it was exported; export again")
    shown = output.label(file) if format in ONE_FILE else output.name
    return Export(
        shown, format, rows, [output.label(name) for name in files], pseudonymised=pseudonym_key is not None, utc=utc
    )


def _check_place(output: Store, file: str, store: Store) -> None:
    """Refuse a place between the archive's own files, where every engine would read the export too."""
    place, root = (_resolved(of, name) for of, name in ((output, file), (store, "")))
    same = type(output.filesystem) is type(store.filesystem)
    if same and place.is_relative_to(root) and not place.is_relative_to(root / EXPORTS):
        raise InvalidArgumentError(
            f"{output.label(file).rstrip('/')} lies inside the archive; export to its folder {EXPORTS!r}, or to a "
            "place outside"
        )


def _resolved(store: Store, file: str) -> PurePosixPath:
    """Return a place with its links and .. seen for what they are."""
    place = store.place(file)
    return PurePosixPath(Path(os.path.realpath(place)).as_posix() if store.is_local else place)


def _write_files(output: Store, streams: Any, *, suffix: str) -> dict[str, int]:
    rows = {}
    for name, stream in streams.items():
        counts: list[int] = []
        write = {"parquet": _write_parquet, "csv": write_csv}[suffix]
        output.put(f"{name}.{suffix}", lambda path: counts.append(write(stream(), path)))  # noqa: B023
        rows[name] = counts[0]
    return rows


def _write_parquet(tables: Iterator[pa.Table], path: Path) -> int:
    return write_tables(tables, path)


def _write_excel(output: Store, file: str, streams: Any) -> dict[str, int]:
    rows: dict[str, int] = {}
    output.put(file, lambda path: rows.update(write_excel(streams, path)))
    return rows


def _write_duckdb(output: Store, file: str, streams: Any) -> dict[str, int]:
    import duckdb

    rows: dict[str, int] = {}

    def write(path: Path) -> None:
        with scratch_folder() as folder:
            # DuckDB wants to make its file itself, and takes a question mark for the end of the name.
            database = folder / "export.db" if "?" in str(path) else Path(f"{path}.db")
            with duckdb_told(output.label(file)):
                fill(database, folder)
            shutil.move(database, path)

    def fill(database: Path, folder: Path) -> None:
        with duckdb.connect(str(database), config=settings()) as connection:
            for name, stream in streams.items():
                table = folder / f"{name}.parquet"
                rows[name] = _write_parquet(stream(), table)
                connection.execute(f"CREATE TABLE {name} AS FROM read_parquet(?)", [str(table)])
                table.unlink()
            for view in VIEWS:
                if set(view.needs) <= set(streams):
                    connection.execute(f"CREATE VIEW {view.name} AS {view.query}")

    output.put(file, write)
    return rows


def name_agents(rows: pa.Table, no_agent: str) -> pa.Table:
    """Return the rows with a text for the user agent where there is none, so that a join keeps every row."""
    import pyarrow.compute as pc

    index = rows.schema.get_field_index("useragent")
    if index < 0:
        return rows
    known = pc.fill_null(rows["useragent"], "")
    named = pc.if_else(pc.equal(known, ""), no_agent, known)
    return rows.set_column(index, rows.schema.field(index), named)


def to_utc(rows: pa.Table, time: str, zone: str) -> pa.Table:
    """Return the rows of an Arrow table with the wall clock of their column `time` in `zone` as instants in UTC.

    Of the hour that comes twice in autumn the first is taken; a time in the hour that spring leaves out becomes the
    moment after it.

    Examples
    --------
    >>> import datetime as dt, pyarrow as pa
    >>> rows = pa.table({"timestamp": pa.array([dt.datetime(2026, 7, 5, 12)], pa.timestamp("us"))})
    >>> str(to_utc(rows, "timestamp", "Europe/Amsterdam")["timestamp"][0])
    '2026-07-05 10:00:00+00:00'
    """
    import pyarrow as pa

    wall = pd.Series(rows[time].to_numpy())
    local = wall.dt.tz_localize(zone, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="shift_forward")
    instants = pa.array(local.dt.tz_convert("UTC").dt.tz_localize(None), type=pa.timestamp("us"))
    kind = pa.timestamp("us", tz="UTC")
    index = rows.schema.get_field_index(time)
    field = pa.field(time, kind, rows.schema.field(index).nullable)
    return rows.set_column(index, field, instants.cast(kind))


def _user_agents(kinds: Sequence[KindPartitions], no_agent: str) -> Iterator[pa.Table]:
    """Give the table of user agents: each distinct one of the rows, with what it is."""
    import pyarrow as pa

    from impressions_analytics.user_agents import classify_user_agents

    found: set[str] = set()
    for partitions in kinds:
        for rows in _batches(partitions, ["useragent"]):
            found.update(text or "" for text in rows["useragent"].unique().to_pylist())
    judged = classify_user_agents(pd.Series(sorted(found), dtype="str"))
    plain = judged.replace({"useragent": {"": no_agent}})
    schema = pa.schema([(name, pa.bool_() if name == "is_mail" else pa.string()) for name in judged.columns])
    yield pa.Table.from_pandas(plain, schema=schema, preserve_index=False)


def _schema(partitions: KindPartitions) -> pa.Schema:
    return arrow_schema(partitions.kind, partitions.family)


def _batches(partitions: KindPartitions, columns: list[str] | None) -> Iterator[pa.Table]:
    for relative in partitions.files():
        yield from partitions.rows_of(relative, ROWS_PER_GROUP // 4, columns)
