"""What data says of itself, by its certificate: its kind and its family."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from impressions_analytics.columns import Kind
from impressions_analytics.engine.readers import is_archive, is_path, local_files
from impressions_analytics.errors import AnalysisError, DamagedFileError, InvalidArgumentError
from impressions_analytics.parquet.layout import METADATA_KEY
from impressions_analytics.parquet.rows_file import parquet_told, read_sealed_metadata


@dataclass(frozen=True, slots=True)
class Origin:
    """What an input says of itself; None for what it does not say.

    Attributes
    ----------
    family : str or None
        The product family.
    """

    family: str | None = None


def origin_of(data: Any, kind: Kind) -> Origin:
    """Return what data says of itself.

    Raises
    ------
    AnalysisError
        It says that it is of another kind than `kind`, or of two families.
    InvalidArgumentError
        There is no Parquet file at the path, or it is another sort of file.

    Examples
    --------
    >>> clicks = pd.DataFrame()
    >>> clicks.attrs["load"] = {"kind": "clicks", "family": "ms"}
    >>> origin_of(clicks, "impressions")
    Traceback (most recent call last):
    impressions_analytics.errors.AnalysisError: clicks were given where impressions are needed: give the impressions ...
    """
    families: set[str] = set()
    for certificate in certificates(data):
        _check_kind(certificate.get("kind"), kind)
        families |= {certificate["family"]} if certificate.get("family") else set()
    family = min(families, default=None)
    for other in families:
        check_family(family, other, kind)
    return Origin(family)


def check_family(one: str | None, other: str | None, kind: Kind) -> None:
    """Raise `AnalysisError` if two inputs are known to be of different families, whose numbers mean different mail.

    Examples
    --------
    >>> check_family("ms", "publisher", "clicks")
    Traceback (most recent call last):
    impressions_analytics.errors.AnalysisError: the clicks are of the family 'publisher' and the other rows of 'ms': ...
    """
    if one and other and one != other:
        raise AnalysisError(
            f"the {kind} are of the family {other!r} and the other rows of {one!r}: the same numbers mean other mail "
            "there, so analyse each family apart"
        )


def _check_kind(found: object, kind: Kind) -> None:
    if found not in (None, kind):
        raise AnalysisError(
            f"{found} were given where {kind} are needed: give the {kind} of the same mail; "
            f"if a frame of {kind} was made of {found}, clear its attrs"
        )


def certificates(data: Any) -> Iterator[Mapping[str, Any]]:
    """Yield what a frame, an Arrow table, an archive or each of the local files of a path says of itself."""
    if isinstance(data, pd.DataFrame):
        load = data.attrs.get("load")
        if isinstance(load, Mapping):
            yield load
    elif is_path(data):
        yield from map(_of_file, _files(data))
    elif is_archive(data):
        yield {"family": getattr(data, "family", None)}
    elif type(data).__module__.split(".")[0] == "pyarrow" and hasattr(data, "schema"):
        yield _provenance(data.schema.metadata)


def _files(path: Any) -> list[str]:
    files = local_files(path)
    if not files and "://" not in str(path):
        raise InvalidArgumentError(f"there is no Parquet file at {path}")
    return files


def _of_file(path: str) -> Mapping[str, Any]:
    try:
        with parquet_told(path):
            return _provenance(read_sealed_metadata(path, path).metadata)
    except DamagedFileError as error:
        with Path(path).open("rb") as file:
            if file.read(4) != b"PAR1":
                raise InvalidArgumentError(f"{path} is no Parquet file") from error
        raise


def _provenance(metadata: Mapping[bytes, bytes] | None) -> Mapping[str, Any]:
    """Return what this package wrote into a file; nothing of another program's."""
    try:
        said = json.loads((metadata or {}).get(METADATA_KEY, b"{}"))
    except ValueError:
        return {}
    return said if isinstance(said, Mapping) else {}
