"""What the documentation prints is what the package reads, and what the sandbox sends: page by page, key by key."""

import json
import re
from pathlib import Path

import msgspec
import pandas as pd
import pyarrow as pa
import pytest
import requests

import impressions_analytics as ia
from impressions_analytics.columns import EVENT_KINDS, KINDS, columns_of
from impressions_analytics.loader.decode import Decoder, build_frame
from impressions_analytics.sandbox import Sandbox

EXAMPLES = Path(__file__).parents[2] / "shared" / "api-examples" / "examples.jsonl"
LIST_PATH = re.compile(
    r"(ms|publisher)/(?:(destination|emailing|testgroup|template)/[^/]+/)?"
    rf"({'|'.join((*EVENT_KINDS, 'destinations', 'emailings'))})"
)
ONE_PATH = re.compile(r"(ms|publisher)/(emailing|destination)/[^/]+")

# One row for each family and kind, with the documentation's keys and invented values.
_MS = {"ID": "1", "mailing": "7", "timestamp": "2020-01-02 03:04:05", "destination": "9"}
_PUBLISHER = {"ID": "1", "timestamp": "2020-01-02 03:04:05", "emailing": "7", "destination": "9", "profile": "5",
              "subprofile": None}  # fmt: skip
ROWS = {
    ("ms", "impressions"): {**_MS, "ip": "::1", "useragent": "A/1", "device": "desktop"},
    ("ms", "clicks"): {**_MS, "link": "https://example.com/{$profile.id}", "ip": "::1", "user-agent": "A/1"},
    ("ms", "deliveries"): {**_MS, "attempts": 1},
    ("ms", "errors"): {**_MS, "status": None, "errorcode": "0", "description": "No address", "errortype": ""},
    ("ms", "abuses"): {**_MS, "report": {}},
    ("ms", "unsubscribes"): {**_MS, "source": "click"},
    ("ms", "destinations"): {"ID": "9", "messageID": "a4b", "timestampsent": "2020-01-02 03:04:05", "profile": "5",
                             "subprofile": None, "mailing": "7"},
    ("ms", "emailings"): {"id": "7", "timestamp": "2020-01-02 03:04:05", "template": "5", "subject": "S",
                          "from_address": {"name": "N", "email": "n@example.com"}, "destinations": 25, "type": "mass",
                          "target": {"type": "database", "sources": []}, "tags": ["a", "b"]},
    ("publisher", "impressions"): {**_PUBLISHER, "ip": "0.0.0.0", "useragent": "B", "device": "desktop",
                                   "referer": None},
    ("publisher", "clicks"): {**_PUBLISHER, "link_id": "31", "link": "{webversion}", "link_title": "", "ip": "::1",
                              "useragent": "B", "referer": None},
    ("publisher", "deliveries"): {**_PUBLISHER, "attempt": "0", "smtp-response": "test"},
    ("publisher", "errors"): {**_PUBLISHER, "errorcode": "5.1.2", "description": "no host", "errortype": "nohost",
                              "errortypedescription": "Map domain name to IP address"},
    ("publisher", "abuses"): {**_PUBLISHER, "recognized_as": "arf", "feedback_type": "opt-out", "arf_version": "0.1",
                              "details": ""},
    ("publisher", "unsubscribes"): {**_PUBLISHER, "source": "link", "success": True},
    ("publisher", "destinations"): {"ID": "5ed1", "timestampsent": "2020-01-02 03:04:05", "internal": "9",
                                    "profile": "5", "subprofile": None, "mailing": "7"},
    ("publisher", "emailings"): {"id": "7", "timestamp": "2020-01-02 03:04:05", "document": "114", "template": "5",
                                 "subject": "S", "description": "D",
                                 "from_address": {"name": "N", "email": "n@example.com"}, "destinations": "3",
                                 "testgroups": 0, "type": "individual", "clicks": "5", "impressions": "2",
                                 "errors": "0", "unsubscribes": "1", "abuses": "0", "contenttype": "html",
                                 "target": {"type": "database", "sources": []}},
}  # fmt: skip


def decoded(row, kind, family) -> pd.DataFrame:
    """Return the typed frame of one documented row; a warning of an unknown column is an error here."""
    page = {"start": 0, "limit": 100, "count": 1, "total": 1, "data": [row]}
    decoder = Decoder(kind, family, may_lack=frozenset({"profile", "subprofile"}))
    return build_frame(decoder, [pa.Table.from_batches([decoder.decode(json.dumps(page).encode()).rows])])


@pytest.mark.parametrize(("family", "kind"), ROWS)
def test_every_documented_row_becomes_a_typed_row_that_keeps_every_column(family, kind):
    frame = decoded(ROWS[family, kind], kind, family)
    assert list(frame.columns) == [column.name for column in columns_of(kind, family)]
    assert frame.loc[0, "ID"] == {"emailings": 7, "destinations": 9}.get(kind, 1)
    kept = {
        ("ms", "clicks"): ("useragent", "A/1"),
        ("ms", "destinations"): ("message", "a4b"),
        ("ms", "emailings"): ("tags", '["a","b"]'),
        ("publisher", "clicks"): ("link_id", 31),
        ("publisher", "deliveries"): ("smtp_response", "test"),
        ("publisher", "errors"): ("errortypedescription", "Map domain name to IP address"),
        ("publisher", "abuses"): ("feedback_type", "opt-out"),
        ("publisher", "destinations"): ("message", "5ed1"),
        ("publisher", "emailings"): ("document", 114),
    }
    column, value = kept.get((family, kind), ("ID", frame.loc[0, "ID"]))
    assert frame.loc[0, column] == value
    if (family, kind) == ("publisher", "deliveries"):
        assert frame.loc[0, "attempts"] == 0


def documented():
    """Give every printed example of a call that the package knows: page, version, path and the JSON value."""
    for line in EXAMPLES.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        for example in entry["examples"]:
            yield entry["page"], entry["version"], entry["path"].strip("/"), example


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the documentation's examples are not beside the project")
def test_every_printed_example_of_a_known_call_decodes():
    read = 0
    for page, version, path, example in documented():
        if match := LIST_PATH.fullmatch(path):
            family, _, kind = match.groups()
        elif match := ONE_PATH.fullmatch(path):
            family, kind = match[1], f"{match[2]}s"
        elif path.endswith("/statistics"):
            for one in EVENT_KINDS:
                for name in ("total", "unique"):
                    value = example.get(one, {}).get(name)
                    assert value is None or msgspec.convert(value, int, strict=False) >= 0, (page, version)
            read += 1
            continue
        else:
            continue
        frame = decoded(example, kind, family)
        assert len(frame) == 1, (page, version)
        read += 1
    assert read >= 155


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the documentation's examples are not beside the project")
def test_the_sandbox_sends_the_keys_that_a_page_of_its_version_prints():
    printed = {}
    for _, version, spelled, example in documented():
        path = re.sub(r"/(\$\w+|\{\$\w+\})", "/ID", spelled)
        statistics = re.fullmatch(r"(ms|publisher)/(emailing|destination)/ID/statistics", path)
        if isinstance(example, dict) and (LIST_PATH.fullmatch(path) or ONE_PATH.fullmatch(path) or statistics):
            printed.setdefault((version, path), []).append((set(example), example))
    compared = 0
    with Sandbox(impressions=4_000, emailings=2, seed=3) as box:
        for (version, path), examples in sorted(printed.items()):
            if "testgroup" in path or "template" in path:
                continue
            row = _row(box, version, path)
            if row is None:
                continue
            assert set(row) in [keys for keys, _ in examples], (version, path, set(row))
            compared += 1
    assert compared >= 80


def _row(box: Sandbox, version: int, path: str):
    """Return one row that the sandbox sends at a path, or None where it has none."""
    family, level = path.split("/")[:2]
    kind = path.rsplit("/", maxsplit=1)[1]
    headers, token = {}, {"access_token": box.access_token}
    if version == 4:
        jwt = requests.post(box.auth_url, data=token, timeout=5).text
        headers, token = {"Authorization": f"Bearer {jwt}"}, {}
    of = {"emailing": "401", "destination": "101"}.get(level, "")
    if level == "destination" and kind in EVENT_KINDS:
        first = box.truth(kind, family)
        of = str(first[0]["destination"]) if first else of
    asked = f"{box.url}/v{version}/{path.replace('ID', of)}"
    box.behave(v2_edition="later")
    answer = requests.get(asked, params={**token, "from": "2020-01-01", "to": "2030-01-01"}, headers=headers, timeout=5)
    assert answer.status_code == 200, (path, answer.text)
    found = answer.json()
    return found if "data" not in found else found["data"][0] if found["data"] else None


ACCOUNT_LISTS = [(family, kind) for family in ("ms", "publisher") for kind in KINDS]


@pytest.mark.parametrize("version", [2, 3])
def test_a_client_that_walks_with_start_and_limit_alone_reads_all_sixteen_account_lists(version):
    """As published clients do: no typed frames, no period, one page after another until one is short."""
    assert len(ACCOUNT_LISTS) == 16
    with Sandbox(impressions=1_500, emailings=3, seed=5) as box:
        for family, kind in ACCOUNT_LISTS:
            found = []
            while True:
                parameters = {"access_token": box.access_token, "start": len(found), "limit": 1000, "total": "false"}
                answer = requests.get(f"{box.url}/v{version}/{family}/{kind}/", params=parameters, timeout=5).json()
                found += answer["data"]
                if answer["count"] < answer["limit"]:
                    break
            identifiers = {row.get("ID", row.get("id")) for row in found}
            assert len(identifiers) == len(found) == len(box.truth(kind, family)), (family, kind)


def test_a_deleted_emailing_costs_its_own_profiles_and_a_line_in_the_certificate(reach):
    with Sandbox(impressions=2_000, emailings=3, seed=1, deleted_emailings=(402,)) as box:
        frame = ia.load_impressions(reach(box, version=3))
    gone = frame["mailing"] == 402
    assert frame.attrs["load"]["emailings_gone"] == [402]
    assert frame.attrs["load"]["verdict"] == "complete"
    assert gone.any()
    assert frame.loc[gone, "profile"].isna().all()
    assert frame.loc[~gone, "profile"].notna().all()


def test_a_page_that_does_not_add_up_once_is_asked_again_and_twice_is_an_error(reach):
    from test_hostile import page, row, served

    for wrong, whole in ((1, True), (2, False)):
        asked = []

        def answer(path, query, asked=asked, wrong=wrong):
            asked.append(path)
            shown = page([row(number) for number in range(5)], query)
            return {**shown, "count": 4} if len(asked) <= wrong else shown

        with served(answer) as (api, _):
            if whole:
                assert len(ia.load_impressions(api)) == 5
                assert len(asked) == 2
            else:
                with pytest.raises(ia.MalformedResponseError, match="count is 4, but 5 rows came"):
                    ia.load_impressions(api)


def test_destinations_are_asked_with_their_days_and_never_with_a_large_offset(reach, monkeypatch):
    import impressions_analytics.loader.slicing as slicing
    import impressions_analytics.loader.window_load as window_load

    monkeypatch.setattr(window_load, "DEEP_ROWS", 2_000)
    monkeypatch.setattr(slicing, "FULL_ROWS", 1_000)
    with Sandbox(impressions=8_000, emailings=40, seed=2, destinations_need_period=True) as box:
        api = reach(box, version=3)
        whole = ia.load_destinations(api)
        assert len(whole) == len(box.truth("destinations"))
        asked = [one.query for one in box.requests if one.path.endswith("ms/destinations")]
        assert all({"from", "to"} <= set(query) for query in asked)
        assert max(int(query["start"]) for query in asked) <= 2_000


def test_the_destinations_of_a_large_emailing_are_cut_by_the_time_of_sending(reach, monkeypatch):
    import impressions_analytics.loader.slicing as slicing
    import impressions_analytics.loader.window_load as window_load

    monkeypatch.setattr(window_load, "DEEP_ROWS", 2_000)
    monkeypatch.setattr(slicing, "FULL_ROWS", 1_000)
    with Sandbox(impressions=6_000, emailings=2, seed=2) as box:
        largest = max(box.truth("emailings"), key=lambda one: one["destinations"])
        frame = ia.load_destinations(reach(box, version=3), emailing=largest["ID"])
        assert len(frame) == largest["destinations"] > 3_000
        cut = [one.query for one in box.requests if "fields[]" in one.query]
        assert cut
        assert all(text.startswith("timestampsent") for query in cut for text in query["fields[]"])
        assert max(int(one.query["start"]) for one in box.requests) <= 2_000


def test_a_period_of_an_emailing_is_held_against_statistics_of_the_same_period(reach):
    with Sandbox(impressions=3_000, emailings=2, seed=4) as box:
        api = reach(box, version=3)
        times = sorted(row["timestamp"] for row in box.truth() if row["mailing"] == 401)
        period = {"begin": times[50], "end": times[200]}
        opens = ia.load_impressions(api, emailing=401, **period)
        for included in (True, False):
            box.behave(begin_inclusive=included, end_inclusive=included)
            assert ia.reconcile(opens, api, emailing=401).verdict == "complete"
        lost = opens.drop(index=range(3, 9))
        lost.attrs.update(opens.attrs)
        box.behave(begin_inclusive=True, end_inclusive=True)
        held = ia.reconcile(lost, api, emailing=401)
        assert (held.verdict, held.total_difference) == ("contradicted", -6)


def test_a_lost_row_is_not_made_up_for_by_a_doubled_one(reach):
    with Sandbox(impressions=500, emailings=2, seed=4) as box:
        api = reach(box, version=3)
        opens = ia.load_impressions(api, emailing=401)
        assert ia.reconcile(opens, api, emailing=401).verdict == "complete"
        # The doubled row is of a destination that the lost one is of: no count shows it.
        pair = opens[opens["destination"].duplicated(keep=False)].sort_values("destination").index[:2]
        swapped = opens.copy()
        swapped.loc[pair[0]] = opens.loc[pair[1]]
        held = ia.reconcile(swapped, api, emailing=401)
        assert len(swapped) == len(opens)
        assert (held.verdict, held.doubled, held.total_difference) == ("contradicted", 1, -1)
