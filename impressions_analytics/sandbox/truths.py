"""What is really in the sandbox, to compare with what a client made of it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from impressions_analytics.sandbox.tables import Rows, Values
from impressions_analytics.sandbox.wire import hashed, numbers, vocabulary
from impressions_analytics.sandbox.world import World

_EVENT = ("ID", "mailing", "timestamp")
_WHO = ("destination", "profile", "subprofile")
COLUMNS: dict[str, tuple[str, ...]] = {
    "impressions": (*_EVENT, "ip", "useragent", "device", *_WHO, "referer"),
    "clicks": (*_EVENT, "link", "ip", "useragent", *_WHO, "referer"),
    "deliveries": (*_EVENT, "attempts", *_WHO),
    "errors": (*_EVENT, "status", "errorcode", "description", "errortype", *_WHO),
    "abuses": (*_EVENT, "report", *_WHO),
    "unsubscribes": (*_EVENT, "source", "ip", "useragent", "success", *_WHO),
    "destinations": ("ID", "mailing", "timestampsent", "profile", "subprofile"),
    "emailings": ("ID", "timestamp", "template", "subject", "from_name", "from_email", "destinations", "type"),
}
"""Everything that is known of each kind, whichever version and level of the API tells it."""
_TEXTS = {
    "ip", "useragent", "device", "referer", "link", "status", "errorcode", "description", "errortype", "report",
    "source", "success", "subject", "from_name", "from_email", "type",
}  # fmt: skip
_JSON = {"report", "success"}
_TIMES = {"timestamp", "timestampsent"}


def column(world: World, kind: str, name: str, rows: Rows) -> Values:
    """Return one column: int64 (-1 is null), datetime64[s] or objects."""
    values = numbers(world, kind, "timestamp" if name == "timestampsent" else name, rows)
    if name in _TIMES:
        return values.astype("datetime64[s]")
    if name not in _TEXTS:
        return values.astype(np.int64)
    words = [json.loads(str(word)) if name in _JSON else word for word in vocabulary(world, kind, name)]
    objects = np.empty(len(words), object)
    objects[:] = words
    return objects[values]


def columns(world: World, kind: str, family: str) -> dict[str, Values]:
    """Return every column of a kind, in ID order."""
    if kind == "reads":
        return reads(world)
    rows = np.arange(len(world.table(kind)), dtype=np.int32)
    names = [name for name in COLUMNS[kind] if name != "referer" or family == "publisher"]
    return {name: column(world, kind, name, rows) for name in names}


def reads(world: World) -> dict[str, Values]:
    """Return which messages were really read, and when: what no API tells.

    Raises
    ------
    ValueError
        The world has no story, so that nobody knows its readers.
    """
    if world.plan.story is None:
        raise ValueError("kind is 'reads', which only a world with a story knows: give Sandbox(story=Story(...))")
    rows = np.flatnonzero(world.destinations.columns["read"]).astype(np.int32)
    told = {name: column(world, "destinations", name, rows) for name in ("ID", "mailing", "profile")}
    read_at = world.destinations.columns["read_at"][rows].astype("datetime64[s]")
    return {"destination": told.pop("ID"), **told, "timestamp": read_at}


def records(world: World, kind: str, family: str) -> list[dict[str, Any]]:
    """Return every row of a kind as a dictionary of plain values, in ID order."""
    plain = {name: _plain(values, name) for name, values in columns(world, kind, family).items()}
    if kind == "destinations":
        plain["hash"] = [hashed(number) for number in plain["ID"]]
    return [dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)]


def _plain(values: Values, name: str) -> list[Any]:
    if name in _TIMES:
        return [text.replace("T", " ") for text in np.datetime_as_string(values).tolist()]
    if name in _TEXTS:
        return list(values.tolist())
    return [None if value == -1 else value for value in values.tolist()]
