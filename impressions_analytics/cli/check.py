"""The command `impressions check`: the first thing to type with a real token."""

from __future__ import annotations

import os
from typing import Annotated

import typer

import impressions_analytics as ia
from impressions_analytics.cli.options import AsJson, Version, settings, tell_result
from impressions_analytics.cli.terminal import say


def check(
    version: Version = None,
    save: Annotated[bool, typer.Option("--save", help="Keep the facts; later loads read them.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find out how the API behaves for this account. It takes at most 25 calls, and no row is shown.

    Example: COPERNICA_ACCESS_TOKEN=... impressions check
    """
    from impressions_analytics.api.facts import facts_file, write_facts
    from impressions_analytics.loader.check import check_api

    found = check_api(settings(version))
    tell_result(found, as_json)
    if save:
        path = facts_file(os.environ)
        if path is None:
            raise ia.InvalidArgumentError("--save knows no place for the facts; set COPERNICA_FACTS to a file")
        write_facts(path, found.known(), url=found.url, version=found.version)
        say(f"The facts are kept in {path}")
