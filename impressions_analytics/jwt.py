"""Reading a JSON Web Token as much as a client must: finding it in an answer, and when it expires."""

from __future__ import annotations

import base64
import binascii

import msgspec

from impressions_analytics.settings import Secret
from impressions_analytics.values import UNREADABLE

LIFETIME_SECONDS = 24 * 3600  # as documented, for a token that does not say
MARGIN_SECONDS = 60  # a request under way must not meet the end


def jwt_in(body: bytes) -> Secret | None:
    """Return the token in the answer of an exchange: a bare text, a JSON text, or a JSON object that holds one.

    Examples
    --------
    >>> jwt_in(b'"aaa.bbb.ccc"'), jwt_in(b"<html>")
    (<secret>, None)
    """
    text = body.decode("utf-8", "replace").strip()
    if text.startswith(("{", '"')):
        try:
            answer = msgspec.json.decode(text)
        except UNREADABLE:
            return None
        values = answer.values() if isinstance(answer, dict) else [answer]
        text = next((value for value in values if isinstance(value, str) and value.count(".") == 2), "")
    plain = text.count(".") == 2 and text.isascii() and text.isprintable() and " " not in text and "<" not in text
    return Secret(text) if plain else None


def expiry_of(jwt: Secret, *, now: float) -> float:
    """Return when a token should be replaced, in seconds since 1970.

    Examples
    --------
    >>> expiry_of(Secret("a.e30.c"), now=0.0) == LIFETIME_SECONDS - MARGIN_SECONDS
    True
    """
    payload = jwt.reveal().split(".")[1]
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        expires = float(claims["exp"])
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError, *UNREADABLE):
        expires = now + LIFETIME_SECONDS
    return expires - MARGIN_SECONDS
