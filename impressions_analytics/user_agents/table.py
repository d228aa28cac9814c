"""The rules for user agents, as read from ``rules.toml``, and the first rule that matches."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
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
    mail : bool, optional
        Whether the program reads mail; None where that follows from ``client``: a named client does.
    names : tuple of str
        The clients that ``{names}`` in the pattern stands for, spelled as results have them.
    since : str
        The version of the table that brought the rule or changed its pattern last.
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
    mail: bool | None = None
    names: tuple[str, ...] = ()
    since: str = "1"

    @property
    def is_mail(self) -> bool:
        """Whether the program reads mail: it does where the rule names a client and does not deny it."""
        return self.mail if self.mail is not None else self.client is not None

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
        client = groups.pop(0) if self.client == "$1" and groups else self.client
        return self._spelled.get(_folded(client or ""), client), groups[0] if groups else None

    @cached_property
    def regex(self) -> str:
        """The pattern with its names filled in."""
        names = (re.escape(name).replace(r"\ ", "[ _-]?") for name in self.names)
        return self.pattern.replace("{names}", "|".join(names))

    @cached_property
    def _spelled(self) -> dict[str, str]:
        return {_folded(name): name for name in self.names}

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.regex)


def _folded(name: str) -> str:
    """Return a name without case and spaces, as two spellings of it agree."""
    return re.sub(r"[ _-]", "", name).lower()


class Rulebook:
    """Rules in the order in which they are asked, and the one matcher of all of them.

    Examples
    --------
    >>> OURS.first("Mozilla/5.0").id
    'apple-privacy'
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._by_id = {rule.id: rule for rule in self.rules}

    def first(self, useragent: str) -> Rule | None:
        """Return the first rule that matches, or None."""
        found = self._find(useragent)
        return None if found is None else self._by_id[found]

    @cached_property
    def _find(self) -> Finder:
        return first_match((rule.regex, rule.id) for rule in self.rules)


def _version(table: str) -> str:
    """Say which rules judged: ours and the lists behind them, since each of them can change an answer."""
    lists = ", ".join(f"{name} {version(name)}" for name in ("ua-parser-builtins", "crawler-user-agents"))
    return f"{table} ({lists})"


_TABLE = tomllib.loads(files(__package__).joinpath("rules.toml").read_text("utf-8"))
RULES = tuple(Rule(**{**row, "names": tuple(row.get("names", ()))}) for row in _TABLE["rule"])
RULES_VERSION = _version(_TABLE["version"])
OURS = Rulebook(RULES)

SET_ASIDE: dict[str, dict[str, str]] = {row["pattern"]: row for row in _TABLE["set_aside"]}
"""Patterns of the crawler list that also match readers' programs -> the pattern, the reason and an example."""
