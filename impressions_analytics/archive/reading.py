"""Read an archive: as a typed frame, or as a lazy table that is larger than memory."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from impressions_analytics.archive.fetched import Fetched
from impressions_analytics.archive.partitions import KindPartitions, Month
from impressions_analytics.archive.periods import Stretch, believed, covered, outer_stretch, subtract
from impressions_analytics.archive.privacy import person_columns
from impressions_analytics.archive.rewriting import batches
from impressions_analytics.archive.suppression import identifiers
from impressions_analytics.certificate import Certificate
from impressions_analytics.columns import arrow_schema, time_column
from impressions_analytics.errors import ArchiveError, InvalidArgumentError
from impressions_analytics.parquet.database import duckdb_told, literal
from impressions_analytics.parquet.rows_file import parquet_told
from impressions_analytics.parquet.seal import check_files
from impressions_analytics.parquet.tables import to_frame

if TYPE_CHECKING:
    import pyarrow as pa


def read_frame(
    partitions: KindPartitions, begin: datetime | None, end: datetime | None, columns: Sequence[str] | None
) -> pd.DataFrame:
    """Return the rows of a period as a typed frame, with a certificate that names what was never loaded."""
    import pyarrow as pa

    known = arrow_schema(partitions.kind, partitions.family).names
    begin = max(filter(None, (begin, partitions.unfinished.begin_of(partitions.kind))), default=None)
    unknown = [name for name in columns or () if name not in known]
    if unknown:
        raise InvalidArgumentError(f"columns={unknown[0]!r}: {partitions.kind} have {', '.join(known)}")
    footers = partitions.footers()
    if not footers:
        empty = arrow_schema(partitions.kind, partitions.family).empty_table().select(list(columns or known))
        nothing = to_frame(empty, partitions.kind, partitions.family)
        nothing.attrs["load"] = _never_synced(partitions, begin, end)
        return nothing
    stretch = _asked(partitions, footers, begin, end)
    tables = [arrow_schema(partitions.kind, partitions.family).empty_table()]
    tables += [
        _read_month(partitions, month, stretch, columns) for month in footers if _overlap(month.stretch, stretch)
    ]
    with_rows = [table for table in tables if table.num_rows] or [tables[0].select(list(columns or known))]
    table = pa.concat_tables(with_rows).select(list(columns or known))
    frame = to_frame(table, partitions.kind, partitions.family)
    frame.attrs["load"] = _certificate(partitions, footers, stretch, len(frame))
    return frame


def _never_synced(
    partitions: KindPartitions, begin: datetime | None = None, end: datetime | None = None
) -> Certificate:
    """Return a certificate that does not let no rows pass for zero."""
    first, last = (None if moment is None else str(moment) for moment in (begin, end))
    return Certificate(
        kind=partitions.kind,
        family=partitions.family,
        zone=partitions.zone,
        begin=first,
        end=last,
        rows=0,
        verdict="unproven",
        gaps=[(f"never synced: {first or 'the beginning'}", last or "now")],
        covered=[],
        source=partitions.store.name,
    )


def _asked(
    partitions: KindPartitions, footers: Sequence[Month], begin: datetime | None, end: datetime | None
) -> Stretch:
    """Return the period that is asked for: by default from the first to the last moment that is known."""
    found = outer_stretch(period for month in footers for period in month.periods)
    first, last = partitions.answered(found) or (footers[0].stretch[0], footers[-1].stretch[1])
    begin = begin or (min(first, end) if end else first)
    return begin, end or max(last, begin)


def _overlap(one: Stretch, other: Stretch) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _read_month(partitions: KindPartitions, month: Month, stretch: Stretch, columns: Sequence[str] | None) -> pa.Table:
    """Read the rows of one month that lie in a stretch; the file is in time order."""
    time = time_column(partitions.kind)
    hidden = partitions.unfinished
    with partitions.open(month.relative) as file:
        rows = file.rows(
            None if columns is None else list(dict.fromkeys([*columns, time, *hidden.columns(partitions.kind)]))
        )
    times = rows[time].to_numpy()
    start, stop = np.searchsorted(times, [np.datetime64(moment, "us") for moment in stretch])
    return hidden.filter(partitions.kind, rows.slice(start, stop - start))


def _certificate(partitions: KindPartitions, footers: Sequence[Month], stretch: Stretch, rows: int) -> Certificate:
    known = believed((period for month in footers for period in month.periods), partitions.now)
    periods = [period for period in known if period.emailing is None]
    gaps = subtract(stretch, covered(periods))
    inside = [period for period in periods if _overlap((period.begin, period.end), stretch)]
    proven = bool(inside) and not gaps and all(period.verdict == "complete" for period in inside)
    proven = proven and not _moving(partitions)
    return Certificate(
        kind=partitions.kind,
        family=partitions.family,
        zone=partitions.zone,
        begin=str(stretch[0]),
        end=str(stretch[1]),
        rows=rows,
        verdict="complete" if proven else "unproven",
        gaps=_texts(gaps),
        covered=_texts(_within(covered(periods), stretch)),
        covered_emailings={
            str(one): _texts(_within(covered(known, one), stretch))
            for one in sorted({period.emailing or 0 for period in known} - {0})
        },
        loaded_at=str(min((period.loaded_at for period in inside), default="")),
        source=partitions.store.name,
    )


def _within(stretches: Sequence[Stretch], whole: Stretch) -> list[Stretch]:
    """Return what lies in the period that was read: the certificate speaks of no other time."""
    cut = [(max(begin, whole[0]), min(end, whole[1])) for begin, end in stretches]
    return [(begin, end) for begin, end in cut if begin < end]


def _texts(stretches: Sequence[Stretch]) -> list[tuple[str, str]]:
    return [(str(begin), str(end)) for begin, end in stretches]


def read_certificate(partitions: KindPartitions) -> Certificate:
    """Return the certificate of all rows of a kind, from what the files say of themselves: no row is read."""
    footers = partitions.footers()
    if not footers:
        return _never_synced(partitions)
    stretch = _asked(partitions, footers, None, None)
    return _certificate(partitions, footers, stretch, sum(month.rows for month in footers))


def _moving(partitions: KindPartitions) -> bool:
    """Say whether a sync was cut short between writing a row to its new month and taking it out of the old one."""
    parts = partitions.parts()
    if not parts:
        return False
    with ExitStack() as stack:
        fetched = Fetched([stack.enter_context(partitions.open(part)) for part in parts], partitions.kind)
    seen: set[int] = set()
    for relative in partitions.files():
        if fetched.reaches(partitions, relative):
            for rows in batches(partitions, relative, ["ID"]):
                again = set(rows["ID"].to_numpy()[~fetched.stays(rows)].tolist())
                if seen & again:
                    return True
                seen |= again
    return False


def scan_table(partitions: KindPartitions, connection: Any) -> Any:
    """Return all rows of a kind as a lazy Ibis table on DuckDB.

    Raises
    ------
    ArchiveError
        The kind was never synced: no rows would pass for zero events.
    """
    files = [month.relative for month in partitions.footers()]  # a file that is not of this archive is named at once
    if not files:
        name = partitions.store.name
        raise ArchiveError(f"{partitions.kind} were never synced: impressions sync {name} --kind {partitions.kind}")
    table = _opened(partitions, files, connection)
    return _without_hidden(partitions, table) if partitions.unfinished else table


def _without_hidden(partitions: KindPartitions, table: Any) -> Any:
    """Leave out what an erasure or a retention that was cut short still has to remove."""
    hidden, kind = partitions.unfinished, partitions.kind
    if (begin := hidden.begin_of(kind)) is not None:
        table = table.filter(table[time_column(kind)] >= begin)
    if hidden.erasure is None:
        return table
    for name, word in person_columns(kind).items():
        distinct = table.select(name).filter(table[name].notnull()).distinct().to_pyarrow()
        erased = hidden.erasure.erased(word, identifiers(distinct, name))
        table = table.filter(table[name].isnull() | table[name].notin(erased)) if erased else table
    return table


def _opened(partitions: KindPartitions, files: Sequence[str], connection: Any) -> Any:
    """Return the rows of some files as a table of DuckDB; a name is never a pattern."""
    import pyarrow.dataset as ds

    store = partitions.store
    if store.is_local:
        places = [store.place(file) for file in files]
        with parquet_told(store.name):
            check_files(places)
        with duckdb_told(store.name):  # a file may go between the look at it and here: a retention ran beside
            return connection.read_parquet([literal(place) for place in places], hive_partitioning=False)
    schema = arrow_schema(partitions.kind, partitions.family)
    places = [store.place(file) for file in files]
    options = ds.ParquetFragmentScanOptions(page_checksum_verification=True)
    checked = ds.ParquetFileFormat(default_fragment_scan_options=options)
    rows = ds.dataset(places, schema=schema, filesystem=store.filesystem, format=checked)
    connection.con.register(partitions.kind, rows)
    return connection.table(partitions.kind)
