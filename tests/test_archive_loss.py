"""What was lost, hidden or cut short is noticed, and nobody else's rows or files go with it."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow.parquet as pq
import pytest
from archive_account import Account, archive_at, opens

import impressions_analytics as ia
from impressions_analytics.archive.partitions import KindPartitions
from impressions_analytics.archive.row_source import LoaderSource

PERSON = 987_654_321


def archive_of_two_months(path):
    """800 hourly impressions from 1 January, which reach 3 February 07:00; ten more of one person on 10 January."""
    account = Account()
    account.add("impressions", opens(800))
    theirs = opens(10, first_id=5001, begin="2026-01-10 00:30", profile=PERSON, destination=777_001)
    account.add("impressions", theirs)
    archive = archive_at(path)
    archive.sync(account)
    return archive, account


@pytest.mark.parametrize("number", [-1, 2**63, 1.5, True, "7"])
def test_what_is_no_identifier_erases_nobody(tmp_path, number):
    archive, _ = archive_of_two_months(tmp_path)
    with pytest.raises(ia.InvalidArgumentError, match="must be a whole number from 0 to 9223372036854775807"):
        archive.erase(subprofile=number)
    assert len(archive.read()) == 810 and not (tmp_path / ".erased.json").exists()


def test_erasing_somebody_of_whom_nothing_is_there_says_so_and_removes_nothing(tmp_path):
    archive, _ = archive_of_two_months(tmp_path)
    receipt = archive.erase(subprofile=0)
    assert "held no row of this subprofile" in str(receipt) and receipt.rows == {"impressions": 0}
    assert len(archive.read()) == 810


def test_a_dry_run_tells_what_would_go_and_changes_nothing(tmp_path):
    archive, _ = archive_of_two_months(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    receipt = archive.erase(profile=PERSON, dry_run=True)
    assert receipt.rows == {"impressions": 10} and "nothing was changed" in str(receipt)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def cut_short(monkeypatch, work):
    """Do something that is stopped where it would write or delete its first month file."""

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(KindPartitions, "write", stop)
        patch.setattr("impressions_analytics.archive.store.Store.delete", stop)
        work()


def test_readers_leave_out_an_erasure_that_was_cut_short_and_the_next_sync_finishes_it(tmp_path, monkeypatch):
    archive, account = archive_of_two_months(tmp_path)
    cut_short(monkeypatch, lambda: archive.erase(profile=PERSON))
    assert len(pd.read_parquet(tmp_path / "impressions/month=2026-01", partitioning=None)) == 754  # still there
    again = archive_at(tmp_path)
    assert len(again.read()) == 800 and again.scan().count().to_pyarrow().as_py() == 800
    assert PERSON not in set(again.read(columns=["profile"])["profile"].dropna())
    again.export(tmp_path / "exports")
    assert len(pd.read_parquet(tmp_path / "exports/impressions.parquet")) == 800
    assert any("an erasure was cut short" in finding.what for finding in again.verify().findings)
    again.sync(account)
    assert len(pd.read_parquet(tmp_path / "impressions/month=2026-01", partitioning=None)) == 744
    assert again.verify().ok


def test_readers_leave_out_a_retention_that_was_cut_short_and_the_next_sync_finishes_it(tmp_path, monkeypatch):
    archive, account = archive_of_two_months(tmp_path)
    cut_short(monkeypatch, lambda: archive.retain(28))  # on 1 March: from 1 February 00:00, 56 hourly rows
    again = archive_at(tmp_path)
    assert len(again.read()) == 56 and again.scan().count().to_pyarrow().as_py() == 56
    assert any("a retention from 2026-02-01" in finding.what for finding in again.verify().findings)
    again.sync(account)
    assert not list((tmp_path / "impressions/month=2026-01").glob("*.parquet"))
    assert len(again.read()) == 56 and again.verify().ok


def test_a_sync_does_not_ask_for_what_it_would_remove(tmp_path):
    archive, account = archive_of_two_months(tmp_path)
    for _ in range(2):
        account.asked.clear()
        summary = archive.sync(account, begin="2026-01-01", keep_days=28)
        assert min(begin for *_, begin, _ in account.asked) >= "2026-02-01"
    assert not any(summary.retention.rows.values()) and len(archive.read()) == 56


def test_the_oldest_month_that_was_deleted_is_noticed_and_synced_again(tmp_path):
    archive, account = archive_of_two_months(tmp_path)
    (tmp_path / "impressions/month=2026-01/impressions-2026-01.parquet").unlink()
    [finding] = archive.verify().findings
    assert "2026-01-01 00:00:00 to 2026-02-01 00:00:00 was loaded, and its month files are gone" in finding.what
    assert archive.read().attrs["load"]["verdict"] == "unproven"
    archive.sync(account)
    assert len(archive.read()) == 810 and archive.verify().ok


def test_a_list_of_the_erased_that_was_deleted_beside_its_key_stops_the_sync(tmp_path):
    archive, account = archive_of_two_months(tmp_path)
    archive.erase(profile=PERSON)
    (tmp_path / ".erased.json").unlink()
    (tmp_path / ".erasure-key").unlink()
    with pytest.raises(ia.DamagedFileError, match="erased persons would come back"):
        archive_at(tmp_path).sync(account, look_back_days=1000)
    assert any("the list of them is gone" in finding.what for finding in archive.verify().findings)


def test_an_emptied_archive_remembers_its_family_and_zone(tmp_path):
    archive_of_two_months(tmp_path)
    for file in tmp_path.rglob("*.parquet"):
        file.unlink()
    assert ia.Archive(tmp_path).timezone == "UTC"
    with pytest.raises(ia.ArchiveError, match="has family 'ms', and the archive was opened with 'publisher'"):
        archive_at(tmp_path, family="publisher").read()


def test_an_archive_of_a_newer_format_is_refused_and_an_older_one_is_taken_up(tmp_path):
    _, account = archive_of_two_months(tmp_path)
    state = tmp_path / ".archive.json"
    text = state.read_text()
    state.write_text(text.replace('"format": 1', '"format": 2'))
    with pytest.raises(ia.ArchiveError, match="is an archive of format 2"):
        archive_at(tmp_path).read()
    state.unlink()
    archive_at(tmp_path).sync(account)
    assert state.read_text() == text


def test_an_erasure_deletes_its_own_exports_only_and_follows_no_link(tmp_path):
    archive, _ = archive_of_two_months(tmp_path / "mail")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "impressions.parquet").write_text("not ours")
    archive.export(tmp_path / "mail/exports/bi")
    (tmp_path / "mail/exports/notes.txt").write_text("not ours either")
    (tmp_path / "mail/exports/link").symlink_to(elsewhere)
    receipt = archive.erase(profile=PERSON)
    assert receipt.exports == ["exports/bi"] and receipt.links == ["exports/link"]
    assert (elsewhere / "impressions.parquet").exists() and (tmp_path / "mail/exports/notes.txt").exists()


def test_an_export_between_the_files_of_an_archive_is_seen_through_links_and_dots(tmp_path):
    archive, _ = archive_of_two_months(tmp_path / "mail")
    (tmp_path / "mail/exports").mkdir()
    (tmp_path / "shortcut").symlink_to(tmp_path / "mail/impressions")
    for place in (tmp_path / "mail/exports/../impressions", tmp_path / "shortcut"):
        with pytest.raises(ia.InvalidArgumentError, match="lies inside the archive"):
            archive.export(place)


def test_the_name_of_an_archive_is_no_pattern(tmp_path):
    other = Account()
    other.add("impressions", opens(5))
    archive_at(tmp_path / "only2").sync(other)
    archive_at(tmp_path / "mail two").sync(other)
    for name in ("only[2]", "mail*", "a'b\"c %41 é"):
        archive, _ = archive_of_two_months(tmp_path / name)
        assert archive.scan().count().to_pyarrow().as_py() == len(archive.read()) == 810
        assert ia.impressions_over_time(archive, every="month")["impressions"].sum() == 810


def test_a_clock_that_was_ahead_once_is_not_believed(tmp_path):
    account = Account()
    account.add("impressions", opens(800))
    archive_at(tmp_path, now="2027-03-01 12:00").sync(account)
    account.add("impressions", opens(60, first_id=6001, begin="2026-02-20"))
    archive = archive_at(tmp_path, now="2026-03-01 12:00")
    assert archive.read(end="2026-03-01").attrs["load"]["verdict"] == "unproven"
    archive.sync(account)
    assert len(archive.read()) == 860 and archive.read(end="2026-03-01").attrs["load"]["verdict"] == "complete"


def test_a_flipped_bit_in_a_page_is_found_and_verify_names_the_column_and_the_row_group(tmp_path):
    archive, _ = archive_of_two_months(tmp_path)
    file = tmp_path / "impressions/month=2026-01/impressions-2026-01.parquet"
    group = pq.read_metadata(file).row_group(0)
    names = [group.column(index).path_in_schema for index in range(group.num_columns)]
    column = group.column(names.index("profile"))
    data = bytearray(file.read_bytes())
    data[column.data_page_offset + column.total_compressed_size // 2] ^= 16
    file.write_bytes(data)
    [finding] = [found for found in archive.verify().findings if "month=2026-01" in found.where]
    assert "column 'profile' of row group 0 damaged" in finding.what
    with pytest.raises(ia.DamagedFileError, match=r"impressions-2026-01\.parquet"):
        archive.read()


def read_every_way(path):
    """Read January by itself: as a frame, through DuckDB, and by an analysis of the bare file."""
    archive = archive_at(path)
    file = path / "impressions/month=2026-01/impressions-2026-01.parquet"
    return {
        "read": archive.read,
        "scan": lambda: pd.DataFrame(archive.scan().order_by(["timestamp", "ID"]).to_pyarrow().to_pylist()),
        "a kernel": lambda: ia.impressions_over_time(file, every="day"),
        "DuckDB on the file": lambda: ia.impressions_over_time(file, every="day", by="useragent"),
    }


def refusals(path, good, flips):
    """Flip bits one by one; every reader must refuse or give what it gave before. Return how often each refused."""
    file = path / "impressions/month=2026-01/impressions-2026-01.parquet"
    wanted = {name: read() for name, read in read_every_way(path).items()}
    refused = dict.fromkeys(wanted, 0)
    for place, bit in flips:
        damaged = bytearray(good)
        damaged[place] ^= 1 << bit
        file.write_bytes(damaged)
        for name, read in read_every_way(path).items():
            try:
                pd.testing.assert_frame_equal(read(), wanted[name])
            except ia.ImpressionsError:
                refused[name] += 1
    file.write_bytes(good)
    return refused


def small_archive(path):
    account = Account()
    account.add("impressions", opens(40))
    archive_at(path).sync(account, end="2026-02-01")
    return (path / "impressions/month=2026-01/impressions-2026-01.parquet").read_bytes()


def test_a_flipped_bit_anywhere_is_refused_by_every_reader_or_changes_nothing(tmp_path):
    good, chance = small_archive(tmp_path), random.Random(1)
    flips = [(chance.randrange(len(good)), chance.randrange(8)) for _ in range(60)]
    refused = refusals(tmp_path, good, flips)
    # DuckDB's readers hold the whole file against its seal, so that only the name of the seal itself can be changed.
    assert refused["scan"] >= 55 and refused["DuckDB on the file"] >= 55 and refused["read"] >= 40


@pytest.mark.slow
def test_no_bit_of_a_month_file_can_be_flipped_unseen(tmp_path):
    good = small_archive(tmp_path)
    refused = refusals(tmp_path, good, [(place, place % 8) for place in range(len(good))])
    assert refused["scan"] >= 0.98 * len(good)


def moved_and_unlinked(account):
    """Row 5 moves by a minute, row 7 to February, row 800 from 3 February to 31 January; row 9 loses its profile."""
    rows = account.kinds["impressions"].set_index("ID", drop=False)
    rows.loc[5, "timestamp"] += pd.Timedelta(minutes=1)
    rows.loc[7, "timestamp"] = pd.Timestamp("2026-02-02 03:30")
    rows.loc[800, "timestamp"] = pd.Timestamp("2026-01-31 03:30")
    rows.loc[9, "profile"] = pd.NA
    account.kinds["impressions"] = rows.reset_index(drop=True)


def test_a_row_whose_time_the_api_changed_stands_once_under_the_newer_also_across_months(tmp_path):
    archive, account = archive_of_two_months(tmp_path)
    moved_and_unlinked(account)
    [kind] = archive.sync(account, look_back_days=1000).kinds
    assert (kind.new_rows, kind.repeated_rows, kind.moved_rows, kind.unlinked_rows, kind.rows) == (0, 807, 3, 1, 810)
    assert "3 moved to another time, 1 lost their profile at Copernica" in str(kind)
    rows = archive.read()
    assert len(rows) == 810 == rows["ID"].nunique() and rows.attrs["load"]["verdict"] == "complete"
    assert {ident: str(rows.set_index("ID")["timestamp"][ident]) for ident in (5, 7, 800)} == {
        5: "2026-01-01 04:01:00", 7: "2026-02-02 03:30:00", 800: "2026-01-31 03:30:00",
    }  # fmt: skip
    found = archive.verify()
    assert found.ok and found.without_profile == {"impressions": 1}
    assert archive.sync(account, look_back_days=1000).kinds[0].moved_rows == 0


def test_a_row_that_was_moving_when_the_sync_was_cut_short_is_not_called_complete_and_the_next_sync_ends_it(
    tmp_path, monkeypatch
):
    archive, account = archive_of_two_months(tmp_path)
    moved_and_unlinked(account)
    write = KindPartitions.write

    def stop_before_the_old_month(partitions, relative, *more):
        if moved and "month=2026-01" in relative:
            raise KeyboardInterrupt
        moved.extend(["there"] if "month=2026-02" in relative else [])
        return write(partitions, relative, *more)

    moved = []
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(KindPartitions, "write", stop_before_the_old_month)
        archive.sync(account, begin="2026-02-01", look_back_days=1000)
    assert (archive.read()["ID"] == 7).sum() == 2 and archive.read().attrs["load"]["verdict"] == "unproven"
    archive.sync(account)
    assert (archive.read()["ID"] == 7).sum() == 1 and archive.read().attrs["load"]["verdict"] == "complete"


def test_syncs_every_quarter_of_an_hour_across_the_autumn_change_lose_nothing_and_verify_is_content(tmp_path):
    """02:00 to 03:00 comes twice on 25 October 2026: the second time at 01:00 in UTC."""
    account = Account()
    account.first_moment = lambda emailing, end: datetime(2026, 10, 25)
    for minute in range(0, 300, 5):  # from 00:00 of summer time until 03:55 of winter time
        now = datetime(2026, 10, 24, 22, tzinfo=UTC) + timedelta(minutes=minute)
        wall = now.astimezone(ZoneInfo("Europe/Amsterdam")).replace(tzinfo=None)
        account.add("impressions", opens(1, first_id=minute + 1, begin=str(wall - timedelta(seconds=1))))
        if minute % 15 == 0 and minute >= 150:
            archive = ia.Archive(tmp_path, clock=lambda: now)  # noqa: B023
            assert archive.sync(account).verdict == "complete" and archive.verify(account).ok
    assert len(archive.read()) == 57 and archive.read().attrs["load"]["verdict"] == "complete"


def test_an_emailing_without_a_date_does_not_begin_the_archive(tmp_path):
    sent = pd.DataFrame({"ID": [1, 2], "timestamp": pd.to_datetime(["1970-01-01 01:00:00", "2026-01-05 09:00:00"])})
    source = LoaderSource(None, "ms")
    source._emailings = sent
    begins = [source.first_moment(emailing, end=datetime(2026, 3, 1)) for emailing in (None, 1, 2, 3)]
    assert begins == [datetime(2026, 1, 5, 9)] * 3 + [None]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("form", ["parquet", "duckdb"])
def test_an_export_during_which_somebody_was_erased_is_not_left_behind(tmp_path, monkeypatch, form):
    archive, _ = archive_of_two_months(tmp_path / "mail")
    rows_of = KindPartitions.rows_of

    def erase_in_the_middle(partitions, relative, *more):
        yield from rows_of(partitions, relative, *more)
        if partitions.kind == "impressions" and not (tmp_path / "mail/.erased.json").exists():
            archive_at(tmp_path / "mail").erase(profile=PERSON)

    monkeypatch.setattr(KindPartitions, "rows_of", erase_in_the_middle)
    place = tmp_path / ("bi" if form == "parquet" else "bi.duckdb")
    with pytest.raises(ia.ArchiveError, match=r"was erased from .* while it was exported; export again"):
        archive.export(place, format=form)
    assert not place.is_file() and not list(tmp_path.glob("bi/*"))
    assert archive.export(place, format=form).tables["impressions"] == 800


def test_a_month_restored_from_a_copy_from_before_an_erasure_is_found_and_erased_again(tmp_path):
    archive, _ = archive_of_two_months(tmp_path)
    file = tmp_path / "impressions/month=2026-01/impressions-2026-01.parquet"
    copy = file.read_bytes()
    archive.erase(profile=PERSON)
    file.write_bytes(copy)
    [finding] = archive_at(tmp_path).verify().findings
    assert "10 rows belong to erased persons" in finding.what and "--again removes them" in finding.what
    with pytest.raises(ia.InvalidArgumentError, match="name no person"):
        archive.erase(again=True, profile=1)
    assert archive.erase(again=True).rows == {"impressions": 10}
    assert archive.verify().ok and len(archive.read()) == 800


def test_a_month_that_goes_while_it_is_opened_is_an_error_of_the_tree(tmp_path, monkeypatch):
    archive, _ = archive_of_two_months(tmp_path)

    def remove(paths):
        for path in paths:
            Path(path).unlink()

    monkeypatch.setattr("impressions_analytics.archive.reading.check_files", remove)
    with pytest.raises(ia.ArchiveError, match="No files found"):
        archive.scan().count().to_pyarrow()
