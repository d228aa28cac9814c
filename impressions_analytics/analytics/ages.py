"""How old each message was when it was opened, and which impressions do not fit its sending."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from impressions_analytics.engine import AnalysisInput

EARLY_SECONDS = 3600
"""Clocks that differ, and the hour that is put back in autumn, explain an open so long before the sending. A longer
time means that the impression and the sending do not belong together."""


def one_sending_each(sent: Any, groups: Sequence[str] = ()) -> Any:
    """Return one row per destination (and group) with its earliest sending; a null is no destination."""
    sent = sent.filter(sent.ID.notnull())
    return sent.group_by("ID", *groups).aggregate(timestampsent=sent.timestampsent.min())


def ages(impressions: Any, sent: Any, groups: Sequence[str] = ()) -> Any:
    """Return one row per impression of a message that was sent, with the ``seconds`` from its sending.

    `sent` has one row per destination (and group), as `one_sending_each` gives it.
    """
    joined = impressions.join(sent, impressions.destination == sent.ID)
    seconds = joined.timestamp.truncate("s").epoch_seconds() - joined.timestampsent.truncate("s").epoch_seconds()
    aged = joined.select("ID", *groups, seconds=seconds.cast("int64"))
    return aged.filter(aged.seconds.notnull())


def first_ages(aged: Any, groups: Sequence[str] = ()) -> Any:
    """Return one row per opened message with the ``seconds`` to its first open, never below 0."""
    import ibis

    fitting = aged.filter(aged.seconds >= -EARLY_SECONDS)
    firsts = fitting.group_by("ID", *groups).aggregate(seconds=fitting.seconds.min())
    return firsts.mutate(seconds=ibis.ifelse(firsts.seconds < 0, 0, firsts.seconds).cast("int64"))


def misfits(source: AnalysisInput, impressions: Any, aged: Any) -> dict[str, int]:
    """Count what does not fit: what was left out, and the messages whose open came a little before the sending."""
    early, before = aged.seconds < 0, aged.seconds < -EARLY_SECONDS
    counted = {
        "impressions_before_sending": aged.aggregate(n=before.sum()),
        "messages_opened_within_an_hour_before_sending": aged.aggregate(n=aged.ID.nunique(where=early & ~before)),
        "impressions_without_destination": impressions.aggregate(n=impressions.destination.isnull().sum()),
    }
    return {name: int(source.engine.fetch(number)["n"][0].as_py() or 0) for name, number in counted.items()}
