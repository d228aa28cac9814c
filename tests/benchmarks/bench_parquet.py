"""Size and speed of a snapshot against pandas' own Parquet, on the same invented impressions, in one run.

    python tests/benchmarks/bench_parquet.py [ROWS]

The rows are invented here, with the shapes that matter for size: IDs that rise, opens that decay after a sending, several
opens per destination, 3000 user agents of which few are common, IPv4 and IPv6. It leaves out cold disks and object stores.
"""

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

import impressions_analytics as ia
from impressions_analytics.columns import columns_of

REPEATS = 5


def invented_impressions(rows: int, seed: int = 1) -> pd.DataFrame:
    """Return impressions of twelve mailings a year, in the order in which they happened."""
    random = np.random.default_rng(seed)
    destinations = max(rows // 2, 1)
    mailing = random.integers(0, 12, rows)
    destination = (mailing * destinations + random.integers(0, destinations, rows)) + 5_000_000
    seconds = (mailing * 30 * 86400 + random.exponential(86400, rows)).astype("int64")
    order = np.argsort(seconds, kind="stable")
    destination, mailing = destination[order], mailing[order]
    person = random.integers(0, destinations, destinations)
    profile = person[destination % destinations] + 10_000
    agents = np.array(
        [f"Mozilla/5.0 (Device {i}; build {i * 7919 % 100003}) AppleWebKit/{i % 600}" for i in range(3000)]
    )
    agent = np.minimum(random.zipf(1.3, rows) - 1, 2999)
    first = random.integers(0, 2**32, destinations, dtype="uint64")[profile % destinations]
    ip = [
        f"{n >> 24}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" if n % 4 else f"2a03:e280:{n >> 16:x}:{n & 65535:x}::1"
        for n in first.tolist()
    ]
    devices = np.array(["desktop", "mobile", "tablet", "unknown"])
    frame = pd.DataFrame({
        "ID": np.arange(rows) + 90_000_000,
        "mailing": mailing + 400,
        "timestamp": np.datetime64("2026-01-01", "us") + seconds[order].astype("timedelta64[s]"),
        "ip": pd.array(ip, dtype="str"),
        "useragent": pd.Categorical(agents[agent], categories=pd.Index(sorted(set(agents[agent])), dtype="str")),
        "device": pd.Categorical(devices[agent % 4], categories=pd.Index(devices, dtype="str")),
        "destination": destination,
        "profile": pd.array(profile, dtype="Int64"),
        "subprofile": pd.array(np.where(profile % 10 == 0, profile, np.nan), dtype="Int64"),
    })  # fmt: skip
    return frame[[column.name for column in columns_of("impressions")]]


def timed(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main(rows: int) -> None:
    frame = invented_impressions(rows)
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
        f"bytes a row: ours {size['ours'] / rows:.2f}, pandas {size['pandas'] / rows:.2f}, zstd {size['zstd'] / rows:.2f}"
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
