"""Time the three core analyses against idiomatic pandas, Polars and raw DuckDB, from a typed frame and from Parquet.

    python tests/benchmarks/bench_analyses.py [ROWS [REPEATS [FOLDER]]]

Three data sets: dense destination IDs in time order, sparse ones in time order, sparse ones shuffled.
Every side gives the same columns as a pandas frame, and its figures are compared before any is timed; all are timed
turn by turn in one process and the least time counts. Left out: classifying the user agents (each side is given what
`classify_user_agents` says; ours remembers it), and everything before the frame or the file.
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

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from bench_analyses_rows import as_shared, write

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
        made = groups.agg(
            impressions=("destination", "size"),
            destinations=("destination", "nunique"),
            profiles=("profile", "nunique"),
        )
        return made.asfreq("D", fill_value=0).reset_index()

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
        made = frame.group_by(pl.col("timestamp").dt.truncate("1d").alias("period")).agg(
            impressions=pl.len(), destinations=pl.col("destination").n_unique(),
            profiles=pl.col("profile").drop_nulls().n_unique(),
        ).sort("period").collect()  # fmt: skip
        return made.upsample("period", every="1d").fill_null(0).to_pandas()

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


QUERIES = {
    "over_time": """
        with counted as (select date_trunc('day', timestamp) as period, count(*) as impressions,
            count(distinct destination) as destinations, count(distinct profile) as profiles from {0} group by 1)
        select period, coalesce(impressions, 0) impressions, coalesce(destinations, 0) destinations,
            coalesce(profiles, 0) profiles
        from (select unnest(generate_series(min(period), max(period), interval 1 day)) as period from counted)
        left join counted using (period) order by period""",
    "per_profile": """select profile, count(*) as impressions, count(distinct mailing) as mailings,
        min(timestamp) as first_impression, max(timestamp) as last_impression
        from {0} where profile is not null group by profile order by profile""",
    "breakdown": """select client, count(*) as impressions, count(distinct destination) as destinations,
        count(distinct destination) / (select count(distinct destination) from {0}) as share_of_destinations
        from {0} left join clients using (useragent) group by client""",
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
    connection, needs = duckdb.connect(), NEEDS[name]
    connection.register("clients", clients)
    connection.register("opens", frame)
    of_pandas, of_polars = pandas_sides(clients)[name], polars_sides(clients)[name]
    return {
        "frame": {
            "ours": lambda: OURS[name](frame),
            "pandas": lambda: of_pandas(frame),
            "Polars": lambda: of_polars(pl.from_pandas(frame[needs]).lazy()),
            "DuckDB": lambda: connection.sql(QUERIES[name].format("opens")).df(),
        },
        "Parquet": {
            "ours": lambda: OURS[name](path),
            "pandas": lambda: of_pandas(pd.read_parquet(path, columns=needs)),
            "Polars": lambda: of_polars(pl.scan_parquet(path)),
            "DuckDB": lambda: connection.sql(QUERIES[name].format(f"'{path}'")).df(),
        },
    }


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Whatever the order of the classes: all figures of all sides are equal."""
    columns = [name for name in one.columns if name != "client"]
    numbers = [
        side[columns].astype("float64" if "share_of_destinations" in columns else "int64") for side in (one, other)
    ]
    sorted_ = [frame.sort_values(columns, ignore_index=True) for frame in numbers]
    pd.testing.assert_frame_equal(*sorted_)


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
    print(f"{rows:,} rows; milliseconds, least of {repeats} turns; ratio = ours / the fastest other")
    for numbering, frame, file in data_sets(path):
        print(f"\n{numbering:24}{'ours':>8}{'pandas':>8}{'Polars':>8}{'DuckDB':>8}{'ratio':>8}")
        compare(frame, file, repeats)


def compare(frame: pd.DataFrame, path: Path, repeats: int) -> None:
    """Print the times of every side on one data set, and the geometric mean of the ratios to the fastest other."""
    known = ia.classify_user_agents(frame["useragent"])[["useragent", "client"]]
    clients = known.assign(client=known["client"].fillna("unknown"))
    logs = []
    for name in OURS:
        for source, contenders in sides(name, frame, path, clients).items():
            results = {side: run() for side, run in contenders.items()}
            for side, result in results.items():
                same(results["ours"], result[results["ours"].columns]) if side != "ours" else None
            times = timed(contenders, repeats)
            ratio = times["ours"] / min(time for side, time in times.items() if side != "ours")
            logs.append(math.log(ratio))
            shown = "".join(f"{1000 * t:8.0f}" for t in times.values())
            print(f"{name + ' of ' + source:24}{shown}{ratio:8.2f}", flush=True)
    print(f"geometric mean of the ratios: {math.exp(sum(logs) / len(logs)):.2f}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]), *sys.argv[3:4])
