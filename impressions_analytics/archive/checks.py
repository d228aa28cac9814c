"""Verify an archive: read everything, and hold it against what the files say and, on request, what the API counts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from impressions_analytics.archive.merge import BATCH_ROWS
from impressions_analytics.archive.partitions import MONTH_FILE, KindPartitions, Month
from impressions_analytics.archive.periods import Period, Stretch, believed, covered, outer_stretch, subtract
from impressions_analytics.archive.privacy import person_columns
from impressions_analytics.archive.results import Finding, Verification
from impressions_analytics.archive.rewriting import count_rows
from impressions_analytics.archive.row_source import RowSource
from impressions_analytics.archive.suppression import LIST, Suppression
from impressions_analytics.columns import Family, Kind, time_column
from impressions_analytics.errors import ArchiveError
from impressions_analytics.parquet.rows_file import parquet_told
from impressions_analytics.parquet.seal import check_file
from impressions_analytics.parquet.tables import to_table

if TYPE_CHECKING:
    import pyarrow as pa


class Total(Protocol):
    """Asks the API how many rows of a kind a stretch of the account has; None when it does not say."""

    def __call__(self, kind: Kind, begin: datetime, end: datetime, *, expected: int) -> int | None:
        """Ask."""


@dataclass
class KindCheck:
    """What was found in the files of one kind."""

    files: int = 0
    rows: int = 0
    known: bool = False
    without_profile: int = 0
    findings: list[Finding] = field(default_factory=list)
    gaps: list[Finding] = field(default_factory=list)

    def wrong(self, where: str, what: str) -> None:
        """Note something that is not right."""
        self.findings.append(Finding(where, what))


@dataclass(frozen=True)
class TotalWithoutErased:
    """Asks the API for totals without the rows of erased persons, which it may still have.

    Attributes
    ----------
    source : RowSource
        Gives totals and rows.
    suppression : Suppression
        The erased persons.
    family : str
        The product family.
    """

    source: RowSource
    suppression: Suppression
    family: Family

    def __call__(self, kind: Kind, begin: datetime, end: datetime, *, expected: int) -> int | None:
        """Return the total; where it is not what is expected, and persons were erased, of the rows that may stay."""
        counted = self.source.total(kind, begin, end, expected=expected)
        if counted in (None, expected) or self.suppression.is_empty:
            return counted
        frames = self.source.rows(kind, emailing=None, begin=begin, end=end)
        return sum(int(self.suppression.stays(kind, to_table(frame, kind, self.family)).sum()) for frame in frames)


def verify_archive(
    kinds: Sequence[KindPartitions], total: Total | None, *, lost_list: bool, erased: Suppression | None
) -> Verification:
    """Check every kind of an archive; see `Archive.verify`."""
    checks = [verify_kind(partitions, total, erased) for partitions in kinds]
    name = kinds[0].store.name
    findings = [finding for check in checks for finding in check.findings]
    if not findings and not any(check.files or check.known for check in checks):
        findings = [Finding(name, "there is no archive here")]
    findings += [Finding(name, text) for text in kinds[0].unfinished.describe()]
    if lost_list:
        findings.append(
            Finding(kinds[0].store.label(LIST), "persons were erased, and the list of them is gone; restore it")
        )
    return Verification(
        name,
        files=sum(check.files for check in checks),
        rows=sum(check.rows for check in checks),
        findings=findings,
        gaps=[gap for check in checks for gap in check.gaps],
        without_profile={
            partitions.kind: check.without_profile
            for partitions, check in zip(kinds, checks, strict=True)
            if check.without_profile
        },
    )


def verify_kind(partitions: KindPartitions, total: Total | None, erased: Suppression | None) -> KindCheck:
    """Check every file of a kind, its coverage, and repeated IDs between its files."""
    check = KindCheck()
    good = [
        month
        for relative in partitions.store.files_below(partitions.kind, ".parquet")
        if (month := _verify_file(partitions, relative, check, erased))
    ]
    _verify_repeats(partitions, good, check)
    waiting = partitions.parts()
    if waiting:
        check.wrong(partitions.kind, f"{len(waiting)} pieces of a sync that did not end wait to be merged; sync again")
    periods = [period for month in good for period in month.periods]
    _verify_recorded(partitions, outer_stretch(periods), check)
    check.gaps += _gaps(partitions.kind, believed(periods, partitions.now))
    if total is not None:
        _verify_totals(partitions, good, total, check)
    return check


def _verify_recorded(partitions: KindPartitions, found: Stretch | None, check: KindCheck) -> None:
    """Hold what the files answer for against what the archive is known to answer for."""
    recorded = partitions.answered(found)
    check.known = recorded is not None
    if recorded is None or recorded[0] == recorded[1]:
        return
    lost = [recorded] if found is None else subtract(recorded, [found])
    for begin, end in lost:
        check.wrong(partitions.kind, f"{begin} to {end} was loaded, and its month files are gone; sync again")


def _gaps(kind: Kind, periods: list[Period]) -> list[Finding]:
    """Name what was never loaded between the first and last moment that was asked, of the account and of emailings."""
    gaps = []
    for emailing in sorted({period.emailing for period in periods}, key=lambda one: one or 0):
        whole = outer_stretch(period for period in periods if period.emailing == emailing)
        of = "" if emailing is None else f" of emailing {emailing}"
        if whole is not None:
            left = subtract(whole, covered(periods, emailing))
            gaps += [Finding(kind + of, f"{begin} to {end}") for begin, end in left]
    return gaps


def _verify_file(
    partitions: KindPartitions, relative: str, check: KindCheck, erased: Suppression | None
) -> Month | None:
    """Check one file; a file that cannot be used is a finding."""
    check.files += 1
    label = partitions.store.label(relative)
    if not MONTH_FILE.match(relative):
        check.wrong(label, "not a file of this archive, but every engine would read it; move it elsewhere")
        return None
    try:
        month = partitions.read_footer(relative)
        rows = _checked_columns(partitions, month)
        problems = _problems(partitions, month, rows)
        if partitions.store.is_local:
            with parquet_told(label):
                check_file(partitions.store.place(relative))
    except ArchiveError as error:
        where = ", ".join(_damaged_parts(partitions, relative))
        check.wrong(label, f"{where} damaged: {error}" if where else str(error))
        return None
    check.rows += month.rows
    check.without_profile += rows["profile"].null_count if "profile" in rows.column_names else 0
    back = 0 if erased is None or erased.unfinished else int((~erased.stays(partitions.kind, rows)).sum())
    if back:
        again = f"impressions erase {partitions.store.name} --again removes them"
        problems.append(f"{back} rows belong to erased persons, as in a copy from before the erasure: {again}")
    for problem in problems:
        check.wrong(label, problem)
    return month


def _damaged_parts(partitions: KindPartitions, relative: str) -> list[str]:
    """Say which columns and row groups of a file are damaged; nothing when its footer is."""
    with suppress(ArchiveError), partitions.open(relative) as file:
        return file.damaged_parts()
    return []


def _problems(partitions: KindPartitions, month: Month, rows: pa.Table) -> list[str]:
    """Hold the rows of a month against its periods."""
    times, ids = rows[time_column(partitions.kind)].to_numpy(), rows["ID"].to_numpy()
    begin, end = (np.datetime64(moment, "us") for moment in month.stretch)
    if not (times[1:] >= times[:-1]).all():
        return ["its rows are not in time order"]
    account = [period for period in month.periods if period.emailing is None]
    counted = {period: count_rows(times, rows, period) for period in month.periods}
    known = {
        "do not lie in its month": int(((times < begin) | (times >= end)).sum()),
        "repeat an ID": len(ids) - len(np.unique(ids)),
    }
    if len(account) == len(month.periods):
        known["lie outside every period that was loaded"] = len(ids) - sum(counted.values())
    found = [f"{count} rows {problem}" for problem, count in known.items() if count]
    for period, count in counted.items():
        if count != period.rows:
            found.append(f"{period.begin} to {period.end}: {count} rows, and its certificate says {period.rows}")
    return found


def _checked_columns(partitions: KindPartitions, month: Month) -> pa.Table:
    """Read every column, and keep those that are checked: their numbers are small where texts are large."""
    import pyarrow as pa

    more = [] if partitions.kind == "emailings" else ["mailing", *person_columns(partitions.kind)]
    checked = list(dict.fromkeys(["ID", time_column(partitions.kind), *more]))
    with partitions.open(month.relative) as file:
        empty = file.schema.empty_table().select(checked)
        return pa.concat_tables([empty, *(rows.select(checked) for rows in file.batches(BATCH_ROWS))])


def _verify_repeats(partitions: KindPartitions, good: list[Month], check: KindCheck) -> None:
    """Find IDs that two files have; only files whose IDs overlap are read."""
    ranges = [(month, *_id_range(partitions, month)) for month in good if month.rows]
    for index, (month, low, high) in enumerate(ranges):
        for other, other_low, other_high in ranges[index + 1 :]:
            if low <= other_high and other_low <= high:
                both = np.intersect1d(_ids(partitions, month), _ids(partitions, other))
                if len(both):
                    check.wrong(partitions.store.label(other.relative), f"{len(both)} IDs are also in {month.relative}")


def _id_range(partitions: KindPartitions, month: Month) -> tuple[int, int]:
    with partitions.open(month.relative) as file:
        return file.extremes("ID")


def _ids(partitions: KindPartitions, month: Month) -> Any:
    with partitions.open(month.relative) as file:
        return file.rows(["ID"])["ID"].to_numpy()


def _verify_totals(partitions: KindPartitions, good: list[Month], total: Total, check: KindCheck) -> None:
    """Hold the rows of each month that is wholly covered against what the API counts now.

    In the hour that comes twice in autumn what was loaded may end later than now: more rows will come there.
    """
    for month in good:
        for begin, end in covered(period for period in month.periods if period.emailing is None):
            if end > partitions.now:
                continue
            have = sum(p.rows for p in month.periods if p.emailing is None and begin <= p.begin and p.end <= end)
            counted = total(partitions.kind, begin, end, expected=have)
            if counted is not None and counted != have:
                hint = "sync with a look_back_days that reaches it" if have < counted else "it gave more before"
                check.wrong(
                    partitions.store.label(month.relative),
                    f"{begin} to {end}: {have} rows, and the API counts {counted}; {hint}",
                )
