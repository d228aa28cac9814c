"""Which kinds of open an analysis counts: the one place that checks `kinds=`, leaves the others out and says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from impressions_analytics.analytics.choices import choose
from impressions_analytics.analytics.classes import KINDS_OF_OPEN, ClassNumbers, with_classes
from impressions_analytics.engine import AnalysisInput, ColumnBatch, column_list
from impressions_analytics.engine.marks import Marked
from impressions_analytics.errors import InvalidArgumentError

OPENED_BY_READER = ("person", "proxy")
"""The kinds that come when a message is opened. A prefetch comes when the mailbox fetches, whenever anybody reads."""


def chosen_kinds(kinds: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the kinds of open that were asked for, in the order of `KINDS_OF_OPEN`; None asks for all.

    Examples
    --------
    >>> chosen_kinds(["proxy", "person"]), len(chosen_kinds(None))
    (('person', 'proxy'), 5)
    """
    if kinds is None:
        return KINDS_OF_OPEN
    asked = column_list(kinds, argument="kinds")
    for kind in asked:
        choose("kinds", kind, KINDS_OF_OPEN)
    if not asked:
        raise InvalidArgumentError(f"kinds must name at least one of {', '.join(KINDS_OF_OPEN)}")
    return tuple(kind for kind in KINDS_OF_OPEN if kind in asked)


def columns_for(kinds: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that tell these kinds from the others: none where all kinds count."""
    return () if len(kinds) == len(KINDS_OF_OPEN) else ("useragent",)


def rows_of(source: AnalysisInput, kinds: Sequence[str]) -> Any:
    """Return the rows of an input that are of these kinds."""
    if not columns_for(kinds):
        return source.table
    rows = with_classes(source, ("kind",))
    return rows.filter(rows.classified_kind.isin(kinds)).drop("classified_kind")


def batches_of(batches: Iterable[ColumnBatch], kinds: Sequence[str]) -> Iterator[ColumnBatch]:
    """Yield the rows of some batches that are of these kinds."""
    if not columns_for(kinds):
        yield from batches
        return
    numbers = ClassNumbers(("kind",), kinds)
    for batch in batches:
        counts = numbers.of(batch) >= 0
        if counts.all():
            yield batch
        elif counts.any():
            yield batch.where(counts, without="useragent")


def marked_by_kind(batches: Iterable[ColumnBatch], marks: Mapping[str, int]) -> Iterator[Marked]:
    """Yield events with a ``destination`` and a ``useragent``, marked by the kind of open that this tells."""
    numbers = ClassNumbers(("kind",), KINDS_OF_OPEN)
    for batch in batches:
        of_row = numbers.of(batch)
        yield Marked(batch, "destination", np.array([marks[kind] for (kind,) in numbers.names()], "uint8").take(of_row))
