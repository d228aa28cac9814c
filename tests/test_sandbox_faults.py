"""The sandbox misbehaves exactly as it is told to: each fault seen from the outside, over a real socket."""

import gzip
import http.client
import json
import socket
import threading
import time
from email.utils import parsedate_to_datetime
from itertools import pairwise

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from impressions_analytics.sandbox import Behaviour, Sandbox

DAY = "2026-01-01 "


@pytest.fixture
def box():
    """Ten impressions with IDs 1 to 10, one a minute; ID 10 has the oldest timestamp."""
    with Sandbox(impressions=0, emailings=1) as running:
        times = [f"{DAY}10:{minute:02}:00" for minute in range(1, 10)]
        running.add_impressions(10, timestamps=[*times, f"{DAY}10:00:00"], destination=112)
        yield running


def get(box, path="/v2/ms/impressions?limit=4", **headers):
    """Return status, headers and body of one request on a connection of its own."""
    connection = http.client.HTTPConnection(box.url.removeprefix("http://"), timeout=5)
    try:
        joint = "&" if "?" in path else "?"
        connection.request("GET", f"{path}{joint}access_token={box.access_token}", headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def page(box, path="/v2/ms/impressions?limit=4"):
    return json.loads(get(box, path)[2])


def ids(box, path="/v2/ms/impressions?limit=100"):
    return [int(row["ID"]) for row in page(box, path)["data"]]


def outcome(box):
    """Return the status of one request, or the class of what went wrong."""
    try:
        return get(box)[0]
    except OSError as problem:
        return type(problem)


def eventually(holds):
    """Return whether something comes to hold, asked for patiently."""
    patience = time.monotonic() + 10
    while not holds():
        if time.monotonic() > patience:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("id", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ("reverse", [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ("timestamp", [10, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ],
)
def test_rows_come_in_the_order_that_is_asked_for(box, order, expected):
    box.behave(order=order)
    assert ids(box) == expected
    assert ids(box, "/v2/ms/emailing/401/impressions?limit=100") == expected
    assert ids(box, "/v2/ms/impressions?limit=3&start=2") == expected[2:5]
    assert ids(box, "/v3/ms/impressions?begintime=2026-01-01%2010:08:00") == [n for n in expected if n in (8, 9)]


def test_a_random_order_is_one_stable_shuffle_of_all_rows(box):
    box.behave(order="random")
    whole = ids(box)
    assert sorted(whole) == list(range(1, 11))
    assert whole != sorted(whole)
    assert [*ids(box, "/v2/ms/impressions?limit=5"), *ids(box, "/v2/ms/impressions?limit=5&start=5")] == whole
    box.add_impressions(3)
    assert [number for number in ids(box) if number <= 10] == whole


def test_rows_that_arrive_at_the_front_shift_every_later_page(box):
    box.behave(arrive_rows=1, arrive_at="front", arrive_every=2)
    first, second = ids(box, "/v2/ms/impressions?limit=4"), ids(box, "/v2/ms/impressions?limit=4&start=4")
    assert (first, second) == ([1, 2, 3, 4], [4, 5, 6, 7])
    assert page(box)["total"] == 11
    assert ids(box) == [12, 11, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]


@pytest.mark.parametrize("order", ["id", "reverse", "random"])
def test_rows_that_arrive_at_the_end_shift_nothing(box, order):
    box.behave(order=order)
    before = ids(box)
    box.behave(arrive_rows=2, arrive_at="end", arrive_most=3)
    assert ids(box) == [*before, 11, 12]
    assert ids(box) == [*before, 11, 12, 13]
    assert ids(box) == [*before, 11, 12, 13]


def test_rows_arrive_with_new_or_with_old_timestamps(box):
    box.behave(arrive_rows=2, arrive_most=2)
    ids(box)
    assert [row["timestamp"] for row in box.truth()[-2:]] == [f"{DAY}10:09:01", f"{DAY}10:09:02"]
    box.behave(arrive_timestamps="old")
    ids(box)
    late = [row["timestamp"] for row in box.truth()[-2:]]
    assert all(timestamp <= f"{DAY}10:09:02" for timestamp in late)


def test_rows_arrive_in_the_destination_that_is_asked_for(box):
    box.behave(arrive_rows=2, arrive_most=2)
    assert ids(box, "/v2/ms/destination/105/impressions") == [11, 12]
    assert {row["destination"] for row in box.truth()[-2:]} == {105}


def test_added_rows_appear_at_once_in_every_list(box):
    assert box.add_impressions(2, timestamps=[f"{DAY}10:05:30", f"{DAY}23:00:00"], destination=105) == [11, 12]
    assert ids(box, "/v3/ms/impressions?begintime=2026-01-01%2010:05:00&endtime=2026-01-01%2010:06:00") == [5, 6, 11]
    assert ids(box, "/v2/ms/destination/105/impressions") == [11, 12]
    with pytest.raises(ValueError, match="1 timestamps were given for 2 impressions"):
        box.add_impressions(2, timestamps=["2026-01-01"])


def test_counts_can_lie(box):
    box.behave(count_off=-1, total_off=-3)
    assert (page(box)["count"], len(page(box)["data"]), page(box)["total"]) == (3, 4, 7)
    box.behave(count_off=0, total_off=0, total_drift=1)
    first, second = page(box)["total"], page(box)["total"]
    assert second == first + 1


def test_pages_can_be_short_and_lose_no_rows_for_a_client_that_counts_them(box):
    box.behave(short_pages=1)
    assert ids(box, "/v2/ms/impressions?limit=4") == [1, 2, 3]
    assert ids(box, "/v2/ms/impressions?limit=4&start=3") == [4, 5, 6]
    assert ids(box, "/v2/ms/impressions?limit=4&start=8") == [9, 10]


def test_rows_can_be_repeated_across_pages(box):
    box.behave(repeat_rows=1)
    pages = [ids(box, f"/v2/ms/impressions?limit=4&start={start}") for start in (0, 4, 8)]
    assert pages == [[1, 2, 3, 4], [4, 5, 6, 7], [8, 9, 10]]


def test_a_row_can_be_malformed_in_any_column(box):
    box.behave(malformed=((1, "timestamp", "2014-02-30 00:00:00"), (5, "ID", True), (5, "ip", ...)))
    rows = page(box, "/v2/ms/impressions?limit=10")["data"]
    assert [row["timestamp"] for row in rows].index("2014-02-30 00:00:00") == 1
    assert rows[5]["ID"] is True
    assert [number for number, row in enumerate(rows) if "ip" not in row] == [5]
    assert page(box, "/v2/ms/impressions?start=5&limit=1")["data"][0]["ID"] is True


def test_a_column_that_nobody_documented_can_appear(box):
    box.behave(extra_column="mood")
    assert [row["mood"] for row in page(box)["data"]] == ["news 0", "news 1", "news 2", "news 3"]


@pytest.mark.parametrize(("fault", "seconds"), [("429", "7"), ("429_bare", None)])
def test_too_many_requests_says_how_long_to_wait_or_says_nothing(box, fault, seconds):
    box.behave(faults={1: fault}, retry_after_seconds=7)
    status, headers, _ = get(box)
    assert (status, headers.get("Retry-After")) == (429, seconds)


def test_too_many_requests_can_name_the_moment(box):
    box.behave(faults={1: "429_date"}, retry_after_seconds=60)
    _, headers, _ = get(box)
    assert 55 < parsedate_to_datetime(headers["Retry-After"]).timestamp() - time.time() < 65


@pytest.mark.parametrize(
    ("fault", "status", "type_", "words"),
    [
        ("500", 500, "application/json", b'{"error"'),
        ("502", 502, "text/html", b"<title>Loadbalancer Error</title>"),
        ("503", 503, "text/html", b"<title>Loadbalancer Error</title>"),
        ("504", 504, "text/html", b"<title>Loadbalancer Error</title>"),
        ("error_200", 200, "application/json", b'{"error"'),
        ("html_200", 200, "text/html", b"<!DOCTYPE html>"),
        ("400", 400, "application/json", b'{"error"'),
        ("401", 401, "application/json", b'{"error"'),
    ],
)
def test_a_fault_with_a_status_has_its_status_and_body_and_the_connection_goes_on(box, fault, status, type_, words):
    box.behave(faults={1: fault})
    with requests.Session() as session:
        address = f"{box.url}/v2/ms/impressions?access_token={box.access_token}"
        answer = session.get(address, timeout=5)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, type_)
        assert answer.content.startswith(words) or words in answer.content
        assert session.get(address, timeout=5).json()["total"] == 10


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("reset", ConnectionResetError),
        ("reset_midway", (ConnectionResetError, http.client.IncompleteRead)),
        ("empty", http.client.RemoteDisconnected),
        ("cut", http.client.IncompleteRead),
        ("cut_chunked", http.client.IncompleteRead),
    ],
)
def test_a_broken_connection_breaks_the_way_it_is_told_to_and_the_next_works(box, fault, error):
    box.behave(faults={1: fault})
    with pytest.raises(error):
        get(box)
    assert page(box)["total"] == 10
    assert box.requests[1].status == 200


def test_a_body_can_be_cut_with_no_sign_in_the_protocol(box):
    box.behave(faults={1: "cut_unmarked"})
    status, headers, body = get(box)
    assert (status, "Content-Length" in headers) == (200, False)
    whole = get(box)[2]
    assert body == whole[: len(whole) // 2]


def test_nobody_listens_for_a_while_after_refused(box):
    box.behave(faults={1: "refused"}, refused_seconds=1)
    with pytest.raises(ConnectionResetError):
        get(box)
    assert eventually(lambda: outcome(box) is ConnectionRefusedError)
    assert eventually(lambda: outcome(box) == 200)


def test_a_request_can_hang_until_the_client_gives_up(box):
    box.behave(faults={1: "hang"})
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{box.url}/v2/identity", timeout=0.2)
    assert page(box)["total"] == 10
    assert [one.status for one in box.requests] == [None, 200]


def test_a_call_that_moved_can_be_followed_on_this_host(box):
    box.behave(faults={1: "301"})
    answer = requests.get(f"{box.url}/v2/ms/impressions", params={"access_token": box.access_token}, timeout=5)
    assert answer.history[0].status_code == 301
    assert answer.json()["total"] == 10
    assert [one.path for one in box.requests] == ["/v2/ms/impressions", "/moved/v2/ms/impressions"]
    assert box.tokens_elsewhere == 0


def test_a_client_that_takes_its_token_to_another_host_is_seen(box):
    box.behave(faults={1: "301_away"})
    answer = requests.get(f"{box.url}/v2/ms/impressions", params={"access_token": box.access_token}, timeout=5)
    assert answer.url.startswith("http://localhost:")
    assert box.tokens_elsewhere == 1


def test_faults_meet_exactly_the_requests_with_their_numbers(box):
    box.behave(faults={2: "503", 4: "429"})
    assert [get(box)[0] for _ in range(5)] == [200, 503, 200, 429, 200]
    box.clear_requests()
    assert [get(box)[0] for _ in range(2)] == [200, 503]


def test_faults_by_chance_are_the_same_for_the_same_seed(box):
    def statuses(seed):
        box.clear_requests()
        box.behave(fault_probability=0.3, fault_kinds=("503", "502"), fault_seed=seed)
        return [get(box)[0] for _ in range(40)]

    first = statuses(1)
    assert statuses(1) == first
    assert statuses(2) != first
    assert set(first) == {200, 502, 503}


def test_an_outage_lasts_for_its_requests_or_for_its_seconds(box):
    box.behave(outage_requests=2)
    assert [get(box)[0] for _ in range(3)] == [503, 503, 200]
    box.behave(outage_requests=0, outage_seconds=1, outage_fault="502")
    assert get(box)[0] == 502
    assert eventually(lambda: outcome(box) == 200)


def test_latency_and_deep_offsets_take_at_least_their_time(box):
    def took(path):
        begin = time.perf_counter()
        get(box, path)
        return time.perf_counter() - begin

    box.behave(latency_seconds=0.1)
    assert took("/v2/ms/impressions") >= 0.1
    box.behave(latency_seconds=0.0, offset_milliseconds_per_1000=50)
    assert took("/v2/ms/impressions?start=4000") >= 0.2


def test_bodies_are_compressed_only_when_told_and_accepted(box):
    assert "Content-Encoding" not in get(box, **{"Accept-Encoding": "gzip"})[1]
    box.behave(gzip=True)
    status, headers, body = get(box, **{"Accept-Encoding": "gzip, deflate"})
    assert (status, headers["Content-Encoding"]) == (200, "gzip")
    assert json.loads(gzip.decompress(body))["total"] == 10
    assert "Content-Encoding" not in get(box)[1]


def test_the_most_requests_at_the_same_time_are_counted(box):
    box.behave(latency_seconds=0.5)
    threads = [threading.Thread(target=get, args=(box,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert box.peak_parallel == 5


def test_many_clients_at_once_all_get_their_own_pages(box):
    found = {}

    def fetch(start):
        found[start] = ids(box, f"/v2/ms/impressions?limit=1&start={start}")

    threads = [threading.Thread(target=fetch, args=(start,)) for start in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {start: [start + 1] for start in range(10)}


def test_requests_on_one_connection_may_come_in_pieces_or_together(box):
    target = f"/v2/ms/impressions?limit=0&access_token={box.access_token}"
    one = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    host, port = box.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as client:
        client.sendall(one + one[:20])
        time.sleep(0.05)
        client.sendall(one[20:].replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        received = b"".join(iter(lambda: client.recv(65_536), b""))
    assert received.count(b"HTTP/1.1 200 OK") == 2


def get_nothing(box):
    with pytest.raises((OSError, http.client.HTTPException)):
        get(box)


def test_stopping_leaves_no_thread_and_no_listener_even_with_clients_connected():
    before = set(threading.enumerate())
    box = Sandbox(impressions=10, emailings=1, latency_seconds=30).start()
    host, port = box.url.removeprefix("http://").split(":")
    waiting = threading.Thread(target=get_nothing, args=(box,))
    waiting.start()
    with socket.create_connection((host, int(port))):
        while not box.requests:
            time.sleep(0.01)
        box.stop()
        waiting.join()
    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port))).close()
    with pytest.raises(RuntimeError, match="the sandbox is not running"):
        _ = box.url


def test_a_stopped_sandbox_can_start_again_on_its_port():
    with Sandbox(impressions=1, emailings=1) as box:
        port = int(box.url.rsplit(":", 1)[1])
        get(box)
    with Sandbox(impressions=1, emailings=1, port=port) as box:
        assert page(box)["total"] == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"order": "shuffled"}, "order is 'shuffled'; it can be 'id', 'reverse', 'random' or 'timestamp'"),
        ({"faults": {1: "599"}}, "fault is '599'; it can be '429'"),
        ({"fault_probability": 2}, "fault_probability is 2; it lies between 0 and 1"),
        ({"arrive_every": 0}, "arrive_every is 0; it is 1 or more"),
    ],
)
def test_a_behaviour_that_does_not_exist_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Behaviour(**wrong)


def test_every_field_of_the_behaviour_is_documented():
    documented = Behaviour.__doc__
    assert [name for name in Behaviour.__slots__ if name not in documented] == []


def test_consecutive_pages_of_an_honest_sandbox_touch_without_overlap(box):
    pages = [ids(box, f"/v2/ms/impressions?limit=3&start={start}") for start in (0, 3, 6, 9)]
    assert all(left[-1] + 1 == right[0] for left, right in pairwise(pages))


@given(
    limit=st.integers(1, 60), order=st.sampled_from(["id", "reverse", "random", "timestamp"]), seed=st.integers(0, 9)
)
def test_every_page_size_in_every_order_walks_over_all_rows_once(limit, order, seed):
    with Sandbox(impressions=150, emailings=2, seed=seed, order=order) as running, requests.Session() as session:
        found = []
        while len(found) < 150:
            query = {"limit": limit, "start": len(found), "access_token": running.access_token}
            found += session.get(f"{running.url}/v2/ms/impressions", params=query, timeout=5).json()["data"]
        assert sorted(int(row["ID"]) for row in found) == [row["ID"] for row in running.truth()]
