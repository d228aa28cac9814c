"""Exact numpy passes over rows that come in batches and in any order: two batches are worked on at once.

Counting what is distinct is what costs. `impressions_analytics.engine.pairs` does it, whatever numbers the rows have.
The definitions are those of `impressions_analytics.analytics`; property tests hold these passes to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from impressions_analytics.engine.calendar import CALENDARS, Calendar
from impressions_analytics.engine.column_batches import ColumnBatch
from impressions_analytics.engine.distinct import Values, distinct, in_order, representatives
from impressions_analytics.engine.pairs import (
    GROUP_BITS,
    Counts,
    Offsets,
    Pairs,
    Parts,
    counted,
    dealt,
    group_of,
    in_buckets,
    packed,
    parted,
    value_of,
)
from impressions_analytics.engine.threads import in_parallel

__all__ = ["CALENDARS", "Calendar", "over_time", "per_class", "per_key"]


def over_time(
    column_batches: Iterable[ColumnBatch], calendar: Calendar, *, distinct: Sequence[str], so_far: bool
) -> dict[str, Values]:
    """Count rows and distinct values per period.

    Parameters
    ----------
    column_batches : iterable of ColumnBatch
        Rows with ``timestamp`` and the columns of `distinct`.
    calendar : Calendar
        What a period is.
    distinct : sequence of str
        The columns to count distinct values of; a null counts as none.
    so_far : bool
        Whether to count a value only in the earliest period that has it.

    Returns
    -------
    dict of numpy arrays
        ``period`` (its start), every one from the first to the last; ``rows``; and each of `distinct`.
    """
    offsets, periods = {name: Offsets() for name in distinct}, Offsets(GROUP_BITS)
    rows, pairs = Counts(), {name: Pairs() for name in distinct}

    def parts_of(batch: ColumnBatch) -> tuple[tuple[int, Values], dict[str, Parts]]:
        numbers = calendar.numbers(batch.integers("timestamp"))
        if not len(numbers):
            return counted(numbers), {}
        groups = periods.distances(int(numbers.min()), int(numbers.max()), lambda: numbers)
        return counted(groups), {
            name: parted(packed(groups, offsets[name].of(batch, name)), groups) for name in distinct
        }

    for found, parts in in_parallel(parts_of, column_batches):
        rows.add(found)
        for name, part in parts.items():
            pairs[name].keep(part)
    first, last = rows.ends
    totals = {name: _totalled(kept, so_far=so_far).between(first, last) for name, kept in pairs.items()}
    starts = calendar.starts(np.arange(first + periods.base, last + 1 + periods.base))
    return {"period": starts, "rows": rows.between(first, last), **totals}


def _totalled(pairs: Pairs, *, so_far: bool) -> Counts:
    """Count the values of each group, or those of each group that are in no lower group."""
    counts = Counts()
    for found in pairs.by_value(_first_seen) if so_far else pairs.by_group(_values_by_group):
        counts.add(found)
    return counts


def _values_by_group(pairs: Values) -> tuple[int, Values]:
    return counted(group_of(pairs.compress(value_of(pairs) != 0)))


def _first_seen(pairs: Values) -> tuple[int, Values]:
    pairs = pairs.compress(value_of(pairs) != 0)
    groups, chosen = group_of(pairs), representatives(value_of(pairs))
    np.minimum.at(lowest := groups.copy(), chosen, groups)
    return counted(lowest.compress(chosen == np.arange(len(chosen))))


def per_key(column_batches: Iterable[ColumnBatch], key: str) -> tuple[dict[str, Values], int]:
    """Count the rows and distinct mailings of each key, and find its first and its last timestamp.

    Returns
    -------
    dict of numpy arrays, int
        ``key`` in order, ``rows``, ``mailings``, ``first``, ``last`` (microseconds); and the rows without a key.
    """
    keys, mailings = Offsets(), Offsets(GROUP_BITS)

    def buckets_of(batch: ColumnBatch) -> list[tuple[Values, ...]]:
        timestamps = batch.integers("timestamp")
        return dealt(packed(mailings.of(batch, "mailing"), keys.of(batch, key)), timestamps)

    buckets = zip(*in_parallel(buckets_of, column_batches), strict=True)
    found = list(in_parallel(_tallied, buckets))
    columns = [np.concatenate(parts) for parts in zip(*found, strict=True)] or [np.zeros(0, dtype="int64")] * 5
    known = in_order(columns[0])
    without = int(columns[1][known[0]]) if len(known) and columns[0][known[0]] == 0 else 0
    columns = [column.take(known[1:] if without else known) for column in columns]
    names = ("key", "rows", "mailings", "first", "last")
    return {**dict(zip(names, columns, strict=True)), "key": columns[0] + keys.base}, without


def _tallied(bucket: Sequence[tuple[Values, Values]]) -> tuple[Values, ...]:
    """Return the keys of a bucket, and for each its rows, distinct mailings, first and last timestamp."""
    pairs, timestamps = (np.concatenate(parts) for parts in zip(*bucket, strict=True))
    values = value_of(pairs)
    chosen = representatives(values)
    ones = np.flatnonzero(chosen == np.arange(len(chosen)))
    np.minimum.at(first := timestamps.copy(), chosen, timestamps)
    np.maximum.at(last := timestamps.copy(), chosen, timestamps)
    rows = np.bincount(chosen, minlength=len(chosen))
    mailings = np.bincount(distinct(chosen | group_of(pairs) << 32) & 0xFFFFFFFF, minlength=len(chosen))
    return values.take(ones), *(column.take(ones) for column in (rows, mailings, first, last))


def per_class(column_batches: Iterable[tuple[Values, Values]]) -> tuple[Values, Values, int]:
    """Count the rows and distinct values of each class, and the distinct values of all classes together.

    Parameters
    ----------
    column_batches : iterable of (classes, values)
        The number of the class of each row, from 0 on, and its value.

    Returns
    -------
    array, array, int
        Rows and distinct values by the number of the class, and the distinct values of all.
    """
    offsets, rows, values, pairs, total = Offsets(), Counts(), Counts(), Pairs(), 0

    def parts_of(batch: tuple[Values, Values]) -> tuple[tuple[int, Values], Parts]:
        classes, found = batch
        if not len(classes):
            return counted(classes), Parts()
        found = offsets.distances(int(found.min()), int(found.max()), lambda: found)
        return counted(classes), in_buckets(packed(classes, found))

    for found, parts in in_parallel(parts_of, column_batches):
        rows.add(found)
        pairs.keep(parts)
    for of_class, of_all in pairs.by_value(lambda found: (_values_by_group(found), len(distinct(value_of(found))))):
        values.add(of_class)
        total += of_all
    last = rows.ends[1]
    return rows.between(0, last), values.between(0, last), total
