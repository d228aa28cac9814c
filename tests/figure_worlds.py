"""Invented mailings of which is known who read them, to hold the figures against the truth.

``python tests/figure_worlds.py`` prints the table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

import impressions_analytics as ia

OUTLOOK = "Microsoft Outlook 2007, WinXP"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
)
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
PREFETCH, SCANNER = "Mozilla/5.0", "curl/8.4.0"
FIGURES = ["unique_opens", "unique_opens_not_only_machines", "delivered", "open_rate_low", "open_rate_high",
           "estimated_open_rate"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class World:
    """A mailing: which share of its recipients is read how, and what machines do to it.

    Attributes
    ----------
    name : str
        What is special about it.
    apple, gmail : float
        The shares of recipients with Apple's privacy protection, and with Gmail; the others use Outlook.
    prefetched : float
        The share of Apple's messages that Apple fetches, read or not.
    images_off : float
        The share of Outlook's recipients whose images do not load when they read.
    scanned_openly, scanned_as_browser : float
        The share of all messages that a scanner fetches, under its own name or under that of a browser.
    apple_reads : float
        How often a recipient at Apple reads; the others read 30 of 100 messages.
    """

    name: str
    apple: float = 0.0
    gmail: float = 0.3
    prefetched: float = 1.0
    images_off: float = 0.0
    scanned_openly: float = 0.0
    scanned_as_browser: float = 0.0
    apple_reads: float = 0.3


WORLDS = (
    World("no machines, images on"),
    World("Apple prefetches 40% of the mail", apple=0.4),
    World("the same, and Apple's people read half as often", apple=0.4, apple_reads=0.15),
    World("Apple prefetches nine of ten of its mail", apple=0.4, prefetched=0.9),
    World("scanners of their own name fetch 10%", scanned_openly=0.1),
    World("scanners that name a browser fetch 10%", scanned_as_browser=0.1),
    World("images off for 40% of Outlook", images_off=0.4),
    World("all of it", apple=0.4, images_off=0.4, scanned_openly=0.05, scanned_as_browser=0.05),
)


def draw(world: World, mailing: int, *, size: int = 20_000) -> tuple[pd.DataFrame, pd.Series[bool]]:
    """Draw the impressions of a mailing, and which of its messages were read."""
    random = np.random.default_rng([11, mailing])
    chance = random.random((7, size))
    apple = chance[0] < world.apple
    gmail = ~apple & (chance[1] < world.gmail)
    read = chance[2] < np.where(apple, world.apple_reads, 0.3)
    images = ~(~apple & ~gmail & (chance[3] < world.images_off))
    seen = {
        OUTLOOK: read & ~apple & ~gmail & images,
        GMAIL: read & gmail,
        PREFETCH: apple & ((chance[4] < world.prefetched) | read),  # an open on an Apple device comes the same way
        SCANNER: chance[5] < world.scanned_openly,
        CHROME: chance[6] < world.scanned_as_browser,
    }
    messages = mailing * 1_000_000 + np.arange(size)
    parts = [pd.DataFrame({"destination": messages[who], "useragent": agent}) for agent, who in seen.items()]
    return pd.concat(parts, ignore_index=True).assign(mailing=mailing), pd.Series(read, index=messages)


def table(*, size: int = 20_000) -> pd.DataFrame:
    """Return what the figures say of each world, as shares of the delivered messages, beside the truth."""
    drawn = [draw(world, number, size=size) for number, world in enumerate(WORLDS)]
    opens = pd.concat([rows for rows, _ in drawn], ignore_index=True)
    sent = [pd.DataFrame({"mailing": number, "destination": read.index}) for number, (_, read) in enumerate(drawn)]
    figures = ia.mailing_performance(opens, deliveries=pd.concat(sent, ignore_index=True), figures=FIGURES)
    human = ia.human_opens(opens, by="mailing")
    result = pd.DataFrame({"world": [world.name for world in WORLDS], "truth": [read.mean() for _, read in drawn]})
    result["unique_opens"] = figures["unique_opens"] / figures["delivered"]
    result["H"] = figures["unique_opens_not_only_machines"] / figures["delivered"]
    result[["open_rate_low", "open_rate_high"]] = figures[["open_rate_low", "open_rate_high"]]
    result["estimate"] = figures["estimated_open_rate"]
    result["human_low"] = human["messages_low"] / figures["delivered"]
    result["human_high"] = human["messages_high"] / figures["delivered"]
    return result


if __name__ == "__main__":
    print(table().round(3).to_string(index=False))
