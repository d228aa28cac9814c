"""One request and its answer: the only place that hands the token to the HTTP library, and that meets its exceptions.

The access token travels in the address in versions 2 and 3, and HTTP libraries put addresses into their exceptions and
logs. So no exception of theirs is ever chained or quoted here: trouble is noted in words, and raised from a place that
has never seen the address.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import IO, Any, Literal
from urllib.parse import urlencode, urlsplit

import requests

from impressions_analytics.api.outcomes import Answer, FailedAttempt, answer_of, failed_attempt, seconds_to_wait
from impressions_analytics.api.reading import TimedAdapter
from impressions_analytics.api.secret import Secret, redact
from impressions_analytics.api.settings import LOOPBACK, Copernica
from impressions_analytics.errors import ApiError

Parameters = Sequence[tuple[str, str]]
Method = Literal["GET", "POST"]

MAY_PASS = {408, 425, 429, 500, 502, 503, 504}
"""Statuses after which the same request may succeed."""
SLOW_DOWN = {429, 503}
"""Statuses that ask every connection to wait, not only the one that got it."""
_HTTP_STACK = {"requests", "urllib3"}
"""The libraries that know addresses, and may log them; each of their modules has a logger of its own name."""
HEADERS = {**requests.utils.default_headers(), "Accept": "application/json", "Accept-Encoding": "gzip"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one answer may take.

    Attributes
    ----------
    seconds : float
        How long it may keep silent, how long its head may take, and how long its body may move at less than the
        least rate.
    before_large : callable
        Called before more of a large body is read; it may wait.
    into : binary file or None
        Where the body of a good answer is written, however large it is, in place of memory.
    """

    seconds: float
    before_large: Callable[[], None]
    into: IO[bytes] | None = None


class Sender:
    """Sends single requests, from several threads at once; what goes wrong becomes words."""

    def __init__(self, api: Copernica) -> None:
        self._api = api
        self._adapter = TimedAdapter(pool_connections=2, pool_maxsize=api.connections, max_retries=0)
        self._ways = {urlsplit(address).netloc: _way_to(address) for address in (str(api.url), str(api.auth_url))}
        for name in [name for name in sys.modules if name.split(".")[0] in _HTTP_STACK]:
            logging.getLogger(name).addFilter(_hide_tokens)  # a filter of a logger does not see what its children log

    def close(self) -> None:
        """Close idle connections."""
        self._adapter.close()

    def send(self, method: Method, address: str, limits: Limits, parameters: Parameters = ()) -> Answer | FailedAttempt:
        """Send one request; whatever the HTTP library raises ends here, turned into words."""
        try:
            request = self._request(method, address, parameters)
            response = self._adapter.send(
                request, stream=True, timeout=limits.seconds, **self._ways[urlsplit(address).netloc]
            )
            with response:
                answer = answer_of(response, limits.before_large, limits.into)
        except ApiError:  # from who was asked for room
            raise
        except Exception as problem:  # noqa: BLE001 -- odd answers raise ValueError, OverflowError and more, below HTTP
            return failed_attempt(problem, limits.seconds)
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
    def secrets(self) -> list[Secret]:
        """The tokens that no word may hold."""
        tokens = (self._api.access_token, self._api.tokens.get("jwt"))
        return [token for token in tokens if isinstance(token, Secret)]

    def _without_tokens(self, answer: Answer) -> Answer:
        """Take the tokens out of an answer that quotes them, so that neither a warning nor a file can hold one."""
        body, location = answer.body, answer.location
        for token in self.secrets:
            location = token.hide(location) if location else None
            if answer.status != 200 or token.is_quoted_in(body):
                body = token.hide(body.decode("latin-1")).encode("latin-1")
        return replace(answer, body=body, location=location)


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
