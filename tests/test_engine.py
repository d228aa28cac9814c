"""What may come in is recognised, what cannot be used is refused with the way out, and nothing is lost on the way."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import analytics_truth as truth
import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archive_account import Account, archive_at
from archive_account import opens as archived

import impressions_analytics as ia
from impressions_analytics.engine import RequiredColumns, known_until, open_input
from impressions_analytics.loader.load import load_events


@pytest.fixture
def opens() -> pd.DataFrame:
    return truth.impressions()


def test_a_missing_column_is_named_with_what_was_expected_what_is_there_and_a_guess(opens: pd.DataFrame) -> None:
    with pytest.raises(ia.MissingColumnError) as caught:
        ia.impressions_over_time(opens.rename(columns={"destination": "Destinations"}))
    assert str(caught.value) == (
        "the impressions have no column 'destination' (a whole number); they have ID, mailing, timestamp, useragent, "
        "device, Destinations, profile; did you mean 'Destinations'?"
    )


@pytest.mark.parametrize("convert", [
    lambda frame: frame, pl.from_pandas, lambda frame: pl.from_pandas(frame).lazy(),
    lambda frame: pa.Table.from_pandas(frame, preserve_index=False),
])  # fmt: skip
def test_every_kind_of_frame_is_refused_in_the_same_words(opens: pd.DataFrame, convert: Any) -> None:
    with pytest.raises(ia.MissingColumnError, match=r"^the impressions have no column 'profile' .*; they have ID, "):
        ia.impressions_per_profile(convert(opens.drop(columns="profile")))


@pytest.mark.parametrize(("column", "values", "message"), [
    ("profile", [1.0] * 10, "column 'profile' of the impressions must be a whole number, got double: "
                            "convert it with astype('Int64')"),
    ("mailing", ["412"] * 10, "column 'mailing' of the impressions must be a whole number, got large_string: "
                              "convert it when the data is read"),
    ("timestamp", ["2025-01-01 00:00:00"] * 10, "column 'timestamp' of the impressions must be a wall-clock timestamp, "
                                                "got large_string: convert it when the data is read"),
    ("timestamp", [1] * 10, "column 'timestamp' of the impressions must be a wall-clock timestamp, got int64: "
                            "convert it first"),
])  # fmt: skip
def test_a_column_of_a_wrong_type_is_named_with_both_types(
    opens: pd.DataFrame, column: str, values: list[Any], message: str
) -> None:
    with pytest.raises(ia.MissingColumnError) as caught:
        ia.impressions_per_profile(opens.assign(**{column: values}))
    assert str(caught.value) == message


def test_a_column_that_mixes_types_is_refused(opens: pd.DataFrame) -> None:
    with pytest.raises(ia.MissingColumnError, match="a column of the impressions mixes types"):
        ia.user_agent_breakdown(opens.assign(useragent=pd.Series([1, "a"] * 5, dtype=object)))


def test_aware_timestamps_mean_the_wall_clock_of_their_own_zone(opens: pd.DataFrame) -> None:
    naive = opens[opens["timestamp"] != pd.Timestamp("2025-10-26 02:30")]  # twice in Amsterdam
    aware = naive.assign(timestamp=naive["timestamp"].dt.tz_localize("Europe/Amsterdam"))
    expected = ia.impressions_over_time(naive, every="hour")
    pd.testing.assert_frame_equal(ia.impressions_over_time(aware, every="hour"), expected)
    pd.testing.assert_frame_equal(ia.impressions_over_time(pl.from_pandas(aware), every="hour"), expected)


def test_instants_in_parquet_are_refused_because_they_have_no_wall_clock(opens: pd.DataFrame, tmp_path: Path) -> None:
    opens.assign(timestamp=opens["timestamp"].dt.tz_localize("UTC")).to_parquet(tmp_path / "instants.parquet")
    for by in (None, "mailing"):
        with pytest.raises(ia.MissingColumnError, match=r"got timestamp.*UTC.*: give the wall clock of the account"):
            ia.impressions_over_time(tmp_path / "instants.parquet", by=by)


@pytest.mark.parametrize(
    "data", [None, 7, ["a"], {"timestamp": []}, np.zeros(3), pd.Series([1]), pa.table({"a": [1]})["a"]]
)
def test_what_nothing_reads_is_refused_by_its_type(data: Any) -> None:
    with pytest.raises(ia.InvalidArgumentError, match=f"Spark frame, got {type(data).__name__}$"):
        ia.impressions_over_time(data)


def test_a_path_without_parquet_files_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.parquet", tmp_path, f"{tmp_path}/*.parquet"):
        with pytest.raises(ia.InvalidArgumentError, match="there is no Parquet file at"):
            ia.impressions_over_time(path)


def test_what_is_no_parquet_file_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "opens.csv").write_text("ID,mailing\n1,412\n")
    for analysis in (ia.impressions_over_time, ia.human_opens):
        with pytest.raises(ia.InvalidArgumentError, match=r"opens\.csv is no Parquet file$"):
            analysis(tmp_path / "opens.csv")
        with pytest.raises(ia.InvalidArgumentError, match=r"^there is no Parquet file at nosuch$"):
            analysis("nosuch")


def loaded(frame: pd.DataFrame, kind: str, family: str = "ms", **more: Any) -> pd.DataFrame:
    """The same rows with a certificate."""
    frame = frame.copy()
    frame.attrs["load"] = {"kind": kind, "family": family, **more}
    return frame


@pytest.mark.parametrize("analysis", [
    ia.impressions_over_time, ia.impressions_per_profile, ia.user_agent_breakdown, ia.human_opens,
    ia.impressions_by_hour_of_week, ia.mailing_performance,
])  # fmt: skip
def test_clicks_are_not_counted_as_impressions(opens: pd.DataFrame, analysis: Any) -> None:
    with pytest.raises(
        ia.AnalysisError, match=r"^clicks were given where impressions are needed: give the impressions"
    ):
        analysis(loaded(opens, "clicks"))


def test_the_kind_in_a_file_is_believed_whoever_reads_it(box: Any, tmp_path: Path) -> None:
    api = ia.Copernica(box.access_token, url=box.url)
    path = ia.write_snapshot(load_events("clicks", api), tmp_path / "clicks.parquet")
    for data in (path, tmp_path, pq.read_table(path)):
        with pytest.raises(ia.AnalysisError, match=r"^clicks were given where impressions are needed"):
            ia.impressions_over_time(data)
    with pytest.raises(ia.AnalysisError, match=r"^clicks were given where impressions are needed"):
        ia.write_report(path, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_inputs_of_two_families_are_not_mixed(opens: pd.DataFrame, tmp_path: Path) -> None:
    sent = loaded(truth.destinations(), "destinations", "publisher")
    with pytest.raises(ia.AnalysisError, match="destinations are of the family 'publisher' and the other rows of 'ms'"):
        ia.time_to_open(loaded(opens, "impressions"), sent)
    with pytest.raises(ia.AnalysisError, match="family 'publisher'"):
        ia.write_report(loaded(opens, "impressions"), tmp_path / "report.html", destinations=sent)


def test_mail_is_mature_by_the_end_of_the_certificate_and_not_by_the_latest_impression() -> None:
    opens = pd.DataFrame({"timestamp": pd.to_datetime(["2026-01-05 09:30"]), "destination": [112]})
    opens["useragent"] = truth.OUTLOOK
    sent = pd.DataFrame({"ID": [112], "mailing": [412], "timestampsent": pd.to_datetime(["2026-01-05 09:00"])})
    assert not ia.open_decay(opens, sent)["mature"].any()
    for end, mature in (("2026-06-05 00:00:00", True), ("2026-01-12 09:00:00", True), ("2026-01-12 08:59:59", False)):
        assert ia.open_decay(loaded(opens, "impressions", end=end), sent)["mature"].all() == mature
    known = loaded(opens, "impressions", end="2026-06-05 00:00:00")
    assert not ia.open_decay(known, sent, as_of="2026-01-06")["mature"].any()
    assert ia.open_decay(known, sent).attrs["known_until"] == "2026-06-05 00:00:00"
    assert ia.open_decay(known, sent, as_of="2026-01-06").attrs["known_until"] == "2026-01-06 00:00:00"
    assert ia.open_decay(opens, sent).attrs["known_until"] == "the latest impression"


@pytest.mark.parametrize("analysis", [ia.open_decay, ia.impressions_by_hour_of_week])
def test_a_lazy_table_is_asked_until_when_its_impressions_are_known(analysis: Any) -> None:
    opens = ibis.memtable(pa.Table.from_pandas(truth.impressions(), preserve_index=False))
    with pytest.raises(ia.InvalidArgumentError, match="as_of is needed: an Ibis table or Spark frame does not say"):
        analysis(opens, destinations=truth.destinations())


def test_an_archive_and_a_snapshot_know_until_when_their_impressions_are_known(tmp_path: Path) -> None:
    account = Account()
    account.add("impressions", archived(3, begin="2026-01-05"))
    archive = archive_at(tmp_path / "archive")
    archive.sync(account)
    known = archive.read()
    snapshot = ia.write_snapshot(known, tmp_path / "opens.parquet")
    end = pd.Timestamp(known.attrs["load"]["end"])
    assert end > known["timestamp"].max() + pd.Timedelta(days=1)
    for data in (known, archive, snapshot, tmp_path / "archive" / "impressions"):
        assert known_until(data, "impressions") == end


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1 this is no Parquet file PAR1")
    with pytest.raises(ia.DamagedFileError, match=r"damaged\.parquet cannot be read as Parquet"):
        ia.impressions_over_time(tmp_path / "damaged.parquet")
    with pytest.raises(ia.DamagedFileError, match=r"damaged\.parquet cannot be read as Parquet"):
        ia.human_opens(tmp_path / "damaged.parquet")


def test_files_of_different_columns_are_read_by_name(opens: pd.DataFrame, tmp_path: Path) -> None:
    opens.iloc[:5].to_parquet(tmp_path / "1.parquet")
    opens.iloc[5:].iloc[:, ::-1].assign(referer="x").to_parquet(tmp_path / "2.parquet")
    assert ia.impressions_over_time(tmp_path)["impressions"].sum() == 10
    assert ia.impressions_over_time(tmp_path, by="mailing")["impressions"].sum() == 10


def test_an_object_store_is_read_by_its_address(opens: pd.DataFrame) -> None:
    fsspec = pytest.importorskip("fsspec")
    with fsspec.open("memory://mail/2025/opens.parquet", "wb") as file:
        opens.astype({"useragent": "str", "device": "str"}).to_parquet(file)
    result = ia.impressions_over_time("memory://mail/2025/*.parquet", every="year")
    assert result["impressions"].tolist() == [3, 7]


def test_an_address_that_needs_packages_names_the_command_that_brings_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ia.InvalidArgumentError, match=r'pip install "\.\[s3\]"'):
        ia.impressions_over_time("oss://mail/opens.parquet")


def test_an_address_of_no_known_kind_is_refused() -> None:
    pytest.importorskip("fsspec")
    with pytest.raises(ia.InvalidArgumentError, match="carrier:// is no kind of address"):
        ia.impressions_over_time("carrier://mail/opens.parquet")


@pytest.mark.slow
def test_a_file_that_was_replaced_is_read_anew_and_several_threads_may_read(
    opens: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "opens.parquet"
    for rows in (10, 4):
        opens.iloc[:rows].to_parquet(path)
        with ThreadPoolExecutor(4) as threads:
            results = list(threads.map(lambda _: ia.impressions_over_time(path, by="mailing"), range(8)))
        assert [result["impressions"].sum() for result in results] == [rows] * 8


def test_integers_that_no_float_can_hold_come_through_every_way(opens: pd.DataFrame, tmp_path: Path) -> None:
    opens.to_parquet(tmp_path / "opens.parquet")
    for data in (opens, pl.from_pandas(opens), tmp_path / "opens.parquet"):
        by_profile = ia.impressions_over_time(data, every="year", by="profile")["profile"]
        assert by_profile.dtype == "Int64"
        assert by_profile.dropna().unique().tolist() == [1, 2, truth.BIG]


def test_a_subclass_of_a_pandas_frame_is_a_pandas_frame(opens: pd.DataFrame) -> None:
    class Opens(pd.DataFrame):
        pass

    assert len(ia.impressions_per_profile(Opens(opens))) == 3


def test_only_the_needed_columns_are_taken(opens: pd.DataFrame) -> None:
    unusable = opens.assign(ip=pd.Series([object()] * 10))
    assert ia.impressions_over_time(unusable)["impressions"].sum() == 10


def test_inputs_of_different_kinds_can_be_joined(opens: pd.DataFrame, tmp_path: Path) -> None:
    truth.destinations().to_parquet(tmp_path / "sent.parquet")
    expected = ia.time_to_open(opens, truth.destinations())
    pd.testing.assert_frame_equal(ia.time_to_open(opens, tmp_path / "sent.parquet"), expected)
    pd.testing.assert_frame_equal(
        ia.time_to_open(pl.from_pandas(opens), pl.from_pandas(truth.destinations())), expected
    )


def test_a_column_to_group_by_that_nobody_knows_keeps_its_type(opens: pd.DataFrame) -> None:
    more = opens.assign(region=["north", None] * 5, wave=pd.array([1, None] * 5, dtype="Int16"))
    source = open_input(more, RequiredColumns("impressions", (), by=("region", "wave")))
    assert {name: str(type_) for name, type_ in source.table.schema().items()} == {"region": "string", "wave": "int16"}
    result = ia.human_opens(more, by=["region", "wave"])
    assert result[["region", "wave", "impressions"]].astype(object).where(result.notna(), None).to_numpy().tolist() == [
        ["north", 1, 5], [None, None, 5],
    ]  # fmt: skip


def test_importing_the_analyses_loads_no_engine() -> None:
    code = "import sys, impressions_analytics.analytics; print({'ibis', 'duckdb', 'polars'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert out.stdout.strip() == "set()"


def test_nanoseconds_are_cut_to_the_period_they_lie_in() -> None:
    frame = truth.impressions().iloc[:1]
    late = frame.assign(timestamp=np.array(["2025-01-01 23:59:59.999999999"], dtype="datetime64[ns]"))
    for data in (late, pl.from_pandas(late)):
        for by in (None, "mailing"):
            assert ia.impressions_over_time(data, by=by)["period"].tolist() == [pd.Timestamp("2025-01-01")]
