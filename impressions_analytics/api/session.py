"""Bytes from the API: the session, the access token, time-outs, retries, and status -> error.

The only module that imports requests. The access token travels in the address in versions 2 and 3, and HTTP libraries
put addresses into their exceptions and logs. So no exception of theirs is ever chained or quoted here: trouble is
noted in words, and raised from a place that has never seen the address.
"""

from __future__ import annotations

import logging
import random
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
import requests
from requests.adapters import HTTPAdapter

from impressions_analytics.api.jwt import jwt_in, use_until
from impressions_analytics.api.outcomes import (
    UNREADABLE,
    Answer,
    FailedAttempt,
    answer_of,
    error_of,
    failed_attempt,
    hide_in,
    message_in,
    moved_to,
    seconds_to_wait,
)
from impressions_analytics.api.secret import Secret, redact
from impressions_analytics.api.settings import LOOPBACK, Copernica
from impressions_analytics.errors import (
    AccessDeniedError,
    ApiError,
    ApiUnavailableError,
    MalformedResponseError,
    RequestRefusedError,
)

log = logging.getLogger("impressions_analytics")

Parameters = Sequence[tuple[str, str]]
Method = Literal["GET", "POST"]

MAY_PASS = {408, 425, 429, 500, 502, 503, 504}
"""Statuses after which the same request may succeed."""
SLOW_DOWN = {429, 503}
"""Statuses that ask every connection to wait, not only the one that got it."""
MOVED = {301, 302, 303, 307, 308}

FIRST_WAIT_SECONDS = 0.25  # a reset connection is usually back at once
LONGEST_WAIT_SECONDS = 30.0  # outages last minutes: asking twice a minute is often enough
WORTH_A_WARNING_SECONDS = 5.0  # a person at a terminal starts to wonder
MOST_MOVES = 5
_HTTP_STACK = {"requests", "urllib3"}
"""The libraries that know addresses, and may log them; each of their modules has a logger of its own name."""
HEADERS = {**requests.utils.default_headers(), "Accept": "application/json"}


class Transport:
    """Fetches bytes for one call of a loader; may be used from several threads at once.

    Attributes
    ----------
    requests, retries : int
        How many answers were waited for, and how many of those were asked again.
    clock_offset_seconds : float or None
        By how much the clock of the API was ahead at the last answer that told a time.
    """

    def __init__(self, api: Copernica) -> None:
        self._api = api
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._hold_until = 0.0
        self.requests = 0
        self.retries = 0
        self.clock_offset_seconds: float | None = None
        self._adapter = HTTPAdapter(pool_connections=2, pool_maxsize=api.connections, max_retries=0)
        self._ways = {urlsplit(address).netloc: _way_to(address) for address in (str(api.url), str(api.auth_url))}
        for name in [name for name in sys.modules if name.split(".")[0] in _HTTP_STACK]:
            logging.getLogger(name).addFilter(_hide_tokens)  # a filter of a logger does not see what its children log

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, _type: object, problem: BaseException | None, _traceback: object) -> None:
        """Stop; and where it ends in an error, take out of its words what the API quoted of the tokens."""
        self.stop()
        hide_in(problem, self._secrets)

    def stop(self) -> None:
        """Give up: waits end at once, and idle connections are closed."""
        self._stopped.set()
        self._adapter.close()

    def get(self, path: str, parameters: Parameters = (), *, again: int = 0) -> bytes:
        """Return the body that the API answers for a path below the version's root.

        Parameters
        ----------
        path, parameters : str, sequence of pairs
            What to ask for.
        again : int
            How many answers to the same request could not be read so far; the wait before asking grows with it.

        Raises
        ------
        RequestRefusedError, AccessDeniedError
            When the API says no.
        ApiUnavailableError
            When no good answer came within the patience.
        """
        if again:
            with self._lock:
                self.retries += 1
            self._wait(FIRST_WAIT_SECONDS * 2**again)
        if self._api.version == 4:
            self._refresh_jwt(older_than=None)
        used = self._api.tokens.get("jwt")
        answer = self._patiently(path, lambda: self._get(f"{self._api.root}/{path}", parameters))
        if answer.status == 401 and self._api.version == 4:
            self._refresh_jwt(older_than=used)
            answer = self._patiently(path, lambda: self._get(f"{self._api.root}/{path}", parameters))
        if answer.status != 200:
            raise error_of(path, answer)
        return answer.body

    def has_patience(self, again: int) -> bool:
        """Whether the patience allows to ask once more for an answer that could not be read so many times."""
        waits = [FIRST_WAIT_SECONDS * 2.0**number for number in range(1, again + 1)]
        return sum(waits) <= self._api.patience_seconds

    def get_object(self, path: str, parameters: Parameters = ()) -> dict[str, Any]:
        """Return the JSON object that the API answers where it gives one thing and not a list.

        Raises
        ------
        MalformedResponseError
            When the answer is no JSON object.
        """
        body = self.get(path, parameters)
        try:
            answer = msgspec.json.decode(body)
        except UNREADABLE:
            answer = None
        if not isinstance(answer, dict):
            raise MalformedResponseError(f"{path}: expected a JSON object, got {len(body)} bytes of something else")
        if "error" in answer:
            raise RequestRefusedError(f"{path}: the API answered with an error: {message_in(body)}")
        return answer

    def _patiently(self, path: str, attempt: Callable[[], Answer | FailedAttempt]) -> Answer:
        """Repeat an attempt while trouble may pass, within the patience."""
        began = time.monotonic()
        number = 0
        while True:
            self._wait(self._hold_until - time.monotonic())
            with self._lock:
                self.requests += 1
                self.retries += number > 0
            outcome = attempt()
            if isinstance(outcome, Answer):
                self.clock_offset_seconds = outcome.clock_offset_seconds
                return outcome
            if outcome.final:
                raise RequestRefusedError(f"{path}: {outcome.reason}")
            wait = self._wait_after(outcome, number)
            number += 1
            patience = min(self._api.patience_seconds, outcome.patience_seconds)
            spent = time.monotonic() - began
            if spent + wait > patience:
                raise ApiUnavailableError(
                    f"{path}: {outcome.reason}, and still after {number} tries in {spent:.0f} s (the next would need "
                    f"to wait {wait:.1f} s; the patience is {patience:.0f} s). Try later, or give more patience_seconds"
                )
            level = logging.WARNING if wait > WORTH_A_WARNING_SECONDS else logging.INFO
            log.log(level, "%s: %s; asking again in %.1f s", path, outcome.reason, wait)
            self._wait(wait)

    def _wait_after(self, failure: FailedAttempt, number: int) -> float:
        """Return how long to wait: ever longer with chance, so that connections do not come at once; longer if told."""
        longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(number, 20))
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 -- spreads load, guards nothing
        told = 0.0 if failure.wait_seconds is None else failure.wait_seconds + 0.1 * jitter
        wait: float = max(told, longest * jitter)
        if failure.everybody:
            with self._lock:
                self._hold_until = max(self._hold_until, time.monotonic() + wait)
        return wait

    def _wait(self, seconds: float) -> None:
        if self._stopped.is_set() or (seconds > 0 and self._stopped.wait(min(seconds, threading.TIMEOUT_MAX))):
            raise ApiError("the load was stopped")

    def _get(self, address: str, parameters: Parameters) -> Answer | FailedAttempt:
        """Ask once, following moves within the host."""
        here = urlsplit(address)
        for _ in range(MOST_MOVES):
            outcome = self._send("GET", address, parameters)
            if isinstance(outcome, FailedAttempt) or outcome.status not in MOVED or not outcome.location:
                return outcome
            there = moved_to(address, outcome.location)
            if there is None:
                return FailedAttempt("it has moved to an address that cannot be read", final=True)
            if (there.scheme, there.netloc) != (here.scheme, here.netloc):
                elsewhere = f"{there.scheme}://{there.hostname}"[:100]
                return FailedAttempt(
                    f"it has moved to {elsewhere}, where the token is not sent unasked; set url", final=True
                )
            moved = [(name, value) for name, value in parse_qsl(there.query) if name != "access_token"]
            parameters = moved or parameters
            address = there._replace(query="", fragment="").geturl()
        return FailedAttempt("it is moved in a circle", final=True)

    def _send(self, method: Method, address: str, parameters: Parameters = ()) -> Answer | FailedAttempt:
        """Send one request; whatever the HTTP library raises ends here, turned into words."""
        try:
            request = self._request(method, address, parameters)
            response = self._adapter.send(
                request, stream=True, timeout=self._api.timeout_seconds, **self._ways[urlsplit(address).netloc]
            )
            with response:
                answer = answer_of(response, timeout_seconds=self._api.timeout_seconds)
        except Exception as problem:  # noqa: BLE001 -- odd answers raise ValueError, OverflowError and more, below HTTP
            return failed_attempt(problem, self._api.timeout_seconds)
        if isinstance(answer, FailedAttempt):
            return answer
        if answer.status in MAY_PASS:
            return FailedAttempt(
                f"the API answered {answer.status}", seconds_to_wait(answer.retry_after), answer.status in SLOW_DOWN
            )
        return answer if method == "POST" and answer.status == 200 else self._without_tokens(answer)

    def _request(self, method: Method, address: str, parameters: Parameters) -> requests.PreparedRequest:
        """Make a request by hand: a session's own way reads the environment anew each time, and the .netrc file.

        No function that may raise holds the token in a variable: some people's tracebacks show them all.
        """
        token = ("access_token", _revealed(self._api.access_token))
        headers = dict(HEADERS)
        if self._api.version == 4 and method == "GET":
            headers["Authorization"] = f"Bearer {self._api.tokens['jwt'].reveal()}"
        elif method == "GET":
            parameters = [*parameters, token]
        form = [token] if method == "POST" else None
        request = requests.PreparedRequest()
        request.prepare(method, address, headers=headers, data=form, params=urlencode(parameters))
        return request

    @property
    def _secrets(self) -> list[Secret]:
        tokens = (self._api.access_token, self._api.tokens.get("jwt"))
        return [token for token in tokens if isinstance(token, Secret)]

    def _without_tokens(self, answer: Answer) -> Answer:
        """Take the tokens out of an answer that quotes them, so that neither a warning nor a file can hold one."""
        body, location = answer.body, answer.location
        for token in self._secrets:
            location = token.hide(location) if location else None
            if answer.status != 200 or token.is_quoted_in(body):
                body = token.hide(body.decode("latin-1")).encode("latin-1")
        return replace(answer, body=body, location=location)

    def _refresh_jwt(self, *, older_than: Secret | None) -> None:
        """Make sure that there is a JWT that has not expired and is not the one that was refused."""
        tokens = self._api.tokens
        with self._jwt_lock:
            current = tokens.get("jwt")
            if current is not None and current != older_than and tokens["expires"] > time.time():
                return
            answer = self._patiently("(token exchange)", lambda: self._send("POST", str(self._api.auth_url)))
            jwt = jwt_in(answer.body) if answer.status == 200 else None
            if jwt is None:
                raise AccessDeniedError(
                    f"the exchange of the access token for a JWT answered {answer.status}: {message_in(answer.body)}"
                )
            tokens.update(jwt=jwt, expires=use_until(jwt, now=time.time()))

    @property
    def _jwt_lock(self) -> threading.Lock:
        lock: threading.Lock = self._api.tokens.setdefault("lock", threading.Lock())
        return lock


def _way_to(address: str) -> dict[str, Any]:
    """Return how to connect to an address: the environment's certificates, and its proxy unless it is this machine."""
    with requests.Session() as session:
        way = session.merge_environment_settings(address, {}, None, None, None)
    proxies = {} if urlsplit(address).hostname in LOOPBACK else way["proxies"]
    return {"verify": way["verify"], "cert": way["cert"], "proxies": proxies}


def _revealed(token: Secret | str) -> str:
    return token.reveal() if isinstance(token, Secret) else token


def _hide_tokens(record: logging.LogRecord) -> bool:
    """Take tokens out of what the HTTP library logs: it logs every address, and tracebacks that hold one."""
    if isinstance(record.args, tuple):
        record.args = tuple(map(_hidden, record.args))
    record.msg = redact(str(record.msg))
    record.exc_info = None
    return True


def _hidden(value: object) -> object:
    """Return an argument of a log record as it may be shown; of an error, which may quote anything, only its kind."""
    if isinstance(value, int | float):
        return value
    return type(value).__name__ if isinstance(value, BaseException) else redact(str(value))
