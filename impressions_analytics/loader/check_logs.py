"""What a check finds out of the daily log files: of how many days they are kept, and when their days begin."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from impressions_analytics.api.endpoints import LOG_FILES_PATH, log_file_path
from impressions_analytics.errors import ApiError, InvalidArgumentError
from impressions_analytics.loader.check_rules import UNDECIDED, Fact
from impressions_analytics.loader.log_decode import LogDecoder
from impressions_analytics.loader.logs import LogFiles

if TYPE_CHECKING:
    from impressions_analytics.loader.check_steps import Findings

PREFIX = "cdm-error"  # the file of few rows, all day long
NAMES = ("log_days_kept", "log_day_begins")


def ask_logs(found: Findings) -> None:
    """Ask which days are kept, and look at one small file: two calls."""
    if found.asker.left < len(NAMES):
        return
    files = LogFiles(found.asker.transport)
    try:
        days = files.days()
    except ApiError as problem:
        found.decide(NAMES[0], UNDECIDED, str(problem)[:150], LOG_FILES_PATH)
        return
    kept = f"from {days[0]} to {days[-1]}" if days else "no day is listed"
    found.decide(NAMES[0], len(days), f"{kept}; older files are gone, or nothing was sent", LOG_FILES_PATH)
    if days[:-1]:
        found.facts[NAMES[1]] = _of_one_file(files, days[-2])


def _of_one_file(files: LogFiles, day: dt.date) -> Fact:
    """Look at the times in the file of the last day that is over."""
    name = f"{PREFIX}.{day}.log"
    try:
        tables = list(files.rows(name, LogDecoder("errors")))
    except (ApiError, InvalidArgumentError) as problem:
        return Fact(UNDECIDED, (log_file_path(name),), str(problem)[:150])
    times = [moment for rows in tables for moment in rows["timestamp"].to_pylist()]
    return decide_log_day(times, day, log_file_path(name))


def decide_log_day(times: Sequence[dt.datetime], day: dt.date, path: str) -> Fact:
    """Say whether a day's file holds the day of the rows' own clock: times of another day exclude it.

    Examples
    --------
    >>> day = dt.date(2026, 3, 2)
    >>> decide_log_day([dt.datetime(2026, 3, 2, 0, 30), dt.datetime(2026, 3, 2, 23, 10)], day, "").value
    'midnight of its rows'
    >>> decide_log_day([dt.datetime(2026, 3, 2, 9), dt.datetime(2026, 3, 3, 0, 30)], day, "").value
    'another time'
    """
    other = sum(time.date() != day for time in times)
    if other:
        return Fact("another time", (path,), f"{other} of {len(times)} rows lie on another day")
    hours = {time.hour for time in times}
    if 0 in hours and 23 in hours:
        return Fact("midnight of its rows", (path,), f"{len(times)} rows, from the first to the last hour of the day")
    return Fact(UNDECIDED, (path,), f"{len(times)} rows, none of them near midnight on both sides")
