"""Copernica's daily log files -> typed frames: one call a file, however many rows it has."""

from __future__ import annotations

import datetime as dt
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, get_args

import msgspec
import pandas as pd
import pyarrow as pa

from impressions_analytics import __version__
from impressions_analytics.api.endpoints import LOG_FILES_PATH, log_file_path
from impressions_analytics.api.outcomes import UNREADABLE, message_in
from impressions_analytics.api.session import Transport
from impressions_analytics.api.settings import Copernica
from impressions_analytics.certificate import Certificate
from impressions_analytics.columns import Family
from impressions_analytics.errors import InvalidArgumentError, MalformedResponseError, RequestRefusedError
from impressions_analytics.loader.decode import NotJsonError
from impressions_analytics.loader.log_columns import LOG_PREFIXES, LogKind
from impressions_analytics.loader.log_decode import LogDecoder, log_frame, records_in
from impressions_analytics.loader.selection import given_api, given_family

MEMORY_BYTES = 16_000_000  # a larger file waits on the disk, in a file without a name
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

Day = str | dt.date


def log_days(api: Copernica | None = None) -> list[dt.date]:
    """List the days of which Copernica keeps log files, oldest first: one call.

    Parameters
    ----------
    api : Copernica, optional
        How to reach the account; from the environment by default.

    Returns
    -------
    list of date
        How long files are kept is documented nowhere; this tells.

    Examples
    --------
    >>> from impressions_analytics.sandbox import Sandbox
    >>> with Sandbox(impressions=500, seed=1) as box:
    ...     days = log_days(Copernica(box.access_token, url=box.url))
    >>> days[0]
    datetime.date(2025, 9, 15)
    """
    with Transport(given_api(api)) as transport:
        return LogFiles(transport).days()


def load_log(
    kind: LogKind,
    *,
    day: Day,
    api: Copernica | None = None,
    family: Family = "ms",
    addresses: bool = False,
) -> pd.DataFrame:
    """Load what a daily log file of Copernica has of one kind: what happened, and to whom at which provider.

    Parameters
    ----------
    kind : {"impressions", "clicks", "deliveries", "errors", "abuses", "unsubscribes", "attempts", "retries"}
        What to load. Attempts are the tries to deliver, and the only ones that name their mailing.
    day : str or date
        Which day's file, such as ``"2026-11-22"``; `log_days` lists them.
    api : Copernica, optional
        How to reach the account; from the environment by default.
    family : {"ms", "publisher"}
        The product that sent the mail.
    addresses : bool
        Whether to keep the recipients' addresses, as the column ``email``, and complaints, as ``report``. Otherwise
        only the domain is kept, and texts of receiving servers lose what stands before an @.

    Returns
    -------
    pandas.DataFrame
        One row per record, by timestamp. Columns: ``message`` str (the ID that destinations have as ``message``),
        ``timestamp`` datetime64[us], those of the kind (``ip``, ``useragent`` out of the request's header; ``country``,
        ``country_name``, ``region``, ``city`` categories; ``link_id``; ``attempts`` Int64; ``errortype``, ``status``,
        ``errorcode``, ``description``; ``mailing``, ``database``, ``collection`` Int64), ``email_domain`` category,
        ``tags`` (a list of str), ``sender_domain`` category, ``profile``, ``subprofile``, ``template`` Int64; for
        Publisher also ``document`` and ``group``. A key that a file does not have is null, and 0 is no ID.
        ``attrs["load"]`` is a certificate; its verdict is ``"unproven"``, for a log file tells no total.

    Raises
    ------
    InvalidArgumentError
        An argument cannot be used, or no file of the day is kept.
    MalformedResponseError, RequestRefusedError, AccessDeniedError, ApiUnavailableError
        The API does not answer as documented, says no, or does not answer.

    Examples
    --------
    >>> from impressions_analytics.sandbox import Sandbox
    >>> with Sandbox(impressions=500, seed=1) as box:
    ...     log = load_log("impressions", day="2025-09-15", api=Copernica(box.access_token, url=box.url))
    >>> log.columns[:4].tolist(), log.attrs["load"]["files"]
    (['message', 'timestamp', 'ip', 'useragent'], ['cdm-impression.2025-09-15.log'])
    """
    decoder = LogDecoder(given_log_kind(kind), given_family(family), addresses=addresses)
    with Transport(api := given_api(api)) as transport:
        files = LogFiles(transport)
        names = files.names(given_day(day), kind, family)
        frame = log_frame(decoder, (rows for name in names for rows in files.rows(name, decoder)))
        frame.attrs["load"] = Certificate(
            kind=f"log of {kind}", family=family, version=api.version, day=str(given_day(day)), files=names,
            begin=f"{given_day(day)} 00:00:00", end=f"{given_day(day) + dt.timedelta(days=1)} 00:00:00",
            zone=api.timezone, rows=len(frame), requests=transport.requests, retries=transport.retries,
            verdict="unproven", loaded_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            package=f"impressions_analytics {__version__}",
        )  # fmt: skip
    return frame


@contextmanager
def opened_log_files(api: Copernica | None) -> Iterator[LogFiles]:
    """Give the log files of an account, for several questions in one conversation."""
    with Transport(given_api(api)) as transport:
        yield LogFiles(transport)


class LogFiles:
    """The log files of one account; the names of a day's files are asked once.

    Parameters
    ----------
    transport : Transport
        Asks the API.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._days: list[dt.date] | None = None
        self._names: dict[dt.date, list[str]] = {}

    @property
    def requests(self) -> int:
        """How many calls were made."""
        return self._transport.requests

    def days(self) -> list[dt.date]:
        """Return the days of which files are kept, oldest first."""
        if self._days is None:
            listed = self._listed("")
            if unfit := [text for text in listed if not _DAY.fullmatch(text)]:
                raise MalformedResponseError(f"{LOG_FILES_PATH}: {unfit[0][:40]!r} is no day as YYYY-MM-DD")
            self._days = sorted(dt.date.fromisoformat(text) for text in listed)
        return self._days

    def names(self, day: dt.date, kind: LogKind, family: Family) -> list[str]:
        """Return the names of a day's files of a kind; none when nothing of the kind happened on a day that is kept.

        Raises
        ------
        InvalidArgumentError
            No file of the day is kept.
        """
        if day not in self._names:
            self._names[day] = self._of_day(day)
            if not self._names[day] and day not in self.days():
                kept = f"from {self.days()[0]} to {self.days()[-1]}" if self.days() else "of no day"
                raise InvalidArgumentError(
                    f"day={str(day)!r}: Copernica keeps no log file of it; it keeps files {kept} (ia.log_days lists "
                    "them)"
                )
        prefixes = LOG_PREFIXES[family][kind]
        return sorted(name for name in self._names[day] if _begins_with(name, prefixes))

    def _of_day(self, day: dt.date) -> list[str]:
        """Ask for the names of a day's files: a service that ignores the day must not pass for one without files."""
        names = self._listed(str(day))
        if any(_DAY.fullmatch(name) for name in names):
            raise MalformedResponseError(f"{LOG_FILES_PATH}: asked for the names of the files of {day}, got days")
        return [name for name in names if (told := _DAY.search(name)) is None or told[0] == str(day)]

    def rows(self, name: str, decoder: LogDecoder) -> Iterator[pa.Table]:
        """Give the typed rows of a file, some megabytes at a time: the file waits on the disk when it is large."""
        with tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES) as file:
            self._fetch(name, file)
            first = 0
            for records in records_in(file, name):
                yield decoder.decode(records, name, first=first)
                first += len(records)

    def _fetch(self, name: str, file: IO[bytes]) -> None:
        """Bring a whole file; one that was cut is asked for again, within the patience."""
        again = 0
        while True:
            self._transport.get(log_file_path(name), again=again, into=file)
            try:
                next(records_in(file, name))
            except NotJsonError:
                again += 1
                if not self._transport.has_patience(again):
                    raise
                continue
            return

    def _listed(self, day: str) -> list[str]:
        parameters = [("date", day)] if day else []
        body = self._transport.get(LOG_FILES_PATH, parameters)
        try:
            return msgspec.json.decode(body, type=list[str])
        except UNREADABLE:
            pass
        if message_in(body) != "no message":
            raise RequestRefusedError(f"{LOG_FILES_PATH}: the API answered with an error: {message_in(body)}")
        raise MalformedResponseError(f"{LOG_FILES_PATH}: expected a list of texts, got {len(body)} bytes of other JSON")


def _begins_with(name: str, prefixes: tuple[str, ...]) -> bool:
    """Say whether a file is of a kind: ``cdm-click.2016-11-04.log``, and not ``cdm-clicks-old``."""
    return any(re.match(rf"{re.escape(prefix)}(?![\w-]*[a-z])", name) for prefix in prefixes)


def given_log_kind(kind: LogKind) -> LogKind:
    """Return the kind, or say which ones there are."""
    if kind not in get_args(LogKind):
        raise InvalidArgumentError(f"kind={kind!r} is no kind of log; use one of {', '.join(get_args(LogKind))}")
    return kind


def given_day(day: Day) -> dt.date:
    """Return a day as a date.

    Examples
    --------
    >>> given_day("2026-11-31")
    Traceback (most recent call last):
    impressions_analytics.errors.InvalidArgumentError: day='2026-11-31' is no day; give one such as '2026-11-22'
    """
    if isinstance(day, dt.datetime):
        day = day.date()
    if isinstance(day, dt.date):
        return day
    try:
        return dt.date.fromisoformat(day)
    except (ValueError, TypeError):
        raise InvalidArgumentError(f"day={day!r} is no day; give one such as '2026-11-22'") from None
