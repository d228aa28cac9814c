"""Pseudonyms, shortened addresses, and hashes that recognise a person without naming one. Pure.

A pseudonym is not anonymity: who holds the key, or can try every number under it, finds the person again.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import ipaddress
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from impressions_analytics.columns import Kind
from impressions_analytics.errors import InvalidArgumentError
from impressions_analytics.parquet.places import local_path

if TYPE_CHECKING:
    import pyarrow as pa

KEY_VARIABLE = "IMPRESSIONS_PSEUDONYM_KEY"
SHORTEST_KEY = 16
"""Bytes; a shorter key can be guessed, and with it every person."""

PERSONS = ("profile", "subprofile", "destination")
"""The columns whose numbers stand for a person; the ID of a destination is one too."""


def read_key(
    environment: Mapping[str, str], *, file: str | os.PathLike[str] | None = None, variable: str = KEY_VARIABLE
) -> bytes:
    """Return a key from a file, or else from an environment variable: for pseudonyms IMPRESSIONS_PSEUDONYM_KEY.

    Raises
    ------
    InvalidArgumentError
        There is none, or it is shorter than 16 bytes. The message does not hold the key.

    Examples
    --------
    >>> read_key({"IMPRESSIONS_PSEUDONYM_KEY": "correct horse battery"})
    b'correct horse battery'
    """
    if file is not None:
        try:
            key = local_path(file).read_bytes().strip()
        except OSError as error:
            raise InvalidArgumentError(f"the key file {os.fspath(file)!r} cannot be read: {error.strerror}") from error
        where = f"the key file {os.fspath(file)!r}"
    else:
        key, where = environment.get(variable, "").encode(), f"the environment variable {variable}"
    return check_key(key, where)


def check_key(key: bytes, where: str = "the key") -> bytes:
    """Return the key when it is long enough to keep a secret."""
    if len(key) < SHORTEST_KEY:
        raise InvalidArgumentError(
            f"{where} holds {len(key)} bytes, and a key needs {SHORTEST_KEY} or more; make one with: "
            "python -c 'import secrets; print(secrets.token_hex(32))'"
        )
    return key


def pseudonym(number: int | str, word: str, key: bytes) -> int:
    """Return the keyed number that stands for a person: the same for the same word, number and key.

    Parameters
    ----------
    number : int or str
        The identifier.
    word : str
        What it identifies: profile, subprofile, destination or message; equal numbers of two words get two pseudonyms.
    key : bytes
        The secret.

    Returns
    -------
    int
        The first 63 bits of HMAC-SHA256, which fit an int64.

    Examples
    --------
    >>> pseudonym(13453, "profile", b"correct horse battery")
    6137472871258427206
    """
    digest = hmac.digest(key, f"{word}:{number}".encode(), "sha256")
    return int.from_bytes(digest[:8]) >> 1


def person_hash(number: int | str, word: str, key: bytes) -> str:
    """Return what a list of erased persons keeps of one: a keyed hash of 128 bits, as text."""
    return hashlib.blake2b(f"{word}:{number}".encode(), key=key[:64], digest_size=16).hexdigest()


def shorten_address(address: str | None) -> str | None:
    """Return an address without the part that tells one household from another: /24 of IPv4, /48 of IPv6.

    Examples
    --------
    >>> shorten_address("192.0.2.77"), shorten_address("2a03:e280:0:1::1")
    ('192.0.2.0', '2a03:e280::')
    >>> shorten_address("::ffff:192.0.2.77")
    '192.0.2.0'
    """
    if address is None:
        return None
    parsed: Any = ipaddress.ip_address(address.split("%")[0])
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    bits = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network((parsed, bits), strict=False).network_address)


def without_query(address: str | None) -> str | None:
    """Return a web address without its query and fragment, which often name the recipient.

    Examples
    --------
    >>> without_query("https://example.com/offer?email=a@example.com#top")
    'https://example.com/offer'
    """
    return None if address is None else address.split("?")[0].split("#")[0]


_PROVIDERS = """
aol.com casema.nl chello.nl comcast.net fastmail.com free.fr freenet.de gmail.com gmx.at gmx.de gmx.net googlemail.com
home.nl hotmail.be hotmail.com hotmail.fr hotmail.nl icloud.com kpnmail.nl kpnplanet.nl laposte.net live.be live.com
live.nl mac.com mail.com me.com msn.com online.nl orange.fr outlook.be outlook.com outlook.de outlook.fr planet.nl
proton.me protonmail.com proximus.be quicknet.nl skynet.be solcon.nl t-online.de tele2.nl telenet.be upcmail.nl
versatel.nl web.de xs4all.nl yahoo.co.uk yahoo.com yahoo.de yahoo.fr ymail.com zeelandnet.nl ziggo.nl zonnet.nl
"""
LARGE_PROVIDERS = frozenset(_PROVIDERS.split())
"""Domains with so many mailboxes that one of them tells nobody; others may be a family's own."""


def large_provider(domain: str | None) -> str | None:
    """Return a domain where it is a large provider's, else ``"other"``.

    Examples
    --------
    >>> large_provider("ziggo.nl"), large_provider("jansen-family.example")
    ('ziggo.nl', 'other')
    """
    return domain if domain is None or domain in LARGE_PROVIDERS else "other"


def _nothing(_: str | None) -> None:
    return None


TEXT_RULES: dict[str, Callable[[str | None], str | None]] = {
    "ip": shorten_address,
    "link": without_query,
    "referer": without_query,
    "description": _nothing,
    "smtp_response": _nothing,
    "report": _nothing,
    "details": _nothing,
    "content": _nothing,
    "city": _nothing,
    "email_domain": large_provider,
}
"""What a pseudonymised table has in place of a text: what receiving servers and complaints say may hold an address."""


def person_columns(kind: Kind) -> dict[str, str]:
    """Return the columns of a kind that stand for a person, and what each identifies.

    Examples
    --------
    >>> person_columns("destinations")
    {'profile': 'profile', 'subprofile': 'subprofile', 'ID': 'destination'}
    """
    if kind == "emailings":
        return {}
    own = {"ID": "destination"} if kind == "destinations" else {"destination": "destination"}
    return {"profile": "profile", "subprofile": "subprofile", **own}


def pseudonymise(rows: pa.Table, kind: Kind, key: bytes) -> pa.Table:
    """Return the rows with keyed numbers for persons, shortened addresses and no free text; columns and types stay."""
    return _pseudonymised(rows, person_columns(kind), key)


def pseudonymise_log(rows: pa.Table, key: bytes) -> pa.Table:
    """Return the rows of a log in the same way; a message joins to the destinations of the same export."""
    return _pseudonymised(rows, {"profile": "profile", "subprofile": "subprofile"}, key)


def _pseudonymised(rows: pa.Table, columns: Mapping[str, str], key: bytes) -> pa.Table:
    for name, word in columns.items():
        rows = _replaced(rows, name, functools.partial(pseudonym, word=word, key=key))
    for name, rule in TEXT_RULES.items():
        if name in rows.column_names:
            rows = _replaced(rows, name, rule)
    if "message" in rows.column_names:
        rows = _replaced(rows, "message", lambda text: f"{pseudonym(text, 'message', key):016x}")
    return rows


def _replaced(rows: pa.Table, name: str, change: Callable[[Any], Any]) -> pa.Table:
    """Change each distinct value of a column once."""
    import pyarrow as pa

    index = rows.schema.get_field_index(name)
    field = rows.schema.field(index)
    encoded = rows.column(index).combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    changed = [None if value is None else change(value) for value in encoded.dictionary.to_pylist()]
    values = pa.array(changed, type=field.type).take(encoded.indices)
    return rows.set_column(index, field, values)


def hashes_of(numbers: Iterable[int | str], word: str, key: bytes) -> list[str]:
    """Return the keyed hashes of several persons."""
    return [person_hash(number, word, key) for number in numbers]


def among(numbers: Iterable[Any], word: str, key: bytes, hashes: Collection[str]) -> list[Any]:
    """Return the numbers whose keyed hashes are on a list."""
    return [number for number in numbers if person_hash(number, word, key) in hashes]
