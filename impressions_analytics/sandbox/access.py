"""Who may ask: the access token in versions 2 and 3, and version 4's exchange of it for a JWT."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from urllib.parse import parse_qs

from impressions_analytics.sandbox.behaviour import Behaviour
from impressions_analytics.sandbox.faults import error
from impressions_analytics.sandbox.http import HttpAnswer, Request

FRAMINGS: dict[str, Callable[[str], str]] = {
    "bare": str,
    "string": json.dumps,
    "object": lambda jwt: json.dumps({"token": jwt}),
}


class Access:
    """The one access token, and the JWTs that were given for it."""

    def __init__(self, access_token: str, seed: int) -> None:
        self.access_token = access_token
        self._secret = hashlib.sha256(f"sandbox {seed}".encode()).digest()
        self._used: Counter[str] = Counter()
        self._given = 0
        self._lock = threading.Lock()

    def exchange(self, request: Request, behaviour: Behaviour) -> HttpAnswer:
        """Answer a POST of the access token with a JWT."""
        offered = parse_qs(request.body.decode("latin-1")).get("access_token", [""])[0]
        if request.method != "POST":
            return error(400, "Use POST to authenticate")
        if not hmac.compare_digest(offered.encode(), self.access_token.encode()):
            return error(400, "Invalid access token")
        body = FRAMINGS[behaviour.jwt_framing](self._jwt(behaviour.jwt_seconds))
        return HttpAnswer(200, body.encode(), "text/plain" if behaviour.jwt_framing == "bare" else "application/json")

    def refusal(
        self, version: int, parameters: dict[str, str], request: Request, behaviour: Behaviour
    ) -> HttpAnswer | None:
        """Return why a request may not ask, or None when it may."""
        if version < 4:
            offered = parameters.get("access_token", "")
            known = hmac.compare_digest(offered.encode(), self.access_token.encode())
            return None if known else error(400, "Invalid access token")
        scheme, _, jwt = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self._genuine(jwt):
            return error(401, "Unauthorized")
        with self._lock:
            self._used[jwt] += 1
            worn_out = behaviour.jwt_uses is not None and self._used[jwt] > behaviour.jwt_uses
        return error(401, "Token expired") if worn_out or _expiry(jwt) <= time.time() else None

    def _jwt(self, seconds: float) -> str:
        with self._lock:
            self._given += 1
            number = self._given
        now = int(time.time())
        claims = {"iss": "sandbox", "iat": now, "exp": int(now + seconds), "jti": str(number)}
        head = ".".join(_encoded(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "HS256"}, claims))
        return f"{head}.{self._signature(head)}"

    def _signature(self, head: str) -> str:
        return _encoded(hmac.new(self._secret, head.encode(), hashlib.sha256).digest())

    def _genuine(self, jwt: str) -> bool:
        head, _, signature = jwt.rpartition(".")
        return head.count(".") == 1 and hmac.compare_digest(signature.encode(), self._signature(head).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _expiry(jwt: str) -> float:
    payload = jwt.split(".")[1]
    return float(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"])
