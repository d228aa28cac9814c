"""One user agent -> one judgement: the rules first, then the list of bots, then the general parser."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from impressions_analytics.user_agents.patterns import Finder, extractor, first_match
from impressions_analytics.user_agents.programs import ENGINE, is_bare_name, is_robot_name, named_program
from impressions_analytics.user_agents.systems import device_of, system_of, without_model
from impressions_analytics.user_agents.table import OURS, SET_ASIDE, Kind, Rule, Rulebook

if TYPE_CHECKING:
    from collections.abc import Callable

REMEMBERED = 250_000
"""Distinct user agents whose judgement is kept in the process: 0.6 kB each, some 150 MB if ever full. It is more than a
large account sees in years: once they are more, those asked in the same order again are all judged anew."""

READ_CHARACTERS = 2_000
"""How much of a user agent is read. Real ones are shorter; longer ones are padded to do harm."""

CRAWLER_LIST, SPIDER, PARSER = "crawler-user-agents", "ua-parser-spider", "ua-parser"
"""Ids of the rules that are not rows of our table but other people's lists."""

NAMED_PROGRAM, BARE_NAME, ROBOT_NAME = "named-program", "bare-name", "robot-name"
"""Ids of the general rules: an unfamiliar ``Name/version``; a name with neither system nor engine; one of a robot."""

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
    client, version = rule.reads(text) if rule.client or rule.kind == "bot" else _program(text)[:2]
    said = client, _short(version), rule.is_mail
    if rule.os and rule.device:
        return Judgement(*said, rule.os, rule.device, rule.kind, rule.id)
    system = rule.os or _system(text)
    model = None if rule.kind == "bot" else _model(system, text)
    return Judgement(*said, system, rule.device or device_of(system, text, model), rule.kind, rule.id)


def _by_lists(text: str) -> Judgement:
    system = _system(text)
    if _is_listed_crawler(text):
        return _bot(system, text, CRAWLER_LIST)
    model = _model(system, text)
    if model == "Spider":
        return _bot(system, text, SPIDER)
    client, version, rule = _program(text)
    device = device_of(system, text, model)
    said = client, _short(version), client in MAIL_FAMILIES, system, device
    if system == "unknown" and device == "unknown" and (client is None or not ENGINE.search(text)):
        return _without_engine(said, text)
    return Judgement(*said, "person", rule)


def _without_engine(said: tuple[str | None, str | None, bool, str, str], text: str) -> Judgement:
    """Return what is known where neither system nor engine is said."""
    if not is_bare_name(text):
        return Judgement(None, None, False, *said[3:], "unknown", None)
    if is_robot_name(text):
        return Judgement(None, None, False, *said[3:], "bot", ROBOT_NAME)
    return Judgement(*said, "unknown", BARE_NAME)


def _bot(system: str, text: str, rule: str) -> Judgement:
    return Judgement(None, None, False, system, device_of(system, text), "bot", rule)


def _program(text: str) -> tuple[str | None, str | None, str]:
    """Return the program, its version and the rule: the unfamiliar name where ua-parser sees only an engine."""
    found = _browser_parser()(text)
    if (found.family if found else None) in GENERAL and (named := named_program(text)):
        return *named, NAMED_PROGRAM
    client = CLIENTS.get(found.family, found.family) if found else None
    version = ".".join(part for part in (found.major, found.minor) if part) if client else None
    return client, version, PARSER


def _short(version: str | None) -> str | None:
    """Return the first two numbers of a version: what people compare, without the build."""
    return ".".join(version.split(".")[:2]).strip(".") or None if version else None


def _system(text: str) -> str:
    found = _system_parser()(text)
    return system_of(found.family if found else None, text)


def _model(system: str, text: str) -> str | None:
    """Return ua-parser's name of the device, its slowest answer, only where the system does not say enough."""
    if system not in ("other", "unknown"):
        return None
    found = _device_parser()(text)
    return None if found is None or found.family.startswith("Generic") else found.family


@cache
def _browser_parser() -> Callable[[str], Any]:
    """Build ua-parser without its own cache, which would remember everything a second time."""
    from ua_parser import BestAvailableResolver, load_lazy_builtins

    return extractor(BestAvailableResolver((load_lazy_builtins()[0], [], [])), "user_agent")


@cache
def _system_parser() -> Callable[[str], Any]:
    from ua_parser import BestAvailableResolver, load_lazy_builtins

    return extractor(BestAvailableResolver(([], load_lazy_builtins()[1], [])), "os")


@cache
def _device_parser() -> Callable[[str], Any]:
    """Build the part of it that takes two thirds of the time to build, and that few user agents need."""
    from ua_parser import BestAvailableResolver, load_lazy_builtins

    return extractor(BestAvailableResolver(([], [], load_lazy_builtins()[2])), "device")


@cache
def _crawler_finder() -> Finder:
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA

    patterns = (row["pattern"] for row in CRAWLER_USER_AGENTS_DATA)
    return first_match((pattern, CRAWLER_LIST) for pattern in patterns if pattern not in SET_ASIDE)
