"""Figures that Copernica counts itself: what a load will cost, and its statistics."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

import msgspec
import pandas as pd

from impressions_analytics.api.endpoints import Level, destinations_endpoint, statistics_path
from impressions_analytics.api.session import Transport
from impressions_analytics.api.settings import Copernica
from impressions_analytics.api.windows import SECOND, read_period
from impressions_analytics.columns import EVENT_KINDS, Family, Kind
from impressions_analytics.errors import (
    InvalidArgumentError,
    MalformedResponseError,
    RequestRefusedError,
)
from impressions_analytics.loader.assembly import Wanted, as_answered
from impressions_analytics.loader.decode import Decoder
from impressions_analytics.loader.selection import (
    Identifiers,
    Moment,
    given_api,
    given_family,
    given_identifier,
    want_events,
)
from impressions_analytics.loader.window_load import DEEP_ROWS, FULL_ROWS, PAGE_ROWS, ListLoad, WindowLoad


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What a load will take.

    Attributes
    ----------
    rows : int
        Rows that the API counts now.
    calls : int
        Calls that the load takes when the rows are spread evenly over its period; a few more when they are not.
    calls_spent : int
        Calls that the plan itself took.
    lookup_calls : int
        Calls that come on top, at most about so many, to look profiles up where rows come without them: one per 1,000
        destinations of the emailings that the rows belong to.
    """

    kind: Kind
    rows: int
    calls: int
    calls_spent: int
    lookup_calls: int = 0

    def __str__(self) -> str:
        more = f", and up to about {self.lookup_calls:,} to look profiles up" if self.lookup_calls else ""
        return f"{self.rows:,} {self.kind}: about {self.calls:,} calls{more} (this plan took {self.calls_spent})"

    def to_json(self) -> dict[str, Any]:
        """Return the plan as plain values."""
        return asdict(self)


def plan_load(
    api: Copernica | None = None,
    *,
    kind: Kind = "impressions",
    destination: Identifiers = None,
    emailing: Identifiers = None,
    begin: Moment = None,
    end: Moment = None,
    family: Family = "ms",
    profiles: bool = True,
) -> LoadPlan:
    """Return how many calls a load will take, from one cheap call per list, and one more where profiles are looked up.

    Parameters
    ----------
    api : Copernica, optional
        How to reach the account; from the environment by default.
    kind : str
        What would be loaded.
    destination, emailing, begin, end, family, profiles
        As for `load_impressions`.

    Returns
    -------
    LoadPlan

    Examples
    --------
    >>> from impressions_analytics.sandbox import Sandbox
    >>> with Sandbox(impressions=2500, seed=1) as box:
    ...     print(plan_load(Copernica(box.access_token, url=box.url)))
    2,500 impressions: about 3 calls (this plan took 1)
    """
    api = given_api(api)
    wanted = want_events(
        kind, api,
        destination=destination, emailing=emailing, begin=begin, end=end, family=family, profiles=profiles,
    )  # fmt: skip
    with Transport(api) as transport:
        totals = _totals_of(transport, api, wanted)
        lookup_calls = 0
        lacking = any(bool(one.may_lack) for one in wanted.endpoints)
        if wanted.profiles and api.version > 2 and lacking and any(total > 0 for total in totals):
            everyone = Wanted("destinations", wanted.family, (destinations_endpoint(family=family, emailing=None),))
            lookup_calls = sum(map(calls_for, _totals_of(transport, api, everyone)))
        return LoadPlan(kind, sum(totals), sum(map(calls_for, totals)), transport.requests, lookup_calls)


def _totals_of(transport: Transport, api: Copernica, wanted: Wanted) -> list[int]:
    """Ask how many rows each list has, under the paths that the account answers."""
    spelled = as_answered(api, wanted)
    try:
        return [
            _total_of(transport, one, Decoder(wanted.kind, wanted.family, may_lack=one.endpoint.may_lack))
            for one in spelled.list_loads()
        ]
    except RequestRefusedError:
        if as_answered(api, wanted) == spelled:
            raise
        return _totals_of(transport, api, wanted)


def _total_of(transport: Transport, list_load: ListLoad, decoder: Decoder) -> int:
    """Ask how many rows a list has, in the style of period that it keeps to."""
    window_load = WindowLoad(list_load, list_load.window, asked=list_load.asks_for_period)
    one_row = [
        (name, "1" if name == "limit" else value) for name, value in window_load.parameters(window_load.requests[0])
    ]
    try:
        page = decoder.decode(transport.get(list_load.endpoint.path, one_row))
    except RequestRefusedError as refused:
        window_load.refused(refused)
        page = None
    if page is None or (window_load.shows_other_times(page.rows) and list_load.endpoint.other_styles):
        list_load.ask_otherwise()
        return _total_of(transport, list_load, decoder)
    if page.total is None:
        raise MalformedResponseError(f"{list_load.endpoint.path}: the answer has no total to plan with")
    return page.total


def calls_for(rows: int) -> int:
    """Return how many calls a list of so many rows takes when they are spread evenly over its period.

    Examples
    --------
    >>> calls_for(0), calls_for(2500), calls_for(192_000)
    (1, 3, 197)
    """
    if rows <= DEEP_ROWS:
        return max(1, -(-rows // PAGE_ROWS))
    windows = -(-rows // FULL_ROWS)
    return 1 + windows * -(-rows // (windows * PAGE_ROWS))


def load_statistics(
    api: Copernica | None = None,
    *,
    emailing: int | str | None = None,
    destination: int | str | None = None,
    begin: Moment = None,
    end: Moment = None,
    family: Family = "ms",
) -> pd.DataFrame:
    """Load Copernica's own totals of one emailing or destination; they may lag behind its rows.

    Parameters
    ----------
    api : Copernica, optional
        How to reach the account; from the environment by default.
    emailing, destination : int or str, optional
        Whose totals; give one of them.
    begin, end : str, date or datetime, optional
        The period, ``begin <= timestamp < end``. Whether Copernica counts the rows at its first and last second is
        not documented.
    family : {"ms", "publisher"}
        The product that sent the mail.

    Returns
    -------
    pandas.DataFrame
        One row per kind of event, in the order impressions, clicks, deliveries, errors, abuses, unsubscribes.
        Columns: `kind` str, `total` Int64, `unique` Int64 (null where Copernica does not count it).

    Raises
    ------
    InvalidArgumentError
        When not exactly one of emailing and destination is given.
    ApiError
        As in `load_impressions`.
    """
    if (emailing is None) == (destination is None):
        raise InvalidArgumentError("give emailing=... or destination=...: statistics are of one of them")
    api = given_api(api)
    level: Level = "destination" if emailing is None else "emailing"
    of = given_identifier(level, destination if emailing is None else emailing)
    path = statistics_path(family=given_family(family), level=level, of=of)
    with Transport(api) as transport:
        answer = transport.get_object(path, _statistics_period(begin, end))
    figures = [answer.get(kind) for kind in EVENT_KINDS]
    columns = {
        name: pd.array([_figure(path, figure, name) for figure in figures], dtype="Int64")
        for name in ("total", "unique")
    }
    return pd.DataFrame({"kind": pd.array(EVENT_KINDS, dtype="str"), **columns})


_Figure = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


def _statistics_period(begin: Moment, end: Moment) -> list[tuple[str, str]]:
    """Return the parameters of a half-open period whose last second may be included."""
    first, last = read_period(begin, end)
    said = {"begintime": first, "endtime": None if last is None else last - SECOND}
    return [(name, str(moment)) for name, moment in said.items() if moment is not None]


def _figure(path: str, figure: Any, name: str) -> int | None:
    """Return a figure of the statistics: an object of total and unique, or a bare total."""
    value = figure.get(name) if isinstance(figure, dict) else figure if name == "total" else None
    if value is None:
        return None
    try:
        number: int = msgspec.convert(value, _Figure, strict=False)
    except msgspec.ValidationError:
        raise MalformedResponseError(
            f"{path}: the {name} of a kind is {str(value)[:40]!r}, no whole number of 0 to 2^63-1"
        ) from None
    return number
