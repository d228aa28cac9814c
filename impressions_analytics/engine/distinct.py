"""Distinct whole numbers by hashing: four numpy operations over a table that stays in the processor's cache.

Every number writes its place into the slot that its hash names, and reads that slot again. A number that finds an equal
one there is done; the others, which met a different number in their slot, take part in a further round. Neither the
span of the numbers nor their order matters, and no instruction set is needed: `numpy.sort` of 64 bits takes between
10 and 60 nanoseconds a number, depending on the processor, and this takes 5.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]

BLOCK = 1 << 17
"""So many numbers and their slots lie in the cache of one core."""

BUCKETS = 256
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio: neighbours get slots far apart
_DEAL = np.uint64(0xD6E8FEB86659FD93)
_MIX_HALF = np.uint32(0x9E3779B1)
_SPREAD = 64
"""Up to so many times as many flags as numbers are quicker than a hash."""
_ROUNDS = 12  # one more halves what is left at least, unless the numbers were made to meet


def bucket_of(values: Values) -> Values:
    """Return a bucket for each number, of 256, by a hash that has nothing to do with the slots in a bucket.

    Examples
    --------
    >>> bucket_of(np.array([7, 8, 7]))
    array([224, 183, 224], dtype=uint8)
    """
    return _hashed(values, _DEAL, 8).astype("uint8")


def distinct(values: Values) -> Values:
    """Return the distinct numbers, in no particular order.

    Examples
    --------
    >>> sorted(distinct(np.array([7, 5, 7])).tolist())
    [5, 7]
    """
    if len(values) <= 2 * BLOCK:
        return _distinct_here(values)
    numbers = bucket_of(values)
    ends = np.bincount(numbers, minlength=BUCKETS).cumsum()
    step = max(1, BUCKETS * BLOCK // len(values))
    dealt = values.take(np.argsort(numbers, kind="stable"))  # numpy orders 8 and 16 bits by radix
    return np.concatenate([_distinct_here(part) for part in np.split(dealt, ends[step - 1 : -1 : step])])


def _distinct_here(values: Values) -> Values:
    found = []
    for _ in range(_ROUNDS):
        if not len(values):
            break
        places = np.arange(len(values), dtype="int32")
        met = _met(values, places)
        found.append(values.compress(met == places))
        values = values.compress(values.take(met) != values)
    if len(values):
        found.append(np.unique(values))
    return np.concatenate(found) if found else values


def count_distinct(values: Values) -> int:
    """Count the distinct numbers above 0; none is below.

    Numbers that lie close together need no hash: each has a flag of its own.

    Examples
    --------
    >>> count_distinct(np.array([7, 5, 7, 0]))
    2
    """
    if not values.all():
        values = values.compress(values != 0)
    if not len(values):
        return 0
    above = values - (values.min() - 1)
    span = int(above.max())
    if span <= _SPREAD * len(values):
        flags = np.zeros(span + 1, dtype="bool")
        flags[above] = True
        return int(np.count_nonzero(flags))
    return _count_half(above.astype("uint32")) if span < 1 << 32 else len(distinct(values))


def _count_half(values: Values) -> int:
    """Count the distinct numbers of 32 bits above 0: each writes itself into its slot, and the slots are counted."""
    count = 0
    for _ in range(_ROUNDS):
        if not len(values):
            break
        bits = max(8, (2 * len(values)).bit_length())
        slots = ((values * _MIX_HALF) >> np.uint32(32 - bits)).astype("int64")
        table = np.zeros(1 << bits, dtype="uint32")
        table[slots] = values
        count += int(np.count_nonzero(table))
        values = values.compress(table.take(slots) != values)
    return count + len(np.unique(values))


def representatives(values: Values) -> Values:
    """Return for each number the place of the one that stands for all that are equal to it.

    Examples
    --------
    >>> found = representatives(np.array([7, 5, 7]))
    >>> bool(found[0] == found[2]), int(found[1])
    (True, 1)
    """
    places = np.arange(len(values), dtype="int32")
    chosen = _met(values, places) if len(values) else places
    left = np.flatnonzero(values.take(chosen) != values)
    for _ in range(_ROUNDS):
        if not len(left):
            break
        rest = values.take(left)
        met = _met(rest, places[: len(rest)])
        chosen[left] = left.take(met)
        left = left.compress(rest.take(met) != rest)
    if len(left):
        _, firsts, numbers = np.unique(values[left], return_index=True, return_inverse=True)
        chosen[left] = left[firsts[numbers]]
    return chosen


def in_order(values: Values) -> Values:
    """Return what puts numbers in order, by 16 bits at a time: numpy orders those by radix, in linear time.

    Examples
    --------
    >>> in_order(np.array([70_000, 5, 80_000]))
    array([1, 0, 2])
    """
    if not len(values):
        return np.zeros(0, dtype="int64")
    low = values.min()
    above = values.view("uint64") - low.view("uint64")
    order = np.argsort(above.astype("uint16"), kind="stable")
    for shift in range(16, int(above.max()).bit_length(), 16):
        digits = (above >> np.uint64(shift)).astype("uint16")[order]
        order = order[np.argsort(digits, kind="stable")]
    return order


def _met(values: Values, places: Values) -> Values:
    """Return whose place each number finds in its slot, after all have written theirs."""
    bits = max(8, (2 * len(values)).bit_length())
    table = np.empty(1 << bits, dtype="int32")  # only slots that were written are read
    slots = _hashed(values, _MIX, bits)
    table[slots] = places
    met: Values = table.take(slots)
    return met


def _hashed(values: Values, factor: np.uint64, bits: int) -> Values:
    slots: Values = values.view("uint64") * factor
    slots >>= np.uint64(64 - bits)
    return slots.view("int64")
