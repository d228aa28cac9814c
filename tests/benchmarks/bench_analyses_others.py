"""Time every other analysis against Polars and DuckDB, each written by a good hand, on sparse rows in memory.

    python tests/benchmarks/bench_analyses_others.py [ROWS [REPEATS [FOLDER]]]

Destinations are those that have an impression, sent an hour before it; all of them were delivered. The other sides
count the same kinds of open, and give the columns of `FIGURES`, which are compared before any side is timed; they
leave out what ours adds: rates, segments, half-lives, reasons, empty cells. What a user agent is, is given to them
(ours remembers it). All are timed turn by turn in one process and the least time counts.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
from bench_analyses import timed, typed_frame
from bench_analyses_rows import as_shared, write

import impressions_analytics as ia

HOUR = pd.Timedelta(hours=1)
OURS: dict[str, Callable[..., Any]] = {
    "over time by mailing": lambda opens, sent, arrived: ia.impressions_over_time(opens, by="mailing"),
    "first opens": lambda opens, sent, arrived: ia.impressions_over_time(opens, count="first"),
    "cumulative": lambda opens, sent, arrived: ia.impressions_over_time(opens, cumulative=True),
    "breakdown by two": lambda opens, sent, arrived: ia.user_agent_breakdown(opens, by=["client", "os"]),
    "human opens": lambda opens, sent, arrived: ia.human_opens(opens, by="mailing"),
    "mailing performance": lambda opens, sent, arrived: ia.mailing_performance(
        opens, destinations=sent, deliveries=arrived
    ),
    "time to open": lambda opens, sent, arrived: ia.time_to_open(opens, sent, by="mailing"),
    "open decay": lambda opens, sent, arrived: ia.open_decay(opens, sent),
    "hour of week": lambda opens, sent, arrived: ia.impressions_by_hour_of_week(opens),
    "engagement": lambda opens, sent, arrived: ia.engagement_segments(opens, as_of="2026-01-01"),
}
FIGURES = {
    "over time by mailing": ["period", "mailing", "impressions", "destinations", "profiles"],
    "first opens": ["period", "first_opens"],
    "cumulative": ["period", "impressions", "destinations", "profiles"],
    "breakdown by two": ["impressions", "destinations"],
    "human opens": ["mailing", "messages", "messages_low", "messages_high", "impressions", "impressions_person",
                    "impressions_proxy", "impressions_prefetch", "impressions_bot"],
    "mailing performance": ["mailing", "unique_opens", "unique_opens_not_only_machines", "sent", "delivered"],
    "time to open": ["mailing", "unique_opens", "median_hours", "p90_hours"],
    "open decay": ["mailing", "hours", "unique_opens"],
    "hour of week": ["weekday", "hour", "impressions"],
    "engagement": ["profile", "last_impression", "mailings_opened"],
}  # fmt: skip
READ = "(select opens.* from opens left join agents using (useragent) where kind in ('person', 'proxy'))"
FIRSTS = "select destination, min(timestamp) as first from opens group by destination"
READ_FIRST = f"select destination, min(timestamp) as first from {READ} group by destination"
AGED = f"select mailing, epoch(first - timestampsent) as seconds from sent join ({READ_FIRST}) on destination = ID"
DUCKDB = {
    "over time by mailing": """select date_trunc('day', timestamp) as period, mailing, count(*) as impressions,
        count(distinct destination), count(distinct profile) from opens group by 1, 2 order by 1, 2""",
    "first opens": f"select date_trunc('day', first) as period, count(*) from ({FIRSTS}) group by 1 order by 1",
    "cumulative": f"""with days as (select date_trunc('day', timestamp) as period, count(*) as n from opens group by 1),
        ones as (select date_trunc('day', first) as period, count(*) as n from ({FIRSTS}) group by 1),
        twos as (select date_trunc('day', first) as period, count(*) as n from (select min(timestamp) as first
            from opens where profile is not null group by profile) group by 1)
        select period, sum(days.n) over w, sum(ones.n) over w, sum(twos.n) over w
        from days left join ones using (period) left join twos using (period) window w as (order by period)""",
    "breakdown by two": """select sum(n) as impressions, count(*) as destinations from (
        select client, os, destination, count(*) as n from opens left join agents using (useragent) group by all)
        group by client, os order by 1 desc""",
    "human opens": """select mailing, count(*), count(*) filter (person > 0), count(*) filter (person + proxy > 0),
        sum(n), sum(person), sum(proxy), sum(prefetch), sum(bot) from (select mailing, destination, count(*) as n,
        count(*) filter (kind = 'person') as person, count(*) filter (kind = 'proxy') as proxy,
        count(*) filter (kind = 'prefetch') as prefetch, count(*) filter (kind = 'bot') as bot
        from opens left join agents using (useragent) group by all) group by mailing order by mailing""",
    "mailing performance": """select mailing, u, h, s, d from (select mailing, count(*) as u,
        count(*) filter (machine < n) as h from (select mailing, destination,
        count(*) as n, count(*) filter (kind in ('prefetch', 'bot')) as machine
        from opens left join agents using (useragent) group by all) group by mailing)
        join (select mailing, count(distinct ID) as s from sent group by mailing) using (mailing)
        join (select mailing, count(distinct destination) as d from arrived group by mailing) using (mailing)
        order by mailing""",
    "time to open": f"""select mailing, count(*), quantile_disc(seconds, 0.5) / 3600, quantile_disc(seconds, 0.9) / 3600
        from ({AGED}) group by mailing order by mailing""",
    "open decay": f"""select mailing, ceil(seconds / 3600) as hours, sum(count(*)) over
        (partition by mailing order by ceil(seconds / 3600)) from ({AGED}) where seconds <= 168 * 3600 group by 1, 2""",
    "hour of week": f"select isodow(timestamp) as weekday, hour(timestamp) as hour, count(*) from {READ} group by 1, 2",
    "engagement": """select profile, max(timestamp) as last, count(distinct mailing)
        filter (timestamp > timestamp '2025-07-05') from opens left join agents using (useragent)
        where kind in ('person', 'proxy') and profile is not null and timestamp <= timestamp '2026-01-01'
        group by profile order by profile""",
}


def polars_sides(
    opens: pl.LazyFrame, sent: pl.LazyFrame, arrived: pl.LazyFrame, agents: pl.LazyFrame
) -> dict[str, Any]:
    period, count = pl.col("timestamp").dt.truncate("1d").alias("period"), pl.len().alias("n")
    known = opens.with_columns(pl.col("useragent").cast(pl.String)).join(agents, on="useragent", how="left")
    read = known.filter(pl.col("kind").is_in(["person", "proxy"]))
    firsts = read.group_by("destination").agg(timestamp=pl.col("timestamp").min())
    seconds = (pl.col("timestamp") - pl.col("timestampsent")).dt.total_seconds().alias("seconds")
    aged = sent.join(firsts, left_on="ID", right_on="destination").select("mailing", seconds)
    half, most = (pl.col("seconds").quantile(q, "equiprobable") / 3600 for q in (0.5, 0.9))
    machine, kind = pl.col("kind").is_in(["prefetch", "bot"]), pl.col("kind")
    days = opens.group_by(period).agg(count)
    ones, twos = (
        opens.drop_nulls(name).group_by(name).agg(pl.col("timestamp").min()).group_by(period).agg(count)
        for name in ("destination", "profile")
    )
    by_kind = [(kind == name).sum().alias(name) for name in ("person", "proxy", "prefetch", "bot")]
    person, proxy = pl.col("person"), pl.col("proxy")
    messages = known.group_by("mailing", "destination").agg(count, machine.sum().alias("machine"))
    late = pl.col("timestamp") > pd.Timestamp("2025-07-05")
    return {
        "over time by mailing": opens.group_by(period, "mailing").agg(
            count, pl.col("destination").n_unique(), pl.col("profile").drop_nulls().n_unique()
        ).sort("period", "mailing"),
        "first opens": ones.sort("period"),
        "cumulative": days.join(ones, on="period", how="left", suffix="_d").join(
            twos, on="period", how="left", suffix="_p"
        ).sort("period").with_columns(pl.col("n", "n_d", "n_p").fill_null(0).cum_sum()),
        "breakdown by two": known.group_by("client", "os", "destination").agg(count).group_by("client", "os").agg(
            pl.col("n").sum(), pl.len().alias("destinations")
        ).sort("n", descending=True).drop("client", "os"),
        "human opens": known.group_by("mailing", "destination").agg(count, *by_kind).group_by("mailing").agg(
            pl.len().alias("messages"), (person > 0).sum().alias("low"), (person + proxy > 0).sum().alias("high"),
            pl.col("n", "person", "proxy", "prefetch", "bot").sum(),
        ).sort("mailing"),
        "mailing performance": messages.group_by("mailing").agg(
            pl.len().alias("u"), (pl.col("machine") < pl.col("n")).sum().alias("h")
        ).join(sent.group_by("mailing").agg(pl.col("ID").n_unique()), on="mailing").join(
            arrived.group_by("mailing").agg(pl.col("destination").n_unique()), on="mailing"
        ).sort("mailing"),
        "time to open": aged.group_by("mailing").agg(
            count, half.alias("half"), most.alias("most")
        ).sort("mailing"),
        "open decay": aged.filter(pl.col("seconds") <= 168 * 3600).group_by(
            "mailing", (pl.col("seconds") / 3600).ceil().alias("hours")
        ).agg(count).sort("mailing", "hours").with_columns(pl.col("n").cum_sum().over("mailing")),
        "hour of week": read.group_by(
            pl.col("timestamp").dt.weekday().alias("weekday"), pl.col("timestamp").dt.hour().alias("hour")
        ).agg(count),
        "engagement": read.filter(
            pl.col("profile").is_not_null() & (pl.col("timestamp") <= pd.Timestamp("2026-01-01"))
        ).group_by("profile").agg(pl.col("timestamp").max(), pl.col("mailing").filter(late).n_unique()).sort("profile"),
    }  # fmt: skip


def same(name: str, ours: pd.DataFrame, other: pd.DataFrame) -> None:
    """All figures of a side are those of ours, in whatever order; ours has rows beside them that count nothing."""
    ours, other = ours[FIGURES[name]].dropna(), other.set_axis(FIGURES[name], axis=1)
    keys = [key for key in ("period", "mailing", "weekday", "hour", "hours", "profile") if key in FIGURES[name]]
    sides = []
    for given in (ours.merge(other[keys]) if keys else ours, other):
        moments = given.columns.intersection(["period", "last_impression"])
        whole = given.assign(**{name: given[name].astype("datetime64[us]").astype("int64") for name in moments})
        sides.append(whole.astype("float64").sort_values(FIGURES[name], ignore_index=True))
    assert len(other) and set(ours) == set(other)
    pd.testing.assert_frame_equal(*sides, rtol=1e-12)


def world(rows: int, folder: Path) -> dict[str, pd.DataFrame]:
    """Make the opens, what was sent, what was delivered, and the classes of the user agents."""
    opens = as_shared(typed_frame(write(rows, folder)), in_order=True)
    messages = opens.groupby("destination", as_index=False)[["mailing", "timestamp", "profile"]].first()
    sent = messages.rename(columns={"destination": "ID"}).assign(timestampsent=messages["timestamp"] - HOUR)
    agents = ia.classify_user_agents(opens["useragent"])[["useragent", "client", "os", "kind"]].astype("str")
    arrived = messages[["mailing", "destination"]]
    return {"opens": opens, "sent": sent.drop(columns="timestamp"), "arrived": arrived, "agents": agents}


def main(rows: int = 10_000_000, repeats: int = 5, folder: str = "") -> None:
    frames = world(rows, Path(folder or tempfile.mkdtemp()))
    connection = duckdb.connect()
    for name, frame in frames.items():
        connection.register(name, frame)
    of_polars = polars_sides(*(pl.from_pandas(frame).lazy() for frame in frames.values()))
    given = [frames[name] for name in ("opens", "sent", "arrived")]
    print(f"{rows:,} rows; milliseconds, least of {repeats} turns; ratio = ours / the faster other")
    print(f"{'':24}{'ours':>8}{'Polars':>8}{'DuckDB':>8}{'ratio':>8}")
    for name, ours in OURS.items():
        contenders: dict[str, Callable[[], Any]] = {
            "ours": lambda ours=ours: ours(*given),
            "Polars": lambda name=name: of_polars[name].collect().to_pandas(),
            "DuckDB": lambda name=name: connection.sql(DUCKDB[name]).df(),
        }
        results = {side: run() for side, run in contenders.items()}
        for side in ("Polars", "DuckDB"):
            same(name, results["ours"], results[side])
        times = timed(contenders, repeats)
        ratio = times["ours"] / min(times["Polars"], times["DuckDB"])
        print(f"{name:24}{''.join(f'{1000 * time:8.0f}' for time in times.values())}{ratio:8.2f}", flush=True)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]), *sys.argv[3:4])
