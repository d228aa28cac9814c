"""The sandbox in a process of its own: one line of JSON says where it is, then it serves until it is told to stop."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable, Sequence
from typing import IO, Any

from impressions_analytics.sandbox.behaviour import Behaviour
from impressions_analytics.sandbox.box import Sandbox


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve as the command line says; the exit code is 0 once it was told to stop, 2 for a bad option."""
    parser = _parser()
    options = vars(parser.parse_args(arguments))
    behaviour = options.pop("behave")
    try:
        serve(**{**options, **behaviour})
    except (TypeError, ValueError) as problem:
        parser.error(str(problem))
    return 0


def serve(announce: Callable[[dict[str, str]], None] | None = None, **options: Any) -> None:
    """Serve a sandbox until Ctrl-C, SIGTERM, or the end of the pipe that standard input is.

    Parameters
    ----------
    announce : callable, optional
        Is given the addresses and the token once the sandbox answers; by default they are printed as one JSON line.
    **options
        Those of `Sandbox`.

    Examples
    --------
    In a terminal, with any behaviour as JSON::

        python -m impressions_analytics.sandbox --impressions 200000 --latency 0.03 --behave '{"order": "random"}'
    """
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Sandbox(**options) as box:
            (announce or _print)({"url": box.url, "auth_url": box.auth_url, "access_token": box.access_token})
            if _is_pipe(sys.stdin):
                threading.Thread(target=_await_end, args=(sys.stdin.fileno(), stop), daemon=True).start()
            stop.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m impressions_analytics.sandbox", description=main.__doc__)
    parser.add_argument("--impressions", type=int, default=10_000)
    parser.add_argument("--emailings", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency", type=float, default=0.0, dest="latency_seconds", help="seconds before each answer")
    parser.add_argument("--order", default="id", help="order of rows: id, reverse, random or timestamp")
    fields = ", ".join(Behaviour.__slots__)
    parser.add_argument("--behave", type=json.loads, default={}, help=f"JSON object of any of: {fields}")
    return parser


def _print(where: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(where) + "\n")
    sys.stdout.flush()


def _is_pipe(stream: IO[str] | None) -> bool:
    """Return whether the stream's end means something: a terminal or /dev/null says nothing of when to stop."""
    with contextlib.suppress(OSError, ValueError):
        mode = os.fstat(stream.fileno()).st_mode if stream else 0
        return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
    return False


def _await_end(number: int, stop: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while os.read(number, 4096):
            pass
    stop.set()
