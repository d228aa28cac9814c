"""The conversation with the API: moves, retries within the patience, the JWT of version 4, and status -> error.

One request and its answer are the matter of `sending.py`; here is decided whether another one follows.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import IO, Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from impressions_analytics.api.editors import MS, learn, spellings
from impressions_analytics.api.jwt import jwt_in, use_until
from impressions_analytics.api.outcomes import (
    UNREADABLE,
    Answer,
    FailedAttempt,
    error_of,
    hide_in,
    is_unknown_call,
    message_in,
    moved_to,
)
from impressions_analytics.api.secret import Secret
from impressions_analytics.api.sending import Limits, Parameters, Sender
from impressions_analytics.api.settings import Copernica
from impressions_analytics.errors import (
    AccessDeniedError,
    ApiError,
    ApiUnavailableError,
    MalformedResponseError,
    RequestRefusedError,
    printable,
)

log = logging.getLogger("impressions_analytics")

MOVED = {301, 302, 303, 307, 308}

FIRST_WAIT_SECONDS = 0.25  # a reset connection is usually back at once
LONGEST_WAIT_SECONDS = 30.0  # outages last minutes: asking twice a minute is often enough
WORTH_A_WARNING_SECONDS = 5.0  # a person at a terminal starts to wonder
SHORTEST_SECONDS = 1.0  # whoever is asked again gets so long to answer, though the patience is nearly over
MOST_MOVES = 5


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
        self._learning = threading.Lock()
        self._hold_until = 0.0
        self.requests = 0
        self.retries = 0
        self.clock_offset_seconds: float | None = None
        self._sender = Sender(api)

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, _type: object, problem: BaseException | None, _traceback: object) -> None:
        """Stop; and where it ends in an error, take out of its words what the API quoted of the tokens."""
        self.stop()
        hide_in(problem, self._sender.secrets)

    def stop(self) -> None:
        """Give up: waits end at once, and idle connections are closed."""
        self._stopped.set()
        self._sender.close()

    def get(
        self,
        path: str,
        parameters: Parameters = (),
        *,
        again: int = 0,
        before_large: Callable[[], None] = lambda: None,
        into: IO[bytes] | None = None,
    ) -> bytes:
        """Return the body that the API answers for a path below the version's root.

        Parameters
        ----------
        path, parameters : str, sequence of pairs
            What to ask for.
        again : int
            How many answers to the same request could not be read so far; the wait before asking grows with it.
        before_large : callable, optional
            Called once the body turns out to be large; it may wait until there is room for it.
        into : binary file, optional
            Where the body is written when it may be larger than memory; nothing is returned of it then.

        Raises
        ------
        RequestRefusedError, AccessDeniedError
            When the API says no.
        ApiUnavailableError
            When no good answer came within the patience.
        """
        options: dict[str, Any] = {"again": again, "before_large": before_large, "into": into}
        first: RequestRefusedError | None = None
        for spelled in spellings(path, self._api.learnt):
            try:
                return self._ask(spelled, parameters, **options)
            except RequestRefusedError as refused:
                elsewhere = path.startswith(f"{MS}/") and not isinstance(refused, AccessDeniedError)
                if not elsewhere:
                    raise
                first = first or refused
        if first is not None and is_unknown_call(first) and self._learns():
            return self.get(path, parameters, **options)
        raise first or RequestRefusedError(f"{path}: no path answers it")

    def _learns(self) -> bool:
        """Find out, once, under which paths the account answers what is refused."""
        with self._learning:
            return learn(self._ask, self._api.learnt)

    def _ask(
        self,
        path: str,
        parameters: Parameters = (),
        *,
        again: int = 0,
        before_large: Callable[[], None] = lambda: None,
        into: IO[bytes] | None = None,
    ) -> bytes:
        """Ask for exactly this path."""
        if again:
            with self._lock:
                self.retries += 1
            self._wait(FIRST_WAIT_SECONDS * 2**again)
        if self._api.version == 4:
            self._refresh_jwt(older_than=None)
        used = self._api.tokens.get("jwt")

        def attempt(seconds: float) -> Answer | FailedAttempt:
            return self._get(f"{self._api.root}/{path}", parameters, Limits(seconds, before_large, into))

        answer = self._patiently(path, attempt)
        if answer.status == 401 and self._api.version == 4:
            self._refresh_jwt(older_than=used)
            answer = self._patiently(path, attempt)
        if answer.status != 200:
            raise error_of(path, answer)
        if into is not None and any(token.is_quoted_in_file(into) for token in self._sender.secrets):
            raise MalformedResponseError(f"{path}: the file holds the access token, and is not kept")
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

    def _patiently(self, path: str, attempt: Callable[[float], Answer | FailedAttempt]) -> Answer:
        """Repeat an attempt, which is told how long it may take, while trouble may pass, within the patience."""
        began = time.monotonic()
        number = 0
        seconds = self._api.timeout_seconds
        while True:
            self._hold(path)
            with self._lock:
                self.requests += 1
                self.retries += number > 0
            outcome = attempt(seconds)
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
            log.log(level, "%s: %s; asking again in %.1f s", path, printable(outcome.reason), wait)
            self._wait(wait)
            left = self._api.patience_seconds - (time.monotonic() - began)
            seconds = min(self._api.timeout_seconds, max(left, SHORTEST_SECONDS))

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

    def _hold(self, path: str) -> None:
        """Wait as long as another connection was told that all should wait, within the patience."""
        wait = self._hold_until - time.monotonic()
        if wait > max(self._api.patience_seconds, self._api.timeout_seconds):
            raise ApiUnavailableError(f"{path}: the API asks every connection to wait {wait:.0f} s. Try later")
        self._wait(wait)

    def _wait(self, seconds: float) -> None:
        if self._stopped.is_set() or (seconds > 0 and self._stopped.wait(min(seconds, threading.TIMEOUT_MAX))):
            raise ApiError("the load was stopped")

    def _get(self, address: str, parameters: Parameters, limits: Limits) -> Answer | FailedAttempt:
        """Ask once, following moves within the host."""
        here = urlsplit(address)
        for _ in range(MOST_MOVES):
            outcome = self._sender.send("GET", address, limits, parameters)
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

    def _refresh_jwt(self, *, older_than: Secret | None) -> None:
        """Make sure that there is a JWT that has not expired and is not the one that was refused."""
        tokens = self._api.tokens
        with self._jwt_lock:
            current = tokens.get("jwt")
            if current is not None and current != older_than and tokens["expires"] > time.time():
                return
            answer = self._patiently("(token exchange)", self._exchange)
            jwt = jwt_in(answer.body) if answer.status == 200 else None
            if jwt is None:
                raise AccessDeniedError(
                    f"the exchange of the access token for a JWT answered {answer.status}: {message_in(answer.body)}"
                )
            tokens.update(jwt=jwt, expires=use_until(jwt, now=time.time()))

    def _exchange(self, seconds: float) -> Answer | FailedAttempt:
        return self._sender.send("POST", str(self._api.auth_url), Limits(seconds, lambda: None))

    @property
    def _jwt_lock(self) -> threading.Lock:
        lock: threading.Lock = self._api.tokens.setdefault("lock", threading.Lock())
        return lock
