"""From the API to a typed frame: the functions that users call. The only room that joins the stages before it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from impressions_analytics.api.endpoints import (
    FAMILIES,
    Level,
    destinations_endpoint,
    emailings_endpoint,
    event_endpoint,
)
from impressions_analytics.api.settings import Copernica
from impressions_analytics.api.windows import read_period
from impressions_analytics.columns import Family, Kind
from impressions_analytics.errors import InvalidArgumentError
from impressions_analytics.loader.assembly import Wanted, frames

Moment = str | dt.date | dt.datetime | None
Identifiers = int | str | Iterable[int | str] | None


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
        "impressions", api,
        destination=destination, emailing=emailing, begin=begin, end=end, family=family, profiles=profiles,
        progress=progress,
    )  # fmt: skip


def load_clicks(api: Copernica | None = None, **selection: Any) -> pd.DataFrame:
    """Load clicks; parameters, order and errors as in `load_impressions`.

    Columns: ID, mailing, timestamp, `link` str, ip, useragent, destination, profile, subprofile.
    """
    return load_events("clicks", api, **selection)


def load_deliveries(api: Copernica | None = None, **selection: Any) -> pd.DataFrame:
    """Load deliveries; parameters, order and errors as in `load_impressions`.

    Columns: ID, mailing, timestamp, `attempts` int64, destination, profile, subprofile.
    """
    return load_events("deliveries", api, **selection)


def load_errors(api: Copernica | None = None, **selection: Any) -> pd.DataFrame:
    """Load delivery errors; parameters, order and errors as in `load_impressions`.

    Columns: ID, mailing, timestamp, `status`, `errorcode`, `description` and `errortype` (all str), destination,
    profile, subprofile.
    """
    return load_events("errors", api, **selection)


def load_abuses(api: Copernica | None = None, **selection: Any) -> pd.DataFrame:
    """Load complaints; parameters, order and errors as in `load_impressions`.

    Columns: ID, mailing, timestamp, `report` str (the complaint as JSON text), destination, profile, subprofile.
    """
    return load_events("abuses", api, **selection)


def load_unsubscribes(api: Copernica | None = None, **selection: Any) -> pd.DataFrame:
    """Load unsubscribes; parameters, order and errors as in `load_impressions`.

    Columns: ID, mailing, timestamp, `source` str, ip, useragent, `success` boolean, destination, profile,
    subprofile; those that a version of the API does not send are null.
    """
    return load_events("unsubscribes", api, **selection)


def load_destinations(
    api: Copernica | None = None,
    *,
    emailing: Identifiers = None,
    begin: Moment = None,
    end: Moment = None,
    family: Family = "ms",
    progress: bool | None = None,
) -> pd.DataFrame:
    """Load destinations: the messages of emailings, or of the whole account.

    Columns: `ID` (as in the events' destination), `mailing`, `timestampsent` datetime64[us], `profile`,
    `subprofile`; ordered by timestampsent and ID. Errors as in `load_impressions`.
    """
    first, last = read_period(begin, end)
    of = _identifiers("emailing", emailing)
    endpoints = [destinations_endpoint(family=given_family(family), emailing=one) for one in (of or (None,))]
    wanted = Wanted("destinations", family, tuple(endpoints), first, last)
    return next(frames(given_api(api), wanted, show_progress=progress))


def load_emailings(
    api: Copernica | None = None,
    *,
    begin: Moment = None,
    end: Moment = None,
    family: Family = "ms",
    progress: bool | None = None,
) -> pd.DataFrame:
    """Load the account's emailings.

    Columns: `ID` (as in the events' mailing), `timestamp` (when it was sent), `template` Int64, `subject`,
    `from_name` and `from_email` str, `destinations` Int64, `type` str; ordered by timestamp and ID. Errors as in
    `load_impressions`.
    """
    first, last = read_period(begin, end)
    wanted = Wanted("emailings", family, (emailings_endpoint(family=given_family(family)),), first, last)
    return next(frames(given_api(api), wanted, show_progress=progress))


def iter_impressions(api: Copernica | None = None, **selection: Any) -> Iterator[pd.DataFrame]:
    """Load impressions in frames of bounded size, for loads larger than memory.

    Parameters and errors as in `load_impressions`, and `rows_per_frame` (200,000). Each frame is complete for the
    closed period in its own certificate; the periods of one list follow one another without gap or overlap, list after
    list. A frame holds whole windows of up to 20,000 rows, so it may be larger by one.
    """
    return iter_events(api, "impressions", **selection)


def iter_events(
    api: Copernica | None,
    kind: Kind,
    *,
    rows_per_frame: int = 200_000,
    **selection: Any,
) -> Iterator[pd.DataFrame]:
    """Load events of a kind in frames of bounded size; see `iter_impressions`."""
    if not isinstance(rows_per_frame, int) or rows_per_frame < 1:
        raise InvalidArgumentError(f"rows_per_frame={rows_per_frame!r} must be a whole number, 1 or more")
    show_progress = selection.pop("progress", None)
    wanted = want_events(kind, api := given_api(api), **selection)
    return frames(api, wanted, rows_per_frame=rows_per_frame, show_progress=show_progress)


def load_events(
    kind: Kind, api: Copernica | None = None, *, progress: bool | None = None, **selection: Any
) -> pd.DataFrame:
    """Load events of a kind; see `load_impressions`."""
    wanted = want_events(kind, api := given_api(api), **selection)
    return next(frames(api, wanted, show_progress=progress))


def want_events(
    kind: Kind,
    api: Copernica,
    *,
    destination: Identifiers = None,
    emailing: Identifiers = None,
    begin: Moment = None,
    end: Moment = None,
    family: Family = "ms",
    profiles: bool = True,
) -> Wanted:
    """Turn a caller's selection into the lists to load.

    Raises
    ------
    InvalidArgumentError
        When it cannot be used.
    """
    first, last = read_period(begin, end)
    destinations, emailings = _identifiers("destination", destination), _identifiers("emailing", emailing)
    if destinations is not None and emailings is not None:
        raise InvalidArgumentError("give destination or emailing, not both: a destination belongs to one emailing")
    level: Level = "account"
    of = [""]
    if destinations is not None:
        level, of = "destination", destinations
    elif emailings is not None:
        level, of = "emailing", emailings
    endpoints = [
        event_endpoint(kind, version=api.version, family=given_family(family), level=level, of=one) for one in of
    ]
    return Wanted(kind, family, tuple(endpoints), first, last, profiles)


def given_api(api: Copernica | None) -> Copernica:
    """Return the settings to use: those given, or those of the environment."""
    if api is None:
        return Copernica.from_env()
    if not isinstance(api, Copernica):
        raise InvalidArgumentError(f"api is a {type(api).__name__}; give ia.Copernica(...), or nothing")
    return api


def given_family(family: Family) -> Family:
    """Return the family, or say which ones there are."""
    if family not in FAMILIES:
        raise InvalidArgumentError(f"family={family!r} is not one of {', '.join(FAMILIES)}")
    return family


def _identifiers(name: str, given: Identifiers) -> list[str] | None:
    """Return identifiers as the API's paths write them, each once, or None when none were given."""
    if given is None:
        return None
    single = isinstance(given, int | str | np.integer) or not isinstance(given, Iterable) or isinstance(given, bytes)
    several = [given] if single else list(given)  # type: ignore[arg-type]
    if not several:
        raise InvalidArgumentError(f"{name}=[] names nothing; leave it out for the whole account")
    return list(dict.fromkeys(given_identifier(name, one) for one in several))


def given_identifier(name: str, one: Any) -> str:
    """Return an ID as the API's paths write it."""
    text = str(one).strip()
    whole = isinstance(one, int | np.integer) and not isinstance(one, bool) and one >= 0
    wanted = r"[0-9A-Za-z]+" if name == "destination" else r"[0-9]+"
    if not whole and not (isinstance(one, str) and re.fullmatch(wanted, text)):
        hashed = ", or the letters and digits of a hashed one" if name == "destination" else ""
        raise InvalidArgumentError(f"{name}={one!r} is no ID: give a whole number{hashed}")
    return str(int(text)) if text.isdigit() else text
