"""The sandbox keeps what the API documents: asked over real HTTP, compared with counts made by hand."""

import json
from urllib.parse import urlencode

import pytest
import requests

from impressions_analytics.sandbox import Sandbox

KINDS = ("impressions", "clicks", "deliveries", "errors", "abuses", "unsubscribes")
THREE = ["2026-01-01 10:00:00", "2026-01-01 11:00:00", "2026-01-02 00:00:00"]
"""The timestamps of a world of three impressions, with IDs 1, 2 and 3."""


ONLY_ON_THE_WIRE = {
    "link_id", "link_title", "smtp-response", "errortypedescription", "recognized_as", "feedback_type", "arf_version",
    "details",
}  # fmt: skip
"""Keys of Publisher that the account's truth does not hold."""


@pytest.fixture(scope="module")
def box():
    with Sandbox(impressions=2_500, emailings=3, seed=7) as running:
        yield running


@pytest.fixture
def three():
    with Sandbox(impressions=0, emailings=1) as running:
        running.add_impressions(3, timestamps=THREE, destination=112)
        yield running


def ask(box, path, version=2, **parameters):
    """Return the answer of version 2 or 3 (4 by way of a JWT)."""
    headers = {}
    if version == 4:
        jwt = requests.post(box.auth_url, data={"access_token": box.access_token}, timeout=5).text
        headers["Authorization"] = f"Bearer {jwt}"
    else:
        parameters["access_token"] = box.access_token
    return requests.get(f"{box.url}/v{version}/{path}", params=parameters, headers=headers, timeout=5)


def rows(box, path, version=2, **parameters):
    answer = ask(box, path, version, **parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def walk(box, path, version=2, **parameters):
    """Return all rows, page after page."""
    found = []
    while page := rows(box, path, version, start=len(found), limit=1000, **parameters):
        found += page
    return found


def ids(found):
    return [int(row["ID"]) for row in found]


def test_an_impression_has_the_published_keys_in_the_published_order_and_types(box):
    row = rows(box, "ms/destination/112/impressions")[0]
    assert list(row) == [
        "ID", "mailing", "timestamp", "ip", "useragent", "destination", "profile", "subprofile",
    ]  # fmt: skip
    assert row["destination"] == "112"
    assert isinstance(row["ID"], str)
    assert isinstance(row["mailing"], str)
    assert isinstance(row["profile"], int)


def test_slashes_are_escaped_as_the_api_escapes_them(box):
    assert b"Mozilla\\/5.0" in ask(box, "ms/impressions").content


@pytest.mark.parametrize(
    ("version", "edition", "present"),
    [(2, "origin", False), (2, "later", True), (3, "origin", True), (4, "origin", True)],
)
def test_device_is_absent_from_the_origin_page_and_present_later(box, version, edition, present):
    box.behave(v2_edition=edition)
    assert ("device" in rows(box, "ms/impressions", version, limit=1)[0]) is present
    box.behave(v2_edition="origin")


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_account_rows_of_versions_3_and_4_carry_no_profile_and_emailing_rows_do(box, version, kind):
    account = {key for row in rows(box, f"ms/{kind}", version) for key in row}
    emailing = {
        key for number in (401, 402, 403) for row in rows(box, f"ms/emailing/{number}/{kind}", version) for key in row
    }
    assert not account & {"profile", "subprofile"}
    assert emailing >= {"profile", "subprofile"}


@pytest.mark.parametrize("family", ["ms", "publisher"])
@pytest.mark.parametrize("version", [2, 3, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_every_list_of_every_version_holds_exactly_the_truth(box, family, version, kind):
    truth = box.truth(kind, family)
    found = walk(box, f"{family}/{kind}", version)
    assert ids(found) == [row["ID"] for row in truth]
    mailing = "mailing" if family == "ms" else "emailing"
    other = {mailing: "mailing", "user-agent": "useragent", "attempt": "attempts"}
    for got, true in zip(found, truth, strict=True):
        for key, value in got.items():
            if key not in ONLY_ON_THE_WIRE:
                expected = true[other.get(key, key)]
                assert (int(value) if key in ("ID", mailing, "destination", "attempt") else value) == expected


def test_publisher_rows_say_emailing_and_add_the_referer(box):
    for kind in ("impressions", "clicks"):
        row = rows(box, f"publisher/{kind}", 3, limit=1)[0]
        assert "emailing" in row
        assert "referer" in row
        assert "mailing" not in row


def test_publisher_destinations_have_a_hashed_id_and_a_number_that_events_show(box):
    destination = rows(box, "publisher/destinations", 3, limit=1)[0]
    assert destination["internal"] == "101"
    assert destination["id"].isalnum()
    assert not destination["id"].isdecimal()


def test_a_hashed_id_finds_the_same_destination_as_its_number(box):
    hashed = next(row["hash"] for row in box.truth("destinations") if row["ID"] == 112)
    by_hash, by_number = (ask(box, f"ms/destination/{name}/impressions").json() for name in (hashed, "112"))
    assert by_hash == by_number
    assert by_hash["total"] >= 1


@pytest.mark.parametrize(
    ("asked", "limit", "count"), [({}, 100, 100), ({"limit": 7}, 7, 7), ({"limit": 5000}, 1000, 1000)]
)
def test_a_page_has_100_rows_unless_asked_and_never_more_than_1000(box, asked, limit, count):
    page = ask(box, "ms/impressions", **asked).json()
    assert (page["start"], page["limit"], page["count"], page["total"], len(page["data"])) == (
        0,
        limit,
        count,
        2500,
        count,
    )


def test_the_last_page_is_short_and_what_lies_beyond_is_empty(box):
    last = ask(box, "ms/impressions", start=2400, limit=1000).json()
    beyond = ask(box, "ms/impressions", start=9000, limit=1000).json()
    assert (last["count"], len(last["data"]), last["total"]) == (100, 100, 2500)
    assert (beyond["start"], beyond["count"], beyond["data"], beyond["total"]) == (9000, 0, [], 2500)


def test_total_is_left_out_on_request(box):
    assert "total" not in ask(box, "ms/impressions", total="false").json()


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("timestamp>2026-01-01 10:00:00", [2, 3]), ("timestamp>=2026-01-01 10:00:00", [1, 2, 3]),
        ("timestamp<2026-01-01 11:00:00", [1]), ("timestamp<=2026-01-01 11:00:00", [1, 2]),
        ("timestamp==2026-01-01 11:00:00", [2]), ("timestamp!=2026-01-01 11:00:00", [1, 3]),
        ("timestamp<>2026-01-01 11:00:00", [1, 3]), ("timestamp=~2026-01-01%", [1, 2]),
        ("timestamp!~2026-01-01%", [3]), ("timestamp<2026-01-02", [1, 2]), ("ID>1", [2, 3]), ("destination==111", []),
    ],
)  # fmt: skip
def test_each_operator_of_fields_keeps_the_rows_counted_by_hand(three, condition, expected):
    assert ids(rows(three, "ms/impressions", **{"fields[]": condition})) == expected
    assert ids(rows(three, "ms/destination/112/impressions", **{"fields[]": condition})) == expected


def test_several_conditions_must_all_hold(three):
    period = ["timestamp>2026-01-01 10:00:00", "timestamp<=2026-01-01 11:00:00"]
    assert ids(rows(three, "ms/impressions", **{"fields[]": period})) == [2]
    assert three.requests[-1].query == {"fields[]": period}


@pytest.mark.parametrize("begin_in", [True, False])
@pytest.mark.parametrize("end_in", [True, False])
def test_the_ends_of_a_period_are_in_or_out_as_the_behaviour_says(three, begin_in, end_in):
    three.behave(begin_inclusive=begin_in, end_inclusive=end_in)
    expected = ([1] if begin_in else []) + [2] + ([3] if end_in else [])
    assert ids(rows(three, "ms/impressions", 3, begintime=THREE[0], endtime=THREE[2])) == expected


def test_a_parameter_of_another_version_is_silently_ignored(three):
    assert ids(rows(three, "ms/impressions", 3, **{"fields[]": "timestamp>2026-01-01 10:30:00"})) == [1, 2, 3]
    assert ids(rows(three, "ms/impressions", 2, begintime="2026-01-01 10:30:00")) == [1, 2, 3]
    assert ids(rows(three, "ms/impressions", 3, begintime="2026-01-01 10:30:00")) == [2, 3]
    three.behave(v2_edition="later")
    assert ids(rows(three, "ms/impressions", 2, begintime="2026-01-01 10:30:00")) == [2, 3]


def test_a_strict_sandbox_refuses_what_it_does_not_know(three):
    three.behave(refuse_unknown_parameters=True)
    answer = ask(three, "ms/impressions", 3, begin="2026-01-01")
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Unknown parameter begin")
    assert ids(rows(three, "ms/impressions", 3, begintime="2026-01-01")) == [1, 2, 3]


def test_publisher_says_periods_with_fields_in_every_version(three):
    three.add_impressions(3, timestamps=THREE, destination=112, family="publisher")
    for version in (2, 3, 4):
        found = rows(three, "publisher/impressions", version, **{"fields[]": "timestamp>=2026-01-02 00:00:00"})
        assert ids(found) == [3]


def test_a_period_can_be_ignored_on_request(three):
    three.behave(ignore_period=True)
    assert ids(rows(three, "ms/impressions", 3, begintime="2030-01-01")) == [1, 2, 3]
    assert ids(rows(three, "ms/impressions", 2, **{"fields[]": "timestamp>2030-01-01"})) == [1, 2, 3]


def test_emailings_and_destinations_spell_their_periods_differently(box):
    emailings = box.truth("emailings")
    second = emailings[1]["timestamp"]
    assert [row["id"] for row in rows(box, "ms/emailings")] == ["401", "402", "403"]
    assert [row["id"] for row in rows(box, "ms/emailings", fromdate=second)] == ["402", "403"]
    assert [row["id"] for row in rows(box, "ms/emailings", todate=second)] == ["401", "402"]
    account = walk(box, "ms/destinations", 4, **{"from": second[:10]})
    assert {row["mailing"] for row in account} == {"402", "403"}
    assert set(account[0]) == {
        "id", "messageID", "mailing", "timestampsent", "profile", "subprofile", "unsubscribed",
    }  # fmt: skip


def test_an_emailing_has_its_documented_keys_and_its_number_of_destinations(box):
    emailing = ask(box, "ms/emailing/402", 3).json()
    assert list(emailing) == [
        "id", "timestamp", "template", "subject", "from_address", "destinations", "type", "target", "tags",
    ]  # fmt: skip
    assert emailing["from_address"] == {"name": "Example Shop", "email": "news@example.com"}
    assert emailing["destinations"] == len(walk(box, "ms/emailing/402/destinations", 3))


def test_a_destination_says_who_it_was_sent_to(box):
    destination = ask(box, "ms/destination/112", 3).json()
    truth = next(row for row in box.truth("destinations") if row["ID"] == 112)
    assert destination == {"ID": "112", "messageID": truth["hash"],
                           **{key: truth[key] for key in ("timestampsent", "profile", "subprofile")},
                           "mailing": "401"}  # fmt: skip


def test_unique_clicks_are_one_per_destination(box):
    clickers = {row["destination"] for row in box.truth("clicks")}
    found = walk(box, "ms/clicks", unique="true")
    assert len(found) == len(clickers)
    assert {int(row["destination"]) for row in found} == clickers
    assert len(walk(box, "ms/clicks")) == len(box.truth("clicks"))


def test_statistics_are_one_object_that_counts_rows_and_destinations(three):
    three.add_impressions(1, timestamps=["2026-01-02 00:00:10"], destination=111)
    figures = ask(three, "ms/emailing/401/statistics").json()
    assert (figures["destinations"], figures["impressions"]) == ("12", {"total": 4, "unique": 2})
    assert ask(three, "ms/destination/112/statistics").json()["impressions"] == {"total": 3}
    later = ask(three, "ms/emailing/401/statistics", begintime="2026-01-01 10:30:00").json()
    assert later["impressions"] == {"total": 3, "unique": 2}


def test_statistics_can_lag_behind_the_rows(three):
    three.behave(statistics_lag_seconds=3600)
    assert ask(three, "ms/emailing/401/statistics").json()["impressions"] == {"total": 2, "unique": 1}


def test_identity_says_whose_account_it_is(box):
    assert set(ask(box, "identity").json()) == {"id", "name", "description", "company"}


@pytest.mark.parametrize(
    ("path", "parameters", "message"),
    [
        ("ms/emailing/999/impressions", {}, "No entity with supplied ID"),
        ("ms/destination/99/impressions", {}, "No entity with supplied ID"),
        ("ms/destination/zz9/impressions", {}, "No entity with supplied ID"),
        ("ms/nonsense", {}, "Invalid method"),
        ("ms/impressions", {"fields[]": "timestamp>yesterday"}, "Invalid time in timestamp: yesterday"),
        ("ms/impressions", {"fields[]": "timestamp>2026-02-30"}, "Invalid time in timestamp: 2026-02-30"),
        ("ms/impressions", {"fields[]": "timestamp"}, "Invalid field condition: timestamp"),
        ("ms/impressions", {"access_token": "wrong"}, "Invalid access token"),
    ],
)
def test_a_bad_request_is_a_400_with_the_reason_as_json(box, path, parameters, message):
    query = urlencode({"access_token": box.access_token, **parameters})
    answer = requests.get(f"{box.url}/v2/{path}?{query}", timeout=5)
    assert (answer.status_code, answer.json()) == (400, {"error": {"message": message}})


def test_the_habits_of_the_live_service_are_kept(three):
    assert ids(rows(three, "ms/impressions/")) == [1, 2, 3]
    assert all("total" not in ask(three, "ms/impressions", total=word).json() for word in ("", "no", "false"))
    for limit in ("-1", "x"):
        answer = ask(three, "ms/impressions", limit=limit).json()
        assert (answer["count"], answer["data"]) == (0, [])
    assert ids(rows(three, "ms/impressions", **{"fields[]": "colour==red"})) == [1, 2, 3]
    assert ids(rows(three, "ms/impressions", **{"fields[]": "TimeStamp>=2026-01-02 00:00:00"})) == [3]
    three.behave(next_id=True)
    assert ask(three, "ms/impressions", limit=2).json()["nextid"] == 2


def test_ids_can_be_numbers(three):
    three.behave(number_ids=True)
    row = rows(three, "ms/impressions")[0]
    assert (row["ID"], row["mailing"], row["destination"], row["timestamp"]) == (1, 401, 112, THREE[0])


def test_version_4_gives_a_jwt_of_three_parts_whose_expiry_can_be_read(box):
    import base64
    import time

    jwt = requests.post(box.auth_url, data={"access_token": box.access_token}, timeout=5).text
    head, payload, signature = jwt.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert head
    assert signature
    assert 86_300 < claims["exp"] - time.time() <= 86_400


@pytest.mark.parametrize(
    ("framing", "reads"), [("bare", str), ("string", json.loads), ("object", lambda body: json.loads(body)["token"])]
)
def test_a_jwt_comes_bare_or_as_json_and_works_either_way(three, framing, reads):
    three.behave(jwt_framing=framing)
    jwt = reads(requests.post(three.auth_url, data={"access_token": three.access_token}, timeout=5).text)
    answer = requests.get(f"{three.url}/v4/ms/impressions", headers={"Authorization": f"Bearer {jwt}"}, timeout=5)
    assert answer.json()["total"] == 3


def test_version_4_refuses_other_tokens(box):
    assert requests.post(box.auth_url, data={"access_token": "wrong"}, timeout=5).status_code == 400
    assert requests.get(box.auth_url, timeout=5).status_code == 400
    for headers in ({}, {"Authorization": "Bearer a.b.c"}, {"Authorization": f"Bearer {box.access_token}"}):
        assert requests.get(f"{box.url}/v4/identity", headers=headers, timeout=5).status_code == 401
    assert requests.get(f"{box.url}/v4/identity?access_token={box.access_token}", timeout=5).status_code == 401


def test_a_jwt_expires_after_its_uses_and_after_its_time(three):
    three.behave(jwt_uses=2)

    def status(jwt):
        return requests.get(
            f"{three.url}/v4/identity", headers={"Authorization": f"Bearer {jwt}"}, timeout=5
        ).status_code

    def fresh():
        return requests.post(three.auth_url, data={"access_token": three.access_token}, timeout=5).text

    first = fresh()
    assert [status(first) for _ in range(3)] == [200, 200, 401]
    assert status(fresh()) == 200
    three.behave(jwt_uses=None, jwt_seconds=-1)
    assert status(fresh()) == 401


def test_what_was_asked_is_recorded_without_the_token(three):
    three.clear_requests()
    ask(three, "ms/impressions", 2, start=0, limit=2)
    ask(three, "ms/nonsense", 2)
    ask(three, "identity", 4)
    assert [tuple(one) for one in three.requests] == [
        ("GET", "/v2/ms/impressions", {"start": "0", "limit": "2"}, 200),
        ("GET", "/v2/ms/nonsense", {}, 400),
        ("POST", "/authenticate", {}, 200),
        ("GET", "/v4/identity", {}, 200),
    ]
    assert three.access_token not in repr(three.requests)
