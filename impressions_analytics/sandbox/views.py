"""The rows of a list, their order and their text. They are computed once and kept while a client reads the pages."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from impressions_analytics.sandbox.query import EVER, Selection, meets
from impressions_analytics.sandbox.tables import Rows, RowTable, Values
from impressions_analytics.sandbox.wire import CELLS, Edition, clock, numbers, render, vocabulary
from impressions_analytics.sandbox.world import World

VIEW_BYTES, PAGE_BYTES = 96 << 20, 192 << 20
"""How much memory lists, and rendered pages, may keep: enough for 500 pages, little beside the data."""
T = TypeVar("T")


class Remembered(Generic[T]):
    """The latest results of a function, up to a total size.

    Examples
    --------
    >>> squares = Remembered(100, size=lambda value: 40)
    >>> [squares.get(number, lambda: number * number) for number in (2, 3, 4, 2)]
    [4, 9, 16, 4]
    """

    def __init__(self, most: int, *, size: Callable[[T], int]) -> None:
        self._most, self._size, self._held = most, size, 0
        self._kept: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what is remembered under the key, else make and remember it."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        value = self._kept[key] = make()
        self._held += self._size(value)
        while self._held > self._most and len(self._kept) > 1:
            self._held -= self._size(self._kept.popitem(last=False)[1])
        return value


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows: all of the account's, or those of the destinations with first <= number < last."""

    level: str = "account"
    first: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class ListView:
    """One list, whichever page of it is asked: kind, whose rows, which of them, their order, and what is left out.

    What is left out is IDs, and the rows of emailings whose number has another remainder by 2.
    """

    kind: str
    scope: Scope
    query: Selection
    order: str = "id"
    hidden: tuple[int, ...] = ()
    remainder: int | None = None


class Views:
    """The lists of one family."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self._seed = seed
        self._views: Remembered[Rows] = Remembered(VIEW_BYTES, size=lambda rows: rows.nbytes + 200)
        self._pages: Remembered[bytes] = Remembered(PAGE_BYTES, size=lambda page: len(page) + 200)

    def rows(self, listing: ListView) -> Rows:
        """Return the positions of a list's rows, in order."""
        return self._views.get((listing, self._length(listing)), lambda: self._select(listing))

    def page(self, listing: ListView, first: int, last: int, edition: Edition, *, number_ids: bool = False) -> bytes:
        """Return the rows of a list with first <= offset < last as JSON objects, commas between them."""

        def rendered() -> bytes:
            cells = edition.cells(listing.kind, listing.scope.level)
            return render(
                self.world, listing.kind, self.rows(listing)[first:last], cells, number_ids=number_ids
            ).encode()

        return self._pages.get((listing, self._length(listing), first, last, edition, number_ids), rendered)

    def _length(self, listing: ListView) -> int:
        """Return what tells a list from itself before rows arrived: tables only grow."""
        return len(self.world.table(listing.kind))

    def _select(self, listing: ListView) -> Rows:
        kind, scope, query = listing.kind, listing.scope, listing.query
        table = self.world.table(kind)
        rows = self._of_period(table, scope, query)
        for condition in query.conditions:
            rows = rows[meets(condition, self._texts(kind, condition.column, rows))]
        if listing.hidden:
            rows = rows[~np.isin(table.columns["ID"][rows], listing.hidden)]
        if listing.remainder is not None:
            mailing = numbers(self.world, kind, "ID" if kind == "emailings" else "mailing", rows)
            rows = rows[mailing % 2 == listing.remainder]
        rows = np.sort(rows)
        if query.unique:
            rows = np.sort(rows[np.unique(table.columns["destination"][rows], return_index=True)[1]])
        return self._arrange(table, rows, listing.order)

    def _of_period(self, table: RowTable, scope: Scope, query: Selection) -> Rows:
        if scope.level == "account" and (query.begin, query.end) == EVER:
            return np.arange(len(table), dtype=np.int32)
        if scope.level == "account":
            return table.by("timestamp").between(query.begin, query.end)
        rows = table.by("destination").between(scope.first, scope.last)
        times = table.columns["timestamp"][rows]
        return rows[(times >= query.begin) & (times < query.end)]

    def _texts(self, kind: str, column: str, rows: Rows) -> list[str | None]:
        cell = CELLS[column]
        values = numbers(self.world, kind, cell.source, rows)
        if cell.style == "time":
            return [*clock(values)]
        if cell.style in ("text", "raw"):
            words = vocabulary(self.world, kind, cell.source)
            return [words[code] for code in values.tolist()]
        return [None if value < 0 else str(value) for value in values.tolist()]

    def _arrange(self, table: RowTable, rows: Rows, order: str) -> Rows:
        ranks = _RANK[order](table, rows, self._seed)
        if ranks is not None:
            rows = rows[np.argsort(ranks, kind="stable")]
        if "place" in table.columns:
            rows = rows[np.argsort(table.columns["place"][rows], kind="stable")]
        return rows


def _shuffled(numbers: Values, seed: int) -> Values:
    """Return a pseudo-random number for each number and seed (splitmix64): a shuffle that is stable as rows arrive."""
    mixed = numbers.astype(np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15) % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


_RANK: dict[str, Callable[[RowTable, Rows, int], Any]] = {
    "id": lambda table, rows, seed: None,
    "reverse": lambda table, rows, seed: -rows,
    "timestamp": lambda table, rows, seed: table.columns["timestamp"][rows],
    "random": lambda table, rows, seed: _shuffled(table.columns["ID"][rows], seed),
}
