"""Make invented impressions for the benchmarks of the analyses, in the order of their IDs, a month's rows in memory.

    python tests/benchmarks/bench_analyses_rows.py ROWS FOLDER

A year of 300 mailings; half as many destinations as rows, a tenth as many profiles; opens that decay after sending;
3,000 distinct user agents, few of them frequent; 3% of the rows without a profile.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from impressions_analytics.columns import arrow_schema

MAILINGS = 300
YEAR = np.datetime64("2025-01-01T00:00:00", "s").astype("int64")
BETWEEN = 365 * 86_400 // (MAILINGS + 12)  # seconds from one mailing to the next; the last opens fall within the year
HORIZON = 14 * 86_400
SPAN = 249_000_000  # of the numbers of an account that shares them with others
TEMPLATES = (
    "Mozilla/5.0",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS {0}_{1} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E{2}",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{2}.0.{1}.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android {0}; SM-G99{1}) AppleWebKit/537.36 Chrome/{2}.0.0.0 Mobile Safari/537.36",
    "Microsoft Office/16.0 (Microsoft Outlook 16.0.{2}; Pro)",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{2}.0) Gecko/20100101 Thunderbird/{2}.{1}.0",
)


RISING = ["ID", "destination", "timestamp"]
LAYOUT = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": ["mailing", "ip", "useragent", "device", "profile", "subprofile"],
    "column_encoding": dict.fromkeys(RISING, "DELTA_BINARY_PACKED"),
    "dictionary_pagesize_limit": 8 << 20,
    "store_schema": False,
}


def useragents(count: int = 3_000) -> list[str]:
    made = list(TEMPLATES[:2])
    for number in range(count):
        made.append(TEMPLATES[2 + number % 5].format(9 + number % 9, number % 7, 60 + number))
    return made[:count]


def months(rows: int, seed: int = 1) -> Iterator[pa.Table]:
    """Yield the rows, sorted by time and numbered, in pieces of 25 mailings."""
    rng, agents, number = np.random.default_rng(seed), pa.array(useragents()), 1
    waiting: list[np.ndarray] = []
    for first in range(0, MAILINGS, 25):
        waiting += [mailing(rng, index, rows) for index in range(first, first + 25)]
        made = np.concatenate(waiting, axis=1)
        end = YEAR + (first + 25) * BETWEEN if first + 25 < MAILINGS else np.inf
        now, waiting = made[:, made[0] < end], [made[:, made[0] >= end]]
        yield table(now[:, np.argsort(now[0], kind="stable")], number, agents, rng)
        number += now.shape[1]


def mailing(rng: np.random.Generator, index: int, rows: int) -> np.ndarray:
    """The impressions of one mailing: timestamp, mailing, destination, profile (-1 is null)."""
    count = rows * (index + 1) // MAILINGS - rows * index // MAILINGS
    size = max(rows // 2 // MAILINGS, 1)
    to = rng.integers(0, size, count)
    delay = np.minimum(rng.lognormal(9, 1.8, count), HORIZON).astype("int64")
    profile = rng.integers(0, max(rows // 10, 1), size)
    profile[::33] = -1
    sent = YEAR + index * BETWEEN
    return np.stack([sent + delay, np.full(count, 400 + index), 10_000_000 + index * size + to, profile[to]])


def table(made: np.ndarray, number: int, agents: pa.Array, rng: np.random.Generator) -> pa.Table:
    timestamp, mailings, destination, profile = made
    count = len(timestamp)
    agent = np.minimum(rng.zipf(1.4, count) - 1, len(agents) - 1).astype("int32")
    texts = pa.DictionaryArray.from_arrays(agent, agents)
    null = pa.nulls(count, pa.int64())
    known = {
        "ID": pa.array(np.arange(number, number + count)),
        "mailing": pa.array(mailings),
        "timestamp": pa.array(timestamp * 1_000_000).cast(pa.timestamp("us")),
        "ip": pa.DictionaryArray.from_arrays(
            (agent % 200).astype("int32"), pa.array([f"192.0.2.{n}" for n in range(200)])
        ),
        "useragent": texts,
        "device": pa.nulls(count, pa.string()),
        "destination": pa.array(destination),
        "profile": pa.array(profile, mask=profile < 0),
        "subprofile": null,
    }
    return pa.table(known)


def write(rows: int, folder: Path) -> Path:
    """Write the rows much as a snapshot lays them out; what is there already is kept."""
    path = folder / f"impressions-{rows}.parquet"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    schema = arrow_schema("impressions")
    with pq.ParquetWriter(path.with_suffix(".part"), schema, **LAYOUT) as writer:
        for piece in months(rows):
            writer.write_table(piece.cast(schema), row_group_size=1 << 20)
    return path.with_suffix(".part").rename(path)


def as_shared(frame: pd.DataFrame, *, in_order: bool, seed: int = 2) -> pd.DataFrame:
    """Give the rows of a typed frame destinations as of an account that shares its numbers with others.

    They rise as before, but spread over about 249 million numbers; profiles stay as they are. Rows that are not in
    order are shuffled, and 3% of their profiles become null.
    """
    rng = np.random.default_rng(seed)
    places = frame["destination"].to_numpy() - frame["destination"].min()
    size = int(places.max()) + 1
    given = np.cumsum(rng.integers(1, max(2 * SPAN // size, 2), size))
    frame = frame.assign(destination=given[places])
    if in_order:
        return frame
    frame = frame.take(rng.permutation(len(frame))).reset_index(drop=True)
    return frame.assign(profile=frame["profile"].mask(rng.random(len(frame)) < 0.03))


if __name__ == "__main__":
    print(write(int(sys.argv[1]), Path(sys.argv[2])))
