"""The conversation with the API over real HTTP: what is retried, how long, and where the token may go."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import random
import shutil
import socketserver
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import impressions_analytics as ia
from impressions_analytics.api.jwt import LIFETIME_SECONDS, MARGIN_SECONDS, jwt_in, use_until
from impressions_analytics.api.outcomes import seconds_to_wait
from impressions_analytics.api.secret import Secret
from impressions_analytics.api.session import Transport
from impressions_analytics.sandbox import Sandbox

PAGE = "ms/impressions"
FIVE_ROWS = [("limit", "5")]


@pytest.fixture
def small():
    """A sandbox of our own, to misbehave."""
    with Sandbox(impressions=20, emailings=1) as running:
        yield running


class Listener:
    """A server that keeps every request line and header that reaches it, and answers all with one text."""

    def __init__(self, status=200, body=b'{"id":"1"}', headers=()):
        self.seen: list[tuple[str, dict[str, str]]] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                listener.seen.append((self.requestline, {key.lower(): value for key, value in self.headers.items()}))
                self.send_response(status)
                for name, value in (*headers, ("Content-Length", str(len(body)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_CONNECT = do_POST = do_GET

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def paths(box) -> list[str]:
    return [asked.path for asked in box.requests]


# What is asked again, and what is not.


@pytest.mark.parametrize(
    "fault", ["429", "429_date", "429_bare", "500", "502", "503", "504", "reset", "reset_midway", "empty", "refused",
              "cut", "cut_chunked"]
)  # fmt: skip
def test_what_may_pass_is_asked_again(fault, small, reach):
    small.behave(faults={1: fault}, retry_after_seconds=0)
    with Transport(reach(small)) as transport:
        assert transport.get(PAGE, FIVE_ROWS).startswith(b'{"start":0,"limit":5,"count":5')
        assert transport.retries >= 1
        assert transport.requests == transport.retries + 1


@pytest.mark.parametrize("fault", ["400", "401"])
@pytest.mark.parametrize("version", [2, 3])
def test_a_no_is_never_asked_again(fault, version, small, reach):
    small.behave(faults=dict.fromkeys(range(1, 9), fault))
    with Transport(reach(small, version=version)) as transport, pytest.raises(ia.RequestRefusedError):
        transport.get(PAGE)
    assert len(small.requests) == 1


def test_a_refusal_says_what_the_api_said(small, reach):
    with Transport(reach(small)) as transport:
        with pytest.raises(ia.RequestRefusedError, match=r"ms/emailing/7/impressions.*400: No entity with supplied ID"):
            transport.get("ms/emailing/7/impressions")
        stranger = ia.Copernica("of somebody else".replace(" ", "-"), url=small.url)
    with Transport(stranger) as transport, pytest.raises(ia.AccessDeniedError, match="COPERNICA_ACCESS_TOKEN"):
        transport.get(PAGE)


def test_without_patience_everything_is_asked_once(small, reach):
    small.behave(outage_requests=9)
    with Transport(reach(small, patience_seconds=0)) as transport, pytest.raises(ia.ApiUnavailableError) as caught:
        transport.get(PAGE)
    assert len(small.requests) == 1
    assert "ms/impressions: the API answered 503, and still after 1 tries" in str(caught.value)
    assert "give more patience_seconds" in str(caught.value)


@pytest.mark.parametrize(("patience_seconds", "asked"), [(0, 1), (0.6, 2)])
def test_a_body_that_cannot_be_read_is_asked_again_within_the_patience(patience_seconds, asked, small, reach):
    small.behave(faults=dict.fromkeys(range(1, 9), "cut_unmarked"))
    with pytest.raises(ia.MalformedResponseError, match="not whole JSON"):
        ia.load_impressions(reach(small, patience_seconds=patience_seconds))
    assert len(small.requests) == asked


def test_an_outage_within_the_patience_is_outlived(small, reach):
    small.behave(outage_requests=3, outage_fault="502")
    with Transport(reach(small)) as transport:
        transport.get(PAGE)
        assert (transport.requests, transport.retries) == (4, 3)


def test_a_wait_longer_than_the_patience_is_not_begun(small, reach):
    small.behave(faults={1: "429"}, retry_after_seconds=3600)
    with Transport(reach(small)) as transport, pytest.raises(ia.ApiUnavailableError, match="to wait 3600"):
        transport.get(PAGE)
    assert len(small.requests) == 1


@pytest.mark.sampled(1)
@pytest.mark.parametrize("fault", ["429", "429_date"])
def test_the_wait_is_the_one_that_the_api_asks_for(fault, small, reach, caplog):
    caplog.set_level("INFO", logger="impressions_analytics")
    small.behave(faults={1: fault}, retry_after_seconds=2)
    with Transport(reach(small)) as transport:
        transport.get(PAGE)
    (told,) = [record.args for record in caplog.records if record.name == "impressions_analytics"]
    assert 0.9 <= told[2] <= 2.2  # a date has whole seconds


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("0", 0), ("120", 120), (" 7 ", 7), ("", None), ("soon", None), ("-5", None), ("1.5", None),
     ("\u00b2", None), ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Thu, 99 Jan 1970 00:00:00 GMT", None),
     ("Fri, 31 Dec 99999999999 23:59:59 GMT", None), ("Mon, 01 Jan 0101 00:00:00 -0000", 0), ("9" * 400, 1e9)],
)  # fmt: skip
def test_a_retry_after_is_seconds_or_a_date_or_nothing(header, seconds):
    waiting = seconds_to_wait(header)
    assert waiting == seconds or (seconds == 1e9 and waiting > 1e9)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("told", ["0", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_an_api_that_asks_for_no_wait_is_not_hammered(told, caplog):
    caplog.set_level("INFO", logger="impressions_analytics")
    with Listener(429, headers=[("Retry-After", told)]) as listener:
        api = ia.Copernica("t", url=listener.url, patience_seconds=1.2)
        with Transport(api) as transport, pytest.raises(ia.ApiUnavailableError):
            transport.get("identity")
    waits = [record.args[2] for record in caplog.records if record.name == "impressions_analytics"]
    assert all(wait >= 0.125 * 2**number for number, wait in enumerate(waits))
    assert len(listener.seen) <= 4


def test_a_wait_without_end_for_every_connection_ends_in_words():
    """A connection that another one makes wait keeps the patience too."""
    with (
        Listener(429, headers=[("Retry-After", "9" * 400)]) as listener,
        Transport(ia.Copernica("t", url=listener.url)) as transport,
    ):
        for words in ("to wait inf s; the patience is 300 s", "every connection to wait inf s"):
            with pytest.raises(ia.ApiUnavailableError, match=words):
                transport.get("identity")
    assert len(listener.seen) == 1


@pytest.mark.sampled(1)
@pytest.mark.parametrize("fault", ["429", "503"])
def test_all_connections_wait_together_when_the_api_says_slow_down(fault, small, reach, caplog):
    """The outage is shorter than the wait: whoever did not wait would meet it too, and need a retry of its own."""
    caplog.set_level("INFO", logger="impressions_analytics")
    small.behave(outage_seconds=0.1, outage_fault=fault, retry_after_seconds=1)
    with Transport(reach(small)) as transport:
        first = threading.Thread(target=transport.get, args=(PAGE,))
        first.start()
        while not caplog.records:
            pass
        others = [threading.Thread(target=transport.get, args=(PAGE,)) for _ in range(3)]
        for thread in others:
            thread.start()
        for thread in (first, *others):
            thread.join()
        assert (transport.requests, transport.retries) == (5, 1)


def test_a_host_that_is_not_known_is_said_so(reach, small):
    api = reach(small, url="http://nowhere.invalid", allow_plain_http=True, patience_seconds=0)
    with Transport(api) as transport, pytest.raises(ia.ApiUnavailableError, match="host name is not known"):
        transport.get(PAGE)


def test_silence_ends_with_the_time_out(small, reach):
    small.behave(latency_seconds=5)
    with (
        Transport(reach(small, timeout_seconds=0.1, patience_seconds=0)) as transport,
        pytest.raises(ia.ApiUnavailableError, match=r"no answer within 0\.1 s"),
    ):
        transport.get(PAGE)


def test_a_stopped_transport_ends_its_waits(small, reach):
    small.behave(faults={1: "429"}, retry_after_seconds=15)
    outcomes = []
    with Transport(reach(small)) as transport:

        def fetch():
            with pytest.raises(ia.ApiError, match="stopped"):
                transport.get(PAGE)
            outcomes.append("stopped")

        thread = threading.Thread(target=fetch)
        thread.start()
        while not small.requests:
            pass
        transport.stop()
        thread.join(5)
    assert outcomes == ["stopped"]


@pytest.mark.parametrize("body", [b"[]", b"5", b"nonsense", b"<html></html>", b"[" * 200_000])
def test_one_thing_that_is_no_object_is_malformed(body):
    told = f"identity: expected a JSON object, got {len(body)} bytes"
    with (
        Listener(body=body) as listener,
        Transport(ia.Copernica("t", url=listener.url)) as transport,
        pytest.raises(ia.MalformedResponseError, match=told),
    ):
        transport.get_object("identity")


def test_an_error_with_status_200_is_an_error(small, reach):
    small.behave(faults={1: "error_200"})
    with Transport(reach(small)) as transport, pytest.raises(ia.RequestRefusedError, match="Something went wrong"):
        transport.get_object("identity")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error":7}', b'{"error":{}}', b"[" * 200_000, b"\xff"])
@pytest.mark.parametrize("status", [400, 404, 418])
def test_a_refusal_with_any_body_is_a_refusal(body, status):
    with (
        Listener(status, body) as listener,
        Transport(ia.Copernica("t", url=listener.url)) as transport,
        pytest.raises(ia.RequestRefusedError, match=str(status)) as caught,
    ):
        transport.get("identity")
    assert len(str(caught.value)) < 200
    assert len(listener.seen) == 1


class Raw:
    """A server that answers every request with the same bytes, be they HTTP or not."""

    def __init__(self, *pieces, pause_seconds=0.0):
        self.pieces, self.pause_seconds = pieces, pause_seconds

        class Handler(socketserver.BaseRequestHandler):
            def handle(handler):
                handler.request.recv(65536)
                with contextlib.suppress(OSError):
                    for piece in self.pieces:
                        handler.request.sendall(piece)
                        time.sleep(self.pause_seconds)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("version", [2, 4])
@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 99999999999999999999999\r\n\r\n{}",
        OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nabc",
        OK + b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\nabc",
        OK + b"Content-Encoding: gzip\r\n\r\n{}",
        OK + b"X: 1\r\n" * 200 + b"\r\n{}",
        b"HTTP/1.1 99999 X\r\n\r\n",
        b"HTTP/1.1 429 X\r\nContent-Length: 0\r\nRetry-After: Fri, 31 Dec 99999999999 23:59:59 GMT\r\n\r\n",
        b"\x00\xff garbage\r\n\r\n",
        b"",
    ],
)
def test_no_answer_is_so_odd_that_it_ends_in_anything_but_words(answer, version):
    with Raw(answer) as server:
        api = ia.Copernica("t", version=version, url=server.url, auth_url=server.url, patience_seconds=0)
        with Transport(api) as transport, pytest.raises(ia.ApiUnavailableError) as caught:
            transport.get("identity")
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_host_name_that_cannot_be_is_told_at_once():
    api = ia.Copernica("t", url="https://\u2024\u2024.example")
    with Transport(api) as transport, pytest.raises(ia.RequestRefusedError, match="address cannot be used"):
        transport.get("identity")


@pytest.mark.parametrize("packed", [True, False])
def test_an_answer_without_end_is_given_up_before_memory_is_full(packed):
    body = gzip.compress(b" " * 110_000_000, 1) if packed else b" " * 110_000_000
    headers = [("Content-Encoding", "gzip")] if packed else []
    with Listener(body=body, headers=headers) as listener:
        listener.server.handle_error = lambda *_: None
        api = ia.Copernica("t", url=listener.url, patience_seconds=0)
        with Transport(api) as transport, pytest.raises(ia.ApiUnavailableError, match="longer than 100 MB"):
            transport.get("identity")


@pytest.mark.parametrize("packed", [True, False])
def test_a_long_answer_arrives_whole(packed):
    whole = random.Random(1).randbytes(2_500_000)
    body, headers = (gzip.compress(whole, 1), [("Content-Encoding", "gzip")]) if packed else (whole, [])
    with Listener(body=body, headers=headers) as listener, Transport(ia.Copernica("t", url=listener.url)) as transport:
        assert transport.get("identity") == whole


# Version 4 and its JWT.


def exchanges(box) -> int:
    return paths(box).count("/authenticate")


@pytest.mark.parametrize("framing", ["bare", "string", "object"])
def test_one_jwt_serves_all_calls_however_it_is_framed(framing, small, reach):
    small.behave(jwt_framing=framing)
    api = reach(small, version=4)
    for _ in range(3):
        with Transport(api) as transport:
            transport.get(PAGE)
    ia.load_impressions(api)
    assert exchanges(small) == 1


def test_a_jwt_is_replaced_before_it_expires(small, reach):
    api = reach(small, version=4)
    small.behave(jwt_seconds=1)
    with Transport(api) as transport:
        transport.get(PAGE)
        time.sleep(0.6)  # more than half of its life
        small.behave(jwt_seconds=600)
        transport.get(PAGE)
        transport.get(PAGE)
    assert exchanges(small) == 2
    assert [asked.status for asked in small.requests] == [200] * 5


@pytest.mark.parametrize("jwt_seconds", [MARGIN_SECONDS - 1, 86_400])
def test_a_jwt_of_any_life_serves_a_whole_load(jwt_seconds, reach):
    with Sandbox(impressions=5_000, emailings=1, jwt_seconds=jwt_seconds) as box:
        assert len(ia.load_impressions(reach(box, version=4))) == 5_000
        assert exchanges(box) == 1


def jwt_with(**claims) -> str:
    header, payload = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
                       for part in ({"alg": "none"}, claims))  # fmt: skip
    return f"{header}.{payload}.c2ln"


@pytest.mark.parametrize(
    ("claims", "until"),
    [
        ({"exp": 90_000}, 89_940),
        ({"exp": 1_050}, 1_025),  # half of a short life
        ({"exp": 90_000, "iat": 3_600}, 1_000 + 86_400 - 60),  # a clock that is behind
        ({"exp": 500, "iat": 400}, 1_000 + 50),  # a clock that is ahead
        ({"exp": 500}, float("inf")),  # a clock that is ahead, and nobody to ask
        ({"exp": 1_000}, float("inf")),
        ({"iat": 400}, 1_000 + LIFETIME_SECONDS - MARGIN_SECONDS),
    ],
)
def test_a_new_jwt_is_used_for_its_life_whatever_this_machine_s_clock_says(claims, until):
    assert use_until(Secret(jwt_with(**claims)), now=1_000) == until


def test_a_late_refusal_of_an_old_jwt_costs_no_further_exchange(small, reach):
    """Another connection has fetched a new one in the meantime."""
    api = reach(small, version=4)
    with Transport(api) as transport:
        transport.get(PAGE)
        fresh, api.tokens["jwt"] = api.tokens["jwt"], Secret("worn.out.token")
        small.behave(latency_seconds=0.5)
        thread = threading.Thread(target=transport.get, args=(PAGE,))
        thread.start()
        time.sleep(0.25)
        api.tokens["jwt"] = fresh
        thread.join()
    assert exchanges(small) == 1
    assert [asked.status for asked in small.requests] == [200, 200, 401, 200]


def test_a_jwt_that_is_refused_is_replaced_once(small, reach):
    small.behave(jwt_uses=1)
    with Transport(reach(small, version=4)) as transport:
        for _ in range(3):
            transport.get(PAGE)
    assert exchanges(small) == 3
    assert [asked.status for asked in small.requests] == [200, 200, 401, 200, 200, 401, 200, 200]


def test_a_second_refusal_is_final(small, reach):
    small.behave(faults=dict.fromkeys((2, 4, 6, 8), "401"))
    with Transport(reach(small, version=4)) as transport, pytest.raises(ia.AccessDeniedError, match="401"):
        transport.get(PAGE)
    assert paths(small) == ["/authenticate", "/v4/ms/impressions"] * 2


def test_connections_that_lose_the_jwt_together_fetch_one(small, reach):
    small.behave(latency_seconds=0.1)
    api = reach(small, version=4)
    with Transport(api) as transport:
        transport.get(PAGE)
        api.tokens["jwt"] = Secret("worn.out.token")
        threads = [threading.Thread(target=transport.get, args=(PAGE,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert exchanges(small) == 2


def test_an_exchange_that_fails_says_so(small, reach):
    wrong = ia.Copernica("wrong", version=4, url=small.url, auth_url=small.auth_url)
    with Transport(wrong) as transport, pytest.raises(ia.AccessDeniedError, match="Invalid access token"):
        transport.get(PAGE)
    small.behave(faults={2: "html_200"})
    with Transport(reach(small, version=4)) as transport, pytest.raises(ia.AccessDeniedError, match="answered 200"):
        transport.get(PAGE)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"<html>a.b.c</html>", b"not a token", b'{"a":1}', b"{", b"\xff\xfe", b"a.b.c\nd",
             b"[" * 200_000, b'{"a":' * 100_000, b'{"host":"api.copernica.com"}', b"a..c"]
)  # fmt: skip
def test_what_holds_no_jwt_gives_none(body):
    assert jwt_in(body) is None


REAL = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "body",
    [REAL, f'"{REAL}"', f"Bearer {REAL}\n", f'{{"jwt":"{REAL}"}}', f'{{"host":"api.copernica.com","jwt":"{REAL}"}}',
     f'{{"version":"1.2.3","data":{{"token":"{REAL}"}}}}', f'{{"token":"Bearer {REAL}","old":"h.e30.s"}}'],
)  # fmt: skip
def test_a_jwt_is_told_from_a_host_name_and_a_version(body):
    assert jwt_in(body.encode()) == Secret(REAL)


@pytest.mark.parametrize(
    "payload", ["e30", "", "%%%", "bnVsbA", "eyJleHAiOiJ4In0", "eyJleHAiOm51bGx9", "W1tb", "4", "eyJleHAiOjFlOTk5fQ"]
)
def test_a_jwt_without_a_readable_expiry_lasts_as_documented(payload):
    assert use_until(Secret(f"a.{payload}.c"), now=100.0) == 100 + LIFETIME_SECONDS - MARGIN_SECONDS


# Where the token may go.


def test_a_move_within_the_host_is_followed(small, reach):
    small.behave(faults={1: "301"})
    with Transport(reach(small)) as transport:
        assert transport.get(PAGE, FIVE_ROWS).startswith(b'{"start":0,"limit":5,"count":5')
    assert paths(small) == ["/v2/ms/impressions", "/moved/v2/ms/impressions"]


@pytest.mark.parametrize("version", [2, 3, 4])
def test_a_move_to_another_host_is_refused_and_the_token_stays(version, small, reach):
    small.behave(faults=dict.fromkeys(range(1 + (version == 4), 9), "301_away"))
    with Transport(reach(small, version=version)) as transport, pytest.raises(ia.RequestRefusedError) as caught:
        transport.get(PAGE)
    assert "moved to http://localhost" in str(caught.value)
    assert small.tokens_elsewhere == 0
    assert len(small.requests) == 1 + (version == 4)


def test_an_exchange_that_moved_is_not_followed(small, reach):
    small.behave(faults={1: "301_away"})
    with Transport(reach(small, version=4)) as transport, pytest.raises(ia.AccessDeniedError, match="301"):
        transport.get(PAGE)
    assert small.tokens_elsewhere == 0
    assert len(small.requests) == 1


def test_moves_in_a_circle_end():
    with (
        Listener(301, headers=[("Location", "/round")]) as listener,
        Transport(ia.Copernica("t", url=listener.url)) as transport,
        pytest.raises(ia.RequestRefusedError, match="circle"),
    ):
        transport.get(PAGE)
    assert len(listener.seen) == 5


@pytest.mark.parametrize("location", ["", "http://[", "//", "ftp://127.0.0.1/x", "http://127.0.0.1:99999/", "\xff"])
def test_a_move_to_nowhere_is_refused(location):
    with (
        Listener(301, headers=[("Location", location)]) as listener,
        Transport(ia.Copernica("t", url=listener.url)) as transport,
        pytest.raises(ia.RequestRefusedError),
    ):
        transport.get(PAGE)


PLAIN = [
    "http://api.copernica.com", "http://127.0.0.1.example.com", "http://localhost.example.com", "http://10.0.0.1",
    "http://0.0.0.0", "ftp://127.0.0.1", "https://", "api.copernica.com", "https://user:pw@api.copernica.com",
    "http://127.0.0.1@example.com", "https://api.copernica.com/?a=b",
]  # fmt: skip


@pytest.mark.parametrize("address", PLAIN)
@pytest.mark.parametrize("name", ["url", "auth_url"])
def test_an_address_that_would_show_the_token_is_refused(name, address):
    with pytest.raises(ia.SettingsError, match=name):
        ia.Copernica("t", **{name: address})


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://a.example"])
def test_an_address_on_this_machine_may_be_plain(address):
    assert ia.Copernica("t", url=address).url == address


def test_a_netrc_file_adds_nothing(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password hidden\ndefault login else password hidden\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with Listener() as listener, Transport(ia.Copernica("t", url=listener.url)) as transport:
        transport.get("identity")
        assert "authorization" not in listener.seen[0][1]


def test_cookies_are_not_kept():
    with Listener(headers=[("Set-Cookie", "a=b; Path=/")]) as listener:
        with Transport(ia.Copernica("t", url=listener.url)) as transport:
            transport.get("identity")
            transport.get("identity")
        assert ["cookie" in headers for _, headers in listener.seen] == [False, False]


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(small, reach, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    with Transport(reach(small)) as transport:
        transport.get(PAGE)


def test_a_proxy_of_the_environment_is_used_for_other_machines(monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Listener(502) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        api = ia.Copernica("hidden-token", url="https://api.example.invalid", patience_seconds=0)
        with Transport(api) as transport, pytest.raises(ia.ApiUnavailableError):
            transport.get("identity")
        assert [line for line, _ in proxy.seen] in (
            ["CONNECT api.example.invalid:443 HTTP/1.0"],
            ["CONNECT api.example.invalid:443 HTTP/1.1"],
        )  # since 3.12
        assert "hidden-token" not in str(proxy.seen)


@pytest.fixture
def tls(tmp_path):
    """A listener with a certificate that nobody vouches for, and the file that would vouch for it."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]  # fmt: skip
    subprocess.run(made, check=True, capture_output=True)
    listener = Listener()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener.server.socket = context.wrap_socket(listener.server.socket, server_side=True)
    listener.server.handle_error = lambda *_: None
    listener.url = listener.url.replace("http", "https")
    with listener:
        yield listener, certificate


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(tls):
    listener, _ = tls
    api = ia.Copernica("t", url=listener.url)
    with Transport(api) as transport, pytest.raises(ia.ApiError, match="certificate is not trusted"):
        transport.get("identity")
    assert listener.seen == []


def test_a_certificate_that_the_environment_vouches_for_is_trusted(tls, monkeypatch):
    listener, certificate = tls
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with Transport(ia.Copernica("t", url=listener.url)) as transport:
        assert transport.get_object("identity") == {"id": "1"}
