"""Write a month again: with the pieces of a sync merged into it, or without the rows that are to go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from impressions_analytics.archive.fetched import Fetched
from impressions_analytics.archive.merge import BATCH_ROWS, SortedRows, in_groups, merge_rows
from impressions_analytics.archive.partitions import KindPartitions, Month
from impressions_analytics.archive.periods import Period, coalesce, overlay
from impressions_analytics.columns import time_column

if TYPE_CHECKING:
    import pyarrow as pa

Choose = Callable[["pa.Table"], Any]
"""Says of each row whether it stays, as a numpy array of booleans."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What merging one month did.

    Attributes
    ----------
    relative : str
        The month file.
    new, repeats, moved : int
        Rows of the pieces that were new, that were there under the same time, and that were there under another.
    unlinked : int
        Rows that named a profile, and came back without one.
    others : tuple of str
        Other month files that were rewritten, because a row of theirs moved to this one.
    """

    relative: str
    new: int
    repeats: int
    moved: int
    unlinked: int
    others: tuple[str, ...] = ()


def month_of(relative: str) -> str:
    """Return the month of a piece, such as 2026-01."""
    name = relative.rsplit("/", 1)[-1]
    return f"{name[:4]}-{name[4:6]}"


def merge_month(partitions: KindPartitions, month: str, parts: Sequence[str]) -> Merged:
    """Merge pieces of one month into its file, replacing the file whole, and then drop the pieces.

    A row that the file has and the API no longer gives is kept. Of two rows with one ID the one that was fetched last
    is kept, also where the older one lies in another month. Doing it twice changes nothing, so a crash between the new
    file and the dropping of the pieces is harmless.
    """
    relative = f"{partitions.kind}/month={month}/{partitions.kind}-{month}.parquet"
    there = [relative] if partitions.store.exists(relative) else []
    time = time_column(partitions.kind)
    with ExitStack() as stack:
        files = [stack.enter_context(partitions.open(place)) for place in [*there, *parts]]
        fetched = Fetched(files[len(there) :], partitions.kind)
        periods: list[Period] = []
        for file in files:
            periods = overlay(periods, [Period.from_json(values) for values in file.provenance.periods])
        counter = PeriodCounter(periods, time)
        sources = [
            SortedRows(file, time, newest=fetched.newest_of(number))
            for number, file in enumerate(files, start=-len(there))
        ]
        partitions.write(relative, counter.watch(in_groups(merge_rows(sources, time))), counter.periods)
    left = _drop_from_others(partitions, relative, fetched)
    for part in parts:
        partitions.store.delete(part)
    moved = fetched.moved + sum(left.values())
    new = fetched.rows - fetched.repeats - moved
    return Merged(relative, new, fetched.repeats, moved, fetched.unlinked, tuple(left))


def _drop_from_others(partitions: KindPartitions, relative: str, fetched: Fetched) -> dict[str, int]:
    """Take the rows that were fetched out of every other month, and return how many left which."""
    left = {
        other: rewrite_month(partitions, partitions.read_footer(other), fetched.columns, fetched.stays)
        for other in partitions.files()
        if other != relative and fetched.reaches(partitions, other)
    }
    return {other: rows for other, rows in left.items() if rows}


def rewrite_month(
    partitions: KindPartitions,
    month: Month,
    looked_at: Sequence[str],
    stays: Choose,
    periods: Sequence[Period] | None = None,
    *,
    always: bool = False,
) -> int:
    """Write a month again without the rows that do not stay, if there are any, and return how many they are."""
    gone = sum(int((~stays(rows)).sum()) for rows in batches(partitions, month.relative, looked_at))
    if gone or always:
        counter = PeriodCounter(month.periods if periods is None else periods, time_column(partitions.kind))
        staying = (rows.filter(stays(rows)) for rows in batches(partitions, month.relative, None))
        partitions.write(month.relative, counter.watch(in_groups(staying)), counter.periods)
    return gone


def batches(partitions: KindPartitions, relative: str, columns: Sequence[str] | None) -> Iterator[pa.Table]:
    """Yield the rows of a file, a little at a time."""
    with partitions.open(relative) as file:
        yield from file.batches(BATCH_ROWS, columns)


class PeriodCounter:
    """Counts the rows of each period while they pass by.

    Parameters
    ----------
    periods : sequence of Period
        What the file will cover; their rows are counted anew.
    time : str
        The name of the time column.
    """

    def __init__(self, periods: Sequence[Period], time: str) -> None:
        self._periods = list(periods)
        self._time = time
        self._rows = [0] * len(self._periods)

    def watch(self, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """Hand the tables on, counting."""
        for table in tables:
            times = table[self._time].to_numpy()
            for index, period in enumerate(self._periods):
                self._rows[index] += count_rows(times, table, period)
            yield table

    def periods(self) -> list[Period]:
        """Return the periods with the rows counted, neighbours of one day joined."""
        counted = zip(self._periods, self._rows, strict=True)
        return coalesce(replace(period, rows=rows) for period, rows in counted)


def count_rows(times: Any, table: pa.Table, period: Period) -> int:
    """Count the rows of one period in rows that are in time order."""
    start, stop = np.searchsorted(times, [np.datetime64(period.begin, "us"), np.datetime64(period.end, "us")])
    if period.emailing is None:
        return int(stop - start)
    mailing = table["mailing"].slice(start, stop - start).to_numpy()
    return int((mailing == period.emailing).sum())
