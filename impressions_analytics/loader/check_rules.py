"""The rules of a check: each looks at answers of the API and gives one fact."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

UNDECIDED = "undecided"
WORTH = 1.3  # so many times more answers a second make further connections worth it
QUICK_SECONDS = 0.01  # below it this machine is what takes the time
Answer = dict[str, Any] | str
Period = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its value, the calls that decided it, and why."""

    value: Any
    decided_by: tuple[str, ...]
    why: str


def decide_totals(answer: dict[str, Any], path: str) -> Fact:
    """Hold a page's count and total against its rows."""
    rows, count, total = len(answer["data"]), answer.get("count"), answer.get("total")
    if total is None:
        return Fact(UNDECIDED, (path,), "the answer gives no total")
    if isinstance(total, int) and total > rows == count == answer.get("limit"):
        return Fact(UNDECIDED, (path,), f"the emailing has {total:,} opens, more than a page")
    good = rows == count == total
    return Fact("yes" if good else "no", (path,), f"{rows} rows came; count says {count}, total says {total}")


def decide_order(rows: Sequence[Mapping[str, Any]], path: str) -> Fact:
    """Say by what the rows of a page are ordered.

    Examples
    --------
    >>> decide_order([{"ID": "3", "timestamp": "b"}, {"ID": "2", "timestamp": "c"}, {"ID": "1", "timestamp": "a"}], "")
    Fact(value='ID, falling', decided_by=('',), why='the IDs of 3 rows fall')
    """
    if len(rows) < 3:
        return Fact(UNDECIDED, (path,), f"{len(rows)} rows are too few to tell")
    for name, keys in (
        ("ID", [int(row["ID"]) for row in rows if str(row.get("ID", "")).isdecimal()]),
        ("timestamp", [str(row.get("timestamp")) for row in rows]),
    ):
        for word, way, expected in (("rising", "rise", sorted(keys)), ("falling", "fall", sorted(keys, reverse=True))):
            if len(keys) == len(rows) and keys == expected and len(set(keys)) > 1:
                return Fact(f"{name}, {word}", (path,), f"the {name}s of {len(rows)} rows {way}")
    return Fact("none", (path,), f"neither IDs nor timestamps of {len(rows)} rows rise or fall")


def decide_statistics(answer: dict[str, Any], rows: Sequence[Any], total: int | None, path: str) -> Fact:
    """Hold Copernica's statistics against the rows of an emailing."""
    told = answer.get("impressions")
    counted = str(told.get("total") if isinstance(told, dict) else told)
    if total is None or total != len(rows) or not counted.isdecimal():
        return Fact(UNDECIDED, (path,), "the rows or the statistics are not known in full")
    return Fact("yes" if int(counted) == len(rows) else "no", (path,), f"{len(rows)} rows; statistics say {counted}")


def decide_period_style(
    asked: Mapping[str, Answer], rows: Sequence[Mapping[str, Any]], begin: str, end: str, path: str
) -> Fact:
    """Find which parameters for the period work: their answer is not empty and lies in the period."""
    obeyed, told = [], []
    for style, answer in asked.items():
        if isinstance(answer, str):
            told.append(f"{style} {answer.split(':')[0]}")
        elif _obeyed(answer, begin, end) and answer["data"] and len(answer["data"]) < len(rows):
            obeyed.append(style)
            told.append(f"{style} obeyed")
        else:
            told.append(f"{style} {'ignored' if len(answer['data']) == len(rows) else 'answered otherwise'}")
    value = "both" if len(obeyed) == 2 else obeyed[0] if obeyed else "none"
    return Fact(value, (path,), ", ".join(told))


def decide_ends(
    answer: Answer, rows: Sequence[Mapping[str, Any]], period: tuple[str, str], moment: str, path: str
) -> Fact:
    """Say whether the rows at an end of begintime to endtime were in the answer."""
    if isinstance(answer, str) or not _obeyed(answer, *period) or len(answer["data"]) >= len(rows):
        return Fact(UNDECIDED, (path,), "begintime and endtime are not obeyed here")
    there = sum(str(row.get("timestamp")) == moment for row in rows)
    came = sum(str(row.get("timestamp")) == moment for row in answer["data"])
    value = "yes" if came == there else "no" if came == 0 else UNDECIDED
    return Fact(value, (path,), f"{came} of {there} rows at that second came")


def _obeyed(answer: dict[str, Any], begin: str, end: str) -> bool:
    return all(begin <= str(row.get("timestamp")) <= end for row in answer["data"])


def spring_hour(now: dt.datetime) -> Period:
    """Return the latest hour that Amsterdam's clock skipped before a moment.

    Examples
    --------
    >>> [str(moment) for moment in spring_hour(dt.datetime(2026, 11, 1))]
    ['2026-03-29 02:00:00', '2026-03-29 02:59:59']
    >>> str(spring_hour(dt.datetime(2026, 2, 1))[0])
    '2025-03-30 02:00:00'
    """
    for year in (now.year, now.year - 1):
        last = dt.datetime(year, 3, 31, 2)
        sunday = last - dt.timedelta(days=(last.weekday() + 1) % 7)
        if sunday < now:
            break
    return sunday, sunday + dt.timedelta(minutes=59, seconds=59)


def decide_zone(spring: list[str] | None, hour: Period, newer: list[str] | None, ahead: Period, path: str) -> Fact:
    """Exclude zones: Amsterdam has no hour from 02:00 on that Sunday, and UTC has no rows ahead of its now."""
    skipped = [time for time in spring or [] if str(hour[0]) <= time <= str(hour[1])]
    future = [time for time in newer or [] if str(ahead[0]) <= time <= str(ahead[1])]
    if skipped and future:
        return Fact("neither", (path,), "rows lie in the hour that Amsterdam skips, and ahead of UTC")
    if skipped:
        return Fact("not Europe/Amsterdam", (path,), f"a row lies in the hour from {hour[0]}, which Amsterdam skips")
    if future:
        return Fact("not UTC", (path,), "rows are newer than now in UTC")
    return Fact(UNDECIDED, (path,), "no row lies in the hour that spring skips, and none is newer than now in UTC")


def decide_connections(batches: Sequence[tuple[int, float, str | None]], latency: float, path: str) -> Fact:
    """Say how many requests at once are worth it: until one is refused, or more at once bring no more a second.

    Examples
    --------
    >>> decide_connections([(2, 0.1, None), (8, 0.1, None)], 0.1, "").value
    8
    >>> decide_connections([(2, 0.1, None), (8, 0.1, "not answered: 429")], 0.1, "").value
    2
    """
    if latency < QUICK_SECONDS:
        return Fact(UNDECIDED, (path,), "the answers are too quick for connections to matter")
    best, rate, told = 1, 1 / max(latency, 1e-6), []
    for size, seconds, trouble in batches:
        if trouble:
            told.append(f"{size} at once: {trouble[:60]}")
            break
        told.append(f"{size} at once took {seconds:.2f} s")
        if size / max(seconds, 1e-6) < WORTH * rate:
            break
        best, rate = size, size / max(seconds, 1e-6)
    return Fact(best if batches else UNDECIDED, (path,), "; ".join(told) or "no calls were left")


def advise(facts: Mapping[str, Fact]) -> list[str]:
    """Return what to do next, one sentence each."""
    said = []
    offset = facts["clock_offset_seconds"].value
    if isinstance(offset, int) and abs(offset) > 60:
        said.append("The clock of this machine and that of the API differ by more than a minute; set this one right.")
    if facts["zone"].value in ("not Europe/Amsterdam", "neither"):
        said.append("Timestamps cannot be Europe/Amsterdam; give Copernica(timezone=...) the account's zone.")
    if facts["period_style"].value == "none":
        said.append("No style of period is obeyed; a load of a period reads whole lists, with more calls.")
    for name, what in (("totals_agree", "totals"), ("statistics_agree", "statistics")):
        if facts[name].value == "no":
            said.append(f"The {what} do not agree with the rows; run this again, and report it if it stays so.")
    connections = facts["connections"].value
    if isinstance(connections, int):
        said.append(f"Use Copernica(connections={connections}), or keep the facts with --save.")
    said.append("Next: impressions load --plan tells what a load takes; impressions sync FOLDER keeps an archive.")
    return said
