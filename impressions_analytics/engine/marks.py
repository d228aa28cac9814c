"""One numpy pass over rows of several kinds: how many messages of each group carry which marks.

A mark is what happened to a message: opened by a reader, delivered, clicked. The definitions are in
`impressions_analytics.analytics`; property tests hold this pass to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from impressions_analytics.engine.buckets import Buckets, dealt, portions
from impressions_analytics.engine.column_batches import ColumnBatch
from impressions_analytics.engine.distinct import Values, representatives
from impressions_analytics.engine.pairs import GROUP_BITS, Offsets, group_of, packed, tallied, value_of
from impressions_analytics.engine.spill import spill
from impressions_analytics.engine.threads import in_parallel

MARKS = 8
"""So many marks there may be, numbered from 0 on."""


@dataclass(frozen=True, slots=True)
class Marked:
    """Some rows that carry a mark.

    Attributes
    ----------
    batch : ColumnBatch
        The rows.
    message : str
        Their column that tells which message they are about.
    marks : array
        The number of the mark of each.
    """

    batch: ColumnBatch
    message: str
    marks: Values


@dataclass(frozen=True, slots=True)
class Tally:
    """How often something occurs in a group.

    Attributes
    ----------
    groups : array
        The value of the group; what stands for null is in `without`.
    without : array
        Whether the group is null.
    what : array
        The number of a mark; or of a set of marks, in which each has a bit of its own.
    counts : array
        How many there are.
    """

    groups: Values
    without: Values
    what: Values
    counts: Values


def by_marks(rows: Iterable[Marked], group: str | None) -> tuple[Tally, Tally]:
    """Count the rows of each mark, and the messages of each set of marks, in each group.

    Parameters
    ----------
    rows : iterable of Marked
        Rows of any kinds; a null is no message.
    group : str or None
        A column of whole numbers that all rows have; None takes them together.

    Returns
    -------
    Tally, Tally
        The rows by mark, and the messages by the set of their marks.
    """
    groups, messages = Offsets(GROUP_BITS), Offsets()

    def parts_of(found: Marked) -> tuple[tuple[Values, Values], list[tuple[Values, ...]]]:
        ids = messages.of(found.batch, found.message)
        numbers = groups.of(found.batch, group) if group else np.ones_like(ids)
        return tallied(numbers * MARKS + found.marks), dealt(ids, packed(numbers, ids), found.marks)

    tallies = []
    with spill() as file:
        buckets = Buckets(file, width=2)
        for of_rows, parts in in_parallel(parts_of, rows):
            tallies.append(of_rows)
            buckets.keep(parts)
        sets = list(in_parallel(lambda portion: _by_set(*buckets.columns(portion)), portions(buckets.rows)))
    return _summed(tallies, MARKS, groups.base), _summed(sets, 1 << MARKS, groups.base)


def _by_set(pairs: Values, marks: Values) -> tuple[Values, Values]:
    """Count the messages of a portion by group and set of marks."""
    chosen = representatives(pairs)
    flags = np.zeros(MARKS * len(pairs), dtype="bool")
    flags[chosen * np.int64(MARKS) + marks] = True
    ones = np.flatnonzero(flags.view("uint64"))
    sets = np.packbits(flags, bitorder="little").take(ones)
    pairs = pairs.take(ones)
    known = value_of(pairs) != 0
    return tallied((group_of(pairs) << MARKS | sets).compress(known))


def _summed(tallies: Sequence[tuple[Values, Values]], times: int, base: int) -> Tally:
    """Add up what several batches counted of a group and something else."""
    nothing = (np.zeros(0, "int64"),) * 2
    codes, counts = (np.concatenate(column) for column in zip(nothing, *tallies, strict=True))
    chosen = representatives(codes)
    np.add.at(total := np.zeros_like(counts), chosen, counts)
    ones = np.flatnonzero(total)
    groups = codes.take(ones) // times
    return Tally(groups + base, groups == 0, codes.take(ones) % times, total.take(ones))
