"""The time of a report against the time of reading the columns that it needs, from one archive, in one run.

    python tests/benchmarks/bench_report.py [IMPRESSIONS]

Once with impressions alone and once with every kind. Both sides start from the same files in the page cache, and the
report's side includes the reading. It leaves out cold disks and object stores.
"""

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

import impressions_analytics as ia
from impressions_analytics.columns import Column, columns_of
from impressions_analytics.report.inputs import NEEDED
from impressions_analytics.sandbox import Sandbox

REPEATS = 3
KINDS = ("impressions", "deliveries", "clicks", "destinations")
NOW = datetime(2027, 1, 1, tzinfo=UTC)


class Account:
    """Gives an archive the rows of a sandbox without HTTP."""

    def __init__(self, box: Sandbox) -> None:
        self._frames = {kind: frame_of(box, kind) for kind in KINDS}

    def first_moment(self, emailing, *, end):
        return datetime(2025, 1, 1)

    def total(self, kind, begin, end, *, expected):
        return expected

    def rows(self, kind, *, emailing, begin, end):
        frame = self._frames[kind]
        time_of = frame[time_column(kind)]
        frame = frame[(time_of >= begin) & (time_of < end)]
        frame.attrs["load"] = {
            "kind": kind, "family": "ms", "begin": str(begin), "end": str(end), "rows": len(frame),
            "verdict": "complete", "requests": 1,
        }  # fmt: skip
        yield frame


def time_column(kind):
    return "timestampsent" if kind == "destinations" else "timestamp"


def frame_of(box, kind):
    truth = box.truth_columns(kind)
    frame = pd.DataFrame({
        column.name: typed(truth[column.name], column) for column in columns_of(kind) if column.name in truth
    })  # fmt: skip
    for column in columns_of(kind):
        if column.name not in frame:  # what only some versions of the API send
            frame[column.name] = pd.Series(None, frame.index, dtype=column.pandas_type)
    frame = frame[[column.name for column in columns_of(kind)]]
    return frame.sort_values([time_column(kind), "ID"], ignore_index=True)


def typed(values: np.ndarray, column: Column) -> object:
    if column.type == "category":
        return pd.Categorical(pd.array(values, dtype="str"))
    if column.pandas_type == "Int64":
        return pd.arrays.IntegerArray(values.astype("int64"), values < 0)
    return pd.array(values, dtype="str") if column.pandas_type == "str" else values.astype(column.pandas_type)


def timed(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(archive, kinds, page: Path) -> None:
    def read():
        return [archive.read(kind, columns=NEEDED[kind]) for kind in kinds]

    pairs = [(timed(read), timed(lambda: ia.write_report(archive, page))) for _ in range(REPEATS)]
    reading, report = (min(times) for times in zip(*pairs, strict=True))
    rows = ", ".join(f"{archive.scan(kind).count().to_pyarrow().as_py():,} {kind}" for kind in kinds)
    print(f"{rows}\n  read {reading:.2f} s, report {report:.2f} s: {report / reading:.1f} times; ", end="")
    print(
        f"in each pair {', '.join(f'{after / before:.1f}' for before, after in pairs)}; {page.stat().st_size:,} bytes"
    )


def main(impressions: int) -> None:
    with Sandbox(impressions=impressions, seed=1) as box:
        account = Account(box)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        archive = ia.Archive(Path(folder) / "archive", clock=lambda: NOW)
        archive.sync(account, kinds=KINDS[:1])
        compare(archive, KINDS[:1], page)
        archive.sync(account, kinds=KINDS)
        compare(archive, KINDS, page)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000)
