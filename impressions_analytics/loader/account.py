"""What an account has used of Copernica's services: e-mails, calls of the API and so on."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from impressions_analytics.api.session import Transport
from impressions_analytics.api.settings import Copernica
from impressions_analytics.errors import InvalidArgumentError, MalformedResponseError
from impressions_analytics.loader.assembly import wall_clock
from impressions_analytics.loader.logs import Day, given_day
from impressions_analytics.loader.selection import given_api

_PATH = "consumption"
_SPELLED = {"api_calls": "apicalls", "litmus_tests": "litmustests", "twofiftyok_tests": "twofiftyoktests"}


@dataclass(frozen=True, slots=True)
class Consumption:
    """What an account used between two days, as Copernica counts it.

    Attributes
    ----------
    begin, end : str
        The days that were asked for. Whether the last one is counted is not documented.
    emails, texts, fax, webpages, api_calls, litmus_tests, twofiftyok_tests : int or None
        How many; None where the answer does not say. How many calls are left is told nowhere.
    """

    begin: str
    end: str
    emails: int | None
    texts: int | None
    fax: int | None
    webpages: int | None
    api_calls: int | None
    litmus_tests: int | None
    twofiftyok_tests: int | None

    def __str__(self) -> str:
        known = {name.replace("_", " "): count for name, count in asdict(self).items() if isinstance(count, int)}
        said = ", ".join(f"{count:,} {name}" for name, count in known.items())
        return f"from {self.begin} to {self.end}: {said or 'nothing is told'}"

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return asdict(self)


def consumption(api: Copernica | None = None, *, begin: Day | None = None, end: Day | None = None) -> Consumption:
    """Ask what the account has used, such as calls of the API, which Copernica bills beyond an allowance: one call.

    Parameters
    ----------
    api : Copernica, optional
        How to reach the account; from the environment by default.
    begin, end : str or date, optional
        Between which days; by default from the first day of this month to tomorrow.

    Returns
    -------
    Consumption

    Raises
    ------
    InvalidArgumentError
        A day cannot be used, or the end is not after the beginning.
    MalformedResponseError, RequestRefusedError, AccessDeniedError, ApiUnavailableError
        The API does not answer as documented, says no, or does not answer.

    Examples
    --------
    >>> from impressions_analytics.sandbox import Sandbox
    >>> with Sandbox(impressions=500, seed=1) as box:
    ...     used = consumption(Copernica(box.access_token, url=box.url), begin="2026-06-01", end="2026-07-01")
    >>> used.emails, used.api_calls
    (612, 1)
    """
    api = given_api(api)
    today = wall_clock(api).date()
    first = today.replace(day=1) if begin is None else given_day(begin)
    last = today + dt.timedelta(days=1) if end is None else given_day(end)
    if first >= last:
        raise InvalidArgumentError(f"end={str(last)!r} must be after begin={str(first)!r}")
    with Transport(api) as transport:
        answer = transport.get_object(_PATH, [("begin", str(first)), ("end", str(last))])
    names = [name for name in Consumption.__slots__ if name not in ("begin", "end")]
    return Consumption(str(first), str(last), **{name: _count(answer, _SPELLED.get(name, name)) for name in names})


def _count(answer: dict[str, Any], name: str) -> int | None:
    value = answer.get(name)
    if value is None:
        return None
    try:
        return msgspec.convert(value, int, strict=False)
    except msgspec.ValidationError:
        raise MalformedResponseError(f"{_PATH}: {name} is {str(value)[:40]!r}, no whole number") from None
