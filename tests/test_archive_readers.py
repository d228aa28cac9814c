"""Every engine that is installed reads an archive's files, and a snapshot, with the same rows and types."""

from pathlib import Path

import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from archive_account import Account, archive_at, opens

import impressions_analytics as ia


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An archive of 1200 impressions in three months, with a sync cut short beside it: a piece and a half file."""
    path = tmp_path_factory.mktemp("readers")
    account = Account()
    account.add("impressions", opens(1200))
    archive_at(path).sync(account)
    leftovers = path / "impressions" / ".pending"
    leftovers.mkdir(exist_ok=True)
    (leftovers / "20260301T000000-20260302T000000-all.piece").write_bytes(b"half")
    (path / "impressions" / "month=2026-01" / ".impressions-2026-01.parquet.x.tmp").write_bytes(b"half")
    return path / "impressions"


EXPECTED = {"rows": 1200, "ids": 1200 * 1201 // 2, "last": "2026-02-19 23:00:00"}


def figures(rows, ids, last):
    return {"rows": int(rows), "ids": int(ids), "last": str(last)[:19]}


def read_with_pandas(folder):
    frame = pd.read_parquet(folder)
    assert str(frame["timestamp"].dtype) == "datetime64[us]"
    return figures(len(frame), frame["ID"].sum(), frame["timestamp"].max())


def read_with_pyarrow(folder):
    table = ds.dataset(folder, partitioning="hive").to_table().to_pandas()
    assert set(table["month"]) == {"2026-01", "2026-02"}
    return figures(len(table), table["ID"].sum(), table["timestamp"].max())


def read_with_polars(folder):
    polars = pytest.importorskip("polars")
    frame = polars.scan_parquet(folder / "**/*.parquet").collect()
    assert frame.schema["timestamp"] == polars.Datetime("us") and frame.schema["useragent"] == polars.String
    return figures(frame.height, frame["ID"].sum(), frame["timestamp"].max())


def read_with_duckdb(folder):
    import duckdb

    query = f"SELECT count(*), sum(ID), max(timestamp), any_value(typeof(timestamp)) FROM '{folder}/**/*.parquet'"
    rows, ids, last, kind = duckdb.sql(query).fetchall()[0]
    assert kind == "TIMESTAMP"
    return figures(rows, ids, last)


@pytest.mark.parametrize("read", [read_with_pandas, read_with_pyarrow, read_with_polars, read_with_duckdb])
def test_an_engine_reads_the_archive(folder, read):
    assert read(folder) == EXPECTED


@pytest.mark.spark
@pytest.mark.filterwarnings("ignore")
def test_spark_reads_the_archive(folder):
    sql = pytest.importorskip("pyspark.sql")
    session = (
        sql.SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    try:
        frame = session.read.parquet(str(folder))
        assert dict(frame.dtypes)["timestamp"] == "timestamp_ntz"
        [row] = frame.selectExpr("count(*) AS rows", "sum(ID) AS ids", "max(timestamp) AS last").collect()
        assert figures(row["rows"], row["ids"], row["last"]) == EXPECTED
    finally:
        session.stop()


def test_no_column_is_int96_or_nanoseconds_and_every_file_has_one_schema(folder):
    schemas = [pq.read_schema(file) for file in sorted(folder.rglob("*.parquet"))]
    assert len(schemas) == 3 and all(schema == schemas[0] for schema in schemas)
    for file in folder.rglob("*.parquet"):
        kinds = {str(column.logical_type) for column in pq.ParquetFile(file).schema}
        assert "INT96" not in {column.physical_type for column in pq.ParquetFile(file).schema}
        assert not any("nanoseconds" in kind for kind in kinds)


def test_one_file_of_an_archive_is_a_snapshot_too(folder):
    frame = ia.read_snapshot(folder / "month=2026-02" / "impressions-2026-02.parquet")
    assert list(frame["ID"]) == list(range(745, 1201))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="only Linux tells what a process has read")
def test_a_month_of_an_archive_of_three_years_is_read_from_its_file_and_the_footers_of_the_others(tmp_path):
    account = Account()
    account.add("impressions", opens(36_000, begin="2023-01-01", every="44min"))
    archive = archive_at(tmp_path, "2026-01-05 12:00")
    archive.sync(account, begin="2023-01-01")
    sizes = {path.parent.name: path.stat().st_size for path in tmp_path.rglob("month=*/*.parquet")}
    archive.read(begin="2024-05-01", end="2024-05-02")  # what is read once for the process has been read
    start = _bytes_read()
    archive.certificate()
    footers = _bytes_read() - start
    month = archive.read(begin="2024-05-01", end="2024-06-01")
    rows = _bytes_read() - start - 2 * footers
    assert len(sizes) == 37 and (month["mailing"] == 400).sum() > 500
    assert rows <= 2 * sizes["month=2024-05"] < sum(sizes.values()) / 10


def _bytes_read() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])
