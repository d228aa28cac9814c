"""The rule table of user agents, as read from ``rules.toml``, and the first rule that matches."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from importlib.resources import files
from typing import Literal

from impressions_analytics.user_agents.patterns import Finder, first_match

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
        Where the client is ``$1`` that is the first group, and the version the next.
    meaning, source, example : str
        For people; the example is a user agent that this rule decides.
    client, os, device : str, optional
        What the rule knows; None where the user agent is to be read, which for the client is a person's only.
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

    def reads(self, useragent: str) -> tuple[str | None, str | None]:
        r"""Return the client and its version in a user agent that this rule matches.

        Examples
        --------
        >>> Rule("a", r"Mailer/([\d.]+)", "", "", "", client="Mailer").reads("Mailer/2.1")
        ('Mailer', '2.1')
        >>> Rule("b", r"(Mailer|Poster)/([\d.]+)", "", "", "", client="$1").reads("Poster/7")
        ('Poster', '7')
        """
        found = self._compiled.search(useragent)
        groups = [group for group in found.groups() if group] if found else []
        client = groups.pop(0) if self.client == "$1" else self.client
        return client, groups[0] if groups else None

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)


def _read_table() -> tuple[str, tuple[Rule, ...]]:
    table = tomllib.loads(files(__package__).joinpath("rules.toml").read_text("utf-8"))
    return table["version"], tuple(Rule(**row) for row in table["rule"])


def _version(table: str) -> str:
    """Say which rules judged: ours and the lists behind them, since each of them can change an answer."""
    lists = ", ".join(f"{name} {version(name)}" for name in ("ua-parser-builtins", "crawler-user-agents"))
    return f"{table} ({lists})"


_TABLE_VERSION, RULES = _read_table()
RULES_VERSION = _version(_TABLE_VERSION)
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
def _rule_finder() -> Finder:
    return first_match((rule.pattern, rule.id) for rule in RULES)
