"""How often, when first and when last each key was seen, in arrays over the span of the keys."""

from __future__ import annotations

import numpy as np

from impressions_analytics.engine.distinct import Values, distinct_values
from impressions_analytics.engine.groups import Groups, room

_EARLIEST, _LATEST = np.iinfo("int64").min, np.iinfo("int64").max  # before any row


class Tallies:
    """Arrays over the span of the keys, which grow as keys outside it come."""

    def __init__(self) -> None:
        self._low, self._seen = 0, 0
        self._rows = np.zeros(0, dtype="int64")
        self._first = np.zeros(0, dtype="int64")
        self._last = np.zeros(0, dtype="int64")

    def add(self, keys: Values, timestamps: Values) -> None:
        """Take some more rows."""
        self._seen += len(keys)
        self._reach(int(keys.min()), int(keys.max()))
        places = keys - self._low
        np.add.at(self._rows, places, 1)
        np.minimum.at(self._first, places, timestamps)
        np.maximum.at(self._last, places, timestamps)

    def columns(self, mailings: Groups) -> dict[str, Values]:
        """Return the keys seen, in order, with their tallies and the number of the groups that have them."""
        found = np.flatnonzero(self._rows)
        distinct = np.zeros(len(self._rows), dtype="int32")
        for parts in mailings.slices.values():
            distinct[distinct_values(parts) - (self._low - (mailings.base or 0))] += 1
        columns = {"rows": self._rows, "mailings": distinct, "first": self._first, "last": self._last}
        return {"key": found + self._low, **{name: column[found] for name, column in columns.items()}}

    def _reach(self, low: int, high: int) -> None:
        """Make the arrays cover more keys, with half as much again to spare so that they seldom grow."""
        end = self._low + len(self._rows)
        if len(self._rows) and self._low <= low and high < end:
            return
        low, end = (low, high + 1) if not len(self._rows) else (min(low, self._low), max(high + 1, end))
        size = end - low if not len(self._rows) else (end - low) * 3 // 2
        grown = room(size, self._seen, "int64"), np.full(size, _LATEST), np.full(size, _EARLIEST)
        kept = slice(self._low - low, self._low - low + len(self._rows))
        for new, old in zip(grown, (self._rows, self._first, self._last), strict=True):
            new[kept] = old
        self._rows, self._first, self._last = grown
        self._low = low
