"""Daily log files: what the documentation names is what the sandbox sends and the package reads; no address is kept."""

import io
import json
import tracemalloc

import pandas as pd
import pytest
import requests
from test_hostile import served

import impressions_analytics as ia
from impressions_analytics.loader import log_decode
from impressions_analytics.loader.log_columns import LOG_COLUMNS, log_columns_of
from impressions_analytics.loader.log_decode import LogDecoder, log_frame, records_in, without_addresses
from impressions_analytics.sandbox import Sandbox

DAY = "2025-09-15"
PLACE = ["countrycode", "countryname", "regioncode", "city"]
WHO = ["profile", "subprofile", "template"]
# The keys of the documentation's pages, in their order.
DOCUMENTED = {
    "cdm-impression": ["id", "time", "ip", "header", "email", "tags", *PLACE, "senderdomain", *WHO],
    "cdm-click": ["id", "senderdomain", "time", "linkinfo", "ip", "header", "email", "tags", *PLACE, *WHO],
    "cdm-delivery": ["id", "time", "attempts", "email", "tags", "senderdomain", *WHO],
    "cdm-error": ["id", "time", "type", "status", "description", "code", "email", "tags", "senderdomain", *WHO],
    "cdm-attempts": ["id", "time", "mailingid", "profileid", "subprofileid", "databaseid", "collectionid",
                     "senderdomain", "templateid", "tags", "email"],
    "cdm-retry": ["id", "time", "attempt", "email", "tags", "senderdomain", *WHO],
    "cdm-abuse": ["id", "time", "mail", "email", "tags", "senderdomain", *WHO],
    "cdm-unsubscribe": ["id", "time", "email", "tags", "senderdomain", *WHO],
    "pom-impressions": ["id", "time", "ip", "header", "email", "tags", *PLACE, "senderdomain", "groupid", *WHO,
                        "document"],
    "pom-clicks": ["id", "time", "ip", "header", "email", "tags", *PLACE, "linkinfo", "senderdomain", "groupid", *WHO,
                   "document"],
    "pom-deliveries": ["id", "time", "attempts", "email", "tags", "senderdomain", "groupid", *WHO, "document"],
    "pom-errors": ["id", "time", "type", "status", "description", "code", "content", "email", "tags", "senderdomain",
                   "groupid", *WHO, "document"],
    "pom-attempts": ["id", "time", "groupid", "mailingid", "profileid", "subprofileid", "databaseid", "collectionid",
                     "senderdomain", "templateid", "documentid", "tags", "email"],
    "pom-retries": ["id", "time", "attempts", "email", "tags", "senderdomain", "groupid", *WHO, "document"],
    "pom-abuses": ["id", "time", "mail", "email", "tags", "senderdomain", "groupid", *WHO, "document"],
    "pom-unsubscribes": ["id", "time", "email", "tags", "senderdomain", "groupid", *WHO, "document"],
}  # fmt: skip
KIND_OF = {"impression": "impressions", "click": "clicks", "delivery": "deliveries", "error": "errors",
           "retry": "retries", "abuse": "abuses", "unsubscribe": "unsubscribes"}  # fmt: skip
PRINTED = {"id": "XXXXXXXXXX1", "time": "2016-11-04 11:01:00", "mailingid": 12345, "profileid": 1111111,
           "subprofileid": 2, "databaseid": 133, "collectionid": 0, "senderdomain": "example.com", "templateid": 1234,
           "tags": "", "email": "reader1234@example.com"}  # fmt: skip


def frame_of(records, kind, family="ms", **more) -> pd.DataFrame:
    decoder = LogDecoder(kind, family, **more)
    return log_frame(decoder, [decoder.decode(records, "a file")])


@pytest.fixture(scope="module")
def box():
    with Sandbox(impressions=8_000, emailings=3, seed=1) as box:
        yield box


def test_the_sandbox_serves_all_sixteen_kinds_of_log_files_with_the_documented_keys(box):
    token = {"access_token": box.access_token}
    days = requests.get(f"{box.url}/v3/logfiles", params=token, timeout=20).json()
    assert days == sorted(set(days))
    seen = {}
    for prefix in DOCUMENTED:
        names = requests.get(f"{box.url}/v3/logfiles", params={**token, "type": prefix}, timeout=20).json()
        assert names[0].startswith(f"{prefix}.2025-09-1")
        records = requests.get(f"{box.url}/v3/logfile/{names[-1]}/json", params=token, timeout=20).json()
        seen[prefix] = list(records[0])
    assert seen == DOCUMENTED
    refused = requests.get(f"{box.url}/v3/logfile/cdm-nothing.log/json", params=token, timeout=5)
    assert refused.status_code == 400


@pytest.mark.parametrize("prefix", DOCUMENTED)
def test_every_documented_key_has_a_column_and_a_record_of_them_becomes_a_typed_row(prefix):
    family, word = ("ms", prefix[4:]) if prefix[:3] == "cdm" else ("publisher", prefix[4:])
    kind = KIND_OF.get(word, word)
    known = {key for column in log_columns_of(kind, family, addresses=True) for key in column.wire_names}
    assert set(DOCUMENTED[prefix]) <= known
    record = dict.fromkeys(DOCUMENTED[prefix], "1") | {"id": "b4", "time": "2020-01-02 03:04:05"}
    record |= {"ip": "::1"} if "ip" in record else {}
    frame = frame_of([record], kind, family)  # an unknown key would warn, and warnings are errors
    assert frame.loc[0, "message"] == "b4"
    assert frame.loc[0, "timestamp"] == pd.Timestamp("2020-01-02 03:04:05")
    assert list(frame.columns) == [column.name for column in log_columns_of(kind, family)]
    assert {column.name: str(frame[column.name].dtype) for column in log_columns_of(kind, family)} == {
        column.name: "object" if column.name == "tags" else column.pandas_type
        for column in log_columns_of(kind, family)
    }
    assert frame_of([], kind, family).dtypes.astype(str).to_dict() == frame.dtypes.astype(str).to_dict()


def test_the_record_that_the_documentation_prints_is_read_and_its_zero_is_no_collection():
    row = frame_of([PRINTED], "attempts").iloc[0]
    told = row[["message", "mailing", "profile", "subprofile", "database", "template", "sender_domain"]].tolist()
    assert told == ["XXXXXXXXXX1", 12345, 1111111, 2, 133, 1234, "example.com"]
    assert pd.isna(row["collection"])
    assert (row["email_domain"], row["tags"]) == ("example.com", [])


def test_a_header_may_come_as_text_lines_or_an_object_and_what_is_not_there_is_null():
    record = {"id": "b4", "time": "2020-01-02 03:04:05"}
    headers = ["GET / HTTP/1.1\r\nHost: a\r\nuser-agent:  Mozilla/5.0 \r\n\r\n", {"User-Agent": "Mozilla/5.0"},
               ["Host: a", "User-Agent: Mozilla/5.0"], "Host: a\r\nAccept: b", "", None]  # fmt: skip
    frame = frame_of([{**record, "header": header, "ip": ""} for header in headers], "impressions")
    assert frame["useragent"].astype(object).where(frame["useragent"].notna(), None).tolist() == [
        "Mozilla/5.0", "Mozilla/5.0", "Mozilla/5.0", None, None, None,
    ]  # fmt: skip
    assert frame["ip"].isna().all() and frame["country"].isna().all() and frame["profile"].isna().all()


def test_a_log_has_every_impression_of_its_day_and_joins_to_the_mailing_by_its_message(box, reach):
    api = reach(box, version=3)
    log = ia.load_log("impressions", day=DAY, api=api)
    truth = [row for row in box.truth() if row["timestamp"].startswith(DAY)]
    assert len(log) == len(truth) > 500
    joined = log.merge(ia.load_destinations(api), on="message", validate="m:1")
    assert joined["mailing"].tolist().count(401) == len([row for row in truth if row["mailing"] == 401])
    assert sorted(map(str, log["useragent"].astype(object).fillna("None"))) == sorted(
        str(row["useragent"]) for row in truth
    )
    assert (joined["profile_x"] == joined["profile_y"]).all()
    assert set(log["country"]) == {"NL", "BE", "DE"}
    certificate = log.attrs["load"]
    assert (certificate["verdict"], certificate["rows"], certificate["requests"]) == ("unproven", len(truth), 2)


def test_no_address_is_kept_unless_it_is_asked_for(box, reach):
    api = reach(box, version=2)
    for kind in LOG_COLUMNS:
        kept = ia.load_log(kind, day=DAY, api=api, family="publisher")
        assert "invented-reader" not in kept.to_csv()
        assert {"email", "report"} & set(kept.columns) == set()
    asked = ia.load_log("deliveries", day=DAY, api=api, addresses=True)
    assert asked["email"].str.startswith("invented-reader-").all()
    assert set(asked["email"].str.split("@").str[1]) == set(asked["email_domain"])
    told = {"id": "b4", "time": "2020-01-02 03:04:05", "description": "550 <jan.jansen@ziggo.nl>: unknown"}
    assert frame_of([told], "errors").loc[0, "description"] == "550 <...@ziggo.nl>: unknown"
    assert frame_of([told], "errors", addresses=True).loc[0, "description"] == told["description"]


def test_a_day_that_is_not_kept_is_an_error_that_names_those_that_are(reach):
    with Sandbox(impressions=500, emailings=2, seed=1, log_days=3) as box:
        api = reach(box)
        days = ia.log_days(api)
        assert len(days) == 3
        with pytest.raises(ia.InvalidArgumentError, match=f"keeps files from {days[0]} to {days[2]}"):
            ia.load_log("impressions", day="2025-09-14", api=api)
        empty = ia.load_log("abuses", day=days[0], api=api)
        assert empty.empty and empty.attrs["load"]["files"] == []


def test_texts_lose_every_address_in_a_time_that_grows_with_their_length_only():
    told = {
        "550 5.1.1 jan.jansen@ziggo.nl; no <PIET@kpn.nl>": "550 5.1.1 ...@ziggo.nl; no <...@kpn.nl>",
        "to=jan%40ziggo.nl&x": "to=...%40ziggo.nl&x",
        "mailbox full": "mailbox full",
        "@": "...@",
        "": "",
    }
    assert {text: without_addresses(text) for text in told} == told
    assert without_addresses("a" * 2_000_000 + "@b.nl") == "...@b.nl"
    assert without_addresses("a" * 2_000_000) == "a" * 2_000_000


def test_a_service_that_ignores_the_day_is_not_taken_for_one_without_files():
    files = {"2020-01-02": [{"id": "a", "time": "2020-01-02 00:00:00"}], "2020-01-03": [{"id": "b"}]}

    def every_name(path, query):
        return [f"cdm-click.{day}.log" for day in files] if path.endswith("logfiles") else files[path.split(".")[1]]

    with served(every_name) as (api, _):
        assert ia.load_log("clicks", day="2020-01-02", api=api)["message"].tolist() == ["a"]
    with (
        served(lambda path, query: list(files)) as (api, _),
        pytest.raises(ia.MalformedResponseError, match="got days"),
    ):
        ia.load_log("clicks", day="2020-01-02", api=api)


def test_a_file_in_parts_is_the_same_whatever_its_texts_hold(monkeypatch):
    records = [
        {"id": str(number), "tags": '},{"id":"x"}, {', "nested": [{"a": 1}, {"b": "}"}]} for number in range(300)
    ]
    whole = json.dumps(records).encode()
    for size in (40, 97, 1_000, 10_000_000):
        monkeypatch.setattr(log_decode, "PART_BYTES", size)
        parts = list(records_in(io.BytesIO(whole), "a file"))
        assert [record for part in parts for record in part] == records
        assert (len(parts) > 10) == (size <= 1_000)
    assert list(records_in(io.BytesIO(b" [] \n"), "a file")) == [[]]


def test_a_large_file_is_read_in_bounded_memory(monkeypatch, tmp_path):
    record = json.dumps(
        {"id": "a" * 16, "time": "2020-01-02 03:04:05", "email": "a@b.nl", "header": "x" * 400}
    ).encode()
    path = tmp_path / "large.json"
    path.write_bytes(b"[" + b",".join([record] * 20_000) + b"]")
    monkeypatch.setattr(log_decode, "PART_BYTES", 200_000)
    decoder = LogDecoder("impressions")
    tracemalloc.start()
    with path.open("rb") as file:
        rows = sum(decoder.decode(part, "a file").num_rows for part in records_in(file, "a file"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == 20_000
    assert peak < path.stat().st_size / 3


@pytest.mark.parametrize("fault", ["cut_unmarked", "503", "reset_midway", "cut"])
def test_a_file_that_was_cut_or_refused_for_a_moment_is_asked_again(fault, reach):
    with Sandbox(impressions=1_000, emailings=2, seed=1, faults={2: fault}) as box:
        log = ia.load_log("impressions", day=DAY, api=reach(box))
        assert len(log) == sum(row["timestamp"].startswith(DAY) for row in box.truth())
        assert log.attrs["load"]["requests"] == 3


def test_what_is_no_log_file_is_an_error_that_names_it(reach):
    names = ["cdm-impression.2020-01-02.log"]
    answers = {
        '{"error":{"message":"No such file"}}': (ia.RequestRefusedError, "No such file"),
        '[{"id":"a","time":"2020-01-02"}]': (ia.MalformedResponseError, "record 0: 'time' is '2020-01-02', expected"),
        '[{"time":"2020-01-02 00:00:00"}]': (ia.MalformedResponseError, "'id' is null"),
        '[{"id":"a","time":"2020-01-02 00:00:00","profile":"x y"}]': (ia.MalformedResponseError, "'profile' is 'x y'"),
        '[{"id":"a","time":"2020-01-02 00:00:00","tags":"SECRET"}]': (
            ia.MalformedResponseError,
            "holds the access tok",
        ),
        "[1]": (ia.MalformedResponseError, "not a list of records"),
    }
    for body, (problem, words) in answers.items():

        def answer(path, query, body=body):
            return names if path.endswith("logfiles") else json.loads(body.replace("SECRET", query["access_token"]))

        with served(answer) as (api, _), pytest.raises(problem, match=words):
            ia.load_log("impressions", day="2020-01-02", api=api)
