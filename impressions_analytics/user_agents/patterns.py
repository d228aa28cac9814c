"""Many patterns asked of one text at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    from ua_parser import Resolver

Part = Literal["user_agent", "os", "device"]

_COMPILED: dict[Part, str] = {"user_agent": "ua", "os": "os", "device": "de"}
"""What is asked of a resolver -> where ua-parser's compiled resolver has it."""

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
    from ua_parser import BestAvailableResolver
    from ua_parser.lazy import UserAgentMatcher

    resolver = BestAvailableResolver(([UserAgentMatcher(pattern, name) for pattern, name in patterns], [], []))
    extract = extractor(resolver, "user_agent")

    def find(text: str) -> str | None:
        found = extract(text)
        return None if found is None else found.family

    return find


def extractor(resolver: Resolver, part: Part) -> Callable[[str], Any]:
    """Return a function that gives one part of what a resolver of ua-parser finds in a text.

    The compiled engine is asked directly: what ua-parser wraps around each answer takes as long as the search itself.

    Examples
    --------
    >>> from ua_parser import BestAvailableResolver, load_lazy_builtins
    >>> system = extractor(BestAvailableResolver(load_lazy_builtins()), "os")
    >>> system("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0)").family
    'Chrome OS'
    """
    from ua_parser import Domain

    compiled = getattr(resolver, _COMPILED[part], None)
    if compiled is not None:
        return cast("Callable[[str], Any]", compiled.extract)
    domain = Domain[part.upper()]
    return lambda text: getattr(resolver(text, domain), part)
