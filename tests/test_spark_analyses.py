"""Every analysis gives on Spark, classic and by Connect, what was counted by hand, whatever the session's zone."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
ZONE = "spark.sql.session.timeZone"


MASTER = os.environ.get("SPARK_MASTER", "local-cluster[2,1,1024]")
"""A standalone cluster: a master and two workers, each with a process of its own, all on this machine; or another."""


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def spark(port: int) -> Iterator[Any]:
    """A classic session, whose driver serves Spark Connect as well."""
    from pyspark.sql import SparkSession

    options = {
        "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "3", "spark.log.level": "ERROR",
        "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
        "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
        "spark.connect.grpc.binding.address": "127.0.0.1", "spark.connect.grpc.binding.port": str(port),
    }  # fmt: skip
    builder = SparkSession.builder.master(MASTER).appName("impressions")
    for name, value in options.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="module")
def connect(spark: Any, port: int) -> Iterator[Any]:
    from pyspark.sql.connect.session import SparkSession

    session = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").create()
    yield session
    session.client.close()


@pytest.fixture(scope="module", params=["spark", "connect"])
def session(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


def read(spark: Any, kind: Any, frame: pd.DataFrame, folder: Path) -> Any:
    """What Spark reads from an archive: two files, with what belongs together torn apart."""
    schema = pa.schema([arrow_schema(kind).field(name) for name in frame.columns])
    for number, part in enumerate((frame.iloc[:5], frame.iloc[5:])):
        pq.write_table(pa.Table.from_pandas(part, preserve_index=False).cast(schema), folder / f"{number}.parquet")
    return spark.read.parquet(str(folder))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("opens")


@pytest.fixture(scope="module")
def opens(spark: Any, folder: Path) -> Any:
    return read(spark, "impressions", truth.impressions(), folder)


def pandas(result: Any) -> pd.DataFrame:
    if isinstance(result, pd.DataFrame):
        return result
    return result.toArrow().to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)


@pytest.mark.parametrize("case", truth.CASES, ids=lambda case: case.name)
def test_spark_classic_and_connect_give_what_was_counted_by_hand(
    session: Any, opens: Any, folder: Path, case: truth.Case
) -> None:
    session.conf.set(ZONE, "America/New_York")
    truth.check(case, pandas(case.run(session.read.parquet(str(folder)))))
    assert session.conf.get(ZONE) == "America/New_York"


def test_a_result_is_the_same_in_whatever_zone_the_session_is_when_it_is_computed(
    session: Any, opens: Any, folder: Path
) -> None:
    """The clock goes from 01:59 to 03:00 there, and these opens came at half past two."""
    session.conf.set(ZONE, "UTC")
    rows = session.read.parquet(str(folder))
    instants = rows.withColumn("timestamp", rows["timestamp"].cast("timestamp"))
    results = [ia.impressions_over_time(frame.where("mailing = 2"), every="hour") for frame in (rows, instants)]
    expected = ia.impressions_over_time(truth.impressions().query("mailing == 2"), every="hour")
    for zone in ("America/New_York", "Europe/Amsterdam"):
        session.conf.set(ZONE, zone)
        for result in results:
            computed = pandas(result)
            assert computed["period"].tolist() == expected["period"].tolist()
            assert computed["impressions"].tolist() == expected["impressions"].tolist()


def test_eight_calls_in_four_threads_leave_the_session_as_it_was(session: Any, opens: Any, folder: Path) -> None:
    session.conf.set(ZONE, "Asia/Kathmandu")
    frame = session.read.parquet(str(folder))
    before = dict(session.conf.getAll) if hasattr(session.conf, "getAll") else {}
    case = next(case for case in truth.CASES if case.name == "kinds")
    with ThreadPoolExecutor(4) as threads:
        for result in threads.map(lambda _: pandas(case.run(frame)), range(8)):
            truth.check(case, result)
    assert session.conf.get(ZONE) == "Asia/Kathmandu"
    assert (dict(session.conf.getAll) if hasattr(session.conf, "getAll") else {}) == before
    assert session.catalog.listTables() == []


@pytest.mark.parametrize("case", truth.CASES, ids=lambda case: case.name)
def test_spark_gives_the_same_for_instants_that_its_session_shows(spark: Any, opens: Any, case: truth.Case) -> None:
    spark.conf.set(ZONE, "Asia/Kathmandu")
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
    spark.conf.set(ZONE, "America/New_York")
    sent = read(spark, "destinations", truth.destinations(), tmp_path)
    result = ia.time_to_open(opens, sent, by="mailing")
    assert [row.unique_opens for row in result.collect()] == [2, 1]


def test_spark_refuses_a_missing_column_like_every_engine(opens: Any) -> None:
    with pytest.raises(ia.MissingColumnError, match="the impressions have no column 'destination'"):
        ia.impressions_over_time(opens.drop("destination"))
