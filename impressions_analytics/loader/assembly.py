"""Loaded windows become typed frames, each with its certificate."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import pandas as pd

from impressions_analytics import __version__
from impressions_analytics.api.editors import lists_of
from impressions_analytics.api.endpoints import Endpoint
from impressions_analytics.api.facts import contradicted
from impressions_analytics.api.session import Transport
from impressions_analytics.api.settings import Copernica
from impressions_analytics.api.windows import EARLIEST, LATEST, Window
from impressions_analytics.certificate import Certificate, fingerprint
from impressions_analytics.columns import Family, Kind, time_column
from impressions_analytics.errors import IncompleteLoadError, RequestRefusedError
from impressions_analytics.loader.decode import Decoder, build_frame
from impressions_analytics.loader.profile_lookup import ProfileLookup
from impressions_analytics.loader.progress import Progress
from impressions_analytics.loader.slicing import Slicer
from impressions_analytics.loader.window_load import ListLoad, WindowLoad

_OVER_A_MONTH = dt.timedelta(days=32)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller asked for: rows of one kind, from one list or several, in a period."""

    kind: Kind
    family: Family
    endpoints: tuple[Endpoint, ...]
    begin: dt.datetime | None = None
    end: dt.datetime | None = None
    profiles: bool = True
    """Whether to look profiles up where rows come without them."""

    def list_loads(self) -> list[ListLoad]:
        """Return the lists to load."""
        window = Window(self.begin or EARLIEST, self.end or LATEST)
        bounded = self.begin is not None or self.end is not None
        return [ListLoad(endpoint, window, bounded) for endpoint in self.endpoints]


def wall_clock(api: Copernica) -> dt.datetime:
    """Return the present second of the account's wall clock."""
    return dt.datetime.now(ZoneInfo(api.timezone)).replace(tzinfo=None, microsecond=0)


def frames(
    api: Copernica, wanted: Wanted, *, rows_per_frame: float = float("inf"), show_progress: bool | None = None
) -> Iterator[pd.DataFrame]:
    """Give typed frames of about `rows_per_frame` rows. Each frame is complete for its own period.

    At least one frame is given, however few rows there are, and none holds rows of two lists unless one frame is to
    hold everything. Every frame carries its certificate in ``attrs["load"]``.
    """
    spelled = as_answered(api, wanted)
    given = 0
    try:
        for frame in _parts(api, spelled, wanted, rows_per_frame, show_progress):
            given += 1
            yield frame
    except RequestRefusedError:
        again = as_answered(api, wanted)
        if given or again == spelled:
            raise
        yield from _parts(api, again, wanted, rows_per_frame, show_progress)


def as_answered(api: Copernica, wanted: Wanted) -> Wanted:
    """Return what is wanted from the lists that the account answers, as far as that is learnt."""
    endpoints = [
        replace(endpoint, path=path) for endpoint in wanted.endpoints for path in lists_of(endpoint.path, api.learnt)
    ]
    return replace(wanted, endpoints=tuple(endpoints))


def _parts(
    api: Copernica, spelled: Wanted, wanted: Wanted, rows_per_frame: float, show_progress: bool | None
) -> Iterator[pd.DataFrame]:
    """Give the frames; where one list is in several places, a frame for each month holds the rows of all of them."""
    if spelled == wanted or rows_per_frame == float("inf") or spelled.begin is None or spelled.end is None:
        whole = rows_per_frame if spelled == wanted else float("inf")
        yield from _frames(api, spelled, rows_per_frame=whole, show_progress=show_progress)
        return
    begin = spelled.begin
    while begin < spelled.end:
        end = min(spelled.end, (begin.replace(day=1, hour=0, minute=0, second=0) + _OVER_A_MONTH).replace(day=1))
        month = replace(spelled, begin=begin, end=end)
        yield from _frames(api, month, rows_per_frame=float("inf"), show_progress=show_progress)
        begin = end


def _frames(
    api: Copernica, wanted: Wanted, *, rows_per_frame: float, show_progress: bool | None
) -> Iterator[pd.DataFrame]:
    now = wall_clock(api)
    list_loads = wanted.list_loads()
    with Transport(api) as transport, Progress(show_progress, wanted.kind) as progress:
        decoder = Decoder(wanted.kind, wanted.family, may_lack=_may_lack(wanted))
        slicer = Slicer(transport, decoder, api.connections, now, progress)
        profile_lookup = ProfileLookup(transport, wanted.family, api.connections, now)
        group: list[WindowLoad] = []
        given, spent = 0, (0, 0)
        for window_load in slicer.settled(list_loads):
            another_list = (
                bool(group) and group[-1].list_load is not window_load.list_load and rows_per_frame < float("inf")
            )
            if another_list or sum(len(one.rows) for one in group) >= rows_per_frame:
                frame = _frame(api, wanted, slicer, profile_lookup, group)
                spent = _account_for(frame, transport, spent, list_loads)
                group, given = [], given + 1
                yield frame
            group.append(window_load)
        if group or not given:
            frame = _frame(api, wanted, slicer, profile_lookup, group)
            _account_for(frame, transport, spent, list_loads)
            _hold_against_facts(api, wanted, list_loads)
            yield frame


def _hold_against_facts(api: Copernica, wanted: Wanted, list_loads: list[ListLoad]) -> None:
    """Drop the kept style of period where a list did not obey it."""
    style = api.learnt.get("period_style")
    for endpoint, list_load in zip(wanted.endpoints, list_loads, strict=True):
        if style and endpoint.period_style == style != list_load.endpoint.period_style:
            contradicted(api.learnt, "period_style", f"{endpoint.path} does not keep to a period asked by {style}")
            del api.learnt["period_style"]
            return


def _frame(
    api: Copernica, wanted: Wanted, slicer: Slicer, profile_lookup: ProfileLookup, group: list[WindowLoad]
) -> pd.DataFrame:
    frame = build_frame(slicer.decoder, [window_load.rows for window_load in group])
    if not frame["ID"].is_unique:
        frame = _each_once(frame, group)
    matches = None
    if (
        wanted.profiles
        and "destination" in frame.columns
        and any("profile" in window_load.absent for window_load in group)
    ):
        frame, matches = profile_lookup.fill(frame)
    frame.attrs["load"] = make_certificate(api, wanted, frame, group, slicer.now)
    frame.attrs["load"].update(profiles=matches, emailings_gone=sorted(profile_lookup.gone))
    return frame


def _each_once(frame: pd.DataFrame, group: list[WindowLoad]) -> pd.DataFrame:
    """Drop rows that several lists share. A repeat within one list means that a row changed during the load."""
    if len({window_load.endpoint.path for window_load in group}) > 1:
        once = frame.drop_duplicates("ID", ignore_index=True)
        told = [name for name in ("ID", "mailing", "destination") if name in frame]
        if len(frame.drop_duplicates(told)) > len(once):
            raise IncompleteLoadError(
                f"{group[0].endpoint.path}: two lists give different rows under one ID, so that rows cannot be told "
                "apart; load each emailing by itself"
            )
        return once
    repeated = frame.loc[frame["ID"].duplicated(), "ID"].iloc[0]
    raise IncompleteLoadError(
        f"{group[0].endpoint.path}: ID {repeated} came with two different times; rows were changed while they were "
        "read, and others may have been missed. Try again"
    )


def make_certificate(
    api: Copernica, wanted: Wanted, frame: pd.DataFrame, group: list[WindowLoad], now: dt.datetime
) -> Certificate:
    """Return the certificate of the rows of some loaded windows."""
    window = Window(
        min((window_load.window.begin for window_load in group), default=wanted.begin or EARLIEST),
        max((window_load.window.end for window_load in group), default=wanted.end or LATEST),
    )
    end = min(window.end, max(now, window.begin))
    totals = [[getattr(window_load, name) for window_load in group] for name in ("total_before", "total_after")]
    before, after = (None if None in total else sum(total) for total in totals)
    return Certificate(
        kind=wanted.kind,
        family=wanted.family,
        version=api.version,
        endpoints=list(dict.fromkeys(window_load.endpoint.path for window_load in group)),
        editors=list(api.learnt.get("editors", ())),
        begin=str(window.begin) if window.begins else None,
        end=str(end),
        open_end=not window.ends,
        rows_after_end=int((frame[time_column(wanted.kind)] >= end).sum()),
        zone=api.timezone,
        windows=len(group),
        rows=len(frame),
        ids=fingerprint(frame["ID"].to_numpy()),
        repeats_dropped=sum(window_load.repeats + len(window_load.rows) for window_load in group) - len(frame),
        edge_rows_dropped=sum(window_load.rows_before + window_load.rows_after for window_load in group),
        total_before=before,
        total_after=after,
        verdict="unproven" if after is None else "complete",
        loaded_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        package=f"impressions_analytics {__version__}",
    )


def _account_for(
    frame: pd.DataFrame, transport: Transport, spent: tuple[int, int], list_loads: list[ListLoad]
) -> tuple[int, int]:
    """Write into a certificate how many requests this frame took."""
    certificate = frame.attrs["load"]
    certificate["requests"] = transport.requests - spent[0]
    certificate["retries"] = transport.retries - spent[1]
    certificate["period_ignored"] = any(list_load.period_ignored for list_load in list_loads)
    return transport.requests, transport.retries


def _may_lack(wanted: Wanted) -> frozenset[str]:
    return frozenset().union(*(endpoint.may_lack for endpoint in wanted.endpoints))
