"""What an archive knows of itself: where it is, whose mail it holds, whose wall clock."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from impressions_analytics.archive.checks import Total, TotalWithoutErased
from impressions_analytics.archive.erasure import finish_erasure, retain_from
from impressions_analytics.archive.partitions import PENDING, KindPartitions, remembered
from impressions_analytics.archive.periods import Stretch, outer_stretch
from impressions_analytics.archive.results import Retention
from impressions_analytics.archive.row_source import LoaderSource, RowSource
from impressions_analytics.archive.state import ArchiveState, read_state, write_state
from impressions_analytics.archive.store import Store
from impressions_analytics.archive.suppression import LIST, Suppression
from impressions_analytics.archive.unfinished import Unfinished
from impressions_analytics.columns import KINDS, Family, Kind
from impressions_analytics.errors import ArchiveError, DamagedFileError, InvalidArgumentError
from impressions_analytics.parquet.database import connect
from impressions_analytics.parquet.remote import ARCHIVE_FILE

if TYPE_CHECKING:
    from impressions_analytics.archive.log_sync import LogSource

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
        if self._family is None and (known := self._known()):
            self._family = known.family
        return self._family or "ms"

    @property
    def timezone(self) -> str:
        """The zone of the wall clock in the archive's timestamps."""
        if self._timezone is None and (known := self._known()):
            self._timezone = known.zone
        return self._timezone or "Europe/Amsterdam"

    def _known(self) -> ArchiveState | None:
        """Return what the archive says of itself, or else what the first of its files says."""
        if (state := read_state(self.store)) is not None:
            return state
        first = remembered(self.store)
        return None if first is None else ArchiveState(first.family, first.zone or self.timezone)

    def state(self) -> ArchiveState:
        """Return what the archive says of itself as a whole; for a new one what it will say.

        Raises
        ------
        ArchiveError
            The archive is of another family or zone than it was opened with.
        """
        found = read_state(self.store) or ArchiveState(self.family, self.timezone)
        for name, value, wanted in (("family", found.family, self.family), ("zone", found.zone, self.timezone)):
            if value != wanted:
                raise ArchiveError(
                    f"{self.store.name} has {name} {value!r}, and the archive was opened with {wanted!r}; "
                    f"an archive holds one {name}: open it with that one, or use a folder of its own"
                )
        return found

    def now(self) -> dt.datetime:
        """Return the present second of the account's wall clock."""
        return self.clock().astimezone(_zone(self.timezone)).replace(tzinfo=None, microsecond=0)

    def partitions(self, kind: Kind) -> KindPartitions:
        """Return the files of one kind."""
        if kind not in KINDS:
            raise InvalidArgumentError(f"kind={kind!r} is no kind of row; use one of {', '.join(KINDS)}")
        [partitions] = self._partitions((kind,))
        return partitions

    def existing(self, kind: Kind) -> KindPartitions:
        """Return the files of one kind, of an archive that must be there."""
        partitions = self.partitions(kind)
        self.must_exist()
        return partitions

    def all_partitions(self) -> list[KindPartitions]:
        """Return the files of every kind."""
        return self._partitions(tuple(KINDS))

    def _partitions(self, kinds: tuple[Kind, ...]) -> list[KindPartitions]:
        state, now, unfinished = self.state(), self.now(), self.unfinished()
        return [
            KindPartitions(
                self.store, kind, state.family, state.zone,
                now=now, recorded=state.kinds.get(kind), unfinished=unfinished,
            )
            for kind in kinds
        ]  # fmt: skip

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
        if not (pending or self.kinds() or self.store.exists(LIST) or self.store.exists(ARCHIVE_FILE)):
            name = self.store.name
            raise ArchiveError(f"there is no archive at {name}: impressions sync {name} makes one")

    def suppression(self) -> Suppression:
        """Return the list of erased persons as it is now.

        Raises
        ------
        DamagedFileError
            Persons were erased, and the list of them is gone: they would come back.
        """
        if self.lost_list():
            raise DamagedFileError(
                f"{self.store.label(LIST)} is gone, and without it erased persons would come back; restore it from a "
                f"copy. When there is none, remove {self.store.label(ARCHIVE_FILE)} too, and erase those persons again"
            )
        return Suppression(self.store, self._erasure_key)

    def erased(self) -> Suppression | None:
        """Return the list of erased persons; None when there is none, whether or not there should be one."""
        return Suppression(self.store, self._erasure_key) if self.store.exists(LIST) else None

    def count_erased(self) -> int:
        """Return how many entries the list of erased persons has now; it only grows."""
        listed = self.erased()
        return 0 if listed is None else len(listed)

    def lost_list(self) -> bool:
        """Say whether persons were erased and the list of them is gone."""
        state = read_state(self.store)
        return state is not None and state.erased and not self.store.exists(LIST)

    def unfinished(self) -> Unfinished:
        """Return what was begun and has not ended, for readers to leave out."""
        state = read_state(self.store)
        listed = self.erased()
        return Unfinished(
            listed if listed is not None and listed.unfinished else None, None if state is None else state.keep_from
        )

    @contextlib.contextmanager
    def writing(self) -> Iterator[Suppression]:
        """Keep other writers out, finish what was cut short, and give the list of erased persons."""
        with self.store.locked():
            suppression = self.suppression()
            finish_erasure(self.all_partitions(), suppression)
            if (begin := self.state().keep_from) is not None:
                self.retain(begin)
            yield suppression
            finish_erasure(self.all_partitions(), suppression)
            if not suppression.is_empty:
                self._write(replace(self.state(), erased=True))

    def retain(self, begin: dt.datetime) -> Retention:
        """Remove what is older than a moment: written down first, so that no reader gives such rows any more."""
        self._write(replace(self.state(), keep_from=begin))
        retention = retain_from(self.all_partitions(), begin)
        state = self.state()
        kinds = {
            kind: _from(begin, stretch) if kind != "emailings" else stretch for kind, stretch in state.kinds.items()
        }
        self._write(replace(state, keep_from=None, kinds=kinds))
        return retention

    def remember(self, kind: Kind) -> None:
        """Note what the archive answers for now, so that a month that goes missing later is noticed."""
        partitions = self.partitions(kind)
        found = outer_stretch(period for month in partitions.footers() for period in month.periods)
        if found is not None:
            self._write(self.state().with_kind(kind, partitions.answered(found)))

    def _write(self, state: ArchiveState) -> None:
        """Write down what the archive is; a place where nothing was ever synced stays as it is."""
        if state.kinds or self.kinds() or self.store.exists(LIST):
            write_state(self.store, state)

    def source(self, api: Any) -> RowSource:
        """Return where rows come from; the zone of the first account is the zone of a new archive."""
        zone = getattr(api, "timezone", None) or self.timezone
        if self._timezone is None and self._known() is None:
            self._timezone = zone
        if zone != self.timezone:
            raise InvalidArgumentError(
                f"the account's timezone is {zone!r} and the archive's {self.timezone!r}; open both with the same one"
            )
        return api if callable(getattr(api, "first_moment", None)) else LoaderSource(api, self.family)

    @contextlib.contextmanager
    def log_source(self, api: Any) -> Iterator[LogSource]:
        """Give the log files of an account."""
        from impressions_analytics.archive.log_sync import LogSource
        from impressions_analytics.loader.logs import opened_log_files

        with opened_log_files(api) as files:
            yield LogSource(files, self.family)

    def total(self, api: Any) -> Total:
        """Return what asks the API for totals, without the rows of erased persons."""
        return TotalWithoutErased(self.source(api), self.suppression(), self.family)

    @functools.cached_property
    def connection(self) -> Any:
        """An embedded DuckDB, the same for every table of the archive, so that they can be joined."""
        return connect()


def _from(begin: dt.datetime, stretch: Stretch) -> Stretch:
    return max(begin, stretch[0]), max(begin, stretch[1])


def _zone(timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidArgumentError(f"timezone={timezone!r} is no zone; use one such as 'Europe/Amsterdam'") from error
