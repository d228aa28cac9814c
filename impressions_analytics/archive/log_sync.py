"""Bring the log files of an archive up to now, and hold its events against them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from impressions_analytics.archive.kept_logs import KeptDay, KeptLogs, log_stays, suppress_log
from impressions_analytics.archive.partitions import KindPartitions
from impressions_analytics.archive.periods import Stretch, believed, covered, outer_stretch
from impressions_analytics.archive.results import Finding, LogSync, Verification
from impressions_analytics.archive.suppression import Suppression
from impressions_analytics.archive.sync import SyncRequest
from impressions_analytics.certificate import Certificate
from impressions_analytics.columns import EVENT_KINDS, Family, Kind
from impressions_analytics.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from impressions_analytics.loader.log_columns import LogKind
    from impressions_analytics.loader.logs import LogFiles

ONE_DAY = dt.timedelta(days=1)


class LogSource:
    """The log files of one account.

    Parameters
    ----------
    files : LogFiles
        Asks the API.
    family : str
        The product that sent the mail.
    """

    def __init__(self, files: LogFiles, family: Family) -> None:
        self._files = files
        self._family = family

    @property
    def requests(self) -> int:
        """How many calls were made."""
        return self._files.requests

    def days(self) -> list[dt.date]:
        """Return the days of which files are kept."""
        return self._files.days()

    def rows(self, kind: LogKind, day: dt.date) -> Iterator[pa.Table]:
        """Give the rows of a day."""
        from impressions_analytics.loader.log_decode import LogDecoder

        decoder = LogDecoder(kind, self._family)
        for name in self._files.names(day, kind, self._family):
            yield from self._files.rows(name, decoder)


def log_kinds(kinds: Sequence[Kind]) -> list[LogKind]:
    """Return the kinds of log that belong to kinds of rows: those of events."""
    return [cast("LogKind", kind) for kind in kinds if kind in EVENT_KINDS]


def sync_logs(partitions: KindPartitions, suppression: Suppression, source: LogSource, request: SyncRequest) -> LogSync:
    """Take the log files of the days that the archive's rows of a kind cover, and again those of the latest days.

    Of a day that is asked again the new file is kept, unless it has fewer rows than the one that is there.
    """
    [kind] = log_kinds([partitions.kind])
    logs = KeptLogs.beside(partitions)
    known = {kept.day: kept for kept in logs.days(kind)}
    before = source.requests
    taken = _days_to_ask(partitions, source.days(), known, request)
    for day in taken:
        rows = (suppress_log(suppression, table) for table in source.rows(kind, day))
        count = _put(logs, known.get(day) or KeptDay("", kind, day, 0, partitions.now), rows, partitions.now)
        known[day] = KeptDay("", kind, day, count, partitions.now)
    kept = sum(one.rows for one in known.values())
    return LogSync(kind, [str(day) for day in taken], len(known), kept, source.requests - before)


class _FewerRowsError(Exception):
    """A file came with fewer rows than it had before."""


def _put(logs: KeptLogs, there: KeptDay, rows: Iterator[pa.Table], now: dt.datetime) -> int:
    """Put a day in place, and return how many rows it has; where fewer came than there are, those there stay."""

    def counted() -> Iterator[pa.Table]:
        count = 0
        for table in rows:
            count += table.num_rows
            yield table
        if count < there.rows:
            raise _FewerRowsError

    try:
        return logs.put(there.kind, there.day, counted(), now)
    except _FewerRowsError:
        return logs.put(there.kind, there.day, logs.whole_tables(there), now)


def _days_to_ask(
    partitions: KindPartitions, listed: Sequence[dt.date], known: dict[dt.date, KeptDay], request: SyncRequest
) -> list[dt.date]:
    stretch = outer_stretch(period for month in partitions.footers() for period in month.periods)
    if stretch is None:
        return []
    oldest = request.keep_from or dt.datetime.min
    return [
        day
        for day in listed
        if _overlaps(day, stretch)
        and _begin_of(day) >= oldest
        and (day not in known or known[day].loaded_at < _end_of(day) + request.look_back)
    ]


def _overlaps(day: dt.date, stretch: Stretch) -> bool:
    return _begin_of(day) < stretch[1] and stretch[0] < _end_of(day)


def _begin_of(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time())


def _end_of(day: dt.date) -> dt.datetime:
    return _begin_of(day) + ONE_DAY


Counts = dict[dt.date, int]


def verify_logs(
    partitions: KindPartitions, source: LogSource | None, suppression: Suppression
) -> tuple[int, list[Finding]]:
    """Hold the rows of every whole day against the number of the day's log; return how many days, and what differs.

    A log is asked for where none is kept, if an account is given. A day counts by the times of its rows, so that files
    that are cut at another midnight are no difference; a day whose neighbours are then missing is left out.
    """
    logged = _logged_days(partitions, source, suppression)
    findings = []
    compared = 0
    events = _events_by_day(partitions)
    for day in _whole_days(partitions):
        counted = _count_of(day, logged)
        if counted is None:
            continue
        compared += 1
        if (have := events.get(day, 0)) != counted:
            hint = "sync again with a look_back_days that reaches it" if have < counted else "the log lacks some"
            findings.append(
                Finding(
                    f"{partitions.kind} of {day}", f"{have} rows, and the log of the day has {counted}; {hint}"
                )
            )  # fmt: skip
    return compared, findings


def _count_of(day: dt.date, logged: dict[dt.date, Counts]) -> int | None:
    """Count a day's records over all files; None where its file, or a neighbour that may hold some, is missing."""
    if day not in logged:
        return None
    misplaced = any(found != of for of, counts in logged.items() for found in counts)
    if misplaced and not {day - ONE_DAY, day + ONE_DAY} <= set(logged):
        return None
    return sum(counts.get(day, 0) for counts in logged.values())


def _logged_days(
    partitions: KindPartitions, source: LogSource | None, suppression: Suppression
) -> dict[dt.date, Counts]:
    """Return, for each day's file, how many records it has by the days of their times."""
    [kind] = log_kinds([partitions.kind])
    logs = KeptLogs.beside(partitions)
    found: dict[dt.date, Counts] = {}
    for kept in logs.days(kind):
        if kept.loaded_at >= _end_of(kept.day):
            found[kept.day] = _by_day(rows["timestamp"].to_numpy() for rows in logs.tables(kept, ["timestamp"]))
    if source is not None:
        stretch = outer_stretch(period for month in partitions.footers() for period in month.periods)
        wanted = [day for day in source.days() if day not in found and stretch and _overlaps(day, stretch)]
        for day in wanted:
            rows = (table.filter(_stays(suppression, table)) for table in source.rows(kind, day))
            found[day] = _by_day(table["timestamp"].to_numpy() for table in rows)
    return found


def _stays(suppression: Suppression, rows: pa.Table) -> Any:
    return np.ones(rows.num_rows, dtype=bool) if suppression.is_empty else log_stays(suppression, rows)


def _events_by_day(partitions: KindPartitions) -> Counts:
    times = (
        rows["timestamp"].to_numpy()
        for relative in partitions.files()
        for rows in partitions.rows_of(relative, 1_000_000, ["timestamp"])
    )
    return _by_day(times)


def _by_day(times: Iterator[Any]) -> Counts:
    counts: Counts = {}
    for part in times:
        days, numbers = np.unique(part.astype("datetime64[D]"), return_counts=True)
        for day, number in zip(days.tolist(), numbers.tolist(), strict=True):
            counts[day] = counts.get(day, 0) + number
    return counts


def _whole_days(partitions: KindPartitions) -> list[dt.date]:
    """Return the days that were loaded whole for the whole account, after they had ended."""
    known = (period for month in partitions.footers() for period in month.periods if period.emailing is None)
    settled = [period for period in believed(known, partitions.now) if period.loaded_at >= period.end]
    days = []
    for begin, end in covered(settled):
        day = begin.date() if begin == _begin_of(begin.date()) else begin.date() + ONE_DAY
        while _end_of(day) <= end:
            days.append(day)
            day += ONE_DAY
    return days


def with_logs(
    found: Verification, kinds: Sequence[KindPartitions], source: LogSource | None, suppression: Suppression
) -> Verification:
    """Return a verification with what the logs say of every kind, and of themselves."""
    findings = list(found.findings)
    days: dict[str, int] = {}
    if kinds:
        findings += [Finding(*trouble) for trouble in KeptLogs.beside(kinds[0]).damaged()]
    if len(findings) > len(found.findings):
        return replace(found, findings=findings)
    for partitions in kinds:
        days[partitions.kind], differences = verify_logs(partitions, source, suppression)
        findings += differences
    if not any(days.values()):
        findings.append(Finding(found.archive, "no day could be held against a log file: none is kept of a whole day"))
    return replace(found, findings=findings, log_days=days)


def read_log(
    partitions: KindPartitions, kind: LogKind, begin: dt.datetime | None, end: dt.datetime | None
) -> pd.DataFrame:
    """Read the kept rows of a kind of log; see `Archive.read_log`."""
    from impressions_analytics.loader.log_decode import LogDecoder, log_frame
    from impressions_analytics.loader.logs import given_log_kind

    logs = KeptLogs.beside(partitions)
    days = logs.days(given_log_kind(kind))
    decoder = LogDecoder(kind, logs.family)
    rows = (_within(table, begin, end) for day in days for table in logs.tables(day, decoder.schema.names))
    frame = log_frame(decoder, (table.cast(decoder.schema) for table in rows))
    frame.attrs["load"] = Certificate(
        kind=f"log of {kind}", family=logs.family, zone=logs.zone, verdict="unproven", rows=len(frame),
        begin=None if begin is None else str(begin), end=None if end is None else str(end),
        days=[str(day.day) for day in days], source=logs.store.name,
    )  # fmt: skip
    return frame


def _within(rows: pa.Table, begin: dt.datetime | None, end: dt.datetime | None) -> pa.Table:
    times = rows["timestamp"].to_numpy()
    chosen = np.ones(len(times), dtype=bool)
    if begin is not None:
        chosen &= times >= np.datetime64(begin, "us")
    if end is not None:
        chosen &= times < np.datetime64(end, "us")
    return rows.filter(chosen)


def check_logs_are_wanted_whole(emailings: Any) -> None:
    """Refuse to keep logs of some emailings: a log is of the whole account."""
    if emailings is not None:
        raise InvalidArgumentError("logs=True keeps the logs of the whole account: leave emailings out, or logs")
