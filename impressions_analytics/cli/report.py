"""The command `impressions report`: one page of an archive or a file, of all mailings or of some."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import impressions_analytics as ia
from impressions_analytics.charts.language import Language
from impressions_analytics.cli.terminal import say, tell


def report(
    source: Annotated[str, typer.Argument(help="An archive, or a Parquet file.")],
    out: Annotated[str, typer.Option("--out", "-o", help="The HTML file to write.")] = "report.html",
    emailing: Annotated[
        list[int] | None, typer.Option(metavar="ID", help="Only this emailing; may be repeated.")
    ] = None,
    begin: Annotated[
        str | None, typer.Option(metavar="DAY", help="Only mailings sent from this day or moment on, as 2026-01-31.")
    ] = None,
    end: Annotated[
        str | None, typer.Option(metavar="DAY", help="Only mailings sent before this day or moment.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="The heading of the page.")] = None,
    language: Annotated[Language, typer.Option(help="English or Dutch.")] = "en",
    open_page: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
) -> None:
    """Write the report, one HTML page for itself. It has the last mailing, figures, charts, definitions, certificates.

    Example: impressions report data/archive --begin 2026-01-01 --open
    """
    data = source if source.endswith(".parquet") else ia.Archive(source)
    page = ia.write_report(data, out, emailing=emailing or None, begin=begin, end=end, title=title, language=language)
    tell(page)
    if open_page:
        _show(page)


def _show(page: Path | str) -> None:
    import webbrowser

    if not isinstance(page, Path) or not webbrowser.open(page.resolve().as_uri()):
        say(f"impressions: no browser could be opened here; open {page} yourself")
