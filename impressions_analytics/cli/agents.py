"""The command `impressions agents`: the user agents that no rule knows, in a form to send to the project."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import typer

import impressions_analytics as ia
from impressions_analytics.cli.options import AsJson
from impressions_analytics.cli.terminal import say, tell
from impressions_analytics.errors import printable

MASKED = (
    (re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+"), "<e-mail>"),
    (re.compile(r"(?i)\bhttps?://[^\s()<>;,]+"), "<url>"),
    (re.compile(r"(?:(?<=[\s(;,:=])|^)(?:\d{1,3}\.){3}\d{1,3}(?![\w.])"), "<ip>"),
    (re.compile(r"(?i)\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{24,})\b"), "<id>"),
)
"""What a user agent may hold of a person or a device -> what is printed instead."""


def agents(
    source: Annotated[str, typer.Argument(metavar="FILE_OR_ARCHIVE", help="A Parquet file, or an archive.")],
    limit: Annotated[int, typer.Option(min=1, help="How many to list at most.")] = 50,
    rules: Annotated[Path | None, typer.Option(metavar="FILE", help="Rules of your own, as TOML.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the user agents that no rule knows. The most frequent first, to send to the project or to write rules for.

    Each line is the number of impressions and the user agent. E-mail addresses, IP addresses, links and long ids are
    left out of it.

    Example: impressions agents data/archive --rules our-rules.toml
    """
    given = source if source.endswith(".parquet") else ia.Archive(source)
    listed = ia.unrecognised_user_agents(given, limit=limit, guessed=True, rules=rules)
    masked = listed["useragent"].map(_masked)
    counts = listed["impressions"].groupby(masked, sort=False).sum().sort_values(ascending=False, kind="stable")
    if as_json:
        rows = [{"useragent": agent, "impressions": int(count)} for agent, count in counts.items()]
        tell(json.dumps({"rules_version": _rules_version(), "user_agents": rows}))
        return
    for agent, count in counts.items():
        tell(f"{count}\t{agent}")
    if counts.empty:
        say("a rule knows every user agent here")


def _masked(useragent: str) -> str:
    """Return a user agent without what belongs to a person, and without what a terminal would obey."""
    for pattern, instead in MASKED:
        useragent = pattern.sub(instead, useragent)
    return printable(useragent)


def _rules_version() -> str:
    from impressions_analytics.user_agents import RULES_VERSION

    return RULES_VERSION
