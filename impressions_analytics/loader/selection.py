"""What a caller selected, checked: whose rows, of which period, over which account."""

from __future__ import annotations

import contextlib
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
GREATEST_ID = 2**63 - 1
MOST_LETTERS = 100  # of an ID: a hashed one has sixteen


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
        event_endpoint(
            kind,
            version=api.version,
            family=given_family(family),
            level=level,
            of=one,
            first_style=api.learnt.get("period_style"),
        )
        for one in of
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
    if isinstance(one, int | np.integer) and not isinstance(one, bool) and 0 <= one <= GREATEST_ID:
        return str(int(one))
    hashed = name == "destination"
    text = one.strip() if isinstance(one, str) else ""
    if text.isascii() and text.isdigit() and len(text) <= MOST_LETTERS and int(text) <= GREATEST_ID:
        return str(int(text))
    if hashed and re.fullmatch(rf"[0-9A-Za-z]{{1,{MOST_LETTERS}}}", text) and not text.isdigit():
        return text
    shown = f"(a value of type {type(one).__name__})"
    with contextlib.suppress(ValueError):  # Python writes no number of thousands of digits
        shown = f"{one!r:.60}"
    also = ", or the letters and digits of a hashed one" if hashed else ""
    raise InvalidArgumentError(f"{name}={shown} is no ID: give a whole number from 0 to 2^63-1{also}")
