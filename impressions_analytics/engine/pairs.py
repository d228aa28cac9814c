"""Distinct pairs of a group and a value, packed into one whole number each, for rows that come in batches in any order.

They are dealt out to buckets by the hash of their value, so that equal values meet in one, which fits the cache.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import chain
from typing import TypeVar

import numpy as np

from impressions_analytics.engine.buckets import dealt, portions
from impressions_analytics.engine.column_batches import ColumnBatch, UnsuitedError
from impressions_analytics.engine.distinct import BUCKETS, Values, distinct, representatives
from impressions_analytics.engine.threads import in_parallel

Result = TypeVar("Result")

VALUE_BITS = 34
GROUP_BITS = 63 - VALUE_BITS
_VALUES = (1 << VALUE_BITS) - 1
_COMPACT = 1 << 25
"""After so many more pairs, those in buckets are made distinct."""


class Offsets:
    """The numbers of a column as their distance from a base, so that they fit into few bits; a null becomes 0.

    Parameters
    ----------
    bits : int
        How many bits a distance may take. The base lies so that numbers on both sides of the first batch fit.
    """

    def __init__(self, bits: int = VALUE_BITS) -> None:
        self._room = 1 << bits
        self._lock = threading.Lock()
        self.base = 0
        self._known = False

    def of(self, batch: ColumnBatch, name: str) -> Values:
        """Return the distances of a column of a batch."""
        ends = batch.span(name)
        if ends is None:
            return np.zeros(batch.batch.num_rows, dtype="int64")
        return self.distances(*ends, lambda: batch.filled(name, self.base))

    def distances(self, low: int, high: int, values: Callable[[], Values]) -> Values:
        """Return the distances of values between two ends; they are asked for when the base is known."""
        with self._lock:
            if not self._known:
                self.base, self._known = low - self._room // 2, True
        if low <= self.base or high - self.base >= self._room or self.base < -(1 << 63):
            raise UnsuitedError("numbers that lie too far apart")
        return values() - self.base


def packed(groups: Values, values: Values) -> Values:
    """Pack the number of a group and a value into one number, in which equal pairs are equal.

    Examples
    --------
    >>> pairs = packed(np.array([3]), np.array([112]))
    >>> group_of(pairs), value_of(pairs)
    (array([3]), array([112]))
    """
    pairs: Values = groups.astype("int64") << VALUE_BITS
    pairs |= values
    return pairs


def group_of(pairs: Values) -> Values:
    """Return the number of the group of each pair."""
    return pairs >> VALUE_BITS


def value_of(pairs: Values) -> Values:
    """Return the value of each pair."""
    return pairs & _VALUES


def in_buckets(pairs: Values) -> list[Values]:
    """Deal out the pairs of a batch by the hash of their value."""
    return [bucket for (bucket,) in dealt(value_of(pairs), pairs)]


class Pairs:
    """Distinct pairs of all batches, in buckets by the hash of their value."""

    def __init__(self) -> None:
        self._buckets: list[list[Values]] = [[] for _ in range(BUCKETS)]
        self._held, self._compact_at = 0, _COMPACT

    def keep(self, parts: list[Values]) -> None:
        """Take the dealt pairs of one more batch."""
        for bucket, pairs in zip(self._buckets, parts, strict=bool(parts)):
            bucket.append(pairs)
        self._held += sum(map(len, parts))
        if self._held >= self._compact_at:
            self._buckets = [[pairs] for pairs in in_parallel(_together, self._buckets)]
            self._held = sum(len(bucket[0]) for bucket in self._buckets)
            self._compact_at = self._held + _COMPACT

    def in_portions(self, function: Callable[[Values], Result]) -> Iterator[Result]:
        """Yield what a function gives for all distinct pairs, in portions; equal values are in one portion."""
        if self._held:
            yield from in_parallel(lambda portion: function(self._in(portion)), portions(self._held))

    def _in(self, portion: range) -> Values:
        return _together(list(chain.from_iterable(self._buckets[number] for number in portion)))


def _together(parts: list[Values]) -> Values:
    """Make distinct what is kept in several parts."""
    return distinct(np.concatenate(parts)) if parts else np.zeros(0, dtype="int64")


class Numbers:
    """Small numbers for the values of a column, from 0 on, given out as they come.

    Parameters
    ----------
    bits : int
        How many bits a number may take.
    """

    def __init__(self, bits: int) -> None:
        self._most, self._lock = 1 << bits, threading.Lock()
        self._given: dict[int, int] = {}

    def of(self, values: Values) -> Values:
        """Return the number of each value."""
        chosen, ones = _standing(values)
        if len(ones) > self._most:
            raise UnsuitedError("too many groups")
        numbers = np.zeros(len(values), dtype="int64")
        with self._lock:
            numbers[ones] = [self._given.setdefault(value, len(self._given)) for value in values.take(ones).tolist()]
            if len(self._given) > self._most:
                raise UnsuitedError("too many groups")
        return numbers.take(chosen)

    def sorted(self) -> tuple[Values, Values]:
        """Return the values in order, and the place of each number in that order."""
        values = np.fromiter(self._given, dtype="int64", count=len(self._given))
        order = np.argsort(values)
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        return values[order], places


def tallied(numbers: Values) -> tuple[Values, Values]:
    """Return which numbers occur, and how often.

    Examples
    --------
    >>> tallied(np.array([7, 9, 7]))
    (array([7, 9]), array([2, 1]))
    """
    if not len(numbers):
        return numbers, numbers
    low = numbers.min()
    if numbers.max() - low <= 4 * len(numbers):
        counts = np.bincount(numbers - low)
        found = np.flatnonzero(counts)
        return found + low, counts.take(found)
    chosen, ones = _standing(numbers)
    return numbers.take(ones), np.bincount(chosen, minlength=len(numbers)).take(ones)


def _standing(values: Values) -> tuple[Values, Values]:
    """Return which place stands for each value, and the places that stand for any."""
    chosen = representatives(values)
    return chosen, np.flatnonzero(chosen == np.arange(len(chosen)))
