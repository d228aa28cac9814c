"""An erased person is gone from every file, stays away, and is named nowhere."""

import json

import pandas as pd
import pytest
from archive_account import Account, archive_at, opens

import impressions_analytics as ia
from impressions_analytics.archive.partitions import KindPartitions

PERSON = 987_654_321


def archive_with_a_person(path, **options):
    """800 impressions of others, three of the person (two in January, one in March without a profile)."""
    account = Account()
    account.add("impressions", opens(800))
    agent = "Very Unusual Reader 7.7"
    january = opens(2, first_id=5001, begin="2026-01-10 00:30", profile=PERSON, destination=777_001, useragent=agent)
    march = opens(1, first_id=5003, begin="2026-03-01 00:30", profile=None, destination=777_001, useragent=agent)
    account.add("impressions", january.astype({"useragent": "str"}))
    account.add("impressions", march.astype({"useragent": "str"}))
    rows = account.kinds["impressions"]
    account.kinds["impressions"] = rows.assign(useragent=rows["useragent"].astype("str").astype("category"))
    archive = archive_at(path, **options)
    archive.sync(account)
    return archive, account


def everything_in(path):
    """All bytes of all files, and all their values as text after decompression."""
    texts = []
    for file in path.rglob("*"):
        if file.is_file():
            texts.append(file.read_bytes().decode("latin-1"))
            if file.suffix == ".parquet":
                texts.append(pd.read_parquet(file, partitioning=None).to_csv())
                texts.append(str(pd.io.parquet.get_engine("pyarrow").api.parquet.read_metadata(file).to_dict()))
    return "\n".join(texts)


def test_every_row_of_the_person_goes_also_where_only_the_message_is_named(tmp_path):
    archive, _ = archive_with_a_person(tmp_path)
    assert str(PERSON) in everything_in(tmp_path) and "Very Unusual Reader" in everything_in(tmp_path)
    receipt = archive.erase(profile=PERSON)
    assert receipt.rows["impressions"] == 3
    assert [file.split("/")[1] for file in receipt.files] == ["month=2026-01", "month=2026-03"]
    left = everything_in(tmp_path)
    for trace in (str(PERSON), "777001", "Very Unusual Reader"):
        assert trace not in left
    assert str(PERSON) not in str(receipt) and str(PERSON) not in json.dumps(receipt.to_json())
    assert sorted(archive.read()["ID"]) == list(range(1, 801))
    assert archive.verify().ok


def test_later_syncs_do_not_bring_the_person_back(tmp_path):
    archive, account = archive_with_a_person(tmp_path)
    archive.erase(profile=PERSON)
    again = opens(1, first_id=6001, begin="2026-03-01 02:00", profile=PERSON, destination=777_002)
    later = opens(1, first_id=6002, begin="2026-03-01 03:00", profile=None, destination=777_002)
    account.add("impressions", again)
    account.add("impressions", later)
    [kind] = archive.sync(account, look_back_days=1000).kinds
    assert kind.suppressed_rows == 5 and kind.new_rows == 0
    assert sorted(archive.read()["ID"]) == list(range(1, 801))
    assert str(PERSON) not in everything_in(tmp_path)


def test_rows_of_the_erased_are_not_missed_when_the_api_still_has_them_and_others_are(tmp_path):
    archive, account = archive_with_a_person(tmp_path)
    archive.erase(profile=PERSON)
    assert archive.verify(account).ok
    account.add("impressions", opens(2, first_id=9001, begin="2026-01-03 00:30:00"))
    [finding] = archive.verify(account).findings
    assert "month=2026-01" in finding.where and "744 rows, and the API counts 746" in finding.what


def test_files_without_the_person_are_not_rewritten(tmp_path):
    archive, _ = archive_with_a_person(tmp_path)
    february = tmp_path / "impressions/month=2026-02/impressions-2026-02.parquet"
    before = february.stat().st_mtime_ns
    archive.erase(profile=PERSON)
    assert february.stat().st_mtime_ns == before


def test_an_erasure_that_was_cut_short_is_finished_by_the_next(tmp_path, monkeypatch):
    archive, _ = archive_with_a_person(tmp_path)
    writes, original = [], KindPartitions.write

    def once(self, *arguments):
        writes.append(arguments[0])
        if len(writes) > 1:
            raise KeyboardInterrupt
        return original(self, *arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(KindPartitions, "write", once)
        archive.erase(profile=PERSON)
    assert "777001" in everything_in(tmp_path)  # March names the message only, and January no longer ties it to them
    archive_at(tmp_path).erase(profile=PERSON)
    left = everything_in(tmp_path)
    assert "777001" not in left and str(PERSON) not in left
    assert len(archive.read()) == 800


def test_one_destination_can_be_erased_and_exports_inside_go_too(tmp_path):
    archive, _ = archive_with_a_person(tmp_path)
    archive.export(tmp_path / "exports", kinds=["impressions"])
    receipt = archive.erase(destination=5)
    assert receipt.rows["impressions"] == 1
    assert "exports/impressions.parquet" in receipt.files
    assert list((tmp_path / "exports").iterdir()) == []
    assert 5 not in set(archive.read()["destination"])


def test_the_receipt_says_which_exports_went_and_that_others_are_yours_to_find(tmp_path):
    archive, _ = archive_with_a_person(tmp_path)
    archive.export(tmp_path / "exports" / "bi")
    receipt = archive.erase(destination=5)
    assert receipt.exports == ["exports/bi"] and receipt.to_json()["exports"] == ["exports/bi"]
    assert str(receipt).splitlines()[1:] == [
        "  exports/bi was removed: export again",
        "  exports and snapshots elsewhere are yours to find",
    ]
    assert archive.erase(destination=6).exports == []


def test_a_place_without_an_archive_is_refused_and_nothing_is_made_there(tmp_path):
    for use in (lambda archive: archive.erase(profile=PERSON), lambda archive: archive.retain(20)):
        with pytest.raises(ia.ArchiveError, match=r"there is no archive at .*typo: impressions sync .*typo makes one"):
            use(archive_at(tmp_path / "typo"))
    assert list(tmp_path.iterdir()) == []


def test_a_lost_key_is_said_before_anybody_comes_back(tmp_path):
    archive, account = archive_with_a_person(tmp_path)
    archive.erase(profile=PERSON)
    assert (tmp_path / ".erasure-key").stat().st_mode & 0o077 == 0
    assert (tmp_path / ".erased.json").stat().st_mode & 0o077 == 0
    key = (tmp_path / ".erasure-key").read_bytes()
    (tmp_path / ".erasure-key").unlink()
    with pytest.raises(ia.ArchiveError, match="without it erased persons would come back"):
        archive_at(tmp_path).sync(account)
    with pytest.raises(ia.ArchiveError, match="was made with another key"):
        archive_at(tmp_path, erasure_key=b"another key than it had").sync(account)
    archive_at(tmp_path, erasure_key=key).sync(account)
    assert len(archive.read()) == 800


def test_the_key_of_the_erased_can_come_from_outside_and_is_then_not_in_the_archive(tmp_path, monkeypatch):
    account = Account()
    account.add("impressions", opens(100))
    monkeypatch.setenv("IMPRESSIONS_ERASURE_KEY", "correct horse battery")
    archive_at(tmp_path / "a").sync(account)
    archive_at(tmp_path / "a").erase(profile=7)
    assert not (tmp_path / "a/.erasure-key").exists() and (tmp_path / "a/.erased.json").exists()
    assert b"correct" not in b"".join(file.read_bytes() for file in (tmp_path / "a").rglob("*") if file.is_file())
    monkeypatch.setenv("IMPRESSIONS_ERASURE_KEY", "another key than that")
    with pytest.raises(ia.ArchiveError, match=r"made with another key.* or in IMPRESSIONS_ERASURE_KEY"):
        archive_at(tmp_path / "a").sync(account, look_back_days=1000)
    monkeypatch.delenv("IMPRESSIONS_ERASURE_KEY")
    with pytest.raises(ia.ArchiveError, match=r"erasure-key is gone.* or in IMPRESSIONS_ERASURE_KEY"):
        archive_at(tmp_path / "a").sync(account, look_back_days=1000)
    (tmp_path / "key").write_text("correct horse battery\n")
    monkeypatch.setenv("IMPRESSIONS_ERASURE_KEY_FILE", str(tmp_path / "key"))
    archive_at(tmp_path / "a").sync(account, look_back_days=1000)
    assert 7 not in archive_at(tmp_path / "a").read()["profile"].tolist()


@pytest.mark.parametrize(("given", "told"), [
    ({"IMPRESSIONS_ERASURE_KEY": "short"}, "IMPRESSIONS_ERASURE_KEY holds 5 bytes, and a key needs 16 or more"),
    ({"IMPRESSIONS_ERASURE_KEY_FILE": "none/such"}, "the key file 'none/such' cannot be read"),
    (
        {"IMPRESSIONS_ERASURE_KEY": "x" * 20, "IMPRESSIONS_ERASURE_KEY_FILE": "key"},
        "IMPRESSIONS_ERASURE_KEY and IMPRESSIONS_ERASURE_KEY_FILE are both set",
    ),
])  # fmt: skip
def test_a_key_from_outside_that_cannot_be_used_is_told_before_anything_is_made(given, told, tmp_path, monkeypatch):
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ia.InvalidArgumentError, match=told):
        archive_at(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_list_of_the_erased_stops_the_sync(tmp_path):
    archive, account = archive_with_a_person(tmp_path)
    archive.erase(profile=PERSON)
    (tmp_path / ".erased.json").write_text("{")
    with pytest.raises(ia.DamagedFileError, match="erased persons would come back"):
        archive.sync(account)


@pytest.mark.parametrize("named", [{}, {"profile": 1, "destination": 2}])
def test_exactly_one_person_must_be_named(tmp_path, named):
    with pytest.raises(ia.InvalidArgumentError, match="give one of profile, subprofile, destination to erase"):
        archive_at(tmp_path).erase(**named)


def test_retention_removes_old_days_and_they_do_not_come_back(tmp_path):
    archive, account = archive_with_a_person(tmp_path)
    receipt = archive.retain(20)  # on 1 March: from 9 February 00:00
    # 800 hourly rows reach 3 February 07:00; of the person only the row of 1 March is younger
    assert receipt.rows["impressions"] == 802 and receipt.kept_from == "2026-02-09 00:00:00"
    assert list(archive.read()["ID"]) == [5003]
    assert not list((tmp_path / "impressions/month=2026-01").glob("*.parquet"))
    archive.sync(account)
    assert list(archive.read()["ID"]) == [5003]
    assert archive.verify().ok
    with pytest.raises(ia.InvalidArgumentError, match="days=0 must be 1 or more"):
        archive.retain(0)
