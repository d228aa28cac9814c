"""Take rows out of an archive: a person's, or all that are older than they may be."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from impressions_analytics.archive.intake import Intake
from impressions_analytics.archive.merge import BATCH_ROWS, in_groups
from impressions_analytics.archive.partitions import KindPartitions, Month, PeriodCounter, time_column
from impressions_analytics.archive.privacy import person_columns
from impressions_analytics.archive.results import ErasureReceipt, Retention
from impressions_analytics.archive.store import Store
from impressions_analytics.archive.suppression import Suppression, numbers
from impressions_analytics.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pyarrow as pa

EXPORTS = "exports"
"""The folder inside an archive where exports may be kept; an erasure removes them."""

Choose = Callable[["pa.Table"], Any]
"""Says of each row whether it stays, as a numpy array of booleans."""


def one_person(**given: int | None) -> tuple[str, int]:
    """Return the one word and number that name a person."""
    named = [(by, int(number)) for by, number in given.items() if number is not None]
    if len(named) != 1:
        raise InvalidArgumentError(f"give one of {', '.join(given)} to erase; {len(named)} were given")
    return named[0]


def erase_person(
    kinds: Sequence[KindPartitions], suppression: Suppression, by: str, number: int, *, now: datetime
) -> ErasureReceipt:
    """Remove every row of a person, after putting the person on the list of those who stay away."""
    for partitions in kinds:
        Intake(partitions).merge()
    again = suppression.knows(by, number)
    messages = {number} if by == "destination" else _messages_of(kinds, by, number)
    suppression.add(by, [number])
    suppression.add("destination", sorted(messages))
    wanted = np.array(sorted(messages), dtype="int64")
    rows: dict[str, int] = {}
    files: list[str] = []
    for partitions in kinds:
        columns = {word: name for name, word in person_columns(partitions.kind).items()}
        if columns:
            chosen = _not_of(columns, by, number, wanted)
            if again:  # an erasure that was cut short may have removed the rows that tie the person to a message
                chosen = functools.partial(suppression.stays, partitions.kind)
            for month in partitions.footers():
                removed = _rewrite(partitions, month, list(columns.values()), chosen, month.periods)
                rows[partitions.kind] = rows.get(partitions.kind, 0) + removed
                files += [month.relative] if removed else []
    exports = _remove_exports(kinds[0].store)
    places = sorted({export.rpartition("/")[0] for export in exports})
    return ErasureReceipt(kinds[0].store.name, f"{now:%Y-%m-%d %H:%M:%S}", by, rows, [*files, *exports], exports=places)


def _messages_of(kinds: Sequence[KindPartitions], by: str, number: int) -> set[int]:
    """Return the destinations of all rows that name a profile or subprofile."""
    found: set[int] = set()
    for partitions in kinds:
        columns = {word: name for name, word in person_columns(partitions.kind).items()}
        if columns:
            for month in partitions.footers():
                for rows in _batches(partitions, month, [columns[by], columns["destination"]]):
                    of_person = numbers(rows, columns[by]) == number
                    found.update(numbers(rows, columns["destination"])[of_person].tolist())
    return found


def _not_of(columns: dict[str, str], by: str, number: int, messages: Any) -> Choose:
    def stays(rows: pa.Table) -> Any:
        named = numbers(rows, columns[by]) == number
        return ~(named | np.isin(numbers(rows, columns["destination"]), messages))

    return stays


def retain_from(kinds: Sequence[KindPartitions], begin: datetime) -> Retention:
    """Remove the rows of every kind but the emailings from before a moment."""
    rows: dict[str, int] = {}
    files: list[str] = []
    for partitions in kinds:
        if partitions.kind == "emailings":
            continue
        Intake(partitions).merge()
        for month in partitions.footers():
            if month.stretch[0] < begin:
                removed = _retain_month(partitions, month, begin)
                rows[partitions.kind] = rows.get(partitions.kind, 0) + removed
                files.append(month.relative)
    files += _remove_exports(kinds[0].store) if any(rows.values()) else []
    return Retention(kinds[0].store.name, str(begin), rows, files)


def _retain_month(partitions: KindPartitions, month: Month, begin: datetime) -> int:
    if month.stretch[1] <= begin:
        partitions.store.delete(month.relative)
        return month.rows
    time = time_column(partitions.kind)
    periods = [period.clip((begin, period.end)) for period in month.periods if period.end > begin]
    moment = np.datetime64(begin, "us")
    return _rewrite(partitions, month, [time], lambda rows: rows[time].to_numpy() >= moment, periods, always=True)


def _rewrite(
    partitions: KindPartitions,
    month: Month,
    looked_at: list[str],
    stays: Choose,
    periods: Sequence[Any],
    *,
    always: bool = False,
) -> int:
    """Write a month again without the rows that do not stay, if there are any, and return how many they are."""
    gone = sum(int((~stays(rows)).sum()) for rows in _batches(partitions, month, looked_at))
    if gone or always:
        counter = PeriodCounter(periods, time_column(partitions.kind))
        staying = (rows.filter(stays(rows)) for rows in _batches(partitions, month, None))
        partitions.write(month.relative, counter.watch(in_groups(staying)), counter.periods)
    return gone


def _batches(partitions: KindPartitions, month: Month, columns: list[str] | None) -> Iterator[pa.Table]:
    with partitions.open(month.relative) as file:
        yield from file.batches(BATCH_ROWS, columns)


def _remove_exports(store: Store) -> list[str]:
    exports = store.files_below(EXPORTS, "")
    for relative in exports:
        store.delete(relative)
    return exports
