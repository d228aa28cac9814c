"""From the API to a typed frame of events: the functions that users call."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from impressions_analytics.api.settings import Copernica
from impressions_analytics.columns import Family, Kind
from impressions_analytics.errors import InvalidArgumentError
from impressions_analytics.loader.assembly import frames
from impressions_analytics.loader.selection import Identifiers, Moment, given_api, want_events


def load_impressions(
    api: Copernica | None = None,
    *,
    destination: Identifiers = None,
    emailing: Identifiers = None,
    begin: Moment = None,
    end: Moment = None,
    family: Family = "ms",
    profiles: bool = True,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Load impressions: every row that the API has, once, or an error.

    Parameters
    ----------
    api : Copernica, optional
        How to reach the account; from the environment by default.
    destination, emailing : int, str or several of them, optional
        Whose impressions; those of the whole account when neither is given. A destination may also be the hashed
        ID of a message.
    begin, end : str, date or datetime, optional
        The period, ``begin <= timestamp < end``, in the account's wall clock.
    family : {"ms", "publisher"}
        The product that sent the mail.
    profiles : bool
        Whether to look profile and subprofile up where rows come without them (the whole account in versions 3 and
        4): that takes a call per 1,000 destinations of every emailing that the rows belong to.
    progress : bool, optional
        Whether to show a progress bar; by default in a terminal or notebook.

    Returns
    -------
    pandas.DataFrame
        One row per impression, ordered by timestamp and ID. Columns: `ID` int64, `mailing` int64, `timestamp`
        datetime64[us] (wall clock, no zone), `ip` str, `useragent` category, `device` category, `destination`
        int64, `profile` Int64, `subprofile` Int64; for Publisher also `referer` str. No impressions make an empty
        frame with the same columns. ``attrs["load"]`` is the certificate of the load.

    Raises
    ------
    InvalidArgumentError
        When an argument cannot be used.
    IncompleteLoadError
        When the rows cannot be proven to be all of them.
    MalformedResponseError, RequestRefusedError, AccessDeniedError, ApiUnavailableError
        When the API does not answer as documented, says no, or does not answer.

    Examples
    --------
    >>> from impressions_analytics.sandbox import Sandbox
    >>> with Sandbox(impressions=500, seed=1) as box:
    ...     opens = load_impressions(Copernica(box.access_token, url=box.url))
    >>> len(opens), opens.attrs["load"]["verdict"]
    (500, 'complete')
    """
    return load_events(
        "impressions", api, destination=destination, emailing=emailing, begin=begin, end=end, family=family,
        profiles=profiles, progress=progress,
    )  # fmt: skip


def load_clicks(
    api: Copernica | None = None,
    *,
    destination: Identifiers = None,
    emailing: Identifiers = None,
    begin: Moment = None,
    end: Moment = None,
    family: Family = "ms",
    profiles: bool = True,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Load clicks; parameters, order and errors as in `load_impressions`.

    Columns: ID, mailing, timestamp, `link` str, ip, useragent, destination, profile, subprofile.
    """
    return load_events(
        "clicks", api, destination=destination, emailing=emailing, begin=begin, end=end, family=family,
        profiles=profiles, progress=progress,
    )  # fmt: skip


def load_deliveries(
    api: Copernica | None = None,
    *,
    destination: Identifiers = None,
    emailing: Identifiers = None,
    begin: Moment = None,
    end: Moment = None,
    family: Family = "ms",
    profiles: bool = True,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Load deliveries; parameters, order and errors as in `load_impressions`.

    Columns: ID, mailing, timestamp, `attempts` int64, destination, profile, subprofile.
    """
    return load_events(
        "deliveries", api, destination=destination, emailing=emailing, begin=begin, end=end, family=family,
        profiles=profiles, progress=progress,
    )  # fmt: skip


def load_errors(
    api: Copernica | None = None,
    *,
    destination: Identifiers = None,
    emailing: Identifiers = None,
    begin: Moment = None,
    end: Moment = None,
    family: Family = "ms",
    profiles: bool = True,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Load delivery errors; parameters, order and errors as in `load_impressions`.

    Columns: ID, mailing, timestamp, `status`, `errorcode`, `description` and `errortype` (all str), destination,
    profile, subprofile.
    """
    return load_events(
        "errors", api, destination=destination, emailing=emailing, begin=begin, end=end, family=family,
        profiles=profiles, progress=progress,
    )  # fmt: skip


def load_abuses(
    api: Copernica | None = None,
    *,
    destination: Identifiers = None,
    emailing: Identifiers = None,
    begin: Moment = None,
    end: Moment = None,
    family: Family = "ms",
    profiles: bool = True,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Load complaints; parameters, order and errors as in `load_impressions`.

    Columns: ID, mailing, timestamp, `report` str (the complaint as JSON text), destination, profile, subprofile.
    """
    return load_events(
        "abuses", api, destination=destination, emailing=emailing, begin=begin, end=end, family=family,
        profiles=profiles, progress=progress,
    )  # fmt: skip


def load_unsubscribes(
    api: Copernica | None = None,
    *,
    destination: Identifiers = None,
    emailing: Identifiers = None,
    begin: Moment = None,
    end: Moment = None,
    family: Family = "ms",
    profiles: bool = True,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Load unsubscribes; parameters, order and errors as in `load_impressions`.

    Columns: ID, mailing, timestamp, `source` str, ip, useragent, `success` boolean, destination, profile,
    subprofile; those that a version of the API does not send are null.
    """
    return load_events(
        "unsubscribes", api, destination=destination, emailing=emailing, begin=begin, end=end, family=family,
        profiles=profiles, progress=progress,
    )  # fmt: skip


def iter_impressions(
    api: Copernica | None = None,
    *,
    destination: Identifiers = None,
    emailing: Identifiers = None,
    begin: Moment = None,
    end: Moment = None,
    family: Family = "ms",
    profiles: bool = True,
    rows_per_frame: int = 200_000,
    progress: bool | None = None,
) -> Iterator[pd.DataFrame]:
    """Load impressions in frames of bounded size, for loads larger than memory.

    Parameters and errors as in `load_impressions`, and `rows_per_frame` (200,000). Each frame is complete for the
    closed period in its own certificate; the periods of one list follow one another without gap or overlap, list after
    list. A frame holds whole windows of up to 20,000 rows, so it may be larger by one.
    """
    return iter_events(
        "impressions", api, destination=destination, emailing=emailing, begin=begin, end=end, family=family,
        profiles=profiles, rows_per_frame=rows_per_frame, progress=progress,
    )  # fmt: skip


def iter_events(
    kind: Kind,
    api: Copernica | None = None,
    *,
    destination: Identifiers = None,
    emailing: Identifiers = None,
    begin: Moment = None,
    end: Moment = None,
    family: Family = "ms",
    profiles: bool = True,
    rows_per_frame: int = 200_000,
    progress: bool | None = None,
) -> Iterator[pd.DataFrame]:
    """Load events of a kind in frames of bounded size; see `iter_impressions`."""
    if not isinstance(rows_per_frame, int) or rows_per_frame < 1:
        raise InvalidArgumentError(f"rows_per_frame={rows_per_frame!r} must be a whole number, 1 or more")
    wanted = want_events(
        kind, api := given_api(api), destination=destination, emailing=emailing, begin=begin, end=end, family=family,
        profiles=profiles,
    )  # fmt: skip
    return frames(api, wanted, rows_per_frame=rows_per_frame, show_progress=progress)


def load_events(
    kind: Kind,
    api: Copernica | None = None,
    *,
    destination: Identifiers = None,
    emailing: Identifiers = None,
    begin: Moment = None,
    end: Moment = None,
    family: Family = "ms",
    profiles: bool = True,
    progress: bool | None = None,
) -> pd.DataFrame:
    """Load events of a kind; see `load_impressions`."""
    wanted = want_events(
        kind, api := given_api(api), destination=destination, emailing=emailing, begin=begin, end=end, family=family,
        profiles=profiles,
    )  # fmt: skip
    return next(frames(api, wanted, show_progress=progress))
