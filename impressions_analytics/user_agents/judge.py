"""One user agent -> one judgement: the rules first, then the list of bots, then the general parser."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from impressions_analytics.user_agents.patterns import Finder, first_match
from impressions_analytics.user_agents.programs import ENGINE, is_bare_name, named_program
from impressions_analytics.user_agents.systems import device_of, system_of, without_model
from impressions_analytics.user_agents.table import OURS, SET_ASIDE, Kind, Rule, Rulebook

if TYPE_CHECKING:
    from ua_parser import Resolver

REMEMBERED = 50_000
"""Distinct user agents whose judgement is kept in the process: some 30 MB, more than a large account sees in a year."""

READ_CHARACTERS = 2_000
"""How much of a user agent is read. Real ones are shorter; longer ones are padded to do harm."""

CRAWLER_LIST, SPIDER, PARSER = "crawler-user-agents", "ua-parser-spider", "ua-parser"
"""Ids of the rules that are not rows of our table but other people's lists."""

NAMED_PROGRAM, BARE_NAME = "named-program", "bare-name"
"""Ids of the general rules: an unfamiliar ``Name/version``, and a name with neither system nor engine."""

GENERAL = frozenset({
    None, "Other", "Mozilla", "Electron", "Chrome", "Chrome Mobile", "Chrome Mobile WebView", "Chromium", "Firefox",
    "Firefox Mobile", "Safari", "Mobile Safari", "Mobile Safari UI/WKWebView", "Apple Mail", "Android",
    "WebKit Nightly",
})  # fmt: skip
"""What ua-parser says where it sees an engine or a host of other programs, and perhaps not the program itself."""

MAIL_FAMILIES = frozenset({"SeaMonkey"})
"""ua-parser's families that read mail besides and have no rule of ours."""

CLIENTS = {
    "Android": "Android Browser",
    "Apple Mail": None,
    "Iceape": "SeaMonkey",
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
    is_mail: bool
    os: str
    device: str
    kind: Kind
    rule: str | None


def judge(useragent: str, own: Rulebook | None = None) -> Judgement:
    """Return what is known of a user agent; rules of the user's own are asked first.

    Examples
    --------
    >>> found = judge("Microsoft Outlook 2007, WinXP")
    >>> found.client, found.client_version, found.is_mail, found.os, found.device, found.kind, found.rule
    ('Outlook', '2007', True, 'Windows', 'desktop', 'person', 'outlook')
    """
    return remembered_judgement(useragent[:READ_CHARACTERS], own)


@lru_cache(maxsize=REMEMBERED)
def remembered_judgement(text: str, own: Rulebook | None = None) -> Judgement:
    """Return what is known of a user agent of bounded length, which bounds what is remembered too."""
    rule = (own.first(text) if own else None) or _package_rule(text)
    return _by_lists(text) if rule is None else _by_rule(rule, text)


def _package_rule(text: str) -> Rule | None:
    """Return the first of our rules that matches; the name of an Android phone makes nobody a robot."""
    rule = OURS.first(text)
    return OURS.first(without_model(text)) if rule is not None and rule.kind == "bot" else rule


def _is_listed_crawler(text: str) -> bool:
    find = _crawler_finder()
    return find(text) is not None and find(without_model(text)) is not None


def _by_rule(rule: Rule, text: str) -> Judgement:
    if rule.kind in ("proxy", "prefetch", "unknown"):
        return Judgement(rule.reads(text)[0], None, rule.is_mail, "unknown", "unknown", rule.kind, rule.id)
    client, version = rule.reads(text) if rule.client or rule.kind == "bot" else _program(_parsed(text), text)[:2]
    said = client, _short(version), rule.is_mail
    if rule.os and rule.device:
        return Judgement(*said, rule.os, rule.device, rule.kind, rule.id)
    system = rule.os or system_of(_parsed(text).system, text)
    model = None if rule.kind == "bot" else _model(system, text)
    return Judgement(*said, system, rule.device or device_of(system, text, model), rule.kind, rule.id)


def _by_lists(text: str) -> Judgement:
    found = _parsed(text)
    system = system_of(found.system, text)
    model = _model(system, text)
    bot_rule = CRAWLER_LIST if _is_listed_crawler(text) else SPIDER if model == "Spider" else None
    device = device_of(system, text, None if bot_rule else model)
    if bot_rule:
        return Judgement(None, None, False, system, device, "bot", bot_rule)
    client, version, rule = _program(found, text)
    said = client, _short(version), client in MAIL_FAMILIES, system, device
    if system == "unknown" and device == "unknown" and (client is None or not ENGINE.search(text)):
        return Judgement(*said, "unknown", BARE_NAME if is_bare_name(text) else None)
    return Judgement(*said, "person", rule)


def _program(found: _Parsed, text: str) -> tuple[str | None, str | None, str]:
    """Return the program, its version and the rule: the unfamiliar name where ua-parser sees only an engine."""
    if found.client in GENERAL and (named := named_program(text)):
        return *named, NAMED_PROGRAM
    return *_browser(found), PARSER


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
    return device.family if device and not device.family.startswith("Generic") else None


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

    patterns = (row["pattern"] for row in CRAWLER_USER_AGENTS_DATA)
    return first_match((pattern, CRAWLER_LIST) for pattern in patterns if pattern not in SET_ASIDE)
