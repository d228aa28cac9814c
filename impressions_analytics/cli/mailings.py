"""The command `impressions mailings`: what was sent, newest first, with the numbers that other commands ask for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, cast

import typer

import impressions_analytics as ia
from impressions_analytics.cli.options import AsJson, Version, settings
from impressions_analytics.cli.terminal import tell
from impressions_analytics.errors import printable

if TYPE_CHECKING:
    import pandas as pd


def mailings(
    archive: Annotated[
        str | None,
        typer.Argument(help="An archive that was synced with --kind emailings; else the API is asked."),
    ] = None,
    version: Version = None,
    as_json: AsJson = False,
) -> None:
    """List the mailings, the newest first. Columns are number, date, subject, and how many messages were sent.

    Example: COPERNICA_ACCESS_TOKEN=... impressions mailings
    """
    rows = _newest_first(_emailings(archive, version))
    if as_json:
        tell(json.dumps({"mailings": rows}))
        return
    for row in rows:
        subject = printable(row["subject"] or "")
        sent = "" if row["sent"] is None else row["sent"]
        tell(f"{row['mailing']}\t{row['date']}\t{subject}\t{sent}")


def _newest_first(emailings: pd.DataFrame) -> list[dict[str, object]]:
    newest = emailings.sort_values(["timestamp", "ID"], ascending=False)
    listed = newest[["ID", "timestamp", "subject", "destinations"]].astype({"timestamp": "str"}).astype("object")
    listed.columns = ["mailing", "date", "subject", "sent"]
    return cast("list[dict[str, object]]", listed.where(listed.notna(), None).to_dict("records"))


def _emailings(archive: str | None, version: int | None) -> pd.DataFrame:
    if archive is None:
        return ia.load_emailings(settings(version))
    emailings = ia.Archive(archive).read("emailings")
    if emailings.empty and emailings.attrs["load"]["verdict"] == "unproven":
        raise ia.ArchiveError(f"{archive} holds no mailings: run impressions sync with --kind emailings first")
    return emailings
