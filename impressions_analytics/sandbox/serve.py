"""Serve a sandbox until it is told to stop; the command ``impressions sandbox`` does this in a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable
from typing import IO

from impressions_analytics.sandbox.box import Sandbox


def serve(box: Sandbox, announce: Callable[[dict[str, str]], None]) -> None:
    """Serve until Ctrl-C, SIGTERM, or the end of the pipe that standard input is.

    Parameters
    ----------
    box : Sandbox
        What is served; it is started and stopped here.
    announce : callable
        Is given ``url``, ``auth_url`` and ``access_token`` once the sandbox answers.
    """
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with box:
            announce({"url": box.url, "auth_url": box.auth_url, "access_token": box.access_token})
            if _is_pipe(sys.stdin):
                threading.Thread(target=_await_end, args=(sys.stdin.fileno(), stop), daemon=True).start()
            stop.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
