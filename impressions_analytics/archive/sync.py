"""Bring an archive up to now: what to ask, in which order, and what was done."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from impressions_analytics.api.windows import read_period
from impressions_analytics.archive.intake import Intake, total
from impressions_analytics.archive.partitions import KindPartitions
from impressions_analytics.archive.periods import (
    CLOCKS_DIFFER,
    Period,
    Stretch,
    believed,
    covered,
    join,
    outer_stretch,
    to_ask,
)
from impressions_analytics.archive.results import KindSync
from impressions_analytics.archive.row_source import RowSource
from impressions_analytics.archive.suppression import Suppression
from impressions_analytics.columns import Kind
from impressions_analytics.errors import ApiError, InvalidArgumentError

Moment = str | dt.date | dt.datetime | None
OnProgress = Callable[[Kind, datetime, int], None]
"""Called when rows are safe: the kind, until when it is loaded, and the rows taken so far."""


@dataclass(frozen=True)
class SyncRequest:
    """What a sync should bring.

    Attributes
    ----------
    begin : datetime or None
        From when; None for where the archive begins, or else the account's first emailing.
    end : datetime
        Until when, not included.
    now : datetime
        The wall clock of the account.
    look_back : timedelta
        How long rows may still arrive after they happened.
    emailings : sequence of int or None
        Only these emailings; None for the whole account.
    keep_from : datetime or None
        Rows from before this moment are not wanted; the list of emailings is wanted whole.
    archive_begin : datetime or None
        Where the kinds begin that the archive has: a kind that is added begins there too.
    """

    begin: datetime | None
    end: datetime
    now: datetime
    look_back: timedelta
    emailings: Sequence[int] | None = None
    keep_from: datetime | None = None
    archive_begin: datetime | None = None

    def oldest(self, kind: Kind) -> datetime | None:
        """Return the moment from which rows of a kind may be asked for."""
        return None if kind == "emailings" else self.keep_from


LEAST_LOOK_BACK = CLOCKS_DIFFER
"""So much is always asked again."""


def make_sync_request(
    begin: Moment,
    end: Moment,
    *,
    now: datetime,
    emailings: Iterable[int] | None,
    look_back_days: float,
    keep_from: datetime | None = None,
    archive_begin: datetime | None = None,
) -> SyncRequest:
    """Return what a user asked for, checked; what has not happened yet cannot be asked."""
    if not look_back_days >= 0:
        raise InvalidArgumentError(f"look_back_days={look_back_days!r} must be 0 or more")
    first, last = read_period(begin, end)
    look_back = max(timedelta(days=look_back_days), LEAST_LOOK_BACK)
    only = None if emailings is None else [int(one) for one in emailings]
    return SyncRequest(first, min(last or now, now), now, look_back, only, keep_from, archive_begin)


def sync_kind(
    partitions: KindPartitions,
    suppression: Suppression,
    source: RowSource,
    request: SyncRequest,
    *,
    progress: OnProgress | None = None,
) -> KindSync:
    """Ask what is missing of one kind, and take it in.

    Pieces that an earlier run left are merged first, so that nothing is fetched twice. When the API fails, what came
    before is merged and kept, and the error goes on.
    """
    kind = partitions.kind
    intake = Intake(partitions, suppress=functools.partial(suppression.filter, kind))
    intake.merge()
    asked: list[Stretch] = []
    rows = 0
    try:
        for emailing, stretch in _asks(intake, source, request):
            asked.append(stretch)
            for frame in source.rows(kind, emailing=emailing, begin=stretch[0], end=stretch[1]):
                _, until = intake.take(frame, emailing=emailing, loaded_at=request.now)
                rows += len(frame)
                if progress is not None:
                    progress(kind, until, rows)
    except ApiError:
        intake.merge()
        raise
    intake.merge()
    return _summary(intake, join(asked))


def _asks(intake: Intake, source: RowSource, request: SyncRequest) -> Iterator[tuple[int | None, Stretch]]:
    """Give what to ask, emailing by emailing; the emailings themselves are always asked for the whole account."""
    known = (period for month in intake.partitions.footers() for period in month.periods)
    periods = believed(known, request.now)
    scopes: Sequence[int | None] = [None]
    if request.emailings is not None and intake.partitions.kind != "emailings":
        scopes = request.emailings
    for emailing in scopes:
        begin = request.begin or _beginning(intake, source, request, periods, emailing)
        if begin is not None:
            begin = max(begin, request.oldest(intake.partitions.kind) or begin)
        if begin is not None and begin < request.end:
            for stretch in to_ask((begin, request.end), periods, look_back=request.look_back, emailing=emailing):
                yield emailing, stretch


def _beginning(
    intake: Intake, source: RowSource, request: SyncRequest, periods: Sequence[Period], emailing: int | None
) -> datetime | None:
    """Return from when to ask: where the kind begins, also when the month has gone.

    A kind that is new begins where the other kinds do, so that they cover the same mail, or else at the first emailing.
    """
    known = covered(periods, emailing)
    if not known:
        begin = request.archive_begin if emailing is None else None
        return begin or source.first_moment(emailing, end=request.end)
    recorded = intake.partitions.recorded if emailing is None else None
    return min(known[0][0], recorded[0]) if recorded else known[0][0]


def archive_begin(all_partitions: Iterable[KindPartitions]) -> datetime | None:
    """Return the first moment that any kind of an archive was loaded from for the whole account; None for a new one."""
    begins = []
    for partitions in all_partitions:
        known = believed((period for month in partitions.footers() for period in month.periods), partitions.now)
        begins += [begin for begin, _ in covered(period for period in known if period.emailing is None)[:1]]
    return min(begins, default=None)


def _summary(intake: Intake, asked: Sequence[Stretch]) -> KindSync:
    partitions = intake.partitions.footers()
    known = outer_stretch(period for month in partitions for period in month.periods)
    return KindSync(
        kind=intake.partitions.kind,
        begin=str(known[0]) if known else None,
        end=str(known[1]) if known else None,
        asked=[(str(begin), str(end)) for begin, end in asked],
        new_rows=total(intake.merged, "new"),
        repeated_rows=total(intake.merged, "repeats"),
        moved_rows=total(intake.merged, "moved"),
        unlinked_rows=total(intake.merged, "unlinked"),
        suppressed_rows=intake.suppressed,
        rows=sum(month.rows for month in partitions),
        partitions=sorted({place for merged in intake.merged for place in (merged.relative, *merged.others)}),
        requests=intake.requests,
        verdict="complete" if intake.verdicts <= {"complete"} else "unproven",
    )
