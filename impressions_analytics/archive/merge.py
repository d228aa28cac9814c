"""Join files of rows in time order into one stream in time order, a little of each in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from impressions_analytics.parquet.layout import ROWS_PER_GROUP

if TYPE_CHECKING:
    import pyarrow as pa

    from impressions_analytics.parquet.rows_file import RowsFile

BATCH_ROWS = 1 << 16
"""Rows of one file in memory at a time: a few megabytes."""

NEVER = np.iinfo("int64").max


class SortedRows:
    """The rows of one file in time order, taken from the front.

    Parameters
    ----------
    file : RowsFile
        Rows in the order of the time column.
    time : str
        The name of the time column.
    newest : callable, optional
        Takes the rows out of a table that a later source has.
    """

    def __init__(self, file: RowsFile, time: str, *, newest: Callable[[pa.Table], pa.Table] | None = None) -> None:
        self._time = time
        self._newest = newest
        self._batches = file.batches(BATCH_ROWS)
        self._rows: pa.Table | None = None
        self._ended = file.num_rows == 0
        self._first = NEVER if self._ended else _as_number(file.extremes(time)[0])

    @property
    def horizon(self) -> int:
        """The time before which no further row can come; NEVER when all rows are in memory or taken."""
        if self._rows is None:
            return self._first
        return NEVER if self._ended else int(_times(self._rows, self._time)[-1])

    @property
    def done(self) -> bool:
        """Whether every row was taken."""
        return self._ended and (self._rows is None or self._rows.num_rows == 0)

    def fill(self) -> None:
        """Read on until the rows in memory span more than one moment, or are all."""
        import pyarrow as pa

        while not self._ended and not self._spans_moments():
            more = next(self._batches, None)
            if more is None:
                self._ended = True
                break
            more = more if self._newest is None else self._newest(more)
            self._rows = more if self._rows is None else pa.concat_tables([self._rows, more])

    def take_before(self, bound: int) -> pa.Table | None:
        """Take the rows in memory that lie before a time; all of them when it is NEVER."""
        if self._rows is None:
            return None
        count = self._rows.num_rows
        if bound != NEVER:
            count = int(np.searchsorted(_times(self._rows, self._time), bound))
        taken, self._rows = self._rows.slice(0, count), self._rows.slice(count)
        return taken if count else None

    def _spans_moments(self) -> bool:
        if self._rows is None or self._rows.num_rows == 0:
            return False
        times = _times(self._rows, self._time)
        return bool(times[0] < times[-1])


def merge_rows(sources: Sequence[SortedRows], time: str) -> Iterator[pa.Table]:
    """Yield the rows of all sources in the order of time and ID; of rows with one ID and time, the last source's."""
    while active := [source for source in sources if not source.done]:
        bound = min(source.horizon for source in active)
        for source in active:
            if source.horizon == bound:
                source.fill()
        bound = min(source.horizon for source in active)
        parts = [part for source in active if (part := source.take_before(bound)) is not None]
        if parts:
            yield _united(parts, time)


def _united(parts: list[pa.Table], time: str) -> pa.Table:
    import pyarrow as pa

    if len(parts) == 1:
        return parts[0]
    rows = pa.concat_tables(parts).unify_dictionaries()
    ids = rows["ID"].to_numpy()
    _, from_end = np.unique(ids[::-1], return_index=True)
    newest = len(ids) - 1 - from_end
    order = np.lexsort((ids[newest], _times(rows, time)[newest]))
    return rows.take(newest[order])


def in_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Collect small tables into tables of a row group each, so that dictionaries pay."""
    import pyarrow as pa

    waiting: list[pa.Table] = []
    count = 0
    for table in tables:
        waiting.append(table)
        count += table.num_rows
        while count >= ROWS_PER_GROUP:
            rows = pa.concat_tables(waiting)
            yield rows.slice(0, ROWS_PER_GROUP).unify_dictionaries()
            waiting, count = [rows.slice(ROWS_PER_GROUP)], count - ROWS_PER_GROUP
    if count:
        yield pa.concat_tables(waiting).unify_dictionaries()


def _times(rows: pa.Table, time: str) -> Any:
    return rows[time].to_numpy().astype("int64", copy=False)


def _as_number(moment: Any) -> int:
    return int(np.datetime64(moment, "us").astype("int64"))
