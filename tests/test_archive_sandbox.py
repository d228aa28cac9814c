"""An archive over real HTTP holds what the sandbox says is true, for every kind, version and family."""

from datetime import UTC, datetime

import pandas as pd
import pytest

import impressions_analytics as ia
from impressions_analytics.columns import KINDS
from impressions_analytics.sandbox import Sandbox

LAST_DAY = datetime(2026, 6, 28, tzinfo=UTC)
"""The day after everything in the sandbox."""


def archive_at(path, *, now=LAST_DAY, **options):
    return ia.Archive(path, clock=lambda: now, **options)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("version", "family"),
    [(2, "publisher"), *(pytest.param(version, "ms", marks=pytest.mark.slow) for version in (2, 4))],
)
def test_every_kind_comes_whole_from_the_first_emailing_on(tmp_path, version, family):
    with Sandbox(impressions=600, seed=6) as box:
        api = ia.Copernica(box.access_token, url=box.url, auth_url=box.auth_url, version=version)
        archive = archive_at(tmp_path, family=family)
        summary = archive.sync(api, kinds=KINDS)
        assert summary.verdict == "complete", str(summary)
        for kind in KINDS:
            truth = [int(row["ID"]) for row in box.truth(kind, family)]
            assert sorted(archive.read(kind)["ID"]) == sorted(truth), kind
        again = archive.verify(api)
    assert again.ok, str(again)


def test_rows_that_come_during_the_night_arrive_with_a_few_calls_and_one_month_rewritten(tmp_path):
    with Sandbox(impressions=40_000, seed=6) as box:
        api = ia.Copernica(box.access_token, url=box.url)
        [first] = archive_at(tmp_path).sync(api).kinds
        moments = [f"2026-06-28 {number // 60 % 24:02}:{number % 60:02}:30" for number in range(400)]
        box.add_impressions(400, timestamps=moments)
        [second] = archive_at(tmp_path, now=datetime(2026, 6, 29, tzinfo=UTC)).sync(api).kinds
        assert len(archive_at(tmp_path).read()) == 40_400
    assert (first.new_rows, second.new_rows) == (40_000, 400)
    assert second.requests <= first.requests * 0.05
    assert second.partitions == ["impressions/month=2026-06/impressions-2026-06.parquet"]


def test_an_archive_of_another_zone_than_the_account_is_refused(tmp_path):
    with Sandbox(impressions=50) as box:
        api = ia.Copernica(box.access_token, url=box.url, timezone="Europe/London")
        with pytest.raises(ia.InvalidArgumentError, match="timezone is 'Europe/London' and the archive's 'Europe/Ams"):
            archive_at(tmp_path, timezone="Europe/Amsterdam").sync(api)


def test_a_token_is_in_no_file_and_no_text_of_the_archive(tmp_path):
    with Sandbox(impressions=200, access_token="planted-7f3a9") as box:
        archive = archive_at(tmp_path)
        summary = archive.sync(ia.Copernica(box.access_token, url=box.url))
        with pytest.raises(ia.AccessDeniedError) as error:
            archive.sync(ia.Copernica("planted-wrong", url=box.url), begin="2020-01-01")
    said = [str(summary), str(summary.to_json()), repr(archive), str(archive.verify()), str(error.value)]
    assert not any("planted" in text for text in said)
    assert not any(b"planted" in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


@pytest.mark.slow
def test_an_exported_archive_joins_its_tables(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    with Sandbox(impressions=2000, seed=6) as box:
        archive = archive_at(tmp_path / "archive")
        archive.sync(ia.Copernica(box.access_token, url=box.url), kinds=("emailings", "destinations", "impressions"))
        truth = pd.DataFrame(box.truth("impressions"))
    archive.export(tmp_path / "bi.duckdb", format="duckdb", pseudonym_key=b"0123456789abcdef")
    with duckdb.connect(str(tmp_path / "bi.duckdb"), read_only=True) as connection:
        rows = connection.sql("SELECT mailing_id, impressions, unique_opens FROM mailing_performance").fetchall()
        joined = "SELECT count(*) FROM impressions JOIN destinations USING (destination_id)"
        assert connection.sql(joined).fetchall() == [(2000,)]
    counted = truth.groupby("mailing")["destination"].agg(["size", "nunique"])
    assert {row[0]: row[1:] for row in rows if row[1]} == {
        int(m): (int(r["size"]), int(r["nunique"])) for m, r in counted.iterrows()
    }


def test_a_kind_that_the_version_does_not_know_is_told_and_costs_no_other_kind(tmp_path, monkeypatch, reach):
    from typer.testing import CliRunner

    from impressions_analytics.cli.commands import app

    with Sandbox(impressions=600, emailings=2, seed=1, refused_kinds=("unsubscribes",)) as box:
        for name, value in {"ACCESS_TOKEN": box.access_token, "API_URL": box.url}.items():
            monkeypatch.setenv(f"COPERNICA_{name}", value)
        folder = str(tmp_path / "mail")
        kinds = ["--kind", "impressions", "--kind", "unsubscribes", "--kind", "clicks"]
        done = CliRunner().invoke(app, ["sync", folder, "--begin", "2025-09-01", *kinds])
        assert done.exit_code == 1
        assert "unsubscribes: not synced, the account's version refuses it" in done.stdout
        archive = ia.Archive(folder)
        assert (len(archive.read("impressions")), len(archive.read("clicks"))) == (600, len(box.truth("clicks")))
        assert list(archive.sync(reach(box), kinds=("clicks", "unsubscribes")).refused) == ["unsubscribes"]
        with pytest.raises(ia.RequestRefusedError, match="Invalid method"):
            archive.sync(reach(box), kinds="unsubscribes")
        box.behave(refused_kinds=())
        assert archive.sync(reach(box), kinds=("clicks", "unsubscribes")).verdict == "complete"
