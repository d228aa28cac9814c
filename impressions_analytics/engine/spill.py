"""Arrays that wait on disk until they are needed, so that more rows than fit in memory can be dealt out."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from impressions_analytics.engine.distinct import Values
from impressions_analytics.errors import AnalysisError
from impressions_analytics.parquet.working_folder import working_folder


@dataclass(frozen=True, slots=True)
class OnDisk:
    """Columns of 64-bit numbers that lie in a file, one after the other."""

    path: Path
    begin: int
    rows: int
    columns: int

    def read(self) -> tuple[Values, ...]:
        """Return the columns."""
        values = np.fromfile(self.path, dtype="int64", count=self.rows * self.columns, offset=self.begin)
        return tuple(np.split(values, self.columns)) if len(values) else (values,) * self.columns


class Spill:
    """A file of the working folder that takes columns."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def put(self, parts: Sequence[tuple[Values, ...]]) -> OnDisk:
        """Write the columns of some parts, each together, and say where they are."""
        columns = [np.concatenate(values) for values in zip(*parts, strict=True)]
        try:
            with self._path.open("ab") as file:
                begin = file.tell()
                for column in columns:
                    column.astype("int64", copy=False).tofile(file)
        except OSError as error:
            raise AnalysisError(
                f"rows that do not fit in memory could not be put into {self._path.parent.parent}: "
                f"{error.strerror or error}; make room there, or set TMPDIR to a folder that has it"
            ) from error
        return OnDisk(self._path, begin, len(columns[0]), len(columns))


@contextmanager
def spill() -> Iterator[Spill]:
    """Yield a file that takes columns, and remove it in the end.

    Examples
    --------
    >>> with spill() as file:
    ...     there = file.put([(np.array([1]), np.array([10])), (np.array([2]), np.array([20]))])
    ...     there.read()
    (array([1, 2]), array([10, 20]))
    """
    path = working_folder() / f"{uuid.uuid4().hex}.columns"
    try:
        yield Spill(path)
    finally:
        path.unlink(missing_ok=True)
