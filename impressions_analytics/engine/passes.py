"""Exact numpy passes over rows that come in batches and in any order: two batches are worked on at once.

Counting what is distinct is what costs. `impressions_analytics.engine.pairs` does it, whatever numbers the rows have.
The definitions are those of `impressions_analytics.analytics`; property tests hold these passes to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import numpy as np

from impressions_analytics.engine.buckets import Buckets, dealt, portions
from impressions_analytics.engine.calendar import CALENDARS, Calendar
from impressions_analytics.engine.column_batches import ColumnBatch, UnsuitedError
from impressions_analytics.engine.distinct import Values, distinct, in_order, representatives
from impressions_analytics.engine.pairs import (
    GROUP_BITS,
    Numbers,
    Offsets,
    Pairs,
    group_of,
    in_buckets,
    packed,
    tallied,
    value_of,
)
from impressions_analytics.engine.spill import spill
from impressions_analytics.engine.sweep import Rows, by_group, count_rising, joined, rises, swept
from impressions_analytics.engine.threads import in_parallel

__all__ = ["CALENDARS", "Calendar", "over_time", "per_class", "per_key"]

_BY_BITS = 13
"""Up to 8,192 values of another column; the rest is for 65,536 periods: seven years of hours."""
_MOST_CELLS = 50_000_000
Tallied = tuple[Values, Values]
"""What occurs, and how often."""
_TALLIES = ("key", "rows", "mailings", "first", "last")


def over_time(
    column_batches: Iterable[ColumnBatch],
    calendar: Calendar,
    *,
    distinct: Sequence[str],
    so_far: bool,
    by: str | None = None,
) -> dict[str, Values]:
    """Count rows and distinct values per period, and per value of another column.

    Parameters
    ----------
    column_batches : iterable of ColumnBatch
        Rows with ``timestamp`` and the columns of `distinct` and `by`.
    calendar : Calendar
        What a period is.
    distinct : sequence of str
        The columns to count distinct values of; a null counts as none.
    so_far : bool
        Whether to count a value only in the earliest period that has it (with this value of `by`).
    by : str, optional
        A column of whole numbers to count apart.

    Returns
    -------
    dict of numpy arrays
        ``period`` (its start), every one from the first to the last; ``by``, every value in each period; ``rows``; and
        each of `distinct`.
    """
    bits = _BY_BITS if by else 0
    offsets, periods, values = {name: Offsets() for name in distinct}, Offsets(GROUP_BITS - bits), Numbers(bits)
    pairs = {name: Pairs() for name in distinct}
    counts: dict[str, list[Tallied]] = {"rows": [], **{name: [] for name in distinct}}

    def numbered(batch: ColumnBatch) -> Rows:
        found = calendar.numbers(batch.integers("timestamp"))
        if not len(found):
            return Rows(found, None, {})
        order = periods.distances(int(found.min()), int(found.max()), lambda: found)
        groups = order << bits | values.of(batch.integers(by)) if by else None
        columns = {name: offsets[name].of(batch, name) for name in distinct}
        if so_far or batch.later is None or not rises(order):
            return Rows(order, groups, columns).dealt()
        return Rows(order, groups, columns, int(calendar.numbers(np.array([batch.later]))[0]) - periods.base)

    def counted(found: tuple[list[Rows], bool]) -> tuple[dict[str, Tallied], Mapping[str, list[Values]]]:
        parts, over = found
        rows = joined(parts)
        return (count_rising(rows), {}) if over else ({"rows": rows.counted()}, rows.dealt().buckets)

    for over, buckets in in_parallel(counted, swept(in_parallel(numbered, column_batches))):
        for name, found in over.items():
            counts[name].append(found)
        for name, parts in buckets.items():
            pairs[name].keep(parts)
    for name, kept in pairs.items():
        counts[name] += kept.in_portions(partial(_first_seen, bits=bits) if so_far else by_group)
    return _on_grid(counts, calendar, periods.base, values.sorted() if by else None)


def _on_grid(
    counts: Mapping[str, list[tuple[Values, Values]]],
    calendar: Calendar,
    base: int,
    by: tuple[Values, Values] | None,
) -> dict[str, Values]:
    """Return counts of every period from the first to the last, and in it of every value of `by`; 0 where none is."""
    bits = _BY_BITS if by else 0
    values, places = by or (np.zeros(1, dtype="int64"), np.zeros(1, dtype="int64"))
    seen = [groups >> bits for groups, _ in counts["rows"] if len(groups)]
    first, last = min((int(one.min()) for one in seen), default=0), max((int(one.max()) for one in seen), default=-1)
    size = (last + 1 - first) * len(values)
    if size > _MOST_CELLS:
        raise UnsuitedError("too many cells")
    grids, mask = {}, (1 << bits) - 1
    for name, parts in counts.items():
        cells = (
            (((groups >> bits) - first) * len(values) + places.take(groups & mask), found) for groups, found in parts
        )
        grids[name] = _added_up(cells, size)
    starts = calendar.starts(np.arange(first + base, last + 1 + base))
    return {"period": starts.repeat(len(values)), "by": np.tile(values, len(starts)), **grids}


def _first_seen(pairs: Values, bits: int) -> tuple[Values, Values]:
    pairs = pairs.compress(value_of(pairs) != 0)
    groups = group_of(pairs)
    chosen = representatives(packed(groups & ((1 << bits) - 1), value_of(pairs)))
    np.minimum.at(lowest := groups.copy(), chosen, groups)
    return tallied(lowest.compress(chosen == np.arange(len(chosen))))


def per_key(column_batches: Iterable[ColumnBatch], key: str) -> tuple[dict[str, Values], int]:
    """Count the rows and distinct mailings of each key, and find its first and its last timestamp.

    Returns
    -------
    dict of numpy arrays, int
        ``key`` in order, ``rows``, ``mailings``, ``first``, ``last`` (microseconds); and the rows without a key.
    """
    keys, mailings = Offsets(), Offsets(GROUP_BITS)

    def buckets_of(batch: ColumnBatch) -> list[tuple[Values, ...]]:
        found = keys.of(batch, key)
        return dealt(found, packed(mailings.of(batch, "mailing"), found), batch.integers("timestamp"))

    with spill() as file:
        buckets = Buckets(file, width=2)
        for parts in in_parallel(buckets_of, column_batches):
            buckets.keep(parts)
        tallies = list(in_parallel(lambda portion: _tallied(*buckets.columns(portion)), portions(buckets.rows)))
    columns = _in_order_of_key(tallies)
    without = int(columns["rows"][0]) if len(columns["key"]) and columns["key"][0] == 0 else 0
    columns = {name: column[1:] if without else column for name, column in columns.items()}
    return {**columns, "key": columns["key"] + keys.base}, without


def _tallied(pairs: Values, timestamps: Values) -> list[Values]:
    """Return the keys of a bucket, and for each its rows, distinct mailings, first and last timestamp."""
    values = value_of(pairs)
    chosen = representatives(values)
    ones = np.flatnonzero(chosen == np.arange(len(chosen)))
    number_of = np.empty(len(chosen), dtype="int64")
    number_of[ones] = np.arange(len(ones))
    numbers = number_of.take(chosen)
    np.minimum.at(first := timestamps.take(ones), numbers, timestamps)
    np.maximum.at(last := timestamps.take(ones), numbers, timestamps)
    mailings = np.bincount(group_of(distinct(packed(numbers, group_of(pairs)))), minlength=len(ones))
    return [values.take(ones), np.bincount(numbers, minlength=len(ones)), mailings, first, last]


def _in_order_of_key(tallies: list[list[Values]]) -> dict[str, Values]:
    """Put the tallies of all buckets together, one column at a time: there may be as many as memory just holds."""
    columns: dict[str, Values] = {}
    for name in reversed(_TALLIES):
        columns[name] = np.concatenate([np.zeros(0, dtype="int64"), *(tally.pop() for tally in tallies)])
    order = in_order(columns["key"])
    for name in _TALLIES:
        columns[name] = columns[name].take(order)
    return {name: columns[name] for name in _TALLIES}


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
    offsets, pairs, total = Offsets(), Pairs(), 0
    rows: list[tuple[Values, Values]] = []
    values: list[tuple[Values, Values]] = []

    def parts_of(batch: tuple[Values, Values]) -> tuple[tuple[Values, Values], list[Values]]:
        classes, found = batch
        if not len(classes):
            return tallied(classes), []
        found = offsets.distances(int(found.min()), int(found.max()), lambda: found)
        return tallied(classes), in_buckets(packed(classes, found))

    for found, parts in in_parallel(parts_of, column_batches):
        rows.append(found)
        pairs.keep(parts)
    for of_class, of_all in pairs.in_portions(lambda some: (by_group(some), len(distinct(value_of(some))))):
        values.append(of_class)
        total += of_all
    count = 1 + max((int(classes.max()) for classes, _ in rows if len(classes)), default=-1)
    return _added_up(rows, count), _added_up(values, count), total


def _added_up(parts: Iterable[tuple[Values, Values]], size: int) -> Values:
    total = np.zeros(size, dtype="int64")
    for places, counts in parts:
        np.add.at(total, places, counts)
    return total
