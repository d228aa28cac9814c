"""The command `impressions check`: the first thing to type with a real token."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Annotated, cast

import typer

import impressions_analytics as ia
from impressions_analytics.cli.terminal import say, tell

if TYPE_CHECKING:
    from impressions_analytics.api.endpoints import Version


def check(
    version: Annotated[
        int | None,
        typer.Option(
            "--version", min=2, max=4, metavar="2|3|4", help="Version of the API; 2 by default.", show_default=False
        ),
    ] = None,
    save: Annotated[bool, typer.Option("--save", help="Keep the facts; later loads read them.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for scripts.")] = False,
) -> None:
    """Find out how the API behaves for this account: at most 25 calls, and no row is shown.

    Example: COPERNICA_ACCESS_TOKEN=... impressions check
    """
    from impressions_analytics.api.facts import facts_file, write_facts
    from impressions_analytics.loader.check import check_api

    found = check_api(ia.Copernica.from_env(version=cast("Version | None", version)))
    tell(json.dumps(found.to_json()) if as_json else str(found))
    if save:
        path = facts_file(os.environ)
        if path is None:
            raise ia.InvalidArgumentError("--save knows no place for the facts; set COPERNICA_FACTS to a file")
        write_facts(path, found.known(), url=found.url, version=found.version)
        say(f"The facts are kept in {path}")
