"""The options and arguments that several commands share, each written once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

import impressions_analytics as ia
from impressions_analytics.cli.terminal import tell
from impressions_analytics.columns import Family

if TYPE_CHECKING:
    from impressions_analytics.api.settings import Copernica

Version = Annotated[
    int | None,
    typer.Option(
        "--version", min=2, max=4, metavar="2|3|4", help="Version of the API; 2 by default.", show_default=False
    ),
]
Begin = Annotated[
    str | None, typer.Option(metavar="DAY", help="First day or moment, as 2026-01-31 or '2026-01-31 13:00:00'.")
]
End = Annotated[str | None, typer.Option(metavar="DAY", help="First day or moment that is not wanted any more.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, for scripts.")]
Emailings = Annotated[list[str] | None, typer.Option(metavar="ID", help="Of this emailing; may be repeated.")]
Destinations = Annotated[list[str] | None, typer.Option(metavar="ID", help="Of this destination; may be repeated.")]
ArchivePath = Annotated[str, typer.Argument(help="The archive: a folder, or an address such as s3://bucket/mail.")]
FamilyOption = Annotated[Family, typer.Option(help="Marketing Suite, or Publisher.")]


def settings(version: int | None) -> Copernica:
    """Return the settings that the environment gives, for a version of the API."""
    return ia.Copernica.from_env(version=cast("Literal[2, 3, 4] | None", version))


def tell_result(result: Any, as_json: bool) -> None:
    """Print what was done, for a person or for a script."""
    tell(json.dumps(result.to_json()) if as_json else result)
