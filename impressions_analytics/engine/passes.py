"""Exact numpy passes for the core analyses, over rows that come in pieces and in any order.

Counting what is distinct is what costs. A pass puts the rows of each piece in order of the group they are counted in,
and keeps the values of each group as slices; then it sorts the values of one group at a time and counts the changes.
The time does not depend on how far apart the values lie.

The definitions are those of `impressions_analytics.analytics`; property tests hold these passes to them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from impressions_analytics.engine.calendar import CALENDARS, Calendar
from impressions_analytics.engine.column_batches import ColumnBatch
from impressions_analytics.engine.distinct import Values
from impressions_analytics.engine.groups import Groups, in_runs
from impressions_analytics.engine.tallies import Tallies

__all__ = ["CALENDARS", "Calendar", "over_time", "per_class", "per_key"]


def over_time(
    column_batches: Iterable[ColumnBatch], calendar: Calendar, *, distinct: Sequence[str], so_far: bool
) -> dict[str, Values]:
    """Count rows and distinct values per period.

    Parameters
    ----------
    pieces : iterable of ColumnBatch
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
    rows: dict[int, int] = defaultdict(int)
    groups = {name: Groups() for name in distinct}
    for batch in column_batches:
        runs = in_runs(calendar.numbers(batch.integers("timestamp")))
        for period, start, stop in runs.bounds:
            rows[period] += stop - start
        for name in distinct:
            groups[name].add(runs, *batch.nullable(name))
    first, last = min(rows, default=0), max(rows, default=-1)
    counted = {name: found.distinct_so_far() if so_far else found.distinct() for name, found in groups.items()}
    filled = {name: _filled(counts, first, last) for name, counts in {"rows": rows, **counted}.items()}
    return {"period": calendar.starts(np.arange(first, last + 1)), **filled}


def per_key(column_batches: Iterable[ColumnBatch], key: str) -> tuple[dict[str, Values], int]:
    """Count the rows and distinct mailings of each key, and find its first and its last timestamp.

    Returns
    -------
    dict of numpy arrays, int
        ``key`` in order, ``rows``, ``mailings``, ``first``, ``last`` (microseconds); and the rows without a key.
    """
    tallies, mailings, without = Tallies(), Groups(), 0
    for batch in column_batches:
        keys, there = batch.nullable(key)
        mailing, timestamp = batch.integers("mailing"), batch.integers("timestamp")
        if there is not None:
            without += len(keys) - int(np.count_nonzero(there))
            keys, mailing, timestamp = keys[there], mailing[there], timestamp[there]
        if len(keys):
            tallies.add(keys, timestamp)
            mailings.add(in_runs(mailing), keys, None)
    return tallies.columns(mailings), without


def per_class(column_batches: Iterable[tuple[Values, Values]]) -> tuple[Values, Values, int]:
    """Count the rows and distinct values of each class, and the distinct values of all classes together.

    Parameters
    ----------
    pieces : iterable of (classes, values)
        The number of the class of each row, from 0 on, and its value.

    Returns
    -------
    array, array, int
        Rows and distinct values by the number of the class, and the distinct values of all.
    """
    rows: dict[int, int] = defaultdict(int)
    groups = Groups()
    for classes, values in column_batches:
        runs = in_runs(classes)
        for number, start, stop in runs.bounds:
            rows[number] += stop - start
        groups.add(runs, values, None)
    last = max(rows, default=-1)
    return _filled(rows, 0, last), _filled(groups.distinct(), 0, last), groups.distinct_of_all()


def _filled(counts: dict[int, int], first: int, last: int) -> Values:
    """Return the counts of the groups from the first to the last, 0 where there is none."""
    filled = np.zeros(last + 1 - first, dtype="int64")
    filled[np.fromiter(counts, dtype="int64", count=len(counts)) - first] = list(counts.values())
    return filled
