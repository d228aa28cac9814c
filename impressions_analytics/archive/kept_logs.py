"""The daily log files that an archive keeps: one Parquet file per kind and day, replaced whole.

A record of a log has no number of its own, so a day is the least that can be asked again.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import numpy as np

from impressions_analytics.archive.merge import in_groups
from impressions_analytics.archive.partitions import KindPartitions
from impressions_analytics.archive.store import Store
from impressions_analytics.archive.suppression import Suppression, identifiers
from impressions_analytics.archive.unfinished import Unfinished
from impressions_analytics.columns import Family, Kind
from impressions_analytics.errors import ArchiveError, DamagedFileError
from impressions_analytics.loader.log_columns import LogKind, log_schema
from impressions_analytics.parquet.layout import Provenance, write_tables
from impressions_analytics.parquet.rows_file import UNREADABLE, read_provenance

if TYPE_CHECKING:
    import pyarrow as pa

LOGS = "logs"
"""The folder inside an archive."""
LOG_KINDS: tuple[LogKind, ...] = get_args(LogKind)
BATCH_ROWS = 100_000
LOG_PERSONS = ("message", "profile", "subprofile")
"""The columns of a log that stand for a person; each word is its own."""
_FILE = re.compile(rf"^{LOGS}/(?P<kind>[a-z]+)/log-(?P=kind)-(?P<day>\d{{4}}-\d{{2}}-\d{{2}})\.parquet$")

Choose = Callable[["pa.Table"], Any]


@dataclass(frozen=True, slots=True)
class KeptDay:
    """One file: its place, its day, how many rows it has, and when it was asked for in the account's wall clock."""

    relative: str
    kind: LogKind
    day: dt.date
    rows: int
    loaded_at: dt.datetime


@dataclass(frozen=True)
class KeptLogs:
    """The log files of one archive.

    Attributes
    ----------
    store : Store
        Where they are.
    family, zone : str
        Whose mail, and whose wall clock; written into every file and checked on reading.
    unfinished : Unfinished
        What was begun and has not ended; readers leave it out.
    """

    store: Store
    family: Family
    zone: str
    unfinished: Unfinished

    @classmethod
    def beside(cls, partitions: KindPartitions) -> KeptLogs:
        """Return the logs of the archive that some rows belong to."""
        return cls(partitions.store, partitions.family, partitions.zone, partitions.unfinished)

    def days(self, kind: LogKind) -> list[KeptDay]:
        """Return the files of a kind, oldest day first.

        Raises
        ------
        ArchiveError
            A file is foreign, damaged, or of another family or zone; the message names it.
        """
        found = []
        for relative in self.store.files_below(f"{LOGS}/{kind}", ".parquet"):
            if not (match := _FILE.match(relative)):
                raise ArchiveError(f"{self.store.label(relative)} is not a file of this archive; move it elsewhere")
            with self._open(relative, kind) as (file, load):
                found.append(
                    KeptDay(
                        relative, kind, dt.date.fromisoformat(match["day"]), file.metadata.num_rows,
                        dt.datetime.fromisoformat(load["loaded_at"]),
                    )
                )  # fmt: skip
        return found

    def all_days(self) -> list[KeptDay]:
        """Return the files of every kind."""
        return [day for kind in LOG_KINDS for day in self.days(kind)]

    def put(self, kind: LogKind, day: dt.date, tables: Iterable[pa.Table], loaded_at: dt.datetime) -> int:
        """Put the rows of a day in place, whole or not at all, and return how many they are."""
        written = 0

        def write(path: Path) -> None:
            nonlocal written
            rows = _after(log_schema(kind, self.family).empty_table(), in_groups(tables))
            written = write_tables(rows, path, lambda: self._provenance(kind, loaded_at))

        self.store.put(f"{LOGS}/{kind}/log-{kind}-{day}.parquet", write)
        return written

    def damaged(self) -> Iterator[tuple[str, str]]:
        """Read every file whole, and give the place and the trouble of each that cannot be used."""
        for kind in LOG_KINDS:
            for relative in self.store.files_below(f"{LOGS}/{kind}", ".parquet"):
                try:
                    with self._open(relative, kind) as (file, _):
                        for _batch in file.iter_batches(batch_size=BATCH_ROWS):
                            pass
                except ArchiveError as error:
                    yield self.store.label(relative), str(error)

    def tables(self, day: KeptDay, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield the rows of a file that a reader may see, so many at a time."""
        wanted = None if columns is None else list(dict.fromkeys([*columns, "timestamp", *LOG_PERSONS]))
        for rows in self.whole_tables(day, wanted):
            seen = rows.filter(self._seen(rows)) if self.unfinished else rows
            yield seen if columns is None else seen.select(list(columns))

    def whole_tables(self, day: KeptDay, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield all rows of a file, so many at a time."""
        import pyarrow as pa

        with self._open(day.relative, day.kind) as (file, _):
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=columns):
                rows = pa.Table.from_batches([batch])
                yield rows if columns is None else rows.select(list(columns))

    def remove(self, day: KeptDay, stays: Choose) -> int:
        """Write a day again without the rows that do not stay, if there are any, and return how many they are."""
        gone = sum(int((~stays(rows)).sum()) for rows in self.whole_tables(day, [*LOG_PERSONS]))
        if gone:
            staying = (rows.filter(stays(rows)) for rows in self.whole_tables(day))
            self.put(day.kind, day.day, staying, day.loaded_at)
        return gone

    def _seen(self, rows: pa.Table) -> Any:
        mask = np.ones(rows.num_rows, dtype=bool)
        if self.unfinished.erasure is not None:
            mask &= log_stays(self.unfinished.erasure, rows)
        if self.unfinished.keep_from is not None:
            mask &= rows["timestamp"].to_numpy() >= np.datetime64(self.unfinished.keep_from, "us")
        return mask

    def _provenance(self, kind: LogKind, loaded_at: dt.datetime) -> Provenance:
        return Provenance(cast("Kind", _kind_of(kind)), self.family, load={"loaded_at": str(loaded_at)}, zone=self.zone)

    @contextmanager
    def _open(self, relative: str, kind: LogKind) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Open a file, checked to be a log of its kind, family and zone; give it with what it says of its load."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        label = self.store.label(relative)
        with self.store.open(relative) as source:
            try:
                file = pq.ParquetFile(source, page_checksum_verification=True)
                provenance = read_provenance(file.metadata.metadata or {}, label)
                self._check(provenance, kind, label)
                yield file, provenance.load or {}
            except (OSError, pa.ArrowException, *UNREADABLE) as error:
                reason = " ".join(str(error).split())
                raise DamagedFileError(
                    f"{label} cannot be read as a log: {reason}. Restore it from a copy, or remove it and sync again"
                ) from error

    def _check(self, provenance: Provenance, kind: LogKind, label: str) -> None:
        wanted = {"kind": _kind_of(kind), "family": self.family, "zone": self.zone}
        for name, value in wanted.items():
            if (found := getattr(provenance, name)) != value:
                raise ArchiveError(f"{label} has {name} {found!r}, and the archive {value!r}; move it elsewhere")


def _kind_of(kind: LogKind) -> str:
    return f"log of {kind}"


def _after(first: pa.Table, others: Iterable[pa.Table]) -> Iterator[pa.Table]:
    yield first
    yield from others


def log_stays(suppression: Suppression, rows: pa.Table) -> Any:
    """Say of each row of a log whether it belongs to no erased person, as a numpy array of booleans."""
    return log_rows_not_of({word: suppression.erased(word, identifiers(rows, word)) for word in LOG_PERSONS}, rows)


def log_rows_not_of(persons: dict[str, Any], rows: pa.Table) -> Any:
    """Say of each row of a log whether it names none of some persons."""
    import pyarrow as pa
    import pyarrow.compute as pc

    gone = np.zeros(rows.num_rows, dtype=bool)
    for word in LOG_PERSONS:
        if named := persons.get(word):
            wanted = pa.array(sorted(named), rows.schema.field(word).type)
            gone |= pc.is_in(rows[word], value_set=wanted, skip_nulls=True).to_numpy()
    return ~gone


def suppress_log(suppression: Suppression, rows: pa.Table) -> pa.Table:
    """Return the rows of a log that belong to no erased person; the messages of an erased profile join the list."""
    if suppression.is_empty:
        return rows
    stays = log_stays(suppression, rows)
    if stays.all():
        return rows
    messages = identifiers(rows.filter(~stays), "message")
    if fresh := set(messages) - set(suppression.erased("message", messages)):
        suppression.begin({"message": fresh})
    return rows.filter(log_stays(suppression, rows))


def messages_of(kinds: Sequence[KindPartitions], logs: KeptLogs, persons: dict[str, set[Any]]) -> set[str]:
    """Return the messages of a person: of the destinations that are theirs, and of log rows that name them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found: set[str] = set()
    own = pa.array(sorted(persons.get("destination", ())), pa.int64())
    for partitions in (one for one in kinds if one.kind == "destinations"):
        for relative in partitions.files():
            with partitions.open(relative) as file:
                for rows in file.batches(BATCH_ROWS, ["ID", "message"]):
                    found.update(identifiers(rows.filter(pc.is_in(rows["ID"], value_set=own)), "message"))
    for day in logs.all_days():
        for rows in logs.whole_tables(day, [*LOG_PERSONS]):
            named = rows.filter(~log_rows_not_of({**persons, "message": found}, rows))
            found.update(identifiers(named, "message"))
    return found


def erase_logs(logs: KeptLogs, stays: Choose) -> dict[str, dict[str, int]]:
    """Remove the rows that do not stay, and return how many went, by kind and file."""
    removed: dict[str, dict[str, int]] = {}
    for day in logs.all_days():
        removed.setdefault(log_table(day.kind), {})[day.relative] = logs.remove(day, stays)
    return removed


def count_logs(logs: KeptLogs, stays: Choose) -> dict[str, dict[str, int]]:
    """Count the rows that do not stay, by kind and file; nothing is changed."""
    found: dict[str, dict[str, int]] = {}
    for day in logs.all_days():
        gone = sum(int((~stays(rows)).sum()) for rows in logs.whole_tables(day, [*LOG_PERSONS]))
        found.setdefault(log_table(day.kind), {})[day.relative] = gone
    return found


def retain_logs(logs: KeptLogs, begin: dt.datetime) -> dict[str, dict[str, int]]:
    """Remove the days that lie before a moment, and return how many rows went, by kind and file."""
    removed: dict[str, dict[str, int]] = {}
    for day in logs.all_days():
        if day.day < begin.date():
            logs.store.delete(day.relative)
            removed.setdefault(log_table(day.kind), {})[day.relative] = day.rows
    return removed


def log_table(kind: LogKind) -> str:
    """Return what a table of a log is called in exports and receipts.

    Examples
    --------
    >>> log_table("impressions")
    'log_impressions'
    """
    return f"log_{kind}"
