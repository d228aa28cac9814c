"""The small file in an archive that says what the archive is, so that what is lost beside it is noticed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from impressions_analytics import __version__
from impressions_analytics.archive.periods import Stretch
from impressions_analytics.archive.store import Store
from impressions_analytics.columns import Family, Kind
from impressions_analytics.errors import ArchiveError, DamagedFileError
from impressions_analytics.parquet.remote import ARCHIVE_FILE

FORMAT = 1
"""Raised when the code of the version before could no longer keep such an archive right."""


@dataclass(frozen=True)
class ArchiveState:
    """What an archive says of itself as a whole.

    Attributes
    ----------
    family, zone : str
        The product family, and the zone of the wall clock.
    kinds : dict of str to Stretch
        The first and last moment that the archive answers for, by kind.
    erased : bool
        Whether persons were erased, so that their list must be there.
    keep_from : datetime or None
        A retention that was begun and has not ended: rows from before are to go.
    """

    family: Family
    zone: str
    kinds: dict[Kind, Stretch] = field(default_factory=dict)
    erased: bool = False
    keep_from: datetime | None = None

    def with_kind(self, kind: Kind, stretch: Stretch | None) -> ArchiveState:
        """Return it with what a kind answers for; a kind is never forgotten."""
        return self if stretch is None else replace(self, kinds={**self.kinds, kind: stretch})

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {
            "format": FORMAT,
            "written_by": f"impressions_analytics {__version__}",
            "family": self.family,
            "zone": self.zone,
            "kinds": {kind: [str(moment) for moment in stretch] for kind, stretch in self.kinds.items()},
            "erased": self.erased,
            "keep_from": None if self.keep_from is None else str(self.keep_from),
        }


def read_state(store: Store) -> ArchiveState | None:
    """Return what an archive says of itself; None for one that has no such file yet.

    Raises
    ------
    ArchiveError
        A newer version of this package made the archive, or the file cannot be read.
    """
    if not store.exists(ARCHIVE_FILE):
        return None
    with store.open(ARCHIVE_FILE) as source:
        text = source.read()
    try:
        found = json.loads(text)
        if found["format"] <= FORMAT:
            return _state_of(found)
        made_by = str(found["written_by"])[:100]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedFileError(
            f"{store.label(ARCHIVE_FILE)} cannot be read ({type(error).__name__}); restore it from a copy. When "
            "there is none, remove it: the next sync makes it again from the files that are there"
        ) from error
    raise ArchiveError(
        f"{store.name} is an archive of format {found['format']} (written by {made_by}), and this version knows up to "
        f"{FORMAT}; upgrade with: pip install --upgrade impressions_analytics"
    )


def _state_of(found: dict[str, Any]) -> ArchiveState:
    moment = datetime.fromisoformat
    return ArchiveState(
        family=found["family"],
        zone=found["zone"],
        kinds={kind: (moment(begin), moment(end)) for kind, (begin, end) in found["kinds"].items()},
        erased=bool(found["erased"]),
        keep_from=None if found["keep_from"] is None else moment(found["keep_from"]),
    )


def write_state(store: Store, state: ArchiveState) -> None:
    """Put the file in place, unless it says so already."""
    text = json.dumps(state.to_json(), indent=1)

    def write(path: Path) -> None:
        path.write_text(text, encoding="utf-8")

    if not store.exists(ARCHIVE_FILE) or read_state(store) != state:
        store.put(ARCHIVE_FILE, write)
