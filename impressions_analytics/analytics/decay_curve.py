"""How the opens after sending add up, as a definition on any engine and for messages whose ages are at hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from impressions_analytics.engine import whole_numbers
from impressions_analytics.engine.ages import FirstAges, reached

HOUR = 3600  # seconds
_FINE = 12  # steps in the first hour, in which most mail is opened


def defined_curve(opened: Any, sent: Any, known: Any, keys: Sequence[str], horizon: int) -> Any:
    """Define the analysis: opens per step of age on a spine of every group and step, added up."""
    import ibis

    times = {"first_sent": sent.timestampsent.min(), "last_sent": sent.timestampsent.max()}
    mailed = sent.group_by(list(keys)).aggregate(**times).cross_join(known)
    passed = mailed.last_sent + ibis.interval(hours=horizon) <= mailed.until
    mature = (passed & (mailed.first_sent >= mailed.since)).fill_null(False)
    opened = opened.filter(opened.seconds <= horizon * HOUR)
    spine = mailed.select(*keys, mature=mature).cross_join(whole_numbers("step", horizon + _FINE))
    curve = _joined(_joined(spine, _reached_by_step(opened, keys), [*keys, "step"]), _half_lives(opened, keys), keys)
    so_far = curve.unique_opens.fill_null(0).sum().over(ibis.cumulative_window(group_by=keys, order_by="step"))
    step = curve.step.cast("float64")
    hours = ibis.ifelse(curve.step < _FINE, step / _FINE, step - (_FINE - 1))
    curve = curve.mutate(unique_opens=so_far.cast("int64"), hours=hours)
    share, half_life = curve.unique_opens / curve.final.cast("float64"), curve.half_life.cast("float64") / HOUR
    return curve.mutate(
        share_of_opens=ibis.ifelse(curve.mature, share, ibis.null("float64")),
        half_life_hours=ibis.ifelse(curve.mature, half_life, ibis.null("float64")),
    )


def _reached_by_step(opened: Any, keys: Sequence[str]) -> Any:
    """Count the opens by the first step that they were reached within: five minutes, and after an hour whole hours."""
    import ibis

    fine, hours = (-((-opened.seconds) // seconds) for seconds in (HOUR // _FINE, HOUR))
    step = ibis.ifelse(opened.seconds <= HOUR, fine, hours + (_FINE - 1))
    return opened.group_by(*keys, step=step.cast("int64")).aggregate(unique_opens=opened.count())


def _half_lives(opened: Any, keys: Sequence[str]) -> Any:
    ranked = ranked_opens(opened, keys)
    return ranked.group_by(list(keys)).aggregate(final=ranked.count(), half_life=reached_share(ranked, 50))


def _joined(table: Any, counts: Any, keys: Sequence[str]) -> Any:
    joined = table.left_join(counts, [table[key].identical_to(counts[key]) for key in keys], rname="right_{name}")
    return joined.select(*table.columns, *(name for name in counts.columns if name not in keys))


def ranked_opens(opened: Any, keys: Sequence[str]) -> Any:
    """Rank the opens of each group from the quickest on, and say how many they are."""
    import ibis

    window = ibis.window(group_by=list(keys), order_by="seconds")
    return opened.mutate(rank=ibis.row_number().over(window) + 1, n=opened.count().over(group_by=list(keys)))


def reached_share(ranked: Any, percent: int) -> Any:
    """Return the least seconds within which this share of the opens came: an observed time, exact on every engine."""
    return ranked.seconds.min(where=ranked["rank"] * 100 >= ranked.n * percent)


def curve_at_hand(
    found: FirstAges, horizon: int, since: pd.Timestamp | None, until: pd.Timestamp | None
) -> pd.DataFrame:
    """Return what `defined_curve` gives, with the group as ``by``."""
    count, steps = len(found.groups), horizon + _FINE
    within = found.seconds <= horizon * HOUR
    places, seconds = found.places.compress(within), found.seconds.compress(within)
    fine, hours = -(-seconds // (HOUR // _FINE)), -(-seconds // HOUR) + (_FINE - 1)
    step = places * steps + np.where(seconds <= HOUR, fine, hours)
    so_far = np.bincount(step, minlength=count * steps).reshape(count, steps).cumsum(axis=1)
    final = so_far[:, -1:]
    shown = (final > 0) & _mature(found, horizon, since, until)[:, None]
    number = np.arange(steps)
    return pd.DataFrame({
        "by": found.groups.repeat(steps),
        "hours": np.tile(np.where(number < _FINE, number / _FINE, number - (_FINE - 1.0)), count),
        "unique_opens": so_far.ravel(),
        "share_of_opens": np.where(shown, so_far / np.maximum(final, 1), np.nan).ravel(),
        "half_life_hours": np.where(shown[:, 0], reached(places, seconds, count, 50) / HOUR, np.nan).repeat(steps),
        "mature": _mature(found, horizon, since, until).repeat(steps),
    })  # fmt: skip


def _mature(found: FirstAges, horizon: int, since: pd.Timestamp | None, until: pd.Timestamp | None) -> Any:
    """Say which groups were sent long enough ago, and not before the impressions are known."""
    begin, end = (None if moment is None else moment.as_unit("us").asm8.astype("int64") for moment in (since, until))
    if end is None:
        return np.zeros(len(found.groups), dtype="bool")
    return (found.last_sent + horizon * HOUR * 1_000_000 <= end) & (found.first_sent >= (begin or 0))
