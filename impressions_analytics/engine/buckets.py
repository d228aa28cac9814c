"""Rows dealt out to buckets by the hash of a number: rows with equal numbers meet in one, which fits the cache."""

from __future__ import annotations

import numpy as np

from impressions_analytics.engine.distinct import BLOCK, BUCKETS, Values, bucket_of
from impressions_analytics.engine.spill import OnDisk, Spill

_MOST_HELD = 1 << 24
"""So many rows wait in memory before they go to disk."""


def dealt(numbers: Values, *columns: Values) -> list[tuple[Values, ...]]:
    """Deal columns out to buckets by the hash of a number of each row.

    Examples
    --------
    >>> buckets = dealt(np.array([112, 113, 112]), np.array([10, 20, 30]))
    >>> sorted(column.tolist() for column, in buckets if len(column))
    [[10, 30], [20]]
    """
    buckets = bucket_of(numbers)
    order = np.argsort(buckets, kind="stable")  # numpy orders 8 and 16 bits by radix
    ends = np.bincount(buckets, minlength=BUCKETS).cumsum()[:-1]
    return list(zip(*(np.split(values.take(order), ends) for values in columns), strict=True))


def portions(rows: int) -> list[range]:
    """Put so many buckets together that a portion just fits in the cache: each costs some calls.

    Examples
    --------
    >>> portions(rows=12_000_000)[:2]
    [range(0, 2), range(2, 4)]
    """
    step = max(1, BUCKETS * BLOCK // max(rows, BLOCK))
    return [range(start, min(start + step, BUCKETS)) for start in range(0, BUCKETS, step)]


class Buckets:
    """Dealt rows of all batches, in memory and on disk.

    Parameters
    ----------
    file : Spill
        Where they wait that do not fit in memory.
    width : int
        How many columns they have.
    """

    def __init__(self, file: Spill, width: int) -> None:
        self._file, self._width = file, width
        self._kept: list[list[tuple[Values, ...] | OnDisk]] = [[] for _ in range(BUCKETS)]
        self._waiting: list[list[tuple[Values, ...]]] = []
        self._held = self.rows = 0

    def keep(self, parts: list[tuple[Values, ...]]) -> None:
        """Take the dealt rows of one more batch."""
        size = sum(len(columns[0]) for columns in parts)
        self.rows, self._held = self.rows + size, self._held + size
        self._waiting.append(parts)
        if self._held > _MOST_HELD:
            for bucket, found in zip(self._kept, zip(*self._waiting, strict=True), strict=True):
                bucket.append(self._file.put(found))
            self._waiting, self._held = [], 0

    def columns(self, portion: range) -> tuple[Values, ...]:
        """Return the columns of some buckets."""
        found: list[tuple[Values, ...]] = []
        for number in portion:
            found += [part.read() if isinstance(part, OnDisk) else part for part in self._kept[number]]
            found += [parts[number] for parts in self._waiting]
        found = found or [(np.zeros(0, dtype="int64"),) * self._width]
        return tuple(np.concatenate(column) for column in zip(*found, strict=True))
