"""Time the three core analyses against pandas, Polars, DuckDB, chdb (ClickHouse) and DataFusion, from frame and file.

    python tests/benchmarks/bench_analyses.py [ROWS [REPEATS [FOLDER]]]

Three data sets, made from a seed: dense destination IDs in time order, sparse ones in time order, sparse ones shuffled
with 3% more profiles null. Every side gives the same figures as a pandas frame, compared before any is timed; all are
timed turn by turn in one process and the least time counts. The last table gives the worst of the three data sets.
Left out: classifying the user agents (each side is given what `classify_user_agents` says; ours remembers it), and
everything before the frame or the file. `pip install chdb datafusion` brings the last two, or they are left out.
"""

from __future__ import annotations

import gc
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from bench_analyses_rows import as_shared, write
from bench_analyses_sql import ENGINES

import impressions_analytics as ia

COLUMNS = ["mailing", "timestamp", "useragent", "destination", "profile"]


def typed_frame(path: Path) -> pd.DataFrame:
    table = pq.read_table(path, columns=COLUMNS, read_dictionary=["useragent"]).unify_dictionaries()
    return table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get).astype(
        {"mailing": "int64", "destination": "int64", "timestamp": "datetime64[us]"}
    )


def pandas_sides(clients: pd.DataFrame) -> dict[str, Callable[[pd.DataFrame], pd.DataFrame]]:
    client_of = clients.set_index("useragent")["client"]

    def over_time(frame: pd.DataFrame) -> pd.DataFrame:
        groups = frame.groupby(frame["timestamp"].dt.floor("D").rename("period"))
        return groups.agg(
            impressions=("destination", "size"),
            destinations=("destination", "nunique"),
            profiles=("profile", "nunique"),
        ).reset_index()

    def per_profile(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.groupby("profile").agg(
            impressions=("mailing", "size"), mailings=("mailing", "nunique"),
            first_impression=("timestamp", "min"), last_impression=("timestamp", "max"),
        ).reset_index()  # fmt: skip

    def breakdown(frame: pd.DataFrame) -> pd.DataFrame:
        client = frame["useragent"].map(client_of).astype("category").rename("client")
        groups = frame.groupby(client, observed=True)["destination"]
        made = groups.agg(impressions="size", destinations="nunique").reset_index()
        return made.assign(share_of_destinations=made["destinations"] / frame["destination"].nunique())

    return {"over_time": over_time, "per_profile": per_profile, "breakdown": breakdown}


def polars_sides(clients: pd.DataFrame) -> dict[str, Callable[[pl.LazyFrame], pd.DataFrame]]:
    client_of = pl.from_pandas(clients).lazy()

    def over_time(frame: pl.LazyFrame) -> pd.DataFrame:
        return frame.group_by(pl.col("timestamp").dt.truncate("1d").alias("period")).agg(
            impressions=pl.len(), destinations=pl.col("destination").n_unique(),
            profiles=pl.col("profile").drop_nulls().n_unique(),
        ).sort("period").collect().to_pandas()  # fmt: skip

    def per_profile(frame: pl.LazyFrame) -> pd.DataFrame:
        return frame.filter(pl.col("profile").is_not_null()).group_by("profile").agg(
            impressions=pl.len(), mailings=pl.col("mailing").n_unique(),
            first_impression=pl.col("timestamp").min(), last_impression=pl.col("timestamp").max(),
        ).sort("profile").collect().to_pandas()  # fmt: skip

    def breakdown(frame: pl.LazyFrame) -> pd.DataFrame:
        agent = pl.col("useragent").cast(pl.String)
        rows = frame.select(agent, "destination").join(client_of, on="useragent", how="left")
        made = rows.group_by("client").agg(impressions=pl.len(), destinations=pl.col("destination").n_unique())
        total = frame.select(total=pl.col("destination").n_unique())
        counted, of_all = pl.collect_all([made, total])
        return counted.with_columns(share_of_destinations=pl.col("destinations") / of_all.item()).to_pandas()

    return {"over_time": over_time, "per_profile": per_profile, "breakdown": breakdown}


# The same text for every engine; ours adds the days without impressions.
QUERIES = {
    "over_time": """select date_trunc('day', timestamp) as period, count(*) as impressions,
        count(distinct destination) as destinations, count(distinct profile) as profiles
        from {opens} group by 1 order by 1""",
    "per_profile": """select profile, count(*) as impressions, count(distinct mailing) as mailings,
        min(timestamp) as first_impression, max(timestamp) as last_impression
        from {opens} where profile is not null group by profile order by profile""",
    "breakdown": """select client, count(*) as impressions, count(distinct destination) as destinations,
        1.0 * count(distinct destination) / (select count(distinct destination) from {opens}) as share_of_destinations
        from {opens} as o left join {clients} as c using (useragent) group by client""",
}
OURS = {
    "over_time": ia.impressions_over_time,
    "per_profile": ia.impressions_per_profile,
    "breakdown": ia.user_agent_breakdown,
}
NEEDS = {
    "over_time": ["timestamp", "destination", "profile"],
    "per_profile": ["mailing", "timestamp", "profile"],
    "breakdown": ["useragent", "destination"],
}


def sides(name: str, frame: pd.DataFrame, path: Path, clients: pd.DataFrame) -> dict[str, dict[str, Callable[[], Any]]]:
    needs = NEEDS[name]
    of_pandas, of_polars = pandas_sides(clients)[name], polars_sides(clients)[name]
    here = {
        "ours": lambda: OURS[name](frame),
        "pandas": lambda: of_pandas(frame),
        "Polars": lambda: of_polars(pl.from_pandas(frame[needs]).lazy()),
    }
    there = {
        "ours": lambda: OURS[name](path),
        "pandas": lambda: of_pandas(pd.read_parquet(path, columns=needs)),
        "Polars": lambda: of_polars(pl.scan_parquet(path)),
    }
    for side, engine in ENGINES.items():
        here[side], there[side] = engine(QUERIES[name], frame[needs], clients), engine(QUERIES[name], path, clients)
    return {"frame": here, "Parquet": there}


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Whatever the order of the classes, and without empty days: all figures of all sides are equal."""
    columns = [name for name in one.columns if name != "client"]
    numbers = []
    for side in (one, other):
        rows = side[side["impressions"] > 0][columns].copy()
        for name in rows.select_dtypes(["datetime", "datetimetz"]):
            rows[name] = rows[name].dt.tz_localize(None).astype("datetime64[us]")
        rows = rows.astype("float64" if "share_of_destinations" in columns else "int64")
        numbers.append(rows.sort_values(columns, ignore_index=True))
    pd.testing.assert_frame_equal(*numbers)


def timed(sides: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    least = dict.fromkeys(sides, math.inf)
    for _ in range(repeats):
        for name, run in sides.items():
            if name == "pandas" and least[name] < math.inf:
                continue  # several times slower than all others: once is enough
            gc.collect()
            begin = time.perf_counter()
            run()
            least[name] = min(least[name], time.perf_counter() - begin)
    return least


def data_sets(path: Path) -> Iterator[tuple[str, pd.DataFrame, Path]]:
    """Yield each data set as a frame and as a file: what an analysis costs may not depend on how rows are numbered."""
    frame = typed_frame(path)
    yield "dense, in order", frame, path
    for name, in_order in (("sparse, in order", True), ("sparse, shuffled", False)):
        made, file = as_shared(frame, in_order=in_order), path.with_name(f"{name.replace(', ', '-')}.parquet")
        pq.write_table(pa.Table.from_pandas(made, preserve_index=False), file, row_group_size=1 << 20)
        yield name, made, file


def main(rows: int = 10_000_000, repeats: int = 5, folder: str = "") -> None:
    path = write(rows, Path(folder or tempfile.mkdtemp()))
    print(f"numpy {np.__version__}, processor features: {' '.join(features())}")
    print(f"{rows:,} rows; milliseconds, least of {repeats} turns (pandas: one); ratio = ours / the fastest other")
    found: dict[str, dict[str, dict[str, float]]] = {}
    for numbering, frame, file in data_sets(path):
        found[numbering] = compare(numbering, frame, file, repeats)
    print("\nthe worst of the three data sets: ours / each other side")
    for what in next(iter(found.values())):
        ratios = [
            {side: times["ours"] / time for side, time in times.items()} for times in (f[what] for f in found.values())
        ]
        print(f"{what:24}", *(f"{side} {max(one[side] for one in ratios):.2f}" for side in ratios[0] if side != "ours"))


def features() -> list[str]:
    """Return what numpy sees of the processor: its sort depends on it, the passes of this package do not."""
    from numpy._core._multiarray_umath import __cpu_features__

    return [name for name, there in __cpu_features__.items() if there and name.startswith(("AVX", "SVE", "ASIMD"))]


def compare(numbering: str, frame: pd.DataFrame, path: Path, repeats: int) -> dict[str, dict[str, float]]:
    """Print the times of every side on one data set, and the geometric mean of the ratios to the fastest other."""
    known = ia.classify_user_agents(frame["useragent"])[["useragent", "client"]]
    clients = known.assign(client=known["client"].astype("object").fillna("unknown"))
    found = {}
    for name in OURS:
        for source, contenders in sides(name, frame, path, clients).items():
            results = {side: run() for side, run in contenders.items()}
            for result in results.values():
                same(results["ours"], result)
            times = found[f"{name} of {source}"] = timed(contenders, repeats)
            if len(found) == 1:
                print(f"\n{numbering:24}", *(f"{side:>8}" for side in (*times, "ratio")), sep="")
            shown = "".join(f"{1000 * time:8.0f}" for time in times.values())
            print(f"{name + ' of ' + source:24}{shown}{ratio(times):8.2f}", flush=True)
    mean = math.exp(sum(math.log(ratio(times)) for times in found.values()) / len(found))
    print(f"geometric mean of the ratios: {mean:.2f}")
    return found


def ratio(times: dict[str, float]) -> float:
    return times["ours"] / min(time for side, time in times.items() if side != "ours")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]), *sys.argv[3:4])
