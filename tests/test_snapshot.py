"""A snapshot gives back exactly the frame that was written, or says why not."""

import json
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import impressions_analytics as ia
from impressions_analytics.columns import KINDS, PANDAS_TYPES, columns_of
from impressions_analytics.parquet.tables import identify
from impressions_analytics.sandbox import Sandbox

EXAMPLES = {
    "integer": [3, 1, 2**53 + 1],
    "timestamp": ["2026-03-29 02:30:00", "2026-01-05 09:00:00", "1999-12-31 23:59:59"],
    "text": ["x", "", "é☃"],
    "category": ["Zeta/1", "", "Mozilla/5.0"],
    "address": ["2a03:e280:0:1::1", "192.0.2.1", "::"],
    "boolean": [True, False, True],
    "json": ["{}", '{"a": 1}', "[]"],
}


def frame_of(kind, family="ms", *, nulls=False):
    """Three rows with invented values of every column's type; the middle one null where it may be."""
    columns = {}
    for column in columns_of(kind, family):
        values = list(EXAMPLES[column.type])
        if nulls and column.nullable:
            values[1] = None
        if column.type == "category":
            used = sorted({value for value in values if value is not None})
            columns[column.name] = pd.Categorical(values, categories=pd.Index(used, dtype="str"))
        else:
            columns[column.name] = pd.Series(values, dtype=PANDAS_TYPES[column.type, column.nullable])
    return pd.DataFrame(columns)


@pytest.mark.parametrize("family", ["ms", "publisher"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("nulls", [False, True])
@pytest.mark.parametrize("rows", [0, 3])
def test_every_kind_comes_back_identical(tmp_path, kind, family, nulls, rows):
    frame = frame_of(kind, family, nulls=nulls).head(rows)
    for name in frame.select_dtypes("category"):
        frame[name] = frame[name].cat.remove_unused_categories()
    frame.attrs["load"] = {
        "kind": kind,
        "family": family,
        "rows": rows,
        "verdict": "complete",
        "zone": "Europe/Amsterdam",
    }
    back = ia.read_snapshot(ia.write_snapshot(frame, tmp_path / "rows.parquet"))
    pd.testing.assert_frame_equal(back, frame)
    assert back.attrs == frame.attrs


rows_of_impressions = st.lists(
    st.tuples(
        st.integers(1, 2**63 - 1),
        st.integers(1, 10**6),
        st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
        st.none() | st.ip_addresses().map(str),
        st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        st.none() | st.sampled_from(["desktop", "tablet", "mobile", "unknown"]),
        st.integers(1, 2**63 - 1),
        st.none() | st.integers(1, 2**63 - 1),
        st.none() | st.integers(1, 2**63 - 1),
    ),
    max_size=20,
)


@given(rows_of_impressions)
def test_any_impressions_come_back_identical(tmp_path_factory, rows):
    columns = columns_of("impressions")
    frame = pd.DataFrame(rows, columns=[column.name for column in columns], dtype=object)
    for column in columns:
        if column.type == "category":
            used = sorted({value for value in frame[column.name] if value is not None})
            frame[column.name] = pd.Categorical(frame[column.name], categories=pd.Index(used, dtype="str"))
        else:
            frame[column.name] = frame[column.name].astype(column.pandas_type)
    path = ia.write_snapshot(frame, tmp_path_factory.mktemp("any") / "rows.parquet")
    pd.testing.assert_frame_equal(ia.read_snapshot(path), frame)


def test_some_columns_come_in_the_order_asked(tmp_path):
    path = ia.write_snapshot(frame_of("impressions"), tmp_path / "rows.parquet")
    assert list(ia.read_snapshot(path, columns=["profile", "ID"]).columns) == ["profile", "ID"]
    with pytest.raises(ia.InvalidArgumentError, match="no column 'colour'; it has ID, mailing"):
        ia.read_snapshot(path, columns=["colour"])


def test_a_filtered_frame_keeps_no_text_of_the_rows_that_were_dropped(tmp_path):
    frame = frame_of("impressions")
    path = ia.write_snapshot(frame[frame["useragent"] != "Zeta/1"], tmp_path / "rows.parquet")
    back = ia.read_snapshot(path)
    assert list(back["useragent"].cat.categories) == ["", "Mozilla/5.0"]
    assert list(back.index) == [0, 1]
    assert b"Zeta" not in path.read_bytes()


def test_many_row_groups_keep_categories_sorted(tmp_path, monkeypatch):
    monkeypatch.setattr("impressions_analytics.parquet.layout.ROWS_PER_GROUP", 1)
    frame = frame_of("impressions", nulls=True)
    path = ia.write_snapshot(frame, tmp_path / "rows.parquet")
    assert pq.read_metadata(path).num_row_groups == 3
    pd.testing.assert_frame_equal(ia.read_snapshot(path), frame)


def test_the_schema_on_disk_is_plain_strings_and_microseconds_and_never_int96(tmp_path):
    path = ia.write_snapshot(frame_of("impressions"), tmp_path / "rows.parquet")
    schema = pq.read_schema(path)
    assert schema.field("timestamp").type == pa.timestamp("us")
    assert schema.field("useragent").type == pa.string()
    physical = {column.name: column.physical_type for column in pq.ParquetFile(path).schema}
    assert physical["timestamp"] == "INT64" and "INT96" not in physical.values()
    assert not schema.field("ID").nullable and schema.field("profile").nullable


def test_provenance_stands_in_the_file_as_json(tmp_path):
    frame = frame_of("clicks")
    frame.attrs["load"] = {"kind": "clicks", "family": "ms", "zone": "Europe/Amsterdam", "rows": 3}
    path = ia.write_snapshot(frame, tmp_path / "rows.parquet")
    found = json.loads(pq.read_metadata(path).metadata[b"impressions_analytics"])
    assert (found["kind"], found["family"], found["zone"], found["load"]["rows"]) == (
        "clicks",
        "ms",
        "Europe/Amsterdam",
        3,
    )
    assert found["written_by"] == f"impressions_analytics {ia.__version__}" and found["schema_version"] == 1


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_kind_is_found_from_the_columns(kind):
    assert identify(frame_of(kind)) == (kind, "ms")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="ip"), r"missing \['ip'\], too many none"),
        (lambda f: f.assign(client="x"), r"too many \['client'\]"),
        (lambda f: f.assign(ID=pd.array([1, None, 3], dtype="Int64")), "'ID' has 1 nulls of 3"),
        (lambda f: f.assign(profile=[1.5, 2.0, 3.0]), "'profile' is float64, expected Int64"),
        (lambda f: f.assign(timestamp=f["timestamp"].dt.tz_localize("UTC")), "zone UTC.*wall clock"),
        (lambda f: f.assign(timestamp="yesterday"), "'timestamp' is str, expected datetime64"),
    ],
)
def test_a_frame_that_is_not_typed_is_refused_and_nothing_is_written(tmp_path, change, message):
    with pytest.raises(ia.InvalidArgumentError, match=message):
        ia.write_snapshot(change(frame_of("impressions")), tmp_path / "rows.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_certificate_of_another_kind_is_refused(tmp_path):
    frame = frame_of("impressions")
    frame.attrs["load"] = {"kind": "clicks", "family": "ms"}
    with pytest.raises(ia.InvalidArgumentError, match=r"not those of clicks \(ms\): missing \['link'\]"):
        ia.write_snapshot(frame, tmp_path / "rows.parquet")
    frame.attrs["load"] = {"rows": np.int64(3)}
    with pytest.raises(ia.InvalidArgumentError, match="attrs\\['load'\\] holds a value that JSON cannot hold"):
        ia.write_snapshot(frame, tmp_path / "rows.parquet")


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = ia.write_snapshot(frame_of("impressions"), tmp_path / "rows.parquet")
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ia.ArchiveError, match=r"rows.parquet could not be written: No space left.*unchanged"):
        ia.write_snapshot(frame_of("impressions").head(1), path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(ia.ArchiveError, match="could not be written: No such file or directory"):
        ia.write_snapshot(frame_of("impressions"), tmp_path / "nowhere" / "rows.parquet")


def test_a_file_cut_short_or_flipped_is_damaged_and_named(tmp_path):
    path = ia.write_snapshot(frame_of("impressions"), tmp_path / "rows.parquet")
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(ia.DamagedFileError, match=r"rows.parquet cannot be read as Parquet.*restore it"):
        ia.read_snapshot(path)
    path.write_bytes(whole[:4] + b"\xff" * 200 + whole[204:])
    with pytest.raises(ia.DamagedFileError, match=r"rows.parquet cannot be read as Parquet: Couldn.t.*restore it"):
        ia.read_snapshot(path)


def test_a_foreign_file_a_missing_file_and_a_newer_file_say_the_way_out(tmp_path):
    foreign = tmp_path / "foreign.parquet"
    frame_of("impressions").to_parquet(foreign)
    with pytest.raises(ia.ArchiveError, match=r"did not write it; read it with pandas\.read_parquet"):
        ia.read_snapshot(foreign)
    with pytest.raises(ia.ArchiveError, match=r"there is no file .*gone.parquet"):
        ia.read_snapshot(tmp_path / "gone.parquet")
    newer = tmp_path / "newer.parquet"
    table = pq.read_table(ia.write_snapshot(frame_of("impressions"), newer))
    note = json.loads(table.schema.metadata[b"impressions_analytics"]) | {"schema_version": 99, "written_by": "later"}
    pq.write_table(table.replace_schema_metadata({b"impressions_analytics": json.dumps(note)}), newer)
    with pytest.raises(ia.ArchiveError, match=r"schema version 99 .*pip install --upgrade"):
        ia.read_snapshot(newer)


def test_a_file_that_lies_about_its_columns_is_damaged(tmp_path):
    path = ia.write_snapshot(frame_of("impressions"), tmp_path / "rows.parquet")
    pq.write_table(pq.read_table(path).drop_columns("ip"), path)
    with pytest.raises(ia.DamagedFileError, match="says it holds impressions, but its column 'ip' is absent"):
        ia.read_snapshot(path)


@pytest.mark.parametrize("family", ["ms", "publisher"])
def test_a_loaded_frame_comes_back_identical_with_its_certificate(tmp_path, family):
    with Sandbox(impressions=800, seed=4) as box:
        loaded = ia.load_impressions(ia.Copernica(box.access_token, url=box.url), family=family)
    back = ia.read_snapshot(ia.write_snapshot(loaded, tmp_path / "opens.parquet"))
    pd.testing.assert_frame_equal(back, loaded, check_categorical=True)
    assert back.attrs["load"] == loaded.attrs["load"] and repr(back.attrs["load"]) == repr(loaded.attrs["load"])
