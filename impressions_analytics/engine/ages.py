"""One numpy pass over impressions and what was sent: how old each message was when it was first opened.

The definition is in `impressions_analytics.analytics.ages`; property tests hold this pass to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from impressions_analytics.engine.buckets import Buckets, dealt, portions
from impressions_analytics.engine.column_batches import ColumnBatch, UnsuitedError
from impressions_analytics.engine.distinct import Values, representatives
from impressions_analytics.engine.pairs import Numbers
from impressions_analytics.engine.spill import spill
from impressions_analytics.engine.threads import in_parallel

_SECOND = 1_000_000  # microseconds
_GROUP_BITS = 16
_NEVER = np.iinfo("int64").max
_CELLS = 1 << 21


@dataclass(frozen=True, slots=True)
class FirstAges:
    """The ages of the opened messages, and what does not fit.

    Attributes
    ----------
    groups : array
        The value of each group of what was sent, in order.
    first_sent, last_sent : array
        When the first and the last message of each group were sent, in microseconds.
    places : array
        For each opened message the place of its group.
    seconds : array
        For each opened message its age at the first open, never below 0.
    before, shortly_before, without : int
        Impressions too long before the sending, messages opened shortly before it, impressions without a destination.
    """

    groups: Values
    first_sent: Values
    last_sent: Values
    places: Values
    seconds: Values
    before: int
    shortly_before: int
    without: int


def first_ages(
    impressions: Iterable[ColumnBatch], sent: Iterable[ColumnBatch], *, by: str | None, early_seconds: int
) -> FirstAges:
    """Find the age of each message at its first open.

    Parameters
    ----------
    impressions : iterable of ColumnBatch
        Rows with ``destination`` and ``timestamp``.
    sent : iterable of ColumnBatch
        Rows with ``ID``, ``timestampsent`` and the column of `by`; of several for one destination the earliest counts.
    by : str or None
        A column of whole numbers of `sent`, whose values are the groups; every destination has to be in a single one.
    early_seconds : int
        An open so long before the sending, or less, took no time.
    """
    numbers, without = Numbers(_GROUP_BITS), 0

    def opened(batch: ColumnBatch) -> tuple[list[tuple[Values, ...]], int]:
        (destinations, timestamps), lacking = batch.present("destination", "timestamp")
        return dealt(destinations, destinations, timestamps // _SECOND), lacking

    def mailed(batch: ColumnBatch) -> list[tuple[Values, ...]]:
        (ids, timestamps, *groups), _ = batch.present("ID", "timestampsent", *filter(None, [by]))
        return dealt(ids, ids, timestamps, numbers.of(groups[0] if groups else np.zeros_like(ids)))

    with spill() as file:
        opens, sendings = Buckets(file, width=2), Buckets(file, width=3)
        for parts, lacking in in_parallel(opened, impressions):
            opens.keep(parts)
            without += lacking
        for parts in in_parallel(mailed, sent):
            sendings.keep(parts)
        groups, places = numbers.sorted()

        def aged(portion: range) -> tuple[Values, ...]:
            ids, timestamps, given = sendings.columns(portion)
            return _aged(opens.columns(portion), (ids, timestamps, places.take(given)), len(groups), early_seconds)

        found = in_parallel(aged, portions(opens.rows + sendings.rows))
        first_sent, last_sent, at, seconds, misfits = zip(*found, strict=True)
    before, shortly_before = np.sum(misfits, axis=0).tolist()
    return FirstAges(
        groups,
        np.min(first_sent, axis=0),
        np.max(last_sent, axis=0),
        np.concatenate(at),
        np.concatenate(seconds),
        before,
        shortly_before,
        without,
    )


def _aged(opens: tuple[Values, ...], sent: tuple[Values, ...], groups: int, early_seconds: int) -> tuple[Values, ...]:
    """Return the first and last sending of each group, the groups and ages of the opened messages, and two counts."""
    (destinations, moments), (ids, timestamps, given) = opens, sent
    chosen = representatives(np.concatenate([ids, destinations]))
    of_sent, of_opens = chosen[: len(ids)], chosen[len(ids) :]
    np.minimum.at(sent_at := np.full(len(chosen), _NEVER), of_sent, timestamps)
    group_of = np.zeros(len(chosen), dtype="int64")
    group_of[of_sent] = given
    if (group_of.take(of_sent) != given).any():
        raise UnsuitedError("a destination in several groups")
    known = np.flatnonzero(sent_at != _NEVER)
    np.minimum.at(first_sent := np.full(groups, _NEVER), group_of.take(known), sent_at.take(known))
    np.maximum.at(last_sent := np.full(groups, -_NEVER), group_of.take(known), sent_at.take(known))
    sent_of_opens = sent_at.take(of_opens)
    seconds = moments - sent_of_opens // _SECOND
    fits = (sent_of_opens != _NEVER) & (seconds >= -early_seconds)
    before = np.count_nonzero(sent_of_opens != _NEVER) - np.count_nonzero(fits)
    np.minimum.at(first := np.full(len(chosen), _NEVER), of_opens.compress(fits), seconds.compress(fits))
    opened = np.flatnonzero(first != _NEVER)
    first = first.take(opened)
    return first_sent, last_sent, group_of.take(opened), np.maximum(first, 0), np.array([before, (first < 0).sum()])


def reached(groups: Values, values: Values, count: int, percent: int) -> Values:
    """Return the least value within which so many percent of the values of each group lie; 0 where a group has none.

    Counting coarse steps of the values tells in which step that value lies, so that only those of it are sorted.

    Examples
    --------
    >>> reached(np.array([0, 0, 0, 1]), np.array([30, 10, 20, 5]), count=3, percent=50)
    array([20,  5,  0])
    """
    found = np.zeros(count, dtype="int64")
    if not len(values):
        return found
    most = max(1, _CELLS // count)
    shift = max(0, int(values.max()).bit_length() - most.bit_length() + 1)
    steps, width = values >> shift, (int(values.max()) >> shift) + 1
    so_far = np.bincount(groups * width + steps, minlength=count * width).reshape(count, width).cumsum(axis=1)
    wanted = -(-so_far[:, -1] * percent // 100)
    step = (so_far < wanted[:, None]).sum(axis=1)
    there = np.flatnonzero(steps == step.take(groups))
    groups, values = groups.take(there), values.take(there)
    order = np.lexsort((values, groups))
    ends = np.bincount(groups, minlength=count).cumsum()
    full = np.flatnonzero(wanted)
    upto = so_far[full, step[full]] - wanted[full]
    found[full] = values.take(order.take(ends[full] - 1 - upto))
    return found
