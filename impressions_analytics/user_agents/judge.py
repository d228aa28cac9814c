"""One user agent -> one judgement: the rules first, then the list of bots, then the general parser."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from impressions_analytics.user_agents.patterns import Finder, first_match
from impressions_analytics.user_agents.systems import device_of, system_of
from impressions_analytics.user_agents.table import Kind, Rule, first_rule

if TYPE_CHECKING:
    from ua_parser import Resolver

REMEMBERED = 50_000
"""Distinct user agents whose judgement is kept in the process: some 30 MB, more than a large account sees in a year."""

READ_CHARACTERS = 2_000
"""How much of a user agent is read. Real ones are shorter; longer ones are padded to do harm."""

CRAWLER_LIST, SPIDER, PARSER = "crawler-user-agents", "ua-parser-spider", "ua-parser"
"""Ids of the rules that are not rows of our table but other people's lists."""

CLIENTS = {
    "Android": "Android Browser",
    "Apple Mail": None,
    "Chrome Mobile WebView": "Android web view",
    "Mobile Safari UI/WKWebView": "iOS web view",
    "Mozilla": None,
    "Other": None,
}
"""ua-parser's family -> the client, where we say otherwise: its Apple Mail is any WebKit without a browser's name."""


class Judgement(NamedTuple):
    """What is known of one user agent; see `impressions_analytics.user_agents.classify_user_agents`."""

    client: str | None
    client_version: str | None
    os: str
    device: str
    kind: Kind
    rule: str | None


def judge(useragent: str) -> Judgement:
    """Return what is known of a user agent.

    Examples
    --------
    >>> judge("Microsoft Outlook 2007, WinXP")
    Judgement(client='Outlook', client_version='2007', os='Windows', device='desktop', kind='person', rule='outlook')
    """
    return remembered_judgement(useragent[:READ_CHARACTERS])


@lru_cache(maxsize=REMEMBERED)
def remembered_judgement(text: str) -> Judgement:
    """Return what is known of a user agent of bounded length, which bounds what is remembered too."""
    rule = first_rule(text)
    return _by_lists(text) if rule is None else _by_rule(rule, text)


def _by_rule(rule: Rule, text: str) -> Judgement:
    if rule.kind in ("proxy", "prefetch", "unknown"):
        return Judgement(rule.client, None, "unknown", "unknown", rule.kind, rule.id)
    client, version = rule.reads(text) if rule.client or rule.kind == "bot" else _browser(_parsed(text))
    if rule.os and rule.device:
        return Judgement(client, _short(version), rule.os, rule.device, rule.kind, rule.id)
    system = rule.os or system_of(_parsed(text).system, text)
    model = None if rule.kind == "bot" else _model(system, text)
    return Judgement(client, _short(version), system, rule.device or device_of(system, text, model), rule.kind, rule.id)


def _by_lists(text: str) -> Judgement:
    found = _parsed(text)
    system = system_of(found.system, text)
    model = _model(system, text)
    bot_rule = CRAWLER_LIST if _crawler_finder()(text) else SPIDER if model == "Spider" else None
    if bot_rule:
        return Judgement(None, None, system, device_of(system, text), "bot", bot_rule)
    client, version = _browser(found)
    if client is None and system == "unknown":
        return Judgement(None, None, system, device_of(system, text), "unknown", None)
    return Judgement(client, _short(version), system, device_of(system, text, model), "person", PARSER)


def _browser(found: _Parsed) -> tuple[str | None, str | None]:
    """Return ua-parser's client by our name, with its version; neither where that name says nothing."""
    client = CLIENTS.get(found.client, found.client) if found.client else None
    return client, found.version if client else None


def _short(version: str | None) -> str | None:
    """Return the first two numbers of a version: what people compare, without the build."""
    return ".".join(version.split(".")[:2]).strip(".") or None if version else None


class _Parsed(NamedTuple):
    client: str | None
    version: str | None
    system: str | None


def _parsed(text: str) -> _Parsed:
    from ua_parser import Domain

    found = _parser()(text, Domain.USER_AGENT | Domain.OS)
    client, system = found.user_agent, found.os
    version = ".".join(part for part in (client.major, client.minor) if part) if client else None
    return _Parsed(client.family if client else None, version, system.family if system else None)


def _model(system: str, text: str) -> str | None:
    """Return ua-parser's name of the device, its slowest answer, only where the system does not say enough."""
    if system not in ("other", "unknown"):
        return None
    from ua_parser import Domain

    device = _device_parser()(text, Domain.DEVICE).device
    return device.family if device else None


@cache
def _parser() -> Resolver:
    """Build ua-parser without its own cache, which would remember everything a second time."""
    from ua_parser import BestAvailableResolver, load_lazy_builtins

    browsers, systems, _ = load_lazy_builtins()
    return BestAvailableResolver((browsers, systems, []))


@cache
def _device_parser() -> Resolver:
    """Build the part of it that takes two thirds of the time to build, and that few user agents need."""
    from ua_parser import BestAvailableResolver, load_lazy_builtins

    _, _, devices = load_lazy_builtins()
    return BestAvailableResolver(([], [], devices))


@cache
def _crawler_finder() -> Finder:
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA

    return first_match((row["pattern"], CRAWLER_LIST) for row in CRAWLER_USER_AGENTS_DATA)
