"""One numpy pass over what somebody did and when: how often and when last each act of each key was done.

The definition is in `impressions_analytics.analytics.engagement`; property tests hold this pass to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from impressions_analytics.engine.buckets import Buckets, dealt, portions
from impressions_analytics.engine.distinct import Values, distinct, in_order, representatives
from impressions_analytics.engine.marks import Marked
from impressions_analytics.engine.pairs import GROUP_BITS, Offsets, group_of, packed, value_of
from impressions_analytics.engine.spill import spill
from impressions_analytics.engine.threads import in_parallel

NEVER = np.iinfo("int64").min
"""When an act was last done that was not."""


@dataclass(frozen=True, slots=True)
class Acts:
    """What was done, by key.

    Attributes
    ----------
    keys : array
        The keys, in order.
    rows : array
        For each key (first axis) how often each act was done.
    last : array
        For each key when each act was last done, in microseconds, or `NEVER`.
    mailings : array
        For each key the mailings of which it did one of the acts asked for, after the moment asked for.
    """

    keys: Values
    rows: Values
    last: Values
    mailings: Values


def by_act(rows: Iterable[Marked], key: str, *, acts: int, active: Sequence[int], since: int) -> Acts:
    """Count the acts of each key.

    Parameters
    ----------
    rows : iterable of Marked
        Rows with ``timestamp``, ``mailing`` and `key`, marked by the number of the act.
    key : str
        Who did it; a null is nobody.
    acts : int
        How many acts there are.
    active, since : sequence of int, int
        Mailings are counted by these acts, after this moment (microseconds).
    """
    keys, mailings = Offsets(), Offsets(GROUP_BITS)

    def buckets_of(found: Marked) -> list[tuple[Values, ...]]:
        values = keys.of(found.batch, key)
        pairs = packed(mailings.of(found.batch, "mailing"), values)
        return dealt(values, pairs, found.batch.integers("timestamp"), found.marks)

    def tallied(portion: range) -> tuple[Values, ...]:
        return _tallied(buckets.columns(portion), np.isin(np.arange(acts), active), since)

    with spill() as file:
        buckets = Buckets(file, width=3)
        for parts in in_parallel(buckets_of, rows):
            buckets.keep(parts)
        found = list(in_parallel(tallied, portions(buckets.rows)))
    columns = [np.concatenate(column) for column in zip(*found, strict=True)]
    order = in_order(columns[0])
    values, *others = (column.take(order, axis=0) for column in columns)
    return Acts(values + keys.base, *others)


def _tallied(columns: tuple[Values, ...], active: Values, since: int) -> tuple[Values, ...]:
    """Return the keys of a portion, and what they did; a flag for each act says whether it is active."""
    pairs, timestamps, acts = columns
    values, shape = value_of(pairs), (len(pairs), len(active))
    chosen = representatives(values)
    ones = np.flatnonzero((chosen == np.arange(len(pairs))) & (values != 0))
    cells = chosen * np.int64(len(active)) + acts
    rows = np.bincount(cells, minlength=len(pairs) * len(active)).reshape(shape)
    np.maximum.at(last := np.full(len(pairs) * len(active), NEVER), cells, timestamps)
    counts = np.flatnonzero(active.take(acts) & (timestamps > since) & (group_of(pairs) != 0))
    seen = distinct(chosen.take(counts) | group_of(pairs.take(counts)) << 32)
    mailings = np.bincount(seen & 0xFFFFFFFF, minlength=len(pairs))
    return values.take(ones), rows.take(ones, axis=0), last.reshape(shape).take(ones, axis=0), mailings.take(ones)
