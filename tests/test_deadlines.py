"""Servers that never come to an end: every phase has a deadline and a bound, and a slow body has its time."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import zlib
from collections.abc import Iterable, Iterator

import pytest

import impressions_analytics as ia
from impressions_analytics.api.session import Transport

LONG_ENOUGH_SECONDS = 60  # for a call that ends within a second, on a machine that is busy with other things
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PACKED = OK + b"Content-Encoding: gzip\r\n"
NOTHING = zlib.compressobj(wbits=31)
NOTHING = NOTHING.compress(b"") + NOTHING.flush(zlib.Z_FULL_FLUSH)
EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"


@contextlib.contextmanager
def served(*answer: Iterable[bytes], pause_seconds: float = 0.0) -> Iterator[str]:
    """Answer every connection with pieces, the last of them as often as the client takes it; gives the address."""
    over = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))
    threads = []

    def answered(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(65_536)
            for piece in itertools.chain(answer[:-1], itertools.repeat(answer[-1])):
                connection.sendall(piece)
                if over.wait(pause_seconds):
                    return

    def listen() -> None:
        with contextlib.suppress(OSError):
            while True:
                threads.append(threading.Thread(target=answered, args=(listening.accept()[0],)))
                threads[-1].start()

    threads.append(threading.Thread(target=listen))
    threads[0].start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for thread in threads:
            thread.join()


def outcome_of(url: str, **settings: object) -> bytes | BaseException:
    """Return what one call came to; a call without end is an error of the test."""
    api = ia.Copernica("planted0123456789token", url=url, auth_url=url, **settings)
    came: list[bytes | BaseException] = []

    def call() -> None:
        with Transport(api) as transport:
            try:
                came.append(transport.get("identity"))
            except BaseException as problem:  # noqa: BLE001 -- the test looks at it
                came.append(problem)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(LONG_ENOUGH_SECONDS)
    assert came, "the call has not ended"
    return came[0]


TRICKLES = {
    "status line": (b"HTTP/1.1 200 ", b"O"),
    "header name": (OK, b"X"),
    "header value": (OK + b"X: ", b"y"),
    "headers": (OK, b"X: y\r\n"),
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body of a length": (OK + b"Content-Length: 100000\r\n\r\n", b" "),
    "body until the end": (OK + b"\r\n", b" "),
    "chunk size": (CHUNKED, b"0"),
    "chunk extension": (CHUNKED + b"5;", b"x"),
    "chunks": (CHUNKED, b"1\r\n \r\n"),
    "trailer": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: y\r\n"),
    "packed stream that never yields": (PACKED + b"\r\n" + NOTHING, EMPTY_BLOCK),
    "packed header": (PACKED + b"\r\n" + b"\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\x03", b"name"),
    "error": (b"HTTP/1.1 400 No\r\nContent-Length: 100000\r\n\r\n", b" "),
}


@pytest.mark.parametrize("phase", TRICKLES)
def test_what_trickles_ends_in_words_in_every_phase(phase):
    """Each piece comes well within the time-out, the whole never would."""
    with served(*TRICKLES[phase], pause_seconds=0.01) as url:
        outcome = outcome_of(url, timeout_seconds=0.15, patience_seconds=0)
    assert isinstance(outcome, ia.ApiUnavailableError)
    assert "no answer within 0.15 s" in str(outcome) or "slower than 10,000 bytes a second" in str(outcome)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("phase", ["headers", "chunks"])
def test_retries_of_what_trickles_end_with_the_patience(phase):
    with served(*TRICKLES[phase], pause_seconds=0.01) as url:
        outcome = outcome_of(url, timeout_seconds=0.2, patience_seconds=1)
    assert isinstance(outcome, ia.ApiUnavailableError)


def test_the_exchange_of_version_4_has_the_same_deadline():
    with served(OK, b"X: y\r\n", pause_seconds=0.01) as url:
        outcome = outcome_of(url, timeout_seconds=0.15, patience_seconds=0, version=4)
    assert isinstance(outcome, ia.ApiUnavailableError)


def test_a_proxy_that_trickles_has_the_same_deadline(monkeypatch):
    with served(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", pause_seconds=0.01) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        outcome = outcome_of("https://a.example", timeout_seconds=0.15, patience_seconds=0)
    assert isinstance(outcome, ia.ApiUnavailableError)


def test_a_handshake_that_trickles_has_the_same_deadline():
    with served(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03", b"x", pause_seconds=0.01) as url:
        outcome = outcome_of(url.replace("http:", "https:"), timeout_seconds=0.15, patience_seconds=0)
    assert isinstance(outcome, ia.ApiUnavailableError)


FLOODS = {
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "header value": (OK + b"X: ", b"y" * 100_000),
    "headers": (OK, b"X: y\r\n" * 1000),
    "chunk size": (CHUNKED, b"0" * 100_000),
    "trailer": (CHUNKED + b"2\r\n{}\r\n0\r\n", b"X: y\r\n" + b"Z: " + b"z" * 60_000 + b"\r\n"),
    "packed stream that never yields": (PACKED + b"\r\n" + NOTHING, EMPTY_BLOCK * 20_000),
}


@pytest.mark.parametrize("phase", FLOODS)
def test_what_never_ends_at_full_speed_ends_in_words(phase):
    with served(*FLOODS[phase]) as url:
        outcome = outcome_of(url, timeout_seconds=20, patience_seconds=0)
    assert isinstance(outcome, ia.ApiUnavailableError)


@pytest.mark.slow
def test_a_slow_body_arrives_whole_as_long_as_it_moves():
    """It takes three times the time-out, and there is no patience for retries at all."""
    body = b" " * 20_000
    pieces = [OK + b"Content-Length: 602000\r\n\r\n", *[body] * 30, b" " * 2000]
    with served(*pieces, b"", pause_seconds=0.1) as url:
        outcome = outcome_of(url, timeout_seconds=1, patience_seconds=0)
    assert outcome == b" " * 602_000
