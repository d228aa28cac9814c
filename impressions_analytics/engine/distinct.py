"""Distinct values by sorting: numpy sorts whole numbers with vector instructions, much faster than it hashes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]


def distinct_values(parts: list[Values]) -> Values:
    """Return the distinct values of some slices, in order.

    Examples
    --------
    >>> distinct_values([np.array([7, 5]), np.array([7])])
    array([5, 7])
    """
    values, changes = _sorted(parts)
    return values[changes]


def count_distinct(parts: list[Values]) -> int:
    """Count the distinct values of some slices.

    Examples
    --------
    >>> count_distinct([np.array([7, 5]), np.array([7])])
    2
    """
    return int(np.count_nonzero(_sorted(parts)[1]))


def count_first_seen(groups: list[Values]) -> Values:
    """Count, for each group, the distinct values that are in no earlier group.

    Value and place of the group are packed into one integer, so that one sort puts the earliest group of a value
    first. Values too far apart for that are replaced by their rank.

    Examples
    --------
    >>> count_first_seen([np.array([5, 6, 6]), np.array([6, 7])])
    array([2, 1])
    """
    bits = max(len(groups) - 1, 0).bit_length()
    values = np.concatenate([np.zeros(0, dtype="int64"), *groups])
    if not len(values):
        return np.zeros(len(groups), dtype="int64")
    low = int(values.min())
    if (int(values.max()) - low).bit_length() + bits > 63:
        values, low = np.searchsorted(distinct_values([values]), values), 0
    packed = (values - low) << bits | np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    packed.sort()
    firsts = packed[_changes(packed >> bits)] & ((1 << bits) - 1)
    return np.bincount(firsts, minlength=len(groups)).astype("int64")


def _sorted(parts: list[Values]) -> tuple[Values, npt.NDArray[np.bool_]]:
    """Return the values in order, and which of them differ from the one before."""
    values = np.concatenate(parts) if parts else np.zeros(0, dtype="int64")
    values.sort()
    return values, _changes(values)


def _changes(values: Values) -> npt.NDArray[np.bool_]:
    changes = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return changes
