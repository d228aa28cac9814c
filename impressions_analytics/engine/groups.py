"""The values of each group, and how many of them are distinct."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from impressions_analytics.engine.column_batches import UnsuitedError
from impressions_analytics.engine.distinct import Values, count_distinct, count_first_seen

ROOM = 1 << 20
"""A span up to this, or 64 times the rows, is worth an array in memory: no small frame may ask for gigabytes."""


@dataclass(frozen=True, slots=True)
class Runs:
    """Rows in order of their group.

    Attributes
    ----------
    order : array or None
        What puts the rows in that order; None where they are in it.
    bounds : list of (group, start, stop)
        Where in that order each group lies; a group may lie in several places.
    """

    order: Values | None
    bounds: list[tuple[int, int, int]]

    def arranged(self, values: Values) -> Values:
        """Return values in the order of the groups."""
        return values if self.order is None else values[self.order]


def in_runs(groups: Values) -> Runs:
    """Put rows in order of the number of their group.

    Examples
    --------
    >>> in_runs(np.array([7, 5, 7])).bounds
    [(5, 0, 1), (7, 1, 3)]
    """
    if not len(groups):
        return Runs(None, [])
    order = None
    if (groups[1:] < groups[:-1]).any():
        low, high = int(groups.min()), int(groups.max())
        # numpy orders 16 bits by radix, and wider integers several times slower.
        order = np.argsort((groups - low).astype("uint16") if high - low < 1 << 16 else groups, kind="stable")
        groups = groups[order]
    starts = np.concatenate([[0], np.flatnonzero(groups[1:] != groups[:-1]) + 1])
    stops = [*starts[1:].tolist(), len(groups)]
    return Runs(order, list(zip(groups[starts].tolist(), starts.tolist(), stops, strict=True)))


@dataclass
class Groups:
    """The values of each group, as slices of what came; kept as small offsets from the first value where they fit."""

    base: int | None = None
    slices: dict[int, list[Values]] = field(default_factory=lambda: defaultdict(list))

    def add(self, runs: Runs, values: Values, there: Values | None) -> None:
        """Take the values of some more rows; those that are not there are no values."""
        if not runs.bounds:
            return
        values = runs.arranged(self._offsets(values))
        there = None if there is None else runs.arranged(there)
        for group, start, stop in runs.bounds:
            part = values[start:stop] if there is None else values[start:stop][there[start:stop]]
            if len(part):
                self.slices[group].append(part)

    def _offsets(self, values: Values) -> Values:
        if self.base is None:
            self.base = int(values[0])
        low, high = int(values.min()) - self.base, int(values.max()) - self.base
        if not -(1 << 62) < low <= high < 1 << 62:
            raise UnsuitedError("numbers that lie too far apart")
        return (values - self.base).astype("int32") if -(1 << 31) <= low <= high < 1 << 31 else values - self.base

    def distinct(self) -> dict[int, int]:
        """Count the distinct values of each group."""
        return {group: count_distinct(parts) for group, parts in self.slices.items()}

    def distinct_of_all(self) -> int:
        """Count the distinct values of all groups together."""
        return count_distinct(self.all_parts())

    def distinct_so_far(self) -> dict[int, int]:
        """Count the distinct values of each group that are in no group of a lower number."""
        groups = sorted(self.slices)
        counts = count_first_seen([np.concatenate(self.slices[group]) for group in groups])
        return dict(zip(groups, counts.tolist(), strict=True))

    def all_parts(self) -> list[Values]:
        """Return the slices of every group."""
        return [part for parts in self.slices.values() for part in parts]


def room(size: int, rows: int, dtype: str) -> Values:
    """Return an array of zeros for a span of values, unless the span is out of proportion to the rows."""
    if size > max(ROOM, 64 * rows):
        raise UnsuitedError(f"{rows} rows whose numbers span {size}")
    return np.zeros(size, dtype=dtype)
