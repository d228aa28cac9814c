"""Ten thousand broken pages and ten thousand broken HTTP answers: each is read right, or is an error of the tree.

They run again from a seed, or longer, by hand: ``FUZZ_SEED=7 FUZZ_CASES=1000000 python -m pytest -m slow -s
tests/test_fuzz.py``. A case that fails is shown with its seed.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import random
import socket
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from itertools import product

import pandas as pd
import pyarrow as pa
import pytest

import impressions_analytics as ia
from impressions_analytics.api.session import Transport
from impressions_analytics.columns import EVENT_KINDS, columns_of
from impressions_analytics.loader.decode import Decoder, build_frame, time_column

SEED = int(os.environ.get("FUZZ_SEED", random.SystemRandom().randrange(10**6)))
CASES = int(os.environ.get("FUZZ_CASES", "10000"))
LONGEST_SECONDS = 30  # of one case, which takes a few milliseconds
KINDS = [*product(EVENT_KINDS, ("ms", "publisher")), ("destinations", "ms"), ("emailings", "ms")]

HOSTILE = [
    "0", "-1", "1.0", "1e5", "1e400", "-0", "9223372036854775807", "9223372036854775808", "1" * 400, "NaN", "Infinity",
    "1" * 5000,
    "null", "true", "{}", "[]", "[1]", '{"a":{"b":[null]}}', '{"name":5}', "[" * 500 + "]" * 500, '{"a":' * 2000 + "1",
    '""', '" "', '"0"', '"007"', '"+1"', '" 1"', '"1,2"', '"-1"', '"1e5"', '"9223372036854775807"',
    '"9223372036854775808"', '"\u0663"', '"\\u0000"', '"a\\u0000b"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\n"', '"a\nb"',
    '"\\x"', '"<html>"', '"' + "x" * 5000 + '"', '"0000-01-01 00:00:00"', '"0001-01-01 00:00:00"',
    '"9999-12-31 23:59:59"', '"2026-02-29 00:00:00"', '"2026-03-29 02:30:00"', '"2026-01-01T00:00:00"',
    '"2026-01-01 24:00:00"', '"2026-01-01 00:00:60"', '"::1"', '"1.2.3"', '"1.2.3.4\\u0000"', '"fe80::1%eth0"',
    "", "nul",
]  # fmt: skip
"""What may stand where a value should."""


def campaign(name: str, cases: int) -> Iterator[random.Random]:
    """Give a source of chance for each case; says which case failed, and refuses one that takes for ever."""
    print(f"\n{name}: {cases:,} cases from FUZZ_SEED={SEED}", flush=True)
    for number in range(cases):
        began = time.monotonic()
        try:
            yield random.Random(f"{name} {SEED} {number}")
        except GeneratorExit:
            print(f"{name}: failed in case {number} of FUZZ_SEED={SEED}", flush=True)
            raise
        assert time.monotonic() - began < LONGEST_SECONDS, f"case {number} of FUZZ_SEED={SEED} took too long"


def broken(chance: random.Random, whole: bytes) -> bytes:
    """Break bytes in one place: a bit, a cut, a repeat, a swap, or something put between."""
    a, b = sorted(chance.randrange(len(whole) + 1) for _ in range(2))
    b = min(b, a + chance.choice([1, 2, 8, 200]))
    match chance.randrange(6):
        case 0:
            place = chance.randrange(len(whole) or 1)
            return whole[:place] + bytes([whole[place] ^ 1 << chance.randrange(8)]) + whole[place + 1 :]
        case 1:
            return whole[:a]
        case 2:
            return whole[:a] + whole[b:]
        case 3:
            return whole[:b] + whole[a:]
        case 4:
            return whole[:a] + chance.choice(HOSTILE).encode() + whole[b:]
        case _:
            return whole[:a] + chance.randbytes(chance.choice([1, 3, 20])) + whole[a:]


def spelled(chance: random.Random, members: dict[str, str]) -> str:
    """Write an object whose members are JSON already; now and then with a member twice, wrong, or not at all."""
    pairs = list(members.items())
    for _ in range(chance.choice([0, 0, 0, 1, 2])):
        place = chance.randrange(len(pairs) or 1)
        match chance.randrange(4):
            case 0:
                pairs[place] = (pairs[place][0], chance.choice(HOSTILE))
            case 1:
                pairs.insert(place, (pairs[place][0], chance.choice(HOSTILE)))
            case 2:
                pairs.append((chance.choice(["news", "error", "ID", "id", ""]), chance.choice(HOSTILE)))
            case _:
                pairs[place : place + 1] = []
                pairs = pairs or [("ID", "1")]
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in pairs) + "}"


def page_of(chance: random.Random, kind: str, family: str) -> bytes:
    """Return a page of up to five rows, broken in no place or some."""
    rows = []
    for number in range(chance.randrange(6)):
        row: dict[str, object] = {}
        for column in columns_of(kind, family):
            outer, _, within = column.wire_names[0].partition(".")
            row[outer] = {within: column.example} if within else column.example
        row[next(iter(row))] = str(number + 1)
        rows.append(spelled(chance, {name: json.dumps(value) for name, value in row.items()}))
    count = str(len(rows))
    whole = spelled(
        chance, {"start": "0", "limit": "100", "count": count, "total": count, "data": "[" + ",".join(rows) + "]"}
    ).encode("utf-8", "surrogatepass")
    for _ in range(chance.choice([0, 0, 0, 1, 1])):
        whole = broken(chance, whole) or whole
    return whole


def told(body: bytes, kind: str, family: str) -> list[tuple[object, ...]]:
    """Read a page the plain way, with the standard library: what every cell says."""
    rows = []
    digits = lambda text: int(text) if len(text) < 100 else text  # noqa: E731 -- Python reads no thousands of them
    for row in json.loads(body, parse_int=digits)["data"]:
        cells = []
        for column in columns_of(kind, family):
            found = None
            for name in column.wire_names:
                outer, _, within = name.partition(".")
                if outer in row:
                    found = row[outer].get(within) if within and isinstance(row[outer], dict) else row[outer]
                    break
            cells.append(plain(column.type, found))
        rows.append(tuple(cells))
    return sorted(rows, key=repr)


def plain(kind: str, value: object) -> object:
    if value is None:
        return None
    if kind == "timestamp":
        return pd.Timestamp(str(value)).to_pydatetime()
    if kind == "integer":
        return int(str(value))
    return json.dumps(value, sort_keys=True) if kind == "json" else value if kind == "boolean" else str(value)


def loaded(frame: pd.DataFrame, kind: str, family: str) -> list[tuple[object, ...]]:
    """Return the cells of a frame in the same plain form."""
    columns = []
    for column in columns_of(kind, family):
        values = [None if pd.isna(value) else value for value in frame[column.name].astype(object)]
        if column.type == "json":
            values = [None if value is None else json.loads(value) for value in values]
        columns.append([plain(column.type, value) for value in values])
    return sorted(zip(*columns, strict=True), key=repr)


@pytest.mark.slow
def test_a_broken_page_is_read_right_or_is_an_error_of_the_tree():
    ends: Counter[str] = Counter()
    for chance in campaign("pages", CASES):
        kind, family = chance.choice(KINDS)
        body = page_of(chance, kind, family)
        decoder = Decoder(kind, family)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                page = decoder.decode(body)
            except ia.ImpressionsError as problem:
                ends[type(problem).__name__] += 1
                assert len(str(problem)) < 1000
                continue
            frame = build_frame(decoder, [pa.Table.from_batches([page.rows])])
        assert loaded(frame, kind, family) == told(body, kind, family), body
        assert frame[time_column(kind)].is_monotonic_increasing
        ends["frame"] += 1
    print(dict(ends))
    assert min(ends["frame"], ends["MalformedResponseError"], ends["NotJsonError"]) > CASES / 20


ROWS = [
    {"ID": str(number), "mailing": "1", "timestamp": f"2026-01-01 00:00:0{number}", "ip": "::1", "useragent": "a" * 99,
     "destination": "5", "profile": 7, "subprofile": None}
    for number in range(5)
]  # fmt: skip
PAGE = json.dumps({"start": 0, "limit": 1000, "count": 5, "total": 5, "data": ROWS}).encode()

HEADS = [
    b"Content-Length: 0", b"Content-Length: -1", b"Content-Length: 5, 5", b"Content-Length: 1e3", b"Content-Length:",
    b"Content-Length: " + b"9" * 300, b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: identity", b"Content-Encoding: gzip", b"Content-Encoding: deflate", b"Content-Encoding: br",
    b"Content-Encoding: gzip, gzip", b"Connection: keep-alive", b"Connection: close", b"Connection: upgrade",
    b"Location: /v2/moved", b"Location: http://[", b"Location: //elsewhere.invalid/", b"Retry-After: soon",
    b"Retry-After: " + b"9" * 400, b"Date: Fri, 31 Dec 99999 23:59:59 GMT", b"Set-Cookie: a=b; expires=never",
    b"no colon", b" folded", b"\tfolded", b": no name", b"X: \x00", b"X: \xff\xfe", b"X" * 70_000, b"", b"\r",
    b"HTTP/1.1 200 OK", b"Content-Type: text/html; charset=\xff",
]  # fmt: skip
STATUSES = [
    b"HTTP/1.1 200 OK", b"HTTP/1.0 200", b"HTTP/1.1 200", b"HTTP/2 200 OK", b"HTTP/1.1 204 No", b"HTTP/1.1 304 X",
    b"HTTP/1.1 301 Moved", b"HTTP/1.1 206 Part", b"HTTP/1.1 99 X", b"HTTP/1.1 1000 X", b"HTTP/1.1 -200 OK", b"HTTP/1.1",
    b"HTTP/1.1 101 Switch", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK", b"HTTP/1.1 400 \xff", b"HTTP/1.1 401 No",
    b"HTTP/1.1 503 Busy", b"HTTP/9.9 200 OK", b"ICY 200 OK", b"", b"HTTP/1.1 \xb2\xb2\xb2 OK", b"HTTP/1.1 2OO OK",
]  # fmt: skip


def answer_of(chance: random.Random) -> bytes:
    """Return an HTTP answer that carries the page, broken everywhere but in a bare body: nobody can see that."""
    heads, body = [], PAGE
    if packed := chance.random() < 0.4:
        heads.append(b"Content-Encoding: gzip")
        body = gzip.compress(body, chance.randrange(10), mtime=0)
    chunked = chance.random() < 0.4
    if packed and chance.random() < 0.3:
        body = broken(chance, body)
    if chunked:
        heads.append(b"Transfer-Encoding: chunked")
        body = in_chunks(chance, body)
    elif chance.random() < 0.8:
        heads.append(b"Content-Length: %d" % len(body))
    for _ in range(chance.choice([0, 0, 1, 2])):
        heads.insert(chance.randrange(len(heads) + 1), chance.choice(HEADS))
    status = chance.choice(STATUSES) if chance.random() < 0.3 else STATUSES[0]
    head = b"\r\n".join([status, *heads, b"", b""])
    if chance.random() < 0.3:
        head = broken(chance, head)
    whole = head + body
    return whole[: chance.randrange(len(whole))] if chance.random() < 0.1 else whole


def in_chunks(chance: random.Random, body: bytes) -> bytes:
    """Cut a body into chunks, some of whose size lines, ends or trailers are wrong."""
    said = b""
    while body:
        size = chance.choice([1, 7, 100, 2000])
        piece, body = body[:size], body[size:]
        line = b"%x" % len(piece)
        if chance.random() < 0.03:
            line = chance.choice([b"", b"-1", b"zz", b"0", b"f" * 20, line + b";x=y", b" " + line, b"0x" + line])
        said += line + b"\r\n" + piece + (b"\r\n" if chance.random() < 0.98 else chance.choice([b"", b"\n", b"\r\r"]))
    return said + b"0\r\n" + chance.choice([b"\r\n", b"", b"X: y\r\n\r\n", b"\xff\r\n", b"X" * 70_000])


@contextlib.contextmanager
def answering() -> Iterator[tuple[str, list[bytes]]]:
    """Serve, to every connection, the newest of some answers; gives the address and the list of answers."""
    answers: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0), backlog=100)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(LONGEST_SECONDS)
                    while b"\r\n\r\n" not in connection.recv(65_536):
                        pass
                    connection.sendall(answers[-1])

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", answers
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


@pytest.mark.slow
def test_a_broken_http_answer_gives_the_right_rows_or_an_error_of_the_tree():
    """What comes through is the page as it was sent, or is refused; every twentieth case is a whole load."""
    ends: Counter[str] = Counter()
    right = told(PAGE, "impressions", "ms")
    with answering() as (url, answers):
        api = ia.Copernica("planted0123456789token", url=url, patience_seconds=0, timeout_seconds=10, connections=1)
        for number, chance in enumerate(campaign("answers", CASES)):
            answers[:] = [answer_of(chance)]
            try:
                if number % 20 == 0:
                    assert loaded(ia.load_impressions(api, destination=5), "impressions", "ms") == right, answers
                    continue
                with Transport(api) as transport:
                    if (body := transport.get("ms/destination/5/impressions")) != PAGE:
                        Decoder("impressions").decode(body)
                        assert told(body, "impressions", "ms") == right, answers  # blank lines came before it
            except ia.ImpressionsError as problem:
                ends[type(problem).__name__] += 1
                assert len(str(problem)) < 1000
            else:
                ends["right"] += 1
    print(dict(ends))
    assert min(ends["right"], ends["ApiUnavailableError"]) > CASES / 20
