"""What a report is made of: the impressions, what else there is, and the certificates that came with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from impressions_analytics.columns import Kind
from impressions_analytics.errors import ArchiveError, InvalidArgumentError

KINDS_USED: tuple[Kind, ...] = ("impressions", "deliveries", "clicks", "destinations", "emailings")
ADDS: dict[Kind, str] = {
    "deliveries": "open rates of the delivered messages, and the range that machines leave of them",
    "clicks": "click-through and click-to-open rates",
    "destinations": "times to open, the decay of opens, and hours of the week apart from those of sending",
    "emailings": "the subjects of the mailings",
}
"""What a kind adds to a report, said where it was not given."""


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
        The subjects of the mailings by their number, as far as known.
    zone : str or None
        The zone of the wall clock.
    """

    sources: Mapping[Kind, Any]
    certificates: Mapping[Kind, Mapping[str, Any] | None]
    names: Mapping[object, str] = field(default_factory=dict)
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
    sources: dict[Kind, Any] = {"impressions": data}
    certificates = {"impressions": certificate_of(data, "impressions")}
    for kind in KINDS_USED[1:]:
        source = given.get(kind) if given.get(kind) is not None else data if _is_archive(data) else None
        certificate = None if source is None else certificate_of(source, kind)
        if source is None or (_is_archive(source) and not (certificate or {}).get("rows")):
            continue
        sources[kind], certificates[kind] = source, certificate
    zones = [certificate.get("zone") for certificate in certificates.values() if certificate]
    return Inputs(sources, certificates, _subjects(sources.get("emailings")), zone or next(filter(None, zones), None))  # type: ignore[arg-type]


def _is_archive(data: Any) -> bool:
    return callable(getattr(data, "scan", None)) and callable(getattr(data, "read", None))


def _opened(data: Any) -> Any:
    """Open a folder as an archive if it holds one."""
    if not isinstance(data, str | Path) or not Path(data).is_dir():
        return data
    from impressions_analytics.archive import Archive

    archive = Archive(data)
    return archive if archive.scan("impressions").limit(1).count().execute() else data


def certificate_of(source: Any, kind: Kind) -> Mapping[str, Any] | None:
    """Return the certificate that came with the data, if one did."""
    if isinstance(source, pd.DataFrame):
        return source.attrs.get("load")
    if _is_archive(source):
        time = {"destinations": "timestampsent"}.get(kind, "timestamp")
        return source.read(kind, columns=[time]).attrs.get("load")  # type: ignore[no-any-return]
    if isinstance(source, str | Path) and Path(source).is_file():
        return _in_file(Path(source))
    return None


def _in_file(path: Path) -> Mapping[str, Any] | None:
    from impressions_analytics.snapshot import read_snapshot

    try:
        return read_snapshot(path, columns=["ID"]).attrs.get("load")
    except (ArchiveError, InvalidArgumentError):  # Parquet of another program is welcome, and carries no certificate.
        return None


def _subjects(emailings: Any) -> dict[object, str]:
    """Return the subject of each emailing that has one, with its number, since subjects repeat."""
    if emailings is None:
        return {}
    if _is_archive(emailings):
        emailings = emailings.read("emailings", columns=["ID", "subject"])
    elif isinstance(emailings, str | Path):
        emailings = pd.read_parquet(emailings, columns=["ID", "subject"])
    known = emailings.dropna(subset=["subject"])
    return {int(number): f"{number} {subject}" for number, subject in zip(known["ID"], known["subject"], strict=True)}
