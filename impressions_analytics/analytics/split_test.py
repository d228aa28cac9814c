"""The statistics of a split test in which machines hide some of the opens."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from impressions_analytics.analytics.quantiles import normal_quantile

if TYPE_CHECKING:
    import pandas as pd

Numbers = npt.NDArray[np.float64]

POWER = 0.8
_GRID = np.linspace(0, 1, 1001)
_MOST = 1e12
"""More deliveries than anybody sends: above it no number decides."""


@dataclass(frozen=True, slots=True)
class Arm:
    """What one mailing of a split test counted: delivered messages, and those of them that were opened or clicked."""

    mailing: int
    delivered: int
    human: int
    machine_only: int
    clicked: int | None = None
    first_delivery: pd.Timestamp | None = None


def difference_bounds(a: Arm, b: Arm, delta: Any, z: float) -> tuple[Numbers, Numbers]:
    """Return the ends of the difference of two arms' open rates, for each delta.

    Examples
    --------
    >>> low, high = difference_bounds(Arm(411, 5000, 2000, 500), Arm(412, 5000, 1250, 500), [0.0, 1.0], 1.645)
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([0.13, 0.03], [0.17, 0.27])
    """
    delta = np.asarray(delta, dtype="float64")
    nothing, everything = np.zeros_like(delta), np.ones_like(delta)
    low = [_difference(a, b, *corner, -z) for corner in ((nothing, delta), (1 - delta, everything))]
    high = [_difference(a, b, *corner, z) for corner in ((delta, nothing), (everything, 1 - delta))]
    return np.minimum(*low), np.maximum(*high)


def _difference(a: Arm, b: Arm, hidden_a: Numbers, hidden_b: Numbers, z: float) -> Numbers:
    """Return the difference at one pair of hidden open rates, moved by `z` standard errors."""
    mean_a, variance_a = _moments(a.human, a.machine_only, a.delivered, hidden_a)
    mean_b, variance_b = _moments(b.human, b.machine_only, b.delivered, hidden_b)
    moved: Numbers = mean_a - mean_b + z * np.sqrt(variance_a + variance_b)
    return moved


def _moments(human: Any, machine_only: Any, delivered: Any, hidden: Any) -> tuple[Any, Any]:
    """Return the open rate of an arm and its variance, with one success and one failure added."""
    n = delivered + 2
    mean = (human + hidden * machine_only + 1) / n
    square = (human + hidden**2 * machine_only + 1) / n
    return mean, (square - mean**2) / n


def winner(a: Arm, b: Arm, delta: float, z: float) -> int | None:
    """Return the mailing that wins at this delta; None if nothing is decided."""
    low, high = difference_bounds(a, b, delta, z)
    return a.mailing if low > 0 else b.mailing if high < 0 else None


def largest_delta(a: Arm, b: Arm, z: float) -> float | None:
    """Return up to which delta the leader wins, to a thousandth."""
    low, high = difference_bounds(a, b, _GRID, z)
    wins = low > 0 if low[0] > 0 else high < 0
    if not wins[0]:
        return None
    return float(_GRID[-1] if wins.all() else _GRID[int(np.argmin(wins)) - 1])


def deliveries_to_decide(a: Arm, b: Arm, delta: float, z: float) -> int | None:
    """Return how many deliveries per arm would decide in 4 of 5 tests at the observed rates; None if no number would.

    Examples
    --------
    >>> deliveries_to_decide(Arm(411, 500, 60, 100), Arm(412, 500, 50, 100), 0.0, 1.645)
    6672
    """
    needed = min(_deliveries_to_win(a, b, delta, z), _deliveries_to_win(b, a, delta, z))
    return math.ceil(needed) if needed < _MOST else None


def _deliveries_to_win(a: Arm, b: Arm, delta: float, z: float) -> float:
    """Return how many deliveries per arm would let `a` win at both corners."""
    return max(_deliveries_at(a, b, 0.0, delta, z), _deliveries_at(a, b, 1 - delta, 1.0, z))


def _deliveries_at(a: Arm, b: Arm, hidden_a: float, hidden_b: float, z: float) -> float:
    mean_a, variance_a = _moments(a.human, a.machine_only, a.delivered, np.float64(hidden_a))
    mean_b, variance_b = _moments(b.human, b.machine_only, b.delivered, np.float64(hidden_b))
    ahead = float(mean_a - mean_b)
    spread = float(variance_a * (a.delivered + 2) + variance_b * (b.delivered + 2))
    return (normal_quantile(POWER) + z) ** 2 * spread / ahead**2 if ahead > 0 else math.inf
