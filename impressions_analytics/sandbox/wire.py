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

Style = Literal["id", "number", "nullable", "time", "text", "raw", "hash"]


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
    "device text", "referer text", "link text", "attempts number", "status text", "errorcode text", "description text",
    "errortype text", "report raw", "source text", "success raw", "timestampsent time timestampsent timestamp",
    "hash hash ID destination", "internal number internal destination", "template id", "subject text",
    "from_address raw", "destinations number", "type text", "target raw",
)  # fmt: skip
"""Every key that any list sends."""
_WHO = ("destination", "profile", "subprofile")
_OWN: dict[str, tuple[str, ...]] = {
    "impressions": ("ip", "useragent", "device", *_WHO, "referer"),
    "clicks": ("link", "ip", "useragent", *_WHO, "referer"),
    "deliveries": ("attempts", *_WHO),
    "errors": ("status", "errorcode", "description", "errortype", *_WHO),
    "abuses": ("report", *_WHO),
}
"""The keys of an event after ``ID``, ``mailing``, ``timestamp``."""
_EMAILING = ("template", "subject", "from_address", "destinations", "type", "target")


@dataclass(frozen=True, slots=True)
class Edition:
    """Which of the API's faces is looked at: family, version, and for version 2 whether it is the one of mid 2019."""

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
        ['ID', 'internal', 'emailing', 'timestampsent', 'profile', 'subprofile']
        """
        return tuple(CELLS[name] for name in self._names(kind, level))

    def _names(self, kind: str, level: str) -> tuple[str, ...]:
        publisher = self.family == "publisher"
        mailing = "emailing" if publisher else "mailing"
        if kind == "emailings":
            return ("id", "timestamp", *_EMAILING)
        if kind == "destinations":
            own = ("hash", "internal") if publisher else ("id",) if level == "account" else ("ID",)
            return (*own, mailing, "timestampsent", "profile", "subprofile")
        names = self._unsubscribe(level) if kind == "unsubscribes" else _OWN[kind]
        absent = set() if publisher else {"referer"}
        absent |= {"device"} if self.origin else set()
        absent |= {"profile", "subprofile"} if self.version > 2 and level == "account" else set()
        return ("ID", mailing, "timestamp", *(name for name in names if name not in absent))

    def _unsubscribe(self, level: str) -> tuple[str, ...]:
        if self.origin:
            return ("ip", "user-agent", *_WHO)
        return ("destination", "source", *(("success", "profile", "subprofile") if level == "emailing" else ()))


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
    if name in ("profile", "subprofile"):
        return messages[name][table.columns["destination"][rows]]
    if name == "mailing":
        return messages["emailing"][table.columns["destination"][rows]].astype(np.int64) + FIRST_EMAILING
    if name == "destination":
        return table.columns["destination"][rows].astype(np.int64) + FIRST_DESTINATION
    return table.columns["useragent" if name == "device" else name][rows]


def vocabulary(world: World, kind: str, name: str) -> Sequence[str | None]:
    """Return what the codes of a text column stand for."""
    return DEVICES if name == "device" else world.table(kind).vocabularies[name]


DEVICES = tuple(agent.device for agent in invented.AGENTS)


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
    "time": lambda *what: clock(numbers(*what)),
    "text": _texts,
    "raw": lambda *what: _texts(*what, quoted=False),
    "hash": lambda *what: [hashed(value) for value in _ids(*what)],
}
