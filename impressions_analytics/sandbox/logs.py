"""The daily log files: which days are kept, what their files are called, and the records of one file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from impressions_analytics.sandbox.behaviour import Behaviour
from impressions_analytics.sandbox.plan import DAY, FIRST_DESTINATION, FIRST_EMAILING, FIRST_TEMPLATE
from impressions_analytics.sandbox.query import BadRequestError
from impressions_analytics.sandbox.tables import Rows, Values
from impressions_analytics.sandbox.views import Views
from impressions_analytics.sandbox.wire import clock, hashed, vocabulary
from impressions_analytics.sandbox.world import World

NO_FILE = "No logfile with supplied name"
RETRY_SECONDS = 900
FAMILIES = {"cdm": "ms", "pom": "publisher"}
"""What the names of a family's files begin with."""
PREFIXES: dict[str, tuple[str, str]] = {
    f"{letters}-{word}": (family, kind)
    for letters, family in FAMILIES.items()
    for kind, words in {
        "impressions": ("impression", "impressions"), "clicks": ("click", "clicks"),
        "deliveries": ("delivery", "deliveries"), "errors": ("error", "errors"), "abuses": ("abuse", "abuses"),
        "unsubscribes": ("unsubscribe", "unsubscribes"), "attempts": ("attempts", "attempts"),
        "retries": ("retry", "retries"),
    }.items()
    for word in (words[family == "publisher"],)
}  # fmt: skip
"""Family and kind by what a file's name begins with: ``cdm-impression``, ``pom-impressions`` and so on."""

_WHO = "profile subprofile template"
_PLACE = "countrycode countryname regioncode city"
_KEYS: dict[tuple[str, str], str] = {
    ("ms", "impressions"): f"id time ip header email tags {_PLACE} senderdomain {_WHO}",
    ("ms", "clicks"): f"id senderdomain time linkinfo ip header email tags {_PLACE} {_WHO}",
    ("ms", "deliveries"): f"id time attempts email tags senderdomain {_WHO}",
    ("ms", "errors"): f"id time type status description code email tags senderdomain {_WHO}",
    ("ms", "attempts"): "id time mailingid profileid subprofileid databaseid collectionid senderdomain templateid "
    "tags email",
    ("ms", "retries"): f"id time attempt email tags senderdomain {_WHO}",
    ("ms", "abuses"): f"id time mail email tags senderdomain {_WHO}",
    ("ms", "unsubscribes"): f"id time email tags senderdomain {_WHO}",
    ("publisher", "impressions"): f"id time ip header email tags {_PLACE} senderdomain groupid {_WHO} document",
    ("publisher", "clicks"): f"id time ip header email tags {_PLACE} linkinfo senderdomain groupid {_WHO} document",
    ("publisher", "deliveries"): f"id time attempts email tags senderdomain groupid {_WHO} document",
    ("publisher", "errors"): f"id time type status description code content email tags senderdomain groupid {_WHO} "
    "document",
    ("publisher", "attempts"): "id time groupid mailingid profileid subprofileid databaseid collectionid senderdomain "
    "templateid documentid tags email",
    ("publisher", "retries"): f"id time attempts email tags senderdomain groupid {_WHO} document",
    ("publisher", "abuses"): f"id time mail email tags senderdomain groupid {_WHO} document",
    ("publisher", "unsubscribes"): f"id time email tags senderdomain groupid {_WHO} document",
}  # fmt: skip
"""The keys of a record, in the order of the documentation."""
TABLES = ("impressions", "clicks", "deliveries", "errors", "abuses", "unsubscribes")

PROVIDERS = {1: "gmail.com", 0: "icloud.com", 3: "yahoo.com"}
"""The provider of recipients whose usual program is this row of `invented.AGENTS`."""
OTHER_PROVIDERS = ("outlook.com", "ziggo.nl", "kpnmail.nl", "telenet.be", "shop.example.com")
PLACES = {
    "192.0.2.": ("NL", "Netherlands", "NH", "Amsterdam"),
    "198.51.100.": ("BE", "Belgium", "VAN", "Antwerpen"),
    "203.0.113.": ("DE", "Germany", "BE", "Berlin"),
    "2001:": ("NL", "Netherlands", "UT", "Utrecht"),
}
_NAME = re.compile(r"(?P<prefix>[a-z-]+)\.(?P<day>\d{4}-\d{2}-\d{2})\.log")


def log_files(parameters: Sequence[tuple[str, str]], views: Callable[[str], Views], behaviour: Behaviour) -> bytes:
    """Answer the dates of which files are kept, or the names of the files of a date, a type, or both."""
    asked = dict(parameters)
    days = kept_days(views, behaviour)
    if not {"date", "type"} & set(asked):
        return json.dumps(days).encode()
    wanted = [day for day in days if asked.get("date", day) == day]
    names = []
    for prefix, (family, kind) in PREFIXES.items():
        if asked.get("type", prefix) == prefix:
            held = _days_of(views(family).world, kind, behaviour)
            names += [f"{prefix}.{day}.log" for day in wanted if day in held]
    return json.dumps(names).encode()


def log_file(name: str, views: Callable[[str], Views], behaviour: Behaviour) -> bytes:
    """Answer all records of one file, in the order of their time."""
    match = _NAME.fullmatch(name)
    if not match or match["prefix"] not in PREFIXES or match["day"] not in kept_days(views, behaviour):
        raise BadRequestError(NO_FILE)
    family, kind = PREFIXES[match["prefix"]]
    records = list(log_records(views(family).world, family, kind, match["day"], behaviour))
    return json.dumps(records, separators=(",", ":")).replace("/", "\\/").encode()


def kept_days(views: Callable[[str], Views], behaviour: Behaviour) -> list[str]:
    """Return the days on which anything happened, oldest first; only the latest where the behaviour says so."""
    days: set[str] = set()
    for family, kind in PREFIXES.values():
        days |= _days_of(views(family).world, kind, behaviour)
    return sorted(days) if behaviour.log_days is None else sorted(days)[-behaviour.log_days :]


def _days_of(world: World, kind: str, behaviour: Behaviour) -> set[str]:
    """Return the days of which a kind has records."""
    times = world.table(kind).columns["timestamp"] if kind in TABLES else _tries(world, kind)[1]
    days = np.unique((times - behaviour.log_cut_seconds) // DAY)
    return set(np.datetime_as_string(days.astype("datetime64[D]")).tolist())


def log_records(world: World, family: str, kind: str, day: str, behaviour: Behaviour) -> Iterator[dict[str, Any]]:
    """Give the records of a kind and day, with the keys that the documentation names."""
    columns = _columns(world, kind, *_moments(world, kind, day, behaviour))
    keys = _KEYS[family, kind].split()
    for values in zip(*(columns[key] for key in keys), strict=True):
        yield dict(zip(keys, values, strict=True))


def _moments(world: World, kind: str, day: str, behaviour: Behaviour) -> tuple[Rows, Values, Values]:
    """Return the rows of the kind's table that a file holds, the time of each record, and how many tries came before.

    Attempts and retries are rows of the destinations' table, once for each try.
    """
    begin = int(np.datetime64(day, "s").astype(np.int64)) + behaviour.log_cut_seconds
    if kind in TABLES:
        rows = world.table(kind).by("timestamp").between(begin, begin + DAY)
        return rows, world.table(kind).columns["timestamp"][rows], np.zeros(len(rows), np.int64)
    rows, times, tries = _tries(world, kind)
    chosen = np.flatnonzero((times >= begin) & (times < begin + DAY))
    chosen = chosen[np.argsort(times[chosen], kind="stable")]
    return rows[chosen], times[chosen], tries[chosen]


def _tries(world: World, kind: str) -> tuple[Rows, Values, Values]:
    """Return each try to deliver a message: the message, the time, and how many tries came before."""
    sent = world.destinations.columns["timestamp"]
    first = 0 if kind == "attempts" else 1
    count = np.maximum(world.destinations.columns["attempts"].astype(np.int64), 1) - first
    rows = np.repeat(np.arange(len(sent), dtype=np.int32), count)
    tries = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count) + first
    return rows, sent[rows] + tries * RETRY_SECONDS, tries


def _columns(world: World, kind: str, rows: Rows, times: Values, tries: Values) -> dict[str, Sequence[Any]]:
    """Return every value that a record of the kind may have, by key."""
    table = world.table(kind if kind in TABLES else "destinations")
    message = table.columns["destination"][rows].astype(np.int64)
    messages = world.destinations.columns
    count = len(rows)
    emailing = messages["emailing"][message]
    template = (emailing // 2 + FIRST_TEMPLATE).tolist()
    profile = messages["profile"][message].tolist()
    subprofile = [max(number, 0) for number in messages["subprofile"][message].tolist()]
    found: dict[str, Sequence[Any]] = {
        "id": [hashed(number + FIRST_DESTINATION) for number in message.tolist()], "time": clock(times),
        "profile": profile, "subprofile": subprofile, "template": template,
        "profileid": profile, "subprofileid": subprofile, "templateid": template,
        "mailingid": (emailing + FIRST_EMAILING).tolist(), "databaseid": [7] * count, "collectionid": [0] * count,
        "groupid": (emailing + FIRST_EMAILING).tolist(), "document": [114] * count, "documentid": [114] * count,
        "email": list(map(_address, profile, messages["agent"][message].tolist())),
        "tags": ["test1;Test2" if number % 2 else "" for number in emailing.tolist()],
        "senderdomain": ["mail.example.com"] * count,
        "attempts": messages["attempts"][message].tolist() if kind == "deliveries" else (tries - 1).tolist(),
        "attempt": (tries - 1).tolist(),
    }  # fmt: skip
    return found | _of_kind(world, kind, rows)


def _of_kind(world: World, kind: str, rows: Rows) -> dict[str, Sequence[Any]]:
    def words(name: str) -> list[Any]:
        vocabulary_ = vocabulary(world, kind, name)
        return [vocabulary_[code] for code in world.table(kind).columns[name][rows].tolist()]

    if kind == "errors":
        names = {"type": "errortype", "status": "status", "description": "description", "code": "errorcode"}
        return {**{key: words(name) for key, name in names.items()}, "content": [""] * len(rows)}
    if kind == "abuses":
        return {"mail": words("report")}
    if kind not in ("impressions", "clicks"):
        return {}
    places = [next(place for start, place in PLACES.items() if ip.startswith(start)) for ip in words("ip")]
    found: dict[str, Sequence[Any]] = {
        key: [place[number] for place in places]
        for number, key in enumerate(("countrycode", "countryname", "regioncode", "city"))
    }
    if kind == "clicks":
        found["linkinfo"] = [3001 + code for code in world.table(kind).columns["link"][rows].tolist()]
    return found | {"ip": words("ip"), "header": [_header(agent) for agent in words("useragent")]}


def _header(agent: str | None) -> str:
    said = "" if agent is None else f"User-Agent: {agent}\r\n"
    return f"Host: mail.example.com\r\n{said}Accept: image/*\r\n"


def _address(profile: int, agent: int) -> str:
    provider = PROVIDERS.get(agent) or OTHER_PROVIDERS[profile % len(OTHER_PROVIDERS)]
    return f"invented-reader-{profile}@{provider}"
