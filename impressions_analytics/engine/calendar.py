"""Periods of the wall clock as whole numbers: the same calendar for every row, without asking it for every row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

_HOUR = 3_600_000_000  # microseconds
_DAY = 24 * _HOUR
_MONDAY = 4  # days from 1970-01-01, a Thursday, to the first Monday


@dataclass(frozen=True, slots=True)
class Calendar:
    """How timestamps become numbers of periods, and those the starts of periods.

    Attributes
    ----------
    step : int
        Microseconds of the fixed step that periods are made of: hours or days.
    of_steps : callable
        Numbers of steps since 1970 -> numbers of periods.
    starts : callable
        Numbers of periods -> their starts, as datetime64[us].
    """

    step: int
    of_steps: Callable[[Integers], Integers]
    starts: Callable[[Integers], npt.NDArray[Any]]

    def numbers(self, timestamps: Integers) -> Integers:
        """Return the number of the period of each timestamp, which are microseconds since 1970.

        Examples
        --------
        >>> CALENDARS["month"].numbers(np.array([0, 40 * 86_400_000_000]))
        array([0, 1])
        """
        steps: Integers = timestamps // self.step
        if self.of_steps is _same or not len(steps):
            return steps
        low = steps.min()
        numbers: Integers = self.of_steps(np.arange(low, steps.max() + 1))[steps - low]
        return numbers


def _same(steps: Integers) -> Integers:
    return steps


def _weeks(days: Integers) -> Integers:
    return (days - _MONDAY) // 7


def _months(days: Integers) -> Integers:
    return days.astype("datetime64[D]").astype("datetime64[M]").astype("int64")


def _as_starts(unit: str, *, times: int = 1, plus: int = 0) -> Callable[[Integers], npt.NDArray[Any]]:
    return lambda numbers: (numbers * times + plus).astype(f"datetime64[{unit}]").astype("datetime64[us]")


CALENDARS = {
    "hour": Calendar(_HOUR, _same, _as_starts("h")),
    "day": Calendar(_DAY, _same, _as_starts("D")),
    "week": Calendar(_DAY, _weeks, _as_starts("D", times=7, plus=_MONDAY)),
    "month": Calendar(_DAY, _months, _as_starts("M")),
    "quarter": Calendar(_DAY, lambda days: _months(days) // 3, _as_starts("M", times=3)),
    "year": Calendar(_DAY, lambda days: _months(days) // 12, _as_starts("Y")),
}
"""Every period that can be counted by."""
