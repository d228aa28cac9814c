"""What came of one attempt to get an answer, in words that hold no secret; and status -> error."""

from __future__ import annotations

import datetime as dt
import email.utils
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO
from urllib.parse import SplitResult, urljoin, urlsplit

import msgspec
import requests
import urllib3

from impressions_analytics.api.reading import FloodError, SlowAnswerError, body_of, file_of
from impressions_analytics.api.secret import Secret, redact
from impressions_analytics.errors import AccessDeniedError, ApiError, RequestRefusedError

DOUBTFUL_PATIENCE_SECONDS = 10.0  # a host name that is not known, or an answer without end, hardly mends itself
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no JSON, or that are nested too deep to be believed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered; the body of an exchange is a token, and not shown."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str | None
    location: str | None
    clock_offset_seconds: float | None = None
    """By how much the clock behind the answer is ahead of this machine's, to about a second."""


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """Why an attempt gave no answer that can be used, in words that hold no secret."""

    reason: str
    wait_seconds: float | None = None
    everybody: bool = False
    patience_seconds: float = float("inf")
    final: bool = False


def answer_of(response: requests.Response, before_large: Callable[[], None], into: IO[bytes] | None = None) -> Answer:
    """Return an answer with its body; the body of a good one goes to a file, if one is given."""
    headers = response.headers
    if into is not None and response.status_code == 200:
        file_of(response.raw, into)
        body = b""
    else:
        body = body_of(response.raw, before_large)
    return Answer(
        response.status_code, body, headers.get("Retry-After"), headers.get("Location"),
        _clock_offset(headers.get("Date")),
    )  # fmt: skip


def _clock_offset(date: str | None) -> float | None:
    """Return by how much a ``Date`` header is ahead; it tells whole seconds, of which the middle is taken."""
    try:
        told = email.utils.parsedate_to_datetime(date or "").timestamp()
    except (ValueError, OverflowError):
        return None
    return told + 0.5 - time.time()


def failed_attempt(problem: Exception, timeout_seconds: float) -> FailedAttempt:
    """Return what the HTTP library's exception means; its own words may hold the address, and are not used."""
    told = str(problem)
    known = _of_the_reading(problem) or _final(problem, told)
    if known is not None:
        return known
    if "NameResolutionError" in told:
        return FailedAttempt("the host name is not known", patience_seconds=DOUBTFUL_PATIENCE_SECONDS)
    if isinstance(problem, requests.Timeout | urllib3.exceptions.TimeoutError):
        return FailedAttempt(f"no answer within {timeout_seconds:g} s")
    if isinstance(problem, urllib3.exceptions.ProtocolError | zlib.error):
        return FailedAttempt("the answer was cut short")
    reason = "the connection was refused" if "refused" in told else "the connection broke"
    if not isinstance(problem, requests.RequestException | urllib3.exceptions.HTTPError | OSError):
        reason = f"the answer cannot be read as HTTP ({type(problem).__name__})"
    return FailedAttempt(reason)


def _of_the_reading(problem: Exception) -> FailedAttempt | None:
    """Return what our own reading of the wire has said, however deep the library has packed it."""
    for one in _chain(problem):
        if isinstance(one, SlowAnswerError):
            return FailedAttempt(str(one))
        if isinstance(one, FloodError):
            return FailedAttempt(str(one), patience_seconds=DOUBTFUL_PATIENCE_SECONDS)
    return None


def _final(problem: Exception, told: str) -> FailedAttempt | None:
    """Return why asking again is useless, or None where it is not."""
    for sign, reason in _FINAL.items():
        if sign in told:
            return FailedAttempt(reason, final=True)
    if isinstance(problem, _BAD_ADDRESS):
        return FailedAttempt("the address cannot be used; check url", final=True)
    return None


_BAD_ADDRESS = (
    requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, urllib3.exceptions.LocationParseError,
    UnicodeError,
)  # fmt: skip
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


_UNKNOWN_CALL = re.compile(
    r"invalid method|(?:unknown|no such|unsupported) (?:method|call|resource|path)|"
    r"(?:method|call|resource|path) (?:is )?(?:unknown|not (?:found|known|supported))", re.I
)  # fmt: skip


def is_unknown_call(refused: BaseException) -> bool:
    """Whether the API refused a path as one that it does not know: any other refusal must not pass for that.

    Examples
    --------
    >>> is_unknown_call(RequestRefusedError("ms/unsubscribes: the API refused the request (400: Invalid method)"))
    True
    >>> is_unknown_call(RequestRefusedError("ms/unsubscribes: the API refused the request (400: Unknown parameter x)"))
    False
    """
    return type(refused) is RequestRefusedError and bool(_UNKNOWN_CALL.search(str(refused)))


def message_in(body: bytes) -> str:
    """Return what an error answer says, shortened; pages for people say nothing."""
    try:
        answer = msgspec.json.decode(body)
    except UNREADABLE:
        return "no message"
    error = answer.get("error", "no message") if isinstance(answer, dict) else "no message"
    text = error.get("message", error) if isinstance(error, dict) else error
    return redact(" ".join(str(text).split())[:300])


def moved_to(address: str, location: str) -> SplitResult | None:
    """Return where a move leads to, or None where that cannot be read."""
    try:
        there = urlsplit(urljoin(address, location))
        return there if there.hostname and there.geturl().isascii() else None
    except ValueError:
        return None


def hide_in(problem: BaseException | None, secrets: Iterable[Secret]) -> None:
    """Take secrets out of the words of an error, and of all that led to it."""
    for one in _chain(problem):
        for secret in secrets:
            one.args = tuple(secret.hide(word) if isinstance(word, str) else word for word in one.args)


def _chain(problem: BaseException | None) -> Iterator[BaseException]:
    """Give an error and all that led to it."""
    waiting, seen = [problem], set()
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            waiting += [one.__cause__, one.__context__]
            yield one


def seconds_to_wait(retry_after: str | None) -> float | None:
    """Return how long a Retry-After asks to wait: it is a number of seconds or a date."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.strip().isdigit():
        return float(retry_after)
    try:
        when = email.utils.parsedate_to_datetime(retry_after)
        aware = when if when.tzinfo else when.replace(tzinfo=dt.UTC)
        return max(0.0, aware.timestamp() - time.time())
    except (ValueError, OverflowError):  # years of eleven digits were seen
        return None
