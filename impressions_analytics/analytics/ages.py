"""How old each message was when it was opened, and which impressions do not fit its sending."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

from impressions_analytics.analytics.kinds_of_open import batches_of
from impressions_analytics.columns import KINDS
from impressions_analytics.engine import AnalysisInput, ColumnBatch, RequiredColumns, UnsuitedError, batches_together
from impressions_analytics.engine.ages import FirstAges
from impressions_analytics.engine.ages import first_ages as first_ages_at_hand

EARLY_SECONDS = 3600
"""Clocks that differ, and the hour that is put back in autumn, explain an open so long before the sending. A longer
time means that the impression and the sending do not belong together."""


def one_sending_each(sent: Any, groups: Sequence[str] = ()) -> Any:
    """Return one row per destination (and group) with its earliest sending; a null is no destination."""
    sent = sent.filter(sent.ID.notnull())
    return sent.group_by(_keys(groups)).aggregate(timestampsent=sent.timestampsent.min())


def ages(impressions: Any, sent: Any, groups: Sequence[str] = ()) -> Any:
    """Return one row per impression of a message that was sent, with the ``seconds`` from its sending.

    `sent` has one row per destination (and group), as `one_sending_each` gives it.
    """
    joined = impressions.join(sent, impressions.destination == sent.ID)
    seconds = joined.timestamp.truncate("s").epoch_seconds() - joined.timestampsent.truncate("s").epoch_seconds()
    aged = joined.select(*_keys(groups), seconds=seconds.cast("int64"))
    return aged.filter(aged.seconds.notnull())


def first_ages(aged: Any, groups: Sequence[str] = ()) -> Any:
    """Return one row per opened message with the ``seconds`` to its first open, never below 0."""
    import ibis

    fitting = aged.filter(aged.seconds >= -EARLY_SECONDS)
    firsts = fitting.group_by(_keys(groups)).aggregate(seconds=fitting.seconds.min())
    return firsts.mutate(seconds=ibis.ifelse(firsts.seconds < 0, 0, firsts.seconds).cast("int64"))


def _keys(groups: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(("ID", *groups)))


def misfits(source: AnalysisInput, impressions: Any, aged: Any) -> dict[str, int]:
    """Count what does not fit: what was left out, and the messages whose open came a little before the sending."""
    early, before = aged.seconds < 0, aged.seconds < -EARLY_SECONDS
    counted = {
        "impressions_before_sending": aged.aggregate(n=before.sum()),
        "messages_opened_within_an_hour_before_sending": aged.aggregate(n=aged.ID.nunique(where=early & ~before)),
        "impressions_without_destination": impressions.aggregate(n=impressions.destination.isnull().sum()),
    }
    return {name: int(source.engine.fetch(number)["n"][0].as_py() or 0) for name, number in counted.items()}


_NUMBERS = [column.name for column in KINDS["destinations"] if column.type == "integer"]


def ages_in_one_pass(
    impressions: tuple[Any, RequiredColumns],
    destinations: tuple[Any, RequiredColumns],
    kinds: Sequence[str],
    *,
    until: pd.Timestamp | None = None,
) -> tuple[FirstAges, pd.Timestamp | None] | None:
    """Return the first ages of inputs that are at hand, up to a moment, and the latest impression of any kind.

    None where the definition has to find them: what is elsewhere, has nulls, or is grouped by several columns.
    """
    groups = destinations[1].by
    together = batches_together([impressions, destinations])
    if together is None or len(groups) > 1 or not set(groups) <= set(_NUMBERS):
        return None
    opens, sent = together
    ends: list[int] = []
    rows = batches_of(_until(_watched(opens, ends), until), kinds)
    try:
        found = first_ages_at_hand(rows, sent, by=next(iter(groups), None), early_seconds=EARLY_SECONDS)
    except UnsuitedError:
        return None
    return found, pd.Timestamp(max(ends), unit="us") if ends else None


def _watched(batches: Iterable[ColumnBatch], ends: list[int]) -> Iterator[ColumnBatch]:
    """Yield some batches, and keep the latest timestamp of each."""
    for batch in batches:
        timestamps = batch.integers("timestamp")
        ends.extend([int(timestamps.max())] if len(timestamps) else [])
        yield batch


def _until(batches: Iterable[ColumnBatch], until: pd.Timestamp | None) -> Iterator[ColumnBatch]:
    """Yield the rows of some batches up to a moment."""
    last = None if until is None else until.to_datetime64().astype("datetime64[us]").astype("int64")
    for batch in batches:
        yield batch if last is None else batch.where(batch.integers("timestamp") <= last)


def misfits_of(found: FirstAges) -> dict[str, int]:
    """Return what `misfits` counts."""
    return {
        "impressions_before_sending": found.before,
        "messages_opened_within_an_hour_before_sending": found.shortly_before,
        "impressions_without_destination": found.without,
    }
