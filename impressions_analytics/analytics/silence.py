"""Hours without a single impression in which there should have been some."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

_AGES = 168
"""For how many hours after its sending the impressions of a mailing are expected by its age."""
_BLOCK = 6
_LEAST_IN_BLOCK = 20.0
_LEAST_HISTORY = 28  # blocks, which is a week
_LEAST_VARIANCE = 0.05


@dataclass(frozen=True, slots=True)
class Silence:
    """A run of hours without impressions, what was expected of it, and how probable that is if nothing is wrong."""

    begin: pd.Timestamp
    end: pd.Timestamp
    expected: float
    probability: float


def find_silences(
    hours: pd.DataFrame, mailings: pd.DataFrame, *, begin: pd.Timestamp, since: pd.Timestamp, until: pd.Timestamp
) -> list[Silence]:
    """Return the runs of hours without impressions from `since` until `until`, by what is usual from `begin` on.

    What is expected of an hour is the sum over the mailings of their delivered messages, times what is usual at that
    age, times what is usual at that hour of the day. Counts vary more than chance: a run without impressions is as
    probable as a negative binomial variable, whose variance comes from the earlier days, is 0. The probability
    allows for all hours that were looked at (Bonferroni).

    Parameters
    ----------
    hours : DataFrame
        ``mailing``, ``hour``, ``impressions``.
    mailings : DataFrame
        ``mailing``, ``sent_at``, ``delivered``.
    begin, since, until : Timestamp
        From when on impressions are known; from when on to look for silences; until when impressions are known.
    """
    start = begin.floor("h")
    count, first = _hours_between(start, until.floor("h")), _hours_between(start, since.ceil("h"))
    if count <= 0 or first <= 0 or mailings.empty:
        return []
    seen, expected = _seen_and_expected(hours, mailings, start, count, first)
    varies = _variance(seen[:first], expected[:first])
    if varies is None:
        return []
    found = []
    for low, high in _runs(seen == 0, first):
        mean = float(expected[low:high].sum())
        probability = min(1.0, (count - first) * (1 + mean * varies) ** (-1 / varies))
        moments = (start + pd.Timedelta(hours=low), start + pd.Timedelta(hours=high))
        found.append(Silence(*moments, mean, probability))
    return found


def _seen_and_expected(hours: pd.DataFrame, mailings: pd.DataFrame, start: pd.Timestamp, count: int, first: int) -> Any:
    """Return the impressions of each hour, and those expected by age and hour of the day."""
    known = hours.merge(mailings[["mailing", "sent_at"]], on="mailing")
    place = ((known["hour"] - start) // pd.Timedelta(hours=1)).to_numpy("int64")
    age = ((known["hour"] - known["sent_at"].dt.floor("h")) // pd.Timedelta(hours=1)).to_numpy("int64")
    rows = known["impressions"].to_numpy("float64")
    inside = (place >= 0) & (place < count)
    seen = np.bincount(place[inside], weights=rows[inside], minlength=count)
    sent = ((mailings["sent_at"].dt.floor("h") - start) // pd.Timedelta(hours=1)).to_numpy("int64")
    delivered = mailings["delivered"].to_numpy("float64")
    learnt = inside & (place < first) & (age >= 0) & (age < _AGES)
    opened = np.bincount(age[learnt], weights=rows[learnt], minlength=_AGES)[:_AGES]
    exposed = np.array([delivered[(sent >= 0) & (sent + hour < first)].sum() for hour in range(_AGES)])
    by_age = np.divide(opened, exposed, out=np.zeros(_AGES), where=exposed > 0)
    expected = np.zeros(count + _AGES)
    for hour, many in zip(sent, delivered, strict=True):
        if 0 <= hour < count:
            expected[hour : hour + _AGES] += many * by_age
    expected = expected[:count]
    clock = (start.hour + np.arange(count)) % 24
    usual = np.bincount(clock[:first], weights=expected[:first], minlength=24)
    came = np.bincount(clock[:first], weights=seen[:first], minlength=24)
    return seen, expected * np.divide(came, usual, out=np.ones(24), where=usual > 0)[clock]


def _variance(seen: Any, expected: Any) -> float | None:
    """Return the relative variance of six-hour counts beyond chance; None with less than a week to learn from."""
    whole = len(seen) // _BLOCK * _BLOCK
    blocks, means = (values[:whole].reshape(-1, _BLOCK).sum(axis=1) for values in (seen, expected))
    enough = means >= _LEAST_IN_BLOCK
    if enough.sum() < _LEAST_HISTORY:
        return None
    off = (blocks[enough] - means[enough]) / means[enough]
    return max(_LEAST_VARIANCE, float(np.mean(off**2) - np.mean(1 / means[enough])))


def _runs(empty: Any, first: int) -> list[tuple[int, int]]:
    """Return the runs of empty hours that end after `first`, as (from, to)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], empty.astype("int8"), [0]])))
    return [(int(low), int(high)) for low, high in edges.reshape(-1, 2) if high > first]


def _hours_between(one: pd.Timestamp, other: pd.Timestamp) -> int:
    return math.floor((other - one).total_seconds() / 3600)
