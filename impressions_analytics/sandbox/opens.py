"""Invented opens: most of them soon after delivery, fewer over the days, and few at night."""

from __future__ import annotations

from functools import cache

import numpy as np

from impressions_analytics.sandbox import invented
from impressions_analytics.sandbox.plan import BOUNCE, CLOCK_CHANGES, DAY, Plan, existing, seconds
from impressions_analytics.sandbox.tables import RowTable, Values

OPENED = {"person": 0.38, "proxy": 0.38, "prefetch": 0.8, "bot": 0.9}
"""The share of delivered messages that is opened, by who fetches: a mailbox fetches most of what it is sent."""
SECOND_PROGRAM = 0.12
"""The share of impressions fetched by another program than the recipient's usual one."""
AWAY_FROM_HOME = 0.25
"""The share of impressions fetched from another address than the recipient's usual one."""
MORNING_AFTER = 0.75
"""The share of opens between midnight and six that wait for the morning instead."""
ADDRESSES = 6_000
DOCUMENTED = 11
"""The destination that the API's documentation asks for, number 112: it always has an impression."""
HASTES = np.array([agent.haste for agent in invented.AGENTS])
MACHINE = np.isin(HASTES, ["prefetch", "bot"])


def opened(plan: Plan, destinations: RowTable, random: np.random.Generator) -> tuple[Values, Values, Values]:
    """Draw destination, timestamp and program of every impression, in no order."""
    if not plan.impressions:
        return np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.int16)
    delivered = destinations.columns["delay"] != BOUNCE
    chance = np.array([OPENED[agent.haste] for agent in invented.AGENTS], np.float32)[destinations.columns["agent"]]
    willing = delivered & (random.random(len(destinations), dtype=np.float32) < chance)
    willing[DOCUMENTED] = False
    openers = np.flatnonzero(willing).astype(np.int32)
    count = plan.impressions
    random.shuffle(openers)
    openers = np.concatenate([np.array([DOCUMENTED], np.int32), openers])
    first = openers[:count]
    again = openers[::-1][(random.random(count - len(first)) ** 1.5 * len(openers)).astype(np.int64)]
    destination = np.concatenate([first, again])
    agent = destinations.columns["agent"][destination]
    other = random.random(count, dtype=np.float32) < SECOND_PROGRAM
    agent[other] = random.integers(0, len(invented.AGENTS), int(other.sum()))
    since = (destinations.columns["timestamp"] + destinations.columns["delay"])[destination]
    timestamp = since + _delays(agent, np.arange(count) >= len(first), random)
    timestamp = _by_day(timestamp, agent, random)
    return destination, _within(timestamp, since, plan, random), agent


def _delays(agent: Values, again: Values, random: np.random.Generator) -> Values:
    """Return the seconds from delivery to opening: seconds for machines, hours for people, days for a second look."""
    count = len(agent)
    haste = HASTES[agent]
    delay = random.lognormal(np.log(2.5 * 3600), 1.6, count)
    delay[haste == "prefetch"] = random.exponential(900, int((haste == "prefetch").sum()))
    delay[haste == "bot"] = random.exponential(8, int((haste == "bot").sum()))
    delay[again] += random.exponential(1.5 * DAY, int(again.sum()))
    return delay.astype(np.int64)


def _by_day(timestamp: Values, agent: Values, random: np.random.Generator) -> Values:
    asleep = (timestamp % DAY < 6 * 3600) & ~MACHINE[agent] & (random.random(len(timestamp)) < MORNING_AFTER)
    return timestamp + np.where(asleep, 7 * 3600, 0)


def _within(timestamp: Values, since: Values, plan: Plan, random: np.random.Generator) -> Values:
    """Keep every timestamp before the world's end and at an hour that exists; put a few in the repeated hour."""
    room = np.maximum(plan.end - since, 1)
    timestamp = np.where(timestamp >= plan.end, since + (random.random(len(since)) * room).astype(np.int64), timestamp)
    for _, autumn in CLOCK_CHANGES:
        repeated = seconds(autumn) + 7200
        if plan.begin <= repeated < plan.end:
            able = np.flatnonzero((since < repeated) & (timestamp > repeated))[: 2 + len(since) // 5000]
            timestamp[able] = repeated + random.integers(0, 3600, len(able))
    return existing(timestamp)


def address_of(recipient: Values, random: np.random.Generator) -> Values:
    """Draw an address code for each recipient: mostly the usual one, sometimes any."""
    usual = recipient.astype(np.int64) * 2_654_435_761 % ADDRESSES
    away = random.random(len(recipient), dtype=np.float32) < AWAY_FROM_HOME
    return np.where(away, random.integers(0, ADDRESSES, len(recipient)), usual).astype(np.int16)


@cache
def impression_vocabularies() -> dict[str, tuple[str | None, ...]]:
    """Return what the codes of address and program stand for.

    Examples
    --------
    >>> impression_vocabularies()["ip"][:2], impression_vocabularies()["ip"][-1]
    (('192.0.2.0', '192.0.2.1'), '2001:db8:6:11::1')
    """
    fours = [f"{network}.{host}" for network in invented.IPV4_NETWORKS for host in range(256)]
    sixes = [f"{invented.IPV6_PREFIX}:{number // 997:x}:{number % 997:x}::1" for number in range(len(fours), ADDRESSES)]
    return {"ip": (*fours, *sixes), "useragent": tuple(agent.text for agent in invented.AGENTS)}
