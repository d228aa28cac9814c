"""The faults: which request gets one, and what is sent instead of its answer."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate

from impressions_analytics.sandbox.behaviour import Behaviour, Fault
from impressions_analytics.sandbox.http import Ending, HttpAnswer

OVERLOADED = (
    "<html><head><title>Loadbalancer Error</title></head>"
    "<body><h1>Loadbalancer Error</h1><p>No server is available to handle this request.</p></body></html>"
)
LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Please log in</title></head><body></body></html>"
ELSEWHERE = "localhost"
"""Another name for this machine: another host to a client, and the sandbox sees what arrives there."""


def error(status: int, message: str) -> HttpAnswer:
    """Return a refusal as the API spells it."""
    return HttpAnswer(status, json.dumps({"error": {"message": message}}).encode())


def chosen_fault(behaviour: Behaviour, number: int) -> Fault | None:
    """Return the fault that the request of this number meets.

    Examples
    --------
    >>> chosen_fault(Behaviour(faults={3: "reset"}), 3), chosen_fault(Behaviour(), 3)
    ('reset', None)
    """
    if number in behaviour.faults:
        return behaviour.faults[number]
    if behaviour.fault_probability:
        draw = random.Random(f"{behaviour.fault_seed}:{number}")  # noqa: S311  (chance, not secrecy)
        if draw.random() < behaviour.fault_probability:
            return draw.choice(behaviour.fault_kinds)
    return None


def faulty(fault: Fault, answer: Callable[[], HttpAnswer], behaviour: Behaviour, target: str, port: int) -> HttpAnswer:
    """Return what a request meets instead of its answer; the answer itself is made where half of it is sent."""
    if fault in _ENDINGS:
        whole = answer() if fault in ("cut", "cut_unmarked", "cut_chunked", "reset_midway") else HttpAnswer(0)
        return replace(whole, ending=_ENDINGS[fault], refuse_seconds=behaviour.refused_seconds)
    if fault in ("301", "301_away"):
        host, path = ("127.0.0.1", "/moved") if fault == "301" else (ELSEWHERE, "/elsewhere")
        return HttpAnswer(301, headers=(("Location", f"http://{host}:{port}{path}{target}"),))
    return _ANSWERS[fault](behaviour)


def _html(status: int, text: str = OVERLOADED) -> HttpAnswer:
    return HttpAnswer(status, text.encode(), "text/html")


def _slow_down(after: str | None) -> HttpAnswer:
    headers = (("Retry-After", after),) if after is not None else ()
    return replace(error(429, "Too many requests"), headers=headers)


_ENDINGS: dict[Fault, Ending] = {
    "reset": "reset", "reset_midway": "reset_midway", "empty": "nothing", "hang": "nothing", "refused": "refuse",
    "cut": "cut", "cut_unmarked": "cut_unmarked", "cut_chunked": "cut_chunked",
}  # fmt: skip
_ANSWERS: dict[Fault, Callable[[Behaviour], HttpAnswer]] = {
    "429": lambda behaviour: _slow_down(str(behaviour.retry_after_seconds)),
    "429_date": lambda behaviour: _slow_down(formatdate(time.time() + behaviour.retry_after_seconds, usegmt=True)),
    "429_bare": lambda behaviour: _slow_down(None),
    "500": lambda behaviour: error(500, "Internal error"),
    "502": lambda behaviour: _html(502),
    "503": lambda behaviour: _html(503),
    "504": lambda behaviour: _html(504),
    "error_200": lambda behaviour: error(200, "Something went wrong"),
    "html_200": lambda behaviour: _html(200, LOGIN_PAGE),
    "400": lambda behaviour: error(400, "Bad request"),
    "401": lambda behaviour: error(401, "Token expired"),
}
