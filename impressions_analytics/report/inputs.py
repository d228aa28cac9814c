"""What a report is made of: the impressions, what else there is, and the certificates that came with them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from impressions_analytics.certificate import certificate_of
from impressions_analytics.columns import Kind, columns_of
from impressions_analytics.engine import RequiredColumns, check_family, open_input, origin_of
from impressions_analytics.errors import ArchiveError, InvalidArgumentError, MissingColumnError, printable
from impressions_analytics.parquet.places import local_path
from impressions_analytics.parquet.remote import is_remote, is_remote_archive

KINDS_USED: tuple[Kind, ...] = (
    "impressions", "deliveries", "clicks", "destinations", "emailings", "errors", "unsubscribes", "abuses",
)  # fmt: skip
ADDS: dict[Kind, str] = {
    "deliveries": "open rates of the delivered messages, and the range that machines leave of them",
    "clicks": "click-through and click-to-open rates",
    "destinations": "times to open, the decay of opens, and hours of the week apart from those of sending",
    "emailings": "the subjects of the mailings",
    "errors": "bounces",
    "unsubscribes": "unsubscribes",
    "abuses": "complaints",
}
"""What a kind adds to a report, said where it was not given."""
MOST_ROWS_IN_MEMORY = 20_000_000
NEEDED: dict[Kind, tuple[str, ...]] = {
    "impressions": ("timestamp", "mailing", "useragent", "destination", "profile"),
    "deliveries": ("mailing", "destination", "timestamp"),
    "clicks": ("mailing", "destination", "useragent", "timestamp"),
    "destinations": ("ID", "mailing", "timestampsent"),
    "emailings": ("ID", "subject", "timestamp"),
    "errors": ("mailing", "destination", "description", "status", "errorcode"),
    "unsubscribes": ("mailing", "destination"),
    "abuses": ("mailing", "destination"),
}


def needed(kind: Kind, family: str | None) -> tuple[str, ...]:
    """Return the columns that a report needs of a kind, as far as the family has them.

    Examples
    --------
    >>> needed("errors", "publisher")
    ('mailing', 'destination', 'description', 'errorcode')
    """
    known = {column.name for column in columns_of(kind, "publisher" if family == "publisher" else "ms")}
    return tuple(name for name in NEEDED[kind] if name in known)


def usable(source: Any, kind: Kind, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that the data has in their right type; what is only nice to have may be absent."""
    if _is_archive(source):  # which has every column of its family; to open it for each would cost a look at its files
        there = needed(kind, origin_of(source, kind).family)
        return tuple(name for name in columns if name in there)
    found = []
    for name in columns:
        with contextlib.suppress(MissingColumnError):
            open_input(source, RequiredColumns(kind, (name,)))
            found.append(name)
    return tuple(found)


@dataclass(frozen=True)
class Inputs:
    """The inputs of a report.

    Attributes
    ----------
    sources : mapping
        The data of each kind that is there: a frame, a path or an archive.
    certificates : mapping
        The certificate of each of them; None where none came with the data.
    names : mapping
        What to call the mailings, number and subject, by their number, as far as known.
    subjects : mapping
        Their subjects alone.
    sent_at : mapping
        When they were sent, as far as the emailings tell.
    archive : Archive or None
        The archive that the impressions are of.
    zone : str or None
        The zone of the wall clock.
    """

    sources: Mapping[Kind, Any]
    certificates: Mapping[Kind, Mapping[str, Any] | None]
    names: Mapping[object, str] = field(default_factory=dict)
    subjects: Mapping[object, str] = field(default_factory=dict)
    sent_at: Mapping[object, pd.Timestamp] = field(default_factory=dict)
    archive: Any = None
    zone: str | None = None

    def get(self, kind: Kind) -> Any:
        """Return the data of a kind, or None."""
        return self.sources.get(kind)

    @property
    def missing(self) -> dict[Kind, str]:
        """The kinds that were not given, and what they would add."""
        return {kind: words for kind, words in ADDS.items() if kind not in self.sources}


def gather(data: Any, given: Mapping[Kind, Any], *, zone: str | None = None) -> Inputs:
    """Find the data of each kind, in what was given or else in the archive, with their certificates."""
    data = _opened(data)
    if _is_archive(data):
        data.scan("impressions")  # an archive that never had any says so, and how to mend it
    sources: dict[Kind, Any] = {}
    certificates: dict[Kind, Mapping[str, Any] | None] = {}
    family: str | None = None
    for kind in KINDS_USED:
        source = data if kind == "impressions" else given.get(kind)
        if source is None and _is_archive(data) and kind in data.kinds:
            source = data
        if source is not None:
            origin = origin_of(source, kind)
            check_family(family, origin.family, kind)
            family = family or origin.family
            sources[kind] = _read(source, kind, needed(kind, origin.family))
            certificates[kind] = _certificate(sources[kind], source, kind)
    zones = (certificate.get("zone") for certificate in certificates.values() if certificate)
    emailings = _emailings(sources.get("emailings"))
    subjects: dict[object, str] = {
        int(str(number)): printable(subject) for number, subject in emailings["subject"].dropna().items()
    }
    return Inputs(
        sources,
        certificates,
        names={number: f"{number} {subject}" for number, subject in subjects.items()},
        subjects=subjects,
        sent_at=dict(emailings["timestamp"]),
        archive=data if _is_archive(data) else None,
        zone=zone or next(filter(None, zones), None),
    )


def _is_archive(data: Any) -> bool:
    return callable(getattr(data, "scan", None)) and callable(getattr(data, "read", None))


def _is_file(data: Any) -> bool:
    return isinstance(data, str | Path) and "://" not in str(data) and local_path(data).is_file()


def _rows(archive: Any, kind: Kind) -> int:
    return int(archive.scan(kind).count().to_pyarrow().as_py()) if kind in archive.kinds else 0


def _opened(data: Any) -> Any:
    """Open a folder as an archive if it holds one."""
    remote = is_remote(data) and is_remote_archive(str(data))
    if not remote and (not isinstance(data, str | Path) or "://" in str(data) or not local_path(data).is_dir()):
        return data
    from impressions_analytics.archive import Archive

    archive = Archive(data)
    return archive if _rows(archive, "impressions") else data


def _read(source: Any, kind: Kind, columns: tuple[str, ...]) -> Any:
    """Read what is small enough for the memory once, since many analyses follow; leave the rest where it is."""
    if _is_archive(source) and _rows(source, kind) <= MOST_ROWS_IN_MEMORY:
        return source.read(kind, columns=columns)
    if _is_file(source):
        import pyarrow.parquet as pq

        from impressions_analytics.parquet.snapshot import read_snapshot

        # Parquet of another program is welcome too: the analyses read it, or say what is wrong with it.
        with contextlib.suppress(ArchiveError, InvalidArgumentError, OSError, ValueError):
            if pq.read_metadata(source).num_rows <= MOST_ROWS_IN_MEMORY:
                return read_snapshot(source, columns=columns)
    return source


def _certificate(data: Any, source: Any, kind: Kind) -> Mapping[str, Any] | None:
    """Return the certificate that came with the data, if one did."""
    if isinstance(data, pd.DataFrame):
        return certificate_of(data)
    if _is_archive(source):
        return source.certificate(kind)  # type: ignore[no-any-return]
    if _is_file(source):
        from impressions_analytics.parquet.snapshot import read_snapshot

        with contextlib.suppress(ArchiveError, InvalidArgumentError):
            return read_snapshot(source, columns=NEEDED[kind][:1]).attrs.get("load")
    return None


def _emailings(source: Any) -> pd.DataFrame:
    """Return subject and moment of sending of each emailing by its number; empty where they are not known."""
    frame = pd.read_parquet(source) if isinstance(source, str | Path) else source
    if frame is None:
        frame = pd.DataFrame({"ID": []})
    known = frame.drop_duplicates("ID").set_index("ID")
    return known.reindex(columns=["subject", "timestamp"])
