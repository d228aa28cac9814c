"""Every analysis gives what was counted by hand, whatever holds the data."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import analytics_truth as truth
import ibis
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from impressions_analytics.columns import arrow_schema


def arrow(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False)


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The same rows as other tools would have them: plain texts, nanoseconds, narrow and nullable integers."""
    narrow = frame.astype({"mailing": "Int32", "destination": "int32", "useragent": object, "device": "str"})
    return narrow.assign(timestamp=narrow["timestamp"].astype("datetime64[ns]")).iloc[:, ::-1]


def views(frame: pd.DataFrame) -> pa.Table:
    """The user agents as Arrow's newest sort of text."""
    texts = pa.array(frame["useragent"].astype("str").to_list(), pa.string_view(), from_pandas=True)
    return arrow(frame).set_column(frame.columns.get_loc("useragent"), "useragent", texts)


def views_of_categories(frame: pd.DataFrame) -> pa.Table:
    return views(frame).set_column(
        frame.columns.get_loc("useragent"), "useragent", views(frame).column("useragent").dictionary_encode()
    )


def parquet(frame: pd.DataFrame, folder: Path) -> Path:
    """Two files, with what belongs together torn apart."""
    schema = pa.schema([arrow_schema("impressions").field(name) for name in frame.columns])
    for number, part in enumerate((frame.iloc[:5], frame.iloc[5:])):
        pq.write_table(arrow(part).cast(schema), folder / f"{number}.parquet", row_group_size=2)
    return folder


class Archive:
    """What an archive shows the analyses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def scan(self, kind: str) -> Any:
        assert kind == "impressions"
        return ibis.duckdb.connect().read_parquet(f"{self.folder}/*.parquet")


ENGINES: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "pandas": lambda frame, folder: frame,
    "plain pandas": lambda frame, folder: plain(frame),
    "Polars": lambda frame, folder: pl.from_pandas(frame),
    "lazy Polars": lambda frame, folder: pl.from_pandas(frame).lazy(),
    "Arrow": lambda frame, folder: arrow(frame),
    "Arrow views": lambda frame, folder: views(frame),
    "Arrow views of categories": lambda frame, folder: views_of_categories(frame),
    "Parquet folder": parquet,
    "Parquet glob": lambda frame, folder: f"{parquet(frame, folder)}/*.parquet",
    "Archive": lambda frame, folder: Archive(parquet(frame, folder)),
    "Ibis": lambda frame, folder: ibis.memtable(arrow(frame)),
    "Ibis on DuckDB": lambda frame, folder: Archive(parquet(frame, folder)).scan("impressions"),
}  # fmt: skip


ALIKE = {
    "pandas",
    "plain pandas",
    "Polars",
    "lazy Polars",
    "Arrow",
    "Arrow views",
    "Arrow views of categories",
    "Parquet glob",
    "Ibis",
    "Ibis on DuckDB",
    "Archive",
}  # each goes the way of another that is always tested


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=[pytest.mark.slow] * (name in ALIKE)) for name in ENGINES]
)
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return ENGINES[request.param](truth.impressions(), tmp_path_factory.mktemp("engine"))


@pytest.mark.parametrize("case", truth.CASES, ids=lambda case: case.name)
def test_every_engine_gives_what_was_counted_by_hand(case: truth.Case, data: Any) -> None:
    result = case.run(data)
    if isinstance(result, ibis.Table):
        result = result.to_pyarrow().to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    truth.check(case, result)


@cache
def of_pandas(case: truth.Case) -> pd.DataFrame:
    return case.run(truth.impressions())


@pytest.mark.parametrize("case", truth.CASES, ids=lambda case: case.name)
def test_a_frame_gives_what_was_counted_by_hand_in_any_order_and_is_not_changed(case: truth.Case) -> None:
    frame = truth.impressions()
    before = frame.copy(deep=True)
    backwards = frame.iloc[::-1]
    truth.check(case, of_pandas(case))
    pd.testing.assert_frame_equal(case.run(backwards), of_pandas(case))
    pd.testing.assert_frame_equal(backwards.iloc[::-1], before)


@pytest.mark.parametrize("case", truth.CASES, ids=lambda case: case.name)
def test_an_empty_frame_gives_the_same_columns_and_types(case: truth.Case) -> None:
    full, empty = of_pandas(case), case.run(truth.impressions().iloc[:0])
    assert list(empty.columns) == list(full.columns)
    as_text = {name: str(dtype) for name, dtype in full.dtypes.items()}
    assert {name: str(dtype) for name, dtype in empty.dtypes.items()} == as_text


@pytest.mark.slow
@pytest.mark.parametrize("case", truth.CASES, ids=lambda case: case.name)
def test_a_frame_of_one_row_is_enough(case: truth.Case) -> None:
    assert len(case.run(truth.impressions().iloc[1:2])) >= 1 or case.name == "unrecognised"


@pytest.mark.parametrize("case", truth.CASES, ids=lambda case: case.name)
def test_ibis_tables_give_ibis_tables_that_are_not_yet_computed(case: truth.Case) -> None:
    if case.name == "dominant results":
        pytest.skip("its first input is the destinations")
    assert isinstance(case.run(ibis.memtable(arrow(truth.impressions()))), ibis.Table)
