"""The rule table of user agents, as read from ``user_agent_rules.toml``, and the first rule that matches."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Literal

Kind = Literal["person", "proxy", "prefetch", "bot", "unknown"]


@dataclass(frozen=True)
class Rule:
    """One row of the table: what it looks for, and what it says of a user agent that has it.

    Attributes
    ----------
    id : str
        The name in results.
    pattern : str
        A regular expression; its first group that matched, if any, is the client's version.
    meaning, source, example : str
        For people; the example is a user agent that this rule decides.
    client, os, device : str, optional
        What the rule knows; None where the user agent is to be read (os, device) or nothing is known (client).
    kind : Kind
        What a user agent with the pattern is.
    """

    id: str
    pattern: str
    meaning: str
    source: str
    example: str
    client: str | None = None
    os: str | None = None
    device: str | None = None
    kind: Kind = "person"

    def version(self, useragent: str) -> str | None:
        r"""Return what the pattern's first group found.

        Examples
        --------
        >>> Rule("a", r"Mailer/([\d.]+)", "", "", "").version("Mailer/2.1")
        '2.1'
        """
        found = self._compiled.search(useragent)
        return next((group for group in found.groups() if group), None) if found else None

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)


def _read_table() -> tuple[str, tuple[Rule, ...]]:
    table = tomllib.loads(files(__package__).joinpath("user_agent_rules.toml").read_text("utf-8"))
    return table["version"], tuple(Rule(**row) for row in table["rule"])


RULES_VERSION, RULES = _read_table()
_BY_ID = {rule.id: rule for rule in RULES}


def first_rule(useragent: str) -> Rule | None:
    """Return the first rule that matches, or None.

    Examples
    --------
    >>> first_rule("Mozilla/5.0").id
    'apple-privacy'
    """
    found = _rule_finder()(useragent)
    return None if found is None else _BY_ID[found]


@cache
def _rule_finder() -> Callable[[str], str | None]:
    return first_match((rule.pattern, rule.id) for rule in RULES)


def first_match(patterns: Iterable[tuple[str, str]]) -> Callable[[str], str | None]:
    """Return a function that gives the name of the first of many (pattern, name) found in a text.

    The patterns go through ua-parser's engine, which tries them all in one pass and in time linear in the text where
    its compiled extra is installed, and one by one where it is not.

    Examples
    --------
    >>> find = first_match([("a+b", "first"), ("b", "second")])
    >>> find("aab"), find("b"), find("c")
    ('first', 'second', None)
    """
    from ua_parser import BestAvailableResolver, Domain
    from ua_parser.lazy import UserAgentMatcher

    resolve = BestAvailableResolver(([UserAgentMatcher(pattern, name) for pattern, name in patterns], [], []))

    def find(text: str) -> str | None:
        found = resolve(text, Domain.USER_AGENT).user_agent
        return None if found is None else found.family

    return find
