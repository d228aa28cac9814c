"""Size and speed of a snapshot against pandas' own Parquet, on the sandbox's impressions, in one run.

    python tests/benchmarks/bench_parquet.py [ROWS]

The rows are the sandbox's, in the order of the loaders: opens that decay after a sending, several per destination, some
tens of user agents, IPv4 and IPv6. It leaves out cold disks and object stores.
"""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

import impressions_analytics as ia
from impressions_analytics.columns import Column, columns_of
from impressions_analytics.sandbox import Sandbox

REPEATS = 5


def sandbox_impressions(rows: int) -> pd.DataFrame:
    """Return the impressions of a sandbox as the loaders would give them."""
    with Sandbox(impressions=rows, seed=1) as box:
        truth = box.truth_columns("impressions")
    frame = pd.DataFrame({column.name: typed(truth[column.name], column) for column in columns_of("impressions")})
    return frame.sort_values(["timestamp", "ID"], ignore_index=True)


def typed(values: np.ndarray, column: Column) -> object:
    """Return an array of the truth, in which -1 is null, as a column of the typed frame."""
    if column.type == "category":
        return pd.Categorical(pd.array(values, dtype="str"))
    if column.pandas_type == "Int64":
        return pd.arrays.IntegerArray(values.astype("int64"), values < 0)
    return pd.array(values, dtype="str") if column.type == "address" else values.astype(column.pandas_type)


def timed(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main(rows: int) -> None:
    frame = sandbox_impressions(rows)
    with tempfile.TemporaryDirectory() as folder:
        ours, plain, packed = (Path(folder) / name for name in ("ours.parquet", "pandas.parquet", "zstd.parquet"))
        works = {
            "write_snapshot": lambda: ia.write_snapshot(frame, ours),
            "to_parquet": lambda: frame.to_parquet(plain),
            "to_parquet zstd": lambda: frame.to_parquet(packed, compression="zstd"),
            "read_snapshot": lambda: ia.read_snapshot(ours),
            "read_parquet": lambda: pd.read_parquet(plain),
        }
        seconds = {name: [] for name in works}
        for _ in range(REPEATS):
            for name, work in works.items():
                seconds[name].append(timed(work))
        pd.testing.assert_frame_equal(ia.read_snapshot(ours), frame)
        size = {path.stem: path.stat().st_size for path in (ours, plain, packed)}
    spent = {name: median(values) for name, values in seconds.items()}
    print(f"{rows} rows, median of {REPEATS}")
    print(
        f"bytes a row: ours {size['ours'] / rows:.2f}, pandas {size['pandas'] / rows:.2f}, "
        f"pandas with zstd {size['zstd'] / rows:.2f}"
    )
    print(
        f"bytes: {size['ours'] / size['pandas']:.3f} of pandas, {size['ours'] / size['zstd']:.3f} of pandas with zstd"
    )
    print(f"write: {spent['write_snapshot'] / spent['to_parquet']:.2f} of pandas' time,", end=" ")
    print(f"{spent['write_snapshot'] / spent['to_parquet zstd']:.2f} of its zstd form")
    print(f"read: {spent['read_snapshot'] / spent['read_parquet']:.2f} of pandas' time")
    print({name: round(value, 3) for name, value in spent.items()})


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
