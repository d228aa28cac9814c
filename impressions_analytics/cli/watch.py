"""The command `impressions watch`: one line per finding, and an exit code for cron."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

import impressions_analytics as ia
from impressions_analytics.certificate import counted
from impressions_analytics.cli.options import ArchivePath, AsJson
from impressions_analytics.cli.terminal import tell
from impressions_analytics.errors import printable

if TYPE_CHECKING:
    import pandas as pd


def watch(
    folder: ArchivePath,
    days: Annotated[int, typer.Option(min=1, help="Look at the mailings that became a day old in so many days.")] = 7,
    as_of: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="Judge as of this moment; by default where the archive ends.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look for what is out of line in the last mailings. It prints a line for each finding, and ends with code 1 then.

    Example: impressions watch data/archive
    """
    from impressions_analytics.analytics.findings import in_words

    findings = ia.find_anomalies(ia.Archive(folder), days=days, as_of=as_of)
    if as_json:
        tell(_as_json(findings))
    else:
        for row in findings.to_dict("records"):
            tell(printable(in_words(row)))
        if findings.empty:
            tell(_nothing(findings, days=days))
    raise typer.Exit(1 if len(findings) else 0)


def _nothing(findings: pd.DataFrame, *, days: int) -> str:
    looked_at, not_checked = findings.attrs["looked_at"], findings.attrs["not_checked"]
    without = f"; not checked: {', '.join(not_checked)}" if not_checked else ""
    if not looked_at:
        until = "" if findings.attrs["as_of"] is None else f" until {findings.attrs['as_of']:%Y-%m-%d %H:%M}"
        last_days = "day" if days == 1 else f"{days} days"
        return f"no mailing was judged in the {last_days}{until}; --days looks further back{without}"
    return f"nothing out of line in {counted(len(looked_at), 'mailings')}{without}"


def _as_json(findings: pd.DataFrame) -> str:
    told = {name: findings.attrs[name] for name in ("looked_at", "not_checked", "tests", "assumption")}
    rows = json.loads(findings.to_json(orient="records", date_format="iso"))
    return json.dumps({"findings": rows, "as_of": str(findings.attrs["as_of"]), **told})
