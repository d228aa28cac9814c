"""An export that is made again writes what changed, and an erasure reaches every form of it."""

import os
import signal
import time

import duckdb
import pandas as pd
import pytest
from archive_account import Account, archive_at, opens

MARCH = 31 * 24 + 28 * 24
"""So many hours of the year have passed when March begins."""


@pytest.fixture
def account():
    made = Account()
    made.add("impressions", opens(MARCH + 100))
    return made


@pytest.fixture
def archive(account, tmp_path):
    made = archive_at(tmp_path / "archive", "2026-03-05 04:00")
    made.sync(account)
    return made


def later(account, tmp_path, now="2026-03-06 12:00"):
    """Sync an archive again after ten more impressions in March."""
    account.add("impressions", opens(10, first_id=9_000, begin="2026-03-05 05:00"))
    made = archive_at(tmp_path / "archive", now)
    made.sync(account)
    return made


def changed(folder, act):
    """Return which files of a folder an action wrote."""
    before = {path: path.stat().st_ino for path in folder.rglob("*") if path.is_file()}
    act()
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*") if path.is_file() and path.stat().st_ino != before.get(path)
    }  # fmt: skip


def ids(place):
    with duckdb.connect(str(place), read_only=True) as connection:
        return [number for (number,) in connection.sql("SELECT impression_id FROM impressions ORDER BY 1").fetchall()]


def rows_of(place, table):
    with duckdb.connect(str(place), read_only=True) as connection:
        return connection.sql(f"FROM {table} ORDER BY ALL").fetchall()


def test_only_the_month_that_changed_is_written(account, archive, tmp_path):
    bi = tmp_path / "bi"
    archive.export(bi, partitioned=True)
    months = [f"impressions/month=2026-0{month}/impressions-2026-0{month}.parquet" for month in (1, 2, 3)]
    assert {path.relative_to(bi).as_posix() for path in bi.rglob("imp*.parquet")} == set(months)
    assert changed(bi, lambda: archive.export(bi, partitioned=True)) == set()
    again = later(account, tmp_path)
    assert changed(bi, lambda: again.export(bi, partitioned=True)) == {
        months[2], "mailings.parquet", "recipients.parquet"
    }  # fmt: skip
    assert len(pd.read_parquet(bi / "impressions", partitioning=None)) == MARCH + 110
    assert changed(bi, lambda: again.export(bi, partitioned=True, utc=True)) >= set(months)
    again.export(bi)  # in its other form: nothing is there twice
    assert not (bi / "impressions").exists() and (bi / "impressions.parquet").exists()


@pytest.mark.slow
def test_a_month_that_the_archive_has_no_longer_goes_from_its_exports(archive, tmp_path):
    places = tmp_path / "bi", tmp_path / "mail.duckdb"
    archive.export(places[0], partitioned=True)
    archive.export(places[1], format="duckdb")
    first = places[1].stat().st_ino
    archive.retain(20)  # from 13 February on
    archive.export(places[0], partitioned=True)
    archive.export(places[1], format="duckdb")
    left = list(range(43 * 24 + 1, MARCH + 101))
    assert not list(places[0].rglob("*2026-01.parquet"))
    assert pd.read_parquet(places[0] / "impressions", partitioning=None)["impression_id"].tolist() == left
    assert ids(places[1]) == left and places[1].stat().st_ino != first  # nor does it stay in free blocks


@pytest.mark.slow
def test_a_database_gets_the_month_that_changed_and_is_made_anew_where_it_must(account, archive, tmp_path):
    place = tmp_path / "mail.duckdb"
    archive.export(place, format="duckdb")
    first = place.stat().st_ino
    again = later(account, tmp_path)
    assert again.export(place, format="duckdb").tables["impressions"] == MARCH + 110
    assert place.stat().st_ino == first and len(ids(place)) == MARCH + 110
    again.export(tmp_path / "new.duckdb", format="duckdb")
    tables = ("impressions", "mailings", "calendar", "user_agents", "recipients", "impressions_over_time")
    for table in tables:
        assert rows_of(place, table) == rows_of(tmp_path / "new.duckdb", table), table
    with duckdb.connect(str(place), read_only=True) as reader:
        account.add("impressions", opens(1, first_id=9_500, begin="2026-03-06 13:00"))
        more = archive_at(tmp_path / "archive", "2026-03-07 12:00")
        more.sync(account)
        more.export(place, format="duckdb")
        assert reader.sql("SELECT count(*) FROM impressions").fetchall()[0] == (MARCH + 110,)
    assert place.stat().st_ino != first and len(ids(place)) == MARCH + 111
    second = place.stat().st_ino
    more.erase(profile=7)
    more.export(place, format="duckdb")
    assert place.stat().st_ino != second  # rows of an erased person would stay in free blocks
    place.write_bytes(b"no database")
    more.export(place, format="duckdb")
    assert len(ids(place)) == MARCH + 111 - 17  # 7, 107, 207 and so on to 1507, and 9007


def test_an_erasure_removes_every_form_of_an_export_inside_the_archive(archive, tmp_path):
    exports = tmp_path / "archive" / "exports"
    archive.export(exports / "months", partitioned=True)
    archive.export(exports / "any.name", format="duckdb")
    (exports / "any.name.wal").write_bytes(b"changes that did not reach it")
    (exports / "mine").mkdir()
    (exports / "mine" / "datapackage.json").write_text('{"name": "of somebody else"}')
    archive.erase(profile=7)
    assert [path.name for path in exports.rglob("*") if path.is_file()] == ["datapackage.json"]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
@pytest.mark.filterwarnings("ignore")
def test_an_export_that_is_killed_leaves_the_old_rows_or_the_new(account, archive, tmp_path):
    place = tmp_path / "mail.duckdb"
    archive.export(place, format="duckdb")
    old = ids(place)
    again = later(account, tmp_path)
    for turn in range(25):
        saved = place.read_bytes()
        child = os.fork()
        if child == 0:
            again.export(place, format="duckdb")
            os._exit(0)
        time.sleep(0.05 + turn * 0.03)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = ids(place)
        assert found in (old, [*old, *range(9_000, 9_010)])
        if len(found) != len(old):
            (tmp_path / "mail.duckdb.wal").unlink(missing_ok=True)
            place.write_bytes(saved)
    assert again.export(place, format="duckdb").tables["impressions"] == MARCH + 110
