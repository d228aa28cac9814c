"""Rows in order of time: a period that no later row can belong to is counted at once, and its rows are forgotten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from impressions_analytics.engine.distinct import BLOCK, Values, count_distinct, distinct
from impressions_analytics.engine.pairs import group_of, in_buckets, packed, tallied, value_of

_LONG = 4096
"""Where periods have so many rows on average, each is counted by itself; else many are made distinct together."""
_MOST_HELD = 1 << 22
"""A period of more rows than this is not waited for."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Some consecutive rows.

    Attributes
    ----------
    periods : array
        The number of the period of each row.
    groups : array or None
        The number of the group of each row, if that is not its period.
    values : mapping of str to array
        The columns to count the distinct values of; 0 is none.
    later : int or None
        No later row has a period below this; None where that is not known, or the rows do not rise.
    buckets : mapping of str to list of array
        The pairs of group and value, dealt out, instead of the values.
    """

    periods: Values
    groups: Values | None
    values: Mapping[str, Values]
    later: int | None = None
    buckets: Mapping[str, list[Values]] = field(default_factory=dict)

    def part(self, begin: int, end: int) -> Rows:
        """Return some of the rows."""
        values = {name: column[begin:end] for name, column in self.values.items()}
        groups = None if self.groups is None else self.groups[begin:end]
        return Rows(self.periods[begin:end], groups, values)

    def dealt(self) -> Rows:
        """Return the rows with their pairs dealt out to buckets."""
        groups = self.periods if self.groups is None else self.groups
        dealt = {name: in_buckets(packed(groups, column)) for name, column in self.values.items()}
        return replace(self, values={}, buckets={**self.buckets, **dealt})

    def counted(self) -> tuple[Values, Values]:
        """Return the groups, and the number of rows of each."""
        return tallied(self.periods if self.groups is None else self.groups)


def rises(periods: Values) -> bool:
    """Whether no period is below the one before it.

    Examples
    --------
    >>> rises(np.array([3, 3, 4])), rises(np.array([4, 3]))
    (True, False)
    """
    return bool((periods[1:] >= periods[:-1]).all())


def swept(batches: Iterable[Rows]) -> Iterator[tuple[list[Rows], bool]]:
    """Yield rows in parts that belong together, and whether all rows of their periods are among them.

    They are, as long as rows come in order; then they rise.
    """
    waiting: list[Rows] = []
    in_order = True
    for rows in batches:
        if not len(rows.periods):
            continue
        in_order = in_order and _follows(rows, waiting)
        if not in_order or rows.later is None:
            yield from (([some], False) for some in (*waiting, rows))
            waiting = []
            continue
        at = int(np.searchsorted(rows.periods, rows.later))
        begin = int(np.searchsorted(rows.periods, waiting[-1].periods[-1], "right")) if at and waiting else 0
        if at and waiting:
            yield [*waiting, rows.part(0, begin)], True
            waiting = []
        if begin < at:
            yield [rows.part(begin, at)], True
        if at < len(rows.periods):
            waiting.append(rows.part(at, len(rows.periods)))
    yield from (([some], False) for some in waiting)


def _follows(rows: Rows, waiting: list[Rows]) -> bool:
    """Whether rows rise and follow those that wait, which are not too many."""
    held = sum(len(some.periods) for some in waiting)
    before = waiting[-1].periods[-1] if waiting else rows.periods[0]
    return rows.later is not None and held <= _MOST_HELD and bool(before <= rows.periods[0])


def joined(parts: list[Rows]) -> Rows:
    """Put parts together."""
    if len(parts) == 1:
        return parts[0]
    values = {name: np.concatenate([part.values[name] for part in parts]) for name in parts[0].values}
    groups = [part.groups for part in parts if part.groups is not None]
    periods = np.concatenate([part.periods for part in parts])
    return Rows(periods, np.concatenate(groups) if groups else None, values)


def count_rising(rows: Rows) -> dict[str, tuple[Values, Values]]:
    """Return, for rows that rise, the groups and in each the number of ``rows`` and of distinct values of a column."""
    periods = rows.periods
    starts = np.flatnonzero(np.concatenate([[True], periods[1:] != periods[:-1]]))
    if rows.groups is not None or len(periods) < _LONG * len(starts):
        return {"rows": rows.counted(), **{name: _count_together(rows, name) for name in rows.values}}
    groups, counts = periods.take(starts), {"rows": np.diff(starts, append=len(periods))}
    for name, values in rows.values.items():
        counts[name] = np.array([count_distinct(run) for run in np.split(values, starts[1:])])
    return {name: (groups, found) for name, found in counts.items()}


def _count_together(rows: Rows, name: str) -> tuple[Values, Values]:
    periods, values = rows.periods, rows.values[name]
    groups = periods if rows.groups is None else rows.groups
    cuts = np.unique([0, *np.searchsorted(periods, periods[BLOCK::BLOCK]), len(periods)])
    found = [by_group(distinct(packed(groups[begin:end], values[begin:end]))) for begin, end in pairwise(cuts.tolist())]
    groups, counts = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return groups, counts


def by_group(pairs: Values) -> tuple[Values, Values]:
    """Return the groups of some distinct pairs, and the number of values of each; 0 is none."""
    return tallied(group_of(pairs.compress(value_of(pairs) != 0)))
