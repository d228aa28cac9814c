"""How to reach the API: frozen settings, the only reader of the environment, and the word that hides secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from impressions_analytics.endpoints import VERSIONS, Version
from impressions_analytics.errors import SettingsError

API_URL = "https://api.copernica.com"
AUTH_URL = "https://authenticate.copernica.com"

ENVIRONMENT = {
    "access_token": "COPERNICA_ACCESS_TOKEN",
    "version": "COPERNICA_API_VERSION",
    "url": "COPERNICA_API_URL",
    "auth_url": "COPERNICA_AUTH_URL",
    "patience_seconds": "COPERNICA_PATIENCE_SECONDS",
}
"""Which environment variable each setting can come from."""

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_TOKEN_IN_TEXT = re.compile(r"(access_token=|Bearer\s+)[^&\s\"'<>]+")


class Secret:
    """A text that is never shown: only `reveal` gives it, and nothing that prints calls that.

    Examples
    --------
    >>> Secret("hunter2")
    <secret>
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))


def redact(text: str) -> str:
    """Return a text without the access tokens and JWTs that it may hold.

    Examples
    --------
    >>> redact("GET /v2/identity?access_token=abc&x=1")
    'GET /v2/identity?access_token=<secret>&x=1'
    """
    return _TOKEN_IN_TEXT.sub(r"\1<secret>", text)


@dataclass(frozen=True, repr=False)
class Copernica:
    """How to reach one account; give it to the loaders.

    Parameters
    ----------
    access_token : str
        The account's access token. It is never shown.
    version : {2, 3, 4}
        The version of the API.
    url, auth_url : str, optional
        Where the API, and for version 4 its exchange of tokens, answer; the vendor's addresses by default.
    connections : int
        How many requests may be under way at once.
    timeout_seconds : float
        How long one answer may keep silent.
    patience_seconds : float
        How long all retries of one request may take together; outages of minutes are known.
    timezone : str
        The zone of the account's wall clock.
    allow_plain_http : bool
        Whether the token may travel unencrypted to a machine other than this one.

    Raises
    ------
    SettingsError
        When a setting is missing or cannot be used.

    Examples
    --------
    >>> Copernica(access_token="abc", version=3)
    Copernica(access_token=<secret>, version=3, url='https://api.copernica.com', timezone='Europe/Amsterdam')
    """

    access_token: Secret | str = ""
    version: Version = 2
    url: str | None = None
    auth_url: str | None = None
    connections: int = 8
    timeout_seconds: float = 30.0
    patience_seconds: float = 300.0
    timezone: str = "Europe/Amsterdam"
    allow_plain_http: bool = False
    tokens: dict[str, Any] = field(default_factory=dict, compare=False)
    """Version 4 keeps its JWT here between calls; in memory only."""

    def __post_init__(self) -> None:
        if isinstance(self.access_token, str):
            object.__setattr__(self, "access_token", Secret(self.access_token.strip()))
        object.__setattr__(self, "url", (self.url or API_URL).rstrip("/"))
        object.__setattr__(self, "auth_url", (self.auth_url or AUTH_URL).rstrip("/"))
        _check(self)

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None, **given: Any) -> Copernica:
        """Return settings from the environment; what is given by name wins.

        Raises
        ------
        SettingsError
            When the access token is in neither, or a value cannot be used.

        Examples
        --------
        >>> Copernica.from_env({"COPERNICA_ACCESS_TOKEN": "abc", "COPERNICA_API_VERSION": "4"}).version
        4
        """
        found = os.environ if environment is None else environment
        values: dict[str, Any] = {name: found[key] for name, key in ENVIRONMENT.items() if found.get(key)}
        for name, read in (("version", int), ("patience_seconds", float)):
            if name in values:
                values[name] = _number(name, values[name], read)
        return cls(**{**values, **{name: value for name, value in given.items() if value is not None}})

    @property
    def root(self) -> str:
        """The address below which the paths of this version lie."""
        return f"{self.url}/v{self.version}"

    def __repr__(self) -> str:
        return f"Copernica(access_token=<secret>, version={self.version}, url={self.url!r}, timezone={self.timezone!r})"

    def __getstate__(self) -> dict[str, Any]:
        raise TypeError("Copernica settings hold a secret and are not written to files; make them anew where needed")


def _number(name: str, text: str, read: type[int] | type[float]) -> float:
    try:
        return read(text)
    except ValueError:
        raise SettingsError(f"{ENVIRONMENT[name]}={text!r} is not a number; set it to one or unset it") from None


def _check(api: Copernica) -> None:
    if not isinstance(api.access_token, Secret) or not api.access_token.reveal():
        raise SettingsError(
            "no access token: set COPERNICA_ACCESS_TOKEN in the environment, or give access_token=... to Copernica; "
            "Copernica's dashboard makes one under the account's REST API settings"
        )
    if not api.access_token.reveal().isascii() or not api.access_token.reveal().isprintable():
        raise SettingsError("the access token holds characters that no token has; was it copied whole?")
    if api.version not in VERSIONS:
        raise SettingsError(f"version {api.version!r} is not one of 2, 3 or 4 (COPERNICA_API_VERSION)")
    _check_address("url", str(api.url), api.allow_plain_http)
    _check_address("auth_url", str(api.auth_url), api.allow_plain_http)
    for setting in fields(api):
        value = getattr(api, setting.name)
        if setting.name in {"connections", "timeout_seconds"} and not value > 0:
            raise SettingsError(f"{setting.name}={value!r} must be more than 0")
    if not 0 <= api.patience_seconds < float("inf"):
        raise SettingsError(f"patience_seconds={api.patience_seconds!r} must be a number of seconds, 0 for no retries")
    try:
        ZoneInfo(api.timezone)
    except (KeyError, ValueError, OSError):
        raise SettingsError(
            f"timezone={api.timezone!r} is not a known zone; give a name such as 'Europe/Amsterdam' or 'UTC'"
        ) from None


def _check_address(name: str, address: str, allow_plain_http: bool) -> None:
    parts = urlsplit(address)
    shown = f"{parts.scheme}://{parts.hostname or ''}"
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username:
        raise SettingsError(
            f"{name} ({shown}...) must be a plain address such as {API_URL}, without user or parameters"
        )
    if parts.scheme == "http" and parts.hostname not in LOOPBACK and not allow_plain_http:
        raise SettingsError(
            f"{name} ({shown}) would send the access token unencrypted; use https, or allow_plain_http=True if you must"
        )
