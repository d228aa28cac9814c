"""One promise: the access token and the JWT are shown nowhere. They are planted, and everything is searched."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import io
import json
import logging
import os
import pickle
import pprint
import socket
import subprocess
import sys
import threading
import traceback
import urllib.parse
import warnings
from itertools import product

import pytest

import impressions_analytics as ia
from impressions_analytics.api.secret import Secret
from impressions_analytics.api.session import Transport
from impressions_analytics.sandbox import Sandbox

TOKEN = "planted0123456789token"
JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJl"
FAULTS = [
    None, "429", "429_date", "429_bare", "500", "502", "503", "504", "reset", "reset_midway", "empty", "refused", "cut",
    "cut_unmarked", "cut_chunked", "error_200", "html_200", "400", "401", "301", "301_away",
]  # fmt: skip


def spellings(secret: str) -> list[bytes]:
    """Every form in which a secret could lie about: as it is, percent-encoded, in base64, and half of it."""
    raw = secret.encode()
    return [raw, urllib.parse.quote(secret).encode(), base64.b64encode(raw)[:-4], raw[: len(raw) // 2 + 1]]


def holds(haystack: object, secrets: list[str]) -> bool:
    data = haystack if isinstance(haystack, bytes) else str(haystack).encode("utf-8", "surrogateescape")
    return any(form in data for secret in secrets for form in spellings(secret))


def chain(problem: BaseException | None) -> list[BaseException]:
    """An exception with every cause and context below it."""
    found = []
    waiting = [problem]
    while waiting:
        one = waiting.pop()
        if one is not None and one not in found:
            found.append(one)
            waiting += [one.__cause__, one.__context__]
    return found


def told_by(problem: BaseException) -> dict[str, str]:
    """Everything that somebody may print of an exception."""
    whole = traceback.TracebackException.from_exception(problem, capture_locals=True)
    told = {"traceback with every local variable": "".join(whole.format())}
    for number, one in enumerate(chain(problem)):
        told[f"exception {number}"] = f"{one!r} {one} {one.args} {vars(one)} {getattr(one, '__notes__', '')}"
    return told


def told_by_settings(api: ia.Copernica) -> dict[str, str]:
    values = {field.name: getattr(api, field.name) for field in dataclasses.fields(api)}
    return {"settings": f"{api!r} {api} {api:} {vars(api)} {values} {pprint.pformat(vars(api))}"}


@pytest.fixture
def logged():
    """Everything that any logger says at its most talkative, with the fields of its records."""
    stream = io.StringIO()

    class Everything(logging.Handler):
        def emit(self, record):
            stream.write(f"{record.name} {record.getMessage()} {vars(record)}\n")

    handler = Everything(level=1)
    root = logging.getLogger()
    names = ["impressions_analytics", "urllib3", "urllib3.connectionpool", "urllib3.util.retry", "requests", "asyncio"]
    before = {name: logging.getLogger(name).level for name in names}
    level = root.level
    root.addHandler(handler)
    root.setLevel(1)
    for name in names:
        logging.getLogger(name).setLevel(1)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)
    for name, old in before.items():
        logging.getLogger(name).setLevel(old)


@pytest.mark.parametrize("version", [2, pytest.param(3, marks=pytest.mark.slow), 4])
@pytest.mark.parametrize("fault", FAULTS)
def test_no_channel_shows_the_token_or_the_jwt_whatever_goes_wrong(fault, version, logged, tmp_path, capfd):
    told: dict[str, object] = {}
    faults = dict.fromkeys(range(1 + (version == 4), 30), fault) if fault else {}
    with (
        Sandbox(impressions=60, emailings=1, access_token=TOKEN, retry_after_seconds=0, refused_seconds=0.05) as box,
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always")
        box.behave(faults=faults, extra_column="news")
        api = ia.Copernica(TOKEN, version=version, url=box.url, auth_url=box.auth_url, patience_seconds=0.1)
        for call in (ia.load_impressions, ia.plan_load, lambda api: ia.load_statistics(api, emailing=401)):
            try:
                result = call(api)
            except ia.ImpressionsError as problem:
                told |= {f"{call} {what}": text for what, text in told_by(problem).items()}
            else:
                told[f"{call} result"] = f"{result!r} {getattr(result, 'attrs', '')}"
                if call is ia.load_impressions:
                    path = ia.write_snapshot(result, tmp_path / "opens.parquet")
                    told |= {"snapshot": path.read_bytes(), "certificate": json.dumps(result.attrs["load"])}
                    told["notebook"] = result.attrs["load"]._repr_html_()
        told |= told_by_settings(api)
        assert box.tokens_elsewhere == 0
        assert box.requests
    jwt = api.tokens.get("jwt")
    secrets = [TOKEN] + ([jwt.reveal()] if jwt else [])
    assert (jwt is not None) == (version == 4)
    told["log records"] = logged.getvalue()
    told["warnings"] = "\n".join(str(vars(one)) for one in warned)
    told["output"] = "".join(capfd.readouterr())
    assert [what for what, text in told.items() if holds(text, secrets)] == []
    assert "urllib3.connectionpool" in told["log records"]  # the search has something to find there


@pytest.mark.parametrize("fault", FAULTS)
def test_the_exchange_of_version_4_shows_nothing_either(fault, logged):
    with Sandbox(impressions=5, access_token=TOKEN, retry_after_seconds=0, refused_seconds=0.05) as box:
        box.behave(faults=dict.fromkeys(range(1, 30), fault) if fault else {})
        api = ia.Copernica(TOKEN, version=4, url=box.url, auth_url=box.auth_url, patience_seconds=0.1)
        told = {}
        try:
            ia.load_impressions(api)
        except ia.ImpressionsError as problem:
            told = told_by(problem)
        assert box.tokens_elsewhere == 0
    told |= {"log records": logged.getvalue(), **told_by_settings(api)}
    secrets = [TOKEN] + [jwt.reveal() for jwt in [api.tokens.get("jwt")] if jwt]
    assert [what for what, text in told.items() if holds(text, secrets)] == []


def test_the_search_itself_finds_what_is_planted():
    try:
        raise ValueError("harmless") from OSError(TOKEN)
    except ValueError as problem:
        told = told_by(problem)
    assert holds(told["exception 1"], [TOKEN])

    def careless(secret):
        raise ValueError("harmless")

    try:
        careless(TOKEN)
    except ValueError as problem:
        assert holds(told_by(problem)["traceback with every local variable"], [TOKEN])
    assert holds(f"GET /?access_token={TOKEN}", [TOKEN])


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404])
@pytest.mark.parametrize("version", [2, 4])
def test_an_answer_that_quotes_the_token_does_not_bring_it_into_a_message(status, version, echo):
    api = ia.Copernica(TOKEN, version=version, url=echo.url, auth_url=echo.url, patience_seconds=0)
    echo.answer = (status, json.dumps({"error": {"message": f"no access for {TOKEN} nor access_token={TOKEN}"}}))
    with pytest.raises(ia.RequestRefusedError) as caught:
        ia.load_impressions(api)
    assert [what for what, text in told_by(caught.value).items() if holds(text, [TOKEN])] == []
    assert "no access for <secret>" in str(caught.value)


def test_a_refused_jwt_that_is_quoted_is_hidden_too(echo):
    api = ia.Copernica(TOKEN, version=4, url=echo.url, patience_seconds=0)
    api.tokens.update(jwt=Secret(JWT), expires=float("inf"))
    echo.answer = (403, json.dumps({"error": {"message": f"the token {JWT} is worn out"}}))
    with pytest.raises(ia.RequestRefusedError) as caught:
        ia.load_impressions(api)
    assert [what for what, text in told_by(caught.value).items() if holds(text, [JWT])] == []


SLASHED = "abc/def+SECRET==0123"


def error_after_rows(token):
    row = dict.fromkeys(("ip", "device", "profile", "subprofile"))
    row |= {"mailing": "1", "timestamp": "2026-01-01 00:00:00", "useragent": "x" * 90, "destination": "5"}
    rows = [{"ID": str(number), **row} for number in range(20)]
    page = {"start": 0, "limit": 1000, "count": 20, "total": 20, "data": rows}
    return {**page, "error": {"message": f"your key {token} is worn out"}}


def row_with(token, **more):
    page = error_after_rows(token)
    del page["error"]
    page["data"] = page["data"][:1]
    page["data"][0] |= more
    return {**page, "count": 1, "total": 1}


QUOTES = {
    "a no": lambda token: (400, {"error": {"message": f"bad value {token} given"}}),
    "a no, percent-encoded": lambda token: (400, {"error": {"message": urllib.parse.quote(token, safe="")}}),
    "a no, cut short": lambda token: (400, {"error": {"message": "x" * 285 + token}}),
    "an error behind rows": lambda token: (200, error_after_rows(token)),
    "a value": lambda token: (200, row_with(token, destination=f"of {token}")),
    "a long value": lambda token: (200, row_with(token, destination="x" * 25 + token)),
    "a timestamp": lambda token: (200, row_with(token, timestamp=token)),
    "a row": lambda token: (200, {**row_with(token), "data": [token]}),
    "an unknown column": lambda token: (200, row_with(token, **{token: 1})),
    "a link": lambda token: (200, row_with(token, useragent=f"https://a.example/?key={token}")),
    "a statistic": lambda token: (200, {"impressions": {"total": token}}),
}


def as_php_writes(answer):
    return json.dumps(answer).replace("/", "\\/")


@pytest.mark.parametrize("write", [json.dumps, as_php_writes])
@pytest.mark.parametrize("token", [TOKEN, SLASHED])
@pytest.mark.parametrize("quote", QUOTES)
def test_an_answer_that_quotes_the_token_anywhere_shows_it_nowhere(quote, token, write, echo):
    status, answer = QUOTES[quote](token)
    echo.answer = (status, write(answer))
    api = ia.Copernica(token, url=echo.url, patience_seconds=0)
    told = {}
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for call in (ia.load_impressions, ia.load_statistics, ia.plan_load):
            try:
                result = call(api, emailing=1)
            except ia.ImpressionsError as problem:
                told |= {f"{call} {what}": text for what, text in told_by(problem).items() if "local" not in what}
            else:
                told[f"result of {call}"] = f"{result} {getattr(result, 'to_dict', dict)()}"
    told["warnings"] = [str(one.message) for one in warned]
    assert told
    secrets = [token, token.replace("/", "\\/"), urllib.parse.quote(token, safe="")]
    assert [what for what, text in told.items() if holds(text, secrets)] == []


def test_a_move_to_a_host_that_is_named_like_the_token_does_not_show_it(echo):
    echo.headers = [("Location", f"http://{TOKEN}.example/")]
    echo.answer = (301, "")
    with pytest.raises(ia.RequestRefusedError, match="<secret>") as caught:
        ia.load_impressions(ia.Copernica(TOKEN, url=echo.url))
    assert not holds(str(caught.value), [TOKEN])


def test_an_exchange_that_gives_the_same_jwt_again_is_believed(echo):
    api = ia.Copernica(TOKEN, version=4, url=echo.url, auth_url=echo.url, patience_seconds=0)
    api.tokens.update(jwt=Secret(JWT), expires=0.0)
    echo.answer = (200, json.dumps({"token": JWT}))
    with Transport(api) as transport:
        transport.get("identity")
    assert api.tokens["jwt"] == Secret(JWT)


def test_settings_cannot_be_written_to_a_file():
    api = ia.Copernica(TOKEN)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="hold a secret"):
            pickle.dumps(api, protocol)
    with pytest.raises(TypeError):
        json.dumps(dataclasses.astuple(api))


@pytest.mark.parametrize(
    "given",
    [{"version": 5}, {"url": "http://api.copernica.com"}, {"url": f"https://a.example/?access_token={TOKEN}"},
     {"url": f"https://{TOKEN}:x@a.example"}, {"timezone": "Mars"}, {"connections": 0}, {"patience_seconds": -1}],
)  # fmt: skip
def test_settings_that_are_refused_do_not_show_the_token(given):
    with pytest.raises(ia.SettingsError) as caught:
        ia.Copernica(TOKEN, **given)
    shown = [f"{one!r} {vars(one)}" for one in chain(caught.value)]
    assert not holds(shown, [TOKEN])


def run_impressions(*arguments, box=None, **environment):
    values = {"COPERNICA_ACCESS_TOKEN": TOKEN, "COPERNICA_PATIENCE_SECONDS": "0.3", "PYTHONWARNINGS": "default"}
    if box:
        values |= {"COPERNICA_API_URL": box.url, "COPERNICA_AUTH_URL": box.auth_url}
    return subprocess.run(
        [sys.executable, "-m", "impressions_analytics.cli", *arguments],
        capture_output=True, env={**os.environ, **values, **environment}, check=False, timeout=60,
    )  # fmt: skip


COMMANDS = [pytest.param("2", "400", marks=pytest.mark.slow), ("4", None)]
COMMANDS += [
    pytest.param(version, fault, marks=pytest.mark.slow)
    for version, fault in product("24", [None, "503", "301_away", "html_200", "401"])
]


@pytest.mark.parametrize(("version", "fault"), COMMANDS)
def test_the_command_line_shows_nothing(version, fault, tmp_path):
    with Sandbox(impressions=60, emailings=1, access_token=TOKEN) as box:
        box.behave(faults=dict.fromkeys(range(2, 30), fault) if fault else {})
        out = tmp_path / "opens.parquet"
        done = run_impressions("load", "--out", str(out), "--version", version, "--json", box=box)
    assert (done.returncode == 0) == out.exists()
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not holds(done.stdout + done.stderr + written, [TOKEN])


@pytest.mark.slow
def test_the_command_line_shows_no_token_that_it_cannot_use():
    done = run_impressions("load", "--plan", COPERNICA_ACCESS_TOKEN=f"{TOKEN} é")
    assert done.returncode == 2
    assert not holds(done.stdout + done.stderr, [TOKEN])


@pytest.fixture
def echo():
    """A server that answers whatever it is told to."""
    import threading
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body = self.server.answer
            self.send_response(status)
            for name, value in (*self.server.headers, ("Content-Length", str(len(body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.headers = []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


OK = b"HTTP/1.1 200 OK\r\n"
QUOTED_BY_HTTP = {
    "a header without a name": lambda asked: OK + b"no header but " + asked + b"\r\nContent-Length: 2\r\n\r\n{}",
    "a header": lambda asked: OK + b"X-Asked: " + asked + b"\r\nContent-Length: 2\r\n\r\n{}",
    "two lengths": lambda asked: OK + b"Content-Length: " + asked + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + asked,
    "a length": lambda asked: OK + b"Content-Length: 5, 6, " + asked + b"\r\n\r\n",
    "a status line": lambda asked: asked + b"\r\n\r\n",
    "a status": lambda asked: b"HTTP/1.1 " + asked + b" OK\r\n\r\n",
    "a reason": lambda asked: b"HTTP/1.1 404 " + asked + b"\r\nContent-Length: 0\r\n\r\n",
    "a chunk size": lambda asked: OK + b"Transfer-Encoding: chunked\r\n\r\n" + asked + b"\r\n",
    "an encoding": lambda asked: OK + b"Content-Encoding: gzip, " + asked + b"\r\n\r\n" + asked,
    "a move": lambda asked: b"HTTP/1.1 301 Moved\r\nLocation: /" + asked + b"\r\nContent-Length: 0\r\n\r\n",
    "a move elsewhere": lambda asked: b"HTTP/1.1 302 X\r\nLocation: http://" + asked + b".example/\r\n\r\n",
    "a wait": lambda asked: b"HTTP/1.1 429 X\r\nRetry-After: " + asked + b"\r\nContent-Length: 0\r\n\r\n",
}
"""Where a server, or a proxy before it, may put the secret that it was sent, so that HTTP libraries complain of it."""


@contextlib.contextmanager
def quoting(answer, secret):
    """Answer every request with the secret in an odd place; gives the port."""

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(answer(secret.encode()))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize("through", ["server", "exchange", "proxy"])
@pytest.mark.parametrize("place", QUOTED_BY_HTTP)
def test_no_library_tells_what_a_server_quotes(place, through, logged, capfd, monkeypatch):
    """Every logger is at DEBUG, and the standard library is told to print what it sends and gets."""
    monkeypatch.setattr("http.client.HTTPConnection.debuglevel", 1)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with quoting(QUOTED_BY_HTTP[place], JWT if through == "server" else TOKEN) as port:
            url = f"http://127.0.0.1:{port}"
            api = ia.Copernica(TOKEN, version=4, url=url, auth_url=url, patience_seconds=0)
            if through == "server":
                api.tokens.update(jwt=Secret(JWT), expires=float("inf"))
            if through == "proxy":
                monkeypatch.setenv("HTTPS_PROXY", url)
                api = ia.Copernica(TOKEN, patience_seconds=0)
            with pytest.raises(ia.ApiError) as raised:
                ia.load_impressions(api)
    told = {"log records": logged.getvalue(), "warnings": [str(vars(one)) for one in warned], **told_by(raised.value)}
    told["output"] = "".join(capfd.readouterr())
    assert [what for what, text in told.items() if holds(text, [TOKEN, JWT])] == []
    assert "urllib3.connectionpool" in told["log records"]  # the search has something to find there


@pytest.mark.parametrize("version", [2, 4])
def test_what_the_standard_library_may_print_is_not_printed(version, capfd, monkeypatch):
    monkeypatch.setattr("http.client.HTTPConnection.debuglevel", 1)
    with Sandbox(impressions=5, access_token=TOKEN) as box:
        ia.load_impressions(ia.Copernica(TOKEN, version=version, url=box.url, auth_url=box.auth_url))
    assert "".join(capfd.readouterr()) == ""


def test_a_transport_shows_nothing_of_itself():
    api = ia.Copernica(TOKEN, version=4)
    with Transport(api) as transport:
        assert not holds(f"{transport!r} {vars(transport)}", [TOKEN])
