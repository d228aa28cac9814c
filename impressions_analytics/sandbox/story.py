"""A world whose readers are known: who really read, what hides it, and what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from impressions_analytics.sandbox import invented
from impressions_analytics.sandbox.opens import HASTES, MACHINE
from impressions_analytics.sandbox.plan import (
    BOUNCE,
    BOUNCED,
    DAY,
    FIRST_DESTINATION,
    FIRST_EMAILING,
    FIRST_PROFILE,
    Plan,
    delivery_fates,
    emailings_table,
    existing,
    seconds,
)
from impressions_analytics.sandbox.tables import RowTable, Values

GMAIL, BROWSER, SCANNER = 1, invented.BROWSER, 24
"""Rows of `invented.AGENTS`: the proxy of the provider that blocks, a browser, and the scanner that surges."""
AWAKE = np.array([0.05] * 6 + [0.4] + [1.0] * 14 + [0.5, 0.3, 0.15])
"""How much of each hour of the day people spend on their mail."""
HOURS = (9.0, 9.5, 10.0, 10.5, 11.0, 20.0)
"""At which hours mailings are sent, in turns."""
READING_HOURS, HASTE_VARIES, READING_SPREAD = 2.5, 0.15, 1.4
QUALITY_VARIES, HABIT_VARIES = 0.25, 1.0
"""How much the log odds of being read vary between mailings, and between recipients."""
PREFETCHED, SCANNED, AGAIN, CLICKED, OTHER_PROGRAM = 0.8, 0.9, 0.35, 0.1, 0.05
LAST_DAYS = 8
"""The days before the end of the world in which nothing is sent unless `Story.last_hours` says so."""


@dataclass(frozen=True, slots=True)
class Story:
    """What happens in a world whose readers are known.

    Attributes
    ----------
    recipients : int
        People on the list; each mailing goes to some 85% of them.
    read : float
        The usual share of delivered messages that is read.
    arms : tuple of float
        The read rates of the arms of a split test: the last mailings, sent at once to recipients split at random.
    images_off : float
        The share of recipients who read and click without images.
    last_hours : int, optional
        How many hours before the end of the world the last mailing is sent; by default days before.
    blocked_from : str, optional
        The day from which the proxy of one provider (Gmail) shows nobody images.
    images_broken_in, scanners_surge_in, errors_surge_in, complaints_surge_in : int, optional
        The mailing in which it happens.
    silent : tuple of str, optional
        The two moments between which no impression is registered.
    """

    recipients: int = 3_000
    read: float = 0.35
    arms: tuple[float, ...] = ()
    images_off: float = 0.05
    last_hours: int | None = None
    blocked_from: str | None = None
    images_broken_in: int | None = None
    scanners_surge_in: int | None = None
    errors_surge_in: int | None = None
    complaints_surge_in: int | None = None
    silent: tuple[str, str] | None = None


def story_sendings(plan: Plan, story: Story) -> tuple[RowTable, RowTable]:
    """Return the emailings and their destinations; a destination says whether and when it was really read."""
    random = plan.random(20)
    sent = _sent(plan, story)
    audiences = _audiences(plan, story, random)
    emailings = emailings_table(sent, np.array([len(one) for one in audiences], np.int64))
    emailing = np.repeat(np.arange(len(audiences), dtype=np.int32), [len(one) for one in audiences])
    profile = np.concatenate([*audiences, np.zeros(0, np.int64)])
    count = len(profile)
    delay, attempts = delivery_fates(count, random)
    more_errors = emailings.columns["ID"][emailing] == (story.errors_surge_in or 0)
    delay[more_errors & (random.random(count) < 8 * BOUNCED)] = BOUNCE
    weights = np.array([agent.weight for agent in invented.AGENTS])
    agents = random.choice(len(weights), story.recipients, p=weights / weights.sum()).astype(np.int16)
    columns = {
        "ID": np.arange(count, dtype=np.int64) + FIRST_DESTINATION,
        "timestamp": sent[emailing],
        "destination": np.arange(count, dtype=np.int32),
        "emailing": emailing,
        "profile": (profile + FIRST_PROFILE).astype(np.int32),
        "subprofile": np.full(count, -1, np.int32),
        "agent": agents[profile],
        "delay": delay,
        "attempts": attempts,
        "images_off": random.random(story.recipients)[profile] < story.images_off,
    }
    habit = random.normal(0, HABIT_VARIES, story.recipients)[profile]
    columns |= _read(plan, story, columns, habit, random)
    return emailings, RowTable(columns, {})


def _sent(plan: Plan, story: Story) -> Values:
    """Return when each mailing is sent: on weekdays, at the usual hours, the arms of a split test together."""
    arms = max(1, len(story.arms))
    days = (
        np.linspace(plan.begin, plan.end - LAST_DAYS * DAY, max(1, plan.emailings - arms + 1)).astype(np.int64) // DAY
    )
    weekday = (days + 3) % 7  # 1970 began on a Thursday
    days -= np.maximum(0, weekday - 4)
    hours = np.array([HOURS[number % len(HOURS)] for number in range(len(days))])
    hours[-1] = HOURS[0]
    sent = days * DAY + (hours * 3600).astype(np.int64)
    if story.last_hours is not None:
        sent[-1] = plan.end - story.last_hours * 3600
    together = np.repeat(sent[-1], arms - 1)
    return np.concatenate([sent, together])[: plan.emailings]


def _audiences(plan: Plan, story: Story, random: np.random.Generator) -> list[Values]:
    """Return the recipients of each mailing, numbered from 0."""
    whole = plan.emailings - len(story.arms)
    audiences = [np.flatnonzero(random.random(story.recipients) < random.uniform(0.75, 0.95)) for _ in range(whole)]
    if story.arms:
        arm = random.integers(0, len(story.arms), story.recipients)
        audiences += [np.flatnonzero(arm == number) for number in range(len(story.arms))]
    return audiences


def _read(
    plan: Plan, story: Story, columns: dict[str, Values], habit: Values, random: np.random.Generator
) -> dict[str, Values]:
    """Decide who reads, and when: people read while they are awake, some mailings are read sooner than others."""
    quality = random.normal(_odds(story.read), QUALITY_VARIES, plan.emailings)
    if story.arms:
        quality[-len(story.arms) :] = [_odds(rate) for rate in story.arms]
    # The habits of recipients pull a rate towards one half; this much steeper odds make up for it.
    steeper = np.sqrt(1 + np.pi * HABIT_VARIES**2 / 8)
    odds = steeper * quality[columns["emailing"]] + habit
    willing = random.random(len(odds)) < 1 / (1 + np.exp(-odds))
    haste = np.log(READING_HOURS) + random.normal(0, HASTE_VARIES, plan.emailings)
    if story.arms:
        haste[-len(story.arms) :] = haste[-1]
    awake = random.lognormal(haste[columns["emailing"]], READING_SPREAD)
    begin = columns["timestamp"] + columns["delay"]
    return {"read": willing & (columns["delay"] != BOUNCE), "read_at": begin + _on_the_clock(begin, awake)}


def _on_the_clock(begin: Values, awake: Values) -> Values:
    """Return after how many seconds somebody has spent so many waking hours."""
    delay = np.zeros(len(begin), np.int64)
    quarters = np.arange(0, 24 * 60, 0.25)
    starts = begin // 900 * 900
    for start in np.unique(starts):
        clock = (start % DAY / 3600 + quarters) % 24
        spent = np.concatenate([[0], np.cumsum(0.25 * AWAKE[clock.astype(int)])[:-1]])
        these = starts == start
        delay[these] = (3600 * np.interp(awake[these], spent, quarters)).astype(np.int64)
    return delay


def _odds(rate: float) -> float:
    return float(np.log(rate / (1 - rate)))


def story_opened(plan: Plan, story: Story, destinations: RowTable) -> tuple[Values, Values, Values]:
    """Return destination, timestamp and program of every impression: of readers, mailboxes and scanners."""
    random = plan.random(21)
    columns = destinations.columns
    count = len(destinations)
    mailbox = HASTES[columns["agent"]]
    there = columns["delay"] != BOUNCE
    before = there & (mailbox == "prefetch") & (random.random(count) < PREFETCHED)
    # What a mailbox fetched before is not fetched again when it is read.
    sees = columns["read"] & ~columns["images_off"] & ~before & ~_blocked(story, columns)
    readers = np.flatnonzero(sees)
    again = readers[random.random(len(readers)) < AGAIN]
    arrived = columns["timestamp"] + columns["delay"]
    fetched = np.flatnonzero(before)
    surge = _of(story.scanners_surge_in, columns) & (random.random(count) < 0.15)
    scanned = np.flatnonzero(there & (random.random(count) < SCANNED) & ((mailbox == "bot") | surge))
    destination = np.concatenate([readers, again, fetched, scanned]).astype(np.int32)
    timestamp = np.concatenate([
        columns["read_at"][readers],
        columns["read_at"][again] + random.exponential(DAY, len(again)).astype(np.int64),
        arrived[fetched] + random.exponential(900, len(fetched)).astype(np.int64),
        arrived[scanned] + random.exponential(8, len(scanned)).astype(np.int64),
    ])  # fmt: skip
    agent = columns["agent"][destination].copy()
    behind_scanner = mailbox[readers] == "bot"
    agent[: len(readers)][behind_scanner | (random.random(len(readers)) < OTHER_PROGRAM)] = BROWSER
    agent[len(agent) - len(scanned) :] = np.where(
        MACHINE[columns["agent"][scanned]], columns["agent"][scanned], np.int16(SCANNER)
    )
    timestamp = existing(timestamp)
    kept = (timestamp < plan.end) & ~_lost(story, columns, destination, timestamp)
    return destination[kept], timestamp[kept], agent[kept]


def _blocked(story: Story, columns: dict[str, Values]) -> Values:
    """Return whose provider shows no images: those of one proxy, from a day on."""
    if story.blocked_from is None:
        return np.zeros(len(columns["ID"]), bool)
    blocked: Values = (columns["agent"] == GMAIL) & (columns["read_at"] >= seconds(story.blocked_from))
    return blocked


def _of(mailing: int | None, columns: dict[str, Values]) -> Values:
    of: Values = columns["emailing"] + FIRST_EMAILING == (-1 if mailing is None else mailing)
    return of


def _lost(story: Story, columns: dict[str, Values], destination: Values, timestamp: Values) -> Values:
    """Return which impressions nobody registered: of broken images, and of silent hours."""
    lost: Values = _of(story.images_broken_in, columns)[destination]
    if story.silent is not None:
        begin, end = (seconds(text) for text in story.silent)
        lost |= (timestamp >= begin) & (timestamp < end)
    return lost


def story_clicks(plan: Plan, destinations: RowTable) -> tuple[Values, Values, Values]:
    """Return destination, timestamp and program of every click: people click whether they see images or not."""
    random = plan.random(22)
    columns = destinations.columns
    person = HASTES[columns["agent"]] != "bot"
    chosen = np.flatnonzero(columns["read"] & person & (random.random(len(destinations)) < CLICKED))
    timestamp = existing(columns["read_at"][chosen] + random.integers(1, 100, len(chosen)))
    direct = HASTES[columns["agent"][chosen]] == "person"
    agent = np.where(direct, columns["agent"][chosen], np.int16(BROWSER))
    order = np.argsort(timestamp, kind="stable")
    order = order[timestamp[order] < plan.end]
    return chosen[order].astype(np.int32), timestamp[order], agent[order]


def complaining(story: Story, destinations: RowTable) -> Values:
    """Return how many times as often as usual each recipient complains."""
    return np.where(_of(story.complaints_surge_in, destinations.columns), 25.0, 1.0)
