"""Take rows out of an archive: a person's, or all that are older than they may be.

What is to go is written down before the first row goes. So whatever is cut short is left out by every reader at once,
and finished by the next command that writes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from impressions_analytics.archive.intake import Intake
from impressions_analytics.archive.kept_logs import (
    KeptLogs,
    count_logs,
    erase_logs,
    log_rows_not_of,
    log_stays,
    messages_of,
    retain_logs,
)
from impressions_analytics.archive.own_exports import remove_exports
from impressions_analytics.archive.partitions import KindPartitions, Month
from impressions_analytics.archive.privacy import person_columns
from impressions_analytics.archive.results import ErasureReceipt, Retention
from impressions_analytics.archive.rewriting import Choose, batches, rewrite_month
from impressions_analytics.archive.suppression import Suppression, identifiers, is_one_of
from impressions_analytics.columns import time_column
from impressions_analytics.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pyarrow as pa

GREATEST_IDENTIFIER = 2**63 - 1


def one_person(**given: int | None) -> tuple[str, int]:
    """Return the one word and number that name a person.

    Examples
    --------
    >>> one_person(profile=None, subprofile=-1)
    Traceback (most recent call last):
    impressions_analytics.errors.InvalidArgumentError: subprofile=-1 must be a whole number from 0 to \
9223372036854775807
    """
    named = [(by, number) for by, number in given.items() if number is not None]
    if len(named) != 1:
        raise InvalidArgumentError(f"give one of {', '.join(given)} to erase; {len(named)} were given")
    [(by, number)] = named
    if not isinstance(number, Integral) or isinstance(number, bool) or not 0 <= number <= GREATEST_IDENTIFIER:
        raise InvalidArgumentError(f"{by}={number!r} must be a whole number from 0 to {GREATEST_IDENTIFIER}")
    return by, int(number)


def erase_person(
    kinds: Sequence[KindPartitions], suppression: Suppression, by: str, number: int, *, now: datetime
) -> ErasureReceipt:
    """Remove every row of a person, after putting the person on the list of those who stay away."""
    merge_parts(kinds)
    again = suppression.knows(by, number)
    logs = KeptLogs.beside(kinds[0])
    persons = _persons(kinds, by, number)
    persons["message"] = messages_of(kinds, logs, persons)
    suppression.begin(persons)
    # An erasure that was cut short may have removed the rows that tie the person to a message: the list knows them.
    removed = _remove(
        kinds, lambda kind: functools.partial(suppression.stays, kind) if again else _not_of(kind, persons)
    )
    removed |= erase_logs(logs, functools.partial(log_stays, suppression))
    exports, links = remove_exports(kinds[0].store)
    suppression.finish()
    return _receipt(kinds, by, now, removed, exports=exports, links=links)


def erase_again(kinds: Sequence[KindPartitions], suppression: Suppression, *, now: datetime) -> ErasureReceipt:
    """Remove the rows of whoever was erased before, which a month that was restored from a copy may have."""
    suppression.begin({})
    merge_parts(kinds)
    removed = _remove(kinds, lambda kind: functools.partial(suppression.stays, kind))
    exports, links = remove_exports(kinds[0].store)
    suppression.finish()
    return _receipt(kinds, "person who was erased before", now, removed, exports=exports, links=links)


def preview_erasure(kinds: Sequence[KindPartitions], by: str, number: int, *, now: datetime) -> ErasureReceipt:
    """Say what erasing a person would remove; nothing is changed."""
    logs = KeptLogs.beside(kinds[0])
    persons = _persons(kinds, by, number)
    persons["message"] = messages_of(kinds, logs, persons)
    found: Counts = count_logs(logs, functools.partial(log_rows_not_of, persons))
    for partitions in _of_persons(kinds):
        stays = _not_of(partitions.kind, persons)
        for relative in [*partitions.files(), *partitions.parts()]:
            gone = sum(int((~stays(rows)).sum()) for rows in batches(partitions, relative, None))
            found.setdefault(partitions.kind, {})[relative] = gone
    return _receipt(kinds, by, now, found, dry_run=True)


def finish_erasure(kinds: Sequence[KindPartitions], suppression: Suppression) -> None:
    """Remove the rows that an erasure which was cut short has left."""
    if suppression.unfinished:
        merge_parts(kinds)
        _remove(kinds, lambda kind: functools.partial(suppression.stays, kind))
        erase_logs(KeptLogs.beside(kinds[0]), functools.partial(log_stays, suppression))
        remove_exports(kinds[0].store)
        suppression.finish()


def merge_parts(kinds: Sequence[KindPartitions]) -> None:
    """Merge what an interrupted sync left waiting, so that every row lies in a month file."""
    for partitions in kinds:
        Intake(partitions).merge()


Counts = dict[str, dict[str, int]]
"""Rows by kind and by file."""


def _of_persons(kinds: Sequence[KindPartitions]) -> list[KindPartitions]:
    return [partitions for partitions in kinds if person_columns(partitions.kind)]


def _remove(kinds: Sequence[KindPartitions], stays_of: Callable[[Any], Choose]) -> Counts:
    """Rewrite the months that have rows which do not stay, and return how many went from each."""
    removed: Counts = {}
    for partitions in _of_persons(kinds):
        columns, stays = list(person_columns(partitions.kind)), stays_of(partitions.kind)
        for month in partitions.footers():
            gone = rewrite_month(partitions, month, columns, stays, month.periods)
            removed.setdefault(partitions.kind, {})[month.relative] = gone
    return removed


def _receipt(
    kinds: Sequence[KindPartitions],
    by: str,
    now: datetime,
    removed: Counts,
    *,
    exports: Sequence[str] = (),
    links: Sequence[str] = (),
    dry_run: bool = False,
) -> ErasureReceipt:
    files = [relative for of_kind in removed.values() for relative, gone in of_kind.items() if gone]
    return ErasureReceipt(
        kinds[0].store.name,
        f"{now:%Y-%m-%d %H:%M:%S}",
        by,
        {kind: sum(of_kind.values()) for kind, of_kind in removed.items()},
        [*files, *exports],
        suppressed=not dry_run,
        exports=sorted({export.rpartition("/")[0] for export in exports}),
        links=list(links),
        dry_run=dry_run,
    )


def _persons(kinds: Sequence[KindPartitions], by: str, number: int) -> dict[str, set[Any]]:
    """Return the person and the destinations of all rows that name the person."""
    found = {by: {number}, "destination": {number} if by == "destination" else set()}
    for partitions in _of_persons(kinds) if by != "destination" else ():
        columns = {word: name for name, word in person_columns(partitions.kind).items()}
        for relative in [*partitions.files(), *partitions.parts()]:
            for rows in batches(partitions, relative, [columns[by], columns["destination"]]):
                named = rows.filter(is_one_of(rows, columns[by], [number]))
                found["destination"].update(identifiers(named, columns["destination"]))
    return found


def _not_of(kind: Any, persons: Mapping[str, set[Any]]) -> Choose:
    def stays(rows: pa.Table) -> Any:
        gone = np.zeros(rows.num_rows, dtype=bool)
        for name, word in person_columns(kind).items():
            if persons.get(word):
                gone |= is_one_of(rows, name, persons[word])
        return ~gone

    return stays


def retain_from(kinds: Sequence[KindPartitions], begin: datetime) -> Retention:
    """Remove the rows of every kind but the emailings from before a moment."""
    merge_parts(kinds)
    rows: dict[str, int] = {}
    files: list[str] = []
    for partitions in kinds:
        if partitions.kind == "emailings":
            continue
        for month in partitions.footers():
            if month.stretch[0] < begin:
                removed = _retain_month(partitions, month, begin)
                rows[partitions.kind] = rows.get(partitions.kind, 0) + removed
                files.append(month.relative)
    for table, of_table in retain_logs(KeptLogs.beside(kinds[0]), begin).items():
        rows[table] = sum(of_table.values())
        files += of_table
    files += remove_exports(kinds[0].store)[0] if any(rows.values()) else []
    return Retention(kinds[0].store.name, str(begin), rows, files)


def _retain_month(partitions: KindPartitions, month: Month, begin: datetime) -> int:
    if month.stretch[1] <= begin:
        partitions.store.delete(month.relative)
        return month.rows
    time = time_column(partitions.kind)
    periods = [period.clip((begin, period.end)) for period in month.periods if period.end > begin]
    moment = np.datetime64(begin, "us")
    return rewrite_month(
        partitions,
        month,
        [time],
        lambda rows: rows[time].to_numpy() >= moment,
        periods,
        always=any(period.begin < begin for period in month.periods),
    )
