"""What is exported is whole, flat, and what tools for reports can open."""

import datetime as dt
import json
import re
import sys
import zipfile

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archive_account import Account, archive_at, opens

import impressions_analytics as ia
from impressions_analytics.archive import spreadsheets
from impressions_analytics.archive.privacy import pseudonym

KEY = b"0123456789abcdef"


@pytest.fixture
def archive(tmp_path):
    account = Account()
    account.add("impressions", opens(800))
    made = archive_at(tmp_path / "archive")
    made.sync(account)
    return made


COLUMNS = [
    "impression_id", "mailing_id", "opened_at", "opened_on", "ip_address", "user_agent", "copernica_device",
    "destination_id", "profile_id", "subprofile_id",
]  # fmt: skip
ALL_OF = {"impressions": 800, "mailings": 2, "calendar": 365, "user_agents": 1, "recipients": 100}


def test_parquet_is_one_flat_file_per_table_with_the_rows_of_the_archive(archive, tmp_path):
    result = archive.export(tmp_path / "bi")
    assert result.tables == ALL_OF
    assert {file.name for file in (tmp_path / "bi").iterdir()} == {
        "datapackage.json", *(f"{table}.parquet" for table in ALL_OF)
    }  # fmt: skip
    flat = pd.read_parquet(tmp_path / "bi/impressions.parquet")
    assert list(flat["impression_id"]) == list(range(1, 801)) and list(flat.columns) == COLUMNS
    agents = pd.read_parquet(tmp_path / "bi/user_agents.parquet")
    assert agents.loc[0, "user_agent"] == "Mozilla/5.0" and agents.loc[0, "open_kind"] == "prefetch"
    assert str(result).endswith("1 user_agents, 100 recipients (parquet)")


def test_an_export_read_as_a_snapshot_is_said_to_be_an_export(archive, tmp_path):
    archive.export(tmp_path / "bi")
    for name in ("impressions", "user_agents"):
        with pytest.raises(ia.ArchiveError, match=rf"{name}\.parquet is an export.*pandas\.read_parquet"):
            ia.read_snapshot(tmp_path / "bi" / f"{name}.parquet")


def test_csv_opens_with_the_same_values(archive, tmp_path):
    archive.export(tmp_path / "bi", format="csv")
    flat = pd.read_csv(tmp_path / "bi/impressions.csv", parse_dates=["opened_at"])
    assert list(flat["impression_id"]) == list(range(1, 801))
    assert str(flat.loc[0, "opened_at"]) == "2026-01-01 00:00:00" and flat["subprofile_id"].isna().all()


def test_a_duckdb_file_has_the_tables_and_ready_views(archive, tmp_path):
    result = archive.export(tmp_path / "bi.duckdb", format="duckdb")
    archive.export(tmp_path / "bi.duckdb", format="duckdb")  # again over the old one
    assert result.tables["impressions"] == 800
    with duckdb.connect(str(tmp_path / "bi.duckdb"), read_only=True) as connection:
        assert connection.sql("SELECT count(*) FROM impressions").fetchall() == [(800,)]
        first = connection.sql("SELECT * FROM impressions_over_time LIMIT 1").fetchall()
        assert first == [(dt.date(2026, 1, 1), "prefetch", 24, 24, 24)]
        found = connection.sql("SELECT * FROM user_agent_breakdown").fetchall()
        assert found == [("Apple Mail", "prefetch", 800, 1.0, 800)]
    assert [file.name for file in tmp_path.iterdir() if file.name != "archive"] == ["bi.duckdb"]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("format", ["parquet", "csv", "duckdb"])
def test_a_join_with_the_user_agents_keeps_rows_that_have_none(tmp_path, format):
    account = Account()
    rows = opens(10)
    rows["useragent"] = pd.Series(["Mozilla/5.0"] * 6 + [None] * 3 + [""], dtype="str").astype("category")
    account.add("impressions", rows)
    account.add("clicks", rows.drop(columns="device").assign(link="https://example.com/offer"))
    made = archive_at(tmp_path / "archive")
    made.sync(account, kinds=("impressions", "clicks"))
    place = tmp_path / ("bi.duckdb" if format == "duckdb" else "bi")
    result = made.export(place, format=format)
    assert [result.tables[name] for name in ("impressions", "clicks", "user_agents")] == [10, 10, 2]
    with duckdb.connect(str(place) if format == "duckdb" else ":memory:") as connection:
        names = {name: name if format == "duckdb" else f"'{place}/{name}.{format}'" for name in result.tables}
        for kind in ("impressions", "clicks"):
            query = "SELECT open_kind, count(*) FROM {} JOIN {} USING (user_agent) GROUP BY 1"
            found = dict(connection.sql(query.format(names[kind], names["user_agents"])).fetchall())
            assert found == {"prefetch": 6, "unknown": 4}
        if format == "duckdb":
            view = "SELECT sum(impressions) FROM user_agent_breakdown"
            assert connection.sql(view).fetchall() == [(10,)]


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("wall", "instant"),
    [
        ("2026-01-05 12:00:00", "2026-01-05 11:00:00+00:00"),
        ("2026-07-05 12:00:00", "2026-07-05 10:00:00+00:00"),
        ("2026-10-25 02:30:00", "2026-10-25 00:30:00+00:00"),  # comes twice: the first
        ("2026-03-29 02:30:00", "2026-03-29 01:00:00+00:00"),  # never came: the moment after
    ],
)
def test_utc_writes_instants_and_says_the_zone(tmp_path, wall, instant):
    account = Account()
    account.add("impressions", opens(1, begin=wall))
    archive = archive_at(tmp_path / "archive", "2026-12-01 00:00", timezone="Europe/Amsterdam")
    archive.sync(account)
    archive.export(tmp_path / "bi", utc=True)
    table = pq.read_table(tmp_path / "bi/impressions.parquet")
    assert str(table.schema.field("opened_at").type) == "timestamp[us, tz=UTC]"
    assert str(table["opened_at"][0].as_py()) == instant


def test_pseudonyms_are_the_same_in_every_table_and_the_key_is_in_no_file(archive, tmp_path):
    result = archive.export(tmp_path / "bi", pseudonym_key=KEY)
    flat = pd.read_parquet(tmp_path / "bi/impressions.parquet")
    assert flat.loc[0, "destination_id"] == pseudonym(1, "destination", KEY)
    assert flat.loc[0, "profile_id"] == pseudonym(1, "profile", KEY)
    assert set(flat["ip_address"]) == {"192.0.2.0"}
    assert result.pseudonymised
    for file in (tmp_path / "bi").iterdir():
        assert KEY not in file.read_bytes()
    with pytest.raises(ia.InvalidArgumentError, match="pseudonym_key holds 5 bytes, and a key needs 16"):
        archive.export(tmp_path / "bi", pseudonym_key=b"short")


def test_an_export_does_not_lie_between_the_archives_files(archive, tmp_path):
    with pytest.raises(ia.InvalidArgumentError, match="lies inside the archive; export to its folder 'exports'"):
        archive.export(tmp_path / "archive" / "impressions")
    for name, format in (("mail.xlsx", "excel"), ("mail.DuckDB", "duckdb")):
        with pytest.raises(ia.InvalidArgumentError, match=f"named as one file, and parquet .*; use format '{format}'"):
            archive.export(tmp_path / name)
        assert not (tmp_path / name).exists()
    with pytest.raises(ia.InvalidArgumentError, match="'xlsx' is no format; use one of parquet, csv, duckdb, excel"):
        archive.export(tmp_path / "bi", format="xlsx")
    archive.export(tmp_path / "archive" / "exports" / "bi")
    assert archive.verify().ok and len(archive.read()) == 800


def test_no_cell_of_a_csv_file_is_run_by_a_spreadsheet_and_rows_still_join(tmp_path):
    account = Account()
    account.add("impressions", opens(2, useragent='=HYPERLINK("https://example.com")'))
    made = archive_at(tmp_path / "archive")
    made.sync(account)
    made.export(tmp_path / "bi", format="csv")
    for table in ("impressions", "user_agents"):
        text = pd.read_csv(tmp_path / f"bi/{table}.csv")["user_agent"]
        assert set(text) == {'\'=HYPERLINK("https://example.com")'}


def test_csv_is_what_excel_opens_rightly(archive, tmp_path):
    archive.export(tmp_path / "bi", format="csv")
    text = (tmp_path / "bi/impressions.csv").read_bytes()
    assert text.startswith(b'\xef\xbb\xbf"impression_id",')
    assert b',"2026-01-01 00:00:00",' in text.splitlines()[1]
    package = json.loads((tmp_path / "bi/datapackage.json").read_text())
    assert package["profile"] == "tabular-data-package"
    assert {table["profile"] for table in package["resources"]} == {"tabular-data-resource"}
    archive.export(tmp_path / "utc", format="csv", utc=True)
    assert b',"2026-01-01 00:00:00Z",' in (tmp_path / "utc/impressions.csv").read_bytes().splitlines()[1]


def sheet_of(path, name):
    """The cells of a sheet, as Excel would read its file: texts as text, numbers and moments as numbers."""
    with zipfile.ZipFile(path) as book:
        names = re.findall(r'<sheet name="([^"]+)"', book.read("xl/workbook.xml").decode())
        xml = book.read(f"xl/worksheets/sheet{names.index(name) + 1}.xml").decode()
    assert "<f>" not in xml
    return [
        re.findall(r"<c [^>]*>(?:<is><t[^>]*>([^<]*)</t></is>|<v>([^<]*)</v>)</c>", row)
        for row in re.findall(r"<row [^>]*>(.*?)</row>", xml)
    ]


def test_excel_is_one_workbook_with_a_sheet_per_table(tmp_path):
    account = Account()
    account.add("impressions", opens(3, useragent='=HYPERLINK("https://example.com")'))
    made = archive_at(tmp_path / "archive")
    made.sync(account)
    result = made.export(tmp_path / "opens.xlsx", format="excel")
    assert [result.tables[name] for name in ("impressions", "user_agents")] == [3, 1]
    heading, first, *_ = sheet_of(tmp_path / "opens.xlsx", "impressions")
    assert [text for text, _ in heading] == COLUMNS
    # ID, mailing, 2026-01-01 as Excel counts days (as a moment and as a day), the address, the user agent as text and
    # no formula, device, destination, profile
    assert first == [
        ("", "1"), ("", "401"), ("", "46023"), ("", "46023"), ("192.0.2.1", ""),
        ('=HYPERLINK("https://example.com")', ""),
        ("mobile", ""), ("", "1"), ("", "1"),
    ]  # fmt: skip
    assert sorted(place.name for place in tmp_path.iterdir()) == ["archive", "opens.xlsx"]


def test_excel_refuses_what_it_cannot_hold(archive, tmp_path, monkeypatch):
    with pytest.raises(ia.InvalidArgumentError, match=r"must end in \.xlsx"):
        archive.export(tmp_path / "opens", format="excel")
    monkeypatch.setattr(spreadsheets, "MOST_ROWS", 799)
    with pytest.raises(ia.InvalidArgumentError, match=r"impressions has more than 799 rows.*use --format parquet"):
        archive.export(tmp_path / "opens.xlsx", format="excel")
    assert [place.name for place in tmp_path.iterdir()] == ["archive"]
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(ia.InvalidArgumentError, match=r"pip install 'impressions_analytics\[excel\]'"):
        archive.export(tmp_path / "opens.xlsx", format="excel")


def test_what_excel_has_no_number_for_is_text(tmp_path):
    strange = pa.table({
        "ID": [2**62], "at": pa.array([dt.datetime(1899, 1, 1)], pa.timestamp("us")), "text": ["x" * 40_000],
    })  # fmt: skip
    assert spreadsheets.write_excel({"strange": lambda: iter([strange])}, tmp_path / "a.xlsx") == {"strange": 1}
    _, first = sheet_of(tmp_path / "a.xlsx", "strange")
    assert [text[:19] for text, _ in first] == [str(2**62), "1899-01-01 00:00:00", "x" * 19]
    assert (len(first[2][0]), first[2][0][-1]) == (32_767, "…")


@pytest.mark.slow
@pytest.mark.parametrize(("plain", "format"), [("csv", "parquet"), ("parquet", "csv")])
def test_pseudonyms_are_not_written_beside_tables_that_name_people(archive, tmp_path, plain, format):
    archive.export(tmp_path / "bi", format=plain)
    before = sorted((place.name, place.stat().st_mtime_ns) for place in (tmp_path / "bi").iterdir())
    with pytest.raises(ia.InvalidArgumentError, match=rf"holds .*\.{plain} of another export, which may name people"):
        archive.export(tmp_path / "bi", format=format, pseudonym_key=KEY)
    assert sorted((place.name, place.stat().st_mtime_ns) for place in (tmp_path / "bi").iterdir()) == before
    archive.export(tmp_path / "shared", format=format, pseudonym_key=KEY)
    archive.export(tmp_path / "shared", format=format, pseudonym_key=KEY)  # again over its own
