"""The paths of the Marketing Suite's two editors, where an account answers them in the place of ``ms/``.

The documentation of version 4 names ``html/`` and ``draganddrop/`` beside ``ms/``; whether ``ms/`` goes on answering is
not known. So it is asked, and a refusal teaches once how the account spells it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from impressions_analytics.api.facts import contradicted
from impressions_analytics.api.outcomes import is_unknown_call
from impressions_analytics.errors import RequestRefusedError

MS = "ms"
EDITORS = ("html", "draganddrop")
_PROBE, _ONE_ROW = "emailings", [("limit", "1"), ("total", "false")]

Ask = Callable[[str, list[tuple[str, str]]], bytes]


def spellings(path: str, learnt: dict[str, Any]) -> list[str]:
    """Return under which paths a path may be answered, the likeliest first.

    Examples
    --------
    >>> spellings("ms/emailing/412/impressions", {"editors": ("html", "draganddrop")})
    ['html/emailing/412/impressions', 'draganddrop/emailing/412/impressions']
    >>> spellings("ms/impressions", {})
    ['ms/impressions']
    """
    family, _, rest = path.partition("/")
    editors = learnt.get("editors") if family == MS else None
    if not editors:
        return [path]
    if len(editors) > 1 and "/" not in rest:
        raise RequestRefusedError(
            f"{path}: the account answers it under {' and '.join(editors)}, each with its own rows"
        )
    return [f"{editor}/{rest}" for editor in editors]


def lists_of(path: str, learnt: dict[str, Any]) -> list[str]:
    """Return the lists that together hold what a list of the account holds.

    Examples
    --------
    >>> lists_of("ms/impressions", {"editors": ("html", "draganddrop")})
    ['html/impressions', 'draganddrop/impressions']
    """
    family, _, rest = path.partition("/")
    several = family == MS and len(learnt.get("editors", ())) > 1 and "/" not in rest
    return [f"{editor}/{rest}" for editor in learnt["editors"]] if several else [path]


def learn(ask: Ask, learnt: dict[str, Any]) -> bool:
    """Ask once whether ``ms/`` is answered at all, and if not which editors are; say whether there is something new.

    What kept facts say is believed until no editor of theirs is answered.
    """
    if "editors" in learnt:
        kept = learnt["editors"]
        if not (kept and "facts" in learnt) or any(_answers(ask, editor) for editor in kept):
            return False
        contradicted(learnt, "families", f"{' and '.join(kept)} are not answered")
        learnt["editors"] = () if _answers(ask, MS) else tuple(editor for editor in EDITORS if _answers(ask, editor))
        return True
    learnt["editors"] = () if _answers(ask, MS) else tuple(editor for editor in EDITORS if _answers(ask, editor))
    return bool(learnt["editors"])


def _answers(ask: Ask, family: str) -> bool:
    try:
        ask(f"{family}/{_PROBE}", _ONE_ROW)
    except RequestRefusedError as refused:
        return not is_unknown_call(refused)
    return True
