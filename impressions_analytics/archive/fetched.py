"""What a sync fetched, by ID, so that an older row with the same ID gives way to it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from impressions_analytics.archive.partitions import KindPartitions
from impressions_analytics.archive.privacy import person_columns
from impressions_analytics.columns import Kind, time_column

if TYPE_CHECKING:
    import pyarrow as pa

    from impressions_analytics.parquet.rows_file import RowsFile


class Fetched:
    """The rows of some pieces by ID: of each, which piece gave it last, its time, and whether it names a profile.

    Parameters
    ----------
    pieces : sequence of RowsFile
        The pieces, the newest last; their IDs are held in memory.
    kind : str
        What their rows are.

    Attributes
    ----------
    rows : int
        How many rows the pieces have.
    repeats, moved, unlinked : int
        How many older rows gave way so far: to one of the same time, or of another; and how many of them named a
        profile that the newer one no longer names.
    """

    def __init__(self, pieces: Sequence[RowsFile], kind: Kind) -> None:
        self._time = time_column(kind)
        self.columns = ["ID", self._time, *(["profile"] if "profile" in person_columns(kind) else [])]
        given = [self._values(piece.rows(self.columns)) for piece in pieces]
        ids, times, named = (np.concatenate(values) for values in zip(*given, strict=True))
        given_by = np.repeat(np.arange(len(given)), [len(one[0]) for one in given])
        self.rows, self.repeats, self.moved, self.unlinked = len(ids), 0, 0, 0
        self._ids, from_end = np.unique(ids[::-1], return_index=True)
        last = len(ids) - 1 - from_end
        self._times, self._named, self._given_by = times[last], named[last], given_by[last]

    def newest_of(self, number: int) -> Callable[[pa.Table], pa.Table]:
        """Return what takes the rows out of a source that a later piece gives again, and counts them.

        Parameters
        ----------
        number : int
            The place of the piece; a number below 0 for what is older than every piece.
        """
        return functools.partial(self._newest, number)

    def stays(self, rows: pa.Table, number: int = -1) -> Any:
        """Say of each row of a source whether no later piece gives it, as a numpy array of booleans."""
        return ~self._found(rows, number)[0]

    def reaches(self, partitions: KindPartitions, relative: str) -> bool:
        """Say whether a file may hold an ID that was fetched, as far as its footer tells."""
        with partitions.open(relative) as file:
            if not file.num_rows or not len(self._ids):
                return False
            low, high = file.extremes("ID")
        return bool(low <= self._ids[-1] and self._ids[0] <= high)

    def _newest(self, number: int, rows: pa.Table) -> pa.Table:
        given_again, places = self._found(rows, number)
        if not given_again.any():
            return rows
        _, times, named = (values[given_again] for values in self._values(rows))
        same = times == self._times[places]
        self.repeats += int(same.sum())
        self.moved += int((~same).sum())
        self.unlinked += int((named & ~self._named[places]).sum())
        return rows.filter(~given_again)

    def _found(self, rows: pa.Table, number: int) -> tuple[Any, Any]:
        """Say of each row whether a later piece gives it again, and where the newest of those that are lies."""
        ids = rows["ID"].to_numpy()
        places = np.searchsorted(self._ids, ids)
        there = places < len(self._ids)
        there[there] = self._ids[places[there]] == ids[there]
        there[there] = self._given_by[places[there]] > number
        return there, places[there]

    def _values(self, rows: pa.Table) -> tuple[Any, Any, Any]:
        """Return the IDs, the times and whether a profile is named, as numpy arrays."""
        times = rows[self._time].to_numpy().astype("int64")
        named = rows["profile"].is_valid().to_numpy() if "profile" in self.columns else np.zeros(len(times), dtype=bool)
        return rows["ID"].to_numpy(), times, named
