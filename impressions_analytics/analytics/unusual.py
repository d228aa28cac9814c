"""How unusual a share of a mailing is, held against the same share of earlier mailings."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from impressions_analytics.analytics.quantiles import student_tail

Direction = Literal["low", "high"]
Numbers = npt.NDArray[np.float64]

LEAST_HISTORY = 6
"""With fewer earlier mailings nobody can say what is usual."""
LEAST_EXPECTED = 5.0
"""With fewer expected messages a share that falls cannot be told from chance."""
FEW = 30.0
_PLACES, _FARTHEST = 601, 40.0
"""The grid over which a Student variable is summed, in standard deviations."""
_MEDIAN_VARIANCE = math.pi / 2
"""How much more a median varies than a mean."""


@dataclass(frozen=True, slots=True)
class Surprise:
    """What was expected of a share, and how probable one so far out is if nothing is wrong."""

    expected: float
    probability: float


def logit(count: Any, total: Any) -> Numbers:
    """Return the log odds of a share; half a message on both sides keeps it finite.

    Examples
    --------
    >>> logit([50, 0], [100, 100]).round(2).tolist()
    [0.0, -5.3]
    """
    counted, of = np.asarray(count, dtype="float64"), np.asarray(total, dtype="float64")
    odds: Numbers = np.log((counted + 0.5) / (of - counted + 0.5))
    return odds


def share(odds: Any) -> Numbers:
    """Return the share of log odds."""
    of: Numbers = 1 / (1 + np.exp(-np.asarray(odds, dtype="float64")))
    return of


def surprise(
    counts: Any, totals: Any, direction: Direction, *, offsets: Any = None, offset_variances: Any = None
) -> Surprise | None:
    """Judge the last share of a series by those before it.

    The log odds of the last share, less its offset, are held against the mean of the earlier ones. Their variance has
    two parts: that of counting, at the share that is expected and not at the one observed, and what the earlier
    shares vary more than that. The probability is Student's, of the weaker of two statistics (on log odds and on
    shares). Where fewer than 30 messages were expected it is the binomial one, over log odds that vary like Student's.

    Parameters
    ----------
    counts, totals : sequence of int
        One entry per mailing, in order; the last is judged.
    direction : {"low", "high"}
        Which side is of interest.
    offsets, offset_variances : sequence of float, optional
        The log odds that the rest of the same mailing suggests, and their variance.

    Returns
    -------
    Surprise or None
        None where there is too little history, or where nothing was expected.

    Examples
    --------
    >>> found = surprise([300, 310, 290, 305, 295, 300, 100], [1000] * 7, "low")
    >>> round(found.expected, 2), found.probability < 0.0001
    (0.3, True)
    """
    counts, totals = np.asarray(counts, dtype="float64"), np.asarray(totals, dtype="float64")
    offsets = np.zeros(len(counts)) if offsets is None else np.asarray(offsets, dtype="float64")
    added = np.zeros(len(counts)) if offset_variances is None else np.asarray(offset_variances, dtype="float64")
    history = len(counts) - 1
    if history < LEAST_HISTORY or not totals[-1]:
        return None
    residuals = logit(counts, totals) - offsets
    usual = _usual(counts[:-1], totals[:-1], offsets[:-1])
    expected = share(usual + offsets)
    if direction == "low" and expected[-1] * totals[-1] < LEAST_EXPECTED:
        return None
    by_counting = 1 / np.maximum(totals * expected * (1 - expected), 1e-9) + added
    more = max(0.0, float(np.mean((residuals[:-1] - usual) ** 2) * history / (history - 1) - by_counting[:-1].mean()))
    of_odds = more + float(added[-1]) + (more + float(by_counting[:-1].mean())) / history
    last = _Last(int(counts[-1]), int(totals[-1]), float(expected[-1]), of_odds, history - 1)
    return Surprise(last.expected, _probability(last, direction))


def by_chance(count: int, total: int, share: float) -> float:
    """Return how often chance alone takes a count so far from a share of the total, or farther, on either side.

    It is twice the binomial tail on the side of the count, 1 at the most.

    Examples
    --------
    >>> round(by_chance(2, 10, 0.5), 3), by_chance(1, 2000, 0.0), by_chance(0, 2000, 0.0)
    (0.109, 0.0, 1.0)
    """
    if not 0 < share < 1 or not total:
        return float(count == total * share)
    if count > total * share:
        count, share = total - count, 1 - share
    # Outwards from the count, each outcome is this many times as probable as the one before it.
    outcomes = np.arange(count, 0, -1, dtype="float64")
    ratios = outcomes / (total - outcomes + 1) * (1 - share) / share
    log = math.lgamma(total + 1) - math.lgamma(count + 1) - math.lgamma(total - count + 1)
    log += count * math.log(share) + (total - count) * math.log1p(-share)
    return min(1.0, 2 * math.exp(log) * (1.0 + float(np.cumprod(ratios).sum())))


@dataclass(frozen=True, slots=True)
class _Last:
    """The last share, what was expected, and how much the log odds vary apart from counting."""

    count: int
    total: int
    expected: float
    variance: float
    degrees: int


def _probability(last: _Last, direction: Direction) -> float:
    """Return the probability of the rarer of the two outcomes: 98 of 100 are 2 of 100 that did not."""
    if last.expected > 0.5:
        last = replace(last, count=last.total - last.count, expected=1 - last.expected)
        direction = "low" if direction == "high" else "high"
    return _few(last, direction) if last.expected * last.total < FEW else _many(last, direction)


def _many(last: _Last, direction: Direction) -> float:
    """Return the probability where many messages were expected: Student's, of the weaker of two statistics."""
    sign = 1 if direction == "high" else -1
    binomial = max(last.expected * (1 - last.expected), 1e-9)
    spread = math.sqrt(last.variance + 1 / (last.total * binomial))
    usual = math.log(last.expected / (1 - last.expected))
    by_odds = sign * (float(logit(last.count, last.total)) - usual) / spread
    by_share = sign * (last.count / last.total - last.expected) / (binomial * spread)
    return student_tail(min(by_odds, by_share), last.degrees)


def _few(last: _Last, direction: Direction) -> float:
    """Return the probability where few were expected: binomial, over log odds that are Student's around the usual."""
    places = np.linspace(-_FARTHEST, _FARTHEST, _PLACES)
    weights = (1 + places**2 / last.degrees) ** (-(last.degrees + 1) / 2)
    usual = math.log(last.expected / (1 - last.expected))
    rates = np.clip(share(usual + math.sqrt(last.variance) * places), 1e-12, 1 - 1e-12)
    upto = np.arange(last.count + (direction == "low"))
    ways = np.array([math.lgamma(last.total + 1) - math.lgamma(k + 1) - math.lgamma(last.total - k + 1) for k in upto])
    logs = ways[:, None] + upto[:, None] * np.log(rates) + (last.total - upto[:, None]) * np.log1p(-rates)
    at_most = np.minimum(np.exp(logs).sum(axis=0), 1)
    tail = at_most if direction == "low" else 1 - at_most
    return float(np.average(tail, weights=weights))


def _usual(counts: Numbers, totals: Numbers, offsets: Numbers) -> float:
    """Return the log odds that the earlier mailings had over their offsets."""
    if not offsets.any():
        return float(logit(counts.sum(), totals.sum()))
    return float(np.mean(logit(counts, totals) - offsets))


def offsets_of_others(odds: Numbers, variances: Numbers) -> tuple[Numbers, Numbers]:
    """Return for each cohort the median log odds of the other cohorts of each mailing, with its variance.

    Parameters
    ----------
    odds, variances : ndarray
        One row per mailing, one column per cohort; not a number where a cohort has no messages.

    Examples
    --------
    >>> odds = np.array([[0.0, 1.0, 2.0, 9.0]])
    >>> offsets_of_others(odds, np.ones((1, 4)))[0].tolist()
    [[2.0, 2.0, 1.0, 1.0]]
    """
    medians, errors = np.full_like(odds, np.nan), np.full_like(odds, np.nan)
    for cohort in range(odds.shape[1]):
        others = np.delete(np.arange(odds.shape[1]), cohort)
        known = ~np.isnan(odds[:, others])
        enough = known.sum(axis=1) >= 2
        medians[enough, cohort] = np.nanmedian(odds[np.ix_(enough, others)], axis=1)
        mean = np.nanmean(variances[np.ix_(enough, others)], axis=1)
        errors[enough, cohort] = _MEDIAN_VARIANCE * mean / known[enough].sum(axis=1)
    return medians, errors
