"""Log files in an archive: an outside witness of completeness, erased and forgotten like every other row."""

import datetime as dt
import re
import shutil

import pandas as pd
import pytest

import impressions_analytics as ia
from impressions_analytics.archive.kept_logs import KeptLogs
from impressions_analytics.cli.commands import app
from impressions_analytics.sandbox import Sandbox

KINDS = ("impressions", "deliveries", "destinations")
AFTER = dt.datetime(2026, 8, 1, 12, tzinfo=dt.UTC)


def archive_of(path, now=AFTER):
    return ia.Archive(path / "mail", clock=lambda: now)


def wrong(verification):
    return [str(finding) for finding in verification.findings]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A small account, and a folder with an archive of it and its logs: made once, copied by those who change it."""
    path = tmp_path_factory.mktemp("whole")
    with Sandbox(impressions=1_500, emailings=2, seed=1, first_day="2026-06-01") as box:
        archive = archive_of(path)
        archive.sync(ia.Copernica(box.access_token, url=box.url, version=3), kinds=KINDS, begin="2026-06-01", logs=True)
        yield box, path


@pytest.fixture
def synced(whole, tmp_path, reach):
    """An archive with the logs of a small account, beside the sandbox and the settings that reach it."""
    box, path = whole
    shutil.copytree(path / "mail", tmp_path / "mail")
    return box, reach(box, version=3), archive_of(tmp_path)


def test_an_event_that_no_list_tells_is_found_by_the_log_and_its_day_is_named(tmp_path, reach):
    with Sandbox(impressions=1_500, emailings=2, seed=1, first_day="2026-06-01") as box:
        lost = box.truth()[700]
        box.behave(unlisted=(lost["ID"],))
        api = reach(box, version=2)
        archive = archive_of(tmp_path)
        archive.sync(api, begin="2026-06-01", logs=True)
        assert len(archive.read("impressions")) == 1_499
        assert archive.verify(api).ok, "the lists and their totals agree: they know nothing of it"
        day = lost["timestamp"][:10]
        there = sum(row["timestamp"].startswith(day) for row in box.truth())
        expected = f"impressions of {day}: {there - 1} rows, and the log of the day has {there};"
        [found] = wrong(held := archive.verify(logs=True))
        assert found.startswith(expected)
        assert held.log_days["impressions"] > 5
        shutil.rmtree(tmp_path / "mail" / "logs")
        assert wrong(archive.verify(api, logs=True)) == [found]
        assert "no day could be held" in wrong(archive.verify(logs=True))[0]


def test_a_second_sync_asks_only_for_days_that_may_have_grown(tmp_path, reach):
    with Sandbox(impressions=1_500, emailings=2, seed=1, first_day="2026-06-01") as box:
        api = reach(box)
        days = [str(day) for day in ia.log_days(api)]
        [first] = archive_of(tmp_path).sync(api, begin="2026-06-01", logs=True).logs
        assert (first.taken, first.rows) == (days, 1_500)
        assert first.requests <= 1 + 2 * len(days)
        [again] = archive_of(tmp_path).sync(api, logs=True).logs
        assert (again.taken, again.rows, again.requests) == ([], 1_500, 1)
        with pytest.raises(ia.InvalidArgumentError, match="leave emailings out"):
            archive_of(tmp_path).sync(api, emailings=[401], logs=True)
    with Sandbox(impressions=1_500, emailings=2, seed=1, first_day="2026-06-01") as box:
        api, young = reach(box), tmp_path / "young"
        middle = dt.datetime.fromisoformat(days[3] + "T10:00:00+00:00")
        archive_of(young, middle).sync(api, begin="2026-06-01", logs=True)
        later = middle + dt.timedelta(days=30)
        [grown] = archive_of(young, later).sync(api, logs=True).logs
        assert grown.taken[0] <= days[3] and len(grown.taken) > 3
        assert wrong(archive_of(young, later).verify(logs=True)) == []


def test_a_file_that_comes_back_shorter_does_not_cost_the_rows_that_are_kept(synced):
    _, api, archive = synced
    logs = KeptLogs.beside(archive._context.partitions("impressions"))
    first = logs.days("impressions")[0]
    rows = list(logs.tables(first))
    logs.put("impressions", first.day, [*rows, rows[0].slice(0, 5)], first.loaded_at - dt.timedelta(days=300))
    [done, _] = archive.sync(api, kinds=KINDS, logs=True).logs
    assert done.taken == [str(first.day)]
    assert len(archive.read_log("impressions")) == 1_505
    assert archive.sync(api, logs=True).logs[0].taken == []


def test_log_files_that_are_cut_at_another_midnight_are_no_difference(tmp_path, reach):
    with Sandbox(impressions=1_500, emailings=2, seed=1, first_day="2026-06-01", log_cut_seconds=7_200) as box:
        archive = archive_of(tmp_path)
        archive.sync(reach(box), begin="2026-06-01", logs=True)
        verified = archive.verify(logs=True)
        assert wrong(verified) == []
        assert verified.log_days["impressions"] > 3


@pytest.mark.sampled(1)
@pytest.mark.parametrize("by", ["profile", "destination"])
def test_erasing_a_person_takes_the_log_rows_too_and_no_sync_brings_them_back(by, synced, tmp_path):
    box, api, archive = synced
    row = box.truth()[3]
    destinations = archive.read("destinations")
    theirs = set(destinations.loc[destinations["ID" if by == "destination" else by] == row[by], "message"])
    opened, delivered = (archive.read_log(kind)["message"].isin(theirs).sum() for kind in ("impressions", "deliveries"))
    assert opened > 0
    told = archive.erase(**{by: row[by]}, dry_run=True).rows
    done = archive.erase(**{by: row[by]}).rows
    assert told == done
    assert (done["log_impressions"], done["log_deliveries"]) == (opened, delivered)
    shutil.rmtree(tmp_path / "mail" / "logs")
    archive.sync(api, kinds=KINDS, logs=True)
    for kind in ("impressions", "deliveries"):
        log = archive.read_log(kind)
        assert not log["message"].isin(theirs).any()
        assert by == "destination" or not (log["profile"] == row[by]).any()
    assert wrong(archive.verify(api, logs=True)) == []


def test_rows_of_an_erasure_that_was_cut_short_are_read_by_nobody(synced):
    box, _, archive = synced
    profile = box.truth()[3]["profile"]
    with archive._context.store.locked():
        archive._context.suppression().begin({"profile": {profile}})
    assert not (archive.read_log("impressions")["profile"] == profile).any()


def test_retention_forgets_the_days_of_logs_too(synced):
    _, api, archive = synced
    days = [day.day for day in KeptLogs.beside(archive._context.partitions("impressions")).days("impressions")]
    keep = (AFTER.date() - days[2]).days
    retention = archive.retain(keep)
    log = archive.read_log("impressions")
    assert log.attrs["load"]["days"] == [str(day) for day in days[2:]]
    assert retention.rows["log_impressions"] == 1_500 - len(log) > 0
    assert archive.sync(api, keep_days=keep, logs=True).logs[0].taken == []


@pytest.mark.slow
def test_a_pseudonymised_export_joins_by_message_and_tells_neither_town_nor_small_domain(synced, tmp_path):
    _, _, archive = synced
    archive.export(tmp_path / "bi", pseudonym_key=b"sixteen letters!")
    log, destinations = (
        pd.read_parquet(tmp_path / "bi" / f"{name}.parquet") for name in ("log_impressions", "destinations")
    )
    plain = archive.read_log("impressions")
    assert len(log) == 1_500
    joined = log.merge(destinations, on="message_id")
    assert len(joined) == 1_500 and (joined["profile_id_x"] == joined["profile_id_y"]).all()
    assert set(log["message_id"]).isdisjoint(plain["message"]) and set(log["profile_id"]).isdisjoint(plain["profile"])
    assert log["city"].isna().all()
    assert "shop.example.com" in set(plain["email_domain"]) and "shop.example.com" not in set(log["email_domain"])
    assert {"gmail.com", "other"} <= set(log["email_domain"])
    archive.export(tmp_path / "csv", format="csv")
    assert "log_impressions.csv" in {path.name for path in (tmp_path / "csv").iterdir()}


def test_a_damaged_log_file_is_named_and_reading_it_is_an_error(synced, tmp_path):
    _, _, archive = synced
    path = sorted((tmp_path / "mail" / "logs" / "impressions").iterdir())[1]
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ia.DamagedFileError, match=re.escape(path.name)):
        archive.read_log("impressions")
    assert path.name in wrong(archive.verify(logs=True))[0]


def test_the_commands_keep_logs_and_hold_days_against_them(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    with Sandbox(impressions=600, emailings=2, seed=1, first_day="2026-06-01") as box:
        box.behave(unlisted=(box.truth()[150]["ID"],))
        for name, value in {"ACCESS_TOKEN": box.access_token, "API_URL": box.url}.items():
            monkeypatch.setenv(f"COPERNICA_{name}", value)
        folder = str(tmp_path / "mail")
        done = CliRunner().invoke(app, ["sync", folder, "--begin", "2026-06-01", "--logs"])
        assert done.exit_code == 0 and "logs of impressions" in done.stdout
        assert CliRunner().invoke(app, ["verify", folder]).exit_code == 0
        found = CliRunner().invoke(app, ["verify", folder, "--logs", "--json"])
        assert found.exit_code == 1 and "the log of the day has" in found.stdout
        said = CliRunner().invoke(app, ["verify", folder, "--logs"]).stdout
        assert "days of impressions held against log files" in said


def test_an_account_that_refuses_log_files_keeps_its_events_and_is_told(tmp_path):
    from test_hostile import page, row, served

    def answer(path, query):
        if path.endswith(("logfiles", "emailings")):
            return {"error": {"message": "Invalid method"}}
        return page([row(number) for number in range(5)], query)

    with served(answer) as (api, _):
        summary = archive_of(tmp_path).sync(api, begin="2026-01-01", logs=True)
    assert summary.verdict == "unproven"
    assert "Invalid method" in summary.refused["logs of impressions"]
    assert len(archive_of(tmp_path).read("impressions")) == 5
