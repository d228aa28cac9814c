"""A table of numpy columns that grows at the end, with the indexes that make a period or an emailing cheap to find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
"""The integers of one column: numbers, seconds, or codes into a vocabulary."""
Rows = NDArray[np.int32]
"""Positions of rows in their table."""


class SortedIndex:
    """The rows of one column in the column's order; rows that are equal stay in the order of the table.

    Examples
    --------
    >>> index = SortedIndex(np.array([30, 10, 20, 10]))
    >>> index.between(10, 30).tolist()
    [1, 3, 2]
    >>> index.add(np.array([15, 10]))
    >>> index.between(10, 30).tolist()
    [1, 3, 5, 4, 2]
    """

    def __init__(self, keys: Values) -> None:
        self._rows: Rows = np.argsort(keys, kind="stable").astype(np.int32)
        self._keys = keys[self._rows]

    def add(self, keys: Values) -> None:
        """Put rows that were added to the end of the table in their places."""
        added = np.argsort(keys, kind="stable").astype(np.int32)
        at = np.searchsorted(self._keys, keys[added], side="right")
        self._rows = np.insert(self._rows, at, added + np.int32(len(self._rows)))
        self._keys = np.insert(self._keys, at, keys[added])

    def between(self, low: int, high: int) -> Rows:
        """Return the rows with low <= key < high, in the column's order."""
        first, last = np.searchsorted(self._keys, [low, high], side="left")
        return self._rows[first:last]


class RowTable:
    """Columns of equal length in ID order; text columns hold codes into `vocabularies`.

    Examples
    --------
    >>> table = RowTable({"ID": np.array([1, 4]), "timestamp": np.array([90, 60])}, {})
    >>> len(table), table.by("timestamp").between(0, 80).tolist()
    (2, [1])
    >>> table.append({"ID": np.array([6]), "timestamp": np.array([70])}); len(table)
    3
    """

    def __init__(self, columns: Mapping[str, Values], vocabularies: Mapping[str, Sequence[str | None]]) -> None:
        self.columns = dict(columns)
        self.vocabularies = dict(vocabularies)
        self._indexes: dict[str, SortedIndex] = {}

    def __len__(self) -> int:
        return len(self.columns["ID"])

    def by(self, column: str) -> SortedIndex:
        """Return the index on a column, made when it is first asked for."""
        if column not in self._indexes:
            self._indexes[column] = SortedIndex(self.columns[column])
        return self._indexes[column]

    def append(self, columns: Mapping[str, Values]) -> None:
        """Add rows at the end; their IDs must be the highest. A column that is new is 0 in the rows before."""
        for name, index in self._indexes.items():
            index.add(columns[name])
        before = len(self)
        for name, values in columns.items():
            known = self.columns.get(name, np.zeros(before, values.dtype))
            self.columns[name] = np.concatenate([known, values.astype(known.dtype)])
