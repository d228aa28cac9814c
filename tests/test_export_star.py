"""An export is a star: its keys are keys, its relations hold, and its figures are those of the package."""

import json

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from archive_account import Account, archive_at, opens

import impressions_analytics as ia
from impressions_analytics.archive.model import DIMENSIONS, FACTS, fact_fields, log_fields
from impressions_analytics.columns import KINDS
from impressions_analytics.loader.log_columns import LOG_COLUMNS

KEY = b"0123456789abcdef"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """An archive of every kind, with its log files."""
    with ia.sandbox.Sandbox(impressions=900, emailings=3, seed=3, first_day="2026-09-20", last_day="2026-11-20") as box:
        made = ia.Archive(tmp_path_factory.mktemp("star") / "archive")
        made.sync(ia.Copernica(box.access_token, url=box.url), kinds=KINDS, logs=True)
    return made


@pytest.fixture(scope="module")
def star(archive, tmp_path_factory):
    place = tmp_path_factory.mktemp("star") / "mail.duckdb"
    archive.export(place, format="duckdb")
    with duckdb.connect(str(place), read_only=True) as connection:
        yield connection


def same(view, result):
    """Hold a view against what the function of the same name gives; keys have the names of the star."""
    wanted = result.rename(columns={"mailing": "mailing_id", "profile": "profile_id"})
    if "not_covered" in wanted:
        view["not_covered"] = view["not_covered"].astype("str")
    if "period" in wanted:
        wanted["period"] = wanted["period"].dt.date
        view["period"] = view["period"].dt.date
    pd.testing.assert_frame_equal(view, wanted, check_dtype=False)


@pytest.mark.slow
def test_each_view_is_what_the_function_of_the_same_name_gives(archive, star):
    whole = dict.fromkeys(("destinations", "deliveries", "clicks", "emailings"), archive)
    wanted = {
        "impressions_over_time": ia.impressions_over_time(archive, by="kind"),
        "impressions_per_profile": ia.impressions_per_profile(archive),
        "user_agent_breakdown": ia.user_agent_breakdown(archive, by=["client", "kind"]),
        "human_opens": ia.human_opens(archive, by="mailing"),
        "mailing_performance": ia.mailing_performance(archive, **whole, intervals=True).drop(
            columns=["subject", "sent_at"]  # these stand in the table of mailings
        ),
    }
    views = "SELECT view_name FROM duckdb_views() WHERE NOT internal"
    assert {name for (name,) in star.sql(views).fetchall()} == set(wanted)
    for name, result in wanted.items():
        assert len(result) > 2
        same(star.sql(f"FROM {name}").df(), result)


@pytest.mark.slow
def test_segments_of_recipients_are_those_of_the_package(archive, star):
    as_of = archive.certificate("impressions")["end"]
    wanted = ia.engagement_segments(archive, as_of=as_of, destinations=archive).groupby("segment").size().to_dict()
    found = dict(star.sql("SELECT segment, count(*) FROM recipients WHERE segment IS NOT NULL GROUP BY 1").fetchall())
    assert found == wanted and len(found) > 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {},
        *(
            pytest.param(more, marks=pytest.mark.slow)
            for more in ({"utc": True, "pseudonym_key": KEY}, {"partitioned": True})
        ),
    ],
    ids=str,
)
def test_keys_are_keys_and_every_relation_holds(archive, tmp_path, options):
    exported = archive.export(tmp_path, **options)
    package = json.loads((tmp_path / "datapackage.json").read_text())
    assert set(exported.tables) == {*FACTS, *DIMENSIONS, *(f"log_{kind}" for kind in FACTS[:-1])}
    paths = {table["name"]: table["path"] for table in package["resources"]}
    paths = {name: [path] if isinstance(path, str) else path for name, path in paths.items()}
    frames = {
        name: pd.concat([pd.read_parquet(tmp_path / file, partitioning=None) for file in files])
        for name, files in paths.items()
    }
    relations = 0
    for table in package["resources"]:
        rows, schema = frames[table["name"]], table["schema"]
        assert [field["name"] for field in schema["fields"]] == list(rows)
        assert all(field["description"] for field in schema["fields"]) and schema["missingValues"] == []
        if "primaryKey" in schema:
            assert rows[schema["primaryKey"]].notna().all(axis=None) and not rows.duplicated(schema["primaryKey"]).any()
        for relation in schema.get("foreignKeys", []):
            [own], [there] = relation["fields"], relation["reference"]["fields"]
            pointed_to = frames[relation["reference"]["resource"]][there]
            assert set(rows[own].dropna()) <= set(pointed_to), (table["name"], own)
            relations += 1
    assert relations > 40
    field = pq.read_schema(tmp_path / paths["clicks"][0]).field("mailing_id")
    assert field.metadata[b"refers_to"] == b"mailings.mailing_id" and b"emailing" in field.metadata[b"description"]


def test_a_duckdb_file_tells_its_keys_and_what_its_columns_mean(star):
    keys = "SELECT table_name FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY'"
    assert {name for (name,) in star.sql(keys).fetchall()} == set(DIMENSIONS)
    columns = "SELECT count(*), count(comment) FROM duckdb_columns() WHERE schema_name = 'main' AND table_name NOT IN "
    total, said = star.sql(f"{columns} (SELECT view_name FROM duckdb_views())").fetchall()[0]
    assert total == said > 100
    comment = "SELECT comment FROM duckdb_columns() WHERE table_name = 'clicks' AND column_name = 'clicked_on'"
    assert star.sql(comment).fetchall()[0][0].endswith("refers to calendar.day")


@pytest.mark.parametrize("family", ["ms", "publisher"])
def test_every_column_has_a_name_of_its_own_and_a_meaning(family):
    tables = [fact_fields(kind, family) for kind in KINDS] + [log_fields(kind, family) for kind in LOG_COLUMNS]
    for fields in tables:
        names = [field.name for field in fields]
        assert len(set(names)) == len(names) and all(field.meaning for field in fields)
        assert not {"ID", "timestamp", "mailing", "destination", "profile", "device", "type"} & set(names)


def test_the_calendar_knows_weeks_quarters_and_dutch_holidays(star):
    days = star.sql("FROM calendar").df().astype({"day": "str"}).set_index("day")
    assert len(days) == 365
    assert days.loc["2026-04-27"].tolist() == [
        "2026-W18", "2026-04", "2026-Q2", 2026, 1, "Monday", False, "Koningsdag"
    ]  # fmt: skip
    assert days.loc["2026-01-01", "iso_week"] == "2026-W01" and days.loc["2026-12-31", "iso_week"] == "2026-W53"
    assert days["is_weekend"].sum() == 104 and pd.isna(days.loc["2026-04-28", "dutch_holiday"])


@pytest.mark.slow
def test_pseudonyms_reach_every_table(tmp_path):
    with ia.sandbox.Sandbox(impressions=200, emailings=1, seed=2) as box:
        made = ia.Archive(tmp_path / "archive", family="publisher")
        kinds = ("impressions", "destinations", "emailings")
        made.sync(ia.Copernica(box.access_token, url=box.url), kinds=kinds, logs=True)
    plain, hidden = tmp_path / "plain", tmp_path / "hidden"
    made.export(plain)
    result = made.export(hidden, pseudonym_key=KEY)
    free_texts = {"city", "description"}  # the sender's description of a mailing may name a person
    for table in result.tables:
        before, after = (pd.read_parquet(folder / f"{table}.parquet") for folder in (plain, hidden))
        for name in {"profile_id", "destination_id", "message_id", "ip_address"} & set(before):
            assert set(before[name].dropna()).isdisjoint(after[name]), (table, name)
        assert all(after[name].isna().all() for name in free_texts & set(after)), table
    assert "other" in set(pd.read_parquet(hidden / "providers.parquet")["email_domain"])


@pytest.mark.parametrize("utc", [False, True])
def test_moments_are_the_same_in_every_session(tmp_path, utc):
    account = Account()
    account.add("impressions", opens(1, begin="2026-01-31 23:30:00"))
    made = archive_at(tmp_path / "archive", timezone="Europe/Amsterdam")
    made.sync(account)
    made.export(tmp_path / "mail.duckdb", format="duckdb", utc=utc)
    found = set()
    for zone in ("Pacific/Auckland", "America/Los_Angeles"):
        with duckdb.connect(str(tmp_path / "mail.duckdb"), read_only=True) as connection:
            connection.execute(f"SET TimeZone = '{zone}'")
            rows = "SELECT opened_at::VARCHAR, opened_at::DATE::VARCHAR, opened_on::VARCHAR FROM impressions"
            period = "SELECT period::VARCHAR FROM impressions_over_time"
            found.add((*connection.sql(rows).fetchall()[0], *connection.sql(period).fetchall()[0]))
    clock = "22:30:00" if utc else "23:30:00"
    assert found == {(f"2026-01-31 {clock}", "2026-01-31", "2026-01-31", "2026-01-31")}
