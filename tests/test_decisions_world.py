"""The decisions against a world whose readers are known, through HTTP: what was won, what comes, what is wrong."""

import itertools
import json
import sys

import numpy as np
import pandas as pd
import pytest

import impressions_analytics as ia
from impressions_analytics import cli
from impressions_analytics.analytics.findings import in_words
from impressions_analytics.report.inputs import gather
from impressions_analytics.report.last_mailing import last_mailing
from impressions_analytics.report.results import compute
from impressions_analytics.sandbox import Sandbox, Story

KINDS = ("impressions", "destinations", "deliveries", "clicks", "errors", "abuses")
END = "2026-06-28"


def synced(folder, **world):
    """Sync a world to an archive; gives the archive, and who really read which message."""
    with Sandbox(**world) as box:
        archive = ia.Archive(folder)
        archive.sync(ia.Copernica(box.access_token, url=box.url), kinds=KINDS)
        return archive, pd.DataFrame(box.truth_columns("reads"))


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    """A world in which five things go wrong, each in a mailing of its own."""
    story = Story(
        recipients=3_000, blocked_from="2026-06-10", images_broken_in=432, scanners_surge_in=433,
        errors_surge_in=434, complaints_surge_in=435,
    )  # fmt: skip
    return synced(tmp_path_factory.mktemp("wrong"), emailings=36, seed=2, story=story)[0]


@pytest.mark.slow
def test_each_thing_that_went_wrong_is_found_in_its_mailing_and_nothing_else(wrong):
    found = ia.find_anomalies(wrong, days=50, as_of=END)
    pairs = set(zip(found["finding"], found["mailing"].astype(int), strict=True))
    # Opens fell where no image loads, and the clicks of the provider that blocks have no impressions.
    assert pairs - {("opens_fell", 432), ("images_broken", 435), ("images_broken", 436)} == {
        ("images_broken", 432), ("bots_surged", 433), ("errors_rose", 434), ("complaints_rose", 435),
        ("client_stopped_opening", 435), ("client_stopped_opening", 436),
    }  # fmt: skip
    gmail = found[found["finding"] == "client_stopped_opening"].iloc[0]
    assert (gmail["cohort"], gmail["observed"]) == ("Gmail", 0.0)
    assert (str(gmail["sent_at"])[:10], str(gmail["since"])[:10]) == ("2026-06-19", "2026-06-12")
    assert "Gmail recipients opened far less of mailing 436" in gmail["what"]
    assert found.attrs["looked_at"] == list(range(431, 437))


@pytest.mark.slow
def test_watching_tells_cron_in_one_line_a_finding(wrong, monkeypatch, capsys):
    def watch(*options):
        monkeypatch.setattr(sys, "argv", ["impressions", "watch", wrong._context.store.name, *options])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, capsys.readouterr().out

    code, out = watch("--days", "14", "--as-of", END)
    assert code == 1
    assert all(line.startswith("2026-06-1") for line in out.splitlines())
    assert "it could also be:" in out
    code, out = watch("--days", "14", "--as-of", END, "--json")
    assert json.loads(out)["findings"][0]["mailing"] == 436
    code, out = watch("--days", "7", "--as-of", "2026-03-01")
    assert (code, out) == (0, "nothing out of line in 1 mailing\n")
    code, out = watch("--days", "1", "--as-of", "2026-02-28")
    assert code == 0
    assert out.startswith("no mailing was judged in the day until 2026-02-28 00:00; --days looks further back")


@pytest.mark.slow
def test_the_first_screen_of_a_report_tells_what_is_wrong_with_the_last_mailing(wrong):
    inputs = gather(wrong, {})
    last = last_mailing(compute(inputs), inputs)
    assert any("Gmail recipients opened far less of mailing 436 than usual: 0 of 410" in told for told in last.findings)
    assert last.measures[0].meaning == "of 2,342 messages sent"


@pytest.mark.slow
def test_the_first_screen_of_a_report_tells_what_watching_tells_too(tmp_path):
    story = Story(recipients=3_000, blocked_from="2026-06-10")
    with Sandbox(emailings=36, seed=2, story=story) as box:
        api, archive = ia.Copernica(box.access_token, url=box.url), ia.Archive(tmp_path)
        archive.sync(api, kinds=KINDS, end="2026-07-10")
        archive.sync(api, kinds=KINDS[:1], begin="2026-07-12", end="2026-07-15", look_back_days=0)
    watched = [in_words(row) for row in ia.find_anomalies(archive).to_dict("records")]
    assert any(
        "the impressions from 2026-07-10 00:00 to 2026-07-12 00:00 were never loaded" in told for told in watched
    )
    inputs = gather(archive, {})
    told = last_mailing(compute(inputs), inputs).findings
    assert set(watched) < set(told) and any("Gmail recipients opened far less of mailing 436" in one for one in told)


@pytest.mark.slow
def test_the_first_screen_of_a_report_forecasts_a_mailing_that_is_three_hours_old(wrong):
    sent = wrong.read("destinations").groupby("mailing")["timestampsent"].min()
    until = (sent[431] + pd.Timedelta(hours=3)).floor("s").to_pydatetime()
    rows = {kind: wrong.read(kind, end=until) for kind in ("impressions", "deliveries", "clicks", "destinations")}
    opens = rows.pop("impressions")
    expected = ia.forecast_opens(opens, rows["destinations"], rows["deliveries"], mailing=431)["answer"].iloc[0]
    inputs = gather(opens, rows)
    age, answer = last_mailing(compute(inputs), inputs).remarks
    assert age.startswith("The data ends 3 hours after sending")
    assert answer == expected


@pytest.mark.slow
def test_what_could_not_be_judged_is_said(tmp_path):
    with Sandbox(emailings=3, seed=4, story=Story(recipients=40)) as box:
        archive = ia.Archive(tmp_path)
        archive.sync(ia.Copernica(box.access_token, url=box.url), kinds=KINDS[:4])
    said = ia.find_anomalies(archive, as_of=END, days=30).attrs["not_checked"]
    assert said == [
        "errors were never synced", "abuses were never synced",
        "fewer than 50 messages delivered, or not sent within a day: mailing 403",
    ]  # fmt: skip


@pytest.mark.slow
def test_hours_that_nobody_loaded_are_told(tmp_path):
    with Sandbox(emailings=24, seed=4, story=Story(recipients=60)) as box:
        api, archive = ia.Copernica(box.access_token, url=box.url), ia.Archive(tmp_path)
        archive.sync(api, kinds=KINDS, end="2026-06-10")
        archive.sync(api, kinds=KINDS[:1], begin="2026-06-12", end="2026-06-25", look_back_days=0)
    found = ia.find_anomalies(archive, days=20)
    missing = found[found["finding"] == "not_loaded"]
    assert "the impressions from 2026-06-10 00:00 to 2026-06-12 00:00 were never loaded" in set(missing["what"])
    assert "the deliveries from 2026-06-10 00:00 to 2026-06-25 00:00 were never loaded" in set(missing["what"])


def compared(archive, truth, arms):
    """Compare the arms of a world; gives the row, and the true difference of their read rates."""
    row = ia.compare_mailings(archive, archive, a=arms[0], b=arms[1], clicks=None).iloc[0]
    read = truth.groupby("mailing").size()
    return row, read[arms[0]] / row["delivered_a"] - read[arms[1]] / row["delivered_b"]


@pytest.mark.slow
def test_the_true_winner_is_named_and_the_true_difference_is_inside(tmp_path):
    world = {"emailings": 14, "seed": 5, "story": Story(recipients=6_000, arms=(0.45, 0.3), images_off=0.0)}
    archive, truth = synced(tmp_path, **world)
    row, true = compared(archive, truth, (413, 414))
    assert row["winner"] == 413
    assert row["difference_low_delta_10"] < true < row["difference_high_delta_100"]
    assert row["caution"] == ""
    forecast = ia.forecast_opens(archive, archive, archive, mailing=413, as_of="2026-06-19 12:00")
    final = ia.forecast_opens(archive, archive, archive, mailing=413, as_of=END)
    assert forecast["forecast_low"][0] <= final["forecast"][0] <= forecast["forecast_high"][0]
    assert (forecast["method"][0], final["method"][0]) == ("student", "counted")


@pytest.mark.slow
def test_twenty_worlds_keep_what_the_decisions_promise(tmp_path):
    """A tenth of what the benchmark measures: nothing wrong, two equal arms, a forecast after three hours."""
    alarms, wins, inside = [], [], []
    for seed in range(20):
        story = Story(recipients=1_500, arms=(0.35, 0.35))
        archive, truth = synced(tmp_path / str(seed), emailings=26, seed=100 + seed, story=story)
        alarms.append(len(ia.find_anomalies(archive, days=30, as_of=END)) > 0)
        row, _ = compared(archive, truth, (425, 426))
        wins.append(not pd.isna(row["winner"]))
        asked = {"mailing": 425, "as_of": row_time(archive, 425) + pd.Timedelta(hours=3)}
        forecast = ia.forecast_opens(archive, archive, archive, **asked).iloc[0]
        final = ia.forecast_opens(archive, archive, archive, mailing=425, as_of=END)["forecast"][0]
        inside.append(forecast["forecast_low"] <= final <= forecast["forecast_high"])
    assert np.mean(alarms) <= 0.05
    assert np.mean(wins) <= 0.1
    assert np.mean(inside) >= 0.8


def row_time(archive, mailing):
    sent = archive.read("destinations", columns=["mailing", "timestampsent"])
    return sent.loc[sent["mailing"] == mailing, "timestampsent"].min()


def test_the_world_of_a_story_is_the_same_for_the_same_seed_and_its_clicks_are_of_readers():
    one, other = (Sandbox(emailings=8, seed=3, story=Story(recipients=300)) for _ in range(2))
    assert one.truth() == other.truth()
    assert one.truth("reads") == other.truth("reads")
    read = {row["destination"] for row in one.truth("reads")}
    assert {row["destination"] for row in one.truth("clicks")} <= read
    seen = {row["destination"] for row in one.truth() if "OneOutlook" in (row["useragent"] or "")}
    assert seen <= read  # a person's program fetches only what is read; mailboxes and scanners fetch what is not
    assert {row["destination"] for row in one.truth()} - read
    with pytest.raises(ValueError, match="only a world with a story knows"):
        Sandbox(impressions=10, emailings=1).truth("reads")


def test_the_arms_of_a_story_share_nobody_and_leave_together():
    box = Sandbox(emailings=5, seed=3, story=Story(recipients=300, arms=(0.5, 0.5, 0.2)))
    arms = [
        {row["profile"] for row in box.truth("destinations") if row["mailing"] == number} for number in (403, 404, 405)
    ]
    assert len(set.union(*arms)) == sum(map(len, arms)) == 300
    assert all(not one & other for one, other in itertools.combinations(arms, 2))
    assert len({row["timestamp"] for row in box.truth("emailings")[2:]}) == 1
