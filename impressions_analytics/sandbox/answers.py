"""What each path answers: the table of paths, and one function for each kind of answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from impressions_analytics.sandbox.behaviour import Behaviour
from impressions_analytics.sandbox.faults import error
from impressions_analytics.sandbox.http import HttpAnswer
from impressions_analytics.sandbox.plan import FIRST_DESTINATION, FIRST_EMAILING
from impressions_analytics.sandbox.query import EVER, BadRequestError, Query, Selection, read_query
from impressions_analytics.sandbox.views import ListView, Scope, Views
from impressions_analytics.sandbox.wire import Edition, render, unhashed
from impressions_analytics.sandbox.world import EVENT_KINDS, World

Asked = TypeVar("Asked")
NO_ENTITY, INVALID_METHOD = "No entity with supplied ID", "Invalid method"
"""The live service's words for an ID, and for a path, that it does not know."""
IDENTITY = {"id": "7001", "name": "example", "description": "Example Shop (invented)", "company": "Example Company"}


@dataclass(frozen=True, slots=True)
class Call:
    """One authorised request: its path's parts, its parameters, and what it finds."""

    edition: Edition
    views: Views
    kind: str
    level: str
    id: str
    parameters: tuple[tuple[str, str], ...]
    behaviour: Behaviour
    number: int
    remainder: int | None = None
    """Which emailings the asked editor has, by the remainder of their number by 2; all of them when None."""

    @property
    def world(self) -> World:
        """The family's data."""
        return self.views.world

    def query(self) -> Query:
        """Read the parameters as those of the asked list."""
        return read_query(self.kind, self.edition, self.parameters, self.behaviour, level=self.level)

    def scope(self) -> Scope:
        """Return whose rows are asked; an unknown ID is a bad request."""
        if self.level == "emailing" and self.id in map(str, self.behaviour.deleted_emailings):
            raise BadRequestError(NO_ENTITY)
        scope = find_scope(self.world, self.level, self.id)
        if self.remainder is not None and self.level != "account":
            row = scope.first if self.level == "destination" else int(self.id) - FIRST_EMAILING
            emailing = self.world.destinations.columns["emailing"][row] if self.level == "destination" else row
            if (int(emailing) + FIRST_EMAILING) % 2 != self.remainder:
                raise BadRequestError(NO_ENTITY)
        return scope


def find_scope(world: World, level: str, id_: str) -> Scope:
    """Return the destinations that a level and an ID mean; the message's hash will do for its number."""
    if level == "account":
        return Scope()
    number = int(id_) if id_.isdecimal() else unhashed(id_) if level == "destination" else None
    first, table = _FIRST[level], world.table(f"{level}s")
    if number is None or not 0 <= number - first < len(table):
        raise BadRequestError(NO_ENTITY)
    if level == "destination":
        return Scope(level, number - first, number - first + 1)
    low, high = np.searchsorted(world.destinations.columns["emailing"], [number - first, number - first + 1])
    return Scope(level, int(low), int(high))


_FIRST = {"emailing": FIRST_EMAILING, "destination": FIRST_DESTINATION}


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table of paths."""

    path: re.Pattern[str]
    answer: Callable[[Call], bytes]
    level: str = "account"
    kind: str = ""


def identity(call: Call) -> bytes:
    """Say whose account it is."""
    return _json(IDENTITY)


def consumption(call: Call) -> bytes:
    """Say what the account used between two days."""
    if not {"begin", "end"} <= {name for name, _ in call.parameters}:
        raise BadRequestError("Missing parameter begin or end")
    used = {"emails": len(call.world.destinations), "texts": 0, "fax": 0, "webpages": 0, "apicalls": call.number}
    return _json({**used, "litmustests": 0, "twofiftyoktests": 0})


def listing(call: Call) -> bytes:
    """Answer one page of a list, as honestly as the behaviour says."""
    behaviour, query = call.behaviour, call.query()
    hidden = behaviour.unlisted if call.kind == "impressions" else ()
    listed = ListView(call.kind, call.scope(), query.selection, behaviour.order, hidden, call.remainder)
    total = len(call.views.rows(listed))
    first = max(0, query.start - behaviour.repeat_rows)
    short = behaviour.short_pages if total - first > query.limit else 0
    last = max(first, min(total, first + query.limit - short))
    page = call.views.page(listed, first, last, call.edition, number_ids=behaviour.number_ids)
    if behaviour.malformed or behaviour.extra_column:
        page = _damaged(page, first, behaviour)
    head = {"start": query.start, "limit": query.limit, "count": last - first + behaviour.count_off}
    if behaviour.next_id:
        head["nextid"] = last
    if query.with_total:
        head["total"] = total + behaviour.total_off + behaviour.total_drift * call.number
    return b'%s,"data":[%s]}' % (_json(head)[:-1], page)


def one(call: Call) -> bytes:
    """Answer one emailing or one destination as an object."""
    scope = call.scope()
    if call.level == "destination":
        row, kind = scope.first, "destinations"
        cells = call.edition.cells(kind, "destination")
    else:
        row, kind = int(call.id) - FIRST_EMAILING, "emailings"
        cells = call.edition.cells(kind, "emailing")
    rows = np.array([row], dtype=np.int32)
    return render(call.world, kind, rows, cells, number_ids=call.behaviour.number_ids).encode()


def statistics(call: Call) -> bytes:
    """Answer the totals per kind; ``unique`` counts destinations."""
    scope = call.scope()
    asked = read_query("impressions", Edition("ms", 4), call.parameters, call.behaviour).selection
    lag = call.behaviour.statistics_lag_seconds
    selection = replace(asked, end=min(asked.end, int(_newest(call.world) - lag) + 1)) if lag else asked
    kinds: tuple[str, ...] = COUNTED
    sent: dict[str, Any] = {"ID": call.id}
    more: dict[str, Any] = {}
    if call.level == "emailing":
        sent = {"destinations": scope.last - scope.first}
        if call.edition.version == 2:
            sent["destinations"] = str(sent["destinations"])
        else:
            kinds, more = COUNTED_LATER, _results(call, scope, selection)
    return _json({**sent, **{kind: _figures(call, kind, scope, selection) for kind in kinds}, **more})


COUNTED = ("abuses", "clicks", "deliveries", "errors", "impressions", "retries", "unsubscribes")
"""The kinds that statistics count, in the order of the documentation's example."""
COUNTED_LATER = ("deliveries", "errors", "impressions", "clicks", "unsubscribes", "abuses")
"""The kinds that the statistics of an emailing count in versions 3 and 4."""
DOMINANT = ("abuses", "unsubscribes", "clicks", "impressions", "errors", "deliveries")
"""The weightiest result first: a destination counts for the first that it has."""
_UNIQUE = {"emailing": {"abuses", "clicks", "errors", "impressions", "retries", "unsubscribes"},
           "destination": {"clicks", "unsubscribes"}}  # fmt: skip
"""The kinds of which the statistics of a level count destinations too."""


def _results(call: Call, scope: Scope, selection: Selection) -> dict[str, Any]:
    """Return how many destinations have no result at all, and how many have each as their weightiest."""
    left = np.arange(scope.first, scope.last)
    counts = {}
    for kind in DOMINANT:
        rows = call.views.rows(ListView(kind, scope, selection))
        has = np.isin(left, call.world.table(kind).columns["destination"][rows])
        counts[kind], left = int(has.sum()), left[~has]
    told = ("errors", "abuses", "unsubscribes", "clicks", "impressions", "deliveries")
    results = {"destinations": scope.last - scope.first, **{kind: counts[kind] for kind in told}}
    return {"unknown": {"total": len(left)}, "dominant_results": results}


def _figures(call: Call, kind: str, scope: Scope, selection: Selection) -> dict[str, int]:
    if kind == "retries":
        figures = {"total": 0, "unique": 0}
    else:
        rows = call.views.rows(ListView(kind, scope, selection))
        destinations = call.world.table(kind).columns["destination"][rows]
        figures = {"total": len(rows), "unique": len(np.unique(destinations))}
    unique = _UNIQUE[call.level] if (call.edition.family, call.level) != ("publisher", "destination") else set()
    return figures if kind in unique else {"total": figures["total"]}


def _newest(world: World) -> int:
    return int(world.table("impressions").columns["timestamp"].max(initial=EVER[0]))


def _damaged(page: bytes, first: int, behaviour: Behaviour) -> bytes:
    rows = json.loads(b"[%s]" % page)
    for offset, row in enumerate(rows, first):
        if behaviour.extra_column:
            row[behaviour.extra_column] = f"news {offset}"
        for place, key, value in behaviour.malformed:
            if place == offset and value is ...:
                row.pop(key, None)
            elif place == offset:
                row[key] = value
    return _json(rows)[1:-1]


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


_ID = "(?P<id>[A-Za-z0-9]+)"
_KIND = f"(?P<kind>{'|'.join(EVENT_KINDS)})"
ROUTES: tuple[Route, ...] = tuple(
    Route(re.compile(path.replace("ID", _ID).replace("KIND", _KIND)), *more)
    for path, *more in (
        ("KIND", listing),
        ("emailing/ID/KIND", listing, "emailing"),
        ("destination/ID/KIND", listing, "destination"),
        ("emailings", listing, "account", "emailings"),
        ("destinations", listing, "account", "destinations"),
        ("emailing/ID/destinations", listing, "emailing", "destinations"),
        ("emailing/ID", one, "emailing"),
        ("destination/ID", one, "destination"),
        ("emailing/ID/statistics", statistics, "emailing"),
        ("destination/ID/statistics", statistics, "destination"),
    )
)
"""Every path below a family."""


def route(path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the route of a path below a family, with the parts of the path; None when there is none.

    Examples
    --------
    >>> found, parts = route("destination/112/impressions")
    >>> found.level, parts
    ('destination', {'id': '112', 'kind': 'impressions'})
    """
    for candidate in ROUTES:
        if match := candidate.path.fullmatch(path):
            return candidate, match.groupdict()
    return None


def answered(answer: Callable[[Asked], bytes], call: Asked) -> HttpAnswer:
    """Return a route's answer, or why there is none."""
    try:
        return HttpAnswer(200, answer(call))
    except BadRequestError as problem:
        return error(400, str(problem))
