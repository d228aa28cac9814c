"""The class `Archive`: what a user types."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Literal, cast

from impressions_analytics.api.windows import read_period
from impressions_analytics.archive.context import ArchiveContext
from impressions_analytics.archive.partitions import described
from impressions_analytics.archive.store import open_store
from impressions_analytics.archive.suppression import outside_key
from impressions_analytics.columns import KINDS, Family, Kind
from impressions_analytics.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas as pd

    from impressions_analytics.archive.results import (
        ErasureReceipt,
        Export,
        Retention,
        SyncSummary,
        Verification,
    )
    from impressions_analytics.archive.sync import OnProgress
    from impressions_analytics.certificate import Certificate
    from impressions_analytics.loader.log_columns import LogKind

Moment = str | dt.date | dt.datetime | None


class Archive:
    """A folder, or a place in an object store, of Parquet files by kind and month.

    What has been loaded is read from the files themselves: there is no list beside them that can disagree.

    Parameters
    ----------
    path : path
        The folder, which need not exist yet, or an address such as ``s3://bucket/mail``.
    family : {"ms", "publisher"}, optional
        The product that sent the mail; an archive holds one, because the IDs of two may be the same. By default what
        the archive's files say, and "ms" for a new one.
    timezone : str, optional
        The zone of the account's wall clock. By default what the archive's files say, for a new one that of the account
        that is synced, or else Europe/Amsterdam.
    filesystem : pyarrow or fsspec filesystem, optional
        Reads the path instead of what its address says. Then writers of other machines are not kept out.
    erasure_key : bytes, optional
        Keys the hashes of erased persons. By default what the environment gives as IMPRESSIONS_ERASURE_KEY, or in the
        file that IMPRESSIONS_ERASURE_KEY_FILE names, or else a random key that is kept in the archive. Whoever has the
        key and the hashes can try numbers, and so find out who was erased.
    clock : callable, optional
        Gives the present moment with its zone.

    Examples
    --------
    >>> import tempfile
    >>> from impressions_analytics.sandbox import Sandbox
    >>> from impressions_analytics.api.settings import Copernica
    >>> archive = Archive(tempfile.mkdtemp())
    >>> with Sandbox(impressions=500, seed=1) as box:
    ...     summary = archive.sync(Copernica(box.access_token, url=box.url))
    >>> summary.verdict, len(archive.read("impressions")), archive.verify().ok
    ('complete', 500, True)
    >>> archive.erase(destination=1).to_json()["by"]
    'destination'
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        family: Family | None = None,
        timezone: str | None = None,
        filesystem: Any = None,
        erasure_key: bytes | None = None,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._context = ArchiveContext(
            open_store(path, filesystem), family, timezone, clock=clock,
            erasure_key=outside_key(os.environ) if erasure_key is None else erasure_key,
        )  # fmt: skip

    @property
    def family(self) -> Family:
        """The product family whose mail the archive holds."""
        return self._context.family

    @property
    def timezone(self) -> str:
        """The zone of the wall clock in the archive's timestamps."""
        return self._context.timezone

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of rows that were synced."""
        return self._context.kinds()

    def sync(
        self,
        api: Any = None,
        *,
        kinds: Iterable[Kind] | Kind = ("impressions",),
        begin: Moment = None,
        end: Moment = None,
        emailings: Iterable[int] | None = None,
        look_back_days: float = 3,
        keep_days: int | None = None,
        logs: bool = False,
        progress: OnProgress | None = None,
    ) -> SyncSummary:
        """Bring the archive up to now: ask what is missing, and again what may have had late rows.

        What comes is safe on the disk piece by piece, so that a crash at any moment costs little; the next sync goes
        on where it was. A row that the archive has is kept even when the API no longer gives it.

        Parameters
        ----------
        api : Copernica, optional
            How to reach the account; from the environment by default.
        kinds : iterable of str
            What to bring: events, ``"destinations"``, ``"emailings"``.
        begin, end : str, date or datetime, optional
            ``begin <= timestamp < end`` in the account's wall clock; by default from where the archive begins, or else
            the account's first emailing that has a date, until now. The first sync decides: a kind that is added later
            begins where the others do, so that rates cover the same mail.
        emailings : iterable of int, optional
            Only these emailings; the whole account if left out.
        look_back_days : float
            How long rows may still arrive after they happened: what was asked sooner than that is asked again.
        keep_days : int, optional
            Remove rows that are older than so many whole days, as `retain` does, and do not ask for them.
        logs : bool
            Also keep Copernica's daily log files of the events in `kinds`, as far as it still has them: two calls a
            day and kind at most. `read_log` reads them.
        progress : callable, optional
            Called when rows are safe, with the kind, until when it is loaded, and the rows taken so far.

        Returns
        -------
        SyncSummary
            New rows, repeats, rewritten months, calls and the verdict, for each kind. A kind that the account's
            version does not know is in ``refused``, and the others are synced all the same.

        Raises
        ------
        ArchiveBusyError
            Another process is writing to the archive.
        ArchiveError
            A file is damaged, foreign, newer, or of another family or zone, or the disk refuses; nothing was lost.
        ApiError
            The API failed; what came before is kept.
        """
        from impressions_analytics.archive.log_sync import check_logs_are_wanted_whole
        from impressions_analytics.archive.sync import archive_begin, make_sync_request
        from impressions_analytics.archive.whole_sync import sync_archive

        self._context.source(api)  # a wrong zone is told before anything else
        wanted = _kinds(kinds)
        added = begin is None and not set(wanted) <= set(self.kinds)
        request = make_sync_request(
            begin, end, now=self._context.now(), emailings=emailings, look_back_days=look_back_days,
            keep_from=None if keep_days is None else self._keep_from(keep_days),
            archive_begin=archive_begin(self._context.all_partitions()) if added else None,
        )  # fmt: skip
        if logs:
            check_logs_are_wanted_whole(emailings)
        for kind in wanted:
            self._context.partitions(kind)
        return sync_archive(self._context, api, wanted, request, logs=logs, progress=progress)

    def read(
        self,
        kind: Kind = "impressions",
        *,
        begin: Moment = None,
        end: Moment = None,
        columns: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Read rows as a typed frame.

        Parameters
        ----------
        kind : str
            What to read.
        begin, end : str, date or datetime, optional
            ``begin <= timestamp < end`` in the account's wall clock; by default all there is.
        columns : sequence of str, optional
            Only these columns, in this order.

        Returns
        -------
        pandas.DataFrame
            The rows by timestamp and ID. ``attrs["load"]`` is a certificate: its verdict is ``"complete"`` only when
            the whole period was loaded for the whole account, and its ``gaps`` name what was not; of a kind that was
            never synced there are no rows, and the verdict is ``"unproven"``.

        Raises
        ------
        ArchiveError
            There is no archive at the path, or a file of it is damaged or foreign.
        """
        from impressions_analytics.archive.reading import read_frame

        first, last = read_period(begin, end)
        return read_frame(self._context.existing(kind), first, last, columns)

    def certificate(self, kind: Kind = "impressions") -> Certificate:
        """Return the certificate of all rows of a kind, as `read` gives it, without reading a row.

        ``covered`` lists the periods that were loaded for the whole account, ``covered_emailings`` those of single
        emailings.

        Raises
        ------
        ArchiveError
            There is no archive at the path, or a file of it is damaged or foreign.
        """
        from impressions_analytics.archive.reading import read_certificate

        return read_certificate(self._context.existing(kind))

    def read_log(self, kind: LogKind = "impressions", *, begin: Moment = None, end: Moment = None) -> pd.DataFrame:
        """Read what the daily log files of a kind had, as `load_log` gives it, for as many days as are kept.

        Parameters
        ----------
        kind : str
            What to read.
        begin, end : str, date or datetime, optional
            ``begin <= timestamp < end`` in the account's wall clock; by default all there is.

        Returns
        -------
        pandas.DataFrame
            The rows by timestamp. ``attrs["load"]`` names the days that are kept, as ``days``.
        """
        from impressions_analytics.archive.log_sync import read_log

        first, last = read_period(begin, end)
        return read_log(self._context.existing("impressions"), kind, first, last)

    def scan(self, kind: Kind = "impressions") -> Any:
        """Return all rows of a kind as a lazy Ibis table on DuckDB, for data that is larger than memory.

        Every analysis takes the archive itself, or this table or a selection of it.

        Raises
        ------
        ArchiveError
            There is no archive at the path, or the kind was never synced, so that nothing can be said of its number.
        """
        from impressions_analytics.archive.reading import scan_table

        return scan_table(self._context.existing(kind), self._context.connection)

    def verify(self, api: Any = None, *, logs: bool = False) -> Verification:
        """Read everything and hold it against what the files say of themselves, and against the API if one is given.

        Parameters
        ----------
        api : Copernica, optional
            Also ask the account for its totals, month by month. Rows of erased persons are not missed.
        logs : bool
            Also hold the events of every whole day against the number of the day's log file, which no paging can
            fool: the file that is kept, or else, when an account is given, the one that Copernica keeps.

        Returns
        -------
        Verification
            What is wrong and what was never loaded; nothing is changed.
        """
        from impressions_analytics.archive.checks import verify_archive

        total = None if api is None else self._context.total(api)
        found = verify_archive(
            self._context.all_partitions(), total, lost_list=self._context.lost_list(), erased=self._context.erased()
        )
        return self._verify_logs(found, api) if logs else found

    def _verify_logs(self, found: Verification, api: Any) -> Verification:
        from impressions_analytics.archive.log_sync import log_kinds, with_logs

        kinds = [self._context.partitions(cast("Kind", kind)) for kind in log_kinds(self.kinds)]
        with self._context.log_source(api) if api is not None else contextlib.nullcontext() as source:
            return with_logs(found, kinds, source, self._context.suppression())

    def export(
        self,
        path: str | os.PathLike[str],
        *,
        format: Literal["parquet", "csv", "duckdb", "excel"] = "parquet",
        kinds: Iterable[Kind] | Kind | None = None,
        partitioned: bool = False,
        utc: bool = False,
        pseudonym_key: bytes | None = None,
    ) -> Export:
        """Write a star of tables for tools that make reports, and only what changed since the last export there.

        The facts are one table per kind. Around them are the dimensions: ``mailings`` with their rates,
        ``calendar``, ``user_agents`` with what they are, ``recipients``, and where log files are kept ``providers``
        and ``countries``. Columns have the same name on both sides of a relation; a column that ends in ``_on`` is a
        day of the calendar, in the wall clock of the account. What each column means and refers to stands in the
        Parquet files, in ``datapackage.json`` beside them, and in the comments of DuckDB.

        Parameters
        ----------
        path : path
            A folder for Parquet and CSV, a file for DuckDB and Excel; what is there under the same names is replaced.
        format : {"parquet", "csv", "duckdb", "excel"}
            DuckDB makes one database file with the tables and ready views; what is there gets the months that changed,
            unless another program has it open, or somebody was erased or a month removed since: it is made anew then.
        kinds : iterable of str, optional
            Which facts; all that the archive has.
        partitioned : bool
            Of Parquet, make each month of a fact a file of its own, so that a month that did not change is not written.
        utc : bool
            Write moments in UTC in place of the wall clock. Of the hour that comes twice in autumn the first is taken.
            In DuckDB they have no zone, so that they look the same in every session.
        pseudonym_key : bytes, optional
            A key. Profiles, subprofiles and destinations become keyed numbers, the same in every table and under the
            same key; addresses are shortened to /24 and /48; free texts that may name a person are left out. The key
            is written nowhere: see `impressions_analytics.archive.privacy.read_key`.

        Returns
        -------
        Export
            The files, and the rows of each table.

        Raises
        ------
        ArchiveError
            There is nothing to export, the place refuses, or somebody was erased meanwhile: then nothing is left of it.
        """
        from impressions_analytics.archive.export import ExportRequest, export_archive
        from impressions_analytics.archive.star_figures import StarFigures

        erased = self._context.count_erased()  # before anything else: see export_archive
        return export_archive(
            [self._context.partitions(kind) for kind in _kinds(kinds or KINDS)], path, store=self._context.store,
            request=ExportRequest(format, partitioned, utc, pseudonym_key),
            figures=lambda found: StarFigures(self, found), erased=erased, erased_now=self._context.count_erased,
        )  # fmt: skip

    def erase(
        self,
        *,
        profile: int | None = None,
        subprofile: int | None = None,
        destination: int | None = None,
        again: bool = False,
        dry_run: bool = False,
    ) -> ErasureReceipt:
        """Erase a person: every row of a profile, a subprofile or a destination, now and in later syncs.

        The rows of all messages to the profile or subprofile go, also where a row does not name it. Exports kept inside
        the archive are removed: make them again; exports and snapshots elsewhere are yours to find. What is kept is
        keyed hashes, so that later syncs leave the rows out. They are written first: when the erasure is cut short,
        reading leaves the rows out at once, and the next sync, erasure or retention removes them.

        Parameters
        ----------
        profile, subprofile, destination : int
            One of them: a whole number from 0 to 2**63 - 1.
        again : bool
            Name nobody, and remove whoever was erased before: for when a month was restored from an older copy, which
            `verify` finds.
        dry_run : bool
            Only tell what would go; nothing is changed.

        Returns
        -------
        ErasureReceipt
            What was done, without naming the person; also when there was no row to remove.

        Raises
        ------
        InvalidArgumentError
            No person is named, more than one is, or the number is no identifier; nothing was changed.
        ArchiveError
            There is no archive at the path; nothing was made there.
        """
        from impressions_analytics.archive.erasure import erase_person, one_person, preview_erasure

        if again:
            return self._erase_again(profile, subprofile, destination)
        by, number = one_person(profile=profile, subprofile=subprofile, destination=destination)
        self._context.must_exist()
        now = self._context.clock()
        if dry_run:
            return preview_erasure(self._context.all_partitions(), by, number, now=now)
        with self._context.writing() as suppression:
            return erase_person(self._context.all_partitions(), suppression, by, number, now=now)

    def _erase_again(self, *persons: int | None) -> ErasureReceipt:
        from impressions_analytics.archive.erasure import erase_again

        if any(person is not None for person in persons):
            raise InvalidArgumentError("again=True removes everybody who was erased before; name no person with it")
        self._context.must_exist()
        with self._context.writing() as suppression:
            return erase_again(self._context.all_partitions(), suppression, now=self._context.clock())

    def retain(self, days: int) -> Retention:
        """Remove every row that is older than so many whole days; the list of emailings stays."""
        begin = self._keep_from(days)
        self._context.must_exist()
        with self._context.writing():
            return self._context.retain(begin)

    def _keep_from(self, days: int) -> dt.datetime:
        if days < 1:
            raise InvalidArgumentError(f"days={days!r} must be 1 or more")
        return self._context.now().replace(hour=0, minute=0, second=0) - dt.timedelta(days=days)

    def __repr__(self) -> str:
        what = "; ".join(described(self._context.all_partitions())) or "empty"
        return f"Archive({self._context.store.name!r}, family={self.family!r}: {what})"

    def _repr_html_(self) -> str:
        rows = (
            "".join(f"<li>{escape(text)}</li>" for text in described(self._context.all_partitions()))
            or "<li>empty</li>"
        )
        return f"<b>{escape(self._context.store.name)}</b> ({self.family}, {escape(self.timezone)})<ul>{rows}</ul>"


def _kinds(kinds: Iterable[Kind] | Kind) -> list[Kind]:
    return [kinds] if isinstance(kinds, str) else list(dict.fromkeys(kinds))
