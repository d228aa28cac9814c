"""Measure what checksums cost: writing and reading a snapshot, and an analysis on DuckDB, with and without them.

    python tests/benchmarks/bench_checksums.py [ROWS [REPEATS]]

Both sides take turns in one process, and the least time of the processor counts, which a busy machine does not change
much; printed are ratios, with over without. Left out: object stores, and waiting for the disk.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

import impressions_analytics as ia
from impressions_analytics.engine import readers
from impressions_analytics.parquet import layout, rows_file, seal


def invented(rows: int) -> pd.DataFrame:
    chance = np.random.default_rng(1)
    agents = pd.Index([f"Mozilla/5.0 (agent {number})" for number in range(5000)], dtype="str")
    return pd.DataFrame({
        "ID": np.arange(rows),
        "mailing": 400 + np.sort(chance.integers(0, 50, rows)),
        "timestamp": np.datetime64("2025-01-01", "us") + np.sort(chance.integers(0, 31_000_000, rows)) * 1_000_000,
        "ip": pd.array(np.char.add("192.0.2.", chance.integers(0, 250, rows).astype("U3")), dtype="str"),
        "useragent": pd.Categorical.from_codes(chance.integers(0, 5000, rows), agents),
        "device": pd.Categorical.from_codes(np.zeros(rows, int), pd.Index(["mobile"], dtype="str")),
        "destination": np.sort(chance.integers(0, rows, rows)),
        "profile": pd.array(chance.integers(0, rows // 10, rows), dtype="Int64"),
        "subprofile": pd.array([None] * rows, dtype="Int64"),
    })  # fmt: skip


@contextlib.contextmanager
def no_checksums() -> Iterator[None]:
    options, read = layout.writer_options, pq.ParquetFile
    with (
        mock.patch.object(layout, "writer_options", lambda *rows: {**options(*rows), "write_page_checksum": False}),
        mock.patch.object(layout, "seal_file", lambda _: None),
        mock.patch.object(rows_file, "check_footer", lambda *_: None),
        mock.patch.object(readers, "check_files", lambda _: None),
        mock.patch.object(pq, "ParquetFile", lambda *a, **k: read(*a, **{**k, "page_checksum_verification": False})),
    ):
        yield


def ratio(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Return the least time with checksums by the least without, and the latter in seconds of the processor."""
    least = {True: float("inf"), False: float("inf")}
    for _ in range(repeats):
        for checked in (True, False):
            seal._check_version.cache_clear()  # as a new process would find it
            with contextlib.nullcontext() if checked else no_checksums():
                began = time.process_time()
                work()
                least[checked] = min(least[checked], time.process_time() - began)
    return least[True] / least[False], least[False]


def main(rows: int = 2_000_000, repeats: int = 7) -> None:
    frame = invented(rows)
    with tempfile.TemporaryDirectory() as folder:
        path = ia.write_snapshot(frame, Path(folder) / "rows.parquet")
        by = "useragent"
        sides = {
            "write a snapshot": lambda: ia.write_snapshot(frame, path.with_name("written.parquet")),
            "read it": lambda: ia.read_snapshot(path),
            "read two columns": lambda: ia.read_snapshot(path, columns=["timestamp", "destination"]),
            "profiles in numpy": lambda: ia.impressions_per_profile(path),
            "an open on DuckDB": lambda: readers._scan(path, readers.embedded().backend)[by].nunique().to_pyarrow(),
        }
        print(f"{rows:,} rows, {path.stat().st_size / 1e6:.1f} MB, least of {repeats}")
        for name, work in sides.items():
            found, seconds = ratio(work, repeats)
            print(f"{name:20} {found:5.2f} x of {seconds * 1000:6.0f} ms")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
