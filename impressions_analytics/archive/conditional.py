"""Write to an object store only if nobody else did since: by obstore, which knows S3, Google's and Azure's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from impressions_analytics.errors import ArchiveError

INSTALL = "python -m pip install 'impressions_analytics[s3]'"


class ConditionalStore:
    """The objects below an address, each with the tag that it has while it stays as it is.

    Parameters
    ----------
    address : str
        Such as ``s3://bucket/archive``, with the options that pyarrow takes behind a question mark.

    Raises
    ------
    ArchiveError
        obstore is not installed.
    """

    def __init__(self, address: str) -> None:
        try:
            import obstore
        except ImportError as error:
            raise ArchiveError(
                "to write to an archive in an object store, which other machines can reach too, obstore is needed: "
                f"{INSTALL}"
            ) from error
        self._library = obstore
        self._store, self._prefix = _opened(address)

    def read(self, relative: str) -> tuple[bytes, str] | None:
        """Return the bytes of an object and its tag; None where there is none."""
        with self._said(relative):
            try:
                found = self._library.get(self._store, self._place(relative))
            except FileNotFoundError:
                return None
            return bytes(found.bytes()), str(found.meta["e_tag"])

    def tag(self, relative: str) -> str | None:
        """Return the tag of an object; None where there is none."""
        with self._said(relative):
            try:
                return str(self._library.head(self._store, self._place(relative))["e_tag"])
            except FileNotFoundError:
                return None

    def put(self, relative: str, what: bytes | Path, tag: str | None) -> str | None:
        """Write an object that still has this tag, or that is still not there; return its new tag, or None."""
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        mode: Any = "create" if tag is None else {"e_tag": tag}
        with self._said(relative):
            try:
                return str(self._library.put(self._store, self._place(relative), what, mode=mode)["e_tag"])
            except (AlreadyExistsError, PreconditionError):
                return None

    def _place(self, relative: str) -> str:
        return f"{self._prefix}/{relative}" if self._prefix else relative

    @contextlib.contextmanager
    def _said(self, relative: str) -> Iterator[None]:
        """Turn obstore's errors into those of the file system, without what they say of the request."""
        from obstore.exceptions import BaseError

        try:
            yield
        except BaseError as error:
            raise OSError(f"the object store refused {relative}: {type(error).__name__}") from None


def _opened(address: str) -> tuple[Any, str]:
    """Return the store of an address, and the path below which its objects are."""
    from obstore.store import S3Store, from_url

    parts = urlsplit(address)
    if parts.scheme != "s3":
        place = parts._replace(query="", netloc=parts.netloc.rpartition("@")[2], path="")
        return from_url(place.geturl()), parts.path.strip("/")
    options = dict(parse_qsl(parts.query))
    scheme = options.get("scheme", "https")
    more: dict[str, Any] = {"client_options": {"allow_http": scheme == "http"}}
    if "region" in options:
        more["region"] = options["region"]
    if endpoint := options.get("endpoint_override"):
        more["endpoint"] = endpoint if "://" in endpoint else f"{scheme}://{endpoint}"
    if parts.username:
        more |= {"access_key_id": unquote(parts.username), "secret_access_key": unquote(parts.password or "")}
    elif (provider := _keys_of_the_machine()) is not None:
        more["credential_provider"] = provider
    return S3Store(parts.netloc.rpartition("@")[2], **more), parts.path.strip("/")


def _keys_of_the_machine() -> Any:
    """Return what finds the keys as Amazon's tools do, in the environment and their files; None without botocore."""
    try:
        import botocore.session
    except ImportError:
        return None
    keys = botocore.session.get_session().get_credentials()

    def provided() -> dict[str, Any]:
        now = keys.get_frozen_credentials()
        found = {"access_key_id": now.access_key, "secret_access_key": now.secret_key, "expires_at": None}
        return {**found, "token": now.token} if now.token else found

    return None if keys is None else provided
