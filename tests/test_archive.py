"""An archive grows without losing or doubling a row, reads back typed, and says what it covers."""

import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from archive_account import Account, archive_at, certificate, opens

import impressions_analytics as ia
from impressions_analytics.columns import arrow_schema, columns_of
from impressions_analytics.parquet.tables import to_frame


def month_files(path, kind="impressions"):
    return sorted(str(file.relative_to(path)) for file in path.rglob("*.parquet") if kind in str(file))


def test_a_first_sync_brings_everything_by_month_and_reads_back_as_it_was(tmp_path):
    account = Account()
    account.add("impressions", opens(1200))
    summary = archive_at(tmp_path).sync(account)
    back = archive_at(tmp_path).read("impressions")
    pd.testing.assert_frame_equal(back, opens(1200))
    assert month_files(tmp_path) == [
        "impressions/month=2026-01/impressions-2026-01.parquet",
        "impressions/month=2026-02/impressions-2026-02.parquet",
        "impressions/month=2026-03/impressions-2026-03.parquet",
    ]
    [kind] = summary.kinds
    assert (kind.new_rows, kind.repeated_rows, kind.rows, kind.verdict) == (1200, 0, 1200, "complete")
    assert (kind.begin, kind.end) == ("2026-01-01 00:00:00", "2026-03-01 12:00:00")
    assert back.attrs["load"]["verdict"] == "complete" and back.attrs["load"]["gaps"] == []


def test_the_next_sync_asks_the_look_back_and_what_is_new_only(tmp_path):
    account = Account()
    account.add("impressions", opens(1200))
    archive_at(tmp_path).sync(account)
    account.asked.clear()
    late = opens(1, first_id=9001, begin="2026-02-27 00:30:00")
    too_late = opens(1, first_id=9002, begin="2026-02-20 00:30:00")
    account.add("impressions", late)
    account.add("impressions", too_late)
    account.add("impressions", opens(5, first_id=9010, begin="2026-03-01 13:00"))
    january = (tmp_path / "impressions/month=2026-01/impressions-2026-01.parquet").stat().st_mtime_ns
    [kind] = archive_at(tmp_path, "2026-03-02 12:00").sync(account).kinds
    assert account.asked == [("impressions", None, "2026-02-26 12:00:00", "2026-03-02 12:00:00")]
    assert kind.new_rows == 6
    assert (tmp_path / "impressions/month=2026-01/impressions-2026-01.parquet").stat().st_mtime_ns == january
    assert set(archive_at(tmp_path).read()["ID"]) == set(range(1, 1201)) | {9001} | set(range(9010, 9015))


def test_rows_that_the_api_no_longer_gives_are_kept(tmp_path):
    account = Account()
    account.add("impressions", opens(100))
    archive_at(tmp_path).sync(account)
    account.kinds["impressions"] = opens(100).iloc[50:]
    [kind] = archive_at(tmp_path).sync(account, look_back_days=1000).kinds
    assert (kind.new_rows, kind.repeated_rows, kind.rows) == (0, 50, 100)


def test_an_outage_keeps_what_came_before_and_the_next_sync_asks_only_the_rest(tmp_path):
    account = Account(rows_per_frame=300)
    account.add("impressions", opens(1200))
    account.fail_after = 2
    with pytest.raises(ia.ApiUnavailableError):
        archive_at(tmp_path).sync(account)
    assert len(archive_at(tmp_path).read()) == 600
    account.fail_after = None
    account.asked.clear()
    archive_at(tmp_path).sync(account)
    assert account.asked == [
        ("impressions", None, "2026-01-26 00:00:00", "2026-03-01 12:00:00"),
    ]
    assert list(archive_at(tmp_path).read()["ID"]) == list(range(1, 1201))
    assert archive_at(tmp_path).verify().ok


def test_a_period_without_rows_is_remembered_as_such(tmp_path):
    account = Account()
    archive_at(tmp_path).sync(account)
    assert len(archive_at(tmp_path).read()) == 0
    assert archive_at(tmp_path).read().attrs["load"]["verdict"] == "complete"
    account.asked.clear()
    archive_at(tmp_path).sync(account)
    assert account.asked == [("impressions", None, "2026-02-26 12:00:00", "2026-03-01 12:00:00")]


def test_reading_beyond_what_was_loaded_is_unproven_and_names_the_gap(tmp_path):
    account = Account()
    account.add("impressions", opens(1200))
    archive = archive_at(tmp_path)
    archive.sync(account, end="2026-01-10")
    archive.sync(account, begin="2026-02-01", end="2026-02-05")
    load = archive.read(begin="2026-01-05", end="2026-02-10").attrs["load"]
    assert load["verdict"] == "unproven"
    assert load["gaps"] == [
        ("2026-01-10 00:00:00", "2026-02-01 00:00:00"), ("2026-02-05 00:00:00", "2026-02-10 00:00:00"),
    ]  # fmt: skip
    assert archive.read(begin="2026-01-02", end="2026-01-03").attrs["load"]["verdict"] == "complete"
    assert [str(gap) for gap in archive.verify().gaps] == ["impressions: 2026-01-10 00:00:00 to 2026-02-01 00:00:00"]
    account.asked.clear()
    archive.sync(account)
    assert account.asked[0][2:] == ("2026-01-10 00:00:00", "2026-02-01 00:00:00")
    assert archive.verify().ok


def test_a_part_of_the_rows_and_columns_can_be_read(tmp_path):
    account = Account()
    account.add("impressions", opens(1200))
    archive = archive_at(tmp_path)
    archive.sync(account)
    part = archive.read(begin="2026-01-31 23:00", end="2026-02-01 02:00", columns=["profile", "ID"])
    assert list(part.columns) == ["profile", "ID"] and list(part["ID"]) == [744, 745, 746]
    with pytest.raises(ia.InvalidArgumentError, match="'colour': impressions have ID, mailing"):
        archive.read(columns=["colour"])
    with pytest.raises(ia.InvalidArgumentError, match="kind='opens' is no kind"):
        archive.read("opens")


def test_some_emailings_can_be_synced_alone_and_the_account_later(tmp_path):
    account = Account()
    account.add("impressions", opens(1200))
    archive = archive_at(tmp_path)
    archive.sync(account, emailings=[401])
    assert set(archive.read()["mailing"]) == {401} and len(archive.read()) == 600
    assert archive.read().attrs["load"]["verdict"] == "unproven"
    assert archive.verify().findings == []
    archive.sync(account)
    pd.testing.assert_frame_equal(archive.read(), opens(1200))
    assert archive.verify().ok


def test_scan_is_lazy_and_gives_the_same_rows(tmp_path):
    account = Account()
    account.add("impressions", opens(1200))
    archive = archive_at(tmp_path)
    archive.sync(account)
    table = archive.scan("impressions")
    assert table.columns == tuple(column.name for column in columns_of("impressions"))
    assert table.count().to_pyarrow().as_py() == 1200
    assert len(ia.impressions_over_time(archive, every="month")) == 2


def test_two_writers_are_kept_apart_with_a_clear_message(tmp_path):
    archive = archive_at(tmp_path)
    account = Account()
    said = "another process is writing to the archive"
    with archive._context.store.locked(), pytest.raises(ia.ArchiveBusyError, match=said):
        archive_at(tmp_path).sync(account)
    archive.sync(account)


def test_another_family_or_zone_is_refused(tmp_path):
    account = Account()
    archive_at(tmp_path).sync(account)
    with pytest.raises(ia.ArchiveError, match="has family 'ms', and the archive was opened with 'publisher'"):
        archive_at(tmp_path, family="publisher").read()
    with pytest.raises(ia.ArchiveError, match="has zone 'UTC', and the archive was opened with 'Europe/Paris'"):
        archive_at(tmp_path, timezone="Europe/Paris").read()


def test_damaged_foreign_and_newer_files_are_named_and_left_alone(tmp_path):
    account = Account()
    account.add("impressions", opens(100))
    archive = archive_at(tmp_path)
    archive.sync(account)
    [first, *_] = [tmp_path / file for file in month_files(tmp_path)]
    whole = first.read_bytes()
    first.write_bytes(whole[: len(whole) // 2])
    for use in (archive.read, lambda: archive.sync(account)):
        with pytest.raises(ia.DamagedFileError, match=r"impressions-2026-01.parquet cannot be read as Parquet"):
            use()
    assert first.stat().st_size == len(whole) // 2
    assert "impressions-2026-01.parquet" in str(archive.verify().findings[0])
    first.write_bytes(whole)
    foreign = tmp_path / "impressions" / "mine.parquet"
    opens(3).to_parquet(foreign)
    with pytest.raises(ia.ArchiveError, match=r"mine.parquet is not a file of this archive.*move it elsewhere"):
        archive.read()
    assert foreign.exists() and not archive.verify().ok
    foreign.unlink()
    assert archive.verify().ok


def test_a_frame_that_is_not_what_its_certificate_says_is_refused(tmp_path):
    class Liar(Account):
        def rows(self, kind, *, emailing, begin, end):
            frame = opens(5)
            frame.attrs["load"] = certificate(kind, begin, end, self.said)
            yield frame

    for said, match in ((6, "5 rows with a certificate of 6 rows"), (5, "lie outside")):
        liar = Liar()
        liar.said = said
        begin = "2026-01-02" if said == 5 else None
        with pytest.raises(ia.ArchiveError, match=match):
            archive_at(tmp_path).sync(liar, begin=begin)
    assert month_files(tmp_path) == []


def test_verify_finds_rows_that_were_taken_out_or_doubled(tmp_path):
    from impressions_analytics.parquet.layout import write_tables
    from impressions_analytics.parquet.rows_file import RowsFile

    account = Account()
    account.add("impressions", opens(1200))
    archive = archive_at(tmp_path)
    archive.sync(account)
    february = tmp_path / month_files(tmp_path)[1]
    with RowsFile(february, "february") as file:
        provenance, rows = file.provenance, file.rows()
    write_tables([rows.slice(1)], february, lambda: provenance)
    [finding] = archive.verify().findings
    assert finding.what.endswith("255 rows, and its certificate says 256")
    write_tables([rows.slice(0, 1), rows], february, lambda: provenance)
    assert any("repeat an ID" in finding.what for finding in archive.verify().findings)


def test_verify_with_the_api_names_the_month_that_lacks_rows(tmp_path):
    account = Account()
    account.add("impressions", opens(1200))
    archive = archive_at(tmp_path)
    archive.sync(account)
    assert archive.verify(account).ok
    account.add("impressions", opens(2, first_id=9001, begin="2026-01-03 00:30:00"))
    [finding] = archive.verify(account).findings
    assert "month=2026-01" in finding.where and "744 rows, and the API counts 746" in finding.what


def test_an_archive_shows_itself(tmp_path):
    account = Account()
    account.add("impressions", opens(1200))
    archive = archive_at(tmp_path)
    assert repr(archive).endswith("family='ms': empty)")
    archive.sync(account)
    assert "1,200 impressions from 2026-01-01 00:00:00 to 2026-03-01 12:00:00" in repr(archive)
    assert "1,200 impressions" in archive._repr_html_()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("pieces", [1, 7, 40])
def test_the_size_of_the_frames_does_not_matter(tmp_path, pieces, monkeypatch):
    monkeypatch.setattr("impressions_analytics.archive.merge.BATCH_ROWS", 17)
    monkeypatch.setattr("impressions_analytics.archive.merge.ROWS_PER_GROUP", 50)
    account = Account(rows_per_frame=-(-700 // pieces))
    account.add("impressions", opens(700, every="20min"))
    archive = archive_at(tmp_path)
    archive.sync(account, end="2026-01-08")
    archive.sync(account, look_back_days=100)
    pd.testing.assert_frame_equal(archive.read(), opens(700, every="20min"))
    assert archive.verify().ok


def test_rows_of_one_second_are_kept_together_whatever_the_batches(tmp_path, monkeypatch):
    monkeypatch.setattr("impressions_analytics.archive.merge.BATCH_ROWS", 3)
    account = Account()
    account.add("impressions", opens(40, every="0s"))
    archive = archive_at(tmp_path)
    archive.sync(account)
    archive.sync(account, look_back_days=1000)
    assert list(archive.read()["ID"]) == list(range(1, 41))


@pytest.mark.slow
def test_hourly_syncs_do_not_make_the_list_of_periods_grow_without_end(tmp_path):
    account = Account()
    account.add("impressions", opens(24 * 5))
    for hour in range(30):
        now = datetime(2026, 1, 1, 1) + timedelta(hours=hour)
        archive_at(tmp_path, str(now)).sync(account, look_back_days=0.1)
    [month] = archive_at(tmp_path)._context.partitions("impressions").footers()
    assert len(month.periods) <= 8
    assert month.rows == 30 and archive_at(tmp_path).verify().ok


def test_an_archive_remembers_its_family_and_zone(tmp_path):
    account = Account()
    account.timezone = "America/New_York"
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    ia.Archive(tmp_path, clock=lambda: moment).sync(account)
    again = ia.Archive(tmp_path)
    assert (again.family, again.timezone) == ("ms", "America/New_York")
    assert again.read().attrs["load"]["end"] == "2026-03-01 07:00:00"
    account.timezone = "UTC"
    with pytest.raises(ia.InvalidArgumentError, match="timezone is 'UTC' and the archive's 'America/New_York'"):
        again.sync(account)


def test_what_is_not_there_never_passes_for_complete_or_zero(tmp_path):
    said = r"there is no archive at .*typo: impressions sync .*typo makes one"
    for use in (ia.Archive.read, ia.Archive.scan, ia.impressions_over_time):
        with pytest.raises(ia.ArchiveError, match=said):
            use(archive_at(tmp_path / "typo"))
    assert not (tmp_path / "typo").exists()
    account = Account()
    account.add("impressions", opens(10))
    archive = archive_at(tmp_path)
    archive.sync(account)
    assert archive.kinds == ("impressions",)
    with pytest.raises(ia.ArchiveError, match=r"^clicks were never synced: impressions sync .* --kind clicks$"):
        archive.scan("clicks")


def test_a_kind_that_was_never_synced_reads_as_an_empty_frame_that_says_so(tmp_path):
    account = Account()
    account.add("impressions", opens(10))
    archive = archive_at(tmp_path)
    archive.sync(account)
    clicks = archive.read("clicks", columns=["profile", "ID"])
    assert clicks.empty and list(clicks.columns) == ["profile", "ID"] and str(clicks["profile"].dtype) == "Int64"
    load = clicks.attrs["load"]
    assert (load["verdict"], load["gaps"]) == ("unproven", [("never synced: the beginning", "now")])
    assert repr(load) == "<unproven: 0 clicks, the beginning to now>"
    part = archive.read("clicks", begin="2026-01-01", end="2026-02-01").attrs["load"]
    assert (part["begin"], part["gaps"][0][1]) == ("2026-01-01 00:00:00", "2026-02-01 00:00:00")


def test_a_certificate_counts_one_and_many_and_leaves_out_what_nobody_counted(tmp_path):
    account = Account()
    account.add("impressions", opens(10))
    archive = archive_at(tmp_path)
    archive.sync(account)
    one = repr(archive.read(end="2026-01-01 00:30").attrs["load"])
    assert one.startswith("<complete: 1 impression, 2026-01-01 00:00:00 to 2026-01-01 00:30:00, loaded 2026-")
    assert "request" not in one and "None" not in one
    load = type(archive.read().attrs["load"])
    assert "1 delivery, the beginning to now, 1 request>" in repr(load(kind="deliveries", rows=1, requests=1))


def test_a_file_in_place_of_the_folder_is_said(tmp_path):
    opens(3).to_parquet(tmp_path / "opens.parquet")
    with pytest.raises(ia.InvalidArgumentError, match=r"opens\.parquet is a file, not a folder"):
        ia.Archive(tmp_path / "opens.parquet")


def test_a_place_without_an_archive_is_said(tmp_path):
    verification = archive_at(tmp_path / "typo").verify()
    assert not verification.ok and "there is no archive here" in str(verification)
    with pytest.raises(ia.ArchiveError, match="holds no rows of what is to be exported; sync first"):
        archive_at(tmp_path / "typo").export(tmp_path / "bi")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "mss"}, "family='mss' is no family"),
        ({"timezone": "Amsterdam"}, "timezone='Amsterdam' is no zone"),
        ({"erasure_key": b"short"}, "erasure_key holds 5 bytes"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(tmp_path, options, message):
    with pytest.raises(ia.InvalidArgumentError, match=message):
        ia.Archive(tmp_path, **options).sync(Account())
    with pytest.raises(ia.InvalidArgumentError, match="kind='opens' is no kind of row"):
        archive_at(tmp_path).sync(Account(), kinds=("impressions", "opens"))
    with pytest.raises(ia.InvalidArgumentError, match="look_back_days=-1 must be 0 or more"):
        archive_at(tmp_path).sync(Account(), look_back_days=-1)
    assert month_files(tmp_path) == []


def test_results_are_plain_json(tmp_path):
    account = Account()
    account.add("impressions", opens(10))
    archive = archive_at(tmp_path / "archive")
    said = [archive.sync(account, kinds="impressions"), archive.verify(), archive.export(tmp_path / "bi")]
    said += [archive.erase(destination=3), archive.retain(1000)]
    plain = [json.loads(json.dumps(one.to_json())) for one in said]
    assert plain[0]["kinds"][0]["new_rows"] == 10 and plain[2]["tables"]["impressions"] == 10
    assert plain[3]["rows"]["impressions"] == 1 and "10 new" in str(said[0])
    assert said[0].to_json()["verdict"] == "complete" and said[1].to_json()["ok"] is True


def test_rows_of_the_last_two_hours_may_be_late_even_when_no_looking_back_is_asked_for(tmp_path):
    account = Account()
    account.add("impressions", opens(24))
    archive_at(tmp_path, "2026-01-02 12:00").sync(account, look_back_days=0)
    account.add("impressions", opens(1, first_id=9001, begin="2026-01-02 10:30"))
    later = archive_at(tmp_path, "2026-01-02 12:30")
    later.sync(account, look_back_days=0)
    assert later.read()["ID"].tolist()[-1] == 9001


def test_the_first_sync_decides_where_kinds_begin_that_are_added_later(tmp_path):
    archive, account = archive_at(tmp_path), Account()
    for kind in ("clicks", "deliveries"):
        account.add(kind, to_frame(arrow_schema(kind, "ms").empty_table(), kind, "ms"))
    archive.sync(account, begin="2026-01-10")
    archive.sync(account, kinds=("impressions", "clicks"))
    archive.sync(account, kinds=("deliveries",), begin="2026-02-01")
    begins = {kind: archive.certificate(kind)["begin"][:10] for kind in archive.kinds}
    assert begins == {"impressions": "2026-01-10", "clicks": "2026-01-10", "deliveries": "2026-02-01"}
