"""Whatever lies where a file of the archive should lie, every call gives the right answer or an error that names it."""

import re
import shutil

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archive_account import Account, archive_at, opens

import impressions_analytics as ia

JANUARY = "impressions/month=2026-01/impressions-2026-01.parquet"
DELIVERIES = "deliveries/month=2026-01/deliveries-2026-01.parquet"


def deliveries():
    return opens(100).assign(attempts=1)[
        ["ID", "mailing", "timestamp", "attempts", "destination", "profile", "subprofile"]
    ]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """An archive of January and February: impressions, and the deliveries of some of them."""
    account = Account()
    account.add("impressions", opens(800))
    account.add("deliveries", deliveries())
    path = tmp_path_factory.mktemp("good") / "mail"
    archive_at(path).sync(account, kinds=["impressions", "deliveries"])
    return path


def flipped(place):
    def flip(file):
        data = bytearray(file.read_bytes())
        data[int(len(data) * place)] ^= 8
        file.write_bytes(data)

    return flip


def foreign(file):
    pq.write_table(pa.table({"ID": [1], "timestamp": ["yesterday"]}), file)


def folder(file):
    file.unlink()
    file.mkdir()
    (file / "note.txt").write_text("a folder")


def looping_link(file):
    file.unlink()
    file.symlink_to(file.name)


DAMAGES = {
    "empty": lambda file: file.write_bytes(b""),
    "cut": lambda file: file.write_bytes(file.read_bytes()[:1000]),
    "text": lambda file: file.write_text("ID,timestamp\n1,2026-01-01\n" * 100),
    "marks without content": lambda file: file.write_bytes(b"PAR1" + b"\xff" * 40 + b"PAR1"),
    "foreign": foreign,
    "a flipped page": flipped(0.3),
    "a flipped footer": flipped(0.9),
    "a folder": folder,
    "a link to itself": looping_link,
}
CALLS = {
    "read": lambda path: archive_at(path).read(),
    "scan": lambda path: archive_at(path).scan().count().to_pyarrow(),
    "sync": lambda path: archive_at(path).sync(Account(), begin="2026-01-01", look_back_days=1000),
    "erase": lambda path: archive_at(path).erase(profile=7),
    "dry run": lambda path: archive_at(path).erase(profile=7, dry_run=True),
    "retain": lambda path: archive_at(path).retain(40),
    "parquet": lambda path: archive_at(path).export(path / "exports"),
    "duckdb": lambda path: archive_at(path).export(path / "exports/bi.duckdb", format="duckdb"),
    "over time": lambda path: ia.impressions_over_time(archive_at(path)),
    "per profile": lambda path: ia.impressions_per_profile(archive_at(path)),
    "clients": lambda path: ia.user_agent_breakdown(archive_at(path), by="client"),
    "human opens": lambda path: ia.human_opens(archive_at(path)),
    "hours": lambda path: ia.impressions_by_hour_of_week(archive_at(path)),
    "performance": lambda path: ia.mailing_performance(archive_at(path), deliveries=archive_at(path)),
    "compare": lambda path: ia.compare_mailings(archive_at(path), archive_at(path), a=400, b=401),
    "file over time": lambda path: ia.impressions_over_time(path / JANUARY),
    "file per profile": lambda path: ia.impressions_per_profile(path / JANUARY),
    "file on DuckDB": lambda path: ia.user_agent_breakdown(path / JANUARY, by="client"),
    "snapshot": lambda path: ia.read_snapshot(path / JANUARY),
    "report": lambda path: ia.write_report(archive_at(path), path / "exports/report.html"),
    "report of the file": lambda path: ia.write_report(path / JANUARY, path / "exports/report.html"),
}


def outcome(call, path):
    """Say how a call ended: with an error that names the place, with an answer, or otherwise."""
    try:
        call(path)
    except ia.ImpressionsError as error:
        named = re.search("2026-01|have no column|" + re.escape(str(path)), str(error))
        return "names it" if named else f"does not name it: {error}"
    return "an answer"


OTHERS = {"read", "scan", "parquet", "duckdb", "dry run", "erase", "retain", "performance", "compare", "report"}
ANALYSES = {"over time", "per profile", "clients", "human opens", "hours"}
ANSWERED = {
    # These read columns whose pages are whole.
    "a flipped page": {"file over time", "file per profile", "file on DuckDB", "report of the file"},
    # No file is there for any reader: the certificate of what is read has a gap, and verify is not content.
    "a folder": OTHERS | ANALYSES,
    "a link to itself": OTHERS | ANALYSES | {"sync"},  # which loads the month again
}


QUICK = ("cut", "a flipped footer")


@pytest.mark.parametrize(
    "damage", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in DAMAGES]
)
def test_every_call_on_an_unreadable_month_raises_an_error_of_the_tree_that_names_it(good, tmp_path, damage):
    ended = {}
    for number, (name, call) in enumerate(CALLS.items()):
        path = tmp_path / f"mail-{number}"
        shutil.copytree(good, path)
        DAMAGES[damage](path / JANUARY)
        ended[name] = outcome(call, path)
    answered = {name for name, how in ended.items() if how == "an answer"}
    assert answered <= ANSWERED.get(damage, set())
    assert {name: how for name, how in ended.items() if how not in ("an answer", "names it")} == {}
    assert not archive_at(path).verify().ok


WHERE_NO_ARCHIVE_CAN_BE = {
    "a file": lambda tmp: tmp / "file",
    "below a file": lambda tmp: tmp / "file/archive",
    "/proc": lambda _: "/proc/archive",
    "/dev/null": lambda _: "/dev/null",
}
PLACED_CALLS = {
    "sync": lambda path: archive_at(path).sync(Account(), begin="2026-01-01"),
    "read": lambda path: archive_at(path).read(),
    "erase": lambda path: archive_at(path).erase(profile=1),
    "export": lambda path: archive_at(path).export("out"),
    "snapshot": lambda path: ia.write_snapshot(opens(1), path),
    "read_snapshot": ia.read_snapshot,
    "report to": lambda path: ia.write_report(opens(5), path),
    "over time": ia.impressions_over_time,
}


@pytest.mark.sampled(15)
@pytest.mark.parametrize("place", WHERE_NO_ARCHIVE_CAN_BE.values(), ids=WHERE_NO_ARCHIVE_CAN_BE)
@pytest.mark.parametrize("name", PLACED_CALLS)
def test_a_place_of_the_wrong_sort_is_an_error_of_the_tree(tmp_path, place, name):
    (tmp_path / "file").write_text("not Parquet")
    if name in ("snapshot", "report to") and place(tmp_path) == tmp_path / "file":
        return  # a file is what these write
    with pytest.raises(ia.ImpressionsError):
        PLACED_CALLS[name](place(tmp_path))


@pytest.mark.parametrize("call", [ia.read_snapshot, lambda path: ia.write_snapshot(opens(1), path)])
def test_a_folder_is_no_snapshot(tmp_path, call):
    with pytest.raises(ia.ArchiveError, match=re.escape(str(tmp_path))):
        call(tmp_path)


EDGES = {
    "the year 1": opens(3, begin="0001-01-01", every="1h"),
    "the year 9999": opens(3, begin="9999-12-31 20:00", every="1h"),
    "both": pd.concat([opens(1, begin="0001-01-01"), opens(2, begin="9999-12-31", first_id=9)], ignore_index=True),
}
FRAME_CALLS = {
    "over time": lambda frame: ia.impressions_over_time(frame, every="month")["impressions"].sum(),
    "weeks on DuckDB": lambda frame: ia.impressions_over_time(frame, every="week", by=["mailing", "device"])[
        "impressions"
    ].sum(),
    "per profile": lambda frame: ia.impressions_per_profile(frame)["impressions"].sum(),
    "hours": lambda frame: ia.impressions_by_hour_of_week(frame, kinds=None)["impressions"].sum(),
    "clients": lambda frame: ia.user_agent_breakdown(frame)["impressions"].sum(),
    "snapshot": len,
}


@pytest.mark.sampled(9)
@pytest.mark.parametrize("frame", EDGES.values(), ids=EDGES)
@pytest.mark.parametrize("name", FRAME_CALLS)
def test_rows_dated_in_the_years_1_and_9999_are_counted_or_refused(tmp_path, frame, name):
    read = ia.read_snapshot(ia.write_snapshot(frame, tmp_path / "rows.parquet"))
    pd.testing.assert_frame_equal(read, frame, check_categorical=False)
    try:
        assert FRAME_CALLS[name](read) == 3
    except ia.ImpressionsError as error:
        assert "9999" in str(error) or "year" in str(error) or "periods" in str(error), error


@pytest.mark.parametrize("month", ["0001-01", "2026-13", "9999-12"])
def test_a_month_that_no_archive_has_is_a_foreign_file(good, tmp_path, month):
    path = tmp_path / "mail"
    shutil.copytree(good, path)
    stray = path / f"impressions/month={month}/impressions-{month}.parquet"
    stray.parent.mkdir()
    shutil.copy(path / JANUARY, stray)
    assert any(month in finding.where for finding in archive_at(path).verify().findings)
    for name in ("read", "scan", "sync", "erase", "retain", "over time"):
        with pytest.raises(ia.ArchiveError, match=f"{month}.parquet is not a file of this archive"):
            CALLS[name](path)


@pytest.mark.parametrize("column", ["ID", "destination", "profile", "mailing"])
def test_identifiers_beyond_int64_are_refused_by_name_and_never_wrapped(column, tmp_path):
    frame = opens(3).astype({column: "object"})
    frame.loc[1, column] = 2**63
    with pytest.raises(ia.InvalidArgumentError, match=column):
        ia.write_snapshot(frame, tmp_path / "a.parquet")
    for call in (ia.impressions_per_profile, ia.impressions_over_time, ia.user_agent_breakdown):
        try:
            call(frame)  # may not look at the column
        except ia.MissingColumnError as error:
            assert f"beyond 2**63 - 1, perhaps in the column '{column}'" in str(error)


def test_a_full_disk_under_duckdb_is_an_error_that_says_where_to_make_room(tmp_path, monkeypatch):
    import duckdb

    from impressions_analytics.parquet import database

    monkeypatch.setattr(database, "MEMORY", "20MB")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    engine = database.connect()
    with pytest.raises(ia.ArchiveError, match="make room there, or set TMPDIR"), database.duckdb_told("the data"):
        engine.con.execute("SET max_temp_directory_size = '1MB'")
        engine.con.sql("SELECT * FROM range(30000000) t(a) ORDER BY hash(a)").fetchall()
    full = 'Could not write file "/mail/.x.duckdb.tmp": No space left on device'
    with pytest.raises(ia.ArchiveError, match="Make room where this file lies"), database.duckdb_told("x.duckdb"):
        raise duckdb.IOException(full)
