"""The invented events: what happened to the destinations, drawn with numpy, each kind consistent with the others."""

from __future__ import annotations

import numpy as np

from impressions_analytics.sandbox import invented
from impressions_analytics.sandbox.opens import MACHINE, address_of, impression_vocabularies, opened
from impressions_analytics.sandbox.plan import BOUNCE, Plan, existing
from impressions_analytics.sandbox.story import complaining, story_clicks, story_opened
from impressions_analytics.sandbox.tables import RowTable, Values

CLICKED, COMPLAINED, UNSUBSCRIBED, SOFT_ERROR = 0.12, 0.0008, 0.006, 0.3
LATE = 0.005
"""The share of impressions that the account learns of late: their ID is higher than their timestamp suggests."""


def impressions(plan: Plan, destinations: RowTable) -> RowTable:
    """Draw the impressions: several per destination are normal, most of them soon after delivery."""
    random = plan.random(1)
    story = plan.story
    drawn = story_opened(plan, story, destinations) if story else opened(plan, destinations, random)
    destination, timestamp, agent = drawn
    lateness = np.where(random.random(len(timestamp)) < LATE, random.exponential(3600, len(timestamp)), 0)
    by_arrival = np.argsort(timestamp + lateness.astype(np.int64), kind="stable")
    destination, timestamp, agent = destination[by_arrival], timestamp[by_arrival], agent[by_arrival]
    columns = {"useragent": agent, "ip": address_of(destinations.columns["profile"][destination], random)}
    return _table(random, destination, timestamp, columns, impression_vocabularies())


def arriving(plan: Plan, last: int, destination: Values, timestamp: Values, number: int) -> dict[str, Values]:
    """Draw the columns of impressions that arrive later, in the order in which they are given."""
    random = plan.random(9, number)
    count = len(timestamp)
    agents = random.integers(0, len(invented.AGENTS), count).astype(np.int16)
    return {
        "ID": last + 1 + np.arange(count, dtype=np.int64),
        "timestamp": timestamp,
        "destination": destination.astype(np.int32),
        "useragent": agents,
        "ip": address_of(destination, random),
        "referer": np.zeros(count, np.int8),
    }


def clicks(plan: Plan, destinations: RowTable, opens: RowTable) -> RowTable:
    """Draw the clicks: each follows an impression of its destination by less than two minutes."""
    random = plan.random(2)
    if plan.story:
        return _clicked(random, destinations, *story_clicks(plan, destinations))
    agent = opens.columns["useragent"][: plan.impressions]
    chosen = np.flatnonzero((random.random(len(agent)) < CLICKED) & ~MACHINE[agent])
    timestamp = opens.columns["timestamp"][chosen] + random.integers(1, 100, len(chosen))
    chosen, timestamp = _in_time(chosen, timestamp, plan)
    proxied = np.array([row.haste != "person" for row in invented.AGENTS])[agent[chosen]]
    columns = {
        "link": random.integers(0, len(invented.LINKS), len(chosen)).astype(np.int8),
        "ip": opens.columns["ip"][chosen],
        "useragent": np.where(proxied, np.int16(invented.BROWSER), agent[chosen]),
    }
    vocabularies = {**impression_vocabularies(), "link": invented.LINKS}
    return _table(random, opens.columns["destination"][chosen], timestamp, columns, vocabularies)


def _clicked(
    random: np.random.Generator, destinations: RowTable, destination: Values, timestamp: Values, agent: Values
) -> RowTable:
    """Return the clicks of a story, which need no impression before them."""
    columns = {
        "link": random.integers(0, len(invented.LINKS), len(destination)).astype(np.int8),
        "ip": address_of(destinations.columns["profile"][destination], random),
        "useragent": agent,
    }
    return _table(random, destination, timestamp, columns, {**impression_vocabularies(), "link": invented.LINKS})


def deliveries(plan: Plan, destinations: RowTable) -> RowTable:
    """Return one delivery for every destination that did not bounce."""
    columns = destinations.columns
    timestamp = columns["timestamp"] + columns["delay"]
    chosen, timestamp = _in_time(np.flatnonzero(columns["delay"] != BOUNCE), timestamp, plan, taken=False)
    return _table(plan.random(3), chosen, timestamp, {"attempts": columns["attempts"][chosen]}, {})


def errors(plan: Plan, destinations: RowTable) -> RowTable:
    """Return one error for every destination that bounced, and passing ones for some that were delivered late."""
    random = plan.random(4)
    columns = destinations.columns
    soft = (columns["attempts"] > 1) & (random.random(len(destinations)) < SOFT_ERROR)
    bounced = columns["delay"] == BOUNCE
    timestamp = columns["timestamp"] + random.integers(1, 600, len(destinations))
    chosen, timestamp = _in_time(np.flatnonzero(soft | bounced), timestamp, plan, taken=False)
    code = np.where(bounced[chosen], np.array([0, 1, 3, 4])[random.integers(0, 4, len(chosen))], 2).astype(np.int8)
    names = ("status", "errorcode", "description", "errortype")
    words = dict(zip(names, zip(*invented.ERRORS, strict=True), strict=True))
    return _table(random, chosen, timestamp, dict.fromkeys(names, code), words)


def abuses(plan: Plan, destinations: RowTable) -> RowTable:
    """Draw complaints: a few delivered destinations, within two days."""
    random = plan.random(5)
    more = complaining(plan.story, destinations) if plan.story else 1
    chosen, timestamp = _some_delivered(plan, destinations, COMPLAINED * more, random)
    reports = random.integers(0, len(invented.REPORTS), len(chosen)).astype(np.int8)
    return _table(random, chosen, timestamp, {"report": reports}, {"report": invented.REPORTS})


def unsubscribes(plan: Plan, destinations: RowTable) -> RowTable:
    """Draw unsubscribes: some delivered destinations, within two days."""
    random = plan.random(6)
    chosen, timestamp = _some_delivered(plan, destinations, UNSUBSCRIBED, random)
    columns = {
        "source": random.integers(0, len(invented.SOURCES), len(chosen)).astype(np.int8),
        "ip": address_of(destinations.columns["profile"][chosen], random),
        "useragent": np.full(len(chosen), invented.BROWSER, np.int16),
        "success": (random.random(len(chosen)) < 0.97).astype(np.int8),
    }
    vocabularies = {**impression_vocabularies(), "source": invented.SOURCES, "success": ("false", "true")}
    return _table(random, chosen, timestamp, columns, vocabularies)


def _some_delivered(
    plan: Plan, destinations: RowTable, share: float | Values, random: np.random.Generator
) -> tuple[Values, Values]:
    columns = destinations.columns
    delivered = columns["delay"] != BOUNCE
    chosen = np.flatnonzero(delivered & (random.random(len(destinations)) < share))
    after = random.integers(60, 2 * 86_400, len(chosen))
    return _in_time(chosen, (columns["timestamp"] + columns["delay"])[chosen] + after, plan)


def _in_time(rows: Values, timestamp: Values, plan: Plan, *, taken: bool = True) -> tuple[Values, Values]:
    """Return the rows with their timestamps, without those after the world's end, in order of time."""
    timestamp = existing(timestamp if taken else timestamp[rows])
    rows, timestamp = rows[timestamp < plan.end], timestamp[timestamp < plan.end]
    order = np.argsort(timestamp, kind="stable")
    return rows[order], timestamp[order]


def _table(
    random: np.random.Generator,
    destination: Values,
    timestamp: Values,
    columns: dict[str, Values],
    vocabularies: dict[str, tuple[str | None, ...]],
) -> RowTable:
    count = len(timestamp)
    gaps = random.integers(1, 4, count)
    gaps[:1] = 1
    referer = random.integers(0, len(invented.REFERERS), count).astype(np.int8)
    return RowTable(
        {
            "ID": np.cumsum(gaps),
            "timestamp": timestamp,
            "destination": destination.astype(np.int32),
            **columns,
            **({"referer": referer} if "useragent" in columns else {}),
        },
        {**vocabularies, "referer": invented.REFERERS},
    )
