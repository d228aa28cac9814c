"""The list of erased persons: keyed hashes, so that later syncs leave their rows out and the list names nobody.

The list is written before a row is removed, with a mark that rows may still be there; the mark goes when they are gone.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from impressions_analytics.archive.privacy import among, check_key, hashes_of, person_columns, person_hash, read_key
from impressions_analytics.archive.store import Store
from impressions_analytics.columns import Kind
from impressions_analytics.errors import ArchiveError, DamagedFileError, InvalidArgumentError

if TYPE_CHECKING:
    import pyarrow as pa

LIST = ".erased.json"
KEY = ".erasure-key"
KEY_VARIABLE, KEY_FILE_VARIABLE = "IMPRESSIONS_ERASURE_KEY", "IMPRESSIONS_ERASURE_KEY_FILE"


def outside_key(environment: Mapping[str, str]) -> bytes | None:
    """Return the key of the erased that the environment gives, or the file that it names; None where it does not.

    Raises
    ------
    InvalidArgumentError
        Both are given, the file cannot be read, or the key is shorter than 16 bytes. The message does not hold the key.

    Examples
    --------
    >>> outside_key({"IMPRESSIONS_ERASURE_KEY": "correct horse battery"}), outside_key({})
    (b'correct horse battery', None)
    """
    file, text = environment.get(KEY_FILE_VARIABLE), environment.get(KEY_VARIABLE)
    if file and text:
        raise InvalidArgumentError(f"{KEY_VARIABLE} and {KEY_FILE_VARIABLE} are both set; keep one of them")
    if file or text:
        return read_key(environment, file=file or None, variable=KEY_VARIABLE)
    return None


class Suppression:
    """The erased persons of one archive.

    Parameters
    ----------
    store : Store
        The archive's files.
    key : bytes or None
        Keys the hashes; None takes the archive's own key, made when the first person is erased.

    Attributes
    ----------
    unfinished : bool
        Whether rows of the persons on the list may still be in the files.
    """

    def __init__(self, store: Store, key: bytes | None) -> None:
        self._store = store
        self._given = None if key is None else check_key(key, "erasure_key")
        self._check = ""
        self.unfinished = False
        self._hashes = self._read()

    @property
    def is_empty(self) -> bool:
        """Whether nobody was erased."""
        return not self._hashes

    def __len__(self) -> int:
        """Return how many entries the list has."""
        return sum(map(len, self._hashes.values()))

    def filter(self, kind: Kind, rows: pa.Table) -> pa.Table:
        """Return the rows of a kind that belong to no erased person.

        A destination of an erased profile joins the list, with its message, because other rows may name only that.
        Such rows may be in the archive already, so that the erasure is to be finished again.
        """
        if not self._hashes:
            return rows
        stays = self.stays(kind, rows)
        if stays.all():
            return rows
        own = next(name for name, word in person_columns(kind).items() if word == "destination")
        destinations = identifiers(rows.filter(~stays), own)
        messages = identifiers(rows.filter(~stays), "message") if "message" in rows.column_names else []
        fresh = {
            "destination": set(destinations) - set(self.erased("destination", destinations)),
            "message": set(messages) - set(self.erased("message", messages)),
        }
        if any(fresh.values()):
            self.begin({word: found for word, found in fresh.items() if found})
        return rows.filter(self.stays(kind, rows))

    def knows(self, word: str, number: int) -> bool:
        """Say whether a person is on the list."""
        return bool(self._hashes.get(word)) and hashes_of([number], word, self._key())[0] in self._hashes[word]

    def stays(self, kind: Kind, rows: pa.Table) -> Any:
        """Say of each row of a kind whether it belongs to no erased person."""
        erased = np.zeros(rows.num_rows, dtype=bool)
        for name, word in person_columns(kind).items():
            if self._hashes.get(word):
                erased |= is_one_of(rows, name, self.erased(word, identifiers(rows, name)))
        return ~erased

    def begin(self, persons: Mapping[str, Iterable[int | str]]) -> None:
        """Put persons on the list by what their numbers mean, with the mark; safe on the disk when this returns."""
        for word, numbers in persons.items():
            self._hashes[word] = self._hashes.get(word, set()) | set(hashes_of(numbers, word, self._key()))
        self._write(unfinished=True)

    def finish(self) -> None:
        """Take the mark away: no row of a person on the list is left in the files."""
        if self.unfinished:
            self._write(unfinished=False)

    def erased(self, word: str, numbers: Iterable[Any]) -> list[Any]:
        """Return those of some numbers that are on the list as what a word says."""
        return among(numbers, word, self._key(), self._hashes.get(word, set()))

    def _key(self) -> bytes:
        """Return the key, after checking that it is the one that the list was made with."""
        if self._given is None:
            self._given = self._own_key()
        if self._check and self._check != person_hash(0, "key", self._given):
            raise ArchiveError(
                f"{self._store.label(LIST)} was made with another key, and under this one erased persons would come "
                f"back; open the archive with the erasure_key that it had, as erasure_key= or in {KEY_VARIABLE}"
            )
        return self._given

    def _own_key(self) -> bytes:
        if not self._store.exists(KEY):
            if self._store.exists(LIST):
                raise ArchiveError(
                    f"{self._store.label(KEY)} is gone, and without it erased persons would come back; "
                    f"restore it, or give the key as erasure_key= or in {KEY_VARIABLE}"
                )
            self._store.put(KEY, lambda path: _write_private(path, secrets.token_hex(32)))
        with self._store.open(KEY) as source:
            return bytes(source.read())

    def _read(self) -> dict[str, set[str]]:
        if not self._store.exists(LIST):
            return {}
        with self._store.open(LIST) as source:
            text = source.read()
        try:
            found = json.loads(text)
            self._check, self.unfinished = found["key"], bool(found.get("unfinished", False))
            return {word: set(hashes) for word, hashes in found["erased"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedFileError(
                f"{self._store.label(LIST)} cannot be read ({error}); restore it from a copy: without it erased "
                "persons would come back"
            ) from error

    def _write(self, *, unfinished: bool) -> None:
        self._check = person_hash(0, "key", self._key())
        erased = {word: sorted(hashes) for word, hashes in self._hashes.items()}
        text = json.dumps({"key": self._check, "unfinished": unfinished, "erased": erased})
        self._store.put(LIST, lambda path: _write_private(path, text))
        self.unfinished = unfinished


def _write_private(path: Path, text: str) -> None:
    path.chmod(0o600) if path.exists() else path.touch(mode=0o600)
    path.write_text(text)


def identifiers(rows: pa.Table, name: str) -> list[Any]:
    """Return the distinct identifiers in a column; a null is no identifier."""
    return rows[name].drop_null().unique().to_pylist()  # type: ignore[no-any-return]


def is_one_of(rows: pa.Table, name: str, wanted: Iterable[int]) -> Any:
    """Say of each row whether its identifier is one of some, as a numpy array of booleans; a null never is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.is_in(rows[name], value_set=pa.array(sorted(wanted), pa.int64()), skip_nulls=True).to_numpy()
