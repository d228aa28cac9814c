"""What an archive knows of itself: where it is, whose mail it holds, whose wall clock."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from impressions_analytics.archive.checks import Total, TotalWithoutErased
from impressions_analytics.archive.partitions import PENDING, KindPartitions, remembered
from impressions_analytics.archive.row_source import LoaderSource, RowSource
from impressions_analytics.archive.store import Store
from impressions_analytics.archive.suppression import LIST, Suppression
from impressions_analytics.columns import KINDS, Family, Kind
from impressions_analytics.errors import ArchiveError, InvalidArgumentError

Clock = Callable[[], dt.datetime]


class ArchiveContext:
    """An archive's place, family, zone and clock; what is not given, the archive's files say.

    Parameters
    ----------
    store : Store
        Where the files are.
    family, timezone : str or None
        As given by the user.
    erasure_key : bytes or None
        Keys the hashes of erased persons.
    clock : callable
        Gives the present moment with its zone.
    """

    def __init__(
        self, store: Store, family: Family | None, timezone: str | None, *, erasure_key: bytes | None, clock: Clock
    ) -> None:
        if family not in (None, "ms", "publisher"):
            raise InvalidArgumentError(f"family={family!r} is no family; use 'ms' or 'publisher'")
        if timezone is not None:
            _zone(timezone)
        self.store = store
        self.clock = clock
        self._family: Family | None = family
        self._timezone = timezone
        self._erasure_key = erasure_key

    @property
    def family(self) -> Family:
        """The product family whose mail the archive holds."""
        if self._family is None and (known := remembered(self.store)):
            self._family = known.family
        return self._family or "ms"

    @property
    def timezone(self) -> str:
        """The zone of the wall clock in the archive's timestamps."""
        if self._timezone is None and (known := remembered(self.store)):
            self._timezone = known.zone
        return self._timezone or "Europe/Amsterdam"

    def now(self) -> dt.datetime:
        """Return the present second of the account's wall clock."""
        return self.clock().astimezone(_zone(self.timezone)).replace(tzinfo=None, microsecond=0)

    def partitions(self, kind: Kind) -> KindPartitions:
        """Return the files of one kind."""
        if kind not in KINDS:
            raise InvalidArgumentError(f"kind={kind!r} is no kind of row; use one of {', '.join(KINDS)}")
        return KindPartitions(self.store, kind, self.family, self.timezone)

    def existing(self, kind: Kind) -> KindPartitions:
        """Return the files of one kind, of an archive that must be there."""
        partitions = self.partitions(kind)
        self.must_exist()
        return partitions

    def all_partitions(self) -> list[KindPartitions]:
        """Return the files of every kind."""
        family, timezone = self.family, self.timezone
        return [KindPartitions(self.store, kind, family, timezone) for kind in KINDS]

    def kinds(self) -> tuple[Kind, ...]:
        """Return the kinds that were synced."""
        return tuple(kind for kind in KINDS if self.store.files_below(kind, ".parquet"))

    def must_exist(self) -> None:
        """Refuse a place where nothing was ever synced, before anything is made there.

        Raises
        ------
        ArchiveError
            Nothing is there, or nothing of an archive.
        """
        pending = any(self.store.files_below(f"{kind}/{PENDING}", ".piece") for kind in KINDS)
        if not (pending or self.kinds() or self.store.exists(LIST)):
            name = self.store.name
            raise ArchiveError(f"there is no archive at {name}: impressions sync {name} makes one")

    def suppression(self) -> Suppression:
        """Return the list of erased persons as it is now."""
        return Suppression(self.store, self._erasure_key)

    def source(self, api: Any) -> RowSource:
        """Return where rows come from; the zone of the first account is the zone of a new archive."""
        zone = getattr(api, "timezone", None) or self.timezone
        if self._timezone is None and remembered(self.store) is None:
            self._timezone = zone
        if zone != self.timezone:
            raise InvalidArgumentError(
                f"the account's timezone is {zone!r} and the archive's {self.timezone!r}; open both with the same one"
            )
        return api if callable(getattr(api, "first_moment", None)) else LoaderSource(api, self.family)

    def total(self, api: Any) -> Total:
        """Return what asks the API for totals, without the rows of erased persons."""
        return TotalWithoutErased(self.source(api), self.suppression(), self.family)

    @functools.cached_property
    def connection(self) -> Any:
        """An embedded DuckDB, the same for every table of the archive, so that they can be joined."""
        import ibis

        return ibis.duckdb.connect()


def _zone(timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidArgumentError(f"timezone={timezone!r} is no zone; use one such as 'Europe/Amsterdam'") from error
