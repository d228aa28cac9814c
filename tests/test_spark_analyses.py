"""Every analysis gives on Spark what was counted by hand, in whatever zone the session is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import analytics_truth as truth
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import impressions_analytics as ia
from impressions_analytics.columns import arrow_schema

pytest.importorskip("pyspark", reason="needs the extra: pip install 'impressions_analytics[spark]', and Java 17")

pytestmark = [
    pytest.mark.spark,
    # PySpark's gateway leaves its sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
ZONES = ("Europe/Amsterdam", "America/New_York")


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    from pyspark.sql import SparkSession

    options = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "3", "spark.log.level": "ERROR"}
    builder = SparkSession.builder.master("local[2]").appName("impressions")
    for name, value in options.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


def read(spark: Any, kind: Any, frame: pd.DataFrame, folder: Path) -> Any:
    """What Spark reads from an archive: two files, with what belongs together torn apart."""
    schema = pa.schema([arrow_schema(kind).field(name) for name in frame.columns])
    for number, part in enumerate((frame.iloc[:5], frame.iloc[5:])):
        pq.write_table(pa.Table.from_pandas(part, preserve_index=False).cast(schema), folder / f"{number}.parquet")
    return spark.read.parquet(str(folder))


@pytest.fixture(scope="module")
def opens(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return read(spark, "impressions", truth.impressions(), tmp_path_factory.mktemp("opens"))


def pandas(result: Any) -> pd.DataFrame:
    if isinstance(result, pd.DataFrame):
        return result
    return result.toArrow().to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)


@pytest.mark.parametrize("case", truth.CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("zone", ZONES)
def test_spark_gives_what_was_counted_by_hand(spark: Any, opens: Any, case: truth.Case, zone: str) -> None:
    spark.conf.set("spark.sql.session.timeZone", zone)
    result = case.run(opens)
    assert spark.conf.get("spark.sql.session.timeZone") == zone
    truth.check(case, pandas(result))


@pytest.mark.parametrize("case", truth.CASES, ids=lambda case: case.name)
def test_spark_gives_the_same_for_instants_that_its_session_shows(spark: Any, opens: Any, case: truth.Case) -> None:
    spark.conf.set("spark.sql.session.timeZone", "Asia/Kathmandu")
    instants = opens.withColumn("timestamp", opens["timestamp"].cast("timestamp"))
    assert dict(instants.dtypes)["timestamp"] == "timestamp"
    truth.check(case, pandas(case.run(instants)))


@pytest.mark.parametrize("case", truth.CASES, ids=lambda case: case.name)
def test_an_empty_spark_frame_gives_an_empty_result(opens: Any, case: truth.Case) -> None:
    empty = pandas(case.run(opens.where("false")))
    expected = case.run(truth.impressions().iloc[:0])
    assert list(empty.columns) == list(expected.columns)
    assert len(empty) == len(expected)


def test_spark_results_are_lazy_spark_frames_without_zones(opens: Any) -> None:
    from pyspark.sql import DataFrame

    result = ia.impressions_over_time(opens, every="month")
    assert isinstance(result, DataFrame)
    assert dict(result.dtypes) == {
        "period": "timestamp_ntz", "impressions": "bigint", "destinations": "bigint", "profiles": "bigint",
    }  # fmt: skip


def test_spark_frames_can_be_joined_with_each_other(spark: Any, opens: Any, tmp_path: Path) -> None:
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    sent = read(spark, "destinations", truth.destinations(), tmp_path)
    result = ia.time_to_open(opens, sent, by="mailing")
    assert [row.unique_opens for row in result.collect()] == [3, 3]


def test_spark_refuses_a_missing_column_like_every_engine(opens: Any) -> None:
    with pytest.raises(ia.MissingColumnError, match="the impressions have no column 'destination'"):
        ia.impressions_over_time(opens.drop("destination"))
