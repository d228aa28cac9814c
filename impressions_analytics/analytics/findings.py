"""The rows of `find_anomalies`: each finding in numbers and in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from impressions_analytics.analytics.judged_mailings import Judgement
from impressions_analytics.analytics.silence import Silence
from impressions_analytics.columns import time_column

LATE = pd.Timedelta(days=1)
"""How much earlier than the impressions another kind may end before that is a finding."""


def finding(one: Judgement, mailings: pd.DataFrame, judged: Sequence[Judgement], level: float) -> dict[str, Any]:
    """Return the row of a share that is out of line."""
    mailing = int(mailings["mailing"].iloc[one.place])
    expected = one.found.expected * one.total
    words = {
        "cohort": one.cohort, "mailing": mailing, "observed": f"{one.count:,}", "total": one.total,
        "expected": f"{expected:,.0f}" if expected >= 10 else f"{expected:.1f}",
    }  # fmt: skip
    return {
        "finding": one.measure.name,
        "cohort": one.cohort,
        "mailing": mailing,
        "sent_at": mailings["sent_at"].iloc[one.place],
        "since": mailings["sent_at"].iloc[_since(one, judged, level)],
        "observed": one.count / one.total,
        "expected": one.found.expected,
        "probability": one.found.probability,
        "what": one.measure.what.format(**words),
        "could_also_be": one.measure.could_also_be,
        "rows": one.measure.rows.format(**words),
    }


def _since(one: Judgement, judged: Sequence[Judgement], level: float) -> int:
    """Return the place of the first mailing of the run in which this share is out of line."""
    same = [other for other in judged if (other.measure, other.cohort) == (one.measure, one.cohort)]
    first = one.place
    for other in sorted(same, key=lambda judgement: -judgement.place):
        if other.place < first:
            if other.found.probability >= level:
                break
            first = other.place
    return first


def silent(one: Silence) -> dict[str, Any]:
    """Return the row of hours without impressions."""
    return {
        "finding": "silence",
        "sent_at": None,
        "since": one.begin,
        "observed": 0.0,
        "expected": one.expected,
        "probability": one.probability,
        "what": f"no impression at all from {one.begin:%Y-%m-%d %H:%M} to {one.end:%Y-%m-%d %H:%M}, "
        f"{one.expected:,.0f} expected",
        "could_also_be": "the registration of images was interrupted; the load of these hours is not complete",
        "rows": f"impressions from {one.begin} to {one.end}; load them again and compare",
    }


def not_loaded(archive: Any, kinds: Sequence[Any], since: pd.Timestamp, now: pd.Timestamp) -> list[dict[str, Any]]:
    """Return a row for each period of the last days that an archive says it never loaded."""
    rows = []
    for kind in kinds:
        begin = max(since, _first(archive, kind, since))
        load = archive.read(kind, begin=begin.to_pydatetime(), columns=["ID"]).attrs["load"]
        gaps = [(pd.Timestamp(low), min(now, pd.Timestamp(high))) for low, high in load["gaps"]]
        end = pd.Timestamp(load["end"])
        if end <= now - LATE:
            gaps.append((end, now))
        rows += [_gap(kind, low, high) for low, high in gaps if low < now]
    return rows


def _first(archive: Any, kind: Any, since: pd.Timestamp) -> pd.Timestamp:
    """Return the first moment of a kind in the archive, so that what comes before it is no gap."""
    table = archive.scan(kind)
    time = time_column(kind)
    first = table[time].min().to_pyarrow().as_py()
    return since if first is None else pd.Timestamp(first)


def _gap(kind: str, low: pd.Timestamp, high: pd.Timestamp) -> dict[str, Any]:
    return {
        "finding": "not_loaded",
        "sent_at": None,
        "since": low,
        "what": f"the {kind} from {low:%Y-%m-%d %H:%M} to {high:%Y-%m-%d %H:%M} were never loaded",
        "could_also_be": "a sync that failed or was left out; figures of this time are too small",
        "rows": f"sync the {kind} from {low} on",
    }


def in_words(row: Any) -> str:
    """Return a finding as one line.

    Examples
    --------
    >>> in_words({"sent_at": pd.Timestamp("2026-06-01 09:00"), "since": pd.Timestamp("2026-05-25 09:00"),
    ...           "what": "bots fetched far more of mailing 412 than usual", "probability": 1e-7,
    ...           "could_also_be": "a new scanner", "rows": "impressions of mailing 412"})
    '2026-06-01 bots fetched far more of mailing 412 than usual; since 2026-05-25; chance alone goes so far less than \
once in 1,000,000 times; it could also be: a new scanner; look at: impressions of mailing 412'
    """
    day = row["since"] if pd.isna(row["sent_at"]) else row["sent_at"]
    parts = [f"{day:%Y-%m-%d} {row['what']}"]
    if not pd.isna(row["sent_at"]) and row["since"] < row["sent_at"]:
        parts.append(f"since {row['since']:%Y-%m-%d}")
    if not pd.isna(row["probability"]):
        parts.append(f"chance alone goes so far less than once in {_times(row['probability']):,} times")
    return "; ".join([*parts, f"it could also be: {row['could_also_be']}", f"look at: {row['rows']}"])


def _times(probability: float) -> int:
    """Return a round number that the inverse of a probability exceeds, a million at most."""
    return next((times for times in (1_000_000, 100_000, 10_000, 1_000) if probability < 1 / times), 100)
