"""One mailing at the moment of a forecast: what it may learn from, and what follows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from impressions_analytics.analytics.prediction import Prediction, predict
from impressions_analytics.analytics.sendings import MINUTE, Sending
from impressions_analytics.errors import AnalysisError

LEAST_MAILINGS = 6
HOURS_APART = 3
LEAST_DELIVERED = 50
"""A mailing of fewer messages says little of how opens grow."""
SENT_WITHIN = pd.Timedelta(hours=24)
"""A mailing whose messages leave over a longer time has no age, and no final count."""
_HOUR = 60  # minutes
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Case:
    """A mailing, its age in minutes, the age at which it is final, and the comparable mailings that are final.

    `sendings` are all mailings; the back-test tries the method on those that are final `now`.
    """

    target: Sending
    minutes: int
    horizon: int
    past: list[Sending]
    sendings: list[Sending]
    now: pd.Timestamp
    level: float


def make_case(sendings: list[Sending], mailing: int, now: pd.Timestamp, horizon: int, level: float) -> Case:
    """Return the case of a mailing, or say why nothing can be forecast."""
    target = next((one for one in sendings if one.mailing == mailing), None)
    if target is None or not target.delivered:
        known = ", ".join([str(one.mailing) for one in sendings if one.delivered][-5:]) or "none"
        raise AnalysisError(
            f"mailing {mailing} has no destinations and deliveries in the data; the last that have are {known}"
        )
    if pd.isna(now) or now < target.sent_at:
        raise AnalysisError(f"mailing {mailing} was sent at {target.sent_at}, after {now}: nothing is known yet")
    if not _sent_at_once(target):
        raise AnalysisError(
            f"mailing {mailing} was sent from {target.sent_at} to {target.last_sent_at}: messages that leave over more "
            "than a day have no final count to forecast"
        )
    minutes = int((now - target.sent_at).total_seconds() // MINUTE)
    past = comparable(target, sendings, now, horizon)
    if len(past) < LEAST_MAILINGS and minutes < horizon:
        raise AnalysisError(_too_few(target, past, sendings, now, horizon))
    return Case(target, minutes, horizon, past, sendings, now, level)


def comparable(target: Sending, sendings: list[Sending], at: pd.Timestamp, horizon: int) -> list[Sending]:
    """Return the other mailings that were final at a moment and were sent at a like hour, on a like day."""
    return [
        one
        for one in sendings
        if one.mailing != target.mailing
        and final(one, at, horizon)
        and _weekend(one) == _weekend(target)
        and _hours_apart(one, target) <= HOURS_APART
    ]


def final(sending: Sending, at: pd.Timestamp, horizon: int) -> bool:
    """Return whether the final count of a mailing was known at a moment, and is large enough to learn from."""
    known = sending.sent_at + pd.Timedelta(minutes=horizon) <= at
    return bool(known and sending.delivered >= LEAST_DELIVERED and _sent_at_once(sending))


def final_rows(case: Case) -> list[dict[str, Any]]:
    """Return the one row of the final count."""
    tried = past_rows(case)
    coverage = float(np.mean([row["inside"] for row in tried])) if tried else math.nan
    seen = min(case.minutes, case.horizon)
    counts = _whole(_predicted(case.target, case.past, seen, case.horizon, case.level), case.target.delivered)
    rates = {name.replace("forecast", "rate"): number / case.target.delivered for name, number in counts.items()}
    row = {
        "as_of": case.now, "hours": case.minutes / _HOUR, "delivered": case.target.delivered,
        "messages_so_far": int(case.target.reached(seen)), **counts, **rates,
        "learnt_from": len(case.past) if case.minutes < case.horizon else 0, "method": _method(case),
        "backtested": len(tried), "backtest_coverage": coverage,
    }  # fmt: skip
    return [{**row, "answer": _answer(case, row)}]


def hourly_rows(case: Case) -> list[dict[str, Any]]:
    """Return a row for each whole hour until the mailing is final: what was seen, then the forecast."""
    rows = []
    for hour in range(case.horizon // _HOUR + 1):
        end, seen = hour * _HOUR, min(hour * _HOUR, case.minutes)
        prediction = _predicted(case.target, case.past, seen, end, case.level)
        counts = _whole(prediction, case.target.delivered)
        rows.append({"hours": hour, "observed": end <= case.minutes, "delivered": case.target.delivered, **counts})
    return rows


def past_rows(case: Case) -> list[dict[str, Any]]:
    """Return what would have been forecast for each final mailing at the same age, with what was final then."""
    rows = []
    minutes = min(case.minutes, case.horizon)
    for one in case.sendings:
        if one.mailing == case.target.mailing or not final(one, case.now, case.horizon):
            continue
        past = comparable(one, case.sendings, one.sent_at + pd.Timedelta(minutes=minutes), case.horizon)
        if len(past) < LEAST_MAILINGS:
            continue
        counts = _whole(_predicted(one, past, minutes, case.horizon, case.level), one.delivered)
        came = int(one.reached(case.horizon))
        rows.append({
            "mailing": one.mailing, "sent_at": one.sent_at, "messages_so_far": int(one.reached(minutes)), **counts,
            "final": came, "inside": counts["forecast_low"] <= came <= counts["forecast_high"],
            "learnt_from": len(past),
        })  # fmt: skip
    return rows


def _predicted(target: Sending, past: list[Sending], minutes: int, end: int, level: float) -> Prediction:
    """Predict how many will have opened at an age of `end` minutes; what was seen by then is certain."""
    so_far = int(target.reached(minutes))
    if minutes >= end:
        return Prediction(so_far, so_far, so_far, "counted")
    before = [int(one.reached(minutes)) for one in past]
    return predict(so_far, before, [int(one.reached(end)) for one in past], level=level)


def _whole(prediction: Prediction, delivered: int) -> dict[str, int]:
    """Round outwards to whole messages, and to no more than were delivered."""
    low, middle, high = math.floor(prediction.low), round(prediction.middle), math.ceil(prediction.high)
    names = ("forecast_low", "forecast", "forecast_high")
    return {name: max(0, min(number, delivered)) for name, number in zip(names, (low, middle, high), strict=True)}


def _method(case: Case) -> str:
    seen = min(case.minutes, case.horizon)
    return _predicted(case.target, case.past, seen, case.horizon, case.level).method


def _answer(case: Case, row: dict[str, Any]) -> str:
    if row["method"] == "counted":
        return f"Final: {row['forecast']:,} of {row['delivered']:,} delivered ({row['rate']:.1%})."
    tried = (
        f"On {row['backtested']} past mailings it held {row['backtest_coverage']:.0%} of the time."
        if row["backtested"]
        else "It could not be tried on past mailings: there are too few."
    )
    return (
        f"{row['messages_so_far']:,} so far; {row['forecast']:,} expected, {row['forecast_low']:,} to "
        f"{row['forecast_high']:,} at {case.level:.0%} ({row['rate_low']:.1%} to {row['rate_high']:.1%} of "
        f"{row['delivered']:,} delivered), by {row['learnt_from']} comparable mailings. {tried}"
    )


def _too_few(target: Sending, past: list[Sending], sendings: list[Sending], now: pd.Timestamp, horizon: int) -> str:
    day = "in a weekend" if _weekend(target) else "on a weekday"
    finished = sum(final(one, now, horizon) for one in sendings)
    return (
        f"mailing {target.mailing} cannot be forecast: it was sent {day} at {target.sent_at:%H:%M}, and only "
        f"{len(past)} of the {finished} finished mailings were sent {day} within {HOURS_APART} hours of that; "
        f"opens after another hour grow differently, and at least {LEAST_MAILINGS} are needed"
    )


def _sent_at_once(sending: Sending) -> bool:
    return bool(sending.last_sent_at - sending.sent_at <= SENT_WITHIN)


def _weekend(sending: Sending) -> bool:
    return bool(sending.sent_at.day_of_week >= _SATURDAY)


def _hours_apart(one: Sending, other: Sending) -> float:
    """Return the distance of two hours of sending, around midnight as well."""
    hours = abs((one.sent_at - one.sent_at.normalize()) - (other.sent_at - other.sent_at.normalize()))
    distance = hours.total_seconds() / 3600
    return float(min(distance, 24 - distance))
