"""A prediction interval for how much a count still grows, from how much comparable counts grew."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from impressions_analytics.analytics.quantiles import student_quantile

Method = Literal["student", "conformal", "counted"]


@dataclass(frozen=True, slots=True)
class Prediction:
    """Where the final count lies, and how that was found."""

    low: float
    middle: float
    high: float
    method: Method


def growth(so_far: Any, final: Any) -> npt.NDArray[np.float64]:
    """Return the logarithm of how often the final count is the count so far.

    Examples
    --------
    >>> growth([10, 0], [20, 0]).round(3).tolist()
    [0.669, 0.0]
    """
    later, before = np.asarray(final, dtype="float64"), np.asarray(so_far, dtype="float64")
    return np.log((later + 0.5) / (before + 0.5))


def predict(so_far: int, past_so_far: Any, past_final: Any, *, level: float) -> Prediction:
    """Predict a final count from the counts of comparable mailings at the same age and at the end.

    From 6 to 18 past mailings give Student's prediction interval of the growth. As soon as there are enough of them for
    `level` (19 at 0.9), the interval runs between order statistics of the growth and needs no distribution: it is
    conformal. Small counts vary more than large ones: where the count is smaller than those of the past, the interval
    is widened by the binomial variance that it has more.

    References
    ----------
    G. Shafer and V. Vovk, "A Tutorial on Conformal Prediction", JMLR 9 (2008).

    Examples
    --------
    >>> predict(100, [50, 60, 70, 80, 90, 100], [100, 121, 139, 161, 181, 200], level=0.9).method
    'student'
    """
    grown = growth(past_so_far, past_final)
    count = len(grown)
    middle, spread = float(grown.mean()), float(grown.std(ddof=1))
    wider = _wider(so_far, past_so_far, past_final, middle, spread)
    rank = math.floor((count + 1) * (1 - level) / 2 + 1e-9)
    if rank >= 1:
        ordered, middle = np.sort(grown), float(np.median(grown))
        low, high = middle + wider * (ordered[rank - 1] - middle), middle + wider * (ordered[-rank] - middle)
        method: Method = "conformal"
    else:
        half = student_quantile((1 + level) / 2, count - 1) * spread * wider * math.sqrt(1 + 1 / count)
        low, high, method = middle - half, middle + half, "student"
    low, middle, high = (_grown(so_far, max(end, 0)) for end in (low, middle, high))
    return Prediction(low, middle, high, method)


def _wider(so_far: int, past_so_far: Any, past_final: Any, middle: float, spread: float) -> float:
    """Return by how much a smaller count than those of the past widens the interval; at least 1."""
    own = _binomial(so_far, _grown(so_far, middle))
    past = float(np.mean(_binomial(np.asarray(past_so_far), np.asarray(past_final))))
    return math.sqrt(1 + max(0.0, own - past) / spread**2) if spread > 0 else 1.0


def _binomial(so_far: Any, final: Any) -> Any:
    """Return the variance of the growth that comes from counting alone."""
    return np.maximum(0, 1 / (so_far + 0.5) - 1 / (final + 0.5))


def _grown(so_far: int, by: float) -> float:
    return (so_far + 0.5) * math.exp(by) - 0.5
