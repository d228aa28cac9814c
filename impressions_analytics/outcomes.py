"""What came of one attempt to get an answer, in words that hold no secret; and status -> error."""

from __future__ import annotations

import email.utils
import time
from dataclasses import dataclass, field

import msgspec
import requests
import urllib3

from impressions_analytics.errors import AccessDeniedError, ApiError, RequestRefusedError
from impressions_analytics.settings import redact
from impressions_analytics.values import UNREADABLE

NAME_PATIENCE_SECONDS = 10.0  # a host name that is not known is more likely misspelt than out of order


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered; the body of an exchange is a token, and not shown."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str | None
    location: str | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why an attempt gave no answer that can be used, in words that hold no secret."""

    reason: str
    wait_seconds: float | None = None
    everybody: bool = False
    patience_seconds: float = float("inf")
    final: bool = False


def trouble_of(problem: Exception, timeout_seconds: float) -> Trouble:
    """Return what the HTTP library's exception means; its own words may hold the address, and are not used."""
    told = str(problem)
    for sign, reason in _FINAL.items():
        if sign in told:
            return Trouble(reason, final=True)
    if isinstance(problem, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return Trouble("the address cannot be used; check url", final=True)
    if "NameResolutionError" in told:
        return Trouble("the host name is not known", patience_seconds=NAME_PATIENCE_SECONDS)
    if isinstance(problem, requests.Timeout | urllib3.exceptions.TimeoutError):
        return Trouble(f"no answer within {timeout_seconds:g} s")
    if isinstance(problem, urllib3.exceptions.ProtocolError | urllib3.exceptions.DecodeError):
        return Trouble("the answer was cut short")
    return Trouble("the connection was refused" if "refused" in told else "the connection broke")


_FINAL = {
    "CERTIFICATE_VERIFY_FAILED": "the server's certificate is not trusted; check url, the clock, or the proxy between",
    "TLS CA certificate": "the file of trusted certificates cannot be read; check REQUESTS_CA_BUNDLE",
}
"""What in the HTTP library's words means that asking again is useless."""


def error_of(path: str, answer: Answer) -> ApiError:
    """Return the error that an answer other than 200 is."""
    message = message_in(answer.body)
    if answer.status in (401, 403) or (answer.status == 400 and "token" in message.lower()):
        return AccessDeniedError(
            f"{path}: the API does not accept the access token ({answer.status}: {message}); check "
            "COPERNICA_ACCESS_TOKEN and the version"
        )
    return RequestRefusedError(f"{path}: the API refused the request ({answer.status}: {message})")


def message_in(body: bytes) -> str:
    """Return what an error answer says, shortened; pages for people say nothing."""
    try:
        answer = msgspec.json.decode(body)
    except UNREADABLE:
        return "no message"
    error = answer.get("error", "no message") if isinstance(answer, dict) else "no message"
    text = error.get("message", error) if isinstance(error, dict) else error
    return redact(" ".join(str(text).split())[:300])


def seconds_to_wait(retry_after: str | None) -> float | None:
    """Return how long a Retry-After asks to wait: it is a number of seconds or a date."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.strip().isdigit():
        return float(retry_after)
    try:
        when = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, when.timestamp() - time.time())
