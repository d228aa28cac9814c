"""Measure what the decisions promise: false wins and power, coverage and width, false alarms and power.

    python tests/benchmarks/bench_decisions.py counts [WORLDS]
    python tests/benchmarks/bench_decisions.py http [WORLDS] [FIRST_SEED]

`counts` draws the counts with numpy alone and leaves out how they are read from rows. `http` invents whole accounts,
syncs each over HTTP into an archive, and holds the decisions against who really read.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent.parent))

from anomaly_worlds import alarms, naive_alarms
from forecast_worlds import tried
from split_worlds import false_wins, naive_false_wins, power

import impressions_analytics as ia
from impressions_analytics.sandbox import Sandbox, Story

KINDS = ("impressions", "destinations", "deliveries", "clicks", "errors", "abuses")
END = "2026-06-28"


def counts(worlds: int) -> None:
    print(f"compare_mailings, {worlds} worlds, 5,000 an arm")
    print(f"  false wins, delta = 1, least favourable   {false_wins(worlds=worlds, hidden=(0.0, 1.0), delta=1.0):.1%}")
    print(f"  false wins, same hidden rate, delta = 0   {false_wins(worlds=worlds, hidden=(0.3, 0.3), delta=0.0):.1%}")
    print(f"  naive test where one arm has more Apple   {naive_false_wins(worlds=worlds):.1%}")
    for apple, rates, delta in ((0.1, (0.40, 0.25), 1.0), (0.5, (0.40, 0.30), 0.05)):
        won = power(worlds=worlds, apple=apple, rates=rates, delta=delta)
        print(f"  power, {apple:.0%} Apple, {rates[0]:.0%} against {rates[1]:.0%}, delta = {delta}   {won:.1%}")
    print(f"forecast_opens, {worlds} worlds: coverage of 90% intervals, width as a share of the final")
    for mailings in (12, 40):
        for hours in (1, 3, 24):
            covered, width = tried(worlds=worlds, hours=hours, mailings=mailings)
            print(f"  {mailings} past mailings, after {hours:>2} hours   {covered:.1%}   {width:.2f}")
    covered, _ = tried(worlds=worlds, hours=3, target_hour=21.0, matched=False)
    print(f"  hours that do not match (refused by the package), after 3 hours   {covered:.1%}")
    print(f"find_anomalies, {worlds} worlds, six cohorts, 1% stated: false alarms, naive test, power for a loss of 40%")
    for size in (300, 3_000):
        for varies in (0.0, 0.05, 0.1):
            what = {"worlds": worlds, "size": size, "varies": varies}
            found = alarms(**what)[0], naive_alarms(**what), alarms(**what, loss=0.4)[1]
            print(f"  {size:>5} a cohort, varying by {varies}   " + "   ".join(f"{one:.1%}" for one in found))


def http(worlds: int, first: int) -> None:
    rows = [healthy(seed) for seed in range(first, first + worlds)]
    print(f"{worlds} accounts over HTTP in which nothing is wrong, 26 mailings, 1,500 recipients, two equal arms")
    print(pd.DataFrame(rows).mean().round(3).to_string())
    found = [incident(seed) for seed in range(first, first + worlds // 4)]
    print(f"{worlds // 4} accounts with something wrong: found in its mailing")
    print(pd.DataFrame(found).groupby("what")["found"].agg(["mean", "size"]).round(3).to_string())


def synced(seed: int, story: Story) -> tuple[ia.Archive, pd.DataFrame]:
    with Sandbox(emailings=26, seed=seed, story=story) as box, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive = ia.Archive(tempfile.mkdtemp())
        archive.sync(ia.Copernica(box.access_token, url=box.url), kinds=KINDS)
        return archive, pd.DataFrame(box.truth_columns("reads"))


def healthy(seed: int) -> dict[str, float]:
    archive, truth = synced(seed, Story(recipients=1_500, arms=(0.35, 0.35)))
    opens, destinations, deliveries = (archive.read(kind) for kind in ("impressions", "destinations", "deliveries"))
    row = ia.compare_mailings(opens, deliveries, a=425, b=426).iloc[0]
    read = truth.groupby("mailing").size()
    true = read[425] / row["delivered_a"] - read[426] / row["delivered_b"]
    told = {
        "alarm": len(ia.find_anomalies(archive, days=30, as_of=END)) > 0,
        "a or b wins (equal arms)": not pd.isna(row["winner"]),
        "truth inside, delta = 0.05": row["difference_low_delta_5"] < true < row["difference_high_delta_5"],
    }
    sent = destinations.loc[destinations["mailing"] == 425, "timestampsent"].min()
    asked = (opens, destinations, deliveries)
    final = ia.forecast_opens(*asked, mailing=425, as_of=END)["forecast"][0]
    for hours in (1, 3, 24):
        forecast = ia.forecast_opens(*asked, mailing=425, as_of=sent + pd.Timedelta(hours=hours)).iloc[0]
        told[f"inside after {hours} h"] = forecast["forecast_low"] <= final <= forecast["forecast_high"]
        told[f"width after {hours} h"] = (forecast["forecast_high"] - forecast["forecast_low"]) / final
    return told


INCIDENTS = {
    "client_stopped_opening": ("blocked_from", "2026-06-15"),
    "images_broken": ("images_broken_in", 426),
    "bots_surged": ("scanners_surge_in", 426),
    "errors_rose": ("errors_surge_in", 426),
    "complaints_rose": ("complaints_surge_in", 426),
}


def incident(seed: int) -> dict[str, object]:
    what = list(INCIDENTS)[seed % len(INCIDENTS)]
    name, value = INCIDENTS[what]
    archive, _ = synced(seed, Story(recipients=3_000, **{name: value}))
    found = ia.find_anomalies(archive, as_of=END, days=30)
    return {"what": what, "found": bool(((found["finding"] == what) & (found["mailing"] == 426)).any())}


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[2:]]
    if sys.argv[1:2] == ["http"]:
        http(given[0] if given else 200, given[1] if len(given) > 1 else 0)
    else:
        counts(given[0] if given else 1_000)
