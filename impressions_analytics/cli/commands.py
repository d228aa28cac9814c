"""The command `impressions`: parse, call, print, exit code. Data goes to stdout, all else to stderr.

Exit codes: 0 good; 1 an expected failure, told in one line, or rows that are not proven complete; 2 wrong usage;
130 stopped by Ctrl-C.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

import impressions_analytics as ia
from impressions_analytics.certificate import VERDICTS
from impressions_analytics.cli.agents import agents
from impressions_analytics.cli.check import check
from impressions_analytics.cli.mailings import mailings
from impressions_analytics.cli.options import (
    ArchivePath,
    AsJson,
    Begin,
    Destinations,
    Emailings,
    End,
    FamilyOption,
    Version,
    settings,
    tell_result,
)  # fmt: skip
from impressions_analytics.cli.report import report
from impressions_analytics.cli.sandbox import sandbox
from impressions_analytics.cli.terminal import Commands, run, say, tell
from impressions_analytics.cli.watch import watch
from impressions_analytics.columns import KINDS, EventKind, Family
from impressions_analytics.errors import InvalidArgumentError
from impressions_analytics.parquet.files import check_place

if TYPE_CHECKING:
    from impressions_analytics.certificate import Verdict
    from impressions_analytics.columns import Kind

app = typer.Typer(
    name="impressions",
    cls=Commands,
    help="Copernica e-mail impressions, complete and typed. The access token comes from COPERNICA_ACCESS_TOKEN.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ExportFormat = Literal["parquet", "csv", "duckdb", "excel"]


def main() -> None:
    """Run the command; expected errors become one line and an exit code."""
    run(app, prog_name="impressions")


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"impressions {ia.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    pass


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--out", help="Where the files go.")] = Path("impressions-demo"),
    impressions: Annotated[int, typer.Option(min=1, help="How many impressions to invent.")] = 20_000,
    show: Annotated[bool, typer.Option("--open", help="Open the report in a browser.")] = False,
) -> None:
    """Try it all on invented rows, without an account. They are loaded over HTTP, analysed, saved, drawn and reported.

    Example: impressions demo --out impressions-demo
    """
    from impressions_analytics.cli.demo import run_demo

    run_demo(folder, impressions=impressions, show=show)


@app.command()
def load(
    out: Annotated[Path | None, typer.Option(help="The Parquet file to write.", show_default=False)] = None,
    destination: Destinations = None,
    emailing: Emailings = None,
    begin: Begin = None,
    end: End = None,
    kind: Annotated[EventKind, typer.Option(help="What to load.")] = "impressions",
    family: FamilyOption = "ms",
    version: Version = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only tell how many calls it will take.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load events into one Parquet file. They are of destinations, of emailings, or of the whole account.

    Example: COPERNICA_ACCESS_TOKEN=... impressions load --destination 112 --out opens.parquet
    """
    from impressions_analytics.loader.load import load_events
    from impressions_analytics.loader.totals import plan_load

    selection: dict[str, Any] = {
        "destination": destination or None, "emailing": emailing or None, "begin": begin, "end": end, "family": family,
    }  # fmt: skip
    if plan:
        planned = plan_load(settings(version), kind=kind, **selection)
        tell(json.dumps(planned.to_json()) if as_json else planned)
        return
    path = _place_for_rows(out)
    frame = load_events(kind, settings(version), **selection)
    ia.write_snapshot(frame, path)
    certificate = frame.attrs["load"]
    tell(json.dumps({**certificate, "path": str(path)}) if as_json else f"{path}: {certificate!r}")
    _end_by(certificate["verdict"], f"{path} is written")


@app.command()
def sync(
    folder: ArchivePath,
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="What to bring: impressions by default, all, or one; may be repeated."),
    ] = None,
    begin: Begin = None,
    emailing: Emailings = None,
    look_back_days: Annotated[
        float, typer.Option(min=0, metavar="DAYS", help="How long rows may still arrive late.")
    ] = 3,
    keep_days: Annotated[
        int | None, typer.Option(min=1, metavar="DAYS", help="Also remove rows older than this.")
    ] = None,
    logs: Annotated[bool, typer.Option("--logs", help="Also keep Copernica's daily log files of the events.")] = False,
    family: Annotated[
        Family | None, typer.Option(help="What the archive holds; a new one holds ms.", show_default=False)
    ] = None,
    version: Version = None,
    as_json: AsJson = False,
) -> None:
    """Bring an archive up to now. It asks for new periods, and for the last days again for late rows. Made for cron.

    The first sync decides where the archive begins; a kind that is added later begins there too, unless --begin says
    otherwise.

    Example: impressions sync data/archive --kind all --begin 2026-01-01
    """
    from impressions_analytics.loader.selection import given_identifier

    archive = ia.Archive(folder, family=family)
    kinds = list(KINDS) if "all" in (kind or []) else cast("list[Kind]", kind or ["impressions"])
    with _shown(folder) as progress:
        summary = archive.sync(
            settings(version), kinds=kinds, begin=begin, look_back_days=look_back_days,
            emailings=[int(given_identifier("emailing", one)) for one in emailing] if emailing else None,
            keep_days=keep_days, logs=logs, progress=progress,
        )  # fmt: skip
    tell_result(summary, as_json)
    if summary.retention is not None:
        say(str(summary.retention))
    for told in summary.refused.values():
        say(f"impressions: {told}; the other kinds are in {folder}")
    if summary.refused:
        raise typer.Exit(1)
    _end_by(summary.verdict, f"what came is in {folder}")


@contextmanager
def _shown(folder: str) -> Iterator[Callable[[str, object, int], None] | None]:
    """Show how far a sync is, on a line that goes away at its end; Ctrl-C says that the next sync goes on."""
    from impressions_analytics.loader.progress import clear_line, progress_line

    try:
        yield progress_line()
    except KeyboardInterrupt:
        clear_line()
        say(f"Stopped. What came is kept in {folder}; the next sync goes on from there.")
        raise
    clear_line()


@app.command()
def export(
    folder: ArchivePath,
    out: Annotated[str, typer.Option(help="A folder for parquet and csv, a file for duckdb and excel.")],
    format: Annotated[ExportFormat, typer.Option(help="Folders of files, one database, or one workbook.")] = "parquet",
    partitioned: Annotated[
        bool,
        typer.Option("--partitioned", help="One Parquet file per month: a month that stayed is not written again."),
    ] = False,
    utc: Annotated[bool, typer.Option("--utc", help="Write moments in UTC in place of the wall clock.")] = False,
    pseudonymise: Annotated[
        bool, typer.Option("--pseudonymise", help="Replace IDs of people by keyed numbers, and shorten addresses.")
    ] = False,
    key_file: Annotated[
        Path | None, typer.Option(help="Where the key is; else IMPRESSIONS_PSEUDONYM_KEY.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write an archive as a star of tables for BI tools. What did not change since the last export stays.

    Example: impressions export data/archive --out bi/
    """
    from impressions_analytics.archive.privacy import read_key

    key = read_key(os.environ, file=key_file) if pseudonymise else None
    exported = ia.Archive(folder).export(out, format=format, partitioned=partitioned, utc=utc, pseudonym_key=key)
    tell_result(exported, as_json)


@app.command()
def verify(
    folder: ArchivePath,
    api: Annotated[bool, typer.Option("--api", help="Also ask the account for its totals.")] = False,
    logs: Annotated[
        bool, typer.Option("--logs", help="Also hold every day against its log file; with --api against Copernica's.")
    ] = False,
    version: Version = None,
    as_json: AsJson = False,
) -> None:
    """Hold an archive against what it says of itself. All of it is read; exit code 1 when anything is wrong or missing.

    Example: impressions verify data/archive
    """
    found = ia.Archive(folder).verify(settings(version) if api else None, logs=logs)
    tell_result(found, as_json)
    raise typer.Exit(0 if found.ok else 1)


for command in (report, watch, agents, check, mailings, sandbox):
    app.command()(command)


@app.command()
def erase(
    folder: ArchivePath,
    profile: Annotated[int | None, typer.Option(metavar="ID", help="Erase this profile.")] = None,
    subprofile: Annotated[int | None, typer.Option(metavar="ID", help="Erase this subprofile.")] = None,
    destination: Annotated[int | None, typer.Option(metavar="ID", help="Erase this destination.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Remove whoever was erased before; after a restore.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase a person from an archive, now and in later syncs.

    Example: impressions erase data/archive --profile 13453
    """
    receipt = ia.Archive(folder).erase(
        profile=profile, subprofile=subprofile, destination=destination, again=again, dry_run=dry_run
    )
    tell_result(receipt, as_json)


def _calls_used(version: int | None) -> int | None:
    """Return how many calls the account has used this month; None where the API does not tell."""
    try:
        return ia.consumption(settings(version)).api_calls
    except ia.ApiError:
        return None


def _place_for_rows(out: Path | None) -> Path:
    """Return where rows can be written, or raise before they are loaded: calls are billed."""
    if out is None:
        raise InvalidArgumentError("say where the rows go with --out FILE.parquet, or ask for --plan")
    if out.suffix.lower() not in {".parquet", ".pq"}:
        raise InvalidArgumentError(
            f"--out {str(out)!r} must end in .parquet, for that is what is written; an archive also exports csv"
        )
    check_place(out)
    return out


def _end_by(verdict: str, kept: str) -> None:
    """End with code 1 where rows are not proven complete, so that cron tells somebody."""
    if verdict != "complete":
        say(f"impressions: {kept}, but the load is {verdict}: {VERDICTS[cast('Verdict', verdict)]}")
        raise typer.Exit(1)
