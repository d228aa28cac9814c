"""Invented mailings with a known end, drawn by numpy alone, to try forecasts on."""

import numpy as np
import pandas as pd

from impressions_analytics.analytics.forecast_case import Case, comparable, final_rows
from impressions_analytics.analytics.sendings import Sending

HORIZON = 168 * 60
FIRST = pd.Timestamp("2026-01-05")  # a Monday


AWAKE = np.array([0.05] * 6 + [0.4] + [1.0] * 14 + [0.5, 0.3, 0.15])
"""How much of an hour of the day people spend on their mail."""


def sending(random, number, day, hour, *, size=3_000):
    """Draw a mailing: its open rate, how hasty its readers are, and that they read while they are awake."""
    sent_at = FIRST + pd.Timedelta(days=day, hours=hour)
    opened = random.binomial(size, random.uniform(0.15, 0.4))
    awake = random.lognormal(np.log(2.5) + random.normal(0, 0.15), 1.4, opened)
    clock = np.arange(0, 24 * 30, 0.25)
    spent = np.concatenate([[0], np.cumsum(0.25 * AWAKE[((hour + clock) % 24).astype(int)])[:-1]])
    minutes = np.ceil(60 * np.interp(awake, spent, clock)).astype("int64")
    return Sending(number, sent_at, sent_at, size, np.sort(minutes))


def world(seed, *, mailings, target_hour, size=3_000):
    """Draw past mailings, sent on weekdays between 8 and 12, and one that is new."""
    random = np.random.default_rng(seed)
    days = [number // 5 * 7 + number % 5 for number in range(mailings)]
    past = [sending(random, number, day, random.uniform(8, 12), size=size) for number, day in enumerate(days)]
    return past, sending(random, 999, (mailings // 5 + 2) * 7, target_hour, size=size)


def tried(*, worlds, hours, mailings=12, target_hour=10.0, matched=True, size=3_000):
    """Return the coverage and the mean width, as a share of the final count, of 90% forecasts at an age."""
    inside, widths = [], []
    for seed in range(worlds):
        past, target = world(seed, mailings=mailings, target_hour=target_hour, size=size)
        now = target.sent_at + pd.Timedelta(hours=hours)
        alike = comparable(target, past, now, HORIZON) if matched else past
        row = final_rows(Case(target, int(hours * 60), HORIZON, alike, [target], now, 0.9))[0]
        final = int(target.reached(HORIZON))
        inside.append(row["forecast_low"] <= final <= row["forecast_high"])
        widths.append((row["forecast_high"] - row["forecast_low"]) / final)
    return float(np.mean(inside)), float(np.mean(widths))
