"""The command `impressions sandbox`: serve the imitation of the API in a process of its own."""

from __future__ import annotations

import errno
import json
from typing import Annotated, Any

import typer

from impressions_analytics.cli.options import AsJson
from impressions_analytics.cli.terminal import say
from impressions_analytics.errors import InvalidArgumentError

_PORT_TROUBLE = {errno.EADDRINUSE: "is in use", errno.EACCES: "is not yours to take"}


def sandbox(
    impressions: Annotated[int, typer.Option(min=0, help="How many impressions to invent.")] = 10_000,
    emailings: Annotated[int, typer.Option(min=0, help="How many emailings to invent.")] = 12,
    seed: Annotated[int, typer.Option(help="The same seed gives the same data.")] = 1,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port on this machine; 0 takes a free one.")] = 0,
    behave: Annotated[
        str, typer.Option(metavar="JSON", help="How it misbehaves: fields of sandbox.Behaviour as a JSON object.")
    ] = "{}",
    as_json: AsJson = False,
) -> None:
    """Serve an imitation of the API on this machine. It runs until Ctrl-C, to try things on without an account.

    It also stops when its standard input is a pipe and the pipe is closed.

    Example: impressions sandbox --port 8112 --behave '{"order": "random", "latency_seconds": 0.03}'
    """
    from impressions_analytics.sandbox import Sandbox, serve

    try:
        box = Sandbox(impressions, emailings=emailings, seed=seed, port=port, **_behaviour(behave))
        serve(box, _print_json if as_json else _print_exports)
    except ValueError as problem:
        raise InvalidArgumentError(str(problem)) from None
    except OSError as problem:
        if problem.errno not in _PORT_TROUBLE:
            raise
        trouble = _PORT_TROUBLE[problem.errno]
        raise InvalidArgumentError(f"--port {port} {trouble}; give another, or 0 for a free one") from None


def _behaviour(text: str) -> dict[str, Any]:
    """Return the fields of `Behaviour` that were given as JSON."""
    from impressions_analytics.sandbox import Behaviour

    try:
        given = json.loads(text)
    except ValueError as problem:
        raise InvalidArgumentError(f"--behave is no JSON: {problem}") from None
    if not isinstance(given, dict):
        raise InvalidArgumentError(f'--behave must be a JSON object such as {{"order": "random"}}, got {text}')
    unknown = sorted(set(given) - set(Behaviour.__slots__))
    if unknown:
        raise InvalidArgumentError(f"--behave has no {unknown[0]!r}; it has {', '.join(Behaviour.__slots__)}")
    return given


def _print_json(where: dict[str, str]) -> None:
    print(json.dumps(where), flush=True)


def _print_exports(where: dict[str, str]) -> None:
    for name, value in {"ACCESS_TOKEN": "access_token", "API_URL": "url", "AUTH_URL": "auth_url"}.items():
        print(f"export COPERNICA_{name}={where[value]}", flush=True)
    say("Serving invented data; paste these lines into another terminal to load from here. Ctrl-C stops.")
