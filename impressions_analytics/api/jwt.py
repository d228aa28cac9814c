"""What a client reads of a JSON Web Token: where it is in an answer, and how long it can be used."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from impressions_analytics.api.outcomes import UNREADABLE
from impressions_analytics.api.secret import Secret

LIFETIME_SECONDS = 24 * 3600  # as documented, for a token that does not say
MARGIN_SECONDS = 60  # a request under way must not meet the end; half of a life shorter than two of these
_SHAPE = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)


def jwt_in(body: bytes) -> Secret | None:
    """Return the token in the answer of an exchange: a bare text, a JSON text, or a JSON object that holds one.

    A host name has the shape of a token too. So a text whose first part is a JSON object goes before one whose
    second is, and one that is neither is believed only where nothing else was answered.

    Examples
    --------
    >>> jwt_in(b'"aaa.bbb.ccc"'), jwt_in(b'{"host": "api.copernica.com"}'), jwt_in(b"<html>")
    (<secret>, None, None)
    """
    text = body.decode("utf-8", "replace").strip()
    answer: Any = text
    if text.startswith(("{", '"')):
        try:
            answer = msgspec.json.decode(text)
        except UNREADABLE:
            return None
    found = [token for value in _texts(answer, depth=2) if _SHAPE.fullmatch(token := value.removeprefix("Bearer "))]
    best = max(found, key=_likeness, default="")
    return Secret(best) if best and (isinstance(answer, str) or any(_likeness(best))) else None


def use_until(jwt: Secret, *, now: float) -> float:
    """Return until when a token just received is to be used, in seconds since 1970; a refusal ends it in any case.

    Where it says when it was issued, the clock of this machine does not matter. A clock that calls a new token
    expired is wrong, and the token is then used until it is refused.

    Examples
    --------
    >>> use_until(Secret("a.e30.c"), now=0.0) == LIFETIME_SECONDS - MARGIN_SECONDS
    True
    """
    claims = _claims(jwt.reveal().split(".")[1])
    expires, issued = (_number(claims.get(name)) for name in ("exp", "iat"))
    lifetime = LIFETIME_SECONDS if expires is None else expires - (now if issued is None else issued)
    return now + lifetime - min(MARGIN_SECONDS, lifetime / 2) if lifetime > 0 else float("inf")


def _texts(value: Any, *, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict) and depth:
        for one in value.values():
            yield from _texts(one, depth=depth - 1)


def _likeness(token: str) -> tuple[bool, bool]:
    """Return how much a text of the right shape is a token: whether its parts are JSON objects."""
    header, payload, _ = token.split(".")
    return bool(_claims(header)), bool(_claims(payload))


def _claims(part: str) -> dict[str, Any]:
    """Return the JSON object that a part of a token is, empty where it is none."""
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, *UNREADABLE):
        return {}
    return claims if isinstance(claims, dict) else {}


def _number(claim: Any) -> float | None:
    try:
        number = float(claim)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None
