"""What a caller selected, checked: whose rows, of which period, over which account."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from impressions_analytics.api.endpoints import FAMILIES, Level, event_endpoint
from impressions_analytics.api.settings import Copernica
from impressions_analytics.api.windows import read_period
from impressions_analytics.columns import Family, Kind
from impressions_analytics.errors import InvalidArgumentError
from impressions_analytics.loader.assembly import Wanted

Moment = str | dt.date | dt.datetime | None
Identifiers = int | str | Iterable[int | str] | None


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
    destinations, emailings = given_identifiers("destination", destination), given_identifiers("emailing", emailing)
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


def given_identifiers(name: str, given: Identifiers) -> list[str] | None:
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
