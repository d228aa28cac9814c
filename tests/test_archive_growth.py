"""Whatever the order of syncs and outages, an archive ends with every row once."""

import contextlib
import os
from datetime import datetime, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archive_account import Account, archive_at, opens
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import impressions_analytics as ia
from impressions_analytics.archive.merge import SortedRows, merge_rows
from impressions_analytics.archive.periods import Period, coalesce, covered, join, overlay, subtract, to_ask
from impressions_analytics.parquet.layout import write_tables
from impressions_analytics.parquet.rows_file import RowsFile

START = datetime(2026, 1, 1)
hours = st.integers(0, 24 * 70)
stretches = st.tuples(hours, hours).map(sorted).map(lambda ends: tuple(START + timedelta(hours=h) for h in ends))
ACTIONS = st.lists(
    st.tuples(
        hours,  # now
        st.none() | hours,  # begin
        st.none() | st.sampled_from([400, 401]),  # the emailing
        st.none() | st.integers(0, 3),  # the frame before which the account goes away
        st.sampled_from([0.2, 3, 30]),  # look_back_days
    ),
    max_size=6,
)


@pytest.mark.slow
@given(ACTIONS)
@settings(phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_any_sequence_of_syncs_ends_with_every_row_once(tmp_path_factory, actions):
    folder = tmp_path_factory.mktemp("any")
    account = Account(rows_per_frame=60)
    account.add("impressions", opens(400, every="4h"))
    for now, begin, emailing, fails, look_back in actions:
        account.fail_after = fails
        archive = archive_at(folder, str(START + timedelta(hours=now)))
        with contextlib.suppress(ia.ApiUnavailableError):
            archive.sync(
                account,
                begin=None if begin is None else START + timedelta(hours=begin),
                emailings=None if emailing is None else [emailing],
                look_back_days=look_back,
            )
        findings = [found.what for found in archive.verify().findings]
        assert (not archive.kinds or archive.read()["ID"].is_unique) and findings in ([], ["there is no archive here"])
    account.fail_after = None
    archive = archive_at(folder, str(START + timedelta(days=70)))
    archive.sync(account, begin=START)
    pd.testing.assert_frame_equal(archive.read(), opens(400, every="4h"))
    assert archive.verify(account).ok


@given(stretches, st.lists(stretches, max_size=5))
def test_subtracting_and_joining_account_for_every_hour(whole, taken):
    left = subtract(whole, taken)
    for number in range(24 * 70):
        moment = START + timedelta(hours=number)
        inside = [begin <= moment < end for begin, end in taken]
        assert any(begin <= moment < end for begin, end in join(taken)) == any(inside)
        wanted = whole[0] <= moment < whole[1] and not any(inside)
        assert any(begin <= moment < end for begin, end in left) == wanted


def period(begin, end, loaded=None, *, emailing=None, rows=0, verdict="complete"):
    moments = [START + timedelta(hours=hour) for hour in (begin, end, end if loaded is None else loaded)]
    return Period(moments[0], moments[1], emailing, rows, verdict, moments[2])


def test_a_period_of_one_emailing_never_counts_for_the_account():
    known = [period(0, 10, emailing=400)]
    assert covered(known) == [] and len(covered(known, 400)) == 1
    whole = (START, START + timedelta(hours=10))
    assert to_ask(whole, known, look_back=timedelta(0)) == [whole]
    assert to_ask(whole, known, look_back=timedelta(0), emailing=400) == []


def test_a_new_period_of_the_account_replaces_what_lies_below_it_and_of_an_emailing_only_its_own():
    old = [period(0, 10), period(0, 10, emailing=400)]
    cut = overlay(old, [period(4, 6)])
    assert [(p.begin.hour, p.end.hour, p.emailing) for p in cut] == [
        (0, 4, None), (4, 6, None), (6, 10, None), (0, 4, 400), (6, 10, 400),
    ]  # fmt: skip
    cut = overlay(old, [period(4, 6, emailing=400)])
    assert [(p.begin.hour, p.end.hour, p.emailing) for p in cut] == [
        (0, 10, None), (0, 4, 400), (4, 6, 400), (6, 10, 400),
    ]  # fmt: skip


def test_neighbours_are_joined_within_a_day_and_never_across_verdicts():
    parts = [period(hour, hour + 1, rows=2) for hour in range(30)]
    joined = coalesce(parts)
    assert [(p.begin, p.end, p.rows) for p in joined] == [
        (START, START + timedelta(days=1), 48), (START + timedelta(days=1), START + timedelta(hours=30), 12),
    ]  # fmt: skip
    assert joined[0].loaded_at == START + timedelta(hours=1)  # the oldest of them
    assert len(coalesce([period(0, 1), period(1, 2, verdict="unproven")])) == 2


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 6), st.integers(0, 40)), max_size=25, unique_by=lambda r: r[1]), max_size=4
    )
)
def test_merging_gives_each_id_once_in_order_and_the_last_sources_row(tmp_path_factory, sources):
    """A row's time follows from its ID, as in life; the values differ by source."""
    import impressions_analytics.archive.merge as merge

    folder = tmp_path_factory.mktemp("merge")
    opened, expected = [], {}
    for number, source in enumerate(sources):
        rows = sorted((ident // 5, ident) for _, ident in source)
        for seconds, ident in rows:
            expected[ident] = (seconds, number)
        frame = opens(len(rows)).assign(
            ID=pd.array([ident for _, ident in rows], dtype="int64"),
            timestamp=pd.array([START + timedelta(seconds=s) for s, _ in rows], dtype="datetime64[us]"),
            destination=number,
        )
        opened.append(RowsFile(ia.write_snapshot(frame, folder / f"{number}.parquet"), str(number)))
    before, merge.BATCH_ROWS = merge.BATCH_ROWS, 3
    try:
        tables = list(merge_rows([SortedRows(file, "timestamp") for file in opened], "timestamp"))
    finally:
        merge.BATCH_ROWS = before
    found = [
        (row["ID"], row["destination"]) for table in tables for row in table.select(["ID", "destination"]).to_pylist()
    ]
    assert found == [(ident, source) for ident, (_, source) in sorted(expected.items())]


def test_a_damaged_page_stops_the_merge_and_leaves_the_file_and_the_piece(tmp_path):
    account = Account()
    account.add("impressions", opens(1200))
    archive = archive_at(tmp_path, "2026-01-20 12:00")
    archive.sync(account)
    [january] = tmp_path.rglob("*.parquet")
    whole = january.read_bytes()
    january.write_bytes(whole[:4] + b"\xff" * 300 + whole[304:])
    with pytest.raises(ia.DamagedFileError, match=r"impressions-2026-01.parquet cannot be read as Parquet.*restore it"):
        archive_at(tmp_path, "2026-01-21 12:00").sync(account)
    assert january.read_bytes()[4:304] == b"\xff" * 300
    january.write_bytes(whole)
    assert len(list(tmp_path.rglob("*.piece"))) == 1
    account.asked.clear()
    archive_at(tmp_path, "2026-01-21 12:00").sync(account)
    assert archive.verify().ok and len(archive.read()) == 20 * 24 + 12


def test_a_file_of_an_older_version_is_read_and_rewritten_in_the_new_schema(tmp_path, monkeypatch):
    account = Account()
    account.add("impressions", opens(100))
    archive = archive_at(tmp_path, "2026-01-03")
    archive.sync(account)
    [january] = tmp_path.rglob("*.parquet")
    with RowsFile(january, "january") as file:
        provenance, rows = file.provenance, file.rows()
    write_tables([rows.drop_columns("device")], january, lambda: provenance)
    with pytest.raises(ia.DamagedFileError, match="'device' is absent"):
        archive.read()
    monkeypatch.setattr("impressions_analytics.parquet.rows_file.SCHEMA_VERSION", 2)
    back = archive.read()
    assert list(back["device"].isna()) == [True] * 48 and str(back["device"].dtype) == "category"
    archive_at(tmp_path, "2026-01-06").sync(account)
    schema = pq.read_schema(january)
    assert schema.field("device").type == pa.string()
    assert archive.read()["device"].isna().sum() == 0  # asked again within the look-back


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_said(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ia.ArchiveError, match="permission denied; let the user that runs this read and write"):
        archive_at(tmp_path).sync(Account())
    tmp_path.chmod(0o700)
