"""The months of an archive: one Parquet file per kind and month, and the pieces that wait to be merged into it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from impressions_analytics.archive.periods import Period, Stretch, outer_stretch
from impressions_analytics.archive.store import Store
from impressions_analytics.archive.unfinished import NOTHING_UNFINISHED, Unfinished
from impressions_analytics.columns import KINDS, Family, Kind, arrow_schema
from impressions_analytics.errors import ArchiveError, DamagedFileError
from impressions_analytics.parquet.layout import Provenance, write_tables
from impressions_analytics.parquet.rows_file import RowsFile

if TYPE_CHECKING:
    import pyarrow as pa

MONTH_FILE = re.compile(
    r"^(?P<kind>[a-z]+)/month=(?P<month>2[01]\d\d-(?:0[1-9]|1[0-2]))/(?P=kind)-(?P=month)\.parquet$"
)
PENDING = ".pending"
"""The folder of the pieces; every engine passes over names that begin with a dot."""


@dataclass(frozen=True, slots=True)
class Month:
    """One file of the archive, as its footer tells.

    Attributes
    ----------
    relative : str
        Its place in the store.
    rows : int
        How many rows it holds.
    periods : tuple of Period
        What it covers.
    """

    relative: str
    rows: int
    periods: tuple[Period, ...]

    @property
    def stretch(self) -> Stretch:
        """The wall clock of the month."""
        begin = datetime.fromisoformat(f"{self.relative.split('month=')[1][:7]}-01")
        return begin, begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)


@dataclass(frozen=True)
class KindPartitions:
    """The files of one kind in one archive.

    Attributes
    ----------
    store : Store
        Where they are.
    kind, family : str
        What their rows are.
    zone : str
        The zone of the wall clock, written into every file and checked on reading.
    now : datetime
        The present moment of that wall clock.
    recorded : Stretch or None
        What the archive is known to answer for, whichever files are left.
    unfinished : Unfinished
        What was begun and has not ended; readers leave it out.
    """

    store: Store
    kind: Kind
    family: Family
    zone: str
    now: datetime
    recorded: Stretch | None = None
    unfinished: Unfinished = NOTHING_UNFINISHED

    def answered(self, found: Stretch | None) -> Stretch | None:
        """Return what the archive must answer for: what its files do, and what is recorded; nothing of the future."""
        if self.recorded is None or found is None:
            return found or self.recorded
        return min(found[0], self.recorded[0]), max(found[1], min(self.recorded[1], self.now))

    def rows_of(self, relative: str, size: int, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield the rows of a file that a reader may see, so many at a time."""
        wanted = None if columns is None else list(dict.fromkeys([*columns, *self.unfinished.columns(self.kind)]))
        with self.open(relative) as file:
            for rows in file.batches(size, wanted):
                seen = self.unfinished.filter(self.kind, rows)
                yield seen if columns is None else seen.select(list(columns))

    def footers(self) -> list[Month]:
        """Return the months in order, from their footers.

        Raises
        ------
        ArchiveError
            A file is foreign, damaged, of a newer version, or of another family or zone; the message names it.
        """
        return [self.read_footer(relative) for relative in self.files()]

    def files(self) -> list[str]:
        """Return the places of the month files in order."""
        found = self.store.files_below(self.kind, ".parquet")
        for relative in found:
            if not MONTH_FILE.match(relative):
                raise ArchiveError(
                    f"{self.store.label(relative)} is not a file of this archive, and every engine would read it with "
                    f"the {self.kind}; move it elsewhere"
                )
        return found

    def read_footer(self, relative: str) -> Month:
        """Return what a file says of itself."""
        with self.open(relative) as file:
            try:
                periods = tuple(Period.from_json(values) for values in file.provenance.periods)
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                raise DamagedFileError(
                    f"{self.store.label(relative)} says of its periods what cannot be read; restore it from a copy"
                ) from error
            return Month(relative, file.num_rows, periods)

    @contextmanager
    def open(self, relative: str) -> Iterator[RowsFile]:
        """Open a file of the archive for reading, checked to be of its kind, family and zone."""
        with self.store.open(relative) as source, RowsFile(source, self.store.label(relative)) as file:
            self._check(file.provenance, relative)
            yield file

    def _check(self, provenance: Provenance, relative: str) -> None:
        wanted = {"kind": self.kind, "family": self.family, "zone": self.zone}
        for name, value in wanted.items():
            found = getattr(provenance, name)
            if found != value:
                raise ArchiveError(
                    f"{self.store.label(relative)} has {name} {found!r}, and the archive was opened with {value!r}; "
                    f"an archive holds one {name}: open it with that one, or use a folder of its own"
                )

    def parts(self) -> list[str]:
        """Return the places of the pieces that are not merged yet, in the order of their time."""
        return self.store.files_below(f"{self.kind}/{PENDING}", ".piece")

    def put_pending(self, rows: pa.Table, period: Period) -> str:
        """Keep the rows of one period, all of one month and in time order, until they are merged."""
        emailing = "all" if period.emailing is None else period.emailing
        relative = f"{self.kind}/{PENDING}/{period.begin:%Y%m%dT%H%M%S}-{period.end:%Y%m%dT%H%M%S}-{emailing}.piece"
        self.write(relative, [rows], lambda: [period])
        return relative

    def write(self, relative: str, tables: Iterable[pa.Table], periods: Callable[[], Sequence[Period]]) -> int:
        """Put a file in place, checked, and return its number of rows; the periods are asked for after the last row."""
        written = 0

        def write(path: Path) -> None:
            nonlocal written
            written = write_tables(self._never_none(tables), path, lambda: self._provenance(periods()))
            _check_written(path, self.store.label(relative), written)

        self.store.put(relative, write)
        return written

    def _never_none(self, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """Add an empty table where there is none: a month without rows is a file that says so."""
        some = False
        for table in tables:
            some = True
            yield table
        if not some:
            yield arrow_schema(self.kind, self.family).empty_table()

    def _provenance(self, periods: Sequence[Period]) -> Provenance:
        return Provenance(self.kind, self.family, zone=self.zone, periods=[period.to_json() for period in periods])


def _check_written(path: Path, label: str, rows: int) -> None:
    """Read back the footer of a file that was just written."""
    with RowsFile(path, label) as file:
        if file.num_rows != rows:
            raise DamagedFileError(f"{label} came out with {file.num_rows} rows of {rows}; it was not put in place")


def remembered(store: Store) -> Provenance | None:
    """Return what the first file of an archive that can be read says of itself; None when there is none."""
    for kind in KINDS:
        for relative in store.files_below(kind, ".parquet"):
            with suppress(ArchiveError), store.open(relative) as source, RowsFile(source, relative) as file:
                return file.provenance
    return None


def described(kinds: Iterable[KindPartitions]) -> list[str]:
    """Return a line for each kind that an archive has: the rows, and from when to when; or what is wrong with it."""
    lines = []
    for partitions in kinds:
        try:
            footers = partitions.footers()
        except ArchiveError as error:
            lines.append(f"{partitions.kind}: {error}")
            continue
        known = outer_stretch(period for month in footers for period in month.periods)
        if known:
            rows = sum(month.rows for month in footers)
            lines.append(f"{rows:,} {partitions.kind} from {known[0]} to {known[1]}")
    return lines
