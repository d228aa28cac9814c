"""The list of erased persons: keyed hashes, so that later syncs leave their rows out and the list names nobody."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from impressions_analytics.archive.privacy import check_key, hashes_of, is_among, person_columns, person_hash
from impressions_analytics.archive.store import Store
from impressions_analytics.columns import Kind
from impressions_analytics.errors import ArchiveError, DamagedFileError

if TYPE_CHECKING:
    import pyarrow as pa

LIST = ".erased.json"
KEY = ".erasure-key"


class Suppression:
    """The erased persons of one archive.

    Parameters
    ----------
    store : Store
        The archive's files.
    key : bytes or None
        Keys the hashes; None takes the archive's own key, made when the first person is erased.
    """

    def __init__(self, store: Store, key: bytes | None) -> None:
        self._store = store
        self._given = None if key is None else check_key(key, "erasure_key")
        self._check = ""
        self._hashes = self._read()

    @property
    def is_empty(self) -> bool:
        """Whether nobody was erased."""
        return not self._hashes

    def filter(self, kind: Kind, rows: pa.Table) -> pa.Table:
        """Return the rows of a kind that are nobody's who was erased.

        A destination of an erased profile joins the list, because other kinds of rows may name the destination only.
        """
        if not self._hashes:
            return rows
        stays = self.stays(kind, rows)
        if stays.all():
            return rows
        own = next(name for name, word in person_columns(kind).items() if word == "destination")
        self.add("destination", np.unique(numbers(rows, own)[~stays]).tolist())
        return rows.filter(self.stays(kind, rows))

    def knows(self, word: str, number: int) -> bool:
        """Say whether a person is on the list."""
        return bool(self._hashes.get(word)) and hashes_of([number], word, self._key())[0] in self._hashes[word]

    def stays(self, kind: Kind, rows: pa.Table) -> Any:
        """Say of each row of a kind whether it is nobody's who was erased."""
        erased = np.zeros(rows.num_rows, dtype=bool)
        for name, word in person_columns(kind).items():
            if self._hashes.get(word):
                erased |= is_among(numbers(rows, name), word, self._key(), frozenset(self._hashes[word]))
        return ~erased

    def add(self, word: str, persons: Iterable[int]) -> None:
        """Put persons on the list, safe on the disk when this returns."""
        known = self._hashes.get(word, set())
        more = set(hashes_of(persons, word, self._key())) - known
        if more:
            self._hashes[word] = known | more
            self._write()

    def _key(self) -> bytes:
        """Return the key, after checking that it is the one that the list was made with."""
        if self._given is None:
            self._given = self._own_key()
        if self._check and self._check != person_hash(0, "key", self._given):
            raise ArchiveError(
                f"{self._store.label(LIST)} was made with another key, and under this one erased persons would come "
                "back; open the archive with the erasure_key that it had"
            )
        return self._given

    def _own_key(self) -> bytes:
        if not self._store.exists(KEY):
            if self._store.exists(LIST):
                raise ArchiveError(
                    f"{self._store.label(KEY)} is gone, and without it erased persons would come back; "
                    "restore it, or open the archive with erasure_key="
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
            self._check = found["key"]
            return {word: set(hashes) for word, hashes in found["erased"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedFileError(
                f"{self._store.label(LIST)} cannot be read ({error}); restore it from a copy: without it erased "
                "persons would come back"
            ) from error

    def _write(self) -> None:
        self._check = person_hash(0, "key", self._key())
        erased = {word: sorted(hashes) for word, hashes in self._hashes.items()}
        text = json.dumps({"key": self._check, "erased": erased})
        self._store.put(LIST, lambda path: _write_private(path, text))


def _write_private(path: Path, text: str) -> None:
    path.chmod(0o600) if path.exists() else path.touch(mode=0o600)
    path.write_text(text)


def numbers(rows: pa.Table, name: str) -> Any:
    """Return a column of identifiers as numpy integers, -1 where there is none."""
    return rows[name].fill_null(-1).to_numpy()
