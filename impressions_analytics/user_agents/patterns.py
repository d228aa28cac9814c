"""Many patterns asked of one text at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

Finder = Callable[[str], str | None]
"""Text -> the name of the first pattern found in it, or None."""


def first_match(patterns: Iterable[tuple[str, str]]) -> Finder:
    """Return a function that gives the name of the first of many (pattern, name) that is found in a text.

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
