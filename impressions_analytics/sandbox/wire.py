"""How a row looks on the wire: which keys each list sends in which version, and how each value is spelled."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from impressions_analytics.sandbox import invented
from impressions_analytics.sandbox.plan import DAY, FIRST_DESTINATION, FIRST_EMAILING
from impressions_analytics.sandbox.tables import Rows, Values
from impressions_analytics.sandbox.world import World

Style = Literal["id", "number", "nullable", "nothing", "time", "text", "raw", "hash"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One key of a row: where its value comes from and how it is spelled."""

    key: str
    source: str
    style: Style


def _cells(*rows: str) -> dict[str, Cell]:
    """Read lines of ``name style [key [source]]``; key and source are the name where they are not given."""
    table = {}
    for row in rows:
        name, style, *more = row.split()
        key, source = (*more, *[name] * (2 - len(more)))
        table[name] = Cell(key, source, style)  # type: ignore[arg-type]
    return table


CELLS = _cells(
    "ID id", "id id id ID", "mailing id", "emailing id emailing mailing", "timestamp time", "destination id",
    "profile nullable", "subprofile nullable", "ip text", "useragent text", "user-agent text user-agent useragent",
    "device text", "referer text", "link text", "link_id text", "link_title text", "attempts number",
    "attempt id attempt attempts", "smtp-response text", "status text", "errorcode text", "description text",
    "errortype text", "errortypedescription text", "report raw", "recognized_as text", "feedback_type text",
    "arf_version text", "details text", "source text", "success raw", "timestampsent time timestampsent timestamp",
    "hash hash ID destination", "hashed_id hash id destination", "messageID hash messageID destination",
    "internal id internal destination", "mailing-group nothing", "unsubscribed raw", "template id",
    "document text",
    "subject text", "about text description about", "from_address raw", "destinations number",
    "recipients id destinations destinations",
    "testgroups nothing", "type text", "contenttype text", "target raw", "tags raw",
    *(f"{kind} id {kind} count_{kind}" for kind in ("impressions", "clicks", "errors", "unsubscribes", "abuses")),
)  # fmt: skip
"""Every key that any list sends."""
_MS_EVENT, _WHO = "ID mailing timestamp", "destination profile subprofile"
_FROM = "emailing destination profile subprofile"
_ROWS: dict[str, dict[str, str]] = {
    "ms": {
        "impressions": f"{_MS_EVENT} ip useragent device {_WHO}",
        "clicks": f"ID mailing link timestamp ip useragent {_WHO}",
        "deliveries": f"{_MS_EVENT} attempts {_WHO}",
        "errors": f"{_MS_EVENT} status errorcode description errortype {_WHO}",
        "abuses": f"{_MS_EVENT} report {_WHO}",
        "unsubscribes": f"{_MS_EVENT} destination source",
        "destinations": "ID timestampsent profile subprofile mailing",
        "emailings": "id timestamp template subject from_address destinations type target",
    },
    "publisher": {
        "impressions": f"ID timestamp ip useragent device referer {_FROM}",
        "clicks": f"ID link_id link link_title timestamp ip useragent referer {_FROM}",
        "deliveries": f"ID timestamp attempt smtp-response {_FROM}",
        "errors": f"ID timestamp errorcode description errortype errortypedescription {_FROM}",
        "abuses": f"ID timestamp recognized_as feedback_type arf_version details {_FROM}",
        "unsubscribes": f"ID timestamp source success {_FROM}",
        "destinations": "hash timestampsent internal profile subprofile mailing",
        "emailings": "id timestamp document template subject about from_address recipients testgroups type "
        "impressions clicks errors unsubscribes abuses contenttype target",
    },
}
"""The keys that the lists of each family send, in the order of the documentation's examples."""
_ELSEWHERE: dict[tuple[str, str, str], str] = {
    ("ms", "destinations", "account"): "id messageID timestampsent profile subprofile mailing unsubscribed",
    ("ms", "destinations", "destination"): "ID messageID timestampsent profile subprofile mailing",
    ("ms", "unsubscribes", "emailing"): f"{_MS_EVENT} destination source success profile subprofile",
    ("ms", "emailings", "emailing"): f"{_ROWS['ms']['emailings']} tags",
    ("publisher", "emailings", "emailing"): "id timestamp document template subject about from_address recipients "
    "testgroups type clicks impressions contenttype target",
    ("publisher", "destinations", "account"): "hashed_id timestampsent internal profile subprofile mailing "
    "mailing-group",
}
"""What is sent instead by the lists of a kind at a level."""


@dataclass(frozen=True, slots=True)
class Edition:
    """Which form of the API: family, version, and for version 2 whether it is the form of mid 2019."""

    family: str
    version: int
    origin: bool = False

    def cells(self, kind: str, level: str) -> tuple[Cell, ...]:
        """Return the keys that a list of a kind sends at the level "account", "emailing" or "destination".

        Examples
        --------
        >>> [cell.key for cell in Edition("ms", 4).cells("impressions", "account")]
        ['ID', 'mailing', 'timestamp', 'ip', 'useragent', 'device', 'destination']
        >>> [cell.key for cell in Edition("publisher", 4).cells("destinations", "emailing")]
        ['ID', 'timestampsent', 'internal', 'profile', 'subprofile', 'mailing']
        """
        absent = self._absent(kind, level)
        return tuple(CELLS[name] for name in self._names(kind, level).split() if name not in absent)

    def _names(self, kind: str, level: str) -> str:
        if self.origin and (self.family, kind) == ("ms", "unsubscribes"):
            return f"{_MS_EVENT} ip user-agent {_WHO}"
        return _ELSEWHERE.get((self.family, kind, level), _ROWS[self.family][kind])

    def _absent(self, kind: str, level: str) -> set[str]:
        """Return what the newest version of the list at an emailing sends, and this one does not."""
        if self.family == "publisher":
            return set()
        absent = {"device", "messageID", "tags", "unsubscribed"} if self.origin else set()
        ownerless = self.version > 2 and level == "account" and kind not in ("destinations", "emailings")
        return absent | ({"profile", "subprofile"} if ownerless else set())


def render(world: World, kind: str, rows: Rows, cells: Sequence[Cell], *, number_ids: bool = False) -> str:
    """Return the rows as JSON objects with commas between them.

    The pieces of all rows are laid out in one list and joined once: faster than filling in a template for each row.
    """
    quoted = {"time", "hash"} if number_ids else {"time", "hash", "id"}
    quotes = ['"' if cell.style in quoted else "" for cell in cells]
    keys = [f'"{cell.key}":{quote}' for cell, quote in zip(cells, quotes, strict=True)]
    between = [f"{quote},{key}" for quote, key in zip(quotes, keys[1:], strict=False)]
    fixed = ["{" + keys[0], *between, quotes[-1] + "},"]
    width = len(fixed) + len(cells)
    pieces = [""] * (width * len(rows))
    for place, text in enumerate(fixed):
        pieces[2 * place :: width] = [text] * len(rows)
    for place, cell in enumerate(cells):
        pieces[2 * place + 1 :: width] = _SPELL[cell.style](world, kind, cell.source, rows)
    return "".join(pieces)[:-1]


def numbers(world: World, kind: str, name: str, rows: Rows) -> Values:
    """Return a column of integers: IDs, counts, seconds or codes; -1 is null."""
    table = world.table(kind)
    messages = world.destinations.columns
    if name.startswith("count_"):
        return _counts(world, name.removeprefix("count_"))[rows]
    if name in ("profile", "subprofile"):
        return messages[name][table.columns["destination"][rows]]
    if name == "mailing":
        return messages["emailing"][table.columns["destination"][rows]].astype(np.int64) + FIRST_EMAILING
    if name == "destination":
        return table.columns["destination"][rows].astype(np.int64) + FIRST_DESTINATION
    code = _WORDS[name][0] if name in _WORDS else name
    return table.columns[code][rows] if code else np.zeros(len(rows), np.int8)


def _counts(world: World, kind: str) -> Values:
    """Return how many events of a kind each emailing has."""
    emailing = world.destinations.columns["emailing"][world.table(kind).columns["destination"]]
    return np.bincount(emailing, minlength=len(world.emailings))


def vocabulary(world: World, kind: str, name: str) -> Sequence[str | None]:
    """Return what the codes of a text column stand for."""
    return _WORDS[name][1] if name in _WORDS else world.table(kind).vocabularies[name]


_WORDS: dict[str, tuple[str, tuple[str | None, ...]]] = {
    "device": ("useragent", tuple(agent.device for agent in invented.AGENTS)),
    "link_id": ("link", tuple(str(3001 + place) for place in range(len(invented.LINKS)))),
    "link_title": ("link", tuple(f"Link {place}" if place % 2 else "" for place in range(len(invented.LINKS)))),
    "smtp-response": ("", ("250 2.0.0 OK",)),
    "errortypedescription": ("errortype", tuple(f"The receiving server said {row[1]}" for row in invented.ERRORS)),
    "recognized_as": ("report", ("arf",) * len(invented.REPORTS)),
    "feedback_type": ("report", ("opt-out", "abuse")),
    "arf_version": ("report", ("0.1", "1")),
    "details": ("", ("",)),
    "unsubscribed": ("", ("false",)),
    "contenttype": ("", ("html",)),
    "document": ("", ("114",)),
    "about": ("", ("This is a reminder",)),
    "tags": ("", ('["test1","Test2"]',)),
}
"""Texts that follow from the code in another column of the row, or that all rows share: that column, and the texts."""


def clock(timestamps: Values) -> list[str]:
    """Spell seconds as wall-clock times.

    Examples
    --------
    >>> clock(np.array([0, 1_412_862_106]))
    ['1970-01-01 00:00:00', '2014-10-09 13:41:46']
    """
    days, rest = np.divmod(timestamps, DAY)
    known, place = np.unique(days, return_inverse=True)
    dates = np.datetime_as_string(known.astype("datetime64[D]")).astype("S10")
    letters = np.full((len(timestamps), _WIDTH), ord(" "), np.uint8)
    letters[:, :10] = dates.view(np.uint8).reshape(-1, 10)[place]
    letters[:, [13, 16]] = ord(":")
    for start, pair in ((11, rest // 3600), (14, rest // 60 % 60), (17, rest % 60)):
        letters[:, start : start + 2] = _PAIRS[pair]
    text = letters.tobytes().decode()
    return [text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH)]


_WIDTH = 19
_PAIRS = np.array([[ord(letter) for letter in f"{number:02}"] for number in range(60)], np.uint8)


_MIX, _SALT, _BITS = 0x9E3779B97F4A7C15, 0x5DEECE66D, 60


def hashed(destination: int) -> str:
    """Return the letters and digits that stand for a destination's number.

    Examples
    --------
    >>> hashed(112), unhashed(hashed(112)), unhashed("zz")
    ('m84541226e7aaf5d', 112, None)
    """
    return f"m{(destination * _MIX ^ _SALT) % (1 << _BITS):015x}"


def unhashed(text: str) -> int | None:
    """Return the number that `hashed` turned into this text."""
    try:
        mixed = int(text[1:], 16) ^ _SALT
    except ValueError:
        return None
    return mixed * pow(_MIX, -1, 1 << _BITS) % (1 << _BITS) if text[:1] == "m" else None


def _ids(world: World, kind: str, name: str, rows: Rows) -> list[int]:
    values: list[int] = numbers(world, kind, name, rows).tolist()
    return values


def _texts(world: World, kind: str, name: str, rows: Rows, *, quoted: bool = True) -> list[str]:
    words = _fragments(tuple(vocabulary(world, kind, name)), quoted)
    return [words[code] for code in numbers(world, kind, name, rows).tolist()]


@cache
def _fragments(words: tuple[str | None, ...], quoted: bool) -> list[str]:
    """Spell each word as JSON, slashes escaped as PHP does."""
    return [json.dumps(word).replace("/", "\\/") if quoted else str(word) for word in words]


def _integers(world: World, kind: str, name: str, rows: Rows) -> list[str]:
    return [str(value) for value in _ids(world, kind, name, rows)]


_SPELL: dict[Style, Callable[[World, str, str, Rows], list[str]]] = {
    "id": _integers,
    "number": _integers,
    "nullable": lambda *what: ["null" if value < 0 else str(value) for value in _ids(*what)],
    "nothing": lambda _world, _kind, _name, rows: ["0"] * len(rows),
    "time": lambda *what: clock(numbers(*what)),
    "text": _texts,
    "raw": lambda *what: _texts(*what, quoted=False),
    "hash": lambda *what: [hashed(value) for value in _ids(*what)],
}
