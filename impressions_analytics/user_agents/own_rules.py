"""Rules of the user's own, from a TOML file of the form of ``rules.toml``; they are asked before ours."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from impressions_analytics.errors import InvalidArgumentError
from impressions_analytics.parquet.places import local_path
from impressions_analytics.user_agents.table import RULES, Kind, Rule, Rulebook

SYSTEM_CHOICES = ("Windows", "macOS", "iOS", "Android", "Linux", "Chrome OS", "other", "unknown")
DEVICE_CHOICES = ("desktop", "mobile", "tablet", "unknown")
CHOICES: dict[str, tuple[str, ...]] = {"os": SYSTEM_CHOICES, "device": DEVICE_CHOICES, "kind": get_args(Kind)}
"""The fields that take a closed choice -> the choices."""

FIELDS: dict[str, type] = {
    "id": str, "pattern": str, "client": str, "mail": bool, "names": list, "os": str, "device": str, "kind": str,
    "meaning": str, "source": str, "example": str, "since": str,
}  # fmt: skip
"""What a rule may say -> its type; ``id`` and ``pattern`` must be there."""

PACKAGE_IDS = frozenset(rule.id for rule in RULES)

NOT_IN_EVERY_ENGINE = re.compile(r"\(\?<?[=!]|\\[1-9]")
EXAMPLE = "[[rule]] id = 'our-app', pattern = 'OurApp/([0-9.]+)', client = 'Our app', mail = true"


def read_own_rules(path: str | Path) -> Rulebook:
    r"""Return the rules in a file.

    Raises
    ------
    InvalidArgumentError
        The file cannot be read, is not TOML, or holds a rule that is not one. The message names the rule.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "own.toml")
    ...     _ = file.write_text("[[rule]]\nid = 'our-app'\npattern = 'OurApp/([0-9.]+)'\nclient = 'Our app'\n")
    ...     read_own_rules(file).first("OurApp/3.1 (Windows NT 10.0)").reads("OurApp/3.1 (Windows NT 10.0)")
    ('Our app', '3.1')
    """
    try:
        text = local_path(path).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _refused(path, f"cannot be read ({error})") from error
    return _rulebook(str(path), text)


@lru_cache(maxsize=4)
def _rulebook(path: str, text: str) -> Rulebook:
    """Return the rules in a text; the same text gives the same rules, so that what they judged is remembered."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _refused(path, f"is not TOML ({error})") from error
    rows = table.get("rule")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise _refused(path, "holds no [[rule]]")
    rules = [_rule(path, number, row) for number, row in enumerate(rows, 1)]
    twice = [rule.id for number, rule in enumerate(rules) if rule.id in {other.id for other in rules[:number]}]
    if twice:
        raise _refused(path, f"has two rules {twice[0]!r}")
    book = Rulebook(rules)
    for rule in rules:
        if rule.example and book.first(rule.example) is not rule:
            raise _refused(path, f"rule {rule.id!r} does not decide its own example {rule.example!r:.80}")
    return book


def _rule(path: str, number: int, row: dict[str, Any]) -> Rule:
    named = f"rule {row.get('id', number)!r}"
    wrong = _missing(row) or _unfit(row) or _inconsistent(row)
    if wrong:
        raise _refused(path, f"{named} has {wrong}")
    rule = Rule(**{"meaning": "", "source": "", "example": "", **row, "names": tuple(row.get("names", ()))})
    _check_pattern(path, named, rule)
    return rule


def _missing(row: dict[str, Any]) -> str | None:
    return next((f"no {field}" for field in ("id", "pattern") if not row.get(field)), None)


def _unfit(row: dict[str, Any]) -> str | None:
    """Say which field has a value that it may not have."""
    for field, value in row.items():
        given = f"{field} = {value!r:.80}: it "
        if field not in FIELDS:
            return f"{given}may have {', '.join(FIELDS)}"
        if not isinstance(value, FIELDS[field]):
            return f"{given}must be of type {FIELDS[field].__name__}"
        if field in CHOICES and value not in CHOICES[field]:
            return f"{given}must be one of {', '.join(CHOICES[field])}"
    return None


def _inconsistent(row: dict[str, Any]) -> str | None:
    """Say which fields do not go together."""
    names = row.get("names", [])
    if not all(isinstance(name, str) and name for name in names):
        return f"names = {names!r:.80}: every name must be text"
    if ("{names}" in row["pattern"]) != bool(names):
        return "{names} and no names, or names and no {names} in its pattern"
    if row["id"] in PACKAGE_IDS:
        return f"the id {row['id']!r}, which one of the package's rules has; choose another"
    return None


def _check_pattern(path: str, named: str, rule: Rule) -> None:
    if NOT_IN_EVERY_ENGINE.search(rule.regex):
        raise _refused(
            path, f"{named} has a pattern with a look-around or a back-reference, which not every engine knows"
        )
    try:
        groups = re.compile(rule.regex).groups
        Rulebook([rule]).first("")
    except (re.error, ValueError) as error:
        raise _refused(path, f"{named} has a pattern that is no regular expression ({error})") from error
    if rule.client == "$1" and not groups:
        raise _refused(path, f"{named} has the client $1, and its pattern has no group")


def _refused(path: str | Path, why: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"rules: {str(path)!r} {why}; give a TOML file with rules such as {EXAMPLE}")
