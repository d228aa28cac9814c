"""The size of the invented account, and its emailings and destinations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from impressions_analytics.sandbox import invented
from impressions_analytics.sandbox.tables import RowTable, Values

if TYPE_CHECKING:
    from impressions_analytics.sandbox.story import Story

DAY = 86_400
FIRST_EMAILING, FIRST_DESTINATION, FIRST_PROFILE, FIRST_SUBPROFILE, FIRST_TEMPLATE = 401, 101, 13_001, 700_001, 31
DESTINATIONS_PER_IMPRESSION = 1.2
BOUNCED, DEFERRED, WITH_SUBPROFILE = 0.025, 0.03, 0.08
SENT_PER_SECOND = 50
"""How fast an emailing's messages leave; the last leaves later than the first, as with a real mailer."""
BOUNCE = -1
"""The delivery delay of a message that was never delivered."""


CLOCK_CHANGES = (("2025-03-30", "2025-10-26"), ("2026-03-29", "2026-10-25"), ("2027-03-28", "2027-10-31"))
"""The days on which Amsterdam's clock skips, and repeats, the hour from 02:00 to 03:00."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to invent: sizes, a seed and the days between which everything happens.

    With a story the world is one whose readers are known, and the number of impressions follows from it.

    Examples
    --------
    >>> Plan(impressions=100, last_day="2025-01-01")
    Traceback (most recent call last):
        ...
    ValueError: first_day 2025-09-15 and last_day 2025-01-01 leave less than a week to send and open in
    """

    impressions: int = 10_000
    emailings: int = 12
    seed: int = 1
    first_day: str = "2025-09-15"
    last_day: str = "2026-06-27"
    family: int = 0
    story: Story | None = None

    def __post_init__(self) -> None:
        if self.impressions < 0 or self.emailings < 0 or (self.impressions and not self.emailings):
            raise ValueError(
                f"impressions is {self.impressions} and emailings is {self.emailings}; "
                "neither is negative, and impressions need at least one emailing"
            )
        if self.end - self.begin < 7 * DAY:
            raise ValueError(
                f"first_day {self.first_day} and last_day {self.last_day} leave less than a week to send and open in"
            )

    @property
    def begin(self) -> int:
        """The first second of the first day, counted from 1970 in the account's wall clock."""
        return seconds(self.first_day)

    @property
    def end(self) -> int:
        """The first second after the last day."""
        return seconds(self.last_day) + DAY

    def random(self, *what: int) -> np.random.Generator:
        """Return the random numbers for one part of the world, the same whatever other parts were drawn."""
        return np.random.default_rng([self.seed, self.family, *what])


def seconds(text: str) -> int:
    """Return a wall-clock time as seconds from 1970.

    Examples
    --------
    >>> seconds("1970-01-02"), seconds("1970-01-01 00:01:05")
    (86400, 65)
    """
    return int(np.datetime64(text.replace(" ", "T"), "s").astype(np.int64))


def existing(timestamp: Values) -> Values:
    """Move times in the hour that the clock skips in spring an hour on.

    Examples
    --------
    >>> existing(np.array([seconds("2026-03-29 02:10:00")])) == seconds("2026-03-29 03:10:00")
    array([ True])
    """
    for spring, _ in CLOCK_CHANGES:
        skipped = seconds(spring) + 7200
        timestamp = np.where((timestamp >= skipped) & (timestamp < skipped + 3600), timestamp + 3600, timestamp)
    return timestamp


def sendings(plan: Plan) -> tuple[RowTable, RowTable]:
    """Return the emailings and their destinations, both in ID order."""
    random = plan.random(0)
    sizes = _sizes(plan, random)
    emailings = _emailings(plan, sizes, random)
    return emailings, _destinations(plan, sizes, emailings.columns["timestamp"], random)


def _sizes(plan: Plan, random: np.random.Generator) -> Values:
    if not plan.emailings:
        return np.zeros(0, np.int64)
    messages = max(plan.emailings, int(plan.impressions * DESTINATIONS_PER_IMPRESSION) + 12)
    shares = random.uniform(0.5, 1.5, plan.emailings)
    sizes: Values = np.maximum(1, (messages * shares / shares.sum()).astype(np.int64))
    sizes[0] += max(0, messages - int(sizes.sum()))
    return sizes


def _emailings(plan: Plan, sizes: Values, random: np.random.Generator) -> RowTable:
    count = len(sizes)
    days = np.linspace(plan.begin, plan.end - 6 * DAY, max(count, 1))[:count].astype(np.int64) // DAY
    at_work = random.integers(7 * 3600, 16 * 3600, count) // 300 * 300
    return emailings_table(np.sort(days * DAY + at_work), sizes)


def emailings_table(timestamps: Values, sizes: Values) -> RowTable:
    """Return the emailings that were sent at these times to so many recipients."""
    count = len(sizes)
    return RowTable(
        {
            "ID": np.arange(count, dtype=np.int64) + FIRST_EMAILING,
            "timestamp": timestamps,
            "template": np.arange(count) // 2 + FIRST_TEMPLATE,
            "subject": np.arange(count) % len(invented.SUBJECTS),
            "from_name": np.zeros(count, np.int8),
            "from_email": np.zeros(count, np.int8),
            "from_address": np.zeros(count, np.int8),
            "destinations": sizes,
            "type": (sizes == 1).astype(np.int8),
            "target": np.zeros(count, np.int8),
        },
        {
            "subject": invented.SUBJECTS,
            "from_name": ("Example Shop",),
            "from_email": ("news@example.com",),
            "from_address": ('{"name":"Example Shop","email":"news@example.com"}',),
            "type": ("mass", "individual"),
            "target": ('{"type":"database","sources":[{"id":"7","type":"database"}]}',),
        },
    )


def _destinations(plan: Plan, sizes: Values, sent: Values, random: np.random.Generator) -> RowTable:
    count = int(sizes.sum())
    profiles = int(sizes.max(initial=1) * 1.15) + 1
    emailing = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    place = np.arange(count) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    recipients = [np.sort(random.permutation(profiles)[:size]).astype(np.int32) for size in sizes]
    profile = np.concatenate([*recipients, np.zeros(0, np.int32)])
    has_subprofile = random.random(profiles) < WITH_SUBPROFILE
    weights = np.array([agent.weight for agent in invented.AGENTS])
    agents = random.choice(len(weights), profiles, p=weights / weights.sum()).astype(np.int16)
    delay, attempts = delivery_fates(count, random)
    return RowTable(
        {
            "ID": np.arange(count, dtype=np.int64) + FIRST_DESTINATION,
            "timestamp": sent[emailing] + place // SENT_PER_SECOND,
            "destination": np.arange(count, dtype=np.int32),
            "emailing": emailing,
            "profile": profile + np.int32(FIRST_PROFILE),
            "subprofile": np.where(has_subprofile[profile], profile + np.int32(FIRST_SUBPROFILE), np.int32(-1)),
            "agent": agents[profile],
            "delay": delay,
            "attempts": attempts,
        },
        {},
    )


def delivery_fates(count: int, random: np.random.Generator) -> tuple[Values, Values]:
    """Return the seconds from sending to delivery (`BOUNCE` where there was none) and the attempts it took."""
    fate = random.random(count, dtype=np.float32)
    attempts = np.ones(count, np.int16)
    delay = random.integers(1, 20, count, dtype=np.int32)
    deferred = np.flatnonzero(fate > 1 - DEFERRED)
    attempts[deferred] = random.integers(2, 6, len(deferred))
    delay[deferred] += attempts[deferred].astype(np.int32) * 900
    bounced = fate < BOUNCED
    bounced[:12] = False
    delay[bounced] = BOUNCE
    return delay, attempts
