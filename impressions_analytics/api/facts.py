"""Facts about one account's API, found by `impressions check` and kept in a small file beside the user's settings.

They choose how many connections a load uses, which style of period it tries first, and under which paths it asks. They
never change what a load checks: a fact that a load contradicts is dropped, with a warning.
"""

from __future__ import annotations

import json
import os
import tomllib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VARIABLE = "COPERNICA_FACTS"
KEPT = (str, int, float, bool)
MOST_CONNECTIONS = 64


def facts_file(environment: Mapping[str, str]) -> Path | None:
    """Return where the facts are kept: what `COPERNICA_FACTS` names, or a file beside the user's other settings.

    None where the environment names neither a file nor a home.

    Examples
    --------
    >>> str(facts_file({"COPERNICA_FACTS": "facts.toml"}))
    'facts.toml'
    """
    if environment.get(VARIABLE):
        return Path(environment[VARIABLE])
    home = environment.get("HOME") or environment.get("USERPROFILE")
    settings = environment.get("XDG_CONFIG_HOME") or (home and str(Path(home) / ".config"))
    return Path(settings) / "impressions_analytics" / "facts.toml" if settings else None


def read_facts(path: Path, *, url: str, version: int) -> dict[str, Any]:
    """Return the facts of one address and version; empty when there is no file or it is about another one.

    A file that cannot be read gives a warning and no facts. A load is correct without them.
    """
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        warnings.warn(f"the facts in {path} cannot be read and are not used: {problem}", stacklevel=3)
        return {}
    facts = told.get("facts")
    here = told.get("url") == url and told.get("version") == version
    return dict(facts) if here and isinstance(facts, dict) else {}


def write_facts(path: Path, facts: Mapping[str, Any], *, url: str, version: int) -> None:
    """Write the facts that are known as TOML, whole or not at all."""
    lines = ["# Written by: impressions check --save", f"url = {_toml(url)}", f"version = {version}", "", "[facts]"]
    lines += [f"{name} = {_toml(value)}" for name, value in facts.items() if isinstance(value, (*KEPT, list))]
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    beside.write_text("\n".join([*lines, ""]), encoding="utf-8")
    beside.replace(path)


def _toml(value: Any) -> str:
    """Write a value: texts, numbers, booleans and lists of texts look the same in JSON and TOML."""
    return json.dumps(value)


def advised_connections(environment: Mapping[str, str], url: str, version: int) -> int | None:
    """Return how many connections the saved facts advise for an address and version; None when they advise nothing."""
    path = facts_file(environment)
    value = read_facts(path, url=url, version=version).get("connections") if path else None
    usable = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_CONNECTIONS
    return value if usable else None


def taught(environment: Mapping[str, str], url: str, version: int) -> dict[str, Any]:
    """Return what the kept facts teach a load from the start: `Copernica.learnt` holds it.

    ``editors`` are the paths that are answered in the place of ``ms/``, ``period_style`` is the style of period that is
    obeyed, and ``facts`` is the file that says so.
    """
    path = facts_file(environment)
    facts = read_facts(path, url=url, version=version) if path else {}
    found: dict[str, Any] = {}
    families = facts.get("families")
    if isinstance(families, list) and families and "ms" not in families:
        found["editors"] = tuple(editor for editor in ("html", "draganddrop") if editor in families)
    if facts.get("period_style") in ("fields", "begintime"):
        found["period_style"] = facts["period_style"]
    return {**found, "facts": path} if found else {}


def contradicted(learnt: dict[str, Any], fact: str, why: str) -> None:
    """Drop a kept fact that a load has contradicted, from its file too, and say so."""
    path = learnt.get("facts")
    warnings.warn(
        f"the kept fact {fact!r} does not hold any more and is dropped: {why}. impressions check --save finds the "
        "facts anew", stacklevel=2,
    )  # fmt: skip
    try:
        told = tomllib.loads(Path(path).read_text(encoding="utf-8")) if path else {}
        kept = {name: value for name, value in told["facts"].items() if name != fact}
        write_facts(Path(str(path)), kept, url=told["url"], version=told["version"])
    except (OSError, ValueError, KeyError, AttributeError):
        return  # the next load is told again, and is right all the same
