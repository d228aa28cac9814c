"""What the archive's commands did, as small frozen objects: a text for people, `to_json` for scripts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from impressions_analytics.certificate import counted


class Result:
    """What every result can do."""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True, slots=True)
class KindSync:
    """What a sync did for one kind.

    Attributes
    ----------
    kind : str
        What the rows are.
    begin, end : str or None
        The first and last moment that the archive answers for; None when there was nothing to ask.
    asked : list of (str, str)
        The stretches that were asked again or for the first time.
    new_rows, repeated_rows, moved_rows, suppressed_rows : int
        Rows that were added, that were there already, that were there under another time (the newer time was taken),
        and that were left out because they were erased before.
    unlinked_rows : int
        Rows that named a profile, and came back without one: the archive no longer knows whose they are either.
    rows : int
        Rows of the kind in the archive now.
    partitions : list of str
        The month files that were rewritten.
    requests : int
        Calls to the API, as far as the loader counted them.
    verdict : str
        ``complete`` when every load was proven complete, else ``unproven``.
    """

    kind: str
    begin: str | None
    end: str | None
    asked: list[tuple[str, str]]
    new_rows: int
    repeated_rows: int
    moved_rows: int
    unlinked_rows: int
    suppressed_rows: int
    rows: int
    partitions: list[str]
    requests: int
    verdict: str

    def __str__(self) -> str:
        if self.begin is None:
            return f"{self.kind}: nothing to ask"
        moved = f", {self.moved_rows:,} moved to another time" if self.moved_rows else ""
        unlinked = f", {self.unlinked_rows:,} lost their profile at Copernica" if self.unlinked_rows else ""
        return (
            f"{self.kind}: {counted(self.new_rows, 'new rows')}, {self.repeated_rows:,} seen before{moved}{unlinked}, "
            f"{self.rows:,} in all from {self.begin} to {self.end}, {self.verdict}; "
            f"{counted(len(self.partitions), 'months')} rewritten, {counted(self.requests, 'calls')}"
        )


@dataclass(frozen=True, slots=True)
class LogSync:
    """What a sync did for the daily log files of one kind.

    Attributes
    ----------
    kind : str
        What the rows are.
    taken : list of str
        The days whose file was asked for.
    days, rows : int
        How many days the archive keeps now, and how many rows they have.
    requests : int
        Calls to the API.
    """

    kind: str
    taken: list[str]
    days: int
    rows: int
    requests: int

    def __str__(self) -> str:
        return (
            f"logs of {self.kind}: {counted(len(self.taken), 'days')} taken, {counted(self.rows, 'rows')} of "
            f"{counted(self.days, 'days')} in all, {counted(self.requests, 'calls')}"
        )


@dataclass(frozen=True, slots=True)
class SyncSummary(Result):
    """What a sync did, kind by kind, and what it removed because it was too old."""

    archive: str
    kinds: list[KindSync]
    retention: Retention | None = None
    logs: list[LogSync] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    """Kinds that the account's version does not know, or whose logs it refuses, and how the API said so."""

    @property
    def verdict(self) -> str:
        """The worst verdict of all kinds; a kind that was refused is not proven."""
        known = all(kind.verdict == "complete" for kind in self.kinds) and not self.refused
        return "complete" if known else "unproven"

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {**asdict(self), "verdict": self.verdict}

    def __str__(self) -> str:
        said = [str(one) for one in [*self.kinds, *self.logs]]
        said += [f"{kind}: not synced, the account's version refuses it" for kind in self.refused]
        return "\n".join([f"{self.archive} is up to date", *(f"  {text}" for text in said)])


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not right: the file or kind it is in, and what."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verification(Result):
    """What a verification found.

    Attributes
    ----------
    archive : str
        What was verified.
    files, rows : int
        How much was read.
    findings : list of Finding
        What is wrong; an archive with findings should not be trusted.
    gaps : list of Finding
        Stretches between the first and the last loaded moment that were never loaded; known, and said when reading.
    log_days : dict of str to int
        How many days of a kind were held against the day's log file.
    without_profile : dict of str to int
        How many rows of a kind name no profile. Copernica unlinks the rows of a profile that is deleted; a row that is
        asked again loses its profile here too, and one that is not keeps it.
    """

    archive: str
    files: int
    rows: int
    findings: list[Finding] = field(default_factory=list)
    gaps: list[Finding] = field(default_factory=list)
    without_profile: dict[str, int] = field(default_factory=dict)
    log_days: dict[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong and nothing is missing."""
        return not self.findings and not self.gaps

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {**asdict(self), "ok": self.ok}

    def __str__(self) -> str:
        read = f"{counted(self.rows, 'rows')} in {counted(self.files, 'files')}"
        said = [f"{self.archive}: {read}; {'all is well' if self.ok else 'NOT well'}"]
        said += [f"  wrong: {finding}" for finding in self.findings]
        said += [f"  never loaded: {gap}" for gap in self.gaps]
        said += [f"  {counted(days, 'days')} of {kind} held against log files" for kind, days in self.log_days.items()]
        said += [
            f"  for your information: {rows} {kind} name no profile; Copernica unlinks the rows of a deleted profile"
            for kind, rows in self.without_profile.items()
        ]
        return "\n".join(said)


@dataclass(frozen=True, slots=True)
class ErasureReceipt(Result):
    """What an erasure did, without naming the person.

    Attributes
    ----------
    archive : str
        Where.
    erased_at : str
        When, in UTC.
    by : str
        What was given: profile, subprofile or destination.
    rows : dict of str to int
        Rows removed per kind.
    files : list of str
        Files that were rewritten or, for exports kept inside the archive, removed.
    suppressed : bool
        Whether later syncs will leave the person out.
    exports : list of str
        The folders inside the archive from which exports were removed.
    links : list of str
        Links in the folder of exports: what they lead to lies elsewhere and was left.
    dry_run : bool
        Whether this only tells what an erasure would remove; nothing was changed.
    """

    archive: str
    erased_at: str
    by: str
    rows: dict[str, int]
    files: list[str]
    suppressed: bool = True
    exports: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    dry_run: bool = False

    def __str__(self) -> str:
        counts = ", ".join(counted(count, kind) for kind, count in self.rows.items() if count)
        if self.dry_run:
            said = f"would erase {counts} from {counted(len(self.files), 'files')}" if counts else "holds no row"
            return f"{self.archive}: {said} of this {self.by}; nothing was changed"
        said = (
            f"erased {counts} of one {self.by} from {counted(len(self.files), 'files')}"
            if counts
            else f"held no row of this {self.by}"
        )
        lines = [f"{self.archive}: {said} at {self.erased_at} UTC; later syncs leave the {self.by} out"]
        lines += [f"  {place} was removed: export again" for place in self.exports]
        lines += [
            f"  {link} is a link and was not followed: what it leads to is yours to look at" for link in self.links
        ]
        return "\n".join([*lines, "  exports and snapshots elsewhere are yours to find"])


@dataclass(frozen=True, slots=True)
class Retention(Result):
    """What keeping only recent days did."""

    archive: str
    kept_from: str
    rows: dict[str, int]
    files: list[str]

    def __str__(self) -> str:
        counts = ", ".join(counted(count, kind) for kind, count in self.rows.items() if count) or "no rows"
        changed = f"{counted(len(self.files), 'files')} changed"
        return f"{self.archive}: removed {counts} from before {self.kept_from}; {changed}"


@dataclass(frozen=True, slots=True)
class Export(Result):
    """What an export wrote: the place, the rows of each table, and how many of its files stayed as they were."""

    path: str
    format: str
    tables: dict[str, int]
    files: list[str]
    pseudonymised: bool
    utc: bool
    unchanged: int = 0

    def __str__(self) -> str:
        counts = ", ".join(f"{rows} {table}" for table, rows in self.tables.items())
        stayed = f"; {self.unchanged} of {len(self.files)} files stayed as they were" if self.unchanged else ""
        return f"{self.path}: {counts} ({self.format}{', pseudonymised' if self.pseudonymised else ''}){stayed}"
