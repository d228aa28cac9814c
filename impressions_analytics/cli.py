"""The command `impressions`: parse, call, print, exit code. Data goes to stdout, all else to stderr.

Exit codes: 0 good; 1 an expected failure, told in one line; 2 wrong usage; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import impressions_analytics as ia
from impressions_analytics.errors import ImpressionsError, InvalidArgumentError

if TYPE_CHECKING:
    from impressions_analytics.settings import Copernica

app = typer.Typer(
    name="impressions",
    help="Copernica e-mail impressions, complete and typed. The access token comes from COPERNICA_ACCESS_TOKEN.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Version = Annotated[
    int | None, typer.Option("--version", min=2, max=4, help="Version of the API; 2 by default.", show_default=False)
]
Begin = Annotated[str | None, typer.Option(help="First day or moment, as 2026-01-31 or '2026-01-31 13:00:00'.")]
End = Annotated[str | None, typer.Option(help="First day or moment that is not wanted any more.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, for scripts.")]
Emailings = Annotated[list[str] | None, typer.Option(help="Of this emailing; may be repeated.")]
Destinations = Annotated[list[str] | None, typer.Option(help="Of this destination; may be repeated.")]
Family = Annotated[str, typer.Option(help="ms (Marketing Suite) or publisher.")]


def main() -> None:
    """Run the command; expected errors become one line and an exit code."""
    try:
        app()
    except InvalidArgumentError as problem:
        _fail(problem, 2)
    except ImpressionsError as problem:
        _fail(problem, 1)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)


def _fail(problem: ImpressionsError, code: int) -> None:
    print(f"impressions: {problem}", file=sys.stderr)
    sys.exit(code)


def _say(text: str) -> None:
    """Tell a person something that is no data."""
    print(text, file=sys.stderr)


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
) -> None:
    """Load invented impressions over HTTP, analyse, save and draw them. Needs no account.

    Example: impressions demo --out impressions-demo
    """
    from impressions_analytics.demo import run_demo

    run_demo(folder, impressions=impressions)


@app.command()
def load(
    out: Annotated[Path | None, typer.Option(help="The Parquet file to write.", show_default=False)] = None,
    destination: Destinations = None,
    emailing: Emailings = None,
    begin: Begin = None,
    end: End = None,
    kind: Annotated[
        str, typer.Option(help="impressions, clicks, deliveries, errors, abuses or unsubscribes.")
    ] = "impressions",
    family: Family = "ms",
    version: Version = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only tell how many calls it will take.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load events of destinations, emailings or the whole account into one Parquet file.

    Example: COPERNICA_ACCESS_TOKEN=... impressions load --destination 112 --out opens.parquet
    """
    from impressions_analytics.loader import load_events
    from impressions_analytics.totals import plan_load

    selection: dict[str, Any] = {
        "destination": destination or None, "emailing": emailing or None, "begin": begin, "end": end, "family": family,
    }  # fmt: skip
    if plan:
        planned = plan_load(_api(version), kind=kind, **selection)  # type: ignore[arg-type]
        print(json.dumps(planned.to_dict()) if as_json else planned)
        return
    if out is None:
        raise InvalidArgumentError("say where the rows go with --out FILE.parquet, or ask for --plan")
    frame = load_events(kind, _api(version), **selection)  # type: ignore[arg-type]
    path = ia.write_snapshot(frame, out)
    certificate = frame.attrs["load"]
    if as_json:
        print(json.dumps({**certificate, "path": str(path)}))
    else:
        print(f"{path}: {certificate!r}")


@app.command()
def sandbox(
    impressions: Annotated[int, typer.Option(min=0, help="How many impressions to invent.")] = 10_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same data.")] = 1,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on this machine; 0 takes a free one.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Serve an imitation of the API on this machine until Ctrl-C, to try things on without an account.

    Example: impressions sandbox --port 8112
    """
    from impressions_analytics.sandbox import command

    def announce(where: dict[str, str]) -> None:
        if as_json:
            print(json.dumps(where), flush=True)
            return
        print(f"COPERNICA_ACCESS_TOKEN={where['access_token']}")
        print(f"COPERNICA_API_URL={where['url']}")
        print(f"COPERNICA_AUTH_URL={where['auth_url']}", flush=True)
        _say("Serving invented data; set these in another terminal and load from here. Ctrl-C stops.")

    command.serve(announce, impressions=impressions, seed=seed, port=port)


def _api(version: int | None) -> Copernica:
    return ia.Copernica.from_env(version=version)  # type: ignore[no-any-return]
