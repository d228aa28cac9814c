"""From a request to its answer: check the token, apply faults, let new rows arrive, then answer."""

from __future__ import annotations

import functools
import gzip
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from impressions_analytics.sandbox.access import Access
from impressions_analytics.sandbox.answers import INVALID_METHOD, Call, answered, consumption, identity, route
from impressions_analytics.sandbox.arrivals import Arrivals
from impressions_analytics.sandbox.behaviour import Behaviour, Fault
from impressions_analytics.sandbox.faults import ELSEWHERE, chosen_fault, error, faulty
from impressions_analytics.sandbox.http import HttpAnswer, Request
from impressions_analytics.sandbox.logs import log_file, log_files
from impressions_analytics.sandbox.plan import Plan
from impressions_analytics.sandbox.record import Record
from impressions_analytics.sandbox.views import Views
from impressions_analytics.sandbox.wire import Edition
from impressions_analytics.sandbox.world import World

FAMILIES = ("ms", "publisher")
EDITORS = {"html": 1, "draganddrop": 0}
"""The Marketing Suite's editors, and which emailings are each one's where both have paths of their own."""
AUTHENTICATE = "/authenticate"
_PATH = re.compile(
    r"(?:/moved|/elsewhere)*/v([234])/"
    r"(?:(identity|consumption|logfiles|logfile/[^/]+/json)|(ms|html|draganddrop|publisher)/(.+?))/?"
)
WORTH_COMPRESSING = 500

Parameters = tuple[tuple[str, str], ...]


class Service:
    """Connects the server to the data. `port` and `wait` are set when the server starts."""

    def __init__(self, plan: Plan, access: Access, behaviour: Behaviour) -> None:
        self.access = access
        self.record = Record()
        self.data = threading.RLock()
        self.port = 0
        self.wait: Callable[[float], object] = time.sleep
        self._plan = plan
        self._families: dict[str, Views] = {}
        self.arrivals = Arrivals(plan)
        self.behaviour = behaviour
        self.behave()

    def behave(self, **changes: Any) -> None:
        """Change the behaviour; an outage and the rows that arrive start anew."""
        with self.data:
            self.behaviour = replace(self.behaviour, **changes)
            self._outage_left = self.behaviour.outage_requests
            self._outage_until = time.monotonic() + self.behaviour.outage_seconds
            self.arrivals.restart()

    def views(self, family: str) -> Views:
        """Return a family's lists, its data invented when it is first asked for."""
        if family not in FAMILIES:
            raise ValueError(f"family is {family!r}; it can be 'ms' or 'publisher'")
        with self.data:
            if family not in self._families:
                plan = replace(self._plan, family=FAMILIES.index(family))
                self._families[family] = Views(World(plan), self._plan.seed)
            return self._families[family]

    def handle(self, request: Request) -> HttpAnswer:
        """Answer one request of a client, and note it."""
        target = urlsplit(request.target)
        if target.path.startswith("/sandbox/"):
            return self._control(request, target.path)
        parameters = tuple(parse_qsl(target.query, keep_blank_values=True))
        elsewhere = request.headers.get("host", "").startswith(ELSEWHERE) and target.path.startswith("/elsewhere")
        carried = parameters + ((("access_token", ""),) if "authorization" in request.headers else ())
        number, asked = self.record.begin(request.method, target.path, carried, elsewhere=elsewhere)
        answer = HttpAnswer(0, ending="nothing")
        try:
            answer = self._met(request, target.path, parameters, number)
        finally:
            self.record.end(number, asked, answer.status or None)
        return answer

    def _met(self, request: Request, path: str, parameters: Parameters, number: int) -> HttpAnswer:
        behaviour = self.behaviour
        fault = self._outage() or chosen_fault(behaviour, number)
        if behaviour.most_parallel is not None and self.record.under_way > behaviour.most_parallel:
            fault = "429"
        self._delay(behaviour, dict(parameters), fault)

        def healthy() -> HttpAnswer:
            return self._answer(request, path, parameters, number)

        answer = faulty(fault, healthy, behaviour, request.target, self.port) if fault else healthy()
        date = formatdate(time.time() + behaviour.clock_offset_seconds, usegmt=True)
        answer = replace(answer, headers=(*answer.headers, ("Date", date)))
        if (
            behaviour.gzip
            and "gzip" in request.headers.get("accept-encoding", "")
            and len(answer.body) > WORTH_COMPRESSING
        ):
            packed = gzip.compress(answer.body, compresslevel=1, mtime=0)
            answer = replace(answer, body=packed, headers=(*answer.headers, ("Content-Encoding", "gzip")))
        return answer

    def _outage(self) -> Fault | None:
        with self.data:
            if self._outage_left > 0:
                self._outage_left -= 1
                return self.behaviour.outage_fault
            return self.behaviour.outage_fault if time.monotonic() < self._outage_until else None

    def _delay(self, behaviour: Behaviour, parameters: dict[str, str], fault: Fault | None) -> None:
        start = parameters.get("start", "0")
        deep = int(start) if start.isdecimal() else 0
        seconds = behaviour.latency_seconds + behaviour.offset_milliseconds_per_1000 * deep / 1e6
        seconds += behaviour.hang_seconds if fault == "hang" else 0
        if seconds > 0:
            self.wait(seconds)

    def _answer(self, request: Request, path: str, parameters: Parameters, number: int) -> HttpAnswer:
        if path == AUTHENTICATE:
            return self.access.exchange(request, self.behaviour)
        match = _PATH.fullmatch(path)
        if not match:
            return error(400, INVALID_METHOD)
        if request.method != "GET":
            return error(400, f"Unsupported method {request.method}")
        version = int(match[1])
        refusal = self.access.refusal(version, dict(parameters), request, self.behaviour)
        return refusal or self._find(match, version, parameters, number)

    def _find(self, match: re.Match[str], version: int, parameters: Parameters, number: int) -> HttpAnswer:
        behaviour = self.behaviour
        if match[3] and match[3] not in behaviour.families:
            return error(400, INVALID_METHOD)
        family = "publisher" if match[3] == "publisher" else "ms"
        edition = Edition(family, version, origin=version == 2 and behaviour.v2_edition == "origin")
        found = route(match[4]) if match[4] else None
        with self.data:
            if match[2] and match[2].startswith("logfile"):
                return answered(functools.partial(self._logs, match[2], parameters), None)
            if match[2]:
                call = Call(edition, self.views(family), "", "account", "", parameters, behaviour, number)
                return answered(identity if match[2] == "identity" else consumption, call)
            if not found or found[1].get("kind") in behaviour.refused_kinds:
                return error(400, INVALID_METHOD)
            known, parts = found
            kind = parts.get("kind") or known.kind
            call = Call(
                edition,
                self.views(family),
                kind,
                known.level,
                parts.get("id", ""),
                parameters,
                behaviour,
                number,
                EDITORS.get(match[3]) if set(EDITORS) <= set(behaviour.families) else None,
            )
            if kind == "impressions":
                self.arrivals.before(call)
            return answered(known.answer, call)

    def _logs(self, path: str, parameters: Parameters, _: object) -> bytes:
        if path == "logfiles":
            return log_files(parameters, self.views, self.behaviour)
        return log_file(path.split("/")[1], self.views, self.behaviour)

    def _control(self, request: Request, path: str) -> HttpAnswer:
        """Let another process count the requests, forget them, or change the behaviour."""
        if (request.method, path) == ("POST", "/sandbox/clear"):
            self.record.clear()
        elif (request.method, path) == ("POST", "/sandbox/behave"):
            try:
                self.behave(**json.loads(request.body))
            except (TypeError, ValueError) as problem:
                return error(400, str(problem))
        elif (request.method, path) != ("GET", "/sandbox/requests"):
            return error(400, f"Unknown control {request.method} {path}")
        record = self.record
        asked = record.asked
        known = {
            "requests": len(asked),
            "peak_parallel": record.peak_parallel,
            "asked": [one._asdict() for one in asked],
        }
        return HttpAnswer(200, json.dumps(known).encode())
