"""The settings of an account. This is the only file that reads them from the environment."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from numbers import Integral, Real
from typing import Any, NoReturn
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from impressions_analytics.api.endpoints import VERSIONS, Version
from impressions_analytics.api.facts import advised_connections, taught
from impressions_analytics.api.secret import Secret
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

LONGEST_TIMEOUT_SECONDS = 24 * 3600  # the operating system takes no endless ones, and nobody waits longer
LONGEST_PATIENCE_SECONDS = 7 * 24 * 3600
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, repr=False)
class Copernica:
    """The settings that reach one account; give them to the loaders.

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
        How long one answer may keep silent, and how long its headers may take. Its body may take longer, as long as
        it moves at 10,000 bytes a second or more.
    patience_seconds : float
        How long one request and all its retries may take together; outages of minutes are known. The first answer has
        `timeout_seconds` in any case.
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
    tokens: dict[str, Any] = field(init=False, default_factory=dict, compare=False)
    """Version 4 keeps its JWT here between calls: in memory only, and never of another account or address."""

    learnt: dict[str, Any] = field(init=False, default_factory=dict, compare=False)
    """What answers, or kept facts, have taught: ``editors`` are answered in the place of ``ms/``; see `taught`."""

    def __post_init__(self) -> None:
        if isinstance(self.access_token, str):
            object.__setattr__(self, "access_token", Secret(self.access_token.strip()))
        secret = _check_token(self.access_token)
        for name, usual in (("url", API_URL), ("auth_url", AUTH_URL)):
            address = getattr(self, name) or usual
            object.__setattr__(self, name, address.rstrip("/") if isinstance(address, str) else address)
        for name, (may_be, wanted) in _WANTED.items():
            value = getattr(self, name)
            if not may_be(value):
                _refuse(name, secret.hide(f"{name}={value!r}"), f"must be {wanted}")
        for name in ("url", "auth_url"):
            _check_address(name, getattr(self, name), secret, allow_plain_http=self.allow_plain_http)

    @classmethod
    def from_env(
        cls,
        environment: Mapping[str, str] | None = None,
        *,
        access_token: Secret | str | None = None,
        version: Version | None = None,
        url: str | None = None,
        auth_url: str | None = None,
        connections: int | None = None,
        timeout_seconds: float | None = None,
        patience_seconds: float | None = None,
        timezone: str | None = None,
        allow_plain_http: bool | None = None,
    ) -> Copernica:
        """Return settings from the environment. Arguments that are given replace what the environment says.

        Connections, the style of period to try first, and the paths of the Marketing Suite come from the facts that
        ``impressions check --save`` kept for this address and version.

        Raises
        ------
        SettingsError
            When the access token is neither given nor in the environment, or a value cannot be used.

        Examples
        --------
        >>> Copernica.from_env({"COPERNICA_ACCESS_TOKEN": "abc", "COPERNICA_API_VERSION": "4"}).version
        4
        """
        found = os.environ if environment is None else environment
        values: dict[str, Any] = {name: found[key] for name, key in ENVIRONMENT.items() if found.get(key)}
        for name, read in (("version", int), ("patience_seconds", float)):
            with contextlib.suppress(KeyError, ValueError):  # a text that is no number is refused below
                values[name] = read(values[name])
        given = {
            "access_token": access_token, "version": version, "url": url, "auth_url": auth_url,
            "connections": connections, "timeout_seconds": timeout_seconds, "patience_seconds": patience_seconds,
            "timezone": timezone, "allow_plain_http": allow_plain_http,
        }  # fmt: skip
        api = cls(**{**values, **{name: value for name, value in given.items() if value is not None}})
        advised = None if connections is not None else advised_connections(found, str(api.url), api.version)
        api = replace(api, connections=advised) if advised else api
        api.learnt.update(taught(found, str(api.url), api.version))
        return api

    @property
    def root(self) -> str:
        """The address below which the paths of this version lie."""
        return f"{self.url}/v{self.version}"

    def __repr__(self) -> str:
        url = _without_user(self.url)
        return f"Copernica(access_token=<secret>, version={self.version!r}, url={url!r}, timezone={self.timezone!r})"

    def __getstate__(self) -> dict[str, Any]:
        raise TypeError("Copernica settings hold a secret and are not written to files; make them anew where needed")


def _check_token(token: Any) -> Secret:
    if token is not None and not isinstance(token, Secret):
        _refuse("access_token", f"access_token is of type {type(token).__name__}:", "it must be text")
    if token is None or not token.reveal():
        raise SettingsError(
            "no access token: set COPERNICA_ACCESS_TOKEN in the environment, or give access_token=... to Copernica. "
            "Copernica's dashboard makes one under the account's REST API settings. Without an account: "
            "impressions demo shows everything, and impressions sandbox imitates the API on this machine"
        )
    if not token.reveal().isascii() or not token.reveal().isprintable() or " " in token.reveal():
        raise SettingsError("the access token holds characters that no token has; was it copied whole?")
    return token


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_zone(name: Any) -> bool:
    try:
        return isinstance(name, str) and bool(ZoneInfo(name))
    except (KeyError, ValueError, OSError):
        return False


_WANTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "version": (lambda value: isinstance(value, Integral) and value in VERSIONS, "2, 3 or 4"),
    "connections": (
        lambda value: isinstance(value, Integral) and _is_number(value) and int(value) >= 1,
        "a whole number, 1 or more",
    ),
    "timeout_seconds": (
        lambda value: _is_number(value) and 0 < value <= LONGEST_TIMEOUT_SECONDS,
        f"a number of seconds, more than 0 and at most {LONGEST_TIMEOUT_SECONDS:,}",
    ),
    "patience_seconds": (
        lambda value: _is_number(value) and 0 <= value <= LONGEST_PATIENCE_SECONDS,
        f"a number of seconds from 0, for no retries, to {LONGEST_PATIENCE_SECONDS:,}",
    ),
    "timezone": (_is_zone, "a known zone; give a name such as 'Europe/Amsterdam' or 'UTC'"),
    "allow_plain_http": (lambda value: isinstance(value, bool), "True or False"),
}
"""What each setting may be, and how that is said."""

_ADDRESS_FAULTS: dict[str, Callable[[SplitResult], bool]] = {
    "must begin with https:// and a host": lambda parts: parts.scheme not in {"http", "https"} or not parts.hostname,
    "must name no user or password": lambda parts: "@" in parts.netloc,
    "must have no parameters and no #": lambda parts: bool(parts.query or parts.fragment),
    "names port 0, which nothing can use": lambda parts: parts.port == 0,
    "names a host that cannot exist": lambda parts: any(
        not 0 < len(label) < 64 for label in (parts.hostname or "-").rstrip(".").split(".")
    ),
}
"""What is said of an address, and when."""


def _check_address(name: str, address: Any, secret: Secret, *, allow_plain_http: bool) -> None:
    if not isinstance(address, str):
        _refuse(name, f"{name} is of type {type(address).__name__}:", f"it must be text such as {API_URL!r}")
    shown = secret.hide(f"{name}={_without_user(address)!r}")
    example = f"give a plain address such as {API_URL}"
    if any(letter.isspace() or not letter.isprintable() for letter in address) or address.endswith(("?", "#")):
        _refuse(name, shown, f"holds a blank, or ends with ? or #: {example}")
    try:
        parts = urlsplit(address)
        faults = [fault for fault, found in _ADDRESS_FAULTS.items() if found(parts)]
    except ValueError:
        faults = ["cannot be read"]
    if faults:
        _refuse(name, shown, f"{faults[0]}: {example}")
    if name == "url" and re.search(r"/v\d+$", address):
        _refuse(name, shown, "already names a version: remove /v2, /v3 or /v4, and give version=2, 3 or 4")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK and not allow_plain_http:
        _refuse(name, shown, "would send the access token unencrypted; use https, or allow_plain_http=True if you must")


def _without_user(address: Any) -> str:
    """Return an address as it may be shown: no user, no password, no parameters."""
    return re.sub(r"//[^/]*@", "//", re.split(r"[?#]", str(address))[0])


def _refuse(name: str, shown: str, wanted: str) -> NoReturn:
    variable = f" (environment variable {ENVIRONMENT[name]})" if name in ENVIRONMENT else ""
    raise SettingsError(f"{shown} {wanted}{variable}")
